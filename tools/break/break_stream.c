// SPDX-License-Identifier: GPL-2.0
/*
 * Plant one fault in a saved set of the load, so that a judge that finds
 * nothing can be told from a run in which nothing was wrong.
 *
 *   break-stream FAULT STREAM [SEED PLAN]
 *
 * The stream stays a good one: sequence numbers, counts and checksums are made
 * anew. FAULT is one of
 *
 *   drop   a request that a client had queued is gone
 *   dup    such a request is there twice, each with a transaction of its own
 *   flip   one bit of such a request's payload is another
 *   late   a request that the server holds is answered already, rightly, and
 *          executed all the same
 *
 * SEED and PLAN (a file) say what is in the load's packets; by default they are
 * read from the parameters of kmcl_load.
 */
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "load_words.h"

#define PARAMETERS "/sys/module/kmcl_load/parameters"
#define SLOT_BITS 20		/* of a transaction id: the slot of its channel's table */
#define PAD(n) (((n) + 7) / 8 * 8)

struct chunk {
	struct kmcl_chunk head;
	uint8_t *payload;	/* with its padding */
};

static struct chunk *chunks;
static size_t nr_chunks;

static void *need(void *memory)
{
	if (!memory)
		err(1, "memory");
	return memory;
}

/* Reading and writing a set */

static void read_stream(int fd)
{
	struct stat st;
	uint8_t *bytes;
	size_t at = 0;

	if (fstat(fd, &st))
		err(1, "stat");
	bytes = need(malloc(st.st_size + 1));
	while (at < (size_t)st.st_size) {
		ssize_t n = pread(fd, bytes + at, st.st_size - at, at);

		if (n <= 0)
			err(1, "reading");
		at += n;
	}
	for (at = 0; at + sizeof(struct kmcl_chunk) <= (size_t)st.st_size;) {
		struct chunk *c;
		size_t padded;

		chunks = need(realloc(chunks, (nr_chunks + 1) * sizeof(*chunks)));
		c = &chunks[nr_chunks++];
		memcpy(&c->head, bytes + at, sizeof(c->head));
		padded = PAD((size_t)le32toh(c->head.length));
		at += sizeof(c->head);
		if (padded > (size_t)st.st_size - at)
			errx(1, "the stream is cut short");
		c->payload = bytes + at;
		at += padded;
	}
}

static void write_all(int fd, const void *bytes, size_t size, off_t *at)
{
	while (size) {
		ssize_t n = pwrite(fd, bytes, size, *at);

		if (n <= 0)
			err(1, "writing");
		bytes = (const uint8_t *)bytes + n;
		size -= n;
		*at += n;
	}
}

static void write_stream(int fd)
{
	off_t at = 0;
	size_t i;

	if (ftruncate(fd, 0))
		err(1, "truncate");
	for (i = 0; i < nr_chunks; i++) {
		struct chunk *c = &chunks[i];
		size_t padded = PAD((size_t)le32toh(c->head.length));
		uint32_t crc;

		c->head.crc = 0;
		crc = crc32c_update(~0u, &c->head, sizeof(c->head));
		c->head.crc = htole32(~crc32c_update(crc, c->payload, padded));
		write_all(fd, &c->head, sizeof(c->head), &at);
		write_all(fd, c->payload, padded, &at);
	}
}

/* Finding one's way */

static uint32_t type_of(size_t i)
{
	return i < nr_chunks ? le32toh(chunks[i].head.type) : 0;
}

/* The channel that a record belongs to, or NULL */
static const struct kmcl_save_channel *channel_of(size_t i)
{
	for (; type_of(i) != KMCL_CHUNK_HEADER; i--)
		if (type_of(i) == KMCL_CHUNK_CHANNEL)
			return (const void *)chunks[i].payload;
	return NULL;
}

/* load_end.c: the first byte of the instance is the load's channel */
static unsigned int index_of(const struct kmcl_save_channel *channel)
{
	return channel->identity.instance[0];
}

static struct kmcl_stream_end *end_of(size_t i)
{
	while (type_of(i) != KMCL_CHUNK_END)
		if (++i >= nr_chunks)
			errx(1, "a stream without an end");
	return (void *)chunks[i].payload;
}

static void add(__le32 *to, int by)
{
	*to = htole32(le32toh(*to) + by);
}

/* One record more or less: numbers behind it, and counts of its stream and set */
static void count(size_t i, int by, size_t field)
{
	struct kmcl_stream_end *own = end_of(i);
	struct kmcl_stream_end *set = (void *)chunks[nr_chunks - 1].payload;

	add(&own->chunks, by);
	add((__le32 *)((uint8_t *)own + field), by);
	if (set != own)
		add((__le32 *)((uint8_t *)set + field), by);
	do {
		add(&chunks[i].head.seq, by);
	} while (type_of(i++) != KMCL_CHUNK_END);
}

static void insert(size_t at, struct chunk new, size_t field)
{
	chunks = need(realloc(chunks, (nr_chunks + 1) * sizeof(*chunks)));
	memmove(&chunks[at + 1], &chunks[at], (nr_chunks - at) * sizeof(*chunks));
	nr_chunks++;
	new.head.seq = chunks[at + 1].head.seq;
	chunks[at] = new;
	count(at + 1, 1, field);
}

static void drop_chunk(size_t at, size_t field)
{
	memmove(&chunks[at], &chunks[at + 1], (nr_chunks - at - 1) * sizeof(*chunks));
	nr_chunks--;
	count(at, -1, field);
}

/* A queued request of a client, with a number and more in it, no external data */
static size_t find_queued(void)
{
	size_t i, seen = 0, found = 0;

	for (i = 0; i < nr_chunks; i++) {
		const struct kmcl_save_packet *p = (void *)chunks[i].payload;
		const struct kmcl_save_channel *channel;

		if (type_of(i) != KMCL_CHUNK_PACKET)
			continue;
		channel = channel_of(i);
		if (!channel || channel->identity.server ||
		    le32toh(p->state) != KMCL_SAVED_QUEUED || le32toh(p->payload_len) <= 16 ||
		    p->ext_len)
			continue;
		seen++;
		/* One in the midst: neither first nor last of its queue. */
		if (!found || seen == 10)
			found = i;
	}
	if (!found)
		errx(1, "no client has such a request queued");
	return found;
}

/* Faults */

static void plant_drop(void)
{
	drop_chunk(find_queued(), offsetof(struct kmcl_stream_end, queued));
}

static bool slot_used(const struct kmcl_save_channel *channel, uint64_t slot)
{
	size_t i;

	for (i = 0; i < nr_chunks; i++) {
		const struct kmcl_save_packet *p = (void *)chunks[i].payload;

		if (type_of(i) == KMCL_CHUNK_PACKET && channel_of(i) == channel &&
		    (le64toh(p->id) & ((1ull << SLOT_BITS) - 1)) == slot)
			return true;
	}
	return false;
}

static void plant_dup(void)
{
	size_t i = find_queued();
	const struct kmcl_save_channel *channel = channel_of(i);
	size_t size = PAD((size_t)le32toh(chunks[i].head.length));
	struct chunk copy = chunks[i];
	struct kmcl_save_packet *p;
	uint64_t slot;

	for (slot = le32toh(channel->max_packets); slot && slot_used(channel, slot - 1); slot--)
		;
	if (!slot)
		errx(1, "no slot is free");
	copy.payload = need(malloc(size));
	memcpy(copy.payload, chunks[i].payload, size);
	p = (void *)copy.payload;
	p->id = htole64((le64toh(p->id) >> SLOT_BITS << SLOT_BITS) | (slot - 1));
	insert(i + 1, copy, offsetof(struct kmcl_stream_end, queued));
}

static void plant_flip(void)
{
	size_t i = find_queued();

	/* Behind the number: the request is still known by that. */
	chunks[i].payload[sizeof(struct kmcl_save_packet) + 11] ^= 0x10;
}

/* Of a request held by a server: how long it is to be held yet (load_hold.c) */
static uint64_t time_left(const struct kmcl_save_received *r)
{
	size_t private = sizeof(*r) + PAD(le32toh(r->payload_len)) + PAD(le32toh(r->ranges_len));
	__le64 left;

	if (le32toh(r->private_len) < 16)
		return 0;
	memcpy(&left, (const uint8_t *)r + private + 8, sizeof(left));
	return le64toh(left);
}

static size_t find_held(void)
{
	uint64_t longest = 300000000;
	size_t i, found = 0;

	for (i = 0; i < nr_chunks; i++) {
		const struct kmcl_save_received *r = (void *)chunks[i].payload;
		const struct kmcl_save_channel *channel;

		if (type_of(i) != KMCL_CHUNK_RECEIVED)
			continue;
		channel = channel_of(i);
		if (!channel || !channel->identity.server || le32toh(r->ranges_len) ||
		    le32toh(r->payload_len) < 16 || time_left(r) <= longest)
			continue;
		longest = time_left(r);
		found = i;
	}
	if (!found)
		errx(1, "no server holds a request for long enough");
	return found;
}

static void plant_late(const struct load_words *words)
{
	size_t i = find_held(), end, size;
	struct kmcl_save_received *held = (void *)chunks[i].payload, *done;
	unsigned int index = index_of(channel_of(i));
	struct chunk new = {};
	uint32_t len;

	size = sizeof(*done) + PAD(LOAD_ANSWER_MAX);
	new.payload = need(calloc(1, size));
	done = (void *)new.payload;
	/* The request follows its head. */
	len = load_answer(words, index, (const uint8_t *)held + sizeof(*held),
			  new.payload + sizeof(*done));
	done->id = held->id;
	done->type = held->type;
	done->flags = htole32(KMCL_SAVED_WANTS_COMPLETION);
	done->payload_len = htole32(len);
	held->flags &= ~htole32(KMCL_SAVED_WANTS_COMPLETION);

	new.head = chunks[i].head;
	new.head.type = htole32(KMCL_CHUNK_COMPLETION);
	new.head.length = htole32(sizeof(*done) + PAD(len));
	/* Completions come behind what is held, and before what is sent. */
	for (end = i; type_of(end) == KMCL_CHUNK_RECEIVED ||
	     type_of(end) == KMCL_CHUNK_COMPLETION; end++)
		;
	insert(end, new, offsetof(struct kmcl_stream_end, completions));
}

int main(int argc, char **argv)
{
	const char *fault = argc > 1 ? argv[1] : "";
	struct load_words words;
	int fd;

	if (argc != 3 && argc != 5)
		errx(2, "usage: break-stream drop|dup|flip|late STREAM [SEED PLAN]");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[2]);
	read_stream(fd);
	if (!strcmp(fault, "drop")) {
		plant_drop();
	} else if (!strcmp(fault, "dup")) {
		plant_dup();
	} else if (!strcmp(fault, "flip")) {
		plant_flip();
	} else if (!strcmp(fault, "late")) {
		load_words_read(&words, argc == 5 ? argv[3] : NULL,
				argc == 5 ? argv[4] : PARAMETERS "/plan", PARAMETERS "/seed");
		plant_late(&words);
	} else {
		errx(2, "no such fault: %s", fault);
	}
	write_stream(fd);
	return 0;
}
