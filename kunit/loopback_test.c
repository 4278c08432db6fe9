// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: what its tests share.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "loopback_test.h"

static const guid_t lt_type = GUID_INIT(0x6d2b3f10, 0x11c4, 0x4d5a, 0x90, 0x3f, 0x01, 0x02,
					0x03, 0x04, 0x05, 0x06);
static const guid_t lt_instance = GUID_INIT(0x0e1c6b24, 0x7a55, 0x47d9, 0x8e, 0x21, 0x0a, 0x0b,
					    0x0c, 0x0d, 0x0e, 0x00);

int lt_init(struct kunit *test)
{
	struct lt *lt = kunit_kzalloc(test, sizeof(*lt), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, lt);
	test->priv = lt;
	lt->test = test;
	lt->bus = kmcl_bus_get("loopback");
	KUNIT_ASSERT_FALSE(test, IS_ERR(lt->bus));
	lt->ops = lt->bus->ops;
	lt->lb = kmcl_bus_priv(lt->bus);
	lt->used = kmcl_arena_used(lt->lb->arena);
	for (i = 0; i < LT_LINKS; i++) {
		struct lt_link *link = &lt->link[i];
		struct kmcl_link_params params = {
			.type = lt_type,
			.instance = lt_instance,
			.ring_in_pages = 1 + i,
			.ring_out_pages = 2,
			.max_wire_size = 4096,
			.cpu = -1,
		};

		params.instance.b[15] = i;
		link->client_params = params;
		params.server = true;
		link->server_params = params;
		KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, true, &link->server_channel), 0);
		KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, false, &link->client_channel), 0);
		/* What is told to a channel may look at that. */
		link->server_channel->ops = lt->ops;
		link->client_channel->ops = lt->ops;
	}
	return 0;
}

/* Ends what is left, and leaves nothing behind. */
void lt_exit(struct kunit *test)
{
	struct lt *lt = test->priv;
	u32 i;

	for (i = 0; i < LT_LINKS; i++) {
		lt_end_client(lt, &lt->link[i]);
		lt_end_server(lt, &lt->link[i]);
	}
	mutex_lock(&lt->lb->lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&lt->lb->orphans));
	KUNIT_EXPECT_TRUE(test, list_empty(&lt->lb->ends));
	mutex_unlock(&lt->lb->lock);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	for (i = 0; i < LT_LINKS; i++) {
		vmb_channel_cleanup(lt->link[i].server_channel);
		vmb_channel_cleanup(lt->link[i].client_channel);
	}
	kmcl_bus_put(lt->bus);
}

enum vmb_link_state lt_attach(struct lt *lt, struct vmb_channel *channel,
			      const struct kmcl_link_params *params, void **end)
{
	enum vmb_link_state state = 77;

	KUNIT_ASSERT_NULL(lt->test, *end);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->attach(lt->bus, channel, params, end, &state), 0);
	KUNIT_ASSERT_NOT_NULL(lt->test, *end);
	return state;
}

void lt_attach_server(struct lt *lt, struct lt_link *link)
{
	KUNIT_EXPECT_EQ(lt->test, lt_attach(lt, link->server_channel, &link->server_params,
					    &link->server), VMB_LINK_NEW);
}

void lt_attach_client(struct lt *lt, struct lt_link *link)
{
	KUNIT_EXPECT_EQ(lt->test, lt_attach(lt, link->client_channel, &link->client_params,
					    &link->client), VMB_LINK_NEW);
}

void lt_open(struct lt *lt, struct lt_link *link)
{
	if (!link->server)
		lt_attach_server(lt, link);
	if (!link->client)
		lt_attach_client(lt, link);
	KUNIT_ASSERT_EQ(lt->test, lt_wait_open(lt, link->server_channel), 0);
	lt->ops->open_done(link->server, 0);
	KUNIT_ASSERT_EQ(lt->test, lt_wait_open(lt, link->client_channel), 0);
	lt->ops->open_done(link->client, 0);
}

static void lt_forget(struct vmb_channel *channel)
{
	unsigned long flags;

	spin_lock_irqsave(&channel->lock, flags);
	channel->link_up = false;
	channel->link_down = false;
	channel->open_status = 0;
	spin_unlock_irqrestore(&channel->lock, flags);
}

static void lt_finish(struct lt *lt, struct vmb_channel *channel, void **end)
{
	if (!*end)
		return;
	lt->ops->close(*end);
	lt->ops->closed(*end);
	lt->ops->detach(*end);
	*end = NULL;
	flush_work(&channel->life_work);
	lt_forget(channel);
}

void lt_end_server(struct lt *lt, struct lt_link *link)
{
	lt_finish(lt, link->server_channel, &link->server);
}

void lt_end_client(struct lt *lt, struct lt_link *link)
{
	lt_finish(lt, link->client_channel, &link->client);
}

static bool lt_told_open(struct vmb_channel *channel)
{
	return READ_ONCE(channel->link_up) || READ_ONCE(channel->open_status);
}

int lt_wait_open(struct lt *lt, struct vmb_channel *channel)
{
	unsigned long flags;
	int status;

	KUNIT_ASSERT_NE(lt->test, wait_event_timeout(channel->life_wait, lt_told_open(channel),
						     LT_TIMEOUT), 0);
	spin_lock_irqsave(&channel->lock, flags);
	status = channel->open_status;
	channel->open_status = 0;
	channel->link_up = false;
	spin_unlock_irqrestore(&channel->lock, flags);
	return status;
}

void lt_wait_close(struct lt *lt, struct vmb_channel *channel, enum vmb_stop_reason reason)
{
	void *end = NULL;
	u32 i;

	KUNIT_ASSERT_NE(lt->test, wait_event_timeout(channel->life_wait,
						     READ_ONCE(channel->link_down), LT_TIMEOUT), 0);
	for (i = 0; i < LT_LINKS; i++) {
		if (channel == lt->link[i].server_channel)
			end = lt->link[i].server;
		if (channel == lt->link[i].client_channel)
			end = lt->link[i].client;
	}
	KUNIT_ASSERT_NOT_NULL(lt->test, end);
	KUNIT_EXPECT_EQ(lt->test, lt_end(end)->close_reason, reason);
	lt_forget(channel);
}

void lt_settle(struct lt *lt)
{
	flush_work(&lt->lb->work);
}

void lt_expect_told_nothing(struct lt *lt, struct vmb_channel *channel)
{
	lt_settle(lt);
	KUNIT_EXPECT_FALSE(lt->test, lt_told_open(channel));
	KUNIT_EXPECT_FALSE(lt->test, READ_ONCE(channel->link_down));
}

void lt_send(struct lt *lt, void *end, u64 id, const void *payload, u32 len)
{
	const struct kmcl_tx tx = {
		.type = VMBUS_RING_INBAND,
		.flags = VMBUS_RING_FLAG_COMPLETION_REQUESTED,
		.id = id,
		.payload = payload,
		.payload_len = len,
	};

	KUNIT_ASSERT_EQ(lt->test, lt->ops->tx_write(end, &tx), 0);
	lt->ops->tx_commit(end);
}

void lt_expect(struct lt *lt, void *end, u64 id, const void *payload, u32 len)
{
	struct kunit *test = lt->test;
	struct kmcl_rx rx;
	u8 *copy;

	KUNIT_ASSERT_EQ(test, lt->ops->rx_peek(end, &rx), 0);
	KUNIT_EXPECT_EQ(test, rx.type, VMBUS_RING_INBAND);
	KUNIT_EXPECT_EQ(test, rx.flags, VMBUS_RING_FLAG_COMPLETION_REQUESTED);
	KUNIT_EXPECT_EQ(test, rx.id, id);
	KUNIT_EXPECT_EQ(test, rx.header_len, 0);
	KUNIT_ASSERT_EQ(test, rx.payload_len, ALIGN(len, 8));
	copy = kunit_kzalloc(test, rx.payload_len + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	lt->ops->rx_copy(end, &rx, NULL, copy);
	KUNIT_EXPECT_EQ(test, memcmp(copy, payload, len), 0);
	lt->ops->rx_advance(end, &rx);
	lt->ops->rx_commit(end);
	kunit_kfree(test, copy);
}

struct vmb_mdl *lt_mdl(struct kunit *test, void *data, u32 len)
{
	struct vmb_mdl *mdl = kunit_kzalloc(test, sizeof(*mdl), GFP_KERNEL);
	struct bio_vec *bvec;
	u32 nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	bvec = kunit_kcalloc(test, len / PAGE_SIZE + 2, sizeof(*bvec), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bvec);
	mdl->bvec = bvec;
	mdl->length = len;
	while (len) {
		u32 now = min_t(u32, len, PAGE_SIZE - offset_in_page(data));

		bvec[nr].bv_page = virt_to_page(data);
		bvec[nr].bv_offset = offset_in_page(data);
		bvec[nr++].bv_len = now;
		data += now;
		len -= now;
	}
	mdl->nr_bvecs = nr;
	return mdl;
}

static void lt_record_free(void *data)
{
	vfree(data);
}

/* Freeze, save in odd pieces, thaw. */
struct lt_record lt_record_take(struct lt *lt)
{
	struct kunit *test = lt->test;
	struct lt_record rec;
	u64 bytes, at;
	u32 step = 1;

	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), -EBUSY);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_save_begin(lt->bus, &at), -EBUSY);
	rec.len = bytes;
	rec.data = vmalloc(bytes);
	KUNIT_ASSERT_NOT_NULL(test, rec.data);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lt_record_free, rec.data), 0);
	for (at = 0; at < bytes; at += step, step = step * 3 % 7919) {
		step = min_t(u64, step, bytes - at);
		KUNIT_ASSERT_EQ(test, lt->ops->bus_save_read(lt->bus, at, rec.data + at, step), 0);
	}
	KUNIT_EXPECT_EQ(test, lt->ops->bus_save_read(lt->bus, bytes, rec.data, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_save_read(lt->bus, 1, rec.data, bytes), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_save_read(lt->bus, U64_MAX, rec.data, 2), -EINVAL);
	lt->ops->bus_save_end(lt->bus);
	lt->ops->bus_thaw(lt->bus);
	return rec;
}

int lt_record_put(struct lt *lt, const u8 *data, u32 announced, u32 len)
{
	u32 at, step = 7;
	int ret;

	ret = lt->ops->bus_restore_begin(lt->bus, lt->ops->save_version, announced);
	if (ret)
		return ret;
	for (at = 0; at < len && !ret; at += step, step = step * 5 % 70001) {
		step = min(step, len - at);
		ret = lt->ops->bus_restore_write(lt->bus, data + at, step);
	}
	if (ret) {
		lt->ops->bus_restore_end(lt->bus, false);
		return ret;
	}
	return lt->ops->bus_restore_end(lt->bus, true);
}

int lt_record_restore(struct lt *lt, const struct lt_record *rec)
{
	return lt_record_put(lt, rec->data, rec->len, rec->len);
}
