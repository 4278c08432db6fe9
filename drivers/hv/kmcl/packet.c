// SPDX-License-Identifier: GPL-2.0
/*
 * Packet objects that this end sends, and their transaction ids.
 *
 * An id is a slot of the channel's table, which the transaction has as long as
 * it lasts, and a generation that is new for each send: KMCL_SLOT_BITS of slot
 * below, the generation above, which starts at 1, so that no id is 0. A completion
 * that comes late carries an id that no later transaction has. There are as many
 * slots as there may be objects, so that a send always finds one.
 *
 * vmb_channel.lock protects the table.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"

#define KMCL_SLOT_BITS	20
#define KMCL_SLOT_MASK	(BIT_ULL(KMCL_SLOT_BITS) - 1)

static_assert(BIT(KMCL_SLOT_BITS) >= VMB_MAX_PACKET_COUNT);

/* Memory for packet objects and ids; part of fixing the configuration. */
int kmcl_packet_prepare(struct vmb_channel *ch)
{
	const struct kmcl_config *cfg = &ch->cfg;
	u32 i;

	ch->ranges_max = kmcl_ranges_size(cfg->max_external, cfg->max_chain);
	ch->packet_size = sizeof(struct vmb_packet) + ALIGN(cfg->max_packet_size, 8) +
			  ch->ranges_max;
	ch->slots = kvmalloc_array(cfg->max_packets, sizeof(*ch->slots), GFP_KERNEL);
	if (!ch->slots)
		return -ENOMEM;
	for (i = 0; i < cfg->max_packets; i++) {
		ch->slots[i].packet = NULL;
		ch->slots[i].prev_free = i ? i - 1 : KMCL_NO_SLOT;
		ch->slots[i].next_free = i + 1 < cfg->max_packets ? i + 1 : KMCL_NO_SLOT;
	}
	ch->free_slot = 0;

	ch->tx_cache = kmcl_cache_get(ch->packet_size);
	if (!ch->tx_cache) {
		kvfree(ch->slots);
		ch->slots = NULL;
		return -ENOMEM;
	}
	return 0;
}

void kmcl_packet_unprepare(struct vmb_channel *ch)
{
	kvfree(ch->slots);
	ch->tx_cache = NULL;
	ch->slots = NULL;
}

static void kmcl_slot_take(struct vmb_channel *ch, u32 slot, struct vmb_packet *pkt)
{
	struct kmcl_slot *s = &ch->slots[slot];

	lockdep_assert_held(&ch->lock);
	if (s->prev_free == KMCL_NO_SLOT)
		ch->free_slot = s->next_free;
	else
		ch->slots[s->prev_free].next_free = s->next_free;
	if (s->next_free != KMCL_NO_SLOT)
		ch->slots[s->next_free].prev_free = s->prev_free;
	s->packet = pkt;
	pkt->slot = slot;
}

/* The transaction of @pkt ends, if there is one: its id is nobody's any more. */
void kmcl_packet_end_id(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	u32 slot = pkt->slot;
	struct kmcl_slot *s;

	lockdep_assert_held(&ch->lock);
	if (slot == KMCL_NO_SLOT)
		return;
	pkt->slot = KMCL_NO_SLOT;
	s = &ch->slots[slot];
	s->packet = NULL;
	s->prev_free = KMCL_NO_SLOT;
	s->next_free = ch->free_slot;
	if (ch->free_slot != KMCL_NO_SLOT)
		ch->slots[ch->free_slot].prev_free = slot;
	ch->free_slot = slot;
}

/* A new transaction of @pkt begins. */
void kmcl_packet_new_id(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;

	lockdep_assert_held(&ch->lock);
	kmcl_slot_take(ch, ch->free_slot, pkt);
	pkt->id = (++ch->tx_generation << KMCL_SLOT_BITS) | pkt->slot;
}

/* Was there ever a transaction of this id? */
bool kmcl_packet_known_id(struct vmb_channel *ch, u64 id)
{
	u64 generation = id >> KMCL_SLOT_BITS;

	lockdep_assert_held(&ch->lock);
	return generation && generation <= ch->tx_generation &&
	       (id & KMCL_SLOT_MASK) < ch->cfg.max_packets;
}

/* The packet whose transaction has this id, or NULL. */
struct vmb_packet *kmcl_packet_find(struct vmb_channel *ch, u64 id)
{
	u32 slot = id & KMCL_SLOT_MASK;
	struct vmb_packet *pkt;

	lockdep_assert_held(&ch->lock);
	if (slot >= ch->cfg.max_packets)
		return NULL;
	pkt = ch->slots[slot].packet;
	return pkt && pkt->id == id && pkt->state == KMCL_PACKET_SENT ? pkt : NULL;
}

/* Give @pkt, which is in no transaction, the id that it had when it was saved. */
int kmcl_packet_claim_id(struct vmb_packet *pkt, u64 id)
{
	struct vmb_channel *ch = pkt->channel;
	u32 slot = id & KMCL_SLOT_MASK;

	lockdep_assert_held(&ch->lock);
	if (!kmcl_packet_known_id(ch, id))
		return -EINVAL;
	if (ch->slots[slot].packet)
		return -EEXIST;
	kmcl_slot_take(ch, slot, pkt);
	pkt->id = id;
	return 0;
}

/* Room for what a transaction with external memory needs; 0 or an error. */
static int kmcl_packet_reserve(struct vmb_channel *ch, struct vmb_packet *pkt, gfp_t gfp)
{
	int ret;

	if (!ch->cfg.max_external)
		return 0;
	ret = kmcl_send_prepare_quarantine(pkt, gfp);
	if (ret)
		return ret;
	ret = ch->ops->ext_reserve(ch->cfg.bus, ch->cfg.max_external, gfp, &pkt->ext_token);
	if (ret)
		kfree(pkt->quarantine);
	return ret;
}

static int kmcl_packet_setup(struct vmb_channel *ch, struct vmb_packet *pkt, gfp_t gfp)
{
	int ret;

	if (!atomic_add_unless(&ch->nr_packets, 1, ch->cfg.max_packets))
		return -ENOSPC;
	memset(pkt, 0, offsetof(struct vmb_packet, data));
	INIT_LIST_HEAD(&pkt->node);
	pkt->channel = ch;
	pkt->slot = KMCL_NO_SLOT;
	ret = kmcl_packet_reserve(ch, pkt, gfp);
	if (ret)
		atomic_dec(&ch->nr_packets);
	return ret;
}

static int kmcl_packet_teardown(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	u8 state = READ_ONCE(pkt->state);

	if (WARN(state == KMCL_PACKET_GONE, "%s: packet freed twice\n", ch->cfg.name))
		return -EINVAL;
	if (WARN(state != KMCL_PACKET_IDLE, "%s: packet freed while it is being sent\n",
		 ch->cfg.name))
		return -EBUSY;
	WRITE_ONCE(pkt->state, KMCL_PACKET_GONE);
	kfree(pkt->own_mdl);
	kfree(pkt->quarantine);
	if (pkt->ext_token)
		ch->ops->ext_release(ch->cfg.bus, pkt->ext_token);
	return 0;
}

static void kmcl_packet_auto_free(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	vmb_packet_free(pkt);
}

/**
 * vmb_packet_allocate() - make a packet to send
 * @ch: on which channel
 *
 * Everything its transaction will need comes with it, so that sending cannot
 * fail for lack of memory. Its completion routine frees it; one that is never
 * sent, or has another routine, is given to vmb_packet_free().
 * Windows: VmbPacketAllocate.
 *
 * Context: any context but hard interrupts; process context where the channel
 * has not been enabled yet: the first packet fixes the configuration.
 * Return: the packet, the caller's; NULL without memory, where the channel has
 * as many as it may (vmb_channel_init_set_maximum_packet_count()), or where it
 * has external data and no bus, or one without external data.
 */
struct vmb_packet *vmb_packet_allocate(struct vmb_channel *ch)
{
	/* A restore callback may sleep, and should not fail. */
	gfp_t gfp = READ_ONCE(ch->save_task) == current ? GFP_KERNEL : GFP_ATOMIC;
	struct vmb_packet *pkt;

	if (!kmcl_channel_prepared(ch) && kmcl_channel_prepare(ch))
		return NULL;
	pkt = kmem_cache_alloc(ch->tx_cache, gfp | __GFP_NOWARN);
	if (!pkt)
		return NULL;
	if (kmcl_packet_setup(ch, pkt, gfp | __GFP_NOWARN)) {
		kmem_cache_free(ch->tx_cache, pkt);
		return NULL;
	}
	pkt->allocated = true;
	pkt->routine = kmcl_packet_auto_free;
	return pkt;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_allocate, KMCL_NS);

/**
 * vmb_packet_free() - free a packet that vmb_packet_allocate() made
 * @pkt: which; not one that is being sent (a WARN, and it goes on)
 *
 * Windows: VmbPacketFree.
 * Context: any context but hard interrupts.
 */
void vmb_packet_free(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;

	if (WARN(!pkt->allocated, "%s: packet freed that was initialised\n", ch->cfg.name))
		return;
	if (kmcl_packet_teardown(pkt))
		return;
	kmem_cache_free(ch->tx_cache, pkt);
	atomic_dec(&ch->nr_packets);
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_free, KMCL_NS);

/**
 * vmb_channel_sizeof_packet() - how large a packet in the caller's memory is
 * @ch: of which channel; its configuration is fixed by this call
 *
 * Windows: VmbChannelSizeofPacket.
 * Context: process context where the channel has not been enabled yet.
 * Return: bytes for vmb_packet_initialize(); 0 without memory, or where the
 * channel has external data and no bus, or one without external data.
 */
u32 vmb_channel_sizeof_packet(struct vmb_channel *ch)
{
	if (!kmcl_channel_prepared(ch) && kmcl_channel_prepare(ch))
		return 0;
	return ch->packet_size;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_sizeof_packet, KMCL_NS);

/**
 * vmb_packet_initialize() - make a packet in the caller's memory
 * @ch: on which channel
 * @pkt: memory, aligned to 8
 * @size: its bytes
 *
 * Such a packet has no completion routine: set one before sending. Before its
 * memory goes, or the channel is cleaned up, vmb_packet_uninitialize() takes
 * back what the library reserved for it.
 * Windows: VmbPacketInitialize.
 *
 * Context: any context but hard interrupts; see vmb_packet_allocate().
 * Return: 0; -EINVAL where @size is less than vmb_channel_sizeof_packet(), @pkt
 * is not aligned, or the channel has external data and no bus; -EOPNOTSUPP where
 * its bus has no external data; -ENOMEM; -ENOSPC where the channel has as many
 * packets as it may.
 */
int vmb_packet_initialize(struct vmb_channel *ch, struct vmb_packet *pkt, u32 size)
{
	int ret = 0;

	if (!kmcl_channel_prepared(ch))
		ret = kmcl_channel_prepare(ch);
	if (ret)
		return ret;
	if (size < ch->packet_size || !IS_ALIGNED((unsigned long)pkt, 8))
		return -EINVAL;
	return kmcl_packet_setup(ch, pkt, GFP_ATOMIC | __GFP_NOWARN);
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_initialize, KMCL_NS);

/**
 * vmb_packet_uninitialize() - the end of a packet in the caller's memory
 * @pkt: which
 *
 * Without a counterpart in Windows, where such a packet reserves nothing.
 * Context: any context but hard interrupts.
 * Return: 0; -EINVAL for one of vmb_packet_allocate(), and with a WARN for one
 * that came to its end before; -EBUSY and a WARN while it is being sent.
 */
int vmb_packet_uninitialize(struct vmb_packet *pkt)
{
	struct vmb_channel *ch = pkt->channel;
	int ret;

	if (pkt->allocated)
		return -EINVAL;
	ret = kmcl_packet_teardown(pkt);
	if (!ret)
		atomic_dec(&ch->nr_packets);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_uninitialize, KMCL_NS);

/**
 * vmb_packet_set_completion_routine() - what to call when its transaction ends
 * @pkt: which; not one that is being sent
 * @routine: called once for each send that succeeded; may send, free or
 *	initialise the packet anew
 *
 * Windows: VmbPacketSetCompletionRoutine. Context: any context.
 */
void vmb_packet_set_completion_routine(struct vmb_packet *pkt, vmb_packet_completion_fn routine)
{
	pkt->routine = routine;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_set_completion_routine, KMCL_NS);

/**
 * vmb_packet_set_pointer() - keep a pointer of the consumer with a packet
 * @pkt: which
 * @pointer: what
 *
 * Windows: VmbPacketSetPointer. Context: any context.
 */
void vmb_packet_set_pointer(struct vmb_packet *pkt, void *pointer)
{
	pkt->pointer = pointer;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_set_pointer, KMCL_NS);

/**
 * vmb_packet_get_pointer() - the pointer that was set
 * @pkt: which
 *
 * Windows: VmbPacketGetPointer. Context: any context.
 * Return: the pointer, NULL where none was set.
 */
void *vmb_packet_get_pointer(struct vmb_packet *pkt)
{
	return pkt->pointer;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_get_pointer, KMCL_NS);

/**
 * vmb_packet_get_channel() - the channel of a packet
 * @pkt: which
 *
 * Windows: VmbPacketGetChannel. Context: any context. Return: the channel.
 */
struct vmb_channel *vmb_packet_get_channel(struct vmb_packet *pkt)
{
	return pkt->channel;
}
EXPORT_SYMBOL_NS_GPL(vmb_packet_get_channel, KMCL_NS);
