// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane, the client's side: memory shared with the server.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "control_internal.h"

int vmbus_cg_new(struct vmbus_client_channel *chan, u32 handle,
		 struct vmbus_client_gpadl **gpadlp)
{
	struct vmbus_client *cl = chan->cl;
	struct vmbus_client_gpadl *g;
	int ret;

	if (chan->nr_gpadls >= VMBUS_MAX_GPADLS_PER_CHANNEL ||
	    cl->nr_gpadls >= VMBUS_MAX_GPADLS)
		return -ENOSPC;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->chan = chan;
	g->handle = handle;
	vmbus_work_init(&g->work, VMBUS_WORK_GPADL);
	ret = xa_insert(&cl->gpadls, handle, g, GFP_KERNEL);
	if (ret) {
		kfree(g);
		return ret;
	}
	list_add_tail(&g->node, &chan->gpadls);
	chan->nr_gpadls++;
	cl->nr_gpadls++;
	*gpadlp = g;
	return 0;
}

void vmbus_cg_free(struct vmbus_client_gpadl *g)
{
	struct vmbus_client *cl = g->chan->cl;

	vmbus_work_cancel(&g->work);
	xa_erase(&cl->gpadls, g->handle);
	list_del(&g->node);
	g->chan->nr_gpadls--;
	cl->nr_gpadls--;
	kfree(g);
}

/* The header carries the range and the first pages, the rest follows. */
static void vmbus_cg_send_create(const struct vmbus_client_gpadl *g,
				 const struct vmbus_gpadl_range *range)
{
	union {
		struct vmbus_msg_gpadl_header header;
		struct vmbus_msg_gpadl_body body;
		u8 bytes[VMBUS_MSG_MAX];
	} msg = {
		.header = {
			.hdr = vmbus_msg_hdr(VMBUS_MSG_GPADL_HEADER),
			.channel = cpu_to_le32(g->chan->id),
			.gpadl = cpu_to_le32(g->handle),
			.len = cpu_to_le16((1 + range->nr_pages) * sizeof(u64)),
			.count = cpu_to_le16(1),
		},
	};
	size_t len = sizeof(msg.header);
	__le64 word;
	u32 i;

	word = cpu_to_le64(range->byte_count | (u64)range->byte_offset << 32);
	memcpy(&msg.bytes[len], &word, sizeof(word));
	len += sizeof(word);
	for (i = 0; i < range->nr_pages; i++) {
		if (len + sizeof(word) > VMBUS_MSG_MAX) {
			vmbus_client_queue(g->chan->cl, &msg, len);
			msg.body = (struct vmbus_msg_gpadl_body) {
				.hdr = vmbus_msg_hdr(VMBUS_MSG_GPADL_BODY),
				.gpadl = cpu_to_le32(g->handle),
			};
			len = sizeof(msg.body);
		}
		word = cpu_to_le64(range->pfns[i]);
		memcpy(&msg.bytes[len], &word, sizeof(word));
		len += sizeof(word);
	}
	vmbus_client_queue(g->chan->cl, &msg, len);
}

/**
 * vmbus_client_gpadl_create() - share memory with the server
 * @chan: the channel that it is for
 * @range: the memory; nothing of this is kept
 * @handle: where the handle goes
 *
 * ops->gpadl_created brings the result.
 *
 * Return: 0, -ENODEV if the channel is rescinded, -EINVAL for a range that is
 * none, -E2BIG for more than 8190 pages, -ERANGE for pages that are not the
 * guest's, -ENOSPC, -ENOBUFS, -ENOMEM.
 */
int vmbus_client_gpadl_create(struct vmbus_client_channel *chan,
			      const struct vmbus_gpadl_range *range, u32 *handle)
{
	struct vmbus_client *cl = chan->cl;
	struct vmbus_client_gpadl *g;
	u32 i, bodies = 0;
	int ret;

	if (chan->rescinded)
		return -ENODEV;
	if (!range->byte_count || range->byte_offset >= VMBUS_PAGE_SIZE ||
	    range->nr_pages != vmbus_gpadl_range_pages(range->byte_count, range->byte_offset))
		return -EINVAL;
	if (1 + range->nr_pages > VMBUS_GPADL_MAX_WORDS)
		return -E2BIG;
	for (i = 0; i < range->nr_pages; i++)
		if (range->pfns[i] >= cl->nr_pages)
			return -ERANGE;
	if (1 + range->nr_pages > VMBUS_GPADL_HEADER_WORDS)
		bodies = DIV_ROUND_UP(1 + range->nr_pages -
				      VMBUS_GPADL_HEADER_WORDS,
				      VMBUS_GPADL_BODY_WORDS);
	if (!vmbus_client_has_room(cl, 1 + bodies))
		return -ENOBUFS;
	/* A number is taken again only when all others were. */
	while (!cl->next_handle || xa_load(&cl->gpadls, cl->next_handle))
		cl->next_handle++;
	ret = vmbus_cg_new(chan, cl->next_handle, &g);
	if (ret)
		return ret;
	cl->next_handle++;
	vmbus_cg_send_create(g, range);
	*handle = g->handle;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_gpadl_create, KMCL_NS);

/**
 * vmbus_client_gpadl_settled() - does the server have it, and was that told?
 * @chan: its channel
 * @handle: its handle
 *
 * Return: that.
 */
bool vmbus_client_gpadl_settled(const struct vmbus_client_channel *chan, u32 handle)
{
	const struct vmbus_client_gpadl *g = xa_load(&chan->cl->gpadls, handle);

	return g && g->chan == chan && g->state == VMBUS_CG_CREATED && !g->work.pending;
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_gpadl_settled, KMCL_NS);

void vmbus_cg_send_teardown(struct vmbus_client_gpadl *g)
{
	const struct vmbus_msg_gpadl_teardown msg = {
		.hdr = vmbus_msg_hdr(VMBUS_MSG_GPADL_TEARDOWN),
		.channel = cpu_to_le32(g->chan->id),
		.gpadl = cpu_to_le32(g->handle),
	};

	g->state = VMBUS_CG_TEARDOWN;
	vmbus_client_queue(g->chan->cl, &msg, sizeof(msg));
}

int vmbus_cg_teardown(struct vmbus_client_gpadl *g)
{
	switch (g->state) {
	case VMBUS_CG_CREATING:
		g->state = VMBUS_CG_CREATING_TEARDOWN;
		return 0;
	case VMBUS_CG_CREATED:
		g->work.pending &= ~VMBUS_CG_TELL_CREATED;
		/* No room needed: there was, for the creation. */
		vmbus_cg_send_teardown(g);
		return 0;
	default:
		return -EALREADY;
	}
}

/**
 * vmbus_client_gpadl_teardown() - ask for shared memory back
 * @chan: its channel
 * @handle: its handle
 *
 * ops->gpadl_torndown says when the server is done with it. A GPADL whose
 * creation is unanswered goes after that, and ops->gpadl_created is not called.
 *
 * Return: 0, -ENOENT, or -EALREADY.
 */
int vmbus_client_gpadl_teardown(struct vmbus_client_channel *chan, u32 handle)
{
	struct vmbus_client_gpadl *g = xa_load(&chan->cl->gpadls, handle);

	if (!g || g->chan != chan)
		return -ENOENT;
	return vmbus_cg_teardown(g);
}
EXPORT_SYMBOL_NS_GPL(vmbus_client_gpadl_teardown, KMCL_NS);
