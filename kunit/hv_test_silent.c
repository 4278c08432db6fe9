// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: a host that does not answer. hv_vmbus waits for it without a
 * limit; whoever did not ask must not.
 */
#include <linux/slab.h>

#include "hv_test.h"

/* What sysfs asks of a channel */
static void silent_look(struct core_chan *c)
{
	u64 address, size;
	guid_t got;

	vmb_channel_get_interface_instance(c->ch, &got);
	KUNIT_EXPECT_TRUE(c->test, guid_equal(&got, &c->ch->cfg.instance));
	vmb_channel_get_link_state(c->ch);
	vmb_channel_get_stop_reason(c->ch);
	vmb_channel_get_mmio_space(c->ch, &address, &size);
}

/* Everybody else's business: another channel, a probe, what sysfs shows */
static void silent_others_go_on(struct kunit *test, struct core_chan *silent)
{
	struct hv_pair p = hv_running(test, true);
	struct core_chan *c = hv_chan(test, false, NULL);

	hv_expect_works(&p);
	/* Offered and not wanted: probe() comes back. */
	KUNIT_EXPECT_FALSE(test, hv_offer(c)->bound);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(p.c->ch), 0);
	silent_look(silent);
}

/* An open that is not answered: it is given up at once, and closed once it is. */
static void silent_open(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct stand_in_offer *o = hv_offer(c);

	o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(o, STAND_IN_OPEN, 1));
	silent_others_go_on(test, c);
	core_expect_life(c, "");
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "");
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_OPEN], 0);
	KUNIT_EXPECT_TRUE(test, o->bound);
	stand_in_answer(o, STAND_IN_OPEN);
	KUNIT_EXPECT_TRUE(test, hv_released(o));
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_CLOSE], 1);
	core_expect_life(c, "");
}

/* It is enabled again while the first open is still under way. */
static void silent_open_again(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	p.o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 1));
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	core_settle(c);
	core_expect_life(c, "");
	stand_in_answer(p.o, STAND_IN_OPEN);
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_OPEN], 2);
	hv_expect_works(&p);
}

/* Signals and packets come before the answer to the open does. */
static void silent_open_with_signals(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p = { c, hv_offer(c) };
	u32 i;

	p.o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 1));
	for (i = 0; i < 10; i++)
		stand_in_interrupt(p.o);
	core_settle(c);
	core_expect_life(c, "");
	stand_in_answer(p.o, STAND_IN_OPEN);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
}

static int silent_do_unbind(void *offer)
{
	stand_in_unbind(offer);
	return 0;
}

/* Unbinding has to wait for the host, and for nobody else. */
static void silent_open_unbind(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL), *next = hv_chan(test, false, NULL);
	struct stand_in_offer *o = hv_offer(c);
	struct hv_pair p = { next };
	struct core_kthread *t;

	o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(o, STAND_IN_OPEN, 1));
	p.o = hv_offer(next);
	t = core_thread_start(test, silent_do_unbind, o);
	silent_others_go_on(test, c);
	/* Nor one that was offered before, and is looked for behind it. */
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(next->ch), 0);
	core_wait(next, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	stand_in_answer(o, STAND_IN_OPEN);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_CLOSE], 1);
}

/*
 * A close that is not answered holds its own disable. And whoever else closes,
 * for hv_vmbus has a mutex over it; but nobody that runs.
 */
static void silent_close(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false), other = hv_running(test, true);
	struct core_kthread *t;

	p.o->hold[STAND_IN_CLOSE] = true;
	t = core_thread_start(test, core_do_disable, p.c);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	hv_expect_works(&other);
	silent_look(p.c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	/* The host may touch the memory of what was sent until then. */
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_CLOSED), 0);
	stand_in_answer(p.o, STAND_IN_CLOSE);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(p.c, "ORPSC");
}

struct silent_gpadl {
	struct core_chan *c;
	void *memory;
	u32 handle;
};

static int silent_do_create(void *arg)
{
	struct silent_gpadl *g = arg;

	return vmb_channel_create_gpadl_from_buffer(g->c->ch, 0, g->memory, PAGE_SIZE, &g->handle);
}

static int silent_do_delete(void *arg)
{
	struct silent_gpadl *g = arg;

	return vmb_channel_delete_gpadl(g->c->ch, g->handle);
}

static struct silent_gpadl *silent_gpadl_new(struct kunit *test, struct core_chan *c)
{
	struct silent_gpadl *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->c = c;
	g->memory = hv_pages(test);
	return g;
}

/* A GPADL that is not acknowledged: packets go on, the channel's own too. */
static void silent_gpadl(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct silent_gpadl *g = silent_gpadl_new(test, p.c);
	struct core_kthread *t;

	p.o->hold[STAND_IN_ESTABLISH] = true;
	t = core_thread_start(test, silent_do_create, g);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_ESTABLISH, 1));
	silent_others_go_on(test, p.c);
	hv_expect_works(&p);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	stand_in_answer(p.o, STAND_IN_ESTABLISH);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);

	p.o->hold[STAND_IN_TEARDOWN] = true;
	t = core_thread_start(test, silent_do_delete, g);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_TEARDOWN, 1));
	silent_others_go_on(test, p.c);
	hv_expect_works(&p);
	stand_in_answer(p.o, STAND_IN_TEARDOWN);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

/* A rescind ends one wait of a channel: there is one. */
static void silent_gpadls_rescind(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct core_kthread *create[2];
	u32 i;

	p.o->hold[STAND_IN_ESTABLISH] = true;
	for (i = 0; i < 2; i++)
		create[i] = core_thread_start(test, silent_do_create,
					      silent_gpadl_new(test, p.c));
	core_until(p.c, READ_ONCE(p.c->ch->gpadl_calls) == 2);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_ESTABLISH, 1));
	stand_in_rescind(p.o);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, core_thread_join(test, create[i]), -ENODEV);
	core_wait_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
}

/* Only a rescind ends the wait for a GPADL; a disable waits with it. */
static void silent_gpadl_rescind(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct silent_gpadl *g = silent_gpadl_new(test, p.c);
	struct core_kthread *create, *disable;

	p.o->hold[STAND_IN_ESTABLISH] = true;
	create = core_thread_start(test, silent_do_create, g);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_ESTABLISH, 1));
	disable = core_thread_start(test, core_do_disable, p.c);
	core_wait(p.c, CORE_SUSPEND, 1);
	silent_others_go_on(test, p.c);
	stand_in_rescind(p.o);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, create), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, disable), 0);
	core_until(p.c, p.o->released);
}

static struct kunit_case hv_silent_cases[] = {
	KUNIT_CASE(silent_open),
	KUNIT_CASE(silent_open_again),
	KUNIT_CASE(silent_open_with_signals),
	KUNIT_CASE(silent_open_unbind),
	KUNIT_CASE(silent_close),
	KUNIT_CASE(silent_gpadl),
	KUNIT_CASE(silent_gpadl_rescind),
	KUNIT_CASE(silent_gpadls_rescind),
	{}
};

static struct kunit_suite hv_silent_suite = {
	.name = "kmcl_hv_silent",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_silent_cases,
};

kunit_test_suite(hv_silent_suite);
