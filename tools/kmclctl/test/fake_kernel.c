// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel for the tests. Takes its orders from the environment:
 *
 *   KMCLCTL_ROOT     goes before /sys, /proc and /run
 *   FAKE_DEV         file that stands for /dev/kmcl; none: not loaded
 *   FAKE_LOG         file that gets a line for each call
 *   FAKE_DIR         folder that gets the loaded kernels and initrds
 *   FAKE_FAIL        "step=errno": that step fails; "step=INT" is interrupted
 *   FAKE_REASON      "channel=text": who refused, and why
 *   FAKE_NOT_ROOT    set: the caller is not root
 *   FAKE_KEXEC       "real": the system calls of kexec are the real ones
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/kmcl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"

static int loads;

static void note(const char *what)
{
	const char *path = getenv("FAKE_LOG");
	FILE *log = path ? fopen(path, "ae") : NULL;

	if (!log)
		return;
	fprintf(log, "%s\n", what);
	fclose(log);
}

/* Note the step; fail it if asked to. */
static int step(const char *name)
{
	const char *fail = getenv("FAKE_FAIL");
	size_t n = strlen(name);

	note(name);
	if (!fail || strncmp(fail, name, n) || fail[n] != '=')
		return 0;
	if (!strcmp(fail + n + 1, "INT")) {
		raise(SIGINT);
		errno = EINTR;
	} else {
		errno = atoi(fail + n + 1);
	}
	return -1;
}

const char *kernel_root(void)
{
	const char *root = getenv("KMCLCTL_ROOT");

	return root ? root : "";
}

bool kernel_is_root(void)
{
	return !getenv("FAKE_NOT_ROOT");
}

int kernel_open_kmcl(void)
{
	const char *path = getenv("FAKE_DEV");

	if (step("open"))
		return -1;
	if (!path) {
		errno = ENOENT;
		return -1;
	}
	return open(path, O_RDWR | O_CLOEXEC);
}

ssize_t kernel_read_kmcl(int fd, void *to, size_t size)
{
	const char *fail = getenv("FAKE_FAIL");

	if (fail && !strncmp(fail, "read=", 5))
		return step("read");
	return read(fd, to, size);
}

void kernel_close_kmcl(int fd)
{
	note("close");
	close(fd);
}

int kernel_ioctl(int fd, unsigned long request, void *argument)
{
	struct kmcl_session_info *info = argument;
	struct kmcl_restore *restore = argument;
	struct kmcl_freeze *freeze = argument;
	struct kmcl_reason *reason = argument;
	struct kmcl_drop *drop = argument;
	const char *text;

	(void)fd;
	switch (request) {
	case KMCL_IOC_FREEZE:
		if (step(freeze->flags & KMCL_FREEZE_HANDOVER ? "freeze" : "hold"))
			return -1;
		freeze->channels = 2;
		return 0;
	case KMCL_IOC_COMMIT:
		return step("commit");
	case KMCL_IOC_RESTORE:
		return step("restore");
	case KMCL_IOC_RESTORE_END:
		if (step("restore_end"))
			return -1;
		restore->channels = 2;
		restore->buses = 1;
		return 0;
	case KMCL_IOC_DROP:
		if (step("drop"))
			return -1;
		drop->dropped = 3;
		return 0;
	case KMCL_IOC_REASON:
		text = getenv("FAKE_REASON");
		if (step("reason"))
			return -1;
		if (text && strchr(text, '=')) {
			memcpy(reason->channel, text, strcspn(text, "="));
			strncpy((char *)reason->text, strchr(text, '=') + 1,
				sizeof(reason->text) - 1);
		}
		return 0;
	case KMCL_IOC_INFO:
		if (step("info"))
			return -1;
		info->channels = 2;
		info->buses = 1;
		info->freeze_ns = 1500000;
		info->save_ns = 250000;
		info->restore_ns = 350000;
		info->sent = 11;
		info->queued = 12;
		info->received = 13;
		info->taken = 14;
		info->completions = 15;
		info->unread_server = 16;
		info->unread_client = 17;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static void keep(const char *what, int fd)
{
	const char *dir = getenv("FAKE_DIR");
	char path[512], buffer[65536];
	ssize_t got;
	off_t at = 0;
	FILE *out;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s.%d", dir, what, loads);
	out = fopen(path, "we");
	while ((got = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		fwrite(buffer, got, 1, out);
		at += got;
	}
	fclose(out);
}

int kernel_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long cmdline_len,
			   const char *cmdline, unsigned long flags)
{
	const char *kexec = getenv("FAKE_KEXEC");
	char name[32];

	if (kexec && !strcmp(kexec, "real"))
		return syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, cmdline_len, cmdline,
			       flags);
	if (flags & KEXEC_FILE_UNLOAD)
		return step("unload");
	snprintf(name, sizeof(name), "load%d", ++loads);
	keep("kernel", kernel_fd);
	keep("initrd", initrd_fd);
	if (step(name))
		return -1;
	if (cmdline[cmdline_len - 1])
		abort();
	note(cmdline);
	return 0;
}

int kernel_reboot_kexec(void)
{
	const char *kexec = getenv("FAKE_KEXEC");

	if (kexec && !strcmp(kexec, "real"))
		return syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			       LINUX_REBOOT_CMD_KEXEC, NULL);
	if (step("reboot"))
		return -1;
	_exit(0);	/* it does not come back */
}
