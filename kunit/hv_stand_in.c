// SPDX-License-Identifier: GPL-2.0
/*
 * A host for the hv bus: see hv_stand_in.h.
 *
 * stand_in_offer.bind, as a device's lock, may be held while the transport waits
 * for its own work. stand_in.mutex is the outermost lock. stand_in.channel_mutex
 * is hv_vmbus's, which a close holds while it waits and a rescind needs.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "hv_stand_in.h"
#include "transport/hv.h"

/* Calls through the border do not say whose they are: there is one at a time. */
static struct stand_in *stand_in_now;

/* A driver, while it is registered */
struct stand_in_driver {
	struct list_head node;
	struct hv_driver *driver;
};

static struct stand_in_offer *offer_of_device(struct hv_device *dev)
{
	return container_of(dev, struct stand_in_offer, dev);
}

static struct stand_in_offer *offer_of(struct vmbus_channel *ch)
{
	return container_of(ch, struct stand_in_offer, ch);
}

/* ---- rings ---- */

static void ring_free(struct stand_in_ring *r)
{
	u32 i;

	vunmap(r->guest);
	vunmap(r->host);
	for (i = 0; r->pages && i < r->nr_pages; i++)
		if (r->pages[i])
			__free_page(r->pages[i]);
	kvfree(r->pages);
	memset(r, 0, sizeof(*r));
}

/* Control page, then the data pages twice */
static void *ring_map(const struct stand_in_ring *r)
{
	u32 data = r->nr_pages - 1, i;
	struct page **twice = kvmalloc_array(1 + 2 * data, sizeof(*twice), GFP_KERNEL);
	void *map;

	if (!twice)
		return NULL;
	twice[0] = r->pages[0];
	for (i = 0; i < 2 * data; i++)
		twice[1 + i] = r->pages[1 + i % data];
	map = vmap(twice, 1 + 2 * data, VM_MAP, PAGE_KERNEL);
	kvfree(twice);
	return map;
}

static int ring_new(struct stand_in_ring *r, u32 size)
{
	u32 i;

	ring_free(r);
	r->nr_pages = size / PAGE_SIZE;
	r->pages = kvcalloc(r->nr_pages, sizeof(*r->pages), GFP_KERNEL);
	for (i = 0; r->pages && i < r->nr_pages; i++) {
		r->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!r->pages[i])
			goto err;
	}
	if (!r->pages)
		return -ENOMEM;
	r->guest = ring_map(r);
	r->host = ring_map(r);
	if (r->guest && r->host &&
	    !vmbus_ring_init(&r->end, r->host, r->host + PAGE_SIZE,
			     (r->nr_pages - 1) * PAGE_SIZE))
		return 0;
err:
	ring_free(r);
	return -ENOMEM;
}

/* As hv_ringbuffer_init() */
static int ring_info_init(struct hv_ring_buffer_info *info, struct stand_in_ring *r, u32 packet)
{
	info->ring_buffer = r->guest;
	info->ring_buffer->feature_bits.value = 1;
	info->ring_size = r->nr_pages * PAGE_SIZE;
	info->ring_datasize = info->ring_size - sizeof(struct hv_ring_buffer);
	info->priv_read_index = 0;
	spin_lock_init(&info->ring_lock);
	if (packet) {
		info->pkt_buffer = kzalloc(packet, GFP_KERNEL);
		info->pkt_buffer_size = packet;
	}
	return packet && !info->pkt_buffer ? -ENOMEM : 0;
}

/* The guest has no ring from here on; the host still looks at its own mapping. */
static void ring_info_exit(struct hv_ring_buffer_info *info, struct stand_in_ring *r)
{
	vunmap(r->guest);
	r->guest = NULL;
	info->ring_buffer = NULL;
	kfree(info->pkt_buffer);
	info->pkt_buffer = NULL;
	info->pkt_buffer_size = 0;
}

/* ---- behind the border ---- */

/* What the host answers to a call, once it does; a rescind ends the first wait. */
static int offer_ask(struct stand_in_offer *offer, enum stand_in_call call)
{
	struct stand_in *host = offer->host;
	bool wait;
	int ret;

	might_sleep();
	WRITE_ONCE(offer->calls[call], offer->calls[call] + 1);
	wake_up_all(&host->wait);
	spin_lock_bh(&offer->lock);
	wait = !offer->ch.rescind;
	offer->waiting += wait;
	spin_unlock_bh(&offer->lock);
	if (wait) {
		wait_event(host->wait, !READ_ONCE(offer->hold[call]) ||
			   cmpxchg(&offer->ended, 1, 0));
		spin_lock_bh(&offer->lock);
		offer->waiting--;
		spin_unlock_bh(&offer->lock);
	}
	ret = READ_ONCE(offer->ch.rescind) ? -ENODEV : offer->error[call];
	WRITE_ONCE(offer->answered[call], offer->answered[call] + 1);
	wake_up_all(&host->wait);
	return ret;
}

static int host_open(struct vmbus_channel *ch, u32 send_size, u32 receive_size,
		     void (*callback)(void *context), void *context)
{
	struct stand_in_offer *offer = offer_of(ch);
	int ret;

	if (ch->state != CHANNEL_OPEN_STATE || send_size % PAGE_SIZE || receive_size % PAGE_SIZE)
		return -EINVAL;
	/* vmbus_close() would free it a second time. */
	KUNIT_EXPECT_NULL(offer->host->test, ch->requestor.req_arr);
	KUNIT_EXPECT_NULL(offer->host->test, ch->requestor.req_bitmap);
	offer->send_size = send_size;
	offer->receive_size = receive_size;
	ret = ring_new(&offer->from_guest, send_size) ?: ring_new(&offer->to_guest, receive_size) ?:
	      ring_info_init(&ch->outbound, &offer->from_guest, 0) ?:
	      ring_info_init(&ch->inbound, &offer->to_guest,
			     ch->max_pkt_size ?: VMBUS_DEFAULT_MAX_PKT_SIZE);
	/* The first signal may come before the answer does. */
	spin_lock_bh(&offer->lock);
	ch->channel_callback_context = context;
	ch->onchannel_callback = callback;
	ch->state = CHANNEL_OPENING_STATE;
	spin_unlock_bh(&offer->lock);
	if (!ret)
		ret = offer_ask(offer, STAND_IN_OPEN);
	if (!ret && (vmbus_ring_attach_reader(&offer->from_guest.end) ||
		     vmbus_ring_attach_writer(&offer->to_guest.end)))
		ret = -EIO;
	if (ret) {
		/* The callback stays: hv_vmbus takes it away at a close only. */
		ch->state = CHANNEL_OPEN_STATE;
		ring_info_exit(&ch->outbound, &offer->from_guest);
		ring_info_exit(&ch->inbound, &offer->to_guest);
		return ret;
	}
	ch->state = CHANNEL_OPENED_STATE;
	return 0;
}

/* As vmbus_reset_channel_cb() */
static void offer_quiet(struct stand_in_offer *offer)
{
	spin_lock_bh(&offer->lock);
	offer->ch.onchannel_callback = NULL;
	spin_unlock_bh(&offer->lock);
	offer->ch.sc_creation_callback = NULL;
}

/* As vmbus_close_internal(): false where it was not open. */
static bool offer_close(struct stand_in_offer *offer)
{
	struct vmbus_channel *ch = &offer->ch;

	lockdep_assert_held(&offer->host->channel_mutex);
	offer_quiet(offer);
	if (ch->state != CHANNEL_OPENED_STATE)
		return false;
	ch->state = CHANNEL_OPEN_STATE;
	offer_ask(offer, STAND_IN_CLOSE);
	ring_info_exit(&ch->outbound, &offer->from_guest);
	ring_info_exit(&ch->inbound, &offer->to_guest);
	return true;
}

/* The channel is gone; who uses it after that shall fall. */
static void offer_poison(struct stand_in_offer *offer)
{
	struct stand_in *host = offer->host;

	KUNIT_EXPECT_EQ(host->test, offer->ch.state, CHANNEL_OPEN_STATE);
	memset(&offer->ch, 0x6b, sizeof(offer->ch));
	WRITE_ONCE(offer->released, true);
	wake_up_all(&host->wait);
}

static void sub_close(struct stand_in_offer *sub)
{
	if (sub->ch.rescind)
		wait_for_completion(&sub->ch.rescind_event);
	mutex_lock(&sub->host->channel_mutex);
	if (!sub->released && offer_close(sub) && sub->ch.rescind)
		offer_poison(sub);
	mutex_unlock(&sub->host->channel_mutex);
}

/* As vmbus_close(): sub-channels first */
static void host_close(struct vmbus_channel *ch)
{
	struct stand_in_offer *offer = offer_of(ch);
	struct stand_in *host = offer->host;
	u32 i;

	KUNIT_EXPECT_NULL(host->test, offer->primary);
	for (i = 0; i < READ_ONCE(host->nr_offers); i++)
		if (host->offers[i]->primary == offer && !host->offers[i]->released)
			sub_close(host->offers[i]);
	mutex_lock(&host->channel_mutex);
	KUNIT_EXPECT_TRUE(host->test, offer_close(offer));
	mutex_unlock(&host->channel_mutex);
}

static int host_establish(struct vmbus_channel *ch, void *buffer, u32 size,
			  struct vmbus_gpadl *gpadl)
{
	struct stand_in_offer *offer = offer_of(ch);
	int ret = offer_ask(offer, STAND_IN_ESTABLISH);
	u32 i;

	if (ret)
		return ret;
	/* What vmbus_establish_gpadl() takes: whole pages of one range. */
	KUNIT_EXPECT_TRUE(offer->host->test, PAGE_ALIGNED(buffer) && PAGE_ALIGNED(size) && size);
	for (i = 0; i < STAND_IN_GPADLS && offer->gpadls[i].gpadl_handle; i++)
		;
	if (i == STAND_IN_GPADLS)
		return -ENOMEM;
	*gpadl = (struct vmbus_gpadl) {
		.gpadl_handle = ++offer->last_gpadl, .buffer = buffer, .size = size,
	};
	offer->gpadls[i] = *gpadl;
	return 0;
}

static int host_teardown(struct vmbus_channel *ch, struct vmbus_gpadl *gpadl)
{
	struct stand_in_offer *offer = offer_of(ch);
	u32 i;

	/* Looked for first: it is an error of the guest's to tear down what is not. */
	for (i = 0; i < STAND_IN_GPADLS; i++)
		if (offer->gpadls[i].gpadl_handle == gpadl->gpadl_handle)
			break;
	KUNIT_EXPECT_LT_MSG(offer->host->test, i, STAND_IN_GPADLS, "no GPADL %u",
			    gpadl->gpadl_handle);
	offer_ask(offer, STAND_IN_TEARDOWN);
	if (i < STAND_IN_GPADLS)
		memset(&offer->gpadls[i], 0, sizeof(offer->gpadls[i]));
	gpadl->gpadl_handle = 0;
	return 0;
}

static int host_mmio_allocate(struct hv_device *dev, u64 size, u64 *address)
{
	struct stand_in *host = offer_of_device(dev)->host;

	if (host->mmio_error)
		return host->mmio_error;
	host->mmio_bytes += size;
	*address = STAND_IN_MMIO;
	return 0;
}

static void host_mmio_free(u64 address, u64 size)
{
	KUNIT_EXPECT_EQ(stand_in_now->test, address, STAND_IN_MMIO);
	stand_in_now->mmio_bytes -= size;
}

/* ---- the driver core ---- */

static bool driver_takes(const struct hv_driver *driver, const struct hv_device *dev)
{
	const struct hv_vmbus_device_id *id;

	for (id = driver->id_table; !guid_is_null(&id->guid); id++)
		if (guid_equal(&id->guid, &dev->dev_type))
			return true;
	return false;
}

static void offer_bind(struct stand_in_offer *offer, struct hv_driver *driver)
{
	mutex_lock(&offer->bind);
	if (!offer->gone && !offer->dev.device.driver && driver_takes(driver, &offer->dev)) {
		offer->dev.device.driver = &driver->driver;
		offer->nr_probes++;
		offer->bound = !driver->probe(&offer->dev, driver->id_table);
		if (!offer->bound)
			offer->dev.device.driver = NULL;
	}
	mutex_unlock(&offer->bind);
}

/* Off this driver, or off any. */
static void offer_unbind(struct stand_in_offer *offer, struct hv_driver *of, bool gone)
{
	struct device_driver *driver;

	mutex_lock(&offer->bind);
	driver = offer->dev.device.driver;
	if (driver && (!of || driver == &of->driver)) {
		drv_to_hv_drv(driver)->remove(&offer->dev);
		offer->dev.device.driver = NULL;
		dev_set_drvdata(&offer->dev.device, NULL);
		WRITE_ONCE(offer->bound, false);
		wake_up_all(&offer->host->wait);
	}
	if (gone)
		offer->gone = true;
	mutex_unlock(&offer->bind);
}

static int host_driver_attach(struct hv_driver *driver)
{
	u32 i;

	/* The lock of one that has a driver may be held for long. */
	for (i = 0; i < READ_ONCE(stand_in_now->nr_offers); i++)
		if (!READ_ONCE(stand_in_now->offers[i]->dev.device.driver))
			offer_bind(stand_in_now->offers[i], driver);
	return 0;
}

static int host_driver_register(struct hv_driver *driver)
{
	struct stand_in *host = stand_in_now;
	struct stand_in_driver *d;

	if (host->register_error)
		return host->register_error;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->driver = driver;
	mutex_lock(&host->mutex);
	list_add_tail(&d->node, &host->drivers);
	host->nr_drivers++;
	mutex_unlock(&host->mutex);
	return host_driver_attach(driver);
}

static void host_driver_unregister(struct hv_driver *driver)
{
	struct stand_in *host = stand_in_now;
	struct stand_in_driver *d, *tmp;
	u32 i;

	mutex_lock(&host->mutex);
	list_for_each_entry_safe(d, tmp, &host->drivers, node) {
		if (d->driver == driver) {
			list_del(&d->node);
			kfree(d);
			host->nr_drivers--;
		}
	}
	mutex_unlock(&host->mutex);
	for (i = 0; i < READ_ONCE(host->nr_offers); i++)
		offer_unbind(host->offers[i], driver, false);
	wake_up_all(&host->wait);
}

static void host_release(struct hv_device *dev)
{
	offer_unbind(offer_of_device(dev), NULL, false);
}

static void host_unregister(struct hv_device *dev)
{
	struct stand_in_offer *offer = offer_of_device(dev);

	KUNIT_EXPECT_FALSE(offer->host->test, READ_ONCE(offer->gone));
	offer_unbind(offer, NULL, true);
	put_device(&dev->device);
}

static const struct kmcl_hv_host stand_in_ops = {
	.driver_register = host_driver_register,
	.driver_unregister = host_driver_unregister,
	.driver_attach = host_driver_attach,
	.release = host_release,
	.unregister = host_unregister,
	.open = host_open,
	.close = host_close,
	.gpadl_establish = host_establish,
	.gpadl_teardown = host_teardown,
	.mmio_allocate = host_mmio_allocate,
	.mmio_free = host_mmio_free,
};

/* ---- what a test does ---- */

struct stand_in *stand_in_create(struct kunit *test)
{
	struct stand_in *host = kzalloc(sizeof(*host), GFP_KERNEL);

	if (!host)
		return NULL;
	host->test = test;
	mutex_init(&host->mutex);
	mutex_init(&host->channel_mutex);
	INIT_LIST_HEAD(&host->drivers);
	init_waitqueue_head(&host->wait);
	stand_in_now = host;
	kmcl_hv_host_set(&stand_in_ops);
	return host;
}

/* No driver is left, and nobody has a reference to a device but its offer. */
static bool stand_in_idle(struct stand_in *host)
{
	bool idle;

	mutex_lock(&host->mutex);
	idle = list_empty(&host->drivers);
	mutex_unlock(&host->mutex);
	return idle;
}

void stand_in_destroy(struct stand_in *host)
{
	struct stand_in_offer *offer;
	u32 i, call;

	stand_in_answer_all(host);
	wait_event(host->wait, stand_in_idle(host));
	for (i = 0; i < host->nr_offers; i++) {
		offer = host->offers[i];
		flush_work(&offer->announce);
		if (offer->primary && !offer->released)
			stand_in_rescind(offer);
		if (!offer->gone)
			host_unregister(&offer->dev);
		/* Whoever had the device was to let it go. */
		wait_event_timeout(host->wait, READ_ONCE(offer->released), 20 * HZ);
		KUNIT_EXPECT_TRUE_MSG(host->test, offer->released, "offer %u is referenced", i);
		for (call = 0; call < STAND_IN_GPADLS; call++)
			KUNIT_EXPECT_EQ_MSG(host->test, offer->gpadls[call].gpadl_handle, 0,
					    "a GPADL was not torn down");
		ring_free(&offer->from_guest);
		ring_free(&offer->to_guest);
		if (offer->released)
			kfree(offer);
	}
	KUNIT_EXPECT_EQ(host->test, host->mmio_bytes, 0);
	kmcl_hv_host_set(NULL);
	stand_in_now = NULL;
	kfree(host);
}

/* The channel goes with its device. */
static void offer_release(struct device *dev)
{
	offer_poison(container_of(dev, struct stand_in_offer, dev.device));
}

/* As vmbus_add_channel_work() for a sub-channel */
static void sub_announce(struct work_struct *work)
{
	struct stand_in_offer *sub = container_of(work, struct stand_in_offer, announce);
	void (*callback)(struct vmbus_channel *ch);

	callback = READ_ONCE(sub->primary->ch.sc_creation_callback);
	if (callback)
		callback(&sub->ch);
	WRITE_ONCE(sub->ch.probe_done, true);
	wake_up_all(&sub->host->wait);
}

static struct stand_in_offer *offer_new(struct stand_in *host, const guid_t *type,
					const guid_t *instance)
{
	struct stand_in_offer *offer = kzalloc(sizeof(*offer), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(host->test, offer);
	offer->host = host;
	mutex_init(&offer->bind);
	spin_lock_init(&offer->lock);
	INIT_WORK(&offer->announce, sub_announce);
	offer->ch.state = CHANNEL_OPEN_STATE;
	offer->ch.offermsg.child_relid = 1 + host->nr_offers;
	guid_copy(&offer->ch.offermsg.offer.if_type, type);
	guid_copy(&offer->ch.offermsg.offer.if_instance, instance);
	/* A signal then takes a hypercall alone, which fails here, and no shared page. */
	offer->ch.is_dedicated_interrupt = true;
	/* As a driver left it that had a table of requests: freed, and not forgotten */
	offer->ch.requestor.req_arr = ERR_PTR(-EINVAL);
	offer->ch.requestor.req_bitmap = ERR_PTR(-EINVAL);
	spin_lock_init(&offer->ch.sched_lock);
	init_completion(&offer->ch.rescind_event);
	INIT_LIST_HEAD(&offer->ch.sc_list);
	return offer;
}

struct stand_in_offer *stand_in_offer_new(struct stand_in *host, const guid_t *type,
					  const guid_t *instance)
{
	struct stand_in_offer *offer;
	guid_t own;

	guid_gen(&own);
	offer = offer_new(host, type, instance ?: &own);
	guid_copy(&offer->dev.dev_type, type);
	guid_copy(&offer->dev.dev_instance, instance ?: &own);
	offer->dev.channel = &offer->ch;
	device_initialize(&offer->dev.device);
	offer->dev.device.release = offer_release;
	dev_set_name(&offer->dev.device, "%pUl", &offer->dev.dev_instance);
	offer->ch.device_obj = &offer->dev;
	return offer;
}

void stand_in_rebind(struct stand_in_offer *offer)
{
	struct stand_in *host = offer->host;
	struct stand_in_driver *d;

	mutex_lock(&host->mutex);
	list_for_each_entry(d, &host->drivers, node)
		offer_bind(offer, d->driver);
	mutex_unlock(&host->mutex);
}

static void offer_add(struct stand_in_offer *offer)
{
	struct stand_in *host = offer->host;

	KUNIT_ASSERT_LT(host->test, host->nr_offers, STAND_IN_OFFERS);
	host->offers[host->nr_offers] = offer;
	WRITE_ONCE(host->nr_offers, host->nr_offers + 1);
}

void stand_in_offer_publish(struct stand_in_offer *offer)
{
	offer_add(offer);
	stand_in_rebind(offer);
}

struct stand_in_offer *stand_in_offer(struct stand_in *host, const guid_t *type,
				      const guid_t *instance)
{
	struct stand_in_offer *offer = stand_in_offer_new(host, type, instance);

	stand_in_offer_publish(offer);
	return offer;
}

struct stand_in_offer *stand_in_sub_new(struct stand_in_offer *primary, u16 index)
{
	struct stand_in_offer *sub = offer_new(primary->host, &primary->dev.dev_type,
					       &primary->dev.dev_instance);

	sub->primary = primary;
	sub->gone = true;
	sub->ch.primary_channel = &primary->ch;
	sub->ch.offermsg.offer.sub_channel_index = index;
	return sub;
}

void stand_in_sub_publish(struct stand_in_offer *sub)
{
	offer_add(sub);
	schedule_work(&sub->announce);
}

struct stand_in_offer *stand_in_offer_sub(struct stand_in_offer *primary, u16 index)
{
	struct stand_in_offer *sub = stand_in_sub_new(primary, index);

	stand_in_sub_publish(sub);
	flush_work(&sub->announce);
	return sub;
}

/* Nobody is told: one that is open goes with its primary's close. */
static void sub_rescind(struct stand_in_offer *sub)
{
	struct stand_in *host = sub->host;

	wait_event(host->wait, READ_ONCE(sub->ch.probe_done));
	mutex_lock(&host->channel_mutex);
	if (sub->ch.state == CHANNEL_OPEN_STATE)
		offer_poison(sub);
	else
		complete(&sub->ch.rescind_event);
	mutex_unlock(&host->channel_mutex);
}

void stand_in_rescind(struct stand_in_offer *offer)
{
	void (*callback)(struct vmbus_channel *ch);

	/* It looks for the channel first. */
	mutex_lock(&offer->host->channel_mutex);
	mutex_unlock(&offer->host->channel_mutex);
	offer_quiet(offer);
	spin_lock_bh(&offer->lock);
	WRITE_ONCE(offer->ch.rescind, true);
	WRITE_ONCE(offer->ended, !!offer->waiting);
	spin_unlock_bh(&offer->lock);
	wake_up_all(&offer->host->wait);
	callback = READ_ONCE(offer->ch.chn_rescind_callback);
	if (offer->primary)
		sub_rescind(offer);
	else if (callback)
		callback(&offer->ch);
	else
		host_unregister(&offer->dev);
}

int stand_in_suspend(struct stand_in_offer *offer)
{
	struct device_driver *driver;
	int ret;

	mutex_lock(&offer->bind);
	driver = offer->dev.device.driver;
	ret = driver ? drv_to_hv_drv(driver)->suspend(&offer->dev) : 0;
	mutex_unlock(&offer->bind);
	return ret;
}

int stand_in_resume(struct stand_in_offer *offer)
{
	struct device_driver *driver;
	int ret;

	mutex_lock(&offer->bind);
	driver = offer->dev.device.driver;
	ret = driver ? drv_to_hv_drv(driver)->resume(&offer->dev) : 0;
	mutex_unlock(&offer->bind);
	return ret;
}

void stand_in_unbind(struct stand_in_offer *offer)
{
	offer_unbind(offer, NULL, false);
}

void stand_in_answer(struct stand_in_offer *offer, enum stand_in_call call)
{
	WRITE_ONCE(offer->hold[call], false);
	wake_up_all(&offer->host->wait);
}

void stand_in_answer_all(struct stand_in *host)
{
	u32 i, call;

	for (i = 0; i < host->nr_offers; i++)
		for (call = 0; call < STAND_IN_NR_CALLS; call++)
			stand_in_answer(host->offers[i], call);
}

int stand_in_open_bare(struct stand_in_offer *offer, u32 size, void (*callback)(void *context))
{
	return host_open(&offer->ch, size, size, callback, offer);
}

void stand_in_close_bare(struct stand_in_offer *offer)
{
	host_close(&offer->ch);
}

bool stand_in_reached(struct stand_in_offer *offer, enum stand_in_call call, u32 n)
{
	return wait_event_timeout(offer->host->wait, READ_ONCE(offer->calls[call]) >= n, 20 * HZ);
}

int stand_in_write(struct stand_in_offer *offer, u16 type, u16 flags, u64 id, const void *header,
		   u32 header_len, const void *payload, u32 payload_len)
{
	struct vmbus_ring_packet p = {
		.type = type, .flags = flags, .transaction_id = id,
		.header = header, .header_len = header_len,
		.payload = payload, .payload_len = payload_len,
	};

	return vmbus_ring_write(&offer->to_guest.end, &p);
}

/* As vmbus_chan_sched() and the channel's tasklet, which is a softirq */
void stand_in_interrupt(struct stand_in_offer *offer)
{
	spin_lock_bh(&offer->lock);
	if (offer->ch.onchannel_callback)
		offer->ch.onchannel_callback(offer->ch.channel_callback_context);
	spin_unlock_bh(&offer->lock);
}

void stand_in_publish(struct stand_in_offer *offer)
{
	if (vmbus_ring_commit_write(&offer->to_guest.end))
		stand_in_interrupt(offer);
}

int stand_in_put(struct stand_in_offer *offer, u16 type, u16 flags, u64 id,
		 const void *payload, u32 payload_len)
{
	int ret = stand_in_write(offer, type, flags, id, NULL, 0, payload, payload_len);

	stand_in_publish(offer);
	return ret;
}

void stand_in_put_raw(struct stand_in_offer *offer, const void *bytes, u32 length)
{
	struct hv_ring_buffer *ring = offer->to_guest.host;
	u32 size = (offer->to_guest.nr_pages - 1) * PAGE_SIZE;
	u32 in = READ_ONCE(ring->write_index);

	memcpy(ring->buffer + in, bytes, length);
	/* What the index covers is there. */
	virt_store_release(&ring->write_index, (in + length) % size);
	stand_in_interrupt(offer);
}

int stand_in_take(struct stand_in_offer *offer, struct vmbus_ring_desc *d, void *header,
		  u32 header_size, void *payload, u32 payload_size)
{
	struct vmbus_ring *ring = &offer->from_guest.end;
	int ret = vmbus_ring_peek(ring, d);

	if (!ret)
		ret = vmbus_ring_copy(ring, d, header, header_size, payload, payload_size);
	if (ret)
		return ret;
	vmbus_ring_advance(ring, d);
	/* The guest waits for room. */
	if (vmbus_ring_commit_read(ring))
		stand_in_interrupt(offer);
	return 0;
}
