// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: a host that writes what it likes. Nothing is delivered from it,
 * the channel stops and says why, and nobody else notices.
 */
#include <linux/random.h>
#include <linux/slab.h>

#include "hv_test.h"

/* Raw packets: a descriptor that says so much, and this much published */
struct hostile_packet {
	const char *what;
	u16 type;
	u16 offset8;
	u16 length8;
	u16 flags;
	u32 published;
	const char *fault;		/* the transport's; NULL: found by the core */
};

static const struct hostile_packet hostile_packets[] = {
	{ "unknown type", 0x42, 2, 3, 0, 32, "unknown-type" },
	{ "type 0", 0, 2, 3, 0, 32, "unknown-type" },
	{ "GPA-direct from a host", VMBUS_RING_GPA_DIRECT, 3, 4, 1, 40, "unknown-type" },
	{ "unknown flag", VMBUS_RING_INBAND, 2, 3, 2, 32, "unknown-flags" },
	{ "all flags", VMBUS_RING_INBAND, 2, 3, 0xffff, 32, "unknown-flags" },
	{ "half a descriptor", VMBUS_RING_INBAND, 2, 3, 0, 8, "descriptor-not-published" },
	{ "no bytes at all", VMBUS_RING_INBAND, 2, 0, 0, 32, "payload-past-packet" },
	{ "shorter than its descriptor", VMBUS_RING_INBAND, 2, 1, 0, 32, "payload-past-packet" },
	{ "payload in the descriptor", VMBUS_RING_INBAND, 1, 3, 0, 32,
	  "payload-inside-descriptor" },
	{ "payload at 0", VMBUS_RING_INBAND, 0, 3, 0, 32, "payload-inside-descriptor" },
	{ "payload past the end", VMBUS_RING_INBAND, 4, 3, 0, 32, "payload-past-packet" },
	/* What the iterator would cut to what is there */
	{ "longer than published", VMBUS_RING_INBAND, 2, 4, 0, 24, "packet-not-published" },
	{ "as long as can be", VMBUS_RING_INBAND, 2, 0xffff, 0, 32, "packet-not-published" },
	{ "no footer", VMBUS_RING_INBAND, 2, 3, 0, 24, "footer-not-published" },
	{ "larger than its buffer", VMBUS_RING_INBAND, 2, 1024, 0, 8200,
	  "packet larger than the channel's maximum" },
	{ "transfer pages without a header", VMBUS_RING_XFER_PAGES, 2, 3, 0, 32,
	  "no-range-header" },
	{ "transfer pages of nobody", VMBUS_RING_XFER_PAGES, 4, 5, 1, 48, NULL },
	{ "larger than the consumer's", VMBUS_RING_INBAND, 2, 2 + 65, 0, 16 + 520 + 8, NULL },
	{ "completion never asked for", VMBUS_RING_COMPLETION, 2, 3, 0, 32, NULL },
	{ "completion larger than can be", VMBUS_RING_COMPLETION, 2, 2 + 65, 0, 16 + 520 + 8,
	  NULL },
};

static void hostile_packet_desc(const struct hostile_packet *t, char *desc)
{
	strscpy(desc, t->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hostile_packet, hostile_packets, hostile_packet_desc);

/* One whose packets have up to 512 bytes, in rings of 4 pages */
static struct hv_pair hostile_running(struct kunit *test)
{
	return hv_running_sized(test, 512, 4);
}

/* It stopped, by the host's fault, and says so; its neighbour goes on. */
static void hostile_expect_stopped(struct hv_pair *p, struct hv_pair *other)
{
	struct kunit *test = p->c->test;

	core_wait_life(p->c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p->c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, p->c->ch->stats.faults, 1);
	KUNIT_EXPECT_EQ(test, core_count(p->c, CORE_PACKET), 0);
	KUNIT_EXPECT_TRUE(test, hv_released(p->o));
	hv_expect_works(other);
	/* It can be used again. */
	hv_wait_disabled(p->c);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p->c->ch), 0);
	core_wait(p->c, CORE_POST_STARTED_END, 2);
	hv_expect_works(p);
}

static void hostile_one_packet(struct kunit *test)
{
	const struct hostile_packet *t = test->param_value;
	struct hv_pair p = hostile_running(test), other = hv_running(test, true);
	struct vmbus_ring_descriptor *raw = kunit_kzalloc(test, 8200 + 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, raw);
	raw->type = cpu_to_le16(t->type);
	raw->data_offset8 = cpu_to_le16(t->offset8);
	raw->length8 = cpu_to_le16(t->length8);
	raw->flags = cpu_to_le16(t->flags);
	raw->transaction_id = cpu_to_le64(0xdead);
	/* The link stays until what was wrong with it has been looked at. */
	p.o->hold[STAND_IN_CLOSE] = true;
	stand_in_put_raw(p.o, raw, t->published);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	if (t->fault)
		KUNIT_EXPECT_STREQ(test, p.c->ch->ops->fault(p.c->ch->link), t->fault);
	stand_in_answer(p.o, STAND_IN_CLOSE);
	hostile_expect_stopped(&p, &other);
}

struct hostile_index {
	const char *what;
	bool ours;			/* the index of the ring that the guest writes */
	bool write;
	u32 value;
	const char *fault;
};

static const struct hostile_index hostile_indices[] = {
	{ "in just past the end", false, true, 4 * PAGE_SIZE, "in-out-of-range" },
	{ "in far past the end", false, true, U32_MAX - 7, "in-out-of-range" },
	{ "in unaligned", false, true, 12, "in-unaligned" },
	{ "out just past the end", true, false, 4 * PAGE_SIZE, "out-out-of-range" },
	{ "out far past the end", true, false, U32_MAX - 7, "out-out-of-range" },
	{ "out unaligned", true, false, 4, "out-unaligned" },
	{ "our in moved", true, true, 64, "in-moved-back" },
	{ "our in past the end", true, true, U32_MAX, "in-moved-back" },
};

static void hostile_index_desc(const struct hostile_index *t, char *desc)
{
	strscpy(desc, t->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hostile_index, hostile_indices, hostile_index_desc);

static void hostile_one_index(struct kunit *test)
{
	const struct hostile_index *t = test->param_value;
	struct hv_pair p = hostile_running(test), other = hv_running(test, true);
	struct hv_ring_buffer *ring = t->ours ? p.o->from_guest.host : p.o->to_guest.host;

	p.o->hold[STAND_IN_CLOSE] = true;
	WRITE_ONCE(*(t->write ? &ring->write_index : &ring->read_index), t->value);
	if (t->ours)
		KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(p.c), "12345678", 8, NULL, WAIT),
				-ENODEV);
	else
		stand_in_interrupt(p.o);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	KUNIT_EXPECT_STREQ(test, p.c->ch->ops->fault(p.c->ch->link), t->fault);
	stand_in_answer(p.o, STAND_IN_CLOSE);
	hostile_expect_stopped(&p, &other);
}

/* Which channel it was, and what */
static void hostile_is_named(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p, other = hv_running(test, true);
	u64 garbage[4] = { 0x4242, 0, 0, 0 };

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_friendly_name(c->ch, "hostile-named"), 0);
	p = hv_run(c);
	hv_log_begin();
	stand_in_put_raw(p.o, garbage, sizeof(garbage));
	hostile_expect_stopped(&p, &other);
	KUNIT_EXPECT_TRUE(test, hv_log_has("hostile-named", "stopped: "));
}

/* Completions of what has been completed, of what was never sent, of id 0 */
static void hostile_completions(struct kunit *test)
{
	static const u64 ids[] = { 0, 1, U64_MAX, 0x100000001ULL };
	struct hv_pair p, other = hv_running(test, true);
	struct vmbus_ring_desc d;
	struct vmb_packet *pkt;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ids) + 1; i++) {
		p = hostile_running(test);
		pkt = core_packet(p.c);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, NULL, WAIT), 0);
		hv_take(&p, &d, NULL, 0);
		if (i == ARRAY_SIZE(ids)) {
			hv_answer(&p, d.id, "once", 4);
			hv_answer(&p, d.id, "twice", 5);
		} else {
			hv_answer(&p, ids[i] == d.id ? d.id + 2 : ids[i], "what", 4);
		}
		core_wait(p.c, CORE_DONE, 1);
		KUNIT_EXPECT_EQ(test, core_event(p.c, CORE_DONE, 0)->status,
				i == ARRAY_SIZE(ids) ? 0 : -ENODEV);
		core_packet_free(p.c, pkt);
		hostile_expect_stopped(&p, &other);
	}
}

/* A bad packet between good ones: nothing that is behind it is delivered. */
static void hostile_in_between(struct kunit *test)
{
	struct hv_pair p = hostile_running(test);
	u32 i;

	p.c->complete_inline = true;
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, stand_in_write(p.o, VMBUS_RING_INBAND, 0, i, NULL, 0,
						     "12345678", 8), 0);
	/* Completions that nobody waits for */
	KUNIT_ASSERT_EQ(test, stand_in_write(p.o, VMBUS_RING_COMPLETION, 0, 99, NULL, 0, NULL, 0),
			0);
	KUNIT_ASSERT_EQ(test, stand_in_write(p.o, VMBUS_RING_INBAND, 0, 4, NULL, 0, "12345678", 8),
			0);
	stand_in_publish(p.o);
	stand_in_interrupt(p.o);
	core_wait_life(p.c, "ORPSC");
	KUNIT_EXPECT_LE(test, core_count(p.c, CORE_PACKET), 3);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.faults, 1);
}

/* The host rewrites a packet while it is read. */
static int hostile_do_rewrite(void *offer)
{
	struct stand_in_offer *o = offer;
	struct hv_ring_buffer *ring = o->to_guest.host;
	u32 i;

	for (i = 0; i < 200000 && !READ_ONCE(o->calls[STAND_IN_CLOSE]); i++)
		WRITE_ONCE(*(u16 *)(ring->buffer + 8 * (i % 2048) + 4), i % 5 ? 3 : 0xffff);
	return 0;
}

static void hostile_rewrites(struct kunit *test)
{
	struct hv_pair p = hostile_running(test), other = hv_running(test, true);
	struct core_kthread *t = core_thread_start(test, hostile_do_rewrite, p.o);
	u32 i;

	p.c->complete_inline = true;
	for (i = 0; i < 2000 && !READ_ONCE(p.o->calls[STAND_IN_CLOSE]); i++)
		stand_in_put(p.o, VMBUS_RING_INBAND, 0, i, "12345678", 8);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	/* Whether it was caught or not: it ends, and others go on. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(p.c->ch), 0);
	hv_expect_works(&other);
}

/* A ring full of noise, with any indices, again and again */
static void hostile_noise(struct kunit *test)
{
	struct hv_pair p = hostile_running(test), other = hv_running(test, true);
	struct hv_ring_buffer *in, *out;
	u32 i, stops = 0;

	p.c->complete_inline = true;
	for (i = 0; i < 60; i++) {
		in = p.o->to_guest.host;
		out = p.o->from_guest.host;
		get_random_bytes(in->buffer, 4 * PAGE_SIZE);
		if (i % 2) {
			/* As far as that goes, it makes sense. */
			*(u16 *)in->buffer = VMBUS_RING_INBAND;
			*(u16 *)(in->buffer + 2) = 2;
			*(u16 *)(in->buffer + 6) = 0;
		}
		WRITE_ONCE(in->write_index, (i % 3 ? get_random_u32_below(4 * PAGE_SIZE) & ~7 :
					     get_random_u32()));
		WRITE_ONCE(out->read_index, i % 4 ? 0 : get_random_u32());
		stand_in_interrupt(p.o);
		vmb_packet_send(p.c->packets[0] ?: core_packet(p.c), "12345678", 8, NULL, 0);
		KUNIT_ASSERT_EQ(test, vmb_channel_disable(p.c->ch), 0);
		stops += p.c->ch->stats.faults;
		KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
		core_wait(p.c, CORE_POST_STARTED_END, i + 2);
	}
	KUNIT_EXPECT_GT(test, stops, 0);
	hv_expect_works(&other);
}

/* Signals without end: they only make it look. */
static void hostile_signals(struct kunit *test)
{
	struct hv_pair p = hostile_running(test);
	u32 i;

	for (i = 0; i < 100000; i++)
		stand_in_interrupt(p.o);
	hv_expect_works(&p);
	core_expect_life(p.c, "ORP");
}

/* A host that never reads: the guest queues up to what it may, and no further. */
static void hostile_never_reads(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p;
	u32 i, sent = 0;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, 40), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 512), 0);
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(c->ch, 1, 1), 0);
	p = hv_run(c);
	c->complete_inline = true;
	for (i = 0; i < 40; i++)
		sent += !vmb_packet_send(core_packet(c), p.o, 512, NULL, WAIT);
	KUNIT_EXPECT_EQ(test, sent, 40);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	/* Requests of its own, whose completions do not fit: up to the quota */
	for (i = 0; !stand_in_put(p.o, VMBUS_RING_INBAND, 1, i, "12345678", 8) && i < 4000; i++)
		core_settle(c);
	KUNIT_EXPECT_LE(test, c->ch->nr_completions, VMB_DEFAULT_QUOTA);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 40);
}

static struct kunit_case hv_hostile_cases[] = {
	KUNIT_CASE(hostile_is_named),
	KUNIT_CASE_PARAM(hostile_one_packet, hostile_packet_gen_params),
	KUNIT_CASE_PARAM(hostile_one_index, hostile_index_gen_params),
	KUNIT_CASE(hostile_completions),
	KUNIT_CASE(hostile_in_between),
	KUNIT_CASE(hostile_rewrites),
	KUNIT_CASE(hostile_noise),
	KUNIT_CASE(hostile_signals),
	KUNIT_CASE(hostile_never_reads),
	{}
};

static struct kunit_suite hv_hostile_suite = {
	.name = "kmcl_hv_hostile",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_hostile_cases,
};

kunit_test_suite(hv_hostile_suite);
