// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring: layout, wrap, sizes, attaching; and what its tests share.
 *
 * R1 and the like are the cases of OpenVMM's vmbus_ring and vmbus_async tests,
 * with their numbers.
 */
#include <kunit/resource.h>
#include <linux/kmcl.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "ring_test.h"

#define GUARD		64u
#define GUARD_BYTE	0xa5

static void ring_pair_free(void *data)
{
	struct ring_pair *pair = data;
	unsigned int i;

	if (pair->map)
		vunmap(pair->map);
	for (i = 0; i < pair->nr_pages; i++)
		if (pair->pages[i])
			__free_page(pair->pages[i]);
}

struct ring_pair *ring_pair_new(struct kunit *test, u32 size)
{
	unsigned int i, nr_data = size / PAGE_SIZE;
	struct ring_pair *pair;

	KUNIT_ASSERT_EQ(test, size % PAGE_SIZE, 0);
	pair = kunit_kzalloc(test, sizeof(*pair), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair);
	pair->size = size;
	pair->nr_pages = 1 + nr_data;
	pair->pages = kunit_kcalloc(test, 1 + 2 * nr_data, sizeof(*pair->pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair->pages);
	pair->tx = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair->tx);
	pair->rx = kunit_kmalloc(test, size + GUARD, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair->rx);

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ring_pair_free, pair), 0);
	for (i = 0; i < pair->nr_pages; i++) {
		pair->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, pair->pages[i]);
		if (i)
			pair->pages[i + nr_data] = pair->pages[i];
	}
	pair->map = vmap(pair->pages, 1 + 2 * nr_data, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pair->map);
	pair->ctl = pair->map;
	pair->data = pair->map + PAGE_SIZE;

	KUNIT_ASSERT_EQ(test, vmbus_ring_init(&pair->w, pair->ctl, pair->data, size), 0);
	KUNIT_ASSERT_EQ(test, vmbus_ring_init(&pair->r, pair->ctl, pair->data, size), 0);
	vmbus_ring_reset(&pair->w);
	ring_pair_at(test, pair, 0);
	return pair;
}

void ring_pair_at(struct kunit *test, struct ring_pair *pair, u32 index)
{
	pair->ctl->in = cpu_to_le32(index);
	pair->ctl->out = cpu_to_le32(index);
	KUNIT_ASSERT_EQ(test, vmbus_ring_attach_writer(&pair->w), 0);
	KUNIT_ASSERT_EQ(test, vmbus_ring_attach_reader(&pair->r), 0);
}

int ring_put(struct ring_pair *pair, u16 type, u32 ranges_len, u32 payload_len, u64 id)
{
	u32 header_len = vmbus_ring_header_len(type, ranges_len);
	const struct vmbus_ring_packet p = {
		.type = type,
		.flags = ring_flags_of(id),
		.transaction_id = id,
		.header = pair->tx,
		.header_len = header_len,
		.payload = pair->tx + header_len,
		.payload_len = payload_len,
	};
	u32 k;

	for (k = 0; k < min(header_len + payload_len, pair->size); k++)
		pair->tx[k] = ring_byte(id, k);
	return vmbus_ring_write(&pair->w, &p);
}

bool ring_send(struct kunit *test, struct ring_pair *pair, u32 payload_len, u64 id)
{
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, payload_len, id), 0);
	return vmbus_ring_commit_write(&pair->w);
}

void ring_get(struct kunit *test, struct ring_pair *pair, u16 type, u32 ranges_len,
	      u32 payload_len, u64 id)
{
	u32 header_len = vmbus_ring_header_len(type, ranges_len);
	u32 padded = ALIGN(payload_len, 8);
	u32 k, bad = 0, len = header_len + padded;
	struct vmbus_ring_desc d;

	KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
	KUNIT_ASSERT_EQ(test, d.type, type);
	KUNIT_ASSERT_EQ(test, d.flags, ring_flags_of(id));
	KUNIT_ASSERT_EQ(test, d.id, id);
	KUNIT_ASSERT_EQ(test, d.header_len, header_len);
	KUNIT_ASSERT_EQ(test, d.payload_len, padded);
	KUNIT_ASSERT_EQ(test, d.total, 16 + header_len + padded + 8);

	memset(pair->rx, GUARD_BYTE, len + GUARD);
	KUNIT_ASSERT_EQ(test, vmbus_ring_copy(&pair->r, &d, pair->rx, header_len,
					      pair->rx + header_len, padded), 0);
	for (k = 0; k < header_len + payload_len; k++)
		bad += pair->rx[k] != ring_byte(id, k);
	KUNIT_ASSERT_EQ_MSG(test, bad, 0, "bytes changed on the way");
	KUNIT_ASSERT_NULL_MSG(test, memchr_inv(pair->rx + k, 0, len - k), "padding not zeroed");
	KUNIT_ASSERT_NULL_MSG(test, memchr_inv(pair->rx + len, GUARD_BYTE, GUARD),
			      "copied past the buffer");
	vmbus_ring_advance(&pair->r, &d);
}

void ring_poke(struct ring_pair *pair, u32 index, u16 type, u16 data_offset8, u16 length8,
	       u16 flags, u32 available)
{
	const struct vmbus_ring_descriptor desc = {
		.type = cpu_to_le16(type),
		.data_offset8 = cpu_to_le16(data_offset8),
		.length8 = cpu_to_le16(length8),
		.flags = cpu_to_le16(flags),
		.transaction_id = cpu_to_le64(0x1234),
	};

	memcpy(pair->data + index, &desc, sizeof(desc));
	pair->ctl->in = cpu_to_le32((index + available) % pair->size);
}

void ring_expect_fault(struct kunit *test, struct ring_pair *pair, enum vmbus_ring_fault fault)
{
	u64 faults = pair->r.stats.faults;
	u32 own = vmbus_ring_own_index(&pair->r);
	struct vmbus_ring_desc d;

	KUNIT_EXPECT_EQ(test, vmbus_ring_peek(&pair->r, &d), -EIO);
	KUNIT_EXPECT_STREQ(test, vmbus_ring_fault_name(vmbus_ring_fault(&pair->r)),
			   vmbus_ring_fault_name(fault));
	KUNIT_EXPECT_EQ(test, pair->r.stats.faults, faults + 1);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->r), own);
	/* Counted once, refused for good. */
	KUNIT_EXPECT_EQ(test, vmbus_ring_peek(&pair->r, &d), -EIO);
	KUNIT_EXPECT_EQ(test, pair->r.stats.faults, faults + 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
}

static void ring_init_refuses(struct kunit *test)
{
	struct vmbus_ring_control *ctl = kunit_kzalloc(test, 4096, GFP_KERNEL);
	u8 *data = (u8 *)ctl;
	struct vmbus_ring ring;

	KUNIT_ASSERT_NOT_NULL(test, ctl);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, 4095), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, 4104), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, SZ_1G + 4096), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data + 4, 4096), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, data + 4, data, 4096), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, 4096), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_init(&ring, ctl, data, SZ_1G), 0);
}

static void ring_reset_clears(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	memset(pair->ctl, 0xff, 4096);
	memset(pair->data, 0xff, 4096);
	vmbus_ring_reset(&pair->w);
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->ctl, 0, 4096));
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->data, 0xff, 4096));
}

/* Every byte of one packet and of the control page, as the wire has them. */
static void ring_wire_layout(struct kunit *test)
{
	static const u8 expected[] = {
		0x09, 0x00, 0x05, 0x00, 0x06, 0x00, 0x01, 0x00,	/* type, offset, length, flags */
		0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00,	/* transaction id */
		'h', 'e', 'a', 'd', 'e', 'r', ' ', '8',
		'r', 'a', 'n', 'g', 'e', ' ', ' ', '1',
		'p', 'f', 'n', ' ', ' ', ' ', ' ', '1',
		'd', 'a', 't', 'a', '!', 0, 0, 0,		/* padded with zeroes */
		0, 0, 0, 0, 0x18, 0x00, 0x00, 0x00,		/* footer: 0, 24 */
	};
	struct ring_pair *pair = ring_pair_new(test, 4096);
	const struct vmbus_ring_packet p = {
		.type = VMBUS_RING_GPA_DIRECT,
		.flags = VMBUS_RING_FLAG_COMPLETION_REQUESTED,
		.transaction_id = 0x0011223344556677ULL,
		.header = "header 8range  1pfn    1",
		.header_len = 24,
		.payload = "data!",
		.payload_len = 5,
	};

	memset(pair->data, 0xff, pair->size);
	ring_pair_at(test, pair, 24);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->interrupt_mask), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->feature_bits), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->pending_send_size), 0);

	KUNIT_ASSERT_EQ(test, vmbus_ring_write(&pair->w, &p), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->in), 24);
	vmbus_ring_commit_write(&pair->w);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->in), 24 + sizeof(expected));
	KUNIT_EXPECT_MEMEQ(test, pair->data + 24, expected, sizeof(expected));
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->data, 0xff, 24));
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->data + 24 + sizeof(expected), 0xff,
					   4096 - 24 - sizeof(expected)));
}

/* R1: one packet through a ring of 16 KiB; the write signals, the read does not. */
static void ring_r1_one_packet(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, SZ_16K);
	struct vmbus_ring_desc d;

	KUNIT_EXPECT_FALSE(test, vmbus_ring_unmask(&pair->r));
	KUNIT_EXPECT_EQ(test, vmbus_ring_peek(&pair->r, &d), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, ring_send(test, pair, 100, 7));
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 100, 7);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
	KUNIT_EXPECT_EQ(test, vmbus_ring_peek(&pair->r, &d), -EAGAIN);
	KUNIT_EXPECT_EQ(test, pair->w.stats.packets, 1);
	KUNIT_EXPECT_EQ(test, pair->w.stats.signals, 1);
	KUNIT_EXPECT_EQ(test, pair->r.stats.packets, 1);
	KUNIT_EXPECT_EQ(test, pair->r.stats.signals, 0);
}

static const u32 wrap_sizes[] = { 4096, 8192, 12288 };

static void wrap_desc(const u32 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", *size);
}

KUNIT_ARRAY_PARAM(wrap, wrap_sizes, wrap_desc);

/* Packets of every type, from every index that there is, so across every wrap. */
static void ring_wrap_every_offset(struct kunit *test)
{
	static const u32 lens[] = { 0, 1, 7, 8, 9, 40, 257, 1000 };
	static const u16 types[] = { VMBUS_RING_INBAND, VMBUS_RING_XFER_PAGES,
				     VMBUS_RING_GPA_DIRECT, VMBUS_RING_COMPLETION };
	u32 size = *(const u32 *)test->param_value;
	struct ring_pair *pair = ring_pair_new(test, size);
	u32 start, i;

	for (start = 0; start < size; start += 8) {
		ring_pair_at(test, pair, start);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			KUNIT_ASSERT_EQ(test, ring_put(pair, types[i % 4], 16, lens[i],
						       start * 16 + i), 0);
		vmbus_ring_commit_write(&pair->w);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			ring_get(test, pair, types[i % 4], 16, lens[i], start * 16 + i);
		vmbus_ring_commit_read(&pair->r);
		KUNIT_ASSERT_EQ(test, pair->ctl->in, pair->ctl->out);
		KUNIT_ASSERT_EQ(test, le32_to_cpu(pair->ctl->in),
				vmbus_ring_own_index(&pair->r));
	}
	/* And the largest packet there can be, which nearly meets itself. */
	for (start = 0; start < size; start += 8) {
		ring_pair_at(test, pair, start);
		KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, size - 32, start), 0);
		vmbus_ring_commit_write(&pair->w);
		ring_get(test, pair, VMBUS_RING_INBAND, 0, size - 32, start);
		vmbus_ring_commit_read(&pair->r);
	}
}

static void ring_packet_sizes(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct vmbus_ring big;

	/* 16 + round8(payload) + 8; ranges add 8 and themselves. */
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0, 0), 24);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0, 1), 32);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_COMPLETION, 0, 4000), 4024);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_XFER_PAGES, 8 * 3, 17), 80);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_GPA_DIRECT, 8 + 8 * 2, 40), 96);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0, 65533 * 8),
			65535 * 8 + 8);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0, 65533 * 8 + 1), U32_MAX);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0, U32_MAX), U32_MAX);
	KUNIT_EXPECT_EQ(test, vmbus_ring_packet_size(VMBUS_RING_GPA_DIRECT, U32_MAX, U32_MAX),
			U32_MAX);

	KUNIT_EXPECT_EQ(test, vmbus_ring_max_payload(&pair->w, VMBUS_RING_INBAND, 0), 4064);
	KUNIT_EXPECT_EQ(test, vmbus_ring_max_payload(&pair->w, VMBUS_RING_GPA_DIRECT, 24), 4032);
	KUNIT_EXPECT_EQ(test, vmbus_ring_max_payload(&pair->w, VMBUS_RING_GPA_DIRECT, 4064), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_max_payload(&pair->w, VMBUS_RING_GPA_DIRECT, U32_MAX), 0);
	/* In a large ring it is length8 that bounds. */
	KUNIT_ASSERT_EQ(test, vmbus_ring_init(&big, pair->ctl, pair->data, SZ_1M), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_max_payload(&big, VMBUS_RING_INBAND, 0), 65533 * 8);
}

/* The largest packet: size - 8 bytes in an empty ring, and never one more. */
static void ring_largest_packet(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4065, 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, U32_MAX, 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_GPA_DIRECT, 4064, 0, 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, pair->w.stats.full, 0);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4064, 1), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_free(&pair->w), 0);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 0, 2), -EAGAIN);
	KUNIT_EXPECT_EQ(test, pair->w.stats.full, 1);
	vmbus_ring_commit_write(&pair->w);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 0, 2), -EAGAIN);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 4064, 1);
	/* Read, but not given back. */
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 0, 2), -EAGAIN);
	vmbus_ring_commit_read(&pair->r);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 0, 2), 0);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4064, 3), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4064 - 24, 3), 0);
}

/* length8 has 16 bits: the largest packet of a ring of 1 MiB, and one too large. */
static void ring_largest_length8(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, SZ_1M);

	ring_pair_at(test, pair, SZ_1M - 8);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 65533 * 8 + 1, 5), -EMSGSIZE);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 65533 * 8, 5), 0);
	vmbus_ring_commit_write(&pair->w);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 65533 * 8, 5);
}

static void ring_write_refuses(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct vmbus_ring_packet good = { .type = VMBUS_RING_INBAND, .header = pair->tx }, p;

	p = good;
	p.type = 0x8;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EINVAL);
	p = good;
	p.flags = 2;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EINVAL);
	p = good;
	p.header_len = 8;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EINVAL);
	p.type = VMBUS_RING_XFER_PAGES;
	p.header_len = 0;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EINVAL);
	p.header_len = 12;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EINVAL);
	p.header_len = U32_MAX - 7;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), -EMSGSIZE);
	p.header_len = 16;
	KUNIT_EXPECT_EQ(test, vmbus_ring_write(&pair->w, &p), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->w), 40);
}

/* Bounds of the caller's buffers; pieces left out; one copy a packet. */
static void ring_copy_bounds(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct vmbus_ring_desc d;

	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_XFER_PAGES, 8, 20, 9), 0);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 8, 10), 0);
	vmbus_ring_commit_write(&pair->w);
	KUNIT_EXPECT_EQ(test, vmbus_ring_copy(&pair->r, &d, NULL, 0, NULL, 0), -EALREADY);
	KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
	memset(pair->rx, GUARD_BYTE, 128);
	KUNIT_EXPECT_EQ(test, vmbus_ring_copy(&pair->r, &d, pair->rx, 15, pair->rx + 16, 24),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, vmbus_ring_copy(&pair->r, &d, pair->rx, 16, pair->rx + 16, 23),
			-EMSGSIZE);
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->rx, GUARD_BYTE, 128));
	KUNIT_EXPECT_EQ(test, vmbus_ring_copy(&pair->r, &d, NULL, 0, pair->rx + 16, 24), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->rx, GUARD_BYTE, 16));
	KUNIT_EXPECT_EQ(test, pair->rx[16], ring_byte(9, 16));
	KUNIT_EXPECT_EQ(test, vmbus_ring_copy(&pair->r, &d, pair->rx, 16, pair->rx + 16, 24),
			-EALREADY);
	vmbus_ring_advance(&pair->r, &d);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, 10);
}

/* A ring that both ends left with packets in it goes on where it was. */
static void ring_attach_again(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct vmbus_ring w, r;

	ring_pair_at(test, pair, 4000);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 100, 1), 0);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 50, 2), 0);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_COMPLETION, 0, 3, 3), 0);
	vmbus_ring_commit_write(&pair->w);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 100, 1);
	vmbus_ring_commit_read(&pair->r);
	/* Taken, but not given back: a new view finds it again. */
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 50, 2);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_settled(&pair->r));
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 4088));

	KUNIT_ASSERT_EQ(test, vmbus_ring_init(&w, pair->ctl, pair->data, 4096), 0);
	KUNIT_ASSERT_EQ(test, vmbus_ring_init(&r, pair->ctl, pair->data, 4096), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_reader(&r), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_writer(&w), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->interrupt_mask), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->pending_send_size), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&w), vmbus_ring_own_index(&pair->w));
	KUNIT_EXPECT_TRUE(test, vmbus_ring_settled(&r));
	pair->w = w;
	pair->r = r;
	/* No signal came, and none is needed. */
	KUNIT_EXPECT_TRUE(test, vmbus_ring_unmask(&pair->r));
	KUNIT_EXPECT_EQ(test, vmbus_ring_reader_used(&pair->r), 80 + 32);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 50, 2);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 33, 4), 0);
	ring_get(test, pair, VMBUS_RING_COMPLETION, 0, 3, 3);
	vmbus_ring_commit_write(&pair->w);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 33, 4);
}

static void ring_fault_names(struct kunit *test)
{
	int i, j;

	for (i = 0; i < VMBUS_RING_NR_FAULTS; i++) {
		KUNIT_EXPECT_STRNEQ(test, vmbus_ring_fault_name(i), "unknown");
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_STRNEQ(test, vmbus_ring_fault_name(i),
					    vmbus_ring_fault_name(j));
	}
	KUNIT_EXPECT_STREQ(test, vmbus_ring_fault_name(VMBUS_RING_NR_FAULTS), "unknown");
	KUNIT_EXPECT_STREQ(test, vmbus_ring_fault_name(-1), "unknown");
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(ring_init_refuses),
	KUNIT_CASE(ring_reset_clears),
	KUNIT_CASE(ring_wire_layout),
	KUNIT_CASE(ring_r1_one_packet),
	KUNIT_CASE_PARAM(ring_wrap_every_offset, wrap_gen_params),
	KUNIT_CASE(ring_packet_sizes),
	KUNIT_CASE(ring_largest_packet),
	KUNIT_CASE(ring_largest_length8),
	KUNIT_CASE(ring_write_refuses),
	KUNIT_CASE(ring_copy_bounds),
	KUNIT_CASE(ring_attach_again),
	KUNIT_CASE(ring_fault_names),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "kmcl_ring",
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
