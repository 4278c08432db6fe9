/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arena's insides, for its own files.
 */
#ifndef _KMCL_ARENA_INTERNAL_H
#define _KMCL_ARENA_INTERNAL_H

#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "arena.h"

#define KMCL_ARENA_TOKEN_BITS	10

/* What a gfn stands for; nothing unless both are there. */
struct kmcl_arena_slot {
	struct page *page;		/* its page_private() is the gfn */
	struct kmcl_arena_run *run;
};

/**
 * struct kmcl_arena - the arena
 * @lock: protects all below but @nr_pages, and the runs; taken with interrupts
 *	off, in any context, as the innermost lock
 * @nr_pages: gfns are below this; gfn 0 is never used
 * @used: gfns in use
 * @hint: where to look for free ones first
 * @bitmap: of gfns in use
 * @slots: by gfn
 * @epoch: counts holds and releases
 * @next_token: the next name of a run of external data
 * @holds: in the order in which they began
 * @parked: runs that wait for their pins or for a hold to end
 * @tokens: runs of external data by token
 */
struct kmcl_arena {
	spinlock_t lock;		/* see above */
	u32 nr_pages;
	u32 used;
	u32 hint;
	unsigned long *bitmap;
	struct kmcl_arena_slot *slots;
	u64 epoch;
	u64 next_token;
	struct list_head holds;
	struct list_head parked;
	DECLARE_HASHTABLE(tokens, KMCL_ARENA_TOKEN_BITS);
};

struct kmcl_arena_run *kmcl_arena_lookup(struct kmcl_arena *arena, u64 token);
bool kmcl_arena_find_room(struct kmcl_arena *arena, u32 count, u32 *first);
void kmcl_arena_enter(struct kmcl_arena *arena, struct kmcl_arena_run *run,
		      struct list_head *pages);
void kmcl_arena_release_locked(struct kmcl_arena *arena, struct kmcl_arena_run *run,
			       struct list_head *pages);
void kmcl_arena_unpin_locked(struct kmcl_arena *arena, struct kmcl_arena_run *run,
			     struct list_head *pages);
void kmcl_arena_free_pages(struct list_head *pages);

#endif /* _KMCL_ARENA_INTERNAL_H */
