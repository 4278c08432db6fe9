// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmarks of the core: each prints lines "bench: NAME KEY=VALUE …" that
 * tools/lab/bench reads. Loading the module runs them; it stays to be removed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"
#include "vmbus/ring.h"

static unsigned int runs = 5;
module_param(runs, uint, 0444);
MODULE_PARM_DESC(runs, "how often each number is taken");

static unsigned int trips = 100000;
module_param(trips, uint, 0444);
MODULE_PARM_DESC(trips, "round trips a run");

static unsigned int max_saved = 100000;
module_param(max_saved, uint, 0444);
MODULE_PARM_DESC(max_saved, "most packets that are saved and restored");

#define BENCH_RING_PAGES	64
#define BENCH_MAX		8192U

static const guid_t bench_type =
	GUID_INIT(0x6b6d636c, 0x0001, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);
static const guid_t bench_instance =
	GUID_INIT(0x6b6d636c, 0x0002, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);

static const u32 bench_sizes[] = { 16, 40, 256, BENCH_MAX };
static const u32 bench_depths[] = { 1, 32 };

/* A VSP that echoes, a VSC that keeps @depth requests in flight */
struct bench {
	struct vmb_bus *bus;
	struct vmb_channel *server;
	struct vmb_channel *client;
	struct completion open;
	struct completion done;
	spinlock_t lock;		/* to be measured */
	u32 size;
	u32 to_issue;
	u32 to_end;
	u32 wrong;
	bool verify;
	u8 *data;
};

static void bench_echo(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
		       u32 length, u32 flags)
{
	vmb_channel_packet_complete(pkt, buffer, length);
}

static void bench_nothing(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
			  u32 length, u32 flags)
{
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void bench_opened(struct vmb_channel *ch)
{
	struct bench *b = vmb_channel_get_pointer(ch);

	complete(&b->open);
}

static void bench_ended(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct bench *b = vmb_packet_get_pointer(pkt);
	bool again, last;

	if (status || length != b->size || (b->verify && memcmp(buffer, b->data, length)))
		b->wrong++;
	/* No lock: the poll calls this, and a channel has one. */
	again = b->to_issue;
	b->to_issue -= again;
	last = !--b->to_end;
	if (again && vmb_packet_send(pkt, b->data, b->size, NULL,
				     VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
		b->wrong++;
	if (!again)
		vmb_packet_free(pkt);
	if (last)
		complete(&b->done);
}

/* @n round trips at @depth; nanoseconds, all in all. */
static u64 bench_trips(struct bench *b, u32 n, u32 depth, int cpu)
{
	struct vmb_packet *pkt;
	u64 start;
	u32 i;

	reinit_completion(&b->done);
	b->to_end = n;
	b->to_issue = n - depth;
	if (cpu >= 0)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	start = ktime_get_ns();
	for (i = 0; i < depth; i++) {
		pkt = vmb_packet_allocate(b->client);
		if (!pkt)
			return 0;
		vmb_packet_set_pointer(pkt, b);
		vmb_packet_set_completion_routine(pkt, bench_ended);
		if (vmb_packet_send(pkt, b->data, b->size, NULL,
				    VMB_PACKET_FLAG_WAIT_FOR_COMPLETION))
			return 0;
	}
	wait_for_completion(&b->done);
	start = ktime_get_ns() - start;
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	return start;
}

static void bench_close(struct bench *b)
{
	if (b->client) {
		vmb_channel_disable(b->client);
		vmb_channel_cleanup(b->client);
	}
	if (b->server) {
		vmb_channel_disable(b->server);
		vmb_channel_cleanup(b->server);
	}
	b->client = NULL;
	b->server = NULL;
}

static int bench_save_nothing(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer,
			      u32 size, u32 *needed)
{
	return 0;
}

static int bench_restore(struct vmb_channel *ch, const void *lib, u32 lib_size, const void *buffer,
			 u32 size)
{
	struct vmb_packet *pkt = vmb_packet_allocate(ch);
	int ret;

	if (!pkt)
		return -ENOMEM;
	ret = vmb_packet_restore(pkt, lib, lib_size);
	if (ret)
		vmb_packet_free(pkt);
	return ret;
}

static int bench_configure(struct bench *b, struct vmb_channel *ch, int cpu, u32 max, u32 packets)
{
	struct vmb_channel_state_change_callbacks cb;

	vmb_channel_state_change_callbacks_init(&cb);
	cb.post_started = bench_opened;
	vmb_channel_set_pointer(ch, b);
	return vmb_channel_init_set_state_change_callbacks(ch, &cb) ?:
	       vmb_channel_init_set_process_packet_callbacks(ch, b->server == ch ? bench_echo :
							     bench_nothing, NULL) ?:
	       vmb_channel_init_set_maximum_packet_size(ch, max) ?:
	       vmb_channel_init_set_maximum_packet_count(ch, packets) ?:
	       vmb_channel_init_set_save_restore_packet_callbacks(ch, bench_save_nothing,
								  bench_restore) ?:
	       vmb_channel_init_set_processor(ch, cpu);
}

static int bench_open(struct bench *b, int server_cpu, int client_cpu, u32 max, u32 packets)
{
	int ret;

	init_completion(&b->open);
	ret = vmb_channel_allocate(NULL, true, &b->server) ?:
	      bench_configure(b, b->server, server_cpu, max, 64) ?:
	      vmb_server_channel_init_set_vmbus_handle(b->server, b->bus) ?:
	      vmb_server_channel_init_set_target_interface_id(b->server, &bench_type,
							      &bench_instance) ?:
	      vmb_channel_enable(b->server) ?: vmb_channel_start(b->server);
	if (ret)
		return ret;
	ret = vmb_channel_allocate(NULL, false, &b->client) ?:
	      bench_configure(b, b->client, client_cpu, max, packets) ?:
	      vmb_client_channel_init_set_bus(b->client, b->bus) ?:
	      vmb_client_channel_init_set_target_pnp(b->client, &bench_type, &bench_instance,
						     NULL) ?:
	      vmb_client_channel_init_set_ring_buffer_page_count(b->client, BENCH_RING_PAGES,
								 BENCH_RING_PAGES) ?:
	      vmb_channel_enable(b->client);
	if (ret)
		return ret;
	wait_for_completion(&b->open);
	wait_for_completion(&b->open);
	return 0;
}

static u64 bench_signals(struct bench *b)
{
	return atomic64_read(&b->server->interrupts) + atomic64_read(&b->client->interrupts);
}

/* Round trips through core and loopback. */
static int bench_core(struct bench *b, const char *name, int server_cpu, int client_cpu)
{
	u64 ns, signals;
	u32 s, d, run;
	int ret;

	ret = bench_open(b, server_cpu, client_cpu, BENCH_MAX, 64);
	for (s = 0; !ret && s < ARRAY_SIZE(bench_sizes); s++) {
		for (d = 0; d < ARRAY_SIZE(bench_depths); d++) {
			b->size = bench_sizes[s];
			b->verify = true;
			bench_trips(b, 1000, bench_depths[d], client_cpu);
			b->verify = false;
			for (run = 0; run < runs; run++) {
				signals = bench_signals(b);
				ns = bench_trips(b, trips, bench_depths[d], client_cpu);
				signals = bench_signals(b) - signals;
				pr_info("bench: %s size=%u depth=%u ns=%llu millisignals=%llu wrong=%u\n",
					name, b->size, bench_depths[d], ns / trips,
					signals * 1000 / (2ULL * trips), b->wrong);
			}
		}
	}
	bench_close(b);
	return ret;
}

struct bench_ring {
	struct page *pages[1 + BENCH_RING_PAGES];
	struct page *twice[2 * BENCH_RING_PAGES];
	void *data;
	struct vmbus_ring writer;
	struct vmbus_ring reader;
};

static void bench_ring_free(struct bench_ring *r)
{
	u32 i;

	if (!r)
		return;
	vunmap(r->data);
	for (i = 0; i < ARRAY_SIZE(r->pages); i++)
		if (r->pages[i])
			__free_page(r->pages[i]);
	kvfree(r);
}

static struct bench_ring *bench_ring_new(void)
{
	struct bench_ring *r = kvzalloc(sizeof(*r), GFP_KERNEL);
	u32 i;

	if (!r)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(r->pages); i++) {
		r->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!r->pages[i])
			goto err;
	}
	for (i = 0; i < BENCH_RING_PAGES; i++) {
		r->twice[i] = r->pages[1 + i];
		r->twice[BENCH_RING_PAGES + i] = r->pages[1 + i];
	}
	r->data = vmap(r->twice, 2 * BENCH_RING_PAGES, VM_MAP, PAGE_KERNEL);
	if (!r->data ||
	    vmbus_ring_init(&r->writer, page_address(r->pages[0]), r->data,
			    BENCH_RING_PAGES * PAGE_SIZE) ||
	    vmbus_ring_init(&r->reader, page_address(r->pages[0]), r->data,
			    BENCH_RING_PAGES * PAGE_SIZE))
		goto err;
	vmbus_ring_reset(&r->writer);
	vmbus_ring_attach_writer(&r->writer);
	vmbus_ring_attach_reader(&r->reader);
	return r;
err:
	bench_ring_free(r);
	return NULL;
}

/* @n packets one way, @depth at a time; false where something is not as written. */
static bool bench_ring_move(struct bench_ring *r, u16 type, const u8 *from, u8 *to, u32 size,
			    u32 depth)
{
	struct vmbus_ring_packet p = { .type = type, .payload = from, .payload_len = size };
	struct vmbus_ring_desc d;
	bool ok = true;
	u32 i;

	for (i = 0; i < depth; i++) {
		p.transaction_id = i + 1;
		ok &= !vmbus_ring_write(&r->writer, &p);
	}
	vmbus_ring_commit_write(&r->writer);
	vmbus_ring_mask(&r->reader);
	for (i = 0; i < depth; i++) {
		ok &= !vmbus_ring_peek(&r->reader, &d) && d.payload_len == ALIGN(size, 8) &&
		      !vmbus_ring_copy(&r->reader, &d, NULL, 0, to, d.payload_len);
		vmbus_ring_advance(&r->reader, &d);
	}
	vmbus_ring_commit_read(&r->reader);
	return ok & !vmbus_ring_unmask(&r->reader);
}

/* The same bytes through ring.c alone: a request one way, a completion back. */
static int bench_bare(struct bench *b)
{
	struct bench_ring *there = bench_ring_new(), *back = bench_ring_new();
	u8 *to = kvzalloc(BENCH_MAX, GFP_KERNEL);
	u32 s, d, run, i, wrong = 0;
	u64 ns;

	for (s = 0; there && back && to && s < ARRAY_SIZE(bench_sizes); s++) {
		for (d = 0; d < ARRAY_SIZE(bench_depths); d++) {
			u32 size = bench_sizes[s], depth = bench_depths[d];

			if (size == BENCH_MAX)
				depth = min(depth, BENCH_RING_PAGES / 3);
			for (run = 0; run < runs; run++) {
				ns = ktime_get_ns();
				for (i = 0; i < trips / depth; i++) {
					wrong += !bench_ring_move(there, 6, b->data, to, size,
								  depth);
					wrong += !bench_ring_move(back, 11, to, to, size, depth);
				}
				ns = ktime_get_ns() - ns;
				wrong += !!memcmp(to, b->data, size);
				pr_info("bench: bare size=%u depth=%u ns=%llu wrong=%u\n", size,
					bench_depths[d], ns / (trips / depth * depth), wrong);
			}
		}
	}
	kvfree(to);
	bench_ring_free(back);
	bench_ring_free(there);
	return there && back ? 0 : -ENOMEM;
}

static void bench_queue_ended(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	vmb_packet_free(pkt);
}

/* Save a client with @n packets queued behind a paused server, and restore it. */
static int bench_save(struct bench *b, u32 n)
{
	u32 room = n * 256 + 65536, filled, required, i;
	struct vmb_channel *again = NULL;
	u64 save_ns, restore_ns;
	struct vmb_packet *pkt;
	void *stream;
	int ret;

	stream = vmalloc(room);
	if (!stream)
		return -ENOMEM;
	ret = bench_open(b, -1, -1, 64, n);
	if (ret)
		goto out;
	vmb_channel_pause(b->server);
	for (i = 0; i < n && !ret; i++) {
		pkt = vmb_packet_allocate(b->client);
		if (!pkt) {
			ret = -ENOMEM;
			break;
		}
		vmb_packet_set_completion_routine(pkt, bench_queue_ended);
		ret = vmb_packet_send(pkt, b->data, 64, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	}
	vmb_channel_pause(b->client);
	if (!ret)
		ret = vmb_channel_save_begin(b->client);
	if (ret)
		goto out;
	save_ns = ktime_get_ns();
	ret = vmb_channel_save_continue(b->client, stream, room, &filled, &required);
	save_ns = ktime_get_ns() - save_ns;
	vmb_channel_save_end(b->client);
	if (ret)
		goto out;

	ret = vmb_channel_allocate(NULL, false, &again) ?:
	      bench_configure(b, again, -1, 64, n) ?:
	      vmb_client_channel_init_set_bus(again, b->bus) ?:
	      vmb_client_channel_init_set_target_pnp(again, &bench_type, &bench_instance, NULL);
	if (ret)
		goto out;
	vmb_channel_sizeof_packet(again);
	restore_ns = ktime_get_ns();
	ret = vmb_channel_restore_from_buffer(again, stream, filled);
	restore_ns = ktime_get_ns() - restore_ns;
	if (!ret)
		pr_info("bench: save packets=%u save=%llu restore=%llu bytes=%u\n", n,
			save_ns / n, restore_ns / n, filled / n);
	/* Enabled for a moment, so that what was restored comes to its end */
	vmb_channel_disable(b->client);
	vmb_channel_enable(again);
	vmb_channel_disable(again);
	vmb_channel_cleanup(again);
out:
	bench_close(b);
	vfree(stream);
	return ret;
}

static int bench_saves(struct bench *b)
{
	u32 n, run;
	int ret = 0;

	for (n = 100; !ret && n <= max_saved; n *= 10)
		for (run = 0; !ret && run < runs; run++)
			ret = bench_save(b, n);
	return ret;
}

/* What the kernel's own means cost here: much of the rest follows from it. */
static void bench_kernel(struct bench *b)
{
	unsigned long flags;
	u32 run, i;
	u64 ns;

	for (run = 0; run < runs; run++) {
		ns = ktime_get_ns();
		for (i = 0; i < trips; i++) {
			spin_lock_irqsave(&b->lock, flags);
			spin_unlock_irqrestore(&b->lock, flags);
		}
		pr_info("bench: lock ns=%llu\n", (ktime_get_ns() - ns) / trips);
		ns = ktime_get_ns();
		for (i = 0; i < trips; i++)
			b->wrong += !crc32c(i, b->data, 256);
		pr_info("bench: crc ns=%llu\n", (ktime_get_ns() - ns) / trips);
	}
	b->wrong = 0;
}

static int __init bench_init(void)
{
	struct bench *b;
	u32 i;
	int ret;

	if (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_PROVE_LOCKING) ||
	    IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP)) {
		pr_err("this kernel is sanitised: numbers from it mean nothing\n");
		return -EOPNOTSUPP;
	}
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	spin_lock_init(&b->lock);
	init_completion(&b->done);
	b->data = kvmalloc(BENCH_MAX, GFP_KERNEL);
	b->bus = kmcl_bus_get("loopback");
	if (!b->data || IS_ERR(b->bus)) {
		ret = b->data ? PTR_ERR(b->bus) : -ENOMEM;
		goto out;
	}
	for (i = 0; i < BENCH_MAX; i++)
		b->data[i] = i * 7 + (i >> 8);
	pr_info("bench: memory packet=%zu received=%zu\n", sizeof(struct vmb_packet),
		sizeof(struct vmb_packet_completion));
	bench_kernel(b);
	ret = bench_bare(b);
	if (!ret && num_online_cpus() > 1)
		ret = bench_core(b, "cpus", 1, 0);
	if (!ret)
		ret = bench_core(b, "inline", 0, 0);
	if (!ret)
		ret = bench_saves(b);
	pr_info("bench: end status=%d\n", ret);
out:
	kmcl_bus_put(b->bus);
	kvfree(b->data);
	kfree(b);
	return ret;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmarks of the VMBus Kernel Mode Client Library");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
