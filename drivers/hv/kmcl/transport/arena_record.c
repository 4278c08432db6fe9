// SPDX-License-Identifier: GPL-2.0
/*
 * The arena's part in a save and a restore: what runs there are, and putting
 * saved ones back to where they were.
 *
 * kmcl_arena.lock of the arena in use may be held while that of a new arena,
 * which nobody else knows, is taken; they nest in this order only.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kmcl.h>
#include <linux/slab.h>

#include "arena_internal.h"

/* Count, and pin into @runs where there is room, what has an owner. */
static u32 kmcl_arena_collect(struct kmcl_arena *arena, struct kmcl_arena_run **runs, u32 room,
			      u32 *nr_pages)
{
	u32 gfn = 0, nr = 0;

	*nr_pages = 0;
	while (gfn < arena->nr_pages) {
		struct kmcl_arena_run *run = arena->slots[gfn].run;

		if (!run) {
			gfn++;
			continue;
		}
		gfn += run->count;
		if (run->released)
			continue;
		if (nr < room) {
			run->pins++;
			runs[nr] = run;
		}
		nr++;
		*nr_pages += run->count;
	}
	return nr;
}

/**
 * kmcl_arena_snapshot() - all runs that have an owner
 * @arena: where
 * @snap: filled in; to be given to kmcl_arena_snapshot_put()
 *
 * Context: process context. Return: 0, or -ENOMEM.
 */
int kmcl_arena_snapshot(struct kmcl_arena *arena, struct kmcl_arena_snapshot *snap)
{
	u32 room = 0, nr;

	memset(snap, 0, sizeof(*snap));
	spin_lock_irq(&arena->lock);
	room = kmcl_arena_collect(arena, NULL, 0, &snap->nr_pages);
	spin_unlock_irq(&arena->lock);

	/* Some may come while no lock is held. */
	room += 16;
	snap->runs = kvcalloc(room, sizeof(*snap->runs), GFP_KERNEL);
	if (!snap->runs)
		return -ENOMEM;
	spin_lock_irq(&arena->lock);
	nr = kmcl_arena_collect(arena, snap->runs, room, &snap->nr_pages);
	spin_unlock_irq(&arena->lock);
	snap->nr_runs = min(nr, room);
	if (nr > room) {
		kmcl_arena_snapshot_put(arena, snap);
		return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_snapshot, KMCL_NS);

/**
 * kmcl_arena_snapshot_put() - done with a snapshot
 * @arena: where
 * @snap: which; empty from here on
 *
 * Context: process context.
 */
void kmcl_arena_snapshot_put(struct kmcl_arena *arena, struct kmcl_arena_snapshot *snap)
{
	LIST_HEAD(pages);
	u32 i;

	spin_lock_irq(&arena->lock);
	for (i = 0; i < snap->nr_runs; i++)
		kmcl_arena_unpin_locked(arena, snap->runs[i], &pages);
	spin_unlock_irq(&arena->lock);
	kmcl_arena_free_pages(&pages);
	kvfree(snap->runs);
	memset(snap, 0, sizeof(*snap));
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_snapshot_put, KMCL_NS);

static bool kmcl_arena_place_valid(struct kmcl_arena *arena, const struct kmcl_arena_place *place)
{
	if (!place->first || !place->count || place->first >= arena->nr_pages ||
	    place->count > arena->nr_pages - place->first)
		return false;
	switch (place->kind) {
	case KMCL_ARENA_RING:
		return !place->token && !place->read_only;
	case KMCL_ARENA_GPADL:
		return !place->token;
	case KMCL_ARENA_EXT:
		return place->token && !place->read_only;
	}
	return false;
}

/**
 * kmcl_arena_place() - put a saved run back to where it was
 * @arena: where
 * @place: any numbers
 * @pages: its content, kmcl_arena_place.count pages, taken over and set to
 *	NULL upon success; only looked at where @place is good
 *
 * External data waits to be adopted.
 * Context: process context. Return: the run; ERR_PTR(-EBADMSG) where @place is
 * outside of the arena, overlaps or doubles another, or makes no sense;
 * ERR_PTR(-ENOMEM).
 */
struct kmcl_arena_run *kmcl_arena_place(struct kmcl_arena *arena,
					const struct kmcl_arena_place *place,
					struct page **pages)
{
	struct kmcl_arena_run *run;
	LIST_HEAD(list);
	u32 i;

	if (!kmcl_arena_place_valid(arena, place))
		return ERR_PTR(-EBADMSG);
	run = kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&run->node);
	INIT_HLIST_NODE(&run->hash);
	run->first = place->first;
	run->count = place->count;
	run->kind = place->kind;
	run->read_only = place->read_only;
	run->token = place->token;
	run->adoptable = run->kind == KMCL_ARENA_EXT;
	run->mapped = run->adoptable;
	run->dirty = run->adoptable;

	spin_lock_irq(&arena->lock);
	if (find_next_bit(arena->bitmap, run->first + run->count, run->first) <
	    run->first + run->count || (run->token && kmcl_arena_lookup(arena, run->token))) {
		spin_unlock_irq(&arena->lock);
		kfree(run);
		return ERR_PTR(-EBADMSG);
	}
	for (i = 0; i < run->count; i++) {
		list_add_tail(&pages[i]->lru, &list);
		pages[i] = NULL;
	}
	kmcl_arena_enter(arena, run, &list);
	spin_unlock_irq(&arena->lock);
	return run;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_place, KMCL_NS);

/**
 * kmcl_arena_run_at() - the run that begins at a gfn
 * @arena: where
 * @first: any number
 *
 * For who knows that its owner does not give it back meanwhile.
 * Context: any context. Return: the run, or NULL.
 */
struct kmcl_arena_run *kmcl_arena_run_at(struct kmcl_arena *arena, u32 first)
{
	struct kmcl_arena_run *run;
	unsigned long flags;

	if (first >= arena->nr_pages)
		return NULL;
	spin_lock_irqsave(&arena->lock, flags);
	run = arena->slots[first].run;
	if (run && (run->first != first || run->released))
		run = NULL;
	spin_unlock_irqrestore(&arena->lock, flags);
	return run;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_run_at, KMCL_NS);

/* Find gfns in @by for all that there is in @arena: only reservations can move. */
static int kmcl_arena_replace_check(struct kmcl_arena *arena, struct kmcl_arena *by)
{
	u32 gfn = 0;

	if (!list_empty(&arena->parked) || !list_empty(&arena->holds))
		return -EBUSY;
	while (gfn < arena->nr_pages) {
		struct kmcl_arena_run *run = arena->slots[gfn].run;

		if (!run) {
			gfn++;
			continue;
		}
		gfn += run->count;
		if (run->kind != KMCL_ARENA_EXT || run->mapped || run->pins ||
		    kmcl_arena_lookup(by, run->token))
			return -EBUSY;
		if (!kmcl_arena_find_room(by, run->count, &run->target))
			return -ENOSPC;
		bitmap_set(by->bitmap, run->target, run->count);
	}
	return 0;
}

static void kmcl_arena_replace_move(struct kmcl_arena *arena, struct kmcl_arena *by)
{
	u32 gfn = 0, i;

	while (gfn < arena->nr_pages) {
		struct kmcl_arena_run *run = arena->slots[gfn].run;
		LIST_HEAD(pages);

		if (!run) {
			gfn++;
			continue;
		}
		gfn += run->count;
		for (i = 0; i < run->count; i++) {
			struct kmcl_arena_slot *slot = &arena->slots[run->first + i];

			list_add_tail(&slot->page->lru, &pages);
			*slot = (struct kmcl_arena_slot) {};
		}
		hash_del(&run->hash);
		run->first = run->target;
		kmcl_arena_enter(by, run, &pages);
	}
}

/**
 * kmcl_arena_replace() - let a restored arena take an arena's place
 * @arena: in use; has only reservations that nothing describes to a peer
 * @by: of the same size; has the restored runs, and gets what @arena had
 *
 * The reservations keep their tokens and move to other gfns.
 * Context: process context. Return: 0: what @by had is in @arena now, and @by
 * is to be destroyed; -EBUSY where @arena has more than that; -ENOSPC. After an
 * error, too, @by is good for nothing but to be destroyed.
 */
int kmcl_arena_replace(struct kmcl_arena *arena, struct kmcl_arena *by)
{
	int bucket, ret;

	if (by->nr_pages != arena->nr_pages)
		return -EINVAL;
	spin_lock_irq(&arena->lock);
	spin_lock_nested(&by->lock, SINGLE_DEPTH_NESTING);
	ret = kmcl_arena_replace_check(arena, by);
	if (!ret) {
		kmcl_arena_replace_move(arena, by);
		bitmap_zero(arena->bitmap, arena->nr_pages);
		__set_bit(0, arena->bitmap);
		swap(arena->bitmap, by->bitmap);
		swap(arena->slots, by->slots);
		arena->used = by->used;
		arena->hint = 1;
		by->used = 0;
		for (bucket = 0; bucket < HASH_SIZE(arena->tokens); bucket++)
			hlist_move_list(&by->tokens[bucket], &arena->tokens[bucket]);
	}
	spin_unlock(&by->lock);
	spin_unlock_irq(&arena->lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_replace, KMCL_NS);
