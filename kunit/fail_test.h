/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sweeps of allocation failures: what is swept runs again and again, its first
 * allocation failing, its second, and so on, until it has no more.
 *
 * Allocations fail by failslab: those of the calling task by its fail_nth, those
 * of a work item by that of the worker, set where the item begins. What runs in
 * a softirq has no fail_nth: there all of the core's fail, or none. Where the
 * allocator has a second way to large memory, that fails, too.
 */
#ifndef _KMCL_FAIL_TEST_H
#define _KMCL_FAIL_TEST_H

#include <kunit/test.h>
#include <linux/workqueue.h>

#define FAIL_MAX	1000
#define FAIL_WORKS	3

/**
 * struct fail - a sweep
 * @test: whose
 * @what: for the log
 * @priv: the caller's
 * @nth: which allocation fails; 0: none does
 * @consumed: it did
 * @again: the second way was made to fail
 * @failed: how many did so far
 * @survived: how many of them the caller did not notice
 * @works: whose allocations fail, NULL at the end; none: the task's
 *
 * fail_on() and fail_off() stand around what is swept; in between nothing else
 * of the test's may allocate that is not meant.
 */
struct fail {
	struct kunit *test;
	const char *what;
	void *priv;
	u32 nth;
	bool consumed;
	bool again;
	u32 failed;
	u32 survived;
	struct work_struct *works[FAIL_WORKS + 1];
};

/*
 * @step does it, and returns 0 or an error. @failed: after -ENOMEM, or @peer where
 * it is the peer that refuses, is all as it was? The step has to succeed then.
 * @undo: after it succeeded.
 */
struct fail_case {
	const char *what;
	int (*step)(struct fail *f);
	void (*failed)(struct fail *f);
	void (*undo)(struct fail *f);
	int peer;
};

void fail_on(struct fail *f);
void fail_off(struct fail *f);
/* Returns how many allocations failed; at least @min, or the test does. */
u32 fail_sweep(struct kunit *test, const struct fail_case *fc, void *priv,
	       struct work_struct *const *works, u32 min);

/* All allocations of the core fail, in any context. */
void fail_all_on(struct kunit *test);
void fail_all_off(struct kunit *test);

/* Suites */
int fail_suite_init(struct kunit_suite *suite);
void fail_suite_exit(struct kunit_suite *suite);
/* At the start of a test and, whatever became of it, at its end */
void fail_require(struct kunit *test);
void fail_stop(void);

#endif /* _KMCL_FAIL_TEST_H */
