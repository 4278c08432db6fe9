// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: its border. Every call that reaches the host, or the driver core
 * on the host's behalf, is here, and a test puts its own in their place.
 */
#include <asm/mshyperv.h>

#include "hv.h"

static int kmcl_hv_real_driver_register(struct hv_driver *driver)
{
	return vmbus_driver_register(driver);
}

static int kmcl_hv_real_try(struct device *device, void *driver)
{
	struct device_driver *drv = driver;

	/* The lock of one that has a driver may be held for as long as the host likes. */
	if (!READ_ONCE(device->driver) && drv->bus->match(device, drv) > 0 &&
	    device_driver_attach(drv, device) == -EPROBE_DEFER)
		dev_dbg(device, "not now\n");
	return 0;
}

/* As driver_attach(), which takes the lock of every device of the type */
static int kmcl_hv_real_driver_attach(struct hv_driver *driver)
{
	return bus_for_each_dev(driver->driver.bus, NULL, &driver->driver, kmcl_hv_real_try);
}

static void kmcl_hv_real_release(struct hv_device *device)
{
	device_release_driver(&device->device);
}

static int kmcl_hv_real_open(struct vmbus_channel *channel, u32 send_size, u32 receive_size,
			     void (*callback)(void *context), void *context)
{
	return vmbus_open(channel, send_size, receive_size, NULL, 0, callback, context);
}

static int kmcl_hv_real_mmio_allocate(struct hv_device *device, u64 size, u64 *address)
{
	struct resource *res;
	int ret;

	ret = vmbus_allocate_mmio(&res, device, 0, -1, size, SZ_1M, false);
	if (!ret)
		*address = res->start;
	return ret;
}

static void kmcl_hv_real_mmio_free(u64 address, u64 size)
{
	vmbus_free_mmio(address, size);
}

static const struct kmcl_hv_host kmcl_hv_real_host = {
	.driver_register = kmcl_hv_real_driver_register,
	.driver_unregister = vmbus_driver_unregister,
	.driver_attach = kmcl_hv_real_driver_attach,
	.release = kmcl_hv_real_release,
	.unregister = vmbus_device_unregister,
	.open = kmcl_hv_real_open,
	.close = vmbus_close,
	.gpadl_establish = vmbus_establish_gpadl,
	.gpadl_teardown = vmbus_teardown_gpadl,
	.mmio_allocate = kmcl_hv_real_mmio_allocate,
	.mmio_free = kmcl_hv_real_mmio_free,
};

const struct kmcl_hv_host *kmcl_hv_host = &kmcl_hv_real_host;

/* Is there a VMBus? A build for tests is loaded where there is none, too. */
bool kmcl_hv_host_present(void)
{
	return IS_ENABLED(CONFIG_KMCL_KUNIT) || hv_is_hyperv_initialized();
}

#if IS_ENABLED(CONFIG_KMCL_KUNIT)
/* Put a test's host in the place of the real one, or with NULL that one back. */
void kmcl_hv_host_set(const struct kmcl_hv_host *host)
{
	kmcl_hv_host = host ?: &kmcl_hv_real_host;
}
EXPORT_SYMBOL_NS_GPL(kmcl_hv_host_set, KMCL_NS);
#endif
