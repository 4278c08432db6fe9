// SPDX-License-Identifier: GPL-2.0
/*
 * KMCL, the VMBus Kernel Mode Client Library: the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init kmcl_init(void)
{
	int ret;

	ret = kmcl_receive_module_init();
	if (ret)
		return ret;
	ret = kmcl_life_module_init();
	if (ret)
		goto err_receive;
	ret = kmcl_sysfs_init();
	if (ret)
		goto err_life;
	ret = kmcl_store_init();
	if (ret)
		goto err_sysfs;
	ret = kmcl_reboot_init();
	if (ret)
		goto err_store;
	ret = kmcl_chardev_init();
	if (ret)
		goto err_reboot;
	return 0;

err_reboot:
	kmcl_reboot_exit();
err_store:
	kmcl_store_exit();
err_sysfs:
	kmcl_sysfs_exit();
err_life:
	kmcl_life_module_exit();
err_receive:
	kmcl_receive_module_exit();
	return ret;
}

static void __exit kmcl_exit(void)
{
	kmcl_chardev_exit();
	kmcl_reboot_exit();
	kmcl_store_exit();
	kmcl_sysfs_exit();
	kmcl_life_module_exit();
	kmcl_receive_module_exit();
	kmcl_cache_exit();
}

module_init(kmcl_init);
module_exit(kmcl_exit);

MODULE_DESCRIPTION("VMBus Kernel Mode Client Library");
MODULE_LICENSE("GPL");
