// SPDX-License-Identifier: GPL-2.0
/*
 * The load: the ledger.
 *
 * Lines of text in a buffer of a fixed size, read from /dev/kmcl_ledger by one
 * reader at a time. A read() says that what the read() before it returned has
 * arrived where it was to go: only then it is no longer pending. A line that
 * finds no room is counted, and the next one that does says how many were lost.
 *
 * Numbers are hexadecimal. d is c for a client's request, s for a server's,
 * then the channel; n is the sequence number.
 *
 *   V 1 seed                 the load starts
 *   P dCC max ext rmin rmax  what a channel carries: largest request and
 *                            external data, smallest and largest answer
 *   I dCC n                  about to be issued
 *   U dCC n                  was not sent after all
 *   X dCC n digest           executed, digest of what was received
 *   C dCC n digest body      completed, digest that was answered and digest of
 *                            the rest of the answer
 *   E dCC n errno            ended with an error, decimal
 *   O count                  lines lost here
 *
 * Locking: ledger.lock protects everything in it.
 */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "load.h"

static uint ledger_kib = 8192;
module_param(ledger_kib, uint, 0444);
MODULE_PARM_DESC(ledger_kib, "size of the ledger's buffer, in KiB");

static struct {
	spinlock_t lock;	/* all of it */
	char *buffer;
	u64 size;
	u64 head;	/* bytes written since the start */
	u64 given;	/* bytes given to the reader */
	u64 tail;	/* bytes known to have arrived */
	u64 lost;	/* lines */
	u64 lost_said;
} ledger = {
	.lock = __SPIN_LOCK_UNLOCKED(ledger.lock),
};

static DECLARE_WAIT_QUEUE_HEAD(ledger_wait);
static DEFINE_MUTEX(ledger_reader);

static bool ledger_put(const char *text, u32 len)
{
	u64 at, part;

	if (ledger.size - (ledger.head - ledger.tail) < len)
		return false;
	div64_u64_rem(ledger.head, ledger.size, &at);
	part = min_t(u64, len, ledger.size - at);
	memcpy(ledger.buffer + at, text, part);
	memcpy(ledger.buffer, text + part, len - part);
	ledger.head += len;
	return true;
}

/**
 * load_log() - write a line to the ledger
 * @format: as of printf(), with the newline
 *
 * Context: any.
 */
void load_log(const char *format, ...)
{
	char line[96], lost[32];
	unsigned long flags;
	va_list args;
	int len;

	va_start(args, format);
	len = vscnprintf(line, sizeof(line), format, args);
	va_end(args);

	spin_lock_irqsave(&ledger.lock, flags);
	if (ledger.lost != ledger.lost_said &&
	    ledger_put(lost, scnprintf(lost, sizeof(lost), "O %llx\n",
				       ledger.lost - ledger.lost_said)))
		ledger.lost_said = ledger.lost;
	if (!ledger_put(line, len))
		ledger.lost++;
	spin_unlock_irqrestore(&ledger.lock, flags);
	wake_up_interruptible(&ledger_wait);
}
EXPORT_SYMBOL_NS_GPL(load_log, KMCL_NS);

/**
 * load_ledger_pending() - bytes that are not known to have arrived
 *
 * Return: how many.
 */
u64 load_ledger_pending(void)
{
	unsigned long flags;
	u64 value;

	spin_lock_irqsave(&ledger.lock, flags);
	value = ledger.head - ledger.tail;
	spin_unlock_irqrestore(&ledger.lock, flags);
	return value;
}

/**
 * load_ledger_lost() - lines lost for want of room
 *
 * Return: how many.
 */
u64 load_ledger_lost(void)
{
	unsigned long flags;
	u64 value;

	spin_lock_irqsave(&ledger.lock, flags);
	value = ledger.lost;
	spin_unlock_irqrestore(&ledger.lock, flags);
	return value;
}

static bool ledger_unread(void)
{
	unsigned long flags;
	bool value;

	spin_lock_irqsave(&ledger.lock, flags);
	value = ledger.head != ledger.given;
	spin_unlock_irqrestore(&ledger.lock, flags);
	return value;
}

static ssize_t ledger_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	u64 at, part;
	int ret;

	ret = mutex_lock_interruptible(&ledger_reader);
	if (ret)
		return ret;
	spin_lock_irq(&ledger.lock);
	ledger.tail = ledger.given;
	spin_unlock_irq(&ledger.lock);

	if (file->f_flags & O_NONBLOCK)
		ret = ledger_unread() ? 0 : -EAGAIN;
	else
		ret = wait_event_interruptible(ledger_wait, ledger_unread());
	if (ret)
		goto out;

	spin_lock_irq(&ledger.lock);
	div64_u64_rem(ledger.given, ledger.size, &at);
	part = min3((u64)count, ledger.head - ledger.given, ledger.size - at);
	spin_unlock_irq(&ledger.lock);

	/* Nobody writes here before the tail has moved on, which we alone do. */
	if (copy_to_user(to, ledger.buffer + at, part)) {
		ret = -EFAULT;
		goto out;
	}
	spin_lock_irq(&ledger.lock);
	ledger.given += part;
	spin_unlock_irq(&ledger.lock);
	ret = part;
out:
	mutex_unlock(&ledger_reader);
	return ret;
}

static __poll_t ledger_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &ledger_wait, wait);
	return ledger_unread() ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations ledger_fops = {
	.owner = THIS_MODULE,
	.read = ledger_read,
	.poll = ledger_poll,
	.llseek = noop_llseek,
};

static struct miscdevice ledger_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmcl_ledger",
	.fops = &ledger_fops,
	.mode = 0400,
};

/**
 * load_ledger_init() - make the ledger and its device
 *
 * Return: 0 or an error.
 */
int load_ledger_init(void)
{
	int ret;

	ledger.size = (u64)clamp(ledger_kib, 64U, 1024U * 1024) * 1024;
	ledger.buffer = vmalloc(ledger.size);
	if (!ledger.buffer)
		return -ENOMEM;
	ret = misc_register(&ledger_device);
	if (ret)
		vfree(ledger.buffer);
	return ret;
}

/**
 * load_ledger_exit() - remove both
 */
void load_ledger_exit(void)
{
	misc_deregister(&ledger_device);
	vfree(ledger.buffer);
}
