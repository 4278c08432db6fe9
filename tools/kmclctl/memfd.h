/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bytes in memory that the kernel can read as a file.
 */
#ifndef KMCLCTL_MEMFD_H
#define KMCLCTL_MEMFD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memfd {
	int fd;			/* -1: not there */
	uint8_t *map;
	size_t size;		/* bytes in use */
	size_t mapped;
	size_t file_size;
};

#define MEMFD_NONE { .fd = -1 }

/* All return an exit code, having said what is wrong. */
int memfd_create_empty(struct memfd *m, const char *name, size_t room);
int memfd_copy_file(struct memfd *m, const char *name, const char *path);
int memfd_reserve(struct memfd *m, size_t more);
int memfd_append(struct memfd *m, const void *bytes, size_t size);
int memfd_set_file_size(struct memfd *m);
int memfd_take_file_size(struct memfd *m);
int memfd_write_out(const struct memfd *m, int fd, const char *path);
void memfd_free(struct memfd *m);

/* Read from @fd to its end, at most @most bytes a call. */
typedef ssize_t memfd_read_fn(int fd, void *to, size_t size);
int memfd_fill(struct memfd *m, int fd, memfd_read_fn *get, size_t most, int *error);

#endif
