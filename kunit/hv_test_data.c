// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: packets through the rings of hv_vmbus, both ways.
 */
#include <linux/slab.h>

#include "hv_test.h"

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
	u8 *seen = hv_data(test, 8192, 0);
	struct vmb_packet *pkt = core_packet(p.c);
	struct vmbus_ring_desc d;
	u32 i, n, padded;
	u8 *data;

	p.c->complete_inline = true;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		padded = ALIGN(n, 8);
		data = hv_data(test, n, i);
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
	u8 *data = hv_data(test, 8192, 1), *seen = hv_data(test, 8192, 0);
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
	u8 *data = hv_data(test, 600, 0), *seen = hv_data(test, 600, 0);
	struct vmb_packet *pkt = core_packet(p.c);
	struct vmbus_ring_desc d;
	u32 i, n, wrong = 0;

	p.c->complete_inline = true;
	for (i = 0; i < 1000; i++) {
		n = 1 + (i * 37) % 600;
		hv_fill(data, n, i);
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
	u8 *data = hv_data(test, 512, 0);

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
	u8 *data = hv_data(test, 512, 3);
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
	{}
};

static struct kunit_suite hv_data_suite = {
	.name = "kmcl_hv_data",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_data_cases,
};

kunit_test_suite(hv_data_suite);
