// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: a client's GPADLs. The caller's memory is copied into pages of
 * the arena when a GPADL is created, and back when it is deleted or its link
 * ends, unless it is read-only; in between the two are not kept the same.
 *
 * All under kmcl_lb_bus.lock, but for waiting. A GPADL whose end is gone, or
 * that nobody waits for, is an orphan until the server let go of it.
 */
#include <linux/slab.h>

#include "loopback.h"
#include "vmbus/control.h"

/**
 * kmcl_lb_gpadl_new() - make a GPADL that the server does not know of
 * @bus: where
 * @kind: of its run
 * @length: bytes
 * @read_only: the server may not write to it
 *
 * Context: process context. Return: it, with one reference; ERR_PTR(-ENOMEM).
 */
struct kmcl_lb_gpadl *kmcl_lb_gpadl_new(struct kmcl_lb_bus *bus, u32 kind, u32 length,
					bool read_only)
{
	struct kmcl_lb_gpadl *gpadl;

	gpadl = kzalloc(sizeof(*gpadl), GFP_KERNEL);
	if (!gpadl)
		return ERR_PTR(-ENOMEM);
	refcount_set(&gpadl->ref, 1);
	INIT_LIST_HEAD(&gpadl->node);
	gpadl->length = length;
	gpadl->read_only = read_only;
	gpadl->run = kmcl_arena_alloc(bus->arena, kind,
				      DIV_ROUND_UP((u64)length, KMCL_ARENA_PAGE_SIZE), read_only,
				      GFP_KERNEL);
	if (IS_ERR(gpadl->run)) {
		kfree(gpadl);
		return ERR_PTR(-ENOMEM);
	}
	return gpadl;
}

static void kmcl_lb_gpadl_forget(struct kmcl_lb_gpadl *gpadl)
{
	kvfree(gpadl->bvec);
	gpadl->bvec = NULL;
}

/**
 * kmcl_lb_gpadl_put() - give a reference back
 * @bus: where
 * @gpadl: of which
 */
void kmcl_lb_gpadl_put(struct kmcl_lb_bus *bus, struct kmcl_lb_gpadl *gpadl)
{
	if (!refcount_dec_and_test(&gpadl->ref))
		return;
	if (gpadl->held)
		kmcl_arena_hold_end(bus->arena, &gpadl->hold);
	kmcl_arena_release(bus->arena, gpadl->run);
	kmcl_lb_gpadl_forget(gpadl);
	kfree(gpadl);
}

/**
 * kmcl_lb_gpadl_publish() - tell the server of a GPADL
 * @end: whose
 * @gpadl: which
 *
 * Return: 0 or an error.
 */
int kmcl_lb_gpadl_publish(struct kmcl_lb_end *end, struct kmcl_lb_gpadl *gpadl)
{
	struct vmbus_gpadl_range range = {
		.byte_count = gpadl->length,
		.nr_pages = gpadl->run->count,
	};
	u64 *gfns;
	int ret;
	u32 i;

	gfns = kvmalloc_array(range.nr_pages, sizeof(*gfns), GFP_KERNEL);
	if (!gfns)
		return -ENOMEM;
	for (i = 0; i < range.nr_pages; i++)
		gfns[i] = gpadl->run->first + i;
	range.pfns = gfns;
	ret = vmbus_client_gpadl_create(end->client_channel, &range, &gpadl->handle);
	kvfree(gfns);
	gpadl->channel_id = vmbus_client_channel_id(end->client_channel);
	return ret;
}

/* Copy back, at most once. */
static void kmcl_lb_gpadl_sync(struct kmcl_lb_bus *bus, struct kmcl_lb_gpadl *gpadl)
{
	const struct vmb_mdl mdl = {
		.bvec = gpadl->bvec,
		.nr_bvecs = gpadl->nr_bvecs,
		.offset = gpadl->offset,
		.length = gpadl->length,
	};

	if (gpadl->bvec && !gpadl->read_only)
		kmcl_lb_copy(bus->arena, gpadl->run, &mdl, 0, gpadl->length, false);
	kmcl_lb_gpadl_forget(gpadl);
}

/**
 * kmcl_lb_gpadl_orphan() - ask for a GPADL back, for nobody
 * @end: whose
 * @gpadl: which; its list's reference goes with it
 */
void kmcl_lb_gpadl_orphan(struct kmcl_lb_end *end, struct kmcl_lb_gpadl *gpadl)
{
	int ret = vmbus_client_gpadl_teardown(end->client_channel, gpadl->handle);

	list_del_init(&gpadl->node);
	if (ret && ret != -EALREADY)
		kmcl_lb_gpadl_put(end->bus, gpadl);
	else
		list_add_tail(&gpadl->node, &end->bus->orphans);
}

/**
 * kmcl_lb_gpadl_orphan_all() - the end of a link: all GPADLs but the ring's
 * @end: whose
 */
void kmcl_lb_gpadl_orphan_all(struct kmcl_lb_end *end)
{
	struct kmcl_lb_gpadl *gpadl, *next;

	list_for_each_entry_safe(gpadl, next, &end->gpadls, node) {
		if (gpadl->state != KMCL_LB_GPADL_CREATING)
			kmcl_lb_gpadl_sync(end->bus, gpadl);
		kmcl_lb_gpadl_orphan(end, gpadl);
	}
	wake_up_all(&end->bus->wait);
}

/**
 * kmcl_lb_gpadl_forget_memory() - the consumer's memory goes, its GPADLs stay
 * @end: whose
 */
void kmcl_lb_gpadl_forget_memory(struct kmcl_lb_end *end)
{
	struct kmcl_lb_gpadl *gpadl;

	list_for_each_entry(gpadl, &end->gpadls, node)
		kmcl_lb_gpadl_forget(gpadl);
}

static struct kmcl_lb_gpadl *kmcl_lb_gpadl_find(struct list_head *list, u32 channel_id,
						u32 handle)
{
	struct kmcl_lb_gpadl *gpadl;

	list_for_each_entry(gpadl, list, node)
		if (gpadl->handle == handle && gpadl->channel_id == channel_id)
			return gpadl;
	return NULL;
}

/**
 * kmcl_lb_gpadl_has_orphans() - does the server have to let go of something?
 * @bus: where
 * @channel_id: of which channel
 *
 * Return: whether.
 */
bool kmcl_lb_gpadl_has_orphans(struct kmcl_lb_bus *bus, u32 channel_id)
{
	struct kmcl_lb_gpadl *gpadl;

	list_for_each_entry(gpadl, &bus->orphans, node)
		if (gpadl->channel_id == channel_id)
			return true;
	return false;
}

/**
 * kmcl_lb_gpadl_drop_orphans() - there is no server any more to let go of them
 * @bus: where
 */
void kmcl_lb_gpadl_drop_orphans(struct kmcl_lb_bus *bus)
{
	struct kmcl_lb_gpadl *gpadl, *next;

	list_for_each_entry_safe(gpadl, next, &bus->orphans, node) {
		list_del_init(&gpadl->node);
		kmcl_lb_gpadl_put(bus, gpadl);
	}
}

/**
 * kmcl_lb_gpadl_created() - the server's answer to a GPADL that is no ring's
 * @chan: of which channel
 * @end: that has the channel, or NULL
 * @handle: which
 * @error: 0 or an error
 */
void kmcl_lb_gpadl_created(struct vmbus_client_channel *chan, struct kmcl_lb_end *end,
			   u32 handle, int error)
{
	struct kmcl_lb_gpadl *gpadl = NULL;

	if (end)
		gpadl = kmcl_lb_gpadl_find(&end->gpadls, vmbus_client_channel_id(chan), handle);
	if (!gpadl) {
		/* Who waited for it is gone, over a restore. */
		if (!error)
			vmbus_client_gpadl_teardown(chan, handle);
		return;
	}
	gpadl->error = error;
	gpadl->state = error ? KMCL_LB_GPADL_GONE : KMCL_LB_GPADL_CREATED;
	if (error) {
		list_del_init(&gpadl->node);
		kmcl_lb_gpadl_put(end->bus, gpadl);
	}
	wake_up_all(&end->bus->wait);
}

/**
 * kmcl_lb_gpadl_torndown() - the server let go of a GPADL
 * @bus: where
 * @chan: of which channel
 * @end: that has the channel, or NULL
 * @handle: which
 */
void kmcl_lb_gpadl_torndown(struct kmcl_lb_bus *bus, struct vmbus_client_channel *chan,
			    struct kmcl_lb_end *end, u32 handle)
{
	u32 id = vmbus_client_channel_id(chan);
	struct kmcl_lb_gpadl *gpadl = NULL;

	if (end)
		gpadl = kmcl_lb_gpadl_find(&end->gpadls, id, handle);
	if (!gpadl)
		gpadl = kmcl_lb_gpadl_find(&bus->orphans, id, handle);
	if (!gpadl)
		return;
	gpadl->state = KMCL_LB_GPADL_GONE;
	list_del_init(&gpadl->node);
	if (gpadl->held)
		kmcl_arena_hold_end(bus->arena, &gpadl->hold);
	gpadl->held = false;
	kmcl_lb_gpadl_put(bus, gpadl);
	wake_up_all(&bus->wait);
}

/* Copy the pieces of a part of a chain into one array of the GPADL's own. */
static int kmcl_lb_gpadl_take_bvecs(struct kmcl_lb_gpadl *gpadl, const struct vmb_mdl *mdl,
				    u32 offset)
{
	const struct vmb_mdl *m;
	u32 nr = 0, left = gpadl->length;

	for (m = mdl; m; m = m->next)
		nr += m->nr_bvecs;
	if (!nr)
		return -EINVAL;
	gpadl->bvec = kvcalloc(nr, sizeof(*gpadl->bvec), GFP_KERNEL);
	if (!gpadl->bvec)
		return -ENOMEM;
	for (m = mdl; m && left; m = m->next) {
		u32 skip = m->offset, have = m->length, i;

		for (i = 0; i < m->nr_bvecs && have && left; i++) {
			struct bio_vec piece = m->bvec[i];
			u32 cut;

			/* What lies before the MDL's memory, then what the caller skips */
			cut = min(skip, piece.bv_len);
			skip -= cut;
			piece.bv_offset += cut;
			piece.bv_len = min(piece.bv_len - cut, have);
			have -= piece.bv_len;
			cut = min(offset, piece.bv_len);
			offset -= cut;
			piece.bv_offset += cut;
			piece.bv_len = min(piece.bv_len - cut, left);
			left -= piece.bv_len;
			if (piece.bv_len)
				gpadl->bvec[gpadl->nr_bvecs++] = piece;
		}
	}
	return left ? -EINVAL : 0;
}

static bool kmcl_lb_gpadl_allowed(const struct kmcl_lb_end *end)
{
	return (end->state == KMCL_LB_OPENED || end->state == KMCL_LB_OPEN) &&
	       !READ_ONCE(end->gpadl_aborted);
}

/* Wait for the server to answer, or for the end of the link or of patience. Drops the lock. */
static void kmcl_lb_gpadl_wait(struct kmcl_lb_end *end, struct kmcl_lb_gpadl *gpadl,
			       enum kmcl_lb_gpadl_state leave)
{
	while (gpadl->state == leave && kmcl_lb_gpadl_allowed(end)) {
		kmcl_lb_unlock(end->bus);
		wait_event(end->bus->wait, READ_ONCE(gpadl->state) != leave ||
			   !kmcl_lb_gpadl_allowed(end));
		kmcl_lb_lock(end->bus);
	}
}

/**
 * kmcl_lb_gpadl_create() - &struct kmcl_transport_ops.gpadl_create
 * @link: the end
 * @mdl: the memory, a chain
 * @offset: where in it to begin
 * @length: how many bytes
 * @flags: VMB_GPADL_FLAG_*
 * @handle: set to its handle
 *
 * Return: see there; -EINVAL for no bytes or less memory than that; -E2BIG for
 * more pages than a GPADL can have; -EIO where the server refused; -ENOMEM.
 */
int kmcl_lb_gpadl_create(void *link, const struct vmb_mdl *mdl, u32 offset, u32 length,
			 u32 flags, u32 *handle)
{
	struct kmcl_lb_end *end = link;
	struct kmcl_lb_bus *bus = end->bus;
	struct kmcl_lb_gpadl *gpadl;
	int ret;

	if (!length)
		return -EINVAL;
	if (DIV_ROUND_UP((u64)length, KMCL_ARENA_PAGE_SIZE) >= VMBUS_GPADL_MAX_WORDS)
		return -E2BIG;
	gpadl = kmcl_lb_gpadl_new(bus, KMCL_ARENA_GPADL, length,
				  flags & VMB_GPADL_FLAG_READ_ONLY);
	if (IS_ERR(gpadl))
		return PTR_ERR(gpadl);
	ret = kmcl_lb_gpadl_take_bvecs(gpadl, mdl, offset);
	if (!ret)
		ret = kmcl_lb_copy(bus->arena, gpadl->run, mdl, offset, length, true);

	kmcl_lb_lock(bus);
	kref_get(&end->ref);
	if (!ret)
		ret = kmcl_lb_gpadl_allowed(end) ? kmcl_lb_gpadl_publish(end, gpadl) : -ENODEV;
	if (!ret) {
		refcount_inc(&gpadl->ref);
		list_add_tail(&gpadl->node, &end->gpadls);
		kmcl_lb_gpadl_wait(end, gpadl, KMCL_LB_GPADL_CREATING);
		ret = gpadl->state == KMCL_LB_GPADL_CREATED ? 0 : gpadl->error ?: -ENODEV;
		*handle = gpadl->handle;
		if (ret)
			kmcl_lb_gpadl_forget(gpadl);
	}
	kmcl_lb_gpadl_put(bus, gpadl);
	kmcl_lb_unlock(bus);
	kmcl_lb_end_put(end);
	return ret;
}

/**
 * kmcl_lb_gpadl_delete() - &struct kmcl_transport_ops.gpadl_delete
 * @link: the end
 * @handle: which
 *
 * Return: 0; -ENODEV where the link ended or was aborted while the peer had it
 * mapped; in both cases the memory is the caller's. -ENOENT where there is none.
 */
int kmcl_lb_gpadl_delete(void *link, u32 handle)
{
	struct kmcl_lb_end *end = link;
	struct kmcl_lb_bus *bus = end->bus;
	struct kmcl_lb_gpadl *gpadl = NULL;
	int ret = -ENOENT;

	kmcl_lb_lock(bus);
	kref_get(&end->ref);
	if (end->client_channel)
		gpadl = kmcl_lb_gpadl_find(&end->gpadls,
					   vmbus_client_channel_id(end->client_channel), handle);
	if (gpadl && gpadl->state == KMCL_LB_GPADL_CREATED) {
		refcount_inc(&gpadl->ref);
		gpadl->state = KMCL_LB_GPADL_DELETING;
		vmbus_client_gpadl_teardown(end->client_channel, handle);
		kmcl_lb_gpadl_wait(end, gpadl, KMCL_LB_GPADL_DELETING);
		ret = gpadl->state == KMCL_LB_GPADL_GONE ? 0 : -ENODEV;
		kmcl_lb_gpadl_sync(bus, gpadl);
		kmcl_lb_gpadl_put(bus, gpadl);
	}
	kmcl_lb_unlock(bus);
	kmcl_lb_end_put(end);
	return ret;
}

/**
 * kmcl_lb_gpadl_abort() - &struct kmcl_transport_ops.gpadl_abort
 * @link: the end
 *
 * Context: any context.
 */
void kmcl_lb_gpadl_abort(void *link)
{
	struct kmcl_lb_end *end = link;

	WRITE_ONCE(end->gpadl_aborted, true);
	wake_up_all(&end->bus->wait);
}
