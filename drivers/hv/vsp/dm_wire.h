/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The dynamic-memory protocol as it is on the wire.
 *
 * Each message is the payload of one in-band packet that asks for no
 * completion: a header, and what its type says. Pages are of 4 KiB, whatever
 * the guest's are. Everything is little-endian.
 */
#ifndef _KMCL_DM_WIRE_H
#define _KMCL_DM_WIRE_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

/* {525074dc-8985-46e2-8057-a307dc18a502} */
#define VDM_INTERFACE_TYPE							\
	GUID_INIT(0x525074dc, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02)

#define VDM_PAGE_SHIFT		12
#define VDM_PAGE_SIZE		BIT(VDM_PAGE_SHIFT)

/* No message is larger. */
#define VDM_MESSAGE_MAX		4096U

/* Major version in the upper half, minor in the lower */
#define VDM_VERSION(_major, _minor)	((_major) * 0x10000U + (_minor))
#define VDM_VERSION_2_0		VDM_VERSION(2, 0)
#define VDM_VERSION_1_0		VDM_VERSION(1, 0)
#define VDM_VERSION_0_3		VDM_VERSION(0, 3)

enum vdm_type {
	VDM_ERROR = 0,
	VDM_VERSION_REQUEST = 1,		/* ours */
	VDM_VERSION_RESPONSE = 2,
	VDM_CAPABILITIES_REPORT = 3,	/* ours */
	VDM_CAPABILITIES_RESPONSE = 4,
	VDM_STATUS_REPORT = 5,		/* ours, unasked and unanswered */
	VDM_BALLOON_REQUEST = 6,
	VDM_BALLOON_RESPONSE = 7,	/* ours */
	VDM_UNBALLOON_REQUEST = 8,
	VDM_UNBALLOON_RESPONSE = 9,	/* ours */
	VDM_HOT_ADD_REQUEST = 10,
	VDM_HOT_ADD_RESPONSE = 11,	/* ours */
	VDM_INFO = 12,			/* since 1.0 */
};

/**
 * struct vdm_header - begins every message
 * @type: &enum vdm_type
 * @size: bytes of the message, this header included
 * @trans_id: a number of the sender's
 */
struct vdm_header {
	__le16 type;
	__le16 size;
	__le32 trans_id;
};

#define VDM_LAST_ATTEMPT		BIT(0)

/* Ours: may it be this version? @flags: VDM_LAST_ATTEMPT: there is no lower one */
struct vdm_version_request {
	struct vdm_header hdr;
	__le32 version;
	__le32 flags;
};

#define VDM_ACCEPTED		BIT_ULL(0)
/* In the answer to capabilities only, and by newer hosts */
#define VDM_SUPPRESS_REPORTS	BIT_ULL(2)

/* To a version request, or to capabilities */
struct vdm_answer {
	struct vdm_header hdr;
	__le64 flags;
};

#define VDM_CAP_BALLOON		BIT_ULL(0)
#define VDM_CAP_HOT_ADD		BIT_ULL(1)

struct vdm_capabilities {
	struct vdm_header hdr;
	__le64 caps;
	__le64 min_pages;
	__le64 max_page_number;
};

/**
 * struct vdm_status - how the guest's memory is used; pages
 * @hdr: header
 * @available: could be had without swapping
 * @committed: promised to somebody, or not to be touched: hosts go by this one
 * @page_file: swap space; not reported: modules cannot ask for it
 * @free: free
 * @page_file_writes: not reported
 * @io_diff: not reported
 */
struct vdm_status {
	struct vdm_header hdr;
	__le64 available;
	__le64 committed;
	__le64 page_file;
	__le64 free;
	__le32 page_file_writes;
	__le32 io_diff;
};

struct vdm_balloon_request {
	struct vdm_header hdr;
	__le32 pages;
	__le32 reserved;
};

#define VDM_MORE			BIT(0)

/* @count: VDM_MORE: there is another one to come; above it: how many ranges */
struct vdm_balloon_response {
	struct vdm_header hdr;
	__le32 reserved;
	__le32 count;
	__le64 ranges[];
};

struct vdm_unballoon_request {
	struct vdm_header hdr;
	__le32 flags;		/* VDM_MORE */
	__le32 count;
	__le64 ranges[];
};

struct vdm_unballoon_response {
	struct vdm_header hdr;
};

/* One range, or two where the second one is a region to be filled bit by bit */
struct vdm_hot_add_request {
	struct vdm_header hdr;
	__le64 range;
};

/* @result 1 with no pages: there is no use in asking again. */
struct vdm_hot_add_response {
	struct vdm_header hdr;
	__le32 pages;
	__le32 result;
};

enum vdm_info_type {
	VDM_INFO_MAX_PAGES = 0,
};

struct vdm_info {
	struct vdm_header hdr;
	__le32 reserved;
	__le32 size;		/* of what follows */
	__le32 type;		/* &enum vdm_info_type */
	__le32 data_size;
	u8 data[];
};

/* A range of pages: its first in the lower 40 bits, how many in the upper 24 */
#define VDM_RANGE_START_BITS	40
#define VDM_RANGE_MAX_COUNT	(BIT(24) - 1)

static inline __le64 vdm_range(u64 start, u32 count)
{
	return cpu_to_le64(start | (u64)count << VDM_RANGE_START_BITS);
}

static inline u64 vdm_range_start(__le64 range)
{
	return le64_to_cpu(range) & GENMASK_ULL(VDM_RANGE_START_BITS - 1, 0);
}

static inline u32 vdm_range_count(__le64 range)
{
	return le64_to_cpu(range) >> VDM_RANGE_START_BITS;
}

/* Ranges that fit a message with one of the heads above */
#define VDM_MAX_RANGES \
	((VDM_MESSAGE_MAX - sizeof(struct vdm_balloon_response)) / sizeof(__le64))

static_assert(sizeof(struct vdm_header) == 8);
static_assert(sizeof(struct vdm_version_request) == 16);
static_assert(sizeof(struct vdm_answer) == 16);
static_assert(sizeof(struct vdm_capabilities) == 32);
static_assert(sizeof(struct vdm_status) == 48);
static_assert(sizeof(struct vdm_balloon_request) == 16);
static_assert(sizeof(struct vdm_balloon_response) == 16);
static_assert(sizeof(struct vdm_unballoon_request) == 16);
static_assert(sizeof(struct vdm_hot_add_response) == 16);
static_assert(sizeof(struct vdm_info) == 24);

#endif /* _KMCL_DM_WIRE_H */
