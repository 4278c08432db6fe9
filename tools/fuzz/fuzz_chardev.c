// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile user of /dev/kmcl: first one that is not root, which gets nothing;
 * then root, who gives random ioctls, sizes, flags, pointers, orders and streams,
 * in several processes at a time that are also killed at random moments.
 *
 * Usage: fuzz-chardev SEED ROUNDS [commit]
 *
 * Everything follows from SEED, but for how the processes interleave. Without
 * "commit" no set is read to its end and committed: channels that run meanwhile
 * go on. Exit status 0: whoever should be refused was, and the device still
 * freezes, saves and thaws in the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kmcl.h>

#include "crc32c.h"

#define DEVICE		"/dev/kmcl"
#define PROCESSES	4
#define FILES		3
#define OPERATIONS	60	/* of one process in one round */
#define SET_MAX		(64U << 20)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static uint64_t state;
static bool may_commit;
static uint8_t *base;		/* a good set, as it was when this began */
static size_t base_size;
static uint8_t *edge;		/* the last bytes before memory that is not there */

static uint32_t draw(uint32_t below)
{
	/* xorshift64* */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static bool once_in(uint32_t n)
{
	return !draw(n);
}

static void die(const char *what)
{
	printf("fuzz-chardev: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int freeze(int fd, uint32_t ms)
{
	struct kmcl_freeze freeze = { .size = sizeof(freeze), .deadline_ms = ms };

	return ioctl(fd, KMCL_IOC_FREEZE, &freeze);
}

/* Freeze, read all, thaw by closing. False: the freeze did not come about. */
static bool read_set(bool keep)
{
	static uint8_t piece[65536];
	int fd = open(DEVICE, O_RDWR);
	ssize_t n;

	if (fd < 0)
		die("open as root");
	if (freeze(fd, 5000)) {
		close(fd);
		return false;
	}
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		if (!keep)
			continue;
		if (base_size + n > SET_MAX)
			die("the set is too large");
		memcpy(base + base_size, piece, n);
		base_size += n;
	}
	if (n < 0)
		die("reading a set");
	close(fd);
	return true;
}

/* Some answers, such as a deadline that passed, are the load's: try again. */
static void read_set_surely(bool keep)
{
	for (int i = 0; i < 50; i++) {
		if (read_set(keep))
			return;
		if (errno != ETIMEDOUT && errno != EBUSY)
			break;
		usleep(200000);
	}
	die("cannot freeze");
}

/* Not even where the file's mode lets it in */
static void refuse_user(void)
{
	pid_t child;
	int status;

	if (chmod(DEVICE, 0666))
		die("chmod");
	child = fork();
	if (!child) {
		if (setgid(1000) || setuid(1000))
			_exit(2);
		_exit(open(DEVICE, O_RDWR) >= 0 || errno != EPERM);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("who is not root gets in");
	if (chmod(DEVICE, 0600))
		die("chmod");
}

/* Memory for an argument: good, at the edge, none, the kernel's, unaligned */
static void *pointer(void *good)
{
	switch (draw(12)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(~0UL << 40 | draw(1 << 30));
	case 2:
		return edge - draw(64);
	case 3:
		return (uint8_t *)good + 1 + draw(7);
	case 4:
		return (void *)refuse_user;
	default:
		return good;
	}
}

static void fill(uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = once_in(3) ? draw(256) : 0;
}

static void any_ioctl(int fd)
{
	static const unsigned long known[] = {
		KMCL_IOC_FREEZE, KMCL_IOC_COMMIT, KMCL_IOC_RESTORE, KMCL_IOC_RESTORE_END,
		KMCL_IOC_DROP, KMCL_IOC_INFO,
	};
	static const uint32_t sizes[] = {
		sizeof(struct kmcl_freeze), sizeof(struct kmcl_commit),
		sizeof(struct kmcl_restore), sizeof(struct kmcl_restore),
		sizeof(struct kmcl_drop), sizeof(struct kmcl_session_info),
	};
	union {
		struct kmcl_freeze freeze;
		uint32_t words[4];
		uint8_t bytes[8192];
	} arg = { 0 };
	uint32_t which = draw(ARRAY_SIZE(known));
	unsigned long command = known[which];

	if (once_in(16))
		command = once_in(2) ? draw(1U << 31) : _IO(KMCL_IOC_MAGIC, draw(256));
	if (once_in(4))
		fill(arg.bytes, once_in(2) ? sizes[which] : sizeof(arg.bytes));
	arg.words[0] = once_in(4) ? draw(once_in(2) ? 128 : 9000) : sizes[which];
	if (once_in(50))
		arg.words[0] = ~0U;
	if (!once_in(8))
		arg.words[1] = 0;
	if (command == KMCL_IOC_FREEZE) {
		arg.freeze.deadline_ms = 1 + draw(200);
		if (once_in(4))
			strcpy((char *)arg.freeze.bus, once_in(2) ? "loopback" : "nowhere");
	}
	ioctl(fd, command, pointer(arg.bytes));
}

/* Heads and places of chunks in a stream that may be anything */
static size_t chunk_size(const uint8_t *data, size_t left)
{
	struct kmcl_chunk head;
	uint64_t size;

	if (left < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	size = sizeof(head) + (((uint64_t)head.length + 7) & ~7ULL);
	return size <= left ? size : 0;
}

static size_t some_chunk(const uint8_t *data, size_t size, size_t *length)
{
	size_t at = 0, found = 0, n, seen = 0;

	while ((n = chunk_size(data + at, size - at))) {
		if (once_in(++seen)) {
			found = at;
			*length = n;
		}
		at += n;
	}
	return found;
}

static void seal(uint8_t *chunk, size_t size)
{
	struct kmcl_chunk head;

	memcpy(&head, chunk, sizeof(head));
	head.crc = 0;
	head.crc = ~crc32c_update(crc32c_update(~0U, &head, sizeof(head)), chunk + sizeof(head),
				  size - sizeof(head));
	memcpy(chunk, &head, sizeof(head));
}

/* One wrong thing, most often with a right sum. May make it larger. */
static size_t spoil(uint8_t *data, size_t size)
{
	size_t length = 0, at = some_chunk(data, size, &length), to;

	if (!length)
		return size;
	switch (draw(8)) {
	case 0:		/* cut */
		return draw(size);
	case 1:		/* a bit, and the sum is wrong */
		data[at + draw(length)] ^= 1U << draw(8);
		return size;
	case 2:		/* bytes of a record */
	case 3:
	case 4:
		for (uint32_t n = 1 + draw(3); n && length > sizeof(struct kmcl_chunk); n--)
			data[at + sizeof(struct kmcl_chunk) +
			     draw(length - sizeof(struct kmcl_chunk))] =
				once_in(2) ? draw(256) : once_in(2) ? 0xff : 0;
		seal(data + at, length);
		return size;
	case 5:		/* twice */
		memmove(data + at + length, data + at, size - at);
		return size + length;
	case 6:		/* gone */
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	default:	/* the head: type, length, flags, number */
		to = draw(4) * 4;
		data[at + to + draw(2)] = draw(256);
		if (chunk_size(data + at, size - at))
			seal(data + at, chunk_size(data + at, size - at));
		return size;
	}
}

static void any_stream(int fd)
{
	size_t room = base_size * 2 + 4096, size = base_size, at, n;
	struct kmcl_restore restore = { .size = sizeof(restore) };
	uint8_t *data = malloc(room);

	if (!data)
		die("memory");
	if (once_in(8)) {
		size = draw(4096);
		fill(data, size);
	} else {
		memcpy(data, base, base_size);
		for (uint32_t times = 1 + draw(3); times; times--)
			if (size <= base_size)
				size = spoil(data, size);
	}
	ioctl(fd, KMCL_IOC_RESTORE, &restore);
	for (at = 0; at < size; at += n) {
		n = 1 + draw(once_in(4) ? 100 : 1 << 20);
		if (n > size - at)
			n = size - at;
		if (write(fd, data + at, n) < 0 && errno != EINTR)
			break;
	}
	restore.size = sizeof(restore);
	ioctl(fd, KMCL_IOC_RESTORE_END, &restore);
	free(data);
}

static void any_read(int fd)
{
	static uint8_t buffer[1 << 16];
	static size_t total;
	int times = 1 + draw(may_commit ? 2000 : 8);
	ssize_t n;

	while (times--) {
		/* Not to the end of a set, where a commit would be next */
		if (!may_commit && total + sizeof(buffer) > base_size / 2)
			return;
		n = read(fd, pointer(buffer), once_in(8) && may_commit ? draw(1U << 31) :
			 draw(sizeof(buffer)));
		if (n <= 0)
			return;
		total += n;
	}
}

static void any_other(int fd)
{
	static uint8_t buffer[4096];
	void *map;

	switch (draw(6)) {
	case 0:
		lseek(fd, draw(100000), SEEK_SET);
		break;
	case 1:
		map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED)
			die("the device can be mapped");
		break;
	case 2:
		fcntl(fd, F_SETFL, O_NONBLOCK);
		break;
	case 3:
		if (pwrite(fd, buffer, draw(sizeof(buffer)), draw(4096)) < 0)
			break;
		break;
	case 4:
		close(dup(fd));
		break;
	default:
		if (write(fd, pointer(buffer), draw(1U << 30)) < 0)
			break;
	}
}

static void attack(void)
{
	int fds[FILES] = { -1, -1, -1 };

	for (int i = 0; i < OPERATIONS; i++) {
		int *fd = &fds[draw(FILES)];

		if (*fd < 0 || once_in(5)) {
			if (*fd >= 0)
				close(*fd);
			*fd = open(DEVICE, once_in(8) ? O_RDONLY : O_RDWR);
			if (*fd < 0)
				die("open as root");
		}
		switch (draw(8)) {
		case 0:
			any_stream(*fd);
			break;
		case 1:
			any_read(*fd);
			break;
		case 2:
			any_other(*fd);
			break;
		default:
			any_ioctl(*fd);
		}
	}
	_exit(0);
}

/* Some processes at once; each ends by itself or is killed at some moment. */
static void round_of(uint64_t seed)
{
	pid_t children[PROCESSES];
	int status, i;

	for (i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] < 0)
			die("fork");
		if (!children[i]) {
			state = seed * PROCESSES + i + 1;
			attack();
		}
	}
	state = seed + 1;
	for (i = 0; i < PROCESSES; i++) {
		if (once_in(4)) {
			usleep(draw(50000));
			kill(children[i], SIGKILL);
		}
		if (waitpid(children[i], &status, 0) != children[i])
			die("waitpid");
		if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL) {
			printf("fuzz-chardev: process %d of seed %llu ended with %#x\n", i,
			       (unsigned long long)seed, status);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 10, i;
	uint8_t *pages;

	setvbuf(stdout, NULL, _IOLBF, 0);
	may_commit = argc > 3 && !strcmp(argv[3], "commit");
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base = mmap(NULL, SET_MAX, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pages == MAP_FAILED || base == MAP_FAILED || munmap(pages + 4096, 4096))
		die("memory");
	edge = pages + 4096;
	printf("fuzz-chardev: seed %llu, %lu rounds%s\n", (unsigned long long)seed, rounds,
	       may_commit ? ", with commits" : "");
	refuse_user();
	read_set_surely(true);
	for (i = 0; i < rounds; i++) {
		round_of(seed + i);
		if (i % 10 == 9)
			printf("fuzz-chardev: round %lu\n", i + 1);
	}
	read_set_surely(false);
	printf("fuzz-chardev: done, the base set had %zu bytes\n", base_size);
	return 0;
}
