// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: memory that two ends share, external data and GPADLs.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "loopback_test.h"

#define EXT_PAGES	4
#define EXT_BYTES	(EXT_PAGES * KMCL_ARENA_PAGE_SIZE)
#define EXT_HEADER	(16 + 8 * EXT_PAGES)

static u8 *random_memory(struct kunit *test, u32 len)
{
	u8 *data = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	get_random_bytes(data, len);
	return data;
}

/* ---- external data ---- */

/* One piece of one byte, one of many: what a chain is made of must not matter. */
static struct vmb_mdl *odd_chain(struct kunit *test, u8 *data, u32 len)
{
	struct vmb_mdl *first = lt_mdl(test, data, 1), *second = lt_mdl(test, data, len);

	second->offset = 1;
	second->length = len - 1;
	first->next = second;
	return first;
}

static void ext_roundtrip(struct kunit *test)
{
	static const struct {
		u32 offset;
		u32 length;
	} cases[] = {
		{ 0, 1 }, { 0, 4096 }, { 0, EXT_BYTES }, { 1, 4095 }, { 1, 4096 }, { 4095, 2 },
		{ 4096, 8192 }, { 5000, 4097 }, { EXT_BYTES - 1, 1 }, { 3, EXT_BYTES - 3 },
	};
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, EXT_BYTES), *back = random_memory(test, EXT_BYTES);
	u8 *before = kunit_kmalloc(test, EXT_BYTES, GFP_KERNEL);
	struct vmb_mdl *mdl = odd_chain(test, data, EXT_BYTES);
	u64 header[EXT_HEADER / 8];
	struct bio_vec bvec[EXT_PAGES];
	u32 i, j, nr, len, at;
	u64 token;

	KUNIT_ASSERT_NOT_NULL(test, before);
	lt_open(lt, link);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, EXT_BYTES, GFP_KERNEL, &token), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 offset = cases[i].offset, length = cases[i].length;

		memcpy(before, data, EXT_BYTES);
		len = sizeof(header);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, offset, length, header,
						       &len), 0);
		KUNIT_EXPECT_EQ(test, len, 16 + 8 * DIV_ROUND_UP(length, 4096));
		nr = EXT_PAGES;
		KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, len, 0, bvec, &nr), 0);
		for (j = 0, at = 0; j < nr; at += bvec[j++].bv_len) {
			u8 *there = page_address(bvec[j].bv_page) + bvec[j].bv_offset;

			KUNIT_EXPECT_EQ_MSG(test, memcmp(there, data + offset + at, bvec[j].bv_len),
					    0, "case %u", i);
			memcpy(there, back + offset + at, bvec[j].bv_len);
		}
		KUNIT_EXPECT_EQ(test, at, length);
		lt->ops->gpa_put(link->server, bvec, nr);
		KUNIT_EXPECT_EQ(test, memcmp(data, before, EXT_BYTES), 0);
		lt->ops->ext_unmap(lt->bus, token, mdl, offset, length);
		/* What was described has changed, and nothing around it. */
		memcpy(before + offset, back + offset, length);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(data, before, EXT_BYTES), 0, "case %u", i);
	}
	lt->ops->ext_release(lt->bus, token);
}

static void ext_read_only_stays(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 100);
	struct vmb_mdl *mdl = lt_mdl(test, data, 100);
	u64 header[3], token;
	struct bio_vec bvec;
	u32 nr = 1, len = sizeof(header);
	u8 first = data[0];

	lt_open(lt, link);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 100, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 100, header, &len), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, len,
					       VMB_EXTERNAL_DATA_FLAG_READ_ONLY, &bvec, &nr), 0);
	*(u8 *)page_address(bvec.bv_page) = ~first;
	lt->ops->gpa_put(link->server, &bvec, nr);
	lt->ops->ext_unmap(lt->bus, token, mdl, 0, 100);
	KUNIT_EXPECT_EQ(test, data[0], first);
	/* And where the transaction failed */
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 100, header, &len), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, len, 0, &bvec, &nr), 0);
	*(u8 *)page_address(bvec.bv_page) = ~first;
	lt->ops->gpa_put(link->server, &bvec, nr);
	lt->ops->ext_unmap(lt->bus, token, NULL, 0, 100);
	KUNIT_EXPECT_EQ(test, data[0], first);
	lt->ops->ext_release(lt->bus, token);
}

static void ext_refused(struct kunit *test)
{
	struct lt *lt = test->priv;
	u8 *data = random_memory(test, EXT_BYTES);
	struct vmb_mdl *mdl = lt_mdl(test, data, EXT_BYTES);
	u64 header[EXT_HEADER / 8], token;
	u32 len = sizeof(header);

	KUNIT_EXPECT_EQ(test, lt->ops->ext_reserve(lt->bus, 0, GFP_KERNEL, &token), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_reserve(lt->bus, U32_MAX, GFP_KERNEL | __GFP_NOWARN,
						   &token), -ENOMEM);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 8192, GFP_KERNEL, &token), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 0, header, &len), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 8193, header, &len),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_map(lt->bus, token + 1, mdl, 0, 1, header, &len),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, EXT_BYTES - 1, 2, header, &len),
			-EINVAL);
	len = 31;
	KUNIT_EXPECT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 8192, header, &len),
			-EMSGSIZE);
	lt->ops->ext_release(lt->bus, token);
	lt->ops->ext_release(lt->bus, token);
	lt->ops->ext_release(lt->bus, 0);
}

/* A hostile sender's ranges reach external data, and nothing else. */
static void gpa_hostile(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u32 ring, ext, size = kmcl_arena_size(lt->lb->arena), len = 32, nr, i;
	struct kmcl_arena_run *gpadl;
	__le64 header[4] = { cpu_to_le64(1ULL << 32), cpu_to_le64(8192) };
	u8 *data = random_memory(test, 8192);
	struct bio_vec bvec[2];
	u64 bad[8], token;

	lt_open(lt, link);
	ring = lt_end(link->client)->ring_gpadl->run->first;
	gpadl = kmcl_arena_alloc(lt->lb->arena, KMCL_ARENA_GPADL, 1, false, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(gpadl));
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 8192, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, lt_mdl(test, data, 8192), 0, 8192,
					       header, &len), 0);
	ext = le64_to_cpu(header[2]);
	bad[0] = 0;
	bad[1] = ring;
	bad[2] = gpadl->first;
	bad[3] = size;
	bad[4] = size - 1;
	bad[5] = U64_MAX;
	bad[6] = ext | 1ULL << 32;
	bad[7] = page_to_pfn(virt_to_page(data));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (bad[i] == ext || bad[i] == ext + 1)
			continue;
		header[3] = cpu_to_le64(bad[i]);
		nr = 2;
		KUNIT_EXPECT_EQ_MSG(test, lt->ops->gpa_get(link->server, header, 32, 0, bvec, &nr),
				    -EFAULT, "case %u", i);
	}
	header[3] = cpu_to_le64(ext + 1);
	nr = 1;
	KUNIT_EXPECT_EQ(test, lt->ops->gpa_get(link->server, header, 32, 0, bvec, &nr), -EFAULT);
	nr = 2;
	KUNIT_EXPECT_EQ(test, lt->ops->gpa_get(link->server, header, 24, 0, bvec, &nr), -EFAULT);
	KUNIT_EXPECT_EQ(test, lt->ops->gpa_get(link->server, header, 8, 0, bvec, &nr), -EFAULT);
	KUNIT_EXPECT_EQ(test, lt->ops->gpa_get(link->server, header, 0, 0, bvec, &nr), -EFAULT);
	lt_end(link->server)->faults = KMCL_LB_GPA_WAIT;
	KUNIT_EXPECT_EQ(test, lt->ops->gpa_get(link->server, header, 32, 0, bvec, &nr),
			-EINPROGRESS);
	lt_end(link->server)->faults = 0;
	KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, 32, 0, bvec, &nr), 0);
	KUNIT_EXPECT_EQ(test, nr, 2);
	lt->ops->gpa_put(link->server, bvec, nr);
	lt->ops->ext_release(lt->bus, token);
	kmcl_arena_release(lt->lb->arena, gpadl);
}

/*
 * A client that closes and gives its external data back: a server that is not
 * through yet finds the old pages, never those of the next transaction.
 */
static void ext_held_until_server_closed(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 4096);
	struct vmb_mdl *mdl = lt_mdl(test, data, 4096);
	u64 header[3], other_header[3], token, other;
	u32 nr = 1, len = sizeof(header), other_len = sizeof(header), used;
	struct bio_vec bvec;

	lt_open(lt, link);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 4096, header, &len), 0);
	lt->ops->close(link->client);
	lt->ops->ext_unmap(lt->bus, token, NULL, 0, 4096);
	lt->ops->ext_release(lt->bus, token);
	lt->ops->closed(link->client);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &other), 0);
	KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, other, mdl, 0, 4096, other_header,
					       &other_len), 0);
	KUNIT_EXPECT_NE(test, header[2], other_header[2]);
	KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->server, header, len, 0, &bvec, &nr), 0);
	memset(page_address(bvec.bv_page), 0x11, 4096);
	used = kmcl_arena_used(lt->lb->arena);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	/* The rings are gone, and what is pinned is not. */
	KUNIT_EXPECT_EQ(test, used - kmcl_arena_used(lt->lb->arena), 2 + 3);
	lt->ops->gpa_put(link->server, &bvec, nr);
	KUNIT_EXPECT_EQ(test, used - kmcl_arena_used(lt->lb->arena), 2 + 3 + 1);
	lt->ops->ext_unmap(lt->bus, other, mdl, 0, 4096);
	lt->ops->ext_release(lt->bus, other);
}

/* A server that ends the link first, and a client that is not through yet */
static void ext_held_until_client_closed(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 4096);
	struct vmb_mdl *mdl = lt_mdl(test, data, 4096);
	u64 header[3], other_header[3], token, other;
	u32 how, nr, len, other_len, used;
	struct bio_vec bvec;

	for (how = 0; how < 3; how++) {
		lt_open(lt, link);
		nr = 1;
		len = sizeof(header);
		other_len = sizeof(header);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token), 0);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, token, mdl, 0, 4096, header, &len),
				0);
		if (how == 0) {
			lt->ops->close(link->server);
		} else if (how == 1) {
			/* A link that was kept, and the consumer does not want it */
			lt->ops->open_done(link->server, -ENOMEM);
		} else {
			lt->ops->detach(link->server);
			link->server = NULL;
		}
		lt->ops->ext_unmap(lt->bus, token, NULL, 0, 4096);
		lt->ops->ext_release(lt->bus, token);
		if (how == 0)
			lt->ops->closed(link->server);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &other), 0);
		KUNIT_ASSERT_EQ(test, lt->ops->ext_map(lt->bus, other, mdl, 0, 4096, other_header,
						       &other_len), 0);
		KUNIT_EXPECT_NE(test, header[2], other_header[2]);
		KUNIT_ASSERT_EQ(test, lt->ops->gpa_get(link->client, header, len, 0, &bvec, &nr),
				0);
		memset(page_address(bvec.bv_page), 0x11, 4096);
		used = kmcl_arena_used(lt->lb->arena);
		lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
		lt->ops->close(link->client);
		lt->ops->closed(link->client);
		KUNIT_EXPECT_EQ(test, used - kmcl_arena_used(lt->lb->arena), 2 + 3);
		lt->ops->gpa_put(link->client, &bvec, nr);
		KUNIT_EXPECT_EQ(test, used - kmcl_arena_used(lt->lb->arena), 2 + 3 + 1);
		lt->ops->ext_unmap(lt->bus, other, mdl, 0, 4096);
		lt->ops->ext_release(lt->bus, other);
		lt_end_client(lt, link);
		lt_end_server(lt, link);
	}
}

/* ---- GPADLs ---- */

static u32 gpadl_bytes(const struct vmb_mdl *mdl)
{
	u32 i, bytes = 0;

	for (i = 0; i < mdl->nr_bvecs; i++)
		bytes += mdl->bvec[i].bv_len;
	return bytes;
}

static void gpadl_both_ways(struct kunit *test)
{
	static const u32 lengths[] = { 1, 4096, 4097, 100000, 300000 };
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 300001), *back = random_memory(test, 300001);
	u32 handle, i, j, at;
	struct vmb_mdl *mdl;

	lt_open(lt, link);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		u32 len = lengths[i];

		mdl = lt_mdl(test, data, 300001);
		KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client, mdl, 1, len, 0, &handle),
				0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server, handle + 1, 0, &mdl),
				-ENOENT);
		KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), 0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), -EBUSY);
		KUNIT_EXPECT_NULL(test, mdl->next);
		KUNIT_EXPECT_EQ(test, mdl->length, len);
		KUNIT_EXPECT_EQ(test, gpadl_bytes(mdl), len);
		for (j = 0, at = 0; j < mdl->nr_bvecs; at += mdl->bvec[j++].bv_len) {
			u8 *there = page_address(mdl->bvec[j].bv_page) + mdl->bvec[j].bv_offset;

			KUNIT_EXPECT_EQ(test, memcmp(there, data + 1 + at, mdl->bvec[j].bv_len), 0);
			memcpy(there, back + 1 + at, mdl->bvec[j].bv_len);
		}
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle), 0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle), -ENOENT);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client, handle), 0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client, handle), -ENOENT);
		KUNIT_EXPECT_EQ(test, memcmp(data + 1, back + 1, len), 0);
		KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), -ENOENT);
	}
}

static void gpadl_read_only(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 5000), byte = data[0];
	struct vmb_mdl *mdl;
	u32 handle;

	lt_open(lt, link);
	KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client, lt_mdl(test, data, 5000), 0, 5000,
						    VMB_GPADL_FLAG_READ_ONLY, &handle), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server, handle, 0, &mdl), -EACCES);
	KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle, VMB_GPADL_FLAG_READ_ONLY,
						 &mdl), 0);
	*(u8 *)page_address(mdl->bvec[0].bv_page) = ~byte;
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, handle), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client, handle), 0);
	KUNIT_EXPECT_EQ(test, data[0], byte);
}

static void gpadl_refused(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 100);
	struct vmb_mdl *mdl, *out, none = { .length = 100 };
	u32 handle;

	lt_open(lt, link);
	mdl = lt_mdl(test, data, 100);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, &none, 0, 100, 0, &handle),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, NULL, 0, 100, 0, &handle),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, mdl, 0, 0, 0, &handle), -EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, mdl, 1, 100, 0, &handle),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, mdl, 0, 8191 * 4096, 0, &handle),
			-E2BIG);
	/* The rings' own */
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_map(link->server,
						 lt_end(link->client)->ring_gpadl->handle,
						 VMB_GPADL_FLAG_READ_ONLY, &out), -ENOENT);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_delete(link->client,
						    lt_end(link->client)->ring_gpadl->handle),
			-ENOENT);
	lt->ops->close(link->client);
	KUNIT_EXPECT_EQ(test, lt->ops->gpadl_create(link->client, mdl, 0, 100, 0, &handle),
			-ENODEV);
}

struct gpadl_call {
	struct lt *lt;
	struct lt_link *link;
	struct vmb_mdl *mdl;
	u32 handle;
	int ret;
	struct completion done;
};

static int gpadl_deleter(void *data)
{
	struct gpadl_call *call = data;

	call->ret = call->lt->ops->gpadl_delete(call->link->client, call->handle);
	complete(&call->done);
	return 0;
}

static int gpadl_creator(void *data)
{
	struct gpadl_call *call = data;

	call->ret = call->lt->ops->gpadl_create(call->link->client, call->mdl, 0, 4096, 0,
						&call->handle);
	complete(&call->done);
	return 0;
}

static bool gpadl_waits(struct lt *lt, struct gpadl_call *call, enum kmcl_lb_gpadl_state state)
{
	struct kmcl_lb_gpadl *gpadl;
	bool found = false;

	mutex_lock(&lt->lb->lock);
	list_for_each_entry(gpadl, &lt_end(call->link->client)->gpadls, node)
		found |= gpadl->state == state;
	mutex_unlock(&lt->lb->lock);
	return found;
}

/* Start a call in a thread of its own, and see it wait for the server. */
static void gpadl_start(struct lt *lt, struct gpadl_call *call, int (*fn)(void *),
			enum kmcl_lb_gpadl_state state)
{
	unsigned long until = jiffies + LT_TIMEOUT;

	init_completion(&call->done);
	KUNIT_ASSERT_FALSE(lt->test, IS_ERR(kthread_run(fn, call, "gpadl")));
	while (!gpadl_waits(lt, call, state) && time_before(jiffies, until))
		cond_resched();
	KUNIT_EXPECT_TRUE(lt->test, gpadl_waits(lt, call, state));
	KUNIT_EXPECT_FALSE(lt->test, completion_done(&call->done));
}

static int gpadl_join(struct lt *lt, struct gpadl_call *call)
{
	KUNIT_ASSERT_NE(lt->test, wait_for_completion_timeout(&call->done, LT_TIMEOUT), 0);
	return call->ret;
}

static void gpadl_delete_waits(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct gpadl_call call = { .lt = lt, .link = &lt->link[0] };
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 9000);
	struct vmb_mdl *mdl;
	u32 how;

	for (how = 0; how < 4; how++) {
		u8 byte = how + 1;

		lt_open(lt, link);
		KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client, lt_mdl(test, data, 9000),
							    0, 9000, 0, &call.handle), 0);
		KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, call.handle, 0, &mdl), 0);
		gpadl_start(lt, &call, gpadl_deleter, KMCL_LB_GPADL_DELETING);
		*(u8 *)page_address(mdl->bvec[0].bv_page) = byte;
		switch (how) {
		case 0:
			KUNIT_EXPECT_EQ(test, lt->ops->gpadl_unmap(link->server, call.handle), 0);
			KUNIT_EXPECT_EQ(test, gpadl_join(lt, &call), 0);
			break;
		case 1:
			lt->ops->gpadl_abort(link->client);
			KUNIT_EXPECT_EQ(test, gpadl_join(lt, &call), -ENODEV);
			break;
		case 2:
			lt->ops->close(link->client);
			KUNIT_EXPECT_EQ(test, gpadl_join(lt, &call), -ENODEV);
			break;
		case 3:
			/* The server ends: what it had mapped is given back for it. */
			lt->ops->close(link->server);
			lt->ops->closed(link->server);
			KUNIT_EXPECT_EQ(test, gpadl_join(lt, &call), 0);
			break;
		}
		KUNIT_EXPECT_EQ(test, data[0], byte);
		lt_end_client(lt, link);
		lt_end_server(lt, link);
		KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	}
}

static void gpadl_create_waits(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct gpadl_call call = { .lt = lt, .link = &lt->link[0] };
	struct lt_link *link = &lt->link[0];
	u32 how;

	call.mdl = lt_mdl(test, random_memory(test, 4096), 4096);
	for (how = 0; how < 4; how++) {
		lt_open(lt, link);
		KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
		gpadl_start(lt, &call, gpadl_creator, KMCL_LB_GPADL_CREATING);
		if (how == 0)
			lt->ops->bus_thaw(lt->bus);
		else if (how == 1)
			lt->ops->gpadl_abort(link->client);
		else if (how == 2)
			lt->ops->close(link->client);
		else
			lt->ops->detach(link->server);
		if (how == 3) {
			link->server = NULL;
			lt->ops->bus_thaw(lt->bus);
			/* Rescinded before it was looked at: that must not fail a client. */
			lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
		}
		KUNIT_EXPECT_EQ(test, gpadl_join(lt, &call), how % 3 ? -ENODEV : 0);
		lt->ops->bus_thaw(lt->bus);
		lt_end_client(lt, link);
		lt_end_server(lt, link);
		KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	}
}

/* The end of a link takes back what is left, mapped or not. */
static void gpadl_end_of_link(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u8 *data = random_memory(test, 4 * 4096);
	struct vmb_mdl *mdl[4];
	u32 how, i, handle[4];

	for (how = 0; how < 2; how++) {
		lt_open(lt, link);
		for (i = 0; i < 4; i++) {
			KUNIT_ASSERT_EQ(test, lt->ops->gpadl_create(link->client,
								    lt_mdl(test, data, 4 * 4096),
								    i * 4096, 4096, 0, &handle[i]),
					0);
			if (i % 2)
				KUNIT_ASSERT_EQ(test, lt->ops->gpadl_map(link->server, handle[i], 0,
									 &mdl[i]), 0);
		}
		memset(page_address(mdl[1]->bvec[0].bv_page), 0xe0 + how, 4096);
		if (how)
			lt_end_server(lt, link);
		lt_end_client(lt, link);
		KUNIT_EXPECT_NULL(test, memchr_inv(data + 4096, 0xe0 + how, 4096));
		if (!how) {
			/* Still the server's, until its own end */
			memset(page_address(mdl[1]->bvec[0].bv_page), 0xff, 4096);
			KUNIT_EXPECT_GT(test, kmcl_arena_used(lt->lb->arena), lt->used);
			lt_end_server(lt, link);
		}
		KUNIT_EXPECT_NULL(test, memchr_inv(data + 4096, 0xe0 + how, 4096));
		KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	}
}

static struct kunit_case lb_memory_cases[] = {
	KUNIT_CASE(ext_roundtrip),
	KUNIT_CASE(ext_read_only_stays),
	KUNIT_CASE(ext_refused),
	KUNIT_CASE(gpa_hostile),
	KUNIT_CASE(ext_held_until_server_closed),
	KUNIT_CASE(ext_held_until_client_closed),
	KUNIT_CASE(gpadl_both_ways),
	KUNIT_CASE(gpadl_read_only),
	KUNIT_CASE(gpadl_refused),
	KUNIT_CASE(gpadl_delete_waits),
	KUNIT_CASE(gpadl_create_waits),
	KUNIT_CASE(gpadl_end_of_link),
	{}
};

static struct kunit_suite lb_memory_suite = {
	.name = "kmcl_loopback_memory",
	.init = lt_init,
	.exit = lt_exit,
	.test_cases = lb_memory_cases,
};

kunit_test_suite(lb_memory_suite);
