// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: configuring a Disabled channel. Everything here returns
 * STATUS_INVALID_PARAMETER_1 for a channel that is not Disabled.
 */
#include <linux/ctype.h>
#include <uapi/linux/kmcl.h>

#include "windows.h"

/**
 * VmbChannelInitSetFlags() - vmb_channel_init_set_flags()
 * @Channel: Disabled
 * @Flags: VMBUS_CHANNEL_INIT_FLAG_*
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (unknown flags).
 */
NTSTATUS VmbChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (Flags & ~VMBUS_CHANNEL_INIT_FLAG_IS_PIPE)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_init_set_flags(Channel, Flags));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetFlags, KMCL_NS);

/**
 * VmbChannelInitSetClientContextSize() - vmb_channel_init_set_client_context_size()
 * @Channel: Disabled
 * @ContextSize: bytes with each received packet
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (too large).
 */
NTSTATUS VmbChannelInitSetClientContextSize(VMBCHANNEL Channel, UINT32 ContextSize)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (ContextSize > VMB_MAX_CONTEXT_SIZE)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_init_set_client_context_size(Channel, ContextSize));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetClientContextSize, KMCL_NS);

/**
 * VmbChannelInitSetFriendlyName() - vmb_channel_init_set_friendly_name()
 * @Channel: Disabled
 * @Name: copied; a character that is not printable ASCII becomes '?'
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (none, or too long).
 */
NTSTATUS VmbChannelInitSetFriendlyName(VMBCHANNEL Channel, PCUNICODE_STRING Name)
{
	char name[KMCL_NAME_MAX];
	unsigned int i, n;
	int ret;

	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!Name || !Name->Buffer)
		return STATUS_INVALID_PARAMETER_2;
	n = Name->Length / sizeof(WCHAR);
	if (n >= sizeof(name))
		return STATUS_INVALID_PARAMETER_2;
	for (i = 0; i < n; i++)
		name[i] = isascii(Name->Buffer[i]) && isprint(Name->Buffer[i]) ?
			  Name->Buffer[i] : '?';
	name[n] = '\0';
	ret = vmb_channel_init_set_friendly_name(Channel, name);
	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_2 : nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetFriendlyName, KMCL_NS);

/**
 * VmbChannelInitSetMaximumPacketSize() - vmb_channel_init_set_maximum_packet_size()
 * @Channel: Disabled
 * @PacketSize: bytes of a payload, both ways
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (0, or too large).
 */
NTSTATUS VmbChannelInitSetMaximumPacketSize(VMBCHANNEL Channel, UINT32 PacketSize)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!PacketSize || PacketSize > VMB_MAX_PACKET_SIZE)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_init_set_maximum_packet_size(Channel, PacketSize));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetMaximumPacketSize, KMCL_NS);

/**
 * VmbChannelInitSetMaximumPacketCount() - vmb_channel_init_set_maximum_packet_count()
 * @Channel: Disabled
 * @PacketCount: packet objects that may exist
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (0, or too large).
 */
NTSTATUS VmbChannelInitSetMaximumPacketCount(VMBCHANNEL Channel, UINT32 PacketCount)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!PacketCount || PacketCount > VMB_MAX_PACKET_COUNT)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_init_set_maximum_packet_count(Channel, PacketCount));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetMaximumPacketCount, KMCL_NS);

/**
 * VmbChannelInitSetMaximumExternalData() -
 *	vmb_channel_init_set_maximum_external_data()
 * @Channel: Disabled
 * @DataSize: bytes that a packet may describe
 * @ChainLength: MDLs of a chain
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (@DataSize is 0 or too
 * large), _3 (@ChainLength is).
 */
NTSTATUS VmbChannelInitSetMaximumExternalData(VMBCHANNEL Channel, UINT32 DataSize,
					      UINT32 ChainLength)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!DataSize || DataSize > VMB_MAX_EXTERNAL_DATA)
		return STATUS_INVALID_PARAMETER_2;
	if (!ChainLength || ChainLength > VMB_MAX_CHAIN_LENGTH)
		return STATUS_INVALID_PARAMETER_3;
	return nt_status(vmb_channel_init_set_maximum_external_data(Channel, DataSize,
								    ChainLength));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetMaximumExternalData, KMCL_NS);

/**
 * VmbChannelInitSetProcessPacketCallbacks() -
 *	vmb_channel_init_set_process_packet_callbacks()
 * @Channel: Disabled
 * @Process: for each packet
 * @ProcessingComplete: when delivery pauses, or NULL
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (no @Process).
 */
NTSTATUS
VmbChannelInitSetProcessPacketCallbacks(VMBCHANNEL Channel, PFN_VMB_CHANNEL_PROCESS_PACKET Process,
					PFN_VMB_CHANNEL_PROCESSING_COMPLETE ProcessingComplete)
{
	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!Process)
		return STATUS_INVALID_PARAMETER_2;
	return nt_status(vmb_channel_init_set_process_packet_callbacks(Channel, Process,
								       ProcessingComplete));
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetProcessPacketCallbacks, KMCL_NS);

static int kmcl_windows_opened(struct vmb_channel *ch)
{
	return kmcl_windows_answer(kmcl_windows_of(ch)->opened(ch));
}

/**
 * VmbChannelInitSetStateChangeCallbacks() -
 *	vmb_channel_init_set_state_change_callbacks()
 * @Channel: Disabled
 * @Callbacks: copied; prepared with VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT()
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (version or size).
 */
NTSTATUS VmbChannelInitSetStateChangeCallbacks(VMBCHANNEL Channel,
					       PVMB_CHANNEL_STATE_CHANGE_CALLBACKS Callbacks)
{
	struct vmb_channel_state_change_callbacks cb;
	struct kmcl_windows *w = kmcl_windows_of(Channel);
	int ret;

	if (!w)
		return STATUS_INVALID_PARAMETER_1;
	if (!Callbacks || Callbacks->Version != VMB_STATE_CHANGE_CALLBACKS_VERSION ||
	    Callbacks->Size != sizeof(*Callbacks))
		return STATUS_INVALID_PARAMETER_2;
	vmb_channel_state_change_callbacks_init(&cb);
	cb.opened = Callbacks->EvtChannelOpened ? kmcl_windows_opened : NULL;
	cb.closed = Callbacks->EvtChannelClosed;
	cb.suspend = Callbacks->EvtChannelSuspend;
	cb.started = Callbacks->EvtChannelStarted;
	cb.post_started = Callbacks->EvtChannelPostStarted;
	ret = vmb_channel_init_set_state_change_callbacks(Channel, &cb);
	if (!ret)
		w->opened = Callbacks->EvtChannelOpened;
	return nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelInitSetStateChangeCallbacks, KMCL_NS);

/**
 * VmbClientChannelInitSetRingBufferPageCount() -
 *	vmb_client_channel_init_set_ring_buffer_page_count()
 * @Channel: a Disabled client
 * @IncomingPageCount: pages of the ring that the server writes
 * @OutgoingPageCount: pages of the other
 *
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 (a server, too), _2, _3 (0
 * or too many).
 */
NTSTATUS VmbClientChannelInitSetRingBufferPageCount(VMBCHANNEL Channel, UINT32 IncomingPageCount,
						    UINT32 OutgoingPageCount)
{
	struct kmcl_windows *w = kmcl_windows_of(Channel);

	if (!w || w->server)
		return STATUS_INVALID_PARAMETER_1;
	if (!IncomingPageCount || IncomingPageCount > VMB_MAX_RING_PAGES)
		return STATUS_INVALID_PARAMETER_2;
	if (!OutgoingPageCount || OutgoingPageCount > VMB_MAX_RING_PAGES)
		return STATUS_INVALID_PARAMETER_3;
	return nt_status(vmb_client_channel_init_set_ring_buffer_page_count(Channel,
									    IncomingPageCount,
									    OutgoingPageCount));
}
EXPORT_SYMBOL_NS_GPL(VmbClientChannelInitSetRingBufferPageCount, KMCL_NS);

static void kmcl_windows_pnp_failure(struct vmb_channel *ch, int status)
{
	kmcl_windows_of(ch)->pnp_failure(ch, nt_status(status));
}

/**
 * VmbClientChannelInitSetTargetPnp() - vmb_client_channel_init_set_target_pnp()
 * @Channel: a Disabled client
 * @InterfaceType: what kind of server
 * @InterfaceInstance: which; NULL: any
 * @PnpFailure: called when connecting fails later, or NULL
 *
 * The bus is vmb_client_channel_init_set_bus()'s, which Windows does not have.
 * Context: process context.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 (a server, too), _2 (no
 * type).
 */
NTSTATUS VmbClientChannelInitSetTargetPnp(VMBCHANNEL Channel, LPCGUID InterfaceType,
					  LPCGUID InterfaceInstance,
					  PFN_VMB_CHANNEL_PNP_FAILURE PnpFailure)
{
	struct kmcl_windows *w = kmcl_windows_of(Channel);
	int ret;

	if (!w || w->server)
		return STATUS_INVALID_PARAMETER_1;
	if (!InterfaceType || guid_is_null(InterfaceType))
		return STATUS_INVALID_PARAMETER_2;
	ret = vmb_client_channel_init_set_target_pnp(Channel, InterfaceType, InterfaceInstance,
						     PnpFailure ? kmcl_windows_pnp_failure : NULL);
	if (!ret)
		w->pnp_failure = PnpFailure;
	return nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbClientChannelInitSetTargetPnp, KMCL_NS);
