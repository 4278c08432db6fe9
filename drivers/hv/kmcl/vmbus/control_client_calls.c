// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the client's side: local requests.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

/* ---- connection ---- */

/**
 * vmbus_client_connect() - make contact
 * @cl: the machine
 *
 * ops->connected brings the answer.
 *
 * Return: 0, -EISCONN, or -ENOBUFS.
 */
int vmbus_client_connect(struct vmbus_client *cl)
{
	const struct vmbus_msg_initiate_contact msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_INITIATE_CONTACT),
		.version = cpu_to_le32(VMBUS_VERSION),
		.target_vp = cpu_to_le32(cl->target_vp),
		.sint = VMBUS_SINT,
	};

	if (cl->state != VMBUS_CLIENT_DISCONNECTED)
		return -EISCONN;
	if (!vmbus_client_has_room(cl, 1))
		return -ENOBUFS;
	cl->state = VMBUS_CLIENT_CONNECTING;
	vmbus_client_queue(cl, &msg, sizeof(msg));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_connect, KMCL_NS);

/**
 * vmbus_client_request_offers() - ask what there is
 * @cl: the machine, connected
 *
 * Offers come with ops->offer from then on, and ops->offers_delivered after the
 * first of them.
 *
 * Return: 0, -ENOTCONN, -EALREADY, or -ENOBUFS.
 */
int vmbus_client_request_offers(struct vmbus_client *cl)
{
	const struct vmbus_msg_hdr msg = vmbus_msg_hdr(VMBUS_MSG_REQUEST_OFFERS);

	if (cl->state == VMBUS_CLIENT_REQUESTED)
		return -EALREADY;
	if (cl->state != VMBUS_CLIENT_CONNECTED)
		return -ENOTCONN;
	if (!vmbus_client_has_room(cl, 1))
		return -ENOBUFS;
	cl->state = VMBUS_CLIENT_REQUESTED;
	vmbus_client_queue(cl, &msg, sizeof(msg));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_request_offers, KMCL_NS);

/**
 * vmbus_client_unload() - end the connection
 * @cl: the machine
 *
 * All channels and GPADLs are gone when this returns, though their memory is
 * the client's again only after ops->unloaded.
 *
 * Return: 0, -ENOTCONN, -EALREADY, or -ENOBUFS.
 */
int vmbus_client_unload(struct vmbus_client *cl)
{
	const struct vmbus_msg_hdr msg = vmbus_msg_hdr(VMBUS_MSG_UNLOAD);

	if (cl->state == VMBUS_CLIENT_DISCONNECTED)
		return -ENOTCONN;
	if (cl->state == VMBUS_CLIENT_UNLOADING)
		return -EALREADY;
	if (!vmbus_client_has_room(cl, 1))
		return -ENOBUFS;
	vmbus_client_forget_channels(cl);
	vmbus_work_cancel(&cl->work);
	cl->state = VMBUS_CLIENT_UNLOADING;
	vmbus_client_queue(cl, &msg, sizeof(msg));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_unload, KMCL_NS);

/* ---- objects ---- */

struct vmbus_client_channel *vmbus_cc_new(struct vmbus_client *cl, u32 id,
					  const struct vmbus_offer *offer)
{
	struct vmbus_client_channel *chan;

	/* An offer comes once; to lose it is to lose the device. */
	chan = kzalloc(sizeof(*chan), GFP_KERNEL | __GFP_NOFAIL);
	chan->cl = cl;
	chan->id = id;
	chan->offer = *offer;
	vmbus_work_init(&chan->work, VMBUS_WORK_CHANNEL);
	INIT_LIST_HEAD(&chan->gpadls);
	list_add_tail(&chan->node, &cl->channels);
	cl->nr_channels++;
	cl->ids[id] = chan;
	return chan;
}

void vmbus_cc_free(struct vmbus_client_channel *chan)
{
	struct vmbus_client *cl = chan->cl;
	struct vmbus_client_gpadl *g, *tmp;

	list_for_each_entry_safe(g, tmp, &chan->gpadls, node)
		vmbus_cg_free(g);
	vmbus_work_cancel(&chan->work);
	cl->ids[chan->id] = NULL;
	list_del(&chan->node);
	cl->nr_channels--;
	kfree(chan);
}

/* ---- open and close ---- */

void vmbus_cc_send_open(struct vmbus_client_channel *chan,
			const struct vmbus_open_request *req)
{
	struct vmbus_msg_open_channel msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_OPEN_CHANNEL),
		.channel = cpu_to_le32(chan->id),
		.open_id = cpu_to_le32(chan->cl->next_open_id),
		.ring_gpadl = cpu_to_le32(req->ring_gpadl),
		.target_vp = cpu_to_le32(req->target_vp),
		.downstream_page = cpu_to_le32(req->downstream_page),
	};

	memcpy(msg.user_data, req->user_data, sizeof(msg.user_data));
	/* The result of an earlier one is of no interest any more. */
	chan->work.pending &= ~VMBUS_CC_TELL_OPENED;
	chan->req = *req;
	chan->req.open_id = chan->cl->next_open_id++;
	chan->state = VMBUS_CC_OPENING;
	vmbus_client_queue(chan->cl, &msg, sizeof(msg));
}

static void vmbus_cc_send(struct vmbus_client_channel *chan,
			  enum vmbus_msg_type type)
{
	const struct vmbus_msg_channel msg = {
		.hdr = vmbus_msg_hdr(type),
		.channel = cpu_to_le32(chan->id),
	};

	vmbus_client_queue(chan->cl, &msg, sizeof(msg));
}

void vmbus_cc_send_close(struct vmbus_client_channel *chan)
{
	vmbus_cc_send(chan, VMBUS_MSG_CLOSE_CHANNEL);
}

void vmbus_cc_closed(struct vmbus_client_channel *chan)
{
	chan->state = VMBUS_CC_CLOSED;
	chan->req = vmbus_no_request;
	chan->next_req = vmbus_no_request;
}

/**
 * vmbus_client_open() - open a channel
 * @chan: the channel
 * @req: how; its open_id is chosen here
 *
 * ops->opened brings the result. A channel that was closed while an earlier
 * open was unanswered is opened when that has been sorted out.
 *
 * Return: 0, -ENODEV if it is rescinded, -EBUSY if it is open or being opened,
 * -EINVAL if the ring's GPADL is not there, -ENOBUFS.
 */
int vmbus_client_open(struct vmbus_client_channel *chan,
		      const struct vmbus_open_request *req)
{
	const struct vmbus_client_gpadl *ring;

	if (chan->rescinded)
		return -ENODEV;
	if (chan->state != VMBUS_CC_CLOSED &&
	    chan->state != VMBUS_CC_OPENING_CLOSE)
		return -EBUSY;
	ring = xa_load(&chan->cl->gpadls, req->ring_gpadl);
	if (!ring || ring->chan != chan || ring->state != VMBUS_CG_CREATED)
		return -EINVAL;
	if (!vmbus_client_has_room(chan->cl, 1))
		return -ENOBUFS;
	if (chan->state == VMBUS_CC_CLOSED) {
		vmbus_cc_send_open(chan, req);
	} else {
		chan->next_req = *req;
		chan->next_req.open_id = 0;
		chan->state = VMBUS_CC_OPENING_REOPEN;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_open, KMCL_NS);

static int vmbus_cc_close(struct vmbus_client_channel *chan)
{
	chan->work.pending &= ~VMBUS_CC_TELL_OPENED;
	switch (chan->state) {
	case VMBUS_CC_OPEN:
		/* No room needed: there was, for the open. */
		if (!chan->rescinded)
			vmbus_cc_send_close(chan);
		vmbus_cc_closed(chan);
		return 0;
	case VMBUS_CC_OPENING:
	case VMBUS_CC_OPENING_REOPEN:
		chan->next_req = vmbus_no_request;
		chan->state = VMBUS_CC_OPENING_CLOSE;
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * vmbus_client_close() - close a channel, or stop waiting for it to open
 * @chan: the channel
 *
 * Nothing will come from the server, so it is closed when this returns (the
 * ring's memory is the client's again when its GPADL is torn down). The close
 * of a primary channel closes its subchannels.
 *
 * Return: 0, or -EINVAL if it is closed already.
 */
int vmbus_client_close(struct vmbus_client_channel *chan)
{
	struct vmbus_client_channel *sub;

	if (chan->state == VMBUS_CC_OPEN && !chan->offer.key.subchannel) {
		list_for_each_entry(sub, &chan->cl->channels, node)
			if (sub != chan &&
			    vmbus_key_same_device(&sub->offer.key,
						  &chan->offer.key))
				vmbus_cc_close(sub);
	}
	return vmbus_cc_close(chan);
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_close, KMCL_NS);

/**
 * vmbus_client_modify() - have another processor interrupted
 * @chan: the channel, open, with interrupts
 * @target_vp: the processor
 *
 * ops->modified brings the result, even if the channel is closed before.
 *
 * Return: 0, -ENODEV if it is rescinded, -EINVAL, -EBUSY, or -ENOBUFS.
 */
int vmbus_client_modify(struct vmbus_client_channel *chan, u32 target_vp)
{
	const struct vmbus_msg_modify_channel msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_MODIFY_CHANNEL),
		.channel = cpu_to_le32(chan->id),
		.target_vp = cpu_to_le32(target_vp),
	};

	if (chan->rescinded)
		return -ENODEV;
	if (chan->state != VMBUS_CC_OPEN || target_vp == VMBUS_VP_NONE ||
	    chan->req.target_vp == VMBUS_VP_NONE)
		return -EINVAL;
	if (chan->modifying || chan->work.pending & VMBUS_CC_TELL_MODIFIED)
		return -EBUSY;
	if (!vmbus_client_has_room(chan->cl, 1))
		return -ENOBUFS;
	chan->modifying = true;
	chan->modify_vp = target_vp;
	vmbus_client_queue(chan->cl, &msg, sizeof(msg));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_modify, KMCL_NS);

/**
 * vmbus_client_release() - be done with a rescinded channel
 * @chan: the channel, not to be used any more
 *
 * Its GPADLs go with it. The server may offer it anew after this.
 *
 * Return: 0, or -EBUSY if it is not rescinded.
 */
int vmbus_client_release(struct vmbus_client_channel *chan)
{
	if (!chan->rescinded)
		return -EBUSY;
	vmbus_cc_send(chan, VMBUS_MSG_REL_ID_RELEASED);
	vmbus_cc_free(chan);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_release, KMCL_NS);

/* ---- after a restore ---- */

static void vmbus_cc_claim(struct vmbus_client_channel *chan)
{
	struct vmbus_client_gpadl *g;

	chan->claimed = true;
	list_for_each_entry(g, &chan->gpadls, node)
		vmbus_client_kick(chan->cl, &g->work, 0);
	vmbus_client_kick(chan->cl, &chan->work, 0);
}

/**
 * vmbus_client_claim() - a device's driver looks for its channel after a restore
 * @cl: the machine
 * @key: the device's identity
 * @context: the channel's context from now on
 * @chanp: where the channel goes, if there is one
 *
 * What the driver was not told before the state was saved it is told now; a
 * channel that was rescinded meanwhile is claimed, too, and rescinded then.
 *
 * Return: what there is.
 */
enum vmbus_claim vmbus_client_claim(struct vmbus_client *cl,
				    const struct vmbus_channel_key *key,
				    void *context,
				    struct vmbus_client_channel **chanp)
{
	struct vmbus_client_channel *chan = vmbus_client_find(cl, key);

	if (!chan || chan->claimed)
		return VMBUS_CLAIM_NONE;
	chan->context = context;
	vmbus_cc_claim(chan);
	*chanp = chan;
	return chan->state == VMBUS_CC_OPEN ? VMBUS_CLAIM_KEPT :
					      VMBUS_CLAIM_OFFERED;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_claim, KMCL_NS);

/**
 * vmbus_client_drop_unclaimed() - clean up what no driver has claimed
 * @cl: the machine
 *
 * Such channels are closed, their GPADLs torn down (ops->gpadl_torndown comes
 * for each), and then ops->offer comes for them as if they were new. What is
 * rescinded is released.
 *
 * Return: how many channels.
 */
unsigned int vmbus_client_drop_unclaimed(struct vmbus_client *cl)
{
	struct vmbus_client_channel *chan, *tmp;
	struct vmbus_client_gpadl *g, *next;
	unsigned int nr = 0;

	list_for_each_entry_safe(chan, tmp, &cl->channels, node) {
		if (chan->claimed)
			continue;
		nr++;
		if (chan->rescinded) {
			vmbus_client_release(chan);
			continue;
		}
		vmbus_client_close(chan);
		chan->work.pending = 0;
		list_for_each_entry_safe(g, next, &chan->gpadls, node) {
			if (g->state == VMBUS_CG_GONE &&
			    g->work.pending & VMBUS_CG_TELL_CREATED)
				vmbus_cg_free(g);
			else
				vmbus_cg_teardown(g);
		}
		vmbus_cc_claim(chan);
		vmbus_client_kick(cl, &chan->work, VMBUS_CC_TELL_OFFER);
	}
	return nr;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_drop_unclaimed, KMCL_NS);

/* ---- looking ---- */

/**
 * vmbus_client_find() - find a channel by its identity
 * @cl: the machine
 * @key: the identity
 *
 * Return: the channel, rescinded or not, claimed or not, or NULL.
 */
struct vmbus_client_channel *
vmbus_client_find(struct vmbus_client *cl, const struct vmbus_channel_key *key)
{
	struct vmbus_client_channel *chan;

	list_for_each_entry(chan, &cl->channels, node)
		if (vmbus_key_equal(&chan->offer.key, key))
			return chan;
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_find, KMCL_NS);

/**
 * vmbus_client_channel_state() - state of a channel
 * @chan: the channel
 *
 * Return: the state.
 */
enum vmbus_client_channel_state
vmbus_client_channel_state(const struct vmbus_client_channel *chan)
{
	return chan->state;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_state, KMCL_NS);

/**
 * vmbus_client_channel_rescinded() - whether the server took a channel back
 * @chan: the channel
 *
 * Return: true if it did.
 */
bool vmbus_client_channel_rescinded(const struct vmbus_client_channel *chan)
{
	return chan->rescinded;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_rescinded, KMCL_NS);

/**
 * vmbus_client_channel_id() - number of a channel
 * @chan: the channel
 *
 * Return: what the server calls it.
 */
u32 vmbus_client_channel_id(const struct vmbus_client_channel *chan)
{
	return chan->id;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_id, KMCL_NS);

/**
 * vmbus_client_channel_context() - context of a channel
 * @chan: the channel
 *
 * Return: what it was given, or NULL.
 */
void *vmbus_client_channel_context(const struct vmbus_client_channel *chan)
{
	return chan->context;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_context, KMCL_NS);

/**
 * vmbus_client_channel_set_context() - give a channel a context
 * @chan: the channel
 * @context: what its news come with
 */
void vmbus_client_channel_set_context(struct vmbus_client_channel *chan,
				      void *context)
{
	chan->context = context;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_set_context, KMCL_NS);

/**
 * vmbus_client_channel_offer() - what a channel is offered as
 * @chan: the channel
 *
 * Return: the offer, good as long as the channel.
 */
const struct vmbus_offer *
vmbus_client_channel_offer(const struct vmbus_client_channel *chan)
{
	return &chan->offer;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_offer, KMCL_NS);

/**
 * vmbus_client_channel_open_request() - what a channel was opened with
 * @chan: the channel
 *
 * Return: the request, or NULL if it is closed.
 */
const struct vmbus_open_request *
vmbus_client_channel_open_request(const struct vmbus_client_channel *chan)
{
	return chan->state == VMBUS_CC_CLOSED ? NULL : &chan->req;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_channel_open_request, KMCL_NS);
