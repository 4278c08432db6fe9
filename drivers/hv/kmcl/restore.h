/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A restore under way: what its order needs (restore.c) and its records
 * (restore_records.c).
 */
#ifndef _KMCL_RESTORE_H
#define _KMCL_RESTORE_H

#include "internal.h"
#include "stream.h"

/* Where in the order of the stream a chunk belongs */
enum kmcl_restore_rank {
	KMCL_RANK_HEADER,
	KMCL_RANK_CHANNEL,
	KMCL_RANK_STATE,
	KMCL_RANK_TAKEN,
	KMCL_RANK_RECEIVED,
	KMCL_RANK_COMPLETION,
	KMCL_RANK_SENT,
	KMCL_RANK_QUEUED,
	KMCL_RANK_LENT,
	KMCL_RANK_END,
};

/**
 * struct kmcl_restore_ctx - a restore under way
 * @stream: where it is
 * @rank: of the last chunk
 * @chunks: so far
 * @lent: of them, those of memory whose packet was cancelled
 * @open: the channel had an open link
 * @failed: receiving had been stopped by the consumer
 * @attaching: fed by the channel's life, not by the consumer
 * @busy: fed just now; under vmb_channel.lock
 * @end: counts so far, in the processor's order
 * @packet: the restore callback's library part, while that runs
 * @packet_size: its bytes
 * @packet_done: vmb_packet_restore() took it
 */
struct kmcl_restore_ctx {
	struct kmcl_stream stream;
	enum kmcl_restore_rank rank;
	u32 chunks;
	u32 lent;
	bool open;
	bool failed;
	bool attaching;
	bool busy;
	struct {
		u32 taken;
		u32 received;
		u32 completions;
		u32 queued;
		u32 sent;
	} end;
	const void *packet;
	u32 packet_size;
	bool packet_done;
};

/* restore.c */
void kmcl_restore_instance(struct vmb_channel *ch, const guid_t *instance);

/* restore_records.c */
int kmcl_restore_channel(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
			 const struct kmcl_chunk *chunk);
int kmcl_restore_state(struct vmb_channel *ch, const void *state, u32 length);
int kmcl_restore_received(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx, u32 type,
			  const struct kmcl_save_received *rec, u32 length);
int kmcl_restore_packet(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
			const struct kmcl_save_packet *rec, u32 length);
int kmcl_restore_lent(struct vmb_channel *ch, struct kmcl_restore_ctx *ctx,
		      const struct kmcl_save_lent *rec, u32 length);

#endif /* _KMCL_RESTORE_H */
