// SPDX-License-Identifier: GPL-2.0
/*
 * Carries the ledger of the load to a serial line.
 *
 *   relay LEDGER TTY           copies until the ledger ends
 *   relay --drain STATUS TTY   returns once all that the ledger holds has left
 *                              the machine, while another relay copies it
 *
 * The ledger counts what it gave out as pending until it is read again, so
 * what is no longer pending was written to the line; tcdrain() does the rest.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int open_line(const char *path)
{
	struct termios raw;
	int fd = open(path, O_WRONLY | O_NOCTTY);

	if (fd < 0)
		err(1, "%s", path);
	if (!tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		raw.c_cflag |= CLOCAL;
		raw.c_cflag &= ~CRTSCTS;
		cfsetspeed(&raw, B115200);
		if (tcsetattr(fd, TCSANOW, &raw))
			err(1, "%s", path);
	}
	return fd;
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err(1, "write");
		bytes += n;
		size -= n;
	}
}

static int copy(const char *from, const char *to)
{
	static char buffer[65536];
	int in = open(from, O_RDONLY), out = open_line(to);

	if (in < 0)
		err(1, "%s", from);
	for (;;) {
		ssize_t n = read(in, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err(1, "%s", from);
		if (!n)
			return 0;
		write_all(out, buffer, n);
	}
}

static unsigned long long pending(const char *path)
{
	unsigned long long bytes;
	char text[256] = "";
	const char *at;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		err(1, "%s", path);
	close(fd);
	at = strstr(text, "pending=");
	if (!at || sscanf(at, "pending=%llu", &bytes) != 1)
		errx(1, "%s: does not say what is pending", path);
	return bytes;
}

static int drain(const char *status, const char *to)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	int out = open_line(to);

	while (pending(status))
		nanosleep(&pause, NULL);
	write_all(out, "# drained\n", 10);
	if (tcdrain(out))
		err(1, "%s", to);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--drain"))
		return drain(argv[2], argv[3]);
	if (argc == 3)
		return copy(argv[1], argv[2]);
	errx(2, "usage: relay LEDGER TTY | relay --drain STATUS TTY");
}
