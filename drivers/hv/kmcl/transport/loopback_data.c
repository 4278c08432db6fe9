// SPDX-License-Identifier: GPL-2.0
/*
 * Loopback bus: packets and signals, over ring.c.
 *
 * No locks: the core serialises all calls on a ring. A signal reads the peer's
 * end and channel under RCU, with preemption off; see loopback.h.
 */
#include "loopback.h"

/**
 * kmcl_lb_csd() - an interrupt arrived at the processor it was meant for
 * @data: the end, with a reference
 *
 * Context: hard interrupt.
 */
void kmcl_lb_csd(void *data)
{
	struct kmcl_lb_end *end = data;
	struct vmb_channel *channel;

	clear_bit(0, &end->csd_busy);
	/* From here on the next signal is one of its own, and this one comes after. */
	smp_mb__after_atomic();
	rcu_read_lock_sched();
	channel = rcu_dereference_sched(end->channel);
	if (channel)
		kmcl_channel_interrupt(channel);
	rcu_read_unlock_sched();
	kmcl_lb_end_put(end);
}

static void kmcl_lb_interrupt(struct kmcl_lb_end *end)
{
	struct vmb_channel *channel = rcu_dereference_sched(end->channel);
	int cpu = READ_ONCE(end->cpu);

	if (!channel)
		return;
	if (cpu >= 0 && cpu != smp_processor_id() && cpu_online(cpu)) {
		if (test_and_set_bit(0, &end->csd_busy))
			return;
		kref_get(&end->ref);
		if (!smp_call_function_single_async(cpu, &end->csd))
			return;
		clear_bit(0, &end->csd_busy);
		kmcl_lb_end_put(end);
	}
	kmcl_channel_interrupt(channel);
}

static noinline void kmcl_lb_signal(struct kmcl_lb_end *end)
{
	struct kmcl_lb_end *peer;

	if (kmcl_lb_fault(end, KMCL_LB_DROP_SIGNALS))
		return;
	rcu_read_lock_sched();
	peer = rcu_dereference_sched(end->peer);
	if (peer)
		kmcl_lb_interrupt(peer);
	rcu_read_unlock_sched();
}

/* What ring.c wants back of a packet that it showed. */
static inline struct vmbus_ring_desc kmcl_lb_desc(const struct kmcl_rx *rx)
{
	return (struct vmbus_ring_desc) {
		.id = rx->id,
		.header_len = rx->header_len,
		.payload_len = rx->payload_len,
		.total = rx->cookie[0],
		.type = rx->type,
		.flags = rx->flags,
	};
}

/**
 * kmcl_lb_rx_peek() - &struct kmcl_transport_ops.rx_peek
 * @link: the end
 * @rx: filled in
 *
 * Return: see there.
 */
int kmcl_lb_rx_peek(void *link, struct kmcl_rx *rx)
{
	struct kmcl_lb_end *end = link;
	struct vmbus_ring_desc desc;
	int ret;

	ret = vmbus_ring_peek(&end->rx, &desc);
	if (ret)
		return ret;
	rx->type = desc.type;
	rx->flags = desc.flags;
	rx->id = desc.id;
	rx->header_len = desc.header_len;
	rx->payload_len = desc.payload_len;
	rx->cookie[0] = desc.total;
	return 0;
}

/**
 * kmcl_lb_rx_copy() - &struct kmcl_transport_ops.rx_copy
 * @link: the end
 * @rx: from kmcl_lb_rx_peek()
 * @header: room for the header
 * @payload: room for the payload
 */
void kmcl_lb_rx_copy(void *link, const struct kmcl_rx *rx, void *header, void *payload)
{
	struct vmbus_ring_desc desc = kmcl_lb_desc(rx);
	struct kmcl_lb_end *end = link;

	vmbus_ring_copy(&end->rx, &desc, header, rx->header_len, payload, rx->payload_len);
}

/**
 * kmcl_lb_rx_advance() - &struct kmcl_transport_ops.rx_advance
 * @link: the end
 * @rx: from kmcl_lb_rx_peek()
 */
void kmcl_lb_rx_advance(void *link, const struct kmcl_rx *rx)
{
	struct vmbus_ring_desc desc = kmcl_lb_desc(rx);
	struct kmcl_lb_end *end = link;

	vmbus_ring_advance(&end->rx, &desc);
}

/**
 * kmcl_lb_rx_commit() - &struct kmcl_transport_ops.rx_commit
 * @link: the end
 */
void kmcl_lb_rx_commit(void *link)
{
	struct kmcl_lb_end *end = link;

	if (vmbus_ring_commit_read(&end->rx))
		kmcl_lb_signal(end);
}

/**
 * kmcl_lb_rx_mask() - &struct kmcl_transport_ops.rx_mask
 * @link: the end
 */
void kmcl_lb_rx_mask(void *link)
{
	struct kmcl_lb_end *end = link;

	vmbus_ring_mask(&end->rx);
}

/**
 * kmcl_lb_rx_unmask() - &struct kmcl_transport_ops.rx_unmask
 * @link: the end
 *
 * Return: see there.
 */
bool kmcl_lb_rx_unmask(void *link)
{
	struct kmcl_lb_end *end = link;

	return vmbus_ring_unmask(&end->rx);
}

/**
 * kmcl_lb_rx_unread() - &struct kmcl_transport_ops.rx_unread
 * @link: the end
 *
 * Walks the ring with a view of its own, of which nothing is published.
 *
 * Return: see there; counting ends where the ring is corrupt.
 */
u32 kmcl_lb_rx_unread(void *link)
{
	struct kmcl_lb_end *end = link;
	struct vmbus_ring view = end->rx;
	struct vmbus_ring_desc desc;
	u32 nr = 0, loads = 0;

#if IS_ENABLED(CONFIG_KMCL_KUNIT)
	view.hook = NULL;
#endif
	/* The first load finds all; more of them, and a busy writer would hold us. */
	while (view.own != view.peer || loads++ < 2) {
		if (vmbus_ring_peek(&view, &desc))
			break;
		vmbus_ring_advance(&view, &desc);
		nr++;
	}
	return nr;
}

/**
 * kmcl_lb_tx_write() - &struct kmcl_transport_ops.tx_write
 * @link: the end
 * @tx: the packet
 *
 * Return: see there.
 */
int kmcl_lb_tx_write(void *link, const struct kmcl_tx *tx)
{
	struct kmcl_lb_end *end = link;
	const struct vmbus_ring_packet packet = {
		.type = tx->type,
		.flags = tx->flags,
		.transaction_id = tx->id,
		.header = tx->header,
		.payload = tx->payload,
		.header_len = tx->header_len,
		.payload_len = tx->payload_len,
	};

	if (kmcl_lb_fault(end, KMCL_LB_STALL))
		return -EAGAIN;
	return vmbus_ring_write(&end->tx, &packet);
}

/**
 * kmcl_lb_tx_commit() - &struct kmcl_transport_ops.tx_commit
 * @link: the end
 */
void kmcl_lb_tx_commit(void *link)
{
	struct kmcl_lb_end *end = link;

	if (vmbus_ring_commit_write(&end->tx))
		kmcl_lb_signal(end);
}

/**
 * kmcl_lb_tx_want() - &struct kmcl_transport_ops.tx_want
 * @link: the end
 * @bytes: of packet
 *
 * Return: see there.
 */
bool kmcl_lb_tx_want(void *link, u32 bytes)
{
	struct kmcl_lb_end *end = link;

	if (kmcl_lb_fault(end, KMCL_LB_STALL))
		return false;
	return vmbus_ring_want_space(&end->tx, bytes);
}

/**
 * kmcl_lb_tx_limit() - &struct kmcl_transport_ops.tx_limit
 * @link: the end
 *
 * Return: see there.
 */
u32 kmcl_lb_tx_limit(void *link)
{
	struct kmcl_lb_end *end = link;

	return vmbus_ring_max_payload(&end->tx, VMBUS_RING_INBAND, 0);
}

/**
 * kmcl_lb_fault_name() - &struct kmcl_transport_ops.fault
 * @link: the end
 *
 * Return: see there.
 */
const char *kmcl_lb_fault_name(void *link)
{
	struct kmcl_lb_end *end = link;

	if (vmbus_ring_fault(&end->rx))
		return vmbus_ring_fault_name(vmbus_ring_fault(&end->rx));
	return vmbus_ring_fault_name(vmbus_ring_fault(&end->tx));
}
