// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: external data. The sender's memory is copied into pages of the
 * arena and back; the receiver gets those pages, and nothing else.
 *
 * No locks but the arena's own. A reservation is its packet's, which maps and
 * unmaps it one after the other.
 */
#include <linux/uio.h>

#include "loopback.h"
#include "vmbus/ranges.h"

static struct kmcl_arena *kmcl_lb_arena(struct vmb_bus *bus)
{
	struct kmcl_lb_bus *lb = kmcl_bus_priv(bus);

	return lb->arena;
}

/* Copy @length bytes between one piece of memory and a run, @at bytes into it. */
static bool kmcl_lb_copy_iter(struct kmcl_arena *arena, const struct kmcl_arena_run *run, u32 at,
			      struct iov_iter *iter, u32 length, bool to_arena)
{
	while (length) {
		u32 in_page = at % KMCL_ARENA_PAGE_SIZE;
		u32 now = min(length, KMCL_ARENA_PAGE_SIZE - in_page);
		struct page *page = kmcl_arena_page(arena, run, at / KMCL_ARENA_PAGE_SIZE);
		void *to = page_address(page) + in_page;

		if ((to_arena ? copy_from_iter(to, now, iter) : copy_to_iter(to, now, iter)) != now)
			return false;
		at += now;
		length -= now;
	}
	return true;
}

/**
 * kmcl_lb_copy() - copy between a consumer's memory and a run
 * @arena: of the run
 * @run: large enough
 * @mdl: the memory, a chain
 * @offset: where in it to begin, in bytes
 * @length: how many bytes
 * @to_arena: which way
 *
 * Context: any context. Return: 0, or -EINVAL where @mdl describes less.
 */
int kmcl_lb_copy(struct kmcl_arena *arena, const struct kmcl_arena_run *run,
		 const struct vmb_mdl *mdl, u32 offset, u32 length, bool to_arena)
{
	u32 at = 0;

	for (; mdl && length; mdl = mdl->next) {
		struct iov_iter iter;
		u32 now;

		if (offset >= mdl->length) {
			offset -= mdl->length;
			continue;
		}
		now = min(length, mdl->length - offset);
		iov_iter_bvec(&iter, to_arena ? ITER_SOURCE : ITER_DEST, mdl->bvec,
			      mdl->nr_bvecs, (size_t)mdl->offset + mdl->length);
		iov_iter_advance(&iter, (size_t)mdl->offset + offset);
		if (!kmcl_lb_copy_iter(arena, run, at, &iter, now, to_arena))
			return -EINVAL;
		at += now;
		length -= now;
		offset = 0;
	}
	return length ? -EINVAL : 0;
}

/**
 * kmcl_lb_ext_reserve() - &struct kmcl_transport_ops.ext_reserve
 * @bus: which
 * @bytes: how much
 * @gfp: how
 * @token: set to its name
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int kmcl_lb_ext_reserve(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token)
{
	return kmcl_arena_ext_reserve(kmcl_lb_arena(bus), bytes, gfp, token);
}

/**
 * kmcl_lb_ext_release() - &struct kmcl_transport_ops.ext_release
 * @bus: which
 * @token: what
 */
void kmcl_lb_ext_release(struct vmb_bus *bus, u64 token)
{
	kmcl_arena_ext_release(kmcl_lb_arena(bus), token);
}

/**
 * kmcl_lb_ext_map() - &struct kmcl_transport_ops.ext_map
 * @bus: which
 * @token: where to
 * @mdl: what
 * @offset: from which byte on
 * @length: how many bytes
 * @header: room for the GPA-direct header
 * @header_len: its bytes, then those used
 *
 * Return: 0; -EINVAL for no bytes or an unknown or too small reservation, or
 * where @mdl is shorter; -EMSGSIZE where the header does not fit.
 */
int kmcl_lb_ext_map(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		    u32 length, void *header, u32 *header_len)
{
	struct kmcl_arena *arena = kmcl_lb_arena(bus);
	struct kmcl_arena_run *run;
	u32 nr = vmbus_range_pages(0, length);
	u32 need = 8 + vmbus_gpa_ranges_len(1, nr);
	__le64 *to = header;
	bool dirty;
	u32 i;

	if (!length)
		return -EINVAL;
	if (need > *header_len)
		return -EMSGSIZE;
	run = kmcl_arena_ext_begin(arena, token, length);
	if (!run)
		return -EINVAL;
	if (kmcl_lb_copy(arena, run, mdl, offset, length, true)) {
		kmcl_arena_ext_end(arena, token, &dirty);
		return -EINVAL;
	}
	/* One range, from the start of its first page on. */
	*to++ = cpu_to_le64((u64)1 << 32);
	*to++ = cpu_to_le64(length);
	for (i = 0; i < nr; i++)
		*to++ = cpu_to_le64(run->first + i);
	*header_len = need;
	return 0;
}

/**
 * kmcl_lb_ext_unmap() - &struct kmcl_transport_ops.ext_unmap
 * @bus: which
 * @token: where from
 * @mdl: where to, or NULL
 * @offset: from which byte on
 * @length: how many bytes
 *
 * Nothing is copied where the peer asked to read only.
 */
void kmcl_lb_ext_unmap(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		       u32 length)
{
	struct kmcl_arena *arena = kmcl_lb_arena(bus);
	struct kmcl_arena_run *run;
	bool dirty;

	run = kmcl_arena_ext_end(arena, token, &dirty);
	if (!run || !mdl || !dirty || length > (u64)run->count * KMCL_ARENA_PAGE_SIZE)
		return;
	kmcl_lb_copy(arena, run, mdl, offset, length, false);
}

/**
 * kmcl_lb_ext_adopt() - &struct kmcl_transport_ops.ext_adopt
 * @bus: which
 * @token: from a saved packet
 * @bytes: how much it must be at least
 *
 * Return: 0 or -EINVAL.
 */
int kmcl_lb_ext_adopt(struct vmb_bus *bus, u64 token, u32 bytes)
{
	return kmcl_arena_ext_adopt(kmcl_lb_arena(bus), token, bytes);
}

/* Cut the first and the last piece of a range to its bytes. */
static void kmcl_lb_trim(struct bio_vec *bvec, u32 nr, u32 offset, u32 len)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		bvec[i].bv_offset = offset;
		bvec[i].bv_len = min(len, KMCL_ARENA_PAGE_SIZE - offset);
		len -= bvec[i].bv_len;
		offset = 0;
	}
}

/**
 * kmcl_lb_gpa_get() - &struct kmcl_transport_ops.gpa_get
 * @link: the end
 * @header: private copy of the GPA-direct header
 * @header_len: its bytes
 * @flags: VMB_EXTERNAL_DATA_FLAG_*
 * @bvec: the pieces
 * @nr: how many there may be, then how many there are
 *
 * Only pages that the sender set aside for external data will do: neither
 * rings nor GPADLs.
 *
 * Return: see there; also -EFAULT for a bad header or too many pieces.
 */
int kmcl_lb_gpa_get(void *link, const void *header, u32 header_len, u32 flags,
		    struct bio_vec *bvec, u32 *nr)
{
	const struct vmbus_range_limits limits = {
		.max_ranges = header_len / 16,
		.max_bytes = VMB_MAX_EXTERNAL_DATA,
	};
	struct kmcl_lb_end *end = link;
	struct kmcl_arena *arena = end->bus->arena;
	struct vmbus_gpa_range range;
	struct vmbus_gpa_iter iter;
	u32 used = 0;
	int ret;

	if (kmcl_lb_fault(end, KMCL_LB_GPA_WAIT))
		return -EINPROGRESS;
	if (vmbus_gpa_direct_parse(header, header_len, &limits, &iter) || iter.nr_pfns > *nr)
		return -EFAULT;
	while (vmbus_gpa_iter_next(&iter, &range)) {
		ret = kmcl_arena_pin_wire(arena, KMCL_ARENA_EXT,
					  !(flags & VMB_EXTERNAL_DATA_FLAG_READ_ONLY),
					  range.pfns, range.nr_pfns, bvec + used);
		if (ret) {
			kmcl_arena_unpin_bvec(arena, bvec, used);
			return ret;
		}
		kmcl_lb_trim(bvec + used, range.nr_pfns, range.offset, range.len);
		used += range.nr_pfns;
	}
	*nr = used;
	return 0;
}

/**
 * kmcl_lb_gpa_put() - &struct kmcl_transport_ops.gpa_put
 * @link: the end
 * @bvec: from kmcl_lb_gpa_get()
 * @nr: how many
 */
void kmcl_lb_gpa_put(void *link, struct bio_vec *bvec, u32 nr)
{
	struct kmcl_lb_end *end = link;

	kmcl_arena_unpin_bvec(end->bus->arena, bvec, nr);
}
