/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is in the packets of the load, as drivers/hv/vsp/load_payload.c has it:
 * enough of it to answer a request of a client.
 */
#ifndef LOAD_WORDS_H
#define LOAD_WORDS_H

#include <stdint.h>

#define LOAD_ANSWER_MAX 65536

struct load_words {
	uint64_t seed;
	const char *plan;	/* a file: lines of channel, payload, external, answers */
};

void load_words_read(struct load_words *words, const char *seed, const char *plan,
		     const char *seed_file);
uint32_t load_answer(const struct load_words *words, unsigned int channel,
		     const uint8_t *request, uint8_t *answer);

#endif
