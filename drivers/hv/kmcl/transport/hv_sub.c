// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: sub-channels. A host offers them once the consumer has asked for
 * them on the primary channel, in its own protocol; whoever waits for one by
 * then, with the primary's type and instance and its index, gets it.
 *
 * hv_vmbus tells of a sub-channel by a callback, during which the offer cannot be
 * taken back; a sub-channel that is not open when it is taken back is freed
 * without a word. So it is opened in the callback. It is closed with its primary
 * and not before: until then the host may touch what it was lent, and may
 * signal, for which the end stays, even where its consumer has gone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "hv.h"

static struct kmcl_hv_end *kmcl_hv_sub_for(const struct kmcl_hv_end *primary, u16 index)
{
	struct kmcl_hv_end *end;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(end, &primary->type->ends, node)
		if (end->params.subchannel == index && end->state == KMCL_HV_WAITING &&
		    !end->told_open && rcu_access_pointer(end->channel) &&
		    (guid_is_null(&end->params.instance) ||
		     guid_equal(&end->params.instance, &primary->device->dev_instance)))
			return end;
	return NULL;
}

/* The host offers a sub-channel of an open primary. */
static void kmcl_hv_sub_offered(struct vmbus_channel *vmbus)
{
	struct hv_device *device = vmbus->primary_channel->device_obj;
	u16 index = vmbus->offermsg.offer.sub_channel_index;
	struct kmcl_hv_end *primary, *end = NULL;
	int ret;

	kmcl_hv_callback_begin();
	spin_lock(&kmcl_hv_lock);
	primary = kmcl_hv_type_end_of(device);
	if (primary && primary->state == KMCL_HV_OPEN && !primary->want_close)
		end = kmcl_hv_sub_for(primary, index);
	if (end) {
		/* One for the link, one for us */
		kref_get(&end->ref);
		kref_get(&end->ref);
		get_device(&device->device);
		end->device = device;
		end->vmbus = vmbus;
		end->state = KMCL_HV_OPENING;
		end->want_close = false;
	}
	spin_unlock(&kmcl_hv_lock);
	if (!end) {
		pr_info("%s: nobody waits for sub-channel %u\n", dev_name(&device->device), index);
		goto out;
	}
	ret = kmcl_hv_end_open(end);
	spin_lock(&kmcl_hv_lock);
	primary = kmcl_hv_type_end_of(device);
	if (ret)
		kmcl_hv_end_let_go(end);
	else
		end->state = KMCL_HV_OPEN;
	wake_up_all(&end->wait);
	if (primary)
		kmcl_hv_end_kick(primary);
	kmcl_hv_end_kick(end);
	spin_unlock(&kmcl_hv_lock);
	kmcl_hv_end_put(end);
out:
	kmcl_hv_callback_end();
}

/* A primary is about to be opened: hear of its sub-channels. */
void kmcl_hv_sub_listen(struct vmbus_channel *vmbus)
{
	vmbus_set_sc_create_callback(vmbus, kmcl_hv_sub_offered);
}

/* The core makes no more calls for it; what is left is the primary's to close. */
void kmcl_hv_sub_closing(struct kmcl_hv_end *end)
{
	struct kmcl_hv_end *primary = kmcl_hv_type_end_of(end->device);

	lockdep_assert_held(&kmcl_hv_lock);
	end->state = KMCL_HV_CLOSING;
	wake_up_all(&end->wait);
	if (primary)
		kmcl_hv_end_kick(primary);
}

/* Before a primary is closed: false while one of its sub-channels is in use. */
bool kmcl_hv_subs_end(struct kmcl_hv_end *primary)
{
	struct kmcl_hv_end *end;
	bool ended = true;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(end, &primary->type->ends, node) {
		if (end == primary || end->device != primary->device ||
		    end->state == KMCL_HV_CLOSING)
			continue;
		ended = false;
		/* The primary comes back where it was told of a reset; they do, too. */
		if (primary->suspended || primary->reset)
			end->suspended = true;
		else
			end->removing = true;
		kmcl_hv_end_kick(end);
	}
	return ended;
}

/* A primary is closed, and its sub-channels with it. */
void kmcl_hv_subs_drop(struct kmcl_hv_end *primary)
{
	struct kmcl_hv_end *end;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(end, &primary->type->ends, node)
		if (end != primary && end->device == primary->device)
			kmcl_hv_end_let_go(end);
}
