// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring: write, read, signal rules, validation.
 *
 * Memory order. The two ends share no lock; four pairs hold the ring together:
 *
 * 1. the writer's packets, wmb, store of in    | the reader's load of in, rmb, packets
 * 2. the reader's copies, release store of out | the writer's acquire load of out, packets
 * 3. store of in, mb, load of mask and out     | store of out, mb, store of mask, mb, load of in
 * 4. store of pending, mb, load of out         | store of out, mb, load of pending and in
 *
 * 3 and 4 are store-then-load on both sides: at least one of the two ends sees
 * what the other did, so either the signal is sent or the wait is not begun. The
 * peer may be on the other side of a virtual machine's border, hence virt_*().
 *
 * A peer's index may only move forward, over what was written and not yet read.
 * A load that finds anything else finds a corrupt ring, and kills this view.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kmcl.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "ring.h"

static const char * const fault_names[VMBUS_RING_NR_FAULTS] = {
	[VMBUS_RING_OK]			= "none",
	[VMBUS_RING_IN_RANGE]		= "in-out-of-range",
	[VMBUS_RING_IN_ALIGN]		= "in-unaligned",
	[VMBUS_RING_IN_BACKWARD]	= "in-moved-back",
	[VMBUS_RING_OUT_RANGE]		= "out-out-of-range",
	[VMBUS_RING_OUT_ALIGN]		= "out-unaligned",
	[VMBUS_RING_OUT_BACKWARD]	= "out-moved-back",
	[VMBUS_RING_SHORT]		= "descriptor-not-published",
	[VMBUS_RING_DATA_OFFSET]	= "payload-inside-descriptor",
	[VMBUS_RING_LENGTH]		= "payload-past-packet",
	[VMBUS_RING_OVERRUN]		= "packet-not-published",
	[VMBUS_RING_FOOTER]		= "footer-not-published",
	[VMBUS_RING_TYPE]		= "unknown-type",
	[VMBUS_RING_FLAGS]		= "unknown-flags",
	[VMBUS_RING_NO_TYPE_HEADER]	= "no-range-header",
	[VMBUS_RING_RANGE_NONE]		= "no-ranges",
	[VMBUS_RING_RANGE_COUNT]	= "too-many-ranges",
	[VMBUS_RING_RANGE_EMPTY]	= "empty-range",
	[VMBUS_RING_RANGE_OFFSET]	= "range-offset-past-page",
	[VMBUS_RING_RANGE_OVERFLOW]	= "range-overflow",
	[VMBUS_RING_RANGE_TRUNCATED]	= "range-truncated",
	[VMBUS_RING_RANGE_BYTES]	= "ranges-too-long",
	[VMBUS_RING_RANGE_BUFFER]	= "range-past-buffer",
};

/**
 * vmbus_ring_fault_name() - a fault's name, for logs and counters
 * @fault: the fault
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *vmbus_ring_fault_name(enum vmbus_ring_fault fault)
{
	if ((unsigned int)fault >= VMBUS_RING_NR_FAULTS || !fault_names[fault])
		return "unknown";
	return fault_names[fault];
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_fault_name, KMCL_NS);

static inline void ring_hook(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
#if IS_ENABLED(CONFIG_KMCL_KUNIT)
	if (unlikely(ring->hook))
		ring->hook(ring, point);
#endif
}

static noinline int ring_fail(struct vmbus_ring *ring, enum vmbus_ring_fault fault)
{
	ring->fault = fault;
	ring->stats.faults++;
	return -EIO;
}

static inline u32 ring_next(const struct vmbus_ring *ring, u32 index, u32 bytes)
{
	index += bytes;
	return index >= ring->size ? index - ring->size : index;
}

/* Load the writer's index for the reader. 0 or -EIO; ring->peer is good in any case. */
static inline int ring_load_in(struct vmbus_ring *ring)
{
	u32 in;

	ring_hook(ring, VMBUS_RING_INDEX_BEFORE);
	in = le32_to_cpu(READ_ONCE(ring->ctl->in));
	/* Pair 1: packets are read after the index that covers them. */
	virt_rmb();
	ring_hook(ring, VMBUS_RING_INDEX_COPIED);

	if (in == ring->peer)
		return 0;
	if (unlikely(in >= ring->size))
		return ring_fail(ring, VMBUS_RING_IN_RANGE);
	if (unlikely(in % VMBUS_RING_UNIT))
		return ring_fail(ring, VMBUS_RING_IN_ALIGN);
	/* The room it may have filled begins where it was and ends at our out. */
	if (unlikely(vmbus_ring_distance(ring->size, in, ring->published) <
		     vmbus_ring_distance(ring->size, ring->peer, ring->published)))
		return ring_fail(ring, VMBUS_RING_IN_BACKWARD);
	ring->peer = in;
	return 0;
}

/* Is this what the reader's index can be by now? 0 or -EIO. */
static inline int ring_check_out(struct vmbus_ring *ring, u32 out)
{
	if (out == ring->peer)
		return 0;
	if (unlikely(out >= ring->size))
		return ring_fail(ring, VMBUS_RING_OUT_RANGE);
	if (unlikely(out % VMBUS_RING_UNIT))
		return ring_fail(ring, VMBUS_RING_OUT_ALIGN);
	/* What it may have read begins where it was and ends at our in. */
	if (unlikely(vmbus_ring_distance(ring->size, ring->published, out) >
		     vmbus_ring_distance(ring->size, ring->published, ring->peer)))
		return ring_fail(ring, VMBUS_RING_OUT_BACKWARD);
	return 0;
}

/* Load the reader's index for the writer. 0 or -EIO; ring->peer is good in any case. */
static inline int ring_load_out(struct vmbus_ring *ring)
{
	u32 out;

	ring_hook(ring, VMBUS_RING_INDEX_BEFORE);
	/* Pair 2: what is written over, now or later, has been copied by the reader. */
	out = le32_to_cpu(virt_load_acquire(&ring->ctl->out));
	ring_hook(ring, VMBUS_RING_INDEX_COPIED);

	if (ring_check_out(ring, out))
		return -EIO;
	ring->peer = out;
	return 0;
}

/**
 * vmbus_ring_packet_size() - bytes of the ring that a packet takes
 * @type: packet type
 * @ranges_len: bytes of ranges, without the type's 8 byte header; 0 for types without
 * @payload_len: bytes of payload
 *
 * Return: the size with descriptor, padding and footer, or U32_MAX for a packet
 * that no ring can hold.
 */
u32 vmbus_ring_packet_size(u16 type, u32 ranges_len, u32 payload_len)
{
	u64 size = VMBUS_RING_DESCRIPTOR_SIZE + VMBUS_RING_FOOTER_SIZE;

	if (vmbus_ring_type_has_ranges(type))
		size += 8 + (u64)ranges_len;
	size += ALIGN((u64)payload_len, VMBUS_RING_UNIT);
	return size > VMBUS_RING_MAX_PACKET ? U32_MAX : size;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_packet_size, KMCL_NS);

/* The largest packet, with all that belongs to it: one slot always stays free. */
static inline u32 ring_max_packet(const struct vmbus_ring *ring)
{
	return min(ring->size - VMBUS_RING_UNIT, VMBUS_RING_MAX_PACKET);
}

/**
 * vmbus_ring_max_payload() - the longest payload that can ever fit
 * @ring: the ring
 * @type: packet type
 * @ranges_len: bytes of ranges, without the type's 8 byte header; 0 for types without
 *
 * Return: bytes; 0 also if the ranges alone do not fit.
 */
u32 vmbus_ring_max_payload(const struct vmbus_ring *ring, u16 type, u32 ranges_len)
{
	u32 bare = vmbus_ring_packet_size(type, ranges_len, 0);
	u32 max = ring_max_packet(ring);

	return bare < max ? round_down(max - bare, VMBUS_RING_UNIT) : 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_max_payload, KMCL_NS);

/**
 * vmbus_ring_init() - make a view of a ring
 * @ring: the view
 * @ctl: the control page
 * @data: the data pages, mapped twice back to back
 * @size: bytes of data, once; a multiple of 4096
 *
 * The ring's content is not touched: attach as a reader or a writer next.
 *
 * Return: 0, or -EINVAL for a bad size or address.
 */
int vmbus_ring_init(struct vmbus_ring *ring, void *ctl, void *data, u32 size)
{
	if (!size || size % VMBUS_RING_PAGE_SIZE || size > VMBUS_RING_MAX_SIZE)
		return -EINVAL;
	if (!IS_ALIGNED((unsigned long)ctl, sizeof(u64)) ||
	    !IS_ALIGNED((unsigned long)data, sizeof(u64)))
		return -EINVAL;

	memset(ring, 0, sizeof(*ring));
	ring->ctl = ctl;
	ring->data = data;
	ring->size = size;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_init, KMCL_NS);

/**
 * vmbus_ring_reset() - make a brand-new ring
 * @ring: a view of it
 *
 * Clears the control page. For the one that made the ring, before either end
 * attaches.
 */
void vmbus_ring_reset(struct vmbus_ring *ring)
{
	memset(ring->ctl, 0, VMBUS_RING_PAGE_SIZE);
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_reset, KMCL_NS);

/* Private state from the shared page: of a ring that is new, or found as it was left. */
static int ring_attach(struct vmbus_ring *ring, bool writer)
{
	u32 in, out;

	ring_hook(ring, VMBUS_RING_INDEX_BEFORE);
	in = le32_to_cpu(READ_ONCE(ring->ctl->in));
	ring_hook(ring, VMBUS_RING_INDEX_COPIED);
	ring_hook(ring, VMBUS_RING_INDEX_BEFORE);
	out = le32_to_cpu(READ_ONCE(ring->ctl->out));
	ring_hook(ring, VMBUS_RING_INDEX_COPIED);
	/* For the reader, pair 1; for the writer, the acquire of pair 2. */
	virt_mb();

	ring->fault = VMBUS_RING_OK;
	ring->taken = VMBUS_RING_TAKEN_NOTHING;
	/* Never leave an index that reaches outside, even in a view that failed. */
	ring->own = 0;
	ring->published = 0;
	ring->peer = 0;

	if (in >= ring->size)
		return ring_fail(ring, VMBUS_RING_IN_RANGE);
	if (in % VMBUS_RING_UNIT)
		return ring_fail(ring, VMBUS_RING_IN_ALIGN);
	if (out >= ring->size)
		return ring_fail(ring, VMBUS_RING_OUT_RANGE);
	if (out % VMBUS_RING_UNIT)
		return ring_fail(ring, VMBUS_RING_OUT_ALIGN);

	ring->own = writer ? in : out;
	ring->published = ring->own;
	ring->peer = writer ? out : in;
	return 0;
}

/**
 * vmbus_ring_attach_reader() - begin, or go on, to read a ring
 * @ring: the view
 *
 * The interrupt mask is set. Packets that are there already need no signal: the
 * first wait begins with vmbus_ring_unmask(), which finds them.
 *
 * Return: 0, or -EIO if the shared indices are corrupt.
 */
int vmbus_ring_attach_reader(struct vmbus_ring *ring)
{
	ring->masked = true;
	WRITE_ONCE(ring->ctl->interrupt_mask, cpu_to_le32(1));
	return ring_attach(ring, false);
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_attach_reader, KMCL_NS);

/**
 * vmbus_ring_attach_writer() - begin, or go on, to write a ring
 * @ring: the view
 *
 * A wish for space that was set is withdrawn: write what is queued, and wish
 * again if that does not fit.
 *
 * Return: 0, or -EIO if the shared indices are corrupt.
 */
int vmbus_ring_attach_writer(struct vmbus_ring *ring)
{
	ring->pending = 0;
	WRITE_ONCE(ring->ctl->pending_send_size, 0);
	WRITE_ONCE(ring->ctl->feature_bits, cpu_to_le32(VMBUS_RING_FEATURE_PENDING_SEND_SIZE));
	return ring_attach(ring, true);
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_attach_writer, KMCL_NS);

#define RING_TYPES (BIT(VMBUS_RING_INBAND) | BIT(VMBUS_RING_XFER_PAGES) | \
		    BIT(VMBUS_RING_GPA_DIRECT) | BIT(VMBUS_RING_COMPLETION))

static inline bool ring_type_known(u16 type)
{
	return type < BITS_PER_LONG && (RING_TYPES & BIT(type));
}

/**
 * vmbus_ring_write() - put a packet into the ring, unpublished
 * @ring: a writer's view
 * @p: the packet
 *
 * The peer sees it with the next vmbus_ring_commit_write(). A wish for space is
 * withdrawn by the first packet written; who still has packets waiting calls
 * vmbus_ring_want_space() again.
 *
 * Return: 0; -EAGAIN if it does not fit now; -EMSGSIZE if it never can; -EINVAL
 * for a packet that no peer would take; -EIO if the ring is corrupt.
 */
int vmbus_ring_write(struct vmbus_ring *ring, const struct vmbus_ring_packet *p)
{
	struct vmbus_ring_descriptor desc;
	u32 total, padded;
	u8 *to;

	if (unlikely(ring->fault))
		return -EIO;
	if (unlikely(!ring_type_known(p->type) || p->header_len % VMBUS_RING_UNIT ||
		     (p->flags & ~VMBUS_RING_FLAG_COMPLETION_REQUESTED) ||
		     vmbus_ring_type_has_ranges(p->type) != !!p->header_len))
		return -EINVAL;
	if (unlikely(p->header_len > VMBUS_RING_MAX_PACKET ||
		     p->payload_len > VMBUS_RING_MAX_PACKET))
		return -EMSGSIZE;

	padded = ALIGN(p->payload_len, VMBUS_RING_UNIT);
	total = sizeof(desc) + p->header_len + padded + VMBUS_RING_FOOTER_SIZE;
	if (unlikely(total > ring_max_packet(ring)))
		return -EMSGSIZE;
	if (vmbus_ring_free(ring) < total) {
		if (ring_load_out(ring))
			return -EIO;
		if (vmbus_ring_free(ring) < total) {
			ring->stats.full++;
			return -EAGAIN;
		}
	}
	vmbus_ring_clear_want(ring);

	desc.type = cpu_to_le16(p->type);
	desc.data_offset8 = cpu_to_le16((sizeof(desc) + p->header_len) / VMBUS_RING_UNIT);
	desc.length8 = cpu_to_le16((total - VMBUS_RING_FOOTER_SIZE) / VMBUS_RING_UNIT);
	desc.flags = cpu_to_le16(p->flags);
	desc.transaction_id = cpu_to_le64(p->transaction_id);

	/* May run past size, into the second mapping of the same pages. */
	to = ring->data + ring->own;
	memcpy(to, &desc, sizeof(desc));
	to += sizeof(desc);
	if (p->header_len) {
		memcpy(to, p->header, p->header_len);
		to += p->header_len;
	}
	if (padded) {
		*(__le64 *)(to + padded - VMBUS_RING_UNIT) = 0;
		memcpy(to, p->payload, p->payload_len);
		to += padded;
	}
	/* Footer: 0, and where the packet began. */
	*(__le64 *)to = cpu_to_le64((u64)ring->own << 32);

	ring->own = ring_next(ring, ring->own, total);
	ring->stats.packets++;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_write, KMCL_NS);

/**
 * vmbus_ring_commit_write() - publish what was written since the last time
 * @ring: a writer's view
 *
 * Return: true if the peer must be signalled: it does not mask signals, and had
 * read everything that was published before.
 */
bool vmbus_ring_commit_write(struct vmbus_ring *ring)
{
	u32 before = ring->published;
	u32 out;

	if (ring->own == before || unlikely(ring->fault))
		return false;

	/* Pair 1. */
	virt_wmb();
	WRITE_ONCE(ring->ctl->in, cpu_to_le32(ring->own));
	ring->published = ring->own;
	ring->stats.batches++;

	/* Pair 3: in before the mask. */
	virt_mb();
	if (READ_ONCE(ring->ctl->interrupt_mask))
		return false;
	/* An out as new as the mask: the reader publishes out, then unmasks. */
	virt_rmb();
	ring_hook(ring, VMBUS_RING_INDEX_BEFORE);
	out = le32_to_cpu(READ_ONCE(ring->ctl->out));
	ring_hook(ring, VMBUS_RING_INDEX_COPIED);
	/* Only compared, so it needs no acquire; and is not kept, for it has none. */
	if (ring_check_out(ring, out) || out != before)
		return false;
	ring->stats.signals++;
	return true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_commit_write, KMCL_NS);

/**
 * vmbus_ring_want_space() - ask the reader for a signal once there is room
 * @ring: a writer's view, with everything committed
 * @bytes: what the packet that waits takes, by vmbus_ring_packet_size()
 *
 * Asks for a quarter of the ring at least, so that the two ends do not take
 * turns packet by packet.
 *
 * Return: false if the reader will signal; true if there is no need to wait, for
 * there is room by now, or the ring is corrupt and vmbus_ring_write() says so.
 */
bool vmbus_ring_want_space(struct vmbus_ring *ring, u32 bytes)
{
	u32 most = ring->size - VMBUS_RING_UNIT;
	u32 want;

	if (unlikely(ring->fault))
		return true;
	/* The peer makes no room by reading what it was not shown. */
	WARN_ON_ONCE(ring->own != ring->published);

	bytes = min(bytes, most);
	bytes = ALIGN(bytes, VMBUS_RING_UNIT);
	want = max(bytes, ALIGN(most / 4, VMBUS_RING_UNIT));
	if (ring->pending != want) {
		ring->pending = want;
		WRITE_ONCE(ring->ctl->pending_send_size, cpu_to_le32(want));
	}

	/* Pair 4. */
	virt_mb();
	if (ring_load_out(ring))
		return true;
	if (vmbus_ring_free(ring) < bytes)
		return false;
	vmbus_ring_clear_want(ring);
	return true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_want_space, KMCL_NS);

/**
 * vmbus_ring_clear_want() - withdraw the wish for space
 * @ring: a writer's view
 *
 * vmbus_ring_write() does it by itself; this is for a queue that was emptied in
 * another way. A signal may still come.
 */
void vmbus_ring_clear_want(struct vmbus_ring *ring)
{
	if (likely(!ring->pending))
		return;
	ring->pending = 0;
	WRITE_ONCE(ring->ctl->pending_send_size, 0);
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_clear_want, KMCL_NS);

/* Check the private copy of a descriptor against what is published. */
static enum vmbus_ring_fault ring_check_desc(const struct vmbus_ring_descriptor *desc,
					     u32 available)
{
	u32 data_offset8 = le16_to_cpu(desc->data_offset8);
	u32 length8 = le16_to_cpu(desc->length8);
	u16 type = le16_to_cpu(desc->type);

	if (data_offset8 < sizeof(*desc) / VMBUS_RING_UNIT)
		return VMBUS_RING_DATA_OFFSET;
	if (length8 < data_offset8)
		return VMBUS_RING_LENGTH;
	if (length8 * VMBUS_RING_UNIT > available)
		return VMBUS_RING_OVERRUN;
	if (length8 * VMBUS_RING_UNIT + VMBUS_RING_FOOTER_SIZE > available)
		return VMBUS_RING_FOOTER;
	if (!ring_type_known(type))
		return VMBUS_RING_TYPE;
	if (le16_to_cpu(desc->flags) & ~VMBUS_RING_FLAG_COMPLETION_REQUESTED)
		return VMBUS_RING_FLAGS;
	if (vmbus_ring_type_has_ranges(type) &&
	    data_offset8 < sizeof(*desc) / VMBUS_RING_UNIT + 1)
		return VMBUS_RING_NO_TYPE_HEADER;
	return VMBUS_RING_OK;
}

/* Copy the descriptor at own to ring->desc and check it. 0, -EAGAIN or -EIO. */
static int ring_take_desc(struct vmbus_ring *ring)
{
	u32 available = vmbus_ring_reader_used(ring);
	enum vmbus_ring_fault fault;
	const u64 *from;
	u64 raw[2];

	if (!available) {
		if (ring_load_in(ring))
			return -EIO;
		available = vmbus_ring_reader_used(ring);
		if (!available)
			return -EAGAIN;
	}
	if (unlikely(available < sizeof(ring->desc)))
		return ring_fail(ring, VMBUS_RING_SHORT);

	from = (const u64 *)(ring->data + ring->own);
	raw[0] = READ_ONCE(from[0]);
	raw[1] = READ_ONCE(from[1]);
	memcpy(&ring->desc, raw, sizeof(ring->desc));
	ring_hook(ring, VMBUS_RING_DESC_COPIED);

	fault = ring_check_desc(&ring->desc, available);
	if (unlikely(fault))
		return ring_fail(ring, fault);
	ring->taken = VMBUS_RING_TAKEN_DESC;
	return 0;
}

/**
 * vmbus_ring_peek() - look at the packet at the head of the ring
 * @ring: a reader's view
 * @d: filled in
 *
 * The descriptor is loaded from shared memory once, however often this is called
 * before vmbus_ring_advance().
 *
 * Return: 0; -EAGAIN if the ring is empty; -EIO if it is corrupt.
 */
int vmbus_ring_peek(struct vmbus_ring *ring, struct vmbus_ring_desc *d)
{
	const struct vmbus_ring_descriptor *desc = &ring->desc;
	u32 data_offset, length;

	if (unlikely(ring->fault))
		return -EIO;
	if (ring->taken == VMBUS_RING_TAKEN_NOTHING) {
		int err = ring_take_desc(ring);

		if (err)
			return err;
	}

	data_offset = le16_to_cpu(desc->data_offset8) * VMBUS_RING_UNIT;
	length = le16_to_cpu(desc->length8) * VMBUS_RING_UNIT;
	d->id = le64_to_cpu(desc->transaction_id);
	d->header_len = data_offset - sizeof(*desc);
	d->payload_len = length - data_offset;
	d->total = length + VMBUS_RING_FOOTER_SIZE;
	d->type = le16_to_cpu(desc->type);
	d->flags = le16_to_cpu(desc->flags);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_peek, KMCL_NS);

/**
 * vmbus_ring_copy() - make the one private copy of a packet
 * @ring: a reader's view
 * @d: what vmbus_ring_peek() gave
 * @header: for what lies between descriptor and payload; NULL to leave it
 * @header_size: room there
 * @payload: for the payload; NULL to leave it
 * @payload_size: room there
 *
 * Return: 0; -EMSGSIZE if it does not fit, and nothing was copied; -EALREADY if
 * this packet has been copied, for a second copy need not equal the first.
 */
int vmbus_ring_copy(struct vmbus_ring *ring, const struct vmbus_ring_desc *d,
		    void *header, u32 header_size, void *payload, u32 payload_size)
{
	const u8 *from = ring->data + ring->own + VMBUS_RING_DESCRIPTOR_SIZE;

	if (unlikely(ring->taken != VMBUS_RING_TAKEN_DESC))
		return -EALREADY;
	if (unlikely((header && d->header_len > header_size) ||
		     (payload && d->payload_len > payload_size)))
		return -EMSGSIZE;

	if (header && d->header_len)
		memcpy(header, from, d->header_len);
	if (payload && d->payload_len)
		memcpy(payload, from + d->header_len, d->payload_len);
	/* The compiler may not take the copy's source for the copy from here on. */
	barrier();
	ring->taken = VMBUS_RING_TAKEN_ALL;
	ring_hook(ring, VMBUS_RING_PACKET_COPIED);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_copy, KMCL_NS);

/**
 * vmbus_ring_commit_read() - give the room of what was read to the writer
 * @ring: a reader's view
 *
 * Return: true if the writer must be signalled: it waits for room, and this
 * batch is the one that made it enough.
 */
bool vmbus_ring_commit_read(struct vmbus_ring *ring)
{
	u32 before = ring->published;
	u32 most = ring->size - VMBUS_RING_UNIT;
	u32 pending, used;

	if (ring->own == before || unlikely(ring->fault))
		return false;

	/* Pair 2. */
	virt_store_release(&ring->ctl->out, cpu_to_le32(ring->own));
	ring->published = ring->own;
	ring->stats.batches++;

	/* Pair 4; and of pair 3, the first: what follows may be an unmask. */
	virt_mb();
	/* Some writers leave low bits set, that never were part of the size. */
	pending = le32_to_cpu(READ_ONCE(ring->ctl->pending_send_size));
	pending = round_down(pending, VMBUS_RING_UNIT);
	if (likely(!pending))
		return false;

	/*
	 * Both frees are taken with the same in. A writer that has filled the new
	 * room already is past our old out: that looks like much room before, and
	 * no signal is due, for it has seen the new out.
	 */
	if (ring_load_in(ring))
		return false;
	used = vmbus_ring_distance(ring->size, ring->peer, before);
	if (most - used >= pending)
		return false;
	used = vmbus_ring_distance(ring->size, ring->peer, ring->own);
	if (most - used < pending)
		return false;
	ring->stats.signals++;
	return true;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_commit_read, KMCL_NS);

/**
 * vmbus_ring_unmask() - ask the writer to signal again
 * @ring: a reader's view, with everything committed
 *
 * Return: true if packets are there, for which no signal may come, or the ring
 * is corrupt and vmbus_ring_peek() says so; false if the next one will bring one.
 */
bool vmbus_ring_unmask(struct vmbus_ring *ring)
{
	if (unlikely(ring->fault))
		return true;
	/* The writer compares with the out that it sees. */
	WARN_ON_ONCE(ring->own != ring->published);

	ring->masked = false;
	WRITE_ONCE(ring->ctl->interrupt_mask, 0);
	/* Pair 3. */
	virt_mb();
	if (ring_load_in(ring))
		return true;
	return ring->peer != ring->own;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_unmask, KMCL_NS);

/**
 * vmbus_ring_reader_needs_signal() - may the reader have missed a signal?
 * @ctl: the ring's control page
 *
 * For recovery, after a restore: a signal too many does no harm.
 *
 * Return: true if the reader waits, and the ring is not empty.
 */
bool vmbus_ring_reader_needs_signal(const struct vmbus_ring_control *ctl)
{
	return !READ_ONCE(ctl->interrupt_mask) && READ_ONCE(ctl->in) != READ_ONCE(ctl->out);
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_reader_needs_signal, KMCL_NS);

/**
 * vmbus_ring_writer_needs_signal() - may the writer have missed a signal?
 * @ctl: the ring's control page
 * @size: bytes of data in the ring
 *
 * Return: true if the writer waits for room, and has it.
 */
bool vmbus_ring_writer_needs_signal(const struct vmbus_ring_control *ctl, u32 size)
{
	u32 pending = round_down(le32_to_cpu(READ_ONCE(ctl->pending_send_size)), VMBUS_RING_UNIT);
	u32 out = le32_to_cpu(READ_ONCE(ctl->out));
	u32 in = le32_to_cpu(READ_ONCE(ctl->in));

	if (!pending || in >= size || out >= size || (in | out) % VMBUS_RING_UNIT)
		return false;
	return size - VMBUS_RING_UNIT - vmbus_ring_distance(size, in, out) >= pending;
}
EXPORT_SYMBOL_NS_GPL(vmbus_ring_writer_needs_signal, KMCL_NS);
