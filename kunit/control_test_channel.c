// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: life of a channel.
 */
#include <linux/string.h>

#include "control_test.h"

/*
 * 9 to 12, the life of a channel. 9 and 10 differ in MODIFY_CHANNEL's answer,
 * which 5.3 has. 11 and 12 are of 6.0: what stands for them is that the
 * version response has no flags, that a short and a long open are the same, and
 * that a connection and an event flag behind the open's end change nothing.
 */
static void ctl_9_10_lifetime(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	struct vmbus_offer offer = ct_make_offer(0x100);
	const struct vmbus_open_request *req;
	const struct ct_msg *msg;
	int i;

	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_id(chan), 0);
	ct_contact(end, 0x50003);
	ct_act(end, CT_CONNECT, 0, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_connect_done(end->srv, 0), 0);
	ct_run(end);
	ct_out(end, 15, 2, 1, 1);
	ct_in(end, 3, 0);

	msg = ct_next(end);
	KUNIT_EXPECT_EQ(test, msg->len, 196);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 0), 1);
	KUNIT_EXPECT_MEMEQ(test, msg->data + 8, &offer.key.type, 16);
	KUNIT_EXPECT_MEMEQ(test, msg->data + 24, &offer.key.instance, 16);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, msg->data[40 + i], 0);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 56), 1 | 8 << 16);
	KUNIT_EXPECT_MEMEQ(test, msg->data + 60, offer.user_data, 120);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 180), 0 | 16 << 16);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 184), 1);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 188), 0xff | 1 << 16);
	KUNIT_EXPECT_EQ(test, ct_word(msg, 192), 0x2001);
	ct_out(end, 4, 0);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_CLOSED);

	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	ct_in_open(end, 1, 3, 10, 5, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, end->last_open.open_id, 3);
	KUNIT_EXPECT_EQ(test, end->last_open.target_vp, 5);
	KUNIT_EXPECT_EQ(test, end->last_open.downstream_page, 8);
	for (i = 0; i < 120; i++)
		KUNIT_EXPECT_EQ(test, end->last_open.user_data[i], 28 + i);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, 0), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, 0), -EINVAL);
	ct_run(end);
	ct_out(end, 6, 3, 1, 3, 0);

	ct_in(end, 22, 2, 1, 4);
	ct_act(end, CT_MODIFY, 0x100, 4);
	ct_quiet(end);
	/* A second one while the first is not answered is not answered. */
	ct_in(end, 22, 2, 1, 6);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 1);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_modify_done(chan, 0), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_modify_done(chan, 0), -EINVAL);
	ct_run(end);
	ct_out(end, 24, 2, 1, 0);
	req = vmbus_server_channel_open_request(chan);
	KUNIT_ASSERT_NOT_NULL(test, req);
	KUNIT_EXPECT_EQ(test, req->target_vp, 4);

	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 2, 1, 1);
	ct_quiet(end);
	ct_in(end, 13, 1, 1);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 1);
	/* The number is free again. */
	chan = ct_offer(end, 0x200);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_id(chan), 1);
}

static void ctl_11_12_open_sizes(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	static const u32 lens[] = { 147, 148, 156, 240 };
	u8 msg[VMBUS_MSG_MAX] = {};
	int i;

	ct_connect(end);
	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	end->auto_answer = BIT(CT_OPEN) | BIT(CT_CLOSE);
	put_unaligned_le32(5, msg);
	put_unaligned_le32(1, msg + 8);
	put_unaligned_le32(9, msg + 12);
	put_unaligned_le32(10, msg + 16);
	put_unaligned_le32(8, msg + 24);
	/* Where 6.0 has a connection, an event flag and flags. */
	put_unaligned_le32(0x2002, msg + 148);
	put_unaligned_le32(0xffff0002, msg + 152);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		ct_in_bytes(end, msg, lens[i]);
		if (lens[i] < 148) {
			KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_TOO_SHORT), 1);
			continue;
		}
		ct_act(end, CT_OPEN, 0x100, 10);
		ct_out(end, 6, 3, 1, 9, 0);
		KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_OPEN);
		ct_in(end, 7, 1, 1);
		ct_act(end, CT_CLOSE, 0x100, 0);
		ct_quiet(end);
	}
}

/* 17: offers at every time are openable, and the reset waits for all closes. */
static void ctl_17_hot_add(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan[4];
	int i;

	chan[0] = ct_offer(end, 0x100);
	ct_contact(end, 0x50003);
	ct_act(end, CT_CONNECT, 0, 0);
	chan[1] = ct_offer(end, 0x200);
	KUNIT_EXPECT_EQ(test, vmbus_server_connect_done(end->srv, 0), 0);
	ct_run(end);
	ct_out(end, 15, 2, 1, 1);
	chan[2] = ct_offer(end, 0x300);
	ct_quiet(end);
	ct_in(end, 3, 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), i + 1);
	ct_out(end, 4, 0);
	ct_quiet(end);
	chan[3] = ct_offer(end, 0x400);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 4);
	/* A second request is not answered: the offers are out. */
	ct_in(end, 3, 0);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 1);
	ct_quiet(end);

	for (i = 0; i < 4; i++)
		ct_open(end, chan[i], 20 + i);
	end->auto_answer = BIT(CT_TEARDOWN) | BIT(CT_DISCONNECT);
	vmbus_server_reset(end->srv);
	ct_run(end);
	for (i = 0; i < 4; i++)
		ct_act(end, CT_CLOSE, 0x100 * (i + 1), 0);
	for (i = 0; i < 4; i++) {
		ct_quiet(end);
		KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTING);
		KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan[i]), 0);
		ct_run(end);
		ct_act(end, CT_TEARDOWN, 0x100 * (i + 1), 20 + i);
	}
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_act(end, CT_RESET_DONE, 0, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTED);
}

struct ctl_order {
	u8 type, instance;
	u32 order;
};

static void ctl_order_offers(struct ct_end *end, const struct ctl_order *o, u32 nr)
{
	struct vmbus_server_channel *chan;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct vmbus_offer offer = {};

		memset(&offer.key.type, o[i].type, 16);
		memset(&offer.key.instance, o[i].instance, 16);
		KUNIT_ASSERT_EQ(end->test,
				vmbus_server_offer(end->srv, &offer, o[i].order, NULL, &chan), 0);
	}
	ct_contact(end, 0x50003);
	vmbus_server_connect_done(end->srv, 0);
	ct_in(end, 3, 0);
	ct_next(end);
	for (i = 0; i < nr; i++) {
		const struct ct_msg *msg = ct_next(end);

		KUNIT_EXPECT_EQ(end->test, ct_word(msg, 184), i + 1);
		/* What comes out as number n is what has n as its instance. */
		KUNIT_EXPECT_EQ(end->test, msg->data[24], i + 1);
	}
}

/* 43: numbers by type, order, instance; 44: by order first. */
static void ctl_43_44_id_order(struct kunit *test)
{
	static const struct ctl_order usual[] = {
		{ 3, 6, 0 }, { 1, 3, 9 }, { 1, 2, 3 }, { 2, 5, 4 }, { 1, 1, 3 }, { 2, 4, 1 },
	};
	static const struct ctl_order absolute[] = {
		{ 3, 1, 0 }, { 1, 6, 9 }, { 1, 4, 3 }, { 2, 5, 4 }, { 1, 3, 3 }, { 2, 2, 1 },
	};
	static const struct vmbus_server_params params = {
		.nr_pages = 64, .absolute_order = true,
	};

	ctl_order_offers(ct_server(test, NULL), usual, ARRAY_SIZE(usual));
	ctl_order_offers(ct_server(test, &params), absolute, ARRAY_SIZE(absolute));
}

/* A close has no answer: the next open may come while it is under way. */
static void ctl_reopen_during_close(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in_gpadl(end, 1, 11, 16);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	/* As Linux does: the ring's memory right after the close. */
	ct_in(end, 11, 2, 1, 10);
	ct_quiet(end);
	ct_in_open(end, 1, 78, 11, 2, 4);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_CLOSING_REOPEN);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, 0), -EINVAL);
	/* Neither a third open nor a close of what is not open yet. */
	ct_in_open(end, 1, 79, 11, 2, 4);
	ct_in(end, 7, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 2);

	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan), -EINVAL);
	ct_run(end);
	ct_act(end, CT_OPEN, 0x100, 11);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	KUNIT_EXPECT_EQ(test, end->last_open.open_id, 78);
	KUNIT_EXPECT_EQ(test, end->last_open.downstream_page, 4);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 10), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, 0), 0);
	ct_run(end);
	ct_out(end, 12, 1, 10);
	ct_out(end, 6, 3, 1, 78, 0);
	ct_quiet(end);
}

/* A reopen whose ring went away meanwhile fails; nobody is asked. */
static void ctl_reopen_without_ring(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in(end, 7, 1, 1);
	ct_in_open(end, 1, 78, 10, 2, 4);
	ct_in(end, 11, 2, 1, 10);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan), 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 78, CT_FAIL);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_CLOSED);
}

static void ctl_open_refused(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	ct_in_open(end, 1, 1, 10, 0, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, -ENOMEM), 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 1, CT_FAIL);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_CLOSED);
	/* And once more, now well. */
	ct_in_open(end, 1, 2, 10, 0, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(chan, 0), 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 2, 0);
	ct_quiet(end);
}

/* A ring that is none is found out before the device is asked. */
static void ctl_open_ring_checked(struct kunit *test)
{
	static const struct {
		u32 gpadl, downstream;
		bool good;
	} cases[] = {
		{ 99, 8 }, { 10, 0 }, { 10, 1 }, { 10, 15 }, { 10, 16 }, { 10, 0xffffffff },
		{ 11, 2 }, { 12, 2 }, { 13, 2 }, { 14, 2 }, { 10, 2, true }, { 10, 14, true },
	};
	struct ct_end *end = ct_server(test, NULL);
	u8 msg[60] = {};
	int i;

	ct_offer(end, 0x100);
	ct_connect(end);
	end->auto_answer = BIT(CT_GPADL) | BIT(CT_OPEN) | BIT(CT_CLOSE);
	ct_in_gpadl(end, 1, 10, 16);
	ct_in_gpadl(end, 1, 11, 3);
	/* 12: 4 pages less a byte; 13: with an offset; 14: two ranges. */
	ct_in(end, 8, 3 + 10, 1, 12, 40 | 1 << 16, 16383, 0, 1, 0, 2, 0, 3, 0, 4, 0);
	ct_in(end, 8, 3 + 12, 1, 13, 48 | 1 << 16, 16384, 8, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0);
	put_unaligned_le32(8, msg);
	ct_in(end, 8, 3 + 12, 1, 14, 48 | 2 << 16, 8192, 0, 1, 0, 2, 0, 8192, 0, 3, 0, 4, 0);
	for (i = 10; i <= 14; i++) {
		ct_act(end, CT_GPADL, 0x100, i);
		ct_out(end, 10, 3, 1, i, 0);
	}
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 status = CT_FAIL;

		ct_in_open(end, 1, i, cases[i].gpadl, 0, cases[i].downstream);
		if (cases[i].good) {
			ct_act(end, CT_OPEN, 0x100, cases[i].gpadl);
			status = 0;
		}
		ct_out(end, 6, 3, 1, i, status);
		if (cases[i].good) {
			ct_in(end, 7, 1, 1);
			ct_act(end, CT_CLOSE, 0x100, 0);
		}
		ct_quiet(end);
	}
}

/* Messages for channels that are not, or not in the state for them. */
static void ctl_wrong_channel_wrong_state(struct kunit *test)
{
	static const u32 ids[] = { 0, 2, 2047, 2048, 0xffffffff };
	struct ct_end *end = ct_server(test, NULL);
	int i;

	ct_offer(end, 0x100);
	ct_connect(end);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ct_in_open(end, ids[i], 1, 1, 1, 1);
		ct_in(end, 7, 1, ids[i]);
		ct_in(end, 11, 2, ids[i], 1);
		ct_in(end, 13, 1, ids[i]);
		ct_in(end, 22, 2, ids[i], 1);
		KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_CHANNEL), 5 * (i + 1));
	}
	ct_quiet(end);
	ct_in(end, 7, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 1);
	ct_quiet(end);
	/* A request that has an answer gets one. */
	ct_in(end, 22, 2, 1, 1);
	ct_out(end, 24, 2, 1, CT_FAIL);
	/* Released by a client that does not want it: known no more. */
	ct_in(end, 13, 1, 1);
	ct_in(end, 7, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_CHANNEL), 5 * i + 1);
	ct_quiet(end);
}

static void ctl_modify_refused(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in(end, 22, 2, 1, 0xffffffff);
	ct_out(end, 24, 2, 1, CT_FAIL);
	ct_in(end, 22, 2, 1, 3);
	ct_act(end, CT_MODIFY, 0x100, 3);
	KUNIT_EXPECT_EQ(test, vmbus_server_modify_done(chan, -EIO), 0);
	ct_run(end);
	ct_out(end, 24, 2, 1, CT_FAIL);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(chan)->target_vp, 1);
	/* Closed while it is under way: answered when that is done. */
	ct_in(end, 22, 2, 1, 4);
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_MODIFY, 0x100, 4);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan), 0);
	ct_run(end);
	ct_out(end, 24, 2, 1, CT_FAIL);
	KUNIT_EXPECT_EQ(test, vmbus_server_modify_done(chan, 0), -EINVAL);
	/* Opened with interrupts off there is nothing to move. */
	ct_in_open(end, 1, 1, 10, 0xffffffff, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	vmbus_server_open_result(chan, 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 1, 0);
	ct_in(end, 22, 2, 1, 3);
	ct_out(end, 24, 2, 1, CT_FAIL);
	ct_quiet(end);
}

/* The number stays the client's until it lets go of it. */
static void ctl_reoffer(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100), *other;
	struct vmbus_offer offer = ct_make_offer(0x100);

	ct_connect(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &other), -EEXIST);
	vmbus_server_revoke(chan);
	chan = ct_offer(end, 0x100);
	ct_out(end, 2, 1, 1);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_REOFFERED);
	/* What crosses the rescind is ignored. */
	ct_in_open(end, 1, 1, 1, 1, 1);
	ct_in(end, 7, 1, 1);
	ct_in(end, 22, 2, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_REVOKED), 3);
	ct_quiet(end);
	/* Taken back and given again: still the one rescind. */
	vmbus_server_revoke(chan);
	ct_run(end);
	chan = ct_offer(end, 0x100);
	ct_quiet(end);
	other = ct_offer(end, 0x200);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 2);
	ct_in(end, 13, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 1);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_CLOSED);
	ct_quiet(end);
	ct_open(end, chan, 10);
}

/* A revoke answers for the device what is under way, then rescinds. */
static void ctl_revoke_answers_first(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in_gpadl(end, 1, 11, 4);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_gpadl(end, 1, 12, 0, 4);
	ct_act(end, CT_GPADL, 0x100, 12);
	ct_in(end, 11, 2, 1, 11);
	ct_act(end, CT_TEARDOWN, 0x100, 11);
	ct_in(end, 22, 2, 1, 2);
	ct_act(end, CT_MODIFY, 0x100, 2);
	ct_quiet(end);
	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 12, 1, 11);
	ct_out(end, 10, 3, 1, 12, CT_FAIL);
	ct_out(end, 24, 2, 1, CT_FAIL);
	ct_out(end, 2, 1, 1);
	ct_quiet(end);

	/* Opening, and closing with the next open waiting. */
	chan = ct_offer(end, 0x200);
	ct_next(end);
	ct_in_gpadl(end, 2, 10, 16);
	ct_act(end, CT_GPADL, 0x200, 10);
	ct_out(end, 10, 3, 2, 10, 0);
	ct_in_open(end, 2, 5, 10, 0, 8);
	ct_act(end, CT_OPEN, 0x200, 10);
	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 6, 3, 2, 5, CT_FAIL);
	ct_out(end, 2, 1, 2);
	ct_quiet(end);
	chan = ct_offer(end, 0x300);
	ct_next(end);
	ct_open(end, chan, 20);
	ct_in(end, 7, 1, 3);
	ct_act(end, CT_CLOSE, 0x300, 0);
	ct_in_open(end, 3, 6, 20, 0, 8);
	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 6, 3, 3, 6, CT_FAIL);
	ct_out(end, 2, 1, 3);
	ct_quiet(end);
}

/* What the device has not heard yet it does not hear after its revoke. */
static void ctl_revoke_before_action(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	vmbus_server_stop(end->srv);
	ct_in(end, 7, 1, 1);
	vmbus_server_start(end->srv);
	vmbus_server_channel_pause(chan);
	ct_run(end);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_in_open(end, 1, 6, 10, 0, 8);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(chan), 0);
	ct_run(end);
	ct_quiet(end);
	vmbus_server_revoke(chan);
	ct_run(end);
	ct_out(end, 6, 3, 1, 6, CT_FAIL);
	ct_out(end, 2, 1, 1);
	ct_quiet(end);
}

static void ctl_subchannels(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *primary = ct_offer(end, 0x100);
	struct vmbus_server_channel *sub1 = ct_offer(end, 0x101);
	struct vmbus_server_channel *sub2 = ct_offer(end, 0x102);
	struct vmbus_server_channel *other = ct_offer(end, 0x200);

	ct_connect(end);
	ct_open(end, primary, 10);
	ct_open(end, sub1, 11);
	ct_open(end, other, 13);
	/* 3 is opening, and has a GPADL offered and one half sent. */
	ct_in_gpadl(end, 3, 12, 16);
	ct_act(end, CT_GPADL, 0x102, 12);
	ct_out(end, 10, 3, 3, 12, 0);
	ct_in_open(end, 3, 5, 12, 0, 8);
	ct_act(end, CT_OPEN, 0x102, 12);
	ct_gpadl(end, 3, 14, 0, 2);
	ct_act(end, CT_GPADL, 0x102, 14);
	ct_in(end, 8, 5, 3, 15, 24 | 1 << 16, 8192, 0);
	ct_quiet(end);

	/* Closing the primary closes them, and takes their memory away. */
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_act(end, CT_CLOSE, 0x101, 0);
	ct_out(end, 10, 3, 3, 14, CT_FAIL);
	ct_out(end, 10, 3, 3, 15, CT_FAIL);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(sub1), 0);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x101, 11);
	/* The client asks for it itself, and gets its answer. */
	ct_in(end, 11, 2, 2, 11);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(sub1, 11), 0);
	ct_run(end);
	ct_out(end, 12, 1, 11);
	/* Even when it is gone before. */
	ct_in(end, 11, 2, 2, 11);
	ct_out(end, 12, 1, 11);
	ct_quiet(end);
	/* The device opened the other in vain, and accepted memory in vain. */
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(sub2, 0), 0);
	ct_run(end);
	ct_out(end, 6, 3, 3, 5, CT_FAIL);
	ct_act(end, CT_CLOSE, 0x102, 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(sub2), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(sub2, 14, 0), 0);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x102, 12);
	ct_act(end, CT_TEARDOWN, 0x102, 14);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(sub2, 14), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(sub2, 12), 0);
	ct_run(end);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(other), VMBUS_SC_OPEN);

	/* Revoking it rescinds them first; their pointers stay good. */
	vmbus_server_revoke(primary);
	ct_run(end);
	ct_out(end, 2, 1, 2);
	ct_out(end, 2, 1, 3);
	ct_out(end, 2, 1, 1);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(sub1), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(sub1, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_server_modify_done(sub1, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(sub1, 1, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(sub1, 1), -ENODEV);
	ct_in(end, 13, 1, 2);
	KUNIT_EXPECT_EQ(test, vmbus_server_close_done(sub1), -ENODEV);
	vmbus_server_revoke(sub1);
	vmbus_server_revoke(sub2);
	ct_run(end);
	ct_quiet(end);
	ct_in(end, 13, 1, 3);
	ct_in(end, 13, 1, 1);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
}

/* 57: while the device is stopped GPADLs and closes come, opens and modifies wait. */
static void ctl_57_stopped_device(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	vmbus_server_channel_pause(chan);
	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	ct_in_open(end, 1, 1, 10, 0, 8);
	ct_quiet(end);
	vmbus_server_channel_resume(chan);
	ct_run(end);
	ct_act(end, CT_OPEN, 0x100, 10);
	vmbus_server_open_result(chan, 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 1, 0);
	vmbus_server_channel_pause(chan);
	ct_in(end, 22, 2, 1, 2);
	ct_quiet(end);
	/* A close comes, and does away with the modify. */
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_out(end, 24, 2, 1, CT_FAIL);
	vmbus_server_close_done(chan);
	ct_run(end);
	/* A reset with an open that the device never saw does not wait for it. */
	ct_in_open(end, 1, 2, 10, 0, 8);
	ct_quiet(end);
	end->auto_answer = BIT(CT_DISCONNECT) | BIT(CT_TEARDOWN);
	ct_in(end, 16, 0);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	vmbus_server_channel_resume(chan);
	ct_run(end);
	ct_quiet(end);
}

static void ctl_limits(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = NULL, *last;
	struct vmbus_offer offer;
	u32 i;

	ct_connect(end);
	for (i = 0; i < VMBUS_MAX_CHANNELS; i++) {
		offer = ct_make_offer(i << 8);
		KUNIT_ASSERT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &chan), 0);
	}
	offer = ct_make_offer(i << 8);
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &last), -ENOSPC);
	ct_run(end);
	for (i = 1; i <= VMBUS_MAX_CHANNELS; i++)
		KUNIT_ASSERT_EQ(test, ct_word(ct_next(end), 184), i);
	ct_in_gpadl(end, VMBUS_MAX_CHANNELS, 10, 16);
	ct_act(end, CT_GPADL, 0, 10);
	ct_out(end, 10, 3, VMBUS_MAX_CHANNELS, 10, 0);
	/* A revoked one counts until the client releases it. */
	vmbus_server_revoke(chan);
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &last), -ENOSPC);
	ct_run(end);
	ct_in(end, 13, 1, VMBUS_MAX_CHANNELS);
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &last), 0);
	offer.flags = 0x2;
	offer.key.subchannel = 9;
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(end->srv, &offer, 0, NULL, &last), -EINVAL);
}

static struct kunit_case ctl_channel_cases[] = {
	KUNIT_CASE(ctl_9_10_lifetime),
	KUNIT_CASE(ctl_11_12_open_sizes),
	KUNIT_CASE(ctl_17_hot_add),
	KUNIT_CASE(ctl_43_44_id_order),
	KUNIT_CASE(ctl_reopen_during_close),
	KUNIT_CASE(ctl_reopen_without_ring),
	KUNIT_CASE(ctl_open_refused),
	KUNIT_CASE(ctl_open_ring_checked),
	KUNIT_CASE(ctl_wrong_channel_wrong_state),
	KUNIT_CASE(ctl_modify_refused),
	KUNIT_CASE(ctl_reoffer),
	KUNIT_CASE(ctl_revoke_answers_first),
	KUNIT_CASE(ctl_revoke_before_action),
	KUNIT_CASE(ctl_subchannels),
	KUNIT_CASE(ctl_57_stopped_device),
	KUNIT_CASE(ctl_limits),
	{}
};

static struct kunit_suite ctl_channel_suite = {
	.name = "control_channel",
	.test_cases = ctl_channel_cases,
};

kunit_test_suite(ctl_channel_suite);
