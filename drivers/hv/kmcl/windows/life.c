// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: a channel's life, and what may be asked of it.
 */
#include <linux/slab.h>

#include "windows.h"

static void kmcl_windows_release(void *wrapper)
{
	kfree(wrapper);
}

/**
 * VmbChannelAllocate() - vmb_channel_allocate()
 * @ParentDeviceObject: a struct device, or NULL
 * @IsServer: which end, for good
 * @Channel: out: the channel
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_3 (no @Channel),
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS VmbChannelAllocate(PDEVICE_OBJECT ParentDeviceObject, BOOLEAN IsServer,
			    VMBCHANNEL *Channel)
{
	struct kmcl_windows *w;
	int ret;

	if (!Channel)
		return STATUS_INVALID_PARAMETER_3;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return STATUS_INSUFFICIENT_RESOURCES;
	w->server = IsServer;
	ret = vmb_channel_allocate(ParentDeviceObject, IsServer, Channel);
	if (ret) {
		kfree(w);
		return nt_status(ret);
	}
	vmb_channel_set_wrapper(*Channel, w, kmcl_windows_release);
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_NS_GPL(VmbChannelAllocate, KMCL_NS);

/**
 * VmbChannelCleanup() - vmb_channel_cleanup()
 * @Channel: Disabled; its packets are freed
 *
 * Context: process context.
 */
VOID VmbChannelCleanup(VMBCHANNEL Channel)
{
	vmb_channel_cleanup(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelCleanup, KMCL_NS);

/**
 * VmbChannelEnable() - vmb_channel_enable()
 * @Channel: Disabled, configured
 *
 * Context: process context.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1: not Disabled;
 * STATUS_INVALID_PARAMETER: something is not set; or what nt_status() makes of
 * the native error.
 */
NTSTATUS VmbChannelEnable(VMBCHANNEL Channel)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	return nt_status(vmb_channel_enable(Channel));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelEnable, KMCL_NS);

/**
 * VmbChannelDisable() - vmb_channel_disable()
 * @Channel: which
 *
 * Context: process context.
 */
VOID VmbChannelDisable(VMBCHANNEL Channel)
{
	vmb_channel_disable(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelDisable, KMCL_NS);

/**
 * VmbChannelPause() - vmb_channel_pause()
 * @Channel: which
 *
 * Context: process context.
 */
VOID VmbChannelPause(VMBCHANNEL Channel)
{
	vmb_channel_pause(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPause, KMCL_NS);

/**
 * VmbChannelStart() - vmb_channel_start()
 * @Channel: which
 *
 * Context: any context.
 */
VOID VmbChannelStart(VMBCHANNEL Channel)
{
	vmb_channel_start(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelStart, KMCL_NS);

/**
 * VmbChannelSetPointer() - vmb_channel_set_pointer()
 * @Channel: which
 * @Pointer: what
 *
 * Context: any context.
 */
VOID VmbChannelSetPointer(VMBCHANNEL Channel, PVOID Pointer)
{
	vmb_channel_set_pointer(Channel, Pointer);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSetPointer, KMCL_NS);

/**
 * VmbChannelGetPointer() - vmb_channel_get_pointer()
 * @Channel: which
 *
 * Context: any context. Return: the pointer that was set, or NULL.
 */
PVOID VmbChannelGetPointer(VMBCHANNEL Channel)
{
	return vmb_channel_get_pointer(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelGetPointer, KMCL_NS);

/**
 * VmbChannelGetInterfaceInstance() - vmb_channel_get_interface_instance()
 * @Channel: which
 * @InterfaceInstance: out
 *
 * Context: any context.
 */
VOID VmbChannelGetInterfaceInstance(VMBCHANNEL Channel, LPGUID InterfaceInstance)
{
	vmb_channel_get_interface_instance(Channel, InterfaceInstance);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelGetInterfaceInstance, KMCL_NS);

/**
 * VmbChannelGetMmioSpace() - vmb_channel_get_mmio_space()
 * @Channel: between Opened and Closed
 * @MmioAddress: out: physical address; 0 where there is none
 * @MmioSize: out: bytes
 *
 * Context: process context.
 */
VOID VmbChannelGetMmioSpace(VMBCHANNEL Channel, PUINT64 MmioAddress, PUINT64 MmioSize)
{
	vmb_channel_get_mmio_space(Channel, MmioAddress, MmioSize);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelGetMmioSpace, KMCL_NS);

/**
 * VmbChannelSetInterruptLatency() - vmb_channel_set_interrupt_latency()
 * @Channel: a client, between Opened and Closed
 * @Latency: in units of 100 ns
 * @OriginalLatency: out: what it was, or NULL
 *
 * Context: process context.
 * Return: STATUS_SUCCESS; STATUS_NOT_SUPPORTED: a server, or the bus cannot;
 * STATUS_DEVICE_REMOVED: not open.
 */
NTSTATUS VmbChannelSetInterruptLatency(VMBCHANNEL Channel, UINT16 Latency,
				       PUINT16 OriginalLatency)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	return nt_status(vmb_channel_set_interrupt_latency(Channel, Latency, OriginalLatency));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSetInterruptLatency, KMCL_NS);

/**
 * VmbChannelSetIncomingProcessingAtPassive() -
 *	vmb_channel_set_incoming_processing_at_passive()
 * @Channel: Disabled; else nothing changes
 * @RequirePassive: whether callbacks of the receive side run where they may sleep
 *
 * Context: any context.
 */
VOID VmbChannelSetIncomingProcessingAtPassive(VMBCHANNEL Channel, BOOLEAN RequirePassive)
{
	vmb_channel_set_incoming_processing_at_passive(Channel, RequirePassive);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSetIncomingProcessingAtPassive, KMCL_NS);

/**
 * VmbChannelSetTransactionQuota() - vmb_channel_set_transaction_quota()
 * @Channel: which
 * @Quota: received packets that may be open; with 0, or more than there may be,
 *	nothing changes
 *
 * Context: any context.
 */
VOID VmbChannelSetTransactionQuota(VMBCHANNEL Channel, UINT32 Quota)
{
	vmb_channel_set_transaction_quota(Channel, Quota);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSetTransactionQuota, KMCL_NS);
