// SPDX-License-Identifier: GPL-2.0
/*
 * Packet objects, and the ids of their transactions.
 */
#include <linux/slab.h>

#include "core_test.h"

#define SLOT(id)	((id) & 0xfffff)
#define GENERATION(id)	((id) >> 20)
#define TABLE		50	/* transactions there may be, where that is tried */

/* Send, and what the peer then sees as its id */
static u64 send_id(struct core_chan *c, struct vmb_packet *pkt, u32 flags)
{
	KUNIT_ASSERT_EQ(c->test, vmb_packet_send(pkt, "x", 1, NULL, flags), 0);
	return core_take(c)->id;
}

static void allocate_and_free(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt = vmb_packet_allocate(c->ch);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_PTR_EQ(test, vmb_packet_get_channel(pkt), c->ch);
	KUNIT_EXPECT_NULL(test, vmb_packet_get_pointer(pkt));
	vmb_packet_set_pointer(pkt, test);
	KUNIT_EXPECT_PTR_EQ(test, vmb_packet_get_pointer(pkt), (void *)test);
	vmb_packet_free(pkt);
}

/* The default routine frees: else cleaning up would complain. */
static void default_routine_frees(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = vmb_packet_allocate(c->ch);
	u64 id;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	send_id(c, pkt, 0);
	pkt = vmb_packet_allocate(c->ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	id = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	core_peer_answer(c, id, NULL, 0);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

static void as_many_as_it_may_have(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt[3], *own;
	u32 size;
	int i;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, 3), 0);
	for (i = 0; i < 3; i++)
		pkt[i] = core_packet(c);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	size = vmb_channel_sizeof_packet(c->ch);
	own = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, own);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, own, size), -ENOSPC);
	/* A slot that is given back is taken again. */
	core_packet_free(c, pkt[1]);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, own, size), 0);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(own), 0);
	core_packet(c);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
}

static void initialise(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u32 size = vmb_channel_sizeof_packet(c->ch);
	struct vmb_packet *pkt = kunit_kzalloc(test, size + 8, GFP_KERNEL);
	u64 id;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_GT(test, size, VMB_DEFAULT_PACKET_SIZE + sizeof(void *));
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, pkt, size - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(c->ch, (void *)pkt + 4, size), -EINVAL);
	KUNIT_ASSERT_EQ(test, vmb_packet_initialize(c->ch, pkt, size), 0);
	/* It has no routine of its own. */
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -EINVAL);
	vmb_packet_set_completion_routine(pkt, core_done);
	id = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	core_peer_answer(c, id, "done", 4);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, 0);
	KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_DONE, 0)->object, (void *)pkt);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(pkt), 0);
}

static void initialised_is_not_freed(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 size = vmb_channel_sizeof_packet(c->ch);
	struct vmb_packet *pkt = kunit_kzalloc(test, size, GFP_KERNEL);
	struct vmb_packet *allocated = core_packet(c);
	void *w;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_EQ(test, vmb_packet_initialize(c->ch, pkt, size), 0);
	w = core_warn_begin(test);
	vmb_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 1);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(allocated), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(pkt), 0);
}

static void ends_once(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	u32 size = vmb_channel_sizeof_packet(c->ch);
	struct vmb_packet *pkt = kunit_kzalloc(test, size, GFP_KERNEL);
	void *w;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_EQ(test, vmb_packet_initialize(c->ch, pkt, size), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(pkt), 0);
	w = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(pkt), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 1);
	/* It was taken off the number of packets once only. */
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

static void not_freed_while_it_is_sent(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u32 size = vmb_channel_sizeof_packet(c->ch);
	struct vmb_packet *pkt = core_packet(c), *own = kunit_kzalloc(test, size, GFP_KERNEL);
	u64 id = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), own_id;
	void *w;

	KUNIT_ASSERT_NOT_NULL(test, own);
	KUNIT_ASSERT_EQ(test, vmb_packet_initialize(c->ch, own, size), 0);
	vmb_packet_set_completion_routine(own, core_done);
	own_id = send_id(c, own, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	w = core_warn_begin(test);
	vmb_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(own), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 2);
	/* They go on as if nothing had been said. */
	core_peer_answer(c, id, NULL, 0);
	core_peer_answer(c, own_id, NULL, 0);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(own), 0);
}

static void not_sent_while_it_is_sent(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 id = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	void *w = core_warn_begin(test);

	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "y", 1, NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 1);
	core_peer_answer(c, id, NULL, 0);
	core_wait(c, CORE_DONE, 1);
}

/* Ends, and sends itself again from its routine, which may. */
static void again_from_routine(struct core_chan *c, struct vmb_packet *pkt, int status,
			       void *buffer, u32 length)
{
	if (core_count(c, CORE_DONE) < 3)
		KUNIT_EXPECT_EQ(c->test, vmb_packet_send(pkt, "again", 5, NULL,
							 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	else
		core_packet_free(c, pkt);
}

static void routine_sends_and_frees(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 id = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	int i;

	c->on_done = again_from_routine;
	for (i = 0; i < 3; i++) {
		core_peer_answer(c, id, NULL, 0);
		core_wait(c, CORE_DONE, i + 1);
		if (i < 2)
			id = core_take(c)->id;
	}
	core_settle(c);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

static void d16_id_is_slot_and_generation(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkts[] = { core_packet(c), core_packet(c) };
	u64 seen[8];
	int i, j;

	for (i = 0; i < 8; i++) {
		if (i >= 2) {
			core_peer_answer(c, seen[i - 2], NULL, 0);
			core_wait(c, CORE_DONE, i - 1);
		}
		seen[i] = send_id(c, pkts[i % 2], VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
		KUNIT_EXPECT_NE(test, GENERATION(seen[i]), 0);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, seen[i], seen[j]);
		/* One that is in flight, one that has ended */
		if (i >= 1)
			KUNIT_EXPECT_NE(test, SLOT(seen[i]), SLOT(seen[i - 1]));
		if (i >= 2)
			KUNIT_EXPECT_EQ(test, SLOT(seen[i]), SLOT(seen[i - 2]));
	}
}

/* A new opener, a new configuration: the old ids stay used. */
static void d16_id_is_not_reused_over_disable(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 first = send_id(c, pkt, 0), second;

	KUNIT_ASSERT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_packet_free(c, pkt);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, 2), 0);
	core_run(c);
	second = send_id(c, core_packet(c), 0);
	KUNIT_EXPECT_GT(test, GENERATION(second), GENERATION(first));
}

/* A completion that comes late meets no later transaction of the same slot. */
static void d16_late_completion_matches_nothing(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	u64 old = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), now;

	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	now = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	KUNIT_EXPECT_EQ(test, SLOT(now), SLOT(old));
	KUNIT_EXPECT_NE(test, now, old);
	core_peer_answer(c, old, "late", 4);
	core_peer_answer(c, now, "good", 4);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_DONE, 1)->data, "good", 4);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 1);
	/* The last transaction that there was is late, too, not unknown. */
	now = send_id(c, pkt, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	core_wait(c, CORE_DONE, 3);
	core_peer_answer(c, now, "late", 4);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 2);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 0);
}

/* Nor does an id of a slot that does not exist, of a packet not sent, or 0. */
static void d16_unknown_ids_are_faults(struct kunit *test)
{
	struct core_chan *c;
	struct vmb_packet *pkt;
	u64 ids[4], id;
	int i;

	for (i = 0; i < 4; i++) {
		c = core_server_running(test);
		pkt = core_packet(c);
		id = send_id(c, pkt, 0);
		core_wait(c, CORE_DONE, 1);
		ids[0] = 0;
		ids[1] = id;
		ids[2] = BIT_ULL(20) | 0xfffff;
		ids[3] = U64_MAX;
		core_peer_answer(c, ids[i], NULL, 0);
		core_wait_life(c, "ORPSC");
		KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
	}
}

/* What is queued has an id, but nobody may know it. */
static void d16_queued_packet_is_not_completed(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);

	fake_set_room(c->link, 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_peer_answer(c, pkt->id, NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
}

static void with_external_data(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 8192, 4), 0);
	pkt = core_packet(c);
	KUNIT_EXPECT_EQ(test, env->fb->nr_reserved, 1);
	env->fb->ext_error = -ENOMEM;
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	env->fb->ext_error = 0;
	core_packet_free(c, pkt);
	KUNIT_EXPECT_EQ(test, env->fb->nr_reserved, 0);
}

/* Nothing can be reserved where it is not known with whom. */
static void external_data_needs_a_bus(struct kunit *test)
{
	struct vmb_channel *ch;
	u64 memory[64] = {};

	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, false, &ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(ch, 8192, 4), 0);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(ch));
	KUNIT_EXPECT_EQ(test, vmb_channel_sizeof_packet(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(ch, (void *)memory, sizeof(memory)), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(ch), 0);
}

/* As many transactions as packets, whichever of them ended before. */
static void d16_full_table_refills(struct kunit *test)
{
	const u32 wait = VMB_PACKET_FLAG_WAIT_FOR_COMPLETION;
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkts[TABLE];
	DECLARE_BITMAP(seen, TABLE);
	int i, round;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, TABLE), 0);
	core_run(c);
	for (i = 0; i < TABLE; i++)
		pkts[i] = core_packet(c);
	for (round = 0; round < 4; round++) {
		bitmap_zero(seen, TABLE);
		for (i = 0; i < TABLE; i++) {
			if (!round || i % round == 0)
				KUNIT_ASSERT_EQ(test, vmb_packet_send(pkts[i], "x", 1, NULL, wait),
						0);
			if (SLOT(pkts[i]->id) >= TABLE || test_bit(SLOT(pkts[i]->id), seen)) {
				KUNIT_FAIL(test, "round %d: packet %d has no slot of its own",
					   round, i);
				return;
			}
			set_bit(SLOT(pkts[i]->id), seen);
		}
		/* Out of order, and not all of them; the rest stays for the next round. */
		for (i = 0; i < TABLE; i += round + 1)
			KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkts[i]), 0);
	}
}

/* Channels share memory for packets, but only of one size. */
static void memory_of_each_size(struct kunit *test)
{
	static const u32 sizes[] = { 64, 4000, 64, 4000 };
	struct kmem_cache *seen[ARRAY_SIZE(sizes)];
	struct core_chan *c;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		c = core_server(test);
		KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, sizes[i]), 0);
		core_packet(c);
		seen[i] = c->ch->tx_cache;
		KUNIT_ASSERT_NOT_NULL(test, seen[i]);
		KUNIT_EXPECT_GE(test, kmem_cache_size(seen[i]), c->ch->packet_size);
	}
	KUNIT_EXPECT_PTR_EQ(test, seen[0], seen[2]);
	KUNIT_EXPECT_PTR_EQ(test, seen[1], seen[3]);
	KUNIT_EXPECT_PTR_NE(test, seen[0], seen[1]);
}

static struct kunit_case packet_cases[] = {
	KUNIT_CASE(allocate_and_free),
	KUNIT_CASE(default_routine_frees),
	KUNIT_CASE(as_many_as_it_may_have),
	KUNIT_CASE(initialise),
	KUNIT_CASE(initialised_is_not_freed),
	KUNIT_CASE(ends_once),
	KUNIT_CASE(not_freed_while_it_is_sent),
	KUNIT_CASE(not_sent_while_it_is_sent),
	KUNIT_CASE(routine_sends_and_frees),
	KUNIT_CASE(d16_id_is_slot_and_generation),
	KUNIT_CASE(d16_id_is_not_reused_over_disable),
	KUNIT_CASE(d16_late_completion_matches_nothing),
	KUNIT_CASE(d16_unknown_ids_are_faults),
	KUNIT_CASE(d16_queued_packet_is_not_completed),
	KUNIT_CASE(with_external_data),
	KUNIT_CASE(external_data_needs_a_bus),
	KUNIT_CASE(d16_full_table_refills),
	KUNIT_CASE(memory_of_each_size),
	{}
};

static struct kunit_suite packet_suite = {
	.name = "kmcl_packet",
	.init = core_init,
	.exit = core_exit,
	.test_cases = packet_cases,
};

kunit_test_suite(packet_suite);
