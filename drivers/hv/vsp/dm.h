/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmcl_dm: the guest's end of the dynamic-memory protocol.
 *
 * A message of the host waits in the inbox, as a received packet that is not
 * completed (dm_inbox.c), until it was acted upon (dm_protocol.c, dm_balloon.c).
 * So what is in flight at a freeze is the library's to save, and there is only
 * one place that acts. dm_pages.c knows the pages that are with the host,
 * dm_report.c what the host is told each second, dm_life.c the channel,
 * dm_save.c what outlives a kexec, dm_sysfs.c what people see.
 *
 * Locking: dm.mutex protects the protocol's state. dm.lock protects the inbox
 * and the list of packets that were restored; it is taken inside the mutex, or
 * in callbacks that may be in softirq: process-packet, and packet completion.
 */
#ifndef _KMCL_DM_H
#define _KMCL_DM_H

#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "dm_wire.h"

/* How long the host may take to answer in the negotiation */
#define VDM_ANSWER_TIMEOUT	(5 * HZ)

/* Messages of the host that may be waiting */
#define VDM_QUOTA		16U

/* Messages of ours that may be on their way into the ring */
#define VDM_PACKETS		32U

/* A message of the host's, in the client context of its packet */
struct vdm_message {
	struct list_head node;
	struct vmb_packet_completion *packet;
	const void *data;
	u32 length;
};

/**
 * enum vdm_state - how far the protocol has come
 * @VDM_CLOSED: there is no link
 * @VDM_VERSION_SENT: a version was proposed
 * @VDM_CAPABILITIES_SENT: a version was agreed on, our capabilities are out
 * @VDM_READY: negotiated
 * @VDM_FAILED: the host refused, or did not answer
 *
 * The numbers are in saved state.
 */
enum vdm_state {
	VDM_CLOSED,
	VDM_VERSION_SENT,
	VDM_CAPABILITIES_SENT,
	VDM_READY,
	VDM_FAILED,
};

/**
 * enum vdm_counter - what is counted
 * @VDM_REPORTS: status reports that went out
 * @VDM_NEGOTIATIONS: that came to their end, with success
 * @VDM_BALLOON_REQUESTS: requests for pages that were answered
 * @VDM_UNBALLOON_REQUESTS: transactions that brought pages back
 * @VDM_PAGES_GIVEN: to the host
 * @VDM_PAGES_RETURNED: by the host
 * @VDM_HOT_ADDS_REFUSED: requests to add memory
 * @VDM_INFOS: info messages
 * @VDM_UNKNOWN: messages of unknown types
 * @VDM_FAULTS: messages refused: too short, out of order, of pages not given
 * @VDM_STALE: messages that the end of their link made void
 * @VDM_NR_COUNTERS: how many there are
 *
 * The numbers are in saved state: new ones go to the end.
 */
enum vdm_counter {
	VDM_REPORTS,
	VDM_NEGOTIATIONS,
	VDM_BALLOON_REQUESTS,
	VDM_UNBALLOON_REQUESTS,
	VDM_PAGES_GIVEN,
	VDM_PAGES_RETURNED,
	VDM_HOT_ADDS_REFUSED,
	VDM_INFOS,
	VDM_UNKNOWN,
	VDM_FAULTS,
	VDM_STALE,
	VDM_NR_COUNTERS,
};

/**
 * struct vdm_pages - the pages that are with the host
 * @blocks: &struct vdm_block by page number / VDM_BLOCK_PAGES
 * @out: how many pages
 * @alloc: gives 2^order pages, or NULL; tests put a poor one here
 */
struct vdm_pages {
	struct xarray blocks;
	unsigned long out;
	struct page *(*alloc)(unsigned int order);
};

/**
 * struct vdm_saved - what outlives a kexec, decoded
 * @state: of the protocol
 * @version: proposed or agreed on
 * @trans_id: last number given to a message
 * @max_pages: as the host said
 * @suppressed: the host wants no reports
 * @counters: counts
 */
struct vdm_saved {
	enum vdm_state state;
	u32 version;
	u32 trans_id;
	u64 max_pages;
	bool suppressed;
	u64 counters[VDM_NR_COUNTERS];
};

/**
 * struct vdm - the endpoint
 * @channel: its channel
 * @bus: the channel's bus
 * @wq: runs what is below; of no more than one endpoint
 * @inbox_work: acts on messages
 * @tick: each second: reports, looks for what did not come
 * @reopen: enables the channel again after its end
 * @mutex: what follows, down to @restored
 * @running: between Started and Suspend: messages are acted upon
 * @quitting: the endpoint is being taken down
 * @state: of the protocol
 * @version: proposed or agreed on
 * @trans_id: last number given to a message
 * @max_pages: the most memory this guest will ever have, as the host said
 * @suppressed: the host wants no reports
 * @deadline: of the answer that is awaited, jiffies
 * @next_report: when the next one is due, jiffies
 * @balloon_left: pages of the request at the head of the inbox, still to give
 * @balloon_order: allocation order at which that goes on
 * @balloon_begun: that request is being answered
 * @pages: with the host
 * @buffer: the message being made, by who has @mutex
 * @spare: the packet of the next one, or NULL
 * @restored: what a restore brought, until the link is there
 * @has_restored: it did
 * @lock: what follows, down to @nr_restored
 * @inbox: &struct vdm_message, oldest first
 * @restored_packets: messages of ours that were restored, and are not out yet
 * @nr_restored: how many they are
 * @report_queued: a report is not in the ring yet: no other is made
 * @response_queued: the same of a balloon response
 * @counters: by &enum vdm_counter
 * @delay_ms: wait so long before acting on a message: for tests
 */
struct vdm {
	struct vmb_channel *channel;
	struct vmb_bus *bus;
	struct workqueue_struct *wq;
	struct delayed_work inbox_work;
	struct delayed_work tick;
	struct work_struct reopen;

	struct mutex mutex;	/* down to @restored */
	bool running;
	bool quitting;
	enum vdm_state state;
	u32 version;
	u32 trans_id;
	u64 max_pages;
	bool suppressed;
	unsigned long deadline;
	unsigned long next_report;
	u32 balloon_left;
	unsigned int balloon_order;
	bool balloon_begun;
	struct vdm_pages pages;
	u8 buffer[VDM_MESSAGE_MAX] __aligned(8);
	struct vmb_packet *spare;
	struct vdm_saved restored;
	bool has_restored;

	spinlock_t lock;	/* down to @nr_restored */
	struct list_head inbox;
	struct vmb_packet *restored_packets[VDM_PACKETS];
	u32 nr_restored;

	atomic_t report_queued;
	atomic_t response_queued;
	atomic64_t counters[VDM_NR_COUNTERS];
	unsigned int delay_ms;
};

/* dm_life.c: the endpoint and its channel */
struct vdm *vdm_create(struct device *parent, const char *bus);
int vdm_enable(struct vdm *dm);
void vdm_destroy(struct vdm *dm);

/* dm_inbox.c: messages of the host, until they are acted upon */
void vdm_inbox_init(struct vdm *dm);
void vdm_inbox_process(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		       void *buffer, u32 length, u32 flags);
void vdm_inbox_work(struct work_struct *work);
void vdm_inbox_resume(struct vdm *dm);
void vdm_inbox_kick(struct vdm *dm);
bool vdm_inbox_empty(struct vdm *dm);
u32 vdm_inbox_flush(struct vdm *dm);
void vdm_inbox_forget(struct vdm *dm);
int vdm_inbox_save(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		   void *buffer, u32 size, u32 *bytes_needed);
int vdm_inbox_restore(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		      void *payload, u32 length, u32 flags, const void *buffer, u32 size);

/* dm_protocol.c: what a message means, and ours */
void vdm_protocol_begin(struct vdm *dm);
void vdm_protocol_tick(struct vdm *dm);
bool vdm_protocol_act(struct vdm *dm, const void *message, u32 length);
void vdm_fault(struct vdm *dm, const char *what);

/* dm_send.c */
bool vdm_send_prepare(struct vdm *dm);
void vdm_send_unprepare(struct vdm *dm);
int vdm_send(struct vdm *dm, void *message, enum vdm_type type, u32 size);
int vdm_send_save(struct vmb_channel *channel, struct vmb_packet *packet, void *buffer,
		  u32 size, u32 *bytes_needed);
int vdm_send_restore(struct vmb_channel *channel, const void *lib_buffer, u32 lib_size,
		     const void *buffer, u32 size);
void vdm_send_drop_restored(struct vdm *dm);

/* dm_balloon.c: pages go, pages come */
bool vdm_balloon_supported(void);
bool vdm_balloon_request(struct vdm *dm, const struct vdm_balloon_request *request);
void vdm_unballoon_request(struct vdm *dm, const struct vdm_unballoon_request *request, u32 size);

/* dm_report.c: the guest's memory in numbers */
unsigned long vdm_floor(struct vdm *dm);
unsigned long vdm_spare(struct vdm *dm);
void vdm_report(struct vdm *dm);

/* dm_pages.c: the pages that are with the host */
void vdm_pages_init(struct vdm_pages *pages);
unsigned long vdm_pages_give(struct vdm_pages *pages, unsigned long wanted, unsigned int *order,
			     __le64 *ranges, u32 max, u32 *count);
int vdm_pages_take(struct vdm_pages *pages, const __le64 *ranges, u32 count,
		   unsigned long *taken);
unsigned long vdm_pages_take_all(struct vdm_pages *pages);

/* dm_save.c: what outlives a kexec */
int vdm_save_state(struct vmb_channel *channel, void *buffer, u32 size, u32 *bytes_needed);
int vdm_restore_state(struct vmb_channel *channel, const void *buffer, u32 size);
int vdm_query_handover(struct vmb_channel *channel, char *reason, u32 size);

/* dm_sysfs.c */
extern const struct attribute_group *vdm_groups[];

static inline void vdm_count(struct vdm *dm, enum vdm_counter counter, u64 n)
{
	atomic64_add(n, &dm->counters[counter]);
}

/* Tests reach in. */
#if IS_ENABLED(CONFIG_KMCL_KUNIT)
#define VDM_EXPORT_IF_KUNIT(sym)	EXPORT_SYMBOL_NS_GPL(sym, KMCL_NS)
#else
#define VDM_EXPORT_IF_KUNIT(sym)
#endif

#endif /* _KMCL_DM_H */
