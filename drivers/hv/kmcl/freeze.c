// SPDX-License-Identifier: GPL-2.0
/*
 * Freezing channels, in two steps, thawing them, and committing.
 *
 * Step one: no channel delivers, Suspend runs on each, completions flow and
 * sends are taken, until each has drained what it must. Step two: the buses'
 * control planes and all channels stand still; where one has found something
 * new to drain meanwhile, such as a synchronous request, it is back to step one
 * for all. One deadline covers it.
 *
 * kmcl_freeze_of says which channels may not attach meanwhile; it is compared
 * only, changes under kmcl_channels_mutex, and is read without.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"
#include "save.h"
#include "session.h"

/* The bus of the freeze that is on; its own address: all buses; NULL: none is */
static const void *kmcl_freeze_of;

static bool kmcl_freeze_covers(const void *of, const struct vmb_bus *bus)
{
	return of && (of == &kmcl_freeze_of || of == bus);
}

/* Must @ch wait before it attaches? Called with its lock held. */
bool kmcl_handover_holds(struct vmb_channel *ch)
{
	return kmcl_freeze_covers(READ_ONCE(kmcl_freeze_of), ch->cfg.bus) ||
	       kmcl_store_awaited(ch);
}

/* Has it drained what it must, and is nothing of it under way? */
static bool kmcl_freeze_drained_locked(struct vmb_channel *ch)
{
	lockdep_assert_held(&ch->lock);
	return kmcl_life_settled(ch) && list_empty(&ch->tx_done) && !ch->tx_task &&
	       !ch->gpadl_calls &&
	       (ch->state != KMCL_OPEN ||
		(!ch->running && !ch->nr_sync && (!ch->nr_held || ch->cfg.save_received)));
}

static bool kmcl_freeze_drained(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_freeze_drained_locked(ch);
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

static bool kmcl_freeze_still(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_life_settled(ch) && ch->rx_mode == KMCL_RX_OFF && list_empty(&ch->tx_done) &&
	      !ch->tx_task;
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

/* One that was cleaned up meanwhile has no life any more. */
static void kmcl_freeze_kick(struct vmb_channel *ch)
{
	mutex_lock(&kmcl_channels_mutex);
	if (!list_empty(&ch->node))
		kmcl_life_kick(ch);
	mutex_unlock(&kmcl_channels_mutex);
}

static void kmcl_freeze_set(struct vmb_channel *ch, enum kmcl_freeze_level level)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->freeze = level;
	/* What the consumer wished meanwhile counts now. */
	if (level == KMCL_THAWED && ch->state == KMCL_OPEN && ch->paused &&
	    ch->tx_mode == KMCL_TX_RUN)
		ch->tx_mode = KMCL_TX_SHUT;
	spin_unlock_irqrestore(&ch->lock, flags);
	/* Completions that were due go out, of a channel that stays paused, too. */
	kmcl_send_flush(ch);
	kmcl_freeze_kick(ch);
}

/* From drained to frozen, unless there is something to drain again */
static bool kmcl_freeze_try(struct vmb_channel *ch)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&ch->lock, flags);
	ret = kmcl_freeze_drained_locked(ch);
	if (ret)
		ch->freeze = KMCL_FROZEN;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_freeze_kick(ch);
	return ret;
}

static void kmcl_freeze_leave(struct kmcl_session *s, struct kmcl_member *m)
{
	list_del(&m->node);
	put_device(&m->channel->dev);
	kfree(m);
}

static int kmcl_freeze_wait(struct kmcl_session *s, bool (*done)(struct vmb_channel *ch),
			    unsigned long until)
{
	struct kmcl_member *m;
	long left;

	list_for_each_entry(m, &s->freeze_members, node) {
		left = max_t(long, until - jiffies, 0);
		left = wait_event_interruptible_timeout(m->channel->life_wait, done(m->channel),
							left);
		if (left < 0)
			return left;
		if (!left) {
			pr_warn("%s: did not come to rest in time (%u packets held, %u synchronous requests): the freeze is undone\n",
				m->channel->cfg.name, m->channel->nr_held, m->channel->nr_sync);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* What it waits for would be lost: the next kernel would get its blank state. */
static bool kmcl_freeze_awaits(struct vmb_channel *ch)
{
	return kmcl_store_awaited(ch) && !READ_ONCE(ch->attached) && !kmcl_store_has(ch);
}

/* May @ch be handed over, as far as it and its consumer know? Keeps the reason. */
static int kmcl_freeze_query(struct kmcl_session *s, struct vmb_channel *ch)
{
	struct kmcl_reason *reason = &s->reason;
	int ret = 0;

	static_assert(sizeof(reason->text) == VMB_MAX_REASON);
	memset(reason->text, 0, sizeof(reason->text));
	if (kmcl_freeze_awaits(ch)) {
		strscpy(reason->text, "it waits for its state: kmclctl restore FILE, or --none",
			sizeof(reason->text));
		ret = -ECANCELED;
	} else if (ch->cfg.query_handover) {
		WRITE_ONCE(ch->query_task, current);
		ret = ch->cfg.query_handover(ch, reason->text, sizeof(reason->text));
		WRITE_ONCE(ch->query_task, NULL);
	}
	if (!ret) {
		memset(reason->text, 0, sizeof(reason->text));
		return 0;
	}
	reason->text[sizeof(reason->text) - 1] = 0;
	if (!*reason->text)
		snprintf(reason->text, sizeof(reason->text), "error %d", ret);
	strscpy(reason->channel, ch->cfg.name, sizeof(reason->channel));
	kmcl_warn(ch, "cannot be handed over: %s\n", reason->text);
	return -ECANCELED;
}

/* They stand still: what they say now stays true. */
static int kmcl_freeze_query_all(struct kmcl_session *s)
{
	struct kmcl_member *m;
	int ret = 0;

	list_for_each_entry(m, &s->freeze_members, node)
		ret = ret ?: kmcl_freeze_query(s, m->channel);
	return ret;
}

/* Handed over before, it has nothing any more; its state is in the store. */
static bool kmcl_freeze_concerns(struct vmb_channel *ch, const void *of)
{
	enum kmcl_state state = READ_ONCE(ch->state);

	return state != KMCL_DISABLED && state != KMCL_PARKED &&
	       kmcl_freeze_covers(of, ch->cfg.bus);
}

/*
 * Every enabled channel of the bus (or of all) becomes a member. Who is enabled
 * later finds kmcl_freeze_of, and waits.
 */
static int kmcl_freeze_gather(struct kmcl_session *s, u32 *deadline_ms)
{
	const void *of = s->bus ?: (const void *)&kmcl_freeze_of;
	struct vmb_channel *ch;
	struct kmcl_member *m;
	u32 longest = 0;
	int ret = 0;

	mutex_lock(&kmcl_channels_mutex);
	WRITE_ONCE(kmcl_freeze_of, of);
	/*
	 * Who is enabled now finds it, or is found. Pairs with the locked operations
	 * between the change of its state and its life's look at kmcl_freeze_of.
	 */
	smp_mb();
	list_for_each_entry(ch, &kmcl_channels, node) {
		if (!kmcl_freeze_concerns(ch, of))
			continue;
		m = kzalloc(sizeof(*m), GFP_KERNEL);
		if (!m) {
			ret = -ENOMEM;
			break;
		}
		get_device(&ch->dev);
		m->channel = ch;
		list_add_tail(&m->node, &s->freeze_members);
		longest = max(longest, ch->cfg.drain_ms);
		s->info.channels++;
		/* Under the mutex, so that the consumer stays. */
		if (s->handover)
			ret = kmcl_freeze_query(s, ch);
		if (ret)
			break;
	}
	mutex_unlock(&kmcl_channels_mutex);
	if (!*deadline_ms)
		*deadline_ms = longest ?: VMB_DEFAULT_DRAIN_MS;
	return ret;
}

/* The buses that can keep a link, of those that are frozen */
static int kmcl_freeze_buses(struct kmcl_session *s)
{
	struct kmcl_session_bus *sb;
	struct vmb_bus *bus = NULL;
	int ret;

	while ((bus = kmcl_bus_next(bus))) {
		if (!(bus->ops->caps & KMCL_CAP_KEEP) || (s->bus && bus != s->bus))
			continue;
		sb = kzalloc(sizeof(*sb), GFP_KERNEL);
		ret = sb ? kmcl_bus_hold(bus) : -ENOMEM;
		if (!ret) {
			ret = bus->ops->bus_freeze(bus);
			if (ret)
				kmcl_bus_put(bus);
		}
		if (ret) {
			kfree(sb);
			kmcl_bus_put(bus);
			return ret;
		}
		sb->bus = bus;
		list_add_tail(&sb->node, &s->buses);
		s->info.buses++;
	}
	return 0;
}

static void kmcl_thaw_buses(struct kmcl_session *s)
{
	struct kmcl_session_bus *sb, *tmp;

	list_for_each_entry_safe(sb, tmp, &s->buses, node) {
		sb->bus->ops->bus_thaw(sb->bus);
		list_del(&sb->node);
		kmcl_bus_put(sb->bus);
		kfree(sb);
	}
	s->info.buses = 0;
}

/* Step two. 1: there is something to drain again, and all are back in step one. */
static int kmcl_freeze_step_two(struct kmcl_session *s)
{
	struct kmcl_member *m;
	int ret;

	ret = kmcl_freeze_buses(s);
	if (ret)
		return ret;
	list_for_each_entry(m, &s->freeze_members, node) {
		if (kmcl_freeze_try(m->channel))
			continue;
		kmcl_thaw_buses(s);
		list_for_each_entry(m, &s->freeze_members, node)
			kmcl_freeze_set(m->channel, KMCL_DRAINING);
		return 1;
	}
	return 0;
}

/*
 * Who was disabled during step one has nothing to save, and may go any time. Who
 * has not attached has nothing either where the store has its state, which is
 * saved as it is.
 */
static void kmcl_freeze_dismiss(struct kmcl_session *s)
{
	struct kmcl_member *m, *tmp;
	unsigned long flags;
	bool stored, gone;

	list_for_each_entry_safe(m, tmp, &s->freeze_members, node) {
		/* One that was cleaned up, too, has no bus any more to look at. */
		gone = READ_ONCE(m->channel->state) == KMCL_DISABLED;
		stored = !gone && kmcl_store_has(m->channel);
		spin_lock_irqsave(&m->channel->lock, flags);
		gone = gone || (stored && !m->channel->attached);
		if (gone)
			m->channel->freeze = KMCL_THAWED;
		spin_unlock_irqrestore(&m->channel->lock, flags);
		if (!gone)
			continue;
		kmcl_freeze_leave(s, m);
		s->info.channels--;
	}
}

int kmcl_session_freeze(struct kmcl_session *s, u32 deadline_ms)
{
	u64 start = ktime_get_ns();
	struct kmcl_member *m;
	unsigned long until;
	int ret;

	ret = kmcl_freeze_gather(s, &deadline_ms);
	until = jiffies + msecs_to_jiffies(deadline_ms);
	if (!ret)
		list_for_each_entry(m, &s->freeze_members, node)
			kmcl_freeze_set(m->channel, KMCL_DRAINING);
	if (!ret) {
		do {
			ret = kmcl_freeze_wait(s, kmcl_freeze_drained, until) ?:
			      kmcl_freeze_step_two(s);
		} while (ret == 1 && time_before(jiffies, until));
		if (ret == 1)
			ret = -ETIMEDOUT;
	}
	if (!ret) {
		kmcl_freeze_dismiss(s);
		ret = kmcl_freeze_wait(s, kmcl_freeze_still, until);
	}
	if (!ret && s->handover)
		ret = kmcl_freeze_query_all(s);
	s->info.freeze_ns = ktime_get_ns() - start;
	if (ret)
		kmcl_session_thaw(s);
	return ret;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_freeze);

/* Nothing was: everything goes on. After a commit: let go of what is parked. */
void kmcl_session_thaw(struct kmcl_session *s)
{
	struct kmcl_member *m, *tmp;

	kmcl_session_save_abort(s);
	kmcl_thaw_buses(s);
	list_for_each_entry_safe(m, tmp, &s->freeze_members, node) {
		kmcl_freeze_set(m->channel, KMCL_THAWED);
		kmcl_freeze_leave(s, m);
	}
	mutex_lock(&kmcl_channels_mutex);
	WRITE_ONCE(kmcl_freeze_of, NULL);
	mutex_unlock(&kmcl_channels_mutex);
	kmcl_store_kick();
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_thaw);

/* What was saved belongs to the stream from here on; there is no way back. */
int kmcl_session_commit(struct kmcl_session *s)
{
	struct kmcl_member *m, *tmp;
	int ret;

	list_for_each_entry(m, &s->freeze_members, node) {
		if (READ_ONCE(m->channel->link_down))
			return -ENODEV;
		if (WARN(!m->channel->save, "%s: its save was ended by the consumer\n",
			 m->channel->cfg.name))
			return -EBUSY;
	}
	/* It was not said before that this is to be a handover. */
	ret = s->handover ? 0 : kmcl_freeze_query_all(s);
	if (ret)
		return ret;
	ret = kmcl_store_add(&s->streams);
	if (ret)
		return ret;
	list_for_each_entry(m, &s->freeze_members, node) {
		kmcl_save_finish(m->channel, true);
		m->saving = false;
	}
	/* Each may be disabled and cleaned up, from here on. */
	list_for_each_entry_safe(m, tmp, &s->freeze_members, node) {
		wait_event(m->channel->life_wait, !READ_ONCE(m->channel->commit));
		kmcl_freeze_leave(s, m);
	}
	return 0;
}
KMCL_EXPORT_IF_KUNIT(kmcl_session_commit);
