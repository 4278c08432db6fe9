// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: taking a record back. Nothing in it is believed: everything is
 * built aside, in a new arena, new machines and new ends, and takes the place
 * of what the bus had only when all of it is there and fits together.
 *
 * The record is kept in pages as it arrives, which become the arena's own.
 * kmcl_lb_bus.restore is set and cleared under kmcl_lb_bus.lock; the core calls
 * one after the other.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "loopback.h"
#include "loopback_record.h"
#include "vmbus/control.h"

/**
 * struct kmcl_lb_restore - a restore under way
 * @bus: into which bus
 * @incoming: pages received
 * @bytes: of the record
 * @received: so far
 * @pages: the same pages, once all are here; NULL where the arena has them
 * @nr_pages: how many
 * @head: what comes before the runs' pages, mapped
 * @head_pages: its pages
 * @header: at the start of it
 * @links: table
 * @gpadls: table
 * @runs: table
 * @server_state: of the server's machine
 * @client_state: of the client's machine
 * @arena: the new one
 * @owned: by gfn: a run that begins there has an owner
 * @server: the new machine
 * @client: the new machine
 * @ends: the new ends; first the server's, then the client's of each link
 */
struct kmcl_lb_restore {
	struct kmcl_lb_bus *bus;
	struct xarray incoming;
	u64 bytes;
	u64 received;
	struct page **pages;
	u32 nr_pages;
	const u8 *head;
	u32 head_pages;
	const struct kmcl_lb_rec_header *header;
	const struct kmcl_lb_rec_link *links;
	const struct kmcl_lb_rec_gpadl *gpadls;
	const struct kmcl_lb_rec_run *runs;
	const u8 *server_state;
	const u8 *client_state;
	struct kmcl_arena *arena;
	unsigned long *owned;
	struct vmbus_server *server;
	struct vmbus_client *client;
	struct list_head ends;
};

static bool kmcl_lb_in_use(struct kmcl_lb_bus *bus)
{
	struct kmcl_lb_end *end;

	list_for_each_entry(end, &bus->ends, node)
		if (!end->parked)
			return true;
	return bus->frozen;
}

/**
 * kmcl_lb_bus_restore_begin() - &struct kmcl_transport_ops.bus_restore_begin
 * @vmb_bus: which
 * @version: of the record
 * @bytes: of the record
 *
 * Return: see there; also -EBADMSG for an impossible size, -ENOMEM.
 */
int kmcl_lb_bus_restore_begin(struct vmb_bus *vmb_bus, u32 version, u64 bytes)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_restore *r;
	int ret = 0;

	if (version != KMCL_LB_REC_VERSION)
		return -EOPNOTSUPP;
	if (!bytes || bytes % KMCL_ARENA_PAGE_SIZE || bytes / KMCL_ARENA_PAGE_SIZE > U32_MAX / 2)
		return -EBADMSG;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	xa_init(&r->incoming);
	INIT_LIST_HEAD(&r->ends);
	r->bus = bus;
	r->bytes = bytes;

	mutex_lock(&bus->lock);
	if (bus->restore || kmcl_lb_in_use(bus))
		ret = -EBUSY;
	else
		bus->restore = r;
	mutex_unlock(&bus->lock);
	if (ret)
		kfree(r);
	return ret;
}

/**
 * kmcl_lb_bus_restore_write() - &struct kmcl_transport_ops.bus_restore_write
 * @vmb_bus: which
 * @buffer: the next bytes
 * @length: how many
 *
 * Return: 0; -EBADMSG for more than was announced; -EINVAL where no restore was
 * begun; -ENOMEM.
 */
int kmcl_lb_bus_restore_write(struct vmb_bus *vmb_bus, const void *buffer, u32 length)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_restore *r = bus->restore;
	int ret;

	if (!r)
		return -EINVAL;
	if (length > r->bytes - r->received)
		return -EBADMSG;
	while (length) {
		u32 in_page = r->received % KMCL_ARENA_PAGE_SIZE;
		u32 now = min(length, KMCL_ARENA_PAGE_SIZE - in_page);
		unsigned long index = r->received / KMCL_ARENA_PAGE_SIZE;
		struct page *page = xa_load(&r->incoming, index);

		if (!page) {
			page = alloc_page(GFP_KERNEL);
			if (!page)
				return -ENOMEM;
			ret = xa_err(xa_store(&r->incoming, index, page, GFP_KERNEL));
			if (ret) {
				__free_page(page);
				return ret;
			}
		}
		memcpy(page_address(page) + in_page, buffer, now);
		buffer += now;
		r->received += now;
		length -= now;
	}
	return 0;
}

/* ---- the tables ---- */

static int kmcl_lb_restore_pages(struct kmcl_lb_restore *r)
{
	unsigned long index;
	struct page *page;

	r->nr_pages = r->bytes / KMCL_ARENA_PAGE_SIZE;
	r->pages = kvcalloc(r->nr_pages, sizeof(*r->pages), GFP_KERNEL);
	if (!r->pages)
		return -ENOMEM;
	xa_for_each(&r->incoming, index, page)
		r->pages[index] = page;
	xa_destroy(&r->incoming);
	return 0;
}

/* Where the tables are; all inside of the record. */
static int kmcl_lb_restore_tables(struct kmcl_lb_restore *r)
{
	const struct kmcl_lb_rec_header *h = page_address(r->pages[0]);
	u64 links, gpadls, runs, server, client, used;

	if (le32_to_cpu(h->magic) != KMCL_LB_REC_MAGIC)
		return -EBADMSG;
	links = (u64)le32_to_cpu(h->nr_links) * sizeof(*r->links);
	gpadls = (u64)le32_to_cpu(h->nr_gpadls) * sizeof(*r->gpadls);
	runs = (u64)le32_to_cpu(h->nr_runs) * sizeof(*r->runs);
	server = le32_to_cpu(h->server_len);
	client = le32_to_cpu(h->client_len);
	used = sizeof(*h) + links + gpadls + runs + ALIGN(server, 8) + ALIGN(client, 8);
	if (DIV_ROUND_UP_ULL(used, KMCL_ARENA_PAGE_SIZE) + le32_to_cpu(h->nr_pages) != r->nr_pages)
		return -EBADMSG;
	r->head_pages = DIV_ROUND_UP_ULL(used, KMCL_ARENA_PAGE_SIZE);
	r->head = vmap(r->pages, r->head_pages, VM_MAP, PAGE_KERNEL);
	if (!r->head)
		return -ENOMEM;
	r->header = (const void *)r->head;
	r->links = (const void *)(r->head + sizeof(*h));
	r->gpadls = (const void *)r->links + links;
	r->runs = (const void *)r->gpadls + gpadls;
	r->server_state = (const void *)r->runs + runs;
	r->client_state = r->server_state + ALIGN(server, 8);
	if (memchr_inv(r->server_state + server, 0, ALIGN(server, 8) - server) ||
	    memchr_inv(r->client_state + client, 0,
		       (size_t)r->head_pages * KMCL_ARENA_PAGE_SIZE -
		       (r->client_state + client - r->head)))
		return -EBADMSG;
	return 0;
}

static int kmcl_lb_restore_runs(struct kmcl_lb_restore *r)
{
	u32 i, last = 0, next = r->head_pages;

	r->arena = kmcl_arena_create(kmcl_arena_size(r->bus->arena));
	if (IS_ERR(r->arena))
		return PTR_ERR(r->arena);
	if (le32_to_cpu(r->header->arena_pages) > kmcl_arena_size(r->arena))
		pr_warn_ratelimited("saved with arena_pages=%u, which may be needed\n",
				    le32_to_cpu(r->header->arena_pages));
	for (i = 0; i < le32_to_cpu(r->header->nr_runs); i++) {
		const struct kmcl_lb_rec_run *rec = &r->runs[i];
		const struct kmcl_arena_place place = {
			.token = le64_to_cpu(rec->token),
			.first = le32_to_cpu(rec->first),
			.count = le32_to_cpu(rec->count),
			.kind = le32_to_cpu(rec->kind),
			.read_only = le32_to_cpu(rec->flags) & KMCL_LB_REC_READ_ONLY,
		};
		struct kmcl_arena_run *run;

		if (place.first <= last || place.count > r->nr_pages - next ||
		    le32_to_cpu(rec->flags) & ~KMCL_LB_REC_READ_ONLY)
			return -EBADMSG;
		run = kmcl_arena_place(r->arena, &place, &r->pages[next]);
		if (IS_ERR(run))
			return PTR_ERR(run);
		last = place.first;
		next += place.count;
	}
	return next == r->nr_pages ? 0 : -EBADMSG;
}

static int kmcl_lb_restore_machines(struct kmcl_lb_restore *r)
{
	int ret;

	ret = kmcl_lb_plane_new(r->bus, &r->server, &r->client);
	if (ret)
		return ret;
	ret = vmbus_server_restore(r->server, r->server_state,
				   le32_to_cpu(r->header->server_len));
	if (!ret)
		ret = vmbus_client_restore(r->client, r->client_state,
					   le32_to_cpu(r->header->client_len));
	if (ret)
		return ret == -ENOMEM ? ret : -EBADMSG;
	if (vmbus_server_state(r->server) != VMBUS_CONNECTED ||
	    vmbus_client_state(r->client) != VMBUS_CLIENT_REQUESTED)
		return -EBADMSG;
	return 0;
}

/* ---- links ---- */

/* Take a run of @kind that nobody has yet. */
static struct kmcl_arena_run *kmcl_lb_restore_own(struct kmcl_lb_restore *r, u32 first, u32 kind)
{
	struct kmcl_arena_run *run = kmcl_arena_run_at(r->arena, first);

	if (!run || run->kind != kind || test_and_set_bit(first, r->owned))
		return NULL;
	return run;
}

/* Do both know this GPADL, the server as one range that is exactly this run? */
static bool kmcl_lb_restore_gpadl_fits(struct kmcl_lb_end *server, struct kmcl_lb_end *client,
				       u32 handle, const struct kmcl_arena_run *run, u32 length)
{
	const struct vmbus_server_gpadl *gpadl;
	struct vmbus_gpadl_range range;
	u32 i;

	if (!vmbus_client_gpadl_settled(client->client_channel, handle))
		return false;
	gpadl = vmbus_server_gpadl_find(server->server_channel, handle);
	if (!gpadl || vmbus_server_gpadl_ranges(gpadl) != 1 ||
	    vmbus_server_gpadl_range(gpadl, 0, &range) || range.byte_offset ||
	    range.byte_count != length || range.nr_pages != run->count)
		return false;
	for (i = 0; i < run->count; i++)
		if (range.pfns[i] != run->first + i)
			return false;
	return true;
}

static struct kmcl_lb_gpadl *kmcl_lb_restore_gpadl(struct kmcl_lb_end *client,
						   struct kmcl_arena_run *run, u32 handle,
						   u32 length)
{
	struct kmcl_lb_gpadl *gpadl = kzalloc(sizeof(*gpadl), GFP_KERNEL);

	if (!gpadl)
		return NULL;
	refcount_set(&gpadl->ref, 1);
	INIT_LIST_HEAD(&gpadl->node);
	gpadl->run = run;
	gpadl->channel_id = vmbus_client_channel_id(client->client_channel);
	gpadl->handle = handle;
	gpadl->state = KMCL_LB_GPADL_CREATED;
	gpadl->read_only = run->read_only;
	gpadl->length = length;
	return gpadl;
}

static struct kmcl_lb_end *kmcl_lb_restore_end(struct kmcl_lb_restore *r,
					       const struct kmcl_lb_rec_link *rec, bool server)
{
	struct kmcl_link_params params = {
		.subchannel = le16_to_cpu(rec->subchannel),
		.server = server,
		.cpu = -1,
	};
	struct kmcl_lb_end *end;

	import_guid(&params.type, rec->type);
	import_guid(&params.instance, server ? rec->instance : rec->client_instance);
	end = kmcl_lb_end_new(r->bus, &params);
	if (!end)
		return NULL;
	import_guid(&end->instance, rec->instance);
	end->state = KMCL_LB_OPEN;
	end->parked = true;
	list_add_tail(&end->node, &r->ends);
	return end;
}

/* Both machines must know the link, as open, with the same rings. */
static int kmcl_lb_restore_claim(struct kmcl_lb_restore *r, struct kmcl_lb_end *server,
				 struct kmcl_lb_end *client, u32 handle, u32 *downstream)
{
	const struct vmbus_channel_key key = {
		.type = server->params.type,
		.instance = server->instance,
		.subchannel = server->params.subchannel,
	};
	const struct vmbus_open_request *asked, *granted;

	if (vmbus_server_claim(r->server, &key, server, &server->server_channel) !=
	    VMBUS_CLAIM_KEPT ||
	    vmbus_client_claim(r->client, &key, client, &client->client_channel) !=
	    VMBUS_CLAIM_KEPT)
		return -EBADMSG;
	if (vmbus_client_channel_rescinded(client->client_channel) ||
	    vmbus_client_channel_id(client->client_channel) !=
	    vmbus_server_channel_id(server->server_channel))
		return -EBADMSG;
	asked = vmbus_client_channel_open_request(client->client_channel);
	granted = vmbus_server_channel_open_request(server->server_channel);
	if (!asked || !granted || asked->ring_gpadl != handle || granted->ring_gpadl != handle ||
	    asked->downstream_page != granted->downstream_page)
		return -EBADMSG;
	*downstream = asked->downstream_page;
	return 0;
}

static int kmcl_lb_restore_link(struct kmcl_lb_restore *r, const struct kmcl_lb_rec_link *rec)
{
	u32 handle = le32_to_cpu(rec->ring_handle), downstream, length;
	struct kmcl_lb_end *server, *client;
	struct kmcl_arena_run *run;
	int ret;

	server = kmcl_lb_restore_end(r, rec, true);
	client = kmcl_lb_restore_end(r, rec, false);
	if (!server || !client)
		return -ENOMEM;
	if (rec->reserved || rec->reserved2 ||
	    (!guid_is_null(&client->params.instance) &&
	     !guid_equal(&client->params.instance, &client->instance)))
		return -EBADMSG;
	ret = kmcl_lb_restore_claim(r, server, client, handle, &downstream);
	if (ret)
		return ret;
	run = kmcl_lb_restore_own(r, le32_to_cpu(rec->ring_first), KMCL_ARENA_RING);
	if (!run || run->count > U32_MAX / KMCL_ARENA_PAGE_SIZE)
		return -EBADMSG;
	length = run->count * KMCL_ARENA_PAGE_SIZE;
	if (!kmcl_lb_restore_gpadl_fits(server, client, handle, run, length))
		return -EBADMSG;
	client->ring_gpadl = kmcl_lb_restore_gpadl(client, run, handle, length);
	if (!client->ring_gpadl)
		return -ENOMEM;
	ret = kmcl_lb_rings_map_run(server, r->arena, run, downstream);
	if (!ret)
		ret = kmcl_lb_rings_map_run(client, r->arena, run, downstream);
	return ret && ret != -ENOMEM ? -EBADMSG : ret;
}

static int kmcl_lb_restore_shared(struct kmcl_lb_restore *r, struct kmcl_lb_end **clients,
				  const struct kmcl_lb_rec_gpadl *rec)
{
	u32 link = le32_to_cpu(rec->link), handle = le32_to_cpu(rec->handle);
	u32 length = le32_to_cpu(rec->length);
	struct kmcl_arena_run *run;
	struct kmcl_lb_gpadl *gpadl;
	struct kmcl_lb_end *client;

	if (link >= le32_to_cpu(r->header->nr_links))
		return -EBADMSG;
	client = clients[link];
	run = kmcl_lb_restore_own(r, le32_to_cpu(rec->first), KMCL_ARENA_GPADL);
	/* One run has one GPADL, so that no handle comes twice, either. */
	if (!run || !kmcl_lb_restore_gpadl_fits(list_prev_entry(client, node), client, handle, run,
						length))
		return -EBADMSG;
	gpadl = kmcl_lb_restore_gpadl(client, run, handle, length);
	if (!gpadl)
		return -ENOMEM;
	list_add_tail(&gpadl->node, &client->gpadls);
	return 0;
}

/* Rings and GPADLs that no link has are no part of a record. */
static bool kmcl_lb_restore_all_owned(struct kmcl_lb_restore *r)
{
	u32 i;

	for (i = 0; i < le32_to_cpu(r->header->nr_runs); i++)
		if (le32_to_cpu(r->runs[i].kind) != KMCL_ARENA_EXT &&
		    !test_bit(le32_to_cpu(r->runs[i].first), r->owned))
			return false;
	return true;
}

static int kmcl_lb_restore_links(struct kmcl_lb_restore *r)
{
	u32 i, nr = le32_to_cpu(r->header->nr_links);
	struct kmcl_lb_end **clients;
	int ret = 0;

	r->owned = bitmap_zalloc(kmcl_arena_size(r->arena), GFP_KERNEL);
	/* The tables are inside of the record, so is their number. */
	clients = kvcalloc(max(nr, 1U), sizeof(*clients), GFP_KERNEL);
	if (!r->owned || !clients)
		ret = -ENOMEM;
	for (i = 0; i < nr && !ret; i++) {
		ret = kmcl_lb_restore_link(r, &r->links[i]);
		clients[i] = list_last_entry(&r->ends, struct kmcl_lb_end, node);
	}
	for (i = 0; i < le32_to_cpu(r->header->nr_gpadls) && !ret; i++)
		ret = kmcl_lb_restore_shared(r, clients, &r->gpadls[i]);
	if (!ret && !kmcl_lb_restore_all_owned(r))
		ret = -EBADMSG;
	kvfree(clients);
	return ret;
}

/* ---- the end ---- */

static int kmcl_lb_restore_build(struct kmcl_lb_restore *r)
{
	int ret;

	if (r->received != r->bytes)
		return -EBADMSG;
	ret = kmcl_lb_restore_pages(r);
	if (!ret)
		ret = kmcl_lb_restore_tables(r);
	if (!ret)
		ret = kmcl_lb_restore_runs(r);
	if (!ret)
		ret = kmcl_lb_restore_machines(r);
	if (!ret)
		ret = kmcl_lb_restore_links(r);
	return ret;
}

/* What was built takes the bus over. Under the bus's lock. */
static int kmcl_lb_restore_take_over(struct kmcl_lb_restore *r)
{
	struct kmcl_lb_bus *bus = r->bus;
	struct kmcl_lb_end *end;
	int ret;

	if (kmcl_lb_in_use(bus))
		return -EBUSY;
	kmcl_lb_drop_parked(bus);
	kmcl_lb_gpadl_drop_orphans(bus);
	kmcl_arena_ext_drop(bus->arena);
	ret = kmcl_arena_replace(bus->arena, r->arena);
	if (ret)
		return ret;

	swap(bus->server, r->server);
	swap(bus->client, r->client);
	memset(bus->offers, 0, (VMBUS_MAX_CHANNELS + 1) * sizeof(*bus->offers));
	list_for_each_entry(end, &r->ends, node) {
		end->rings.arena = bus->arena;
		if (end->server)
			continue;
		kmcl_lb_end_join(list_prev_entry(end, node), end);
		bus->offers[vmbus_client_channel_id(end->client_channel)] = end->client_channel;
	}
	list_splice_tail_init(&r->ends, &bus->ends);
	vmbus_server_drop_unclaimed(bus->server);
	vmbus_client_drop_unclaimed(bus->client);
	vmbus_server_start(bus->server);
	vmbus_client_start(bus->client);
	return 0;
}

static void kmcl_lb_restore_free(struct kmcl_lb_restore *r)
{
	struct kmcl_lb_gpadl *gpadl, *next_gpadl;
	struct kmcl_lb_end *end, *next;
	unsigned long index;
	struct page *page;
	u32 i;

	list_for_each_entry_safe(end, next, &r->ends, node) {
		kmcl_lb_rings_unmap(end);
		list_for_each_entry_safe(gpadl, next_gpadl, &end->gpadls, node)
			kfree(gpadl);
		kfree(end->ring_gpadl);
		list_del(&end->node);
		kmcl_lb_end_put(end);
	}
	vmbus_server_free(r->server);
	vmbus_client_free(r->client);
	kmcl_arena_destroy(r->arena);
	bitmap_free(r->owned);
	vunmap(r->head);
	if (!r->pages)
		xa_for_each(&r->incoming, index, page)
			__free_page(page);
	for (i = 0; r->pages && i < r->nr_pages; i++)
		if (r->pages[i])
			__free_page(r->pages[i]);
	kvfree(r->pages);
	xa_destroy(&r->incoming);
	kfree(r);
}

/**
 * kmcl_lb_bus_restore_end() - &struct kmcl_transport_ops.bus_restore_end
 * @vmb_bus: which
 * @ok: everything was written
 *
 * Return: 0: the links wait to be adopted; see there; also -EINVAL where no
 * restore was begun; -EBUSY where the bus came into use meanwhile; -ENOSPC
 * where what is reserved already does not fit beside it; -ENOMEM.
 */
int kmcl_lb_bus_restore_end(struct vmb_bus *vmb_bus, bool ok)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_restore *r;
	int ret = 0;

	kmcl_lb_lock(bus);
	r = bus->restore;
	bus->restore = NULL;
	if (r && ok) {
		ret = kmcl_lb_restore_build(r);
		if (!ret)
			ret = kmcl_lb_restore_take_over(r);
	}
	kmcl_lb_unlock(bus);
	if (!r)
		return -EINVAL;
	if (ret)
		pr_warn_ratelimited("the bus's record was refused: error %d\n", ret);
	kmcl_lb_restore_free(r);
	return ret;
}
