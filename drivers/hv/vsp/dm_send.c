// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: our messages, from here into the ring.
 */

#include "dm.h"

/* The consumer's part of a saved message: what it is */
struct vdm_saved_message {
	__le32 type;
	__le32 reserved;
};

/* Of some there is one at a time. */
static void vdm_send_mark(struct vdm *dm, enum vdm_type type, int queued)
{
	if (type == VDM_STATUS_REPORT)
		atomic_set(&dm->report_queued, queued);
	if (type == VDM_BALLOON_RESPONSE)
		atomic_set(&dm->response_queued, queued);
}

static void vdm_send_forget_restored(struct vdm *dm, struct vmb_packet *packet)
{
	unsigned int i;

	spin_lock_bh(&dm->lock);
	for (i = 0; i < dm->nr_restored; i++)
		if (dm->restored_packets[i] == packet)
			dm->restored_packets[i] = dm->restored_packets[--dm->nr_restored];
	spin_unlock_bh(&dm->lock);
}

/* A message is in the ring, or will never be. */
static void vdm_send_done(struct vmb_packet *packet, int status, void *buffer, u32 length)
{
	struct vdm *dm = vmb_channel_get_pointer(vmb_packet_get_channel(packet));
	enum vdm_type type = (unsigned long)vmb_packet_get_pointer(packet);

	if (type == VDM_STATUS_REPORT && !status)
		vdm_count(dm, VDM_REPORTS, 1);
	vdm_send_mark(dm, type, 0);
	vdm_send_forget_restored(dm, packet);
	/* The pages of a response that got lost come back when the link ends. */
	if (type == VDM_BALLOON_RESPONSE)
		vdm_inbox_kick(dm);
	vmb_packet_free(packet);
}

/**
 * vdm_send_prepare() - see to it that the next message can be sent
 * @dm: who
 *
 * Before a message of the host is acted upon, so that none is acted upon that
 * cannot be answered: memory may be short where a balloon is large.
 *
 * Context: process context, vdm.mutex held. Return: can it be sent?
 */
bool vdm_send_prepare(struct vdm *dm)
{
	if (!dm->spare)
		dm->spare = vmb_packet_allocate(dm->channel);
	return dm->spare;
}

/**
 * vdm_send_unprepare() - it will not be needed
 * @dm: who
 *
 * Context: process context, the channel Disabled.
 */
void vdm_send_unprepare(struct vdm *dm)
{
	if (dm->spare)
		vmb_packet_free(dm->spare);
	dm->spare = NULL;
}

static void vdm_send_init(struct vmb_packet *packet, enum vdm_type type)
{
	vmb_packet_set_completion_routine(packet, vdm_send_done);
	vmb_packet_set_pointer(packet, (void *)(unsigned long)type);
}

/**
 * vdm_send() - send a message
 * @dm: who
 * @message: begins with room for its header
 * @type: of the message
 * @size: its bytes
 *
 * The number it gets is our own: hosts are not known to compare the numbers of
 * answers with those of what they asked.
 *
 * Context: process context, vdm.mutex held.
 * Return: 0; -ENOMEM, but for the first one after vdm_send_prepare(); or as
 * vmb_packet_send().
 */
int vdm_send(struct vdm *dm, void *message, enum vdm_type type, u32 size)
{
	struct vdm_header *header = message;
	int ret;

	if (!vdm_send_prepare(dm))
		return -ENOMEM;
	header->type = cpu_to_le16(type);
	header->size = cpu_to_le16(size);
	header->trans_id = cpu_to_le32(++dm->trans_id);
	vdm_send_init(dm->spare, type);
	ret = vmb_packet_send(dm->spare, message, size, NULL, 0);
	if (!ret)
		dm->spare = NULL;
	return ret;
}

/**
 * vdm_send_save() - save callback for our messages that are not in the ring
 * @channel: as in &typedef vmb_channel_save_packet_fn
 * @packet: the same
 * @buffer: the same
 * @size: the same
 * @bytes_needed: the same
 *
 * Return: the same.
 */
int vdm_send_save(struct vmb_channel *channel, struct vmb_packet *packet, void *buffer,
		  u32 size, u32 *bytes_needed)
{
	struct vdm_saved_message saved = {
		.type = cpu_to_le32((unsigned long)vmb_packet_get_pointer(packet)),
	};

	*bytes_needed = sizeof(saved);
	if (size < sizeof(saved))
		return -ENOSPC;
	memcpy(buffer, &saved, sizeof(saved));
	return 0;
}

/**
 * vdm_send_restore() - restore callback for them
 * @channel: as in &typedef vmb_channel_restore_packet_fn
 * @lib_buffer: the same
 * @lib_size: the same
 * @buffer: the same
 * @size: the same
 *
 * Return: the same.
 */
int vdm_send_restore(struct vmb_channel *channel, const void *lib_buffer, u32 lib_size,
		     const void *buffer, u32 size)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);
	struct vdm_saved_message saved;
	struct vmb_packet *packet;
	enum vdm_type type;
	int ret;

	if (size != sizeof(saved))
		return -EBADMSG;
	memcpy(&saved, buffer, sizeof(saved));
	type = le32_to_cpu(saved.type);
	packet = vmb_packet_allocate(channel);
	if (!packet)
		return -ENOMEM;
	vdm_send_init(packet, type);
	vdm_send_mark(dm, type, 1);
	ret = vmb_packet_restore(packet, lib_buffer, lib_size);
	if (ret) {
		vdm_send_mark(dm, type, 0);
		vmb_packet_free(packet);
		return ret;
	}
	/* The channel has no more than this many. */
	spin_lock_bh(&dm->lock);
	if (dm->nr_restored < VDM_PACKETS)
		dm->restored_packets[dm->nr_restored++] = packet;
	spin_unlock_bh(&dm->lock);
	return 0;
}

/**
 * vdm_send_drop_restored() - the protocol starts over: send none of those
 * @dm: who
 *
 * A packet that was queued goes out on the next link, whatever that is.
 *
 * Context: the Opened callback, before which nothing is sent.
 */
void vdm_send_drop_restored(struct vdm *dm)
{
	struct vmb_packet *packet;

	for (;;) {
		spin_lock_bh(&dm->lock);
		packet = dm->nr_restored ? dm->restored_packets[0] : NULL;
		spin_unlock_bh(&dm->lock);
		/* Its routine takes it out. */
		if (!packet || vmb_packet_cancel(packet))
			break;
	}
}
