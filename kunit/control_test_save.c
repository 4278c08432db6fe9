// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: save and restore, of both sides.
 */
#include <linux/string.h>

#include "control_test.h"

/* Start what ct_again() made, after its devices have claimed. */
static void ctl_go(struct ct_end *end)
{
	if (end->srv)
		vmbus_server_start(end->srv);
	else
		vmbus_client_start(end->cl);
	ct_run(end);
}

static struct vmbus_server_channel *ctl_claim(struct ct_end *end, u32 n, enum vmbus_claim expect)
{
	const struct vmbus_channel_key key = ct_key(n);
	struct vmbus_server_channel *chan = NULL;

	KUNIT_EXPECT_EQ(end->test, (int)vmbus_server_claim(end->srv, &key, (void *)(unsigned long)n,
							   &chan), (int)expect);
	KUNIT_EXPECT_EQ(end->test, !chan, expect == VMBUS_CLAIM_NONE);
	return chan;
}

/* 18: nothing there, nor offered to anybody. */
static void ctl_18_no_connection(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL), *new;
	u8 buf[16];

	KUNIT_EXPECT_EQ(test, vmbus_server_save(end->srv, NULL, 0), -EBUSY);
	ct_offer(end, 0x100);
	new = ct_again(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_restore(end->srv, buf, sizeof(buf)), -EBUSY);
	ctl_claim(new, 0x100, VMBUS_CLAIM_NONE);
	ctl_go(new);
	ct_quiet(new);
	ct_offer(new, 0x100);
	ct_connect(new);
	/* The old one goes on, too. */
	ctl_go(end);
	ct_connect(end);
}

/*
 * 28: one of each. What is reserved there (open, opening and closing reserved
 * channels, monitor numbers) is not here; what is under way in every other way
 * is: 1 open, 2 opening, 3 offered, 4 closing, 5 closing and to be reopened,
 * 6 revoked, 7 revoked and reoffered, 8 open with a modify under way, 9 a
 * subchannel that is open, 10 a subchannel whose primary closed while it opened.
 */
#define CTL_MIXED	10

static struct ct_end *ctl_mixed(struct kunit *test)
{
	static const u32 names[CTL_MIXED] = {
		0x100, 0x200, 0x300, 0x400, 0x500, 0x600, 0x700, 0x800, 0x801, 0x401,
	};
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan[CTL_MIXED];
	int i;

	/* In order, so that the numbers are 1 to 10. */
	ct_connect(end);
	for (i = 0; i < CTL_MIXED; i++) {
		chan[i] = ct_offer(end, names[i]);
		KUNIT_ASSERT_EQ(test, ct_word(ct_next(end), 184), i + 1);
	}
	for (i = 0; i < 8; i++)
		if (i != 1 && i != 2)
			ct_open(end, chan[i], 30 + i);
	ct_open(end, chan[8], 38);
	ct_in_gpadl(end, 2, 31, 16);
	ct_in_open(end, 2, 5, 31, 3, 8);
	ct_in_gpadl(end, 10, 39, 16);
	ct_in_open(end, 10, 6, 39, 3, 8);
	ct_in(end, 7, 1, 4);
	ct_in(end, 7, 1, 5);
	ct_in_open(end, 5, 7, 34, 4, 6);
	vmbus_server_revoke(chan[5]);
	vmbus_server_revoke(chan[6]);
	ct_offer(end, 0x700);
	ct_in(end, 22, 2, 8, 9);
	/* GPADLs: accepted, offered, going, half sent; on 1 and on 6. */
	ct_in_gpadl(end, 1, 50, 100);
	ct_gpadl(end, 1, 51, 7, 30);
	ct_in_gpadl(end, 1, 52, 1);
	ct_in(end, 11, 2, 1, 52);
	ct_in(end, 8, 5, 1, 53, 24 | 1 << 16, 8192, 0);
	ct_in_gpadl(end, 6, 54, 1);
	ct_in(end, 8, 7, 6, 55, 24 | 1 << 16, 8192, 0, 4, 0);
	end->seen_out = end->nr_out;
	end->seen_acts = end->nr_acts;
	return end;
}

static void ctl_28_with_connection(struct kunit *test)
{
	struct ct_end *old = ctl_mixed(test), *end;
	struct vmbus_server_channel *c[CTL_MIXED];
	const struct vmbus_server_gpadl *g;
	struct vmbus_gpadl_range range;
	size_t len, i;
	void *blob;

	/* Twice in a row, without a claim in between; then once more for real. */
	end = ct_again(ct_again(old));
	blob = ct_save(end, &len);
	KUNIT_EXPECT_EQ(test, vmbus_server_save(end->srv, NULL, 0), len);

	c[0] = ctl_claim(end, 0x100, VMBUS_CLAIM_KEPT);
	c[1] = ctl_claim(end, 0x200, VMBUS_CLAIM_OFFERED);
	c[2] = ctl_claim(end, 0x300, VMBUS_CLAIM_OFFERED);
	c[3] = ctl_claim(end, 0x400, VMBUS_CLAIM_OFFERED);
	c[4] = ctl_claim(end, 0x500, VMBUS_CLAIM_OFFERED);
	ctl_claim(end, 0x600, VMBUS_CLAIM_NONE);
	c[6] = ctl_claim(end, 0x700, VMBUS_CLAIM_OFFERED);
	c[7] = ctl_claim(end, 0x800, VMBUS_CLAIM_KEPT);
	c[8] = ctl_claim(end, 0x801, VMBUS_CLAIM_KEPT);
	c[9] = ctl_claim(end, 0x401, VMBUS_CLAIM_OFFERED);
	ctl_claim(end, 0x100, VMBUS_CLAIM_NONE);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(c[3]), VMBUS_SC_CLOSED);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(c[6]), VMBUS_SC_REOFFERED);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(c[0])->open_id, 77);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(c[0])->downstream_page, 8);
	for (i = 0; i < 120; i++)
		KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(c[0])->user_data[i],
				(u8)(28 + i));
	g = vmbus_server_gpadl_find(c[0], 50);
	KUNIT_ASSERT_NOT_NULL(test, g);
	KUNIT_ASSERT_EQ(test, vmbus_server_gpadl_range(g, 0, &range), 0);
	KUNIT_EXPECT_EQ(test, range.nr_pages, 100);
	KUNIT_EXPECT_EQ(test, range.pfns[99], 199);
	KUNIT_EXPECT_NULL(test, vmbus_server_gpadl_find(c[0], 53));
	ct_quiet(end);

	/* What was not answered is asked again: memory first, then the rest. */
	ctl_go(end);
	ct_act(end, CT_GPADL, 0x100, 51);
	ct_act(end, CT_TEARDOWN, 0x100, 52);
	ct_act(end, CT_OPEN, 0x200, 31);
	ct_act(end, CT_OPEN, 0x500, 34);
	KUNIT_EXPECT_EQ(test, end->last_open.open_id, 7);
	KUNIT_EXPECT_EQ(test, end->last_open.downstream_page, 6);
	ct_act(end, CT_MODIFY, 0x800, 9);
	/* 10's primary closed meanwhile: no device is asked for that. */
	ct_out(end, 6, 3, 10, 6, CT_FAIL);
	/* The ring of 10 was taken away, silently, with the primary's close. */
	ct_act(end, CT_TEARDOWN, 0x401, 39);
	ct_quiet(end);
	vmbus_server_gpadl_done(c[0], 51, 0);
	vmbus_server_gpadl_teardown_done(c[0], 52);
	vmbus_server_open_result(c[1], 0);
	vmbus_server_open_result(c[4], -EIO);
	vmbus_server_modify_done(c[7], 0);
	vmbus_server_gpadl_teardown_done(c[9], 39);
	ct_run(end);
	ct_out(end, 10, 3, 1, 51, 0);
	ct_out(end, 12, 1, 52);
	ct_out(end, 6, 3, 2, 5, 0);
	ct_out(end, 6, 3, 5, 7, CT_FAIL);
	ct_out(end, 24, 2, 8, 0);
	ct_quiet(end);
	/* The half sent ones are completed. */
	ct_in(end, 9, 6, 0, 53, 1, 0, 2, 0);
	ct_act(end, CT_GPADL, 0x100, 53);
	ct_in(end, 9, 4, 0, 55, 5, 0);
	ct_out(end, 10, 3, 6, 55, 0);
	ct_in(end, 11, 2, 6, 54);
	ct_out(end, 12, 1, 54);
	/* Open ones can be closed, revoked ones released, the rest used. */
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	ct_in(end, 13, 1, 6);
	ct_in(end, 13, 1, 7);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 6);
	ct_open(end, c[6], 70);
	ct_open(end, c[2], 71);
	ct_open(end, c[3], 72);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);

	/* The same once more, from the same bytes: nobody claims, all is dropped. */
	end = ct_restore_server(test, blob, len);
	KUNIT_EXPECT_EQ(test, vmbus_server_drop_unclaimed(end->srv), 9);
	ctl_go(end);
	ct_out(end, 2, 1, 9);
	ct_out(end, 6, 3, 10, 6, CT_FAIL);
	ct_out(end, 2, 1, 10);
	ct_out(end, 10, 3, 1, 51, CT_FAIL);
	ct_out(end, 12, 1, 52);
	ct_out(end, 2, 1, 1);
	ct_out(end, 6, 3, 2, 5, CT_FAIL);
	ct_out(end, 2, 1, 2);
	ct_out(end, 2, 1, 3);
	ct_out(end, 2, 1, 4);
	ct_out(end, 6, 3, 5, 7, CT_FAIL);
	ct_out(end, 2, 1, 5);
	ct_out(end, 24, 2, 8, CT_FAIL);
	ct_out(end, 2, 1, 8);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_drop_unclaimed(end->srv), 0);
	/* A device that comes now is a new offer for an old number. */
	ctl_claim(end, 0x300, VMBUS_CLAIM_NONE);
	ct_offer(end, 0x300);
	ct_quiet(end);
	ct_in(end, 13, 1, 3);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 3);
	ct_quiet(end);
}

/* 29: saved while the connect is not answered: it is asked again. */
static void ctl_29_connecting(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	u32 i;

	ct_in(end, 14, 8, 0x50003, 7, 2, 0, 0x1000, 0, 0x2000, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	for (i = 0; i < 2; i++) {
		end = ct_again(end);
		ctl_go(end);
		ct_act(end, CT_CONNECT, 0, 0);
		KUNIT_EXPECT_EQ(test, end->last_contact.version, 0x50003);
		KUNIT_EXPECT_EQ(test, end->last_contact.target_vp, 7);
		KUNIT_EXPECT_EQ(test, end->last_contact.monitor_to_child, 0x1000);
		KUNIT_EXPECT_EQ(test, end->last_contact.monitor_to_parent, 0x2000);
		ct_quiet(end);
	}
	/* A contact and an unload that came meanwhile are kept as well. */
	ct_in(end, 14, 8, 0x50003, 9, 2, 0, 0, 0, 0, 0);
	end = ct_again(end);
	end->auto_answer = BIT(CT_DISCONNECT);
	ctl_go(end);
	ct_act(end, CT_CONNECT, 0, 0);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_act(end, CT_CONNECT, 0, 0);
	KUNIT_EXPECT_EQ(test, end->last_contact.target_vp, 9);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_out(end, 15, 2, 1, 1);
	/* A connection keeps the number that it was told. */
	end = ct_again(end);
	ctl_go(end);
	ct_in(end, 3, 0);
	ct_out(end, 4, 0);
	ct_quiet(end);
}

/* 30: MODIFY_CONNECTION is of 6.0; MODIFY_CHANNEL under way stands for it. */
static void ctl_30_modifying(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in(end, 22, 2, 1, 6);
	ct_act(end, CT_MODIFY, 0x100, 6);
	end = ct_again(end);
	chan = ctl_claim(end, 0x100, VMBUS_CLAIM_KEPT);
	ctl_go(end);
	ct_act(end, CT_MODIFY, 0x100, 6);
	vmbus_server_modify_done(chan, 0);
	ct_run(end);
	ct_out(end, 24, 2, 1, 0);
	end = ct_again(end);
	chan = ctl_claim(end, 0x100, VMBUS_CLAIM_KEPT);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_open_request(chan)->target_vp, 6);
	ctl_go(end);
	/* Under way when the client closes: answered when that is done. */
	ct_in(end, 22, 2, 1, 7);
	ct_act(end, CT_MODIFY, 0x100, 7);
	ct_in(end, 7, 1, 1);
	ct_act(end, CT_CLOSE, 0x100, 0);
	end = ct_again(end);
	ctl_claim(end, 0x100, VMBUS_CLAIM_OFFERED);
	ctl_go(end);
	ct_out(end, 24, 2, 1, CT_FAIL);
	ct_quiet(end);
}

/* 32: saved before the offers were asked for: nothing comes before that. */
static void ctl_32_offers_not_sent(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	int i;

	for (i = 1; i <= 3; i++)
		ct_offer(end, i << 8);
	ct_contact(end, 0x50003);
	ct_act(end, CT_CONNECT, 0, 0);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	ct_out(end, 15, 2, 1, 1);
	end = ct_again(end);
	for (i = 1; i <= 3; i++) {
		ctl_claim(end, i << 8, VMBUS_CLAIM_NONE);
		ct_offer(end, i << 8);
	}
	ctl_go(end);
	ct_quiet(end);
	ct_in(end, 3, 0);
	for (i = 1; i <= 3; i++)
		KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), i);
	ct_out(end, 4, 0);
	ct_quiet(end);
}

/* 33: a device that the state does not know is offered, once, as number 4. */
static void ctl_33_hot_add(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan;
	int i;

	for (i = 1; i <= 3; i++)
		ct_offer(end, i << 8);
	ct_connect(end);
	end = ct_again(end);
	chan = ct_offer(end, 0x400);
	for (i = 1; i <= 3; i++)
		ctl_claim(end, i << 8, VMBUS_CLAIM_OFFERED);
	ct_quiet(end);
	ctl_go(end);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 4);
	ct_quiet(end);
	ct_open(end, chan, 10);
	/* To offer what could be claimed is to say that nothing was kept. */
	end = ct_again(end);
	chan = ct_offer(end, 0x400);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_channel_state(chan), VMBUS_SC_REOFFERED);
	ctl_go(end);
	ct_out(end, 2, 1, 4);
	ct_quiet(end);
	ct_in(end, 13, 1, 4);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 4);
	ct_quiet(end);
}

/* 34, and 3.5's full queues: unsent and unread messages survive, in order. */
static void ctl_34_queues(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	u8 msg[VMBUS_MSG_MAX] = {};
	u32 i, round;

	ct_connect(end);
	ct_in_gpadl(end, 1, 10, 16);
	ct_act(end, CT_GPADL, 0x100, 10);
	ct_out(end, 10, 3, 1, 10, 0);
	ct_in_open(end, 1, 5, 10, 0, 8);
	ct_act(end, CT_OPEN, 0x100, 10);
	for (i = 0; i < 40; i++) {
		ct_gpadl(end, 1, 100 + i, 0, 1);
		ct_act(end, CT_GPADL, 0x100, 100 + i);
	}
	end->room = 0;
	for (i = 0; i < 40; i++)
		vmbus_server_gpadl_done(chan, 100 + i, i % 2 ? -EIO : 0);
	vmbus_server_open_result(chan, 0);
	ct_run(end);
	/* Nothing is read now: 64 requests of all lengths wait. */
	put_unaligned_le32(11, msg);
	put_unaligned_le32(1, msg + 8);
	put_unaligned_le32(999, msg + 12);
	for (i = 0; i < VMBUS_INBOX_MAX - 2; i++)
		ct_in_bytes(end, msg, VMBUS_MSG_MAX - i);
	ct_in(end, 22, 2, 1, 7);
	ct_in(end, 22, 2, 1, 0xffffffff);
	ct_quiet(end);
	for (round = 0; round < 2; round++) {
		struct ct_end *new = ct_again(end);

		ctl_claim(new, 0x100, VMBUS_CLAIM_KEPT);
		if (round)
			vmbus_server_drop_unclaimed(new->srv);
		new->auto_answer = BIT(CT_MODIFY);
		ctl_go(new);
		for (i = 0; i < 40; i++)
			ct_out(new, 10, 3, 1, 100 + i, i % 2 ? CT_FAIL : 0);
		ct_out(new, 6, 3, 1, 5, 0);
		KUNIT_EXPECT_EQ(test, ct_drops(new, VMBUS_DROP_GPADL), VMBUS_INBOX_MAX - 2);
		ct_act(new, CT_MODIFY, 0x100, 7);
		ct_out(new, 24, 2, 1, 0);
		ct_out(new, 24, 2, 1, CT_FAIL);
		ct_quiet(new);
	}
}

/* 54: a teardown under way is asked again, and again. */
static void ctl_54_teardown_outstanding(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	const struct vmbus_server_gpadl *g;
	int i;

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_in_gpadl(end, 1, 11, 40);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_in(end, 11, 2, 1, 11);
	for (i = 0; i < 3; i++) {
		ct_act(end, CT_TEARDOWN, 0x100, 11);
		ct_quiet(end);
		end = ct_again(end);
		if (i == 1) {		/* started before anybody claims */
			ctl_go(end);
			ct_quiet(end);
		}
		chan = ctl_claim(end, 0x100, VMBUS_CLAIM_KEPT);
		/* It is the device's until it says otherwise. */
		g = vmbus_server_gpadl_find(chan, 11);
		KUNIT_EXPECT_NOT_NULL(test, g);
		ctl_go(end);
	}
	ct_act(end, CT_TEARDOWN, 0x100, 11);
	KUNIT_EXPECT_EQ(test, vmbus_server_gpadl_teardown_done(chan, 11), 0);
	ct_run(end);
	ct_out(end, 12, 1, 11);
	ct_quiet(end);
	/* With the channel reset by the client, nobody is asked any more. */
	ct_in_gpadl(end, 1, 11, 40);
	ct_act(end, CT_GPADL, 0x100, 11);
	ct_out(end, 10, 3, 1, 11, 0);
	ct_in(end, 11, 2, 1, 11);
	ct_act(end, CT_TEARDOWN, 0x100, 11);
	end = ct_again(end);
	end->auto_answer = BIT(CT_DISCONNECT);
	ctl_go(end);
	ct_in(end, 16, 0);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	ct_quiet(end);
	ctl_claim(end, 0x100, VMBUS_CLAIM_OFFERED);
	ct_connect(end);
}

/* 3.5: half sent at every point of a GPADL of several messages. */
static void ctl_35_half_sent(struct kunit *test)
{
	u32 cut, i;

	for (cut = 0; cut <= 60; cut++) {
		struct ct_end *end = ct_server(test, NULL);
		u8 msg[VMBUS_MSG_MAX] = {};

		ct_offer(end, 0x100);
		ct_connect(end);
		/* 60 pages, so many words of it in the header, one a body after. */
		put_unaligned_le32(8, msg);
		put_unaligned_le32(1, msg + 8);
		put_unaligned_le32(77, msg + 12);
		put_unaligned_le16(61 * 8, msg + 16);
		put_unaligned_le16(1, msg + 18);
		put_unaligned_le64(60 * 4096, msg + 20);
		ct_in_bytes(end, msg, 20 + (cut ? 8 : 0));
		for (i = 1; i <= 60; i++) {
			if (i == max(cut, 1U)) {
				end = ct_again(ct_again(end));
				ctl_claim(end, 0x100, VMBUS_CLAIM_OFFERED);
				ctl_go(end);
			}
			if (i == 1 && !cut)
				ct_in(end, 9, 4, 0, 77, 60 * 4096, 0);
			ct_quiet(end);
			ct_in(end, 9, 4, 0, 77, 1000 + i, 0);
		}
		ct_act(end, CT_GPADL, 0x100, 77);
		ct_quiet(end);
	}
}

/* 3.5: opening, with the device stopped. */
static void ctl_35_opening_paused(struct kunit *test)
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
	end = ct_again(end);
	chan = ctl_claim(end, 0x100, VMBUS_CLAIM_OFFERED);
	vmbus_server_channel_pause(chan);
	ctl_go(end);
	ct_quiet(end);
	vmbus_server_channel_resume(chan);
	ct_run(end);
	ct_act(end, CT_OPEN, 0x100, 10);
	vmbus_server_open_result(chan, 0);
	ct_run(end);
	ct_out(end, 6, 3, 1, 1, 0);
	ct_quiet(end);
}

/* Saved while disconnecting: what devices still had to do is done with. */
static void ctl_disconnecting(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);
	int how;

	for (how = 0; how < 4; how++) {
		struct ct_end *new;

		ct_connect(end);
		ct_open(end, chan, 10);
		if (how == 0)
			ct_in(end, 16, 0);
		else if (how == 1)
			ct_contact(end, 0x50003);
		else if (how == 2)
			ct_contact(end, 0x60000);
		else
			vmbus_server_reset(end->srv);
		ct_run(end);
		ct_act(end, CT_CLOSE, 0x100, 0);
		new = ct_again(end);
		ctl_claim(new, 0x100, VMBUS_CLAIM_NONE);
		new->auto_answer = BIT(CT_CONNECT) | BIT(CT_DISCONNECT);
		ctl_go(new);
		ct_act(new, CT_DISCONNECT, 0, 0);
		if (how == 0)
			ct_out(new, 17, 0);
		else if (how == 1)
			ct_act(new, CT_CONNECT, 0, 0);
		else if (how == 2)
			ct_out(new, 15, 2, 0, 0);
		else
			ct_act(new, CT_RESET_DONE, 0, 0);
		if (how == 1)
			ct_out(new, 15, 2, 1, 1);
		ct_quiet(new);
		/* Back to where it began. */
		ctl_go(end);
		vmbus_server_close_done(chan);
		end->auto_answer = BIT(CT_CONNECT) | BIT(CT_DISCONNECT) | BIT(CT_TEARDOWN);
		ct_run(end);
		vmbus_server_reset(end->srv);
		ct_run(end);
		end->seen_out = end->nr_out;
		end->seen_acts = end->nr_acts;
		end->auto_answer = 0;
	}
	/* A reset that is complete, and nobody has been told. */
	vmbus_server_reset(end->srv);
	end = ct_again(end);
	ctl_go(end);
	ct_act(end, CT_RESET_DONE, 0, 0);
	ct_quiet(end);
}

/* Closed, released and so on while nobody has claimed: nothing gets stuck. */
static void ctl_unclaimed(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan = ct_offer(end, 0x100);

	ct_connect(end);
	ct_open(end, chan, 10);
	ct_offer(end, 0x200);
	ct_next(end);
	end = ct_again(end);
	ctl_go(end);
	/* A request waits for the claim, a close does not. */
	ct_gpadl(end, 2, 11, 0, 16);
	ct_in(end, 7, 1, 1);
	ct_in(end, 11, 2, 1, 10);
	ct_out(end, 12, 1, 10);
	ct_quiet(end);
	chan = ctl_claim(end, 0x200, VMBUS_CLAIM_OFFERED);
	ct_run(end);
	ct_act(end, CT_GPADL, 0x200, 11);
	vmbus_server_gpadl_done(chan, 11, 0);
	ct_run(end);
	ct_out(end, 10, 3, 2, 11, 0);
	/* Unload with one unclaimed, then the next connection. */
	end->auto_answer = BIT(CT_DISCONNECT) | BIT(CT_TEARDOWN);
	ct_in(end, 16, 0);
	ct_act(end, CT_TEARDOWN, 0x200, 11);
	ct_act(end, CT_DISCONNECT, 0, 0);
	ct_out(end, 17, 0);
	ct_connect(end);
	KUNIT_EXPECT_EQ(test, vmbus_server_channel_id(chan), 1);
	/* It is offered when it is claimed. */
	chan = ctl_claim(end, 0x100, VMBUS_CLAIM_OFFERED);
	ct_run(end);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 184), 2);
	ct_open(end, chan, 10);
	ct_quiet(end);
}

static struct kunit_case ctl_save_cases[] = {
	KUNIT_CASE(ctl_18_no_connection),
	KUNIT_CASE(ctl_28_with_connection),
	KUNIT_CASE(ctl_29_connecting),
	KUNIT_CASE(ctl_30_modifying),
	KUNIT_CASE(ctl_32_offers_not_sent),
	KUNIT_CASE(ctl_33_hot_add),
	KUNIT_CASE(ctl_34_queues),
	KUNIT_CASE(ctl_54_teardown_outstanding),
	KUNIT_CASE(ctl_35_half_sent),
	KUNIT_CASE(ctl_35_opening_paused),
	KUNIT_CASE(ctl_disconnecting),
	KUNIT_CASE(ctl_unclaimed),
	{}
};

static struct kunit_suite ctl_save_suite = {
	.name = "control_save",
	.test_cases = ctl_save_cases,
};

kunit_test_suite(ctl_save_suite);
