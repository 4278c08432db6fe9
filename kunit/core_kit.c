// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of the core share, whatever bus their channels are on.
 *
 * core_chan.lock protects the log; callbacks write it in any context.
 */
#include <linux/slab.h>
#include <linux/uuid.h>

#include "core_test.h"

const guid_t core_type = GUID_INIT(0x6b6d636c, 0x7465, 0x7374, 0x8a, 0x51, 0, 0, 0, 0, 0, 1);

static void core_note(struct core_chan *c, enum core_event event, void *object, int status,
		      void *buffer, u32 length, u32 flags)
{
	static const char letters[CORE_NR_EVENTS] = {
		[CORE_OPENED] = 'O', [CORE_STARTED] = 'R', [CORE_POST_STARTED] = 'P',
		[CORE_SUSPEND] = 'S', [CORE_CLOSED] = 'C', [CORE_PNP_FAILURE] = 'F',
	};
	struct core_record *r;
	unsigned long irq;

	spin_lock_irqsave(&c->lock, irq);
	if (c->nr < CORE_LOG_MAX) {
		r = &c->log[c->nr++];
		r->event = event;
		r->object = object;
		r->buffer = buffer;
		r->status = status;
		r->length = length;
		r->flags = flags;
		r->in_task = in_task();
		if (buffer)
			memcpy(r->data, buffer, min_t(u32, length, CORE_DATA_MAX));
	}
	if (letters[event] && c->nr_life < CORE_LIFE_MAX - 1)
		c->life[c->nr_life++] = letters[event];
	c->counts[event]++;
	spin_unlock_irqrestore(&c->lock, irq);
	wake_up_all(&c->wait);
}

static int core_opened(struct vmb_channel *ch)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_OPENED, NULL, 0, NULL, 0, 0);
	if (c->on_opened)
		c->on_opened(c);
	return c->opened_ret;
}

static void core_closed(struct vmb_channel *ch)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_CLOSED, NULL, 0, NULL, 0, 0);
	if (c->on_closed)
		c->on_closed(c);
}

static void core_suspend(struct vmb_channel *ch)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_SUSPEND, NULL, 0, NULL, 0, 0);
	if (c->on_suspend)
		c->on_suspend(c);
}

static void core_started(struct vmb_channel *ch)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_STARTED, NULL, 0, NULL, 0, 0);
	if (c->on_started)
		c->on_started(c);
}

static void core_post_started(struct vmb_channel *ch)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_POST_STARTED, NULL, 0, NULL, 0, 0);
	if (c->on_post_started)
		c->on_post_started(c);
	core_note(c, CORE_POST_STARTED_END, NULL, 0, NULL, 0, 0);
}

static void core_pnp_failure(struct vmb_channel *ch, int status)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_PNP_FAILURE, NULL, status, NULL, 0, 0);
	if (c->on_pnp_failure)
		c->on_pnp_failure(c, status);
}

static void core_process(struct vmb_channel *ch, struct vmb_packet_completion *pkt,
			 void *buffer, u32 length, u32 flags)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);
	/* Once it is noted, the test may complete it, and go on to its end. */
	bool complete = c->complete_inline && !c->on_packet;

	core_note(c, CORE_PACKET, pkt, 0, buffer, length, flags);
	if (complete)
		vmb_channel_packet_complete(pkt, NULL, 0);
	else if (c->on_packet)
		c->on_packet(c, pkt, buffer, length, flags);
}

static void core_processing_complete(struct vmb_channel *ch, u32 packets)
{
	struct core_chan *c = vmb_channel_get_pointer(ch);

	core_note(c, CORE_BATCH, NULL, 0, NULL, packets, 0);
	if (c->on_batch)
		c->on_batch(c, packets);
}

/* Completion routine of core_packet()'s packets */
void core_done(struct vmb_packet *pkt, int status, void *buffer, u32 length)
{
	struct core_chan *c = vmb_channel_get_pointer(vmb_packet_get_channel(pkt));

	core_note(c, CORE_DONE, pkt, status, buffer, length, 0);
	if (c->on_done)
		c->on_done(c, pkt, status, buffer, length);
}

struct core_env *core_env_make(struct kunit *test)
{
	struct core_env *env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);

	if (!env)
		return NULL;
	env->test = test;
	INIT_LIST_HEAD(&env->chans);
	INIT_LIST_HEAD(&env->taken);
	INIT_LIST_HEAD(&env->threads);
	test->priv = env;
	return env;
}

/* One that the consumer holds, or NULL */
static struct vmb_packet_completion *core_held(struct vmb_channel *ch)
{
	struct vmb_packet_completion *pkt, *ret = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	list_for_each_entry(pkt, &ch->rx_held, node) {
		if (pkt->state == KMCL_RECEIVED_HELD && !(pkt->bits & KMCL_RX_IN_CALLBACK)) {
			ret = pkt;
			break;
		}
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	return ret;
}

static void core_drain_held(struct core_chan *c)
{
	struct vmb_packet_completion *pkt;

	while ((pkt = core_held(c->ch)))
		if (vmb_channel_packet_complete(pkt, NULL, 0))
			break;
}

static void core_chan_stop(struct core_chan *c)
{
	struct core_kthread *t;

	c->on_packet = NULL;
	c->complete_inline = true;
	complete_all(&c->gate);
	core_drain_held(c);
	if (READ_ONCE(c->ch->state) == KMCL_DISABLED && !READ_ONCE(c->ch->want_enabled)) {
		vmb_channel_disable(c->ch);
		return;
	}
	t = core_thread_start(c->test, core_do_disable, c);
	/* A packet may be delivered until Suspend: complete what still comes. */
	while (!core_thread_ended(t)) {
		core_drain_held(c);
		wait_for_completion_timeout(&t->done, 1);
	}
}

/* Disable and clean up, whatever state the channel is in. */
void core_chan_end(struct core_chan *c)
{
	unsigned int i;

	core_chan_stop(c);
	for (i = 0; i < CORE_PACKETS; i++)
		if (c->packets[i])
			vmb_packet_free(c->packets[i]);
	KUNIT_EXPECT_EQ(c->test, vmb_channel_cleanup(c->ch), 0);
	list_del(&c->node);
	kvfree(c->log);
	kfree(c->life);
	kfree(c);
}

static void core_threads_end(struct core_env *env)
{
	struct core_kthread *t, *tmp;

	list_for_each_entry_safe(t, tmp, &env->threads, node) {
		wait_for_completion(&t->done);
		kthread_stop(t->task);
		put_task_struct(t->task);
		list_del(&t->node);
		kfree(t);
	}
}

/* What a test left of threads and channels */
void core_env_end(struct core_env *env)
{
	struct core_chan *c, *tmp;

	list_for_each_entry(c, &env->chans, node)
		core_chan_stop(c);
	/* A thread may have had a channel: it ends first. */
	core_threads_end(env);
	list_for_each_entry_safe(c, tmp, &env->chans, node)
		core_chan_end(c);
	core_threads_end(env);
}

/* One with callbacks, of this instance; NULL: of one of its own. */
struct core_chan *core_chan_make_on(struct kunit *test, bool server, struct vmb_bus *bus,
				    const guid_t *instance)
{
	struct vmb_channel_state_change_callbacks cb;
	struct core_env *env = test->priv;
	struct core_chan *c = kzalloc(sizeof(*c), GFP_KERNEL);
	guid_t own;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->env = env;
	c->test = test;
	spin_lock_init(&c->lock);
	init_waitqueue_head(&c->wait);
	init_completion(&c->gate);
	c->log = kvcalloc(CORE_LOG_MAX, sizeof(*c->log), GFP_KERNEL);
	c->life = kzalloc(CORE_LIFE_MAX, GFP_KERNEL);
	if (!c->log || !c->life || vmb_channel_allocate(NULL, server, &c->ch)) {
		kvfree(c->log);
		kfree(c->life);
		kfree(c);
		KUNIT_FAIL_AND_ABORT(test, "no channel");
	}
	list_add_tail(&c->node, &env->chans);
	vmb_channel_set_pointer(c->ch, c);
	vmb_channel_state_change_callbacks_init(&cb);
	cb.opened = core_opened;
	cb.closed = core_closed;
	cb.suspend = core_suspend;
	cb.started = core_started;
	cb.post_started = core_post_started;
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_state_change_callbacks(c->ch, &cb), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_process_packet_callbacks
			(c->ch, core_process, core_processing_complete), 0);
	if (!instance)
		guid_gen(&own);
	if (server) {
		KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_vmbus_handle(c->ch, bus), 0);
		KUNIT_ASSERT_EQ(test, vmb_server_channel_init_set_target_interface_id
				(c->ch, &core_type, instance ?: &own), 0);
	} else {
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_bus(c->ch, bus), 0);
		KUNIT_ASSERT_EQ(test, vmb_client_channel_init_set_target_pnp
				(c->ch, &core_type, instance ?: &own, core_pnp_failure), 0);
	}
	return c;
}

/* The letters are only ever appended. */
bool core_life_is(struct core_chan *c, const char *life)
{
	unsigned long flags;
	bool ret;

	spin_lock_irqsave(&c->lock, flags);
	ret = !strcmp(c->life, life);
	spin_unlock_irqrestore(&c->lock, flags);
	return ret;
}

bool core_life_reached(struct core_chan *c, const char *life)
{
	return wait_event_timeout(c->wait, core_life_is(c, life), CORE_TIMEOUT);
}

u32 core_count(struct core_chan *c, enum core_event event)
{
	unsigned long flags;
	u32 ret;

	spin_lock_irqsave(&c->lock, flags);
	ret = c->counts[event];
	spin_unlock_irqrestore(&c->lock, flags);
	return ret;
}

bool core_reached(struct core_chan *c, enum core_event event, u32 n)
{
	return wait_event_timeout(c->wait, core_count(c, event) >= n, CORE_TIMEOUT);
}

u32 core_index(struct core_chan *c, enum core_event event, u32 n)
{
	u32 i, ret = U32_MAX;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	for (i = 0; i < c->nr; i++) {
		if (c->log[i].event == event && !n--) {
			ret = i;
			break;
		}
	}
	spin_unlock_irqrestore(&c->lock, flags);
	return ret;
}

struct core_record *core_event(struct core_chan *c, enum core_event event, u32 n)
{
	u32 i = core_index(c, event, n);

	return i == U32_MAX ? NULL : &c->log[i];
}

/* Not tasklet_kill(), which swallows what is scheduled meanwhile. */
static void core_flush_tasklet(struct tasklet_struct *t)
{
	while (test_bit(TASKLET_STATE_SCHED, &t->state)) {
		local_bh_disable();
		local_bh_enable();
		cond_resched();
	}
	tasklet_unlock_wait(t);
}

/*
 * The work that was due is done, and what that made due. Work of the receive
 * side may kick the life, and the other way round: once more than there are
 * links in that chain.
 */
void core_settle(struct core_chan *c)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		flush_work(&c->ch->life_work);
		core_flush_tasklet(&c->ch->rx_tasklet);
		flush_work(&c->ch->rx_work);
	}
}

struct vmb_packet *core_packet(struct core_chan *c)
{
	unsigned int i;

	for (i = 0; i < CORE_PACKETS; i++)
		if (!c->packets[i])
			break;
	KUNIT_ASSERT_LT(c->test, i, CORE_PACKETS);
	c->packets[i] = vmb_packet_allocate(c->ch);
	KUNIT_ASSERT_NOT_NULL(c->test, c->packets[i]);
	vmb_packet_set_completion_routine(c->packets[i], core_done);
	return c->packets[i];
}

void core_packet_free(struct core_chan *c, struct vmb_packet *pkt)
{
	unsigned int i;

	for (i = 0; i < CORE_PACKETS; i++)
		if (c->packets[i] == pkt)
			c->packets[i] = NULL;
	vmb_packet_free(pkt);
}

struct vmb_packet_completion *core_received(struct core_chan *c, u32 n)
{
	core_wait(c, CORE_PACKET, n + 1);
	return core_event(c, CORE_PACKET, n)->object;
}

static int core_thread_fn(void *arg)
{
	struct core_kthread *t = arg;

	t->ret = t->fn(t->arg);
	complete_all(&t->done);
	/* kthread_stop() wants it alive. */
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

struct core_kthread *core_thread_start(struct kunit *test, int (*fn)(void *arg), void *arg)
{
	struct core_env *env = test->priv;
	struct core_kthread *t = kzalloc(sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->fn = fn;
	t->arg = arg;
	init_completion(&t->done);
	t->task = kthread_create(core_thread_fn, t, "core_test");
	if (IS_ERR(t->task)) {
		kfree(t);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	get_task_struct(t->task);
	list_add_tail(&t->node, &env->threads);
	wake_up_process(t->task);
	return t;
}

bool core_thread_ended(struct core_kthread *t)
{
	return completion_done(&t->done);
}

int core_thread_join(struct kunit *test, struct core_kthread *t)
{
	KUNIT_ASSERT_TRUE_MSG(test, wait_for_completion_timeout(&t->done, CORE_TIMEOUT),
			      "%ps does not return", t->fn);
	return t->ret;
}

int core_do_enable(void *c)
{
	return vmb_channel_enable(((struct core_chan *)c)->ch);
}

int core_do_disable(void *c)
{
	return vmb_channel_disable(((struct core_chan *)c)->ch);
}

int core_do_pause(void *c)
{
	return vmb_channel_pause(((struct core_chan *)c)->ch);
}

#ifdef KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT
void *core_warn_begin(struct kunit *test)
{
	return kunit_start_suppress_warning(test);
}

int core_warn_end(struct kunit *test, void *handle)
{
	int ret = kunit_suppressed_warning_count(handle);

	kunit_end_suppress_warning(test, handle);
	return ret;
}
#else
/* Builds, but the WARN is reported: such a kernel has no way to keep it back. */
void *core_warn_begin(struct kunit *test)
{
	return NULL;
}

int core_warn_end(struct kunit *test, void *handle)
{
	return 1;
}
#endif
