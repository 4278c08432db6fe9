// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: memory that the client shares.
 *
 * A GPADL belongs to a channel and is found by (channel, handle). While not
 * all of its messages are here it is found by its handle alone, since those
 * that follow the first name no channel.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

/* ---- messages to the client ---- */

static void vmbus_sg_send_created(struct vmbus_server *srv, u32 channel,
				  u32 handle, int error)
{
	const struct vmbus_msg_gpadl_created msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_GPADL_CREATED),
		.channel = cpu_to_le32(channel),
		.gpadl = cpu_to_le32(handle),
		.status = cpu_to_le32(error ? VMBUS_STATUS_UNSUCCESSFUL :
					      VMBUS_STATUS_OK),
	};

	if (error)
		srv->stats.refused++;
	vmbus_server_queue(srv, &msg, sizeof(msg));
}

static void vmbus_sg_send_torndown(struct vmbus_server *srv, u32 handle)
{
	const struct vmbus_msg_gpadl_torndown msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_GPADL_TORNDOWN),
		.gpadl = cpu_to_le32(handle),
	};

	vmbus_server_queue(srv, &msg, sizeof(msg));
}

/* ---- objects ---- */

struct vmbus_server_gpadl *vmbus_sg_new(struct vmbus_server_channel *chan,
					u32 handle, u32 nr_ranges, u32 nr_words,
					bool half_sent)
{
	struct vmbus_server *srv = chan->srv;
	struct vmbus_server_gpadl *g;
	int ret;

	if (chan->nr_gpadls >= VMBUS_MAX_GPADLS_PER_CHANNEL ||
	    srv->nr_gpadls >= VMBUS_MAX_GPADLS ||
	    srv->nr_words + nr_words > srv->max_words)
		return ERR_PTR(-ENOSPC);
	g = kvzalloc(struct_size(g, words, nr_words), GFP_KERNEL);
	if (!g)
		return ERR_PTR(-ENOMEM);
	g->chan = chan;
	vmbus_work_init(&g->work, VMBUS_WORK_GPADL);
	g->handle = handle;
	g->state = VMBUS_SG_HALF_SENT;
	g->nr_ranges = nr_ranges;
	g->nr_words = nr_words;
	ret = xa_insert(&chan->gpadls, handle, g, GFP_KERNEL);
	if (ret) {
		kvfree(g);
		return ERR_PTR(ret);
	}
	/* While it is not complete it is found by its handle alone, too. */
	if (half_sent)
		ret = xa_insert(&srv->half_sent, handle, g, GFP_KERNEL);
	if (ret) {
		xa_erase(&chan->gpadls, handle);
		kvfree(g);
		return ERR_PTR(ret);
	}
	chan->nr_gpadls++;
	srv->nr_gpadls++;
	srv->nr_words += nr_words;
	return g;
}

void vmbus_sg_free(struct vmbus_server_gpadl *g)
{
	struct vmbus_server_channel *chan = g->chan;
	struct vmbus_server *srv = chan->srv;

	vmbus_work_cancel(&g->work);
	if (xa_load(&srv->half_sent, g->handle) == g)
		xa_erase(&srv->half_sent, g->handle);
	xa_erase(&chan->gpadls, g->handle);
	chan->nr_gpadls--;
	srv->nr_gpadls--;
	srv->nr_words -= g->nr_words;
	kvfree(g);
}

/* Give it back, telling the client if it waits for that. */
static void vmbus_sg_gone(struct vmbus_server_gpadl *g)
{
	struct vmbus_server *srv = g->chan->srv;

	if (!g->silent)
		vmbus_sg_send_torndown(srv, g->handle);
	vmbus_sg_free(g);
	vmbus_server_settle(srv);
}

static void vmbus_sg_refuse(struct vmbus_server_gpadl *g)
{
	vmbus_sg_send_created(g->chan->srv, g->chan->id, g->handle, -EINVAL);
	vmbus_sg_free(g);
}

/* No device has anything to do with what this channel's client shares. */
static bool vmbus_sg_no_device(const struct vmbus_server_channel *chan)
{
	return chan->state == VMBUS_SC_REVOKED ||
	       chan->state == VMBUS_SC_REOFFERED;
}

/* ---- messages from the client ---- */

/* Take words of a message; complete the GPADL with the last one. */
static void vmbus_sg_add(struct vmbus_server_gpadl *g, const void *words,
			 size_t bytes)
{
	struct vmbus_server_channel *chan = g->chan;
	struct vmbus_server *srv = chan->srv;
	u32 nr = min_t(u32, bytes / sizeof(u64), g->nr_words - g->have);
	__le64 word;

	for (; nr; nr--, words += sizeof(word)) {
		memcpy(&word, words, sizeof(word));
		g->words[g->have++] = le64_to_cpu(word);
	}
	if (g->have < g->nr_words)
		return;
	xa_erase(&srv->half_sent, g->handle);
	if (vmbus_gpadl_validate(g->words, g->nr_words, g->nr_ranges,
				 srv->nr_pages)) {
		vmbus_sg_refuse(g);
	} else if (vmbus_sg_no_device(chan)) {
		/* Clients do not cope with a failure here. */
		g->state = VMBUS_SG_ACCEPTED;
		vmbus_sg_send_created(srv, chan->id, g->handle, 0);
	} else {
		g->state = VMBUS_SG_OFFERED;
		vmbus_server_kick(srv, &g->work, VMBUS_SG_DO_OFFER);
	}
}

void vmbus_sg_header(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_gpadl_header *msg = data;
	u32 channel = le32_to_cpu(msg->channel);
	u32 handle = le32_to_cpu(msg->gpadl);
	u16 bytes = le16_to_cpu(msg->len);
	u16 nr_ranges = le16_to_cpu(msg->count);
	struct vmbus_server_channel *chan;
	struct vmbus_server_gpadl *g;
	enum vmbus_drop why;

	chan = channel <= VMBUS_MAX_CHANNELS ? srv->ids[channel] : NULL;
	if (!chan) {
		why = VMBUS_DROP_CHANNEL;
	} else if (!nr_ranges || bytes % sizeof(u64) ||
		   bytes < 2 * sizeof(u64)) {
		why = VMBUS_DROP_CONTENT;
	} else {
		g = vmbus_sg_new(chan, handle, nr_ranges, bytes / sizeof(u64),
				 true);
		if (!IS_ERR(g)) {
			vmbus_sg_add(g, msg->words, len - sizeof(*msg));
			return;
		}
		/* A handle that is in use stays what it is. */
		why = PTR_ERR(g) == -EBUSY ? VMBUS_DROP_STATE :
					     VMBUS_DROP_LIMIT;
	}
	vmbus_server_drop(srv, why);
	vmbus_sg_send_created(srv, channel, handle, -EINVAL);
}

void vmbus_sg_body(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_gpadl_body *msg = data;
	struct vmbus_server_gpadl *g;

	g = xa_load(&srv->half_sent, le32_to_cpu(msg->gpadl));
	if (g)
		vmbus_sg_add(g, msg->words, len - sizeof(*msg));
	else	/* nobody to answer: the channel is not known */
		vmbus_server_drop(srv, VMBUS_DROP_GPADL);
}

void vmbus_sg_teardown(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_gpadl_teardown *msg = data;
	u32 channel = le32_to_cpu(msg->channel);
	u32 handle = le32_to_cpu(msg->gpadl);
	struct vmbus_server_channel *chan;
	struct vmbus_server_gpadl *g;

	chan = channel <= VMBUS_MAX_CHANNELS ? srv->ids[channel] : NULL;
	if (!chan) {
		vmbus_server_drop(srv, VMBUS_DROP_CHANNEL);
		return;
	}
	g = xa_load(&chan->gpadls, handle);
	if (!g) {
		/*
		 * The close of a primary takes its subchannels' GPADLs away.
		 * A client that does it itself, too, waits for an answer.
		 */
		if (chan->offer.key.subchannel)
			vmbus_sg_send_torndown(srv, handle);
		else
			vmbus_server_drop(srv, VMBUS_DROP_GPADL);
	} else if (g->state == VMBUS_SG_ACCEPTED) {
		if (vmbus_sg_no_device(chan)) {
			vmbus_sg_gone(g);
			return;
		}
		g->state = VMBUS_SG_TEARDOWN;
		vmbus_server_kick(srv, &g->work, VMBUS_SG_DO_TEARDOWN);
	} else if (g->state == VMBUS_SG_TEARDOWN && g->silent) {
		g->silent = false;
	} else {
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
	}
}

/* ---- what happens to the channel happens to its GPADLs ---- */

static void vmbus_sg_take_away(struct vmbus_server_gpadl *g)
{
	g->state = VMBUS_SG_TEARDOWN;
	g->silent = true;
	vmbus_server_kick(g->chan->srv, &g->work, VMBUS_SG_DO_TEARDOWN);
}

/* The client has forgotten the channel and waits for no answer. */
void vmbus_sg_client_release(struct vmbus_server_channel *chan)
{
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	xa_for_each(&chan->gpadls, handle, g) {
		if (vmbus_sg_no_device(chan) || g->state == VMBUS_SG_HALF_SENT ||
		    g->work.pending & VMBUS_SG_DO_OFFER) {
			vmbus_sg_free(g);
		} else if (g->state == VMBUS_SG_ACCEPTED) {
			vmbus_sg_take_away(g);
		} else if (g->state == VMBUS_SG_TEARDOWN) {
			g->silent = true;
			vmbus_server_kick(chan->srv, &g->work, 0);
		} else {
			g->state = VMBUS_SG_OFFERED_GONE;
		}
	}
}

/* The channel's primary was closed: an answer now, then as above. */
void vmbus_sg_primary_closed(struct vmbus_server_channel *chan)
{
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	xa_for_each(&chan->gpadls, handle, g) {
		if (g->state == VMBUS_SG_HALF_SENT ||
		    g->work.pending & VMBUS_SG_DO_OFFER) {
			vmbus_sg_refuse(g);
		} else if (g->state == VMBUS_SG_OFFERED) {
			vmbus_sg_send_created(chan->srv, chan->id, g->handle,
					      -ENODEV);
			g->state = VMBUS_SG_OFFERED_GONE;
		} else if (g->state == VMBUS_SG_ACCEPTED) {
			vmbus_sg_take_away(g);
		}
	}
}

/* The device is gone: answer in its stead. What is quiet stays. */
void vmbus_sg_revoke(struct vmbus_server_channel *chan)
{
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	if (vmbus_sg_no_device(chan))
		return;
	xa_for_each(&chan->gpadls, handle, g) {
		if (!chan->id || g->state == VMBUS_SG_OFFERED_GONE)
			vmbus_sg_free(g);
		else if (g->state == VMBUS_SG_OFFERED)
			vmbus_sg_refuse(g);
		else if (g->state == VMBUS_SG_TEARDOWN)
			vmbus_sg_gone(g);
	}
}

/* ---- actions to the device, and its answers ---- */

void vmbus_sg_deliver(struct vmbus_server_gpadl *g)
{
	struct vmbus_server_channel *chan = g->chan;
	const struct vmbus_server_ops *ops = chan->srv->ops;

	if (g->work.pending & VMBUS_SG_DO_OFFER) {
		if (!chan->attached)
			return;		/* until it is claimed */
		g->work.pending = 0;
		if (ops->gpadl)
			ops->gpadl(chan, chan->context, g);
		else
			vmbus_server_gpadl_done(chan, g->handle, 0);
	} else if (g->work.pending & VMBUS_SG_DO_TEARDOWN) {
		/*
		 * Clients send it right after the close, which takes a while:
		 * never pull memory from under a ring.
		 */
		if (vmbus_sc_busy(chan) && g->handle == chan->req.ring_gpadl)
			return;
		/* A device that claims the channel may go on using it. */
		if (!chan->attached && vmbus_sc_busy(chan))
			return;
		g->work.pending = 0;
		if (chan->attached && ops->gpadl_teardown)
			ops->gpadl_teardown(chan, chan->context, g);
		else
			vmbus_sg_gone(g);
	}
}

static struct vmbus_server_gpadl *
vmbus_sg_asked(struct vmbus_server_channel *chan, u32 handle)
{
	struct vmbus_server_gpadl *g;

	if (chan->dead)
		return ERR_PTR(-ENODEV);
	g = xa_load(&chan->gpadls, handle);
	if (!g || g->work.pending || vmbus_sg_no_device(chan))
		return ERR_PTR(-EINVAL);
	return g;
}

/**
 * vmbus_server_gpadl_done() - answer ops->gpadl
 * @chan: the channel
 * @handle: the GPADL's handle
 * @error: 0, or the GPADL is refused (and gone)
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL if nothing was asked.
 */
int vmbus_server_gpadl_done(struct vmbus_server_channel *chan, u32 handle,
			    int error)
{
	struct vmbus_server_gpadl *g = vmbus_sg_asked(chan, handle);
	struct vmbus_server *srv = chan->srv;

	if (IS_ERR(g))
		return PTR_ERR(g);
	if (g->state == VMBUS_SG_OFFERED) {
		if (error) {
			vmbus_sg_refuse(g);
		} else {
			g->state = VMBUS_SG_ACCEPTED;
			vmbus_sg_send_created(srv, chan->id, handle, 0);
		}
	} else if (g->state == VMBUS_SG_OFFERED_GONE) {
		if (error)
			vmbus_sg_free(g);
		else
			vmbus_sg_take_away(g);
		vmbus_server_settle(srv);
	} else {
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_done, KMCL_NS);

/**
 * vmbus_server_gpadl_teardown_done() - answer ops->gpadl_teardown
 * @chan: the channel
 * @handle: the GPADL's handle, not to be used any more
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL if nothing was asked.
 */
int vmbus_server_gpadl_teardown_done(struct vmbus_server_channel *chan,
				     u32 handle)
{
	struct vmbus_server_gpadl *g = vmbus_sg_asked(chan, handle);

	if (IS_ERR(g))
		return PTR_ERR(g);
	if (g->state != VMBUS_SG_TEARDOWN)
		return -EINVAL;
	vmbus_sg_gone(g);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_teardown_done, KMCL_NS);

/* ---- looking ---- */

/**
 * vmbus_server_gpadl_find() - find a GPADL
 * @chan: its channel
 * @handle: its handle
 *
 * Return: the GPADL, complete and valid, or NULL. It is good until its
 * teardown is answered, it is refused, or the channel is revoked.
 */
const struct vmbus_server_gpadl *
vmbus_server_gpadl_find(const struct vmbus_server_channel *chan, u32 handle)
{
	const struct vmbus_server_gpadl *g;

	if (chan->dead || vmbus_sg_no_device(chan))
		return NULL;
	g = xa_load((struct xarray *)&chan->gpadls, handle);
	return g && g->state != VMBUS_SG_HALF_SENT ? g : NULL;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_find, KMCL_NS);

/**
 * vmbus_server_gpadl_handle() - handle of a GPADL
 * @gpadl: the GPADL
 *
 * Return: what the client calls it.
 */
u32 vmbus_server_gpadl_handle(const struct vmbus_server_gpadl *gpadl)
{
	return gpadl->handle;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_handle, KMCL_NS);

/**
 * vmbus_server_gpadl_ranges() - number of ranges in a GPADL
 * @gpadl: the GPADL
 *
 * Return: the number, at least 1.
 */
u32 vmbus_server_gpadl_ranges(const struct vmbus_server_gpadl *gpadl)
{
	return gpadl->nr_ranges;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_ranges, KMCL_NS);

/**
 * vmbus_server_gpadl_range() - one range of a GPADL
 * @gpadl: the GPADL
 * @index: which, from 0
 * @range: filled; its page numbers are good as long as the GPADL
 *
 * Return: 0, or -ERANGE.
 */
int vmbus_server_gpadl_range(const struct vmbus_server_gpadl *gpadl, u32 index,
			     struct vmbus_gpadl_range *range)
{
	u32 i = 0;

	if (index >= gpadl->nr_ranges)
		return -ERANGE;
	for (;;) {
		u64 word = gpadl->words[i++];

		range->byte_count = vmbus_gpadl_range_count(word);
		range->byte_offset = vmbus_gpadl_range_offset(word);
		range->nr_pages = vmbus_gpadl_range_pages(range->byte_count,
							  range->byte_offset);
		range->pfns = &gpadl->words[i];
		if (!index--)
			return 0;
		i += range->nr_pages;
	}
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_gpadl_range, KMCL_NS);
