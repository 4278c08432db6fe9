// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: freezes, handovers with the link kept and reset, in every state of
 * the protocol; and pages that are with the host, with which there is none.
 */
#include <linux/mm.h>

#include "dm_test.h"

/* Longer than any test */
#define DMT_LONG_MS	1000000

static void dmt_delay(struct dmt *d, u32 ms)
{
	WRITE_ONCE(d->dm->delay_ms, ms);
}

static bool dmt_held(struct dmt *d, u32 n)
{
	return READ_ONCE(d->dm->channel->nr_held) == n;
}

/* A request of the host's that is not answered for now */
static void dmt_hold_balloon(struct dmt *d, u32 pages)
{
	dmt_delay(d, DMT_LONG_MS);
	dmt_put_balloon(d, pages);
	core_until(d, dmt_held(d, 1));
}

/* As by a kexec, or a newer module in the same kernel */
static struct dmt *dmt_hand_over(struct dmt *d, enum vmb_link_state link, u32 received)
{
	struct kunit *test = d->test;

	kit_hand_over(test);
	KUNIT_EXPECT_EQ(test, kit_session_now()->info.received, received);
	kit_session_close(test);
	d->fb->adopt = link;
	dmt_end(d);
	return dmt_make(test);
}

/* How far a test lets it come */
static struct dmt *dmt_come_to(struct kunit *test, enum vdm_state state)
{
	struct dmt *d = dmt_make(test);

	if (state == VDM_CLOSED)
		return d;
	dmt_open(d);
	dmt_expect(d, VDM_VERSION_REQUEST, 0);
	if (state == VDM_VERSION_SENT)
		return d;
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
	if (state == VDM_CAPABILITIES_SENT)
		return d;
	dmt_answer(d, VDM_CAPABILITIES_RESPONSE, state == VDM_READY ? VDM_ACCEPTED : 0);
	dmt_settle(d);
	KUNIT_ASSERT_EQ(test, dmt_state(d), state);
	return d;
}

/* The peer noticed nothing: what it answers fits. */
static void dm_kept_in_every_state(struct kunit *test)
{
	enum vdm_state state;
	struct dmt *d;

	for (state = VDM_VERSION_SENT; state <= VDM_FAILED; state++) {
		d = dmt_come_to(test, state);
		dmt_answer(d, 99, 0);
		dmt_settle(d);
		d = dmt_hand_over(d, VMB_LINK_KEPT, 0);
		core_until(d, d->dm->running);
		KUNIT_EXPECT_EQ(test, dmt_state(d), state);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_UNKNOWN), 1);
		KUNIT_EXPECT_EQ(test, d->dm->version, VDM_VERSION_2_0);
		if (state == VDM_VERSION_SENT) {
			dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
			dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
		}
		if (state <= VDM_CAPABILITIES_SENT)
			dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
		dmt_expect_nothing(d);
		KUNIT_EXPECT_EQ(test, dmt_state(d), max(state, VDM_READY));
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), state != VDM_FAILED);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
		if (state != VDM_FAILED)
			core_until(d, dmt_counter(d, VDM_REPORTS) >= 1);
		dmt_end(d);
	}
}

/* The protocol starts over; the counters do not. */
static void dm_reset_in_every_state(struct kunit *test)
{
	enum vdm_state state;
	struct dmt *d;

	for (state = VDM_CLOSED; state <= VDM_FAILED; state++) {
		d = dmt_come_to(test, state);
		if (state != VDM_CLOSED) {
			dmt_answer(d, 99, 0);
			dmt_settle(d);
		}
		d = dmt_hand_over(d, VMB_LINK_RESET, 0);
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_CLOSED);
		dmt_negotiate(d);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_UNKNOWN), state != VDM_CLOSED);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS),
				state == VDM_READY ? 2 : 1);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
		dmt_end(d);
	}
}

/* Received, not answered: in flight over the handover */
static void dm_balloon_request_in_flight(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	struct vdm_balloon_response *response;

	dmt_hold_balloon(d, 3);
	d = dmt_hand_over(d, VMB_LINK_KEPT, 1);
	response = dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(response->count) & VDM_MORE, 0);
	dmt_settle(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 3);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_BALLOON_REQUESTS), 1);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), 0);
	dmt_expect_nothing(d);
}

/* Whoever asked has forgotten it. */
static void dm_balloon_request_in_flight_reset(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	dmt_delay(d, DMT_LONG_MS);
	dmt_put_balloon(d, 3);
	dmt_put_balloon(d, 4);
	core_until(d, dmt_held(d, 2));
	d = dmt_hand_over(d, VMB_LINK_RESET, 2);
	dmt_negotiate(d);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), 2);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_BALLOON_REQUESTS), 0);
	KUNIT_EXPECT_EQ(test, d->dm->channel->stats.stale, 2);
}

/* The host's answer was received, and not acted upon. */
static void dm_negotiation_in_flight(struct kunit *test)
{
	static const enum vmb_link_state links[] = { VMB_LINK_KEPT, VMB_LINK_RESET };
	struct dmt *d;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(links); i++) {
		d = dmt_come_to(test, VDM_VERSION_SENT);
		dmt_delay(d, DMT_LONG_MS);
		dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
		core_until(d, dmt_held(d, 1));
		d = dmt_hand_over(d, links[i], 1);
		if (links[i] == VMB_LINK_RESET) {
			dmt_negotiate(d);
		} else {
			dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
			dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
			dmt_settle(d);
		}
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), 1);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), i);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
		dmt_end(d);
	}
}

/* Ours, which did not fit the ring: once, or on a new link as that begins */
static void dm_message_in_the_queue(struct kunit *test)
{
	struct dmt *d = dmt_make(test);
	struct fake_link *link;

	fake_set_room(d->link, 0);
	dmt_open(d);
	core_until(d, dmt_state(d) == VDM_VERSION_SENT);
	KUNIT_EXPECT_EQ(test, d->dm->channel->nr_queued, 1);
	link = d->link;
	d = dmt_hand_over(d, VMB_LINK_KEPT, 0);
	KUNIT_EXPECT_PTR_EQ(test, d->link, link);
	KUNIT_EXPECT_EQ(test, d->dm->channel->nr_queued, 1);
	fake_set_room(d->link, U32_MAX);
	dmt_expect(d, VDM_VERSION_REQUEST, 0);
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
	dmt_end(d);

	d = dmt_ready(test);
	core_until(d, dmt_counter(d, VDM_REPORTS) >= 1);
	fake_set_room(d->link, 0);
	dmt_put_unballoon(d, NULL, 0, 0);
	dmt_settle(d);
	KUNIT_EXPECT_GE(test, d->dm->channel->nr_queued, 1);
	d = dmt_hand_over(d, VMB_LINK_RESET, 0);
	dmt_negotiate(d);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, d->dm->channel->nr_queued, 0);
	core_until(d, dmt_counter(d, VDM_REPORTS) >= 2);
}

/* No handover came of it: all goes on. */
static void dm_thawed(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	dmt_hold_balloon(d, 3);
	kit_freeze(test);
	kit_read_set(test);
	dmt_delay(d, 0);
	kit_session_close(test);
	dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
	dmt_settle(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 3);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
}

/* The host goes while all is frozen: what it asked is not waited for. */
static void dm_host_goes_in_a_freeze(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	dmt_hold_balloon(d, 3);
	kit_freeze(test);
	kit_read_set(test);
	fake_close(d->link, VMB_STOP_PEER_CLOSED);
	kit_session_close(test);
	dmt_delay(d, 0);
	dmt_next_link(d);
	dmt_negotiate(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), 1);
}

/* It goes before Opened, which the freeze put off: the next offer is taken. */
static void dm_host_goes_before_opened(struct kunit *test)
{
	static const enum vmb_stop_reason reasons[] = {
		VMB_STOP_RESCINDED, VMB_STOP_PEER_CLOSED,
	};
	struct dmt *d = dmt_make(test);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		kit_freeze(test);
		fake_open(d->link);
		fake_close(d->link, reasons[i]);
		kit_session_close(test);
		dmt_next_link(d);
	}
	dmt_negotiate(d);
}

/* As for a hibernation: what is held does not hold up the end of the link. */
static void dm_link_reset_with_a_message(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	u32 i;

	for (i = 1; i <= 2; i++) {
		dmt_delay(d, DMT_LONG_MS);
		dmt_put_balloon(d, 3);
		dmt_put_balloon(d, 4);
		core_until(d, dmt_held(d, 2));
		fake_close(d->link, VMB_STOP_LINK_RESET);
		core_until(d, d->link->nr_closed == i);
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_CLOSED);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), 2 * i);
		dmt_delay(d, 0);
		dmt_negotiate(d);
	}
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_BALLOON_REQUESTS), 0);
}

/* The freeze comes first, and with it Suspend. */
static void dm_link_reset_in_a_freeze(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	dmt_hold_balloon(d, 3);
	kit_freeze(test);
	fake_close(d->link, VMB_STOP_LINK_RESET);
	kit_session_close(test);
	core_until(d, d->link->nr_closed == 1);
	dmt_delay(d, 0);
	dmt_negotiate(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
}

/* A link that was reset once is not about to end: a freeze keeps what is held. */
static void dm_thawed_after_a_link_reset(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	fake_close(d->link, VMB_STOP_LINK_RESET);
	core_until(d, d->link->nr_closed == 1);
	dmt_negotiate(d);
	dmt_hold_balloon(d, 3);
	kit_freeze(test);
	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, kit_session_now()->info.received, 1);
	dmt_delay(d, 0);
	kit_session_close(test);
	dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
	dmt_settle(d);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 3);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_STALE), 0);
}

/* The link that was to be restored never comes. */
static void dm_destroyed_before_the_link(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);

	dmt_hold_balloon(d, 3);
	d = dmt_hand_over(d, VMB_LINK_RESET, 1);
	dmt_end(d);
}

static int dmt_freeze_to_hand_over(struct kunit *test)
{
	struct kmcl_session *s = kit_session(test);

	s->freezing = true;
	s->handover = true;
	return kmcl_session_freeze(s, 20000);
}

/* The amount is named, to the page; back again, it goes. */
static void dm_pages_out_refuse(struct kunit *test)
{
	static const struct {
		u32 pages;
		const char *said;
	} amounts[] = {
		{ 1, "4 KiB are" }, { 256, "1 MiB are" }, { 257, "1028 KiB are" },
		{ 512, "2 MiB are" },
	};
	struct dmt *d = dmt_ready(test);
	struct vdm_balloon_response *response;
	__le64 *ranges = kunit_kcalloc(test, 512, sizeof(*ranges), GFP_KERNEL);
	u32 i, count;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	for (i = 0; i < ARRAY_SIZE(amounts); i++) {
		dmt_put_balloon(d, amounts[i].pages);
		response = dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
		count = le32_to_cpu(response->count) >> 1;
		KUNIT_ASSERT_EQ(test, le32_to_cpu(response->count) & VDM_MORE, 0);
		memcpy(ranges, response->ranges, count * sizeof(*ranges));
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, dmt_freeze_to_hand_over(test), -ECANCELED);
		KUNIT_EXPECT_STREQ(test, kit_session_now()->reason.channel, "dynamic memory");
		KUNIT_EXPECT_PTR_EQ(test, strstr(kit_session_now()->reason.text, amounts[i].said),
				    (char *)kit_session_now()->reason.text);
		KUNIT_EXPECT_NOT_NULL(test, strstr(kit_session_now()->reason.text,
						   "then try again"));
		kit_session_close(test);
		/* It goes on, and gives them back. */
		dmt_put_unballoon(d, ranges, count, 0);
		dmt_expect(d, VDM_UNBALLOON_RESPONSE, 0);
		dmt_settle(d);
	}
	KUNIT_EXPECT_EQ(test, dmt_freeze_to_hand_over(test), 0);
	kit_session_close(test);
}

/* Pages that went between the first question and the end of the freeze */
static void dm_pages_go_during_a_freeze(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	struct vdm_balloon_response *response;

	core_until(d, dmt_counter(d, VDM_REPORTS) >= 1);
	/* Taken from the kernel, and the host does not know yet */
	fake_set_room(d->link, 0);
	dmt_put_balloon(d, 2);
	core_until(d, READ_ONCE(d->dm->pages.out) == 2);
	KUNIT_EXPECT_EQ(test, dmt_freeze_to_hand_over(test), -ECANCELED);
	kit_session_close(test);
	kit_freeze(test);
	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, kmcl_session_commit(kit_session_now()), -ECANCELED);
	kit_session_close(test);
	fake_set_room(d->link, U32_MAX);
	response = dmt_expect(d, VDM_BALLOON_RESPONSE, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(response->count) & VDM_MORE, 0);
}

static struct kmcl_chunk *dmt_state_chunk(const struct kit_stream *set)
{
	struct kmcl_chunk *chunk;
	u32 n;

	for (n = 0; (chunk = kit_chunk(set, n)); n++)
		if (le32_to_cpu(chunk->type) == KMCL_CHUNK_CHANNEL_STATE)
			return chunk;
	return NULL;
}

/* State that is not ours, field by field: comes up as if new. */
static void dm_restore_garbage(struct kunit *test)
{
	static const struct {
		u32 word;
		u32 value;
	} changes[] = {
		{ 0, 0 }, { 0, 2 }, { 1, VDM_FAILED + 1 }, { 1, U32_MAX }, { 6, 2 },
		{ 7, 0 }, { 7, VDM_NR_COUNTERS - 1 }, { 7, VDM_NR_COUNTERS + 1 }, { 7, U32_MAX },
	};
	struct dmt *d = dmt_ready(test);
	struct kit_stream set;
	__le32 *words;
	u32 i, old;

	core_until(d, dmt_counter(d, VDM_REPORTS) >= 1);
	set = kit_hand_over(test);
	kit_session_close(test);
	dmt_end(d);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
	words = (void *)(dmt_state_chunk(&set) + 1);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		old = le32_to_cpu(words[changes[i].word]);
		words[changes[i].word] = cpu_to_le32(changes[i].value);
		kit_seal(dmt_state_chunk(&set));
		KUNIT_ASSERT_EQ(test, kit_take_in(test, &set, 4096), 0);
		d = dmt_make(test);
		KUNIT_EXPECT_EQ_MSG(test, vmb_channel_get_link_state(d->dm->channel), VMB_LINK_NEW,
				    "word %u as %u", changes[i].word, changes[i].value);
		dmt_negotiate(d);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), 1);
		dmt_end(d);
		words[changes[i].word] = cpu_to_le32(old);
		kit_seal(dmt_state_chunk(&set));
	}
}

static struct kunit_case dm_save_cases[] = {
	KUNIT_CASE(dm_kept_in_every_state),
	KUNIT_CASE(dm_reset_in_every_state),
	KUNIT_CASE(dm_balloon_request_in_flight),
	KUNIT_CASE(dm_balloon_request_in_flight_reset),
	KUNIT_CASE(dm_negotiation_in_flight),
	KUNIT_CASE(dm_message_in_the_queue),
	KUNIT_CASE(dm_thawed),
	KUNIT_CASE(dm_host_goes_in_a_freeze),
	KUNIT_CASE(dm_host_goes_before_opened),
	KUNIT_CASE(dm_link_reset_with_a_message),
	KUNIT_CASE(dm_link_reset_in_a_freeze),
	KUNIT_CASE(dm_thawed_after_a_link_reset),
	KUNIT_CASE(dm_destroyed_before_the_link),
	KUNIT_CASE(dm_pages_out_refuse),
	KUNIT_CASE(dm_pages_go_during_a_freeze),
	KUNIT_CASE(dm_restore_garbage),
	{}
};

static struct kunit_suite dm_save_suite = {
	.name = "kmcl_dm_save",
	.init = dmt_init,
	.exit = dmt_exit,
	.test_cases = dm_save_cases,
};

kunit_test_suite(dm_save_suite);
