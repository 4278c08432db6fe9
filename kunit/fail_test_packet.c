// SPDX-License-Identifier: GPL-2.0
/*
 * Packets and GPADLs without memory.
 */
#include <linux/mm.h>

#include "core_test.h"
#include "fail_test.h"

static int fail_packet_init(struct kunit *test)
{
	fail_require(test);
	return core_init(test);
}

static void fail_packet_exit(struct kunit *test)
{
	fail_stop();
	core_exit(test);
}

struct send {
	struct core_chan *c;
	struct vmb_packet *pkt;
	void *memory;
	u32 packets;
	u32 reserved;
	struct bio_vec bvec;
	struct vmb_mdl mdl;
	u32 handle;
	void *buffer;
};

static struct send *send_make(struct kunit *test, bool server)
{
	struct core_env *env = test->priv;
	struct send *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->c = server ? core_server(test) : core_client(test);
	s->bvec = (struct bio_vec) { .bv_page = env->fb->page, .bv_len = PAGE_SIZE };
	s->mdl = (struct vmb_mdl) { .bvec = &s->bvec, .nr_bvecs = 1, .length = 100 };
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(s->c->ch, 8192, 2), 0);
	core_run(s->c);
	return s;
}

static void send_note(struct send *s)
{
	s->packets = atomic_read(&s->c->ch->nr_packets);
	s->reserved = s->c->env->fb->nr_reserved;
}

static void send_failed(struct fail *f)
{
	struct send *s = f->priv;

	KUNIT_EXPECT_EQ(f->test, atomic_read(&s->c->ch->nr_packets), s->packets);
	KUNIT_EXPECT_EQ(f->test, s->c->env->fb->nr_reserved, s->reserved);
	KUNIT_EXPECT_EQ(f->test, s->c->ch->nr_sync, 0);
	KUNIT_EXPECT_EQ(f->test, s->c->ch->nr_queued, 0);
	KUNIT_EXPECT_EQ(f->test, s->c->ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(f->test, s->c->ch->gpadl_calls, 0);
}

static int packet_step(struct fail *f)
{
	struct send *s = f->priv;

	send_note(s);
	fail_on(f);
	s->pkt = vmb_packet_allocate(s->c->ch);
	fail_off(f);
	return s->pkt ? 0 : -ENOMEM;
}

static void packet_undo(struct fail *f)
{
	vmb_packet_free(((struct send *)f->priv)->pkt);
	send_failed(f);
}

static int initialize_step(struct fail *f)
{
	struct send *s = f->priv;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_packet_initialize(s->c->ch, s->memory, s->c->ch->packet_size);
	fail_off(f);
	return ret;
}

static void initialize_undo(struct fail *f)
{
	KUNIT_EXPECT_EQ(f->test, vmb_packet_uninitialize(((struct send *)f->priv)->memory), 0);
	send_failed(f);
}

static void fail_packet(struct kunit *test)
{
	struct send *s = send_make(test, true);
	static const struct fail_case allocate = {
		.what = "allocate a packet", .step = packet_step, .failed = send_failed,
		.undo = packet_undo,
	};
	static const struct fail_case initialize = {
		.what = "initialise a packet", .step = initialize_step, .failed = send_failed,
		.undo = initialize_undo,
	};

	fail_sweep(test, &allocate, s, NULL, 2);
	s->memory = kunit_kzalloc(test, vmb_channel_sizeof_packet(s->c->ch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->memory);
	fail_sweep(test, &initialize, s, NULL, 1);
}

static int send_step(struct fail *f)
{
	struct send *s = f->priv;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_packet_send(s->pkt, "payload", 7, &s->mdl, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	fail_off(f);
	return ret;
}

static int pfns_step(struct fail *f)
{
	struct send *s = f->priv;
	unsigned long pfn = page_to_pfn(s->bvec.bv_page);
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_packet_send_with_external_pfns(s->pkt, "payload", 7, &pfn, 0, 1,
						 VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	fail_off(f);
	return ret;
}

static void send_undo(struct fail *f)
{
	struct send *s = f->priv;

	/* Its memory stays with the peer: the next send takes some of its own. */
	KUNIT_EXPECT_EQ(f->test, vmb_packet_cancel(s->pkt), 0);
	core_settle(s->c);
	KUNIT_EXPECT_EQ(f->test, s->c->ch->nr_sent, 0);
}

static void fail_send(struct kunit *test)
{
	struct send *s = send_make(test, true);
	struct fail f = { .test = test, .priv = s };
	static const struct fail_case mdl = {
		.what = "send with an MDL", .step = send_step, .failed = send_failed,
		.undo = send_undo,
	};
	static const struct fail_case pfns = {
		.what = "send with pages", .step = pfns_step, .failed = send_failed,
		.undo = send_undo,
	};
	u32 n;

	s->pkt = core_packet(s->c);
	KUNIT_ASSERT_EQ(test, send_step(&f), 0);
	send_undo(&f);
	fail_sweep(test, &mdl, s, NULL, 1);
	fail_sweep(test, &pfns, s, NULL, 2);
	n = core_count(s->c, CORE_DONE);
	KUNIT_ASSERT_EQ(test, send_step(&f), 0);
	core_peer_answer(s->c, s->pkt->id, "x", 1);
	core_wait(s->c, CORE_DONE, n + 1);
	KUNIT_EXPECT_EQ(test, core_event(s->c, CORE_DONE, n)->status, 0);
}

static int sync_step(struct fail *f)
{
	struct send *s = f->priv;
	long timeout = 1;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_channel_send_synchronous_request(s->c->ch, "ask", 3, &s->mdl,
						   VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, NULL, NULL,
						   &timeout);
	fail_off(f);
	/* Nobody answers. */
	return ret == -ETIMEDOUT ? 0 : ret;
}

static int sync_now_step(struct fail *f)
{
	struct send *s = f->priv;
	long timeout = 0;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_channel_send_synchronous_request(s->c->ch, "tell", 4, NULL, 0, NULL, NULL,
						   &timeout);
	fail_off(f);
	return ret;
}

static void fail_sync(struct kunit *test)
{
	struct send *s = send_make(test, false);
	static const struct fail_case wait = {
		.what = "synchronous request", .step = sync_step, .failed = send_failed,
	};
	static const struct fail_case now = {
		.what = "send at once", .step = sync_now_step, .failed = send_failed,
	};

	fail_sweep(test, &wait, s, NULL, 2);
	fail_sweep(test, &now, s, NULL, 2);
}

static int gpadl_step(struct fail *f)
{
	struct send *s = f->priv;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_channel_create_gpadl_from_buffer(s->c->ch, 0, s->buffer, 3 * PAGE_SIZE,
						   &s->handle);
	fail_off(f);
	return ret;
}

static int gpadl_mdl_step(struct fail *f)
{
	struct send *s = f->priv;
	int ret;

	send_note(s);
	fail_on(f);
	ret = vmb_channel_create_gpadl_from_mdl(s->c->ch, 0, &s->mdl, 0, 0, &s->handle);
	fail_off(f);
	return ret;
}

static void gpadl_undo(struct fail *f)
{
	struct send *s = f->priv;

	KUNIT_EXPECT_EQ(f->test, vmb_channel_delete_gpadl(s->c->ch, s->handle), 0);
	send_failed(f);
}

static void fail_gpadl(struct kunit *test)
{
	struct send *s = send_make(test, false);
	static const struct fail_case buffer = {
		.what = "GPADL from a buffer", .step = gpadl_step, .failed = send_failed,
		.undo = gpadl_undo,
	};
	static const struct fail_case mdl = {
		.what = "GPADL from an MDL", .step = gpadl_mdl_step, .failed = send_failed,
		.undo = gpadl_undo,
	};

	s->buffer = kunit_kzalloc(test, 3 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->buffer);
	fail_sweep(test, &buffer, s, NULL, 1);
	fail_sweep(test, &mdl, s, NULL, 0);
}

static struct kunit_case fail_packet_cases[] = {
	KUNIT_CASE(fail_packet),
	KUNIT_CASE(fail_send),
	KUNIT_CASE(fail_sync),
	KUNIT_CASE(fail_gpadl),
	{}
};

static struct kunit_suite fail_packet_suite = {
	.name = "kmcl_fail_packet",
	.suite_init = fail_suite_init,
	.suite_exit = fail_suite_exit,
	.init = fail_packet_init,
	.exit = fail_packet_exit,
	.test_cases = fail_packet_cases,
};

kunit_test_suite(fail_packet_suite);
