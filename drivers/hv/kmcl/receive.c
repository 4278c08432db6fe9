// SPDX-License-Identifier: GPL-2.0
/*
 * The way in: ring, packet, callback, completion.
 *
 * One poll at a time runs for a channel (KMCL_RX_RUNNING), in a tasklet or, on
 * a passive channel or for a packet that was deferred, in a work item. It
 * fetches from the ring into rx_taken and delivers from there; what is
 * delivered is on rx_held until the consumer completes it. A packet counts
 * against the quota from the ring to the ring: until its completion is there.
 *
 * vmb_channel.lock protects the lists and counts. A change of rx_mode waits for
 * the poll that runs, so that afterwards no callback does that the new mode
 * forbids.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/* Packets a poll handles before it lets others have the processor */
#define KMCL_RX_BUDGET	64

static struct workqueue_struct *kmcl_rx_wq;

/* Why fetching stopped */
enum kmcl_fetch_end {
	KMCL_FETCH_BUDGET,
	KMCL_FETCH_EMPTY,
	KMCL_FETCH_STALLED,
};

void kmcl_receive_schedule(struct vmb_channel *ch)
{
	if (READ_ONCE(ch->passive))
		queue_work(kmcl_rx_wq, &ch->rx_work);
	else
		tasklet_schedule(&ch->rx_tasklet);
}

/**
 * kmcl_channel_interrupt() - something may have come, or there may be room
 * @ch: for which channel
 *
 * Only schedules. Context: any context.
 */
void kmcl_channel_interrupt(struct vmb_channel *ch)
{
	atomic64_inc(&ch->interrupts);
	kmcl_receive_schedule(ch);
}
EXPORT_SYMBOL_NS_GPL(kmcl_channel_interrupt, KMCL_NS);

static struct vmb_packet_completion *kmcl_received_setup(struct vmb_channel *ch,
							 struct vmb_packet_completion *pkt)
{
	if (!pkt)
		return NULL;
	memset(pkt, 0, offsetof(struct vmb_packet_completion, data));
	INIT_LIST_HEAD(&pkt->node);
	pkt->channel = ch;
	if (ch->cfg.context_size)
		memset(pkt->data, 0, ch->cfg.context_size);
	return pkt;
}

/*
 * Objects stay with their channel until that is Disabled: the next packet has one
 * at hand, and a completion of a packet that is gone can be told.
 */
void kmcl_received_recycle(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	list_add(&pkt->node, &ch->rx_free);
}

static struct vmb_packet_completion *kmcl_received_alloc(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt;

	lockdep_assert_held(&ch->lock);
	pkt = list_first_entry_or_null(&ch->rx_free, struct vmb_packet_completion, node);
	if (pkt)
		list_del(&pkt->node);
	else
		pkt = kmem_cache_alloc(ch->rx_cache, GFP_ATOMIC | __GFP_NOWARN);
	return kmcl_received_setup(ch, pkt);
}

/* Give back the memory of all objects that are not in use, but for one. */
void kmcl_receive_trim(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt, *tmp;
	unsigned long flags;
	LIST_HEAD(unused);

	spin_lock_irqsave(&ch->lock, flags);
	list_splice_init(&ch->rx_free, &unused);
	pkt = list_first_entry_or_null(&unused, struct vmb_packet_completion, node);
	if (pkt)
		list_move(&pkt->node, &ch->rx_free);
	spin_unlock_irqrestore(&ch->lock, flags);
	list_for_each_entry_safe(pkt, tmp, &unused, node)
		kmem_cache_free(ch->rx_cache, pkt);
}

/* For a packet from a stream: its memory may be awaited. */
struct vmb_packet_completion *kmcl_received_alloc_restore(struct vmb_channel *ch)
{
	return kmcl_received_setup(ch, kmem_cache_alloc(ch->rx_cache, GFP_KERNEL));
}

/* Retired: its slot of the quota is free. The callback that has it frees it. */
void kmcl_received_put(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	kmcl_external_put(ch, pkt);
	pkt->state = KMCL_RECEIVED_FREE;
	if (!(pkt->bits & KMCL_RX_IN_CALLBACK))
		kmcl_received_recycle(ch, pkt);
	ch->nr_slots--;
	if (ch->rx_stalled && ch->nr_slots < ch->quota) {
		ch->rx_stalled = false;
		kmcl_receive_schedule(ch);
	}
}

/* Room for one more from the ring, or NULL: its slot and its memory. */
static struct vmb_packet_completion *kmcl_rx_room(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	/* Once stalled, only a completion goes on: a higher quota alone does not. */
	if (!ch->rx_stalled && ch->nr_slots < ch->quota)
		pkt = kmcl_received_alloc(ch);
	/* Without memory one is out at least: the first one was there from the start. */
	if (pkt)
		ch->nr_slots++;
	else
		ch->rx_stalled = true;
	spin_unlock_irqrestore(&ch->lock, flags);
	return pkt;
}

/* A pipe's payload has a header of its own and its exact length. */
static int kmcl_rx_pipe(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	const struct kmcl_pipe_header *head = (void *)kmcl_received_payload(pkt);
	u32 room = pkt->payload_len - sizeof(*head);

	if (pkt->payload_len < sizeof(*head) || le32_to_cpu(head->type) != KMCL_PIPE_DATA ||
	    le32_to_cpu(head->length) > min(room, ch->cfg.max_packet_size))
		return -EBADMSG;
	pkt->payload_offset = sizeof(*head);
	pkt->payload_len = le32_to_cpu(head->length);
	return 0;
}

/* Take the data packet at the ring's head: the one private copy is made here. */
static int kmcl_rx_take(struct vmb_channel *ch, const struct kmcl_rx *rx, const char **fault)
{
	u32 pipe = ch->cfg.flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE ?
		   sizeof(struct kmcl_pipe_header) : 0;
	struct vmb_packet_completion *pkt;
	unsigned long flags;

	if (rx->type != KMCL_PACKET_INBAND && rx->type != KMCL_PACKET_GPA_DIRECT) {
		*fault = "packet type that is not supported";
		return -EBADMSG;
	}
	if (rx->payload_len > ALIGN(ch->cfg.max_packet_size + pipe, 8)) {
		*fault = "packet larger than the channel's maximum";
		return -EBADMSG;
	}
	if (rx->header_len > ch->header_max) {
		*fault = "external data beyond the channel's limits";
		return -EBADMSG;
	}
	pkt = kmcl_rx_room(ch);
	if (!pkt)
		return -EAGAIN;
	pkt->id = rx->id;
	pkt->type = rx->type;
	pkt->flags = rx->flags;
	pkt->payload_len = rx->payload_len;
	pkt->header_len = rx->header_len;
	ch->ops->rx_copy(ch->link, rx, kmcl_received_header(pkt), kmcl_received_payload(pkt));

	if (rx->type == KMCL_PACKET_GPA_DIRECT &&
	    kmcl_ranges_check(ch, kmcl_received_header(pkt), pkt->header_len))
		*fault = "malformed external data";
	else if (pipe && kmcl_rx_pipe(ch, pkt))
		*fault = "malformed pipe header";

	spin_lock_irqsave(&ch->lock, flags);
	if (*fault) {
		kmcl_received_put(ch, pkt);
	} else {
		list_add_tail(&pkt->node, &ch->rx_taken);
		ch->nr_taken++;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return *fault ? -EBADMSG : 0;
}

/* From the ring: completions to their packets, the rest to rx_taken. */
static enum kmcl_fetch_end kmcl_rx_fetch(struct vmb_channel *ch, u32 *budget)
{
	const struct kmcl_transport_ops *ops = ch->ops;
	enum kmcl_fetch_end end = KMCL_FETCH_BUDGET;
	const char *fault = NULL;
	struct kmcl_rx rx;
	bool any = false;
	int ret;

	while (*budget && !READ_ONCE(ch->rx_failed) &&
	       READ_ONCE(ch->rx_mode) != KMCL_RX_OFF) {
		ret = ops->rx_peek(ch->link, &rx);
		if (ret == -EAGAIN) {
			end = KMCL_FETCH_EMPTY;
			break;
		}
		if (ret) {
			fault = ops->fault(ch->link);
			break;
		}
		if (rx.flags & ~KMCL_PACKET_WANTS_COMPLETION) {
			fault = "unknown packet flags";
			break;
		}
		if (rx.type == KMCL_PACKET_COMPLETION)
			ret = kmcl_send_completed(ch, &rx, &fault);
		else
			ret = kmcl_rx_take(ch, &rx, &fault);
		if (ret == -EAGAIN)
			end = KMCL_FETCH_STALLED;
		if (ret)
			break;
		ops->rx_advance(ch->link, &rx);
		any = true;
		--*budget;
	}
	if (any)
		ops->rx_commit(ch->link);
	if (fault) {
		kmcl_channel_fault(ch, fault);
		end = KMCL_FETCH_STALLED;
	}
	return READ_ONCE(ch->rx_failed) ? KMCL_FETCH_STALLED : end;
}

/* The packet that the consumer gets next, or NULL. */
static struct vmb_packet_completion *kmcl_rx_next(struct vmb_channel *ch, bool sleepable,
						  bool *defer)
{
	struct vmb_packet_completion *pkt;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	pkt = list_first_entry_or_null(&ch->rx_taken, struct vmb_packet_completion, node);
	if (!pkt || ch->rx_mode != KMCL_RX_ON || (pkt->bits & KMCL_RX_EXT_WAIT)) {
		pkt = NULL;
	} else if ((pkt->bits & KMCL_RX_DEFERRED) && !sleepable) {
		*defer = true;
		pkt = NULL;
	} else {
		list_move_tail(&pkt->node, &ch->rx_held);
		pkt->state = KMCL_RECEIVED_HELD;
		pkt->bits &= ~KMCL_RX_DEFERRED;
		pkt->bits |= KMCL_RX_IN_CALLBACK;
		ch->nr_taken--;
		ch->nr_held++;
		ch->stats.packets_in++;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return pkt;
}

/* What became of the packet in the callback: was it delivered? */
static bool kmcl_rx_returned(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			     bool *defer)
{
	bool delivered = true;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	pkt->bits &= ~KMCL_RX_IN_CALLBACK;
	if (pkt->state == KMCL_RECEIVED_FREE) {
		kmcl_received_recycle(ch, pkt);
	} else if (pkt->state == KMCL_RECEIVED_HELD && (pkt->bits & KMCL_RX_REDELIVER)) {
		/* First in line again (D11), and not delivered (D12) */
		pkt->bits &= ~KMCL_RX_REDELIVER;
		pkt->state = KMCL_RECEIVED_TAKEN;
		list_move(&pkt->node, &ch->rx_taken);
		ch->nr_held--;
		ch->nr_taken++;
		ch->stats.packets_in--;
		*defer = pkt->bits & KMCL_RX_DEFERRED;
		delivered = false;
	}
	if (!ch->nr_held && ch->rx_mode != KMCL_RX_ON)
		kmcl_life_kick(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	return delivered;
}

/* Hand out what was taken; returns how many packets the consumer took. */
static u32 kmcl_rx_deliver(struct vmb_channel *ch, bool sleepable, u32 *budget)
{
	struct vmb_packet_completion *pkt;
	bool defer = false;
	u32 n = 0;

	for (; *budget && !defer; --*budget) {
		pkt = kmcl_rx_next(ch, sleepable, &defer);
		if (!pkt)
			break;
		trace_kmcl_deliver(ch, pkt);
		ch->cfg.process(ch, pkt, kmcl_received_payload(pkt) + pkt->payload_offset,
				pkt->payload_len, pkt->type == KMCL_PACKET_GPA_DIRECT ?
				VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA : 0);
		if (kmcl_rx_returned(ch, pkt, &defer))
			n++;
	}
	if (defer)
		set_bit(KMCL_RX_DEFER, &ch->rx_bits);
	return n;
}

/* Fetch and deliver until the ring is empty, the quota or the budget used up. */
static bool kmcl_rx_drain(struct vmb_channel *ch, bool sleepable)
{
	u32 budget = KMCL_RX_BUDGET, deliveries = KMCL_RX_BUDGET, n = 0;
	enum kmcl_fetch_end end;
	bool again = false;

	ch->ops->rx_mask(ch->link);
	do {
		end = kmcl_rx_fetch(ch, &budget);
		n += kmcl_rx_deliver(ch, sleepable, &deliveries);
	} while (end == KMCL_FETCH_STALLED && !READ_ONCE(ch->rx_stalled) && budget &&
		 deliveries && !READ_ONCE(ch->rx_failed) &&
		 READ_ONCE(ch->rx_mode) != KMCL_RX_OFF);

	if (end == KMCL_FETCH_EMPTY)
		again = ch->ops->rx_unmask(ch->link);
	if (end == KMCL_FETCH_BUDGET || !deliveries)
		again = READ_ONCE(ch->rx_mode) != KMCL_RX_OFF;
	if (n && ch->cfg.processing_complete)
		ch->cfg.processing_complete(ch, n);
	return again;
}

static void kmcl_rx_batch(struct vmb_channel *ch, bool on)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->tx_batch = on;
	/* What was queued may have room now; what was written is published once. */
	kmcl_send_flush_locked(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_send_run_done(ch);
}

static void kmcl_rx_poll(struct vmb_channel *ch, bool sleepable)
{
	bool again = false;

	if (test_and_set_bit(KMCL_RX_RUNNING, &ch->rx_bits)) {
		set_bit(KMCL_RX_AGAIN, &ch->rx_bits);
		/* Pairs with the barrier at the end of the poll: one of us sees the other. */
		smp_mb__after_atomic();
		if (!test_bit(KMCL_RX_RUNNING, &ch->rx_bits))
			kmcl_receive_schedule(ch);
		return;
	}
	clear_bit(KMCL_RX_AGAIN, &ch->rx_bits);
	WRITE_ONCE(ch->rx_task, current);
	/* Where a callback may sleep, nothing written waits for its end. */
	kmcl_rx_batch(ch, !sleepable);
	if (READ_ONCE(ch->rx_mode) != KMCL_RX_OFF)
		again = kmcl_rx_drain(ch, sleepable);
	kmcl_rx_batch(ch, false);
	WRITE_ONCE(ch->rx_task, NULL);
	WRITE_ONCE(ch->rx_seq, ch->rx_seq + 1);
	clear_bit_unlock(KMCL_RX_RUNNING, &ch->rx_bits);
	/* Pairs with the barrier where a second poll leaves it to this one. */
	smp_mb__after_atomic();
	if (test_and_clear_bit(KMCL_RX_AGAIN, &ch->rx_bits) || again)
		kmcl_receive_schedule(ch);
	/* Not before: the work would find this poll running, and leave it to us. */
	if (test_and_clear_bit(KMCL_RX_DEFER, &ch->rx_bits))
		queue_work(kmcl_rx_wq, &ch->rx_work);
	if (wq_has_sleeper(&ch->rx_wait))
		wake_up_all(&ch->rx_wait);
}

static void kmcl_rx_tasklet(struct tasklet_struct *t)
{
	kmcl_rx_poll(container_of(t, struct vmb_channel, rx_tasklet), false);
}

static void kmcl_rx_work(struct work_struct *work)
{
	kmcl_rx_poll(container_of(work, struct vmb_channel, rx_work), true);
}

/* Change what the receive side does, and wait until it does. Process context. */
void kmcl_receive_set_mode(struct vmb_channel *ch, enum kmcl_rx_mode mode)
{
	unsigned long flags;
	u32 seq;

	spin_lock_irqsave(&ch->lock, flags);
	/* A fault may have switched it off for good at this very moment. */
	if (mode == KMCL_RX_ON && ch->link_down)
		mode = KMCL_RX_OFF;
	WRITE_ONCE(ch->rx_mode, mode);
	spin_unlock_irqrestore(&ch->lock, flags);
	/* Pairs with the poll, which reads the mode after it set KMCL_RX_RUNNING. */
	smp_mb();
	seq = READ_ONCE(ch->rx_seq);
	if (mode != KMCL_RX_ON)
		wait_event(ch->rx_wait,
			   !test_bit(KMCL_RX_RUNNING, &ch->rx_bits) ||
			   READ_ONCE(ch->rx_seq) != seq);
	if (mode != KMCL_RX_OFF)
		kmcl_receive_schedule(ch);
}

/* The link is gone: forget what was taken from it and what was to be answered. */
void kmcl_receive_drop(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt, *tmp;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry_safe(pkt, tmp, &ch->rx_taken, node) {
		list_del(&pkt->node);
		ch->nr_taken--;
		kmcl_received_put(ch, pkt);
	}
	list_for_each_entry_safe(pkt, tmp, &ch->tx_completions, node) {
		list_del(&pkt->node);
		ch->nr_completions--;
		kmcl_received_put(ch, pkt);
	}
	ch->rx_stalled = false;
	ch->rx_failed = false;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* Whoever sent what the consumer holds is gone: nobody will hear of its end. */
void kmcl_receive_set_stale(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry(pkt, &ch->rx_held, node)
		pkt->bits |= KMCL_RX_STALE;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* Is it the consumer's? Complains where it is not. */
static bool kmcl_received_is_held(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				  const char *what)
{
	lockdep_assert_held(&ch->lock);
	return !WARN(pkt->state != KMCL_RECEIVED_HELD || (pkt->bits & KMCL_RX_REDELIVER),
		     "%s: %s of a packet that is not held\n", ch->cfg.name, what);
}

/* The consumer is done with it: off the list of those it holds. */
static void kmcl_received_release(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	kmcl_external_put(ch, pkt);
	list_del_init(&pkt->node);
	ch->nr_held--;
	if (!ch->nr_held && ch->rx_mode != KMCL_RX_ON)
		kmcl_life_kick(ch);
}

/* Off to the peer, or to nobody where that is gone or asked for none. */
static void kmcl_received_answer(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	kmcl_received_release(ch, pkt);
	if (pkt->bits & KMCL_RX_STALE)
		ch->stats.stale++;
	if (!(pkt->flags & KMCL_PACKET_WANTS_COMPLETION) ||
	    (pkt->bits & (KMCL_RX_STALE | KMCL_RX_FAILED)) || ch->link_down ||
	    (!ch->want_enabled && ch->state != KMCL_DISABLED)) {
		kmcl_received_put(ch, pkt);
		return;
	}
	pkt->state = KMCL_RECEIVED_COMPLETING;
	list_add_tail(&pkt->node, &ch->tx_completions);
	ch->nr_completions++;
	kmcl_send_flush_locked(ch);
}

/**
 * vmb_channel_packet_complete() - a received packet is done
 * @pkt: which; the consumer's no more
 * @buffer: what to tell the peer, if it asked for a completion; or NULL. May
 *	lie in the packet's own payload
 * @size: bytes of @buffer
 *
 * Where the ring has no room the completion is queued; it keeps its slot of the
 * quota until it is in the ring. After the link has ended it goes nowhere.
 * Windows: VmbChannelPacketComplete.
 *
 * Context: any context.
 * Return: 0; -EMSGSIZE where @size is above the channel's maximum packet size:
 * the packet is still the consumer's; -EINVAL and a WARN for a packet that is
 * not the consumer's, such as one completed already; -ESTALE where a handover
 * was committed: another kernel will complete it. A consumer may ignore it.
 */
int vmb_channel_packet_complete(struct vmb_packet_completion *pkt, const void *buffer, u32 size)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	int ret = 0;

	if (size > ch->cfg.max_packet_size)
		return -EMSGSIZE;
	if (!buffer)
		size = 0;
	spin_lock_irqsave(&ch->lock, flags);
	if (ch->state == KMCL_PARKED) {
		ch->stats.refused++;
		ret = -ESTALE;
	} else if (!kmcl_received_is_held(ch, pkt, "completion")) {
		ret = -EINVAL;
	} else {
		trace_kmcl_complete(ch, pkt, size);
		memmove(kmcl_received_payload(pkt), buffer, size);
		pkt->payload_len = size;
		if (pkt->bits & KMCL_RX_SAVED) {
			/* In the stream as open: waits for what becomes of the save */
			pkt->state = KMCL_RECEIVED_HELD_BACK;
		} else {
			kmcl_save_note_gone(ch, &pkt->node);
			kmcl_received_answer(ch, pkt);
		}
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!ret)
		kmcl_send_run_done(ch);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_complete, KMCL_NS);

/* Completed while it was being written to a stream: it becomes a completion. */
void kmcl_receive_unhold(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	pkt->bits &= ~KMCL_RX_SAVED;
	kmcl_save_note_gone(ch, &pkt->node);
	kmcl_received_answer(ch, pkt);
	spin_unlock_irqrestore(&ch->lock, flags);
}

/*
 * A save ended. Undone: what was completed meanwhile goes out now. Committed:
 * the next kernel has it all; what is held is retired.
 */
void kmcl_receive_apply_held_back(struct vmb_channel *ch, bool commit)
{
	struct vmb_packet_completion *pkt, *tmp;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry_safe(pkt, tmp, &ch->rx_held, node) {
		pkt->bits &= ~KMCL_RX_SAVED;
		if (commit) {
			if (pkt->state == KMCL_RECEIVED_HELD_BACK)
				ch->stats.refused++;
			kmcl_received_release(ch, pkt);
			kmcl_received_put(ch, pkt);
		} else if (pkt->state == KMCL_RECEIVED_HELD_BACK) {
			kmcl_received_answer(ch, pkt);
		}
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_send_run_done(ch);
}

/**
 * vmb_channel_packet_defer_to_passive() - deliver it again where it may sleep
 * @pkt: the packet that the process-packet callback was given
 *
 * The callback returns after this without completing it. The packet is first in
 * line and counts as not delivered. Windows: VmbChannelPacketDeferToPassive.
 *
 * Context: inside the process-packet callback.
 * Return: 0; -EINVAL and a WARN elsewhere.
 */
int vmb_channel_packet_defer_to_passive(struct vmb_packet_completion *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	int ret = -EINVAL;

	spin_lock_irqsave(&ch->lock, flags);
	if (kmcl_received_is_held(ch, pkt, "deferral") &&
	    !WARN(!(pkt->bits & KMCL_RX_IN_CALLBACK),
		  "%s: deferral outside the callback\n", ch->cfg.name)) {
		pkt->bits |= KMCL_RX_DEFERRED | KMCL_RX_REDELIVER;
		ret = 0;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_defer_to_passive, KMCL_NS);

/**
 * vmb_channel_packet_fail() - a packet makes no sense
 * @pkt: which; the consumer's no more, and never answered
 *
 * Nothing is fetched from the ring until the channel is opened anew.
 * Windows: VmbChannelPacketFail.
 *
 * Context: any context. Return: 0; -EINVAL and a WARN as
 * vmb_channel_packet_complete().
 */
int vmb_channel_packet_fail(struct vmb_packet_completion *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	int ret = -EINVAL;

	spin_lock_irqsave(&ch->lock, flags);
	if (kmcl_received_is_held(ch, pkt, "failure")) {
		WRITE_ONCE(ch->rx_failed, true);
		ch->stop_reason = VMB_STOP_PACKET_FAILED;
		ch->stats.faults++;
		pkt->bits |= KMCL_RX_FAILED;
		if (pkt->bits & KMCL_RX_SAVED) {
			/* In the stream as open; see vmb_channel_packet_complete() */
			pkt->state = KMCL_RECEIVED_HELD_BACK;
		} else {
			kmcl_save_note_gone(ch, &pkt->node);
			kmcl_received_release(ch, pkt);
			kmcl_received_put(ch, pkt);
		}
		ret = 0;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!ret)
		kmcl_err(ch, "the consumer failed a packet: receiving stops until the next open\n");
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_fail, KMCL_NS);

/**
 * vmb_channel_packet_get_client_context() - scratch memory of a received packet
 * @pkt: which
 *
 * As many bytes as vmb_channel_init_set_client_context_size() said, zeroed
 * before the first delivery. Windows: VmbChannelPacketGetClientContext.
 *
 * Context: any context. Return: the memory; NULL where no size was set.
 */
void *vmb_channel_packet_get_client_context(struct vmb_packet_completion *pkt)
{
	return pkt->channel->cfg.context_size ? pkt->data : NULL;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_get_client_context, KMCL_NS);

/**
 * vmb_channel_set_transaction_quota() - how many received packets may be open
 * @ch: of which channel
 * @quota: 1 to %VMB_MAX_QUOTA; %VMB_DEFAULT_QUOTA at first
 *
 * May be below what is open now. Where receiving had stopped at the quota, it
 * goes on with the next completion, not with a higher quota.
 * Windows: VmbChannelSetTransactionQuota.
 *
 * Context: any context. Return: 0; -EINVAL.
 */
int vmb_channel_set_transaction_quota(struct vmb_channel *ch, u32 quota)
{
	unsigned long flags;

	if (!quota || quota > VMB_MAX_QUOTA)
		return -EINVAL;
	spin_lock_irqsave(&ch->lock, flags);
	ch->quota = quota;
	spin_unlock_irqrestore(&ch->lock, flags);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_set_transaction_quota, KMCL_NS);

/**
 * vmb_channel_set_incoming_processing_at_passive() - where callbacks run
 * @ch: of which channel
 * @passive: true: process-packet, processing-complete and completion routines
 *	of received completions run in process context only
 *
 * Windows: VmbChannelSetIncomingProcessingAtPassive.
 *
 * Context: any context. Return: 0; -EBUSY on a channel that is not Disabled.
 */
int vmb_channel_set_incoming_processing_at_passive(struct vmb_channel *ch, bool passive)
{
	unsigned long flags;
	int ret = -EBUSY;

	spin_lock_irqsave(&ch->lock, flags);
	if (ch->state == KMCL_DISABLED && !ch->want_enabled) {
		WRITE_ONCE(ch->passive, passive);
		ret = 0;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_set_incoming_processing_at_passive, KMCL_NS);

void kmcl_receive_init(struct vmb_channel *ch)
{
	INIT_LIST_HEAD(&ch->rx_taken);
	INIT_LIST_HEAD(&ch->rx_held);
	INIT_LIST_HEAD(&ch->rx_free);
	init_waitqueue_head(&ch->rx_wait);
	tasklet_setup(&ch->rx_tasklet, kmcl_rx_tasklet);
	INIT_WORK(&ch->rx_work, kmcl_rx_work);
	ch->quota = VMB_DEFAULT_QUOTA;
}

/* Memory for received packets; part of fixing the configuration. */
int kmcl_receive_prepare(struct vmb_channel *ch)
{
	const struct kmcl_config *cfg = &ch->cfg;
	struct vmb_packet_completion *first;

	ch->header_max = kmcl_ranges_size(cfg->max_external, cfg->max_chain);
	ch->bvecs_max = cfg->max_external ?
			DIV_ROUND_UP(cfg->max_external, PAGE_SIZE) + 2 * cfg->max_chain : 0;
	ch->payload_at = ALIGN(cfg->context_size, 8);
	ch->header_at = ch->payload_at + ALIGN(cfg->max_packet_size, 8) +
			sizeof(struct kmcl_pipe_header);
	ch->bvecs_at = ch->header_at + ch->header_max;

	ch->rx_cache = kmcl_cache_get(sizeof(struct vmb_packet_completion) +
				      ch->bvecs_at + ch->bvecs_max * sizeof(struct bio_vec));
	if (!ch->rx_cache)
		return -ENOMEM;
	first = kmem_cache_alloc(ch->rx_cache, GFP_KERNEL);
	if (!first)
		return -ENOMEM;
	first->state = KMCL_RECEIVED_FREE;
	list_add(&first->node, &ch->rx_free);
	return 0;
}

void kmcl_receive_unprepare(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt, *tmp;

	list_for_each_entry_safe(pkt, tmp, &ch->rx_free, node) {
		list_del(&pkt->node);
		kmem_cache_free(ch->rx_cache, pkt);
	}
	ch->rx_cache = NULL;
}

int kmcl_receive_module_init(void)
{
	kmcl_rx_wq = alloc_workqueue("kmcl_rx", WQ_UNBOUND | WQ_HIGHPRI, WQ_MAX_ACTIVE);
	return kmcl_rx_wq ? 0 : -ENOMEM;
}

void kmcl_receive_module_exit(void)
{
	destroy_workqueue(kmcl_rx_wq);
}
