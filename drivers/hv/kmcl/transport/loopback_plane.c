// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: the control plane. Both machines of control.c, joined by
 * messages, and the work item that tells the core what came of them.
 *
 * kmcl_lb_bus.lock serialises the machines: whoever did something to them runs
 * them until they are quiet before letting go of it. The core is told by the
 * work item alone, one event at a time, without the lock; who takes an end away
 * waits for its delivery (kmcl_lb_end.delivering).
 */
#include "loopback.h"
#include "vmbus/control.h"

static int kmcl_lb_send(struct kmcl_lb_bus *bus, bool to_server, const void *msg, size_t len)
{
	int ret;

	if (to_server)
		ret = vmbus_server_receive(bus->server, msg, len);
	else
		ret = vmbus_client_receive(bus->client, msg, len);
	if (!ret && bus->record)
		bus->record(bus->record_data, to_server, msg, len);
	return ret;
}

/**
 * kmcl_lb_send_to_client() - &struct vmbus_server_ops.send
 * @ctx: the bus
 * @msg: message
 * @len: its bytes
 *
 * Return: 0, or an error where the client has too many unread.
 */
int kmcl_lb_send_to_client(void *ctx, const void *msg, size_t len)
{
	return kmcl_lb_send(ctx, false, msg, len);
}

/**
 * kmcl_lb_send_to_server() - &struct vmbus_client_ops.send
 * @ctx: the bus
 * @msg: message
 * @len: its bytes
 *
 * Return: 0, or an error where the server has too many unread.
 */
int kmcl_lb_send_to_server(void *ctx, const void *msg, size_t len)
{
	return kmcl_lb_send(ctx, true, msg, len);
}

static void kmcl_lb_run(struct kmcl_lb_bus *bus)
{
	bool more;

	if (bus->frozen)
		return;
	do {
		more = vmbus_server_run(bus->server);
		more |= vmbus_client_run(bus->client);
		more |= kmcl_lb_client_sweep(bus);
	} while (more);
}

/**
 * kmcl_lb_lock() - take hold of the control plane
 * @bus: which
 */
void kmcl_lb_lock(struct kmcl_lb_bus *bus)
{
	mutex_lock(&bus->lock);
}

/**
 * kmcl_lb_unlock() - let messages go and come until all is quiet, and let go
 * @bus: which
 */
void kmcl_lb_unlock(struct kmcl_lb_bus *bus)
{
	kmcl_lb_run(bus);
	if (!list_empty(&bus->events) && !bus->frozen)
		queue_work(bus->wq, &bus->work);
	mutex_unlock(&bus->lock);
}

static void kmcl_lb_event_queue(struct kmcl_lb_end *end)
{
	/* A parked end keeps it: it is not adopted any more. */
	if (list_empty(&end->event_node) && rcu_access_pointer(end->channel))
		list_add_tail(&end->event_node, &end->bus->events);
}

/**
 * kmcl_lb_event_open() - the core is to be told how an open went
 * @end: whose
 * @status: 0 or an error
 */
void kmcl_lb_event_open(struct kmcl_lb_end *end, int status)
{
	end->open_pending = true;
	end->open_status = status;
	kmcl_lb_event_queue(end);
}

/**
 * kmcl_lb_event_close() - the core is to be told of the end of a link
 * @end: whose
 * @reason: why
 */
void kmcl_lb_event_close(struct kmcl_lb_end *end, enum vmb_stop_reason reason)
{
	if (end->close_pending)
		return;
	end->close_pending = true;
	end->close_reason = reason;
	kmcl_lb_event_queue(end);
}

/**
 * kmcl_lb_event_stop() - from its return on the core is told nothing of an end
 * @end: which
 *
 * Lets go of the lock meanwhile, where it has to wait.
 */
void kmcl_lb_event_stop(struct kmcl_lb_end *end)
{
	struct kmcl_lb_bus *bus = end->bus;

	lockdep_assert_held(&bus->lock);
	list_del_init(&end->event_node);
	RCU_INIT_POINTER(end->channel, NULL);
	while (end->delivering && end->delivering != current) {
		mutex_unlock(&bus->lock);
		wait_event(bus->wait, !READ_ONCE(end->delivering));
		mutex_lock(&bus->lock);
	}
}

/* Tell one end's news, without the lock. */
static void kmcl_lb_deliver(struct kmcl_lb_bus *bus, struct kmcl_lb_end *end)
{
	enum vmb_stop_reason reason = end->close_reason;
	struct vmb_channel *channel;
	bool open = end->open_pending;
	bool close = end->close_pending;
	int status = end->open_status;

	channel = rcu_dereference_protected(end->channel, lockdep_is_held(&bus->lock));
	end->open_pending = false;
	end->close_pending = false;
	WRITE_ONCE(end->delivering, current);
	mutex_unlock(&bus->lock);

	if (open)
		kmcl_channel_event_open(channel, status);
	if (close)
		kmcl_channel_event_close(channel, reason);

	mutex_lock(&bus->lock);
	WRITE_ONCE(end->delivering, NULL);
	wake_up_all(&bus->wait);
}

static void kmcl_lb_work(struct work_struct *work)
{
	struct kmcl_lb_bus *bus = container_of(work, struct kmcl_lb_bus, work);
	struct kmcl_lb_end *end;

	kmcl_lb_lock(bus);
	while (!bus->frozen) {
		end = list_first_entry_or_null(&bus->events, struct kmcl_lb_end, event_node);
		if (!end)
			break;
		list_del_init(&end->event_node);
		kref_get(&end->ref);
		kmcl_lb_deliver(bus, end);
		kmcl_lb_end_put(end);
	}
	kmcl_lb_unlock(bus);
}

/**
 * kmcl_lb_plane_new() - make both machines
 * @bus: for which bus
 * @server: set to the server's
 * @client: set to the client's
 *
 * Context: process context. Return: 0, or an error.
 */
int kmcl_lb_plane_new(struct kmcl_lb_bus *bus, struct vmbus_server **server,
		      struct vmbus_client **client)
{
	const struct vmbus_server_params server_params = {
		.nr_pages = kmcl_arena_size(bus->arena),
	};
	const struct vmbus_client_params client_params = {
		.nr_pages = kmcl_arena_size(bus->arena),
	};
	struct vmbus_server *srv;
	struct vmbus_client *cl;

	srv = vmbus_server_alloc(&kmcl_lb_server_ops, bus, &server_params);
	if (IS_ERR(srv))
		return PTR_ERR(srv);
	cl = vmbus_client_alloc(&kmcl_lb_client_ops, bus, &client_params);
	if (IS_ERR(cl)) {
		vmbus_server_free(srv);
		return PTR_ERR(cl);
	}
	*server = srv;
	*client = cl;
	return 0;
}

/**
 * kmcl_lb_plane_start() - connect the machines
 * @bus: which, not known to anybody else yet
 *
 * Context: process context. Return: 0, or an error.
 */
int kmcl_lb_plane_start(struct kmcl_lb_bus *bus)
{
	int ret;

	INIT_WORK(&bus->work, kmcl_lb_work);
	bus->wq = alloc_ordered_workqueue("kmcl_loopback", WQ_MEM_RECLAIM);
	if (!bus->wq)
		return -ENOMEM;
	ret = kmcl_lb_plane_new(bus, &bus->server, &bus->client);
	if (ret) {
		destroy_workqueue(bus->wq);
		return ret;
	}
	kmcl_lb_lock(bus);
	ret = vmbus_client_connect(bus->client);
	kmcl_lb_unlock(bus);
	if (ret)
		kmcl_lb_plane_stop(bus);
	return ret;
}

/**
 * kmcl_lb_plane_stop() - the end of the machines
 * @bus: which; no end is left
 *
 * Context: process context.
 */
void kmcl_lb_plane_stop(struct kmcl_lb_bus *bus)
{
	destroy_workqueue(bus->wq);
	vmbus_server_free(bus->server);
	vmbus_client_free(bus->client);
}

/**
 * kmcl_lb_bus_freeze() - &struct kmcl_transport_ops.bus_freeze
 * @vmb_bus: which
 *
 * Return: 0; -EBUSY where it is frozen.
 */
int kmcl_lb_bus_freeze(struct vmb_bus *vmb_bus)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);
	bool frozen;

	kmcl_lb_lock(bus);
	frozen = bus->frozen;
	if (!frozen) {
		vmbus_server_stop(bus->server);
		vmbus_client_stop(bus->client);
		bus->frozen = true;
	}
	mutex_unlock(&bus->lock);
	if (frozen)
		return -EBUSY;
	/* What was being told when it froze. */
	flush_work(&bus->work);
	return 0;
}

/**
 * kmcl_lb_bus_thaw() - &struct kmcl_transport_ops.bus_thaw
 * @vmb_bus: which
 */
void kmcl_lb_bus_thaw(struct vmb_bus *vmb_bus)
{
	struct kmcl_lb_bus *bus = kmcl_bus_priv(vmb_bus);

	kmcl_lb_lock(bus);
	if (bus->frozen) {
		vmbus_server_start(bus->server);
		vmbus_client_start(bus->client);
		bus->frozen = false;
		/* Nothing is left of a save that was committed: kmcl_lb_park(). */
		kmcl_arena_ext_settle(bus->arena, false);
	}
	kmcl_lb_unlock(bus);
}
