/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hv bus: channels that a Hyper-V host offers, through the kernel's own
 * hv_vmbus.
 *
 *   hv.c        the module, the bus, what can be asked of it
 *   hv_type.c   one hv_driver for each interface type that somebody waits for
 *   hv_aside.c  devices that somebody unbound by hand
 *   hv_end.c    life of a link's end: its device, open and close
 *   hv_sub.c    sub-channels
 *   hv_data.c   packets, through the rings of hv_vmbus
 *   hv_ext.c    external memory
 *   hv_gpadl.c  GPADLs, and MMIO space
 *   hv_host.c   the border: every call that reaches the host or the driver core
 *
 * Calls of hv_vmbus that wait for the host do so without a limit. Only the work
 * of the end that they are for makes them, so that a silent host holds up
 * nobody else. But a sub-channel is opened in hv_vmbus's own work, hv_sub_chan:
 * hv_vmbus offers no better place (hv_sub.c). There a silent host holds up what
 * other sub-channels are offered on that processor, as with the kernel's drivers.
 *
 * A test has no host: it puts a &struct kmcl_hv_host of its own in the place of
 * kmcl_hv_host, by kmcl_hv_host_set(), before anything is attached. What
 * driver_register() is given there has the probe and remove to be called with
 * devices of the test's own making. hv_pkt_iter_*() and vmbus_sendpacket*() are
 * not behind the border: they run on the channel's rings, which a test makes,
 * too, in open(), and signal the host only where its interrupt mask is 0.
 *
 * Locking: kmcl_hv_lock protects the types, which ends belong to them, and the
 * life of every end; it is taken in process context only.
 * kmcl_hv_end.event_mutex is held over what the core is told, and may be taken
 * first. Neither is held over a call of the border. In the way
 * of the data nothing is locked: the core serialises the calls on each ring,
 * between open and close.
 */
#ifndef _KMCL_HV_H
#define _KMCL_HV_H

#include <linux/kmcl_transport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "hv_compat.h"

/**
 * struct kmcl_hv_host - the border to the host and the driver core
 * @driver_register: vmbus_driver_register(): probes all devices that are free
 * @driver_unregister: vmbus_driver_unregister(): removes all that are bound
 * @driver_attach: probes once more all devices that are free, and waits for no other
 * @release: device_release_driver(): removes one
 * @unregister: vmbus_device_unregister(): removes one, and the host's offer is gone
 * @open: vmbus_open()
 * @close: vmbus_close(): the host no longer touches anything of the channel's
 * @gpadl_establish: vmbus_establish_gpadl()
 * @gpadl_teardown: vmbus_teardown_gpadl()
 * @mmio_allocate: vmbus_allocate_mmio() of any free @size bytes
 * @mmio_free: vmbus_free_mmio()
 *
 * All in process context, with no lock held.
 */
struct kmcl_hv_host {
	int (*driver_register)(struct hv_driver *driver);
	void (*driver_unregister)(struct hv_driver *driver);
	int (*driver_attach)(struct hv_driver *driver);
	void (*release)(struct hv_device *device);
	void (*unregister)(struct hv_device *device);
	int (*open)(struct vmbus_channel *channel, u32 send_size, u32 receive_size,
		    void (*callback)(void *context), void *context);
	void (*close)(struct vmbus_channel *channel);
	int (*gpadl_establish)(struct vmbus_channel *channel, void *buffer, u32 size,
			       struct vmbus_gpadl *gpadl);
	int (*gpadl_teardown)(struct vmbus_channel *channel, struct vmbus_gpadl *gpadl);
	int (*mmio_allocate)(struct hv_device *device, u64 size, u64 *address);
	void (*mmio_free)(u64 address, u64 size);
};

extern const struct kmcl_hv_host *kmcl_hv_host;

bool kmcl_hv_host_present(void);
#if IS_ENABLED(CONFIG_KMCL_KUNIT)
void kmcl_hv_host_set(const struct kmcl_hv_host *host);
#endif

/* An interface type that somebody waits for, and the driver that takes its devices */
struct kmcl_hv_type {
	struct list_head node;			/* of all types */
	struct list_head ends;
	guid_t guid;
	bool registered;
	struct work_struct work;		/* alone registers and unregisters */
	struct task_struct *looking;		/* the work, while it probes what is free */
	struct hv_vmbus_device_id ids[2];
	struct hv_driver driver;
	char name[8 + UUID_STRING_LEN];
};

/* How far an end has come */
enum kmcl_hv_state {
	KMCL_HV_WAITING,		/* for a device */
	KMCL_HV_BOUND,			/* to be opened */
	KMCL_HV_OPENING,
	KMCL_HV_OPEN,
	KMCL_HV_CLOSING,
	KMCL_HV_CLOSED,			/* the device is still bound */
};

struct kmcl_hv_end {
	struct list_head node;			/* kmcl_hv_type.ends */
	struct kref ref;
	struct kmcl_hv_type *type;
	struct kmcl_link_params params;
	struct mutex event_mutex;		/* what the core is told, and until when */
	struct vmb_channel __rcu *channel;	/* the core's; NULL once detached */

	/* Under kmcl_hv_lock */
	enum kmcl_hv_state state;
	struct hv_device *device;		/* bound, with a reference */
	struct hv_device *rescinded;		/* to be unregistered, with a reference */
	bool told_open;				/* until the core has closed */
	bool told_close;
	bool want_close;
	bool removing;				/* remove() waits for the end of the link */
	bool suspended;				/* the machine hibernates */
	bool lent;				/* its consumer's pages, at its close */
	bool lost;				/* a sub-channel's offer was taken back */
	bool reset;				/* closed to be opened again */
	int error;				/* to be told: no link is to be expected */
	struct task_struct *actor;		/* runs the work */
	struct work_struct work;		/* alone opens, closes, and tells the core */
	wait_queue_head_t wait;

	/* Fixed from open to close; the core serialises each way */
	struct vmbus_channel *vmbus;
	struct vmpacket_descriptor rx_desc;	/* our copy, of the packet at the head */
	const char *rx_fault;
	u32 tx_index;				/* where the next packet goes */
	bool tx_pending;			/* the host is to say when there is room */
	const char *tx_fault;
	struct delayed_work room_work;		/* looks for room, where the host will not say */
	void *tx_header;			/* descriptor and ranges, in one piece */

	struct mutex host_mutex;		/* over a call that waits for the host, once open */
	struct mutex memory_mutex;		/* what follows */
	struct list_head gpadls;
	u64 mmio;				/* 0: none was asked for */
	u64 mmio_size;
};

/* Of 4 KiB, in the 65535 bytes that hv_vmbus has for their list; it does not check. */
#define KMCL_HV_GPADL_MAX_PAGES	8190U

#define KMCL_HV_DESCRIPTOR_SIZE	sizeof(struct vmpacket_descriptor)

extern spinlock_t kmcl_hv_lock;
extern struct workqueue_struct *kmcl_hv_wq;

/* hv_type.c */
int kmcl_hv_type_join(struct kmcl_hv_end *end);
void kmcl_hv_type_leave(struct kmcl_hv_end *end);
void kmcl_hv_type_look(struct kmcl_hv_type *type);
void kmcl_hv_type_exit(void);
struct kmcl_hv_end *kmcl_hv_type_end_of(const struct hv_device *device);

/* hv_aside.c */
bool kmcl_hv_aside_has(struct hv_device *device);
void kmcl_hv_aside_add(struct hv_device *device);
void kmcl_hv_aside_exit(void);

/* hv_end.c */
int kmcl_hv_attach(struct vmb_bus *bus, struct vmb_channel *channel,
		   const struct kmcl_link_params *params, void **link,
		   enum vmb_link_state *state);
void kmcl_hv_detach(void *link);
void kmcl_hv_park(void *link);
void kmcl_hv_open_done(void *link, int status);
void kmcl_hv_close(void *link);
void kmcl_hv_closed(void *link);
void kmcl_hv_get_instance(void *link, guid_t *instance);
int kmcl_hv_end_bind(struct kmcl_hv_type *type, struct hv_device *device);
void kmcl_hv_end_unbind(struct hv_device *device);
int kmcl_hv_end_suspend(struct hv_device *device);
int kmcl_hv_end_resume(struct hv_device *device);
int kmcl_hv_end_open(struct kmcl_hv_end *end);
void kmcl_hv_end_let_go(struct kmcl_hv_end *end);
void kmcl_hv_end_put(struct kmcl_hv_end *end);
void kmcl_hv_callback_begin(void);
void kmcl_hv_callback_end(void);
void kmcl_hv_end_exit(void);

static inline void kmcl_hv_end_kick(struct kmcl_hv_end *end)
{
	kref_get(&end->ref);
	if (!queue_work(kmcl_hv_wq, &end->work))
		kmcl_hv_end_put(end);
}

/* hv_sub.c */
void kmcl_hv_sub_listen(struct vmbus_channel *vmbus);
void kmcl_hv_sub_closing(struct kmcl_hv_end *end);
bool kmcl_hv_subs_end(struct kmcl_hv_end *primary);
void kmcl_hv_subs_drop(struct kmcl_hv_end *primary);

/* hv_data.c */
void kmcl_hv_data_start(struct kmcl_hv_end *end);
void kmcl_hv_interrupt(void *context);
void kmcl_hv_room_work(struct work_struct *work);
int kmcl_hv_rx_peek(void *link, struct kmcl_rx *rx);
void kmcl_hv_rx_copy(void *link, const struct kmcl_rx *rx, void *header, void *payload);
void kmcl_hv_rx_advance(void *link, const struct kmcl_rx *rx);
void kmcl_hv_rx_commit(void *link);
void kmcl_hv_rx_mask(void *link);
bool kmcl_hv_rx_unmask(void *link);
u32 kmcl_hv_rx_unread(void *link);
int kmcl_hv_tx_write(void *link, const struct kmcl_tx *tx);
void kmcl_hv_tx_commit(void *link);
bool kmcl_hv_tx_want(void *link, u32 bytes);
u32 kmcl_hv_tx_limit(void *link);
const char *kmcl_hv_fault(void *link);

/* hv_ext.c */
int kmcl_hv_ext_reserve(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token);
void kmcl_hv_ext_release(struct vmb_bus *bus, u64 token);
int kmcl_hv_ext_map(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		    u32 length, void *header, u32 *header_len);
void kmcl_hv_ext_unmap(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		       u32 length);
int kmcl_hv_gpa_get(void *link, const void *header, u32 header_len, u32 flags,
		    struct bio_vec *bvec, u32 *nr);
void kmcl_hv_gpa_put(void *link, struct bio_vec *bvec, u32 nr);

/* hv_gpadl.c */
int kmcl_hv_gpadl_create(void *link, const struct vmb_mdl *mdl, u32 offset, u32 length,
			 u32 flags, u32 *handle);
int kmcl_hv_gpadl_delete(void *link, u32 handle);
void kmcl_hv_gpadl_abort(void *link);
int kmcl_hv_gpadl_map(void *link, u32 handle, u32 flags, struct vmb_mdl **mdl);
int kmcl_hv_gpadl_unmap(void *link, u32 handle);
bool kmcl_hv_memory_published(struct kmcl_hv_end *end);
void kmcl_hv_memory_end(struct kmcl_hv_end *end);
void kmcl_hv_get_mmio(void *link, u64 *address, u64 *size);

#endif /* _KMCL_HV_H */
