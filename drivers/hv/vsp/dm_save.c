// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: what outlives a kexec: how far the protocol has come, and what was
 * counted. Messages are the library's to save. Pages that are with the host
 * are not saved: the next kernel could not know them for what they are, so with
 * one out there is no handover.
 */

#include "dm.h"

#define VDM_SAVE_LAYOUT	1U

/* Channel state in the save stream; later layouts may add counters. */
struct vdm_save {
	__le32 layout;
	__le32 state;
	__le32 version;
	__le32 trans_id;
	__le64 max_pages;
	__le32 suppressed;
	__le32 nr_counters;
	__le64 counters[];
};

/**
 * vdm_save_state() - channel-state save callback
 * @channel: as in &typedef vmb_channel_save_state_fn
 * @buffer: the same
 * @size: the same
 * @bytes_needed: the same
 *
 * Return: the same.
 */
int vdm_save_state(struct vmb_channel *channel, void *buffer, u32 size, u32 *bytes_needed)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	struct vdm_save *save = buffer;
	unsigned int i;

	*bytes_needed = struct_size(save, counters, VDM_NR_COUNTERS);
	if (size < *bytes_needed)
		return -ENOSPC;
	mutex_lock(&dm->mutex);
	*save = (struct vdm_save) {
		.layout = cpu_to_le32(VDM_SAVE_LAYOUT),
		.state = cpu_to_le32(dm->state),
		.version = cpu_to_le32(dm->version),
		.trans_id = cpu_to_le32(dm->trans_id),
		.max_pages = cpu_to_le64(dm->max_pages),
		.suppressed = cpu_to_le32(dm->suppressed),
		.nr_counters = cpu_to_le32(VDM_NR_COUNTERS),
	};
	for (i = 0; i < VDM_NR_COUNTERS; i++)
		save->counters[i] = cpu_to_le64(atomic64_read(&dm->counters[i]));
	mutex_unlock(&dm->mutex);
	return 0;
}

/**
 * vdm_restore_state() - channel-state restore callback
 * @channel: as in &typedef vmb_channel_restore_state_fn
 * @buffer: the same
 * @size: the same
 *
 * What it takes in counts once the link is there: until then the restore can
 * still be undone.
 *
 * Return: 0; -EBADMSG: not ours; -EOPNOTSUPP: of a layout not known here.
 */
int vdm_restore_state(struct vmb_channel *channel, const void *buffer, u32 size)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	const struct vdm_save *save = buffer;
	struct vdm_saved saved = {};
	u32 i, nr;

	if (size < sizeof(*save))
		return -EBADMSG;
	if (le32_to_cpu(save->layout) != VDM_SAVE_LAYOUT)
		return -EOPNOTSUPP;
	nr = le32_to_cpu(save->nr_counters);
	if ((size - sizeof(*save)) / sizeof(save->counters[0]) != nr ||
	    le32_to_cpu(save->state) > VDM_FAILED || le32_to_cpu(save->suppressed) > 1)
		return -EBADMSG;
	saved.state = le32_to_cpu(save->state);
	saved.version = le32_to_cpu(save->version);
	saved.trans_id = le32_to_cpu(save->trans_id);
	saved.max_pages = le64_to_cpu(save->max_pages);
	saved.suppressed = le32_to_cpu(save->suppressed);
	/* Those of a later version that we do not know are lost. */
	for (i = 0; i < min_t(u32, nr, VDM_NR_COUNTERS); i++)
		saved.counters[i] = le64_to_cpu(save->counters[i]);
	mutex_lock(&dm->mutex);
	dm->restored = saved;
	dm->has_restored = true;
	mutex_unlock(&dm->mutex);
	return 0;
}

/**
 * vdm_query_handover() - query-handover callback: not with pages out
 * @channel: as in &typedef vmb_channel_query_handover_fn
 * @reason: the same
 * @size: the same
 *
 * Return: 0; -EBUSY.
 */
int vdm_query_handover(struct vmb_channel *channel, char *reason, u32 size)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	/* Without the mutex: a long answer to the host holds nobody up here. */
	unsigned long kib = READ_ONCE(dm->pages.out) << (PAGE_SHIFT - 10);

	if (!kib)
		return 0;
	scnprintf(reason, size,
		  "%lu %s are with the host; have it take the balloon back (set the VM's memory to its maximum), then try again",
		  kib % 1024 ? kib : kib / 1024, kib % 1024 ? "KiB" : "MiB");
	return -EBUSY;
}
