/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMBus control messages as they are on the wire.
 *
 * Everything is little-endian. A message is at most %VMBUS_MSG_MAX bytes and
 * starts with &struct vmbus_msg_hdr. A message longer than its structure is
 * legal (some guests always send the full size), a shorter one is an error.
 */
#ifndef _KMCL_VMBUS_MESSAGES_H
#define _KMCL_VMBUS_MESSAGES_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/uuid.h>

/* Largest control message: a SynIC message's payload. */
#define VMBUS_MSG_MAX			240

#define VMBUS_PAGE_SHIFT		12
#define VMBUS_PAGE_SIZE			BIT(VMBUS_PAGE_SHIFT)

/* The one protocol version spoken here: 5.3, major << 16 | minor. */
#define VMBUS_VERSION			0x00050003U

#define VMBUS_STATUS_OK			0x00000000U
#define VMBUS_STATUS_UNSUCCESSFUL	0x8000ffffU
#define VMBUS_STATUS_REFUSED		0xc0000236U

/* A target VP that says "no interrupts, please". */
#define VMBUS_VP_NONE			0xffffffffU

/* Channel ids are 1 to this; bit 0 of a SINT's event flags is reserved. */
#define VMBUS_MAX_CHANNELS		2047U

#define VMBUS_SINT			2U
#define VMBUS_MONITOR_NONE		0xffU

/* What the guest signals for a channel, unless something else was agreed. */
static inline u32 vmbus_signal_connection_id(u32 channel)
{
	return channel | VMBUS_SINT << 12;
}

#define VMBUS_USER_DATA_LEN		120

enum vmbus_msg_type {
	VMBUS_MSG_OFFER_CHANNEL			= 1,	/* to client */
	VMBUS_MSG_RESCIND_CHANNEL_OFFER		= 2,	/* to client */
	VMBUS_MSG_REQUEST_OFFERS		= 3,	/* to server */
	VMBUS_MSG_ALL_OFFERS_DELIVERED		= 4,	/* to client */
	VMBUS_MSG_OPEN_CHANNEL			= 5,	/* to server */
	VMBUS_MSG_OPEN_CHANNEL_RESULT		= 6,	/* to client */
	VMBUS_MSG_CLOSE_CHANNEL			= 7,	/* to server, no reply */
	VMBUS_MSG_GPADL_HEADER			= 8,	/* to server */
	VMBUS_MSG_GPADL_BODY			= 9,	/* to server */
	VMBUS_MSG_GPADL_CREATED			= 10,	/* to client */
	VMBUS_MSG_GPADL_TEARDOWN		= 11,	/* to server */
	VMBUS_MSG_GPADL_TORNDOWN		= 12,	/* to client */
	VMBUS_MSG_REL_ID_RELEASED		= 13,	/* to server */
	VMBUS_MSG_INITIATE_CONTACT		= 14,	/* to server */
	VMBUS_MSG_VERSION_RESPONSE		= 15,	/* to client */
	VMBUS_MSG_UNLOAD			= 16,	/* to server */
	VMBUS_MSG_UNLOAD_COMPLETE		= 17,	/* to client */
	VMBUS_MSG_OPEN_RESERVED_CHANNEL		= 18,	/* not supported */
	VMBUS_MSG_CLOSE_RESERVED_CHANNEL	= 19,	/* not supported */
	VMBUS_MSG_CLOSE_RESERVED_RESPONSE	= 20,	/* not supported */
	VMBUS_MSG_TL_CONNECT_REQUEST		= 21,	/* always refused */
	VMBUS_MSG_MODIFY_CHANNEL		= 22,	/* to server */
	VMBUS_MSG_TL_CONNECT_REQUEST_RESULT	= 23,	/* to client */
	VMBUS_MSG_MODIFY_CHANNEL_RESPONSE	= 24,	/* to client */
};

struct vmbus_msg_hdr {
	__le32 type;
	__le32 padding;
} __packed;

struct vmbus_msg_offer_channel {
	struct vmbus_msg_hdr hdr;
	guid_t type;
	guid_t instance;
	u8 reserved[16];
	__le16 flags;
	__le16 mmio_megabytes;
	u8 user_data[VMBUS_USER_DATA_LEN];
	__le16 subchannel;
	__le16 optional_mmio_megabytes;
	__le32 channel;
	u8 monitor_id;
	u8 monitor_allocated;
	__le16 is_dedicated;
	__le32 connection_id;
} __packed;

struct vmbus_msg_channel {	/* rescind, close, REL_ID_RELEASED */
	struct vmbus_msg_hdr hdr;
	__le32 channel;
} __packed;

struct vmbus_msg_open_channel {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 open_id;
	__le32 ring_gpadl;
	__le32 target_vp;
	__le32 downstream_page;
	u8 user_data[VMBUS_USER_DATA_LEN];
} __packed;

struct vmbus_msg_open_result {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 open_id;
	__le32 status;
} __packed;

/* Words of a GPADL in its first message and in each of the others. */
#define VMBUS_GPADL_HEADER_WORDS	27U
#define VMBUS_GPADL_BODY_WORDS		28U

/* The length on the wire is a u16 of bytes: this many words at most. */
#define VMBUS_GPADL_MAX_WORDS		8191U

struct vmbus_msg_gpadl_header {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 gpadl;
	__le16 len;
	__le16 count;
	__le64 words[];
} __packed;

struct vmbus_msg_gpadl_body {
	struct vmbus_msg_hdr hdr;
	__le32 reserved;
	__le32 gpadl;
	__le64 words[];
} __packed;

struct vmbus_msg_gpadl_created {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 gpadl;
	__le32 status;
} __packed;

struct vmbus_msg_gpadl_teardown {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 gpadl;
} __packed;

struct vmbus_msg_gpadl_torndown {
	struct vmbus_msg_hdr hdr;
	__le32 gpadl;
} __packed;

struct vmbus_msg_initiate_contact {
	struct vmbus_msg_hdr hdr;
	__le32 version;
	__le32 target_vp;
	u8 sint;
	u8 vtl;
	__le16 pad;
	__le32 feature_flags;
	__le64 monitor_to_child;
	__le64 monitor_to_parent;
} __packed;

struct vmbus_msg_version_response {
	struct vmbus_msg_hdr hdr;
	u8 supported;
	u8 state;
	__le16 pad;
	__le32 connection_id;
} __packed;

/* vmbus_msg_version_response.state */
#define VMBUS_VERSION_STATE_OK			0
#define VMBUS_VERSION_STATE_LOW_RESOURCES	1
#define VMBUS_VERSION_STATE_FAILED		2

struct vmbus_msg_tl_connect {
	struct vmbus_msg_hdr hdr;
	guid_t endpoint;
	guid_t service;
} __packed;

struct vmbus_msg_tl_connect_result {
	struct vmbus_msg_hdr hdr;
	guid_t endpoint;
	guid_t service;
	__le32 status;
} __packed;

struct vmbus_msg_modify_channel {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 target_vp;
} __packed;

struct vmbus_msg_modify_response {
	struct vmbus_msg_hdr hdr;
	__le32 channel;
	__le32 status;
} __packed;

static_assert(sizeof(struct vmbus_msg_hdr) == 8);
static_assert(sizeof(struct vmbus_msg_offer_channel) == 8 + 188);
static_assert(sizeof(struct vmbus_msg_channel) == 8 + 4);
static_assert(sizeof(struct vmbus_msg_open_channel) == 8 + 140);
static_assert(sizeof(struct vmbus_msg_open_result) == 8 + 12);
static_assert(sizeof(struct vmbus_msg_gpadl_header) == 8 + 12);
static_assert(sizeof(struct vmbus_msg_gpadl_body) == 8 + 8);
static_assert(sizeof(struct vmbus_msg_gpadl_created) == 8 + 12);
static_assert(sizeof(struct vmbus_msg_gpadl_teardown) == 8 + 8);
static_assert(sizeof(struct vmbus_msg_gpadl_torndown) == 8 + 4);
static_assert(sizeof(struct vmbus_msg_initiate_contact) == 8 + 32);
static_assert(sizeof(struct vmbus_msg_version_response) == 8 + 8);
static_assert(sizeof(struct vmbus_msg_tl_connect) == 8 + 32);
static_assert(sizeof(struct vmbus_msg_tl_connect_result) == 8 + 36);
static_assert(sizeof(struct vmbus_msg_modify_channel) == 8 + 8);
static_assert(sizeof(struct vmbus_msg_modify_response) == 8 + 8);
static_assert(offsetof(struct vmbus_msg_offer_channel, user_data) == 8 + 52);
static_assert(offsetof(struct vmbus_msg_offer_channel, channel) == 8 + 176);
static_assert(offsetof(struct vmbus_msg_open_channel, user_data) == 8 + 20);
static_assert(sizeof(struct vmbus_msg_gpadl_header) +
	      8 * VMBUS_GPADL_HEADER_WORDS <= VMBUS_MSG_MAX);
static_assert(sizeof(struct vmbus_msg_gpadl_body) +
	      8 * VMBUS_GPADL_BODY_WORDS <= VMBUS_MSG_MAX);

#endif /* _KMCL_VMBUS_MESSAGES_H */
