// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: GPADLs, MMIO space, and what it does not have.
 */
#include <linux/slab.h>

#include "hv_test.h"

static u32 memory_gpadls(struct stand_in_offer *o)
{
	u32 i, n = 0;

	for (i = 0; i < STAND_IN_GPADLS; i++)
		n += !!o->gpadls[i].gpadl_handle;
	return n;
}

/* The host sees the very memory, until it is taken back. */
static void gpadl_from_buffer(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	u32 handle = 0, other = 0;

	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages,
								   2 * PAGE_SIZE, &handle), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch,
								   VMB_GPADL_FLAG_READ_ONLY,
								   pages + 2 * PAGE_SIZE,
								   PAGE_SIZE, &other), 0);
	KUNIT_EXPECT_NE(test, handle, other);
	KUNIT_EXPECT_EQ(test, memory_gpadls(p.o), 2);
	KUNIT_EXPECT_EQ(test, p.o->gpadls[0].size, 2 * PAGE_SIZE);
	pages[PAGE_SIZE + 1] = 0x5a;
	KUNIT_EXPECT_EQ(test, ((u8 *)p.o->gpadls[0].buffer)[PAGE_SIZE + 1], 0x5a);
	hv_expect_works(&p);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), 0);
	KUNIT_EXPECT_EQ(test, memory_gpadls(p.o), 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), -ENOENT);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, other), 0);
}

/* Whole pages of a chain, in any pieces: one range for the host */
static void gpadl_from_chain(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test), *seen;
	struct bio_vec bvec[2] = {
		{ virt_to_page(pages + 3 * PAGE_SIZE), PAGE_SIZE, 0 },
		{ virt_to_page(pages), 2 * PAGE_SIZE, 0 },
	};
	struct vmb_mdl second = { .bvec = &bvec[1], .nr_bvecs = 1, .length = 2 * PAGE_SIZE };
	struct vmb_mdl mdl = { .bvec = bvec, .nr_bvecs = 1, .length = PAGE_SIZE,
			       .next = &second };
	u32 handle, i;

	for (i = 0; i < 4; i++)
		memset(pages + i * PAGE_SIZE, i, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_mdl(p.c->ch, 0, &mdl, 0,
								3 * PAGE_SIZE, &handle), 0);
	seen = p.o->gpadls[0].buffer;
	KUNIT_EXPECT_EQ(test, seen[0], 3);
	KUNIT_EXPECT_EQ(test, seen[PAGE_SIZE], 0);
	KUNIT_EXPECT_EQ(test, seen[2 * PAGE_SIZE], 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), 0);
	/* A part that begins in the second of the chain */
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_mdl(p.c->ch, 0, &mdl, 2 * PAGE_SIZE,
								PAGE_SIZE, &handle), 0);
	KUNIT_EXPECT_EQ(test, ((u8 *)p.o->gpadls[0].buffer)[0], 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), 0);
}

/* hv_vmbus lends whole pages and nothing less. */
static void gpadl_not_whole_pages(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	u32 handle;

	hv_log_begin();
	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages + 8,
								   PAGE_SIZE, &handle), -EINVAL);
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&p.o->dev.device), "whole pages"));
	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages, 100,
								   &handle), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages, 0, &handle),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_ESTABLISH], 0);
	hv_expect_works(&p);
}

/* A piece that is skipped as a whole may end anywhere. */
static void gpadl_behind_a_piece(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	struct bio_vec bvec[2] = {
		{ virt_to_page(pages), 512, 0 },
		{ virt_to_page(pages + PAGE_SIZE), PAGE_SIZE, 0 },
	};
	struct vmb_mdl mdl = {
		.bvec = bvec, .nr_bvecs = 2, .offset = 512, .length = PAGE_SIZE,
	};
	u32 handle;

	pages[PAGE_SIZE] = 0x77;
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_mdl(p.c->ch, 0, &mdl, 0, PAGE_SIZE,
								&handle), 0);
	KUNIT_EXPECT_EQ(test, ((u8 *)p.o->gpadls[0].buffer)[0], 0x77);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), 0);
}

/* hv_vmbus would tell the host of what is left of the size in 16 bits. */
static void gpadl_too_large(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	const u32 most = 8190 * 4096;
	struct bio_vec bvec = { virt_to_page(hv_pages(test)), most + PAGE_SIZE, 0 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = most + PAGE_SIZE };
	u32 handle;

	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_mdl(p.c->ch, 0, &mdl, 0, 0, &handle),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_ESTABLISH], 0);
	hv_expect_works(&p);
}

static void gpadl_refused(struct kunit *test)
{
	static const struct { int host, guest; } errors[] = {
		{ -EDQUOT, -EIO }, { -ENOMEM, -ENOMEM }, { -ENODEV, -ENODEV }, { -EAGAIN, -EIO },
	};
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	u32 handle, i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		p.o->error[STAND_IN_ESTABLISH] = errors[i].host;
		KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages,
									   PAGE_SIZE, &handle),
				errors[i].guest);
	}
	p.o->error[STAND_IN_ESTABLISH] = 0;
	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages, PAGE_SIZE,
								   &handle), 0);
}

/* What the consumer left behind is torn down with its link, before it is gone. */
static void gpadl_left_behind(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	u32 handle;

	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages, PAGE_SIZE,
								   &handle), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(p.c->ch), 0);
	KUNIT_EXPECT_EQ(test, memory_gpadls(p.o), 0);
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(p.c->ch, handle), -ENODEV);
}

static void gpadl_left_behind_rescind(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u8 *pages = hv_pages(test);
	u32 handle;

	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, pages, PAGE_SIZE,
								   &handle), 0);
	stand_in_rescind(p.o);
	core_wait_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
	KUNIT_EXPECT_EQ(test, memory_gpadls(p.o), 0);
}

struct memory_call {
	struct hv_pair p;
	u8 *pages;
	struct core_kthread *thread;
};

static int memory_do_create(void *arg)
{
	struct memory_call *call = arg;
	u32 handle;

	return vmb_channel_create_gpadl_from_buffer(call->p.c->ch, 0, call->pages, PAGE_SIZE,
						    &handle);
}

static void memory_in_opened(struct core_chan *c)
{
	struct memory_call *call = c->priv;

	call->thread = core_thread_start(c->test, memory_do_create, call);
	stand_in_reached(call->p.o, STAND_IN_ESTABLISH, 1);
}

/* Opened fails while a call waits: what that comes to is torn down, too. */
static void gpadl_opened_fails(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct memory_call call = { { c, hv_offer(c) }, hv_pages(test) };

	c->priv = &call;
	c->on_opened = memory_in_opened;
	c->opened_ret = -EIO;
	call.p.o->hold[STAND_IN_ESTABLISH] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_OPENED, 1);
	core_until(c, READ_ONCE(c->ch->state) == KMCL_ENABLED);
	stand_in_answer(call.p.o, STAND_IN_ESTABLISH);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, call.thread), 0);
	hv_wait_disabled(c);
	KUNIT_EXPECT_EQ(test, memory_gpadls(call.p.o), 0);
}

/* A host does not lend its memory to the guest. */
static void gpadl_of_the_host(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	struct vmb_mdl *mdl;

	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(p.c->ch, 0, 1, &mdl), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(p.c->ch, 1), -ENOENT);
}

static struct hv_pair memory_mmio(struct kunit *test, u16 megabytes)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p = { .c = c };

	p.o = stand_in_offer_new(hv_host(test), &core_type, &c->ch->cfg.instance);
	p.o->ch.offermsg.offer.mmio_megabytes = megabytes;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	stand_in_offer_publish(p.o);
	core_wait(c, CORE_POST_STARTED_END, 1);
	return p;
}

static void mmio_space(struct kunit *test)
{
	struct hv_pair p = memory_mmio(test, 8);
	u64 address = 0, size = 0;

	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(p.c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, address, STAND_IN_MMIO);
	KUNIT_EXPECT_EQ(test, size, 8 * SZ_1M);
	/* Taken once, however often it is asked for */
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(p.c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, hv_host(test)->mmio_bytes, 8 * SZ_1M);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(p.c->ch), 0);
	KUNIT_EXPECT_EQ(test, hv_host(test)->mmio_bytes, 0);
}

static void mmio_none(struct kunit *test)
{
	struct hv_pair p = memory_mmio(test, 0);
	u64 address = 1, size = 1;

	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(p.c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, size, 0);
}

static void mmio_refused(struct kunit *test)
{
	struct hv_pair p = memory_mmio(test, 8);
	u64 address = 0, size = 0;

	hv_log_begin();
	hv_host(test)->mmio_error = -ENXIO;
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(p.c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, size, 0);
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&p.o->dev.device), "MMIO"));
}

static void interrupt_latency(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	u16 original;

	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(p.c->ch, 100, &original),
			-EOPNOTSUPP);
}

static struct kunit_case hv_memory_cases[] = {
	KUNIT_CASE(gpadl_from_buffer),
	KUNIT_CASE(gpadl_from_chain),
	KUNIT_CASE(gpadl_not_whole_pages),
	KUNIT_CASE(gpadl_behind_a_piece),
	KUNIT_CASE(gpadl_too_large),
	KUNIT_CASE(gpadl_refused),
	KUNIT_CASE(gpadl_left_behind),
	KUNIT_CASE(gpadl_left_behind_rescind),
	KUNIT_CASE(gpadl_opened_fails),
	KUNIT_CASE(gpadl_of_the_host),
	KUNIT_CASE(mmio_space),
	KUNIT_CASE(mmio_none),
	KUNIT_CASE(mmio_refused),
	KUNIT_CASE(interrupt_latency),
	{}
};

static struct kunit_suite hv_memory_suite = {
	.name = "kmcl_hv_memory",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_memory_cases,
};

kunit_test_suite(hv_memory_suite);
