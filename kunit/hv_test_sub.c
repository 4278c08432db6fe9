// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: sub-channels. They are opened in the callback that tells of them,
 * and closed with their primary.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "hv_test.h"
#include "transport/hv.h"

/* Disabled, for a sub-channel of what @primary is bound to */
static struct core_chan *sub_chan(const struct hv_pair *primary, bool server, u16 index)
{
	struct kunit *test = primary->c->test;
	struct core_chan *c = hv_chan(test, server, &primary->o->dev.dev_instance);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_subchannel_index(c->ch, index), 0);
	return c;
}

static void sub_enable(struct core_chan *c)
{
	KUNIT_ASSERT_EQ(c->test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
}

/* Enabled, offered, open and started; PostStarted has returned. */
static struct hv_pair sub_run(struct core_chan *c, const struct hv_pair *primary)
{
	u32 n = core_count(c, CORE_POST_STARTED_END);
	struct hv_pair p = { .c = c };

	sub_enable(c);
	p.o = stand_in_offer_sub(primary->o, c->ch->cfg.subchannel);
	core_wait(c, CORE_POST_STARTED_END, n + 1);
	return p;
}

static struct hv_pair sub_running(const struct hv_pair *primary, bool server, u16 index)
{
	return sub_run(sub_chan(primary, server, index), primary);
}

/* The transport's end of a channel that is attached */
static struct kmcl_hv_end *sub_end(struct core_chan *c)
{
	return READ_ONCE(c->ch->link);
}

/* Its core is through with the last link: it would take an offer. */
static void sub_wait_waits(struct core_chan *c)
{
	const struct kmcl_hv_end *end = sub_end(c);

	core_until(c, READ_ONCE(end->state) == KMCL_HV_WAITING && !READ_ONCE(end->told_open));
}

static void sub_opens(struct kunit *test, bool server)
{
	struct hv_pair primary = hv_running(test, server), other = hv_running(test, false);
	struct hv_pair sub = sub_running(&primary, server, 1);
	struct hv_pair second = sub_running(&primary, server, 2);

	core_expect_life(sub.c, "ORP");
	KUNIT_EXPECT_EQ(test, sub.o->send_size, (VMB_DEFAULT_RING_PAGES + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, sub.o->ch.callback_mode, HV_CALL_DIRECT);
	hv_expect_works(&sub);
	hv_expect_works(&second);
	hv_expect_works(&primary);
	/* Its consumer goes; the host keeps it until the primary is closed. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(sub.c->ch), 0);
	core_expect_life(sub.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(sub.c->ch), VMB_STOP_DISABLED);
	KUNIT_EXPECT_EQ(test, sub.o->calls[STAND_IN_CLOSE], 0);
	/* A signal that was under way */
	stand_in_interrupt(sub.o);
	hv_expect_works(&second);
	hv_expect_works(&primary);
	KUNIT_EXPECT_TRUE(test, primary.o->bound);
	/* The other one ends with the primary. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(primary.c->ch), 0);
	core_wait_life(second.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(second.c->ch), VMB_STOP_PEER_CLOSED);
	KUNIT_EXPECT_EQ(test, sub.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, second.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, primary.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_TRUE(test, hv_released(primary.o));
	hv_expect_works(&other);

	/* All of it anew: the host takes the old ones back. */
	stand_in_rescind(sub.o);
	stand_in_rescind(second.o);
	KUNIT_EXPECT_TRUE(test, sub.o->released && second.o->released);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(primary.c->ch), 0);
	vmb_channel_start(primary.c->ch);
	core_wait(primary.c, CORE_POST_STARTED_END, 2);
	sub = sub_run(sub.c, &primary);
	hv_expect_works(&sub);
	hv_expect_works(&primary);
}

static void sub_opens_client(struct kunit *test)
{
	sub_opens(test, false);
}

static void sub_opens_server(struct kunit *test)
{
	sub_opens(test, true);
}

/* Before anybody waits: it is not kept for whoever comes; the next one is. */
static void sub_offered_first(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct core_chan *c = sub_chan(&primary, false, 1);
	struct hv_pair sub = { .c = c };
	struct stand_in_offer *early;

	hv_log_begin();
	early = stand_in_offer_sub(primary.o, 1);
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&primary.o->dev.device),
					   "nobody waits for sub-channel 1"));
	KUNIT_EXPECT_EQ(test, early->calls[STAND_IN_OPEN], 0);
	sub_enable(c);
	core_settle(c);
	core_expect_life(c, "");
	stand_in_rescind(early);
	KUNIT_EXPECT_TRUE(test, early->released);
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&sub);
}

/* Who waits for another index, or for another device's, does not get it. */
static void sub_other_index(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false), other = hv_running(test, false);
	struct core_chan *c = sub_chan(&primary, false, 2), *d = sub_chan(&other, false, 1);
	struct hv_pair sub = { .c = c };
	struct stand_in_offer *o;

	sub_enable(c);
	sub_enable(d);
	o = stand_in_offer_sub(primary.o, 1);
	KUNIT_EXPECT_EQ(test, o->calls[STAND_IN_OPEN], 0);
	core_expect_life(c, "");
	core_expect_life(d, "");
	sub.o = stand_in_offer_sub(primary.o, 2);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&sub);
	core_expect_life(d, "");
	/* Who waits for one never gets a primary, and goes as it came. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(d->ch), 0);
	core_expect_life(d, "");
	hv_expect_works(&other);
}

/* Taken back alone: noticed when it is next written to. The primary goes on. */
static void sub_rescinded(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct hv_pair sub = sub_running(&primary, true, 1);

	stand_in_rescind(sub.o);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(sub.c), "x", 1, NULL, WAIT), -ENODEV);
	core_wait_life(sub.c, "ORPSC");
	hv_expect_works(&primary);
	KUNIT_EXPECT_FALSE(test, sub.o->released);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(primary.c->ch), 0);
	KUNIT_EXPECT_TRUE(test, sub.o->released);
	/* Its consumer still waits, and the next one is its. */
	sub_wait_waits(sub.c);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(primary.c->ch), 0);
	core_wait(primary.c, CORE_POST_STARTED_END, 2);
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(sub.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&sub);
}

/* Taken back while it waits for the answer to its open */
static void sub_rescinded_opening(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct core_chan *c = sub_chan(&primary, false, 1);
	struct hv_pair sub = { c, stand_in_sub_new(primary.o, 1) };

	sub.o->hold[STAND_IN_OPEN] = true;
	sub_enable(c);
	stand_in_sub_publish(sub.o);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(sub.o, STAND_IN_OPEN, 1));
	stand_in_rescind(sub.o);
	KUNIT_EXPECT_TRUE(test, sub.o->released);
	core_settle(c);
	core_expect_life(c, "");
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&sub);
}

static void sub_primary_rescinded(struct kunit *test, bool server, bool subs_first)
{
	struct hv_pair primary = hv_running(test, server);
	struct hv_pair sub = sub_running(&primary, server, 1);
	struct hv_pair second = sub_running(&primary, server, 2);

	KUNIT_ASSERT_EQ(test, stand_in_put(sub.o, VMBUS_RING_INBAND, 1, 7, "12345678", 8), 0);
	core_received(sub.c, 0);
	if (subs_first) {
		stand_in_rescind(sub.o);
		stand_in_rescind(second.o);
	}
	stand_in_rescind(primary.o);
	core_wait_life(primary.c, "ORPS");
	core_wait_life(second.c, "ORPSC");
	core_wait_life(sub.c, "ORPS");
	/* A consumer that holds a packet of a sub-channel holds all of it. */
	KUNIT_EXPECT_EQ(test, primary.o->calls[STAND_IN_CLOSE], 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(sub.c, 0), NULL, 0), 0);
	core_wait_life(sub.c, "ORPSC");
	core_wait_life(primary.c, "ORPSC");
	core_until(primary.c, READ_ONCE(primary.o->released));
	KUNIT_EXPECT_EQ(test, sub.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, second.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, sub.o->released, subs_first);
}

static void sub_primary_rescinded_client(struct kunit *test)
{
	sub_primary_rescinded(test, false, false);
}

static void sub_primary_rescinded_server(struct kunit *test)
{
	sub_primary_rescinded(test, true, false);
}

static void sub_all_rescinded(struct kunit *test)
{
	sub_primary_rescinded(test, false, true);
}

/* The primary's device is unbound by hand, and bound again. */
static void sub_primary_unbound(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, true);
	struct hv_pair sub = sub_running(&primary, true, 1);

	stand_in_unbind(primary.o);
	KUNIT_EXPECT_EQ(test, core_count(primary.c, CORE_CLOSED), 1);
	core_wait_life(sub.c, "ORPSC");
	stand_in_rescind(sub.o);
	KUNIT_EXPECT_TRUE(test, sub.o->released);
	stand_in_rebind(primary.o);
	core_wait(primary.c, CORE_POST_STARTED_END, 2);
	sub_wait_waits(sub.c);
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(sub.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&sub);
	hv_expect_works(&primary);
}

/* ---- the open is refused, or not answered ---- */

static void sub_open_refused(struct kunit *test, bool server)
{
	struct hv_pair primary = hv_running(test, false), sub;
	struct core_chan *c = sub_chan(&primary, server, 1);
	struct stand_in_offer *o = stand_in_sub_new(primary.o, 1);

	o->error[STAND_IN_OPEN] = -EAGAIN;
	sub_enable(c);
	hv_log_begin();
	stand_in_sub_publish(o);
	core_until(c, READ_ONCE(o->ch.probe_done));
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_OPEN], 1);
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&primary.o->dev.device), "refused the open"));
	if (server) {
		core_settle(c);
		core_expect_life(c, "");
	} else {
		core_wait(c, CORE_PNP_FAILURE, 1);
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -EAGAIN);
		core_expect_life(c, "F");
		hv_wait_disabled(c);
	}
	KUNIT_EXPECT_TRUE(test, primary.o->bound);
	hv_expect_works(&primary);
	/* The host tries again. */
	stand_in_rescind(o);
	if (!server)
		sub_enable(c);
	sub = (struct hv_pair){ c, stand_in_offer_sub(primary.o, 1) };
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&sub);
}

static void sub_open_refused_client(struct kunit *test)
{
	sub_open_refused(test, false);
}

static void sub_open_refused_server(struct kunit *test)
{
	sub_open_refused(test, true);
}

/* As the transport's own; there is no external data. */
static void sub_end_free(struct kref *ref)
{
	kfree(container_of(ref, struct kmcl_hv_end, ref));
}

/*
 * Offered, and refused; whoever tells the core of that waits in the test's hands,
 * before the channel is let go of.
 */
static struct stand_in_offer *sub_refused_begin(struct hv_pair *primary, struct kmcl_hv_end *end)
{
	struct stand_in_offer *o = stand_in_sub_new(primary->o, 1);

	kref_get(&end->ref);
	o->error[STAND_IN_OPEN] = -EAGAIN;
	o->hold[STAND_IN_OPEN] = true;
	stand_in_sub_publish(o);
	KUNIT_ASSERT_TRUE(primary->c->test, stand_in_reached(o, STAND_IN_OPEN, 1));
	return o;
}

static void sub_refused_answer(struct stand_in_offer *o, struct core_chan *c,
			       struct kmcl_hv_end *end)
{
	mutex_lock(&end->event_mutex);
	stand_in_answer(o, STAND_IN_OPEN);
	core_until(c, READ_ONCE(o->answered[STAND_IN_OPEN]));
	/* Whatever else kicks the end's work just then */
	kref_get(&end->ref);
	if (!schedule_work(&end->work))
		kref_put(&end->ref, sub_end_free);
	/* No flush: the work takes the mutex elsewhere, and lockdep knows no better. */
	core_until(c, !work_busy(&end->work));
	mutex_unlock(&end->event_mutex);
	flush_work(&o->announce);
}

/* And its consumer goes meanwhile: the primary keeps its device. */
static void sub_refused_and_disabled(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct core_chan *c = sub_chan(&primary, false, 1);
	struct stand_in_offer *o;
	struct kmcl_hv_end *end;

	sub_enable(c);
	end = sub_end(c);
	o = sub_refused_begin(&primary, end);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	sub_refused_answer(o, c, end);
	core_expect_life(c, "");
	KUNIT_EXPECT_TRUE(test, primary.o->bound);
	core_expect_life(primary.c, "ORP");
	hv_expect_works(&primary);
	/* Nobody else has it any more. */
	core_until(c, kref_read(&end->ref) == 1);
	kref_put(&end->ref, sub_end_free);
}

/* After a hibernation: the reset is the old link's, and no reason to open again. */
static void sub_refused_after_reset(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct hv_pair sub = sub_running(&primary, true, 1);
	struct kmcl_hv_end *end = sub_end(sub.c);
	struct stand_in_offer *o;

	KUNIT_ASSERT_EQ(test, stand_in_suspend(primary.o), 0);
	stand_in_rescind(sub.o);
	KUNIT_ASSERT_EQ(test, stand_in_resume(primary.o), 0);
	core_wait(primary.c, CORE_POST_STARTED_END, 2);
	sub_wait_waits(sub.c);
	o = sub_refused_begin(&primary, end);
	sub_refused_answer(o, sub.c, end);
	KUNIT_EXPECT_EQ(test, o->calls[STAND_IN_OPEN], 1);
	kref_put(&end->ref, sub_end_free);
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(sub.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&sub);
	hv_expect_works(&primary);
}

/* Not answered: its consumer can go, its primary ends with the answer. */
static void sub_open_silent(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false), other = hv_running(test, true);
	struct core_chan *c = sub_chan(&primary, false, 1);
	struct stand_in_offer *o = stand_in_sub_new(primary.o, 1);
	struct core_kthread *t;

	o->hold[STAND_IN_OPEN] = true;
	sub_enable(c);
	stand_in_sub_publish(o);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(o, STAND_IN_OPEN, 1));
	hv_expect_works(&primary);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "");
	t = core_thread_start(test, core_do_disable, primary.c);
	core_wait(primary.c, CORE_SUSPEND, 1);
	core_until(c, READ_ONCE(((struct kmcl_hv_end *)primary.c->ch->link)->want_close));
	hv_expect_works(&other);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, primary.o->calls[STAND_IN_CLOSE], 0);
	stand_in_answer(o, STAND_IN_OPEN);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, primary.o->answered[STAND_IN_CLOSE], 1);
}

/* ---- memory ---- */

static void sub_free_page(void *page)
{
	free_page((unsigned long)page);
}

struct sub_external {
	struct hv_pair primary;
	struct hv_pair sub;
	struct bio_vec bvec;
	struct vmb_mdl mdl;
};

/* A sub-channel that has sent a packet with external data, which the host has read */
static u64 sub_external_sent(struct kunit *test, struct sub_external *x)
{
	struct vmbus_ring_desc d;
	struct core_chan *c;
	void *page = (void *)__get_free_page(GFP_KERNEL | __GFP_ZERO);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, sub_free_page, page), 0);
	x->primary = hv_running(test, false);
	c = sub_chan(&x->primary, false, 1);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, PAGE_SIZE, 1), 0);
	x->sub = sub_run(c, &x->primary);
	x->bvec = (struct bio_vec){ virt_to_page(page), PAGE_SIZE, 0 };
	x->mdl = (struct vmb_mdl){ .bvec = &x->bvec, .nr_bvecs = 1, .length = PAGE_SIZE };
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "12345678", 8, &x->mdl, WAIT), 0);
	hv_take(&x->sub, &d, NULL, 0);
	KUNIT_EXPECT_EQ(test, d.type, VMBUS_RING_GPA_DIRECT);
	return d.id;
}

/* The host has completed all of it: nothing is lent, nobody to wait for. */
static void sub_external_completed(struct kunit *test)
{
	struct sub_external x;
	u64 id = sub_external_sent(test, &x);
	struct core_kthread *t;

	hv_answer(&x.sub, id, NULL, 0);
	core_wait(x.sub.c, CORE_DONE, 1);
	t = core_thread_start(test, core_do_disable, x.sub.c);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	core_expect_life(x.sub.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, x.sub.o->calls[STAND_IN_CLOSE], 0);
	hv_expect_works(&x.primary);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(x.primary.c->ch), 0);
}

/* The host has not: the memory comes back once the primary is closed. */
static void sub_external_lent(struct kunit *test)
{
	struct core_kthread *disable;
	struct sub_external x;

	sub_external_sent(test, &x);
	disable = core_thread_start(test, core_do_disable, x.sub.c);
	core_wait(x.sub.c, CORE_SUSPEND, 1);
	core_until(x.sub.c, READ_ONCE(sub_end(x.sub.c)->state) == KMCL_HV_CLOSING);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(disable));
	KUNIT_EXPECT_EQ(test, core_count(x.sub.c, CORE_DONE), 0);
	hv_expect_works(&x.primary);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(x.primary.c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, disable), 0);
	KUNIT_EXPECT_EQ(test, core_event(x.sub.c, CORE_DONE, 0)->status, -ENODEV);
	core_expect_life(x.sub.c, "ORPSC");
}

static void sub_on_closed_wait(struct core_chan *c)
{
	u64 address = 1, size = 1;

	wait_for_completion(&c->gate);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_get_mmio_space(c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(c->test, size, 0);
}

/* The space is the device's, and asked for on its primary; at whatever time. */
static void sub_mmio(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false), sub;
	struct core_chan *c = sub_chan(&primary, false, 1);
	struct stand_in_offer *o = stand_in_sub_new(primary.o, 1);
	u64 address = 1, size = 1;
	struct core_kthread *t;

	o->ch.offermsg.offer.mmio_megabytes = 8;
	sub_enable(c);
	stand_in_sub_publish(o);
	core_wait(c, CORE_POST_STARTED_END, 1);
	sub = (struct hv_pair){ c, o };
	hv_expect_works(&sub);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, size, 0);
	KUNIT_EXPECT_EQ(test, hv_host(test)->mmio_bytes, 0);
	/* In Closed, where the primary is closed already */
	c->on_closed = sub_on_closed_wait;
	t = core_thread_start(test, core_do_disable, c);
	core_wait(c, CORE_CLOSED, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(primary.c->ch), 0);
	KUNIT_EXPECT_EQ(test, o->answered[STAND_IN_CLOSE], 1);
	complete_all(&c->gate);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

/* ---- hibernation ---- */

/* All are closed; the primary comes back, and the host offers the others anew. */
static void sub_suspended(struct kunit *test)
{
	struct hv_pair primary = hv_running(test, false);
	struct hv_pair sub = sub_running(&primary, false, 1);
	struct vmb_packet *pkt = core_packet(sub.c);

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "12345678", 8, NULL, WAIT), 0);
	KUNIT_EXPECT_EQ(test, stand_in_suspend(primary.o), 0);
	core_expect_life(primary.c, "ORPSC");
	core_wait_life(sub.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, core_event(sub.c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, sub.o->answered[STAND_IN_CLOSE], 1);
	stand_in_rescind(sub.o);
	KUNIT_EXPECT_TRUE(test, sub.o->released);
	KUNIT_EXPECT_EQ(test, stand_in_resume(primary.o), 0);
	core_wait(primary.c, CORE_POST_STARTED_END, 2);
	sub_wait_waits(sub.c);
	sub.o = stand_in_offer_sub(primary.o, 1);
	core_wait(sub.c, CORE_POST_STARTED_END, 2);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(sub.c->ch), VMB_LINK_RESET);
	hv_expect_works(&sub);
	hv_expect_works(&primary);
	/* That it was to be closed before is forgotten: its consumer is told. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(primary.c->ch), 0);
	core_wait_life(sub.c, "ORPSCORPSC");
}

static struct kunit_case hv_sub_cases[] = {
	KUNIT_CASE(sub_opens_client),
	KUNIT_CASE(sub_opens_server),
	KUNIT_CASE(sub_offered_first),
	KUNIT_CASE(sub_other_index),
	KUNIT_CASE(sub_rescinded),
	KUNIT_CASE(sub_rescinded_opening),
	KUNIT_CASE(sub_primary_rescinded_client),
	KUNIT_CASE(sub_primary_rescinded_server),
	KUNIT_CASE(sub_all_rescinded),
	KUNIT_CASE(sub_primary_unbound),
	KUNIT_CASE(sub_open_refused_client),
	KUNIT_CASE(sub_open_refused_server),
	KUNIT_CASE(sub_open_silent),
	KUNIT_CASE(sub_external_lent),
	KUNIT_CASE(sub_suspended),
	KUNIT_CASE(sub_refused_and_disabled),
	KUNIT_CASE(sub_external_completed),
	KUNIT_CASE(sub_mmio),
	KUNIT_CASE(sub_refused_after_reset),
	{}
};

static struct kunit_suite hv_sub_suite = {
	.name = "kmcl_hv_sub",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_sub_cases,
};

kunit_test_suite(hv_sub_suite);
