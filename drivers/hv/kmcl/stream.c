// SPDX-License-Identifier: GPL-2.0
/*
 * The frame of the save stream: sealing chunks, and checking them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "internal.h"
#include "stream.h"

static_assert(sizeof(struct kmcl_chunk) == 32);
static_assert(sizeof(struct kmcl_stream_header) == 16);
static_assert(sizeof(struct kmcl_stream_end) == 40);
static_assert(sizeof(struct kmcl_identity) == 88);
static_assert(sizeof(struct kmcl_save_channel) == 192);
static_assert(sizeof(struct kmcl_save_packet) == 40);
static_assert(sizeof(struct kmcl_save_received) == 32);
static_assert(sizeof(struct kmcl_save_bus) == 64);

static u32 kmcl_chunk_crc(const struct kmcl_chunk *chunk, u32 length)
{
	struct kmcl_chunk head = *chunk;
	u32 crc;

	head.crc = 0;
	crc = crc32c(~0U, &head, sizeof(head));
	return ~crc32c(crc, chunk + 1, ALIGN(length, KMCL_CHUNK_ALIGN));
}

/* The payload is in place behind @chunk: write the head. */
void kmcl_chunk_seal(struct kmcl_stream *s, void *chunk, u32 type, u32 flags, u32 length)
{
	struct kmcl_chunk *c = chunk;

	*c = (struct kmcl_chunk) {
		.type = cpu_to_le32(type),
		.length = cpu_to_le32(length),
		.flags = cpu_to_le32(flags),
		.seq = cpu_to_le32(s->seq++),
		.save_id = cpu_to_le64(s->save_id),
	};
	memset((u8 *)(c + 1) + length, 0, ALIGN(length, KMCL_CHUNK_ALIGN) - length);
	c->crc = cpu_to_le32(kmcl_chunk_crc(c, length));
}
KMCL_EXPORT_IF_KUNIT(kmcl_chunk_seal);

/* Write a stream's header chunk, KMCL_STREAM_HEADER_SIZE bytes. */
void kmcl_stream_begin(struct kmcl_stream *s, void *chunk, enum kmcl_stream_kind kind)
{
	struct kmcl_stream_header *head = chunk + sizeof(struct kmcl_chunk);

	*head = (struct kmcl_stream_header) {
		.magic = cpu_to_le32(KMCL_STREAM_MAGIC),
		.version = cpu_to_le16(KMCL_STREAM_VERSION),
		.kind = cpu_to_le16(kind),
	};
	s->seq = 0;
	kmcl_chunk_seal(s, chunk, KMCL_CHUNK_HEADER, 0, sizeof(*head));
}

/*
 * Is there a chunk at @buffer, by its head and its length? -EAGAIN: not all of
 * it; -EBADMSG: no. Sets *@chunk_size as soon as it is known, else to 0.
 */
int kmcl_chunk_frame(const void *buffer, u32 size, u32 *chunk_size)
{
	const struct kmcl_chunk *chunk = buffer;
	u32 length, padded;

	*chunk_size = 0;
	if (size < sizeof(*chunk))
		return -EAGAIN;
	length = le32_to_cpu(chunk->length);
	if (length > KMCL_CHUNK_MAX || chunk->reserved ||
	    le32_to_cpu(chunk->flags) & ~KMCL_CHUNK_OPTIONAL)
		return -EBADMSG;
	*chunk_size = kmcl_chunk_size(length);
	if (size < *chunk_size)
		return -EAGAIN;
	padded = ALIGN(length, KMCL_CHUNK_ALIGN);
	if (memchr_inv((const u8 *)(chunk + 1) + length, 0, padded - length))
		return -EBADMSG;
	return 0;
}

/* The same, and is it sound? */
int kmcl_chunk_check(const void *buffer, u32 size, u32 *chunk_size)
{
	const struct kmcl_chunk *chunk = buffer;
	int ret = kmcl_chunk_frame(buffer, size, chunk_size);

	if (ret)
		return ret;
	return le32_to_cpu(chunk->crc) == kmcl_chunk_crc(chunk, le32_to_cpu(chunk->length)) ?
	       0 : -EBADMSG;
}

/* Is it the next of its stream? */
int kmcl_chunk_follow(struct kmcl_stream *s, const struct kmcl_chunk *chunk)
{
	if (le32_to_cpu(chunk->seq) != s->seq)
		return -EBADMSG;
	if (s->seq && le64_to_cpu(chunk->save_id) != s->save_id)
		return -EBADMSG;
	s->save_id = le64_to_cpu(chunk->save_id);
	s->seq++;
	return 0;
}

/* The counts at the end of a stream of @chunks chunks, or NULL. */
const struct kmcl_stream_end *kmcl_stream_check_end(const struct kmcl_chunk *chunk, u32 chunks)
{
	const struct kmcl_stream_end *end = (const void *)(chunk + 1);

	if (le32_to_cpu(chunk->length) != sizeof(*end) || le32_to_cpu(end->chunks) != chunks ||
	    end->reserved[0] || end->reserved[1])
		return NULL;
	return end;
}

/* The record of a channel, as far as it can be judged without the channel, or NULL. */
const struct kmcl_save_channel *kmcl_stream_check_channel(const struct kmcl_chunk *chunk)
{
	const struct kmcl_save_channel *rec = (const void *)(chunk + 1);
	const struct kmcl_identity *id = &rec->identity;

	if (le32_to_cpu(chunk->length) != sizeof(*rec) || id->server > 1 ||
	    memchr_inv(id->reserved, 0, sizeof(id->reserved)) ||
	    id->bus[sizeof(id->bus) - 1] || rec->name[sizeof(rec->name) - 1])
		return NULL;
	return rec;
}

/* Can a stream that begins so be read here? */
int kmcl_stream_check_header(const struct kmcl_chunk *chunk, enum kmcl_stream_kind *kind)
{
	const struct kmcl_stream_header *head = (const void *)(chunk + 1);

	if (le32_to_cpu(chunk->type) != KMCL_CHUNK_HEADER ||
	    le32_to_cpu(chunk->length) != sizeof(*head) ||
	    le32_to_cpu(head->magic) != KMCL_STREAM_MAGIC)
		return -EBADMSG;
	if (le16_to_cpu(head->version) > KMCL_STREAM_VERSION || !head->version || head->incompat)
		return -EOPNOTSUPP;
	*kind = le16_to_cpu(head->kind);
	return 0;
}
