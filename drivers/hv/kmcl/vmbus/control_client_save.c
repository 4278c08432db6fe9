// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the client's side: save, restore, and self-check.
 *
 * What a driver was not told yet is saved and told to who claims the channel.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "control_save.h"

#define VMBUS_CLIENT_SENDS						\
	(BIT(VMBUS_MSG_REQUEST_OFFERS) | BIT(VMBUS_MSG_OPEN_CHANNEL) |	\
	 BIT(VMBUS_MSG_CLOSE_CHANNEL) | BIT(VMBUS_MSG_GPADL_HEADER) |	\
	 BIT(VMBUS_MSG_GPADL_BODY) | BIT(VMBUS_MSG_GPADL_TEARDOWN) |	\
	 BIT(VMBUS_MSG_REL_ID_RELEASED) |				\
	 BIT(VMBUS_MSG_INITIATE_CONTACT) | BIT(VMBUS_MSG_UNLOAD) |	\
	 BIT(VMBUS_MSG_MODIFY_CHANNEL))

/*
 * The limit is for local requests; answers that were put off (a close, a
 * teardown, a release) may come on top, one for each object.
 */
#define VMBUS_CLIENT_OUTBOX_SAVED_MAX	(VMBUS_CLIENT_OUTBOX_MAX +	\
					 3 * VMBUS_MAX_CHANNELS +	\
					 VMBUS_MAX_GPADLS)

/* ---- save ---- */

static void vmbus_save_client_channel(struct vmbus_writer *w,
				      const struct vmbus_client_channel *chan)
{
	u8 pending = chan->work.pending & ~VMBUS_CC_TELL_OFFER;
	const struct vmbus_client_gpadl *g;

	vmbus_record_begin(w, VMBUS_SAVE_CHANNEL);
	vmbus_write_offer(w, &chan->offer);
	vmbus_write_u32(w, chan->id);
	vmbus_write_u32(w, chan->connection_id);
	vmbus_write_u8(w, chan->state);
	vmbus_write_u8(w, chan->rescinded);
	vmbus_write_u8(w, chan->modifying);
	vmbus_write_u32(w, chan->modifying ? chan->modify_vp : 0);
	vmbus_write_u8(w, pending);
	vmbus_write_u8(w, pending & VMBUS_CC_TELL_OPENED ?
			  chan->open_outcome : 0);
	vmbus_write_u8(w, pending & VMBUS_CC_TELL_MODIFIED ?
			  chan->modify_outcome : 0);
	if (chan->state != VMBUS_CC_CLOSED)
		vmbus_write_open_request(w, &chan->req);
	if (chan->state == VMBUS_CC_OPENING_REOPEN)
		vmbus_write_open_request(w, &chan->next_req);
	vmbus_record_end(w);
	list_for_each_entry(g, &chan->gpadls, node) {
		vmbus_record_begin(w, VMBUS_SAVE_GPADL);
		vmbus_write_u32(w, g->handle);
		vmbus_write_u8(w, g->state);
		vmbus_write_u8(w, g->work.pending);
		vmbus_write_u8(w, g->outcome);
		vmbus_record_end(w);
	}
}

/**
 * vmbus_client_save() - write the state down
 * @cl: the machine, stopped
 * @buf: where to, or NULL
 * @size: how much room there is
 *
 * Nothing changes, so that a save can be followed by vmbus_client_start().
 *
 * Return: the bytes that the state takes; they are in @buf only if that is no
 * more than @size. -EBUSY if the machine is not stopped.
 */
ssize_t vmbus_client_save(const struct vmbus_client *cl, void *buf, size_t size)
{
	const struct vmbus_client_channel *chan;
	struct vmbus_writer w;

	if (!cl->stopped)
		return -EBUSY;
	vmbus_write_begin(&w, buf, size);
	vmbus_record_begin(&w, VMBUS_SAVE_LINK);
	vmbus_write_u8(&w, cl->state);
	vmbus_write_u8(&w, cl->work.pending);
	vmbus_write_u8(&w, cl->work.pending & VMBUS_CL_CONNECTED ?
			   cl->connect_outcome : 0);
	vmbus_write_u32(&w, cl->connection_id);
	vmbus_write_u32(&w, cl->next_handle);
	vmbus_write_u32(&w, cl->next_open_id);
	vmbus_record_end(&w);
	list_for_each_entry(chan, &cl->channels, node)
		vmbus_save_client_channel(&w, chan);
	vmbus_write_queues(&w, &cl->out, &cl->in);
	return vmbus_write_end(&w, VMBUS_SAVE_CLIENT);
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_save, KMCL_NS);

/* ---- restore ---- */

static int vmbus_load_client_link(struct vmbus_client *cl,
				  struct vmbus_reader *r)
{
	u8 pending;

	if (!vmbus_record_next(r, VMBUS_SAVE_LINK))
		return -EBADMSG;
	cl->state = vmbus_read_enum(r, VMBUS_CLIENT_UNLOADING + 1);
	pending = vmbus_read_enum(r, VMBUS_CL_ALL + 1);
	cl->connect_outcome = vmbus_read_enum(r, VMBUS_OUTCOME_NR);
	cl->connection_id = vmbus_read_u32(r);
	cl->next_handle = vmbus_read_u32(r);
	cl->next_open_id = vmbus_read_u32(r);
	vmbus_record_done(r);
	if (r->failed ||
	    (!(pending & VMBUS_CL_CONNECTED) && cl->connect_outcome))
		return -EBADMSG;
	vmbus_client_kick(cl, &cl->work, pending);
	return 0;
}

static int vmbus_load_client_gpadl(struct vmbus_client_channel *chan,
				   struct vmbus_reader *r)
{
	enum vmbus_client_gpadl_state state;
	enum vmbus_outcome outcome;
	struct vmbus_client_gpadl *g;
	u32 handle;
	u8 pending;
	int ret;

	handle = vmbus_read_u32(r);
	state = vmbus_read_enum(r, VMBUS_CG_GONE + 1);
	pending = vmbus_read_enum(r, VMBUS_CG_TELL_ALL + 1);
	outcome = vmbus_read_enum(r, VMBUS_OUTCOME_NR);
	vmbus_record_done(r);
	if (r->failed)
		return -EBADMSG;
	ret = vmbus_cg_new(chan, handle, &g);
	if (ret)
		return ret == -ENOMEM ? ret : -EBADMSG;
	g->state = state;
	g->outcome = outcome;
	vmbus_client_kick(chan->cl, &g->work, pending);
	return 0;
}

static int vmbus_load_client_channel(struct vmbus_client *cl,
				     struct vmbus_reader *r)
{
	struct vmbus_client_channel *chan;
	struct vmbus_offer offer;
	u8 pending;
	int ret;
	u32 id;

	vmbus_read_offer(r, &offer);
	id = vmbus_read_u32(r);
	if (r->failed || !id || id > VMBUS_MAX_CHANNELS || cl->ids[id] ||
	    vmbus_client_find(cl, &offer.key))
		return -EBADMSG;
	chan = vmbus_cc_new(cl, id, &offer);
	chan->connection_id = vmbus_read_u32(r);
	chan->state = vmbus_read_enum(r, VMBUS_CC_OPENING_REOPEN + 1);
	chan->rescinded = vmbus_read_bool(r);
	chan->modifying = vmbus_read_bool(r);
	chan->modify_vp = vmbus_read_u32(r);
	pending = vmbus_read_enum(r, VMBUS_CC_TELL_ALL + 1);
	chan->open_outcome = vmbus_read_enum(r, VMBUS_OUTCOME_NR);
	chan->modify_outcome = vmbus_read_enum(r, VMBUS_OUTCOME_NR);
	if (chan->state != VMBUS_CC_CLOSED)
		vmbus_read_open_request(r, &chan->req);
	if (chan->state == VMBUS_CC_OPENING_REOPEN)
		vmbus_read_open_request(r, &chan->next_req);
	vmbus_record_done(r);
	if (r->failed || pending & VMBUS_CC_TELL_OFFER ||
	    (!chan->modifying && chan->modify_vp) ||
	    (!(pending & VMBUS_CC_TELL_OPENED) && chan->open_outcome) ||
	    (!(pending & VMBUS_CC_TELL_MODIFIED) && chan->modify_outcome))
		return -EBADMSG;
	while (vmbus_record_next(r, VMBUS_SAVE_GPADL)) {
		ret = vmbus_load_client_gpadl(chan, r);
		if (ret)
			return ret;
	}
	vmbus_client_kick(cl, &chan->work, pending);
	return 0;
}

static int vmbus_load_client(struct vmbus_client *cl, const void *buf,
			     size_t len)
{
	struct vmbus_reader r;
	int ret;

	ret = vmbus_read_begin(&r, buf, len, VMBUS_SAVE_CLIENT);
	if (ret)
		return ret;
	ret = vmbus_load_client_link(cl, &r);
	if (ret)
		return ret;
	while (vmbus_record_next(&r, VMBUS_SAVE_CHANNEL)) {
		ret = vmbus_load_client_channel(cl, &r);
		if (ret)
			return ret;
	}
	ret = vmbus_read_queues(&r, &cl->out, VMBUS_CLIENT_OUTBOX_SAVED_MAX,
				VMBUS_CLIENT_SENDS, &cl->in);
	if (ret)
		return ret;
	ret = vmbus_read_end(&r);
	if (ret)
		return ret;
	return vmbus_client_check(cl) ? -EBADMSG : 0;
}

/**
 * vmbus_client_restore() - take up a saved state
 * @cl: the machine, as it comes from vmbus_client_alloc()
 * @buf: the state
 * @len: its length
 *
 * The machine is stopped then; drivers find their channels with
 * vmbus_client_claim(), before the start or after. On failure the machine is
 * as it was.
 *
 * Return: 0, -EBUSY if the machine was in use, -EBADMSG if this is no such
 * state, -EPROTONOSUPPORT if it is of another version, -ENOMEM.
 */
int vmbus_client_restore(struct vmbus_client *cl, const void *buf, size_t len)
{
	bool stopped = cl->stopped;
	int ret;

	if (cl->state != VMBUS_CLIENT_DISCONNECTED || cl->nr_channels ||
	    cl->out.nr || cl->in.nr || !list_empty(&cl->todo) || cl->running)
		return -EBUSY;
	cl->stopped = true;
	ret = vmbus_load_client(cl, buf, len);
	if (!ret)
		return 0;
	vmbus_client_forget_channels(cl);
	vmbus_outbox_purge(&cl->out);
	cl->in.nr = 0;
	vmbus_work_cancel(&cl->work);
	cl->state = VMBUS_CLIENT_DISCONNECTED;
	cl->connect_outcome = VMBUS_OUTCOME_OK;
	cl->connection_id = 0;
	cl->next_handle = 1;
	cl->next_open_id = 1;
	cl->stopped = stopped;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_restore, KMCL_NS);

/* ---- self-check ---- */

static bool vmbus_client_gpadl_sound(const struct vmbus_client_gpadl *g)
{
	u8 pending = g->work.pending;

	switch (g->state) {
	case VMBUS_CG_CREATING:
	case VMBUS_CG_CREATING_TEARDOWN:
		return !pending && g->outcome == VMBUS_OUTCOME_OK;
	case VMBUS_CG_CREATED:
		return !(pending & VMBUS_CG_TELL_TORNDOWN) &&
		       g->outcome == VMBUS_OUTCOME_OK;
	case VMBUS_CG_TEARDOWN:
		return !pending && g->outcome == VMBUS_OUTCOME_OK;
	case VMBUS_CG_GONE:
		/* It is there only to be told, of one thing or the other. */
		return pending == (g->outcome == VMBUS_OUTCOME_OK ?
				   VMBUS_CG_TELL_TORNDOWN :
				   VMBUS_CG_TELL_CREATED) &&
		       (g->outcome == VMBUS_OUTCOME_OK ||
			g->outcome == VMBUS_OUTCOME_REFUSED);
	}
	return false;
}

static bool vmbus_client_channel_sound(const struct vmbus_client_channel *chan)
{
	u8 pending = chan->work.pending;

	if (chan->cl->ids[chan->id] != chan)
		return false;
	if (chan->rescinded &&
	    ((chan->state != VMBUS_CC_CLOSED &&
	      chan->state != VMBUS_CC_OPEN) || chan->modifying))
		return false;
	if (pending & VMBUS_CC_TELL_RESCIND && !chan->rescinded)
		return false;
	if (pending & VMBUS_CC_TELL_OPENED &&
	    (chan->open_outcome == VMBUS_OUTCOME_VERSION ||
	     chan->state != (chan->open_outcome == VMBUS_OUTCOME_OK ?
			     VMBUS_CC_OPEN : VMBUS_CC_CLOSED)))
		return false;
	if (pending & VMBUS_CC_TELL_MODIFIED &&
	    (chan->modifying || chan->modify_outcome == VMBUS_OUTCOME_VERSION))
		return false;
	return true;
}

/**
 * vmbus_client_check() - verify the machine's own consistency
 * @cl: the machine
 *
 * Return: 0, or -EUCLEAN.
 */
int vmbus_client_check(const struct vmbus_client *cl)
{
	u32 nr_channels = 0, nr_gpadls = 0, nr_ids = 0, i;
	struct xarray *gpadls = (struct xarray *)&cl->gpadls;
	const struct vmbus_client_channel *chan;
	const struct vmbus_client_gpadl *g;

	if (cl->nr_channels && cl->state != VMBUS_CLIENT_REQUESTED)
		return -EUCLEAN;
	if (cl->out.nr > VMBUS_CLIENT_OUTBOX_SAVED_MAX ||
	    cl->in.nr > VMBUS_INBOX_MAX)
		return -EUCLEAN;
	if (cl->work.pending & VMBUS_CL_DELIVERED &&
	    cl->state != VMBUS_CLIENT_REQUESTED)
		return -EUCLEAN;
	list_for_each_entry(chan, &cl->channels, node) {
		u32 nr = 0;

		if (!vmbus_client_channel_sound(chan))
			return -EUCLEAN;
		list_for_each_entry(g, &chan->gpadls, node) {
			if (g->chan != chan ||
			    xa_load(gpadls, g->handle) != g ||
			    !vmbus_client_gpadl_sound(g))
				return -EUCLEAN;
			nr++;
		}
		if (nr != chan->nr_gpadls || nr > VMBUS_MAX_GPADLS_PER_CHANNEL)
			return -EUCLEAN;
		nr_gpadls += nr;
		nr_channels++;
	}
	for (i = 0; i <= VMBUS_MAX_CHANNELS; i++)
		nr_ids += !!cl->ids[i];
	if (nr_channels != cl->nr_channels || nr_ids != nr_channels ||
	    nr_gpadls != cl->nr_gpadls)
		return -EUCLEAN;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_check, KMCL_NS);
