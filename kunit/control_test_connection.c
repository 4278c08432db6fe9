// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the server's side: the connection and its messages.
 */
#include <linux/string.h>

#include "control_test.h"

/* Any version but the one that is spoken; and nothing happens before it. */
static void ctl_version_refused(struct kunit *test)
{
	static const u32 versions[] = {
		0xffffffff, 0, 0xd, 0x10001, 0x20004, 0x30000, 0x40000, 0x40001, 0x50000,
		0x50001, 0x50002, 0x60000,
	};
	struct ct_end *end = ct_server(test, NULL);
	int i;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		ct_contact(end, versions[i]);
		ct_out(end, 15, 2, 0, 0);
		ct_quiet(end);
		KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTED);
	}
	ct_connect(end);
	/* Of no use while connected either, but it ends the connection. */
	end->auto_answer = BIT(CT_DISCONNECT);
	ct_contact(end, 0x60000);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 15, 2, 0, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTED);
}

static void ctl_contact_details(struct kunit *test)
{
	static const struct vmbus_server_params params = {
		.nr_pages = 64, .connection_id = 0x1234,
	};
	struct ct_end *end = ct_server(test, &params);

	/* Monitor pages: both or none, whole, and the guest's. */
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0, 0);
	ct_out(end, 15, 2, 1 | 2 << 8, 0);
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0x2008, 0);
	ct_out(end, 15, 2, 1 | 2 << 8, 0);
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0x40000, 0);
	ct_out(end, 15, 2, 1 | 2 << 8, 0);
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0x1000, 1);
	ct_out(end, 15, 2, 1 | 2 << 8, 0);
	ct_quiet(end);
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0x3f000, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	KUNIT_EXPECT_EQ(test, end->last_contact.version, 0x50003);
	KUNIT_EXPECT_EQ(test, end->last_contact.target_vp, 7);
	KUNIT_EXPECT_EQ(test, end->last_contact.monitor_to_child, 0x1000);
	KUNIT_EXPECT_EQ(test, end->last_contact.monitor_to_parent, 0x3f000);
	KUNIT_EXPECT_EQ(test, vmbus_server_disconnect_done(end->srv), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmbus_server_connect_done(end->srv, -EIO), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_connect_done(end->srv, 0), -EINVAL);
	ct_run(end);
	ct_out(end, 15, 2, 1 | 2 << 8, 0);
	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0, 0, 0, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_connect_done(end->srv, 0), 0);
	ct_run(end);
	ct_out(end, 15, 2, 1, 0x1234);
	ct_quiet(end);
}

/* Message sizes: shorter is dropped, whatever it is; longer is as good. */
static void ctl_message_sizes(struct kunit *test)
{
	static const struct {
		u32 type, len;
	} types[] = {
		{ 3, 8 }, { 5, 148 }, { 7, 12 }, { 8, 20 }, { 9, 16 }, { 11, 16 }, { 13, 12 },
		{ 14, 40 }, { 16, 8 }, { 21, 40 }, { 22, 16 },
	};
	struct ct_end *end = ct_server(test, NULL);
	u8 msg[VMBUS_MSG_MAX + 1] = {};
	u64 expected = 0;
	u32 i, len;

	ct_offer(end, 0x100);
	ct_connect(end);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		put_unaligned_le32(types[i].type, msg);
		for (len = 0; len < types[i].len; len++) {
			ct_in_bytes(end, msg, len);
			KUNIT_ASSERT_EQ(test, ct_drops(end, VMBUS_DROP_TOO_SHORT), ++expected);
		}
	}
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), expected);
	KUNIT_EXPECT_EQ(test, vmbus_server_receive(end->srv, msg, VMBUS_MSG_MAX + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_TOO_LONG), 1);
	/* UEFI sends all of 240 bytes, always. */
	memset(msg, 0, sizeof(msg));
	put_unaligned_le32(16, msg);
	end->auto_answer = BIT(CT_DISCONNECT);
	ct_in_bytes(end, msg, VMBUS_MSG_MAX);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	ct_quiet(end);
}

/* Types that are unknown, the server's own, or of features not offered. */
static void ctl_message_types(struct kunit *test)
{
	static const u32 unknown[] = {
		0, 1, 2, 4, 6, 10, 12, 15, 17, 20, 23, 24, 25, 27, 29, 30, 255, 0xffffffff,
	};
	struct ct_end *end = ct_server(test, NULL);
	u8 msg[VMBUS_MSG_MAX] = {};
	u32 i;

	ct_connect(end);
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		put_unaligned_le32(unknown[i], msg);
		ct_in_bytes(end, msg, sizeof(msg));
	}
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_TYPE), ARRAY_SIZE(unknown));
	ct_in(end, 18, 5, 1, 0, 0, 0, 0);
	ct_in(end, 19, 3, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_UNSUPPORTED), 2);
	ct_quiet(end);
	/* A service behind a socket: refused, as whoever asks waits for it. */
	ct_in(end, 21, 8, 1, 2, 3, 4, 5, 6, 7, 8);
	ct_out(end, 23, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0xc0000236);
	ct_quiet(end);
	for (i = 0; i < VMBUS_DROP_NR; i++)
		KUNIT_EXPECT_STRNEQ(test, vmbus_drop_name(i), "unknown");
	KUNIT_EXPECT_STREQ(test, vmbus_drop_name(VMBUS_DROP_NR), "unknown");
}

/* Nothing but contact and unload is heard without a connection. */
static void ctl_not_connected(struct kunit *test)
{
	static const u32 types[] = { 3, 5, 7, 8, 9, 11, 13, 21, 22 };
	struct ct_end *end = ct_server(test, NULL);
	u8 msg[VMBUS_MSG_MAX] = {};
	u32 i, round;

	ct_offer(end, 0x100);
	for (round = 1; round <= 3; round++) {
		for (i = 0; i < ARRAY_SIZE(types); i++) {
			put_unaligned_le32(types[i], msg);
			ct_in_bytes(end, msg, sizeof(msg));
		}
		KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_NOT_CONNECTED),
				round * ARRAY_SIZE(types));
		ct_quiet(end);
		if (round == 1) {			/* connecting */
			ct_contact(end, 0x50003);
			ct_act(end, CT_CONNECT, 0, 0);
		} else if (round == 2) {		/* disconnecting */
			vmbus_server_connect_done(end->srv, 0);
			ct_run(end);
			ct_out(end, 15, 2, 1, 1);
			ct_in(end, 16, 0);
			ct_act(end, CT_DISCONNECT, 0, 0);
		}
	}
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_out(end, 17, 0);
	/* To unload what is not there is done at once. */
	ct_in(end, 16, 0);
	ct_out(end, 17, 0);
	ct_quiet(end);
}

/* 49: with nothing open the disconnect is asked for all the same. */
static void ctl_49_unload(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);

	ct_offer(end, 0x100);
	ct_connect(end);
	ct_in(end, 16, 0);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_disconnect_done(end->srv), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_disconnect_done(end->srv), -EINVAL);
	ct_run(end);
	ct_out(end, 17, 0);
	ct_quiet(end);
	/* And the same offers are there for the next. */
	ct_connect(end);
	ct_quiet(end);
}

/* 50: no disconnect while a channel is closing or a GPADL is in use. */
static void ctl_50_unload_open_channels(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *a = ct_offer(end, 0x100);
	struct vmbus_server_channel *b = ct_offer(end, 0x200);
	struct vmbus_server_channel *c = ct_offer(end, 0x300);

	ct_connect(end);
	ct_open(end, a, 10);
	ct_open(end, b, 11);
	/* One that is opening, with a GPADL that is not answered either. */
	ct_in_gpadl(end, 3, 12, 16);
	ct_act(end, CT_GPADL, 0x300, 12);
	ct_out(end, 10, 3, 3, 12, 0);
	ct_in_open(end, 3, 1, 12, 0, 8);
	ct_act(end, CT_OPEN, 0x300, 12);
	ct_gpadl(end, 3, 13, 0, 1);
	ct_act(end, CT_GPADL, 0x300, 13);
	ct_in(end, 7, 1, 2);
	ct_act(end, CT_CLOSE, 0x200, 0);

	ct_in(end, 16, 0);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(a), VMBUS_SC_CLOSING_CLIENT_RELEASE);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(c), VMBUS_SC_OPENING_CLIENT_RELEASE);
	end->auto_answer = BIT(CT_TEARDOWN);
	vmbus_server_close_done(a);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	vmbus_server_close_done(b);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x200, 11);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(c, 0), 0);
	ct_run(end);
	ct_act(end, CT_CLOSE, 0x300, 0);
	vmbus_server_close_done(c);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x300, 12);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(c, 13, 0), 0);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x300, 13);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_quiet(end);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_out(end, 17, 0);
	ct_quiet(end);
}

/* Same, but the devices say no, or are gone. */
static void ctl_unload_refused_opening(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *a = ct_offer(end, 0x100);
	struct vmbus_server_channel *b = ct_offer(end, 0x200);

	ct_connect(end);
	end->auto_answer = BIT(CT_TEARDOWN) | BIT(CT_DISCONNECT);
	ct_in_gpadl(end, 1, 12, 16);
	ct_in_open(end, 1, 1, 12, 0, 8);
	ct_gpadl(end, 1, 13, 0, 1);
	ct_act(end, CT_GPADL, 0x100, 12);
	ct_act(end, CT_OPEN, 0x100, 12);
	ct_act(end, CT_GPADL, 0x100, 13);
	ct_out(end, 10, 3, 1, 12, 0);
	ct_open(end, b, 14);
	ct_in(end, 16, 0);
	ct_act(end, CT_CLOSE, 0x200, 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_open_result(a, -EIO), 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_done(a, 13, -EIO), 0);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x100, 12);
	ct_quiet(end);
	vmbus_server_revoke(b);
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	ct_quiet(end);
}

/* 51: contact while connected is a disconnect without an answer to that. */
static void ctl_51_reinitiate_contact(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in(end, 14, 8, 0x50003, 9, 2, 0, 0, 0, 0, 0);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
	/* Once more while that goes on: the last one counts. */
	ct_in(end, 14, 8, 0x50003, 8, 2, 0, 0, 0, 0, 0);
	end->auto_answer = BIT(CT_TEARDOWN) | BIT(CT_CONNECT);
	vmbus_server_close_done(chan);
	ct_run(end);
	ct_act(end, CT_TEARDOWN, 0x100, 10);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_quiet(end);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_act(end, CT_CONNECT, 0, 0);
	KUNIT_EXPECT_EQ(test, end->last_contact.target_vp, 8);
	ct_out(end, 15, 2, 1, 1);
	ct_quiet(end);
	ct_in(end, 3, 0);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 1);
	ct_out(end, 4, 0);
	/* And contact, unload, while the connect is not answered. */
	end->auto_answer = BIT(CT_DISCONNECT);
	ct_contact(end, 0x50003);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	ct_in(end, 14, 8, 0x50003, 5, 2, 0, 0, 0, 0, 0);
	ct_quiet(end);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	KUNIT_EXPECT_EQ(test, end->last_contact.target_vp, 5);
	ct_in(end, 16, 0);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	ct_quiet(end);
}

static void ctl_reset(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);

	/* Nothing there: done at once. */
	vmbus_server_reset(end->srv);
	ct_run(end);
	ct_act(end, CT_RESET_DONE, 0, 0);
	/* While the connect is unanswered: what it set up goes again. */
	ct_contact(end, 0x50003);
	ct_act(end, CT_CONNECT, 0, 0);
	vmbus_server_reset(end->srv);
	ct_run(end);
	ct_quiet(end);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_act(end, CT_RESET_DONE, 0, 0);
	/* An unload's answer is of no use to a guest that was reset. */
	ct_connect(end);
	ct_in(end, 16, 0);
	ct_act(end, CT_DISCONNECT, 0, 0);
	vmbus_server_reset(end->srv);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_act(end, CT_RESET_DONE, 0, 0);
	ct_quiet(end);
	/* Unread and unsent messages go. */
	ct_connect(end);
	end->room = 0;
	ct_in(end, 22, 2, 1, 1);
	ct_in(end, 21, 8, 1, 2, 3, 4, 5, 6, 7, 8);
	ct_in(end, 3, 0);
	vmbus_server_reset(end->srv);
	end->room = -1;
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	ct_act(end, CT_RESET_DONE, 0, 0);
	ct_quiet(end);
}

/*
 * 34: what cannot be sent is queued in order, and nothing is read meanwhile.
 * (Replies to reserved channels, which are never queued, do not exist here.)
 */
static void ctl_34_pending_messages(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	u32 i, wakes;
	u8 msg[8] = { 3 };

	ct_connect(end);
	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	ct_in_open(end, 1, 5, 10, 0, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	ct_in_gpadl(end, 1, 11, 2);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_in(end, 11, 2, 1, 11);
	ct_act(end, CT_TEARDOWN, 0x100, 11);
	end->room = 0;
	wakes = end->wakes;
	vmbus_server_gpadl_teardown_done(chan, 11);
	KUNIT_EXPECT_GT(test, end->wakes, wakes);
	vmbus_server_open_result(chan, 0);
	ct_run(end);
	ct_quiet(end);
	ct_in(end, 22, 2, 1, 2);	/* not looked at */
	ct_quiet(end);
	end->room = 1;
	ct_run(end);
	ct_out(end, 12, 1, 11);
	ct_quiet(end);
	ct_in(end, 22, 2, 1, 3);
	ct_quiet(end);
	end->room = 1;
	ct_run(end);
	ct_out(end, 6, 3, 1, 5, 0);
	ct_act(end, CT_MODIFY, 0x100, 2);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 1);
	end->room = 0;
	vmbus_server_modify_done(chan, 0);
	/* So many can wait to be read, and that is it. */
	for (i = 0; i < VMBUS_INBOX_MAX; i++)
		ct_in(end, 3, 0);
	KUNIT_EXPECT_EQ(test, vmbus_server_receive(end->srv, msg, 8), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, vmbus_server_stats(end->srv)->full, 1);
	end->room = -1;
	ct_run(end);
	ct_out(end, 24, 2, 1, 0);
	KUNIT_EXPECT_EQ(test, ct_drops(end, VMBUS_DROP_STATE), 1 + VMBUS_INBOX_MAX);
	KUNIT_EXPECT_EQ(test, vmbus_server_receive(end->srv, msg, 8), 0);
	ct_run(end);
	ct_quiet(end);
}

/* 55: stop and start without a restore repeats nothing. */
static void ctl_55_stop_start(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	int i;

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in_gpadl(end, 1, 11, 2);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_in(end, 11, 2, 1, 11);
	ct_act(end, CT_TEARDOWN, 0x100, 11);
	ct_in(end, 22, 2, 1, 2);
	ct_act(end, CT_MODIFY, 0x100, 2);
	for (i = 0; i < 3; i++) {
		vmbus_server_stop(end->srv);
		KUNIT_EXPECT_FALSE(test, vmbus_server_run(end->srv));
		vmbus_server_start(end->srv);
		ct_run(end);
		ct_quiet(end);
	}
	/* An answer in between is taken, and its message goes out after. */
	vmbus_server_stop(end->srv);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 11), 0);
	ct_in(end, 7, 1, 1);
	ct_quiet(end);
	vmbus_server_start(end->srv);
	ct_run(end);
	ct_out(end, 12, 1, 11);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_quiet(end);
}

/* A server without most operations answers by itself. */
static int ctl_bare_send(void *ctx, const void *msg, size_t len)
{
	struct ct_msg *out = ctx;

	memcpy(out->data, msg, len);
	out->len = len;
	return 0;
}

static void ctl_bare_in(struct vmbus_server *srv, const u32 *words, u32 nr)
{
	__le32 msg[60] = {};
	u32 i;

	for (i = 0; i < nr; i++)
		msg[i] = cpu_to_le32(words[i]);
	vmbus_server_receive(srv, msg, sizeof(msg));
	while (vmbus_server_run(srv))
		;
}

static void ctl_optional_ops(struct kunit *test)
{
	static const struct vmbus_server_ops ops = { .send = ctl_bare_send };
	static const struct vmbus_server_ops none = {};
	static const struct vmbus_server_params params = { .nr_pages = 32 };
	static const struct vmbus_server_params bad = {};
	static const u32 contact[] = { 14, 0, 0x50003 }, offers[] = { 3 }, unload[] = { 16 };
	static const u32 gpadl[] = {
		8, 0, 1, 5, 40 | 1 << 16, 16384, 0, 1, 0, 2, 0, 3, 0, 4, 0,
	};
	static const u32 teardown[] = { 11, 0, 1, 5 };
	static const u32 open[] = { 5, 0, 1, 9, 5, 0, 2 };
	const struct vmbus_offer offer = ct_make_offer(0x100);
	struct vmbus_server_channel *chan;
	struct vmbus_server *srv;
	struct ct_msg out = {};

	KUNIT_EXPECT_TRUE(test, IS_ERR(vmbus_server_alloc(&none, &out, &params)));
	KUNIT_EXPECT_TRUE(test, IS_ERR(vmbus_server_alloc(&ops, &out, &bad)));
	vmbus_server_free(NULL);
	vmbus_server_free(ERR_PTR(-ENOMEM));
	srv = vmbus_server_alloc(&ops, &out, &params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, srv);
	KUNIT_EXPECT_EQ(test, vmbus_server_offer(srv, &offer, 0, NULL, &chan), 0);
	ctl_bare_in(srv, contact, ARRAY_SIZE(contact));
	KUNIT_EXPECT_EQ(test, ct_word(&out, 0), 15);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(srv), VMBUS_CONNECTED);
	ctl_bare_in(srv, offers, ARRAY_SIZE(offers));
	ctl_bare_in(srv, gpadl, ARRAY_SIZE(gpadl));
	KUNIT_EXPECT_EQ(test, ct_word(&out, 0), 10);
	KUNIT_EXPECT_EQ(test, ct_word(&out, 16), 0);
	ctl_bare_in(srv, open, ARRAY_SIZE(open));
	KUNIT_EXPECT_EQ(test, ct_word(&out, 0), 6);
	KUNIT_EXPECT_EQ(test, ct_word(&out, 16), CT_FAIL);
	ctl_bare_in(srv, teardown, ARRAY_SIZE(teardown));
	KUNIT_EXPECT_EQ(test, ct_word(&out, 0), 12);
	ctl_bare_in(srv, unload, ARRAY_SIZE(unload));
	KUNIT_EXPECT_EQ(test, ct_word(&out, 0), 17);
	KUNIT_EXPECT_EQ(test, vmbus_server_check(srv), 0);
	vmbus_server_reset(srv);
	vmbus_server_run(srv);
	vmbus_server_free(srv);
}

static struct kunit_case ctl_connection_cases[] = {
	KUNIT_CASE(ctl_version_refused),
	KUNIT_CASE(ctl_contact_details),
	KUNIT_CASE(ctl_message_sizes),
	KUNIT_CASE(ctl_message_types),
	KUNIT_CASE(ctl_not_connected),
	KUNIT_CASE(ctl_49_unload),
	KUNIT_CASE(ctl_50_unload_open_channels),
	KUNIT_CASE(ctl_unload_refused_opening),
	KUNIT_CASE(ctl_51_reinitiate_contact),
	KUNIT_CASE(ctl_reset),
	KUNIT_CASE(ctl_34_pending_messages),
	KUNIT_CASE(ctl_55_stop_start),
	KUNIT_CASE(ctl_optional_ops),
	{}
};

static struct kunit_suite ctl_connection_suite = {
	.name = "control_connection",
	.test_cases = ctl_connection_cases,
};

kunit_test_suite(ctl_connection_suite);
