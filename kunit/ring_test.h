/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the tests of the VMBus ring: a ring in memory of its own, with a writer's
 * and a reader's view, and packets whose bytes follow from their transaction id.
 */
#ifndef _KMCL_RING_TEST_H
#define _KMCL_RING_TEST_H

#include <kunit/test.h>
#include <linux/types.h>

#include "vmbus/ring.h"

/**
 * struct ring_pair - both ends of one ring
 * @w: the writer's view
 * @r: the reader's view
 * @ctl: the shared control page
 * @data: the shared data, mapped twice
 * @size: bytes of data, once
 * @tx: room to make a packet in
 * @rx: room to receive one in, with guard bytes behind it
 * @pages: the control page and the data pages, then the data pages again
 * @nr_pages: their number, each counted once
 * @map: the mapping
 */
struct ring_pair {
	struct vmbus_ring w;
	struct vmbus_ring r;
	struct vmbus_ring_control *ctl;
	u8 *data;
	u32 size;
	u8 *tx;
	u8 *rx;
	struct page **pages;
	unsigned int nr_pages;
	void *map;
};

/* A new ring, both ends attached. Asserts; freed with the test. */
struct ring_pair *ring_pair_new(struct kunit *test, u32 size);
/* Both ends attached anew to an empty ring whose indices are @index. */
void ring_pair_at(struct kunit *test, struct ring_pair *pair, u32 index);

/* Write a packet, unpublished. @ranges_len is for types with ranges. */
int ring_put(struct ring_pair *pair, u16 type, u32 ranges_len, u32 payload_len, u64 id);
/* Write a packet and publish it; returns whether the reader must be signalled. */
bool ring_send(struct kunit *test, struct ring_pair *pair, u32 payload_len, u64 id);
/* Take the next packet, unpublished, and assert that it is the one ring_put() made. */
void ring_get(struct kunit *test, struct ring_pair *pair, u16 type, u32 ranges_len,
	      u32 payload_len, u64 id);
/* Put a descriptor as it is at @index, and publish @available bytes from there. */
void ring_poke(struct ring_pair *pair, u32 index, u16 type, u16 data_offset8, u16 length8,
	       u16 flags, u32 available);
/* Assert that the head of the ring is refused with @fault, and stays refused. */
void ring_expect_fault(struct kunit *test, struct ring_pair *pair, enum vmbus_ring_fault fault);

/* What ring_put() gives a packet of this @id as flags. */
static inline u16 ring_flags_of(u64 id)
{
	return id & 1 ? VMBUS_RING_FLAG_COMPLETION_REQUESTED : 0;
}

/* Byte @k after the descriptor of the packet @id. */
static inline u8 ring_byte(u64 id, u32 k)
{
	return id * 29 + k * 7 + (k >> 8) + 1;
}

#endif /* _KMCL_RING_TEST_H */
