// SPDX-License-Identifier: GPL-2.0
/*
 * What is saved besides packets as such, and of channels of all kinds: pipes,
 * clients that take any instance, packets that were deferred, given up, failed.
 */
#include "save_kit.h"

/* Frozen, saved, ended; another one of the same make, restored. */
static struct kit *kinds_over(struct kit *k, bool server, struct kit_stream *s,
			      void (*configure)(struct kit *k))
{
	struct kunit *test = k->test;
	guid_t instance = k->instance;

	kit_freeze(test);
	*s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, server, &instance);
	if (configure)
		configure(k);
	KUNIT_ASSERT_EQ(test, kit_restore(k, s), 0);
	return k;
}

static void kinds_go(struct kit *k)
{
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	KUNIT_EXPECT_EQ(k->test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
}

/* Not delivered: a pause does not wait for it, a save has it, it is the first again. */
static void d12_taken(struct kunit *test)
{
	static const __le32 ranges[6] = {
		cpu_to_le32(0), cpu_to_le32(1), cpu_to_le32(64), 0, cpu_to_le32(7), 0
	};
	struct kit *k = kit_make(test, true, NULL);
	guid_t instance = k->instance;
	struct kit_stream s;

	core_run(k->c);
	k->c->link->bus->gpa_wait = true;
	KUNIT_ASSERT_EQ(test, fake_put(k->c->link, KMCL_PACKET_GPA_DIRECT,
				       KMCL_PACKET_WANTS_COMPLETION, 1, ranges, sizeof(ranges),
				       "first", 6), 0);
	core_wait(k->c, CORE_PACKET, 1);
	core_peer_request(k->c, 2, "second", 7);
	core_settle(k->c);
	/* Paused and not frozen: saved all the same */
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_taken, 2);
	s = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), 6);
	kit_end(k);
	k = kit_make(test, true, &instance);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	core_enable(k->c);
	core_wait(k->c, CORE_OPENED, 1);
	core_peer_request(k->c, 3, "third", 6);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_PACKET), 0);
	vmb_channel_start(k->c->ch);
	core_wait(k->c, CORE_PACKET, 3);
	KUNIT_EXPECT_GT(test, core_index(k->c, CORE_PACKET, 0), core_index(k->c, CORE_STARTED, 0));
	KUNIT_EXPECT_STREQ(test, (char *)core_event(k->c, CORE_PACKET, 0)->data, "first");
	KUNIT_EXPECT_STREQ(test, (char *)core_event(k->c, CORE_PACKET, 1)->data, "second");
	KUNIT_EXPECT_STREQ(test, (char *)core_event(k->c, CORE_PACKET, 2)->data, "third");
}

/* Deferred when it was saved: delivered where it may sleep. */
static void d12_deferred(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct kmcl_save_received *rec;
	struct kit_stream s;
	u32 n;

	kit_freeze(test);
	s = kit_save(k, 4096);
	kit_session_close(test);
	kit_end(k);
	for (n = 3; n < 3 + KIT_TAKEN; n++) {
		rec = (void *)(kit_chunk(&s, n) + 1);
		rec->flags |= cpu_to_le32(KMCL_SAVED_DEFERRED);
		kit_seal(kit_chunk(&s, n));
	}
	k = kit_make(test, true, &instance);
	KUNIT_ASSERT_EQ(test, kit_restore(k, &s), 0);
	/* Saved once more it is still deferred. */
	s = kit_save(k, 4096);
	rec = (void *)(kit_chunk(&s, 3) + 1);
	KUNIT_EXPECT_TRUE(test, rec->flags & cpu_to_le32(KMCL_SAVED_DEFERRED));
	kinds_go(k);
	core_wait(k->c, CORE_PACKET, KIT_TAKEN);
	KUNIT_EXPECT_TRUE(test, core_event(k->c, CORE_PACKET, 0)->in_task);
	KUNIT_EXPECT_TRUE(test, core_event(k->c, CORE_PACKET, 1)->in_task);
}

struct kinds_pipe {
	__le32 type;
	__le32 length;
	char data[16];
};

static void kinds_put_pipe(struct kit *k, u64 id, const char *text)
{
	struct kinds_pipe pipe = { .type = cpu_to_le32(1), .length = cpu_to_le32(strlen(text)) };

	strscpy(pipe.data, text, sizeof(pipe.data));
	core_peer_request(k->c, id, &pipe, 8 + strlen(text));
}

static void kinds_is_pipe(struct kit *k)
{
	KUNIT_ASSERT_EQ(k->test, vmb_channel_init_set_flags(k->c->ch,
							    VMB_CHANNEL_INIT_FLAG_IS_PIPE), 0);
	k->received_need = 0;
}

/* The pipe's header is neither in what is saved nor in what comes back. */
static void kinds_pipe(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	const struct kmcl_save_received *rec;
	struct vmb_packet *pkt;
	struct fake_packet *p;
	struct kit_stream s;

	kinds_is_pipe(k);
	core_run(k->c);
	kinds_put_pipe(k, 1, "held");
	kinds_put_pipe(k, 2, "answered");
	core_wait(k->c, CORE_PACKET, 2);
	KUNIT_EXPECT_EQ(test, core_event(k->c, CORE_PACKET, 0)->length, 4);
	fake_set_room(k->c->link, 0);
	vmb_channel_packet_complete(core_received(k->c, 1), "the answer", 10);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "queued", 6, NULL, 0), 0);
	k = kinds_over(k, true, &s, kinds_is_pipe);
	rec = (void *)(kit_chunk(&s, 3) + 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->payload_len), 4);
	KUNIT_EXPECT_MEMEQ(test, rec + 1, "held", 4);
	rec = (void *)(kit_chunk(&s, 4) + 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(rec->payload_len), 10);
	KUNIT_EXPECT_MEMEQ(test, rec + 1, "the answer", 10);
	KUNIT_EXPECT_MEMEQ(test, kmcl_received_payload(k->received[0]), "held", 4);
	kinds_go(k);
	p = core_take(k->c);
	KUNIT_EXPECT_EQ(test, p->id, 2);
	KUNIT_EXPECT_MEMEQ(test, p->data, "the answer", 10);
	p = core_take(k->c);
	KUNIT_EXPECT_EQ(test, *(__le32 *)p->data, cpu_to_le32(1));
	KUNIT_EXPECT_MEMEQ(test, p->data + 8, "queued", 6);
	vmb_channel_packet_complete(k->received[0], "more", 4);
	p = core_take(k->c);
	KUNIT_EXPECT_EQ(test, p->id, 1);
	KUNIT_EXPECT_MEMEQ(test, p->data, "more", 4);
}

/* Given up before: its late completion is still known for what it is, and once. */
static void kinds_late(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt;
	struct kit_stream s;
	u64 id;

	core_run(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	id = pkt->id;
	KUNIT_ASSERT_EQ(test, vmb_packet_cancel(pkt), 0);
	k = kinds_over(k, true, &s, NULL);
	KUNIT_EXPECT_EQ(test, k->c->ch->late, 1);
	kinds_go(k);
	core_peer_answer(k->c, id, NULL, 0);
	core_peer_request(k->c, 9, "after", 6);
	core_wait(k->c, CORE_PACKET, 1);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.late, 1);
	core_expect_life(k->c, "ORP");
	/* A second one belongs to nobody. */
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	core_peer_answer(k->c, id, NULL, 0);
	core_wait_life(k->c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(k->c->ch), VMB_STOP_MALFORMED);
}

/* Receiving had been stopped by the consumer: it is until the next open. */
static void kinds_failed(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kit_stream s;

	core_run(k->c);
	core_peer_request(k->c, 1, "bad", 4);
	core_wait(k->c, CORE_PACKET, 1);
	KUNIT_ASSERT_EQ(test, vmb_channel_packet_fail(core_received(k->c, 0)), 0);
	k = kinds_over(k, true, &s, NULL);
	kinds_go(k);
	core_peer_request(k->c, 2, "next", 5);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_PACKET), 0);
	fake_close(k->c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(k->c, "ORPSC");
	core_settle(k->c);
	core_open(k->c);
	core_wait(k->c, CORE_PACKET, 1);
}

/* The quota comes with it, and what is above it is kept. */
static void kinds_quota(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream s;
	u32 i;

	vmb_channel_set_transaction_quota(k->c->ch, 2);
	k = kinds_over(k, true, &s, NULL);
	KUNIT_EXPECT_EQ(test, k->c->ch->quota, 2);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_slots, KIT_TAKEN + KIT_RECEIVED + KIT_COMPLETIONS);
	kinds_go(k);
	core_peer_request(k->c, 200, "more", 5);
	core_wait(k->c, CORE_PACKET, KIT_TAKEN);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_PACKET), KIT_TAKEN);
	/* Two above it were to go, and the completion went at once: three more do. */
	for (i = 0; i < KIT_RECEIVED; i++)
		vmb_channel_packet_complete(k->received[i], NULL, 0);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_PACKET), KIT_TAKEN);
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	core_wait(k->c, CORE_PACKET, KIT_TAKEN + 1);
}

/* A client that takes any instance finds the state of the one it had. */
static void kinds_any_instance(struct kunit *test)
{
	struct kit *k = kit_make(test, false, &guid_null);
	struct core_chan *other;
	guid_t given, found;

	core_run(k->c);
	vmb_channel_get_interface_instance(k->c->ch, &given);
	KUNIT_EXPECT_FALSE(test, guid_is_null(&given));
	kit_populate(k);
	kit_hand_over(test);
	kit_session_close(test);
	k->c->env->fb->orphan = k->c->env->fb->next_token;
	k->c->env->fb->nr_reserved--;
	kit_end(k);
	/* Another type's is not it. */
	other = core_client(test);
	core_enable(other);
	KUNIT_EXPECT_FALSE(test, other->link->params.adopt);
	k = kit_make(test, false, &guid_null);
	k->c->env->fb->orphan = 0;
	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, k->nr_packets, KIT_PACKETS);
	/* And the link with it */
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
	vmb_channel_get_interface_instance(k->c->ch, &found);
	KUNIT_EXPECT_TRUE(test, guid_equal(&found, &given));
	core_wait_life(k->c, "ORP");
}

/* A closed channel's state: nothing to adopt, what was queued is sent. */
static void kinds_closed(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt;
	struct kit_stream s;

	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "queued", 6, NULL, 0), 0);
	k = kinds_over(k, true, &s, NULL);
	core_enable(k->c);
	KUNIT_EXPECT_FALSE(test, k->c->link->params.adopt);
	vmb_channel_start(k->c->ch);
	core_settle(k->c);
	core_expect_life(k->c, "");
	core_open(k->c);
	core_wait_life(k->c, "ORP");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_NEW);
	KUNIT_EXPECT_MEMEQ(test, core_take(k->c)->data, "queued", 6);
}

static struct kunit_case save_kinds_cases[] = {
	KUNIT_CASE(d12_taken),
	KUNIT_CASE(d12_deferred),
	KUNIT_CASE(kinds_pipe),
	KUNIT_CASE(kinds_late),
	KUNIT_CASE(kinds_failed),
	KUNIT_CASE(kinds_quota),
	KUNIT_CASE(kinds_any_instance),
	KUNIT_CASE(kinds_closed),
	{}
};

static struct kunit_suite save_kinds_suite = {
	.name = "kmcl_save_kinds",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = save_kinds_cases,
};

kunit_test_suite(save_kinds_suite);
