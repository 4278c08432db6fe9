// SPDX-License-Identifier: GPL-2.0
/*
 * CRC32C. Of Debian's libraries zlib has only the other CRC32, ISA-L has no
 * static archive, and librhash loads libcrypto when it is initialised, which a
 * static binary in an initramfs must not. Eight bytes at a time, because a
 * live update checks the set while its channels stand still.
 */
#include <endian.h>
#include <string.h>

#include "crc32c.h"

#define CRC32C_POLY 0x82f63b78U

static uint32_t table[8][256];

__attribute__((constructor))
static void crc32c_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? CRC32C_POLY : 0);
		table[0][i] = crc;
	}
	for (int k = 1; k < 8; k++) {
		for (int i = 0; i < 256; i++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
	}
}

uint32_t crc32c_update(uint32_t crc, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		word = le64toh(word) ^ crc;
		crc = 0;
		for (int k = 0; k < 8; k++)
			crc ^= table[7 - k][(word >> (8 * k)) & 0xff];
	}
	while (size--)
		crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}
