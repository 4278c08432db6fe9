// SPDX-License-Identifier: GPL-2.0
/*
 * A save that is undone leaves no trace; and what happens to a channel while it
 * is being saved: held packets complete, the peer closes.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>

#include "save_kit.h"

static u32 undo_count_taken(struct kit_stream *s, u32 type)
{
	struct kmcl_chunk *chunk;
	u32 i, n = 0;

	for (i = 0; (chunk = kit_chunk(s, i)); i++)
		n += le32_to_cpu(chunk->type) == type;
	return n;
}

/* All that was populated ends well: the peer answers, and gets its answers. */
static void undo_all_goes_on(struct kit *k)
{
	struct core_chan *c = k->c;
	struct fake_packet *p;
	u32 i;

	c->link->bus->gpa_wait = false;
	for (i = 0; i < KIT_SENT; i++)
		KUNIT_EXPECT_EQ(k->test, core_take(c)->id, k->ids[i]);
	fake_set_room(c->link, U32_MAX);
	kmcl_channel_external_ready(c->ch);
	/* Completions first, then what was queued */
	p = core_take(c);
	KUNIT_EXPECT_EQ(k->test, p->type, KMCL_PACKET_COMPLETION);
	KUNIT_EXPECT_EQ(k->test, p->id, 102);
	KUNIT_EXPECT_STREQ(k->test, (char *)p->data, "answer");
	for (i = 0; i < KIT_QUEUED; i++)
		KUNIT_EXPECT_EQ(k->test, core_take(c)->id, k->ids[KIT_SENT + i]);
	for (i = 0; i < KIT_PACKETS - 1; i++)
		core_peer_answer(c, k->ids[i], "fine", 5);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(k->test, core_event(c, CORE_DONE, i)->status, 0);
	/* Taken: 103 a second time, with its data; then 104 */
	core_wait(c, CORE_PACKET, 6);
	KUNIT_EXPECT_STREQ(k->test, (char *)core_event(c, CORE_PACKET, 4)->data, "external");
	KUNIT_EXPECT_STREQ(k->test, (char *)core_event(c, CORE_PACKET, 5)->data, "behind");
	for (i = 0; i < 2; i++)
		vmb_channel_packet_complete(core_received(c, i), "ok", 3);
	for (i = 4; i < 6; i++)
		vmb_channel_packet_complete(core_received(c, i), "ok", 3);
	KUNIT_EXPECT_EQ(k->test, core_take(c)->id, 100);
	KUNIT_EXPECT_EQ(k->test, core_take(c)->id, 101);
	KUNIT_EXPECT_EQ(k->test, core_take(c)->id, 103);
	KUNIT_EXPECT_EQ(k->test, core_take(c)->id, 104);
	KUNIT_EXPECT_EQ(k->test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_sent + c->ch->nr_queued, 0);
}

/* Given up after each number of chunks, the whole stream included */
static void undo_check(struct kunit *test, bool server)
{
	struct kit *k = kit_populated(test, server);
	struct kit_stream s = kit_stream_new(test);
	u32 filled, required, chunks, i;

	for (chunks = 0; chunks <= KIT_CHUNKS; chunks++) {
		kit_freeze(test);
		KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
		for (i = 0; i < chunks; i++) {
			vmb_channel_save_continue(k->c->ch, NULL, 0, &filled, &required);
			vmb_channel_save_continue(k->c->ch, s.data, required, &filled,
						  &required);
		}
		vmb_channel_save_end(k->c->ch);
		kit_session_close(test);
		core_wait(k->c, CORE_POST_STARTED_END, 2 + chunks);
	}
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_SUSPEND), 1 + KIT_CHUNKS);
	undo_all_goes_on(k);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_OPENED), 1);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_CLOSED), 0);
}

static void save_abort_leaves_no_trace(struct kunit *test)
{
	undo_check(test, true);
}

static void save_abort_client(struct kunit *test)
{
	undo_check(test, false);
}

static void save_abort_without_freeze(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt;
	struct kit_stream s;

	core_run(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "abc", 3, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	s = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_PACKET), 1);
	vmb_channel_start(k->c->ch);
	core_peer_answer(k->c, pkt->id, NULL, 0);
	core_wait(k->c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, 0)->status, 0);
}

/* Frozen, before the save begins: it is saved as a completion. */
static void complete_before_saved(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s;
	u32 i;

	fake_set_room(k->c->link, U32_MAX);
	for (i = 0; i < KIT_PACKETS + KIT_COMPLETIONS; i++)
		core_take(k->c);
	kit_freeze(test);
	vmb_channel_packet_complete(core_received(k->c, 0), "late", 5);
	s = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_RECEIVED), KIT_RECEIVED - 1);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION), 1);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, 1);
	/* Also of a channel that stays paused: it goes out with the thaw. */
	vmb_channel_pause(k->c->ch);
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 100);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, 0);
}

/* Saved already: held back until the save is undone, then sent once. */
static void complete_after_saved(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s = kit_stream_new(test);
	struct vmb_channel *ch = k->c->ch;
	u32 filled, required;
	void *warn;

	kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_continue(ch, s.data, 65536, &filled, &required), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(k->c, 0), "late", 5), 0);
	KUNIT_EXPECT_EQ(test, ch->nr_held, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, ch->nr_completions, KIT_COMPLETIONS);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(k->c, 0), "twice", 6),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	vmb_channel_save_end(ch);
	KUNIT_EXPECT_EQ(test, ch->nr_held, KIT_RECEIVED - 1);
	KUNIT_EXPECT_EQ(test, ch->nr_completions, KIT_COMPLETIONS + 1);
	fake_set_room(k->c->link, U32_MAX);
	kit_session_close(test);
	core_wait(k->c, CORE_POST_STARTED_END, 2);
	while (core_take(k->c)->id != 102)
		;
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, 100);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, k->ids[KIT_SENT]);
	KUNIT_EXPECT_EQ(test, ch->stats.refused, 0);
}

static void complete_in_first(struct kit *k, struct vmb_packet_completion *pkt, bool second)
{
	if (!second)
		vmb_channel_packet_complete(pkt, "while", 6);
}

static void complete_in_second(struct kit *k, struct vmb_packet_completion *pkt, bool second)
{
	if (second)
		vmb_channel_packet_complete(pkt, "while", 6);
}

/* In the first of its two calls: a completion is saved; in the second: held back. */
static void complete_while_saved(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s;

	kit_freeze(test);
	k->on_save_received = complete_in_second;
	s = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_RECEIVED), KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION), KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_held, 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, KIT_COMPLETIONS + KIT_RECEIVED);
	kit_session_close(test);
	kit_end(k);

	k = kit_populated(test, true);
	kit_freeze(test);
	k->on_save_received = complete_in_first;
	s = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_RECEIVED), 0);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION),
			KIT_COMPLETIONS + KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, KIT_COMPLETIONS + KIT_RECEIVED);
}

/* Asked for, no room for it, completed, and then there is room. */
static void complete_between_calls(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s = kit_stream_new(test);
	struct vmb_channel *ch = k->c->ch;
	u32 filled, required;
	int ret;

	kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	do {
		vmb_channel_save_continue(ch, NULL, 0, &filled, &required);
		/* Packet 100 was asked, and 101 was not. */
		if (k->nr_calls == 3)
			break;
		ret = vmb_channel_save_continue(ch, s.data + s.len, required, &filled, &required);
		s.len += filled;
	} while (ret == -EOVERFLOW);
	KUNIT_ASSERT_EQ(test, k->nr_calls, 3);
	vmb_channel_packet_complete(core_received(k->c, 0), "late", 5);
	vmb_channel_packet_complete(core_received(k->c, 1), "late", 5);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_continue(ch, s.data + s.len, 65536, &filled,
							&required), 0);
	s.len += filled;
	vmb_channel_save_end(ch);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_RECEIVED), 0);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION),
			KIT_COMPLETIONS + KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, k->nr_calls, 3 + 2 * KIT_PACKETS);
}

#define UNDO_ROUNDS	40
#define UNDO_HELD	8

struct undo_racer {
	struct vmb_packet_completion *held[UNDO_HELD];
	struct completion go;
};

static int undo_race(void *arg)
{
	struct undo_racer *r = arg;
	u32 i;

	wait_for_completion(&r->go);
	for (i = 0; i < UNDO_HELD; i++)
		vmb_channel_packet_complete(r->held[i], "race", 5);
	return 0;
}

/* At any moment of a save, by another thread: each ends once, as one or the other. */
static void complete_races_save(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct core_kthread *t;
	struct undo_racer r;
	struct kit_stream s;
	u32 i, j, received;

	core_run(k->c);
	for (i = 0; i < UNDO_ROUNDS; i++) {
		for (j = 0; j < UNDO_HELD; j++)
			core_peer_request(k->c, j, "r", 1);
		for (j = 0; j < UNDO_HELD; j++)
			r.held[j] = core_received(k->c, i * UNDO_HELD + j);
		init_completion(&r.go);
		t = core_thread_start(test, undo_race, &r);
		kit_freeze(test);
		complete(&r.go);
		s = kit_save(k, 256 + 8 * i);
		KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
		received = undo_count_taken(&s, KMCL_CHUNK_RECEIVED);
		KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION),
				UNDO_HELD - received);
		KUNIT_EXPECT_EQ(test, k->c->ch->nr_held, 0);
		KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, UNDO_HELD);
		kit_session_close(test);
		for (j = 0; j < UNDO_HELD; j++)
			core_take(k->c);
		KUNIT_EXPECT_EQ(test, k->c->link->nr_out, 0);
		kunit_kfree(test, s.data);
	}
}

/* The disable waits for the thaw: until then the packet is somewhere in the stream. */
static void complete_while_disable_waits(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct core_kthread *t;
	struct kit_stream s;

	kit_freeze(test);
	t = core_thread_start(test, core_do_disable, k->c);
	core_until(k->c, !READ_ONCE(k->c->ch->want_enabled));
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(k->c, 0), "late", 5), 0);
	s = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_RECEIVED), KIT_RECEIVED - 1);
	KUNIT_EXPECT_EQ(test, undo_count_taken(&s, KMCL_CHUNK_COMPLETION), KIT_COMPLETIONS + 1);
	/* Undone: it goes where the link goes. */
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(k->c, 1), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(k->c, "ORPSC");
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_slots, 0);
}

static struct {
	struct core_chan *c;
	struct irq_work work;
	bool ending;			/* the disable let go of the lock */
	bool saving;			/* the save has begun, or was refused */
} undo_end;

/*
 * Holds up the disable where it lets go of the lock, until the save has begun, or
 * waits for what the disable ends.
 */
static void undo_interrupt(struct irq_work *work)
{
	wait_queue_head_t *wait = &undo_end.c->ch->life_wait;
	unsigned int i;

	WRITE_ONCE(undo_end.ending, true);
	for (i = 0; i < 2000 && !READ_ONCE(undo_end.saving) && !wq_has_sleeper(wait); i++)
		mdelay(1);
}

/* The disable has the lock: the interrupt comes once it lets go of it. */
static void undo_aborting(struct fake_bus *fb)
{
	undo_end.c->ch->gpadl_calls = 0;
	irq_work_queue(&undo_end.work);
	mdelay(3 * MSEC_PER_SEC / HZ);
}

/* Not on the processor of the save, which would wait for the interrupt. */
static int undo_disable(void *arg)
{
	set_cpus_allowed_ptr(current, cpumask_of(cpumask_last(cpu_online_mask)));
	return core_do_disable(arg);
}

#define UNDO_ENDS	5

/* It ends what was sent before a save, or after it: never under it. */
static void disable_races_save(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_channel *ch = k->c->ch;
	struct kit_stream s = kit_stream_new(test);
	struct core_kthread *t;
	u32 i, done, filled, required;
	struct vmb_packet *pkt;
	unsigned long end;
	int ret;

	set_cpus_allowed_ptr(current, cpumask_of(cpumask_first(cpu_online_mask)));
	undo_end.c = k->c;
	init_irq_work(&undo_end.work, undo_interrupt);
	k->c->env->fb->on_gpadl_abort = undo_aborting;
	pkt = core_packet(k->c);
	for (i = 0; i < UNDO_ENDS; i++) {
		core_enable(k->c);
		vmb_channel_start(ch);
		core_open(k->c);
		core_wait(k->c, CORE_POST_STARTED_END, i + 1);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
						      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
		KUNIT_ASSERT_EQ(test, vmb_channel_pause(ch), 0);
		core_settle(k->c);
		undo_end.ending = false;
		undo_end.saving = false;
		ch->gpadl_calls = 1;
		t = core_thread_start(test, undo_disable, k->c);
		/* Awake: a timer may be due on the processor that the interrupt holds up. */
		for (end = jiffies + CORE_TIMEOUT; !READ_ONCE(undo_end.ending); cond_resched())
			KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		ret = vmb_channel_save_begin(ch);
		done = core_count(k->c, CORE_DONE);
		WRITE_ONCE(undo_end.saving, true);
		if (!ret) {
			/* The disable has ended what it will, and waits or has come to its end. */
			core_until(k->c,
				   wq_has_sleeper(&ch->life_wait) || ch->state == KMCL_DISABLED);
			vmb_channel_save_continue(ch, s.data, 65536, &filled, &required);
			KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), done);
			vmb_channel_save_end(ch);
		}
		KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
		irq_work_sync(&undo_end.work);
		KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), i + 1);
	}
	k->c->env->fb->on_gpadl_abort = NULL;
}

/* One sent packet, restored into a channel that is not enabled yet */
static struct kit *undo_restored(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL), *next;
	struct kit_stream s;

	core_run(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(k->c), "abc", 3, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	next = kit_successor(k, &s, 65536);
	KUNIT_ASSERT_EQ(test, kit_restore(next, &s), 0);
	return next;
}

/* What was restored is undone by a disable, and not from under a save. */
static void disable_of_restored_waits(struct kunit *test)
{
	struct kit_stream s = kit_stream_new(test);
	struct kit *k = undo_restored(test);
	struct vmb_channel *ch = k->c->ch;
	struct core_kthread *t;
	u32 filled, required;

	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, s.data, 256, &filled, &required),
			-EOVERFLOW);
	t = core_thread_start(test, core_do_disable, k->c);
	core_until(k->c, wq_has_sleeper(&ch->life_wait));
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, s.data, 65536, &filled, &required), 0);
	vmb_channel_save_end(ch);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_wait(k->c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, 0)->status, -ECANCELED);
}

/* A link of an earlier life, which was reset, is not that of the state restored since. */
static void save_of_restored_again(struct kunit *test)
{
	struct kit *k = undo_restored(test);
	struct kmcl_save_channel *rec;
	struct kit_stream s;

	s = kit_save(k, 65536);
	k->c->env->fb->adopt = VMB_LINK_RESET;
	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	s = kit_save(k, 65536);
	rec = (void *)(kit_chunk(&s, 1) + 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->state), KMCL_SAVED_OPEN);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, kit_restore(k, &s), 0);
}

/* Noted; the save fails; the close happens after it. */
static void close_during_save(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kit_stream s = kit_stream_new(test);
	struct vmb_channel *ch = k->c->ch;
	struct vmb_packet *pkt, *other;
	u32 filled = 1, required = 1;

	core_run(k->c);
	pkt = core_packet(k->c);
	other = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "abc", 3, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, s.data, 100, &filled, &required),
			-EOVERFLOW);
	fake_close(k->c->link, VMB_STOP_PEER_CLOSED);
	core_settle(k->c);
	core_expect_life(k->c, "ORPS");
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(other, "x", 1, NULL, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, s.data, 4096, &filled, &required),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, filled, 0);
	vmb_channel_save_end(ch);
	core_wait_life(k->c, "ORPSC");
	core_wait(k->c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_DONE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(other, "x", 1, NULL, 0), -ENODEV);
	core_open(k->c);
}

/* The same of a frozen one, whose held packets are completed afterwards */
static void close_while_frozen(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s = kit_stream_new(test);
	u32 filled, required;

	kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
	fake_close(k->c->link, VMB_STOP_RESCINDED);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(k->c->ch, s.data, 65536, &filled,
							&required), -ENODEV);
	vmb_channel_save_end(k->c->ch);
	kit_session_close(test);
	core_settle(k->c);
	core_expect_life(k->c, "ORPS");
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	vmb_channel_packet_complete(core_received(k->c, 1), NULL, 0);
	core_wait_life(k->c, "ORPSC");
	core_wait(k->c, CORE_DONE, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(k->c->ch), VMB_STOP_RESCINDED);
}

/* Not open: its record, and what is queued */
static void save_not_open(struct kunit *test)
{
	struct kit *k = kit_make(test, false, NULL);
	const struct kmcl_save_packet *rec;
	const struct kmcl_save_channel *chan;
	struct vmb_packet *pkt;
	struct kit_stream s;

	core_enable(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "abc", 3, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	s = kit_save(k, 4096);
	KUNIT_ASSERT_EQ(test, kit_chunks(&s), 5);
	chan = (void *)(kit_chunk(&s, 1) + 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(chan->state), KMCL_SAVED_CLOSED);
	rec = (void *)(kit_chunk(&s, 3) + 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->state), KMCL_SAVED_QUEUED);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(rec->id), pkt->id);
	core_open(k->c);
	KUNIT_EXPECT_EQ(test, core_take(k->c)->id, pkt->id);
}

static struct kunit_case save_undo_cases[] = {
	KUNIT_CASE(save_abort_leaves_no_trace),
	KUNIT_CASE(save_abort_client),
	KUNIT_CASE(save_abort_without_freeze),
	KUNIT_CASE(complete_before_saved),
	KUNIT_CASE(complete_after_saved),
	KUNIT_CASE(complete_while_saved),
	KUNIT_CASE(complete_between_calls),
	KUNIT_CASE(complete_races_save),
	KUNIT_CASE(complete_while_disable_waits),
	KUNIT_CASE(disable_races_save),
	KUNIT_CASE(disable_of_restored_waits),
	KUNIT_CASE(save_of_restored_again),
	KUNIT_CASE(close_during_save),
	KUNIT_CASE(close_while_frozen),
	KUNIT_CASE(save_not_open),
	{}
};

static struct kunit_suite save_undo_suite = {
	.name = "kmcl_save_undo",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = save_undo_cases,
};

kunit_test_suite(save_undo_suite);
