// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a channel: the state table (T1 to T31) of the documented
 * transitions, for both ends. T1, T2 and T7 are in config_test.c, T27 in
 * life_test_open.c, T28 and T29 in the tests of saving and restoring.
 */
#include <linux/uuid.h>

#include "core_test.h"

struct life_end {
	const char *name;
	bool server;
};

static const struct life_end life_ends[] = {
	{ "server", true },
	{ "client", false },
};

KUNIT_ARRAY_PARAM_DESC(life_ends, life_ends, name);

static bool life_server(struct kunit *test)
{
	return ((const struct life_end *)test->param_value)->server;
}

static struct core_chan *life_make(struct kunit *test)
{
	return life_server(test) ? core_server(test) : core_client(test);
}

static struct core_chan *life_running(struct kunit *test)
{
	return life_server(test) ? core_server_running(test) : core_client_running(test);
}

static void t03_pause_while_disabled(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_enable(c);
	core_open(c);
	core_settle(c);
	core_expect_life(c, "O");
	KUNIT_EXPECT_EQ(test, vmb_channel_start(c->ch), 0);
	core_wait_life(c, "ORP");
}

static void t04_start_while_disabled(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(c->ch), 0);
	core_enable(c);
	core_open(c);
	core_wait_life(c, "ORP");
}

/* In a thread: what takes it for Disabled waits for an outcome that never comes. */
static void life_enabled_already(struct core_chan *c)
{
	struct core_kthread *t = core_thread_start(c->test, core_do_enable, c);

	KUNIT_EXPECT_EQ(c->test, core_thread_join(c->test, t), -EBUSY);
}

static void t05_enable(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	core_enable(c);
	KUNIT_EXPECT_TRUE(test, c->link->attached);
	core_settle(c);
	core_expect_life(c, "");
	life_enabled_already(c);
	core_open(c);
	if (life_server(test)) {
		/* Paused until it is started */
		core_settle(c);
		core_expect_life(c, "O");
	} else {
		core_wait_life(c, "ORP");
	}
	KUNIT_EXPECT_EQ(test, c->link->open_status, 0);
	KUNIT_EXPECT_EQ(test, c->link->nr_open_done, 1);
	life_enabled_already(c);
}

/* The wishes of one life do not last into the next. */
static void t05_enable_again(struct kunit *test)
{
	struct core_chan *c = life_running(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_enable(c);
	core_open(c);
	if (life_server(test)) {
		core_settle(c);
		core_expect_life(c, "ORPSCO");
	} else {
		core_wait_life(c, "ORPSCORP");
		KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
		KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
		core_enable(c);
		core_open(c);
		core_wait_life(c, "ORPSCORPSCORP");
	}
}

static void t06_attach_fails(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = life_make(test);

	env->fb->attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EIO);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_OPEN_FAILED);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EIO);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	/* It is Disabled, and free to be configured. */
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_subchannel_index(c->ch, 1), 0);
	env->fb->attach_error = 0;
	core_run(c);
	core_expect_life(c, "ORP");
}

static void t09_opened_fails(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	c->opened_ret = -EPERM;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_until(c, c->link->nr_open_done == 1);
	KUNIT_EXPECT_EQ(test, c->link->open_status, -EPERM);
	core_settle(c);
	core_expect_life(c, "O");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_OPEN_FAILED);
	c->opened_ret = 0;
	if (life_server(test)) {
		/* Still offered */
		KUNIT_EXPECT_TRUE(test, c->link->attached);
		core_open(c);
	} else {
		KUNIT_EXPECT_FALSE(test, c->link->attached);
		core_enable(c);
		core_open(c);
	}
	core_wait_life(c, "OORP");
	KUNIT_EXPECT_EQ(test, c->link->open_status, 0);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
}

static void t10_started_before_it_opens(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	core_enable(c);
	vmb_channel_start(c->ch);
	core_settle(c);
	core_expect_life(c, "");
	core_open(c);
	core_wait_life(c, "ORP");
}

static void send_in_started(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "queued", 6, NULL, 0), 0);
	KUNIT_EXPECT_EQ(c->test, c->link->nr_out, 0);
	KUNIT_EXPECT_EQ(c->test, core_count(c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(c->test, c->link->nr_in, 1);
}

/* Nothing is delivered before Started; what that queued goes out after it. */
static void t12_started_then_packets(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	c->complete_inline = true;
	core_packet(c);
	c->on_started = send_in_started;
	vmb_channel_pause(c->ch);
	core_enable(c);
	core_open(c);
	core_peer_message(c, 1, "early", 5);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 0);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_PACKET, 1);
	core_wait(c, CORE_DONE, 1);
	core_wait_life(c, "ORP");
	KUNIT_EXPECT_LT(test, core_index(c, CORE_STARTED, 0), core_index(c, CORE_PACKET, 0));
	KUNIT_EXPECT_MEMEQ(test, core_take(c)->data, "queued", 6);
}

static void wait_in_post_started(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "q", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_EXPECT_TRUE(c->test, core_reached(c, CORE_DONE, 1));
}

static void t12_post_started_may_wait(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	c->on_post_started = wait_in_post_started;
	core_enable(c);
	core_packet(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_peer_answer(c, core_take(c)->id, "a", 1);
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, 0);
	core_expect_life(c, "ORP");
}

static void wait_for_packet(struct core_chan *c)
{
	KUNIT_EXPECT_TRUE(c->test, core_reached(c, CORE_PACKET, 1));
}

static void d02_packets_while_post_started(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	c->on_post_started = wait_for_packet;
	c->complete_inline = true;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_POST_STARTED, 1);
	core_peer_message(c, 1, "now", 3);
	core_wait(c, CORE_POST_STARTED_END, 1);
}

static void t13_start_of_a_paused_one(struct kunit *test)
{
	struct core_chan *c = life_running(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_expect_life(c, "ORPS");
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSRP");
	vmb_channel_start(c->ch);
	core_settle(c);
	core_expect_life(c, "ORPSRP");
}

static void t14_pause_waits_for_what_is_held(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct vmb_packet_completion *one, *two;
	struct core_kthread *t;

	core_peer_request(c, 1, "one", 3);
	core_peer_request(c, 2, "two", 3);
	one = core_received(c, 0);
	two = core_received(c, 1);
	t = core_thread_start(test, core_do_pause, c);
	core_wait_life(c, "ORPS");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(two, NULL, 0), 0);
	core_settle(c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(one, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	/* Both answers went out. */
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	core_expect_life(c, "ORPS");
}

/* Neither requests nor completions; the peer finds nothing read. */
static void t14_paused_ring_is_not_read(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 id;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "q", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	id = core_take(c)->id;
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_peer_answer(c, id, NULL, 0);
	core_peer_message(c, 1, "m", 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->link->nr_in, 2);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	c->complete_inline = true;
	vmb_channel_start(c->ch);
	core_wait(c, CORE_DONE, 1);
	core_wait(c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, 0);
}

static void t14_pause_does_not_wait_for_the_peer(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct vmb_packet *pkt = core_packet(c);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "q", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
}

static void d04_pause_is_not_counted(struct kunit *test)
{
	struct core_chan *c = life_running(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_expect_life(c, "ORPS");
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSRP");
}

static void t15_peer_closes(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct vmb_packet_completion *held;

	core_peer_request(c, 1, "one", 3);
	held = core_received(c, 0);
	core_peer_request(c, 2, "two", 3);
	core_wait(c, CORE_PACKET, 2);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPS");
	core_settle(c);
	core_expect_life(c, "ORPS");
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(held, NULL, 0), 0);
	core_settle(c);
	core_expect_life(c, "ORPS");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 1), NULL, 0), 0);
	core_wait_life(c, "ORPSC");
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_closed, 1);
	/* The link is gone: nobody is answered. */
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	/* T17: a server is still offered. T19: a client is Disabled. */
	KUNIT_EXPECT_EQ(test, c->link->attached, life_server(test));
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_PEER_CLOSED);
}

static void t16_disable_waits_for_what_is_held(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct core_kthread *t;

	core_peer_request(c, 1, "one", 3);
	core_received(c, 0);
	t = core_thread_start(test, core_do_disable, c);
	core_wait_life(c, "ORPS");
	core_settle(c);
	core_expect_life(c, "ORPS");
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(c, "ORPSC");
	/* T18, T19 */
	KUNIT_EXPECT_FALSE(test, c->link->attached);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_closed, 1);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_DISABLED);
	/* Once more does nothing. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
}

/* What stopped it is what came first, not what followed. */
static void t16_first_reason_counts(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	struct core_kthread *t;

	core_peer_request(c, 1, "one", 3);
	core_received(c, 0);
	t = core_thread_start(test, core_do_disable, c);
	core_wait_life(c, "ORPS");
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_DISABLED);
}

static void t19_client_is_enabled_again(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_RESCINDED);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL, 0), -ENODEV);
	core_run(c);
	core_expect_life(c, "ORPSCORP");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
}

static void t20_peer_opens_again(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	int i;

	for (i = 0; i < 3; i++) {
		fake_close(c->link, VMB_STOP_PEER_CLOSED);
		core_until(c, c->link->nr_closed == i + 1);
		fake_open(c->link);
		core_wait(c, CORE_POST_STARTED_END, i + 2);
	}
	core_expect_life(c, "ORPSCORPSCORPSCORP");
	KUNIT_EXPECT_EQ(test, c->link->nr_open_done, 4);
}

static void t21_disable_without_a_link(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "");
	KUNIT_EXPECT_FALSE(test, c->link->attached);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 0);
	KUNIT_EXPECT_EQ(test, c->link->nr_open_done, 0);
}

static void t21_disable_after_the_peer_closed(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_FALSE(test, c->link->attached);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
}

static void t22_peer_closes_a_paused_one(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	vmb_channel_pause(c->ch);
	core_enable(c);
	core_open(c);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "OC");
}

static void t22_peer_closes_one_that_was_paused(struct kunit *test)
{
	struct core_chan *c = life_running(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	core_settle(c);
	core_expect_life(c, "ORPSC");
}

static void t23_disable_a_paused_one(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	vmb_channel_pause(c->ch);
	core_enable(c);
	core_open(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "OC");
}

static void t24_pause_without_a_link(struct kunit *test)
{
	struct core_chan *c = life_make(test);

	core_enable(c);
	vmb_channel_start(c->ch);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_open(c);
	core_settle(c);
	core_expect_life(c, "O");
}

static void t24_pause_between_two_opens(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_until(c, c->link->nr_closed == 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_open(c);
	core_settle(c);
	core_expect_life(c, "ORPSCO");
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSCORP");
}

static void t25_packet_fail(struct kunit *test)
{
	struct core_chan *c = life_running(test);

	core_peer_request(c, 1, "bad", 3);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_fail(core_received(c, 0)), 0);
	core_peer_request(c, 2, "more", 4);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_PACKET_FAILED);
	core_expect_life(c, "ORP");
	/* T26: pausing and starting is not opening anew. */
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSRP");
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSRPSC");
	c->complete_inline = true;
	core_run(c);
	core_peer_request(c, 3, "good", 4);
	core_wait(c, CORE_PACKET, 2);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 3);
}

static void t30_packets_and_batches(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	u32 i, sum = 0;

	c->complete_inline = true;
	for (i = 0; i < 5; i++)
		core_peer_request(c, i + 1, "p", 1);
	core_wait(c, CORE_PACKET, 5);
	core_settle(c);
	for (i = 0; i < core_count(c, CORE_BATCH); i++)
		sum += core_event(c, CORE_BATCH, i)->length;
	KUNIT_EXPECT_EQ(test, sum, 5);
}

static void t31_quota(struct kunit *test)
{
	struct core_chan *c = life_running(test);
	u32 i;

	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, 2), 0);
	for (i = 0; i < 4; i++)
		core_peer_request(c, i + 1, "p", 1);
	core_wait(c, CORE_PACKET, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, 4), 0);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_wait(c, CORE_PACKET, 4);
}

#define LIFE_CASE(name)	KUNIT_CASE_PARAM(name, life_ends_gen_params)

static struct kunit_case life_cases[] = {
	LIFE_CASE(t03_pause_while_disabled),
	LIFE_CASE(t04_start_while_disabled),
	LIFE_CASE(t05_enable),
	LIFE_CASE(t05_enable_again),
	LIFE_CASE(t06_attach_fails),
	LIFE_CASE(t09_opened_fails),
	LIFE_CASE(t10_started_before_it_opens),
	LIFE_CASE(t12_started_then_packets),
	LIFE_CASE(t12_post_started_may_wait),
	LIFE_CASE(d02_packets_while_post_started),
	LIFE_CASE(t13_start_of_a_paused_one),
	LIFE_CASE(t14_pause_waits_for_what_is_held),
	LIFE_CASE(t14_paused_ring_is_not_read),
	LIFE_CASE(t14_pause_does_not_wait_for_the_peer),
	LIFE_CASE(d04_pause_is_not_counted),
	LIFE_CASE(t15_peer_closes),
	LIFE_CASE(t16_disable_waits_for_what_is_held),
	LIFE_CASE(t16_first_reason_counts),
	KUNIT_CASE(t19_client_is_enabled_again),
	KUNIT_CASE(t20_peer_opens_again),
	LIFE_CASE(t21_disable_without_a_link),
	KUNIT_CASE(t21_disable_after_the_peer_closed),
	LIFE_CASE(t22_peer_closes_a_paused_one),
	LIFE_CASE(t22_peer_closes_one_that_was_paused),
	LIFE_CASE(t23_disable_a_paused_one),
	LIFE_CASE(t24_pause_without_a_link),
	KUNIT_CASE(t24_pause_between_two_opens),
	LIFE_CASE(t25_packet_fail),
	LIFE_CASE(t30_packets_and_batches),
	LIFE_CASE(t31_quota),
	{}
};

static struct kunit_suite life_suite = {
	.name = "kmcl_life",
	.init = core_init,
	.exit = core_exit,
	.test_cases = life_cases,
};

kunit_test_suite(life_suite);
