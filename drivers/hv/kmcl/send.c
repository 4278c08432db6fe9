// SPDX-License-Identifier: GPL-2.0
/*
 * The way out: packet, queue, ring, completion routine.
 *
 * What cannot go into the ring is queued, completions of received packets
 * before packets of our own; nothing overtakes. Under vmb_channel.lock a packet
 * is on one list at most: tx_queue, tx_sent or tx_done, and who takes it off
 * decides how it ends, so that it ends once. Routines are called without the
 * lock, by one caller at a time (tx_task), so that a routine that sends does
 * not recurse.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/* Bytes of completions that are copied in one section with interrupts off */
#define KMCL_COPY_LOCKED	4096

/* Routines that one call calls, beside those of completions in the ring */
#define KMCL_DONE_BUDGET	64

static void kmcl_quarantine_free(struct vmb_channel *ch, struct kmcl_quarantine *q, bool release)
{
	list_del(&q->node);
	if (release)
		ch->ops->ext_release(ch->cfg.bus, q->token);
	kfree(q);
}

/*
 * The link is gone, and nobody touches that memory any more. With @release
 * false the link lives on without us, and the memory with it.
 */
void kmcl_send_end_quarantine(struct vmb_channel *ch, bool release)
{
	struct kmcl_quarantine *q, *tmp;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry_safe(q, tmp, &ch->quarantine, node)
		kmcl_quarantine_free(ch, q, release);
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* The packet ends before its peer is done with where its memory was bounced to. */
static void kmcl_quarantine_add(struct vmb_packet *pkt)
{
	struct kmcl_quarantine *q = pkt->quarantine;

	lockdep_assert_held(&pkt->channel->lock);
	q->id = pkt->id;
	q->token = pkt->ext_token;
	list_add_tail(&q->node, &pkt->channel->quarantine);
	pkt->quarantine = NULL;
	pkt->ext_token = 0;
}

void kmcl_send_done_locked(struct vmb_packet *pkt, int status)
{
	lockdep_assert_held(&pkt->channel->lock);
	kmcl_packet_end_id(pkt);
	pkt->state = KMCL_PACKET_DONE;
	pkt->status = status;
	list_move_tail(&pkt->node, &pkt->channel->tx_done);
}

/* The packet is the consumer's again. */
static void kmcl_send_end_packet(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct vmb_channel *ch = pkt->channel;

	if (pkt->ext_len && pkt->ext_token)
		ch->ops->ext_unmap(ch->cfg.bus, pkt->ext_token, status ? NULL : pkt->mdl,
				   pkt->ext_offset, pkt->ext_len);
	pkt->mdl = NULL;
	pkt->ext_len = 0;
	pkt->ranges_len = 0;
	trace_kmcl_sent(ch, pkt, status);
	WRITE_ONCE(pkt->state, KMCL_PACKET_IDLE);
	pkt->routine(pkt, status, buffer, length);
}

/*
 * Let go of vmb_channel.lock, and call the routines of what is on tx_done. Hard
 * interrupts leave that to the poll, and so does who has called many: a routine
 * may send anew, and a peer that keeps up have it end at once, for ever.
 */
void kmcl_send_unlock(struct vmb_channel *ch, unsigned long flags)
	__releases(&ch->lock)
{
	u32 budget = KMCL_DONE_BUDGET;
	struct vmb_packet *pkt;

	lockdep_assert_held(&ch->lock);
	if (!list_empty(&ch->tx_done) && in_hardirq()) {
		kmcl_receive_schedule(ch);
	} else if (!list_empty(&ch->tx_done) && !ch->tx_task) {
		WRITE_ONCE(ch->tx_task, current);
		while (budget-- &&
		       (pkt = list_first_entry_or_null(&ch->tx_done, struct vmb_packet, node))) {
			list_del_init(&pkt->node);
			spin_unlock_irqrestore(&ch->lock, flags);
			kmcl_send_end_packet(pkt, pkt->status, NULL, 0);
			spin_lock_irqsave(&ch->lock, flags);
		}
		WRITE_ONCE(ch->tx_task, NULL);
		if (!list_empty(&ch->tx_done))
			kmcl_receive_schedule(ch);
		if (wq_has_sleeper(&ch->life_wait))
			wake_up_all(&ch->life_wait);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
}

static bool kmcl_send_all_done(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = list_empty(&ch->tx_done) && !ch->tx_task;
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/* All routines that were due have returned. Process context. */
void kmcl_send_wait_done(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_send_unlock(ch, flags);
	wait_event(ch->life_wait, kmcl_send_all_done(ch));
}

/*
 * Publish what was written. Also while the channel stands still: it is on no
 * list any more, so only the ring has it.
 */
static void kmcl_send_commit(struct vmb_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	if (ch->tx_open && ch->tx_dirty && !ch->tx_batch) {
		ch->tx_dirty = false;
		ch->ops->tx_commit(ch->link);
	}
}

static int kmcl_send_write(struct vmb_channel *ch, const struct kmcl_tx *tx)
{
	u32 bytes = 16 + ALIGN(tx->header_len + tx->payload_len, 8) + 8;
	int ret = ch->ops->tx_write(ch->link, tx);

	if (ret == -EAGAIN) {
		/* The peer can only make room for what it can see. */
		if (ch->tx_dirty) {
			ch->tx_dirty = false;
			ch->ops->tx_commit(ch->link);
		}
		if (ch->ops->tx_want(ch->link, bytes))
			ret = ch->ops->tx_write(ch->link, tx);
	}
	if (!ret) {
		ch->tx_dirty = true;
		ch->stats.packets_out++;
	} else if (ret == -EIO) {
		kmcl_channel_fault_locked(ch, ch->ops->fault(ch->link));
	}
	return ret;
}

/* @payload: pkt->data, or where it is for a packet that is done once written */
static int kmcl_send_write_packet(struct vmb_channel *ch, struct vmb_packet *pkt,
				  const void *payload)
{
	bool wait = pkt->flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION;
	struct kmcl_tx tx = {
		.type = pkt->ranges_len ? KMCL_PACKET_GPA_DIRECT : KMCL_PACKET_INBAND,
		.flags = wait ? KMCL_PACKET_WANTS_COMPLETION : 0,
		.id = pkt->id,
		.header = pkt->ranges_len ? kmcl_packet_ranges(pkt) : NULL,
		.header_len = pkt->ranges_len,
		.payload = payload,
		.payload_len = pkt->payload_len,
	};
	int ret;

	if (ch->cfg.flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE) {
		pkt->pipe.type = cpu_to_le32(KMCL_PIPE_DATA);
		pkt->pipe.length = cpu_to_le32(pkt->payload_len);
		tx.payload = &pkt->pipe;
		tx.payload_len += sizeof(pkt->pipe);
	}
	ret = kmcl_send_write(ch, &tx);
	if (ret)
		return ret;
	if (wait) {
		pkt->state = KMCL_PACKET_SENT;
		list_move_tail(&pkt->node, &ch->tx_sent);
		ch->nr_sent++;
	} else {
		kmcl_send_done_locked(pkt, 0);
	}
	return 0;
}

static int kmcl_send_write_completion(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	struct kmcl_tx tx = {
		.type = KMCL_PACKET_COMPLETION,
		.id = pkt->id,
		.payload = kmcl_received_payload(pkt),
		.payload_len = pkt->payload_len,
	};

	return kmcl_send_write(ch, &tx);
}

/* Put into the ring what is queued and fits. */
static void kmcl_send_write_queued(struct vmb_channel *ch)
{
	struct vmb_packet_completion *comp, *next_comp;
	struct vmb_packet *pkt, *next;
	int ret = 0;

	lockdep_assert_held(&ch->lock);
	list_for_each_entry_safe(comp, next_comp, &ch->tx_completions, node) {
		ret = kmcl_send_write_completion(ch, comp);
		/* Nothing may overtake it, and it will never go: the peer's ring is to blame. */
		if (ret == -EMSGSIZE)
			kmcl_channel_fault_locked(ch, "outgoing ring too small for a completion");
		if (ret)
			break;
		list_del(&comp->node);
		ch->nr_completions--;
		kmcl_received_put(ch, comp);
	}
	if (ret || ch->tx_mode != KMCL_TX_RUN)
		return;
	list_for_each_entry_safe(pkt, next, &ch->tx_queue, node) {
		ret = kmcl_send_write_packet(ch, pkt, pkt->data);
		if (ret == -EMSGSIZE)
			kmcl_send_done_locked(pkt, ret);
		else if (ret)
			break;
		ch->nr_queued--;
	}
}

void kmcl_send_flush_locked(struct vmb_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	if (ch->tx_open && !kmcl_still(ch))
		kmcl_send_write_queued(ch);
	kmcl_send_commit(ch);
}

void kmcl_send_flush(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_send_flush_locked(ch);
	kmcl_send_unlock(ch, flags);
}

/* May a packet be sent now? */
static int kmcl_send_admit(struct vmb_channel *ch, struct vmb_packet *pkt)
{
	u32 pipe = ch->cfg.flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE ? sizeof(pkt->pipe) : 0;

	lockdep_assert_held(&ch->lock);
	if (kmcl_still(ch) || ch->tx_mode == KMCL_TX_SHUT)
		return -ESHUTDOWN;
	if (ch->tx_mode == KMCL_TX_NODEV)
		return -ENODEV;
	if (ch->tx_open && ALIGN(pkt->payload_len + pipe, 8) + pkt->ranges_len > ch->tx_limit)
		return -EMSGSIZE;
	return 0;
}

static void kmcl_send_queue(struct vmb_packet *pkt, const void *payload, struct list_head *queue)
{
	if (payload != pkt->data)
		memmove(pkt->data, payload, pkt->payload_len);
	pkt->state = KMCL_PACKET_QUEUED;
	list_add_tail(&pkt->node, queue);
	pkt->channel->nr_queued++;
}

/* Into the ring, where nothing waits before it; else -EAGAIN. */
static int kmcl_send_write_at_once(struct vmb_channel *ch, struct vmb_packet *pkt,
				   const void *payload)
{
	int ret;

	if (ch->tx_mode != KMCL_TX_RUN || !list_empty(&ch->tx_queue) ||
	    !list_empty(&ch->tx_completions))
		return -EAGAIN;
	ret = kmcl_send_write_packet(ch, pkt, payload);
	if (ret != -EAGAIN)
		kmcl_send_commit(ch);
	return ret == -EIO ? -ENODEV : ret;
}

/* Into the ring, or onto the queue; with @now: into the ring or nowhere. */
static int kmcl_send_enqueue(struct vmb_channel *ch, struct vmb_packet *pkt,
			     const void *payload, bool now)
{
	int ret = kmcl_send_admit(ch, pkt);

	if (ret)
		return ret;
	if (ch->restore) {
		/* Its id and its place in the queue come after those in the stream. */
		pkt->id = 0;
		if (now)
			return -EOVERFLOW;
		kmcl_send_queue(pkt, payload, &ch->tx_fresh);
		return 0;
	}
	kmcl_packet_new_id(pkt);
	ret = kmcl_send_write_at_once(ch, pkt, payload);
	if (ret == -EAGAIN && !now) {
		kmcl_send_queue(pkt, payload, &ch->tx_queue);
		return 0;
	}
	if (ret)
		kmcl_packet_end_id(pkt);
	return ret == -EAGAIN ? -EOVERFLOW : ret;
}

/* The last one stayed with a peer that may still write to what it names. */
int kmcl_send_prepare_quarantine(struct vmb_packet *pkt, gfp_t gfp)
{
	if (pkt->quarantine || !(pkt->channel->ops->caps & KMCL_CAP_BOUNCE))
		return 0;
	pkt->quarantine = kmalloc(sizeof(*pkt->quarantine), gfp);
	return pkt->quarantine ? 0 : -ENOMEM;
}

/* Describe (and bounce) the external memory of a packet. */
static int kmcl_send_map(struct vmb_packet *pkt, struct vmb_mdl *mdl, u32 offset, u32 length)
{
	struct vmb_channel *ch = pkt->channel;
	u32 ranges_len = ch->ranges_max;
	int ret;

	ret = kmcl_send_prepare_quarantine(pkt, GFP_ATOMIC | __GFP_NOWARN);
	if (ret)
		return ret;
	/* That of a consumer with smaller limits will not do any more. */
	if (pkt->ext_token && pkt->ext_small) {
		ch->ops->ext_release(ch->cfg.bus, pkt->ext_token);
		pkt->ext_token = 0;
	}
	if (!pkt->ext_token) {
		pkt->ext_small = false;
		ret = ch->ops->ext_reserve(ch->cfg.bus, ch->cfg.max_external,
					   GFP_ATOMIC | __GFP_NOWARN, &pkt->ext_token);
		if (ret)
			return ret;
	}
	ret = ch->ops->ext_map(ch->cfg.bus, pkt->ext_token, mdl, offset, length,
			       kmcl_packet_ranges(pkt), &ranges_len);
	if (ret)
		return ret;
	pkt->ranges_len = ranges_len;
	pkt->mdl = mdl;
	pkt->ext_offset = offset;
	pkt->ext_len = length;
	return 0;
}

/* Is it the consumer's? Complains where it is not. */
bool kmcl_packet_idle(struct vmb_packet *pkt)
{
	return !WARN(READ_ONCE(pkt->state) != KMCL_PACKET_IDLE,
		     "%s: packet sent while it is being sent\n", pkt->channel->cfg.name);
}

int kmcl_send(struct vmb_packet *pkt, const void *buffer, u32 length, struct vmb_mdl *mdl,
	      u32 offset, u32 ext_len, u32 flags, bool now)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long irq;
	int ret;

	if (flags & ~(VMB_PACKET_FLAG_WAIT_FOR_COMPLETION | VMB_PACKET_FLAG_FORCE_MDL_LENGTH |
		      VMB_PACKET_FLAG_PAGED_BUFFER))
		return -EINVAL;
	if ((length && !buffer) || !pkt->routine)
		return -EINVAL;
	if (length > ch->cfg.max_packet_size)
		return -EMSGSIZE;
	if (mdl && !(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		return -EINVAL;
	if (!kmcl_packet_idle(pkt))
		return -EBUSY;

	pkt->payload_len = length;
	pkt->flags = flags;
	pkt->ranges_len = 0;
	pkt->ext_len = 0;
	if (mdl) {
		/* Where it is going to be refused, nothing is copied, and nothing seems lent. */
		spin_lock_irqsave(&ch->lock, irq);
		ret = kmcl_send_admit(ch, pkt);
		spin_unlock_irqrestore(&ch->lock, irq);
		if (!ret)
			ret = kmcl_send_map(pkt, mdl, offset, ext_len);
		if (ret)
			return ret;
	}
	/*
	 * One that is done once it is in the ring need not be kept, unless a header
	 * comes before it. A routine may send on what it was given, in the packet.
	 */
	if (flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION ||
	    ch->cfg.flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE) {
		memmove(pkt->data, buffer, length);
		buffer = pkt->data;
	}

	spin_lock_irqsave(&ch->lock, irq);
	ret = kmcl_send_enqueue(ch, pkt, buffer, now);
	if (!ret)
		trace_kmcl_send(ch, pkt);
	kmcl_send_unlock(ch, irq);
	if (ret && mdl) {
		ch->ops->ext_unmap(ch->cfg.bus, pkt->ext_token, NULL, offset, ext_len);
		pkt->mdl = NULL;
		pkt->ext_len = 0;
		pkt->ranges_len = 0;
	}
	return ret;
}

/*
 * Whose completion is at the head of the incoming ring? NULL: nobody's any more,
 * or an error.
 */
static struct vmb_packet *kmcl_send_claim(struct vmb_channel *ch, const struct kmcl_rx *rx)
{
	struct kmcl_quarantine *q, *tmp;
	struct vmb_packet *pkt;

	lockdep_assert_held(&ch->lock);
	if (rx->payload_len > ALIGN(ch->cfg.max_packet_size, 8) || rx->header_len)
		return ERR_PTR(-EMSGSIZE);
	pkt = kmcl_packet_find(ch, rx->id);
	if (pkt) {
		list_del_init(&pkt->node);
		ch->nr_sent--;
		kmcl_packet_end_id(pkt);
		pkt->state = KMCL_PACKET_DONE;
		pkt->payload_len = rx->payload_len;
		return pkt;
	}
	if (!ch->late || !kmcl_packet_known_id(ch, rx->id))
		return ERR_PTR(-ENOENT);
	ch->late--;
	ch->stats.late++;
	list_for_each_entry_safe(q, tmp, &ch->quarantine, node)
		if (q->id == rx->id)
			kmcl_quarantine_free(ch, q, true);
	return NULL;
}

/* Is the next packet in the ring a completion, too? */
static bool kmcl_send_next_completion(struct vmb_channel *ch, struct kmcl_rx *rx)
{
	lockdep_assert_held(&ch->lock);
	return ch->rx_mode != KMCL_RX_OFF && !ch->ops->rx_peek(ch->link, rx) &&
	       rx->type == KMCL_PACKET_COMPLETION &&
	       !(rx->flags & ~KMCL_PACKET_WANTS_COMPLETION);
}

/*
 * A completion is at the head of the incoming ring, perhaps more behind it: find
 * their packets, copy the payloads into those, and end them. Called by the poll.
 * One lock section does as many as there is little to copy; what is large is
 * copied without the lock.
 */
int kmcl_send_completed(struct vmb_channel *ch, struct kmcl_rx *rx, u32 *budget,
			const char **fault)
{
	struct vmb_packet *pkt, *large = NULL;
	unsigned long flags;
	LIST_HEAD(ended);
	u32 copied = 0;

	spin_lock_irqsave(&ch->lock, flags);
	do {
		pkt = kmcl_send_claim(ch, rx);
		if (IS_ERR(pkt))
			break;
		--*budget;
		if (pkt)
			list_add_tail(&pkt->node, &ended);
		copied += rx->payload_len;
		if (pkt && copied > KMCL_COPY_LOCKED) {
			large = pkt;
			break;
		}
		if (pkt)
			ch->ops->rx_copy(ch->link, rx, NULL, pkt->data);
		ch->ops->rx_advance(ch->link, rx);
	} while (*budget && kmcl_send_next_completion(ch, rx));
	spin_unlock_irqrestore(&ch->lock, flags);
	if (large) {
		ch->ops->rx_copy(ch->link, rx, NULL, large->data);
		ch->ops->rx_advance(ch->link, rx);
	}
	if (IS_ERR(pkt))
		*fault = PTR_ERR(pkt) == -EMSGSIZE ?
			 "completion larger than the channel's maximum" :
			 "completion of an unknown transaction";

	while ((pkt = list_first_entry_or_null(&ended, struct vmb_packet, node))) {
		list_del_init(&pkt->node);
		kmcl_send_end_packet(pkt, 0, pkt->payload_len ? pkt->data : NULL,
				     pkt->payload_len);
	}
	return *fault ? -EBADMSG : 0;
}

/* Take a packet from the queue or from those sent; the caller ends it. */
static void kmcl_send_take(struct vmb_channel *ch, struct vmb_packet *pkt)
{
	lockdep_assert_held(&ch->lock);
	if (pkt->state == KMCL_PACKET_QUEUED)
		ch->nr_queued--;
	else
		ch->nr_sent--;
}

static void kmcl_send_end_locked(struct vmb_packet *pkt, int status)
{
	bool bounce = pkt->channel->ops->caps & KMCL_CAP_BOUNCE;

	/* Handed over, its external memory belongs to the stream; else to the peer. */
	if (status == -ESTALE && pkt->ext_len)
		pkt->ext_token = 0;
	else if (pkt->state == KMCL_PACKET_SENT && pkt->ext_len && bounce)
		kmcl_quarantine_add(pkt);
	kmcl_send_take(pkt->channel, pkt);
	kmcl_send_done_locked(pkt, status);
}

/*
 * End all packets of the library's with @status; the routines are called. What the
 * peer may still touch is left behind, until kmcl_send_end_quarantine().
 */
void kmcl_send_end(struct vmb_channel *ch, int status, bool sent_only)
{
	struct vmb_packet *pkt, *tmp;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry_safe(pkt, tmp, &ch->tx_sent, node)
		kmcl_send_end_locked(pkt, status);
	if (!sent_only)
		list_for_each_entry_safe(pkt, tmp, &ch->tx_queue, node)
			kmcl_send_end_locked(pkt, status);
	kmcl_send_unlock(ch, flags);
}

/*
 * The link ends (D5): every packet of the library's completes with -ENODEV, or
 * -ECANCELED where the link comes back.
 * Memory that the peer may still touch goes back only once the link is closed
 * (D6): where it was bounced, the bounce is left behind instead.
 */
void kmcl_send_end_link_locked(struct vmb_channel *ch, bool closed)
{
	bool bounce = ch->ops->caps & KMCL_CAP_BOUNCE;
	int status = ch->link_reset ? -ECANCELED : -ENODEV;
	struct vmb_packet *pkt, *tmp;

	lockdep_assert_held(&ch->lock);
	ch->tx_mode = KMCL_TX_NODEV;
	list_for_each_entry_safe(pkt, tmp, &ch->tx_sent, node) {
		if (pkt->ext_len && !bounce && !closed)
			continue;
		if (pkt->ext_len && bounce && !closed)
			kmcl_quarantine_add(pkt);
		/* Until the ring is left alone, its completion may still be read. */
		ch->late++;
		kmcl_send_take(ch, pkt);
		kmcl_send_done_locked(pkt, status);
	}
	list_for_each_entry_safe(pkt, tmp, &ch->tx_queue, node) {
		kmcl_send_take(ch, pkt);
		kmcl_send_done_locked(pkt, status);
	}
	if (closed)
		ch->late = 0;
}

void kmcl_send_end_link(struct vmb_channel *ch, bool closed)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_send_end_link_locked(ch, closed);
	kmcl_send_unlock(ch, flags);
}

/**
 * kmcl_channel_lends() - has the peer memory of the consumer's?
 * @ch: whose; on a bus whose peer touches the sender's own memory
 *
 * For kmcl_transport_ops.close: nothing is lent, or comes back, any more.
 *
 * Context: process context.
 * Return: true where a packet with external memory was sent, and did not end.
 */
bool kmcl_channel_lends(struct vmb_channel *ch)
{
	struct vmb_packet *pkt;
	unsigned long flags;
	bool ret = false;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry(pkt, &ch->tx_sent, node)
		ret |= pkt->ext_len;
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(kmcl_channel_lends, KMCL_NS);

int kmcl_send_cancel_locked(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;

	lockdep_assert_held(&ch->lock);
	if (pkt->state == KMCL_PACKET_SENT) {
		if (pkt->ext_len && !(ch->ops->caps & KMCL_CAP_BOUNCE))
			return -EBUSY;
		if (pkt->ext_len)
			kmcl_quarantine_add(pkt);
		ch->late++;
	} else if (pkt->state != KMCL_PACKET_QUEUED) {
		return -ENOENT;
	}
	kmcl_send_take(ch, pkt);
	kmcl_send_done_locked(pkt, -ECANCELED);
	return 0;
}

/* PostStarted may wait for a peer that is silent (D7): cancel what it waits for. */
void kmcl_send_cancel_all_locked(struct vmb_channel *ch)
{
	struct vmb_packet *pkt, *tmp;

	lockdep_assert_held(&ch->lock);
	list_for_each_entry_safe(pkt, tmp, &ch->tx_sent, node)
		kmcl_send_cancel_locked(pkt);
	list_for_each_entry_safe(pkt, tmp, &ch->tx_queue, node)
		kmcl_send_cancel_locked(pkt);
}

/**
 * vmb_packet_cancel() - give a transaction up
 * @pkt: which
 *
 * Its routine is called with -ECANCELED. Where the peer has the packet already,
 * its completion comes late, is dropped and counted. Without a counterpart in
 * Windows, where only the synchronous request cancels.
 *
 * Context: any context; routines as of vmb_packet_send().
 * Return: 0; -ENOENT where it is not being sent (or ends just now); -EBUSY where
 * the peer may still touch the packet's external memory, or the channel is
 * frozen or being saved.
 */
int vmb_packet_cancel(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_still(ch) ? -EBUSY : kmcl_send_cancel_locked(pkt);
	kmcl_send_unlock(ch, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_cancel, KMCL_NS);

/**
 * vmb_packet_send() - send a packet
 * @pkt: which; the library's until its routine is called, where 0 is returned
 * @buffer: payload, copied
 * @length: its bytes, at most the channel's maximum packet size
 * @external: memory for the peer, or NULL; with it %VMB_PACKET_FLAG_WAIT_FOR_COMPLETION
 *	is required. It is the library's until the routine is called
 * @flags: VMB_PACKET_FLAG_*
 *
 * Windows: VmbPacketSend.
 *
 * Context: any context. The routine may run before this returns, and so may that
 * of another packet of the channel; see &vmb_packet_completion_fn.
 * Return: 0: sent, or queued; the routine will be called once. -EINVAL: flags,
 * no routine, external memory without the flag or empty; -EMSGSIZE: larger than
 * the channel's limits or its ring; -EOPNOTSUPP: no external memory on this
 * channel; -ENODEV: Disabled or closed; -ESHUTDOWN: suspended, frozen or being
 * saved; -EBUSY and a WARN: it is being sent; -ENOMEM: only for a packet with
 * external memory whose last send was given up, or that was restored from a
 * channel with a smaller limit.
 */
int vmb_packet_send(struct vmb_packet *pkt, const void *buffer, u32 length,
		    struct vmb_mdl *external, u32 flags)
{
	if (external)
		return vmb_packet_send_with_external_mdl(pkt, buffer, length, external, 0, 0,
							 flags);
	return kmcl_send(pkt, buffer, length, NULL, 0, 0, flags, false);
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_send, KMCL_NS);
