// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: how links come and go, and packets and signals on them.
 */
#include <linux/random.h>

#include "loopback_test.h"

/* ---- links ---- */

static void lb_open_either_order(struct kunit *test)
{
	struct lt *lt = test->priv;
	u32 first;

	for (first = 0; first < 2; first++) {
		struct lt_link *link = &lt->link[first];
		guid_t instance;

		if (first) {
			/* A client that takes any instance waits, and is told which. */
			link->client_params.instance = guid_null;
			lt_attach_client(lt, link);
			lt_expect_told_nothing(lt, link->client_channel);
			lt_attach_server(lt, link);
		} else {
			lt_attach_server(lt, link);
			lt_expect_told_nothing(lt, link->server_channel);
			lt_attach_client(lt, link);
		}
		lt_open(lt, link);
		lt->ops->get_instance(link->client, &instance);
		KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &link->server_params.instance));
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(lt_end(link->server)->peer),
				    lt_end(link->client));
		KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(lt_end(link->client)->peer),
				    lt_end(link->server));
	}
}

static void lb_match(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	enum vmb_link_state state;
	void *end = NULL;

	/* A second server of the identity; and what this bus has not */
	lt_attach_server(lt, link);
	KUNIT_EXPECT_EQ(test, lt->ops->attach(lt->bus, lt->link[1].server_channel,
					      &link->server_params, &end, &state), -EEXIST);
	lt->link[1].server_params.target_vtl = 1;
	KUNIT_EXPECT_EQ(test, lt->ops->attach(lt->bus, lt->link[1].server_channel,
					      &lt->link[1].server_params, &end, &state),
			-EOPNOTSUPP);
	/* Other instance, type, sub-channel: none of them is bound. */
	lt_attach_client(lt, &lt->link[1]);
	lt->link[2].client_params = link->client_params;
	lt->link[2].client_params.type.b[0] ^= 1;
	lt_attach_client(lt, &lt->link[2]);
	lt->link[3].client_params = link->client_params;
	lt->link[3].client_params.subchannel = 1;
	lt_attach_client(lt, &lt->link[3]);
	lt_expect_told_nothing(lt, link->server_channel);
	lt_open(lt, link);
	KUNIT_EXPECT_EQ(test, lt_end(lt->link[1].client)->state, KMCL_LB_UNBOUND);
	KUNIT_EXPECT_EQ(test, lt_end(lt->link[2].client)->state, KMCL_LB_UNBOUND);
	KUNIT_EXPECT_EQ(test, lt_end(lt->link[3].client)->state, KMCL_LB_UNBOUND);
}

static void lb_open_refused(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_attach_server(lt, link);
	lt_attach_client(lt, link);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->server_channel), 0);
	lt->ops->open_done(link->server, -ENOMEM);
	KUNIT_EXPECT_EQ(test, lt_wait_open(lt, link->client_channel), -EIO);
	lt_expect_told_nothing(lt, link->server_channel);
	/* The server is still offered. */
	lt_end_client(lt, link);
	lt_open(lt, link);
	lt_end_client(lt, link);

	/* The client's own consumer refuses: the server sees a close. */
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	lt_attach_client(lt, link);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->server_channel), 0);
	lt->ops->open_done(link->server, 0);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->client_channel), 0);
	lt->ops->open_done(link->client, -EINVAL);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
}

static void lb_close_reopen(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u32 i;

	lt_open(lt, link);
	for (i = 0; i < 20; i++) {
		u8 byte = i;

		lt_send(lt, link->client, i, &byte, 1);
		lt_expect(lt, link->server, i, &byte, 1);
		lt_end_client(lt, link);
		lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
		/* The client is back before the server is through: it has to wait. */
		if (i % 2)
			lt_attach_client(lt, link);
		lt->ops->close(link->server);
		lt_expect_told_nothing(lt, link->server_channel);
		lt->ops->closed(link->server);
		lt_open(lt, link);
	}
}

/* Closed before the server even saw the first open */
static void lb_open_storm(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u32 i;

	lt_attach_server(lt, link);
	for (i = 0; i < 50; i++) {
		lt_attach_client(lt, link);
		if (i % 3 == 1)
			lt_settle(lt);
		lt_end_client(lt, link);
	}
	lt_attach_client(lt, link);
	/* The first open is still unanswered, and its client is gone. */
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->server_channel), 0);
	lt->ops->open_done(link->server, 0);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
	lt_expect_told_nothing(lt, link->client_channel);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	lt_open(lt, link);
}

static void lb_rescind(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt_end_server(lt, link);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
	/* Offered again before the client has let go of the old number */
	lt_attach_server(lt, link);
	lt_expect_told_nothing(lt, link->server_channel);
	lt_end_client(lt, link);
	lt_open(lt, link);

	/* Rescinded while it is being opened */
	lt_end_client(lt, link);
	lt_end_server(lt, link);
	lt_attach_server(lt, link);
	lt_attach_client(lt, link);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->server_channel), 0);
	lt->ops->open_done(link->server, -ENODEV);
	lt_end_server(lt, link);
	KUNIT_EXPECT_LT(test, lt_wait_open(lt, link->client_channel), 0);
	lt_end_client(lt, link);
	lt_attach_server(lt, link);
	lt_attach_client(lt, link);
	KUNIT_ASSERT_EQ(test, lt_wait_open(lt, link->server_channel), 0);
	lt_end_server(lt, link);
	KUNIT_EXPECT_LT(test, lt_wait_open(lt, link->client_channel), 0);
}

/* A server that stops by itself tells its client, and is offered anew. */
static void lb_server_stops(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	lt_open(lt, link);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
	lt_end_client(lt, link);
	lt_open(lt, link);
}

/* What is on its way when an end is detached is not told any more. */
static void lb_detach_quiet(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	u32 i;

	for (i = 0; i < 20; i++) {
		lt_attach_server(lt, link);
		lt_attach_client(lt, link);
		lt_end_server(lt, link);
		lt_expect_told_nothing(lt, link->server_channel);
		lt_end_client(lt, link);
		lt_expect_told_nothing(lt, link->client_channel);
	}
}

static void lb_freeze(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];

	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	KUNIT_EXPECT_EQ(test, lt->ops->bus_freeze(lt->bus), -EBUSY);
	lt_attach_server(lt, link);
	lt_attach_client(lt, link);
	lt_expect_told_nothing(lt, link->server_channel);
	lt->ops->bus_thaw(lt->bus);
	lt_open(lt, link);

	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	lt_end_client(lt, link);
	lt_expect_told_nothing(lt, link->server_channel);
	lt->ops->bus_thaw(lt->bus);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);

	KUNIT_ASSERT_EQ(test, lt->ops->bus_freeze(lt->bus), 0);
	lt_end_server(lt, link);
	lt->ops->bus_thaw(lt->bus);
}

/* Subchannels go when their primary does. */
static void lb_subchannel(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *primary = &lt->link[0], *sub = &lt->link[1];

	sub->server_params.instance = primary->server_params.instance;
	sub->client_params.instance = primary->server_params.instance;
	sub->server_params.subchannel = 1;
	sub->client_params.subchannel = 1;
	lt_open(lt, primary);
	lt_open(lt, sub);
	lt_end_client(lt, primary);
	lt_wait_close(lt, primary->server_channel, VMB_STOP_PEER_CLOSED);
	lt_wait_close(lt, sub->server_channel, VMB_STOP_PEER_CLOSED);
	lt_wait_close(lt, sub->client_channel, VMB_STOP_PEER_CLOSED);
	lt_end_client(lt, sub);
	lt->ops->close(sub->server);
	lt->ops->closed(sub->server);
	lt->ops->close(primary->server);
	lt->ops->closed(primary->server);
	lt_open(lt, primary);
	lt_open(lt, sub);
	lt_end_server(lt, primary);
	lt_wait_close(lt, primary->client_channel, VMB_STOP_RESCINDED);
	lt_wait_close(lt, sub->client_channel, VMB_STOP_RESCINDED);
	lt_wait_close(lt, sub->server_channel, VMB_STOP_RESCINDED);
}

/* ---- packets and signals ---- */

static void lb_packets(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[2];
	u8 *payload = kunit_kmalloc(test, 4096, GFP_KERNEL);
	struct kmcl_rx rx;
	u32 len, round;

	KUNIT_ASSERT_NOT_NULL(test, payload);
	get_random_bytes(payload, 4096);
	lt_open(lt, link);
	KUNIT_EXPECT_EQ(test, lt->ops->tx_limit(link->client), 8192 - 8 - 24);
	KUNIT_EXPECT_EQ(test, lt->ops->tx_limit(link->server), 12288 - 8 - 24);
	for (round = 0, len = 0; round < 300; round++, len = (len + 331) % 4096) {
		lt_send(lt, link->client, round, payload, len);
		lt_send(lt, link->server, ~(u64)round, payload + 1, len ? len - 1 : 0);
		KUNIT_EXPECT_EQ(test, lt->ops->rx_unread(link->server), 1);
		lt_expect(lt, link->server, round, payload, len);
		lt_expect(lt, link->client, ~(u64)round, payload + 1, len ? len - 1 : 0);
		KUNIT_EXPECT_EQ(test, lt->ops->rx_unread(link->server), 0);
	}
	KUNIT_EXPECT_EQ(test, lt->ops->rx_peek(link->server, &rx), -EAGAIN);
	KUNIT_EXPECT_EQ(test, lt->ops->rx_peek(link->client, &rx), -EAGAIN);
}

static void lb_full_and_stalled(struct kunit *test)
{
	const struct kmcl_tx tx = { .type = VMBUS_RING_INBAND, .payload = "xyz", .payload_len = 4 };
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	struct kmcl_rx rx;
	u32 nr = 0;

	lt_open(lt, link);
	while (!lt->ops->tx_write(link->server, &tx))
		nr++;
	lt->ops->tx_commit(link->server);
	KUNIT_EXPECT_EQ(test, nr, (4096 - 8) / 32);
	KUNIT_EXPECT_EQ(test, lt->ops->rx_unread(link->client), nr);
	KUNIT_EXPECT_FALSE(test, lt->ops->tx_want(link->server, 32));
	while (!lt->ops->rx_peek(link->client, &rx)) {
		lt->ops->rx_advance(link->client, &rx);
		lt->ops->rx_commit(link->client);
	}
	/* One signal, for the room that was asked for */
	KUNIT_EXPECT_EQ(test, lt_end(link->client)->rx.stats.signals, 1);

	lt_end(link->server)->faults = KMCL_LB_STALL;
	KUNIT_EXPECT_EQ(test, lt->ops->tx_write(link->server, &tx), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, lt->ops->tx_want(link->server, 32));
	lt_end(link->server)->faults = 0;
	KUNIT_EXPECT_EQ(test, lt->ops->tx_write(link->server, &tx), 0);
}

static void lb_corrupt_index(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	const struct kmcl_tx tx = { .type = VMBUS_RING_INBAND, .payload = "xyz", .payload_len = 4 };
	struct kmcl_rx rx;

	lt_open(lt, link);
	WRITE_ONCE(lt_end(link->client)->tx.ctl->in, cpu_to_le32(0x10000));
	KUNIT_EXPECT_EQ(test, lt->ops->rx_peek(link->server, &rx), -EIO);
	KUNIT_EXPECT_STREQ(test, lt->ops->fault(link->server), "in-out-of-range");
	KUNIT_EXPECT_STREQ(test, lt->ops->fault(link->client), "none");
	WRITE_ONCE(lt_end(link->client)->rx.ctl->out, cpu_to_le32(12));
	while (!lt->ops->tx_write(link->server, &tx))
		;
	KUNIT_EXPECT_EQ(test, lt->ops->tx_write(link->server, &tx), -EIO);
	KUNIT_EXPECT_EQ(test, lt->ops->rx_unread(link->server), 0);
}

/* An interrupt goes to the processor that was asked for, or the next best. */
static void lb_signal_cpu(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct lt_link *link = &lt->link[0];
	int cpu;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	for (cpu = -1; cpu < (int)nr_cpu_ids; cpu++) {
		link->server_params.cpu = cpu;
		lt_open(lt, link);
		lt->ops->rx_unmask(link->server);
		lt_send(lt, link->client, 1, "x", 1);
		KUNIT_EXPECT_EQ(test, lt_end(link->client)->tx.stats.signals, 1);
		lt_end_client(lt, link);
		lt_end_server(lt, link);
	}
	link->server_params.cpu = nr_cpu_ids;
	KUNIT_EXPECT_EQ(test, lt->ops->attach(lt->bus, link->server_channel, &link->server_params,
					      &link->server, &(enum vmb_link_state){ 0 }),
			-EOPNOTSUPP);
}

static struct kunit_case lb_cases[] = {
	KUNIT_CASE(lb_open_either_order),
	KUNIT_CASE(lb_match),
	KUNIT_CASE(lb_open_refused),
	KUNIT_CASE(lb_close_reopen),
	KUNIT_CASE(lb_open_storm),
	KUNIT_CASE(lb_rescind),
	KUNIT_CASE(lb_server_stops),
	KUNIT_CASE(lb_detach_quiet),
	KUNIT_CASE(lb_freeze),
	KUNIT_CASE(lb_subchannel),
	KUNIT_CASE(lb_packets),
	KUNIT_CASE(lb_full_and_stalled),
	KUNIT_CASE(lb_corrupt_index),
	KUNIT_CASE(lb_signal_cpu),
	{}
};

static struct kunit_suite lb_suite = {
	.name = "kmcl_loopback",
	.init = lt_init,
	.exit = lt_exit,
	.test_cases = lb_cases,
};

kunit_test_suite(lb_suite);
