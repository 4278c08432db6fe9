// SPDX-License-Identifier: GPL-2.0
/*
 * A VSC for load: the client ends.
 *
 * Keeps requests in flight on each channel and answers those of the VSP. It
 * shows what a client does: say what it looks for and where, how large the
 * rings are to be, enable. load_issue.c shows sending, load_hold.c receiving.
 */

#include <linux/err.h>
#include <linux/module.h>

#include "load.h"

static char *bus = "loopback";
module_param(bus, charp, 0444);
MODULE_PARM_DESC(bus, "the bus to look for the VSP on");

static struct vmb_bus *vsc_bus;
static struct load_end *vsc_ends[LOAD_MAX_CHANNELS];

static void vsc_pnp_failure(struct vmb_channel *channel, int status)
{
	pr_err("vsc_load: %s: not connected: %d\n", vmb_channel_get_friendly_name(channel),
	       status);
}

static int vsc_start(u32 index)
{
	struct load_end *end = load_end_create(index, LOAD_CLIENT);
	guid_t instance;
	int ret;

	if (IS_ERR(end))
		return PTR_ERR(end);
	vsc_ends[index] = end;
	load_interface_instance(index, &instance);
	ret = vmb_client_channel_init_set_bus(end->channel, vsc_bus);
	if (ret)
		return ret;
	ret = vmb_client_channel_init_set_target_pnp(end->channel, &load_interface_type, &instance,
						     vsc_pnp_failure);
	if (ret)
		return ret;
	ret = vmb_client_channel_init_set_ring_buffer_page_count(end->channel,
								 end->plan.ring_pages,
								 end->plan.ring_pages);
	if (ret)
		return ret;
	return load_end_enable(end);
}

static void vsc_stop(void)
{
	load_ends_destroy(vsc_ends, LOAD_MAX_CHANNELS);
	kmcl_bus_put(vsc_bus);
}

static int __init vsc_init(void)
{
	u32 i;
	int ret;

	vsc_bus = kmcl_bus_get(bus);
	if (IS_ERR(vsc_bus)) {
		pr_err("vsc_load: there is no bus %s\n", bus);
		return PTR_ERR(vsc_bus);
	}
	for (i = 0; i < load_channels(); i++) {
		ret = vsc_start(i);
		if (ret) {
			pr_err("vsc_load: channel %u: %d\n", i, ret);
			vsc_stop();
			return ret;
		}
	}
	return 0;
}
module_init(vsc_init);

static void __exit vsc_exit(void)
{
	vsc_stop();
}
module_exit(vsc_exit);

MODULE_DESCRIPTION("KMCL load VSC");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
