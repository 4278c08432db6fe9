// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kmcl: sessions, for holders of CAP_SYS_ADMIN.
 *
 * kmcl_session.mutex makes one call of an open file at a time;
 * kmcl_session_busy, changed by cmpxchg, says that some session freezes or
 * restores.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "session.h"

static atomic_t kmcl_session_busy;

static int kmcl_session_claim(struct kmcl_session *s)
{
	if (s->state != KMCL_SESSION_NEW)
		return -EBUSY;
	if (atomic_cmpxchg(&kmcl_session_busy, 0, 1))
		return -EBUSY;
	s->stage = kvmalloc(KMCL_STAGE_SIZE, GFP_KERNEL);
	if (s->stage)
		return 0;
	atomic_set(&kmcl_session_busy, 0);
	return -ENOMEM;
}

/* Undo all that is not final. Claimed is who has a stage. */
static void kmcl_session_reset(struct kmcl_session *s)
{
	if (!s->stage)
		return;
	if (s->freezing)
		kmcl_session_thaw(s);
	else
		kmcl_session_restore_abort(s);
	kmcl_bus_put(s->bus);
	s->bus = NULL;
	s->freezing = false;
	kvfree(s->stage);
	s->stage = NULL;
	atomic_set(&kmcl_session_busy, 0);
}

static int kmcl_open(struct inode *inode, struct file *file)
{
	struct kmcl_session *s;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->mutex);
	INIT_LIST_HEAD(&s->freeze_members);
	INIT_LIST_HEAD(&s->buses);
	INIT_LIST_HEAD(&s->streams);
	file->private_data = s;
	return stream_open(inode, file);
}

static int kmcl_release(struct inode *inode, struct file *file)
{
	struct kmcl_session *s = file->private_data;

	kmcl_session_reset(s);
	kfree(s);
	return 0;
}

static ssize_t kmcl_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct kmcl_session *s = file->private_data;
	ssize_t ret = 0;
	u32 n;

	if (mutex_lock_interruptible(&s->mutex))
		return -ERESTARTSYS;
	if (s->state != KMCL_SESSION_FROZEN && s->state != KMCL_SESSION_SAVED) {
		ret = -EBUSY;
		goto out;
	}
	if (s->stage_pos == s->stage_len && s->state == KMCL_SESSION_FROZEN) {
		/* A channel without anything to say yields no chunk: go on. */
		do {
			ret = kmcl_session_fill(s);
		} while (!ret && !s->stage_len && s->state == KMCL_SESSION_FROZEN);
		if (ret)
			goto out;
	}
	n = min_t(size_t, count, s->stage_len - s->stage_pos);
	if (copy_to_user(buf, s->stage + s->stage_pos, n)) {
		ret = -EFAULT;
		goto out;
	}
	s->stage_pos += n;
	ret = n;
out:
	mutex_unlock(&s->mutex);
	return ret;
}

static ssize_t kmcl_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct kmcl_session *s = file->private_data;
	ssize_t ret;
	u32 n;

	if (mutex_lock_interruptible(&s->mutex))
		return -ERESTARTSYS;
	if (s->state != KMCL_SESSION_RESTORING && s->state != KMCL_SESSION_RESTORED) {
		ret = -EBUSY;
		goto out;
	}
	/* A chunk of the largest size fits the stage: there is room, or it is no chunk. */
	n = min_t(size_t, count, KMCL_STAGE_SIZE - s->stage_len);
	if (copy_from_user(s->stage + s->stage_len, buf, n)) {
		ret = -EFAULT;
		goto out;
	}
	s->stage_len += n;
	ret = kmcl_session_consume(s);
	if (!ret)
		ret = n;
out:
	mutex_unlock(&s->mutex);
	return ret;
}

static int kmcl_ioc_freeze(struct kmcl_session *s, struct kmcl_freeze *arg)
{
	struct vmb_bus *bus = NULL;
	int ret;

	if (arg->flags & ~KMCL_FREEZE_HANDOVER)
		return -EOPNOTSUPP;
	/* The end of a name is where its NUL is; there must be one. */
	if (strnlen(arg->bus, sizeof(arg->bus)) == sizeof(arg->bus))
		return -EINVAL;
	ret = kmcl_session_claim(s);
	if (ret)
		return ret;
	if (*arg->bus)
		bus = kmcl_bus_get(arg->bus);
	if (IS_ERR(bus)) {
		kmcl_session_reset(s);
		return PTR_ERR(bus);
	}
	s->bus = bus;
	s->freezing = true;
	s->handover = arg->flags & KMCL_FREEZE_HANDOVER;
	ret = kmcl_session_freeze(s, arg->deadline_ms);
	if (ret) {
		kmcl_session_reset(s);
		memset(&s->info, 0, sizeof(s->info));
		return ret;
	}
	s->state = KMCL_SESSION_FROZEN;
	arg->channels = s->info.channels;
	return 0;
}

static int kmcl_ioc_commit(struct kmcl_session *s, struct kmcl_commit *arg)
{
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	if (s->state != KMCL_SESSION_SAVED)
		return -EBUSY;
	ret = kmcl_session_commit(s);
	s->state = ret ? KMCL_SESSION_FAILED : KMCL_SESSION_COMMITTED;
	return ret;
}

static int kmcl_ioc_restore(struct kmcl_session *s, struct kmcl_restore *arg)
{
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	ret = kmcl_session_claim(s);
	return ret ?: kmcl_session_restore(s);
}

static int kmcl_ioc_restore_end(struct kmcl_session *s, struct kmcl_restore *arg)
{
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	if (s->state != KMCL_SESSION_RESTORING && s->state != KMCL_SESSION_RESTORED)
		return -EBUSY;
	ret = kmcl_session_restore_end(s);
	if (ret)
		return ret;
	arg->channels = s->info.channels;
	arg->buses = s->info.buses;
	s->state = KMCL_SESSION_COMMITTED;
	return 0;
}

static int kmcl_ioc_drop(struct kmcl_session *s, struct kmcl_drop *arg)
{
	struct vmb_bus *bus = NULL;
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	if (s->state != KMCL_SESSION_NEW || atomic_cmpxchg(&kmcl_session_busy, 0, 1))
		return -EBUSY;
	ret = kmcl_store_change_begin();
	if (ret)
		goto out;
	arg->dropped = kmcl_store_drop();
	/* Links that were kept for them have nobody to come for them now. */
	while ((bus = kmcl_bus_next(bus)))
		if (bus->ops->bus_drop)
			bus->ops->bus_drop(bus);
	kmcl_store_change_end();
	kmcl_store_release_waiters();
out:
	atomic_set(&kmcl_session_busy, 0);
	return ret;
}

static int kmcl_ioc_info(struct kmcl_session *s, struct kmcl_session_info *arg)
{
	u32 size = arg->size;

	if (arg->flags)
		return -EOPNOTSUPP;
	*arg = s->info;
	arg->size = size;
	arg->flags = 0;
	return 0;
}

static int kmcl_ioc_reason(struct kmcl_session *s, struct kmcl_reason *arg)
{
	u32 size = arg->size;

	if (arg->flags)
		return -EOPNOTSUPP;
	*arg = s->reason;
	arg->size = size;
	return 0;
}

union kmcl_ioc_arg {
	u32 size;
	struct kmcl_freeze freeze;
	struct kmcl_commit commit;
	struct kmcl_restore restore;
	struct kmcl_drop drop;
	struct kmcl_session_info info;
	struct kmcl_reason reason;
};

struct kmcl_ioc {
	unsigned int cmd;
	u32 size;
	int (*call)(struct kmcl_session *s, union kmcl_ioc_arg *arg);
};

#define KMCL_CALL(_name)									\
static int kmcl_call_##_name(struct kmcl_session *s, union kmcl_ioc_arg *arg)		\
{											\
	return kmcl_ioc_##_name(s, (void *)arg);					\
}
KMCL_CALL(freeze)
KMCL_CALL(commit)
KMCL_CALL(restore)
KMCL_CALL(restore_end)
KMCL_CALL(drop)
KMCL_CALL(info)
KMCL_CALL(reason)

static const struct kmcl_ioc kmcl_iocs[] = {
	{ KMCL_IOC_FREEZE, sizeof(struct kmcl_freeze), kmcl_call_freeze },
	{ KMCL_IOC_COMMIT, sizeof(struct kmcl_commit), kmcl_call_commit },
	{ KMCL_IOC_RESTORE, sizeof(struct kmcl_restore), kmcl_call_restore },
	{ KMCL_IOC_RESTORE_END, sizeof(struct kmcl_restore), kmcl_call_restore_end },
	{ KMCL_IOC_DROP, sizeof(struct kmcl_drop), kmcl_call_drop },
	{ KMCL_IOC_INFO, sizeof(struct kmcl_session_info), kmcl_call_info },
	{ KMCL_IOC_REASON, sizeof(struct kmcl_reason), kmcl_call_reason },
};

static long kmcl_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	struct kmcl_session *s = file->private_data;
	void __user *uarg = (void __user *)user;
	const struct kmcl_ioc *ioc = NULL;
	union kmcl_ioc_arg arg = {};
	unsigned int i;
	u32 size;
	int ret;

	for (i = 0; i < ARRAY_SIZE(kmcl_iocs); i++)
		if (kmcl_iocs[i].cmd == cmd)
			ioc = &kmcl_iocs[i];
	if (!ioc)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < ioc->size || size > PAGE_SIZE)
		return size < ioc->size ? -EINVAL : -E2BIG;
	ret = copy_struct_from_user(&arg, ioc->size, uarg, size);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&s->mutex))
		return -ERESTARTSYS;
	ret = ioc->call(s, &arg);
	mutex_unlock(&s->mutex);
	arg.size = size;
	if (!ret && copy_to_user(uarg, &arg, ioc->size))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations kmcl_fops = {
	.owner = THIS_MODULE,
	.open = kmcl_open,
	.release = kmcl_release,
	.read = kmcl_read,
	.write = kmcl_write,
	.unlocked_ioctl = kmcl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

#if IS_ENABLED(CONFIG_KMCL_KUNIT)
const struct file_operations *kmcl_chardev_fops(void)
{
	return &kmcl_fops;
}
KMCL_EXPORT_IF_KUNIT(kmcl_chardev_fops);
#endif

static ssize_t pending_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return kmcl_store_show(buf);
}
static DEVICE_ATTR_RO(pending);

static struct attribute *kmcl_misc_attrs[] = {
	&dev_attr_pending.attr,
	NULL
};
ATTRIBUTE_GROUPS(kmcl_misc);

static struct miscdevice kmcl_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmcl",
	.fops = &kmcl_fops,
	.groups = kmcl_misc_groups,
	.mode = 0600,
};

int kmcl_chardev_init(void)
{
	return misc_register(&kmcl_misc);
}

void kmcl_chardev_exit(void)
{
	misc_deregister(&kmcl_misc);
}
