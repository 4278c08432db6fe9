/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions: a freeze with its save and commit, or a restore.
 */
#ifndef _KMCL_SESSION_H
#define _KMCL_SESSION_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <uapi/linux/kmcl.h>

#include "store.h"
#include "stream.h"

struct vmb_bus;
struct vmb_channel;

enum kmcl_session_state {
	KMCL_SESSION_NEW,
	KMCL_SESSION_FROZEN,		/* frozen, the set is being read */
	KMCL_SESSION_SAVED,		/* frozen, the set is read to its end */
	KMCL_SESSION_COMMITTED,
	KMCL_SESSION_RESTORING,
	KMCL_SESSION_RESTORED,
	KMCL_SESSION_FAILED,		/* can only be closed */
};

/**
 * struct kmcl_session - what an open /dev/kmcl does
 * @mutex: one call at a time
 * @state: what comes next
 * @info: numbers
 * @freezing: a freeze, not a restore
 * @handover: of a freeze: what is frozen is to be handed over
 * @reason: which channel cannot be, and why
 * @bus: what is frozen, held; NULL: all
 * @freeze_members: &struct kmcl_member, channels that are frozen
 * @buses: &struct kmcl_session_bus, buses frozen or being restored
 * @streams: &struct kmcl_saved, by their order in the set
 * @set: the set's own stream
 * @nr_streams: inner streams so far
 * @stage: chunks on their way to or from user space
 * @stage_len: bytes there
 * @stage_pos: bytes of them that are dealt with
 * @next_bus: saving: the bus that is next, or NULL
 * @next_member: saving: the channel that is next, or NULL
 * @unclaimed: saving: the stream of the store that is under way, or NULL
 * @unclaimed_piece: saving: its piece that is next
 * @bus_offset: saving: bytes of the bus's record that are out
 * @inner: the inner stream that is under way
 * @inner_kind: its kind; 0: none is
 * @inner_chunks: its chunks so far
 * @bus_left: restoring: bytes of the bus's record to come
 * @current_bus: restoring: the bus that is under way
 */
struct kmcl_session {
	struct mutex mutex;		/* one call at a time */
	enum kmcl_session_state state;
	struct kmcl_session_info info;
	bool freezing;
	bool handover;
	struct kmcl_reason reason;
	struct vmb_bus *bus;
	struct list_head freeze_members;
	struct list_head buses;
	struct list_head streams;
	struct kmcl_stream set;
	u32 nr_streams;
	void *stage;
	u32 stage_len;
	u32 stage_pos;
	struct list_head *next_bus;
	struct list_head *next_member;
	struct kmcl_saved *unclaimed;
	struct kmcl_piece *unclaimed_piece;
	u64 bus_offset;
	struct kmcl_stream inner;
	u32 inner_kind;
	u32 inner_chunks;
	u64 bus_left;
	struct kmcl_session_bus *current_bus;
};

/**
 * struct kmcl_session_bus - a bus in a session
 * @node: in kmcl_session.buses
 * @bus: held
 * @bytes: of its record
 * @saving: between bus_save_begin and bus_save_end
 * @begun: between bus_restore_begin and bus_restore_end
 */
struct kmcl_session_bus {
	struct list_head node;
	struct vmb_bus *bus;
	u64 bytes;
	bool saving;
	bool begun;
};

/* A chunk of the largest size, and what else is worth carrying at once */
#define KMCL_STAGE_SIZE	(sizeof(struct kmcl_chunk) + KMCL_CHUNK_MAX + 64 * 1024)

/* freeze.c */
int kmcl_session_freeze(struct kmcl_session *s, u32 deadline_ms);
void kmcl_session_thaw(struct kmcl_session *s);
int kmcl_session_commit(struct kmcl_session *s);

/* handover.c */
int kmcl_session_fill(struct kmcl_session *s);
void kmcl_session_save_abort(struct kmcl_session *s);

/* takein.c */
int kmcl_session_restore(struct kmcl_session *s);
int kmcl_session_consume(struct kmcl_session *s);
int kmcl_session_restore_end(struct kmcl_session *s);
void kmcl_session_restore_abort(struct kmcl_session *s);

/* chardev.c, for the unit tests */
const struct file_operations *kmcl_chardev_fops(void);

struct kmcl_member {
	struct list_head node;
	struct vmb_channel *channel;
	bool saving;
};

#endif /* _KMCL_SESSION_H */
