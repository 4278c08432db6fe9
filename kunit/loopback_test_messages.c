// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: its control messages, recorded and replayed. Each end's
 * recording, given to the other end alone, must bring the same answers.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "loopback_test.h"
#include "vmbus/control.h"

#define MESSAGES_MAX	64
#define STATE_MAX	4096

struct message {
	bool to_server;
	u32 len;
	u8 bytes[VMBUS_MSG_MAX];
};

struct recording {
	/* The machines as they were when it began */
	void *server;
	void *client;
	ssize_t server_len;
	ssize_t client_len;
	struct message *message;
	u32 nr;
	u32 too_long;
	u32 lost;
};

static void recorder(void *data, bool to_server, const void *msg, size_t len)
{
	struct recording *rec = data;

	if (len > VMBUS_MSG_MAX || len < sizeof(struct vmbus_msg_hdr)) {
		rec->too_long++;
		return;
	}
	if (rec->nr == MESSAGES_MAX) {
		rec->lost++;
		return;
	}
	rec->message[rec->nr].to_server = to_server;
	rec->message[rec->nr].len = len;
	memcpy(rec->message[rec->nr].bytes, msg, len);
	rec->nr++;
}

static u32 message_type(const struct message *message)
{
	const struct vmbus_msg_hdr *hdr = (const void *)message->bytes;

	return le32_to_cpu(hdr->type);
}

static struct recording *record_start(struct lt *lt)
{
	struct recording *rec = kunit_kzalloc(lt->test, sizeof(*rec), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(lt->test, rec);
	rec->message = kunit_kcalloc(lt->test, MESSAGES_MAX, sizeof(*rec->message), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(lt->test, rec->message);
	rec->server = kunit_kmalloc(lt->test, STATE_MAX, GFP_KERNEL);
	rec->client = kunit_kmalloc(lt->test, STATE_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(lt->test, rec->server);
	KUNIT_ASSERT_NOT_NULL(lt->test, rec->client);
	mutex_lock(&lt->lb->lock);
	vmbus_server_stop(lt->lb->server);
	vmbus_client_stop(lt->lb->client);
	rec->server_len = vmbus_server_save(lt->lb->server, rec->server, STATE_MAX);
	rec->client_len = vmbus_client_save(lt->lb->client, rec->client, STATE_MAX);
	vmbus_server_start(lt->lb->server);
	vmbus_client_start(lt->lb->client);
	lt->lb->record_data = rec;
	lt->lb->record = recorder;
	mutex_unlock(&lt->lb->lock);
	KUNIT_ASSERT_LE(lt->test, rec->server_len, STATE_MAX);
	KUNIT_ASSERT_LE(lt->test, rec->client_len, STATE_MAX);
	return rec;
}

static void record_stop(struct lt *lt)
{
	mutex_lock(&lt->lb->lock);
	lt->lb->record = NULL;
	lt->lb->record_data = NULL;
	mutex_unlock(&lt->lb->lock);
}

static void messages_exit(struct kunit *test)
{
	record_stop(test->priv);
	lt_exit(test);
}

/* Offer, a GPADL of several messages, data, close, reopen, rescind */
static struct recording *record_life(struct lt *lt)
{
	struct lt_link *link = &lt->link[0];
	u8 *data = kunit_kzalloc(lt->test, 300000, GFP_KERNEL);
	struct recording *rec = record_start(lt);
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(lt->test, data);
	lt_open(lt, link);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->gpadl_create(link->client,
							lt_mdl(lt->test, data, 300000), 0, 300000,
							0, &handle), 0);
	KUNIT_ASSERT_EQ(lt->test, lt->ops->gpadl_delete(link->client, handle), 0);
	lt_end_client(lt, link);
	lt_wait_close(lt, link->server_channel, VMB_STOP_PEER_CLOSED);
	lt->ops->close(link->server);
	lt->ops->closed(link->server);
	lt_open(lt, link);
	lt_end_server(lt, link);
	lt_wait_close(lt, link->client_channel, VMB_STOP_RESCINDED);
	lt_end_client(lt, link);
	record_stop(lt);
	KUNIT_EXPECT_EQ(lt->test, rec->too_long, 0);
	KUNIT_EXPECT_EQ(lt->test, rec->lost, 0);
	return rec;
}

static void messages_order(struct kunit *test)
{
	static const struct {
		bool to_server;
		u32 type;
	} expected[] = {
		{ false, VMBUS_MSG_OFFER_CHANNEL },
		{ true, VMBUS_MSG_GPADL_HEADER },
		{ false, VMBUS_MSG_GPADL_CREATED },
		{ true, VMBUS_MSG_OPEN_CHANNEL },
		{ false, VMBUS_MSG_OPEN_CHANNEL_RESULT },
		{ true, VMBUS_MSG_GPADL_HEADER },
		{ true, VMBUS_MSG_GPADL_BODY },
		{ true, VMBUS_MSG_GPADL_BODY },
		{ false, VMBUS_MSG_GPADL_CREATED },
		{ true, VMBUS_MSG_GPADL_TEARDOWN },
		{ false, VMBUS_MSG_GPADL_TORNDOWN },
		{ true, VMBUS_MSG_CLOSE_CHANNEL },
		{ true, VMBUS_MSG_GPADL_TEARDOWN },
		{ false, VMBUS_MSG_GPADL_TORNDOWN },
		{ true, VMBUS_MSG_GPADL_HEADER },
		{ false, VMBUS_MSG_GPADL_CREATED },
		{ true, VMBUS_MSG_OPEN_CHANNEL },
		{ false, VMBUS_MSG_OPEN_CHANNEL_RESULT },
		{ false, VMBUS_MSG_RESCIND_CHANNEL_OFFER },
		{ true, VMBUS_MSG_GPADL_TEARDOWN },
		{ false, VMBUS_MSG_GPADL_TORNDOWN },
		{ true, VMBUS_MSG_REL_ID_RELEASED },
	};
	struct recording *rec = record_life(test->priv);
	u32 i;

	KUNIT_ASSERT_EQ(test, rec->nr, ARRAY_SIZE(expected));
	for (i = 0; i < rec->nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, rec->message[i].to_server, expected[i].to_server,
				    "message %u", i);
		KUNIT_EXPECT_EQ_MSG(test, message_type(&rec->message[i]), expected[i].type,
				    "message %u", i);
	}
}

/* ---- a machine alone, with a device that says yes to everything ---- */

struct alone {
	struct kunit *test;
	struct vmbus_server *server;
	struct vmbus_client *client;
	struct message out[MESSAGES_MAX];
	u32 nr_out;
};

static int alone_send(void *ctx, const void *msg, size_t len)
{
	struct alone *alone = ctx;

	if (alone->nr_out == MESSAGES_MAX)
		return -ENOBUFS;
	alone->out[alone->nr_out].len = len;
	memcpy(alone->out[alone->nr_out].bytes, msg, len);
	alone->nr_out++;
	return 0;
}

static void alone_open(struct vmbus_server_channel *chan, void *context,
		       const struct vmbus_open_request *req)
{
	vmbus_server_open_result(chan, 0);
}

static void alone_close(struct vmbus_server_channel *chan, void *context)
{
	vmbus_server_close_done(chan);
}

static const struct vmbus_server_ops alone_server_ops = {
	.send = alone_send,
	.open = alone_open,
	.close = alone_close,
};

static void alone_hear(struct alone *alone, const void *msg, size_t len)
{
	KUNIT_ASSERT_EQ(alone->test, vmbus_server_receive(alone->server, msg, len), 0);
	while (vmbus_server_run(alone->server))
		;
}

static void messages_replay_to_server(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct recording *rec = record_life(lt);
	const struct vmbus_server_params params = {
		.nr_pages = kmcl_arena_size(lt->lb->arena),
	};
	struct vmbus_offer offer = {
		.key = {
			.type = lt->link[0].server_params.type,
			.instance = lt->link[0].server_params.instance,
		},
	};
	struct alone *alone = kunit_kzalloc(test, sizeof(*alone), GFP_KERNEL);
	struct vmbus_server_channel *chan;
	u32 i, answer = 0;

	KUNIT_ASSERT_NOT_NULL(test, alone);
	alone->test = test;
	alone->server = vmbus_server_alloc(&alone_server_ops, alone, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(alone->server));
	KUNIT_ASSERT_EQ(test, vmbus_server_restore(alone->server, rec->server, rec->server_len), 0);
	vmbus_server_start(alone->server);
	KUNIT_ASSERT_EQ(test, vmbus_server_offer(alone->server, &offer, 0, NULL, &chan), 0);
	while (vmbus_server_run(alone->server))
		;
	for (i = 0; i < rec->nr; i++) {
		struct message *message = &rec->message[i];

		if (message->to_server) {
			alone_hear(alone, message->bytes, message->len);
			continue;
		}
		/* What the device did by itself, at the place where it did it */
		if (message_type(message) == VMBUS_MSG_RESCIND_CHANNEL_OFFER) {
			vmbus_server_revoke(chan);
			while (vmbus_server_run(alone->server))
				;
		}
		KUNIT_ASSERT_LT(test, answer, alone->nr_out);
		KUNIT_EXPECT_EQ_MSG(test, alone->out[answer].len, message->len, "message %u", i);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(alone->out[answer].bytes, message->bytes,
						 message->len), 0, "message %u", i);
		answer++;
	}
	KUNIT_EXPECT_EQ(test, answer, alone->nr_out);
	vmbus_server_free(alone->server);
}

/* ---- the client's machine alone, with a driver that opens what it is offered ---- */

struct driver {
	struct alone alone;
	struct vmbus_client_channel *chan;
	u64 ring[2 + 3];
	u64 memory[74];
	u32 ring_handle;
	u32 handle;
};

static int driver_send(void *ctx, const void *msg, size_t len)
{
	struct driver *driver = ctx;

	return alone_send(&driver->alone, msg, len);
}

static void driver_offer(void *ctx, struct vmbus_client_channel *chan,
			 const struct vmbus_offer *offer)
{
	struct driver *driver = ctx;

	driver->chan = chan;
	vmbus_client_channel_set_context(chan, driver);
}

static const struct vmbus_client_ops driver_ops = {
	.send = driver_send,
	.offer = driver_offer,
};

/* The words of the GPADL that begins with this message */
static void driver_pfns(const struct recording *rec, u32 i, u64 *pfns, u32 nr)
{
	u32 at = sizeof(struct vmbus_msg_gpadl_header) + 8, n = 0;

	for (; n < nr; i++, at = sizeof(struct vmbus_msg_gpadl_body))
		for (; n < nr && at < rec->message[i].len; at += 8, n++)
			pfns[n] = le64_to_cpup((const void *)(rec->message[i].bytes + at));
}

static void driver_gpadl(struct driver *driver, const struct recording *rec, u32 i)
{
	const struct vmbus_msg_gpadl_header *msg = (const void *)rec->message[i].bytes;
	struct kunit *test = driver->alone.test;
	bool ring = le16_to_cpu(msg->len) == sizeof(driver->ring) + 8;
	u32 nr = le16_to_cpu(msg->len) / 8 - 1, *handle;
	struct vmbus_gpadl_range range = {
		.byte_count = ring ? nr * 4096 : 300000,
		.nr_pages = nr,
		.pfns = ring ? driver->ring : driver->memory,
	};

	KUNIT_ASSERT_LE(test, nr, ARRAY_SIZE(driver->memory));
	driver_pfns(rec, i, ring ? driver->ring : driver->memory, nr);
	handle = ring ? &driver->ring_handle : &driver->handle;
	KUNIT_ASSERT_EQ(test, vmbus_client_gpadl_create(driver->chan, &range, handle), 0);
}

static void driver_act(struct driver *driver, const struct recording *rec, u32 i)
{
	const struct message *message = &rec->message[i];
	const struct vmbus_msg_gpadl_teardown *teardown = (const void *)message->bytes;
	struct vmbus_open_request req = {
		.ring_gpadl = driver->ring_handle,
		.downstream_page = 3,
	};
	struct kunit *test = driver->alone.test;

	switch (message_type(message)) {
	case VMBUS_MSG_GPADL_HEADER:
		driver_gpadl(driver, rec, i);
		break;
	case VMBUS_MSG_OPEN_CHANNEL:
		KUNIT_EXPECT_EQ(test, vmbus_client_open(driver->chan, &req), 0);
		break;
	case VMBUS_MSG_GPADL_TEARDOWN:
		KUNIT_EXPECT_EQ(test, vmbus_client_gpadl_teardown(driver->chan,
								  le32_to_cpu(teardown->gpadl)), 0);
		break;
	case VMBUS_MSG_CLOSE_CHANNEL:
		KUNIT_EXPECT_EQ(test, vmbus_client_close(driver->chan), 0);
		break;
	case VMBUS_MSG_REL_ID_RELEASED:
		vmbus_client_close(driver->chan);
		KUNIT_EXPECT_EQ(test, vmbus_client_release(driver->chan), 0);
		break;
	default:
		break;
	}
	while (vmbus_client_run(driver->alone.client))
		;
}

static void driver_hear(struct driver *driver, const void *msg, size_t len)
{
	KUNIT_ASSERT_EQ(driver->alone.test, vmbus_client_receive(driver->alone.client, msg, len),
			0);
	while (vmbus_client_run(driver->alone.client))
		;
}

static void messages_replay_to_client(struct kunit *test)
{
	struct lt *lt = test->priv;
	struct recording *rec = record_life(lt);
	const struct vmbus_client_params params = {
		.nr_pages = kmcl_arena_size(lt->lb->arena),
	};
	struct driver *driver = kunit_kzalloc(test, sizeof(*driver), GFP_KERNEL);
	u32 i, said = 0;

	KUNIT_ASSERT_NOT_NULL(test, driver);
	driver->alone.test = test;
	driver->alone.client = vmbus_client_alloc(&driver_ops, driver, &params);
	KUNIT_ASSERT_FALSE(test, IS_ERR(driver->alone.client));
	KUNIT_ASSERT_EQ(test, vmbus_client_restore(driver->alone.client, rec->client,
						   rec->client_len), 0);
	vmbus_client_start(driver->alone.client);
	for (i = 0; i < rec->nr; i++) {
		struct message *message = &rec->message[i];

		if (!message->to_server) {
			driver_hear(driver, message->bytes, message->len);
			continue;
		}
		if (message_type(message) != VMBUS_MSG_GPADL_BODY)
			driver_act(driver, rec, i);
		KUNIT_ASSERT_LT(test, said, driver->alone.nr_out);
		KUNIT_EXPECT_EQ_MSG(test, driver->alone.out[said].len, message->len, "message %u",
				    i);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(driver->alone.out[said].bytes, message->bytes,
						 message->len), 0, "message %u", i);
		said++;
	}
	KUNIT_EXPECT_EQ(test, said, driver->alone.nr_out);
	vmbus_client_free(driver->alone.client);
}

static struct kunit_case lb_messages_cases[] = {
	KUNIT_CASE(messages_order),
	KUNIT_CASE(messages_replay_to_server),
	KUNIT_CASE(messages_replay_to_client),
	{}
};

static struct kunit_suite lb_messages_suite = {
	.name = "kmcl_loopback_messages",
	.init = lt_init,
	.exit = messages_exit,
	.test_cases = lb_messages_cases,
};

kunit_test_suite(lb_messages_suite);
