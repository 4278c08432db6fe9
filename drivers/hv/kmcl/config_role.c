// SPDX-License-Identifier: GPL-2.0
/*
 * Configuring a channel: what only one end is told, and the bus, which each end
 * is told by a name of its own.
 */
#include <linux/err.h>
#include <linux/string.h>
#include <linux/uuid.h>

#include "internal.h"

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
 * They are as large as that: a packet that does not fit the ring is refused when
 * it is sent, with -EMSGSIZE, whatever the channel's limits are.
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
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or too much.
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
 * vmb_server_channel_init_set_save_restore_packet() - the symbol behind
 *	vmb_server_channel_init_set_save_restore_packet_callbacks()
 * @ch: a Disabled server
 * @save: for each packet when the channel is saved
 * @restore: for each packet when it is restored
 *
 * That name is longer than what a module may import with CONFIG_MODVERSIONS.
 * Windows: VmbServerChannelInitSetSaveRestorePacketCallbacks.
 * Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or one is missing.
 */
int vmb_server_channel_init_set_save_restore_packet(struct vmb_channel *ch,
						    vmb_channel_save_packet_fn save,
						    vmb_channel_restore_packet_fn restore)
{
	if (!ch->server)
		return -EINVAL;
	return vmb_channel_init_set_save_restore_packet_callbacks(ch, save, restore);
}
EXPORT_SYMBOL_NS_GPL(vmb_server_channel_init_set_save_restore_packet, KMCL_NS);
