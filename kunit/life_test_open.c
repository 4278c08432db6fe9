// SPDX-License-Identifier: GPL-2.0
/*
 * Opening that does not come to be: refused, rescinded, overtaken by a close or
 * by vmb_channel_disable(); and whose identity it is.
 */
#include <linux/uuid.h>

#include "core_test.h"

static void t27_open_is_refused(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	core_enable(c);
	kmcl_channel_event_open(c->ch, -ECONNREFUSED);
	core_wait_life(c, "F");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -ECONNREFUSED);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_FALSE(test, c->link->attached);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_OPEN_FAILED);
	core_run(c);
	core_expect_life(c, "FORP");
}

/* The offer goes before the open is granted: somebody has to be told. */
static void t27_rescinded_before_it_is_open(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	core_enable(c);
	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait_life(c, "F");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_RESCINDED);
	core_run(c);
	core_expect_life(c, "FORP");
}

/* Without a callback for it, too, it becomes Disabled. */
static void t27_nobody_to_tell(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_target_pnp(c->ch, &core_type,
								     &core_type, NULL), 0);
	core_enable(c);
	kmcl_channel_event_open(c->ch, -ECONNREFUSED);
	core_until(c, !c->link->attached);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_run(c);
	core_expect_life(c, "ORP");
}

/*
 * What the transport says before attach() returns is there when the channel's
 * life looks: the order is certain.
 */
static enum vmb_stop_reason attach_then_reason;
static int (*attach_plain)(struct vmb_bus *bus, struct vmb_channel *ch,
			   const struct kmcl_link_params *params, void **link,
			   enum vmb_link_state *state);

static int attach_then_close(struct vmb_bus *bus, struct vmb_channel *ch,
			     const struct kmcl_link_params *params, void **link,
			     enum vmb_link_state *state)
{
	int ret = attach_plain(bus, ch, params, link, state);

	kmcl_channel_event_open(ch, 0);
	kmcl_channel_event_close(ch, attach_then_reason);
	return ret;
}

static void close_overtakes_the_open_of_a_server(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_server(test);

	attach_plain = env->fb->ops.attach;
	attach_then_reason = VMB_STOP_PEER_CLOSED;
	env->fb->ops.attach = attach_then_close;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_until(c, c->link->nr_closed == 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_open_done, 1);
	KUNIT_EXPECT_EQ(test, c->link->open_status, -ENODEV);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	core_settle(c);
	core_expect_life(c, "");
	KUNIT_EXPECT_TRUE(test, c->link->attached);
	core_open(c);
	core_wait_life(c, "ORP");
}

static void close_overtakes_the_open_of_a_client(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_client(test);

	attach_plain = env->fb->ops.attach;
	attach_then_reason = VMB_STOP_RESCINDED;
	env->fb->ops.attach = attach_then_close;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait_life(c, "F");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_RESCINDED);
	env->fb->ops.attach = attach_plain;
	core_run(c);
	core_expect_life(c, "FORP");
}

static struct fake_link *get_instance_link;
static void (*get_instance_plain)(void *link, guid_t *instance);

/* The open is decided upon, and the link ends before it is begun. */
static void get_instance_and_close(void *link, guid_t *instance)
{
	get_instance_plain(link, instance);
	fake_close(get_instance_link, VMB_STOP_RESCINDED);
}

static void close_while_opening_begins(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_client(test);

	core_enable(c);
	get_instance_link = c->link;
	get_instance_plain = env->fb->ops.get_instance;
	env->fb->ops.get_instance = get_instance_and_close;
	core_open(c);
	core_wait_life(c, "OC");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(c->ch), VMB_STOP_RESCINDED);
	env->fb->ops.get_instance = get_instance_plain;
	core_until(c, READ_ONCE(c->ch->state) == KMCL_DISABLED);
}

static struct core_chan *attach_gated;
static DECLARE_COMPLETION(attach_entered);

static int attach_then_wait(struct vmb_bus *bus, struct vmb_channel *ch,
			    const struct kmcl_link_params *params, void **link,
			    enum vmb_link_state *state)
{
	int ret = attach_plain(bus, ch, params, link, state);

	kmcl_channel_event_open(ch, 0);
	complete(&attach_entered);
	wait_for_completion(&attach_gated->gate);
	return ret;
}

/* The open is granted, but the consumer no longer wants it: nobody is called. */
static void disable_overtakes_the_open(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_kthread *enabling, *disabling;
	struct core_chan *c;
	bool server;

	attach_plain = env->fb->ops.attach;
	env->fb->ops.attach = attach_then_wait;
	for (server = false;; server = true) {
		c = server ? core_server(test) : core_client(test);
		attach_gated = c;
		reinit_completion(&attach_entered);
		vmb_channel_start(c->ch);
		enabling = core_thread_start(test, core_do_enable, c);
		wait_for_completion(&attach_entered);
		disabling = core_thread_start(test, core_do_disable, c);
		core_until(c, !READ_ONCE(c->ch->want_enabled));
		c->link = fake_link_of(env->fb, c->ch);
		complete_all(&c->gate);
		KUNIT_EXPECT_EQ(test, core_thread_join(test, disabling), 0);
		KUNIT_EXPECT_EQ(test, core_thread_join(test, enabling), 0);
		core_expect_life(c, "");
		KUNIT_EXPECT_EQ(test, c->link->open_status, -ENODEV);
		KUNIT_EXPECT_FALSE(test, c->link->attached);
		if (server)
			break;
	}
	env->fb->ops.attach = attach_plain;
}

static void wait_at_gate(struct core_chan *c)
{
	wait_for_completion(&c->gate);
}

/* While the Opened callback runs it is too late: it gets its Closed. */
static void close_while_opened_runs(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->on_opened = wait_at_gate;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL, 0), -ENODEV);
	complete_all(&c->gate);
	core_wait_life(c, "OC");
	core_until(c, c->link->nr_closed == 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	core_open(c);
	core_wait_life(c, "OCORP");
}

static void disable_while_opened_runs(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;

	c->on_opened = wait_at_gate;
	core_enable(c);
	core_open(c);
	t = core_thread_start(test, core_do_disable, c);
	core_until(c, !READ_ONCE(c->ch->want_enabled));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(c, "OC");
}

static void rescind_while_opened_fails(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->on_opened = wait_at_gate;
	c->opened_ret = -EIO;
	core_enable(c);
	core_open(c);
	fake_close(c->link, VMB_STOP_RESCINDED);
	complete_all(&c->gate);
	core_until(c, !c->link->attached);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "O");
	c->opened_ret = 0;
	core_run(c);
	core_expect_life(c, "OORP");
}

static void (*open_done_plain)(void *link, int status);

/* A server's peer tries again before open_done() has even returned. */
static void open_at_once(void *link, int status)
{
	struct fake_link *l = link;

	open_done_plain(link, status);
	if (status)
		kmcl_channel_event_open(l->channel, 0);
}

static void d01_peer_tries_again_at_once(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_server(test);

	open_done_plain = env->fb->ops.open_done;
	env->fb->ops.open_done = open_at_once;
	c->opened_ret = -EAGAIN;
	c->on_opened = wait_at_gate;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	complete(&c->gate);
	core_wait_life(c, "OO");
	c->opened_ret = 0;
	complete(&c->gate);
	core_wait_life(c, "OORP");
	env->fb->ops.open_done = open_done_plain;
}

static void send_in_opened(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(core_packet(c), "o", 1, NULL, 0), 0);
}

/* What Opened queued before it failed comes back; the next opener never sees it. */
static void d01_rollback_returns_what_was_queued(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->opened_ret = -EPERM;
	c->on_opened = send_in_opened;
	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	core_until(c, c->link->nr_open_done == 1);
	c->on_opened = NULL;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL, 0), -ENODEV);
	c->opened_ret = 0;
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, 1);
	core_settle(c);
	core_expect_life(c, "OORP");
	KUNIT_EXPECT_EQ(test, c->link->nr_out, 0);
}

static void identity_is_taken_once(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *a, *b, *c;
	guid_t instance;

	guid_gen(&instance);
	a = core_chan_make(test, true, env->fb, &instance);
	b = core_chan_make(test, true, env->fb, &instance);
	c = core_chan_make(test, false, env->fb, &instance);
	core_enable(a);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(b->ch), -EEXIST);
	/* It stays Disabled: another thread may disable it without waiting. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(b->ch), 0);
	/* The other end, another sub-channel */
	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_subchannel_index(b->ch, 1), 0);
	core_enable(b);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(b->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_subchannel_index(b->ch, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(b->ch), -EEXIST);
	/* It is free as soon as the other is Disabled. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(a->ch), 0);
	core_enable(b);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(a->ch), -EEXIST);
}

static void identity_is_free_after_a_failure(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *a, *b;
	guid_t instance;

	guid_gen(&instance);
	a = core_chan_make(test, false, env->fb, &instance);
	b = core_chan_make(test, false, env->fb, &instance);
	env->fb->attach_error = -ENOENT;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(a->ch), -ENOENT);
	env->fb->attach_error = 0;
	core_enable(b);
	kmcl_channel_event_open(b->ch, -EIO);
	core_wait_life(b, "F");
	core_enable(a);
}

static void identity_of_another_bus_or_type(struct kunit *test)
{
	static const guid_t other_type = GUID_INIT(0x99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	struct core_env *env = test->priv;
	struct fake_bus *other = fake_bus_create(test, "fake-2", FAKE_CAPS_ALL);
	struct core_chan *a, *b, *c;
	guid_t instance;

	guid_gen(&instance);
	a = core_chan_make(test, true, env->fb, &instance);
	b = core_chan_make(test, true, other, &instance);
	c = core_chan_make(test, true, env->fb, &instance);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(c->ch, &other_type, &instance), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(a->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(b->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_chan_end(b);
	fake_bus_destroy(other);
}

/* Each is bound to an offer of its own. */
static void identity_of_clients_that_take_any(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *a = core_chan_make(test, false, env->fb, &guid_null);
	struct core_chan *b = core_chan_make(test, false, env->fb, &guid_null);

	core_enable(a);
	core_enable(b);
}

static struct kunit_case life_open_cases[] = {
	KUNIT_CASE(t27_open_is_refused),
	KUNIT_CASE(t27_rescinded_before_it_is_open),
	KUNIT_CASE(t27_nobody_to_tell),
	KUNIT_CASE(close_overtakes_the_open_of_a_server),
	KUNIT_CASE(close_overtakes_the_open_of_a_client),
	KUNIT_CASE(close_while_opening_begins),
	KUNIT_CASE(disable_overtakes_the_open),
	KUNIT_CASE(close_while_opened_runs),
	KUNIT_CASE(disable_while_opened_runs),
	KUNIT_CASE(rescind_while_opened_fails),
	KUNIT_CASE(d01_peer_tries_again_at_once),
	KUNIT_CASE(d01_rollback_returns_what_was_queued),
	KUNIT_CASE(identity_is_taken_once),
	KUNIT_CASE(identity_is_free_after_a_failure),
	KUNIT_CASE(identity_of_another_bus_or_type),
	KUNIT_CASE(identity_of_clients_that_take_any),
	{}
};

static struct kunit_suite life_open_suite = {
	.name = "kmcl_life_open",
	.init = core_init,
	.exit = core_exit,
	.test_cases = life_open_cases,
};

kunit_test_suite(life_open_suite);
