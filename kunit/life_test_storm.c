// SPDX-License-Identifier: GPL-2.0
/*
 * Many things at once: threads that pause, start, enable, disable and send,
 * a peer that opens and closes as it likes, packets in between. Whatever the
 * order: callbacks come in pairs (D8), and every packet ends once.
 */
#include <linux/random.h>
#include <linux/slab.h>

#include "core_test.h"

#define STORM_ROUNDS	300

struct storm {
	struct core_chan *c;
	atomic_t bad;
	atomic_t sent;
	atomic_t ended;
	bool stop;
};

/* Does @life obey the grammar? Opened fails never here. */
static bool storm_life_ok(const char *life)
{
	enum { CLOSED, OPEN, STARTED, RUNNING } state = CLOSED;

	for (; *life; life++) {
		switch (*life) {
		case 'O':
			if (state != CLOSED)
				return false;
			state = OPEN;
			break;
		case 'R':
			if (state != OPEN)
				return false;
			state = STARTED;
			break;
		case 'P':
			if (state != STARTED)
				return false;
			state = RUNNING;
			break;
		case 'S':
			if (state != STARTED && state != RUNNING)
				return false;
			state = OPEN;
			break;
		case 'C':
			if (state != OPEN)
				return false;
			state = CLOSED;
			break;
		case 'F':
			if (state != CLOSED)
				return false;
			break;
		}
	}
	return true;
}

static void storm_check(struct core_chan *c)
{
	char *life = c->life;

	/* The tail says more than the head. */
	if (c->nr_life > 60)
		life += c->nr_life - 60;
	KUNIT_EXPECT_TRUE_MSG(c->test, storm_life_ok(c->life), "life ends with %s", life);
	KUNIT_EXPECT_EQ(c->test, core_count(c, CORE_OPENED), core_count(c, CORE_CLOSED));
	KUNIT_EXPECT_EQ(c->test, core_count(c, CORE_STARTED), core_count(c, CORE_SUSPEND));
}

static int storm_pause_start(void *arg)
{
	struct storm *s = arg;
	int i;

	for (i = 0; i < STORM_ROUNDS; i++) {
		if (vmb_channel_pause(s->c->ch))
			atomic_inc(&s->bad);
		if (vmb_channel_start(s->c->ch))
			atomic_inc(&s->bad);
		if (i % 16 == 0)
			cond_resched();
	}
	return 0;
}

static int storm_enable_disable(void *arg)
{
	struct storm *s = arg;
	int i, ret;

	for (i = 0; i < STORM_ROUNDS; i++) {
		ret = vmb_channel_enable(s->c->ch);
		if (ret && ret != -EBUSY)
			atomic_inc(&s->bad);
		vmb_channel_start(s->c->ch);
		if (i % 3)
			cond_resched();
		if (vmb_channel_disable(s->c->ch))
			atomic_inc(&s->bad);
	}
	return 0;
}

/* The peer of a server: opens, closes when that was granted, waits for closed. */
static int storm_peer(void *arg)
{
	struct storm *s = arg;
	struct fake_link *link = s->c->link;
	u32 opens = READ_ONCE(link->nr_open_done), closes = READ_ONCE(link->nr_closed);
	int i;

	for (i = 0; i < STORM_ROUNDS; i++) {
		fake_open(link);
		while (READ_ONCE(link->nr_open_done) == opens)
			cond_resched();
		opens++;
		if (i % 2)
			fake_put(link, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, i + 1,
				 NULL, 0, "storm", 5);
		fake_close(link, VMB_STOP_PEER_CLOSED);
		while (READ_ONCE(link->nr_closed) == closes)
			cond_resched();
		closes++;
	}
	return 0;
}

static void storm_sent_done(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct storm *s = vmb_packet_get_pointer(pkt);

	atomic_inc(&s->ended);
	vmb_packet_free(pkt);
}

static int storm_send(void *arg)
{
	struct storm *s = arg;
	struct vmb_packet *pkt;

	while (!READ_ONCE(s->stop)) {
		pkt = vmb_packet_allocate(s->c->ch);
		if (!pkt) {
			cond_resched();
			continue;
		}
		vmb_packet_set_pointer(pkt, s);
		vmb_packet_set_completion_routine(pkt, storm_sent_done);
		atomic_inc(&s->sent);
		if (vmb_packet_send(pkt, "storm", 5, NULL, get_random_u8() % 2 ?
				    VMB_PACKET_FLAG_WAIT_FOR_COMPLETION : 0)) {
			atomic_dec(&s->sent);
			vmb_packet_free(pkt);
		}
		cond_resched();
	}
	return 0;
}

/* The peer answers what it is sent, and asks something itself now and then. */
static int storm_answer(void *arg)
{
	struct storm *s = arg;
	struct fake_link *link = s->c->link;
	struct fake_packet *p;
	u64 id = 1000;

	while (!READ_ONCE(s->stop)) {
		p = fake_take(link);
		if (p && p->type == KMCL_PACKET_INBAND && p->flags && get_random_u8() % 8)
			fake_put(link, KMCL_PACKET_COMPLETION, 0, p->id, NULL, 0, "ok", 2);
		kfree(p);
		if (get_random_u8() % 8 == 0 && READ_ONCE(link->nr_in) < 64)
			fake_put(link, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, id++,
				 NULL, 0, "ask", 3);
		cond_resched();
	}
	return 0;
}

static struct storm *storm_make(struct kunit *test, struct core_chan *c)
{
	struct storm *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->c = c;
	c->complete_inline = true;
	return s;
}

static void storm_end(struct kunit *test, struct storm *s)
{
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(s->c->ch), 0);
	core_settle(s->c);
	storm_check(s->c);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->bad), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->sent), atomic_read(&s->ended));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->c->ch->nr_packets), 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->nr_held, 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->nr_taken, 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->nr_queued, 0);
	KUNIT_EXPECT_EQ(test, s->c->ch->stats.faults, 0);
}

static void storm_yield(struct core_chan *c)
{
	cond_resched();
}

static void pauses_and_starts(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct storm *s = storm_make(test, c);
	struct core_kthread *t[4], *traffic[2];
	int i;

	c->on_started = storm_yield;
	c->on_post_started = storm_yield;
	c->on_suspend = storm_yield;
	traffic[0] = core_thread_start(test, storm_send, s);
	traffic[1] = core_thread_start(test, storm_answer, s);
	for (i = 0; i < 4; i++)
		t[i] = core_thread_start(test, storm_pause_start, s);
	for (i = 0; i < 4; i++)
		core_thread_join(test, t[i]);
	WRITE_ONCE(s->stop, true);
	for (i = 0; i < 2; i++)
		core_thread_join(test, traffic[i]);
	/* The last word was to start: it runs, and sends. */
	core_until(c, READ_ONCE(c->ch->running) && !READ_ONCE(c->ch->life_task));
	core_settle(c);
	KUNIT_EXPECT_EQ(test, (int)c->ch->tx_mode, KMCL_TX_RUN);
	KUNIT_EXPECT_EQ(test, (int)c->ch->rx_mode, KMCL_RX_ON);
	storm_end(test, s);
}

static void opens_and_closes(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct storm *s = storm_make(test, c);
	struct core_kthread *t;

	core_enable(c);
	vmb_channel_start(c->ch);
	t = core_thread_start(test, storm_peer, s);
	core_thread_join(test, t);
	storm_end(test, s);
	KUNIT_EXPECT_EQ(test, c->link->nr_closed, STORM_ROUNDS);
}

static void opens_closes_pauses_and_sends(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct storm *s = storm_make(test, c);
	struct core_kthread *t[3], *sender;
	int i;

	core_enable(c);
	vmb_channel_start(c->ch);
	sender = core_thread_start(test, storm_send, s);
	t[0] = core_thread_start(test, storm_peer, s);
	t[1] = core_thread_start(test, storm_pause_start, s);
	t[2] = core_thread_start(test, storm_pause_start, s);
	for (i = 0; i < 3; i++)
		core_thread_join(test, t[i]);
	WRITE_ONCE(s->stop, true);
	core_thread_join(test, sender);
	storm_end(test, s);
}

static int (*storm_attach_plain)(struct vmb_bus *bus, struct vmb_channel *ch,
				 const struct kmcl_link_params *params, void **link,
				 enum vmb_link_state *state);

/* A peer for whom every offer opens at once, and every third one closes again */
static int storm_attach(struct vmb_bus *bus, struct vmb_channel *ch,
			const struct kmcl_link_params *params, void **link,
			enum vmb_link_state *state)
{
	static atomic_t n;
	int ret = storm_attach_plain(bus, ch, params, link, state);
	int i = atomic_inc_return(&n);

	if (!ret && i % 5)
		kmcl_channel_event_open(ch, i % 7 ? 0 : params->server ? 0 : -EIO);
	if (!ret && i % 3 == 0)
		kmcl_channel_event_close(ch, VMB_STOP_RESCINDED);
	return ret;
}

static void storm_of_enables(struct kunit *test, struct core_chan *c)
{
	struct core_env *env = test->priv;
	struct storm *s = storm_make(test, c);
	struct core_kthread *t[4];
	int i;

	storm_attach_plain = env->fb->ops.attach;
	env->fb->ops.attach = storm_attach;
	for (i = 0; i < 3; i++)
		t[i] = core_thread_start(test, storm_enable_disable, s);
	t[3] = core_thread_start(test, storm_pause_start, s);
	for (i = 0; i < 4; i++)
		core_thread_join(test, t[i]);
	storm_end(test, s);
	env->fb->ops.attach = storm_attach_plain;
}

static void server_enables_and_disables(struct kunit *test)
{
	storm_of_enables(test, core_server(test));
}

static void client_enables_and_disables(struct kunit *test)
{
	storm_of_enables(test, core_client(test));
}

static int storm_life(void *arg)
{
	struct storm *s = arg;
	int i;

	for (i = 0; i < STORM_ROUNDS / 4; i++) {
		if (vmb_channel_enable(s->c->ch))
			atomic_inc(&s->bad);
		if (vmb_channel_start(s->c->ch) || vmb_channel_pause(s->c->ch) ||
		    vmb_channel_start(s->c->ch) || vmb_channel_disable(s->c->ch))
			atomic_inc(&s->bad);
	}
	return 0;
}

/* Channels of one bus do not get in each other's way. */
static void many_channels(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_kthread *t[8];
	struct storm *s[8];
	int i;

	storm_attach_plain = env->fb->ops.attach;
	env->fb->ops.attach = storm_attach;
	for (i = 0; i < 8; i++) {
		s[i] = storm_make(test, i % 2 ? core_server(test) : core_client(test));
		t[i] = core_thread_start(test, storm_life, s[i]);
	}
	for (i = 0; i < 8; i++) {
		core_thread_join(test, t[i]);
		storm_end(test, s[i]);
	}
	env->fb->ops.attach = storm_attach_plain;
}

static void disable_under_traffic(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct storm *s = storm_make(test, c);
	struct core_kthread *sender, *answer;
	int i;

	for (i = 0; i < 30; i++) {
		core_run(c);
		s->stop = false;
		sender = core_thread_start(test, storm_send, s);
		answer = core_thread_start(test, storm_answer, s);
		while (atomic_read(&s->ended) < 20 * (i + 1))
			cond_resched();
		KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
		WRITE_ONCE(s->stop, true);
		core_thread_join(test, sender);
		/* The link is without a channel, its lists are not. */
		core_thread_join(test, answer);
	}
	storm_end(test, s);
}

static struct kunit_case life_storm_cases[] = {
	KUNIT_CASE(pauses_and_starts),
	KUNIT_CASE(opens_and_closes),
	KUNIT_CASE(opens_closes_pauses_and_sends),
	KUNIT_CASE(server_enables_and_disables),
	KUNIT_CASE(client_enables_and_disables),
	KUNIT_CASE(many_channels),
	KUNIT_CASE(disable_under_traffic),
	{}
};

static struct kunit_suite life_storm_suite = {
	.name = "kmcl_life_storm",
	.init = core_init,
	.exit = core_exit,
	.test_cases = life_storm_cases,
};

kunit_test_suite(life_storm_suite);
