// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus with its consumer of every guest, kmcl_dm: a host that negotiates
 * as it should, out of order, or only to go away.
 */
#include <linux/slab.h>

#include "dm.h"
#include "hv_test.h"

/* Longer than any test */
#define DM_LONG_MS	1000000

/* The endpoint is in core_chan's place: what core_until() asks for */
struct hv_dm {
	struct kunit *test;
	struct vdm *dm;
	struct stand_in_offer *o;
	u8 message[VDM_MESSAGE_MAX] __aligned(8);
};

static const guid_t dm_type = VDM_INTERFACE_TYPE;

static struct hv_dm *dm_of_test;

static struct hv_dm *dm_open(struct kunit *test)
{
	struct hv_dm *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->test = test;
	d->dm = vdm_create(NULL, "hv");
	KUNIT_ASSERT_FALSE(test, IS_ERR(d->dm));
	dm_of_test = d;
	KUNIT_ASSERT_EQ(test, vdm_enable(d->dm), 0);
	d->o = stand_in_offer(hv_host(test), &dm_type, NULL);
	return d;
}

static void dm_exit(struct kunit *test)
{
	if (dm_of_test)
		vdm_destroy(dm_of_test->dm);
	dm_of_test = NULL;
	hv_exit(test);
}

static bool dm_has_message(struct hv_dm *d)
{
	struct vmbus_ring_desc next;

	return READ_ONCE(d->o->ch.state) == CHANNEL_OPENED_STATE &&
	       vmbus_ring_peek(&d->o->from_guest.end, &next) != -EAGAIN;
}

/* The next message that is no report */
static void *dm_expect(struct hv_dm *d, enum vdm_type type)
{
	struct vdm_header *header = (void *)d->message;
	struct vmbus_ring_desc desc;

	do {
		core_until(d, dm_has_message(d));
		KUNIT_ASSERT_EQ(d->test, stand_in_take(d->o, &desc, NULL, 0, d->message,
						       sizeof(d->message)), 0);
		KUNIT_ASSERT_EQ(d->test, desc.type, VMBUS_RING_INBAND);
	} while (le16_to_cpu(header->type) == VDM_STATUS_REPORT && type != VDM_STATUS_REPORT);
	KUNIT_ASSERT_EQ(d->test, le16_to_cpu(header->type), type);
	KUNIT_EXPECT_LE(d->test, le16_to_cpu(header->size), desc.payload_len);
	return header;
}

static void dm_put(struct hv_dm *d, enum vdm_type type, void *message, u32 size)
{
	struct vdm_header *header = message;

	header->type = cpu_to_le16(type);
	header->size = cpu_to_le16(size);
	KUNIT_ASSERT_EQ(d->test, stand_in_put(d->o, VMBUS_RING_INBAND, 0, 7, message, size), 0);
}

static void dm_answer(struct hv_dm *d, enum vdm_type type, u64 flags)
{
	struct vdm_answer answer = { .flags = cpu_to_le64(flags) };

	dm_put(d, type, &answer, sizeof(answer));
}

static u64 dm_counter(struct hv_dm *d, enum vdm_counter counter)
{
	return atomic64_read(&d->dm->counters[counter]);
}

static void dm_negotiate(struct hv_dm *d)
{
	dm_expect(d, VDM_VERSION_REQUEST);
	dm_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dm_expect(d, VDM_CAPABILITIES_REPORT);
	dm_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	dm_expect(d, VDM_STATUS_REPORT);
	KUNIT_EXPECT_EQ(d->test, READ_ONCE(d->dm->state), VDM_READY);
}

static void dm_in_order(struct kunit *test)
{
	struct hv_dm *d = dm_open(test);
	struct vdm_balloon_request request = { .pages = cpu_to_le32(8) };

	dm_negotiate(d);
	dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
	dm_expect(d, VDM_BALLOON_RESPONSE);
	core_until(d, dm_counter(d, VDM_PAGES_GIVEN) == 8);
	KUNIT_EXPECT_EQ(test, dm_counter(d, VDM_FAULTS), 0);
}

/* Answers to what was not asked, requests before their time: counted, refused. */
static void dm_out_of_order(struct kunit *test)
{
	struct hv_dm *d = dm_open(test);
	struct vdm_balloon_request request = { .pages = cpu_to_le32(8) };
	u64 faults = 0;

	dm_expect(d, VDM_VERSION_REQUEST);
	dm_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	core_until(d, dm_counter(d, VDM_FAULTS) == faults + 1);
	dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
	core_until(d, dm_counter(d, VDM_FAULTS) == faults + 2);
	dm_put(d, VDM_BALLOON_REQUEST, &request, 8);
	core_until(d, dm_counter(d, VDM_FAULTS) == faults + 3);
	/* Our own types, from the other side */
	dm_answer(d, VDM_VERSION_REQUEST, 0);
	dm_answer(d, 0x4242, 0);
	core_until(d, dm_counter(d, VDM_FAULTS) + dm_counter(d, VDM_UNKNOWN) == faults + 5);
	KUNIT_EXPECT_EQ(test, dm_counter(d, VDM_PAGES_GIVEN), 0);
	/* And it still is the version's turn. */
	dm_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dm_expect(d, VDM_CAPABILITIES_REPORT);
	dm_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	core_until(d, dm_counter(d, VDM_FAULTS) + dm_counter(d, VDM_UNKNOWN) == faults + 6);
	dm_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	dm_expect(d, VDM_STATUS_REPORT);
	KUNIT_EXPECT_EQ(test, READ_ONCE(d->dm->state), VDM_READY);
	KUNIT_EXPECT_EQ(test, d->o->calls[STAND_IN_CLOSE], 0);
}

/* The offer goes while an answer is awaited; the next one starts from the top. */
static void dm_rescinded(struct kunit *test)
{
	struct hv_dm *d = dm_open(test);
	u32 i;

	for (i = 0; i < 3; i++) {
		dm_expect(d, VDM_VERSION_REQUEST);
		if (i)
			dm_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
		if (i == 2)
			dm_expect(d, VDM_CAPABILITIES_REPORT);
		stand_in_rescind(d->o);
		core_until(d, READ_ONCE(d->o->released));
		d->o = stand_in_offer(hv_host(test), &dm_type, NULL);
	}
	dm_negotiate(d);
}

/* No message at all, but bytes: it stops for good, and every page is back. */
static void dm_garbage(struct kunit *test)
{
	struct hv_dm *d = dm_open(test);
	struct vdm_balloon_request request = { .pages = cpu_to_le32(8) };
	u64 garbage[4] = { 0x4242 };

	dm_negotiate(d);
	dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
	dm_expect(d, VDM_BALLOON_RESPONSE);
	stand_in_put_raw(d->o, garbage, sizeof(garbage));
	core_until(d, READ_ONCE(d->dm->channel->state) == KMCL_DISABLED);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(d->dm->channel), VMB_STOP_MALFORMED);
	KUNIT_EXPECT_TRUE(test, hv_released(d->o));
	KUNIT_EXPECT_EQ(test, d->o->calls[STAND_IN_OPEN], 1);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
}

/* With requests that it has not acted upon: they are void. Twice. */
static void dm_hibernates(struct kunit *test)
{
	struct hv_dm *d = dm_open(test);
	struct vdm_balloon_request request = { .pages = cpu_to_le32(8) };
	u32 i;

	for (i = 1; i <= 2; i++) {
		dm_negotiate(d);
		WRITE_ONCE(d->dm->delay_ms, DM_LONG_MS);
		dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
		dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
		core_until(d, READ_ONCE(d->dm->channel->nr_held) == 2);
		KUNIT_EXPECT_EQ(test, stand_in_suspend(d->o), 0);
		KUNIT_EXPECT_EQ(test, d->o->calls[STAND_IN_CLOSE], i);
		WRITE_ONCE(d->dm->delay_ms, 0);
		KUNIT_EXPECT_EQ(test, stand_in_resume(d->o), 0);
	}
	dm_negotiate(d);
	KUNIT_EXPECT_EQ(test, dm_counter(d, VDM_STALE), 4);
	KUNIT_EXPECT_EQ(test, dm_counter(d, VDM_PAGES_GIVEN), 0);
	dm_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
	dm_expect(d, VDM_BALLOON_RESPONSE);
}

static struct kunit_case hv_dm_cases[] = {
	KUNIT_CASE(dm_in_order),
	KUNIT_CASE(dm_out_of_order),
	KUNIT_CASE(dm_rescinded),
	KUNIT_CASE(dm_garbage),
	KUNIT_CASE(dm_hibernates),
	{}
};

static struct kunit_suite hv_dm_suite = {
	.name = "kmcl_hv_dm",
	.init = hv_init,
	.exit = dm_exit,
	.test_cases = hv_dm_cases,
};

kunit_test_suite(hv_dm_suite);
