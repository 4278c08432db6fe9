// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: channels that a Hyper-V host offers, through hv_vmbus. The module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "hv.h"

struct workqueue_struct *kmcl_hv_wq;

static struct vmb_bus *kmcl_hv_bus;

/* The one bus of this name that a guest has; instances tell its channels apart. */
static const guid_t kmcl_hv_id =
	GUID_INIT(0x7d6f5c1e, 0x2b0a, 0x4f0d, 0x9c, 0x35, 0x61, 0x0e, 0x84, 0xd2, 0x3a, 0x97);

static const struct kmcl_transport_ops kmcl_hv_ops = {
	.owner = THIS_MODULE,
	.caps = KMCL_CAP_SERVER | KMCL_CAP_CLIENT | KMCL_CAP_EXTERNAL | KMCL_CAP_GPADL,
	.attach = kmcl_hv_attach,
	.detach = kmcl_hv_detach,
	.park = kmcl_hv_park,
	.open_done = kmcl_hv_open_done,
	.close = kmcl_hv_close,
	.closed = kmcl_hv_closed,
	.rx_peek = kmcl_hv_rx_peek,
	.rx_copy = kmcl_hv_rx_copy,
	.rx_advance = kmcl_hv_rx_advance,
	.rx_commit = kmcl_hv_rx_commit,
	.rx_mask = kmcl_hv_rx_mask,
	.rx_unmask = kmcl_hv_rx_unmask,
	.rx_unread = kmcl_hv_rx_unread,
	.tx_write = kmcl_hv_tx_write,
	.tx_commit = kmcl_hv_tx_commit,
	.tx_want = kmcl_hv_tx_want,
	.tx_limit = kmcl_hv_tx_limit,
	.fault = kmcl_hv_fault,
	.ext_reserve = kmcl_hv_ext_reserve,
	.ext_release = kmcl_hv_ext_release,
	.ext_map = kmcl_hv_ext_map,
	.ext_unmap = kmcl_hv_ext_unmap,
	.gpa_get = kmcl_hv_gpa_get,
	.gpa_put = kmcl_hv_gpa_put,
	.gpadl_create = kmcl_hv_gpadl_create,
	.gpadl_delete = kmcl_hv_gpadl_delete,
	.gpadl_abort = kmcl_hv_gpadl_abort,
	.gpadl_map = kmcl_hv_gpadl_map,
	.gpadl_unmap = kmcl_hv_gpadl_unmap,
	.get_instance = kmcl_hv_get_instance,
	.get_mmio = kmcl_hv_get_mmio,
};

static int __init kmcl_hv_init(void)
{
	if (!kmcl_hv_host_present()) {
		pr_err("there is no VMBus: not a guest of Hyper-V\n");
		return -ENODEV;
	}
	/* Its works wait for the host: one that does keeps none from running. */
	kmcl_hv_wq = alloc_workqueue("kmcl_hv", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!kmcl_hv_wq)
		return -ENOMEM;
	kmcl_hv_bus = kmcl_bus_register("hv", &kmcl_hv_id, &kmcl_hv_ops, NULL);
	if (IS_ERR(kmcl_hv_bus)) {
		destroy_workqueue(kmcl_hv_wq);
		return PTR_ERR(kmcl_hv_bus);
	}
	return 0;
}

/* No channel is attached. What the host has not answered is waited for. */
static void __exit kmcl_hv_exit(void)
{
	kmcl_bus_unregister(kmcl_hv_bus);
	kmcl_hv_type_exit();
	kmcl_hv_end_exit();
	destroy_workqueue(kmcl_hv_wq);
	kmcl_hv_aside_exit();
}

module_init(kmcl_hv_init);
module_exit(kmcl_hv_exit);

MODULE_DESCRIPTION("KMCL over the channels of a Hyper-V host");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
