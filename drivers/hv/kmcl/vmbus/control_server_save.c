// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: save, restore, and self-check.
 *
 * Saved is what the client knows of. What a device was asked and has not
 * answered is a state (opening, closing, …), and a restore asks it again.
 * Not saved: channels that the client does not know (they are offered anew),
 * and what the client has forgotten while a device still had to let go of it.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/string.h>

#include "control_save.h"

#define VMBUS_SERVER_SENDS						\
	(BIT(VMBUS_MSG_OFFER_CHANNEL) |					\
	 BIT(VMBUS_MSG_RESCIND_CHANNEL_OFFER) |				\
	 BIT(VMBUS_MSG_ALL_OFFERS_DELIVERED) |				\
	 BIT(VMBUS_MSG_OPEN_CHANNEL_RESULT) |				\
	 BIT(VMBUS_MSG_GPADL_CREATED) | BIT(VMBUS_MSG_GPADL_TORNDOWN) |	\
	 BIT(VMBUS_MSG_VERSION_RESPONSE) |				\
	 BIT(VMBUS_MSG_UNLOAD_COMPLETE) |				\
	 BIT(VMBUS_MSG_TL_CONNECT_REQUEST_RESULT) |			\
	 BIT(VMBUS_MSG_MODIFY_CHANNEL_RESPONSE))

/* ---- save ---- */

static void vmbus_save_contact(struct vmbus_writer *w,
			       const struct vmbus_contact *contact)
{
	vmbus_write_u32(w, contact->version);
	vmbus_write_u32(w, contact->target_vp);
	vmbus_write_u64(w, contact->monitor_to_child);
	vmbus_write_u64(w, contact->monitor_to_parent);
}

static void vmbus_save_gpadl(struct vmbus_writer *w,
			     const struct vmbus_server_gpadl *g)
{
	u16 i;

	if (g->state == VMBUS_SG_OFFERED_GONE)
		return;
	vmbus_record_begin(w, VMBUS_SAVE_GPADL);
	vmbus_write_u32(w, g->handle);
	vmbus_write_u8(w, g->state);
	vmbus_write_u8(w, g->silent);
	vmbus_write_u16(w, g->nr_ranges);
	vmbus_write_u16(w, g->nr_words);
	for (i = 0; i < g->have; i++)
		vmbus_write_u64(w, g->words[i]);
	vmbus_record_end(w);
}

static void vmbus_save_channel(struct vmbus_writer *w,
			       const struct vmbus_server_channel *chan)
{
	struct xarray *gpadls = (struct xarray *)&chan->gpadls;
	struct vmbus_server_gpadl *g;
	unsigned long handle;

	if (!chan->id)
		return;
	vmbus_record_begin(w, VMBUS_SAVE_CHANNEL);
	vmbus_write_offer(w, &chan->offer);
	vmbus_write_u32(w, chan->order);
	vmbus_write_u32(w, chan->id);
	vmbus_write_u8(w, chan->state);
	vmbus_write_u8(w, chan->close_wanted);
	vmbus_write_u8(w, chan->modifying);
	vmbus_write_u32(w, chan->modifying ? chan->modify_vp : 0);
	if (vmbus_sc_busy(chan))
		vmbus_write_open_request(w, &chan->req);
	if (chan->state == VMBUS_SC_CLOSING_REOPEN)
		vmbus_write_open_request(w, &chan->next_req);
	vmbus_record_end(w);
	xa_for_each(gpadls, handle, g)
		vmbus_save_gpadl(w, g);
}

/**
 * vmbus_server_save() - write the state down
 * @srv: the machine, stopped
 * @buf: where to, or NULL
 * @size: how much room there is
 *
 * Nothing changes, so that a save can be followed by vmbus_server_start().
 *
 * Return: the bytes that the state takes; they are in @buf only if that is no
 * more than @size. -EBUSY if the machine is not stopped.
 */
ssize_t vmbus_server_save(const struct vmbus_server *srv, void *buf, size_t size)
{
	const struct vmbus_server_channel *chan;
	struct vmbus_writer w;

	if (!srv->stopped)
		return -EBUSY;
	vmbus_write_begin(&w, buf, size);
	vmbus_record_begin(&w, VMBUS_SAVE_LINK);
	vmbus_write_u8(&w, srv->state);
	vmbus_write_u8(&w, srv->offers_sent);
	vmbus_write_u8(&w, srv->next);
	vmbus_write_u8(&w, srv->reset_wanted);
	vmbus_write_u8(&w, !!(srv->work.pending & VMBUS_SL_RESET_DONE));
	vmbus_write_u32(&w, srv->connection_id);
	vmbus_save_contact(&w, &srv->contact);
	vmbus_save_contact(&w, &srv->next_contact);
	vmbus_record_end(&w);
	list_for_each_entry(chan, &srv->channels, node)
		vmbus_save_channel(&w, chan);
	vmbus_write_queues(&w, &srv->out, &srv->in);
	return vmbus_write_end(&w, VMBUS_SAVE_SERVER);
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_save, KMCL_NS);

/* ---- restore ---- */

static void vmbus_load_contact(struct vmbus_server *srv, struct vmbus_reader *r,
			       struct vmbus_contact *contact, bool present)
{
	static const struct vmbus_contact none;

	memset(contact, 0, sizeof(*contact));
	contact->version = vmbus_read_u32(r);
	contact->target_vp = vmbus_read_u32(r);
	contact->monitor_to_child = vmbus_read_u64(r);
	contact->monitor_to_parent = vmbus_read_u64(r);
	if (!present)
		r->failed |= memcmp(contact, &none, sizeof(none)) != 0;
	else if (contact->version != VMBUS_VERSION ||
		 !vmbus_contact_ok(srv, contact))
		r->failed = true;
}

static int vmbus_load_link(struct vmbus_server *srv, struct vmbus_reader *r)
{
	bool reset_done;

	if (!vmbus_record_next(r, VMBUS_SAVE_LINK))
		return -EBADMSG;
	srv->state = vmbus_read_enum(r, VMBUS_DISCONNECTING + 1);
	srv->offers_sent = vmbus_read_bool(r);
	srv->next = vmbus_read_enum(r, VMBUS_NEXT_NR);
	srv->reset_wanted = vmbus_read_bool(r);
	reset_done = vmbus_read_bool(r);
	srv->connection_id = vmbus_read_u32(r);
	vmbus_load_contact(srv, r, &srv->contact,
			   srv->state != VMBUS_DISCONNECTED);
	vmbus_load_contact(srv, r, &srv->next_contact,
			   srv->next == VMBUS_NEXT_RECONNECT);
	vmbus_record_done(r);
	if (r->failed)
		return -EBADMSG;
	if (srv->state == VMBUS_CONNECTING)
		vmbus_server_kick(srv, &srv->work, VMBUS_SL_CONNECT);
	if (reset_done)
		vmbus_server_kick(srv, &srv->work, VMBUS_SL_RESET_DONE);
	return 0;
}

static int vmbus_load_gpadl(struct vmbus_server_channel *chan,
			    struct vmbus_reader *r, u64 *min_handle)
{
	struct vmbus_server *srv = chan->srv;
	enum vmbus_server_gpadl_state state;
	struct vmbus_server_gpadl *g;
	u16 nr_ranges, nr_words;
	size_t left, have;
	u32 handle;
	bool silent, half;

	handle = vmbus_read_u32(r);
	state = vmbus_read_enum(r, VMBUS_SG_TEARDOWN + 1);
	silent = vmbus_read_bool(r);
	nr_ranges = vmbus_read_u16(r);
	nr_words = vmbus_read_u16(r);
	left = vmbus_record_left(r);
	have = left / sizeof(u64);
	half = state == VMBUS_SG_HALF_SENT;
	if (r->failed || handle < *min_handle ||
	    state == VMBUS_SG_OFFERED_GONE || !nr_ranges || nr_words < 2 ||
	    nr_words > VMBUS_GPADL_MAX_WORDS || left % sizeof(u64) ||
	    have > nr_words || half != !!(nr_words - have))
		return -EBADMSG;
	*min_handle = (u64)handle + 1;
	g = vmbus_sg_new(chan, handle, nr_ranges, nr_words, half);
	if (IS_ERR(g))
		return PTR_ERR(g) == -ENOMEM ? -ENOMEM : -EBADMSG;
	while (g->have < have)
		g->words[g->have++] = vmbus_read_u64(r);
	vmbus_record_done(r);
	g->silent = silent;
	if (half)
		return 0;
	g->state = state;
	if (vmbus_gpadl_validate(g->words, nr_words, nr_ranges, srv->nr_pages))
		return -EBADMSG;
	if (state == VMBUS_SG_OFFERED)
		vmbus_server_kick(srv, &g->work, VMBUS_SG_DO_OFFER);
	else if (state == VMBUS_SG_TEARDOWN)
		vmbus_server_kick(srv, &g->work, VMBUS_SG_DO_TEARDOWN);
	return 0;
}

static int vmbus_load_channel(struct vmbus_server *srv, struct vmbus_reader *r)
{
	struct vmbus_server_channel *chan;
	struct vmbus_offer offer;
	u64 min_handle = 0;
	u32 order, id;
	int ret;

	vmbus_read_offer(r, &offer);
	order = vmbus_read_u32(r);
	id = vmbus_read_u32(r);
	if (r->failed || !id || id > VMBUS_MAX_CHANNELS || srv->ids[id] ||
	    vmbus_server_find(srv, &offer.key))
		return -EBADMSG;
	chan = vmbus_sc_new(srv, &offer);
	if (!chan)
		return -ENOMEM;
	chan->order = order;
	chan->id = id;
	srv->ids[id] = chan;
	chan->state = vmbus_read_enum(r, VMBUS_SC_REOFFERED + 1);
	chan->close_wanted = vmbus_read_bool(r);
	chan->modifying = vmbus_read_bool(r);
	chan->modify_vp = vmbus_read_u32(r);
	chan->dead = chan->state == VMBUS_SC_REVOKED;
	if (vmbus_sc_busy(chan))
		vmbus_read_open_request(r, &chan->req);
	if (chan->state == VMBUS_SC_CLOSING_REOPEN)
		vmbus_read_open_request(r, &chan->next_req);
	vmbus_record_done(r);
	if (r->failed || (!chan->modifying && chan->modify_vp))
		return -EBADMSG;
	if (chan->state == VMBUS_SC_OPENING)
		chan->work.pending = VMBUS_SC_DO_OPEN;
	else if (chan->state == VMBUS_SC_CLOSING ||
		 chan->state == VMBUS_SC_CLOSING_REOPEN)
		chan->work.pending = VMBUS_SC_DO_CLOSE;
	else if (chan->modifying)
		chan->work.pending = VMBUS_SC_DO_MODIFY;
	while (vmbus_record_next(r, VMBUS_SAVE_GPADL)) {
		ret = vmbus_load_gpadl(chan, r, &min_handle);
		if (ret)
			return ret;
	}
	/* After its GPADLs: they are there first when it is asked to open. */
	vmbus_server_kick(srv, &chan->work, 0);
	return 0;
}

static int vmbus_load_server(struct vmbus_server *srv, const void *buf,
			     size_t len)
{
	struct vmbus_reader r;
	int ret;

	ret = vmbus_read_begin(&r, buf, len, VMBUS_SAVE_SERVER);
	if (ret)
		return ret;
	ret = vmbus_load_link(srv, &r);
	if (ret)
		return ret;
	while (vmbus_record_next(&r, VMBUS_SAVE_CHANNEL)) {
		ret = vmbus_load_channel(srv, &r);
		if (ret)
			return ret;
	}
	ret = vmbus_read_queues(&r, &srv->out, VMBUS_SERVER_OUTBOX_MAX,
				VMBUS_SERVER_SENDS, &srv->in);
	if (ret)
		return ret;
	ret = vmbus_read_end(&r);
	if (ret)
		return ret;
	vmbus_server_settle(srv);
	return vmbus_server_check(srv) ? -EBADMSG : 0;
}

/**
 * vmbus_server_restore() - take up a saved state
 * @srv: the machine, as it comes from vmbus_server_alloc()
 * @buf: the state
 * @len: its length
 *
 * The machine is stopped then, and no device has its channel: devices claim
 * theirs with vmbus_server_claim(), before the start or after. What the state
 * holds is checked like what a client sends. On failure the machine is as it
 * was.
 *
 * Return: 0, -EBUSY if the machine was in use, -EBADMSG if this is no such
 * state, -EPROTONOSUPPORT if it is of another version, -ENOMEM.
 */
int vmbus_server_restore(struct vmbus_server *srv, const void *buf, size_t len)
{
	struct vmbus_server_channel *chan, *tmp;
	u32 connection_id = srv->connection_id;
	bool stopped = srv->stopped;
	int ret;

	if (srv->state != VMBUS_DISCONNECTED || srv->nr_channels ||
	    srv->out.nr || srv->in.nr || !list_empty(&srv->todo) || srv->running)
		return -EBUSY;
	srv->stopped = true;
	ret = vmbus_load_server(srv, buf, len);
	if (!ret)
		return 0;
	list_for_each_entry_safe(chan, tmp, &srv->channels, node)
		vmbus_sc_free(chan);
	vmbus_outbox_purge(&srv->out);
	srv->in.nr = 0;
	vmbus_work_cancel(&srv->work);
	srv->state = VMBUS_DISCONNECTED;
	srv->offers_sent = false;
	srv->disconnect_asked = false;
	srv->next = VMBUS_NEXT_NONE;
	srv->reset_wanted = false;
	memset(&srv->contact, 0, sizeof(srv->contact));
	memset(&srv->next_contact, 0, sizeof(srv->next_contact));
	srv->connection_id = connection_id;
	srv->stopped = stopped;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_restore, KMCL_NS);

/* ---- self-check ---- */

static bool vmbus_gpadl_sound(const struct vmbus_server_gpadl *g)
{
	const struct vmbus_server_channel *chan = g->chan;
	struct vmbus_server *srv = chan->srv;
	bool no_device = chan->state == VMBUS_SC_REVOKED ||
			 chan->state == VMBUS_SC_REOFFERED;
	bool half = g->state == VMBUS_SG_HALF_SENT;

	if (half != !!(g->nr_words - g->have) ||
	    half != (xa_load(&srv->half_sent, g->handle) == g) ||
	    (g->silent && g->state != VMBUS_SG_TEARDOWN))
		return false;
	if (no_device && !half && g->state != VMBUS_SG_ACCEPTED)
		return false;
	/* What the client has forgotten is on its way out. */
	if (!chan->id && g->state != VMBUS_SG_OFFERED_GONE && !g->silent)
		return false;
	if ((g->work.pending & VMBUS_SG_DO_OFFER &&
	     g->state != VMBUS_SG_OFFERED) ||
	    (g->work.pending & VMBUS_SG_DO_TEARDOWN &&
	     g->state != VMBUS_SG_TEARDOWN))
		return false;
	return half || !vmbus_gpadl_validate(g->words, g->nr_words,
					     g->nr_ranges, srv->nr_pages);
}

static bool vmbus_channel_sound(struct vmbus_server_channel *chan)
{
	const struct vmbus_server *srv = chan->srv;
	enum vmbus_server_channel_state state = chan->state;
	const struct vmbus_server_gpadl *ring;
	u8 pending = chan->work.pending;
	bool known;

	known = state != VMBUS_SC_CLIENT_RELEASED &&
		state != VMBUS_SC_CLOSING_CLIENT_RELEASE &&
		state != VMBUS_SC_OPENING_CLIENT_RELEASE;
	if (known != !!chan->id || (known && srv->ids[chan->id] != chan) ||
	    (known && !srv->offers_sent))
		return false;
	if ((state == VMBUS_SC_REVOKED && !chan->dead) ||
	    (chan->dead && state != VMBUS_SC_REVOKED &&
	     (state != VMBUS_SC_CLIENT_RELEASED || !chan->attached)))
		return false;
	if (chan->close_wanted && (state != VMBUS_SC_OPENING ||
				   !chan->offer.key.subchannel))
		return false;
	if (chan->modifying && state != VMBUS_SC_OPEN &&
	    state != VMBUS_SC_CLOSING && state != VMBUS_SC_CLOSING_REOPEN)
		return false;
	if (chan->modifying && (chan->modify_vp == VMBUS_VP_NONE ||
				chan->req.target_vp == VMBUS_VP_NONE))
		return false;
	if ((pending & VMBUS_SC_DO_OPEN && state != VMBUS_SC_OPENING) ||
	    (pending & VMBUS_SC_DO_MODIFY &&
	     (!chan->modifying || state != VMBUS_SC_OPEN)) ||
	    (pending & VMBUS_SC_DO_CLOSE && state != VMBUS_SC_CLOSING &&
	     state != VMBUS_SC_CLOSING_REOPEN &&
	     state != VMBUS_SC_CLOSING_CLIENT_RELEASE))
		return false;
	if (!vmbus_sc_busy(chan))
		return true;
	/* The memory of a ring in use is there. */
	ring = xa_load(&chan->gpadls, chan->req.ring_gpadl);
	return ring && vmbus_sc_ring_ok(chan, &chan->req) &&
	       (ring->state == VMBUS_SG_ACCEPTED ||
		ring->state == VMBUS_SG_TEARDOWN);
}

/**
 * vmbus_server_check() - verify the machine's own consistency
 * @srv: the machine
 *
 * Return: 0, or -EUCLEAN.
 */
int vmbus_server_check(const struct vmbus_server *srv)
{
	u32 nr_channels = 0, nr_gpadls = 0, nr_half = 0, nr_ids = 0, i;
	struct vmbus_server_channel *chan;
	struct vmbus_server_gpadl *g;
	unsigned long handle;
	u64 nr_words = 0;

	if (srv->offers_sent && srv->state != VMBUS_CONNECTED)
		return -EUCLEAN;
	if ((srv->next || srv->reset_wanted) &&
	    srv->state != VMBUS_CONNECTING && srv->state != VMBUS_DISCONNECTING)
		return -EUCLEAN;
	if (srv->out.nr > VMBUS_SERVER_OUTBOX_MAX ||
	    srv->in.nr > VMBUS_INBOX_MAX || srv->nr_words > srv->max_words)
		return -EUCLEAN;
	list_for_each_entry(chan, &srv->channels, node) {
		u32 nr = 0;

		if (!vmbus_channel_sound(chan))
			return -EUCLEAN;
		xa_for_each(&chan->gpadls, handle, g) {
			if (g->handle != handle || !vmbus_gpadl_sound(g))
				return -EUCLEAN;
			nr_words += g->nr_words;
			nr_half += g->state == VMBUS_SG_HALF_SENT;
			nr++;
		}
		if (nr != chan->nr_gpadls || nr > VMBUS_MAX_GPADLS_PER_CHANNEL)
			return -EUCLEAN;
		nr_gpadls += nr;
		nr_channels++;
		nr_ids += !!chan->id;
	}
	for (i = 0; i <= VMBUS_MAX_CHANNELS; i++)
		nr_ids -= !!srv->ids[i];
	xa_for_each((struct xarray *)&srv->half_sent, handle, g)
		nr_half--;
	if (nr_channels != srv->nr_channels || nr_gpadls != srv->nr_gpadls ||
	    nr_words != srv->nr_words || nr_ids || nr_half || srv->ids[0])
		return -EUCLEAN;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_server_check, KMCL_NS);
