// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: the machine and its connection.
 *
 * Messages and calls only change state, queue answers and mark actions as
 * pending; vmbus_server_run() delivers. So an action may call back in, and
 * nothing here is ever in the middle of a list when a device is called.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/list_sort.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

/* Note actions; the machine's user is told that there is something to do. */
void vmbus_server_kick(struct vmbus_server *srv, struct vmbus_work *work,
		       u8 bits)
{
	work->pending |= bits;
	if (!work->pending || !list_empty(&work->node))
		return;
	list_add_tail(&work->node, &srv->todo);
	if (!srv->running && srv->ops->wake)
		srv->ops->wake(srv->ctx);
}

void vmbus_server_queue(struct vmbus_server *srv, const void *msg, size_t len)
{
	vmbus_outbox_add(&srv->out, msg, len);
	if (!srv->running && srv->ops->wake)
		srv->ops->wake(srv->ctx);
}

void vmbus_server_drop(struct vmbus_server *srv, enum vmbus_drop why)
{
	srv->stats.dropped[why]++;
}

/**
 * vmbus_server_alloc() - make a server's machine
 * @ops: what it asks of its user
 * @ctx: passed to the operations that have no channel
 * @params: its limits
 *
 * Return: the machine, disconnected, without offers and not stopped, or an
 * ERR_PTR().
 */
struct vmbus_server *vmbus_server_alloc(const struct vmbus_server_ops *ops,
					void *ctx,
					const struct vmbus_server_params *params)
{
	struct vmbus_server *srv;

	if (!ops || !ops->send || !params->nr_pages ||
	    params->nr_pages > U64_MAX >> VMBUS_PAGE_SHIFT)
		return ERR_PTR(-EINVAL);
	srv = kvzalloc(sizeof(*srv), GFP_KERNEL);
	if (!srv)
		return ERR_PTR(-ENOMEM);
	srv->ops = ops;
	srv->ctx = ctx;
	srv->nr_pages = params->nr_pages;
	srv->max_words = params->max_gpadl_words ?:
			 2 * params->nr_pages + VMBUS_GPADL_MAX_WORDS;
	srv->connection_id = params->connection_id ?: 1;
	srv->absolute_order = params->absolute_order;
	INIT_LIST_HEAD(&srv->channels);
	INIT_LIST_HEAD(&srv->todo);
	vmbus_work_init(&srv->work, VMBUS_WORK_LINK);
	vmbus_outbox_init(&srv->out);
	xa_init(&srv->half_sent);
	return srv;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_alloc, KMCL_NS);

/**
 * vmbus_server_free() - end a server's machine
 * @srv: the machine; NULL or an ERR_PTR() is nothing
 *
 * Its channels go with it, without a call to any of them.
 */
void vmbus_server_free(struct vmbus_server *srv)
{
	struct vmbus_server_channel *chan, *tmp;

	if (IS_ERR_OR_NULL(srv))
		return;
	list_for_each_entry_safe(chan, tmp, &srv->channels, node)
		vmbus_sc_free(chan);
	vmbus_outbox_purge(&srv->out);
	xa_destroy(&srv->half_sent);
	kvfree(srv);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_free, KMCL_NS);

/* ---- connection ---- */

static void vmbus_server_send_version(struct vmbus_server *srv, bool supported,
				      u8 state)
{
	const struct vmbus_msg_version_response msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_VERSION_RESPONSE),
		.supported = supported,
		.state = state,
		.connection_id = cpu_to_le32(supported && !state ?
					     srv->connection_id : 0),
	};

	vmbus_server_queue(srv, &msg, sizeof(msg));
}

static void vmbus_server_send_unload_complete(struct vmbus_server *srv)
{
	const struct vmbus_msg_hdr msg =
		vmbus_msg_hdr(VMBUS_MSG_UNLOAD_COMPLETE);

	vmbus_server_queue(srv, &msg, sizeof(msg));
}

/* The client has forgotten all it knew; devices are told as far as needed. */
static void vmbus_server_disconnect(struct vmbus_server *srv,
				    enum vmbus_next next)
{
	struct vmbus_server_channel *chan, *tmp;

	srv->state = VMBUS_DISCONNECTING;
	srv->offers_sent = false;
	srv->disconnect_asked = false;
	srv->next = next;
	list_for_each_entry_safe(chan, tmp, &srv->channels, node)
		if (chan->id)
			vmbus_sc_client_release(chan);
	vmbus_server_settle(srv);
}

/* Ask for the disconnect once nothing of the connection is in use any more. */
void vmbus_server_settle(struct vmbus_server *srv)
{
	struct vmbus_server_channel *chan;

	if (srv->state != VMBUS_DISCONNECTING || srv->disconnect_asked ||
	    srv->nr_gpadls)
		return;
	list_for_each_entry(chan, &srv->channels, node)
		if (vmbus_sc_busy(chan))
			return;
	srv->disconnect_asked = true;
	vmbus_server_kick(srv, &srv->work, VMBUS_SL_DISCONNECT);
}

static void vmbus_server_connect(struct vmbus_server *srv,
				 const struct vmbus_contact *contact)
{
	srv->state = VMBUS_CONNECTING;
	srv->contact = *contact;
	vmbus_server_kick(srv, &srv->work, VMBUS_SL_CONNECT);
}

/* Begin what was asked for while the connection was busy with something else. */
static void vmbus_server_do_next(struct vmbus_server *srv)
{
	enum vmbus_next next = srv->next;
	struct vmbus_contact contact = srv->next_contact;

	srv->next = VMBUS_NEXT_NONE;
	memset(&srv->next_contact, 0, sizeof(srv->next_contact));
	switch (next) {
	case VMBUS_NEXT_UNLOAD_COMPLETE:
		vmbus_server_send_unload_complete(srv);
		break;
	case VMBUS_NEXT_RECONNECT:
		vmbus_server_connect(srv, &contact);
		break;
	case VMBUS_NEXT_REFUSE_VERSION:
		vmbus_server_send_version(srv, false, VMBUS_VERSION_STATE_OK);
		break;
	case VMBUS_NEXT_FAIL_VERSION:
		vmbus_server_send_version(srv, true, VMBUS_VERSION_STATE_FAILED);
		break;
	default:
		break;
	}
}

/**
 * vmbus_server_connect_done() - answer ops->connect
 * @srv: the machine
 * @error: 0, or why there can be no connection
 *
 * Return: 0, or -EINVAL if nothing was asked.
 */
int vmbus_server_connect_done(struct vmbus_server *srv, int error)
{
	if (srv->state != VMBUS_CONNECTING ||
	    srv->work.pending & VMBUS_SL_CONNECT)
		return -EINVAL;
	if (srv->next || srv->reset_wanted) {
		/* The client is past it, but what was set up must go again. */
		vmbus_server_disconnect(srv, srv->next);
	} else if (error) {
		srv->state = VMBUS_DISCONNECTED;
		memset(&srv->contact, 0, sizeof(srv->contact));
		srv->stats.refused++;
		vmbus_server_send_version(srv, true, VMBUS_VERSION_STATE_FAILED);
	} else {
		srv->state = VMBUS_CONNECTED;
		vmbus_server_send_version(srv, true, VMBUS_VERSION_STATE_OK);
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_connect_done, KMCL_NS);

/**
 * vmbus_server_disconnect_done() - answer ops->disconnect
 * @srv: the machine
 *
 * Return: 0, or -EINVAL if nothing was asked.
 */
int vmbus_server_disconnect_done(struct vmbus_server *srv)
{
	if (srv->state != VMBUS_DISCONNECTING || !srv->disconnect_asked ||
	    srv->work.pending & VMBUS_SL_DISCONNECT)
		return -EINVAL;
	srv->state = VMBUS_DISCONNECTED;
	srv->disconnect_asked = false;
	memset(&srv->contact, 0, sizeof(srv->contact));
	if (srv->reset_wanted) {
		srv->reset_wanted = false;
		vmbus_server_kick(srv, &srv->work, VMBUS_SL_RESET_DONE);
	}
	vmbus_server_do_next(srv);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_disconnect_done, KMCL_NS);

/**
 * vmbus_server_reset() - the client is gone without a word
 * @srv: the machine
 *
 * Unread and unsent messages are forgotten, channels closed, GPADLs given
 * back; ops->reset_done says when that is complete.
 */
void vmbus_server_reset(struct vmbus_server *srv)
{
	srv->in.nr = 0;
	vmbus_outbox_purge(&srv->out);
	srv->next = VMBUS_NEXT_NONE;
	memset(&srv->next_contact, 0, sizeof(srv->next_contact));
	if (srv->state == VMBUS_DISCONNECTED) {
		vmbus_server_kick(srv, &srv->work, VMBUS_SL_RESET_DONE);
		return;
	}
	srv->reset_wanted = true;
	if (srv->state == VMBUS_CONNECTED)
		vmbus_server_disconnect(srv, VMBUS_NEXT_NONE);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_reset, KMCL_NS);

/* Two monitor pages, the guest's, or none. */
bool vmbus_contact_ok(const struct vmbus_server *srv,
		      const struct vmbus_contact *contact)
{
	u64 a = contact->monitor_to_child, b = contact->monitor_to_parent;

	if (!a || !b)
		return a == b;
	return !((a | b) & (VMBUS_PAGE_SIZE - 1)) &&
	       a >> VMBUS_PAGE_SHIFT < srv->nr_pages &&
	       b >> VMBUS_PAGE_SHIFT < srv->nr_pages;
}

static void vmbus_server_initiate_contact(struct vmbus_server *srv,
					  const void *data, size_t len)
{
	const struct vmbus_msg_initiate_contact *msg = data;
	const struct vmbus_contact contact = {
		.version = le32_to_cpu(msg->version),
		.target_vp = le32_to_cpu(msg->target_vp),
		.monitor_to_child = le64_to_cpu(msg->monitor_to_child),
		.monitor_to_parent = le64_to_cpu(msg->monitor_to_parent),
	};
	enum vmbus_next next = VMBUS_NEXT_RECONNECT;

	if (contact.version != VMBUS_VERSION)
		next = VMBUS_NEXT_REFUSE_VERSION;
	else if (!vmbus_contact_ok(srv, &contact))
		next = VMBUS_NEXT_FAIL_VERSION;
	if (next != VMBUS_NEXT_RECONNECT)
		srv->stats.refused++;

	srv->next = next;
	if (next == VMBUS_NEXT_RECONNECT)
		srv->next_contact = contact;
	else
		memset(&srv->next_contact, 0, sizeof(srv->next_contact));
	if (srv->state == VMBUS_DISCONNECTED)
		vmbus_server_do_next(srv);
	else if (srv->state == VMBUS_CONNECTED)
		vmbus_server_disconnect(srv, next);
	/* else: when the connect or the disconnect under way is answered */
}

static void vmbus_server_unload(struct vmbus_server *srv, const void *data,
				size_t len)
{
	memset(&srv->next_contact, 0, sizeof(srv->next_contact));
	srv->next = VMBUS_NEXT_UNLOAD_COMPLETE;
	/* Not connected is as good as unloaded: whoever asks waits for this. */
	if (srv->state == VMBUS_DISCONNECTED)
		vmbus_server_do_next(srv);
	else if (srv->state == VMBUS_CONNECTED)
		vmbus_server_disconnect(srv, VMBUS_NEXT_UNLOAD_COMPLETE);
}

static int vmbus_server_order(void *priv, const struct list_head *a,
			      const struct list_head *b)
{
	const struct vmbus_server *srv = priv;
	const struct vmbus_server_channel *x, *y;
	int diff;

	x = list_entry(a, struct vmbus_server_channel, node);
	y = list_entry(b, struct vmbus_server_channel, node);
	if (srv->absolute_order && x->order != y->order)
		return x->order < y->order ? -1 : 1;
	diff = memcmp(&x->offer.key.type, &y->offer.key.type, sizeof(guid_t));
	if (diff)
		return diff;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	diff = memcmp(&x->offer.key.instance, &y->offer.key.instance,
		      sizeof(guid_t));
	if (diff)
		return diff;
	return (int)x->offer.key.subchannel - (int)y->offer.key.subchannel;
}

static void vmbus_server_request_offers(struct vmbus_server *srv,
					const void *data, size_t len)
{
	const struct vmbus_msg_hdr done =
		vmbus_msg_hdr(VMBUS_MSG_ALL_OFFERS_DELIVERED);
	struct vmbus_server_channel *chan;

	if (srv->offers_sent) {
		vmbus_server_drop(srv, VMBUS_DROP_STATE);
		return;
	}
	srv->offers_sent = true;
	/* Some guests expect the same numbers each time, whoever came first. */
	list_sort(srv, &srv->channels, vmbus_server_order);
	list_for_each_entry(chan, &srv->channels, node)
		vmbus_sc_send_offer(chan);
	vmbus_server_queue(srv, &done, sizeof(done));
}

/* There are no services behind sockets here: say so, for someone waits. */
static void vmbus_server_tl_connect(struct vmbus_server *srv, const void *data,
				    size_t len)
{
	const struct vmbus_msg_tl_connect *req = data;
	const struct vmbus_msg_tl_connect_result msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_TL_CONNECT_REQUEST_RESULT),
		.endpoint = req->endpoint,
		.service = req->service,
		.status = cpu_to_le32(VMBUS_STATUS_REFUSED),
	};

	srv->stats.refused++;
	vmbus_server_queue(srv, &msg, sizeof(msg));
}

/* ---- messages ---- */

static const struct {
	void (*handler)(struct vmbus_server *srv, const void *msg, size_t len);
	u16 size;
	bool any_state;
} vmbus_server_messages[] = {
	[VMBUS_MSG_REQUEST_OFFERS] = {
		vmbus_server_request_offers, sizeof(struct vmbus_msg_hdr) },
	[VMBUS_MSG_OPEN_CHANNEL] = {
		vmbus_sc_msg_open, sizeof(struct vmbus_msg_open_channel) },
	[VMBUS_MSG_CLOSE_CHANNEL] = {
		vmbus_sc_msg_close, sizeof(struct vmbus_msg_channel) },
	[VMBUS_MSG_GPADL_HEADER] = {
		vmbus_sg_header, sizeof(struct vmbus_msg_gpadl_header) },
	[VMBUS_MSG_GPADL_BODY] = {
		vmbus_sg_body, sizeof(struct vmbus_msg_gpadl_body) },
	[VMBUS_MSG_GPADL_TEARDOWN] = {
		vmbus_sg_teardown, sizeof(struct vmbus_msg_gpadl_teardown) },
	[VMBUS_MSG_REL_ID_RELEASED] = {
		vmbus_sc_msg_released, sizeof(struct vmbus_msg_channel) },
	[VMBUS_MSG_INITIATE_CONTACT] = {
		vmbus_server_initiate_contact,
		sizeof(struct vmbus_msg_initiate_contact), true },
	[VMBUS_MSG_UNLOAD] = {
		vmbus_server_unload, sizeof(struct vmbus_msg_hdr), true },
	[VMBUS_MSG_TL_CONNECT_REQUEST] = {
		vmbus_server_tl_connect, sizeof(struct vmbus_msg_tl_connect) },
	[VMBUS_MSG_MODIFY_CHANNEL] = {
		vmbus_sc_msg_modify, sizeof(struct vmbus_msg_modify_channel) },
};

static void vmbus_server_handle(struct vmbus_server *srv, const void *msg,
				size_t len)
{
	const struct vmbus_msg_hdr *hdr = msg;
	u32 type;

	if (len < sizeof(*hdr)) {
		vmbus_server_drop(srv, VMBUS_DROP_TOO_SHORT);
		return;
	}
	type = le32_to_cpu(hdr->type);
	if (type == VMBUS_MSG_OPEN_RESERVED_CHANNEL ||
	    type == VMBUS_MSG_CLOSE_RESERVED_CHANNEL)
		vmbus_server_drop(srv, VMBUS_DROP_UNSUPPORTED);
	else if (type >= ARRAY_SIZE(vmbus_server_messages) ||
		 !vmbus_server_messages[type].handler)
		vmbus_server_drop(srv, VMBUS_DROP_TYPE);
	else if (len < vmbus_server_messages[type].size)
		vmbus_server_drop(srv, VMBUS_DROP_TOO_SHORT);
	else if (srv->state != VMBUS_CONNECTED &&
		 !vmbus_server_messages[type].any_state)
		vmbus_server_drop(srv, VMBUS_DROP_NOT_CONNECTED);
	else
		vmbus_server_messages[type].handler(srv, msg, len);
}

/**
 * vmbus_server_receive() - a message came from the client
 * @srv: the machine
 * @msg: its bytes; they are copied
 * @len: how many
 *
 * It is looked at in vmbus_server_run(). May be called from ops of another
 * machine, such as its send.
 *
 * Return: 0, -EMSGSIZE if there is no such message, or -ENOBUFS if too many
 * are unread: keep it and try again after the next run.
 */
int vmbus_server_receive(struct vmbus_server *srv, const void *msg, size_t len)
{
	int ret = vmbus_inbox_put(&srv->in, msg, len, &srv->stats);

	if (!ret && !srv->running && srv->ops->wake)
		srv->ops->wake(srv->ctx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_receive, KMCL_NS);

/* ---- running ---- */

static void vmbus_server_deliver_link(struct vmbus_server *srv)
{
	const struct vmbus_server_ops *ops = srv->ops;
	u8 action = srv->work.pending & -srv->work.pending;

	srv->work.pending &= ~action;
	vmbus_server_kick(srv, &srv->work, 0);
	if (action == VMBUS_SL_RESET_DONE) {
		if (ops->reset_done)
			ops->reset_done(srv->ctx);
	} else if (action == VMBUS_SL_DISCONNECT) {
		if (ops->disconnect)
			ops->disconnect(srv->ctx);
		else
			vmbus_server_disconnect_done(srv);
	} else if (action == VMBUS_SL_CONNECT) {
		if (ops->connect)
			ops->connect(srv->ctx, &srv->contact);
		else
			vmbus_server_connect_done(srv, 0);
	}
}

static bool vmbus_server_deliver(struct vmbus_server *srv)
{
	struct vmbus_work *work;

	work = list_first_entry_or_null(&srv->todo, struct vmbus_work, node);
	if (!work)
		return false;
	list_del_init(&work->node);
	switch (work->kind) {
	case VMBUS_WORK_LINK:
		vmbus_server_deliver_link(srv);
		break;
	case VMBUS_WORK_CHANNEL:
		vmbus_sc_deliver(container_of(work, struct vmbus_server_channel,
					      work));
		break;
	case VMBUS_WORK_GPADL:
		vmbus_sg_deliver(container_of(work, struct vmbus_server_gpadl,
					      work));
		break;
	}
	return true;
}

/**
 * vmbus_server_run() - send, deliver actions, read
 * @srv: the machine
 *
 * Return: true if anything was done: run it again, when its peer has run.
 */
bool vmbus_server_run(struct vmbus_server *srv)
{
	u8 msg[VMBUS_MSG_MAX] __aligned(8);
	unsigned int budget = VMBUS_RUN_BUDGET;
	bool any = false;

	if (srv->stopped || WARN_ON_ONCE(srv->running))
		return false;
	srv->running = true;
	for (;;) {
		bool did = vmbus_outbox_flush(&srv->out, srv->ops->send,
					      srv->ctx, &srv->stats);

		did |= vmbus_server_deliver(srv);
		/*
		 * While the peer does not take its messages none of its
		 * requests is read: that bounds what can be queued for it.
		 */
		if (!srv->stopped && list_empty(&srv->todo) && !srv->out.nr &&
		    srv->in.nr && budget) {
			budget--;
			vmbus_server_handle(srv, msg,
					    vmbus_inbox_get(&srv->in, msg));
			did = true;
		}
		if (!did)
			break;
		any = true;
		if (srv->stopped)
			break;
	}
	srv->running = false;
	return any;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_run, KMCL_NS);

/**
 * vmbus_server_stop() - do nothing but listen
 * @srv: the machine
 *
 * Messages are taken but not looked at, none is sent, no action is delivered;
 * answers to earlier actions are welcome. Needed before vmbus_server_save().
 */
void vmbus_server_stop(struct vmbus_server *srv)
{
	srv->stopped = true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_stop, KMCL_NS);

/**
 * vmbus_server_start() - go on, after vmbus_server_stop() or a restore
 * @srv: the machine
 *
 * What was asked before the stop is not asked again. After a restore, all
 * that was unanswered when the state was saved is.
 */
void vmbus_server_start(struct vmbus_server *srv)
{
	srv->stopped = false;
	if (srv->ops->wake)
		srv->ops->wake(srv->ctx);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_start, KMCL_NS);

/**
 * vmbus_server_state() - state of the connection
 * @srv: the machine
 *
 * Return: the state.
 */
enum vmbus_connection_state vmbus_server_state(const struct vmbus_server *srv)
{
	return srv->state;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_state, KMCL_NS);

/**
 * vmbus_server_stats() - counters
 * @srv: the machine
 *
 * Return: the counters, good as long as the machine.
 */
const struct vmbus_control_stats *
vmbus_server_stats(const struct vmbus_server *srv)
{
	return &srv->stats;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_stats, KMCL_NS);
