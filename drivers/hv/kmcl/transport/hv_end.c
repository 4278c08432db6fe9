// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: life of a link's end.
 *
 * The core, probe() and remove(), and the host's rescind only note what they
 * want (under kmcl_hv_lock) and kick the end's work, which alone opens and
 * closes, gives the device back, and tells the core.
 *
 *             probe          open            close          remove
 *   WAITING ---------> BOUND -----> OPEN -----------> CLOSED -----> WAITING
 *
 * hv_vmbus waits for the host's answer to an open without a limit. An end that
 * is detached meanwhile lives on until the answer is there, without its channel:
 * then it closes, and gives the device back. One that is parked does that, too.
 *
 * A hibernation closes the links and opens them again: each is reset.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/mshyperv.h>

#include "hv.h"

DEFINE_SPINLOCK(kmcl_hv_lock);

/* Calls of hv_vmbus, of a rescind or a sub-channel, that are on */
static atomic_t kmcl_hv_callbacks;

/* How long a consumer may take to let go of its link before a hibernation */
#define KMCL_HV_SUSPEND_MS	5000

enum kmcl_hv_step {
	KMCL_HV_STEP_NONE,
	KMCL_HV_STEP_FAIL,
	KMCL_HV_STEP_OPEN,
	KMCL_HV_STEP_TELL_CLOSE,
	KMCL_HV_STEP_CLOSE,
	KMCL_HV_STEP_RELEASE,
	KMCL_HV_STEP_UNREGISTER,
	KMCL_HV_STEP_GONE,
};

static void kmcl_hv_end_free(struct kref *ref)
{
	struct kmcl_hv_end *end = container_of(ref, struct kmcl_hv_end, ref);

	kvfree(end->tx_header);
	kfree(end);
}

void kmcl_hv_end_put(struct kmcl_hv_end *end)
{
	kref_put(&end->ref, kmcl_hv_end_free);
}

static bool kmcl_hv_end_attached(const struct kmcl_hv_end *end)
{
	return rcu_access_pointer(end->channel);
}

/* The core is through with the link, or never had it. */
static bool kmcl_hv_end_settled(const struct kmcl_hv_end *end)
{
	return end->state == KMCL_HV_WAITING || end->state == KMCL_HV_BOUND ||
	       (end->state == KMCL_HV_CLOSED && !end->told_open);
}

/* The link that a device could have must not be, or be no longer. */
static bool kmcl_hv_end_leaving(const struct kmcl_hv_end *end)
{
	return end->rescinded || end->removing || end->lost || !kmcl_hv_end_attached(end);
}

static bool kmcl_hv_end_is_sub(const struct kmcl_hv_end *end)
{
	return end->params.subchannel;
}

/* Would it take a device that is offered now? */
static bool kmcl_hv_end_waits(const struct kmcl_hv_end *end)
{
	lockdep_assert_held(&kmcl_hv_lock);
	return end->state == KMCL_HV_WAITING && !end->rescinded && !end->told_open &&
	       !kmcl_hv_end_is_sub(end) && kmcl_hv_end_attached(end);
}

static enum kmcl_hv_step kmcl_hv_end_next(struct kmcl_hv_end *end)
{
	bool attached = kmcl_hv_end_attached(end);

	lockdep_assert_held(&kmcl_hv_lock);
	if (end->error && attached)
		return KMCL_HV_STEP_FAIL;
	if (end->state == KMCL_HV_OPEN && (end->want_close || !attached)) {
		if (kmcl_hv_end_is_sub(end))
			kmcl_hv_sub_closing(end);
		else
			return kmcl_hv_subs_end(end) ? KMCL_HV_STEP_CLOSE : KMCL_HV_STEP_NONE;
	}
	if (end->state == KMCL_HV_OPEN && !end->told_close &&
	    (kmcl_hv_end_leaving(end) || end->suspended))
		return KMCL_HV_STEP_TELL_CLOSE;
	/* After a reset it comes back, on the same device. */
	if (end->state == KMCL_HV_CLOSED && end->reset && !end->told_open)
		end->state = KMCL_HV_BOUND;
	if (end->state == KMCL_HV_BOUND) {
		if (!kmcl_hv_end_leaving(end))
			return end->suspended ? KMCL_HV_STEP_NONE : KMCL_HV_STEP_OPEN;
		end->reset = false;
		end->state = KMCL_HV_CLOSED;
	}
	if (!kmcl_hv_end_settled(end))
		return KMCL_HV_STEP_NONE;
	if (end->rescinded)
		return KMCL_HV_STEP_UNREGISTER;
	/* A sub-channel has its primary's device, which is not its to give back. */
	if (!attached && end->device && !end->removing && !kmcl_hv_end_is_sub(end))
		return KMCL_HV_STEP_RELEASE;
	if (!attached && !end->device && end->type)
		return KMCL_HV_STEP_GONE;
	return KMCL_HV_STEP_NONE;
}

/* The core's channel, which stays until kmcl_hv_end_told(); or NULL. */
static struct vmb_channel *kmcl_hv_end_tell(struct kmcl_hv_end *end)
{
	mutex_lock(&end->event_mutex);
	return rcu_dereference_protected(end->channel, lockdep_is_held(&end->event_mutex));
}

static void kmcl_hv_end_told(struct kmcl_hv_end *end)
{
	mutex_unlock(&end->event_mutex);
}

static void kmcl_hv_end_tell_open(struct kmcl_hv_end *end, int status)
{
	struct vmb_channel *channel = kmcl_hv_end_tell(end);

	/* A server is not told of an open that failed: it goes on waiting for one. */
	if (channel && (!status || !end->params.server))
		kmcl_channel_event_open(channel, status);
	kmcl_hv_end_told(end);
}

static void kmcl_hv_end_tell_close(struct kmcl_hv_end *end)
{
	struct vmb_channel *channel = kmcl_hv_end_tell(end);

	if (channel)
		kmcl_channel_event_close(channel, end->reset ? VMB_STOP_LINK_RESET :
					 end->rescinded ? VMB_STOP_RESCINDED :
					 VMB_STOP_PEER_CLOSED);
	kmcl_hv_end_told(end);
}

/* Does the offer suit what the consumer said of its packets? */
static int kmcl_hv_end_check_offer(const struct kmcl_hv_end *end)
{
	bool pipe = end->vmbus->offermsg.offer.chn_flags & VMBUS_CHANNEL_NAMED_PIPE_MODE;

	if (end->params.pipe && !pipe) {
		pr_err("%s: not opened: its consumer is for a pipe, and the host offers none\n",
		       dev_name(&end->device->device));
		return -EPROTO;
	}
	/* As the kernel's own drivers do */
	if (pipe && !end->params.pipe)
		pr_info("%s: a pipe, whose headers its consumer sees\n",
			dev_name(&end->device->device));
	return 0;
}

/* An open that fails leaves its callbacks, which a host may still have called. */
static void kmcl_hv_end_unlisten(struct vmbus_channel *vmbus)
{
	unsigned long flags;

	tasklet_disable(&vmbus->callback_event);
	spin_lock_irqsave(&vmbus->sched_lock, flags);
	vmbus->onchannel_callback = NULL;
	spin_unlock_irqrestore(&vmbus->sched_lock, flags);
	vmbus->sc_creation_callback = NULL;
	tasklet_enable(&vmbus->callback_event);
}

static int kmcl_hv_end_open_channel(struct kmcl_hv_end *end)
{
	struct vmbus_channel *vmbus = end->vmbus;
	u32 out = (end->params.ring_out_pages + 1) * PAGE_SIZE;
	u32 in = (end->params.ring_in_pages + 1) * PAGE_SIZE;
	int ret = kmcl_hv_end_check_offer(end);

	if (ret)
		return ret;
	/* Whoever had the device before us may have left others. */
	set_channel_read_mode(vmbus, HV_CALL_DIRECT);
	vmbus->next_request_id_callback = NULL;
	vmbus->request_addr_callback = NULL;
	vmbus->rqstor_size = 0;
	/* Freed at that driver's close, and freed again at ours if still there. */
	vmbus->requestor.req_arr = NULL;
	vmbus->requestor.req_bitmap = NULL;
	vmbus->max_pkt_size = min_t(u32, end->params.max_wire_size,
				    end->params.ring_in_pages * PAGE_SIZE);
	if (!kmcl_hv_end_is_sub(end))
		kmcl_hv_sub_listen(vmbus);
	ret = kmcl_hv_host->open(vmbus, out, in, kmcl_hv_interrupt, end);
	if (ret) {
		pr_err("%s: the host refused the open: error %d\n",
		       dev_name(&end->device->device), ret);
		kmcl_hv_end_unlisten(vmbus);
	}
	return ret;
}

/*
 * By the work; for a sub-channel by the callback that tells of it, which then says
 * what became of it: until that, the work and the primary's leave it alone.
 */
int kmcl_hv_end_open(struct kmcl_hv_end *end)
{
	int ret = kmcl_hv_end_open_channel(end);

	if (!ret)
		kmcl_hv_data_start(end);
	spin_lock(&kmcl_hv_lock);
	if (!kmcl_hv_end_is_sub(end))
		end->state = ret ? KMCL_HV_CLOSED : KMCL_HV_OPEN;
	end->told_open = !ret && kmcl_hv_end_attached(end);
	end->told_close = false;
	wake_up_all(&end->wait);
	spin_unlock(&kmcl_hv_lock);
	/* Rescinded before it was open: there may be another offer. */
	if (ret != -ENODEV)
		kmcl_hv_end_tell_open(end, ret);
	return ret;
}

static void kmcl_hv_end_step(struct kmcl_hv_end *end, enum kmcl_hv_step step,
			     struct hv_device *device)
{
	switch (step) {
	case KMCL_HV_STEP_FAIL:
		kmcl_hv_end_tell_open(end, end->error);
		end->error = 0;
		break;
	case KMCL_HV_STEP_OPEN:
		kmcl_hv_end_open(end);
		break;
	case KMCL_HV_STEP_TELL_CLOSE:
		kmcl_hv_end_tell_close(end);
		break;
	case KMCL_HV_STEP_CLOSE:
		mutex_lock(&end->host_mutex);
		kmcl_hv_host->close(end->vmbus);
		mutex_unlock(&end->host_mutex);
		if (!kmcl_hv_end_attached(end))
			kmcl_hv_memory_end(end);
		break;
	case KMCL_HV_STEP_RELEASE:
		kmcl_hv_host->release(device);
		put_device(&device->device);
		break;
	case KMCL_HV_STEP_UNREGISTER:
		kmcl_hv_host->unregister(device);
		put_device(&device->device);
		break;
	default:
		break;
	}
}

/*
 * What changes with a step before it is taken, and after. Returns the device that
 * the step gives back, with a reference: once the lock is let go of, the end may
 * have none.
 */
static struct hv_device *kmcl_hv_end_before(struct kmcl_hv_end *end, enum kmcl_hv_step step)
{
	struct hv_device *device = NULL;

	lockdep_assert_held(&kmcl_hv_lock);
	switch (step) {
	case KMCL_HV_STEP_OPEN:
		end->state = KMCL_HV_OPENING;
		end->want_close = false;
		end->reset = false;
		break;
	case KMCL_HV_STEP_TELL_CLOSE:
		end->told_close = true;
		end->reset = !kmcl_hv_end_leaving(end);
		break;
	case KMCL_HV_STEP_CLOSE:
		end->state = KMCL_HV_CLOSING;
		break;
	case KMCL_HV_STEP_RELEASE:
		device = end->device;
		get_device(&device->device);
		break;
	case KMCL_HV_STEP_UNREGISTER:
		device = end->rescinded;
		end->rescinded = NULL;
		break;
	case KMCL_HV_STEP_GONE:
		kmcl_hv_type_leave(end);
		break;
	default:
		break;
	}
	return device;
}

static void kmcl_hv_end_work(struct work_struct *work)
{
	struct kmcl_hv_end *end = container_of(work, struct kmcl_hv_end, work);
	struct hv_device *device;
	enum kmcl_hv_step step;

	spin_lock(&kmcl_hv_lock);
	end->actor = current;
	while ((step = kmcl_hv_end_next(end)) != KMCL_HV_STEP_NONE) {
		device = kmcl_hv_end_before(end, step);
		spin_unlock(&kmcl_hv_lock);
		kmcl_hv_end_step(end, step, device);
		spin_lock(&kmcl_hv_lock);
		if (step == KMCL_HV_STEP_CLOSE) {
			end->state = KMCL_HV_CLOSED;
			kmcl_hv_subs_drop(end);
		}
		wake_up_all(&end->wait);
	}
	/* One that was offered while the last link ended was refused. */
	if (kmcl_hv_end_waits(end))
		kmcl_hv_type_look(end->type);
	end->actor = NULL;
	wake_up_all(&end->wait);
	spin_unlock(&kmcl_hv_lock);
	kmcl_hv_end_put(end);
}

static bool kmcl_hv_end_is(struct kmcl_hv_end *end, bool (*what)(const struct kmcl_hv_end *end))
{
	bool ret;

	spin_lock(&kmcl_hv_lock);
	ret = what(end);
	spin_unlock(&kmcl_hv_lock);
	return ret;
}

static bool kmcl_hv_end_shut(const struct kmcl_hv_end *end)
{
	return end->state == KMCL_HV_WAITING || end->state == KMCL_HV_CLOSED ||
	       (kmcl_hv_end_is_sub(end) && end->state == KMCL_HV_CLOSING && !end->lent);
}

/* The device is given back, or will be once the host has answered. */
static bool kmcl_hv_end_released(const struct kmcl_hv_end *end)
{
	return (!end->device && !end->rescinded) || end->state == KMCL_HV_OPENING ||
	       (kmcl_hv_end_is_sub(end) && end->state == KMCL_HV_CLOSING);
}

/* ---- what hv_vmbus says ---- */

void kmcl_hv_callback_begin(void)
{
	atomic_inc(&kmcl_hv_callbacks);
}

void kmcl_hv_callback_end(void)
{
	if (atomic_dec_and_test(&kmcl_hv_callbacks))
		wake_up_var(&kmcl_hv_callbacks);
}

/* The host takes its offer back. It is for us to unregister the device. */
static void kmcl_hv_rescind(struct vmbus_channel *vmbus)
{
	struct hv_device *device = vmbus->device_obj;
	struct kmcl_hv_end *end;

	kmcl_hv_callback_begin();
	spin_lock(&kmcl_hv_lock);
	/* Its driver's data may be the next driver's already. */
	end = kmcl_hv_type_end_of(device);
	if (end) {
		get_device(&device->device);
		end->rescinded = device;
		kmcl_hv_end_kick(end);
	}
	spin_unlock(&kmcl_hv_lock);
	/* Removed at this very moment */
	if (!end)
		kmcl_hv_host->unregister(device);
	kmcl_hv_callback_end();
}

/* At the end of the module: no device is ours, but hv_vmbus may be calling us. */
void kmcl_hv_end_exit(void)
{
	/* It has read the callback, and is about to make the call. */
	synchronize_rcu_tasks();
	wait_var_event(&kmcl_hv_callbacks, !atomic_read(&kmcl_hv_callbacks));
	/* And who was the last is still on its way out. */
	synchronize_rcu_tasks();
}

static bool kmcl_hv_end_wants(const struct kmcl_hv_end *end, const guid_t *instance, bool any)
{
	if (!kmcl_hv_end_waits(end))
		return false;
	return any ? guid_is_null(&end->params.instance) :
		     guid_equal(&end->params.instance, instance);
}

static struct kmcl_hv_end *kmcl_hv_end_for(struct kmcl_hv_type *type, const guid_t *instance)
{
	struct kmcl_hv_end *end;

	list_for_each_entry(end, &type->ends, node)
		if (kmcl_hv_end_wants(end, instance, false))
			return end;
	list_for_each_entry(end, &type->ends, node)
		if (kmcl_hv_end_wants(end, instance, true))
			return end;
	return NULL;
}

/* A device of this type is free: -ENODEV where nobody waits for it. */
int kmcl_hv_end_bind(struct kmcl_hv_type *type, struct hv_device *device)
{
	struct kmcl_hv_end *end;

	/* Taken back already: who has it last is to unregister it. */
	if (READ_ONCE(device->channel->rescind))
		return -ENODEV;
	spin_lock(&kmcl_hv_lock);
	end = kmcl_hv_end_for(type, &device->dev_instance);
	if (end) {
		kref_get(&end->ref);
		get_device(&device->device);
		end->device = device;
		end->vmbus = device->channel;
		end->state = KMCL_HV_BOUND;
		hv_set_drvdata(device, end);
		vmbus_set_chn_rescind_callback(device->channel, kmcl_hv_rescind);
		kmcl_hv_end_kick(end);
	}
	spin_unlock(&kmcl_hv_lock);
	return end ? 0 : -ENODEV;
}

/* Its channel is somebody else's from here on, or no more. */
void kmcl_hv_end_let_go(struct kmcl_hv_end *end)
{
	struct hv_device *device = end->device;

	lockdep_assert_held(&kmcl_hv_lock);
	end->vmbus = NULL;
	end->device = NULL;
	end->state = KMCL_HV_WAITING;
	end->removing = false;
	end->suspended = false;
	end->lost = false;
	end->reset = false;
	wake_up_all(&end->wait);
	kmcl_hv_end_kick(end);
	/* Neither is the last: whoever calls has the device, the work has the end. */
	put_device(&device->device);
	kmcl_hv_end_put(end);
}

/* The device goes, or its next driver wants it: the link has to end first. */
void kmcl_hv_end_unbind(struct hv_device *device)
{
	struct kmcl_hv_end *end = hv_get_drvdata(device);

	/* Not the work's own doing: before the consumer hears of it. */
	if (READ_ONCE(end->actor) != current)
		kmcl_hv_aside_add(device);
	spin_lock(&kmcl_hv_lock);
	end->removing = true;
	if (end->actor != current) {
		kmcl_hv_end_kick(end);
		spin_unlock(&kmcl_hv_lock);
		wait_event(end->wait, kmcl_hv_end_is(end, kmcl_hv_end_settled));
		spin_lock(&kmcl_hv_lock);
	}
	/* What the next driver does not set is as it was at first. */
	set_channel_read_mode(end->vmbus, HV_CALL_BATCHED);
	end->vmbus->max_pkt_size = 0;
	vmbus_set_chn_rescind_callback(end->vmbus, NULL);
	hv_set_drvdata(device, NULL);
	kmcl_hv_end_let_go(end);
	spin_unlock(&kmcl_hv_lock);
}

/* The machine hibernates: the link has to be closed, and opened anew afterwards. */
int kmcl_hv_end_suspend(struct hv_device *device)
{
	struct kmcl_hv_end *end = hv_get_drvdata(device);

	spin_lock(&kmcl_hv_lock);
	end->suspended = true;
	kmcl_hv_end_kick(end);
	spin_unlock(&kmcl_hv_lock);
	if (wait_event_timeout(end->wait, kmcl_hv_end_is(end, kmcl_hv_end_settled),
			       msecs_to_jiffies(KMCL_HV_SUSPEND_MS)))
		return 0;
	pr_err("%s: no hibernation: the consumer, or the host, did not let go of the channel in %u ms\n",
	       dev_name(&device->device), KMCL_HV_SUSPEND_MS);
	kmcl_hv_end_resume(device);
	return -EBUSY;
}

int kmcl_hv_end_resume(struct hv_device *device)
{
	struct kmcl_hv_end *end = hv_get_drvdata(device);

	spin_lock(&kmcl_hv_lock);
	end->suspended = false;
	kmcl_hv_end_kick(end);
	spin_unlock(&kmcl_hv_lock);
	return 0;
}

/* ---- what the core says ---- */

static int kmcl_hv_end_check_params(const struct kmcl_link_params *params)
{
	u32 pages = params->ring_in_pages + params->ring_out_pages + 2;

	if (params->server_flags & ~VMB_SERVER_FLAG_FORCE_NEW_CHANNEL || params->mmio_megabytes ||
	    params->mmio_megabytes_optional || params->target_vtl ||
	    memchr_inv(params->offer_data, 0, sizeof(params->offer_data))) {
		pr_err("bus hv cannot offer channels, the host does: a server here is the guest's end of a channel that the host offers, and sets type, instance and nothing else of an offer\n");
		return -EOPNOTSUPP;
	}
	if (params->max_header && hv_is_isolation_supported()) {
		pr_err("no external data in a confidential VM, where the host cannot see the memory\n");
		return -EOPNOTSUPP;
	}
	if ((u64)pages * (PAGE_SIZE / HV_HYP_PAGE_SIZE) > KMCL_HV_GPADL_MAX_PAGES) {
		pr_err("rings of %u pages: more than the message of their GPADL has room for\n",
		       pages - 2);
		return -EINVAL;
	}
	if (pages > 1U << MAX_PAGE_ORDER) {
		pr_err("rings of %u pages: hv_vmbus allocates both in one piece of at most %lu pages, with one more page each\n",
		       pages - 2, 1UL << MAX_PAGE_ORDER);
		return -EINVAL;
	}
	return 0;
}

/**
 * kmcl_hv_attach() - &struct kmcl_transport_ops.attach
 * @bus: the only one
 * @channel: the core's
 * @params: how
 * @link: set to the end
 * @state: set to %VMB_LINK_RESET where a link was to be adopted: none is kept
 *
 * Return: 0; -EOPNOTSUPP for what only a host can do, and for external data in a
 * confidential VM; -EINVAL for rings that are too large; -ENOMEM.
 */
int kmcl_hv_attach(struct vmb_bus *bus, struct vmb_channel *channel,
		   const struct kmcl_link_params *params, void **link,
		   enum vmb_link_state *state)
{
	struct kmcl_hv_end *end;
	int ret = kmcl_hv_end_check_params(params);

	if (ret)
		return ret;
	end = kzalloc(sizeof(*end), GFP_KERNEL);
	if (!end)
		return -ENOMEM;
	kref_init(&end->ref);
	mutex_init(&end->event_mutex);
	mutex_init(&end->host_mutex);
	mutex_init(&end->memory_mutex);
	INIT_LIST_HEAD(&end->gpadls);
	INIT_WORK(&end->work, kmcl_hv_end_work);
	INIT_DELAYED_WORK(&end->room_work, kmcl_hv_room_work);
	init_waitqueue_head(&end->wait);
	end->params = *params;
	RCU_INIT_POINTER(end->channel, channel);
	if (params->max_header) {
		end->tx_header = kvmalloc(KMCL_HV_DESCRIPTOR_SIZE + params->max_header, GFP_KERNEL);
		ret = end->tx_header ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = kmcl_hv_type_join(end);
	if (ret) {
		kmcl_hv_end_put(end);
		return ret;
	}
	*link = end;
	*state = params->adopt ? VMB_LINK_RESET : VMB_LINK_NEW;
	return 0;
}

/* From here on the core hears nothing; the work closes what is open. */
static void kmcl_hv_end_part(struct kmcl_hv_end *end)
{
	mutex_lock(&end->event_mutex);
	RCU_INIT_POINTER(end->channel, NULL);
	mutex_unlock(&end->event_mutex);
	/* Interrupts that have read it */
	synchronize_rcu_expedited();
	if (cancel_delayed_work_sync(&end->room_work))
		kmcl_hv_end_put(end);
	spin_lock(&kmcl_hv_lock);
	end->told_open = false;
	kmcl_hv_end_kick(end);
	spin_unlock(&kmcl_hv_lock);
}

/**
 * kmcl_hv_detach() - &struct kmcl_transport_ops.detach
 * @link: the end
 *
 * The device is free when it returns, but for one whose open the host has not
 * answered.
 */
void kmcl_hv_detach(void *link)
{
	struct kmcl_hv_end *end = link;

	kmcl_hv_end_part(end);
	wait_event(end->wait, kmcl_hv_end_is(end, kmcl_hv_end_released));
	kmcl_hv_end_put(end);
}

/**
 * kmcl_hv_park() - &struct kmcl_transport_ops.park
 * @link: the end
 *
 * No link is kept here: it is closed, for which nobody waits but the next end of
 * this instance; and whoever published memory, which the host has until then.
 */
void kmcl_hv_park(void *link)
{
	struct kmcl_hv_end *end = link;
	bool published = kmcl_hv_memory_published(end);

	kmcl_hv_end_part(end);
	if (published)
		wait_event(end->wait, kmcl_hv_end_is(end, kmcl_hv_end_shut));
	kmcl_hv_end_put(end);
}

static bool kmcl_hv_end_lends(struct kmcl_hv_end *end)
{
	struct vmb_channel *channel = kmcl_hv_end_tell(end);
	bool ret = channel && kmcl_channel_lends(channel);

	kmcl_hv_end_told(end);
	return ret;
}

/*
 * Close, and wait until the host is done with the link's memory. For a sub-channel
 * that is its primary's close: nobody waits for it where nothing is lent.
 */
static void kmcl_hv_end_close(struct kmcl_hv_end *end)
{
	bool lent = kmcl_hv_end_lends(end);

	spin_lock(&kmcl_hv_lock);
	end->lent = lent;
	end->want_close = true;
	kmcl_hv_end_kick(end);
	spin_unlock(&kmcl_hv_lock);
	wait_event(end->wait, kmcl_hv_end_is(end, kmcl_hv_end_shut));
}

/* The core is through with this link. */
static void kmcl_hv_end_settle(struct kmcl_hv_end *end)
{
	kmcl_hv_memory_end(end);
	spin_lock(&kmcl_hv_lock);
	end->told_open = false;
	kmcl_hv_end_kick(end);
	wake_up_all(&end->wait);
	spin_unlock(&kmcl_hv_lock);
}

/**
 * kmcl_hv_open_done() - &struct kmcl_transport_ops.open_done
 * @link: the end
 * @status: 0 or an error
 */
void kmcl_hv_open_done(void *link, int status)
{
	struct kmcl_hv_end *end = link;
	bool told_close;

	if (!status)
		return;
	kmcl_hv_end_close(end);
	spin_lock(&kmcl_hv_lock);
	told_close = end->told_close;
	spin_unlock(&kmcl_hv_lock);
	/* Else the core closes, too, and a next link must not come before that. */
	if (!told_close)
		kmcl_hv_end_settle(end);
}

/**
 * kmcl_hv_close() - &struct kmcl_transport_ops.close
 * @link: the end
 *
 * Waits for the host, which tears down the rings' GPADL.
 */
void kmcl_hv_close(void *link)
{
	kmcl_hv_end_close(link);
}

/**
 * kmcl_hv_closed() - &struct kmcl_transport_ops.closed
 * @link: the end
 */
void kmcl_hv_closed(void *link)
{
	kmcl_hv_end_settle(link);
}

/**
 * kmcl_hv_get_instance() - &struct kmcl_transport_ops.get_instance
 * @link: the end
 * @instance: set
 */
void kmcl_hv_get_instance(void *link, guid_t *instance)
{
	struct kmcl_hv_end *end = link;

	spin_lock(&kmcl_hv_lock);
	guid_copy(instance, end->device ? &end->device->dev_instance : &end->params.instance);
	spin_unlock(&kmcl_hv_lock);
}
