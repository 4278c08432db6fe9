// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of the core share on their fake bus.
 */
#include <linux/slab.h>

#include "core_test.h"

/* A fake bus of this name, with these KMCL_CAP_* */
int core_init_caps(struct kunit *test, const char *name, u32 caps)
{
	struct core_env *env = core_env_make(test);

	if (!env)
		return -ENOMEM;
	env->fb = fake_bus_create(test, name, caps);
	env->bus = env->fb->bus;
	return 0;
}

int core_init(struct kunit *test)
{
	return core_init_caps(test, "fake", FAKE_CAPS_ALL);
}

void core_exit(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct fake_packet *p, *tmp;

	if (!env)
		return;
	core_env_end(env);
	list_for_each_entry_safe(p, tmp, &env->taken, node) {
		list_del(&p->node);
		kfree(p);
	}
	KUNIT_EXPECT_EQ(test, env->fb->nr_reserved, 0);
	KUNIT_EXPECT_EQ(test, env->fb->nr_pinned, 0);
	KUNIT_EXPECT_EQ(test, env->fb->frozen, 0);
	fake_bus_destroy(env->fb);
}

struct core_chan *core_chan_make(struct kunit *test, bool server, struct fake_bus *fb,
				 const guid_t *instance)
{
	return core_chan_make_on(test, server, fb->bus, instance);
}

struct core_chan *core_server(struct kunit *test)
{
	struct core_env *env = test->priv;

	return core_chan_make(test, true, env->fb, NULL);
}

struct core_chan *core_client(struct kunit *test)
{
	struct core_env *env = test->priv;

	return core_chan_make(test, false, env->fb, NULL);
}

void core_enable(struct core_chan *c)
{
	KUNIT_ASSERT_EQ(c->test, vmb_channel_enable(c->ch), 0);
	c->link = fake_link_of(c->env->fb, c->ch);
	KUNIT_ASSERT_NOT_NULL(c->test, c->link);
}

void core_open(struct core_chan *c)
{
	u32 n = core_count(c, CORE_OPENED);

	fake_open(c->link);
	core_wait(c, CORE_OPENED, n + 1);
}

void core_run(struct core_chan *c)
{
	u32 n = core_count(c, CORE_POST_STARTED_END);

	core_enable(c);
	vmb_channel_start(c->ch);
	core_open(c);
	core_wait(c, CORE_POST_STARTED_END, n + 1);
}

struct core_chan *core_server_running(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	core_run(c);
	return c;
}

struct core_chan *core_client_running(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	core_run(c);
	return c;
}

static void core_put(struct core_chan *c, u16 type, u16 flags, u64 id, const void *payload,
		     u32 length)
{
	KUNIT_ASSERT_EQ(c->test, fake_put(c->link, type, flags, id, NULL, 0, payload, length), 0);
}

void core_peer_request(struct core_chan *c, u64 id, const void *payload, u32 length)
{
	core_put(c, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, id, payload, length);
}

void core_peer_message(struct core_chan *c, u64 id, const void *payload, u32 length)
{
	core_put(c, KMCL_PACKET_INBAND, 0, id, payload, length);
}

void core_peer_answer(struct core_chan *c, u64 id, const void *payload, u32 length)
{
	core_put(c, KMCL_PACKET_COMPLETION, 0, id, payload, length);
}

struct fake_packet *core_take(struct core_chan *c)
{
	struct fake_packet *p = NULL;

	wait_event_timeout(c->link->bus->wait, (p = fake_take(c->link)), CORE_TIMEOUT);
	KUNIT_ASSERT_NOT_NULL_MSG(c->test, p, "nothing was published");
	list_add_tail(&p->node, &c->env->taken);
	return p;
}
