// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: what the server's and the client's side have in common.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

const struct vmbus_open_request vmbus_no_request;

static const char * const vmbus_drop_names[] = {
	[VMBUS_DROP_TOO_SHORT] = "too short",
	[VMBUS_DROP_TOO_LONG] = "too long",
	[VMBUS_DROP_TYPE] = "unknown type",
	[VMBUS_DROP_UNSUPPORTED] = "feature not offered",
	[VMBUS_DROP_NOT_CONNECTED] = "not in this state of the connection",
	[VMBUS_DROP_CHANNEL] = "unknown channel",
	[VMBUS_DROP_STATE] = "not in this state",
	[VMBUS_DROP_REVOKED] = "channel is rescinded",
	[VMBUS_DROP_GPADL] = "unknown GPADL",
	[VMBUS_DROP_CONTENT] = "bad value",
	[VMBUS_DROP_LIMIT] = "over a limit",
};

static_assert(ARRAY_SIZE(vmbus_drop_names) == VMBUS_DROP_NR);

/**
 * vmbus_drop_name() - say why a message was ignored
 * @why: the reason
 *
 * Return: a few words, never NULL.
 */
const char *vmbus_drop_name(enum vmbus_drop why)
{
	return why < VMBUS_DROP_NR ? vmbus_drop_names[why] : "unknown";
}
EXPORT_SYMBOL_NS_GPL(vmbus_drop_name, KMCL_NS);

/*
 * An answer that cannot be queued would leave the peer waiting for ever, and
 * what can be queued is bounded and small: so this does not fail.
 */
void vmbus_outbox_add(struct vmbus_outbox *out, const void *msg, size_t len)
{
	struct vmbus_queued *q;

	q = kmalloc(struct_size(q, data, len), GFP_KERNEL | __GFP_NOFAIL);
	q->len = len;
	memcpy(q->data, msg, len);
	list_add_tail(&q->node, &out->list);
	out->nr++;
}

/* Send what send() takes, in order. Returns whether it took anything. */
bool vmbus_outbox_flush(struct vmbus_outbox *out,
			int (*send)(void *ctx, const void *msg, size_t len),
			void *ctx, struct vmbus_control_stats *stats)
{
	struct vmbus_queued *q, *tmp;
	bool any = false;

	list_for_each_entry_safe(q, tmp, &out->list, node) {
		if (send(ctx, q->data, q->len))
			break;
		list_del(&q->node);
		kfree(q);
		out->nr--;
		stats->sent++;
		any = true;
	}
	return any;
}

void vmbus_outbox_purge(struct vmbus_outbox *out)
{
	struct vmbus_queued *q, *tmp;

	list_for_each_entry_safe(q, tmp, &out->list, node) {
		list_del(&q->node);
		kfree(q);
	}
	out->nr = 0;
}

int vmbus_inbox_put(struct vmbus_inbox *in, const void *msg, size_t len,
		    struct vmbus_control_stats *stats)
{
	unsigned int slot;

	if (len > VMBUS_MSG_MAX) {
		stats->dropped[VMBUS_DROP_TOO_LONG]++;
		return -EMSGSIZE;
	}
	if (in->nr == VMBUS_INBOX_MAX) {
		stats->full++;
		return -ENOBUFS;
	}
	slot = (in->first + in->nr) % VMBUS_INBOX_MAX;
	in->slot[slot].len = len;
	memcpy(in->slot[slot].data, msg, len);
	in->nr++;
	stats->received++;
	return 0;
}

/* Take the oldest message; @msg holds VMBUS_MSG_MAX bytes. */
size_t vmbus_inbox_get(struct vmbus_inbox *in, void *msg)
{
	size_t len = in->slot[in->first].len;

	memcpy(msg, in->slot[in->first].data, len);
	in->first = (in->first + 1) % VMBUS_INBOX_MAX;
	in->nr--;
	return len;
}

/*
 * Exactly @nr_ranges ranges, each with at least one byte, an offset inside its
 * first page and all its page numbers, and nothing left over.
 */
int vmbus_gpadl_validate(const u64 *words, u32 nr_words, u32 nr_ranges,
			 u64 nr_pages)
{
	u32 i = 0;

	if (!nr_ranges)
		return -EINVAL;
	/* Each turn uses up a word, so a hostile nr_ranges ends early. */
	while (nr_ranges--) {
		u32 count, offset;
		u64 pages;

		if (i >= nr_words)
			return -EINVAL;
		count = vmbus_gpadl_range_count(words[i]);
		offset = vmbus_gpadl_range_offset(words[i]);
		i++;
		if (!count || offset >= VMBUS_PAGE_SIZE)
			return -EINVAL;
		pages = vmbus_gpadl_range_pages(count, offset);
		if (pages > nr_words - i)
			return -EINVAL;
		while (pages--)
			if (words[i++] >= nr_pages)
				return -ERANGE;
	}
	return i == nr_words ? 0 : -EINVAL;
}
