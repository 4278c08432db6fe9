// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: GPADLs.
 */
#include <linux/string.h>

#include "control_test.h"

/* Every size at which one more message begins, and the largest there is. */
static void ctl_gpadl_sizes(struct kunit *test)
{
	static const u32 sizes[] = {
		1, 2, 25, 26, 27, 28, 53, 54, 55, 82, 83, 500, 8189, 8190,
	};
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	const struct vmbus_server_gpadl *g;
	struct vmbus_gpadl_range range;
	u32 i, k;

	ct_connect(end);
	end->auto_answer = BIT(CT_GPADL) | BIT(CT_TEARDOWN);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ct_gpadl(end, 1, 50 + i, 3, sizes[i]);
		ct_act(end, CT_GPADL, 0x100, 50 + i);
		ct_out(end, 10, 3, 1, 50 + i, 0);
		ct_quiet(end);
		g = vmbus_server_gpadl_find(chan, 50 + i);
		KUNIT_ASSERT_NOT_NULL(test, g);
		KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_ranges(g), 1);
		KUNIT_ASSERT_EQ(test, vmbus_server_gpadl_range(g, 0, &range), 0);
		KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_range(g, 1, &range), -ERANGE);
		KUNIT_EXPECT_EQ(test, range.byte_count, sizes[i] * 4096);
		KUNIT_EXPECT_EQ(test, range.byte_offset, 0);
		KUNIT_ASSERT_EQ(test, range.nr_pages, sizes[i]);
		for (k = 0; k < sizes[i]; k++)
			if (range.pfns[k] != 3 + k)
				break;
		KUNIT_EXPECT_EQ(test, k, sizes[i]);
		ct_in(end, 11, 2, 1, 50 + i);
		ct_act(end, CT_TEARDOWN, 0x100, 50 + i);
		ct_out(end, 12, 1, 50 + i);
		KUNIT_EXPECT_NULL(test, vmbus_server_gpadl_find(chan, 50 + i));
		ct_quiet(end);
	}
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
}

static void ctl_gpadl_ranges(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	const struct vmbus_server_gpadl *g;
	struct vmbus_gpadl_range range;

	ct_connect(end);
	end->auto_answer = BIT(CT_GPADL);
	/* One byte at the end of a page, and two that cross one; junk behind. */
	ct_in(end, 8, 3 + 10 + 4, 1, 9, 40 | 2 << 16, 1, 4095, 7, 0, 2, 4095, 8, 0, 5, 0,
	      0xdead, 0xbeef, 1, 1);
	ct_act(end, CT_GPADL, 0x100, 9);
	ct_out(end, 10, 3, 1, 9, 0);
	g = vmbus_server_gpadl_find(chan, 9);
	KUNIT_ASSERT_NOT_NULL(test, g);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_ranges(g), 2);
	KUNIT_ASSERT_EQ(test, vmbus_server_gpadl_range(g, 0, &range), 0);
	KUNIT_EXPECT_EQ(test, range.byte_count, 1);
	KUNIT_EXPECT_EQ(test, range.byte_offset, 4095);
	KUNIT_EXPECT_EQ(test, range.nr_pages, 1);
	KUNIT_EXPECT_EQ(test, range.pfns[0], 7);
	KUNIT_ASSERT_EQ(test, vmbus_server_gpadl_range(g, 1, &range), 0);
	KUNIT_EXPECT_EQ(test, range.nr_pages, 2);
	KUNIT_EXPECT_EQ(test, range.pfns[0], 8);
	KUNIT_EXPECT_EQ(test, range.pfns[1], 5);
	ct_quiet(end);
}

/* 52: one failure each, nothing early, and the handle can be used again. */
static void ctl_52_create_failure(struct kunit *test)
{
	static const struct {
		u32 len_count, w[8];	/* u16 len | count << 16, and four words */
	} bad[] = {
		{ 0 | 1 << 16, { 4096, 0, 1 } },
		{ 8 | 1 << 16, { 4096, 0, 1 } },
		{ 15 | 1 << 16, { 4096, 0, 1 } },
		{ 17 | 1 << 16, { 4096, 0, 1 } },
		{ 16, { 4096, 0, 1 } },				/* no range */
		{ 16 | 2 << 16, { 4096, 0, 1 } },		/* one too few */
		{ 24 | 2 << 16, { 4096, 0, 1, 0, 4096, 0 } },	/* pages missing */
		{ 24 | 1 << 16, { 4096, 0, 1, 0, 2 } },		/* one too many */
		{ 16 | 1 << 16, { 4097, 0, 1 } },
		{ 16 | 1 << 16, { 4096, 1, 1 } },
		{ 16 | 1 << 16, { 0, 0, 1 } },			/* no bytes */
		{ 24 | 1 << 16, { 1, 4096, 1, 0, 2 } },	/* offset */
		{ 16 | 1 << 16, { 1, 0xffffffff, 1 } },
		{ 16 | 1 << 16, { 0xffffffff, 0xfff, 1 } },
		{ 16 | 1 << 16, { 0xffffffff, 0xffffffff, 1 } },
		{ 16 | 1 << 16, { 4096, 0, CT_PAGES } },
		{ 16 | 1 << 16, { 4096, 0, 1, 1 } },		/* 2^32 + 1 */
		{ 16 | 1 << 16, { 4096, 0, 0xffffffff, 0xffffffff } },
		{ 32 | 0xffff << 16, { 1, 0, 1, 0, 1, 0, 1 } },
	};
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	u32 i;

	ct_connect(end);
	/* Unknown channels; what would follow is dropped. */
	ct_in(end, 8, 7, 2, 9, 16 | 1 << 16, 4096, 0, 1, 0);
	ct_out(end, 10, 3, 2, 9, CT_FAIL);
	ct_in(end, 8, 7, 0xffffffff, 9, 16 | 1 << 16, 4096, 0, 1, 0);
	ct_out(end, 10, 3, 0xffffffff, 9, CT_FAIL);
	ct_in(end, 9, 4, 0, 9, 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 1);
	ct_quiet(end);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const u32 *w = bad[i].w;

		ct_in(end, 8, 11, 1, 9, bad[i].len_count, w[0], w[1], w[2], w[3], w[4], w[5],
		      w[6], w[7]);
		ct_out(end, 10, 3, 1, 9, CT_FAIL);
		ct_quiet(end);
	}
	/* A range that header and body make bad together. */
	ct_in(end, 8, 5, 1, 9, 24 | 1 << 16, 8192, 0);
	ct_quiet(end);
	ct_in(end, 9, 4, 0, 9, 1, 0);
	ct_quiet(end);
	ct_in(end, 9, 4, 0, 9, CT_PAGES, 0);
	ct_out(end, 10, 3, 1, 9, CT_FAIL);
	ct_in(end, 9, 4, 0, 9, 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 2);
	ct_quiet(end);
	/* Refused by the device; then, at last, good. */
	ct_gpadl(end, 1, 9, 0, 40);
	ct_act(end, CT_GPADL, 0x100, 9);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(chan, 9, -EIO), 0);
	ct_run(end);
	ct_out(end, 10, 3, 1, 9, CT_FAIL);
	ct_gpadl(end, 1, 9, 0, 40);
	ct_act(end, CT_GPADL, 0x100, 9);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(chan, 9, 0), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(chan, 9, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(chan, 8, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 9), -EINVAL);
	ct_run(end);
	ct_out(end, 10, 3, 1, 9, 0);
	ct_quiet(end);
}

/* 53: what is half sent goes with the connection; the handle is free after. */
static void ctl_53_in_progress_reset(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	int how;

	ct_offer(end, 0x100);
	end->auto_answer = BIT(CT_DISCONNECT) | BIT(CT_CONNECT) | BIT(CT_GPADL);
	for (how = 0; how < 3; how++) {
		ct_connect(end);
		ct_in(end, 8, 5, 1, 9, 24 | 1 << 16, 8192, 0);
		if (how == 0)
			vmbus_server_reset(end->srv);
		else if (how == 1)
			ct_in(end, 16, 0);
		else
			ct_contact(end, 0x50003);
		ct_run(end);
		ct_act(end, CT_DISCONNECT, 0, 0);
		if (how == 0)
			ct_act(end, CT_RESET_DONE, 0, 0);
		if (how == 1)
			ct_out(end, 17, 0);
		if (how == 2) {
			ct_act(end, CT_CONNECT, 0, 0);
			ct_out(end, 15, 2, 1, 1);
			ct_in(end, 9, 6, 0, 9, 1, 0, 2, 0);
			KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 1);
			ct_in(end, 16, 0);
			ct_act(end, CT_DISCONNECT, 0, 0);
			ct_out(end, 17, 0);
		}
		ct_quiet(end);
	}
	ct_connect(end);
	ct_gpadl(end, 1, 9, 0, 40);
	ct_act(end, CT_GPADL, 0x100, 9);
	ct_out(end, 10, 3, 1, 9, 0);
	ct_quiet(end);
}

/* 56: on a rescinded channel both succeed, and no device is asked. */
static void ctl_56_revoked_channel(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	int again;

	ct_connect(end);
	for (again = 0; again < 2; again++) {
		ct_in_gpadl(end, 1, 10, 4);
		ct_act(end, CT_GPADL, 0x100, 10);
		ct_out(end, 10, 3, 1, 10, 0);
		ct_in(end, 8, 5, 1, 11, 24 | 1 << 16, 8192, 0);
		ct_quiet(end);
		vmbus_server_revoke(chan);
		ct_run(end);
		ct_out(end, 2, 1, 1);
		if (again)
			chan = ct_offer(end, 0x100);	/* reoffered is no different */
		ct_in(end, 9, 6, 0, 11, 1, 0, 2, 0);
		ct_out(end, 10, 3, 1, 11, 0);
		ct_gpadl(end, 1, 12, 0, 60);
		ct_out(end, 10, 3, 1, 12, 0);
		if (again) {
			KUNIT_EXPECT_NULL(test, vmbus_server_gpadl_find(chan, 10));
			KUNIT_EXPECT_NULL(test, vmbus_server_gpadl_find(chan, 12));
			KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 10), -EINVAL);
		}
		ct_in(end, 11, 2, 1, 12);
		ct_out(end, 12, 1, 12);
		ct_in(end, 11, 2, 1, 10);
		ct_out(end, 12, 1, 10);
		/* One is left; another is bad all the same. */
		ct_gpadl(end, 1, 13, CT_PAGES - 1, 2);
		ct_out(end, 10, 3, 1, 13, CT_FAIL);
		ct_quiet(end);
		ct_in(end, 13, 1, 1);
		if (!again)
			chan = ct_offer(end, 0x100);
		KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 1);
		ct_quiet(end);
	}
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
}

/* Handles: one of each on a channel, and one of each half sent anywhere. */
static void ctl_gpadl_duplicates(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *a = ct_offer(end, 0x100);

	ct_offer(end, 0x200);
	ct_connect(end);
	ct_gpadl(end, 1, 9, 0, 2);
	ct_act(end, CT_GPADL, 0x100, 9);
	ct_gpadl(end, 1, 9, 0, 2);
	ct_out(end, 10, 3, 1, 9, CT_FAIL);
	ct_quiet(end);
	/* The first is none the worse for it. Another channel's is another. */
	vmbus_server_gpadl_done(a, 9, 0);
	ct_run(end);
	ct_out(end, 10, 3, 1, 9, 0);
	ct_in_gpadl(end, 2, 9, 2);
	ct_act(end, CT_GPADL, 0x200, 9);
	ct_out(end, 10, 3, 2, 9, 0);
	/* Not while it is half sent: the rest has no channel in it. */
	ct_in(end, 8, 5, 1, 8, 24 | 1 << 16, 8192, 0);
	ct_in(end, 8, 5, 2, 8, 24 | 1 << 16, 8192, 0);
	ct_out(end, 10, 3, 2, 8, CT_FAIL);
	ct_in(end, 8, 5, 1, 8, 24 | 1 << 16, 8192, 0);
	ct_out(end, 10, 3, 1, 8, CT_FAIL);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 3);
	/* Teardown of one that is not there, half sent, or going already. */
	ct_in(end, 11, 2, 1, 7);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 1);
	ct_in(end, 11, 2, 1, 8);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 4);
	ct_in(end, 11, 2, 1, 9);
	ct_act(end, CT_TEARDOWN, 0x100, 9);
	ct_in(end, 11, 2, 1, 9);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 5);
	ct_quiet(end);
	/* The one that is half sent can be completed still. */
	ct_in(end, 9, 6, 0, 8, 1, 0, 2, 0);
	ct_act(end, CT_GPADL, 0x100, 8);
	/* And asked back only when it has been answered. */
	ct_in(end, 11, 2, 1, 8);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 6);
	ct_quiet(end);
	/* A released channel takes what is half sent with it. */
	ct_in(end, 8, 5, 2, 5, 24 | 1 << 16, 8192, 0);
	ct_in(end, 13, 1, 2);
	ct_act(end, CT_TEARDOWN, 0x200, 9);
	ct_in(end, 9, 6, 0, 5, 1, 0, 2, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 2);
	ct_quiet(end);
}

static void ctl_gpadl_limits(struct kunit *test)
{
	static const struct vmbus_server_params params = {
		.nr_pages = 64, .max_gpadl_words = 700,
	};
	struct ct_end *end = ct_server(test, &params);
	u32 i;

	ct_offer(end, 0x100);
	ct_offer(end, 0x200);
	ct_connect(end);
	end->auto_answer = BIT(CT_GPADL) | BIT(CT_TEARDOWN);
	/* So many on one channel; the half sent count. */
	for (i = 0; i < VMBUS_MAX_GPADLS_PER_CHANNEL; i++)
		ct_in(end, 8, 5, 1, i, 16 | 1 << 16, 4096, 0);
	ct_quiet(end);
	ct_in(end, 8, 5, 1, i, 16 | 1 << 16, 4096, 0);
	ct_out(end, 10, 3, 1, i, CT_FAIL);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_LIMIT), 1);
	/* 512 words are taken: 188 are left, announced ones count at once. */
	ct_in(end, 8, 5, 2, i, 189 * 8 | 1 << 16, 188 * 4096, 0);
	ct_out(end, 10, 3, 2, i, CT_FAIL);
	ct_in(end, 8, 5, 2, i, 188 * 8 | 1 << 16, 187 * 4096, 0);
	ct_quiet(end);
	ct_in(end, 8, 5, 2, i + 1, 16 | 1 << 16, 4096, 0);
	ct_out(end, 10, 3, 2, i + 1, CT_FAIL);
	/* Completed, torn down: there is room again. */
	ct_in(end, 9, 4, 0, 0, 1, 0);
	ct_act(end, CT_GPADL, 0x100, 0);
	ct_out(end, 10, 3, 1, 0, 0);
	ct_in(end, 11, 2, 1, 0);
	ct_act(end, CT_TEARDOWN, 0x100, 0);
	ct_out(end, 12, 1, 0);
	ct_in(end, 8, 5, 2, i + 1, 16 | 1 << 16, 4096, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_LIMIT), 3);
}

/* Memory is not pulled from under an open ring, whatever the client says. */
static void ctl_gpadl_ring_in_use(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in(end, 11, 2, 1, 10);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 10), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, vmbus_server_gpadl_find(chan, 10));
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
	vmbus_server_close_done(chan);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	vmbus_server_gpadl_teardown_done(chan, 10);
	ct_run(end);
	ct_out(end, 12, 1, 10);
	ct_quiet(end);
	/* A revoke answers for the device here, too. */
	ct_open(end, chan, 10);
	ct_in(end, 11, 2, 1, 10);
	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 12, 1, 10);
	ct_out(end, 2, 1, 1);
	ct_quiet(end);
}

static struct kunit_case ctl_gpadl_cases[] = {
	KUNIT_CASE(ctl_gpadl_sizes),
	KUNIT_CASE(ctl_gpadl_ranges),
	KUNIT_CASE(ctl_52_create_failure),
	KUNIT_CASE(ctl_53_in_progress_reset),
	KUNIT_CASE(ctl_56_revoked_channel),
	KUNIT_CASE(ctl_gpadl_duplicates),
	KUNIT_CASE(ctl_gpadl_limits),
	KUNIT_CASE(ctl_gpadl_ring_in_use),
	{}
};

static struct kunit_suite ctl_gpadl_suite = {
	.name = "control_gpadl",
	.test_cases = ctl_gpadl_cases,
};

kunit_test_suite(ctl_gpadl_suite);
