// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: GPADLs, and MMIO space.
 *
 * kmcl_hv_end.memory_mutex protects both, and is not held while the host is
 * waited for. kmcl_hv_end.host_mutex is: a rescind ends one wait of a channel, so
 * there is one at a time, and what comes after it sees the rescind.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/mshyperv.h>

#include "hv.h"

struct kmcl_hv_gpadl {
	struct list_head node;
	struct vmbus_gpadl gpadl;
	void *address;			/* the memory as one range */
};

/* The pages of a part of a chain, which are whole; their number or an error. */
static int kmcl_hv_gpadl_pages(const struct vmb_mdl *mdl, u32 offset, u32 length,
			       struct page **pages, u32 max)
{
	u32 nr = 0;

	if (!length || length % PAGE_SIZE)
		return -EINVAL;
	for (; mdl && length; mdl = mdl->next) {
		u32 skip, have, i;

		if (offset >= mdl->length) {
			offset -= mdl->length;
			continue;
		}
		skip = mdl->offset + offset;
		have = min(length, mdl->length - offset);
		length -= have;
		offset = 0;
		for (i = 0; i < mdl->nr_bvecs && have; i++) {
			u32 at = mdl->bvec[i].bv_offset, n = mdl->bvec[i].bv_len, cut;

			cut = min(skip, n);
			skip -= cut;
			at += cut;
			n = min(n - cut, have);
			have -= n;
			if (!n)
				continue;
			if (at % PAGE_SIZE || n % PAGE_SIZE)
				return -EINVAL;
			for (; n; n -= PAGE_SIZE, at += PAGE_SIZE) {
				if (nr == max)
					return -EINVAL;
				pages[nr++] = pfn_to_page(page_to_pfn(mdl->bvec[i].bv_page) +
							   at / PAGE_SIZE);
			}
		}
		if (have)
			return -EINVAL;
	}
	return length ? -EINVAL : nr;
}

/* One range of the kernel's addresses for the memory, or an error. */
static void *kmcl_hv_gpadl_map_range(struct kmcl_hv_end *end, const struct vmb_mdl *mdl,
				     u32 offset, u32 length)
{
	u32 max = DIV_ROUND_UP(length, PAGE_SIZE);
	struct page **pages;
	void *address;
	int nr;

	pages = kvmalloc_array(max, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	nr = kmcl_hv_gpadl_pages(mdl, offset, length, pages, max);
	if (nr < 0) {
		pr_err("%s: no GPADL of memory that is not whole pages\n",
		       dev_name(&end->device->device));
		address = ERR_PTR(nr);
	} else {
		address = vmap(pages, nr, VM_MAP, PAGE_KERNEL) ?: ERR_PTR(-ENOMEM);
	}
	kvfree(pages);
	return address;
}

static void kmcl_hv_gpadl_free(struct kmcl_hv_gpadl *gpadl)
{
	vunmap(gpadl->address);
	kfree(gpadl);
}

/**
 * kmcl_hv_gpadl_create() - &struct kmcl_transport_ops.gpadl_create
 * @link: the end
 * @mdl: the memory, a chain
 * @offset: where in it to begin
 * @length: how many bytes
 * @flags: VMB_GPADL_FLAG_*; that the host should not write goes by agreement
 * @handle: set to its handle
 *
 * Waits for the host without a limit; only a rescind ends that.
 *
 * Return: see there; -EINVAL for memory that is not whole pages; -E2BIG for more
 * than %KMCL_HV_GPADL_MAX_PAGES of the host's; -EOPNOTSUPP on a
 * sub-channel and in a confidential VM; -EIO where the host refused; -ENOMEM.
 */
int kmcl_hv_gpadl_create(void *link, const struct vmb_mdl *mdl, u32 offset, u32 length,
			 u32 flags, u32 *handle)
{
	struct kmcl_hv_end *end = link;
	struct kmcl_hv_gpadl *gpadl;
	int ret;

	if (end->params.subchannel) {
		pr_err("%pUl: no GPADL on sub-channel %u, which goes with its primary: make it there\n",
		       &end->params.type, end->params.subchannel);
		return -EOPNOTSUPP;
	}
	if (hv_is_isolation_supported()) {
		pr_err("%s: no GPADL of a consumer's memory in a confidential VM\n",
		       dev_name(&end->device->device));
		return -EOPNOTSUPP;
	}
	if (length / HV_HYP_PAGE_SIZE > KMCL_HV_GPADL_MAX_PAGES) {
		pr_err("%s: a GPADL of %u bytes is more than its message has room for\n",
		       dev_name(&end->device->device), length);
		return -E2BIG;
	}
	gpadl = kzalloc(sizeof(*gpadl), GFP_KERNEL);
	if (!gpadl)
		return -ENOMEM;
	gpadl->address = kmcl_hv_gpadl_map_range(end, mdl, offset, length);
	if (IS_ERR(gpadl->address)) {
		ret = PTR_ERR(gpadl->address);
		kfree(gpadl);
		return ret;
	}
	mutex_lock(&end->host_mutex);
	ret = kmcl_hv_host->gpadl_establish(end->vmbus, gpadl->address, length, &gpadl->gpadl);
	mutex_unlock(&end->host_mutex);
	if (ret) {
		kmcl_hv_gpadl_free(gpadl);
		return ret == -ENODEV || ret == -ENOMEM ? ret : -EIO;
	}
	*handle = gpadl->gpadl.gpadl_handle;
	mutex_lock(&end->memory_mutex);
	list_add_tail(&gpadl->node, &end->gpadls);
	mutex_unlock(&end->memory_mutex);
	return 0;
}

static void kmcl_hv_gpadl_end(struct kmcl_hv_end *end, struct kmcl_hv_gpadl *gpadl)
{
	mutex_lock(&end->host_mutex);
	kmcl_hv_host->gpadl_teardown(end->vmbus, &gpadl->gpadl);
	mutex_unlock(&end->host_mutex);
	kmcl_hv_gpadl_free(gpadl);
}

/**
 * kmcl_hv_gpadl_delete() - &struct kmcl_transport_ops.gpadl_delete
 * @link: the end
 * @handle: which
 *
 * Waits for the host without a limit; only a rescind ends that.
 *
 * Return: 0; -ENOENT where there is none.
 */
int kmcl_hv_gpadl_delete(void *link, u32 handle)
{
	struct kmcl_hv_gpadl *gpadl, *found = NULL;
	struct kmcl_hv_end *end = link;

	mutex_lock(&end->memory_mutex);
	list_for_each_entry(gpadl, &end->gpadls, node)
		if (gpadl->gpadl.gpadl_handle == handle)
			found = gpadl;
	if (found)
		list_del(&found->node);
	mutex_unlock(&end->memory_mutex);
	if (!found)
		return -ENOENT;
	kmcl_hv_gpadl_end(end, found);
	return 0;
}

/**
 * kmcl_hv_gpadl_abort() - &struct kmcl_transport_ops.gpadl_abort
 * @link: the end
 *
 * hv_vmbus cannot give up: until the host answers, the memory may be in use.
 */
void kmcl_hv_gpadl_abort(void *link)
{
}

/**
 * kmcl_hv_gpadl_map() - &struct kmcl_transport_ops.gpadl_map
 * @link: the end
 * @handle: which
 * @flags: how
 * @mdl: not set
 *
 * Return: -EOPNOTSUPP: a host's memory is not for its guest.
 */
int kmcl_hv_gpadl_map(void *link, u32 handle, u32 flags, struct vmb_mdl **mdl)
{
	return -EOPNOTSUPP;
}

/**
 * kmcl_hv_gpadl_unmap() - &struct kmcl_transport_ops.gpadl_unmap
 * @link: the end
 * @handle: which
 *
 * Return: -ENOENT.
 */
int kmcl_hv_gpadl_unmap(void *link, u32 handle)
{
	return -ENOENT;
}

/**
 * kmcl_hv_get_mmio() - &struct kmcl_transport_ops.get_mmio
 * @link: the end
 * @address: set, where the offer has MMIO space
 * @size: the same
 *
 * The space is taken from the bus's window when it is first asked for, on the
 * device's primary channel.
 */
void kmcl_hv_get_mmio(void *link, u64 *address, u64 *size)
{
	struct kmcl_hv_end *end = link;
	u64 bytes;

	/* Until Closed has run; a sub-channel may be gone by then. */
	if (end->params.subchannel)
		return;
	bytes = (u64)end->vmbus->offermsg.offer.mmio_megabytes * SZ_1M;
	mutex_lock(&end->memory_mutex);
	if (bytes && !end->mmio_size) {
		int ret = kmcl_hv_host->mmio_allocate(end->device, bytes, &end->mmio);

		if (ret)
			pr_err("%s: no %llu MiB of MMIO space: error %d\n",
			       dev_name(&end->device->device), bytes / SZ_1M, ret);
		else
			end->mmio_size = bytes;
	}
	if (end->mmio_size) {
		*address = end->mmio;
		*size = end->mmio_size;
	}
	mutex_unlock(&end->memory_mutex);
}

/* Has the host memory of a consumer's? */
bool kmcl_hv_memory_published(struct kmcl_hv_end *end)
{
	bool ret;

	mutex_lock(&end->memory_mutex);
	ret = !list_empty(&end->gpadls);
	mutex_unlock(&end->memory_mutex);
	return ret;
}

/* The link is closed: what is left of its memory goes. */
void kmcl_hv_memory_end(struct kmcl_hv_end *end)
{
	struct kmcl_hv_gpadl *gpadl, *tmp;
	LIST_HEAD(left);

	mutex_lock(&end->memory_mutex);
	list_splice_init(&end->gpadls, &left);
	mutex_unlock(&end->memory_mutex);
	list_for_each_entry_safe(gpadl, tmp, &left, node) {
		list_del(&gpadl->node);
		kmcl_hv_gpadl_end(end, gpadl);
	}
	if (end->mmio_size)
		kmcl_hv_host->mmio_free(end->mmio, end->mmio_size);
	end->mmio_size = 0;
}
