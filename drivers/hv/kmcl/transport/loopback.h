/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loopback bus's insides, for its own files.
 *
 * Locking:
 *
 *   kmcl_lb_bus.lock	a mutex: the control plane, that is both machines, all
 *			lists of the bus, and all of an end but its hot part
 *   kmcl_arena.lock	see arena.c; may be taken under the mutex
 *
 * The core is never called with the mutex held. What it has to be told is
 * noted in the end and told by the bus's work item (loopback_plane.c).
 *
 * The hot part of an end (its rings) is the core's between open_done() and
 * close(). Signals find the peer's channel through two RCU pointers,
 * kmcl_lb_end.peer and kmcl_lb_end.channel, both written under the mutex and
 * read with preemption off; who clears one waits for readers.
 */
#ifndef _KMCL_LOOPBACK_H
#define _KMCL_LOOPBACK_H

#include <linux/kmcl_transport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/smp.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "arena.h"
#include "vmbus/messages.h"
#include "vmbus/ring.h"

struct vmbus_client;
struct vmbus_client_channel;
struct vmbus_client_ops;
struct vmbus_server;
struct vmbus_server_channel;
struct vmbus_server_ops;

struct kmcl_lb_save;
struct kmcl_lb_restore;

/* A hook for tests: all messages as they are sent, under kmcl_lb_bus.lock. */
typedef void (*kmcl_lb_record_fn)(void *data, bool to_server, const void *msg, size_t len);

/**
 * struct kmcl_lb_bus - the loopback bus
 * @bus: the core's
 * @arena: memory that the ends share
 * @lock: see above
 * @server: the server's control plane
 * @client: the client's control plane
 * @offers: what the client was offered, by channel id
 * @ends: all ends, parked ones too
 * @orphans: GPADLs whose end is gone, until the server let go of them
 * @events: ends with something to tell to the core
 * @order: counts offers
 * @frozen: the control plane stands still
 * @sweep: a rescinded channel may have to be released
 * @wq: runs @work
 * @work: delivers @events
 * @wait: for GPADLs, and for an event's delivery
 * @save: from bus_save_begin() to bus_save_end()
 * @restore: from bus_restore_begin() to bus_restore_end()
 * @record: for tests
 * @record_data: for tests
 */
struct kmcl_lb_bus {
	struct vmb_bus *bus;
	struct kmcl_arena *arena;
	struct mutex lock;		/* see above */
	struct vmbus_server *server;
	struct vmbus_client *client;
	struct vmbus_client_channel **offers;
	struct list_head ends;
	struct list_head orphans;
	struct list_head events;
	u32 order;
	bool frozen;
	bool sweep;
	struct workqueue_struct *wq;
	struct work_struct work;
	wait_queue_head_t wait;
	struct kmcl_lb_save *save;
	struct kmcl_lb_restore *restore;
	kmcl_lb_record_fn record;
	void *record_data;
};

/**
 * enum kmcl_lb_state - how far the link of an end is
 * @KMCL_LB_UNBOUND: a client that waits for an offer
 * @KMCL_LB_CLOSED: a server's offer that is not open; a client whose open failed
 * @KMCL_LB_OPENING: a client that asked for the open
 * @KMCL_LB_OPENED: open, and the core has not taken note
 * @KMCL_LB_OPEN: the core carries packets
 * @KMCL_LB_ENDED: the core called close()
 */
enum kmcl_lb_state {
	KMCL_LB_UNBOUND,
	KMCL_LB_CLOSED,
	KMCL_LB_OPENING,
	KMCL_LB_OPENED,
	KMCL_LB_OPEN,
	KMCL_LB_ENDED,
};

enum kmcl_lb_gpadl_state {
	KMCL_LB_GPADL_CREATING,
	KMCL_LB_GPADL_CREATED,
	KMCL_LB_GPADL_DELETING,
	KMCL_LB_GPADL_GONE,
};

/**
 * struct kmcl_lb_gpadl - memory that a client shares
 * @node: in kmcl_lb_end.gpadls or kmcl_lb_bus.orphans; its reference
 * @ref: list, and who waits for it
 * @run: its pages, this object's
 * @hold: of the ring's GPADL, from the link's end at one side to that at the other
 * @channel_id: of which channel
 * @handle: its handle
 * @state: how far it is
 * @error: why its creation failed
 * @held: @hold is in use
 * @read_only: nothing is copied back
 * @bvec: the caller's memory, or NULL
 * @nr_bvecs: pieces of it
 * @offset: where it begins in the first one
 * @length: bytes
 */
struct kmcl_lb_gpadl {
	struct list_head node;
	refcount_t ref;
	struct kmcl_arena_run *run;
	struct kmcl_arena_hold hold;
	u32 channel_id;
	u32 handle;
	enum kmcl_lb_gpadl_state state;
	int error;
	bool held;
	bool read_only;
	struct bio_vec *bvec;
	u32 nr_bvecs;
	u32 offset;
	u32 length;
};

/**
 * struct kmcl_lb_map - a GPADL that a server has mapped
 * @node: in kmcl_lb_end.maps
 * @handle: which
 * @wanted_back: the client waits for it
 * @mdl: what the core got
 * @bvec: its pieces, each of which pins a page
 */
struct kmcl_lb_map {
	struct list_head node;
	u32 handle;
	bool wanted_back;
	struct vmb_mdl mdl;
	struct bio_vec bvec[];
};

/**
 * struct kmcl_lb_rings - both rings of a channel in the address space of an end
 * @up: the client's outgoing ring, control page first, data twice
 * @down: the server's outgoing ring
 * @up_pages: pages of @up, data once
 * @down_pages: pages of @down, data once
 * @pins: all pages, each pinned
 * @arena: whose pages they are
 */
struct kmcl_lb_rings {
	void *up;
	void *down;
	u32 up_pages;
	u32 down_pages;
	struct page **pins;
	struct kmcl_arena *arena;
};

/* kmcl_lb_end.faults, set by tests */
#define KMCL_LB_DROP_SIGNALS	0x1U	/* this end's signals get lost */
#define KMCL_LB_STALL		0x2U	/* its outgoing ring seems full */
#define KMCL_LB_GPA_WAIT	0x4U	/* external data is not there yet */

/**
 * struct kmcl_lb_end - an end of a link
 * @rx: the ring that it reads
 * @tx: the ring that it writes
 * @peer: whom to signal, RCU
 * @channel: the core's, RCU; NULL while parked
 * @cpu: where it wants its interrupts, or -1
 * @faults: KMCL_LB_*, for tests
 * @csd: brings an interrupt to @cpu
 * @csd_busy: bit 0: @csd is on its way, with a reference
 * @ref: bus's list, events, signals on their way
 * @rcu: for freeing
 * @node: in kmcl_lb_bus.ends
 * @bus: which
 * @server: a server's end
 * @parked: waits for who adopts it
 * @state: how far its link is
 * @params: what the core said
 * @instance: that it is bound to
 * @server_channel: a server's, in the control plane
 * @client_channel: a client's, while bound
 * @close_asked: server: the control plane waits for the end of a close
 * @rings: while there are some
 * @ring_gpadl: client: of @rings
 * @gpadls: client: others
 * @maps: server: what it has mapped
 * @gpadl_aborted: client: nobody waits for an answer to a GPADL any more
 * @event_node: in kmcl_lb_bus.events
 * @open_pending: tell the core of an open, with @open_status
 * @close_pending: tell the core of a close, for @close_reason
 * @open_status: see above
 * @close_reason: see above
 * @delivering: who is telling it now
 */
struct kmcl_lb_end {
	struct vmbus_ring rx;
	struct vmbus_ring tx;
	struct kmcl_lb_end __rcu *peer;
	struct vmb_channel __rcu *channel;
	int cpu;
	u32 faults;
	call_single_data_t csd;
	unsigned long csd_busy;

	struct kref ref;
	struct rcu_head rcu;
	struct list_head node;
	struct kmcl_lb_bus *bus;
	bool server;
	bool parked;
	enum kmcl_lb_state state;
	struct kmcl_link_params params;
	guid_t instance;
	struct vmbus_server_channel *server_channel;
	struct vmbus_client_channel *client_channel;
	bool close_asked;
	struct kmcl_lb_rings rings;
	struct kmcl_lb_gpadl *ring_gpadl;
	struct list_head gpadls;
	struct list_head maps;
	bool gpadl_aborted;

	struct list_head event_node;
	bool open_pending;
	bool close_pending;
	int open_status;
	enum vmb_stop_reason close_reason;
	struct task_struct *delivering;
};

/* Only a kernel with the tests has faults in it. */
static inline bool kmcl_lb_fault(const struct kmcl_lb_end *end, u32 fault)
{
	return IS_ENABLED(CONFIG_KMCL_KUNIT) && unlikely(READ_ONCE(end->faults) & fault);
}

/* loopback.c */
extern struct kmcl_lb_bus *kmcl_lb_the_bus;

/* loopback_plane.c: the control plane, and what it tells to the core */
int kmcl_lb_plane_new(struct kmcl_lb_bus *bus, struct vmbus_server **server,
		      struct vmbus_client **client);
int kmcl_lb_plane_start(struct kmcl_lb_bus *bus);
void kmcl_lb_plane_stop(struct kmcl_lb_bus *bus);
int kmcl_lb_send_to_client(void *ctx, const void *msg, size_t len);
int kmcl_lb_send_to_server(void *ctx, const void *msg, size_t len);
void kmcl_lb_lock(struct kmcl_lb_bus *bus);
void kmcl_lb_unlock(struct kmcl_lb_bus *bus);
void kmcl_lb_event_open(struct kmcl_lb_end *end, int status);
void kmcl_lb_event_close(struct kmcl_lb_end *end, enum vmb_stop_reason reason);
void kmcl_lb_event_stop(struct kmcl_lb_end *end);
int kmcl_lb_bus_freeze(struct vmb_bus *bus);
void kmcl_lb_bus_thaw(struct vmb_bus *bus);

/* loopback_end.c: what both kinds of ends have in common */
int kmcl_lb_end_init(void);
void kmcl_lb_end_exit(void);
struct kmcl_lb_end *kmcl_lb_end_new(struct kmcl_lb_bus *bus,
				    const struct kmcl_link_params *params);
void kmcl_lb_end_put(struct kmcl_lb_end *end);
void kmcl_lb_end_join(struct kmcl_lb_end *server, struct kmcl_lb_end *client);
void kmcl_lb_end_part(struct kmcl_lb_end *end);
void kmcl_lb_end_leave(struct kmcl_lb_end *end);
void kmcl_lb_end_remove(struct kmcl_lb_end *end);
u32 kmcl_lb_drop_parked(struct kmcl_lb_bus *bus);
int kmcl_lb_attach(struct vmb_bus *vmb_bus, struct vmb_channel *channel,
		   const struct kmcl_link_params *params, void **link,
		   enum vmb_link_state *state);
void kmcl_lb_detach(void *link);
void kmcl_lb_open_done(void *link, int status);
void kmcl_lb_close(void *link);
void kmcl_lb_closed(void *link);
void kmcl_lb_park(void *link);
u32 kmcl_lb_bus_drop(struct vmb_bus *vmb_bus);
void kmcl_lb_get_instance(void *link, guid_t *instance);

/* loopback_server.c */
extern const struct vmbus_server_ops kmcl_lb_server_ops;
int kmcl_lb_server_offer(struct kmcl_lb_end *end);
void kmcl_lb_server_remove(struct kmcl_lb_end *end);
void kmcl_lb_server_open_done(struct kmcl_lb_end *end, int status);
void kmcl_lb_server_closed(struct kmcl_lb_end *end);
void kmcl_lb_server_unmap_all(struct kmcl_lb_end *end);
int kmcl_lb_gpadl_map(void *link, u32 handle, u32 flags, struct vmb_mdl **mdl);
int kmcl_lb_gpadl_unmap(void *link, u32 handle);

/* loopback_client.c */
extern const struct vmbus_client_ops kmcl_lb_client_ops;
void kmcl_lb_client_match(struct kmcl_lb_end *end);
bool kmcl_lb_client_sweep(struct kmcl_lb_bus *bus);
void kmcl_lb_client_hold(struct kmcl_lb_end *end);
void kmcl_lb_client_end_link(struct kmcl_lb_end *end);
void kmcl_lb_client_remove(struct kmcl_lb_end *end);

/* loopback_gpadl.c: a client's GPADLs */
struct kmcl_lb_gpadl *kmcl_lb_gpadl_new(struct kmcl_lb_bus *bus, u32 kind, u32 length,
					bool read_only);
void kmcl_lb_gpadl_put(struct kmcl_lb_bus *bus, struct kmcl_lb_gpadl *gpadl);
int kmcl_lb_gpadl_publish(struct kmcl_lb_end *end, struct kmcl_lb_gpadl *gpadl);
void kmcl_lb_gpadl_orphan(struct kmcl_lb_end *end, struct kmcl_lb_gpadl *gpadl);
void kmcl_lb_gpadl_orphan_all(struct kmcl_lb_end *end);
void kmcl_lb_gpadl_forget_memory(struct kmcl_lb_end *end);
void kmcl_lb_gpadl_created(struct vmbus_client_channel *chan, struct kmcl_lb_end *end,
			   u32 handle, int error);
void kmcl_lb_gpadl_torndown(struct kmcl_lb_bus *bus, struct vmbus_client_channel *chan,
			    struct kmcl_lb_end *end, u32 handle);
void kmcl_lb_gpadl_drop_orphans(struct kmcl_lb_bus *bus);
bool kmcl_lb_gpadl_has_orphans(struct kmcl_lb_bus *bus, u32 channel_id);
int kmcl_lb_gpadl_create(void *link, const struct vmb_mdl *mdl, u32 offset, u32 length,
			 u32 flags, u32 *handle);
int kmcl_lb_gpadl_delete(void *link, u32 handle);
void kmcl_lb_gpadl_abort(void *link);

/* loopback_rings.c */
int kmcl_lb_rings_map(struct kmcl_lb_end *end, struct kmcl_arena *arena, const u64 *gfns,
		      u32 nr, u32 downstream);
int kmcl_lb_rings_map_run(struct kmcl_lb_end *end, struct kmcl_arena *arena,
			  const struct kmcl_arena_run *run, u32 downstream);
int kmcl_lb_rings_attach(struct kmcl_lb_end *end);
void kmcl_lb_rings_unmap(struct kmcl_lb_end *end);

/* loopback_data.c: packets and signals */
void kmcl_lb_csd(void *data);
int kmcl_lb_rx_peek(void *link, struct kmcl_rx *rx);
void kmcl_lb_rx_copy(void *link, const struct kmcl_rx *rx, void *header, void *payload);
void kmcl_lb_rx_advance(void *link, const struct kmcl_rx *rx);
void kmcl_lb_rx_commit(void *link);
void kmcl_lb_rx_mask(void *link);
bool kmcl_lb_rx_unmask(void *link);
u32 kmcl_lb_rx_unread(void *link);
int kmcl_lb_tx_write(void *link, const struct kmcl_tx *tx);
void kmcl_lb_tx_commit(void *link);
bool kmcl_lb_tx_want(void *link, u32 bytes);
u32 kmcl_lb_tx_limit(void *link);
const char *kmcl_lb_fault_name(void *link);

/* loopback_ext.c: external data */
int kmcl_lb_copy(struct kmcl_arena *arena, const struct kmcl_arena_run *run,
		 const struct vmb_mdl *mdl, u32 offset, u32 length, bool to_arena);
int kmcl_lb_ext_reserve(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token);
void kmcl_lb_ext_release(struct vmb_bus *bus, u64 token);
int kmcl_lb_ext_map(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		    u32 length, void *header, u32 *header_len);
void kmcl_lb_ext_unmap(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		       u32 length);
int kmcl_lb_ext_adopt(struct vmb_bus *bus, u64 token, u32 bytes);
int kmcl_lb_gpa_get(void *link, const void *header, u32 header_len, u32 flags,
		    struct bio_vec *bvec, u32 *nr);
void kmcl_lb_gpa_put(void *link, struct bio_vec *bvec, u32 nr);

/* loopback_save.c, loopback_restore.c */
int kmcl_lb_bus_save_begin(struct vmb_bus *bus, u64 *bytes);
int kmcl_lb_bus_save_read(struct vmb_bus *bus, u64 offset, void *buffer, u32 length);
void kmcl_lb_bus_save_end(struct vmb_bus *bus);
int kmcl_lb_bus_restore_begin(struct vmb_bus *bus, u32 version, u64 bytes);
int kmcl_lb_bus_restore_write(struct vmb_bus *bus, const void *buffer, u32 length);
int kmcl_lb_bus_restore_end(struct vmb_bus *bus, bool ok);

#endif /* _KMCL_LOOPBACK_H */
