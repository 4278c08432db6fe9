// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: both ends of a channel in one kernel, joined by real VMBus
 * control messages and real rings, in memory of its own. The module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "loopback.h"
#include "loopback_record.h"

struct kmcl_lb_bus *kmcl_lb_the_bus;

static unsigned int arena_pages = 32768;
module_param(arena_pages, uint, 0444);
MODULE_PARM_DESC(arena_pages,
		 "page numbers of the memory that both ends share; pages are allocated as they are used");

static char *id = "8f3b1a52-6c0d-4e5e-9a41-5d1e7c2b90f6";
module_param(id, charp, 0444);
MODULE_PARM_DESC(id, "persistent id of the bus, a GUID: saved state goes to the bus of the same id");

static const struct kmcl_transport_ops kmcl_lb_ops = {
	.owner = THIS_MODULE,
	.caps = KMCL_CAP_SERVER | KMCL_CAP_CLIENT | KMCL_CAP_EXTERNAL | KMCL_CAP_GPADL |
		KMCL_CAP_BOUNCE | KMCL_CAP_KEEP,
	.save_version = KMCL_LB_REC_VERSION,
	.attach = kmcl_lb_attach,
	.detach = kmcl_lb_detach,
	.open_done = kmcl_lb_open_done,
	.close = kmcl_lb_close,
	.closed = kmcl_lb_closed,
	.park = kmcl_lb_park,
	.rx_peek = kmcl_lb_rx_peek,
	.rx_copy = kmcl_lb_rx_copy,
	.rx_advance = kmcl_lb_rx_advance,
	.rx_commit = kmcl_lb_rx_commit,
	.rx_mask = kmcl_lb_rx_mask,
	.rx_unmask = kmcl_lb_rx_unmask,
	.rx_unread = kmcl_lb_rx_unread,
	.tx_write = kmcl_lb_tx_write,
	.tx_commit = kmcl_lb_tx_commit,
	.tx_want = kmcl_lb_tx_want,
	.tx_limit = kmcl_lb_tx_limit,
	.fault = kmcl_lb_fault_name,
	.ext_reserve = kmcl_lb_ext_reserve,
	.ext_release = kmcl_lb_ext_release,
	.ext_map = kmcl_lb_ext_map,
	.ext_unmap = kmcl_lb_ext_unmap,
	.ext_adopt = kmcl_lb_ext_adopt,
	.gpa_get = kmcl_lb_gpa_get,
	.gpa_put = kmcl_lb_gpa_put,
	.gpadl_create = kmcl_lb_gpadl_create,
	.gpadl_delete = kmcl_lb_gpadl_delete,
	.gpadl_abort = kmcl_lb_gpadl_abort,
	.gpadl_map = kmcl_lb_gpadl_map,
	.gpadl_unmap = kmcl_lb_gpadl_unmap,
	.get_instance = kmcl_lb_get_instance,
	.bus_freeze = kmcl_lb_bus_freeze,
	.bus_thaw = kmcl_lb_bus_thaw,
	.bus_save_begin = kmcl_lb_bus_save_begin,
	.bus_save_read = kmcl_lb_bus_save_read,
	.bus_save_end = kmcl_lb_bus_save_end,
	.bus_restore_begin = kmcl_lb_bus_restore_begin,
	.bus_restore_write = kmcl_lb_bus_restore_write,
	.bus_restore_end = kmcl_lb_bus_restore_end,
	.bus_drop = kmcl_lb_bus_drop,
};

static void kmcl_lb_bus_free(struct kmcl_lb_bus *bus)
{
	kmcl_arena_destroy(bus->arena);
	kvfree(bus->offers);
	kfree(bus);
}

static struct kmcl_lb_bus *kmcl_lb_bus_new(void)
{
	struct kmcl_lb_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);

	if (!bus)
		return ERR_PTR(-ENOMEM);
	mutex_init(&bus->lock);
	INIT_LIST_HEAD(&bus->ends);
	INIT_LIST_HEAD(&bus->orphans);
	INIT_LIST_HEAD(&bus->events);
	init_waitqueue_head(&bus->wait);
	bus->offers = kvcalloc(VMBUS_MAX_CHANNELS + 1, sizeof(*bus->offers), GFP_KERNEL);
	bus->arena = kmcl_arena_create(arena_pages);
	if (!bus->offers || IS_ERR(bus->arena)) {
		int ret = IS_ERR(bus->arena) ? PTR_ERR(bus->arena) : -ENOMEM;

		kmcl_lb_bus_free(bus);
		return ERR_PTR(ret);
	}
	return bus;
}

static int __init kmcl_lb_init(void)
{
	struct kmcl_lb_bus *bus;
	guid_t guid;
	int ret;

	if (guid_parse(id, &guid)) {
		pr_err("id=%s is not a GUID\n", id);
		return -EINVAL;
	}
	ret = kmcl_lb_end_init();
	if (ret)
		return ret;
	bus = kmcl_lb_bus_new();
	if (IS_ERR(bus)) {
		ret = PTR_ERR(bus);
		pr_err("no arena of %u pages: error %d\n", arena_pages, ret);
		goto fail_bus;
	}
	kmcl_lb_the_bus = bus;
	ret = kmcl_lb_plane_start(bus);
	if (ret)
		goto fail_plane;
	bus->bus = kmcl_bus_register("loopback", &guid, &kmcl_lb_ops, bus);
	if (IS_ERR(bus->bus)) {
		ret = PTR_ERR(bus->bus);
		goto fail_register;
	}
	return 0;

fail_register:
	kmcl_lb_plane_stop(bus);
fail_plane:
	kmcl_lb_bus_free(bus);
fail_bus:
	kmcl_lb_end_exit();
	return ret;
}

static void __exit kmcl_lb_exit(void)
{
	struct kmcl_lb_bus *bus = kmcl_lb_the_bus;
	u32 dropped;

	kmcl_bus_unregister(bus->bus);
	kmcl_lb_lock(bus);
	dropped = kmcl_lb_drop_parked(bus);
	kmcl_lb_unlock(bus);
	if (dropped)
		pr_warn("%u kept ends of links, which nobody adopted, are gone\n", dropped);
	kmcl_lb_plane_stop(bus);
	kmcl_lb_gpadl_drop_orphans(bus);
	kmcl_lb_bus_free(bus);
	kmcl_lb_end_exit();
}

module_init(kmcl_lb_init);
module_exit(kmcl_lb_exit);

MODULE_DESCRIPTION("KMCL loopback bus");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
