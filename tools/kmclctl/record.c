// SPDX-License-Identifier: GPL-2.0
/*
 * The records inside a bus's or a channel's stream.
 */
#include <endian.h>
#include <inttypes.h>
#include <linux/kmcl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmclctl.h"
#include "record.h"

/* Documentation/save-stream.rst: what the fields of a channel's records may have */
#define QUOTA_MAX	65536
#define LATE_MAX	1048576
#define GENERATION_MAX	((1ULL << 44) - (1ULL << 40))
#define STATE_MAX	(512 * 1024)
#define PRIVATE_MAX	(64 * 1024)
#define PACKET_FLAGS	0x7U
#define PACKET_WAITS	0x1U

__attribute__((format(printf, 3, 4)))
static void problem(struct record_reader *r, size_t offset, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->problem(r->context, offset, text);
}

/* Room for one more, doubling. */
static void *grow(void *array, size_t used, size_t item)
{
	if (used & (used - 1))
		return array;
	array = reallocarray(array, used ? 2 * used : 1, item);
	if (!array)
		abort();
	return array;
}

static bool all_zero(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	while (size--) {
		if (*p++)
			return false;
	}
	return true;
}

static void check_name(struct record_reader *r, size_t offset, const char *what,
		       const uint8_t *name, size_t size)
{
	size_t length = strnlen((const char *)name, size);

	if (!all_zero(name + length, size - length))
		problem(r, offset, "%s is not padded with NULs", what);
}

static void check_flags(struct record_reader *r, size_t offset, uint32_t flags, uint32_t known)
{
	if (flags & ~known)
		problem(r, offset, "unknown flags 0x%" PRIx32, flags & ~known);
}

static void check_most(struct record_reader *r, size_t offset, const char *what, uint64_t value,
		       uint64_t most)
{
	if (value > most)
		problem(r, offset, "%s: %" PRIu64 ", the most is %" PRIu64, what, value, most);
}

struct record_parts record_parts(size_t fixed, uint32_t payload_len, uint32_t ranges_len,
				 uint32_t private_len)
{
	struct record_parts parts = { .payload = fixed };

	parts.ranges = parts.payload + (((size_t)payload_len + 7) & ~(size_t)7);
	parts.private_state = parts.ranges + (((size_t)ranges_len + 7) & ~(size_t)7);
	parts.end = parts.private_state + (((size_t)private_len + 7) & ~(size_t)7);
	return parts;
}

static void check_parts(struct record_reader *r, const struct stream_chunk *chunk, size_t fixed,
			uint32_t payload_len, uint32_t ranges_len, uint32_t private_len)
{
	struct record_parts parts = record_parts(fixed, payload_len, ranges_len, private_len);

	if (parts.end != chunk->length) {
		problem(r, chunk->offset, "its parts have %zu bytes together, the chunk has %"
			PRIu32, parts.end, chunk->length);
		return;
	}
	if (!all_zero(chunk->payload + fixed + payload_len,
		      parts.ranges - fixed - payload_len) ||
	    !all_zero(chunk->payload + parts.ranges + ranges_len,
		      parts.private_state - parts.ranges - ranges_len) ||
	    !all_zero(chunk->payload + parts.private_state + private_len,
		      parts.end - parts.private_state - private_len))
		problem(r, chunk->offset, "the padding between its parts is not 0");
	/* What comes from a ring is padded to 8 there. */
	if (r->max_packet_size && payload_len > (((uint64_t)r->max_packet_size + 7) & ~7ULL))
		problem(r, chunk->offset, "a payload of %" PRIu32
			" bytes on a channel whose packets have at most %" PRIu32,
			payload_len, r->max_packet_size);
	check_most(r, chunk->offset, "bytes of private state", private_len, PRIVATE_MAX);
}

/* Only an open link has packets on their way, and late completions. */
static void check_link(struct record_reader *r, const struct stream_chunk *chunk)
{
	if (r->closed)
		problem(r, chunk->offset, "a %s%s chunk of a channel that is closed",
			chunk->type == KMCL_CHUNK_PACKET ? "sent " : "",
			stream_type_name(chunk->type));
}

static void check_lent(struct record_reader *r, const struct stream_chunk *chunk)
{
	check_link(r, chunk);
	if (r->max_packet_size && ++r->lent == r->late + 1ULL)
		problem(r, chunk->offset, "more of them than late completions, %" PRIu32, r->late);
}

/* What a peer may ask for: in-band, transfer pages, GPA direct. */
static bool is_request(uint32_t type)
{
	return type == 6 || type == 7 || type == 9;
}

static void check_received(struct record_reader *r, const struct stream_chunk *chunk)
{
	struct kmcl_save_received rec;

	memcpy(&rec, chunk->payload, sizeof(rec));
	check_link(r, chunk);
	if (!is_request(le32toh(rec.type)))
		problem(r, chunk->offset, "a packet type that no request has: %" PRIu32,
			le32toh(rec.type));
	check_parts(r, chunk, sizeof(rec), le32toh(rec.payload_len), le32toh(rec.ranges_len),
		    le32toh(rec.private_len));
	check_flags(r, chunk->offset, le32toh(rec.flags),
		    KMCL_SAVED_WANTS_COMPLETION | KMCL_SAVED_DEFERRED);
	if (chunk->type == KMCL_CHUNK_COMPLETION && rec.ranges_len)
		problem(r, chunk->offset, "a completion with ranges");
	if (chunk->type != KMCL_CHUNK_RECEIVED && rec.private_len)
		problem(r, chunk->offset, "private state of a packet that no consumer has");
	if (rec.reserved)
		problem(r, chunk->offset, "a reserved field is not 0");
}

static void check_packet(struct record_reader *r, const struct stream_chunk *chunk)
{
	struct kmcl_save_packet rec;
	uint32_t flags, state;

	memcpy(&rec, chunk->payload, sizeof(rec));
	flags = le32toh(rec.flags);
	check_parts(r, chunk, sizeof(rec), le32toh(rec.payload_len), le32toh(rec.ranges_len),
		    le32toh(rec.private_len));
	if (le32toh(rec.ext_len) > r->max_external_data && r->max_packet_size)
		problem(r, chunk->offset, "%" PRIu32
			" bytes of external memory on a channel that has at most %" PRIu32,
			le32toh(rec.ext_len), r->max_external_data);
	if (!rec.ranges_len != !rec.ext_len || !rec.ranges_len != !rec.ext_token)
		problem(r, chunk->offset,
			"of external memory's ranges, bytes and token some are there and some not");
	check_flags(r, chunk->offset, flags, PACKET_FLAGS);
	state = le32toh(rec.state);
	if ((state == KMCL_SAVED_SENT || rec.ranges_len) &&
	    !(flags & PACKET_WAITS))
		problem(r, chunk->offset, "it waits for a completion that it does not want");
	if (state == KMCL_SAVED_QUEUED) {
		r->found->queued++;
		r->queued = true;
	} else if (state == KMCL_SAVED_SENT) {
		r->found->sent++;
		check_link(r, chunk);
		if (r->queued)
			problem(r, chunk->offset, "a sent packet behind a queued one");
	} else {
		problem(r, chunk->offset, "unknown state %" PRIu32 " of a packet", state);
	}
	if (rec.id) {
		r->ids = grow(r->ids, r->nr_ids, sizeof(*r->ids));
		r->ids[r->nr_ids++] = (struct record_id) { le64toh(rec.id), chunk->offset };
	}
}

static void add_owner(struct record_reader *r, const struct kmcl_identity *identity,
		      size_t offset)
{
	struct record_index *index = r->index;

	index->owners = grow(index->owners, index->nr, sizeof(*index->owners));
	index->owners[index->nr++] = (struct record_owner) { *identity, offset };
}

static void check_channel(struct record_reader *r, const struct stream_chunk *chunk)
{
	struct kmcl_save_channel rec;
	uint32_t state;

	memcpy(&rec, chunk->payload, sizeof(rec));
	check_name(r, chunk->offset, "the bus's name", rec.identity.bus, sizeof(rec.identity.bus));
	check_name(r, chunk->offset, "the channel's name", rec.name, sizeof(rec.name));
	if (!rec.identity.bus[0])
		problem(r, chunk->offset, "the channel has no bus");
	if (rec.identity.server > 1)
		problem(r, chunk->offset, "the role is %u, neither client (0) nor server (1)",
			rec.identity.server);
	state = le32toh(rec.state);
	if (state != KMCL_SAVED_CLOSED && state != KMCL_SAVED_OPEN)
		problem(r, chunk->offset, "unknown state %" PRIu32 " of a channel", state);
	check_flags(r, chunk->offset, le32toh(rec.flags), KMCL_SAVED_PAUSED | KMCL_SAVED_FAILED);
	if (!rec.quota)
		problem(r, chunk->offset, "a transaction quota of 0");
	check_most(r, chunk->offset, "transaction quota", le32toh(rec.quota), QUOTA_MAX);
	check_most(r, chunk->offset, "late completions", le32toh(rec.late), LATE_MAX);
	check_most(r, chunk->offset, "transaction generations", le64toh(rec.tx_generation),
		   GENERATION_MAX);
	if (!all_zero(rec.identity.reserved, sizeof(rec.identity.reserved)))
		problem(r, chunk->offset, "a reserved field is not 0");
	r->max_packet_size = le32toh(rec.max_packet_size);
	r->max_external_data = le32toh(rec.max_external_data);
	r->late = le32toh(rec.late);
	r->closed = state == KMCL_SAVED_CLOSED;
	add_owner(r, &rec.identity, chunk->offset);
}

static void check_bus(struct record_reader *r, const struct stream_chunk *chunk)
{
	struct kmcl_identity identity = { 0 };
	struct kmcl_save_bus rec;

	memcpy(&rec, chunk->payload, sizeof(rec));
	check_name(r, chunk->offset, "the bus's name", rec.bus, sizeof(rec.bus));
	if (!rec.bus[0])
		problem(r, chunk->offset, "the bus has no name");
	if (rec.reserved)
		problem(r, chunk->offset, "a reserved field is not 0");
	r->data_said = le64toh(rec.data_len);

	memcpy(identity.bus, rec.bus, sizeof(rec.bus));
	memcpy(identity.bus_id, rec.bus_id, sizeof(rec.bus_id));
	add_owner(r, &identity, chunk->offset);
}

/* Chunks of a channel come in the order of their numbers. */
static bool in_order(struct record_reader *r, const struct stream_chunk *chunk)
{
	bool of_bus = chunk->type == KMCL_CHUNK_BUS || chunk->type == KMCL_CHUNK_BUS_DATA;
	bool in_bus = r->kind == KMCL_STREAM_BUS;
	uint32_t first = in_bus ? KMCL_CHUNK_BUS : KMCL_CHUNK_CHANNEL;
	const char *name = stream_type_name(chunk->type);
	uint32_t last = r->last;

	if (r->kind && of_bus != in_bus) {
		problem(r, chunk->offset, "a %s chunk in the stream of a %s", name,
			stream_kind_name(r->kind));
		return false;
	}
	r->last = chunk->type;
	if (!last && !r->lost_first && r->kind && chunk->type != first) {
		problem(r, chunk->offset, "the stream starts with a %s chunk, not with a %s", name,
			stream_type_name(first));
	} else if (last && (chunk->type < last ||
			    (chunk->type == last && (chunk->type == KMCL_CHUNK_BUS ||
						     chunk->type == KMCL_CHUNK_CHANNEL ||
						     chunk->type == KMCL_CHUNK_CHANNEL_STATE)))) {
		problem(r, chunk->offset, chunk->type == last ? "a second %s chunk" :
			"a %s chunk out of order", name);
		r->last = last;
	}
	return true;
}

void record_begin(struct record_reader *r, uint16_t kind, struct stream_counts *found,
		  struct record_index *index, record_report_fn *problem_fn, void *context)
{
	*r = (struct record_reader) {
		.kind = kind,
		.found = found,
		.index = index,
		.problem = problem_fn,
		.context = context,
	};
}

/* By the type alone: a packet that is wrong inside is there all the same. */
static void count(struct record_reader *r, const struct stream_chunk *chunk)
{
	r->found->taken += chunk->type == KMCL_CHUNK_TAKEN;
	r->found->received += chunk->type == KMCL_CHUNK_RECEIVED;
	r->found->completions += chunk->type == KMCL_CHUNK_COMPLETION;
}

void record_check(struct record_reader *r, const struct stream_chunk *chunk)
{
	size_t fixed = stream_fixed_size(chunk->type);
	bool exact = chunk->type == KMCL_CHUNK_CHANNEL || chunk->type == KMCL_CHUNK_BUS ||
		     chunk->type == KMCL_CHUNK_LENT;

	if (!in_order(r, chunk))
		return;
	count(r, chunk);
	if (chunk->length < fixed || (exact && chunk->length != fixed)) {
		problem(r, chunk->offset, "a %s has %s%zu bytes of payload, not %" PRIu32,
			stream_type_name(chunk->type), exact ? "" : "at least ", fixed,
			chunk->length);
		return;
	}
	switch (chunk->type) {
	case KMCL_CHUNK_CHANNEL:
		check_channel(r, chunk);
		break;
	case KMCL_CHUNK_TAKEN:
	case KMCL_CHUNK_RECEIVED:
	case KMCL_CHUNK_COMPLETION:
		check_received(r, chunk);
		break;
	case KMCL_CHUNK_PACKET:
		check_packet(r, chunk);
		break;
	case KMCL_CHUNK_LENT:
		check_lent(r, chunk);
		break;
	case KMCL_CHUNK_CHANNEL_STATE:
		if (!chunk->length)
			problem(r, chunk->offset, "the channel's state is empty");
		check_most(r, chunk->offset, "bytes of the channel's state", chunk->length,
			   STATE_MAX);
		break;
	case KMCL_CHUNK_BUS:
		check_bus(r, chunk);
		break;
	case KMCL_CHUNK_BUS_DATA:
		r->data_found += chunk->length;
		break;
	}
}

/* A chunk that cannot be trusted was here. */
void record_skip(struct record_reader *r, uint32_t type)
{
	(void)type;
	if (!r->last)
		r->lost_first = true;
}

static int compare_ids(const void *a, const void *b)
{
	const struct record_id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* At a stream's END: what can be said of the records together. */
void record_end(struct record_reader *r, size_t offset, bool damaged)
{
	if (!damaged && !r->last && r->kind)
		problem(r, offset, "the %s's record is missing", stream_kind_name(r->kind));
	if (!damaged && r->data_found != r->data_said)
		problem(r, offset, "the bus is said to have %" PRIu64 " bytes of data, %" PRIu64
			" are there", r->data_said, r->data_found);
	if (r->nr_ids)
		qsort(r->ids, r->nr_ids, sizeof(*r->ids), compare_ids);
	for (size_t i = 1; i < r->nr_ids; i++) {
		if (r->ids[i].id == r->ids[i - 1].id)
			problem(r, r->ids[i].offset, "transaction 0x%" PRIx64
				" is there twice, first at offset 0x%zx", r->ids[i].id,
				r->ids[i - 1].offset);
	}
}

void record_finish(struct record_reader *r)
{
	free(r->ids);
	r->ids = NULL;
}

static int compare_owners(const void *a, const void *b)
{
	const struct record_owner *x = a, *y = b;
	int order = memcmp(&x->identity, &y->identity, sizeof(x->identity));

	return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

void record_index_check(const struct record_index *index, record_report_fn *problem_fn,
			void *context)
{
	const struct record_owner *o = index->owners;
	char text[80];

	if (index->nr)
		qsort(index->owners, index->nr, sizeof(*o), compare_owners);
	for (size_t i = 1; i < index->nr; i++) {
		if (memcmp(&o[i].identity, &o[i - 1].identity, sizeof(o->identity)))
			continue;
		snprintf(text, sizeof(text), "is there twice, first at offset 0x%zx",
			 o[i - 1].offset);
		problem_fn(context, o[i].offset, text);
	}
}

void record_index_free(struct record_index *index)
{
	free(index->owners);
	memset(index, 0, sizeof(*index));
}
