// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: interface types. hv_vmbus gives devices to drivers by type, so
 * there is a driver for each type that an end waits for, as long as there is an
 * end; probe() looks for the one that wants this very instance.
 *
 * Registering, looking again and unregistering take the locks of devices, which
 * somebody may hold who waits for the host. The type's work does all three.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "hv.h"

static LIST_HEAD(kmcl_hv_types);

static struct kmcl_hv_type *kmcl_hv_type_of(struct hv_device *device)
{
	struct hv_driver *driver = container_of(device->device.driver, struct hv_driver, driver);

	return container_of(driver, struct kmcl_hv_type, driver);
}

static int kmcl_hv_probe(struct hv_device *device, const struct hv_vmbus_device_id *id)
{
	struct kmcl_hv_type *type = kmcl_hv_type_of(device);

	if (type->looking == current && kmcl_hv_aside_has(device))
		return -ENODEV;
	return kmcl_hv_end_bind(type, device);
}

static KMCL_HV_REMOVE_RET kmcl_hv_remove(struct hv_device *device)
{
	kmcl_hv_end_unbind(device);
	return (KMCL_HV_REMOVE_RET)0;
}

/* Nobody of this type can be served. */
static void kmcl_hv_type_fail(struct kmcl_hv_type *type, int error)
{
	struct kmcl_hv_end *end;

	lockdep_assert_held(&kmcl_hv_lock);
	pr_err("no driver for interface type %pUl: error %d\n", &type->guid, error);
	list_for_each_entry(end, &type->ends, node) {
		end->error = error;
		kmcl_hv_end_kick(end);
	}
}

static bool kmcl_hv_type_waits(const struct kmcl_hv_type *type)
{
	const struct kmcl_hv_end *end;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(end, &type->ends, node)
		if (end->state == KMCL_HV_WAITING)
			return true;
	return false;
}

static void kmcl_hv_type_work(struct work_struct *work)
{
	struct kmcl_hv_type *type = container_of(work, struct kmcl_hv_type, work);
	int ret;

	type->looking = current;
	spin_lock(&kmcl_hv_lock);
	if (!list_empty(&type->ends) && !type->registered) {
		spin_unlock(&kmcl_hv_lock);
		ret = kmcl_hv_host->driver_register(&type->driver);
		spin_lock(&kmcl_hv_lock);
		type->registered = !ret;
		if (ret)
			kmcl_hv_type_fail(type, ret);
	} else if (kmcl_hv_type_waits(type)) {
		spin_unlock(&kmcl_hv_lock);
		ret = kmcl_hv_host->driver_attach(&type->driver);
		spin_lock(&kmcl_hv_lock);
	}
	type->looking = NULL;
	while (list_empty(&type->ends) && type->registered) {
		type->registered = false;
		spin_unlock(&kmcl_hv_lock);
		kmcl_hv_host->driver_unregister(&type->driver);
		spin_lock(&kmcl_hv_lock);
	}
	/* Who comes while this runs has the work queued again. */
	if (list_empty(&type->ends) && !work_pending(&type->work)) {
		list_del(&type->node);
		kfree(type);
		wake_up_var(&kmcl_hv_types);
	}
	spin_unlock(&kmcl_hv_lock);
}

static struct kmcl_hv_type *kmcl_hv_type_new(const guid_t *guid)
{
	struct kmcl_hv_type *type = kzalloc(sizeof(*type), GFP_KERNEL);

	if (!type)
		return NULL;
	INIT_LIST_HEAD(&type->ends);
	INIT_WORK(&type->work, kmcl_hv_type_work);
	guid_copy(&type->guid, guid);
	guid_copy(&type->ids[0].guid, guid);
	snprintf(type->name, sizeof(type->name), "kmcl-%pUl", guid);
	type->driver.name = type->name;
	type->driver.id_table = type->ids;
	type->driver.probe = kmcl_hv_probe;
	type->driver.remove = kmcl_hv_remove;
	type->driver.suspend = kmcl_hv_end_suspend;
	type->driver.resume = kmcl_hv_end_resume;
	return type;
}

static struct kmcl_hv_type *kmcl_hv_type_find(const guid_t *guid)
{
	struct kmcl_hv_type *type;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(type, &kmcl_hv_types, node)
		if (guid_equal(&type->guid, guid))
			return type;
	return NULL;
}

/* An end waits for devices of its type from now on. -ENOMEM. */
int kmcl_hv_type_join(struct kmcl_hv_end *end)
{
	struct kmcl_hv_type *fresh = kmcl_hv_type_new(&end->params.type), *type;

	if (!fresh)
		return -ENOMEM;
	spin_lock(&kmcl_hv_lock);
	type = kmcl_hv_type_find(&end->params.type);
	if (!type) {
		type = fresh;
		fresh = NULL;
		list_add_tail(&type->node, &kmcl_hv_types);
	}
	end->type = type;
	list_add_tail(&end->node, &type->ends);
	queue_work(kmcl_hv_wq, &type->work);
	spin_unlock(&kmcl_hv_lock);
	kfree(fresh);
	return 0;
}

/* And no more. The driver goes with the last one. */
void kmcl_hv_type_leave(struct kmcl_hv_end *end)
{
	lockdep_assert_held(&kmcl_hv_lock);
	list_del_init(&end->node);
	queue_work(kmcl_hv_wq, &end->type->work);
	end->type = NULL;
}

/* Is there a free device that an end would take by now? */
void kmcl_hv_type_look(struct kmcl_hv_type *type)
{
	lockdep_assert_held(&kmcl_hv_lock);
	queue_work(kmcl_hv_wq, &type->work);
}

/* The end that a device is bound to, its primary channel's, or NULL. */
struct kmcl_hv_end *kmcl_hv_type_end_of(const struct hv_device *device)
{
	struct kmcl_hv_type *type;
	struct kmcl_hv_end *end;

	lockdep_assert_held(&kmcl_hv_lock);
	list_for_each_entry(type, &kmcl_hv_types, node)
		list_for_each_entry(end, &type->ends, node)
			if (end->device == device && !end->params.subchannel)
				return end;
	return NULL;
}

static bool kmcl_hv_types_gone(void)
{
	bool ret;

	spin_lock(&kmcl_hv_lock);
	ret = list_empty(&kmcl_hv_types);
	spin_unlock(&kmcl_hv_lock);
	return ret;
}

/* At the end of the module: ends that were let go of are waited for, and drivers. */
void kmcl_hv_type_exit(void)
{
	wait_var_event(&kmcl_hv_types, kmcl_hv_types_gone());
}
