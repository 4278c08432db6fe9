// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the client's side: the machine and what the server says.
 *
 * The server is not trusted either. Unlike the server's machine this one reads
 * on while its own messages are not taken, else the two could wait for
 * each other; what it has queued comes from local requests and is bounded.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

int vmbus_outcome_errno(enum vmbus_outcome outcome)
{
	switch (outcome) {
	case VMBUS_OUTCOME_OK:
		return 0;
	case VMBUS_OUTCOME_GONE:
		return -ENODEV;
	case VMBUS_OUTCOME_VERSION:
		return -EPROTONOSUPPORT;
	default:
		return -EIO;
	}
}

static enum vmbus_outcome vmbus_outcome(__le32 status)
{
	return le32_to_cpu(status) == VMBUS_STATUS_OK ? VMBUS_OUTCOME_OK :
							VMBUS_OUTCOME_REFUSED;
}

void vmbus_client_kick(struct vmbus_client *cl, struct vmbus_work *work,
		       u8 bits)
{
	work->pending |= bits;
	if (!work->pending || !list_empty(&work->node))
		return;
	list_add_tail(&work->node, &cl->todo);
	if (!cl->running && cl->ops->wake)
		cl->ops->wake(cl->ctx);
}

void vmbus_client_queue(struct vmbus_client *cl, const void *msg, size_t len)
{
	vmbus_outbox_add(&cl->out, msg, len);
	if (!cl->running && cl->ops->wake)
		cl->ops->wake(cl->ctx);
}

static void vmbus_client_drop(struct vmbus_client *cl, enum vmbus_drop why)
{
	cl->stats.dropped[why]++;
}

/**
 * vmbus_client_alloc() - make a client's machine
 * @ops: whom it tells
 * @ctx: passed to the operations that have no channel
 * @params: its limits
 *
 * Return: the machine, disconnected and not stopped, or an ERR_PTR().
 */
struct vmbus_client *vmbus_client_alloc(const struct vmbus_client_ops *ops,
					void *ctx,
					const struct vmbus_client_params *params)
{
	struct vmbus_client *cl;

	if (!ops || !ops->send || !params->nr_pages)
		return ERR_PTR(-EINVAL);
	cl = kvzalloc(sizeof(*cl), GFP_KERNEL);
	if (!cl)
		return ERR_PTR(-ENOMEM);
	cl->ops = ops;
	cl->ctx = ctx;
	cl->nr_pages = params->nr_pages;
	cl->target_vp = params->target_vp;
	cl->next_handle = 1;
	cl->next_open_id = 1;
	INIT_LIST_HEAD(&cl->channels);
	INIT_LIST_HEAD(&cl->todo);
	vmbus_work_init(&cl->work, VMBUS_WORK_LINK);
	vmbus_outbox_init(&cl->out);
	xa_init(&cl->gpadls);
	return cl;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_alloc, KMCL_NS);

void vmbus_client_forget_channels(struct vmbus_client *cl)
{
	struct vmbus_client_channel *chan, *tmp;

	list_for_each_entry_safe(chan, tmp, &cl->channels, node)
		vmbus_cc_free(chan);
}

/**
 * vmbus_client_free() - end a client's machine
 * @cl: the machine; NULL or an ERR_PTR() is nothing
 *
 * Its channels go with it, without a call to anybody.
 */
void vmbus_client_free(struct vmbus_client *cl)
{
	if (IS_ERR_OR_NULL(cl))
		return;
	vmbus_client_forget_channels(cl);
	vmbus_outbox_purge(&cl->out);
	xa_destroy(&cl->gpadls);
	kvfree(cl);
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_free, KMCL_NS);

/* ---- messages from the server ---- */

static struct vmbus_client_channel *vmbus_cc_by_id(struct vmbus_client *cl,
						   __le32 id)
{
	u32 n = le32_to_cpu(id);
	struct vmbus_client_channel *chan = NULL;

	if (n <= VMBUS_MAX_CHANNELS)
		chan = cl->ids[n];
	if (!chan)
		vmbus_client_drop(cl, VMBUS_DROP_CHANNEL);
	return chan;
}

static void vmbus_client_version_response(struct vmbus_client *cl,
					  const void *data)
{
	const struct vmbus_msg_version_response *msg = data;

	if (!msg->supported)
		cl->connect_outcome = VMBUS_OUTCOME_VERSION;
	else if (msg->state != VMBUS_VERSION_STATE_OK)
		cl->connect_outcome = VMBUS_OUTCOME_REFUSED;
	else
		cl->connect_outcome = VMBUS_OUTCOME_OK;
	if (cl->connect_outcome == VMBUS_OUTCOME_OK) {
		cl->state = VMBUS_CLIENT_CONNECTED;
		cl->connection_id = le32_to_cpu(msg->connection_id);
	} else {
		cl->state = VMBUS_CLIENT_DISCONNECTED;
	}
	vmbus_client_kick(cl, &cl->work, VMBUS_CL_CONNECTED);
}

static void vmbus_client_unload_complete(struct vmbus_client *cl,
					 const void *data)
{
	cl->state = VMBUS_CLIENT_DISCONNECTED;
	cl->connection_id = 0;
	vmbus_client_kick(cl, &cl->work, VMBUS_CL_UNLOADED);
}

static void vmbus_client_offer(struct vmbus_client *cl, const void *data)
{
	const struct vmbus_msg_offer_channel *msg = data;
	u32 id = le32_to_cpu(msg->channel);
	struct vmbus_client_channel *chan;
	struct vmbus_offer offer = {
		.key = {
			.type = msg->type,
			.instance = msg->instance,
			.subchannel = le16_to_cpu(msg->subchannel),
		},
		.flags = le16_to_cpu(msg->flags) & VMBUS_OFFER_FLAGS_VALID,
		.mmio_megabytes = le16_to_cpu(msg->mmio_megabytes),
		.optional_mmio_megabytes =
			le16_to_cpu(msg->optional_mmio_megabytes),
	};

	if (!id || id > VMBUS_MAX_CHANNELS) {
		vmbus_client_drop(cl, VMBUS_DROP_CONTENT);
		return;
	}
	/* A number that is in use, or an identity that is not yet released. */
	if (cl->ids[id] || vmbus_client_find(cl, &offer.key)) {
		vmbus_client_drop(cl, VMBUS_DROP_STATE);
		return;
	}
	memcpy(offer.user_data, msg->user_data, sizeof(offer.user_data));
	chan = vmbus_cc_new(cl, id, &offer);
	chan->connection_id = le32_to_cpu(msg->connection_id);
	chan->claimed = true;
	vmbus_client_kick(cl, &chan->work, VMBUS_CC_TELL_OFFER);
}

static void vmbus_client_all_offers(struct vmbus_client *cl, const void *data)
{
	vmbus_client_kick(cl, &cl->work, VMBUS_CL_DELIVERED);
}

static void vmbus_client_tell_opened(struct vmbus_client_channel *chan,
				     enum vmbus_outcome outcome)
{
	chan->open_outcome = outcome;
	vmbus_client_kick(chan->cl, &chan->work, VMBUS_CC_TELL_OPENED);
}

static void vmbus_client_tell_modified(struct vmbus_client_channel *chan,
				       enum vmbus_outcome outcome)
{
	chan->modifying = false;
	chan->modify_outcome = outcome;
	vmbus_client_kick(chan->cl, &chan->work, VMBUS_CC_TELL_MODIFIED);
}

static void vmbus_client_rescind(struct vmbus_client *cl, const void *data)
{
	const struct vmbus_msg_channel *msg = data;
	struct vmbus_client_channel *chan = vmbus_cc_by_id(cl, msg->channel);

	if (!chan)
		return;
	if (chan->rescinded) {
		vmbus_client_drop(cl, VMBUS_DROP_STATE);
		return;
	}
	chan->rescinded = true;
	if (chan->state == VMBUS_CC_OPENING ||
	    chan->state == VMBUS_CC_OPENING_REOPEN)
		vmbus_client_tell_opened(chan, VMBUS_OUTCOME_GONE);
	if (chan->state != VMBUS_CC_OPEN)
		vmbus_cc_closed(chan);
	if (chan->modifying)
		vmbus_client_tell_modified(chan, VMBUS_OUTCOME_GONE);
	vmbus_client_kick(cl, &chan->work, VMBUS_CC_TELL_RESCIND);
}

static void vmbus_client_open_result(struct vmbus_client *cl, const void *data)
{
	const struct vmbus_msg_open_result *msg = data;
	struct vmbus_client_channel *chan = vmbus_cc_by_id(cl, msg->channel);
	enum vmbus_outcome outcome = vmbus_outcome(msg->status);
	struct vmbus_open_request next;

	if (!chan)
		return;
	if (chan->rescinded) {
		vmbus_client_drop(cl, VMBUS_DROP_REVOKED);
		return;
	}
	if (le32_to_cpu(msg->open_id) != chan->req.open_id) {
		vmbus_client_drop(cl, VMBUS_DROP_CONTENT);
		return;
	}
	switch (chan->state) {
	case VMBUS_CC_OPENING:
		if (outcome == VMBUS_OUTCOME_OK)
			chan->state = VMBUS_CC_OPEN;
		else
			vmbus_cc_closed(chan);
		vmbus_client_tell_opened(chan, outcome);
		break;
	case VMBUS_CC_OPENING_CLOSE:
		if (outcome == VMBUS_OUTCOME_OK)
			vmbus_cc_send_close(chan);
		vmbus_cc_closed(chan);
		break;
	case VMBUS_CC_OPENING_REOPEN:
		if (outcome == VMBUS_OUTCOME_OK)
			vmbus_cc_send_close(chan);
		next = chan->next_req;
		vmbus_cc_closed(chan);
		vmbus_cc_send_open(chan, &next);
		break;
	default:
		vmbus_client_drop(cl, VMBUS_DROP_STATE);
		break;
	}
}

static void vmbus_client_modify_response(struct vmbus_client *cl,
					 const void *data)
{
	const struct vmbus_msg_modify_response *msg = data;
	struct vmbus_client_channel *chan = vmbus_cc_by_id(cl, msg->channel);
	enum vmbus_outcome outcome = vmbus_outcome(msg->status);

	if (!chan)
		return;
	if (!chan->modifying) {
		vmbus_client_drop(cl, chan->rescinded ? VMBUS_DROP_REVOKED :
							VMBUS_DROP_STATE);
		return;
	}
	if (outcome == VMBUS_OUTCOME_OK && chan->state == VMBUS_CC_OPEN)
		chan->req.target_vp = chan->modify_vp;
	vmbus_client_tell_modified(chan, outcome);
}

static void vmbus_client_gpadl_created(struct vmbus_client *cl, const void *data)
{
	const struct vmbus_msg_gpadl_created *msg = data;
	enum vmbus_outcome outcome = vmbus_outcome(msg->status);
	struct vmbus_client_gpadl *g;

	g = xa_load(&cl->gpadls, le32_to_cpu(msg->gpadl));
	if (!g || g->chan->id != le32_to_cpu(msg->channel)) {
		vmbus_client_drop(cl, VMBUS_DROP_GPADL);
		return;
	}
	if (g->state == VMBUS_CG_CREATING) {
		g->outcome = outcome;
		g->state = outcome == VMBUS_OUTCOME_OK ? VMBUS_CG_CREATED :
							 VMBUS_CG_GONE;
		vmbus_client_kick(cl, &g->work, VMBUS_CG_TELL_CREATED);
	} else if (g->state != VMBUS_CG_CREATING_TEARDOWN) {
		vmbus_client_drop(cl, VMBUS_DROP_STATE);
	} else if (outcome == VMBUS_OUTCOME_OK) {
		vmbus_cg_send_teardown(g);
	} else {
		g->state = VMBUS_CG_GONE;
		vmbus_client_kick(cl, &g->work, VMBUS_CG_TELL_TORNDOWN);
	}
}

static void vmbus_client_gpadl_torndown(struct vmbus_client *cl,
					const void *data)
{
	const struct vmbus_msg_gpadl_torndown *msg = data;
	struct vmbus_client_gpadl *g;

	g = xa_load(&cl->gpadls, le32_to_cpu(msg->gpadl));
	if (!g) {
		vmbus_client_drop(cl, VMBUS_DROP_GPADL);
	} else if (g->state != VMBUS_CG_TEARDOWN) {
		vmbus_client_drop(cl, VMBUS_DROP_STATE);
	} else {
		g->state = VMBUS_CG_GONE;
		vmbus_client_kick(cl, &g->work, VMBUS_CG_TELL_TORNDOWN);
	}
}

#define VMBUS_IN(state)		BIT(VMBUS_CLIENT_##state)

static const struct {
	void (*handler)(struct vmbus_client *cl, const void *msg);
	u16 size;
	u8 states;
} vmbus_client_messages[] = {
	[VMBUS_MSG_OFFER_CHANNEL] = {
		vmbus_client_offer, sizeof(struct vmbus_msg_offer_channel),
		VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_RESCIND_CHANNEL_OFFER] = {
		vmbus_client_rescind, sizeof(struct vmbus_msg_channel),
		VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_ALL_OFFERS_DELIVERED] = {
		vmbus_client_all_offers, sizeof(struct vmbus_msg_hdr),
		VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_OPEN_CHANNEL_RESULT] = {
		vmbus_client_open_result, sizeof(struct vmbus_msg_open_result),
		VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_GPADL_CREATED] = {
		vmbus_client_gpadl_created,
		sizeof(struct vmbus_msg_gpadl_created), VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_GPADL_TORNDOWN] = {
		vmbus_client_gpadl_torndown,
		sizeof(struct vmbus_msg_gpadl_torndown), VMBUS_IN(REQUESTED) },
	[VMBUS_MSG_VERSION_RESPONSE] = {
		vmbus_client_version_response,
		sizeof(struct vmbus_msg_version_response), VMBUS_IN(CONNECTING) },
	[VMBUS_MSG_UNLOAD_COMPLETE] = {
		vmbus_client_unload_complete, sizeof(struct vmbus_msg_hdr),
		VMBUS_IN(UNLOADING) },
	[VMBUS_MSG_MODIFY_CHANNEL_RESPONSE] = {
		vmbus_client_modify_response,
		sizeof(struct vmbus_msg_modify_response), VMBUS_IN(REQUESTED) },
};

static void vmbus_client_handle(struct vmbus_client *cl, const void *msg,
				size_t len)
{
	const struct vmbus_msg_hdr *hdr = msg;
	u32 type;

	if (len < sizeof(*hdr)) {
		vmbus_client_drop(cl, VMBUS_DROP_TOO_SHORT);
		return;
	}
	type = le32_to_cpu(hdr->type);
	if (type == VMBUS_MSG_CLOSE_RESERVED_RESPONSE ||
	    type == VMBUS_MSG_TL_CONNECT_REQUEST_RESULT)
		vmbus_client_drop(cl, VMBUS_DROP_UNSUPPORTED);
	else if (type >= ARRAY_SIZE(vmbus_client_messages) ||
		 !vmbus_client_messages[type].handler)
		vmbus_client_drop(cl, VMBUS_DROP_TYPE);
	else if (len < vmbus_client_messages[type].size)
		vmbus_client_drop(cl, VMBUS_DROP_TOO_SHORT);
	else if (!(vmbus_client_messages[type].states & BIT(cl->state)))
		vmbus_client_drop(cl, VMBUS_DROP_NOT_CONNECTED);
	else
		vmbus_client_messages[type].handler(cl, msg);
}

/**
 * vmbus_client_receive() - a message came from the server
 * @cl: the machine
 * @msg: its bytes; they are copied
 * @len: how many
 *
 * It is looked at in vmbus_client_run(). May be called from ops of another
 * machine, such as its send.
 *
 * Return: 0, -EMSGSIZE if there is no such message, or -ENOBUFS if too many
 * are unread: keep it and try again after the next run.
 */
int vmbus_client_receive(struct vmbus_client *cl, const void *msg, size_t len)
{
	int ret = vmbus_inbox_put(&cl->in, msg, len, &cl->stats);

	if (!ret && !cl->running && cl->ops->wake)
		cl->ops->wake(cl->ctx);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_receive, KMCL_NS);

/* ---- running ---- */

static void vmbus_client_deliver_link(struct vmbus_client *cl)
{
	const struct vmbus_client_ops *ops = cl->ops;
	u8 news = cl->work.pending & -cl->work.pending;

	cl->work.pending &= ~news;
	vmbus_client_kick(cl, &cl->work, 0);
	if (news == VMBUS_CL_UNLOADED && ops->unloaded)
		ops->unloaded(cl->ctx);
	else if (news == VMBUS_CL_CONNECTED && ops->connected)
		ops->connected(cl->ctx, vmbus_outcome_errno(cl->connect_outcome));
	else if (news == VMBUS_CL_DELIVERED && ops->offers_delivered)
		ops->offers_delivered(cl->ctx);
}

/* One piece of news; the channel may be gone when the user has heard it. */
static void vmbus_client_deliver_channel(struct vmbus_client_channel *chan)
{
	const struct vmbus_client_ops *ops = chan->cl->ops;
	u8 news = chan->work.pending & -chan->work.pending;

	if (!chan->claimed)
		return;		/* until it is */
	chan->work.pending &= ~news;
	vmbus_client_kick(chan->cl, &chan->work, 0);
	if (news == VMBUS_CC_TELL_OFFER && ops->offer)
		ops->offer(chan->cl->ctx, chan, &chan->offer);
	else if (news == VMBUS_CC_TELL_OPENED && ops->opened)
		ops->opened(chan, chan->context,
			    vmbus_outcome_errno(chan->open_outcome));
	else if (news == VMBUS_CC_TELL_MODIFIED && ops->modified)
		ops->modified(chan, chan->context,
			      vmbus_outcome_errno(chan->modify_outcome));
	else if (news == VMBUS_CC_TELL_RESCIND && ops->rescind)
		ops->rescind(chan, chan->context);
}

static void vmbus_client_deliver_gpadl(struct vmbus_client_gpadl *g)
{
	struct vmbus_client_channel *chan = g->chan;
	const struct vmbus_client_ops *ops = chan->cl->ops;
	u8 news = g->work.pending & -g->work.pending;
	int error = vmbus_outcome_errno(g->outcome);
	u32 handle = g->handle;

	if (!chan->claimed)
		return;
	g->work.pending &= ~news;
	if (g->state == VMBUS_CG_GONE && !g->work.pending)
		vmbus_cg_free(g);
	else
		vmbus_client_kick(chan->cl, &g->work, 0);
	if (news == VMBUS_CG_TELL_CREATED && ops->gpadl_created)
		ops->gpadl_created(chan, chan->context, handle, error);
	else if (news == VMBUS_CG_TELL_TORNDOWN && ops->gpadl_torndown)
		ops->gpadl_torndown(chan, chan->context, handle);
}

static bool vmbus_client_deliver(struct vmbus_client *cl)
{
	struct vmbus_work *work;

	work = list_first_entry_or_null(&cl->todo, struct vmbus_work, node);
	if (!work)
		return false;
	list_del_init(&work->node);
	switch (work->kind) {
	case VMBUS_WORK_LINK:
		vmbus_client_deliver_link(cl);
		break;
	case VMBUS_WORK_CHANNEL:
		vmbus_client_deliver_channel(container_of(work,
							  struct vmbus_client_channel,
							  work));
		break;
	case VMBUS_WORK_GPADL:
		vmbus_client_deliver_gpadl(container_of(work,
							struct vmbus_client_gpadl,
							work));
		break;
	}
	return true;
}

/**
 * vmbus_client_run() - send, tell news, read
 * @cl: the machine
 *
 * Return: true if anything was done: run it again, when its peer has run.
 */
bool vmbus_client_run(struct vmbus_client *cl)
{
	u8 msg[VMBUS_MSG_MAX] __aligned(8);
	unsigned int budget = VMBUS_RUN_BUDGET;
	bool any = false;

	if (cl->stopped || WARN_ON_ONCE(cl->running))
		return false;
	cl->running = true;
	for (;;) {
		bool did = vmbus_outbox_flush(&cl->out, cl->ops->send, cl->ctx,
					      &cl->stats);

		did |= vmbus_client_deliver(cl);
		if (!cl->stopped && list_empty(&cl->todo) && cl->in.nr &&
		    budget) {
			budget--;
			vmbus_client_handle(cl, msg,
					    vmbus_inbox_get(&cl->in, msg));
			did = true;
		}
		if (!did)
			break;
		any = true;
		if (cl->stopped)
			break;
	}
	cl->running = false;
	return any;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_run, KMCL_NS);

/**
 * vmbus_client_stop() - do nothing but listen
 * @cl: the machine
 *
 * Messages are taken but not looked at, none is sent, no news told; local
 * requests are welcome. Needed before vmbus_client_save().
 */
void vmbus_client_stop(struct vmbus_client *cl)
{
	cl->stopped = true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_stop, KMCL_NS);

/**
 * vmbus_client_start() - go on, after vmbus_client_stop() or a restore
 * @cl: the machine
 */
void vmbus_client_start(struct vmbus_client *cl)
{
	cl->stopped = false;
	if (cl->ops->wake)
		cl->ops->wake(cl->ctx);
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_start, KMCL_NS);

/**
 * vmbus_client_state() - state of the connection
 * @cl: the machine
 *
 * Return: the state.
 */
enum vmbus_client_state vmbus_client_state(const struct vmbus_client *cl)
{
	return cl->state;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_state, KMCL_NS);

/**
 * vmbus_client_stats() - counters
 * @cl: the machine
 *
 * Return: the counters, good as long as the machine.
 */
const struct vmbus_control_stats *
vmbus_client_stats(const struct vmbus_client *cl)
{
	return &cl->stats;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_stats, KMCL_NS);
