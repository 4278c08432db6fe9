// SPDX-License-Identifier: GPL-2.0
/*
 * An extra archive (cpio, "newc") after an initrd. The kernel unpacks one
 * archive after the other, each from a multiple of 4, and skips zeros between
 * them. Its LZ4 reader takes four zeros for the end of the compressed data, so
 * there are always at least as many.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cpio.h"
#include "kmclctl.h"

#define CPIO_ALIGN 4

static int append_padding(struct memfd *out, size_t least)
{
	size_t end = (out->size + least + CPIO_ALIGN - 1) & ~(size_t)(CPIO_ALIGN - 1);

	return memfd_append(out, NULL, end - out->size);
}

static int append_entry(struct memfd *out, unsigned int inode, unsigned int mode,
			unsigned int links, const char *name, const void *bytes, size_t size)
{
	char head[6 + 13 * 8 + 1];
	int code;

	/* magic; inode, mode, uid, gid, links, mtime, size; device, of a device; name, check */
	snprintf(head, sizeof(head), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		 inode, mode, 0, 0, links, 0, (unsigned int)size, 0, 0, 0, 0,
		 (unsigned int)strlen(name) + 1, 0);
	code = memfd_append(out, head, sizeof(head) - 1);
	if (!code)
		code = memfd_append(out, name, strlen(name) + 1);
	if (!code)
		code = append_padding(out, 0);
	if (!code && size)
		code = memfd_append(out, bytes, size);
	return code ? code : append_padding(out, 0);
}

int cpio_append_stream(struct memfd *initrd, const void *bytes, size_t size)
{
	int code;

	if (size > UINT32_MAX)
		return fail(EXIT_FAILED, NULL, "%s do not fit an initramfs archive",
			    format_bytes(size));
	code = append_padding(initrd, CPIO_ALIGN);
	if (!code)
		code = append_entry(initrd, 1, 0040700, 2, "kmcl", NULL, 0);
	if (!code)
		code = append_entry(initrd, 2, 0100600, 1, "kmcl/stream", bytes, size);
	return code ? code : append_entry(initrd, 0, 0, 1, "TRAILER!!!", NULL, 0);
}
