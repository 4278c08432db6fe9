// SPDX-License-Identifier: GPL-2.0
/*
 * Exactly once, whatever comes together: threads complete, cancel, pause, start,
 * close and make room at the same time; in the end the counts must match. How
 * much happens is a matter of the machine's speed: it goes on until so many
 * requests were put, or for two seconds.
 */
#include <linux/random.h>
#include <linux/slab.h>

#ifdef KMCL_KUNIT_IRQ
#include <kunit/run-in-irq-context.h>
#endif

#include "core_test.h"

#define WAIT		VMB_PACKET_FLAG_WAIT_FOR_COMPLETION
#define ONCE_IDS	500		/* requests of the peer, in one run */
#define ONCE_PACKETS	32		/* of ours, sent over and over */
#define ONCE_HELD	256

struct once_packet {
	struct once *o;
	struct vmb_packet *pkt;
	atomic_t busy;			/* 1 from the send on that said 0 */
	u32 sends;
	atomic_t dones;
};

struct once {
	struct core_chan *c;
	struct once_packet packets[ONCE_PACKETS];
	atomic_t stop;			/* what makes trouble */
	atomic_t end;			/* what brings things to their end */
	bool enough;			/* the peer asks nothing more */
	bool quiet;			/* the peer has seen that, and puts nothing more */
	unsigned long until;
	atomic_t faults;		/* of the core, as seen by a callback */
	/* Received: how often each id was delivered, completed, answered */
	atomic_t delivered[ONCE_IDS];
	atomic_t completed[ONCE_IDS];
	atomic_t answered[ONCE_IDS];
	spinlock_t lock;		/* held */
	struct vmb_packet_completion *held[ONCE_HELD];
	u64 held_id[ONCE_HELD];
	u32 nr_held;
	u64 next_id;
};

static void once_done(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct once_packet *p = vmb_packet_get_pointer(pkt);

	if (status && status != -ENODEV && status != -ECANCELED)
		atomic_inc(&p->o->faults);
	/* Its own id comes back. */
	if (length && (length != 8 || !*(u64 *)buffer))
		atomic_inc(&p->o->faults);
	atomic_inc(&p->dones);
	if (atomic_cmpxchg(&p->busy, 1, 0) != 1)
		atomic_inc(&p->o->faults);
}

/* The callback: sometimes inline, mostly by the thread that completes. */
static void once_process(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
			 u32 length, u32 flags)
{
	struct once *o = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;
	u64 id = *(u64 *)buffer;
	unsigned long irq;
	bool inline_too;

	if (length != 8 || id >= ONCE_IDS) {
		atomic_inc(&o->faults);
		vmb_channel_packet_complete(pkt, NULL, 0);
		return;
	}
	atomic_inc(&o->delivered[id]);
	spin_lock_irqsave(&o->lock, irq);
	inline_too = o->nr_held == ONCE_HELD || id % 5 == 0;
	if (!inline_too) {
		o->held[o->nr_held] = pkt;
		o->held_id[o->nr_held++] = id;
	}
	spin_unlock_irqrestore(&o->lock, irq);
	if (inline_too) {
		atomic_inc(&o->completed[id]);
		if (vmb_channel_packet_complete(pkt, buffer, 8))
			atomic_inc(&o->faults);
	}
}

static bool once_complete_one(struct once *o)
{
	struct vmb_packet_completion *pkt = NULL;
	unsigned long irq;
	u32 i;
	u64 id;

	spin_lock_irqsave(&o->lock, irq);
	if (o->nr_held) {
		i = get_random_u32() % o->nr_held;
		pkt = o->held[i];
		id = o->held_id[i];
		o->held[i] = o->held[--o->nr_held];
		o->held_id[i] = o->held_id[o->nr_held];
	}
	spin_unlock_irqrestore(&o->lock, irq);
	if (!pkt)
		return false;
	atomic_inc(&o->completed[id]);
	if (vmb_channel_packet_complete(pkt, &id, sizeof(id)))
		atomic_inc(&o->faults);
	return true;
}

static int once_completer(void *arg)
{
	struct once *o = arg;

	while (once_complete_one(o) || !atomic_read(&o->end))
		cond_resched();
	return 0;
}

static int once_sender(void *arg)
{
	struct once *o = arg;
	struct once_packet *p;
	int ret;

	while (!atomic_read(&o->stop)) {
		p = &o->packets[get_random_u32() % ONCE_PACKETS];
		if (atomic_cmpxchg(&p->busy, 0, 1))
			continue;
		p->sends++;
		ret = vmb_packet_send(p->pkt, "mine", 4, NULL, p->sends % 3 ? WAIT : 0);
		if (ret) {
			p->sends--;
			if (ret != -ENODEV && ret != -ESHUTDOWN)
				atomic_inc(&o->faults);
			if (atomic_cmpxchg(&p->busy, 1, 0) != 1)
				atomic_inc(&o->faults);
		}
		cond_resched();
	}
	return 0;
}

static int once_canceller(void *arg)
{
	struct once *o = arg;
	int ret;

	while (!atomic_read(&o->stop)) {
		ret = vmb_packet_cancel(o->packets[get_random_u32() % ONCE_PACKETS].pkt);
		if (ret && ret != -ENOENT && ret != -EBUSY)
			atomic_inc(&o->faults);
		cond_resched();
	}
	return 0;
}

static int once_pauser(void *arg)
{
	struct once *o = arg;
	u64 last = 0;

	while (!atomic_read(&o->stop)) {
		/* Something should have happened in between. */
		if (READ_ONCE(o->next_id) >= last + 30) {
			last = READ_ONCE(o->next_id);
			vmb_channel_pause(o->c->ch);
			vmb_channel_start(o->c->ch);
		}
		cond_resched();
	}
	return 0;
}

/* The peer reads and answers. Each answer may bring the next request: there need not be an end. */
static void once_read(struct once *o, u32 most)
{
	struct fake_link *link = o->c->link;
	struct fake_packet *p;

	while (most-- && (p = fake_take(link))) {
		if (p->type == KMCL_PACKET_COMPLETION) {
			if (p->payload_len != 8 || *(u64 *)p->data != p->id)
				atomic_inc(&o->faults);
			else
				atomic_inc(&o->answered[p->id]);
		} else if (p->flags & KMCL_PACKET_WANTS_COMPLETION) {
			fake_put(link, KMCL_PACKET_COMPLETION, 0, p->id, NULL, 0, &p->id, 8);
		}
		kfree(p);
	}
}

/* It asks, too, and keeps the ring tight. */
static int once_peer(void *arg)
{
	struct once *o = arg;
	struct fake_link *link = o->c->link;

	while (!atomic_read(&o->end)) {
		fake_set_room(link, get_random_u32() % 8);
		once_read(o, 8);
		if (READ_ONCE(o->enough)) {
			WRITE_ONCE(o->quiet, true);
		} else if (o->next_id < ONCE_IDS && link->nr_in < 64) {
			fake_put(link, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, o->next_id,
				 NULL, 0, &o->next_id, 8);
			WRITE_ONCE(o->next_id, o->next_id + 1);
		}
		cond_resched();
	}
	return 0;
}

static struct once *once_make(struct kunit *test, bool passive)
{
	struct once *o = kvzalloc(sizeof(*o), GFP_KERNEL);
	struct core_chan *c = core_client(test);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, o);
	spin_lock_init(&o->lock);
	o->c = c;
	c->priv = o;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_process_packet_callbacks(c->ch, once_process,
									    NULL), 0);
	vmb_channel_set_incoming_processing_at_passive(c->ch, passive);
	vmb_channel_set_transaction_quota(c->ch, 20);
	core_run(c);
	for (i = 0; i < ONCE_PACKETS; i++) {
		o->packets[i].o = o;
		o->packets[i].pkt = core_packet(c);
		vmb_packet_set_completion_routine(o->packets[i].pkt, once_done);
		vmb_packet_set_pointer(o->packets[i].pkt, &o->packets[i]);
	}
	return o;
}

static void once_judge(struct once *o, struct kunit *test, bool link_ended)
{
	u32 i, wrong = 0, lost = 0, sends = 0;
	int d, a, put;

	KUNIT_EXPECT_EQ(test, atomic_read(&o->faults), 0);
	for (i = 0; i < ONCE_IDS; i++) {
		d = atomic_read(&o->delivered[i]);
		a = atomic_read(&o->answered[i]);
		if (d != atomic_read(&o->completed[i]) || d > 1 || a > d)
			wrong++;
		/* The end of the link may swallow requests and answers, nothing else. */
		put = i < o->next_id;
		if (!link_ended && (a != d || d != put))
			lost++;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, lost, 0);
	for (i = 0, wrong = 0; i < ONCE_PACKETS; i++) {
		sends += o->packets[i].sends;
		if (atomic_read(&o->packets[i].dones) != o->packets[i].sends ||
		    atomic_read(&o->packets[i].busy))
			wrong++;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	/* It was not for nothing. */
	KUNIT_EXPECT_GT(test, o->next_id, 0);
	KUNIT_EXPECT_GT(test, sends, 0);
	KUNIT_EXPECT_EQ(test, o->c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, o->c->ch->nr_sent + o->c->ch->nr_queued, 0);
	KUNIT_EXPECT_EQ(test, o->nr_held, 0);
}

/* Wait for it; where it does not come, say how things stand, and let all end. */
static bool once_until(struct once *o, bool (*done)(struct once *o))
{
	struct vmb_channel *ch = o->c->ch;
	struct fake_link *link = o->c->link;
	unsigned long until = jiffies + CORE_TIMEOUT;

	while (!done(o)) {
		cond_resched();
		if (time_before(jiffies, until))
			continue;
		KUNIT_FAIL(o->c->test,
			   "stuck: %llu put, %u unread, %u to read, room %u, want %d, masked %d; mode %d, stalled %d, slots %u, held %u (%u), taken %u, completions %u, queued %u, sent %u, running %d, paused %d, rx %lx",
			   o->next_id, link->nr_in, link->nr_out, link->room, link->want,
			   link->masked, ch->rx_mode, ch->rx_stalled, ch->nr_slots, ch->nr_held,
			   o->nr_held, ch->nr_taken, ch->nr_completions, ch->nr_queued,
			   ch->nr_sent, ch->running, ch->paused, ch->rx_bits);
		atomic_set(&o->stop, 1);
		atomic_set(&o->end, 1);
		return false;
	}
	return true;
}

static bool once_all_put(struct once *o)
{
	return READ_ONCE(o->next_id) == ONCE_IDS ||
	       (READ_ONCE(o->next_id) && time_after(jiffies, o->until));
}

static bool once_some_put(struct once *o)
{
	return READ_ONCE(o->next_id) >= 100 ||
	       (READ_ONCE(o->next_id) && time_after(jiffies, o->until));
}

/* Has all that is under way come to its end? The peer goes on meanwhile. */
static bool once_idle(struct once *o)
{
	struct vmb_channel *ch = o->c->ch;
	u32 i;

	if (!READ_ONCE(o->quiet))
		return false;
	for (i = 0; i < ONCE_PACKETS; i++)
		if (atomic_read(&o->packets[i].busy))
			return false;
	return !READ_ONCE(ch->nr_slots) && !READ_ONCE(o->c->link->nr_in) &&
	       !READ_ONCE(o->c->link->nr_out);
}

/* Pauses, cancels, a ring that is full most of the time; nothing may be lost. */
static void once_while_pausing(struct kunit *test, bool passive)
{
	static int (* const work[])(void *arg) = {
		once_sender, once_canceller, once_pauser,
		/* These go on to the end. */
		once_completer, once_peer,
	};
	struct once *o = once_make(test, passive);
	struct core_kthread *t[ARRAY_SIZE(work)];
	u32 i;

	o->until = jiffies + 2 * HZ;
	for (i = 0; i < ARRAY_SIZE(work); i++)
		t[i] = core_thread_start(test, work[i], o);
	once_until(o, once_all_put);
	WRITE_ONCE(o->enough, true);
	atomic_set(&o->stop, 1);
	for (i = 0; i < 3; i++)
		core_thread_join(test, t[i]);
	once_until(o, once_idle);
	atomic_set(&o->end, 1);
	for (; i < ARRAY_SIZE(work); i++)
		core_thread_join(test, t[i]);
	core_settle(o->c);
	/* An answer has no slot any more once it is written, and is published at the poll's end. */
	once_read(o, U32_MAX);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(o->c->ch), VMB_STOP_NONE);
	once_judge(o, test, false);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(o->c->ch), 0);
	kvfree(o);
}

static void once_pause_cancel_complete(struct kunit *test)
{
	once_while_pausing(test, false);
}

static void once_pause_cancel_complete_passive(struct kunit *test)
{
	once_while_pausing(test, true);
}

/* The link ends in the middle of it all, by the peer or by us, again and again. */
static void once_while_closing(struct kunit *test)
{
	static int (* const work[])(void *arg) = {
		once_completer, once_sender, once_canceller, once_peer,
	};
	struct core_kthread *t[ARRAY_SIZE(work)];
	struct fake_packet *p;
	struct once *o;
	u32 round, i;

	o = once_make(test, false);
	for (round = 0; round < 6; round++) {
		atomic_set(&o->stop, 0);
		atomic_set(&o->end, 0);
		o->next_id = 0;
		o->until = jiffies + 2 * HZ;
		for (i = 0; i < ONCE_IDS; i++) {
			atomic_set(&o->delivered[i], 0);
			atomic_set(&o->completed[i], 0);
			atomic_set(&o->answered[i], 0);
		}
		for (i = 0; i < ARRAY_SIZE(work); i++)
			t[i] = core_thread_start(test, work[i], o);
		once_until(o, once_some_put);
		if (round % 2)
			fake_close(o->c->link, VMB_STOP_PEER_CLOSED);
		else
			KUNIT_EXPECT_EQ(test, vmb_channel_disable(o->c->ch), 0);
		core_wait(o->c, CORE_CLOSED, round + 1);
		core_settle(o->c);
		/* The end of the link has ended all of ours. */
		atomic_set(&o->stop, 1);
		atomic_set(&o->end, 1);
		for (i = 0; i < ARRAY_SIZE(work); i++)
			core_thread_join(test, t[i]);
		once_judge(o, test, true);
		while ((p = fake_take(o->c->link)))
			kfree(p);
		core_run(o->c);
	}
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(o->c->ch), 0);
	kvfree(o);
}

#ifdef KMCL_KUNIT_IRQ
/* From task, softirq and hard interrupt alike: complete, send, cancel, ask for room */
static bool once_any_context(void *arg)
{
	struct once *o = arg;
	struct once_packet *p;
	int ret;

	once_complete_one(o);
	p = &o->packets[get_random_u32() % ONCE_PACKETS];
	if (!atomic_cmpxchg(&p->busy, 0, 1)) {
		p->sends++;
		ret = vmb_packet_send(p->pkt, "mine", 4, NULL, p->sends % 2 ? WAIT : 0);
		if (ret)
			return false;
	}
	ret = vmb_packet_cancel(o->packets[get_random_u32() % ONCE_PACKETS].pkt);
	kmcl_channel_interrupt(o->c->ch);
	return !ret || ret == -ENOENT;
}

static void once_from_any_context(struct kunit *test)
{
	struct once *o = once_make(test, false);
	struct core_kthread *peer, *t;

	peer = core_thread_start(test, once_peer, o);
	kunit_run_irq_test(test, once_any_context, 20000, o);
	WRITE_ONCE(o->enough, true);
	/* The rest by a thread */
	t = core_thread_start(test, once_completer, o);
	once_until(o, once_idle);
	atomic_set(&o->end, 1);
	core_thread_join(test, peer);
	core_thread_join(test, t);
	core_settle(o->c);
	once_judge(o, test, false);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(o->c->ch), 0);
	kvfree(o);
}
#endif

static struct kunit_case once_cases[] = {
	KUNIT_CASE(once_pause_cancel_complete),
	KUNIT_CASE(once_pause_cancel_complete_passive),
	KUNIT_CASE(once_while_closing),
#ifdef KMCL_KUNIT_IRQ
	KUNIT_CASE(once_from_any_context),
#endif
	{}
};

static struct kunit_suite once_suite = {
	.name = "kmcl_exactly_once",
	.init = core_init,
	.exit = core_exit,
	.test_cases = once_cases,
};

kunit_test_suite(once_suite);
