// SPDX-License-Identifier: GPL-2.0
/*
 * Freezing: in two steps, all or none, with a deadline; what is only recorded
 * meanwhile, and what waits.
 */
#include "save_kit.h"

struct freezer {
	struct kmcl_session *s;
	u32 deadline_ms;
};

static int freeze_fn(void *arg)
{
	struct freezer *f = arg;

	return kmcl_session_freeze(f->s, f->deadline_ms);
}

/* A freeze by another thread; the session is kit_exit()'s in any case. */
static struct core_kthread *freeze_start(struct kunit *test, struct freezer *f, u32 deadline_ms)
{
	f->s = kit_session(test);
	f->s->freezing = true;
	f->deadline_ms = deadline_ms;
	return core_thread_start(test, freeze_fn, f);
}

static void freeze_end(struct kunit *test, struct core_kthread *t, int ret)
{
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), ret);
}

/* The freeze has come to this channel: Suspend ran, and it drains. */
static void freeze_draining(struct core_chan *c)
{
	core_wait(c, CORE_SUSPEND, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(c->test, c->ch->freeze, KMCL_DRAINING);
}

/* Without callbacks for them, held packets are drained; completions and sends flow. */
static void d17_two_steps(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c), *second = core_packet(c);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(c, 1, "held", 4);
	core_wait(c, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	/* No request is delivered any more. */
	core_peer_request(c, 2, "next", 4);
	/* A send is taken, its completion flows. */
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, pkt->id);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	freeze_end(test, t, 0);
	KUNIT_EXPECT_EQ(test, c->ch->freeze, KMCL_FROZEN);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(second, "x", 1, NULL, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, f.s->info.channels, 1);
	KUNIT_EXPECT_EQ(test, f.s->info.buses, 1);
	KUNIT_EXPECT_EQ(test, c->env->fb->frozen, 1);
	core_expect_life(c, "ORPS");
	kit_session_close(test);
	core_wait_life(c, "ORPSRP");
	core_wait(c, CORE_PACKET, 2);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 1)->data, "next");
	vmb_channel_packet_complete(core_received(c, 1), NULL, 0);
}

/* The completion comes during step one. */
static void d17_completions_flow(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(c, 1, "held", 4);
	core_wait(c, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_peer_answer(c, core_take(c)->id, "y", 1);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	freeze_end(test, t, 0);
}

/* One can finish what it holds only after a request of its own on the other. */
static void freeze_depends_done(struct core_chan *c, struct vmb_packet *pkt, int status,
				void *buffer, u32 length)
{
	struct core_chan *other = c->priv;

	vmb_channel_packet_complete(core_event(other, CORE_PACKET, 0)->object, NULL, 0);
}

static void d17_channels_depend(struct kunit *test)
{
	struct core_chan *a = core_server_running(test), *b = core_server_running(test);
	struct vmb_packet *from_a = core_packet(a), *from_b = core_packet(b);
	struct core_kthread *t;
	struct freezer f;

	/* Both ways: whichever is frozen first, the other needs it. */
	a->priv = b;
	b->priv = a;
	a->on_done = freeze_depends_done;
	b->on_done = freeze_depends_done;
	core_peer_request(a, 1, "a", 1);
	core_peer_request(b, 1, "b", 1);
	core_wait(a, CORE_PACKET, 1);
	core_wait(b, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(a);
	freeze_draining(b);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(from_b, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_peer_answer(b, core_take(b)->id, NULL, 0);
	core_wait(b, CORE_DONE, 1);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, vmb_packet_send(from_a, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_EXPECT_EQ(test, core_take(a)->type, KMCL_PACKET_COMPLETION);
	core_peer_answer(a, core_take(a)->id, NULL, 0);
	freeze_end(test, t, 0);
	KUNIT_EXPECT_EQ(test, f.s->info.channels, 2);
	kit_session_close(test);
	core_wait_life(a, "ORPSRP");
	core_wait_life(b, "ORPSRP");
}

/* Past the deadline all are thawed, those too that had come to rest. */
static void d17_deadline(struct kunit *test)
{
	struct core_chan *quick = core_server_running(test);
	struct core_chan *slow = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(slow, 1, "held", 4);
	core_wait(slow, CORE_PACKET, 1);
	t = freeze_start(test, &f, 50);
	freeze_end(test, t, -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, list_empty(&f.s->freeze_members));
	KUNIT_EXPECT_EQ(test, quick->env->fb->frozen, 0);
	core_wait_life(quick, "ORPSRP");
	core_wait_life(slow, "ORPSRP");
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	kit_session_close(test);
	/* The next one goes well. */
	kit_freeze(test);
}

static void freeze_done_waits(struct core_chan *c, struct vmb_packet *pkt, int status,
			      void *buffer, u32 length)
{
	wait_for_completion(&c->gate);
}

/* The deadline is for step two, too: here a completion routine does not return. */
static void d17_deadline_of_step_two(struct kunit *test)
{
	struct core_chan *slow = core_server_running(test), *c = core_client(test);
	struct core_kthread *t;
	struct freezer f;
	u64 id;

	KUNIT_ASSERT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	core_run(c);
	c->on_done = freeze_done_waits;
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	id = core_take(c)->id;
	core_peer_request(slow, 1, "held", 4);
	core_received(slow, 0);
	t = freeze_start(test, &f, 500);
	core_wait(c, CORE_SUSPEND, 1);
	core_peer_answer(c, id, NULL, 0);
	core_wait(c, CORE_DONE, 1);
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	freeze_end(test, t, -ETIMEDOUT);
	complete_all(&c->gate);
	core_wait_life(c, "ORPSRP");
	core_wait_life(slow, "ORPSRP");
}

/* The default is the longest of the channels' own. */
static void d17_default_deadline(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct core_kthread *t;
	struct freezer f;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_drain_deadline(c->ch, 50), 0);
	core_run(c);
	core_peer_request(c, 1, "held", 4);
	core_wait(c, CORE_PACKET, 1);
	t = freeze_start(test, &f, 0);
	freeze_end(test, t, -ETIMEDOUT);
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
}

/* A bus that cannot freeze: nothing is. */
static void freeze_bus_fails(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	c->env->fb->freeze_error = -EIO;
	t = freeze_start(test, &f, 20000);
	freeze_end(test, t, -EIO);
	c->env->fb->freeze_error = 0;
	core_wait_life(c, "ORPSRP");
}

/* Recorded only, and done after the thaw */
static void d17_start_and_pause_recorded(struct kunit *test)
{
	struct core_chan *runs = core_server_running(test);
	struct core_chan *paused = core_server_running(test);
	struct vmb_packet *pkt = core_packet(runs);

	KUNIT_ASSERT_EQ(test, vmb_channel_pause(paused->ch), 0);
	kit_freeze(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(runs->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(paused->ch), 0);
	core_settle(runs);
	core_settle(paused);
	core_expect_life(runs, "ORPS");
	core_expect_life(paused, "ORPS");
	kit_session_close(test);
	core_wait_life(paused, "ORPSRP");
	core_settle(runs);
	core_expect_life(runs, "ORPS");
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ESHUTDOWN);
	vmb_channel_start(runs->ch);
	core_wait_life(runs, "ORPSRP");
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
}

/* An open and an enable wait; so does a disable. */
static void d17_open_and_enable_wait(struct kunit *test)
{
	struct core_chan *offered = core_server(test), *later = core_server(test);
	struct core_chan *goes = core_server_running(test);
	struct kmcl_session *s;
	struct core_kthread *t;

	core_enable(offered);
	vmb_channel_start(offered->ch);
	s = kit_freeze(test);
	KUNIT_EXPECT_EQ(test, s->info.channels, 2);
	fake_open(offered->link);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(later->ch), 0);
	vmb_channel_start(later->ch);
	t = core_thread_start(test, core_do_disable, goes);
	KUNIT_ASSERT_TRUE(test, wait_event_timeout(goes->ch->life_wait,
						   !READ_ONCE(goes->ch->want_enabled),
						   CORE_TIMEOUT));
	core_settle(offered);
	core_settle(later);
	core_settle(goes);
	core_expect_life(offered, "");
	core_expect_life(goes, "ORPS");
	KUNIT_EXPECT_NULL(test, fake_link_of(later->env->fb, later->ch));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	kit_session_close(test);
	core_wait_life(offered, "ORP");
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(goes, "ORPSC");
	core_settle(later);
	later->link = fake_link_of(later->env->fb, later->ch);
	KUNIT_ASSERT_NOT_NULL(test, later->link);
	core_open(later);
	core_wait_life(later, "ORP");
}

/* Only the channels of one bus */
static void freeze_one_bus(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct fake_bus *other = fake_bus_create(test, "other", FAKE_CAPS_ALL);
	struct core_chan *c = core_chan_make(test, true, other, NULL);
	struct core_chan *mine = core_server_running(test);
	struct kmcl_session *s;

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	c->link = fake_link_of(other, c->ch);
	s = kit_freeze(test);
	KUNIT_EXPECT_EQ(test, s->info.channels, 1);
	KUNIT_EXPECT_EQ(test, s->info.buses, 1);
	KUNIT_EXPECT_EQ(test, env->fb->frozen, 1);
	KUNIT_EXPECT_EQ(test, other->frozen, 0);
	fake_open(c->link);
	core_wait_life(c, "ORP");
	core_expect_life(mine, "ORPS");
	kit_session_close(test);
	/* All buses */
	s = kit_session(test);
	s->bus = NULL;
	s->freezing = true;
	KUNIT_ASSERT_EQ(test, kmcl_session_freeze(s, 20000), 0);
	KUNIT_EXPECT_EQ(test, s->info.channels, 2);
	KUNIT_EXPECT_EQ(test, env->fb->frozen, 1);
	KUNIT_EXPECT_EQ(test, other->frozen, 1);
	kit_session_close(test);
	core_chan_end(c);
	fake_bus_destroy(other);
}

struct freeze_sync {
	struct core_chan *c;
	u32 n;
};

static int freeze_sync_fn(void *arg)
{
	struct freeze_sync *s = arg;
	u8 answer[8];
	u32 size = sizeof(answer);

	return vmb_channel_send_synchronous_request(s->c->ch, "ask", 3, NULL,
						    VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, answer,
						    &size, NULL);
}

/* Synchronous requests are waited for: nobody could take them over. */
static void d17_sync_requests_drain(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct freeze_sync s = { .c = c };
	struct core_kthread *t, *sync;
	struct fake_packet *p;
	struct freezer f;

	sync = core_thread_start(test, freeze_sync_fn, &s);
	p = core_take(c);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	core_peer_answer(c, p->id, "answer", 6);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, sync), 0);
	freeze_end(test, t, 0);
	/* One that comes now is refused. */
	KUNIT_EXPECT_EQ(test, freeze_sync_fn(&s), -ESHUTDOWN);
	kit_session_close(test);
}

/* One begins on a channel that was drained already, while another still drains. */
static void d17_sync_request_after_drained(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct core_chan *slow = core_server_running(test);
	struct freeze_sync s = { .c = c };
	struct core_kthread *t, *sync;
	struct fake_packet *p;
	struct freezer f;

	core_peer_request(slow, 1, "held", 4);
	core_wait(slow, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	freeze_draining(slow);
	sync = core_thread_start(test, freeze_sync_fn, &s);
	p = core_take(c);
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	core_peer_answer(c, p->id, "answer", 6);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, sync), 0);
	freeze_end(test, t, 0);
	f.s->state = KMCL_SESSION_FROZEN;
	kit_read_set(test);
}

/* PostStarted may wait for a completion; the freeze lets it come. */
static void freeze_waits(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "x", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_reached(c, CORE_DONE, 1);
}

static void d17_post_started_ends(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct core_kthread *t;
	struct freezer f;

	c->on_post_started = freeze_waits;
	core_enable(c);
	core_packet(c);
	vmb_channel_start(c->ch);
	fake_open(c->link);
	core_wait(c, CORE_POST_STARTED, 1);
	t = freeze_start(test, &f, 20000);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	freeze_end(test, t, 0);
	core_expect_life(c, "ORPS");
}

/* Disabled during step one: not a member any more; nothing is left of it. */
static void freeze_disabled_meanwhile(struct kunit *test)
{
	struct core_chan *goes = core_server_running(test);
	struct core_chan *slow = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(slow, 1, "held", 4);
	core_wait(slow, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(goes);
	freeze_draining(slow);
	core_chan_end(goes);
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	freeze_end(test, t, 0);
	KUNIT_EXPECT_EQ(test, f.s->info.channels, 1);
}

/* Its bus went with it: nothing of either is looked at. */
static void freeze_bus_gone_meanwhile(struct kunit *test)
{
	struct fake_bus *other = fake_bus_create(test, "other", FAKE_CAPS_ALL);
	struct core_chan *goes = core_chan_make(test, true, other, NULL);
	struct core_chan *slow = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(goes->ch), 0);
	vmb_channel_start(goes->ch);
	fake_open(fake_link_of(other, goes->ch));
	core_wait_life(goes, "ORP");
	core_peer_request(slow, 1, "held", 4);
	core_received(slow, 0);
	f.s = kit_session(test);
	f.s->bus = NULL;
	f.s->freezing = true;
	f.deadline_ms = 20000;
	t = core_thread_start(test, freeze_fn, &f);
	freeze_draining(goes);
	freeze_draining(slow);
	core_chan_end(goes);
	fake_bus_destroy(other);
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	freeze_end(test, t, 0);
	KUNIT_EXPECT_EQ(test, f.s->info.channels, 1);
}

/* And where it is undone */
static void freeze_disabled_and_undone(struct kunit *test)
{
	struct core_chan *goes = core_server_running(test);
	struct core_chan *slow = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(slow, 1, "held", 4);
	core_wait(slow, CORE_PACKET, 1);
	t = freeze_start(test, &f, 1000);
	freeze_draining(goes);
	core_chan_end(goes);
	freeze_end(test, t, -ETIMEDOUT);
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
}

/* Closed by the peer during step one: that happens, and the freeze goes on. */
static void freeze_closed_meanwhile(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	core_peer_request(c, 1, "held", 4);
	core_wait(c, CORE_PACKET, 1);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_settle(c);
	core_expect_life(c, "ORPS");
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	freeze_end(test, t, 0);
	core_expect_life(c, "ORPSC");
	f.s->state = KMCL_SESSION_FROZEN;
	kit_read_set(test);
	fake_open(c->link);
	core_settle(c);
	core_expect_life(c, "ORPSC");
	kit_session_close(test);
	core_wait_life(c, "ORPSCORP");
}

/* In the poll: sends another, and step two comes, as by another processor. */
static void freeze_done_sends(struct core_chan *c, struct vmb_packet *pkt, int status,
			      void *buffer, u32 length)
{
	unsigned long flags;

	if (pkt != c->packets[0])
		return;
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[1], "x", 1, NULL,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	spin_lock_irqsave(&c->ch->lock, flags);
	c->ch->freeze = KMCL_FROZEN;
	spin_unlock_irqrestore(&c->ch->lock, flags);
	/* Kicks its life, as step two does. */
	vmb_channel_start(c->ch);
}

/* What a poll wrote is published at its end, though all stands still by then. */
static void freeze_publishes_what_a_poll_wrote(struct kunit *test)
{
	struct core_chan *c = core_server_running(test), *slow = core_server_running(test);
	struct core_kthread *t;
	struct freezer f;

	core_packet(c);
	core_packet(c);
	c->on_done = freeze_done_sends;
	core_peer_request(slow, 1, "held", 4);
	core_received(slow, 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(c->packets[0], "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	t = freeze_start(test, &f, 20000);
	freeze_draining(c);
	freeze_draining(slow);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&c->link->unpublished));
	vmb_channel_packet_complete(core_received(slow, 0), NULL, 0);
	freeze_end(test, t, 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, c->packets[1]->id);
}

static struct kunit_case freeze_cases[] = {
	KUNIT_CASE(d17_two_steps),
	KUNIT_CASE(d17_completions_flow),
	KUNIT_CASE(d17_channels_depend),
	KUNIT_CASE(d17_deadline),
	KUNIT_CASE(d17_deadline_of_step_two),
	KUNIT_CASE(d17_default_deadline),
	KUNIT_CASE(freeze_bus_fails),
	KUNIT_CASE(d17_start_and_pause_recorded),
	KUNIT_CASE(d17_open_and_enable_wait),
	KUNIT_CASE(freeze_one_bus),
	KUNIT_CASE(d17_sync_requests_drain),
	KUNIT_CASE(d17_sync_request_after_drained),
	KUNIT_CASE(d17_post_started_ends),
	KUNIT_CASE(freeze_disabled_meanwhile),
	KUNIT_CASE(freeze_bus_gone_meanwhile),
	KUNIT_CASE(freeze_disabled_and_undone),
	KUNIT_CASE(freeze_closed_meanwhile),
	KUNIT_CASE(freeze_publishes_what_a_poll_wrote),
	{}
};

static struct kunit_suite freeze_suite = {
	.name = "kmcl_freeze",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = freeze_cases,
};

kunit_test_suite(freeze_suite);
