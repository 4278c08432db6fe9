// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: the rings of a channel, mapped from the page numbers of its
 * GPADL. Each end maps them for itself; the data pages appear twice in a row,
 * so that no packet is cut by the wrap.
 *
 * All under kmcl_lb_bus.lock.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "loopback.h"

static void *kmcl_lb_ring_vmap(struct page **pages, u32 nr, struct page **scratch)
{
	memcpy(scratch, pages, nr * sizeof(*pages));
	memcpy(scratch + nr, pages + 1, (nr - 1) * sizeof(*pages));
	return vmap(scratch, 2 * nr - 1, VM_MAP, PAGE_KERNEL);
}

/**
 * kmcl_lb_rings_map() - map the rings of an end
 * @end: which, without rings
 * @arena: whose pages they are
 * @gfns: pages of both rings
 * @nr: how many
 * @downstream: where those of the server's outgoing ring begin
 *
 * The rings' content is not touched.
 * Context: process context. Return: 0; -EINVAL for impossible sizes; -EFAULT
 * where a page is not there, or not one of a ring; -ENOMEM.
 */
int kmcl_lb_rings_map(struct kmcl_lb_end *end, struct kmcl_arena *arena, const u64 *gfns,
		      u32 nr, u32 downstream)
{
	struct kmcl_lb_rings *rings = &end->rings;
	struct page **scratch;
	int ret = -ENOMEM;
	u32 i = 0;

	if (downstream < 2 || downstream > nr || nr - downstream < 2)
		return -EINVAL;
	rings->pins = kvcalloc(nr, sizeof(*rings->pins), GFP_KERNEL);
	scratch = kvcalloc(2 * nr, sizeof(*scratch), GFP_KERNEL);
	if (!rings->pins || !scratch)
		goto fail;
	for (i = 0; i < nr; i++) {
		ret = kmcl_arena_pin(arena, KMCL_ARENA_RING, true, gfns[i], &rings->pins[i]);
		if (ret)
			goto fail;
	}
	ret = -ENOMEM;
	rings->arena = arena;
	rings->up_pages = downstream;
	rings->down_pages = nr - downstream;
	rings->up = kmcl_lb_ring_vmap(rings->pins, rings->up_pages, scratch);
	if (!rings->up)
		goto fail;
	rings->down = kmcl_lb_ring_vmap(rings->pins + downstream, rings->down_pages, scratch);
	if (!rings->down)
		goto fail;
	kvfree(scratch);

	vmbus_ring_init(end->server ? &end->rx : &end->tx, rings->up,
			rings->up + KMCL_ARENA_PAGE_SIZE,
			(rings->up_pages - 1) * KMCL_ARENA_PAGE_SIZE);
	vmbus_ring_init(end->server ? &end->tx : &end->rx, rings->down,
			rings->down + KMCL_ARENA_PAGE_SIZE,
			(rings->down_pages - 1) * KMCL_ARENA_PAGE_SIZE);
	return 0;

fail:
	if (rings->up)
		vunmap(rings->up);
	while (i)
		kmcl_arena_unpin(arena, rings->pins[--i]);
	kvfree(rings->pins);
	kvfree(scratch);
	*rings = (struct kmcl_lb_rings) {};
	return ret;
}

/**
 * kmcl_lb_rings_map_run() - map the rings of an end, which are one run
 * @end: which, without rings
 * @arena: of the run
 * @run: all pages of both rings
 * @downstream: where those of the server's outgoing ring begin
 *
 * Context: process context. Return: as kmcl_lb_rings_map().
 */
int kmcl_lb_rings_map_run(struct kmcl_lb_end *end, struct kmcl_arena *arena,
			  const struct kmcl_arena_run *run, u32 downstream)
{
	u64 *gfns;
	int ret;
	u32 i;

	gfns = kvmalloc_array(run->count, sizeof(*gfns), GFP_KERNEL);
	if (!gfns)
		return -ENOMEM;
	for (i = 0; i < run->count; i++)
		gfns[i] = run->first + i;
	ret = kmcl_lb_rings_map(end, arena, gfns, run->count, downstream);
	kvfree(gfns);
	return ret;
}

/**
 * kmcl_lb_rings_attach() - begin, or go on, to use the rings
 * @end: which, with rings
 *
 * Context: process context. Return: 0, or -EIO where their indices are corrupt.
 */
int kmcl_lb_rings_attach(struct kmcl_lb_end *end)
{
	int ret;

	ret = vmbus_ring_attach_reader(&end->rx);
	return ret ?: vmbus_ring_attach_writer(&end->tx);
}

/**
 * kmcl_lb_rings_unmap() - let go of the rings
 * @end: which, with or without rings; nobody uses them
 *
 * Context: process context.
 */
void kmcl_lb_rings_unmap(struct kmcl_lb_end *end)
{
	struct kmcl_lb_rings *rings = &end->rings;
	u32 i;

	if (!rings->pins)
		return;
	vunmap(rings->up);
	vunmap(rings->down);
	for (i = 0; i < rings->up_pages + rings->down_pages; i++)
		kmcl_arena_unpin(rings->arena, rings->pins[i]);
	kvfree(rings->pins);
	*rings = (struct kmcl_lb_rings) {};
}
