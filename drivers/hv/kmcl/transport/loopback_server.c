// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: a server's end. Offers, and what the client makes of them.
 *
 * All under kmcl_lb_bus.lock; the operations of the control plane are called
 * with it held.
 */
#include <linux/slab.h>

#include "loopback.h"
#include "vmbus/control.h"

/**
 * kmcl_lb_server_offer() - publish a channel
 * @end: whose
 *
 * Return: 0 or an error.
 */
int kmcl_lb_server_offer(struct kmcl_lb_end *end)
{
	const struct kmcl_link_params *params = &end->params;
	struct vmbus_offer offer = {
		.key = {
			.type = params->type,
			.instance = params->instance,
			.subchannel = params->subchannel,
		},
		.mmio_megabytes = params->mmio_megabytes,
		.optional_mmio_megabytes = params->mmio_megabytes_optional,
	};

	if (params->server_flags & VMB_SERVER_FLAG_ENUMERATE_DEVICE_INTERFACE)
		offer.flags |= VMBUS_OFFER_ENUMERATE_DEVICE_INTERFACE;
	if (params->pipe || params->server_flags & VMB_SERVER_FLAG_OFFER_AS_PIPE)
		offer.flags |= VMBUS_OFFER_NAMED_PIPE_MODE;
	memcpy(offer.user_data, params->offer_data, sizeof(offer.user_data));
	return vmbus_server_offer(end->bus->server, &offer, end->bus->order++, end,
				  &end->server_channel);
}

/* The subchannels of a primary are rescinded with it. */
static void kmcl_lb_server_rescind_subs(struct kmcl_lb_end *primary)
{
	struct kmcl_lb_end *end;

	if (primary->params.subchannel)
		return;
	list_for_each_entry(end, &primary->bus->ends, node)
		if (end->server && guid_equal(&end->instance, &primary->instance) &&
		    guid_equal(&end->params.type, &primary->params.type) &&
		    (end->state == KMCL_LB_OPENED || end->state == KMCL_LB_OPEN))
			kmcl_lb_event_close(end, VMB_STOP_RESCINDED);
}

/**
 * kmcl_lb_server_remove() - take the offer back
 * @end: whose
 */
void kmcl_lb_server_remove(struct kmcl_lb_end *end)
{
	kmcl_lb_server_unmap_all(end);
	kmcl_lb_rings_unmap(end);
	end->state = KMCL_LB_ENDED;
	kmcl_lb_server_rescind_subs(end);
	if (end->server_channel)
		vmbus_server_revoke(end->server_channel);
	end->server_channel = NULL;
}

/* End an open link from this side: there is no close, only taking the offer back. */
static void kmcl_lb_server_reset(struct kmcl_lb_end *end)
{
	kmcl_lb_end_leave(end);
	kmcl_lb_server_remove(end);
	end->state = KMCL_LB_CLOSED;
	if (kmcl_lb_server_offer(end))
		end->server_channel = NULL;
}

/* Map the rings that the client asked to open. */
static int kmcl_lb_server_map_rings(struct kmcl_lb_end *end,
				    const struct vmbus_open_request *req)
{
	const struct vmbus_server_gpadl *gpadl;
	struct vmbus_gpadl_range range;
	int ret;

	gpadl = vmbus_server_gpadl_find(end->server_channel, req->ring_gpadl);
	if (!gpadl || vmbus_server_gpadl_ranges(gpadl) != 1)
		return -EINVAL;
	ret = vmbus_server_gpadl_range(gpadl, 0, &range);
	if (ret)
		return ret;
	return kmcl_lb_rings_map(end, end->bus->arena, range.pfns, range.nr_pages,
				 req->downstream_page);
}

static void kmcl_lb_server_open(struct vmbus_server_channel *chan, void *context,
				const struct vmbus_open_request *req)
{
	struct kmcl_lb_end *end = context, *client = NULL;
	struct kmcl_lb_bus *bus = end->bus;
	struct vmbus_client_channel *offer = bus->offers[vmbus_server_channel_id(chan)];
	int ret;

	ret = kmcl_lb_server_map_rings(end, req);
	if (!ret)
		ret = kmcl_lb_rings_attach(end);
	if (ret) {
		kmcl_lb_rings_unmap(end);
		vmbus_server_open_result(chan, ret);
		return;
	}
	if (offer)
		client = vmbus_client_channel_context(offer);
	if (client)
		kmcl_lb_end_join(end, client);
	end->state = KMCL_LB_OPENED;
	kmcl_lb_event_open(end, 0);
}

/**
 * kmcl_lb_server_open_done() - the core's answer
 * @end: whose, opened
 * @status: 0 or an error
 */
void kmcl_lb_server_open_done(struct kmcl_lb_end *end, int status)
{
	if (end->state == KMCL_LB_OPEN) {
		if (status)
			kmcl_lb_server_reset(end);
		return;
	}
	end->state = status ? KMCL_LB_CLOSED : KMCL_LB_OPEN;
	if (status) {
		kmcl_lb_end_part(end);
		kmcl_lb_rings_unmap(end);
	}
	vmbus_server_open_result(end->server_channel, status);
}

static void kmcl_lb_server_close(struct vmbus_server_channel *chan, void *context)
{
	struct kmcl_lb_end *end = context;

	if (end->parked) {
		/* Nobody is there to be told; who comes finds no link. */
		kmcl_lb_end_remove(end);
		kmcl_lb_end_put(end);
	} else if (end->state == KMCL_LB_CLOSED) {
		vmbus_server_close_done(chan);
	} else {
		end->close_asked = true;
		if (end->state != KMCL_LB_ENDED)
			kmcl_lb_event_close(end, VMB_STOP_PEER_CLOSED);
	}
}

/**
 * kmcl_lb_server_closed() - the core has nothing to do with the link any more
 * @end: whose
 */
void kmcl_lb_server_closed(struct kmcl_lb_end *end)
{
	kmcl_lb_server_unmap_all(end);
	kmcl_lb_rings_unmap(end);
	if (end->close_asked) {
		end->close_asked = false;
		end->state = KMCL_LB_CLOSED;
		vmbus_server_close_done(end->server_channel);
	} else if (end->state == KMCL_LB_ENDED) {
		kmcl_lb_server_reset(end);
	}
}

/* ---- GPADLs ---- */

static bool kmcl_lb_server_range_ok(struct kmcl_arena *arena, const struct vmbus_gpadl_range *range)
{
	struct page *page;
	u32 i;

	for (i = 0; i < range->nr_pages; i++) {
		if (kmcl_arena_pin(arena, KMCL_ARENA_RING | KMCL_ARENA_GPADL, false,
				   range->pfns[i], &page))
			return false;
		kmcl_arena_unpin(arena, page);
	}
	return true;
}

static void kmcl_lb_server_gpadl(struct vmbus_server_channel *chan, void *context,
				 const struct vmbus_server_gpadl *gpadl)
{
	struct kmcl_lb_end *end = context;
	struct vmbus_gpadl_range range;
	int ret = 0;
	u32 i;

	for (i = 0; i < vmbus_server_gpadl_ranges(gpadl) && !ret; i++) {
		ret = vmbus_server_gpadl_range(gpadl, i, &range);
		if (!ret && !kmcl_lb_server_range_ok(end->bus->arena, &range))
			ret = -EFAULT;
	}
	vmbus_server_gpadl_done(chan, vmbus_server_gpadl_handle(gpadl), ret);
}

static struct kmcl_lb_map *kmcl_lb_map_find(struct kmcl_lb_end *end, u32 handle)
{
	struct kmcl_lb_map *map;

	list_for_each_entry(map, &end->maps, node)
		if (map->handle == handle)
			return map;
	return NULL;
}

static void kmcl_lb_server_gpadl_teardown(struct vmbus_server_channel *chan, void *context,
					  const struct vmbus_server_gpadl *gpadl)
{
	u32 handle = vmbus_server_gpadl_handle(gpadl);
	struct kmcl_lb_map *map = kmcl_lb_map_find(context, handle);

	if (map)
		map->wanted_back = true;
	else
		vmbus_server_gpadl_teardown_done(chan, handle);
}

static void kmcl_lb_server_unmap(struct kmcl_lb_end *end, struct kmcl_lb_map *map)
{
	list_del(&map->node);
	kmcl_arena_unpin_bvec(end->bus->arena, map->bvec, map->mdl.nr_bvecs);
	if (map->wanted_back)
		vmbus_server_gpadl_teardown_done(end->server_channel, map->handle);
	kvfree(map);
}

/**
 * kmcl_lb_server_unmap_all() - unmap what a server has mapped
 * @end: whose
 */
void kmcl_lb_server_unmap_all(struct kmcl_lb_end *end)
{
	struct kmcl_lb_map *map, *next;

	list_for_each_entry_safe(map, next, &end->maps, node)
		kmcl_lb_server_unmap(end, map);
}

static int kmcl_lb_server_map_range(struct kmcl_arena *arena, struct kmcl_lb_map *map,
				    const struct vmbus_gpadl_range *range, bool write)
{
	u32 offset = range->byte_offset, left = range->byte_count;
	int ret;
	u32 i;

	for (i = 0; i < range->nr_pages; i++) {
		struct bio_vec *bvec = &map->bvec[map->mdl.nr_bvecs];

		ret = kmcl_arena_pin(arena, KMCL_ARENA_GPADL, write, range->pfns[i],
				     &bvec->bv_page);
		if (ret)
			return ret;
		map->mdl.nr_bvecs++;
		bvec->bv_offset = offset;
		bvec->bv_len = min(left, KMCL_ARENA_PAGE_SIZE - offset);
		left -= bvec->bv_len;
		offset = 0;
	}
	map->mdl.length += range->byte_count;
	return 0;
}

static struct kmcl_lb_map *kmcl_lb_server_map_gpadl(struct kmcl_lb_end *end,
						    const struct vmbus_server_gpadl *gpadl,
						    bool write)
{
	struct vmbus_gpadl_range range;
	struct kmcl_lb_map *map;
	u32 i, nr = 0;
	int ret = 0;

	for (i = 0; i < vmbus_server_gpadl_ranges(gpadl); i++)
		if (!vmbus_server_gpadl_range(gpadl, i, &range))
			nr += range.nr_pages;
	map = kvzalloc(struct_size(map, bvec, nr), GFP_KERNEL);
	if (!map)
		return ERR_PTR(-ENOMEM);
	map->handle = vmbus_server_gpadl_handle(gpadl);
	map->mdl.bvec = map->bvec;
	for (i = 0; i < vmbus_server_gpadl_ranges(gpadl) && !ret; i++) {
		ret = vmbus_server_gpadl_range(gpadl, i, &range);
		if (!ret)
			ret = kmcl_lb_server_map_range(end->bus->arena, map, &range, write);
	}
	if (ret) {
		kmcl_arena_unpin_bvec(end->bus->arena, map->bvec, map->mdl.nr_bvecs);
		kvfree(map);
		return ERR_PTR(ret == -EACCES ? ret : -ENOENT);
	}
	return map;
}

/**
 * kmcl_lb_gpadl_map() - &struct kmcl_transport_ops.gpadl_map
 * @link: the end
 * @handle: which GPADL
 * @flags: VMB_GPADL_FLAG_*
 * @mdl: set to what describes it
 *
 * Return: see there.
 */
int kmcl_lb_gpadl_map(void *link, u32 handle, u32 flags, struct vmb_mdl **mdl)
{
	struct kmcl_lb_end *end = link;
	const struct vmbus_server_gpadl *gpadl = NULL;
	struct kmcl_lb_map *map;
	int ret = 0;

	kmcl_lb_lock(end->bus);
	if (end->state == KMCL_LB_OPENED || end->state == KMCL_LB_OPEN)
		gpadl = vmbus_server_gpadl_find(end->server_channel, handle);
	if (kmcl_lb_map_find(end, handle)) {
		ret = -EBUSY;
	} else if (!gpadl) {
		ret = -ENOENT;
	} else {
		map = kmcl_lb_server_map_gpadl(end, gpadl, !(flags & VMB_GPADL_FLAG_READ_ONLY));
		if (IS_ERR(map)) {
			ret = PTR_ERR(map);
		} else {
			list_add_tail(&map->node, &end->maps);
			*mdl = &map->mdl;
		}
	}
	kmcl_lb_unlock(end->bus);
	return ret;
}

/**
 * kmcl_lb_gpadl_unmap() - &struct kmcl_transport_ops.gpadl_unmap
 * @link: the end
 * @handle: which GPADL
 *
 * Return: see there.
 */
int kmcl_lb_gpadl_unmap(void *link, u32 handle)
{
	struct kmcl_lb_end *end = link;
	struct kmcl_lb_map *map;

	kmcl_lb_lock(end->bus);
	map = kmcl_lb_map_find(end, handle);
	if (map)
		kmcl_lb_server_unmap(end, map);
	kmcl_lb_unlock(end->bus);
	return map ? 0 : -ENOENT;
}

const struct vmbus_server_ops kmcl_lb_server_ops = {
	.send = kmcl_lb_send_to_client,
	.open = kmcl_lb_server_open,
	.close = kmcl_lb_server_close,
	.gpadl = kmcl_lb_server_gpadl,
	.gpadl_teardown = kmcl_lb_server_gpadl_teardown,
};
