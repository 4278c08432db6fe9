// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus under real channels: requests and answers through the API,
 * faults in rings and signals, and both ends coming and going at will.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>

#include "loopback_test.h"

#define EXT_MAX		16384
#define REQUEST_MAX	2048

static const guid_t ct_type = GUID_INIT(0x9f4e1c02, 0x3a6b, 0x4f0e, 0xa1, 0x44, 0x10, 0x20,
					0x30, 0x40, 0x50, 0x60);

struct ct_side {
	struct vmb_channel *channel;
	wait_queue_head_t wait;
	atomic_t opened;
	atomic_t closed;
	atomic_t failed;
	u32 seen;
	u32 waited;			/* external data was not there */
};

struct ct {
	struct kunit *test;
	struct vmb_bus *bus;
	struct kmcl_lb_bus *lb;
	u32 used;
	struct ct_side server;
	struct ct_side client;
	guid_t instance;
};

static int ct_opened(struct vmb_channel *channel)
{
	struct ct_side *side = vmb_channel_get_pointer(channel);

	atomic_inc(&side->opened);
	return 0;
}

static void ct_post_started(struct vmb_channel *channel)
{
	struct ct_side *side = vmb_channel_get_pointer(channel);

	wake_up_all(&side->wait);
}

static void ct_closed(struct vmb_channel *channel)
{
	struct ct_side *side = vmb_channel_get_pointer(channel);

	atomic_inc(&side->closed);
	wake_up_all(&side->wait);
}

static void ct_failed(struct vmb_channel *channel, int status)
{
	struct ct_side *side = vmb_channel_get_pointer(channel);

	atomic_inc(&side->failed);
	wake_up_all(&side->wait);
}

/* Answers with the request's bytes, each inverted; and inverts external data. */
static void ct_answer(struct vmb_channel *channel, struct vmb_packet_completion *packet,
		      void *buffer, u32 length, u32 flags)
{
	struct ct_side *side = vmb_channel_get_pointer(channel);
	struct vmb_mdl *mdl;
	u8 *bytes = buffer;
	u32 i, j;
	int ret;

	if (flags & VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA) {
		ret = vmb_channel_packet_get_external_data(packet, 0, &mdl);
		if (ret == -EINPROGRESS) {
			side->waited++;
			wake_up_all(&side->wait);
			return;
		}
		for (i = 0; !ret && i < mdl->nr_bvecs; i++) {
			u8 *page = page_address(mdl->bvec[i].bv_page) + mdl->bvec[i].bv_offset;

			for (j = 0; j < mdl->bvec[i].bv_len; j++)
				page[j] = ~page[j];
		}
	}
	side->seen++;
	for (i = 0; i < length; i++)
		bytes[i] = ~bytes[i];
	vmb_channel_packet_complete(packet, buffer, length);
	wake_up_all(&side->wait);
}

static void ct_configure(struct ct *ct, struct ct_side *side, bool is_server)
{
	struct vmb_channel_state_change_callbacks cb;
	struct kunit *test = ct->test;
	struct vmb_channel *ch;
	int ret;

	init_waitqueue_head(&side->wait);
	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, is_server, &ch), 0);
	side->channel = ch;
	vmb_channel_set_pointer(ch, side);
	vmb_channel_state_change_callbacks_init(&cb);
	cb.opened = ct_opened;
	cb.post_started = ct_post_started;
	cb.closed = ct_closed;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_state_change_callbacks(ch, &cb), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_process_packet_callbacks(ch, ct_answer, NULL),
			0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(ch, EXT_MAX, 4), 0);
	if (is_server) {
		KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_vmbus_handle(ch, ct->bus), 0);
		ret = vmb_server_channel_init_set_target_interface_id(ch, &ct_type, &ct->instance);
		KUNIT_ASSERT_EQ(test, ret, 0);
	} else {
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_bus(ch, ct->bus), 0);
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_target_pnp(ch, &ct_type,
									     &ct->instance,
									     ct_failed), 0);
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(ch, 2, 2),
				0);
	}
}

static int ct_init(struct kunit *test)
{
	struct ct *ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ct);
	test->priv = ct;
	ct->test = test;
	ct->bus = kmcl_bus_get("loopback");
	KUNIT_ASSERT_FALSE(test, IS_ERR(ct->bus));
	ct->lb = kmcl_bus_priv(ct->bus);
	ct->used = kmcl_arena_used(ct->lb->arena);
	guid_gen(&ct->instance);
	ct_configure(ct, &ct->server, true);
	ct_configure(ct, &ct->client, false);
	return 0;
}

static void ct_exit(struct kunit *test)
{
	struct ct *ct = test->priv;

	vmb_channel_disable(ct->client.channel);
	vmb_channel_disable(ct->server.channel);
	vmb_channel_cleanup(ct->client.channel);
	vmb_channel_cleanup(ct->server.channel);
	mutex_lock(&ct->lb->lock);
	KUNIT_EXPECT_TRUE(test, list_empty(&ct->lb->ends));
	KUNIT_EXPECT_TRUE(test, list_empty(&ct->lb->orphans));
	mutex_unlock(&ct->lb->lock);
	KUNIT_EXPECT_EQ(test, kmcl_arena_used(ct->lb->arena), ct->used);
	kmcl_bus_put(ct->bus);
}

static void ct_wait(struct ct *ct, struct ct_side *side, atomic_t *count, int n)
{
	KUNIT_ASSERT_NE(ct->test, wait_event_timeout(side->wait, atomic_read(count) >= n,
						     LT_TIMEOUT), 0);
}

static void ct_start(struct ct *ct)
{
	KUNIT_ASSERT_EQ(ct->test, vmb_channel_enable(ct->server.channel), 0);
	KUNIT_ASSERT_EQ(ct->test, vmb_channel_start(ct->server.channel), 0);
	KUNIT_ASSERT_EQ(ct->test, vmb_channel_enable(ct->client.channel), 0);
}

static struct kmcl_lb_end *ct_end(struct ct_side *side)
{
	return side->channel->link;
}

/* A request with these bytes, and the answer to it */
static void ct_request(struct ct *ct, u8 *bytes, u32 len, struct vmb_mdl *mdl)
{
	u32 size = ALIGN(len + 8, 8), i;
	u8 *answer = kunit_kzalloc(ct->test, size, GFP_KERNEL);
	long limit = LT_TIMEOUT;
	int ret;

	KUNIT_ASSERT_NOT_NULL(ct->test, answer);
	ret = vmb_channel_send_synchronous_request(ct->client.channel, bytes, len, mdl,
						   VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, answer,
						   &size, &limit);
	KUNIT_ASSERT_EQ(ct->test, ret, 0);
	KUNIT_EXPECT_EQ(ct->test, size, ALIGN(len, 8));
	for (i = 0; i < len; i++)
		if (answer[i] != (u8)~bytes[i])
			break;
	KUNIT_EXPECT_EQ(ct->test, i, len);
	kunit_kfree(ct->test, answer);
}

static void ct_ping(struct ct *ct)
{
	u8 bytes[] = "ping";

	ct_request(ct, bytes, sizeof(bytes), NULL);
}

/* ---- requests ---- */

static void channel_requests(struct kunit *test)
{
	struct ct *ct = test->priv;
	u8 *bytes = kunit_kmalloc(test, REQUEST_MAX, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	get_random_bytes(bytes, REQUEST_MAX);
	ct_start(ct);
	for (i = 0; i < 500; i++)
		ct_request(ct, bytes, i * 37 % REQUEST_MAX, NULL);
	KUNIT_EXPECT_EQ(test, ct->server.seen, 500);
}

static void channel_processors(struct kunit *test)
{
	struct ct *ct = test->priv;
	u32 i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_processor(ct->server.channel, 0), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_processor(ct->client.channel, 1), 0);
	ct_start(ct);
	for (i = 0; i < 200; i++)
		ct_ping(ct);
}

static void channel_external(struct kunit *test)
{
	struct ct *ct = test->priv;
	u8 *data = kunit_kmalloc(test, EXT_MAX, GFP_KERNEL), *old, byte = 1;
	u32 len, i;

	old = kunit_kmalloc(test, EXT_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, old);
	get_random_bytes(data, EXT_MAX);
	ct_start(ct);
	for (len = 1; len <= EXT_MAX; len = len * 2 + len % 3) {
		memcpy(old, data, EXT_MAX);
		ct_request(ct, &byte, 1, lt_mdl(test, data, len));
		for (i = 0; i < EXT_MAX; i++)
			if (data[i] != (i < len ? (u8)~old[i] : old[i]))
				break;
		KUNIT_EXPECT_EQ_MSG(test, i, EXT_MAX, "%u bytes", len);
	}
}

static int ct_requester(void *arg)
{
	struct ct *ct = arg;
	u8 *data = kzalloc(4096, GFP_KERNEL);
	struct bio_vec bvec = { .bv_len = 4096 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = 4096 };
	u8 byte = 1;
	int ret = -ENOMEM;

	if (data) {
		bvec.bv_page = virt_to_page(data);
		bvec.bv_offset = offset_in_page(data);
		ret = vmb_channel_send_synchronous_request(ct->client.channel, &byte, 1, &mdl,
							   VMB_PACKET_FLAG_WAIT_FOR_COMPLETION,
							   NULL, NULL, NULL);
		if (!ret && memchr_inv(data, 0xff, 4096))
			ret = -EBADMSG;
	}
	kfree(data);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return ret;
}

static void channel_external_awaited(struct kunit *test)
{
	struct ct *ct = test->priv;
	struct task_struct *task;

	ct_start(ct);
	ct_ping(ct);
	ct_end(&ct->server)->faults = KMCL_LB_GPA_WAIT;
	task = kthread_run(ct_requester, ct, "requester");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_NE(test, wait_event_timeout(ct->server.wait, READ_ONCE(ct->server.waited),
						 LT_TIMEOUT), 0);
	KUNIT_EXPECT_EQ(test, ct->server.seen, 1);
	ct_end(&ct->server)->faults = 0;
	kmcl_channel_external_ready(ct->server.channel);
	KUNIT_EXPECT_NE(test, wait_event_timeout(ct->server.wait, READ_ONCE(ct->server.seen) == 2,
						 LT_TIMEOUT), 0);
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
}

static void channel_gpadl(struct kunit *test)
{
	struct ct *ct = test->priv;
	u8 *data = kunit_kzalloc(test, 10000, GFP_KERNEL);
	struct vmb_mdl *mdl;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, data);
	ct_start(ct);
	ct_ping(ct);
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(ct->client.channel, 0, data,
								   10000, &handle), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_map_gpadl(ct->server.channel, 0, handle, &mdl), 0);
	memset(page_address(mdl->bvec[0].bv_page), 0x33, 4096);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(ct->server.channel, handle), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(ct->client.channel, handle), 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(data, 0x33, 4096));
	KUNIT_EXPECT_NULL(test, memchr_inv(data + 4096, 0, 10000 - 4096));
	/* One that is left is taken back with the link. */
	KUNIT_ASSERT_EQ(test, vmb_channel_create_gpadl_from_buffer(ct->client.channel, 0, data,
								   10000, &handle), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_map_gpadl(ct->server.channel, 0, handle, &mdl), 0);
}

/* ---- faults ---- */

static void channel_ring_corrupt(struct kunit *test)
{
	struct ct *ct = test->priv;

	ct_start(ct);
	ct_ping(ct);
	WRITE_ONCE(ct_end(&ct->client)->tx.ctl->in, cpu_to_le32(0xfffffff8));
	kmcl_channel_interrupt(ct->server.channel);
	ct_wait(ct, &ct->server, &ct->server.closed, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(ct->server.channel), VMB_STOP_MALFORMED);
	/* The other end is told, and may come again. */
	ct_wait(ct, &ct->client, &ct->client.closed, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(ct->client.channel), VMB_STOP_RESCINDED);
	vmb_channel_disable(ct->client.channel);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(ct->client.channel), 0);
	ct_ping(ct);

	/* The server corrupts what the client reads. */
	WRITE_ONCE(ct_end(&ct->server)->tx.ctl->in, cpu_to_le32(4));
	kmcl_channel_interrupt(ct->client.channel);
	ct_wait(ct, &ct->client, &ct->client.closed, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(ct->client.channel), VMB_STOP_MALFORMED);
	ct_wait(ct, &ct->server, &ct->server.closed, 2);
	vmb_channel_disable(ct->client.channel);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(ct->client.channel), 0);
	ct_ping(ct);
}

static int ct_pinger(void *arg)
{
	struct ct *ct = arg;
	u8 bytes[8] = "signal";
	int ret;

	ret = vmb_channel_send_synchronous_request(ct->client.channel, bytes, 8, NULL,
						   VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, NULL, NULL,
						   NULL);
	atomic_inc(&ct->client.failed);
	wake_up_all(&ct->client.wait);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return ret;
}

static bool ct_in_ring(struct ct *ct)
{
	u32 n;

	/* Only looked at while nobody reads: the signal is lost. */
	n = le32_to_cpu(READ_ONCE(ct_end(&ct->client)->tx.ctl->in));
	return n != le32_to_cpu(READ_ONCE(ct_end(&ct->client)->tx.ctl->out));
}

/* A lost signal stalls, and the next look finds everything. */
static void channel_signal_lost(struct kunit *test)
{
	struct ct *ct = test->priv;
	unsigned long until = jiffies + LT_TIMEOUT;
	struct task_struct *task;

	ct_start(ct);
	ct_ping(ct);
	ct_end(&ct->client)->faults = KMCL_LB_DROP_SIGNALS;
	task = kthread_run(ct_pinger, ct, "pinger");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (!ct_in_ring(ct) && time_before(jiffies, until))
		cond_resched();
	KUNIT_EXPECT_TRUE(test, ct_in_ring(ct));
	KUNIT_EXPECT_EQ(test, atomic_read(&ct->client.failed), 0);
	ct_end(&ct->client)->faults = 0;
	kmcl_channel_interrupt(ct->server.channel);
	ct_wait(ct, &ct->client, &ct->client.failed, 1);
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	ct_ping(ct);
}

/* A ring that takes nothing: packets queue, and go when it does. */
static void channel_ring_stalled(struct kunit *test)
{
	struct ct *ct = test->priv;
	unsigned long until = jiffies + LT_TIMEOUT;
	struct task_struct *task;

	ct_start(ct);
	ct_ping(ct);
	ct_end(&ct->client)->faults = KMCL_LB_STALL;
	task = kthread_run(ct_pinger, ct, "pinger");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	while (!READ_ONCE(ct->client.channel->nr_queued) && time_before(jiffies, until))
		cond_resched();
	KUNIT_EXPECT_EQ(test, READ_ONCE(ct->client.channel->nr_queued), 1);
	KUNIT_EXPECT_EQ(test, ct->server.seen, 1);
	ct_end(&ct->client)->faults = 0;
	kmcl_channel_interrupt(ct->client.channel);
	ct_wait(ct, &ct->client, &ct->client.failed, 1);
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	KUNIT_EXPECT_EQ(test, ct->server.seen, 2);
}

/* ---- coming and going ---- */

static void channel_reopen(struct kunit *test)
{
	struct ct *ct = test->priv;
	u32 i;

	ct_start(ct);
	for (i = 1; i <= 30; i++) {
		ct_ping(ct);
		KUNIT_ASSERT_EQ(test, vmb_channel_disable(ct->client.channel), 0);
		KUNIT_EXPECT_EQ(test, atomic_read(&ct->client.closed), i);
		KUNIT_ASSERT_EQ(test, vmb_channel_enable(ct->client.channel), 0);
	}
	ct_ping(ct);
	for (i = 1; i <= 10; i++) {
		int closed = atomic_read(&ct->client.closed);

		KUNIT_ASSERT_EQ(test, vmb_channel_disable(ct->server.channel), 0);
		ct_wait(ct, &ct->client, &ct->client.closed, closed + 1);
		vmb_channel_disable(ct->client.channel);
		ct_start(ct);
		ct_ping(ct);
	}
}

static int ct_toggler(void *arg)
{
	struct ct *ct = arg;
	u32 i;

	for (i = 0; i < 40; i++) {
		vmb_channel_disable(ct->server.channel);
		if (vmb_channel_enable(ct->server.channel) ||
		    vmb_channel_start(ct->server.channel))
			return -EIO;
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Both at once, at any moment of the other: nothing hangs, and all works after. */
static void channel_storm(struct kunit *test)
{
	struct ct *ct = test->priv;
	struct task_struct *task;
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(ct->server.channel), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_start(ct->server.channel), 0);
	task = kthread_run(ct_toggler, ct, "toggler");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 60; i++) {
		u8 bytes[8] = "storm";
		long limit = 1;

		if (vmb_channel_enable(ct->client.channel))
			continue;
		if (i % 3)
			vmb_channel_send_synchronous_request(ct->client.channel, bytes, 8, NULL,
							     VMB_PACKET_FLAG_WAIT_FOR_COMPLETION,
							     NULL, NULL, &limit);
		vmb_channel_disable(ct->client.channel);
	}
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(ct->client.channel), 0);
	ct_ping(ct);
}

static struct kunit_case lb_channel_cases[] = {
	KUNIT_CASE(channel_requests),
	KUNIT_CASE(channel_processors),
	KUNIT_CASE(channel_external),
	KUNIT_CASE(channel_external_awaited),
	KUNIT_CASE(channel_gpadl),
	KUNIT_CASE(channel_ring_corrupt),
	KUNIT_CASE(channel_signal_lost),
	KUNIT_CASE(channel_ring_stalled),
	KUNIT_CASE(channel_reopen),
	KUNIT_CASE(channel_storm),
	{}
};

static struct kunit_suite lb_channel_suite = {
	.name = "kmcl_loopback_channel",
	.init = ct_init,
	.exit = ct_exit,
	.test_cases = lb_channel_cases,
};

kunit_test_suite(lb_channel_suite);
