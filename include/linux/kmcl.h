/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL, the VMBus Kernel Mode Client Library: what a VSP or VSC is written
 * against.
 */
#ifndef _LINUX_KMCL_H
#define _LINUX_KMCL_H

#include <linux/bvec.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/version.h>

/* A consumer says MODULE_IMPORT_NS(KMCL_NS); the argument's form changed in 6.13. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define KMCL_NS "KMCL"
#else
#define KMCL_NS KMCL
#endif

struct device;
struct vmb_bus;
struct vmb_channel;
struct vmb_packet;
struct vmb_packet_completion;

/**
 * DOC: The objects
 *
 * &struct vmb_channel is one end of a channel (Windows: VMBCHANNEL).
 * &struct vmb_packet is a packet that this end sends, through its whole
 * transaction (VMBPACKET). &struct vmb_packet_completion is a packet that this
 * end received and completes exactly once (VMBPACKETCOMPLETION). &struct
 * vmb_bus says which peer a channel belongs to (the VMBus HANDLE). All four are
 * opaque.
 *
 * Functions return 0 or a negative errno. Where a kernel-doc says "process
 * context", the function may sleep and must not be called with a spinlock held
 * or in softirq; "any context" includes hard interrupts.
 *
 * A configuration is fixed from the first packet on: the functions that set it
 * return -EBUSY ("not Disabled") also while the channel has a packet, sent or
 * received, or a restore that was begun.
 */

/* Limits and defaults; sizes in bytes */
#define VMB_MAX_PACKET_SIZE		65536U
#define VMB_MAX_EXTERNAL_DATA		(4U * 1024 * 1024)
#define VMB_MAX_CHAIN_LENGTH		256U
#define VMB_MAX_TRANSFER_RANGES		1024U
#define VMB_MAX_PACKET_COUNT		1048576U
#define VMB_MAX_QUOTA			65536U
#define VMB_MAX_CONTEXT_SIZE		4096U
#define VMB_MAX_OFFER_DATA		120U
#define VMB_MAX_RING_PAGES		1024U
#define VMB_MAX_SAVE_PRIVATE		(64U * 1024)
#define VMB_MAX_SAVE_STATE		(512U * 1024)
#define VMB_MAX_REASON			192U	/* with its NUL */

#define VMB_DEFAULT_PACKET_SIZE		4096U
#define VMB_DEFAULT_EXTERNAL_DATA	0U	/* none unless asked for */
#define VMB_DEFAULT_CHAIN_LENGTH	1U
#define VMB_DEFAULT_PACKET_COUNT	4096U
#define VMB_DEFAULT_QUOTA		128U
#define VMB_DEFAULT_RING_PAGES		16U	/* each direction, control page not counted */
#define VMB_DEFAULT_DRAIN_MS		5000U

/* vmb_packet_send() and its like: VMBUS_CHANNEL_FORMAT_FLAG_* */
#define VMB_PACKET_FLAG_WAIT_FOR_COMPLETION	0x1U
#define VMB_PACKET_FLAG_FORCE_MDL_LENGTH	0x2U
#define VMB_PACKET_FLAG_PAGED_BUFFER		0x4U	/* Windows'; all memory here is resident */

/* vmb_channel_create_gpadl_*() and vmb_channel_map_gpadl() */
#define VMB_GPADL_FLAG_READ_ONLY		0x1U

/* vmb_channel_init_set_flags() */
#define VMB_CHANNEL_INIT_FLAG_IS_PIPE		0x1U

/* vmb_server_channel_init_set_flags() */
#define VMB_SERVER_FLAG_LOOPBACK_OFFER			0x1U	/* what the loopback bus does */
#define VMB_SERVER_FLAG_ENUMERATE_DEVICE_INTERFACE	0x2U	/* told to the client's end */
#define VMB_SERVER_FLAG_OFFER_AS_PIPE			0x4U	/* the same */
#define VMB_SERVER_FLAG_FORCE_NEW_CHANNEL		0x8U	/* a restore resets the link */
#define VMB_SERVER_FLAG_TLNPI_PROVIDER_OFFER		0x10U	/* no bus here: -EOPNOTSUPP */

/* process-packet callback */
#define VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA	0x1U
#define VMB_PROCESS_PACKET_FLAG_TRANSFER_PAGES	0x2U

/* vmb_channel_packet_get_external_data() */
#define VMB_EXTERNAL_DATA_FLAG_READ_ONLY	0x1U

#define VMB_STATE_CHANGE_CALLBACKS_VERSION	1U

/**
 * struct vmb_mdl - memory described, not copied (Windows: MDL)
 * @next: next of a chain, or NULL
 * @bvec: the pieces
 * @nr_bvecs: how many
 * @offset: where the memory starts in the first piece, in bytes
 * @length: bytes of memory described by this one, from @offset on
 */
struct vmb_mdl {
	struct vmb_mdl *next;
	const struct bio_vec *bvec;
	unsigned int nr_bvecs;
	u32 offset;
	u32 length;
};

/**
 * struct vmb_transfer_range - a part of the buffer that transfer pages lie in
 * @offset: bytes from the start of the buffer
 * @length: bytes
 */
struct vmb_transfer_range {
	u32 offset;
	u32 length;
};

/**
 * enum vmb_link_state - what became of the link over a restore
 * @VMB_LINK_NEW: nothing was restored: a fresh link
 * @VMB_LINK_KEPT: the same rings; the peer noticed nothing
 * @VMB_LINK_RESET: the peer closed and opened anew; packets that were sent
 *	complete with -ECANCELED
 */
enum vmb_link_state {
	VMB_LINK_NEW,
	VMB_LINK_KEPT,
	VMB_LINK_RESET,
};

/**
 * enum vmb_stop_reason - why a channel last stopped carrying packets
 * @VMB_STOP_NONE: it did not
 * @VMB_STOP_DISABLED: vmb_channel_disable()
 * @VMB_STOP_PEER_CLOSED: the peer closed
 * @VMB_STOP_RESCINDED: the offer was taken back
 * @VMB_STOP_MALFORMED: the peer put something malformed into the ring
 * @VMB_STOP_PACKET_FAILED: vmb_channel_packet_fail()
 * @VMB_STOP_OPEN_FAILED: the open failed, or the Opened callback
 * @VMB_STOP_LINK_RESET: the link could not be kept, over a restore or a
 *	hibernation, and comes anew
 * @VMB_STOP_HANDED_OVER: a handover was committed
 */
enum vmb_stop_reason {
	VMB_STOP_NONE,
	VMB_STOP_DISABLED,
	VMB_STOP_PEER_CLOSED,
	VMB_STOP_RESCINDED,
	VMB_STOP_MALFORMED,
	VMB_STOP_PACKET_FAILED,
	VMB_STOP_OPEN_FAILED,
	VMB_STOP_LINK_RESET,
	VMB_STOP_HANDED_OVER,
};

/**
 * struct vmb_channel_state_change_callbacks - callbacks of a channel's life
 * @version: %VMB_STATE_CHANGE_CALLBACKS_VERSION
 * @size: sizeof(struct vmb_channel_state_change_callbacks)
 * @opened: the peer opened, or granted the open. An error rolls it back: the
 *	peer sees the open fail, neither @suspend nor @closed runs. Sends are
 *	queued.
 * @closed: after @suspend, if that ran, and after every received packet was
 *	completed. One for each @opened that succeeded.
 * @suspend: an open, started channel is paused, frozen, disabled, or closed by
 *	the peer. From here on no packet is delivered until the next @started.
 *	Finish every packet held, now or later, and stop sending.
 * @started: the channel became open and started; nothing was delivered yet.
 *	May queue sends, must not wait for anything inbound.
 * @post_started: after @started, with the receive side on; may wait for
 *	completions. Packets may be delivered while it runs.
 *
 * All are optional, run in process context, and one at a time for a channel.
 * Windows: VMB_CHANNEL_STATE_CHANGE_CALLBACKS.
 */
struct vmb_channel_state_change_callbacks {
	u32 version;
	u32 size;
	int (*opened)(struct vmb_channel *channel);
	void (*closed)(struct vmb_channel *channel);
	void (*suspend)(struct vmb_channel *channel);
	void (*started)(struct vmb_channel *channel);
	void (*post_started)(struct vmb_channel *channel);
};

/**
 * vmb_channel_state_change_callbacks_init() - prepare an empty set of callbacks
 * @callbacks: what to fill
 *
 * Windows: VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT.
 */
static inline void
vmb_channel_state_change_callbacks_init(struct vmb_channel_state_change_callbacks *callbacks)
{
	*callbacks = (struct vmb_channel_state_change_callbacks) {
		.version = VMB_STATE_CHANGE_CALLBACKS_VERSION,
		.size = sizeof(*callbacks),
	};
}

/**
 * typedef vmb_channel_process_packet_fn - a packet arrived
 * @channel: where
 * @packet: to be completed exactly once, now or later, unless the callback
 *	deferred or failed it, or returns because its external data is awaited
 * @buffer: its payload, without headers: a private copy, valid until the
 *	packet is completed
 * @length: bytes of @buffer; the ring pads to a multiple of 8
 * @flags: VMB_PROCESS_PACKET_FLAG_*
 *
 * Context: softirq, or process context on a passive channel and after
 * vmb_channel_packet_defer_to_passive(). One at a time for a channel.
 * Windows: EvtVmbChannelProcessPacket.
 */
typedef void (*vmb_channel_process_packet_fn)(struct vmb_channel *channel,
					      struct vmb_packet_completion *packet,
					      void *buffer, u32 length, u32 flags);

/**
 * typedef vmb_channel_processing_complete_fn - delivery pauses
 * @channel: where
 * @packets: delivered since the last call, at least 1
 *
 * The ring is empty, the quota is reached, or the budget is used up.
 * Context: as the process-packet callback.
 * Windows: EvtVmbChannelProcessingComplete.
 */
typedef void (*vmb_channel_processing_complete_fn)(struct vmb_channel *channel, u32 packets);

/**
 * typedef vmb_packet_completion_fn - a packet's transaction ended
 * @packet: whose; from here on the consumer's again
 * @status: 0: done. -ENODEV: the link ended. -ECANCELED: cancelled, or the
 *	link was reset, over a restore or a hibernation. -ESTALE: handed over, not lost.
 *	-EMSGSIZE: queued before the channel was open, and too large for its ring
 * @buffer: the peer's completion payload, valid until the routine returns, or
 *	NULL
 * @length: bytes of @buffer
 *
 * Context: softirq or process context, never with a lock of the library held. Of
 * any packet of the channel, it may run inside a call by which one ends or is
 * found to have ended, before that returns: vmb_packet_send(),
 * vmb_packet_cancel(), vmb_channel_packet_complete(), vmb_channel_pause() and
 * their like. Hold no lock there that the routine takes.
 * Windows: EvtVmbPacketCompletionRoutine.
 */
typedef void (*vmb_packet_completion_fn)(struct vmb_packet *packet, int status,
					 void *buffer, u32 length);

/**
 * typedef vmb_channel_pnp_failure_fn - a client's connection failed
 * @channel: which; it is Disabled again
 * @status: why
 *
 * Context: process context. Windows: EvtChannelPnpFailure.
 */
typedef void (*vmb_channel_pnp_failure_fn)(struct vmb_channel *channel, int status);

/**
 * typedef vmb_channel_save_packet_fn - save the consumer's part of a packet
 * @channel: whose
 * @packet: an outgoing packet, queued or sent
 * @buffer: where to; NULL at the first call
 * @size: bytes of @buffer: 0 at the first call, then exactly what was asked for
 * @bytes_needed: set it, and return -ENOSPC, where @size is too small; at most
 *	%VMB_MAX_SAVE_PRIVATE
 *
 * Context: process context. The channel is frozen or paused.
 * Return: 0: saved, or at the first call: there is nothing. -ENOSPC. Any other
 * error ends the save and is what vmb_channel_save_continue() returns.
 * Windows: EvtVmbChannelSavePacket.
 */
typedef int (*vmb_channel_save_packet_fn)(struct vmb_channel *channel, struct vmb_packet *packet,
					  void *buffer, u32 size, u32 *bytes_needed);

/**
 * typedef vmb_channel_restore_packet_fn - bring a saved packet back
 * @channel: whose
 * @lib_buffer: the library's part, for vmb_packet_restore()
 * @lib_size: bytes of @lib_buffer
 * @buffer: the consumer's part, or NULL
 * @size: bytes of @buffer
 *
 * Allocates a packet, sets its completion routine and pointer, and calls
 * vmb_packet_restore(). Neither buffer outlives the call.
 * Context: process context.
 * Return: 0, or an error, which ends the restore.
 * Windows: EvtVmbChannelRestorePacket.
 */
typedef int (*vmb_channel_restore_packet_fn)(struct vmb_channel *channel,
					     const void *lib_buffer, u32 lib_size,
					     const void *buffer, u32 size);

/**
 * typedef vmb_channel_save_received_fn - save the consumer's part of a packet
 *	it received and holds
 * @channel: whose
 * @packet: which
 * @buffer: as in &typedef vmb_channel_save_packet_fn
 * @size: the same
 * @bytes_needed: the same
 *
 * When it has returned 0, nothing of the consumer works on this packet any
 * more: what lands later under a replayed request is lost data.
 * Context: process context. Return: as &typedef vmb_channel_save_packet_fn.
 */
typedef int (*vmb_channel_save_received_fn)(struct vmb_channel *channel,
					    struct vmb_packet_completion *packet,
					    void *buffer, u32 size, u32 *bytes_needed);

/**
 * typedef vmb_channel_restore_received_fn - take back a received packet
 * @channel: whose
 * @packet: the same open transaction, to be completed exactly once, not before
 *	the Opened callback
 * @payload: its payload, valid until it is completed
 * @length: bytes of @payload
 * @flags: VMB_PROCESS_PACKET_FLAG_*
 * @buffer: the consumer's part, or NULL; does not outlive the call
 * @size: bytes of @buffer
 *
 * Context: process context.
 * Return: 0, or an error, which ends the restore.
 */
typedef int (*vmb_channel_restore_received_fn)(struct vmb_channel *channel,
					       struct vmb_packet_completion *packet,
					       void *payload, u32 length, u32 flags,
					       const void *buffer, u32 size);

/**
 * typedef vmb_channel_save_state_fn - save what the consumer knows beyond
 *	packets
 * @channel: whose
 * @buffer: as in &typedef vmb_channel_save_packet_fn; at most
 *	%VMB_MAX_SAVE_STATE
 * @size: the same
 * @bytes_needed: the same
 *
 * Runs before any packet of the channel is saved.
 * Context: process context. Return: as &typedef vmb_channel_save_packet_fn.
 */
typedef int (*vmb_channel_save_state_fn)(struct vmb_channel *channel, void *buffer, u32 size,
					 u32 *bytes_needed);

/**
 * typedef vmb_channel_restore_state_fn - take it back
 * @channel: whose
 * @buffer: what was saved; does not outlive the call
 * @size: bytes of @buffer
 *
 * Runs before any packet of the channel is restored, only if state was saved.
 * Context: process context. Return: 0, or an error, which ends the restore.
 */
typedef int (*vmb_channel_restore_state_fn)(struct vmb_channel *channel, const void *buffer,
					    u32 size);

/**
 * typedef vmb_channel_query_handover_fn - may the channel be handed over?
 * @channel: which
 * @reason: where to say why not, and what to do about it, for a person to read:
 *	one line without the channel's name
 * @size: bytes of @reason, %VMB_MAX_REASON
 *
 * For what the next kernel could not go on with. Asked before a freeze for a
 * handover touches anything, and again once all channels stand still, when the
 * first answer may be out of date.
 *
 * Context: process context, the first time with the list of all channels locked;
 * no function of the library may be called that needs process context.
 * Return: 0: it may. An error: it may not; nobody is handed over then.
 */
typedef int (*vmb_channel_query_handover_fn)(struct vmb_channel *channel, char *reason,
					     u32 size);

/* Buses: bus.c */
struct vmb_bus *kmcl_bus_get(const char *name);
void kmcl_bus_put(struct vmb_bus *bus);
struct vmb_bus *vmb_convert_vmbus_handle_to_kernel_handle(int fd);

/* Life of a channel: channel.c */
int vmb_channel_allocate(struct device *parent, bool is_server, struct vmb_channel **channel);
int vmb_channel_cleanup(struct vmb_channel *channel);
int vmb_channel_enable(struct vmb_channel *channel);
int vmb_channel_disable(struct vmb_channel *channel);
int vmb_channel_pause(struct vmb_channel *channel);
int vmb_channel_start(struct vmb_channel *channel);

/* Configuration: config.c, config_role.c */
int vmb_channel_init_set_flags(struct vmb_channel *channel, u32 flags);
int vmb_channel_init_set_client_context_size(struct vmb_channel *channel, u32 size);
int vmb_channel_init_set_friendly_name(struct vmb_channel *channel, const char *name);
int vmb_channel_init_set_maximum_packet_size(struct vmb_channel *channel, u32 size);
int vmb_channel_init_set_maximum_packet_count(struct vmb_channel *channel, u32 count);
int vmb_channel_init_set_maximum_external_data(struct vmb_channel *channel, u32 size,
					       u32 chain_length);
int vmb_channel_init_set_transfer_pages(struct vmb_channel *channel, u16 set, u32 size,
					u32 ranges);
int vmb_channel_init_set_process_packet_callbacks(struct vmb_channel *channel,
						  vmb_channel_process_packet_fn process,
						  vmb_channel_processing_complete_fn complete);
int
vmb_channel_init_set_state_change_callbacks(struct vmb_channel *channel,
					    const struct vmb_channel_state_change_callbacks *cb);
int vmb_channel_init_set_save_restore_packet_callbacks(struct vmb_channel *channel,
						       vmb_channel_save_packet_fn save,
						       vmb_channel_restore_packet_fn restore);
int vmb_channel_init_set_save_restore_received_callbacks(struct vmb_channel *channel,
							 vmb_channel_save_received_fn save,
							 vmb_channel_restore_received_fn restore);
int vmb_channel_init_set_save_restore_state_callbacks(struct vmb_channel *channel,
						      vmb_channel_save_state_fn save,
						      vmb_channel_restore_state_fn restore);
int vmb_channel_init_set_query_handover_callback(struct vmb_channel *channel,
						 vmb_channel_query_handover_fn query);
int vmb_channel_init_set_drain_deadline(struct vmb_channel *channel, u32 ms);
int vmb_channel_init_set_subchannel_index(struct vmb_channel *channel, u16 index);
int vmb_channel_init_set_processor(struct vmb_channel *channel, int cpu);

int vmb_client_channel_init_set_bus(struct vmb_channel *channel, struct vmb_bus *bus);
int vmb_client_channel_init_set_ring_buffer_page_count(struct vmb_channel *channel,
						       u32 incoming, u32 outgoing);
int vmb_client_channel_init_set_target_pnp(struct vmb_channel *channel, const guid_t *type,
					   const guid_t *instance,
					   vmb_channel_pnp_failure_fn failure);

int vmb_server_channel_init_set_flags(struct vmb_channel *channel, u32 flags);
int vmb_server_channel_init_set_target_interface_id(struct vmb_channel *channel,
						    const guid_t *type, const guid_t *instance);
int vmb_server_channel_init_set_vmbus_handle(struct vmb_channel *channel, struct vmb_bus *bus);
int vmb_server_channel_init_set_mmio_megabytes(struct vmb_channel *channel, u16 megabytes,
					       u16 optional_megabytes);
int vmb_server_channel_init_set_target_vtl(struct vmb_channel *channel, u8 vtl);
int vmb_server_channel_init_set_offer_data(struct vmb_channel *channel, const void *data,
					   u32 size);
int vmb_server_channel_init_set_save_restore_packet(struct vmb_channel *channel,
						    vmb_channel_save_packet_fn save,
						    vmb_channel_restore_packet_fn restore);

/**
 * vmb_server_channel_init_set_save_restore_packet_callbacks() - a server's
 *	outgoing packets can be saved
 * @channel: a Disabled server
 * @save: for each packet when the channel is saved
 * @restore: for each packet when it is restored
 *
 * Windows: VmbServerChannelInitSetSaveRestorePacketCallbacks.
 * Context: process context.
 * Return: 0; -EBUSY: not Disabled; -EINVAL: a client, or one is missing.
 */
static inline int
vmb_server_channel_init_set_save_restore_packet_callbacks(struct vmb_channel *channel,
							  vmb_channel_save_packet_fn save,
							  vmb_channel_restore_packet_fn restore)
{
	return vmb_server_channel_init_set_save_restore_packet(channel, save, restore);
}

void vmb_channel_set_pointer(struct vmb_channel *channel, void *pointer);
void *vmb_channel_get_pointer(struct vmb_channel *channel);
int vmb_channel_set_incoming_processing_at_passive(struct vmb_channel *channel, bool passive);
int vmb_channel_set_transaction_quota(struct vmb_channel *channel, u32 quota);
int vmb_channel_set_interrupt_latency(struct vmb_channel *channel, u16 latency, u16 *original);
void vmb_channel_get_interface_instance(struct vmb_channel *channel, guid_t *instance);
int vmb_channel_get_mmio_space(struct vmb_channel *channel, u64 *address, u64 *size);
const char *vmb_channel_get_friendly_name(struct vmb_channel *channel);
enum vmb_link_state vmb_channel_get_link_state(struct vmb_channel *channel);
enum vmb_stop_reason vmb_channel_get_stop_reason(struct vmb_channel *channel);
bool vmb_channel_is_closing(struct vmb_channel *channel);

/* Receiving: receive.c, received.c, memory.c */
int vmb_channel_packet_complete(struct vmb_packet_completion *packet, const void *buffer,
				u32 size);
int vmb_channel_packet_defer_to_passive(struct vmb_packet_completion *packet);
int vmb_channel_packet_fail(struct vmb_packet_completion *packet);
int vmb_channel_packet_get_external_data(struct vmb_packet_completion *packet, u32 flags,
					 struct vmb_mdl **mdl);
int vmb_channel_packet_get_transfer_ranges(struct vmb_packet_completion *packet,
					   struct vmb_transfer_range *ranges, u32 *nr);
void *vmb_channel_packet_get_client_context(struct vmb_packet_completion *packet);

/* Sending: packet.c, send.c, sync.c */
struct vmb_packet *vmb_packet_allocate(struct vmb_channel *channel);
void vmb_packet_free(struct vmb_packet *packet);
u32 vmb_channel_sizeof_packet(struct vmb_channel *channel);
int vmb_packet_initialize(struct vmb_channel *channel, struct vmb_packet *packet, u32 size);
int vmb_packet_uninitialize(struct vmb_packet *packet);
void vmb_packet_set_completion_routine(struct vmb_packet *packet,
				       vmb_packet_completion_fn routine);
void vmb_packet_set_pointer(struct vmb_packet *packet, void *pointer);
void *vmb_packet_get_pointer(struct vmb_packet *packet);
struct vmb_channel *vmb_packet_get_channel(struct vmb_packet *packet);
int vmb_packet_send(struct vmb_packet *packet, const void *buffer, u32 length,
		    struct vmb_mdl *external, u32 flags);
int vmb_packet_send_with_external_mdl(struct vmb_packet *packet, const void *buffer, u32 length,
				      struct vmb_mdl *external, u32 mdl_offset, u32 mdl_length,
				      u32 flags);
int vmb_packet_send_with_external_pfns(struct vmb_packet *packet, const void *buffer, u32 length,
				       const unsigned long *pfns, u32 pfn_offset, u32 pfn_length,
				       u32 flags);
int vmb_packet_cancel(struct vmb_packet *packet);
int vmb_channel_send_synchronous_request(struct vmb_channel *channel, const void *buffer,
					 u32 length, struct vmb_mdl *external, u32 flags,
					 void *completion, u32 *completion_size,
					 const long *timeout);

/* GPADLs: memory.c */
int vmb_channel_create_gpadl_from_buffer(struct vmb_channel *channel, u32 flags, void *buffer,
					 u32 size, u32 *handle);
int vmb_channel_create_gpadl_from_mdl(struct vmb_channel *channel, u32 flags,
				      struct vmb_mdl *mdl, u32 offset, u32 length, u32 *handle);
int vmb_channel_delete_gpadl(struct vmb_channel *channel, u32 handle);
int vmb_channel_map_gpadl(struct vmb_channel *channel, u32 flags, u32 handle,
			  struct vmb_mdl **mdl);
int vmb_channel_unmap_gpadl(struct vmb_channel *channel, u32 handle);

/* Saving and restoring: save.c, restore.c */
int vmb_channel_save_begin(struct vmb_channel *channel);
int vmb_channel_save_continue(struct vmb_channel *channel, void *buffer, u32 size,
			      u32 *bytes_filled, u32 *bytes_required);
void vmb_channel_save_end(struct vmb_channel *channel);
int vmb_channel_restore_from_buffer(struct vmb_channel *channel, const void *buffer, u32 size);
int vmb_packet_restore(struct vmb_packet *packet, const void *buffer, u32 size);
int vmb_packet_set_external_mdl(struct vmb_packet *packet, struct vmb_mdl *external);

#endif /* _LINUX_KMCL_H */
