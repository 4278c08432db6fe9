// SPDX-License-Identifier: GPL-2.0
/*
 * A layer over the API keeps its own things with channels and packets here; the
 * consumer's pointers are left to the consumer.
 */
#include <linux/kmcl_wrapper.h>

#include "internal.h"

/**
 * vmb_channel_set_wrapper() - what a layer over the API keeps with a channel
 * @ch: a channel that was just made; once
 * @wrapper: what
 * @release: called with it when the channel is cleaned up, in process context
 *
 * Context: process context.
 */
void vmb_channel_set_wrapper(struct vmb_channel *ch, void *wrapper,
			     void (*release)(void *wrapper))
{
	ch->wrapper = wrapper;
	ch->wrapper_release = release;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_set_wrapper, KMCL_NS);

/**
 * vmb_channel_get_wrapper() - what was set
 * @ch: which
 *
 * Context: any context. Return: it, NULL where none was set.
 */
void *vmb_channel_get_wrapper(struct vmb_channel *ch)
{
	return ch->wrapper;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_get_wrapper, KMCL_NS);

/**
 * vmb_packet_set_wrapper() - what a layer over the API keeps with a packet
 * @pkt: which; not one that is being sent
 * @wrapper: what; forgotten when the packet is freed
 *
 * Context: any context.
 */
void vmb_packet_set_wrapper(struct vmb_packet *pkt, void *wrapper)
{
	pkt->wrapper = wrapper;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_set_wrapper, KMCL_NS);

/**
 * vmb_packet_get_wrapper() - what was set
 * @pkt: which
 *
 * Context: any context. Return: it, NULL where none was set.
 */
void *vmb_packet_get_wrapper(struct vmb_packet *pkt)
{
	return pkt->wrapper;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_get_wrapper, KMCL_NS);
