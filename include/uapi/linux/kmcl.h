/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * KMCL: what user space sees of it, the ioctls of /dev/kmcl and the layout of
 * the save stream.
 */
#ifndef _UAPI_LINUX_KMCL_H
#define _UAPI_LINUX_KMCL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: The save stream
 *
 * A saved channel is a *stream*: a header chunk, record chunks and an end
 * chunk. What a freeze session hands out (a *set*) is a header chunk of kind
 * %KMCL_STREAM_SET, the streams of the channels and of the buses, in any order,
 * and an end chunk; each inner stream stands alone and is also what
 * vmb_channel_save_continue() writes.
 *
 * Everything is little-endian. A chunk is &struct kmcl_chunk, followed by
 * kmcl_chunk.length bytes of payload, followed by zero bytes up to a multiple
 * of 8. A payload is at most %KMCL_CHUNK_MAX bytes. An unknown chunk is
 * skipped where it carries %KMCL_CHUNK_OPTIONAL and refused otherwise.
 */

/* "KMCL" in a little-endian file; also the type of a header chunk */
#define KMCL_STREAM_MAGIC	0x4c434d4bU
#define KMCL_STREAM_VERSION	1
#define KMCL_CHUNK_MAX		(1024U * 1024U)
/* Streams of a set, of channels and buses: well above what any host has */
#define KMCL_SET_STREAMS_MAX	4096U
#define KMCL_CHUNK_ALIGN	8

/* kmcl_chunk.flags */
#define KMCL_CHUNK_OPTIONAL	0x1U	/* may be skipped where it is not known */

/**
 * enum kmcl_chunk_type - what a chunk holds
 * @KMCL_CHUNK_HEADER: &struct kmcl_stream_header; the first of a stream
 * @KMCL_CHUNK_END: &struct kmcl_stream_end; the last of a stream
 * @KMCL_CHUNK_CHANNEL: &struct kmcl_save_channel
 * @KMCL_CHUNK_CHANNEL_STATE: the consumer's own state of the channel
 * @KMCL_CHUNK_TAKEN: &struct kmcl_save_received of a packet taken from the
 *	ring and not delivered
 * @KMCL_CHUNK_RECEIVED: &struct kmcl_save_received of a packet delivered and
 *	not completed
 * @KMCL_CHUNK_COMPLETION: &struct kmcl_save_received whose payload is a
 *	completion that is not in the ring yet
 * @KMCL_CHUNK_PACKET: &struct kmcl_save_packet, an outgoing packet
 * @KMCL_CHUNK_BUS: &struct kmcl_save_bus
 * @KMCL_CHUNK_BUS_DATA: the transport's own state of the bus
 * @KMCL_CHUNK_LENT: &struct kmcl_save_lent, what a packet that was cancelled had
 *	lent to the peer; optional
 */
enum kmcl_chunk_type {
	KMCL_CHUNK_HEADER = KMCL_STREAM_MAGIC,
	KMCL_CHUNK_END = 1,
	KMCL_CHUNK_CHANNEL = 2,
	KMCL_CHUNK_CHANNEL_STATE = 3,
	KMCL_CHUNK_TAKEN = 4,
	KMCL_CHUNK_RECEIVED = 5,
	KMCL_CHUNK_COMPLETION = 6,
	KMCL_CHUNK_PACKET = 7,
	KMCL_CHUNK_BUS = 8,
	KMCL_CHUNK_BUS_DATA = 9,
	KMCL_CHUNK_LENT = 10,
};

/**
 * enum kmcl_stream_kind - what a stream describes
 * @KMCL_STREAM_SET: everything that one session saved
 * @KMCL_STREAM_BUS: one bus
 * @KMCL_STREAM_CHANNEL: one channel
 */
enum kmcl_stream_kind {
	KMCL_STREAM_SET = 1,
	KMCL_STREAM_BUS = 2,
	KMCL_STREAM_CHANNEL = 3,
};

/**
 * struct kmcl_chunk - head of every chunk
 * @type: &enum kmcl_chunk_type
 * @length: bytes of payload after this head, without the padding
 * @flags: KMCL_CHUNK_*
 * @seq: 0 for the header of a stream, one more for each chunk after it
 * @save_id: the same random number in all chunks of one save
 * @reserved: 0
 * @crc: CRC32C (seed ~0, inverted at the end) of this head with @crc as 0,
 *	then of the payload and its padding
 */
struct kmcl_chunk {
	__le32 type;
	__le32 length;
	__le32 flags;
	__le32 seq;
	__le64 save_id;
	__le32 reserved;
	__le32 crc;
};

/**
 * struct kmcl_stream_header - payload of %KMCL_CHUNK_HEADER
 * @magic: %KMCL_STREAM_MAGIC
 * @version: %KMCL_STREAM_VERSION; a reader refuses a higher one
 * @kind: &enum kmcl_stream_kind
 * @compat: features that a reader may ignore
 * @incompat: features that a reader must know
 */
struct kmcl_stream_header {
	__le32 magic;
	__le16 version;
	__le16 kind;
	__le32 compat;
	__le32 incompat;
};

/**
 * struct kmcl_stream_end - payload of %KMCL_CHUNK_END
 * @chunks: chunks of the stream, this one and the header included (of a set:
 *	its own two)
 * @streams: of a set: the streams in it; else 0
 * @taken: packets taken and not delivered
 * @received: packets received and held
 * @completions: completions not in the ring yet
 * @queued: outgoing packets not in the ring yet
 * @sent: outgoing packets waiting for the peer's completion
 * @unread: packets in the incoming ring, which stay there (a statistic)
 * @reserved: 0
 */
struct kmcl_stream_end {
	__le32 chunks;
	__le32 streams;
	__le32 taken;
	__le32 received;
	__le32 completions;
	__le32 queued;
	__le32 sent;
	__le32 unread;
	__le32 reserved[2];
};

#define KMCL_NAME_MAX		64

/**
 * struct kmcl_identity - which channel
 * @bus: name of the transport, NUL-padded
 * @bus_id: persistent id of the bus
 * @type: interface type
 * @instance: interface instance
 * @subchannel: sub-channel index
 * @server: 1 for a server end, 0 for a client end
 * @reserved: 0
 */
struct kmcl_identity {
	__u8 bus[32];
	__u8 bus_id[16];
	__u8 type[16];
	__u8 instance[16];
	__le16 subchannel;
	__u8 server;
	__u8 reserved[5];
};

/* kmcl_save_channel.state */
#define KMCL_SAVED_CLOSED	0	/* enabled or not, no open link */
#define KMCL_SAVED_OPEN		1	/* an open link */

/* kmcl_save_channel.flags */
#define KMCL_SAVED_PAUSED	0x1U	/* the consumer had paused it */
#define KMCL_SAVED_FAILED	0x2U	/* vmb_channel_packet_fail() stopped it */

/**
 * struct kmcl_save_channel - payload of %KMCL_CHUNK_CHANNEL
 * @identity: which channel
 * @name: friendly name, NUL-padded
 * @state: KMCL_SAVED_CLOSED or KMCL_SAVED_OPEN
 * @flags: KMCL_SAVED_PAUSED and so on
 * @max_packet_size: bytes
 * @max_external_data: bytes
 * @max_chain: MDLs a chain
 * @max_packets: slots of the transaction table
 * @quota: transaction quota
 * @late: cancelled packets whose late completion may still come
 * @tx_generation: last generation given to a transaction
 */
struct kmcl_save_channel {
	struct kmcl_identity identity;
	__u8 name[KMCL_NAME_MAX];
	__le32 state;
	__le32 flags;
	__le32 max_packet_size;
	__le32 max_external_data;
	__le32 max_chain;
	__le32 max_packets;
	__le32 quota;
	__le32 late;
	__le64 tx_generation;
};

/* kmcl_save_packet.state */
#define KMCL_SAVED_QUEUED	0	/* not in the ring */
#define KMCL_SAVED_SENT		1	/* in the ring or beyond */

/**
 * struct kmcl_save_packet - head of %KMCL_CHUNK_PACKET
 * @id: transaction id on the wire
 * @state: KMCL_SAVED_QUEUED or KMCL_SAVED_SENT
 * @flags: VMB_PACKET_FLAG_* given when it was sent
 * @payload_len: bytes of inline payload
 * @ranges_len: bytes of the description of external memory, as on the wire
 * @ext_token: the transport's name of the external memory
 * @ext_len: bytes of external memory
 * @private_len: bytes of the consumer's own state
 *
 * Followed by the payload, the ranges and the private state, each padded to 8.
 * All but the private state is what a restore callback gets as the library's
 * part.
 */
struct kmcl_save_packet {
	__le64 id;
	__le32 state;
	__le32 flags;
	__le32 payload_len;
	__le32 ranges_len;
	__le64 ext_token;
	__le32 ext_len;
	__le32 private_len;
};

/**
 * struct kmcl_save_lent - payload of %KMCL_CHUNK_LENT
 * @id: transaction id, as on the wire
 * @ext_token: the transport's name of the external memory
 *
 * The packet has ended, its completion is still to come: only then the peer is
 * through with the memory.
 */
struct kmcl_save_lent {
	__le64 id;
	__le64 ext_token;
};

/* kmcl_save_received.flags */
#define KMCL_SAVED_WANTS_COMPLETION	0x1U	/* the peer asked for one */
#define KMCL_SAVED_DEFERRED		0x2U	/* to be delivered where it may sleep */

/**
 * struct kmcl_save_received - head of %KMCL_CHUNK_TAKEN, %KMCL_CHUNK_RECEIVED
 *	and %KMCL_CHUNK_COMPLETION
 * @id: the peer's transaction id
 * @type: VMBus packet type
 * @flags: KMCL_SAVED_*
 * @payload_len: bytes of payload; of a completion: of what goes to the peer
 * @ranges_len: bytes of the type's own header (GPA ranges), as on the wire
 * @private_len: bytes of the consumer's own state
 * @reserved: 0
 *
 * Followed by the payload, the ranges and the private state, each padded to 8.
 */
struct kmcl_save_received {
	__le64 id;
	__le32 type;
	__le32 flags;
	__le32 payload_len;
	__le32 ranges_len;
	__le32 private_len;
	__le32 reserved;
};

/**
 * struct kmcl_save_bus - payload of %KMCL_CHUNK_BUS
 * @bus: name of the transport, NUL-padded
 * @bus_id: persistent id of the bus
 * @version: of the transport's own layout in %KMCL_CHUNK_BUS_DATA
 * @reserved: 0
 * @data_len: bytes of all %KMCL_CHUNK_BUS_DATA together
 */
struct kmcl_save_bus {
	__u8 bus[32];
	__u8 bus_id[16];
	__le32 version;
	__le32 reserved;
	__le64 data_len;
};

/**
 * DOC: /dev/kmcl
 *
 * Opening it takes CAP_SYS_ADMIN. An open file is one session, which does one
 * thing: freezes, saves and perhaps commits; or restores. Closing it, by
 * whatever cause, thaws what is frozen and not committed, and drops a restore
 * that was not finished.
 *
 * Every argument starts with its size; a size that the kernel does not know
 * gives -E2BIG (unknown bytes not 0, or more than a page) or -EINVAL (too
 * small). Other errors of all: -EPERM (no CAP_SYS_ADMIN), -ENOTTY (no such
 * ioctl), -EOPNOTSUPP (unknown flag), -EBUSY (wrong order, or another session
 * is at it), -EFAULT, -EINTR (a signal, while another call of the session runs).
 *
 * After %KMCL_IOC_FREEZE, read() hands out the set, 0 at its end. Where it
 * fails, but for -EFAULT and -EINTR, the session can only be closed: -EBUSY not
 * frozen, failed before, or a consumer is saving or restoring that channel
 * itself; -EOPNOTSUPP a channel cannot be saved, %KMCL_IOC_REASON says which and
 * why; -ENODEV the peer closed one meanwhile; -EMSGSIZE a record of more than a
 * chunk; -E2BIG more than 4096 channels and buses; -ENOMEM; or what a
 * consumer's save callback returned.
 *
 * After %KMCL_IOC_RESTORE, write() takes a set in pieces of any size.
 */

/*
 * kmcl_freeze.flags: what is frozen is to be handed over: if it cannot be, say
 * so before anything stops
 */
#define KMCL_FREEZE_HANDOVER	0x1U

/* kmcl_restore.flags, kmcl_drop.flags: none yet */

/**
 * struct kmcl_freeze - argument of %KMCL_IOC_FREEZE
 * @size: sizeof(struct kmcl_freeze)
 * @flags: KMCL_FREEZE_HANDOVER or 0
 * @deadline_ms: how long the freeze may take, in milliseconds; 0: the longest
 *	that one of the channels asks for, 5000 if there are none
 * @channels: out: channels frozen
 * @bus: freeze only channels of this bus; all 0: of all
 *
 * Errors: -ETIMEDOUT the deadline passed; -EINTR a signal came; -ENODEV there is
 * no such bus; -EINVAL @bus has no NUL at its end; -ECANCELED a channel cannot be
 * handed over, %KMCL_IOC_REASON says which and why; -EBUSY; -ENOMEM. After each of
 * them everything is thawed.
 */
struct kmcl_freeze {
	__u32 size;
	__u32 flags;
	__u32 deadline_ms;
	__u32 channels;
	__u8 bus[32];
};

/**
 * struct kmcl_commit - argument of %KMCL_IOC_COMMIT
 * @size: sizeof(struct kmcl_commit)
 * @flags: 0
 *
 * Parks all frozen channels: what was saved now belongs to the stream. Needs
 * the set to be read to its end. There is no way back.
 *
 * Errors: -EBUSY not read to its end, or a consumer ended the save of its
 * channel; -ENODEV the peer closed a channel meanwhile;
 * -EEXIST state of such a channel waits to be claimed already; where the freeze
 * was not for a handover, -ECANCELED as there. After all but "not read to its
 * end" the session can only be closed, which thaws.
 */
struct kmcl_commit {
	__u32 size;
	__u32 flags;
};

/**
 * struct kmcl_restore - argument of %KMCL_IOC_RESTORE and
 *	%KMCL_IOC_RESTORE_END
 * @size: sizeof(struct kmcl_restore)
 * @flags: 0
 * @channels: out, at the end: channels whose state was taken in
 * @buses: out, at the end: buses restored
 *
 * Errors of write() and of the end: -EBADMSG not a set, damaged or cut short;
 * -EOPNOTSUPP a feature or required chunk unknown here, or a bus that keeps no
 * links; -EEXIST state of such a channel is there already; -ENODEV a bus that is
 * not loaded, or has another id; -EBUSY a bus that is in use, or a channel that
 * is up; -ENOSPC a bus where what is reserved already leaves no room; -ENOMEM;
 * -EINTR killed while a channel took its state.
 */
struct kmcl_restore {
	__u32 size;
	__u32 flags;
	__u32 channels;
	__u32 buses;
};

/**
 * struct kmcl_drop - argument of %KMCL_IOC_DROP
 * @size: sizeof(struct kmcl_drop)
 * @flags: 0
 * @dropped: out: how many were dropped
 * @reserved: 0
 *
 * Drops state that nobody claimed, and says that there is no more to come:
 * channels that wait for theirs come up fresh.
 */
struct kmcl_drop {
	__u32 size;
	__u32 flags;
	__u32 dropped;
	__u32 reserved;
};

/**
 * struct kmcl_session_info - argument of %KMCL_IOC_INFO
 * @size: sizeof(struct kmcl_session_info)
 * @flags: 0
 * @channels: channels in the session
 * @buses: buses in the session
 * @freeze_ns: how long the freeze took, nanoseconds
 * @save_ns: how long the save took so far, in the kernel
 * @restore_ns: how long taking in the set took so far, in the kernel
 * @bytes: bytes of the set so far
 * @sent: outgoing packets waiting for completion
 * @queued: outgoing packets not in the ring
 * @received: packets received and held
 * @taken: packets taken and not delivered
 * @completions: completions not in the ring
 * @unread_server: packets unread in rings that servers read
 * @unread_client: packets unread in rings that clients read
 */
struct kmcl_session_info {
	__u32 size;
	__u32 flags;
	__u32 channels;
	__u32 buses;
	__u64 freeze_ns;
	__u64 save_ns;
	__u64 restore_ns;
	__u64 bytes;
	__u64 sent;
	__u64 queued;
	__u64 received;
	__u64 taken;
	__u64 completions;
	__u64 unread_server;
	__u64 unread_client;
};

#define KMCL_REASON_MAX		192

/**
 * struct kmcl_reason - argument of %KMCL_IOC_REASON
 * @size: sizeof(struct kmcl_reason)
 * @flags: 0
 * @channel: out: friendly name of the channel that cannot be handed over
 * @text: out: why, and what to do about it, in a line for a person to read
 *
 * Both end with a NUL, and are empty where no channel refused in this session.
 */
struct kmcl_reason {
	__u32 size;
	__u32 flags;
	__u8 channel[KMCL_NAME_MAX];
	__u8 text[KMCL_REASON_MAX];
};

#define KMCL_IOC_MAGIC		0xBB
#define KMCL_IOC_FREEZE		_IO(KMCL_IOC_MAGIC, 0x00)
#define KMCL_IOC_COMMIT		_IO(KMCL_IOC_MAGIC, 0x01)
#define KMCL_IOC_RESTORE	_IO(KMCL_IOC_MAGIC, 0x02)
#define KMCL_IOC_RESTORE_END	_IO(KMCL_IOC_MAGIC, 0x03)
#define KMCL_IOC_DROP		_IO(KMCL_IOC_MAGIC, 0x04)
#define KMCL_IOC_INFO		_IO(KMCL_IOC_MAGIC, 0x05)
#define KMCL_IOC_REASON		_IO(KMCL_IOC_MAGIC, 0x06)

#endif /* _UAPI_LINUX_KMCL_H */
