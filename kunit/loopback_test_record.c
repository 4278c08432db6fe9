// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: links that are parked and adopted, and saving and restoring
 * the bus.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "loopback_test.h"
#include "transport/loopback_record.h"

static void park(struct lt *lt, struct lt_link *link)
{
	if (link->server)
		lt->ops->park(link->server);
	if (link->client)
		lt->ops->park(link->client);
	link->server = NULL;
	link->client = NULL;
}

static enum vmb_link_state adopt_server(struct lt *lt, struct lt_link *link)
{
	link->server_params.adopt = true;
	return lt_attach(lt, link->server_channel, &link->server_params, &link->server);
}

static enum vmb_link_state adopt_client(struct lt *lt, struct lt_link *link)
{
	link->client_params.adopt = true;
	/* Restored, one that took any knows which it had. */
	link->client_params.instance = link->server_params.instance;
	return lt_attach(lt, link->client_channel, &link->client_params, &link->client);
}

static void adopt(struct lt *lt, struct lt_link *link)
{
	KUNIT_ASSERT_EQ(lt->test, adopt_server(lt, link), VMB_LINK_KEPT);
	KUNIT_ASSERT_EQ(lt->test, adopt_client(lt, link), VMB_LINK_KEPT);
	lt->ops->open_done(link->server, 0);
	lt->ops->open_done(link->client, 0);
}

/* ---- in one kernel ---- */

static void park_and_adopt(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt_send(lt, link->client, 1, "one", 3);
	lt->ops->park(link->server);
	link->server = NULL;
	/* The other end goes on; who asks for the identity anew is not let in. */
	lt_send(lt, link->client, 2, "two", 3);
	KUNIT_ASSERT_EQ(test, adopt_server(lt, link), VMB_LINK_KEPT);
	lt_expect(lt, link->server, 1, "one", 3);
	lt->ops->park(link->client);
	link->client = NULL;
	lt_expect(lt, link->server, 2, "two", 3);
	lt_send(lt, link->server, 3, "three", 5);
	KUNIT_ASSERT_EQ(test, adopt_client(lt, link), VMB_LINK_KEPT);
	lt_expect(lt, link->client, 3, "three", 5);
	lt_expect_told_nothing(lt, link->server_channel);
	lt_expect_told_nothing(lt, link->client_channel);
	/* Still one channel as any other */
	lt_end_client(lt, link);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
}

static void park_signals(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u32 i;

	lt_open(lt, link);
	for (i = 0; i < 10; i++) {
		lt->ops->rx_unmask(link->server);
		lt->ops->park(link->server);
		link->server = NULL;
		lt_send(lt, link->client, i, "x", 1);
		KUNIT_EXPECT_EQ(test, lt_end(link->client)->tx.stats.signals, i + 1);
		KUNIT_ASSERT_EQ(test, adopt_server(lt, link), VMB_LINK_KEPT);
		KUNIT_EXPECT_TRUE(test, lt->ops->rx_unmask(link->server));
		lt_expect(lt, link->server, i, "x", 1);
	}
}

static void adopt_nothing(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	KUNIT_EXPECT_EQ(test, adopt_server(lt, link), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, adopt_client(lt, link), VMB_LINK_RESET);
	lt_open(lt, link);
}

/* The peer ends the link while nobody is there. */
static void adopt_broken(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt->ops->park(link->server);
	link->server = NULL;
	lt_end_client(lt, link);
	KUNIT_EXPECT_EQ(test, adopt_server(lt, link), VMB_LINK_RESET);
	link->server_params.adopt = false;
	lt_open(lt, link);

	lt->ops->park(link->client);
	link->client = NULL;
	lt_end_server(lt, link);
	KUNIT_EXPECT_EQ(test, adopt_client(lt, link), VMB_LINK_RESET);
	link->client_params.adopt = false;
	lt_open(lt, link);
}

/* One that does not want the old link; the peer is told. */
static void park_and_replace(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt->ops->park(link->server);
	link->server = NULL;
	lt_attach_server(lt, link);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
	lt_end_client(lt, link);
	lt_open(lt, link);
	lt->ops->park(link->client);
	link->client = NULL;
	lt_attach_client(lt, link);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	lt_open(lt, link);
}

static void adopt_corrupt(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	WRITE_ONCE(lt_end(link->client)->tx.ctl->in, cpu_to_le32(13));
	lt->ops->park(link->server);
	link->server = NULL;
	KUNIT_EXPECT_EQ(test, adopt_server(lt, link), VMB_LINK_RESET);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
}

/* Opened fails on a link that was kept: it is reset. */
static void adopt_refused(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt->ops->park(link->server);
	link->server = NULL;
	KUNIT_ASSERT_EQ(test, adopt_server(lt, link), VMB_LINK_KEPT);
	lt->ops->open_done(link->server, -ENOMEM);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
	lt_end_client(lt, link);
	lt_open(lt, link);
}

/* Nobody comes back: the links end, and what packets had reserved is free. */
static void park_and_drop(struct kunit *test)
{
	struct lt *lt = test->priv;
	u64 token, bytes, header[3];
	u32 len = sizeof(header);
	u8 *data = kunit_kzalloc(test, 100, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	lt_open(lt, &lt->link[0]);
	lt_open(lt, &lt->link[1]);
	lt_open(lt, &lt->link[2]);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_drop(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 100, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, lt_mdl(test, data, 100), 0,
					       100, header, &len), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	lt->ops->bus_save_end(lt->bus);
	park(lt, &lt->link[0]);
	lt->ops->park(lt->link[1].server);
	lt->link[1].server = NULL;
	lt->ops->bus_thaw(lt->bus);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_drop(lt->bus), 3);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, token, 100), -EINVAL);
	lt_wait_close(lt, lt->link[1].client_channel, VMB_STOP_RESCINDED);
	lt_expect_told_nothing(lt, lt->link[2].server_channel);
	KUNIT_EXPECT_EQ(test, adopt_server(lt, &lt->link[0]), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, adopt_client(lt, &lt->link[0]), VMB_LINK_RESET);
	lt_open(lt, &lt->link[0]);
}

/* External data of a packet under way, as @header describes it */
static u64 lend(struct lt *lt, u8 *data, u64 *header)
{
	u32 len = 24;
	u64 token;

	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_reserve(lt->bus, 100, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_map(lt->bus, token, lt_mdl(lt->test, data, 100), 0,
						   100, header, &len), 0);
	return token;
}

static void save_and_thaw(struct lt *lt)
{
	u64 bytes;

	KUNIT_ASSERT_EQ(lt->test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	lt->ops->bus_save_end(lt->bus);
	lt->ops->bus_thaw(lt->bus);
}

/*
 * A save without a commit, while a link waits that was parked before: the packets
 * of the others keep their memory, and only what the parked one left is dropped.
 */
static void drop_after_an_undone_save(struct kunit *test)
{
	struct lt *lt = test->priv;
	u8 *data = kunit_kzalloc(test, 100, GFP_KERNEL);
	u64 left, left_header[3], live, live_header[3], bytes;
	struct bio_vec bvec;
	u32 nr = 1;

	KUNIT_ASSERT_NOT_NULL(test, data);
	lt_open(lt, &lt->link[0]);
	lt_open(lt, &lt->link[1]);
	left = lend(lt, data, left_header);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	lt->ops->bus_save_end(lt->bus);
	park(lt, &lt->link[0]);
	lt->ops->bus_thaw(lt->bus);

	live = lend(lt, data, live_header);
	save_and_thaw(lt);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_drop(lt->bus), 2);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, left, 100), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, live, 100), -EINVAL);
	KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(lt->link[1].server, live_header, 24, 0, &bvec, &nr),
			0);
	memset(page_address(bvec.bv_page), 0x77, 100);
	lt->ops->gpa_put(lt->link[1].server, &bvec, nr);
	lt->ops->ext_unmap(lt->bus, live, lt_mdl(test, data, 100), 0, 100);
	KUNIT_EXPECT_NULL(test, memchr_inv(data, 0x77, 100));
	lt->ops->ext_release(lt->bus, live);
}

/* What was saved and nobody claimed yet waits on, over saves that are undone. */
static void unclaimed_after_an_undone_save(struct kunit *test)
{
	struct lt *lt = test->priv;
	u8 *data = kunit_kzalloc(test, 100, GFP_KERNEL);
	u64 left, header[3], bytes;

	KUNIT_ASSERT_NOT_NULL(test, data);
	lt_open(lt, &lt->link[0]);
	left = lend(lt, data, header);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	lt->ops->bus_save_end(lt->bus);
	park(lt, &lt->link[0]);
	lt->ops->bus_thaw(lt->bus);
	adopt(lt, &lt->link[0]);
	save_and_thaw(lt);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, left, 100), 0);
	lt->ops->ext_unmap(lt->bus, left, NULL, 0, 100);
	lt->ops->ext_release(lt->bus, left);
}

static void park_with_gpadls(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = kunit_kzalloc(test, 5000, GFP_KERNEL);
	struct vmb_mdl *mdl;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, data);
	lt_open(lt, link);
	KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client, lt_mdl(test, data, 5000), 0, 5000,
						    0, &handle), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), 0);
	strscpy(page_address(mdl->bvec[0].bv_page), "kept", 5);
	park(lt, link);
	adopt(lt, link);
	/* Handle and content stay, mapping and the consumer's memory do not. */
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle), -ENOENT);
	KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), 0);
	KUNIT_EXPECT_STREQ(test, page_address(mdl->bvec[0].bv_page), "kept");
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client, handle), 0);
	KUNIT_EXPECT_EQ(test, data[0], 0);
}

/* ---- the record ---- */

static void record_empty(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_record rec = lt_record_take(lt), again;

	KUNIT_EXPECT_EQ(test, rec.len, KMCL_ARENA_PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
	again = lt_record_take(lt);
	KUNIT_ASSERT_EQ(test, again.len, rec.len);
	KUNIT_EXPECT_EQ(test, memcmp(again.data, rec.data, rec.len), 0);
	lt_open(lt, &lt->link[0]);
}

/* Three links with packets under way both ways, shared memory, external data */
static void record_roundtrip(struct kunit *test)
{
	struct lt *lt = test->priv;
	u32 i, round, handle[3], nr, len;
	u64 token[3], header[3][4], stray;
	u8 *data = kunit_kmalloc(test, 8192, GFP_KERNEL);
	struct kmcl_arena_run *hole;
	struct lt_record rec, again;
	struct bio_vec bvec[2];
	struct vmb_mdl *mdl;

	KUNIT_ASSERT_NOT_NULL(test, data);
	get_random_bytes(data, 8192);
	lt->link[1].client_params.instance = guid_null;
	for (i = 0; i < 3; i++) {
		struct lt_link *link = &lt->link[i];

		/* So that not all is where it would come to lie by itself */
		hole = kmcl_arena_alloc(lt->lb->arena, KMCL_ARENA_RING, 1 + i, false, GFP_KERNEL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(hole));
		lt_open(lt, link);
		kmcl_arena_release(lt->lb->arena, hole);
		KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client, lt_mdl(test, data, 8192),
							    i, 6000, i == 2 ?
							    VMB_GPADL_FLAG_READ_ONLY : 0,
							    &handle[i]), 0);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 8192, GFP_KERNEL, &token[i]),
				0);
		len = sizeof(header[i]);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token[i], lt_mdl(test, data, 8192),
						       i, 8000, header[i], &len), 0);
		lt_send(lt, link->client, 100 + i, data, 1000 + i);
		lt_send(lt, link->client, 200 + i, data + 1, 1000 + i);
		lt_send(lt, link->server, 300 + i, data + 2, 10 + i);
	}
	/* Reserved, not described to anybody: no part of the record */
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 1, GFP_KERNEL, &stray), 0);
	rec = lt_record_take(lt);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, token[0], 8192), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, 1, rec.len), -EBUSY);
	for (i = 0; i < 3; i++) {
		park(lt, &lt->link[i]);
		lt->ops->ext_release(lt->bus, token[i]);
	}

	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
		again = lt_record_take(lt);
		KUNIT_ASSERT_EQ(test, again.len, rec.len);
		KUNIT_EXPECT_EQ(test, memcmp(again.data, rec.data, rec.len), 0);
	}
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, stray, 1), -EINVAL);
	for (i = 0; i < 3; i++) {
		struct lt_link *link = &lt->link[i];

		KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, token[i], 8192), 0);
		KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, token[i], 8192), -EINVAL);
		adopt(lt, link);
		lt_expect(lt, link->server, 100 + i, data, 1000 + i);
		lt_expect(lt, link->server, 200 + i, data + 1, 1000 + i);
		lt_expect(lt, link->client, 300 + i, data + 2, 10 + i);
		lt_send(lt, link->server, 400 + i, data, 2000);
		lt_expect(lt, link->client, 400 + i, data, 2000);
		nr = 2;
		KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header[i], 32, 0, bvec, &nr),
				0);
		KUNIT_EXPECT_EQ(test, memcmp(page_address(bvec[1].bv_page), data + i + 4096,
					     8000 - 4096), 0);
		lt->ops->gpa_put(link->server, bvec, nr);
		lt->ops->ext_unmap(lt->bus, token[i], NULL, 0, 8000);
		lt->ops->ext_release(lt->bus, token[i]);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server, handle[i], 0, &mdl),
				i == 2 ? -EACCES : 0);
		if (i == 2)
			KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle[i],
								 VMB_GPADL_FLAG_READ_ONLY, &mdl),
					0);
		KUNIT_EXPECT_EQ(test, mdl->length, 6000);
		KUNIT_EXPECT_EQ(test, memcmp(page_address(mdl->bvec[0].bv_page), data + i, 4096),
				0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle[i]), 0);
		if (i)
			KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client, handle[i]), 0);
	}
	lt->ops->ext_release(lt->bus, stray);
	/* As any other link: closed, opened, rescinded */
	lt_end_client(lt, &lt->link[0]);
	lt_wait_close(lt, lt->link[0].server_channel, VMB_STOP_PEER_CLOSED);
	lt->ops->close(lt->link[0].server);
	lt->ops->closed(lt->link[0].server);
	lt->link[0].client_params.adopt = false;
	lt_open(lt, &lt->link[0]);
	lt_end_server(lt, &lt->link[1]);
	lt_wait_close(lt, lt->link[1].client_channel, VMB_STOP_RESCINDED);
}

/* One that takes any instance leaves alone what waits for others of its type. */
static void record_any_instance(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct kmcl_link_params fresh;
	struct lt_record rec;
	void *end = NULL;

	lt->link[0].client_params.instance = guid_null;
	lt_open(lt, &lt->link[0]);
	rec = lt_record_take(lt);
	park(lt, &lt->link[0]);
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
	fresh = lt->link[1].client_params;
	fresh.instance = guid_null;
	KUNIT_EXPECT_EQ(test, lt_attach(lt, lt->link[1].client_channel, &fresh, &end),
			VMB_LINK_NEW);
	adopt(lt, &lt->link[0]);
	lt_send(lt, lt->link[0].client, 1, "kept", 4);
	lt_expect(lt, lt->link[0].server, 1, "kept", 4);
	lt->link[1].client = end;
}

static const struct kmcl_tx small_packet = {
	.type = VMBUS_RING_INBAND,
	.flags = VMBUS_RING_FLAG_COMPLETION_REQUESTED,
	.payload = "abc",
	.payload_len = 4,
};

/* Fill a ring, and ask for room. Returns how many packets that took. */
static u32 fill(struct lt *lt, void *end)
{
	u32 nr = 0;

	while (!lt->ops->tx_write(end, &small_packet))
		nr++;
	lt->ops->tx_commit(end);
	KUNIT_EXPECT_FALSE(lt->test, lt->ops->tx_want(end, 32));
	return nr;
}

/* All of it is still there, and its writer, who asks again, is told of the room. */
static void drain(struct lt *lt, void *reader, void *writer, u32 nr)
{
	u32 i;

	KUNIT_EXPECT_EQ(lt->test, lt->ops->tx_write(writer, &small_packet), -EAGAIN);
	KUNIT_EXPECT_FALSE(lt->test, lt->ops->tx_want(writer, 32));
	KUNIT_EXPECT_EQ(lt->test, lt->ops->rx_unread(reader), nr);
	/* No signal comes for what is there. */
	KUNIT_EXPECT_TRUE(lt->test, lt->ops->rx_unmask(reader));
	lt->ops->rx_mask(reader);
	for (i = 0; i < nr; i++)
		lt_expect(lt, reader, 0, "abc", 4);
	KUNIT_EXPECT_EQ(lt->test, lt_end(reader)->rx.stats.signals, 1);
	KUNIT_EXPECT_EQ(lt->test, lt->ops->tx_write(writer, &small_packet), 0);
	lt->ops->tx_commit(writer);
	lt_expect(lt, reader, 0, "abc", 4);
}

/*
 * Both rings full, both writers waiting for room, signals masked or not; of a
 * channel and of its sub-channel.
 */
static void record_full_rings(struct kunit *test)
{
	struct lt *lt = test->priv;
	u32 i, to_server[2], to_client[2];
	struct lt_record rec;

	lt->link[1].server_params.instance = lt->link[0].server_params.instance;
	lt->link[1].client_params.instance = lt->link[0].server_params.instance;
	lt->link[1].server_params.subchannel = 1;
	lt->link[1].client_params.subchannel = 1;
	for (i = 0; i < 2; i++) {
		struct lt_link *link = &lt->link[i];

		lt_open(lt, link);
		if (i) {
			lt->ops->rx_unmask(link->server);
			lt->ops->rx_unmask(link->client);
		}
		to_server[i] = fill(lt, link->client);
		to_client[i] = fill(lt, link->server);
	}
	rec = lt_record_take(lt);
	park(lt, &lt->link[1]);
	park(lt, &lt->link[0]);
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
	for (i = 0; i < 2; i++) {
		struct lt_link *link = &lt->link[i];

		adopt(lt, link);
		drain(lt, link->server, link->client, to_server[i]);
		drain(lt, link->client, link->server, to_client[i]);
	}
}

/* What was reserved before the restore, in the way of what is restored */
static void record_moves_reservations(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = kunit_kmalloc(test, 4096, GFP_KERNEL);
	u64 token[3], header[3];
	struct lt_record empty = lt_record_take(lt), rec;
	u32 i, len, nr;
	struct bio_vec bvec;

	KUNIT_ASSERT_NOT_NULL(test, data);
	get_random_bytes(data, 4096);
	lt_open(lt, link);
	lt_send(lt, link->client, 1, data, 2000);
	rec = lt_record_take(lt);
	park(lt, link);
	/* Free the gfns, as a fresh kernel has them. */
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &empty), 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token[i]),
				0);
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
	adopt(lt, link);
	lt_expect(lt, link->server, 1, data, 2000);
	for (i = 0; i < 3; i++) {
		len = sizeof(header);
		nr = 1;
		KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token[i], lt_mdl(test, data, 4096),
						       0, 4096, header, &len), 0);
		KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, len, 0, &bvec, &nr),
				0);
		KUNIT_EXPECT_EQ(test, memcmp(page_address(bvec.bv_page), data, 4096), 0);
		lt->ops->gpa_put(link->server, &bvec, nr);
		lt->ops->ext_release(lt->bus, token[i]);
	}
}

/* Are the record's pages those of its runs, and all of them there? */
static bool record_adds_up(struct lt *lt)
{
	struct kmcl_lb_rec_header header;
	struct kmcl_lb_rec_run run;
	u64 at = sizeof(header);
	u32 i, pages = 0;

	if (lt->ops->bus_save_read(lt->bus, 0, &header, sizeof(header)) || header.nr_links)
		return false;
	for (i = 0; i < le32_to_cpu(header.nr_runs); i++, at += sizeof(run)) {
		if (lt->ops->bus_save_read(lt->bus, at, &run, sizeof(run)) || !run.count)
			return false;
		pages += le32_to_cpu(run.count);
	}
	return pages == le32_to_cpu(header.nr_pages);
}

#define SENDER_TOKENS	64

struct sender {
	struct lt *lt;
	struct vmb_mdl *mdl;
	u64 token[SENDER_TOKENS];
};

/* As a consumer that goes on sending on a channel that takes nothing any more. */
static int sender(void *data)
{
	struct sender *s = data;
	u64 header[3];
	u32 i, len;

	while (!kthread_should_stop()) {
		for (i = 0; i < SENDER_TOKENS; i++) {
			len = sizeof(header);
			s->lt->ops->ext_map(s->lt->bus, s->token[i], s->mdl, 0, 100, header, &len);
			s->lt->ops->ext_unmap(s->lt->bus, s->token[i], NULL, 0, 100);
		}
		cond_resched();
	}
	return 0;
}

static void record_while_sending(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct sender *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	u8 *data = kunit_kzalloc(test, 100, GFP_KERNEL);
	struct task_struct *task;
	bool good = true;
	u64 bytes;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_NOT_NULL(test, data);
	s->lt = lt;
	s->mdl = lt_mdl(test, data, 100);
	for (i = 0; i < SENDER_TOKENS; i++)
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 100, GFP_KERNEL, &s->token[i]),
				0);
	task = kthread_run(sender, s, "sender");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 300 && good; i++) {
		good = !lt->ops->bus_freeze(lt->bus) &&
		       !lt->ops->bus_save_begin(lt->bus, &bytes) && record_adds_up(lt);
		lt->ops->bus_save_end(lt->bus);
		lt->ops->bus_thaw(lt->bus);
	}
	kthread_stop(task);
	KUNIT_EXPECT_TRUE_MSG(test, good, "save %u", i);
	for (i = 0; i < SENDER_TOKENS; i++)
		lt->ops->ext_release(lt->bus, s->token[i]);
}

/* What is no part of the record is not kept for its sake. */
static void record_keeps_its_own_alone(struct kunit *test)
{
	struct lt *lt = test->priv;
	u8 *data = kunit_kzalloc(test, 100, GFP_KERNEL);
	u64 idle, lent, header[3], bytes;
	u32 used;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 100, GFP_KERNEL, &idle), 0);
	lent = lend(lt, data, header);
	used = kmcl_arena_used(lt->lb->arena);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	lt->ops->ext_release(lt->bus, idle);
	lt->ops->ext_release(lt->bus, lent);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), used - 1);
	lt->ops->bus_save_end(lt->bus);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), used - 2);
	lt->ops->bus_thaw(lt->bus);
}

/* Saved while a link is being opened, and another closed: they start over. */
static void record_half_open(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_record rec;

	lt_attach_server(lt, &lt->link[0]);
	lt_attach_client(lt, &lt->link[0]);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, lt->link[0].server_channel), 0);
	lt_open(lt, &lt->link[1]);
	lt->ops->close(lt->link[1].client);
	lt_attach_server(lt, &lt->link[2]);
	lt_open(lt, &lt->link[3]);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	/* Closed, and nobody was told */
	lt->ops->close(lt->link[3].client);
	lt->ops->bus_thaw(lt->bus);
	rec = lt_record_take(lt);
	lt_end_client(lt, &lt->link[0]);
	lt_end_server(lt, &lt->link[0]);
	lt_end_client(lt, &lt->link[1]);
	lt_end_server(lt, &lt->link[1]);
	lt_end_server(lt, &lt->link[2]);
	lt_end_client(lt, &lt->link[3]);
	lt_end_server(lt, &lt->link[3]);
	KUNIT_ASSERT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	KUNIT_ASSERT_EQ(test, lt_record_restore(lt, &rec), 0);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	KUNIT_EXPECT_EQ(test, adopt_server(lt, &lt->link[1]), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, adopt_client(lt, &lt->link[1]), VMB_LINK_RESET);
	lt_open(lt, &lt->link[0]);
	lt_open(lt, &lt->link[1]);
	lt_open(lt, &lt->link[2]);
	lt_open(lt, &lt->link[3]);
}

static struct kunit_case lb_record_cases[] = {
	KUNIT_CASE(park_and_adopt),
	KUNIT_CASE(park_signals),
	KUNIT_CASE(adopt_nothing),
	KUNIT_CASE(adopt_broken),
	KUNIT_CASE(park_and_replace),
	KUNIT_CASE(adopt_corrupt),
	KUNIT_CASE(adopt_refused),
	KUNIT_CASE(park_and_drop),
	KUNIT_CASE(drop_after_an_undone_save),
	KUNIT_CASE(unclaimed_after_an_undone_save),
	KUNIT_CASE(park_with_gpadls),
	KUNIT_CASE(record_empty),
	KUNIT_CASE(record_roundtrip),
	KUNIT_CASE(record_any_instance),
	KUNIT_CASE(record_full_rings),
	KUNIT_CASE(record_moves_reservations),
	KUNIT_CASE(record_while_sending),
	KUNIT_CASE(record_keeps_its_own_alone),
	KUNIT_CASE(record_half_open),
	{}
};

static struct kunit_suite lb_record_suite = {
	.name = "kmcl_loopback_record",
	.init = lt_init,
	.exit = lt_exit,
	.test_cases = lb_record_cases,
};

kunit_test_suite(lb_record_suite);
