// SPDX-License-Identifier: GPL-2.0
/*
 * After a restore: links that are kept and that are reset, an Opened that fails,
 * what the consumer does too early; and vmb_packet_restore() itself.
 */
#include "save_kit.h"

/* One whose state was saved, made again and restored, not enabled yet */
static struct kit *link_restored(struct kunit *test, bool server)
{
	struct kit *k = kit_populated(test, server);
	guid_t instance = k->instance;
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, server, &instance);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	return k;
}

/* Started, and opened by the peer */
static void link_run(struct core_chan *c)
{
	u32 n = core_count(c, CORE_POST_STARTED_END);

	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, n + 1);
}

static void link_expect_reset(struct kit *k)
{
	struct core_chan *c = k->c;
	u32 i;

	core_wait(c, CORE_DONE, KIT_SENT);
	for (i = 0; i < KIT_SENT; i++)
		KUNIT_EXPECT_EQ(k->test, core_event(c, CORE_DONE, i)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(k->test, vmb_channel_get_link_state(c->ch), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(k->test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_LINK_RESET);
	KUNIT_EXPECT_EQ(k->test, c->ch->stats.stale, KIT_TAKEN + KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_taken, 0);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_completions, 0);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_held, KIT_RECEIVED);
}

/* Received packets whose peer is gone: completed here, counted, not sent. */
static void link_expect_stale(struct kit *k)
{
	u32 i, out = k->c->link->nr_out;

	for (i = 0; i < KIT_RECEIVED; i++)
		KUNIT_EXPECT_EQ(k->test, vmb_channel_packet_complete(k->received[i], "x", 1), 0);
	/* A poll has some reserved for a moment. */
	core_until(k->c, !READ_ONCE(k->c->ch->nr_slots));
	KUNIT_EXPECT_EQ(k->test, k->c->link->nr_out, out);
	KUNIT_EXPECT_EQ(k->test, k->c->ch->stats.stale, KIT_TAKEN + KIT_COMPLETIONS + KIT_RECEIVED);
}

static void link_reset(struct kunit *test, bool server)
{
	struct kit *k = link_restored(test, server);
	struct core_chan *c = k->c;

	c->env->fb->adopt = VMB_LINK_RESET;
	core_enable(c);
	link_expect_reset(k);
	core_expect_life(c, "");
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait_life(c, "ORP");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, k->packets[KIT_SENT]->id);
	core_take(c);
	link_expect_stale(k);
	/* It can send again what was cancelled; the next link is a fresh one. */
	KUNIT_EXPECT_EQ(test, vmb_packet_send(k->packets[0], "again", 5, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, KIT_SENT + 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, KIT_SENT + 1)->status, 0);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	if (server) {
		core_settle(c);
		core_open(c);
		KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_NEW);
	}
}

static void link_reset_server(struct kunit *test)
{
	link_reset(test, true);
}

static void link_reset_client(struct kunit *test)
{
	link_reset(test, false);
}

/* The bus would keep it; the server asked for a new one. */
static void link_forced_new(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_flags
			(k->c->ch, VMB_SERVER_FLAG_FORCE_NEW_CHANNEL), 0);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	core_enable(k->c);
	KUNIT_EXPECT_FALSE(test, k->c->link->params.adopt);
	link_expect_reset(k);
	link_run(k->c);
	link_expect_stale(k);
}

/*
 * The packets are gone, and what one of them lent to the peer of the old link was
 * not free before the bus was told to end that (D6).
 */
static void link_expect_lent_until_reset(struct kit *k)
{
	KUNIT_EXPECT_EQ(k->test, k->c->env->fb->open_done_reserved, 1);
	KUNIT_EXPECT_EQ(k->test, k->c->env->fb->nr_reserved, 0);
}

/* A link that was kept, and then its Opened fails: reset. */
static void d21_opened_fails_on_kept(struct kunit *test)
{
	struct kit *k = link_restored(test, true);
	struct core_chan *c = k->c;
	u32 i;

	c->opened_ret = -EIO;
	k->free_done = true;
	core_enable(c);
	core_wait(c, CORE_OPENED, 1);
	core_settle(c);
	core_expect_life(c, "O");
	KUNIT_EXPECT_EQ(test, c->link->open_status, -EIO);
	link_expect_lent_until_reset(k);
	link_expect_reset(k);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	for (i = KIT_SENT; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
	c->opened_ret = 0;
	link_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_RESET);
	core_expect_life(c, "OORP");
	link_expect_stale(k);
}

static void d21_opened_fails_client(struct kunit *test)
{
	struct kit *k = link_restored(test, false);
	struct core_chan *c = k->c;

	c->opened_ret = -EIO;
	k->free_done = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	vmb_channel_packet_complete(k->received[0], NULL, 0);
	vmb_channel_packet_complete(k->received[1], NULL, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "O");
	link_expect_lent_until_reset(k);
}

/* The peer closes before Opened ran: the next opener knows nothing of what is held. */
static void kept_link_closed_before_opened(struct kunit *test)
{
	struct kit *k = link_restored(test, true);
	struct core_chan *c = k->c;
	struct kmcl_session *s;

	/* A freeze keeps Opened from running. */
	c->env->fb->adopt = VMB_LINK_KEPT;
	s = kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_NULL(test, fake_link_of(c->env->fb, c->ch));
	vmb_channel_save_begin(c->ch);
	kit_session_close(test);
	/* Attached only when the save is over, too */
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_link_of(c->env->fb, c->ch));
	kmcl_channel_event_close(c->ch, VMB_STOP_PEER_CLOSED);
	vmb_channel_save_end(c->ch);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	core_settle(c);
	core_expect_life(c, "");
	c->link = fake_link_of(c->env->fb, c->ch);
	KUNIT_ASSERT_NOT_NULL(test, c->link);
	link_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_RESET);
	vmb_channel_packet_complete(k->received[0], "x", 1);
	vmb_channel_packet_complete(k->received[1], "x", 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	KUNIT_EXPECT_EQ(test, c->ch->stats.stale, KIT_RECEIVED);
}

/* The bus refuses: enable fails, all ends, nothing keeps it from being Disabled. */
static void attach_fails_after_restore(struct kunit *test)
{
	struct kit *k = link_restored(test, true);
	struct core_chan *c = k->c;
	u32 i;

	c->env->fb->attach_error = -EIO;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EIO);
	c->env->fb->attach_error = 0;
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, c->ch->nr_held, KIT_RECEIVED);
	vmb_channel_packet_complete(k->received[0], "x", 1);
	core_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_NEW);
	vmb_channel_packet_complete(k->received[1], "x", 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
	core_until(c, !READ_ONCE(c->ch->nr_slots));
}

/* What is completed before the channel is enabled waits for its link. */
static void completed_early(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	k->complete_restored = true;
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, KIT_COMPLETIONS + KIT_RECEIVED);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 100);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 101);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 102);
}

/* Sent between enable and the restore: behind what is restored, with ids of its own */
static void sent_before_restore(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct vmb_packet *pkt[KIT_PACKETS], *during;
	struct kit_stream s;
	u32 i, half;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	core_enable(k->c);
	for (i = 0; i < KIT_PACKETS; i++) {
		pkt[i] = core_packet(k->c);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt[i], "fresh", 5, NULL, 0), 0);
	}
	half = (u8 *)kit_chunk(&s, KIT_CHUNKS - 3) - s.data;
	KUNIT_ASSERT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data, half), -EAGAIN);
	during = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(during, "fresh", 5, NULL, 0), 0);
	/* One of them is given up meanwhile. */
	KUNIT_ASSERT_EQ(test, vmb_packet_cancel(pkt[1]), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_restore_from_buffer(k->c->ch, s.data + half,
							      s.len - half), 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_queued, KIT_QUEUED + KIT_PACKETS);
	link_run(k->c);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, k->packets[KIT_SENT]->id);
	core_take(k->c);
	for (i = 0; i < KIT_PACKETS; i++)
		if (i != 1)
			KUNIT_EXPECT_EQ(test, core_take(k->c)->id, pkt[i]->id);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, during->id);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_queued, 0);
}

/* A restore that fails keeps what was sent meanwhile. */
static void sent_before_failed_restore(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct vmb_packet *pkt;
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	core_enable(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "fresh", 5, NULL, 0), 0);
	k->fail_at = KIT_RECEIVED + KIT_PACKETS;
	k->fail = -EIO;
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), -EIO);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), KIT_PACKETS - 1);
	link_run(k->c);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, pkt->id);
	core_wait(k->c, CORE_DONE, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, KIT_PACKETS - 1)->status, 0);
}

/* Restored, and saved again before it was ever opened: still the same link */
static void saved_again_before_opened(struct kunit *test)
{
	struct kit *k = link_restored(test, true);
	guid_t instance = k->instance;
	struct kit_stream s;

	s = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), KIT_CHUNKS);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	kit_end(k);
	k = kit_make(test, true, &instance);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	core_enable(k->c);
	KUNIT_EXPECT_TRUE(test, k->c->link->params.adopt);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 102);
}

/* Stale ones are not saved: nobody waits for them. */
static void stale_is_not_saved(struct kunit *test)
{
	struct kit *k = link_restored(test, true);
	struct kit_stream s;

	k->c->env->fb->adopt = VMB_LINK_RESET;
	core_enable(k->c);
	link_run(k->c);
	core_wait(k->c, CORE_DONE, KIT_SENT + 1);
	kit_freeze(test);
	s = kit_save(k, 4096);
	/* Header, channel, state, the queued one that waits for its answer, end */
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), 5);
	kit_session_close(test);
	link_expect_stale(k);
}

static void link_packet_restore_errors(struct kit *k, struct vmb_packet *pkt, const void *lib,
				       u32 size)
{
	struct kunit *test = k->test;
	struct vmb_packet *idle = NULL;
	u8 copy[512];

	KUNIT_ASSERT_LE(test, size, sizeof(copy));
	memcpy(copy, lib, size);
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, lib, size - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, lib, size + 1), -EINVAL);
	copy[0] ^= 1;
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, copy, size), -EINVAL);
	copy[0] ^= 1;
	vmb_packet_set_completion_routine(pkt, NULL);
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, lib, size), -EINVAL);
	vmb_packet_set_completion_routine(pkt, core_done);
	if (k->nr_packets)
		KUNIT_EXPECT_EQ(test, vmb_packet_restore(k->packets[0], lib, size), -EBUSY);
	if (((const struct kmcl_save_packet *)lib)->ext_len) {
		struct vmb_mdl small = k->mdl;

		small.length = 99;
		KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, &small), 0);
		KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, lib, size), -EINVAL);
		small.length = PAGE_SIZE + 1;
		KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, &small), -EINVAL);
		KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, NULL), 0);
	}
	/* Twice in one callback: the second packet has nothing to restore. */
	idle = vmb_packet_allocate(k->c->ch);
	KUNIT_EXPECT_NOT_NULL(test, idle);
	if (!idle)
		return;
	vmb_packet_free(idle);
}

static void packet_restore_errors(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct vmb_packet *pkt;
	struct kit_stream s;
	void *rec;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	k->on_restore_packet = link_packet_restore_errors;
	pkt = core_packet(k->c);
	rec = kit_chunk(&s, KIT_CHUNKS - 2) + 1;
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, rec, 80), -EINVAL);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_restore(pkt, rec, 80), -EINVAL);
	KUNIT_EXPECT_EQ(test, k->nr_packets, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
}

static struct kunit_case restore_link_cases[] = {
	KUNIT_CASE(link_reset_server),
	KUNIT_CASE(link_reset_client),
	KUNIT_CASE(link_forced_new),
	KUNIT_CASE(d21_opened_fails_on_kept),
	KUNIT_CASE(d21_opened_fails_client),
	KUNIT_CASE(kept_link_closed_before_opened),
	KUNIT_CASE(attach_fails_after_restore),
	KUNIT_CASE(completed_early),
	KUNIT_CASE(sent_before_restore),
	KUNIT_CASE(sent_before_failed_restore),
	KUNIT_CASE(saved_again_before_opened),
	KUNIT_CASE(stale_is_not_saved),
	KUNIT_CASE(packet_restore_errors),
	{}
};

static struct kunit_suite restore_link_suite = {
	.name = "kmcl_restore_link",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = restore_link_cases,
};

kunit_test_suite(restore_link_suite);
