// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: what this project says of the wire, held against what the kernel
 * says of it. Nothing is left of this file once it is built.
 */
#include "hv.h"
#include "vmbus/messages.h"
#include "vmbus/ring.h"

#define SAME_SIZE(ours, kernels) \
	static_assert(sizeof(struct ours) == sizeof(struct kernels))
#define SAME_PLACE(ours, field, kernels, kernels_field) \
	static_assert(offsetof(struct ours, field) == offsetof(struct kernels, kernels_field))

/* Packets */
SAME_SIZE(vmbus_ring_descriptor, vmpacket_descriptor);
SAME_PLACE(vmbus_ring_descriptor, data_offset8, vmpacket_descriptor, offset8);
SAME_PLACE(vmbus_ring_descriptor, length8, vmpacket_descriptor, len8);
SAME_PLACE(vmbus_ring_descriptor, flags, vmpacket_descriptor, flags);
SAME_PLACE(vmbus_ring_descriptor, transaction_id, vmpacket_descriptor, trans_id);
static_assert(VMBUS_RING_INBAND == VM_PKT_DATA_INBAND);
static_assert(VMBUS_RING_XFER_PAGES == VM_PKT_DATA_USING_XFER_PAGES);
static_assert(VMBUS_RING_GPA_DIRECT == VM_PKT_DATA_USING_GPA_DIRECT);
static_assert(VMBUS_RING_COMPLETION == VM_PKT_COMP);
static_assert(VMBUS_RING_FLAG_COMPLETION_REQUESTED ==
	      VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED);
/* Ranges begin behind the descriptor, with 8 bytes of their own. */
static_assert(offsetof(struct vmdata_gpa_direct, range) == VMBUS_RING_DESCRIPTOR_SIZE + 8);
static_assert(offsetof(struct vmbus_packet_mpb_array, range) == VMBUS_RING_DESCRIPTOR_SIZE + 8);
static_assert(offsetof(struct vmtransfer_page_packet_header, ranges) ==
	      VMBUS_RING_DESCRIPTOR_SIZE + 8);
static_assert(sizeof(struct vmtransfer_page_range) == 8);

/* Rings */
SAME_PLACE(vmbus_ring_control, in, hv_ring_buffer, write_index);
SAME_PLACE(vmbus_ring_control, out, hv_ring_buffer, read_index);
SAME_PLACE(vmbus_ring_control, interrupt_mask, hv_ring_buffer, interrupt_mask);
SAME_PLACE(vmbus_ring_control, pending_send_size, hv_ring_buffer, pending_send_sz);
SAME_PLACE(vmbus_ring_control, feature_bits, hv_ring_buffer, feature_bits);
static_assert(VMBUS_RING_PAGE_SIZE == HV_HYP_PAGE_SIZE);

/* Control messages */
SAME_SIZE(vmbus_msg_hdr, vmbus_channel_message_header);
SAME_SIZE(vmbus_msg_offer_channel, vmbus_channel_offer_channel);
SAME_PLACE(vmbus_msg_offer_channel, flags, vmbus_channel_offer_channel, offer.chn_flags);
SAME_PLACE(vmbus_msg_offer_channel, user_data, vmbus_channel_offer_channel, offer.u);
SAME_PLACE(vmbus_msg_offer_channel, subchannel, vmbus_channel_offer_channel,
	   offer.sub_channel_index);
SAME_PLACE(vmbus_msg_offer_channel, channel, vmbus_channel_offer_channel, child_relid);
SAME_PLACE(vmbus_msg_offer_channel, connection_id, vmbus_channel_offer_channel, connection_id);
SAME_SIZE(vmbus_msg_channel, vmbus_channel_rescind_offer);
SAME_SIZE(vmbus_msg_channel, vmbus_channel_close_channel);
SAME_SIZE(vmbus_msg_channel, vmbus_channel_relid_released);
SAME_SIZE(vmbus_msg_open_channel, vmbus_channel_open_channel);
SAME_PLACE(vmbus_msg_open_channel, downstream_page, vmbus_channel_open_channel,
	   downstream_ringbuffer_pageoffset);
SAME_SIZE(vmbus_msg_open_result, vmbus_channel_open_result);
SAME_SIZE(vmbus_msg_gpadl_header, vmbus_channel_gpadl_header);
SAME_SIZE(vmbus_msg_gpadl_body, vmbus_channel_gpadl_body);
SAME_SIZE(vmbus_msg_gpadl_created, vmbus_channel_gpadl_created);
SAME_SIZE(vmbus_msg_gpadl_teardown, vmbus_channel_gpadl_teardown);
SAME_SIZE(vmbus_msg_gpadl_torndown, vmbus_channel_gpadl_torndown);
SAME_SIZE(vmbus_msg_initiate_contact, vmbus_channel_initiate_contact);
SAME_SIZE(vmbus_msg_modify_channel, vmbus_channel_modifychannel);
SAME_SIZE(vmbus_msg_modify_response, vmbus_channel_modifychannel_response);
static_assert((int)VMBUS_MSG_OFFER_CHANNEL == (int)CHANNELMSG_OFFERCHANNEL);
static_assert((int)VMBUS_MSG_OPEN_CHANNEL == (int)CHANNELMSG_OPENCHANNEL);
static_assert((int)VMBUS_MSG_GPADL_TORNDOWN == (int)CHANNELMSG_GPADL_TORNDOWN);
static_assert((int)VMBUS_MSG_UNLOAD == (int)CHANNELMSG_UNLOAD);
static_assert((int)VMBUS_MSG_MODIFY_CHANNEL_RESPONSE == (int)CHANNELMSG_MODIFYCHANNEL_RESPONSE);
