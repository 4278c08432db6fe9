// SPDX-License-Identifier: GPL-2.0
/*
 * What a consumer may ask of its channel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "internal.h"

/**
 * vmb_channel_set_pointer() - keep a pointer of the consumer with a channel
 * @ch: which
 * @pointer: what
 *
 * Windows: VmbChannelSetPointer. Context: any context.
 */
void vmb_channel_set_pointer(struct vmb_channel *ch, void *pointer)
{
	WRITE_ONCE(ch->pointer, pointer);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_set_pointer, KMCL_NS);

/**
 * vmb_channel_get_pointer() - the pointer that was set
 * @ch: which
 *
 * Windows: VmbChannelGetPointer. Context: any context.
 * Return: the pointer, NULL where none was set.
 */
void *vmb_channel_get_pointer(struct vmb_channel *ch)
{
	return READ_ONCE(ch->pointer);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_pointer, KMCL_NS);

/**
 * vmb_channel_get_friendly_name() - what the channel is called
 * @ch: which
 *
 * Without a counterpart in Windows. Context: any context.
 * Return: the name, as long as the channel is there.
 */
const char *vmb_channel_get_friendly_name(struct vmb_channel *ch)
{
	return ch->cfg.name;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_friendly_name, KMCL_NS);

/**
 * vmb_channel_get_interface_instance() - the active interface instance
 * @ch: which
 * @instance: out: of the offer that a client took, once it is open; else as
 *	configured
 *
 * Windows: VmbChannelGetInterfaceInstance. Context: any context.
 */
void vmb_channel_get_interface_instance(struct vmb_channel *ch, guid_t *instance)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	guid_copy(instance, guid_is_null(&ch->instance) ? &ch->cfg.instance : &ch->instance);
	spin_unlock_irqrestore(&ch->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_interface_instance, KMCL_NS);

/*
 * Is the link open, in the consumer's eyes: Opened entered, Closed not returned?
 * It stays until kmcl_open_link_put().
 */
static void *kmcl_open_link_get(struct vmb_channel *ch)
{
	unsigned long flags;
	void *link = NULL;

	might_sleep();
	spin_lock_irqsave(&ch->lock, flags);
	if (ch->state == KMCL_OPENING || ch->state == KMCL_OPEN)
		link = ch->link;
	if (link)
		ch->gpadl_calls++;
	spin_unlock_irqrestore(&ch->lock, flags);
	return link;
}

static void kmcl_open_link_put(struct vmb_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (!--ch->gpadl_calls)
		wake_up_all(&ch->life_wait);
	spin_unlock_irqrestore(&ch->lock, flags);
}

/**
 * vmb_channel_get_mmio_space() - MMIO space that was set aside for the channel
 * @ch: which, between Opened and Closed
 * @address: out: physical address; 0 where there is none
 * @size: out: bytes
 *
 * Windows: VmbChannelGetMmioSpace. Context: process context.
 * Return: 0; -ENODEV: not open.
 */
int vmb_channel_get_mmio_space(struct vmb_channel *ch, u64 *address, u64 *size)
{
	void *link = kmcl_open_link_get(ch);

	*address = 0;
	*size = 0;
	if (!link)
		return -ENODEV;
	if (ch->ops->get_mmio)
		ch->ops->get_mmio(link, address, size);
	kmcl_open_link_put(ch);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_mmio_space, KMCL_NS);

/**
 * vmb_channel_set_interrupt_latency() - how late interrupts to the peer may be
 * @ch: a client, between Opened and Closed
 * @latency: in units of 100 ns
 * @original: out: what it was, or NULL
 *
 * Windows: VmbChannelSetInterruptLatency. Context: process context.
 * Return: 0; -EOPNOTSUPP: a server, or the bus cannot; -ENODEV: not open.
 */
int vmb_channel_set_interrupt_latency(struct vmb_channel *ch, u16 latency, u16 *original)
{
	void *link;
	u16 old;
	int ret;

	if (ch->server || !ch->cfg.bus || !ch->ops->set_interrupt_latency)
		return -EOPNOTSUPP;
	link = kmcl_open_link_get(ch);
	if (!link)
		return -ENODEV;
	ret = ch->ops->set_interrupt_latency(link, latency, &old);
	kmcl_open_link_put(ch);
	if (!ret && original)
		*original = old;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_set_interrupt_latency, KMCL_NS);

/**
 * vmb_channel_get_link_state() - what became of the link over a restore
 * @ch: which; from the Opened callback on
 *
 * Without a counterpart in Windows. Context: any context.
 * Return: &enum vmb_link_state.
 */
enum vmb_link_state vmb_channel_get_link_state(struct vmb_channel *ch)
{
	return READ_ONCE(ch->link_state);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_link_state, KMCL_NS);

/**
 * vmb_channel_is_closing() - does the link end?
 * @ch: which; in Suspend and later
 *
 * In Suspend it tells the end of the link from a pause, or a freeze, after which
 * all may go on. After a freeze the link may end instead of going on: no callback
 * says so before Closed, which waits for what the consumer holds.
 * Without a counterpart in Windows. Context: any context.
 * Return: true: it ends, or the channel is disabled; false: not as things are.
 */
bool vmb_channel_is_closing(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_closing(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_is_closing, KMCL_NS);

/**
 * vmb_channel_get_stop_reason() - why the channel last stopped
 * @ch: which; in Suspend, Closed and later
 *
 * After a reset %VMB_STOP_LINK_RESET stays, on the new link, too: whether this
 * one ends is vmb_channel_is_closing().
 * Without a counterpart in Windows. Context: any context.
 * Return: &enum vmb_stop_reason.
 */
enum vmb_stop_reason vmb_channel_get_stop_reason(struct vmb_channel *ch)
{
	return READ_ONCE(ch->stop_reason);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_stop_reason, KMCL_NS);
