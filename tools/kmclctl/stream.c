// SPDX-License-Identifier: GPL-2.0
/*
 * The framing of a save stream and how streams nest: heads, checksums,
 * sequence numbers, counts. What is inside a payload is record.c's.
 */
#include <endian.h>
#include <inttypes.h>
#include <linux/kmcl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "kmclctl.h"
#include "record.h"
#include "stream.h"

enum next {
	NEXT_CHUNK,
	NEXT_STOP,	/* the end of the bytes, or of what can be made out */
};

struct parser {
	const uint8_t *data;
	size_t size;
	size_t pos;
	const struct stream_visitor *visitor;
	struct stream_summary *summary;
	bool save_id_known;
	bool damaged;		/* a chunk's content is in doubt: counts say nothing */
	unsigned int stream;
	uint32_t outer_seq;
	uint32_t *seq;		/* of the stream at hand: what comes next */
	struct record_index index;
};

static const struct {
	uint32_t type;
	const char *name;
	size_t fixed;
} types[] = {
	{ KMCL_CHUNK_HEADER, "HEADER", sizeof(struct kmcl_stream_header) },
	{ KMCL_CHUNK_END, "END", sizeof(struct kmcl_stream_end) },
	{ KMCL_CHUNK_CHANNEL, "CHANNEL", sizeof(struct kmcl_save_channel) },
	{ KMCL_CHUNK_CHANNEL_STATE, "CHANNEL_STATE", 0 },
	{ KMCL_CHUNK_TAKEN, "TAKEN", sizeof(struct kmcl_save_received) },
	{ KMCL_CHUNK_RECEIVED, "RECEIVED", sizeof(struct kmcl_save_received) },
	{ KMCL_CHUNK_COMPLETION, "COMPLETION", sizeof(struct kmcl_save_received) },
	{ KMCL_CHUNK_PACKET, "PACKET", sizeof(struct kmcl_save_packet) },
	{ KMCL_CHUNK_BUS, "BUS", sizeof(struct kmcl_save_bus) },
	{ KMCL_CHUNK_BUS_DATA, "BUS_DATA", 0 },
	{ KMCL_CHUNK_LENT, "LENT", sizeof(struct kmcl_save_lent) },
};

const char *stream_type_name(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type)
			return types[i].name;
	}
	return NULL;
}

size_t stream_fixed_size(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type)
			return types[i].fixed;
	}
	return 0;
}

const char *stream_kind_name(uint16_t kind)
{
	switch (kind) {
	case KMCL_STREAM_SET:
		return "set";
	case KMCL_STREAM_BUS:
		return "bus";
	case KMCL_STREAM_CHANNEL:
		return "channel";
	default:
		return NULL;
	}
}

__attribute__((format(printf, 3, 4)))
static void problem(struct parser *p, size_t offset, const char *format, ...)
{
	struct stream_summary *summary = p->summary;
	char text[sizeof(summary->first_text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!summary->problems++) {
		summary->first_offset = offset;
		memcpy(summary->first_text, text, sizeof(text));
	}
	if (p->visitor && p->visitor->problem)
		p->visitor->problem(p->visitor->context, offset, text);
}

static void record_problem(void *context, size_t offset, const char *text)
{
	problem(context, offset, "%s", text);
}

static void note(void *context, size_t offset, const char *text)
{
	struct parser *p = context;

	if (p->visitor && p->visitor->note)
		p->visitor->note(p->visitor->context, offset, text);
}

static size_t padded(size_t length)
{
	return (length + KMCL_CHUNK_ALIGN - 1) & ~(size_t)(KMCL_CHUNK_ALIGN - 1);
}

static uint32_t chunk_crc(const uint8_t *at, size_t size)
{
	static const uint8_t zero[sizeof(((struct kmcl_chunk *)0)->crc)];
	size_t before = offsetof(struct kmcl_chunk, crc);
	uint32_t crc;

	crc = crc32c_update(~0U, at, before);
	crc = crc32c_update(crc, zero, sizeof(zero));
	return ~crc32c_update(crc, at + sizeof(struct kmcl_chunk),
			      size - sizeof(struct kmcl_chunk));
}

/* After a damaged chunk: does one that belongs here follow, or the end? */
static bool in_step(const struct parser *p, size_t pos, uint32_t seq)
{
	struct kmcl_chunk head;

	if (pos == p->size)
		return true;
	if (p->size - pos < sizeof(head))
		return false;
	memcpy(&head, p->data + pos, sizeof(head));
	if (p->save_id_known && le64toh(head.save_id) != p->summary->save_id)
		return false;
	return le32toh(head.seq) == seq || le32toh(head.seq) == p->outer_seq ||
		le32toh(head.type) == KMCL_CHUNK_HEADER;
}

/*
 * Take the next chunk. @valid says whether its checksum holds, which is needed
 * to say anything about its content.
 */
static enum next next_chunk(struct parser *p, struct stream_chunk *chunk, bool *valid)
{
	size_t left = p->size - p->pos, total;
	const uint8_t *at = p->data + p->pos;
	struct kmcl_chunk head;
	uint32_t crc;

	if (!left)
		return NEXT_STOP;
	if (left < sizeof(head)) {
		problem(p, p->pos, "cut short: a chunk head has %zu bytes, %zu are there",
			sizeof(head), left);
		p->pos = p->size;
		p->damaged = true;
		return NEXT_STOP;
	}
	memcpy(&head, at, sizeof(head));
	*chunk = (struct stream_chunk) {
		.offset = p->pos,
		.stream = p->stream,
		.type = le32toh(head.type),
		.length = le32toh(head.length),
		.flags = le32toh(head.flags),
		.seq = le32toh(head.seq),
		.save_id = le64toh(head.save_id),
		.crc = le32toh(head.crc),
		.payload = at + sizeof(head),
	};
	if (!p->summary->kind && chunk->type != KMCL_CHUNK_HEADER) {
		problem(p, p->pos,
			"not a save stream: it starts with %02x %02x %02x %02x, not \"KMCL\"",
			at[0], at[1], at[2], at[3]);
		p->pos = p->size;
		return NEXT_STOP;
	}
	if (chunk->length > KMCL_CHUNK_MAX) {
		problem(p, p->pos, "the payload is said to have %" PRIu32
			" bytes, the most is %u", chunk->length, KMCL_CHUNK_MAX);
		p->pos = p->size;
		p->damaged = true;
		return NEXT_STOP;
	}
	total = sizeof(head) + padded(chunk->length);
	if (left < total) {
		problem(p, p->pos, "cut short: the chunk has %zu bytes, %zu are there", total,
			left);
		p->pos = p->size;
		p->damaged = true;
		return NEXT_STOP;
	}
	if (chunk->type == KMCL_CHUNK_HEADER && p->summary->kind == KMCL_STREAM_SET)
		chunk->stream++;
	if (p->visitor && p->visitor->chunk)
		p->visitor->chunk(p->visitor->context, chunk);
	p->pos += total;

	crc = chunk_crc(at, total);
	*valid = crc == chunk->crc;
	if (!*valid) {
		problem(p, chunk->offset, "the CRC32C is %08" PRIx32 ", should be %08" PRIx32,
			chunk->crc, crc);
		p->damaged = true;
		if (!in_step(p, p->pos, *p->seq + 1)) {
			note(p, chunk->offset,
			     "what follows is no chunk of this stream and was not read");
			p->pos = p->size;
		}
		return NEXT_CHUNK;
	}
	if (!p->save_id_known) {
		p->summary->save_id = chunk->save_id;
		p->save_id_known = true;
	} else if (chunk->save_id != p->summary->save_id) {
		problem(p, chunk->offset, "belongs to another save: id %016" PRIx64
			", here it is %016" PRIx64, chunk->save_id, p->summary->save_id);
	}
	if (head.reserved)
		problem(p, chunk->offset, "a reserved field of the head is not 0");
	if (chunk->flags & ~KMCL_CHUNK_OPTIONAL)
		problem(p, chunk->offset, "unknown flags 0x%" PRIx32,
			chunk->flags & ~KMCL_CHUNK_OPTIONAL);
	for (size_t i = chunk->length; i < padded(chunk->length); i++) {
		if (chunk->payload[i]) {
			problem(p, chunk->offset, "the padding is not 0");
			break;
		}
	}
	return NEXT_CHUNK;
}

static void check_seq(struct parser *p, const struct stream_chunk *chunk)
{
	if (chunk->seq != *p->seq)
		problem(p, chunk->offset, "sequence number %" PRIu32 ", should be %" PRIu32
			": a chunk is missing, doubled or misplaced", chunk->seq, *p->seq);
	*p->seq = chunk->seq + 1;
}

/* Return the kind of stream that begins, 0 if that cannot be said. */
static uint16_t check_header(struct parser *p, const struct stream_chunk *chunk)
{
	struct kmcl_stream_header header;
	uint16_t version, kind;
	char text[80];

	if (chunk->length != sizeof(header)) {
		problem(p, chunk->offset, "a HEADER has %zu bytes of payload, not %" PRIu32,
			sizeof(header), chunk->length);
		return 0;
	}
	memcpy(&header, chunk->payload, sizeof(header));
	version = le16toh(header.version);
	kind = le16toh(header.kind);
	if (le32toh(header.magic) != KMCL_STREAM_MAGIC)
		problem(p, chunk->offset, "the magic is 0x%08" PRIx32 ", should be 0x%08x",
			le32toh(header.magic), KMCL_STREAM_MAGIC);
	if (!version || version > KMCL_STREAM_VERSION)
		problem(p, chunk->offset, "version %u, this kmclctl knows up to %u",
			version, KMCL_STREAM_VERSION);
	if (header.incompat)
		problem(p, chunk->offset, "needs features 0x%" PRIx32
			", which this kmclctl does not know", le32toh(header.incompat));
	if (header.compat) {
		snprintf(text, sizeof(text), "has features 0x%" PRIx32 ", which may be ignored",
			 le32toh(header.compat));
		note(p, chunk->offset, text);
	}
	if (!stream_kind_name(kind)) {
		problem(p, chunk->offset, "unknown kind of stream %u", kind);
		return 0;
	}
	return kind;
}

static void check_count(struct parser *p, const struct stream_chunk *chunk, const char *what,
			uint32_t said, uint32_t found)
{
	if (said != found && !p->damaged)
		problem(p, chunk->offset, "says %" PRIu32 " %s, %" PRIu32 " are there",
			said, what, found);
}

static void check_end(struct parser *p, const struct stream_chunk *chunk, uint32_t chunks,
		      uint32_t streams, struct stream_counts *found)
{
	struct kmcl_stream_end end;

	if (chunk->length != sizeof(end)) {
		problem(p, chunk->offset, "an END has %zu bytes of payload, not %" PRIu32,
			sizeof(end), chunk->length);
		return;
	}
	memcpy(&end, chunk->payload, sizeof(end));
	check_count(p, chunk, "chunks", le32toh(end.chunks), chunks);
	check_count(p, chunk, "streams", le32toh(end.streams), streams);
	check_count(p, chunk, "taken packets", le32toh(end.taken), found->taken);
	check_count(p, chunk, "received packets", le32toh(end.received), found->received);
	check_count(p, chunk, "completions", le32toh(end.completions), found->completions);
	check_count(p, chunk, "queued packets", le32toh(end.queued), found->queued);
	check_count(p, chunk, "sent packets", le32toh(end.sent), found->sent);
	if (end.reserved[0] || end.reserved[1])
		problem(p, chunk->offset, "a reserved field is not 0");
	found->unread = le32toh(end.unread);
}

static void unknown_chunk(struct parser *p, const struct stream_chunk *chunk)
{
	char text[64];

	if (chunk->flags & KMCL_CHUNK_OPTIONAL) {
		snprintf(text, sizeof(text), "unknown optional chunk of type %" PRIu32 ": skipped",
			 chunk->type);
		note(p, chunk->offset, text);
	} else {
		problem(p, chunk->offset, "unknown chunk of type %" PRIu32
			" that must not be skipped", chunk->type);
	}
}

/* A bus or a channel, from after its header to its end. */
static void parse_inner(struct parser *p, const struct stream_chunk *header, uint16_t kind)
{
	uint32_t seq = header->seq + 1, chunks = 1, *outer = p->seq;
	struct stream_counts found = { 0 };
	struct stream_chunk chunk;
	struct record_reader reader;
	bool valid, ended = false, damaged = p->damaged;

	p->seq = &seq;
	p->damaged = false;
	record_begin(&reader, kind, &found, &p->index, record_problem, p);
	while (!ended) {
		size_t pos = p->pos;

		if (next_chunk(p, &chunk, &valid) == NEXT_STOP)
			break;
		if (valid && chunk.type == KMCL_CHUNK_HEADER) {
			problem(p, pos, "a stream begins before the one at hand has ended");
			p->pos = pos;
			ended = true;
			break;
		}
		chunks++;
		if (!valid) {
			/* a lost first record is no second fault */
			record_skip(&reader, chunk.type);
			seq++;
			ended = chunk.type == KMCL_CHUNK_END;
			continue;
		}
		check_seq(p, &chunk);
		if (chunk.type == KMCL_CHUNK_END) {
			record_end(&reader, chunk.offset, p->damaged);
			check_end(p, &chunk, chunks, 0, &found);
			ended = true;
		} else if (stream_type_name(chunk.type)) {
			record_check(&reader, &chunk);
		} else {
			unknown_chunk(p, &chunk);
		}
	}
	if (!ended && !p->damaged)
		problem(p, p->pos, "cut short: there is no END chunk");
	record_finish(&reader);

	p->summary->channels += kind == KMCL_STREAM_CHANNEL;
	p->summary->buses += kind == KMCL_STREAM_BUS;
	p->summary->counts.taken += found.taken;
	p->summary->counts.received += found.received;
	p->summary->counts.completions += found.completions;
	p->summary->counts.queued += found.queued;
	p->summary->counts.sent += found.sent;
	p->summary->counts.unread += found.unread;
	p->damaged |= damaged;
	p->seq = outer;
}

/* Everything of a set, from after its header. */
static void parse_set(struct parser *p)
{
	struct stream_counts *total = &p->summary->counts;
	uint32_t streams = 0, chunks = 1;
	bool valid, ended = false;
	struct stream_chunk chunk;
	uint16_t kind;

	while (!ended && next_chunk(p, &chunk, &valid) == NEXT_CHUNK) {
		if (chunk.type == KMCL_CHUNK_HEADER) {
			p->stream = ++streams;
			kind = valid ? check_header(p, &chunk) : 0;
			if (valid && chunk.seq)
				problem(p, chunk.offset, "sequence number %" PRIu32
					", should be 0", chunk.seq);
			if (kind == KMCL_STREAM_SET) {
				problem(p, chunk.offset, "a set inside a set");
				kind = 0;
			}
			parse_inner(p, &chunk, kind);
			p->stream = 0;
			continue;
		}
		chunks++;
		if (!valid) {
			(*p->seq)++;
			ended = chunk.type == KMCL_CHUNK_END;
			continue;
		}
		check_seq(p, &chunk);
		if (chunk.type == KMCL_CHUNK_END) {
			check_end(p, &chunk, chunks, streams, total);
			ended = true;
		} else if (stream_type_name(chunk.type)) {
			problem(p, chunk.offset, "a %s chunk outside of any stream",
				stream_type_name(chunk.type));
		} else {
			unknown_chunk(p, &chunk);
		}
	}
	if (!ended && !p->damaged)
		problem(p, p->pos, "cut short: the set has no END chunk");
}

int stream_check(const void *data, size_t size, const struct stream_visitor *visitor,
		 struct stream_summary *summary)
{
	struct parser p = {
		.data = data,
		.size = size,
		.visitor = visitor,
		.summary = summary,
		.seq = &p.outer_seq,
	};
	struct stream_chunk chunk;
	bool valid;

	memset(summary, 0, sizeof(*summary));
	if (!size) {
		problem(&p, 0, "it is empty");
		return -1;
	}
	if (next_chunk(&p, &chunk, &valid) == NEXT_STOP)
		return -1;
	/* With a bad checksum the kind is a guess, but a telling one. */
	if (valid) {
		check_seq(&p, &chunk);
		summary->kind = check_header(&p, &chunk);
	} else {
		p.outer_seq = 1;
		if (chunk.length == sizeof(struct kmcl_stream_header))
			summary->kind = le16toh(((const struct kmcl_stream_header *)
						 chunk.payload)->kind);
	}
	if (summary->kind == KMCL_STREAM_SET)
		parse_set(&p);
	else if (stream_kind_name(summary->kind))
		parse_inner(&p, &chunk, summary->kind);
	else
		p.pos = size;
	if (p.pos < size)
		problem(&p, p.pos, "%zu bytes after the end", size - p.pos);
	record_index_check(&p.index, record_problem, &p);
	record_index_free(&p.index);
	return summary->problems ? -1 : 0;
}
