// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz FILE: every truncation and every change of one byte of a good stream is
 * found; changes under right checksums crash nothing.
 */
#include <endian.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "decode.h"
#include "stream.h"

#define ROUNDS 20000

static void decode_all(void *context, const struct stream_chunk *chunk)
{
	(void)context;
	json_decref(decode_payload(chunk, 16));
}

static const struct stream_visitor visitor = { .chunk = decode_all };

/* In memory of its very size, so that a read beyond it is found. */
static int check(const uint8_t *bytes, size_t size)
{
	struct stream_summary summary;
	uint8_t *copy = malloc(size ? size : 1);
	int bad;

	memcpy(copy, bytes, size);
	bad = stream_check(copy, size, &visitor, &summary);
	free(copy);
	return bad;
}

static void fix_checksums(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; size - at >= sizeof(struct kmcl_chunk);) {
		struct kmcl_chunk head;
		size_t total;

		memcpy(&head, bytes + at, sizeof(head));
		total = sizeof(head) + (((size_t)le32toh(head.length) + 7) & ~(size_t)7);
		if (total > size - at)
			return;
		memset(bytes + at + offsetof(struct kmcl_chunk, crc), 0, sizeof(head.crc));
		head.crc = htole32(~crc32c_update(~0U, bytes + at, total));
		memcpy(bytes + at + offsetof(struct kmcl_chunk, crc), &head.crc, sizeof(head.crc));
		at += total;
	}
}

int main(int argc, char **argv)
{
	static uint8_t good[1 << 20], bad[1 << 20];
	FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
	unsigned int missed = 0, refused = 0;
	size_t size;

	if (!file)
		return 2;
	size = fread(good, 1, sizeof(good), file);
	fclose(file);
	if (check(good, size)) {
		puts("the good stream is called bad");
		return 1;
	}
	for (size_t cut = 0; cut < size; cut++) {
		if (!check(good, cut)) {
			printf("missed: cut to %zu bytes\n", cut);
			missed++;
		}
	}
	memcpy(bad, good, size);
	for (size_t at = 0; at < size; at++) {
		for (int bit = 0; bit < 9; bit++) {
			bad[at] ^= bit < 8 ? 1 << bit : 0xff;
			if (!check(bad, size)) {
				printf("missed: byte %zu is 0x%02x, not 0x%02x\n", at, bad[at],
				       good[at]);
				missed++;
			}
			bad[at] = good[at];
		}
	}
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(bad, good, size);
		for (int change = rand() % 4; change >= 0; change--)
			bad[rand() % size] = rand() % 3 ? rand() : rand() % 2 ? 0xff : 0;
		fix_checksums(bad, size);
		refused += !!check(bad, size);
	}
	printf("%zu bytes: %u changes missed; under right checksums %u of %u refused\n", size,
	       missed, refused, ROUNDS);
	return missed ? 1 : 0;
}
