/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The seam to the kernel: each call that changes or asks the running kernel.
 * The tests link test/fake_kernel.c in its place.
 */
#ifndef KMCLCTL_KERNEL_H
#define KMCLCTL_KERNEL_H

#include <stdbool.h>
#include <sys/types.h>

const char *kernel_root(void);	/* goes before /sys, /proc and /run */
bool kernel_is_root(void);
int kernel_open_kmcl(void);
ssize_t kernel_read_kmcl(int fd, void *to, size_t size);
void kernel_close_kmcl(int fd);
int kernel_ioctl(int fd, unsigned long request, void *argument);
int kernel_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len,
			   const char *cmdline, unsigned long flags);
int kernel_reboot_kexec(void);

#endif
