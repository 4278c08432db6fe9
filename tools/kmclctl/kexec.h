/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_KEXEC_H
#define KMCLCTL_KEXEC_H

#include <stdbool.h>

#include "memfd.h"

/* All return an exit code, having said what is wrong and what to do. */
int kexec_check(bool replace);
int kexec_load(const struct memfd *kernel, const char *kernel_path,
	       const struct memfd *initrd, const char *cmdline);
void kexec_unload(void);

#endif
