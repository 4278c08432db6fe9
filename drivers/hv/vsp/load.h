/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The load: what vsp_echo (server ends) and vsc_load (client ends) share.
 *
 * Both do the same two things on each channel: issue requests of their own
 * (load_issue.c), and hold the peer's requests for a while before they answer
 * them (load_hold.c). What goes where is decided by the plan (load_plan.c),
 * what is in a packet by a few pure functions (load_payload.c), and what
 * happened is written to the ledger (load_ledger.c).
 *
 * A request is named by its direction, its channel and its sequence number,
 * which counts from 0 for each direction of each channel.
 */
#ifndef _KMCL_LOAD_H
#define _KMCL_LOAD_H

#include <linux/kmcl.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/* The direction of a request, and the end that issues it */
enum load_dir {
	LOAD_CLIENT,
	LOAD_SERVER,
	LOAD_DIRS,
};

#define LOAD_MAX_CHANNELS	64U
#define LOAD_MAX_EXTERNAL	(64U * 1024)

/**
 * struct load_plan - what one channel carries; arrays by direction of requests
 * @payload_max: largest request, bytes
 * @ext_max: largest external data of a client's request, bytes; 0: none
 * @resp_min: smallest answer, bytes, without its head
 * @resp_max: largest
 * @ring_pages: of each ring
 * @delay_min: how long a request is held, at least, in milliseconds
 * @delay_max: at most
 * @depth: requests kept in flight
 * @quota: transaction quota of the end that receives them
 * @batch_ms: how long that end sleeps over the first packet of a batch; those
 *	behind it are taken from the ring and not delivered
 * @complete_ms: how long the end that issued them sleeps over each completion
 * @passive: the receiving end asks for processing at passive level
 * @defer: it does not, but defers the first packet of a batch
 * @keeps: received packets are saved; else they are finished before
 */
struct load_plan {
	u32 payload_max;
	u32 ext_max;
	u32 resp_min;
	u32 resp_max;
	u32 ring_pages;
	u32 delay_min;
	u32 delay_max;
	u32 depth[LOAD_DIRS];
	u32 quota[LOAD_DIRS];
	u32 batch_ms[LOAD_DIRS];
	u32 complete_ms[LOAD_DIRS];
	bool passive[LOAD_DIRS];
	bool defer[LOAD_DIRS];
	bool keeps;
};

/**
 * struct load_end - one end of one channel
 * @channel: the channel
 * @plan: what it carries
 * @index: its number
 * @mine: direction of the requests that this end issues
 * @theirs: of those that it answers
 * @running: between Started and Suspend: requests may be issued
 * @bits: LOAD_FILLING, LOAD_FILL_AGAIN
 * @next_seq: of the next request issued; by who has LOAD_FILLING
 * @outstanding: requests issued and not ended
 * @scratch: payload of the request being issued
 * @lock: what is below, down to @quiet
 * @quitting: the end is being taken down: answer everything now
 * @held: requests held, by the time of their answer
 * @nr_held: how many there are
 * @hurry: answer them all as soon as possible
 * @quiet: answer none: the channel is saved
 * @expected: by the process-packet callback, as the two that follow: the lowest
 *	sequence number that the peer did not use yet
 * @at_batch_start: the next packet is the first of a batch
 * @deferred: it was deferred to passive and comes again
 * @answer: the answer being made; by @work alone
 * @work: answers what is due and issues what could not be issued before
 */
struct load_end {
	struct vmb_channel *channel;
	struct load_plan plan;
	u32 index;
	enum load_dir mine;
	enum load_dir theirs;

	bool running;
	unsigned long bits;
	u64 next_seq;
	atomic_t outstanding;
	u8 *scratch;

	spinlock_t lock;	/* down to @quiet */
	bool quitting;
	struct rb_root_cached held;
	u32 nr_held;
	bool hurry;
	bool quiet;

	u64 expected;
	bool at_batch_start;
	bool deferred;

	u8 *answer;
	struct delayed_work work;
};

/* load_end.c: an end's life */
extern const guid_t load_interface_type;
void load_interface_instance(u32 index, guid_t *instance);
u32 load_channels(void);
struct load_end *load_end_create(u32 index, enum load_dir mine);
int load_end_enable(struct load_end *end);
void load_ends_destroy(struct load_end **ends, u32 count);
void load_end_kick(struct load_end *end, unsigned long delay);

/* load_issue.c: requests of our own */
#define LOAD_FILLING	0
#define LOAD_FILL_AGAIN	1

void load_issue_fill(struct load_end *end);
void load_issue_stop(struct load_end *end);
int load_issue_save(struct vmb_channel *channel, struct vmb_packet *packet, void *buffer,
		    u32 size, u32 *bytes_needed);
int load_issue_restore(struct vmb_channel *channel, const void *lib_buffer, u32 lib_size,
		       const void *buffer, u32 size);
void load_issue_credit(s64 count);

/* load_hold.c: requests of the peer */
u32 load_hold_context_size(void);
u32 load_hold_count(void);
void load_hold_process(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		       void *buffer, u32 length, u32 flags);
void load_hold_batch_end(struct vmb_channel *channel, u32 packets);
unsigned long load_hold_run(struct load_end *end);
void load_hold_forget(struct load_end *end);
int load_hold_save(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		   void *buffer, u32 size, u32 *bytes_needed);
int load_hold_restore(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		      void *payload, u32 length, u32 flags, const void *buffer, u32 size);

/* load_plan.c */
void load_plan_get(u32 index, struct load_plan *plan);

/* load_payload.c: pure functions of (seed, direction, channel, seq) */
enum load_key {
	LOAD_KEY_PAYLOAD,
	LOAD_KEY_EXTERNAL,
	LOAD_KEY_RESPONSE,
	LOAD_KEY_DELAY,
	LOAD_KEY_PRIVATE,
	LOAD_KEY_STATE,
};

#define LOAD_RESPONSE_HEAD	8U	/* digest of the request, bytes that follow */

int load_payload_init(u64 seed);
void load_payload_exit(void);
u64 load_key(enum load_key kind, enum load_dir dir, u32 channel, u64 seq);
u32 load_payload_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq);
u32 load_external_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq);
bool load_external_written(u64 seq);
u32 load_response_len(const struct load_plan *plan, enum load_dir dir, u32 channel, u64 seq);
void load_payload_fill(void *to, u32 len, enum load_dir dir, u32 channel, u64 seq);
const void *load_bytes(u64 key);

/* load_ledger.c */
int load_ledger_init(void);
void load_ledger_exit(void);
__printf(1, 2) void load_log(const char *format, ...);
u64 load_ledger_pending(void);
u64 load_ledger_lost(void);

static inline char load_dir_name(enum load_dir dir)
{
	return dir == LOAD_CLIENT ? 'c' : 's';
}

/* A digest as zlib's crc32() has it, over several pieces; starts with 0 */
u32 load_crc(u32 crc, const void *data, u32 len);
void load_write_mdl(const struct vmb_mdl *mdl, const void *from, u32 len);
u32 load_crc_mdl(u32 crc, const struct vmb_mdl *mdl, u32 len);

#endif /* _KMCL_LOAD_H */
