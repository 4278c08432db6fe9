// SPDX-License-Identifier: GPL-2.0
/*
 * Making and configuring a channel: every documented return, and that what was
 * set is what the transport is told.
 */
#include "core_test.h"

static const guid_t other_instance =
	GUID_INIT(0x01020304, 0x0506, 0x0708, 9, 10, 11, 12, 13, 14, 15, 16);

static void process_nothing(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			    void *buffer, u32 length, u32 flags)
{
}

static int save_nothing(struct vmb_channel *ch, struct vmb_packet *pkt, void *buffer, u32 size,
			u32 *needed)
{
	return 0;
}

static int restore_nothing(struct vmb_channel *ch, const void *lib, u32 lib_size,
			   const void *buffer, u32 size)
{
	return 0;
}

static int save_received_nothing(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				 void *buffer, u32 size, u32 *needed)
{
	return 0;
}

static int restore_received_nothing(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
				    void *payload, u32 length, u32 flags, const void *buffer,
				    u32 size)
{
	return 0;
}

static int save_state_nothing(struct vmb_channel *ch, void *buffer, u32 size, u32 *needed)
{
	return 0;
}

static int restore_state_nothing(struct vmb_channel *ch, const void *buffer, u32 size)
{
	return 0;
}

/* Every setter of both ends, with arguments that are fine, returns @want. */
static void set_common(struct kunit *test, struct vmb_channel *ch, int want)
{
	struct vmb_channel_state_change_callbacks cb;

	vmb_channel_state_change_callbacks_init(&cb);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(ch, 0), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_client_context_size(ch, 8), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, "name"), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch, 64), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch, 64), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data(ch, 4096, 1), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_process_packet_callbacks(ch, process_nothing,
									    NULL), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_state_change_callbacks(ch, &cb), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(ch, save_nothing, restore_nothing), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_received_callbacks
			(ch, save_received_nothing, restore_received_nothing), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_state_callbacks
			(ch, save_state_nothing, restore_state_nothing), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_drain_deadline(ch, 100), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_subchannel_index(ch, 1), want);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(ch, 0), want);
}

static void set_server(struct kunit *test, struct vmb_channel *ch, int want)
{
	struct core_env *env = test->priv;

	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_flags(ch, 0), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, &core_type, &other_instance), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_vmbus_handle(ch, env->fb->bus), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(ch, 1, 0), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_vtl(ch, 0), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(ch, "x", 1), want);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_save_restore_packet_callbacks
			(ch, save_nothing, restore_nothing), want);
}

static void set_client(struct kunit *test, struct vmb_channel *ch, int want)
{
	struct core_env *env = test->priv;

	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_bus(ch, env->fb->bus), want);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(ch, 2, 2), want);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_target_pnp(ch, &core_type, NULL, NULL),
			want);
}

static void t01_allocate(struct kunit *test)
{
	struct vmb_channel *ch = NULL;

	KUNIT_EXPECT_EQ(test, vmb_channel_allocate(NULL, true, NULL), -EINVAL);
	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, true, &ch), 0);
	KUNIT_ASSERT_NOT_NULL(test, ch);
	KUNIT_EXPECT_EQ(test, (int)vmb_channel_get_stop_reason(ch), VMB_STOP_NONE);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(NULL), 0);
}

static void t02_all_may_be_set_while_disabled(struct kunit *test)
{
	struct core_chan *s = core_server(test), *c = core_client(test);

	set_common(test, s->ch, 0);
	set_server(test, s->ch, 0);
	set_common(test, c->ch, 0);
	set_client(test, c->ch, 0);
}

static void t02_none_may_be_set_while_enabled(struct kunit *test)
{
	struct core_chan *s = core_server(test), *c = core_client(test);

	core_enable(s);
	core_enable(c);
	set_common(test, s->ch, -EBUSY);
	set_server(test, s->ch, -EBUSY);
	set_common(test, c->ch, -EBUSY);
	set_client(test, c->ch, -EBUSY);
	core_open(s);
	set_common(test, s->ch, -EBUSY);
	set_server(test, s->ch, -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(s->ch), 0);
	set_common(test, s->ch, 0);
	set_server(test, s->ch, 0);
}

/* A packet was made by the configuration: it is fixed until that is freed. */
static void none_may_be_set_with_packets(struct kunit *test)
{
	struct core_chan *s = core_server(test);
	struct vmb_packet *pkt = core_packet(s);

	set_common(test, s->ch, -EBUSY);
	set_server(test, s->ch, -EBUSY);
	core_packet_free(s, pkt);
	set_common(test, s->ch, 0);
	set_server(test, s->ch, 0);
}

static void wrong_end(struct kunit *test)
{
	struct core_chan *s = core_server(test), *c = core_client(test);

	set_server(test, c->ch, -EINVAL);
	set_client(test, s->ch, -EINVAL);
}

static void values_out_of_range(struct kunit *test)
{
	struct vmb_channel *ch = core_server(test)->ch;

	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(ch, VMB_CHANNEL_INIT_FLAG_IS_PIPE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(ch, 0x2), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(ch, 0x80000000), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_client_context_size(ch, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_client_context_size(ch, VMB_MAX_CONTEXT_SIZE),
			0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_client_context_size(ch,
								       VMB_MAX_CONTEXT_SIZE + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch, 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch, VMB_MAX_PACKET_SIZE),
			0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(ch,
								       VMB_MAX_PACKET_SIZE + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch, 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch, VMB_MAX_PACKET_COUNT),
			0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_count(ch,
									VMB_MAX_PACKET_COUNT + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data(ch, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data(ch, 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data
			(ch, VMB_MAX_EXTERNAL_DATA + 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data
			(ch, 1, VMB_MAX_CHAIN_LENGTH + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_external_data
			(ch, VMB_MAX_EXTERNAL_DATA, VMB_MAX_CHAIN_LENGTH), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_drain_deadline(ch, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(ch, -2), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(ch, nr_cpu_ids), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(ch, -1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(ch, nr_cpu_ids - 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(ch, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(ch, VMB_MAX_QUOTA), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_transaction_quota(ch, VMB_MAX_QUOTA + 1), -EINVAL);
}

static void values_of_a_server(struct kunit *test)
{
	struct vmb_channel *ch = core_server(test)->ch;
	u8 data[VMB_MAX_OFFER_DATA + 1] = {};

	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_flags(ch, 0x1f), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_flags(ch, 0x20), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, NULL, &other_instance), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, &core_type, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, &guid_null, &other_instance), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, &core_type, &guid_null), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_vmbus_handle(ch, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_vmbus_handle(ch, ERR_PTR(-ENODEV)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(ch, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(ch, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(ch, U16_MAX, U16_MAX), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_vtl(ch, 2), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_vtl(ch, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(ch, data,
								     VMB_MAX_OFFER_DATA), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(ch, data,
								     VMB_MAX_OFFER_DATA + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(ch, NULL, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(ch, NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_save_restore_packet_callbacks
			(ch, NULL, restore_nothing), -EINVAL);
}

static void values_of_a_client(struct kunit *test)
{
	struct vmb_channel *ch = core_client(test)->ch;

	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_bus(ch, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(ch, 0, 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(ch, 1, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count
			(ch, VMB_MAX_RING_PAGES + 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count
			(ch, 1, VMB_MAX_RING_PAGES + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count
			(ch, VMB_MAX_RING_PAGES, 1), 0);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_target_pnp(ch, NULL, NULL, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_target_pnp(ch, &guid_null, NULL, NULL),
			-EINVAL);
}

static void callbacks_that_miss(struct kunit *test)
{
	struct vmb_channel_state_change_callbacks cb;
	struct vmb_channel *ch = core_server(test)->ch;

	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_process_packet_callbacks(ch, NULL, NULL),
			-EINVAL);
	vmb_channel_state_change_callbacks_init(&cb);
	KUNIT_EXPECT_EQ(test, cb.version, VMB_STATE_CHANGE_CALLBACKS_VERSION);
	KUNIT_EXPECT_EQ(test, cb.size, sizeof(cb));
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_state_change_callbacks(ch, NULL), -EINVAL);
	cb.version++;
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_state_change_callbacks(ch, &cb), -EINVAL);
	cb.version--;
	cb.size--;
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_state_change_callbacks(ch, &cb), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(ch, save_nothing, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_packet_callbacks
			(ch, NULL, restore_nothing), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_received_callbacks
			(ch, save_received_nothing, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_received_callbacks
			(ch, NULL, restore_received_nothing), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_state_callbacks
			(ch, save_state_nothing, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_save_restore_state_callbacks
			(ch, NULL, restore_state_nothing), -EINVAL);
}

/* The callbacks are copied: what the caller does to its own is no matter. */
static void callbacks_are_copied(struct kunit *test)
{
	struct vmb_channel_state_change_callbacks cb;
	struct core_chan *c = core_server(test);

	vmb_channel_state_change_callbacks_init(&cb);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_state_change_callbacks(c->ch, &cb), 0);
	memset(&cb, 0xff, sizeof(cb));
	core_enable(c);
	fake_open(c->link);
	vmb_channel_start(c->ch);
	KUNIT_EXPECT_EQ(test, vmb_channel_pause(c->ch), 0);
	core_expect_life(c, "");
}

static void friendly_names(struct kunit *test)
{
	struct vmb_channel *ch = core_server(test)->ch;
	char longest[KMCL_NAME_MAX + 1], name[] = "Synthetic";

	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, name), 0);
	name[0] = 'x';
	KUNIT_EXPECT_STREQ(test, vmb_channel_get_friendly_name(ch), "Synthetic");
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, ""), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, "two\nlines"), -EINVAL);
	memset(longest, 'n', sizeof(longest));
	longest[KMCL_NAME_MAX] = 0;
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, longest), -EINVAL);
	KUNIT_EXPECT_STREQ(test, vmb_channel_get_friendly_name(ch), "Synthetic");
	longest[KMCL_NAME_MAX - 1] = 0;
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_friendly_name(ch, longest), 0);
	KUNIT_EXPECT_STREQ(test, vmb_channel_get_friendly_name(ch), longest);
}

static void transport_is_told_of_a_server(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	const struct kmcl_link_params *p;
	u8 data[VMB_MAX_OFFER_DATA] = "offer data";

	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_flags(c->ch, VMB_CHANNEL_INIT_FLAG_IS_PIPE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_subchannel_index(c->ch, 7), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_processor(c->ch, 0), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_maximum_packet_size(c->ch, 100), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_flags
			(c->ch, VMB_SERVER_FLAG_ENUMERATE_DEVICE_INTERFACE), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(c->ch, &core_type, &other_instance), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_mmio_megabytes(c->ch, 3, 4), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_vtl(c->ch, 2), 0);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(c->ch, data, 120), 0);
	/* What is set anew replaces all of the old. */
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_offer_data(c->ch, data, 5), 0);
	core_enable(c);
	p = &c->link->params;
	KUNIT_EXPECT_TRUE(test, p->server);
	KUNIT_EXPECT_TRUE(test, p->pipe);
	KUNIT_EXPECT_FALSE(test, p->adopt);
	KUNIT_EXPECT_EQ(test, p->subchannel, 7);
	KUNIT_EXPECT_EQ(test, p->cpu, 0);
	KUNIT_EXPECT_EQ(test, p->server_flags, VMB_SERVER_FLAG_ENUMERATE_DEVICE_INTERFACE);
	KUNIT_EXPECT_TRUE(test, guid_equal(&p->type, &core_type));
	KUNIT_EXPECT_TRUE(test, guid_equal(&p->instance, &other_instance));
	KUNIT_EXPECT_EQ(test, p->mmio_megabytes, 3);
	KUNIT_EXPECT_EQ(test, p->mmio_megabytes_optional, 4);
	KUNIT_EXPECT_EQ(test, p->target_vtl, 2);
	KUNIT_EXPECT_GE(test, p->max_wire_size, 16 + 8 + 104 + 8);
	memset(data + 5, 0, sizeof(data) - 5);
	KUNIT_EXPECT_MEMEQ(test, p->offer_data, data, sizeof(data));
}

static void transport_is_told_of_a_client(struct kunit *test)
{
	struct core_chan *c = core_client(test), *d = core_client(test);
	const struct kmcl_link_params *p;

	core_enable(d);
	p = &d->link->params;
	KUNIT_EXPECT_EQ(test, p->ring_in_pages, VMB_DEFAULT_RING_PAGES);
	KUNIT_EXPECT_EQ(test, p->ring_out_pages, VMB_DEFAULT_RING_PAGES);
	KUNIT_EXPECT_EQ(test, p->cpu, -1);
	KUNIT_EXPECT_FALSE(test, p->pipe);

	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_ring_buffer_page_count(c->ch, 5, 6), 0);
	KUNIT_EXPECT_EQ(test, vmb_client_channel_init_set_target_pnp(c->ch, &core_type, NULL,
								     NULL), 0);
	core_enable(c);
	p = &c->link->params;
	KUNIT_EXPECT_FALSE(test, p->server);
	KUNIT_EXPECT_EQ(test, p->ring_in_pages, 5);
	KUNIT_EXPECT_EQ(test, p->ring_out_pages, 6);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&p->instance));
}

static void passive_is_set_while_disabled(struct kunit *test)
{
	struct core_chan *c = core_server(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, true), 0);
	core_enable(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, false), -EBUSY);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_set_incoming_processing_at_passive(c->ch, false), 0);
}

static void t07_cleanup_of_an_enabled_channel(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	void *w;

	core_enable(c);
	w = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(c->ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 1);
	/* It stays as it was. */
	core_open(c);
	vmb_channel_start(c->ch);
	core_wait_life(c, "ORP");
}

static void t07_cleanup_with_packets(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct vmb_packet *pkt = core_packet(c);
	void *w = core_warn_begin(test);

	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(c->ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, w), 1);
	core_packet_free(c, pkt);
}

static void enable_needs_all(struct kunit *test)
{
	struct core_env *env = test->priv;
	struct vmb_channel *ch;

	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, true, &ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(ch), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_process_packet_callbacks(ch, process_nothing,
									    NULL), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(ch), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_target_interface_id
			(ch, &core_type, &other_instance), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(ch), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_server_channel_init_set_vmbus_handle(ch, env->fb->bus), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_enable(ch), 0);
	/* No callback is required but for packets. */
	fake_open(fake_link_of(env->fb, ch));
	vmb_channel_start(ch);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(ch), 0);
}

static struct kunit_case config_cases[] = {
	KUNIT_CASE(t01_allocate),
	KUNIT_CASE(t02_all_may_be_set_while_disabled),
	KUNIT_CASE(t02_none_may_be_set_while_enabled),
	KUNIT_CASE(none_may_be_set_with_packets),
	KUNIT_CASE(wrong_end),
	KUNIT_CASE(values_out_of_range),
	KUNIT_CASE(values_of_a_server),
	KUNIT_CASE(values_of_a_client),
	KUNIT_CASE(callbacks_that_miss),
	KUNIT_CASE(callbacks_are_copied),
	KUNIT_CASE(friendly_names),
	KUNIT_CASE(transport_is_told_of_a_server),
	KUNIT_CASE(transport_is_told_of_a_client),
	KUNIT_CASE(passive_is_set_while_disabled),
	KUNIT_CASE(t07_cleanup_of_an_enabled_channel),
	KUNIT_CASE(t07_cleanup_with_packets),
	KUNIT_CASE(enable_needs_all),
	{}
};

static struct kunit_suite config_suite = {
	.name = "kmcl_config",
	.init = core_init,
	.exit = core_exit,
	.test_cases = config_cases,
};

kunit_test_suite(config_suite);
