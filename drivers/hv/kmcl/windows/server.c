// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: configuring a Disabled server. On a client all of these return
 * STATUS_INVALID_PARAMETER.
 */
#include <linux/err.h>

#include "windows.h"

/**
 * VmbServerChannelInitSetFlags() - vmb_server_channel_init_set_flags()
 * @Channel: a Disabled server
 * @Flags: VMBUS_SERVER_CHANNEL_INIT_FLAG_*
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1, _2 (unknown flags).
 */
NTSTATUS VmbServerChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags)
{
	NTSTATUS status = kmcl_windows_server(Channel);
	int ret;

	if (status)
		return status;
	ret = vmb_server_channel_init_set_flags(Channel, Flags);
	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_2 : nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetFlags, KMCL_NS);

/**
 * VmbServerChannelInitSetTargetInterfaceId() -
 *	vmb_server_channel_init_set_target_interface_id()
 * @Channel: a Disabled server
 * @InterfaceType: what it offers
 * @InterfaceInstance: which of that
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1, _2, _3 (a GUID is 0).
 */
NTSTATUS VmbServerChannelInitSetTargetInterfaceId(VMBCHANNEL Channel, GUID InterfaceType,
						  GUID InterfaceInstance)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	if (guid_is_null(&InterfaceType))
		return STATUS_INVALID_PARAMETER_2;
	if (guid_is_null(&InterfaceInstance))
		return STATUS_INVALID_PARAMETER_3;
	return nt_status(vmb_server_channel_init_set_target_interface_id(Channel, &InterfaceType,
									 &InterfaceInstance));
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetTargetInterfaceId, KMCL_NS);

/**
 * VmbServerChannelInitSetVmbusHandle() - vmb_server_channel_init_set_vmbus_handle()
 * @Channel: a Disabled server
 * @VmbusHandle: a struct vmb_bus, which the channel keeps a reference to
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1, _2 (none);
 * STATUS_DEVICE_REMOVED: the bus is gone.
 */
NTSTATUS VmbServerChannelInitSetVmbusHandle(VMBCHANNEL Channel, HANDLE VmbusHandle)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	if (IS_ERR_OR_NULL(VmbusHandle))
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_server_channel_init_set_vmbus_handle(Channel, VmbusHandle));
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetVmbusHandle, KMCL_NS);

/**
 * VmbConvertVmbusHandleToKernelHandle() -
 *	vmb_convert_vmbus_handle_to_kernel_handle()
 * @VmbusHandle: a file descriptor of the caller's process
 * @KernelHandle: out: a struct vmb_bus, to be given to kmcl_bus_put(), where
 *	Windows has ZwClose()
 *
 * Context: process context.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_2: no @KernelHandle;
 * STATUS_NOT_SUPPORTED: no transport of this version has file descriptors.
 */
NTSTATUS VmbConvertVmbusHandleToKernelHandle(HANDLE VmbusHandle, PHANDLE KernelHandle)
{
	struct vmb_bus *bus;

	if (!KernelHandle)
		return STATUS_INVALID_PARAMETER_2;
	bus = vmb_convert_vmbus_handle_to_kernel_handle((unsigned long)VmbusHandle);
	if (IS_ERR(bus))
		return nt_status(PTR_ERR(bus));
	*KernelHandle = bus;
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_NS_GPL(VmbConvertVmbusHandleToKernelHandle, KMCL_NS);

/**
 * VmbServerChannelInitSetMmioMegabytes() -
 *	vmb_server_channel_init_set_mmio_megabytes()
 * @Channel: a Disabled server
 * @MmioMegabytes: what the client needs
 * @MmioMegabytesOptional: what would be nice
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER (a client, or both 0), _1.
 */
NTSTATUS VmbServerChannelInitSetMmioMegabytes(VMBCHANNEL Channel, UINT16 MmioMegabytes,
					      UINT16 MmioMegabytesOptional)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	return nt_status(vmb_server_channel_init_set_mmio_megabytes(Channel, MmioMegabytes,
								    MmioMegabytesOptional));
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetMmioMegabytes, KMCL_NS);

/**
 * VmbServerChannelInitSetTargetVtl() - vmb_server_channel_init_set_target_vtl()
 * @Channel: a Disabled server
 * @TargetVtl: the virtual trust level that sees the offer
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1, _2 (no such level).
 */
NTSTATUS VmbServerChannelInitSetTargetVtl(VMBCHANNEL Channel, UINT8 TargetVtl)
{
	NTSTATUS status = kmcl_windows_server(Channel);
	int ret;

	if (status)
		return status;
	ret = vmb_server_channel_init_set_target_vtl(Channel, TargetVtl);
	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_2 : nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetTargetVtl, KMCL_NS);
