// SPDX-License-Identifier: GPL-2.0
/*
 * Configuring a channel: what both ends are told.
 *
 * The configuration may change while the channel is Disabled and not prepared:
 * the first enable, packet or restore allocates by it and fixes it, until
 * nothing made by it is left.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "internal.h"

/* Serialises vmb_channel.prepared; taken with nothing held, takes nothing. */
static DEFINE_MUTEX(kmcl_prepare_mutex);

int kmcl_channel_prepare(struct vmb_channel *ch)
{
	int ret = 0;

	might_sleep();
	mutex_lock(&kmcl_prepare_mutex);
	if (ch->prepared)
		goto out;
	/* External memory is the bus's business: it has to be known. */
	if (ch->cfg.max_external &&
	    !(ch->cfg.bus && (ch->ops->caps & KMCL_CAP_EXTERNAL))) {
		ret = ch->cfg.bus ? -EOPNOTSUPP : -EINVAL;
		goto out;
	}
	ret = kmcl_packet_prepare(ch);
	if (ret)
		goto out;
	ret = kmcl_received_prepare(ch);
	if (ret) {
		kmcl_packet_unprepare(ch);
		goto out;
	}
	/* Pairs with kmcl_channel_prepared(). */
	smp_store_release(&ch->prepared, true);
out:
	mutex_unlock(&kmcl_prepare_mutex);
	return ret;
}

void kmcl_channel_unprepare(struct vmb_channel *ch)
{
	mutex_lock(&kmcl_prepare_mutex);
	if (ch->prepared) {
		WRITE_ONCE(ch->prepared, false);
		kmcl_received_unprepare(ch);
		kmcl_packet_unprepare(ch);
	}
	mutex_unlock(&kmcl_prepare_mutex);
}

/* May the configuration change? Drops what was prepared by the old one. */
int kmcl_config_begin(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ok;

	might_sleep();
	spin_lock_irqsave(&ch->lock, flags);
	ok = ch->state == KMCL_DISABLED && !ch->want_enabled && !ch->restore && !ch->restored &&
	     !atomic_read(&ch->nr_packets) && !ch->nr_slots;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!ok)
		return -EBUSY;
	kmcl_channel_unprepare(ch);
	return 0;
}

/**
 * vmb_channel_init_set_flags() - flags common to both ends
 * @ch: a Disabled channel
 * @flags: VMB_CHANNEL_INIT_FLAG_*
 *
 * Windows: VmbChannelInitSetFlags. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: unknown flags.
 */
int vmb_channel_init_set_flags(struct vmb_channel *ch, u32 flags)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (flags & ~VMB_CHANNEL_INIT_FLAG_IS_PIPE)
		return -EINVAL;
	ch->cfg.flags = flags;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_flags, KMCL_NS);

/**
 * vmb_channel_init_set_client_context_size() - scratch memory with each received
 *	packet
 * @ch: a Disabled channel
 * @size: bytes, at most %VMB_MAX_CONTEXT_SIZE; 0: none
 *
 * Windows: VmbChannelInitSetClientContextSize. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_client_context_size(struct vmb_channel *ch, u32 size)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (size > VMB_MAX_CONTEXT_SIZE)
		return -EINVAL;
	ch->cfg.context_size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_client_context_size, KMCL_NS);

/**
 * vmb_channel_init_set_friendly_name() - what to call it in logs and lists
 * @ch: a Disabled channel
 * @name: copied; 1 to %KMCL_NAME_MAX - 1 printable characters
 *
 * Windows: VmbChannelInitSetFriendlyName. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_friendly_name(struct vmb_channel *ch, const char *name)
{
	int ret = kmcl_config_begin(ch);
	size_t i, len;

	if (ret)
		return ret;
	len = name ? strlen(name) : 0;
	if (!len || len >= sizeof(ch->cfg.name))
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isprint(name[i]))
			return -EINVAL;
	strscpy_pad(ch->cfg.name, name, sizeof(ch->cfg.name));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_friendly_name, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_packet_size() - bound on payloads, both ways
 * @ch: a Disabled channel
 * @size: bytes, 1 to %VMB_MAX_PACKET_SIZE; %VMB_DEFAULT_PACKET_SIZE at first
 *
 * Windows: VmbChannelInitSetMaximumPacketSize. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_packet_size(struct vmb_channel *ch, u32 size)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!size || size > VMB_MAX_PACKET_SIZE)
		return -EINVAL;
	ch->cfg.max_packet_size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_packet_size, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_packet_count() - how many packets it may send
 * @ch: a Disabled channel
 * @count: packet objects that may exist at a time, 1 to %VMB_MAX_PACKET_COUNT;
 *	%VMB_DEFAULT_PACKET_COUNT at first
 *
 * Windows: VmbChannelInitSetMaximumPacketCount. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_packet_count(struct vmb_channel *ch, u32 count)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!count || count > VMB_MAX_PACKET_COUNT)
		return -EINVAL;
	ch->cfg.max_packets = count;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_packet_count, KMCL_NS);

/**
 * vmb_channel_init_set_maximum_external_data() - bound on memory that packets
 *	describe, both ways
 * @ch: a Disabled channel
 * @size: bytes a packet, 1 to %VMB_MAX_EXTERNAL_DATA; at first there is none
 * @chain_length: MDLs a chain, or ranges a received packet, 1 to
 *	%VMB_MAX_CHAIN_LENGTH
 *
 * On a bus that bounces (loopback) each packet object reserves @size bytes of
 * the bus's memory. Windows: VmbChannelInitSetMaximumExternalData.
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_maximum_external_data(struct vmb_channel *ch, u32 size,
					       u32 chain_length)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!size || size > VMB_MAX_EXTERNAL_DATA || !chain_length ||
	    chain_length > VMB_MAX_CHAIN_LENGTH)
		return -EINVAL;
	ch->cfg.max_external = size;
	ch->cfg.max_chain = chain_length;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_maximum_external_data, KMCL_NS);

/**
 * vmb_channel_init_set_process_packet_callbacks() - who gets what arrives
 * @ch: a Disabled channel
 * @process: for each packet
 * @complete: when delivery pauses, or NULL
 *
 * Windows: VmbChannelInitSetProcessPacketCallbacks. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: no @process.
 */
int vmb_channel_init_set_process_packet_callbacks(struct vmb_channel *ch,
						  vmb_channel_process_packet_fn process,
						  vmb_channel_processing_complete_fn complete)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!process)
		return -EINVAL;
	ch->cfg.process = process;
	ch->cfg.processing_complete = complete;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_process_packet_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_state_change_callbacks() - who hears of the channel's life
 * @ch: a Disabled channel
 * @cb: copied; prepared with vmb_channel_state_change_callbacks_init()
 *
 * Windows: VmbChannelInitSetStateChangeCallbacks. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: version or size.
 */
int vmb_channel_init_set_state_change_callbacks(struct vmb_channel *ch,
						const struct vmb_channel_state_change_callbacks *cb)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!cb || cb->version != VMB_STATE_CHANGE_CALLBACKS_VERSION || cb->size != sizeof(*cb))
		return -EINVAL;
	ch->cfg.cb = *cb;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_state_change_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_packet_callbacks() - outgoing packets can be
 *	saved
 * @ch: a Disabled channel, of either end
 * @save: for each packet when the channel is saved
 * @restore: for each packet when it is restored
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL: one is
 * missing. Windows has it for servers:
 * vmb_server_channel_init_set_save_restore_packet_callbacks().
 */
int vmb_channel_init_set_save_restore_packet_callbacks(struct vmb_channel *ch,
						       vmb_channel_save_packet_fn save,
						       vmb_channel_restore_packet_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_packet = save;
	ch->cfg.restore_packet = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_packet_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_received_callbacks() - received packets can
 *	be saved, instead of drained
 * @ch: a Disabled channel
 * @save: for each packet that is held when the channel is saved
 * @restore: for each when it is restored
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: one is missing.
 */
int vmb_channel_init_set_save_restore_received_callbacks(struct vmb_channel *ch,
							 vmb_channel_save_received_fn save,
							 vmb_channel_restore_received_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_received = save;
	ch->cfg.restore_received = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_received_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_save_restore_state_callbacks() - the consumer has state
 *	beyond packets
 * @ch: a Disabled channel
 * @save: when the channel is saved
 * @restore: when it is restored
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: one is missing.
 */
int vmb_channel_init_set_save_restore_state_callbacks(struct vmb_channel *ch,
						      vmb_channel_save_state_fn save,
						      vmb_channel_restore_state_fn restore)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!save || !restore)
		return -EINVAL;
	ch->cfg.save_state = save;
	ch->cfg.restore_state = restore;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_save_restore_state_callbacks, KMCL_NS);

/**
 * vmb_channel_init_set_query_handover_callback() - the consumer has a say in
 *	whether the channel can be handed over
 * @ch: a Disabled channel
 * @query: who is asked; NULL: nobody, as at first
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled.
 */
int vmb_channel_init_set_query_handover_callback(struct vmb_channel *ch,
						 vmb_channel_query_handover_fn query)
{
	int ret = kmcl_config_begin(ch);

	if (!ret)
		ch->cfg.query_handover = query;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_query_handover_callback, KMCL_NS);

/**
 * vmb_channel_init_set_drain_deadline() - how long a freeze may wait for it
 * @ch: a Disabled channel
 * @ms: milliseconds, at least 1; %VMB_DEFAULT_DRAIN_MS at first
 *
 * A freeze without a deadline of its own takes the longest of its channels.
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_drain_deadline(struct vmb_channel *ch, u32 ms)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!ms)
		return -EINVAL;
	ch->cfg.drain_ms = ms;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_drain_deadline, KMCL_NS);

/**
 * vmb_channel_init_set_subchannel_index() - which sub-channel it is
 * @ch: a Disabled channel
 * @index: 0 for a primary channel, the default
 *
 * Without a counterpart in Windows. Context: process context. Return: 0; -EBUSY: not Disabled.
 */
int vmb_channel_init_set_subchannel_index(struct vmb_channel *ch, u16 index)
{
	int ret = kmcl_config_begin(ch);

	if (!ret)
		ch->cfg.subchannel = index;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_subchannel_index, KMCL_NS);

/**
 * vmb_channel_init_set_processor() - where its interrupts should come
 * @ch: a Disabled channel
 * @cpu: processor, or -1: where the peer signals from (the default)
 *
 * A wish. Windows: VmbClientChannelInitSetTargetProcessorIndex, of version 5 of
 * its interface, which include/windows does not have.
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_processor(struct vmb_channel *ch, int cpu)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (cpu < -1 || cpu >= (int)nr_cpu_ids)
		return -EINVAL;
	ch->cfg.cpu = cpu;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_processor, KMCL_NS);
