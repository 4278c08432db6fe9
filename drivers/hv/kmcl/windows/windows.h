/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL by its Windows names: what the files of this layer share. It uses the
 * public API alone. Each function does what the native one of its name does,
 * after the checks that Windows tells apart by its statuses; native kernel-doc
 * has the rest.
 */
#ifndef _KMCL_WINDOWS_H
#define _KMCL_WINDOWS_H

#include <linux/kmcl.h>
#include <linux/kmcl_wrapper.h>
#include <linux/export.h>

#include "VmbusKernelModeClientLibApi.h"

/* With each channel of VmbChannelAllocate(): what the native callbacks call. */
struct kmcl_windows {
	bool server;
	PFN_VMB_CHANNEL_OPENED opened;
	PFN_VMB_CHANNEL_PNP_FAILURE pnp_failure;
	PFN_VMB_CHANNEL_SAVE_PACKET save_packet;
	PFN_VMB_CHANNEL_RESTORE_PACKET restore_packet;
};

/* NULL where VmbChannelAllocate() did not make the channel. */
static inline struct kmcl_windows *kmcl_windows_of(VMBCHANNEL channel)
{
	return channel ? vmb_channel_get_wrapper(channel) : NULL;
}

/* STATUS_SUCCESS for a server's channel */
static inline NTSTATUS kmcl_windows_server(VMBCHANNEL channel)
{
	struct kmcl_windows *w = kmcl_windows_of(channel);

	if (!w)
		return STATUS_INVALID_PARAMETER_1;
	return w->server ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* What a callback of the consumer says. */
static inline int kmcl_windows_answer(NTSTATUS status)
{
	return NT_SUCCESS(status) ? 0 : nt_errno(status);
}

#endif /* _KMCL_WINDOWS_H */
