// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the protocol. We propose versions, the highest first, until the host
 * takes one; tell it what we can do; and from then on report each second and do
 * what it asks.
 *
 *   CLOSED -> VERSION -> CAPABILITIES -> READY
 *                |             |
 *                +---> FAILED <+      refused, or no answer in time
 *
 * A message that breaks the rules is refused and counted, and changes nothing.
 * FAILED lasts until the link is opened anew.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "dm.h"

static const u32 vdm_versions[] = { VDM_VERSION_2_0, VDM_VERSION_1_0, VDM_VERSION_0_3 };

/**
 * vdm_fault() - the host broke the rules
 * @dm: who noticed
 * @what: how
 *
 * Context: process context.
 */
void vdm_fault(struct vdm *dm, const char *what)
{
	vdm_count(dm, VDM_FAULTS, 1);
	pr_warn_ratelimited("%s: refused: %s\n", vmb_channel_get_friendly_name(dm->channel), what);
}

static void vdm_fail(struct vdm *dm, const char *what)
{
	dm->state = VDM_FAILED;
	pr_err("%s: %s; no dynamic memory until the channel is opened anew\n",
	       vmb_channel_get_friendly_name(dm->channel), what);
}

static void vdm_await_answer(struct vdm *dm, enum vdm_state state)
{
	dm->state = state;
	dm->deadline = jiffies + VDM_ANSWER_TIMEOUT;
}

static void vdm_propose_version(struct vdm *dm, unsigned int i)
{
	struct vdm_version_request request = {
		.version = cpu_to_le32(vdm_versions[i]),
		.flags = cpu_to_le32(i + 1 == ARRAY_SIZE(vdm_versions) ? VDM_LAST_ATTEMPT : 0),
	};

	dm->version = vdm_versions[i];
	vdm_await_answer(dm, VDM_VERSION_SENT);
	if (vdm_send(dm, &request, VDM_VERSION_REQUEST, sizeof(request)))
		vdm_fail(dm, "could not propose a version");
}

static void vdm_version_answered(struct vdm *dm, bool accepted)
{
	struct vdm_capabilities capabilities = {
		.caps = cpu_to_le64(vdm_balloon_supported() ? VDM_CAP_BALLOON : 0),
		.max_page_number = cpu_to_le64(U64_MAX),
	};
	unsigned int i = 0;

	if (!accepted) {
		while (i < ARRAY_SIZE(vdm_versions) && vdm_versions[i] != dm->version)
			i++;
		if (i + 1 < ARRAY_SIZE(vdm_versions))
			vdm_propose_version(dm, i + 1);
		else
			vdm_fail(dm, "the host takes no version of the protocol that we know");
		return;
	}
	vdm_await_answer(dm, VDM_CAPABILITIES_SENT);
	if (vdm_send(dm, &capabilities, VDM_CAPABILITIES_REPORT, sizeof(capabilities)))
		vdm_fail(dm, "could not report capabilities");
}

static void vdm_capabilities_answered(struct vdm *dm, u64 flags)
{
	if (!(flags & VDM_ACCEPTED)) {
		vdm_fail(dm, "the host does not take our capabilities");
		return;
	}
	dm->state = VDM_READY;
	dm->suppressed = flags & VDM_SUPPRESS_REPORTS;
	dm->next_report = jiffies;
	vdm_count(dm, VDM_NEGOTIATIONS, 1);
	pr_info("%s: version %u.%u%s\n", vmb_channel_get_friendly_name(dm->channel),
		dm->version >> 16, dm->version & 0xffff,
		dm->suppressed ? "; the host wants no reports" : "");
	mod_delayed_work(dm->wq, &dm->tick, 0);
}

/* We said that we cannot: no page was added, and none ever will. */
static void vdm_refuse_hot_add(struct vdm *dm)
{
	struct vdm_hot_add_response response = { .result = cpu_to_le32(1) };

	vdm_count(dm, VDM_HOT_ADDS_REFUSED, 1);
	vdm_send(dm, &response, VDM_HOT_ADD_RESPONSE, sizeof(response));
}

static void vdm_inform(struct vdm *dm, const struct vdm_info *info, u32 size)
{
	__le64 pages;

	vdm_count(dm, VDM_INFOS, 1);
	/* Others than this one may come: they are for who knows them. */
	if (le32_to_cpu(info->type) != VDM_INFO_MAX_PAGES)
		return;
	if (size < sizeof(*info) + sizeof(pages) || le32_to_cpu(info->data_size) != sizeof(pages)) {
		vdm_fault(dm, "info of another size than that of its type");
		return;
	}
	memcpy(&pages, info->data, sizeof(pages));
	dm->max_pages = le64_to_cpu(pages);
}

/* What a message has to have, and when it may come */
static const struct {
	u32 size;
	enum vdm_state state;
	bool any_state;
} vdm_rules[] = {
	[VDM_VERSION_RESPONSE] = { sizeof(struct vdm_answer), VDM_VERSION_SENT },
	[VDM_CAPABILITIES_RESPONSE] = { sizeof(struct vdm_answer), VDM_CAPABILITIES_SENT },
	[VDM_BALLOON_REQUEST] = { sizeof(struct vdm_balloon_request), VDM_READY },
	[VDM_UNBALLOON_REQUEST] = { sizeof(struct vdm_unballoon_request), VDM_READY },
	[VDM_HOT_ADD_REQUEST] = { sizeof(struct vdm_hot_add_request), VDM_READY },
	[VDM_INFO] = { sizeof(struct vdm_info), VDM_CLOSED, true },
};

/* Why can this not be? NULL: it can. */
static const char *vdm_protocol_check(struct vdm *dm, const struct vdm_header *header,
				      u32 length)
{
	u32 type, size;

	if (length < sizeof(*header))
		return "message without a header";
	size = le16_to_cpu(header->size);
	/* The ring pads to 8 bytes. */
	if (size < sizeof(*header) || size > length)
		return "message whose size is not that of its packet";
	type = le16_to_cpu(header->type);
	if (type >= ARRAY_SIZE(vdm_rules) || !vdm_rules[type].size)
		return NULL;
	if (size < vdm_rules[type].size)
		return "message that is too short for its type";
	if (!vdm_rules[type].any_state && dm->state != vdm_rules[type].state)
		return "message that is out of order";
	return NULL;
}

/**
 * vdm_protocol_act() - act upon a message of the host
 * @dm: who
 * @message: a private copy of it
 * @length: its bytes
 *
 * Context: process context, vdm.mutex held.
 * Return: is it dealt with? Else this is called again with it, after
 * vdm_inbox_kick().
 */
bool vdm_protocol_act(struct vdm *dm, const void *message, u32 length)
{
	const struct vdm_header *header = message;
	const struct vdm_answer *answer = message;
	const char *wrong = vdm_protocol_check(dm, header, length);
	u32 size;

	if (wrong) {
		vdm_fault(dm, wrong);
		return true;
	}
	size = le16_to_cpu(header->size);
	switch (le16_to_cpu(header->type)) {
	case VDM_VERSION_RESPONSE:
		vdm_version_answered(dm, le64_to_cpu(answer->flags) & VDM_ACCEPTED);
		return true;
	case VDM_CAPABILITIES_RESPONSE:
		vdm_capabilities_answered(dm, le64_to_cpu(answer->flags));
		return true;
	case VDM_BALLOON_REQUEST:
		return vdm_balloon_request(dm, message);
	case VDM_UNBALLOON_REQUEST:
		vdm_unballoon_request(dm, message, size);
		return true;
	case VDM_HOT_ADD_REQUEST:
		vdm_refuse_hot_add(dm);
		return true;
	case VDM_INFO:
		vdm_inform(dm, message, size);
		return true;
	default:
		vdm_count(dm, VDM_UNKNOWN, 1);
		pr_warn_ratelimited("%s: message of unknown type %u is passed over\n",
				    vmb_channel_get_friendly_name(dm->channel),
				    le16_to_cpu(header->type));
		return true;
	}
}

/**
 * vdm_protocol_begin() - the link is there: negotiate
 * @dm: who
 *
 * Context: process context, vdm.mutex held.
 */
void vdm_protocol_begin(struct vdm *dm)
{
	vdm_propose_version(dm, 0);
}

/**
 * vdm_protocol_tick() - what is to be done each second
 * @dm: who
 *
 * Context: process context, vdm.mutex held.
 */
void vdm_protocol_tick(struct vdm *dm)
{
	switch (dm->state) {
	case VDM_VERSION_SENT:
	case VDM_CAPABILITIES_SENT:
		/* An answer that waits to be acted upon is not late. */
		if (time_after_eq(jiffies, dm->deadline) && vdm_inbox_empty(dm))
			vdm_fail(dm, "the host did not answer");
		break;
	case VDM_READY:
		if (dm->suppressed || time_before(jiffies, dm->next_report))
			break;
		vdm_report(dm);
		/* At an even pace; but what was missed in a long sleep is missed. */
		dm->next_report += HZ;
		if (time_before(dm->next_report, jiffies))
			dm->next_report = jiffies + HZ;
		break;
	default:
		break;
	}
}
