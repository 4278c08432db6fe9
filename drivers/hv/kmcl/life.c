// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a channel: what it does next, and doing it.
 *
 * Two things are tracked: whether the link is open, which the peer decides, and
 * whether the channel is started, which the consumer does; a freeze stands
 * above both. Calls and events only note what is wished (under
 * vmb_channel.lock; channel.c) and kick the channel's life work, which is the
 * only one to act: it looks at wishes and state, picks the next step and takes
 * it, until nothing is left to do. So state callbacks come one at a time, and
 * every Opened has its Closed, every Started its Suspend.
 *
 *             attach            OPEN               RUN
 *   Disabled --------> Enabled -------> Open -----------> running
 *            <--------         <-------      <-----------
 *             detach            CLOSE,             SUSPEND
 *                               once drained
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "internal.h"
#include "trace.h"

static struct workqueue_struct *kmcl_life_wq;

enum kmcl_step {
	KMCL_STEP_NONE,
	KMCL_STEP_SUSPEND,
	KMCL_STEP_RECEIVE,		/* change what the receive side does */
	KMCL_STEP_PARK,
	KMCL_STEP_CLOSE,
	KMCL_STEP_ABORT_OPEN,
	KMCL_STEP_DETACH,
	KMCL_STEP_ATTACH,
	KMCL_STEP_OPEN,
	KMCL_STEP_OPEN_FAILED,
	KMCL_STEP_RUN,
};

void kmcl_life_kick(struct vmb_channel *ch)
{
	queue_work(kmcl_life_wq, &ch->life_work);
	/* The work may be in PostStarted, and that in need of the link's end. */
	if (READ_ONCE(ch->in_post_started))
		queue_work(kmcl_life_wq, &ch->cut_work);
}

/* What the receive side of an open channel that is not running should do */
static enum kmcl_rx_mode kmcl_rx_wanted(const struct vmb_channel *ch)
{
	if (kmcl_still(ch) || kmcl_closing(ch))
		return KMCL_RX_OFF;
	/* Completions flow as long as somebody may need one in order to finish. */
	if (ch->freeze == KMCL_DRAINING || ch->nr_held)
		return KMCL_RX_COMPLETIONS;
	return KMCL_RX_OFF;
}

static bool kmcl_should_run(const struct vmb_channel *ch)
{
	return ch->state == KMCL_OPEN && !ch->paused && !ch->freeze && !ch->saving &&
	       !kmcl_closing(ch);
}

static enum kmcl_step kmcl_life_next(struct vmb_channel *ch)
{
	bool open = ch->state == KMCL_OPEN;
	bool should_run = kmcl_should_run(ch);

	lockdep_assert_held(&ch->lock);
	if (ch->running && !should_run)
		return KMCL_STEP_SUSPEND;
	if (open && !ch->running && ch->rx_mode != kmcl_rx_wanted(ch) && !should_run)
		return KMCL_STEP_RECEIVE;
	if (ch->commit)
		return KMCL_STEP_PARK;
	if (kmcl_still(ch))
		return KMCL_STEP_NONE;
	if (open && kmcl_closing(ch))
		return ch->nr_held ? KMCL_STEP_NONE : KMCL_STEP_CLOSE;
	/* Restored into after it was enabled: the link waits, come or gone. */
	if (ch->restore && ch->state == KMCL_ENABLED && ch->want_enabled)
		return KMCL_STEP_NONE;
	if (ch->state == KMCL_ENABLED && ch->attached && kmcl_closing(ch) &&
	    (ch->link_up || ch->link_down))
		return KMCL_STEP_ABORT_OPEN;
	/* What was restored and never had a link does not keep it from its end. */
	if ((ch->state == KMCL_ENABLED || ch->state == KMCL_PARKED) && !ch->want_enabled)
		return ch->nr_held && ch->attached ? KMCL_STEP_NONE : KMCL_STEP_DETACH;
	if (ch->freeze)
		return KMCL_STEP_NONE;
	if (ch->state == KMCL_ENABLED && !ch->attached)
		return kmcl_handover_holds(ch) ? KMCL_STEP_NONE : KMCL_STEP_ATTACH;
	if (ch->state == KMCL_ENABLED && ch->open_status)
		return KMCL_STEP_OPEN_FAILED;
	if (ch->state == KMCL_ENABLED && ch->link_up)
		return KMCL_STEP_OPEN;
	return should_run && !ch->running ? KMCL_STEP_RUN : KMCL_STEP_NONE;
}

/* Is there nothing going on, and nothing left to do? */
bool kmcl_life_settled(struct vmb_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	return !ch->life_task && kmcl_life_next(ch) == KMCL_STEP_NONE;
}

static void kmcl_life_params(struct vmb_channel *ch, struct kmcl_link_params *p)
{
	const struct kmcl_config *cfg = &ch->cfg;

	*p = (struct kmcl_link_params) {
		.type = cfg->type,
		.instance = guid_is_null(&ch->instance) ? cfg->instance : ch->instance,
		.subchannel = cfg->subchannel,
		.server = ch->server,
		.adopt = ch->restored_open &&
			 !(cfg->server_flags & VMB_SERVER_FLAG_FORCE_NEW_CHANNEL),
		.pipe = cfg->flags & VMB_CHANNEL_INIT_FLAG_IS_PIPE,
		.server_flags = cfg->server_flags,
		.mmio_megabytes = cfg->mmio_megabytes,
		.mmio_megabytes_optional = cfg->mmio_megabytes_optional,
		.target_vtl = cfg->target_vtl,
		.ring_in_pages = cfg->ring_in_pages,
		.ring_out_pages = cfg->ring_out_pages,
		.max_wire_size = 16 + ch->header_max + ALIGN(cfg->max_packet_size, 8) +
				 sizeof(struct kmcl_pipe_header) + 8,
		.max_header = ch->ranges_max,
		.cpu = cfg->cpu,
	};
	memcpy(p->offer_data, cfg->offer_data, sizeof(p->offer_data));
}

/*
 * What was in flight on a restored link is over. What that had lent to the peer
 * stays behind, for as long as the link may live on.
 */
static void kmcl_life_link_drop(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->stop_reason = VMB_STOP_LINK_RESET;
	ch->stats.stale += ch->nr_taken + ch->nr_completions;
	ch->late = 0;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_received_set_stale(ch);
	kmcl_received_drop(ch);
	kmcl_send_end(ch, -ECANCELED, true);
	/* Opened comes after all of them. */
	kmcl_send_wait_done(ch);
	kmcl_warn(ch, "link reset over the restore\n");
}

/* The restored link is not the old one, which is gone. */
void kmcl_life_link_reset(struct vmb_channel *ch)
{
	kmcl_life_link_drop(ch);
	kmcl_send_end_quarantine(ch, true);
}

static void kmcl_life_attach(struct vmb_channel *ch)
{
	enum vmb_link_state state = VMB_LINK_NEW;
	struct kmcl_link_params params;
	unsigned long flags;
	void *link = NULL;
	int ret;

	kmcl_store_claim_begin();
	if (!kmcl_store_claim(ch)) {
		kmcl_store_claim_end();
		return;
	}
	kmcl_life_params(ch, &params);
	ret = ch->ops->attach(ch->cfg.bus, ch, &params, &link, &state);

	spin_lock_irqsave(&ch->lock, flags);
	ch->link = link;
	ch->attached = !ret;
	ch->link_state = ret ? VMB_LINK_NEW :
			 ch->restored_open && state != VMB_LINK_KEPT ? VMB_LINK_RESET : state;
	if (!ret && state == VMB_LINK_KEPT)
		ch->link_up = true;
	if (ret) {
		ch->want_enabled = false;
		ch->stop_reason = VMB_STOP_OPEN_FAILED;
		if (!ch->enabling)
			ch->pnp_status = ret;
	}
	ch->attach_status = ret;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_store_claim_end();
	if (ch->link_state == VMB_LINK_RESET)
		kmcl_life_link_reset(ch);
	if (ret)
		kmcl_err(ch, "cannot attach to bus %s: error %d\n", ch->cfg.bus->name, ret);
}

/* Calls that wait for the peer have no time for that any more. */
static void kmcl_life_abort_calls(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (ch->gpadl_calls && ch->ops->gpadl_abort)
		ch->ops->gpadl_abort(ch->link);
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* Have the calls that use the link come to their end. */
static void kmcl_life_end_calls(struct vmb_channel *ch)
{
	kmcl_life_abort_calls(ch);
	wait_event(ch->life_wait, !READ_ONCE(ch->gpadl_calls));
}

/* The Opened callback failed: it never was open. A link that was kept is reset. */
static void kmcl_life_open_undo(struct vmb_channel *ch, int status)
{
	unsigned long flags;
	bool kept;

	kmcl_warn(ch, "Opened callback failed: error %d\n", status);
	spin_lock_irqsave(&ch->lock, flags);
	kept = ch->link_state == VMB_LINK_KEPT;
	if (kept)
		ch->link_state = VMB_LINK_RESET;
	ch->state = KMCL_ENABLED;
	ch->link_up = false;
	ch->restored_open = false;
	ch->stop_reason = VMB_STOP_OPEN_FAILED;
	if (!ch->server)
		ch->want_enabled = false;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (kept)
		kmcl_life_link_drop(ch);
	kmcl_send_end_link(ch, true);
	kmcl_send_wait_done(ch);
	kmcl_received_drop(ch);
	kmcl_life_end_calls(ch);
	/* From here on the peer may try again. */
	ch->ops->open_done(ch->link, status);
	kmcl_send_end_quarantine(ch, true);
}

static void kmcl_life_open(struct vmb_channel *ch)
{
	unsigned long flags;
	guid_t instance;
	int ret = 0;

	guid_copy(&instance, &ch->cfg.instance);
	if (ch->ops->get_instance)
		ch->ops->get_instance(ch->link, &instance);
	mutex_lock(&kmcl_channels_mutex);
	spin_lock_irqsave(&ch->lock, flags);
	guid_copy(&ch->instance, &instance);
	ch->state = KMCL_OPENING;
	if (!kmcl_closing(ch)) {
		ch->tx_mode = KMCL_TX_QUEUE;
		if (ch->link_state != VMB_LINK_RESET)
			ch->stop_reason = VMB_STOP_NONE;
	}
	ch->tx_limit = ch->ops->tx_limit(ch->link);
	spin_unlock_irqrestore(&ch->lock, flags);
	mutex_unlock(&kmcl_channels_mutex);

	if (ch->cfg.cb.opened)
		ret = ch->cfg.cb.opened(ch);
	if (ret) {
		kmcl_life_open_undo(ch, ret);
		return;
	}
	ch->ops->open_done(ch->link, 0);

	spin_lock_irqsave(&ch->lock, flags);
	ch->state = KMCL_OPEN;
	ch->tx_open = true;
	spin_unlock_irqrestore(&ch->lock, flags);
}

static void kmcl_life_run(struct vmb_channel *ch)
{
	unsigned long flags;
	bool go;

	spin_lock_irqsave(&ch->lock, flags);
	/* Pause returns at once where it sees that the channel does not run. */
	go = kmcl_should_run(ch);
	if (go) {
		ch->running = true;
		ch->tx_mode = KMCL_TX_QUEUE;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!go)
		return;
	if (ch->cfg.cb.started)
		ch->cfg.cb.started(ch);

	/*
	 * PostStarted may wait for the peer. Where the channel is to stop already,
	 * it does not run; who wants it to stop from here on ends what it may wait
	 * for (D7).
	 */
	spin_lock_irqsave(&ch->lock, flags);
	go = kmcl_should_run(ch);
	/* What was queued goes out also where a freeze is why it does not run. */
	if (ch->tx_mode == KMCL_TX_QUEUE && !ch->paused)
		ch->tx_mode = KMCL_TX_RUN;
	if (go) {
		WRITE_ONCE(ch->rx_mode, KMCL_RX_ON);
		WRITE_ONCE(ch->in_post_started, true);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_send_flush(ch);
	if (!go)
		return;
	kmcl_receive_schedule(ch);
	if (ch->cfg.cb.post_started)
		ch->cfg.cb.post_started(ch);

	spin_lock_irqsave(&ch->lock, flags);
	WRITE_ONCE(ch->in_post_started, false);
	spin_unlock_irqrestore(&ch->lock, flags);
}

static void kmcl_life_suspend(struct vmb_channel *ch)
{
	unsigned long flags;
	bool closing;

	spin_lock_irqsave(&ch->lock, flags);
	closing = kmcl_closing(ch);
	if (!closing && !ch->freeze)
		ch->tx_mode = KMCL_TX_SHUT;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_receive_set_mode(ch, closing ? KMCL_RX_OFF : KMCL_RX_COMPLETIONS);
	if (ch->cfg.cb.suspend)
		ch->cfg.cb.suspend(ch);

	spin_lock_irqsave(&ch->lock, flags);
	ch->running = false;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* End what the link carried, up to the Closed callback; drained already. */
static void kmcl_life_close(struct vmb_channel *ch)
{
	unsigned long flags;

	/* A fault switches it off, too, but does not wait for the poll. */
	kmcl_receive_set_mode(ch, KMCL_RX_OFF);
	kmcl_send_end_link(ch, false);
	kmcl_life_abort_calls(ch);
	spin_lock_irqsave(&ch->lock, flags);
	ch->tx_open = false;
	if (ch->link_reset)
		ch->stats.stale += ch->nr_taken + ch->nr_completions;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_received_drop(ch);
	kmcl_cut_close(ch);
	kmcl_send_end_link(ch, true);
	kmcl_send_wait_done(ch);
	kmcl_life_end_calls(ch);
	if (ch->cfg.cb.closed)
		ch->cfg.cb.closed(ch);

	spin_lock_irqsave(&ch->lock, flags);
	ch->state = KMCL_ENABLED;
	ch->link_up = false;
	ch->link_down = false;
	ch->restored_open = false;
	ch->link_state = ch->link_reset ? VMB_LINK_RESET : VMB_LINK_NEW;
	if (!ch->server && !ch->link_reset)
		ch->want_enabled = false;
	ch->link_reset = false;
	ch->settling = true;
	spin_unlock_irqrestore(&ch->lock, flags);
	/* Those that began beside Closed; none does any more. */
	kmcl_life_end_calls(ch);
	/* From here on the peer may open anew. */
	ch->ops->closed(ch->link);
	kmcl_send_end_quarantine(ch, true);
	WRITE_ONCE(ch->settling, false);
	wake_up_all(&ch->life_wait);
}

/* The link ended before the Opened callback, or again after Closed. */
static void kmcl_life_abort_open(struct vmb_channel *ch)
{
	unsigned long flags;
	bool was_up;

	spin_lock_irqsave(&ch->lock, flags);
	was_up = ch->link_up;
	ch->link_up = false;
	ch->link_down = false;
	ch->restored_open = false;
	if (ch->link_state == VMB_LINK_KEPT)
		ch->link_state = VMB_LINK_RESET;
	if (!ch->server && !ch->link_reset) {
		/* Its consumer waits for Opened, which will not come. */
		if (ch->want_enabled)
			ch->pnp_status = ch->open_status ?: -ENODEV;
		ch->want_enabled = false;
	}
	ch->link_reset = false;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_received_set_stale(ch);
	if (was_up)
		ch->ops->open_done(ch->link, -ENODEV);
	kmcl_send_end_link(ch, false);
	kmcl_received_drop(ch);
	ch->ops->close(ch->link);
	kmcl_send_end_link(ch, true);
	kmcl_send_wait_done(ch);
	ch->ops->closed(ch->link);
	kmcl_send_end_quarantine(ch, true);
}

static void kmcl_life_detach(struct vmb_channel *ch)
{
	unsigned long flags;
	int pnp;

	kmcl_restore_undo(ch);
	kmcl_received_set_stale(ch);
	kmcl_send_end_link(ch, true);
	kmcl_send_wait_done(ch);
	wait_event(ch->life_wait, !READ_ONCE(ch->gpadl_calls));
	if (ch->attached)
		ch->ops->detach(ch->link);
	kmcl_send_end_quarantine(ch, true);
	kmcl_received_drop(ch);
	kmcl_received_trim(ch);
	kmcl_identity_release(ch);

	spin_lock_irqsave(&ch->lock, flags);
	ch->link = NULL;
	ch->attached = false;
	ch->link_up = false;
	ch->link_down = false;
	ch->restored = false;
	ch->restored_open = false;
	ch->open_status = 0;
	ch->paused = ch->server;
	ch->state = KMCL_DISABLED;
	ch->disabled_seq++;
	if (ch->attach_status > 0)
		ch->attach_status = 0;
	pnp = ch->pnp_status;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!pnp)
		return;
	if (ch->cfg.pnp_failure)
		ch->cfg.pnp_failure(ch, pnp);
	/* Who disables waits for the callback. */
	WRITE_ONCE(ch->pnp_status, 0);
}

static void kmcl_life_open_failed(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_warn(ch, "the peer refused the open: error %d\n", ch->open_status);
	ch->pnp_status = ch->open_status;
	ch->open_status = 0;
	ch->stop_reason = VMB_STOP_OPEN_FAILED;
	ch->want_enabled = false;
	spin_unlock_irqrestore(&ch->lock, flags);
}

/* Committed: the stream has it all. The consumer is told, the peer is not. */
static void kmcl_life_park(struct vmb_channel *ch)
{
	bool open = ch->state == KMCL_OPEN;
	unsigned long flags;

	kmcl_received_apply_held_back(ch, true);
	kmcl_received_drop(ch);
	kmcl_send_end(ch, -ESTALE, false);
	kmcl_send_end_quarantine(ch, false);
	kmcl_send_wait_done(ch);
	if (open && ch->cfg.cb.closed)
		ch->cfg.cb.closed(ch);
	/* Nobody gets the link any more; who has it gives it back. */
	spin_lock_irqsave(&ch->lock, flags);
	ch->state = KMCL_PARKED;
	spin_unlock_irqrestore(&ch->lock, flags);
	wait_event(ch->life_wait, !READ_ONCE(ch->gpadl_calls));
	if (ch->attached && ch->ops->park) {
		ch->ops->park(ch->link);
	} else if (ch->attached) {
		if (open) {
			ch->ops->close(ch->link);
			ch->ops->closed(ch->link);
		}
		ch->ops->detach(ch->link);
	}
	kmcl_identity_release(ch);

	spin_lock_irqsave(&ch->lock, flags);
	ch->link = NULL;
	ch->attached = false;
	ch->link_up = false;
	ch->link_down = false;
	ch->tx_open = false;
	ch->tx_mode = KMCL_TX_NODEV;
	ch->commit = false;
	ch->freeze = KMCL_THAWED;
	ch->enabling = false;
	ch->stop_reason = VMB_STOP_HANDED_OVER;
	spin_unlock_irqrestore(&ch->lock, flags);
}

static void kmcl_life_take(struct vmb_channel *ch, enum kmcl_step step)
{
	trace_kmcl_life(ch, step);
	switch (step) {
	case KMCL_STEP_SUSPEND:
		kmcl_life_suspend(ch);
		break;
	case KMCL_STEP_RECEIVE:
		kmcl_receive_set_mode(ch, kmcl_rx_wanted(ch));
		break;
	case KMCL_STEP_PARK:
		kmcl_life_park(ch);
		break;
	case KMCL_STEP_CLOSE:
		kmcl_life_close(ch);
		break;
	case KMCL_STEP_ABORT_OPEN:
		kmcl_life_abort_open(ch);
		break;
	case KMCL_STEP_DETACH:
		kmcl_life_detach(ch);
		break;
	case KMCL_STEP_ATTACH:
		kmcl_life_attach(ch);
		break;
	case KMCL_STEP_OPEN:
		kmcl_life_open(ch);
		break;
	case KMCL_STEP_OPEN_FAILED:
		kmcl_life_open_failed(ch);
		break;
	case KMCL_STEP_RUN:
		kmcl_life_run(ch);
		break;
	case KMCL_STEP_NONE:
		break;
	}
}

/* A pause was taken back before Suspend ran: it was none. */
void kmcl_life_unpause(struct vmb_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	if (ch->running && ch->tx_mode == KMCL_TX_SHUT && kmcl_should_run(ch)) {
		ch->tx_mode = KMCL_TX_RUN;
		kmcl_receive_schedule(ch);
	}
}

static void kmcl_life_work(struct work_struct *work)
{
	struct vmb_channel *ch = container_of(work, struct vmb_channel, life_work);
	enum kmcl_step step;
	unsigned long flags;

	do {
		spin_lock_irqsave(&ch->lock, flags);
		kmcl_life_unpause(ch);
		step = kmcl_life_next(ch);
		WRITE_ONCE(ch->life_task, step ? current : NULL);
		spin_unlock_irqrestore(&ch->lock, flags);
		kmcl_life_take(ch, step);
		wake_up_all(&ch->life_wait);
	} while (step);
}

/* Part of making a channel: its life begins Disabled. */
void kmcl_life_init(struct vmb_channel *ch)
{
	INIT_WORK(&ch->life_work, kmcl_life_work);
	kmcl_cut_init(ch);
	init_waitqueue_head(&ch->life_wait);
	ch->paused = ch->server;
	ch->tx_mode = KMCL_TX_NODEV;
}

int kmcl_life_module_init(void)
{
	kmcl_life_wq = alloc_workqueue("kmcl_life", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return kmcl_life_wq ? 0 : -ENOMEM;
}

void kmcl_life_module_exit(void)
{
	destroy_workqueue(kmcl_life_wq);
}
