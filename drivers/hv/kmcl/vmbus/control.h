/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus control plane: a server's and a client's side as state machines.
 *
 * A machine does no I/O and has no thread and no lock. Messages go in with
 * vmbus_server_receive()/vmbus_client_receive(), which only queue them, and
 * local requests with the other calls, which change state, queue messages and
 * note actions. vmbus_server_run()/vmbus_client_run() is the one place where
 * queued messages leave (ops->send), where received ones are looked at, and
 * where actions are delivered (the other ops).
 *
 * Rules for the user:
 *
 * - Calls on one machine are serialised by the user (a mutex: everything here
 *   may sleep). All ops are called with that serialisation held.
 * - Run the machine after any call; ops->wake says when that is due. run()
 *   returns true if it did anything. Two joined machines are driven by
 *   do { more = vmbus_server_run(s); more |= vmbus_client_run(c); } while (more)
 *   under one lock, with ops->send of each calling receive() of the other.
 * - An op may call anything of its machine but run(), save(), restore() and
 *   free(): an action can be answered from within the action or any time later.
 * - A message that send() refuses stays queued, with all that come after it,
 *   and the next run() tries again.
 *
 * What bounds memory: 64 unread messages a machine; a server reads none of
 * them while it has messages that its peer has not taken; 2047 channels; a
 * limit on GPADLs and on words in them. What a peer sends wrongly is dropped
 * and counted by reason (&enum vmbus_drop).
 */
#ifndef _KMCL_VMBUS_CONTROL_H
#define _KMCL_VMBUS_CONTROL_H

#include <linux/types.h>
#include <linux/uuid.h>

#include "messages.h"

struct vmbus_server;
struct vmbus_server_channel;
struct vmbus_server_gpadl;
struct vmbus_client;
struct vmbus_client_channel;

/* Messages received and not yet looked at. */
#define VMBUS_INBOX_MAX			64U
/* A client's messages not yet sent; local requests beyond get -ENOBUFS. */
#define VMBUS_CLIENT_OUTBOX_MAX		4096U
#define VMBUS_MAX_GPADLS_PER_CHANNEL	256U
#define VMBUS_MAX_GPADLS		16384U

/**
 * enum vmbus_drop - why a received message was ignored
 * @VMBUS_DROP_TOO_SHORT: shorter than its type
 * @VMBUS_DROP_TOO_LONG: longer than a message can be
 * @VMBUS_DROP_TYPE: unknown type, or one for the other side
 * @VMBUS_DROP_UNSUPPORTED: a known type of a feature that is not offered
 * @VMBUS_DROP_NOT_CONNECTED: not allowed in this state of the connection
 * @VMBUS_DROP_CHANNEL: no such channel
 * @VMBUS_DROP_STATE: not allowed in this state of the channel or GPADL
 * @VMBUS_DROP_REVOKED: crossed the rescind of its channel (no fault)
 * @VMBUS_DROP_GPADL: no such GPADL
 * @VMBUS_DROP_CONTENT: a field's value makes no sense
 * @VMBUS_DROP_LIMIT: more than the receiver is willing to keep
 * @VMBUS_DROP_NR: number of reasons
 */
enum vmbus_drop {
	VMBUS_DROP_TOO_SHORT,
	VMBUS_DROP_TOO_LONG,
	VMBUS_DROP_TYPE,
	VMBUS_DROP_UNSUPPORTED,
	VMBUS_DROP_NOT_CONNECTED,
	VMBUS_DROP_CHANNEL,
	VMBUS_DROP_STATE,
	VMBUS_DROP_REVOKED,
	VMBUS_DROP_GPADL,
	VMBUS_DROP_CONTENT,
	VMBUS_DROP_LIMIT,
	VMBUS_DROP_NR
};

const char *vmbus_drop_name(enum vmbus_drop why);

/**
 * struct vmbus_control_stats - counters of a machine (not saved)
 * @received: messages that receive() took
 * @sent: messages that ops->send took
 * @dropped: received messages that were ignored, by reason
 * @refused: requests that were answered with a failure
 * @full: times that receive() had no room; nothing is lost by that
 */
struct vmbus_control_stats {
	u64 received;
	u64 sent;
	u64 dropped[VMBUS_DROP_NR];
	u64 refused;
	u64 full;
};

/**
 * struct vmbus_channel_key - identity of a channel, stable over save/restore
 * @type: interface type
 * @instance: interface instance
 * @subchannel: 0 for the primary channel
 */
struct vmbus_channel_key {
	guid_t type;
	guid_t instance;
	u16 subchannel;
};

/* struct vmbus_offer.flags; all other bits are for features not spoken here */
#define VMBUS_OFFER_ENUMERATE_DEVICE_INTERFACE	0x0001
#define VMBUS_OFFER_NAMED_PIPE_MODE		0x0010
#define VMBUS_OFFER_FLAGS_VALID			0x0011

/**
 * struct vmbus_offer - what an offer says
 * @key: identity
 * @flags: VMBUS_OFFER_*
 * @mmio_megabytes: MMIO space wanted
 * @optional_mmio_megabytes: MMIO space wanted if there is some
 * @user_data: 120 bytes for whom it concerns
 */
struct vmbus_offer {
	struct vmbus_channel_key key;
	u16 flags;
	u16 mmio_megabytes;
	u16 optional_mmio_megabytes;
	u8 user_data[VMBUS_USER_DATA_LEN];
};

/**
 * struct vmbus_open_request - what opening a channel says
 * @open_id: chosen by the client's machine; comes back in the result
 * @ring_gpadl: GPADL of this channel that holds both rings
 * @target_vp: processor to interrupt, or %VMBUS_VP_NONE
 * @downstream_page: page of the GPADL where the server-to-client ring begins
 * @user_data: 120 bytes for whom it concerns
 */
struct vmbus_open_request {
	u32 open_id;
	u32 ring_gpadl;
	u32 target_vp;
	u32 downstream_page;
	u8 user_data[VMBUS_USER_DATA_LEN];
};

/**
 * struct vmbus_gpadl_range - a piece of the guest's memory, of a GPADL
 * @byte_count: bytes, at least 1
 * @byte_offset: into the first page
 * @nr_pages: pages that it touches
 * @pfns: their numbers, each below the guest's number of pages
 */
struct vmbus_gpadl_range {
	u32 byte_count;
	u32 byte_offset;
	u32 nr_pages;
	const u64 *pfns;
};

/* ------------------------------------------------------------- server ---- */

/**
 * enum vmbus_connection_state - of the server's connection to its client
 * @VMBUS_DISCONNECTED: nobody there
 * @VMBUS_CONNECTING: a client made contact; ops->connect is unanswered
 * @VMBUS_CONNECTED: version agreed
 * @VMBUS_DISCONNECTING: channels and GPADLs are being given back
 */
enum vmbus_connection_state {
	VMBUS_DISCONNECTED,
	VMBUS_CONNECTING,
	VMBUS_CONNECTED,
	VMBUS_DISCONNECTING,
};

/**
 * enum vmbus_server_channel_state - of an offered channel
 * @VMBUS_SC_CLIENT_RELEASED: the client does not know it (no id)
 * @VMBUS_SC_CLOSED: offered
 * @VMBUS_SC_OPENING: ops->open is unanswered
 * @VMBUS_SC_OPEN: open
 * @VMBUS_SC_CLOSING: ops->close is unanswered
 * @VMBUS_SC_CLOSING_REOPEN: and the client has already asked to open it again
 * @VMBUS_SC_CLOSING_CLIENT_RELEASE: and the client has forgotten it
 * @VMBUS_SC_OPENING_CLIENT_RELEASE: ops->open is unanswered, the client has
 *	forgotten it
 * @VMBUS_SC_REVOKED: rescinded, the client has not released the id
 * @VMBUS_SC_REOFFERED: same, and it is to be offered again when it does
 */
enum vmbus_server_channel_state {
	VMBUS_SC_CLIENT_RELEASED,
	VMBUS_SC_CLOSED,
	VMBUS_SC_OPENING,
	VMBUS_SC_OPEN,
	VMBUS_SC_CLOSING,
	VMBUS_SC_CLOSING_REOPEN,
	VMBUS_SC_CLOSING_CLIENT_RELEASE,
	VMBUS_SC_OPENING_CLIENT_RELEASE,
	VMBUS_SC_REVOKED,
	VMBUS_SC_REOFFERED,
};

/**
 * struct vmbus_contact - what a client said when it made contact
 * @version: protocol version (always the one spoken here)
 * @target_vp: processor its messages go to
 * @monitor_to_child: monitor page's address in the guest, or 0
 * @monitor_to_parent: the other monitor page's, or 0
 */
struct vmbus_contact {
	u32 version;
	u32 target_vp;
	u64 monitor_to_child;
	u64 monitor_to_parent;
};

/**
 * struct vmbus_server_ops - what a server's machine asks of its user
 * @send: Pass @msg (8 to 240 bytes) to the client. 0, or negative if there is
 *	no room now. Never calls run().
 * @wake: There is something to do for vmbus_server_run(). Called from within
 *	other calls; only schedules. May be NULL.
 * @connect: A client made contact; set up what @contact says, then
 *	vmbus_server_connect_done(). NULL is an immediate success.
 * @disconnect: Nothing of the connection is in use any more; forget what
 *	@connect set up, then vmbus_server_disconnect_done(). Comes for every
 *	connection, even when nothing was ever open. NULL is immediate.
 * @reset_done: What vmbus_server_reset() asked for is complete. May be NULL.
 * @open: Open the channel; answer with vmbus_server_open_result(). The ring's
 *	GPADL is accepted and has been checked: one range of whole pages,
 *	0 < downstream_page, each ring of two pages or more.
 * @close: Close the channel; answer with vmbus_server_close_done(). There is
 *	no failing.
 * @modify: Interrupt @target_vp from now on; answer with
 *	vmbus_server_modify_done(). NULL refuses the client's request.
 * @gpadl: The client shares memory; answer with vmbus_server_gpadl_done().
 *	NULL accepts all.
 * @gpadl_teardown: The client wants its memory back: stop using it, then
 *	vmbus_server_gpadl_teardown_done(). It comes after the close of a channel
 *	whose rings it holds. NULL is immediate. @gpadl is good until the answer.
 *
 * The last five get the context that the channel was offered or claimed with
 * and come for channels between that and their revocation.
 */
struct vmbus_server_ops {
	int (*send)(void *ctx, const void *msg, size_t len);
	void (*wake)(void *ctx);
	void (*connect)(void *ctx, const struct vmbus_contact *contact);
	void (*disconnect)(void *ctx);
	void (*reset_done)(void *ctx);
	void (*open)(struct vmbus_server_channel *chan, void *context,
		     const struct vmbus_open_request *req);
	void (*close)(struct vmbus_server_channel *chan, void *context);
	void (*modify)(struct vmbus_server_channel *chan, void *context,
		       u32 target_vp);
	void (*gpadl)(struct vmbus_server_channel *chan, void *context,
		      const struct vmbus_server_gpadl *gpadl);
	void (*gpadl_teardown)(struct vmbus_server_channel *chan, void *context,
			       const struct vmbus_server_gpadl *gpadl);
};

/**
 * struct vmbus_server_params - of a new server
 * @nr_pages: the guest's pages are numbered 0 to this, exclusive
 * @max_gpadl_words: 64-bit words (one for each page and range) that all GPADLs
 *	together may hold; 0 is twice @nr_pages and a little
 * @connection_id: where further messages go, as told to the client; 0 is 1
 * @absolute_order: number channels by the order that vmbus_server_offer() is
 *	told first, and by their type second
 */
struct vmbus_server_params {
	u64 nr_pages;
	u64 max_gpadl_words;
	u32 connection_id;
	bool absolute_order;
};

struct vmbus_server *vmbus_server_alloc(const struct vmbus_server_ops *ops,
					void *ctx,
					const struct vmbus_server_params *params);
void vmbus_server_free(struct vmbus_server *srv);

int vmbus_server_receive(struct vmbus_server *srv, const void *msg, size_t len);
bool vmbus_server_run(struct vmbus_server *srv);

/* No message is read or sent and no action delivered until start. */
void vmbus_server_stop(struct vmbus_server *srv);
void vmbus_server_start(struct vmbus_server *srv);

/* The host resets the machine: as if the client unloaded, with no reply. */
void vmbus_server_reset(struct vmbus_server *srv);

int vmbus_server_connect_done(struct vmbus_server *srv, int error);
int vmbus_server_disconnect_done(struct vmbus_server *srv);

int vmbus_server_offer(struct vmbus_server *srv, const struct vmbus_offer *offer,
		       u32 order, void *context,
		       struct vmbus_server_channel **chanp);
void vmbus_server_revoke(struct vmbus_server_channel *chan);

/* The device does not want open and modify for the time being. */
void vmbus_server_channel_pause(struct vmbus_server_channel *chan);
void vmbus_server_channel_resume(struct vmbus_server_channel *chan);

int vmbus_server_open_result(struct vmbus_server_channel *chan, int error);
int vmbus_server_close_done(struct vmbus_server_channel *chan);
int vmbus_server_modify_done(struct vmbus_server_channel *chan, int error);
int vmbus_server_gpadl_done(struct vmbus_server_channel *chan, u32 handle,
			    int error);
int vmbus_server_gpadl_teardown_done(struct vmbus_server_channel *chan,
				     u32 handle);

const struct vmbus_server_gpadl *
vmbus_server_gpadl_find(const struct vmbus_server_channel *chan, u32 handle);
u32 vmbus_server_gpadl_handle(const struct vmbus_server_gpadl *gpadl);
u32 vmbus_server_gpadl_ranges(const struct vmbus_server_gpadl *gpadl);
int vmbus_server_gpadl_range(const struct vmbus_server_gpadl *gpadl, u32 index,
			     struct vmbus_gpadl_range *range);

enum vmbus_connection_state
vmbus_server_state(const struct vmbus_server *srv);
const struct vmbus_control_stats *
vmbus_server_stats(const struct vmbus_server *srv);
enum vmbus_server_channel_state
vmbus_server_channel_state(const struct vmbus_server_channel *chan);
u32 vmbus_server_channel_id(const struct vmbus_server_channel *chan);
void *vmbus_server_channel_context(const struct vmbus_server_channel *chan);
const struct vmbus_offer *
vmbus_server_channel_offer(const struct vmbus_server_channel *chan);
const struct vmbus_open_request *
vmbus_server_channel_open_request(const struct vmbus_server_channel *chan);
struct vmbus_server_channel *
vmbus_server_find(struct vmbus_server *srv, const struct vmbus_channel_key *key);

/*
 * Save (of a stopped server) returns the bytes that the state takes; they are
 * in @buf if @size is that or more. Restore wants a server that has nothing.
 * It leaves it stopped, with channels that no device has claimed.
 */
ssize_t vmbus_server_save(const struct vmbus_server *srv, void *buf, size_t size);
int vmbus_server_restore(struct vmbus_server *srv, const void *buf, size_t len);

/**
 * enum vmbus_claim - what a device finds of itself after a restore
 * @VMBUS_CLAIM_NONE: nothing; offer anew
 * @VMBUS_CLAIM_OFFERED: the channel, not open; actions come as after an offer
 * @VMBUS_CLAIM_KEPT: the channel, open, with its rings; go on where you were
 */
enum vmbus_claim {
	VMBUS_CLAIM_NONE,
	VMBUS_CLAIM_OFFERED,
	VMBUS_CLAIM_KEPT,
};

enum vmbus_claim vmbus_server_claim(struct vmbus_server *srv,
				    const struct vmbus_channel_key *key,
				    void *context,
				    struct vmbus_server_channel **chanp);
unsigned int vmbus_server_drop_unclaimed(struct vmbus_server *srv);

/* Verify the machine's own consistency (tests, and after a restore). */
int vmbus_server_check(const struct vmbus_server *srv);

/* ------------------------------------------------------------- client ---- */

/**
 * enum vmbus_client_state - of the client's connection
 * @VMBUS_CLIENT_DISCONNECTED: no contact
 * @VMBUS_CLIENT_CONNECTING: contact made, no answer
 * @VMBUS_CLIENT_CONNECTED: version agreed
 * @VMBUS_CLIENT_REQUESTED: offers asked for; they come now and later
 * @VMBUS_CLIENT_UNLOADING: unload sent, no answer
 */
enum vmbus_client_state {
	VMBUS_CLIENT_DISCONNECTED,
	VMBUS_CLIENT_CONNECTING,
	VMBUS_CLIENT_CONNECTED,
	VMBUS_CLIENT_REQUESTED,
	VMBUS_CLIENT_UNLOADING,
};

/**
 * enum vmbus_client_channel_state - of an offer that the client got
 * @VMBUS_CC_CLOSED: not open (and nothing under way)
 * @VMBUS_CC_OPENING: open sent, no result
 * @VMBUS_CC_OPEN: open
 * @VMBUS_CC_OPENING_CLOSE: open sent, no result, closed locally since
 * @VMBUS_CC_OPENING_REOPEN: same, and to be opened again after that
 */
enum vmbus_client_channel_state {
	VMBUS_CC_CLOSED,
	VMBUS_CC_OPENING,
	VMBUS_CC_OPEN,
	VMBUS_CC_OPENING_CLOSE,
	VMBUS_CC_OPENING_REOPEN,
};

/**
 * struct vmbus_client_ops - what a client's machine tells its user
 * @send: as &struct vmbus_server_ops.send, to the server
 * @wake: as &struct vmbus_server_ops.wake
 * @connected: Answer to vmbus_client_connect(): 0, -EPROTONOSUPPORT or -EIO.
 * @offer: A channel is offered. Give it a context with
 *	vmbus_client_channel_set_context(), now or later.
 * @offers_delivered: All channels that there are have been offered.
 * @rescind: The channel is gone (what was under way has been answered, open by
 *	-ENODEV); finish with it, then vmbus_client_release().
 * @opened: Result of vmbus_client_open(): 0, -EIO if refused, -ENODEV.
 * @modified: Result of vmbus_client_modify().
 * @gpadl_created: Result of vmbus_client_gpadl_create(); on failure the handle
 *	is gone.
 * @gpadl_torndown: The GPADL's memory is the client's again, the handle gone.
 * @unloaded: Answer to vmbus_client_unload().
 *
 * Any but @send may be NULL. @context is the channel's.
 */
struct vmbus_client_ops {
	int (*send)(void *ctx, const void *msg, size_t len);
	void (*wake)(void *ctx);
	void (*connected)(void *ctx, int error);
	void (*offer)(void *ctx, struct vmbus_client_channel *chan,
		      const struct vmbus_offer *offer);
	void (*offers_delivered)(void *ctx);
	void (*rescind)(struct vmbus_client_channel *chan, void *context);
	void (*opened)(struct vmbus_client_channel *chan, void *context,
		       int error);
	void (*modified)(struct vmbus_client_channel *chan, void *context,
			 int error);
	void (*gpadl_created)(struct vmbus_client_channel *chan, void *context,
			      u32 handle, int error);
	void (*gpadl_torndown)(struct vmbus_client_channel *chan, void *context,
			       u32 handle);
	void (*unloaded)(void *ctx);
};

/**
 * struct vmbus_client_params - of a new client
 * @nr_pages: the guest's pages are numbered 0 to this, exclusive
 * @target_vp: processor that messages come to
 */
struct vmbus_client_params {
	u64 nr_pages;
	u32 target_vp;
};

struct vmbus_client *vmbus_client_alloc(const struct vmbus_client_ops *ops,
					void *ctx,
					const struct vmbus_client_params *params);
void vmbus_client_free(struct vmbus_client *cl);

int vmbus_client_receive(struct vmbus_client *cl, const void *msg, size_t len);
bool vmbus_client_run(struct vmbus_client *cl);
void vmbus_client_stop(struct vmbus_client *cl);
void vmbus_client_start(struct vmbus_client *cl);

int vmbus_client_connect(struct vmbus_client *cl);
int vmbus_client_request_offers(struct vmbus_client *cl);
/* Frees all channels: no channel is good after it. */
int vmbus_client_unload(struct vmbus_client *cl);

int vmbus_client_open(struct vmbus_client_channel *chan,
		      const struct vmbus_open_request *req);
int vmbus_client_close(struct vmbus_client_channel *chan);
int vmbus_client_modify(struct vmbus_client_channel *chan, u32 target_vp);
int vmbus_client_gpadl_create(struct vmbus_client_channel *chan,
			      const struct vmbus_gpadl_range *range, u32 *handle);
int vmbus_client_gpadl_teardown(struct vmbus_client_channel *chan, u32 handle);
bool vmbus_client_gpadl_settled(const struct vmbus_client_channel *chan, u32 handle);
int vmbus_client_release(struct vmbus_client_channel *chan);

enum vmbus_client_state vmbus_client_state(const struct vmbus_client *cl);
const struct vmbus_control_stats *
vmbus_client_stats(const struct vmbus_client *cl);
enum vmbus_client_channel_state
vmbus_client_channel_state(const struct vmbus_client_channel *chan);
bool vmbus_client_channel_rescinded(const struct vmbus_client_channel *chan);
u32 vmbus_client_channel_id(const struct vmbus_client_channel *chan);
void *vmbus_client_channel_context(const struct vmbus_client_channel *chan);
void vmbus_client_channel_set_context(struct vmbus_client_channel *chan,
				      void *context);
const struct vmbus_offer *
vmbus_client_channel_offer(const struct vmbus_client_channel *chan);
const struct vmbus_open_request *
vmbus_client_channel_open_request(const struct vmbus_client_channel *chan);
struct vmbus_client_channel *
vmbus_client_find(struct vmbus_client *cl, const struct vmbus_channel_key *key);

ssize_t vmbus_client_save(const struct vmbus_client *cl, void *buf, size_t size);
int vmbus_client_restore(struct vmbus_client *cl, const void *buf, size_t len);
enum vmbus_claim vmbus_client_claim(struct vmbus_client *cl,
				    const struct vmbus_channel_key *key,
				    void *context,
				    struct vmbus_client_channel **chanp);
/* Closes what nobody claimed, tears its GPADLs down and offers it afresh. */
unsigned int vmbus_client_drop_unclaimed(struct vmbus_client *cl);
int vmbus_client_check(const struct vmbus_client *cl);

#endif /* _KMCL_VMBUS_CONTROL_H */
