/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the control plane share among themselves. */
#ifndef _KMCL_VMBUS_CONTROL_INTERNAL_H
#define _KMCL_VMBUS_CONTROL_INTERNAL_H

#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/xarray.h>

#include "control.h"

/* Messages that one run() takes from the inbox at most. */
#define VMBUS_RUN_BUDGET	VMBUS_INBOX_MAX

/*
 * What a server can have queued at most. It reads nothing while anything is
 * queued, so this is what devices can still cause: for each id an offer, a
 * rescind, an open's and a modify's result, an answer for each GPADL, and the
 * few messages about the connection itself.
 */
#define VMBUS_SERVER_OUTBOX_MAX	(4 * VMBUS_MAX_CHANNELS + VMBUS_MAX_GPADLS + 8)

/* ---- queues ---- */

struct vmbus_queued {
	struct list_head node;
	u32 len;
	u8 data[];
};

struct vmbus_outbox {
	struct list_head list;
	unsigned int nr;
};

struct vmbus_inbox {
	unsigned int first;
	unsigned int nr;
	struct {
		u32 len;
		u8 data[VMBUS_MSG_MAX] __aligned(8);
	} slot[VMBUS_INBOX_MAX];
};

static inline void vmbus_outbox_init(struct vmbus_outbox *out)
{
	INIT_LIST_HEAD(&out->list);
	out->nr = 0;
}

void vmbus_outbox_add(struct vmbus_outbox *out, const void *msg, size_t len);
bool vmbus_outbox_flush(struct vmbus_outbox *out,
			int (*send)(void *ctx, const void *msg, size_t len),
			void *ctx, struct vmbus_control_stats *stats);
void vmbus_outbox_purge(struct vmbus_outbox *out);
int vmbus_inbox_put(struct vmbus_inbox *in, const void *msg, size_t len,
		    struct vmbus_control_stats *stats);
size_t vmbus_inbox_get(struct vmbus_inbox *in, void *msg);

static inline struct vmbus_msg_hdr vmbus_msg_hdr(enum vmbus_msg_type type)
{
	return (struct vmbus_msg_hdr) { .type = cpu_to_le32(type) };
}

/* ---- actions that wait to be delivered ---- */

enum vmbus_work_kind { VMBUS_WORK_LINK, VMBUS_WORK_CHANNEL, VMBUS_WORK_GPADL };

struct vmbus_work {
	struct list_head node;
	u8 kind;
	u8 pending;
};

static inline void vmbus_work_init(struct vmbus_work *work,
				   enum vmbus_work_kind kind)
{
	INIT_LIST_HEAD(&work->node);
	work->kind = kind;
	work->pending = 0;
}

static inline void vmbus_work_cancel(struct vmbus_work *work)
{
	list_del_init(&work->node);
	work->pending = 0;
}

/* ---- GPADL contents ---- */

/* A word that begins a range. */
static inline u32 vmbus_gpadl_range_count(u64 word)
{
	return lower_32_bits(word);
}

static inline u32 vmbus_gpadl_range_offset(u64 word)
{
	return upper_32_bits(word);
}

static inline u64 vmbus_gpadl_range_pages(u32 count, u32 offset)
{
	return ((u64)offset + count + VMBUS_PAGE_SIZE - 1) >> VMBUS_PAGE_SHIFT;
}

int vmbus_gpadl_validate(const u64 *words, u32 nr_words, u32 nr_ranges,
			 u64 nr_pages);

static inline bool vmbus_key_equal(const struct vmbus_channel_key *a,
				   const struct vmbus_channel_key *b)
{
	return a->subchannel == b->subchannel &&
	       guid_equal(&a->instance, &b->instance) &&
	       guid_equal(&a->type, &b->type);
}

static inline bool vmbus_key_same_device(const struct vmbus_channel_key *a,
					 const struct vmbus_channel_key *b)
{
	return guid_equal(&a->instance, &b->instance) &&
	       guid_equal(&a->type, &b->type);
}

/* ---- server ---- */

enum vmbus_next {
	VMBUS_NEXT_NONE,
	VMBUS_NEXT_UNLOAD_COMPLETE,
	VMBUS_NEXT_RECONNECT,
	VMBUS_NEXT_REFUSE_VERSION,
	VMBUS_NEXT_FAIL_VERSION,
	VMBUS_NEXT_NR
};

/* vmbus_server.work.pending, in the order of delivery */
#define VMBUS_SL_RESET_DONE	BIT(0)
#define VMBUS_SL_DISCONNECT	BIT(1)
#define VMBUS_SL_CONNECT	BIT(2)

struct vmbus_server {
	const struct vmbus_server_ops *ops;
	void *ctx;
	u64 nr_pages;
	u64 max_words;
	u32 connection_id;
	bool absolute_order;

	bool stopped;
	bool running;
	enum vmbus_connection_state state;
	struct vmbus_contact contact;
	bool offers_sent;
	/* ops->disconnect is due, or was called and is unanswered */
	bool disconnect_asked;
	/* what follows the disconnect */
	enum vmbus_next next;
	struct vmbus_contact next_contact;
	bool reset_wanted;

	struct list_head channels;
	unsigned int nr_channels;
	struct vmbus_server_channel *ids[VMBUS_MAX_CHANNELS + 1];
	u32 free_from;			/* no number below this is free */
	/* GPADLs of which not all messages are here, by handle */
	struct xarray half_sent;
	u32 nr_gpadls;
	u64 nr_words;

	struct list_head todo;
	struct vmbus_work work;
	struct vmbus_outbox out;
	struct vmbus_inbox in;
	struct vmbus_control_stats stats;
};

/* vmbus_server_channel.work.pending */
#define VMBUS_SC_DO_OPEN	BIT(0)
#define VMBUS_SC_DO_CLOSE	BIT(1)
#define VMBUS_SC_DO_MODIFY	BIT(2)

struct vmbus_server_channel {
	struct vmbus_server *srv;
	struct list_head node;
	struct vmbus_work work;
	struct vmbus_offer offer;
	u32 order;
	void *context;
	u32 id;				/* 0: the client does not know it */
	u32 nr_gpadls;
	enum vmbus_server_channel_state state;
	/* a device holds the pointer; else, unless dead, nobody claimed it */
	bool attached;
	bool dead;			/* revoked */
	bool paused;
	bool modifying;
	bool close_wanted;		/* once the open is answered */
	u32 modify_vp;
	struct vmbus_open_request req;
	struct vmbus_open_request next_req;	/* VMBUS_SC_CLOSING_REOPEN */
	struct xarray gpadls;
};

enum vmbus_server_gpadl_state {
	VMBUS_SG_HALF_SENT,
	VMBUS_SG_OFFERED,	/* ops->gpadl is unanswered */
	VMBUS_SG_OFFERED_GONE,	/* and the client has forgotten it */
	VMBUS_SG_ACCEPTED,
	VMBUS_SG_TEARDOWN,	/* ops->gpadl_teardown is unanswered */
};

/* vmbus_server_gpadl.work.pending */
#define VMBUS_SG_DO_OFFER	BIT(0)
#define VMBUS_SG_DO_TEARDOWN	BIT(1)

struct vmbus_server_gpadl {
	struct vmbus_server_channel *chan;
	struct vmbus_work work;
	u32 handle;
	enum vmbus_server_gpadl_state state;
	bool silent;		/* no GPADL_TORNDOWN: nobody waits for it */
	u16 nr_ranges;
	u16 nr_words;		/* when it is complete */
	u16 have;		/* words that are here */
	u64 words[];
};

void vmbus_server_kick(struct vmbus_server *srv, struct vmbus_work *work,
		       u8 bits);
void vmbus_server_queue(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_server_drop(struct vmbus_server *srv, enum vmbus_drop why);
void vmbus_server_settle(struct vmbus_server *srv);
bool vmbus_contact_ok(const struct vmbus_server *srv,
		      const struct vmbus_contact *contact);

/* A restored channel that no device has claimed. */
static inline bool vmbus_sc_unclaimed(const struct vmbus_server_channel *chan)
{
	return !chan->attached && !chan->dead;
}

/* The ring of a channel is in use, or may be. */
static inline bool vmbus_sc_busy(const struct vmbus_server_channel *chan)
{
	switch (chan->state) {
	case VMBUS_SC_OPENING:
	case VMBUS_SC_OPEN:
	case VMBUS_SC_CLOSING:
	case VMBUS_SC_CLOSING_REOPEN:
	case VMBUS_SC_CLOSING_CLIENT_RELEASE:
	case VMBUS_SC_OPENING_CLIENT_RELEASE:
		return true;
	default:
		return false;
	}
}

extern const struct vmbus_open_request vmbus_no_request;

struct vmbus_server_channel *vmbus_sc_new(struct vmbus_server *srv,
					  const struct vmbus_offer *offer);
void vmbus_sc_free(struct vmbus_server_channel *chan);
void vmbus_sc_revoke(struct vmbus_server_channel *chan);
void vmbus_sc_kick_all(struct vmbus_server_channel *chan);
void vmbus_sc_closed(struct vmbus_server_channel *chan);
void vmbus_sc_client_release(struct vmbus_server_channel *chan);
void vmbus_sc_send_offer(struct vmbus_server_channel *chan);
void vmbus_sc_deliver(struct vmbus_server_channel *chan);
void vmbus_sc_msg_open(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sc_msg_close(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sc_msg_released(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sc_msg_modify(struct vmbus_server *srv, const void *msg, size_t len);
bool vmbus_sc_ring_ok(struct vmbus_server_channel *chan,
		      const struct vmbus_open_request *req);

struct vmbus_server_gpadl *vmbus_sg_new(struct vmbus_server_channel *chan,
					u32 handle, u32 nr_ranges, u32 nr_words,
					bool half_sent);
void vmbus_sg_free(struct vmbus_server_gpadl *g);
void vmbus_sg_header(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sg_body(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sg_teardown(struct vmbus_server *srv, const void *msg, size_t len);
void vmbus_sg_client_release(struct vmbus_server_channel *chan);
void vmbus_sg_primary_closed(struct vmbus_server_channel *chan);
void vmbus_sg_revoke(struct vmbus_server_channel *chan);
void vmbus_sg_deliver(struct vmbus_server_gpadl *g);

/* ---- client ---- */

enum vmbus_outcome {
	VMBUS_OUTCOME_OK,
	VMBUS_OUTCOME_REFUSED,
	VMBUS_OUTCOME_GONE,
	VMBUS_OUTCOME_VERSION,
	VMBUS_OUTCOME_NR
};

int vmbus_outcome_errno(enum vmbus_outcome outcome);

/* vmbus_client.work.pending, in the order of delivery */
#define VMBUS_CL_UNLOADED	BIT(0)
#define VMBUS_CL_CONNECTED	BIT(1)
#define VMBUS_CL_DELIVERED	BIT(2)
#define VMBUS_CL_ALL		(BIT(3) - 1)

struct vmbus_client {
	const struct vmbus_client_ops *ops;
	void *ctx;
	u64 nr_pages;
	u32 target_vp;

	bool stopped;
	bool running;
	enum vmbus_client_state state;
	enum vmbus_outcome connect_outcome;
	u32 connection_id;
	u32 next_handle;
	u32 next_open_id;

	struct list_head channels;
	unsigned int nr_channels;
	struct vmbus_client_channel *ids[VMBUS_MAX_CHANNELS + 1];
	struct xarray gpadls;
	u32 nr_gpadls;

	struct list_head todo;
	struct vmbus_work work;
	struct vmbus_outbox out;
	struct vmbus_inbox in;
	struct vmbus_control_stats stats;
};

/* vmbus_client_channel.work.pending, in the order of delivery */
#define VMBUS_CC_TELL_OFFER	BIT(0)
#define VMBUS_CC_TELL_OPENED	BIT(1)
#define VMBUS_CC_TELL_MODIFIED	BIT(2)
#define VMBUS_CC_TELL_RESCIND	BIT(3)
#define VMBUS_CC_TELL_ALL	(BIT(4) - 1)

struct vmbus_client_channel {
	struct vmbus_client *cl;
	struct list_head node;
	struct vmbus_work work;
	struct vmbus_offer offer;
	void *context;
	u32 id;
	u32 connection_id;
	struct list_head gpadls;
	u32 nr_gpadls;
	enum vmbus_client_channel_state state;
	bool claimed;
	bool rescinded;
	bool modifying;
	enum vmbus_outcome open_outcome;
	enum vmbus_outcome modify_outcome;
	u32 modify_vp;
	struct vmbus_open_request req;
	struct vmbus_open_request next_req;	/* VMBUS_CC_OPENING_REOPEN */
};

enum vmbus_client_gpadl_state {
	VMBUS_CG_CREATING,
	VMBUS_CG_CREATING_TEARDOWN,	/* and it is to go at once */
	VMBUS_CG_CREATED,
	VMBUS_CG_TEARDOWN,
	VMBUS_CG_GONE,			/* what remains is to say so */
};

/* vmbus_client_gpadl.work.pending */
#define VMBUS_CG_TELL_CREATED	BIT(0)
#define VMBUS_CG_TELL_TORNDOWN	BIT(1)
#define VMBUS_CG_TELL_ALL	(BIT(2) - 1)

struct vmbus_client_gpadl {
	struct vmbus_client_channel *chan;
	struct list_head node;
	struct vmbus_work work;
	u32 handle;
	enum vmbus_client_gpadl_state state;
	enum vmbus_outcome outcome;
};

static inline bool vmbus_client_has_room(const struct vmbus_client *cl,
					 unsigned int nr)
{
	return cl->out.nr + nr <= VMBUS_CLIENT_OUTBOX_MAX;
}

void vmbus_client_queue(struct vmbus_client *cl, const void *msg, size_t len);
void vmbus_client_forget_channels(struct vmbus_client *cl);
void vmbus_cc_send_open(struct vmbus_client_channel *chan,
			const struct vmbus_open_request *req);
void vmbus_cc_send_close(struct vmbus_client_channel *chan);
void vmbus_cc_closed(struct vmbus_client_channel *chan);
void vmbus_cg_send_teardown(struct vmbus_client_gpadl *g);
int vmbus_cg_teardown(struct vmbus_client_gpadl *g);
void vmbus_client_kick(struct vmbus_client *cl, struct vmbus_work *work,
		       u8 bits);
struct vmbus_client_channel *vmbus_cc_new(struct vmbus_client *cl, u32 id,
					  const struct vmbus_offer *offer);
void vmbus_cc_free(struct vmbus_client_channel *chan);
int vmbus_cg_new(struct vmbus_client_channel *chan, u32 handle,
		 struct vmbus_client_gpadl **gpadlp);
void vmbus_cg_free(struct vmbus_client_gpadl *g);

#endif /* _KMCL_VMBUS_CONTROL_INTERNAL_H */
