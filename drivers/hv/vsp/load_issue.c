// SPDX-License-Identifier: GPL-2.0
/*
 * The load: requests of our own.
 *
 * As many as the plan says are kept in flight: the routine of one that ends
 * issues the next. Each carries a struct load_request by its packet's pointer;
 * a save writes that out, with some filling of a length that varies, and a
 * restore makes it anew.
 *
 * Numbers go out in order, so one at a time issues (LOAD_FILLING). That is no
 * lock, as a send may call the routines of packets that ended meanwhile, and
 * those would take it again; who finds another one at it leaves it a note
 * (LOAD_FILL_AGAIN).
 */

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "load.h"

#define EXTERNAL_PAGES	(LOAD_MAX_EXTERNAL / PAGE_SIZE)
#define FILLING_MAX	3072U

struct load_request {
	struct load_end *end;
	u64 seq;
	struct vmb_mdl mdl;
	struct bio_vec bvecs[];
};

/* The consumer's part of a saved packet, followed by filling */
struct load_saved_request {
	__le64 seq;
	__le32 filling;
	__le32 reserved;
};

static bool stop;
module_param(stop, bool, 0644);
MODULE_PARM_DESC(stop, "issue no more requests");

static ulong total;
module_param(total, ulong, 0644);
MODULE_PARM_DESC(total, "issue no more than this many requests in all (0: no limit)");

static struct {
	spinlock_t lock;	/* all of it */
	u64 issued;	/* those before a restore included */
	u64 ended;	/* since this module was loaded */
	u64 waiting;
} load_totals = {
	.lock = __SPIN_LOCK_UNLOCKED(load_totals.lock),
};

static bool load_issue_claim(void)
{
	bool ok;

	spin_lock_bh(&load_totals.lock);
	ok = !READ_ONCE(stop) && (!total || load_totals.issued < total);
	if (ok) {
		load_totals.issued++;
		load_totals.waiting++;
	}
	spin_unlock_bh(&load_totals.lock);
	return ok;
}

static void load_issue_unclaim(void)
{
	spin_lock_bh(&load_totals.lock);
	load_totals.issued--;
	load_totals.waiting--;
	spin_unlock_bh(&load_totals.lock);
}

/**
 * load_issue_credit() - count requests that were issued before a restore
 * @count: how many; negative: they are no longer ours to count
 */
void load_issue_credit(s64 count)
{
	spin_lock_bh(&load_totals.lock);
	load_totals.issued += count;
	spin_unlock_bh(&load_totals.lock);
}

/* External data: pages of its own, filled by the request's number */
static void load_external_free(struct load_request *req)
{
	while (req->mdl.nr_bvecs)
		__free_page(req->bvecs[--req->mdl.nr_bvecs].bv_page);
}

static int load_external_make(struct load_request *req, u32 len, gfp_t gfp)
{
	struct load_end *end = req->end;
	const u8 *bytes = load_bytes(load_key(LOAD_KEY_EXTERNAL, end->mine, end->index, req->seq));
	u32 done, part;

	req->mdl.bvec = req->bvecs;
	req->mdl.length = len;
	for (done = 0; done < len; done += part) {
		struct page *page = alloc_page(gfp);

		if (!page) {
			load_external_free(req);
			return -ENOMEM;
		}
		part = min_t(u32, len - done, PAGE_SIZE);
		memcpy(page_address(page), bytes + done, part);
		bvec_set_page(&req->bvecs[req->mdl.nr_bvecs++], page, part, 0);
	}
	return 0;
}

static struct load_request *load_request_make(struct load_end *end, u64 seq, gfp_t gfp)
{
	u32 len = load_external_len(&end->plan, end->mine, end->index, seq);
	struct load_request *req;

	req = kzalloc(struct_size(req, bvecs, DIV_ROUND_UP(len, PAGE_SIZE)), gfp);
	if (!req)
		return NULL;
	req->end = end;
	req->seq = seq;
	if (load_external_make(req, len, gfp)) {
		kfree(req);
		return NULL;
	}
	return req;
}

static void load_request_free(struct load_request *req)
{
	load_external_free(req);
	kfree(req);
}

/* What the answer says, into the ledger */
static void load_issue_log(struct load_request *req, const u8 *buffer, u32 length)
{
	struct load_end *end = req->end;
	u32 len = load_response_len(&end->plan, end->mine, end->index, req->seq);
	__le32 head[2] = {};
	u32 crc;

	if (length >= sizeof(head))
		memcpy(head, buffer, sizeof(head));
	/* What is not as long as it should be is judged by all its bytes. */
	if (le32_to_cpu(head[1]) != len || length != ALIGN(sizeof(head) + len, 8))
		len = length > sizeof(head) ? length - sizeof(head) : 0;
	crc = load_crc(0, buffer + sizeof(head), len);
	if (req->mdl.length)
		crc = load_crc_mdl(crc, &req->mdl, req->mdl.length);
	load_log("C %c%02x %llx %08x %08x\n", load_dir_name(end->mine), end->index, req->seq,
		 le32_to_cpu(head[0]), crc);
}

static void load_issue_done(struct vmb_packet *packet, int status, void *buffer, u32 length)
{
	struct load_request *req = vmb_packet_get_pointer(packet);
	struct load_end *end = req->end;

	/* Such a channel runs at passive level. */
	if (!status && end->plan.complete_ms[end->mine])
		fsleep(end->plan.complete_ms[end->mine] * USEC_PER_MSEC);

	/* One that was handed over goes on in the next kernel. */
	if (!status)
		load_issue_log(req, buffer, length);
	else if (status != -ESTALE)
		load_log("E %c%02x %llx %d\n", load_dir_name(end->mine), end->index, req->seq,
			 status);
	load_request_free(req);
	vmb_packet_free(packet);

	spin_lock_bh(&load_totals.lock);
	load_totals.waiting--;
	load_totals.ended++;
	spin_unlock_bh(&load_totals.lock);
	atomic_dec(&end->outstanding);
	load_issue_fill(end);
}

static int load_issue_one(struct load_end *end)
{
	char dir = load_dir_name(end->mine);
	u64 seq = end->next_seq;
	struct vmb_packet *packet;
	struct load_request *req;
	u32 len;
	int ret;

	req = load_request_make(end, seq, GFP_ATOMIC);
	if (!req)
		return -ENOMEM;
	packet = vmb_packet_allocate(end->channel);
	if (!packet) {
		load_request_free(req);
		return -ENOMEM;
	}
	vmb_packet_set_pointer(packet, req);
	vmb_packet_set_completion_routine(packet, load_issue_done);
	len = load_payload_len(&end->plan, end->mine, end->index, seq);
	load_payload_fill(end->scratch, len, end->mine, end->index, seq);

	/* First the count and the ledger: the answer may be faster than we are. */
	atomic_inc(&end->outstanding);
	load_log("I %c%02x %llx\n", dir, end->index, seq);
	ret = vmb_packet_send(packet, end->scratch, len, req->mdl.length ? &req->mdl : NULL,
			      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	if (ret) {
		load_log("U %c%02x %llx\n", dir, end->index, seq);
		atomic_dec(&end->outstanding);
		vmb_packet_free(packet);
		load_request_free(req);
		return ret;
	}
	end->next_seq++;
	return 0;
}

/**
 * load_issue_fill() - issue requests until there are as many as planned
 * @end: where
 *
 * Context: any but hard interrupts.
 */
void load_issue_fill(struct load_end *end)
{
	/* Where answers come as fast as requests go, others want the processor, too. */
	u32 left = end->plan.depth[end->mine];
	int ret = 0;

	do {
		set_bit(LOAD_FILL_AGAIN, &end->bits);
		if (test_and_set_bit_lock(LOAD_FILLING, &end->bits))
			return;
		clear_bit(LOAD_FILL_AGAIN, &end->bits);
		/* Pairs with the order in which the others change what is looked at. */
		smp_mb__after_atomic();
		while (left && READ_ONCE(end->running) &&
		       atomic_read(&end->outstanding) < end->plan.depth[end->mine] &&
		       load_issue_claim()) {
			ret = load_issue_one(end);
			if (ret) {
				load_issue_unclaim();
				break;
			}
			left--;
		}
		clear_and_wake_up_bit(LOAD_FILLING, &end->bits);
	} while (left && test_bit(LOAD_FILL_AGAIN, &end->bits));
	if (!left && end->plan.depth[end->mine])
		load_end_kick(end, 0);
	/* A channel that stops says so by Suspend, and by Started when it is over. */
	if (ret == -ENOMEM)
		load_end_kick(end, msecs_to_jiffies(10));
}

/**
 * load_issue_stop() - issue no more, until load_end.running is set again
 * @end: where
 *
 * Context: process context.
 */
void load_issue_stop(struct load_end *end)
{
	WRITE_ONCE(end->running, false);
	/* Pairs with the barrier in load_issue_fill(): it sees that, or is seen here. */
	smp_mb();
	wait_on_bit(&end->bits, LOAD_FILLING, TASK_UNINTERRUPTIBLE);
}

static u32 load_filling_len(u64 key)
{
	/* A few are long, most are short, some are none. */
	return (key >> 40) % ((key >> 32) % 16 ? 64 : FILLING_MAX);
}

/**
 * load_issue_save() - save callback for packets
 * @channel: as in &typedef vmb_channel_save_packet_fn
 * @packet: the same
 * @buffer: the same
 * @size: the same
 * @bytes_needed: the same
 *
 * Return: the same.
 */
int load_issue_save(struct vmb_channel *channel, struct vmb_packet *packet, void *buffer,
		    u32 size, u32 *bytes_needed)
{
	struct load_request *req = vmb_packet_get_pointer(packet);
	struct load_end *end = req->end;
	u64 key = load_key(LOAD_KEY_PRIVATE, end->mine, end->index, req->seq);
	struct load_saved_request saved = {
		.seq = cpu_to_le64(req->seq),
		.filling = cpu_to_le32(load_filling_len(key)),
	};

	*bytes_needed = sizeof(saved) + load_filling_len(key);
	if (size < *bytes_needed)
		return -ENOSPC;
	memcpy(buffer, &saved, sizeof(saved));
	memcpy(buffer + sizeof(saved), load_bytes(key), load_filling_len(key));
	return 0;
}

/**
 * load_issue_restore() - restore callback for packets
 * @channel: as in &typedef vmb_channel_restore_packet_fn
 * @lib_buffer: the same
 * @lib_size: the same
 * @buffer: the same
 * @size: the same
 *
 * Return: the same.
 */
int load_issue_restore(struct vmb_channel *channel, const void *lib_buffer, u32 lib_size,
		       const void *buffer, u32 size)
{
	struct load_end *end = vmb_channel_get_pointer(channel);
	struct load_saved_request saved;
	struct vmb_packet *packet;
	struct load_request *req;
	int ret = -ENOMEM;
	u64 key;

	if (size < sizeof(saved))
		return -EBADMSG;
	memcpy(&saved, buffer, sizeof(saved));
	key = load_key(LOAD_KEY_PRIVATE, end->mine, end->index, le64_to_cpu(saved.seq));
	if (size - sizeof(saved) != le32_to_cpu(saved.filling) ||
	    size - sizeof(saved) != load_filling_len(key) ||
	    memcmp(buffer + sizeof(saved), load_bytes(key), size - sizeof(saved)))
		return -EBADMSG;

	req = load_request_make(end, le64_to_cpu(saved.seq), GFP_KERNEL);
	if (!req)
		return -ENOMEM;
	packet = vmb_packet_allocate(channel);
	if (!packet)
		goto free_request;
	vmb_packet_set_pointer(packet, req);
	vmb_packet_set_completion_routine(packet, load_issue_done);
	if (req->mdl.length) {
		ret = vmb_packet_set_external_mdl(packet, &req->mdl);
		if (ret)
			goto free_packet;
	}

	/* From here on the routine may run: count first. */
	atomic_inc(&end->outstanding);
	spin_lock_bh(&load_totals.lock);
	load_totals.waiting++;
	spin_unlock_bh(&load_totals.lock);
	ret = vmb_packet_restore(packet, lib_buffer, lib_size);
	if (!ret)
		return 0;

	spin_lock_bh(&load_totals.lock);
	load_totals.waiting--;
	spin_unlock_bh(&load_totals.lock);
	atomic_dec(&end->outstanding);
free_packet:
	vmb_packet_free(packet);
free_request:
	load_request_free(req);
	return ret;
}

/* What a script asks for: how far things are */
static int load_status_get(char *buffer, const struct kernel_param *param)
{
	u64 issued, ended, waiting;

	spin_lock_bh(&load_totals.lock);
	issued = load_totals.issued;
	ended = load_totals.ended;
	waiting = load_totals.waiting;
	spin_unlock_bh(&load_totals.lock);
	return sysfs_emit(buffer,
			  "issued=%llu ended=%llu waiting=%llu held=%u pending=%llu lost=%llu\n",
			  issued, ended, waiting, load_hold_count(), load_ledger_pending(),
			  load_ledger_lost());
}

static const struct kernel_param_ops load_status_ops = {
	.get = load_status_get,
};

module_param_cb(status, &load_status_ops, NULL, 0444);
MODULE_PARM_DESC(status, "requests issued, ended, waiting for their answer and held by who answers; ledger bytes pending, lines lost");
