// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: the frame of the saved state, and what both sides have
 * in it. See control_save.h for the layout.
 */
#include <linux/string.h>

#include "control_save.h"

void vmbus_write(struct vmbus_writer *w, const void *data, size_t len)
{
	if (len <= w->size && w->len <= w->size - len)
		memcpy(w->buf + w->len, data, len);
	w->len += len;
}

static void vmbus_write_at(struct vmbus_writer *w, size_t pos, u32 v)
{
	__le32 x = cpu_to_le32(v);

	if (pos + sizeof(x) <= w->size)
		memcpy(w->buf + pos, &x, sizeof(x));
}

void vmbus_write_begin(struct vmbus_writer *w, void *buf, size_t size)
{
	*w = (struct vmbus_writer) { .buf = buf, .size = buf ? size : 0 };
	w->len = VMBUS_SAVE_HEADER_LEN;
}

/* Returns what it takes in all, whether or not that was there. */
ssize_t vmbus_write_end(struct vmbus_writer *w, enum vmbus_save_kind kind)
{
	vmbus_write_at(w, 0, VMBUS_SAVE_MAGIC);
	vmbus_write_at(w, 4, VMBUS_SAVE_VERSION | (u32)kind << 16);
	vmbus_write_at(w, 8, w->len);
	vmbus_write_at(w, 12, w->nr_records);
	return w->len;
}

void vmbus_record_begin(struct vmbus_writer *w, enum vmbus_save_record type)
{
	w->record = w->len;
	vmbus_write_u16(w, type);
	vmbus_write_u16(w, 0);
	vmbus_write_u32(w, 0);
	w->nr_records++;
}

void vmbus_record_end(struct vmbus_writer *w)
{
	vmbus_write_at(w, w->record + 4,
		       w->len - w->record - VMBUS_SAVE_RECORD_LEN);
}

void vmbus_write_offer(struct vmbus_writer *w, const struct vmbus_offer *offer)
{
	vmbus_write(w, &offer->key.type, sizeof(guid_t));
	vmbus_write(w, &offer->key.instance, sizeof(guid_t));
	vmbus_write_u16(w, offer->key.subchannel);
	vmbus_write_u16(w, offer->flags);
	vmbus_write_u16(w, offer->mmio_megabytes);
	vmbus_write_u16(w, offer->optional_mmio_megabytes);
	vmbus_write(w, offer->user_data, sizeof(offer->user_data));
}

void vmbus_write_open_request(struct vmbus_writer *w,
			      const struct vmbus_open_request *req)
{
	vmbus_write_u32(w, req->open_id);
	vmbus_write_u32(w, req->ring_gpadl);
	vmbus_write_u32(w, req->target_vp);
	vmbus_write_u32(w, req->downstream_page);
	vmbus_write(w, req->user_data, sizeof(req->user_data));
}

void vmbus_write_queues(struct vmbus_writer *w, const struct vmbus_outbox *out,
			const struct vmbus_inbox *in)
{
	const struct vmbus_queued *q;
	unsigned int i, slot;

	list_for_each_entry(q, &out->list, node) {
		vmbus_record_begin(w, VMBUS_SAVE_OUT);
		vmbus_write(w, q->data, q->len);
		vmbus_record_end(w);
	}
	for (i = 0; i < in->nr; i++) {
		slot = (in->first + i) % VMBUS_INBOX_MAX;
		vmbus_record_begin(w, VMBUS_SAVE_IN);
		vmbus_write(w, in->slot[slot].data, in->slot[slot].len);
		vmbus_record_end(w);
	}
}

int vmbus_read_begin(struct vmbus_reader *r, const void *buf, size_t len,
		     enum vmbus_save_kind kind)
{
	u32 magic, length;
	u16 version, k;

	*r = (struct vmbus_reader) { .pos = buf, .end = buf + len };
	r->record_end = r->end;
	magic = vmbus_read_u32(r);
	version = vmbus_read_u16(r);
	k = vmbus_read_u16(r);
	length = vmbus_read_u32(r);
	r->nr_records = vmbus_read_u32(r);
	if (r->failed || magic != VMBUS_SAVE_MAGIC || k != kind)
		return -EBADMSG;
	if (version != VMBUS_SAVE_VERSION)
		return -EPROTONOSUPPORT;
	return length == len ? 0 : -EBADMSG;
}

int vmbus_read_end(struct vmbus_reader *r)
{
	return r->failed || r->nr_records || r->pos != r->end ? -EBADMSG : 0;
}

/* Enter the next record if it is one of @type. */
bool vmbus_record_next(struct vmbus_reader *r, enum vmbus_save_record type)
{
	const u8 *start = r->pos;
	u16 t, reserved;
	u32 len;

	if (r->failed || !r->nr_records)
		return false;
	r->record_end = r->end;
	t = vmbus_read_u16(r);
	reserved = vmbus_read_u16(r);
	len = vmbus_read_u32(r);
	if (r->failed || reserved || len > r->end - r->pos) {
		r->failed = true;
		return false;
	}
	if (t != type) {
		r->pos = start;
		return false;
	}
	r->record_end = r->pos + len;
	r->nr_records--;
	return true;
}

/* All of a record has to be read. */
void vmbus_record_done(struct vmbus_reader *r)
{
	if (r->pos != r->record_end)
		r->failed = true;
}

void vmbus_read(struct vmbus_reader *r, void *data, size_t len)
{
	if (r->failed || len > r->record_end - r->pos) {
		r->failed = true;
		memset(data, 0, len);
		return;
	}
	memcpy(data, r->pos, len);
	r->pos += len;
}

void vmbus_read_offer(struct vmbus_reader *r, struct vmbus_offer *offer)
{
	memset(offer, 0, sizeof(*offer));
	vmbus_read(r, &offer->key.type, sizeof(guid_t));
	vmbus_read(r, &offer->key.instance, sizeof(guid_t));
	offer->key.subchannel = vmbus_read_u16(r);
	offer->flags = vmbus_read_u16(r);
	offer->mmio_megabytes = vmbus_read_u16(r);
	offer->optional_mmio_megabytes = vmbus_read_u16(r);
	vmbus_read(r, offer->user_data, sizeof(offer->user_data));
	if (offer->flags & ~VMBUS_OFFER_FLAGS_VALID)
		r->failed = true;
}

void vmbus_read_open_request(struct vmbus_reader *r,
			     struct vmbus_open_request *req)
{
	memset(req, 0, sizeof(*req));
	req->open_id = vmbus_read_u32(r);
	req->ring_gpadl = vmbus_read_u32(r);
	req->target_vp = vmbus_read_u32(r);
	req->downstream_page = vmbus_read_u32(r);
	vmbus_read(r, req->user_data, sizeof(req->user_data));
}

/* @out_types: bit for each type of message that this side sends. */
int vmbus_read_queues(struct vmbus_reader *r, struct vmbus_outbox *out,
		      unsigned int max_out, u32 out_types,
		      struct vmbus_inbox *in)
{
	struct vmbus_control_stats unused = {};
	u8 msg[VMBUS_MSG_MAX];
	__le32 le_type;
	size_t len;
	u32 type;

	while (vmbus_record_next(r, VMBUS_SAVE_OUT)) {
		len = vmbus_record_left(r);
		if (len < sizeof(struct vmbus_msg_hdr) || len > sizeof(msg) ||
		    out->nr >= max_out)
			return -EBADMSG;
		vmbus_read(r, msg, len);
		memcpy(&le_type, msg, sizeof(le_type));
		type = le32_to_cpu(le_type);
		if (type >= 32 || !(out_types & BIT(type)))
			return -EBADMSG;
		vmbus_outbox_add(out, msg, len);
	}
	while (vmbus_record_next(r, VMBUS_SAVE_IN)) {
		len = vmbus_record_left(r);
		if (len > sizeof(msg))
			return -EBADMSG;
		vmbus_read(r, msg, len);
		if (vmbus_inbox_put(in, msg, len, &unused))
			return -EBADMSG;
	}
	return r->failed ? -EBADMSG : 0;
}
