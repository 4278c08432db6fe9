// SPDX-License-Identifier: GPL-2.0
/*
 * Received packets: their memory, and what the consumer does with them.
 *
 * An object is on rx_taken, rx_held or tx_completions, each under
 * vmb_channel.lock, or free, which its state tells: so that an end that comes
 * twice is seen. Objects that are free stay with their channel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/* Memory for received packets; part of fixing the configuration. */
int kmcl_received_prepare(struct vmb_channel *ch)
{
	const struct kmcl_config *cfg = &ch->cfg;
	struct vmb_packet_completion *first;

	ch->header_max = max(kmcl_ranges_size(cfg->max_external, cfg->max_chain),
			     kmcl_transfer_size(cfg));
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

void kmcl_received_unprepare(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt, *tmp;

	list_for_each_entry_safe(pkt, tmp, &ch->rx_free, node) {
		list_del(&pkt->node);
		kmem_cache_free(ch->rx_cache, pkt);
	}
	ch->rx_cache = NULL;
}

/* An object gets a packet. Where it is on a list, it stays there. */
void kmcl_received_setup(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	memset_startat(pkt, 0, channel);
	pkt->channel = ch;
	if (ch->cfg.context_size)
		memset(pkt->data, 0, ch->cfg.context_size);
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

/*
 * At most @nr objects that are not in use, to @to; with @grow a new one where
 * there is none. Returns how many.
 */
u32 kmcl_received_reserve(struct vmb_channel *ch, struct list_head *to, u32 nr, bool grow)
{
	struct vmb_packet_completion *pkt;
	u32 found;

	lockdep_assert_held(&ch->lock);
	for (found = 0; found < nr && !list_empty(&ch->rx_free); found++)
		list_move_tail(ch->rx_free.next, to);
	if (found || !nr || !grow)
		return found;
	pkt = kmem_cache_alloc(ch->rx_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!pkt)
		return 0;
	pkt->state = KMCL_RECEIVED_FREE;
	list_add_tail(&pkt->node, to);
	return 1;
}

/* Give back the memory of all objects that are not in use, but for one. */
void kmcl_received_trim(struct vmb_channel *ch)
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
	struct vmb_packet_completion *pkt = kmem_cache_alloc(ch->rx_cache, GFP_KERNEL);

	if (pkt)
		kmcl_received_setup(ch, pkt);
	return pkt;
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

/* The link is gone: forget what was taken from it and what was to be answered. */
void kmcl_received_drop(struct vmb_channel *ch)
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
void kmcl_received_set_stale_locked(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt;

	lockdep_assert_held(&ch->lock);
	list_for_each_entry(pkt, &ch->rx_held, node)
		pkt->bits |= KMCL_RX_STALE;
}

void kmcl_received_set_stale(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_received_set_stale_locked(ch);
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

/* May the consumer end it? Counts what comes after a commit. */
static bool kmcl_received_may_end(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				  const char *what, int *ret)
{
	lockdep_assert_held(&ch->lock);
	if (kmcl_handed_over(ch)) {
		ch->stats.refused++;
		*ret = -ESTALE;
		return false;
	}
	*ret = kmcl_received_is_held(ch, pkt, what) ? 0 : -EINVAL;
	return !*ret;
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

/*
 * Off to the peer, or to nobody where that is gone or asked for none. A disable
 * that waits for a freeze or a save ends nothing yet: what is held may be
 * committed instead.
 */
static void kmcl_received_answer(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	kmcl_received_release(ch, pkt);
	if (pkt->bits & KMCL_RX_STALE)
		ch->stats.stale++;
	if (!(pkt->flags & KMCL_PACKET_WANTS_COMPLETION) ||
	    (pkt->bits & (KMCL_RX_STALE | KMCL_RX_FAILED)) || ch->link_down ||
	    (!ch->want_enabled && ch->state != KMCL_DISABLED && !kmcl_still(ch))) {
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
	int ret;

	if (size > ch->cfg.max_packet_size)
		return -EMSGSIZE;
	if (!buffer)
		size = 0;
	spin_lock_irqsave(&ch->lock, flags);
	if (kmcl_received_may_end(ch, pkt, "completion", &ret)) {
		trace_kmcl_complete(ch, pkt, size);
		/* Often the answer is what was asked. */
		if (buffer != kmcl_received_payload(pkt))
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
	kmcl_send_unlock(ch, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_complete, KMCL_NS);

/* Completed while it was being written to a stream: it becomes a completion. */
void kmcl_received_unhold(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
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
void kmcl_received_apply_held_back(struct vmb_channel *ch, bool commit)
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
	kmcl_send_unlock(ch, flags);
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
	    !WARN(!(pkt->bits & KMCL_RX_IN_CALLBACK) || ch->save_task == current,
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
 * Context: any context. Return: 0; -EINVAL and a WARN, or -ESTALE, as
 * vmb_channel_packet_complete().
 */
int vmb_channel_packet_fail(struct vmb_packet_completion *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&ch->lock, flags);
	if (kmcl_received_may_end(ch, pkt, "failure", &ret)) {
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
