// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: external data. The sender's own pages are described to the host,
 * which touches them until it completes the packet or the channel is closed.
 * Nothing is bounced, so there is nothing to reserve.
 */
#include <linux/mm.h>

#include "hv.h"

/* A reservation's name, where there is nothing to name */
#define KMCL_HV_EXT_TOKEN	1

/* A GPA-direct header in the making */
struct kmcl_hv_header {
	u64 *at;			/* next word */
	u64 *range;			/* head of the last range: length, offset */
	u32 words_left;
	u32 nr_ranges;
	u64 next;			/* where the last range ended */
};

/**
 * kmcl_hv_ext_reserve() - &struct kmcl_transport_ops.ext_reserve
 * @bus: which
 * @bytes: how much
 * @gfp: how
 * @token: set to its name
 *
 * Return: 0.
 */
int kmcl_hv_ext_reserve(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token)
{
	*token = KMCL_HV_EXT_TOKEN;
	return 0;
}

/**
 * kmcl_hv_ext_release() - &struct kmcl_transport_ops.ext_release
 * @bus: which
 * @token: what
 */
void kmcl_hv_ext_release(struct vmb_bus *bus, u64 token)
{
}

static int kmcl_hv_header_word(struct kmcl_hv_header *h, u64 word)
{
	if (!h->words_left)
		return -EMSGSIZE;
	h->words_left--;
	*h->at++ = word;
	return 0;
}

/*
 * Add bytes that are contiguous in memory. Within a range all pages are whole,
 * but for the start of the first and the end of the last.
 */
static int kmcl_hv_header_add(struct kmcl_hv_header *h, u64 address, u32 length)
{
	u32 in_page, n;
	int ret = 0;

	for (; length && !ret; length -= n) {
		in_page = address % HV_HYP_PAGE_SIZE;
		n = min_t(u32, length, HV_HYP_PAGE_SIZE - in_page);
		if (!h->nr_ranges || (in_page || h->next % HV_HYP_PAGE_SIZE ?
				      address != h->next : false)) {
			h->range = h->at;
			h->nr_ranges++;
			ret = kmcl_hv_header_word(h, (u64)in_page << 32);
			if (!ret)
				ret = kmcl_hv_header_word(h, address >> HV_HYP_PAGE_SHIFT);
		} else if (!in_page) {
			ret = kmcl_hv_header_word(h, address >> HV_HYP_PAGE_SHIFT);
		}
		if (!ret)
			*h->range += n;
		address += n;
		h->next = address;
	}
	return ret;
}

/* Add a part of what one MDL of a chain describes. */
static int kmcl_hv_header_add_mdl(struct kmcl_hv_header *h, const struct vmb_mdl *mdl, u32 skip,
				  u32 length)
{
	unsigned int i;
	int ret = 0;
	u32 n;

	for (i = 0; i < mdl->nr_bvecs && length && !ret; i++) {
		const struct bio_vec *bv = &mdl->bvec[i];

		if (skip >= bv->bv_len) {
			skip -= bv->bv_len;
			continue;
		}
		n = min(length, bv->bv_len - skip);
		ret = kmcl_hv_header_add(h, page_to_phys(bv->bv_page) + bv->bv_offset + skip, n);
		length -= n;
		skip = 0;
	}
	return length ? ret ?: -EINVAL : ret;
}

/**
 * kmcl_hv_ext_map() - &struct kmcl_transport_ops.ext_map
 * @bus: which
 * @token: any
 * @mdl: what
 * @offset: from which byte on
 * @length: how many bytes
 * @header: room for the GPA-direct header
 * @header_len: its bytes, then those used
 *
 * Return: 0; -EINVAL for no bytes, or where @mdl is shorter; -EMSGSIZE where the
 * header does not fit: the pieces are too many.
 */
int kmcl_hv_ext_map(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		    u32 length, void *header, u32 *header_len)
{
	struct kmcl_hv_header h = {
		.at = header,
		.words_left = *header_len / sizeof(u64),
	};
	int ret;
	u32 n;

	if (!length)
		return -EINVAL;
	ret = kmcl_hv_header_word(&h, 0);
	for (; mdl && length && !ret; mdl = mdl->next) {
		if (offset >= mdl->length) {
			offset -= mdl->length;
			continue;
		}
		n = min(length, mdl->length - offset);
		ret = kmcl_hv_header_add_mdl(&h, mdl, mdl->offset + offset, n);
		length -= n;
		offset = 0;
	}
	if (ret)
		return ret;
	if (length)
		return -EINVAL;
	*(u64 *)header = (u64)h.nr_ranges << 32;
	*header_len = (void *)h.at - header;
	return 0;
}

/**
 * kmcl_hv_ext_unmap() - &struct kmcl_transport_ops.ext_unmap
 * @bus: which
 * @token: any
 * @mdl: what was mapped
 * @offset: from where
 * @length: how much
 *
 * The host has written to the memory itself.
 */
void kmcl_hv_ext_unmap(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		       u32 length)
{
}

/**
 * kmcl_hv_gpa_get() - &struct kmcl_transport_ops.gpa_get
 * @link: the end
 * @header: of a packet
 * @header_len: its bytes
 * @flags: how
 * @bvec: room for the pieces
 * @nr: how many
 *
 * A host does not lend memory to its guest; see kmcl_hv_rx_peek().
 *
 * Return: -EFAULT.
 */
int kmcl_hv_gpa_get(void *link, const void *header, u32 header_len, u32 flags,
		    struct bio_vec *bvec, u32 *nr)
{
	return -EFAULT;
}

/**
 * kmcl_hv_gpa_put() - &struct kmcl_transport_ops.gpa_put
 * @link: the end
 * @bvec: the pieces
 * @nr: how many
 */
void kmcl_hv_gpa_put(void *link, struct bio_vec *bvec, u32 nr)
{
}
