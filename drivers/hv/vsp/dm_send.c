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

/* A message is in the ring, or will never be. */
static void vdm_send_done(struct vmb_packet *packet, int status, void *buffer, u32 length)
{
	struct vdm *dm = vmb_channel_get_pointer(vmb_packet_get_channel(packet));
	enum vdm_type type = (unsigned long)vmb_packet_get_pointer(packet);

	switch (type) {
	case VDM_STATUS_REPORT:
		if (!status)
			vdm_count(dm, VDM_REPORTS, 1);
		atomic_set(&dm->report_queued, 0);
		break;
	case VDM_BALLOON_RESPONSE:
		/* The pages of one that got lost come back when the link ends. */
		atomic_set(&dm->response_queued, 0);
		vdm_inbox_kick(dm);
		break;
	default:
		break;
	}
	vmb_packet_free(packet);
}

static struct vmb_packet *vdm_send_packet(struct vmb_channel *channel, enum vdm_type type)
{
	struct vmb_packet *packet = vmb_packet_allocate(channel);

	if (packet) {
		vmb_packet_set_completion_routine(packet, vdm_send_done);
		vmb_packet_set_pointer(packet, (void *)(unsigned long)type);
	}
	return packet;
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
 * Return: 0; -ENOMEM; or as vmb_packet_send().
 */
int vdm_send(struct vdm *dm, void *message, enum vdm_type type, u32 size)
{
	struct vmb_packet *packet = vdm_send_packet(dm->channel, type);
	struct vdm_header *header = message;
	int ret;

	if (!packet)
		return -ENOMEM;
	header->type = cpu_to_le16(type);
	header->size = cpu_to_le16(size);
	header->trans_id = cpu_to_le32(++dm->trans_id);
	ret = vmb_packet_send(packet, message, size, NULL, 0);
	if (ret)
		vmb_packet_free(packet);
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
	packet = vdm_send_packet(channel, type);
	if (!packet)
		return -ENOMEM;
	/* Set before: once the library has it, its routine may run. */
	if (type == VDM_STATUS_REPORT)
		atomic_set(&dm->report_queued, 1);
	if (type == VDM_BALLOON_RESPONSE)
		atomic_set(&dm->response_queued, 1);
	ret = vmb_packet_restore(packet, lib_buffer, lib_size);
	if (ret) {
		if (type == VDM_STATUS_REPORT)
			atomic_set(&dm->report_queued, 0);
		if (type == VDM_BALLOON_RESPONSE)
			atomic_set(&dm->response_queued, 0);
		vmb_packet_free(packet);
	}
	return ret;
}
