// SPDX-License-Identifier: GPL-2.0
/*
 * The arena's runs for external data: named by tokens, so that a saved packet
 * can find its own again, and owned by one packet each.
 *
 * All under kmcl_arena.lock.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kmcl.h>

#include "arena_internal.h"

static u32 kmcl_arena_ext_pages(u32 bytes)
{
	return DIV_ROUND_UP((u64)bytes, KMCL_ARENA_PAGE_SIZE);
}

/**
 * kmcl_arena_ext_reserve() - reserve pages for external data of one packet
 * @arena: where
 * @bytes: how much
 * @gfp: how
 * @token: set to their name
 *
 * Context: by @gfp. Return: 0; -EINVAL for no bytes; -ENOMEM.
 */
int kmcl_arena_ext_reserve(struct kmcl_arena *arena, u32 bytes, gfp_t gfp, u64 *token)
{
	struct kmcl_arena_run *run;

	run = kmcl_arena_alloc(arena, KMCL_ARENA_EXT, kmcl_arena_ext_pages(bytes), false, gfp);
	if (IS_ERR(run))
		return PTR_ERR(run) == -ENOSPC ? -ENOMEM : PTR_ERR(run);
	*token = run->token;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_reserve, KMCL_NS);

/**
 * kmcl_arena_ext_release() - give a reservation back
 * @arena: where
 * @token: which; an unknown one is ignored
 *
 * Context: any context.
 */
void kmcl_arena_ext_release(struct kmcl_arena *arena, u64 token)
{
	struct kmcl_arena_run *run;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&arena->lock, flags);
	run = kmcl_arena_lookup(arena, token);
	if (run)
		kmcl_arena_release_locked(arena, run, &pages);
	spin_unlock_irqrestore(&arena->lock, flags);
	kmcl_arena_free_pages(&pages);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_release, KMCL_NS);

/**
 * kmcl_arena_ext_begin() - its pages are about to be described to the peer
 * @arena: where
 * @token: which
 * @bytes: how much of it is going to be used
 *
 * Context: any context. Return: the run, which keeps its place until
 * kmcl_arena_ext_end(); NULL where there is none, or it is too small.
 */
struct kmcl_arena_run *kmcl_arena_ext_begin(struct kmcl_arena *arena, u64 token, u32 bytes)
{
	struct kmcl_arena_run *run;
	unsigned long flags;

	spin_lock_irqsave(&arena->lock, flags);
	run = kmcl_arena_lookup(arena, token);
	if (run && run->count < kmcl_arena_ext_pages(bytes))
		run = NULL;
	if (run) {
		WRITE_ONCE(run->mapped, true);
		run->dirty = false;
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	return run;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_begin, KMCL_NS);

/**
 * kmcl_arena_ext_end() - the transaction that described them has ended
 * @arena: where
 * @token: which
 * @dirty: set to whether the peer may have written to them
 *
 * Context: any context. Return: the run, or NULL where there is none.
 */
struct kmcl_arena_run *kmcl_arena_ext_end(struct kmcl_arena *arena, u64 token, bool *dirty)
{
	struct kmcl_arena_run *run;
	unsigned long flags;

	spin_lock_irqsave(&arena->lock, flags);
	run = kmcl_arena_lookup(arena, token);
	if (run) {
		WRITE_ONCE(run->mapped, false);
		/* Its packet has it back: who was refused while a save was begun. */
		run->offered = false;
		run->adoptable = false;
		*dirty = run->dirty;
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	return run;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_end, KMCL_NS);

/**
 * kmcl_arena_ext_adopt() - a restored packet claims its reservation
 * @arena: where
 * @token: which, from a saved packet
 * @bytes: of at least how much
 *
 * Context: any context. Return: 0; -EINVAL where none of @bytes waits for that.
 */
int kmcl_arena_ext_adopt(struct kmcl_arena *arena, u64 token, u32 bytes)
{
	struct kmcl_arena_run *run;
	unsigned long flags;
	int ret = -EINVAL;

	spin_lock_irqsave(&arena->lock, flags);
	run = kmcl_arena_lookup(arena, token);
	if (run && run->adoptable && bytes && run->count >= kmcl_arena_ext_pages(bytes)) {
		run->adoptable = false;
		ret = 0;
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_adopt, KMCL_NS);

/**
 * kmcl_arena_ext_offer() - what was saved waits to be claimed, once that is committed
 * @arena: where
 * @snap: what was saved
 *
 * Until kmcl_arena_ext_settle() it is its packets' still.
 * Context: process context.
 */
void kmcl_arena_ext_offer(struct kmcl_arena *arena, const struct kmcl_arena_snapshot *snap)
{
	struct kmcl_arena_run *run;
	u32 i;

	spin_lock_irq(&arena->lock);
	for (i = 0; i < snap->nr_runs; i++) {
		run = snap->runs[i];
		/* What waits already waits on, whatever becomes of this save. */
		if (run->kind == KMCL_ARENA_EXT && !run->adoptable)
			run->offered = true;
	}
	spin_unlock_irq(&arena->lock);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_offer, KMCL_NS);

/**
 * kmcl_arena_ext_settle() - what becomes of what the last save offered
 * @arena: where
 * @committed: it waits to be claimed; else it is its packets' as before
 *
 * Context: process context.
 */
void kmcl_arena_ext_settle(struct kmcl_arena *arena, bool committed)
{
	struct kmcl_arena_run *run;
	u32 bucket;

	spin_lock_irq(&arena->lock);
	hash_for_each(arena->tokens, bucket, run, hash) {
		if (run->offered)
			run->adoptable = committed;
		run->offered = false;
	}
	spin_unlock_irq(&arena->lock);
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_settle, KMCL_NS);

/**
 * kmcl_arena_ext_drop() - nobody is going to claim what waits for it
 * @arena: where
 *
 * Context: any context. Return: how many reservations were given up.
 */
u32 kmcl_arena_ext_drop(struct kmcl_arena *arena)
{
	struct kmcl_arena_run *run;
	struct hlist_node *next;
	unsigned long flags;
	u32 bucket, dropped = 0;
	LIST_HEAD(pages);

	spin_lock_irqsave(&arena->lock, flags);
	hash_for_each_safe(arena->tokens, bucket, next, run, hash) {
		if (!run->adoptable)
			continue;
		kmcl_arena_release_locked(arena, run, &pages);
		dropped++;
	}
	spin_unlock_irqrestore(&arena->lock, flags);
	kmcl_arena_free_pages(&pages);
	return dropped;
}
EXPORT_SYMBOL_NS_GPL(kmcl_arena_ext_drop, KMCL_NS);
