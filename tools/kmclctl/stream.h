/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a save stream: framing and every check that needs no kernel.
 */
#ifndef KMCLCTL_STREAM_H
#define KMCLCTL_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* A chunk whose head and payload are there; nothing else is promised. */
struct stream_chunk {
	size_t offset;		/* of the head, in the file */
	unsigned int stream;	/* 0: the set or the only stream; else which in the set */
	uint32_t type;
	uint32_t length;
	uint32_t flags;
	uint32_t seq;
	uint64_t save_id;
	uint32_t crc;
	const uint8_t *payload;
};

struct stream_counts {
	uint32_t taken;
	uint32_t received;
	uint32_t completions;
	uint32_t queued;
	uint32_t sent;
	uint32_t unread;
};

struct stream_summary {
	uint64_t save_id;
	uint16_t kind;		/* 0: not even a header */
	unsigned int channels;
	unsigned int buses;
	struct stream_counts counts;	/* as counted; unread as the streams say */
	unsigned int problems;
	size_t first_offset;
	char first_text[160];	/* of the first problem */
};

/* Called in the order of the file: a chunk, then what is wrong with it. */
struct stream_visitor {
	void (*chunk)(void *context, const struct stream_chunk *chunk);
	void (*problem)(void *context, size_t offset, const char *text);
	void (*note)(void *context, size_t offset, const char *text);
	void *context;
};

/* Return 0 if a kernel that knows this version would take it, else -1. */
int stream_check(const void *data, size_t size, const struct stream_visitor *visitor,
		 struct stream_summary *summary);

/* "HEADER" and so on; NULL if unknown. */
const char *stream_type_name(uint32_t type);
const char *stream_kind_name(uint16_t kind);

/* Bytes of the fixed part of a payload; 0 where there is none. */
size_t stream_fixed_size(uint32_t type);

#endif
