// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: packets, through the rings of hv_vmbus.
 *
 * hv_vmbus's iterator would be led out of the ring by an index that is out of
 * range, cuts a length that makes no sense, and copies each packet once more. So
 * packets are read here: what the host can write is looked at in a private copy,
 * and where that does not add up the channel stops. hv_vmbus publishes what was
 * read, and signals. No locks: the core serialises each way.
 */
#include "hv.h"
#include "vmbus/ring.h"

static u32 kmcl_hv_ring_distance(const struct hv_ring_buffer_info *ring, u32 in, u32 out)
{
	return vmbus_ring_distance(ring->ring_datasize, in, out);
}

/**
 * kmcl_hv_data_start() - the rings are new
 * @end: whose
 */
void kmcl_hv_data_start(struct kmcl_hv_end *end)
{
	end->rx_fault = NULL;
	end->tx_index = 0;
	end->tx_pending = false;
	end->tx_fault = NULL;
}

/**
 * kmcl_hv_interrupt() - the host signalled
 * @context: the end
 *
 * In direct mode: hv_vmbus neither masks nor looks again. Context: softirq.
 */
void kmcl_hv_interrupt(void *context)
{
	struct kmcl_hv_end *end = context;
	struct vmb_channel *channel;

	rcu_read_lock();
	channel = rcu_dereference(end->channel);
	if (channel)
		kmcl_channel_interrupt(channel);
	rcu_read_unlock();
}

static int kmcl_hv_rx_fail(struct kmcl_hv_end *end, enum vmbus_ring_fault fault)
{
	end->rx_fault = vmbus_ring_fault_name(fault);
	return -EIO;
}

/* Is an index, or a packet, where and as it may be? */
static enum vmbus_ring_fault kmcl_hv_check_index(const struct hv_ring_buffer_info *ring, u32 in)
{
	if (in >= ring->ring_datasize)
		return VMBUS_RING_IN_RANGE;
	return in % VMBUS_RING_UNIT ? VMBUS_RING_IN_ALIGN : VMBUS_RING_OK;
}

static enum vmbus_ring_fault kmcl_hv_check_packet(const struct hv_ring_buffer_info *ring,
						  const struct vmpacket_descriptor *raw, u32 have)
{
	u32 length = raw->len8 * VMBUS_RING_UNIT, offset = raw->offset8 * VMBUS_RING_UNIT;

	if (offset < sizeof(*raw))
		return VMBUS_RING_DATA_OFFSET;
	if (length < offset)
		return VMBUS_RING_LENGTH;
	if (length > have)
		return VMBUS_RING_OVERRUN;
	if (length + VMBUS_RING_FOOTER_SIZE > have)
		return VMBUS_RING_FOOTER;
	if (raw->flags & ~VMBUS_RING_FLAG_COMPLETION_REQUESTED)
		return VMBUS_RING_FLAGS;
	switch (raw->type) {
	case VMBUS_RING_INBAND:
	case VMBUS_RING_COMPLETION:
		return VMBUS_RING_OK;
	case VMBUS_RING_XFER_PAGES:
		return offset < sizeof(*raw) + 8 ? VMBUS_RING_NO_TYPE_HEADER : VMBUS_RING_OK;
	default:
		/* A host has no memory of the guest's to lend: no GPA-direct either. */
		return VMBUS_RING_TYPE;
	}
}

/* The data is mapped twice, back to back: what begins in it is in one piece. */
static const void *kmcl_hv_rx_at(const struct hv_ring_buffer_info *ring, u32 offset)
{
	return hv_get_ring_buffer(ring) + ring->priv_read_index + offset;
}

/**
 * kmcl_hv_rx_peek() - &struct kmcl_transport_ops.rx_peek
 * @link: the end
 * @rx: filled in
 *
 * Return: see there.
 */
int kmcl_hv_rx_peek(void *link, struct kmcl_rx *rx)
{
	struct kmcl_hv_end *end = link;
	struct hv_ring_buffer_info *ring = &end->vmbus->inbound;
	struct vmpacket_descriptor *d = &end->rx_desc;
	enum vmbus_ring_fault fault;
	u32 in, have;

	/* Pairs with the host's, which wrote the packets before. */
	in = virt_load_acquire(&ring->ring_buffer->write_index);
	fault = kmcl_hv_check_index(ring, in);
	if (fault)
		return kmcl_hv_rx_fail(end, fault);
	have = kmcl_hv_ring_distance(ring, in, ring->priv_read_index);
	if (!have)
		return -EAGAIN;
	if (have < sizeof(*d))
		return kmcl_hv_rx_fail(end, VMBUS_RING_SHORT);

	memcpy(d, kmcl_hv_rx_at(ring, 0), sizeof(*d));
	/* What is decided from here on is decided on the copy. */
	barrier_data(d);
	fault = kmcl_hv_check_packet(ring, d, have);
	if (fault)
		return kmcl_hv_rx_fail(end, fault);
	if (d->len8 * VMBUS_RING_UNIT > end->vmbus->max_pkt_size) {
		end->rx_fault = "packet larger than the channel's maximum";
		return -EIO;
	}
	*rx = (struct kmcl_rx) {
		.type = d->type,
		.flags = d->flags,
		.id = d->trans_id,
		.header_len = vmbus_ring_type_has_ranges(d->type) ?
			      d->offset8 * VMBUS_RING_UNIT - sizeof(*d) : 0,
		.payload_len = (d->len8 - d->offset8) * VMBUS_RING_UNIT,
	};
	return 0;
}

/**
 * kmcl_hv_rx_copy() - &struct kmcl_transport_ops.rx_copy
 * @link: the end
 * @rx: from kmcl_hv_rx_peek()
 * @header: room for the header
 * @payload: room for the payload
 */
void kmcl_hv_rx_copy(void *link, const struct kmcl_rx *rx, void *header, void *payload)
{
	struct kmcl_hv_end *end = link;
	const struct hv_ring_buffer_info *ring = &end->vmbus->inbound;

	if (rx->header_len)
		memcpy(header, kmcl_hv_rx_at(ring, sizeof(end->rx_desc)), rx->header_len);
	memcpy(payload, kmcl_hv_rx_at(ring, end->rx_desc.offset8 * VMBUS_RING_UNIT),
	       rx->payload_len);
}

/**
 * kmcl_hv_rx_advance() - &struct kmcl_transport_ops.rx_advance
 * @link: the end
 * @rx: from kmcl_hv_rx_peek()
 */
void kmcl_hv_rx_advance(void *link, const struct kmcl_rx *rx)
{
	struct kmcl_hv_end *end = link;
	struct hv_ring_buffer_info *ring = &end->vmbus->inbound;
	u32 next = ring->priv_read_index + end->rx_desc.len8 * VMBUS_RING_UNIT +
		   VMBUS_RING_FOOTER_SIZE;

	ring->priv_read_index = next < ring->ring_datasize ? next : next - ring->ring_datasize;
}

/**
 * kmcl_hv_rx_commit() - &struct kmcl_transport_ops.rx_commit
 * @link: the end
 */
void kmcl_hv_rx_commit(void *link)
{
	struct kmcl_hv_end *end = link;

	hv_pkt_iter_close(end->vmbus);
}

/**
 * kmcl_hv_rx_mask() - &struct kmcl_transport_ops.rx_mask
 * @link: the end
 */
void kmcl_hv_rx_mask(void *link)
{
	struct kmcl_hv_end *end = link;

	hv_begin_read(&end->vmbus->inbound);
}

/**
 * kmcl_hv_rx_unmask() - &struct kmcl_transport_ops.rx_unmask
 * @link: the end
 *
 * Return: see there.
 */
bool kmcl_hv_rx_unmask(void *link)
{
	struct kmcl_hv_end *end = link;
	struct hv_ring_buffer_info *ring = &end->vmbus->inbound;

	hv_end_read(ring);
	return READ_ONCE(ring->ring_buffer->write_index) != ring->priv_read_index;
}

/**
 * kmcl_hv_rx_unread() - &struct kmcl_transport_ops.rx_unread
 * @link: the end
 *
 * Return: see there; counting ends where the ring is corrupt.
 */
u32 kmcl_hv_rx_unread(void *link)
{
	struct kmcl_hv_end *end = link;
	struct hv_ring_buffer_info *ring = &end->vmbus->inbound;
	u32 in = READ_ONCE(ring->ring_buffer->write_index);
	u32 at = ring->priv_read_index, have, nr = 0;
	struct vmpacket_descriptor raw;

	if (kmcl_hv_check_index(ring, in))
		return 0;
	while ((have = kmcl_hv_ring_distance(ring, in, at)) >= sizeof(raw)) {
		memcpy(&raw, hv_get_ring_buffer(ring) + at, sizeof(raw));
		barrier_data(&raw);
		if (kmcl_hv_check_packet(ring, &raw, have))
			break;
		at = (at + raw.len8 * VMBUS_RING_UNIT + VMBUS_RING_FOOTER_SIZE) %
		     ring->ring_datasize;
		nr++;
	}
	return nr;
}

/* Room in the outgoing ring in @room; -EIO where the host broke it, -ENODEV after a rescind. */
static int kmcl_hv_tx_room(struct kmcl_hv_end *end, u32 *room)
{
	const struct hv_ring_buffer_info *ring = &end->vmbus->outbound;
	u32 out = READ_ONCE(ring->ring_buffer->read_index);

	if (READ_ONCE(end->vmbus->rescind))
		return -ENODEV;
	/* It is ours, and hv_vmbus goes by what it finds there. */
	if (READ_ONCE(ring->ring_buffer->write_index) != end->tx_index)
		end->tx_fault = vmbus_ring_fault_name(VMBUS_RING_IN_BACKWARD);
	else if (out >= ring->ring_datasize)
		end->tx_fault = vmbus_ring_fault_name(VMBUS_RING_OUT_RANGE);
	else if (out % VMBUS_RING_UNIT)
		end->tx_fault = vmbus_ring_fault_name(VMBUS_RING_OUT_ALIGN);
	if (end->tx_fault)
		return -EIO;
	*room = ring->ring_datasize - kmcl_hv_ring_distance(ring, end->tx_index, out);
	return 0;
}

static int kmcl_hv_tx_send(struct kmcl_hv_end *end, const struct kmcl_tx *tx)
{
	u32 size = sizeof(struct vmpacket_descriptor) + tx->header_len;
	int ret;

	if (tx->header_len) {
		/* hv_vmbus writes descriptor and ranges as one, and fills in the first. */
		memcpy(end->tx_header + sizeof(struct vmpacket_descriptor), tx->header,
		       tx->header_len);
		ret = vmbus_sendpacket_mpb_desc(end->vmbus, end->tx_header, size,
						(void *)tx->payload, tx->payload_len, tx->id);
	} else {
		ret = vmbus_sendpacket(end->vmbus, (void *)tx->payload, tx->payload_len, tx->id,
				       tx->type, tx->flags);
	}
	/* It went out, and then a rescind was seen: it ends with the link. */
	if (ret == -ENODEV &&
	    READ_ONCE(end->vmbus->outbound.ring_buffer->write_index) != end->tx_index)
		return 0;
	if (ret == -EIO)
		end->tx_fault = vmbus_ring_fault_name(VMBUS_RING_OUT_RANGE);
	return ret;
}

/**
 * kmcl_hv_tx_write() - &struct kmcl_transport_ops.tx_write
 * @link: the end
 * @tx: the packet
 *
 * Return: see there.
 */
int kmcl_hv_tx_write(void *link, const struct kmcl_tx *tx)
{
	struct kmcl_hv_end *end = link;
	u32 size = end->vmbus->outbound.ring_datasize, room;
	u32 bytes = sizeof(struct vmpacket_descriptor) +
		    ALIGN(tx->header_len + tx->payload_len, VMBUS_RING_UNIT) +
		    VMBUS_RING_FOOTER_SIZE;
	int ret = kmcl_hv_tx_room(end, &room);

	/* Never full to the last byte: that would look empty. */
	if (!ret && bytes >= size)
		return -EMSGSIZE;
	if (!ret && bytes >= room)
		return -EAGAIN;
	if (!ret)
		ret = kmcl_hv_tx_send(end, tx);
	/* Of a sub-channel that was taken back nobody else tells. */
	if (ret == -ENODEV && end->params.subchannel && !xchg(&end->lost, true))
		kmcl_hv_end_kick(end);
	if (ret)
		return ret;
	end->tx_index = (end->tx_index + bytes) % size;
	if (end->tx_pending) {
		set_channel_pending_send_size(end->vmbus, 0);
		end->tx_pending = false;
	}
	return 0;
}

/**
 * kmcl_hv_tx_commit() - &struct kmcl_transport_ops.tx_commit
 * @link: the end
 *
 * vmbus_sendpacket() has published, and signalled where the ring was empty.
 */
void kmcl_hv_tx_commit(void *link)
{
}

/**
 * kmcl_hv_room_work() - perhaps there is room
 * @work: of the end, with a reference
 */
void kmcl_hv_room_work(struct work_struct *work)
{
	struct kmcl_hv_end *end = container_of(to_delayed_work(work), struct kmcl_hv_end,
					       room_work);

	kmcl_hv_interrupt(end);
	kmcl_hv_end_put(end);
}

/* A host that does not signal when there is room has to be watched. */
static void kmcl_hv_tx_poll(struct kmcl_hv_end *end)
{
	u32 features = READ_ONCE(end->vmbus->inbound.ring_buffer->feature_bits.value);

	if (features & VMBUS_RING_FEATURE_PENDING_SEND_SIZE)
		return;
	kref_get(&end->ref);
	if (!queue_delayed_work(kmcl_hv_wq, &end->room_work, 1))
		kmcl_hv_end_put(end);
}

/**
 * kmcl_hv_tx_want() - &struct kmcl_transport_ops.tx_want
 * @link: the end
 * @bytes: of packet
 *
 * Return: see there.
 */
bool kmcl_hv_tx_want(void *link, u32 bytes)
{
	struct kmcl_hv_end *end = link;
	u32 room;

	set_channel_pending_send_size(end->vmbus, bytes);
	end->tx_pending = true;
	/* The host reads it after it made room, we look for room after we wrote it. */
	virt_mb();
	if (!kmcl_hv_tx_room(end, &room) && room > bytes)
		return true;
	kmcl_hv_tx_poll(end);
	return false;
}

/**
 * kmcl_hv_tx_limit() - &struct kmcl_transport_ops.tx_limit
 * @link: the end
 *
 * Return: see there.
 */
u32 kmcl_hv_tx_limit(void *link)
{
	struct kmcl_hv_end *end = link;

	return end->vmbus->outbound.ring_datasize - VMBUS_RING_UNIT -
	       sizeof(struct vmpacket_descriptor) - VMBUS_RING_FOOTER_SIZE;
}

/**
 * kmcl_hv_fault() - &struct kmcl_transport_ops.fault
 * @link: the end
 *
 * Return: see there.
 */
const char *kmcl_hv_fault(void *link)
{
	struct kmcl_hv_end *end = link;

	return end->rx_fault ?: end->tx_fault ?: vmbus_ring_fault_name(VMBUS_RING_OK);
}
