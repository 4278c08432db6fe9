// SPDX-License-Identifier: GPL-2.0
/*
 * Transfer pages: packets whose data lies in a buffer that both ends know. This
 * end made a GPADL of it and told the peer by which number it will name it; the
 * peer puts the data there and sends where it is.
 */
#include "internal.h"
#include "vmbus/ranges.h"

/* Bytes of the header of a packet with as many ranges as the channel takes */
u32 kmcl_transfer_size(const struct kmcl_config *cfg)
{
	return cfg->transfer_ranges ? 8 + cfg->transfer_ranges * 8 : 0;
}

static int kmcl_transfer_parse(struct vmb_channel *ch, const void *header, u32 len,
			       struct vmbus_xfer_iter *iter)
{
	const struct vmbus_range_limits limits = {
		.max_ranges = ch->cfg.transfer_ranges,
		.max_bytes = U32_MAX,
	};

	if (vmbus_xfer_parse(header, len, ch->cfg.transfer_size, &limits, iter) ||
	    iter->set_id != ch->cfg.transfer_set)
		return -EBADMSG;
	return 0;
}

/* Are the ranges of a received packet sound, and within the buffer? */
int kmcl_transfer_check(struct vmb_channel *ch, const void *header, u32 len)
{
	struct vmbus_xfer_iter iter;

	return kmcl_transfer_parse(ch, header, len, &iter);
}

/**
 * vmb_channel_init_set_transfer_pages() - take packets whose data is in a buffer
 * @ch: a Disabled channel
 * @set: number by which the peer names the buffer, as the consumer's protocol has
 *	it
 * @size: bytes of the buffer, which is the consumer's affair: no range goes beyond
 * @ranges: ranges a packet, 1 to %VMB_MAX_TRANSFER_RANGES
 *
 * A packet that names another buffer, or comes where this was not called, stops
 * the channel as malformed. Only the hv bus has such packets. Without a
 * counterpart in Windows.
 *
 * Context: process context. Return: 0; -EBUSY: not Disabled; -EINVAL.
 */
int vmb_channel_init_set_transfer_pages(struct vmb_channel *ch, u16 set, u32 size, u32 ranges)
{
	int ret = kmcl_config_begin(ch);

	if (ret)
		return ret;
	if (!size || !ranges || ranges > VMB_MAX_TRANSFER_RANGES)
		return -EINVAL;
	ch->cfg.transfer_set = set;
	ch->cfg.transfer_size = size;
	ch->cfg.transfer_ranges = ranges;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_init_set_transfer_pages, KMCL_NS);

/**
 * vmb_channel_packet_get_transfer_ranges() - where a received packet's data is
 * @pkt: delivered with %VMB_PROCESS_PACKET_FLAG_TRANSFER_PAGES
 * @ranges: filled in, as the peer wrote them, and all within the buffer; they may
 *	overlap
 * @nr: in: room there; out: how many the packet has
 *
 * The peer leaves the ranges alone until the packet is completed. Without a
 * counterpart in Windows.
 *
 * Context: any context.
 * Return: 0; -EINVAL: a packet of another kind; -ENOBUFS: more than there is room
 * for: *@nr says how many.
 */
int vmb_channel_packet_get_transfer_ranges(struct vmb_packet_completion *pkt,
					   struct vmb_transfer_range *ranges, u32 *nr)
{
	struct vmbus_xfer_range range;
	struct vmbus_xfer_iter iter;
	u32 room = *nr, i;

	if (pkt->type != KMCL_PACKET_TRANSFER_PAGES ||
	    kmcl_transfer_parse(pkt->channel, kmcl_received_header(pkt), pkt->header_len, &iter))
		return -EINVAL;
	*nr = iter.nr_ranges;
	if (iter.nr_ranges > room)
		return -ENOBUFS;
	for (i = 0; vmbus_xfer_iter_next(&iter, &range); i++)
		ranges[i] = (struct vmb_transfer_range) {
			.offset = range.offset,
			.length = range.len,
		};
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_get_transfer_ranges, KMCL_NS);
