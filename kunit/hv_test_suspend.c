// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: hibernation. Links are closed before it and opened after it, each
 * reset; a client stays enabled.
 */
#include <linux/slab.h>

#include "hv_test.h"

static int suspend_do(void *offer)
{
	return stand_in_suspend(offer);
}

static void suspend_resumed(struct hv_pair *p)
{
	struct kunit *test = p->c->test;
	u32 n = core_count(p->c, CORE_POST_STARTED_END);

	KUNIT_EXPECT_EQ(test, stand_in_resume(p->o), 0);
	core_wait(p->c, CORE_POST_STARTED_END, n + 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(p->c->ch), VMB_LINK_RESET);
	hv_expect_works(p);
}

/* Again and again; in between the device stays with its driver, and closed. */
static void suspend_idle(struct kunit *test, bool server)
{
	struct hv_pair p = hv_running(test, server), other = hv_running(test, false);
	u32 i;

	for (i = 1; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, stand_in_suspend(p.o), 0);
		KUNIT_EXPECT_EQ(test, p.o->answered[STAND_IN_CLOSE], i);
		KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_CLOSED), i);
		KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_LINK_RESET);
		core_settle(p.c);
		KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_OPEN], i);
		KUNIT_EXPECT_TRUE(test, p.o->bound);
		KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_PNP_FAILURE), 0);
		hv_expect_works(&other);
		suspend_resumed(&p);
	}
	core_expect_life(p.c, "ORPSCORPSCORPSCORP");
	KUNIT_EXPECT_EQ(test, p.o->nr_probes, 1);
}

static void suspend_idle_client(struct kunit *test)
{
	suspend_idle(test, false);
}

static void suspend_idle_server(struct kunit *test)
{
	suspend_idle(test, true);
}

/* Sent, queued, held: each ends, and is counted. */
static void suspend_in_flight(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 1024, 2);
	struct core_chan *c = p.c;
	struct vmbus_ring_desc d;
	struct core_kthread *t;
	u32 i;

	for (i = 0; i < 12; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), p.o, 1000, NULL, WAIT), 0);
	KUNIT_EXPECT_GT(test, c->ch->nr_sent, 0);
	KUNIT_EXPECT_GT(test, c->ch->nr_queued, 0);
	for (i = 0; i < 2; i++)
		KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, 7 + i, "12345678",
						   8), 0);
	core_wait(c, CORE_PACKET, 2);
	t = core_thread_start(test, suspend_do, p.o);
	core_wait(c, CORE_SUSPEND, 1);
	core_wait(c, CORE_DONE, 12);
	for (i = 0; i < 12; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ECANCELED);
	/* The consumer lets go of what it holds, then the link ends. */
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_CLOSE], 0);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, i), "late", 4),
				0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, c->ch->stats.stale, 2);
	suspend_resumed(&p);
	KUNIT_EXPECT_EQ(test, stand_in_take(p.o, &d, NULL, 0, NULL, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, c->ch->stats.stale, 2);
}

/* The open waits for the host, which answers in time: open, and closed at once. */
static void suspend_opening(struct kunit *test, bool server)
{
	struct core_chan *c = hv_chan(test, server, NULL);
	struct hv_pair p = { c, hv_offer(c) };
	struct core_kthread *t;
	u32 n;

	p.o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 1));
	t = core_thread_start(test, suspend_do, p.o);
	core_settle(c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	stand_in_answer(p.o, STAND_IN_OPEN);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, p.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_OPENED), core_count(c, CORE_CLOSED));
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PNP_FAILURE), 0);
	n = core_count(c, CORE_POST_STARTED_END);
	KUNIT_EXPECT_EQ(test, stand_in_resume(p.o), 0);
	core_wait(c, CORE_POST_STARTED_END, n + 1);
	hv_expect_works(&p);
}

static void suspend_opening_client(struct kunit *test)
{
	suspend_opening(test, false);
}

static void suspend_opening_server(struct kunit *test)
{
	suspend_opening(test, true);
}

/* The host does not: no hibernation, and the open goes on. */
static void suspend_open_silent(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	p.o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 1));
	hv_log_begin();
	KUNIT_EXPECT_EQ(test, stand_in_suspend(p.o), -EBUSY);
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&p.o->dev.device), "no hibernation"));
	core_expect_life(c, "");
	stand_in_answer(p.o, STAND_IN_OPEN);
	core_wait(c, CORE_POST_STARTED_END, 1);
	core_expect_life(c, "ORP");
	hv_expect_works(&p);
}

/* Nor without the consumer; its link was told to end, and comes back. */
static void suspend_consumer_holds(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);

	KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, 7, "12345678", 8), 0);
	core_received(p.c, 0);
	KUNIT_EXPECT_EQ(test, stand_in_suspend(p.o), -EBUSY);
	core_expect_life(p.c, "ORPS");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(p.c, 0), NULL, 0), 0);
	core_wait_life(p.c, "ORPSCORP");
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.stale, 1);
	hv_expect_works(&p);
}

/* Disabled, and taken back, while the machine sleeps */
static void suspend_disabled(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);

	KUNIT_EXPECT_EQ(test, stand_in_suspend(p.o), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(p.c->ch), 0);
	core_expect_life(p.c, "ORPSC");
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	KUNIT_EXPECT_EQ(test, stand_in_resume(p.o), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(p.c->ch), VMB_LINK_NEW);
	hv_expect_works(&p);
}

static void suspend_rescinded(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);

	KUNIT_EXPECT_EQ(test, stand_in_suspend(p.o), 0);
	stand_in_rescind(p.o);
	core_until(p.c, READ_ONCE(p.o->released));
	core_expect_life(p.c, "ORPSC");
	p.o = hv_offer(p.c);
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
}

static struct kunit_case hv_suspend_cases[] = {
	KUNIT_CASE(suspend_idle_client),
	KUNIT_CASE(suspend_idle_server),
	KUNIT_CASE(suspend_in_flight),
	KUNIT_CASE(suspend_opening_client),
	KUNIT_CASE(suspend_opening_server),
	KUNIT_CASE(suspend_open_silent),
	KUNIT_CASE(suspend_consumer_holds),
	KUNIT_CASE(suspend_disabled),
	KUNIT_CASE(suspend_rescinded),
	{}
};

static struct kunit_suite hv_suspend_suite = {
	.name = "kmcl_hv_suspend",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_suspend_cases,
};

kunit_test_suite(hv_suspend_suite);
