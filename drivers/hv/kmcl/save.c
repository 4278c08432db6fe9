// SPDX-License-Identifier: GPL-2.0
/*
 * Saving a channel: its stream, chunk by chunk.
 *
 * Between save_begin and save_end nothing of the channel moves (it is frozen,
 * paused or not open, and vmb_channel.saving refuses sends), with one exception:
 * the consumer may complete a packet it holds. Before that packet was written it
 * becomes a queued completion and is written as such; afterwards it is held
 * back until it is known what becomes of the save. So rx_held alone is walked
 * under vmb_channel.lock, and the cursor steps aside when its packet goes; once
 * it was walked, all that is left of it is held back, and tx_completions stands
 * still, too. The other lists are walked without a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/random.h>
#include <linux/slab.h>

#include "internal.h"
#include "save.h"

/* The lists that are walked, in the order of the stream */
static struct list_head *kmcl_save_list(struct vmb_channel *ch, enum kmcl_save_phase phase)
{
	switch (phase) {
	case KMCL_SAVE_TAKEN:
		return &ch->rx_taken;
	case KMCL_SAVE_RECEIVED:
		return &ch->rx_held;
	case KMCL_SAVE_COMPLETIONS:
		return &ch->tx_completions;
	case KMCL_SAVE_SENT:
		return &ch->tx_sent;
	case KMCL_SAVE_QUEUED:
		return &ch->tx_queue;
	case KMCL_SAVE_LENT:
		return &ch->quarantine;
	default:
		return NULL;
	}
}

static void kmcl_save_next_phase(struct vmb_channel *ch, struct kmcl_save *save)
{
	struct list_head *list;

	lockdep_assert_held(&ch->lock);
	save->phase++;
	save->need_known = false;
	list = kmcl_save_list(ch, save->phase);
	save->cursor = list ? list->next : NULL;
}

/* A packet leaves rx_held, or is done with: the cursor must not stay on it. */
void kmcl_save_note_gone(struct vmb_channel *ch, struct list_head *node)
{
	lockdep_assert_held(&ch->lock);
	if (ch->save && ch->save->phase == KMCL_SAVE_RECEIVED && ch->save->cursor == node) {
		ch->save->cursor = node->next;
		ch->save->need_known = false;
	}
}

/*
 * What a callback returned as an error, so that nobody takes it for one of the
 * codes that say how far the save has come.
 */
static int kmcl_save_callback_error(int ret)
{
	return ret > 0 || ret == -EOVERFLOW || ret == -ENOBUFS ? -EIO : ret;
}

/* Why can what is outgoing not be saved? NULL: it can. */
static const char *kmcl_save_obstacle(struct vmb_channel *ch, struct list_head *list, u64 *id)
{
	struct vmb_packet *pkt;

	list_for_each_entry(pkt, list, node) {
		*id = pkt->id;
		if (pkt->sync)
			return "a synchronous request";
		if (!ch->cfg.save_packet)
			return "of a consumer without save callbacks";
		if (pkt->ext_len && !(ch->ops->caps & KMCL_CAP_KEEP))
			return "one with external memory, which the bus cannot carry";
	}
	return NULL;
}

static const char *kmcl_save_obstacle_of(struct vmb_channel *ch, u64 *id)
{
	lockdep_assert_held(&ch->lock);
	return kmcl_save_obstacle(ch, &ch->tx_sent, id) ?:
	       kmcl_save_obstacle(ch, &ch->tx_queue, id);
}

/* For a person: why kmcl_save_begin() said -EOPNOTSUPP */
void kmcl_save_refusal(struct vmb_channel *ch, char *text, u32 size)
{
	const char *obstacle;
	unsigned long flags;
	u64 id = 0;

	spin_lock_irqsave(&ch->lock, flags);
	obstacle = kmcl_save_obstacle_of(ch, &id);
	spin_unlock_irqrestore(&ch->lock, flags);
	snprintf(text, size, "packet %#llx is %s: let it complete first", id,
		 obstacle ?: "gone by now");
}

static int kmcl_save_may_begin(struct vmb_channel *ch)
{
	const char *obstacle;
	u64 id;

	lockdep_assert_held(&ch->lock);
	if (ch->saving || ch->restore || ch->state == KMCL_OPENING || ch->state == KMCL_PARKED ||
	    ch->running || ch->rx_mode != KMCL_RX_OFF || (ch->nr_held && !ch->cfg.save_received))
		return -EBUSY;
	if (ch->state == KMCL_OPEN && ch->freeze != KMCL_FROZEN && (!ch->paused || ch->nr_held))
		return -EBUSY;
	obstacle = kmcl_save_obstacle_of(ch, &id);
	if (obstacle) {
		kmcl_err(ch, "cannot be saved: packet %#llx is %s\n", id, obstacle);
		return -EOPNOTSUPP;
	}
	return 0;
}

int kmcl_save_begin(struct vmb_channel *ch, u64 save_id)
{
	struct kmcl_save *save = kzalloc(sizeof(*save), GFP_KERNEL);
	unsigned long flags;
	bool busy;
	int ret;

	if (!save)
		return -ENOMEM;
	mutex_init(&save->mutex);
	save->stream.save_id = save_id;
	for (;;) {
		spin_lock_irqsave(&ch->lock, flags);
		ret = kmcl_save_may_begin(ch);
		busy = !ret && ch->life_task;
		if (!ret && !busy) {
			ch->saving = true;
			ch->save = save;
		}
		spin_unlock_irqrestore(&ch->lock, flags);
		if (!busy)
			break;
		/* The life's last step is still under way: no list stands still. */
		flush_work(&ch->life_work);
	}
	if (ret) {
		kfree(save);
		return ret;
	}
	/* A poll that runs publishes at its end what it wrote before. */
	kmcl_receive_set_mode(ch, KMCL_RX_OFF);
	/* A routine that was due may still be running. */
	kmcl_send_wait_done(ch);
	return 0;
}

/**
 * vmb_channel_save_begin() - begin to save a channel
 * @ch: one that is frozen; or paused; or not open
 *
 * From here to vmb_channel_save_end() sends get -ESHUTDOWN, and a close by the
 * peer waits. Windows: VmbChannelSaveBegin, for servers.
 *
 * Context: process context.
 * Return: 0; -EBUSY: the channel is in another state, or being saved or
 * restored; -EOPNOTSUPP: a packet of it cannot be saved, the log says which and
 * why; -ENOMEM; -EDEADLK and a WARN inside a callback of the channel.
 */
int vmb_channel_save_begin(struct vmb_channel *ch)
{
	might_sleep();
	if (WARN(kmcl_in_callback(ch), "%s: saved in a callback\n", ch->cfg.name))
		return -EDEADLK;
	return kmcl_save_begin(ch, get_random_u64());
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_save_begin, KMCL_NS);

/* Room for a chunk of @length, or NULL. */
static void *kmcl_save_room(struct kmcl_save *save, u32 length)
{
	u32 need = kmcl_chunk_size(length);

	save->required = 0;
	if (length > KMCL_CHUNK_MAX) {
		save->error = -EMSGSIZE;
		return NULL;
	}
	if (save->size - save->filled < need) {
		save->required = need;
		return NULL;
	}
	return save->buffer + save->filled;
}

static void kmcl_save_put(struct kmcl_save *save, void *chunk, u32 type, u32 length)
{
	kmcl_chunk_seal(&save->stream, chunk, type, 0, length);
	save->filled += kmcl_chunk_size(length);
}

static bool kmcl_save_header(struct kmcl_save *save)
{
	void *chunk = kmcl_save_room(save, sizeof(struct kmcl_stream_header));

	if (!chunk)
		return false;
	kmcl_stream_begin(&save->stream, chunk, KMCL_STREAM_CHANNEL);
	save->filled += KMCL_STREAM_HEADER_SIZE;
	return true;
}

static bool kmcl_save_channel(struct vmb_channel *ch, struct kmcl_save *save)
{
	struct kmcl_save_channel *rec;
	void *chunk = kmcl_save_room(save, sizeof(*rec));
	unsigned long flags;
	bool open;

	if (!chunk)
		return false;
	rec = chunk + sizeof(struct kmcl_chunk);
	memset(rec, 0, sizeof(*rec));
	if (ch->cfg.bus)
		kmcl_identity_of(ch, &rec->identity);
	memcpy(rec->name, ch->cfg.name, sizeof(rec->name));
	spin_lock_irqsave(&ch->lock, flags);
	/* Restored, and its Opened is still to come: the link is what it was. */
	open = ch->state == KMCL_OPEN ||
	       (ch->restored_open && ch->link_state != VMB_LINK_RESET);
	rec->state = cpu_to_le32(open ? KMCL_SAVED_OPEN : KMCL_SAVED_CLOSED);
	rec->flags = cpu_to_le32((ch->paused ? KMCL_SAVED_PAUSED : 0) |
				 (ch->rx_failed ? KMCL_SAVED_FAILED : 0));
	rec->quota = cpu_to_le32(ch->quota);
	/* Of more than that, nobody will hear when they are over. */
	save->late = min(ch->late, VMB_MAX_PACKET_COUNT);
	rec->late = cpu_to_le32(save->late);
	rec->tx_generation = cpu_to_le64(ch->tx_generation);
	spin_unlock_irqrestore(&ch->lock, flags);
	rec->max_packet_size = cpu_to_le32(ch->cfg.max_packet_size);
	rec->max_external_data = cpu_to_le32(ch->cfg.max_external);
	rec->max_chain = cpu_to_le32(ch->cfg.max_chain);
	rec->max_packets = cpu_to_le32(ch->cfg.max_packets);
	kmcl_save_put(save, chunk, KMCL_CHUNK_CHANNEL, sizeof(*rec));
	return true;
}

/* What a consumer's first call said: 0 and *@need, or an error. */
static int kmcl_save_first(int ret, u32 needed, u32 max, u32 *need)
{
	*need = ret == -ENOSPC ? needed : 0;
	if (ret && ret != -ENOSPC)
		return kmcl_save_callback_error(ret);
	return *need > max || (ret && !*need) ? -EMSGSIZE : 0;
}

static bool kmcl_save_state(struct vmb_channel *ch, struct kmcl_save *save)
{
	u32 needed = 0;
	void *chunk;
	int ret;

	if (!ch->cfg.save_state)
		return true;
	if (!save->need_known) {
		ret = ch->cfg.save_state(ch, NULL, 0, &needed);
		save->error = kmcl_save_first(ret, needed, VMB_MAX_SAVE_STATE, &save->need);
		save->need_known = true;
	}
	if (save->error)
		return false;
	if (!save->need)
		return true;
	chunk = kmcl_save_room(save, save->need);
	if (!chunk)
		return false;
	needed = save->need;
	ret = ch->cfg.save_state(ch, chunk + sizeof(struct kmcl_chunk), save->need, &needed);
	save->error = kmcl_save_callback_error(ret);
	if (save->error)
		return false;
	kmcl_save_put(save, chunk, KMCL_CHUNK_CHANNEL_STATE, save->need);
	return true;
}

static void *kmcl_save_part(void *at, const void *part, u32 length)
{
	memcpy(at, part, length);
	memset(at + length, 0, ALIGN(length, 8) - length);
	return at + ALIGN(length, 8);
}

/* Bytes of the record of a received packet, with @private bytes of the consumer's */
static u32 kmcl_save_received_size(const struct vmb_packet_completion *pkt, u32 header_len,
				   u32 private)
{
	return sizeof(struct kmcl_save_received) + ALIGN(READ_ONCE(pkt->payload_len), 8) +
	       ALIGN(header_len, 8) + ALIGN(private, 8);
}

/* The record of a received packet, up to what is the consumer's, which begins there. */
static void *kmcl_save_record(struct kmcl_save_received *rec, struct vmb_packet_completion *pkt,
			      u32 offset, u32 header_len, u32 private)
{
	void *at;

	*rec = (struct kmcl_save_received) {
		.id = cpu_to_le64(pkt->id),
		.type = cpu_to_le32(pkt->type),
		.flags = cpu_to_le32((pkt->flags & KMCL_PACKET_WANTS_COMPLETION ?
				      KMCL_SAVED_WANTS_COMPLETION : 0) |
				     (pkt->bits & KMCL_RX_DEFERRED ? KMCL_SAVED_DEFERRED : 0)),
		.payload_len = cpu_to_le32(pkt->payload_len),
		.ranges_len = cpu_to_le32(header_len),
		.private_len = cpu_to_le32(private),
	};
	at = kmcl_save_part(rec + 1, kmcl_received_payload(pkt) + offset, pkt->payload_len);
	return kmcl_save_part(at, kmcl_received_header(pkt), header_len);
}

/* A packet that the consumer does not have: nothing of it changes. */
static bool kmcl_save_settled(struct kmcl_save *save, struct vmb_packet_completion *pkt,
			      u32 type)
{
	/* A completion is all payload: what was asked is over. */
	bool done = type == KMCL_CHUNK_COMPLETION;
	u32 header_len = done ? 0 : pkt->header_len;
	u32 length = kmcl_save_received_size(pkt, header_len, 0);
	void *chunk = kmcl_save_room(save, length);

	if (!chunk)
		return false;
	kmcl_save_record(chunk + sizeof(struct kmcl_chunk), pkt, done ? 0 : pkt->payload_offset,
			 header_len, 0);
	kmcl_save_put(save, chunk, type, length);
	le32_add_cpu(done ? &save->end.completions : &save->end.taken, 1);
	return true;
}

/* The next one that the consumer holds, or NULL. */
static struct vmb_packet_completion *kmcl_save_next_held(struct vmb_channel *ch,
							 struct kmcl_save *save)
{
	struct vmb_packet_completion *pkt = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	while (save->cursor != &ch->rx_held) {
		pkt = list_entry(save->cursor, struct vmb_packet_completion, node);
		if (!(pkt->bits & KMCL_RX_STALE)) {
			/* About to be asked for: its completion is held back now. */
			pkt->bits |= KMCL_RX_SAVED;
			break;
		}
		/* The peer that sent it is gone: there is nobody to go on with. */
		kmcl_save_note_gone(ch, &pkt->node);
		pkt = NULL;
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return pkt;
}

/* A packet that the consumer holds. True: written, or gone meanwhile. */
static bool kmcl_save_held(struct vmb_channel *ch, struct kmcl_save *save,
			   struct vmb_packet_completion *pkt)
{
	u32 length, need, needed = 0;
	void *chunk, *at = NULL;
	unsigned long flags;
	int ret;

	if (!save->need_known) {
		ret = ch->cfg.save_received(ch, pkt, NULL, 0, &needed);
		save->error = kmcl_save_first(ret, needed, VMB_MAX_SAVE_PRIVATE, &save->need);
		if (save->error)
			return false;
		save->need_known = true;
	}
	need = save->need;
	length = kmcl_save_received_size(pkt, pkt->header_len, need);
	chunk = kmcl_save_room(save, length);
	if (!chunk)
		return false;

	spin_lock_irqsave(&ch->lock, flags);
	if (pkt->state == KMCL_RECEIVED_HELD) {
		at = kmcl_save_record(chunk + sizeof(struct kmcl_chunk), pkt, pkt->payload_offset,
				      pkt->header_len, need);
		kmcl_save_note_gone(ch, &pkt->node);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	if (!at) {
		/* Completed in its own save callback: it goes as a completion. */
		kmcl_received_unhold(ch, pkt);
		return true;
	}
	if (need) {
		needed = need;
		ret = ch->cfg.save_received(ch, pkt, at, need, &needed);
		save->error = kmcl_save_callback_error(ret);
		if (save->error)
			return false;
		memset(at + need, 0, ALIGN(need, 8) - need);
	}
	kmcl_save_put(save, chunk, KMCL_CHUNK_RECEIVED, length);
	le32_add_cpu(&save->end.received, 1);
	return true;
}

static bool kmcl_save_packet(struct vmb_channel *ch, struct kmcl_save *save,
			     struct vmb_packet *pkt, bool sent)
{
	struct kmcl_save_packet *rec;
	u32 length, needed = 0;
	void *chunk, *at;
	int ret;

	if (!save->need_known) {
		ret = ch->cfg.save_packet(ch, pkt, NULL, 0, &needed);
		save->error = kmcl_save_first(ret, needed, VMB_MAX_SAVE_PRIVATE, &save->need);
		if (save->error)
			return false;
		save->need_known = true;
	}
	length = sizeof(*rec) + ALIGN(pkt->payload_len, 8) + ALIGN(pkt->ranges_len, 8) +
		 ALIGN(save->need, 8);
	chunk = kmcl_save_room(save, length);
	if (!chunk)
		return false;
	rec = chunk + sizeof(struct kmcl_chunk);
	*rec = (struct kmcl_save_packet) {
		.id = cpu_to_le64(pkt->id),
		.state = cpu_to_le32(sent ? KMCL_SAVED_SENT : KMCL_SAVED_QUEUED),
		.flags = cpu_to_le32(pkt->flags),
		.payload_len = cpu_to_le32(pkt->payload_len),
		.ranges_len = cpu_to_le32(pkt->ranges_len),
		.ext_token = cpu_to_le64(pkt->ext_len ? pkt->ext_token : 0),
		.ext_len = cpu_to_le32(pkt->ext_len),
		.private_len = cpu_to_le32(save->need),
	};
	at = kmcl_save_part(rec + 1, pkt->data, pkt->payload_len);
	at = kmcl_save_part(at, kmcl_packet_ranges(pkt), pkt->ranges_len);
	if (save->need) {
		needed = save->need;
		ret = ch->cfg.save_packet(ch, pkt, at, save->need, &needed);
		save->error = kmcl_save_callback_error(ret);
		if (save->error)
			return false;
		memset(at + save->need, 0, ALIGN(save->need, 8) - save->need);
	}
	kmcl_save_put(save, chunk, KMCL_CHUNK_PACKET, length);
	le32_add_cpu(sent ? &save->end.sent : &save->end.queued, 1);
	return true;
}

/* Who does not know of it goes without, as those did that were first. */
static bool kmcl_save_lent(struct kmcl_save *save, const struct kmcl_quarantine *q)
{
	struct kmcl_save_lent *rec;
	void *chunk;

	/* Where a peer completed others twice there are fewer to come than memory is lent. */
	if (save->lent == save->late)
		return true;
	chunk = kmcl_save_room(save, sizeof(*rec));
	if (!chunk)
		return false;
	save->lent++;
	rec = chunk + sizeof(struct kmcl_chunk);
	*rec = (struct kmcl_save_lent) {
		.id = cpu_to_le64(q->id),
		.ext_token = cpu_to_le64(q->token),
	};
	kmcl_chunk_seal(&save->stream, chunk, KMCL_CHUNK_LENT, KMCL_CHUNK_OPTIONAL, sizeof(*rec));
	save->filled += kmcl_chunk_size(sizeof(*rec));
	return true;
}

static bool kmcl_save_end_mark(struct vmb_channel *ch, struct kmcl_save *save)
{
	void *chunk = kmcl_save_room(save, sizeof(save->end));
	struct kmcl_stream_end end = save->end;

	if (!chunk)
		return false;
	end.chunks = cpu_to_le32(save->stream.seq + 1);
	if (ch->state == KMCL_OPEN && ch->ops->rx_unread)
		end.unread = cpu_to_le32(ch->ops->rx_unread(ch->link));
	save->end.unread = end.unread;
	memcpy(chunk + sizeof(struct kmcl_chunk), &end, sizeof(end));
	kmcl_save_put(save, chunk, KMCL_CHUNK_END, sizeof(end));
	return true;
}

/* The packet under the cursor of a list that stands still; false: no room, or an error. */
static bool kmcl_save_item(struct vmb_channel *ch, struct kmcl_save *save,
			   struct list_head *node)
{
	struct vmb_packet *pkt = list_entry(node, struct vmb_packet, node);
	struct vmb_packet_completion *received =
		list_entry(node, struct vmb_packet_completion, node);

	switch (save->phase) {
	case KMCL_SAVE_TAKEN:
		return kmcl_save_settled(save, received, KMCL_CHUNK_TAKEN);
	case KMCL_SAVE_COMPLETIONS:
		return kmcl_save_settled(save, received, KMCL_CHUNK_COMPLETION);
	case KMCL_SAVE_SENT:
		return kmcl_save_packet(ch, save, pkt, true);
	case KMCL_SAVE_QUEUED:
		return kmcl_save_packet(ch, save, pkt, false);
	case KMCL_SAVE_LENT:
		return kmcl_save_lent(save, list_entry(node, struct kmcl_quarantine, node));
	default:
		return true;
	}
}

/* One step: a chunk, or on to the next phase. False: no room, or an error. */
static bool kmcl_save_step(struct vmb_channel *ch, struct kmcl_save *save)
{
	struct list_head *list = kmcl_save_list(ch, save->phase);
	struct vmb_packet_completion *held;
	unsigned long flags;
	bool ok = true;

	if (save->phase == KMCL_SAVE_RECEIVED) {
		held = kmcl_save_next_held(ch, save);
		if (held)
			return kmcl_save_held(ch, save, held);
	} else if (list && save->cursor != list) {
		if (!kmcl_save_item(ch, save, save->cursor))
			return false;
		save->cursor = save->cursor->next;
		save->need_known = false;
		return true;
	} else if (save->phase == KMCL_SAVE_HEADER) {
		ok = kmcl_save_header(save);
	} else if (save->phase == KMCL_SAVE_CHANNEL) {
		ok = kmcl_save_channel(ch, save);
	} else if (save->phase == KMCL_SAVE_STATE) {
		ok = kmcl_save_state(ch, save);
	} else if (save->phase == KMCL_SAVE_END) {
		ok = kmcl_save_end_mark(ch, save);
	}
	if (!ok)
		return false;
	spin_lock_irqsave(&ch->lock, flags);
	kmcl_save_next_phase(ch, save);
	spin_unlock_irqrestore(&ch->lock, flags);
	return true;
}

/**
 * vmb_channel_save_continue() - write more of a channel's stream
 * @ch: between vmb_channel_save_begin() and vmb_channel_save_end()
 * @buffer: where to; NULL with a @size of 0 asks what the next call needs
 * @size: its bytes
 * @bytes_filled: out: bytes written, whole chunks
 * @bytes_required: out: the least @size of the next call that makes progress; 0
 *	when all is out
 *
 * The save callbacks of the channel run here.
 * Windows: VmbChannelSaveContinue, for servers.
 *
 * Context: process context.
 * Return: 0: all is out; -EOVERFLOW: something was written, call again; -ENOBUFS:
 * nothing fits, @bytes_required says what would; -EINVAL: no save was begun, no
 * place for the results, or a WARN: inside a callback of the channel;
 * -ENODEV: the link ended meanwhile; or what a callback returned (-EIO where that
 * was no error or one of the above), -EMSGSIZE where it asked for too much. After
 * any other than the first three only vmb_channel_save_end() makes sense.
 */
int vmb_channel_save_continue(struct vmb_channel *ch, void *buffer, u32 size,
			      u32 *bytes_filled, u32 *bytes_required)
{
	struct kmcl_save *save = ch->save;

	might_sleep();
	if (!bytes_filled || !bytes_required || (size && !buffer))
		return -EINVAL;
	*bytes_filled = 0;
	*bytes_required = 0;
	if (!save || WARN(kmcl_in_callback(ch), "%s: saved in a callback\n", ch->cfg.name))
		return -EINVAL;

	mutex_lock(&save->mutex);
	save->buffer = buffer;
	save->size = size;
	save->filled = 0;
	WRITE_ONCE(ch->save_task, current);
	while (!save->error && save->phase != KMCL_SAVE_DONE) {
		if (READ_ONCE(ch->link_down))
			save->error = -ENODEV;
		else if (!kmcl_save_step(ch, save))
			break;
	}
	WRITE_ONCE(ch->save_task, NULL);
	*bytes_filled = save->error ? 0 : save->filled;
	*bytes_required = save->error ? 0 : save->required;
	mutex_unlock(&save->mutex);
	if (save->error)
		return save->error;
	if (save->phase == KMCL_SAVE_DONE)
		return 0;
	return *bytes_filled ? -EOVERFLOW : -ENOBUFS;
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_save_continue, KMCL_NS);

/* The save is over: undone, or committed, where the channel will be parked. */
void kmcl_save_finish(struct vmb_channel *ch, bool commit)
{
	struct kmcl_save *save = ch->save;
	unsigned long flags;

	if (!save)
		return;
	spin_lock_irqsave(&ch->lock, flags);
	ch->saving = false;
	ch->save = NULL;
	ch->commit = commit;
	/* Under the lock: once it is parked its consumer may clean it up. */
	if (commit)
		kmcl_life_kick(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	kfree(save);
	if (commit)
		return;
	kmcl_received_apply_held_back(ch, false);
	kmcl_send_flush(ch);
	kmcl_life_kick(ch);
}

/**
 * vmb_channel_save_end() - the end of a save, finished or not
 * @ch: which
 *
 * The channel goes on as if nothing had been; a WARN and nothing else inside a
 * save callback of the channel. Windows: VmbChannelSaveEnd.
 * Context: process context.
 */
void vmb_channel_save_end(struct vmb_channel *ch)
{
	might_sleep();
	if (!WARN(READ_ONCE(ch->save_task) == current, "%s: save ended in a callback of its own\n",
		  ch->cfg.name))
		kmcl_save_finish(ch, false);
}
EXPORT_SYMBOL_NS_GPL(vmb_channel_save_end, KMCL_NS);
