/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VSP as a Windows driver would have it, in Windows names alone: it echoes what
 * it gets, asks its client questions, and can be saved and restored.
 */
#ifndef _KMCL_WINDOWS_VSP_H
#define _KMCL_WINDOWS_VSP_H

#include "VmbusKernelModeClientLibApi.h"

#define ECHO_QUESTIONS	8

/* One question to the client */
typedef struct {
	BOOLEAN Asked;
	BOOLEAN Done;
	BOOLEAN Restored;
	UINT32 Tag;
	NTSTATUS Status;
	UINT32 AnswerLength;
	UINT8 Answer[16];
} ECHO_QUESTION, *PECHO_QUESTION;

/* What it saves with each: the library keeps the packet itself. */
typedef struct {
	UINT32 Index;
	UINT32 Tag;
} ECHO_SAVED, *PECHO_SAVED;

typedef struct {
	VMBCHANNEL Channel;
	NTSTATUS OpenStatus;		/* what EvtChannelOpened returns */
	BOOLEAN Hold;			/* keep requests instead of echoing them */
	VMBPACKETCOMPLETION Held;
	NTSTATUS SaveStatus;		/* if a failure: of EvtVmbChannelSavePacket */
	NTSTATUS SaveAgainStatus;	/* the same, at the second call */
	NTSTATUS RestoreStatus;		/* of EvtVmbChannelRestorePacket */
	NTSTATUS PacketRestoreStatus;	/* what VmbPacketRestore() said last */
	UINT32 Opened;
	UINT32 Started;
	UINT32 PostStarted;
	UINT32 Suspended;
	UINT32 Closed;
	UINT32 Requests;
	UINT32 Batches;
	UINT32 SaveCalls;
	UINT32 LastSaveSize;
	ECHO_QUESTION Questions[ECHO_QUESTIONS];
} ECHO_VSP, *PECHO_VSP;

NTSTATUS EchoCreate(PECHO_VSP Vsp, HANDLE VmbusHandle, GUID Type, GUID Instance);
VOID EchoDestroy(PECHO_VSP Vsp);
NTSTATUS EchoAsk(PECHO_VSP Vsp, UINT32 Index, UINT32 Tag, UINT32 Flags);

#endif /* _KMCL_WINDOWS_VSP_H */
