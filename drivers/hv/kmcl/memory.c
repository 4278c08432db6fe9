// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that packets describe but do not carry: external data, both ways, and
 * GPADLs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "vmbus/ranges.h"

/* Bytes of a GPA-direct header that describes @bytes in @chain pieces; 0 for 0. */
u32 kmcl_ranges_size(u32 bytes, u32 chain)
{
	u32 pages = DIV_ROUND_UP(bytes, VMBUS_RING_PAGE_SIZE) + 2 * chain;

	if (!bytes)
		return 0;
	return 8 + vmbus_gpa_ranges_len(chain, pages);
}

/* Are the ranges of a received packet sound and within the channel's limits? */
int kmcl_ranges_check(struct vmb_channel *ch, const void *header, u32 len)
{
	struct vmbus_range_limits limits = {
		.max_ranges = ch->cfg.max_chain,
		.max_bytes = ch->cfg.max_external,
	};
	struct vmbus_gpa_iter iter;

	return vmbus_gpa_direct_parse(header, len, &limits, &iter) ? -EBADMSG : 0;
}

/* Bytes that a chain describes; -EINVAL where it makes no sense. */
int kmcl_mdl_length(const struct vmb_mdl *mdl, u32 max_chain, u64 *bytes)
{
	u32 i, n = 0;
	u64 room;

	*bytes = 0;
	for (; mdl; mdl = mdl->next) {
		if (++n > max_chain)
			return -EMSGSIZE;
		for (i = 0, room = 0; i < mdl->nr_bvecs; i++)
			room += mdl->bvec[i].bv_len;
		if (!mdl->length || (u64)mdl->offset + mdl->length > room)
			return -EINVAL;
		*bytes += mdl->length;
	}
	return 0;
}

/* Is there external data at all on this channel, and not more than it may be? */
static int kmcl_external_check(struct vmb_channel *ch, u64 length)
{
	if (!ch->cfg.max_external)
		return -EOPNOTSUPP;
	if (!length)
		return -EINVAL;
	return length > ch->cfg.max_external ? -EMSGSIZE : 0;
}

/**
 * vmb_packet_send_with_external_mdl() - send a packet with part of a chain
 * @pkt: which
 * @buffer: payload, copied
 * @length: its bytes
 * @external: memory for the peer; the library's until the routine is called
 * @mdl_offset: where the part starts, bytes into the chain
 * @mdl_length: its bytes; 0: all from @mdl_offset on
 * @flags: VMB_PACKET_FLAG_*, %VMB_PACKET_FLAG_WAIT_FOR_COMPLETION among them.
 *	With %VMB_PACKET_FLAG_FORCE_MDL_LENGTH only the first of the chain is
 *	used, and @mdl_length may go beyond its length, within its pieces
 *
 * Windows: VmbPacketSendWithExternalMdl. Context: any context.
 * Return: as vmb_packet_send(); -EINVAL where the part is not within the chain.
 */
int vmb_packet_send_with_external_mdl(struct vmb_packet *pkt, const void *buffer, u32 length,
				      struct vmb_mdl *external, u32 mdl_offset, u32 mdl_length,
				      u32 flags)
{
	struct vmb_channel *ch = pkt->channel;
	u64 room = 0;
	u32 i;
	int ret;

	if (!external || !(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		return -EINVAL;
	if (!ch->cfg.max_external)
		return -EOPNOTSUPP;
	if (flags & VMB_PACKET_FLAG_FORCE_MDL_LENGTH) {
		for (i = 0; i < external->nr_bvecs; i++)
			room += external->bvec[i].bv_len;
		room = room > external->offset ? room - external->offset : 0;
	} else {
		ret = kmcl_mdl_length(external, ch->cfg.max_chain, &room);
		if (ret)
			return ret;
	}
	if (mdl_offset >= room || mdl_length > room - mdl_offset)
		return -EINVAL;
	if (!mdl_length)
		mdl_length = min_t(u64, room - mdl_offset, U32_MAX);
	ret = kmcl_external_check(ch, mdl_length);
	if (ret)
		return ret;
	if (flags & VMB_PACKET_FLAG_FORCE_MDL_LENGTH) {
		if (!kmcl_packet_idle(pkt))
			return -EBUSY;
		pkt->forced_mdl = (struct vmb_mdl) {
			.bvec = external->bvec,
			.nr_bvecs = external->nr_bvecs,
			.offset = external->offset,
			.length = min_t(u64, room, U32_MAX),
		};
		external = &pkt->forced_mdl;
	}
	return kmcl_send(pkt, buffer, length, external, mdl_offset, mdl_length, flags, false);
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_send_with_external_mdl, KMCL_NS);

/**
 * vmb_packet_send_with_external_pfns() - send a packet with pages
 * @pkt: which
 * @buffer: payload, copied
 * @length: its bytes
 * @pfns: page frame numbers of this kernel; the pages are the library's until
 *	the routine is called, the array only until the call returns
 * @pfn_offset: index of the first page used
 * @pfn_length: pages used
 * @flags: as vmb_packet_send_with_external_mdl()
 *
 * Windows: VmbPacketSendWithExternalPfns. Context: process context or softirq.
 * Return: as vmb_packet_send(); -ENOMEM: no memory to describe the pages;
 * -EINVAL: a number that is no page of RAM.
 */
int vmb_packet_send_with_external_pfns(struct vmb_packet *pkt, const void *buffer, u32 length,
				       const unsigned long *pfns, u32 pfn_offset, u32 pfn_length,
				       u32 flags)
{
	struct vmb_channel *ch = pkt->channel;
	u64 bytes = (u64)pfn_length << PAGE_SHIFT;
	struct vmb_mdl *mdl;
	struct bio_vec *bvec;
	u32 i;
	int ret;

	if (!pfns || !(flags & VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		return -EINVAL;
	ret = kmcl_external_check(ch, bytes);
	if (ret)
		return ret;
	if (!kmcl_packet_idle(pkt))
		return -EBUSY;
	/* Lives as long as the transaction: freed with the next send, or the packet. */
	mdl = kmalloc(sizeof(*mdl) + pfn_length * sizeof(*bvec), GFP_ATOMIC | __GFP_NOWARN);
	if (!mdl)
		return -ENOMEM;
	bvec = (struct bio_vec *)(mdl + 1);
	for (i = 0; i < pfn_length; i++) {
		if (!pfn_valid(pfns[pfn_offset + i])) {
			kfree(mdl);
			return -EINVAL;
		}
		bvec[i].bv_page = pfn_to_page(pfns[pfn_offset + i]);
		bvec[i].bv_offset = 0;
		bvec[i].bv_len = PAGE_SIZE;
	}
	*mdl = (struct vmb_mdl) {
		.bvec = bvec,
		.nr_bvecs = pfn_length,
		.length = bytes,
	};
	kfree(pkt->own_mdl);
	pkt->own_mdl = mdl;
	return kmcl_send(pkt, buffer, length, mdl, 0, bytes, flags, false);
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_send_with_external_pfns, KMCL_NS);

/**
 * vmb_packet_set_external_mdl() - where the external memory of a restored
 *	packet is now
 * @pkt: between vmb_packet_allocate() and vmb_packet_restore()
 * @external: memory as large as that which was sent, or NULL: what the peer
 *	wrote is dropped
 *
 * Without a counterpart in Windows. Context: process context.
 * Return: 0; -EINVAL for a chain that makes no sense; -EMSGSIZE; -EOPNOTSUPP: no
 * external memory on this channel.
 */
int vmb_packet_set_external_mdl(struct vmb_packet *pkt, struct vmb_mdl *external)
{
	struct vmb_channel *ch = pkt->channel;
	u64 bytes = 0;
	int ret = 0;

	if (external && !ch->cfg.max_external)
		return -EOPNOTSUPP;
	if (external) {
		ret = kmcl_mdl_length(external, ch->cfg.max_chain, &bytes);
		if (!ret)
			ret = kmcl_external_check(ch, bytes);
	}
	if (ret)
		return ret;
	pkt->mdl = external;
	pkt->restored_len = bytes;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_set_external_mdl, KMCL_NS);

/**
 * vmb_channel_packet_get_external_data() - the memory that a packet describes
 * @pkt: a received packet that is the consumer's
 * @flags: %VMB_EXTERNAL_DATA_FLAG_READ_ONLY: it will not be written
 * @mdl: out: the peer's memory, pinned until the packet is completed; the
 *	library's. Without a mapping: use kmap_local_page() and its like, or hand
 *	it to a device
 *
 * Windows: VmbChannelPacketGetExternalData.
 *
 * Context: any context.
 * Return: 0; -EINPROGRESS: only inside the process-packet callback: return
 * without completing, the packet is delivered again once the memory is there;
 * -EINVAL: unknown @flags, the packet has no external data, or a WARN: it is not
 * the consumer's; -EFAULT: not the peer's memory; -EACCES: may not be written, or
 * was had read-only before;
 * -EAGAIN: not there yet, and called outside the callback; -ENODEV: the link
 * ended, or, of a restored packet, is not there yet; -ESTALE: a handover was committed.
 */
int vmb_channel_packet_get_external_data(struct vmb_packet_completion *pkt, u32 flags,
					 struct vmb_mdl **mdl)
{
	struct vmb_channel *ch = pkt->channel;
	struct bio_vec *bvec = kmcl_received_bvecs(pkt);
	unsigned long irq;
	u32 i, nr = ch->bvecs_max;
	int ret;

	if (flags & ~VMB_EXTERNAL_DATA_FLAG_READ_ONLY || pkt->type != KMCL_PACKET_GPA_DIRECT)
		return -EINVAL;
	spin_lock_irqsave(&ch->lock, irq);
	if (kmcl_handed_over(ch)) {
		ret = -ESTALE;
	} else if (WARN(pkt->state != KMCL_RECEIVED_HELD,
			"%s: external data of a packet that is not held\n", ch->cfg.name)) {
		ret = -EINVAL;
	} else if (pkt->nr_bvecs) {
		/* Pinned already, perhaps for less than is asked for now */
		ret = (pkt->bits & KMCL_RX_EXT_RO) && !flags ? -EACCES : 0;
	} else if ((pkt->bits & KMCL_RX_STALE) || !ch->link || ch->link_down) {
		ret = -ENODEV;
	} else {
		/* Set first: the memory may be there before the call returns. */
		pkt->bits |= KMCL_RX_EXT_WAIT;
		ret = ch->ops->gpa_get(ch->link, kmcl_received_header(pkt), pkt->header_len, flags,
				       bvec, &nr);
		if (ret == -EINPROGRESS && (pkt->bits & KMCL_RX_IN_CALLBACK) &&
		    ch->save_task != current) {
			pkt->bits |= KMCL_RX_REDELIVER;
		} else {
			pkt->bits &= ~KMCL_RX_EXT_WAIT;
			if (ret == -EINPROGRESS)
				ret = -EAGAIN;
		}
		if (!ret) {
			pkt->bits |= flags ? KMCL_RX_EXT_RO : 0;
			pkt->nr_bvecs = nr;
			pkt->mdl = (struct vmb_mdl) { .bvec = bvec, .nr_bvecs = nr };
			for (i = 0; i < nr; i++)
				pkt->mdl.length += bvec[i].bv_len;
		}
	}
	spin_unlock_irqrestore(&ch->lock, irq);
	if (!ret)
		*mdl = &pkt->mdl;
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_packet_get_external_data, KMCL_NS);

/* The consumer is done with the peer's memory. Idempotent. */
void kmcl_external_put(struct vmb_channel *ch, struct vmb_packet_completion *pkt)
{
	lockdep_assert_held(&ch->lock);
	if (!pkt->nr_bvecs)
		return;
	ch->ops->gpa_put(ch->link, kmcl_received_bvecs(pkt), pkt->nr_bvecs);
	pkt->bits &= ~KMCL_RX_EXT_RO;
	pkt->nr_bvecs = 0;
}

/**
 * kmcl_channel_external_ready() - memory that was not there is there now
 * @ch: on which channel
 *
 * Context: any context.
 */
void kmcl_channel_external_ready(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry(pkt, &ch->rx_taken, node)
		pkt->bits &= ~KMCL_RX_EXT_WAIT;
	list_for_each_entry(pkt, &ch->rx_held, node)
		pkt->bits &= ~KMCL_RX_EXT_WAIT;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_receive_schedule(ch);
}
EXPORT_SYMBOL_NS_GPL(kmcl_channel_external_ready, KMCL_NS);

/*
 * GPADL calls need an open link; the transport ends those that wait with it, where
 * it can. Giving back is possible until Closed, for the rest the link must have a
 * future.
 */
static int kmcl_gpadl_enter(struct vmb_channel *ch, bool server, bool give_back, void **link)
{
	unsigned long flags;
	bool ending;
	int ret = 0;

	might_sleep();
	spin_lock_irqsave(&ch->lock, flags);
	ending = ch->link_down || !ch->want_enabled;
	if (ch->server != server)
		ret = -EINVAL;
	else if (!(ch->cfg.bus && (ch->ops->caps & KMCL_CAP_GPADL)))
		ret = -EOPNOTSUPP;
	else if (ch->freeze == KMCL_FROZEN || ch->saving)
		ret = -ESHUTDOWN;
	else if (!ch->link || !ch->link_up || (ending && !give_back) ||
		 (ch->state != KMCL_OPENING && ch->state != KMCL_OPEN))
		ret = -ENODEV;
	if (!ret) {
		*link = ch->link;
		ch->gpadl_calls++;
		if (ending && !server && ch->ops->gpadl_abort)
			ch->ops->gpadl_abort(ch->link);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/* The link may go now. */
static int kmcl_gpadl_leave(struct vmb_channel *ch, int ret)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (!--ch->gpadl_calls)
		wake_up_all(&ch->life_wait);
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/**
 * vmb_channel_create_gpadl_from_mdl() - publish memory to the server
 * @ch: a client's channel, between Opened and Closed
 * @flags: %VMB_GPADL_FLAG_READ_ONLY: the server should not write it
 * @mdl: the memory; the library's until the GPADL is deleted
 * @offset: where it starts, bytes into the chain
 * @length: bytes; 0: all from @offset on
 * @handle: out: the GPADL's number, for the consumer's own protocol
 *
 * Returns once the peer acknowledged. On a transport that bounces (loopback)
 * the memory is copied here, and back when the GPADL is deleted.
 * Windows: VmbChannelCreateGpadlFromMdl.
 *
 * Context: process context; not in the receive callbacks.
 * Return: 0; -EINVAL: a server, flags, the part is not within the chain, or not
 * whole pages where the bus (hv) shares those alone; -E2BIG: more than the bus
 * can describe; -EOPNOTSUPP: the transport has none, or not on this
 * channel; -ENODEV: no open link, or it ended;
 * -ESHUTDOWN: frozen or being saved; -ENOMEM; -ENOSPC: the channel or the bus has
 * as many GPADLs as there can be; -ENOBUFS: too many control messages wait to be
 * sent; -EIO: the peer refused; -EDEADLK and a WARN inside a receive callback.
 */
int vmb_channel_create_gpadl_from_mdl(struct vmb_channel *ch, u32 flags, struct vmb_mdl *mdl,
				      u32 offset, u32 length, u32 *handle)
{
	void *link;
	u64 room;
	int ret;

	if (flags & ~VMB_GPADL_FLAG_READ_ONLY || !mdl)
		return -EINVAL;
	if (WARN(READ_ONCE(ch->rx_task) == current, "%s: GPADL made in a receive callback\n",
		 ch->cfg.name))
		return -EDEADLK;
	ret = kmcl_mdl_length(mdl, VMB_MAX_CHAIN_LENGTH, &room);
	if (ret || offset >= room || length > room - offset || room > U32_MAX)
		return -EINVAL;
	ret = kmcl_gpadl_enter(ch, false, false, &link);
	if (ret)
		return ret;
	ret = ch->ops->gpadl_create(link, mdl, offset, length ?: room - offset, flags, handle);
	return kmcl_gpadl_leave(ch, ret);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_create_gpadl_from_mdl, KMCL_NS);

/**
 * vmb_channel_create_gpadl_from_buffer() - publish a buffer to the server
 * @ch: a client's channel, between Opened and Closed
 * @flags: %VMB_GPADL_FLAG_READ_ONLY
 * @buffer: kernel memory, of kmalloc() or vmalloc(); the library's until the
 *	GPADL is deleted
 * @size: its bytes
 * @handle: out: the GPADL's number
 *
 * Windows: VmbChannelCreateGpadlFromBuffer. Context and return: as
 * vmb_channel_create_gpadl_from_mdl().
 */
int vmb_channel_create_gpadl_from_buffer(struct vmb_channel *ch, u32 flags, void *buffer,
					 u32 size, u32 *handle)
{
	u32 nr = size ? DIV_ROUND_UP(offset_in_page(buffer) + (u64)size, PAGE_SIZE) : 0;
	struct vmb_mdl mdl = { .length = size };
	struct bio_vec *bvec;
	u32 i, done, n;
	int ret;

	if (!buffer || !size)
		return -EINVAL;
	bvec = kvmalloc_array(nr, sizeof(*bvec), GFP_KERNEL);
	if (!bvec)
		return -ENOMEM;
	for (i = 0, done = 0; i < nr; i++, done += n) {
		n = min_t(u32, size - done, PAGE_SIZE - offset_in_page(buffer + done));
		bvec[i].bv_page = is_vmalloc_addr(buffer) ? vmalloc_to_page(buffer + done) :
				  virt_to_page(buffer + done);
		bvec[i].bv_offset = offset_in_page(buffer + done);
		bvec[i].bv_len = n;
	}
	mdl.bvec = bvec;
	mdl.nr_bvecs = nr;
	ret = vmb_channel_create_gpadl_from_mdl(ch, flags, &mdl, 0, size, handle);
	/* The transport keeps what it needs of the description. */
	kvfree(bvec);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_create_gpadl_from_buffer, KMCL_NS);

/**
 * vmb_channel_delete_gpadl() - take published memory back
 * @ch: whose
 * @handle: which
 *
 * Waits while the server has it mapped; once the link ends, only on a bus that
 * cannot give up (hv). Possible in Suspend and in Closed, too; what is left then is
 * taken back after Closed.
 * Windows: VmbChannelDeleteGpadl.
 *
 * Context: process context; not in the receive callbacks.
 * Return: 0; -ENOENT: no such GPADL; -ENODEV: the link ended; else as
 * vmb_channel_create_gpadl_from_mdl(). After these three the memory is the
 * caller's.
 */
int vmb_channel_delete_gpadl(struct vmb_channel *ch, u32 handle)
{
	void *link;
	int ret;

	if (WARN(READ_ONCE(ch->rx_task) == current, "%s: GPADL deleted in a receive callback\n",
		 ch->cfg.name))
		return -EDEADLK;
	ret = kmcl_gpadl_enter(ch, false, true, &link);
	if (!ret)
		return kmcl_gpadl_leave(ch, ch->ops->gpadl_delete(link, handle));
	/* The transport may be taking it back at this very moment. */
	if (ret == -ENODEV)
		wait_event(ch->life_wait, !READ_ONCE(ch->settling));
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_delete_gpadl, KMCL_NS);

/**
 * vmb_channel_map_gpadl() - the client's published memory
 * @ch: a server's channel, between Opened and Closed
 * @flags: %VMB_GPADL_FLAG_READ_ONLY
 * @handle: which, as the consumer's own protocol said
 * @mdl: out: the memory, until vmb_channel_unmap_gpadl(); the library's
 *
 * One mapping of a GPADL at a time. Windows: VmbChannelMapGpadl.
 *
 * Context: process context.
 * Return: 0; -EINVAL: a client, or flags; -ENOENT: no such GPADL; -EBUSY: mapped
 * already; -EACCES: to be written, and read-only; -EOPNOTSUPP; -ENODEV;
 * -ESHUTDOWN: frozen or being saved; -ENOMEM.
 */
int vmb_channel_map_gpadl(struct vmb_channel *ch, u32 flags, u32 handle, struct vmb_mdl **mdl)
{
	void *link;
	int ret;

	if (flags & ~VMB_GPADL_FLAG_READ_ONLY)
		return -EINVAL;
	ret = kmcl_gpadl_enter(ch, true, false, &link);
	return ret ?: kmcl_gpadl_leave(ch, ch->ops->gpadl_map(link, handle, flags, mdl));
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_map_gpadl, KMCL_NS);

/**
 * vmb_channel_unmap_gpadl() - done with the client's memory
 * @ch: whose
 * @handle: which
 *
 * Windows: VmbChannelUnmapGpadl. What is left when the channel closes is
 * unmapped after Closed.
 *
 * Context: process context.
 * Return: 0; -ENOENT: not mapped; else as vmb_channel_map_gpadl().
 */
int vmb_channel_unmap_gpadl(struct vmb_channel *ch, u32 handle)
{
	void *link;
	int ret = kmcl_gpadl_enter(ch, true, true, &link);

	return ret ?: kmcl_gpadl_leave(ch, ch->ops->gpadl_unmap(link, handle));
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_unmap_gpadl, KMCL_NS);
