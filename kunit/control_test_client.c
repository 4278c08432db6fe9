// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: the client's side, alone and joined to a server's.
 */
#include <linux/string.h>

#include "control_test.h"

static void ctl_in_offer(struct ct_end *end, u32 n, u32 id)
{
	struct vmbus_offer offer = ct_make_offer(n);
	u8 msg[196] = {};

	put_unaligned_le32(1, msg);
	memcpy(msg + 8, &offer.key.type, 16);
	memcpy(msg + 24, &offer.key.instance, 16);
	put_unaligned_le16(0xffff, msg + 56);
	put_unaligned_le16(8, msg + 58);
	memcpy(msg + 60, offer.user_data, 120);
	put_unaligned_le16(offer.key.subchannel, msg + 180);
	put_unaligned_le16(16, msg + 182);
	put_unaligned_le32(id, msg + 184);
	put_unaligned_le32(0x2000 + id, msg + 192);
	ct_in_bytes(end, msg, sizeof(msg));
}

static void ctl_client_connect(struct ct_end *end)
{
	KUNIT_EXPECT_EQ(end->test, vmbus_client_connect(end->cl), 0);
	ct_run(end);
	ct_out(end, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
	ct_in(end, 15, 2, 1, 1);
	ct_act(end, CT_CONNECTED, 0, 0);
	KUNIT_EXPECT_EQ(end->test, vmbus_client_request_offers(end->cl), 0);
	ct_run(end);
	ct_out(end, 3, 0);
	ct_quiet(end);
}

/* Connected, offer 0x100 is number 1. */
static struct vmbus_client_channel *ctl_client_channel(struct ct_end *end)
{
	ctl_client_connect(end);
	ctl_in_offer(end, 0x100, 1);
	ct_act(end, CT_OFFER, 0, 1);
	ct_in(end, 4, 0);
	ct_act(end, CT_DELIVERED, 0, 0);
	return end->last_offer;
}

static u64 ctl_pfns[8190];

static const struct vmbus_gpadl_range *ctl_range(u32 pages)
{
	static struct vmbus_gpadl_range range;
	u32 i;

	for (i = 0; i < pages; i++)
		ctl_pfns[i] = 200 + i;
	range = (struct vmbus_gpadl_range) {
		.byte_count = pages * 4096, .nr_pages = pages, .pfns = ctl_pfns,
	};
	return &range;
}

/* A created ring of 8 pages. */
static u32 ctl_client_ring(struct ct_end *end, struct vmbus_client_channel *chan)
{
	u32 handle = 0, id = vmbus_client_channel_id(chan);

	KUNIT_ASSERT_EQ(end->test, vmbus_client_gpadl_create(chan, ctl_range(8), &handle), 0);
	ct_run(end);
	ct_out(end, 8, 3 + 18, id, handle, 72 | 1 << 16, 8 * 4096, 0, 200, 0, 201, 0, 202, 0, 203,
	       0, 204, 0, 205, 0, 206, 0, 207, 0);
	ct_in(end, 10, 3, id, handle, 0);
	ct_act(end, CT_CREATED, (unsigned long)vmbus_client_channel_context(chan), handle);
	return handle;
}

static void ctl_client_open(struct ct_end *end, struct vmbus_client_channel *chan, u32 ring)
{
	struct vmbus_open_request req = {
		.ring_gpadl = ring, .target_vp = 3, .downstream_page = 4,
	};
	const struct ct_msg *msg;

	req.user_data[119] = 0xcc;
	KUNIT_ASSERT_EQ(end->test, vmbus_client_open(chan, &req), 0);
	ct_run(end);
	msg = ct_next(end);
	KUNIT_ASSERT_EQ(end->test, msg->len, 148);
	KUNIT_EXPECT_EQ(end->test, ct_word(msg, 0), 5);
	KUNIT_EXPECT_EQ(end->test, ct_word(msg, 8), vmbus_client_channel_id(chan));
	KUNIT_EXPECT_EQ(end->test, ct_word(msg, 16), ring);
	KUNIT_EXPECT_EQ(end->test, ct_word(msg, 20), 3);
	KUNIT_EXPECT_EQ(end->test, ct_word(msg, 24), 4);
	KUNIT_EXPECT_EQ(end->test, msg->data[147], 0xcc);
}

static u32 ctl_open_id(struct vmbus_client_channel *chan)
{
	return vmbus_client_channel_open_request(chan)->open_id;
}

static void ctl_client_lifetime(struct kunit *test)
{
	struct ct_end *end = ct_client(test);
	struct vmbus_client_channel *chan;
	struct vmbus_open_request req = {};
	u32 ring, first;

	KUNIT_EXPECT_EQ(test, vmbus_client_request_offers(end->cl), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), -ENOTCONN);
	chan = ctl_client_channel(end);
	KUNIT_EXPECT_EQ(test, vmbus_client_connect(end->cl), -EISCONN);
	KUNIT_EXPECT_EQ(test, vmbus_client_request_offers(end->cl), -EALREADY);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_offer(chan)->flags, VMBUS_OFFER_FLAGS_VALID);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_offer(chan)->mmio_megabytes, 8);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_offer(chan)->optional_mmio_megabytes, 16);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_offer(chan)->user_data[5], 5);
	KUNIT_EXPECT_NULL(test, vmbus_client_channel_open_request(chan));
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_client_release(chan), -EBUSY);
	/* A ring's memory has to be the server's, and stay it. */
	KUNIT_ASSERT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(2), &ring), 0);
	req.ring_gpadl = ring;
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -EINVAL);
	ct_run(end);
	ct_next(end);
	ct_in(end, 10, 3, 1, ring, 0);
	ct_act(end, CT_CREATED, 0x100, ring);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -EINVAL);
	ct_run(end);
	ct_out(end, 11, 2, 1, ring);
	ct_in(end, 12, 1, ring);
	ct_act(end, CT_TORNDOWN, 0x100, ring);
	req.ring_gpadl = 0;
	ring = ctl_client_ring(end, chan);
	ctl_client_open(end, chan, ring);
	first = ctl_open_id(chan);
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -EBUSY);
	ct_in(end, 6, 3, 1, first, CT_FAIL);
	ct_act(end, CT_OPENED, 0x100, -EIO);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(chan), VMBUS_CC_CLOSED);
	ctl_client_open(end, chan, ring);
	KUNIT_EXPECT_NE(test, ctl_open_id(chan), first);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), 0);
	ct_act(end, CT_OPENED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, VMBUS_VP_NONE), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, 6), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, 7), -EBUSY);
	ct_run(end);
	ct_out(end, 22, 2, 1, 6);
	ct_in(end, 24, 2, 1, 0);
	ct_act(end, CT_MODIFIED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_open_request(chan)->target_vp, 6);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, 8), 0);
	ct_run(end);
	ct_out(end, 22, 2, 1, 8);
	ct_in(end, 24, 2, 1, CT_FAIL);
	ct_act(end, CT_MODIFIED, 0x100, -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_open_request(chan)->target_vp, 6);
	/* Closed, opened again, at once: nothing is heard of the close. */
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	ct_run(end);
	ct_out(end, 7, 1, 1);
	ctl_client_open(end, chan, ring);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), 0);
	ct_act(end, CT_OPENED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring), -EALREADY);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring + 1), -ENOENT);
	ct_run(end);
	ct_out(end, 7, 1, 1);
	ct_out(end, 11, 2, 1, ring);
	ct_in(end, 12, 1, ring);
	ct_act(end, CT_TORNDOWN, 0x100, ring);
	ct_in(end, 2, 1, 1);
	ct_act(end, CT_RESCIND, 0x100, 0);
	KUNIT_EXPECT_TRUE(test, vmbus_client_channel_rescinded(chan));
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(chan, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &ring), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_client_release(chan), 0);
	ct_run(end);
	ct_out(end, 13, 1, 1);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), -EALREADY);
	ct_run(end);
	ct_out(end, 16, 0);
	ct_in(end, 17, 0);
	ct_act(end, CT_UNLOADED, 0, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
	ctl_client_connect(end);
}

static void ctl_client_refused(struct kunit *test)
{
	struct ct_end *end = ct_client(test);

	vmbus_client_connect(end->cl);
	ct_run(end);
	ct_out(end, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
	ct_in(end, 15, 2, 0, 0);
	ct_act(end, CT_CONNECTED, 0, -EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_state(end->cl), VMBUS_CLIENT_DISCONNECTED);
	vmbus_client_connect(end->cl);
	ct_run(end);
	ct_out(end, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
	ct_in(end, 15, 2, 1 | 1 << 8, 0);
	ct_act(end, CT_CONNECTED, 0, -EIO);
	ct_quiet(end);
}

/* Local second thoughts, while the server has not answered the first. */
static void ctl_client_second_thoughts(struct kunit *test)
{
	struct ct_end *end = ct_client(test);
	struct vmbus_client_channel *chan = ctl_client_channel(end);
	u32 ring = ctl_client_ring(end, chan), handle, id;
	struct vmbus_open_request req = { .ring_gpadl = ring, .downstream_page = 2 };

	/* Close while opening: nothing is sent before the result is there. */
	ctl_client_open(end, chan, ring);
	id = ctl_open_id(chan);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), -EINVAL);
	ct_run(end);
	ct_quiet(end);
	ct_in(end, 6, 3, 1, id, 0);
	ct_out(end, 7, 1, 1);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(chan), VMBUS_CC_CLOSED);
	ctl_client_open(end, chan, ring);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), CT_FAIL);
	ct_quiet(end);
	/* And opened again. */
	ctl_client_open(end, chan, ring);
	id = ctl_open_id(chan);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -EBUSY);
	ct_run(end);
	ct_quiet(end);
	ct_in(end, 6, 3, 1, id, 0);
	ct_out(end, 7, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 24), 2);
	KUNIT_EXPECT_NE(test, ctl_open_id(chan), id);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), 0);
	ct_act(end, CT_OPENED, 0x100, 0);
	ct_quiet(end);
	/* GPADL: created in vain, and refused in vain. */
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, handle), 0);
	ct_run(end);
	ct_next(end);
	ct_quiet(end);
	ct_in(end, 10, 3, 1, handle, 0);
	ct_out(end, 11, 2, 1, handle);
	ct_in(end, 12, 1, handle);
	ct_act(end, CT_TORNDOWN, 0x100, handle);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, handle), 0);
	ct_run(end);
	ct_next(end);
	ct_in(end, 10, 3, 1, handle, CT_FAIL);
	ct_act(end, CT_TORNDOWN, 0x100, handle);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle), 0);
	ct_run(end);
	ct_next(end);
	ct_in(end, 10, 3, 1, handle, CT_FAIL);
	ct_act(end, CT_CREATED, 0x100, -EIO);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, handle), -ENOENT);
	ct_quiet(end);
	/* News that nobody has heard yet is not told when it is out of date. */
	KUNIT_EXPECT_EQ(test, vmbus_client_close(chan), 0);
	ct_run(end);
	ct_out(end, 7, 1, 1);
	ctl_client_open(end, chan, ring);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
}

/* Rescinded with everything under way. */
static void ctl_client_rescind(struct kunit *test)
{
	struct ct_end *end = ct_client(test);
	struct vmbus_client_channel *chan = ctl_client_channel(end), *open;
	u32 ring = ctl_client_ring(end, chan), handle;
	struct vmbus_open_request req;

	ctl_client_open(end, chan, ring);
	ct_in(end, 2, 1, 1);
	ct_act(end, CT_OPENED, 0x100, -ENODEV);
	ct_act(end, CT_RESCIND, 0x100, 0);
	/* What crossed it does nothing; a second rescind neither. */
	ct_in(end, 6, 3, 1, 1, 0);
	ct_in(end, 24, 2, 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_REVOKED), 2);
	ct_in(end, 2, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 1);
	/* Memory comes back in the usual way. */
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring), 0);
	ct_run(end);
	ct_out(end, 11, 2, 1, ring);
	ct_in(end, 12, 1, ring);
	ct_act(end, CT_TORNDOWN, 0x100, ring);
	ct_quiet(end);

	ctl_in_offer(end, 0x200, 2);
	ct_act(end, CT_OFFER, 0, 2);
	open = end->last_offer;
	ring = ctl_client_ring(end, open);
	ctl_client_open(end, open, ring);
	ct_in(end, 6, 3, 2, ctl_open_id(open), 0);
	ct_act(end, CT_OPENED, 0x200, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(open, 1), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(open, ctl_range(1), &handle), 0);
	ct_run(end);
	ct_next(end);
	ct_next(end);
	ct_in(end, 2, 1, 2);
	ct_act(end, CT_MODIFIED, 0x200, -ENODEV);
	ct_act(end, CT_RESCIND, 0x200, 0);
	ct_in(end, 10, 3, 2, handle, 0);
	ct_act(end, CT_CREATED, 0x200, handle);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(open), VMBUS_CC_OPEN);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(open), 0);
	ct_run(end);
	ct_quiet(end);
	/* Released with GPADLs: they go, late answers are for nobody. */
	KUNIT_EXPECT_EQ(test, vmbus_client_release(open), 0);
	ct_run(end);
	ct_out(end, 13, 1, 2);
	ct_in(end, 12, 1, handle);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 1);

	/* Released from within the news, with an offer that was never told. */
	end->auto_answer = BIT(CT_RESCIND);
	vmbus_client_stop(end->cl);
	ctl_in_offer(end, 0x300, 3);
	ct_in(end, 2, 1, 3);
	vmbus_client_start(end->cl);
	ct_run(end);
	ct_act(end, CT_OFFER, 0, 3);
	ct_act(end, CT_RESCIND, 0x300, 0);
	ct_out(end, 13, 1, 3);
	/* With a reopen waiting. */
	ctl_in_offer(end, 0x300, 3);
	ct_act(end, CT_OFFER, 0, 3);
	open = end->last_offer;
	ring = ctl_client_ring(end, open);
	ctl_client_open(end, open, ring);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(open), 0);
	req = (struct vmbus_open_request) { .ring_gpadl = ring, .downstream_page = 2 };
	KUNIT_EXPECT_EQ(test, vmbus_client_open(open, &req), 0);
	ct_in(end, 2, 1, 3);
	ct_act(end, CT_OPENED, 0x300, -ENODEV);
	ct_act(end, CT_RESCIND, 0x300, 0);
	ct_out(end, 13, 1, 3);
	ct_quiet(end);
}

/* A server that says what it must not. */
static void ctl_client_hostile_server(struct kunit *test)
{
	static const u32 lens[][2] = {
		{ 1, 196 }, { 2, 12 }, { 4, 8 }, { 6, 20 }, { 10, 20 }, { 12, 12 }, { 24, 16 },
	};
	struct ct_end *end = ct_client(test);
	u8 msg[VMBUS_MSG_MAX] = {};
	struct vmbus_client_channel *chan;
	u32 i, ring, handle;
	u64 short_ones = 0;

	/* Everything before contact. */
	for (i = 0; i < 40; i++) {
		put_unaligned_le32(i, msg);
		ct_in_bytes(end, msg, sizeof(msg));
	}
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 40);
	ct_quiet(end);
	chan = ctl_client_channel(end);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		u32 len;

		put_unaligned_le32(lens[i][0], msg);
		for (len = 0; len < lens[i][1]; len++) {
			ct_in_bytes(end, msg, len);
			KUNIT_ASSERT_EQ(test, ct_drops(end, VMBUS_DROP_TOO_SHORT), ++short_ones);
		}
	}
	/* Numbers that are none, or taken; an identity that is taken. */
	ctl_in_offer(end, 0x200, 0);
	ctl_in_offer(end, 0x200, 2048);
	ctl_in_offer(end, 0x200, 0xffffffff);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_CONTENT), 3);
	ctl_in_offer(end, 0x200, 1);
	ctl_in_offer(end, 0x100, 2);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 2);
	ct_quiet(end);
	/* Answers to nothing, or to something else. */
	ct_in(end, 6, 3, 1, 0, 0);
	ct_in(end, 24, 2, 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 4);
	ct_in(end, 2, 1, 5);
	ct_in(end, 6, 3, 0, 1, 0);
	ct_in(end, 24, 2, 0xffffffff, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_CHANNEL), 3);
	ct_in(end, 10, 3, 1, 99, 0);
	ct_in(end, 12, 1, 99);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 2);
	ring = ctl_client_ring(end, chan);
	ct_in(end, 10, 3, 1, ring, CT_FAIL);
	ct_in(end, 12, 1, ring);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 6);
	ct_in(end, 10, 3, 2, ring, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_GPADL), 3);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle), 0);
	ct_run(end);
	ct_next(end);
	ct_in(end, 12, 1, handle);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 7);
	ctl_client_open(end, chan, ring);
	ct_in(end, 6, 3, 1, ctl_open_id(chan) + 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_CONTENT), 4);
	ct_quiet(end);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), 0);
	ct_act(end, CT_OPENED, 0x100, 0);
	ct_in(end, 6, 3, 1, ctl_open_id(chan), CT_FAIL);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 8);
	/* A second answer to contact; one to an unload that was not. */
	ct_in(end, 15, 2, 0, 0);
	ct_in(end, 17, 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_state(end->cl), VMBUS_CLIENT_REQUESTED);
	ct_quiet(end);
	/* After the unload it can say what it likes. */
	vmbus_client_unload(end->cl);
	ct_run(end);
	ct_out(end, 16, 0);
	ctl_in_offer(end, 0x700, 7);
	ct_in(end, 2, 1, 1);
	ct_in(end, 6, 3, 1, 1, 0);
	ct_in(end, 10, 3, 1, handle, 0);
	ct_in(end, 12, 1, ring);
	ct_in(end, 15, 2, 1, 1);
	ct_quiet(end);
	ct_in(end, 17, 0);
	ct_act(end, CT_UNLOADED, 0, 0);
}

static void ctl_client_gpadl_bounds(struct kunit *test)
{
	struct ct_end *end = ct_client(test);
	struct vmbus_client_channel *chan = ctl_client_channel(end);
	struct vmbus_gpadl_range range;
	u32 handle, last = 0, i;

	range = *ctl_range(2);
	range.byte_count = 0;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, &range, &handle), -EINVAL);
	range.byte_count = 4096;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, &range, &handle), -EINVAL);
	range.byte_offset = 4096;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, &range, &handle), -EINVAL);
	range = *ctl_range(2);
	ctl_pfns[1] = CT_PAGES;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, &range, &handle), -ERANGE);
	range.nr_pages = 8191;
	range.byte_count = 8191 * 4096;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, &range, &handle), -E2BIG);
	ct_run(end);
	ct_quiet(end);
	/* With nobody taking them only so many messages are queued. */
	end->room = 0;
	for (i = 0; i < 13; i++) {
		KUNIT_ASSERT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(8190), &handle), 0);
		KUNIT_EXPECT_NE(test, handle, last);
		last = handle;
	}
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(8190), &handle), -ENOBUFS);
	for (i = 13 * 293; i < VMBUS_CLIENT_OUTBOX_MAX; i++)
		KUNIT_ASSERT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle),
				i - 13 * 293 < VMBUS_MAX_GPADLS_PER_CHANNEL - 13 ? 0 : -ENOSPC);
	end->room = -1;
	ct_run(end);
	KUNIT_EXPECT_EQ(test, end->nr_out - end->seen_out,
			13 * 293 + VMBUS_MAX_GPADLS_PER_CHANNEL - 13);
	end->seen_out = end->nr_out;
}

static void ctl_client_outbox_full(struct kunit *test)
{
	struct ct_end *end = ct_client(test);
	struct vmbus_client_channel *chan = ctl_client_channel(end);
	u32 ring = ctl_client_ring(end, chan), handle, i;
	struct vmbus_open_request req = { .ring_gpadl = ring, .downstream_page = 4 };

	/* Open and close, over and over: what is unread of that is bounded. */
	end->room = 0;
	for (i = 0; i < VMBUS_CLIENT_OUTBOX_MAX; i += 2) {
		KUNIT_ASSERT_EQ(test, vmbus_client_open(chan, &req), 0);
		ct_in(end, 6, 3, 1, ctl_open_id(chan), 0);
		KUNIT_ASSERT_EQ(test, vmbus_client_close(chan), 0);
	}
	KUNIT_EXPECT_EQ(test, vmbus_client_open(chan, &req), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(chan, ctl_range(1), &handle), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), -ENOBUFS);
	/* To give something back is never refused. */
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(chan, ring), 0);
	end->room = -1;
	ct_run(end);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_receive(end->cl, &req, 241), -EMSGSIZE);
	vmbus_client_stop(end->cl);
	KUNIT_EXPECT_FALSE(test, vmbus_client_run(end->cl));
	for (i = 0; i < VMBUS_INBOX_MAX; i++)
		ct_in(end, 17, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_receive(end->cl, &req, 8), -ENOBUFS);
	vmbus_client_start(end->cl);
}

static void ctl_client_alloc(struct kunit *test)
{
	static const struct vmbus_client_params params = { .nr_pages = 1 }, none = {};
	static const struct vmbus_client_ops ops = {};

	KUNIT_EXPECT_TRUE(test, IS_ERR(vmbus_client_alloc(&ops, NULL, &params)));
	KUNIT_EXPECT_TRUE(test, IS_ERR(vmbus_client_alloc(&ct_client_ops, NULL, &none)));
	vmbus_client_free(NULL);
	vmbus_client_free(ERR_PTR(-ENOMEM));
}

/* The two joined: the whole life of 9 and 10 with nobody in between. */
static void ctl_pair_lifetime(struct kunit *test)
{
	struct ct_end *s = ct_server(test, NULL), *c = ct_client(test);
	struct vmbus_server_channel *sc = ct_offer(s, 0x100), *sub;
	struct vmbus_client_channel *cc, *csub;
	struct vmbus_open_request req;
	u32 ring, sub_ring;

	ct_join(s, c);
	s->mute = true;
	s->auto_answer = ~0u;
	c->auto_answer = ~0u;
	vmbus_client_connect(c->cl);
	ct_run_pair(s, c);
	ct_act(c, CT_CONNECTED, 0, 0);
	vmbus_client_request_offers(c->cl);
	ct_run_pair(s, c);
	ct_act(c, CT_OFFER, 0, 1);
	ct_act(c, CT_DELIVERED, 0, 0);
	cc = c->last_offer;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(cc, ctl_range(8190), &ring), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_CREATED, 0x100, ring);
	req = (struct vmbus_open_request) { .ring_gpadl = ring, .downstream_page = 100 };
	KUNIT_EXPECT_EQ(test, vmbus_client_open(cc, &req), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_OPENED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(sc), VMBUS_SC_OPEN);
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(cc, 3), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_MODIFIED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(sc)->target_vp, 3);
	/* A subchannel: closed with its primary on both sides. */
	sub = ct_offer(s, 0x101);
	ct_run_pair(s, c);
	ct_act(c, CT_OFFER, 0, 2);
	csub = c->last_offer;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(csub, ctl_range(8), &sub_ring), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_CREATED, 0x101, sub_ring);
	req = (struct vmbus_open_request) { .ring_gpadl = sub_ring, .downstream_page = 4 };
	KUNIT_EXPECT_EQ(test, vmbus_client_open(csub, &req), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_OPENED, 0x101, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(cc), 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(csub), VMBUS_CC_CLOSED);
	/* Reopened before the server has even heard of the close. */
	req = (struct vmbus_open_request) { .ring_gpadl = ring, .downstream_page = 100 };
	KUNIT_EXPECT_EQ(test, vmbus_client_open(cc, &req), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_OPENED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(sub), VMBUS_SC_CLOSED);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(csub, sub_ring), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(cc, ring), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(cc), 0);
	ct_run_pair(s, c);
	ct_act(c, CT_TORNDOWN, 0x101, sub_ring);
	ct_act(c, CT_TORNDOWN, 0x100, ring);
	/* Revoked, released, offered again, all by itself. */
	vmbus_server_revoke(sub);
	vmbus_server_revoke(sc);
	sc = ct_offer(s, 0x100);
	ct_run_pair(s, c);
	ct_act(c, CT_RESCIND, 0x101, 0);
	ct_act(c, CT_RESCIND, 0x100, 0);
	ct_act(c, CT_OFFER, 0, 1);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(sc), VMBUS_SC_CLOSED);
	vmbus_client_unload(c->cl);
	ct_run_pair(s, c);
	ct_act(c, CT_UNLOADED, 0, 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(s->srv), VMBUS_DISCONNECTED);
	KUNIT_EXPECT_EQ(test, ct_dropped(s) + ct_dropped(c), 0);
	KUNIT_EXPECT_EQ(test, c->nr_acts, c->seen_acts);
}

/* Both ends full of unread messages, each waiting for room: it resolves. */
static void ctl_pair_congestion(struct kunit *test)
{
	struct ct_end *s = ct_server(test, NULL), *c = ct_client(test);
	struct vmbus_client_channel *chans[90];
	struct vmbus_open_request req = { .downstream_page = 4 };
	u32 i, handle;

	s->auto_answer = ~0u;
	c->auto_answer = ~0u;
	for (i = 0; i < ARRAY_SIZE(chans); i++)
		ct_offer(s, i << 8);
	ct_join(s, c);
	s->mute = true;
	vmbus_client_connect(c->cl);
	ct_run_pair(s, c);
	vmbus_client_request_offers(c->cl);
	ct_run_pair(s, c);
	for (i = 0; i < ARRAY_SIZE(chans); i++) {
		const struct vmbus_channel_key key = ct_key(i << 8);

		chans[i] = vmbus_client_find(c->cl, &key);
		KUNIT_ASSERT_NOT_NULL(test, chans[i]);
		KUNIT_ASSERT_EQ(test,
				vmbus_client_gpadl_create(chans[i], ctl_range(60), &handle), 0);
		KUNIT_ASSERT_EQ(test, handle, i + 1);
	}
	ct_run_pair(s, c);
	for (i = 0; i < ARRAY_SIZE(chans); i++) {
		req.ring_gpadl = i + 1;
		KUNIT_ASSERT_EQ(test, vmbus_client_open(chans[i], &req), 0);
	}
	ct_run_pair(s, c);
	for (i = 0; i < ARRAY_SIZE(chans); i++)
		KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(chans[i]), VMBUS_CC_OPEN);
	KUNIT_EXPECT_EQ(test, ct_dropped(s) + ct_dropped(c), 0);
	/* And it was as full as that. */
	KUNIT_EXPECT_GT(test, vmbus_server_stats(s->srv)->full, 0);
	KUNIT_EXPECT_GT(test, vmbus_client_stats(c->cl)->full, 0);
}

static struct kunit_case ctl_client_cases[] = {
	KUNIT_CASE(ctl_client_alloc),
	KUNIT_CASE(ctl_client_lifetime),
	KUNIT_CASE(ctl_client_refused),
	KUNIT_CASE(ctl_client_second_thoughts),
	KUNIT_CASE(ctl_client_rescind),
	KUNIT_CASE(ctl_client_hostile_server),
	KUNIT_CASE(ctl_client_gpadl_bounds),
	KUNIT_CASE(ctl_client_outbox_full),
	KUNIT_CASE(ctl_pair_lifetime),
	KUNIT_CASE(ctl_pair_congestion),
	{}
};

static struct kunit_suite ctl_client_suite = {
	.name = "control_client",
	.test_cases = ctl_client_cases,
};

kunit_test_suite(ctl_client_suite);
