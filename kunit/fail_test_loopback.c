// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus without memory, under real channels: whichever allocation of
 * the ends or of the control plane fails, the link comes up the next time, and
 * nothing of the failed one is left.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uuid.h>
#include <linux/vmalloc.h>

#include "fail_test.h"
#include "internal.h"
#include "patience.h"
#include "session.h"
#include "transport/loopback.h"

#define POOR_TIMEOUT	KMCL_TEST_PATIENCE
#define POOR_BYTES	10000

static const guid_t poor_type = GUID_INIT(0x2c9a7e11, 0x54d3, 0x4b0f, 0x8a, 0x6e, 0x31, 0x02,
					  0x77, 0x10, 0x5d, 0x08);

struct poor_side {
	struct vmb_channel *ch;
	u32 running;			/* PostStarted, less Suspend */
	int failed;			/* the PnP failure's status */
};

struct poor {
	struct kunit *test;
	struct vmb_bus *bus;
	struct kmcl_lb_bus *lb;
	struct kmcl_arena *arena;
	u32 used;			/* pages of the arena before the test */
	wait_queue_head_t wait;
	struct poor_side server;
	struct poor_side client;
	guid_t instance;
	u8 *data;
	u8 *record;
	u64 record_len;
	u32 handle;
	struct vmb_mdl *mdl;
	struct bio_vec bvec;
	struct vmb_mdl ext;
};

static struct poor *poor_now;

static struct poor_side *poor_side(struct vmb_channel *ch)
{
	return vmb_channel_get_pointer(ch);
}

static void poor_post_started(struct vmb_channel *ch)
{
	WRITE_ONCE(poor_side(ch)->running, 1);
	wake_up_all(&poor_now->wait);
}

static void poor_suspend(struct vmb_channel *ch)
{
	WRITE_ONCE(poor_side(ch)->running, 0);
	wake_up_all(&poor_now->wait);
}

static void poor_pnp(struct vmb_channel *ch, int status)
{
	WRITE_ONCE(poor_side(ch)->failed, status);
	wake_up_all(&poor_now->wait);
}

static void poor_answer(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
			u32 length, u32 flags)
{
	struct vmb_mdl *mdl;

	if (flags & VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA &&
	    vmb_channel_packet_get_external_data(pkt, 0, &mdl) == -EINPROGRESS)
		return;
	vmb_channel_packet_complete(pkt, buffer, length);
}

static void poor_make(struct poor *p, struct poor_side *side, bool server)
{
	struct vmb_channel_state_change_callbacks cb;
	struct kunit *test = p->test;

	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, server, &side->ch), 0);
	vmb_channel_set_pointer(side->ch, side);
	vmb_channel_state_change_callbacks_init(&cb);
	cb.post_started = poor_post_started;
	cb.suspend = poor_suspend;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_state_change_callbacks(side->ch, &cb), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_process_packet_callbacks(side->ch, poor_answer,
									    NULL), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(side->ch, 16384, 4), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(side->ch, 64), 0);
	if (server) {
		KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_vmbus_handle(side->ch, p->bus),
				0);
		KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_target_interface_id
				(side->ch, &poor_type, &p->instance), 0);
	} else {
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_bus(side->ch, p->bus), 0);
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_target_pnp
				(side->ch, &poor_type, &p->instance, poor_pnp), 0);
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count
				(side->ch, 2, 2), 0);
	}
}

static int poor_init(struct kunit *test)
{
	struct poor *p;
	struct vmb_bus *bus;

	fail_require(test);
	bus = kmcl_bus_get("loopback");
	if (IS_ERR(bus))
		kunit_skip(test, "no loopback bus");
	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	p->test = test;
	p->bus = bus;
	p->lb = kmcl_bus_priv(bus);
	p->used = kmcl_arena_used(p->lb->arena);
	p->data = kunit_kzalloc(test, 16384, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->data);
	p->bvec = (struct bio_vec) {
		.bv_page = virt_to_page(p->data), .bv_offset = offset_in_page(p->data),
		.bv_len = 16384,
	};
	p->ext = (struct vmb_mdl) { .bvec = &p->bvec, .nr_bvecs = 1, .length = POOR_BYTES };
	init_waitqueue_head(&p->wait);
	guid_gen(&p->instance);
	poor_now = p;
	test->priv = p;
	poor_make(p, &p->server, true);
	poor_make(p, &p->client, false);
	return 0;
}

static void poor_expect_nothing(struct poor *p)
{
	flush_work(&p->lb->work);
	mutex_lock(&p->lb->lock);
	KUNIT_EXPECT_TRUE(p->test, list_empty(&p->lb->ends));
	KUNIT_EXPECT_TRUE(p->test, list_empty(&p->lb->orphans));
	mutex_unlock(&p->lb->lock);
	KUNIT_EXPECT_EQ(p->test, kmcl_arena_used(p->lb->arena), p->used);
}

static void poor_down(struct poor *p)
{
	KUNIT_EXPECT_EQ(p->test, vmb_channel_disable(p->client.ch), 0);
	KUNIT_EXPECT_EQ(p->test, vmb_channel_disable(p->server.ch), 0);
	p->client.failed = 0;
	poor_expect_nothing(p);
}

static void poor_exit(struct kunit *test)
{
	struct poor *p = test->priv;

	fail_stop();
	if (!p)
		return;
	kvfree(p->record);
	if (p->client.ch)
		vmb_channel_disable(p->client.ch);
	if (p->server.ch)
		vmb_channel_disable(p->server.ch);
	if (p->client.ch)
		KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(p->client.ch), 0);
	if (p->server.ch)
		KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(p->server.ch), 0);
	poor_expect_nothing(p);
	kmcl_bus_put(p->bus);
}

/* Up, with both ends running; or what became of it */
static int poor_up(struct poor *p)
{
	int ret;

	ret = vmb_channel_enable(p->server.ch) ?: vmb_channel_start(p->server.ch) ?:
	      vmb_channel_enable(p->client.ch);
	if (ret)
		return ret;
	KUNIT_EXPECT_NE(p->test, wait_event_timeout(p->wait, READ_ONCE(p->client.failed) ||
						    (READ_ONCE(p->client.running) &&
						     READ_ONCE(p->server.running)),
						    POOR_TIMEOUT), 0);
	return READ_ONCE(p->client.failed);
}

static int poor_ping(struct poor *p)
{
	return vmb_channel_send_synchronous_request(p->client.ch, "ping", 4, &p->ext,
						    VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, NULL,
						    NULL, NULL);
}

/* ---- links ---- */

static int link_step(struct fail *f)
{
	struct poor *p = f->priv;
	int ret;

	fail_on(f);
	ret = poor_up(p);
	fail_off(f);
	if (!ret)
		KUNIT_EXPECT_EQ(f->test, poor_ping(p), 0);
	return ret;
}

static void link_down(struct fail *f)
{
	poor_down(f->priv);
}

static void fail_link(struct kunit *test)
{
	struct poor *p = test->priv;
	struct work_struct *server[] = { &p->server.ch->life_work, NULL };
	struct work_struct *client[] = { &p->client.ch->life_work, NULL };
	struct work_struct *plane[] = { &p->lb->work, NULL };
	static const struct fail_case fcs[] = {
		{ "link: the caller", link_step, link_down, link_down, -EIO },
		{ "link: the server's life", link_step, link_down, link_down, -EIO },
		{ "link: the client's life", link_step, link_down, link_down, -EIO },
		{ "link: the control plane", link_step, link_down, link_down, -EIO },
	};

	fail_sweep(test, &fcs[0], p, NULL, 0);
	fail_sweep(test, &fcs[1], p, server, 2);
	fail_sweep(test, &fcs[2], p, client, 2);
	fail_sweep(test, &fcs[3], p, plane, 0);
}

/* ---- on a link ---- */

static int packet_step(struct fail *f)
{
	int ret;

	fail_on(f);
	ret = poor_ping(f->priv);
	fail_off(f);
	return ret;
}

static void packet_failed(struct fail *f)
{
	struct poor *p = f->priv;

	KUNIT_EXPECT_EQ(f->test, p->client.ch->nr_sync, 0);
	KUNIT_EXPECT_EQ(f->test, atomic_read(&p->client.ch->nr_packets), 0);
}

static void fail_external(struct kunit *test)
{
	struct poor *p = test->priv;
	static const struct fail_case fc = {
		.what = "loopback: request with external data", .step = packet_step,
		.failed = packet_failed, .undo = packet_failed,
	};

	KUNIT_ASSERT_EQ(test, poor_up(p), 0);
	fail_sweep(test, &fc, p, NULL, 3);
	poor_down(p);
}

static int create_step(struct fail *f)
{
	struct poor *p = f->priv;
	int ret;

	fail_on(f);
	ret = vmb_channel_create_gpadl_from_buffer(p->client.ch, 0, p->data, POOR_BYTES,
						   &p->handle);
	fail_off(f);
	return ret;
}

static void create_failed(struct fail *f)
{
	struct poor *p = f->priv;

	KUNIT_EXPECT_EQ(f->test, p->client.ch->gpadl_calls, 0);
}

static void create_undo(struct fail *f)
{
	struct poor *p = f->priv;

	KUNIT_EXPECT_EQ(f->test, vmb_channel_delete_gpadl(p->client.ch, p->handle), 0);
}

static int map_step(struct fail *f)
{
	struct poor *p = f->priv;
	int ret;

	fail_on(f);
	ret = vmb_channel_map_gpadl(p->server.ch, 0, p->handle, &p->mdl);
	fail_off(f);
	return ret;
}

static void map_undo(struct fail *f)
{
	struct poor *p = f->priv;

	KUNIT_EXPECT_EQ(f->test, vmb_channel_unmap_gpadl(p->server.ch, p->handle), 0);
}

static void fail_lb_gpadl(struct kunit *test)
{
	struct poor *p = test->priv;
	struct fail none = { .test = test, .priv = p };
	static const struct fail_case create = {
		.what = "loopback: GPADL from a buffer", .step = create_step,
		.failed = create_failed, .undo = create_undo, .peer = -EIO,
	};
	static const struct fail_case map = {
		.what = "loopback: map a GPADL", .step = map_step, .undo = map_undo,
	};

	KUNIT_ASSERT_EQ(test, poor_up(p), 0);
	fail_sweep(test, &create, p, NULL, 4);
	KUNIT_ASSERT_EQ(test, create_step(&none), 0);
	fail_sweep(test, &map, p, NULL, 1);
	create_undo(&none);
	poor_down(p);
}

/* ---- the bus itself ---- */

static int arena_step(struct fail *f)
{
	struct poor *p = f->priv;

	fail_on(f);
	p->arena = kmcl_arena_create(64);
	fail_off(f);
	return PTR_ERR_OR_ZERO(p->arena);
}

static void arena_undo(struct fail *f)
{
	kmcl_arena_destroy(((struct poor *)f->priv)->arena);
}

static void fail_arena(struct kunit *test)
{
	static const struct fail_case fc = {
		.what = "loopback: make an arena", .step = arena_step, .undo = arena_undo,
	};

	fail_sweep(test, &fc, test->priv, NULL, 2);
}

/* ---- its record ---- */

static int record_step(struct fail *f)
{
	struct poor *p = f->priv;
	u64 at, n;
	int ret;

	KUNIT_ASSERT_EQ(f->test, p->bus->ops->bus_freeze(p->bus), 0);
	fail_on(f);
	ret = p->bus->ops->bus_save_begin(p->bus, &p->record_len);
	fail_off(f);
	if (!ret) {
		kvfree(p->record);
		p->record = kvmalloc(p->record_len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(f->test, p->record);
		for (at = 0; at < p->record_len; at += n) {
			n = min_t(u64, p->record_len - at, 5000);
			KUNIT_EXPECT_EQ(f->test, p->bus->ops->bus_save_read(p->bus, at,
									    p->record + at, n), 0);
		}
		p->bus->ops->bus_save_end(p->bus);
	}
	p->bus->ops->bus_thaw(p->bus);
	return ret;
}

/* It goes on, with its GPADL. */
static void record_undo(struct fail *f)
{
	KUNIT_EXPECT_EQ(f->test, poor_ping(f->priv), 0);
}

static int takein_step(struct fail *f)
{
	struct poor *p = f->priv;
	u64 at, n;
	int ret;

	fail_on(f);
	ret = p->bus->ops->bus_restore_begin(p->bus, p->bus->ops->save_version, p->record_len);
	if (!ret) {
		for (at = 0; at < p->record_len && !ret; at += n) {
			n = min_t(u64, p->record_len - at, 5000);
			ret = p->bus->ops->bus_restore_write(p->bus, p->record + at, n);
		}
		if (ret)
			p->bus->ops->bus_restore_end(p->bus, false);
		else
			ret = p->bus->ops->bus_restore_end(p->bus, true);
	}
	fail_off(f);
	return ret;
}

static void takein_failed(struct fail *f)
{
	poor_expect_nothing(f->priv);
}

/* Nobody adopts what came up. */
static void takein_undo(struct fail *f)
{
	struct poor *p = f->priv;

	mutex_lock(&p->lb->lock);
	KUNIT_EXPECT_EQ(f->test, list_count_nodes(&p->lb->ends), 2);
	mutex_unlock(&p->lb->lock);
	p->bus->ops->bus_drop(p->bus);
	takein_failed(f);
}

static void fail_record(struct kunit *test)
{
	struct poor *p = test->priv;
	struct fail none = { .test = test, .priv = p };
	static const struct fail_case save = {
		.what = "loopback: save", .step = record_step, .failed = record_undo,
		.undo = record_undo,
	};
	static const struct fail_case restore = {
		.what = "loopback: restore", .step = takein_step, .failed = takein_failed,
		.undo = takein_undo,
	};

	KUNIT_ASSERT_EQ(test, poor_up(p), 0);
	KUNIT_ASSERT_EQ(test, create_step(&none), 0);
	fail_sweep(test, &save, p, NULL, 3);
	poor_down(p);
	fail_sweep(test, &restore, p, NULL, 8);
}

static struct kunit_case fail_loopback_cases[] = {
	KUNIT_CASE(fail_link),
	KUNIT_CASE(fail_external),
	KUNIT_CASE(fail_lb_gpadl),
	KUNIT_CASE(fail_arena),
	KUNIT_CASE(fail_record),
	{}
};

static struct kunit_suite fail_loopback_suite = {
	.name = "kmcl_fail_loopback",
	.suite_init = fail_suite_init,
	.suite_exit = fail_suite_exit,
	.init = poor_init,
	.exit = poor_exit,
	.test_cases = fail_loopback_cases,
};

kunit_test_suite(fail_loopback_suite);
