// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: hostile saved states, and the client's save.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "control_test.h"

/* Where things are in a state, as control_save.h has it. */
#define CTL_HDR		16
#define CTL_REC		8
enum { CTL_LINK = 1, CTL_CHANNEL, CTL_GPADL, CTL_OUT, CTL_IN };

/* The nth record of a type: its header; the payload is CTL_REC behind. */
static u8 *ctl_record(struct kunit *test, void *blob, size_t len, u32 type, u32 nth)
{
	size_t pos = CTL_HDR;

	while (pos < len) {
		u8 *rec = blob + pos;

		if (get_unaligned_le16(rec) == type && !nth--)
			return rec;
		pos += CTL_REC + get_unaligned_le32(rec + 4);
	}
	KUNIT_FAIL_AND_ABORT(test, "no such record");
	return NULL;
}

static void *ctl_copy(struct kunit *test, const void *blob, size_t len)
{
	void *copy = kunit_kzalloc(test, len + 64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, blob, len);
	return copy;
}

/* A server with something of every kind, and not too large. */
static struct ct_end *ctl_some_server(struct kunit *test)
{
	struct ct_end *end = ct_server(test, NULL);
	struct vmbus_server_channel *chan[5];
	int i;

	ct_connect(end);
	for (i = 0; i < 5; i++) {
		chan[i] = ct_offer(end, (i + 1) << 8 | (i == 4));
		ct_next(end);
	}
	/* 1 open, modifying; 2 to be reopened; 3 revoked; 4 reoffered; 5 opening. */
	ct_open(end, chan[0], 10);
	ct_open(end, chan[1], 11);
	ct_in(end, 22, 2, 1, 5);
	ct_in(end, 7, 1, 2);
	ct_in_open(end, 2, 9, 11, 0, 4);
	ct_in_gpadl(end, 3, 12, 1);
	ct_in_gpadl(end, 5, 13, 4);
	ct_in_open(end, 5, 9, 13, 0, 2);
	vmbus_server_revoke(chan[2]);
	vmbus_server_revoke(chan[3]);
	ct_offer(end, 0x400);
	ct_gpadl(end, 1, 20, 0, 2);
	ct_in(end, 8, 5, 1, 21, 24 | 1 << 16, 8192, 0);
	ct_in_gpadl(end, 1, 22, 1);
	ct_in(end, 11, 2, 1, 22);
	end->room = 0;
	ct_in(end, 21, 8, 1, 2, 3, 4, 5, 6, 7, 8);
	ct_in(end, 13, 1, 3);
	ct_in(end, 13, 1, 4);
	return end;
}

/* A client with something of every kind, some of it not told to anybody. */
static struct ct_end *ctl_some_client(struct kunit *test, u32 *handles)
{
	struct ct_end *s = ct_server(test, NULL), *c = ct_client(test);
	static const u64 pfns[] = { 5, 6, 7, 8 };
	const struct vmbus_gpadl_range range = {
		.byte_count = 16384, .nr_pages = 4, .pfns = pfns,
	};
	struct vmbus_open_request req = { .downstream_page = 2, .target_vp = 1 };
	struct vmbus_server_channel *chan[7] = {};
	struct vmbus_client_channel *cc[7] = {};
	u32 i;

	ct_join(s, c);
	s->auto_answer = BIT(CT_CONNECT) | BIT(CT_GPADL) | BIT(CT_TEARDOWN);
	for (i = 1; i < 7; i++)
		chan[i] = ct_offer(s, i << 8);
	vmbus_client_connect(c->cl);
	ct_run_pair(s, c);
	vmbus_client_request_offers(c->cl);
	ct_run_pair(s, c);
	for (i = 1; i < 7; i++) {
		const struct vmbus_channel_key key = ct_key(i << 8);

		cc[i] = vmbus_client_find(c->cl, &key);
		KUNIT_ASSERT_NOT_NULL(test, cc[i]);
		KUNIT_ASSERT_EQ(test, vmbus_client_gpadl_create(cc[i], &range, &handles[i]), 0);
	}
	ct_run_pair(s, c);
	for (i = 1; i < 7; i++) {
		req.ring_gpadl = handles[i];
		KUNIT_ASSERT_EQ(test, vmbus_client_open(cc[i], &req), 0);
	}
	ct_run_pair(s, c);
	vmbus_server_open_result(chan[1], 0);
	vmbus_server_open_result(chan[2], 0);
	vmbus_server_open_result(chan[6], 0);
	ct_run_pair(s, c);
	/*
	 * 1 open, modifying; 2 open, rescinded; 3 opening; 4 opening, closed; 5
	 * same and to be reopened; 6 closed, its memory on the way back.
	 */
	KUNIT_EXPECT_EQ(test, vmbus_client_modify(cc[1], 4), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(cc[4]), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(cc[5]), 0);
	req.ring_gpadl = handles[5];
	KUNIT_EXPECT_EQ(test, vmbus_client_open(cc[5], &req), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_close(cc[6]), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(cc[6], handles[6]), 0);
	ct_run_pair(s, c);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(cc[1], &range, &handles[7]), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(cc[1], &range, &handles[8]), 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(cc[1], handles[8]), 0);
	ct_run_pair(s, c);
	vmbus_server_stop(s->srv);
	c->peer = NULL;
	c->room = 0;
	KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_create(cc[1], &range, &handles[9]), 0);
	vmbus_client_stop(c->cl);
	ct_in(c, 2, 1, 2);
	c->mute = false;
	c->seen_out = c->nr_out;
	c->seen_acts = c->nr_acts;
	return c;
}

static ssize_t ctl_save(struct ct_end *end, void *buf, size_t size)
{
	return end->srv ? vmbus_server_save(end->srv, buf, size) :
			  vmbus_client_save(end->cl, buf, size);
}

static int ctl_restore(struct ct_end *end, const void *buf, size_t len)
{
	return end->srv ? vmbus_server_restore(end->srv, buf, len) :
			  vmbus_client_restore(end->cl, buf, len);
}

static struct ct_end *ctl_fresh(struct kunit *test, struct ct_end *like)
{
	return like->srv ? ct_server(test, NULL) : ct_client(test);
}

/* Every buffer that is too small, and the one that is not: never a byte more. */
static void ctl_small_buffer(struct kunit *test)
{
	u32 handles[10], i;
	struct ct_end *ends[2] = { ctl_some_server(test), ctl_some_client(test, handles) };

	for (i = 0; i < 2; i++) {
		size_t len, size, k;
		u8 *blob = ct_save(ends[i], &len);
		u8 *buf = kunit_kmalloc(test, len + 1, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, buf);
		for (size = 0; size <= len; size++) {
			memset(buf, 0xa5, len + 1);
			KUNIT_ASSERT_EQ(test, ctl_save(ends[i], buf, size), len);
			for (k = size; k <= len; k++)
				KUNIT_ASSERT_EQ(test, buf[k], 0xa5);
		}
		KUNIT_EXPECT_MEMEQ(test, buf, blob, len);
	}
}

/* Every length but the right one; the machine is as it was after each. */
static void ctl_truncated(struct kunit *test)
{
	u32 handles[10], i;
	struct ct_end *ends[2] = { ctl_some_server(test), ctl_some_client(test, handles) };

	for (i = 0; i < 2; i++) {
		struct ct_end *fresh = ctl_fresh(test, ends[i]);
		size_t len, empty, cut;
		u8 *blob = ct_save(ends[i], &len), *before, *copy;

		copy = ctl_copy(test, blob, len);
		before = ct_save(fresh, &empty);
		for (cut = 0; cut < len + 64; cut++) {
			if (cut == len)
				continue;
			KUNIT_ASSERT_EQ(test, ctl_restore(fresh, copy, cut), -EBADMSG);
			/* Neither if the header says that this is all. */
			if (cut >= CTL_HDR) {
				put_unaligned_le32(cut, copy + 8);
				KUNIT_ASSERT_EQ(test, ctl_restore(fresh, copy, cut), -EBADMSG);
				put_unaligned_le32(len, copy + 8);
			}
			ct_check(fresh);
		}
		KUNIT_ASSERT_EQ(test, ctl_save(fresh, copy, len), empty);
		KUNIT_EXPECT_MEMEQ(test, copy, before, empty);
		KUNIT_EXPECT_EQ(test, ctl_restore(fresh, blob, len), 0);
	}
}

/* A machine that ran before it refused a state runs on. */
static void ctl_refused_runs_on(struct kunit *test)
{
	u32 handles[10], i;
	struct ct_end *ends[2] = { ctl_some_server(test), ctl_some_client(test, handles) };

	for (i = 0; i < 2; i++) {
		struct ct_end *fresh = ctl_fresh(test, ends[i]);
		size_t len;
		u8 *blob = ct_save(ends[i], &len);

		KUNIT_EXPECT_EQ(test, ctl_restore(fresh, blob, len - 1), -EBADMSG);
		KUNIT_EXPECT_EQ(test, ctl_save(fresh, NULL, 0), -EBUSY);
		if (fresh->srv) {
			ct_connect(fresh);
			continue;
		}
		KUNIT_EXPECT_EQ(test, vmbus_client_connect(fresh->cl), 0);
		ct_run(fresh);
		ct_out(fresh, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
		ct_in(fresh, 15, 2, 1, 1);
		ct_act(fresh, CT_CONNECTED, 0, 0);
		ct_quiet(fresh);
	}
}

/* Make the most of a state that was taken: claim, go on, end. */
static void ctl_exercise(struct ct_end *end)
{
	end->mute = true;
	end->nr_out = 0;
	end->auto_answer = ~0u;
	if (end->srv) {
		const struct vmbus_channel_key key = ct_key(0x100);
		struct vmbus_server_channel *chan;

		vmbus_server_claim(end->srv, &key, NULL, &chan);
		vmbus_server_start(end->srv);
		ct_run(end);
		vmbus_server_drop_unclaimed(end->srv);
		ct_run(end);
		vmbus_server_reset(end->srv);
		ct_run(end);
		KUNIT_ASSERT_EQ(end->test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTED);
	} else {
		const struct vmbus_channel_key key = ct_key(0x100);
		struct vmbus_client_channel *chan;

		vmbus_client_claim(end->cl, &key, NULL, &chan);
		vmbus_client_start(end->cl);
		ct_run(end);
		vmbus_client_drop_unclaimed(end->cl);
		ct_run(end);
		vmbus_client_unload(end->cl);
		ct_run(end);
	}
}

static void ctl_renew(struct ct_end *end)
{
	static const struct vmbus_server_params sp = { .nr_pages = CT_PAGES };
	static const struct vmbus_client_params cp = { .nr_pages = CT_PAGES };

	if (end->srv) {
		vmbus_server_free(end->srv);
		end->srv = vmbus_server_alloc(&ct_server_ops, end, &sp);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(end->test, end->srv);
	} else {
		vmbus_client_free(end->cl);
		end->cl = vmbus_client_alloc(&ct_client_ops, end, &cp);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(end->test, end->cl);
	}
}

/*
 * One bit wrong, each in turn: refused, or it is another state that is sound,
 * saves to the same bytes, and can be used and ended.
 */
static void ctl_bit_flipped(struct kunit *test)
{
	/* Sanitised: no bit of a byte's is always left out. */
	const u32 step = IS_ENABLED(CONFIG_KASAN) ? 11 : 1;
	u32 handles[10], i, taken = 0, refused = 0;
	struct ct_end *ends[2] = { ctl_some_server(test), ctl_some_client(test, handles) };

	for (i = 0; i < 2; i++) {
		struct ct_end *fresh = ctl_fresh(test, ends[i]);
		size_t len, bit;
		u8 *blob = ct_save(ends[i], &len), *again = ctl_copy(test, blob, len);

		for (bit = 0; bit < len * 8; bit += step) {
			int ret;

			blob[bit / 8] ^= BIT(bit % 8);
			ret = ctl_restore(fresh, blob, len);
			ct_check(fresh);
			if (ret) {
				KUNIT_ASSERT_TRUE(test, ret == -EBADMSG || ret == -EPROTONOSUPPORT);
				refused++;
			} else {
				KUNIT_ASSERT_EQ(test, ctl_save(fresh, again, len), len);
				KUNIT_ASSERT_MEMEQ(test, again, blob, len);
				ctl_exercise(fresh);
				ctl_renew(fresh);
				taken++;
			}
			blob[bit / 8] ^= BIT(bit % 8);
		}
		KUNIT_EXPECT_EQ(test, ctl_restore(fresh, blob, len), 0);
	}
	kunit_info(test, "%u taken, %u refused", taken, refused);
	KUNIT_EXPECT_GT(test, refused, 500);
	KUNIT_EXPECT_GT(test, taken, 500);
}

/* Single fields that are out of range, or that contradict each other. */
struct ctl_edit {
	const char *what;
	u8 rec, nth;
	u8 offset, bytes;
	u32 value;
};

static const struct ctl_edit ctl_server_edits[] = {
	{ "state", CTL_LINK, 0, 0, 1, 4 },
	{ "disconnected with channels", CTL_LINK, 0, 0, 1, 0 },
	{ "disconnecting with channels", CTL_LINK, 0, 0, 1, 3 },
	{ "offers not sent, with channels", CTL_LINK, 0, 1, 1, 0 },
	{ "bool", CTL_LINK, 0, 1, 1, 2 },
	{ "something to follow while connected", CTL_LINK, 0, 2, 1, 1 },
	{ "next", CTL_LINK, 0, 2, 1, 5 },
	{ "reset under way while connected", CTL_LINK, 0, 3, 1, 1 },
	{ "contact's version", CTL_LINK, 0, 9, 4, 0x60000 },
	{ "one monitor page", CTL_LINK, 0, 17, 4, 0x1000 },
	{ "next contact that is none", CTL_LINK, 0, 33, 4, 0x50003 },
	{ "offer flags", CTL_CHANNEL, 0, 34, 2, 2 },
	{ "number 0", CTL_CHANNEL, 0, 164, 4, 0 },
	{ "number 2048", CTL_CHANNEL, 0, 164, 4, 2048 },
	{ "number 2^32-1", CTL_CHANNEL, 0, 164, 4, 0xffffffff },
	{ "number twice", CTL_CHANNEL, 0, 164, 4, 2 },
	{ "identity twice", CTL_CHANNEL, 0, 16, 4, 2 },
	{ "released by the client", CTL_CHANNEL, 2, 168, 1, 0 },
	{ "state", CTL_CHANNEL, 2, 168, 1, 10 },
	{ "open without a request", CTL_CHANNEL, 2, 168, 1, 3 },
	{ "closed with a request", CTL_CHANNEL, 0, 168, 1, 1 },
	{ "close wanted, open", CTL_CHANNEL, 0, 169, 1, 1 },
	{ "modifying, closed", CTL_CHANNEL, 2, 170, 1, 1 },
	{ "not modifying, with a processor", CTL_CHANNEL, 0, 170, 1, 0 },
	{ "modifying to no processor", CTL_CHANNEL, 0, 171, 4, 0xffffffff },
	{ "ring that is not there", CTL_CHANNEL, 0, 179, 4, 99 },
	{ "ring that is half sent", CTL_CHANNEL, 0, 179, 4, 21 },
	{ "ring without a second half", CTL_CHANNEL, 0, 187, 4, 15 },
	{ "handle not in order", CTL_GPADL, 1, 0, 4, 5 },
	{ "handle twice", CTL_GPADL, 1, 0, 4, 10 },
	{ "state", CTL_GPADL, 0, 4, 1, 5 },
	{ "forgotten", CTL_GPADL, 1, 4, 1, 2 },
	{ "complete, half sent", CTL_GPADL, 0, 4, 1, 0 },
	{ "half sent, accepted", CTL_GPADL, 2, 4, 1, 3 },
	{ "silent, accepted", CTL_GPADL, 0, 5, 1, 1 },
	{ "no range", CTL_GPADL, 0, 6, 2, 0 },
	{ "two ranges", CTL_GPADL, 0, 6, 2, 2 },
	{ "words", CTL_GPADL, 0, 8, 2, 18 },
	{ "fewer words", CTL_GPADL, 0, 8, 2, 16 },
	{ "too many words", CTL_GPADL, 2, 8, 2, 8192 },
	{ "one word", CTL_GPADL, 2, 8, 2, 1 },
	{ "no bytes", CTL_GPADL, 0, 10, 4, 0 },
	{ "offset", CTL_GPADL, 0, 14, 4, 4096 },
	{ "page", CTL_GPADL, 0, 18, 4, CT_PAGES },
	{ "page 2^32", CTL_GPADL, 0, 22, 4, 1 },
	{ "message of the other side", CTL_OUT, 0, 0, 4, 5 },
	{ "message of no side", CTL_OUT, 0, 0, 4, 33 },
};

static const struct ctl_edit ctl_client_edits[] = {
	{ "state", CTL_LINK, 0, 0, 1, 5 },
	{ "unloading with channels", CTL_LINK, 0, 0, 1, 4 },
	{ "not told, unknown", CTL_LINK, 0, 1, 1, 8 },
	{ "outcome of nothing", CTL_LINK, 0, 2, 1, 1 },
	{ "offer flags", CTL_CHANNEL, 0, 34, 2, 2 },
	{ "number 0", CTL_CHANNEL, 0, 160, 4, 0 },
	{ "number 2048", CTL_CHANNEL, 0, 160, 4, 2048 },
	{ "number twice", CTL_CHANNEL, 0, 160, 4, 2 },
	{ "identity twice", CTL_CHANNEL, 0, 16, 4, 2 },
	{ "state", CTL_CHANNEL, 0, 168, 1, 5 },
	{ "closed with a request", CTL_CHANNEL, 0, 168, 1, 0 },
	{ "opening, rescinded", CTL_CHANNEL, 2, 169, 1, 1 },
	{ "offer not told", CTL_CHANNEL, 0, 175, 1, 1 },
	{ "rescind not told that was not", CTL_CHANNEL, 0, 175, 1, 8 },
	{ "opened not told, opening", CTL_CHANNEL, 2, 175, 1, 2 },
	{ "handle twice", CTL_GPADL, 1, 0, 4, 1 },
	{ "state", CTL_GPADL, 0, 4, 1, 5 },
	{ "gone and nothing to tell", CTL_GPADL, 0, 4, 1, 4 },
	{ "torn down not told, created", CTL_GPADL, 0, 5, 1, 2 },
	{ "refused, created", CTL_GPADL, 0, 6, 1, 1 },
	{ "message of the other side", CTL_OUT, 0, 0, 4, 6 },
};

static void ctl_edits(struct kunit *test, struct ct_end *end, const struct ctl_edit *edits, u32 nr)
{
	struct ct_end *fresh = ctl_fresh(test, end);
	size_t len, k;
	u8 *blob = ct_save(end, &len), *copy = ctl_copy(test, blob, len);
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct ctl_edit *e = &edits[i];
		u8 *p = ctl_record(test, copy, len, e->rec, e->nth) + CTL_REC + e->offset;

		for (k = 0; k < e->bytes; k++)
			p[k] = e->value >> (8 * k);
		KUNIT_EXPECT_MEMNEQ_MSG(test, copy, blob, len, "%s", e->what);
		KUNIT_EXPECT_EQ_MSG(test, ctl_restore(fresh, copy, len), -EBADMSG, "%s", e->what);
		ct_check(fresh);
		memcpy(copy, blob, len);
	}
	/* The frame. */
	put_unaligned_le32(0x43424d57, copy);
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EBADMSG);
	put_unaligned_le32(0x43424d56, copy);
	copy[4]++;
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EPROTONOSUPPORT);
	copy[4]--;
	copy[12]--;
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EBADMSG);
	copy[12] += 2;
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EBADMSG);
	copy[12]--;
	copy[CTL_HDR + 2] = 1;
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EBADMSG);
	copy[CTL_HDR + 2] = 0;
	put_unaligned_le32(0xffffffff, copy + CTL_HDR + 4);
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), -EBADMSG);
	memcpy(copy, blob, len);
	KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len), 0);
}

static void ctl_fields(struct kunit *test)
{
	u32 handles[10];

	ctl_edits(test, ctl_some_server(test), ctl_server_edits, ARRAY_SIZE(ctl_server_edits));
	ctl_edits(test, ctl_some_client(test, handles), ctl_client_edits,
		  ARRAY_SIZE(ctl_client_edits));
}

/* A whole record once more, in every place; and one taken out. */
static void ctl_duplicated(struct kunit *test)
{
	u32 handles[10], i, type;
	struct ct_end *ends[2] = { ctl_some_server(test), ctl_some_client(test, handles) };

	for (i = 0; i < 2; i++) {
		struct ct_end *fresh = ctl_fresh(test, ends[i]);
		size_t len, n;
		u8 *blob = ct_save(ends[i], &len), *rec;
		u8 *copy = kunit_kmalloc(test, 2 * len, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, copy);
		for (type = CTL_LINK; type <= CTL_GPADL; type++) {
			rec = ctl_record(test, blob, len, type, 0);
			n = CTL_REC + get_unaligned_le32(rec + 4);
			/* At once, and at the end. */
			memcpy(copy, blob, rec - blob + n);
			memcpy(copy + (rec - blob) + n, rec, len - (rec - blob));
			put_unaligned_le32(len + n, copy + 8);
			copy[12]++;
			KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len + n), -EBADMSG);
			memcpy(copy, blob, len);
			memcpy(copy + len, rec, n);
			put_unaligned_le32(len + n, copy + 8);
			copy[12]++;
			KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len + n), -EBADMSG);
			if (type == CTL_CHANNEL && i == 1)
				continue;	/* its GPADLs go to the one before */
			/* Without it, the rest does not stand. */
			memcpy(copy, blob, rec - blob);
			memcpy(copy + (rec - blob), rec + n, len - (rec - blob) - n);
			put_unaligned_le32(len - n, copy + 8);
			copy[12]--;
			if (type != CTL_GPADL || i == 0)
				KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len - n), -EBADMSG);
		}
		/* More unread messages than there can be. */
		rec = ctl_record(test, blob, len, CTL_IN, 0);
		memcpy(copy, blob, len);
		n = CTL_REC + get_unaligned_le32(rec + 4);
		for (type = 0; type < VMBUS_INBOX_MAX && len + (type + 1) * n <= 2 * len; type++)
			memcpy(copy + len + type * n, rec, n);
		put_unaligned_le32(len + type * n, copy + 8);
		put_unaligned_le32(get_unaligned_le32(copy + 12) + type, copy + 12);
		KUNIT_EXPECT_EQ(test, ctl_restore(fresh, copy, len + type * n),
				type < VMBUS_INBOX_MAX ? 0 : -EBADMSG);
		KUNIT_EXPECT_EQ(test, type, VMBUS_INBOX_MAX);
	}
}

/* The other side's state, a smaller guest's, into a machine in use. */
static void ctl_wrong_place(struct kunit *test)
{
	static const struct vmbus_server_params small = { .nr_pages = 110 };
	static const struct vmbus_server_params few = {
		.nr_pages = CT_PAGES, .max_gpadl_words = 20,
	};
	u32 handles[10];
	struct ct_end *s = ctl_some_server(test), *c = ctl_some_client(test, handles), *end;
	size_t slen, clen;
	void *sblob = ct_save(s, &slen), *cblob = ct_save(c, &clen);

	KUNIT_EXPECT_EQ(test, vmbus_server_restore(ct_server(test, NULL)->srv, cblob, clen),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, vmbus_client_restore(ct_client(test)->cl, sblob, slen), -EBADMSG);
	KUNIT_EXPECT_EQ(test, vmbus_server_restore(ct_server(test, &small)->srv, sblob, slen),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, vmbus_server_restore(ct_server(test, &few)->srv, sblob, slen),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, vmbus_server_restore(s->srv, sblob, slen), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmbus_client_restore(c->cl, cblob, clen), -EBUSY);
	end = ct_server(test, NULL);
	ct_offer(end, 0x100);
	KUNIT_EXPECT_EQ(test, vmbus_server_restore(end->srv, sblob, slen), -EBUSY);
	end = ct_client(test);
	vmbus_client_connect(end->cl);
	KUNIT_EXPECT_EQ(test, vmbus_client_save(end->cl, NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmbus_client_restore(end->cl, cblob, clen), -EBUSY);
}

/* ---- the client's save ---- */

static struct vmbus_client_channel *ctl_claim_client(struct ct_end *end, u32 n,
						     enum vmbus_claim expect)
{
	const struct vmbus_channel_key key = ct_key(n);
	struct vmbus_client_channel *chan = NULL;

	KUNIT_EXPECT_EQ(end->test, (int)vmbus_client_claim(end->cl, &key, (void *)(unsigned long)n,
							   &chan), (int)expect);
	return chan;
}

static void ctl_client_claimed(struct kunit *test)
{
	struct vmbus_client_channel *cc[7];
	struct ct_end *end;
	u32 h[10];

	end = ct_again(ct_again(ctl_some_client(test, h)));
	cc[1] = ctl_claim_client(end, 0x100, VMBUS_CLAIM_KEPT);
	cc[2] = ctl_claim_client(end, 0x200, VMBUS_CLAIM_KEPT);
	cc[3] = ctl_claim_client(end, 0x300, VMBUS_CLAIM_OFFERED);
	cc[4] = ctl_claim_client(end, 0x400, VMBUS_CLAIM_OFFERED);
	cc[5] = ctl_claim_client(end, 0x500, VMBUS_CLAIM_OFFERED);
	cc[6] = ctl_claim_client(end, 0x600, VMBUS_CLAIM_OFFERED);
	ctl_claim_client(end, 0x700, VMBUS_CLAIM_NONE);
	ctl_claim_client(end, 0x100, VMBUS_CLAIM_NONE);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_open_request(cc[1])->ring_gpadl, h[1]);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_open_request(cc[1])->downstream_page, 2);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(cc[3]), VMBUS_CC_OPENING);
	KUNIT_EXPECT_EQ(test, (int)vmbus_client_channel_state(cc[5]), VMBUS_CC_OPENING_REOPEN);
	ct_quiet(end);
	vmbus_client_start(end->cl);
	ct_run(end);
	/* What was unsent goes out, what was unread is told. */
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 12), h[9]);
	ct_act(end, CT_RESCIND, 0x200, 0);
	ct_quiet(end);
	/* The answers that were waited for come. */
	ct_in(end, 24, 2, 1, 0);
	ct_act(end, CT_MODIFIED, 0x100, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_channel_open_request(cc[1])->target_vp, 4);
	ct_in(end, 10, 3, 1, h[9], 0);
	ct_act(end, CT_CREATED, 0x100, h[9]);
	ct_in(end, 6, 3, 3, vmbus_client_channel_open_request(cc[3])->open_id, 0);
	ct_act(end, CT_OPENED, 0x300, 0);
	ct_in(end, 6, 3, 4, vmbus_client_channel_open_request(cc[4])->open_id, 0);
	ct_out(end, 7, 1, 4);
	ct_in(end, 6, 3, 5, vmbus_client_channel_open_request(cc[5])->open_id, 0);
	ct_out(end, 7, 1, 5);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 16), h[5]);
	ct_quiet(end);
	KUNIT_EXPECT_EQ(test, ct_dropped(end), 0);
}

static void ctl_client_dropped(struct kunit *test)
{
	u32 h[10], i, creates = 0, ids = 0;
	struct ct_end *end;

	end = ct_again(ctl_some_client(test, h));
	vmbus_client_start(end->cl);
	ct_run(end);
	/* The message that was unread is, but what it says waits. */
	KUNIT_EXPECT_EQ(test, end->nr_acts, 0);
	KUNIT_EXPECT_EQ(test, ct_word(ct_next(end), 12), h[9]);
	ctl_claim_client(end, 0x300, VMBUS_CLAIM_OFFERED);
	KUNIT_EXPECT_EQ(test, vmbus_client_drop_unclaimed(end->cl), 5);
	KUNIT_EXPECT_EQ(test, vmbus_client_drop_unclaimed(end->cl), 0);
	ct_run(end);
	/* 1 is closed, its memory asked back, and it is offered as if new. */
	ct_out(end, 7, 1, 1);
	ct_out(end, 11, 2, 1, h[1]);
	ct_out(end, 11, 2, 1, h[7]);
	ct_out(end, 13, 1, 2);
	ct_out(end, 11, 2, 4, h[4]);
	ct_out(end, 11, 2, 5, h[5]);
	for (i = end->seen_acts; i < end->nr_acts; i++) {
		creates += end->acts[i].act == CT_OFFER;
		ids |= BIT(end->acts[i].arg);
	}
	KUNIT_EXPECT_EQ(test, creates, 4);
	KUNIT_EXPECT_EQ(test, ids, BIT(1) | BIT(4) | BIT(5) | BIT(6));
	end->seen_acts = end->nr_acts;
	ct_quiet(end);
	/* An open that succeeds now is closed; memory is told as it comes back. */
	ct_in(end, 6, 3, 4, 4, 0);
	ct_out(end, 7, 1, 4);
	ct_in(end, 10, 3, 1, h[9], 0);
	ct_out(end, 11, 2, 1, h[9]);
	ct_in(end, 12, 1, h[9]);
	ct_act(end, CT_TORNDOWN, 0x100, h[9]);
	ct_quiet(end);
}

/* Saved at each step of connecting and of unloading, nothing told yet. */
static void ctl_client_steps(struct kunit *test)
{
	struct ct_end *end = ct_client(test);

	KUNIT_EXPECT_EQ(test, vmbus_client_connect(end->cl), 0);
	end = ct_again(end);			/* unsent */
	vmbus_client_start(end->cl);
	ct_run(end);
	ct_out(end, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
	end = ct_again(end);			/* unanswered */
	ct_in(end, 15, 2, 1, 1);
	end = ct_again(end);			/* unread */
	vmbus_client_start(end->cl);
	ct_run(end);
	ct_act(end, CT_CONNECTED, 0, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_request_offers(end->cl), 0);
	end = ct_again(end);
	vmbus_client_start(end->cl);
	ct_run(end);
	ct_out(end, 3, 0);
	ct_in(end, 4, 0);
	ct_act(end, CT_DELIVERED, 0, 0);
	KUNIT_EXPECT_EQ(test, vmbus_client_unload(end->cl), 0);
	end = ct_again(end);
	vmbus_client_start(end->cl);
	ct_run(end);
	ct_out(end, 16, 0);
	ct_in(end, 17, 0);
	ct_act(end, CT_UNLOADED, 0, 0);
	end = ct_again(end);
	vmbus_client_start(end->cl);
	KUNIT_EXPECT_EQ(test, vmbus_client_connect(end->cl), 0);
	ct_run(end);
	ct_out(end, 14, 8, 0x50003, 0, 2, 0, 0, 0, 0, 0);
	ct_quiet(end);
}

static struct kunit_case ctl_blob_cases[] = {
	KUNIT_CASE(ctl_small_buffer),
	KUNIT_CASE(ctl_truncated),
	KUNIT_CASE(ctl_refused_runs_on),
	KUNIT_CASE_SLOW(ctl_bit_flipped),
	KUNIT_CASE(ctl_fields),
	KUNIT_CASE(ctl_duplicated),
	KUNIT_CASE(ctl_wrong_place),
	KUNIT_CASE(ctl_client_claimed),
	KUNIT_CASE(ctl_client_dropped),
	KUNIT_CASE(ctl_client_steps),
	{}
};

static struct kunit_suite ctl_blob_suite = {
	.name = "control_blob",
	.test_cases = ctl_blob_cases,
};

kunit_test_suite(ctl_blob_suite);
