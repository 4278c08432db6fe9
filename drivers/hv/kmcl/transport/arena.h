/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arena: a small guest-physical memory with page numbers of its own.
 *
 * What two ends of the loopback bus share lives here: rings, GPADLs, and the
 * pages through which external data is bounced. Its page numbers (gfns) mean
 * the same after a kexec, wherever the pages came to lie, and are never host
 * PFNs. gfns are handed out in *runs*: consecutive, of one kind, with one
 * owner. A run that its owner gave back stays until nobody has it pinned.
 */
#ifndef _KMCL_ARENA_H
#define _KMCL_ARENA_H

#include <linux/bvec.h>
#include <linux/list.h>
#include <linux/types.h>

/* The arena's page is the wire's page. */
#define KMCL_ARENA_PAGE_SIZE	4096U

#define KMCL_ARENA_PAGES_MIN	16U
#define KMCL_ARENA_PAGES_MAX	4194304U	/* 16 GiB */

/* kmcl_arena_run.kind */
#define KMCL_ARENA_RING		0x1U	/* rings of a channel */
#define KMCL_ARENA_GPADL	0x2U	/* memory shared by a GPADL */
#define KMCL_ARENA_EXT		0x4U	/* external data of one packet */
#define KMCL_ARENA_KINDS	0x7U

/**
 * struct kmcl_arena_run - consecutive pages with one owner
 * @node: in the arena's list of what waits to be freed
 * @hash: by @token
 * @token: names a run of external data; 0 for others
 * @epoch: when the owner gave it back
 * @first: first gfn
 * @count: pages
 * @target: where a restore is going to move it
 * @pins: how often its pages are pinned, all together
 * @kind: KMCL_ARENA_*
 * @read_only: the peer may not write to it
 * @released: the owner gave it back
 * @mapped: external data: described to the peer, or about to be
 * @dirty: external data: the peer may have written to it
 * @offered: external data: was saved, and the save is not committed
 * @adoptable: external data: belongs to a saved packet that is to claim it
 *
 * For the owner, @first, @count and @kind are constant while no record is
 * taken in; the rest is the arena's own.
 */
struct kmcl_arena_run {
	struct list_head node;
	struct hlist_node hash;
	u64 token;
	u64 epoch;
	u32 first;
	u32 count;
	u32 target;
	u32 pins;
	u8 kind;
	bool read_only;
	bool released;
	bool mapped;
	bool dirty;
	bool offered;
	bool adoptable;
};

/**
 * struct kmcl_arena_hold - external data given back from now on is not reused
 * @node: in the arena's list
 * @epoch: when it began
 */
struct kmcl_arena_hold {
	struct list_head node;
	u64 epoch;
};

struct kmcl_arena;

struct kmcl_arena *kmcl_arena_create(u32 nr_pages);
void kmcl_arena_destroy(struct kmcl_arena *arena);
u32 kmcl_arena_size(const struct kmcl_arena *arena);
u32 kmcl_arena_used(struct kmcl_arena *arena);

struct kmcl_arena_run *kmcl_arena_alloc(struct kmcl_arena *arena, u32 kind, u32 count,
					bool read_only, gfp_t gfp);
void kmcl_arena_release(struct kmcl_arena *arena, struct kmcl_arena_run *run);
struct page *kmcl_arena_page(struct kmcl_arena *arena, const struct kmcl_arena_run *run,
			     u32 index);

void kmcl_arena_hold_begin(struct kmcl_arena *arena, struct kmcl_arena_hold *hold);
void kmcl_arena_hold_end(struct kmcl_arena *arena, struct kmcl_arena_hold *hold);

int kmcl_arena_pin(struct kmcl_arena *arena, u32 kinds, bool write, u64 gfn, struct page **page);
void kmcl_arena_unpin(struct kmcl_arena *arena, struct page *page);
int kmcl_arena_pin_wire(struct kmcl_arena *arena, u32 kinds, bool write, const __le64 *gfns,
			u32 nr, struct bio_vec *bvec);
void kmcl_arena_unpin_bvec(struct kmcl_arena *arena, const struct bio_vec *bvec, u32 nr);

/* External data: arena_ext.c */
int kmcl_arena_ext_reserve(struct kmcl_arena *arena, u32 bytes, gfp_t gfp, u64 *token);
void kmcl_arena_ext_release(struct kmcl_arena *arena, u64 token);
struct kmcl_arena_run *kmcl_arena_ext_begin(struct kmcl_arena *arena, u64 token, u32 bytes);
struct kmcl_arena_run *kmcl_arena_ext_end(struct kmcl_arena *arena, u64 token, bool *dirty);
int kmcl_arena_ext_adopt(struct kmcl_arena *arena, u64 token, u32 bytes);
u32 kmcl_arena_ext_drop(struct kmcl_arena *arena);

/* Saving and restoring: arena_record.c */

/**
 * struct kmcl_arena_snapshot - the runs there are, each pinned
 * @runs: by gfn
 * @nr_runs: how many
 * @nr_pages: pages in all of them
 */
struct kmcl_arena_snapshot {
	struct kmcl_arena_run **runs;
	u32 nr_runs;
	u32 nr_pages;
};

/**
 * struct kmcl_arena_place - where a saved run goes
 * @token: as saved
 * @first: as saved
 * @count: as saved
 * @kind: as saved
 * @read_only: as saved
 */
struct kmcl_arena_place {
	u64 token;
	u32 first;
	u32 count;
	u32 kind;
	bool read_only;
};

void kmcl_arena_ext_offer(struct kmcl_arena *arena, const struct kmcl_arena_snapshot *snap);
void kmcl_arena_ext_settle(struct kmcl_arena *arena, bool committed);

int kmcl_arena_snapshot(struct kmcl_arena *arena, struct kmcl_arena_snapshot *snap);
void kmcl_arena_snapshot_put(struct kmcl_arena *arena, struct kmcl_arena_snapshot *snap);
struct kmcl_arena_run *kmcl_arena_place(struct kmcl_arena *arena,
					const struct kmcl_arena_place *place,
					struct page **pages);
struct kmcl_arena_run *kmcl_arena_run_at(struct kmcl_arena *arena, u32 first);
int kmcl_arena_replace(struct kmcl_arena *arena, struct kmcl_arena *by);

#endif /* _KMCL_ARENA_H */
