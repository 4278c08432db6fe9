// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: pages go to the host and come back, each counted.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "dm_test.h"

#define DMT_RANGES	2048

/* What the host has, as its answers say */
struct dmt_host {
	u32 count;
	__le64 ranges[DMT_RANGES];
	u64 pages;
	u32 messages;
};

static u64 dmt_pages_of(const __le64 *ranges, u32 count)
{
	u64 pages = 0;

	while (count--)
		pages += vdm_range_count(ranges[count]);
	return pages;
}

/* All answers to one request. Each says more but the last. */
static struct dmt_host *dmt_host_take(struct dmt *d)
{
	struct dmt_host *host = kunit_kzalloc(d->test, sizeof(*host), GFP_KERNEL);
	struct vdm_balloon_response *response;
	u32 count;

	KUNIT_ASSERT_NOT_NULL(d->test, host);
	do {
		response = dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
		count = le32_to_cpu(response->count) >> 1;
		KUNIT_ASSERT_EQ(d->test, le16_to_cpu(response->hdr.size),
				struct_size(response, ranges, count));
		KUNIT_ASSERT_EQ(d->test, le32_to_cpu(response->reserved), 0);
		KUNIT_ASSERT_LE(d->test, host->count + count, DMT_RANGES);
		memcpy(host->ranges + host->count, response->ranges, count * sizeof(__le64));
		host->count += count;
		host->messages++;
	} while (le32_to_cpu(response->count) & VDM_MORE);
	host->pages = dmt_pages_of(host->ranges, host->count);
	return host;
}

/* Each page is one of the kernel's, offline, and named once. */
static void dmt_check_pages(struct dmt *d, const struct dmt_host *host)
{
	u32 i, j;
	u64 pfn;

	for (i = 0; i < host->count; i++) {
		for (j = 0; j < vdm_range_count(host->ranges[i]); j++) {
			pfn = vdm_range_start(host->ranges[i]) + j;
			KUNIT_ASSERT_TRUE(d->test, pfn_valid(pfn));
			KUNIT_ASSERT_TRUE(d->test, PageOffline(pfn_to_page(pfn)));
		}
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_TRUE(d->test,
					  vdm_range_start(host->ranges[i]) >=
					  vdm_range_start(host->ranges[j]) +
					  vdm_range_count(host->ranges[j]) ||
					  vdm_range_start(host->ranges[j]) >=
					  vdm_range_start(host->ranges[i]) +
					  vdm_range_count(host->ranges[i]));
	}
}

static void dm_balloon_and_back(struct kunit *test)
{
	static const u32 sizes[] = { 1, 511, 512, 513, 1024, 3000 };
	struct dmt *d = dmt_ready(test);
	unsigned long total = totalram_pages();
	u64 given = 0;
	struct dmt_host *host;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		dmt_put_balloon(d, sizes[i]);
		host = dmt_host_take(d);
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, host->pages, sizes[i]);
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, sizes[i]);
		KUNIT_EXPECT_EQ(test, totalram_pages(), total - sizes[i]);
		dmt_check_pages(d, host);
		given += sizes[i];
		/* All but the last range in transactions that go on */
		for (j = 0; j + 1 < host->count; j++)
			dmt_put_unballoon(d, host->ranges + j, 1, VDM_MORE);
		dmt_expect_nothing(d);
		dmt_put_unballoon(d, host->ranges + j, 1, 0);
		dmt_expect(d, VDM_UNBALLOON_RESPONSE, sizeof(struct vdm_unballoon_response));
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
		KUNIT_EXPECT_EQ(test, totalram_pages(), total);
		KUNIT_EXPECT_TRUE(test, xa_empty(&d->dm->pages.blocks));
	}
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_PAGES_GIVEN), given);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_PAGES_RETURNED), given);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_BALLOON_REQUESTS), ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_UNBALLOON_REQUESTS), ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
}

/* The host need not give back what it got as it got it. */
static void dm_back_in_other_pieces(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	struct dmt_host *host;
	__le64 ranges[4];
	u64 start, left;

	dmt_put_balloon(d, 512);
	host = dmt_host_take(d);
	KUNIT_ASSERT_EQ(test, host->pages, 512);
	/* The end, the beginning, what is left but one page, that one */
	start = vdm_range_start(host->ranges[0]);
	left = vdm_range_count(host->ranges[0]);
	KUNIT_ASSERT_GE(test, left, 64);
	ranges[0] = vdm_range(start + left - 7, 7);
	ranges[1] = vdm_range(start, 3);
	dmt_put_unballoon(d, ranges, 2, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 502);
	ranges[0] = vdm_range(start + 4, left - 7 - 4);
	dmt_put_unballoon(d, ranges, 1, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 512 - left + 1);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
	/* What is back already cannot come again. */
	dmt_put_unballoon(d, ranges, 1, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 1);
	ranges[0] = vdm_range(start + 3, 1);
	dmt_put_unballoon(d, ranges, 1, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 512 - left);
}

/* Pages that are not with the host, before, behind, between, twice */
static void dm_return_of_others_pages(struct kunit *test)
{
	struct page *own = alloc_page(GFP_KERNEL);
	struct dmt *d = dmt_ready(test);
	unsigned long total;
	struct dmt_host *host;
	__le64 ranges[3], bad[8];
	u64 start, count;
	u32 i, faults = 0;

	KUNIT_ASSERT_NOT_NULL(test, own);
	total = totalram_pages();
	dmt_put_balloon(d, 512);
	host = dmt_host_take(d);
	start = vdm_range_start(host->ranges[0]);
	count = vdm_range_count(host->ranges[0]);
	bad[0] = vdm_range(page_to_pfn(own), 1);
	bad[1] = vdm_range(start + count, 1);
	bad[2] = vdm_range(start - 1, 1);
	bad[3] = vdm_range(start, count + 1);
	bad[4] = vdm_range(start - 1, count + 1);
	bad[5] = vdm_range(BIT_ULL(40) - 1, VDM_RANGE_MAX_COUNT);
	bad[6] = vdm_range(0, VDM_RANGE_MAX_COUNT);
	bad[7] = vdm_range(start, count);	/* a second time */
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* First a good one: that is not taken either. */
		ranges[0] = i == 7 ? bad[7] : vdm_range(start, 2);
		ranges[1] = bad[i];
		ranges[2] = vdm_range(start + 2, 1);
		dmt_put_unballoon(d, ranges, 3, i % 2 ? VDM_MORE : 0);
		if (i % 2 == 0)
			dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), ++faults);
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, 512);
		KUNIT_EXPECT_EQ(test, totalram_pages(), total - 512);
	}
	/* Nothing is broken: all of it can come back. */
	dmt_put_unballoon(d, host->ranges, host->count, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
	KUNIT_EXPECT_EQ(test, totalram_pages(), total);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), faults);
	__free_page(own);
}

/* A count that its message does not hold */
static void dm_return_with_a_wrong_count(struct kunit *test)
{
	static const u32 counts[] = { 2, 3, 511, 0x20000000, 0x20000001, 0x80000000, U32_MAX };
	struct {
		struct vdm_unballoon_request request;
		__le64 range;
	} message = {};
	struct dmt *d = dmt_ready(test);
	struct dmt_host *host;
	u32 i;

	dmt_put_balloon(d, 1);
	host = dmt_host_take(d);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		message.request.count = cpu_to_le32(counts[i]);
		message.range = host->ranges[0];
		dmt_put(d, VDM_UNBALLOON_REQUEST, &message, sizeof(message));
		dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), i + 1);
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, 1);
	}
	/* None, and an empty range, are no pages. */
	dmt_put_unballoon(d, NULL, 0, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	message.range = vdm_range(vdm_range_start(host->ranges[0]), 0);
	dmt_put_unballoon(d, &message.range, 1, 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), i);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 1);
}

/* A kernel that lets so many pages be out, in such pieces; what comes back counts again. */
static struct {
	struct vdm_pages *pages;
	u32 most;
	unsigned int order;
	u32 calls;
	struct page *block;		/* kept away from it */
} dmt_poor;

static struct page *dmt_poor_alloc(unsigned int order)
{
	if (order > dmt_poor.order || dmt_poor.pages->out + BIT(order) > dmt_poor.most)
		return NULL;
	return alloc_pages(GFP_KERNEL, order);
}

static struct dmt *dmt_make_poor(struct kunit *test, u32 pages, unsigned int order)
{
	struct dmt *d = dmt_ready(test);

	memset(&dmt_poor, 0, sizeof(dmt_poor));
	dmt_poor.pages = &d->dm->pages;
	dmt_poor.most = pages;
	dmt_poor.order = order;
	d->dm->pages.alloc = dmt_poor_alloc;
	return d;
}

static void dm_memory_is_short(struct kunit *test)
{
	static const struct {
		u32 pages;
		unsigned int order;
	} kernels[] = {
		{ 0, 9 }, { 0, 0 }, { 1, 0 }, { 100, 0 }, { 512, 9 }, { 600, 9 }, { 2000, 0 },
	};
	struct dmt_host *host;
	struct dmt *d;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kernels); i++) {
		d = dmt_make_poor(test, kernels[i].pages, kernels[i].order);
		dmt_put_balloon(d, 4096);
		host = dmt_host_take(d);
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, host->pages, kernels[i].pages);
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, kernels[i].pages);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_BALLOON_REQUESTS), 1);
		dmt_check_pages(d, host);
		/* It goes on: the next request finds memory. */
		dmt_poor.most += 5;
		dmt_put_balloon(d, 5);
		KUNIT_EXPECT_EQ(test, dmt_host_take(d)->pages, 5);
		dmt_settle(d);
		dmt_end(d);
	}
}

/* Single pages that are no neighbours: more ranges than fit a message */
static struct page *dmt_scattered_alloc(unsigned int order)
{
	struct page *page, *skip;

	if (order)
		return NULL;
	page = alloc_page(GFP_KERNEL);
	skip = dmt_poor.block;
	dmt_poor.block = alloc_page(GFP_KERNEL);
	/* Keep the one after it for a while, so that it does not come next. */
	if (skip)
		__free_page(skip);
	return page;
}

static void dm_many_messages(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	unsigned long total;
	struct dmt_host *host;
	u32 i;

	memset(&dmt_poor, 0, sizeof(dmt_poor));
	d->dm->pages.alloc = dmt_scattered_alloc;
	total = totalram_pages();
	dmt_put_balloon(d, 2000);
	host = dmt_host_take(d);
	dmt_settle(d);
	if (dmt_poor.block)
		__free_page(dmt_poor.block);
	KUNIT_EXPECT_EQ(test, host->pages, 2000);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 2000);
	KUNIT_EXPECT_EQ(test, totalram_pages(), total - 2000);
	KUNIT_EXPECT_EQ(test, host->messages, DIV_ROUND_UP(host->count, VDM_MAX_RANGES) ?: 1);
	dmt_check_pages(d, host);
	for (i = 0; i < host->count; i += VDM_MAX_RANGES)
		dmt_put_unballoon(d, host->ranges + i, min_t(u32, host->count - i, VDM_MAX_RANGES),
				  i + VDM_MAX_RANGES < host->count ? VDM_MORE : 0);
	dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
	KUNIT_EXPECT_EQ(test, totalram_pages(), total);
}

/* First any page, then one that is alone in its block of 2 MiB */
static struct page *dmt_far_alloc(unsigned int order)
{
	struct page *block;
	u32 i;

	if (!dmt_poor.calls++)
		return alloc_page(GFP_KERNEL);
	block = alloc_pages(GFP_KERNEL, 21 - PAGE_SHIFT);
	if (!block)
		return NULL;
	split_page(block, 21 - PAGE_SHIFT);
	dmt_poor.block = block + 7;
	for (i = 0; i < BIT(21 - PAGE_SHIFT); i++)
		if (block + i != dmt_poor.block)
			__free_page(block + i);
	return dmt_poor.block;
}

/* The page that finds no room for its range leaves nothing behind. */
static void dm_ranges_are_full(struct kunit *test)
{
	struct vdm_pages pages;
	unsigned int order = 0;
	__le64 range;
	u32 count;

	memset(&dmt_poor, 0, sizeof(dmt_poor));
	vdm_pages_init(&pages);
	pages.alloc = dmt_far_alloc;
	KUNIT_EXPECT_EQ(test, vdm_pages_give(&pages, 2, &order, &range, 1, &count), 1);
	KUNIT_EXPECT_NOT_NULL(test, dmt_poor.block);
	KUNIT_EXPECT_EQ(test, count, 1);
	KUNIT_EXPECT_EQ(test, vdm_pages_take_all(&pages), 1);
	KUNIT_EXPECT_TRUE(test, xa_empty(&pages.blocks));
}

/* More than there is: the floor is kept. */
static void dm_floor_is_kept(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	struct dmt_host *host;

	dmt_put_balloon(d, U32_MAX);
	host = dmt_host_take(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, host->pages);
	KUNIT_EXPECT_LT(test, host->pages, totalram_pages() + host->pages);
	/* Others may have taken memory meanwhile, but not this much. */
	KUNIT_EXPECT_GE(test, si_mem_available() + 2048, (long)vdm_floor(d->dm));
	dmt_settle(d);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_PAGES_GIVEN), host->pages);
	/* And there it ends: nothing more is to be had. */
	dmt_put_balloon(d, 4096);
	KUNIT_EXPECT_LT(test, dmt_host_take(d)->pages, 4096);
}

/* As large as it is without a balloon, whatever is out */
static void dm_floor_stays(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	unsigned long floor = vdm_floor(d->dm), mib = totalram_pages() >> (20 - PAGE_SHIFT);

	KUNIT_EXPECT_GT(test, floor >> (20 - PAGE_SHIFT), mib < 2048 ? mib / 8 : mib / 32);
	KUNIT_EXPECT_LT(test, floor >> (20 - PAGE_SHIFT), mib);
	dmt_put_balloon(d, 2048);
	KUNIT_EXPECT_EQ(test, dmt_host_take(d)->pages, 2048);
	KUNIT_EXPECT_EQ(test, vdm_floor(d->dm), floor);
}

/* A host that does not read: one message waits, and what it names is counted. */
static void dm_host_does_not_read(struct kunit *test)
{
	struct dmt *d = dmt_make_poor(test, 4096, 0);
	struct dmt_host *host;

	d->dm->pages.alloc = dmt_scattered_alloc;
	core_until(d, dmt_counter(d, VDM_REPORTS) >= 1);
	fake_set_room(d->link, 0);
	dmt_put_balloon(d, 3000);
	core_until(d, atomic_read(&d->dm->response_queued));
	flush_delayed_work(&d->dm->inbox_work);
	KUNIT_EXPECT_LE(test, d->dm->channel->nr_queued, 2);
	KUNIT_EXPECT_GT(test, d->dm->pages.out, 0);
	fake_set_room(d->link, U32_MAX);
	host = dmt_host_take(d);
	KUNIT_EXPECT_EQ(test, host->pages, 3000);
	dmt_settle(d);
	if (dmt_poor.block)
		__free_page(dmt_poor.block);
}

/* The link ends, by whoever: every page is back, and the next link begins anew. */
static void dm_link_ends_with_pages_out(struct kunit *test)
{
	static const enum vmb_stop_reason reasons[] = {
		VMB_STOP_PEER_CLOSED, VMB_STOP_RESCINDED,
	};
	struct dmt *d = dmt_ready(test);
	unsigned long total = totalram_pages();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		dmt_put_balloon(d, 1500);
		KUNIT_EXPECT_EQ(test, dmt_host_take(d)->pages, 1500);
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, totalram_pages(), total - 1500);
		fake_close(d->link, reasons[i]);
		dmt_next_link(d);
		KUNIT_EXPECT_EQ(test, totalram_pages(), total);
		KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
		KUNIT_EXPECT_TRUE(test, xa_empty(&d->dm->pages.blocks));
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_CLOSED);
		dmt_negotiate(d);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), i + 2);
	}
	dmt_put_balloon(d, 700);
	KUNIT_EXPECT_EQ(test, dmt_host_take(d)->pages, 700);
	dmt_end(d);
	KUNIT_EXPECT_EQ(test, totalram_pages(), total);
}

/* With requests in the inbox, and a host that does not read */
static void dm_unload_in_the_middle(struct kunit *test)
{
	struct dmt *d = dmt_make_poor(test, 4096, 0);
	unsigned long total = totalram_pages();

	d->dm->pages.alloc = dmt_scattered_alloc;
	fake_set_room(d->link, 0);
	dmt_put_balloon(d, 3000);
	dmt_put_balloon(d, 3000);
	dmt_put_unballoon(d, NULL, 0, 0);
	core_until(d, atomic_read(&d->dm->response_queued));
	dmt_end(d);
	if (dmt_poor.block)
		__free_page(dmt_poor.block);
	KUNIT_EXPECT_EQ(test, totalram_pages(), total);
}

static struct kunit_case dm_balloon_cases[] = {
	KUNIT_CASE(dm_balloon_and_back),
	KUNIT_CASE(dm_back_in_other_pieces),
	KUNIT_CASE(dm_return_of_others_pages),
	KUNIT_CASE(dm_return_with_a_wrong_count),
	KUNIT_CASE(dm_memory_is_short),
	KUNIT_CASE(dm_many_messages),
	KUNIT_CASE(dm_ranges_are_full),
	KUNIT_CASE(dm_floor_stays),
	KUNIT_CASE(dm_floor_is_kept),
	KUNIT_CASE(dm_host_does_not_read),
	KUNIT_CASE(dm_link_ends_with_pages_out),
	KUNIT_CASE(dm_unload_in_the_middle),
	{}
};

static struct kunit_suite dm_balloon_suite = {
	.name = "kmcl_dm_balloon",
	.init = dmt_init,
	.exit = dmt_exit,
	.test_cases = dm_balloon_cases,
};

kunit_test_suite(dm_balloon_suite);
