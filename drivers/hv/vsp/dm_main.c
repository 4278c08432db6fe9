// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_dm: the module, its one endpoint, and the device that shows it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>

#include "dm.h"

static char *bus = "hv";
module_param(bus, charp, 0444);
MODULE_PARM_DESC(bus, "the bus on which the host is (hv); empty: no endpoint, for unit tests");

static struct vdm *vdm_endpoint;
static struct device *vdm_device;

/* The endpoint's own field; what was set before there is one waits here. */
static unsigned int delay_ms;

static int vdm_set_delay(const char *value, const struct kernel_param *param)
{
	int ret = param_set_uint(value, param);

	if (!ret && vdm_endpoint)
		WRITE_ONCE(vdm_endpoint->delay_ms, delay_ms);
	return ret;
}

static const struct kernel_param_ops vdm_delay_ops = {
	.set = vdm_set_delay,
	.get = param_get_uint,
};
module_param_cb(test_delay_ms, &vdm_delay_ops, &delay_ms, 0644);
MODULE_PARM_DESC(test_delay_ms,
		 "for tests: milliseconds before a message of the host is acted upon (0)");

/* A parameter may be written until the module is gone, and while it comes up. */
static void vdm_publish(struct vdm *dm)
{
	kernel_param_lock(THIS_MODULE);
	vdm_endpoint = dm;
	if (dm)
		dm->delay_ms = delay_ms;
	kernel_param_unlock(THIS_MODULE);
}

static int __init vdm_init(void)
{
	struct vdm *dm;
	int ret;

	if (!*bus)
		return 0;
	vdm_device = root_device_register("kmcl_dm");
	if (IS_ERR(vdm_device))
		return PTR_ERR(vdm_device);
	dm = vdm_create(vdm_device, bus);
	if (IS_ERR(dm)) {
		ret = PTR_ERR(dm);
		if (ret == -ENODEV)
			pr_err("there is no bus %s: load its transport, such as kmcl_hv, first\n",
			       bus);
		goto unregister;
	}
	vdm_publish(dm);
	dev_set_drvdata(vdm_device, dm);
	ret = sysfs_create_groups(&vdm_device->kobj, vdm_groups);
	if (ret)
		goto destroy;
	ret = vdm_enable(dm);
	if (ret)
		goto remove;
	return 0;

remove:
	sysfs_remove_groups(&vdm_device->kobj, vdm_groups);
destroy:
	vdm_publish(NULL);
	vdm_destroy(dm);
unregister:
	root_device_unregister(vdm_device);
	return ret;
}
module_init(vdm_init);

static void __exit vdm_exit(void)
{
	struct vdm *dm = vdm_endpoint;

	if (!dm)
		return;
	sysfs_remove_groups(&vdm_device->kobj, vdm_groups);
	vdm_publish(NULL);
	vdm_destroy(dm);
	root_device_unregister(vdm_device);
}
module_exit(vdm_exit);

MODULE_DESCRIPTION("Hyper-V dynamic memory over KMCL");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
MODULE_SOFTDEP("pre: kmcl_hv");
