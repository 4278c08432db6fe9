// SPDX-License-Identifier: GPL-2.0
/*
 * The set: what a frozen session hands out, chunk by chunk, is the channels'
 * streams and the buses' records. The streams are kept here too, for a consumer that
 * comes back in this kernel after the commit.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/random.h>
#include <linux/slab.h>

#include "internal.h"
#include "save.h"
#include "session.h"

#define KMCL_BUS_CHUNK	(256U * 1024)

static void *kmcl_set_at(struct kmcl_session *s)
{
	return s->stage + s->stage_len;
}

static void kmcl_set_end(struct kmcl_session *s)
{
	struct kmcl_stream_end *end = kmcl_set_at(s) + sizeof(struct kmcl_chunk);

	*end = (struct kmcl_stream_end) {
		.chunks = cpu_to_le32(2),
		.streams = cpu_to_le32(s->nr_streams),
		.taken = cpu_to_le32(s->info.taken),
		.received = cpu_to_le32(s->info.received),
		.completions = cpu_to_le32(s->info.completions),
		.queued = cpu_to_le32(s->info.queued),
		.sent = cpu_to_le32(s->info.sent),
		.unread = cpu_to_le32(s->info.unread_server + s->info.unread_client),
	};
	kmcl_chunk_seal(&s->set, kmcl_set_at(s), KMCL_CHUNK_END, 0, sizeof(*end));
	s->stage_len += kmcl_chunk_size(sizeof(*end));
}

/* The bus's record begins: header, and what it is. */
static int kmcl_set_bus_begin(struct kmcl_session *s, struct kmcl_session_bus *sb)
{
	struct kmcl_save_bus *rec;
	int ret;

	ret = sb->bus->ops->bus_save_begin(sb->bus, &sb->bytes);
	if (ret)
		return ret;
	sb->saving = true;
	s->bus_offset = 0;
	s->inner = (struct kmcl_stream) { .save_id = s->set.save_id };
	kmcl_stream_begin(&s->inner, kmcl_set_at(s), KMCL_STREAM_BUS);
	s->stage_len += KMCL_STREAM_HEADER_SIZE;

	rec = kmcl_set_at(s) + sizeof(struct kmcl_chunk);
	memset(rec, 0, sizeof(*rec));
	strscpy(rec->bus, sb->bus->name, sizeof(rec->bus));
	export_guid(rec->bus_id, &sb->bus->id);
	rec->version = cpu_to_le32(sb->bus->ops->save_version);
	rec->data_len = cpu_to_le64(sb->bytes);
	kmcl_chunk_seal(&s->inner, kmcl_set_at(s), KMCL_CHUNK_BUS, 0, sizeof(*rec));
	s->stage_len += kmcl_chunk_size(sizeof(*rec));
	return 0;
}

static int kmcl_set_bus(struct kmcl_session *s, struct kmcl_session_bus *sb)
{
	struct kmcl_stream_end *end;
	u32 n;
	int ret;

	if (!sb->saving)
		return kmcl_set_bus_begin(s, sb);
	n = min_t(u64, sb->bytes - s->bus_offset, KMCL_BUS_CHUNK);
	if (n) {
		ret = sb->bus->ops->bus_save_read(sb->bus, s->bus_offset,
						  kmcl_set_at(s) + sizeof(struct kmcl_chunk), n);
		if (ret)
			return ret;
		kmcl_chunk_seal(&s->inner, kmcl_set_at(s), KMCL_CHUNK_BUS_DATA, 0, n);
		s->stage_len += kmcl_chunk_size(n);
		s->bus_offset += n;
		return 0;
	}
	sb->bus->ops->bus_save_end(sb->bus);
	sb->saving = false;
	end = kmcl_set_at(s) + sizeof(struct kmcl_chunk);
	*end = (struct kmcl_stream_end) { .chunks = cpu_to_le32(s->inner.seq + 1) };
	kmcl_chunk_seal(&s->inner, kmcl_set_at(s), KMCL_CHUNK_END, 0, sizeof(*end));
	s->stage_len += kmcl_chunk_size(sizeof(*end));
	s->nr_streams++;
	s->next_bus = s->next_bus->next;
	return 0;
}

static void kmcl_set_count(struct kmcl_session *s, const struct kmcl_stream_end *end,
			   bool server)
{
	u32 unread = le32_to_cpu(end->unread);

	s->info.sent += le32_to_cpu(end->sent);
	s->info.queued += le32_to_cpu(end->queued);
	s->info.received += le32_to_cpu(end->received);
	s->info.taken += le32_to_cpu(end->taken);
	s->info.completions += le32_to_cpu(end->completions);
	if (server)
		s->info.unread_server += unread;
	else
		s->info.unread_client += unread;
}

/* State that nobody has claimed yet goes on to the next kernel. */
static void kmcl_set_unclaimed_next(struct kmcl_session *s)
{
	s->unclaimed = kmcl_store_next(s->unclaimed, s->bus);
	s->unclaimed_piece = s->unclaimed ? list_first_entry(&s->unclaimed->pieces,
							     struct kmcl_piece, node) : NULL;
}

/* A piece of it, as a part of this set */
static void kmcl_set_unclaimed(struct kmcl_session *s)
{
	const struct kmcl_piece *piece = s->unclaimed_piece;
	struct kmcl_stream stream = { .save_id = s->set.save_id };
	struct kmcl_chunk *chunk;
	u32 at, length;

	memcpy(kmcl_set_at(s), piece->data, piece->size);
	for (at = 0; at < piece->size; at += kmcl_chunk_size(length)) {
		chunk = kmcl_set_at(s) + at;
		length = le32_to_cpu(chunk->length);
		stream.seq = le32_to_cpu(chunk->seq);
		if (le32_to_cpu(chunk->type) == KMCL_CHUNK_END)
			kmcl_set_count(s, (const void *)(chunk + 1), s->unclaimed->identity.server);
		kmcl_chunk_seal(&stream, chunk, le32_to_cpu(chunk->type),
				le32_to_cpu(chunk->flags), length);
	}
	s->stage_len += piece->size;
	if (!list_is_last(&piece->node, &s->unclaimed->pieces)) {
		s->unclaimed_piece = list_next_entry(s->unclaimed_piece, node);
		return;
	}
	s->nr_streams++;
	kmcl_set_unclaimed_next(s);
}

static int kmcl_set_channel(struct kmcl_session *s, struct kmcl_member *m)
{
	struct vmb_channel *ch = m->channel;
	struct kmcl_saved *saved;
	u32 filled, required;
	int ret;

	if (!m->saving) {
		ret = kmcl_save_begin(ch, s->set.save_id);
		if (ret == -EOPNOTSUPP) {
			kmcl_save_refusal(ch, s->reason.text, sizeof(s->reason.text));
			strscpy(s->reason.channel, ch->cfg.name, sizeof(s->reason.channel));
		}
		if (ret) {
			kmcl_err(ch, "could not be saved: error %d\n", ret);
			return ret;
		}
		m->saving = true;
		saved = kmcl_saved_alloc();
		if (!saved)
			return -ENOMEM;
		kmcl_identity_of(ch, &saved->identity);
		memcpy(saved->name, ch->cfg.name, sizeof(saved->name));
		list_add_tail(&saved->node, &s->streams);
	}
	saved = list_last_entry(&s->streams, struct kmcl_saved, node);
	ret = vmb_channel_save_continue(ch, kmcl_set_at(s), KMCL_STAGE_SIZE, &filled, &required);
	if (ret && ret != -EOVERFLOW) {
		kmcl_err(ch, "could not be saved: error %d\n", ret);
		return ret == -ENOBUFS ? -EMSGSIZE : ret;
	}
	if (kmcl_saved_append(saved, kmcl_set_at(s), filled))
		return -ENOMEM;
	s->stage_len += filled;
	if (!ret) {
		kmcl_set_count(s, &ch->save->end, ch->server);
		s->nr_streams++;
		s->next_member = s->next_member->next;
		if (s->next_member == &s->freeze_members)
			kmcl_set_unclaimed_next(s);
	}
	return 0;
}

/*
 * Put the next chunks into the empty stage. 0 with an empty stage: the set is
 * out. An error leaves the session fit only for closing.
 */
int kmcl_session_fill(struct kmcl_session *s)
{
	u64 start = ktime_get_ns();
	int ret = 0;

	s->stage_len = 0;
	s->stage_pos = 0;
	if (!s->next_bus) {
		s->set.save_id = get_random_u64();
		kmcl_stream_begin(&s->set, kmcl_set_at(s), KMCL_STREAM_SET);
		s->stage_len += KMCL_STREAM_HEADER_SIZE;
		s->next_bus = s->buses.next;
		s->next_member = s->freeze_members.next;
		if (list_empty(&s->freeze_members))
			kmcl_set_unclaimed_next(s);
	} else if (s->next_member && s->next_member != &s->freeze_members) {
		ret = kmcl_set_channel(s, list_entry(s->next_member, struct kmcl_member, node));
	} else if (s->unclaimed) {
		kmcl_set_unclaimed(s);
	} else if (s->next_bus != &s->buses) {
		/* Last: a consumer may write to external data until its packets are saved. */
		ret = kmcl_set_bus(s, list_entry(s->next_bus, struct kmcl_session_bus, node));
	} else if (s->next_member) {
		kmcl_set_end(s);
		s->next_member = NULL;
	} else {
		s->state = KMCL_SESSION_SAVED;
	}
	/* Nobody would take it in. */
	if (!ret && s->nr_streams > KMCL_SET_STREAMS_MAX) {
		pr_err("save: a set of more than %u streams\n", KMCL_SET_STREAMS_MAX);
		ret = -E2BIG;
	}
	s->info.bytes += s->stage_len;
	s->info.save_ns += ktime_get_ns() - start;
	if (ret)
		s->state = KMCL_SESSION_FAILED;
	return ret;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_fill);

/* Let go of a save that was begun and not committed. */
void kmcl_session_save_abort(struct kmcl_session *s)
{
	struct kmcl_saved *saved, *tmp;
	struct kmcl_session_bus *sb;
	struct kmcl_member *m;

	list_for_each_entry(sb, &s->buses, node) {
		if (sb->saving)
			sb->bus->ops->bus_save_end(sb->bus);
		sb->saving = false;
	}
	list_for_each_entry(m, &s->freeze_members, node) {
		if (m->saving)
			kmcl_save_finish(m->channel, false);
		m->saving = false;
	}
	list_for_each_entry_safe(saved, tmp, &s->streams, node) {
		list_del(&saved->node);
		kmcl_saved_free(saved);
	}
}
