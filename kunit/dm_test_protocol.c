// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: negotiation, reports, and a host that breaks the rules.
 */
#include <linux/mm.h>
#include <linux/mman.h>

#include "dm_test.h"

static u32 dmt_proposed(struct dmt *d, bool last)
{
	struct vdm_version_request *request;

	request = dmt_expect(d, VDM_VERSION_REQUEST, sizeof(*request));
	KUNIT_EXPECT_EQ(d->test, le32_to_cpu(request->flags), last ? VDM_LAST_ATTEMPT : 0);
	return le32_to_cpu(request->version);
}

/* Refuse so many versions, then take one. */
static void dm_negotiate_from_the_top(struct kunit *test)
{
	static const u32 versions[] = { VDM_VERSION_2_0, VDM_VERSION_1_0, VDM_VERSION_0_3 };
	struct vdm_capabilities *caps;
	struct dmt *d;
	u32 refuse, i;

	for (refuse = 0; refuse < ARRAY_SIZE(versions); refuse++) {
		d = dmt_make(test);
		dmt_open(d);
		for (i = 0; i < refuse; i++) {
			KUNIT_EXPECT_EQ(test, dmt_proposed(d, false), versions[i]);
			dmt_answer(d, VDM_VERSION_RESPONSE, 0);
		}
		KUNIT_EXPECT_EQ(test, dmt_proposed(d, i == 2), versions[i]);
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_VERSION_SENT);
		dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
		caps = dmt_expect(d, VDM_CAPABILITIES_REPORT, sizeof(*caps));
		KUNIT_EXPECT_EQ(test, le64_to_cpu(caps->caps), VDM_CAP_BALLOON);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(caps->min_pages), 0);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(caps->max_page_number), U64_MAX);
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_CAPABILITIES_SENT);
		dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
		dmt_settle(d);
		KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
		KUNIT_EXPECT_EQ(test, d->dm->version, versions[refuse]);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), 1);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
		dmt_end(d);
	}
}

static void dm_negotiate_no_version(struct kunit *test)
{
	struct dmt *d = dmt_make(test);
	u32 i;

	dmt_open(d);
	for (i = 0; i < 3; i++) {
		dmt_proposed(d, i == 2);
		dmt_answer(d, VDM_VERSION_RESPONSE, 0);
	}
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_NEGOTIATIONS), 0);
	/* Too late */
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 1);
	KUNIT_EXPECT_EQ(test, d->reports, 0);
}

static void dm_negotiate_no_capabilities(struct kunit *test)
{
	struct dmt *d = dmt_make(test);

	dmt_open(d);
	dmt_proposed(d, false);
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
	/* All but the one bit that counts */
	dmt_answer(d, VDM_CAPABILITIES_RESPONSE, ~VDM_ACCEPTED);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
}

/* The time is up: as if it had passed. */
static void dmt_let_time_pass(struct dmt *d)
{
	mutex_lock(&d->dm->mutex);
	d->dm->deadline = jiffies - 1;
	mutex_unlock(&d->dm->mutex);
	mod_delayed_work(d->dm->wq, &d->dm->tick, 0);
	flush_delayed_work(&d->dm->tick);
}

static void dm_negotiate_no_answer(struct kunit *test)
{
	struct dmt *d = dmt_make(test);

	dmt_open(d);
	dmt_proposed(d, false);
	flush_delayed_work(&d->dm->tick);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_VERSION_SENT);
	dmt_let_time_pass(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
	dmt_end(d);

	d = dmt_make(test);
	dmt_open(d);
	dmt_proposed(d, false);
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
	dmt_let_time_pass(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
	dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_FAILED);
}

/* An answer that is here, and not acted upon yet, is not late. */
static void dm_negotiate_answer_waits(struct kunit *test)
{
	struct dmt *d = dmt_make(test);

	dmt_open(d);
	dmt_proposed(d, false);
	WRITE_ONCE(d->dm->delay_ms, 1000000);
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	core_until(d, READ_ONCE(d->dm->channel->nr_held) == 1);
	dmt_let_time_pass(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_VERSION_SENT);
	mod_delayed_work(d->dm->wq, &d->dm->inbox_work, 0);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
}

/* Every message that has its time, at every other time */
static void dm_out_of_order(struct kunit *test)
{
	static const __le64 range[] = { cpu_to_le64(1) };
	struct vdm_hot_add_request hot_add = {};
	struct dmt *d = dmt_make(test);
	u64 faults = 0;
	u32 stage;

	dmt_open(d);
	for (stage = 0; stage < 3; stage++) {
		if (stage == 0)
			dmt_proposed(d, false);
		if (stage == 1)
			dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
		if (stage != 0) {
			dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
			faults++;
		}
		if (stage != 1) {
			dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
			faults++;
		}
		if (stage != 2) {
			dmt_put_balloon(d, 1);
			dmt_put_unballoon(d, range, 1, 0);
			dmt_put(d, VDM_HOT_ADD_REQUEST, &hot_add, sizeof(hot_add));
			faults += 3;
		}
		dmt_expect_nothing(d);
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), faults);
		if (stage == 0)
			dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
		if (stage == 1)
			dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	}
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
	KUNIT_EXPECT_EQ(test, d->dm->pages.out, 0);
}

/* Of each type: all sizes below what it has to have, in its header and in its packet */
static void dm_short_messages(struct kunit *test)
{
	static const struct {
		enum vdm_type type;
		u32 size;
	} types[] = {
		{ VDM_VERSION_RESPONSE, sizeof(struct vdm_answer) },
		{ VDM_CAPABILITIES_RESPONSE, sizeof(struct vdm_answer) },
		{ VDM_BALLOON_REQUEST, sizeof(struct vdm_balloon_request) },
		{ VDM_UNBALLOON_REQUEST, sizeof(struct vdm_unballoon_request) },
		{ VDM_HOT_ADD_REQUEST, sizeof(struct vdm_hot_add_request) },
		{ VDM_INFO, sizeof(struct vdm_info) },
	};
	struct vdm_header message[8] = {};
	struct dmt *d = dmt_ready(test);
	u64 faults = 0;
	u32 i, size;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		message->type = cpu_to_le16(types[i].type);
		for (size = 0; size < types[i].size; size++) {
			/* A whole packet whose header says less */
			message->size = cpu_to_le16(size);
			dmt_put_raw(d, message, sizeof(message));
			faults++;
			dmt_settle(d);
		}
		for (size = 0; size < types[i].size; size += 8) {
			/* A header that says more than there is */
			message->size = cpu_to_le16(types[i].size);
			dmt_put_raw(d, message, size);
			faults++;
			dmt_settle(d);
		}
		KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), faults);
	}
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_INFOS), 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_HOT_ADDS_REFUSED), 0);
}

static void dm_unknown_types(struct kunit *test)
{
	static const u16 types[] = { 0, 1, 3, 5, 7, 9, 11, 13, 255, 256, 0x7fff, 0xffff };
	struct dmt *d = dmt_ready(test);
	struct vdm_answer message = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		dmt_put(d, types[i], &message, sizeof(message));
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_UNKNOWN), ARRAY_SIZE(types));
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 0);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
}

static void dm_info(struct kunit *test)
{
	struct {
		struct vdm_info info;
		__le64 pages;
	} __packed message = {
		.info.type = cpu_to_le32(VDM_INFO_MAX_PAGES),
		.info.data_size = cpu_to_le32(8),
		.pages = cpu_to_le64(0x123456789),
	};
	struct dmt *d = dmt_ready(test);

	dmt_put(d, VDM_INFO, &message, sizeof(message));
	dmt_settle(d);
	KUNIT_EXPECT_EQ(test, d->dm->max_pages, 0x123456789);
	/* Cut off; of a wrong size; of an unknown type */
	message.pages = cpu_to_le64(1);
	dmt_put(d, VDM_INFO, &message, sizeof(message) - 1);
	message.info.data_size = cpu_to_le32(4);
	dmt_put(d, VDM_INFO, &message, sizeof(message));
	message.info.type = cpu_to_le32(9);
	dmt_put(d, VDM_INFO, &message, sizeof(message));
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, d->dm->max_pages, 0x123456789);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_INFOS), 4);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_FAULTS), 2);
}

static void dm_hot_add_is_refused(struct kunit *test)
{
	struct vdm_hot_add_request request = { .range = vdm_range(0x100000, 0x8000) };
	struct vdm_hot_add_response *response;
	struct dmt *d = dmt_ready(test);

	dmt_put(d, VDM_HOT_ADD_REQUEST, &request, sizeof(request));
	response = dmt_expect(d, VDM_HOT_ADD_RESPONSE, sizeof(*response));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(response->pages), 0);
	/* Do not ask again. */
	KUNIT_EXPECT_EQ(test, le32_to_cpu(response->result), 1);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_HOT_ADDS_REFUSED), 1);
}

static struct vdm_status *dmt_next_report(struct dmt *d)
{
	struct fake_packet *p = NULL;

	wait_event_timeout(d->fb->wait, (p = fake_take(d->link)), CORE_TIMEOUT);
	KUNIT_ASSERT_NOT_NULL(d->test, p);
	kfree(d->last);
	d->last = p;
	KUNIT_ASSERT_EQ(d->test, p->payload_len, sizeof(struct vdm_status));
	return (void *)p->data;
}

/* The first at once, then one a second, with numbers that are near those now */
static void dm_reports(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	struct vdm_status *status;
	unsigned long first = 0;
	struct sysinfo info;
	u32 i, last_id = 0;

	for (i = 0; i < 3; i++) {
		status = dmt_next_report(d);
		if (!i)
			first = jiffies;
		si_meminfo(&info);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(status->hdr.type), VDM_STATUS_REPORT);
		KUNIT_EXPECT_GT(test, le32_to_cpu(status->hdr.trans_id), last_id);
		last_id = le32_to_cpu(status->hdr.trans_id);
		/* Within a quarter of the guest: others use memory, too. */
		KUNIT_EXPECT_LE(test, abs((s64)le64_to_cpu(status->available) -
					  si_mem_available()), (s64)info.totalram / 4);
		KUNIT_EXPECT_LE(test, abs((s64)le64_to_cpu(status->free) - (s64)info.freeram),
				(s64)info.totalram / 4);
		KUNIT_EXPECT_GE(test, le64_to_cpu(status->committed), vdm_floor(d->dm));
		KUNIT_EXPECT_LE(test, le64_to_cpu(status->committed),
				vdm_floor(d->dm) + vm_memory_committed() + info.totalram / 4);
	}
	KUNIT_EXPECT_GE(test, jiffies - first, 2 * HZ - 2);
	core_until(d, dmt_counter(d, VDM_REPORTS) >= 3);
}

static void dm_reports_are_suppressed(struct kunit *test)
{
	struct dmt *d = dmt_make(test);

	dmt_open(d);
	dmt_proposed(d, false);
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, 0);
	dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED | VDM_SUPPRESS_REPORTS);
	dmt_settle(d);
	flush_delayed_work(&d->dm->tick);
	dmt_expect_nothing(d);
	KUNIT_EXPECT_EQ(test, dmt_state(d), VDM_READY);
	KUNIT_EXPECT_EQ(test, d->reports, 0);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_REPORTS), 0);
}

/* A host that does not read gets one report, however many seconds pass. */
static void dm_reports_do_not_pile_up(struct kunit *test)
{
	struct dmt *d = dmt_ready(test);
	u32 i;

	dmt_next_report(d);
	fake_set_room(d->link, 0);
	for (i = 0; i < 5; i++) {
		mutex_lock(&d->dm->mutex);
		d->dm->next_report = jiffies;
		mutex_unlock(&d->dm->mutex);
		mod_delayed_work(d->dm->wq, &d->dm->tick, 0);
		flush_delayed_work(&d->dm->tick);
	}
	KUNIT_EXPECT_EQ(test, d->dm->channel->nr_queued, 1);
	KUNIT_EXPECT_EQ(test, dmt_counter(d, VDM_REPORTS), 1);
	fake_set_room(d->link, U32_MAX);
	dmt_next_report(d);
}

static struct kunit_case dm_protocol_cases[] = {
	KUNIT_CASE(dm_negotiate_from_the_top),
	KUNIT_CASE(dm_negotiate_no_version),
	KUNIT_CASE(dm_negotiate_no_capabilities),
	KUNIT_CASE(dm_negotiate_no_answer),
	KUNIT_CASE(dm_negotiate_answer_waits),
	KUNIT_CASE(dm_out_of_order),
	KUNIT_CASE(dm_short_messages),
	KUNIT_CASE(dm_unknown_types),
	KUNIT_CASE(dm_info),
	KUNIT_CASE(dm_hot_add_is_refused),
	KUNIT_CASE(dm_reports),
	KUNIT_CASE(dm_reports_are_suppressed),
	KUNIT_CASE(dm_reports_do_not_pile_up),
	{}
};

static struct kunit_suite dm_protocol_suite = {
	.name = "kmcl_dm_protocol",
	.init = dmt_init,
	.exit = dmt_exit,
	.test_cases = dm_protocol_cases,
};

kunit_test_suite(dm_protocol_suite);
