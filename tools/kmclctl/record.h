/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records inside a bus's or a channel's stream: their fields, order, and
 * what may be there only once.
 */
#ifndef KMCLCTL_RECORD_H
#define KMCLCTL_RECORD_H

#include <linux/kmcl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

typedef void record_report_fn(void *context, size_t offset, const char *text);

/* Who is in the set: each only once. */
struct record_index {
	struct record_owner {
		struct kmcl_identity identity;	/* of a bus: its name and id */
		size_t offset;
	} *owners;
	size_t nr;
};

struct record_id {
	uint64_t id;
	size_t offset;
};

struct record_reader {
	uint16_t kind;
	struct stream_counts *found;
	struct record_index *index;
	record_report_fn *problem;
	void *context;
	uint32_t last;		/* type of the last record; 0: none yet */
	bool lost_first;	/* the first record's checksum is bad */
	uint64_t data_said;	/* of a bus */
	uint64_t data_found;
	/* Of a channel, once its record was there */
	uint32_t max_packet_size;
	uint32_t max_external_data;
	uint32_t late;
	bool closed;
	uint32_t lent;		/* LENT chunks */
	bool queued;		/* there was a queued packet */
	struct record_id *ids;	/* of outgoing packets */
	size_t nr_ids;
};

/* Where the variable parts of a TAKEN, RECEIVED, COMPLETION or PACKET are. */
struct record_parts {
	size_t payload;
	size_t ranges;
	size_t private_state;
	size_t end;
};

struct record_parts record_parts(size_t fixed, uint32_t payload_len, uint32_t ranges_len,
				 uint32_t private_len);

void record_begin(struct record_reader *r, uint16_t kind, struct stream_counts *found,
		  struct record_index *index, record_report_fn *problem, void *context);
void record_check(struct record_reader *r, const struct stream_chunk *chunk);
void record_skip(struct record_reader *r, uint32_t type);
void record_end(struct record_reader *r, size_t offset, bool damaged);
void record_finish(struct record_reader *r);
void record_index_check(const struct record_index *index, record_report_fn *problem_fn,
			void *context);
void record_index_free(struct record_index *index);

#endif
