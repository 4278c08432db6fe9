// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges of GPA-direct and transfer-page packets.
 *
 * The parsers check everything before the first range is handed out, and read
 * private copies only. A count that the peer chose is never believed: each range
 * has to be there, so the loops end with the header's bytes. Bytes after the last
 * range are allowed: writers send an array of fixed size.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kmcl.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "ranges.h"

/* At the start of either header; the first half is the set id, or nothing. */
struct ranges_head {
	__le16 set_id;
	__le16 reserved;		/* may be garbage */
	__le32 count;
};

/* At the start of a GPA range, and all of a transfer-page range. */
struct ranges_entry {
	__le32 len;
	__le32 offset;
};

static_assert(sizeof(struct ranges_head) == 8);
static_assert(sizeof(struct ranges_entry) == 8);

/* Check the head; *@count is for a loop that checks that each range is there. */
static enum vmbus_ring_fault ranges_start(const void *header, u32 len,
					  const struct vmbus_range_limits *limits, u32 *count)
{
	const struct ranges_head *head = header;

	*count = 0;
	if (len < sizeof(*head))
		return VMBUS_RING_NO_TYPE_HEADER;
	if (!head->count)
		return VMBUS_RING_RANGE_NONE;
	if (le32_to_cpu(head->count) > limits->max_ranges)
		return VMBUS_RING_RANGE_COUNT;
	*count = le32_to_cpu(head->count);
	return VMBUS_RING_OK;
}

/**
 * vmbus_gpa_direct_parse() - check the ranges of a GPA-direct packet
 * @header: private copy of what lies between descriptor and payload, aligned to 8
 * @len: its length
 * @limits: what the receiver takes
 * @iter: filled in; has no ranges after a fault
 *
 * Return: VMBUS_RING_OK (0), or the first fault.
 */
enum vmbus_ring_fault vmbus_gpa_direct_parse(const void *header, u32 len,
					     const struct vmbus_range_limits *limits,
					     struct vmbus_gpa_iter *iter)
{
	enum vmbus_ring_fault fault;
	const u8 *pos;
	u32 i, count, left, bytes = 0, pfns = 0;

	memset(iter, 0, sizeof(*iter));
	fault = ranges_start(header, len, limits, &count);
	if (fault)
		return fault;

	pos = header + sizeof(struct ranges_head);
	left = len - sizeof(struct ranges_head);
	for (i = 0; i < count; i++) {
		const struct ranges_entry *entry = (const void *)pos;
		u32 end, range_len, range_pfns;

		if (left < sizeof(*entry))
			return VMBUS_RING_RANGE_TRUNCATED;
		range_len = le32_to_cpu(entry->len);
		if (!range_len)
			return VMBUS_RING_RANGE_EMPTY;
		if (le32_to_cpu(entry->offset) >= VMBUS_RING_PAGE_SIZE)
			return VMBUS_RING_RANGE_OFFSET;
		if (check_add_overflow(le32_to_cpu(entry->offset) + VMBUS_RING_PAGE_SIZE - 1,
				       range_len, &end))
			return VMBUS_RING_RANGE_OVERFLOW;
		if (range_len > limits->max_bytes - bytes)
			return VMBUS_RING_RANGE_BYTES;
		bytes += range_len;

		range_pfns = end / VMBUS_RING_PAGE_SIZE;
		left -= sizeof(*entry);
		if (left / sizeof(__le64) < range_pfns)
			return VMBUS_RING_RANGE_TRUNCATED;
		left -= range_pfns * sizeof(__le64);
		pfns += range_pfns;
		pos += sizeof(*entry) + range_pfns * sizeof(__le64);
	}

	iter->nr_ranges = count;
	iter->nr_pfns = pfns;
	iter->bytes = bytes;
	iter->pos = header + sizeof(struct ranges_head);
	iter->left = count;
	return VMBUS_RING_OK;
}
EXPORT_SYMBOL_NS_GPL(vmbus_gpa_direct_parse, KMCL_NS);

/**
 * vmbus_gpa_iter_next() - the next range of a GPA-direct packet
 * @iter: from vmbus_gpa_direct_parse(), over the same private copy
 * @range: filled in
 *
 * Return: false if there is none.
 */
bool vmbus_gpa_iter_next(struct vmbus_gpa_iter *iter, struct vmbus_gpa_range *range)
{
	const struct ranges_entry *entry = (const void *)iter->pos;

	if (!iter->left)
		return false;
	range->len = le32_to_cpu(entry->len);
	range->offset = le32_to_cpu(entry->offset);
	range->nr_pfns = vmbus_range_pages(range->offset, range->len);
	range->pfns = (const __le64 *)(entry + 1);
	iter->pos = (const u8 *)(range->pfns + range->nr_pfns);
	iter->left--;
	return true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_gpa_iter_next, KMCL_NS);

/**
 * vmbus_gpa_build_start() - begin a GPA-direct header
 * @b: the builder
 * @header: where to make it, aligned to 8
 * @size: room there: 8, and vmbus_gpa_ranges_len() of what is to come
 *
 * Return: 0, or -ENOBUFS.
 */
int vmbus_gpa_build_start(struct vmbus_gpa_builder *b, void *header, u32 size)
{
	if (size < sizeof(struct ranges_head))
		return -ENOBUFS;
	b->header = header;
	b->size = size;
	b->len = sizeof(struct ranges_head);
	b->nr_ranges = 0;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_gpa_build_start, KMCL_NS);

/**
 * vmbus_gpa_build_range() - add a range to a GPA-direct header
 * @b: the builder
 * @offset: of the first byte in the first page
 * @len: bytes
 * @pfns: page numbers, as many as offset and length need
 *
 * Return: 0; -EINVAL for a range that no peer would take; -ENOBUFS.
 */
int vmbus_gpa_build_range(struct vmbus_gpa_builder *b, u32 offset, u32 len, const u64 *pfns)
{
	struct ranges_entry *entry = (void *)(b->header + b->len);
	u32 i, end, nr_pfns;
	__le64 *to;

	if (!len || offset >= VMBUS_RING_PAGE_SIZE ||
	    check_add_overflow(offset + VMBUS_RING_PAGE_SIZE - 1, len, &end))
		return -EINVAL;
	nr_pfns = end / VMBUS_RING_PAGE_SIZE;
	if (b->size - b->len < vmbus_gpa_ranges_len(1, nr_pfns))
		return -ENOBUFS;

	entry->len = cpu_to_le32(len);
	entry->offset = cpu_to_le32(offset);
	to = (__le64 *)(entry + 1);
	for (i = 0; i < nr_pfns; i++)
		to[i] = cpu_to_le64(pfns[i]);
	b->len += vmbus_gpa_ranges_len(1, nr_pfns);
	b->nr_ranges++;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_gpa_build_range, KMCL_NS);

/**
 * vmbus_gpa_build_end() - finish a GPA-direct header
 * @b: the builder
 *
 * Return: its length, for struct vmbus_ring_packet.
 */
u32 vmbus_gpa_build_end(struct vmbus_gpa_builder *b)
{
	struct ranges_head *head = (void *)b->header;

	memset(head, 0, sizeof(*head));
	head->count = cpu_to_le32(b->nr_ranges);
	return b->len;
}
EXPORT_SYMBOL_NS_GPL(vmbus_gpa_build_end, KMCL_NS);

/**
 * vmbus_xfer_set_id() - which buffer a transfer-page packet refers to
 * @header: private copy of what lies between descriptor and payload, aligned to 8
 * @len: its length, as vmbus_ring_peek() gave it: 8 at least
 *
 * Return: the set id, to find the buffer whose size vmbus_xfer_parse() needs.
 */
u16 vmbus_xfer_set_id(const void *header, u32 len)
{
	const struct ranges_head *head = header;

	return len < sizeof(*head) ? 0 : le16_to_cpu(head->set_id);
}
EXPORT_SYMBOL_NS_GPL(vmbus_xfer_set_id, KMCL_NS);

/**
 * vmbus_xfer_parse() - check the ranges of a transfer-page packet
 * @header: private copy of what lies between descriptor and payload, aligned to 8
 * @len: its length
 * @buffer_size: bytes of the buffer that the set id names
 * @limits: what the receiver takes
 * @iter: filled in; has no ranges after a fault
 *
 * Return: VMBUS_RING_OK (0), or the first fault.
 */
enum vmbus_ring_fault vmbus_xfer_parse(const void *header, u32 len, u32 buffer_size,
				       const struct vmbus_range_limits *limits,
				       struct vmbus_xfer_iter *iter)
{
	const struct ranges_entry *entry;
	enum vmbus_ring_fault fault;
	u32 i, count, bytes = 0;

	memset(iter, 0, sizeof(*iter));
	fault = ranges_start(header, len, limits, &count);
	if (fault)
		return fault;

	entry = header + sizeof(struct ranges_head);
	if ((len - sizeof(struct ranges_head)) / sizeof(*entry) < count)
		return VMBUS_RING_RANGE_TRUNCATED;
	for (i = 0; i < count; i++) {
		u32 offset = le32_to_cpu(entry[i].offset);
		u32 range_len = le32_to_cpu(entry[i].len);
		u32 end;

		if (!range_len)
			return VMBUS_RING_RANGE_EMPTY;
		if (check_add_overflow(offset, range_len, &end))
			return VMBUS_RING_RANGE_OVERFLOW;
		if (end > buffer_size)
			return VMBUS_RING_RANGE_BUFFER;
		if (range_len > limits->max_bytes - bytes)
			return VMBUS_RING_RANGE_BYTES;
		bytes += range_len;
	}

	iter->set_id = vmbus_xfer_set_id(header, len);
	iter->nr_ranges = count;
	iter->bytes = bytes;
	iter->pos = (const u8 *)entry;
	iter->left = count;
	return VMBUS_RING_OK;
}
EXPORT_SYMBOL_NS_GPL(vmbus_xfer_parse, KMCL_NS);

/**
 * vmbus_xfer_iter_next() - the next range of a transfer-page packet
 * @iter: from vmbus_xfer_parse(), over the same private copy
 * @range: filled in
 *
 * Return: false if there is none.
 */
bool vmbus_xfer_iter_next(struct vmbus_xfer_iter *iter, struct vmbus_xfer_range *range)
{
	const struct ranges_entry *entry = (const void *)iter->pos;

	if (!iter->left)
		return false;
	range->len = le32_to_cpu(entry->len);
	range->offset = le32_to_cpu(entry->offset);
	iter->pos += sizeof(*entry);
	iter->left--;
	return true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_xfer_iter_next, KMCL_NS);

/**
 * vmbus_xfer_build() - make a transfer-page header
 * @header: where to make it, aligned to 8
 * @size: room there: 8 and 8 a range
 * @set_id: names the buffer
 * @ranges: the ranges
 * @nr_ranges: their number
 *
 * Return: its length, for struct vmbus_ring_packet; -EINVAL for ranges that no
 * peer would take; -ENOBUFS.
 */
int vmbus_xfer_build(void *header, u32 size, u16 set_id, const struct vmbus_xfer_range *ranges,
		     u32 nr_ranges)
{
	struct ranges_head *head = header;
	struct ranges_entry *entry = header + sizeof(*head);
	u32 i;

	if (!nr_ranges)
		return -EINVAL;
	if (size < sizeof(*head) || (size - sizeof(*head)) / sizeof(*entry) < nr_ranges)
		return -ENOBUFS;
	for (i = 0; i < nr_ranges; i++) {
		if (!ranges[i].len)
			return -EINVAL;
		entry[i].len = cpu_to_le32(ranges[i].len);
		entry[i].offset = cpu_to_le32(ranges[i].offset);
	}
	memset(head, 0, sizeof(*head));
	head->set_id = cpu_to_le16(set_id);
	head->count = cpu_to_le32(nr_ranges);
	return sizeof(*head) + nr_ranges * sizeof(*entry);
}
EXPORT_SYMBOL_NS_GPL(vmbus_xfer_build, KMCL_NS);
