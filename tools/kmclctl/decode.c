// SPDX-License-Identifier: GPL-2.0
/*
 * A chunk's payload, field by field; of a valid stream or of a damaged one.
 */
#include <endian.h>
#include <inttypes.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "kmclctl.h"
#include "record.h"

static void set_number(json_t *out, const char *key, uint64_t value)
{
	json_object_set_new(out, key, json_integer(value));
}

static void set_hex(json_t *out, const char *key, uint64_t value)
{
	json_object_set_new(out, key, json_sprintf("0x%" PRIx64, value));
}

static void set_text(json_t *out, const char *key, const void *bytes, size_t size)
{
	char *text = format_text(bytes, size);

	json_object_set_new(out, key, json_string(text));
	free(text);
}

static void set_guid(json_t *out, const char *key, const uint8_t guid[16])
{
	char text[GUID_STRLEN + 1];

	format_guid(text, guid);
	json_object_set_new(out, key, json_string(text));
}

static void set_bytes(json_t *out, const char *key, const uint8_t *bytes, size_t size, size_t most)
{
	char *text;

	if (!size || !most)
		return;
	text = format_hex(bytes, size, most);
	json_object_set_new(out, key, json_string(text));
	free(text);
}

/* "value (name)", or the number alone. */
static void set_named(json_t *out, const char *key, uint32_t value, const char *name)
{
	if (name)
		json_object_set_new(out, key, json_string(name));
	else
		set_number(out, key, value);
}

struct flag {
	uint32_t bit;
	const char *name;
};

static void set_flags(json_t *out, uint32_t flags, const struct flag *known, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		if (flags & known[i].bit)
			json_array_append_new(list, json_string(known[i].name));
		flags &= ~known[i].bit;
	}
	if (flags)
		json_array_append_new(list, json_sprintf("0x%" PRIx32, flags));
	json_object_set_new(out, "flags", list);
}

static void decode_header(json_t *out, const uint8_t *payload)
{
	struct kmcl_stream_header h;

	memcpy(&h, payload, sizeof(h));
	set_hex(out, "magic", le32toh(h.magic));
	set_number(out, "version", le16toh(h.version));
	set_named(out, "kind", le16toh(h.kind), stream_kind_name(le16toh(h.kind)));
	set_hex(out, "compat", le32toh(h.compat));
	set_hex(out, "incompat", le32toh(h.incompat));
}

static void decode_end(json_t *out, const uint8_t *payload)
{
	struct kmcl_stream_end e;

	memcpy(&e, payload, sizeof(e));
	set_number(out, "chunks", le32toh(e.chunks));
	set_number(out, "streams", le32toh(e.streams));
	set_number(out, "taken", le32toh(e.taken));
	set_number(out, "received", le32toh(e.received));
	set_number(out, "completions", le32toh(e.completions));
	set_number(out, "queued", le32toh(e.queued));
	set_number(out, "sent", le32toh(e.sent));
	set_number(out, "unread", le32toh(e.unread));
}

static void decode_channel(json_t *out, const uint8_t *payload)
{
	static const struct flag flags[] = {
		{ KMCL_SAVED_PAUSED, "paused" },
		{ KMCL_SAVED_FAILED, "failed" },
	};
	struct kmcl_save_channel c;
	uint32_t state;

	memcpy(&c, payload, sizeof(c));
	set_text(out, "name", c.name, sizeof(c.name));
	set_named(out, "role", c.identity.server, c.identity.server == 0 ? "client" :
		  c.identity.server == 1 ? "server" : NULL);
	set_text(out, "bus", c.identity.bus, sizeof(c.identity.bus));
	set_guid(out, "bus_id", c.identity.bus_id);
	set_guid(out, "type", c.identity.type);
	set_guid(out, "instance", c.identity.instance);
	set_number(out, "subchannel", le16toh(c.identity.subchannel));
	state = le32toh(c.state);
	set_named(out, "state", state, state == KMCL_SAVED_CLOSED ? "closed" :
		  state == KMCL_SAVED_OPEN ? "open" : NULL);
	set_flags(out, le32toh(c.flags), flags, ARRAY_SIZE(flags));
	set_number(out, "max_packet_size", le32toh(c.max_packet_size));
	set_number(out, "max_external_data", le32toh(c.max_external_data));
	set_number(out, "max_chain", le32toh(c.max_chain));
	set_number(out, "max_packets", le32toh(c.max_packets));
	set_number(out, "quota", le32toh(c.quota));
	set_number(out, "late", le32toh(c.late));
	set_hex(out, "tx_generation", le64toh(c.tx_generation));
}

/* The three variable parts; nothing where they do not fit the chunk. */
static void decode_parts(json_t *out, const struct stream_chunk *chunk, size_t fixed,
			 uint32_t payload_len, uint32_t ranges_len, uint32_t private_len,
			 size_t bytes)
{
	struct record_parts parts = record_parts(fixed, payload_len, ranges_len, private_len);

	set_number(out, "payload_len", payload_len);
	set_number(out, "ranges_len", ranges_len);
	set_number(out, "private_len", private_len);
	if (parts.end > chunk->length)
		return;
	set_bytes(out, "payload", chunk->payload + parts.payload, payload_len, bytes);
	set_bytes(out, "ranges", chunk->payload + parts.ranges, ranges_len, bytes);
	set_bytes(out, "private", chunk->payload + parts.private_state, private_len, bytes);
}

static const char *packet_type_name(uint32_t type)
{
	switch (type) {
	case 6:
		return "in-band";
	case 7:
		return "transfer pages";
	case 8:
		return "GPADL";
	case 9:
		return "GPA direct";
	case 10:
		return "cancel";
	case 11:
		return "completion";
	default:
		return NULL;
	}
}

static void decode_received(json_t *out, const struct stream_chunk *chunk, size_t bytes)
{
	static const struct flag flags[] = {
		{ KMCL_SAVED_WANTS_COMPLETION, "wants-completion" },
		{ KMCL_SAVED_DEFERRED, "deferred" },
	};
	struct kmcl_save_received r;

	memcpy(&r, chunk->payload, sizeof(r));
	set_hex(out, "id", le64toh(r.id));
	set_named(out, "packet_type", le32toh(r.type), packet_type_name(le32toh(r.type)));
	set_flags(out, le32toh(r.flags), flags, ARRAY_SIZE(flags));
	decode_parts(out, chunk, sizeof(r), le32toh(r.payload_len), le32toh(r.ranges_len),
		     le32toh(r.private_len), bytes);
}

static void decode_packet(json_t *out, const struct stream_chunk *chunk, size_t bytes)
{
	/* VMB_PACKET_FLAG_* of the kernel's header */
	static const struct flag flags[] = {
		{ 0x1, "wait-for-completion" },
		{ 0x2, "force-mdl-length" },
		{ 0x4, "paged-buffer" },
	};
	struct kmcl_save_packet p;
	uint32_t state;

	memcpy(&p, chunk->payload, sizeof(p));
	set_hex(out, "id", le64toh(p.id));
	state = le32toh(p.state);
	set_named(out, "state", state, state == KMCL_SAVED_QUEUED ? "queued" :
		  state == KMCL_SAVED_SENT ? "sent" : NULL);
	set_flags(out, le32toh(p.flags), flags, ARRAY_SIZE(flags));
	set_hex(out, "ext_token", le64toh(p.ext_token));
	set_number(out, "ext_len", le32toh(p.ext_len));
	decode_parts(out, chunk, sizeof(p), le32toh(p.payload_len), le32toh(p.ranges_len),
		     le32toh(p.private_len), bytes);
}

static void decode_lent(json_t *out, const uint8_t *payload)
{
	struct kmcl_save_lent lent;

	memcpy(&lent, payload, sizeof(lent));
	set_hex(out, "id", le64toh(lent.id));
	set_hex(out, "ext_token", le64toh(lent.ext_token));
}

static void decode_bus(json_t *out, const uint8_t *payload)
{
	struct kmcl_save_bus b;

	memcpy(&b, payload, sizeof(b));
	set_text(out, "bus", b.bus, sizeof(b.bus));
	set_guid(out, "bus_id", b.bus_id);
	set_number(out, "version", le32toh(b.version));
	set_number(out, "data_len", le64toh(b.data_len));
}

json_t *decode_payload(const struct stream_chunk *chunk, size_t bytes)
{
	size_t fixed = stream_fixed_size(chunk->type);
	json_t *out = json_object();

	if (!fixed || chunk->length < fixed) {
		set_bytes(out, "data", chunk->payload, chunk->length, bytes);
		return out;
	}
	switch (chunk->type) {
	case KMCL_CHUNK_HEADER:
		decode_header(out, chunk->payload);
		break;
	case KMCL_CHUNK_END:
		decode_end(out, chunk->payload);
		break;
	case KMCL_CHUNK_CHANNEL:
		decode_channel(out, chunk->payload);
		break;
	case KMCL_CHUNK_TAKEN:
	case KMCL_CHUNK_RECEIVED:
	case KMCL_CHUNK_COMPLETION:
		decode_received(out, chunk, bytes);
		break;
	case KMCL_CHUNK_PACKET:
		decode_packet(out, chunk, bytes);
		break;
	case KMCL_CHUNK_LENT:
		decode_lent(out, chunk->payload);
		break;
	case KMCL_CHUNK_BUS:
		decode_bus(out, chunk->payload);
		break;
	}
	return out;
}
