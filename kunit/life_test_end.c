// SPDX-License-Identifier: GPL-2.0
/*
 * How the life of a link ends: what becomes of what is in flight (D3, D5), a
 * peer that is silent (D7), the order of callbacks (D8), faults, and why it
 * stopped. Each for both ends, and for each of the ways in which a link ends.
 */
#include "core_test.h"

enum end_way {
	END_DISABLE,
	END_CLOSE,
	END_RESCIND,
	END_FAULT,
};

struct end_param {
	const char *name;
	bool server;
	enum end_way way;
	enum vmb_stop_reason reason;
};

static const struct end_param end_params[] = {
	{ "server, disabled", true, END_DISABLE, VMB_STOP_DISABLED },
	{ "server, peer closes", true, END_CLOSE, VMB_STOP_PEER_CLOSED },
	{ "server, ring corrupt", true, END_FAULT, VMB_STOP_MALFORMED },
	{ "client, disabled", false, END_DISABLE, VMB_STOP_DISABLED },
	{ "client, peer closes", false, END_CLOSE, VMB_STOP_PEER_CLOSED },
	{ "client, rescinded", false, END_RESCIND, VMB_STOP_RESCINDED },
	{ "client, ring corrupt", false, END_FAULT, VMB_STOP_MALFORMED },
};

KUNIT_ARRAY_PARAM_DESC(end_params, end_params, name);

static struct core_chan *end_make(struct kunit *test)
{
	const struct end_param *p = test->param_value;

	return p->server ? core_server(test) : core_client(test);
}

/* Begin the end; end_wait() waits for it. */
static struct core_kthread *end_begin(struct core_chan *c)
{
	const struct end_param *p = c->test->param_value;

	switch (p->way) {
	case END_DISABLE:
		return core_thread_start(c->test, core_do_disable, c);
	case END_CLOSE:
		fake_close(c->link, VMB_STOP_PEER_CLOSED);
		break;
	case END_RESCIND:
		fake_close(c->link, VMB_STOP_RESCINDED);
		break;
	case END_FAULT:
		c->link->rx_corrupt = true;
		kmcl_channel_interrupt(c->ch);
		break;
	}
	return NULL;
}

static void end_wait(struct core_chan *c, struct core_kthread *t)
{
	if (t)
		KUNIT_EXPECT_EQ(c->test, core_thread_join(c->test, t), 0);
	core_until(c, c->link->nr_closed == 1);
	core_settle(c);
}

static void stop_reason(struct kunit *test)
{
	const struct end_param *p = test->param_value;
	struct core_chan *c = end_make(test);

	core_run(c);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
	KUNIT_EXPECT_FALSE(test, vmb_channel_is_closing(c->ch));
	end_wait(c, end_begin(c));
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), p->reason);
	/* Disabling it afterwards is not why it stopped. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), p->reason);
	core_run(c);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
}

static void note_reason(struct core_chan *c)
{
	const struct end_param *p = c->test->param_value;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_get_stop_reason(c->ch), p->reason);
	KUNIT_EXPECT_TRUE(c->test, vmb_channel_is_closing(c->ch));
}

static void stop_reason_in_suspend_and_closed(struct kunit *test)
{
	struct core_chan *c = end_make(test);

	c->on_suspend = note_reason;
	c->on_closed = note_reason;
	core_run(c);
	end_wait(c, end_begin(c));
	core_expect_life(c, "ORPSC");
}

/* Sent, queued: all end with -ENODEV before Closed; and nothing is sent after. */
static void d05_all_ends_before_closed(struct kunit *test)
{
	struct core_chan *c = end_make(test);
	struct vmb_packet *pkt[4];
	int i;

	core_run(c);
	for (i = 0; i < 4; i++) {
		pkt[i] = core_packet(c);
		if (i == 2)
			fake_set_room(c->link, 0);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt[i], "x", 1, NULL, i == 3 ? 0 :
						      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	}
	end_wait(c, end_begin(c));
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
		KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_DONE, i)->object, (void *)pkt[i]);
		KUNIT_EXPECT_LT(test, core_index(c, CORE_DONE, i), core_index(c, CORE_CLOSED, 0));
	}
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt[0], "x", 1, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 2);
}

static void send_is_refused(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "x", 1, NULL, 0), -ENODEV);
}

static void d05_sends_are_refused_until_opened(struct kunit *test)
{
	const struct end_param *p = test->param_value;
	struct core_chan *c = end_make(test);
	struct vmb_packet *pkt;

	core_run(c);
	pkt = core_packet(c);
	c->on_suspend = send_is_refused;
	c->on_closed = send_is_refused;
	end_wait(c, end_begin(c));
	send_is_refused(c);
	if (!p->server || p->way == END_DISABLE)
		return;
	c->link->rx_corrupt = false;
	core_open(c);
	core_wait_life(c, "ORPSCORP");
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "new", 3, NULL, 0), 0);
	KUNIT_EXPECT_MEMEQ(test, core_take(c)->data, "new", 3);
}

static void send_and_wait(struct core_chan *c)
{
	if (!vmb_packet_send(c->packets[0], "q", 1, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		wait_event(c->wait, core_count(c, CORE_DONE));
	/* Nor may it begin anything new that it would wait for. */
	KUNIT_EXPECT_LT(c->test, vmb_packet_send(c->packets[1], "q", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
}

static void d07_post_started_waits_for_a_silent_peer(struct kunit *test)
{
	struct core_chan *c = end_make(test);
	struct core_kthread *t;

	c->on_post_started = send_and_wait;
	core_enable(c);
	core_packet(c);
	core_packet(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_take(c);
	t = end_begin(c);
	core_wait(c, CORE_POST_STARTED_END, 1);
	end_wait(c, t);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	core_expect_life(c, "ORPSC");
}

static void wait_at_gate(struct core_chan *c)
{
	wait_for_completion(&c->gate);
}

/* It is to stop while Started runs: PostStarted, which may wait, is left out. */
static void d07_while_started_runs(struct kunit *test)
{
	const struct end_param *p = test->param_value;
	struct core_chan *c = end_make(test);
	struct core_kthread *t;

	if (p->way == END_FAULT)
		kunit_skip(test, "nothing reads the ring yet");
	c->on_started = wait_at_gate;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait_life(c, "OR");
	t = end_begin(c);
	core_until(c, READ_ONCE(c->ch->link_down) || !READ_ONCE(c->ch->want_enabled));
	complete_all(&c->gate);
	end_wait(c, t);
	core_expect_life(c, "ORSC");
}

/* Callbacks of one channel never overlap, whatever comes meanwhile. */
static void d08_end_waits_for_post_started(struct kunit *test)
{
	struct core_chan *c = end_make(test);
	struct core_kthread *t;

	c->on_post_started = wait_at_gate;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_POST_STARTED, 1);
	t = end_begin(c);
	core_until(c, READ_ONCE(c->ch->link_down) || !READ_ONCE(c->ch->want_enabled));
	core_expect_life(c, "ORP");
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_POST_STARTED_END), 0);
	complete_all(&c->gate);
	end_wait(c, t);
	KUNIT_EXPECT_LT(test, core_index(c, CORE_POST_STARTED_END, 0),
			core_index(c, CORE_SUSPEND, 0));
	core_expect_life(c, "ORPSC");
}

static struct vmb_packet_completion *end_held;

static void complete_in_suspend(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(end_held, NULL, 0), 0);
}

static void d03_held_packets_are_completed_before_closed(struct kunit *test)
{
	struct core_chan *c = end_make(test);

	core_run(c);
	core_peer_request(c, 1, "held", 4);
	end_held = core_received(c, 0);
	c->on_suspend = complete_in_suspend;
	end_wait(c, end_begin(c));
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
}

static void delivered_after_suspend(struct core_chan *c, struct vmb_packet_completion *pkt,
				    void *buffer, u32 length, u32 flags)
{
	if (core_count(c, CORE_SUSPEND))
		KUNIT_FAIL(c->test, "delivered after Suspend began");
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void suspend_with_a_full_ring(struct kunit *test)
{
	struct core_chan *c = end_make(test);
	struct core_kthread *t;
	int i;

	core_run(c);
	c->on_packet = delivered_after_suspend;
	for (i = 0; i < 100; i++)
		core_peer_request(c, i + 1, "many", 4);
	t = end_begin(c);
	for (i = 100; i < 200; i++)
		core_peer_request(c, i + 1, "more", 4);
	end_wait(c, t);
	core_expect_life(c, "ORPSC");
}

/* A pause in which nothing runs, and then the end: no second Suspend */
static void end_of_a_paused_one(struct kunit *test)
{
	const struct end_param *p = test->param_value;
	struct core_chan *c = end_make(test);

	if (p->way == END_FAULT)
		kunit_skip(test, "the ring of a paused channel is not read");
	core_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	end_wait(c, end_begin(c));
	core_expect_life(c, "ORPSC");
}

/* A pause waits for a held packet; the end comes, and the pause ends with it. */
static void end_while_pausing(struct kunit *test)
{
	struct core_chan *c = end_make(test);
	struct core_kthread *pausing, *t;

	core_run(c);
	core_peer_request(c, 1, "held", 4);
	core_received(c, 0);
	pausing = core_thread_start(test, core_do_pause, c);
	core_wait_life(c, "ORPS");
	t = end_begin(c);
	core_until(c, READ_ONCE(c->ch->link_down) || !READ_ONCE(c->ch->want_enabled));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(pausing));
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	end_wait(c, t);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, pausing), 0);
	core_expect_life(c, "ORPSC");
}

/* The fault of one channel is its own. */
static void fault_of_another_channel(struct kunit *test)
{
	struct core_chan *c = core_server_running(test), *other = core_server_running(test);

	other->complete_inline = true;
	c->link->rx_corrupt = true;
	kmcl_channel_interrupt(c->ch);
	core_wait_life(c, "ORPSC");
	core_peer_request(other, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, core_take(other)->id, 1);
	core_expect_life(other, "ORP");
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
	KUNIT_EXPECT_EQ(test, other->ch->stats.faults, 0);
}

/* The ring to write is corrupt: that is found in a send. */
static void fault_in_a_send(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *sent = core_packet(c);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(sent, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	c->link->tx_corrupt = true;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(c), "y", 1, NULL, 0), -ENODEV);
	core_wait_life(c, "ORPSC");
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
}

static void fault_in_a_completion(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	c->link->tx_corrupt = true;
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
}

/* The peer's close follows from the fault, and is not why the channel stopped. */
static void first_reason_counts(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	c->link->rx_corrupt = true;
	kmcl_channel_interrupt(c->ch);
	core_wait_life(c, "ORPSC");
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_until(c, c->link->nr_closed == 2);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	c->link->rx_corrupt = false;
	core_open(c);
	core_wait_life(c, "ORPSCORP");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
}

/* The link goes and comes back, as over a hibernation: the channel stays enabled. */
static void link_reset(struct kunit *test, struct core_chan *c)
{
	struct vmb_packet *sent = core_packet(c), *queued = core_packet(c);

	fake_set_room(c->link, 1);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(sent, "s", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(queued, "q", 1, NULL, 0), 0);
	core_peer_request(c, 1, "held", 4);
	core_received(c, 0);
	fake_close(c->link, VMB_STOP_LINK_RESET);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 1)->status, -ECANCELED);
	core_wait_life(c, "ORPS");
	KUNIT_EXPECT_TRUE(test, vmb_channel_is_closing(c->ch));
	/* Closed waits for what is held, and nobody hears of its end. */
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_wait_life(c, "ORPSC");
	core_until(c, c->link->nr_closed == 1);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_LINK_RESET);
	KUNIT_EXPECT_EQ(test, c->ch->stats.stale, 1);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(sent, "s", 1, NULL, 0), -ENODEV);

	fake_set_room(c->link, U32_MAX);
	core_open(c);
	core_wait_life(c, "ORPSCORP");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_link_state(c->ch), VMB_LINK_RESET);
	/* Why the last link ended stays; this one does not end. */
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_LINK_RESET);
	KUNIT_EXPECT_FALSE(test, vmb_channel_is_closing(c->ch));
	KUNIT_EXPECT_EQ(test, vmb_packet_send(sent, "again", 5, NULL, 0), 0);
}

static void link_reset_server(struct kunit *test)
{
	link_reset(test, core_server_running(test));
}

static void link_reset_client(struct kunit *test)
{
	link_reset(test, core_client_running(test));
}

static void note_not_closing(struct core_chan *c)
{
	KUNIT_EXPECT_FALSE(c->test, vmb_channel_is_closing(c->ch));
}

static void note_closing(struct core_chan *c)
{
	KUNIT_EXPECT_TRUE(c->test, vmb_channel_is_closing(c->ch));
}

static void paused_is_not_closing(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	c->on_suspend = note_not_closing;
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_expect_life(c, "ORPS");
	KUNIT_EXPECT_FALSE(test, vmb_channel_is_closing(c->ch));
	c->on_closed = note_closing;
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	core_until(c, c->link->nr_closed == 1);
	/* A server waits for the next open. */
	KUNIT_EXPECT_FALSE(test, vmb_channel_is_closing(c->ch));
}

/* Disabled meanwhile: it is not waited for. */
static void link_reset_disabled(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	fake_close(c->link, VMB_STOP_LINK_RESET);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_FALSE(test, c->link->attached);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PNP_FAILURE), 0);
}

/* Ends the call once the life asks for it. */
static int end_call(void *arg)
{
	struct core_chan *c = arg;
	struct fake_bus *fb = c->env->fb;
	unsigned long flags;

	wait_event_timeout(fb->wait, READ_ONCE(fb->gpadl_aborted), CORE_TIMEOUT);
	spin_lock_irqsave(&c->ch->lock, flags);
	c->ch->gpadl_calls--;
	spin_unlock_irqrestore(&c->ch->lock, flags);
	wake_up_all(&c->ch->life_wait);
	return 0;
}

static void end_call_begins(struct core_chan *c)
{
	unsigned long flags;

	spin_lock_irqsave(&c->ch->lock, flags);
	c->ch->gpadl_calls++;
	spin_unlock_irqrestore(&c->ch->lock, flags);
	c->priv = core_thread_start(c->test, end_call, c);
}

/* A call that began beside Closed: the transport's link stays until it has ended. */
static void end_call_beside_closed(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	c->on_closed = end_call_begins;
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_thread_join(test, c->priv);
	KUNIT_EXPECT_EQ(test, c->link->nr_closed, 1);
	KUNIT_EXPECT_EQ(test, c->link->closed_calls, 0);
}

#define END_CASE(name)	KUNIT_CASE_PARAM(name, end_params_gen_params)

static struct kunit_case life_end_cases[] = {
	END_CASE(stop_reason),
	END_CASE(stop_reason_in_suspend_and_closed),
	END_CASE(d05_all_ends_before_closed),
	END_CASE(d05_sends_are_refused_until_opened),
	END_CASE(d07_post_started_waits_for_a_silent_peer),
	END_CASE(d07_while_started_runs),
	END_CASE(d08_end_waits_for_post_started),
	END_CASE(d03_held_packets_are_completed_before_closed),
	END_CASE(suspend_with_a_full_ring),
	END_CASE(end_of_a_paused_one),
	END_CASE(end_while_pausing),
	KUNIT_CASE(fault_of_another_channel),
	KUNIT_CASE(fault_in_a_send),
	KUNIT_CASE(fault_in_a_completion),
	KUNIT_CASE(first_reason_counts),
	KUNIT_CASE(link_reset_server),
	KUNIT_CASE(link_reset_client),
	KUNIT_CASE(link_reset_disabled),
	KUNIT_CASE(paused_is_not_closing),
	KUNIT_CASE(end_call_beside_closed),
	{}
};

static struct kunit_suite life_end_suite = {
	.name = "kmcl_life_end",
	.init = core_init,
	.exit = core_exit,
	.test_cases = life_end_cases,
};

kunit_test_suite(life_end_suite);
