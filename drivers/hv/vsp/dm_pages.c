// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the pages that are with the host.
 *
 * One bit a page, in blocks of 2 MiB that exist as long as a bit of theirs is
 * set: to note a page that goes may need memory, and then fails; to strike one
 * that comes back never does. What is struck out by the host is checked bit by
 * bit: it can name any page there is, or is not, and name it twice.
 *
 * Called with vdm.mutex held; no lock of its own.
 */

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "dm.h"

#define VDM_BLOCK_ORDER		(21 - PAGE_SHIFT)
#define VDM_BLOCK_PAGES		BIT(VDM_BLOCK_ORDER)

/* Do not try hard, and do not eat reserves: the host can ask again. */
#define VDM_GFP			(__GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN)

struct vdm_block {
	u32 out;
	DECLARE_BITMAP(bits, VDM_BLOCK_PAGES);
};

static struct page *vdm_pages_alloc(unsigned int order)
{
	return alloc_pages(GFP_HIGHUSER | VDM_GFP, order);
}

/**
 * vdm_pages_init() - none is with the host
 * @pages: what to prepare
 */
void vdm_pages_init(struct vdm_pages *pages)
{
	xa_init(&pages->blocks);
	pages->out = 0;
	pages->alloc = vdm_pages_alloc;
}
VDM_EXPORT_IF_KUNIT(vdm_pages_init);

static struct vdm_block *vdm_pages_block(struct vdm_pages *pages, unsigned long pfn)
{
	unsigned long index = pfn >> VDM_BLOCK_ORDER;
	struct vdm_block *block = xa_load(&pages->blocks, index);

	if (block)
		return block;
	block = kzalloc(sizeof(*block), GFP_KERNEL | VDM_GFP);
	if (block && xa_err(xa_store(&pages->blocks, index, block, GFP_KERNEL | VDM_GFP))) {
		kfree(block);
		block = NULL;
	}
	return block;
}

/* One without a page out goes. */
static void vdm_pages_drop_block(struct vdm_pages *pages, unsigned long pfn)
{
	unsigned long index = pfn >> VDM_BLOCK_ORDER;
	struct vdm_block *block = xa_load(&pages->blocks, index);

	if (block && !block->out)
		kfree(xa_erase(&pages->blocks, index));
}

/* The kernel's own books: such a page is nobody's memory, nor in a dump. */
static void vdm_pages_account(struct page *page, bool out)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, out ? 1 : -1);
#endif
	adjust_managed_page_count(page, out ? -1 : 1);
	if (out)
		__SetPageOffline(page);
	else
		__ClearPageOffline(page);
}

/* Add 2^@order pages to the last range, or as a new one. False: there is no room. */
static bool vdm_pages_add_range(__le64 *ranges, u32 max, u32 *count, u64 pfn, u32 nr)
{
	if (*count) {
		u64 start = vdm_range_start(ranges[*count - 1]);
		u32 len = vdm_range_count(ranges[*count - 1]);

		if (len <= VDM_RANGE_MAX_COUNT - nr && (start + len == pfn || pfn + nr == start)) {
			ranges[*count - 1] = vdm_range(min(start, pfn), len + nr);
			return true;
		}
	}
	if (*count == max)
		return false;
	ranges[(*count)++] = vdm_range(pfn, nr);
	return true;
}

/**
 * vdm_pages_give() - take pages from the kernel, for the host
 * @pages: the books
 * @wanted: how many
 * @order: in pieces of this allocation order; 0 once the kernel has no larger
 *	ones, for the next call, too
 * @ranges: filled in: which
 * @max: how many ranges there is room for
 * @count: set: how many there are
 *
 * Context: process context.
 * Return: how many pages; less than @wanted where @ranges is full or memory is
 * short, and short it is where there would be room for another range.
 */
unsigned long vdm_pages_give(struct vdm_pages *pages, unsigned long wanted, unsigned int *order,
			     __le64 *ranges, u32 max, u32 *count)
{
	unsigned long given = 0, pfn;
	struct vdm_block *block;
	struct page *page;
	u32 i, nr;

	*count = 0;
	while (given < wanted) {
		if (wanted - given < BIT(*order))
			*order = 0;
		nr = BIT(*order);
		page = pages->alloc(*order);
		if (!page && *order) {
			*order = 0;
			continue;
		}
		if (!page)
			break;
		pfn = page_to_pfn(page);
		block = vdm_pages_block(pages, pfn);
		if (!block || !vdm_pages_add_range(ranges, max, count, pfn, nr)) {
			vdm_pages_drop_block(pages, pfn);
			__free_pages(page, *order);
			break;
		}
		/* They come back one by one, in any order. */
		split_page(page, *order);
		for (i = 0; i < nr; i++)
			vdm_pages_account(page + i, true);
		bitmap_set(block->bits, pfn & (VDM_BLOCK_PAGES - 1), nr);
		block->out += nr;
		pages->out += nr;
		given += nr;
		cond_resched();
	}
	return given;
}
VDM_EXPORT_IF_KUNIT(vdm_pages_give);

/*
 * Strike out (@set: put back) @count pages from @start on. Returns how many: it
 * ends early at one that is not out.
 */
static u32 vdm_pages_mark(struct vdm_pages *pages, u64 start, u32 count, bool set)
{
	struct vdm_block *block;
	unsigned long from, nr;
	u32 done = 0;

	while (done < count) {
		from = (start + done) & (VDM_BLOCK_PAGES - 1);
		nr = min(VDM_BLOCK_PAGES - from, (unsigned long)count - done);
		block = xa_load(&pages->blocks, (start + done) >> VDM_BLOCK_ORDER);
		if (!block)
			break;
		if (set) {
			bitmap_set(block->bits, from, nr);
			block->out += nr;
		} else {
			nr = find_next_zero_bit(block->bits, from + nr, from) - from;
			bitmap_clear(block->bits, from, nr);
			block->out -= nr;
		}
		done += nr;
		if (!nr)
			break;
		cond_resched();
	}
	return done;
}

/* Nothing but marks refers to them any more. */
static void vdm_pages_free(struct vdm_pages *pages, u64 start, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct page *page = pfn_to_page(start + i);

		vdm_pages_account(page, false);
		__free_page(page);
		if (i + 1 < count && (start + i + 1) & (VDM_BLOCK_PAGES - 1))
			continue;
		vdm_pages_drop_block(pages, start + i);
		cond_resched();
	}
	pages->out -= count;
}

/**
 * vdm_pages_take() - give pages back to the kernel
 * @pages: the books
 * @ranges: which, as the host says: to be doubted
 * @count: how many ranges
 * @taken: set: how many pages it was
 *
 * Context: process context.
 * Return: 0; -EINVAL: one of them is not with the host, or named twice: none
 * was taken.
 */
int vdm_pages_take(struct vdm_pages *pages, const __le64 *ranges, u32 count,
		   unsigned long *taken)
{
	u32 i, len, done;

	*taken = 0;
	for (i = 0; i < count; i++) {
		len = vdm_range_count(ranges[i]);
		done = vdm_pages_mark(pages, vdm_range_start(ranges[i]), len, false);
		if (done < len)
			goto undo;
		*taken += len;
	}
	for (i = 0; i < count; i++)
		vdm_pages_free(pages, vdm_range_start(ranges[i]), vdm_range_count(ranges[i]));
	return 0;

undo:
	vdm_pages_mark(pages, vdm_range_start(ranges[i]), done, true);
	while (i--)
		vdm_pages_mark(pages, vdm_range_start(ranges[i]), vdm_range_count(ranges[i]), true);
	*taken = 0;
	return -EINVAL;
}
VDM_EXPORT_IF_KUNIT(vdm_pages_take);

/**
 * vdm_pages_take_all() - give all of them back to the kernel
 * @pages: the books
 *
 * Context: process context. Return: how many pages it was.
 */
unsigned long vdm_pages_take_all(struct vdm_pages *pages)
{
	unsigned long index, from, to, pfn, out = pages->out;
	DECLARE_BITMAP(bits, VDM_BLOCK_PAGES);
	struct vdm_block *block;

	xa_for_each(&pages->blocks, index, block) {
		bitmap_copy(bits, block->bits, VDM_BLOCK_PAGES);
		pfn = index << VDM_BLOCK_ORDER;
		for_each_set_bitrange(from, to, bits, VDM_BLOCK_PAGES) {
			vdm_pages_mark(pages, pfn + from, to - from, false);
			vdm_pages_free(pages, pfn + from, to - from);
		}
	}
	return out;
}
VDM_EXPORT_IF_KUNIT(vdm_pages_take_all);
