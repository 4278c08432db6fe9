/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of the VMBus control plane: one machine with its surroundings, which
 * write down all that it says and does. Messages are made and compared as
 * 32-bit words after the type, not with the structures under test.
 *
 * Numbers in the names of cases are those of OpenVMM's tests: 9 to 53 of its
 * vmbus_server/src/channels/tests.rs, 54 to 57 of vmbus_server/src/tests.rs,
 * "3.5" what is missing there. One protocol version is spoken here (5.3), so
 * what is about others or about features of 6.0 says what stands for it.
 */
#ifndef _KMCL_CONTROL_TEST_H
#define _KMCL_CONTROL_TEST_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/unaligned.h>

#include "vmbus/control.h"

/* The guest's memory: enough for the largest GPADL, twice. */
#define CT_PAGES	16400U
#define CT_LOG		8192U

#define CT_FAIL		0x8000ffffU

enum ct_act {
	/* server */
	CT_CONNECT, CT_DISCONNECT, CT_RESET_DONE,
	CT_OPEN, CT_CLOSE, CT_MODIFY, CT_GPADL, CT_TEARDOWN,
	/* client */
	CT_CONNECTED, CT_OFFER, CT_DELIVERED, CT_RESCIND, CT_OPENED,
	CT_MODIFIED, CT_CREATED, CT_TORNDOWN, CT_UNLOADED,
	CT_NR
};

struct ct_msg {
	u32 len;
	u8 data[VMBUS_MSG_MAX];
};

/* who: the channel's context as a number, 0 for the machine's own actions */
struct ct_action {
	enum ct_act act;
	unsigned long who;
	s64 arg;
};

/*
 * One end. What it sends goes into out[] (or to the peer, if there is one, and
 * into out[] as a recording only).
 */
struct ct_event;

struct ct_end {
	struct kunit *test;
	struct vmbus_server *srv;
	struct vmbus_client *cl;
	struct ct_end *peer;
	int room;			/* messages that are taken yet, <0: any */
	u32 auto_answer;		/* BIT(act): answered at once, with 0 */
	bool mute;			/* a client's end that logs no actions */
	struct ct_msg *out;
	u32 nr_out, seen_out;
	struct ct_action *acts;
	u32 nr_acts, seen_acts;
	struct vmbus_open_request last_open;
	struct vmbus_contact last_contact;
	struct vmbus_client_channel *last_offer;
	u32 wakes;
	/* what went in, if it is to be played again */
	struct ct_event *tape;
	u32 nr_tape;
};

/* Something that happens to an end from outside. */
struct ct_event {
	u8 op;
	u32 who, arg, arg2;
	u32 len;
	u8 msg[VMBUS_MSG_MAX];
};

#define CT_TAPE		24576U

enum {
	CT_EV_RECEIVE, CT_EV_RUN,
	/* server */
	CT_EV_OFFER, CT_EV_REVOKE, CT_EV_PAUSE, CT_EV_RESUME, CT_EV_OPEN_RESULT,
	CT_EV_CLOSE_DONE, CT_EV_MODIFY_DONE, CT_EV_GPADL_DONE, CT_EV_TEARDOWN_DONE,
	/* client */
	CT_EV_CONNECT, CT_EV_REQUEST, CT_EV_UNLOAD, CT_EV_OPEN, CT_EV_CLOSE, CT_EV_MODIFY,
	CT_EV_CREATE, CT_EV_TEARDOWN, CT_EV_RELEASE,
};

/* Let it happen (and put it on the tape). Returns what the call does. */
int ct_do(struct ct_end *end, const struct ct_event *event);
void ct_record(struct ct_end *end);
/* The machine runs once; false if it had nothing to do. */
bool ct_run_once(struct ct_end *end);

extern const struct vmbus_server_ops ct_server_ops;
extern const struct vmbus_client_ops ct_client_ops;

struct ct_end *ct_server(struct kunit *test, const struct vmbus_server_params *params);
struct ct_end *ct_client(struct kunit *test);
/* Done with an end before its test is. */
void ct_drop(struct ct_end *end);
void ct_join(struct ct_end *a, struct ct_end *b);
void ct_run(struct ct_end *end);
void ct_run_pair(struct ct_end *a, struct ct_end *b);

/* Bytes, or a type with words after it, go in; the machine runs. */
void ct_in_bytes(struct ct_end *end, const void *msg, size_t len);
void ct_in(struct ct_end *end, u32 type, u32 nr, ...);
/* The next message out is of this type, with these words and nothing more. */
void ct_out_at(struct ct_end *end, int line, u32 type, u32 nr, ...);
/* The next action is this. */
void ct_act_at(struct ct_end *end, int line, enum ct_act act, unsigned long who,
	       s64 arg);
/* Nothing went out and nothing happened that was not expected. */
void ct_quiet_at(struct ct_end *end, int line);

#define ct_out(end, type, nr, ...)	\
	ct_out_at(end, __LINE__, type, nr, ##__VA_ARGS__)
#define ct_act(end, act, who, arg)	ct_act_at(end, __LINE__, act, who, arg)
#define ct_quiet(end)			ct_quiet_at(end, __LINE__)

/* The next message out, whatever it is. */
const struct ct_msg *ct_next(struct ct_end *end);
u32 ct_word(const struct ct_msg *msg, u32 offset);

/* An offer number @n; of the same device for equal @n >> 8, subchannel low. */
struct vmbus_offer ct_make_offer(u32 n);
struct vmbus_channel_key ct_key(u32 n);

/* ---- shortcuts for a server's end ---- */

struct vmbus_server_channel *ct_offer(struct ct_end *end, u32 n);
void ct_connect(struct ct_end *end);		/* up to the offers, all read */
void ct_contact(struct ct_end *end, u32 version);
/* Words of a GPADL of @pages whole pages from page @first, in messages. */
void ct_gpadl(struct ct_end *end, u32 channel, u32 handle, u32 first, u32 pages);
void ct_in_gpadl(struct ct_end *end, u32 channel, u32 handle, u32 pages);
void ct_in_open(struct ct_end *end, u32 channel, u32 open_id, u32 gpadl, u32 vp,
		u32 downstream);
/* An accepted ring GPADL (16 pages), and the channel opened with it. */
void ct_open(struct ct_end *end, struct vmbus_server_channel *chan, u32 gpadl);

u64 ct_dropped(struct ct_end *end);
u64 ct_drops(struct ct_end *end, enum vmbus_drop why);
void ct_check(struct ct_end *end);

/* Save: a buffer of the test's. Restore: into a new end with the same ops. */
void *ct_save(struct ct_end *end, size_t *len);
struct ct_end *ct_restore_server(struct kunit *test, const void *buf, size_t len);
struct ct_end *ct_restore_client(struct kunit *test, const void *buf, size_t len);
/* A new end from this one's state, which was saved, restored, saved: equal. */
struct ct_end *ct_again(struct ct_end *end);

#endif /* _KMCL_CONTROL_TEST_H */
