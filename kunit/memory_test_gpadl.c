// SPDX-License-Identifier: GPL-2.0
/*
 * External memory of received packets, and GPADLs.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "core_test.h"

/* The fake bus's only GPADL */
#define HANDLE	0xe1e10
#define get_external	vmb_channel_packet_get_external_data
#define create_from_buffer	vmb_channel_create_gpadl_from_buffer

static struct core_chan *gpa_server(struct kunit *test, bool passive)
{
	struct core_chan *c = core_server(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 4096, 2), 0);
	vmb_channel_set_incoming_processing_at_passive(c->ch, passive);
	return c;
}

static void gpa_put(struct core_chan *c, u64 id)
{
	const __le32 ranges[] = { 0, cpu_to_le32(1), cpu_to_le32(100), 0, cpu_to_le32(7), 0 };

	KUNIT_ASSERT_EQ(c->test, fake_put(c->link, KMCL_PACKET_GPA_DIRECT, 1, id, ranges,
					  sizeof(ranges), &id, sizeof(id)), 0);
}

static void gpa_pinned_until_completed(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, false);
	struct vmb_packet_completion *pkt;
	struct vmb_mdl *mdl, *again;

	core_run(c);
	gpa_put(c, 5);
	pkt = core_received(c, 0);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PACKET, 0)->flags,
			VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	KUNIT_ASSERT_EQ(test, get_external(pkt, 0, &mdl), 0);
	KUNIT_EXPECT_EQ(test, mdl->length, 100);
	KUNIT_EXPECT_EQ(test, mdl->nr_bvecs, 1);
	KUNIT_EXPECT_PTR_EQ(test, mdl->bvec->bv_page, c->env->fb->page);
	KUNIT_EXPECT_NULL(test, mdl->next);
	/* Again: the same, pinned once; less is in it. */
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &again), 0);
	KUNIT_EXPECT_PTR_EQ(test, mdl, again);
	KUNIT_EXPECT_EQ(test, get_external(pkt, VMB_EXTERNAL_DATA_FLAG_READ_ONLY, &again), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 0);
	core_take(c);
	/* It is released even where the answer has to wait, and with a failure. */
	fake_set_room(c->link, 0);
	gpa_put(c, 6);
	KUNIT_ASSERT_EQ(test, get_external(core_received(c, 1), 0, &mdl), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 1), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 0);
	gpa_put(c, 7);
	KUNIT_ASSERT_EQ(test, get_external(core_received(c, 2), 0, &mdl), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_fail(core_received(c, 2)), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 0);
}

static void gpa_returns(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, false);
	struct vmb_packet_completion *pkt;
	struct vmb_mdl *mdl;
	void *warn;

	core_run(c);
	core_peer_request(c, 1, "x", 1);
	KUNIT_EXPECT_EQ(test, get_external(core_received(c, 0), 0, &mdl),
			-EINVAL);
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	gpa_put(c, 2);
	pkt = core_received(c, 1);
	/* Its callback has returned. */
	core_wait(c, CORE_BATCH, 2);
	KUNIT_EXPECT_EQ(test, get_external(pkt, 2, &mdl), -EINVAL);
	c->env->fb->gpa_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -EFAULT);
	c->env->fb->gpa_error = -EACCES;
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -EACCES);
	c->env->fb->gpa_error = 0;
	/* Not there yet, and too late to be called again */
	c->env->fb->gpa_wait = true;
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -EAGAIN);
	c->env->fb->gpa_wait = false;
	/* What was had for reading is not for writing. */
	KUNIT_EXPECT_EQ(test, get_external(pkt, VMB_EXTERNAL_DATA_FLAG_READ_ONLY, &mdl), 0);
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -EACCES);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	/* The link ends */
	gpa_put(c, 3);
	pkt = core_received(c, 2);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait(c, CORE_SUSPEND, 1);
	KUNIT_EXPECT_EQ(test, get_external(pkt, 0, &mdl), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(pkt, NULL, 0), 0);
	core_wait(c, CORE_CLOSED, 1);
}

/* What was pinned stays so after the link ended, until it is completed. */
static void gpa_pinned_over_close(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, false);
	struct vmb_mdl *mdl;

	core_run(c);
	gpa_put(c, 1);
	KUNIT_ASSERT_EQ(test, get_external(core_received(c, 0), 0, &mdl), 0);
	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait(c, CORE_SUSPEND, 1);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	core_wait(c, CORE_CLOSED, 1);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 0);
}

/* Gets its memory; returns where that is not there. */
static void gpa_get_or_wait(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
			    u32 length, u32 flags)
{
	struct vmb_mdl *mdl;
	int ret;

	ret = flags ? get_external(pkt, 0, &mdl) : 0;
	if (ret != -EINPROGRESS) {
		KUNIT_EXPECT_EQ(c->test, ret, 0);
		vmb_channel_packet_complete(pkt, NULL, 0);
	}
}

static void d12_waits_for_external_data(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, false);

	c->on_packet = gpa_get_or_wait;
	c->env->fb->gpa_wait = true;
	core_run(c);
	gpa_put(c, 1);
	core_peer_request(c, 2, "behind", 6);
	core_wait(c, CORE_PACKET, 1);
	core_settle(c);
	/* First in line: what is behind waits, too. */
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_held, 0);
	KUNIT_EXPECT_EQ(test, c->ch->nr_taken, 2);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_BATCH), 0);
	/* Not delivered: pause does not wait for it. */
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	c->env->fb->gpa_wait = false;
	kmcl_channel_external_ready(c->ch);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	vmb_channel_start(c->ch);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 2);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 3);
	KUNIT_EXPECT_PTR_EQ(test, core_received(c, 0), core_received(c, 1));
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_pinned, 0);
}

/* Ready, and again not: it comes as often as it takes. */
static void gpa_waits_again(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, true);
	u32 i;

	c->on_packet = gpa_get_or_wait;
	c->env->fb->gpa_wait = true;
	core_run(c);
	gpa_put(c, 1);
	for (i = 1; i < 5; i++) {
		core_wait(c, CORE_PACKET, i);
		core_settle(c);
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), i);
		if (i == 4)
			c->env->fb->gpa_wait = false;
		kmcl_channel_external_ready(c->ch);
	}
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 5);
}

static void gpa_waiting_at_close(struct kunit *test)
{
	struct core_chan *c = gpa_server(test, false);

	c->on_packet = gpa_get_or_wait;
	c->env->fb->gpa_wait = true;
	core_run(c);
	gpa_put(c, 1);
	core_wait(c, CORE_PACKET, 1);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait_life(c, "ORPSC");
	kmcl_channel_external_ready(c->ch);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 1);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
}

static void gpadl_create(struct kunit *test)
{
	struct core_chan *c = core_client_running(test), *s = core_server_running(test);
	u8 *small = kunit_kzalloc(test, 100, GFP_KERNEL), *large = vmalloc(3 * PAGE_SIZE);
	struct bio_vec bvec = { .bv_page = c->env->fb->page, .bv_len = 4096 };
	struct vmb_mdl mdl = { .bvec = &bvec, .nr_bvecs = 1, .length = 4096 };
	u32 handle = 0;

	KUNIT_ASSERT_NOT_NULL(test, large);
#define create(chan, flags, offset, length) \
	vmb_channel_create_gpadl_from_mdl((chan)->ch, flags, &mdl, offset, length, &handle)
	KUNIT_EXPECT_EQ(test, create(c, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, handle, HANDLE);
	KUNIT_EXPECT_EQ(test, c->ch->gpadl_calls, 0);
	KUNIT_EXPECT_EQ(test, create(c, VMB_GPADL_FLAG_READ_ONLY, 4095, 1), 0);
	KUNIT_EXPECT_EQ(test, create(c, 2, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, create(c, 0, 4096, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, create(c, 0, 1, 4096), -EINVAL);
	KUNIT_EXPECT_EQ(test, create(s, 0, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_create_gpadl_from_mdl(c->ch, 0, NULL, 0, 8, &handle),
			-EINVAL);
	mdl.length = 0;
	KUNIT_EXPECT_EQ(test, create(c, 0, 0, 0), -EINVAL);
	mdl.length = 4096;
	KUNIT_EXPECT_EQ(test, create_from_buffer(c->ch, 0, small, 100, &handle), 0);
	KUNIT_EXPECT_EQ(test, create_from_buffer(c->ch, 0, large + 100, 2 * PAGE_SIZE,
						 &handle), 0);
	KUNIT_EXPECT_EQ(test, create_from_buffer(c->ch, 0, NULL, 8, &handle), -EINVAL);
	KUNIT_EXPECT_EQ(test, create_from_buffer(c->ch, 0, small, 0, &handle), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(c->ch, HANDLE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(c->ch, HANDLE + 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(s->ch, HANDLE), -EINVAL);
	/* Being saved; and without a link */
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, create(c, 0, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(c->ch), 0);
	KUNIT_EXPECT_EQ(test, create(c, 0, 0, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(c->ch, HANDLE), -ESHUTDOWN);
	vmb_channel_save_end(c->ch);
	KUNIT_ASSERT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, create(c, 0, 0, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(c->ch, HANDLE), -ENODEV);
#undef create
	vfree(large);
}

static void gpadl_unsupported(struct kunit *test)
{
	struct core_chan *c = core_client_running(test), *s = core_server_running(test);
	struct vmb_mdl *mdl;
	u32 handle;
	u8 x;

	c->env->fb->ops.caps &= ~KMCL_CAP_GPADL;
	KUNIT_EXPECT_EQ(test, create_from_buffer(c->ch, 0, &handle, 1, &handle),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, HANDLE, &mdl), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(s->ch, HANDLE), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, create_from_buffer(s->ch, 0, &x, 1, &handle), -EINVAL);
}

static void gpadl_map(struct kunit *test)
{
	struct core_chan *s = core_server(test), *c = core_client_running(test);
	void *text = kunit_kzalloc(test, 8, GFP_KERNEL);
	struct vmb_mdl *mdl;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, HANDLE, &mdl), -ENODEV);
	core_run(s);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 2, HANDLE, &mdl), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(c->ch, 0, HANDLE, &mdl), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, 1, &mdl), -ENOENT);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(s->ch, HANDLE), -ENOENT);
	KUNIT_ASSERT_EQ(test, vmb_channel_map_gpadl(s->ch, VMB_GPADL_FLAG_READ_ONLY, HANDLE, &mdl),
			0);
	KUNIT_EXPECT_PTR_EQ(test, mdl->bvec->bv_page, s->env->fb->page);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, HANDLE, &mdl), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(s->ch, HANDLE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(s->ch, HANDLE), -ENOENT);
	/* What the client allows to be read only */
	KUNIT_ASSERT_EQ(test, create_from_buffer(c->ch, VMB_GPADL_FLAG_READ_ONLY, text, 1,
						 &handle), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, handle, &mdl), -EACCES);
	KUNIT_EXPECT_EQ(test, vmb_channel_map_gpadl(s->ch, VMB_GPADL_FLAG_READ_ONLY, handle, &mdl),
			0);
	KUNIT_EXPECT_EQ(test, vmb_channel_unmap_gpadl(s->ch, handle), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_delete_gpadl(c->ch, handle), 0);
	KUNIT_EXPECT_EQ(test, s->ch->gpadl_calls, 0);
}

static void gpadl_in_closed(struct core_chan *c)
{
	struct vmb_mdl *mdl;

	/* Too late to map; what is mapped can still be given back. */
	KUNIT_EXPECT_EQ(c->test, vmb_channel_map_gpadl(c->ch, 0, HANDLE, &mdl), -ENODEV);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_unmap_gpadl(c->ch, HANDLE), 0);
}

static void gpadl_unmapped_in_closed(struct kunit *test)
{
	struct core_chan *s = core_server_running(test);
	struct vmb_mdl *mdl;

	s->on_closed = gpadl_in_closed;
	KUNIT_ASSERT_EQ(test, vmb_channel_map_gpadl(s->ch, 0, HANDLE, &mdl), 0);
	fake_close(s->link, VMB_STOP_PEER_CLOSED);
	core_wait(s, CORE_CLOSED, 1);
	core_settle(s);
	KUNIT_EXPECT_FALSE(test, s->env->fb->gpadl_mapped);
}

static int gpadl_do_delete(void *arg)
{
	return vmb_channel_delete_gpadl(((struct core_chan *)arg)->ch, HANDLE);
}

static void gpadl_delete_in_suspend(struct core_chan *c)
{
	KUNIT_EXPECT_EQ(c->test, vmb_channel_delete_gpadl(c->ch, HANDLE), 0);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_delete_gpadl(c->ch, HANDLE + 1), -ENOENT);
}

/* A peer that is silent does not hold it up any more. */
static void gpadl_delete_in_closed(struct core_chan *c)
{
	c->env->fb->gpadl_wait = true;
	KUNIT_EXPECT_EQ(c->test, vmb_channel_delete_gpadl(c->ch, HANDLE), -ENODEV);
	KUNIT_EXPECT_TRUE(c->test, c->env->fb->gpadl_aborted);
}

static void gpadl_deleted_at_the_end(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);

	c->on_suspend = gpadl_delete_in_suspend;
	c->on_closed = gpadl_delete_in_closed;
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
}

static void gpadl_closed_at_gate(void *l)
{
	struct fake_link *link = l;
	struct core_chan *c = vmb_channel_get_pointer(link->channel);

	wait_for_completion(&c->gate);
	WRITE_ONCE(link->nr_closed, 1);
}

static int gpadl_do_delete_counting(void *arg)
{
	struct core_chan *c = arg;
	int ret = gpadl_do_delete(c);

	return ret == -ENODEV ? READ_ONCE(c->link->nr_closed) : ret;
}

/* What is left the transport takes back after Closed: nobody gets it before. */
static void gpadl_deleted_after_closed(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct core_kthread *disable, *delete;

	c->env->fb->ops.closed = gpadl_closed_at_gate;
	disable = core_thread_start(test, core_do_disable, c);
	core_until(c, READ_ONCE(c->ch->settling));
	delete = core_thread_start(test, gpadl_do_delete_counting, c);
	/* It waits, or is through already. */
	core_until(c, core_thread_ended(delete) ||
		   READ_ONCE(delete->task->__state) == TASK_UNINTERRUPTIBLE);
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, delete), 1);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, disable), 0);
}

static int gpadl_do_create(void *arg)
{
	struct core_chan *c = arg;
	u32 handle;

	return create_from_buffer(c->ch, 0, c->env, 8, &handle);
}

/* A peer that never acknowledges holds up a call, not the end of the channel. */
static void gpadl_aborted_by_disable(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	struct core_kthread *create, *delete;

	c->env->fb->gpadl_wait = true;
	create = core_thread_start(test, gpadl_do_create, c);
	delete = core_thread_start(test, gpadl_do_delete, c);
	core_until(c, READ_ONCE(c->ch->gpadl_calls) == 2);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(create));
	KUNIT_EXPECT_FALSE(test, core_thread_ended(delete));
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, create), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, delete), -ENODEV);
	/* Closed came after them. */
	core_expect_life(c, "ORPSC");
}

static void gpadl_in_opened(struct core_chan *c)
{
	c->priv = ERR_PTR(gpadl_do_create(c));
}

static void gpadl_from_opened(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->on_opened = gpadl_in_opened;
	core_run(c);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), 0);
}

/* As above, from Opened, which disable has to wait for */
static void gpadl_aborted_in_opened(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	c->env->fb->gpadl_wait = true;
	c->on_opened = gpadl_in_opened;
	core_enable(c);
	fake_open(c->link);
	core_until(c, READ_ONCE(c->ch->gpadl_calls) == 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(c->priv), -ENODEV);
	core_expect_life(c, "OC");
}

static void gpadl_in_process_packet(struct core_chan *c, struct vmb_packet_completion *pkt,
				    void *buffer, u32 length, u32 flags)
{
	void *warn = core_warn_begin(c->test);

	KUNIT_EXPECT_EQ(c->test, gpadl_do_create(c), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, gpadl_do_delete(c), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, warn), 2);
	vmb_channel_packet_complete(pkt, NULL, 0);
}

static void gpadl_deadlock(struct kunit *test)
{
	struct core_chan *c = core_client(test);

	vmb_channel_set_incoming_processing_at_passive(c->ch, true);
	c->on_packet = gpadl_in_process_packet;
	core_run(c);
	core_peer_request(c, 1, "x", 1);
	core_take(c);
}

static struct kunit_case gpa_cases[] = {
	KUNIT_CASE(gpa_pinned_until_completed),
	KUNIT_CASE(gpa_returns),
	KUNIT_CASE(gpa_pinned_over_close),
	KUNIT_CASE(d12_waits_for_external_data),
	KUNIT_CASE(gpa_waits_again),
	KUNIT_CASE(gpa_waiting_at_close),
	KUNIT_CASE(gpadl_create),
	KUNIT_CASE(gpadl_unsupported),
	KUNIT_CASE(gpadl_map),
	KUNIT_CASE(gpadl_unmapped_in_closed),
	KUNIT_CASE(gpadl_deleted_at_the_end),
	KUNIT_CASE(gpadl_deleted_after_closed),
	KUNIT_CASE(gpadl_aborted_by_disable),
	KUNIT_CASE(gpadl_from_opened),
	KUNIT_CASE(gpadl_aborted_in_opened),
	KUNIT_CASE(gpadl_deadlock),
	{}
};

static struct kunit_suite gpa_suite = {
	.name = "kmcl_memory",
	.init = core_init,
	.exit = core_exit,
	.test_cases = gpa_cases,
};

kunit_test_suite(gpa_suite);
