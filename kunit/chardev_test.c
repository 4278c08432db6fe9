// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kmcl, as a user of it who is not root, and as one who is and means no
 * good: any argument, any order, any size.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "save_kit.h"

#define CDEV_USER_SIZE	(16 * PAGE_SIZE)

struct cdev_file {
	struct kunit *test;
	struct file *file;
	struct inode *inode;
};

static unsigned long cdev_user;

static void cdev_release(void *arg)
{
	struct cdev_file *f = arg;

	if (f->file->private_data)
		kmcl_chardev_fops()->release(f->inode, f->file);
	f->file->private_data = NULL;
}

static struct cdev_file *cdev_open(struct kunit *test)
{
	struct cdev_file *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->test = test;
	f->file = kunit_kzalloc(test, sizeof(*f->file), GFP_KERNEL);
	f->inode = kunit_kzalloc(test, sizeof(*f->inode), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->file);
	KUNIT_ASSERT_NOT_NULL(test, f->inode);
	KUNIT_ASSERT_EQ(test, kmcl_chardev_fops()->open(f->inode, f->file), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, cdev_release, f), 0);
	return f;
}

static void cdev_close(struct cdev_file *f)
{
	cdev_release(f);
}

/* The argument goes through user memory, at its very end, and comes back. */
static long cdev_ioctl_sized(struct cdev_file *f, unsigned int cmd, void *arg, u32 size)
{
	void __user *at = (void __user *)(cdev_user + CDEV_USER_SIZE - size);
	long ret;

	KUNIT_ASSERT_EQ(f->test, copy_to_user(at, arg, size), 0);
	ret = kmcl_chardev_fops()->unlocked_ioctl(f->file, cmd, (unsigned long)at);
	KUNIT_ASSERT_EQ(f->test, copy_from_user(arg, at, size), 0);
	return ret;
}

#define cdev_ioctl(_f, _cmd, _arg) ({							\
	(_arg)->size = sizeof(*(_arg));							\
	cdev_ioctl_sized(_f, _cmd, _arg, sizeof(*(_arg)));				\
})

static long cdev_freeze(struct cdev_file *f, const char *bus)
{
	struct kmcl_freeze arg = { .deadline_ms = 20000 };

	strscpy((char *)arg.bus, bus, sizeof(arg.bus));
	return cdev_ioctl(f, KMCL_IOC_FREEZE, &arg);
}

static long cdev_commit(struct cdev_file *f)
{
	struct kmcl_commit arg = {};

	return cdev_ioctl(f, KMCL_IOC_COMMIT, &arg);
}

static long cdev_restore(struct cdev_file *f)
{
	struct kmcl_restore arg = {};

	return cdev_ioctl(f, KMCL_IOC_RESTORE, &arg);
}

static long cdev_restore_end(struct cdev_file *f)
{
	struct kmcl_restore arg = {};

	return cdev_ioctl(f, KMCL_IOC_RESTORE_END, &arg);
}

static long cdev_drop(struct cdev_file *f, u32 *dropped)
{
	struct kmcl_drop arg = {};
	long ret = cdev_ioctl(f, KMCL_IOC_DROP, &arg);

	if (dropped)
		*dropped = arg.dropped;
	return ret;
}

static ssize_t cdev_read(struct cdev_file *f, void *buffer, u32 size)
{
	void __user *at = (void __user *)cdev_user;
	ssize_t ret = kmcl_chardev_fops()->read(f->file, at, size, NULL);

	if (ret > 0)
		KUNIT_ASSERT_EQ(f->test, copy_from_user(buffer, at, ret), 0);
	return ret;
}

static ssize_t cdev_write(struct cdev_file *f, const void *buffer, u32 size)
{
	void __user *at = (void __user *)cdev_user;

	KUNIT_ASSERT_EQ(f->test, copy_to_user(at, buffer, size), 0);
	return kmcl_chardev_fops()->write(f->file, at, size, NULL);
}

static struct kit_stream cdev_read_all(struct cdev_file *f, u32 piece)
{
	struct kit_stream set = kit_stream_new(f->test);
	ssize_t n;

	while ((n = cdev_read(f, set.data + set.len, piece)) > 0) {
		set.len += n;
		KUNIT_ASSERT_LE(f->test, set.len + piece, KIT_STREAM_MAX);
	}
	KUNIT_EXPECT_EQ(f->test, n, 0);
	return set;
}

static int cdev_init(struct kunit *test)
{
	int ret = kit_init(test);

	if (ret)
		return ret;
	cdev_user = kunit_vm_mmap(test, NULL, 0, CDEV_USER_SIZE, PROT_READ | PROT_WRITE,
				  MAP_ANONYMOUS | MAP_PRIVATE, 0);
	return IS_ERR_VALUE(cdev_user) || !cdev_user ? -ENOMEM : 0;
}

static void open_needs_admin(struct kunit *test)
{
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	struct file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);
	const struct cred *old;
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	KUNIT_ASSERT_NOT_NULL(test, inode);
	KUNIT_ASSERT_NOT_NULL(test, file);
	cap_lower(cred->cap_effective, CAP_SYS_ADMIN);
	old = override_creds(cred);
	KUNIT_EXPECT_EQ(test, kmcl_chardev_fops()->open(inode, file), -EPERM);
	KUNIT_EXPECT_NULL(test, file->private_data);
	revert_creds(old);
	put_cred(cred);
}

static const struct {
	unsigned int cmd;
	u32 size;
	u32 flags;		/* that are known */
} cdev_iocs[] = {
	{ KMCL_IOC_FREEZE, sizeof(struct kmcl_freeze), KMCL_FREEZE_HANDOVER },
	{ KMCL_IOC_COMMIT, sizeof(struct kmcl_commit) },
	{ KMCL_IOC_RESTORE, sizeof(struct kmcl_restore) },
	{ KMCL_IOC_RESTORE_END, sizeof(struct kmcl_restore) },
	{ KMCL_IOC_DROP, sizeof(struct kmcl_drop) },
	{ KMCL_IOC_INFO, sizeof(struct kmcl_session_info) },
	{ KMCL_IOC_REASON, sizeof(struct kmcl_reason) },
};

/* Every size, memory that is not there, a flag that nobody knows */
static void ioctl_arguments(struct kunit *test)
{
	u8 *arg = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	struct cdev_file *f = cdev_open(test);
	const struct file_operations *fops = kmcl_chardev_fops();
	unsigned long last = cdev_user + CDEV_USER_SIZE - 4;
	u32 i, size, bit;
	long ret;

	KUNIT_ASSERT_NOT_NULL(test, arg);
	for (i = 0; i < ARRAY_SIZE(cdev_iocs); i++) {
		for (size = 0; size <= PAGE_SIZE + 8; size++) {
			memset(arg, 0, 2 * PAGE_SIZE);
			/* With an unknown flag nothing is done. */
			if (size >= 8)
				((u32 *)arg)[1] = BIT(31);
			*(u32 *)arg = size;
			ret = cdev_ioctl_sized(f, cdev_iocs[i].cmd, arg, max(size, 4));
			KUNIT_EXPECT_EQ_MSG(test, ret, size < cdev_iocs[i].size ? -EINVAL :
					    size > PAGE_SIZE ? -E2BIG : -EOPNOTSUPP,
					    "ioctl %u size %u", i, size);
			/* Bytes that this kernel does not know must be 0. */
			if (size <= cdev_iocs[i].size || size > PAGE_SIZE)
				continue;
			arg[size - 1] = 1;
			ret = cdev_ioctl_sized(f, cdev_iocs[i].cmd, arg, size);
			KUNIT_EXPECT_EQ_MSG(test, ret, -E2BIG, "ioctl %u size %u", i, size);
		}
		for (bit = 0; bit < 32; bit++) {
			if (cdev_iocs[i].flags & BIT(bit))
				continue;
			memset(arg, 0, PAGE_SIZE);
			*(u32 *)arg = cdev_iocs[i].size;
			((u32 *)arg)[1] = BIT(bit);
			KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, cdev_iocs[i].cmd, arg,
							       cdev_iocs[i].size), -EOPNOTSUPP);
		}
		memset(arg, 0xff, PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, cdev_iocs[i].cmd, arg, PAGE_SIZE),
				-E2BIG);
		KUNIT_EXPECT_EQ(test, fops->unlocked_ioctl(f->file, cdev_iocs[i].cmd, 0), -EFAULT);
		/* A size that is there, and the rest that is not */
		size = cdev_iocs[i].size;
		KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)last, &size, 4), 0);
		KUNIT_EXPECT_EQ(test, fops->unlocked_ioctl(f->file, cdev_iocs[i].cmd, last),
				-EFAULT);
	}
	for (i = 0; i < 256; i++)
		if (i > 6)
			KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, _IO(KMCL_IOC_MAGIC, i), arg, 64),
					-ENOTTY);
	KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, 0, arg, 64), -ENOTTY);
	KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, ~0U, arg, 64), -ENOTTY);
}

/* A larger argument of which this kernel knows all that is not 0 */
static void ioctl_newer_user(struct kunit *test)
{
	struct {
		struct kmcl_session_info info;
		u8 more[32];
	} arg = {};
	struct cdev_file *f = cdev_open(test);

	arg.info.size = sizeof(arg);
	KUNIT_EXPECT_EQ(test, cdev_ioctl_sized(f, KMCL_IOC_INFO, &arg, sizeof(arg)), 0);
	KUNIT_EXPECT_EQ(test, arg.info.size, sizeof(arg));
	KUNIT_EXPECT_EQ(test, arg.info.channels, 0);
}

static void cdev_expect_order(struct cdev_file *f, const char *state, long freeze, long commit,
			      long restore, long end, long drop, long read, long write)
{
	u8 byte;

	if (commit)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_commit(f), commit, "%s", state);
	if (end)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_restore_end(f), end, "%s", state);
	if (read)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_read(f, &byte, 1), read, "%s", state);
	if (write)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_write(f, "x", 1), write, "%s", state);
	if (freeze)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_freeze(f, "kit"), freeze, "%s", state);
	if (restore)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_restore(f), restore, "%s", state);
	if (drop)
		KUNIT_EXPECT_EQ_MSG(f->test, cdev_drop(f, NULL), drop, "%s", state);
}

/* Every call in every state that it does not belong to */
static void ioctl_order(struct kunit *test)
{
	struct cdev_file *f = cdev_open(test), *other = cdev_open(test);
	struct kit_stream set;

	cdev_expect_order(f, "new", 0, -EBUSY, 0, -EBUSY, 0, -EBUSY, -EBUSY);
	KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
	cdev_expect_order(f, "frozen", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, 0, -EBUSY);
	/* One session at a time */
	cdev_expect_order(other, "other", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY);
	set = cdev_read_all(f, 4096);
	cdev_expect_order(f, "saved", -EBUSY, 0, -EBUSY, -EBUSY, -EBUSY, 0, -EBUSY);
	KUNIT_EXPECT_EQ(test, cdev_commit(f), 0);
	cdev_expect_order(f, "committed", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY);
	cdev_close(f);

	f = cdev_open(test);
	KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
	cdev_expect_order(f, "restoring", -EBUSY, -EBUSY, -EBUSY, 0, -EBUSY, -EBUSY, 0);
	cdev_expect_order(other, "other", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY);
	KUNIT_EXPECT_EQ(test, cdev_write(f, set.data, set.len), set.len);
	KUNIT_EXPECT_EQ(test, cdev_restore_end(f), 0);
	cdev_expect_order(f, "restored", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY);
	cdev_close(f);

	f = cdev_open(test);
	KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
	KUNIT_EXPECT_EQ(test, cdev_write(f, set.data, 10), 10);
	KUNIT_EXPECT_EQ(test, cdev_restore_end(f), -EBADMSG);
	cdev_expect_order(f, "failed", -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY);
	cdev_close(f);
	KUNIT_EXPECT_EQ(test, cdev_drop(other, NULL), 0);
}

static void freeze_arguments(struct kunit *test)
{
	struct kmcl_freeze arg = {};
	struct cdev_file *f = cdev_open(test);
	struct core_chan *c = core_server_running(test);

	KUNIT_EXPECT_EQ(test, cdev_freeze(f, "nobody"), -ENODEV);
	memset(arg.bus, 'x', sizeof(arg.bus));
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_FREEZE, &arg), -EINVAL);
	/* The session can try again. */
	core_peer_request(c, 1, "held", 4);
	core_wait(c, CORE_PACKET, 1);
	memset(&arg, 0, sizeof(arg));
	strscpy((char *)arg.bus, "kit", sizeof(arg.bus));
	arg.deadline_ms = 1;
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_FREEZE, &arg), -ETIMEDOUT);
	vmb_channel_packet_complete(core_received(c, 0), NULL, 0);
	arg.deadline_ms = 20000;
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_FREEZE, &arg), 0);
	KUNIT_EXPECT_EQ(test, arg.channels, 1);
	KUNIT_EXPECT_EQ(test, c->ch->freeze, KMCL_FROZEN);
	/* Whoever closes it, thaws it. */
	cdev_close(f);
	KUNIT_EXPECT_EQ(test, c->ch->freeze, KMCL_THAWED);
	KUNIT_EXPECT_EQ(test, c->env->fb->frozen, 0);
}

/* The whole way, in pieces of any size, a byte among them */
static void set_in_pieces(struct kunit *test)
{
	static const u32 pieces[] = { 1, 3, 4096, 65536 };
	struct kmcl_session_info info = {};
	struct kmcl_restore end = {};
	struct cdev_file *f;
	struct kit *k, *next;
	struct kit_stream set;
	u32 i, at, n, dropped;

	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		k = kit_populated(test, true);
		k->c->env->fb->orphan = k->c->packets[1]->ext_token;
		f = cdev_open(test);
		KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
		set = cdev_read_all(f, pieces[i]);
		KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_INFO, &info), 0);
		KUNIT_EXPECT_EQ(test, info.bytes, set.len);
		KUNIT_EXPECT_EQ(test, info.sent, KIT_SENT);
		KUNIT_EXPECT_EQ(test, info.channels, 1);
		KUNIT_EXPECT_EQ(test, info.buses, 1);
		KUNIT_EXPECT_GT(test, info.freeze_ns, 0);
		KUNIT_EXPECT_EQ(test, cdev_commit(f), 0);
		cdev_close(f);
		f = cdev_open(test);
		KUNIT_EXPECT_EQ(test, cdev_drop(f, &dropped), 0);
		KUNIT_EXPECT_EQ(test, dropped, 1);
		KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
		for (at = 0; at < set.len; at += n) {
			n = min(pieces[i], set.len - at);
			KUNIT_ASSERT_EQ(test, cdev_write(f, set.data + at, n), n);
		}
		KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_RESTORE_END, &end), 0);
		KUNIT_EXPECT_EQ(test, end.channels, 1);
		KUNIT_EXPECT_EQ(test, end.buses, 1);
		cdev_close(f);
		next = kit_make(test, true, &k->instance);
		kit_end(k);
		core_enable(next->c);
		KUNIT_EXPECT_EQ(test, next->nr_packets, KIT_PACKETS);
		KUNIT_EXPECT_EQ(test, next->nr_bad, 0);
		kit_end(next);
		kunit_kfree(test, set.data);
	}
}

/* Closed half-way, in either direction: nothing was. */
static void closed_half_way(struct kunit *test)
{
	struct kit *k = kit_populated(test, true);
	struct cdev_file *f = cdev_open(test);
	struct kit_stream set;
	u8 bytes[100];
	u32 len;

	KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
	KUNIT_EXPECT_EQ(test, cdev_read(f, bytes, sizeof(bytes)), KMCL_STREAM_HEADER_SIZE);
	KUNIT_EXPECT_EQ(test, cdev_read(f, bytes, sizeof(bytes)), sizeof(bytes));
	cdev_close(f);
	core_wait_life(k->c, "ORPSRP");
	f = cdev_open(test);
	KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
	set = cdev_read_all(f, 4096);
	cdev_close(f);
	core_wait_life(k->c, "ORPSRPSRP");
	for (len = 0; len <= set.len; len += 97) {
		f = cdev_open(test);
		KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
		KUNIT_EXPECT_EQ(test, cdev_write(f, set.data, len), len);
		cdev_close(f);
	}
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
}

/* Memory that is not there: the call fails, the session does not. */
static void bad_memory(struct kunit *test)
{
	const struct file_operations *fops = kmcl_chardev_fops();
	struct kit *k = kit_populated(test, true);
	struct cdev_file *f = cdev_open(test);
	struct kit_stream set, again;

	KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
	KUNIT_EXPECT_EQ(test, fops->read(f->file, NULL, 10, NULL), -EFAULT);
	KUNIT_EXPECT_EQ(test, fops->read(f->file, (void __user *)cdev_user, 0, NULL), 0);
	set = cdev_read_all(f, 4096);
	KUNIT_EXPECT_EQ(test, kit_chunk(&set, 0)->type, cpu_to_le32(KMCL_CHUNK_HEADER));
	cdev_close(f);
	core_wait_life(k->c, "ORPSRP");
	f = cdev_open(test);
	KUNIT_ASSERT_EQ(test, cdev_freeze(f, "kit"), 0);
	again = cdev_read_all(f, 4096);
	KUNIT_EXPECT_EQ(test, again.len, set.len);
	cdev_close(f);
	kit_end(k);
	f = cdev_open(test);
	KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
	KUNIT_EXPECT_EQ(test, fops->write(f->file, NULL, 10, NULL), -EFAULT);
	KUNIT_EXPECT_EQ(test, cdev_write(f, "", 0), 0);
	KUNIT_EXPECT_EQ(test, cdev_write(f, again.data, again.len), again.len);
	KUNIT_EXPECT_EQ(test, cdev_restore_end(f), 0);
	cdev_close(f);
}

/* What is no set: refused at once, and the session is over. */
static void write_garbage(struct kunit *test)
{
	struct cdev_file *f;
	u8 *bytes = kunit_kzalloc(test, 4096, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	for (i = 0; i < 16; i++) {
		memset(bytes, i * 17, 4096);
		f = cdev_open(test);
		KUNIT_ASSERT_EQ(test, cdev_restore(f), 0);
		KUNIT_EXPECT_EQ(test, cdev_write(f, bytes, 4096), -EBADMSG);
		KUNIT_EXPECT_EQ(test, cdev_write(f, bytes, 1), -EBUSY);
		KUNIT_EXPECT_EQ(test, cdev_restore_end(f), -EBUSY);
		cdev_close(f);
	}
}

static int cdev_refuse(struct vmb_channel *ch, char *reason, u32 size)
{
	strscpy(reason, "the dog ate it; get another one", size);
	return -EIO;
}

/* Which channel, and why, gets out; a freeze that is no handover is not refused. */
static void handover_refused(struct kunit *test)
{
	struct core_chan *c = core_server(test);
	struct kmcl_freeze freeze = { .flags = KMCL_FREEZE_HANDOVER, .deadline_ms = 20000 };
	struct cdev_file *f = cdev_open(test);
	struct kmcl_reason reason = {};

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_friendly_name(c->ch, "rex"), 0);
	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_query_handover_callback(c->ch, cdev_refuse), 0);
	core_run(c);
	KUNIT_EXPECT_EQ(test, vmb_channel_init_set_query_handover_callback(c->ch, NULL), -EBUSY);
	strscpy((char *)freeze.bus, "kit", sizeof(freeze.bus));
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_REASON, &reason), 0);
	KUNIT_EXPECT_STREQ(test, (char *)reason.channel, "");
	KUNIT_EXPECT_STREQ(test, (char *)reason.text, "");
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_FREEZE, &freeze), -ECANCELED);
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_REASON, &reason), 0);
	KUNIT_EXPECT_STREQ(test, (char *)reason.channel, "rex");
	KUNIT_EXPECT_STREQ(test, (char *)reason.text, "the dog ate it; get another one");
	core_settle(c);
	core_expect_life(c, "ORP");

	KUNIT_EXPECT_EQ(test, cdev_freeze(f, "kit"), 0);
	cdev_read_all(f, 4096);
	KUNIT_EXPECT_EQ(test, cdev_commit(f), -ECANCELED);
	KUNIT_EXPECT_EQ(test, cdev_commit(f), -EBUSY);
	KUNIT_EXPECT_EQ(test, cdev_ioctl(f, KMCL_IOC_REASON, &reason), 0);
	KUNIT_EXPECT_STREQ(test, (char *)reason.channel, "rex");
	cdev_close(f);
	core_wait_life(c, "ORPSRP");
}

static struct kunit_case cdev_cases[] = {
	KUNIT_CASE(open_needs_admin),
	KUNIT_CASE(ioctl_arguments),
	KUNIT_CASE(ioctl_newer_user),
	KUNIT_CASE(ioctl_order),
	KUNIT_CASE(freeze_arguments),
	KUNIT_CASE(handover_refused),
	KUNIT_CASE(set_in_pieces),
	KUNIT_CASE(closed_half_way),
	KUNIT_CASE(bad_memory),
	KUNIT_CASE(write_garbage),
	{}
};

static struct kunit_suite cdev_suite = {
	.name = "kmcl_chardev",
	.init = cdev_init,
	.exit = kit_exit,
	.test_cases = cdev_cases,
};

kunit_test_suite(cdev_suite);
