/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this is built for, and nothing else.
 */
#ifndef _KMCL_COMPAT_H
#define _KMCL_COMPAT_H

#include <linux/version.h>

#include <linux/crc32.h>

/*
 * Before 6.14 crc32c() was libcrc32c's, a module of its own over the crypto API; in
 * 6.14 it is in a header of its own.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline u32 crc32c(u32 crc, const void *data, size_t length)
{
	return __crc32c_le(crc, data, length);
}
#endif

#endif /* _KMCL_COMPAT_H */
