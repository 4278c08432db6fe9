/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The frame of the save stream: chunks. The layout is <uapi/linux/kmcl.h>.
 */
#ifndef _KMCL_STREAM_H
#define _KMCL_STREAM_H

#include <linux/types.h>
#include <uapi/linux/kmcl.h>

/* Bytes that a chunk with @length bytes of payload takes */
static inline u32 kmcl_chunk_size(u32 length)
{
	return sizeof(struct kmcl_chunk) + ALIGN(length, KMCL_CHUNK_ALIGN);
}

/**
 * struct kmcl_stream - where a writer or reader is in a stream
 * @save_id: of the save; of a reader: once it has seen the header
 * @seq: of the next chunk
 */
struct kmcl_stream {
	u64 save_id;
	u32 seq;
};

void kmcl_chunk_seal(struct kmcl_stream *s, void *chunk, u32 type, u32 flags, u32 length);
void kmcl_stream_begin(struct kmcl_stream *s, void *chunk, enum kmcl_stream_kind kind);
int kmcl_chunk_frame(const void *buffer, u32 size, u32 *chunk_size);
int kmcl_chunk_check(const void *buffer, u32 size, u32 *chunk_size);
int kmcl_chunk_follow(struct kmcl_stream *s, const struct kmcl_chunk *chunk);
const struct kmcl_stream_end *kmcl_stream_check_end(const struct kmcl_chunk *chunk, u32 chunks);
const struct kmcl_save_channel *kmcl_stream_check_channel(const struct kmcl_chunk *chunk);
int kmcl_stream_check_header(const struct kmcl_chunk *chunk, enum kmcl_stream_kind *kind);

#define KMCL_STREAM_HEADER_SIZE	(sizeof(struct kmcl_chunk) + sizeof(struct kmcl_stream_header))

#endif /* _KMCL_STREAM_H */
