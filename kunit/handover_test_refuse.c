// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that says that its channel cannot be handed over, before anything
 * stops or once it stands still.
 */
#include "save_kit.h"

static struct {
	u32 calls;
	u32 refuse_at;			/* the call that says no, from 0 */
	int error;
	const char *text;		/* NULL: fills all there is, without a NUL */
	struct vmb_channel *channel;	/* of the last call */
	u32 size;
	struct kunit *test;
} refuse;

static int refuse_query(struct vmb_channel *ch, char *reason, u32 size)
{
	refuse.channel = ch;
	refuse.size = size;
	if (refuse.text)
		strscpy(reason, refuse.text, size);
	else
		memset(reason, 'x', size);
	return refuse.calls++ == refuse.refuse_at ? refuse.error : 0;
}

/* One that is asked, and one beside it that is not */
static struct core_chan *refuse_make(struct kunit *test, u32 at, int error, const char *text)
{
	struct core_chan *c;

	refuse.calls = 0;
	refuse.refuse_at = at;
	refuse.error = error;
	refuse.text = text;
	core_server_running(test);
	c = core_client(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_query_handover_callback(c->ch, refuse_query), 0);
	core_run(c);
	return c;
}

static int refuse_freeze(struct kunit *test, struct kmcl_session **s)
{
	*s = kit_session(test);
	(*s)->freezing = true;
	(*s)->handover = true;
	return kmcl_session_freeze(*s, 20000);
}

static void refuse_expect_thawed(struct core_chan *c)
{
	struct core_env *env = c->env;
	struct core_chan *pos;

	list_for_each_entry(pos, &env->chans, node)
		KUNIT_EXPECT_EQ(c->test, pos->ch->freeze, KMCL_THAWED);
	KUNIT_EXPECT_EQ(c->test, env->fb->frozen, 0);
	core_peer_message(c, 1, "on it goes", 10);
	core_wait(c, CORE_PACKET, 1);
}

/* Nobody noticed anything. */
static void refused_before_anything_stops(struct kunit *test)
{
	struct core_chan *c = refuse_make(test, 0, -EBUSY, "not today");
	struct kmcl_session *s;

	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_STREQ(test, s->reason.text, "not today");
	KUNIT_EXPECT_STREQ(test, s->reason.channel, c->ch->cfg.name);
	KUNIT_EXPECT_EQ(test, refuse.calls, 1);
	KUNIT_EXPECT_PTR_EQ(test, refuse.channel, c->ch);
	KUNIT_EXPECT_EQ(test, refuse.size, VMB_MAX_REASON);
	core_settle(c);
	core_expect_life(c, "ORP");
	refuse_expect_thawed(c);
}

/* It came to it between the first question and its Suspend. */
static void refused_once_all_stand_still(struct kunit *test)
{
	struct core_chan *c = refuse_make(test, 1, -EBUSY, "not any more");
	struct kmcl_session *s;

	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_STREQ(test, s->reason.text, "not any more");
	KUNIT_EXPECT_EQ(test, refuse.calls, 2);
	core_wait_life(c, "ORPSRP");
	refuse_expect_thawed(c);
}

/* Asked once more only where it was not said that it is a handover */
static void granted(struct kunit *test)
{
	struct core_chan *c = refuse_make(test, U32_MAX, 0, "no reason");
	struct kmcl_session *s;

	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), 0);
	KUNIT_EXPECT_STREQ(test, s->reason.text, "");
	KUNIT_EXPECT_STREQ(test, s->reason.channel, "");
	s->state = KMCL_SESSION_FROZEN;
	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, kmcl_session_commit(s), 0);
	KUNIT_EXPECT_EQ(test, refuse.calls, 2);
	KUNIT_EXPECT_EQ(test, c->ch->state, KMCL_PARKED);
}

static void refused_at_the_commit(struct kunit *test)
{
	struct core_chan *c = refuse_make(test, 0, -EBUSY, "late");
	struct kmcl_session *s = kit_freeze(test);

	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, refuse.calls, 0);
	KUNIT_EXPECT_EQ(test, kmcl_session_commit(s), -ECANCELED);
	KUNIT_EXPECT_STREQ(test, s->reason.text, "late");
	kit_session_close(test);
	core_wait_life(c, "ORPSRP");
	refuse_expect_thawed(c);
	/* Nothing of it was kept. */
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

static void refused_without_words(struct kunit *test)
{
	struct kmcl_session *s;

	refuse_make(test, 0, -EIO, "");
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_STREQ(test, s->reason.text, "error -5");
}

static void refused_without_an_end(struct kunit *test)
{
	struct kmcl_session *s;

	refuse_make(test, 0, 1, NULL);
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_EQ(test, strnlen(s->reason.text, sizeof(s->reason.text)),
			VMB_MAX_REASON - 1);
}

/* What waits for its state has none to hand over, and that state is not lost. */
static void refused_while_it_waits(struct kunit *test)
{
	struct kmcl_session *s;
	struct kit *k;

	kmcl_store_set_awaiting();
	k = kit_make(test, true, NULL);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_STREQ(test, s->reason.channel, k->c->ch->cfg.name);
	KUNIT_EXPECT_NOT_NULL(test, strstr(s->reason.text, "kmclctl restore"));
	kit_session_close(test);
	/* Where it was not said that it is a handover, the commit asks. */
	s = kit_freeze(test);
	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, kmcl_session_commit(s), -ECANCELED);
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	KUNIT_EXPECT_NULL(test, fake_link_of(k->c->env->fb, k->c->ch));
	/* There is none to come: it is as any other. */
	kmcl_store_release_waiters();
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), 0);
}

static void refuse_restore_waits(struct kit *k, struct vmb_packet *pkt, const void *lib, u32 size)
{
	if (!k->nr_packets)
		wait_for_completion(&k->c->gate);
}

/* Asked in the middle of a restore: that goes on as if nothing had been. */
static void refused_while_restored(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	guid_t instance = k->instance;
	struct core_kthread *t;
	struct kmcl_session *s;

	k->c->env->fb->orphan = k->c->packets[1]->ext_token;
	kit_hand_over(test);
	kit_session_close(test);
	kit_end(k);
	k = kit_make(test, true, &instance);
	refuse.calls = 0;
	refuse.refuse_at = 0;
	refuse.error = -EBUSY;
	refuse.text = "restoring";
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_query_handover_callback(k->c->ch, refuse_query),
			0);
	k->on_restore_packet = refuse_restore_waits;
	t = core_thread_start(test, core_do_enable, k->c);
	core_until(k->c, READ_ONCE(k->nr_restore) == KIT_RECEIVED + 2);
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), -ECANCELED);
	KUNIT_EXPECT_EQ(test, refuse.calls, 1);
	complete_all(&k->c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, k->nr_packets, KIT_PACKETS);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
}

static int refuse_query_ends(struct vmb_channel *ch, char *reason, u32 size)
{
	void *warn = core_warn_begin(refuse.test);

	KUNIT_EXPECT_EQ(refuse.test, vmb_channel_disable(ch), -EDEADLK);
	KUNIT_EXPECT_EQ(refuse.test, core_warn_end(refuse.test, warn), 1);
	return 0;
}

/* It is a callback of the channel like any other (D8). */
static void asked_is_a_callback(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct kmcl_session *s;

	refuse.test = test;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_query_handover_callback(c->ch,
									   refuse_query_ends), 0);
	core_run(c);
	KUNIT_EXPECT_EQ(test, refuse_freeze(test, &s), 0);
}

static struct kunit_case refuse_cases[] = {
	KUNIT_CASE(refused_before_anything_stops),
	KUNIT_CASE(refused_once_all_stand_still),
	KUNIT_CASE(granted),
	KUNIT_CASE(refused_at_the_commit),
	KUNIT_CASE(refused_without_words),
	KUNIT_CASE(refused_without_an_end),
	KUNIT_CASE(refused_while_it_waits),
	KUNIT_CASE(refused_while_restored),
	KUNIT_CASE(asked_is_a_callback),
	{}
};

static struct kunit_suite refuse_suite = {
	.name = "kmcl_handover_refuse",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = refuse_cases,
};

kunit_test_suite(refuse_suite);
