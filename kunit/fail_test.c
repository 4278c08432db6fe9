// SPDX-License-Identifier: GPL-2.0
/*
 * Sweeps of allocation failures, and where in the code they hit.
 *
 * The allocators' tracepoints see an allocation that failed; the first return
 * address of the core's on the stack is its site. tools/lab reads the sites
 * from the log and holds them against those that the modules have.
 *
 * fail_lock protects fail_now and what is counted for the works of its sweep.
 */
#include <linux/cleanup.h>
#include <linux/kmod.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>

#include "core_test.h"
#include "fail_test.h"
#include "session.h"

#define FAIL_SITES	256
#define FAIL_DEPTH	48
/* Sets failslab's attributes, which are files for user space only: tools/lab */
#define FAIL_HELPER	"/lib/kmcl/failslab"

static DEFINE_SPINLOCK(fail_lock);
static struct fail *fail_now;		/* whose works are swept */
static struct task_struct *fail_worker;	/* that has its fail_nth */
static struct fail *fail_own;		/* that sweeps a task */
static struct task_struct *fail_task;	/* which */
static bool fail_usable;
static struct module *fail_core;
static struct module *fail_loopback;
static struct tracepoint *fail_work_start;
static struct tracepoint *fail_work_end;
static unsigned long fail_sites[FAIL_SITES];
static unsigned int fail_printed;

static u32 fail_get(void)
{
#ifdef CONFIG_FAULT_INJECTION
	return READ_ONCE(current->fail_nth);
#else
	return 0;
#endif
}

static void fail_set(u32 nth)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, nth);
#endif
}

/* ---- sites ---- */

static bool fail_is_core(unsigned long addr)
{
	return within_module(addr, fail_core) ||
	       (fail_loopback && within_module(addr, fail_loopback));
}

static void fail_note_site(void)
{
	unsigned long entries[FAIL_DEPTH], seen;
	unsigned int i, n;

	n = stack_trace_save(entries, FAIL_DEPTH, 0);
	/* Past the probe, which is ours, to whoever asked for memory */
	for (i = 0; i < n && !within_module(entries[i], THIS_MODULE); i++)
		;
	for (; i < n && within_module(entries[i], THIS_MODULE); i++)
		;
	for (; i < n && !fail_is_core(entries[i]); i++)
		if (within_module(entries[i], THIS_MODULE))
			return;
	if (i >= n)
		return;
	for (n = 0; n < FAIL_SITES; n++) {
		seen = cmpxchg(&fail_sites[n], 0, entries[i]);
		if (!seen || seen == entries[i])
			return;
	}
}

/* The next allocation of this task, of the same kvmalloc(), is to fail as well. */
static void fail_again(void)
{
	struct fail *f = NULL;

	if (!in_task() || fail_get())
		return;
	if (READ_ONCE(fail_worker) == current)
		f = READ_ONCE(fail_now);
	else if (READ_ONCE(fail_task) == current)
		f = READ_ONCE(fail_own);
	if (!f || f->again)
		return;
	f->again = true;
	fail_set(1);
}

static void fail_kmalloc(void *data, unsigned long call_site, const void *ptr, size_t bytes_req,
			 size_t bytes_alloc, gfp_t gfp_flags, int node)
{
	if (ptr)
		return;
	fail_note_site();
	if (bytes_req > PAGE_SIZE)
		fail_again();
}

static void fail_kmem_cache_alloc(void *data, unsigned long call_site, const void *ptr,
				  struct kmem_cache *s, gfp_t gfp_flags, int node)
{
	if (!ptr)
		fail_note_site();
}

static void fail_print_sites(void)
{
	while (fail_printed < FAIL_SITES && fail_sites[fail_printed])
		pr_info("kmcl_fail_site: %pS\n", (void *)fail_sites[fail_printed++]);
}

/* ---- sweeps ---- */

static bool fail_is_mine(struct work_struct *work)
{
	unsigned int i;

	for (i = 0; fail_now && i < FAIL_WORKS && fail_now->works[i]; i++)
		if (fail_now->works[i] == work)
			return true;
	return false;
}

/* A worker at a time has the count; a second one at the same time goes unswept. */
static void fail_work_starts(void *data, struct work_struct *work)
{
	guard(spinlock_irqsave)(&fail_lock);
	if (!fail_is_mine(work) || fail_worker || fail_now->consumed)
		return;
	fail_worker = current;
	fail_set(fail_now->nth);
}

static void fail_work_ends(void *data, struct work_struct *work, work_func_t function)
{
	guard(spinlock_irqsave)(&fail_lock);
	if (fail_worker != current)
		return;
	fail_worker = NULL;
	if (fail_now) {
		fail_now->nth = fail_now->again ? 0 : fail_get();
		fail_now->consumed = !fail_now->nth;
	}
	fail_set(0);
}

void fail_on(struct fail *f)
{
	unsigned int i;

	f->consumed = !f->nth;
	f->again = false;
	if (!f->nth)
		return;
	if (f->works[0]) {
		/* One that runs since before would go unswept. */
		for (i = 0; f->works[i]; i++)
			flush_work(f->works[i]);
		guard(spinlock_irqsave)(&fail_lock);
		fail_now = f;
		return;
	}
	fail_own = f;
	WRITE_ONCE(fail_task, current);
	fail_set(f->nth);
}

void fail_off(struct fail *f)
{
	unsigned int i;

	if (f->works[0]) {
		/* One that still runs has the count until it ends. */
		for (i = 0; f->works[i]; i++)
			flush_work(f->works[i]);
		guard(spinlock_irqsave)(&fail_lock);
		fail_now = NULL;
		return;
	}
	WRITE_ONCE(fail_task, NULL);
	if (f->nth && (!fail_get() || f->again))
		f->consumed = true;
	fail_set(0);
}

void fail_stop(void)
{
	guard(spinlock_irqsave)(&fail_lock);
	fail_now = NULL;
	fail_task = NULL;
	fail_set(0);
}

u32 fail_sweep(struct kunit *test, const struct fail_case *fc, void *priv,
	       struct work_struct *const *works, u32 min)
{
	struct fail f = { .test = test, .what = fc->what, .priv = priv };
	u32 i, nth;
	int ret;

	for (i = 0; works && i < FAIL_WORKS && works[i]; i++)
		f.works[i] = works[i];
	for (nth = 1; nth <= FAIL_MAX; nth++) {
		f.nth = nth;
		f.consumed = false;
		ret = fc->step(&f);
		if (!f.consumed)
			break;
		f.failed++;
		if (!ret) {
			f.survived++;
		} else {
			KUNIT_EXPECT_TRUE_MSG(test, ret == -ENOMEM || (fc->peer && ret == fc->peer),
					      "%s, allocation %u: error %d", fc->what, nth, ret);
			if (fc->failed)
				fc->failed(&f);
			f.nth = 0;
			ret = fc->step(&f);
			KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%s, after allocation %u failed",
					    fc->what, nth);
		}
		if (fc->undo)
			fc->undo(&f);
	}
	KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%s, without a failure", fc->what);
	if (fc->undo)
		fc->undo(&f);
	KUNIT_EXPECT_LE_MSG(test, nth, FAIL_MAX, "%s has no end", fc->what);
	KUNIT_EXPECT_GE_MSG(test, f.failed, min, "%s", fc->what);
	kunit_info(test, "%s: %u allocations failed, %u of them without a trace\n", fc->what,
		   f.failed, f.survived);
	return f.failed;
}

/* ---- failslab's attributes ---- */

static int fail_helper(const char *what)
{
	char helper[] = FAIL_HELPER, how[16];
	char *argv[3] = {}, *envp[1] = {};

	strscpy(how, what);
	argv[0] = helper;
	argv[1] = how;
	return call_usermodehelper(helper, argv, envp, UMH_WAIT_PROC);
}

void fail_all_on(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, fail_helper("all"), 0);
}

void fail_all_off(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fail_helper("none"), 0);
}

/* ---- suites ---- */

static void fail_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "workqueue_execute_start"))
		fail_work_start = tp;
	else if (!strcmp(tp->name, "workqueue_execute_end"))
		fail_work_end = tp;
}

int fail_suite_init(struct kunit_suite *suite)
{
	struct vmb_bus *bus;

	fail_usable = false;
	if (!IS_ENABLED(CONFIG_FAILSLAB) ||
	    fail_helper("begin"))
		return 0;
	for_each_kernel_tracepoint(fail_find, NULL);
	if (!fail_work_start || !fail_work_end)
		return 0;
	fail_core = kmcl_chardev_fops()->owner;
	bus = kmcl_bus_get("loopback");
	fail_loopback = IS_ERR(bus) ? NULL : bus->ops->owner;
	if (!IS_ERR(bus))
		kmcl_bus_put(bus);
	if (register_trace_kmalloc(fail_kmalloc, NULL))
		return 0;
	if (register_trace_kmem_cache_alloc(fail_kmem_cache_alloc, NULL))
		goto no_cache;
	if (tracepoint_probe_register(fail_work_start, fail_work_starts, NULL))
		goto no_start;
	if (tracepoint_probe_register(fail_work_end, fail_work_ends, NULL))
		goto no_end;
	fail_usable = true;
	return 0;

no_end:
	tracepoint_probe_unregister(fail_work_start, fail_work_starts, NULL);
no_start:
	unregister_trace_kmem_cache_alloc(fail_kmem_cache_alloc, NULL);
no_cache:
	unregister_trace_kmalloc(fail_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	return 0;
}

void fail_suite_exit(struct kunit_suite *suite)
{
	if (!fail_usable)
		return;
	tracepoint_probe_unregister(fail_work_end, fail_work_ends, NULL);
	tracepoint_probe_unregister(fail_work_start, fail_work_starts, NULL);
	unregister_trace_kmem_cache_alloc(fail_kmem_cache_alloc, NULL);
	unregister_trace_kmalloc(fail_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	fail_helper("end");
	fail_print_sites();
	fail_usable = false;
}

void fail_require(struct kunit *test)
{
	if (!fail_usable)
		kunit_skip(test, "this kernel cannot make allocations fail");
}
