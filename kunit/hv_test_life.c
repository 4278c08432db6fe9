// SPDX-License-Identifier: GPL-2.0
/*
 * The hv bus: offers, open and close, and what ends a link.
 */
#include <linux/uuid.h>

#include "hv_test.h"

static void life_opens(struct kunit *test, bool server)
{
	struct hv_pair p = hv_running(test, server);
	struct core_chan *c = p.c;

	core_expect_life(c, "ORP");
	/* Data pages, and the control page of each */
	KUNIT_EXPECT_EQ(test, p.o->send_size, (VMB_DEFAULT_RING_PAGES + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, p.o->receive_size, (VMB_DEFAULT_RING_PAGES + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_NEW);
	hv_expect_works(&p);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	KUNIT_EXPECT_EQ(test, p.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_FALSE(test, p.o->gone);
	/* The device is there, and as any driver expects it. */
	KUNIT_EXPECT_EQ(test, p.o->ch.max_pkt_size, 0);
	KUNIT_EXPECT_EQ(test, p.o->ch.callback_mode, HV_CALL_BATCHED);
	KUNIT_EXPECT_NULL(test, p.o->ch.chn_rescind_callback);

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORPSCORP");
	core_wait(c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
	KUNIT_EXPECT_EQ(test, p.o->nr_probes, 2);
}

static void life_opens_client(struct kunit *test)
{
	life_opens(test, false);
}

static void life_opens_server(struct kunit *test)
{
	life_opens(test, true);
}

/* The device was there first, and a client that sets its rings gets them. */
static void life_offered_first(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	KUNIT_EXPECT_EQ(test, p.o->nr_probes, 0);
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(c->ch, 3, 5), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait_life(c, "ORP");
	core_wait(c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, p.o->send_size + p.o->receive_size, (3 + 1 + 5 + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, p.o->ch.inbound.ring_datasize,
			c->ch->cfg.ring_in_pages * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, p.o->ch.outbound.ring_datasize,
			c->ch->cfg.ring_out_pages * PAGE_SIZE);
	/* Direct mode, and our own transaction ids */
	KUNIT_EXPECT_EQ(test, p.o->ch.callback_mode, HV_CALL_DIRECT);
	KUNIT_EXPECT_EQ(test, p.o->ch.rqstor_size, 0);
	hv_expect_works(&p);
}

/* A server waits for its start, whatever the host does. */
static void life_server_paused(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct hv_pair p = { .c = c };

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	p.o = hv_offer(c);
	core_wait(c, CORE_OPENED, 1);
	core_settle(c);
	core_expect_life(c, "O");
	KUNIT_ASSERT_EQ(test, vmb_channel_start(c->ch), 0);
	core_wait_life(c, "ORP");
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_wait_life(c, "ORPS");
	/* Not read while it is paused */
	KUNIT_EXPECT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 0, 0, "1234567", 8), 0);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_PACKET), 0);
	KUNIT_EXPECT_EQ(test, c->ch->ops->rx_unread(c->ch->link), 1);
	KUNIT_ASSERT_EQ(test, vmb_channel_start(c->ch), 0);
	core_wait(c, CORE_PACKET, 1);
}

/* Two of one type: one driver, told apart by instance; a third is nobody's. */
static void life_same_type_twice(struct kunit *test)
{
	struct hv_pair a = hv_running(test, true), b = hv_running(test, false);
	struct core_chan *c = hv_chan(test, false, NULL);
	struct stand_in_offer *spare = hv_offer(c);
	struct hv_pair p = { c, spare };

	KUNIT_EXPECT_EQ(test, hv_host(test)->nr_drivers, 1);
	hv_expect_works(&a);
	hv_expect_works(&b);
	KUNIT_EXPECT_FALSE(test, spare->bound);
	KUNIT_EXPECT_EQ(test, spare->nr_probes, 1);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
	/* The end of one is nothing to the others. */
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(a.c->ch), 0);
	hv_expect_works(&b);
	hv_expect_works(&p);
	KUNIT_EXPECT_EQ(test, hv_host(test)->nr_drivers, 1);
}

/* The host offers one instance twice: the second is not taken, and is next in line. */
static void life_same_instance_twice(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	struct stand_in_offer *second = hv_offer(p.c);

	KUNIT_EXPECT_FALSE(test, second->bound);
	hv_expect_works(&p);
	stand_in_rescind(p.o);
	/* It is looked for as soon as the first is let go of. */
	core_wait_life(p.c, "ORPSCORP");
	p.o = second;
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
}

/* A client that names no instance takes what there is, and can ask what it got. */
static void life_any_instance(struct kunit *test)
{
	struct core_chan *named = hv_chan(test, false, NULL);
	struct core_chan *c = hv_chan(test, false, &guid_null);
	guid_t got, theirs;

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(named->ch), 0);
	/* Who names the instance comes first. */
	hv_offer(named);
	core_wait(named, CORE_OPENED, 1);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_OPENED), 0);
	guid_gen(&theirs);
	stand_in_offer(hv_host(test), &core_type, &theirs);
	core_wait(c, CORE_POST_STARTED_END, 1);
	vmb_channel_get_interface_instance(c->ch, &got);
	KUNIT_EXPECT_TRUE(test, guid_equal(&got, &theirs));
}

static void life_other_type(struct kunit *test)
{
	static const guid_t other = GUID_INIT(0x6b6d636c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	struct core_chan *c = hv_chan(test, true, NULL);
	struct stand_in_offer *o;

	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	o = stand_in_offer(hv_host(test), &other, &c->ch->cfg.instance);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, o->nr_probes, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "");
	wait_event_timeout(hv_host(test)->wait, !hv_host(test)->nr_drivers, CORE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, hv_host(test)->nr_drivers, 0);
}

/* Offering is the host's: what only an offer can have is refused, and says so. */
static void life_cannot_offer(struct kunit *test)
{
	struct core_chan *c;

	hv_log_begin();
	c = hv_chan(test, true, NULL);
	KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_flags
			(c->ch, VMB_SERVER_FLAG_LOOPBACK_OFFER), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EOPNOTSUPP);
	KUNIT_EXPECT_TRUE(test, hv_log_has("cannot offer", "the host does"));
	KUNIT_EXPECT_TRUE(test, hv_log_has(vmb_channel_get_friendly_name(c->ch), "cannot attach"));
	c = hv_chan(test, true, NULL);
	KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(c->ch, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EOPNOTSUPP);
	c = hv_chan(test, true, NULL);
	KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_offer_data(c->ch, "x", 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EOPNOTSUPP);
	c = hv_chan(test, true, NULL);
	KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_target_vtl(c->ch, 2), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hv_host(test)->nr_drivers, 0);
}

static void life_rings_too_large(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);

	hv_log_begin();
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(c->ch, 600, 600),
			0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EINVAL);
	KUNIT_EXPECT_TRUE(test, hv_log_has("1200 pages", "one piece"));
	c = hv_chan(test, false, NULL);
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(c->ch, 511, 511),
			0);
	hv_run(c);
}

/* Without a driver there is no link to come: a client hears of it. */
static void life_no_driver(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);

	hv_host(test)->register_error = -EBUSY;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_PNP_FAILURE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -EBUSY);
	hv_wait_disabled(c);
	hv_host(test)->register_error = 0;
	hv_run(c);
}

static void life_open_refused_client(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	hv_log_begin();
	p.o->error[STAND_IN_OPEN] = -EAGAIN;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_PNP_FAILURE, 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_PNP_FAILURE, 0)->status, -EAGAIN);
	core_expect_life(c, "F");
	KUNIT_EXPECT_TRUE(test, hv_log_has(dev_name(&p.o->dev.device), "refused the open"));
	KUNIT_EXPECT_TRUE(test, hv_released(p.o));
	hv_wait_disabled(c);
	/* A host that signals all the same finds nobody. */
	KUNIT_EXPECT_TRUE(test, !p.o->ch.onchannel_callback && !p.o->ch.sc_creation_callback);
	stand_in_interrupt(p.o);
	p.o->error[STAND_IN_OPEN] = 0;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
}

/* A server goes on waiting; whoever gives it the device anew has it tried again. */
static void life_open_refused_server(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	p.o->error[STAND_IN_OPEN] = -EAGAIN;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	core_until(c, p.o->answered[STAND_IN_OPEN] == 1);
	core_settle(c);
	core_expect_life(c, "");
	p.o->error[STAND_IN_OPEN] = 0;
	stand_in_unbind(p.o);
	stand_in_rebind(p.o);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
}

static void life_opened_fails(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, false, NULL);
	struct stand_in_offer *o = hv_offer(c);

	c->opened_ret = -EIO;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_until(c, o->answered[STAND_IN_CLOSE] == 1);
	KUNIT_EXPECT_TRUE(test, hv_released(o));
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_CLOSED), 0);
}

static void life_note_reason(struct core_chan *c)
{
	*(int *)c->priv = vmb_channel_get_stop_reason(c->ch);
}

/* Somebody unbinds the device, and binds it again: a server comes back. */
static void life_unbind_server(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	int reason = VMB_STOP_NONE;

	p.c->priv = &reason;
	p.c->on_closed = life_note_reason;
	stand_in_unbind(p.o);
	p.c->on_closed = NULL;
	/* It may have the device again by now: the stand-in's are of no bus, see hv_aside.c. */
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_CLOSED), 1);
	KUNIT_EXPECT_EQ(test, p.o->answered[STAND_IN_CLOSE], 1);
	KUNIT_EXPECT_EQ(test, reason, VMB_STOP_PEER_CLOSED);
	stand_in_rebind(p.o);
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
}

static void life_unbind_client(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);

	stand_in_unbind(p.o);
	core_wait_life(p.c, "ORPSC");
	hv_wait_disabled(p.c);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(core_packet(p.c), "x", 1, NULL, 0), -ENODEV);
	stand_in_rebind(p.o);
	core_expect_life(p.c, "ORPSC");
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
}

/* The driver is asked for its device while the consumer still holds a packet. */
static int life_do_unbind(void *offer)
{
	stand_in_unbind(offer);
	return 0;
}

static void life_unbind_waits_for_consumer(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);
	struct core_kthread *t;

	KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, 7, "12345678", 8), 0);
	core_received(p.c, 0);
	t = core_thread_start(test, life_do_unbind, p.o);
	core_wait(p.c, CORE_SUSPEND, 1);
	core_settle(p.c);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	KUNIT_EXPECT_EQ(test, p.o->calls[STAND_IN_CLOSE], 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(p.c, 0), NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	/* It may have the device again by now. */
	KUNIT_EXPECT_EQ(test, core_count(p.c, CORE_CLOSED), 1);
}

/* ---- the host takes its offer back ---- */

static void rescind_of_nobody(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct stand_in_offer *o = hv_offer(c);

	stand_in_rescind(o);
	KUNIT_EXPECT_TRUE(test, o->gone);
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	core_settle(c);
	KUNIT_EXPECT_EQ(test, o->nr_probes, 0);
	core_expect_life(c, "");
}

static void rescind_open(struct kunit *test, bool server)
{
	struct hv_pair p = hv_running(test, server);

	stand_in_rescind(p.o);
	core_wait_life(p.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_RESCINDED);
	core_until(p.c, p.o->released);
	/* A new offer of the same instance */
	if (!server) {
		hv_wait_disabled(p.c);
		KUNIT_ASSERT_EQ(test, vmb_channel_enable(p.c->ch), 0);
	}
	p.o = hv_offer(p.c);
	core_wait(p.c, CORE_POST_STARTED_END, 2);
	hv_expect_works(&p);
}

static void rescind_open_client(struct kunit *test)
{
	rescind_open(test, false);
}

static void rescind_open_server(struct kunit *test)
{
	rescind_open(test, true);
}

static void rescind_during_open(struct kunit *test, bool server)
{
	struct core_chan *c = hv_chan(test, server, NULL);
	struct hv_pair p = { c, hv_offer(c) };

	p.o->hold[STAND_IN_OPEN] = true;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_OPEN, 1));
	stand_in_rescind(p.o);
	core_until(c, p.o->released);
	core_expect_life(c, "");
	/* It never was open, so it still waits. */
	p.o = hv_offer(c);
	core_wait(c, CORE_POST_STARTED_END, 1);
	hv_expect_works(&p);
}

static void rescind_during_open_client(struct kunit *test)
{
	rescind_during_open(test, false);
}

static void rescind_during_open_server(struct kunit *test)
{
	rescind_during_open(test, true);
}

static void life_on_opened_rescind(struct core_chan *c)
{
	stand_in_rescind(c->priv);
}

/* In the Opened callback: open, and gone before it is told so. */
static void rescind_in_opened(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct stand_in_offer *o = hv_offer(c);

	c->priv = o;
	c->on_opened = life_on_opened_rescind;
	KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
	vmb_channel_start(c->ch);
	core_wait(c, CORE_CLOSED, 1);
	core_until(c, o->released);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_STARTED), core_count(c, CORE_SUSPEND));
}

/* Packets queued, sent and held: each ends, and the offer goes after the last. */
static void rescind_with_packets(struct kunit *test)
{
	struct hv_pair p = hv_running_sized(test, 1024, 2);
	struct core_chan *c = p.c;
	u32 i, done;

	for (i = 0; i < 12; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), p.o, 1000, NULL, WAIT), 0);
	KUNIT_EXPECT_GT(test, c->ch->nr_sent, 0);
	KUNIT_EXPECT_GT(test, c->ch->nr_queued, 0);
	KUNIT_ASSERT_EQ(test, stand_in_put(p.o, VMBUS_RING_INBAND, 1, 7, "12345678", 8), 0);
	core_received(c, 0);
	stand_in_rescind(p.o);
	core_wait(c, CORE_SUSPEND, 1);
	core_wait(c, CORE_DONE, 12);
	for (i = 0; i < 12; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, -ENODEV);
	core_settle(c);
	done = core_count(c, CORE_CLOSED);
	KUNIT_EXPECT_EQ(test, done, 0);
	KUNIT_EXPECT_FALSE(test, p.o->gone);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), "late", 4), 0);
	core_wait_life(c, "ORPSC");
	core_until(c, p.o->released);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(c->packets[0], "x", 1, NULL, WAIT), -ENODEV);
}

static int life_do_rescind(void *offer)
{
	stand_in_rescind(offer);
	return 0;
}

/* In the middle of a send: what that left behind is not the host's fault. */
static void rescind_during_send(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct vmb_packet *pkt = core_packet(p.c);

	WRITE_ONCE(p.o->ch.outbound.ring_buffer->write_index, 24);
	WRITE_ONCE(p.o->ch.rescind, true);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, WAIT), -ENODEV);
	KUNIT_EXPECT_EQ(test, p.c->ch->stats.faults, 0);
	stand_in_rescind(p.o);
	core_wait_life(p.c, "ORPSC");
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(p.c->ch), VMB_STOP_RESCINDED);
}

/* While it closes: hv_vmbus has it wait for that. */
static void rescind_during_close(struct kunit *test)
{
	struct hv_pair p = hv_running(test, false);
	struct core_kthread *t, *rescind;

	p.o->hold[STAND_IN_CLOSE] = true;
	t = core_thread_start(test, core_do_disable, p.c);
	KUNIT_ASSERT_TRUE(test, stand_in_reached(p.o, STAND_IN_CLOSE, 1));
	rescind = core_thread_start(test, life_do_rescind, p.o);
	KUNIT_EXPECT_FALSE(test, core_thread_ended(t));
	stand_in_answer(p.o, STAND_IN_CLOSE);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, rescind), 0);
	core_expect_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
}

/* Paused: nobody reads the ring, and the rescind is noticed. */
static void rescind_paused(struct kunit *test)
{
	struct hv_pair p = hv_running(test, true);

	KUNIT_ASSERT_EQ(test, vmb_channel_pause(p.c->ch), 0);
	stand_in_rescind(p.o);
	core_wait_life(p.c, "ORPSC");
	core_until(p.c, p.o->released);
}

/* Rescind, unbind and disable at once, again and again: one offer each time */
static void rescind_races(struct kunit *test)
{
	struct core_chan *c = hv_chan(test, true, NULL);
	struct core_kthread *rescind, *disable, *unbind;
	struct stand_in_offer *o;
	u32 i;

	for (i = 0; i < STAND_IN_OFFERS - 2; i++) {
		KUNIT_ASSERT_EQ(test, vmb_channel_enable(c->ch), 0);
		vmb_channel_start(c->ch);
		o = hv_offer(c);
		if (i % 3)
			core_until(c, o->answered[STAND_IN_OPEN]);
		rescind = core_thread_start(test, life_do_rescind, o);
		disable = core_thread_start(test, core_do_disable, c);
		unbind = i % 2 ? core_thread_start(test, life_do_unbind, o) : NULL;
		KUNIT_EXPECT_EQ(test, core_thread_join(test, rescind), 0);
		KUNIT_EXPECT_EQ(test, core_thread_join(test, disable), 0);
		if (unbind)
			KUNIT_EXPECT_EQ(test, core_thread_join(test, unbind), 0);
		core_until(c, o->released);
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_OPENED), core_count(c, CORE_CLOSED));
		KUNIT_EXPECT_EQ(test, core_count(c, CORE_STARTED), core_count(c, CORE_SUSPEND));
	}
}

static struct kunit_case hv_life_cases[] = {
	KUNIT_CASE(life_opens_client),
	KUNIT_CASE(life_opens_server),
	KUNIT_CASE(life_offered_first),
	KUNIT_CASE(life_server_paused),
	KUNIT_CASE(life_same_type_twice),
	KUNIT_CASE(life_same_instance_twice),
	KUNIT_CASE(life_any_instance),
	KUNIT_CASE(life_other_type),
	KUNIT_CASE(life_cannot_offer),
	KUNIT_CASE(life_rings_too_large),
	KUNIT_CASE(life_no_driver),
	KUNIT_CASE(life_open_refused_client),
	KUNIT_CASE(life_open_refused_server),
	KUNIT_CASE(life_opened_fails),
	KUNIT_CASE(life_unbind_server),
	KUNIT_CASE(life_unbind_client),
	KUNIT_CASE(life_unbind_waits_for_consumer),
	{}
};

static struct kunit_case hv_rescind_cases[] = {
	KUNIT_CASE(rescind_of_nobody),
	KUNIT_CASE(rescind_open_client),
	KUNIT_CASE(rescind_open_server),
	KUNIT_CASE(rescind_during_open_client),
	KUNIT_CASE(rescind_during_open_server),
	KUNIT_CASE(rescind_in_opened),
	KUNIT_CASE(rescind_with_packets),
	KUNIT_CASE(rescind_during_send),
	KUNIT_CASE(rescind_during_close),
	KUNIT_CASE(rescind_paused),
	KUNIT_CASE(rescind_races),
	{}
};

static struct kunit_suite hv_life_suite = {
	.name = "kmcl_hv_life",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_life_cases,
};

static struct kunit_suite hv_rescind_suite = {
	.name = "kmcl_hv_rescind",
	.init = hv_init,
	.exit = hv_exit,
	.test_cases = hv_rescind_cases,
};

kunit_test_suites(&hv_life_suite, &hv_rescind_suite);
