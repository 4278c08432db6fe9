// SPDX-License-Identifier: GPL-2.0
/*
 * The API by its Windows names: every status that Microsoft's documents name, and
 * a VSP of Windows that is saved and restored. The peer is a fake bus.
 */
#include <linux/slab.h>

#include "fake_bus.h"
#include "windows_vsp.h"

#define WAIT		VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define TIMEOUT		(20 * HZ)
#define STREAM_MAX	8192
#define INSTANCES	2

struct win_env {
	struct fake_bus *fb;
	ECHO_VSP vsp[INSTANCES];
	VMBCHANNEL ch;			/* of a test's own */
	UINT8 stream[STREAM_MAX];
	ULONG size;			/* of the stream */
};

static const GUID win_type =
	GUID_INIT(0x6b6d636c, 0x7465, 0x7374, 0x8a, 0x51, 0, 0, 0, 0, 0, 2);
static const GUID win_instance =
	GUID_INIT(0x6b6d636c, 0x7465, 0x7374, 0x8a, 0x51, 0, 0, 0, 0, 0, 3);

#define win_until(test, condition) \
do { \
	unsigned long win_end = jiffies + TIMEOUT; \
	while (!(condition) && time_before(jiffies, win_end)) \
		schedule_timeout_uninterruptible(1); \
	KUNIT_ASSERT_TRUE_MSG(test, condition, "%s never came", #condition); \
} while (0)

/* Statuses are told apart as what they are printed as. */
#define win_expect(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))
#define win_assert(test, call, status) \
	KUNIT_ASSERT_EQ(test, (u32)(call), (u32)(status))

static int win_init(struct kunit *test)
{
	struct win_env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);

	if (!env)
		return -ENOMEM;
	env->fb = fake_bus_create(test, "fake", FAKE_CAPS_ALL);
	test->priv = env;
	return 0;
}

static void win_exit(struct kunit *test)
{
	struct win_env *env = test->priv;
	unsigned int i;

	if (!env)
		return;
	for (i = 0; i < INSTANCES; i++)
		EchoDestroy(&env->vsp[i]);
	if (env->ch) {
		VmbChannelDisable(env->ch);
		VmbChannelCleanup(env->ch);
	}
	fake_bus_destroy(env->fb);
}

static VOID win_process(VMBCHANNEL ch, VMBPACKETCOMPLETION pkt, PVOID buffer, UINT32 length,
			UINT32 flags)
{
	VmbChannelPacketComplete(pkt, NULL, 0);
}

/* A channel without callbacks, Disabled */
static VMBCHANNEL win_channel(struct kunit *test, BOOLEAN server)
{
	struct win_env *env = test->priv;

	win_assert(test, VmbChannelAllocate(NULL, server, &env->ch), STATUS_SUCCESS);
	return env->ch;
}

/* A client that ran is disabled; it waits for its open. */
static struct fake_link *win_client_enable(struct kunit *test,
					   PFN_VMB_CHANNEL_PNP_FAILURE failure)
{
	VMBCHANNEL ch = win_channel(test, FALSE);
	struct win_env *env = test->priv;

	/* Windows has one bus for clients, this library several. */
	KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_bus(ch, env->fb->bus), 0);
	win_assert(test, VmbClientChannelInitSetTargetPnp(ch, &win_type, &win_instance, failure),
		   STATUS_SUCCESS);
	win_assert(test, VmbChannelInitSetProcessPacketCallbacks(ch, win_process, NULL),
		   STATUS_SUCCESS);
	win_assert(test, VmbChannelEnable(ch), STATUS_SUCCESS);
	return fake_link_of(env->fb, ch);
}

static struct fake_link *win_client_running(struct kunit *test)
{
	struct fake_link *link = win_client_enable(test, NULL);

	fake_open(link);
	win_until(test, READ_ONCE(link->channel->running));
	return link;
}

/* The VSP, enabled; not started yet */
static struct fake_link *win_vsp_enable(struct kunit *test, PECHO_VSP vsp)
{
	struct win_env *env = test->priv;

	if (!vsp->Channel)
		win_assert(test, EchoCreate(vsp, env->fb->bus, win_type, win_instance),
			   STATUS_SUCCESS);
	win_assert(test, VmbChannelEnable(vsp->Channel), STATUS_SUCCESS);
	return fake_link_of(env->fb, vsp->Channel);
}

static struct fake_link *win_vsp_run(struct kunit *test, PECHO_VSP vsp)
{
	struct fake_link *link = win_vsp_enable(test, vsp);

	VmbChannelStart(vsp->Channel);
	fake_open(link);
	win_until(test, READ_ONCE(vsp->PostStarted));
	return link;
}

/* Did it end? What is written of it can be read then. */
static BOOLEAN win_done(PECHO_QUESTION question)
{
	/* Pairs with the completion routines. */
	return smp_load_acquire(&question->Done);
}

/* What the channel published next */
static struct fake_packet *win_take(struct kunit *test, struct fake_link *link)
{
	struct fake_packet *p = NULL;

	wait_event_timeout(link->bus->wait, (p = fake_take(link)), TIMEOUT);
	KUNIT_ASSERT_NOT_NULL_MSG(test, p, "nothing was published");
	kunit_add_action_or_reset(test, (kunit_action_t *)kfree, p);
	return p;
}

/* Statuses */

static void win_status_both_ways(struct kunit *test)
{
	static const struct {
		int error;
		NTSTATUS status;
	} same[] = {
		{ 0, STATUS_SUCCESS },
		{ -EINPROGRESS, STATUS_PENDING },
		{ -EINVAL, STATUS_INVALID_PARAMETER },
		{ -EBUSY, STATUS_INVALID_PARAMETER_1 },
		{ -ENOBUFS, STATUS_BUFFER_TOO_SMALL },
		{ -EOVERFLOW, STATUS_BUFFER_OVERFLOW },
		{ -EAGAIN, STATUS_MORE_PROCESSING_REQUIRED },
		{ -ECANCELED, STATUS_CANCELLED },
		{ -ENODEV, STATUS_DEVICE_REMOVED },
		{ -ENOMEM, STATUS_INSUFFICIENT_RESOURCES },
		{ -ETIMEDOUT, STATUS_TIMEOUT },
		{ -EOPNOTSUPP, STATUS_NOT_SUPPORTED },
		{ -EIO, STATUS_UNSUCCESSFUL },
		{ -ESTALE, STATUS_HANDLE_NO_LONGER_VALID },
		{ -ESHUTDOWN, STATUS_DEVICE_NOT_READY },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(same); i++) {
		win_expect(test, nt_status(same[i].error), same[i].status);
		KUNIT_EXPECT_EQ(test, nt_errno(same[i].status), same[i].error);
	}
	KUNIT_EXPECT_EQ(test, nt_errno(STATUS_INVALID_PARAMETER_2), -EINVAL);
	KUNIT_EXPECT_EQ(test, nt_errno(STATUS_INVALID_PARAMETER_3), -EINVAL);
	win_expect(test, nt_status(-ENOSPC), STATUS_INSUFFICIENT_RESOURCES);
	/* Without a name on the other side */
	win_expect(test, nt_status(-EXDEV), STATUS_UNSUCCESSFUL);
	KUNIT_EXPECT_EQ(test, nt_errno((NTSTATUS)0xc0001234), -EIO);
	KUNIT_EXPECT_EQ(test, nt_errno((NTSTATUS)0x40000000), 0);
}

/* Their numbers are Windows', which the sources of VSPs print and compare. */
static void win_status_numbers(struct kunit *test)
{
	win_expect(test, STATUS_PENDING, 0x103);
	win_expect(test, STATUS_BUFFER_OVERFLOW, 0x80000005);
	win_expect(test, STATUS_BUFFER_TOO_SMALL, 0xc0000023);
	win_expect(test, STATUS_MORE_PROCESSING_REQUIRED, 0xc0000016);
	win_expect(test, STATUS_CANCELLED, 0xc0000120);
	win_expect(test, STATUS_DEVICE_REMOVED, 0xc00002b6);
	win_expect(test, STATUS_INVALID_PARAMETER, 0xc000000d);
	win_expect(test, STATUS_INVALID_PARAMETER_1, 0xc00000ef);
	win_expect(test, STATUS_INVALID_PARAMETER_2, 0xc00000f0);
	win_expect(test, STATUS_INVALID_PARAMETER_3, 0xc00000f1);
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(STATUS_SUCCESS));
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(STATUS_PENDING));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_BUFFER_OVERFLOW));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_MORE_PROCESSING_REQUIRED));
}

/* Configuration */

static void win_init_set(struct kunit *test)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;
	VMBCHANNEL ch = win_channel(test, TRUE);
	WCHAR long_name[65] = { [0 ... 64] = 'x' };
	UNICODE_STRING name = { .Length = sizeof(long_name), .Buffer = long_name };

	win_expect(test, VmbChannelInitSetFlags(ch, VMBUS_CHANNEL_INIT_FLAG_IS_PIPE),
		   STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetFlags(ch, 0), STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetFlags(ch, 2), STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetClientContextSize(ch, 64), STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetClientContextSize(ch, U32_MAX),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetMaximumPacketSize(ch, 256), STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetMaximumPacketSize(ch, 0), STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetMaximumPacketCount(ch, 16), STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetMaximumPacketCount(ch, 0), STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetMaximumExternalData(ch, 4096, 4), STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetMaximumExternalData(ch, 0, 4),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetMaximumExternalData(ch, 4096, 0),
		   STATUS_INVALID_PARAMETER_3);
	win_expect(test, VmbChannelInitSetProcessPacketCallbacks(ch, win_process, NULL),
		   STATUS_SUCCESS);
	win_expect(test, VmbChannelInitSetProcessPacketCallbacks(ch, NULL, NULL),
		   STATUS_INVALID_PARAMETER_2);

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	win_expect(test, VmbChannelInitSetStateChangeCallbacks(ch, &cb), STATUS_SUCCESS);
	cb.Version++;
	win_expect(test, VmbChannelInitSetStateChangeCallbacks(ch, &cb),
		   STATUS_INVALID_PARAMETER_2);
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	cb.Size--;
	win_expect(test, VmbChannelInitSetStateChangeCallbacks(ch, &cb),
		   STATUS_INVALID_PARAMETER_2);

	win_expect(test, VmbChannelInitSetFriendlyName(ch, &name), STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelInitSetFriendlyName(ch, NULL), STATUS_INVALID_PARAMETER_2);
	long_name[1] = 0x20ac;
	name.Length = 3 * sizeof(WCHAR);
	win_expect(test, VmbChannelInitSetFriendlyName(ch, &name), STATUS_SUCCESS);
	KUNIT_EXPECT_STREQ(test, vmb_channel_get_friendly_name(ch), "x?x");
}

static void win_init_set_server(struct kunit *test)
{
	VMBCHANNEL ch = win_channel(test, TRUE);
	struct win_env *env = test->priv;
	GUID none = {};

	win_expect(test, VmbServerChannelInitSetFlags
		   (ch, VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER), STATUS_SUCCESS);
	win_expect(test, VmbServerChannelInitSetFlags(ch, 0x20), STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbServerChannelInitSetTargetInterfaceId(ch, win_type, win_instance),
		   STATUS_SUCCESS);
	win_expect(test, VmbServerChannelInitSetTargetInterfaceId(ch, none, win_instance),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbServerChannelInitSetTargetInterfaceId(ch, win_type, none),
		   STATUS_INVALID_PARAMETER_3);
	win_expect(test, VmbServerChannelInitSetVmbusHandle(ch, env->fb->bus), STATUS_SUCCESS);
	win_expect(test, VmbServerChannelInitSetVmbusHandle(ch, NULL),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbServerChannelInitSetMmioMegabytes(ch, 0, 1), STATUS_SUCCESS);
	win_expect(test, VmbServerChannelInitSetMmioMegabytes(ch, 0, 0),
		   STATUS_INVALID_PARAMETER);
	win_expect(test, VmbServerChannelInitSetTargetVtl(ch, 0), STATUS_SUCCESS);
	win_expect(test, VmbServerChannelInitSetTargetVtl(ch, 3), STATUS_INVALID_PARAMETER_2);
	/* What is the client's alone */
	win_expect(test, VmbClientChannelInitSetTargetPnp(ch, &win_type, NULL, NULL),
		   STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbClientChannelInitSetRingBufferPageCount(ch, 4, 4),
		   STATUS_INVALID_PARAMETER_1);
}

/* What is set of an offer, all refused with @status */
static void win_expect_server_init(struct kunit *test, VMBCHANNEL ch, NTSTATUS status)
{
	struct win_env *env = test->priv;

	win_expect(test, VmbServerChannelInitSetFlags(ch, 0), status);
	win_expect(test, VmbServerChannelInitSetTargetInterfaceId(ch, win_type, win_instance),
		   status);
	win_expect(test, VmbServerChannelInitSetVmbusHandle(ch, env->fb->bus), status);
	win_expect(test, VmbServerChannelInitSetMmioMegabytes(ch, 1, 1), status);
	win_expect(test, VmbServerChannelInitSetTargetVtl(ch, 0), status);
}

/* What a server has and a client does not says so, and changes nothing. */
static void win_server_only(struct kunit *test)
{
	struct fake_link *link = win_client_running(test);
	VMBCHANNEL ch = link->channel;
	VMBPACKET pkt = VmbPacketAllocate(ch);
	ULONG filled, required;
	UINT8 buffer[64];
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	win_expect(test, VmbChannelSaveBegin(ch), STATUS_INVALID_PARAMETER);
	win_expect(test, VmbChannelSaveContinue(ch, buffer, sizeof(buffer), &filled, &required),
		   STATUS_INVALID_PARAMETER);
	win_expect(test, VmbChannelRestoreFromBuffer(ch, buffer, sizeof(buffer)),
		   STATUS_INVALID_PARAMETER);
	win_expect(test, VmbPacketRestore(pkt, buffer, sizeof(buffer)), STATUS_INVALID_PARAMETER);
	win_expect(test, VmbChannelMapGpadl(ch, 0, 1, &mdl), STATUS_INVALID_PARAMETER);
	VmbPacketFree(pkt);
	VmbChannelDisable(ch);
	win_expect(test, VmbServerChannelInitSetSaveRestorePacketCallbacks(ch, NULL, NULL),
		   STATUS_INVALID_PARAMETER);
	win_expect_server_init(test, ch, STATUS_INVALID_PARAMETER);
	/* What is its own */
	win_expect(test, VmbClientChannelInitSetRingBufferPageCount(ch, 4, 4), STATUS_SUCCESS);
	win_expect(test, VmbClientChannelInitSetRingBufferPageCount(ch, 0, 4),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbClientChannelInitSetRingBufferPageCount(ch, 4, 0),
		   STATUS_INVALID_PARAMETER_3);
	win_expect(test, VmbClientChannelInitSetTargetPnp(ch, NULL, NULL, NULL),
		   STATUS_INVALID_PARAMETER_2);
}

/* Init functions are for a Disabled channel, and for one of this layer. */
static void win_wrong_state(struct kunit *test)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;
	DECLARE_CONST_UNICODE_STRING(name, L"late");
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	VMBCHANNEL ch, native;
	VMBPACKET pkt;

	win_vsp_run(test, vsp);
	ch = vsp->Channel;
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	win_expect(test, VmbChannelInitSetFlags(ch, 0), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetClientContextSize(ch, 8), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetFriendlyName(ch, &name), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetMaximumPacketSize(ch, 8), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetMaximumPacketCount(ch, 8), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetMaximumExternalData(ch, 8, 1),
		   STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetProcessPacketCallbacks(ch, win_process, NULL),
		   STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelInitSetStateChangeCallbacks(ch, &cb),
		   STATUS_INVALID_PARAMETER_1);
	win_expect_server_init(test, ch, STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelEnable(ch), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelRestoreFromBuffer(ch, env->stream, 8),
		   STATUS_INVALID_PARAMETER_1);
	/* What was refused took no effect: Opened is still the VSP's. */
	fake_close(fake_link_of(env->fb, ch), VMB_STOP_PEER_CLOSED);
	win_until(test, READ_ONCE(vsp->Closed));
	fake_open(fake_link_of(env->fb, ch));
	win_until(test, READ_ONCE(vsp->Opened) == 2);

	win_expect(test, VmbChannelAllocate(NULL, TRUE, NULL), STATUS_INVALID_PARAMETER_3);
	win_expect(test, VmbChannelInitSetFlags(NULL, 0), STATUS_INVALID_PARAMETER_1);
	KUNIT_ASSERT_EQ(test, vmb_channel_allocate(NULL, true, &native), 0);
	win_expect(test, VmbChannelInitSetFlags(native, 0), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelEnable(native), STATUS_INVALID_PARAMETER_1);
	pkt = VmbPacketAllocate(native);
	KUNIT_EXPECT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, vmb_channel_cleanup(native), 0);
}

/* Life */

static void win_echo(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link = win_vsp_run(test, vsp);
	struct fake_packet *p;
	GUID instance;

	KUNIT_EXPECT_EQ(test, vsp->Opened, 1);
	KUNIT_EXPECT_EQ(test, vsp->Started, 1);
	KUNIT_EXPECT_STREQ(test, vmb_channel_get_friendly_name(vsp->Channel), "Echo");
	VmbChannelGetInterfaceInstance(vsp->Channel, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &win_instance));
	KUNIT_EXPECT_EQ(test, fake_put(link, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, 7,
				       NULL, 0, "question", 8), 0);
	p = win_take(test, link);
	KUNIT_EXPECT_EQ(test, p->type, KMCL_PACKET_COMPLETION);
	KUNIT_EXPECT_EQ(test, p->id, 7);
	KUNIT_EXPECT_EQ(test, p->payload_len, 8);
	KUNIT_EXPECT_MEMEQ(test, p->data, "question", 8);
	win_until(test, READ_ONCE(vsp->Batches));
	VmbChannelDisable(vsp->Channel);
	KUNIT_EXPECT_EQ(test, vsp->Suspended, 1);
	KUNIT_EXPECT_EQ(test, vsp->Closed, 1);
}

/* Pause waits for what is held, which Suspend ends. */
static void win_pause_drains(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link = win_vsp_run(test, vsp);

	vsp->Hold = TRUE;
	KUNIT_EXPECT_EQ(test, fake_put(link, KMCL_PACKET_INBAND, KMCL_PACKET_WANTS_COMPLETION, 7,
				       NULL, 0, "question", 8), 0);
	win_until(test, READ_ONCE(vsp->Held));
	VmbChannelPause(vsp->Channel);
	KUNIT_EXPECT_EQ(test, vsp->Suspended, 1);
	KUNIT_EXPECT_EQ(test, vsp->Closed, 0);
	KUNIT_EXPECT_EQ(test, win_take(test, link)->id, 7);
	win_expect(test, EchoAsk(vsp, 0, 1, WAIT), STATUS_DEVICE_NOT_READY);
}

/* A failure of Opened is a failure, a success of any kind is none. */
static void win_opened_status(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link;

	vsp->OpenStatus = STATUS_INSUFFICIENT_RESOURCES;
	link = win_vsp_enable(test, vsp);
	VmbChannelStart(vsp->Channel);
	fake_open(link);
	win_until(test, READ_ONCE(link->nr_open_done));
	KUNIT_EXPECT_EQ(test, link->open_status, -ENOMEM);
	VmbChannelDisable(vsp->Channel);
	KUNIT_EXPECT_EQ(test, vsp->Closed, 0);

	vsp->OpenStatus = STATUS_PENDING;
	win_vsp_run(test, vsp);
	KUNIT_EXPECT_EQ(test, vsp->Opened, 2);
}

static NTSTATUS win_failed_with;

static VOID win_pnp_failure(VMBCHANNEL ch, NTSTATUS status)
{
	WRITE_ONCE(win_failed_with, status);
}

static void win_client_pnp_failure(struct kunit *test)
{
	struct fake_link *link;

	win_failed_with = STATUS_SUCCESS;
	link = win_client_enable(test, win_pnp_failure);
	kmcl_channel_event_open(link->channel, -ENODEV);
	win_until(test, READ_ONCE(win_failed_with) == STATUS_DEVICE_REMOVED);
}

/* Packets */

static void win_packet_done(VMBPACKET pkt, NTSTATUS status, PVOID buffer, UINT32 length)
{
	PECHO_QUESTION question = VmbPacketGetPointer(pkt);

	question->Status = status;
	/* Read by the test without a lock */
	smp_store_release(&question->Done, TRUE);
}

static void win_packet_initialize(struct kunit *test)
{
	struct win_env *env = test->priv;
	ECHO_QUESTION question = {};
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link;
	VMBPACKET pkt;
	UINT32 size;

	link = win_vsp_run(test, vsp);
	size = VmbChannelSizeofPacket(vsp->Channel);
	KUNIT_ASSERT_GT(test, size, 256 + sizeof(void *));
	pkt = kunit_kzalloc(test, size + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	win_expect(test, VmbPacketInitialize(vsp->Channel, pkt, size - 1),
		   STATUS_INVALID_PARAMETER_3);
	win_expect(test, VmbPacketInitialize(vsp->Channel, (VMBPACKET)((u8 *)pkt + 1), size),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbPacketInitialize(NULL, pkt, size), STATUS_INVALID_PARAMETER_1);
	win_assert(test, VmbPacketInitialize(vsp->Channel, pkt, size), STATUS_SUCCESS);
	/* No routine yet */
	win_expect(test, VmbPacketSend(pkt, "x", 1, NULL, 0), STATUS_INVALID_PARAMETER);
	VmbPacketSetPointer(pkt, &question);
	VmbPacketSetCompletionRoutine(pkt, win_packet_done);
	KUNIT_EXPECT_PTR_EQ(test, VmbPacketGetChannel(pkt), vsp->Channel);
	win_expect(test, VmbPacketSend(pkt, "x", 1, NULL, 0), STATUS_SUCCESS);
	win_until(test, win_done(&question));
	win_expect(test, question.Status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, win_take(test, link)->type, KMCL_PACKET_INBAND);
	KUNIT_EXPECT_EQ(test, vmb_packet_uninitialize(pkt), 0);
}

static void win_send_statuses(struct kunit *test)
{
	static UINT8 big[512];
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link = win_vsp_run(test, vsp);
	struct fake_packet *p;
	VMBPACKET pkt;

	win_assert(test, EchoAsk(vsp, 0, 0x11, WAIT), STATUS_SUCCESS);
	p = win_take(test, link);
	KUNIT_EXPECT_EQ(test, fake_put(link, KMCL_PACKET_COMPLETION, 0, p->id, NULL, 0,
				       "an answer", 9), 0);
	win_until(test, win_done(&vsp->Questions[0]));
	win_expect(test, vsp->Questions[0].Status, STATUS_SUCCESS);
	KUNIT_EXPECT_MEMEQ(test, vsp->Questions[0].Answer, "an answer", 9);

	pkt = VmbPacketAllocate(vsp->Channel);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	win_expect(test, VmbPacketSend(pkt, big, sizeof(big), NULL, 0),
		   STATUS_INVALID_BUFFER_SIZE);
	win_expect(test, VmbPacketSend(pkt, big, 8, NULL, 0x80), STATUS_INVALID_PARAMETER);
	VmbPacketFree(pkt);

	/* The link ends: every packet of the library's ends with it. */
	win_assert(test, EchoAsk(vsp, 1, 0x12, WAIT), STATUS_SUCCESS);
	fake_close(link, VMB_STOP_PEER_CLOSED);
	win_until(test, win_done(&vsp->Questions[1]));
	win_expect(test, vsp->Questions[1].Status, STATUS_DEVICE_REMOVED);
	win_until(test, READ_ONCE(vsp->Closed));
	win_expect(test, EchoAsk(vsp, 2, 0x13, WAIT), STATUS_DEVICE_REMOVED);
}

static NTSTATUS win_sync(VMBCHANNEL ch, UINT32 flags, LONGLONG timeout, PUINT32 size)
{
	LARGE_INTEGER due = { .QuadPart = timeout };
	UINT8 answer[16];

	return VmbChannelSendSynchronousRequest(ch, "question", 8, NULL, flags,
						size ? answer : NULL, size, &due);
}

static void win_sync_statuses(struct kunit *test)
{
	struct fake_link *link = win_client_running(test);
	VMBCHANNEL ch = link->channel;
	UINT32 size = 12;

	win_expect(test, win_sync(ch, WAIT, 0, &size), STATUS_INVALID_PARAMETER);
	fake_set_room(link, 0);
	win_expect(test, win_sync(ch, 0, 0, NULL), STATUS_BUFFER_OVERFLOW);
	fake_set_room(link, U32_MAX);
	win_expect(test, win_sync(ch, 0, 0, NULL), STATUS_SUCCESS);
	/* Nobody answers: the time is up, from now on, and by the clock, long ago. */
	win_expect(test, win_sync(ch, WAIT, -10000, NULL), STATUS_CANCELLED);
	win_expect(test, win_sync(ch, WAIT, 1, NULL), STATUS_CANCELLED);
	VmbChannelPause(ch);
	win_expect(test, win_sync(ch, WAIT, -10000, NULL), STATUS_DEVICE_REMOVED);
	VmbChannelDisable(ch);
	win_expect(test, win_sync(ch, WAIT, -10000, NULL), STATUS_DEVICE_REMOVED);
}

/* A server must not wait for its client. */
static void win_sync_server(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	struct fake_link *link = win_vsp_run(test, vsp);

	win_expect(test, win_sync(vsp->Channel, WAIT, 0, NULL), STATUS_NOT_SUPPORTED);
	win_expect(test, win_sync(vsp->Channel, 0, -1, NULL), STATUS_NOT_SUPPORTED);
	win_expect(test, VmbChannelSendSynchronousRequest(vsp->Channel, "x", 1, NULL, 0, NULL,
							  NULL, NULL), STATUS_NOT_SUPPORTED);
	win_expect(test, win_sync(vsp->Channel, 0, 0, NULL), STATUS_SUCCESS);
	fake_set_room(link, 0);
	win_expect(test, win_sync(vsp->Channel, 0, 0, NULL), STATUS_BUFFER_OVERFLOW);
}

/* Saving and restoring */

/* One chunk at a time, each asked for first, as a Windows source does it. */
static NTSTATUS win_save(struct kunit *test, PECHO_VSP vsp)
{
	struct win_env *env = test->priv;
	ULONG filled, required;
	NTSTATUS status;

	env->size = 0;
	status = VmbChannelSaveBegin(vsp->Channel);
	if (!NT_SUCCESS(status))
		return status;
	do {
		status = VmbChannelSaveContinue(vsp->Channel, NULL, 0, &filled, &required);
		if (status != STATUS_BUFFER_TOO_SMALL)
			break;
		KUNIT_EXPECT_EQ(test, filled, 0);
		KUNIT_ASSERT_LE(test, env->size + required, STREAM_MAX);
		/* One byte less is too small, that many make progress. */
		win_expect(test, VmbChannelSaveContinue(vsp->Channel, env->stream + env->size,
							required - 1, &filled, &required),
			   STATUS_BUFFER_TOO_SMALL);
		status = VmbChannelSaveContinue(vsp->Channel, env->stream + env->size, required,
						&filled, &required);
		env->size += filled;
	} while (status == STATUS_BUFFER_OVERFLOW);
	VmbChannelSaveEnd(vsp->Channel);
	return status;
}

static NTSTATUS win_restore(struct kunit *test, PECHO_VSP vsp, ULONG more)
{
	struct win_env *env = test->priv;
	const struct kmcl_chunk *chunk;
	NTSTATUS status = STATUS_SUCCESS;
	ULONG at = 0, size;

	while (at < env->size) {
		chunk = (const struct kmcl_chunk *)(env->stream + at);
		size = sizeof(*chunk) + ALIGN(le32_to_cpu(chunk->length), 8);
		status = VmbChannelRestoreFromBuffer(vsp->Channel, env->stream + at, size);
		at += size;
		if (status != STATUS_MORE_PROCESSING_REQUIRED)
			break;
	}
	KUNIT_EXPECT_EQ(test, env->size - at, more);
	return status;
}

/* Two questions: one sent, one queued behind it; paused */
static struct fake_link *win_saved_vsp(struct kunit *test, PECHO_VSP vsp)
{
	struct fake_link *link = win_vsp_run(test, vsp);

	win_assert(test, EchoAsk(vsp, 0, 0x21, WAIT), STATUS_SUCCESS);
	win_take(test, link);
	fake_set_room(link, 0);
	win_assert(test, EchoAsk(vsp, 1, 0x22, WAIT), STATUS_SUCCESS);
	VmbChannelPause(vsp->Channel);
	return link;
}

static void win_save_restore(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP old = &env->vsp[0], new = &env->vsp[1];
	struct fake_packet *sent;
	struct fake_link *link;

	win_saved_vsp(test, old);
	KUNIT_EXPECT_EQ(test, old->SaveCalls, 0);
	win_assert(test, win_save(test, old), STATUS_SUCCESS);
	/* First without a buffer, then with as many bytes as were asked for; once each. */
	KUNIT_EXPECT_EQ(test, old->SaveCalls, 4);
	KUNIT_EXPECT_EQ(test, old->LastSaveSize, sizeof(ECHO_SAVED));
	/* A save changes nothing. */
	KUNIT_EXPECT_FALSE(test, old->Questions[0].Done);
	EchoDestroy(old);
	win_expect(test, old->Questions[0].Status, STATUS_DEVICE_REMOVED);

	win_assert(test, EchoCreate(new, env->fb->bus, win_type, win_instance), STATUS_SUCCESS);
	win_assert(test, win_restore(test, new, 0), STATUS_SUCCESS);
	win_expect(test, new->PacketRestoreStatus, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, new->Questions[0].Restored);
	KUNIT_EXPECT_EQ(test, new->Questions[0].Tag, 0x21);
	KUNIT_EXPECT_EQ(test, new->Questions[1].Tag, 0x22);
	/* It locked the configuration. */
	win_expect(test, VmbChannelInitSetMaximumPacketSize(new->Channel, 8),
		   STATUS_INVALID_PARAMETER_1);

	env->fb->adopt = VMB_LINK_KEPT;
	link = win_vsp_enable(test, new);
	win_until(test, READ_ONCE(new->Opened));
	VmbChannelStart(new->Channel);
	/* What was queued goes out, what was sent waits for its answer. */
	sent = win_take(test, link);
	KUNIT_EXPECT_EQ(test, *(u32 *)sent->data, 0x22);
	KUNIT_EXPECT_EQ(test, fake_put(link, KMCL_PACKET_COMPLETION, 0, sent->id, NULL, 0,
				       "to 22", 5), 0);
	win_until(test, win_done(&new->Questions[1]));
	win_expect(test, new->Questions[1].Status, STATUS_SUCCESS);
	KUNIT_EXPECT_MEMEQ(test, new->Questions[1].Answer, "to 22", 5);
	KUNIT_EXPECT_FALSE(test, new->Questions[0].Done);
}

/* As sources of Windows do that enable first: the link is a new one. */
static void win_restore_enabled(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP old = &env->vsp[0], new = &env->vsp[1];

	win_saved_vsp(test, old);
	win_assert(test, win_save(test, old), STATUS_SUCCESS);
	EchoDestroy(old);
	win_assert(test, EchoCreate(new, env->fb->bus, win_type, win_instance), STATUS_SUCCESS);
	VmbChannelPause(new->Channel);
	win_vsp_enable(test, new);
	win_expect(test, win_restore(test, new, 0), STATUS_SUCCESS);
	VmbChannelStart(new->Channel);
	win_until(test, win_done(&new->Questions[0]));
	win_expect(test, new->Questions[0].Status, STATUS_CANCELLED);
}

static void win_save_wrong_state(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];
	ULONG filled, required;

	win_vsp_run(test, vsp);
	win_expect(test, VmbChannelSaveBegin(vsp->Channel), STATUS_INVALID_PARAMETER_1);
	win_expect(test, VmbChannelSaveContinue(vsp->Channel, NULL, 0, &filled, &required),
		   STATUS_INVALID_PARAMETER);
	VmbChannelPause(vsp->Channel);
	win_expect(test, VmbChannelSaveBegin(vsp->Channel), STATUS_SUCCESS);
	win_expect(test, VmbChannelSaveBegin(vsp->Channel), STATUS_INVALID_PARAMETER_1);
	win_expect(test, EchoAsk(vsp, 0, 1, WAIT), STATUS_DEVICE_NOT_READY);
	VmbChannelSaveEnd(vsp->Channel);
	VmbChannelStart(vsp->Channel);
	win_until(test, READ_ONCE(vsp->PostStarted) == 2);
	win_expect(test, EchoAsk(vsp, 0, 1, WAIT), STATUS_SUCCESS);
}

/* A failure that names no size is one; those of the library are not to be taken for it. */
static void win_save_callback_fails(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP vsp = &env->vsp[0];

	win_saved_vsp(test, vsp);
	vsp->SaveStatus = STATUS_INSUFFICIENT_RESOURCES;
	win_expect(test, win_save(test, vsp), STATUS_INSUFFICIENT_RESOURCES);
	vsp->SaveStatus = STATUS_BUFFER_OVERFLOW;
	win_expect(test, win_save(test, vsp), STATUS_UNSUCCESSFUL);
	vsp->SaveStatus = STATUS_BUFFER_TOO_SMALL;
	win_expect(test, win_save(test, vsp), STATUS_UNSUCCESSFUL);
	vsp->SaveStatus = STATUS_SUCCESS;
	vsp->SaveAgainStatus = STATUS_DEVICE_REMOVED;
	win_expect(test, win_save(test, vsp), STATUS_DEVICE_REMOVED);
	vsp->SaveAgainStatus = STATUS_SUCCESS;
	win_expect(test, win_save(test, vsp), STATUS_SUCCESS);
}

static void win_restore_fails(struct kunit *test)
{
	struct win_env *env = test->priv;
	PECHO_VSP old = &env->vsp[0], new = &env->vsp[1];

	win_saved_vsp(test, old);
	win_assert(test, win_save(test, old), STATUS_SUCCESS);
	EchoDestroy(old);
	win_assert(test, EchoCreate(new, env->fb->bus, win_type, win_instance), STATUS_SUCCESS);
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, NULL, 8),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, env->stream, 7),
		   STATUS_DATA_ERROR);
	new->RestoreStatus = STATUS_INSUFFICIENT_RESOURCES;
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, env->stream, env->size),
		   STATUS_INSUFFICIENT_RESOURCES);
	/* Not "give me the next" */
	new->RestoreStatus = STATUS_MORE_PROCESSING_REQUIRED;
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, env->stream, env->size),
		   STATUS_UNSUCCESSFUL);
	new->RestoreStatus = STATUS_SUCCESS;
	env->stream[env->size / 2] ^= 1;
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, env->stream, env->size),
		   STATUS_DATA_ERROR);
	env->stream[env->size / 2] ^= 1;
	win_expect(test, VmbChannelRestoreFromBuffer(new->Channel, env->stream, env->size),
		   STATUS_SUCCESS);
}

/* Tables */

static void win_tables(struct kunit *test)
{
	KMCL_SERVER_INTERFACE_V1 server;
	KMCL_CLIENT_INTERFACE_V1 client;
	PINTERFACE to = (PINTERFACE)&server;
	struct win_env *env = test->priv;
	void **member;

	win_expect(test, WdfFdoQueryForInterface(NULL, &win_type, to, sizeof(server), 1, NULL),
		   STATUS_NOT_SUPPORTED);
	win_expect(test, WdfFdoQueryForInterface(NULL, &KMCL_SERVER_INTERFACE_TYPE, to,
						 sizeof(server) - 1, 1, NULL),
		   STATUS_INVALID_PARAMETER);
	win_expect(test, WdfFdoQueryForInterface(NULL, &KMCL_SERVER_INTERFACE_TYPE, to,
						 sizeof(server), 2, NULL),
		   STATUS_INVALID_PARAMETER);
	win_assert(test, WdfFdoQueryForInterface(NULL, &KMCL_SERVER_INTERFACE_TYPE, to,
						 sizeof(server),
						 KMCL_SERVER_INTERFACE_VERSION_V1, NULL),
		   STATUS_SUCCESS);
	win_assert(test, WdfFdoQueryForInterface(NULL, &KMCL_CLIENT_INTERFACE_TYPE,
						 (PINTERFACE)&client, sizeof(client),
						 KMCL_CLIENT_INTERFACE_VERSION_V1, NULL),
		   STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, client.Size, sizeof(client));
	KUNIT_EXPECT_EQ(test, client.Version, 1);
	KUNIT_EXPECT_PTR_EQ(test, client.VmbPacketSend, server.VmbPacketSend);
	for (member = (void **)&server.VmbChannelAllocate; member < (void **)(&server + 1);
	     member++)
		KUNIT_EXPECT_NOT_NULL(test, *member);
	if (IS_ENABLED(CONFIG_64BIT)) {
		KUNIT_EXPECT_EQ(test, sizeof(client), 0x168);
		KUNIT_EXPECT_EQ(test, sizeof(server), 0x1d8);
	}
	win_expect(test, server.VmbChannelAllocate(NULL, TRUE, &env->ch), STATUS_SUCCESS);
	win_expect(test, server.VmbServerChannelInitSetTargetVtl(env->ch, 3),
		   STATUS_INVALID_PARAMETER_2);
	client.InterfaceDereference(client.Context);
	server.InterfaceDereference(server.Context);
}

static void win_convert_handle(struct kunit *test)
{
	HANDLE kernel = NULL;

	win_expect(test, VmbConvertVmbusHandleToKernelHandle((HANDLE)3L, NULL),
		   STATUS_INVALID_PARAMETER_2);
	win_expect(test, VmbConvertVmbusHandleToKernelHandle((HANDLE)3L, &kernel),
		   STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_NULL(test, kernel);
}

static struct kunit_case win_cases[] = {
	KUNIT_CASE(win_status_both_ways),
	KUNIT_CASE(win_status_numbers),
	KUNIT_CASE(win_init_set),
	KUNIT_CASE(win_init_set_server),
	KUNIT_CASE(win_server_only),
	KUNIT_CASE(win_wrong_state),
	KUNIT_CASE(win_echo),
	KUNIT_CASE(win_pause_drains),
	KUNIT_CASE(win_opened_status),
	KUNIT_CASE(win_client_pnp_failure),
	KUNIT_CASE(win_packet_initialize),
	KUNIT_CASE(win_send_statuses),
	KUNIT_CASE(win_sync_statuses),
	KUNIT_CASE(win_sync_server),
	KUNIT_CASE(win_save_restore),
	KUNIT_CASE(win_restore_enabled),
	KUNIT_CASE(win_save_wrong_state),
	KUNIT_CASE(win_save_callback_fails),
	KUNIT_CASE(win_restore_fails),
	KUNIT_CASE(win_tables),
	KUNIT_CASE(win_convert_handle),
	{}
};

static struct kunit_suite win_suite = {
	.name = "kmcl_windows",
	.init = win_init,
	.exit = win_exit,
	.test_cases = win_cases,
};

kunit_test_suite(win_suite);
