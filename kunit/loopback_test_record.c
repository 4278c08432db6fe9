// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: links that are parked and adopted, and the bus's record, good
 * and hostile.
 */
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/vmalloc.h>

#include "loopback_test.h"
#include "transport/loopback_record.h"

struct record {
	u8 *data;
	u32 len;
};

static void record_free(void *data)
{
	vfree(data);
}

/* Freeze, save in odd pieces, thaw. */
static struct record record_take(struct lt *lt)
{
	struct kunit *test = lt->test;
	struct record rec;
	u64 bytes, at;
	u32 step = 1;

	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), -EBUSY);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->bus_save_begin(lt->bus, &bytes), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_save_begin(lt->bus, &at), -EBUSY);
	rec.len = bytes;
	rec.data = vmalloc(bytes);
	KUNIT_ASSERT_NOT_NULL(test, rec.data);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, record_free, rec.data), 0);
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

static int record_put(struct lt *lt, const u8 *data, u32 announced, u32 len)
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

static int record_restore(struct lt *lt, const struct record *rec)
{
	return record_put(lt, rec->data, rec->len, rec->len);
}

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
	struct record rec = record_take(lt), again;

	KUNIT_EXPECT_EQ(test, rec.len, KMCL_ARENA_PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, record_restore(lt, &rec), 0);
	again = record_take(lt);
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
	struct record rec, again;
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
	rec = record_take(lt);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_adopt(lt->bus, token[0], 8192), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, 1, rec.len), -EBUSY);
	for (i = 0; i < 3; i++) {
		park(lt, &lt->link[i]);
		lt->ops->ext_release(lt->bus, token[i]);
	}

	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, record_restore(lt, &rec), 0);
		again = record_take(lt);
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

/* What was reserved before the restore, in the way of what is restored */
static void record_moves_reservations(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = kunit_kmalloc(test, 4096, GFP_KERNEL);
	u64 token[3], header[3];
	struct record empty = record_take(lt), rec;
	u32 i, len, nr;
	struct bio_vec bvec;

	KUNIT_ASSERT_NOT_NULL(test, data);
	get_random_bytes(data, 4096);
	lt_open(lt, link);
	lt_send(lt, link->client, 1, data, 2000);
	rec = record_take(lt);
	park(lt, link);
	/* Free the gfns, as a fresh kernel has them. */
	KUNIT_ASSERT_EQ(test, record_restore(lt, &empty), 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token[i]),
				0);
	KUNIT_ASSERT_EQ(test, record_restore(lt, &rec), 0);
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

/* Saved while a link is being opened, and another closed: they start over. */
static void record_half_open(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct record rec;

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
	rec = record_take(lt);
	lt_end_client(lt, &lt->link[0]);
	lt_end_server(lt, &lt->link[0]);
	lt_end_client(lt, &lt->link[1]);
	lt_end_server(lt, &lt->link[1]);
	lt_end_server(lt, &lt->link[2]);
	lt_end_client(lt, &lt->link[3]);
	lt_end_server(lt, &lt->link[3]);
	KUNIT_ASSERT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	KUNIT_ASSERT_EQ(test, record_restore(lt, &rec), 0);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	KUNIT_EXPECT_EQ(test, adopt_server(lt, &lt->link[1]), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, adopt_client(lt, &lt->link[1]), VMB_LINK_RESET);
	lt_open(lt, &lt->link[0]);
	lt_open(lt, &lt->link[1]);
	lt_open(lt, &lt->link[2]);
	lt_open(lt, &lt->link[3]);
}

/* ---- hostile records ---- */

static void record_begin_refused(struct kunit *test)
{
	struct lt *lt = test->priv;
	u32 version = lt->ops->save_version;
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version + 1, 4096), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, 0, 4096), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, 0), -EBADMSG);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, 4097), -EBADMSG);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, U64_MAX & ~4095ULL),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_write(lt->bus, &byte, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_end(lt->bus, true), -EINVAL);
	/* An enormous size costs nothing by itself. */
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, 1ULL << 42), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, 4096), -EBUSY);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_write(lt->bus, &byte, 1), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_end(lt->bus, true), -EBADMSG);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_begin(lt->bus, version, 4096), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_restore_end(lt->bus, false), 0);
	lt_open(lt, &lt->link[0]);
}

static struct record record_small(struct lt *lt)
{
	struct lt_link *link = &lt->link[0];
	u64 token, header[3];
	u32 len = sizeof(header), handle;
	struct record rec;
	u8 *data = kunit_kzalloc(lt->test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(lt->test, data);
	link->client_params.ring_out_pages = 1;
	lt_open(lt, link);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->gpadl_create(link->client, lt_mdl(lt->test, data, 4096),
							0, 4096, 0, &handle), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_map(lt->bus, token, lt_mdl(lt->test, data, 4096), 0,
						   4096, header, &len), 0);
	rec = record_take(lt);
	lt->ops->ext_release(lt->bus, token);
	lt_end_client(lt, link);
	lt_end_server(lt, link);
	return rec;
}

/* The bus is as it was: what came in is gone, and it works. */
static void record_expect_clean(struct lt *lt, const struct record *empty)
{
	KUNIT_EXPECT_EQ(lt->test, record_restore(lt, empty), 0);
	KUNIT_EXPECT_EQ(lt->test, kmcl_arena_used(lt->lb->arena), lt->used);
	lt_open(lt, &lt->link[0]);
	lt_end_client(lt, &lt->link[0]);
	lt_end_server(lt, &lt->link[0]);
}

static void record_truncated(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct record empty = record_take(lt), rec = record_small(lt);
	u32 len;

	KUNIT_EXPECT_LT(test, rec.len, 16 * 4096);
	for (len = 0; len < rec.len; len += len < 4096 ? 1 : 61)
		KUNIT_ASSERT_EQ_MSG(test, record_put(lt, rec.data, rec.len, len), -EBADMSG,
				    "%u bytes", len);
	for (len = 0; len < rec.len; len += 4096)
		KUNIT_EXPECT_EQ_MSG(test, record_put(lt, rec.data, len, len), -EBADMSG, "%u bytes",
				    len);
	KUNIT_EXPECT_EQ(test, record_put(lt, rec.data, rec.len - 4096, rec.len), -EBADMSG);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	record_expect_clean(lt, &empty);
}

/* One bit of all but the pages; what is refused must leave nothing. */
static void record_flipped(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct record empty = record_take(lt), rec = record_small(lt);
	const struct kmcl_lb_rec_header *header = (void *)rec.data;
	u32 head = rec.len - le32_to_cpu(header->nr_pages) * 4096, bit, refused = 0, taken = 0;
	int ret;

	KUNIT_ASSERT_EQ(test, head, 4096);
	for (bit = 0; bit < head * 8; bit++) {
		rec.data[bit / 8] ^= 1 << bit % 8;
		ret = record_restore(lt, &rec);
		rec.data[bit / 8] ^= 1 << bit % 8;
		if (ret) {
			KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "bit %u", bit);
			refused++;
		} else {
			taken++;
			KUNIT_EXPECT_EQ_MSG(test, record_restore(lt, &empty), 0, "bit %u", bit);
		}
		KUNIT_EXPECT_EQ_MSG(test, kmcl_arena_used(lt->lb->arena), lt->used, "bit %u", bit);
		cond_resched();
	}
	kunit_info(test, "%u bits refused, %u taken", refused, taken);
	/* What is free to be anything: tokens, instances' twins, user data, … */
	KUNIT_EXPECT_GT(test, refused, taken);
	record_expect_clean(lt, &empty);
	KUNIT_EXPECT_EQ(test, record_restore(lt, &rec), 0);
	record_expect_clean(lt, &empty);
}

/* Numbers that are good each by itself, and do not fit together */
static void record_crossed(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct record empty = record_take(lt), rec = record_small(lt);
	struct kmcl_lb_rec_header *header = (void *)rec.data;
	struct kmcl_lb_rec_link *link = (void *)(header + 1);
	struct kmcl_lb_rec_gpadl *gpadl = (void *)(link + 1);
	struct kmcl_lb_rec_run *run = (void *)(gpadl + 1);
	u32 i, ring = le32_to_cpu(link->ring_first), ext = 0, nr = le32_to_cpu(header->nr_runs);

	KUNIT_ASSERT_EQ(test, nr, 3);
	for (i = 0; i < nr; i++)
		if (le32_to_cpu(run[i].kind) == KMCL_ARENA_EXT)
			ext = le32_to_cpu(run[i].first);

#define REFUSED(field, value) do {						\
	typeof(field) old = (field);						\
										\
	(field) = (value);							\
	KUNIT_EXPECT_EQ(test, record_restore(lt, &rec), -EBADMSG);		\
	(field) = old;								\
} while (0)
	/* The ring in somebody else's run, the GPADL in the ring's */
	REFUSED(link->ring_first, gpadl->first);
	REFUSED(link->ring_first, cpu_to_le32(ext));
	REFUSED(link->ring_first, cpu_to_le32(ring + 1));
	REFUSED(gpadl->first, cpu_to_le32(ring));
	REFUSED(gpadl->first, cpu_to_le32(ext));
	/* One handle as another */
	REFUSED(link->ring_handle, gpadl->handle);
	REFUSED(gpadl->handle, link->ring_handle);
	REFUSED(gpadl->length, cpu_to_le32(4095));
	REFUSED(gpadl->length, cpu_to_le32(0));
	REFUSED(gpadl->link, cpu_to_le32(1));
	/* More than there is, less than there is */
	REFUSED(header->nr_links, cpu_to_le32(0));
	REFUSED(header->nr_links, cpu_to_le32(2));
	REFUSED(header->nr_links, cpu_to_le32(U32_MAX));
	REFUSED(header->nr_gpadls, cpu_to_le32(0));
	REFUSED(header->nr_runs, cpu_to_le32(2));
	REFUSED(header->nr_runs, cpu_to_le32(U32_MAX));
	REFUSED(header->nr_pages, cpu_to_le32(U32_MAX));
	REFUSED(header->server_len, cpu_to_le32(U32_MAX));
	REFUSED(header->client_len, cpu_to_le32(0));
	/* Runs that lie outside, or over each other, or have another's kind */
	for (i = 0; i < nr; i++) {
		REFUSED(run[i].first, cpu_to_le32(0));
		REFUSED(run[i].first, cpu_to_le32(kmcl_arena_size(lt->lb->arena)));
		REFUSED(run[i].first, cpu_to_le32(U32_MAX));
		REFUSED(run[i].count, cpu_to_le32(0));
		REFUSED(run[i].count, cpu_to_le32(U32_MAX));
		REFUSED(run[i].kind, cpu_to_le32(KMCL_ARENA_KINDS));
		REFUSED(run[i].kind, run[(i + 1) % nr].kind);
		REFUSED(run[i].first, run[(i + 1) % nr].first);
	}
#undef REFUSED
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	KUNIT_EXPECT_EQ(test, record_restore(lt, &rec), 0);
	record_expect_clean(lt, &empty);
}

static void record_random(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct record empty = record_take(lt);
	u8 *noise = kunit_kmalloc(test, 8192, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, noise);
	for (i = 0; i < 200; i++) {
		struct kmcl_lb_rec_header *header = (void *)noise;

		get_random_bytes(noise, 8192);
		header->magic = cpu_to_le32(KMCL_LB_REC_MAGIC);
		if (i % 2)
			memset(&header->nr_links, 0, sizeof(*header) - 8);
		KUNIT_EXPECT_EQ(test, record_put(lt, noise, 8192, 8192), -EBADMSG);
	}
	record_expect_clean(lt, &empty);
}

static struct kunit_case lb_record_cases[] = {
	KUNIT_CASE(park_and_adopt),
	KUNIT_CASE(park_signals),
	KUNIT_CASE(adopt_nothing),
	KUNIT_CASE(adopt_broken),
	KUNIT_CASE(park_and_replace),
	KUNIT_CASE(adopt_corrupt),
	KUNIT_CASE(adopt_refused),
	KUNIT_CASE(park_with_gpadls),
	KUNIT_CASE(record_empty),
	KUNIT_CASE(record_roundtrip),
	KUNIT_CASE(record_moves_reservations),
	KUNIT_CASE(record_half_open),
	KUNIT_CASE(record_begin_refused),
	KUNIT_CASE(record_truncated),
	KUNIT_CASE_SLOW(record_flipped),
	KUNIT_CASE(record_crossed),
	KUNIT_CASE(record_random),
	{}
};

static struct kunit_suite lb_record_suite = {
	.name = "kmcl_loopback_record",
	.init = lt_init,
	.exit = lt_exit,
	.test_cases = lb_record_cases,
};

kunit_test_suite(lb_record_suite);
