// SPDX-License-Identifier: GPL-2.0
/*
 * Buses: the instances of transports, found by name.
 *
 * kmcl_buses_mutex protects the list and vmb_bus.dead. It is taken with no
 * other lock held and takes none.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"

static DEFINE_MUTEX(kmcl_buses_mutex);
static LIST_HEAD(kmcl_buses);

static void kmcl_bus_release(struct kref *ref)
{
	kfree(container_of(ref, struct vmb_bus, ref));
}

static struct vmb_bus *kmcl_bus_find(const char *name)
{
	struct vmb_bus *bus;

	lockdep_assert_held(&kmcl_buses_mutex);
	list_for_each_entry(bus, &kmcl_buses, node)
		if (!strcmp(bus->name, name))
			return bus;
	return NULL;
}

/**
 * kmcl_bus_register() - a transport has a bus
 * @name: under which consumers find it, 1 to 31 characters
 * @id: its persistent id: the same after a reboot or kexec
 * @ops: operations
 * @priv: the transport's own
 *
 * Context: process context.
 * Return: the bus, to be given to kmcl_bus_unregister(); ERR_PTR(-EINVAL) where
 * an operation is missing that @ops->caps calls for or @name will not do,
 * ERR_PTR(-EEXIST) where the name is taken, ERR_PTR(-ENOMEM).
 */
struct vmb_bus *kmcl_bus_register(const char *name, const guid_t *id,
				  const struct kmcl_transport_ops *ops, void *priv)
{
	struct vmb_bus *bus;

	if (!ops->attach || !ops->detach || !ops->open_done || !ops->close || !ops->closed ||
	    !ops->rx_peek || !ops->rx_copy || !ops->rx_advance || !ops->rx_commit ||
	    !ops->rx_mask || !ops->rx_unmask || !ops->tx_write || !ops->tx_commit ||
	    !ops->tx_want || !ops->tx_limit || !ops->fault || !*name ||
	    strlen(name) >= sizeof(bus->name))
		return ERR_PTR(-EINVAL);
	if ((ops->caps & KMCL_CAP_EXTERNAL) &&
	    (!ops->ext_reserve || !ops->ext_release || !ops->ext_map || !ops->ext_unmap ||
	     !ops->gpa_get || !ops->gpa_put))
		return ERR_PTR(-EINVAL);
	if ((ops->caps & KMCL_CAP_GPADL) &&
	    (!ops->gpadl_create || !ops->gpadl_delete || !ops->gpadl_abort ||
	     !ops->gpadl_map || !ops->gpadl_unmap))
		return ERR_PTR(-EINVAL);
	if ((ops->caps & KMCL_CAP_KEEP) && (ops->caps & KMCL_CAP_EXTERNAL) && !ops->ext_adopt)
		return ERR_PTR(-EINVAL);
	if ((ops->caps & KMCL_CAP_KEEP) &&
	    (!ops->park || !ops->bus_freeze || !ops->bus_thaw || !ops->bus_save_begin ||
	     !ops->bus_save_read || !ops->bus_save_end || !ops->bus_restore_begin ||
	     !ops->bus_restore_write || !ops->bus_restore_end))
		return ERR_PTR(-EINVAL);

	bus = kzalloc(sizeof(*bus), GFP_KERNEL);
	if (!bus)
		return ERR_PTR(-ENOMEM);
	kref_init(&bus->ref);
	bus->ops = ops;
	bus->priv = priv;
	guid_copy(&bus->id, id);
	strscpy(bus->name, name, sizeof(bus->name));

	mutex_lock(&kmcl_buses_mutex);
	if (kmcl_bus_find(name)) {
		mutex_unlock(&kmcl_buses_mutex);
		kfree(bus);
		return ERR_PTR(-EEXIST);
	}
	list_add_tail(&bus->node, &kmcl_buses);
	mutex_unlock(&kmcl_buses_mutex);
	return bus;
}
EXPORT_SYMBOL_NS_GPL(kmcl_bus_register, KMCL_NS);

/**
 * kmcl_bus_unregister() - a transport's bus goes away
 * @bus: from kmcl_bus_register()
 *
 * No channel may be attached to it: consumers hold a reference on the
 * transport's module, so that its exit is the right place.
 * Context: process context.
 */
void kmcl_bus_unregister(struct vmb_bus *bus)
{
	mutex_lock(&kmcl_buses_mutex);
	WRITE_ONCE(bus->dead, true);
	list_del(&bus->node);
	mutex_unlock(&kmcl_buses_mutex);
	kref_put(&bus->ref, kmcl_bus_release);
}
EXPORT_SYMBOL_NS_GPL(kmcl_bus_unregister, KMCL_NS);

/**
 * kmcl_bus_priv() - what the transport registered with its bus
 * @bus: which
 *
 * Context: any context. Return: the pointer.
 */
void *kmcl_bus_priv(struct vmb_bus *bus)
{
	return bus->priv;
}
EXPORT_SYMBOL_NS_GPL(kmcl_bus_priv, KMCL_NS);

/* One more user of a bus that @bus's caller has: keeps it and its module. */
int kmcl_bus_hold(struct vmb_bus *bus)
{
	if (READ_ONCE(bus->dead) || !try_module_get(bus->ops->owner))
		return -ENODEV;
	kref_get(&bus->ref);
	return 0;
}

/**
 * kmcl_bus_get() - find a bus
 * @name: of its transport, such as "loopback" or "hv"
 *
 * Windows: opening the VMBus handle of a partition.
 * Context: process context.
 * Return: the bus, to be given back with kmcl_bus_put(); ERR_PTR(-ENODEV)
 * where there is none of that name.
 */
struct vmb_bus *kmcl_bus_get(const char *name)
{
	struct vmb_bus *bus;

	mutex_lock(&kmcl_buses_mutex);
	bus = kmcl_bus_find(name);
	if (!bus || kmcl_bus_hold(bus))
		bus = ERR_PTR(-ENODEV);
	mutex_unlock(&kmcl_buses_mutex);
	return bus;
}
EXPORT_SYMBOL_NS_GPL(kmcl_bus_get, KMCL_NS);

/**
 * kmcl_bus_put() - give a bus back
 * @bus: from kmcl_bus_get(), or NULL
 *
 * Context: process context. Windows: closing the VMBus handle.
 */
void kmcl_bus_put(struct vmb_bus *bus)
{
	struct module *owner;

	if (IS_ERR_OR_NULL(bus))
		return;
	owner = bus->ops->owner;
	kref_put(&bus->ref, kmcl_bus_release);
	module_put(owner);
}
EXPORT_SYMBOL_NS_GPL(kmcl_bus_put, KMCL_NS);

/* The bus after @prev, held; gives @prev back. NULL at the end. */
struct vmb_bus *kmcl_bus_next(struct vmb_bus *prev)
{
	struct vmb_bus *bus, *next = NULL;

	mutex_lock(&kmcl_buses_mutex);
	bus = prev && !prev->dead ? list_next_entry(prev, node) :
		list_first_entry(&kmcl_buses, struct vmb_bus, node);
	if (prev && prev->dead)
		bus = list_entry(&kmcl_buses, struct vmb_bus, node);
	list_for_each_entry_from(bus, &kmcl_buses, node) {
		if (!kmcl_bus_hold(bus)) {
			next = bus;
			break;
		}
	}
	mutex_unlock(&kmcl_buses_mutex);
	kmcl_bus_put(prev);
	return next;
}

/**
 * vmb_convert_vmbus_handle_to_kernel_handle() - a bus from what user space
 *	opened
 * @fd: file descriptor
 *
 * Windows: VmbConvertVmbusHandleToKernelHandle, by which a virtual machine
 * monitor hands its VMBus to a VSP in the kernel. No transport of this version
 * has a file descriptor.
 * Context: process context.
 * Return: ERR_PTR(-EOPNOTSUPP).
 */
struct vmb_bus *vmb_convert_vmbus_handle_to_kernel_handle(int fd)
{
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL_NS_GPL(vmb_convert_vmbus_handle_to_kernel_handle, KMCL_NS);
