// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel's directory in /sys/class/kmcl says.
 */
#include <linux/slab.h>
#include <linux/uuid.h>

#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION

static void sysfs_free(void *page)
{
	free_page((unsigned long)page);
}

/* The file of this name, in @group (NULL: in the directory itself), or NULL */
static struct attribute *sysfs_find(struct core_chan *c, const char *group, const char *name)
{
	const struct attribute_group *const *groups = c->ch->dev.class->dev_groups;
	struct attribute **attr;

	for (; *groups; groups++) {
		if (!group != !(*groups)->name || (group && strcmp(group, (*groups)->name)))
			continue;
		for (attr = (*groups)->attrs; *attr; attr++)
			if (!strcmp((*attr)->name, name))
				return *attr;
	}
	return NULL;
}

/* Read it as sysfs does: a line, here without its end. "?": there is none. */
static const char *sysfs_read(struct core_chan *c, const char *group, const char *name)
{
	struct kobject *kobj = &c->ch->dev.kobj;
	struct attribute *attr = sysfs_find(c, group, name);
	char *text = (char *)get_zeroed_page(GFP_KERNEL);
	ssize_t len;

	KUNIT_ASSERT_NOT_NULL(c->test, text);
	KUNIT_ASSERT_EQ(c->test, kunit_add_action_or_reset(c->test, sysfs_free, text), 0);
	len = attr ? kobj->ktype->sysfs_ops->show(kobj, attr, text) : -ENOENT;
	if (len < 1 || text[len - 1] != '\n')
		return "?";
	text[len - 1] = '\0';
	return text;
}

static void sysfs_expect(struct core_chan *c, const char *name, const char *value)
{
	KUNIT_EXPECT_STREQ_MSG(c->test, sysfs_read(c, NULL, name), value, "%s", name);
}

static void sysfs_expect_count(struct core_chan *c, const char *name, const char *value)
{
	KUNIT_EXPECT_STREQ_MSG(c->test, sysfs_read(c, "counters", name), value, "%s", name);
}

/* Is there such a file, or directory? */
static bool sysfs_shows(struct core_chan *c, const char *name)
{
	struct kernfs_node *node = sysfs_get_dirent(c->ch->dev.kobj.sd, name);

	sysfs_put(node);
	return node;
}

static void sysfs_what_it_is(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *s, *c;
	char text[40];
	guid_t mine;

	guid_gen(&mine);
	s = core_chan_make(test, true, env->fb, &mine);
	c = core_chan_make(test, false, env->fb, &guid_null);
	/* All that is read below is there to be read. */
	KUNIT_EXPECT_TRUE(test, sysfs_shows(s, "role"));
	KUNIT_EXPECT_TRUE(test, sysfs_shows(s, "counters"));
	KUNIT_EXPECT_FALSE(test, sysfs_shows(s, "rolf"));
	KUNIT_EXPECT_TRUE(test, sysfs_shows(s, "subsystem"));
	sysfs_expect(s, "role", "server");
	sysfs_expect(c, "role", "client");
	sysfs_expect(s, "name", vmb_channel_get_friendly_name(s->ch));
	sysfs_expect(s, "bus", env->fb->bus->name);
	snprintf(text, sizeof(text), "%pUl", &env->fb->bus->id);
	sysfs_expect(s, "bus_id", text);
	snprintf(text, sizeof(text), "%pUl", &core_type);
	sysfs_expect(s, "type", text);
	snprintf(text, sizeof(text), "%pUl", &mine);
	sysfs_expect(s, "instance", text);
	sysfs_expect(s, "subchannel", "0");
	snprintf(text, sizeof(text), "%u", s->ch->cfg.max_packet_size);
	sysfs_expect(s, "max_packet_size", text);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(s->ch, 7), 0);
	sysfs_expect(s, "quota", "7");
	/* A client shows whom it is bound to. */
	core_run(c);
	snprintf(text, sizeof(text), "%pUl", &c->ch->instance);
	sysfs_expect(c, "instance", text);
}

static void sysfs_opened(struct core_chan *c)
{
	sysfs_expect(c, "state", "opening");
}

static void sysfs_closed(struct core_chan *c)
{
	sysfs_expect(c, "state", "closing");
}

static void sysfs_state(struct kunit *test)
{
	struct core_chan *s = core_server(test), *c = core_client(test);

	sysfs_expect(s, "state", "disabled");
	sysfs_expect(s, "paused", "1");
	s->on_opened = sysfs_opened;
	s->on_closed = sysfs_closed;
	core_enable(s);
	sysfs_expect(s, "state", "offered");
	core_open(s);
	core_wait_life(s, "O");
	core_settle(s);
	sysfs_expect(s, "state", "open");
	KUNIT_EXPECT_EQ(test, vmb_channel_start(s->ch), 0);
	core_wait_life(s, "ORP");
	sysfs_expect(s, "state", "running");
	sysfs_expect(s, "paused", "0");
	sysfs_expect(s, "link", "new");
	sysfs_expect(s, "stop_reason", "none");
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(s->ch), 0);
	sysfs_expect(s, "state", "suspended");
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(s->ch), 0);
	sysfs_expect(s, "state", "disabled");
	sysfs_expect(s, "stop_reason", "disabled");

	core_enable(c);
	sysfs_expect(c, "state", "waiting");
}

static void sysfs_counters(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt = core_packet(c);

	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, WAIT), 0);
	sysfs_expect_count(c, "queued", "1");
	sysfs_expect_count(c, "sent", "0");
	sysfs_expect_count(c, "packets_out", "0");
	core_open(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(c->ch), 0);
	core_wait_life(c, "ORP");
	sysfs_expect_count(c, "queued", "0");
	sysfs_expect_count(c, "sent", "1");
	sysfs_expect_count(c, "packets_out", "1");

	core_peer_request(c, 1, "x", 1);
	core_received(c, 0);
	sysfs_expect_count(c, "received", "1");
	sysfs_expect_count(c, "taken", "0");
	sysfs_expect_count(c, "packets_in", "1");
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	sysfs_expect_count(c, "received", "0");
	sysfs_expect_count(c, "completions", "0");
	sysfs_expect_count(c, "packets_out", "2");
	KUNIT_EXPECT_STRNEQ(test, sysfs_read(c, "counters", "interrupts"), "0");

	/* Nobody asked for this completion: a fault. */
	sysfs_expect_count(c, "faults", "0");
	sysfs_expect_count(c, "late", "0");
	sysfs_expect_count(c, "stale", "0");
	sysfs_expect_count(c, "refused", "0");
	core_peer_answer(c, 0, NULL, 0);
	core_wait_life(c, "ORPSC");
	sysfs_expect_count(c, "faults", "1");
	sysfs_expect(c, "stop_reason", "malformed");
}

static struct kunit_case sysfs_cases[] = {
	KUNIT_CASE(sysfs_what_it_is),
	KUNIT_CASE(sysfs_state),
	KUNIT_CASE(sysfs_counters),
	{}
};

static struct kunit_suite sysfs_suite = {
	.name = "kmcl_sysfs",
	.init = core_init,
	.exit = core_exit,
	.test_cases = sysfs_cases,
};

kunit_test_suite(sysfs_suite);
