// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: packets through the rings of hv_vmbus, both ways.
 */
#include <linux/slab.h>

#include "hv_test.h"
#include "vmbus/ranges.h"

static void data_fill(u8 *data, u32 length, u32 seed)
{
	u32 i;

	for (i = 0; i < length; i++)
		data[i] = seed + i * 7 + (i >> 8);
}

static u8 *data_new(struct kunit *test, u32 length, u32 seed)
{
	u8 *data = kunit_kzalloc(test, ALIGN(length, 8) + 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	data_fill(data, length, seed);
	return data;
}

static void data_request_and_completion(struct kunit *test)
{
	struct hv_pair client = hv_running(test, false), server = hv_running(test, true);

	hv_expect_works(&client);
	hv_expect_works(&server);
}

/* Our transaction ids are on the wire as they are, and no two are the same. */
static void data_transaction_ids(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct vmbus_ring_desc d;
	struct vmb_packet *pkt;
	u32 i;

	for (i = 0; i < 8; i++) {
		pkt = core_packet(p.c);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, &i, sizeof(i), NULL, WAIT), 0);
		hv_take(&p, &d, NULL, 0);
		KUNIT_EXPECT_EQ(test, d.id, pkt->id);
		KUNIT_EXPECT_NE(test, d.id, 0);
	}
	/* In another order than they were asked */
	for (i = 8; i--;)
		hv_answer(&p, p.c->packets[i]->id, &i, sizeof(i));
	core_wait(p.c, CORE_DONE, 8);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_PTR_EQ(test, core_event(p.c, CORE_DONE, i)->object,
				    p.c->packets[7 - i]);
}

static void data_message(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	struct vmbus_ring_desc d;
	u8 seen[16] = {};

	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), "message", 8, NULL, 0), 0);
	core_wait(p.c, CORE_DONE, 1);
	hv_take(&p, &d, seen, sizeof(seen));
	KUNIT_EXPECT_EQ(test, d.flags, 0);
	KUNIT_EXPECT_STREQ(test, (char *)seen, "message");
	/* Nothing goes back for one of the host's. */
	p.c->complete_inline = true;
	KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 0, 5, "message", 8), 0);
	core_wait(p.c, CORE_PACKET, 1);
	core_settle(p.c);
	KUNIT_EXPECT_EQ(test, stand_in_take(p.o, &d, NULL, 0, NULL, 0), -EAGAIN);
}

/* Each size up to the channel's, out and in, in any alignment; padding is 0. */
static void data_sizes(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, 7, 8, 9, 40, 100, 255, 256, 1000, 4095, 4096, 8192 };
	struct hv_pair p = hv_running_sized(test, 8192, 8);
	u8 *seen = data_new(test, 8192, 0);
	struct vmb_packet *pkt = core_packet(p.c);
	struct vmbus_ring_desc d;
	u32 i, n, padded;
	u8 *data;

	p.c->complete_inline = true;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		padded = ALIGN(n, 8);
		data = data_new(test, n, i);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, data, n, NULL, WAIT), 0);
		hv_take(&p, &d, seen, padded);
		KUNIT_EXPECT_EQ(test, d.payload_len, padded);
		KUNIT_EXPECT_MEMEQ(test, seen, data, padded);
		hv_answer(&p, d.id, data, n);
		core_wait(p.c, CORE_DONE, i + 1);
		KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, i)->length, padded);
		KUNIT_EXPECT_MEMEQ(test, core_event(p.c, CORE_DONE, i)->data, data,
				   min_t(u32, n, CORE_DATA_MAX));
		KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 0, 0, data, n), 0);
		core_wait(p.c, CORE_PACKET, i + 1);
		KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_PACKET, i)->length, padded);
	}
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, data, 8193, NULL, WAIT), -EMSGSIZE);
	core_expect_life(p.c, "ORP");
}

/* What can never fit the ring is refused; what just fits goes. */
static void data_ring_limit(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 8192, 1);
	u8 *data = data_new(test, 8192, 1), *seen = data_new(test, 8192, 0);
	struct vmb_packet *pkt = core_packet(p.c);
	/* Descriptor, footer, and the 8 bytes that stay free */
	u32 limit = PAGE_SIZE - 16 - 8 - 8;
	struct vmbus_ring_desc d;

	KUNIT_EXPECT_EQ(test, p.c->ch->tx_limit, limit);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, data, limit + 1, NULL, 0), -EMSGSIZE);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, data, limit, NULL, 0), 0);
	hv_take(&p, &d, seen, limit);
	KUNIT_EXPECT_MEMEQ(test, seen, data, limit);
	core_wait(p.c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 0)->status, 0);
}

/* Round and round a small ring, with sizes that never meet its end alike */
static void data_wraps(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 600, 1);
	u8 *data = data_new(test, 600, 0), *seen = data_new(test, 600, 0);
	struct vmb_packet *pkt = core_packet(p.c);
	struct vmbus_ring_desc d;
	u32 i, n, wrong = 0;

	p.c->complete_inline = true;
	for (i = 0; i < 1000; i++) {
		n = 1 + (i * 37) % 600;
		data_fill(data, n, i);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, data, n, NULL, 0), 0);
		hv_take(&p, &d, seen, 600);
		wrong += d.payload_len != ALIGN(n, 8) || memcmp(seen, data, n);
		KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, i, data, n), 0);
		hv_take(&p, &d, NULL, 0);
		wrong += d.id != i || d.type != VMBUS_RING_COMPLETION;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.packets_in, 1000);
}

/* A full ring queues, in order; the host is asked to say when there is room. */
static void data_full_ring(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 512, 1);
	struct hv_ring_buffer *ring = p.o->from_guest.host;
	struct vmbus_ring_desc d;
	u8 seen[512];
	u32 i, n = 40, fitting = PAGE_SIZE / (16 + 512 + 8);
	u8 *data = data_new(test, 512, 0);

	for (i = 0; i < n; i++) {
		data[0] = i;
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), data, 512, NULL, 0), 0);
	}
	KUNIT_EXPECT_EQ(test, p.c->ch->nr_queued, n - fitting);
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_DONE), fitting);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ring->pending_send_sz), 16 + 512 + 8);
	KUNIT_EXPECT_EQ(test, ring->feature_bits.value, 1);
	for (i = 0; i < n; i++) {
		hv_take(&p, &d, seen, sizeof(seen));
		KUNIT_EXPECT_EQ(test, seen[0], i);
	}
	core_wait(p.c, CORE_DONE, n);
	KUNIT_EXPECT_EQ(test, p.c->ch->nr_queued, 0);
	core_until(p.c, !READ_ONCE(ring->pending_send_sz));
	/* Nothing overtakes what is queued: the next one does not either. */
	KUNIT_EXPECT_EQ(test, stand_in_take(p.o, &d, NULL, 0, NULL, 0), -EAGAIN);
}

/* A completion that does not fit waits, and goes before new packets. */
static void data_completion_waits(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 512, 1);
	u8 *data = data_new(test, 512, 3);
	struct vmbus_ring_desc d;
	u32 i, fitting = PAGE_SIZE / (16 + 512 + 8);

	for (i = 0; i < fitting; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), data, 512, NULL, 0), 0);
	KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, 77, "12345678", 8), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_packet_complete(core_received(p.c, 0), data, 512), 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->nr_completions, 1);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(p.c), data, 8, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->nr_queued, 1);
	for (i = 0; i < fitting; i++)
		hv_take(&p, &d, NULL, 0);
	hv_take(&p, &d, NULL, 0);
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_COMPLETION);
	KUNIT_EXPECT_EQ(test, d.id, 77);
	hv_take(&p, &d, NULL, 0);
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_INBAND);
}

/* The host is signalled when the ring was empty and it did not mask, else not. */
static void data_signals(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct vmb_packet *pkt = core_packet(p.c);
	u64 before = p.o->ch.sig_events;
	struct vmbus_ring_desc d;
	u32 i;

	/* Masked, as the stand-in is by itself */
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, p.o->ch.sig_events, before);
	hv_take(&p, &d, NULL, 0);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_unmask(&p.o->from_guest.end));
	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, p.o->ch.sig_events, before + 1);
	/* Room that the host waits for is told of, once. */
	vmbus_ring_mask(&p.o->from_guest.end);
	p.c->complete_inline = true;
	for (i = 0; !stand_in_write(p.o, VMBUS_RING_INBAND, 0, 0, NULL, 0, "12345678", 8); i++)
		;
	vmbus_ring_commit_write(&p.o->to_guest.end);
	KUNIT_EXPECT_FALSE(test, vmbus_ring_want_space(&p.o->to_guest.end, PAGE_SIZE));
	before = p.o->ch.sig_events;
	stand_in_interrupt(p.o);
	core_until(p.c, READ_ONCE(p.c->ch->stats.packets_in) == i);
	core_settle(p.c);
	KUNIT_EXPECT_EQ(test, p.o->ch.sig_events, before + 1);
}

/* At the quota the ring is not read; a completion goes on. */
static void data_quota(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_set_transaction_quota(p.c->ch, 2), 0);
	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, i, "12345678", 8),
				0);
	core_wait(p.c, CORE_PACKET, 2);
	core_settle(p.c);
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_PACKET), 2);
	KUNIT_EXPECT_EQ(test, p.c->ch->ops->rx_unread(p.c->ch->link), 3);
	KUNIT_ASSERT_EQ(test, vmb_channel_packet_complete(core_received(p.c, 0), NULL, 0), 0);
	core_wait(p.c, CORE_PACKET, 3);
}

static void data_passive(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct hv_pair p;

	KUNIT_ASSERT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	p = hv_run(c);
	hv_expect_works(&p);
	KUNIT_EXPECT_TRUE(test, core_event(c, CORE_PACKET, 0)->in_task);
}

/* A completion that comes after its packet was cancelled is dropped, and counted. */
static void data_late_completion(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct vmb_packet *pkt = core_packet(p.c);
	struct vmbus_ring_desc d;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, NULL, WAIT), 0);
	hv_take(&p, &d, NULL, 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	core_wait(p.c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 0)->status, -ECANCELED);
	hv_answer(&p, d.id, "late", 4);
	hv_expect_works(&p);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.late, 1);
}

/* ---- pipes ---- */

static struct core_chan *data_pipe_chan(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_flags(c->ch, VMB_CHANNEL_INIT_FLAG_IS_PIPE), 0);
	return c;
}

static struct stand_in_offer *data_pipe_offer(struct core_chan *c)
{
	struct stand_in_offer *o = stand_in_offer_new(hv_host(c->test), &core_type,
						      &c->ch->cfg.instance);

	o->ch.offermsg.offer.chn_flags |= VMBUS_CHANNEL_NAMED_PIPE_MODE;
	return o;
}

static void data_pipe(struct kunit *test)
{
	struct core_chan *c = data_pipe_chan(test);
	struct stand_in_offer *o = data_pipe_offer(c);
	struct hv_pair p = { c, o };
	struct vmbus_ring_desc d;
	struct {
		__le32 type;
		__le32 length;
		char text[16];
	} frame = { cpu_to_le32(1), cpu_to_le32(5), "hello" };

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	stand_in_offer_publish(o);
	core_wait(c, CORE_POST_STARTED_END, 1);
	/* The exact length, which the wire alone does not have */
	KUNIT_ASSERT_EQ(test, stand_in_put(o, VMBUS_RING_INBAND, 0, 0, &frame, 13), 0);
	core_wait(c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->length, 5);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 0)->data, "hello");
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "greetings", 9, NULL, 0), 0);
	memset(&frame, 0, sizeof(frame));
	hv_take(&p, &d, &frame, sizeof(frame));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(frame.type), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(frame.length), 9);
	KUNIT_EXPECT_MEMEQ(test, frame.text, "greetings", 9);
}

/* Packets are not for a consumer of a pipe. */
static void data_pipe_mismatch(struct kunit *test)
{
	struct core_chan *c = data_pipe_chan(test);
	struct stand_in_offer *o = hv_offer(c);

	hv_log_begin();
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_until(c, hv_log_has(dev_name(&o->dev.device), "pipe"));
	KUNIT_EXPECT_EQ(test, o->calls[STAND_IN_OPEN], 0);
}

/* A consumer of packets may have a pipe: it sees the headers. */
static void data_pipe_as_packets(struct kunit *test)
{
	static const __le32 frame[4] = { cpu_to_le32(1), cpu_to_le32(8), 3, 4 };
	struct core_chan *c = hv_chan(test, false, NULL);
	struct stand_in_offer *o = data_pipe_offer(c);

	stand_in_offer_publish(o);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_ASSERT_EQ(test, stand_in_put(o, VMBUS_RING_INBAND, 0, 0, frame, sizeof(frame)), 0);
	core_wait(c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->length, sizeof(frame));
	KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_PACKET, 0)->data, frame, sizeof(frame));
}

/* The data begins where the descriptor says: what is before it is not of it. */
static void data_offset(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	struct {
		struct vmbus_ring_descriptor desc;
		u64 skipped;
		char text[8];
		u64 footer;
	} raw = {
		.desc = {
			.type = cpu_to_le16(VMBUS_RING_INBAND),
			.data_offset8 = cpu_to_le16(3),
			.length8 = cpu_to_le16(4),
			.transaction_id = cpu_to_le64(7),
		},
		.skipped = U64_MAX,
		.text = "the data",
	};

	stand_in_put_raw(p.o, &raw, sizeof(raw));
	core_wait(p.c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_PACKET, 0)->length, sizeof(raw.text));
	KUNIT_EXPECT_MEMEQ(test, core_event(p.c, CORE_PACKET, 0)->data, raw.text,
			   sizeof(raw.text));
}

/* ---- external memory ---- */

static void data_free_pages(void *pages)
{
	free_pages((unsigned long)pages, 2);
}

static u8 *data_pages(struct kunit *test)
{
	u8 *pages = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, data_free_pages, pages), 0);
	return pages;
}

static struct hv_pair data_external(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 4 * PAGE_SIZE, 4),
			0);
	return hv_run(c);
}

/* What the host finds at the addresses that a packet has is what was described. */
static void data_expect_ranges(struct kunit *test, struct hv_pair *p, const u8 *want, u32 length)
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

static void data_gpa_direct(struct kunit *test)
{
	struct hv_pair p = data_external(test);
	u8 *pages = data_pages(test), *want = data_new(test, 4 * PAGE_SIZE, 0);
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

	data_fill(pages, 4 * PAGE_SIZE, 9);
	memcpy(want, pages + 512, mdl.length);
	memcpy(want + mdl.length, pages + 3 * PAGE_SIZE + 24 + 100, 900);
	memcpy(want + mdl.length + 900, pages + 2 * PAGE_SIZE, 2048);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, &mdl, WAIT), 0);
	data_expect_ranges(test, &p, want, total);
	hv_answer(&p, pkt->id, NULL, 0);
	core_wait(p.c, CORE_DONE, 1);
	/* A part of the chain, across its two */
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl
			(pkt, "12345678", 8, &mdl, mdl.length - 300, 1000, WAIT), 0);
	data_expect_ranges(test, &p, want + mdl.length - 300, 1000);
	/* The host has it: it is not given back before its completion. */
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -EBUSY);
	hv_answer(&p, pkt->id, NULL, 0);
	core_wait(p.c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 1)->status, 0);
}

static void data_gpa_direct_limits(struct kunit *test)
{
	struct hv_pair p = data_external(test);
	u8 *pages = data_pages(test);
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
static void data_gpa_direct_link_ends(struct kunit *test)
{
	struct hv_pair p = data_external(test);
	u8 *pages = data_pages(test);
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

static struct kunit_case hv_data_cases[] = {
	KUNIT_CASE(data_request_and_completion),
	KUNIT_CASE(data_transaction_ids),
	KUNIT_CASE(data_message),
	KUNIT_CASE(data_offset),
	KUNIT_CASE(data_sizes),
	KUNIT_CASE(data_ring_limit),
	KUNIT_CASE(data_wraps),
	KUNIT_CASE(data_full_ring),
	KUNIT_CASE(data_completion_waits),
	KUNIT_CASE(data_signals),
	KUNIT_CASE(data_quota),
	KUNIT_CASE(data_passive),
	KUNIT_CASE(data_late_completion),
	KUNIT_CASE(data_pipe),
	KUNIT_CASE(data_pipe_mismatch),
	KUNIT_CASE(data_pipe_as_packets),
	KUNIT_CASE(data_gpa_direct),
	KUNIT_CASE(data_gpa_direct_limits),
	KUNIT_CASE(data_gpa_direct_link_ends),
	{}
};

static struct kunit_suite hv_data_suite = {
	.name = "kmcl_hv_data",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_data_cases,
};

kunit_test_suite(hv_data_suite);
