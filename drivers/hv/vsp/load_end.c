// SPDX-License-Identifier: GPL-2.0
/*
 * The load: the life of one end of a channel, and of the module that holds
 * what both ends share.
 */

#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "load.h"

#define STATE_FILLING_MAX	4096U
#define DRAIN_MS		20000U	/* a slow reader on a slow machine */

/* {5b1f8a5e-9d0c-4c5b-8a43-6c0f0e1d7a21}: our own */
const guid_t load_interface_type =
	GUID_INIT(0x5b1f8a5e, 0x9d0c, 0x4c5b, 0x8a, 0x43, 0x6c, 0x0f, 0x0e, 0x1d, 0x7a, 0x21);
EXPORT_SYMBOL_NS_GPL(load_interface_type, KMCL_NS);

/* What an end knows beyond packets, saved; followed by filling */
struct load_saved_state {
	__le64 next_seq;
	__le64 expected;
	u8 deferred;
	u8 reserved[7];
};

static uint channels = 12;
module_param(channels, uint, 0444);
MODULE_PARM_DESC(channels, "how many channels");

static unsigned long long seed = 1;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "decides what is in all packets; the same in the kernel that a live update goes to (0: a random one, which that does not know)");

static struct workqueue_struct *load_wq;

/**
 * load_channels() - how many channels there are to be
 *
 * Return: the number.
 */
u32 load_channels(void)
{
	return clamp(channels, 1U, LOAD_MAX_CHANNELS);
}
EXPORT_SYMBOL_NS_GPL(load_channels, KMCL_NS);

/**
 * load_interface_instance() - the instance of a channel
 * @index: which
 * @instance: filled in
 */
void load_interface_instance(u32 index, guid_t *instance)
{
	*instance = load_interface_type;
	instance->b[0] = index;
	instance->b[1] = 0xcc;
}
EXPORT_SYMBOL_NS_GPL(load_interface_instance, KMCL_NS);

/**
 * load_end_kick() - have the end's work run
 * @end: which
 * @delay: in at most so many jiffies
 *
 * Context: any but hard interrupts.
 */
void load_end_kick(struct load_end *end, unsigned long delay)
{
	mod_delayed_work(load_wq, &end->work, delay);
}

static void load_end_work(struct work_struct *work)
{
	struct load_end *end = container_of(to_delayed_work(work), struct load_end, work);
	unsigned long next = load_hold_run(end);

	load_issue_fill(end);
	/* Does nothing where somebody asked for an earlier run meanwhile. */
	if (next != ULONG_MAX)
		queue_delayed_work(load_wq, &end->work, next);
}

static int load_opened(struct vmb_channel *channel)
{
	struct load_end *end = vmb_channel_get_pointer(channel);

	/* What was handed back to us is still ours only if the link is the old one. */
	if (vmb_channel_get_link_state(channel) != VMB_LINK_KEPT) {
		load_hold_forget(end);
		end->expected = 0;
		end->deferred = false;
	}
	return 0;
}

static void load_started(struct vmb_channel *channel)
{
	struct load_end *end = vmb_channel_get_pointer(channel);

	spin_lock_bh(&end->lock);
	WRITE_ONCE(end->running, true);
	end->hurry = false;
	end->quiet = false;
	spin_unlock_bh(&end->lock);
	load_end_kick(end, 0);
}

static void load_suspend(struct vmb_channel *channel)
{
	struct load_end *end = vmb_channel_get_pointer(channel);

	load_issue_stop(end);
	spin_lock_bh(&end->lock);
	/*
	 * What is held will be saved, or else finished. Whichever it is to be,
	 * one who can save just goes on: each request is finished in its time,
	 * if load_save_state() does not come first. Where the link ends nobody
	 * waits for that.
	 */
	end->hurry = !end->plan.keeps ||
		     vmb_channel_get_stop_reason(channel) != VMB_STOP_NONE;
	spin_unlock_bh(&end->lock);
	load_end_kick(end, 0);
}

/* Nothing is held any more, or what is was handed over: it is not ours now. */
static void load_closed(struct vmb_channel *channel)
{
	load_hold_forget(vmb_channel_get_pointer(channel));
}

static u32 load_state_len(struct load_end *end, u64 next_seq)
{
	u64 key = load_key(LOAD_KEY_STATE, end->mine, end->index, next_seq);

	return sizeof(struct load_saved_state) + (u32)(key >> 32) % STATE_FILLING_MAX;
}

static int load_save_state(struct vmb_channel *channel, void *buffer, u32 size,
			   u32 *bytes_needed)
{
	struct load_end *end = vmb_channel_get_pointer(channel);
	struct load_saved_state saved = {};

	/* From here on nothing is answered, until the channel starts again. */
	spin_lock_bh(&end->lock);
	end->quiet = true;
	saved.next_seq = cpu_to_le64(end->next_seq);
	saved.expected = cpu_to_le64(end->expected);
	saved.deferred = end->deferred;
	*bytes_needed = load_state_len(end, end->next_seq);
	spin_unlock_bh(&end->lock);
	flush_delayed_work(&end->work);

	if (size < *bytes_needed)
		return -ENOSPC;
	memcpy(buffer, &saved, sizeof(saved));
	memcpy(buffer + sizeof(saved),
	       load_bytes(load_key(LOAD_KEY_STATE, end->mine, end->index,
				   le64_to_cpu(saved.next_seq))),
	       size - sizeof(saved));
	return 0;
}

static int load_restore_state(struct vmb_channel *channel, const void *buffer, u32 size)
{
	struct load_end *end = vmb_channel_get_pointer(channel);
	struct load_saved_state saved;
	u64 next_seq;

	if (size < sizeof(saved))
		return -EBADMSG;
	memcpy(&saved, buffer, sizeof(saved));
	next_seq = le64_to_cpu(saved.next_seq);
	if (size != load_state_len(end, next_seq) ||
	    memcmp(buffer + sizeof(saved),
		   load_bytes(load_key(LOAD_KEY_STATE, end->mine, end->index, next_seq)),
		   size - sizeof(saved)))
		return -EBADMSG;
	spin_lock_bh(&end->lock);
	end->quiet = true;
	end->next_seq = next_seq;
	end->expected = le64_to_cpu(saved.expected);
	end->deferred = saved.deferred;
	spin_unlock_bh(&end->lock);
	load_issue_credit(next_seq);
	return 0;
}

static int load_end_configure(struct load_end *end)
{
	struct vmb_channel_state_change_callbacks callbacks;
	struct vmb_channel *channel = end->channel;
	struct load_plan *plan = &end->plan;
	u32 packet_size = max(plan->payload_max, plan->resp_max + LOAD_RESPONSE_HEAD);
	char name[16];
	int ret;

	vmb_channel_state_change_callbacks_init(&callbacks);
	callbacks.opened = load_opened;
	callbacks.closed = load_closed;
	callbacks.started = load_started;
	callbacks.suspend = load_suspend;
	scnprintf(name, sizeof(name), "load %u", end->index);
	vmb_channel_set_pointer(channel, end);
	ret = vmb_channel_init_set_friendly_name(channel, name) ?:
	      vmb_channel_init_set_state_change_callbacks(channel, &callbacks) ?:
	      vmb_channel_init_set_process_packet_callbacks(channel, load_hold_process,
							    load_hold_batch_end) ?:
	      vmb_channel_init_set_client_context_size(channel, load_hold_context_size()) ?:
	      vmb_channel_init_set_maximum_packet_size(channel, ALIGN(packet_size, 8)) ?:
	      vmb_channel_init_set_save_restore_packet_callbacks(channel, load_issue_save,
								 load_issue_restore) ?:
	      vmb_channel_init_set_save_restore_state_callbacks(channel, load_save_state,
								load_restore_state) ?:
	      vmb_channel_init_set_drain_deadline(channel, DRAIN_MS) ?:
	      vmb_channel_set_transaction_quota(channel, plan->quota[end->theirs]) ?:
	      vmb_channel_set_incoming_processing_at_passive(channel,
							     plan->passive[end->theirs]);
	if (!ret && plan->ext_max)
		ret = vmb_channel_init_set_maximum_external_data(channel, plan->ext_max, 1);
	if (!ret && plan->keeps)
		ret = vmb_channel_init_set_save_restore_received_callbacks(channel, load_hold_save,
									   load_hold_restore);
	return ret;
}

/**
 * load_end_create() - make one end of a channel
 * @index: of the channel
 * @mine: the end, and so the direction of its own requests
 *
 * Return: the end, Disabled, or an ERR_PTR().
 */
struct load_end *load_end_create(u32 index, enum load_dir mine)
{
	struct load_end *end;
	int ret = -ENOMEM;

	end = kzalloc(sizeof(*end), GFP_KERNEL);
	if (!end)
		return ERR_PTR(-ENOMEM);
	end->index = index;
	end->mine = mine;
	end->theirs = mine == LOAD_CLIENT ? LOAD_SERVER : LOAD_CLIENT;
	end->held = RB_ROOT_CACHED;
	end->at_batch_start = true;
	spin_lock_init(&end->lock);
	INIT_DELAYED_WORK(&end->work, load_end_work);
	load_plan_get(index, &end->plan);
	end->scratch = kmalloc(ALIGN(end->plan.payload_max, 8), GFP_KERNEL);
	end->answer = kmalloc(ALIGN(end->plan.resp_max + LOAD_RESPONSE_HEAD, 8), GFP_KERNEL);
	if (!end->scratch || !end->answer)
		goto free;
	ret = vmb_channel_allocate(NULL, mine == LOAD_SERVER, &end->channel);
	if (ret)
		goto free;
	ret = load_end_configure(end);
	if (ret)
		goto cleanup;
	load_log("P %c%02x %x %x %x %x\n", load_dir_name(mine), index, end->plan.payload_max,
		 mine == LOAD_CLIENT ? end->plan.ext_max : 0, end->plan.resp_min,
		 end->plan.resp_max);
	return end;

cleanup:
	vmb_channel_cleanup(end->channel);
free:
	kfree(end->answer);
	kfree(end->scratch);
	kfree(end);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_NS_GPL(load_end_create, KMCL_NS);

/**
 * load_end_enable() - let an end do its work
 * @end: which
 *
 * Return: 0 or an error.
 */
int load_end_enable(struct load_end *end)
{
	int ret = vmb_channel_enable(end->channel);

	/* A server's channel is paused to begin with. */
	if (!ret && end->mine == LOAD_SERVER)
		ret = vmb_channel_start(end->channel);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(load_end_enable, KMCL_NS);

static void load_end_quit(struct load_end *end)
{
	load_issue_stop(end);
	spin_lock_bh(&end->lock);
	end->quitting = true;
	end->hurry = true;
	spin_unlock_bh(&end->lock);
	load_end_kick(end, 0);
}

static void load_end_destroy(struct load_end *end)
{
	vmb_channel_disable(end->channel);
	cancel_delayed_work_sync(&end->work);
	load_issue_credit(-(s64)end->next_seq);
	vmb_channel_cleanup(end->channel);
	kfree(end->answer);
	kfree(end->scratch);
	kfree(end);
}

/**
 * load_ends_destroy() - take ends down, in whatever state they are
 * @ends: which; NULLs among them
 * @count: how many
 */
void load_ends_destroy(struct load_end **ends, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (ends[i])
			load_end_quit(ends[i]);
	for (i = 0; i < count; i++)
		if (ends[i])
			load_end_destroy(ends[i]);
}
EXPORT_SYMBOL_NS_GPL(load_ends_destroy, KMCL_NS);

static int __init load_init(void)
{
	int ret;

	if (!seed)
		get_random_bytes(&seed, sizeof(seed));
	load_wq = alloc_workqueue("kmcl_load", WQ_UNBOUND, 0);
	if (!load_wq)
		return -ENOMEM;
	ret = load_payload_init(seed);
	if (ret)
		goto free_wq;
	ret = load_ledger_init();
	if (ret)
		goto free_payload;
	load_log("V 1 %llx\n", seed);
	return 0;

free_payload:
	load_payload_exit();
free_wq:
	destroy_workqueue(load_wq);
	return ret;
}
module_init(load_init);

static void __exit load_exit(void)
{
	load_ledger_exit();
	load_payload_exit();
	destroy_workqueue(load_wq);
}
module_exit(load_exit);

MODULE_DESCRIPTION("KMCL load: what vsp_echo and vsc_load share");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
