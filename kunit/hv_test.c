// SPDX-License-Identifier: GPL-2.0
/*
 * The module of the hv bus's suites, and what they share.
 */
#include <linux/kmsg_dump.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "hv_test.h"
#include "patience.h"
#include "save_kit.h"

unsigned int kmcl_test_patience = 20;
module_param_named(patience, kmcl_test_patience, uint, 0444);
MODULE_PARM_DESC(patience, "Seconds that a test waits for what has to come");

int hv_init(struct kunit *test)
{
	struct core_env *env = core_env_make(test);

	if (!env)
		return -ENOMEM;
	env->bus = kmcl_bus_get("hv");
	KUNIT_ASSERT_FALSE(test, IS_ERR(env->bus));
	env->host = stand_in_create(test);
	KUNIT_ASSERT_NOT_NULL(test, env->host);
	return 0;
}

void hv_exit(struct kunit *test)
{
	struct core_env *env = test->priv;

	if (!env || IS_ERR_OR_NULL(env->bus))
		return;
	if (env->host)
		stand_in_answer_all(env->host);
	kit_close(test);
	core_env_end(env);
	if (env->host)
		stand_in_destroy(env->host);
	kmcl_bus_put(env->bus);
}

struct core_chan *hv_chan(struct kunit *test, bool server, const guid_t *instance)
{
	struct core_env *env = test->priv;

	return core_chan_make_on(test, server, env->bus, instance);
}

struct stand_in_offer *hv_offer(struct core_chan *c)
{
	return stand_in_offer(hv_host(c->test), &core_type, &c->ch->cfg.instance);
}

struct hv_pair hv_run(struct core_chan *c)
{
	u32 n = core_count(c, CORE_POST_STARTED_END);
	struct hv_pair p = { .c = c };

	KUNIT_ASSERT_EQ(c->test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	p.o = hv_offer(c);
	core_wait(c, CORE_POST_STARTED_END, n + 1);
	return p;
}

struct hv_pair hv_running(struct kunit *test, bool server)
{
	return hv_run(hv_chan(test, server, NULL));
}

struct hv_pair hv_running_sized(struct kunit *test, u32 max, u32 pages)
{
	struct core_chan *c = hv_chan(test, false, NULL);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, max), 0);
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count
			(c->ch, pages, pages), 0);
	return hv_run(c);
}

bool hv_bound(struct stand_in_offer *o)
{
	return wait_event_timeout(o->host->wait, READ_ONCE(o->bound), CORE_TIMEOUT);
}

bool hv_released(struct stand_in_offer *o)
{
	return wait_event_timeout(o->host->wait, !READ_ONCE(o->bound), CORE_TIMEOUT);
}

void hv_wait_disabled(struct core_chan *c)
{
	core_until(c, READ_ONCE(c->ch->state) == KMCL_DISABLED);
}

void hv_take(struct hv_pair *p, struct vmbus_ring_desc *d, void *payload, u32 size)
{
	struct stand_in_ring *ring = &p->o->from_guest;
	struct vmbus_ring_desc next;

	core_until(p->c, vmbus_ring_peek(&ring->end, &next) != -EAGAIN);
	KUNIT_ASSERT_EQ(p->c->test, stand_in_take(p->o, d, NULL, 0, payload, size), 0);
}

void hv_answer(struct hv_pair *p, u64 id, const void *payload, u32 length)
{
	KUNIT_ASSERT_EQ(p->c->test, stand_in_put(p->o, VMBUS_RING_COMPLETION, 0, id, payload,
						 length), 0);
}

static void hv_expect_sends(struct hv_pair *p)
{
	struct vmb_packet *pkt = core_packet(p->c);
	u32 n = core_count(p->c, CORE_DONE);
	struct kunit *test = p->c->test;
	struct vmbus_ring_desc d;
	u64 seen = 0;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "question", 8, NULL, WAIT), 0);
	hv_take(p, &d, &seen, sizeof(seen));
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_INBAND);
	KUNIT_EXPECT_EQ(test, d.flags, VMBUS_RING_FLAG_COMPLETION_REQUESTED);
	KUNIT_EXPECT_MEMEQ(test, &seen, "question", 8);
	hv_answer(p, d.id, "answered", 8);
	core_wait(p->c, CORE_DONE, n + 1);
	KUNIT_EXPECT_EQ(test, core_event(p->c, CORE_DONE, n)->status, 0);
	KUNIT_EXPECT_MEMEQ(test, core_event(p->c, CORE_DONE, n)->data, "answered", 8);
	core_packet_free(p->c, pkt);
}

static void hv_expect_receives(struct hv_pair *p)
{
	u32 n = core_count(p->c, CORE_PACKET);
	struct kunit *test = p->c->test;
	struct vmbus_ring_desc d;
	u64 seen = 0;

	KUNIT_ASSERT_EQ(test, stand_in_put(p->o, VMBUS_RING_INBAND,
					   VMBUS_RING_FLAG_COMPLETION_REQUESTED, 0x1234, "request",
					   8), 0);
	core_wait(p->c, CORE_PACKET, n + 1);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(p->c, CORE_PACKET, n)->data, "request");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(p->c, n), "reply", 6), 0);
	hv_take(p, &d, &seen, sizeof(seen));
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_COMPLETION);
	KUNIT_EXPECT_EQ(test, d.id, 0x1234);
	KUNIT_EXPECT_STREQ(test, (char *)&seen, "reply");
}

void hv_expect_works(struct hv_pair *p)
{
	hv_expect_sends(p);
	hv_expect_receives(p);
}

void hv_fill(u8 *data, u32 length, u32 seed)
{
	u32 i;

	for (i = 0; i < length; i++)
		data[i] = seed + i * 7 + (i >> 8);
}

u8 *hv_data(struct kunit *test, u32 length, u32 seed)
{
	u8 *data = kunit_kzalloc(test, ALIGN(length, 8) + 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	hv_fill(data, length, seed);
	return data;
}

static void hv_free_pages(void *pages)
{
	free_pages((unsigned long)pages, 2);
}

u8 *hv_pages(struct kunit *test)
{
	u8 *pages = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, hv_free_pages, pages), 0);
	return pages;
}

static struct kmsg_dump_iter hv_log;

void hv_log_begin(void)
{
	static char line[1024];
	size_t len;

	kmsg_dump_rewind(&hv_log);
	while (kmsg_dump_get_line(&hv_log, true, line, sizeof(line), &len))
		;
}

bool hv_log_has(const char *what, const char *also)
{
	struct kmsg_dump_iter iter = hv_log;
	static char line[1024];
	size_t len;

	while (kmsg_dump_get_line(&iter, true, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		if (strstr(line, what) && strstr(line, also))
			return true;
	}
	return false;
}

MODULE_DESCRIPTION("KUnit tests for KMCL over hv_vmbus");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
