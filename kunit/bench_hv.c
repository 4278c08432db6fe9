// SPDX-License-Identifier: GPL-2.0
/*
 * What a packet costs over the hv bus, beside the same packet through hv_vmbus
 * alone: two channels of one stand-in host, one with KMCL on it and one without.
 * Each number is a line "bench: NAME KEY=VALUE …" for tools/lab/bench. They are
 * taken by a KUnit suite, for it is what a stand-in reports to.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <kunit/test.h>
#include <linux/kmcl.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <asm/tsc.h>

#include "hv_stand_in.h"

static unsigned int runs = 101;
module_param(runs, uint, 0444);
MODULE_PARM_DESC(runs, "samples for each number");

#define BENCH_PAGES	64
#define BENCH_MAX	8192U
#define BENCH_BATCH	16U

static const guid_t bench_type =
	GUID_INIT(0x6b6d636c, 0x0003, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);
static const guid_t bench_instance =
	GUID_INIT(0x6b6d636c, 0x0004, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);

static const u32 bench_sizes[] = { 16, 40, 64, 256, 1024, 4096, BENCH_MAX };
static const u32 bench_batches[] = { 1, BENCH_BATCH };

struct bench {
	struct kunit *test;
	struct stand_in *host;
	struct vmb_bus *bus;
	struct vmb_channel *channel;
	struct vmb_packet *packet;
	struct completion open;
	struct stand_in_offer *kmcl;	/* with KMCL on it */
	struct stand_in_offer *bare;	/* without */
	u32 size;
	u32 batch;
	u32 received;
	u32 ended;
	u64 sum;			/* so that what was read was needed */
	u8 *data;
	u64 *samples;
};

static void bench_process(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
			  u32 length, u32 flags)
{
	struct bench *b = vmb_channel_get_pointer(ch);

	b->sum += *(u64 *)buffer;
	b->received++;
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void bench_started(struct vmb_channel *ch)
{
	complete(&((struct bench *)vmb_channel_get_pointer(ch))->open);
}

static void bench_ended(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	((struct bench *)vmb_packet_get_pointer(pkt))->ended += !status;
}

/* The host has read it all, at no cost. */
static void bench_drained(struct stand_in_offer *o)
{
	struct hv_ring_buffer *ring = o->from_guest.host;

	WRITE_ONCE(ring->read_index, READ_ONCE(ring->write_index));
}

static void bench_filled(struct bench *b, struct stand_in_offer *o)
{
	u32 i;

	for (i = 0; i < b->batch; i++)
		KUNIT_ASSERT_EQ(b->test, stand_in_write(o, VMBUS_RING_INBAND, 0, i, NULL, 0,
							b->data, b->size), 0);
	vmbus_ring_commit_write(&o->to_guest.end);
}

static u64 bench_send_kmcl(struct bench *b)
{
	u64 start;
	u32 i;

	bench_drained(b->kmcl);
	start = rdtsc_ordered();
	for (i = 0; i < b->batch; i++)
		if (vmb_packet_send(b->packet, b->data, b->size, NULL, 0))
			return 0;
	return rdtsc_ordered() - start;
}

static u64 bench_send_bare(struct bench *b)
{
	u64 start;
	u32 i;

	bench_drained(b->bare);
	start = rdtsc_ordered();
	for (i = 0; i < b->batch; i++)
		if (vmbus_sendpacket(&b->bare->ch, b->data, b->size, i, VM_PKT_DATA_INBAND, 0))
			return 0;
	return rdtsc_ordered() - start;
}

/* From the interrupt on: the tasklet runs as softirqs are let in again. */
static u64 bench_receive_kmcl(struct bench *b)
{
	u64 start;

	b->received = 0;
	bench_filled(b, b->kmcl);
	local_bh_disable();
	start = rdtsc_ordered();
	b->kmcl->ch.onchannel_callback(b->kmcl->ch.channel_callback_context);
	local_bh_enable();
	start = rdtsc_ordered() - start;
	/* It was left to a thread: not what was to be measured. */
	if (READ_ONCE(b->received) != b->batch) {
		while (READ_ONCE(b->received) != b->batch)
			schedule_timeout_uninterruptible(1);
		return 0;
	}
	return start;
}

static u64 bench_receive_bare(struct bench *b)
{
	struct vmpacket_descriptor *d;
	u64 start;
	u32 n = 0;

	bench_filled(b, b->bare);
	start = rdtsc_ordered();
	hv_begin_read(&b->bare->ch.inbound);
	foreach_vmbus_pkt(d, &b->bare->ch) {
		b->sum += *(u64 *)hv_pkt_data(d);
		n++;
	}
	hv_end_read(&b->bare->ch.inbound);
	start = rdtsc_ordered() - start;
	return n == b->batch ? start : 0;
}

static int bench_less(const void *a, const void *b)
{
	return *(u64 *)a < *(u64 *)b ? -1 : *(u64 *)a > *(u64 *)b;
}

static void bench_one(struct bench *b, const char *name, u64 (*take)(struct bench *b))
{
	u32 i, n = 0;
	u64 ticks;

	for (i = 0; i < 5; i++)
		take(b);
	for (i = 0; n < runs && i < 4 * runs; i++) {
		ticks = take(b);
		if (ticks)
			b->samples[n++] = ticks;
	}
	KUNIT_ASSERT_EQ_MSG(b->test, n, runs, "%s: %u samples of %u went wrong", name, i - n, i);
	sort(b->samples, n, sizeof(*b->samples), bench_less, NULL);
	pr_info("bench: %s size=%u batch=%u median=%llu low=%llu high=%llu\n", name, b->size,
		b->batch, b->samples[n / 2], b->samples[n / 10], b->samples[n - 1 - n / 10]);
}

static void bench_hv(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 s, n;

	for (n = 0; n < ARRAY_SIZE(bench_batches); n++) {
		for (s = 0; s < ARRAY_SIZE(bench_sizes); s++) {
			b->batch = bench_batches[n];
			b->size = bench_sizes[s];
			bench_one(b, "send_bare", bench_send_bare);
			bench_one(b, "send_kmcl", bench_send_kmcl);
			bench_one(b, "receive_bare", bench_receive_bare);
			bench_one(b, "receive_kmcl", bench_receive_kmcl);
		}
	}
	pr_info("bench: end status=0\n");
}

static void bench_nothing(void *context)
{
}

static int bench_configure(struct bench *b)
{
	struct vmb_channel_state_change_callbacks cb;
	struct vmb_channel *ch = b->channel;

	vmb_channel_state_change_callbacks_init(&cb);
	cb.post_started = bench_started;
	vmb_channel_set_pointer(ch, b);
	return vmb_channel_init_set_state_change_callbacks(ch, &cb) ?:
	       vmb_channel_init_set_process_packet_callbacks(ch, bench_process, NULL) ?:
	       vmb_channel_init_set_maximum_packet_size(ch, BENCH_MAX) ?:
	       vmb_client_channel_init_set_bus(ch, b->bus) ?:
	       vmb_client_channel_init_set_target_pnp(ch, &bench_type, &bench_instance, NULL) ?:
	       vmb_client_channel_init_set_ring_buffer_page_count(ch, BENCH_PAGES, BENCH_PAGES);
}

static int bench_init(struct kunit *test)
{
	struct bench *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	test->priv = b;
	b->test = test;
	init_completion(&b->open);
	b->data = kunit_kzalloc(test, BENCH_MAX, GFP_KERNEL);
	b->samples = kunit_kcalloc(test, runs, sizeof(*b->samples), GFP_KERNEL);
	b->host = stand_in_create(test);
	b->bus = kmcl_bus_get("hv");
	KUNIT_ASSERT_TRUE(test, b->data && b->samples && b->host && !IS_ERR(b->bus));
	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, false, &b->channel), 0);
	KUNIT_ASSERT_EQ(test, bench_configure(b), 0);
	b->kmcl = stand_in_offer(b->host, &bench_type, &bench_instance);
	/* Of another instance: nobody takes it. */
	b->bare = stand_in_offer(b->host, &bench_type, NULL);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(b->channel), 0);
	wait_for_completion(&b->open);
	b->bare->ch.max_pkt_size = BENCH_MAX + 64;
	KUNIT_ASSERT_EQ(test, stand_in_open_bare(b->bare, (1 + BENCH_PAGES) * PAGE_SIZE,
						 bench_nothing), 0);
	b->packet = vmb_packet_allocate(b->channel);
	KUNIT_ASSERT_NOT_NULL(test, b->packet);
	vmb_packet_set_pointer(b->packet, b);
	vmb_packet_set_completion_routine(b->packet, bench_ended);
	return 0;
}

static void bench_exit(struct kunit *test)
{
	struct bench *b = test->priv;

	vmb_packet_free(b->packet);
	vmb_channel_disable(b->channel);
	vmb_channel_cleanup(b->channel);
	stand_in_close_bare(b->bare);
	stand_in_destroy(b->host);
	kmcl_bus_put(b->bus);
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_SLOW(bench_hv),
	{}
};

static struct kunit_suite bench_suite = {
	.name = "kmcl_hv_bench",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = bench_cases,
};

kunit_test_suite(bench_suite);

MODULE_DESCRIPTION("Benchmark of KMCL over hv_vmbus");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
