// SPDX-License-Identifier: GPL-2.0
/*
 * Sending, by what the channel is doing; and giving a packet up.
 */
#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION

static int state_try(struct core_chan *c, struct vmb_packet *pkt)
{
	return vmb_packet_send(pkt, "x", 1, NULL, WAIT);
}

static void state_send_opened(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, state_try(c, c->packets[1]), 0);
}

static void state_send_started(struct core_chan *c)
{
	if (core_count(c, CORE_STARTED) > 1)
		return;
	KUNIT_EXPECT_EQ(c->test, state_try(c, c->packets[2]), 0);
	/* Nothing goes out before Started returns. */
	KUNIT_EXPECT_EQ(c->test, c->link->nr_out, 0);
	KUNIT_EXPECT_EQ(c->test, c->ch->nr_queued, 3);
}

static void state_send_post_started(struct core_chan *c)
{
	if (core_count(c, CORE_POST_STARTED) > 1)
		return;
	KUNIT_EXPECT_EQ(c->test, c->link->nr_out, 3);
	KUNIT_EXPECT_EQ(c->test, state_try(c, c->packets[3]), 0);
	KUNIT_EXPECT_EQ(c->test, c->link->nr_out, 4);
}

static void state_send_suspend(struct core_chan *c)
{
	c->priv = ERR_PTR(state_try(c, c->packets[4]));
}

static void d15_queued_until_started(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 i;

	for (i = 0; i < 5; i++)
		core_packet(c);
	KUNIT_EXPECT_EQ(test, state_try(c, c->packets[0]), -ENODEV);
	c->on_opened = state_send_opened;
	c->on_started = state_send_started;
	c->on_post_started = state_send_post_started;
	core_enable(c);
	/* Before Opened: queued */
	KUNIT_EXPECT_EQ(test, state_try(c, c->packets[0]), 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 1);
	core_open(c);
	core_settle(c);
	/* Open, and not started */
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 2);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, c->packets[i]->id);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
}

static void d15_paused(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c), *queued = core_packet(c);
	u32 i;

	for (i = 0; i < 3; i++)
		core_packet(c);
	/* What is queued when it is paused stays so, and goes out afterwards. */
	fake_set_room(c->link, 0);
	KUNIT_ASSERT_EQ(test, state_try(c, queued), 0);
	c->on_suspend = state_send_suspend;
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), -ESHUTDOWN);
	fake_set_room(c->link, U32_MAX);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, queued->id);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), 0);
}

static void d15_being_saved(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt = core_packet(c);

	core_enable(c);
	core_open(c);
	core_settle(c);
	/* Not started: a send would be queued, but not while it is being saved. */
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(c->ch), 0);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), -ESHUTDOWN);
	vmb_channel_save_end(c->ch);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), 0);
	/* Nor is anything cancelled then; here it cannot even begin. */
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(c->ch), -EOPNOTSUPP);
}

static void d15_closed(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u32 i;

	for (i = 0; i < 5; i++)
		core_packet(c);
	c->on_suspend = state_send_suspend;
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait(c, CORE_CLOSED, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), -ENODEV);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, state_try(c, c->packets[0]), -ENODEV);
	/* The next one to open may be another guest: it is queued from Opened on. */
	c->on_opened = state_send_opened;
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, c->packets[1]->id);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, state_try(c, c->packets[0]), -ENODEV);
}

/* A client that was closed is Disabled. */
static void d15_client_closed(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c);

	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait(c, CORE_CLOSED, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	core_run(c);
	KUNIT_EXPECT_EQ(test, state_try(c, pkt), 0);
}

static void state_note_closed(struct core_chan *c)
{
	c->priv = (void *)(unsigned long)core_count(c, CORE_DONE);
}

/* Queued and sent alike, before Closed runs, once. */
static void d05_end_of_link(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	u32 i;

	c->on_closed = state_note_closed;
	fake_set_room(c->link, 3);
	for (i = 0; i < 6; i++)
		KUNIT_ASSERT_EQ(test, state_try(c, core_packet(c)), 0);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, (unsigned long)c->priv, 6);
	core_settle(c);
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 6);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
		KUNIT_EXPECT_NULL(test, core_event(c, CORE_DONE, i)->buffer);
		KUNIT_EXPECT_EQ(test, c->packets[i]->state, KMCL_PACKET_IDLE);
	}
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent + c->ch->nr_queued, 0);
}

/* Queued before the ring was known, and too large for it: told to the routine. */
static void state_too_large_for_ring(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt = core_packet(c), *next = core_packet(c);
	u8 big[256] = { };

	core_enable(c);
	c->link->limit = 128;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, big, sizeof(big), NULL, WAIT), 0);
	KUNIT_EXPECT_EQ(test, state_try(c, next), 0);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_DONE, 0)->object, (void *)pkt);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, next->id);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 0);
}

static void cancel_returns(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c), *queued = core_packet(c);

	/* Not being sent */
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -ENOENT);
	/* Queued: the peer never sees it, and nothing of it will be late. */
	fake_set_room(c->link, 0);
	KUNIT_ASSERT_EQ(test, state_try(c, pkt), 0);
	KUNIT_ASSERT_EQ(test, state_try(c, queued), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -ENOENT);
	fake_set_room(c->link, U32_MAX);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, queued->id);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->late, 0);
	/* Sent */
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(queued), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 2);
	KUNIT_EXPECT_EQ(test, c->ch->late, 1);
	/* The end of the link ends the wait for what is late. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, c->ch->late, 0);
}

/* One that does not wait cannot be cancelled once it is in the ring. */
static void cancel_without_completion(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -ENOENT);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
}

static int state_save(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer, u32 size,
		      u32 *bytes_needed)
{
	return 0;
}

static int state_restore(struct vmb_channel *ch, const void *lib_buffer, u32 lib_size,
			 const void *buffer, u32 size)
{
	return -EIO;
}

static void cancel_being_saved(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(c->ch, state_save, state_restore), 0);
	core_run(c);
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, state_try(c, pkt), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -EBUSY);
	vmb_channel_save_end(c->ch);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
}

static void state_wait_for_answer(struct core_chan *c)
{
	if (core_count(c, CORE_POST_STARTED) > 1)
		return;
	KUNIT_EXPECT_EQ(c->test, state_try(c, c->packets[0]), 0);
	/* As long as it takes; on_done opens the gate. */
	wait_for_completion(&c->gate);
}

static void state_open_gate(struct core_chan *c, struct vmb_packet *pkt, int status,
			    void *buffer, u32 length)
{
	complete_all(&c->gate);
}

/* A silent peer and a PostStarted that waits for it hold up neither of these. */
static void d07_silent_peer(struct kunit *test)
{
	static int (* const calls[])(void *c) = { core_do_pause, core_do_disable };
	struct core_chan *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		c = core_server(test);
		core_packet(c);
		c->on_post_started = state_wait_for_answer;
		c->on_done = state_open_gate;
		core_enable(c);
		vmb_channel_start(c->ch);
		core_open(c);
		core_take(c);
		KUNIT_EXPECT_EQ(test, core_thread_join(test, core_thread_start(test, calls[i], c)),
				0);
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status,
				i ? -ENODEV : -ECANCELED);
	}
}

static void d07_silent_peer_rescinds(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	core_packet(c);
	c->on_post_started = state_wait_for_answer;
	c->on_done = state_open_gate;
	core_enable(c);
	core_open(c);
	core_take(c);
	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(d15_queued_until_started),
	KUNIT_CASE(d15_paused),
	KUNIT_CASE(d15_being_saved),
	KUNIT_CASE(d15_closed),
	KUNIT_CASE(d15_client_closed),
	KUNIT_CASE(d05_end_of_link),
	KUNIT_CASE(state_too_large_for_ring),
	KUNIT_CASE(cancel_returns),
	KUNIT_CASE(cancel_without_completion),
	KUNIT_CASE(cancel_being_saved),
	KUNIT_CASE(d07_silent_peer),
	KUNIT_CASE(d07_silent_peer_rescinds),
	{}
};

static struct kunit_suite state_suite = {
	.name = "kmcl_send_state",
	.init = core_init,
	.exit = core_exit,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
