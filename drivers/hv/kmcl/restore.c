// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring a channel from its stream, which may come from anywhere: each chunk
 * is checked for its sum and its place before its record is looked at. What
 * fails leaves the channel as if new.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "restore.h"
#include "stream.h"

/* When a channel that had no memory tries again */
#define KMCL_RESTORE_RETRY	(HZ / 4)

/* The instance that the channel is bound to: its own, until it says otherwise. */
void kmcl_restore_instance(struct vmb_channel *ch, const guid_t *instance)
{
	mutex_lock(&kmcl_channels_mutex);
	guid_copy(&ch->instance, instance);
	mutex_unlock(&kmcl_channels_mutex);
}

static int kmcl_restore_end(struct kmcl_restore_ctx *ctx, const struct kmcl_chunk *chunk)
{
	const struct kmcl_stream_end *end = kmcl_stream_check_end(chunk, ctx->chunks);

	if (!end || end->streams ||
	    le32_to_cpu(end->taken) != ctx->end.taken ||
	    le32_to_cpu(end->received) != ctx->end.received ||
	    le32_to_cpu(end->completions) != ctx->end.completions ||
	    le32_to_cpu(end->queued) != ctx->end.queued ||
	    le32_to_cpu(end->sent) != ctx->end.sent)
		return -EBADMSG;
	return 0;
}

/* Is a chunk of @rank in its place? Single ones may come once. */
static bool kmcl_restore_in_order(const struct kmcl_restore_ctx *ctx,
				  enum kmcl_restore_rank rank)
{
	bool single = rank <= KMCL_RANK_STATE || rank == KMCL_RANK_END;

	/* Only an open link has packets on their way, and late completions. */
	if (((rank >= KMCL_RANK_TAKEN && rank <= KMCL_RANK_SENT) || rank == KMCL_RANK_LENT) &&
	    !ctx->open)
		return false;
	if (rank > KMCL_RANK_CHANNEL && ctx->rank < KMCL_RANK_CHANNEL)
		return false;
	return single ? rank > ctx->rank : rank >= ctx->rank;
}

/* One sound chunk. 0: go on; 1: the stream is complete; or an error. */
static int kmcl_restore_chunk(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
			      const struct kmcl_chunk *chunk)
{
	u32 type = le32_to_cpu(chunk->type), length = le32_to_cpu(chunk->length);
	const void *body = chunk + 1;
	enum kmcl_stream_kind kind;
	enum kmcl_restore_rank rank;
	int ret;

	ret = kmcl_chunk_follow(&ctx->stream, chunk);
	if (ret)
		return ret;
	if (!ctx->chunks++) {
		ret = kmcl_stream_check_header(chunk, &kind);
		return ret ?: kind == KMCL_STREAM_CHANNEL ? 0 : -EBADMSG;
	}
	switch (type) {
	case KMCL_CHUNK_CHANNEL:
		rank = KMCL_RANK_CHANNEL;
		break;
	case KMCL_CHUNK_CHANNEL_STATE:
		rank = KMCL_RANK_STATE;
		break;
	case KMCL_CHUNK_TAKEN:
		rank = KMCL_RANK_TAKEN;
		break;
	case KMCL_CHUNK_RECEIVED:
		rank = KMCL_RANK_RECEIVED;
		break;
	case KMCL_CHUNK_COMPLETION:
		rank = KMCL_RANK_COMPLETION;
		break;
	case KMCL_CHUNK_PACKET:
		if (length < sizeof(struct kmcl_save_packet))
			return -EBADMSG;
		rank = le32_to_cpu(((const struct kmcl_save_packet *)body)->state) ==
		       KMCL_SAVED_SENT ? KMCL_RANK_SENT : KMCL_RANK_QUEUED;
		break;
	case KMCL_CHUNK_LENT:
		rank = KMCL_RANK_LENT;
		break;
	case KMCL_CHUNK_END:
		rank = KMCL_RANK_END;
		break;
	case KMCL_CHUNK_HEADER:
		return -EBADMSG;
	default:
		return le32_to_cpu(chunk->flags) & KMCL_CHUNK_OPTIONAL ? 0 : -EOPNOTSUPP;
	}
	if (!kmcl_restore_in_order(ctx, rank))
		return -EBADMSG;
	ctx->rank = rank;

	switch (rank) {
	case KMCL_RANK_CHANNEL:
		return kmcl_restore_channel(ch, ctx, chunk);
	case KMCL_RANK_STATE:
		return kmcl_restore_state(ch, body, length);
	case KMCL_RANK_SENT:
	case KMCL_RANK_QUEUED:
		return kmcl_restore_packet(ch, ctx, body, length);
	case KMCL_RANK_LENT:
		return kmcl_restore_lent(ch, ctx, body, length);
	case KMCL_RANK_END:
		return kmcl_restore_end(ctx, chunk) ?: 1;
	default:
		return kmcl_restore_received(ch, ctx, type, body, length);
	}
}

/* What the consumer sent meanwhile comes behind what was restored. */
static void kmcl_restore_requeue_fresh(struct vmb_channel *ch)
{
	struct vmb_packet *pkt;

	lockdep_assert_held(&ch->lock);
	list_for_each_entry(pkt, &ch->tx_fresh, node)
		kmcl_packet_new_id(pkt);
	list_splice_tail_init(&ch->tx_fresh, &ch->tx_queue);
}

/*
 * Undo a restore (D20): one that is under way, or complete and never enabled;
 * with @idle not where a call is at it. The channel is as if new. False: it has
 * to wait, for what was restored is being saved.
 */
static bool kmcl_restore_drop(struct vmb_channel *ch, bool idle)
{
	struct vmb_packet_completion *held;
	struct vmb_packet *pkt, *tmp;
	struct kmcl_restore_ctx *ctx;
	unsigned long flags;
	bool undo, saved;

	spin_lock_irqsave(&ch->lock, flags);
	ctx = ch->restore;
	if (ctx)
		undo = !idle || !(ctx->busy || ctx->attaching);
	else
		undo = ch->restored && ch->state == KMCL_DISABLED && !ch->want_enabled;
	saved = undo && ch->saving;
	undo = undo && !saved;
	if (undo) {
		list_for_each_entry_safe(pkt, tmp, &ch->tx_sent, node)
			kmcl_send_done_locked(pkt, -ECANCELED);
		ch->nr_sent = 0;
		list_for_each_entry_safe(pkt, tmp, &ch->tx_queue, node) {
			ch->nr_queued--;
			kmcl_send_done_locked(pkt, -ECANCELED);
		}
		/* What the consumer took back it completes; nobody will hear of it. */
		list_for_each_entry(held, &ch->rx_held, node)
			held->bits |= KMCL_RX_STALE;
		kmcl_restore_requeue_fresh(ch);
		ch->restore = NULL;
		ch->restored = false;
		ch->restored_open = false;
		ch->late = 0;
		if (ch->own_quota)
			ch->quota = ch->own_quota;
		ch->own_quota = 0;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!undo)
		return !saved;
	kfree(ctx);
	kmcl_restore_instance(ch, &guid_null);
	kmcl_send_end_quarantine(ch, true);
	kmcl_send_wait_done(ch);
	kmcl_received_drop(ch);
	kmcl_life_kick(ch);
	return true;
}

void kmcl_restore_abandon(struct vmb_channel *ch)
{
	kmcl_restore_drop(ch, false);
}

/* The channel is disabled, or leaves its bus: so ends a restore that was left half-way. */
bool kmcl_restore_undo(struct vmb_channel *ch)
{
	return kmcl_restore_drop(ch, true);
}

static void kmcl_restore_finish(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx)
{
	unsigned long flags;
	bool attached;

	spin_lock_irqsave(&ch->lock, flags);
	attached = ch->attached;
	ch->link_state = attached ? VMB_LINK_RESET : VMB_LINK_NEW;
	spin_unlock_irqrestore(&ch->lock, flags);
	/* Enabled first, as Windows sources do: its link is a new one. */
	if (attached)
		kmcl_life_link_reset(ch);

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_restore_requeue_fresh(ch);
	ch->restore = NULL;
	ch->restored = true;
	ch->restored_open = ctx->open;
	ch->rx_failed = ctx->failed && !attached;
	spin_unlock_irqrestore(&ch->lock, flags);
	kfree(ctx);
	kmcl_life_kick(ch);
}

/* May a restore begin or go on? Begins it. */
static int kmcl_restore_enter(struct vmb_channel *ch, bool attaching,
			      struct kmcl_restore_ctx **ctxp)
{
	bool begins = !READ_ONCE(ch->restore);
	struct kmcl_restore_ctx *ctx = NULL;
	struct vmb_packet *pkt;
	unsigned long flags;
	int ret = 0;

	if (begins) {
		ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
		if (!ctx)
			return -ENOMEM;
	}
	spin_lock_irqsave(&ch->lock, flags);
	if (ch->restore) {
		if (ch->restore->busy || ch->restore->attaching != attaching)
			ret = -EBUSY;
	} else if (!begins || ch->saving || ch->restored || ch->nr_sent ||
		   (!attaching && (ch->state != KMCL_DISABLED || ch->want_enabled) &&
		    !(ch->server && ch->state == KMCL_ENABLED && ch->want_enabled &&
		      !ch->life_task && !ch->link_up && ch->paused))) {
		ret = -EBUSY;
	} else {
		ctx->attaching = attaching;
		ch->restore = ctx;
		ch->own_quota = 0;
		ctx = NULL;
		/* Nobody knows their ids yet: they make room for those in the stream. */
		list_for_each_entry(pkt, &ch->tx_queue, node)
			kmcl_packet_end_id(pkt);
		list_splice_tail_init(&ch->tx_queue, &ch->tx_fresh);
	}
	if (!ret) {
		*ctxp = ch->restore;
		ch->restore->busy = true;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	kfree(ctx);
	return ret;
}

static void kmcl_restore_leave(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ctx->busy = false;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* No memory just now. False: the channel is being disabled, waiting makes no sense. */
bool kmcl_restore_wait(struct vmb_channel *ch)
{
	kmcl_warn(ch, "no memory to restore it: tries again\n");
	return !wait_event_timeout(ch->life_wait, !READ_ONCE(ch->want_enabled),
				   KMCL_RESTORE_RETRY);
}

/*
 * A channel that is about to attach does not give up what was in flight for lack
 * of memory. What one chunk did is undone before it is looked at again, but for a
 * packet that is the library's already.
 */
static int kmcl_restore_chunk_attaching(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
					const struct kmcl_chunk *chunk)
{
	struct kmcl_restore_ctx before = *ctx;
	int ret;

	before.packet_done = false;
	do {
		*ctx = before;
		ret = kmcl_restore_chunk(ch, ctx, chunk);
	} while (ret == -ENOMEM && !ctx->packet_done && kmcl_restore_wait(ch));
	return ret;
}

int kmcl_restore_feed(struct vmb_channel *ch, const void *buffer, u32 size, bool attaching)
{
	struct kmcl_restore_ctx *ctx;
	u32 chunk_size = 0;
	int ret;

	ret = kmcl_restore_enter(ch, attaching, &ctx);
	if (ret)
		return ret;
	while (!ret && size) {
		/* What the store has was summed up when it was taken in, or is our own. */
		ret = attaching ? kmcl_chunk_frame(buffer, size, &chunk_size) :
				  kmcl_chunk_check(buffer, size, &chunk_size);
		if (ret == -EAGAIN)
			ret = -EBADMSG;
		if (!ret)
			ret = attaching ? kmcl_restore_chunk_attaching(ch, ctx, buffer) :
					  kmcl_restore_chunk(ch, ctx, buffer);
		if (!ret) {
			buffer += chunk_size;
			size -= chunk_size;
		}
	}
	if (ret == 1 && size != chunk_size)
		ret = -EBADMSG;
	if (ret == 1) {
		kmcl_restore_finish(ch, ctx);
		return 0;
	}
	if (!ret) {
		kmcl_restore_leave(ch, ctx);
		return -EAGAIN;
	}
	kmcl_restore_abandon(ch);
	return ret;
}

/**
 * vmb_channel_restore_from_buffer() - take in part of a channel's stream
 * @ch: a Disabled channel, configured, or a server that was enabled and neither
 *	opened nor started since (whose link then counts as reset)
 * @buffer: whole chunks, as vmb_channel_save_continue() wrote them; not kept
 * @size: their bytes
 *
 * The restore callbacks of the channel run here. Afterwards enable it: the old
 * link is adopted where the bus kept it, vmb_channel_get_link_state() says. Or
 * undo it with vmb_channel_disable().
 * Windows: VmbChannelRestoreFromBuffer, for servers.
 *
 * Context: process context.
 * Return: 0: the stream is complete; -EAGAIN: applied, go on with the next
 * chunks; nothing changed: -EINVAL without @buffer or @size, -EBUSY: the channel
 * is in another state, -EDEADLK and a WARN inside a callback of the channel.
 * After any other error nothing is restored, and packets that were handed back
 * have completed with -ECANCELED: -EBADMSG: damaged, out of order, or not a channel's stream;
 * -EOPNOTSUPP: a feature, a required chunk, or records without callbacks for
 * them; -EINVAL: another channel's, or beyond this one's limits; -EEXIST: a
 * transaction twice; -ENOMEM; or what a callback returned (-EIO where that was
 * -EAGAIN or no error).
 */
int vmb_channel_restore_from_buffer(struct vmb_channel *ch, const void *buffer, u32 size)
{
	might_sleep();
	if (!buffer || !size)
		return -EINVAL;
	if (WARN(kmcl_in_callback(ch), "%s: restored in a callback\n", ch->cfg.name))
		return -EDEADLK;
	return kmcl_restore_feed(ch, buffer, size, false);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_restore_from_buffer, KMCL_NS);
