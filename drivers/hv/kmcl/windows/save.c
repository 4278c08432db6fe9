// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: saving and restoring a server's channel. On a client all of
 * these return STATUS_INVALID_PARAMETER.
 */
#include "windows.h"

/* Any failure that names a size at the first call means: there is something to save. */
static int kmcl_windows_save_packet(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer,
				    u32 size, u32 *bytes_needed)
{
	UINT32 needed = 0;
	NTSTATUS status = kmcl_windows_of(ch)->save_packet(ch, pkt, buffer, size, &needed);

	if (NT_SUCCESS(status) || size || !needed)
		return kmcl_windows_answer(status);
	*bytes_needed = needed;
	return -ENOSPC;
}

static int kmcl_windows_restore_packet(struct vmb_channel *ch, const void *lib_buffer,
				       u32 lib_size, const void *buffer, u32 size)
{
	return kmcl_windows_answer(kmcl_windows_of(ch)->restore_packet(ch, (PVOID)lib_buffer,
								       lib_size, (PVOID)buffer,
								       size));
}

/**
 * VmbServerChannelInitSetSaveRestorePacketCallbacks() -
 *	vmb_server_channel_init_set_save_restore_packet_callbacks()
 * @Channel: a Disabled server
 * @Save: for each packet when the channel is saved. At the first call its
 *	buffer has no bytes: where there is something to save it sets BytesNeeded
 *	and fails, with whatever status
 * @Restore: for each packet when it is restored
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1, _2, _3 (one is missing).
 */
NTSTATUS
VmbServerChannelInitSetSaveRestorePacketCallbacks(VMBCHANNEL Channel,
						  PFN_VMB_CHANNEL_SAVE_PACKET Save,
						  PFN_VMB_CHANNEL_RESTORE_PACKET Restore)
{
	NTSTATUS status = kmcl_windows_server(Channel);
	struct kmcl_windows *w;
	int ret;

	if (status)
		return status;
	if (!Save)
		return STATUS_INVALID_PARAMETER_2;
	if (!Restore)
		return STATUS_INVALID_PARAMETER_3;
	ret = vmb_server_channel_init_set_save_restore_packet(Channel, kmcl_windows_save_packet,
							      kmcl_windows_restore_packet);
	if (ret)
		return nt_status(ret);
	w = kmcl_windows_of(Channel);
	w->save_packet = Save;
	w->restore_packet = Restore;
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_NS_GPL(VmbServerChannelInitSetSaveRestorePacketCallbacks, KMCL_NS);

/**
 * VmbChannelSaveBegin() - vmb_channel_save_begin()
 * @Channel: a server's; paused or not open
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1 (in another state, or being
 * saved), STATUS_NOT_SUPPORTED (it has packets and no callbacks for them),
 * STATUS_INSUFFICIENT_RESOURCES.
 */
NTSTATUS VmbChannelSaveBegin(VMBCHANNEL Channel)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	return status ? status : nt_status(vmb_channel_save_begin(Channel));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSaveBegin, KMCL_NS);

/**
 * VmbChannelSaveContinue() - vmb_channel_save_continue()
 * @Channel: between VmbChannelSaveBegin() and VmbChannelSaveEnd()
 * @SaveBuffer: where to; NULL with a size of 0 asks what the next call needs
 * @SaveBufferSize: its bytes
 * @BytesFilled: out: bytes written, whole chunks
 * @BytesRequired: out: the least size of the next call that makes progress
 *
 * Context: process context.
 * Return: STATUS_SUCCESS: all is out. STATUS_BUFFER_OVERFLOW: something was
 * written, call again. STATUS_BUFFER_TOO_SMALL: nothing was. Anything else ends
 * the save: STATUS_INVALID_PARAMETER: a client, or no save was begun; or what the
 * save callback returned.
 */
NTSTATUS VmbChannelSaveContinue(VMBCHANNEL Channel, PVOID SaveBuffer, ULONG SaveBufferSize,
				PULONG BytesFilled, PULONG BytesRequired)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	return nt_status(vmb_channel_save_continue(Channel, SaveBuffer, SaveBufferSize,
						   BytesFilled, BytesRequired));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSaveContinue, KMCL_NS);

/**
 * VmbChannelSaveEnd() - vmb_channel_save_end()
 * @Channel: whose save ends, finished or not
 *
 * Context: process context.
 */
VOID VmbChannelSaveEnd(VMBCHANNEL Channel)
{
	vmb_channel_save_end(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSaveEnd, KMCL_NS);

/**
 * VmbChannelRestoreFromBuffer() - vmb_channel_restore_from_buffer()
 * @Channel: a Disabled server, or one that was enabled and neither opened nor
 *	started since
 * @Buffer: whole chunks, as VmbChannelSaveContinue() wrote them
 * @BufferSize: their bytes
 *
 * Context: process context.
 * Return: STATUS_SUCCESS: the stream is complete.
 * STATUS_MORE_PROCESSING_REQUIRED: go on with the next chunks; it is not
 * NT_SUCCESS(). Anything else: nothing is restored: STATUS_INVALID_PARAMETER, _1
 * (in another state), _2 (no buffer), STATUS_DATA_ERROR (damaged), or what
 * nt_status() makes of the native error.
 */
NTSTATUS VmbChannelRestoreFromBuffer(VMBCHANNEL Channel, PVOID Buffer, ULONG BufferSize)
{
	NTSTATUS status = kmcl_windows_server(Channel);

	if (status)
		return status;
	if (!Buffer || !BufferSize)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_restore_from_buffer(Channel, Buffer, BufferSize));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelRestoreFromBuffer, KMCL_NS);

/**
 * VmbPacketRestore() - vmb_packet_restore()
 * @Packet: of VmbPacketAllocate(), with routine and pointer set; the library's
 *	where STATUS_SUCCESS is returned
 * @Buffer: the library's part, as the restore callback got it
 * @BufferSize: its bytes
 *
 * Context: process context, inside the restore callback.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER, _1 (it is being sent), or what
 * nt_status() makes of the native error.
 */
NTSTATUS VmbPacketRestore(VMBPACKET Packet, PVOID Buffer, ULONG BufferSize)
{
	NTSTATUS status = kmcl_windows_server(vmb_packet_get_channel(Packet));

	return status ? status : nt_status(vmb_packet_restore(Packet, Buffer, BufferSize));
}
EXPORT_SYMBOL_NS_GPL(VmbPacketRestore, KMCL_NS);
