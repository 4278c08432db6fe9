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
