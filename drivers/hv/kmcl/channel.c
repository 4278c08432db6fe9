// SPDX-License-Identifier: GPL-2.0
/*
 * A channel, as its consumer and its transport see it: made, enabled, started,
 * paused, disabled; opened and closed by the peer; stopped by a fault.
 *
 * What is asked for here is noted under vmb_channel.lock, and done by the
 * channel's life work (life.c), for which the calls wait.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"

/* Is this a callback of @ch, where waiting for @ch would be for ever? */
bool kmcl_in_callback(struct vmb_channel *ch)
{
	return READ_ONCE(ch->life_task) == current || READ_ONCE(ch->rx_task) == current ||
	       READ_ONCE(ch->tx_task) == current || READ_ONCE(ch->save_task) == current ||
	       READ_ONCE(ch->query_task) == current;
}

/**
 * vmb_channel_allocate() - make a channel
 * @parent: device that the channel belongs to, or NULL
 * @is_server: which end, for good
 * @channel: out: the channel, Disabled, with defaults (VMB_DEFAULT_*); the
 *	caller's, to be given to vmb_channel_cleanup()
 *
 * Windows: VmbChannelAllocate. Context: process context.
 * Return: 0; -EINVAL: no @channel; -ENOMEM; what device_add() says, such as of a
 * @parent that is going away.
 */
int vmb_channel_allocate(struct device *parent, bool is_server, struct vmb_channel **channel)
{
	struct vmb_channel *ch;
	int ret;

	might_sleep();
	if (!channel)
		return -EINVAL;
	ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return -ENOMEM;
	spin_lock_init(&ch->lock);
	ch->server = is_server;
	INIT_LIST_HEAD(&ch->node);
	INIT_LIST_HEAD(&ch->tx_completions);
	INIT_LIST_HEAD(&ch->tx_queue);
	INIT_LIST_HEAD(&ch->tx_fresh);
	INIT_LIST_HEAD(&ch->tx_sent);
	INIT_LIST_HEAD(&ch->tx_done);
	INIT_LIST_HEAD(&ch->quarantine);
	kmcl_receive_init(ch);
	kmcl_life_init(ch);
	ch->cfg.max_packet_size = VMB_DEFAULT_PACKET_SIZE;
	ch->cfg.max_packets = VMB_DEFAULT_PACKET_COUNT;
	ch->cfg.max_external = VMB_DEFAULT_EXTERNAL_DATA;
	ch->cfg.max_chain = VMB_DEFAULT_CHAIN_LENGTH;
	ch->cfg.ring_in_pages = VMB_DEFAULT_RING_PAGES;
	ch->cfg.ring_out_pages = VMB_DEFAULT_RING_PAGES;
	ch->cfg.drain_ms = VMB_DEFAULT_DRAIN_MS;
	ch->cfg.cpu = -1;
	kmcl_registry_add(ch);
	snprintf(ch->cfg.name, sizeof(ch->cfg.name), "channel%u", ch->serial);
	ret = kmcl_sysfs_add(ch, parent);
	if (ret) {
		kmcl_registry_del(ch);
		/* Whoever found it in the list may have kicked it. */
		cancel_work_sync(&ch->life_work);
		kmcl_sysfs_del(ch);
		return ret;
	}
	*channel = ch;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_allocate, KMCL_NS);

/**
 * vmb_channel_cleanup() - the end of a channel
 * @ch: Disabled, and all its packets were freed before; NULL does nothing
 *
 * A restore that was begun is abandoned. Windows: VmbChannelCleanup.
 *
 * Context: process context.
 * Return: 0; -EBUSY and a WARN: not Disabled, or packets of it are left: the
 * channel stays; -EDEADLK and a WARN inside a callback of the channel.
 */
int vmb_channel_cleanup(struct vmb_channel *ch)
{
	unsigned long flags;
	bool disabled;

	might_sleep();
	if (!ch)
		return 0;
	if (WARN(kmcl_in_callback(ch), "%s: cleaned up in a callback\n", ch->cfg.name))
		return -EDEADLK;
	flush_work(&ch->life_work);
	kmcl_restore_abandon(ch);
	spin_lock_irqsave(&ch->lock, flags);
	disabled = ch->state == KMCL_DISABLED && !ch->want_enabled;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (WARN(!disabled, "%s: cleaned up while enabled\n", ch->cfg.name) ||
	    WARN(atomic_read(&ch->nr_packets) || ch->nr_slots,
		 "%s: cleaned up with packets left\n", ch->cfg.name))
		return -EBUSY;
	kmcl_sysfs_gone(ch);
	kmcl_registry_del(ch);
	cancel_work_sync(&ch->life_work);
	cancel_work_sync(&ch->cut_work);
	/* Either may schedule the other once more, but finds nothing to do then. */
	cancel_work_sync(&ch->rx_work);
	tasklet_kill(&ch->rx_tasklet);
	cancel_work_sync(&ch->rx_work);
	kmcl_channel_unprepare(ch);
	kmcl_bus_put(ch->cfg.bus);
	if (ch->wrapper_release)
		ch->wrapper_release(ch->wrapper);
	kmcl_sysfs_del(ch);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_cleanup, KMCL_NS);

/* Can this be enabled at all? Says what is missing. */
static int kmcl_enable_check(struct vmb_channel *ch)
{
	const struct kmcl_config *cfg = &ch->cfg;

	if (!cfg->process || !cfg->has_target || !cfg->bus) {
		kmcl_err(ch, "not enabled: no %s was set\n",
			 !cfg->process ? "process-packet callback" :
			 !cfg->has_target ? "target interface" : "bus");
		return -EINVAL;
	}
	if (!(ch->ops->caps & (ch->server ? KMCL_CAP_SERVER : KMCL_CAP_CLIENT))) {
		kmcl_err(ch, "not enabled: bus %s has no %s channels\n", cfg->bus->name,
			 ch->server ? "server" : "client");
		return -EOPNOTSUPP;
	}
	if (cfg->max_external && !(ch->ops->caps & KMCL_CAP_EXTERNAL)) {
		kmcl_err(ch, "not enabled: bus %s carries no external data\n", cfg->bus->name);
		return -EOPNOTSUPP;
	}
	return kmcl_channel_prepare(ch);
}

/* Is the offer out, or did that fail, or will it be later? */
static bool kmcl_enable_ended(struct vmb_channel *ch, int *status)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	*status = ch->attach_status;
	if (*status > 0 && !ch->life_task && kmcl_handover_holds(ch)) {
		kmcl_info(ch, "waits for its saved state, or the end of a freeze\n");
		*status = 0;
	}
	ret = *status <= 0 && (!*status || ch->state == KMCL_DISABLED);
	if (ret)
		ch->enabling = false;
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/**
 * vmb_channel_enable() - offer (server), or take or await an offer (client)
 * @ch: a Disabled channel, configured
 *
 * A server's offer is published when this returns; what becomes of a client is
 * told by the Opened or the PnP-failure callback. Where state of this identity
 * is awaited (kmcl.restore=pending) or a freeze is on, 0 is returned and the
 * rest happens later. Windows: VmbChannelEnable.
 *
 * Context: process context.
 * Return: 0; -EBUSY: not Disabled, being saved, or a restore was begun and not
 * finished; -EINVAL: bus, target or process-packet callback not set; -EEXIST: another
 * channel has this identity; -EOPNOTSUPP: the bus cannot do it; -ENOMEM;
 * -EDEADLK and a WARN inside a callback of the channel; or an error of the
 * transport.
 */
int vmb_channel_enable(struct vmb_channel *ch)
{
	unsigned long flags;
	int ret;

	might_sleep();
	if (WARN(kmcl_in_callback(ch), "%s: enabled in a callback\n", ch->cfg.name))
		return -EDEADLK;
	ret = kmcl_enable_check(ch);
	if (ret)
		return ret;

	spin_lock_irqsave(&ch->lock, flags);
	if (ch->state != KMCL_DISABLED || ch->want_enabled || ch->enabling || ch->restore ||
	    ch->saving) {
		ret = -EBUSY;
	} else {
		ch->want_enabled = true;
		ch->enabling = true;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (ret)
		return ret;
	ret = kmcl_identity_take(ch);

	spin_lock_irqsave(&ch->lock, flags);
	if (ret) {
		kmcl_err(ch, "not enabled: another channel has this identity\n");
		ch->want_enabled = false;
		ch->enabling = false;
		ch->disabled_seq++;
	} else {
		ch->state = KMCL_ENABLED;
		ch->tx_mode = KMCL_TX_QUEUE;
		ch->stop_reason = VMB_STOP_NONE;
		ch->attach_status = 1;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_life_kick(ch);
	if (!ret)
		wait_event(ch->life_wait, kmcl_enable_ended(ch, &ret));
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_enable, KMCL_NS);

/**
 * vmb_channel_disable() - close (client), revoke the offer (server)
 * @ch: which
 *
 * Returns once Closed ran, where the channel was open, and it is Disabled. All
 * that it still was to send has completed with -ENODEV. Waits for packets that
 * the consumer holds, and for the end of a freeze or a save; not for the peer.
 * A restore that was not finished, or not enabled since, is undone.
 * Windows: VmbChannelDisable.
 *
 * Context: process context.
 * Return: 0; -EDEADLK and a WARN inside a callback of the channel.
 */
int vmb_channel_disable(struct vmb_channel *ch)
{
	unsigned long flags;
	u32 seq;

	might_sleep();
	if (WARN(kmcl_in_callback(ch), "%s: disabled in a callback\n", ch->cfg.name))
		return -EDEADLK;
	/* What a save walks stays there until its end. */
	while (!kmcl_restore_undo(ch))
		wait_event(ch->life_wait, !READ_ONCE(ch->saving));
	spin_lock_irqsave(&ch->lock, flags);
	seq = ch->disabled_seq;
	if (ch->state == KMCL_DISABLED && !ch->want_enabled) {
		spin_unlock_irqrestore(&ch->lock, flags);
		/* The callback that tells of a failure may still run. */
		wait_event(ch->life_wait, !READ_ONCE(ch->pnp_status));
		return 0;
	}
	ch->want_enabled = false;
	if (ch->stop_reason == VMB_STOP_NONE)
		ch->stop_reason = VMB_STOP_DISABLED;
	if (ch->link && ch->ops->gpadl_abort && ch->gpadl_calls)
		ch->ops->gpadl_abort(ch->link);
	/* Under the same lock: a save that begins after it walks these lists without. */
	if (!kmcl_still(ch))
		kmcl_send_end_link_locked(ch, false);
	kmcl_send_unlock(ch, flags);
	kmcl_life_kick(ch);
	wait_event(ch->life_wait,
		   READ_ONCE(ch->disabled_seq) != seq && !READ_ONCE(ch->pnp_status));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_disable, KMCL_NS);

static bool kmcl_paused(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = ch->freeze || !ch->paused ||
	      (!ch->running && !ch->nr_held &&
	       (ch->state != KMCL_OPEN || (ch->rx_mode == KMCL_RX_OFF && !ch->life_task)));
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/**
 * vmb_channel_pause() - stop
 * @ch: which
 *
 * Returns once Suspend ran and no received packet is outstanding; the ring is
 * not read from then on. On a Disabled channel, or one that is not open: it
 * comes up paused. During a freeze: only noted. What PostStarted waits for is
 * cancelled, but for a packet whose memory the peer may touch (on a bus that
 * lends it): for that one a pause waits; vmb_channel_disable() closes the link
 * instead. Windows: VmbChannelPause.
 *
 * Context: process context.
 * Return: 0; -EDEADLK and a WARN inside a callback of the channel.
 */
int vmb_channel_pause(struct vmb_channel *ch)
{
	unsigned long flags;

	might_sleep();
	if (WARN(kmcl_in_callback(ch), "%s: paused in a callback\n", ch->cfg.name))
		return -EDEADLK;
	spin_lock_irqsave(&ch->lock, flags);
	ch->paused = true;
	if (ch->in_post_started && !ch->freeze) {
		/* It may wait for the peer: no longer, nor for anything new (D7). */
		if (ch->tx_mode == KMCL_TX_RUN)
			ch->tx_mode = KMCL_TX_SHUT;
		kmcl_send_cancel_all_locked(ch);
	}
	kmcl_send_unlock(ch, flags);
	kmcl_life_kick(ch);
	wait_event(ch->life_wait, kmcl_paused(ch));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_pause, KMCL_NS);

/**
 * vmb_channel_start() - go on, or begin
 * @ch: which
 *
 * An open channel becomes running: Started, then PostStarted. One that is not
 * open will, when it opens. During a freeze: only noted.
 * Windows: VmbChannelStart.
 *
 * Context: any context. Return: 0.
 */
int vmb_channel_start(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->paused = false;
	if (ch->in_post_started)
		kmcl_life_unpause(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_life_kick(ch);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_start, KMCL_NS);

/**
 * kmcl_channel_event_open() - the link is open, or will not be
 * @ch: whose
 * @status: 0, or (client) why the peer refused
 *
 * Context: process context.
 */
void kmcl_channel_event_open(struct vmb_channel *ch, int status)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->open_status = status;
	ch->link_up = !status;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_life_kick(ch);
}
EXPORT_SYMBOL_NS_GPL(kmcl_channel_event_open, KMCL_NS);

/**
 * kmcl_channel_event_close() - the peer closed, or took its offer back
 * @ch: whose
 * @reason: %VMB_STOP_PEER_CLOSED or %VMB_STOP_RESCINDED; %VMB_STOP_LINK_RESET:
 *	the link has to go, and comes back. A client stays enabled for that, too;
 *	what it sent completes with -ECANCELED, what it received and did not
 *	complete is stale
 *
 * The transport hears of kmcl_transport_ops.close and .closed when the consumer
 * is through. Context: process context.
 */
void kmcl_channel_event_close(struct vmb_channel *ch, enum vmb_stop_reason reason)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	/* What stopped it first counts, not what followed from that. */
	if (!kmcl_closing(ch) && (ch->link_up || !ch->server)) {
		ch->stop_reason = reason;
		ch->link_reset = reason == VMB_STOP_LINK_RESET;
	}
	ch->link_down = true;
	if (reason == VMB_STOP_LINK_RESET)
		kmcl_received_set_stale_locked(ch);
	/* At once, not in the life work, which may wait in PostStarted (D7) */
	if (!kmcl_still(ch))
		kmcl_send_end_link_locked(ch, false);
	kmcl_send_unlock(ch, flags);
	kmcl_life_kick(ch);
}
EXPORT_SYMBOL_NS_GPL(kmcl_channel_event_close, KMCL_NS);

/*
 * The peer broke the rules: this channel stops, nothing else does. Whoever has
 * the lock lets go of it by kmcl_send_unlock().
 */
void kmcl_channel_fault_locked(struct vmb_channel *ch, const char *what)
{
	lockdep_assert_held(&ch->lock);
	WRITE_ONCE(ch->rx_mode, KMCL_RX_OFF);
	ch->tx_open = false;
	if (!kmcl_closing(ch))
		ch->stop_reason = VMB_STOP_MALFORMED;
	ch->link_down = true;
	ch->stats.faults++;
	/* At once: PostStarted, or the end of a packet held, may wait for one of them */
	kmcl_send_end_link_locked(ch, false);
	kmcl_err(ch, "stopped: %s\n", what);
	kmcl_life_kick(ch);
}

void kmcl_channel_fault(struct vmb_channel *ch, const char *what)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	kmcl_channel_fault_locked(ch, what);
	kmcl_send_unlock(ch, flags);
}
