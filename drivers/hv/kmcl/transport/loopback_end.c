// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: the ends of links, as the core drives them. What differs
 * between the two kinds is in loopback_server.c and loopback_client.c.
 *
 * All under kmcl_lb_bus.lock; see loopback.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "loopback.h"

static struct kmem_cache *kmcl_lb_end_cache;

/**
 * kmcl_lb_end_init() - at the start of the module
 *
 * Return: 0 or -ENOMEM.
 */
int kmcl_lb_end_init(void)
{
	kmcl_lb_end_cache = KMEM_CACHE(kmcl_lb_end, SLAB_HWCACHE_ALIGN);
	return kmcl_lb_end_cache ? 0 : -ENOMEM;
}

/**
 * kmcl_lb_end_exit() - at the end of the module; no end is left
 */
void kmcl_lb_end_exit(void)
{
	/* A signal's callback, then the memory of its end */
	synchronize_rcu();
	rcu_barrier();
	kmem_cache_destroy(kmcl_lb_end_cache);
}

/**
 * kmcl_lb_end_new() - make an end
 * @bus: where
 * @params: what the core said
 *
 * Context: process context. Return: the end with one reference, on no list; NULL
 * without memory.
 */
struct kmcl_lb_end *kmcl_lb_end_new(struct kmcl_lb_bus *bus,
				    const struct kmcl_link_params *params)
{
	struct kmcl_lb_end *end;

	end = kmem_cache_zalloc(kmcl_lb_end_cache, GFP_KERNEL);
	if (!end)
		return NULL;
	kref_init(&end->ref);
	INIT_CSD(&end->csd, kmcl_lb_csd, end);
	INIT_LIST_HEAD(&end->node);
	INIT_LIST_HEAD(&end->gpadls);
	INIT_LIST_HEAD(&end->maps);
	INIT_LIST_HEAD(&end->event_node);
	end->bus = bus;
	end->server = params->server;
	end->params = *params;
	end->instance = params->instance;
	end->cpu = params->cpu;
	end->state = params->server ? KMCL_LB_CLOSED : KMCL_LB_UNBOUND;
	return end;
}

static void kmcl_lb_end_free(struct rcu_head *rcu)
{
	kmem_cache_free(kmcl_lb_end_cache, container_of(rcu, struct kmcl_lb_end, rcu));
}

static void kmcl_lb_end_last_put(struct kref *ref)
{
	struct kmcl_lb_end *end = container_of(ref, struct kmcl_lb_end, ref);

	call_rcu(&end->rcu, kmcl_lb_end_free);
}

/**
 * kmcl_lb_end_put() - give a reference back
 * @end: of which
 *
 * Context: any context.
 */
void kmcl_lb_end_put(struct kmcl_lb_end *end)
{
	kref_put(&end->ref, kmcl_lb_end_last_put);
}

static struct kmcl_lb_end *kmcl_lb_end_peer(struct kmcl_lb_end *end)
{
	return rcu_dereference_protected(end->peer, lockdep_is_held(&end->bus->lock));
}

/**
 * kmcl_lb_end_part() - no more
 * @end: one of them, or one that has no peer
 *
 * Signals may still be on their way until a grace period has passed.
 */
void kmcl_lb_end_part(struct kmcl_lb_end *end)
{
	struct kmcl_lb_end *peer = kmcl_lb_end_peer(end);

	if (peer && kmcl_lb_end_peer(peer) == end)
		RCU_INIT_POINTER(peer->peer, NULL);
	RCU_INIT_POINTER(end->peer, NULL);
}

/**
 * kmcl_lb_end_leave() - part, as the first of both: the other one's link goes on
 * @end: which
 *
 * A client that closes holds what it lent itself.
 */
void kmcl_lb_end_leave(struct kmcl_lb_end *end)
{
	struct kmcl_lb_end *peer = kmcl_lb_end_peer(end);

	if (end->server && peer)
		kmcl_lb_client_hold(peer);
	kmcl_lb_end_part(end);
}

/**
 * kmcl_lb_end_join() - two ends signal each other from now on
 * @server: one
 * @client: the other
 */
void kmcl_lb_end_join(struct kmcl_lb_end *server, struct kmcl_lb_end *client)
{
	kmcl_lb_end_part(server);
	kmcl_lb_end_part(client);
	rcu_assign_pointer(server->peer, client);
	rcu_assign_pointer(client->peer, server);
}

/**
 * kmcl_lb_end_remove() - take an end out of the bus; the other one is told
 * @end: which; the caller has its list's reference now
 */
void kmcl_lb_end_remove(struct kmcl_lb_end *end)
{
	list_del_init(&end->node);
	list_del_init(&end->event_node);
	end->parked = false;
	kmcl_lb_end_leave(end);
	if (end->server)
		kmcl_lb_server_remove(end);
	else
		kmcl_lb_client_remove(end);
}

/**
 * kmcl_lb_drop_parked() - end the links that nobody adopted
 * @bus: where
 *
 * Return: how many ends.
 */
u32 kmcl_lb_drop_parked(struct kmcl_lb_bus *bus)
{
	struct kmcl_lb_end *end, *next;
	u32 dropped = 0;

	list_for_each_entry_safe(end, next, &bus->ends, node) {
		if (!end->parked)
			continue;
		kmcl_lb_end_remove(end);
		kmcl_lb_end_put(end);
		dropped++;
	}
	return dropped;
}

/**
 * kmcl_lb_bus_drop() - &struct kmcl_transport_ops.bus_drop
 * @vmb_bus: which
 *
 * Return: how many ends.
 */
u32 kmcl_lb_bus_drop(struct vmb_bus *vmb_bus)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	u32 dropped;

	kmcl_lb_lock(bus);
	dropped = kmcl_lb_drop_parked(bus);
	kmcl_arena_ext_drop(bus->arena);
	kmcl_lb_unlock(bus);
	return dropped;
}

/* Is this the end that a channel of these parameters means? */
static bool kmcl_lb_same(const struct kmcl_lb_end *end, const struct kmcl_link_params *params)
{
	/* A client by what it got: several may have asked for any instance. */
	return end->server == params->server && end->params.subchannel == params->subchannel &&
	       guid_equal(&end->params.type, &params->type) &&
	       guid_equal(&end->instance, &params->instance);
}

/* Make a parked end that of @channel, its rings as they are. */
static bool kmcl_lb_adopt(struct kmcl_lb_end *end, struct vmb_channel *channel,
			  const struct kmcl_link_params *params)
{
	if (end->close_pending)
		return false;
	if (kmcl_lb_rings_attach(end)) {
		pr_warn("channel %u: ring corrupt (%s), link not kept\n",
			end->params.subchannel, kmcl_lb_fault_name(end));
		return false;
	}
	end->params = *params;
	WRITE_ONCE(end->cpu, params->cpu);
	end->parked = false;
	rcu_assign_pointer(end->channel, channel);
	return true;
}

static bool kmcl_lb_params_ok(const struct kmcl_link_params *params)
{
	if (params->target_vtl || params->server_flags & VMB_SERVER_FLAG_TLNPI_PROVIDER_OFFER) {
		pr_warn("neither VTLs nor TLNPI providers here\n");
		return false;
	}
	return params->cpu < (int)nr_cpu_ids;
}

/**
 * kmcl_lb_attach() - &struct kmcl_transport_ops.attach
 * @vmb_bus: where
 * @channel: the core's
 * @params: how
 * @link: set to the end
 * @state: set to whether it was kept
 *
 * Return: 0; -EEXIST where such a server is there; -EOPNOTSUPP for what only
 * other transports have; -ENOMEM, -ENOSPC.
 */
int kmcl_lb_attach(struct vmb_bus *vmb_bus, struct vmb_channel *channel,
		   const struct kmcl_link_params *params, void **link,
		   enum vmb_link_state *state)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	struct kmcl_lb_end *end, *other, *next;
	int ret = 0;

	if (!kmcl_lb_params_ok(params))
		return -EOPNOTSUPP;
	end = kmcl_lb_end_new(bus, params);
	if (!end)
		return -ENOMEM;

	kmcl_lb_lock(bus);
	*state = params->adopt ? VMB_LINK_RESET : VMB_LINK_NEW;
	list_for_each_entry_safe(other, next, &bus->ends, node) {
		if (!kmcl_lb_same(other, params))
			continue;
		if (!other->parked) {
			if (params->server)
				ret = -EEXIST;
			continue;
		}
		if (!ret && params->adopt && kmcl_lb_adopt(other, channel, params)) {
			*state = VMB_LINK_KEPT;
			*link = other;
			break;
		}
		kmcl_lb_end_remove(other);
		kmcl_lb_end_put(other);
	}
	if (!ret && *state != VMB_LINK_KEPT) {
		*link = end;
		rcu_assign_pointer(end->channel, channel);
		list_add_tail(&end->node, &bus->ends);
		if (end->server)
			ret = kmcl_lb_server_offer(end);
		else
			kmcl_lb_client_match(end);
		if (ret)
			list_del(&end->node);
	}
	kmcl_lb_unlock(bus);
	if (ret || *state == VMB_LINK_KEPT)
		kmcl_lb_end_put(end);
	return ret;
}

/**
 * kmcl_lb_detach() - &struct kmcl_transport_ops.detach
 * @link: the end
 */
void kmcl_lb_detach(void *link)
{
	struct kmcl_lb_end *end = link;

	kmcl_lb_lock(end->bus);
	kmcl_lb_event_stop(end);
	kmcl_lb_end_remove(end);
	kmcl_lb_unlock(end->bus);
	/* Signals that have read kmcl_lb_end.channel */
	synchronize_rcu_expedited();
	kmcl_lb_end_put(end);
}

/**
 * kmcl_lb_park() - &struct kmcl_transport_ops.park
 * @link: the end
 *
 * A link that is not open has nothing to be kept for.
 */
void kmcl_lb_park(void *link)
{
	struct kmcl_lb_end *end = link;
	bool keep;

	kmcl_lb_lock(end->bus);
	/* This is the commit, of all that was saved. */
	kmcl_arena_ext_settle(end->bus->arena, true);
	kmcl_lb_event_stop(end);
	keep = end->state == KMCL_LB_OPEN && !end->close_pending;
	if (keep) {
		end->parked = true;
		end->open_pending = false;
		/* The consumer's memory goes, the GPADLs stay. */
		kmcl_lb_server_unmap_all(end);
		kmcl_lb_gpadl_forget_memory(end);
	} else {
		kmcl_lb_end_remove(end);
	}
	kmcl_lb_unlock(end->bus);
	synchronize_rcu_expedited();
	if (!keep)
		kmcl_lb_end_put(end);
}

/**
 * kmcl_lb_open_done() - &struct kmcl_transport_ops.open_done
 * @link: the end
 * @status: 0 or an error
 */
void kmcl_lb_open_done(void *link, int status)
{
	struct kmcl_lb_end *end = link;

	kmcl_lb_lock(end->bus);
	/* Else it ended meanwhile. One that was kept is open already. */
	if (end->state == KMCL_LB_OPENED || end->state == KMCL_LB_OPEN) {
		if (end->server)
			kmcl_lb_server_open_done(end, status);
		else if (status)
			kmcl_lb_client_end_link(end);
		else
			end->state = KMCL_LB_OPEN;
	}
	kmcl_lb_unlock(end->bus);
}

/**
 * kmcl_lb_close() - &struct kmcl_transport_ops.close
 * @link: the end
 */
void kmcl_lb_close(void *link)
{
	struct kmcl_lb_end *end = link;

	kmcl_lb_lock(end->bus);
	if (end->server) {
		kmcl_lb_end_leave(end);
		if (end->state != KMCL_LB_CLOSED)
			end->state = KMCL_LB_ENDED;
	} else {
		kmcl_lb_client_end_link(end);
	}
	kmcl_lb_unlock(end->bus);
}

/**
 * kmcl_lb_closed() - &struct kmcl_transport_ops.closed
 * @link: the end
 */
void kmcl_lb_closed(void *link)
{
	struct kmcl_lb_end *end = link;

	kmcl_lb_lock(end->bus);
	if (end->server)
		kmcl_lb_server_closed(end);
	else
		kmcl_lb_gpadl_orphan_all(end);
	kmcl_lb_unlock(end->bus);
}

/**
 * kmcl_lb_get_instance() - &struct kmcl_transport_ops.get_instance
 * @link: the end
 * @instance: set to the one that a client was bound to
 */
void kmcl_lb_get_instance(void *link, guid_t *instance)
{
	struct kmcl_lb_end *end = link;

	kmcl_lb_lock(end->bus);
	guid_copy(instance, &end->instance);
	kmcl_lb_unlock(end->bus);
}
