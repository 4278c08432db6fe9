// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: into the ring or onto the queue, order, publishing, completion
 * routines.
 */
#include <linux/slab.h>

#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION

static struct vmb_packet *send_one(struct core_chan *c, const char *payload, u32 flags)
{
	struct vmb_packet *pkt = core_packet(c);

	KUNIT_ASSERT_EQ(c->test, vmb_packet_send(pkt, payload, strlen(payload), NULL, flags), 0);
	return pkt;
}

static void send_expect(struct core_chan *c, const char *payload)
{
	struct fake_packet *p = core_take(c);

	KUNIT_EXPECT_EQ(c->test, p->type, KMCL_PACKET_INBAND);
	KUNIT_EXPECT_EQ(c->test, p->payload_len, ALIGN(strlen(payload), 8));
	KUNIT_EXPECT_MEMEQ(c->test, p->data, payload, strlen(payload));
}

static void send_without_completion(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = send_one(c, "hello", 0);
	struct core_record *r;
	struct fake_packet *p;

	/* Complete as soon as it is in the ring: the routine was called already. */
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	r = core_event(c, CORE_DONE, 0);
	KUNIT_EXPECT_PTR_EQ(test, r->object, (void *)pkt);
	KUNIT_EXPECT_EQ(test, r->status, 0);
	KUNIT_EXPECT_NULL(test, r->buffer);
	KUNIT_EXPECT_EQ(test, r->length, 0);
	p = core_take(c);
	KUNIT_EXPECT_EQ(test, p->type, KMCL_PACKET_INBAND);
	KUNIT_EXPECT_EQ(test, p->flags, 0);
	KUNIT_EXPECT_EQ(test, p->header_len, 0);
	KUNIT_ASSERT_EQ(test, p->payload_len, 8);
	KUNIT_EXPECT_MEMEQ(test, p->data, "hello\0\0\0", 8);
	KUNIT_EXPECT_EQ(test, c->link->nr_commits, 1);
	KUNIT_EXPECT_EQ(test, c->ch->stats.packets_out, 1);
}

static void send_with_completion(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = send_one(c, "ask", WAIT);
	struct fake_packet *p = core_take(c);
	struct core_record *r;

	KUNIT_EXPECT_EQ(test, p->flags, KMCL_PACKET_WANTS_COMPLETION);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	core_peer_answer(c, p->id, "the answer", 10);
	core_wait(c, CORE_DONE, 1);
	r = core_event(c, CORE_DONE, 0);
	KUNIT_EXPECT_PTR_EQ(test, r->object, (void *)pkt);
	KUNIT_EXPECT_EQ(test, r->status, 0);
	KUNIT_EXPECT_EQ(test, r->length, 16);
	KUNIT_EXPECT_MEMEQ(test, r->data, "the answer\0\0\0\0\0\0", 16);
	KUNIT_EXPECT_FALSE(test, r->in_task);
	/* An answer may be empty. */
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, NULL, 0, NULL, WAIT), 0);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_NULL(test, core_event(c, CORE_DONE, 1)->buffer);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 1)->length, 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 0);
}

/* Answers in any order find their packets. */
static void send_answers_out_of_order(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkts[8];
	u64 ids[8];
	u32 i;

	for (i = 0; i < 8; i++) {
		pkts[i] = send_one(c, "x", WAIT);
		ids[i] = core_take(c)->id;
	}
	for (i = 0; i < 8; i++) {
		u32 k = (i * 5 + 3) % 8;

		core_peer_answer(c, ids[k], &k, sizeof(k));
		core_wait(c, CORE_DONE, i + 1);
		KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_DONE, i)->object, (void *)pkts[k]);
		KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_DONE, i)->data, &k, sizeof(k));
	}
}

/* What the peer puts into the ring is found by one poll. */
static void send_peer_begin(struct core_chan *c)
{
	core_settle(c);
	WRITE_ONCE(c->link->masked, true);
}

static void send_peer_end(struct core_chan *c)
{
	kmcl_channel_interrupt(c->ch);
}

static void send_peer_puts(struct core_chan *c, u16 type, u64 id, u8 fill, u32 length)
{
	u8 *data = kunit_kmalloc(c->test, length, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(c->test, data);
	memset(data, fill, length);
	KUNIT_ASSERT_EQ(c->test, fake_put(c->link, type, 0, id, NULL, 0, data, length), 0);
}

/* The n-th answer is filled with n. */
static void send_look_at_fill(struct core_chan *c, struct vmb_packet *pkt, int status,
			      void *buffer, u32 length)
{
	u8 fill = core_count(c, CORE_DONE);

	KUNIT_EXPECT_NULL(c->test, memchr_inv(buffer, fill, length));
}

/* Answers that are in the ring together, small and large, and what is between them */
static void send_answers_together(struct kunit *test)
{
	static const u32 lengths[] = { 64, 4096, 8, 8192, 8192, 2048, 2048, 64 };
	struct core_chan *c = core_client(test);
	u64 ids[ARRAY_SIZE(lengths)];
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 8192), 0);
	core_run(c);
	c->on_done = send_look_at_fill;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		send_one(c, "x", WAIT);
		ids[i] = core_take(c)->id;
	}
	send_peer_begin(c);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		/* core_count() counts the one that is being told of. */
		send_peer_puts(c, KMCL_PACKET_COMPLETION, ids[i], i + 1, lengths[i]);
		if (i == 1)
			send_peer_puts(c, KMCL_PACKET_INBAND, ids[2], 0xaa, 16);
	}
	send_peer_end(c);
	core_wait(c, CORE_DONE, ARRAY_SIZE(lengths));
	core_wait(c, CORE_PACKET, 1);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, 0);
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->length, lengths[i]);
	}
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->length, 16);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 0);
}

/* Answers before one that is none have come; those behind it have not. */
static void send_answers_before_a_fault(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	u64 ids[4];
	u32 i;

	for (i = 0; i < 4; i++) {
		send_one(c, "x", WAIT);
		ids[i] = core_take(c)->id;
	}
	send_peer_begin(c);
	send_peer_puts(c, KMCL_PACKET_COMPLETION, ids[0], 1, 8);
	send_peer_puts(c, KMCL_PACKET_COMPLETION, ids[1], 2, 8);
	send_peer_puts(c, KMCL_PACKET_COMPLETION, ids[3] + 1, 3, 8);
	send_peer_puts(c, KMCL_PACKET_COMPLETION, ids[2], 4, 8);
	send_peer_end(c);
	core_wait(c, CORE_DONE, 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, i < 2 ? 0 : -ENODEV);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
}

static void send_default_routine_frees(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = vmb_packet_allocate(c->ch);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_EQ(test, atomic_read(&c->ch->nr_packets), 1);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
	pkt = vmb_packet_allocate(c->ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, WAIT), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 1);
	/* Also where its transaction ends otherwise */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

static void send_returns(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c), *init;
	u32 size = vmb_channel_sizeof_packet(c->ch);
	u8 *big = kunit_kzalloc(test, VMB_DEFAULT_PACKET_SIZE + 1, GFP_KERNEL);
	void *warn;

	KUNIT_ASSERT_NOT_NULL(test, big);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, NULL, 1, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, big, VMB_DEFAULT_PACKET_SIZE + 1, NULL, 0),
			-EMSGSIZE);
	c->ch->tx_limit = 64;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, big, 65, NULL, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, big, 64, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
	/* One in the caller's memory has no routine at first. */
	init = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, vmb_packet_initialize(c->ch, init, size), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(init, "x", 1, NULL, 0), -EINVAL);
	vmb_packet_set_completion_routine(init, core_done);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(init, "x", 1, NULL,
					      VMB_PACKET_FLAG_PAGED_BUFFER), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(init), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 2);
	/* Sent and not ended */
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "first", 5, NULL, WAIT), 0);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "second", 6, NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	core_take(c);
	core_take(c);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, 3);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
}

static void send_queues_in_order(struct kunit *test)
{
	static const char * const names[] = { "one", "two", "three", "four", "five" };
	struct core_chan *c = core_client_running(test);
	u32 i;

	fake_set_room(c->link, 2);
	for (i = 0; i < 5; i++)
		send_one(c, names[i], i % 2 ? WAIT : 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 3);
	KUNIT_EXPECT_TRUE(test, c->link->want);
	/* descriptor, payload, footer */
	KUNIT_EXPECT_EQ(test, c->link->want_bytes, 16 + 8 + 8);
	send_expect(c, "one");
	send_expect(c, "two");
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	fake_set_room(c->link, 1);
	send_expect(c, "three");
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	fake_set_room(c->link, U32_MAX);
	send_expect(c, "four");
	send_expect(c, "five");
	/* The three without completion */
	core_wait(c, CORE_DONE, 3);
}

/* There is room again, but nobody said so yet: the next one waits its turn. */
static void send_does_not_overtake(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	fake_set_room(c->link, 0);
	send_one(c, "first", 0);
	c->link->room = U32_MAX;
	send_one(c, "second", 0);
	kmcl_channel_interrupt(c->ch);
	send_expect(c, "first");
	send_expect(c, "second");
}

/* Room came between the write and the wish for it. */
static bool send_want_has_room(void *l, u32 bytes)
{
	struct fake_link *link = l;

	link->room = U32_MAX;
	return true;
}

static void send_room_comes_just_then(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_client_running(test);

	fake_set_room(c->link, 0);
	env->fb->ops.tx_want = send_want_has_room;
	send_one(c, "first", 0);
	send_expect(c, "first");
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 0);
}

static void send_completions_first(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct fake_packet *p;

	core_peer_request(c, 7, "x", 1);
	core_received(c, 0);
	fake_set_room(c->link, 0);
	send_one(c, "mine", 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	send_one(c, "another", 0);
	fake_set_room(c->link, U32_MAX);
	p = core_take(c);
	KUNIT_EXPECT_EQ(test, p->type, KMCL_PACKET_COMPLETION);
	KUNIT_EXPECT_EQ(test, p->id, 7);
	send_expect(c, "mine");
	send_expect(c, "another");
}

static void send_answer_and_message(struct core_chan *c, struct vmb_packet_completion *pkt,
				    void *buffer, u32 length, u32 flags)
{
	vmb_channel_packet_complete(pkt, NULL, 0);
	vmb_packet_send(vmb_packet_allocate(c->ch), "x", 1, NULL, 0);
}

/* Ten packets in one batch, twenty out, one publication of each ring */
static void send_one_publish_per_batch(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 i, commits;

	c->on_packet = send_answer_and_message;
	core_enable(c);
	core_open(c);
	core_settle(c);
	for (i = 0; i < 10; i++)
		core_peer_request(c, i, "x", 1);
	commits = c->link->nr_commits;
	vmb_channel_start(c->ch);
	core_wait(c, CORE_BATCH, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 20);
	KUNIT_EXPECT_EQ(test, c->link->nr_commits, commits + 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_rx_commits, 1);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->type,
				i % 2 ? KMCL_PACKET_INBAND : KMCL_PACKET_COMPLETION);
}

/* Before it waits for room the peer must see what fills the ring. */
static void send_publishes_before_waiting(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 i;

	c->complete_inline = true;
	core_enable(c);
	core_open(c);
	core_settle(c);
	for (i = 0; i < 10; i++)
		core_peer_request(c, i, "x", 1);
	fake_set_room(c->link, 3);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_BATCH, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 3);
	KUNIT_EXPECT_TRUE(test, c->link->want);
	fake_set_room(c->link, U32_MAX);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, i);
	/* And outside of a batch each is published at once. */
	core_settle(c);
	i = c->link->nr_commits;
	send_one(c, "x", 0);
	send_one(c, "y", 0);
	KUNIT_EXPECT_EQ(test, c->link->nr_commits, i + 2);
}

/* What a routine does: send the same packet again, a number of times */
struct send_again {
	atomic_t left;
	atomic_t depth;
	int deepest;
	u32 flags;
};

static void send_again(struct core_chan *c, struct vmb_packet *pkt, int status, void *buffer,
		       u32 length)
{
	struct send_again *a = c->priv;
	int depth = atomic_inc_return(&a->depth);

	a->deepest = max(a->deepest, depth);
	if (!status && atomic_dec_return(&a->left) >= 0)
		KUNIT_EXPECT_EQ(c->test, vmb_packet_send(pkt, buffer, length, NULL, a->flags), 0);
	atomic_dec(&a->depth);
}

static void send_routine_resends(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct send_again a = { .left = ATOMIC_INIT(2000) };

	c->priv = &a;
	c->on_done = send_again;
	send_one(c, "", 0);
	core_wait(c, CORE_DONE, 2001);
	KUNIT_EXPECT_EQ(test, a.deepest, 1);
	/* The last ones are published with the poll that called for them. */
	core_until(c, READ_ONCE(c->link->nr_out) == 2001);
	c->on_done = NULL;
}

/* The same from a completion, what it brought being sent on */
static void send_routine_passes_on(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct send_again a = { .left = ATOMIC_INIT(10), .flags = WAIT };
	struct fake_packet *p;
	u32 i;

	c->priv = &a;
	c->on_done = send_again;
	send_one(c, "start", WAIT);
	p = core_take(c);
	for (i = 0; i < 10; i++) {
		char answer[8] = "round 0";

		answer[6] += i;
		core_peer_answer(c, p->id, answer, 8);
		p = core_take(c);
		KUNIT_EXPECT_MEMEQ(test, p->data, answer, 8);
	}
	core_peer_answer(c, p->id, NULL, 0);
	core_wait(c, CORE_DONE, 11);
	KUNIT_EXPECT_EQ(test, a.deepest, 1);
	c->on_done = NULL;
}

static void send_done_frees(struct core_chan *c, struct vmb_packet *pkt, int status,
			    void *buffer, u32 length)
{
	core_packet_free(c, pkt);
}

static void send_routine_frees(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	c->on_done = send_done_frees;
	send_one(c, "x", 0);
	send_one(c, "y", WAIT);
	core_take(c);
	core_peer_answer(c, core_take(c)->id, "z", 1);
	core_wait(c, CORE_DONE, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
	c->on_done = NULL;
}

static void d16_ids(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt;
	u64 ids[32];
	u32 i, k;

	pkt = core_packet(c);
	for (i = 0; i < 32; i++) {
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, NULL, 0, NULL, WAIT), 0);
		ids[i] = core_take(c)->id;
		KUNIT_EXPECT_NE(test, ids[i], 0);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_NE(test, ids[i], ids[k]);
		core_peer_answer(c, ids[i], NULL, 0);
		core_wait(c, CORE_DONE, i + 1);
		/* Another object does not bring an id back either. */
		if (i % 4 == 3) {
			core_packet_free(c, pkt);
			pkt = core_packet(c);
		}
	}
}

static void d16_late_completion(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 old, new;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, NULL, 0, NULL, WAIT), 0);
	old = core_take(c)->id;
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 0);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, NULL, 0, NULL, WAIT), 0);
	new = core_take(c)->id;
	core_peer_answer(c, old, "stale", 5);
	core_peer_message(c, 1, "barrier", 7);
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	/* Dropped and counted; the new transaction goes on. */
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 1);
	core_peer_answer(c, new, "fresh", 5);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_DONE, 1)->data, "fresh", 5);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
	/* It was late once; the next time it is unknown. */
	core_peer_answer(c, old, NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 1);
}

/* One is late, but not this. */
static void d16_late_is_no_excuse(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct vmb_packet *pkt = send_one(c, "x", WAIT);
	u64 id = core_take(c)->id;

	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	core_peer_answer(c, id + (1ULL << 40), NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 0);
}

static void d16_completed_twice(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	u64 id;

	send_one(c, "x", WAIT);
	id = core_take(c)->id;
	core_peer_answer(c, id, NULL, 0);
	core_wait(c, CORE_DONE, 1);
	core_peer_answer(c, id, NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
}

/* Of one that asked for no completion */
static void d16_completed_unasked(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	send_one(c, "x", 0);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
}

static void d16_count_is_bounded(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct vmb_packet *init;
	u32 size;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, 2), 0);
	core_packet(c);
	core_packet(c);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	size = vmb_channel_sizeof_packet(c->ch);
	init = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, init, size), -ENOSPC);
	core_packet_free(c, c->packets[0]);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, init, size - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, init, size), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(init), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(c->packets[1]), -EINVAL);
}

#define RESENDS	1000U

static void send_for_ever(struct core_chan *c, struct vmb_packet *pkt, int status, void *buffer,
			  u32 length)
{
	u32 *sent = c->priv;

	if (status || *sent == RESENDS)
		return;
	WRITE_ONCE(*sent, *sent + 1);
	vmb_packet_send(pkt, "x", 1, NULL, 0);
}

/* A routine that always sends anew: who sent the first one does not call it for ever. */
static void send_routine_resends_for_ever(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u32 sent = 0, then;
	int ret;

	c->on_done = send_for_ever;
	c->priv = &sent;
	/* What it leaves to the tasklet waits, too. */
	local_bh_disable();
	ret = vmb_packet_send(pkt, "x", 1, NULL, 0);
	then = READ_ONCE(sent);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_LE(test, then, 100);
	core_until(c, READ_ONCE(sent) == RESENDS);
	c->on_done = NULL;
}

static struct kunit_case send_cases[] = {
	KUNIT_CASE(send_without_completion),
	KUNIT_CASE(send_with_completion),
	KUNIT_CASE(send_answers_out_of_order),
	KUNIT_CASE(send_answers_together),
	KUNIT_CASE(send_answers_before_a_fault),
	KUNIT_CASE(send_default_routine_frees),
	KUNIT_CASE(send_returns),
	KUNIT_CASE(send_queues_in_order),
	KUNIT_CASE(send_does_not_overtake),
	KUNIT_CASE(send_room_comes_just_then),
	KUNIT_CASE(send_completions_first),
	KUNIT_CASE(send_one_publish_per_batch),
	KUNIT_CASE(send_publishes_before_waiting),
	KUNIT_CASE(send_routine_resends),
	KUNIT_CASE(send_routine_resends_for_ever),
	KUNIT_CASE(send_routine_passes_on),
	KUNIT_CASE(send_routine_frees),
	KUNIT_CASE(d16_ids),
	KUNIT_CASE(d16_late_completion),
	KUNIT_CASE(d16_late_is_no_excuse),
	KUNIT_CASE(d16_completed_twice),
	KUNIT_CASE(d16_completed_unasked),
	KUNIT_CASE(d16_count_is_bounded),
	{}
};

static struct kunit_suite send_suite = {
	.name = "kmcl_send",
	.init = core_init,
	.exit = core_exit,
	.test_cases = send_cases,
};

kunit_test_suite(send_suite);
