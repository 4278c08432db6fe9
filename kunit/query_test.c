// SPDX-License-Identifier: GPL-2.0
/*
 * What a consumer may ask of its channel; buses.
 */
#include <linux/uuid.h>

#include "core_test.h"

static void pointers(struct kunit *test)
{
	struct vmb_channel *ch;

	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, false, &ch), 0);
	KUNIT_EXPECT_NULL(test, vmb_channel_get_pointer(ch));
	vmb_channel_set_pointer(ch, test);
	KUNIT_EXPECT_PTR_EQ(test, vmb_channel_get_pointer(ch), (void *)test);
	vmb_channel_set_pointer(ch, NULL);
	KUNIT_EXPECT_NULL(test, vmb_channel_get_pointer(ch));
	KUNIT_EXPECT_EQ(test, strncmp(vmb_channel_get_friendly_name(ch), "channel", 7), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(ch), 0);
}

static void instance_of_a_client_that_takes_any(struct kunit *test)
{
	/* As the fake bus has it */
	static const guid_t given = GUID_INIT(0x11223344, 0x5566, 0x7788, 1, 2, 3, 4, 5, 6, 7, 8);
	struct core_chan *c = core_chan_make(test, false, ((struct core_env *)test->priv)->fb,
					     &guid_null);
	guid_t instance;

	vmb_channel_get_interface_instance(c->ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&instance));
	core_run(c);
	vmb_channel_get_interface_instance(c->ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &given));
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	vmb_channel_get_interface_instance(c->ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&instance));
}

static void instance_of_a_server(struct kunit *test)
{
	struct core_env *env = test->priv;
	guid_t mine, instance;
	struct core_chan *c;

	guid_gen(&mine);
	c = core_chan_make(test, true, env->fb, &mine);
	vmb_channel_get_interface_instance(c->ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &mine));
	core_run(c);
	vmb_channel_get_interface_instance(c->ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &mine));
}

static void fake_get_mmio(void *link, u64 *address, u64 *size)
{
	*address = 0xf8000000;
	*size = 0x800000;
}

static int fake_set_latency(void *link, u16 latency, u16 *original)
{
	if (latency == 9)
		return -EIO;
	*original = 77;
	return 0;
}

static void ask_mmio(struct core_chan *c)
{
	u64 address = 1, size = 1;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_get_mmio_space(c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(c->test, address, 0xf8000000);
	KUNIT_EXPECT_EQ(c->test, size, 0x800000);
}

static void mmio_space(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_client(test);
	u64 address = 1, size = 1;

	env->fb->ops.get_mmio = fake_get_mmio;
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(c->ch, &address, &size), -ENODEV);
	KUNIT_EXPECT_EQ(test, address, 0);
	KUNIT_EXPECT_EQ(test, size, 0);
	c->on_opened = ask_mmio;
	c->on_suspend = ask_mmio;
	c->on_closed = ask_mmio;
	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(c->ch, &address, &size), -ENODEV);
	core_open(c);
	core_wait_life(c, "ORP");
	ask_mmio(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(c->ch, &address, &size), -ENODEV);
}

static void no_mmio_space(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	u64 address = 1, size = 1;

	KUNIT_EXPECT_EQ(test, vmb_channel_get_mmio_space(c->ch, &address, &size), 0);
	KUNIT_EXPECT_EQ(test, address, 0);
	KUNIT_EXPECT_EQ(test, size, 0);
}

static void ask_latency(struct core_chan *c)
{
	u16 original = 0;

	KUNIT_EXPECT_EQ(c->test, vmb_channel_set_interrupt_latency(c->ch, 5, &original), 0);
	KUNIT_EXPECT_EQ(c->test, original, 77);
}

static void interrupt_latency(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_client(test), *s = core_server_running(test);
	u16 original = 3;

	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(c->ch, 5, &original), -EOPNOTSUPP);
	env->fb->ops.set_interrupt_latency = fake_set_latency;
	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(s->ch, 5, &original), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(c->ch, 5, &original), -ENODEV);
	c->on_opened = ask_latency;
	c->on_closed = ask_latency;
	core_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(c->ch, 5, NULL), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(c->ch, 9, &original), -EIO);
	KUNIT_EXPECT_EQ(test, original, 3);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_interrupt_latency(c->ch, 5, &original), -ENODEV);
}

static void link_state_of_a_fresh_link(struct kunit *test)
{
	struct core_chan *c = core_server_running(test);

	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_link_state(c->ch), VMB_LINK_NEW);
}

static void bus_by_name(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct vmb_bus *bus = kmcl_bus_get("fake");

	KUNIT_ASSERT_FALSE(test, IS_ERR(bus));
	KUNIT_EXPECT_PTR_EQ(test, bus, env->fb->bus);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_bus_priv(bus), (void *)env->fb);
	kmcl_bus_put(bus);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_get("fake2")), -ENODEV);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_get("")), -ENODEV);
	kmcl_bus_put(NULL);
}

static void bus_names(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct vmb_bus *bus;
	guid_t id;

	guid_gen(&id);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_register("fake", &id, &env->fb->ops, NULL)),
			-EEXIST);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_register("", &id, &env->fb->ops, NULL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_register("a name of thirty-two characters.", &id,
							&env->fb->ops, NULL)), -EINVAL);
	bus = kmcl_bus_register("a name of thirty-one characters", &id, &env->fb->ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bus));
	kmcl_bus_unregister(bus);
}

#define REFUSED_WITHOUT(op)								\
do {											\
	ops = env->fb->ops;								\
	ops.op = NULL;									\
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR(kmcl_bus_register("other", &id, &ops, NULL)),	\
			    -EINVAL, "without " #op);					\
} while (0)

static void bus_operations(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct kmcl_transport_ops ops;
	struct vmb_bus *bus;
	guid_t id;

	guid_gen(&id);
	REFUSED_WITHOUT(attach);
	REFUSED_WITHOUT(detach);
	REFUSED_WITHOUT(open_done);
	REFUSED_WITHOUT(close);
	REFUSED_WITHOUT(closed);
	REFUSED_WITHOUT(rx_peek);
	REFUSED_WITHOUT(rx_copy);
	REFUSED_WITHOUT(rx_advance);
	REFUSED_WITHOUT(rx_commit);
	REFUSED_WITHOUT(rx_mask);
	REFUSED_WITHOUT(rx_unmask);
	REFUSED_WITHOUT(tx_write);
	REFUSED_WITHOUT(tx_commit);
	REFUSED_WITHOUT(tx_want);
	REFUSED_WITHOUT(tx_limit);
	REFUSED_WITHOUT(fault);
	REFUSED_WITHOUT(ext_reserve);
	REFUSED_WITHOUT(ext_release);
	REFUSED_WITHOUT(ext_map);
	REFUSED_WITHOUT(ext_unmap);
	REFUSED_WITHOUT(ext_adopt);
	REFUSED_WITHOUT(gpa_get);
	REFUSED_WITHOUT(gpa_put);
	REFUSED_WITHOUT(gpadl_create);
	REFUSED_WITHOUT(gpadl_delete);
	REFUSED_WITHOUT(gpadl_abort);
	REFUSED_WITHOUT(gpadl_map);
	REFUSED_WITHOUT(gpadl_unmap);
	REFUSED_WITHOUT(park);
	REFUSED_WITHOUT(bus_freeze);
	REFUSED_WITHOUT(bus_thaw);
	REFUSED_WITHOUT(bus_save_begin);
	REFUSED_WITHOUT(bus_save_read);
	REFUSED_WITHOUT(bus_save_end);
	REFUSED_WITHOUT(bus_restore_begin);
	REFUSED_WITHOUT(bus_restore_write);
	REFUSED_WITHOUT(bus_restore_end);
	/* What is optional, and what is without meaning for these capabilities */
	ops = env->fb->ops;
	ops.caps = KMCL_CAP_CLIENT;
	ops.rx_unread = NULL;
	ops.get_instance = NULL;
	ops.get_mmio = NULL;
	ops.set_interrupt_latency = NULL;
	ops.ext_reserve = NULL;
	ops.gpadl_map = NULL;
	ops.park = NULL;
	ops.bus_freeze = NULL;
	bus = kmcl_bus_register("other", &id, &ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bus));
	kmcl_bus_unregister(bus);
}

/* Who still has a reference may keep it, and learns that the bus is gone. */
static void bus_that_went(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *c = core_server(test), *client = core_client(test);
	struct vmb_bus *bus, *held;
	guid_t id;

	guid_gen(&id);
	bus = kmcl_bus_register("short-lived", &id, &env->fb->ops, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(bus));
	held = kmcl_bus_get("short-lived");
	KUNIT_ASSERT_PTR_EQ(test, held, bus);
	kmcl_bus_unregister(bus);
	KUNIT_EXPECT_EQ(test, PTR_ERR(kmcl_bus_get("short-lived")), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_vmbus_handle(c->ch, held), -ENODEV);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_bus(client->ch, held), -ENODEV);
	kmcl_bus_put(held);
	/* The channels have the one that they had. */
	core_run(c);
	core_run(client);
}

static void no_handle_of_user_space(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(vmb_convert_vmbus_handle_to_kernel_handle(0)), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, PTR_ERR(vmb_convert_vmbus_handle_to_kernel_handle(-1)), -EOPNOTSUPP);
}

static void bus_that_cannot(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct core_chan *s = core_server(test), *c = core_client(test);
	u64 memory[64] = {};

	env->fb->ops.caps = KMCL_CAP_CLIENT;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(s->ch), -EOPNOTSUPP);
	env->fb->ops.caps = KMCL_CAP_SERVER;
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(c->ch), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data(s->ch, 4096, 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(s->ch), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_channel_sizeof_packet(s->ch), 0);
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(s->ch));
	KUNIT_EXPECT_EQ(test, vmb_packet_initialize(s->ch, (void *)memory, sizeof(memory)),
			-EOPNOTSUPP);
	env->fb->ops.caps = FAKE_CAPS_ALL;
	core_run(s);
	core_run(c);
}

static struct kunit_case query_cases[] = {
	KUNIT_CASE(pointers),
	KUNIT_CASE(instance_of_a_client_that_takes_any),
	KUNIT_CASE(instance_of_a_server),
	KUNIT_CASE(mmio_space),
	KUNIT_CASE(no_mmio_space),
	KUNIT_CASE(interrupt_latency),
	KUNIT_CASE(link_state_of_a_fresh_link),
	{}
};

static struct kunit_suite query_suite = {
	.name = "kmcl_query",
	.init = core_init,
	.exit = core_exit,
	.test_cases = query_cases,
};

static struct kunit_case bus_cases[] = {
	KUNIT_CASE(bus_by_name),
	KUNIT_CASE(bus_names),
	KUNIT_CASE(bus_operations),
	KUNIT_CASE(bus_that_went),
	KUNIT_CASE(no_handle_of_user_space),
	KUNIT_CASE(bus_that_cannot),
	{}
};

static struct kunit_suite bus_suite = {
	.name = "kmcl_bus",
	.init = core_init,
	.exit = core_exit,
	.test_cases = bus_cases,
};

kunit_test_suites(&query_suite, &bus_suite);
