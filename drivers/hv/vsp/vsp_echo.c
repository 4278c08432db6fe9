// SPDX-License-Identifier: GPL-2.0
/*
 * A VSP for load: the server ends.
 *
 * Answers each request, after a while, with a digest of what it got, and sends
 * requests of its own. It shows what a server does: say what it serves and to
 * whom, enable, start. load_hold.c shows receiving, load_issue.c sending.
 */

#include <linux/err.h>
#include <linux/module.h>

#include "load.h"

static char *bus = "loopback";
module_param(bus, charp, 0444);
MODULE_PARM_DESC(bus, "the bus to serve on");

static struct vmb_bus *vsp_bus;
static struct load_end *vsp_ends[LOAD_MAX_CHANNELS];

static int vsp_start(u32 index)
{
	struct load_end *end = load_end_create(index, LOAD_SERVER);
	guid_t instance;
	int ret;

	if (IS_ERR(end))
		return PTR_ERR(end);
	vsp_ends[index] = end;
	load_interface_instance(index, &instance);
	ret = vmb_server_channel_init_set_vmbus_handle(end->channel, vsp_bus);
	if (ret)
		return ret;
	ret = vmb_server_channel_init_set_flags(end->channel, VMB_SERVER_FLAG_LOOPBACK_OFFER);
	if (ret)
		return ret;
	ret = vmb_server_channel_init_set_target_interface_id(end->channel, &load_interface_type,
							      &instance);
	if (ret)
		return ret;
	return load_end_enable(end);
}

static void vsp_stop(void)
{
	load_ends_destroy(vsp_ends, LOAD_MAX_CHANNELS);
	kmcl_bus_put(vsp_bus);
}

static int __init vsp_init(void)
{
	u32 i;
	int ret;

	vsp_bus = kmcl_bus_get(bus);
	if (IS_ERR(vsp_bus)) {
		pr_err("vsp_echo: there is no bus %s\n", bus);
		return PTR_ERR(vsp_bus);
	}
	for (i = 0; i < load_channels(); i++) {
		ret = vsp_start(i);
		if (ret) {
			pr_err("vsp_echo: channel %u: %d\n", i, ret);
			vsp_stop();
			return ret;
		}
	}
	return 0;
}
module_init(vsp_init);

static void __exit vsp_exit(void)
{
	vsp_stop();
}
module_exit(vsp_exit);

MODULE_DESCRIPTION("KMCL echo VSP, for load");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(KMCL_NS);
