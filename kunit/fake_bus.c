// SPDX-License-Identifier: GPL-2.0
/*
 * A transport that does what a test says.
 */
#include <linux/slab.h>
#include <linux/uuid.h>
#include <linux/wait.h>

#include "fake_bus.h"

static struct fake_bus *fake_of(struct vmb_bus *bus)
{
	return kmcl_bus_priv(bus);
}

static void fake_free_list(struct list_head *list)
{
	struct fake_packet *p, *tmp;

	list_for_each_entry_safe(p, tmp, list, node) {
		list_del(&p->node);
		kfree(p);
	}
}

static void fake_get_instance(void *l, guid_t *instance)
{
	static const guid_t given = GUID_INIT(0x11223344, 0x5566, 0x7788, 1, 2, 3, 4, 5, 6, 7, 8);
	struct fake_link *link = l;

	guid_copy(instance, guid_is_null(&link->params.instance) ? &given : &link->params.instance);
}

static int fake_attach(struct vmb_bus *bus, struct vmb_channel *ch,
		       const struct kmcl_link_params *params, void **linkp,
		       enum vmb_link_state *state)
{
	struct fake_bus *fb = fake_of(bus);
	struct fake_link *link;
	guid_t instance;

	if (fb->attach_error)
		return fb->attach_error;
	mutex_lock(&fb->mutex);
	if (params->adopt && fb->adopt == VMB_LINK_KEPT) {
		list_for_each_entry(link, &fb->links, node) {
			fake_get_instance(link, &instance);
			if (!link->parked || link->params.server != params->server ||
			    !guid_equal(&instance, &params->instance))
				continue;
			link->parked = false;
			link->attached = true;
			link->channel = ch;
			*linkp = link;
			*state = VMB_LINK_KEPT;
			mutex_unlock(&fb->mutex);
			return 0;
		}
	}
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link) {
		mutex_unlock(&fb->mutex);
		return -ENOMEM;
	}
	spin_lock_init(&link->lock);
	INIT_LIST_HEAD(&link->in);
	INIT_LIST_HEAD(&link->out);
	INIT_LIST_HEAD(&link->unpublished);
	link->bus = fb;
	link->channel = ch;
	link->params = *params;
	link->room = U32_MAX;
	link->limit = VMB_MAX_PACKET_SIZE;
	link->attached = true;
	link->open_status = 1;
	list_add_tail(&link->node, &fb->links);
	mutex_unlock(&fb->mutex);
	*linkp = link;
	if (params->adopt)
		*state = fb->adopt;
	return 0;
}

static void fake_detach(void *l)
{
	struct fake_link *link = l;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	link->attached = false;
	link->channel = NULL;
	spin_unlock_irqrestore(&link->lock, flags);
}

static void fake_open_done(void *l, int status)
{
	struct fake_link *link = l;

	link->open_status = status;
	link->nr_open_done++;
	link->bus->open_done_reserved = READ_ONCE(link->bus->nr_reserved);
}

static void fake_close_link(void *l)
{
	((struct fake_link *)l)->nr_close++;
}

static void fake_closed(void *l)
{
	struct fake_link *link = l;

	link->nr_closed++;
	link->closed_calls = READ_ONCE(link->channel->gpadl_calls);
}

static void fake_park(void *l)
{
	struct fake_link *link = l;

	link->attached = false;
	link->parked = true;
	link->channel = NULL;
}

static int fake_rx_peek(void *l, struct kmcl_rx *rx)
{
	struct fake_link *link = l;
	struct fake_packet *p;
	unsigned long flags;
	int ret = -EAGAIN;

	spin_lock_irqsave(&link->lock, flags);
	p = list_first_entry_or_null(&link->in, struct fake_packet, node);
	if (link->rx_corrupt) {
		ret = -EIO;
	} else if (p) {
		*rx = (struct kmcl_rx) {
			.type = p->type,
			.flags = p->flags,
			.id = p->id,
			.header_len = p->header_len,
			.payload_len = p->payload_len,
		};
		ret = 0;
	}
	spin_unlock_irqrestore(&link->lock, flags);
	return ret;
}

static void fake_rx_copy(void *l, const struct kmcl_rx *rx, void *header, void *payload)
{
	struct fake_link *link = l;
	struct fake_packet *p = list_first_entry(&link->in, struct fake_packet, node);

	link->nr_copies++;
	if (rx->header_len)
		memcpy(header, p->data, rx->header_len);
	memcpy(payload, p->data + p->header_len, rx->payload_len);
}

static void fake_rx_advance(void *l, const struct kmcl_rx *rx)
{
	struct fake_link *link = l;
	struct fake_packet *p;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	p = list_first_entry(&link->in, struct fake_packet, node);
	list_del(&p->node);
	link->nr_in--;
	spin_unlock_irqrestore(&link->lock, flags);
	kfree(p);
}

static void fake_rx_commit(void *l)
{
	((struct fake_link *)l)->nr_rx_commits++;
}

static void fake_rx_mask(void *l)
{
	WRITE_ONCE(((struct fake_link *)l)->masked, true);
}

static bool fake_rx_unmask(void *l)
{
	struct fake_link *link = l;

	link->nr_unmasks++;
	WRITE_ONCE(link->masked, false);
	smp_mb(); /* the test puts, then looks at masked */
	return READ_ONCE(link->nr_in);
}

static u32 fake_rx_unread(void *l)
{
	return READ_ONCE(((struct fake_link *)l)->nr_in);
}

static int fake_tx_write(void *l, const struct kmcl_tx *tx)
{
	struct fake_link *link = l;
	struct fake_packet *p;
	unsigned long flags;

	if (link->tx_corrupt)
		return -EIO;
	if (tx->payload_len > link->limit)
		return -EMSGSIZE;
	spin_lock_irqsave(&link->lock, flags);
	if (!link->room) {
		spin_unlock_irqrestore(&link->lock, flags);
		return -EAGAIN;
	}
	if (link->room != U32_MAX)
		link->room--;
	spin_unlock_irqrestore(&link->lock, flags);
	/* A test's peer has memory: a failure here would be no fault of the core's. */
	p = kzalloc(struct_size(p, data, tx->header_len + ALIGN(tx->payload_len, 8)),
		    GFP_ATOMIC | __GFP_NOFAIL);
	p->type = tx->type;
	p->flags = tx->flags;
	p->id = tx->id;
	p->header_len = tx->header_len;
	p->payload_len = ALIGN(tx->payload_len, 8);
	memcpy(p->data, tx->header, tx->header_len);
	memcpy(p->data + tx->header_len, tx->payload, tx->payload_len);
	spin_lock_irqsave(&link->lock, flags);
	list_add_tail(&p->node, &link->unpublished);
	spin_unlock_irqrestore(&link->lock, flags);
	return 0;
}

static void fake_tx_commit(void *l)
{
	struct fake_link *link = l;
	struct fake_packet *p;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	list_for_each_entry(p, &link->unpublished, node)
		link->nr_out++;
	list_splice_tail_init(&link->unpublished, &link->out);
	link->nr_commits++;
	spin_unlock_irqrestore(&link->lock, flags);
	wake_up_all(&link->bus->wait);
}

static bool fake_tx_want(void *l, u32 bytes)
{
	struct fake_link *link = l;
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&link->lock, flags);
	link->want_bytes = bytes;
	room = link->room;
	link->want = !room;
	spin_unlock_irqrestore(&link->lock, flags);
	return room;
}

static u32 fake_tx_limit(void *l)
{
	return ((struct fake_link *)l)->limit;
}

static const char *fake_fault(void *l)
{
	return "as the test said";
}

static int fake_ext_reserve(struct vmb_bus *bus, u32 bytes, gfp_t gfp, u64 *token)
{
	struct fake_bus *fb = fake_of(bus);
	unsigned long flags;

	if (fb->ext_error)
		return fb->ext_error;
	spin_lock_irqsave(&fb->lock, flags);
	*token = ++fb->next_token;
	fb->ext_bytes[*token % FAKE_TOKENS] = bytes;
	fb->nr_reserved++;
	spin_unlock_irqrestore(&fb->lock, flags);
	return 0;
}

static void fake_ext_release(struct vmb_bus *bus, u64 token)
{
	struct fake_bus *fb = fake_of(bus);
	unsigned long flags;

	spin_lock_irqsave(&fb->lock, flags);
	if (fb->orphan == token)
		fb->orphan = 0;
	fb->nr_reserved--;
	spin_unlock_irqrestore(&fb->lock, flags);
}

/* One range of a page, whatever the memory: count 1, {length, offset 0, page 7}. */
static int fake_ext_map(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
			u32 length, void *header, u32 *header_len)
{
	struct fake_bus *fb = fake_of(bus);
	__le32 *h = header;
	unsigned long flags;
	u32 have;

	spin_lock_irqsave(&fb->lock, flags);
	fb->nr_ext_map++;
	fb->ext_mdl = *mdl;
	fb->ext_offset = offset;
	fb->ext_length = length;
	have = fb->ext_bytes[token % FAKE_TOKENS];
	spin_unlock_irqrestore(&fb->lock, flags);
	if (have && have < length)
		return -EINVAL;
	if (*header_len < 24 || length > PAGE_SIZE)
		return -EMSGSIZE;
	h[0] = 0;
	h[1] = cpu_to_le32(1);
	h[2] = cpu_to_le32(length);
	h[3] = 0;
	h[4] = cpu_to_le32(7);
	h[5] = 0;
	*header_len = 24;
	return 0;
}

static void fake_ext_unmap(struct vmb_bus *bus, u64 token, const struct vmb_mdl *mdl, u32 offset,
			   u32 length)
{
	struct fake_bus *fb = fake_of(bus);
	unsigned long flags;

	spin_lock_irqsave(&fb->lock, flags);
	fb->nr_ext_unmap++;
	fb->unmap_mdl = mdl;
	spin_unlock_irqrestore(&fb->lock, flags);
}

static int fake_ext_adopt(struct vmb_bus *bus, u64 token, u32 bytes)
{
	struct fake_bus *fb = fake_of(bus);
	unsigned long flags;
	u32 have;

	if (!token || token > fb->next_token)
		return -EINVAL;
	have = fb->ext_bytes[token % FAKE_TOKENS];
	if (have && have < bytes)
		return -EINVAL;
	spin_lock_irqsave(&fb->lock, flags);
	/* A reservation that a commit left behind is there already. */
	if (fb->orphan == token)
		fb->orphan = 0;
	else
		fb->nr_reserved++;
	spin_unlock_irqrestore(&fb->lock, flags);
	return 0;
}

static int fake_gpa_get(void *l, const void *header, u32 header_len, u32 flags,
			struct bio_vec *bvec, u32 *nr)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;
	unsigned long irq;

	if (fb->gpa_wait)
		return -EINPROGRESS;
	if (fb->gpa_error)
		return fb->gpa_error;
	if (!*nr)
		return -EFAULT;
	bvec->bv_page = fb->page;
	bvec->bv_offset = 0;
	bvec->bv_len = le32_to_cpu(((const __le32 *)header)[2]);
	*nr = 1;
	spin_lock_irqsave(&fb->lock, irq);
	fb->nr_pinned++;
	spin_unlock_irqrestore(&fb->lock, irq);
	return 0;
}

static void fake_gpa_put(void *l, struct bio_vec *bvec, u32 nr)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;
	unsigned long flags;

	spin_lock_irqsave(&fb->lock, flags);
	fb->nr_pinned--;
	spin_unlock_irqrestore(&fb->lock, flags);
}

static int fake_gpadl_create(void *l, const struct vmb_mdl *mdl, u32 offset, u32 length,
			     u32 flags, u32 *handle)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;

	if (fb->gpadl_wait) {
		wait_event(fb->wait, READ_ONCE(fb->gpadl_aborted));
		return -ENODEV;
	}
	*handle = 0xe1e10;
	fb->gpadl_read_only = flags & VMB_GPADL_FLAG_READ_ONLY;
	return 0;
}

static int fake_gpadl_delete(void *l, u32 handle)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;

	if (handle != 0xe1e10)
		return -ENOENT;
	if (fb->gpadl_wait) {
		wait_event(fb->wait, READ_ONCE(fb->gpadl_aborted));
		return -ENODEV;
	}
	return 0;
}

static void fake_gpadl_abort(void *l)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;

	if (fb->on_gpadl_abort)
		fb->on_gpadl_abort(fb);
	WRITE_ONCE(fb->gpadl_aborted, true);
	wake_up_all(&fb->wait);
}

static int fake_gpadl_map(void *l, u32 handle, u32 flags, struct vmb_mdl **mdl)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;

	if (handle != 0xe1e10)
		return -ENOENT;
	if (fb->gpadl_read_only && !(flags & VMB_GPADL_FLAG_READ_ONLY))
		return -EACCES;
	if (fb->gpadl_mapped)
		return -EBUSY;
	fb->gpadl_mapped = true;
	fb->gpadl_bvec = (struct bio_vec) { .bv_page = fb->page, .bv_len = PAGE_SIZE };
	fb->gpadl_mdl = (struct vmb_mdl) {
		.bvec = &fb->gpadl_bvec, .nr_bvecs = 1, .length = PAGE_SIZE,
	};
	*mdl = &fb->gpadl_mdl;
	return 0;
}

static int fake_gpadl_unmap(void *l, u32 handle)
{
	struct fake_bus *fb = ((struct fake_link *)l)->bus;

	if (!fb->gpadl_mapped)
		return -ENOENT;
	fb->gpadl_mapped = false;
	return 0;
}

static int fake_bus_freeze(struct vmb_bus *bus)
{
	if (fake_of(bus)->freeze_error)
		return fake_of(bus)->freeze_error;
	fake_of(bus)->frozen++;
	return 0;
}

static void fake_bus_thaw(struct vmb_bus *bus)
{
	fake_of(bus)->frozen--;
}

static int fake_bus_save_begin(struct vmb_bus *bus, u64 *bytes)
{
	*bytes = sizeof(fake_of(bus)->record);
	return fake_of(bus)->save_error;
}

static int fake_bus_save_read(struct vmb_bus *bus, u64 offset, void *buffer, u32 length)
{
	memcpy(buffer, fake_of(bus)->record + offset, length);
	return 0;
}

static void fake_bus_save_end(struct vmb_bus *bus)
{
}

static int fake_bus_restore_begin(struct vmb_bus *bus, u32 version, u64 bytes)
{
	fake_of(bus)->nr_restored = 0;
	return bytes == sizeof(fake_of(bus)->restored) ? 0 : -EBADMSG;
}

static int fake_bus_restore_write(struct vmb_bus *bus, const void *buffer, u32 length)
{
	struct fake_bus *fb = fake_of(bus);

	/* More than bus_restore_begin() was promised, which the core keeps off. */
	if (length > sizeof(fb->restored) - fb->nr_restored)
		return -EOVERFLOW;
	memcpy(fb->restored + fb->nr_restored, buffer, length);
	fb->nr_restored += length;
	return 0;
}

static int fake_bus_restore_end(struct vmb_bus *bus, bool ok)
{
	fake_of(bus)->restore_ok = ok;
	return ok ? fake_of(bus)->restore_error : 0;
}

static const struct kmcl_transport_ops fake_ops = {
	.owner = THIS_MODULE,
	.save_version = 1,
	.attach = fake_attach,
	.detach = fake_detach,
	.open_done = fake_open_done,
	.close = fake_close_link,
	.closed = fake_closed,
	.park = fake_park,
	.rx_peek = fake_rx_peek,
	.rx_copy = fake_rx_copy,
	.rx_advance = fake_rx_advance,
	.rx_commit = fake_rx_commit,
	.rx_mask = fake_rx_mask,
	.rx_unmask = fake_rx_unmask,
	.rx_unread = fake_rx_unread,
	.tx_write = fake_tx_write,
	.tx_commit = fake_tx_commit,
	.tx_want = fake_tx_want,
	.tx_limit = fake_tx_limit,
	.fault = fake_fault,
	.ext_reserve = fake_ext_reserve,
	.ext_release = fake_ext_release,
	.ext_map = fake_ext_map,
	.ext_unmap = fake_ext_unmap,
	.ext_adopt = fake_ext_adopt,
	.gpa_get = fake_gpa_get,
	.gpa_put = fake_gpa_put,
	.gpadl_create = fake_gpadl_create,
	.gpadl_delete = fake_gpadl_delete,
	.gpadl_abort = fake_gpadl_abort,
	.gpadl_map = fake_gpadl_map,
	.gpadl_unmap = fake_gpadl_unmap,
	.get_instance = fake_get_instance,
	.bus_freeze = fake_bus_freeze,
	.bus_thaw = fake_bus_thaw,
	.bus_save_begin = fake_bus_save_begin,
	.bus_save_read = fake_bus_save_read,
	.bus_save_end = fake_bus_save_end,
	.bus_restore_begin = fake_bus_restore_begin,
	.bus_restore_write = fake_bus_restore_write,
	.bus_restore_end = fake_bus_restore_end,
};

/* A bus of this name, with these KMCL_CAP_*; asserts that it could be had. */
struct fake_bus *fake_bus_create(struct kunit *test, const char *name, u32 caps)
{
	struct fake_bus *fb = kzalloc(sizeof(*fb), GFP_KERNEL);
	guid_t id;

	KUNIT_ASSERT_NOT_NULL(test, fb);
	guid_gen(&id);
	mutex_init(&fb->mutex);
	spin_lock_init(&fb->lock);
	INIT_LIST_HEAD(&fb->links);
	init_waitqueue_head(&fb->wait);
	fb->adopt = VMB_LINK_KEPT;
	fb->ops = fake_ops;
	fb->ops.caps = caps;
	fb->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, fb->page);
	fb->bus = kmcl_bus_register(name, &id, &fb->ops, fb);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fb->bus));
	return fb;
}

/* No channel is attached to it any more. */
void fake_bus_destroy(struct fake_bus *fb)
{
	struct fake_link *link, *tmp;

	if (!fb)
		return;
	kmcl_bus_unregister(fb->bus);
	list_for_each_entry_safe(link, tmp, &fb->links, node) {
		fake_free_list(&link->in);
		fake_free_list(&link->out);
		fake_free_list(&link->unpublished);
		kfree(link);
	}
	__free_page(fb->page);
	kfree(fb);
}

/* What a channel is attached to, or NULL. */
struct fake_link *fake_link_of(struct fake_bus *fb, struct vmb_channel *ch)
{
	struct fake_link *link, *ret = NULL;

	mutex_lock(&fb->mutex);
	list_for_each_entry(link, &fb->links, node)
		if (link->channel == ch)
			ret = link;
	mutex_unlock(&fb->mutex);
	return ret;
}

void fake_open(struct fake_link *link)
{
	kmcl_channel_event_open(link->channel, 0);
}

void fake_close(struct fake_link *link, enum vmb_stop_reason reason)
{
	kmcl_channel_event_close(link->channel, reason);
}

/* Under the lock, so that none comes after the channel was detached. */
static void fake_interrupt(struct fake_link *link)
{
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	if (link->channel)
		kmcl_channel_interrupt(link->channel);
	spin_unlock_irqrestore(&link->lock, flags);
}

/* The peer sends; the channel is interrupted unless it asked for none. */
int fake_put(struct fake_link *link, u16 type, u16 flags, u64 id, const void *header,
	     u32 header_len, const void *payload, u32 payload_len)
{
	u32 padded = ALIGN(payload_len, 8);
	struct fake_packet *p = kzalloc(struct_size(p, data, header_len + padded), GFP_KERNEL);
	unsigned long irq;

	if (!p)
		return -ENOMEM;
	p->type = type;
	p->flags = flags;
	p->id = id;
	p->header_len = header_len;
	p->payload_len = padded;
	memcpy(p->data, header, header_len);
	memcpy(p->data + header_len, payload, payload_len);
	spin_lock_irqsave(&link->lock, irq);
	list_add_tail(&p->node, &link->in);
	WRITE_ONCE(link->nr_in, link->nr_in + 1);
	spin_unlock_irqrestore(&link->lock, irq);
	smp_mb(); /* pairs with fake_rx_unmask() */
	if (!READ_ONCE(link->masked))
		fake_interrupt(link);
	return 0;
}

/* The peer reads what was published first; the caller frees it. NULL: nothing. */
struct fake_packet *fake_take(struct fake_link *link)
{
	struct fake_packet *p;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	p = list_first_entry_or_null(&link->out, struct fake_packet, node);
	if (p) {
		list_del(&p->node);
		link->nr_out--;
	}
	spin_unlock_irqrestore(&link->lock, flags);
	return p;
}

/* The peer makes room, and says so where that was asked for. */
void fake_set_room(struct fake_link *link, u32 room)
{
	unsigned long flags;
	bool want;

	spin_lock_irqsave(&link->lock, flags);
	link->room = room;
	want = link->want && room;
	if (want)
		link->want = false;
	spin_unlock_irqrestore(&link->lock, flags);
	if (want)
		fake_interrupt(link);
}
