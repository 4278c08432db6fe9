// SPDX-License-Identifier: GPL-2.0
/*
 * What the log says of a kexec that no live update went before.
 */
#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION

static void reboot_expect(struct kunit *test, u32 open, u32 packets)
{
	struct kmcl_in_flight lost = kmcl_reboot_report();

	KUNIT_EXPECT_EQ(test, lost.open, open);
	KUNIT_EXPECT_EQ(test, lost.packets, packets);
}

static void reboot_counts_open_channels(struct kunit *test)
{
	struct core_chan *c;

	reboot_expect(test, 0, 0);
	c = core_server(test);
	core_enable(c);
	reboot_expect(test, 0, 0);
	core_open(c);
	core_wait(c, CORE_OPENED, 1);
	reboot_expect(test, 1, 0);
	core_client_running(test);
	reboot_expect(test, 2, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	reboot_expect(test, 1, 0);
}

static void reboot_counts_what_was_sent(struct kunit *test)
{
	struct core_chan *c = core_client_running(test), *other = core_client_running(test);
	u32 i;

	fake_set_room(c->link, 2);
	for (i = 1; i <= 5; i++) {
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, NULL, WAIT), 0);
		reboot_expect(test, 2, i);
	}
	/* Those of all channels */
	KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(other), "x", 1, NULL, WAIT), 0);
	reboot_expect(test, 2, 6);
	core_peer_answer(other, core_take(other)->id, NULL, 0);
	core_wait(other, CORE_DONE, 1);
	fake_set_room(c->link, U32_MAX);
	for (i = 5; i; i--) {
		core_peer_answer(c, core_take(c)->id, NULL, 0);
		core_wait(c, CORE_DONE, 6 - i);
		reboot_expect(test, 2, i - 1);
	}
}

static void reboot_counts_what_was_received(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	fake_set_room(c->link, 0);
	core_peer_request(c, 1, "x", 1);
	core_wait(c, CORE_PACKET, 1);
	reboot_expect(test, 1, 1);
	/* An answer that does not fit the ring is in flight, too. */
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(c, 0), NULL, 0), 0);
	reboot_expect(test, 1, 1);
	fake_set_room(c->link, U32_MAX);
	core_take(c);
	reboot_expect(test, 1, 0);
}

static void reboot_ask(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
		       u32 length, u32 flags)
{
	struct vmb_mdl *mdl;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_get_external_data(pkt, 0, &mdl),
			-EINPROGRESS);
}

static void reboot_counts_what_waits_for_memory(struct kunit *test)
{
	static const __le32 ranges[6] = {
		cpu_to_le32(0), cpu_to_le32(1), cpu_to_le32(64), 0, cpu_to_le32(7), 0
	};
	struct core_chan *c = core_server(test);

	c->on_packet = reboot_ask;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, PAGE_SIZE, 1), 0);
	core_run(c);
	c->link->bus->gpa_wait = true;
	KUNIT_ASSERT_EQ(test, fake_put(c->link, KMCL_PACKET_GPA_DIRECT,
				       KMCL_PACKET_WANTS_COMPLETION, 1, ranges, sizeof(ranges),
				       "x", 1), 0);
	core_wait(c, CORE_PACKET, 1);
	core_settle(c);
	reboot_expect(test, 1, 1);
}

static struct kunit_case reboot_cases[] = {
	KUNIT_CASE(reboot_counts_open_channels),
	KUNIT_CASE(reboot_counts_what_was_sent),
	KUNIT_CASE(reboot_counts_what_was_received),
	KUNIT_CASE(reboot_counts_what_waits_for_memory),
	{}
};

static struct kunit_suite reboot_suite = {
	.name = "kmcl_reboot",
	.init = core_init,
	.exit = core_exit,
	.test_cases = reboot_cases,
};

kunit_test_suites(&reboot_suite);
