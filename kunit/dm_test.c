// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: what its suites share, the host in the first place.
 */
#include <linux/slab.h>

#include "dm_test.h"

static struct dmt *dmt_now;

int dmt_init(struct kunit *test)
{
	return kit_init(test);
}

void dmt_end(struct dmt *d)
{
	vdm_destroy(d->dm);
	kfree(d->last);
	d->last = NULL;
	d->dm = NULL;
	dmt_now = NULL;
}

void dmt_exit(struct kunit *test)
{
	kit_session_close(test);
	if (dmt_now)
		dmt_end(dmt_now);
	kit_exit(test);
}

struct dmt *dmt_make(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct dmt *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	KUNIT_ASSERT_NULL(test, dmt_now);
	d->test = test;
	d->fb = env->fb;
	d->dm = vdm_create(NULL, env->fb->bus->name);
	KUNIT_ASSERT_FALSE(test, IS_ERR(d->dm));
	dmt_now = d;
	KUNIT_ASSERT_EQ(test, vdm_enable(d->dm), 0);
	d->link = fake_link_of(d->fb, d->dm->channel);
	KUNIT_ASSERT_NOT_NULL(test, d->link);
	return d;
}

void dmt_open(struct dmt *d)
{
	fake_open(d->link);
}

void dmt_negotiate(struct dmt *d)
{
	dmt_open(d);
	dmt_expect(d, VDM_VERSION_REQUEST, sizeof(struct vdm_version_request));
	dmt_answer(d, VDM_VERSION_RESPONSE, VDM_ACCEPTED);
	dmt_expect(d, VDM_CAPABILITIES_REPORT, sizeof(struct vdm_capabilities));
	dmt_answer(d, VDM_CAPABILITIES_RESPONSE, VDM_ACCEPTED);
	dmt_settle(d);
	KUNIT_ASSERT_EQ(d->test, dmt_state(d), VDM_READY);
}

struct dmt *dmt_ready(struct kunit *test)
{
	struct dmt *d = dmt_make(test);

	dmt_negotiate(d);
	return d;
}

void dmt_next_link(struct dmt *d)
{
	struct fake_link *old = d->link;

	core_until(d, fake_link_of(d->fb, d->dm->channel) &&
		   fake_link_of(d->fb, d->dm->channel) != old);
	d->link = fake_link_of(d->fb, d->dm->channel);
}

void dmt_put_raw(struct dmt *d, const void *message, u32 length)
{
	d->put++;
	KUNIT_ASSERT_EQ(d->test, fake_put(d->link, KMCL_PACKET_INBAND, 0, 7, NULL, 0, message,
					  length), 0);
}

void dmt_put(struct dmt *d, enum vdm_type type, void *message, u32 size)
{
	struct vdm_header *header = message;

	header->type = cpu_to_le16(type);
	header->size = cpu_to_le16(size);
	header->trans_id = cpu_to_le32(77);
	dmt_put_raw(d, message, size);
}

void dmt_answer(struct dmt *d, enum vdm_type type, u64 flags)
{
	struct vdm_answer answer = { .flags = cpu_to_le64(flags) };

	dmt_put(d, type, &answer, sizeof(answer));
}

void dmt_put_balloon(struct dmt *d, u32 pages)
{
	struct vdm_balloon_request request = { .pages = cpu_to_le32(pages) };

	dmt_put(d, VDM_BALLOON_REQUEST, &request, sizeof(request));
}

void dmt_put_unballoon(struct dmt *d, const __le64 *ranges, u32 count, u32 flags)
{
	struct vdm_unballoon_request *request;
	u32 size = struct_size(request, ranges, count);

	request = kzalloc(size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(d->test, request);
	request->flags = cpu_to_le32(flags);
	request->count = cpu_to_le32(count);
	memcpy(request->ranges, ranges, count * sizeof(*ranges));
	dmt_put(d, VDM_UNBALLOON_REQUEST, request, size);
	kfree(request);
}

static bool dmt_is_report(const struct fake_packet *p)
{
	const struct vdm_header *header = (const void *)p->data;

	return le16_to_cpu(header->type) == VDM_STATUS_REPORT;
}

/* The next one but reports, or NULL; the caller's */
static struct fake_packet *dmt_take(struct dmt *d)
{
	struct fake_packet *p;

	while ((p = fake_take(d->link)) && dmt_is_report(p)) {
		d->reports++;
		kfree(p);
	}
	return p;
}

void *dmt_expect(struct dmt *d, enum vdm_type type, u32 size)
{
	struct vdm_header *header;
	struct fake_packet *p = NULL;

	wait_event_timeout(d->fb->wait, (p = dmt_take(d)), CORE_TIMEOUT);
	KUNIT_ASSERT_NOT_NULL_MSG(d->test, p, "no message of type %u came", type);
	kfree(d->last);
	d->last = p;
	header = (void *)p->data;
	KUNIT_ASSERT_EQ(d->test, p->type, KMCL_PACKET_INBAND);
	KUNIT_ASSERT_EQ(d->test, p->flags, 0);
	KUNIT_ASSERT_EQ(d->test, le16_to_cpu(header->type), type);
	if (size)
		KUNIT_ASSERT_EQ(d->test, le16_to_cpu(header->size), size);
	KUNIT_ASSERT_GE(d->test, p->payload_len, le16_to_cpu(header->size));
	return header;
}

/* All that was put arrived, and was acted upon. */
static bool dmt_idle(struct dmt *d)
{
	struct vmb_channel *ch = d->dm->channel;
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&ch->lock, flags);
	idle = ch->stats.packets_in == d->put && !ch->nr_taken && !ch->nr_held;
	spin_unlock_irqrestore(&ch->lock, flags);
	return idle;
}

void dmt_settle(struct dmt *d)
{
	core_until(d, dmt_idle(d));
	flush_delayed_work(&d->dm->inbox_work);
}

void dmt_expect_nothing(struct dmt *d)
{
	struct fake_packet *p;

	dmt_settle(d);
	p = dmt_take(d);
	KUNIT_EXPECT_NULL_MSG(d->test, p, "a message came that should not");
	kfree(p);
}

u64 dmt_counter(struct dmt *d, enum vdm_counter counter)
{
	return atomic64_read(&d->dm->counters[counter]);
}

enum vdm_state dmt_state(struct dmt *d)
{
	enum vdm_state state;

	mutex_lock(&d->dm->mutex);
	state = d->dm->state;
	mutex_unlock(&d->dm->mutex);
	return state;
}
