/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ranges that GPA-direct and transfer-page packets carry between descriptor
 * and payload: reading them from a private copy, and writing them.
 */
#ifndef _KMCL_VMBUS_RANGES_H
#define _KMCL_VMBUS_RANGES_H

#include <linux/math.h>
#include <linux/types.h>

#include "ring.h"

/* Pages that @len bytes touch from @offset on; neither may be near 2^32. */
static inline u32 vmbus_range_pages(u32 offset, u32 len)
{
	return DIV_ROUND_UP(offset % VMBUS_RING_PAGE_SIZE + len, VMBUS_RING_PAGE_SIZE);
}

/**
 * struct vmbus_range_limits - what a receiver takes
 * @max_ranges: at most so many ranges in a packet
 * @max_bytes: at most so many bytes in all of them
 */
struct vmbus_range_limits {
	u32 max_ranges;
	u32 max_bytes;
};

/**
 * struct vmbus_gpa_range - one range of a GPA-direct packet
 * @len: bytes
 * @offset: of the first byte in the first page, below 4096
 * @nr_pfns: pages, as many as offset and length need
 * @pfns: their numbers, in the sender's guest-physical space
 */
struct vmbus_gpa_range {
	u32 len;
	u32 offset;
	u32 nr_pfns;
	const __le64 *pfns;
};

/**
 * struct vmbus_gpa_iter - over the ranges of a GPA-direct packet, checked
 * @nr_ranges: ranges in the packet
 * @nr_pfns: pages in all ranges
 * @bytes: bytes in all ranges
 * @pos: next range
 * @left: ranges from there on
 */
struct vmbus_gpa_iter {
	u32 nr_ranges;
	u32 nr_pfns;
	u32 bytes;
	const u8 *pos;
	u32 left;
};

enum vmbus_ring_fault vmbus_gpa_direct_parse(const void *header, u32 len,
					     const struct vmbus_range_limits *limits,
					     struct vmbus_gpa_iter *iter);
bool vmbus_gpa_iter_next(struct vmbus_gpa_iter *iter, struct vmbus_gpa_range *range);

/* Bytes of ranges (without the type header) for @nr_ranges with @nr_pfns pages in all. */
static inline u32 vmbus_gpa_ranges_len(u32 nr_ranges, u32 nr_pfns)
{
	return 8 * (nr_ranges + nr_pfns);
}

/**
 * struct vmbus_gpa_builder - a GPA-direct header in the making
 * @header: where it is made
 * @size: room there
 * @len: bytes used
 * @nr_ranges: ranges so far
 */
struct vmbus_gpa_builder {
	u8 *header;
	u32 size;
	u32 len;
	u32 nr_ranges;
};

int vmbus_gpa_build_start(struct vmbus_gpa_builder *b, void *header, u32 size);
int vmbus_gpa_build_range(struct vmbus_gpa_builder *b, u32 offset, u32 len, const u64 *pfns);
u32 vmbus_gpa_build_end(struct vmbus_gpa_builder *b);

/**
 * struct vmbus_xfer_range - one range of a transfer-page packet
 * @len: bytes
 * @offset: from the start of the buffer that the set id names
 */
struct vmbus_xfer_range {
	u32 len;
	u32 offset;
};

/**
 * struct vmbus_xfer_iter - over the ranges of a transfer-page packet, checked
 * @set_id: names the buffer
 * @nr_ranges: ranges in the packet
 * @bytes: bytes in all ranges
 * @pos: next range
 * @left: ranges from there on
 */
struct vmbus_xfer_iter {
	u16 set_id;
	u32 nr_ranges;
	u32 bytes;
	const u8 *pos;
	u32 left;
};

u16 vmbus_xfer_set_id(const void *header, u32 len);
enum vmbus_ring_fault vmbus_xfer_parse(const void *header, u32 len, u32 buffer_size,
				       const struct vmbus_range_limits *limits,
				       struct vmbus_xfer_iter *iter);
bool vmbus_xfer_iter_next(struct vmbus_xfer_iter *iter, struct vmbus_xfer_range *range);
int vmbus_xfer_build(void *header, u32 size, u16 set_id, const struct vmbus_xfer_range *ranges,
		     u32 nr_ranges);

#endif /* _KMCL_VMBUS_RANGES_H */
