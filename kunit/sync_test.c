// SPDX-License-Identifier: GPL-2.0
/*
 * The synchronous request.
 */
#include <linux/slab.h>

#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION
#define sync_request	vmb_channel_send_synchronous_request

/* One request, made by a thread of its own */
struct sync_call {
	struct core_chan *c;
	u32 flags;
	const long *timeout;
	u8 answer[32];
	u32 size;
};

static int sync_do(void *arg)
{
	struct sync_call *call = arg;

	return vmb_channel_send_synchronous_request(call->c->ch, "question", 8, NULL, call->flags,
						    call->size ? call->answer : NULL,
						    call->size ? &call->size : NULL,
						    call->timeout);
}

static struct core_kthread *sync_start(struct sync_call *call)
{
	return core_thread_start(call->c->test, sync_do, call);
}

static int sync_plain(struct core_chan *c, u32 flags, const long *timeout)
{
	struct sync_call call = { .c = c, .flags = flags, .timeout = timeout };

	return sync_do(&call);
}

static void sync_answer(struct kunit *test)
{
	struct sync_call call = { .c = core_client_running(test), .flags = WAIT, .size = 32 };
	struct core_kthread *t = sync_start(&call);
	struct fake_packet *p = core_take(call.c);

	KUNIT_EXPECT_EQ(test, p->flags, KMCL_PACKET_WANTS_COMPLETION);
	KUNIT_EXPECT_MEMEQ(test, p->data, "question", 8);
	KUNIT_EXPECT_EQ(test, call.c->ch->nr_sync, 1);
	core_peer_answer(call.c, p->id, "sixteen bytes ok", 16);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, call.size, 16);
	KUNIT_EXPECT_MEMEQ(test, call.answer, "sixteen bytes ok", 16);
	/* Its packet is gone, and nobody else heard of it. */
	KUNIT_EXPECT_EQ(test, atomic_read(&call.c->ch->nr_packets), 0);
	KUNIT_EXPECT_EQ(test, call.c->ch->nr_sync, 0);
	KUNIT_EXPECT_EQ(test, core_count(call.c, CORE_DONE), 0);
}

/* What is beyond the room is cut, and the room not exceeded. */
static void sync_answer_is_cut(struct kunit *test)
{
	struct sync_call call = { .c = core_client_running(test), .flags = WAIT, .size = 8 };
	struct core_kthread *t = sync_start(&call);

	core_peer_answer(call.c, core_take(call.c)->id, "sixteen bytes ok", 16);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, call.size, 8);
	KUNIT_EXPECT_MEMEQ(test, call.answer, "sixteen \0\0\0\0\0\0\0\0", 16);
}

static void sync_answer_unwanted(struct kunit *test)
{
	struct sync_call call = { .c = core_client_running(test), .flags = WAIT };
	struct core_kthread *t = sync_start(&call);

	core_peer_answer(call.c, core_take(call.c)->id, "x", 1);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

/* Without the flag it waits for the ring, not for the peer. */
static void sync_waits_for_ring(struct kunit *test)
{
	struct sync_call call = { .c = core_client_running(test), .size = 8 };
	struct core_kthread *t;

	KUNIT_EXPECT_EQ(test, sync_plain(call.c, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, core_take(call.c)->flags, 0);
	fake_set_room(call.c->link, 0);
	t = sync_start(&call);
	core_until(call.c, READ_ONCE(call.c->ch->nr_queued) == 1);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	fake_set_room(call.c->link, U32_MAX);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, call.size, 0);
	core_take(call.c);
}

static void sync_invalid(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct bio_vec bvec = { .bv_page = c->env->fb->page, .bv_len = 64 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = 64 };
	u8 answer[16], *big = kunit_kzalloc(test, VMB_DEFAULT_PACKET_SIZE + 1, GFP_KERNEL);
	u32 size = 12, large = VMB_DEFAULT_PACKET_SIZE + 1;
	/* So that what is not refused ends, too */
	const long negative = -1, soon = 1;

	KUNIT_ASSERT_NOT_NULL(test, big);
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, "x", 1, NULL, WAIT, answer, &size, &soon),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, "x", 1, NULL, WAIT, answer, NULL, &soon),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &negative), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT | 0x10, &soon), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, NULL, 1, NULL, WAIT, NULL, NULL, &soon), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, big, large, NULL, WAIT, NULL, NULL, &soon),
			-EMSGSIZE);
	/* External memory wants a completion (D14), and a channel that has some. */
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, "x", 1, &mdl, 0, NULL, NULL, &soon), -EINVAL);
	KUNIT_EXPECT_EQ(test, sync_request(c->ch, "x", 1, &mdl, WAIT, NULL, NULL, &soon),
			-EOPNOTSUPP);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sync, 0);
}

static int sync_external_do(void *arg)
{
	struct core_chan *c = arg;
	struct bio_vec bvec = { .bv_page = c->env->fb->page, .bv_len = 64 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = c->priv ? 0 : 64 };

	return vmb_channel_send_synchronous_request(c->ch, "x", 1, &mdl, WAIT, NULL, NULL, NULL);
}

static void sync_external(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct core_kthread *t;
	struct fake_packet *p;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 64, 1), 0);
	core_run(c);
	t = core_thread_start(test, sync_external_do, c);
	p = core_take(c);
	KUNIT_EXPECT_EQ(test, p->type, KMCL_PACKET_GPA_DIRECT);
	core_peer_answer(c, p->id, NULL, 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->ext_length, 64);
	/* Too much; and a chain that makes no sense */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 32, 1), 0);
	core_run(c);
	KUNIT_EXPECT_EQ(test, sync_external_do(c), -EMSGSIZE);
	c->priv = c;
	KUNIT_EXPECT_EQ(test, sync_external_do(c), -EINVAL);
}

static void sync_states(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, NULL), -ENODEV);
	core_run(c);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, NULL), -ESHUTDOWN);
	KUNIT_ASSERT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, NULL), -ENODEV);
}

static void sync_link_ends(struct kunit *test)
{
	struct sync_call call = { .c = core_client_running(test), .flags = WAIT, .size = 16 };
	struct core_kthread *t = sync_start(&call);

	core_take(call.c);
	fake_close(call.c->link, VMB_STOP_PEER_CLOSED);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), -ENODEV);
	KUNIT_EXPECT_EQ(test, call.size, 0);
}

static void sync_no_packet(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(c->ch, 1), 0);
	core_run(c);
	core_packet(c);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, NULL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sync, 0);
}

static void sync_timeout(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	const long timeout = 2;
	u64 id;

	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &timeout), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, c->ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
	id = core_take(c)->id;
	core_peer_answer(c, id, "too late", 8);
	core_peer_message(c, 1, "barrier", 7);
	core_received(c, 0);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_NONE);
}

/* While it is queued, too; then the peer never sees it. */
static void sync_timeout_queued(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	const long timeout = 2;

	fake_set_room(c->link, 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &timeout), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &timeout), -ETIMEDOUT);
	fake_set_room(c->link, U32_MAX);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->ch->late, 0);
}

static void sync_zero_timeout(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	const long zero = 0;
	u32 size = 16;

	KUNIT_EXPECT_EQ(test, vmb_channel_send_synchronous_request(c->ch, "x", 1, NULL, 0, NULL,
								   &size, &zero), 0);
	KUNIT_EXPECT_EQ(test, size, 0);
	core_take(c);
	/* Nobody answers at once. */
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &zero), -ETIMEDOUT);
	core_take(c);
	KUNIT_EXPECT_EQ(test, c->ch->late, 1);
	/* It does not fit: not queued */
	fake_set_room(c->link, 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &zero), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &zero), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, c->ch->nr_queued, 0);
	fake_set_room(c->link, U32_MAX);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

/* A server never waits for its guest. */
static void sync_server(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	const long zero = 0, some = 100;

	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, NULL), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, NULL), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sync_plain(c, WAIT, &zero), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &some), -EOPNOTSUPP);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &zero), 0);
	core_take(c);
	fake_set_room(c->link, 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &zero), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, sync_plain(c, 0, &zero), -ENODEV);
}

static void sync_server_in_callback(struct core_chan *c, struct vmb_packet_completion *pkt,
				    void *buffer, u32 length, u32 flags)
{
	const long zero = 0;

	KUNIT_EXPECT_EQ(c->test, sync_plain(c, 0, &zero), 0);
	vmb_channel_packet_complete(pkt, NULL, 0);
}

/* In softirq, too */
static void sync_server_any_context(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	c->on_packet = sync_server_in_callback;
	core_run(c);
	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->type, KMCL_PACKET_INBAND);
	KUNIT_EXPECT_EQ(test, core_take(c)->type, KMCL_PACKET_COMPLETION);
	KUNIT_EXPECT_FALSE(test, core_event(c, CORE_PACKET, 0)->in_task);
}

static void sync_expect_deadlock(struct core_chan *c)
{
	void *warn = core_warn_begin(c->test);

	KUNIT_EXPECT_EQ(c->test, sync_plain(c, WAIT, NULL), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, warn), 1);
}

static void sync_in_process_packet(struct core_chan *c, struct vmb_packet_completion *pkt,
				   void *buffer, u32 length, u32 flags)
{
	sync_expect_deadlock(c);
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void sync_in_batch(struct core_chan *c, u32 packets)
{
	sync_expect_deadlock(c);
}

static void sync_in_routine(struct core_chan *c, struct vmb_packet *pkt, int status,
			    void *buffer, u32 length)
{
	sync_expect_deadlock(c);
}

static void sync_deadlocks(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct vmb_packet *pkt;

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_opened = sync_expect_deadlock;
	c->on_started = sync_expect_deadlock;
	c->on_suspend = sync_expect_deadlock;
	c->on_closed = sync_expect_deadlock;
	c->on_packet = sync_in_process_packet;
	c->on_batch = sync_in_batch;
	c->on_done = sync_in_routine;
	core_run(c);
	core_peer_request(c, 1, "x", 1);
	core_take(c);
	core_wait(c, CORE_BATCH, 1);
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, WAIT), 0);
	core_take(c);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, 2);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
}

static void sync_in_post_started(struct core_chan *c)
{
	c->priv = ERR_PTR(sync_plain(c, WAIT, NULL));
}

/* The place for it */
static void sync_post_started(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->on_post_started = sync_in_post_started;
	core_enable(c);
	core_open(c);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), 0);
}

/* D7: pausing cancels what PostStarted waits for. */
static void sync_cancelled_by_pause(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->on_post_started = sync_in_post_started;
	core_enable(c);
	core_open(c);
	core_take(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), -ECANCELED);
}

static void sync_freeze(struct vmb_channel *ch, enum kmcl_freeze_level level)
{
	spin_lock_irq(&ch->lock);
	if (level == KMCL_THAWED || ch->nr_sent)
		ch->freeze = level;
	spin_unlock_irq(&ch->lock);
	/* Kicks its life; it is started already. */
	vmb_channel_start(ch);
}

/* Timing out while nothing may be cancelled, it waits for that, and no longer. */
static void sync_timeout_while_frozen(struct kunit *test)
{
	const long timeout = 2;
	struct sync_call call = { .c = core_client_running(test), .flags = WAIT,
				  .timeout = &timeout };
	struct vmb_channel *ch = call.c->ch;
	struct core_kthread *t;

	t = sync_start(&call);
	core_take(call.c);
	sync_freeze(ch, KMCL_FROZEN);
	/* It took too long, could not be cancelled, and waits for the thaw. */
	core_until(call.c, core_thread_ended(t) || waitqueue_active(&ch->life_wait));
	sync_freeze(ch, KMCL_THAWED);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), -ETIMEDOUT);
}

static struct kunit_case sync_cases[] = {
	KUNIT_CASE(sync_answer),
	KUNIT_CASE(sync_answer_is_cut),
	KUNIT_CASE(sync_answer_unwanted),
	KUNIT_CASE(sync_waits_for_ring),
	KUNIT_CASE(sync_invalid),
	KUNIT_CASE(sync_external),
	KUNIT_CASE(sync_states),
	KUNIT_CASE(sync_link_ends),
	KUNIT_CASE(sync_no_packet),
	KUNIT_CASE(sync_timeout),
	KUNIT_CASE(sync_timeout_queued),
	KUNIT_CASE(sync_zero_timeout),
	KUNIT_CASE(sync_server),
	KUNIT_CASE(sync_server_any_context),
	KUNIT_CASE(sync_deadlocks),
	KUNIT_CASE(sync_post_started),
	KUNIT_CASE(sync_cancelled_by_pause),
	KUNIT_CASE(sync_timeout_while_frozen),
	{}
};

static struct kunit_suite sync_suite = {
	.name = "kmcl_sync",
	.init = core_init,
	.exit = core_exit,
	.test_cases = sync_cases,
};

kunit_test_suite(sync_suite);
