// SPDX-License-Identifier: GPL-2.0
/*
 * The arena of the loopback bus: page numbers, runs, pins, holds, external data,
 * and taking saved runs back.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/kmcl.h>
#include <linux/mm.h>

#include "transport/arena.h"

#define PAGES	64

static int arena_test_init(struct kunit *test)
{
	struct kmcl_arena *arena = kmcl_arena_create(PAGES);

	KUNIT_ASSERT_FALSE(test, IS_ERR(arena));
	test->priv = arena;
	return 0;
}

static void arena_test_exit(struct kunit *test)
{
	kmcl_arena_destroy(test->priv);
}

static struct kmcl_arena_run *take(struct kunit *test, u32 kind, u32 count)
{
	struct kmcl_arena_run *run = kmcl_arena_alloc(test->priv, kind, count, false, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(run));
	return run;
}

static void arena_create_limits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_create(0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_create(KMCL_ARENA_PAGES_MIN - 1)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_create(KMCL_ARENA_PAGES_MAX + 1)), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_size(test->priv), PAGES);
	kmcl_arena_destroy(NULL);
	kmcl_arena_destroy(ERR_PTR(-EINVAL));
}

static void arena_alloc_zeroed(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run = take(test, KMCL_ARENA_RING, 3);
	u32 i;

	KUNIT_EXPECT_NE(test, run->first, 0);
	for (i = 0; i < 3; i++) {
		struct page *page = kmcl_arena_page(arena, run, i);

		KUNIT_EXPECT_EQ(test, page_private(page), run->first + i);
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(page), 0, KMCL_ARENA_PAGE_SIZE));
		memset(page_address(page), 0x5a, KMCL_ARENA_PAGE_SIZE);
	}
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 3);
	kmcl_arena_release(arena, run);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
	run = take(test, KMCL_ARENA_RING, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(page_address(kmcl_arena_page(arena, run, i)), 0,
						   KMCL_ARENA_PAGE_SIZE));
	kmcl_arena_release(arena, run);
}

static void arena_alloc_full(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *runs[PAGES];
	u32 i, n = 0;

	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_alloc(arena, KMCL_ARENA_RING, 0, false,
						       GFP_KERNEL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_alloc(arena, KMCL_ARENA_RING, PAGES, false,
						       GFP_KERNEL)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_alloc(arena, KMCL_ARENA_RING, U32_MAX, false,
						       GFP_KERNEL)), -ENOSPC);
	for (;;) {
		struct kmcl_arena_run *run = kmcl_arena_alloc(arena, KMCL_ARENA_RING, 1, false,
							      GFP_KERNEL);

		if (IS_ERR(run)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(run), -ENOSPC);
			break;
		}
		KUNIT_ASSERT_LT(test, n, PAGES);
		runs[n++] = run;
	}
	/* All but gfn 0 */
	KUNIT_EXPECT_EQ(test, n, PAGES - 1);

	/* A hole of two, and one of one before it */
	kmcl_arena_release(arena, runs[20]);
	kmcl_arena_release(arena, runs[30]);
	kmcl_arena_release(arena, runs[31]);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_alloc(arena, KMCL_ARENA_RING, 3, false,
						       GFP_KERNEL)), -ENOSPC);
	runs[30] = take(test, KMCL_ARENA_RING, 2);
	KUNIT_EXPECT_EQ(test, runs[30]->first, 31);
	runs[20] = take(test, KMCL_ARENA_RING, 1);
	KUNIT_EXPECT_EQ(test, runs[20]->first, 21);
	for (i = 0; i < n; i++)
		if (i != 31)
			kmcl_arena_release(arena, runs[i]);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
}

static void arena_pin_refuses(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run, *ro;
	struct page *page;

	run = take(test, KMCL_ARENA_GPADL, 2);
	ro = kmcl_arena_alloc(arena, KMCL_ARENA_GPADL, 1, true, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ro));
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_KINDS, false, 0, &page), -EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_KINDS, false, PAGES, &page),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_KINDS, false, U64_MAX, &page),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_KINDS, false, 1ULL << 32, &page),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_KINDS, false, ro->first + 1, &page),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_RING | KMCL_ARENA_EXT, false,
					     run->first, &page), -EFAULT);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_GPADL, true, ro->first, &page),
			-EACCES);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_GPADL, false, ro->first, &page), 0);
	kmcl_arena_unpin(arena, page);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_GPADL, true, run->first + 1, &page),
			0);
	KUNIT_EXPECT_PTR_EQ(test, page, kmcl_arena_page(arena, run, 1));
	kmcl_arena_unpin(arena, page);
	kmcl_arena_release(arena, run);
	kmcl_arena_release(arena, ro);
}

static void arena_pin_outlives_release(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run = take(test, KMCL_ARENA_EXT, 2), *other;
	u32 first = run->first;
	struct page *page[2];

	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, true, first, &page[0]), 0);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, true, first, &page[1]), 0);
	kmcl_arena_release(arena, run);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 2);
	other = take(test, KMCL_ARENA_EXT, 2);
	KUNIT_EXPECT_NE(test, other->first, first);
	memset(page_address(page[0]), 0x77, KMCL_ARENA_PAGE_SIZE);
	kmcl_arena_unpin(arena, page[0]);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 4);
	kmcl_arena_unpin(arena, page[1]);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 2);
	kmcl_arena_release(arena, other);
}

static void arena_pin_wire_all_or_none(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run = take(test, KMCL_ARENA_EXT, 3);
	__le64 gfns[4] = {
		cpu_to_le64(run->first + 2), cpu_to_le64(run->first),
		cpu_to_le64(run->first + 1), cpu_to_le64(run->first + 3),
	};
	struct bio_vec bvec[4];

	KUNIT_EXPECT_EQ(test, kmcl_arena_pin_wire(arena, KMCL_ARENA_EXT, true, gfns, 4, bvec),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, run->pins, 0);
	KUNIT_EXPECT_EQ(test, kmcl_arena_pin_wire(arena, KMCL_ARENA_EXT, true, gfns, 3, bvec), 0);
	KUNIT_EXPECT_EQ(test, run->pins, 3);
	KUNIT_EXPECT_PTR_EQ(test, bvec[0].bv_page, kmcl_arena_page(arena, run, 2));
	KUNIT_EXPECT_PTR_EQ(test, bvec[1].bv_page, kmcl_arena_page(arena, run, 0));
	KUNIT_EXPECT_EQ(test, bvec[2].bv_len, KMCL_ARENA_PAGE_SIZE);
	kmcl_arena_unpin_bvec(arena, bvec, 3);
	KUNIT_EXPECT_EQ(test, run->pins, 0);
	kmcl_arena_release(arena, run);
}

static void arena_hold_keeps_external(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *before, *during, *ring, *after;
	struct kmcl_arena_hold hold[2];

	before = take(test, KMCL_ARENA_EXT, 1);
	during = take(test, KMCL_ARENA_EXT, 1);
	ring = take(test, KMCL_ARENA_RING, 1);
	after = take(test, KMCL_ARENA_EXT, 1);
	kmcl_arena_release(arena, before);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 3);
	kmcl_arena_hold_begin(arena, &hold[0]);
	kmcl_arena_release(arena, during);
	kmcl_arena_release(arena, ring);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 2);
	kmcl_arena_hold_begin(arena, &hold[1]);
	kmcl_arena_release(arena, after);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 2);
	/* The later hold says nothing of what was given back before it. */
	kmcl_arena_hold_end(arena, &hold[0]);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 1);
	kmcl_arena_hold_end(arena, &hold[1]);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
}

static void arena_hold_and_pin(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run = take(test, KMCL_ARENA_EXT, 1);
	struct kmcl_arena_hold hold;
	struct page *page;

	kmcl_arena_hold_begin(arena, &hold);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, false, run->first, &page), 0);
	kmcl_arena_release(arena, run);
	kmcl_arena_unpin(arena, page);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 1);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, false, page_private(page),
					     &page), 0);
	kmcl_arena_hold_end(arena, &hold);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 1);
	kmcl_arena_unpin(arena, page);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
}

static void arena_ext_life(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	u64 token = 0, other = 0;
	struct kmcl_arena_run *run;
	struct page *page;
	bool dirty;

	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_reserve(arena, 0, GFP_KERNEL, &token), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_reserve(arena, PAGES * KMCL_ARENA_PAGE_SIZE,
						     GFP_KERNEL, &token), -ENOMEM);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_reserve(arena, U32_MAX, GFP_KERNEL, &token), -ENOMEM);
	KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 4097, GFP_ATOMIC, &token), 0);
	KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 1, GFP_KERNEL, &other), 0);
	KUNIT_EXPECT_NE(test, token, 0);
	KUNIT_EXPECT_NE(test, token, other);
	KUNIT_EXPECT_NULL(test, kmcl_arena_ext_begin(arena, token ^ BIT(40), 1));
	KUNIT_EXPECT_NULL(test, kmcl_arena_ext_begin(arena, token, 8193));
	run = kmcl_arena_ext_begin(arena, token, 8192);
	KUNIT_ASSERT_NOT_NULL(test, run);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, false, run->first, &page), 0);
	kmcl_arena_unpin(arena, page);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_arena_ext_end(arena, token, &dirty), run);
	KUNIT_EXPECT_FALSE(test, dirty);
	kmcl_arena_ext_begin(arena, token, 8192);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, true, run->first, &page), 0);
	kmcl_arena_unpin(arena, page);
	kmcl_arena_ext_end(arena, token, &dirty);
	KUNIT_EXPECT_TRUE(test, dirty);
	kmcl_arena_ext_release(arena, token);
	kmcl_arena_ext_release(arena, token);
	KUNIT_EXPECT_NULL(test, kmcl_arena_ext_end(arena, token, &dirty));
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 1);
	kmcl_arena_ext_release(arena, other);
}

/* As a save does it; with @commit as its commit does. */
static void offer(struct kunit *test, bool commit)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_snapshot snap;

	KUNIT_ASSERT_EQ(test, kmcl_arena_snapshot(arena, &snap), 0);
	kmcl_arena_ext_offer(arena, &snap);
	kmcl_arena_snapshot_put(arena, &snap);
	kmcl_arena_ext_settle(arena, commit);
}

static void arena_ext_adopt_once(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	u64 saved, late;
	bool dirty;

	KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 5000, GFP_KERNEL, &saved), 0);
	kmcl_arena_ext_begin(arena, saved, 5000);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 5000), -EINVAL);
	offer(test, false);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 5000), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_drop(arena), 0);
	offer(test, true);
	KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 5000, GFP_KERNEL, &late), 0);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, late, 5000), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 8193), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, 0, 5000), -EINVAL);
	/* Saved again before it was claimed, in vain: it goes on waiting. */
	offer(test, false);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 8192), 0);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 8192), -EINVAL);
	/* By a packet that needs less */
	offer(test, true);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, saved, 1), 0);
	offer(test, true);
	/* Not lent after all, as the send was refused: nobody else may have it. */
	KUNIT_EXPECT_NOT_NULL(test, kmcl_arena_ext_end(arena, late, &dirty));
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, late, 5000), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_drop(arena), 1);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 2);
	kmcl_arena_ext_release(arena, late);
}

/* ---- saved runs ---- */

static void fill_pages(struct kunit *test, struct page **pages, u32 nr, u8 seed)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		memset(page_address(pages[i]), seed + i, KMCL_ARENA_PAGE_SIZE);
	}
}

static void arena_place_refuses(struct kunit *test)
{
	static const struct kmcl_arena_place bad[] = {
		{ .first = 0, .count = 1, .kind = KMCL_ARENA_RING },
		{ .first = 1, .count = 0, .kind = KMCL_ARENA_RING },
		{ .first = PAGES, .count = 1, .kind = KMCL_ARENA_RING },
		{ .first = PAGES - 1, .count = 2, .kind = KMCL_ARENA_RING },
		{ .first = 5, .count = U32_MAX, .kind = KMCL_ARENA_RING },
		{ .first = U32_MAX, .count = 2, .kind = KMCL_ARENA_RING },
		{ .first = 5, .count = 1, .kind = 0 },
		{ .first = 5, .count = 1, .kind = 3 },
		{ .first = 5, .count = 1, .kind = 8 },
		{ .first = 5, .count = 1, .kind = KMCL_ARENA_RING, .token = 1 },
		{ .first = 5, .count = 1, .kind = KMCL_ARENA_RING, .read_only = true },
		{ .first = 5, .count = 1, .kind = KMCL_ARENA_GPADL, .token = 1 },
		{ .first = 5, .count = 1, .kind = KMCL_ARENA_EXT },
		{ .first = 5, .count = 1, .kind = KMCL_ARENA_EXT, .token = 1, .read_only = true },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(kmcl_arena_place(test->priv, &bad[i], NULL)),
				    -EBADMSG, "case %u", i);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(test->priv), 0);
}

static void arena_place_overlap(struct kunit *test)
{
	struct kmcl_arena_place place = {
		.first = 10, .count = 3, .kind = KMCL_ARENA_EXT, .token = 7,
	};
	struct page *pages[3], *spare[3];
	u32 i;

	fill_pages(test, pages, 3, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kmcl_arena_place(test->priv, &place, pages)));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_NULL(test, pages[i]);
	fill_pages(test, spare, 3, 1);
	for (i = 8; i <= 12; i++) {
		place.first = i;
		place.token = 8;
		KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_place(test->priv, &place, spare)),
				-EBADMSG);
	}
	place.first = 20;
	place.token = 7;
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_arena_place(test->priv, &place, spare)), -EBADMSG);
	for (i = 0; i < 3; i++)
		__free_page(spare[i]);
	KUNIT_EXPECT_NOT_NULL(test, kmcl_arena_run_at(test->priv, 10));
	KUNIT_EXPECT_NULL(test, kmcl_arena_run_at(test->priv, 11));
	KUNIT_EXPECT_NULL(test, kmcl_arena_run_at(test->priv, PAGES));
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(test->priv, 7, 3 * KMCL_ARENA_PAGE_SIZE), 0);
	kmcl_arena_ext_release(test->priv, 7);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(test->priv), 0);
}

static void arena_snapshot_pins(struct kunit *test)
{
	struct kmcl_arena *arena = test->priv;
	struct kmcl_arena_run *run[3], *hole;
	struct kmcl_arena_snapshot snap;
	u32 i;

	KUNIT_ASSERT_EQ(test, kmcl_arena_snapshot(arena, &snap), 0);
	KUNIT_EXPECT_EQ(test, snap.nr_runs, 0);
	kmcl_arena_snapshot_put(arena, &snap);
	run[0] = take(test, KMCL_ARENA_RING, 2);
	hole = take(test, KMCL_ARENA_RING, 2);
	run[1] = take(test, KMCL_ARENA_EXT, 1);
	run[2] = take(test, KMCL_ARENA_GPADL, 3);
	kmcl_arena_release(arena, hole);
	KUNIT_ASSERT_EQ(test, kmcl_arena_snapshot(arena, &snap), 0);
	KUNIT_ASSERT_EQ(test, snap.nr_runs, 3);
	KUNIT_EXPECT_EQ(test, snap.nr_pages, 6);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, snap.runs[i], run[i]);
		kmcl_arena_release(arena, run[i]);
	}
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 6);
	kmcl_arena_snapshot_put(arena, &snap);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
}

/* A reservation made before the restore moves, and keeps name and content. */
static void arena_replace_moves(struct kunit *test)
{
	const struct kmcl_arena_place place = {
		.first = 1, .count = 4, .kind = KMCL_ARENA_EXT, .token = 99,
	};
	struct kmcl_arena *arena = test->priv, *by = kmcl_arena_create(PAGES);
	struct kmcl_arena_run *run;
	struct page *pages[4], *page;
	u64 token;

	KUNIT_ASSERT_FALSE(test, IS_ERR(by));
	KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 8192, GFP_KERNEL, &token), 0);
	run = kmcl_arena_run_at(arena, 1);
	KUNIT_ASSERT_NOT_NULL(test, run);
	memset(page_address(kmcl_arena_page(arena, run, 1)), 0x42, KMCL_ARENA_PAGE_SIZE);
	fill_pages(test, pages, 4, 0x10);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kmcl_arena_place(by, &place, pages)));
	KUNIT_ASSERT_EQ(test, kmcl_arena_replace(arena, by), 0);
	kmcl_arena_destroy(by);

	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 6);
	KUNIT_EXPECT_EQ(test, kmcl_arena_ext_adopt(arena, 99, 4 * KMCL_ARENA_PAGE_SIZE), 0);
	KUNIT_ASSERT_EQ(test, kmcl_arena_pin(arena, KMCL_ARENA_EXT, false, 3, &page), 0);
	KUNIT_EXPECT_EQ(test, *(u8 *)page_address(page), 0x12);
	kmcl_arena_unpin(arena, page);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_arena_ext_begin(arena, token, 8192), run);
	KUNIT_EXPECT_EQ(test, run->first, 5);
	KUNIT_EXPECT_EQ(test, *(u8 *)page_address(kmcl_arena_page(arena, run, 1)), 0x42);
	KUNIT_EXPECT_EQ(test, page_private(kmcl_arena_page(arena, run, 1)), 6);
	run = take(test, KMCL_ARENA_RING, 1);
	KUNIT_EXPECT_EQ(test, run->first, 7);
	kmcl_arena_release(arena, run);
	kmcl_arena_ext_release(arena, 99);
	kmcl_arena_ext_release(arena, token);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
}

static void arena_replace_refuses(struct kunit *test)
{
	const struct kmcl_arena_place place = {
		.first = 1, .count = 4, .kind = KMCL_ARENA_EXT, .token = 99,
	};
	struct kmcl_arena *arena = test->priv, *by;
	struct kmcl_arena_run *run;
	struct page *pages[4];
	u64 token;
	u32 i;

	by = kmcl_arena_create(PAGES * 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(by));
	KUNIT_EXPECT_EQ(test, kmcl_arena_replace(arena, by), -EINVAL);
	kmcl_arena_destroy(by);

	for (i = 0; i < 3; i++) {
		by = kmcl_arena_create(PAGES);
		KUNIT_ASSERT_FALSE(test, IS_ERR(by));
		fill_pages(test, pages, 4, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kmcl_arena_place(by, &place, pages)));
		if (i == 0) {
			/* A ring, which somebody uses by its gfns */
			run = take(test, KMCL_ARENA_RING, 1);
			KUNIT_EXPECT_EQ(test, kmcl_arena_replace(arena, by), -EBUSY);
			KUNIT_EXPECT_PTR_EQ(test, kmcl_arena_run_at(arena, run->first), run);
			kmcl_arena_release(arena, run);
		} else if (i == 1) {
			/* External data that is described to somebody */
			KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, 1, GFP_KERNEL, &token),
					0);
			kmcl_arena_ext_begin(arena, token, 1);
			KUNIT_EXPECT_EQ(test, kmcl_arena_replace(arena, by), -EBUSY);
			kmcl_arena_ext_release(arena, token);
		} else {
			/* More than there is room for beside the record */
			KUNIT_ASSERT_EQ(test, kmcl_arena_ext_reserve(arena, (PAGES - 3) *
								     KMCL_ARENA_PAGE_SIZE,
								     GFP_KERNEL, &token), 0);
			KUNIT_EXPECT_EQ(test, kmcl_arena_replace(arena, by), -ENOSPC);
			KUNIT_EXPECT_NOT_NULL(test, kmcl_arena_ext_begin(arena, token, 1));
			kmcl_arena_ext_release(arena, token);
		}
		kmcl_arena_destroy(by);
		KUNIT_EXPECT_EQ(test, kmcl_arena_used(arena), 0);
	}
}

static struct kunit_case arena_cases[] = {
	KUNIT_CASE(arena_create_limits),
	KUNIT_CASE(arena_alloc_zeroed),
	KUNIT_CASE(arena_alloc_full),
	KUNIT_CASE(arena_pin_refuses),
	KUNIT_CASE(arena_pin_outlives_release),
	KUNIT_CASE(arena_pin_wire_all_or_none),
	KUNIT_CASE(arena_hold_keeps_external),
	KUNIT_CASE(arena_hold_and_pin),
	KUNIT_CASE(arena_ext_life),
	KUNIT_CASE(arena_ext_adopt_once),
	KUNIT_CASE(arena_place_refuses),
	KUNIT_CASE(arena_place_overlap),
	KUNIT_CASE(arena_snapshot_pins),
	KUNIT_CASE(arena_replace_moves),
	KUNIT_CASE(arena_replace_refuses),
	{}
};

static struct kunit_suite arena_suite = {
	.name = "kmcl_arena",
	.init = arena_test_init,
	.exit = arena_test_exit,
	.test_cases = arena_cases,
};

kunit_test_suite(arena_suite);
