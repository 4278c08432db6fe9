// SPDX-License-Identifier: GPL-2.0
/*
 * Streams that no kernel wrote: cut short, damaged, repeated, in another order,
 * another channel's, or made up with sums that are right.
 */
#include <linux/random.h>

#include "save_kit.h"

struct hostile {
	struct kit *k;
	struct kit_stream good;
	struct kit_stream bad;
};

static void hostile_begin_with(struct kunit *test, struct hostile *h, struct kit *k)
{
	h->k = kit_successor(k, &h->good, 4096);
	h->bad = kit_stream_new(test);
	h->k->free_done = true;
}

static void hostile_begin(struct kunit *test, struct hostile *h)
{
	hostile_begin_with(test, h, kit_populated(test, true));
}

/* A short one, for what is done at every byte: one sent, one received */
static void hostile_begin_short(struct kunit *test, struct hostile *h)
{
	struct kit *k = kit_make(test, true, NULL);
	struct vmb_packet *pkt;

	core_run(k->c);
	pkt = core_packet(k->c);
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "sent", 4, NULL,
					      VMB_PACKET_FLAG_WAIT_FOR_COMPLETION), 0);
	core_peer_request(k->c, 1, "held", 4);
	core_wait(k->c, CORE_PACKET, 1);
	hostile_begin_with(test, h, k);
}

static void hostile_copy(struct hostile *h)
{
	memcpy(h->bad.data, h->good.data, h->good.len);
	h->bad.len = h->good.len;
}

/* Nothing of it is left. */
static void hostile_clean(struct hostile *h)
{
	struct kit *k = h->k;
	struct vmb_channel *ch = k->c->ch;
	u32 i;

	for (i = 0; i < k->nr_received; i++)
		vmb_channel_packet_complete(k->received[i], "x", 1);
	KUNIT_ASSERT_EQ(k->test, atomic_read(&ch->nr_packets), 0);
	KUNIT_ASSERT_EQ(k->test, ch->nr_slots, 0);
	KUNIT_ASSERT_EQ(k->test, ch->nr_sent, 0);
	KUNIT_ASSERT_EQ(k->test, ch->nr_queued, 0);
	KUNIT_ASSERT_EQ(k->test, ch->quota, VMB_DEFAULT_QUOTA);
	KUNIT_ASSERT_EQ(k->test, k->c->env->fb->nr_reserved, 0);
	k->nr_received = 0;
	k->nr_packets = 0;
	k->nr_restore = 0;
}

static void hostile_expect(struct hostile *h, int ret, const char *what)
{
	KUNIT_EXPECT_EQ_MSG(h->k->test, kit_restore(h->k, &h->bad), ret, "%s", what);
	/* One that goes well is undone. */
	KUNIT_EXPECT_EQ(h->k->test, vmb_channel_disable(h->k->c->ch), 0);
	hostile_clean(h);
}

/* After all of that, the good one is restored, and runs. */
static void hostile_end(struct hostile *h)
{
	struct kit *k = h->k;

	k->free_done = false;
	KUNIT_EXPECT_EQ(k->test, kit_restore(k, &h->good), 0);
	KUNIT_EXPECT_GT(k->test, k->c->ch->nr_sent, 0);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	core_peer_answer(k->c, k->packets[0]->id, NULL, 0);
	core_wait(k->c, CORE_DONE, 1);
}

static void hostile_truncated(struct kunit *test)
{
	struct hostile h;
	u32 len, n, chunks;
	bool whole;

	hostile_begin_short(test, &h);
	hostile_copy(&h);
	chunks = kit_chunks(&h.good);
	for (len = 1; len < h.good.len; len++) {
		whole = false;
		for (n = 1; n < chunks; n++)
			whole |= (u8 *)kit_chunk(&h.good, n) == h.good.data + len;
		h.bad.len = len;
		/* Whole chunks may go on; they are abandoned here. */
		hostile_expect(&h, whole ? -EAGAIN : -EBADMSG, "cut");
	}
	hostile_end(&h);
}

static void hostile_flipped(struct kunit *test)
{
	struct hostile h;
	u32 at, bit;

	hostile_begin_short(test, &h);
	hostile_copy(&h);
	for (at = 0; at < h.good.len; at++) {
		bit = at % 8;
		h.bad.data[at] ^= BIT(bit);
		KUNIT_EXPECT_EQ_MSG(test, kit_restore(h.k, &h.bad), -EBADMSG, "byte %u", at);
		hostile_clean(&h);
		h.bad.data[at] ^= BIT(bit);
	}
	hostile_end(&h);
}

/* The same with right sums: any answer, but no more than an answer. */
static void hostile_flipped_and_sealed(struct kunit *test)
{
	u32 at, n, length, seen[2] = {};
	struct kmcl_chunk *chunk;
	struct hostile h;
	u8 *byte;
	int ret;

	hostile_begin(test, &h);
	for (n = 0; n < KIT_CHUNKS; n++) {
		length = le32_to_cpu(kit_chunk(&h.good, n)->length);
		/* One of three, others each time */
		for (at = get_random_u32_below(3); at < length; at += 3) {
			hostile_copy(&h);
			chunk = kit_chunk(&h.bad, n);
			byte = (u8 *)(chunk + 1) + at;
			*byte ^= BIT(get_random_u32_below(8));
			kit_seal(chunk);
			ret = kit_restore(h.k, &h.bad);
			KUNIT_EXPECT_TRUE_MSG(test, !ret || ret == -EBADMSG || ret == -EINVAL ||
					      ret == -EOPNOTSUPP || ret == -EEXIST ||
					      ret == -EAGAIN,
					      "chunk %u byte %u: %d", n, at, ret);
			seen[!ret]++;
			vmb_channel_disable(h.k->c->ch);
			hostile_clean(&h);
		}
	}
	KUNIT_EXPECT_GT(test, seen[0], 50);
	KUNIT_EXPECT_GT(test, seen[1], 50);
	h.k->nr_bad = 0;
	hostile_end(&h);
}

/* Each chunk twice; each left out; each two exchanged. Numbered as they are, and anew. */
static void hostile_order(struct kunit *test)
{
	struct kmcl_chunk *chunk;
	struct hostile h;
	u32 n, size;
	bool opt;

	hostile_begin(test, &h);
	for (n = 0; n < KIT_CHUNKS; n++) {
		chunk = kit_chunk(&h.good, n);
		size = kmcl_chunk_size(le32_to_cpu(chunk->length));
		/* Only what a stream need not have may be left out, where the end agrees. */
		opt = n == 2;
		hostile_copy(&h);
		kit_insert_chunk(&h.bad, n, chunk, size);
		hostile_expect(&h, -EBADMSG, "twice");
		kit_renumber(&h.bad);
		hostile_expect(&h, n >= KIT_CHUNKS - 1 - KIT_PACKETS && n < KIT_CHUNKS - 1 ?
			       -EEXIST : -EBADMSG, "twice, numbered");
		hostile_copy(&h);
		kit_remove_chunk(&h.bad, n);
		hostile_expect(&h, n < KIT_CHUNKS - 1 ? -EBADMSG : -EAGAIN, "left out");
		kit_renumber(&h.bad);
		hostile_expect(&h, n == KIT_CHUNKS - 1 ? -EAGAIN : opt ? 0 : -EBADMSG,
			       "left out, numbered");
		if (n + 2 > KIT_CHUNKS)
			continue;
		hostile_copy(&h);
		kit_insert_chunk(&h.bad, n + 2, chunk, size);
		kit_remove_chunk(&h.bad, n);
		hostile_expect(&h, -EBADMSG, "exchanged");
		/* Two of a kind may come in any order: nobody can know which it was. */
		opt = chunk->type == kit_chunk(&h.good, n + 1)->type &&
		      n != KIT_CHUNKS - 2 - KIT_QUEUED;
		kit_renumber(&h.bad);
		hostile_expect(&h, opt ? 0 : -EBADMSG, "exchanged, numbered");
	}
	hostile_end(&h);
}

static void hostile_trailing(struct kunit *test)
{
	struct hostile h;

	hostile_begin(test, &h);
	hostile_copy(&h);
	h.bad.len += 1;
	hostile_expect(&h, -EBADMSG, "a byte more");
	hostile_copy(&h);
	kit_insert_chunk(&h.bad, KIT_CHUNKS, kit_chunk(&h.good, 0), KMCL_STREAM_HEADER_SIZE);
	hostile_expect(&h, -EBADMSG, "a chunk more");
	hostile_copy(&h);
	memcpy(h.bad.data + h.bad.len, h.good.data, h.good.len);
	h.bad.len *= 2;
	hostile_expect(&h, -EBADMSG, "twice");
	hostile_end(&h);
}

/* A chunk that nobody knows: skipped where it may be, counted in any case. */
static void hostile_unknown_chunk(struct kunit *test)
{
	struct {
		struct kmcl_chunk head;
		u8 payload[16];
	} unknown = {
		.head = { .type = cpu_to_le32(77), .length = cpu_to_le32(13) },
	};
	struct hostile h;
	u32 n;

	hostile_begin(test, &h);
	unknown.head.save_id = kit_chunk(&h.good, 0)->save_id;
	for (n = 1; n < KIT_CHUNKS; n++) {
		unknown.head.flags = cpu_to_le32(KMCL_CHUNK_OPTIONAL);
		hostile_copy(&h);
		kit_insert_chunk(&h.bad, n, &unknown, sizeof(unknown));
		kit_renumber(&h.bad);
		hostile_expect(&h, 0, "optional");
		unknown.head.flags = 0;
		hostile_copy(&h);
		kit_insert_chunk(&h.bad, n, &unknown, sizeof(unknown));
		kit_renumber(&h.bad);
		hostile_expect(&h, -EOPNOTSUPP, "required");
		unknown.head.flags = cpu_to_le32(KMCL_CHUNK_OPTIONAL | 0x10);
		hostile_copy(&h);
		kit_insert_chunk(&h.bad, n, &unknown, sizeof(unknown));
		kit_renumber(&h.bad);
		hostile_expect(&h, -EBADMSG, "unknown flag");
	}
	hostile_end(&h);
}

/* One field changed, and what that means */
#define HOSTILE_FIELD(_h, _n, _type, _field, _value, _ret) do {				\
	struct kmcl_chunk *_c;								\
											\
	hostile_copy(_h);								\
	_c = kit_chunk(&(_h)->bad, _n);							\
	((_type *)(_c + 1))->_field = (_value);						\
	kit_seal(_c);									\
	hostile_expect(_h, _ret, #_field);						\
} while (0)

static void hostile_header(struct kunit *test)
{
	struct hostile h;

	hostile_begin(test, &h);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, magic, 0, -EBADMSG);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, version, 0, -EOPNOTSUPP);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, version, cpu_to_le16(2), -EOPNOTSUPP);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, kind, cpu_to_le16(KMCL_STREAM_SET),
		      -EBADMSG);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, kind, cpu_to_le16(KMCL_STREAM_BUS),
		      -EBADMSG);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, compat, cpu_to_le32(8), 0);
	HOSTILE_FIELD(&h, 0, struct kmcl_stream_header, incompat, cpu_to_le32(8), -EOPNOTSUPP);
	hostile_end(&h);
}

static void hostile_foreign(struct kunit *test)
{
	struct hostile h;

	hostile_begin(test, &h);
#define CHANNEL(_field, _value, _ret) \
	HOSTILE_FIELD(&h, 1, struct kmcl_save_channel, _field, _value, _ret)
	CHANNEL(identity.bus[0], 'x', -EINVAL);
	CHANNEL(identity.bus[31], 'x', -EBADMSG);
	CHANNEL(identity.bus_id[3], 0xfe, -EINVAL);
	CHANNEL(identity.type[0], 0xfe, -EINVAL);
	CHANNEL(identity.instance[15], 0xfe ^ h.good.data[100], -EINVAL);
	CHANNEL(identity.subchannel, cpu_to_le16(1), -EINVAL);
	CHANNEL(identity.server, 0, -EINVAL);
	CHANNEL(identity.server, 2, -EBADMSG);
	CHANNEL(identity.reserved[4], 1, -EBADMSG);
	CHANNEL(name[63], 'x', -EBADMSG);
	CHANNEL(state, cpu_to_le32(2), -EBADMSG);
	CHANNEL(state, cpu_to_le32(KMCL_SAVED_CLOSED), -EBADMSG);
	CHANNEL(flags, cpu_to_le32(4), -EBADMSG);
	CHANNEL(max_packet_size, cpu_to_le32(257), -EINVAL);
	CHANNEL(max_external_data, cpu_to_le32(8193), -EINVAL);
	CHANNEL(max_chain, cpu_to_le32(3), -EINVAL);
	CHANNEL(max_packets, cpu_to_le32(CORE_PACKETS + 1), -EINVAL);
	CHANNEL(quota, 0, -EBADMSG);
	CHANNEL(quota, cpu_to_le32(VMB_MAX_QUOTA + 1), -EBADMSG);
	CHANNEL(quota, cpu_to_le32(1), 0);
	CHANNEL(late, cpu_to_le32(VMB_MAX_PACKET_COUNT + 1), -EBADMSG);
	CHANNEL(tx_generation, cpu_to_le64(1ULL << 44), -EBADMSG);
	CHANNEL(tx_generation, cpu_to_le64((1ULL << 44) - 1), -EBADMSG);
	CHANNEL(tx_generation, cpu_to_le64(1), -EINVAL);
#undef CHANNEL
	hostile_end(&h);
}

/* @more bytes behind the ranges of the @n-th chunk, a packet; at most 8 */
static void hostile_more_ranges(struct hostile *h, u32 n, u32 more)
{
	struct kmcl_save_packet *rec;
	struct kmcl_chunk *chunk;
	u8 *at;

	hostile_copy(h);
	chunk = kit_chunk(&h->bad, n);
	rec = (void *)(chunk + 1);
	at = (u8 *)(rec + 1) + ALIGN(le32_to_cpu(rec->payload_len), 8) +
	     le32_to_cpu(rec->ranges_len);
	memmove(at + 8, at, h->bad.data + h->bad.len - at);
	memset(at, 0, 8);
	h->bad.len += 8;
	le32_add_cpu(&chunk->length, 8);
	le32_add_cpu(&rec->ranges_len, more);
	kit_seal(chunk);
}

/* No ring takes a head that is no multiple of 8: it would never be sent. */
static void hostile_ranges_length(struct kunit *test)
{
	struct hostile h;
	u32 more;

	hostile_begin(test, &h);
	for (more = 1; more <= 8; more++) {
		hostile_more_ranges(&h, 9, more);
		hostile_expect(&h, more < 8 ? -EBADMSG : 0, "ranges");
	}
	hostile_end(&h);
}

static void hostile_packets(struct kunit *test)
{
	const u32 taken = 3, received = 5, completion = 7, sent = 8, queued = 11;
	struct hostile h;

	hostile_begin(test, &h);
#define RECEIVED(_n, _field, _value, _ret) \
	HOSTILE_FIELD(&h, _n, struct kmcl_save_received, _field, _value, _ret)
	RECEIVED(taken, type, cpu_to_le32(KMCL_PACKET_INBAND), -EBADMSG);
	RECEIVED(taken, type, cpu_to_le32(KMCL_PACKET_COMPLETION), -EBADMSG);
	RECEIVED(taken, flags, cpu_to_le32(4), -EBADMSG);
	RECEIVED(taken, reserved, cpu_to_le32(1), -EBADMSG);
	RECEIVED(taken, payload_len, cpu_to_le32(0), -EBADMSG);
	RECEIVED(taken, payload_len, cpu_to_le32(U32_MAX), -EBADMSG);
	RECEIVED(taken, ranges_len, cpu_to_le32(0), -EBADMSG);
	RECEIVED(taken, ranges_len, cpu_to_le32(U32_MAX), -EBADMSG);
	RECEIVED(received, private_len, cpu_to_le32(0), -EBADMSG);
	RECEIVED(received, private_len, cpu_to_le32(U32_MAX), -EBADMSG);
	RECEIVED(received, type, cpu_to_le32(KMCL_PACKET_GPA_DIRECT), -EBADMSG);
	RECEIVED(completion, payload_len, cpu_to_le32(U32_MAX - 7), -EBADMSG);
#undef RECEIVED
#define PACKET(_n, _field, _value, _ret) \
	HOSTILE_FIELD(&h, _n, struct kmcl_save_packet, _field, _value, _ret)
	PACKET(sent, state, cpu_to_le32(2), -EBADMSG);
	PACKET(sent, flags, 0, -EBADMSG);
	PACKET(sent, flags, cpu_to_le32(0x11), -EBADMSG);
	PACKET(sent, id, 0, -EINVAL);
	PACKET(sent, id, cpu_to_le64(5), -EINVAL);
	PACKET(sent, id, cpu_to_le64(1ULL << 20 | CORE_PACKETS), -EINVAL);
	PACKET(sent, id, cpu_to_le64(1ULL << 63), -EINVAL);
	PACKET(sent, payload_len, cpu_to_le32(U32_MAX), -EBADMSG);
	PACKET(sent, private_len, cpu_to_le32(0), -EBADMSG);
	PACKET(sent, ext_len, cpu_to_le32(1), -EBADMSG);
	PACKET(sent, ext_token, cpu_to_le64(1), -EBADMSG);
	PACKET(sent + 1, ext_token, cpu_to_le64(1ULL << 40), -EINVAL);
	PACKET(sent + 1, ext_token, 0, -EBADMSG);
	PACKET(sent + 1, ext_len, 0, -EBADMSG);
	PACKET(sent + 1, ext_len, cpu_to_le32(8193), -EINVAL);
	PACKET(queued, state, cpu_to_le32(KMCL_SAVED_SENT), -EBADMSG);
	PACKET(sent + 2, state, cpu_to_le32(KMCL_SAVED_QUEUED), -EBADMSG);
	/* The same slot in another generation is the same packet object. */
	PACKET(sent + 1, id, cpu_to_le64(le64_to_cpu(((struct kmcl_save_packet *)
	       (kit_chunk(&h.good, sent) + 1))->id) + (1ULL << 20)), -EEXIST);
#undef PACKET
	hostile_end(&h);
}

static void hostile_counts(struct kunit *test)
{
	const u32 end = KIT_CHUNKS - 1;
	struct hostile h;

	hostile_begin(test, &h);
#define END(_field, _value, _ret) \
	HOSTILE_FIELD(&h, end, struct kmcl_stream_end, _field, _value, _ret)
	END(chunks, cpu_to_le32(KIT_CHUNKS + 1), -EBADMSG);
	END(streams, cpu_to_le32(1), -EBADMSG);
	END(taken, cpu_to_le32(KIT_TAKEN - 1), -EBADMSG);
	END(received, cpu_to_le32(KIT_RECEIVED + 1), -EBADMSG);
	END(completions, cpu_to_le32(0), -EBADMSG);
	END(queued, cpu_to_le32(KIT_QUEUED + 1), -EBADMSG);
	END(sent, cpu_to_le32(KIT_SENT + 1), -EBADMSG);
	END(unread, cpu_to_le32(1000), 0);
	END(reserved[1], cpu_to_le32(1), -EBADMSG);
#undef END
	hostile_end(&h);
}

static u32 hostile_find(struct hostile *h, u32 type)
{
	u32 n = 0;

	while (le32_to_cpu(kit_chunk(&h->good, n)->type) != type)
		n++;
	return n;
}

/* What a cancelled packet had lent: known to the bus, and a completion for each */
static void hostile_lent(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct kmcl_chunk *chunk;
	struct hostile h;
	u32 n, size;

	KUNIT_ASSERT_EQ(test, vmb_packet_cancel(k->c->packets[1]), 0);
	core_wait(k->c, CORE_DONE, 1);
	hostile_begin_with(test, &h, k);
	n = hostile_find(&h, KMCL_CHUNK_LENT);
	HOSTILE_FIELD(&h, n, struct kmcl_save_lent, ext_token, 0, -EINVAL);
	HOSTILE_FIELD(&h, n, struct kmcl_save_lent, ext_token, cpu_to_le64(U64_MAX), -EINVAL);
	/* An id that nobody answers to: it stays lent until the link ends. */
	HOSTILE_FIELD(&h, n, struct kmcl_save_lent, id, cpu_to_le64(U64_MAX), 0);
	chunk = kit_chunk(&h.good, n);
	size = kmcl_chunk_size(le32_to_cpu(chunk->length));
	hostile_copy(&h);
	kit_insert_chunk(&h.bad, n, chunk, size);
	kit_renumber(&h.bad);
	hostile_expect(&h, -EBADMSG, "more than completions to come");
	hostile_copy(&h);
	kit_remove_chunk(&h.bad, n);
	kit_renumber(&h.bad);
	hostile_expect(&h, 0, "left out");
	kit_insert_chunk(&h.bad, 1, chunk, size);
	kit_renumber(&h.bad);
	hostile_expect(&h, -EBADMSG, "before the channel");
	hostile_end(&h);
}

/* Frames: lengths, sums and what a head may say */
static void hostile_frames(struct kunit *test)
{
	struct kmcl_chunk *chunk;
	struct hostile h;
	u32 n;

	hostile_begin(test, &h);
	for (n = 0; n < KIT_CHUNKS; n++) {
		hostile_copy(&h);
		chunk = kit_chunk(&h.bad, n);
		chunk->length = cpu_to_le32(KMCL_CHUNK_MAX + 1);
		hostile_expect(&h, -EBADMSG, "too long");
		chunk->length = cpu_to_le32(U32_MAX);
		hostile_expect(&h, -EBADMSG, "longest");
		hostile_copy(&h);
		chunk->seq = cpu_to_le32(n + 1);
		kit_seal(chunk);
		hostile_expect(&h, -EBADMSG, "number");
		hostile_copy(&h);
		if (n) {
			chunk->save_id ^= cpu_to_le64(1);
			kit_seal(chunk);
			hostile_expect(&h, -EBADMSG, "another save's");
		}
	}
	hostile_end(&h);
}

/* A consumer without the callbacks that a stream calls for */
static void hostile_no_callbacks(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c;
	struct hostile h;
	u32 n;

	hostile_begin(test, &h);
	c = core_chan_make(test, true, env->fb, &h.k->instance);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 256), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 8192, 2), 0);
	hostile_copy(&h);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(c->ch, h.bad.data, h.bad.len),
			-EOPNOTSUPP);
	/* Without the state chunk: the received ones; without these: the packets */
	kit_remove_chunk(&h.bad, 2);
	kit_renumber(&h.bad);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(c->ch, h.bad.data, h.bad.len),
			-EOPNOTSUPP);
	for (n = 0; n < KIT_RECEIVED; n++)
		kit_remove_chunk(&h.bad, 4);
	kit_renumber(&h.bad);
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(c->ch, h.bad.data, h.bad.len),
			-EOPNOTSUPP);
	for (n = 0; n < KIT_PACKETS; n++)
		kit_remove_chunk(&h.bad, 5);
	kit_renumber(&h.bad);
	/* The end still counts them. */
	KUNIT_EXPECT_EQ(test, vmb_channel_restore_from_buffer(c->ch, h.bad.data, h.bad.len),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, c->ch->nr_slots, 0);
	core_run(c);
	core_chan_end(c);
	hostile_end(&h);
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE(hostile_truncated),
	KUNIT_CASE(hostile_flipped),
	KUNIT_CASE(hostile_flipped_and_sealed),
	KUNIT_CASE(hostile_order),
	KUNIT_CASE(hostile_trailing),
	KUNIT_CASE(hostile_unknown_chunk),
	KUNIT_CASE(hostile_header),
	KUNIT_CASE(hostile_foreign),
	KUNIT_CASE(hostile_packets),
	KUNIT_CASE(hostile_ranges_length),
	KUNIT_CASE(hostile_counts),
	KUNIT_CASE(hostile_lent),
	KUNIT_CASE(hostile_frames),
	KUNIT_CASE(hostile_no_callbacks),
	{}
};

static struct kunit_suite hostile_suite = {
	.name = "kmcl_restore_hostile",
	.init = kit_init,
	.exit = kit_exit,
	.test_cases = hostile_cases,
};

kunit_test_suite(hostile_suite);
