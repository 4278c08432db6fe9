// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: devices set aside. What somebody unbound by hand stays free until
 * it is bound by hand, to whatever driver: a consumer that enables its channel
 * again must not snatch it back.
 *
 * kmcl_hv_lock protects the list. The driver core says when a device is bound,
 * or goes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "hv.h"

struct kmcl_hv_aside {
	struct list_head node;
	const struct device *device;		/* compared only */
};

static LIST_HEAD(kmcl_hv_asides);
/* The bus whose news are heard; as const as the kernel has it */
static typeof(((struct device *)NULL)->bus) kmcl_hv_aside_bus;

static struct kmcl_hv_aside *kmcl_hv_aside_find(const struct device *device)
{
	struct kmcl_hv_aside *aside;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(aside, &kmcl_hv_asides, node)
		if (aside->device == device)
			return aside;
	return NULL;
}

static void kmcl_hv_aside_forget(const struct device *device)
{
	struct kmcl_hv_aside *aside;

	spin_lock(&kmcl_hv_lock);
	aside = kmcl_hv_aside_find(device);
	if (aside)
		list_del(&aside->node);
	spin_unlock(&kmcl_hv_lock);
	kfree(aside);
}

static int kmcl_hv_aside_event(struct notifier_block *nb, unsigned long event, void *device)
{
	if (event == BUS_NOTIFY_BOUND_DRIVER || event == BUS_NOTIFY_REMOVED_DEVICE)
		kmcl_hv_aside_forget(device);
	return NOTIFY_OK;
}

static struct notifier_block kmcl_hv_aside_nb = {
	.notifier_call = kmcl_hv_aside_event,
};

/* Is this device not for us to take unasked? */
bool kmcl_hv_aside_has(struct hv_device *device)
{
	bool ret;

	spin_lock(&kmcl_hv_lock);
	ret = kmcl_hv_aside_find(&device->device);
	spin_unlock(&kmcl_hv_lock);
	if (ret)
		pr_info("%s: was unbound by hand, and stays so until it is bound by hand\n",
			dev_name(&device->device));
	return ret;
}

/* A device was unbound, and not by us. Its lock is held. */
void kmcl_hv_aside_add(struct hv_device *device)
{
	struct kmcl_hv_aside *aside;
	bool first = false;

	/* One of a test's has no bus. */
	if (!device->device.bus)
		return;
	aside = kzalloc(sizeof(*aside), GFP_KERNEL);
	if (!aside)
		return;
	aside->device = &device->device;
	spin_lock(&kmcl_hv_lock);
	list_add(&aside->node, &kmcl_hv_asides);
	if (!kmcl_hv_aside_bus) {
		kmcl_hv_aside_bus = device->device.bus;
		first = true;
	}
	spin_unlock(&kmcl_hv_lock);
	if (first)
		bus_register_notifier(device->device.bus, &kmcl_hv_aside_nb);
}

/* At the end of the module */
void kmcl_hv_aside_exit(void)
{
	struct kmcl_hv_aside *aside, *tmp;

	if (kmcl_hv_aside_bus)
		bus_unregister_notifier(kmcl_hv_aside_bus, &kmcl_hv_aside_nb);
	list_for_each_entry_safe(aside, tmp, &kmcl_hv_asides, node) {
		list_del(&aside->node);
		kfree(aside);
	}
}
