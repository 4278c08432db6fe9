// SPDX-License-Identifier: GPL-2.0
/*
 * Calls from inside callbacks that would wait for themselves (D8): refused with
 * -EDEADLK and a WARN, and the channel goes on. And pauses that come while the
 * callbacks of a start run (D7).
 */
#include "core_test.h"

/* Where the calls are made from, as the test says */
enum where {
	IN_OPENED,
	IN_STARTED,
	IN_POST_STARTED,
	IN_SUSPEND,
	IN_CLOSED,
	IN_PACKET,
	IN_BATCH,
	IN_DONE_BY_SEND,	/* the routine of a packet that just goes */
	IN_DONE_BY_ANSWER,
	IN_DONE_BY_CANCEL,
	IN_DONE_BY_END,		/* of the link */
	IN_PNP_FAILURE,
};

struct where_param {
	const char *name;
	enum where where;
};

static const struct where_param where_params[] = {
	{ "opened", IN_OPENED },
	{ "started", IN_STARTED },
	{ "post_started", IN_POST_STARTED },
	{ "suspend", IN_SUSPEND },
	{ "closed", IN_CLOSED },
	{ "process_packet", IN_PACKET },
	{ "processing_complete", IN_BATCH },
	{ "completion of a message", IN_DONE_BY_SEND },
	{ "completion of a request", IN_DONE_BY_ANSWER },
	{ "completion of a cancelled one", IN_DONE_BY_CANCEL },
	{ "completion at the end", IN_DONE_BY_END },
	{ "pnp_failure", IN_PNP_FAILURE },
};

KUNIT_ARRAY_PARAM_DESC(where, where_params, name);

static void refuse_all(struct core_chan *c)
{
	void *w = core_warn_begin(c->test);

	KUNIT_EXPECT_EQ(c->test, vmb_channel_pause(c->ch), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_disable(c->ch), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_cleanup(c->ch), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_enable(c->ch), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, w), 4);
	complete(&c->gate);
}

static void refuse_in_packet(struct core_chan *c, struct vmb_packet_completion *pkt,
			     void *buffer, u32 length, u32 flags)
{
	refuse_all(c);
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void refuse_in_batch(struct core_chan *c, u32 packets)
{
	refuse_all(c);
}

static void refuse_in_done(struct core_chan *c, struct vmb_packet *pkt, int status,
			   void *buffer, u32 length)
{
	c->on_done = NULL;
	refuse_all(c);
}

static void refuse_in_pnp_failure(struct core_chan *c, int status)
{
	refuse_all(c);
}

static void refuse_in_done_of(struct core_chan *c, enum where where)
{
	struct vmb_packet *pkt = core_packet(c);
	u64 id;

	c->on_done = refuse_in_done;
	KUNIT_ASSERT_EQ(c->test, vmb_packet_send(pkt, "x", 1, NULL, where == IN_DONE_BY_SEND ? 0 :
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	id = core_take(c)->id;
	if (where == IN_DONE_BY_ANSWER)
		core_peer_answer(c, id, NULL, 0);
	else if (where == IN_DONE_BY_CANCEL)
		KUNIT_EXPECT_EQ(c->test, vmb_packet_cancel(pkt), 0);
	else if (where == IN_DONE_BY_END)
		fake_close(c->link, VMB_STOP_PEER_CLOSED);
}

/* The client's, for which everything is possible */
static void d08_refused_in_callback(struct kunit *test)
{
	const struct where_param *p = test->param_value;
	struct core_chan *c = core_client(test);

	/* A WARN of a softirq is nobody's to suppress. */
	KUNIT_ASSERT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	if (p->where == IN_OPENED)
		c->on_opened = refuse_all;
	else if (p->where == IN_STARTED)
		c->on_started = refuse_all;
	else if (p->where == IN_POST_STARTED)
		c->on_post_started = refuse_all;
	else if (p->where == IN_SUSPEND)
		c->on_suspend = refuse_all;
	else if (p->where == IN_CLOSED)
		c->on_closed = refuse_all;
	else if (p->where == IN_PACKET)
		c->on_packet = refuse_in_packet;
	else if (p->where == IN_BATCH)
		c->on_batch = refuse_in_batch;
	else if (p->where == IN_PNP_FAILURE)
		c->on_pnp_failure = refuse_in_pnp_failure;
	c->complete_inline = true;

	if (p->where == IN_PNP_FAILURE) {
		core_enable(c);
		kmcl_channel_event_open(c->ch, -EIO);
		core_wait_life(c, "F");
	} else {
		core_run(c);
		if (p->where >= IN_DONE_BY_SEND)
			refuse_in_done_of(c, p->where);
		else
			core_peer_request(c, 1, "x", 1);
		if (p->where < IN_DONE_BY_SEND)
			core_wait(c, CORE_BATCH, 1);
	}
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_TRUE_MSG(test, try_wait_for_completion(&c->gate), "the callback did not run");
	core_expect_life(c, p->where == IN_PNP_FAILURE ? "F" : "ORPSC");
}

/* Another channel's callback is no place to be refused in. */
static struct core_chan *callback_other;

static void pause_other(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_channel_pause(callback_other->ch), 0);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_disable(callback_other->ch), 0);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_enable(callback_other->ch), 0);
}

static void callback_of_another_channel(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	callback_other = core_client_running(test);
	c->on_post_started = pause_other;
	core_run(c);
	core_expect_life(callback_other, "ORPSC");
	core_expect_life(c, "ORP");
}

static void start_inside(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_channel_start(c->ch), 0);
}

/* Starting waits for nothing: it is allowed anywhere. */
static void start_in_callbacks(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->on_opened = start_inside;
	c->on_started = start_inside;
	c->on_closed = start_inside;
	core_enable(c);
	core_open(c);
	core_wait_life(c, "ORP");
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	core_until(c, c->link->nr_closed == 1);
	/* Started in Suspend of a pause, it goes on. */
	core_open(c);
	core_wait_life(c, "ORPSCORP");
	c->on_suspend = start_inside;
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_wait_life(c, "ORPSCORPSRP");
}

static void wait_at_gate(struct core_chan *c)
{
	wait_for_completion(&c->gate);
}

static void wait_for_done(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "q", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	wait_event(c->wait, core_count(c, CORE_DONE));
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "q", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), -ESHUTDOWN);
}

static void d07_pause_while_post_started_waits(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct vmb_packet *queued;

	c->on_post_started = wait_for_done;
	core_enable(c);
	core_packet(c);
	queued = core_packet(c);
	core_open(c);
	core_take(c);
	fake_set_room(c->link, 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(queued, "q", 1, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_expect_life(c, "ORPS");
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 1)->status, -ECANCELED);
	/* The link is as it was, and the late answer is no fault. */
	c->on_post_started = NULL;
	fake_set_room(c->link, U32_MAX);
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSRP");
}

static void d07_pause_while_started_runs(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;

	c->on_started = wait_at_gate;
	core_enable(c);
	core_open(c);
	core_wait_life(c, "OR");
	t = core_thread_start(test, core_do_pause, c);
	core_until(c, READ_ONCE(c->ch->paused));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(c, "ORS");
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORSRP");
}

static void send_in_started(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "q", 1, NULL, 0), 0);
	wait_for_completion(&c->gate);
}

/* What Started queued is not lost by a pause that comes too early. */
static void queued_in_started_survives_a_pause(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;

	c->on_started = send_in_started;
	core_enable(c);
	core_packet(c);
	core_open(c);
	core_wait_life(c, "OR");
	t = core_thread_start(test, core_do_pause, c);
	core_until(c, READ_ONCE(c->ch->paused));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	c->on_started = NULL;
	vmb_channel_start(c->ch);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, 0);
	core_take(c);
}

static void send_works(struct core_chan *c)
{
	wait_for_completion(&c->gate);
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "q", 1, NULL, 0), 0);
}

/* Paused and started again while PostStarted runs: as if nothing had been. */
static void paused_and_started_in_post_started(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;

	c->on_post_started = send_works;
	core_enable(c);
	core_packet(c);
	core_open(c);
	core_wait(c, CORE_POST_STARTED, 1);
	t = core_thread_start(test, core_do_pause, c);
	core_until(c, READ_ONCE(c->ch->paused));
	core_until(c, READ_ONCE(c->ch->tx_mode) == KMCL_TX_SHUT);
	vmb_channel_start(c->ch);
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_wait(c, CORE_POST_STARTED_END, 1);
	core_settle(c);
	core_expect_life(c, "ORP");
	core_take(c);
}

/* Nothing of pause's is done by halves: after it, all is still. */
static void pause_waits_for_post_started(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct core_kthread *t;

	c->on_post_started = wait_at_gate;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_POST_STARTED, 1);
	t = core_thread_start(test, core_do_pause, c);
	core_until(c, READ_ONCE(c->ch->paused));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(c, "ORPS");
	KUNIT_EXPECT_EQ(test, (int)c->ch->rx_mode, KMCL_RX_OFF);
}

/* Suspend may complete what is held, later: pause waits for that, too. */
static void suspend_leaves_a_packet_for_later(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct core_kthread *t;

	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	c->on_suspend = wait_at_gate;
	t = core_thread_start(test, core_do_pause, c);
	core_wait_life(c, "ORPS");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_take(c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

/* PnP failure is told before vmb_channel_disable() returns, not after. */
static void pnp_wait(struct core_chan *c, int status)
{
	wait_for_completion(&c->gate);
}

static void disable_waits_for_pnp_failure(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;

	c->on_pnp_failure = pnp_wait;
	core_enable(c);
	kmcl_channel_event_open(c->ch, -EIO);
	core_wait(c, CORE_PNP_FAILURE, 1);
	t = core_thread_start(test, core_do_disable, c);
	KUNIT_EXPECT_FALSE(test, wait_for_completion_timeout(&t->done, 2));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

static struct kunit_case life_callback_cases[] = {
	KUNIT_CASE_PARAM(d08_refused_in_callback, where_gen_params),
	KUNIT_CASE(callback_of_another_channel),
	KUNIT_CASE(start_in_callbacks),
	KUNIT_CASE(d07_pause_while_post_started_waits),
	KUNIT_CASE(d07_pause_while_started_runs),
	KUNIT_CASE(queued_in_started_survives_a_pause),
	KUNIT_CASE(paused_and_started_in_post_started),
	KUNIT_CASE(pause_waits_for_post_started),
	KUNIT_CASE(suspend_leaves_a_packet_for_later),
	KUNIT_CASE(disable_waits_for_pnp_failure),
	{}
};

static struct kunit_suite life_callback_suite = {
	.name = "kmcl_life_callback",
	.init = core_init,
	.exit = core_exit,
	.test_cases = life_callback_cases,
};

kunit_test_suite(life_callback_suite);
