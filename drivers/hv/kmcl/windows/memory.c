// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: GPADLs.
 */
#include "windows.h"

/**
 * VmbChannelCreateGpadlFromBuffer() - vmb_channel_create_gpadl_from_buffer()
 * @Channel: a client's, between Opened and Closed
 * @Flags: VMBUS_CHANNEL_GPADL_READ_ONLY
 * @Buffer: kernel memory
 * @ByteCount: its bytes
 * @GpadlHandle: out
 *
 * Context: process context; not in the receive callbacks.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, STATUS_DEVICE_REMOVED (not
 * open), or what nt_status() makes of the native error.
 */
NTSTATUS VmbChannelCreateGpadlFromBuffer(VMBCHANNEL Channel, UINT32 Flags, PVOID Buffer,
					 UINT32 ByteCount, PUINT32 GpadlHandle)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	return nt_status(vmb_channel_create_gpadl_from_buffer(Channel, Flags, Buffer, ByteCount,
							      GpadlHandle));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelCreateGpadlFromBuffer, KMCL_NS);

/**
 * VmbChannelCreateGpadlFromMdl() - vmb_channel_create_gpadl_from_mdl()
 * @Channel: a client's, between Opened and Closed
 * @Flags: VMBUS_CHANNEL_GPADL_READ_ONLY
 * @Mdl: the memory
 * @StartOffsetWithinMdl: where it starts, bytes into the chain
 * @DataLengthWithinMdl: bytes; 0: all the rest
 * @GpadlHandle: out
 *
 * Context and return: as VmbChannelCreateGpadlFromBuffer().
 */
NTSTATUS VmbChannelCreateGpadlFromMdl(VMBCHANNEL Channel, UINT32 Flags, PMDL Mdl,
				      UINT32 StartOffsetWithinMdl, UINT32 DataLengthWithinMdl,
				      PUINT32 GpadlHandle)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	return nt_status(vmb_channel_create_gpadl_from_mdl(Channel, Flags, Mdl,
							   StartOffsetWithinMdl,
							   DataLengthWithinMdl, GpadlHandle));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelCreateGpadlFromMdl, KMCL_NS);

/**
 * VmbChannelDeleteGpadl() - vmb_channel_delete_gpadl()
 * @Channel: whose
 * @GpadlHandle: which
 *
 * Context: process context; not in the receive callbacks.
 */
VOID VmbChannelDeleteGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle)
{
	vmb_channel_delete_gpadl(Channel, GpadlHandle);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelDeleteGpadl, KMCL_NS);

/**
 * VmbChannelMapGpadl() - vmb_channel_map_gpadl()
 * @Channel: a server's, between Opened and Closed
 * @Flags: VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY
 * @GpadlHandle: which
 * @Mdl: out: the memory
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER (a client), _1,
 * STATUS_NOT_FOUND, STATUS_ACCESS_DENIED (read-only, and not asked for as such),
 * STATUS_DEVICE_REMOVED (not open), or what nt_status() makes of the native error.
 */
NTSTATUS VmbChannelMapGpadl(VMBCHANNEL Channel, UINT32 Flags, UINT32 GpadlHandle, PMDL *Mdl)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	return nt_status(vmb_channel_map_gpadl(Channel, Flags, GpadlHandle, Mdl));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelMapGpadl, KMCL_NS);

/**
 * VmbChannelUnmapGpadl() - vmb_channel_unmap_gpadl()
 * @Channel: whose
 * @GpadlHandle: which
 *
 * Context: process context.
 */
VOID VmbChannelUnmapGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle)
{
	vmb_channel_unmap_gpadl(Channel, GpadlHandle);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelUnmapGpadl, KMCL_NS);
