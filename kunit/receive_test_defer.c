// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: packets that are not taken at the first delivery, and those that
 * make no sense to the consumer.
 */
#include "core_test.h"

static void defer_put(struct core_chan *c, u64 first, u32 n)
{
	u64 id;

	for (id = first; id < first + n; id++)
		core_peer_request(c, id, &id, sizeof(id));
}

static u64 defer_id(struct core_chan *c, u32 n)
{
	u64 id;

	core_wait(c, CORE_PACKET, n + 1);
	memcpy(&id, core_event(c, CORE_PACKET, n)->data, sizeof(id));
	return id;
}

/* Open, with packets in the ring, then started. */
static struct core_chan *defer_open(struct core_chan *c, u32 n)
{
	core_enable(c);
	core_open(c);
	core_settle(c);
	defer_put(c, 0, n);
	return c;
}

static void defer_start(struct core_chan *c)
{
	vmb_channel_start(c->ch);
	core_wait(c, CORE_POST_STARTED_END, 1);
}

/* Defers what has id 1 unless it may sleep; completes the rest. */
static void defer_one(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
		      u32 length, u32 flags)
{
	if (!in_task() && *(u64 *)buffer == 1)
		KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_defer_to_passive(pkt), 0);
	else
		vmb_channel_packet_complete(pkt, NULL, 0);
}

static void d11_first_in_line(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 i, sum = 0;

	c->on_packet = defer_one;
	defer_open(c, 5);
	defer_start(c);
	core_wait(c, CORE_PACKET, 6);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 6);
	KUNIT_EXPECT_EQ(test, defer_id(c, 0), 0);
	KUNIT_EXPECT_EQ(test, defer_id(c, 1), 1);
	KUNIT_EXPECT_EQ(test, defer_id(c, 2), 1);
	KUNIT_EXPECT_EQ(test, defer_id(c, 3), 2);
	KUNIT_EXPECT_EQ(test, defer_id(c, 5), 4);
	KUNIT_EXPECT_FALSE(test, core_event(c, CORE_PACKET, 1)->in_task);
	KUNIT_EXPECT_TRUE(test, core_event(c, CORE_PACKET, 2)->in_task);
	/* The same packet, the same buffer */
	KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_PACKET, 1)->object,
			    core_event(c, CORE_PACKET, 2)->object);
	KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_PACKET, 1)->buffer,
			    core_event(c, CORE_PACKET, 2)->buffer);
	/* A deferral is no delivery: each packet counts once. */
	for (i = 0; i < core_count(c, CORE_BATCH); i++)
		sum += core_event(c, CORE_BATCH, i)->length;
	KUNIT_EXPECT_EQ(test, sum, 5);
	KUNIT_EXPECT_EQ(test, c->ch->stats.packets_in, 5);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, i);
}

/* On a passive channel: waits for the gate, then defers the first delivery. */
static void defer_behind_gate(struct core_chan *c, struct vmb_packet_completion *pkt,
			      void *buffer, u32 length, u32 flags)
{
	if (core_count(c, CORE_PACKET) > 1)
		return;
	wait_for_completion(&c->gate);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_defer_to_passive(pkt), 0);
}

static void d12_deferred_not_waited_for(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct core_kthread *t;

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = defer_behind_gate;
	core_run(c);
	defer_put(c, 7, 1);
	core_wait(c, CORE_PACKET, 1);
	t = core_thread_start(test, core_do_pause, c);
	/* Until nothing will be delivered once the callback has returned */
	core_until(c, READ_ONCE(c->ch->rx_mode) != KMCL_RX_ON);
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_BATCH), 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_taken, 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_held, 0);
	/* It is delivered first once the channel is started again. */
	defer_put(c, 8, 2);
	vmb_channel_start(c->ch);
	KUNIT_EXPECT_EQ(test, defer_id(c, 1), 7);
	KUNIT_EXPECT_EQ(test, defer_id(c, 2), 8);
	KUNIT_EXPECT_EQ(test, defer_id(c, 3), 9);
	KUNIT_EXPECT_PTR_EQ(test, core_received(c, 0), core_received(c, 1));
}

/* One that is not delivered counts against the quota all the same. */
static void d12_deferred_has_its_slot(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	vmb_channel_set_transaction_quota(c->ch, 1);
	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = defer_behind_gate;
	core_run(c);
	defer_put(c, 1, 2);
	core_wait(c, CORE_PACKET, 1);
	complete_all(&c->gate);
	core_wait(c, CORE_PACKET, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, defer_id(c, 1), 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 2);
	vmb_channel_packet_complete(core_received(c, 1), NULL, 0);
	KUNIT_EXPECT_EQ(test, defer_id(c, 2), 2);
}

static void d12_deferred_dropped_at_close(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = defer_behind_gate;
	core_run(c);
	defer_put(c, 7, 1);
	core_wait(c, CORE_PACKET, 1);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_until(c, READ_ONCE(c->ch->rx_mode) != KMCL_RX_ON);
	complete_all(&c->gate);
	/* Closed does not wait for it, and it never comes again. */
	core_wait_life(c, "ORPSC");
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
}

static void defer_always(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
			 u32 length, u32 flags)
{
	vmb_channel_packet_defer_to_passive(pkt);
}

/* A consumer that never has enough cannot hang its channel. */
static void defer_for_ever(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->on_packet = defer_always;
	core_run(c);
	defer_put(c, 1, 2);
	core_wait(c, CORE_PACKET, 50);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_BATCH), 0);
	c->on_packet = NULL;
	c->complete_inline = true;
	vmb_channel_start(c->ch);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
}

static void defer_keeps_context(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_client_context_size(c->ch, 8), 0);
	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = defer_behind_gate;
	core_run(c);
	defer_put(c, 1, 1);
	core_wait(c, CORE_PACKET, 1);
	*(u64 *)vmb_channel_packet_get_client_context(core_received(c, 0)) = 4711;
	complete_all(&c->gate);
	core_wait(c, CORE_PACKET, 2);
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_EQ(test, *(u64 *)vmb_channel_packet_get_client_context
				(core_received(c, i)), 4711);
}

static void defer_outside_callback(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	void *warn;

	defer_put(c, 1, 1);
	core_wait(c, CORE_BATCH, 1);
	core_settle(c);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_defer_to_passive(core_received(c, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_take(c);
}

static void defer_then_misuse(struct core_chan *c, struct vmb_packet_completion *pkt,
			      void *buffer, u32 length, u32 flags)
{
	void *warn;

	if (core_count(c, CORE_PACKET) > 1) {
		vmb_channel_packet_complete(pkt, NULL, 0);
		return;
	}
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_defer_to_passive(pkt), 0);
	warn = core_warn_begin(c->test);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_defer_to_passive(pkt), -EINVAL);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(pkt, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_fail(pkt), -EINVAL);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, warn), 3);
}

static void defer_then_complete(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = defer_then_misuse;
	core_run(c);
	defer_put(c, 1, 1);
	core_wait(c, CORE_PACKET, 2);
	core_take(c);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
}

static void complete_twice_inline(struct core_chan *c, struct vmb_packet_completion *pkt,
				  void *buffer, u32 length, u32 flags)
{
	void *warn;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	warn = core_warn_begin(c->test);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(pkt, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_defer_to_passive(pkt), -EINVAL);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, warn), 2);
}

static void complete_then_misuse(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = complete_twice_inline;
	core_run(c);
	defer_put(c, 1, 1);
	core_wait(c, CORE_PACKET, 1);
	core_take(c);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
}

/* Fails what has id 1. */
static void fail_one(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
		     u32 length, u32 flags)
{
	if (*(u64 *)buffer == 1)
		KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_fail(pkt), 0);
	else
		vmb_channel_packet_complete(pkt, NULL, 0);
}

static void d13_fail_stops_fetching(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt;
	u64 id;

	c->on_packet = fail_one;
	defer_open(c, 3);
	defer_start(c);
	/* What had been fetched with it is delivered; it is not answered. */
	core_wait(c, CORE_PACKET, 3);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_PACKET_FAILED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);

	/* Nothing is fetched any more, completions no more than requests. */
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, NULL, 0, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	id = core_take(c)->id;
	defer_put(c, 5, 1);
	core_peer_answer(c, id, NULL, 0);
	kmcl_channel_interrupt(c->ch);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 3);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	/* Nor after a pause */
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_POST_STARTED_END, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 3);
	core_expect_life(c, "ORPSRP");
}

static void d13_fail_until_next_open(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->on_packet = fail_one;
	core_run(c);
	defer_put(c, 1, 1);
	core_wait(c, CORE_PACKET, 1);
	core_settle(c);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait(c, CORE_CLOSED, 1);
	core_settle(c);
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
	defer_put(c, 2, 1);
	KUNIT_EXPECT_EQ(test, defer_id(c, 1), 2);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
}

/* Held, and failed later from elsewhere; a packet that waits is not affected. */
static void d13_fail_later(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	void *warn;

	defer_put(c, 1, 2);
	core_wait(c, CORE_PACKET, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_fail(core_received(c, 0)), 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_held, 1);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_fail(core_received(c, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 2);
	defer_put(c, 3, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 2);
	/* Pause waits for the other only. */
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 1), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
}

static struct kunit_case defer_cases[] = {
	KUNIT_CASE(d11_first_in_line),
	KUNIT_CASE(d12_deferred_not_waited_for),
	KUNIT_CASE(d12_deferred_has_its_slot),
	KUNIT_CASE(d12_deferred_dropped_at_close),
	KUNIT_CASE(defer_for_ever),
	KUNIT_CASE(defer_keeps_context),
	KUNIT_CASE(defer_outside_callback),
	KUNIT_CASE(defer_then_complete),
	KUNIT_CASE(complete_then_misuse),
	KUNIT_CASE(d13_fail_stops_fetching),
	KUNIT_CASE(d13_fail_until_next_open),
	KUNIT_CASE(d13_fail_later),
	{}
};

static struct kunit_suite defer_suite = {
	.name = "kmcl_receive_defer",
	.init = core_init,
	.exit = core_exit,
	.test_cases = defer_cases,
};

kunit_test_suite(defer_suite);
