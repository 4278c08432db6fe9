// SPDX-License-Identifier: GPL-2.0
/*
 * Handing over again: what the last handover left, and nobody claimed, is part of
 * the next set; what had no memory to come back does so later.
 */
#include "save_kit.h"

/* Handed over, and the consumer gone; its state waits in the store. */
static void again_leave(struct kit *k)
{
	k->c->env->fb->orphan = k->c->packets[1]->ext_token;
	kit_hand_over(k->test);
	kit_session_close(k->test);
	kit_end(k);
}

/* Its successor, once it has all of it back */
static struct kit *again_adopt(struct kunit *test, const guid_t *instance)
{
	struct kit *next = kit_make(test, true, instance);

	core_enable(next->c);
	vmb_channel_start(next->c->ch);
	core_wait_life(next->c, "ORP");
	return next;
}

static void again_expect_adopted(struct kit *k)
{
	KUNIT_EXPECT_EQ(k->test, k->nr_bad, 0);
	KUNIT_EXPECT_STREQ(k->test, k->order, "srrppppp");
	KUNIT_EXPECT_EQ(k->test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
	KUNIT_EXPECT_EQ(k->test, k->c->ch->nr_sent, KIT_SENT);
}

/* The same, chunk by chunk, but each is of its own save. */
static void again_expect_same(struct kunit *test, struct kit_stream *first,
			      struct kit_stream *second)
{
	struct kmcl_chunk *was, *is;
	u32 n;

	KUNIT_ASSERT_EQ(test, first->len, second->len);
	for (n = 0; (was = kit_chunk(first, n)) && (is = kit_chunk(second, n)); n++) {
		KUNIT_EXPECT_EQ(test, le32_to_cpu(is->type), le32_to_cpu(was->type));
		KUNIT_EXPECT_NE(test, le64_to_cpu(is->save_id), le64_to_cpu(was->save_id));
		KUNIT_EXPECT_MEMEQ(test, is + 1, was + 1, le32_to_cpu(was->length));
	}
}

/* The next set has the streams of the first, as its own. */
static void again_unclaimed_is_carried(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct kmcl_session *s;
	struct kit_stream first, second;

	k->c->env->fb->orphan = k->c->packets[1]->ext_token;
	first = kit_hand_over(test);
	kit_session_close(test);
	kit_end(k);

	s = kit_freeze(test);
	second = kit_read_set(test);
	KUNIT_EXPECT_EQ(test, s->info.sent, KIT_SENT);
	KUNIT_EXPECT_EQ(test, s->info.queued, KIT_QUEUED);
	KUNIT_EXPECT_EQ(test, s->info.received, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, s->info.taken, KIT_TAKEN);
	KUNIT_EXPECT_EQ(test, s->info.completions, KIT_COMPLETIONS);
	again_expect_same(test, &first, &second);
	KUNIT_ASSERT_EQ(test, kmcl_session_commit(s), 0);
	kit_session_close(test);

	/* As in the kernel after the next */
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
	KUNIT_ASSERT_EQ(test, kit_take_in(test, &second, 4096), 0);
	again_expect_adopted(again_adopt(test, &instance));
}

/* A stream that is kept in more pieces than one */
static void again_unclaimed_is_large(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kit_stream first, second;

	k->state_need = 100000;
	core_run(k->c);
	first = kit_hand_over(test);
	kit_session_close(test);
	kit_end(k);
	/* Taken in chunk by chunk, as by the next kernel */
	KUNIT_ASSERT_EQ(test, kmcl_store_drop(), 1);
	KUNIT_ASSERT_EQ(test, kit_take_in(test, &first, 4096), 0);
	kit_freeze(test);
	second = kit_read_set(test);
	again_expect_same(test, &first, &second);
}

/* One that runs and one that nobody claimed are in one set. */
static void again_beside_a_running_one(struct kunit *test)
{
	struct kit *first = kit_populated(test, true), *second;
	guid_t one = first->instance, two;
	struct kit_stream set;

	again_leave(first);
	second = kit_make(test, true, NULL);
	two = second->instance;
	core_run(second->c);
	set = kit_hand_over(test);
	kit_session_close(test);
	kit_end(second);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 2);
	KUNIT_ASSERT_EQ(test, kit_take_in(test, &set, 4096), 0);
	again_expect_adopted(again_adopt(test, &one));
	again_adopt(test, &two);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* What was committed and not left, as where the kexec failed, is no obstacle. */
static void again_after_a_failed_kexec(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct kit_stream set;

	k->c->env->fb->orphan = k->c->packets[1]->ext_token;
	kit_hand_over(test);
	kit_session_close(test);
	KUNIT_ASSERT_EQ(test, k->c->ch->state, KMCL_PARKED);
	set = kit_hand_over(test);
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
	/* Parked, and without its state: there is nothing of it to freeze. */
	KUNIT_EXPECT_EQ(test, kit_freeze(test)->info.channels, 0);
	kit_session_close(test);
	kit_end(k);
	KUNIT_ASSERT_EQ(test, kit_take_in(test, &set, 4096), 0);
	again_expect_adopted(again_adopt(test, &instance));
}

/* A consumer that has come and waits has nothing beside what the store has. */
static void again_while_one_waits(struct kunit *test)
{
	struct kit *k = kit_populated(test, true), *next;
	guid_t instance = k->instance;
	struct kit_stream set;

	again_leave(k);
	kmcl_store_set_awaiting();
	next = kit_make(test, true, &instance);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(next->c->ch), 0);
	vmb_channel_start(next->c->ch);
	set = kit_hand_over(test);
	KUNIT_EXPECT_EQ(test, kit_chunks(&set), 2 + KIT_CHUNKS + 4);
	kit_session_close(test);
	kmcl_store_release_waiters();
	core_wait_life(next->c, "ORP");
	again_expect_adopted(next);
}

/* Of two buses, the set of one has no state of the other's. */
static void again_of_that_bus_alone(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct core_env *env = test->priv;
	struct vmb_bus *mine = env->bus;
	struct fake_bus *other;
	struct kit_stream set;

	again_leave(k);
	other = fake_bus_create(test, "other", FAKE_CAPS_ALL);
	env->bus = other->bus;
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	env->bus = mine;
	fake_bus_destroy(other);
	KUNIT_EXPECT_EQ(test, kit_chunks(&set), 2 + 4);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
	env->fb->ops.ext_release(mine, env->fb->orphan);
}

/* A failed allocation is no reason to lose what was in flight. */
static void again_without_memory(struct kunit *test)
{
	struct kit *k = kit_populated(test, true), *next;
	guid_t instance = k->instance;

	again_leave(k);
	next = kit_make(test, true, &instance);
	next->fail = -ENOMEM;
	next->fail_at = 4;
	core_enable(next->c);
	vmb_channel_start(next->c->ch);
	core_wait_life(next->c, "ORP");
	/* The second packet was given back twice, the others once. */
	KUNIT_EXPECT_STREQ(test, next->order, "srrpppppp");
	KUNIT_EXPECT_EQ(test, next->nr_bad, 0);
	KUNIT_EXPECT_EQ(test, next->nr_packets, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, next->nr_received, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, next->c->ch->nr_sent, KIT_SENT);
	KUNIT_EXPECT_EQ(test, core_count(next->c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(next->c->ch), VMB_LINK_KEPT);
}

/* The first packet comes back, and none behind it. */
static void again_no_more_memory(struct kit *k, struct vmb_packet *pkt, const void *lib, u32 size)
{
	k->c->env->fb->ext_error = -ENOMEM;
	complete_all(&k->c->gate);
}

/* Disabled while it waits for memory: the state is there for the next one. */
static void again_disabled_meanwhile(struct kunit *test)
{
	struct kit *k = kit_populated(test, true), *next;
	guid_t instance = k->instance;
	struct core_kthread *enable, *disable;
	u32 i;

	again_leave(k);
	next = kit_make(test, true, &instance);
	next->on_restore_packet = again_no_more_memory;
	enable = core_thread_start(test, core_do_enable, next->c);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&next->c->gate, CORE_TIMEOUT));
	disable = core_thread_start(test, core_do_disable, next->c);
	/* It waits for what the consumer has. */
	for (i = 0; i < KIT_RECEIVED; i++)
		vmb_channel_packet_complete(next->received[i], NULL, 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, disable), 0);
	core_thread_join(test, enable);
	KUNIT_ASSERT_EQ(test, core_count(next->c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(next->c, CORE_DONE, 0)->status, -ENODEV);
	next->c->env->fb->ext_error = 0;
	kit_end(next);
	again_expect_adopted(again_adopt(test, &instance));
}

/*
 * A packet was cancelled, and its completion comes two kernels later: what it had
 * lent is with the peer until then, and not for longer.
 */
static void again_lent_by_a_cancelled_one(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct fake_bus *fb = k->c->env->fb;
	guid_t instance = k->instance;
	u64 late = k->ids[1], token = k->c->packets[1]->ext_token;
	u32 round;

	KUNIT_ASSERT_EQ(test, vmb_packet_cancel(k->c->packets[1]), 0);
	core_wait(k->c, CORE_DONE, 1);
	for (round = 0; round < 2; round++) {
		fb->orphan = token;
		kit_hand_over(test);
		kit_session_close(test);
		kit_end(k);
		/* The reservations of packets have gone with them. */
		KUNIT_EXPECT_EQ(test, fb->nr_reserved, 1);
		k = again_adopt(test, &instance);
		KUNIT_EXPECT_EQ(test, k->nr_packets, KIT_PACKETS - 1);
		KUNIT_EXPECT_EQ(test, k->nr_bad, 0);
		KUNIT_EXPECT_EQ(test, fb->nr_reserved, KIT_PACKETS);
	}
	core_peer_answer(k->c, late, NULL, 0);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.late, 1);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, KIT_PACKETS - 1);
}

static struct kunit_case again_cases[] = {
	KUNIT_CASE(again_unclaimed_is_carried),
	KUNIT_CASE(again_unclaimed_is_large),
	KUNIT_CASE(again_beside_a_running_one),
	KUNIT_CASE(again_after_a_failed_kexec),
	KUNIT_CASE(again_while_one_waits),
	KUNIT_CASE(again_of_that_bus_alone),
	KUNIT_CASE(again_without_memory),
	KUNIT_CASE(again_disabled_meanwhile),
	KUNIT_CASE(again_lent_by_a_cancelled_one),
	{}
};

static struct kunit_suite again_suite = {
	.name = "kmcl_handover_again",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = again_cases,
};

kunit_test_suite(again_suite);
