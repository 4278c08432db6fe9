// SPDX-License-Identifier: GPL-2.0
/*
 * The load: what is in a packet.
 *
 * Everything follows from the seed, and tools/judge/judge says the same in a
 * language of its own:
 *
 *   mix(x)         the finaliser of splitmix64
 *   table          128 KiB, 64-bit little-endian words: mix(seed + i)
 *   key            mix(mix(seed ^ (kind << 16 | dir << 8 | channel)) + seq * golden)
 *   bytes of a key the table from offset (key & 0xffff) on
 *   request        its sequence number, 64-bit little-endian, then the bytes
 *                  of its key from the 8th on
 *   external data, answer: the bytes of their keys
 *   external data when a request is completed: of every second one the bytes of
 *                  the answer's key; else what it was
 */

#include <linux/crc32.h>
#include <linux/highmem.h>
#include <linux/math64.h>
#include <linux/vmalloc.h>

#include "load.h"

#define TABLE_BYTES	(128U * 1024)
#define OFFSET_MASK	0xffffU
#define GOLDEN		0x9e3779b97f4a7c15ULL

static u64 seed;
static u8 *table;

static u64 mix(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/**
 * load_key() - a number that names one use of one request
 * @kind: which use
 * @dir: direction of the request
 * @channel: its channel
 * @seq: its sequence number
 *
 * Return: the key.
 */
u64 load_key(enum load_key kind, enum load_dir dir, u32 channel, u64 seq)
{
	return mix(mix(seed ^ (kind << 16 | dir << 8 | channel)) + seq * GOLDEN);
}

/* A number from @low to @high */
static u32 pick(u64 key, u32 low, u32 high)
{
	return low + (u32)(key >> 32) % (high - low + 1);
}

/**
 * load_payload_len() - bytes of a request
 * @plan: the channel's plan
 * @dir: direction of the request
 * @channel: its channel
 * @seq: its sequence number
 *
 * One in 61 is empty, one in 64 as large as can be, most are small; all others
 * have room for their sequence number.
 *
 * Return: the length.
 */
u32 load_payload_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq)
{
	u64 key = load_key(LOAD_KEY_PAYLOAD, dir, channel, seq);
	u32 rest;

	div_u64_rem(seq, 61, &rest);
	if (rest == 17)
		return 0;
	if (seq % 64 == 5)
		return plan->payload_max;
	return pick(key, 8, seq % 8 ? min(plan->payload_max, 512U) : plan->payload_max);
}

/**
 * load_external_len() - bytes of a request's external data
 * @plan: the channel's plan
 * @dir: direction of the request
 * @channel: its channel
 * @seq: its sequence number
 *
 * Return: the length, 0 if there is none.
 */
u32 load_external_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq)
{
	if (!plan->ext_max || dir != LOAD_CLIENT || seq % 4 != 3)
		return 0;
	return pick(load_key(LOAD_KEY_EXTERNAL, dir, channel, seq), 1, plan->ext_max);
}

/**
 * load_external_written() - is the answer written to the external data, too?
 * @seq: sequence number of a request with external data
 *
 * Return: true where it is; else the external data is only read.
 */
bool load_external_written(u64 seq)
{
	return seq % 8 == 7;
}

/**
 * load_response_len() - bytes of an answer, without its head
 * @plan: the channel's plan
 * @dir: direction of the request
 * @channel: its channel
 * @seq: its sequence number
 *
 * Return: the length.
 */
u32 load_response_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq)
{
	return pick(load_key(LOAD_KEY_RESPONSE, dir, channel, seq), plan->resp_min,
		    plan->resp_max);
}

/**
 * load_bytes() - the bytes of a key
 * @key: the key
 *
 * Return: at least 64 KiB that can be read.
 */
const void *load_bytes(u64 key)
{
	return table + (key & OFFSET_MASK);
}

/**
 * load_payload_fill() - write a request
 * @to: where
 * @len: its length
 * @dir: direction of the request
 * @channel: its channel
 * @seq: its sequence number
 */
void load_payload_fill(void *to, u32 len, enum load_dir dir, u32 channel, u64 seq)
{
	__le64 head = cpu_to_le64(seq);

	if (!len)
		return;
	memcpy(to, load_bytes(load_key(LOAD_KEY_PAYLOAD, dir, channel, seq)), len);
	memcpy(to, &head, sizeof(head));
}

/**
 * load_crc() - add bytes to a digest
 * @crc: so far; 0 to start with
 * @data: the bytes
 * @len: how many
 *
 * Return: the digest, as zlib's crc32() has it.
 */
u32 load_crc(u32 crc, const void *data, u32 len)
{
	return ~crc32_le(~crc, data, len);
}

/* Go over memory a page at a time: write @from to it, or else add it to @crc. */
static u32 load_mdl_walk(const struct vmb_mdl *mdl, u32 len, u32 crc, const u8 *from)
{
	for (; mdl && len; mdl = mdl->next) {
		u32 skip = mdl->offset, left = min(mdl->length, len);
		unsigned int i;

		len -= left;
		for (i = 0; i < mdl->nr_bvecs && left; i++) {
			const struct bio_vec *bv = &mdl->bvec[i];
			u32 off = min(skip, bv->bv_len);
			u32 part = min(bv->bv_len - off, left);
			u32 at = bv->bv_offset + off;

			skip -= off;
			left -= part;
			while (part) {
				u32 in_page = at % PAGE_SIZE;
				u32 now = min_t(u32, part, PAGE_SIZE - in_page);
				u8 *map = kmap_local_page(bv->bv_page + at / PAGE_SIZE);

				if (from) {
					memcpy(map + in_page, from, now);
					from += now;
				} else {
					crc = load_crc(crc, map + in_page, now);
				}
				kunmap_local(map);
				at += now;
				part -= now;
			}
		}
	}
	return crc;
}

/**
 * load_crc_mdl() - add external data to a digest
 * @crc: so far
 * @mdl: the data
 * @len: how much of it
 *
 * Return: the digest.
 */
u32 load_crc_mdl(u32 crc, const struct vmb_mdl *mdl, u32 len)
{
	return load_mdl_walk(mdl, len, crc, NULL);
}

/**
 * load_write_mdl() - write to external data
 * @mdl: where
 * @from: what
 * @len: how much
 */
void load_write_mdl(const struct vmb_mdl *mdl, const void *from, u32 len)
{
	load_mdl_walk(mdl, len, 0, from);
}

/**
 * load_payload_init() - make the table
 * @value: the seed
 *
 * Return: 0 or -ENOMEM.
 */
int load_payload_init(u64 value)
{
	__le64 *words;
	u32 i;

	seed = value;
	words = vmalloc(TABLE_BYTES);
	if (!words)
		return -ENOMEM;
	for (i = 0; i < TABLE_BYTES / 8; i++)
		words[i] = cpu_to_le64(mix(seed + i));
	table = (u8 *)words;
	return 0;
}

/**
 * load_payload_exit() - free the table
 */
void load_payload_exit(void)
{
	vfree(table);
}
