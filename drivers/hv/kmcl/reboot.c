// SPDX-License-Identifier: GPL-2.0
/*
 * A kexec takes this kernel's channels with it. Where no handover was committed
 * before, what is in flight is lost, which the log says while there is one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/notifier.h>
#include <linux/reboot.h>

#include "internal.h"

/* Add to @sum what @ch has in flight, and say so. */
static void kmcl_reboot_count(struct vmb_channel *ch, struct kmcl_in_flight *sum)
{
	struct kmcl_in_flight own;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	own = (struct kmcl_in_flight) {
		.open = ch->state == KMCL_OPEN || ch->state == KMCL_OPENING,
		.packets = ch->nr_sent + ch->nr_queued + ch->nr_held + ch->nr_taken +
			   ch->nr_completions,
	};
	/* Once for each channel: not ratelimited, as nobody can ask later. */
	if (own.packets)
		pr_warn("%s: lost in the kexec: %u sent, %u queued, %u received, %u taken, %u completions\n",
			ch->cfg.name, ch->nr_sent, ch->nr_queued, ch->nr_held, ch->nr_taken,
			ch->nr_completions);
	spin_unlock_irqrestore(&ch->lock, flags);
	sum->open += own.open;
	sum->packets += own.packets;
}

/* What a kexec would lose now. */
struct kmcl_in_flight kmcl_reboot_report(void)
{
	struct kmcl_in_flight sum = {};
	struct vmb_channel *ch;

	mutex_lock(&kmcl_channels_mutex);
	list_for_each_entry(ch, &kmcl_channels, node)
		kmcl_reboot_count(ch, &sum);
	mutex_unlock(&kmcl_channels_mutex);
	if (sum.open || sum.packets)
		pr_warn("kexec without a live update: %u open channels, %u packets in flight\n",
			sum.open, sum.packets);
	return sum;
}
KMCL_EXPORT_IF_KUNIT(kmcl_reboot_report);

static int kmcl_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action == SYS_RESTART && data && !strcmp(data, "kexec reboot"))
		kmcl_reboot_report();
	return NOTIFY_DONE;
}

/* Last, so that whoever stops at a reboot has stopped. */
static struct notifier_block kmcl_reboot_nb = {
	.notifier_call = kmcl_reboot,
	.priority = INT_MIN,
};

int kmcl_reboot_init(void)
{
	return register_reboot_notifier(&kmcl_reboot_nb);
}

void kmcl_reboot_exit(void)
{
	unregister_reboot_notifier(&kmcl_reboot_nb);
}
