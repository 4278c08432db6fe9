// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches for packet objects, one a size, shared by all channels. They stay
 * until the module goes: making and destroying one waits for RCU, and channels
 * of the same sizes come and go.
 *
 * kmcl_caches_mutex protects the list; it is taken with no lock held but
 * config.c's, and takes none.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"

struct kmcl_cache {
	struct list_head node;
	u32 size;
	struct kmem_cache *cache;
	char name[24];
};

static DEFINE_MUTEX(kmcl_caches_mutex);
static LIST_HEAD(kmcl_caches);

/* The cache for objects of @size bytes, or NULL. Process context. */
struct kmem_cache *kmcl_cache_get(u32 size)
{
	struct kmem_cache *ret = NULL;
	struct kmcl_cache *c;

	mutex_lock(&kmcl_caches_mutex);
	list_for_each_entry(c, &kmcl_caches, node)
		if (c->size == size)
			ret = c->cache;
	if (ret)
		goto out;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		goto out;
	c->size = size;
	snprintf(c->name, sizeof(c->name), "kmcl-packet-%u", size);
	c->cache = kmem_cache_create(c->name, size, 8, 0, NULL);
	ret = c->cache;
	if (ret)
		list_add(&c->node, &kmcl_caches);
	else
		kfree(c);
out:
	mutex_unlock(&kmcl_caches_mutex);
	return ret;
}

/* No channel is left. */
void kmcl_cache_exit(void)
{
	struct kmcl_cache *c, *tmp;

	list_for_each_entry_safe(c, tmp, &kmcl_caches, node) {
		kmem_cache_destroy(c->cache);
		kfree(c);
	}
}
