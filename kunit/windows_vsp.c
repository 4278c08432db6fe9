// SPDX-License-Identifier: GPL-2.0
/*
 * A VSP in Windows names alone; see windows_vsp.h.
 */
#include "windows_vsp.h"

static EVT_VMB_CHANNEL_OPENED EchoEvtOpened;
static EVT_VMB_CHANNEL_STARTED EchoEvtStarted;
static EVT_VMB_CHANNEL_POST_STARTED EchoEvtPostStarted;
static EVT_VMB_CHANNEL_SUSPEND EchoEvtSuspend;
static EVT_VMB_CHANNEL_CLOSED EchoEvtClosed;
static EVT_VMB_CHANNEL_PROCESS_PACKET EchoEvtProcessPacket;
static EVT_VMB_CHANNEL_PROCESSING_COMPLETE EchoEvtProcessingComplete;
static EVT_VMB_CHANNEL_SAVE_PACKET EchoEvtSavePacket;
static EVT_VMB_CHANNEL_RESTORE_PACKET EchoEvtRestorePacket;
static EVT_VMB_PACKET_COMPLETION_ROUTINE EchoEvtAnswered;

static NTSTATUS EchoEvtOpened(_In_ VMBCHANNEL Channel)
{
	PECHO_VSP Vsp = VmbChannelGetPointer(Channel);

	Vsp->Opened++;
	return Vsp->OpenStatus;
}

static VOID EchoEvtStarted(_In_ VMBCHANNEL Channel)
{
	((PECHO_VSP)VmbChannelGetPointer(Channel))->Started++;
}

static VOID EchoEvtPostStarted(_In_ VMBCHANNEL Channel)
{
	((PECHO_VSP)VmbChannelGetPointer(Channel))->PostStarted++;
}

static VOID EchoEvtSuspend(_In_ VMBCHANNEL Channel)
{
	PECHO_VSP Vsp = VmbChannelGetPointer(Channel);

	Vsp->Suspended++;
	if (Vsp->Held)
		VmbChannelPacketComplete(Vsp->Held, NULL, 0);
	Vsp->Held = NULL;
}

static VOID EchoEvtClosed(_In_ VMBCHANNEL Channel)
{
	((PECHO_VSP)VmbChannelGetPointer(Channel))->Closed++;
}

static VOID EchoEvtProcessPacket(_In_ VMBCHANNEL Channel, _In_ VMBPACKETCOMPLETION Packet,
				 _In_reads_bytes_(BufferLength) PVOID Buffer,
				 _In_ UINT32 BufferLength, _In_ UINT32 Flags)
{
	PECHO_VSP Vsp = VmbChannelGetPointer(Channel);

	UNREFERENCED_PARAMETER(Flags);
	Vsp->Requests++;
	if (Vsp->Hold)
		Vsp->Held = Packet;
	else
		VmbChannelPacketComplete(Packet, Buffer, BufferLength);
}

static VOID EchoEvtProcessingComplete(_In_ VMBCHANNEL Channel, _In_ UINT32 PacketsProcessed)
{
	UNREFERENCED_PARAMETER(PacketsProcessed);
	((PECHO_VSP)VmbChannelGetPointer(Channel))->Batches++;
}

static VOID EchoEvtAnswered(_In_ VMBPACKET Packet, _In_ NTSTATUS Status,
			    _In_reads_bytes_(BufferLength) PVOID Buffer, _In_ UINT32 BufferLength)
{
	PECHO_QUESTION Question = VmbPacketGetPointer(Packet);

	Question->Status = Status;
	Question->AnswerLength = BufferLength;
	if (NT_SUCCESS(Status) && BufferLength <= sizeof(Question->Answer))
		memcpy(Question->Answer, Buffer, BufferLength);
	VmbPacketFree(Packet);
	/* Read by the test without a lock */
	smp_store_release(&Question->Done, TRUE);
}

NTSTATUS EchoAsk(PECHO_VSP Vsp, UINT32 Index, UINT32 Tag, UINT32 Flags)
{
	PECHO_QUESTION Question = &Vsp->Questions[Index];
	VMBPACKET Packet = VmbPacketAllocate(Vsp->Channel);
	NTSTATUS Status;

	if (!Packet)
		return STATUS_INSUFFICIENT_RESOURCES;
	memset(Question, 0, sizeof(*Question));
	Question->Asked = TRUE;
	Question->Tag = Tag;
	VmbPacketSetPointer(Packet, Question);
	VmbPacketSetCompletionRoutine(Packet, EchoEvtAnswered);
	Status = VmbPacketSend(Packet, &Tag, sizeof(Tag), NULL, Flags);
	if (!NT_SUCCESS(Status)) {
		VmbPacketFree(Packet);
		Question->Asked = FALSE;
	}
	return Status;
}

static NTSTATUS EchoEvtSavePacket(_In_ VMBCHANNEL Channel, _In_ VMBPACKET Packet,
				  _Out_writes_bytes_(SaveBufSize) PVOID SaveBuf,
				  _In_ UINT32 SaveBufSize, _Out_ PUINT32 BytesNeeded)
{
	PECHO_VSP Vsp = VmbChannelGetPointer(Channel);
	PECHO_QUESTION Question = VmbPacketGetPointer(Packet);
	PECHO_SAVED Saved = SaveBuf;

	Vsp->SaveCalls++;
	Vsp->LastSaveSize = SaveBufSize;
	if (!NT_SUCCESS(Vsp->SaveStatus))
		return Vsp->SaveStatus;
	if (SaveBufSize < sizeof(*Saved)) {
		*BytesNeeded = sizeof(*Saved);
		return STATUS_BUFFER_TOO_SMALL;
	}
	Saved->Index = Question - Vsp->Questions;
	Saved->Tag = Question->Tag;
	if (!NT_SUCCESS(Vsp->SaveAgainStatus))
		*BytesNeeded = sizeof(*Saved) + 1;
	return Vsp->SaveAgainStatus;
}

static NTSTATUS EchoEvtRestorePacket(_In_ VMBCHANNEL Channel,
				     _In_reads_bytes_(LibBufSize) PVOID LibBuf,
				     _In_ UINT32 LibBufSize,
				     _In_reads_bytes_(SaveBufSize) PVOID SaveBuf,
				     _In_ UINT32 SaveBufSize)
{
	PECHO_VSP Vsp = VmbChannelGetPointer(Channel);
	PECHO_SAVED Saved = SaveBuf;
	PECHO_QUESTION Question;
	VMBPACKET Packet;
	NTSTATUS Status;

	if (!NT_SUCCESS(Vsp->RestoreStatus))
		return Vsp->RestoreStatus;
	if (SaveBufSize != sizeof(*Saved) || Saved->Index >= ECHO_QUESTIONS)
		return STATUS_DATA_ERROR;
	Packet = VmbPacketAllocate(Channel);
	if (!Packet)
		return STATUS_INSUFFICIENT_RESOURCES;
	Question = &Vsp->Questions[Saved->Index];
	Question->Asked = TRUE;
	Question->Restored = TRUE;
	Question->Tag = Saved->Tag;
	VmbPacketSetPointer(Packet, Question);
	VmbPacketSetCompletionRoutine(Packet, EchoEvtAnswered);
	Status = VmbPacketRestore(Packet, LibBuf, LibBufSize);
	Vsp->PacketRestoreStatus = Status;
	if (!NT_SUCCESS(Status))
		VmbPacketFree(Packet);
	return Status;
}

NTSTATUS EchoCreate(PECHO_VSP Vsp, HANDLE VmbusHandle, GUID Type, GUID Instance)
{
	DECLARE_CONST_UNICODE_STRING(Name, L"Echo");
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS Callbacks;
	VMBCHANNEL Channel;
	NTSTATUS Status;

	Status = VmbChannelAllocate(NULL, TRUE, &Channel);
	if (!NT_SUCCESS(Status))
		return Status;
	VmbChannelSetPointer(Channel, Vsp);
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&Callbacks);
	Callbacks.EvtChannelOpened = EchoEvtOpened;
	Callbacks.EvtChannelStarted = EchoEvtStarted;
	Callbacks.EvtChannelPostStarted = EchoEvtPostStarted;
	Callbacks.EvtChannelSuspend = EchoEvtSuspend;
	Callbacks.EvtChannelClosed = EchoEvtClosed;
	Status = VmbChannelInitSetFriendlyName(Channel, &Name);
	if (NT_SUCCESS(Status))
		Status = VmbChannelInitSetMaximumPacketSize(Channel, 256);
	if (NT_SUCCESS(Status))
		Status = VmbChannelInitSetStateChangeCallbacks(Channel, &Callbacks);
	if (NT_SUCCESS(Status))
		Status = VmbChannelInitSetProcessPacketCallbacks(Channel, EchoEvtProcessPacket,
								 EchoEvtProcessingComplete);
	if (NT_SUCCESS(Status))
		Status = VmbServerChannelInitSetSaveRestorePacketCallbacks(Channel,
									   EchoEvtSavePacket,
									   EchoEvtRestorePacket);
	if (NT_SUCCESS(Status))
		Status = VmbServerChannelInitSetTargetInterfaceId(Channel, Type, Instance);
	if (NT_SUCCESS(Status))
		Status = VmbServerChannelInitSetVmbusHandle(Channel, VmbusHandle);
	if (!NT_SUCCESS(Status)) {
		VmbChannelCleanup(Channel);
		return Status;
	}
	Vsp->Channel = Channel;
	return STATUS_SUCCESS;
}

VOID EchoDestroy(PECHO_VSP Vsp)
{
	if (!Vsp->Channel)
		return;
	VmbChannelDisable(Vsp->Channel);
	VmbChannelCleanup(Vsp->Channel);
	Vsp->Channel = NULL;
}
