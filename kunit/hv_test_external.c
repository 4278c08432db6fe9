// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: packets whose data is not in the ring. GPA-direct: in pages of the
 * guest, which the host reaches. Transfer pages: in a buffer that both know.
 */
#include <linux/slab.h>

#include "hv_test.h"
#include "vmbus/ranges.h"

/* ---- ours, that the host reaches ---- */

static struct hv_pair external_running(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 4 * PAGE_SIZE, 4),
			0);
	return hv_run(c);
}

/* What the host finds at the addresses that a packet has is what was described. */
static void external_expect_ranges(struct kunit *test, struct hv_pair *p, const u8 *want,
				   u32 length)
{
	static const struct vmbus_range_limits limits = { 16, 4 * PAGE_SIZE };
	struct vmbus_gpa_range range;
	struct vmbus_gpa_iter iter;
	struct vmbus_ring_desc d;
	u8 header[256], seen[8];
	u32 i, at = 0;

	KUNIT_ASSERT_EQ(test, stand_in_take(p->o, &d, header, sizeof(header), seen, 8), 0);
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_GPA_DIRECT);
	KUNIT_EXPECT_EQ(test, d.flags, VMBUS_RING_FLAG_COMPLETION_REQUESTED);
	KUNIT_EXPECT_MEMEQ(test, seen, "12345678", 8);
	KUNIT_ASSERT_EQ(test, vmbus_gpa_direct_parse(header, d.header_len, &limits, &iter), 0);
	KUNIT_EXPECT_EQ(test, iter.bytes, length);
	while (vmbus_gpa_iter_next(&iter, &range)) {
		u32 offset = range.offset, left = range.len, n;

		for (i = 0; left; i++, left -= n, offset = 0, at += n) {
			n = min_t(u32, left, PAGE_SIZE - offset);
			KUNIT_ASSERT_LT(test, i, range.nr_pfns);
			KUNIT_ASSERT_LE(test, at + n, length);
			KUNIT_EXPECT_MEMEQ(test, (u8 *)__va(le64_to_cpu(range.pfns[i]) <<
							    PAGE_SHIFT) + offset, want + at, n);
		}
	}
	KUNIT_EXPECT_EQ(test, at, length);
}

static void gpa_direct(struct kunit *test)
{
	struct hv_pair p = external_running(test);
	u8 *pages = hv_pages(test), *want = hv_data(test, 4 * PAGE_SIZE, 0);
	struct bio_vec bvec[3] = {
		{ virt_to_page(pages), 2 * PAGE_SIZE - 512, 512 },
		{ virt_to_page(pages), 1000, 3 * PAGE_SIZE + 24 },
		{ virt_to_page(pages), PAGE_SIZE, 2 * PAGE_SIZE },
	};
	struct vmb_mdl second = { .bvec = &bvec[1], .nr_bvecs = 2, .offset = 100,
				  .length = 900 + 2048 };
	struct vmb_mdl mdl = { .bvec = bvec, .nr_bvecs = 1, .length = 2 * PAGE_SIZE - 512,
			       .next = &second };
	struct vmb_packet *pkt = core_packet(p.c);
	u32 total = mdl.length + second.length;

	hv_fill(pages, 4 * PAGE_SIZE, 9);
	memcpy(want, pages + 512, mdl.length);
	memcpy(want + mdl.length, pages + 3 * PAGE_SIZE + 24 + 100, 900);
	memcpy(want + mdl.length + 900, pages + 2 * PAGE_SIZE, 2048);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, &mdl, WAIT), 0);
	external_expect_ranges(test, &p, want, total);
	hv_answer(&p, pkt->id, NULL, 0);
	core_wait(p.c, CORE_DONE, 1);
	/* A part of the chain, across its two */
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl
			(pkt, "12345678", 8, &mdl, mdl.length - 300, 1000, WAIT), 0);
	external_expect_ranges(test, &p, want + mdl.length - 300, 1000);
	/* The host has it: it is not given back before its completion. */
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -EBUSY);
	hv_answer(&p, pkt->id, NULL, 0);
	core_wait(p.c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 1)->status, 0);
}

static void gpa_direct_limits(struct kunit *test)
{
	struct hv_pair p = external_running(test);
	u8 *pages = hv_pages(test);
	struct bio_vec bvec[32];
	struct vmb_mdl mdl = { .bvec = bvec, .nr_bvecs = 1, .length = PAGE_SIZE };
	struct vmb_packet *pkt = core_packet(p.c);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bvec); i++)
		bvec[i] = (struct bio_vec) { virt_to_page(pages), 100, 200 * (i % 2) };
	bvec[0].bv_len = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "12345678", 8, &mdl, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl
			(pkt, "12345678", 8, &mdl, 0, PAGE_SIZE + 1, WAIT), -EINVAL);
	/* Shorter than it says */
	mdl.length = PAGE_SIZE + 8;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "12345678", 8, &mdl, WAIT), -EINVAL);
	/* In more pieces than the channel has room to describe */
	bvec[0].bv_len = 100;
	mdl.nr_bvecs = ARRAY_SIZE(bvec);
	mdl.length = ARRAY_SIZE(bvec) * 100;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "12345678", 8, &mdl, WAIT), -EMSGSIZE);
	hv_expect_works(&p);
}

/* The link ends: external memory comes back once the host can no longer touch it. */
static void gpa_direct_link_ends(struct kunit *test)
{
	struct hv_pair p = external_running(test);
	u8 *pages = hv_pages(test);
	struct bio_vec bvec = { virt_to_page(pages), PAGE_SIZE, 0 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = PAGE_SIZE };
	struct core_kthread *t;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), "12345678", 8, &mdl, WAIT), 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), "12345678", 8, NULL, WAIT), 0);
	p.o->hold[STAND_IN_CLOSE] = true;
	t = core_thread_start(test, core_do_disable, p.c);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	core_wait(p.c, CORE_DONE, 1);
	KUNIT_EXPECT_PTR_EQ(test, core_event(p.c, CORE_DONE, 0)->object, p.c->packets[1]);
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_DONE), 1);
	stand_in_answer(p.o, STAND_IN_CLOSE);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_DONE), 2);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 1)->status, -ENODEV);
}

/* ---- a buffer that both know ---- */

#define TRANSFER_SET	0xcafe
#define TRANSFER_SIZE	65536
#define TRANSFER_MAX	64
#define TRANSFER_PAYLOAD	24		/* the largest */

static struct hv_pair transfer_running(struct kunit *test, bool server)
{
	struct core_chan *c = hv_chan(test, server, NULL);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, TRANSFER_PAYLOAD), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_transfer_pages(c->ch, TRANSFER_SET,
								  TRANSFER_SIZE, TRANSFER_MAX), 0);
	return hv_run(c);
}

static void transfer_put(struct hv_pair *p, u64 id, u16 set, const struct vmbus_xfer_range *ranges,
			 u32 nr, const void *payload, u32 length)
{
	struct kunit *test = p->c->test;
	u64 header[1 + TRANSFER_MAX + 1];
	int size = vmbus_xfer_build(header, sizeof(header), set, ranges, nr);

	KUNIT_ASSERT_GT(test, size, 0);
	KUNIT_ASSERT_EQ(test, stand_in_write(p->o, VMBUS_RING_XFER_PAGES,
					     VMBUS_RING_FLAG_COMPLETION_REQUESTED, id, header, size,
					     payload, length), 0);
	stand_in_publish(p->o);
}

/* As many ranges as there may be beside the largest payload, again and again */
static void transfer_delivered(struct kunit *test)
{
	struct vmb_transfer_range got[TRANSFER_MAX];
	struct vmbus_xfer_range sent[TRANSFER_MAX];
	const u8 *payload = hv_data(test, TRANSFER_PAYLOAD, 5);
	struct vmb_packet_completion *pkt;
	struct vmbus_ring_desc d;
	struct hv_pair p;
	u32 i, round, nr;
	bool server;

	for (server = false; ; server = true) {
		p = transfer_running(test, server);
		for (round = 0; round < 40; round++) {
			for (i = 0; i < TRANSFER_MAX; i++)
				sent[i] = (struct vmbus_xfer_range) {
					.offset = i * 1000 + round, .len = 1 + i,
				};
			nr = round % 2 ? TRANSFER_MAX : 1;
			transfer_put(&p, 100 + round, TRANSFER_SET, sent, nr, payload,
				     TRANSFER_PAYLOAD);
			pkt = core_received(p.c, round);
			KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_PACKET, round)->flags,
					VMB_PROCESS_PACKET_FLAG_TRANSFER_PAGES);
			KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_PACKET, round)->length,
					TRANSFER_PAYLOAD);
			KUNIT_EXPECT_MEMEQ(test, core_event(p.c, CORE_PACKET, round)->data, payload,
					   TRANSFER_PAYLOAD);
			i = ARRAY_SIZE(got);
			KUNIT_ASSERT_EQ(test, vmb_channel_packet_get_transfer_ranges(pkt, got, &i),
					0);
			KUNIT_ASSERT_EQ(test, i, nr);
			for (i = 0; i < nr; i++) {
				KUNIT_EXPECT_EQ(test, got[i].offset, sent[i].offset);
				KUNIT_EXPECT_EQ(test, got[i].length, sent[i].len);
			}
			KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, "done", 4), 0);
			hv_take(&p, &d, NULL, 0);
			KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_COMPLETION);
			KUNIT_EXPECT_EQ(test, d.id, 100 + round);
		}
		hv_expect_works(&p);
		if (server)
			return;
	}
}

struct transfer_param {
	const char *name;
	bool registered;
	u16 set;
	u32 nr;
	struct vmbus_xfer_range range;
	const char *reason;
};

static const struct transfer_param transfer_params[] = {
	{ "no buffer is registered", false, TRANSFER_SET, 1, { .len = 1 },
	  "transfer pages, and no buffer" },
	{ "another buffer", true, TRANSFER_SET + 1, 1, { .len = 1 },
	  "malformed transfer pages" },
	{ "past its end", true, TRANSFER_SET, 1, { .offset = TRANSFER_SIZE - 1, .len = 2 },
	  "malformed transfer pages" },
	{ "overflow", true, TRANSFER_SET, 1, { .offset = 8, .len = U32_MAX },
	  "malformed transfer pages" },
	{ "too many ranges", true, TRANSFER_SET, TRANSFER_MAX + 1, { .len = 1 },
	  "more ranges than" },
};

KUNIT_ARRAY_PARAM_DESC(transfer, transfer_params, name);

/* This channel is stopped, with the reason; the one beside it goes on. */
static void transfer_refused(struct kunit *test)
{
	struct vmbus_xfer_range ranges[TRANSFER_MAX + 1];
	const struct transfer_param *t = test->param_value;
	struct hv_pair other = hv_running(test, true), p;
	u32 i;

	p = t->registered ? transfer_running(test, false) : hv_running(test, false);
	for (i = 0; i < t->nr; i++)
		ranges[i] = t->range;
	hv_log_begin();
	transfer_put(&p, 1, t->set, ranges, t->nr, NULL, 0);
	core_wait_life(p.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_PACKET), 0);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_TRUE(test, hv_log_has(p.c->ch->cfg.name, t->reason));
	hv_expect_works(&other);
}

static struct kunit_case hv_external_cases[] = {
	KUNIT_CASE(gpa_direct),
	KUNIT_CASE(gpa_direct_limits),
	KUNIT_CASE(gpa_direct_link_ends),
	KUNIT_CASE(transfer_delivered),
	KUNIT_CASE_PARAM(transfer_refused, transfer_gen_params),
	{}
};

static struct kunit_suite hv_external_suite = {
	.name = "kmcl_hv_external",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_external_cases,
};

kunit_test_suite(hv_external_suite);
