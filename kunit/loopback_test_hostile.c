// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: records that are damaged, cut short or made up.
 */
#include <linux/mm.h>
#include <linux/random.h>

#include "loopback_test.h"
#include "transport/loopback_record.h"

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

static struct lt_record record_small(struct lt *lt)
{
	struct lt_link *link = &lt->link[0];
	u64 token, header[3];
	u32 len = sizeof(header), handle;
	struct lt_record rec;
	u8 *data = kunit_kzalloc(lt->test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(lt->test, data);
	link->client_params.ring_out_pages = 1;
	lt_open(lt, link);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->gpadl_create(link->client, lt_mdl(lt->test, data, 4096),
							0, 4096, 0, &handle), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_reserve(lt->bus, 4096, GFP_KERNEL, &token), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->ext_map(lt->bus, token, lt_mdl(lt->test, data, 4096), 0,
						   4096, header, &len), 0);
	rec = lt_record_take(lt);
	lt->ops->ext_release(lt->bus, token);
	lt_end_client(lt, link);
	lt_end_server(lt, link);
	return rec;
}

/* The bus is as it was: what came in is gone, and it works. */
static void record_expect_clean(struct lt *lt, const struct lt_record *empty)
{
	KUNIT_EXPECT_EQ(lt->test, lt_record_restore(lt, empty), 0);
	KUNIT_EXPECT_EQ(lt->test, kmcl_arena_used(lt->lb->arena), lt->used);
	lt_open(lt, &lt->link[0]);
	lt_end_client(lt, &lt->link[0]);
	lt_end_server(lt, &lt->link[0]);
}

static void record_truncated(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_record empty = lt_record_take(lt), rec = record_small(lt);
	u32 len;

	KUNIT_EXPECT_LT(test, rec.len, 16 * 4096);
	for (len = 0; len < rec.len; len += len < 4096 ? 1 : 61)
		KUNIT_ASSERT_EQ_MSG(test, lt_record_put(lt, rec.data, rec.len, len), -EBADMSG,
				    "%u bytes", len);
	for (len = 0; len < rec.len; len += 4096)
		KUNIT_EXPECT_EQ_MSG(test, lt_record_put(lt, rec.data, len, len), -EBADMSG,
				    "%u bytes", len);
	KUNIT_EXPECT_EQ(test, lt_record_put(lt, rec.data, rec.len - 4096, rec.len), -EBADMSG);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(lt->lb->arena), lt->used);
	record_expect_clean(lt, &empty);
}

/* Bytes of the record that are neither pages nor padding before them */
static u32 record_head(const struct kmcl_lb_rec_header *header)
{
	return sizeof(*header) +
	       le32_to_cpu(header->nr_links) * sizeof(struct kmcl_lb_rec_link) +
	       le32_to_cpu(header->nr_gpadls) * sizeof(struct kmcl_lb_rec_gpadl) +
	       le32_to_cpu(header->nr_runs) * sizeof(struct kmcl_lb_rec_run) +
	       ALIGN(le32_to_cpu(header->server_len), 8) +
	       ALIGN(le32_to_cpu(header->client_len), 8);
}

/* Is it kept, and if so with its rings? */
static void record_use_end(struct lt *lt, struct vmb_channel *channel,
			   struct kmcl_link_params *params, void **end)
{
	params->adopt = true;
	if (lt_attach(lt, channel, params, end) == VMB_LINK_KEPT) {
		KUNIT_ASSERT_NOT_NULL(lt->test, lt_end(*end)->rings.pins);
		lt->ops->open_done(*end, 0);
	}
	params->adopt = false;
}

/* What was taken is either a link that works, or none. */
static void record_use(struct lt *lt, struct lt_link *link)
{
	record_use_end(lt, link->server_channel, &link->server_params, &link->server);
	record_use_end(lt, link->client_channel, &link->client_params, &link->client);
	lt_end_client(lt, link);
	lt_end_server(lt, link);
}

/* One bit of all but the pages; what is refused must leave nothing. */
static void record_flipped(struct kunit *test)
{
	/* Sanitised: no bit of a byte's is always left out. */
	const u32 step = IS_ENABLED(CONFIG_KASAN) ? 7 : 1;
	struct lt *lt = test->priv;
	struct lt_record empty = lt_record_take(lt), rec = record_small(lt);
	u32 head = record_head((void *)rec.data), bit, refused = 0, taken = 0;
	int ret;

	KUNIT_ASSERT_LT(test, head + 16, 4096);
	for (bit = 0; bit < (head + 16) * 8; bit += step) {
		rec.data[bit / 8] ^= 1 << bit % 8;
		ret = lt_record_restore(lt, &rec);
		rec.data[bit / 8] ^= 1 << bit % 8;
		if (ret) {
			KUNIT_EXPECT_EQ_MSG(test, ret, -EBADMSG, "bit %u", bit);
			refused++;
		} else {
			taken++;
			record_use(lt, &lt->link[0]);
			KUNIT_EXPECT_EQ_MSG(test, lt_record_restore(lt, &empty), 0, "bit %u", bit);
		}
		KUNIT_EXPECT_EQ_MSG(test, kmcl_arena_used(lt->lb->arena), lt->used, "bit %u", bit);
		cond_resched();
	}
	kunit_info(test, "%u bits refused, %u taken", refused, taken);
	/* Some is free to be anything: user data, tokens, … */
	KUNIT_EXPECT_GT(test, refused, (refused + taken) / 3);
	record_expect_clean(lt, &empty);
	KUNIT_EXPECT_EQ(test, lt_record_restore(lt, &rec), 0);
	record_expect_clean(lt, &empty);
}

/* Numbers that are good each by itself, and do not fit together */
static void record_crossed(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_record empty = lt_record_take(lt), rec = record_small(lt);
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
	KUNIT_EXPECT_EQ(test, lt_record_restore(lt, &rec), -EBADMSG);		\
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
	KUNIT_EXPECT_EQ(test, lt_record_restore(lt, &rec), 0);
	record_expect_clean(lt, &empty);
}

static void record_random(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_record empty = lt_record_take(lt);
	u8 *noise = kunit_kmalloc(test, 8192, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, noise);
	for (i = 0; i < 200; i++) {
		struct kmcl_lb_rec_header *header = (void *)noise;

		get_random_bytes(noise, 8192);
		header->magic = cpu_to_le32(KMCL_LB_REC_MAGIC);
		if (i % 2)
			memset(&header->nr_links, 0, sizeof(*header) - 8);
		KUNIT_EXPECT_EQ(test, lt_record_put(lt, noise, 8192, 8192), -EBADMSG);
	}
	record_expect_clean(lt, &empty);
}

static struct kunit_case lb_hostile_cases[] = {
	KUNIT_CASE(record_begin_refused),
	KUNIT_CASE(record_truncated),
	KUNIT_CASE_SLOW(record_flipped),
	KUNIT_CASE(record_crossed),
	KUNIT_CASE(record_random),
	{}
};

static struct kunit_suite lb_hostile_suite = {
	.name = "kmcl_loopback_hostile",
	.init = lt_init,
	.exit = lt_exit,
	.test_cases = lb_hostile_cases,
};

kunit_test_suite(lb_hostile_suite);
