/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A save under way, for who drives it from inside the core.
 */
#ifndef _KMCL_SAVE_H
#define _KMCL_SAVE_H

#include "internal.h"
#include "stream.h"

/* Parts of a channel's stream, in order */
enum kmcl_save_phase {
	KMCL_SAVE_HEADER,
	KMCL_SAVE_CHANNEL,
	KMCL_SAVE_STATE,
	KMCL_SAVE_TAKEN,
	KMCL_SAVE_RECEIVED,
	KMCL_SAVE_COMPLETIONS,
	KMCL_SAVE_SENT,
	KMCL_SAVE_QUEUED,
	KMCL_SAVE_LENT,
	KMCL_SAVE_END,
	KMCL_SAVE_DONE,
};

/**
 * struct kmcl_save - a save under way
 * @mutex: one vmb_channel_save_continue() at a time
 * @stream: where it is
 * @phase: the same
 * @cursor: next packet of the phase's list; of rx_held: under vmb_channel.lock
 * @need_known: the consumer was asked how much it needs for the packet there
 * @need: what it said
 * @error: what ended the save
 * @buffer: of the call that runs
 * @size: its bytes
 * @filled: bytes of it that are written
 * @required: bytes that the next chunk needs
 * @late: late completions that it says are to come
 * @lent: LENT chunks so far
 * @end: counts so far
 */
struct kmcl_save {
	struct mutex mutex;		/* one call at a time */
	struct kmcl_stream stream;
	enum kmcl_save_phase phase;
	struct list_head *cursor;
	bool need_known;
	u32 need;
	int error;
	void *buffer;
	u32 size;
	u32 filled;
	u32 required;
	u32 late;
	u32 lent;
	struct kmcl_stream_end end;
};

int kmcl_save_begin(struct vmb_channel *ch, u64 save_id);
void kmcl_save_refusal(struct vmb_channel *ch, char *text, u32 size);
void kmcl_save_finish(struct vmb_channel *ch, bool commit);

#endif /* _KMCL_SAVE_H */
