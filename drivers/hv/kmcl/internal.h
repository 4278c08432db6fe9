/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL core: what its files share.
 *
 * Locking, outermost first:
 *
 *   kmcl_session.mutex   the calls of one session; that only one freezes or
 *                        restores at a time is kmcl_session_busy's; chardev.c
 *   kmcl_channels_mutex  the list of channels and of identities; registry.c
 *   vmb_channel.lock     everything in flight on a channel, its wishes and its
 *                        state; a spinlock, interrupts off
 *   a transport's own locks
 *
 * Callbacks into a consumer are made with none of the last three held, except for
 * query-handover, which runs under kmcl_channels_mutex.
 */
#ifndef _KMCL_INTERNAL_H
#define _KMCL_INTERNAL_H

#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/kmcl.h>
#include <linux/kmcl_transport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/kmcl.h>

#include "compat.h"

/* VMBus packet types and flags, as on the wire */
#define KMCL_PACKET_INBAND		0x6
#define KMCL_PACKET_TRANSFER_PAGES	0x7
#define KMCL_PACKET_GPA_DIRECT		0x9
#define KMCL_PACKET_COMPLETION		0xb
#define KMCL_PACKET_WANTS_COMPLETION	0x1

/* Head of each payload on a pipe channel */
struct kmcl_pipe_header {
	__le32 type;
	__le32 length;
};

#define KMCL_PIPE_DATA		1

struct vmb_bus {
	struct list_head node;
	struct kref ref;
	const struct kmcl_transport_ops *ops;
	void *priv;
	bool dead;
	guid_t id;
	char name[32];
};

/* What the init_set functions set; fixed once the channel is prepared. */
struct kmcl_config {
	char name[KMCL_NAME_MAX];
	guid_t type;
	guid_t instance;
	bool has_target;
	u16 subchannel;
	u32 flags;
	u32 server_flags;
	u32 context_size;
	u32 max_packet_size;
	u32 max_packets;
	u32 max_external;
	u32 max_chain;
	u16 transfer_set;
	u32 transfer_size;
	u32 transfer_ranges;		/* 0: no transfer pages */
	u32 ring_in_pages;
	u32 ring_out_pages;
	u32 drain_ms;
	u16 mmio_megabytes;
	u16 mmio_megabytes_optional;
	u8 target_vtl;
	u8 offer_data[VMB_MAX_OFFER_DATA];
	int cpu;
	struct vmb_bus *bus;
	struct vmb_channel_state_change_callbacks cb;
	vmb_channel_process_packet_fn process;
	vmb_channel_processing_complete_fn processing_complete;
	vmb_channel_pnp_failure_fn pnp_failure;
	vmb_channel_save_packet_fn save_packet;
	vmb_channel_restore_packet_fn restore_packet;
	vmb_channel_save_received_fn save_received;
	vmb_channel_restore_received_fn restore_received;
	vmb_channel_query_handover_fn query_handover;
	vmb_channel_save_state_fn save_state;
	vmb_channel_restore_state_fn restore_state;
};

/* Where an outgoing packet is */
enum kmcl_packet_state {
	KMCL_PACKET_IDLE,	/* the consumer's */
	KMCL_PACKET_QUEUED,	/* on tx_queue: not in the ring */
	KMCL_PACKET_SENT,	/* on tx_sent: waits for the peer's completion */
	KMCL_PACKET_DONE,	/* its routine runs, or is about to */
	KMCL_PACKET_GONE,	/* freed, or uninitialised */
};

/* Where external memory was bounced to, of a packet that has ended before its peer was done */
struct kmcl_quarantine {
	struct list_head node;
	u64 id;
	u64 token;
};

struct vmb_packet {
	struct list_head node;		/* tx_queue, tx_sent or tx_done */
	struct vmb_channel *channel;
	vmb_packet_completion_fn routine;
	void *pointer;
	void *wrapper;			/* of a layer over the API: wrapper.c */
	u64 id;				/* generation and slot */
	u32 slot;			/* KMCL_NO_SLOT: in no transaction */
	u8 state;
	bool allocated;
	bool sync;			/* of a synchronous request */
	u16 flags;			/* VMB_PACKET_FLAG_* */
	int status;
	u32 payload_len;
	u32 ranges_len;
	u32 ext_offset;
	u32 ext_len;
	u64 ext_token;			/* 0: no reservation */
	bool ext_small;			/* restored: less than the channel's limit */
	struct kmcl_quarantine *quarantine;	/* memory for it, where it may be needed */
	struct vmb_mdl *mdl;
	struct vmb_mdl *own_mdl;	/* made for page frame numbers */
	struct vmb_mdl forced_mdl;	/* the first of a chain, as long as its pieces */
	u32 restored_len;		/* external bytes of a restored packet */
	struct kmcl_pipe_header pipe;	/* in front of the payload on the wire */
	u8 data[];			/* payload, then ranges */
};

/* Where a received packet is */
enum kmcl_received_state {
	KMCL_RECEIVED_TAKEN,		/* on rx_taken: not delivered */
	KMCL_RECEIVED_HELD,		/* on rx_held: the consumer's */
	KMCL_RECEIVED_COMPLETING,	/* on tx_completions: not in the ring */
	KMCL_RECEIVED_HELD_BACK,	/* on rx_held: completed after it was saved */
	KMCL_RECEIVED_FREE,		/* retired; memory may be reused */
};

/* vmb_packet_completion.bits, under the channel's lock */
#define KMCL_RX_IN_CALLBACK	0x01	/* the process-packet callback has it */
#define KMCL_RX_DEFERRED	0x02	/* next delivery where it may sleep */
#define KMCL_RX_EXT_WAIT	0x04	/* next delivery when memory is there */
#define KMCL_RX_FAILED		0x08
#define KMCL_RX_SAVED		0x10	/* written to a stream as received */
#define KMCL_RX_STALE		0x20	/* the peer that sent it is gone */
#define KMCL_RX_REDELIVER	0x40	/* back to rx_taken after the callback */
#define KMCL_RX_EXT_RO		0x80	/* its memory was pinned for reading */

struct vmb_packet_completion {
	struct list_head node;
	struct vmb_channel *channel;
	u64 id;
	u8 state;
	u8 bits;
	u16 type;
	u16 flags;
	u32 payload_len;		/* of a completion: its bytes */
	u32 header_len;
	u32 payload_offset;		/* what the consumer does not see (pipe header) */
	u32 nr_bvecs;
	struct vmb_mdl mdl;
	u8 data[];			/* context, payload, header, bio_vecs */
};

/* Numbers for sysfs, under the channel's lock */
struct kmcl_stats {
	u64 packets_in;
	u64 packets_out;
	u64 faults;
	u64 late;			/* completions of cancelled packets */
	u64 stale;			/* received ones whose peer is gone */
	u64 refused;			/* ends of received ones after a commit */
};

/* How far the channel has come */
enum kmcl_state {
	KMCL_DISABLED,
	KMCL_ENABLED,			/* attached to the bus, or about to be */
	KMCL_OPENING,			/* in the Opened callback */
	KMCL_OPEN,			/* Opened succeeded, Closed has not run */
	KMCL_PARKED,			/* handed over */
};

/* What the receive side does */
enum kmcl_rx_mode {
	KMCL_RX_OFF,			/* the ring is not read */
	KMCL_RX_COMPLETIONS,		/* read, but nothing is delivered */
	KMCL_RX_ON,
};

/* What becomes of a send */
enum kmcl_tx_mode {
	KMCL_TX_NODEV,			/* -ENODEV */
	KMCL_TX_QUEUE,			/* queued */
	KMCL_TX_RUN,
	KMCL_TX_SHUT,			/* -ESHUTDOWN */
};

enum kmcl_freeze_level {
	KMCL_THAWED,
	KMCL_DRAINING,			/* no deliveries; completions and sends flow */
	KMCL_FROZEN,			/* everything stands still */
};

/* vmb_channel.rx_bits */
#define KMCL_RX_RUNNING		0
#define KMCL_RX_AGAIN		1

struct kmcl_save;
struct kmcl_restore_ctx;

struct kmcl_slot {
	struct vmb_packet *packet;
	u32 prev_free;
	u32 next_free;
};

#define KMCL_NO_SLOT	U32_MAX

struct vmb_channel {
	spinlock_t lock;		/* all below that says so */

	/* Received, under @lock */
	enum kmcl_rx_mode rx_mode;
	struct list_head rx_taken;	/* in the order of delivery */
	struct list_head rx_held;
	u32 nr_taken;
	u32 nr_held;
	u32 nr_slots;			/* taken, held and completing */
	u32 quota;
	u32 own_quota;			/* the one before a restore, for who undoes that */
	bool rx_stalled;		/* at the quota, or out of memory */
	bool rx_failed;			/* vmb_channel_packet_fail() */
	bool passive;
	unsigned long rx_bits;
	u32 rx_seq;			/* polls that ended */
	struct task_struct *rx_task;	/* in a receive callback */
	struct tasklet_struct rx_tasklet;
	struct work_struct rx_work;
	wait_queue_head_t rx_wait;
	atomic64_t interrupts;
	struct kmem_cache *rx_cache;
	struct list_head rx_free;	/* objects that are not in use */
	u32 header_max;			/* bytes of ranges taken from the peer */
	u32 bvecs_max;
	/* Where things are in vmb_packet_completion.data */
	u32 payload_at;
	u32 header_at;
	u32 bvecs_at;

	/* To be sent, under @lock */
	enum kmcl_tx_mode tx_mode;
	bool tx_open;			/* the outgoing ring may be written */
	bool tx_batch;			/* the poll publishes at its end */
	bool tx_dirty;			/* written, not published */
	struct list_head tx_completions;
	struct list_head tx_queue;
	struct list_head tx_fresh;	/* sent during a restore: behind what that brings */
	struct list_head tx_sent;	/* in the order of sending */
	struct list_head tx_done;	/* routines to be called */
	struct task_struct *tx_task;	/* calls them */
	u32 nr_completions;
	u32 nr_queued;
	u32 nr_sent;
	u32 nr_sync;			/* synchronous requests */
	u32 late;			/* completions of cancelled packets to come */
	u64 tx_generation;
	struct kmcl_slot *slots;
	u32 free_slot;
	u32 packet_size;		/* bytes of a struct vmb_packet here */
	u32 ranges_max;			/* bytes of ranges it has room for */
	u32 tx_limit;			/* the largest payload, as long as it is open */
	struct kmem_cache *tx_cache;
	atomic_t nr_packets;		/* packet objects that exist */
	struct list_head quarantine;	/* of struct kmcl_quarantine */

	/* Life: wishes and state, under @lock; callbacks by life_work alone */
	enum kmcl_state state;
	enum kmcl_freeze_level freeze;
	bool server;
	bool prepared;			/* the configuration is fixed */
	bool want_enabled;
	bool paused;			/* wish of the consumer */
	bool attached;
	bool registered;		/* identity taken */
	bool link_up;			/* the transport has an open link */
	bool link_down;			/* the link ended, Closed has not run */
	bool link_reset;		/* and comes back */
	bool cut;			/* it was closed while PostStarted runs */
	bool running;			/* between Started and Suspend */
	bool in_post_started;
	bool saving;			/* between save_begin and save_end */
	bool commit;			/* to be parked */
	bool restored;			/* a saved state was applied */
	bool restored_open;		/* and it had an open link */
	bool enabling;			/* vmb_channel_enable() is on it */
	u32 gpadl_calls;		/* GPADL and other calls that use the link */
	bool settling;			/* after Closed: the transport takes back what is left */
	u32 disabled_seq;		/* times it became Disabled */
	int pnp_status;			/* to be reported once Disabled */
	int attach_status;		/* of enable; 1: to come */
	int open_status;
	enum vmb_link_state link_state;
	enum vmb_stop_reason stop_reason;
	struct task_struct *life_task;	/* in life_work */
	struct task_struct *save_task;	/* in a save or restore callback */
	struct task_struct *query_task;	/* in the handover query; beside the others */
	struct work_struct life_work;
	struct work_struct cut_work;
	wait_queue_head_t life_wait;

	/* Fixed */
	const struct kmcl_transport_ops *ops;
	void *link;
	void *pointer;
	void *wrapper;			/* of a layer over the API: wrapper.c */
	void (*wrapper_release)(void *wrapper);
	struct kmcl_config cfg;

	struct kmcl_save *save;
	struct kmcl_restore_ctx *restore;
	struct kmcl_stats stats;
	guid_t instance;		/* the active one */
	struct list_head node;		/* kmcl_channels */
	u32 serial;
	struct device dev;
};

/* Nothing of the channel may move: it is frozen, or being saved. */
static inline bool kmcl_still(const struct vmb_channel *ch)
{
	return ch->freeze == KMCL_FROZEN || ch->saving;
}

/* Committed: what it had is the stream's, even if it is still to be parked. */
static inline bool kmcl_handed_over(const struct vmb_channel *ch)
{
	return ch->commit || ch->state == KMCL_PARKED;
}

/* Its link ends, or is to. */
static inline bool kmcl_closing(const struct vmb_channel *ch)
{
	return ch->link_down || !ch->want_enabled;
}

/* life.c */
void kmcl_life_kick(struct vmb_channel *ch);
void kmcl_life_link_reset(struct vmb_channel *ch);
void kmcl_life_unpause(struct vmb_channel *ch);
bool kmcl_life_settled(struct vmb_channel *ch);
void kmcl_life_init(struct vmb_channel *ch);
int kmcl_life_module_init(void);
void kmcl_life_module_exit(void);

/* channel.c */
bool kmcl_in_callback(struct vmb_channel *ch);
void kmcl_channel_fault(struct vmb_channel *ch, const char *what);
void kmcl_channel_fault_locked(struct vmb_channel *ch, const char *what);

/* cut.c */
void kmcl_cut_init(struct vmb_channel *ch);
void kmcl_cut_close(struct vmb_channel *ch);

/* reboot.c */
struct kmcl_in_flight {
	u32 open;			/* channels */
	u32 packets;
};

struct kmcl_in_flight kmcl_reboot_report(void);
int kmcl_reboot_init(void);
void kmcl_reboot_exit(void);

/* config.c */
int kmcl_channel_prepare(struct vmb_channel *ch);
void kmcl_channel_unprepare(struct vmb_channel *ch);

static inline bool kmcl_channel_prepared(struct vmb_channel *ch)
{
	/* Pairs with kmcl_channel_prepare(): what was prepared is there, too. */
	return smp_load_acquire(&ch->prepared);
}

int kmcl_config_begin(struct vmb_channel *ch);

/* registry.c */
extern struct mutex kmcl_channels_mutex;
extern struct list_head kmcl_channels;
void kmcl_registry_add(struct vmb_channel *ch);
void kmcl_registry_del(struct vmb_channel *ch);
int kmcl_identity_take(struct vmb_channel *ch);
void kmcl_identity_release(struct vmb_channel *ch);
bool kmcl_identity_attached(const struct kmcl_identity *id, bool *takes);
void kmcl_identity_of(struct vmb_channel *ch, struct kmcl_identity *id);
bool kmcl_identity_match(const struct kmcl_identity *saved, const struct kmcl_identity *of,
			 bool any_instance);

/* bus.c */
int kmcl_bus_hold(struct vmb_bus *bus);
struct vmb_bus *kmcl_bus_next(struct vmb_bus *prev);

static inline u8 *kmcl_received_payload(struct vmb_packet_completion *pkt)
{
	return pkt->data + pkt->channel->payload_at;
}

static inline void *kmcl_received_header(struct vmb_packet_completion *pkt)
{
	return pkt->data + pkt->channel->header_at;
}

static inline struct bio_vec *kmcl_received_bvecs(struct vmb_packet_completion *pkt)
{
	return (struct bio_vec *)(pkt->data + pkt->channel->bvecs_at);
}

/* VMB_PROCESS_PACKET_FLAG_* */
static inline u32 kmcl_received_flags(const struct vmb_packet_completion *pkt)
{
	if (pkt->type == KMCL_PACKET_GPA_DIRECT)
		return VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA;
	return pkt->type == KMCL_PACKET_TRANSFER_PAGES ?
	       VMB_PROCESS_PACKET_FLAG_TRANSFER_PAGES : 0;
}

/* cache.c */
struct kmem_cache *kmcl_cache_get(u32 size);
void kmcl_cache_exit(void);

/* receive.c */
int kmcl_receive_module_init(void);
void kmcl_receive_module_exit(void);
void kmcl_receive_init(struct vmb_channel *ch);
void kmcl_receive_schedule(struct vmb_channel *ch);
void kmcl_receive_set_mode(struct vmb_channel *ch, enum kmcl_rx_mode mode);

/* received.c */
int kmcl_received_prepare(struct vmb_channel *ch);
void kmcl_received_unprepare(struct vmb_channel *ch);
u32 kmcl_received_reserve(struct vmb_channel *ch, struct list_head *to, u32 nr, bool grow);
void kmcl_received_setup(struct vmb_channel *ch, struct vmb_packet_completion *pkt);
struct vmb_packet_completion *kmcl_received_alloc_restore(struct vmb_channel *ch);
void kmcl_received_recycle(struct vmb_channel *ch, struct vmb_packet_completion *pkt);
void kmcl_received_trim(struct vmb_channel *ch);
void kmcl_received_put(struct vmb_channel *ch, struct vmb_packet_completion *pkt);
void kmcl_received_drop(struct vmb_channel *ch);
void kmcl_received_set_stale(struct vmb_channel *ch);
void kmcl_received_set_stale_locked(struct vmb_channel *ch);
void kmcl_received_unhold(struct vmb_channel *ch, struct vmb_packet_completion *pkt);
void kmcl_received_apply_held_back(struct vmb_channel *ch, bool commit);

/* packet.c */
int kmcl_packet_prepare(struct vmb_channel *ch);
void kmcl_packet_unprepare(struct vmb_channel *ch);
int kmcl_packet_claim_id(struct vmb_packet *pkt, u64 id);
struct vmb_packet *kmcl_packet_find(struct vmb_channel *ch, u64 id);
void kmcl_packet_new_id(struct vmb_packet *pkt);
void kmcl_packet_end_id(struct vmb_packet *pkt);
bool kmcl_packet_known_id(struct vmb_channel *ch, u64 id);

/* send.c */
bool kmcl_packet_idle(struct vmb_packet *pkt);
int kmcl_send(struct vmb_packet *pkt, const void *buffer, u32 length, struct vmb_mdl *mdl,
	      u32 offset, u32 ext_len, u32 flags, bool now);
void kmcl_send_flush(struct vmb_channel *ch);
void kmcl_send_flush_locked(struct vmb_channel *ch);
void kmcl_send_unlock(struct vmb_channel *ch, unsigned long flags) __releases(&ch->lock);
void kmcl_send_done_locked(struct vmb_packet *pkt, int status);
void kmcl_send_end_link(struct vmb_channel *ch, bool closed);
void kmcl_send_end_link_locked(struct vmb_channel *ch, bool closed);
void kmcl_send_end(struct vmb_channel *ch, int status, bool sent_only);
int kmcl_send_cancel_locked(struct vmb_packet *pkt);
void kmcl_send_cancel_all_locked(struct vmb_channel *ch);
void kmcl_send_wait_done(struct vmb_channel *ch);
int kmcl_send_completed(struct vmb_channel *ch, struct kmcl_rx *rx, u32 *budget,
			const char **fault);
int kmcl_send_prepare_quarantine(struct vmb_packet *pkt, gfp_t gfp);
void kmcl_send_end_quarantine(struct vmb_channel *ch, bool release);
static inline u8 *kmcl_packet_ranges(struct vmb_packet *pkt)
{
	return pkt->data + ALIGN(pkt->channel->cfg.max_packet_size, 8);
}

/* transfer.c */
u32 kmcl_transfer_size(const struct kmcl_config *cfg);
int kmcl_transfer_check(struct vmb_channel *ch, const void *header, u32 len);

/* memory.c */
u32 kmcl_ranges_size(u32 bytes, u32 chain);
int kmcl_ranges_check(struct vmb_channel *ch, const void *header, u32 len);
void kmcl_external_put(struct vmb_channel *ch, struct vmb_packet_completion *pkt);
int kmcl_mdl_length(const struct vmb_mdl *mdl, u32 max_chain, u64 *bytes);

/* save.c, restore.c */
void kmcl_save_note_gone(struct vmb_channel *ch, struct list_head *node);
int kmcl_restore_feed(struct vmb_channel *ch, const void *buffer, u32 size, bool attaching);
bool kmcl_restore_wait(struct vmb_channel *ch);
void kmcl_restore_abandon(struct vmb_channel *ch);
bool kmcl_restore_undo(struct vmb_channel *ch);

/* freeze.c */
bool kmcl_handover_holds(struct vmb_channel *ch);

/* store.c */
bool kmcl_store_takes(const struct vmb_channel *ch);
bool kmcl_store_awaited(struct vmb_channel *ch);
void kmcl_store_claim_begin(void);
bool kmcl_store_claim(struct vmb_channel *ch);
void kmcl_store_claim_end(void);
int kmcl_store_init(void);
void kmcl_store_exit(void);

/* chardev.c, sysfs.c */
int kmcl_chardev_init(void);
void kmcl_chardev_exit(void);
int kmcl_sysfs_init(void);
void kmcl_sysfs_exit(void);
int kmcl_sysfs_add(struct vmb_channel *ch, struct device *parent);
void kmcl_sysfs_gone(struct vmb_channel *ch);
void kmcl_sysfs_del(struct vmb_channel *ch);

/* What the unit tests call, and nobody else */
#if IS_ENABLED(CONFIG_KMCL_KUNIT)
#define KMCL_EXPORT_IF_KUNIT(sym)	EXPORT_SYMBOL_NS_GPL(sym, KMCL_NS)
#else
#define KMCL_EXPORT_IF_KUNIT(sym)
#endif

#define kmcl_err(ch, fmt, ...) \
	pr_err_ratelimited("%s: " fmt, (ch)->cfg.name, ##__VA_ARGS__)
#define kmcl_warn(ch, fmt, ...) \
	pr_warn_ratelimited("%s: " fmt, (ch)->cfg.name, ##__VA_ARGS__)
#define kmcl_info(ch, fmt, ...) \
	pr_info("%s: " fmt, (ch)->cfg.name, ##__VA_ARGS__)

#endif /* _KMCL_INTERNAL_H */
