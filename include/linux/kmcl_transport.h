/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL: the contract between the core and a transport.
 */
#ifndef _LINUX_KMCL_TRANSPORT_H
#define _LINUX_KMCL_TRANSPORT_H

#include <linux/kmcl.h>
#include <linux/module.h>

/**
 * DOC: Core and transport
 *
 * A transport carries packets between two ends and knows nothing of their
 * meaning; the core knows packets and nothing of how they travel. A transport
 * registers a bus, the core attaches channels to it. What the transport keeps
 * for an attached channel is its *link end*, an opaque pointer that the core
 * hands to every call.
 *
 * Life of a link end, as the core drives it::
 *
 *   attach -> event_open -> open_done -> data -> close -> closed -> detach
 *
 * An adopted link that was kept goes from attach to open_done at once; after a
 * commit park takes the place of close, closed and detach.
 *
 * attach(), open_done(), close(), closed(), detach(), park() and the GPADL
 * calls of one channel come from process context; all but the GPADL calls come
 * one at a time. The rx_* calls of a channel are made by one caller at a time,
 * in softirq or process context, some of them and all tx_* calls under a
 * spinlock of the core with interrupts off; both only between open_done() (or
 * adoption) and close(). No call of the core is made with a transport's lock held, and a
 * transport calls kmcl_channel_*() with no lock that its operations take.
 */

/* kmcl_transport_ops.caps */
#define KMCL_CAP_SERVER		0x01U	/* can publish offers */
#define KMCL_CAP_CLIENT		0x02U	/* can bind to offers */
#define KMCL_CAP_EXTERNAL	0x04U	/* external memory, both ways */
#define KMCL_CAP_GPADL		0x08U	/* GPADLs */
#define KMCL_CAP_BOUNCE		0x10U	/* the peer never touches the sender's own memory */
#define KMCL_CAP_KEEP		0x20U	/* a link can be kept over a save and restore */

/**
 * struct kmcl_link_params - what a transport is told of a channel
 * @type: interface type
 * @instance: interface instance; all 0 for a client that takes any
 * @subchannel: sub-channel index
 * @server: which end
 * @adopt: the channel was restored with an open link: keep it where possible
 * @pipe: packets carry a pipe header
 * @server_flags: VMB_SERVER_FLAG_* of a server
 * @mmio_megabytes: of a server's offer
 * @mmio_megabytes_optional: the same
 * @target_vtl: of a server's offer
 * @offer_data: user-defined data of a server's offer
 * @ring_in_pages: data pages of the ring that a client reads
 * @ring_out_pages: data pages of the ring that a client writes
 * @max_wire_size: bytes of the largest packet, with its headers
 * @max_header: bytes of the largest header of ranges that is sent, 0 without
 *	external data
 * @cpu: processor that wants the interrupts, or -1
 */
struct kmcl_link_params {
	guid_t type;
	guid_t instance;
	u16 subchannel;
	bool server;
	bool adopt;
	bool pipe;
	u32 server_flags;
	u16 mmio_megabytes;
	u16 mmio_megabytes_optional;
	u8 target_vtl;
	u8 offer_data[VMB_MAX_OFFER_DATA];
	u32 ring_in_pages;
	u32 ring_out_pages;
	u32 max_wire_size;
	u32 max_header;
	int cpu;
};

/**
 * struct kmcl_rx - a packet at the head of the incoming ring
 * @type: VMBus packet type, one the transport knows
 * @flags: VMBus packet flags
 * @id: transaction id
 * @header_len: bytes of the type's own header (ranges), between descriptor and
 *	payload
 * @payload_len: bytes of payload, with padding
 * @cookie: the transport's own
 */
struct kmcl_rx {
	u16 type;
	u16 flags;
	u64 id;
	u32 header_len;
	u32 payload_len;
	u64 cookie[2];
};

/**
 * struct kmcl_tx - a packet to be put into the outgoing ring
 * @type: VMBus packet type
 * @flags: VMBus packet flags
 * @id: transaction id
 * @header: the type's own header as on the wire, or NULL
 * @header_len: its bytes, a multiple of 8
 * @payload: payload
 * @payload_len: its bytes
 */
struct kmcl_tx {
	u16 type;
	u16 flags;
	u64 id;
	const void *header;
	u32 header_len;
	const void *payload;
	u32 payload_len;
};

/**
 * struct kmcl_transport_ops - operations of a transport
 * @owner: module
 * @caps: KMCL_CAP_*
 * @save_version: of the layout that @bus_save_read hands out
 *
 * @attach: Required. Publish (server) or bind (client) a channel; with
 *	kmcl_link_params.adopt take over the link that was parked, or restored
 *	by @bus_restore_end. Does not wait for the peer. Sets *@link to the link
 *	end, *@state to %VMB_LINK_KEPT or %VMB_LINK_RESET when adopting. After a
 *	link was kept the core treats it as open; otherwise
 *	kmcl_channel_event_open() says when it is. Process context.
 * @detach: Required. Revoke or unbind; when it returns no kmcl_channel_*() of
 *	this link end runs or will run. Does not wait for the peer.
 * @open_done: Required. The core took note of an open link: @status 0, or an
 *	error, upon which the peer sees its open fail (server) or the link is
 *	closed (client).
 * @close: Required. No rx_* or tx_* call runs or will be made. A client tells
 *	the peer; returns once the peer can no longer touch memory that was
 *	lent to it in packets, unless %KMCL_CAP_BOUNCE. Without that, it may come
 *	while the consumer still holds packets, whose memory @gpa_put unpins.
 * @closed: Required. The Closed callback ran: tear down what GPADLs are left,
 *	and (server) let the peer know that its close is done.
 * @park: Optional, required with %KMCL_CAP_KEEP. As @detach, without a word to
 *	the peer: the link waits to be adopted, in this kernel or another.
 *
 * @rx_peek: Required. 0 and *@rx: the packet at the head of the incoming ring,
 *	validated, from a private copy of its descriptor. -EAGAIN: empty. -EIO:
 *	the ring is corrupt, @fault says how.
 * @rx_copy: Required. Make the one private copy of the packet's header and
 *	payload, kmcl_rx.header_len and kmcl_rx.payload_len bytes.
 * @rx_advance: Required. Go on to the next packet.
 * @rx_commit: Required. Publish what was read; signal the peer where it waits
 *	for room.
 * @rx_mask: Required. Ask for no interrupts.
 * @rx_unmask: Required. Ask for interrupts; true: there are packets, look
 *	again.
 * @rx_unread: Optional. How many packets are in the incoming ring.
 * @tx_write: Required. Put a packet into the outgoing ring. 0; -EAGAIN: full;
 *	-EMSGSIZE: can never fit; -EIO: the ring is corrupt; -ENODEV: the link
 *	is gone.
 * @tx_commit: Required. Publish what was written, signal the peer by the
 *	masked/empty rule.
 * @tx_want: Required. Ask for an interrupt once there is room for @bytes of
 *	packet; true: there is room already.
 * @tx_limit: Required. The largest payload that can fit the outgoing ring, in
 *	bytes.
 * @fault: Required. What made the last -EIO, as a short string.
 *
 * @ext_reserve: With %KMCL_CAP_EXTERNAL. Reserve what one packet needs to
 *	describe (and bounce) @bytes of external memory; *@token names it.
 *	Process context or softirq, by @gfp.
 * @ext_release: Give it back.
 * @ext_map: Describe @length bytes at @offset of the chain @mdl: writes the
 *	GPA-direct header as on the wire, at most *@header_len bytes, and sets
 *	*@header_len. Copies in where memory is bounced. Any context.
 * @ext_unmap: The transaction ended: copies back where memory is bounced,
 *	unless @mdl is NULL. Any context.
 * @ext_adopt: With %KMCL_CAP_KEEP. @token comes from a saved packet: claim that
 *	reservation, once. -EINVAL: there is none, or one of less than @bytes.
 *
 * @gpa_get: With %KMCL_CAP_EXTERNAL. Pin the peer's memory that a validated
 *	GPA-direct header describes, as at most *@nr pieces, and set *@nr.
 *	-EINPROGRESS: not now, kmcl_channel_external_ready() will say when;
 *	-EFAULT: not the peer's memory; -EACCES: not writable. Any context.
 * @gpa_put: Unpin.
 *
 * @gpadl_create: With %KMCL_CAP_GPADL. Client: publish memory; returns once the
 *	peer acknowledged. Process context, may wait; -ENODEV if the link ends
 *	meanwhile.
 * @gpadl_delete: Client: take it back; waits while the peer has it mapped.
 * @gpadl_abort: Client: calls of @gpadl_create and @gpadl_delete that wait for
 *	the peer return -ENODEV now: the channel is being disabled.
 * @gpadl_map: Server: a chain of one that describes the memory, valid until
 *	@gpadl_unmap. -ENOENT, -EBUSY (mapped already), -EACCES (a write mapping
 *	of a read-only one).
 * @gpadl_unmap: Server: -ENOENT where it is not mapped.
 *
 * @set_interrupt_latency: Optional.
 * @get_instance: Optional. The instance that a client was bound to.
 * @get_mmio: Optional. The MMIO space that the peer set aside.
 *
 * @bus_freeze: With %KMCL_CAP_KEEP. The control plane stands still from its
 *	return on: no kmcl_channel_event_*() until @bus_thaw.
 * @bus_thaw: Undo.
 * @bus_save_begin: With %KMCL_CAP_KEEP. All channels are frozen: *@bytes is how
 *	much there is to save.
 * @bus_save_read: Hand out @length bytes at @offset.
 * @bus_save_end: Release what @bus_save_begin took.
 * @bus_restore_begin: A record of @version with @bytes follows. -EBUSY: a
 *	channel is attached; -EOPNOTSUPP: unknown version.
 * @bus_restore_write: The next @length bytes, in order.
 * @bus_restore_end: All was written (@ok) or the record is abandoned. Validates
 *	all of it; -EBADMSG leaves the bus as if new.
 * @bus_drop: Optional. Nobody is going to adopt what is parked, or was restored,
 *	and is not adopted yet: end those links, and say how many ends they had.
 */
struct kmcl_transport_ops {
	struct module *owner;
	u32 caps;
	u32 save_version;

	int (*attach)(struct vmb_bus *bus, struct vmb_channel *channel,
		      const struct kmcl_link_params *params, void **link,
		      enum vmb_link_state *state);
	void (*detach)(void *link);
	void (*open_done)(void *link, int status);
	void (*close)(void *link);
	void (*closed)(void *link);
	void (*park)(void *link);

	int (*rx_peek)(void *link, struct kmcl_rx *rx);
	void (*rx_copy)(void *link, const struct kmcl_rx *rx, void *header, void *payload);
	void (*rx_advance)(void *link, const struct kmcl_rx *rx);
	void (*rx_commit)(void *link);
	void (*rx_mask)(void *link);
	bool (*rx_unmask)(void *link);
	u32 (*rx_unread)(void *link);
	int (*tx_write)(void *link, const struct kmcl_tx *tx);
	void (*tx_commit)(void *link);
	bool (*tx_want)(void *link, u32 bytes);
	u32 (*tx_limit)(void *link);
	const char *(*fault)(void *link);

	int (*ext_reserve)(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token);
	void (*ext_release)(struct vmb_bus *bus, u64 token);
	int (*ext_map)(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
		       u32 length, void *header, u32 *header_len);
	void (*ext_unmap)(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
			  u32 length);
	int (*ext_adopt)(struct vmb_bus *bus, u64 token, u32 bytes);

	int (*gpa_get)(void *link, const void *header, u32 header_len, u32 flags,
		       struct bio_vec *bvec, u32 *nr);
	void (*gpa_put)(void *link, struct bio_vec *bvec, u32 nr);

	int (*gpadl_create)(void *link, const struct vmb_mdl *mdl, u32 offset, u32 length,
			    u32 flags, u32 *handle);
	int (*gpadl_delete)(void *link, u32 handle);
	void (*gpadl_abort)(void *link);
	int (*gpadl_map)(void *link, u32 handle, u32 flags, struct vmb_mdl **mdl);
	int (*gpadl_unmap)(void *link, u32 handle);

	int (*set_interrupt_latency)(void *link, u16 latency, u16 *original);
	void (*get_instance)(void *link, guid_t *instance);
	void (*get_mmio)(void *link, u64 *address, u64 *size);

	int (*bus_freeze)(struct vmb_bus *bus);
	void (*bus_thaw)(struct vmb_bus *bus);
	int (*bus_save_begin)(struct vmb_bus *bus, u64 *bytes);
	int (*bus_save_read)(struct vmb_bus *bus, u64 offset, void *buffer, u32 length);
	void (*bus_save_end)(struct vmb_bus *bus);
	int (*bus_restore_begin)(struct vmb_bus *bus, u32 version, u64 bytes);
	int (*bus_restore_write)(struct vmb_bus *bus, const void *buffer, u32 length);
	int (*bus_restore_end)(struct vmb_bus *bus, bool ok);
	u32 (*bus_drop)(struct vmb_bus *bus);
};

/* For a transport: bus.c, channel.c, receive.c, send.c */
struct vmb_bus *kmcl_bus_register(const char *name, const guid_t *id,
				  const struct kmcl_transport_ops *ops, void *priv);
void kmcl_bus_unregister(struct vmb_bus *bus);
void *kmcl_bus_priv(struct vmb_bus *bus);

void kmcl_channel_event_open(struct vmb_channel *channel, int status);
void kmcl_channel_event_close(struct vmb_channel *channel, enum vmb_stop_reason reason);
void kmcl_channel_interrupt(struct vmb_channel *channel);
void kmcl_channel_external_ready(struct vmb_channel *channel);
bool kmcl_channel_lends(struct vmb_channel *channel);

#endif /* _LINUX_KMCL_TRANSPORT_H */
