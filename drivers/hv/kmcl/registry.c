// SPDX-License-Identifier: GPL-2.0
/*
 * Which channels there are, and the identities that are taken.
 *
 * kmcl_channels_mutex protects the list; vmb_channel.registered says whether a
 * channel's identity is taken, and changes under it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "internal.h"

DEFINE_MUTEX(kmcl_channels_mutex);	/* protects kmcl_channels */
LIST_HEAD(kmcl_channels);

static u32 kmcl_next_serial;

void kmcl_registry_add(struct vmb_channel *ch)
{
	mutex_lock(&kmcl_channels_mutex);
	ch->serial = kmcl_next_serial++;
	list_add_tail(&ch->node, &kmcl_channels);
	mutex_unlock(&kmcl_channels_mutex);
}

void kmcl_registry_del(struct vmb_channel *ch)
{
	mutex_lock(&kmcl_channels_mutex);
	list_del_init(&ch->node);
	mutex_unlock(&kmcl_channels_mutex);
}

/* The identity that belongs to @ch: with the active instance, once it has one. */
void kmcl_identity_of(struct vmb_channel *ch, struct kmcl_identity *id)
{
	const struct kmcl_config *cfg = &ch->cfg;

	memset(id, 0, sizeof(*id));
	strscpy(id->bus, cfg->bus->name, sizeof(id->bus));
	export_guid(id->bus_id, &cfg->bus->id);
	export_guid(id->type, &cfg->type);
	export_guid(id->instance, guid_is_null(&ch->instance) ? &cfg->instance : &ch->instance);
	id->subchannel = cpu_to_le16(cfg->subchannel);
	id->server = ch->server;
}

/* Does what was saved belong to @of? A client may take any instance of a type. */
bool kmcl_identity_match(const struct kmcl_identity *saved, const struct kmcl_identity *of,
			 bool any_instance)
{
	return !memcmp(saved->bus, of->bus, sizeof(of->bus)) &&
	       !memcmp(saved->bus_id, of->bus_id, sizeof(of->bus_id)) &&
	       !memcmp(saved->type, of->type, sizeof(of->type)) &&
	       (any_instance || !memcmp(saved->instance, of->instance, sizeof(of->instance))) &&
	       saved->subchannel == of->subchannel && saved->server == of->server;
}

/*
 * Clients that take any instance do not collide with each other: each is bound
 * to another offer.
 */
int kmcl_identity_take(struct vmb_channel *ch)
{
	bool any = !ch->server && guid_is_null(&ch->cfg.instance);
	struct kmcl_identity mine, other;
	struct vmb_channel *pos;
	int ret = 0;

	mutex_lock(&kmcl_channels_mutex);
	kmcl_identity_of(ch, &mine);
	if (!any) {
		list_for_each_entry(pos, &kmcl_channels, node) {
			if (pos == ch || !pos->registered)
				continue;
			kmcl_identity_of(pos, &other);
			if (!memcmp(&mine, &other, sizeof(mine))) {
				ret = -EEXIST;
				break;
			}
		}
	}
	if (!ret)
		ch->registered = true;
	mutex_unlock(&kmcl_channels_mutex);
	return ret;
}

/* Has a channel of this identity come up already? *@takes: and it takes state */
bool kmcl_identity_attached(const struct kmcl_identity *id, bool *takes)
{
	struct kmcl_identity other;
	struct vmb_channel *ch;
	bool ret = false;

	mutex_lock(&kmcl_channels_mutex);
	list_for_each_entry(ch, &kmcl_channels, node) {
		if (!ch->registered || !READ_ONCE(ch->attached))
			continue;
		kmcl_identity_of(ch, &other);
		if (memcmp(id, &other, sizeof(other)))
			continue;
		*takes = kmcl_store_takes(ch);
		ret = true;
	}
	mutex_unlock(&kmcl_channels_mutex);
	return ret;
}

void kmcl_identity_release(struct vmb_channel *ch)
{
	unsigned long flags;

	mutex_lock(&kmcl_channels_mutex);
	ch->registered = false;
	spin_lock_irqsave(&ch->lock, flags);
	guid_copy(&ch->instance, &guid_null);
	spin_unlock_irqrestore(&ch->lock, flags);
	mutex_unlock(&kmcl_channels_mutex);
}
