// SPDX-License-Identifier: GPL-2.0
/*
 * Consumers that save and restore, and a session, for the suites of the core.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "save_kit.h"

static struct kmcl_session *kit_now;
static void *kit_stage;			/* of the last session, for the next */

/* Private state: its size and its bytes follow from the packet's first byte. */
static u32 kit_size(u32 need, u8 first)
{
	return need ? need + first % 5 : 0;
}

static void kit_fill(u8 *buffer, u32 size, u8 first)
{
	u32 i;

	for (i = 0; i < size; i++)
		buffer[i] = first + i * 7;
}

static bool kit_same(const u8 *buffer, u32 size, u8 first)
{
	u32 i;

	for (i = 0; i < size; i++)
		if (buffer[i] != (u8)(first + i * 7))
			return false;
	return true;
}

static int kit_save_any(struct kit *k, char kind, void *object, u8 first, u32 need,
			const int *errors, void *buffer, u32 size, u32 *bytes_needed)
{
	u32 bytes = kit_size(need, first);

	if (k->nr_calls < KIT_CALLS)
		k->calls[k->nr_calls++] = (struct kit_call) { kind, object, buffer, size };
	if (errors[!!size])
		return errors[!!size];
	if (size != bytes) {
		*bytes_needed = bytes;
		return -ENOSPC;
	}
	kit_fill(buffer, size, first);
	return 0;
}

static int kit_save_state(struct vmb_channel *ch, void *buffer, u32 size, u32 *bytes_needed)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;

	return kit_save_any(k, 's', NULL, 3, k->state_need, k->state_err, buffer, size,
			    bytes_needed);
}

static int kit_save_packet(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer, u32 size,
			   u32 *bytes_needed)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;

	return kit_save_any(k, 'p', pkt, pkt->data[0], k->packet_need, k->packet_err, buffer,
			    size, bytes_needed);
}

static int kit_save_received(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			     void *buffer, u32 size, u32 *bytes_needed)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;
	u8 first = kmcl_received_payload(pkt)[pkt->payload_offset];
	int ret;

	ret = kit_save_any(k, 'r', pkt, first, k->received_need, k->received_err, buffer, size,
			   bytes_needed);
	if (k->on_save_received)
		k->on_save_received(k, pkt, size);
	return ret;
}

static bool kit_restoring(struct kit *k, char kind, bool good)
{
	if (k->nr_restore < sizeof(k->order) - 1)
		k->order[k->nr_restore] = kind;
	if (!good)
		k->nr_bad++;
	return k->nr_restore++ == k->fail_at;
}

static int kit_restore_state(struct vmb_channel *ch, const void *buffer, u32 size)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;

	return kit_restoring(k, 's', size == kit_size(k->state_need, 3) &&
			     kit_same(buffer, size, 3)) ? k->fail : 0;
}

static int kit_restore_packet(struct vmb_channel *ch, const void *lib, u32 lib_size,
			      const void *buffer, u32 size)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;
	const struct kmcl_save_packet *rec = lib;
	u8 first = *(const u8 *)(rec + 1);
	struct vmb_packet *pkt;
	unsigned int i;
	bool fail;
	int ret;

	fail = kit_restoring(k, 'p', size == kit_size(k->packet_need, first) &&
			     kit_same(buffer, size, first));
	if (fail && !k->fail_late)
		return k->fail;
	for (i = 0; i < CORE_PACKETS && k->c->packets[i]; i++)
		;
	pkt = i < CORE_PACKETS ? vmb_packet_allocate(ch) : NULL;
	if (!pkt)
		return -ENOMEM;
	vmb_packet_set_completion_routine(pkt, core_done);
	if (rec->ext_len)
		vmb_packet_set_external_mdl(pkt, &k->mdl);
	if (k->on_restore_packet)
		k->on_restore_packet(k, pkt, lib, lib_size);
	ret = vmb_packet_restore(pkt, lib, lib_size);
	if (ret) {
		vmb_packet_free(pkt);
		return ret;
	}
	k->c->packets[i] = pkt;
	k->packets[k->nr_packets++ % CORE_PACKETS] = pkt;
	return fail ? k->fail : 0;
}

static int kit_restore_received(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				void *payload, u32 length, u32 flags, const void *buffer, u32 size)
{
	struct kit *k = ((struct core_chan *)vmb_channel_get_pointer(ch))->priv;
	u8 first = length ? *(u8 *)payload : 0;
	bool fail;

	fail = kit_restoring(k, 'r', size == kit_size(k->received_need, first) &&
			     kit_same(buffer, size, first));
	if (fail && !k->fail_late)
		return k->fail;
	k->received[k->nr_received++ % CORE_PACKETS] = pkt;
	if (k->on_restore_received)
		k->on_restore_received(k, pkt);
	if (k->complete_restored)
		vmb_channel_packet_complete(pkt, "early", 5);
	return fail ? k->fail : 0;
}

/* Holds what comes, and waits for external data where that is awaited. */
static void kit_on_packet(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
			  u32 length, u32 flags)
{
	struct vmb_mdl *mdl;

	if (flags & VMB_PROCESS_PACKET_FLAG_EXTERNAL_DATA)
		vmb_channel_packet_get_external_data(pkt, 0, &mdl);
}

static void kit_on_done(struct core_chan *c, struct vmb_packet *pkt, int status, void *buffer,
			u32 length)
{
	struct kit *k = c->priv;

	if (k->free_done)
		core_packet_free(c, pkt);
}

struct kit *kit_make(struct kunit *test, bool server, const guid_t *instance)
{
	struct core_env *env = test->priv;
	struct kit *k = kunit_kzalloc(test, sizeof(*k), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, k);
	if (instance)
		guid_copy(&k->instance, instance);
	else
		guid_gen(&k->instance);
	k->test = test;
	k->c = core_chan_make_on(test, server, env->bus, &k->instance);
	k->c->priv = k;
	k->c->on_packet = kit_on_packet;
	k->c->on_done = kit_on_done;
	k->state_need = 24;
	k->packet_need = 11;
	k->received_need = 13;
	k->fail_at = U32_MAX;
	k->bvec = (struct bio_vec) { .bv_page = env->fb ? env->fb->page : NULL,
				     .bv_len = PAGE_SIZE };
	k->mdl = (struct vmb_mdl) { .bvec = &k->bvec, .nr_bvecs = 1, .length = 100 };
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_size(k->c->ch, 256), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_packet_count(k->c->ch, CORE_PACKETS), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(k->c->ch, 8192, 2), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(k->c->ch, kit_save_packet, kit_restore_packet), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_received_callbacks
			(k->c->ch, kit_save_received, kit_restore_received), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_save_restore_state_callbacks
			(k->c->ch, kit_save_state, kit_restore_state), 0);
	return k;
}

static void kit_send(struct kit *k, unsigned int i, struct vmb_mdl *mdl, u32 flags)
{
	struct vmb_packet *pkt = core_packet(k->c);
	u8 payload[40] = {};

	payload[0] = 0x40 + i;
	KUNIT_ASSERT_EQ(k->test, vmb_packet_send(pkt, payload, 30 + i, mdl, flags), 0);
	k->ids[i] = pkt->id;
}

/*
 * Sent: 3, the second with external memory. Received: ids 100 and 101. A
 * completion queued: id 102. Queued: 2, of which the last wants no completion.
 * Taken: id 103, which waits for its external data, and 104 behind it.
 */
void kit_populate(struct kit *k)
{
	static const __le32 ranges[6] = {
		cpu_to_le32(0), cpu_to_le32(1), cpu_to_le32(64), 0, cpu_to_le32(7), 0
	};
	struct core_chan *c = k->c;
	struct vmb_channel *ch = c->ch;
	u32 n = core_count(c, CORE_PACKET);
	struct kunit *test = k->test;

	kit_send(k, 0, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	kit_send(k, 1, &k->mdl, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	kit_send(k, 2, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	core_peer_request(c, 100, "hold100", 7);
	core_peer_request(c, 101, "gold101", 8);
	core_peer_request(c, 102, "done102", 8);
	core_wait(c, CORE_PACKET, n + 3);
	fake_set_room(c->link, 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_packet_complete(core_received(c, n + 2), "answer", 6), 0);
	kit_send(k, 3, NULL, VMB_PACKET_FLAG_WAIT_FOR_COMPLETION);
	kit_send(k, 4, NULL, 0);
	c->link->bus->gpa_wait = true;
	KUNIT_ASSERT_EQ(test, fake_put(c->link, KMCL_PACKET_GPA_DIRECT,
				       KMCL_PACKET_WANTS_COMPLETION, 103, ranges, sizeof(ranges),
				       "external", 8), 0);
	core_wait(c, CORE_PACKET, n + 4);
	core_peer_request(c, 104, "behind", 6);
	core_settle(c);
	KUNIT_ASSERT_EQ(test, ch->nr_taken, KIT_TAKEN);
	KUNIT_ASSERT_EQ(test, ch->nr_held, KIT_RECEIVED);
	KUNIT_ASSERT_EQ(test, ch->nr_completions, KIT_COMPLETIONS);
	KUNIT_ASSERT_EQ(test, ch->nr_sent, KIT_SENT);
	KUNIT_ASSERT_EQ(test, ch->nr_queued, KIT_QUEUED);
}

struct kit *kit_populated(struct kunit *test, bool server)
{
	struct kit *k = kit_make(test, server, NULL);

	core_run(k->c);
	kit_populate(k);
	return k;
}

void kit_end(struct kit *k)
{
	k->c->env->fb->gpa_wait = false;
	core_chan_end(k->c);
	k->c = NULL;
}

/* Sessions, as /dev/kmcl makes them */
struct kmcl_session *kit_session(struct kunit *test)
{
	struct core_env *env = test->priv;

	KUNIT_ASSERT_NULL(test, kit_now);
	kit_now = kzalloc(sizeof(*kit_now), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, kit_now);
	mutex_init(&kit_now->mutex);
	INIT_LIST_HEAD(&kit_now->freeze_members);
	INIT_LIST_HEAD(&kit_now->buses);
	INIT_LIST_HEAD(&kit_now->streams);
	kit_now->bus = env->bus;
	if (!kit_stage)
		kit_stage = kvmalloc(KMCL_STAGE_SIZE, GFP_KERNEL);
	kit_now->stage = kit_stage;
	KUNIT_ASSERT_NOT_NULL(test, kit_now->stage);
	return kit_now;
}

struct kmcl_session *kit_session_now(void)
{
	return kit_now;
}

void kit_session_close(struct kunit *test)
{
	struct kmcl_session *s = kit_now;

	kit_now = NULL;
	if (!s)
		return;
	if (s->freezing)
		kmcl_session_thaw(s);
	else
		kmcl_session_restore_abort(s);
	kfree(s);
}

struct kmcl_session *kit_freeze(struct kunit *test)
{
	struct kmcl_session *s = kit_session(test);

	s->freezing = true;
	KUNIT_ASSERT_EQ(test, kmcl_session_freeze(s, 20000), 0);
	s->state = KMCL_SESSION_FROZEN;
	return s;
}

struct kit_stream kit_read_set(struct kunit *test)
{
	struct kit_stream set = kit_stream_new(test);
	struct kmcl_session *s = kit_now;

	do {
		KUNIT_ASSERT_EQ(test, kmcl_session_fill(s), 0);
		KUNIT_ASSERT_LE(test, set.len + s->stage_len, KIT_STREAM_MAX);
		memcpy(set.data + set.len, s->stage, s->stage_len);
		set.len += s->stage_len;
	} while (s->state == KMCL_SESSION_FROZEN);
	KUNIT_ASSERT_EQ(test, s->state, KMCL_SESSION_SAVED);
	return set;
}

struct kit_stream kit_hand_over(struct kunit *test)
{
	struct kmcl_session *s = kit_freeze(test);
	struct kit_stream set = kit_read_set(test);

	KUNIT_ASSERT_EQ(test, kmcl_session_commit(s), 0);
	return set;
}

int kit_take_in(struct kunit *test, const struct kit_stream *set, u32 piece)
{
	struct kmcl_session *s = kit_session(test);
	u32 at, n;
	int ret;

	ret = kmcl_session_restore(s);
	for (at = 0; !ret && at < set->len; at += n) {
		n = min(piece, set->len - at);
		memcpy(s->stage + s->stage_len, set->data + at, n);
		s->stage_len += n;
		ret = kmcl_session_consume(s);
	}
	if (!ret)
		ret = kmcl_session_restore_end(s);
	kit_session_close(test);
	return ret;
}

/* Streams */
struct kit_stream kit_stream_new(struct kunit *test)
{
	struct kit_stream stream = { .data = kunit_kzalloc(test, KIT_STREAM_MAX, GFP_KERNEL) };

	KUNIT_ASSERT_NOT_NULL(test, stream.data);
	return stream;
}

struct kit_stream kit_save(struct kit *k, u32 piece)
{
	struct kit_stream stream = kit_stream_new(k->test);
	u32 filled, required;
	int ret;

	KUNIT_ASSERT_EQ(k->test, vmb_channel_save_begin(k->c->ch), 0);
	do {
		KUNIT_ASSERT_LE(k->test, stream.len + piece, KIT_STREAM_MAX);
		ret = vmb_channel_save_continue(k->c->ch, stream.data + stream.len, piece,
						&filled, &required);
		stream.len += filled;
	} while (ret == -EOVERFLOW);
	vmb_channel_save_end(k->c->ch);
	KUNIT_ASSERT_EQ(k->test, ret, 0);
	return stream;
}

struct kit *kit_successor(struct kit *k, struct kit_stream *stream, u32 piece)
{
	struct kunit *test = k->test;
	bool server = k->c->ch->server;

	kit_freeze(test);
	*stream = kit_save(k, piece);
	kit_session_close(test);
	kit_end(k);
	return kit_make(test, server, &k->instance);
}

int kit_restore(struct kit *k, const struct kit_stream *stream)
{
	return vmb_channel_restore_from_buffer(k->c->ch, stream->data, stream->len);
}

struct kmcl_chunk *kit_chunk(const struct kit_stream *stream, u32 n)
{
	struct kmcl_chunk *chunk;
	u32 at = 0;

	while (at < stream->len) {
		chunk = (void *)(stream->data + at);
		if (!n--)
			return chunk;
		at += kmcl_chunk_size(le32_to_cpu(chunk->length));
	}
	return NULL;
}

u32 kit_chunks(const struct kit_stream *stream)
{
	u32 n = 0;

	while (kit_chunk(stream, n))
		n++;
	return n;
}

void kit_seal(struct kmcl_chunk *chunk)
{
	struct kmcl_stream s = {
		.save_id = le64_to_cpu(chunk->save_id), .seq = le32_to_cpu(chunk->seq),
	};

	kmcl_chunk_seal(&s, chunk, le32_to_cpu(chunk->type), le32_to_cpu(chunk->flags),
			le32_to_cpu(chunk->length));
}

void kit_renumber(const struct kit_stream *stream)
{
	struct kmcl_stream_end *end;
	struct kmcl_chunk *chunk;
	u32 n;

	for (n = 0; (chunk = kit_chunk(stream, n)); n++) {
		chunk->seq = cpu_to_le32(n);
		if (le32_to_cpu(chunk->type) == KMCL_CHUNK_END) {
			end = (void *)(chunk + 1);
			end->chunks = cpu_to_le32(n + 1);
		}
		kit_seal(chunk);
	}
}

void kit_remove_chunk(struct kit_stream *stream, u32 n)
{
	u8 *chunk = (void *)kit_chunk(stream, n);
	u32 size = kmcl_chunk_size(le32_to_cpu(((struct kmcl_chunk *)chunk)->length));

	memmove(chunk, chunk + size, stream->data + stream->len - chunk - size);
	stream->len -= size;
}

/* @chunk may be one of the stream, before the place. */
void kit_insert_chunk(struct kit_stream *stream, u32 n, const void *chunk, u32 size)
{
	u8 *at = (void *)kit_chunk(stream, n) ?: stream->data + stream->len;

	memmove(at + size, at, stream->data + stream->len - at);
	memcpy(at, chunk, size);
	stream->len += size;
}

int kit_init(struct kunit *test)
{
	return core_init_caps(test, "kit", FAKE_CAPS_ALL);
}

/* Whatever the test left: thaw, drop. */
void kit_close(struct kunit *test)
{
	kit_session_close(test);
	kvfree(kit_stage);
	kit_stage = NULL;
	kmcl_store_drop();
	kmcl_store_release_waiters();
}

void kit_exit(struct kunit *test)
{
	struct core_env *env = test->priv;

	if (env)
		env->fb->gpa_wait = false;
	kit_close(test);
	core_exit(test);
}
