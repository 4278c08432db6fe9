// SPDX-License-Identifier: GPL-2.0
/*
 * Saving a channel: what is saved, in buffers of every size, by which calls of
 * the consumer, and what stays behind when it is undone.
 */
#include "save_kit.h"

static int save_all(struct kit *k, u8 *buffer, u32 size)
{
	u32 filled, required;

	return vmb_channel_save_continue(k->c->ch, buffer, size, &filled, &required);
}

static void save_states(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_channel *ch = k->c->ch;
	u32 filled, required;

	/* Disabled */
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 0, &filled, &required), -EINVAL);
	vmb_channel_save_end(ch);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 0, NULL, &required), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 0, &filled, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 8, &filled, &required), -EINVAL);
	vmb_channel_save_end(ch);
	vmb_channel_save_end(ch);
	/* Enabled and not open; open and paused; running */
	core_enable(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), 0);
	vmb_channel_save_end(ch);
	core_open(k->c);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), 0);
	vmb_channel_save_end(ch);
	vmb_channel_start(ch);
	core_wait(k->c, CORE_POST_STARTED_END, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(ch), 0);
	vmb_channel_save_end(ch);
}

static void save_in_opened(struct core_chan *c)
{
	void *warn = core_warn_begin(c->test);

	KUNIT_EXPECT_EQ(c->test, vmb_channel_save_begin(c->ch), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_restore_from_buffer(c->ch, "x", 1), -EDEADLK);
	KUNIT_EXPECT_EQ(c->test, core_warn_end(c->test, warn), 2);
}

static void save_in_callback(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);

	k->c->on_opened = save_in_opened;
	core_enable(k->c);
	core_open(k->c);
}

static void save_end_while_saving(struct kit *k, struct vmb_packet_completion *pkt, bool second)
{
	void *warn = core_warn_begin(k->test);

	vmb_channel_save_end(k->c->ch);
	KUNIT_EXPECT_EQ(k->test, core_warn_end(k->test, warn), 1);
}

/* It goes on, with what it had. */
static void save_end_in_callback(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream stream;

	k->on_save_received = save_end_while_saving;
	kit_freeze(test);
	stream = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, kit_chunks(&stream), KIT_CHUNKS);
}

/* A close that comes while it is saved waits, and the start does, too. */
static void save_not_while_opening_or_started(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);

	core_enable(k->c);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
	vmb_channel_start(k->c->ch);
	fake_open(k->c->link);
	core_settle(k->c);
	core_expect_life(k->c, "");
	vmb_channel_save_end(k->c->ch);
	core_wait_life(k->c, "ORP");
}

static void d15_sends_get_shutdown(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt;

	core_run(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ESHUTDOWN);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ESHUTDOWN);
	vmb_channel_save_end(k->c->ch);
	core_wait_life(k->c, "ORPSRP");
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
}

/* Step two of a freeze: the same, of all; step one: sends are taken. */
static void d15_frozen_sends_get_shutdown(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct vmb_packet *pkt = core_packet(k->c);

	kit_freeze(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(k->c->packets[0]), -EBUSY);
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
}

static void d19_nothing_dropped_silently(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct kit_stream stream;
	struct vmb_packet *pkt;
	struct kit *k;

	/* Without callbacks: not with packets, but without */
	core_run(c);
	pkt = core_packet(c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(c->ch), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	core_wait(c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(c->ch), 0);
	vmb_channel_save_end(c->ch);

	/* External memory that the bus cannot carry */
	k = kit_make(test, true, NULL);
	core_run(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, &k->mdl,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	k->c->link->bus->ops.caps &= ~KMCL_CAP_KEEP;
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), -EOPNOTSUPP);
	k->c->link->bus->ops.caps |= KMCL_CAP_KEEP;
	stream = kit_save(k, 4096);
	KUNIT_EXPECT_EQ(test, kit_chunks(&stream), 5);
}

static int save_sync_request(void *arg)
{
	struct core_chan *c = arg;

	return vmb_channel_send_synchronous_request(c->ch, "x", 1, NULL,
						    VMB_PACKET_FLAG_WAIT_FOR_COMPLETION, NULL, NULL,
						    NULL);
}

/* Who waits for it waits in this kernel. */
static void d19_synchronous_request(struct kunit *test)
{
	struct kit *k = kit_make(test, false, NULL);
	struct core_kthread *t;
	u64 id;

	core_run(k->c);
	t = core_thread_start(test, save_sync_request, k->c);
	id = core_take(k->c)->id;
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), -EOPNOTSUPP);
	vmb_channel_save_end(k->c->ch);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(k->c->ch), 0);
	core_peer_answer(k->c, id, NULL, 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
}

/* Held packets: a pause drains them, a freeze saves them where it may. */
static void save_held_needs_freeze(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct core_kthread *t;

	t = core_thread_start(test, core_do_pause, k->c);
	core_wait(k->c, CORE_SUSPEND, 1);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), -EBUSY);
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	vmb_channel_packet_complete(core_received(k->c, 1), NULL, 0);
	KUNIT_EXPECT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
	vmb_channel_save_end(k->c->ch);
}

/* The peer closed: what is held ends first. A save of it would have no link to go with. */
static void save_held_needs_link(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);

	fake_close(k->c->link, VMB_STOP_PEER_CLOSED);
	core_wait(k->c, CORE_SUSPEND, 1);
	core_settle(k->c);
	KUNIT_EXPECT_EQ(test, vmb_channel_save_begin(k->c->ch), -EBUSY);
	vmb_channel_save_end(k->c->ch);
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	vmb_channel_packet_complete(core_received(k->c, 1), NULL, 0);
	core_wait(k->c, CORE_CLOSED, 1);
}

static void save_expect_call(struct kit *k, u32 n, char kind, u32 size)
{
	KUNIT_EXPECT_EQ(k->test, k->calls[n].kind, kind);
	KUNIT_EXPECT_EQ(k->test, k->calls[n].size, size);
	KUNIT_EXPECT_EQ(k->test, !k->calls[n].buffer, !size);
}

/* Each is asked once, and called once more with exactly what it asked for. */
static void d18_two_calls_each(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream stream;
	u32 i, n = 0;

	kit_freeze(test);
	stream = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, kit_chunks(&stream), KIT_CHUNKS);
	KUNIT_EXPECT_EQ(test, k->nr_calls, 2 * (1 + KIT_RECEIVED + KIT_PACKETS));
	save_expect_call(k, n++, 's', 0);
	save_expect_call(k, n++, 's', 24 + 3);
	for (i = 0; i < KIT_RECEIVED; i++) {
		KUNIT_EXPECT_PTR_EQ(test, k->calls[n].object, (void *)core_received(k->c, i));
		save_expect_call(k, n++, 'r', 0);
		save_expect_call(k, n++, 'r', 13 + (i ? 'g' : 'h') % 5);
	}
	for (i = 0; i < KIT_PACKETS; i++) {
		KUNIT_EXPECT_PTR_EQ(test, k->calls[n].object, (void *)k->c->packets[i]);
		save_expect_call(k, n++, 'p', 0);
		save_expect_call(k, n++, 'p', 11 + (0x40 + i) % 5);
	}
}

/* No private state: one call, and no chunk for the channel's */
static void d18_no_private_state(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream stream;

	k->state_need = 0;
	k->packet_need = 0;
	k->received_need = 0;
	kit_freeze(test);
	stream = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, kit_chunks(&stream), KIT_CHUNKS - 1);
	KUNIT_EXPECT_EQ(test, k->nr_calls, 1 + KIT_RECEIVED + KIT_PACKETS);
}

static void save_expect_error(struct kit *k, u8 *buffer, int *error, int ret, int expect)
{
	u32 filled = 1, required = 1;

	*error = ret;
	KUNIT_ASSERT_EQ(k->test, vmb_channel_save_begin(k->c->ch), 0);
	KUNIT_EXPECT_EQ_MSG(k->test, vmb_channel_save_continue(k->c->ch, buffer, 65536, &filled,
							       &required), expect,
			    "for callback result %d", ret);
	KUNIT_EXPECT_EQ(k->test, filled, 0);
	KUNIT_EXPECT_EQ(k->test, required, 0);
	/* It stays so. */
	*error = 0;
	KUNIT_EXPECT_EQ(k->test, save_all(k, buffer, 65536), expect);
	vmb_channel_save_end(k->c->ch);
}

/* What a callback returns ends the save, and is not taken for how far it came. */
static void d18_callback_errors(struct kunit *test)
{
	static const int results[][2] = {
		{ -ENOMEM, -ENOMEM }, { -EAGAIN, -EAGAIN }, { -EOVERFLOW, -EIO },
		{ -ENOBUFS, -EIO }, { 5, -EIO },
	};
	struct kit *k = kit_populated(test, true);
	int *errors[] = { k->state_err, k->received_err, k->packet_err };
	u32 *needs[] = { &k->state_need, &k->received_need, &k->packet_need };
	struct kit_stream s = kit_stream_new(test);
	u32 i, j, need;

	kit_freeze(test);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		for (j = 0; j < ARRAY_SIZE(results); j++) {
			save_expect_error(k, s.data, &errors[i][0], results[j][0], results[j][1]);
			save_expect_error(k, s.data, &errors[i][1], results[j][0], results[j][1]);
		}
		/* -ENOSPC without a size, with too large a one, and when it got what it wanted */
		need = *needs[i];
		*needs[i] = 0;
		save_expect_error(k, s.data, &errors[i][0], -ENOSPC, -EMSGSIZE);
		*needs[i] = VMB_MAX_SAVE_STATE + 1;
		KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(k->c->ch), 0);
		KUNIT_EXPECT_EQ(test, save_all(k, s.data, 65536), -EMSGSIZE);
		vmb_channel_save_end(k->c->ch);
		*needs[i] = need;
		save_expect_error(k, s.data, &errors[i][1], -ENOSPC, -ENOSPC);
	}
	/* And all is as it was. */
	s = kit_save(k, 65536);
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), KIT_CHUNKS);
}

/* At each chunk: a probe, a byte too few, exactly enough. */
static void save_boundaries(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct vmb_channel *ch = k->c->ch;
	struct kit_stream s = kit_stream_new(test);
	u32 filled, required, need, chunks = 0;
	int ret;

	kit_freeze(test);
	KUNIT_ASSERT_EQ(test, vmb_channel_save_begin(ch), 0);
	do {
		KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 0, &filled, &need),
				-ENOBUFS);
		KUNIT_EXPECT_EQ(test, filled, 0);
		KUNIT_ASSERT_GT(test, need, 0);
		KUNIT_ASSERT_LT(test, need, 4096);
		KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, s.data + s.len, need - 1,
								&filled, &required), -ENOBUFS);
		KUNIT_EXPECT_EQ(test, filled, 0);
		KUNIT_EXPECT_EQ(test, required, need);
		ret = vmb_channel_save_continue(ch, s.data + s.len, need, &filled, &required);
		KUNIT_EXPECT_EQ(test, filled, need);
		s.len += filled;
		chunks++;
		if (ret == -EOVERFLOW)
			KUNIT_EXPECT_GT(test, required, 0);
	} while (ret == -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, required, 0);
	KUNIT_EXPECT_EQ(test, chunks, KIT_CHUNKS);
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), KIT_CHUNKS);
	/* It is out. */
	KUNIT_EXPECT_EQ(test, vmb_channel_save_continue(ch, NULL, 0, &filled, &required), 0);
	KUNIT_EXPECT_EQ(test, filled, 0);
	KUNIT_EXPECT_EQ(test, save_all(k, s.data, 4096), 0);
	vmb_channel_save_end(ch);
	KUNIT_EXPECT_EQ(test, k->nr_calls, 2 * (1 + KIT_RECEIVED + KIT_PACKETS));
}

/* The same payloads, whatever the size of the buffers. */
static void save_every_size(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_chunk *a, *b;
	struct kit_stream first, s;
	u32 size, n, least = 0;

	kit_freeze(test);
	first = kit_save(k, 65536);
	for (n = 0; (a = kit_chunk(&first, n)); n++)
		least = max(least, kmcl_chunk_size(le32_to_cpu(a->length)));
	for (size = least; size <= first.len + 1; size += 5) {
		k->nr_calls = 0;
		s = kit_save(k, size);
		KUNIT_ASSERT_EQ(test, s.len, first.len);
		for (n = 0; (a = kit_chunk(&first, n)); n++) {
			b = kit_chunk(&s, n);
			KUNIT_EXPECT_EQ(test, b->type, a->type);
			KUNIT_ASSERT_EQ(test, b->length, a->length);
			KUNIT_EXPECT_EQ(test, le32_to_cpu(b->seq), n);
			KUNIT_EXPECT_MEMEQ(test, b + 1, a + 1,
					   kmcl_chunk_size(le32_to_cpu(a->length)) - sizeof(*a));
		}
		KUNIT_EXPECT_EQ(test, k->nr_calls, 2 * (1 + KIT_RECEIVED + KIT_PACKETS));
		kunit_kfree(test, s.data);
	}
}

/* A client saves as a server does. */
static void save_client(struct kunit *test)
{
	struct kit *k = kit_populated(test, false);
	struct kit_stream s;

	kit_freeze(test);
	s = kit_save(k, 1024);
	KUNIT_EXPECT_EQ(test, kit_chunks(&s), KIT_CHUNKS);
}

/*
 * A peer that completes twice what is over uses up a completion that is still to
 * come: no more memory is said to be lent than completions are awaited.
 */
static void save_lent_within_late(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt[3];
	struct kit_stream s;
	u32 i, n, lent = 0;
	u64 id;

	core_run(k->c);
	for (i = 0; i < 3; i++) {
		pkt[i] = core_packet(k->c);
		KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt[i], "x", 1, i ? &k->mdl : NULL,
						      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	}
	id = pkt[0]->id;
	core_peer_answer(k->c, id, NULL, 0);
	core_wait(k->c, CORE_DONE, 1);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt[1]), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt[2]), 0);
	core_peer_answer(k->c, id, NULL, 0);
	core_until(k->c, READ_ONCE(k->c->ch->stats.late) == 1);
	kit_freeze(test);
	s = kit_save(k, 65536);
	for (n = 0; n < kit_chunks(&s); n++)
		lent += le32_to_cpu(kit_chunk(&s, n)->type) == KMCL_CHUNK_LENT;
	KUNIT_EXPECT_EQ(test, lent, 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(((struct kmcl_save_channel *)
					   (kit_chunk(&s, 1) + 1))->late), 1);
}

static struct kunit_case save_cases[] = {
	KUNIT_CASE(save_states),
	KUNIT_CASE(save_in_callback),
	KUNIT_CASE(save_end_in_callback),
	KUNIT_CASE(save_lent_within_late),
	KUNIT_CASE(save_not_while_opening_or_started),
	KUNIT_CASE(d15_sends_get_shutdown),
	KUNIT_CASE(d15_frozen_sends_get_shutdown),
	KUNIT_CASE(d19_nothing_dropped_silently),
	KUNIT_CASE(d19_synchronous_request),
	KUNIT_CASE(save_held_needs_freeze),
	KUNIT_CASE(save_held_needs_link),
	KUNIT_CASE(d18_two_calls_each),
	KUNIT_CASE(d18_no_private_state),
	KUNIT_CASE(d18_callback_errors),
	KUNIT_CASE(save_boundaries),
	KUNIT_CASE(save_every_size),
	KUNIT_CASE(save_client),
	{}
};

static struct kunit_suite save_suite = {
	.name = "kmcl_save",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = save_cases,
};

kunit_test_suite(save_suite);
