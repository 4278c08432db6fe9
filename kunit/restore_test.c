// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring a channel: all that was saved is there again, in order and with its
 * ids; in which states, in which pieces; and what is left of one that failed.
 */
#include "save_kit.h"

/* Saved frozen, and its channel gone without a commit */
static struct kit_stream restore_saved(struct kunit *test, bool server, guid_t *instance)
{
	struct kit *k = kit_populated(test, server);
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	guid_copy(instance, &k->instance);
	kit_end(k);
	return s;
}

static void restore_expect_counts(struct kit *k)
{
	struct vmb_channel *ch = k->c->ch;

	KUNIT_EXPECT_EQ(k->test, ch->nr_taken, KIT_TAKEN);
	KUNIT_EXPECT_EQ(k->test, ch->nr_held, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(k->test, ch->nr_completions, KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(k->test, ch->nr_sent, KIT_SENT);
	KUNIT_EXPECT_EQ(k->test, ch->nr_queued, KIT_QUEUED);
	KUNIT_EXPECT_EQ(k->test, ch->nr_slots, KIT_TAKEN + KIT_RECEIVED + KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(k->test, k->nr_bad, 0);
}

static void restore_expect_nothing(struct kit *k)
{
	struct vmb_channel *ch = k->c->ch;

	KUNIT_EXPECT_EQ(k->test, ch->nr_taken, 0);
	KUNIT_EXPECT_EQ(k->test, ch->nr_held, 0);
	KUNIT_EXPECT_EQ(k->test, ch->nr_completions, 0);
	KUNIT_EXPECT_EQ(k->test, ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(k->test, ch->nr_queued, 0);
	KUNIT_EXPECT_EQ(k->test, ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(k->test, ch->late, 0);
	KUNIT_EXPECT_EQ(k->test, ch->quota, VMB_DEFAULT_QUOTA);
	KUNIT_EXPECT_EQ(k->test, atomic_read(&ch->nr_packets), 0);
	KUNIT_EXPECT_NULL(k->test, ch->restore);
}

static void restore_complete_held(struct kit *k)
{
	u32 i;

	for (i = 0; i < k->nr_received; i++)
		KUNIT_EXPECT_EQ(k->test, vmb_channel_packet_complete(k->received[i], "x", 1), 0);
	k->nr_received = 0;
	k->nr_packets = 0;
	k->nr_restore = 0;
}

/* On a link that was kept, all of it ends as if nothing had been. */
static void restore_goes_on(struct kit *k)
{
	struct core_chan *c = k->c;
	struct kunit *test = k->test;
	u32 i;

	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_KEPT);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 102);
	for (i = KIT_SENT; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, k->ids[i]);
	for (i = 0; i < KIT_PACKETS - 1; i++)
		core_peer_answer(c, k->ids[i], "fine", 5);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, 0);
	core_wait(c, CORE_PACKET, KIT_TAKEN);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 0)->data, "external");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->flags,
			VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 1)->data, "behind");
	vmb_channel_packet_complete(k->received[1], "r1", 3);
	vmb_channel_packet_complete(k->received[0], "r0", 3);
	vmb_channel_packet_complete(core_received(c, 0), "t0", 3);
	vmb_channel_packet_complete(core_received(c, 1), "t1", 3);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 101);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 100);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 103);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 104);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent + c->ch->nr_queued, 0);
	KUNIT_EXPECT_EQ(test, c->ch->stats.stale, 0);
}

static void restore_ids(struct kit *k, const struct kit_stream *s)
{
	const struct kmcl_save_packet *rec;
	u32 i;

	for (i = 0; i < KIT_PACKETS; i++) {
		rec = (void *)(kit_chunk(s, KIT_CHUNKS - 1 - KIT_PACKETS + i) + 1);
		k->ids[i] = le64_to_cpu(rec->id);
		KUNIT_EXPECT_EQ(k->test, k->packets[i]->id, k->ids[i]);
	}
}

static void d21_check(struct kunit *test, bool server)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, server, &instance);
	struct kit *k = kit_make(test, server, &instance);

	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	KUNIT_EXPECT_STREQ(test, k->order, "srrppppp");
	restore_expect_counts(k);
	restore_ids(k, &s);
	/* All of it before enable; no state callback yet */
	core_expect_life(k->c, "");
	core_enable(k->c);
	core_wait(k->c, CORE_OPENED, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
	if (server) {
		/* A server comes up paused: nothing moves before its start. */
		core_settle(k->c);
		core_expect_life(k->c, "O");
		KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_PACKET), 0);
		vmb_channel_start(k->c->ch);
	}
	core_wait_life(k->c, "ORP");
	restore_goes_on(k);
}

static void d21_restore_server(struct kunit *test)
{
	d21_check(test, true);
}

static void d21_restore_client(struct kunit *test)
{
	d21_check(test, false);
}

/*
 * A newer consumer has larger limits: what was lent is found again, handed over
 * once more, and gives way to something larger once its transaction is over.
 */
static void restore_larger_external(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	guid_t instance = k->instance;
	struct kit_stream s;
	u32 round;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(k->c->ch, 1000, 2), 0);
	core_run(k->c);
	kit_populate(k);
	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	for (round = 0; round < 2; round++) {
		kit_end(k);
		k = kit_make(test, true, &instance);
		KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(k->c->ch, 4096, 2),
				0);
		KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
		restore_expect_counts(k);
		restore_ids(k, &s);
		if (round)
			break;
		s = kit_save(k, 4096);
		KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	}
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	core_peer_answer(k->c, k->ids[1], "fine", 5);
	core_wait(k->c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, k->packets[1]->state, KMCL_PACKET_IDLE);
	k->mdl.length = 4000;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(k->packets[1], "more", 5, &k->mdl,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	restore_complete_held(k);
}

/* New sends get ids that nobody in flight has. */
static void d16_new_ids_after_restore(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	struct vmb_packet *pkt;
	u32 i, j;

	/* Ones that sit in the slots of those in the stream */
	for (i = 0; i < KIT_PACKETS; i++)
		core_packet(k->c);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	restore_ids(k, &s);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	for (i = 0; i < KIT_PACKETS; i++) {
		pkt = k->c->packets[i];
		KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "new", 4, NULL,
						      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
		for (j = 0; j < KIT_PACKETS; j++)
			KUNIT_EXPECT_NE(test, pkt->id, k->ids[j]);
		KUNIT_EXPECT_GT(test, pkt->id >> 20, k->ids[KIT_PACKETS - 1] >> 20);
	}
}

/* Whole chunks of any number; what is a part of one is refused. */
static void restore_by_chunks(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	u32 i, n, size;

	k->free_done = true;
	for (n = 1; n <= KIT_CHUNKS; n++) {
		for (i = 0; i < KIT_CHUNKS; i += n) {
			u8 *at = (void *)kit_chunk(&s, i);
			u8 *end = (void *)kit_chunk(&s, i + n) ?: s.data + s.len;

			size = end - at;
			KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, at, size),
					i + n < KIT_CHUNKS ? -EAGAIN : 0);
			if (i + n >= KIT_CHUNKS)
				break;
			/* Configuration and state are locked meanwhile. */
			KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), -EBUSY);
			KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), -EBUSY);
			KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(k->c->ch, 0), -EBUSY);
		}
		restore_expect_counts(k);
		restore_ids(k, &s);
		KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
		if (n == KIT_CHUNKS)
			break;
		/* Undone, and once more */
		KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
		restore_complete_held(k);
		restore_expect_nothing(k);
	}
	k->free_done = false;
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
}

static void restore_states(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);

	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, NULL, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data, 0), -EINVAL);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
	vmb_channel_save_end(k->c->ch);
	core_run(k->c);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), 0);
}

/* Enabled first, as Windows sources do: a server that was not started since */
static void restore_enabled_server(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	u32 half = (u8 *)kit_chunk(&s, KIT_CHUNKS - 2) - s.data, i;

	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data, half), -EAGAIN);
	/* The peer's open waits for it, and finds it done. */
	fake_open(k->c->link);
	core_settle(k->c);
	core_expect_life(k->c, "");
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data + half,
							      s.len - half), 0);
	core_wait_life(k->c, "O");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_RESET);
	core_wait(k->c, CORE_DONE, KIT_SENT);
	for (i = 0; i < KIT_SENT; i++)
		KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, i)->status, -ECANCELED);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	/* Only the queued ones come; what was received is stale. */
	core_take(k->c);
	core_take(k->c);
	KUNIT_EXPECT_EQ(test, k->c->link->nr_out, 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.stale, KIT_TAKEN + KIT_COMPLETIONS);
	vmb_channel_packet_complete(k->received[0], "x", 1);
	vmb_channel_packet_complete(k->received[1], "x", 1);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.stale, KIT_TAKEN + KIT_COMPLETIONS + KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, k->c->link->nr_out, 0);

	/* Started, or a client: too late */
	kit_end(k);
	k = kit_make(test, true, &instance);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
	kit_end(k);
	k = kit_make(test, false, &instance);
	vmb_channel_pause(k->c->ch);
	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EBUSY);
}

/* Disabled while a restore of it is not finished: it is abandoned. */
static void restore_enabled_then_disabled(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	u32 half = (u8 *)kit_chunk(&s, KIT_CHUNKS - 2) - s.data;

	k->free_done = true;
	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data, half), -EAGAIN);
	vmb_channel_packet_complete(k->received[0], "x", 1);
	vmb_channel_packet_complete(k->received[1], "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	core_wait(k->c, CORE_DONE, KIT_PACKETS - 1);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, 0)->status, -ECANCELED);
	restore_expect_nothing(k);
	core_run(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_NEW);
}

/* A callback fails, each in turn, before and after it took its packet. */
static void d20_failed_callback(struct kunit *test)
{
	static const int results[][2] = {
		{ -EIO, -EIO }, { -ENOMEM, -ENOMEM }, { -EAGAIN, -EIO }, { 1, -EIO },
	};
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	u32 i, late, r, done = 0;

	k->free_done = true;
	for (i = 0; i < 1 + KIT_RECEIVED + KIT_PACKETS; i++) {
		for (late = 0; late < 2; late++) {
			r = (i + late) % ARRAY_SIZE(results);
			k->fail_at = i;
			k->fail = results[r][0];
			k->fail_late = late;
			KUNIT_EXPECT_EQ(test, kit_restore(k, &s), results[r][1]);
			KUNIT_EXPECT_EQ(test, k->nr_restore, i + 1);
			done += k->nr_packets;
			KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), done);
			/* A packet that its callback refused is not the consumer's. */
			if (i && i <= KIT_RECEIVED && late)
				k->nr_received--;
			restore_complete_held(k);
			restore_expect_nothing(k);
		}
	}
	for (i = 0; i < done; i++)
		KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, i)->status, -ECANCELED);
	k->free_done = false;
	/* As if new: reconfigured, restored, and running */
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(k->c->ch, "anew"), 0);
	k->fail_at = U32_MAX;
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	restore_expect_counts(k);
	restore_ids(k, &s);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
}

/* Given up half-way, or before it was enabled: disable undoes it, and so does cleanup. */
static void d20_abandoned(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);
	u32 n, done = 0;
	void *warn;
	u8 *end;

	k->free_done = true;
	for (n = 1; n <= KIT_CHUNKS; n++) {
		end = (void *)kit_chunk(&s, n) ?: s.data + s.len;
		KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data,
								      end - s.data),
				n < KIT_CHUNKS ? -EAGAIN : 0);
		done += k->nr_packets;
		if (n % 3 == 2 && k->nr_received) {
			/* The consumer holds some: it has to let go first. */
			warn = core_warn_begin(test);
			KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(k->c->ch), -EBUSY);
			KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
		} else {
			KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
		}
		KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), done);
		restore_complete_held(k);
		restore_expect_nothing(k);
	}
	/* And straight to the end, where the consumer holds none */
	end = (void *)kit_chunk(&s, 4);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data, end - s.data),
			-EAGAIN);
}

/* Held packets of a failed restore end in their own time, without a trace. */
static void d20_held_outlives(struct kunit *test)
{
	guid_t instance;
	struct kit_stream s = restore_saved(test, true, &instance);
	struct kit *k = kit_make(test, true, &instance);

	k->free_done = true;
	k->fail_at = 3;
	k->fail = -EIO;
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EIO);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(k->c->ch, 0), -EBUSY);
	core_run(k->c);
	vmb_channel_packet_complete(k->received[0], "x", 1);
	vmb_channel_packet_complete(k->received[1], "x", 1);
	core_peer_request(k->c, 7, "q", 1);
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 7);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_slots, 0);
}

static void restore_defers(struct kit *k, struct vmb_packet_completion *pkt)
{
	void *warn = core_warn_begin(k->test);

	KUNIT_EXPECT_EQ(k->test, vmb_channel_packet_defer_to_passive(pkt), -EINVAL);
	KUNIT_EXPECT_EQ(k->test, core_warn_end(k->test, warn), 1);
}

/* What is given back is not being processed: a deferral is refused, and no more. */
static void restore_deferral(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL), *next;
	struct kit_stream s;

	core_run(k->c);
	core_peer_request(k->c, 1, "held", 4);
	core_wait(k->c, CORE_PACKET, 1);
	next = kit_successor(k, &s, 65536);
	next->on_restore_received = restore_defers;
	KUNIT_ASSERT_EQ(test, kit_restore(next, &s), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(next->received[0], "x", 1), 0);
	KUNIT_EXPECT_EQ(test, next->c->ch->nr_held, 0);
}

/* A head that means nothing in an in-band packet does not travel. */
static void restore_odd_inband(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL), *next;
	struct kit_stream s;

	core_run(k->c);
	KUNIT_ASSERT_EQ(test, fake_put(k->c->link, KMCL_PACKET_INBAND,
				       KMCL_PACKET_WANTS_COMPLETION, 1, "a header", 8, "held", 4),
			0);
	core_wait(k->c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_PACKET, 0)->length, 8);
	next = kit_successor(k, &s, 65536);
	KUNIT_EXPECT_EQ(test, kit_restore(next, &s), 0);
	KUNIT_EXPECT_EQ(test, next->nr_received, 1);
}

static struct kunit_case restore_cases[] = {
	KUNIT_CASE(d21_restore_server),
	KUNIT_CASE(d21_restore_client),
	KUNIT_CASE(restore_larger_external),
	KUNIT_CASE(d16_new_ids_after_restore),
	KUNIT_CASE(restore_by_chunks),
	KUNIT_CASE(restore_states),
	KUNIT_CASE(restore_deferral),
	KUNIT_CASE(restore_odd_inband),
	KUNIT_CASE(restore_enabled_server),
	KUNIT_CASE(restore_enabled_then_disabled),
	KUNIT_CASE(d20_failed_callback),
	KUNIT_CASE(d20_abandoned),
	KUNIT_CASE(d20_held_outlives),
	{}
};

static struct kunit_suite restore_suite = {
	.name = "kmcl_restore",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = restore_cases,
};

kunit_test_suite(restore_suite);
