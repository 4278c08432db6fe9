// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_words.h"

enum { PAYLOAD, EXTERNAL, RESPONSE };

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint64_t key(const struct load_words *words, int kind, unsigned int channel, uint64_t seq)
{
	return mix(mix(words->seed ^ ((uint64_t)kind << 16 | channel)) +
		   seq * 0x9e3779b97f4a7c15ull);
}

static uint32_t pick(uint64_t k, uint32_t low, uint32_t high)
{
	return low + (uint32_t)(k >> 32) % (high - low + 1);
}

/* Byte @at of the table */
static uint8_t table(const struct load_words *words, uint32_t at)
{
	return mix(words->seed + at / 8) >> at % 8 * 8;
}

static uint32_t crc32(const uint8_t *bytes, uint32_t size)
{
	uint32_t crc = ~0u;

	while (size--) {
		int bit;

		crc ^= *bytes++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* Where the seed and the plan are to be found */
void load_words_read(struct load_words *words, const char *seed, const char *plan,
		     const char *seed_file)
{
	char text[64] = "";
	FILE *file;

	if (!seed) {
		file = fopen(seed_file, "r");
		if (!file || !fgets(text, sizeof(text), file))
			err(1, "%s", seed_file);
		fclose(file);
		seed = text;
	}
	words->seed = strtoull(seed, NULL, 0);
	words->plan = plan;
}

/* Answer a request of a client as its server would; return the answer's length. */
uint32_t load_answer(const struct load_words *words, unsigned int channel,
		     const uint8_t *request, uint8_t *answer)
{
	unsigned int index, payload, external, low, high;
	uint32_t length, body, i;
	char text[128];
	uint64_t seq, k;
	uint32_t head[2];
	FILE *file;

	file = fopen(words->plan, "r");
	if (!file)
		err(1, "%s", words->plan);
	do {
		if (!fgets(text, sizeof(text), file) ||
		    sscanf(text, "%x %x %x %x %x", &index, &payload, &external, &low, &high) != 5)
			errx(1, "%s: no channel %x", words->plan, channel);
	} while (index != channel);
	fclose(file);

	memcpy(&seq, request, sizeof(seq));
	seq = le64toh(seq);
	k = key(words, PAYLOAD, channel, seq);
	length = seq % 64 == 5 ? payload :
		 pick(k, 8, seq % 8 && payload > 512 ? 512 : payload);
	head[0] = htole32(crc32(request, length));
	k = key(words, RESPONSE, channel, seq);
	body = pick(k, low, high);
	head[1] = htole32(body);
	memcpy(answer, head, sizeof(head));
	for (i = 0; i < body; i++)
		answer[sizeof(head) + i] = table(words, (k & 0xffff) + i);
	return sizeof(head) + body;
}
