// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring: who must be signalled, and when.
 */
#include <linux/string.h>

#include "ring_test.h"

/* Descriptor and footer. */
#define OVERHEAD 24u

static u32 shared(const __le32 *field)
{
	return le32_to_cpu(READ_ONCE(*field));
}

/* R2: a masked write gives no signal, an unmasked one does. */
static void ring_r2_interrupt_mask(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, SZ_16K);

	KUNIT_EXPECT_FALSE(test, ring_send(test, pair, 8, 1));
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, 1);
	vmbus_ring_commit_read(&pair->r);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_unmask(&pair->r));
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->interrupt_mask), 0);
	KUNIT_EXPECT_TRUE(test, ring_send(test, pair, 8, 2));
	vmbus_ring_mask(&pair->r);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->interrupt_mask), 1);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, 2);
	vmbus_ring_commit_read(&pair->r);
	KUNIT_EXPECT_FALSE(test, ring_send(test, pair, 8, 3));
	/* Masked is masked: the shared line is not written again. */
	pair->ctl->interrupt_mask = cpu_to_le32(2);
	vmbus_ring_mask(&pair->r);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->interrupt_mask), 2);
	/* And whatever is not 0 masks. */
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, 3);
	vmbus_ring_commit_read(&pair->r);
	KUNIT_EXPECT_FALSE(test, ring_send(test, pair, 8, 4));
}

struct signal_case {
	const char *name;
	bool masked;
	u32 unread;		/* packets published before and not read */
	u32 untold;		/* packets read, whose room is not given back yet */
	u32 written;		/* packets in the batch */
	bool signal;
};

static const struct signal_case signal_cases[] = {
	{ "nothing written",			false, 0, 0, 0, false },
	{ "nothing written, masked",		true,  0, 0, 0, false },
	{ "empty",				false, 0, 0, 1, true },
	{ "empty, batch of five",		false, 0, 0, 5, true },
	{ "empty, masked",			true,  0, 0, 1, false },
	{ "one unread",				false, 1, 0, 1, false },
	{ "one unread, masked",			true,  1, 0, 1, false },
	{ "three unread, batch",		false, 3, 0, 4, false },
	{ "read but not given back",		false, 0, 1, 1, false },
	{ "read but not given back, masked",	true,  0, 1, 1, false },
	{ "some read, some not",		false, 2, 2, 1, false },
};

static void signal_desc(const struct signal_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(signal, signal_cases, signal_desc);

/* Masked or not, empty or not: the rule of the empty ring, from two indices. */
static void ring_signal_on_write(struct kunit *test)
{
	const struct signal_case *c = test->param_value;
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u32 start, i;

	for (start = 0; start < 4096; start += 4096 - 64) {
		u64 signals = pair->w.stats.signals;

		ring_pair_at(test, pair, start);
		for (i = 0; i < c->untold + c->unread; i++)
			ring_send(test, pair, 8, i);
		for (i = 0; i < c->untold; i++)
			ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, i);
		pair->ctl->interrupt_mask = cpu_to_le32(c->masked);
		for (i = 0; i < c->written; i++)
			KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 8, i), 0);
		KUNIT_EXPECT_EQ(test, vmbus_ring_commit_write(&pair->w), c->signal);
		/* Once a batch. */
		KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_write(&pair->w));
		KUNIT_EXPECT_EQ(test, pair->w.stats.signals, signals + c->signal);
	}
}

/* R3: four packets of 4000 bytes fill 16 KiB; with two of them wanted, the second read signals. */
static void ring_r3_pending_send_size(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, SZ_16K);
	u32 round, i;

	for (round = 0; round < 2; round++) {
		ring_pair_at(test, pair, round ? SZ_16K - 8 : 0);
		for (i = 0; i < 4; i++)
			ring_send(test, pair, 4000, i);
		KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 4), -EAGAIN);
		if (round) {
			KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 2 * 4024));
			KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 8048);
		}
		for (i = 0; i < 4; i++) {
			ring_get(test, pair, VMBUS_RING_INBAND, 0, 4000, i);
			/* 280 bytes free, then 4304, then 8328, ... */
			KUNIT_EXPECT_EQ(test, vmbus_ring_commit_read(&pair->r), round && i == 1);
			KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
		}
		KUNIT_EXPECT_EQ(test, pair->r.stats.signals, round);
		KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 4), 0);
		KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 0);
	}
}

/* A4: 4 KiB, the second packet of 4000 bytes waits until the first is read. */
static void ring_a4_ring_full(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	KUNIT_EXPECT_FALSE(test, vmbus_ring_unmask(&pair->r));
	KUNIT_EXPECT_TRUE(test, ring_send(test, pair, 4000, 1));
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 2), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 4024));
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 4024);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 2), -EAGAIN);
	/* A refused write does not withdraw the wish. */
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 4024);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 4000, 1);
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 2), -EAGAIN);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_commit_read(&pair->r));
	KUNIT_EXPECT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 2), 0);
	vmbus_ring_commit_write(&pair->w);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 4000, 2);
}

struct want_case {
	const char *name;
	u32 used;		/* bytes in the ring of 4096 */
	u32 bytes;		/* asked for */
	bool room;
	u32 pending;		/* that the reader then sees */
};

/* (4096 - 8) / 4 is 1022, so 1024 is the least that is asked for. */
static const struct want_case want_cases[] = {
	{ "small wish asks for a quarter",	4064, 32,   false, 1024 },
	{ "just under a quarter",		4064, 1016, false, 1024 },
	{ "just over a quarter",		4064, 1025, false, 1032 },
	{ "rounded up to 8",			4064, 4001, false, 4008 },
	{ "all of it",				4064, 4088, false, 4088 },
	{ "never more than size - 8",		4064, 4096, false, 4088 },
	{ "absurd",				4064, U32_MAX, false, 4088 },
	{ "one slot short",			4064, 25,   false, 1024 },
	{ "just room",				4064, 24,   true,  0 },
	{ "room for it, not for a quarter",	4032, 32,   true,  0 },
	{ "an empty ring has room for all",	0,    4088, true,  0 },
	{ "completely full",			4088, 1,    false, 1024 },
};

static void want_desc(const struct want_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(want, want_cases, want_desc);

static void ring_want_space(struct kunit *test)
{
	const struct want_case *c = test->param_value;
	struct ring_pair *pair = ring_pair_new(test, 4096);

	if (c->used)
		ring_send(test, pair, c->used - OVERHEAD, 1);
	KUNIT_EXPECT_EQ(test, vmbus_ring_want_space(&pair->w, c->bytes), c->room);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), c->pending);
	KUNIT_EXPECT_EQ(test, vmbus_ring_writer_needs_signal(pair->ctl, 4096), false);
	if (c->room)
		return;
	ring_get(test, pair, VMBUS_RING_INBAND, 0, c->used - OVERHEAD, 1);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_commit_read(&pair->r));
	/* Both of these see the room as well. */
	KUNIT_EXPECT_TRUE(test, vmbus_ring_writer_needs_signal(pair->ctl, 4096));
	KUNIT_EXPECT_TRUE(test, vmbus_ring_want_space(&pair->w, c->bytes));
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 0);
}

struct pending_case {
	const char *name;
	u32 pending;		/* as the writer left it, in a ring of 4096 */
	int signals_at;		/* which of four packets of 1016 bytes signals when read; -1 none */
};

/* 4 * 1016 = 4064: free is 24 at first, then 1040, 2056, 3072 and 4088. */
static const struct pending_case pending_cases[] = {
	{ "none",				0,    -1 },
	{ "only low bits",			7,    -1 },
	{ "had it all along",			24,   -1 },
	{ "had it, with low bits",		31,   -1 },
	{ "one slot more than it had",		32,   0 },
	{ "what the first gives",		1040, 0 },
	{ "with low bits",			1047, 0 },
	{ "one slot more than the first gives",	1048, 1 },
	{ "what the third gives",		3072, 2 },
	{ "all of it",				4088, 3 },
	{ "size - 1, which some guests write",	4095, 3 },
	{ "size never fits",			4096, -1 },
	{ "garbage",				U32_MAX, -1 },
};

static void pending_desc(const struct pending_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pending, pending_cases, pending_desc);

/* Reader's side of pending_send_size: crossing it signals, whatever the mask says. */
static void ring_signal_on_read(struct kunit *test)
{
	const struct pending_case *c = test->param_value;
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u32 masked, i;

	for (masked = 0; masked < 2; masked++) {
		ring_pair_at(test, pair, 2048);
		for (i = 0; i < 4; i++)
			ring_send(test, pair, 1016 - OVERHEAD, i);
		pair->ctl->interrupt_mask = cpu_to_le32(masked);
		pair->ctl->pending_send_size = cpu_to_le32(c->pending);
		for (i = 0; i < 4; i++) {
			ring_get(test, pair, VMBUS_RING_INBAND, 0, 1016 - OVERHEAD, i);
			KUNIT_EXPECT_EQ(test, vmbus_ring_commit_read(&pair->r),
					c->signals_at == i);
		}
	}
}

/* All four in one batch: one signal, for the crossing counts from batch to batch. */
static void ring_signal_once_a_read_batch(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);
	u32 i;

	for (i = 0; i < 4; i++)
		ring_send(test, pair, 1016 - OVERHEAD, i);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 2000));
	for (i = 0; i < 4; i++)
		ring_get(test, pair, VMBUS_RING_INBAND, 0, 1016 - OVERHEAD, i);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_commit_read(&pair->r));
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
	KUNIT_EXPECT_EQ(test, pair->r.stats.signals, 1);
	KUNIT_EXPECT_EQ(test, pair->r.stats.batches, 1);
}

/* A wish is withdrawn by a write that fits, and by hand. */
static void ring_clear_want(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	ring_send(test, pair, 3000 - OVERHEAD, 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 2000));
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 2000);
	ring_send(test, pair, 8, 2);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 0);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 2000));
	vmbus_ring_clear_want(&pair->w);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 0);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 3000 - OVERHEAD, 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
}

/* What the other end does between two accesses of this one. */
static void between_unmask(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct ring_pair *pair = ring->hook_data;

	if (point != VMBUS_RING_INDEX_BEFORE)
		return;
	ring->hook = NULL;
	ring_put(pair, VMBUS_RING_INBAND, 0, 8, 1);
	vmbus_ring_commit_write(&pair->w);
}

/* The mask goes first: a packet that comes before in is looked at is found by that look. */
static void ring_unmask_looks_again(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	pair->r.hook = between_unmask;
	pair->r.hook_data = pair;
	KUNIT_EXPECT_TRUE(test, vmbus_ring_unmask(&pair->r));
	KUNIT_EXPECT_NULL(test, pair->r.hook);
	/* The writer signalled too: it saw the mask gone. */
	KUNIT_EXPECT_EQ(test, pair->w.stats.signals, 1);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 8, 1);
}

static void between_want(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct ring_pair *pair = ring->hook_data;
	struct vmbus_ring_desc d;

	if (point != VMBUS_RING_INDEX_BEFORE)
		return;
	ring->hook = NULL;
	if (!vmbus_ring_peek(&pair->r, &d))
		vmbus_ring_advance(&pair->r, &d);
	vmbus_ring_commit_read(&pair->r);
}

/* The wish goes first: room that comes before out is looked at is found by that look. */
static void ring_want_looks_again(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	ring_send(test, pair, 4000, 1);
	pair->w.hook = between_want;
	pair->w.hook_data = pair;
	KUNIT_EXPECT_TRUE(test, vmbus_ring_want_space(&pair->w, 4024));
	KUNIT_EXPECT_NULL(test, pair->w.hook);
	/* The reader signalled too: it saw the wish. */
	KUNIT_EXPECT_EQ(test, pair->r.stats.signals, 1);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 0);
}

static void between_commit_write(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct ring_pair *pair = ring->hook_data;

	if (point == VMBUS_RING_INDEX_BEFORE)
		pair->tx[0] = shared(&pair->ctl->in) == vmbus_ring_own_index(&pair->w);
}

/* The new in is published before the reader's index is looked at. */
static void ring_commit_publishes_first(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	vmbus_ring_unmask(&pair->r);
	KUNIT_ASSERT_EQ(test, ring_put(pair, VMBUS_RING_INBAND, 0, 8, 1), 0);
	pair->w.hook = between_commit_write;
	pair->w.hook_data = pair;
	pair->tx[0] = 2;
	KUNIT_EXPECT_TRUE(test, vmbus_ring_commit_write(&pair->w));
	KUNIT_EXPECT_EQ(test, pair->tx[0], 1);
}

/*
 * The reader publishes, and before it looks at in, the writer has filled the
 * room and gone past the reader's old index: good indices, and no signal due.
 */
static void between_commit_read(struct vmbus_ring *ring, enum vmbus_ring_point point)
{
	struct ring_pair *pair = ring->hook_data;

	if (point != VMBUS_RING_INDEX_BEFORE)
		return;
	ring->hook = NULL;
	ring_put(pair, VMBUS_RING_INBAND, 0, 4000, 2);
	vmbus_ring_commit_write(&pair->w);
	vmbus_ring_want_space(&pair->w, 2000);
}

static void ring_writer_overtakes_commit(struct kunit *test)
{
	struct ring_pair *pair = ring_pair_new(test, 4096);

	ring_send(test, pair, 4000, 1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&pair->w, 4024));
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 4000, 1);
	pair->r.hook = between_commit_read;
	pair->r.hook_data = pair;
	KUNIT_EXPECT_FALSE(test, vmbus_ring_commit_read(&pair->r));
	KUNIT_EXPECT_NULL(test, pair->r.hook);
	KUNIT_EXPECT_EQ(test, vmbus_ring_fault(&pair->r), VMBUS_RING_OK);
	KUNIT_EXPECT_EQ(test, shared(&pair->ctl->pending_send_size), 2000);
	ring_get(test, pair, VMBUS_RING_INBAND, 0, 4000, 2);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_commit_read(&pair->r));
}

/* For recovery: both predicates over the raw page. */
static void ring_needs_signal(struct kunit *test)
{
	struct vmbus_ring_control ctl = { };

	KUNIT_EXPECT_FALSE(test, vmbus_ring_reader_needs_signal(&ctl));
	ctl.in = cpu_to_le32(64);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_reader_needs_signal(&ctl));
	ctl.interrupt_mask = cpu_to_le32(1);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_reader_needs_signal(&ctl));

	/* 4096 - 8 - 64 = 4024 bytes are free. */
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.pending_send_size = cpu_to_le32(4024);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.pending_send_size = cpu_to_le32(4031);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.pending_send_size = cpu_to_le32(4032);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.out = cpu_to_le32(72);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.pending_send_size = cpu_to_le32(8);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.out = cpu_to_le32(80);
	KUNIT_EXPECT_TRUE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.out = cpu_to_le32(4096);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
	ctl.out = cpu_to_le32(81);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_writer_needs_signal(&ctl, 4096));
}

static struct kunit_case ring_signal_cases[] = {
	KUNIT_CASE(ring_r2_interrupt_mask),
	KUNIT_CASE_PARAM(ring_signal_on_write, signal_gen_params),
	KUNIT_CASE(ring_r3_pending_send_size),
	KUNIT_CASE(ring_a4_ring_full),
	KUNIT_CASE_PARAM(ring_want_space, want_gen_params),
	KUNIT_CASE_PARAM(ring_signal_on_read, pending_gen_params),
	KUNIT_CASE(ring_signal_once_a_read_batch),
	KUNIT_CASE(ring_clear_want),
	KUNIT_CASE(ring_unmask_looks_again),
	KUNIT_CASE(ring_want_looks_again),
	KUNIT_CASE(ring_commit_publishes_first),
	KUNIT_CASE(ring_writer_overtakes_commit),
	KUNIT_CASE(ring_needs_signal),
	{}
};

static struct kunit_suite ring_signal_suite = {
	.name = "kmcl_ring_signal",
	.test_cases = ring_signal_cases,
};

kunit_test_suite(ring_signal_suite);
