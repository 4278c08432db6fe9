// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the endpoint, and the life of its channel.
 *
 * The channel is a client: the host offers. When its link ends it is enabled
 * again, and waits for the next offer.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "dm.h"

static const guid_t vdm_interface_type = VDM_INTERFACE_TYPE;

/* Their link ended, or does: whoever sent them has forgotten them. */
static void vdm_void_messages(struct vdm *dm)
{
	u32 stale = vdm_inbox_flush(dm);

	vdm_count(dm, VDM_STALE, stale);
	if (stale)
		pr_info("%s: the link ended: %u messages of the host are void\n",
			vmb_channel_get_friendly_name(dm->channel), stale);
}

/*
 * Each second while the channel is enabled. What a freeze kept is void where the
 * link ended before the thaw: nothing else says so.
 */
static void vdm_tick(struct work_struct *work)
{
	struct vdm *dm = container_of(to_delayed_work(work), struct vdm, tick);

	mutex_lock(&dm->mutex);
	if (dm->running)
		vdm_protocol_tick(dm);
	else if (vmb_channel_is_closing(dm->channel))
		vdm_void_messages(dm);
	mutex_unlock(&dm->mutex);
	queue_delayed_work(dm->wq, &dm->tick, HZ);
}

static void vdm_protocol_reset(struct vdm *dm)
{
	dm->state = VDM_CLOSED;
	dm->version = 0;
	dm->suppressed = false;
	dm->balloon_begun = false;
}

/* What was restored counts from here on; the protocol only on a link that was kept. */
static void vdm_take_restored(struct vdm *dm, enum vmb_link_state link)
{
	const struct vdm_saved *saved = &dm->restored;
	unsigned int i;

	for (i = 0; i < VDM_NR_COUNTERS; i++)
		vdm_count(dm, i, saved->counters[i]);
	dm->trans_id = saved->trans_id;
	dm->max_pages = saved->max_pages;
	if (link != VMB_LINK_KEPT)
		return;
	dm->state = saved->state;
	dm->version = saved->version;
	dm->suppressed = saved->suppressed;
	dm->deadline = jiffies + VDM_ANSWER_TIMEOUT;
	dm->next_report = jiffies;
}

static int vdm_opened(struct vmb_channel *channel)
{
	enum vmb_link_state link = vmb_channel_get_link_state(channel);
	struct vdm *dm = vmb_channel_get_pointer(channel);

	mutex_lock(&dm->mutex);
	vdm_protocol_reset(dm);
	if (link != VMB_LINK_NEW && dm->has_restored)
		vdm_take_restored(dm, link);
	dm->has_restored = false;
	if (link != VMB_LINK_KEPT) {
		/* What was restored is of another link. */
		vdm_send_drop_restored(dm);
		vdm_void_messages(dm);
	}
	mutex_unlock(&dm->mutex);
	return 0;
}

static void vdm_started(struct vmb_channel *channel)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);

	mutex_lock(&dm->mutex);
	dm->running = true;
	if (dm->state == VDM_CLOSED)
		vdm_protocol_begin(dm);
	/* What a freeze interrupted goes on. */
	vdm_inbox_resume(dm);
	mutex_unlock(&dm->mutex);
	mod_delayed_work(dm->wq, &dm->tick, 0);
}

static void vdm_suspend(struct vmb_channel *channel)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);

	mutex_lock(&dm->mutex);
	dm->running = false;
	/* In a freeze they stay, to be saved. */
	if (vmb_channel_is_closing(channel))
		vdm_void_messages(dm);
	mutex_unlock(&dm->mutex);
}

/*
 * Take the next offer, where the host ended this link: not what was handed over,
 * and not of a host that broke the rings. Returns whether that is so.
 */
static bool vdm_await_offer(struct vdm *dm)
{
	enum vmb_stop_reason reason = vmb_channel_get_stop_reason(dm->channel);

	lockdep_assert_held(&dm->mutex);
	if (dm->quitting || (reason != VMB_STOP_PEER_CLOSED && reason != VMB_STOP_RESCINDED))
		return false;
	queue_work(dm->wq, &dm->reopen);
	return true;
}

/*
 * The link is gone, and with it all that the host knew of our pages: they are
 * ours again. Documentation/dynamic-memory.rst says what that is to a host.
 */
static void vdm_closed(struct vmb_channel *channel)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	unsigned long pages;

	mutex_lock(&dm->mutex);
	vdm_inbox_forget(dm);
	vdm_protocol_reset(dm);
	pages = vdm_pages_take_all(&dm->pages);
	if (pages)
		pr_info("%s: the link ended with %lu pages out: the guest uses them again\n",
			vmb_channel_get_friendly_name(channel), pages);
	vdm_await_offer(dm);
	mutex_unlock(&dm->mutex);
}

static void vdm_reopen(struct work_struct *work)
{
	struct vdm *dm = container_of(work, struct vdm, reopen);
	int ret;

	/* It is about to be Disabled: this waits for that. */
	vmb_channel_disable(dm->channel);
	ret = vmb_channel_enable(dm->channel);
	if (ret)
		pr_err("%s: cannot wait for the next offer: error %d\n",
		       vmb_channel_get_friendly_name(dm->channel), ret);
}

static void vdm_pnp_failure(struct vmb_channel *channel, int status)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	bool again;

	/* The host may go before Opened, too. */
	mutex_lock(&dm->mutex);
	again = vdm_await_offer(dm);
	mutex_unlock(&dm->mutex);
	if (!again)
		pr_err("%s: cannot be opened: error %d; load the module again to try again\n",
		       vmb_channel_get_friendly_name(channel), status);
}

static int vdm_configure(struct vdm *dm)
{
	struct vmb_channel_state_change_callbacks callbacks;
	struct vmb_channel *channel = dm->channel;

	vmb_channel_state_change_callbacks_init(&callbacks);
	callbacks.opened = vdm_opened;
	callbacks.closed = vdm_closed;
	callbacks.started = vdm_started;
	callbacks.suspend = vdm_suspend;
	vmb_channel_set_pointer(channel, dm);
	return vmb_channel_init_set_friendly_name(channel, "dynamic memory") ?:
	       vmb_channel_init_set_state_change_callbacks(channel, &callbacks) ?:
	       vmb_channel_init_set_process_packet_callbacks(channel, vdm_inbox_process, NULL) ?:
	       vmb_channel_init_set_client_context_size(channel, sizeof(struct vdm_message)) ?:
	       vmb_channel_init_set_maximum_packet_size(channel, VDM_MESSAGE_MAX) ?:
	       vmb_channel_init_set_maximum_packet_count(channel, VDM_PACKETS) ?:
	       vmb_channel_set_transaction_quota(channel, VDM_QUOTA) ?:
	       vmb_channel_init_set_save_restore_packet_callbacks(channel, vdm_send_save,
								  vdm_send_restore) ?:
	       vmb_channel_init_set_save_restore_received_callbacks(channel, vdm_inbox_save,
								    vdm_inbox_restore) ?:
	       vmb_channel_init_set_save_restore_state_callbacks(channel, vdm_save_state,
								 vdm_restore_state) ?:
	       vmb_channel_init_set_query_handover_callback(channel, vdm_query_handover) ?:
	       vmb_client_channel_init_set_bus(channel, dm->bus) ?:
	       vmb_client_channel_init_set_target_pnp(channel, &vdm_interface_type, NULL,
						      vdm_pnp_failure);
}

/**
 * vdm_create() - make an endpoint
 * @parent: device that its channel belongs to, or NULL
 * @bus: where the host is
 *
 * Context: process context.
 * Return: the endpoint, its channel Disabled; an ERR_PTR(): -ENODEV: there is no
 * such bus; -ENOMEM.
 */
struct vdm *vdm_create(struct device *parent, const char *bus)
{
	struct vdm *dm = kzalloc(sizeof(*dm), GFP_KERNEL);
	int ret;

	if (!dm)
		return ERR_PTR(-ENOMEM);
	mutex_init(&dm->mutex);
	vdm_inbox_init(dm);
	vdm_pages_init(&dm->pages);
	INIT_DELAYED_WORK(&dm->inbox_work, vdm_inbox_work);
	INIT_DELAYED_WORK(&dm->tick, vdm_tick);
	INIT_WORK(&dm->reopen, vdm_reopen);
	dm->wq = alloc_workqueue("kmcl_dm", WQ_UNBOUND, 0);
	if (!dm->wq) {
		ret = -ENOMEM;
		goto free;
	}
	dm->bus = kmcl_bus_get(bus);
	if (IS_ERR(dm->bus)) {
		ret = PTR_ERR(dm->bus);
		goto free_wq;
	}
	ret = vmb_channel_allocate(parent, false, &dm->channel);
	if (ret)
		goto put_bus;
	ret = vdm_configure(dm);
	if (ret)
		goto cleanup;
	return dm;

cleanup:
	vmb_channel_cleanup(dm->channel);
put_bus:
	kmcl_bus_put(dm->bus);
free_wq:
	destroy_workqueue(dm->wq);
free:
	kfree(dm);
	return ERR_PTR(ret);
}
VDM_EXPORT_IF_KUNIT(vdm_create);

/**
 * vdm_enable() - let it do its work
 * @dm: who
 *
 * Context: process context. Return: as vmb_channel_enable().
 */
int vdm_enable(struct vdm *dm)
{
	int ret = vmb_channel_enable(dm->channel);

	if (!ret)
		queue_delayed_work(dm->wq, &dm->tick, HZ);
	return ret;
}
VDM_EXPORT_IF_KUNIT(vdm_enable);

/**
 * vdm_destroy() - take it down; every page comes back
 * @dm: who
 *
 * Context: process context.
 */
void vdm_destroy(struct vdm *dm)
{
	mutex_lock(&dm->mutex);
	dm->quitting = true;
	/* Where no Suspend will come: restored on a link that never was, or frozen */
	if (!dm->running)
		vdm_inbox_flush(dm);
	mutex_unlock(&dm->mutex);
	cancel_work_sync(&dm->reopen);
	vmb_channel_disable(dm->channel);
	cancel_delayed_work_sync(&dm->tick);
	cancel_delayed_work_sync(&dm->inbox_work);
	vdm_send_unprepare(dm);
	vmb_channel_cleanup(dm->channel);
	kmcl_bus_put(dm->bus);
	destroy_workqueue(dm->wq);
	kfree(dm);
}
VDM_EXPORT_IF_KUNIT(vdm_destroy);
