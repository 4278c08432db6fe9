// SPDX-License-Identifier: GPL-2.0
/*
 * Transfer pages: packets whose data lies in a buffer that both ends know.
 */
#include "core_test.h"
#include "vmbus/ranges.h"

#define SET	0xcafe
#define SIZE	65536
#define RANGES	4
#define TOO_MANY (VMB_MAX_TRANSFER_RANGES + 1)

static struct core_chan *transfer_client(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, SET, SIZE, RANGES), 0);
	core_run(c);
	return c;
}

static void transfer_put(struct core_chan *c, u16 set, const struct vmbus_xfer_range *ranges,
			 u32 nr)
{
	u64 header[1 + RANGES + 1];
	int len = vmbus_xfer_build(header, sizeof(header), set, ranges, nr);

	KUNIT_ASSERT_GT(c->test, len, 0);
	KUNIT_ASSERT_EQ(c->test, fake_put(c->link, KMCL_PACKET_TRANSFER_PAGES,
					  KMCL_PACKET_WANTS_COMPLETION, 1, header, len,
					  "payload", 8), 0);
}

static void transfer_delivered(struct kunit *test)
{
	static const struct vmbus_xfer_range sent[RANGES] = {
		{ .offset = 0, .len = 1 }, { .offset = 4096, .len = 9000 },
		{ .offset = 4096, .len = 4096 }, { .offset = SIZE - 1, .len = 1 },
	};
	struct vmb_transfer_range got[RANGES] = {};
	struct core_chan *c = transfer_client(test);
	struct vmb_packet_completion *pkt;
	u32 i, nr = RANGES - 1;

	transfer_put(c, SET, sent, RANGES);
	pkt = core_received(c, 0);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->flags,
			VMB_PROCESS_PACKET_FLAG_TRANSFER_PAGES);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 0)->data, "payload");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_get_transfer_ranges(pkt, got, &nr), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, nr, RANGES);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_get_transfer_ranges(pkt, got, &nr), 0);
	for (i = 0; i < RANGES; i++) {
		KUNIT_EXPECT_EQ(test, got[i].offset, sent[i].offset);
		KUNIT_EXPECT_EQ(test, got[i].length, sent[i].len);
	}
	/* Neither is it external data. */
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_get_external_data(pkt, 0, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->type, KMCL_PACKET_COMPLETION);
}

static void transfer_of_another_packet(struct kunit *test)
{
	struct core_chan *c = transfer_client(test);
	struct vmb_transfer_range got;
	u32 nr = 1;

	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_get_transfer_ranges(core_received(c, 0), &got,
								     &nr), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
}

static void transfer_refused(struct core_chan *c)
{
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(c->test, core_count(c, CORE_PACKET), 0);
	KUNIT_EXPECT_EQ(c->test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
}

static void transfer_no_buffer(struct kunit *test)
{
	static const struct vmbus_xfer_range one = { .len = 1 };
	struct core_chan *c = core_client_running(test);

	transfer_put(c, SET, &one, 1);
	transfer_refused(c);
}

struct transfer_param {
	const char *name;
	u16 set;
	u32 nr;
	struct vmbus_xfer_range range;
};

static const struct transfer_param transfer_params[] = {
	{ "another set", SET + 1, 1, { .len = 1 } },
	{ "past the end", SET, 1, { .offset = SIZE - 1, .len = 2 } },
	{ "overflow", SET, 1, { .offset = 8, .len = U32_MAX } },
	{ "too many", SET, RANGES + 1, { .len = 1 } },
};

KUNIT_ARRAY_PARAM_DESC(transfer, transfer_params, name);

static void transfer_malformed(struct kunit *test)
{
	const struct transfer_param *p = test->param_value;
	struct vmbus_xfer_range ranges[RANGES + 1];
	struct core_chan *c = transfer_client(test);
	u32 i;

	for (i = 0; i < p->nr; i++)
		ranges[i] = p->range;
	transfer_put(c, p->set, ranges, p->nr);
	transfer_refused(c);
}

static void transfer_limits(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, SET, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, SET, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, SET, 1, TOO_MANY),
			-EINVAL);
	core_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, SET, 1, 1), -EBUSY);
}

static struct kunit_case transfer_cases[] = {
	KUNIT_CASE(transfer_delivered),
	KUNIT_CASE(transfer_of_another_packet),
	KUNIT_CASE(transfer_no_buffer),
	KUNIT_CASE_PARAM(transfer_malformed, transfer_gen_params),
	KUNIT_CASE(transfer_limits),
	{}
};

static struct kunit_suite transfer_suite = {
	.name = "kmcl_transfer",
	.init = core_init,
	.exit = core_exit,
	.test_cases = transfer_cases,
};

kunit_test_suites(&transfer_suite);
