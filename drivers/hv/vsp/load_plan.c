// SPDX-License-Identifier: GPL-2.0
/*
 * The load: which channel carries what.
 *
 * There are four kinds of channels, so that at any moment something is in
 * flight in every place where a transaction can be. A channel on which both
 * ends can be at their quota, each with completions behind a full ring, could
 * never move again; so only the first kind carries requests both ways, in
 * rings and with quotas that take all of them.
 */

#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#include "load.h"

static uint depth = 100;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "requests in flight, in percent of the plan");

static uint delay = 100;
module_param(delay, uint, 0444);
MODULE_PARM_DESC(delay, "how long requests are held, in percent of the plan");

static uint slow = 100;
module_param(slow, uint, 0444);
MODULE_PARM_DESC(slow, "how long slow readers sleep, in percent of the plan");

static uint payload;
module_param(payload, uint, 0444);
MODULE_PARM_DESC(payload, "largest request in bytes, where the plan has a larger one (0: the plan's)");

static uint ring_pages;
module_param(ring_pages, uint, 0444);
MODULE_PARM_DESC(ring_pages, "pages of each ring, instead of the plan's");

static uint quota;
module_param(quota, uint, 0444);
MODULE_PARM_DESC(quota, "transaction quota, instead of the plan's");

static ulong passive_mask;
module_param(passive_mask, ulong, 0444);
MODULE_PARM_DESC(passive_mask, "more channels whose ends ask for processing at passive level");

static ulong ext_mask = ~0UL;
module_param(ext_mask, ulong, 0444);
MODULE_PARM_DESC(ext_mask, "channels that may carry external data, where the plan has it");

static const struct load_plan kinds[] = {
	/* Both ways, all sizes, with external data: sent and waiting, received and held */
	{
		.payload_max = 8192, .ext_max = 8192, .resp_max = 256,
		.ring_pages = 32, .delay_min = 1500, .delay_max = 5000,
		.depth = { 176, 144 }, .quota = { 256, 256 },
	},
	/*
	 * From the client, more than ring and quota take, to a server that is
	 * slow at the start of each batch: queued, taken, unread by the server
	 */
	{
		.payload_max = 96, .resp_max = 32,
		.ring_pages = 2, .delay_min = 20, .delay_max = 250,
		.depth = { 352, 0 }, .quota = { 128, 64 },
		.batch_ms = { 350, 0 }, .passive = { true, false },
	},
	/* The same from the server, to a slow client */
	{
		.payload_max = 96, .resp_max = 32,
		.ring_pages = 2, .delay_min = 20, .delay_max = 250,
		.depth = { 0, 352 }, .quota = { 64, 128 },
		.batch_ms = { 0, 350 }, .passive = { false, true },
	},
	/* Large answers into a small ring, to a client that is slow to read them */
	{
		.payload_max = 64, .resp_min = 512, .resp_max = 2040,
		.ring_pages = 1, .delay_min = 1, .delay_max = 40,
		.depth = { 224, 0 }, .quota = { 128, 64 },
		.complete_ms = { 6, 0 }, .passive = { false, true },
	},
};

/* For a program that has to know what is in the packets: hexadecimal, a line a channel */
static int load_plan_text(char *buffer, const struct kernel_param *param)
{
	struct load_plan plan;
	u32 i;
	int at = 0;

	for (i = 0; i < load_channels(); i++) {
		load_plan_get(i, &plan);
		at += sysfs_emit_at(buffer, at, "%x %x %x %x %x\n", i, plan.payload_max,
				    plan.ext_max, plan.resp_min, plan.resp_max);
	}
	return at;
}

static const struct kernel_param_ops load_plan_ops = {
	.get = load_plan_text,
};

module_param_cb(plan, &load_plan_ops, NULL, 0444);
MODULE_PARM_DESC(plan, "channel, largest request and external data, smallest and largest answer");

static u32 percent(u32 value, u32 of)
{
	return value ? clamp(value * of / 100, 1U, 100000U) : 0;
}

/**
 * load_plan_get() - the plan of a channel
 * @index: which
 * @plan: filled in
 */
void load_plan_get(u32 index, struct load_plan *plan)
{
	u32 kind = index % ARRAY_SIZE(kinds), round = index / ARRAY_SIZE(kinds);
	enum load_dir dir;

	*plan = kinds[kind];
	/* Half of the channels keep what they received, in turn for each kind. */
	plan->keeps = (kind + round) % 2 == 0;
	plan->delay_min = percent(plan->delay_min, delay);
	plan->delay_max = max(percent(plan->delay_max, delay), plan->delay_min);
	if (payload)
		plan->payload_max = clamp(payload, 8U, plan->payload_max);
	if (ring_pages)
		plan->ring_pages = ring_pages;
	if (index >= BITS_PER_LONG || !(ext_mask & BIT(index)))
		plan->ext_max = 0;
	for (dir = 0; dir < LOAD_DIRS; dir++) {
		plan->depth[dir] = percent(plan->depth[dir], depth);
		plan->batch_ms[dir] = percent(plan->batch_ms[dir], slow);
		plan->complete_ms[dir] = percent(plan->complete_ms[dir], slow);
		if (quota)
			plan->quota[dir] = quota;
		/* Every other round sleeps after a deferral, not as it is. */
		if (plan->batch_ms[dir] && round % 2) {
			plan->passive[dir] = false;
			plan->defer[dir] = true;
		}
		if (index < BITS_PER_LONG && passive_mask & BIT(index))
			plan->passive[dir] = true;
	}
}
