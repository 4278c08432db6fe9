// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the host's messages, from their arrival until they are acted upon.
 *
 * Each is a received packet that is completed once that has happened. In
 * between it is the library's to save. An entry lives in the client context of
 * its packet, so that taking one in needs no memory of our own; how many there
 * can be is the channel's quota.
 */

#include "dm.h"

/**
 * vdm_inbox_init() - it is empty
 * @dm: whose
 */
void vdm_inbox_init(struct vdm *dm)
{
	spin_lock_init(&dm->lock);
	INIT_LIST_HEAD(&dm->inbox);
}

/* True: it is the first. */
static bool vdm_inbox_add(struct vdm *dm, struct vmb_packet_completion *packet,
			  const void *data, u32 length)
{
	struct vdm_message *message = vmb_channel_packet_get_client_context(packet);
	bool first;

	message->packet = packet;
	message->data = data;
	message->length = length;
	spin_lock_bh(&dm->lock);
	first = list_empty(&dm->inbox);
	list_add_tail(&message->node, &dm->inbox);
	spin_unlock_bh(&dm->lock);
	return first;
}

/**
 * vdm_inbox_process() - process-packet callback
 * @channel: as in &typedef vmb_channel_process_packet_fn
 * @packet: the same
 * @buffer: the same
 * @length: the same
 * @flags: the same
 */
void vdm_inbox_process(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		       void *buffer, u32 length, u32 flags)
{
	struct vdm *dm = vmb_channel_get_pointer(channel);

	/* Those behind the first come when that is done. */
	if (vdm_inbox_add(dm, packet, buffer, length))
		mod_delayed_work(dm->wq, &dm->inbox_work,
				 msecs_to_jiffies(READ_ONCE(dm->delay_ms)));
}

/**
 * vdm_inbox_kick() - go on with the message that is first
 * @dm: whose
 *
 * Context: any but hard interrupts.
 */
void vdm_inbox_kick(struct vdm *dm)
{
	queue_delayed_work(dm->wq, &dm->inbox_work, 0);
}

static struct vdm_message *vdm_inbox_first(struct vdm *dm)
{
	struct vdm_message *message;

	spin_lock_bh(&dm->lock);
	message = list_first_entry_or_null(&dm->inbox, struct vdm_message, node);
	spin_unlock_bh(&dm->lock);
	return message;
}

/**
 * vdm_inbox_empty() - does no message of the host wait to be acted upon?
 * @dm: whose
 *
 * Context: process context. Return: the answer.
 */
bool vdm_inbox_empty(struct vdm *dm)
{
	return !vdm_inbox_first(dm);
}

/**
 * vdm_inbox_resume() - act upon what has been waiting, as if it had just come
 * @dm: whose
 *
 * Context: process context.
 */
void vdm_inbox_resume(struct vdm *dm)
{
	if (vdm_inbox_first(dm))
		mod_delayed_work(dm->wq, &dm->inbox_work,
				 msecs_to_jiffies(READ_ONCE(dm->delay_ms)));
}

/* The first message is dealt with. True: there are more. */
static bool vdm_inbox_done(struct vdm *dm, struct vdm_message *message)
{
	bool more;

	spin_lock_bh(&dm->lock);
	list_del(&message->node);
	more = !list_empty(&dm->inbox);
	spin_unlock_bh(&dm->lock);
	/* The entry is gone after this. */
	vmb_channel_packet_complete(message->packet, NULL, 0);
	return more;
}

/**
 * vdm_inbox_work() - act upon the first message
 * @work: vdm.inbox_work
 *
 * One message a time, or one step of a long one: others may want the mutex.
 */
void vdm_inbox_work(struct work_struct *work)
{
	struct vdm *dm = container_of(to_delayed_work(work), struct vdm, inbox_work);
	struct vdm_message *message;

	mutex_lock(&dm->mutex);
	message = dm->running ? vdm_inbox_first(dm) : NULL;
	if (message && !vdm_send_prepare(dm)) {
		queue_delayed_work(dm->wq, &dm->inbox_work, HZ / 10);
		message = NULL;
	}
	if (message && vdm_protocol_act(dm, message->data, message->length) &&
	    vdm_inbox_done(dm, message))
		queue_delayed_work(dm->wq, &dm->inbox_work,
				   msecs_to_jiffies(READ_ONCE(dm->delay_ms)));
	mutex_unlock(&dm->mutex);
}

/**
 * vdm_inbox_flush() - complete all messages without acting upon them
 * @dm: whose
 *
 * Context: process context, vdm.mutex held. Return: how many there were.
 */
u32 vdm_inbox_flush(struct vdm *dm)
{
	struct vdm_message *message;
	u32 n = 0;

	while ((message = vdm_inbox_first(dm))) {
		vdm_inbox_done(dm, message);
		n++;
	}
	return n;
}

/**
 * vdm_inbox_forget() - the library took back what was in it
 * @dm: whose
 *
 * Context: process context.
 */
void vdm_inbox_forget(struct vdm *dm)
{
	spin_lock_bh(&dm->lock);
	/* The memory of the entries may be gone: do not look. */
	INIT_LIST_HEAD(&dm->inbox);
	spin_unlock_bh(&dm->lock);
}

/**
 * vdm_inbox_save() - save callback for messages that wait
 * @channel: as in &typedef vmb_channel_save_received_fn
 * @packet: the same
 * @buffer: the same
 * @size: the same
 * @bytes_needed: the same
 *
 * All there is to know of one is in the packet.
 *
 * Return: 0.
 */
int vdm_inbox_save(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		   void *buffer, u32 size, u32 *bytes_needed)
{
	return 0;
}

/**
 * vdm_inbox_restore() - restore callback for them
 * @channel: as in &typedef vmb_channel_restore_received_fn
 * @packet: the same
 * @payload: the same
 * @length: the same
 * @flags: the same
 * @buffer: the same
 * @size: the same
 *
 * Return: 0; -EBADMSG: not ours.
 */
int vdm_inbox_restore(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		      void *payload, u32 length, u32 flags, const void *buffer, u32 size)
{
	if (size)
		return -EBADMSG;
	vdm_inbox_add(vmb_channel_get_pointer(channel), packet, payload, length);
	return 0;
}
