// SPDX-License-Identifier: GPL-2.0
/*
 * Taking a set in: the way back from user space. Each chunk is checked before
 * anything of it is used; buses are restored once the whole set is in, channels
 * wait in the store for their consumers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "session.h"

int kmcl_session_restore(struct kmcl_session *s)
{
	s->state = KMCL_SESSION_RESTORING;
	return 0;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_restore);

static int kmcl_takein_bus(struct kmcl_session *s, const struct kmcl_save_bus *rec, u32 length)
{
	const struct kmcl_transport_ops *ops;
	struct kmcl_session_bus *sb;
	struct vmb_bus *bus;
	guid_t id;
	int ret;

	if (length != sizeof(*rec) || rec->reserved ||
	    strnlen(rec->bus, sizeof(rec->bus)) == sizeof(rec->bus))
		return -EBADMSG;
	list_for_each_entry(sb, &s->buses, node)
		if (!strcmp(sb->bus->name, rec->bus))
			return -EBADMSG;
	bus = kmcl_bus_get(rec->bus);
	if (IS_ERR(bus)) {
		pr_err("restore: there is no bus %s: load its module first\n", rec->bus);
		return PTR_ERR(bus);
	}
	ops = bus->ops;
	import_guid(&id, rec->bus_id);
	sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	if (!sb)
		ret = -ENOMEM;
	else if (!guid_equal(&id, &bus->id))
		ret = -ENODEV;
	else if (!(ops->caps & KMCL_CAP_KEEP))
		ret = -EOPNOTSUPP;
	else
		ret = ops->bus_restore_begin(bus, le32_to_cpu(rec->version),
					     le64_to_cpu(rec->data_len));
	if (ret) {
		pr_err("restore: bus %s cannot be restored: error %d\n", rec->bus, ret);
		kfree(sb);
		kmcl_bus_put(bus);
		return ret;
	}
	sb->bus = bus;
	sb->begun = true;
	list_add_tail(&sb->node, &s->buses);
	s->current_bus = sb;
	s->bus_left = le64_to_cpu(rec->data_len);
	return 0;
}

static int kmcl_takein_bus_chunk(struct kmcl_session *s, const struct kmcl_chunk *chunk, u32 type)
{
	u32 length = le32_to_cpu(chunk->length);

	switch (type) {
	case KMCL_CHUNK_BUS:
		return s->current_bus ? -EBADMSG : kmcl_takein_bus(s, (const void *)(chunk + 1),
								   length);
	case KMCL_CHUNK_BUS_DATA:
		if (!s->current_bus || length > s->bus_left)
			return -EBADMSG;
		s->bus_left -= length;
		return s->current_bus->bus->ops->bus_restore_write(s->current_bus->bus, chunk + 1,
								   length);
	case KMCL_CHUNK_END:
		return !s->current_bus || s->bus_left ? -EBADMSG : 0;
	default:
		return le32_to_cpu(chunk->flags) & KMCL_CHUNK_OPTIONAL ? 0 : -EOPNOTSUPP;
	}
}

static bool kmcl_takein_known(u32 type)
{
	switch (type) {
	case KMCL_CHUNK_END:
	case KMCL_CHUNK_CHANNEL_STATE:
	case KMCL_CHUNK_TAKEN:
	case KMCL_CHUNK_RECEIVED:
	case KMCL_CHUNK_COMPLETION:
	case KMCL_CHUNK_PACKET:
	case KMCL_CHUNK_LENT:
		return true;
	default:
		return false;
	}
}

/* A chunk of a channel's stream: kept as it is; the channel's restore reads it. */
static int kmcl_takein_channel_chunk(struct kmcl_session *s, const struct kmcl_chunk *chunk,
				     u32 type)
{
	struct kmcl_saved *saved = list_last_entry(&s->streams, struct kmcl_saved, node);
	bool second = s->inner_chunks == 2, identifies = type == KMCL_CHUNK_CHANNEL;
	int ret = 0;

	/* The second chunk of each, and no other, says whose it is. */
	if (second != identifies)
		ret = -EBADMSG;
	else if (identifies)
		ret = kmcl_saved_identify(saved, chunk);
	else if (!kmcl_takein_known(type) && !(le32_to_cpu(chunk->flags) & KMCL_CHUNK_OPTIONAL))
		ret = -EOPNOTSUPP;
	return ret ?: kmcl_saved_append(saved, chunk, kmcl_chunk_size(le32_to_cpu(chunk->length)));
}

static int kmcl_takein_begin(struct kmcl_session *s, const struct kmcl_chunk *chunk)
{
	struct kmcl_saved *saved;
	enum kmcl_stream_kind kind;
	int ret;

	ret = kmcl_stream_check_header(chunk, &kind);
	if (ret)
		return ret;
	s->inner = (struct kmcl_stream) { .save_id = s->set.save_id };
	ret = kmcl_chunk_follow(&s->inner, chunk);
	if (ret)
		return ret;
	if (s->inner.save_id != s->set.save_id)
		return -EBADMSG;
	if (s->nr_streams >= KMCL_SET_STREAMS_MAX) {
		pr_err("restore: a set of more than %u streams\n", KMCL_SET_STREAMS_MAX);
		return -EBADMSG;
	}
	s->inner_chunks = 1;
	if (kind == KMCL_STREAM_BUS) {
		s->current_bus = NULL;
	} else if (kind == KMCL_STREAM_CHANNEL) {
		saved = kmcl_saved_alloc();
		if (!saved)
			return -ENOMEM;
		list_add_tail(&saved->node, &s->streams);
		ret = kmcl_saved_append(saved, chunk, KMCL_STREAM_HEADER_SIZE);
	} else {
		return -EBADMSG;
	}
	s->inner_kind = kind;
	return ret;
}

static int kmcl_takein_inner(struct kmcl_session *s, const struct kmcl_chunk *chunk)
{
	u32 type = le32_to_cpu(chunk->type);
	int ret;

	ret = kmcl_chunk_follow(&s->inner, chunk);
	if (ret)
		return ret;
	s->inner_chunks++;
	if (s->inner_kind == KMCL_STREAM_BUS)
		ret = kmcl_takein_bus_chunk(s, chunk, type);
	else
		ret = kmcl_takein_channel_chunk(s, chunk, type);
	if (ret || type != KMCL_CHUNK_END)
		return ret;
	if (!kmcl_stream_check_end(chunk, s->inner_chunks))
		return -EBADMSG;
	s->nr_streams++;
	s->inner_kind = 0;
	s->inner_chunks = 0;
	return 0;
}

static int kmcl_takein_set(struct kmcl_session *s, const struct kmcl_chunk *chunk)
{
	const struct kmcl_stream_end *end;
	enum kmcl_stream_kind kind;
	int ret;

	if (!s->set.seq) {
		ret = kmcl_stream_check_header(chunk, &kind);
		if (!ret && kind != KMCL_STREAM_SET)
			ret = -EBADMSG;
		return ret ?: kmcl_chunk_follow(&s->set, chunk);
	}
	if (le32_to_cpu(chunk->type) == KMCL_CHUNK_HEADER)
		return kmcl_takein_begin(s, chunk);
	ret = kmcl_chunk_follow(&s->set, chunk);
	if (ret)
		return ret;
	if (le32_to_cpu(chunk->type) != KMCL_CHUNK_END)
		return le32_to_cpu(chunk->flags) & KMCL_CHUNK_OPTIONAL ? 0 : -EOPNOTSUPP;
	end = kmcl_stream_check_end(chunk, s->set.seq);
	if (!end || le32_to_cpu(end->streams) != s->nr_streams)
		return -EBADMSG;
	s->state = KMCL_SESSION_RESTORED;
	return 0;
}

/* Deal with the whole chunks in the stage, and move the rest to its front. */
int kmcl_session_consume(struct kmcl_session *s)
{
	u64 start = ktime_get_ns();
	u32 size = 0;
	int ret = 0;

	s->stage_pos = 0;
	while (s->stage_pos < s->stage_len) {
		if (s->state == KMCL_SESSION_RESTORED) {
			ret = -EBADMSG;
			break;
		}
		ret = kmcl_chunk_check(s->stage + s->stage_pos, s->stage_len - s->stage_pos, &size);
		if (ret)
			break;
		ret = s->inner_kind ? kmcl_takein_inner(s, s->stage + s->stage_pos) :
				      kmcl_takein_set(s, s->stage + s->stage_pos);
		if (ret)
			break;
		s->stage_pos += size;
		s->info.bytes += size;
	}
	if (ret == -EAGAIN)
		ret = 0;
	if (s->stage_pos) {
		memmove(s->stage, s->stage + s->stage_pos, s->stage_len - s->stage_pos);
		s->stage_len -= s->stage_pos;
		s->stage_pos = 0;
	}
	s->info.restore_ns += ktime_get_ns() - start;
	if (ret)
		s->state = KMCL_SESSION_FAILED;
	return ret;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_consume);

/*
 * One that is up would take its state when it comes up anew, over what it did
 * since. Of one whose consumer has nothing to restore, nobody misses it.
 */
static int kmcl_takein_check_up(struct kmcl_session *s)
{
	struct kmcl_saved *saved, *tmp;
	bool takes;

	list_for_each_entry_safe(saved, tmp, &s->streams, node) {
		cond_resched();
		if (!kmcl_identity_attached(&saved->identity, &takes))
			continue;
		if (takes) {
			pr_err("restore: %s is up already\n", saved->name);
			return -EBUSY;
		}
		pr_info("restore: %s is up, and needs no state\n", saved->name);
		list_del(&saved->node);
		kmcl_saved_free(saved);
	}
	return 0;
}

/* The buses come up, channels find their state. */
static int kmcl_takein_all(struct kmcl_session *s)
{
	struct kmcl_session_bus *sb;
	struct kmcl_saved *saved;
	u32 channels = 0;
	int ret;

	/* Known beforehand: once the buses are up there is no way back. */
	ret = kmcl_store_check(&s->streams) ?: kmcl_takein_check_up(s);
	if (ret)
		return ret;
	list_for_each_entry(saved, &s->streams, node)
		channels++;
	list_for_each_entry(sb, &s->buses, node) {
		ret = sb->bus->ops->bus_restore_end(sb->bus, true);
		sb->begun = false;
		if (ret) {
			pr_err("restore: the record of bus %s is refused: error %d\n",
			       sb->bus->name, ret);
			return ret;
		}
		s->info.buses++;
	}
	ret = kmcl_store_add(&s->streams);
	if (!ret)
		s->info.channels = channels;
	return ret;
}

/* The set is in, whole. */
int kmcl_session_restore_end(struct kmcl_session *s)
{
	int ret;

	if (s->state != KMCL_SESSION_RESTORED || s->stage_len) {
		s->state = KMCL_SESSION_FAILED;
		return -EBADMSG;
	}
	ret = kmcl_store_change_begin();
	if (!ret) {
		ret = kmcl_takein_all(s);
		kmcl_store_change_end();
	}
	if (ret) {
		s->state = KMCL_SESSION_FAILED;
		return ret;
	}
	kmcl_store_release_waiters();
	return 0;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_restore_end);

/* Drop what a restore has gathered and not handed on. */
void kmcl_session_restore_abort(struct kmcl_session *s)
{
	struct kmcl_session_bus *sb, *tmp_sb;
	struct kmcl_saved *saved, *tmp;

	list_for_each_entry_safe(sb, tmp_sb, &s->buses, node) {
		if (sb->begun)
			sb->bus->ops->bus_restore_end(sb->bus, false);
		list_del(&sb->node);
		kmcl_bus_put(sb->bus);
		kfree(sb);
	}
	list_for_each_entry_safe(saved, tmp, &s->streams, node) {
		list_del(&saved->node);
		kmcl_saved_free(saved);
	}
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_restore_abort);
