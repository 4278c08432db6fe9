/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A transport that does what a test says: the other end of every channel is the
 * test itself. Packets are kept by meaning, in lists; nothing happens by itself,
 * but for the channel's own work.
 */
#ifndef _KMCL_FAKE_BUS_H
#define _KMCL_FAKE_BUS_H

#include <kunit/test.h>
#include <linux/kmcl.h>
#include <linux/kmcl_transport.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "internal.h"

#define FAKE_CAPS_ALL	(KMCL_CAP_SERVER | KMCL_CAP_CLIENT | KMCL_CAP_EXTERNAL | \
			 KMCL_CAP_GPADL | KMCL_CAP_BOUNCE | KMCL_CAP_KEEP)

#define FAKE_TOKENS	1024

struct fake_packet {
	struct list_head node;
	u16 type;
	u16 flags;
	u64 id;
	u32 header_len;
	u32 payload_len;
	u8 data[];			/* header, then payload */
};

struct fake_bus;

/* What a channel of the core is attached to. Lives until its bus goes. */
struct fake_link {
	struct list_head node;
	struct fake_bus *bus;
	struct vmb_channel *channel;
	struct kmcl_link_params params;
	spinlock_t lock;		/* the lists and their counts */
	struct list_head in;		/* what the channel will read */
	struct list_head out;		/* what the channel wrote and published */
	struct list_head unpublished;
	u32 nr_in;
	u32 nr_out;
	/* What the test sets */
	u32 room;			/* packets that fit the outgoing ring; U32_MAX: all */
	bool rx_corrupt;		/* rx_peek says -EIO */
	bool tx_corrupt;		/* tx_write says -EIO */
	u32 limit;			/* tx_limit */
	/* What the test may look at */
	bool attached;
	bool parked;
	bool masked;
	bool want;			/* it waits for room */
	u32 want_bytes;
	int open_status;
	u32 nr_open_done;
	u32 nr_close;
	u32 nr_closed;
	u32 closed_calls;		/* calls that used the link when it was told closed */
	u32 nr_commits;
	u32 nr_rx_commits;
	u32 nr_unmasks;
	u32 nr_copies;			/* of packets out of the ring */
};

struct fake_bus {
	struct vmb_bus *bus;
	struct kmcl_transport_ops ops;
	struct list_head links;
	struct mutex mutex;		/* links */
	spinlock_t lock;		/* what follows */
	/* What the test sets */
	int attach_error;
	enum vmb_link_state adopt;	/* what attach() says of an adopted link */
	bool gpa_wait;			/* gpa_get says -EINPROGRESS */
	int gpa_error;
	int ext_error;
	int freeze_error;
	int save_error;
	int restore_error;
	void (*on_gpadl_abort)(struct fake_bus *fb);	/* with the channel's lock held */
	bool gpadl_wait;		/* gpadl_create and _delete wait until aborted */
	/* What the test may look at */
	u32 nr_reserved;		/* reservations that are out */
	u32 open_done_reserved;		/* and as it was at the last open_done */
	u32 ext_bytes[FAKE_TOKENS];	/* how large they are, by token; 0: any size */
	u32 nr_pinned;			/* gpa_get without gpa_put */
	u32 nr_ext_map;
	u32 nr_ext_unmap;
	struct vmb_mdl ext_mdl;		/* the first of the chain last mapped */
	u32 ext_offset;			/* and which part of the chain */
	u32 ext_length;
	const struct vmb_mdl *unmap_mdl;	/* of the last ext_unmap */
	u32 frozen;
	u64 next_token;
	u64 orphan;			/* a reservation of a stream's; set by the test */
	u8 record[256];			/* what the bus saves */
	u8 restored[256];
	u32 nr_restored;
	bool restore_ok;
	struct page *page;		/* all external data and GPADLs are here */
	wait_queue_head_t wait;
	bool gpadl_aborted;
	bool gpadl_read_only;
	bool gpadl_mapped;
	struct bio_vec gpadl_bvec;
	struct vmb_mdl gpadl_mdl;
};

struct fake_bus *fake_bus_create(struct kunit *test, const char *name, u32 caps);
void fake_bus_destroy(struct fake_bus *fb);
struct fake_link *fake_link_of(struct fake_bus *fb, struct vmb_channel *ch);

/* The peer's doings */
void fake_open(struct fake_link *link);
void fake_close(struct fake_link *link, enum vmb_stop_reason reason);
int fake_put(struct fake_link *link, u16 type, u16 flags, u64 id, const void *header,
	     u32 header_len, const void *payload, u32 payload_len);
struct fake_packet *fake_take(struct fake_link *link);
void fake_set_room(struct fake_link *link, u32 room);

#endif /* _KMCL_FAKE_BUS_H */
