// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring against a peer that writes anything at any moment.
 */
#include <linux/prandom.h>
#include <linux/string.h>

#include "ring_test.h"

struct desc_case {
	enum vmbus_ring_fault fault;
	u16 type;
	u16 data_offset8;
	u16 length8;
	u16 flags;
	u32 available;
};

#define INBAND	VMBUS_RING_INBAND
#define XFER	VMBUS_RING_XFER_PAGES
#define GPA	VMBUS_RING_GPA_DIRECT
#define COMP	VMBUS_RING_COMPLETION

/* Each check of a descriptor, from both of its sides. In a ring of 4096. */
static const struct desc_case desc_cases[] = {
	{ VMBUS_RING_OK,		INBAND, 2, 2, 0, 24 },
	{ VMBUS_RING_OK,		INBAND, 2, 2, 1, 24 },
	{ VMBUS_RING_OK,		COMP, 2, 3, 0, 32 },
	{ VMBUS_RING_OK,		INBAND, 2, 510, 0, 4088 },
	{ VMBUS_RING_OK,		INBAND, 4, 4, 0, 48 },
	{ VMBUS_RING_OK,		XFER, 3, 3, 1, 32 },
	{ VMBUS_RING_OK,		GPA, 3, 3, 0, 32 },
	{ VMBUS_RING_SHORT,		INBAND, 2, 2, 0, 8 },
	{ VMBUS_RING_DATA_OFFSET,	INBAND, 0, 2, 0, 24 },
	{ VMBUS_RING_DATA_OFFSET,	INBAND, 1, 2, 0, 24 },
	{ VMBUS_RING_DATA_OFFSET,	INBAND, 0, 0, 0, 24 },
	{ VMBUS_RING_DATA_OFFSET,	GPA, 1, 6, 1, 4088 },
	{ VMBUS_RING_LENGTH,		INBAND, 3, 2, 0, 4088 },
	{ VMBUS_RING_LENGTH,		INBAND, 2, 1, 0, 4088 },
	{ VMBUS_RING_LENGTH,		INBAND, 2, 0, 0, 4088 },
	{ VMBUS_RING_LENGTH,		INBAND, 0xffff, 0xfffe, 0, 4088 },
	{ VMBUS_RING_LENGTH,		GPA, 3, 2, 1, 24 },
	{ VMBUS_RING_OVERRUN,		INBAND, 2, 3, 0, 16 },
	{ VMBUS_RING_OVERRUN,		INBAND, 2, 4, 0, 24 },
	{ VMBUS_RING_OVERRUN,		INBAND, 2, 512, 0, 4088 },
	{ VMBUS_RING_OVERRUN,		INBAND, 2, 0xffff, 0, 4088 },
	{ VMBUS_RING_OVERRUN,		INBAND, 0xffff, 0xffff, 0, 4088 },
	/* Published without its footer: reading on would go past in. */
	{ VMBUS_RING_FOOTER,		INBAND, 2, 2, 0, 16 },
	{ VMBUS_RING_FOOTER,		INBAND, 2, 3, 0, 24 },
	{ VMBUS_RING_FOOTER,		INBAND, 2, 511, 0, 4088 },
	{ VMBUS_RING_TYPE,		0x0, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0x1, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0x5, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0x8, 4, 4, 0, 48 },
	{ VMBUS_RING_TYPE,		0xa, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0xc, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0xd, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0x46, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0x106, 2, 2, 0, 24 },
	{ VMBUS_RING_TYPE,		0xffff, 2, 2, 0, 24 },
	{ VMBUS_RING_FLAGS,		INBAND, 2, 2, 2, 24 },
	{ VMBUS_RING_FLAGS,		INBAND, 2, 2, 3, 24 },
	{ VMBUS_RING_FLAGS,		COMP, 2, 2, 0x8000, 24 },
	/* R4 and R5: ranges announced by a packet that is only a descriptor. */
	{ VMBUS_RING_NO_TYPE_HEADER,	GPA, 2, 2, 1, 24 },
	{ VMBUS_RING_NO_TYPE_HEADER,	XFER, 2, 2, 1, 24 },
	{ VMBUS_RING_NO_TYPE_HEADER,	GPA, 2, 6, 1, 4088 },
};

static void desc_name(const struct desc_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: type %#x offset %#x length %#x flags %#x of %u",
		 vmbus_ring_fault_name(c->fault), c->type, c->data_offset8, c->length8, c->flags,
		 c->available);
}

KUNIT_ARRAY_PARAM(descriptor, desc_cases, desc_name);

static void ring_descriptor(struct kunit *test)
{
	static const u32 starts[] = { 0, 2048, 4096 - 16, 4096 - 8 };
	const struct desc_case *c = test->param_value;
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct vmbus_ring_desc d;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		ring_pair_at(test, pair, starts[i]);
		ring_poke(pair, starts[i], c->type, c->data_offset8, c->length8, c->flags,
			  c->available);
		if (c->fault != VMBUS_RING_OK) {
			ring_expect_fault(test, pair, c->fault);
			continue;
		}
		KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
		KUNIT_EXPECT_EQ(test, d.type, c->type);
		KUNIT_EXPECT_EQ(test, d.flags, c->flags);
		KUNIT_EXPECT_EQ(test, d.id, 0x1234);
		KUNIT_EXPECT_EQ(test, d.header_len, c->data_offset8 * 8 - 16);
		KUNIT_EXPECT_EQ(test, d.payload_len, (c->length8 - c->data_offset8) * 8);
		KUNIT_EXPECT_EQ(test, d.total, c->length8 * 8 + 8);
	}
}

struct index_case {
	enum vmbus_ring_fault fault;
	u32 value;
};

/* In a ring of 4096 whose two indices are 1024 and 2048. */
static const struct index_case in_cases[] = {
	{ VMBUS_RING_IN_RANGE, 4096 },
	{ VMBUS_RING_IN_RANGE, 4104 },
	{ VMBUS_RING_IN_RANGE, 0x80000000 },
	{ VMBUS_RING_IN_RANGE, U32_MAX },
	{ VMBUS_RING_IN_RANGE, U32_MAX - 7 },
	{ VMBUS_RING_IN_ALIGN, 2049 },
	{ VMBUS_RING_IN_ALIGN, 2052 },
	{ VMBUS_RING_IN_ALIGN, 4095 },
	{ VMBUS_RING_IN_BACKWARD, 2040 },
	{ VMBUS_RING_IN_BACKWARD, 1032 },
	{ VMBUS_RING_IN_BACKWARD, 1024 },
};

static const struct index_case out_cases[] = {
	{ VMBUS_RING_OUT_RANGE, 4096 },
	{ VMBUS_RING_OUT_RANGE, 4104 },
	{ VMBUS_RING_OUT_RANGE, 0x80000000 },
	{ VMBUS_RING_OUT_RANGE, U32_MAX },
	{ VMBUS_RING_OUT_ALIGN, 1025 },
	{ VMBUS_RING_OUT_ALIGN, 1028 },
	{ VMBUS_RING_OUT_BACKWARD, 1016 },
	{ VMBUS_RING_OUT_BACKWARD, 0 },
	{ VMBUS_RING_OUT_BACKWARD, 2056 },
	{ VMBUS_RING_OUT_BACKWARD, 4088 },
};

static void index_desc(const struct index_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %#x", vmbus_ring_fault_name(c->fault), c->value);
}

KUNIT_ARRAY_PARAM(in, in_cases, index_desc);
KUNIT_ARRAY_PARAM(out, out_cases, index_desc);

/* A packet from 1024 to 2048 in the ring, published. */
static struct ring_pair *one_packet(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	ring_pair_at(test, pair, 1024);
	ring_send(test, pair, 1000, 1);
	return pair;
}

/* Every place that loads in finds what is wrong with it. */
static void ring_bad_in(struct kunit *test)
{
	const struct index_case *c = test->param_value;
	struct ring_pair *pair = one_packet(test);

	/* The reader saw 2048, and took the packet without giving it back. */
	ring_get(test, pair, INBAND, 0, 1000, 1);
	pair->ctl->in = cpu_to_le32(c->value);
	ring_expect_fault(test, pair, c->fault);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_unmask(&pair->r));

	pair = one_packet(test);
	ring_get(test, pair, INBAND, 0, 1000, 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
	pair->ctl->in = cpu_to_le32(c->value);
	/* With all of it given back, an in from 2048 round to 2040 is news. */
	if (c->fault == VMBUS_RING_IN_BACKWARD) {
		KUNIT_EXPECT_TRUE(test, vmbus_ring_unmask(&pair->r));
		KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), VMBUS_RING_OK);
	} else {
		KUNIT_EXPECT_TRUE(test, vmbus_ring_unmask(&pair->r));
		KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), c->fault);
		KUNIT_EXPECT_EQ(test, pair->r.stats.faults, 1);
	}

	pair = one_packet(test);
	pair->ctl->pending_send_size = cpu_to_le32(4088);
	ring_get(test, pair, INBAND, 0, 1000, 1);
	pair->ctl->in = cpu_to_le32(c->value);
	if (c->fault != VMBUS_RING_IN_BACKWARD) {
		KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
		KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), c->fault);
	}

	if (c->fault == VMBUS_RING_IN_BACKWARD)
		return;
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_reader(&pair->r), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), c->fault);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_writer(&pair->w), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), c->fault);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 1), -EIO);
	KUNIT_EXPECT_LT(test, vmbus_ring_own_index(&pair->w), 4096);
	/* A good index, and it lives again. */
	ring_pair_at(test, pair, 0);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 1), 0);
}

/* Every place that loads out finds what is wrong with it. */
static void ring_bad_out(struct kunit *test)
{
	const struct index_case *c = test->param_value;
	struct ring_pair *pair = one_packet(test);

	/* 4088 - 1024 are free: this one has to look at out. */
	pair->ctl->out = cpu_to_le32(c->value);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 4000, 2), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), c->fault);
	KUNIT_EXPECT_EQ(test, pair->w.stats.faults, 1);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 2), -EIO);
	KUNIT_EXPECT_EQ(test, pair->w.stats.faults, 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_write(&pair->w));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->in), 2048);

	pair = one_packet(test);
	pair->ctl->out = cpu_to_le32(c->value);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_want_space(&pair->w, 4000));
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), c->fault);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 2), -EIO);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_want_space(&pair->w, 4000));

	/* A commit looks at out unless it is masked; in is published by then. */
	pair = one_packet(test);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 2), 0);
	pair->ctl->out = cpu_to_le32(c->value);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_write(&pair->w));
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), VMBUS_RING_OK);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 3), 0);
	pair->ctl->interrupt_mask = 0;
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_write(&pair->w));
	if (c->value != 2056) {
		KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), c->fault);
		KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 8, 4), -EIO);
	}

	if (c->fault == VMBUS_RING_OUT_BACKWARD)
		return;
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_reader(&pair->r), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), c->fault);
	KUNIT_EXPECT_LT(test, vmbus_ring_own_index(&pair->r), 4096);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_writer(&pair->w), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), c->fault);
}

/*
 * The hook's peer. At each point it rewrites the whole shared page, or as much
 * of the ring as has been copied by then.
 */
struct evil {
	struct ring_pair *pair;
	struct rnd_state rnd;
	unsigned int points;	/* bit for each point at which it acts */
	unsigned int calls;
	u32 at;			/* where the packet is */
	u32 in;			/* indices to write */
	u32 out;
	bool whole;		/* all of the data, not the descriptor alone */
};

static void evil_indices(struct evil *evil)
{
	struct vmbus_ring_control *ctl = evil->pair->ctl;

	memset(ctl, 0xff, VMBUS_RING_PAGE_SIZE);
	ctl->in = cpu_to_le32(evil->in);
	ctl->out = cpu_to_le32(evil->out);
}

static void evil_hook(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct evil *evil = ring->hook_data;
	struct ring_pair *pair = evil->pair;

	if (!(evil->points & BIT(point)))
		return;
	evil->calls++;
	evil_indices(evil);
	if (point == VMBUS_RING_DESC_COPIED) {
		const struct vmbus_ring_descriptor desc = {
			.type = cpu_to_le16(VMBUS_RING_XFER_PAGES),
			.data_offset8 = cpu_to_le16(3),
			.length8 = cpu_to_le16(400),
			.transaction_id = cpu_to_le64(666),
		};

		if (evil->whole)
			memset(pair->data, 0xee, pair->size);
		memcpy(pair->data + evil->at, &desc, sizeof(desc));
	} else if (point == VMBUS_RING_PACKET_COPIED) {
		memset(pair->data, 0xee, pair->size);
	}
}

static void evil_arm(struct evil *evil, struct vmbus_ring *ring)
{
	ring->hook_data = evil;
	ring->hook = evil_hook;
}

struct evil_case {
	const char *name;
	unsigned int points;
	u32 index;
};

static const struct evil_case evil_cases[] = {
	{ "after the index, out of range", BIT(VMBUS_RING_INDEX_COPIED), U32_MAX },
	{ "after the index, unaligned", BIT(VMBUS_RING_INDEX_COPIED), 1 },
	{ "after the index, empty", BIT(VMBUS_RING_INDEX_COPIED), 4000 },
	{ "after the descriptor", BIT(VMBUS_RING_DESC_COPIED), U32_MAX },
	{ "after the packet", BIT(VMBUS_RING_PACKET_COPIED), U32_MAX },
	{ "after each copy", BIT(VMBUS_RING_INDEX_COPIED) | BIT(VMBUS_RING_DESC_COPIED) |
	  BIT(VMBUS_RING_PACKET_COPIED), U32_MAX },
	{ "after each copy, zeroes", BIT(VMBUS_RING_INDEX_COPIED) | BIT(VMBUS_RING_DESC_COPIED) |
	  BIT(VMBUS_RING_PACKET_COPIED), 0 },
};

static void evil_desc(const struct evil_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(evil, evil_cases, evil_desc);

/* What was copied once is what counts: the packet is the one that was sent. */
static void ring_same_packet(struct kunit *test)
{
	static const u16 types[] = { INBAND, XFER, GPA, COMP };
	const struct evil_case *c = test->param_value;
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct evil evil = {
		.pair = pair, .points = c->points, .in = c->index, .out = c->index,
		.at = 4000,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		pair->r.hook = NULL;
		ring_pair_at(test, pair, 4000);
		KUNIT_ASSERT_EQ(test, ring_put(pair, types[i], 24, 300, i), 0);
		vmbus_ring_commit_write(&pair->w);
		evil_arm(&evil, &pair->r);
		evil.calls = 0;
		ring_get(test, pair, types[i], 24, 300, i);
		KUNIT_EXPECT_EQ(test, evil.calls, hweight32(c->points));
		KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), VMBUS_RING_OK);
	}
}

/* All of the data changes between descriptor and payload: still that descriptor. */
static void ring_same_lengths(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct evil evil = {
		.pair = pair, .points = BIT(VMBUS_RING_DESC_COPIED), .whole = true,
		.in = U32_MAX, .out = U32_MAX, .at = 0,
	};
	struct vmbus_ring_desc d, again;

	ring_send(test, pair, 64, 42);
	evil_arm(&evil, &pair->r);
	KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_peek(&pair->r, &again), 0);
	KUNIT_EXPECT_EQ(test, evil.calls, 1);
	KUNIT_EXPECT_EQ(test, again.id, 42);
	KUNIT_EXPECT_EQ(test, again.total, d.total);
	memset(pair->rx, 0xa5, 128);
	KUNIT_ASSERT_EQ(test, vmbus_ring_copy(&pair->r, &again, pair->rx, 0, pair->rx, 64), 0);
	KUNIT_EXPECT_EQ(test, d.id, 42);
	KUNIT_EXPECT_EQ(test, d.payload_len, 64);
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->rx, 0xee, 64));
	KUNIT_EXPECT_NULL(test, memchr_inv(pair->rx + 64, 0xa5, 64));
	vmbus_ring_advance(&pair->r, &d);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->r), 88);
	/* Then the index that it left behind is looked at, and counted. */
	ring_expect_fault(test, pair, VMBUS_RING_IN_RANGE);
}

/* The writer: what it was told once is what it goes by, and its own index is its own. */
static void ring_same_room(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct evil evil = {
		.pair = pair, .points = BIT(VMBUS_RING_INDEX_COPIED), .in = 13, .out = U32_MAX,
	};
	struct vmbus_ring_desc d;

	ring_send(test, pair, 4000, 1);
	KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), 0);
	vmbus_ring_advance(&pair->r, &d);
	vmbus_ring_commit_read(&pair->r);
	evil_arm(&evil, &pair->w);
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 1000, 2), 0);
	KUNIT_EXPECT_EQ(test, evil.calls, 1);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->w), (4024 + 1024) % 4096);
	vmbus_ring_commit_write(&pair->w);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(pair->ctl->in), (4024 + 1024) % 4096);
	/* The next look at out finds what is there by then. */
	KUNIT_EXPECT_EQ(test, ring_put(pair, INBAND, 0, 4000, 3), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->w), VMBUS_RING_OUT_RANGE);
	KUNIT_EXPECT_EQ(test, pair->w.stats.faults, 1);
}

/* Attaching takes both indices once. */
static void ring_same_attach(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct evil evil = { .pair = pair, .points = BIT(VMBUS_RING_INDEX_COPIED) };

	/* The second load sees what the hook wrote after the first. */
	pair->ctl->in = cpu_to_le32(1024);
	evil.in = U32_MAX;
	evil.out = 512;
	evil_arm(&evil, &pair->w);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_writer(&pair->w), 0);
	KUNIT_EXPECT_EQ(test, evil.calls, 2);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->w), 1024);
	KUNIT_EXPECT_EQ(test, vmbus_ring_free(&pair->w), 4088 - 512);

	pair->ctl->in = cpu_to_le32(1024);
	evil_arm(&evil, &pair->r);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_reader(&pair->r), 0);
	KUNIT_EXPECT_EQ(test, vmbus_ring_own_index(&pair->r), 512);
	KUNIT_EXPECT_EQ(test, vmbus_ring_reader_used(&pair->r), 512);

	evil.out = U32_MAX;
	pair->ctl->in = cpu_to_le32(1024);
	KUNIT_EXPECT_EQ(test, vmbus_ring_attach_reader(&pair->r), -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), VMBUS_RING_OUT_RANGE);
}

static u32 evil_index(struct rnd_state *rnd)
{
	switch (prandom_u32_state(rnd) % 8) {
	case 0:
		return prandom_u32_state(rnd);
	case 1:
		return prandom_u32_state(rnd) % 8192;
	default:
		return round_down(prandom_u32_state(rnd) % 4096, 8);
	}
}

static void random_hook(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct evil *evil = ring->hook_data;
	struct ring_pair *pair = evil->pair;
	u32 what = prandom_u32_state(&evil->rnd);
	u32 i;

	evil->calls++;
	if (what & 1) {
		pair->ctl->in = cpu_to_le32(evil_index(&evil->rnd));
		pair->ctl->out = cpu_to_le32(evil_index(&evil->rnd));
	}
	if (what & 2) {
		pair->ctl->interrupt_mask = cpu_to_le32(what >> 31);
		pair->ctl->pending_send_size = cpu_to_le32(evil_index(&evil->rnd));
	}
	if (what & 4)
		prandom_bytes_state(&evil->rnd, pair->data, pair->size);
	if (what & 24) {
		/* Mostly good descriptors everywhere, so that some get far. */
		for (i = 0; i < pair->size; i += 8) {
			const u16 word[] = { 6 + i / 8 % 6, 1 + (what >> 8) % 4,
					     2 + prandom_u32_state(&evil->rnd) % 16,
					     i / 8 % 16 == 15 ? 4 : i / 8 % 2 };

			memcpy(pair->data + i, word, sizeof(word));
		}
	}
}

/* Anything at every point: a packet inside the bounds, nothing, or one counted fault. */
static void ring_random_peer(struct kunit *test)
{
	const u64 seed = 0x6b6d636c;
	struct ring_pair *pair = ring_pair_new(test, 4096);
	struct evil evil = { .pair = pair };
	u32 round, packets = 0, empties = 0, writes = 0;
	u64 faults[VMBUS_RING_NR_FAULTS] = { };

	kunit_info(test, "seed %#llx\n", seed);
	prandom_seed_state(&evil.rnd, seed);
	pair->r.hook_data = &evil;
	pair->w.hook_data = &evil;

	for (round = 0; round < 20000; round++) {
		struct vmbus_ring *ring = round & 1 ? &pair->w : &pair->r;
		struct vmbus_ring_desc d;
		int err;

		if (vmbus_ring_fault(ring)) {
			KUNIT_ASSERT_EQ(test, ring->stats.faults, 1);
			faults[vmbus_ring_fault(ring)]++;
			ring->hook = NULL;
			ring->stats.faults = 0;
			pair->ctl->in = 0;
			pair->ctl->out = 0;
			KUNIT_ASSERT_EQ(test, round & 1 ? vmbus_ring_attach_writer(ring) :
							  vmbus_ring_attach_reader(ring), 0);
		}
		ring->hook = random_hook;

		if (ring == &pair->w) {
			err = ring_put(pair, INBAND, 0, prandom_u32_state(&evil.rnd) % 1000, round);
			writes += !err;
			if (err == -EAGAIN) {
				vmbus_ring_commit_write(ring);
				vmbus_ring_want_space(ring, 1024);
			} else if (err) {
				KUNIT_ASSERT_EQ(test, err, -EIO);
				KUNIT_ASSERT_NE(test, vmbus_ring_fault(ring), VMBUS_RING_OK);
			}
			if (round % 3 == 0)
				vmbus_ring_commit_write(ring);
		} else {
			err = vmbus_ring_peek(ring, &d);
			if (!err) {
				packets++;
				KUNIT_ASSERT_LE(test, d.total, 4088);
				KUNIT_ASSERT_EQ(test, d.total, 24 + d.header_len + d.payload_len);
				KUNIT_ASSERT_LE(test, d.flags, 1);
				memset(pair->rx + d.total, 0xa5, 32);
				KUNIT_ASSERT_EQ(test, vmbus_ring_copy(ring, &d, pair->rx,
								      d.header_len,
								      pair->rx + d.header_len,
								      d.payload_len), 0);
				KUNIT_ASSERT_NULL(test, memchr_inv(pair->rx + d.total, 0xa5, 32));
				vmbus_ring_advance(ring, &d);
			} else if (err == -EAGAIN) {
				empties++;
			} else {
				KUNIT_ASSERT_EQ(test, err, -EIO);
				KUNIT_ASSERT_NE(test, vmbus_ring_fault(ring), VMBUS_RING_OK);
			}
			if (round % 5 == 0) {
				vmbus_ring_commit_read(ring);
				vmbus_ring_unmask(ring);
				vmbus_ring_mask(ring);
			}
		}
		KUNIT_ASSERT_LT(test, vmbus_ring_own_index(ring), 4096);
		KUNIT_ASSERT_EQ(test, vmbus_ring_own_index(ring) % 8, 0);
	}

	/* It would prove little if all ended the same way. */
	KUNIT_EXPECT_GT(test, packets, 500);
	KUNIT_EXPECT_GT(test, writes, 500);
	KUNIT_EXPECT_GT(test, empties, 10);
	for (round = VMBUS_RING_IN_RANGE; round <= VMBUS_RING_NO_TYPE_HEADER; round++)
		KUNIT_EXPECT_GT_MSG(test, faults[round], 0, "never saw %s",
				    vmbus_ring_fault_name(round));
	kunit_info(test, "%u packets read, %u written, %u times empty, %u hooks\n",
		   packets, writes, empties, evil.calls);
}

static struct kunit_case ring_hostile_cases[] = {
	KUNIT_CASE_PARAM(ring_descriptor, descriptor_gen_params),
	KUNIT_CASE_PARAM(ring_bad_in, in_gen_params),
	KUNIT_CASE_PARAM(ring_bad_out, out_gen_params),
	KUNIT_CASE_PARAM(ring_same_packet, evil_gen_params),
	KUNIT_CASE(ring_same_lengths),
	KUNIT_CASE(ring_same_room),
	KUNIT_CASE(ring_same_attach),
	KUNIT_CASE(ring_random_peer),
	{}
};

static struct kunit_suite ring_hostile_suite = {
	.name = "kmcl_ring_hostile",
	.test_cases = ring_hostile_cases,
};

kunit_test_suite(ring_hostile_suite);
