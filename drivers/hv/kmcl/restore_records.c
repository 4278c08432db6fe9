// SPDX-License-Identifier: GPL-2.0
/*
 * The records of a channel's stream: each is checked for its lengths and the
 * channel's limits before anything of it is used, then applied.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "restore.h"
#include "stream.h"

/* Generations that a stream may have used up: there is room for 2^40 sends more. */
#define KMCL_GENERATION_MAX	((1ULL << 44) - (1ULL << 40))

/*
 * What a callback returned as an error, so that nobody takes it for one of the
 * codes that say how far the restore has come.
 */
static int kmcl_restore_callback_error(int ret)
{
	return ret > 0 || ret == -EAGAIN ? -EIO : ret;
}

int kmcl_restore_channel(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
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
	bool external, transfer;

	if (!kmcl_restore_parts(length, sizeof(*rec), payload, ranges, private) || rec->reserved ||
	    le32_to_cpu(rec->flags) & ~(KMCL_SAVED_WANTS_COMPLETION | KMCL_SAVED_DEFERRED))
		return -EBADMSG;
	external = le32_to_cpu(rec->type) == KMCL_PACKET_GPA_DIRECT;
	transfer = le32_to_cpu(rec->type) == KMCL_PACKET_TRANSFER_PAGES;
	if (!external && !transfer && le32_to_cpu(rec->type) != KMCL_PACKET_INBAND)
		return -EBADMSG;
	if (payload > ALIGN(ch->cfg.max_packet_size, 8) || ranges > ch->header_max ||
	    private > VMB_MAX_SAVE_PRIVATE || (private && type != KMCL_CHUNK_RECEIVED))
		return -EINVAL;
	if (type == KMCL_CHUNK_COMPLETION)
		return ranges || payload > ch->cfg.max_packet_size ? -EBADMSG : 0;
	if (transfer)
		return kmcl_transfer_check(ch, (const u8 *)(rec + 1) + ALIGN(payload, 8), ranges);
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
				       kmcl_received_flags(pkt),
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

int kmcl_restore_received(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx, u32 type,
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
	if (!ranges != !rec->ext_len || !ranges != !rec->ext_token || ranges % 8)
		return -EBADMSG;
	if (!ranges)
		return 0;
	if (!(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		return -EBADMSG;
	return kmcl_ranges_check(ch, (const u8 *)(rec + 1) + ALIGN(payload, 8), ranges);
}

int kmcl_restore_packet(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
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

/* The packet claims what it had lent, in place of a reservation of its own. */
static int kmcl_restore_external(struct vmb_packet *pkt, u64 token, u32 ext_len)
{
	struct vmb_channel *ch = pkt->channel;
	bool small;
	int ret;

	if (!ch->ops->ext_adopt)
		return -EOPNOTSUPP;
	ret = kmcl_send_prepare_quarantine(pkt, GFP_KERNEL);
	if (ret)
		return ret;
	/* It was made for the limits of the consumer that was saved. */
	ret = ch->ops->ext_adopt(ch->cfg.bus, token, ch->cfg.max_external);
	small = ret;
	if (ret)
		ret = ch->ops->ext_adopt(ch->cfg.bus, token, ext_len);
	if (ret)
		return ret;
	if (pkt->ext_token)
		ch->ops->ext_release(ch->cfg.bus, pkt->ext_token);
	pkt->ext_token = token;
	pkt->ext_small = small;
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
 * routine, an id that cannot be, or external memory that is smaller than it was,
 * or not among what the bus kept; -EOPNOTSUPP: external memory, which the bus
 * does not keep; -EEXIST: the stream has that transaction twice; -EBUSY: a packet
 * that is being sent; -ENOMEM: only of a packet with external memory whose last
 * send was given up.
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
	    !pkt->routine || size != ctx->packet_size ||
	    (buffer != ctx->packet && memcmp(buffer, ctx->packet, size)))
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
		ret = kmcl_restore_external(pkt, le64_to_cpu(rec->ext_token), ext_len);
		if (ret)
			return ret;
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

/* Its packet was cancelled, and its late completion gives it back. */
int kmcl_restore_lent(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
		      const struct kmcl_save_lent *rec, u32 length)
{
	struct kmcl_quarantine *q;
	unsigned long flags;
	int ret;

	/* Each has a completion to come. */
	if (length != sizeof(*rec) || ctx->lent >= ch->late)
		return -EBADMSG;
	if (!ch->ops->ext_adopt)
		return -EOPNOTSUPP;
	q = kmalloc(sizeof(*q), GFP_KERNEL);
	if (!q)
		return -ENOMEM;
	q->id = le64_to_cpu(rec->id);
	q->token = le64_to_cpu(rec->ext_token);
	ret = ch->ops->ext_adopt(ch->cfg.bus, q->token, 1);
	if (ret) {
		kfree(q);
		return ret;
	}
	spin_lock_irqsave(&ch->lock, flags);
	list_add_tail(&q->node, &ch->quarantine);
	spin_unlock_irqrestore(&ch->lock, flags);
	ctx->lent++;
	return 0;
}

int kmcl_restore_state(struct vmb_channel *ch, const void *state, u32 length)
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
