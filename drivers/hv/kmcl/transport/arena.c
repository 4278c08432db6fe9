// SPDX-License-Identifier: GPL-2.0
/*
 * The arena: page numbers, runs, pins and holds.
 *
 * One lock, kmcl_arena.lock, protects everything; no other lock is taken under
 * it. Pages are allocated before and freed after it is held, so that a gfn is
 * at any time either free or complete with its page and run.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kmcl.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "arena_internal.h"

/* The wire's page is the kernel's; Kconfig knows. */
static_assert(PAGE_SIZE == KMCL_ARENA_PAGE_SIZE);

/**
 * kmcl_arena_create() - make an empty arena
 * @nr_pages: how many page numbers it has; memory is allocated as they are used
 *
 * Context: process context. Return: the arena, or ERR_PTR(-EINVAL, -ENOMEM).
 */
struct kmcl_arena *kmcl_arena_create(u32 nr_pages)
{
	struct kmcl_arena *arena;

	if (nr_pages < KMCL_ARENA_PAGES_MIN || nr_pages > KMCL_ARENA_PAGES_MAX)
		return ERR_PTR(-EINVAL);
	arena = kzalloc(sizeof(*arena), GFP_KERNEL);
	if (!arena)
		return ERR_PTR(-ENOMEM);
	arena->bitmap = bitmap_zalloc(nr_pages, GFP_KERNEL);
	arena->slots = kvcalloc(nr_pages, sizeof(*arena->slots), GFP_KERNEL);
	if (!arena->bitmap || !arena->slots) {
		bitmap_free(arena->bitmap);
		kvfree(arena->slots);
		kfree(arena);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock_init(&arena->lock);
	arena->nr_pages = nr_pages;
	arena->hint = 1;
	__set_bit(0, arena->bitmap);
	arena->next_token = get_random_u64();
	INIT_LIST_HEAD(&arena->holds);
	INIT_LIST_HEAD(&arena->parked);
	hash_init(arena->tokens);
	return arena;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_create, KMCL_NS);

void kmcl_arena_free_pages(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		set_page_private(page, 0);
		__free_page(page);
	}
}

/* Take a run out of the table, its pages to @pages. */
static void kmcl_arena_leave(struct kmcl_arena *arena, struct kmcl_arena_run *run,
			     struct list_head *pages)
{
	u32 i;

	lockdep_assert_held(&arena->lock);
	for (i = 0; i < run->count; i++) {
		struct kmcl_arena_slot *slot = &arena->slots[run->first + i];

		list_add_tail(&slot->page->lru, pages);
		slot->page = NULL;
		slot->run = NULL;
	}
	bitmap_clear(arena->bitmap, run->first, run->count);
	arena->used -= run->count;
	if (run->first < arena->hint)
		arena->hint = run->first;
	hash_del(&run->hash);
	list_del(&run->node);
	kfree(run);
}

/**
 * kmcl_arena_destroy() - the end of an arena, with all that is in it
 * @arena: which, or NULL; nobody uses it any more
 *
 * Context: process context.
 */
void kmcl_arena_destroy(struct kmcl_arena *arena)
{
	LIST_HEAD(pages);
	u32 gfn;

	if (IS_ERR_OR_NULL(arena))
		return;
	spin_lock_irq(&arena->lock);
	for (gfn = 0; gfn < arena->nr_pages; gfn++) {
		struct kmcl_arena_run *run = arena->slots[gfn].run;

		if (!run)
			continue;
		WARN(run->pins, "arena page %u is still pinned\n", gfn);
		kmcl_arena_leave(arena, run, &pages);
	}
	spin_unlock_irq(&arena->lock);
	kmcl_arena_free_pages(&pages);
	WARN_ON(!list_empty(&arena->holds));
	kvfree(arena->slots);
	bitmap_free(arena->bitmap);
	kfree(arena);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_destroy, KMCL_NS);

/**
 * kmcl_arena_size() - how many page numbers there are
 * @arena: which
 *
 * Context: any context. Return: the number; the highest is one less.
 */
u32 kmcl_arena_size(const struct kmcl_arena *arena)
{
	return arena->nr_pages;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_size, KMCL_NS);

/**
 * kmcl_arena_used() - how many pages are in use
 * @arena: which
 *
 * Context: any context. Return: the number, given back but pinned ones included.
 */
u32 kmcl_arena_used(struct kmcl_arena *arena)
{
	return READ_ONCE(arena->used);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_used, KMCL_NS);

bool kmcl_arena_find_room(struct kmcl_arena *arena, u32 count, u32 *first)
{
	unsigned long at;

	lockdep_assert_held(&arena->lock);
	at = bitmap_find_next_zero_area(arena->bitmap, arena->nr_pages, arena->hint, count, 0);
	if (at >= arena->nr_pages)
		return false;
	/* All below the hint is taken; beyond it a smaller hole may be left. */
	if (at == arena->hint)
		arena->hint = at + count;
	*first = at;
	return true;
}

struct kmcl_arena_run *kmcl_arena_lookup(struct kmcl_arena *arena, u64 token)
{
	struct kmcl_arena_run *run;

	lockdep_assert_held(&arena->lock);
	hash_for_each_possible(arena->tokens, run, hash, token)
		if (run->token == token)
			return run;
	return NULL;
}

/* Enter a run at run->first, which is free, with pages from the head of a list. */
void kmcl_arena_enter(struct kmcl_arena *arena, struct kmcl_arena_run *run,
		      struct list_head *pages)
{
	u32 i;

	lockdep_assert_held(&arena->lock);
	bitmap_set(arena->bitmap, run->first, run->count);
	arena->used += run->count;
	for (i = 0; i < run->count; i++) {
		struct kmcl_arena_slot *slot = &arena->slots[run->first + i];
		struct page *page = list_first_entry(pages, struct page, lru);

		list_del(&page->lru);
		set_page_private(page, run->first + i);
		slot->page = page;
		slot->run = run;
	}
	if (run->token)
		hash_add(arena->tokens, &run->hash, run->token);
}

static void kmcl_arena_new_token(struct kmcl_arena *arena, struct kmcl_arena_run *run)
{
	lockdep_assert_held(&arena->lock);
	do {
		run->token = arena->next_token++;
	} while (!run->token || kmcl_arena_lookup(arena, run->token));
}

/**
 * kmcl_arena_alloc() - allocate consecutive pages, zeroed
 * @arena: where
 * @kind: one of KMCL_ARENA_*
 * @count: pages
 * @read_only: the peer may not write to them
 * @gfp: how
 *
 * Context: by @gfp. Return: the run, or ERR_PTR(-EINVAL, -ENOMEM, -ENOSPC: so
 * many consecutive page numbers are not free).
 */
struct kmcl_arena_run *kmcl_arena_alloc(struct kmcl_arena *arena, u32 kind, u32 count,
					bool read_only, gfp_t gfp)
{
	struct kmcl_arena_run *run;
	unsigned long flags;
	LIST_HEAD(pages);
	bool room;
	u32 i;

	if (!count || count >= arena->nr_pages)
		return ERR_PTR(count ? -ENOSPC : -EINVAL);
	run = kzalloc(sizeof(*run), gfp);
	if (!run)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		struct page *page = alloc_page(gfp | __GFP_ZERO);

		if (!page) {
			kmcl_arena_free_pages(&pages);
			kfree(run);
			return ERR_PTR(-ENOMEM);
		}
		list_add(&page->lru, &pages);
	}
	INIT_LIST_HEAD(&run->node);
	INIT_HLIST_NODE(&run->hash);
	run->kind = kind;
	run->count = count;
	run->read_only = read_only;

	spin_lock_irqsave(&arena->lock, flags);
	room = kmcl_arena_find_room(arena, count, &run->first);
	if (room) {
		if (kind == KMCL_ARENA_EXT)
			kmcl_arena_new_token(arena, run);
		kmcl_arena_enter(arena, run, &pages);
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	if (!room) {
		kmcl_arena_free_pages(&pages);
		kfree(run);
		return ERR_PTR(-ENOSPC);
	}
	return run;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_alloc, KMCL_NS);

/* No hold is older than the run's release. */
static bool kmcl_arena_reusable(struct kmcl_arena *arena, struct kmcl_arena_run *run)
{
	struct kmcl_arena_hold *hold;

	if (run->pins)
		return false;
	if (run->kind != KMCL_ARENA_EXT)
		return true;
	hold = list_first_entry_or_null(&arena->holds, struct kmcl_arena_hold, node);
	return !hold || hold->epoch > run->epoch;
}

void kmcl_arena_release_locked(struct kmcl_arena *arena, struct kmcl_arena_run *run,
			       struct list_head *pages)
{
	lockdep_assert_held(&arena->lock);
	hash_del(&run->hash);
	run->released = true;
	run->epoch = ++arena->epoch;
	if (kmcl_arena_reusable(arena, run))
		kmcl_arena_leave(arena, run, pages);
	else
		list_add_tail(&run->node, &arena->parked);
}

/**
 * kmcl_arena_release() - a run's owner gives it back
 * @arena: where
 * @run: which; freed once it is not pinned
 *
 * Context: any context.
 */
void kmcl_arena_release(struct kmcl_arena *arena, struct kmcl_arena_run *run)
{
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&arena->lock, flags);
	kmcl_arena_release_locked(arena, run, &pages);
	spin_unlock_irqrestore(&arena->lock, flags);
	kmcl_arena_free_pages(&pages);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_release, KMCL_NS);

/**
 * kmcl_arena_page() - a page of a run, for its owner
 * @arena: where
 * @run: which
 * @index: below kmcl_arena_run.count
 *
 * Context: any context. Return: the page; its private field is its gfn.
 */
struct page *kmcl_arena_page(struct kmcl_arena *arena, const struct kmcl_arena_run *run,
			     u32 index)
{
	return arena->slots[run->first + index].page;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_page, KMCL_NS);

/**
 * kmcl_arena_hold_begin() - keep what is given back from now on
 * @arena: where
 * @hold: until kmcl_arena_hold_end() with the same
 *
 * A peer that was told of external data in packets, and was not told yet that
 * the link has ended, may still look for it: its pages are not reused for
 * other transactions meanwhile.
 * Context: any context.
 */
void kmcl_arena_hold_begin(struct kmcl_arena *arena, struct kmcl_arena_hold *hold)
{
	unsigned long flags;

	spin_lock_irqsave(&arena->lock, flags);
	hold->epoch = ++arena->epoch;
	list_add_tail(&hold->node, &arena->holds);
	spin_unlock_irqrestore(&arena->lock, flags);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_hold_begin, KMCL_NS);

/**
 * kmcl_arena_hold_end() - that peer is done
 * @arena: where
 * @hold: which
 *
 * Context: any context.
 */
void kmcl_arena_hold_end(struct kmcl_arena *arena, struct kmcl_arena_hold *hold)
{
	struct kmcl_arena_run *run, *next;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&arena->lock, flags);
	list_del(&hold->node);
	list_for_each_entry_safe(run, next, &arena->parked, node)
		if (kmcl_arena_reusable(arena, run))
			kmcl_arena_leave(arena, run, &pages);
	spin_unlock_irqrestore(&arena->lock, flags);
	kmcl_arena_free_pages(&pages);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_hold_end, KMCL_NS);

static int kmcl_arena_pin_locked(struct kmcl_arena *arena, u32 kinds, bool write, u64 gfn,
				 struct page **page)
{
	struct kmcl_arena_run *run;

	lockdep_assert_held(&arena->lock);
	if (gfn >= arena->nr_pages)
		return -EFAULT;
	run = arena->slots[gfn].run;
	if (!run || !(run->kind & kinds))
		return -EFAULT;
	if (write && run->read_only)
		return -EACCES;
	run->pins++;
	if (write)
		run->dirty = true;
	*page = arena->slots[gfn].page;
	return 0;
}

void kmcl_arena_unpin_locked(struct kmcl_arena *arena, struct kmcl_arena_run *run,
			     struct list_head *pages)
{
	lockdep_assert_held(&arena->lock);
	if (WARN_ON_ONCE(!run || !run->pins))
		return;
	run->pins--;
	if (run->released && kmcl_arena_reusable(arena, run))
		kmcl_arena_leave(arena, run, pages);
}

/**
 * kmcl_arena_pin() - the peer's page of that number
 * @arena: where
 * @kinds: KMCL_ARENA_* that will do
 * @write: it is going to be written to
 * @gfn: any number
 * @page: set to the page, which stays until kmcl_arena_unpin()
 *
 * Context: any context. Return: 0; -EFAULT where there is no such page;
 * -EACCES where it is not writable.
 */
int kmcl_arena_pin(struct kmcl_arena *arena, u32 kinds, bool write, u64 gfn, struct page **page)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&arena->lock, flags);
	ret = kmcl_arena_pin_locked(arena, kinds, write, gfn, page);
	spin_unlock_irqrestore(&arena->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_pin, KMCL_NS);

/**
 * kmcl_arena_unpin() - done with a page
 * @arena: where
 * @page: from kmcl_arena_pin()
 *
 * Context: any context.
 */
void kmcl_arena_unpin(struct kmcl_arena *arena, struct page *page)
{
	struct bio_vec bvec = { .bv_page = page };

	kmcl_arena_unpin_bvec(arena, &bvec, 1);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_unpin, KMCL_NS);

/**
 * kmcl_arena_pin_wire() - the peer's pages of these numbers, all or none
 * @arena: where
 * @kinds: KMCL_ARENA_* that will do
 * @write: they are going to be written to
 * @gfns: any numbers, as on the wire
 * @nr: how many
 * @bvec: as many pieces, set to a whole page each
 *
 * Context: any context. Return: as kmcl_arena_pin().
 */
int kmcl_arena_pin_wire(struct kmcl_arena *arena, u32 kinds, bool write, const __le64 *gfns,
			u32 nr, struct bio_vec *bvec)
{
	unsigned long flags;
	int ret = 0;
	u32 i;

	spin_lock_irqsave(&arena->lock, flags);
	for (i = 0; i < nr; i++) {
		ret = kmcl_arena_pin_locked(arena, kinds, write, le64_to_cpu(gfns[i]),
					    &bvec[i].bv_page);
		if (ret)
			break;
		bvec[i].bv_offset = 0;
		bvec[i].bv_len = KMCL_ARENA_PAGE_SIZE;
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	if (ret)
		kmcl_arena_unpin_bvec(arena, bvec, i);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_pin_wire, KMCL_NS);

/**
 * kmcl_arena_unpin_bvec() - done with pages
 * @arena: where
 * @bvec: their pieces
 * @nr: how many
 *
 * Context: any context.
 */
void kmcl_arena_unpin_bvec(struct kmcl_arena *arena, const struct bio_vec *bvec, u32 nr)
{
	unsigned long flags;
	LIST_HEAD(pages);
	u32 i;

	spin_lock_irqsave(&arena->lock, flags);
	for (i = 0; i < nr; i++) {
		u64 gfn = page_private(bvec[i].bv_page);

		if (WARN_ON_ONCE(gfn >= arena->nr_pages ||
				 arena->slots[gfn].page != bvec[i].bv_page))
			continue;
		kmcl_arena_unpin_locked(arena, arena->slots[gfn].run, &pages);
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	kmcl_arena_free_pages(&pages);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_unpin_bvec, KMCL_NS);
