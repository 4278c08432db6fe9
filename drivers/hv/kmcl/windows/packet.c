// SPDX-License-Identifier: GPL-2.0
/*
 * Windows names: packets that are received, and packets that are sent.
 */
#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#include "windows.h"

/**
 * VmbChannelPacketComplete() - vmb_channel_packet_complete()
 * @Packet: a received one; the consumer's no more
 * @Buffer: what to tell the peer, or NULL
 * @BufSize: its bytes; more than the channel's maximum packet size is the
 *	consumer's bug: the peer gets an empty completion
 *
 * Context: any context.
 */
VOID VmbChannelPacketComplete(VMBPACKETCOMPLETION Packet, PVOID Buffer, UINT32 BufSize)
{
	if (WARN_ONCE(vmb_channel_packet_complete(Packet, Buffer, BufSize) == -EMSGSIZE,
		      "completion of %u bytes\n", BufSize))
		vmb_channel_packet_complete(Packet, NULL, 0);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPacketComplete, KMCL_NS);

/**
 * VmbChannelPacketDeferToPassive() - vmb_channel_packet_defer_to_passive()
 * @Packet: the one that the process-packet callback was given
 *
 * Context: inside that callback.
 */
VOID VmbChannelPacketDeferToPassive(VMBPACKETCOMPLETION Packet)
{
	vmb_channel_packet_defer_to_passive(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPacketDeferToPassive, KMCL_NS);

/**
 * VmbChannelPacketFail() - vmb_channel_packet_fail()
 * @Packet: one that makes no sense; the consumer's no more
 *
 * Context: any context.
 */
VOID VmbChannelPacketFail(VMBPACKETCOMPLETION Packet)
{
	vmb_channel_packet_fail(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPacketFail, KMCL_NS);

/**
 * VmbChannelPacketGetClientContext() - vmb_channel_packet_get_client_context()
 * @Packet: a received one
 *
 * Context: any context.
 * Return: the memory that VmbChannelInitSetClientContextSize() asked for, or NULL.
 */
PVOID VmbChannelPacketGetClientContext(VMBPACKETCOMPLETION Packet)
{
	return vmb_channel_packet_get_client_context(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPacketGetClientContext, KMCL_NS);

/**
 * VmbChannelPacketGetExternalData() - vmb_channel_packet_get_external_data()
 * @Packet: a received one
 * @Flags: VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY
 * @Mdl: out: the peer's memory, pinned until the packet is completed
 *
 * Context: any context.
 * Return: STATUS_SUCCESS; STATUS_PENDING: return from the process-packet
 * callback, and be called again; STATUS_RETRY: not there yet, and outside that
 * callback; or what nt_status() makes of the native error.
 */
NTSTATUS VmbChannelPacketGetExternalData(VMBPACKETCOMPLETION Packet, UINT32 Flags, PMDL *Mdl)
{
	int ret = vmb_channel_packet_get_external_data(Packet, Flags, Mdl);

	return ret == -EAGAIN ? STATUS_RETRY : nt_status(ret);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelPacketGetExternalData, KMCL_NS);

/**
 * VmbPacketAllocate() - vmb_packet_allocate()
 * @Channel: on which
 *
 * Context: any context but hard interrupts, once the channel was enabled.
 * Return: the packet, or NULL.
 */
VMBPACKET VmbPacketAllocate(VMBCHANNEL Channel)
{
	return kmcl_windows_of(Channel) ? vmb_packet_allocate(Channel) : NULL;
}
EXPORT_SYMBOL_NS_GPL(VmbPacketAllocate, KMCL_NS);

/**
 * VmbPacketFree() - vmb_packet_free()
 * @Packet: of VmbPacketAllocate()
 *
 * Context: any context but hard interrupts.
 */
VOID VmbPacketFree(VMBPACKET Packet)
{
	vmb_packet_free(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbPacketFree, KMCL_NS);

/**
 * VmbChannelSizeofPacket() - vmb_channel_sizeof_packet()
 * @Channel: of which; its configuration is fixed by this call
 *
 * Context: process context where the channel has not been enabled yet.
 * Return: bytes for VmbPacketInitialize(); 0 without memory, or where the channel
 * is to have external data and there is no bus, or one that has none.
 */
UINT32 VmbChannelSizeofPacket(VMBCHANNEL Channel)
{
	return vmb_channel_sizeof_packet(Channel);
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSizeofPacket, KMCL_NS);

/**
 * VmbPacketInitialize() - vmb_packet_initialize()
 * @Channel: on which
 * @Packet: memory, aligned to 8; its end is vmb_packet_uninitialize(), which
 *	Windows does not have
 * @ByteCount: its bytes
 *
 * Context: any context but hard interrupts, once the channel was enabled.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (not aligned), _3 (less
 * than VmbChannelSizeofPacket()), STATUS_INSUFFICIENT_RESOURCES; where the channel
 * is to have external data, STATUS_INVALID_PARAMETER: no bus, STATUS_NOT_SUPPORTED:
 * one that has none.
 */
NTSTATUS VmbPacketInitialize(VMBCHANNEL Channel, VMBPACKET Packet, UINT32 ByteCount)
{
	u32 size;

	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (!Packet || !IS_ALIGNED((unsigned long)Packet, 8))
		return STATUS_INVALID_PARAMETER_2;
	size = vmb_channel_sizeof_packet(Channel);
	if (size && ByteCount < size)
		return STATUS_INVALID_PARAMETER_3;
	return nt_status(vmb_packet_initialize(Channel, Packet, ByteCount));
}
EXPORT_SYMBOL_NS_GPL(VmbPacketInitialize, KMCL_NS);

static void kmcl_windows_done(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	PFN_VMB_PACKET_COMPLETION_ROUTINE routine = vmb_packet_get_wrapper(pkt);

	routine(pkt, nt_status(status), buffer, length);
}

/**
 * VmbPacketSetCompletionRoutine() - vmb_packet_set_completion_routine()
 * @Packet: not one that is being sent
 * @CompletionRoutine: called once for each send that succeeded. Its status is
 *	STATUS_DEVICE_REMOVED where the link ended, STATUS_CANCELLED where the
 *	packet was cancelled, STATUS_HANDLE_NO_LONGER_VALID where it was handed
 *	over to the next kernel: it is not lost, free its memory and say nothing
 *
 * Context: any context.
 */
VOID VmbPacketSetCompletionRoutine(VMBPACKET Packet,
				   PFN_VMB_PACKET_COMPLETION_ROUTINE CompletionRoutine)
{
	vmb_packet_set_wrapper(Packet, CompletionRoutine);
	vmb_packet_set_completion_routine(Packet, CompletionRoutine ? kmcl_windows_done : NULL);
}
EXPORT_SYMBOL_NS_GPL(VmbPacketSetCompletionRoutine, KMCL_NS);

/**
 * VmbPacketSetPointer() - vmb_packet_set_pointer()
 * @Packet: which
 * @Pointer: what
 *
 * Context: any context.
 */
VOID VmbPacketSetPointer(VMBPACKET Packet, PVOID Pointer)
{
	vmb_packet_set_pointer(Packet, Pointer);
}
EXPORT_SYMBOL_NS_GPL(VmbPacketSetPointer, KMCL_NS);

/**
 * VmbPacketGetPointer() - vmb_packet_get_pointer()
 * @Packet: which
 *
 * Context: any context. Return: the pointer that was set, or NULL.
 */
PVOID VmbPacketGetPointer(VMBPACKET Packet)
{
	return vmb_packet_get_pointer(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbPacketGetPointer, KMCL_NS);

/**
 * VmbPacketGetChannel() - vmb_packet_get_channel()
 * @Packet: which
 *
 * Context: any context. Return: its channel.
 */
VMBCHANNEL VmbPacketGetChannel(VMBPACKET Packet)
{
	return vmb_packet_get_channel(Packet);
}
EXPORT_SYMBOL_NS_GPL(VmbPacketGetChannel, KMCL_NS);

/**
 * VmbPacketSend() - vmb_packet_send()
 * @Packet: the library's until its routine is called, where STATUS_SUCCESS is
 *	returned
 * @Buffer: payload, copied
 * @BufferLength: its bytes
 * @ExternalDataMdl: memory for the peer, or NULL
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*
 *
 * Context: any context.
 * Return: STATUS_SUCCESS: sent or queued. STATUS_INVALID_BUFFER_SIZE: above the
 * channel's limits. STATUS_DEVICE_REMOVED: no link. STATUS_DEVICE_NOT_READY:
 * suspended. STATUS_INVALID_PARAMETER_1: it is being sent. Or what nt_status()
 * makes of the native error.
 */
NTSTATUS VmbPacketSend(VMBPACKET Packet, PVOID Buffer, UINT32 BufferLength, PMDL ExternalDataMdl,
		       UINT32 Flags)
{
	return nt_status(vmb_packet_send(Packet, Buffer, BufferLength, ExternalDataMdl, Flags));
}
EXPORT_SYMBOL_NS_GPL(VmbPacketSend, KMCL_NS);

/**
 * VmbPacketSendWithExternalMdl() - vmb_packet_send_with_external_mdl()
 * @Packet: as for VmbPacketSend()
 * @Buffer: payload, copied
 * @BufferLength: its bytes
 * @ExternalDataMdl: memory for the peer
 * @MdlOffset: where it starts, bytes into the chain
 * @MdlLength: its bytes; 0: all the rest
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION among them
 *
 * Context: any context. Return: as VmbPacketSend().
 */
NTSTATUS VmbPacketSendWithExternalMdl(VMBPACKET Packet, PVOID Buffer, UINT32 BufferLength,
				      PMDL ExternalDataMdl, UINT32 MdlOffset, UINT32 MdlLength,
				      UINT32 Flags)
{
	return nt_status(vmb_packet_send_with_external_mdl(Packet, Buffer, BufferLength,
							   ExternalDataMdl, MdlOffset, MdlLength,
							   Flags));
}
EXPORT_SYMBOL_NS_GPL(VmbPacketSendWithExternalMdl, KMCL_NS);

/**
 * VmbPacketSendWithExternalPfns() - vmb_packet_send_with_external_pfns()
 * @Packet: as for VmbPacketSend()
 * @Buffer: payload, copied
 * @BufferLength: its bytes
 * @ExternalDataPfns: page frame numbers of this kernel
 * @PfnOffset: index of the first one used
 * @PfnLength: how many
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION among them
 *
 * Context: process context or softirq. Return: as VmbPacketSend().
 */
NTSTATUS VmbPacketSendWithExternalPfns(VMBPACKET Packet, PVOID Buffer, UINT32 BufferLength,
				       PPFN_NUMBER ExternalDataPfns, UINT32 PfnOffset,
				       UINT32 PfnLength, UINT32 Flags)
{
	return nt_status(vmb_packet_send_with_external_pfns(Packet, Buffer, BufferLength,
							    ExternalDataPfns, PfnOffset, PfnLength,
							    Flags));
}
EXPORT_SYMBOL_NS_GPL(VmbPacketSendWithExternalPfns, KMCL_NS);

/* 100 ns units between 1601 and 1970 */
#define KMCL_WINDOWS_EPOCH	116444736000000000LL

/* Negative: from now; else since 1601. What has passed is 0: only what is done at once. */
static long kmcl_windows_jiffies(const LARGE_INTEGER *timeout)
{
	s64 units = -timeout->QuadPart;
	u64 ticks;

	if (timeout->QuadPart > 0)
		units = timeout->QuadPart - KMCL_WINDOWS_EPOCH -
			div_s64(ktime_get_real_ns(), 100);
	if (units <= 0)
		return 0;
	ticks = div_u64(units, TICK_NSEC / 100) + 1;
	return min_t(u64, ticks, MAX_SCHEDULE_TIMEOUT - 1);
}

/**
 * VmbChannelSendSynchronousRequest() - vmb_channel_send_synchronous_request()
 * @Channel: on which; a server: only with a zero timeout and without
 *	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
 * @Buffer: payload
 * @BufferSize: its bytes
 * @ExternalDataMdl: memory for the peer, or NULL
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*
 * @CompletionBuffer: where the answer goes, or NULL
 * @CompletionBufferSize: in: room there, a multiple of 8; out: bytes of the answer
 * @Timeout: in units of 100 ns. Negative: from now; positive: system time; 0:
 *	only what can be done at once; NULL: for ever
 *
 * Context: process context; on a server any context.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW: zero timeout, and it did not
 * fit; STATUS_CANCELLED: also when the time was up, since STATUS_TIMEOUT counts
 * as success; STATUS_DEVICE_REMOVED: no link, or it ended, or is being shut;
 * STATUS_NOT_SUPPORTED: a server that would wait; or what nt_status() makes of
 * the native error.
 */
NTSTATUS VmbChannelSendSynchronousRequest(VMBCHANNEL Channel, PVOID Buffer, UINT32 BufferSize,
					  PMDL ExternalDataMdl, UINT32 Flags,
					  PVOID CompletionBuffer, PUINT32 CompletionBufferSize,
					  PLARGE_INTEGER Timeout)
{
	long timeout = 0;
	int ret;

	if (!kmcl_windows_of(Channel))
		return STATUS_INVALID_PARAMETER_1;
	if (Timeout)
		timeout = kmcl_windows_jiffies(Timeout);
	ret = vmb_channel_send_synchronous_request(Channel, Buffer, BufferSize, ExternalDataMdl,
						   Flags, CompletionBuffer, CompletionBufferSize,
						   Timeout ? &timeout : NULL);
	switch (ret) {
	case -ETIMEDOUT:
		return STATUS_CANCELLED;
	case -ESHUTDOWN:
		return STATUS_DEVICE_REMOVED;
	default:
		return nt_status(ret);
	}
}
EXPORT_SYMBOL_NS_GPL(VmbChannelSendSynchronousRequest, KMCL_NS);
