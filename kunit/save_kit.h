/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of saving, restoring and handing over share: channels whose
 * consumers save and restore everything, and a session.
 */
#ifndef _KMCL_SAVE_KIT_H
#define _KMCL_SAVE_KIT_H

#include "core_test.h"
#include "session.h"
#include "store.h"
#include "stream.h"

#define KIT_STREAM_MAX	(256 * 1024)
#define KIT_CALLS	512

/* What kit_populate() makes */
#define KIT_TAKEN	2
#define KIT_RECEIVED	2
#define KIT_COMPLETIONS	1
#define KIT_SENT	3
#define KIT_QUEUED	2
#define KIT_PACKETS	(KIT_SENT + KIT_QUEUED)
/* Header, channel, state, packets, end */
#define KIT_CHUNKS	(3 + KIT_TAKEN + KIT_RECEIVED + KIT_COMPLETIONS + KIT_PACKETS + 1)

struct kit_stream {
	u8 *data;
	u32 len;
};

/* A save callback was called: 's'tate, 'r'eceived, 'p'acket */
struct kit_call {
	char kind;
	void *object;
	void *buffer;
	u32 size;
};

/* The consumer of a channel: core_chan.priv */
struct kit {
	struct core_chan *c;
	struct kunit *test;
	guid_t instance;
	/* What the test sets: bytes of private state, 0: none */
	u32 state_need;
	u32 packet_need;
	u32 received_need;
	/* Forced results of the first and the second save call; 0: none */
	int state_err[2];
	int packet_err[2];
	int received_err[2];
	void (*on_save_received)(struct kit *k, struct vmb_packet_completion *pkt, bool second);
	/* The restore callback with this number, from 0, returns this, before or after */
	u32 fail_at;
	int fail;
	bool fail_late;
	bool complete_restored;		/* in the restore callback */
	void (*on_restore_received)(struct kit *k, struct vmb_packet_completion *pkt);
	bool free_done;			/* packets are freed as they end */
	void (*on_restore_packet)(struct kit *k, struct vmb_packet *pkt, const void *lib,
				  u32 size);
	/* What the test may look at */
	u32 nr_calls;
	struct kit_call calls[KIT_CALLS];
	u32 nr_restore;			/* restore callbacks */
	char order[64];			/* theirs, a letter each */
	u32 nr_packets;
	struct vmb_packet *packets[CORE_PACKETS];
	u32 nr_received;
	struct vmb_packet_completion *received[CORE_PACKETS];
	u32 nr_bad;			/* private state that is not as it was saved */
	u64 ids[KIT_PACKETS];		/* kit_populate(): of its packets, in order */
	struct vmb_mdl mdl;
	struct bio_vec bvec;
};

/* For suites on other buses, before their channels end */
void kit_close(struct kunit *test);

int kit_init(struct kunit *test);
void kit_exit(struct kunit *test);

/* Disabled, of this instance or (NULL) one of its own */
struct kit *kit_make(struct kunit *test, bool server, const guid_t *instance);
/* A running one with KIT_* packets of each class, one more unread once it is frozen */
struct kit *kit_populated(struct kunit *test, bool server);
void kit_populate(struct kit *k);
/* The old one ends, without a commit; its instance is free */
void kit_end(struct kit *k);

/* The session: one at a time; whatever is left of it, kit_exit() undoes. */
struct kmcl_session *kit_session(struct kunit *test);
struct kmcl_session *kit_session_now(void);
void kit_session_close(struct kunit *test);
struct kmcl_session *kit_freeze(struct kunit *test);
/* All of the set */
struct kit_stream kit_read_set(struct kunit *test);
/* Freeze, read, commit; the session stays */
struct kit_stream kit_hand_over(struct kunit *test);
/* Take a set in with a new session, which is closed. The first error. */
int kit_take_in(struct kunit *test, const struct kit_stream *set, u32 piece);

/* Save with buffers of @piece bytes; asserts that it goes well. */
struct kit_stream kit_save(struct kit *k, u32 piece);
struct kit_stream kit_stream_new(struct kunit *test);
int kit_restore(struct kit *k, const struct kit_stream *stream);
/* Freeze and save @k, and end it: who comes after it, Disabled, with its instance */
struct kit *kit_successor(struct kit *k, struct kit_stream *stream, u32 piece);
/* The @n-th chunk, or NULL */
struct kmcl_chunk *kit_chunk(const struct kit_stream *stream, u32 n);
u32 kit_chunks(const struct kit_stream *stream);
/* Give it a new sum, after a change. */
void kit_seal(struct kmcl_chunk *chunk);
/* Number the chunks anew, correct the end's count of them, seal all. */
void kit_renumber(const struct kit_stream *stream);
void kit_remove_chunk(struct kit_stream *stream, u32 n);
void kit_insert_chunk(struct kit_stream *stream, u32 n, const void *chunk, u32 size);

#endif /* _KMCL_SAVE_KIT_H */
