// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: pages go to the host, and come back.
 *
 * A request for pages is answered in as many messages as it takes, the next one
 * when the last is in the ring. It stays in the inbox until then, so where a
 * freeze comes first it goes on afterwards.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "dm.h"

/* Pieces of 2 MiB, where there are any */
#define VDM_BALLOON_ORDER	(21 - PAGE_SHIFT)

/**
 * vdm_balloon_supported() - can the host have pages of ours?
 *
 * A host thinks in pages of 4 KiB, and might give back part of a larger one.
 *
 * Return: the answer.
 */
bool vdm_balloon_supported(void)
{
	return PAGE_SIZE == VDM_PAGE_SIZE;
}

/* Is any more memory to be had? If not, the answer ends here. */
static bool vdm_balloon_last(struct vdm *dm, unsigned long wanted, unsigned long given,
			     u32 count)
{
	if (given == dm->balloon_left)
		return true;
	/* A message that is full says nothing about memory. */
	return given < wanted ? count < VDM_MAX_RANGES : wanted < dm->balloon_left;
}

/**
 * vdm_balloon_request() - the host wants pages
 * @dm: who
 * @request: its message, checked for its size
 *
 * Gives as many as can be spared, in one message a call.
 *
 * Context: process context, vdm.mutex held. Return: as vdm_protocol_act().
 */
bool vdm_balloon_request(struct vdm *dm, const struct vdm_balloon_request *request)
{
	struct vdm_balloon_response *response = (void *)dm->buffer;
	unsigned long wanted, given, taken;
	u32 count;
	bool last;
	int ret;

	if (!vdm_balloon_supported()) {
		vdm_fault(dm, "request for pages, which we said we cannot give");
		return true;
	}
	if (atomic_read(&dm->response_queued))
		return false;
	if (!dm->balloon_begun) {
		dm->balloon_begun = true;
		dm->balloon_left = le32_to_cpu(request->pages);
		dm->balloon_order = VDM_BALLOON_ORDER;
	}
	memset(response, 0, sizeof(*response));
	wanted = min_t(unsigned long, dm->balloon_left, vdm_spare(dm));
	given = vdm_pages_give(&dm->pages, wanted, &dm->balloon_order, response->ranges,
			       VDM_MAX_RANGES, &count);
	last = vdm_balloon_last(dm, wanted, given, count);
	response->count = cpu_to_le32(count << 1 | (last ? 0 : VDM_MORE));

	atomic_set(&dm->response_queued, 1);
	ret = vdm_send(dm, response, VDM_BALLOON_RESPONSE, struct_size(response, ranges, count));
	if (ret) {
		/* The link is going, and the host does not know of them. */
		atomic_set(&dm->response_queued, 0);
		vdm_pages_take(&dm->pages, response->ranges, count, &taken);
		return false;
	}
	vdm_count(dm, VDM_PAGES_GIVEN, given);
	dm->balloon_left -= given;
	if (!last)
		return false;
	if (dm->balloon_left)
		pr_info_ratelimited("%s: the host asked for %u pages, and got %u: no more can be spared\n",
				    vmb_channel_get_friendly_name(dm->channel),
				    le32_to_cpu(request->pages),
				    le32_to_cpu(request->pages) - dm->balloon_left);
	dm->balloon_begun = false;
	vdm_count(dm, VDM_BALLOON_REQUESTS, 1);
	return true;
}

/**
 * vdm_unballoon_request() - the host gives pages back
 * @dm: who
 * @request: its message, checked for the size of its head
 * @size: bytes of it
 *
 * One that names a page that is not with the host is refused as a whole. The
 * protocol has no way to say so; the end of a transaction is answered in any
 * case, for the host waits for that.
 *
 * Context: process context, vdm.mutex held.
 */
void vdm_unballoon_request(struct vdm *dm, const struct vdm_unballoon_request *request, u32 size)
{
	u32 room = (size - sizeof(*request)) / sizeof(request->ranges[0]);
	u32 count = le32_to_cpu(request->count);
	struct vdm_unballoon_response response = {};
	unsigned long taken;

	if (count > room)
		vdm_fault(dm, "more ranges than fit their message");
	else if (vdm_pages_take(&dm->pages, request->ranges, count, &taken))
		vdm_fault(dm, "return of pages that the host does not have");
	else
		vdm_count(dm, VDM_PAGES_RETURNED, taken);
	if (le32_to_cpu(request->flags) & VDM_MORE)
		return;
	vdm_count(dm, VDM_UNBALLOON_REQUESTS, 1);
	vdm_send(dm, &response, VDM_UNBALLOON_RESPONSE, sizeof(response));
}
