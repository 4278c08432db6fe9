/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus ring: one direction of a channel, as one of its two ends sees it.
 *
 * The shared part is a control page and the data pages; everything in it can be
 * rewritten by the peer at any moment. What is decided here is decided on
 * private copies: of the peer's index (checked on each load) and of a packet's
 * descriptor (loaded once, checked once). A struct vmbus_ring is private to its
 * end; each end has one for each direction, a writer's and a reader's.
 */
#ifndef _KMCL_VMBUS_RING_H
#define _KMCL_VMBUS_RING_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/kconfig.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

/* The wire's page, whatever the kernel's page size is. */
#define VMBUS_RING_PAGE_SIZE	4096u
/* Indices, packet sizes and the reserved slot are in units of this. */
#define VMBUS_RING_UNIT		8u
/* A bound on the data area, so that no sum of index and length overflows. */
#define VMBUS_RING_MAX_SIZE	((u32)SZ_1G)

/* Packet types; every other one means a corrupt ring. */
#define VMBUS_RING_INBAND	0x6
#define VMBUS_RING_XFER_PAGES	0x7
#define VMBUS_RING_GPA_DIRECT	0x9
#define VMBUS_RING_COMPLETION	0xb

/* The only descriptor flag there is. */
#define VMBUS_RING_FLAG_COMPLETION_REQUESTED	BIT(0)

/* feature_bits: the writer honours pending_send_size. */
#define VMBUS_RING_FEATURE_PENDING_SEND_SIZE	BIT(0)

/* The start of the control page; the rest of the page is unused. */
struct vmbus_ring_control {
	__le32 in;			/* writer's index */
	__le32 out;			/* reader's index */
	__le32 interrupt_mask;		/* by the reader: do not signal me */
	__le32 pending_send_size;	/* by the writer: tell me of that room */
	__le32 reserved1[12];
	__le32 feature_bits;		/* by the writer */
	__le32 reserved2[15];
};

static_assert(sizeof(struct vmbus_ring_control) == 128);
static_assert(offsetof(struct vmbus_ring_control, feature_bits) == 64);

/* In front of each packet; lengths are in units of 8 bytes from here. */
struct vmbus_ring_descriptor {
	__le16 type;
	__le16 data_offset8;
	__le16 length8;			/* without the footer */
	__le16 flags;
	__le64 transaction_id;
};

static_assert(sizeof(struct vmbus_ring_descriptor) == 16);

#define VMBUS_RING_DESCRIPTOR_SIZE	16u
#define VMBUS_RING_FOOTER_SIZE		8u
/* What length8 can say, and a footer. */
#define VMBUS_RING_MAX_PACKET	(U16_MAX * VMBUS_RING_UNIT + VMBUS_RING_FOOTER_SIZE)

/**
 * enum vmbus_ring_fault - what is wrong with what the peer wrote
 * @VMBUS_RING_OK: nothing
 * @VMBUS_RING_IN_RANGE: the writer's index is outside of the data area
 * @VMBUS_RING_IN_ALIGN: the writer's index is not a multiple of 8
 * @VMBUS_RING_IN_BACKWARD: the writer's index went back over published packets
 * @VMBUS_RING_OUT_RANGE: the reader's index is outside of the data area
 * @VMBUS_RING_OUT_ALIGN: the reader's index is not a multiple of 8
 * @VMBUS_RING_OUT_BACKWARD: the reader's index went back, or past the writer's
 * @VMBUS_RING_SHORT: fewer bytes than a descriptor were published
 * @VMBUS_RING_DATA_OFFSET: the payload starts inside the descriptor
 * @VMBUS_RING_LENGTH: the payload starts past the packet's end
 * @VMBUS_RING_OVERRUN: the packet ends past what was published
 * @VMBUS_RING_FOOTER: the packet's footer lies past what was published
 * @VMBUS_RING_TYPE: unknown packet type
 * @VMBUS_RING_FLAGS: unknown flag bits
 * @VMBUS_RING_NO_TYPE_HEADER: a type with ranges, and no room for their header
 * @VMBUS_RING_RANGE_NONE: a packet with ranges has a count of none
 * @VMBUS_RING_RANGE_COUNT: more ranges than the receiver allows
 * @VMBUS_RING_RANGE_EMPTY: a range of no bytes
 * @VMBUS_RING_RANGE_OFFSET: a range starts past its first page
 * @VMBUS_RING_RANGE_OVERFLOW: offset and length of a range overflow
 * @VMBUS_RING_RANGE_TRUNCATED: a range, or its page numbers, miss in the packet
 * @VMBUS_RING_RANGE_BYTES: more bytes than the receiver allows
 * @VMBUS_RING_RANGE_BUFFER: a range ends past the buffer that it refers to
 * @VMBUS_RING_NR_FAULTS: their number
 */
enum vmbus_ring_fault {
	VMBUS_RING_OK,
	VMBUS_RING_IN_RANGE,
	VMBUS_RING_IN_ALIGN,
	VMBUS_RING_IN_BACKWARD,
	VMBUS_RING_OUT_RANGE,
	VMBUS_RING_OUT_ALIGN,
	VMBUS_RING_OUT_BACKWARD,
	VMBUS_RING_SHORT,
	VMBUS_RING_DATA_OFFSET,
	VMBUS_RING_LENGTH,
	VMBUS_RING_OVERRUN,
	VMBUS_RING_FOOTER,
	VMBUS_RING_TYPE,
	VMBUS_RING_FLAGS,
	VMBUS_RING_NO_TYPE_HEADER,
	VMBUS_RING_RANGE_NONE,
	VMBUS_RING_RANGE_COUNT,
	VMBUS_RING_RANGE_EMPTY,
	VMBUS_RING_RANGE_OFFSET,
	VMBUS_RING_RANGE_OVERFLOW,
	VMBUS_RING_RANGE_TRUNCATED,
	VMBUS_RING_RANGE_BYTES,
	VMBUS_RING_RANGE_BUFFER,
	VMBUS_RING_NR_FAULTS,
};

const char *vmbus_ring_fault_name(enum vmbus_ring_fault fault);

/* Tests rewrite shared memory at these points. */
enum vmbus_ring_point {
	VMBUS_RING_INDEX_BEFORE,	/* a shared index is about to be loaded */
	VMBUS_RING_INDEX_COPIED,	/* and has been, into private memory */
	VMBUS_RING_DESC_COPIED,		/* a descriptor has been copied */
	VMBUS_RING_PACKET_COPIED,	/* the rest of the packet has been */
};

/**
 * struct vmbus_ring_stats - what one end of a ring has done
 * @packets: packets written or read
 * @batches: times that this end's index was published
 * @signals: times that the peer had to be signalled
 * @full: packets refused for lack of room
 * @faults: faults found in what the peer wrote
 */
struct vmbus_ring_stats {
	u64 packets;
	u64 batches;
	u64 signals;
	u64 full;
	u64 faults;
};

/**
 * struct vmbus_ring - one end's private view of one direction
 * @ctl: the shared control page
 * @data: the shared data pages, mapped twice back to back
 * @size: bytes of data, once
 * @own: this end's index, which may be ahead of what is published
 * @published: this end's index as the peer sees it
 * @peer: the other end's index as last loaded and found good
 * @pending: writer: the pending_send_size that is set
 * @masked: reader: the interrupt mask is set
 * @taken: reader: how far the packet at @own has been taken out
 * @fault: why the ring is dead; nothing is read or written after a fault
 * @desc: reader: private copy of the descriptor at @own
 * @stats: counters
 * @hook: test hook
 * @hook_data: for the test hook
 *
 * The first cache line is all that a packet's way through the ring needs. No
 * lock: the owner serialises all calls on one view.
 */
struct vmbus_ring {
	struct vmbus_ring_control *ctl;
	u8 *data;
	u32 size;
	u32 own;
	u32 published;
	u32 peer;
	u32 pending;
	bool masked;
	u8 taken;
	u8 fault;
	struct vmbus_ring_descriptor desc;

	struct vmbus_ring_stats stats;
#if IS_ENABLED(CONFIG_KMCL_KUNIT)
	void (*hook)(struct vmbus_ring *ring, enum vmbus_ring_point point);
	void *hook_data;
#endif
} ____cacheline_aligned_in_smp;

/**
 * struct vmbus_ring_packet - a packet to write
 * @type: one of the packet types
 * @flags: VMBUS_RING_FLAG_COMPLETION_REQUESTED or 0
 * @transaction_id: travels as it is
 * @header: what goes between descriptor and payload, in wire form
 * @header_len: its length, a multiple of 8
 * @payload: the payload
 * @payload_len: its length; it is padded with zeroes to a multiple of 8
 */
struct vmbus_ring_packet {
	u16 type;
	u16 flags;
	u64 transaction_id;
	const void *header;
	const void *payload;
	u32 header_len;
	u32 payload_len;
};

/**
 * struct vmbus_ring_desc - a packet at the head of the ring, checked
 * @id: transaction id
 * @header_len: bytes between descriptor and payload
 * @payload_len: bytes of payload, with its padding
 * @total: bytes that the packet occupies, with descriptor and footer
 * @type: packet type, a known one
 * @flags: flags, known ones
 */
struct vmbus_ring_desc {
	u64 id;
	u32 header_len;
	u32 payload_len;
	u32 total;
	u16 type;
	u16 flags;
};

/* Bytes from @out up to @in in a ring of @size bytes. */
static inline u32 vmbus_ring_distance(u32 size, u32 in, u32 out)
{
	return in >= out ? in - out : size - (out - in);
}

static inline bool vmbus_ring_type_has_ranges(u16 type)
{
	return type == VMBUS_RING_XFER_PAGES || type == VMBUS_RING_GPA_DIRECT;
}

/* Bytes between descriptor and payload, for @ranges_len bytes of ranges. */
static inline u32 vmbus_ring_header_len(u16 type, u32 ranges_len)
{
	return vmbus_ring_type_has_ranges(type) ? 8 + ranges_len : 0;
}

u32 vmbus_ring_packet_size(u16 type, u32 ranges_len, u32 payload_len);
u32 vmbus_ring_max_payload(const struct vmbus_ring *ring, u16 type, u32 ranges_len);

int vmbus_ring_init(struct vmbus_ring *ring, void *ctl, void *data, u32 size);
void vmbus_ring_reset(struct vmbus_ring *ring);
int vmbus_ring_attach_reader(struct vmbus_ring *ring);
int vmbus_ring_attach_writer(struct vmbus_ring *ring);

int vmbus_ring_write(struct vmbus_ring *ring, const struct vmbus_ring_packet *p);
bool vmbus_ring_commit_write(struct vmbus_ring *ring);
bool vmbus_ring_want_space(struct vmbus_ring *ring, u32 bytes);
void vmbus_ring_clear_want(struct vmbus_ring *ring);

int vmbus_ring_peek(struct vmbus_ring *ring, struct vmbus_ring_desc *d);
int vmbus_ring_copy(struct vmbus_ring *ring, const struct vmbus_ring_desc *d,
		    void *header, u32 header_size, void *payload, u32 payload_size);
bool vmbus_ring_commit_read(struct vmbus_ring *ring);
bool vmbus_ring_unmask(struct vmbus_ring *ring);

bool vmbus_ring_reader_needs_signal(const struct vmbus_ring_control *ctl);
bool vmbus_ring_writer_needs_signal(const struct vmbus_ring_control *ctl, u32 size);

/* What ring->taken counts: nothing, the descriptor, the whole packet. */
enum {
	VMBUS_RING_TAKEN_NOTHING,
	VMBUS_RING_TAKEN_DESC,
	VMBUS_RING_TAKEN_ALL,
};

/**
 * vmbus_ring_advance() - step over the packet that was peeked at
 * @ring: a reader's view
 * @d: what vmbus_ring_peek() gave
 *
 * The writer gets the room with the next vmbus_ring_commit_read().
 */
static inline void vmbus_ring_advance(struct vmbus_ring *ring, const struct vmbus_ring_desc *d)
{
	u32 own = ring->own + d->total;

	ring->own = own >= ring->size ? own - ring->size : own;
	ring->taken = VMBUS_RING_TAKEN_NOTHING;
	ring->stats.packets++;
}

/**
 * vmbus_ring_mask() - ask the writer not to signal
 * @ring: a reader's view
 *
 * To be called just before packets are taken, not on wake-up: no further signal
 * can come before the ring was empty once.
 */
static inline void vmbus_ring_mask(struct vmbus_ring *ring)
{
	if (ring->masked)
		return;
	ring->masked = true;
	WRITE_ONCE(ring->ctl->interrupt_mask, cpu_to_le32(1));
}

/* Reader: bytes known to be unread; writer: bytes written and not known to be read. */
static inline u32 vmbus_ring_reader_used(const struct vmbus_ring *ring)
{
	return vmbus_ring_distance(ring->size, ring->peer, ring->own);
}

static inline u32 vmbus_ring_writer_used(const struct vmbus_ring *ring)
{
	return vmbus_ring_distance(ring->size, ring->own, ring->peer);
}

/* Writer: room that is known of; the peer may have made more. */
static inline u32 vmbus_ring_free(const struct vmbus_ring *ring)
{
	return ring->size - VMBUS_RING_UNIT - vmbus_ring_writer_used(ring);
}

/* All that this end has done is published: its state is in the shared pages. */
static inline bool vmbus_ring_settled(const struct vmbus_ring *ring)
{
	return ring->own == ring->published;
}

static inline u32 vmbus_ring_own_index(const struct vmbus_ring *ring)
{
	return ring->own;
}

static inline enum vmbus_ring_fault vmbus_ring_fault(const struct vmbus_ring *ring)
{
	return ring->fault;
}

#endif /* _KMCL_VMBUS_RING_H */
