// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring a channel from its stream, which may come from anywhere: each record
 * is checked for its lengths, the channel's limits and its place before anything
 * of it is used. What fails leaves the channel as if new.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "stream.h"

/* Where in the order of the stream a chunk belongs */
enum kmcl_restore_rank {
	KMCL_RANK_HEADER,
	KMCL_RANK_CHANNEL,
	KMCL_RANK_STATE,
	KMCL_RANK_TAKEN,
	KMCL_RANK_RECEIVED,
	KMCL_RANK_COMPLETION,
	KMCL_RANK_SENT,
	KMCL_RANK_QUEUED,
	KMCL_RANK_END,
};

/* Generations that a stream may have used up: there is room for 2^40 sends more. */
#define KMCL_GENERATION_MAX	((1ULL << 44) - (1ULL << 40))

/**
 * struct kmcl_restore_ctx - a restore under way
 * @stream: where it is
 * @rank: of the last chunk
 * @chunks: so far
 * @open: the channel had an open link
 * @failed: receiving had been stopped by the consumer
 * @attaching: fed by the channel's life, not by the consumer
 * @busy: fed just now; under vmb_channel.lock
 * @end: counts so far, in the processor's order
 * @packet: the restore callback's library part, while that runs
 * @packet_size: its bytes
 * @packet_done: vmb_packet_restore() took it
 */
struct kmcl_restore_ctx {
	struct kmcl_stream stream;
	enum kmcl_restore_rank rank;
	u32 chunks;
	bool open;
	bool failed;
	bool attaching;
	bool busy;
	struct {
		u32 taken;
		u32 received;
		u32 completions;
		u32 queued;
		u32 sent;
	} end;
	const void *packet;
	u32 packet_size;
	bool packet_done;
};

/*
 * What a callback returned as an error, so that nobody takes it for one of the
 * codes that say how far the restore has come.
 */
static int kmcl_restore_callback_error(int ret)
{
	return ret > 0 || ret == -EAGAIN ? -EIO : ret;
}

/* The instance that the channel is bound to: its own, until it says otherwise. */
static void kmcl_restore_instance(struct vmb_channel *ch, const guid_t *instance)
{
	mutex_lock(&kmcl_channels_mutex);
	guid_copy(&ch->instance, instance);
	mutex_unlock(&kmcl_channels_mutex);
}

static int kmcl_restore_channel(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
				const struct kmcl_chunk *chunk)
{
	const struct kmcl_save_channel *rec = kmcl_stream_check_channel(chunk);
	bool any = !ch->server && guid_is_null(&ch->cfg.instance);
	struct kmcl_identity mine;
	unsigned long flags;
	guid_t instance;
	u32 saved_flags;
	int ret;

	if (!rec)
		return -EBADMSG;
	saved_flags = le32_to_cpu(rec->flags);
	if (le32_to_cpu(rec->state) > KMCL_SAVED_OPEN ||
	    saved_flags & ~(KMCL_SAVED_PAUSED | KMCL_SAVED_FAILED) ||
	    !le32_to_cpu(rec->quota) || le32_to_cpu(rec->quota) > VMB_MAX_QUOTA ||
	    le64_to_cpu(rec->tx_generation) > KMCL_GENERATION_MAX ||
	    le32_to_cpu(rec->late) > VMB_MAX_PACKET_COUNT)
		return -EBADMSG;
	if (!ch->cfg.bus)
		return -EINVAL;
	kmcl_restore_instance(ch, &guid_null);
	kmcl_identity_of(ch, &mine);
	if (!kmcl_identity_match(&rec->identity, &mine, any)) {
		kmcl_err(ch, "the saved state is another channel's\n");
		return -EINVAL;
	}
	if (le32_to_cpu(rec->max_packet_size) > ch->cfg.max_packet_size ||
	    le32_to_cpu(rec->max_packets) > ch->cfg.max_packets ||
	    le32_to_cpu(rec->max_external_data) > ch->cfg.max_external ||
	    le32_to_cpu(rec->max_chain) > ch->cfg.max_chain) {
		kmcl_err(ch, "the saved state goes beyond the channel's limits\n");
		return -EINVAL;
	}
	ret = kmcl_channel_prepare(ch);
	if (ret)
		return ret;
	import_guid(&instance, rec->identity.instance);
	kmcl_restore_instance(ch, &instance);

	spin_lock_irqsave(&ch->lock, flags);
	ch->tx_generation = le64_to_cpu(rec->tx_generation);
	ch->late = le32_to_cpu(rec->late);
	ch->own_quota = ch->quota;
	ch->quota = le32_to_cpu(rec->quota);
	spin_unlock_irqrestore(&ch->lock, flags);
	ctx->open = le32_to_cpu(rec->state) == KMCL_SAVED_OPEN;
	ctx->failed = saved_flags & KMCL_SAVED_FAILED;
	return 0;
}

/* The three parts behind a record's head fit it exactly? */
static bool kmcl_restore_parts(u32 length, u32 head, u32 payload, u32 ranges, u32 private)
{
	return (u64)head + ALIGN((u64)payload, 8) + ALIGN((u64)ranges, 8) +
	       ALIGN((u64)private, 8) == length;
}

static int kmcl_restore_received_check(struct vmb_channel *ch, u32 type,
				       const struct kmcl_save_received *rec, u32 length)
{
	u32 payload = le32_to_cpu(rec->payload_len), ranges = le32_to_cpu(rec->ranges_len);
	u32 private = le32_to_cpu(rec->private_len);
	bool external;

	if (!kmcl_restore_parts(length, sizeof(*rec), payload, ranges, private) || rec->reserved ||
	    le32_to_cpu(rec->flags) & ~(KMCL_SAVED_WANTS_COMPLETION | KMCL_SAVED_DEFERRED))
		return -EBADMSG;
	external = le32_to_cpu(rec->type) == KMCL_PACKET_GPA_DIRECT;
	if (!external && le32_to_cpu(rec->type) != KMCL_PACKET_INBAND)
		return -EBADMSG;
	if (payload > ALIGN(ch->cfg.max_packet_size, 8) || ranges > ch->header_max ||
	    private > VMB_MAX_SAVE_PRIVATE || (private && type != KMCL_CHUNK_RECEIVED))
		return -EINVAL;
	if (type == KMCL_CHUNK_COMPLETION)
		return ranges || payload > ch->cfg.max_packet_size ? -EBADMSG : 0;
	if (!external)
		return ranges ? -EBADMSG : 0;
	return kmcl_ranges_check(ch, (const u8 *)(rec + 1) + ALIGN(payload, 8), ranges);
}

/* Give a received packet back to the consumer that held it. */
static int kmcl_restore_hold(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			     const void *private, u32 private_len)
{
	unsigned long flags;
	int ret;

	WRITE_ONCE(ch->save_task, current);
	ret = ch->cfg.restore_received(ch, pkt, kmcl_received_payload(pkt), pkt->payload_len,
				       pkt->type == KMCL_PACKET_GPA_DIRECT ?
				       VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA : 0,
				       private_len ? private : NULL, private_len);
	WRITE_ONCE(ch->save_task, NULL);
	ret = kmcl_restore_callback_error(ret);
	spin_lock_irqsave(&ch->lock, flags);
	pkt->bits &= ~KMCL_RX_IN_CALLBACK;
	if (pkt->state == KMCL_RECEIVED_FREE) {
		/* Completed in the callback, and nobody asked for it */
		kmcl_received_recycle(ch, pkt);
	} else if (ret && pkt->state == KMCL_RECEIVED_HELD) {
		list_del(&pkt->node);
		ch->nr_held--;
		kmcl_received_put(ch, pkt);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

static int kmcl_restore_received(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx, u32 type,
				 const struct kmcl_save_received *rec, u32 length)
{
	u32 payload, ranges, private, saved_flags;
	struct vmb_packet_completion *pkt;
	unsigned long flags;
	const u8 *at;
	int ret;

	if (length < sizeof(*rec))
		return -EBADMSG;
	ret = kmcl_restore_received_check(ch, type, rec, length);
	if (ret)
		return ret;
	if (type == KMCL_CHUNK_RECEIVED && !ch->cfg.restore_received)
		return -EOPNOTSUPP;
	if (ch->nr_slots >= VMB_MAX_QUOTA)
		return -EINVAL;
	payload = le32_to_cpu(rec->payload_len);
	ranges = le32_to_cpu(rec->ranges_len);
	private = le32_to_cpu(rec->private_len);
	saved_flags = le32_to_cpu(rec->flags);

	pkt = kmcl_received_alloc_restore(ch);
	if (!pkt)
		return -ENOMEM;
	pkt->id = le64_to_cpu(rec->id);
	pkt->type = le32_to_cpu(rec->type);
	pkt->flags = saved_flags & KMCL_SAVED_WANTS_COMPLETION ? KMCL_PACKET_WANTS_COMPLETION : 0;
	pkt->payload_len = payload;
	pkt->header_len = ranges;
	at = (const u8 *)(rec + 1);
	memcpy(kmcl_received_payload(pkt), at, payload);
	at += ALIGN(payload, 8);
	memcpy(kmcl_received_header(pkt), at, ranges);
	at += ALIGN(ranges, 8);

	spin_lock_irqsave(&ch->lock, flags);
	ch->nr_slots++;
	if (type == KMCL_CHUNK_TAKEN) {
		pkt->bits = saved_flags & KMCL_SAVED_DEFERRED ? KMCL_RX_DEFERRED : 0;
		list_add_tail(&pkt->node, &ch->rx_taken);
		ch->nr_taken++;
		ctx->end.taken++;
	} else if (type == KMCL_CHUNK_COMPLETION) {
		pkt->state = KMCL_RECEIVED_COMPLETING;
		list_add_tail(&pkt->node, &ch->tx_completions);
		ch->nr_completions++;
		ctx->end.completions++;
	} else {
		pkt->state = KMCL_RECEIVED_HELD;
		pkt->bits = KMCL_RX_IN_CALLBACK;
		list_add_tail(&pkt->node, &ch->rx_held);
		ch->nr_held++;
		ctx->end.received++;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return type == KMCL_CHUNK_RECEIVED ? kmcl_restore_hold(ch, pkt, at, private) : 0;
}

static int kmcl_restore_packet_check(struct vmb_channel *ch, const struct kmcl_save_packet *rec,
				     u32 length)
{
	u32 payload = le32_to_cpu(rec->payload_len), ranges = le32_to_cpu(rec->ranges_len);
	u32 private = le32_to_cpu(rec->private_len), flags = le32_to_cpu(rec->flags);
	u32 state = le32_to_cpu(rec->state);

	if (!kmcl_restore_parts(length, sizeof(*rec), payload, ranges, private) ||
	    state > KMCL_SAVED_SENT ||
	    flags & ~(VMB_PACKET_FLAG_WAIT_FOR_COMPLETION | VMB_PACKET_FLAG_FORCE_MDL_LENGTH |
		      VMB_PACKET_FLAG_PAGED_BUFFER) ||
	    (state == KMCL_SAVED_SENT && !(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION)))
		return -EBADMSG;
	if (payload > ch->cfg.max_packet_size || ranges > ch->ranges_max ||
	    private > VMB_MAX_SAVE_PRIVATE || le32_to_cpu(rec->ext_len) > ch->cfg.max_external)
		return -EINVAL;
	if (!ranges != !rec->ext_len || !ranges != !rec->ext_token)
		return -EBADMSG;
	if (!ranges)
		return 0;
	if (!(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		return -EBADMSG;
	return kmcl_ranges_check(ch, (const u8 *)(rec + 1) + ALIGN(payload, 8), ranges);
}

static int kmcl_restore_packet(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
			       const struct kmcl_save_packet *rec, u32 length)
{
	u32 private;
	int ret;

	ret = kmcl_restore_packet_check(ch, rec, length);
	if (ret)
		return ret;
	if (!ch->cfg.restore_packet)
		return -EOPNOTSUPP;
	private = le32_to_cpu(rec->private_len);
	ctx->packet = rec;
	ctx->packet_size = length - ALIGN(private, 8);
	ctx->packet_done = false;
	WRITE_ONCE(ch->save_task, current);
	ret = ch->cfg.restore_packet(ch, rec, ctx->packet_size, private ?
				     (const u8 *)rec + ctx->packet_size : NULL, private);
	WRITE_ONCE(ch->save_task, NULL);
	ctx->packet = NULL;
	if (ret)
		return kmcl_restore_callback_error(ret);
	if (WARN(!ctx->packet_done, "%s: restore callback without vmb_packet_restore()\n",
		 ch->cfg.name))
		return -EINVAL;
	if (le32_to_cpu(rec->state) == KMCL_SAVED_SENT)
		ctx->end.sent++;
	else
		ctx->end.queued++;
	return 0;
}

/**
 * vmb_packet_restore() - give a saved packet back to the library
 * @pkt: of vmb_packet_allocate(), with routine and pointer set; the library's,
 *	as if it had been sent, where 0 is returned
 * @buffer: the library's part, as the restore callback got it, or a copy
 * @size: its bytes
 *
 * The packet takes its old place in the order of sending, and its old
 * transaction id. Windows: VmbPacketRestore, for servers.
 *
 * Context: process context, inside the restore callback.
 * Return: 0; -EINVAL: not inside the callback, not this packet's part, no
 * routine, or external memory smaller than it was; -EEXIST: the stream has that
 * transaction twice; -EBUSY: a packet that is being sent.
 */
int vmb_packet_restore(struct vmb_packet *pkt, const void *buffer, u32 size)
{
	struct vmb_channel *ch = pkt->channel;
	const struct kmcl_save_packet *rec;
	struct kmcl_restore_ctx *ctx = ch->restore;
	u32 payload, ranges, ext_len;
	unsigned long flags;
	bool sent;
	int ret;

	if (READ_ONCE(ch->save_task) != current || !ctx || !ctx->packet || ctx->packet_done ||
	    !pkt->routine || size != ctx->packet_size || memcmp(buffer, ctx->packet, size))
		return -EINVAL;
	if (READ_ONCE(pkt->state) != KMCL_PACKET_IDLE)
		return -EBUSY;
	rec = ctx->packet;
	payload = le32_to_cpu(rec->payload_len);
	ranges = le32_to_cpu(rec->ranges_len);
	ext_len = le32_to_cpu(rec->ext_len);
	if (ext_len) {
		if (pkt->mdl && pkt->restored_len < ext_len)
			return -EINVAL;
		if (!ch->ops->ext_adopt)
			return -EOPNOTSUPP;
		ret = ch->ops->ext_adopt(ch->cfg.bus, le64_to_cpu(rec->ext_token),
					 ch->cfg.max_external);
		if (ret)
			return ret;
		if (pkt->ext_token)
			ch->ops->ext_release(ch->cfg.bus, pkt->ext_token);
		pkt->ext_token = le64_to_cpu(rec->ext_token);
	}
	memcpy(pkt->data, rec + 1, payload);
	memcpy(kmcl_packet_ranges(pkt), (const u8 *)(rec + 1) + ALIGN(payload, 8), ranges);
	pkt->payload_len = payload;
	pkt->ranges_len = ranges;
	pkt->ext_offset = 0;
	pkt->ext_len = ext_len;
	pkt->flags = le32_to_cpu(rec->flags);
	sent = le32_to_cpu(rec->state) == KMCL_SAVED_SENT;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_packet_claim_id(pkt, le64_to_cpu(rec->id));
	if (ret) {
		pkt->ext_len = 0;
		pkt->ranges_len = 0;
	} else if (sent) {
		pkt->state = KMCL_PACKET_SENT;
		list_add_tail(&pkt->node, &ch->tx_sent);
		ch->nr_sent++;
	} else {
		pkt->state = KMCL_PACKET_QUEUED;
		list_add_tail(&pkt->node, &ch->tx_queue);
		ch->nr_queued++;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	ctx->packet_done = !ret;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_restore, KMCL_NS);

static int kmcl_restore_state(struct vmb_channel *ch, const void *state, u32 length)
{
	int ret;

	if (!ch->cfg.restore_state)
		return -EOPNOTSUPP;
	if (!length || length > VMB_MAX_SAVE_STATE)
		return -EBADMSG;
	WRITE_ONCE(ch->save_task, current);
	ret = ch->cfg.restore_state(ch, state, length);
	WRITE_ONCE(ch->save_task, NULL);
	return kmcl_restore_callback_error(ret);
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

	/* Only an open link has packets on their way. */
	if (rank >= KMCL_RANK_TAKEN && rank <= KMCL_RANK_SENT && !ctx->open)
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
 * Undo a restore (D20): one that is under way, or complete and never enabled.
 * The channel is as if new.
 */
void kmcl_restore_abandon(struct vmb_channel *ch)
{
	struct vmb_packet_completion *held;
	struct vmb_packet *pkt, *tmp;
	struct kmcl_restore_ctx *ctx;
	unsigned long flags;
	bool undo;

	spin_lock_irqsave(&ch->lock, flags);
	ctx = ch->restore;
	undo = ctx || (ch->restored && ch->state == KMCL_DISABLED && !ch->want_enabled);
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
		return;
	kfree(ctx);
	kmcl_restore_instance(ch, &guid_null);
	kmcl_send_wait_done(ch);
	kmcl_receive_drop(ch);
	kmcl_life_kick(ch);
}

/* The channel is disabled, or leaves its bus: so ends a restore that was left half-way. */
void kmcl_restore_undo(struct vmb_channel *ch)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&ch->lock, flags);
	idle = !ch->restore || !(ch->restore->busy || ch->restore->attaching);
	spin_unlock_irqrestore(&ch->lock, flags);
	if (idle)
		kmcl_restore_abandon(ch);
}

static void kmcl_restore_finish(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx)
{
	unsigned long flags;
	bool attached;

	spin_lock_irqsave(&ch->lock, flags);
	attached = ch->attached;
	if (attached)
		ch->link_state = VMB_LINK_RESET;
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
	struct kmcl_restore_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	struct vmb_packet *pkt;
	unsigned long flags;
	int ret = 0;

	if (!ctx)
		return -ENOMEM;
	spin_lock_irqsave(&ch->lock, flags);
	if (ch->restore) {
		if (ch->restore->busy || ch->restore->attaching != attaching)
			ret = -EBUSY;
	} else if (ch->saving || ch->restored || ch->nr_sent ||
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
			pkt->id = 0;
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

int kmcl_restore_feed(struct vmb_channel *ch, const void *buffer, u32 size, bool attaching)
{
	struct kmcl_restore_ctx *ctx;
	u32 chunk_size = 0;
	int ret;

	ret = kmcl_restore_enter(ch, attaching, &ctx);
	if (ret)
		return ret;
	while (!ret && size) {
		ret = kmcl_chunk_check(buffer, size, &chunk_size);
		if (ret == -EAGAIN)
			ret = -EBADMSG;
		if (!ret)
			ret = kmcl_restore_chunk(ch, ctx, buffer);
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
 * chunks. After any other error nothing is restored, and packets that were
 * handed back have completed with -ECANCELED: -EBUSY: the channel is in another
 * state; -EBADMSG: damaged, out of order, or not a channel's stream;
 * -EOPNOTSUPP: a feature, a required chunk, or records without callbacks for
 * them; -EINVAL: another channel's, or beyond this one's limits; -EEXIST: a
 * transaction twice; -ENOMEM; or what a callback returned (-EIO where that was
 * -EAGAIN or no error); -EDEADLK and a WARN inside a callback of the channel.
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
