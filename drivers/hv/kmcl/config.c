// SPDX-License-Identifier: GPL-2.0
/*
 * Making a channel and configuring it.
 *
 * The configuration may change while the channel is Disabled and not prepared:
 * the first enable, packet or restore allocates by it and fixes it, until
 * nothing made by it is left.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "internal.h"

/* Serialises vmb_channel.prepared; taken with nothing held, takes nothing. */
static DEFINE_MUTEX(kmcl_prepare_mutex);

int kmcl_channel_prepare(struct vmb_channel *ch)
{
	int ret = 0;

	might_sleep();
	mutex_lock(&kmcl_prepare_mutex);
	if (ch->prepared)
		goto out;
	/* External memory is the bus's business: it has to be known. */
	if (ch->cfg.max_external &&
	    !(ch->cfg.bus && (ch->ops->caps & KMCL_CAP_EXTERNAL))) {
		ret = ch->cfg.bus ? -EOPNOTSUPP : -EINVAL;
		goto out;
	}
	ret = kmcl_packet_prepare(ch);
	if (ret)
		goto out;
	ret = kmcl_receive_prepare(ch);
	if (ret) {
		kmcl_packet_unprepare(ch);
		goto out;
	}
	WRITE_ONCE(ch->prepared, true);
out:
	mutex_unlock(&kmcl_prepare_mutex);
	return ret;
}

void kmcl_channel_unprepare(struct vmb_channel *ch)
{
	mutex_lock(&kmcl_prepare_mutex);
	if (ch->prepared) {
		WRITE_ONCE(ch->prepared, false);
		kmcl_receive_unprepare(ch);
		kmcl_packet_unprepare(ch);
	}
	mutex_unlock(&kmcl_prepare_mutex);
}

/* May the configuration change? Drops what was prepared by the old one. */
static int kmcl_config_begin(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ok;

	might_sleep();
	spin_lock_irqsave(&ch->lock, flags);
	ok = ch->state == KMCL_DISABLED && !ch->want_enabled && !ch->restore && !ch->restored &&
	     !atomic_read(&ch->nr_packets) && !ch->nr_slots;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!ok)
		return -EBUSY;
	kmcl_channel_unprepare(ch);
	return 0;
}

/**
 * vmb_channel_allocate() - make a channel
 * @parent: device that the channel belongs to, or NULL
 * @is_server: which end, for good
 * @channel: out: the channel, Disabled, with defaults (VMB_DEFAULT_*); the
 *	caller's, to be given to vmb_channel_cleanup()
 *
 * Windows: VmbChannelAllocate. Context: process context.
 * Return: 0; -EINVAL: no @channel; -ENOMEM.
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
	kmcl_channel_init(ch);
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
		kmcl_sysfs_del(ch);
		return ret;
	}
	*channel = ch;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_allocate, KMCL_NS);

/**
 * vmb_channel_cleanup() - the end of a channel
 * @ch: Disabled; its packets are freed. NULL does nothing
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
	/* Either may schedule the other once more, but finds nothing to do then. */
	cancel_work_sync(&ch->rx_work);
	tasklet_kill(&ch->rx_tasklet);
	cancel_work_sync(&ch->rx_work);
	kmcl_channel_unprepare(ch);
	kmcl_bus_put(ch->cfg.bus);
	kmcl_sysfs_del(ch);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_cleanup, KMCL_NS);

/**
 * vmb_channel_init_set_flags() - flags common to both ends
 * @ch: a Disabled channel
 * @flags: VMB_CHANNEL_INIT_FLAG_*
 *
 * Windows: VmbChannelInitSetFlags. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: unknown flags.
 */
int vmb_channel_init_set_flags(struct vmb_channel *ch, u32 flags)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (flags & ~VMB_CHANNEL_INIT_FLAG_IS_PIPE)
		return -EINVAL;
	ch->cfg.flags = flags;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_flags, KMCL_NS);

/**
 * vmb_channel_init_set_client_context_size() - scratch memory with each received
 *	packet
 * @ch: a Disabled channel
 * @size: bytes, at most %VMB_MAX_CONTEXT_SIZE; 0: none
 *
 * Windows: VmbChannelInitSetClientContextSize. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_client_context_size(struct vmb_channel *ch, u32 size)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (size > VMB_MAX_CONTEXT_SIZE)
		return -EINVAL;
	ch->cfg.context_size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_client_context_size, KMCL_NS);

/**
 * vmb_channel_init_set_friendly_name() - what to call it in logs and lists
 * @ch: a Disabled channel
 * @name: copied; 1 to %KMCL_NAME_MAX - 1 printable characters
 *
 * Windows: VmbChannelInitSetFriendlyName. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_friendly_name(struct vmb_channel *ch, const char *name)
{
	int ret = kmcl_config_begin(ch);
	size_t i, len;

	if (ret)
		return ret;
	len = name ? strlen(name) : 0;
	if (!len || len >= sizeof(ch->cfg.name))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isprint(name[i]))
			return -EINVAL;
	strscpy_pad(ch->cfg.name, name, sizeof(ch->cfg.name));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_friendly_name, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_packet_size() - bound on payloads, both ways
 * @ch: a Disabled channel
 * @size: bytes, 1 to %VMB_MAX_PACKET_SIZE; %VMB_DEFAULT_PACKET_SIZE at first
 *
 * Windows: VmbChannelInitSetMaximumPacketSize. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_packet_size(struct vmb_channel *ch, u32 size)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!size || size > VMB_MAX_PACKET_SIZE)
		return -EINVAL;
	ch->cfg.max_packet_size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_packet_size, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_packet_count() - how many packets it may send
 * @ch: a Disabled channel
 * @count: packet objects that may exist at a time, 1 to %VMB_MAX_PACKET_COUNT;
 *	%VMB_DEFAULT_PACKET_COUNT at first
 *
 * Windows: VmbChannelInitSetMaximumPacketCount. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_packet_count(struct vmb_channel *ch, u32 count)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!count || count > VMB_MAX_PACKET_COUNT)
		return -EINVAL;
	ch->cfg.max_packets = count;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_packet_count, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_external_data() - bound on memory that packets
 *	describe, both ways
 * @ch: a Disabled channel
 * @size: bytes a packet, 1 to %VMB_MAX_EXTERNAL_DATA; at first there is none
 * @chain_length: MDLs a chain, or ranges a received packet, 1 to
 *	%VMB_MAX_CHAIN_LENGTH
 *
 * On a bus that bounces (loopback) each packet object reserves @size bytes of
 * the bus's memory. Windows: VmbChannelInitSetMaximumExternalData.
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_external_data(struct vmb_channel *ch, u32 size,
					       u32 chain_length)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!size || size > VMB_MAX_EXTERNAL_DATA || !chain_length ||
	    chain_length > VMB_MAX_CHAIN_LENGTH)
		return -EINVAL;
	ch->cfg.max_external = size;
	ch->cfg.max_chain = chain_length;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_external_data, KMCL_NS);

/**
 * vmb_channel_init_set_process_packet_callbacks() - who gets what arrives
 * @ch: a Disabled channel
 * @process: for each packet
 * @complete: when delivery pauses, or NULL
 *
 * Windows: VmbChannelInitSetProcessPacketCallbacks. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: no @process.
 */
int vmb_channel_init_set_process_packet_callbacks(struct vmb_channel *ch,
						  vmb_channel_process_packet_fn process,
						  vmb_channel_processing_complete_fn complete)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!process)
		return -EINVAL;
	ch->cfg.process = process;
	ch->cfg.processing_complete = complete;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_process_packet_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_state_change_callbacks() - who hears of the channel's life
 * @ch: a Disabled channel
 * @cb: copied; prepared with vmb_channel_state_change_callbacks_init()
 *
 * Windows: VmbChannelInitSetStateChangeCallbacks. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: version or size.
 */
int vmb_channel_init_set_state_change_callbacks(struct vmb_channel *ch,
						const struct vmb_channel_state_change_callbacks *cb)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!cb || cb->version != VMB_STATE_CHANGE_CALLBACKS_VERSION || cb->size != sizeof(*cb))
		return -EINVAL;
	ch->cfg.cb = *cb;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_state_change_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_packet_callbacks() - outgoing packets can be
 *	saved
 * @ch: a Disabled channel, of either end
 * @save: for each packet when the channel is saved
 * @restore: for each packet when it is restored
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL: one is
 * missing. Windows has it for servers:
 * vmb_server_channel_init_set_save_restore_packet_callbacks().
 */
int vmb_channel_init_set_save_restore_packet_callbacks(struct vmb_channel *ch,
						       vmb_channel_save_packet_fn save,
						       vmb_channel_restore_packet_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_packet = save;
	ch->cfg.restore_packet = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_packet_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_received_callbacks() - received packets can
 *	be saved, instead of drained
 * @ch: a Disabled channel
 * @save: for each packet that is held when the channel is saved
 * @restore: for each when it is restored
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: one is missing.
 */
int vmb_channel_init_set_save_restore_received_callbacks(struct vmb_channel *ch,
							 vmb_channel_save_received_fn save,
							 vmb_channel_restore_received_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_received = save;
	ch->cfg.restore_received = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_received_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_state_callbacks() - the consumer has state
 *	beyond packets
 * @ch: a Disabled channel
 * @save: when the channel is saved
 * @restore: when it is restored
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: one is missing.
 */
int vmb_channel_init_set_save_restore_state_callbacks(struct vmb_channel *ch,
						      vmb_channel_save_state_fn save,
						      vmb_channel_restore_state_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_state = save;
	ch->cfg.restore_state = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_state_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_drain_deadline() - how long a freeze may wait for it
 * @ch: a Disabled channel
 * @ms: milliseconds, at least 1; %VMB_DEFAULT_DRAIN_MS at first
 *
 * A freeze without a deadline of its own takes the longest of its channels.
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_drain_deadline(struct vmb_channel *ch, u32 ms)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ms)
		return -EINVAL;
	ch->cfg.drain_ms = ms;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_drain_deadline, KMCL_NS);

/**
 * vmb_channel_init_set_subchannel_index() - which sub-channel it is
 * @ch: a Disabled channel
 * @index: 0 for a primary channel, the default
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled.
 */
int vmb_channel_init_set_subchannel_index(struct vmb_channel *ch, u16 index)
{
	int ret = kmcl_config_begin(ch);

	if (!ret)
		ch->cfg.subchannel = index;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_subchannel_index, KMCL_NS);

/**
 * vmb_channel_init_set_processor() - where its interrupts should come
 * @ch: a Disabled channel
 * @cpu: processor, or -1: where the peer signals from (the default)
 *
 * A wish. Windows: VmbClientChannelInitSetTargetProcessorIndex.
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_processor(struct vmb_channel *ch, int cpu)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (cpu < -1 || cpu >= (int)nr_cpu_ids)
		return -EINVAL;
	ch->cfg.cpu = cpu;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_processor, KMCL_NS);

static int kmcl_config_bus(struct vmb_channel *ch, bool server, struct vmb_bus *bus)
{
	struct vmb_bus *old;
	unsigned long flags;
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (ch->server != server || IS_ERR_OR_NULL(bus))
		return -EINVAL;
	ret = kmcl_bus_hold(bus);
	if (ret)
		return ret;
	/* Who reads sysfs may look at the old one. */
	spin_lock_irqsave(&ch->lock, flags);
	old = ch->cfg.bus;
	ch->cfg.bus = bus;
	ch->ops = bus->ops;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_bus_put(old);
	return 0;
}

/**
 * vmb_client_channel_init_set_bus() - on which bus a client looks for its offer
 * @ch: a Disabled client
 * @bus: of kmcl_bus_get(); the channel takes a reference of its own
 *
 * Windows has one bus for clients. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a server, or no bus; -ENODEV: the
 * bus is going away.
 */
int vmb_client_channel_init_set_bus(struct vmb_channel *ch, struct vmb_bus *bus)
{
	return kmcl_config_bus(ch, false, bus);
}
EXPORT_SYMBOL_NS_GPL(vmb_client_channel_init_set_bus, KMCL_NS);

/**
 * vmb_server_channel_init_set_vmbus_handle() - to which peer a server offers
 * @ch: a Disabled server
 * @bus: of kmcl_bus_get(); the channel takes a reference of its own
 *
 * Windows: VmbServerChannelInitSetVmbusHandle. Context: process context.
 * Return: as vmb_client_channel_init_set_bus(); -EINVAL: a client.
 */
int vmb_server_channel_init_set_vmbus_handle(struct vmb_channel *ch, struct vmb_bus *bus)
{
	return kmcl_config_bus(ch, true, bus);
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_vmbus_handle, KMCL_NS);

/**
 * vmb_client_channel_init_set_ring_buffer_page_count() - how large the rings are
 * @ch: a Disabled client, whose memory both rings are
 * @incoming: data pages of the ring it reads, 1 to %VMB_MAX_RING_PAGES
 * @outgoing: data pages of the ring it writes
 *
 * The library enlarges what could not hold two of the largest packets.
 * Windows: VmbClientChannelInitSetRingBufferPageCount. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a server, or a count.
 */
int vmb_client_channel_init_set_ring_buffer_page_count(struct vmb_channel *ch, u32 incoming,
						       u32 outgoing)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (ch->server || !incoming || !outgoing || incoming > VMB_MAX_RING_PAGES ||
	    outgoing > VMB_MAX_RING_PAGES)
		return -EINVAL;
	ch->cfg.ring_in_pages = incoming;
	ch->cfg.ring_out_pages = outgoing;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_client_channel_init_set_ring_buffer_page_count, KMCL_NS);

/**
 * vmb_client_channel_init_set_target_pnp() - which offer a client takes
 * @ch: a Disabled client
 * @type: interface type
 * @instance: interface instance; NULL: any of that type
 * @failure: called when connecting fails later, or NULL
 *
 * Windows: VmbClientChannelInitSetTargetPnp. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a server, or no type.
 */
int vmb_client_channel_init_set_target_pnp(struct vmb_channel *ch, const guid_t *type,
					   const guid_t *instance,
					   vmb_channel_pnp_failure_fn failure)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (ch->server || !type || guid_is_null(type))
		return -EINVAL;
	guid_copy(&ch->cfg.type, type);
	guid_copy(&ch->cfg.instance, instance ?: &guid_null);
	ch->cfg.pnp_failure = failure;
	ch->cfg.has_target = true;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_client_channel_init_set_target_pnp, KMCL_NS);

/**
 * vmb_server_channel_init_set_flags() - flags of a server
 * @ch: a Disabled server
 * @flags: VMB_SERVER_FLAG_*
 *
 * Windows: VmbServerChannelInitSetFlags. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or unknown flags.
 */
int vmb_server_channel_init_set_flags(struct vmb_channel *ch, u32 flags)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ch->server || (flags & ~(VMB_SERVER_FLAG_LOOPBACK_OFFER |
				      VMB_SERVER_FLAG_ENUMERATE_DEVICE_INTERFACE |
				      VMB_SERVER_FLAG_OFFER_AS_PIPE |
				      VMB_SERVER_FLAG_FORCE_NEW_CHANNEL |
				      VMB_SERVER_FLAG_TLNPI_PROVIDER_OFFER)))
		return -EINVAL;
	ch->cfg.server_flags = flags;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_flags, KMCL_NS);

/**
 * vmb_server_channel_init_set_target_interface_id() - what a server offers
 * @ch: a Disabled server
 * @type: interface type
 * @instance: interface instance
 *
 * Windows: VmbServerChannelInitSetTargetInterfaceId. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or one is missing or 0.
 */
int vmb_server_channel_init_set_target_interface_id(struct vmb_channel *ch, const guid_t *type,
						    const guid_t *instance)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ch->server || !type || !instance || guid_is_null(type) || guid_is_null(instance))
		return -EINVAL;
	guid_copy(&ch->cfg.type, type);
	guid_copy(&ch->cfg.instance, instance);
	ch->cfg.has_target = true;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_target_interface_id, KMCL_NS);

/**
 * vmb_server_channel_init_set_mmio_megabytes() - MMIO space for the client
 * @ch: a Disabled server
 * @megabytes: what it needs
 * @optional_megabytes: what would be nice
 *
 * Windows: VmbServerChannelInitSetMmioMegabytes. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or both 0.
 */
int vmb_server_channel_init_set_mmio_megabytes(struct vmb_channel *ch, u16 megabytes,
					       u16 optional_megabytes)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ch->server || (!megabytes && !optional_megabytes))
		return -EINVAL;
	ch->cfg.mmio_megabytes = megabytes;
	ch->cfg.mmio_megabytes_optional = optional_megabytes;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_mmio_megabytes, KMCL_NS);

/**
 * vmb_server_channel_init_set_target_vtl() - which virtual trust level sees the
 *	offer
 * @ch: a Disabled server
 * @vtl: 0 to 2
 *
 * Windows: VmbServerChannelInitSetTargetVtl. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or a level.
 */
int vmb_server_channel_init_set_target_vtl(struct vmb_channel *ch, u8 vtl)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ch->server || vtl > 2)
		return -EINVAL;
	ch->cfg.target_vtl = vtl;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_target_vtl, KMCL_NS);

/**
 * vmb_server_channel_init_set_offer_data() - user-defined data of the offer
 * @ch: a Disabled server
 * @data: copied
 * @size: its bytes, at most %VMB_MAX_OFFER_DATA
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL: a client,
 * or too much.
 */
int vmb_server_channel_init_set_offer_data(struct vmb_channel *ch, const void *data, u32 size)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ch->server || size > sizeof(ch->cfg.offer_data) || (size && !data))
		return -EINVAL;
	memset(ch->cfg.offer_data, 0, sizeof(ch->cfg.offer_data));
	memcpy(ch->cfg.offer_data, data, size);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_offer_data, KMCL_NS);

/**
 * vmb_server_channel_init_set_save_restore_packet_callbacks() - a server's
 *	outgoing packets can be saved
 * @ch: a Disabled server
 * @save: for each packet when the channel is saved
 * @restore: for each packet when it is restored
 *
 * Windows: VmbServerChannelInitSetSaveRestorePacketCallbacks.
 * Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or one is missing.
 */
int vmb_server_channel_init_set_save_restore_packet_callbacks(struct vmb_channel *ch,
							      vmb_channel_save_packet_fn save,
							      vmb_channel_restore_packet_fn restore)
{
	if (!ch->server)
		return -EINVAL;
	return vmb_channel_init_set_save_restore_packet_callbacks(ch, save, restore);
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_save_restore_packet_callbacks, KMCL_NS);
