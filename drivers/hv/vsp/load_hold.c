// SPDX-License-Identifier: GPL-2.0
/*
 * The load: requests of the peer.
 *
 * A request is held for a time that its number decides; then it is executed,
 * which is to take a digest of what arrived, and completed with that digest
 * and some bytes. What we know of a held request lives in the client context
 * that the library keeps with each received packet, so holding one needs no
 * memory of our own.
 *
 * Around a save: the channel's state is saved before its packets, so that is
 * where work on held requests stops. A request that was held then is saved
 * with the time it has left and executed once, by whoever gets it back.
 *
 * Locking: load_end.lock protects the tree of held requests. A request that
 * left the tree belongs to who took it out.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "load.h"

/* A held request, in the client context of its packet */
struct load_hold {
	struct rb_node node;
	struct vmb_packet_completion *packet;
	struct vmb_mdl *external;
	void *payload;
	u32 length;
	u32 flags;
	u64 seq;
	u64 due;	/* nanoseconds */
};

/* The consumer's part of a saved one; some have none */
struct load_saved_hold {
	__le64 seq;
	__le64 left;
};

#define HOLD_FILLING_MAX	1024U

static atomic_t load_held = ATOMIC_INIT(0);

/**
 * load_hold_count() - how many requests are held, on all channels
 *
 * Return: the number.
 */
u32 load_hold_count(void)
{
	return atomic_read(&load_held);
}

/**
 * load_hold_context_size() - what we need with each received packet
 *
 * Return: bytes.
 */
u32 load_hold_context_size(void)
{
	return sizeof(struct load_hold);
}

static bool load_hold_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct load_hold, node)->due <
	       rb_entry(b, struct load_hold, node)->due;
}

static void load_hold_add(struct load_end *end, struct load_hold *hold)
{
	bool first;

	spin_lock_bh(&end->lock);
	end->nr_held++;
	atomic_inc(&load_held);
	rb_add_cached(&hold->node, &end->held, load_hold_before);
	first = !end->quiet && rb_first_cached(&end->held) == &hold->node;
	spin_unlock_bh(&end->lock);
	if (first)
		load_end_kick(end, 0);
}

/**
 * load_hold_forget() - the library took back all that we held
 * @end: where
 *
 * A commit retires what was saved, a restore that fails takes it back.
 */
void load_hold_forget(struct load_end *end)
{
	spin_lock_bh(&end->lock);
	/* The memory of what is in the tree may be gone: do not look. */
	end->held = RB_ROOT_CACHED;
	atomic_sub(end->nr_held, &load_held);
	end->nr_held = 0;
	spin_unlock_bh(&end->lock);
}

static u64 load_hold_delay(struct load_end *end, u64 seq)
{
	u64 key = load_key(LOAD_KEY_DELAY, end->theirs, end->index, seq);
	u32 range = (end->plan.delay_max - end->plan.delay_min) * 1000 + 1;

	return (u64)end->plan.delay_min * NSEC_PER_MSEC + (u32)(key >> 32) % range * 1000ULL;
}

/* An empty request has no number in it, but they come in order. */
static u64 load_hold_identify(struct load_end *end, const void *payload, u32 length)
{
	u64 seq = end->expected;
	__le64 head;

	if (length >= sizeof(head)) {
		memcpy(&head, payload, sizeof(head));
		return le64_to_cpu(head);
	}
	while (load_payload_len(&end->plan, end->theirs, end->index, seq))
		seq++;
	return seq;
}

static int load_hold_external(struct load_hold *hold)
{
	if (hold->external || !(hold->flags & VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA))
		return 0;
	return vmb_channel_packet_get_external_data(hold->packet,
						    load_external_written(hold->seq) ?
						    0 : VMB_EXTERNAL_DATA_FLAG_READ_ONLY,
						    &hold->external);
}

/**
 * load_hold_process() - process-packet callback
 * @channel: as in &typedef vmb_channel_process_packet_fn
 * @packet: the same
 * @buffer: the same
 * @length: the same
 * @flags: the same
 */
void load_hold_process(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		       void *buffer, u32 length, u32 flags)
{
	struct load_hold *hold = vmb_channel_packet_get_client_context(packet);
	struct load_end *end = vmb_channel_get_pointer(channel);
	struct load_plan *plan = &end->plan;
	int ret;

	if (end->at_batch_start && plan->batch_ms[end->theirs]) {
		if (plan->defer[end->theirs] && !end->deferred) {
			end->deferred = true;
			if (!vmb_channel_packet_defer_to_passive(packet))
				return;
		} else {
			msleep(plan->batch_ms[end->theirs]);
		}
		end->deferred = false;
		end->at_batch_start = false;
	}
	*hold = (struct load_hold) {
		.packet = packet, .payload = buffer, .length = length, .flags = flags,
	};
	hold->seq = load_hold_identify(end, buffer, length);
	ret = load_hold_external(hold);
	if (ret == -EINPROGRESS)
		return;
	if (ret) {
		pr_err_ratelimited("%s: no external data: %d\n",
				   vmb_channel_get_friendly_name(channel), ret);
		vmb_channel_packet_fail(packet);
		return;
	}
	end->expected = max(end->expected, hold->seq + 1);
	hold->due = ktime_get_ns() + load_hold_delay(end, hold->seq);
	load_hold_add(end, hold);
}

/**
 * load_hold_batch_end() - processing-complete callback
 * @channel: as in &typedef vmb_channel_processing_complete_fn
 * @packets: the same
 */
void load_hold_batch_end(struct vmb_channel *channel, u32 packets)
{
	struct load_end *end = vmb_channel_get_pointer(channel);

	end->at_batch_start = true;
}

/* Digest of what arrived; of all of it where the length is not what it should be */
static u32 load_hold_digest(struct load_end *end, struct load_hold *hold)
{
	u32 len = load_payload_len(&end->plan, end->theirs, end->index, hold->seq);
	u32 external = load_external_len(&end->plan, end->theirs, end->index, hold->seq);
	u32 crc = load_crc(0, hold->payload,
			   ALIGN(len, 8) == hold->length ? len : hold->length);

	return hold->external ? load_crc_mdl(crc, hold->external, external) : crc;
}

static void load_hold_answer(struct load_end *end, struct load_hold *hold)
{
	u32 len = load_response_len(&end->plan, end->theirs, end->index, hold->seq);
	u64 key = load_key(LOAD_KEY_RESPONSE, end->theirs, end->index, hold->seq);
	__le32 head[2];
	int ret;

	/* A restored request's external data can be had once the link is there. */
	ret = load_hold_external(hold);
	if (ret)
		pr_err_ratelimited("%s: no external data: %d\n",
				   vmb_channel_get_friendly_name(end->channel), ret);
	head[0] = cpu_to_le32(load_hold_digest(end, hold));
	head[1] = cpu_to_le32(len);
	memcpy(end->answer, head, sizeof(head));
	memcpy(end->answer + sizeof(head), load_bytes(key), len);
	if (hold->external && load_external_written(hold->seq))
		load_write_mdl(hold->external, load_bytes(key),
			       load_external_len(&end->plan, end->theirs, end->index, hold->seq));
	load_log("X %c%02x %llx %08x\n", load_dir_name(end->theirs), end->index, hold->seq,
		 le32_to_cpu(head[0]));
	/* The packet, and with it @hold, is gone after this. */
	ret = vmb_channel_packet_complete(hold->packet, end->answer, sizeof(head) + len);
	if (ret)
		pr_err_ratelimited("%s: completing: %d\n",
				   vmb_channel_get_friendly_name(end->channel), ret);
}

/* A save stopped us, and then the link ended instead of starting again */
static bool load_hold_abandoned(struct load_end *end)
{
	enum vmb_stop_reason reason = vmb_channel_get_stop_reason(end->channel);

	return reason == VMB_STOP_PEER_CLOSED || reason == VMB_STOP_RESCINDED;
}

/**
 * load_hold_run() - answer what is due
 * @end: where
 *
 * Context: the end's work.
 * Return: jiffies until there is more to do; ULONG_MAX: never.
 */
unsigned long load_hold_run(struct load_end *end)
{
	struct rb_node *node;
	u64 now;

	spin_lock_bh(&end->lock);
	if (end->quiet && !end->quitting) {
		if (RB_EMPTY_ROOT(&end->held.rb_root) || !load_hold_abandoned(end)) {
			spin_unlock_bh(&end->lock);
			return HZ / 10;
		}
		end->hurry = true;
	}
	now = ktime_get_ns();
	while ((node = rb_first_cached(&end->held))) {
		struct load_hold *hold = rb_entry(node, struct load_hold, node);

		if (!end->hurry && hold->due > now) {
			now = hold->due - now;
			spin_unlock_bh(&end->lock);
			return nsecs_to_jiffies(now) + 1;
		}
		rb_erase_cached(node, &end->held);
		end->nr_held--;
		atomic_dec(&load_held);
		spin_unlock_bh(&end->lock);
		load_hold_answer(end, hold);
		cond_resched();
		spin_lock_bh(&end->lock);
		now = ktime_get_ns();
	}
	spin_unlock_bh(&end->lock);
	return ULONG_MAX;
}

static u32 load_hold_private_len(u64 key)
{
	return sizeof(struct load_saved_hold) +
	       (u32)(key >> 40) % ((key >> 32) % 16 ? 32 : HOLD_FILLING_MAX);
}

/**
 * load_hold_save() - save callback for received packets
 * @channel: as in &typedef vmb_channel_save_received_fn
 * @packet: the same
 * @buffer: the same
 * @size: the same
 * @bytes_needed: the same
 *
 * Return: the same.
 */
int load_hold_save(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		   void *buffer, u32 size, u32 *bytes_needed)
{
	struct load_hold *hold = vmb_channel_packet_get_client_context(packet);
	struct load_end *end = vmb_channel_get_pointer(channel);
	u64 key = load_key(LOAD_KEY_PRIVATE, end->theirs, end->index, hold->seq);
	u64 now = ktime_get_ns();
	struct load_saved_hold saved = {
		.seq = cpu_to_le64(hold->seq),
		.left = cpu_to_le64(hold->due > now ? hold->due - now : 0),
	};

	/* One in four has to do with what is in the packet itself. */
	if (hold->length && hold->seq % 4 == 0)
		return 0;
	*bytes_needed = load_hold_private_len(key);
	if (size < *bytes_needed)
		return -ENOSPC;
	memcpy(buffer, &saved, sizeof(saved));
	memcpy(buffer + sizeof(saved), load_bytes(key), size - sizeof(saved));
	return 0;
}

/**
 * load_hold_restore() - restore callback for received packets
 * @channel: as in &typedef vmb_channel_restore_received_fn
 * @packet: the same
 * @payload: the same
 * @length: the same
 * @flags: the same
 * @buffer: the same
 * @size: the same
 *
 * Return: the same.
 */
int load_hold_restore(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		      void *payload, u32 length, u32 flags, const void *buffer, u32 size)
{
	struct load_hold *hold = vmb_channel_packet_get_client_context(packet);
	struct load_end *end = vmb_channel_get_pointer(channel);
	struct load_saved_hold saved;
	__le64 head;
	u64 key;

	*hold = (struct load_hold) {
		.packet = packet, .payload = payload, .length = length, .flags = flags,
	};
	if (size) {
		if (size < sizeof(saved))
			return -EBADMSG;
		memcpy(&saved, buffer, sizeof(saved));
		hold->seq = le64_to_cpu(saved.seq);
		hold->due = ktime_get_ns() + min(le64_to_cpu(saved.left), 10 * NSEC_PER_SEC);
		key = load_key(LOAD_KEY_PRIVATE, end->theirs, end->index, hold->seq);
		if (size != load_hold_private_len(key) ||
		    memcmp(buffer + sizeof(saved), load_bytes(key), size - sizeof(saved)))
			return -EBADMSG;
	} else {
		if (length < sizeof(head))
			return -EBADMSG;
		memcpy(&head, payload, sizeof(head));
		hold->seq = le64_to_cpu(head);
		hold->due = ktime_get_ns() + load_hold_delay(end, hold->seq);
	}
	load_hold_add(end, hold);
	return 0;
}
