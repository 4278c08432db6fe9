// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: the functions as tables. A driver of Windows gets them from its
 * bus driver by a query for an interface; here this module answers.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "windows.h"

const GUID KMCL_CLIENT_INTERFACE_TYPE =
	GUID_INIT(0x0e3f7d52, 0x6a1c, 0x4c0b, 0x9d, 0x1f, 0x4b, 0x4d, 0x43, 0x4c, 0x00, 0x01);
EXPORT_SYMBOL_NS_GPL(KMCL_CLIENT_INTERFACE_TYPE, KMCL_NS);

const GUID KMCL_SERVER_INTERFACE_TYPE =
	GUID_INIT(0x0e3f7d52, 0x6a1c, 0x4c0b, 0x9d, 0x1f, 0x4b, 0x4d, 0x43, 0x4c, 0x00, 0x02);
EXPORT_SYMBOL_NS_GPL(KMCL_SERVER_INTERFACE_TYPE, KMCL_NS);

static VOID kmcl_windows_reference(PVOID Context)
{
	__module_get(THIS_MODULE);
}

static VOID kmcl_windows_dereference(PVOID Context)
{
	module_put(THIS_MODULE);
}

/* A client's table is the beginning of a server's. */
static const KMCL_SERVER_INTERFACE_V1 kmcl_windows_table = {
	.InterfaceReference = kmcl_windows_reference,
	.InterfaceDereference = kmcl_windows_dereference,
	.VmbChannelAllocate = VmbChannelAllocate,
	.VmbChannelCleanup = VmbChannelCleanup,
	.VmbChannelCreateGpadlFromBuffer = VmbChannelCreateGpadlFromBuffer,
	.VmbChannelCreateGpadlFromMdl = VmbChannelCreateGpadlFromMdl,
	.VmbChannelDeleteGpadl = VmbChannelDeleteGpadl,
	.VmbChannelDisable = VmbChannelDisable,
	.VmbChannelEnable = VmbChannelEnable,
	.VmbChannelGetInterfaceInstance = VmbChannelGetInterfaceInstance,
	.VmbChannelGetMmioSpace = VmbChannelGetMmioSpace,
	.VmbChannelGetPointer = VmbChannelGetPointer,
	.VmbChannelInitSetClientContextSize = VmbChannelInitSetClientContextSize,
	.VmbChannelInitSetFlags = VmbChannelInitSetFlags,
	.VmbChannelInitSetFriendlyName = VmbChannelInitSetFriendlyName,
	.VmbChannelInitSetMaximumExternalData = VmbChannelInitSetMaximumExternalData,
	.VmbChannelInitSetMaximumPacketSize = VmbChannelInitSetMaximumPacketSize,
	.VmbChannelInitSetProcessPacketCallbacks = VmbChannelInitSetProcessPacketCallbacks,
	.VmbChannelInitSetStateChangeCallbacks = VmbChannelInitSetStateChangeCallbacks,
	.VmbChannelPacketComplete = VmbChannelPacketComplete,
	.VmbChannelPacketDeferToPassive = VmbChannelPacketDeferToPassive,
	.VmbChannelPacketFail = VmbChannelPacketFail,
	.VmbChannelPacketGetExternalData = VmbChannelPacketGetExternalData,
	.VmbChannelPause = VmbChannelPause,
	.VmbChannelSendSynchronousRequest = VmbChannelSendSynchronousRequest,
	.VmbChannelSetIncomingProcessingAtPassive = VmbChannelSetIncomingProcessingAtPassive,
	.VmbChannelSetInterruptLatency = VmbChannelSetInterruptLatency,
	.VmbChannelSetPointer = VmbChannelSetPointer,
	.VmbChannelSetTransactionQuota = VmbChannelSetTransactionQuota,
	.VmbChannelSizeofPacket = VmbChannelSizeofPacket,
	.VmbChannelStart = VmbChannelStart,
	.VmbClientChannelInitSetRingBufferPageCount = VmbClientChannelInitSetRingBufferPageCount,
	.VmbClientChannelInitSetTargetPnp = VmbClientChannelInitSetTargetPnp,
	.VmbPacketAllocate = VmbPacketAllocate,
	.VmbPacketFree = VmbPacketFree,
	.VmbPacketGetChannel = VmbPacketGetChannel,
	.VmbPacketGetPointer = VmbPacketGetPointer,
	.VmbPacketInitialize = VmbPacketInitialize,
	.VmbPacketSend = VmbPacketSend,
	.VmbPacketSendWithExternalMdl = VmbPacketSendWithExternalMdl,
	.VmbPacketSendWithExternalPfns = VmbPacketSendWithExternalPfns,
	.VmbPacketSetCompletionRoutine = VmbPacketSetCompletionRoutine,
	.VmbPacketSetPointer = VmbPacketSetPointer,
	.VmbChannelMapGpadl = VmbChannelMapGpadl,
	.VmbChannelRestoreFromBuffer = VmbChannelRestoreFromBuffer,
	.VmbChannelSaveBegin = VmbChannelSaveBegin,
	.VmbChannelSaveContinue = VmbChannelSaveContinue,
	.VmbChannelSaveEnd = VmbChannelSaveEnd,
	.VmbChannelUnmapGpadl = VmbChannelUnmapGpadl,
	.VmbConvertVmbusHandleToKernelHandle = VmbConvertVmbusHandleToKernelHandle,
	.VmbPacketRestore = VmbPacketRestore,
	.VmbServerChannelInitSetFlags = VmbServerChannelInitSetFlags,
	.VmbServerChannelInitSetMmioMegabytes = VmbServerChannelInitSetMmioMegabytes,
	.VmbServerChannelInitSetSaveRestorePacketCallbacks =
		VmbServerChannelInitSetSaveRestorePacketCallbacks,
	.VmbServerChannelInitSetTargetInterfaceId = VmbServerChannelInitSetTargetInterfaceId,
	.VmbServerChannelInitSetTargetVtl = VmbServerChannelInitSetTargetVtl,
	.VmbServerChannelInitSetVmbusHandle = VmbServerChannelInitSetVmbusHandle,
};

static_assert(offsetof(KMCL_SERVER_INTERFACE_V1, VmbChannelMapGpadl) ==
	      sizeof(KMCL_CLIENT_INTERFACE_V1));

/**
 * WdfFdoQueryForInterface() - get a table of functions
 * @Fdo: not looked at
 * @InterfaceType: KMCL_CLIENT_INTERFACE_TYPE or KMCL_SERVER_INTERFACE_TYPE
 * @Interface: the KMCL_CLIENT_INTERFACE_V1 or KMCL_SERVER_INTERFACE_V1 to fill.
 *	It is referenced; the caller's InterfaceDereference() ends its use
 * @Size: its bytes
 * @Version: KMCL_CLIENT_INTERFACE_VERSION_V1 or KMCL_SERVER_INTERFACE_VERSION_V1
 * @InterfaceSpecificData: not looked at
 *
 * Context: process context.
 * Return: STATUS_SUCCESS; STATUS_NOT_SUPPORTED: another type;
 * STATUS_INVALID_PARAMETER: another size or version.
 */
NTSTATUS WdfFdoQueryForInterface(WDFDEVICE Fdo, LPCGUID InterfaceType, PINTERFACE Interface,
				 USHORT Size, USHORT Version, PVOID InterfaceSpecificData)
{
	size_t size;

	if (!InterfaceType || !Interface)
		return STATUS_INVALID_PARAMETER;
	if (guid_equal(InterfaceType, &KMCL_CLIENT_INTERFACE_TYPE))
		size = sizeof(KMCL_CLIENT_INTERFACE_V1);
	else if (guid_equal(InterfaceType, &KMCL_SERVER_INTERFACE_TYPE))
		size = sizeof(KMCL_SERVER_INTERFACE_V1);
	else
		return STATUS_NOT_SUPPORTED;
	if (Size != size || Version != KMCL_CLIENT_INTERFACE_VERSION_V1)
		return STATUS_INVALID_PARAMETER;
	memcpy(Interface, &kmcl_windows_table, size);
	Interface->Size = Size;
	Interface->Version = Version;
	kmcl_windows_reference(Interface->Context);
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_NS_GPL(WdfFdoQueryForInterface, KMCL_NS);
