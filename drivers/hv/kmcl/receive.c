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
 * vmb_channel.lock protects the lists and counts. The poll takes it for a batch
 * at a time: what it has in hand (struct kmcl_rx_hand) is its own, but counted,
 * in nr_slots. Under the lock it reserves objects, takes fetched packets in,
 * takes those that are due out, and hands back those whose callback returned;
 * the ring is read, and the consumer called, without it.
 *
 * A change of rx_mode waits for the poll that runs, so that afterwards no
 * callback does that the new mode forbids, and no poll has anything in hand.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "internal.h"
#include "trace.h"

/* Packets a poll handles before it lets others have the processor */
#define KMCL_RX_BUDGET	64
/* Packets that it takes out at a time */
#define KMCL_RX_BATCH	32

static struct workqueue_struct *kmcl_rx_wq;

/* Why fetching stopped */
enum kmcl_fetch_end {
	KMCL_FETCH_BUDGET,
	KMCL_FETCH_EMPTY,
	KMCL_FETCH_STALLED,
};

/**
 * struct kmcl_rx_hand - what a poll has in hand
 * @sleepable: callbacks may sleep, and are called for one packet at a time
 * @deferred: the next packet has to wait for a poll where they may
 * @nr_room: objects on @room
 * @nr_fetched: packets on @fetched
 * @nr_out: packets in @out
 * @nr_called: of them, those whose callback was called
 * @delivered: packets that the consumer took, so far
 * @room: objects that have their slot of the quota, and no packet yet
 * @fetched: packets from the ring, to go to rx_taken
 * @out: packets on rx_held whose turn it is
 */
struct kmcl_rx_hand {
	bool sleepable;
	bool deferred;
	u32 nr_room;
	u32 nr_fetched;
	u32 nr_out;
	u32 nr_called;
	u32 delivered;
	struct list_head room;
	struct list_head fetched;
	struct vmb_packet_completion *out[KMCL_RX_BATCH];
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

/* Slots and objects for what may come; with @grow a new object where none is free. */
static void kmcl_rx_reserve_locked(struct vmb_channel *ch, struct kmcl_rx_hand *hand, bool grow)
{
	u32 nr;

	lockdep_assert_held(&ch->lock);
	/* Once stalled, only a completion goes on: a higher quota alone does not. */
	if (ch->rx_stalled || ch->nr_slots >= ch->quota)
		return;
	nr = kmcl_received_reserve(ch, &hand->room, min(ch->quota - ch->nr_slots,
							KMCL_RX_BATCH - hand->nr_room), grow);
	ch->nr_slots += nr;
	hand->nr_room += nr;
}

/* Room for one more from the ring, or NULL: its slot and its memory. */
static struct vmb_packet_completion *kmcl_rx_room(struct vmb_channel *ch,
						  struct kmcl_rx_hand *hand)
{
	struct vmb_packet_completion *pkt;
	unsigned long flags;

	if (!hand->nr_room) {
		spin_lock_irqsave(&ch->lock, flags);
		kmcl_rx_reserve_locked(ch, hand, true);
		/* Without memory one is out at least: the first was there from the start. */
		if (!hand->nr_room)
			ch->rx_stalled = true;
		spin_unlock_irqrestore(&ch->lock, flags);
	}
	pkt = list_first_entry_or_null(&hand->room, struct vmb_packet_completion, node);
	if (pkt)
		kmcl_received_setup(ch, pkt);
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
static int kmcl_rx_take(struct vmb_channel *ch, struct kmcl_rx_hand *hand,
			const struct kmcl_rx *rx, const char **fault)
{
	u32 pipe = ch->cfg.flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE ?
		   sizeof(struct kmcl_pipe_header) : 0;
	struct vmb_packet_completion *pkt;

	if (rx->type == KMCL_PACKET_TRANSFER_PAGES && !ch->cfg.transfer_ranges) {
		*fault = "transfer pages, and no buffer was set for them";
		return -EBADMSG;
	}
	if (rx->type != KMCL_PACKET_INBAND && rx->type != KMCL_PACKET_GPA_DIRECT &&
	    rx->type != KMCL_PACKET_TRANSFER_PAGES) {
		*fault = "packet type that is not supported";
		return -EBADMSG;
	}
	if (rx->payload_len > ALIGN(ch->cfg.max_packet_size + pipe, 8)) {
		*fault = "packet larger than the channel's maximum";
		return -EBADMSG;
	}
	if (rx->header_len > ch->header_max) {
		*fault = "more ranges than the channel takes";
		return -EBADMSG;
	}
	pkt = kmcl_rx_room(ch, hand);
	if (!pkt)
		return -EAGAIN;
	pkt->id = rx->id;
	pkt->type = rx->type;
	pkt->flags = rx->flags;
	pkt->payload_len = rx->payload_len;
	pkt->header_len = rx->header_len;
	ch->ops->rx_copy(ch->link, rx, kmcl_received_header(pkt), kmcl_received_payload(pkt));
	/* A head of an in-band packet's that is longer than its type's has no meaning. */
	if (rx->type == KMCL_PACKET_INBAND)
		pkt->header_len = 0;

	if (rx->type == KMCL_PACKET_GPA_DIRECT &&
	    kmcl_ranges_check(ch, kmcl_received_header(pkt), pkt->header_len))
		*fault = "malformed external data";
	else if (rx->type == KMCL_PACKET_TRANSFER_PAGES &&
		 kmcl_transfer_check(ch, kmcl_received_header(pkt), pkt->header_len))
		*fault = "malformed transfer pages, or not of the buffer that was set";
	else if (pipe && kmcl_rx_pipe(ch, pkt))
		*fault = "malformed pipe header";

	/* The object stays where it is, for the next one. */
	if (*fault)
		return -EBADMSG;
	list_move_tail(&pkt->node, &hand->fetched);
	hand->nr_room--;
	hand->nr_fetched++;
	return 0;
}

/* From the ring: completions to their packets, the rest into the hand. */
static enum kmcl_fetch_end kmcl_rx_fetch(struct vmb_channel *ch, struct kmcl_rx_hand *hand,
					 u32 *budget)
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
		if (rx.type == KMCL_PACKET_COMPLETION) {
			any = true;
			ret = kmcl_send_completed(ch, &rx, budget, &fault);
			if (ret)
				break;
			continue;
		}
		ret = kmcl_rx_take(ch, hand, &rx, &fault);
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

/* The callbacks returned, or were not called any more: what became of the packets? */
static void kmcl_rx_hand_back_locked(struct vmb_channel *ch, struct kmcl_rx_hand *hand)
{
	struct vmb_packet_completion *pkt;
	bool called;
	u32 i;

	lockdep_assert_held(&ch->lock);
	/* From the last to the first: so each is the first in line when it goes back. */
	for (i = hand->nr_out; i-- > 0; ) {
		pkt = hand->out[i];
		called = i < hand->nr_called;
		pkt->bits &= ~KMCL_RX_IN_CALLBACK;
		if (called && !(pkt->state == KMCL_RECEIVED_HELD &&
				(pkt->bits & KMCL_RX_REDELIVER))) {
			hand->delivered++;
			if (pkt->state == KMCL_RECEIVED_FREE)
				kmcl_received_recycle(ch, pkt);
			continue;
		}
		/* First in line again (D11), and not delivered (D12) */
		pkt->bits &= ~KMCL_RX_REDELIVER;
		pkt->state = KMCL_RECEIVED_TAKEN;
		list_move(&pkt->node, &ch->rx_taken);
		ch->nr_held--;
		ch->nr_taken++;
		ch->stats.packets_in--;
		hand->deferred |= called && (pkt->bits & KMCL_RX_DEFERRED);
	}
	if (hand->nr_out && !ch->nr_held && ch->rx_mode != KMCL_RX_ON)
		kmcl_life_kick(ch);
	hand->nr_out = 0;
	hand->nr_called = 0;
}

/* Those that the consumer gets next, at most @limit. */
static void kmcl_rx_take_out_locked(struct vmb_channel *ch, struct kmcl_rx_hand *hand, u32 limit)
{
	struct vmb_packet_completion *pkt, *tmp;

	lockdep_assert_held(&ch->lock);
	if (ch->rx_mode != KMCL_RX_ON || hand->deferred)
		return;
	limit = min(limit, hand->sleepable ? 1 : KMCL_RX_BATCH);
	list_for_each_entry_safe(pkt, tmp, &ch->rx_taken, node) {
		if (hand->nr_out == limit || (pkt->bits & KMCL_RX_EXT_WAIT))
			break;
		if ((pkt->bits & KMCL_RX_DEFERRED) && !hand->sleepable) {
			hand->deferred = !hand->nr_out;
			break;
		}
		list_move_tail(&pkt->node, &ch->rx_held);
		pkt->state = KMCL_RECEIVED_HELD;
		pkt->bits &= ~KMCL_RX_DEFERRED;
		pkt->bits |= KMCL_RX_IN_CALLBACK;
		ch->nr_taken--;
		ch->nr_held++;
		ch->stats.packets_in++;
		hand->out[hand->nr_out++] = pkt;
	}
}

/* Between two batches; false: there is nothing for the consumer now. */
static bool kmcl_rx_turn(struct vmb_channel *ch, struct kmcl_rx_hand *hand, u32 limit)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_rx_hand_back_locked(ch, hand);
	list_splice_tail_init(&hand->fetched, &ch->rx_taken);
	ch->nr_taken += hand->nr_fetched;
	hand->nr_fetched = 0;
	kmcl_rx_take_out_locked(ch, hand, limit);
	kmcl_rx_reserve_locked(ch, hand, false);
	spin_unlock_irqrestore(&ch->lock, flags);
	return hand->nr_out;
}

/* Hand out what was taken. */
static void kmcl_rx_deliver(struct vmb_channel *ch, struct kmcl_rx_hand *hand, u32 *budget)
{
	struct vmb_packet_completion *pkt;

	while (kmcl_rx_turn(ch, hand, *budget)) {
		do {
			pkt = hand->out[hand->nr_called++];
			trace_kmcl_deliver(ch, pkt);
			ch->cfg.process(ch, pkt, kmcl_received_payload(pkt) + pkt->payload_offset,
					pkt->payload_len, kmcl_received_flags(pkt));
			/* One that has to come again comes before those behind it. */
		} while (hand->nr_called < hand->nr_out &&
			 !(READ_ONCE(pkt->bits) & KMCL_RX_REDELIVER) &&
			 READ_ONCE(ch->rx_mode) == KMCL_RX_ON);
		*budget -= hand->nr_called;
	}
}

/* Fetch and deliver until the ring is empty, the quota or the budget used up. */
static bool kmcl_rx_drain(struct vmb_channel *ch, struct kmcl_rx_hand *hand)
{
	u32 budget = KMCL_RX_BUDGET, deliveries = KMCL_RX_BUDGET;
	enum kmcl_fetch_end end;
	bool again = false;

	ch->ops->rx_mask(ch->link);
	do {
		end = kmcl_rx_fetch(ch, hand, &budget);
		kmcl_rx_deliver(ch, hand, &deliveries);
	} while (end == KMCL_FETCH_STALLED && !READ_ONCE(ch->rx_stalled) && budget &&
		 deliveries && !READ_ONCE(ch->rx_failed) &&
		 READ_ONCE(ch->rx_mode) != KMCL_RX_OFF);

	if (end == KMCL_FETCH_EMPTY)
		again = ch->ops->rx_unmask(ch->link);
	if (end == KMCL_FETCH_BUDGET || !deliveries)
		again = READ_ONCE(ch->rx_mode) != KMCL_RX_OFF;
	if (hand->delivered && ch->cfg.processing_complete)
		ch->cfg.processing_complete(ch, hand->delivered);
	return again;
}

static void kmcl_rx_begin(struct vmb_channel *ch, struct kmcl_rx_hand *hand)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	/* Where a callback may sleep, nothing written waits for its end. */
	ch->tx_batch = !hand->sleepable;
	/* What was queued may have room now. */
	kmcl_send_flush_locked(ch);
	if (ch->rx_mode != KMCL_RX_OFF)
		kmcl_rx_reserve_locked(ch, hand, false);
	kmcl_send_unlock(ch, flags);
}

static void kmcl_rx_end(struct vmb_channel *ch, struct kmcl_rx_hand *hand)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_splice(&hand->room, &ch->rx_free);
	ch->nr_slots -= hand->nr_room;
	ch->tx_batch = false;
	/* What was written is published once. */
	kmcl_send_flush_locked(ch);
	kmcl_send_unlock(ch, flags);
}

static void kmcl_rx_poll(struct vmb_channel *ch, bool sleepable)
{
	struct kmcl_rx_hand hand = {
		.sleepable = sleepable,
		.room = LIST_HEAD_INIT(hand.room),
		.fetched = LIST_HEAD_INIT(hand.fetched),
	};
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
	kmcl_rx_begin(ch, &hand);
	if (READ_ONCE(ch->rx_mode) != KMCL_RX_OFF)
		again = kmcl_rx_drain(ch, &hand);
	kmcl_rx_end(ch, &hand);
	WRITE_ONCE(ch->rx_task, NULL);
	/* What the callbacks did is there for who waits for this poll's end. */
	smp_store_release(&ch->rx_seq, ch->rx_seq + 1);
	clear_bit_unlock(KMCL_RX_RUNNING, &ch->rx_bits);
	/* Pairs with the barrier where a second poll leaves it to this one. */
	smp_mb__after_atomic();
	if (test_and_clear_bit(KMCL_RX_AGAIN, &ch->rx_bits) || again)
		kmcl_receive_schedule(ch);
	/* Not before: the work would find this poll running, and leave it to us. */
	if (hand.deferred)
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

/* None is on, or the one that was at @seq is over. */
static bool kmcl_rx_poll_over(struct vmb_channel *ch, u32 seq)
{
	if (!test_bit_acquire(KMCL_RX_RUNNING, &ch->rx_bits))
		return true;
	/* Pairs with the end of the poll: what its callbacks did is there, too. */
	return smp_load_acquire(&ch->rx_seq) != seq;
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
		wait_event(ch->rx_wait, kmcl_rx_poll_over(ch, seq));
	if (mode != KMCL_RX_OFF)
		kmcl_receive_schedule(ch);
}

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

int kmcl_receive_module_init(void)
{
	kmcl_rx_wq = alloc_workqueue("kmcl_rx", WQ_UNBOUND | WQ_HIGHPRI, WQ_MAX_ACTIVE);
	return kmcl_rx_wq ? 0 : -ENOMEM;
}

void kmcl_receive_module_exit(void)
{
	destroy_workqueue(kmcl_rx_wq);
}
