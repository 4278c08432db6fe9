/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_CPIO_H
#define KMCLCTL_CPIO_H

#include "memfd.h"

/*
 * Append to an initrd, compressed or not, an archive of its own that holds
 * @bytes as /kmcl/stream. Returns an exit code.
 */
int cpio_append_stream(struct memfd *initrd, const void *bytes, size_t size);

#endif
