// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes in memory that the kernel can read as a file. Mapped, so that
 * mlockall() keeps them in RAM.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmclctl.h"
#include "memfd.h"

#define READ_ROOM (1024 * 1024)

static int no_memory(size_t size)
{
	return fail(EXIT_FAILED, NULL, "no memory for %s: %s", format_bytes(size),
		    strerror(errno));
}

/* Room for @more bytes after those in use. */
int memfd_reserve(struct memfd *m, size_t more)
{
	size_t room = m->mapped ? m->mapped : READ_ROOM;
	void *map;

	while (room < m->size + more)
		room *= 2;
	if (m->file_size < room) {
		if (ftruncate(m->fd, room))
			return no_memory(room);
		m->file_size = room;
	}
	if (room == m->mapped)
		return EXIT_DONE;
	map = m->map ? mremap(m->map, m->mapped, room, MREMAP_MAYMOVE) :
		mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (map == MAP_FAILED)
		return no_memory(room);
	m->map = map;
	m->mapped = room;
	return EXIT_DONE;
}

int memfd_create_empty(struct memfd *m, const char *name, size_t room)
{
	*m = (struct memfd)MEMFD_NONE;
	m->fd = memfd_create(name, MFD_CLOEXEC);
	if (m->fd < 0)
		return fail(EXIT_FAILED, NULL, "cannot make a memfd: %s", strerror(errno));
	return memfd_reserve(m, room);
}

/* A failed read is for the caller to explain: its errno is in @error. */
int memfd_fill(struct memfd *m, int fd, memfd_read_fn *get, size_t most, int *error)
{
	ssize_t got;
	int code;

	*error = 0;
	do {
		code = memfd_reserve(m, most);
		if (code)
			return code;
		got = get(fd, m->map + m->size, most);
		if (got < 0) {
			*error = errno;
			return EXIT_FAILED;
		}
		m->size += got;
	} while (got);
	return EXIT_DONE;
}

int memfd_copy_file(struct memfd *m, const char *name, const char *path)
{
	int file = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	size_t room = READ_ROOM;
	struct stat st;
	int code, error;

	if (file < 0)
		return fail(EXIT_FAILED, NULL, "%s: %s", path, strerror(errno));
	if (!fstat(file, &st) && S_ISREG(st.st_mode))
		room += st.st_size;
	code = memfd_create_empty(m, name, room);
	if (!code) {
		code = memfd_fill(m, file, read, READ_ROOM, &error);
		if (code && error)
			fail(code, NULL, "%s: %s", path, strerror(error));
	}
	close(file);
	return code;
}

int memfd_append(struct memfd *m, const void *bytes, size_t size)
{
	int code = memfd_reserve(m, size);

	if (code)
		return code;
	if (bytes)
		memcpy(m->map + m->size, bytes, size);
	else
		memset(m->map + m->size, 0, size);
	m->size += size;
	return EXIT_DONE;
}

/* Let the file end where the bytes do, for who reads it. */
int memfd_set_file_size(struct memfd *m)
{
	if (ftruncate(m->fd, m->size))
		return fail(EXIT_FAILED, NULL, "cannot size a memfd: %s", strerror(errno));
	m->file_size = m->size;
	return EXIT_DONE;
}

/* Somebody else wrote the file: its bytes are ours now. */
int memfd_take_file_size(struct memfd *m)
{
	struct stat st;

	if (fstat(m->fd, &st))
		return fail(EXIT_FAILED, NULL, "cannot size a memfd: %s", strerror(errno));
	m->file_size = st.st_size;
	m->size = 0;
	if (memfd_reserve(m, st.st_size))
		return EXIT_FAILED;
	m->size = st.st_size;
	return EXIT_DONE;
}

int memfd_write_out(const struct memfd *m, int fd, const char *path)
{
	for (size_t done = 0; done < m->size;) {
		ssize_t put = write(fd, m->map + done, m->size - done);

		if (put < 0 && errno != EINTR)
			return fail(EXIT_FAILED, NULL, "cannot write %s: %s", path,
				    strerror(errno));
		done += put < 0 ? 0 : put;
	}
	return EXIT_DONE;
}

void memfd_free(struct memfd *m)
{
	if (m->map)
		munmap(m->map, m->mapped);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct memfd)MEMFD_NONE;
}
