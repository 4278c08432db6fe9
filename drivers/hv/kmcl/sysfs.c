// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/class/kmcl: a directory for each channel, one value a file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "internal.h"

static struct vmb_channel *to_channel(struct device *dev)
{
	return container_of(dev, struct vmb_channel, dev);
}

static const char *kmcl_state_name(struct vmb_channel *ch)
{
	if (ch->freeze == KMCL_FROZEN)
		return "frozen";
	switch (ch->state) {
	case KMCL_DISABLED:
		return "disabled";
	case KMCL_ENABLED:
		return !ch->attached ? "waiting" : ch->server ? "offered" : "waiting";
	case KMCL_OPENING:
		return "opening";
	case KMCL_OPEN:
		if (ch->link_down || !ch->want_enabled)
			return "closing";
		if (ch->running)
			return "running";
		return ch->tx_mode == KMCL_TX_SHUT || ch->freeze ? "suspended" : "open";
	case KMCL_PARKED:
		return "parked";
	}
	return "unknown";
}

static const char * const kmcl_stop_names[] = {
	[VMB_STOP_NONE] = "none",
	[VMB_STOP_DISABLED] = "disabled",
	[VMB_STOP_PEER_CLOSED] = "peer-closed",
	[VMB_STOP_RESCINDED] = "rescinded",
	[VMB_STOP_MALFORMED] = "malformed",
	[VMB_STOP_PACKET_FAILED] = "packet-failed",
	[VMB_STOP_OPEN_FAILED] = "open-failed",
	[VMB_STOP_LINK_RESET] = "link-reset",
	[VMB_STOP_HANDED_OVER] = "handed-over",
};

static const char * const kmcl_link_names[] = {
	[VMB_LINK_NEW] = "new",
	[VMB_LINK_KEPT] = "kept",
	[VMB_LINK_RESET] = "reset",
};

#define KMCL_ATTR(_name, _fmt, _value)							\
static ssize_t _name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{											\
	struct vmb_channel *ch = to_channel(dev);					\
	unsigned long flags;								\
	ssize_t ret;									\
											\
	spin_lock_irqsave(&ch->lock, flags);						\
	ret = sysfs_emit(buf, _fmt "\n", _value);					\
	spin_unlock_irqrestore(&ch->lock, flags);					\
	return ret;									\
}											\
static DEVICE_ATTR_RO(_name)

static const guid_t *kmcl_active_instance(struct vmb_channel *ch)
{
	return guid_is_null(&ch->instance) ? &ch->cfg.instance : &ch->instance;
}

KMCL_ATTR(name, "%s", ch->cfg.name);
KMCL_ATTR(role, "%s", ch->server ? "server" : "client");
KMCL_ATTR(bus, "%s", ch->cfg.bus ? ch->cfg.bus->name : "");
KMCL_ATTR(bus_id, "%pUl", ch->cfg.bus ? &ch->cfg.bus->id : &guid_null);
KMCL_ATTR(type, "%pUl", &ch->cfg.type);
KMCL_ATTR(instance, "%pUl", kmcl_active_instance(ch));
KMCL_ATTR(subchannel, "%u", ch->cfg.subchannel);
KMCL_ATTR(state, "%s", kmcl_state_name(ch));
KMCL_ATTR(paused, "%d", ch->paused);
KMCL_ATTR(link, "%s", kmcl_link_names[ch->link_state]);
KMCL_ATTR(stop_reason, "%s", kmcl_stop_names[ch->stop_reason]);
KMCL_ATTR(quota, "%u", ch->quota);
KMCL_ATTR(max_packet_size, "%u", ch->cfg.max_packet_size);

static struct attribute *kmcl_channel_attrs[] = {
	&dev_attr_name.attr,
	&dev_attr_role.attr,
	&dev_attr_bus.attr,
	&dev_attr_bus_id.attr,
	&dev_attr_type.attr,
	&dev_attr_instance.attr,
	&dev_attr_subchannel.attr,
	&dev_attr_state.attr,
	&dev_attr_paused.attr,
	&dev_attr_link.attr,
	&dev_attr_stop_reason.attr,
	&dev_attr_quota.attr,
	&dev_attr_max_packet_size.attr,
	NULL
};

static const struct attribute_group kmcl_channel_group = {
	.attrs = kmcl_channel_attrs,
};

KMCL_ATTR(sent, "%u", ch->nr_sent);
KMCL_ATTR(queued, "%u", ch->nr_queued);
KMCL_ATTR(received, "%u", ch->nr_held);
KMCL_ATTR(taken, "%u", ch->nr_taken);
KMCL_ATTR(completions, "%u", ch->nr_completions);
KMCL_ATTR(packets_in, "%llu", ch->stats.packets_in);
KMCL_ATTR(packets_out, "%llu", ch->stats.packets_out);
KMCL_ATTR(interrupts, "%lld", atomic64_read(&ch->interrupts));
KMCL_ATTR(faults, "%llu", ch->stats.faults);
KMCL_ATTR(late, "%llu", ch->stats.late);
KMCL_ATTR(stale, "%llu", ch->stats.stale);
KMCL_ATTR(refused, "%llu", ch->stats.refused);

static struct attribute *kmcl_counter_attrs[] = {
	&dev_attr_sent.attr,
	&dev_attr_queued.attr,
	&dev_attr_received.attr,
	&dev_attr_taken.attr,
	&dev_attr_completions.attr,
	&dev_attr_packets_in.attr,
	&dev_attr_packets_out.attr,
	&dev_attr_interrupts.attr,
	&dev_attr_faults.attr,
	&dev_attr_late.attr,
	&dev_attr_stale.attr,
	&dev_attr_refused.attr,
	NULL
};

static const struct attribute_group kmcl_counter_group = {
	.name = "counters",
	.attrs = kmcl_counter_attrs,
};

static const struct attribute_group *kmcl_channel_groups[] = {
	&kmcl_channel_group,
	&kmcl_counter_group,
	NULL
};

static void kmcl_channel_dev_release(struct device *dev)
{
	kfree(to_channel(dev));
}

static struct class kmcl_class = {
	.name = "kmcl",
	.dev_groups = kmcl_channel_groups,
	.dev_release = kmcl_channel_dev_release,
};

/* After this kmcl_sysfs_del() frees the channel, also where it failed. */
int kmcl_sysfs_add(struct vmb_channel *ch, struct device *parent)
{
	int ret;

	device_initialize(&ch->dev);
	ch->dev.class = &kmcl_class;
	ch->dev.parent = parent;
	ret = dev_set_name(&ch->dev, "channel%u", ch->serial);
	return ret ?: device_add(&ch->dev);
}

void kmcl_sysfs_gone(struct vmb_channel *ch)
{
	device_del(&ch->dev);
}

void kmcl_sysfs_del(struct vmb_channel *ch)
{
	put_device(&ch->dev);
}

int kmcl_sysfs_init(void)
{
	return class_register(&kmcl_class);
}

void kmcl_sysfs_exit(void)
{
	class_unregister(&kmcl_class);
}
