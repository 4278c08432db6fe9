// SPDX-License-Identifier: GPL-2.0
/*
 * The running kernel, as it is.
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"

const char *kernel_root(void)
{
	return "";
}

bool kernel_is_root(void)
{
	return geteuid() == 0;
}

int kernel_open_kmcl(void)
{
	return open("/dev/kmcl", O_RDWR | O_CLOEXEC);
}

ssize_t kernel_read_kmcl(int fd, void *to, size_t size)
{
	return read(fd, to, size);
}

void kernel_close_kmcl(int fd)
{
	close(fd);
}

int kernel_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument);
}

int kernel_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len,
			   const char *cmdline, unsigned long flags)
{
	return syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, cmdline_len, cmdline, flags);
}

int kernel_reboot_kexec(void)
{
	return syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		       LINUX_REBOOT_CMD_KEXEC, NULL);
}
