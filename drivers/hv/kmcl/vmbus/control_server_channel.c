// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: life of an offered channel.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

struct vmbus_server_channel *vmbus_sc_new(struct vmbus_server *srv,
					  const struct vmbus_offer *offer)
{
	struct vmbus_server_channel *chan;

	chan = kzalloc(sizeof(*chan), GFP_KERNEL);
	if (!chan)
		return NULL;
	chan->srv = srv;
	chan->offer = *offer;
	vmbus_work_init(&chan->work, VMBUS_WORK_CHANNEL);
	xa_init(&chan->gpadls);
	list_add_tail(&chan->node, &srv->channels);
	srv->nr_channels++;
	return chan;
}

void vmbus_sc_free(struct vmbus_server_channel *chan)
{
	struct vmbus_server *srv = chan->srv;
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	xa_for_each(&chan->gpadls, handle, g)
		vmbus_sg_free(g);
	xa_destroy(&chan->gpadls);
	vmbus_work_cancel(&chan->work);
	if (chan->id) {
		srv->ids[chan->id] = NULL;
		srv->free_from = min(srv->free_from, chan->id);
	}
	list_del(&chan->node);
	srv->nr_channels--;
	kfree(chan);
}

static struct vmbus_server_channel *vmbus_sc_by_id(struct vmbus_server *srv,
						   u32 id)
{
	struct vmbus_server_channel *chan = NULL;

	if (id <= VMBUS_MAX_CHANNELS)
		chan = srv->ids[id];
	if (!chan)
		vmbus_server_drop(srv, VMBUS_DROP_CHANNEL);
	return chan;
}

/* ---- messages to the client ---- */

/* Offer a channel that the client does not know. */
void vmbus_sc_send_offer(struct vmbus_server_channel *chan)
{
	struct vmbus_server *srv = chan->srv;
	const struct vmbus_offer *offer = &chan->offer;
	struct vmbus_msg_offer_channel msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_OFFER_CHANNEL),
		.type = offer->key.type,
		.instance = offer->key.instance,
		.flags = cpu_to_le16(offer->flags),
		.mmio_megabytes = cpu_to_le16(offer->mmio_megabytes),
		.subchannel = cpu_to_le16(offer->key.subchannel),
		.optional_mmio_megabytes =
			cpu_to_le16(offer->optional_mmio_megabytes),
		.monitor_id = VMBUS_MONITOR_NONE,
		.is_dedicated = cpu_to_le16(1),
	};
	u32 id;

	if (!srv->offers_sent || !chan->attached ||
	    chan->state != VMBUS_SC_CLIENT_RELEASED || chan->dead)
		return;
	id = max(srv->free_from, 1U);
	while (id <= VMBUS_MAX_CHANNELS && srv->ids[id])
		id++;
	/* There are never more channels than numbers. */
	if (WARN_ON_ONCE(id > VMBUS_MAX_CHANNELS))
		return;
	srv->free_from = id + 1;
	srv->ids[id] = chan;
	chan->id = id;
	chan->state = VMBUS_SC_CLOSED;
	msg.channel = cpu_to_le32(id);
	msg.connection_id = cpu_to_le32(vmbus_signal_connection_id(id));
	memcpy(msg.user_data, offer->user_data, sizeof(msg.user_data));
	vmbus_server_queue(srv, &msg, sizeof(msg));
}

static u32 vmbus_status(struct vmbus_server *srv, int error)
{
	if (!error)
		return VMBUS_STATUS_OK;
	srv->stats.refused++;
	return VMBUS_STATUS_UNSUCCESSFUL;
}

static void vmbus_sc_send_open_result(struct vmbus_server_channel *chan,
				      u32 open_id, int error)
{
	const struct vmbus_msg_open_result msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_OPEN_CHANNEL_RESULT),
		.channel = cpu_to_le32(chan->id),
		.open_id = cpu_to_le32(open_id),
		.status = cpu_to_le32(vmbus_status(chan->srv, error)),
	};

	vmbus_server_queue(chan->srv, &msg, sizeof(msg));
}

static void vmbus_sc_send_modify_response(struct vmbus_server_channel *chan,
					  int error)
{
	const struct vmbus_msg_modify_response msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_MODIFY_CHANNEL_RESPONSE),
		.channel = cpu_to_le32(chan->id),
		.status = cpu_to_le32(vmbus_status(chan->srv, error)),
	};

	vmbus_server_queue(chan->srv, &msg, sizeof(msg));
}

static void vmbus_sc_end_modify(struct vmbus_server_channel *chan, int error)
{
	chan->work.pending &= ~VMBUS_SC_DO_MODIFY;
	chan->modifying = false;
	vmbus_sc_send_modify_response(chan, error);
}

/* ---- open and close ---- */

/* One accepted range of whole pages, cut into two rings of two pages or more. */
bool vmbus_sc_ring_ok(struct vmbus_server_channel *chan,
		      const struct vmbus_open_request *req)
{
	const struct vmbus_server_gpadl *g;
	u32 pages;

	g = xa_load(&chan->gpadls, req->ring_gpadl);
	if (!g || g->state == VMBUS_SG_HALF_SENT || g->nr_ranges != 1 ||
	    vmbus_gpadl_range_offset(g->words[0]) ||
	    vmbus_gpadl_range_count(g->words[0]) & (VMBUS_PAGE_SIZE - 1))
		return false;
	pages = g->nr_words - 1;
	return req->downstream_page >= 2 && pages >= 4 &&
	       req->downstream_page <= pages - 2;
}

static void vmbus_sc_start_open(struct vmbus_server_channel *chan,
				const struct vmbus_open_request *req)
{
	const struct vmbus_server_gpadl *g;

	g = xa_load(&chan->gpadls, req->ring_gpadl);
	if (!g || g->state != VMBUS_SG_ACCEPTED ||
	    !vmbus_sc_ring_ok(chan, req)) {
		chan->state = VMBUS_SC_CLOSED;
		vmbus_sc_send_open_result(chan, req->open_id, -EINVAL);
		return;
	}
	chan->req = *req;
	chan->state = VMBUS_SC_OPENING;
	vmbus_server_kick(chan->srv, &chan->work, VMBUS_SC_DO_OPEN);
}

static void vmbus_sc_start_close(struct vmbus_server_channel *chan)
{
	/* A request that the device never saw ends here. */
	if (chan->work.pending & VMBUS_SC_DO_MODIFY)
		vmbus_sc_end_modify(chan, -EIO);
	chan->state = VMBUS_SC_CLOSING;
	vmbus_server_kick(chan->srv, &chan->work, VMBUS_SC_DO_CLOSE);
}

/* The device has nothing open (any more), go to the state that follows. */
void vmbus_sc_closed(struct vmbus_server_channel *chan)
{
	const struct vmbus_open_request next = chan->next_req;

	chan->req = vmbus_no_request;
	chan->next_req = vmbus_no_request;
	chan->close_wanted = false;
	if (chan->modifying)
		vmbus_sc_end_modify(chan, -EIO);
	if (chan->state == VMBUS_SC_CLOSING_REOPEN)
		vmbus_sc_start_open(chan, &next);
	else if (chan->id)
		chan->state = VMBUS_SC_CLOSED;
	else
		chan->state = VMBUS_SC_CLIENT_RELEASED;
	/* The ring's GPADL may have waited for this. */
	vmbus_sc_kick_all(chan);
	vmbus_server_settle(chan->srv);
}

/* See again to actions that could not be delivered. */
void vmbus_sc_kick_all(struct vmbus_server_channel *chan)
{
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	xa_for_each(&chan->gpadls, handle, g)
		vmbus_server_kick(chan->srv, &g->work, 0);
	vmbus_server_kick(chan->srv, &chan->work, 0);
}

/* An open that the device never saw, or has refused. */
static void vmbus_sc_open_failed(struct vmbus_server_channel *chan, int error)
{
	chan->work.pending &= ~VMBUS_SC_DO_OPEN;
	vmbus_sc_send_open_result(chan, chan->req.open_id, error);
	vmbus_sc_closed(chan);
}

/* When the primary is closed its subchannels are, with all they had. */
static void vmbus_sc_primary_closed(struct vmbus_server_channel *primary)
{
	struct vmbus_server_channel *sub;

	list_for_each_entry(sub, &primary->srv->channels, node) {
		if (sub == primary || !sub->id || sub->dead ||
		    sub->state == VMBUS_SC_REOFFERED ||
		    !vmbus_key_same_device(&sub->offer.key, &primary->offer.key))
			continue;
		switch (sub->state) {
		case VMBUS_SC_OPEN:
			vmbus_sc_start_close(sub);
			break;
		case VMBUS_SC_OPENING:
			if (sub->work.pending & VMBUS_SC_DO_OPEN)
				vmbus_sc_open_failed(sub, -ENODEV);
			else
				sub->close_wanted = true;
			break;
		case VMBUS_SC_CLOSING_REOPEN:
			vmbus_sc_send_open_result(sub, sub->next_req.open_id,
						  -ENODEV);
			sub->next_req = vmbus_no_request;
			sub->state = VMBUS_SC_CLOSING;
			break;
		default:
			break;
		}
		vmbus_sg_primary_closed(sub);
	}
}

/* The client has forgotten the channel's number. May free the channel. */
void vmbus_sc_client_release(struct vmbus_server_channel *chan)
{
	vmbus_sg_client_release(chan);
	chan->srv->ids[chan->id] = NULL;
	chan->srv->free_from = min(chan->srv->free_from, chan->id);
	chan->id = 0;
	chan->modifying = false;
	chan->close_wanted = false;
	chan->next_req = vmbus_no_request;
	chan->work.pending &= ~VMBUS_SC_DO_MODIFY;
	switch (chan->state) {
	case VMBUS_SC_OPENING:
		if (chan->work.pending & VMBUS_SC_DO_OPEN) {
			/* Not seen by the device, which may be paused. */
			chan->work.pending &= ~VMBUS_SC_DO_OPEN;
			chan->req = vmbus_no_request;
			chan->state = VMBUS_SC_CLIENT_RELEASED;
		} else {
			chan->state = VMBUS_SC_OPENING_CLIENT_RELEASE;
		}
		break;
	case VMBUS_SC_OPEN:
		chan->state = VMBUS_SC_CLOSING_CLIENT_RELEASE;
		vmbus_server_kick(chan->srv, &chan->work, VMBUS_SC_DO_CLOSE);
		break;
	case VMBUS_SC_CLOSING:
	case VMBUS_SC_CLOSING_REOPEN:
		chan->state = VMBUS_SC_CLOSING_CLIENT_RELEASE;
		break;
	case VMBUS_SC_REVOKED:
		chan->state = VMBUS_SC_CLIENT_RELEASED;
		if (!chan->attached)
			vmbus_sc_free(chan);
		break;
	default:
		chan->state = VMBUS_SC_CLIENT_RELEASED;
		break;
	}
}

/* ---- messages from the client ---- */

static bool vmbus_sc_crossed(struct vmbus_server_channel *chan)
{
	if (chan->state != VMBUS_SC_REVOKED &&
	    chan->state != VMBUS_SC_REOFFERED)
		return false;
	vmbus_server_drop(chan->srv, VMBUS_DROP_REVOKED);
	return true;
}

void vmbus_sc_msg_open(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_open_channel *msg = data;
	struct vmbus_server_channel *chan;
	struct vmbus_open_request req = {
		.open_id = le32_to_cpu(msg->open_id),
		.ring_gpadl = le32_to_cpu(msg->ring_gpadl),
		.target_vp = le32_to_cpu(msg->target_vp),
		.downstream_page = le32_to_cpu(msg->downstream_page),
	};

	chan = vmbus_sc_by_id(srv, le32_to_cpu(msg->channel));
	if (!chan || vmbus_sc_crossed(chan))
		return;
	memcpy(req.user_data, msg->user_data, sizeof(req.user_data));
	if (chan->state == VMBUS_SC_CLOSED) {
		vmbus_sc_start_open(chan, &req);
	} else if (chan->state == VMBUS_SC_CLOSING) {
		/* A close has no reply, the client cannot know better. */
		chan->next_req = req;
		chan->state = VMBUS_SC_CLOSING_REOPEN;
	} else {
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
	}
}

void vmbus_sc_msg_close(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_channel *msg = data;
	struct vmbus_server_channel *chan;

	chan = vmbus_sc_by_id(srv, le32_to_cpu(msg->channel));
	if (!chan || vmbus_sc_crossed(chan))
		return;
	if (chan->state != VMBUS_SC_OPEN) {
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
		return;
	}
	vmbus_sc_start_close(chan);
	if (!chan->offer.key.subchannel)
		vmbus_sc_primary_closed(chan);
}

void vmbus_sc_msg_released(struct vmbus_server *srv, const void *data,
			   size_t len)
{
	const struct vmbus_msg_channel *msg = data;
	struct vmbus_server_channel *chan;

	chan = vmbus_sc_by_id(srv, le32_to_cpu(msg->channel));
	if (!chan)
		return;
	switch (chan->state) {
	case VMBUS_SC_CLOSED:
	case VMBUS_SC_CLOSING:
	case VMBUS_SC_REVOKED:
		vmbus_sc_client_release(chan);
		break;
	case VMBUS_SC_REOFFERED:
		vmbus_sc_client_release(chan);
		vmbus_sc_send_offer(chan);
		break;
	default:
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
		break;
	}
}

void vmbus_sc_msg_modify(struct vmbus_server *srv, const void *data, size_t len)
{
	const struct vmbus_msg_modify_channel *msg = data;
	u32 target_vp = le32_to_cpu(msg->target_vp);
	struct vmbus_server_channel *chan;

	chan = vmbus_sc_by_id(srv, le32_to_cpu(msg->channel));
	if (!chan || vmbus_sc_crossed(chan))
		return;
	if (chan->modifying) {
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
	} else if (chan->state != VMBUS_SC_OPEN || target_vp == VMBUS_VP_NONE ||
		   chan->req.target_vp == VMBUS_VP_NONE) {
		vmbus_sc_send_modify_response(chan, -EINVAL);
	} else {
		chan->modifying = true;
		chan->modify_vp = target_vp;
		vmbus_server_kick(srv, &chan->work, VMBUS_SC_DO_MODIFY);
	}
}

/* ---- actions to the device, and its answers ---- */

void vmbus_sc_deliver(struct vmbus_server_channel *chan)
{
	const struct vmbus_server_ops *ops = chan->srv->ops;
	u8 *pending = &chan->work.pending;

	if (*pending & VMBUS_SC_DO_CLOSE) {
		/* What nobody claimed is nowhere open. */
		*pending &= ~VMBUS_SC_DO_CLOSE;
		if (chan->attached && ops->close)
			ops->close(chan, chan->context);
		else
			vmbus_sc_closed(chan);
	} else if (*pending & VMBUS_SC_DO_OPEN && chan->close_wanted) {
		vmbus_sc_open_failed(chan, -ENODEV);
	} else if (!chan->attached || chan->paused) {
		return;		/* until it is claimed or resumed */
	} else if (*pending & VMBUS_SC_DO_OPEN) {
		*pending &= ~VMBUS_SC_DO_OPEN;
		if (ops->open)
			ops->open(chan, chan->context, &chan->req);
		else
			vmbus_server_open_result(chan, -EOPNOTSUPP);
	} else if (*pending & VMBUS_SC_DO_MODIFY) {
		*pending &= ~VMBUS_SC_DO_MODIFY;
		if (ops->modify)
			ops->modify(chan, chan->context, chan->modify_vp);
		else
			vmbus_server_modify_done(chan, -EOPNOTSUPP);
	}
}

/**
 * vmbus_server_open_result() - answer ops->open
 * @chan: the channel
 * @error: 0 if it is open now, else the client is told that it failed
 *
 * If the client has gone meanwhile, a success is followed by ops->close.
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL if nothing was asked.
 */
int vmbus_server_open_result(struct vmbus_server_channel *chan, int error)
{
	if (chan->dead)
		return -ENODEV;
	if (chan->work.pending & VMBUS_SC_DO_OPEN)
		return -EINVAL;
	if (chan->state == VMBUS_SC_OPENING && !chan->close_wanted && !error) {
		chan->state = VMBUS_SC_OPEN;
		vmbus_sc_send_open_result(chan, chan->req.open_id, 0);
	} else if (chan->state == VMBUS_SC_OPENING && error) {
		vmbus_sc_open_failed(chan, error);
	} else if (chan->state == VMBUS_SC_OPENING) {
		chan->close_wanted = false;
		vmbus_sc_send_open_result(chan, chan->req.open_id, -ENODEV);
		vmbus_sc_start_close(chan);
	} else if (chan->state != VMBUS_SC_OPENING_CLIENT_RELEASE) {
		return -EINVAL;
	} else if (error) {
		vmbus_sc_closed(chan);
	} else {
		chan->state = VMBUS_SC_CLOSING_CLIENT_RELEASE;
		vmbus_server_kick(chan->srv, &chan->work, VMBUS_SC_DO_CLOSE);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_open_result, KMCL_NS);

/**
 * vmbus_server_close_done() - answer ops->close
 * @chan: the channel
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL if nothing was asked.
 */
int vmbus_server_close_done(struct vmbus_server_channel *chan)
{
	if (chan->dead)
		return -ENODEV;
	if ((chan->state != VMBUS_SC_CLOSING &&
	     chan->state != VMBUS_SC_CLOSING_REOPEN &&
	     chan->state != VMBUS_SC_CLOSING_CLIENT_RELEASE) ||
	    chan->work.pending & VMBUS_SC_DO_CLOSE)
		return -EINVAL;
	vmbus_sc_closed(chan);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_close_done, KMCL_NS);

/**
 * vmbus_server_modify_done() - answer ops->modify
 * @chan: the channel
 * @error: 0 if interrupts go to the new processor now
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL if nothing was asked
 * or the channel is no longer open.
 */
int vmbus_server_modify_done(struct vmbus_server_channel *chan, int error)
{
	if (chan->dead)
		return -ENODEV;
	if (!chan->modifying || chan->work.pending & VMBUS_SC_DO_MODIFY)
		return -EINVAL;
	if (!error)
		chan->req.target_vp = chan->modify_vp;
	vmbus_sc_end_modify(chan, error);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_modify_done, KMCL_NS);

/* ---- the device goes ---- */

/* The device is gone: answer for it, tell the client. Frees nothing. */
void vmbus_sc_revoke(struct vmbus_server_channel *chan)
{
	struct vmbus_server *srv = chan->srv;
	const struct vmbus_msg_channel msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_RESCIND_CHANNEL_OFFER),
		.channel = cpu_to_le32(chan->id),
	};

	if (chan->dead)
		return;
	vmbus_work_cancel(&chan->work);
	vmbus_sg_revoke(chan);
	if (chan->id && chan->state != VMBUS_SC_REOFFERED) {
		if (chan->modifying)
			vmbus_sc_end_modify(chan, -ENODEV);
		if (chan->state == VMBUS_SC_OPENING)
			vmbus_sc_send_open_result(chan, chan->req.open_id,
						  -ENODEV);
		else if (chan->state == VMBUS_SC_CLOSING_REOPEN)
			vmbus_sc_send_open_result(chan, chan->next_req.open_id,
						  -ENODEV);
		vmbus_server_queue(srv, &msg, sizeof(msg));
	}
	chan->state = chan->id ? VMBUS_SC_REVOKED : VMBUS_SC_CLIENT_RELEASED;
	chan->dead = true;
	chan->paused = false;
	chan->close_wanted = false;
	chan->req = vmbus_no_request;
	chan->next_req = vmbus_no_request;
	vmbus_server_settle(srv);
}
