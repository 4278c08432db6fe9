// SPDX-License-Identifier: GPL-2.0
/*
 * Committing, and coming back: in this kernel, as when a module is replaced, or
 * from a set that comes back from user space.
 */
#include <linux/slab.h>

#include "save_kit.h"

static void handover_set_is_sound(struct kunit *test, const struct kit_stream *set)
{
	u64 id = le64_to_cpu(kit_chunk(set, 0)->save_id);
	struct kmcl_chunk *chunk;
	u32 n, size;

	for (n = 0; (chunk = kit_chunk(set, n)); n++) {
		KUNIT_EXPECT_EQ(test, le64_to_cpu(chunk->save_id), id);
		size = kmcl_chunk_size(le32_to_cpu(chunk->length));
		KUNIT_ASSERT_LE(test, (u32)((u8 *)chunk - set->data) + size, set->len);
	}
	KUNIT_EXPECT_EQ(test, le32_to_cpu(kit_chunk(set, n - 1)->type), KMCL_CHUNK_END);
}

static void handover_expect_parked(struct kit *k)
{
	struct core_chan *c = k->c;
	u32 i;

	KUNIT_EXPECT_EQ(k->test, c->ch->state, KMCL_PARKED);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(k->test, core_count(c, CORE_DONE), KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(k->test, core_event(c, CORE_DONE, i)->status, -ESTALE);
	KUNIT_EXPECT_EQ(k->test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_HANDED_OVER);
	KUNIT_EXPECT_EQ(k->test, c->ch->nr_slots, 0);
	KUNIT_EXPECT_TRUE(k->test, c->link->parked);
	KUNIT_EXPECT_EQ(k->test, c->link->nr_close, 0);
	KUNIT_EXPECT_EQ(k->test, vmb_packet_send(c->packets[0], "x", 1, NULL, 0), -ENODEV);
	KUNIT_EXPECT_EQ(k->test, vmb_channel_save_begin(c->ch), -EBUSY);
}

/* The token of the one with external memory stays the stream's. */
static void handover_note_orphan(struct kit *k)
{
	k->c->env->fb->orphan = k->c->packets[1]->ext_token;
}

/* What the new consumer finds, on a link that was kept */
static void handover_expect_adopted_then(struct kit *k, struct fake_link *link,
					 const char *then)
{
	struct core_chan *c = k->c;
	struct kunit *test = k->test;
	u32 i;

	KUNIT_EXPECT_EQ(test, k->nr_bad, 0);
	KUNIT_EXPECT_STREQ(test, k->order, "srrppppp");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_KEPT);
	KUNIT_EXPECT_PTR_EQ(test, fake_link_of(c->env->fb, c->ch), link);
	c->link = link;
	/* Sent before the commit, and still in the ring */
	for (i = 0; i < KIT_SENT; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, k->packets[i]->id);
	fake_set_room(link, U32_MAX);
	c->env->fb->gpa_wait = false;
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 102);
	for (i = KIT_SENT; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, k->packets[i]->id);
	if (then)
		KUNIT_EXPECT_STREQ(test, (char *)core_take(c)->data, then);
	for (i = 0; i < KIT_PACKETS - 1; i++)
		core_peer_answer(c, k->packets[i]->id, NULL, 0);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, 0);
	/* Taken ones first, then the unread one */
	core_wait(c, CORE_PACKET, KIT_TAKEN + 1);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 0)->data, "external");
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 2)->data, "unread");
	for (i = 0; i < KIT_RECEIVED; i++)
		vmb_channel_packet_complete(k->received[i], "x", 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 100);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 101);
}

static void handover_expect_adopted(struct kit *k, struct fake_link *link)
{
	handover_expect_adopted_then(k, link, NULL);
}

/* Saved, committed, its module replaced: the next one goes on with the link. */
static void handover_replace(struct kunit *test, bool server)
{
	struct kit *k = kit_populated(test, server), *next;
	struct vmb_packet_completion *held;
	struct fake_link *link = k->c->link;
	guid_t instance = k->instance;
	struct kmcl_session *s;
	struct kit_stream set;

	handover_note_orphan(k);
	s = kit_freeze(test);
	core_peer_request(k->c, 105, "unread", 7);
	set = kit_read_set(test);
	handover_set_is_sound(test, &set);
	KUNIT_EXPECT_EQ(test, s->info.sent, KIT_SENT);
	KUNIT_EXPECT_EQ(test, s->info.queued, KIT_QUEUED);
	KUNIT_EXPECT_EQ(test, s->info.received, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(test, s->info.taken, KIT_TAKEN);
	KUNIT_EXPECT_EQ(test, s->info.completions, KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(test, server ? s->info.unread_server : s->info.unread_client, 1);
	KUNIT_EXPECT_EQ(test, s->info.bytes, set.len);
	/* Held back, and then it is too late: refused and counted */
	held = core_received(k->c, 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(held, "late", 4), 0);
	KUNIT_ASSERT_EQ(test, kmcl_session_commit(s), 0);
	handover_expect_parked(k);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.refused, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_packet_complete(core_received(k->c, 1), "late", 4),
			-ESTALE);
	KUNIT_EXPECT_EQ(test, k->c->ch->stats.refused, 2);
	/* Silent, and gone before the session is */
	kit_end(k);
	KUNIT_EXPECT_TRUE(test, link->parked);
	KUNIT_EXPECT_EQ(test, link->nr_close, 0);
	next = kit_make(test, server, &instance);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(next->c->ch), 0);
	vmb_channel_start(next->c->ch);
	core_settle(next->c);
	core_expect_life(next->c, "");
	kit_session_close(test);
	core_wait_life(next->c, "ORP");
	handover_expect_adopted(next, link);
}

static void handover_replace_server(struct kunit *test)
{
	handover_replace(test, true);
}

static void handover_replace_client(struct kunit *test)
{
	handover_replace(test, false);
}

/* The same channel object, disabled and enabled again */
static void handover_same_channel(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct fake_link *link = k->c->link;

	handover_note_orphan(k);
	kit_hand_over(test);
	kit_session_close(test);
	handover_expect_parked(k);
	k->c->env->fb->gpa_wait = false;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	core_expect_life(k->c, "ORPSC");
	KUNIT_EXPECT_TRUE(test, link->parked);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_sent, KIT_SENT);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORPSCORP");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_KEPT);
	KUNIT_EXPECT_EQ(test, k->nr_packets, KIT_PACKETS);
}

/* Ends what is held, too late, and asks for its data. */
static void handover_ends_late(struct core_chan *c)
{
	struct vmb_channel *ch = c->ch;
	u64 refused = ch->stats.refused;
	struct vmb_mdl *mdl;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_complete(core_received(c, 0), "x", 1), -ESTALE);
	KUNIT_EXPECT_EQ(c->test, ch->stats.refused, refused + 1);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_fail(core_received(c, 1)), -ESTALE);
	KUNIT_EXPECT_EQ(c->test, ch->stats.refused, refused + 2);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_packet_get_external_data(core_received(c, 2), 0, &mdl),
			-ESTALE);
	KUNIT_EXPECT_FALSE(c->test, ch->rx_failed);
}

/* Whatever the consumer does with what it holds, once it is committed: refused. */
static void handover_ends_after_commit(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	static const __le32 ranges[6] = {
		cpu_to_le32(0), cpu_to_le32(1), cpu_to_le32(64), 0, cpu_to_le32(7), 0
	};

	k->c->on_closed = handover_ends_late;
	core_run(k->c);
	core_peer_request(k->c, 1, "one", 3);
	core_peer_request(k->c, 2, "two", 3);
	KUNIT_ASSERT_EQ(test, fake_put(k->c->link, KMCL_PACKET_GPA_DIRECT,
				       KMCL_PACKET_WANTS_COMPLETION, 3, ranges, sizeof(ranges),
				       "external", 8), 0);
	core_received(k->c, 2);
	kit_hand_over(test);
	KUNIT_EXPECT_EQ(test, k->c->ch->state, KMCL_PARKED);
	core_expect_life(k->c, "ORPSC");
	handover_ends_late(k->c);
	kit_session_close(test);
	k->c->on_closed = NULL;
}

/* Closed without a commit: nothing was. */
static void handover_not_committed(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_session *s;

	s = kit_freeze(test);
	kit_read_set(test);
	KUNIT_EXPECT_EQ(test, s->info.sent, KIT_SENT);
	vmb_channel_packet_complete(core_received(k->c, 0), "late", 4);
	kit_session_close(test);
	core_wait_life(k->c, "ORPSRP");
	KUNIT_EXPECT_EQ(test, core_count(k->c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, k->c->ch->nr_completions, KIT_COMPLETIONS + 1);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* The link ended after the freeze: no commit, and all is undone. */
static void handover_link_ends(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_session *s;

	s = kit_freeze(test);
	kit_read_set(test);
	kmcl_channel_event_close(k->c->ch, VMB_STOP_RESCINDED);
	KUNIT_EXPECT_EQ(test, kmcl_session_commit(s), -ENODEV);
	vmb_channel_packet_complete(core_received(k->c, 0), NULL, 0);
	vmb_channel_packet_complete(core_received(k->c, 1), NULL, 0);
	kit_session_close(test);
	core_wait_life(k->c, "ORPSC");
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* A channel that cannot be saved fails the session, and only that. */
static void handover_cannot_be_saved(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);
	struct vmb_packet *pkt = core_packet(c);
	struct kit *k = kit_populated(test, true);
	struct kmcl_session *s;
	int ret;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	s = kit_freeze(test);
	do {
		ret = kmcl_session_fill(s);
	} while (!ret && s->state == KMCL_SESSION_FROZEN);
	KUNIT_EXPECT_EQ(test, ret, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, s->state, KMCL_SESSION_FAILED);
	KUNIT_EXPECT_STREQ(test, (char *)s->reason.channel, c->ch->cfg.name);
	KUNIT_EXPECT_NOT_NULL(test, strstr((char *)s->reason.text, "without save callbacks"));
	kit_session_close(test);
	core_wait_life(c, "ORPSRP");
	core_wait_life(k->c, "ORPSRP");
}

/* The bus's record cannot be had */
static void handover_bus_cannot_be_saved(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_session *s;
	int ret;

	k->c->env->fb->save_error = -EIO;
	s = kit_freeze(test);
	do {
		ret = kmcl_session_fill(s);
	} while (!ret && s->state == KMCL_SESSION_FROZEN);
	KUNIT_EXPECT_EQ(test, ret, -EIO);
	kit_session_close(test);
	core_wait_life(k->c, "ORPSRP");
	k->c->env->fb->save_error = 0;
}

/* Saved, and gone; the set comes back from a file, in pieces of any size. */
static void takein_round_trip(struct kunit *test)
{
	static const u32 pieces[] = { 65536, 4096, 7, 1 };
	struct core_env *env = test->priv;
	struct fake_link *link;
	struct kit *k, *next;
	struct kit_stream set;
	guid_t instance;
	char *shown = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, shown);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		k = kit_populated(test, true);
		link = k->c->link;
		instance = k->instance;
		memset(env->fb->record, 0x40 + i, sizeof(env->fb->record));
		handover_note_orphan(k);
		kit_freeze(test);
		core_peer_request(k->c, 105, "unread", 7);
		set = kit_read_set(test);
		KUNIT_ASSERT_EQ(test, kmcl_session_commit(kit_session_now()), 0);
		kit_session_close(test);
		kit_end(k);
		/* As in another kernel: what is here of it is not. */
		KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
		KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, pieces[i]), 0);
		KUNIT_EXPECT_TRUE(test, env->fb->restore_ok);
		KUNIT_EXPECT_MEMEQ(test, env->fb->restored, env->fb->record, 256);
		/* It waits to be claimed, and is listed. */
		KUNIT_EXPECT_GT(test, kmcl_store_show(shown), 0);
		KUNIT_EXPECT_TRUE(test, strstarts(shown, "unclaimed server "));
		KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, pieces[i]), -EEXIST);
		next = kit_make(test, true, &instance);
		core_enable(next->c);
		KUNIT_EXPECT_EQ(test, kmcl_store_show(shown), 0);
		vmb_channel_start(next->c->ch);
		core_wait_life(next->c, "ORP");
		handover_expect_adopted(next, link);
		kit_end(next);
		kunit_kfree(test, set.data);
	}
}

/* A set that is cut short, or damaged, is refused whole: nothing of it stays. */
static void takein_refuses(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct kit *k = kit_make(test, true, NULL);
	struct kit_stream set, bad;
	struct kmcl_chunk *chunk;
	u32 at, n, len;
	int ret;

	k->state_need = 0;
	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	bad = kit_stream_new(test);
	memcpy(bad.data, set.data, set.len);
	for (len = 0; len < set.len; len++) {
		bad.len = len;
		KUNIT_EXPECT_EQ_MSG(test, kit_take_in(test, &bad, 65536), -EBADMSG, "cut at %u",
				    len);
	}
	bad.len = set.len;
	for (at = 0; at < set.len; at++) {
		bad.data[at] ^= BIT(at % 8);
		KUNIT_EXPECT_EQ_MSG(test, kit_take_in(test, &bad, 65536), -EBADMSG, "byte %u", at);
		bad.data[at] ^= BIT(at % 8);
	}
	/* With right sums: an answer, and no more */
	for (n = 0; (chunk = kit_chunk(&bad, n)); n++) {
		len = le32_to_cpu(chunk->length);
		for (at = 0; at < len; at++) {
			((u8 *)(chunk + 1))[at] ^= BIT((at + n) % 8);
			kit_seal(chunk);
			ret = kit_take_in(test, &bad, 65536);
			KUNIT_EXPECT_TRUE_MSG(test, !ret || ret == -EBADMSG || ret == -ENODEV ||
					      ret == -EOPNOTSUPP, "chunk %u byte %u: %d", n, at,
					      ret);
			((u8 *)(chunk + 1))[at] ^= BIT((at + n) % 8);
			kit_seal(chunk);
			kmcl_store_drop();
		}
	}
	/* A byte more */
	bad.len++;
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &bad, 65536), -EBADMSG);
	bad.len--;
	/* A bus that refuses; and in the end all is well. */
	env->fb->restore_error = -EBADMSG;
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &bad, 65536), -EBADMSG);
	env->fb->restore_error = 0;
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &bad, 65536), 0);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
}

/* It would come up with its old state the next time, over what it did since. */
static void takein_for_one_that_is_up(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kit_stream set;

	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	core_wait_life(k->c, "ORPSRP");
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	KUNIT_EXPECT_FALSE(test, k->c->env->fb->restore_ok);
}

/* But for one whose consumer has nothing to restore, and did not wait. */
static void takein_beside_one_that_is_up(struct kunit *test)
{
	struct core_chan *plain = core_server_running(test);
	struct kit *k = kit_make(test, true, NULL), *next;
	guid_t instance = k->instance;
	struct kit_stream set;

	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	core_wait_life(plain, "ORPSRP");
	kit_end(k);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), 0);
	next = kit_make(test, true, &instance);
	core_enable(next->c);
	KUNIT_EXPECT_TRUE(test, next->c->ch->restored);
	/* Nothing is left of the other's. */
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	core_settle(plain);
	core_expect_life(plain, "ORPSRP");
}

/* A bus is given as much as it was told, whatever follows. */
static void takein_too_much_bus_data(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kmcl_chunk *chunk;
	struct kit_stream set;
	u32 n = 0, len;
	u8 *end;

	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	while ((chunk = kit_chunk(&set, n)) &&
	       le32_to_cpu(chunk->type) != KMCL_CHUNK_BUS_DATA)
		n++;
	KUNIT_ASSERT_NOT_NULL(test, chunk);
	len = le32_to_cpu(chunk->length);
	end = (u8 *)chunk + kmcl_chunk_size(len);
	memmove(end + 8, end, set.data + set.len - end);
	chunk->length = cpu_to_le32(len + 8);
	kit_seal(chunk);
	set.len += 8;
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBADMSG);
}

/* A channel's stream that is whole, but of another save than the set */
static void takein_stream_of_another_save(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kmcl_chunk *chunk;
	struct kit_stream set;
	u32 n = 1;

	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	do {
		chunk = kit_chunk(&set, n++);
		KUNIT_ASSERT_NOT_NULL(test, chunk);
		le64_add_cpu(&chunk->save_id, 1);
		kit_seal(chunk);
	} while (le32_to_cpu(chunk->type) != KMCL_CHUNK_END);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBADMSG);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* What the set's end says of it is true, or it is refused. */
static void takein_counts(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kmcl_stream_end *end;
	struct kmcl_chunk *chunk;
	struct kit_stream set;

	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	chunk = kit_chunk(&set, kit_chunks(&set) - 1);
	end = (void *)(chunk + 1);
	le32_add_cpu(&end->streams, 1);
	kit_seal(chunk);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBADMSG);
	le32_add_cpu(&end->streams, -1);
	le32_add_cpu(&end->chunks, 1);
	kit_seal(chunk);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBADMSG);
	le32_add_cpu(&end->chunks, -1);
	end->reserved[0] = cpu_to_le32(1);
	kit_seal(chunk);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), -EBADMSG);
	end->reserved[0] = 0;
	kit_seal(chunk);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 65536), 0);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
}

/* Twice the same channel, or the same bus, in one set */
static void takein_duplicates(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_chunk *chunk;
	struct kmcl_stream_end *end;
	struct kit_stream set, bad;
	u32 first, size, n;

	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	bad = kit_stream_new(test);
	/* The channel's stream is chunks 1 to KIT_CHUNKS, the bus's what follows. */
	for (first = 1; first < kit_chunks(&set) - 1; first += n) {
		u8 *from = (void *)kit_chunk(&set, first);

		n = first == 1 ? KIT_CHUNKS : kit_chunks(&set) - 1 - first;
		size = (u8 *)kit_chunk(&set, first + n) - from;
		memcpy(bad.data, set.data, set.len);
		bad.len = set.len;
		kit_insert_chunk(&bad, first, from, size);
		chunk = kit_chunk(&bad, kit_chunks(&bad) - 1);
		end = (void *)(chunk + 1);
		le32_add_cpu(&end->streams, 1);
		kit_seal(chunk);
		KUNIT_EXPECT_EQ(test, kit_take_in(test, &bad, 65536),
				first == 1 ? -EEXIST : -EBADMSG);
		KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	}
}

static int takein_feed(struct kmcl_session *s, const void *data, u32 size)
{
	memcpy(s->stage + s->stage_len, data, size);
	s->stage_len += size;
	return kmcl_session_consume(s);
}

/* A set of more streams than any host has channels; each takes as much as it needs. */
static void takein_too_many_streams(struct kunit *test)
{
	struct kit *k = kit_make(test, true, NULL);
	struct kmcl_piece *piece;
	struct kmcl_saved *saved;
	struct kmcl_session *s;
	struct kit_stream set;
	u32 size, i;
	void *from;

	k->state_need = 0;
	core_run(k->c);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	kit_end(k);
	/* Header, channel, end: the least that a stream has */
	from = kit_chunk(&set, 1);
	size = (void *)kit_chunk(&set, 4) - from;
	s = kit_session(test);
	KUNIT_ASSERT_EQ(test, kmcl_session_restore(s), 0);
	KUNIT_ASSERT_EQ(test, takein_feed(s, set.data, from - (void *)set.data), 0);
	for (i = 0; i < KMCL_SET_STREAMS_MAX; i++)
		KUNIT_ASSERT_EQ(test, takein_feed(s, from, size), 0);
	saved = list_first_entry(&s->streams, struct kmcl_saved, node);
	piece = list_first_entry(&saved->pieces, struct kmcl_piece, node);
	KUNIT_EXPECT_EQ(test, piece->size, size);
	KUNIT_EXPECT_LE(test, piece->room, 1024);
	KUNIT_EXPECT_EQ(test, takein_feed(s, from, size), -EBADMSG);
	KUNIT_EXPECT_EQ(test, s->state, KMCL_SESSION_FAILED);
	kit_session_close(test);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* And where such a set would be made: before anything is committed */
static void handover_too_many_streams(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_session *s = kit_freeze(test);
	int ret;

	KUNIT_ASSERT_EQ(test, kmcl_session_fill(s), 0);
	s->nr_streams = KMCL_SET_STREAMS_MAX;
	do {
		ret = kmcl_session_fill(s);
	} while (!ret && s->state == KMCL_SESSION_FROZEN);
	KUNIT_EXPECT_EQ(test, ret, -E2BIG);
	KUNIT_EXPECT_EQ(test, s->state, KMCL_SESSION_FAILED);
	kit_session_close(test);
	core_wait_life(k->c, "ORPSRP");
}

#define PENDING_MANY	40U

/* More than a page holds: whole lines, and how many more there are */
static void pending_many(struct kunit *test)
{
	char *shown = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL), *line, *next;
	struct kit *k[PENDING_MANY];
	u32 i, lines = 0, more = 0;
	ssize_t length;

	KUNIT_ASSERT_NOT_NULL(test, shown);
	for (i = 0; i < PENDING_MANY; i++) {
		k[i] = kit_make(test, true, NULL);
		k[i]->state_need = 0;
		core_run(k[i]->c);
	}
	kit_hand_over(test);
	kit_session_close(test);
	for (i = 0; i < PENDING_MANY; i++)
		kit_end(k[i]);
	length = kmcl_store_show(shown);
	KUNIT_ASSERT_GT(test, length, 0);
	KUNIT_ASSERT_LT(test, length, (ssize_t)PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, shown[length - 1], '\n');
	for (line = shown; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (sscanf(line, "more %u", &more) == 1)
			break;
		KUNIT_EXPECT_TRUE_MSG(test, strstarts(line, "unclaimed server "), "%s", line);
		lines++;
	}
	KUNIT_EXPECT_GT(test, more, 0);
	KUNIT_EXPECT_EQ(test, lines + more, PENDING_MANY);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), PENDING_MANY);
}

/* restore=pending: who has callbacks waits, until its state is there. */
static void pending_waits(struct kunit *test)
{
	struct kit *k = kit_populated(test, true), *next;
	char *shown = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct fake_link *link = k->c->link;
	guid_t instance = k->instance;
	struct core_chan *plain;
	struct vmb_packet *fresh;
	struct kit_stream set;

	KUNIT_ASSERT_NOT_NULL(test, shown);
	handover_note_orphan(k);
	kit_freeze(test);
	core_peer_request(k->c, 105, "unread", 7);
	set = kit_read_set(test);
	KUNIT_ASSERT_EQ(test, kmcl_session_commit(kit_session_now()), 0);
	kit_session_close(test);
	kit_end(k);
	kmcl_store_drop();

	kmcl_store_set_awaiting();
	next = kit_make(test, true, &instance);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(next->c->ch), 0);
	vmb_channel_start(next->c->ch);
	/* Without callbacks there is nothing to wait for. */
	plain = core_server_running(test);
	core_expect_life(plain, "ORP");
	core_settle(next->c);
	core_expect_life(next->c, "");
	KUNIT_EXPECT_GT(test, kmcl_store_show(shown), 0);
	KUNIT_EXPECT_TRUE(test, strstarts(shown, "awaited server "));
	/* What it sends meanwhile comes behind. */
	fresh = vmb_packet_allocate(next->c->ch);
	KUNIT_ASSERT_NOT_NULL(test, fresh);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(fresh, "fresh", 6, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, kit_take_in(test, &set, 4096), 0);
	core_wait_life(next->c, "ORP");
	KUNIT_EXPECT_EQ(test, kmcl_store_show(shown), 0);
	handover_expect_adopted_then(next, link, "fresh");
}

/* Nobody has any: all come up fresh. */
static void pending_dropped(struct kunit *test)
{
	struct kit *k;

	kmcl_store_set_awaiting();
	k = kit_make(test, true, NULL);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), 0);
	vmb_channel_start(k->c->ch);
	core_settle(k->c);
	KUNIT_EXPECT_NULL(test, fake_link_of(k->c->env->fb, k->c->ch));
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	kmcl_store_release_waiters();
	core_settle(k->c);
	k->c->link = fake_link_of(k->c->env->fb, k->c->ch);
	KUNIT_ASSERT_NOT_NULL(test, k->c->link);
	core_open(k->c);
	core_wait_life(k->c, "ORP");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(k->c->ch), VMB_LINK_NEW);
}

/* Disabled while it waits */
static void pending_disabled(struct kunit *test)
{
	struct kit *k;

	kmcl_store_set_awaiting();
	k = kit_make(test, true, NULL);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(k->c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(k->c->ch), 0);
	core_expect_life(k->c, "");
}

/* Its consumer refuses it: it comes up fresh, and what it had taken back ends. */
static void pending_refused(struct kunit *test)
{
	struct kit *k = kit_populated(test, true), *next;
	guid_t instance = k->instance;

	kit_hand_over(test);
	kit_session_close(test);
	k->c->env->fb->nr_reserved--;	/* the one in the stream */
	kit_end(k);
	next = kit_make(test, true, &instance);
	next->free_done = true;
	next->fail_at = KIT_RECEIVED + KIT_PACKETS;
	next->fail = -EIO;
	core_enable(next->c);
	KUNIT_EXPECT_FALSE(test, next->c->link->params.adopt);
	KUNIT_EXPECT_EQ(test, core_count(next->c, CORE_DONE), KIT_PACKETS - 1);
	KUNIT_EXPECT_EQ(test, core_event(next->c, CORE_DONE, 0)->status, -ECANCELED);
	vmb_channel_start(next->c->ch);
	core_open(next->c);
	core_wait_life(next->c, "ORP");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(next->c->ch), VMB_LINK_NEW);
	vmb_channel_packet_complete(next->received[0], NULL, 0);
	vmb_channel_packet_complete(next->received[1], NULL, 0);
	KUNIT_EXPECT_EQ(test, next->c->ch->nr_slots, 0);
}

static struct kunit_case handover_cases[] = {
	KUNIT_CASE(handover_replace_server),
	KUNIT_CASE(handover_replace_client),
	KUNIT_CASE(handover_same_channel),
	KUNIT_CASE(handover_ends_after_commit),
	KUNIT_CASE(handover_not_committed),
	KUNIT_CASE(handover_link_ends),
	KUNIT_CASE(handover_cannot_be_saved),
	KUNIT_CASE(handover_bus_cannot_be_saved),
	KUNIT_CASE(takein_round_trip),
	KUNIT_CASE(takein_refuses),
	KUNIT_CASE(takein_for_one_that_is_up),
	KUNIT_CASE(takein_beside_one_that_is_up),
	KUNIT_CASE(takein_too_much_bus_data),
	KUNIT_CASE(takein_stream_of_another_save),
	KUNIT_CASE(takein_counts),
	KUNIT_CASE(takein_duplicates),
	KUNIT_CASE(takein_too_many_streams),
	KUNIT_CASE(handover_too_many_streams),
	KUNIT_CASE(pending_waits),
	KUNIT_CASE(pending_dropped),
	KUNIT_CASE(pending_disabled),
	KUNIT_CASE(pending_refused),
	KUNIT_CASE(pending_many),
	{}
};

static struct kunit_suite handover_suite = {
	.name = "kmcl_handover",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = handover_cases,
};

kunit_test_suite(handover_suite);
