// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving from a peer that breaks the rules: whatever it puts into the ring
 * stops that one channel, with its reason, counted; nothing is delivered from
 * it, and no other channel notices. And pipe mode, whose header is one rule more.
 */
#include "core_test.h"

struct fault_case {
	const char *name;
	u16 type;
	u16 flags;
	u64 id;
	u32 header_len;
	u32 payload_len;
	bool pipe;
	bool real_id;			/* of a packet that waits for its completion */
	__le32 words[12];		/* header, then payload */
};

#define W(x) cpu_to_le32(x)

static const struct fault_case fault_cases[] = {
	{ "unknown type", 0x42, 0 },
	{ "transfer pages", 0x7, 0 },
	{ "unknown flag", KMCL_PACKET_INBAND, 2 },
	{ "unknown flags beside a known", KMCL_PACKET_INBAND, 0x8001 },
	{ "larger than the maximum", KMCL_PACKET_INBAND, 1, .payload_len = 72 },
	{ "ranges larger than any", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 4096 },
	{ "no range header", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 0 },
	{ "no range", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 8 },
	{ "more ranges than it has room for", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 24,
	  .words = { 0, W(2), W(16), 0, W(7), 0 } },
	{ "more ranges than the limit", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 40,
	  .words = { 0, W(3), W(16), 0, W(7), 0, W(16), 0, W(8), 0 } },
	{ "a range of no length", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 24,
	  .words = { 0, W(1), 0, 0, W(7), 0 } },
	{ "a range that overflows", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 24,
	  .words = { 0, W(1), W(0xfffffff0), W(0xfff), W(7), 0 } },
	{ "a range beyond the limit", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 32,
	  .words = { 0, W(1), W(8192 + 8), 0, W(7), 0, W(8), 0 } },
	{ "a range offset beyond its page", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 24,
	  .words = { 0, W(1), W(16), W(4096), W(7), 0 } },
	{ "a range with too few pages", KMCL_PACKET_GPA_DIRECT, 1, .header_len = 24,
	  .words = { 0, W(1), W(5000), 0, W(7), 0 } },
	{ "completion of id 0", KMCL_PACKET_COMPLETION, 0, 0 },
	{ "completion of what was not sent yet", KMCL_PACKET_COMPLETION, 0, 0x200000 },
	{ "completion of a slot beyond the table", KMCL_PACKET_COMPLETION, 0, 0x1fffff },
	{ "completion of an address", KMCL_PACKET_COMPLETION, 0, 0xffff888012345678 },
	{ "completion with unknown flags", KMCL_PACKET_COMPLETION, 4,
	  .real_id = true },
	{ "completion larger than the maximum", KMCL_PACKET_COMPLETION, 0,
	  .real_id = true, .payload_len = 72 },
	{ "pipe without its header", KMCL_PACKET_INBAND, 1, .pipe = true },
	{ "pipe with half a header", KMCL_PACKET_INBAND, 1, .pipe = true, .payload_len = 4 },
	{ "pipe of another type", KMCL_PACKET_INBAND, 1, .pipe = true, .payload_len = 16,
	  .words = { W(2), W(8) } },
	{ "pipe longer than the packet", KMCL_PACKET_INBAND, 1, .pipe = true, .payload_len = 16,
	  .words = { W(1), W(9) } },
	{ "pipe with a length that wraps", KMCL_PACKET_INBAND, 1, .pipe = true,
	  .payload_len = 16, .words = { W(1), W(0xffffffff) } },
	{ "pipe longer than the maximum", KMCL_PACKET_INBAND, 1, .pipe = true,
	  .payload_len = 72, .words = { W(1), W(61) } },
};

static void fault_desc(const struct fault_case *f, char *desc)
{
	strscpy(desc, f->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fault, fault_cases, fault_desc);

static void fault_malformed(struct kunit *test)
{
	const struct fault_case *f = test->param_value;
	struct core_chan *c = core_server(test), *other = core_server_running(test);
	u8 *bytes = kunit_kzalloc(test, 8192, GFP_KERNEL);
	struct vmb_packet *pkt;
	u64 sent;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memcpy(bytes, f->words, sizeof(f->words));
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_flags(c->ch, f->pipe ?
							 VMB_CHANNEL_INIT_FLAG_IS_PIPE : 0), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 60), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 8192, 2), 0);
	core_run(c);
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	sent = core_take(c)->id;
	KUNIT_ASSERT_NE(test, sent, f->id);

	KUNIT_ASSERT_EQ(test, fake_put(c->link, f->type, f->flags, f->real_id ? sent : f->id, bytes,
				       f->header_len, bytes + f->header_len, f->payload_len), 0);
	core_wait_life(c, "ORPSC");
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	/* What we had asked ends with the link. */
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);

	core_peer_request(other, 1, "y", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(other, 0), NULL, 0), 0);
	core_take(other);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(other->ch), VMB_STOP_NONE);
	KUNIT_EXPECT_EQ(test, other->ch->stats.faults, 0);
}

/* The largest that is allowed, so that the cases above are the first that are not */
static void fault_not(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	__le32 ranges[] = { 0, W(2), W(4096), W(4095), W(7), 0, W(8), 0, W(4096), 0, W(9), 0 };
	u8 payload[60] = { };

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 60), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 8192, 2), 0);
	core_run(c);
	core_peer_request(c, 1, payload, sizeof(payload));
	KUNIT_ASSERT_EQ(test, fake_put(c->link, KMCL_PACKET_GPA_DIRECT, 1, 2, ranges,
				       sizeof(ranges), payload, sizeof(payload)), 0);
	core_wait(c, CORE_PACKET, 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 1)->flags,
			VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 1)->length, 64);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 0);
}

/* A channel without external data takes none. */
static void fault_external_unasked(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	__le32 ranges[] = { 0, W(1), W(16), 0, W(7), 0 };

	KUNIT_ASSERT_EQ(test, fake_put(c->link, KMCL_PACKET_GPA_DIRECT, 1, 2, ranges,
				       sizeof(ranges), NULL, 0), 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 0);
}

static void fault_incoming_ring(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	c->link->rx_corrupt = true;
	kmcl_channel_interrupt(c->ch);
	core_wait(c, CORE_SUSPEND, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	/* Closed waits for what is held, and its completion goes nowhere. */
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_CLOSED), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
}

static void fault_outgoing_ring(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c), *sent = core_packet(c);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(sent, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	c->link->tx_corrupt = true;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ENODEV);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 1);
	/* Refused is refused: its routine was not called, that of the other was. */
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_PTR_EQ(test, core_event(c, CORE_DONE, 0)->object, (void *)sent);
}

static void fault_outgoing_ring_queued(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	u32 i;

	fake_set_room(c->link, 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL, 0), 0);
	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	c->link->tx_corrupt = true;
	kmcl_channel_interrupt(c->ch);
	core_wait_life(c, "ORPSC");
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 0);
}

static void fault_wait_in_post_started(struct core_chan *c)
{
	if (core_count(c, CORE_POST_STARTED) == 1)
		c->priv = ERR_PTR(vmb_channel_send_synchronous_request
				  (c->ch, "x", 1, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION,
				   NULL, NULL, NULL));
}

/* The fault must end what PostStarted waits for, or nothing ever would (D7). */
static void d07_fault_while_post_started_waits(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->on_post_started = fault_wait_in_post_started;
	core_enable(c);
	core_open(c);
	core_take(c);
	core_peer_answer(c, 0x1234500000, NULL, 0);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), -ENODEV);
}

static void fault_then_open_anew(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct fake_packet *p;

	KUNIT_ASSERT_EQ(test, fake_put(c->link, 0x42, 0, 1, NULL, 0, NULL, 0), 0);
	core_wait(c, CORE_CLOSED, 1);
	core_settle(c);
	/* The peer's new ring does not have it any more. */
	c->link->nr_in = 0;
	p = list_first_entry(&c->link->in, struct fake_packet, node);
	list_move(&p->node, &c->env->taken);
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
}

static struct core_chan *pipe_channel(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_flags(c->ch, VMB_CHANNEL_INIT_FLAG_IS_PIPE), 0);
	core_run(c);
	return c;
}

/* Its header is not the consumer's, and the length is exact. */
static void pipe_receive(struct kunit *test)
{
	struct core_chan *c = pipe_channel(test);
	struct core_record *r;
	u8 payload[24] = { 1, 0, 0, 0, 13, 0, 0, 0, 't', 'h', 'i', 'r', 't', 'e', 'e', 'n', ' ',
			   'b', 'y', 't', 'e', 0xff, 0xff, 0xff };
	struct fake_packet *p;

	core_peer_request(c, 1, payload, sizeof(payload));
	core_wait(c, CORE_PACKET, 1);
	r = core_event(c, CORE_PACKET, 0);
	KUNIT_EXPECT_EQ(test, r->length, 13);
	KUNIT_EXPECT_MEMEQ(test, r->data, "thirteen byte", 13);
	/* Completions carry none. */
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(r->object, "done", 4), 0);
	p = core_take(c);
	KUNIT_ASSERT_EQ(test, p->payload_len, 8);
	KUNIT_EXPECT_MEMEQ(test, p->data, "done\0\0\0\0", 8);
	/* Nothing at all may be in it. */
	payload[4] = 0;
	core_peer_request(c, 2, payload, 8);
	core_wait(c, CORE_PACKET, 2);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 1)->length, 0);
}

static void pipe_send(struct kunit *test)
{
	struct core_chan *c = pipe_channel(test);
	static const u8 expected[16] = { 1, 0, 0, 0, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o' };
	struct vmb_packet *pkt = core_packet(c);
	struct fake_packet *p;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "hello", 5, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	p = core_take(c);
	KUNIT_ASSERT_EQ(test, p->payload_len, 16);
	KUNIT_EXPECT_MEMEQ(test, p->data, expected, 16);
	core_peer_answer(c, p->id, "plain", 5);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->length, 8);
	KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_DONE, 0)->data, "plain", 5);
}

static struct kunit_case fault_suite_cases[] = {
	KUNIT_CASE_PARAM(fault_malformed, fault_gen_params),
	KUNIT_CASE(fault_not),
	KUNIT_CASE(fault_external_unasked),
	KUNIT_CASE(fault_incoming_ring),
	KUNIT_CASE(fault_outgoing_ring),
	KUNIT_CASE(fault_outgoing_ring_queued),
	KUNIT_CASE(d07_fault_while_post_started_waits),
	KUNIT_CASE(fault_then_open_anew),
	KUNIT_CASE(pipe_receive),
	KUNIT_CASE(pipe_send),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "kmcl_receive_fault",
	.init = core_init,
	.exit = core_exit,
	.test_cases = fault_suite_cases,
};

kunit_test_suite(fault_suite);
