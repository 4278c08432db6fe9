// SPDX-License-Identifier: GPL-2.0
/*
 * One bug of each kind that the sanitised kernel is there to find. A test run
 * loads this first, one bug a load, and believes in the silence of its own
 * tests only when each of these was reported.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *bug = "";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "which one: uaf, leak, inversion or sleep");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(atomic);

static noinline void plant_use_after_free(void)
{
	char *victim = kmalloc(64, GFP_KERNEL);

	if (!victim)
		return;
	OPTIMIZER_HIDE_VAR(victim);
	kfree(victim);
	WRITE_ONCE(victim[8], 'x');
}

static noinline void plant_leak(void)
{
	char *lost = kmalloc(96, GFP_KERNEL);

	if (lost)
		memset(lost, 'x', 96);
	OPTIMIZER_HIDE_VAR(lost);
}

static noinline void plant_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline void plant_sleep_in_atomic(void)
{
	spin_lock(&atomic);
	mutex_lock(&first);
	mutex_unlock(&first);
	spin_unlock(&atomic);
}

static int __init plant_init(void)
{
	if (!strcmp(bug, "uaf"))
		plant_use_after_free();
	else if (!strcmp(bug, "leak"))
		plant_leak();
	else if (!strcmp(bug, "inversion"))
		plant_inversion();
	else if (!strcmp(bug, "sleep"))
		plant_sleep_in_atomic();
	else
		return -EINVAL;
	return 0;
}
module_init(plant_init);

static void __exit plant_exit(void)
{
}
module_exit(plant_exit);

MODULE_DESCRIPTION("Bugs that the sanitised kernel must report");
MODULE_LICENSE("GPL");
