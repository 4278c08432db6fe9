// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the next kernel, and what the kernel's refusals mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "kexec.h"
#include "kmclctl.h"
#include "signals.h"

/* Read the start of a small file into @text; false if there is none. */
static bool read_small(const char *name, char *text, size_t size)
{
	ssize_t got = -1;
	char *path;
	int fd;

	if (asprintf(&path, "%s%s", kernel_root(), name) < 0)
		abort();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd >= 0) {
		got = read(fd, text, size - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
	return got >= 0;
}

/* What can be known without loading anything. */
int kexec_check(bool replace)
{
	char text[128];

	if (!kernel_is_root())
		return fail(EXIT_UNREACHABLE, "Run it as root, or with sudo",
			    "only root may replace the kernel");
	if (!read_small("/sys/kernel/kexec_loaded", text, sizeof(text)))
		return fail(EXIT_KEXEC, "It needs CONFIG_KEXEC_FILE, and /sys mounted",
			    "this kernel cannot kexec: there is no /sys/kernel/kexec_loaded");
	if (text[0] == '1' && !replace)
		return fail(EXIT_KEXEC, "Unload it (kexec -u), or say --replace",
			    "a kernel is loaded for kexec already");
	if (read_small("/proc/sys/kernel/kexec_load_disabled", text, sizeof(text)) &&
	    text[0] == '1')
		return fail(EXIT_KEXEC, "It stays so until the next reboot; see what sets "
			    "kernel.kexec_load_disabled",
			    "loading a kernel was disabled (kernel.kexec_load_disabled=1)");
	return EXIT_DONE;
}

static bool locked_down(void)
{
	char text[128];

	return read_small("/sys/kernel/security/lockdown", text, sizeof(text)) &&
		!strstr(text, "[none]");
}

static int explain(const char *path, size_t cmdline_length)
{
	static const char sign[] = "Take a kernel that is signed by a key this one trusts "
				   "(the distribution's own), or turn Secure Boot off";

	switch (errno) {
	case EINTR:
		if (!signals_exit_code())
			break;
		return fail(signals_exit_code(), NULL, "interrupted");
	case ENOSYS:
		return fail(EXIT_KEXEC, "It needs a kernel with CONFIG_KEXEC_FILE",
			    "this kernel has no kexec_file_load");
	case EPERM:
	case EACCES:
		if (locked_down())
			return fail(EXIT_KEXEC, sign,
				    "the kernel refuses %s: it is locked down and the image is not signed",
				    path);
		return fail(EXIT_KEXEC, "It needs CAP_SYS_BOOT, and kernel.kexec_load_disabled=0",
			    "not allowed to load a kernel");
	case EKEYREJECTED:
	case ENOKEY:
	case ENODATA:
	case EBADMSG:
	case ENOPKG:
		return fail(EXIT_KEXEC, sign, "the kernel refuses the signature of %s: %s",
			    path, strerror(errno));
	case ENOEXEC:
		return fail(EXIT_KEXEC, "On x86 it must be a bzImage, as /boot/vmlinuz-* are",
			    "%s is no kernel that can be loaded", path);
	case EBUSY:
		return fail(EXIT_BUSY, "Try again once it is done",
			    "somebody else is loading a kernel");
	case ENOMEM:
	case EADDRNOTAVAIL:
		return fail(EXIT_KEXEC, "Free memory, or take a smaller initrd",
			    "no memory for the next kernel");
	case EINVAL:
		if (cmdline_length > 2047)
			return fail(EXIT_KEXEC, "Shorten it with --append",
				    "the command line is too long: %zu bytes", cmdline_length);
		break;
	}
	return fail(EXIT_KEXEC, "The kernel's log may say more: dmesg",
		    "cannot load %s: %s", path, strerror(errno));
}

int kexec_load(const struct memfd *kernel, const char *kernel_path,
	       const struct memfd *initrd, const char *cmdline)
{
	if (kernel_kexec_file_load(kernel->fd, initrd->fd, strlen(cmdline) + 1, cmdline, 0))
		return explain(kernel_path, strlen(cmdline));
	return EXIT_DONE;
}

void kexec_unload(void)
{
	if (kernel_kexec_file_load(-1, -1, 0, NULL, KEXEC_FILE_UNLOAD))
		say("cannot unload the next kernel (%s); do it by hand: kexec -u",
		    strerror(errno));
}
