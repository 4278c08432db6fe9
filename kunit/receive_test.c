// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: delivery, completion, batches, the quota.
 */
#include <linux/slab.h>

#include "core_test.h"

/* Requests with ids from @first on, each with its id as payload */
static void recv_put(struct core_chan *c, u64 first, u32 n)
{
	u64 id;

	for (id = first; id < first + n; id++)
		core_peer_request(c, id, &id, sizeof(id));
}

static u64 recv_id(struct core_chan *c, u32 n)
{
	u64 id;

	core_wait(c, CORE_PACKET, n + 1);
	memcpy(&id, core_event(c, CORE_PACKET, n)->data, sizeof(id));
	return id;
}

static void recv_complete(struct core_chan *c, u32 n)
{
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(core_received(c, n), NULL, 0), 0);
}

/* Open, not started: what the peer puts waits in the ring. */
static struct core_chan *recv_open(struct kunit *test, u32 quota)
{
	struct core_chan *c = core_server(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_set_transaction_quota(c->ch, quota), 0);
	core_enable(c);
	core_open(c);
	core_settle(c);
	return c;
}

static void recv_start(struct core_chan *c)
{
	vmb_channel_start(c->ch);
	core_wait(c, CORE_POST_STARTED_END, 1);
	core_settle(c);
}

static void recv_message(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct core_record *r;

	core_peer_message(c, 1, "thirteen byte", 13);
	recv_complete(c, 0);
	r = core_event(c, CORE_PACKET, 0);
	KUNIT_EXPECT_EQ(test, r->length, 16);
	KUNIT_EXPECT_EQ(test, r->flags, 0);
	KUNIT_EXPECT_FALSE(test, r->in_task);
	KUNIT_EXPECT_MEMEQ(test, r->data, "thirteen byte\0\0\0", 16);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->stats.packets_in, 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
}

static void recv_no_payload(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_message(c, 1, NULL, 0);
	recv_complete(c, 0);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->length, 0);
}

static void recv_largest(struct kunit *test)
{
	u32 size = VMB_DEFAULT_PACKET_SIZE;
	struct core_chan *c = core_server_running(test);
	u8 *payload = kunit_kmalloc(test, size, GFP_KERNEL);
	struct fake_packet *p;

	KUNIT_ASSERT_NOT_NULL(test, payload);
	memset(payload, 0x5a, size);
	core_peer_request(c, 9, payload, size);
	core_wait(c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->length, size);
	KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_PACKET, 0)->buffer, payload, size);
	memset(payload, 0xa5, size);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), payload, size), 0);
	p = core_take(c);
	KUNIT_ASSERT_EQ(test, p->payload_len, size);
	KUNIT_EXPECT_MEMEQ(test, p->data, payload, size);
}

static void recv_answer(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct fake_packet *p;

	core_peer_request(c, 0xfedcba9876543210, "request", 7);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), "answer", 6), 0);
	p = core_take(c);
	KUNIT_EXPECT_EQ(test, p->type, KMCL_PACKET_COMPLETION);
	KUNIT_EXPECT_EQ(test, p->flags, 0);
	KUNIT_EXPECT_EQ(test, p->id, 0xfedcba9876543210);
	KUNIT_EXPECT_EQ(test, p->header_len, 0);
	KUNIT_ASSERT_EQ(test, p->payload_len, 8);
	KUNIT_EXPECT_MEMEQ(test, p->data, "answer\0\0", 8);
}

static void recv_answer_without_buffer(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 64), 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->payload_len, 0);
}

static void recv_answer_from_payload(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet_completion *pkt;
	u8 *buffer;

	core_peer_request(c, 1, "0123456789abcdef", 16);
	pkt = core_received(c, 0);
	buffer = core_event(c, CORE_PACKET, 0)->buffer;
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, buffer + 4, 12), 0);
	KUNIT_EXPECT_MEMEQ(test, core_take(c)->data, "456789abcdef", 12);
}

static void recv_complete_too_large(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u8 *buffer = kunit_kzalloc(test, VMB_DEFAULT_PACKET_SIZE + 1, GFP_KERNEL);

	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), buffer,
							  VMB_DEFAULT_PACKET_SIZE + 1), -EMSGSIZE);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->nr_held, 1);
	/* It is still the consumer's. */
	recv_complete(c, 0);
	core_take(c);
}

static void recv_complete_twice(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	void *warn;

	core_peer_request(c, 1, "x", 1);
	recv_complete(c, 0);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), "y", 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	core_take(c);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
}

/* Queued, it is not the consumer's either. */
static void recv_complete_twice_queued(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	void *warn;

	fake_set_room(c->link, 0);
	core_peer_request(c, 1, "x", 1);
	recv_complete(c, 0);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_fail(core_received(c, 0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 2);
	fake_set_room(c->link, U32_MAX);
	core_take(c);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
}

static void recv_complete_after_close(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait(c, CORE_SUSPEND, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_CLOSED), 0);
	recv_complete(c, 0);
	core_wait(c, CORE_CLOSED, 1);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
}

/* The buffer is ours alone, made once, and stays as it is until completion. */
static void d09_private_copy(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u8 *buffer;
	u64 id;

	core_peer_request(c, 1, "first packet", 12);
	core_received(c, 0);
	buffer = core_event(c, CORE_PACKET, 0)->buffer;
	KUNIT_EXPECT_EQ(test, c->link->nr_copies, 1);
	for (id = 2; id < 20; id++)
		core_peer_request(c, id, "other", 5);
	core_wait(c, CORE_PACKET, 19);
	KUNIT_EXPECT_EQ(test, c->link->nr_copies, 19);
	KUNIT_EXPECT_MEMEQ(test, buffer, "first packet\0\0\0\0", 16);
	/* The consumer may write to it. */
	memset(buffer, 0xff, 16);
	for (id = 1; id < 19; id++)
		KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_PACKET, id)->buffer, "other\0\0\0", 8);
}

static void d10_slot_held_until_in_ring(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_set_transaction_quota(c->ch, 2), 0);
	fake_set_room(c->link, 0);
	recv_put(c, 1, 4);
	recv_complete(c, 0);
	recv_complete(c, 1);
	core_settle(c);
	/* Both are answered, but not to anybody's knowledge: nothing new comes. */
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 2);
	KUNIT_EXPECT_EQ(test, c->ch->nr_completions, 2);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 2);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	fake_set_room(c->link, 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	KUNIT_EXPECT_EQ(test, recv_id(c, 2), 3);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 3);
	fake_set_room(c->link, U32_MAX);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
	KUNIT_EXPECT_EQ(test, recv_id(c, 3), 4);
}

/* However many: completing has its memory, and the order is that of completing. */
static void d10_queued_in_order(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u32 i;

	fake_set_room(c->link, 0);
	recv_put(c, 0, VMB_DEFAULT_QUOTA);
	core_wait(c, CORE_PACKET, VMB_DEFAULT_QUOTA);
	for (i = VMB_DEFAULT_QUOTA; i--;)
		recv_complete(c, i);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->ch->nr_completions, VMB_DEFAULT_QUOTA);
	fake_set_room(c->link, U32_MAX);
	for (i = VMB_DEFAULT_QUOTA; i--;)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, i);
}

/* A ring that no answer fits is the peer's fault: it must not hold us up. */
static void d10_ring_too_small(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u8 big[64] = { };

	/* Below what it will be asked to carry */
	c->link->limit = 32;
	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), big, 64), 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
}

static void quota_default_and_returns(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, VMB_MAX_QUOTA + 1), -EINVAL);
	recv_put(c, 0, VMB_DEFAULT_QUOTA + 5);
	core_wait(c, CORE_PACKET, VMB_DEFAULT_QUOTA);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), VMB_DEFAULT_QUOTA);
	KUNIT_EXPECT_EQ(test, c->link->nr_in, 5);
	KUNIT_EXPECT_TRUE(test, c->link->masked);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, VMB_MAX_QUOTA), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(c->ch, 1), 0);
}

static void quota_raise_does_not_restart(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	vmb_channel_set_transaction_quota(c->ch, 1);
	recv_put(c, 1, 4);
	core_wait(c, CORE_PACKET, 1);
	core_settle(c);
	vmb_channel_set_transaction_quota(c->ch, 3);
	/* Not even if something else makes it look at the ring. */
	kmcl_channel_interrupt(c->ch);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	recv_complete(c, 0);
	core_wait(c, CORE_PACKET, 4);
}

static void quota_lowered(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	vmb_channel_set_transaction_quota(c->ch, 3);
	recv_put(c, 1, 5);
	core_wait(c, CORE_PACKET, 3);
	vmb_channel_set_transaction_quota(c->ch, 1);
	recv_complete(c, 1);
	recv_complete(c, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 3);
	recv_complete(c, 0);
	KUNIT_EXPECT_EQ(test, recv_id(c, 3), 4);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 4);
}

static void quota_inline(struct kunit *test)
{
	struct core_chan *c = recv_open(test, 1);
	u32 i;

	c->complete_inline = true;
	recv_put(c, 0, 40);
	recv_start(c);
	core_wait(c, CORE_PACKET, 40);
	for (i = 0; i < 40; i++) {
		KUNIT_EXPECT_EQ(test, recv_id(c, i), i);
		KUNIT_EXPECT_EQ(test, core_take(c)->id, i);
	}
}

static void batch_counts(struct kunit *test)
{
	struct core_chan *c = recv_open(test, 16);

	c->complete_inline = true;
	recv_put(c, 0, 5);
	recv_start(c);
	core_wait(c, CORE_BATCH, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_BATCH, 0)->length, 5);
	/* After the last packet, and once */
	KUNIT_EXPECT_GT(test, core_index(c, CORE_BATCH, 0), core_index(c, CORE_PACKET, 4));
	KUNIT_EXPECT_EQ(test, c->link->nr_rx_commits, 1);
	KUNIT_EXPECT_FALSE(test, c->link->masked);
	/* None for nothing */
	kmcl_channel_interrupt(c->ch);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_BATCH), 1);
}

static void batch_ends_at_quota(struct kunit *test)
{
	struct core_chan *c = recv_open(test, 3);

	recv_put(c, 0, 5);
	recv_start(c);
	core_wait(c, CORE_BATCH, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_BATCH, 0)->length, 3);
	recv_complete(c, 0);
	core_wait(c, CORE_BATCH, 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_BATCH, 1)->length, 1);
}

static void batch_budget(struct kunit *test)
{
	struct core_chan *c = recv_open(test, 1000);
	u32 i, sum = 0;

	c->complete_inline = true;
	recv_put(c, 0, 200);
	recv_start(c);
	core_wait(c, CORE_PACKET, 200);
	core_settle(c);
	KUNIT_EXPECT_GE(test, core_count(c, CORE_BATCH), 4);
	for (i = 0; i < core_count(c, CORE_BATCH); i++) {
		u32 n = core_event(c, CORE_BATCH, i)->length;

		KUNIT_EXPECT_GE(test, n, 1);
		KUNIT_EXPECT_LE(test, n, 64);
		sum += n;
	}
	KUNIT_EXPECT_EQ(test, sum, 200);
	for (i = 0; i < 200; i++)
		KUNIT_EXPECT_EQ(test, recv_id(c, i), i);
	KUNIT_EXPECT_FALSE(test, c->link->masked);
}

/* What was taken during a pause is handed out by the budget, too. */
static void batch_budget_of_taken(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct core_kthread *t;
	u32 i, sum = 0;

	vmb_channel_set_transaction_quota(c->ch, 200);
	core_run(c);
	recv_put(c, 0, 1);
	core_wait(c, CORE_BATCH, 1);
	/* As long as one is held the ring is read, but nothing is delivered. */
	t = core_thread_start(test, core_do_pause, c);
	core_wait(c, CORE_SUSPEND, 1);
	recv_put(c, 1, 150);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->ch->nr_taken, 150);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	recv_complete(c, 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	c->complete_inline = true;
	vmb_channel_start(c->ch);
	core_wait(c, CORE_PACKET, 151);
	core_settle(c);
	for (i = 1; i < core_count(c, CORE_BATCH); i++) {
		KUNIT_EXPECT_LE(test, core_event(c, CORE_BATCH, i)->length, 64);
		sum += core_event(c, CORE_BATCH, i)->length;
	}
	KUNIT_EXPECT_EQ(test, sum, 150);
	for (i = 0; i < 151; i++)
		KUNIT_EXPECT_EQ(test, recv_id(c, i), i);
}

static void memory_bound(struct kunit *test)
{
	static const u32 sizes[] = { 1, 8, 1024, VMB_DEFAULT_PACKET_SIZE, VMB_MAX_PACKET_SIZE };
	struct core_chan *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		c = core_server(test);
		KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, sizes[i]), 0);
		core_run(c);
		KUNIT_EXPECT_LE(test, vmb_channel_sizeof_packet(c->ch), sizes[i] + 256);
		KUNIT_EXPECT_LE(test, kmem_cache_size(c->ch->tx_cache) + sizeof(struct kmcl_slot),
				sizes[i] + 256);
		KUNIT_EXPECT_LE(test, kmem_cache_size(c->ch->rx_cache), sizes[i] + 256);
	}
}

static void passive_setting(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, false), 0);
	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), -EBUSY);
}

static void passive_wait_for_gate(struct core_chan *c, struct vmb_packet_completion *pkt,
				  void *buffer, u32 length, u32 flags)
{
	wait_for_completion(&c->gate);
	vmb_channel_packet_complete(pkt, NULL, 0);
}

/* Callbacks may sleep; routines of completions come in process context, too. */
static void passive_callbacks(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct vmb_packet *pkt;
	u32 i;

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = passive_wait_for_gate;
	core_run(c);
	recv_put(c, 1, 3);
	core_wait(c, CORE_PACKET, 1);
	complete_all(&c->gate);
	core_wait(c, CORE_PACKET, 3);
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "q", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	for (i = 0; i < 3; i++)
		core_take(c);
	core_peer_answer(c, core_take(c)->id, "a", 1);
	core_wait(c, CORE_DONE, 1);
	core_wait(c, CORE_BATCH, 1);
	for (i = 0; i < c->nr; i++)
		if (c->log[i].event == CORE_PACKET || c->log[i].event == CORE_BATCH ||
		    c->log[i].event == CORE_DONE)
			KUNIT_EXPECT_TRUE(test, c->log[i].in_task);
}

/* Where the callback may sleep, an answer does not wait for the batch's end. */
static void passive_publishes_at_once(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	core_run(c);
	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	c->on_packet = passive_wait_for_gate;
	core_peer_request(c, 2, "x", 1);
	core_wait(c, CORE_PACKET, 2);
	recv_complete(c, 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
}

static void context_memory(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u8 *context, zero[24] = { };
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_client_context_size(c->ch, 24), 0);
	core_run(c);
	for (i = 0; i < 20; i++) {
		core_peer_request(c, i, "payload", 7);
		context = vmb_channel_packet_get_client_context(core_received(c, i));
		KUNIT_ASSERT_NOT_NULL(test, context);
		KUNIT_EXPECT_MEMEQ(test, context, zero, 24);
		memset(context, 0xee, 24);
		KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_PACKET, i)->buffer, "payload", 8);
		recv_complete(c, i);
	}
}

static void context_none(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_NULL(test, vmb_channel_packet_get_client_context(core_received(c, 0)));
}

static struct kunit_case receive_cases[] = {
	KUNIT_CASE(recv_message),
	KUNIT_CASE(recv_no_payload),
	KUNIT_CASE(recv_largest),
	KUNIT_CASE(recv_answer),
	KUNIT_CASE(recv_answer_without_buffer),
	KUNIT_CASE(recv_answer_from_payload),
	KUNIT_CASE(recv_complete_too_large),
	KUNIT_CASE(recv_complete_twice),
	KUNIT_CASE(recv_complete_twice_queued),
	KUNIT_CASE(recv_complete_after_close),
	KUNIT_CASE(d09_private_copy),
	KUNIT_CASE(d10_slot_held_until_in_ring),
	KUNIT_CASE(d10_queued_in_order),
	KUNIT_CASE(d10_ring_too_small),
	KUNIT_CASE(quota_default_and_returns),
	KUNIT_CASE(quota_raise_does_not_restart),
	KUNIT_CASE(quota_lowered),
	KUNIT_CASE(quota_inline),
	KUNIT_CASE(batch_counts),
	KUNIT_CASE(batch_ends_at_quota),
	KUNIT_CASE(batch_budget),
	KUNIT_CASE(batch_budget_of_taken),
	KUNIT_CASE(memory_bound),
	KUNIT_CASE(passive_setting),
	KUNIT_CASE(passive_callbacks),
	KUNIT_CASE(passive_publishes_at_once),
	KUNIT_CASE(context_memory),
	KUNIT_CASE(context_none),
	{}
};

static struct kunit_suite receive_suite = {
	.name = "kmcl_receive",
	.init = core_init,
	.exit = core_exit,
	.test_cases = receive_cases,
};

kunit_test_suite(receive_suite);
