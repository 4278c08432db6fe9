// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges of GPA-direct and transfer-page packets: made, sent, read, refused.
 */
#include <linux/string.h>

#include "ring_test.h"
#include "vmbus/ranges.h"

static const struct vmbus_range_limits wide = { .max_ranges = 64, .max_bytes = SZ_1M };

/* Send a header as it is, with a payload, and take both off the ring. */
static u32 through_ring(struct kunit *test, struct ring_pair *pair, u16 type, const void *header,
			u32 header_len, void *received)
{
	static const char payload[] = "still readable";
	const struct vmbus_ring_packet p = {
		.type = type, .flags = 1, .transaction_id = 5,
		.header = header, .header_len = header_len,
		.payload = payload, .payload_len = sizeof(payload),
	};
	struct vmbus_ring_desc d;

	KUNIT_ASSERT_EQ(test, vmbus_ring_write(&pair->w, &p), 0);
	vmbus_ring_commit_write(&pair->w);
	KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
	KUNIT_ASSERT_EQ(test, d.header_len, header_len);
	KUNIT_ASSERT_EQ(test, vmbus_ring_copy(&pair->r, &d, received, header_len, pair->rx, 64), 0);
	KUNIT_EXPECT_STREQ(test, (char *)pair->rx, payload);
	vmbus_ring_advance(&pair->r, &d);
	return d.header_len;
}

/* A1: two ranges and the payload arrive intact. */
static void ranges_a1_gpa_direct(struct kunit *test)
{
	static const u64 pfns1[] = { 0x123456789abULL, 7 };
	static const u64 pfns2[] = { 0, U64_MAX, 3 };
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u64 header[16], received[16];
	struct vmbus_gpa_builder b;
	struct vmbus_gpa_range range;
	struct vmbus_gpa_iter iter;
	u32 len;

	KUNIT_ASSERT_EQ(test, vmbus_gpa_build_start(&b, header, sizeof(header)), 0);
	KUNIT_ASSERT_EQ(test, vmbus_gpa_build_range(&b, 4000, 97, pfns1), 0);
	KUNIT_ASSERT_EQ(test, vmbus_gpa_build_range(&b, 0, 3 * 4096, pfns2), 0);
	len = vmbus_gpa_build_end(&b);
	KUNIT_EXPECT_EQ(test, len, 8 + vmbus_gpa_ranges_len(2, 5));

	ring_pair_at(test, pair, 4096 - 40);
	len = through_ring(test, pair, VMBUS_RING_GPA_DIRECT, header, len, received);
	KUNIT_ASSERT_EQ(test, vmbus_gpa_direct_parse(received, len, &wide, &iter), VMBUS_RING_OK);
	KUNIT_EXPECT_EQ(test, iter.nr_ranges, 2);
	KUNIT_EXPECT_EQ(test, iter.nr_pfns, 5);
	KUNIT_EXPECT_EQ(test, iter.bytes, 97 + 3 * 4096);

	KUNIT_ASSERT_TRUE(test, vmbus_gpa_iter_next(&iter, &range));
	KUNIT_EXPECT_EQ(test, range.offset, 4000);
	KUNIT_EXPECT_EQ(test, range.len, 97);
	KUNIT_ASSERT_EQ(test, range.nr_pfns, 2);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(range.pfns[0]), pfns1[0]);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(range.pfns[1]), pfns1[1]);
	KUNIT_ASSERT_TRUE(test, vmbus_gpa_iter_next(&iter, &range));
	KUNIT_EXPECT_EQ(test, range.offset, 0);
	KUNIT_EXPECT_EQ(test, range.len, 3 * 4096);
	KUNIT_ASSERT_EQ(test, range.nr_pfns, 3);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(range.pfns[1]), U64_MAX);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(range.pfns[2]), 3);
	KUNIT_EXPECT_FALSE(test, vmbus_gpa_iter_next(&iter, &range));
	KUNIT_EXPECT_FALSE(test, vmbus_gpa_iter_next(&iter, &range));
}

struct gpa_case {
	const char *name;
	enum vmbus_ring_fault fault;
	u32 max_ranges;
	u32 max_bytes;
	u32 len;		/* of the header */
	u32 words[12];		/* the header, in halves of its u64s */
};

/* A header is: reserved, count; then length, offset and the page numbers of each range. */
static const struct gpa_case gpa_cases[] = {
	{ "one byte", VMBUS_RING_OK, 1, 1, 24, { 0, 1, 1, 0, 9, 0 } },
	{ "garbage in the reserved word", VMBUS_RING_OK, 1, 1, 24, { U32_MAX, 1, 1, 0, 9, 0 } },
	{ "last byte of a page", VMBUS_RING_OK, 1, 1, 24, { 0, 1, 1, 0xfff, 9, 0 } },
	{ "a whole page", VMBUS_RING_OK, 1, 4096, 24, { 0, 1, 4096, 0, 9, 0 } },
	{ "just into the next page", VMBUS_RING_OK, 1, 4096, 32,
	  { 0, 1, 4096, 1, 9, 0, 10, 0 } },
	{ "more slots than needed", VMBUS_RING_OK, 1, 8, 40,
	  { 0, 1, 8, 0, 9, 0, 10, 0, 11, 0 } },
	{ "two ranges", VMBUS_RING_OK, 2, 3, 40, { 0, 2, 1, 5, 9, 0, 2, 6, 10, 0 } },
	{ "no ranges", VMBUS_RING_RANGE_NONE, 1, 4096, 24, { 0, 0, 1, 0, 9, 0 } },
	{ "one range too many", VMBUS_RING_RANGE_COUNT, 1, 3, 40,
	  { 0, 2, 1, 5, 9, 0, 2, 6, 10, 0 } },
	{ "count of all ones", VMBUS_RING_RANGE_COUNT, 64, 4096, 24,
	  { 0, U32_MAX, 1, 0, 9, 0 } },
	/* A2: the payload is readable all the same. */
	{ "empty range", VMBUS_RING_RANGE_EMPTY, 1, 4096, 24, { 0, 1, 0, 0, 9, 0 } },
	{ "empty second range", VMBUS_RING_RANGE_EMPTY, 2, 4096, 40,
	  { 0, 2, 1, 0, 9, 0, 0, 0, 9, 0 } },
	/* R6 */
	{ "offset of a page", VMBUS_RING_RANGE_OFFSET, 1, 4096, 24, { 0, 1, 1, 0x1000, 9, 0 } },
	{ "offset of all ones", VMBUS_RING_RANGE_OFFSET, 1, 4096, 24,
	  { 0, 1, 1, U32_MAX, 9, 0 } },
	{ "length of all ones", VMBUS_RING_RANGE_OVERFLOW, 1, U32_MAX, 24,
	  { 0, 1, U32_MAX, 0, 9, 0 } },
	{ "length that overflows with its offset", VMBUS_RING_RANGE_OVERFLOW, 1, U32_MAX, 24,
	  { 0, 1, U32_MAX - 4095, 1, 9, 0 } },
	{ "length that just does not overflow", VMBUS_RING_RANGE_TRUNCATED, 1, U32_MAX, 24,
	  { 0, 1, U32_MAX - 4095, 0, 9, 0 } },
	{ "second page number missing", VMBUS_RING_RANGE_TRUNCATED, 1, 8192, 24,
	  { 0, 1, 4096, 1, 9, 0 } },
	{ "no page number", VMBUS_RING_RANGE_TRUNCATED, 1, 8192, 16, { 0, 1, 1, 0 } },
	{ "no range", VMBUS_RING_RANGE_TRUNCATED, 1, 8192, 8, { 0, 1 } },
	{ "second range missing", VMBUS_RING_RANGE_TRUNCATED, 2, 8192, 24,
	  { 0, 2, 1, 0, 9, 0 } },
	{ "one byte too many", VMBUS_RING_RANGE_BYTES, 1, 7, 24, { 0, 1, 8, 0, 9, 0 } },
	{ "one byte too many in all", VMBUS_RING_RANGE_BYTES, 2, 8, 40,
	  { 0, 2, 4, 0, 9, 0, 5, 0, 10, 0 } },
	{ "all that is allowed", VMBUS_RING_OK, 2, 9, 40,
	  { 0, 2, 4, 0, 9, 0, 5, 0, 10, 0 } },
};

static void gpa_desc(const struct gpa_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(gpa, gpa_cases, gpa_desc);

/* A copy of the header that ends where it ends: KASAN sees a step further. */
static u64 *exact_header(struct kunit *test, const u32 *words, u32 len)
{
	__le32 *header = kunit_kmalloc(test, len, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, header);
	for (i = 0; i < len / 4; i++)
		header[i] = cpu_to_le32(words[i]);
	return (u64 *)header;
}

static void ranges_gpa(struct kunit *test)
{
	const struct gpa_case *c = test->param_value;
	const struct vmbus_range_limits limits = { c->max_ranges, c->max_bytes };
	u64 *header = exact_header(test, c->words, c->len);
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u32 ranges = 0, pfns = 0, bytes = 0;
	struct vmbus_gpa_range range;
	struct vmbus_gpa_iter iter;
	enum vmbus_ring_fault fault;

	through_ring(test, pair, VMBUS_RING_GPA_DIRECT, header, c->len, header);
	fault = vmbus_gpa_direct_parse(header, c->len, &limits, &iter);
	KUNIT_EXPECT_STREQ(test, vmbus_ring_fault_name(fault), vmbus_ring_fault_name(c->fault));
	while (vmbus_gpa_iter_next(&iter, &range)) {
		ranges++;
		pfns += range.nr_pfns;
		bytes += range.len;
		KUNIT_EXPECT_EQ(test, le64_to_cpu(range.pfns[0]), 8 + ranges);
	}
	KUNIT_EXPECT_EQ(test, ranges, fault ? 0 : c->words[1]);
	KUNIT_EXPECT_EQ(test, ranges, iter.nr_ranges);
	KUNIT_EXPECT_EQ(test, pfns, iter.nr_pfns);
	KUNIT_EXPECT_EQ(test, bytes, iter.bytes);
}

static void ranges_gpa_build(struct kunit *test)
{
	static const u64 pfns[] = { 1, 2, 3 };
	struct vmbus_gpa_builder b;
	u64 header[6];

	memset(header, 0xff, sizeof(header));
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_start(&b, header, 7), -ENOBUFS);
	/* 8 for the head, 8 + 8 * 2 for a range of two pages, 16 for one of one. */
	KUNIT_ASSERT_EQ(test, vmbus_gpa_build_start(&b, header, 47), 0);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 0, 0, pfns), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 4096, 1, pfns), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 1, U32_MAX - 4095, pfns), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 1, 4096, pfns), 0);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 0, 1, pfns + 2), -ENOBUFS);
	b.size = 48;
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_range(&b, 0, 1, pfns + 2), 0);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_build_end(&b), 48);
	KUNIT_EXPECT_EQ(test, le64_to_cpu((__force __le64)header[0]), 2ULL << 32);
	KUNIT_EXPECT_EQ(test, le64_to_cpu((__force __le64)header[1]), 4096 | 1ULL << 32);
	KUNIT_EXPECT_EQ(test, le64_to_cpu((__force __le64)header[3]), 2);
	KUNIT_EXPECT_EQ(test, le64_to_cpu((__force __le64)header[5]), 3);
}

/* A3: ranges across and up to page ends land in the right pages of the buffer. */
static void ranges_a3_transfer_pages(struct kunit *test)
{
	static const struct vmbus_xfer_range ranges[] = {
		{ .len = 100, .offset = 4000 },		/* pages 0 and 1 */
		{ .len = 96, .offset = 4000 },		/* up to the end of page 0 */
		{ .len = 4096, .offset = 8192 },	/* page 2, all of it */
		{ .len = 8193, .offset = 4095 },	/* its end is page 3's first byte - 1 */
		{ .len = 1, .offset = 16383 },		/* the last byte */
	};
	static const u32 first[] = { 0, 0, 2, 0, 3 }, nr[] = { 2, 1, 1, 3, 1 };
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u64 header[6], received[6];
	struct vmbus_xfer_range range;
	struct vmbus_xfer_iter iter;
	int len;
	u32 i;

	KUNIT_EXPECT_EQ(test, vmbus_xfer_build(header, 47, 0xcafe, ranges, 5), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, vmbus_xfer_build(header, 48, 0xcafe, ranges, 0), -EINVAL);
	len = vmbus_xfer_build(header, 48, 0xcafe, ranges, 5);
	KUNIT_ASSERT_EQ(test, len, 48);
	len = through_ring(test, pair, VMBUS_RING_XFER_PAGES, header, len, received);
	KUNIT_EXPECT_EQ(test, vmbus_xfer_set_id(received, len), 0xcafe);
	KUNIT_ASSERT_EQ(test, vmbus_xfer_parse(received, len, 16384, &wide, &iter), VMBUS_RING_OK);
	KUNIT_EXPECT_EQ(test, iter.set_id, 0xcafe);
	KUNIT_EXPECT_EQ(test, iter.nr_ranges, 5);
	KUNIT_EXPECT_EQ(test, iter.bytes, 100 + 96 + 4096 + 8193 + 1);
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_TRUE(test, vmbus_xfer_iter_next(&iter, &range));
		KUNIT_EXPECT_EQ(test, range.len, ranges[i].len);
		KUNIT_EXPECT_EQ(test, range.offset, ranges[i].offset);
		KUNIT_EXPECT_EQ(test, range.offset / 4096, first[i]);
		KUNIT_EXPECT_EQ(test, vmbus_range_pages(range.offset, range.len), nr[i]);
	}
	KUNIT_EXPECT_FALSE(test, vmbus_xfer_iter_next(&iter, &range));
	/* The same packet, and a buffer that is one byte shorter. */
	KUNIT_EXPECT_EQ(test, vmbus_xfer_parse(received, len, 16383, &wide, &iter),
			VMBUS_RING_RANGE_BUFFER);
	KUNIT_EXPECT_FALSE(test, vmbus_xfer_iter_next(&iter, &range));
}

/* A header is: set id, count; then length and offset of each range. Buffer: 8192. */
static const struct gpa_case xfer_cases[] = {
	{ "one byte", VMBUS_RING_OK, 1, 1, 16, { 5, 1, 1, 0 } },
	{ "garbage in the reserved half", VMBUS_RING_OK, 1, 1, 16, { 0xdead0005, 1, 1, 0 } },
	{ "up to the end", VMBUS_RING_OK, 1, 8192, 16, { 5, 1, 8192, 0 } },
	{ "the last byte", VMBUS_RING_OK, 1, 8192, 16, { 5, 1, 1, 8191 } },
	{ "no ranges", VMBUS_RING_RANGE_NONE, 1, 8192, 16, { 5, 0, 1, 0 } },
	{ "too many ranges", VMBUS_RING_RANGE_COUNT, 1, 8192, 24, { 5, 2, 1, 0, 1, 0 } },
	{ "count of all ones", VMBUS_RING_RANGE_COUNT, 64, 8192, 16, { 5, U32_MAX, 1, 0 } },
	{ "a range missing", VMBUS_RING_RANGE_TRUNCATED, 64, 8192, 16, { 5, 2, 1, 0 } },
	{ "all missing", VMBUS_RING_RANGE_TRUNCATED, 64, 8192, 8, { 5, 1 } },
	{ "empty range", VMBUS_RING_RANGE_EMPTY, 1, 8192, 16, { 5, 1, 0, 0 } },
	{ "past the end", VMBUS_RING_RANGE_BUFFER, 1, 8192, 16, { 5, 1, 2, 8191 } },
	{ "far past the end", VMBUS_RING_RANGE_BUFFER, 1, 8192, 16, { 5, 1, 1, 0x7fffffff } },
	{ "overflow", VMBUS_RING_RANGE_OVERFLOW, 1, U32_MAX, 16, { 5, 1, U32_MAX, 2 } },
	{ "one byte too many in all", VMBUS_RING_RANGE_BYTES, 2, 8, 24, { 5, 2, 4, 0, 5, 0 } },
};

KUNIT_ARRAY_PARAM(xfer, xfer_cases, gpa_desc);

static void ranges_xfer(struct kunit *test)
{
	const struct gpa_case *c = test->param_value;
	const struct vmbus_range_limits limits = { c->max_ranges, c->max_bytes };
	u64 *header = exact_header(test, c->words, c->len);
	struct vmbus_xfer_range range;
	struct vmbus_xfer_iter iter;
	enum vmbus_ring_fault fault;
	u32 ranges = 0;

	fault = vmbus_xfer_parse(header, c->len, 8192, &limits, &iter);
	KUNIT_EXPECT_STREQ(test, vmbus_ring_fault_name(fault), vmbus_ring_fault_name(c->fault));
	while (vmbus_xfer_iter_next(&iter, &range)) {
		KUNIT_EXPECT_EQ(test, range.len, c->words[2 + 2 * ranges]);
		ranges++;
	}
	KUNIT_EXPECT_EQ(test, ranges, fault ? 0 : c->words[1]);
}

/* Without even the head there is nothing to read. */
static void ranges_no_head(struct kunit *test)
{
	struct vmbus_gpa_iter gpa;
	struct vmbus_xfer_iter xfer;
	u64 *none = kunit_kmalloc(test, 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, none);
	memset(none, 0xff, 8);
	KUNIT_EXPECT_EQ(test, vmbus_gpa_direct_parse(none, 0, &wide, &gpa),
			VMBUS_RING_NO_TYPE_HEADER);
	KUNIT_EXPECT_EQ(test, vmbus_xfer_parse(none, 7, 8192, &wide, &xfer),
			VMBUS_RING_NO_TYPE_HEADER);
	KUNIT_EXPECT_EQ(test, vmbus_xfer_set_id(none, 7), 0);
	KUNIT_EXPECT_EQ(test, gpa.nr_ranges + xfer.nr_ranges, 0);
}

static struct kunit_case ranges_cases[] = {
	KUNIT_CASE(ranges_a1_gpa_direct),
	KUNIT_CASE_PARAM(ranges_gpa, gpa_gen_params),
	KUNIT_CASE(ranges_gpa_build),
	KUNIT_CASE(ranges_a3_transfer_pages),
	KUNIT_CASE_PARAM(ranges_xfer, xfer_gen_params),
	KUNIT_CASE(ranges_no_head),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "kmcl_ring_ranges",
	.test_cases = ranges_cases,
};

kunit_test_suite(ranges_suite);
