// SPDX-License-Identifier: GPL-2.0
/*
 * The synchronous request: a packet whose transaction the caller waits for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>

#include "internal.h"

struct kmcl_sync {
	struct completion done;
	int status;
	void *buffer;
	u32 room;
	u32 length;
};

static void kmcl_sync_done(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct kmcl_sync *sync = vmb_packet_get_pointer(pkt);

	sync->status = status;
	sync->length = min(length, sync->room);
	if (sync->length)
		memcpy(sync->buffer, buffer, sync->length);
	complete_all(&sync->done);
}

static void kmcl_sync_count(struct vmb_channel *ch, int by)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->nr_sync += by;
	if (!ch->nr_sync)
		kmcl_life_kick(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
}

static bool kmcl_sync_still(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_still(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/* Cancel it. False: not while the channel is frozen or being saved. */
static bool kmcl_sync_cancel(struct vmb_packet *pkt, int *ret)
{
	struct vmb_channel *ch = pkt->channel;
	unsigned long flags;
	bool still;

	spin_lock_irqsave(&ch->lock, flags);
	still = kmcl_still(ch);
	if (!still)
		*ret = kmcl_send_cancel_locked(pkt);
	kmcl_send_unlock(ch, flags);
	return !still;
}

/*
 * It took too long. Where it ends at this very moment, or the peer may still
 * touch its memory, it cannot be cancelled and ends by itself.
 */
static int kmcl_sync_give_up(struct vmb_packet *pkt)
{
	int ret;

	while (!kmcl_sync_cancel(pkt, &ret))
		wait_event(pkt->channel->life_wait, !kmcl_sync_still(pkt->channel));
	return ret;
}

static int kmcl_sync_wait(struct vmb_packet *pkt, struct kmcl_sync *sync, const long *timeout)
{
	int ret = -ENOENT;

	if (timeout && !wait_for_completion_timeout(&sync->done, *timeout))
		ret = kmcl_sync_give_up(pkt);
	wait_for_completion(&sync->done);
	return ret ? sync->status : -ETIMEDOUT;
}

/**
 * vmb_channel_send_synchronous_request() - send, and wait for the answer
 * @ch: on which channel
 * @buffer: payload
 * @length: its bytes
 * @external: memory for the peer, or NULL
 * @flags: VMB_PACKET_FLAG_*; without %VMB_PACKET_FLAG_WAIT_FOR_COMPLETION it
 *	waits only until the packet is in the ring
 * @completion: where the answer goes, or NULL; what is beyond its size is cut
 * @completion_size: in: room there, a multiple of 8; out: bytes of the answer;
 *	NULL with @completion
 * @timeout: jiffies, 0: only what can be done at once; NULL: for ever
 *
 * A timeout cancels the packet; its completion comes late, is dropped and
 * counted. Not from Started, where completions do not flow yet; PostStarted is
 * the place. Windows: VmbChannelSendSynchronousRequest.
 *
 * Context: process context; on a server any that vmb_packet_allocate() may be
 * called in.
 * Return: 0; -EOPNOTSUPP: a server, which must not wait for its guest, with more
 * than a zero timeout and no wait, or external memory where the channel has none;
 * -EINVAL: @completion_size, a negative @timeout, flags, @external without the
 * wait, a chain that makes no sense; -EOVERFLOW:
 * zero timeout, and it did not fit: nothing was sent; -ETIMEDOUT; -ECANCELED;
 * -ENODEV: no link, or it ended; -EMSGSIZE; -ESHUTDOWN; -ENOMEM; -EDEADLK and a
 * WARN where it could never end.
 */
int vmb_channel_send_synchronous_request(struct vmb_channel *ch, const void *buffer, u32 length,
					 struct vmb_mdl *external, u32 flags, void *completion,
					 u32 *completion_size, const long *timeout)
{
	bool wait = flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION;
	bool now = timeout && !*timeout;
	struct kmcl_sync sync = { .buffer = completion };
	struct vmb_packet *pkt;
	u64 room = 0;
	int ret;

	if (ch->server && (!now || wait))
		return -EOPNOTSUPP;
	if ((completion && !completion_size) || (completion_size && *completion_size % 8) ||
	    (timeout && *timeout < 0))
		return -EINVAL;
	if (!ch->server) {
		might_sleep();
		if (WARN(READ_ONCE(ch->rx_task) == current || READ_ONCE(ch->tx_task) == current ||
			 (READ_ONCE(ch->life_task) == current && !READ_ONCE(ch->in_post_started)),
			 "%s: synchronous request where it cannot end\n", ch->cfg.name))
			return -EDEADLK;
	}
	if (external) {
		if (!wait)
			return -EINVAL;
		if (!ch->cfg.max_external)
			return -EOPNOTSUPP;
		ret = kmcl_mdl_length(external, ch->cfg.max_chain, &room);
		if (ret)
			return ret;
		if (room > ch->cfg.max_external)
			return -EMSGSIZE;
	}
	pkt = vmb_packet_allocate(ch);
	if (!pkt)
		return -ENOMEM;
	if (now && !wait) {
		/* Done once it is in the ring: nothing to wait for, and it frees itself. */
		ret = kmcl_send(pkt, buffer, length, NULL, 0, 0, flags, true);
		if (ret)
			vmb_packet_free(pkt);
		else if (completion_size)
			*completion_size = 0;
		return ret;
	}
	sync.room = completion ? *completion_size : 0;
	init_completion(&sync.done);
	pkt->sync = true;
	vmb_packet_set_pointer(pkt, &sync);
	vmb_packet_set_completion_routine(pkt, kmcl_sync_done);

	kmcl_sync_count(ch, 1);
	ret = kmcl_send(pkt, buffer, length, external, 0, room, flags, now);
	if (!ret)
		ret = kmcl_sync_wait(pkt, &sync, timeout);
	if (completion_size)
		*completion_size = sync.length;
	vmb_packet_free(pkt);
	kmcl_sync_count(ch, -1);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_send_synchronous_request, KMCL_NS);
