// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: saving it, into the record of loopback_record.h.
 *
 * kmcl_lb_bus.save is set and cleared under kmcl_lb_bus.lock; reading needs no
 * lock, for the core calls one after the other, and all pages are pinned.
 */
#include <linux/slab.h>

#include "loopback.h"
#include "loopback_record.h"
#include "vmbus/control.h"

/**
 * struct kmcl_lb_save - a save under way
 * @snap: the runs in it, pinned
 * @head: all but the pages
 * @head_len: its bytes, a multiple of the page size
 * @pages: the pages of all runs, in order
 */
struct kmcl_lb_save {
	struct kmcl_arena_snapshot snap;
	u8 *head;
	u32 head_len;
	struct page **pages;
};

static struct kmcl_lb_end *kmcl_lb_save_peer(struct kmcl_lb_end *end)
{
	return rcu_dereference_protected(end->peer, lockdep_is_held(&end->bus->lock));
}

/* Is this the client's end of a link that is open at both? */
static bool kmcl_lb_savable(struct kmcl_lb_end *end)
{
	struct kmcl_lb_end *peer = kmcl_lb_save_peer(end);

	return !end->server && peer && end->state == KMCL_LB_OPEN && !end->close_pending &&
	       peer->state == KMCL_LB_OPEN && !peer->close_pending && end->ring_gpadl &&
	       end->ring_gpadl->state == KMCL_LB_GPADL_CREATED &&
	       !vmbus_client_channel_rescinded(end->client_channel) &&
	       vmbus_client_channel_state(end->client_channel) == VMBUS_CC_OPEN &&
	       vmbus_server_channel_state(peer->server_channel) == VMBUS_SC_OPEN;
}

/* Whose run is this? Only what a saved link or packet needs is saved. */
static bool kmcl_lb_run_wanted(struct kmcl_lb_bus *bus, const struct kmcl_arena_run *run)
{
	struct kmcl_lb_gpadl *gpadl;
	struct kmcl_lb_end *end;

	if (run->kind == KMCL_ARENA_EXT)
		return READ_ONCE(run->mapped);
	list_for_each_entry(end, &bus->ends, node) {
		if (!kmcl_lb_savable(end))
			continue;
		if (end->ring_gpadl->run == run)
			return true;
		list_for_each_entry(gpadl, &end->gpadls, node)
			if (gpadl->run == run && gpadl->state == KMCL_LB_GPADL_CREATED)
				return true;
	}
	return false;
}

/*
 * Drop from the snapshot what is not wanted. A consumer may go on sending, in
 * vain, so that the answer may change: it is asked for once.
 */
static void kmcl_lb_save_choose(struct kmcl_lb_bus *bus, struct kmcl_arena_snapshot *snap)
{
	u32 i, nr = 0;

	for (i = 0; i < snap->nr_runs; i++) {
		struct kmcl_arena_run *run = snap->runs[i];

		if (kmcl_lb_run_wanted(bus, run)) {
			snap->runs[nr++] = run;
			continue;
		}
		snap->nr_pages -= run->count;
		kmcl_arena_unpin(bus->arena, kmcl_arena_page(bus->arena, run, 0));
	}
	snap->nr_runs = nr;
}

static void kmcl_lb_save_count(struct kmcl_lb_bus *bus, struct kmcl_lb_save *save,
			       struct kmcl_lb_rec_header *header)
{
	u32 links = 0, gpadls = 0;
	struct kmcl_lb_gpadl *gpadl;
	struct kmcl_lb_end *end;

	list_for_each_entry(end, &bus->ends, node) {
		if (!kmcl_lb_savable(end))
			continue;
		links++;
		list_for_each_entry(gpadl, &end->gpadls, node)
			gpadls += gpadl->state == KMCL_LB_GPADL_CREATED;
	}
	*header = (struct kmcl_lb_rec_header) {
		.magic = cpu_to_le32(KMCL_LB_REC_MAGIC),
		.arena_pages = cpu_to_le32(kmcl_arena_size(bus->arena)),
		.nr_links = cpu_to_le32(links),
		.nr_gpadls = cpu_to_le32(gpadls),
		.nr_runs = cpu_to_le32(save->snap.nr_runs),
		.nr_pages = cpu_to_le32(save->snap.nr_pages),
		.server_len = cpu_to_le32(vmbus_server_save(bus->server, NULL, 0)),
		.client_len = cpu_to_le32(vmbus_client_save(bus->client, NULL, 0)),
	};
}

static void kmcl_lb_save_links(struct kmcl_lb_bus *bus, struct kmcl_lb_rec_link *link)
{
	struct kmcl_lb_end *end;

	list_for_each_entry(end, &bus->ends, node) {
		if (!kmcl_lb_savable(end))
			continue;
		export_guid(link->type, &end->params.type);
		export_guid(link->instance, &end->instance);
		export_guid(link->client_instance, &end->params.instance);
		link->subchannel = cpu_to_le16(end->params.subchannel);
		link->ring_handle = cpu_to_le32(end->ring_gpadl->handle);
		link->ring_first = cpu_to_le32(end->ring_gpadl->run->first);
		link++;
	}
}

static void kmcl_lb_save_gpadls(struct kmcl_lb_bus *bus, struct kmcl_lb_rec_gpadl *rec)
{
	struct kmcl_lb_gpadl *gpadl;
	struct kmcl_lb_end *end;
	u32 link = 0;

	list_for_each_entry(end, &bus->ends, node) {
		if (!kmcl_lb_savable(end))
			continue;
		list_for_each_entry(gpadl, &end->gpadls, node) {
			if (gpadl->state != KMCL_LB_GPADL_CREATED)
				continue;
			rec->link = cpu_to_le32(link);
			rec->handle = cpu_to_le32(gpadl->handle);
			rec->first = cpu_to_le32(gpadl->run->first);
			rec->length = cpu_to_le32(gpadl->length);
			rec++;
		}
		link++;
	}
}

static void kmcl_lb_save_runs(struct kmcl_lb_bus *bus, struct kmcl_lb_save *save,
			      struct kmcl_lb_rec_run *rec)
{
	u32 i, j, page = 0;

	for (i = 0; i < save->snap.nr_runs; i++) {
		const struct kmcl_arena_run *run = save->snap.runs[i];

		rec->token = cpu_to_le64(run->token);
		rec->first = cpu_to_le32(run->first);
		rec->count = cpu_to_le32(run->count);
		rec->kind = cpu_to_le32(run->kind);
		rec->flags = cpu_to_le32(run->read_only ? KMCL_LB_REC_READ_ONLY : 0);
		rec++;
		for (j = 0; j < run->count; j++)
			save->pages[page++] = kmcl_arena_page(bus->arena, run, j);
	}
}

static int kmcl_lb_save_take(struct kmcl_lb_bus *bus, struct kmcl_lb_save *save)
{
	struct kmcl_lb_rec_header header;
	u32 links, gpadls, runs, server, client;
	u8 *to;
	int ret;

	ret = kmcl_arena_snapshot(bus->arena, &save->snap);
	if (ret)
		return ret;
	kmcl_lb_save_choose(bus, &save->snap);
	kmcl_lb_save_count(bus, save, &header);
	links = le32_to_cpu(header.nr_links) * sizeof(struct kmcl_lb_rec_link);
	gpadls = le32_to_cpu(header.nr_gpadls) * sizeof(struct kmcl_lb_rec_gpadl);
	runs = le32_to_cpu(header.nr_runs) * sizeof(struct kmcl_lb_rec_run);
	server = le32_to_cpu(header.server_len);
	client = le32_to_cpu(header.client_len);
	save->head_len = ALIGN(sizeof(header) + links + gpadls + runs + ALIGN(server, 8) +
			       ALIGN(client, 8), KMCL_ARENA_PAGE_SIZE);
	save->head = kvzalloc(save->head_len, GFP_KERNEL);
	save->pages = kvcalloc(max(save->snap.nr_pages, 1U), sizeof(*save->pages), GFP_KERNEL);
	if (!save->head || !save->pages)
		return -ENOMEM;

	to = save->head;
	memcpy(to, &header, sizeof(header));
	to += sizeof(header);
	kmcl_lb_save_links(bus, (void *)to);
	to += links;
	kmcl_lb_save_gpadls(bus, (void *)to);
	to += gpadls;
	kmcl_lb_save_runs(bus, save, (void *)to);
	to += runs;
	if (vmbus_server_save(bus->server, to, server) != server)
		return -EIO;
	to += ALIGN(server, 8);
	return vmbus_client_save(bus->client, to, client) == client ? 0 : -EIO;
}

static void kmcl_lb_save_free(struct kmcl_lb_bus *bus, struct kmcl_lb_save *save)
{
	if (!save)
		return;
	kmcl_arena_snapshot_put(bus->arena, &save->snap);
	kvfree(save->head);
	kvfree(save->pages);
	kfree(save);
}

/**
 * kmcl_lb_bus_save_begin() - &struct kmcl_transport_ops.bus_save_begin
 * @vmb_bus: which
 * @bytes: set to how much there is
 *
 * Return: 0; -EBUSY where it is not frozen, or being saved; -ENOMEM.
 */
int kmcl_lb_bus_save_begin(struct vmb_bus *vmb_bus, u64 *bytes)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_save *save;
	int ret = -EBUSY;

	save = kzalloc(sizeof(*save), GFP_KERNEL);
	if (!save)
		return -ENOMEM;
	mutex_lock(&bus->lock);
	if (bus->frozen && !bus->save) {
		ret = kmcl_lb_save_take(bus, save);
		if (!ret) {
			kmcl_arena_ext_offer(bus->arena, &save->snap);
			bus->save = save;
			*bytes = save->head_len + (u64)save->snap.nr_pages * KMCL_ARENA_PAGE_SIZE;
		}
	}
	mutex_unlock(&bus->lock);
	if (ret)
		kmcl_lb_save_free(bus, save);
	return ret;
}

/**
 * kmcl_lb_bus_save_read() - &struct kmcl_transport_ops.bus_save_read
 * @vmb_bus: which
 * @offset: from where
 * @buffer: where to
 * @length: how many bytes
 *
 * Return: 0; -EINVAL where there is not so much, or no save was begun.
 */
int kmcl_lb_bus_save_read(struct vmb_bus *vmb_bus, u64 offset, void *buffer, u32 length)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	const struct kmcl_lb_save *save = bus->save;
	u64 total;

	if (!save)
		return -EINVAL;
	total = save->head_len + (u64)save->snap.nr_pages * KMCL_ARENA_PAGE_SIZE;
	if (offset > total || length > total - offset)
		return -EINVAL;
	while (length) {
		u32 in_page = offset % KMCL_ARENA_PAGE_SIZE;
		u32 now = min(length, KMCL_ARENA_PAGE_SIZE - in_page);
		const u8 *from;

		if (offset < save->head_len)
			from = save->head + offset;
		else
			from = page_address(save->pages[(offset - save->head_len) /
							KMCL_ARENA_PAGE_SIZE]) + in_page;
		memcpy(buffer, from, now);
		buffer += now;
		offset += now;
		length -= now;
	}
	return 0;
}

/**
 * kmcl_lb_bus_save_end() - &struct kmcl_transport_ops.bus_save_end
 * @vmb_bus: which
 */
void kmcl_lb_bus_save_end(struct vmb_bus *vmb_bus)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_save *save;

	mutex_lock(&bus->lock);
	save = bus->save;
	bus->save = NULL;
	mutex_unlock(&bus->lock);
	kmcl_lb_save_free(bus, save);
}
