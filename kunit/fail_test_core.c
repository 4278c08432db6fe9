// SPDX-License-Identifier: GPL-2.0
/*
 * Channels without memory: made, configured, enabled, sending and receiving.
 */
#include <linux/slab.h>
#include <linux/uuid.h>

#include "core_test.h"
#include "fail_test.h"

static int fail_core_init(struct kunit *test)
{
	fail_require(test);
	return core_init(test);
}

static void fail_core_exit(struct kunit *test)
{
	fail_stop();
	core_exit(test);
}

/* ---- a channel comes to be ---- */

static int no_save(struct vmb_channel *ch, void *buffer, u32 size, u32 *bytes_needed)
{
	return 0;
}

static int no_restore(struct vmb_channel *ch, const void *buffer, u32 size)
{
	return 0;
}

static void no_packet(struct vmb_channel *ch, struct vmb_packet_completion *pkt, void *buffer,
		      u32 length, u32 flags)
{
}

static int make_configure(struct vmb_channel *ch, struct vmb_bus *bus)
{
	struct vmb_channel_state_change_callbacks cb;
	guid_t instance;

	guid_gen(&instance);
	vmb_channel_state_change_callbacks_init(&cb);
	return vmb_channel_init_set_flags(ch, 0) ?:
	       vmb_channel_init_set_client_context_size(ch, 64) ?:
	       vmb_channel_init_set_friendly_name(ch, "without memory") ?:
	       vmb_channel_init_set_maximum_packet_size(ch, 128) ?:
	       vmb_channel_init_set_maximum_packet_count(ch, 16) ?:
	       vmb_channel_init_set_process_packet_callbacks(ch, no_packet, NULL) ?:
	       vmb_channel_init_set_state_change_callbacks(ch, &cb) ?:
	       vmb_channel_init_set_save_restore_state_callbacks(ch, no_save, no_restore) ?:
	       vmb_channel_init_set_drain_deadline(ch, 100) ?:
	       vmb_channel_init_set_subchannel_index(ch, 0) ?:
	       vmb_channel_init_set_processor(ch, -1) ?:
	       vmb_server_channel_init_set_flags(ch, 0) ?:
	       vmb_server_channel_init_set_vmbus_handle(ch, bus) ?:
	       vmb_server_channel_init_set_target_interface_id(ch, &core_type, &instance) ?:
	       vmb_channel_init_set_maximum_external_data(ch, 4096, 1);
}

struct make {
	struct fake_bus *fb;
	struct vmb_channel *ch;
	struct vmb_bus *bus;
};

static int make_step(struct fail *f)
{
	struct make *m = f->priv;
	int ret;

	m->ch = NULL;
	fail_on(f);
	ret = vmb_channel_allocate(NULL, true, &m->ch);
	if (!ret)
		ret = make_configure(m->ch, m->fb->bus);
	fail_off(f);
	if (ret && m->ch)
		KUNIT_EXPECT_EQ(f->test, vmb_channel_cleanup(m->ch), 0);
	return ret;
}

static void make_undo(struct fail *f)
{
	KUNIT_EXPECT_EQ(f->test, vmb_channel_cleanup(((struct make *)f->priv)->ch), 0);
}

static void fail_allocate(struct kunit *test)
{
	struct make m = { .fb = ((struct core_env *)test->priv)->fb };
	static const struct fail_case fc = {
		.what = "allocate a channel", .step = make_step, .undo = make_undo,
	};

	fail_sweep(test, &fc, &m, NULL, 3);
}

static int bus_step(struct fail *f)
{
	struct make *m = f->priv;
	guid_t id;

	guid_gen(&id);
	fail_on(f);
	m->bus = kmcl_bus_register("poor", &id, &m->fb->ops, NULL);
	fail_off(f);
	return PTR_ERR_OR_ZERO(m->bus);
}

static void bus_failed(struct fail *f)
{
	KUNIT_EXPECT_TRUE(f->test, IS_ERR(kmcl_bus_get("poor")));
}

static void bus_undo(struct fail *f)
{
	kmcl_bus_unregister(((struct make *)f->priv)->bus);
}

static void fail_bus(struct kunit *test)
{
	struct make m = { .fb = ((struct core_env *)test->priv)->fb };
	static const struct fail_case fc = {
		.what = "register a bus", .step = bus_step, .failed = bus_failed, .undo = bus_undo,
	};

	fail_sweep(test, &fc, &m, NULL, 1);
}

/* The configuration is fixed: the caches and the table of ids. */
static void prepare_anew(struct fail *f, struct core_chan *c)
{
	static u32 bytes = 5000;

	/* Nothing is fixed any more; and there is no cache for objects of such a size. */
	bytes += 8;
	KUNIT_ASSERT_EQ(f->test, vmb_channel_init_set_maximum_packet_count(c->ch, 16), 0);
	KUNIT_ASSERT_EQ(f->test, vmb_channel_init_set_maximum_packet_size(c->ch, bytes), 0);
}

static int prepare_step(struct fail *f)
{
	struct core_chan *c = f->priv;
	u32 size;

	prepare_anew(f, c);
	fail_on(f);
	size = vmb_channel_sizeof_packet(c->ch);
	fail_off(f);
	return size ? 0 : -ENOMEM;
}

static void prepare_failed(struct fail *f)
{
	struct core_chan *c = f->priv;

	KUNIT_EXPECT_FALSE(f->test, c->ch->prepared);
	KUNIT_EXPECT_EQ(f->test, vmb_channel_init_set_maximum_packet_size(c->ch, 256), 0);
}

static void fail_prepare(struct kunit *test)
{
	static const struct fail_case fc = {
		.what = "fix the configuration", .step = prepare_step, .failed = prepare_failed,
	};

	fail_sweep(test, &fc, core_server(test), NULL, 3);
}

/* ---- its life ---- */

static int run_step(struct fail *f)
{
	struct core_chan *c = f->priv;
	u32 n = core_count(c, CORE_POST_STARTED_END);
	int ret;

	prepare_anew(f, c);
	fail_on(f);
	ret = vmb_channel_enable(c->ch);
	if (!ret) {
		c->link = fake_link_of(c->env->fb, c->ch);
		vmb_channel_start(c->ch);
		fake_open(c->link);
		core_reached(c, CORE_POST_STARTED_END, n + 1);
	}
	fail_off(f);
	if (!ret)
		KUNIT_ASSERT_EQ(f->test, core_count(c, CORE_POST_STARTED_END), n + 1);
	return ret;
}

static void run_failed(struct fail *f)
{
	struct core_chan *c = f->priv;

	KUNIT_EXPECT_EQ(f->test, c->ch->state, KMCL_DISABLED);
	KUNIT_EXPECT_FALSE(f->test, c->ch->attached);
	KUNIT_EXPECT_FALSE(f->test, c->ch->registered);
	KUNIT_EXPECT_NULL(f->test, fake_link_of(c->env->fb, c->ch));
}

/* The way down needs no memory, or has it. */
static int end_step(struct fail *f)
{
	struct core_chan *c = f->priv;
	int ret;

	if (c->ch->state == KMCL_DISABLED)
		core_run(c);
	fail_on(f);
	ret = vmb_channel_pause(c->ch) ?: vmb_channel_start(c->ch) ?: vmb_channel_disable(c->ch);
	fail_off(f);
	return ret;
}

static void run_undo(struct fail *f)
{
	KUNIT_EXPECT_EQ(f->test, vmb_channel_disable(((struct core_chan *)f->priv)->ch), 0);
	run_failed(f);
}

static void fail_run(struct kunit *test, bool server)
{
	struct core_chan *c = server ? core_server(test) : core_client(test);
	struct work_struct *works[] = { &c->ch->life_work, NULL };
	static const struct fail_case up = {
		.what = "enable, start, open", .step = run_step, .failed = run_failed,
		.undo = run_undo,
	};
	static const struct fail_case down = {
		.what = "pause, start, disable", .step = end_step, .undo = run_failed,
	};

	fail_sweep(test, &up, c, NULL, 3);
	fail_sweep(test, &up, c, works, 1);
	fail_sweep(test, &down, c, NULL, 0);
	fail_sweep(test, &down, c, works, 0);
}

static void fail_run_server(struct kunit *test)
{
	fail_run(test, true);
}

static void fail_run_client(struct kunit *test)
{
	fail_run(test, false);
}

/* ---- receiving ---- */

#define RECEIVED 6

/*
 * Without any memory there is the reserve of one: a packet at a time comes in,
 * the others wait in the ring. With memory again the rest comes at once.
 */
static void fail_receive(struct kunit *test, bool passive)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet_completion *pkt;
	u32 i;

	KUNIT_ASSERT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, passive), 0);
	core_run(c);
	fail_all_on(test);
	for (i = 0; i < RECEIVED; i++)
		core_peer_request(c, 10 + i, &i, sizeof(i));
	for (i = 0; i < RECEIVED / 2; i++) {
		pkt = core_received(c, i);
		core_settle(c);
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), i + 1);
		KUNIT_EXPECT_EQ(test, c->link->nr_in, RECEIVED - i - 1);
		KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 1);
		KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
		KUNIT_EXPECT_EQ(test, core_take(c)->id, 10 + i);
	}
	/* The reserve is out again; its end is what goes on with the rest. */
	pkt = core_received(c, i);
	core_settle(c);
	fail_all_off(test);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), i + 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	core_wait(c, CORE_PACKET, RECEIVED);
	for (i++; i < RECEIVED; i++)
		vmb_channel_packet_complete(core_received(c, i), NULL, 0);
	for (i = 0; i < RECEIVED; i++)
		KUNIT_EXPECT_MEMEQ(test, core_event(c, CORE_PACKET, i)->data, &i, sizeof(i));
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), RECEIVED);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, c->ch->stats.faults, 0);
}

static void fail_receive_tasklet(struct kunit *test)
{
	fail_receive(test, false);
}

static void fail_receive_passive(struct kunit *test)
{
	fail_receive(test, true);
}

/* Each allocation of the work in turn: it goes on with the next completion. */
static int poll_step(struct fail *f)
{
	struct core_chan *c = f->priv;
	u32 n, i;

	core_run(c);
	n = core_count(c, CORE_PACKET);
	fail_on(f);
	for (i = 0; i < RECEIVED; i++)
		core_peer_request(c, 1 + i, &i, sizeof(i));
	for (i = 0; i < RECEIVED; i++) {
		vmb_channel_packet_complete(core_received(c, n + i), NULL, 0);
		KUNIT_EXPECT_EQ(f->test, core_take(c)->id, 1 + i);
	}
	fail_off(f);
	core_settle(c);
	KUNIT_EXPECT_EQ(f->test, core_count(c, CORE_PACKET), n + RECEIVED);
	KUNIT_EXPECT_EQ(f->test, c->ch->nr_slots, 0);
	/* What it took from the caches it gives back. */
	KUNIT_EXPECT_EQ(f->test, vmb_channel_disable(c->ch), 0);
	return 0;
}

static void fail_poll(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct work_struct *works[] = { &c->ch->rx_work, NULL };
	static const struct fail_case fc = { .what = "receive work", .step = poll_step };

	KUNIT_ASSERT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	fail_sweep(test, &fc, c, works, 1);
}

static struct kunit_case fail_core_cases[] = {
	KUNIT_CASE(fail_allocate),
	KUNIT_CASE(fail_bus),
	KUNIT_CASE(fail_prepare),
	KUNIT_CASE(fail_run_server),
	KUNIT_CASE(fail_run_client),
	KUNIT_CASE(fail_receive_tasklet),
	KUNIT_CASE(fail_receive_passive),
	KUNIT_CASE(fail_poll),
	{}
};

static struct kunit_suite fail_core_suite = {
	.name = "kmcl_fail_core",
	.suite_init = fail_suite_init,
	.suite_exit = fail_suite_exit,
	.init = fail_core_init,
	.exit = fail_core_exit,
	.test_cases = fail_core_cases,
};

kunit_test_suite(fail_core_suite);
