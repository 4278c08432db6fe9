// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: a client's end. Offers that it waits for, and opening them.
 *
 * All under kmcl_lb_bus.lock; the operations of the control plane are called
 * with it held.
 */
#include <linux/slab.h>

#include "loopback.h"
#include "vmbus/control.h"

static bool kmcl_lb_client_open_in_plane(const struct kmcl_lb_end *end)
{
	return end->state == KMCL_LB_OPENING || end->state == KMCL_LB_OPENED ||
	       end->state == KMCL_LB_OPEN;
}

/* The open failed; the ring's GPADL is the server's, or gone. */
static void kmcl_lb_client_open_failed(struct kmcl_lb_end *end, int error)
{
	kmcl_lb_end_part(end);
	kmcl_lb_rings_unmap(end);
	if (end->ring_gpadl) {
		kmcl_lb_gpadl_orphan(end, end->ring_gpadl);
		end->ring_gpadl = NULL;
	}
	end->state = KMCL_LB_CLOSED;
	kmcl_lb_event_open(end, error);
}

static int kmcl_lb_client_make_rings(struct kmcl_lb_end *end)
{
	u32 up = 1 + end->params.ring_out_pages;
	u32 down = 1 + end->params.ring_in_pages;
	struct kmcl_lb_gpadl *gpadl;
	int ret;

	gpadl = kmcl_lb_gpadl_new(end->bus, KMCL_ARENA_RING, (up + down) * KMCL_ARENA_PAGE_SIZE,
				  false);
	if (IS_ERR(gpadl))
		return PTR_ERR(gpadl);
	end->ring_gpadl = gpadl;
	ret = kmcl_lb_rings_map_run(end, end->bus->arena, gpadl->run, up);
	if (!ret) {
		vmbus_ring_reset(&end->rx);
		vmbus_ring_reset(&end->tx);
		ret = kmcl_lb_rings_attach(end);
	}
	if (!ret)
		ret = kmcl_lb_gpadl_publish(end, gpadl);
	if (ret) {
		kmcl_lb_rings_unmap(end);
		kmcl_lb_gpadl_put(end->bus, gpadl);
		end->ring_gpadl = NULL;
	}
	return ret;
}

static bool kmcl_lb_client_matches(const struct kmcl_lb_end *end,
				   struct vmbus_client_channel *chan)
{
	const struct vmbus_channel_key *key = &vmbus_client_channel_offer(chan)->key;

	return !vmbus_client_channel_context(chan) && !vmbus_client_channel_rescinded(chan) &&
	       key->subchannel == end->params.subchannel &&
	       guid_equal(&key->type, &end->params.type) &&
	       (guid_is_null(&end->params.instance) ||
		guid_equal(&key->instance, &end->params.instance));
}

/**
 * kmcl_lb_client_match() - bind a client that waits to an offer, if there is one
 * @end: whose
 */
void kmcl_lb_client_match(struct kmcl_lb_end *end)
{
	struct vmbus_client_channel *chan = NULL;
	u32 id;
	int ret;

	for (id = 1; id <= VMBUS_MAX_CHANNELS; id++) {
		chan = end->bus->offers[id];
		if (chan && kmcl_lb_client_matches(end, chan))
			break;
	}
	if (id > VMBUS_MAX_CHANNELS)
		return;
	vmbus_client_channel_set_context(chan, end);
	end->client_channel = chan;
	end->instance = vmbus_client_channel_offer(chan)->key.instance;
	end->state = KMCL_LB_OPENING;
	ret = kmcl_lb_client_make_rings(end);
	if (ret)
		kmcl_lb_client_open_failed(end, ret);
}

/* Somebody may wait for what is free now. */
static void kmcl_lb_client_match_all(struct kmcl_lb_bus *bus)
{
	struct kmcl_lb_end *end;

	list_for_each_entry(end, &bus->ends, node)
		if (!end->server && end->state == KMCL_LB_UNBOUND)
			kmcl_lb_client_match(end);
}

/**
 * kmcl_lb_client_sweep() - release what was rescinded and nobody has to do with
 * @bus: where
 *
 * Return: whether there was anything.
 */
bool kmcl_lb_client_sweep(struct kmcl_lb_bus *bus)
{
	struct vmbus_client_channel *chan;
	bool any = false;
	u32 id;

	if (!bus->sweep)
		return false;
	bus->sweep = false;
	for (id = 1; id <= VMBUS_MAX_CHANNELS; id++) {
		chan = bus->offers[id];
		if (!chan || !vmbus_client_channel_rescinded(chan) ||
		    vmbus_client_channel_context(chan) || kmcl_lb_gpadl_has_orphans(bus, id))
			continue;
		bus->offers[id] = NULL;
		vmbus_client_release(chan);
		any = true;
	}
	return any;
}

/* The close of a primary closed its subchannels. */
static void kmcl_lb_client_close_subs(struct kmcl_lb_end *primary)
{
	struct kmcl_lb_end *end;

	if (primary->params.subchannel)
		return;
	list_for_each_entry(end, &primary->bus->ends, node) {
		if (end->server || end == primary || !kmcl_lb_client_open_in_plane(end) ||
		    !guid_equal(&end->instance, &primary->instance) ||
		    !guid_equal(&end->params.type, &primary->params.type))
			continue;
		if (end->state == KMCL_LB_OPENING)
			kmcl_lb_client_open_failed(end, -ENODEV);
		else
			kmcl_lb_event_close(end, VMB_STOP_PEER_CLOSED);
	}
}

/**
 * kmcl_lb_client_hold() - the link ends: what either side lent in it is not reused
 * @end: whose
 *
 * Until the rings are nobody's any more, one end or the other may still be
 * looking at them. Nothing happens where the other end began it.
 */
void kmcl_lb_client_hold(struct kmcl_lb_end *end)
{
	struct kmcl_lb_gpadl *gpadl = end->ring_gpadl;

	if (!gpadl || gpadl->held)
		return;
	kmcl_arena_hold_begin(end->bus->arena, &gpadl->hold);
	gpadl->held = true;
}

/**
 * kmcl_lb_client_end_link() - close, and take the rings back
 * @end: whose, open or not
 *
 * Does not wait: the rings' pages, and those of external data that was
 * described in them, stay until the server let go of the rings.
 */
void kmcl_lb_client_end_link(struct kmcl_lb_end *end)
{
	kmcl_lb_end_part(end);
	if (kmcl_lb_client_open_in_plane(end)) {
		vmbus_client_close(end->client_channel);
		end->state = KMCL_LB_ENDED;
		kmcl_lb_client_close_subs(end);
	}
	kmcl_lb_rings_unmap(end);
	if (end->ring_gpadl) {
		kmcl_lb_client_hold(end);
		kmcl_lb_gpadl_orphan(end, end->ring_gpadl);
		end->ring_gpadl = NULL;
	}
	wake_up_all(&end->bus->wait);
}

/**
 * kmcl_lb_client_remove() - let go of the offer
 * @end: whose
 */
void kmcl_lb_client_remove(struct kmcl_lb_end *end)
{
	kmcl_lb_client_end_link(end);
	kmcl_lb_gpadl_orphan_all(end);
	end->state = KMCL_LB_ENDED;
	if (!end->client_channel)
		return;
	vmbus_client_channel_set_context(end->client_channel, NULL);
	end->client_channel = NULL;
	end->bus->sweep = true;
	kmcl_lb_client_match_all(end->bus);
}

/* ---- what the control plane says ---- */

static void kmcl_lb_client_connected(void *ctx, int error)
{
	struct kmcl_lb_bus *bus = ctx;

	if (!error)
		vmbus_client_request_offers(bus->client);
}

static void kmcl_lb_client_offer(void *ctx, struct vmbus_client_channel *chan,
				 const struct vmbus_offer *offer)
{
	struct kmcl_lb_bus *bus = ctx;

	bus->offers[vmbus_client_channel_id(chan)] = chan;
	kmcl_lb_client_match_all(bus);
}

static void kmcl_lb_client_rescind(struct vmbus_client_channel *chan, void *context)
{
	struct kmcl_lb_end *end = context;

	if (!end) {
		kmcl_lb_the_bus->sweep = true;
	} else if (end->parked) {
		/* Nobody is there to be told; who comes finds no link. */
		kmcl_lb_end_remove(end);
		kmcl_lb_end_put(end);
	} else if (end->state == KMCL_LB_OPENED || end->state == KMCL_LB_OPEN) {
		kmcl_lb_event_close(end, VMB_STOP_RESCINDED);
	} else if (end->state == KMCL_LB_OPENING) {
		kmcl_lb_client_open_failed(end, -ENODEV);
	}
}

static void kmcl_lb_client_opened(struct vmbus_client_channel *chan, void *context, int error)
{
	struct kmcl_lb_end *end = context;

	if (!end || end->state != KMCL_LB_OPENING)
		return;
	if (error) {
		kmcl_lb_client_open_failed(end, error);
		return;
	}
	end->state = KMCL_LB_OPENED;
	kmcl_lb_event_open(end, 0);
}

static void kmcl_lb_client_gpadl_created(struct vmbus_client_channel *chan, void *context,
					 u32 handle, int error)
{
	struct kmcl_lb_end *end = context;
	struct vmbus_open_request req = {
		.ring_gpadl = handle,
	};

	if (!end || !end->ring_gpadl || end->ring_gpadl->handle != handle) {
		kmcl_lb_gpadl_created(chan, end, handle, error);
		return;
	}
	if (error) {
		kmcl_lb_gpadl_put(end->bus, end->ring_gpadl);
		end->ring_gpadl = NULL;
	} else {
		end->ring_gpadl->state = KMCL_LB_GPADL_CREATED;
		req.target_vp = max(end->cpu, 0);
		req.downstream_page = end->rings.up_pages;
		error = vmbus_client_open(chan, &req);
	}
	if (error)
		kmcl_lb_client_open_failed(end, error);
}

static void kmcl_lb_client_gpadl_torndown(struct vmbus_client_channel *chan, void *context,
					  u32 handle)
{
	kmcl_lb_gpadl_torndown(kmcl_lb_the_bus, chan, context, handle);
	kmcl_lb_the_bus->sweep = true;
}

const struct vmbus_client_ops kmcl_lb_client_ops = {
	.send = kmcl_lb_send_to_server,
	.connected = kmcl_lb_client_connected,
	.offer = kmcl_lb_client_offer,
	.rescind = kmcl_lb_client_rescind,
	.opened = kmcl_lb_client_opened,
	.gpadl_created = kmcl_lb_client_gpadl_created,
	.gpadl_torndown = kmcl_lb_client_gpadl_torndown,
};
