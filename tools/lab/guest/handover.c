// SPDX-License-Identifier: GPL-2.0
/*
 * A handover without a kexec: freeze, save into a file, commit.
 *
 *   handover FILE [EDIT-COMMAND]
 *
 * For User-Mode Linux, where FILE is given to a second boot, and for a new
 * module in the same kernel. Prints what it saved in the words of kmclctl
 * live-update --json. EDIT-COMMAND gets the file as its argument and may change
 * it before the commit.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t copy(int from, int to)
{
	static char buffer[1 << 20];
	uint64_t bytes = 0;
	ssize_t n, done;

	while ((n = read(from, buffer, sizeof(buffer))) > 0) {
		for (done = 0; done < n;) {
			ssize_t part = write(to, buffer + done, n - done);

			if (part < 0)
				err(1, "writing");
			done += part;
		}
		bytes += n;
	}
	if (n < 0)
		err(1, "reading");
	return bytes;
}

int main(int argc, char **argv)
{
	struct kmcl_freeze freeze = { .size = sizeof(freeze) };
	struct kmcl_commit commit = { .size = sizeof(commit) };
	struct kmcl_session_info info = { .size = sizeof(info) };
	uint64_t start, frozen, saved, bytes;
	char command[4096];
	int kmcl, out;

	if (argc < 2 || argc > 3)
		errx(2, "usage: handover FILE [EDIT-COMMAND]");
	out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0)
		err(1, "%s", argv[1]);
	kmcl = open("/dev/kmcl", O_RDWR);
	if (kmcl < 0)
		err(1, "/dev/kmcl");
	start = now();
	if (ioctl(kmcl, KMCL_IOC_FREEZE, &freeze))
		err(1, "freeze");
	frozen = now();
	bytes = copy(kmcl, out);
	saved = now();
	if (ioctl(kmcl, KMCL_IOC_INFO, &info))
		err(1, "info");
	if (close(out))
		err(1, "%s", argv[1]);
	if (argc == 3) {
		snprintf(command, sizeof(command), "%s %s", argv[2], argv[1]);
		if (system(command))
			errx(1, "%s failed", argv[2]);
	}
	if (ioctl(kmcl, KMCL_IOC_COMMIT, &commit))
		err(1, "commit");
	printf("{\"channels\": %u, \"bytes\": %llu, \"times_ns\": {\"freeze\": %llu, \"save\": %llu}, ",
	       info.channels, (unsigned long long)bytes, (unsigned long long)(frozen - start),
	       (unsigned long long)(saved - frozen));
	printf("\"packets\": {\"sent\": %llu, \"queued\": %llu, \"received\": %llu, \"taken\": %llu, ",
	       (unsigned long long)info.sent, (unsigned long long)info.queued,
	       (unsigned long long)info.received, (unsigned long long)info.taken);
	printf("\"completions\": %llu, \"unread_server\": %llu, \"unread_client\": %llu, \"total\": %llu}}\n",
	       (unsigned long long)info.completions, (unsigned long long)info.unread_server,
	       (unsigned long long)info.unread_client,
	       (unsigned long long)(info.sent + info.queued + info.received + info.taken +
				    info.completions + info.unread_server + info.unread_client));
	return 0;
}
