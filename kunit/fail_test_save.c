// SPDX-License-Identifier: GPL-2.0
/*
 * Saving, restoring and handing over without memory: a failure leaves all as it
 * was, and the same call succeeds later.
 */
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "fail_test.h"
#include "save_kit.h"

static int fail_save_init(struct kunit *test)
{
	fail_require(test);
	return kit_init(test);
}

static void fail_save_exit(struct kunit *test)
{
	fail_stop();
	kit_exit(test);
}

struct saving {
	struct kit *k;
	struct kit_stream stream;
	struct kit_stream set;
	u32 cancelled;			/* of those that were sent */
};

static struct saving *saving_make(struct kunit *test)
{
	struct saving *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->k = kit_populated(test, true);
	s->stream = kit_stream_new(test);
	s->set = kit_stream_new(test);
	return s;
}

/* What it carried it carries still. */
static void saving_expect_intact(struct fail *f)
{
	struct saving *s = f->priv;
	struct vmb_channel *ch = s->k->c->ch;

	KUNIT_EXPECT_FALSE(f->test, ch->saving);
	KUNIT_EXPECT_NULL(f->test, ch->save);
	KUNIT_EXPECT_EQ(f->test, ch->nr_taken, KIT_TAKEN);
	KUNIT_EXPECT_EQ(f->test, ch->nr_held, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(f->test, ch->nr_completions, KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(f->test, ch->nr_sent, KIT_SENT);
	KUNIT_EXPECT_EQ(f->test, ch->nr_queued, KIT_QUEUED);
}

/* ---- one channel ---- */

static int save_step(struct fail *f)
{
	struct saving *s = f->priv;
	u32 filled, required;
	int ret;

	s->stream.len = 0;
	fail_on(f);
	ret = vmb_channel_save_begin(s->k->c->ch);
	if (!ret) {
		do {
			ret = vmb_channel_save_continue(s->k->c->ch, s->stream.data + s->stream.len,
							4096, &filled, &required);
			s->stream.len += filled;
		} while (ret == -EOVERFLOW);
		vmb_channel_save_end(s->k->c->ch);
	}
	fail_off(f);
	if (!ret)
		KUNIT_EXPECT_EQ(f->test, kit_chunks(&s->stream), KIT_CHUNKS);
	return ret;
}

static void fail_save(struct kunit *test)
{
	struct saving *s = saving_make(test);
	static const struct fail_case fc = {
		.what = "save a channel", .step = save_step, .failed = saving_expect_intact,
		.undo = saving_expect_intact,
	};

	kit_freeze(test);
	fail_sweep(test, &fc, s, NULL, 1);
	kit_session_close(test);
}

static int restore_step(struct fail *f)
{
	struct saving *s = f->priv;
	struct kmcl_chunk *chunk;
	int ret = -EAGAIN;
	u32 n;

	/* As a new one would be: nothing is fixed yet. */
	KUNIT_ASSERT_EQ(f->test, vmb_channel_init_set_friendly_name(s->k->c->ch, "poor"), 0);
	fail_on(f);
	for (n = 0; ret == -EAGAIN; n++) {
		chunk = kit_chunk(&s->stream, n);
		ret = vmb_channel_restore_from_buffer
			(s->k->c->ch, chunk, kmcl_chunk_size(le32_to_cpu(chunk->length)));
	}
	fail_off(f);
	return ret;
}

/* Nothing of it is left once the consumer has let go. */
static void restore_failed(struct fail *f)
{
	struct saving *s = f->priv;
	struct vmb_channel *ch = s->k->c->ch;
	u32 i;

	for (i = 0; i < s->k->nr_received; i++)
		KUNIT_EXPECT_EQ(f->test, vmb_channel_packet_complete(s->k->received[i], "x", 1), 0);
	KUNIT_EXPECT_EQ(f->test, atomic_read(&ch->nr_packets), 0);
	KUNIT_EXPECT_EQ(f->test, ch->nr_slots, 0);
	KUNIT_EXPECT_EQ(f->test, ch->nr_sent, 0);
	KUNIT_EXPECT_EQ(f->test, ch->nr_queued, 0);
	KUNIT_EXPECT_FALSE(f->test, ch->restored);
	KUNIT_EXPECT_NULL(f->test, ch->restore);
	KUNIT_EXPECT_EQ(f->test, ch->quota, VMB_DEFAULT_QUOTA);
	KUNIT_EXPECT_EQ(f->test, s->k->c->env->fb->nr_reserved, 0);
	s->k->nr_received = 0;
	s->k->nr_packets = 0;
}

static void restore_undo(struct fail *f)
{
	struct saving *s = f->priv;
	struct vmb_channel *ch = s->k->c->ch;

	KUNIT_EXPECT_EQ(f->test, ch->nr_taken, KIT_TAKEN);
	KUNIT_EXPECT_EQ(f->test, ch->nr_held, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(f->test, ch->nr_completions, KIT_COMPLETIONS);
	KUNIT_EXPECT_EQ(f->test, ch->nr_sent, KIT_SENT - s->cancelled);
	KUNIT_EXPECT_EQ(f->test, ch->nr_queued, KIT_QUEUED);
	KUNIT_EXPECT_EQ(f->test, vmb_channel_disable(ch), 0);
	restore_failed(f);
}

static void fail_restore_sweep(struct kunit *test, u32 cancelled)
{
	struct saving *s = saving_make(test);
	guid_t instance = s->k->instance;
	static const struct fail_case fc = {
		.what = "restore a channel", .step = restore_step, .failed = restore_failed,
		.undo = restore_undo,
	};

	s->cancelled = cancelled;
	if (cancelled) {
		KUNIT_ASSERT_EQ(test, vmb_packet_cancel(s->k->c->packets[1]), 0);
		core_wait(s->k->c, CORE_DONE, 1);
	}
	kit_freeze(test);
	s->stream = kit_save(s->k, 4096);
	kit_session_close(test);
	kit_end(s->k);
	s->k = kit_make(test, true, &instance);
	s->k->free_done = true;
	/* Its record, what it prepares, each packet of it, and what those lent that are gone */
	fail_sweep(test, &fc, s, NULL, 4 + KIT_TAKEN + KIT_RECEIVED + KIT_COMPLETIONS +
		   KIT_PACKETS);
}

static void fail_restore(struct kunit *test)
{
	fail_restore_sweep(test, 0);
}

/* One with external memory was cancelled, and its completion is to come. */
static void fail_restore_lent(struct kunit *test)
{
	fail_restore_sweep(test, 1);
}

/* ---- a session ---- */

static int freeze_step(struct fail *f)
{
	struct kmcl_session *s = kit_session(f->test);
	int ret;

	s->freezing = true;
	fail_on(f);
	ret = kmcl_session_freeze(s, 20000);
	fail_off(f);
	/* None is left out. */
	if (ret)
		kit_session_close(f->test);
	else
		KUNIT_EXPECT_EQ(f->test, ((struct saving *)f->priv)->k->c->ch->freeze, KMCL_FROZEN);
	return ret;
}

static void freeze_failed(struct fail *f)
{
	struct saving *s = f->priv;

	core_settle(s->k->c);
	KUNIT_EXPECT_EQ(f->test, s->k->c->ch->freeze, KMCL_THAWED);
	KUNIT_EXPECT_TRUE(f->test, s->k->c->ch->running);
	KUNIT_EXPECT_EQ(f->test, s->k->c->env->fb->frozen, 0);
	saving_expect_intact(f);
}

static void freeze_undo(struct fail *f)
{
	kit_session_close(f->test);
	freeze_failed(f);
}

static void fail_freeze(struct kunit *test)
{
	struct saving *s = saving_make(test);
	struct work_struct *works[] = { &s->k->c->ch->life_work, NULL };
	static const struct fail_case fc = {
		.what = "freeze and thaw", .step = freeze_step, .failed = freeze_failed,
		.undo = freeze_undo,
	};

	fail_sweep(test, &fc, s, NULL, 2);
	fail_sweep(test, &fc, s, works, 0);
}

/* Frozen, the set read to its end, and thawed where that failed */
static int set_step(struct fail *f)
{
	struct saving *s = f->priv;
	struct kmcl_session *now = kit_freeze(f->test);
	int ret;

	s->set.len = 0;
	fail_on(f);
	do {
		ret = kmcl_session_fill(now);
		memcpy(s->set.data + s->set.len, now->stage, ret ? 0 : now->stage_len);
		s->set.len += ret ? 0 : now->stage_len;
	} while (!ret && now->state == KMCL_SESSION_FROZEN);
	fail_off(f);
	if (ret) {
		kit_session_close(f->test);
		return ret;
	}
	KUNIT_EXPECT_EQ(f->test, now->info.channels, 1);
	KUNIT_EXPECT_EQ(f->test, now->info.sent, KIT_SENT);
	KUNIT_EXPECT_EQ(f->test, now->info.received, KIT_RECEIVED);
	KUNIT_EXPECT_EQ(f->test, now->info.bytes, s->set.len);
	return 0;
}

static void fail_set(struct kunit *test)
{
	struct saving *s = saving_make(test);
	static const struct fail_case fc = {
		.what = "read the set", .step = set_step, .failed = freeze_failed,
		.undo = freeze_undo,
	};

	fail_sweep(test, &fc, s, NULL, 3);
}

/* Nothing that is left to do at a commit can fail for lack of memory. */
static int commit_step(struct fail *f)
{
	int ret;

	fail_on(f);
	ret = kmcl_session_commit(kit_session_now());
	fail_off(f);
	return ret;
}

static void fail_commit(struct kunit *test)
{
	struct saving *s = saving_make(test);
	struct fail f = { .test = test, .priv = s, .nth = 1 };
	struct fake_bus *fb = s->k->c->env->fb;

	fb->orphan = s->k->c->packets[1]->ext_token;
	kit_freeze(test);
	s->set = kit_read_set(test);
	KUNIT_EXPECT_EQ(test, commit_step(&f), 0);
	KUNIT_EXPECT_FALSE(test, f.consumed);
	kit_session_close(test);
	kit_end(s->k);
	/* Nobody comes for it. */
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 1);
	fb->ops.ext_release(fb->bus, fb->orphan);
}

/* ---- a set comes back ---- */

static int takein_step(struct fail *f)
{
	struct saving *s = f->priv;
	struct kmcl_session *now = kit_session(f->test);
	u32 at, n;
	int ret;

	fail_on(f);
	ret = kmcl_session_restore(now);
	for (at = 0; !ret && at < s->set.len; at += n) {
		n = min_t(u32, 1000, s->set.len - at);
		memcpy(now->stage + now->stage_len, s->set.data + at, n);
		now->stage_len += n;
		ret = kmcl_session_consume(now);
	}
	if (!ret)
		ret = kmcl_session_restore_end(now);
	fail_off(f);
	kit_session_close(f->test);
	return ret;
}

static void takein_failed(struct fail *f)
{
	struct saving *s = f->priv;

	KUNIT_EXPECT_EQ(f->test, kmcl_store_drop(), 0);
	KUNIT_EXPECT_FALSE(f->test, s->k->c->env->fb->restore_ok);
}

static void takein_undo(struct fail *f)
{
	struct saving *s = f->priv;

	KUNIT_EXPECT_EQ(f->test, kmcl_store_drop(), 1);
	s->k->c->env->fb->restore_ok = false;
}

/* Frozen, saved, and ended without a commit; a new one of the instance */
static struct saving *saving_set(struct kunit *test)
{
	struct saving *s = saving_make(test);
	guid_t instance = s->k->instance;

	kit_freeze(test);
	s->set = kit_read_set(test);
	kit_session_close(test);
	kit_end(s->k);
	s->k = kit_make(test, true, &instance);
	return s;
}

static void fail_takein(struct kunit *test)
{
	static const struct fail_case fc = {
		.what = "take a set in", .step = takein_step, .failed = takein_failed,
		.undo = takein_undo,
	};

	fail_sweep(test, &fc, saving_set(test), NULL, 3);
}

/*
 * The state is applied as the channel attaches. Without memory that is refused
 * for good, and the channel comes up fresh; either way it runs.
 */
static int adopt_step(struct fail *f)
{
	struct saving *s = f->priv;
	struct core_chan *c = s->k->c;
	struct fail none = { .test = f->test, .priv = s };
	u32 n = core_count(c, CORE_POST_STARTED_END);
	int ret;

	KUNIT_ASSERT_EQ(f->test, takein_step(&none), 0);
	c->env->fb->adopt = VMB_LINK_NEW;
	fail_on(f);
	ret = vmb_channel_enable(c->ch);
	if (!ret) {
		c->link = fake_link_of(c->env->fb, c->ch);
		vmb_channel_start(c->ch);
		fake_open(c->link);
		core_reached(c, CORE_POST_STARTED_END, n + 1);
	}
	fail_off(f);
	KUNIT_EXPECT_EQ(f->test, kmcl_store_drop(), 0);
	if (!ret)
		KUNIT_ASSERT_EQ(f->test, core_count(c, CORE_POST_STARTED_END), n + 1);
	if (!ret && !f->consumed)
		KUNIT_EXPECT_EQ(f->test, s->k->nr_received, KIT_RECEIVED);
	return ret;
}

static void adopt_undo(struct fail *f)
{
	struct saving *s = f->priv;
	u32 i;

	for (i = 0; i < s->k->nr_received; i++)
		vmb_channel_packet_complete(s->k->received[i], "x", 1);
	s->k->nr_received = 0;
	KUNIT_EXPECT_EQ(f->test, vmb_channel_disable(s->k->c->ch), 0);
	core_settle(s->k->c);
	restore_failed(f);
}

static void fail_adopt(struct kunit *test)
{
	struct saving *s = saving_set(test);
	struct work_struct *works[] = { &s->k->c->ch->life_work, NULL };
	static const struct fail_case fc = {
		.what = "claim and attach", .step = adopt_step, .failed = adopt_undo,
		.undo = adopt_undo,
	};

	s->k->free_done = true;
	fail_sweep(test, &fc, s, works, 1 + KIT_TAKEN + KIT_RECEIVED + KIT_COMPLETIONS +
		   KIT_PACKETS);
}

/* ---- /dev/kmcl ---- */

struct cdev {
	struct file *file;
	unsigned long user;
};

static int open_step(struct fail *f)
{
	struct cdev *d = f->priv;
	int ret;

	fail_on(f);
	ret = kmcl_chardev_fops()->open(NULL, d->file);
	fail_off(f);
	return ret;
}

static void open_undo(struct fail *f)
{
	kmcl_chardev_fops()->release(NULL, ((struct cdev *)f->priv)->file);
}

static int ioctl_step(struct fail *f, unsigned int cmd, void *arg, u32 size)
{
	const struct file_operations *fops = kmcl_chardev_fops();
	struct cdev *d = f->priv;
	int ret;

	KUNIT_ASSERT_EQ(f->test, fops->open(NULL, d->file), 0);
	KUNIT_ASSERT_EQ(f->test, copy_to_user((void __user *)d->user, arg, size), 0);
	fail_on(f);
	ret = fops->unlocked_ioctl(d->file, cmd, d->user);
	fail_off(f);
	if (ret)
		open_undo(f);
	return ret;
}

static int ioctl_freeze_step(struct fail *f)
{
	struct kmcl_freeze arg = { .size = sizeof(arg), .deadline_ms = 20000 };

	return ioctl_step(f, KMCL_IOC_FREEZE, &arg, sizeof(arg));
}

static int ioctl_restore_step(struct fail *f)
{
	struct kmcl_restore arg = { .size = sizeof(arg) };

	return ioctl_step(f, KMCL_IOC_RESTORE, &arg, sizeof(arg));
}

static void fail_chardev(struct kunit *test)
{
	struct cdev d = { .file = kunit_kzalloc(test, sizeof(*d.file), GFP_KERNEL) };
	static const struct fail_case open = {
		.what = "open /dev/kmcl", .step = open_step, .undo = open_undo,
	};
	static const struct fail_case freeze = {
		.what = "KMCL_IOC_FREEZE", .step = ioctl_freeze_step, .undo = open_undo,
	};
	static const struct fail_case restore = {
		.what = "KMCL_IOC_RESTORE", .step = ioctl_restore_step, .undo = open_undo,
	};

	KUNIT_ASSERT_NOT_NULL(test, d.file);
	d.user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, d.user, 0);
	core_server_running(test);
	fail_sweep(test, &open, &d, NULL, 1);
	fail_sweep(test, &freeze, &d, NULL, 3);
	fail_sweep(test, &restore, &d, NULL, 1);
}

static struct kunit_case fail_save_cases[] = {
	KUNIT_CASE(fail_save),
	KUNIT_CASE(fail_restore),
	KUNIT_CASE(fail_restore_lent),
	KUNIT_CASE(fail_freeze),
	KUNIT_CASE(fail_set),
	KUNIT_CASE(fail_commit),
	KUNIT_CASE(fail_takein),
	KUNIT_CASE(fail_adopt),
	KUNIT_CASE(fail_chardev),
	{}
};

static struct kunit_suite fail_save_suite = {
	.name = "kmcl_fail_save",
	.suite_init = fail_suite_init,
	.suite_exit = fail_suite_exit,
	.init = fail_save_init,
	.exit = fail_save_exit,
	.test_cases = fail_save_cases,
};

kunit_test_suite(fail_save_suite);
