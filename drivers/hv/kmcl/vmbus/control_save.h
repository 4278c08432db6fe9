/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane's saved state: little-endian, framed.
 *
 *	u32 magic, u16 version, u16 kind, u32 length (all of it), u32 records
 *	then records: u16 type, u16 reserved (0), u32 length, payload
 *
 * The order of records is fixed: LINK once; then CHANNEL, each followed by
 * its GPADL records in ascending (server) or creation (client) order;
 * then OUT, unsent messages; then IN, unread ones. There is one way only to
 * write a state, and the reader takes no other: save, restore and save again
 * is the same bytes.
 */
#ifndef _KMCL_VMBUS_CONTROL_SAVE_H
#define _KMCL_VMBUS_CONTROL_SAVE_H

#include "control_internal.h"

#define VMBUS_SAVE_MAGIC	0x43424d56U	/* "VMBC" */
#define VMBUS_SAVE_VERSION	1U
#define VMBUS_SAVE_HEADER_LEN	16U
#define VMBUS_SAVE_RECORD_LEN	8U

enum vmbus_save_kind {
	VMBUS_SAVE_SERVER = 1,
	VMBUS_SAVE_CLIENT = 2,
};

enum vmbus_save_record {
	VMBUS_SAVE_LINK = 1,
	VMBUS_SAVE_CHANNEL = 2,
	VMBUS_SAVE_GPADL = 3,
	VMBUS_SAVE_OUT = 4,
	VMBUS_SAVE_IN = 5,
};

/* Writes what fits and counts what would. */
struct vmbus_writer {
	u8 *buf;
	size_t size;
	size_t len;
	size_t record;		/* where the current record begins */
	u32 nr_records;
};

void vmbus_write(struct vmbus_writer *w, const void *data, size_t len);
void vmbus_write_begin(struct vmbus_writer *w, void *buf, size_t size);
ssize_t vmbus_write_end(struct vmbus_writer *w, enum vmbus_save_kind kind);
void vmbus_record_begin(struct vmbus_writer *w, enum vmbus_save_record type);
void vmbus_record_end(struct vmbus_writer *w);
void vmbus_write_offer(struct vmbus_writer *w, const struct vmbus_offer *offer);
void vmbus_write_open_request(struct vmbus_writer *w,
			      const struct vmbus_open_request *req);
void vmbus_write_queues(struct vmbus_writer *w, const struct vmbus_outbox *out,
			const struct vmbus_inbox *in);

static inline void vmbus_write_u8(struct vmbus_writer *w, u8 v)
{
	vmbus_write(w, &v, sizeof(v));
}

static inline void vmbus_write_u16(struct vmbus_writer *w, u16 v)
{
	__le16 x = cpu_to_le16(v);

	vmbus_write(w, &x, sizeof(x));
}

static inline void vmbus_write_u32(struct vmbus_writer *w, u32 v)
{
	__le32 x = cpu_to_le32(v);

	vmbus_write(w, &x, sizeof(x));
}

static inline void vmbus_write_u64(struct vmbus_writer *w, u64 v)
{
	__le64 x = cpu_to_le64(v);

	vmbus_write(w, &x, sizeof(x));
}

/* Reads inside bounds; after the first failure everything reads as 0. */
struct vmbus_reader {
	const u8 *pos;
	const u8 *end;		/* of all */
	const u8 *record_end;	/* of the current record */
	u32 nr_records;		/* left */
	bool failed;
};

int vmbus_read_begin(struct vmbus_reader *r, const void *buf, size_t len,
		     enum vmbus_save_kind kind);
int vmbus_read_end(struct vmbus_reader *r);
bool vmbus_record_next(struct vmbus_reader *r, enum vmbus_save_record type);
void vmbus_record_done(struct vmbus_reader *r);
void vmbus_read(struct vmbus_reader *r, void *data, size_t len);
void vmbus_read_offer(struct vmbus_reader *r, struct vmbus_offer *offer);
void vmbus_read_open_request(struct vmbus_reader *r,
			     struct vmbus_open_request *req);
int vmbus_read_queues(struct vmbus_reader *r, struct vmbus_outbox *out,
		      unsigned int max_out, u32 out_types,
		      struct vmbus_inbox *in);

static inline size_t vmbus_record_left(const struct vmbus_reader *r)
{
	return r->failed ? 0 : r->record_end - r->pos;
}

static inline u8 vmbus_read_u8(struct vmbus_reader *r)
{
	u8 v;

	vmbus_read(r, &v, sizeof(v));
	return v;
}

static inline u16 vmbus_read_u16(struct vmbus_reader *r)
{
	__le16 v;

	vmbus_read(r, &v, sizeof(v));
	return le16_to_cpu(v);
}

static inline u32 vmbus_read_u32(struct vmbus_reader *r)
{
	__le32 v;

	vmbus_read(r, &v, sizeof(v));
	return le32_to_cpu(v);
}

static inline u64 vmbus_read_u64(struct vmbus_reader *r)
{
	__le64 v;

	vmbus_read(r, &v, sizeof(v));
	return le64_to_cpu(v);
}

/* A value below @limit, or the reading fails. */
static inline u8 vmbus_read_enum(struct vmbus_reader *r, u8 limit)
{
	u8 v = vmbus_read_u8(r);

	if (v < limit)
		return v;
	r->failed = true;
	return 0;
}

static inline bool vmbus_read_bool(struct vmbus_reader *r)
{
	return vmbus_read_enum(r, 2);
}

#endif /* _KMCL_VMBUS_CONTROL_SAVE_H */
