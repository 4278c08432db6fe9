// SPDX-License-Identifier: GPL-2.0
/*
 * A kexec takes this kernel's channels with it. Where no handover was committed
 * before, what is in flight is lost, which the log says while there is one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/notifier.h>
#include <linux/reboot.h>

#include "internal.h"

/* Say what @ch has in flight; false where it is not open. */
static bool kmcl_reboot_report(struct vmb_channel *ch, u32 *in_flight)
{
	u32 sent, queued, held, taken, completions;
	unsigned long flags;
	bool open;

	spin_lock_irqsave(&ch->lock, flags);
	open = ch->state == KMCL_OPEN || ch->state == KMCL_OPENING;
	sent = ch->nr_sent;
	queued = ch->nr_queued;
	held = ch->nr_held;
	taken = ch->nr_taken;
	completions = ch->nr_completions;
	spin_unlock_irqrestore(&ch->lock, flags);
	if (sent + queued + held + taken + completions)
		kmcl_warn(ch, "lost in the kexec: %u sent, %u queued, %u received, %u taken, %u completions\n",
			  sent, queued, held, taken, completions);
	*in_flight += sent + queued + held + taken + completions;
	return open;
}

static int kmcl_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	u32 open = 0, in_flight = 0;
	struct vmb_channel *ch;

	if (action != SYS_RESTART || !data || strcmp(data, "kexec reboot"))
		return NOTIFY_DONE;
	mutex_lock(&kmcl_channels_mutex);
	list_for_each_entry(ch, &kmcl_channels, node)
		open += kmcl_reboot_report(ch, &in_flight);
	mutex_unlock(&kmcl_channels_mutex);
	if (open || in_flight)
		pr_warn("kexec without a live update: %u open channels, %u packets in flight\n",
			open, in_flight);
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
