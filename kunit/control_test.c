// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the VMBus control plane: the surroundings of a machine.
 */
#include <kunit/resource.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "control_test.h"

/* ---- what a machine does is written down ---- */

static void ct_log(struct ct_end *end, enum ct_act act, const void *who, s64 arg)
{
	if (end->mute)
		return;
	KUNIT_ASSERT_LT(end->test, end->nr_acts, CT_LOG);
	end->acts[end->nr_acts++] = (struct ct_action) {
		.act = act, .who = (unsigned long)who, .arg = arg,
	};
}

static void ct_tape(struct ct_end *end, const struct ct_event *event)
{
	if (!end->tape)
		return;
	KUNIT_ASSERT_LT(end->test, end->nr_tape, CT_TAPE);
	end->tape[end->nr_tape++] = *event;
}

static int ct_send(void *ctx, const void *msg, size_t len)
{
	struct ct_end *end = ctx, *peer = end->peer;
	int ret = 0;

	KUNIT_EXPECT_GE(end->test, len, 8);
	KUNIT_EXPECT_LE(end->test, len, VMBUS_MSG_MAX);
	if (!end->room)
		return -EAGAIN;
	if (peer && peer->srv)
		ret = vmbus_server_receive(peer->srv, msg, len);
	else if (peer)
		ret = vmbus_client_receive(peer->cl, msg, len);
	if (ret)
		return ret;
	if (peer && peer->tape) {
		struct ct_event event = { .op = CT_EV_RECEIVE, .len = len };

		memcpy(event.msg, msg, len);
		ct_tape(peer, &event);
	}
	if (end->room > 0)
		end->room--;
	KUNIT_ASSERT_LT(end->test, end->nr_out, CT_LOG);
	end->out[end->nr_out].len = len;
	memcpy(end->out[end->nr_out++].data, msg, len);
	return 0;
}

static void ct_wake(void *ctx)
{
	struct ct_end *end = ctx;

	end->wakes++;
}

/* The channel's operations get no machine: each context leads to its end. */
static struct ct_end *ct_current;

static bool ct_auto(enum ct_act act)
{
	return ct_current->auto_answer & BIT(act);
}

static void ct_op_connect(void *ctx, const struct vmbus_contact *contact)
{
	struct ct_end *end = ctx;

	end->last_contact = *contact;
	ct_log(end, CT_CONNECT, NULL, 0);
	if (ct_auto(CT_CONNECT))
		KUNIT_EXPECT_EQ(end->test, vmbus_server_connect_done(end->srv, 0), 0);
}

static void ct_op_disconnect(void *ctx)
{
	struct ct_end *end = ctx;

	ct_log(end, CT_DISCONNECT, NULL, 0);
	if (ct_auto(CT_DISCONNECT))
		KUNIT_EXPECT_EQ(end->test, vmbus_server_disconnect_done(end->srv), 0);
}

static void ct_op_reset_done(void *ctx)
{
	ct_log(ctx, CT_RESET_DONE, NULL, 0);
}

static void ct_op_open(struct vmbus_server_channel *chan, void *context,
		       const struct vmbus_open_request *req)
{
	ct_current->last_open = *req;
	ct_log(ct_current, CT_OPEN, context, req->ring_gpadl);
	if (ct_auto(CT_OPEN))
		KUNIT_EXPECT_EQ(ct_current->test, vmbus_server_open_result(chan, 0), 0);
}

static void ct_op_close(struct vmbus_server_channel *chan, void *context)
{
	ct_log(ct_current, CT_CLOSE, context, 0);
	if (ct_auto(CT_CLOSE))
		KUNIT_EXPECT_EQ(ct_current->test, vmbus_server_close_done(chan), 0);
}

static void ct_op_modify(struct vmbus_server_channel *chan, void *context, u32 target_vp)
{
	ct_log(ct_current, CT_MODIFY, context, target_vp);
	if (ct_auto(CT_MODIFY))
		KUNIT_EXPECT_EQ(ct_current->test, vmbus_server_modify_done(chan, 0), 0);
}

static void ct_op_gpadl(struct vmbus_server_channel *chan, void *context,
			const struct vmbus_server_gpadl *gpadl)
{
	u32 handle = vmbus_server_gpadl_handle(gpadl);

	ct_log(ct_current, CT_GPADL, context, handle);
	KUNIT_EXPECT_PTR_EQ(ct_current->test, vmbus_server_gpadl_find(chan, handle), gpadl);
	if (ct_auto(CT_GPADL))
		KUNIT_EXPECT_EQ(ct_current->test, vmbus_server_gpadl_done(chan, handle, 0), 0);
}

static void ct_op_teardown(struct vmbus_server_channel *chan, void *context,
			   const struct vmbus_server_gpadl *gpadl)
{
	u32 handle = vmbus_server_gpadl_handle(gpadl);

	ct_log(ct_current, CT_TEARDOWN, context, handle);
	if (ct_auto(CT_TEARDOWN))
		KUNIT_EXPECT_EQ(ct_current->test,
				vmbus_server_gpadl_teardown_done(chan, handle), 0);
}

const struct vmbus_server_ops ct_server_ops = {
	.send = ct_send,
	.wake = ct_wake,
	.connect = ct_op_connect,
	.disconnect = ct_op_disconnect,
	.reset_done = ct_op_reset_done,
	.open = ct_op_open,
	.close = ct_op_close,
	.modify = ct_op_modify,
	.gpadl = ct_op_gpadl,
	.gpadl_teardown = ct_op_teardown,
};

static void ct_op_connected(void *ctx, int error)
{
	ct_log(ctx, CT_CONNECTED, NULL, error);
}

static void ct_op_offer(void *ctx, struct vmbus_client_channel *chan,
			const struct vmbus_offer *offer)
{
	struct ct_end *end = ctx;

	end->last_offer = chan;
	ct_log(end, CT_OFFER, NULL, vmbus_client_channel_id(chan));
	/* Numbered by its identity, as ct_make_offer() made it. */
	vmbus_client_channel_set_context(chan, (void *)(unsigned long)
					 (get_unaligned_le32(&offer->key.instance) << 8 |
					  offer->key.subchannel));
}

static void ct_op_delivered(void *ctx)
{
	ct_log(ctx, CT_DELIVERED, NULL, 0);
}

static void ct_op_rescind(struct vmbus_client_channel *chan, void *context)
{
	ct_log(ct_current, CT_RESCIND, context, 0);
	if (ct_auto(CT_RESCIND))
		KUNIT_EXPECT_EQ(ct_current->test, vmbus_client_release(chan), 0);
}

static void ct_op_opened(struct vmbus_client_channel *chan, void *context, int error)
{
	ct_log(ct_current, CT_OPENED, context, error);
}

static void ct_op_modified(struct vmbus_client_channel *chan, void *context, int error)
{
	ct_log(ct_current, CT_MODIFIED, context, error);
}

static void ct_op_created(struct vmbus_client_channel *chan, void *context, u32 handle,
			  int error)
{
	ct_log(ct_current, CT_CREATED, context, error ? (s64)error : (s64)handle);
}

static void ct_op_torndown(struct vmbus_client_channel *chan, void *context, u32 handle)
{
	ct_log(ct_current, CT_TORNDOWN, context, handle);
}

static void ct_op_unloaded(void *ctx)
{
	ct_log(ctx, CT_UNLOADED, NULL, 0);
}

const struct vmbus_client_ops ct_client_ops = {
	.send = ct_send,
	.wake = ct_wake,
	.connected = ct_op_connected,
	.offer = ct_op_offer,
	.offers_delivered = ct_op_delivered,
	.rescind = ct_op_rescind,
	.opened = ct_op_opened,
	.modified = ct_op_modified,
	.gpadl_created = ct_op_created,
	.gpadl_torndown = ct_op_torndown,
	.unloaded = ct_op_unloaded,
};

/* ---- ends ---- */

void ct_drop(struct ct_end *end)
{
	vmbus_server_free(end->srv);
	vmbus_client_free(end->cl);
	vfree(end->out);
	vfree(end->acts);
	vfree(end->tape);
	end->srv = NULL;
	end->cl = NULL;
	end->out = NULL;
	end->acts = NULL;
	end->tape = NULL;
}

static void ct_end_free(void *data)
{
	ct_drop(data);
}

static struct ct_end *ct_end(struct kunit *test)
{
	struct ct_end *end = kunit_kzalloc(test, sizeof(*end), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, end);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ct_end_free, end), 0);
	end->test = test;
	end->room = -1;
	end->out = vzalloc(array_size(CT_LOG, sizeof(*end->out)));
	end->acts = vzalloc(array_size(CT_LOG, sizeof(*end->acts)));
	KUNIT_ASSERT_NOT_NULL(test, end->out);
	KUNIT_ASSERT_NOT_NULL(test, end->acts);
	return end;
}

struct ct_end *ct_server(struct kunit *test, const struct vmbus_server_params *params)
{
	static const struct vmbus_server_params usual = { .nr_pages = CT_PAGES };
	struct ct_end *end = ct_end(test);

	end->srv = vmbus_server_alloc(&ct_server_ops, end, params ?: &usual);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, end->srv);
	return end;
}

struct ct_end *ct_client(struct kunit *test)
{
	static const struct vmbus_client_params usual = { .nr_pages = CT_PAGES };
	struct ct_end *end = ct_end(test);

	end->cl = vmbus_client_alloc(&ct_client_ops, end, &usual);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, end->cl);
	return end;
}

void ct_join(struct ct_end *a, struct ct_end *b)
{
	a->peer = b;
	b->peer = a;
}

void ct_record(struct ct_end *end)
{
	end->tape = vzalloc(array_size(CT_TAPE, sizeof(*end->tape)));
	KUNIT_ASSERT_NOT_NULL(end->test, end->tape);
}

bool ct_run_once(struct ct_end *end)
{
	static const struct ct_event event = { .op = CT_EV_RUN };
	bool did;

	ct_tape(end, &event);
	ct_current = end;
	did = end->srv ? vmbus_server_run(end->srv) : vmbus_client_run(end->cl);
	ct_check(end);
	return did;
}

void ct_run(struct ct_end *end)
{
	while (ct_run_once(end))
		;
}

void ct_run_pair(struct ct_end *a, struct ct_end *b)
{
	while (ct_run_once(a) | ct_run_once(b))
		;
}

/* ---- in and out ---- */

void ct_in_bytes(struct ct_end *end, const void *msg, size_t len)
{
	int ret = end->srv ? vmbus_server_receive(end->srv, msg, len) :
			     vmbus_client_receive(end->cl, msg, len);

	KUNIT_ASSERT_EQ(end->test, ret, 0);
	ct_run(end);
}

static size_t ct_words(u8 *buf, u32 type, u32 nr, va_list args)
{
	u32 i;

	put_unaligned_le32(type, buf);
	put_unaligned_le32(0, buf + 4);
	for (i = 0; i < nr; i++)
		put_unaligned_le32(va_arg(args, u32), buf + 8 + 4 * i);
	return 8 + 4 * nr;
}

void ct_in(struct ct_end *end, u32 type, u32 nr, ...)
{
	u8 buf[VMBUS_MSG_MAX];
	va_list args;
	size_t len;

	va_start(args, nr);
	len = ct_words(buf, type, nr, args);
	va_end(args);
	ct_in_bytes(end, buf, len);
}

const struct ct_msg *ct_next(struct ct_end *end)
{
	KUNIT_ASSERT_LT_MSG(end->test, end->seen_out, end->nr_out, "no message out");
	return &end->out[end->seen_out++];
}

u32 ct_word(const struct ct_msg *msg, u32 offset)
{
	return get_unaligned_le32(msg->data + offset);
}

void ct_out_at(struct ct_end *end, int line, u32 type, u32 nr, ...)
{
	const struct ct_msg *msg;
	u8 buf[VMBUS_MSG_MAX];
	va_list args;
	size_t len;

	KUNIT_ASSERT_LT_MSG(end->test, end->seen_out, end->nr_out,
			    "line %d: no message out, expected type %u", line, type);
	msg = ct_next(end);
	va_start(args, nr);
	len = ct_words(buf, type, nr, args);
	va_end(args);
	KUNIT_EXPECT_EQ_MSG(end->test, msg->len, len, "line %d: length, type %u for %u", line,
			    ct_word(msg, 0), type);
	KUNIT_ASSERT_MEMEQ_MSG(end->test, msg->data, buf, len, "line %d", line);
}

void ct_act_at(struct ct_end *end, int line, enum ct_act act, unsigned long who, s64 arg)
{
	const struct ct_action *a;

	KUNIT_ASSERT_LT_MSG(end->test, end->seen_acts, end->nr_acts,
			    "line %d: nothing happened, expected %d", line, act);
	a = &end->acts[end->seen_acts++];
	KUNIT_ASSERT_EQ_MSG(end->test, (int)a->act, (int)act, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(end->test, a->who, who, "line %d", line);
	KUNIT_EXPECT_EQ_MSG(end->test, a->arg, arg, "line %d", line);
}

void ct_quiet_at(struct ct_end *end, int line)
{
	if (end->seen_acts != end->nr_acts)
		KUNIT_FAIL(end->test, "line %d: action %d was not expected", line,
			   (int)end->acts[end->seen_acts].act);
	if (end->seen_out != end->nr_out)
		KUNIT_FAIL(end->test, "line %d: message of type %u was not expected", line,
			   ct_word(&end->out[end->seen_out], 0));
	end->seen_acts = end->nr_acts;
	end->seen_out = end->nr_out;
}

/* ---- shortcuts ---- */

struct vmbus_offer ct_make_offer(u32 n)
{
	struct vmbus_offer offer = {
		.flags = VMBUS_OFFER_ENUMERATE_DEVICE_INTERFACE,
		.mmio_megabytes = 8,
		.optional_mmio_megabytes = 16,
	};
	u32 i;

	offer.key = ct_key(n);
	for (i = 0; i < sizeof(offer.user_data); i++)
		offer.user_data[i] = n + i;
	return offer;
}

struct vmbus_channel_key ct_key(u32 n)
{
	struct vmbus_channel_key key = { .subchannel = n & 0xff };

	memset(&key.type, 0x11, sizeof(key.type));
	put_unaligned_le32(n >> 8, &key.instance);
	return key;
}

struct vmbus_server_channel *ct_offer(struct ct_end *end, u32 n)
{
	const struct vmbus_offer offer = ct_make_offer(n);
	struct vmbus_server_channel *chan = NULL;

	KUNIT_ASSERT_EQ(end->test,
			vmbus_server_offer(end->srv, &offer, 0, (void *)(unsigned long)n, &chan),
			0);
	ct_run(end);
	return chan;
}

void ct_contact(struct ct_end *end, u32 version)
{
	ct_in(end, 14, 8, version, 0, 2, 0, 0, 0, 0, 0);
}

void ct_connect(struct ct_end *end)
{
	u32 before = end->auto_answer;

	end->auto_answer |= BIT(CT_CONNECT);
	ct_contact(end, 0x50003);
	end->auto_answer = before;
	ct_act(end, CT_CONNECT, 0, 0);
	ct_out(end, 15, 2, 1, 1);
	ct_in(end, 3, 0);
	while (ct_word(ct_next(end), 0) == 1)
		;
	KUNIT_EXPECT_EQ(end->test, ct_word(&end->out[end->seen_out - 1], 0), 4);
	ct_quiet(end);
}

void ct_gpadl(struct ct_end *end, u32 channel, u32 handle, u32 first, u32 pages)
{
	u8 buf[VMBUS_MSG_MAX] = {};
	u32 i, len = 20;

	put_unaligned_le32(8, buf);
	put_unaligned_le32(channel, buf + 8);
	put_unaligned_le32(handle, buf + 12);
	put_unaligned_le16((1 + pages) * 8, buf + 16);
	put_unaligned_le16(1, buf + 18);
	put_unaligned_le64((u64)pages * 4096, buf + len);
	len += 8;
	for (i = 0; i < pages; i++) {
		if (len + 8 > VMBUS_MSG_MAX) {
			ct_in_bytes(end, buf, len);
			memset(buf, 0, sizeof(buf));
			put_unaligned_le32(9, buf);
			put_unaligned_le32(handle, buf + 12);
			len = 16;
		}
		put_unaligned_le64(first + i, buf + len);
		len += 8;
	}
	ct_in_bytes(end, buf, len);
}

void ct_in_gpadl(struct ct_end *end, u32 channel, u32 handle, u32 pages)
{
	u32 before = end->auto_answer;

	end->auto_answer |= BIT(CT_GPADL);
	ct_gpadl(end, channel, handle, 100, pages);
	end->auto_answer = before;
}

void ct_in_open(struct ct_end *end, u32 channel, u32 open_id, u32 gpadl, u32 vp, u32 downstream)
{
	u8 buf[148];
	u32 i;

	put_unaligned_le32(5, buf);
	put_unaligned_le32(0, buf + 4);
	put_unaligned_le32(channel, buf + 8);
	put_unaligned_le32(open_id, buf + 12);
	put_unaligned_le32(gpadl, buf + 16);
	put_unaligned_le32(vp, buf + 20);
	put_unaligned_le32(downstream, buf + 24);
	for (i = 28; i < sizeof(buf); i++)
		buf[i] = i;
	ct_in_bytes(end, buf, sizeof(buf));
}

void ct_open(struct ct_end *end, struct vmbus_server_channel *chan, u32 gpadl)
{
	unsigned long who = (unsigned long)vmbus_server_channel_context(chan);
	u32 id = vmbus_server_channel_id(chan);

	ct_in_gpadl(end, id, gpadl, 16);
	ct_act(end, CT_GPADL, who, gpadl);
	ct_out(end, 10, 3, id, gpadl, 0);
	ct_in_open(end, id, 77, gpadl, 1, 8);
	ct_act(end, CT_OPEN, who, gpadl);
	KUNIT_ASSERT_EQ(end->test, vmbus_server_open_result(chan, 0), 0);
	ct_run(end);
	ct_out(end, 6, 3, id, 77, 0);
	ct_quiet(end);
}

static const struct vmbus_control_stats *ct_stats(struct ct_end *end)
{
	return end->srv ? vmbus_server_stats(end->srv) : vmbus_client_stats(end->cl);
}

u64 ct_dropped(struct ct_end *end)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < VMBUS_DROP_NR; i++)
		sum += ct_stats(end)->dropped[i];
	return sum;
}

u64 ct_drops(struct ct_end *end, enum vmbus_drop why)
{
	return ct_stats(end)->dropped[why];
}

void ct_check(struct ct_end *end)
{
	int ret;

	ret = end->srv ? vmbus_server_check(end->srv) : vmbus_client_check(end->cl);
	KUNIT_ASSERT_EQ_MSG(end->test, ret, 0, "the machine contradicts itself");
}

/* ---- what happens to an end ---- */

static int ct_do_server(struct ct_end *end, const struct ct_event *e)
{
	const struct vmbus_channel_key key = ct_key(e->who);
	struct vmbus_server_channel *chan = vmbus_server_find(end->srv, &key);

	if (e->op == CT_EV_OFFER) {
		const struct vmbus_offer offer = ct_make_offer(e->who);

		return vmbus_server_offer(end->srv, &offer, e->arg,
					  (void *)(unsigned long)e->who, &chan);
	}
	/* A pointer is a device's only while it has a context. */
	if (!chan || !vmbus_server_channel_context(chan))
		return -ENOENT;
	switch (e->op) {
	case CT_EV_REVOKE:
		vmbus_server_revoke(chan);
		return 0;
	case CT_EV_PAUSE:
		vmbus_server_channel_pause(chan);
		return 0;
	case CT_EV_RESUME:
		vmbus_server_channel_resume(chan);
		return 0;
	case CT_EV_OPEN_RESULT:
		return vmbus_server_open_result(chan, -(int)e->arg2);
	case CT_EV_CLOSE_DONE:
		return vmbus_server_close_done(chan);
	case CT_EV_MODIFY_DONE:
		return vmbus_server_modify_done(chan, -(int)e->arg2);
	case CT_EV_GPADL_DONE:
		return vmbus_server_gpadl_done(chan, e->arg, -(int)e->arg2);
	case CT_EV_TEARDOWN_DONE:
		return vmbus_server_gpadl_teardown_done(chan, e->arg);
	default:
		return -EINVAL;
	}
}

static int ct_do_client(struct ct_end *end, const struct ct_event *e)
{
	const struct vmbus_channel_key key = ct_key(e->who);
	struct vmbus_client_channel *chan = vmbus_client_find(end->cl, &key);
	struct vmbus_gpadl_range range;
	u32 i, handle;
	u64 *pfns;
	int ret;

	switch (e->op) {
	case CT_EV_CONNECT:
		return vmbus_client_connect(end->cl);
	case CT_EV_REQUEST:
		return vmbus_client_request_offers(end->cl);
	case CT_EV_UNLOAD:
		return vmbus_client_unload(end->cl);
	}
	if (!chan)
		return -ENOENT;
	switch (e->op) {
	case CT_EV_OPEN:
		return vmbus_client_open(chan, &(struct vmbus_open_request) {
			.ring_gpadl = e->arg, .downstream_page = e->arg2, .target_vp = 1,
		});
	case CT_EV_CLOSE:
		return vmbus_client_close(chan);
	case CT_EV_MODIFY:
		return vmbus_client_modify(chan, e->arg);
	case CT_EV_CREATE:
		pfns = kcalloc(e->arg, sizeof(*pfns), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(end->test, pfns);
		for (i = 0; i < e->arg; i++)
			pfns[i] = e->arg2 + i;
		range = (struct vmbus_gpadl_range) {
			.byte_count = e->arg * 4096, .nr_pages = e->arg, .pfns = pfns,
		};
		ret = vmbus_client_gpadl_create(chan, &range, &handle);
		kfree(pfns);
		return ret ?: handle;
	case CT_EV_TEARDOWN:
		return vmbus_client_gpadl_teardown(chan, e->arg);
	case CT_EV_RELEASE:
		return vmbus_client_release(chan);
	default:
		return -EINVAL;
	}
}

int ct_do(struct ct_end *end, const struct ct_event *event)
{
	if (event->op == CT_EV_RUN)
		return ct_run_once(end);
	ct_tape(end, event);
	if (event->op == CT_EV_RECEIVE)
		return end->srv ? vmbus_server_receive(end->srv, event->msg, event->len) :
				  vmbus_client_receive(end->cl, event->msg, event->len);
	return end->srv ? ct_do_server(end, event) : ct_do_client(end, event);
}

/* ---- save and restore ---- */

void *ct_save(struct ct_end *end, size_t *len)
{
	ssize_t need;
	void *buf;

	if (end->srv) {
		vmbus_server_stop(end->srv);
		need = vmbus_server_save(end->srv, NULL, 0);
	} else {
		vmbus_client_stop(end->cl);
		need = vmbus_client_save(end->cl, NULL, 0);
	}
	KUNIT_ASSERT_GT(end->test, need, 0);
	buf = kunit_kmalloc(end->test, need + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(end->test, buf);
	memset(buf, 0x5a, need + 8);
	*len = end->srv ? vmbus_server_save(end->srv, buf, need) :
			  vmbus_client_save(end->cl, buf, need);
	KUNIT_ASSERT_EQ(end->test, *len, need);
	KUNIT_EXPECT_EQ(end->test, *(u8 *)(buf + need), 0x5a);
	return buf;
}

struct ct_end *ct_restore_server(struct kunit *test, const void *buf, size_t len)
{
	struct ct_end *end = ct_server(test, NULL);

	KUNIT_ASSERT_EQ(test, vmbus_server_restore(end->srv, buf, len), 0);
	return end;
}

struct ct_end *ct_restore_client(struct kunit *test, const void *buf, size_t len)
{
	struct ct_end *end = ct_client(test);

	KUNIT_ASSERT_EQ(test, vmbus_client_restore(end->cl, buf, len), 0);
	return end;
}

struct ct_end *ct_again(struct ct_end *end)
{
	size_t len, len2;
	void *one = ct_save(end, &len), *two;
	struct ct_end *new;

	new = end->srv ? ct_restore_server(end->test, one, len) :
			 ct_restore_client(end->test, one, len);
	ct_check(new);
	new->auto_answer = end->auto_answer;
	two = ct_save(new, &len2);
	KUNIT_EXPECT_EQ(end->test, len, len2);
	if (len == len2)
		KUNIT_EXPECT_MEMEQ(end->test, one, two, len);
	KUNIT_EXPECT_EQ(end->test, new->nr_out + new->nr_acts, 0);
	return new;
}
