/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For a layer that gives the API another shape, such as Windows' names and
 * types: a place of its own with each channel and each packet.
 */
#ifndef _LINUX_KMCL_WRAPPER_H
#define _LINUX_KMCL_WRAPPER_H

struct vmb_channel;
struct vmb_packet;

void vmb_channel_set_wrapper(struct vmb_channel *channel, void *wrapper,
			     void (*release)(void *wrapper));
void *vmb_channel_get_wrapper(struct vmb_channel *channel);
void vmb_packet_set_wrapper(struct vmb_packet *packet, void *wrapper);
void *vmb_packet_get_wrapper(struct vmb_packet *packet);

#endif /* _LINUX_KMCL_WRAPPER_H */
