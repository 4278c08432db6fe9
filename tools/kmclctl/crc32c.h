/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_CRC32C_H
#define KMCLCTL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with ~0, feed all pieces, invert at the end. */
uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t size);

#endif
