/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the hv_vmbus of the kernels this is built for, and
 * nothing else.
 */
#ifndef _KMCL_HV_COMPAT_H
#define _KMCL_HV_COMPAT_H

#include <linux/hyperv.h>
#include <linux/mmzone.h>
#include <linux/version.h>

/* hv_driver.remove returned a number, which nobody looked at, until 6.3. */
#define KMCL_HV_REMOVE_RET	typeof(((struct hv_driver *)NULL)->remove(NULL))

/* The largest order of an allocation, which MAX_ORDER was one above until 6.4. */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER		(MAX_ORDER - 1)
#else
#define MAX_PAGE_ORDER		MAX_ORDER
#endif
#endif

/* Exported, as chn_rescind_callback's counterpart, but in no public header. */
void vmbus_device_unregister(struct hv_device *device_obj);

#endif /* _KMCL_HV_COMPAT_H */
