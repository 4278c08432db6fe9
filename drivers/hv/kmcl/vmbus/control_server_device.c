// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: how devices come and go.
 *
 * A channel's pointer belongs to its device from the offer (or the claim) to
 * the revoke. The object may live longer: until the client releases its number.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "control_internal.h"

/* ---- offer and revoke ---- */

/**
 * vmbus_server_find() - find a channel by its identity
 * @srv: the machine
 * @key: the identity
 *
 * Return: the channel, in whatever state, or NULL.
 */
struct vmbus_server_channel *
vmbus_server_find(struct vmbus_server *srv, const struct vmbus_channel_key *key)
{
	struct vmbus_server_channel *chan;

	list_for_each_entry(chan, &srv->channels, node)
		if (vmbus_key_equal(&chan->offer.key, key))
			return chan;
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_find, KMCL_NS);

/**
 * vmbus_server_offer() - offer a channel
 * @srv: the machine
 * @offer: what it is
 * @order: rank among those of its type, for numbers that stay the same
 * @context: passed to the channel's actions
 * @chanp: where the channel goes, good until vmbus_server_revoke()
 *
 * Before the client asks for offers nothing is sent. While the client has not
 * released the number of an earlier, revoked offer of the same identity,
 * the new one waits for that. A restored channel of this identity that
 * is not claimed is rescinded first: claim it if it is to be kept.
 *
 * Return: 0, -EINVAL, -EEXIST if it is already offered, -ENOSPC, -ENOMEM.
 */
int vmbus_server_offer(struct vmbus_server *srv, const struct vmbus_offer *offer,
		       u32 order, void *context,
		       struct vmbus_server_channel **chanp)
{
	struct vmbus_server_channel *chan;

	if (offer->flags & ~VMBUS_OFFER_FLAGS_VALID)
		return -EINVAL;
	chan = vmbus_server_find(srv, &offer->key);
	if (chan && chan->attached)
		return -EEXIST;
	if (chan && !chan->dead) {
		vmbus_sc_revoke(chan);
		if (!chan->id) {
			vmbus_sc_free(chan);
			chan = NULL;
		}
	}
	if (chan) {
		chan->offer = *offer;
		chan->state = VMBUS_SC_REOFFERED;
	} else {
		if (srv->nr_channels >= VMBUS_MAX_CHANNELS)
			return -ENOSPC;
		chan = vmbus_sc_new(srv, offer);
		if (!chan)
			return -ENOMEM;
	}
	chan->order = order;
	chan->context = context;
	chan->attached = true;
	chan->dead = false;
	vmbus_sc_send_offer(chan);
	*chanp = chan;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_offer, KMCL_NS);

/**
 * vmbus_server_revoke() - take an offer back
 * @chan: the channel, not to be used any more
 *
 * No action comes for it from now on. What is under way is answered to the
 * client in the device's stead. A primary channel's subchannels are rescinded
 * before it; their pointers stay good until they are revoked, too, but every
 * answer on them gets -ENODEV.
 */
void vmbus_server_revoke(struct vmbus_server_channel *chan)
{
	struct vmbus_server_channel *sub;

	if (!chan->offer.key.subchannel && !chan->dead) {
		list_for_each_entry(sub, &chan->srv->channels, node)
			if (sub != chan &&
			    vmbus_key_same_device(&sub->offer.key,
						  &chan->offer.key))
				vmbus_sc_revoke(sub);
	}
	vmbus_sc_revoke(chan);
	chan->attached = false;
	chan->context = NULL;
	if (!chan->id)
		vmbus_sc_free(chan);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_revoke, KMCL_NS);

/**
 * vmbus_server_channel_pause() - hold back requests to open and modify
 * @chan: the channel
 *
 * Close and GPADLs still come: a reset of the connection depends on them.
 */
void vmbus_server_channel_pause(struct vmbus_server_channel *chan)
{
	chan->paused = !chan->dead;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_pause, KMCL_NS);

/**
 * vmbus_server_channel_resume() - let requests through again
 * @chan: the channel
 */
void vmbus_server_channel_resume(struct vmbus_server_channel *chan)
{
	chan->paused = false;
	vmbus_server_kick(chan->srv, &chan->work, 0);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_resume, KMCL_NS);

/**
 * vmbus_server_claim() - a device looks for itself after a restore
 * @srv: the machine
 * @key: the device's identity
 * @context: passed to the channel's actions
 * @chanp: where the channel goes, if there is one
 *
 * Actions that were unanswered when the state was saved are delivered to the
 * device again, but for a close: what was closing is closed now. A GPADL's
 * teardown may come for one that the device does not have any more.
 *
 * Return: what there is.
 */
enum vmbus_claim vmbus_server_claim(struct vmbus_server *srv,
				    const struct vmbus_channel_key *key,
				    void *context,
				    struct vmbus_server_channel **chanp)
{
	struct vmbus_server_channel *chan = vmbus_server_find(srv, key);

	if (!chan || !vmbus_sc_unclaimed(chan))
		return VMBUS_CLAIM_NONE;
	if (chan->work.pending & VMBUS_SC_DO_CLOSE) {
		chan->work.pending &= ~VMBUS_SC_DO_CLOSE;
		vmbus_sc_closed(chan);
	}
	chan->attached = true;
	chan->context = context;
	vmbus_sc_send_offer(chan);
	vmbus_sc_kick_all(chan);
	*chanp = chan;
	return chan->state == VMBUS_SC_OPEN ? VMBUS_CLAIM_KEPT :
					      VMBUS_CLAIM_OFFERED;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_claim, KMCL_NS);

/**
 * vmbus_server_drop_unclaimed() - rescind what no device has claimed
 * @srv: the machine
 *
 * Return: how many channels.
 */
unsigned int vmbus_server_drop_unclaimed(struct vmbus_server *srv)
{
	struct vmbus_server_channel *chan, *tmp;
	unsigned int nr = 0;
	int primary;

	/* Subchannels go before their primaries. */
	for (primary = 0; primary < 2; primary++) {
		list_for_each_entry_safe(chan, tmp, &srv->channels, node) {
			if (!vmbus_sc_unclaimed(chan) ||
			    primary != !chan->offer.key.subchannel)
				continue;
			vmbus_sc_revoke(chan);
			if (!chan->id)
				vmbus_sc_free(chan);
			nr++;
		}
	}
	return nr;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_drop_unclaimed, KMCL_NS);

/* ---- looking ---- */

/**
 * vmbus_server_channel_state() - state of a channel
 * @chan: the channel
 *
 * Return: the state.
 */
enum vmbus_server_channel_state
vmbus_server_channel_state(const struct vmbus_server_channel *chan)
{
	return chan->state;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_state, KMCL_NS);

/**
 * vmbus_server_channel_id() - number of a channel
 * @chan: the channel
 *
 * Return: what the client calls it, or 0 if the client does not know it.
 */
u32 vmbus_server_channel_id(const struct vmbus_server_channel *chan)
{
	return chan->id;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_id, KMCL_NS);

/**
 * vmbus_server_channel_context() - context of a channel
 * @chan: the channel
 *
 * Return: what it was offered or claimed with; NULL if nobody claimed it.
 */
void *vmbus_server_channel_context(const struct vmbus_server_channel *chan)
{
	return chan->context;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_context, KMCL_NS);

/**
 * vmbus_server_channel_offer() - what a channel was offered as
 * @chan: the channel
 *
 * Return: the offer, good as long as the channel.
 */
const struct vmbus_offer *
vmbus_server_channel_offer(const struct vmbus_server_channel *chan)
{
	return &chan->offer;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_offer, KMCL_NS);

/**
 * vmbus_server_channel_open_request() - what an open channel was opened with
 * @chan: the channel
 *
 * Return: the request (with the processor as modified since), or NULL if the
 * channel is not open, opening or closing.
 */
const struct vmbus_open_request *
vmbus_server_channel_open_request(const struct vmbus_server_channel *chan)
{
	return vmbus_sc_busy(chan) ? &chan->req : NULL;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_channel_open_request, KMCL_NS);
