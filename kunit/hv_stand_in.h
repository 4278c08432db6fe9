/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host for the hv bus: it offers what a test says, and answers as it says. It
 * stands behind the border of transport/hv.h; in front of that all is real: the
 * transport, and the rings of hv_vmbus, in a struct vmbus_channel each. The
 * host's end of them is the project's own ring code.
 *
 * What hv_vmbus and the driver core do of themselves is done here after them:
 * a device's lock is held over its probe() and remove(), a rescind first ends
 * the interrupts and one wait for the host, but comes after a close that is under
 * way, and a channel is gone with its device. A sub-channel has no device: it is
 * told of by its primary's callback, is closed with its primary, and is gone once
 * it was taken back and is closed. Signals to the host are counted by hv_vmbus, in
 * sig_events: the hypercall that they end in fails off Hyper-V, and harms nobody.
 */
#ifndef _KMCL_HV_STAND_IN_H
#define _KMCL_HV_STAND_IN_H

#include <kunit/test.h>
#include <linux/hyperv.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "vmbus/ring.h"

#define STAND_IN_OFFERS		32
#define STAND_IN_GPADLS		8
#define STAND_IN_MMIO		0xf8000000ULL

/* Calls that wait for the host */
enum stand_in_call {
	STAND_IN_OPEN,
	STAND_IN_CLOSE,
	STAND_IN_ESTABLISH,
	STAND_IN_TEARDOWN,
	STAND_IN_NR_CALLS,
};

struct stand_in;

/* One direction of a channel: its pages, as the guest and as the host has them */
struct stand_in_ring {
	struct page **pages;
	u32 nr_pages;			/* the control page among them */
	void *guest;
	void *host;
	struct vmbus_ring end;		/* the host's */
};

/* A device that the host offers, and its channel; or a sub-channel alone */
struct stand_in_offer {
	struct stand_in *host;
	struct stand_in_offer *primary;	/* of a sub-channel */
	struct work_struct announce;	/* as hv_vmbus's work hv_sub_chan */
	struct hv_device dev;
	struct vmbus_channel ch;
	struct mutex bind;		/* as the device's lock */
	spinlock_t lock;		/* interrupts and close */
	struct stand_in_ring from_guest;
	struct stand_in_ring to_guest;
	bool bound;
	bool gone;			/* its device is unregistered */
	bool released;			/* and nobody has a reference: @ch is poison */
	u32 waiting;			/* calls that wait for the host */
	int ended;			/* one of them ends without its answer */
	/* What the test sets */
	bool hold[STAND_IN_NR_CALLS];	/* the host does not answer; stand_in_answer() */
	int error[STAND_IN_NR_CALLS];	/* what it answers */
	/* What the test may look at */
	u32 calls[STAND_IN_NR_CALLS];	/* begun */
	u32 answered[STAND_IN_NR_CALLS];
	u32 nr_probes;
	u32 send_size;
	u32 receive_size;
	u32 last_gpadl;
	struct vmbus_gpadl gpadls[STAND_IN_GPADLS];	/* those that are established */
};

struct stand_in {
	struct kunit *test;
	struct mutex mutex;		/* drivers; offers are only added */
	struct mutex channel_mutex;	/* as hv_vmbus has it */
	struct list_head drivers;
	u32 nr_offers;
	struct stand_in_offer *offers[STAND_IN_OFFERS];
	wait_queue_head_t wait;
	/* What the test sets */
	int register_error;
	int mmio_error;
	/* What the test may look at */
	u32 nr_drivers;
	u64 mmio_bytes;			/* that are out */
};

struct stand_in *stand_in_create(struct kunit *test);
void stand_in_destroy(struct stand_in *host);

/* Offer a device; who waits for its type is probed. */
struct stand_in_offer *stand_in_offer(struct stand_in *host, const guid_t *type,
				      const guid_t *instance);
/* The same in two steps, for an offer that is not as others are */
struct stand_in_offer *stand_in_offer_new(struct stand_in *host, const guid_t *type,
					  const guid_t *instance);
void stand_in_offer_publish(struct stand_in_offer *offer);
/* Who was not bound, and would be now: the driver core looks again. */
void stand_in_rebind(struct stand_in_offer *offer);
/* Take it back; as hv_vmbus does, which returns when the driver has noted it. */
void stand_in_rescind(struct stand_in_offer *offer);
/* Offer a sub-channel; who waits for it has opened it by then, or was refused. */
struct stand_in_offer *stand_in_offer_sub(struct stand_in_offer *primary, u16 index);
/* The same in two steps; nobody is waited for. */
struct stand_in_offer *stand_in_sub_new(struct stand_in_offer *primary, u16 index);
void stand_in_sub_publish(struct stand_in_offer *sub);
/* The machine hibernates, and comes back: what the driver's callback says */
int stand_in_suspend(struct stand_in_offer *offer);
int stand_in_resume(struct stand_in_offer *offer);
/* Somebody takes the device from its driver, as through sysfs. */
void stand_in_unbind(struct stand_in_offer *offer);
/* Let the host answer what was held. */
void stand_in_answer(struct stand_in_offer *offer, enum stand_in_call call);
void stand_in_answer_all(struct stand_in *host);
bool stand_in_reached(struct stand_in_offer *offer, enum stand_in_call call, u32 n);

/* Open and close as a driver of hv_vmbus's own would, with rings of @size both ways */
int stand_in_open_bare(struct stand_in_offer *offer, u32 size, void (*callback)(void *context));
void stand_in_close_bare(struct stand_in_offer *offer);

/* The host writes, and signals; into a ring that is open */
int stand_in_write(struct stand_in_offer *offer, u16 type, u16 flags, u64 id, const void *header,
		   u32 header_len, const void *payload, u32 payload_len);
void stand_in_publish(struct stand_in_offer *offer);
int stand_in_put(struct stand_in_offer *offer, u16 type, u16 flags, u64 id,
		 const void *payload, u32 payload_len);
void stand_in_interrupt(struct stand_in_offer *offer);
/* Bytes as they are, published up to @length of them */
void stand_in_put_raw(struct stand_in_offer *offer, const void *bytes, u32 length);

/* The host reads: 0, and what is copied fits; -EAGAIN: there is nothing. */
int stand_in_take(struct stand_in_offer *offer, struct vmbus_ring_desc *d, void *header,
		  u32 header_size, void *payload, u32 payload_size);

#endif /* _KMCL_HV_STAND_IN_H */
