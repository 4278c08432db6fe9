// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: save and restore. The link is reset: what was sent is cancelled
 * for the consumer to send again, what was received is stale; all is counted,
 * nothing is silently gone.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "hv_test.h"
#include "save_kit.h"
#include "session.h"
#include "transport/hv.h"

/* In flight: all that fits the ring is sent, the rest queued. */
#define RESET_PACKETS	1200
#define RESET_RECEIVED	64
#define RESET_STREAM	(RESET_PACKETS * 512)

/* A consumer of many packets: core_chan.priv */
struct reset {
	struct core_chan *c;
	u32 restored;
	u32 nr_received;
	struct vmb_packet_completion *received[RESET_RECEIVED];
	atomic_t ended;
	atomic_t canceled;
	atomic_t gone;
	u32 wrong;
};

static struct reset *reset_of(struct vmb_channel *ch)
{
	return ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;
}

static void reset_ended(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct reset *r = reset_of(vmb_packet_get_channel(pkt));

	if (status == -ECANCELED)
		atomic_inc(&r->canceled);
	if (status == -ENODEV)
		atomic_inc(&r->gone);
	vmb_packet_free(pkt);
	atomic_inc(&r->ended);
	wake_up_all(&r->c->wait);
}

static int reset_save_packet(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer, u32 size,
			     u32 *bytes_needed)
{
	return 0;
}

static int reset_restore_packet(struct vmb_channel *ch, const void *lib, u32 lib_size,
				const void *buffer, u32 size)
{
	const struct kmcl_save_packet *rec = lib;
	struct vmb_packet *pkt = vmb_packet_allocate(ch);
	struct reset *r = reset_of(ch);
	int ret;

	if (!pkt)
		return -ENOMEM;
	vmb_packet_set_completion_routine(pkt, reset_ended);
	/* In the order of sending */
	r->wrong += *(const u32 *)(rec + 1) != r->restored;
	ret = vmb_packet_restore(pkt, lib, lib_size);
	if (ret)
		vmb_packet_free(pkt);
	else
		r->restored++;
	return ret;
}

static int reset_save_received(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			       void *buffer, u32 size, u32 *bytes_needed)
{
	return 0;
}

static int reset_restore_received(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				  void *payload, u32 length, u32 flags, const void *buffer,
				  u32 size)
{
	struct reset *r = reset_of(ch);

	if (r->nr_received == RESET_RECEIVED)
		return -ENOSPC;
	r->received[r->nr_received++] = pkt;
	return 0;
}

static struct reset *reset_new(struct kunit *test, bool server, const guid_t *instance)
{
	struct reset *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct vmb_channel *ch;

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->c = hv_chan(test, server, instance);
	r->c->priv = r;
	ch = r->c->ch;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch, 64), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch, RESET_PACKETS), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(ch, reset_save_packet, reset_restore_packet), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_received_callbacks
			(ch, reset_save_received, reset_restore_received), 0);
	return r;
}

/* In flight: RESET_PACKETS of its own, RESET_RECEIVED of the host's */
static void reset_populate(struct hv_pair *p, u32 sent, u32 received)
{
	struct kunit *test = p->c->test;
	struct vmb_packet *pkt;
	u32 payload[16] = {};
	u32 i;

	for (i = 0; i < sent; i++) {
		pkt = vmb_packet_allocate(p->c->ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		vmb_packet_set_completion_routine(pkt, reset_ended);
		payload[0] = i;
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, payload, sizeof(payload), NULL, WAIT),
				0);
	}
	for (i = 0; i < received; i++)
		KUNIT_ASSERT_EQ(test, stand_in_put(p->o, VMBUS_RING_INBAND, 1, 5000 + i, payload,
						   8), 0);
	core_wait(p->c, CORE_PACKET, received);
}

static void reset_vfree(void *stream)
{
	vfree(stream);
}

/* All of the channel's state; it is frozen. */
static u32 reset_save(struct kunit *test, struct vmb_channel *ch, u8 **stream)
{
	u32 filled, required, length = 0;
	int ret;

	*stream = vmalloc(RESET_STREAM);
	KUNIT_ASSERT_NOT_NULL(test, *stream);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, reset_vfree, *stream), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	do {
		ret = vmb_channel_save_continue(ch, *stream + length,
						min_t(u32, 16384, RESET_STREAM - length), &filled,
						&required);
		length += filled;
	} while (ret == -EOVERFLOW);
	vmb_channel_save_end(ch);
	KUNIT_ASSERT_EQ(test, ret, 0);
	return length;
}

static bool reset_all_ended(struct reset *r, u32 n)
{
	return wait_event_timeout(r->c->wait, atomic_read(&r->ended) >= n, CORE_TIMEOUT);
}

/*
 * As over a kexec: frozen and saved; the old kernel's link is gone with it, the
 * same instance is offered to the next one, whose consumer finds its state.
 */
static void reset_in_flight(struct kunit *test, bool server)
{
	struct reset *r = reset_new(test, server, NULL), *next;
	u32 i, seen[16], length, sent, queued, completions;
	struct hv_pair p = hv_run(r->c);
	guid_t instance = r->c->ch->cfg.instance;
	struct vmb_packet *again;
	struct vmbus_ring_desc d;
	u8 *stream;

	reset_populate(&p, RESET_PACKETS, RESET_RECEIVED);
	kit_freeze(test);
	length = reset_save(test, r->c->ch, &stream);
	sent = r->c->ch->nr_sent;
	queued = r->c->ch->nr_queued;
	completions = r->c->ch->nr_completions;
	KUNIT_EXPECT_EQ(test, sent + queued, RESET_PACKETS);
	KUNIT_EXPECT_GT(test, queued, 0);
	kit_session_close(test);
	core_chan_end(r->c);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->gone), RESET_PACKETS);
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));

	next = reset_new(test, server, &instance);
	p.c = next->c;
	KUNIT_ASSERT_EQ(test, vmb_channel_restore_from_buffer(p.c->ch, stream, length), 0);
	KUNIT_EXPECT_EQ(test, next->restored, RESET_PACKETS);
	KUNIT_EXPECT_EQ(test, next->nr_received, RESET_RECEIVED);
	KUNIT_EXPECT_EQ(test, next->wrong, 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	/* Those that the host may have seen are the consumer's to send again. */
	KUNIT_EXPECT_TRUE(test, reset_all_ended(next, sent));
	vmb_channel_start(p.c->ch);
	core_wait(p.c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(p.c->ch), VMB_LINK_RESET);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_LINK_RESET);
	KUNIT_EXPECT_EQ(test, atomic_read(&next->canceled), sent);
	/* Those that never were in the ring go now, in their order. */
	for (i = 0; i < queued; i++) {
		hv_take(&p, &d, seen, sizeof(seen));
		KUNIT_ASSERT_EQ(test, seen[0], sent + i);
		hv_answer(&p, d.id, NULL, 0);
	}
	KUNIT_EXPECT_TRUE(test, reset_all_ended(next, RESET_PACKETS));
	KUNIT_EXPECT_EQ(test, atomic_read(&next->canceled), sent);
	KUNIT_EXPECT_EQ(test, atomic_read(&next->gone), 0);
	/* Nobody waits for the answers to what was received. */
	for (i = 0; i < RESET_RECEIVED; i++)
		KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(next->received[i], "x", 1), 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.stale, RESET_RECEIVED + completions);
	KUNIT_EXPECT_EQ(test, p.c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, stand_in_take(p.o, &d, NULL, 0, NULL, 0), -EAGAIN);
	again = core_packet(p.c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(again, "again", 5, NULL, 0), 0);
	hv_take(&p, &d, NULL, 0);
	hv_expect_works(&p);
}

static void reset_in_flight_client(struct kunit *test)
{
	reset_in_flight(test, false);
}

static void reset_in_flight_server(struct kunit *test)
{
	reset_in_flight(test, true);
}

/* The host answers a transaction of the old link: it is nobody's on the new one. */
static void reset_old_answer(struct kunit *test)
{
	struct reset *r = reset_new(test, false, NULL), *next;
	struct hv_pair p = hv_run(r->c);
	guid_t instance = r->c->ch->cfg.instance;
	struct vmbus_ring_desc d;
	u32 length;
	u8 *stream;

	reset_populate(&p, 1, 0);
	hv_take(&p, &d, NULL, 0);
	kit_freeze(test);
	length = reset_save(test, r->c->ch, &stream);
	kit_session_close(test);
	core_chan_end(r->c);
	next = reset_new(test, false, &instance);
	p.c = next->c;
	KUNIT_ASSERT_EQ(test, vmb_channel_restore_from_buffer(p.c->ch, stream, length), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	core_wait(p.c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_TRUE(test, reset_all_ended(next, 1));
	hv_answer(&p, d.id, "old", 3);
	core_wait(p.c, CORE_CLOSED, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_MALFORMED);
}

/* A freeze that is undone: nothing happened to the link. */
static void reset_freeze_undone(struct kunit *test)
{
	struct reset *r = reset_new(test, false, NULL);
	struct hv_pair p = hv_run(r->c);
	struct vmbus_ring_desc d;
	u32 i, seen[16];
	u8 *stream;

	reset_populate(&p, 300, 3);
	kit_freeze(test);
	reset_save(test, r->c->ch, &stream);
	kit_session_close(test);
	for (i = 0; i < 300; i++) {
		hv_take(&p, &d, seen, sizeof(seen));
		KUNIT_ASSERT_EQ(test, seen[0], i);
		hv_answer(&p, d.id, NULL, 0);
	}
	KUNIT_EXPECT_TRUE(test, reset_all_ended(r, 300));
	KUNIT_EXPECT_EQ(test, atomic_read(&r->canceled) + atomic_read(&r->gone), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(p.c, i), NULL, 0),
				0);
	hv_take(&p, &d, NULL, 0);
	KUNIT_EXPECT_EQ(test, d.id, 5000);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_CLOSE], 0);
}

/* Handed over in this kernel, as when a module is replaced: read, committed, taken in. */
static void reset_handed_over(struct kunit *test)
{
	struct reset *r = reset_new(test, true, NULL), *next;
	struct hv_pair p = hv_run(r->c);
	guid_t instance = r->c->ch->cfg.instance;
	struct kit_stream set;
	u32 i;

	reset_populate(&p, 20, 4);
	set = kit_hand_over(test);
	KUNIT_EXPECT_TRUE(test, reset_all_ended(r, 20));
	KUNIT_EXPECT_EQ(test, p.c->ch->state, KMCL_PARKED);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_HANDED_OVER);
	kit_session_close(test);
	core_chan_end(r->c);
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	kmcl_store_drop();
	KUNIT_ASSERT_EQ(test, kit_take_in(test, &set, 4096), 0);
	next = reset_new(test, true, &instance);
	p.c = next->c;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	vmb_channel_start(p.c->ch);
	core_wait(p.c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(p.c->ch), VMB_LINK_RESET);
	KUNIT_EXPECT_TRUE(test, reset_all_ended(next, 20));
	KUNIT_EXPECT_EQ(test, atomic_read(&next->canceled), 20);
	KUNIT_EXPECT_EQ(test, next->nr_received, 4);
	for (i = 0; i < 4; i++)
		vmb_channel_packet_complete(next->received[i], NULL, 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.stale, 4);
	hv_expect_works(&p);
}

static int reset_do_commit(void *session)
{
	return kmcl_session_commit(session);
}

/* Published memory is the host's until the link is closed, parked or not. */
static void reset_published(struct kunit *test)
{
	struct hv_pair p = hv_run(reset_new(test, false, NULL)->c);
	struct kmcl_hv_end *end = p.c->ch->link;
	struct core_kthread *t;
	void *page = hv_pages(test);
	u32 handle;

	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(p.c->ch, 0, page, PAGE_SIZE,
								   &handle), 0);
	kit_freeze(test);
	kit_read_set(test);
	p.o->hold[STAND_IN_CLOSE] = true;
	t = core_thread_start(test, reset_do_commit, kit_session_now());
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	core_until(p.c, core_thread_ended(t) || wq_has_sleeper(&end->wait));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	stand_in_answer(p.o, STAND_IN_CLOSE);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, p.o->gpadls[0].gpadl_handle, 0);
	kit_session_close(test);
	kmcl_store_drop();
}

/* ---- the host takes its offer back meanwhile ---- */

/* Between save_begin and save_end: noted, told, and done after it */
static void rescind_during_save(struct kunit *test)
{
	struct reset *r = reset_new(test, true, NULL);
	struct hv_pair p = hv_run(r->c);
	u32 filled, required, i;
	int ret;
	u8 *buffer;

	reset_populate(&p, 50, 2);
	buffer = kunit_kzalloc(test, 16384, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(p.c->ch), 0);
	ret = vmb_channel_save_continue(p.c->ch, buffer, 1024, &filled, &required);
	KUNIT_EXPECT_EQ(test, ret, -EOVERFLOW);
	stand_in_rescind(p.o);
	core_until(p.c, vmb_channel_save_continue(p.c->ch, buffer, 1024, &filled, &required) ==
			-ENODEV);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_CLOSE], 0);
	KUNIT_EXPECT_FALSE(test, p.o->gone);
	vmb_channel_save_end(p.c->ch);
	kit_session_close(test);
	for (i = 0; i < 2; i++)
		vmb_channel_packet_complete(core_received(p.c, i), NULL, 0);
	core_wait_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->gone), 50);
}

/* While it is frozen: it closes once that is over. */
static void rescind_while_frozen(struct kunit *test)
{
	struct reset *r = reset_new(test, true, NULL);
	struct hv_pair p = hv_run(r->c);

	reset_populate(&p, 50, 0);
	kit_freeze(test);
	stand_in_rescind(p.o);
	core_until(p.c, READ_ONCE(p.c->ch->link_down));
	core_settle(p.c);
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_CLOSE], 0);
	kit_session_close(test);
	core_wait_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->gone), 50);
}

/* Restored, and gone while the open is under way; there is another offer. */
static void rescind_during_restore(struct kunit *test)
{
	struct reset *r = reset_new(test, true, NULL), *next;
	struct hv_pair p = hv_run(r->c);
	guid_t instance = r->c->ch->cfg.instance;
	u32 length;
	u8 *stream;

	reset_populate(&p, 50, 2);
	kit_freeze(test);
	length = reset_save(test, r->c->ch, &stream);
	kit_session_close(test);
	core_chan_end(r->c);
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	next = reset_new(test, true, &instance);
	p.c = next->c;
	p.o->hold[STAND_IN_OPEN] = true;
	/* Half of the stream, and the offer goes. */
	KUNIT_ASSERT_EQ(test, vmb_channel_restore_from_buffer(p.c->ch, stream, length), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 2));
	stand_in_rescind(p.o);
	core_until(p.c, p.o->released);
	KUNIT_EXPECT_TRUE(test, reset_all_ended(next, 50));
	core_expect_life(p.c, "");
	vmb_channel_start(p.c->ch);
	p.o = hv_offer(p.c);
	core_wait(p.c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(p.c->ch), VMB_LINK_RESET);
	vmb_channel_packet_complete(next->received[0], NULL, 0);
	vmb_channel_packet_complete(next->received[1], NULL, 0);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.stale, 2);
	hv_expect_works(&p);
}

static struct kunit_case hv_reset_cases[] = {
	KUNIT_CASE(reset_in_flight_client),
	KUNIT_CASE(reset_in_flight_server),
	KUNIT_CASE(reset_old_answer),
	KUNIT_CASE(reset_freeze_undone),
	KUNIT_CASE(reset_handed_over),
	KUNIT_CASE(reset_published),
	KUNIT_CASE(rescind_during_save),
	KUNIT_CASE(rescind_while_frozen),
	KUNIT_CASE(rescind_during_restore),
	{}
};

static struct kunit_suite hv_reset_suite = {
	.name = "kmcl_hv_reset",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_reset_cases,
};

kunit_test_suite(hv_reset_suite);
