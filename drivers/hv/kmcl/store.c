// SPDX-License-Identifier: GPL-2.0
/*
 * The store: saved channels whose consumers have not come yet, and whether there
 * is more to come.
 *
 * kmcl_store_mutex protects the list; inside it nothing is taken.
 * kmcl_store_awaiting is read without it.
 *
 * kmcl_store_claims is held for reading from where a channel takes its state to
 * where it has its link, which that state is about; for writing by who puts
 * state and links there or drops them. Taken before all other locks but the
 * session's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "internal.h"
#include "restore.h"
#include "store.h"
#include "stream.h"

/* A piece holds whole chunks, and many small ones; of a small stream no more than it needs. */
#define KMCL_PIECE_MIN		(1024U - sizeof(struct kmcl_piece))
#define KMCL_PIECE_SIZE		(64U * 1024 - sizeof(struct kmcl_piece))

static char *kmcl_restore_mode = "none";
module_param_named(restore, kmcl_restore_mode, charp, 0444);
MODULE_PARM_DESC(restore,
		 "\"pending\": channels with save callbacks wait for their state; \"none\" (default)");

static DECLARE_RWSEM(kmcl_store_claims);
static DECLARE_WAIT_QUEUE_HEAD(kmcl_store_wait);	/* for the end of all claims */
static DEFINE_MUTEX(kmcl_store_mutex);
static LIST_HEAD(kmcl_store);
static bool kmcl_store_awaiting;

struct kmcl_saved *kmcl_saved_alloc(void)
{
	struct kmcl_saved *saved = kzalloc(sizeof(*saved), GFP_KERNEL);

	if (saved) {
		INIT_LIST_HEAD(&saved->node);
		INIT_LIST_HEAD(&saved->pieces);
	}
	return saved;
}

void kmcl_saved_free(struct kmcl_saved *saved)
{
	struct kmcl_piece *piece, *tmp;

	if (!saved)
		return;
	list_for_each_entry_safe(piece, tmp, &saved->pieces, node)
		kvfree(piece);
	kfree(saved);
}

/* Keep a copy of whole chunks. */
int kmcl_saved_append(struct kmcl_saved *saved, const void *data, u32 size)
{
	struct kmcl_piece *piece = NULL;
	u32 room = KMCL_PIECE_MIN;

	if (!list_empty(&saved->pieces)) {
		piece = list_last_entry(&saved->pieces, struct kmcl_piece, node);
		room = min_t(u32, 2 * piece->room, KMCL_PIECE_SIZE);
	}
	if (!piece || size > piece->room - piece->size) {
		room = max(size, room);
		piece = kvmalloc(struct_size(piece, data, room), GFP_KERNEL);
		if (!piece)
			return -ENOMEM;
		piece->size = 0;
		piece->room = room;
		list_add_tail(&piece->node, &saved->pieces);
	}
	memcpy(piece->data + piece->size, data, size);
	piece->size += size;
	return 0;
}

/* Learn from its channel record whose stream it is. */
int kmcl_saved_identify(struct kmcl_saved *saved, const struct kmcl_chunk *chunk)
{
	const struct kmcl_save_channel *rec = kmcl_stream_check_channel(chunk);
	unsigned int i;

	if (!rec)
		return -EBADMSG;
	/* Both are shown to people, as one word on a line. */
	for (i = 0; rec->identity.bus[i]; i++)
		if (!isgraph(rec->identity.bus[i]))
			return -EBADMSG;
	for (i = 0; rec->name[i]; i++)
		if (!isprint(rec->name[i]))
			return -EBADMSG;
	saved->identity = rec->identity;
	memcpy(saved->name, rec->name, sizeof(saved->name));
	return 0;
}

static struct kmcl_saved *kmcl_store_find(const struct kmcl_identity *id, bool any_instance)
{
	struct kmcl_saved *saved;

	lockdep_assert_held(&kmcl_store_mutex);
	list_for_each_entry(saved, &kmcl_store, node)
		if (kmcl_identity_match(&saved->identity, id, any_instance))
			return saved;
	return NULL;
}

/* -EEXIST where one of @list is there already, or twice. */
static int kmcl_store_check_locked(struct list_head *list)
{
	struct kmcl_saved *saved, *other;

	list_for_each_entry(saved, list, node) {
		if (kmcl_store_find(&saved->identity, false))
			return -EEXIST;
		other = saved;
		list_for_each_entry_continue(other, list, node)
			if (!memcmp(&other->identity, &saved->identity, sizeof(other->identity)))
				return -EEXIST;
		cond_resched();
	}
	return 0;
}

int kmcl_store_check(struct list_head *list)
{
	int ret;

	mutex_lock(&kmcl_store_mutex);
	ret = kmcl_store_check_locked(list);
	mutex_unlock(&kmcl_store_mutex);
	return ret;
}

/* Take over all of @list, or nothing: -EEXIST where one is there already. */
int kmcl_store_add(struct list_head *list)
{
	int ret;

	mutex_lock(&kmcl_store_mutex);
	ret = kmcl_store_check_locked(list);
	if (!ret)
		list_splice_tail_init(list, &kmcl_store);
	mutex_unlock(&kmcl_store_mutex);
	return ret;
}

/* Forget what nobody claimed. Returns how many. */
u32 kmcl_store_drop(void)
{
	struct kmcl_saved *saved, *tmp;
	u32 n = 0;

	mutex_lock(&kmcl_store_mutex);
	list_for_each_entry_safe(saved, tmp, &kmcl_store, node) {
		pr_warn("saved state of %s, which nobody claimed, is dropped\n", saved->name);
		list_del(&saved->node);
		kmcl_saved_free(saved);
		n++;
	}
	mutex_unlock(&kmcl_store_mutex);
	return n;
}
KMCL_EXPORT_IF_KUNIT(kmcl_store_drop);

/* Whoever waits before it attaches looks again. */
void kmcl_store_kick(void)
{
	struct vmb_channel *ch;

	mutex_lock(&kmcl_channels_mutex);
	list_for_each_entry(ch, &kmcl_channels, node)
		kmcl_life_kick(ch);
	mutex_unlock(&kmcl_channels_mutex);
}

/* Nothing more is to come: who waits goes on. */
void kmcl_store_release_waiters(void)
{
	WRITE_ONCE(kmcl_store_awaiting, false);
	kmcl_store_kick();
}
KMCL_EXPORT_IF_KUNIT(kmcl_store_release_waiters);

#if IS_ENABLED(CONFIG_KMCL_KUNIT)
/* As if the module had been loaded with restore=pending */
void kmcl_store_set_awaiting(void)
{
	WRITE_ONCE(kmcl_store_awaiting, true);
}
KMCL_EXPORT_IF_KUNIT(kmcl_store_set_awaiting);
#endif

/* Has its consumer anything to be restored? Any context. */
bool kmcl_store_takes(const struct vmb_channel *ch)
{
	return ch->cfg.restore_packet || ch->cfg.restore_received || ch->cfg.restore_state;
}

/* Must @ch wait for its state to come? Any context. */
bool kmcl_store_awaited(struct vmb_channel *ch)
{
	return READ_ONCE(kmcl_store_awaiting) && !ch->restored && kmcl_store_takes(ch);
}

/* Apply the state of a channel; one without its end mark is damaged. */
static int kmcl_store_apply(struct vmb_channel *ch, struct kmcl_saved *saved)
{
	struct kmcl_piece *piece;
	int ret = -EAGAIN;

	list_for_each_entry(piece, &saved->pieces, node) {
		ret = kmcl_restore_feed(ch, piece->data, piece->size, true);
		if (ret != -EAGAIN)
			return ret;
	}
	kmcl_restore_abandon(ch);
	return -EBADMSG;
}

/* A channel that is about to attach, from before kmcl_store_claim() until it has */
void kmcl_store_claim_begin(void)
{
	down_read(&kmcl_store_claims);
}

void kmcl_store_claim_end(void)
{
	up_read(&kmcl_store_claims);
	wake_up(&kmcl_store_wait);
}

/*
 * Who changes what there is to claim. 0, or -ERESTARTSYS: killed while claims went
 * on. Not in line for the lock: a claim may wait for another channel's, in a
 * restore callback, which must not wait behind us.
 */
int kmcl_store_change_begin(void)
{
	return wait_event_killable(kmcl_store_wait, down_write_trylock(&kmcl_store_claims));
}

void kmcl_store_change_end(void)
{
	up_write(&kmcl_store_claims);
}

/*
 * The channel is about to attach: apply its state, if there is one. Waits for the
 * memory that this needs. False: it was disabled meanwhile, the state stays.
 */
bool kmcl_store_claim(struct vmb_channel *ch)
{
	bool any = !ch->server && guid_is_null(&ch->cfg.instance);
	struct kmcl_saved *saved;
	struct kmcl_identity id;
	guid_t instance;
	int ret;

	if (ch->restored)
		return true;
	kmcl_identity_of(ch, &id);
	mutex_lock(&kmcl_store_mutex);
	saved = kmcl_store_find(&id, any);
	if (saved)
		list_del_init(&saved->node);
	mutex_unlock(&kmcl_store_mutex);
	if (!saved)
		return true;
	do {
		ret = kmcl_store_apply(ch, saved);
	} while (ret == -ENOMEM && kmcl_restore_wait(ch));
	if (ret == -ENOMEM) {
		mutex_lock(&kmcl_store_mutex);
		list_add(&saved->node, &kmcl_store);
		mutex_unlock(&kmcl_store_mutex);
		return false;
	}
	/* Its link, and no other, ends when it attaches. */
	if (ret && any) {
		import_guid(&instance, saved->identity.instance);
		kmcl_restore_instance(ch, &instance);
	}
	if (ret)
		pr_err("%s: SAVED STATE REFUSED (error %d): comes up fresh, what was in flight is lost\n",
		       ch->cfg.name, ret);
	else
		kmcl_info(ch, "restored: %u sent, %u queued, %u received, %u taken, %u completions\n",
			  ch->nr_sent, ch->nr_queued, ch->nr_held, ch->nr_taken,
			  ch->nr_completions);
	kmcl_saved_free(saved);
	return true;
}

/* Is there state of @ch that it has not claimed yet? */
bool kmcl_store_has(struct vmb_channel *ch)
{
	bool any = !ch->server && guid_is_null(&ch->cfg.instance), ret;
	struct kmcl_identity id;

	kmcl_identity_of(ch, &id);
	mutex_lock(&kmcl_store_mutex);
	ret = kmcl_store_find(&id, any);
	mutex_unlock(&kmcl_store_mutex);
	return ret;
}

/*
 * The state after @saved, or the first, of what nobody claimed of @bus (NULL:
 * any). It stays where the bus is frozen and a session keeps out those who drop.
 */
struct kmcl_saved *kmcl_store_next(struct kmcl_saved *saved, const struct vmb_bus *bus)
{
	struct kmcl_saved *ret = NULL;

	mutex_lock(&kmcl_store_mutex);
	saved = saved ? list_next_entry(saved, node) :
		list_first_entry(&kmcl_store, struct kmcl_saved, node);
	list_for_each_entry_from(saved, &kmcl_store, node) {
		if (!bus || !strcmp(saved->identity.bus, bus->name)) {
			ret = saved;
			break;
		}
	}
	mutex_unlock(&kmcl_store_mutex);
	return ret;
}

/* A line for each, and at the end how many had no room */
struct kmcl_store_list {
	char *buf;
	ssize_t at;
	u32 more;
};

#define KMCL_STORE_LINE_MAX	256	/* two names, two GUIDs, and room for "more N" */

static void kmcl_store_line(struct kmcl_store_list *list, const char *what,
			    const struct kmcl_identity *id, const char *name)
{
	if (list->more || list->at > PAGE_SIZE - KMCL_STORE_LINE_MAX) {
		list->more++;
		return;
	}
	list->at += sysfs_emit_at(list->buf, list->at, "%s %s %pUl %pUl %u %s %s\n", what,
				  id->server ? "server" : "client", id->type, id->instance,
				  le16_to_cpu(id->subchannel), id->bus, name);
}

/* What waits for a consumer, and who waits for its state */
ssize_t kmcl_store_show(char *buf)
{
	struct kmcl_store_list list = { .buf = buf };
	struct kmcl_saved *saved;
	struct kmcl_identity id;
	struct vmb_channel *ch;

	mutex_lock(&kmcl_store_mutex);
	list_for_each_entry(saved, &kmcl_store, node)
		kmcl_store_line(&list, "unclaimed", &saved->identity, saved->name);
	mutex_unlock(&kmcl_store_mutex);
	mutex_lock(&kmcl_channels_mutex);
	list_for_each_entry(ch, &kmcl_channels, node) {
		if (!ch->registered || ch->attached || !kmcl_store_awaited(ch))
			continue;
		kmcl_identity_of(ch, &id);
		kmcl_store_line(&list, "awaited", &id, ch->cfg.name);
	}
	mutex_unlock(&kmcl_channels_mutex);
	if (list.more)
		list.at += sysfs_emit_at(buf, list.at, "more %u\n", list.more);
	return list.at;
}
KMCL_EXPORT_IF_KUNIT(kmcl_store_show);

int kmcl_store_init(void)
{
	if (sysfs_streq(kmcl_restore_mode, "pending")) {
		kmcl_store_awaiting = true;
		pr_info("channels with save callbacks wait for \"kmclctl restore\"\n");
	} else if (!sysfs_streq(kmcl_restore_mode, "none")) {
		pr_err("restore=%s: unknown, it is \"pending\" or \"none\"\n", kmcl_restore_mode);
		return -EINVAL;
	}
	return 0;
}

void kmcl_store_exit(void)
{
	kmcl_store_drop();
}
