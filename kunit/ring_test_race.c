// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring with its two ends on two CPUs: no signal is lost.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "patience.h"
#include "ring_test.h"

#define THREAD_PACKETS	40000u

/*
 * Two threads with nothing between them but the ring and the signals that it
 * asks for. A signal that is missing leaves one of them waiting.
 */
struct two_ends {
	struct ring_pair *pair;
	struct completion data;		/* the reader is signalled */
	struct completion room;		/* the writer is signalled */
	struct completion done;		/* by each of them, at the end */
	u32 bad;
	const char *stuck;
};

static u32 thread_len(u32 id)
{
	return id % 64 ? id % 7 * 8 : 1504;
}

static bool end_wait(struct two_ends *ends, struct completion *what, const char *who)
{
	if (wait_for_completion_timeout(what, KMCL_TEST_PATIENCE))
		return true;
	WRITE_ONCE(ends->stuck, who);
	return false;
}

static int writer_thread(void *data)
{
	struct two_ends *ends = data;
	struct vmbus_ring *ring = &ends->pair->w;
	u32 id = 0;

	while (id < THREAD_PACKETS && !READ_ONCE(ends->stuck)) {
		int err = ring_put(ends->pair, VMBUS_RING_INBAND, 0, thread_len(id), id);

		if (!err) {
			id++;
			if (id % 5 && id != THREAD_PACKETS)
				continue;
		} else if (err != -EAGAIN) {
			WRITE_ONCE(ends->stuck, "writer, corrupt");
			break;
		}
		if (vmbus_ring_commit_write(ring))
			complete(&ends->data);
		if (!err)
			continue;
		/* Signals for an earlier wish are stale. */
		reinit_completion(&ends->room);
		if (!vmbus_ring_want_space(ring, vmbus_ring_packet_size(VMBUS_RING_INBAND, 0,
									thread_len(id))) &&
		    !end_wait(ends, &ends->room, "writer"))
			break;
	}
	if (READ_ONCE(ends->stuck))
		complete(&ends->data);
	complete(&ends->done);
	return 0;
}

static int reader_thread(void *data)
{
	struct two_ends *ends = data;
	struct vmbus_ring *ring = &ends->pair->r;
	struct vmbus_ring_desc d;
	u32 id = 0, batch;

	while (id < THREAD_PACKETS && !READ_ONCE(ends->stuck)) {
		int err = 0;

		vmbus_ring_mask(ring);
		for (batch = 0; batch < 16; batch++) {
			err = vmbus_ring_peek(ring, &d);
			if (err)
				break;
			if (d.id != id || d.payload_len != thread_len(id) ||
			    vmbus_ring_copy(ring, &d, NULL, 0, ends->pair->rx, ends->pair->size) ||
			    (d.payload_len &&
			     ends->pair->rx[d.payload_len - 1] != ring_byte(id, d.payload_len - 1)))
				ends->bad++;
			vmbus_ring_advance(ring, &d);
			id++;
		}
		if (err && err != -EAGAIN) {
			WRITE_ONCE(ends->stuck, "reader, corrupt");
			break;
		}
		if (vmbus_ring_commit_read(ring))
			complete(&ends->room);
		if (!err)
			continue;
		/* Signals from before the unmasking are stale: it looks for itself. */
		reinit_completion(&ends->data);
		if (id < THREAD_PACKETS && !vmbus_ring_unmask(ring) &&
		    !end_wait(ends, &ends->data, "reader"))
			break;
	}
	if (READ_ONCE(ends->stuck))
		complete(&ends->room);
	complete(&ends->done);
	return 0;
}

/* Run both, each on a CPU of its own if there are two, until both are done. */
static void run_two(struct kunit *test, int (*writer_fn)(void *), int (*reader_fn)(void *),
		    void *data, struct completion *done)
{
	struct task_struct *reader, *writer;

	reader = kthread_create(reader_fn, data, "ring-reader");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reader);
	get_task_struct(reader);
	writer = kthread_create(writer_fn, data, "ring-writer");
	if (IS_ERR(writer)) {
		kthread_stop_put(reader);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	get_task_struct(writer);
	if (num_online_cpus() > 1) {
		unsigned int cpu = cpumask_first(cpu_online_mask);

		kthread_bind(reader, cpu);
		kthread_bind(writer, cpumask_next(cpu, cpu_online_mask));
	}
	wake_up_process(reader);
	wake_up_process(writer);
	wait_for_completion(done);
	wait_for_completion(done);
	kthread_stop_put(writer);
	kthread_stop_put(reader);
}

static void ring_two_threads(struct kunit *test)
{
	struct two_ends ends = { .pair = ring_pair_new(test, 4096) };

	init_completion(&ends.data);
	init_completion(&ends.room);
	init_completion(&ends.done);
	run_two(test, writer_thread, reader_thread, &ends, &ends.done);

	KUNIT_EXPECT_NULL_MSG(test, ends.stuck, "stuck: %s", ends.stuck);
	KUNIT_EXPECT_EQ(test, ends.bad, 0);
	KUNIT_EXPECT_EQ(test, ends.pair->w.stats.packets, THREAD_PACKETS);
	KUNIT_EXPECT_EQ(test, ends.pair->r.stats.packets, THREAD_PACKETS);
	kunit_info(test, "%llu signals for data, %llu for room, %llu and %llu batches\n",
		   ends.pair->w.stats.signals, ends.pair->r.stats.signals,
		   ends.pair->w.stats.batches, ends.pair->r.stats.batches);
}

#define RACE_ROUNDS	200000u
#define RACE_SECONDS	1

/*
 * The one moment that matters, over and over: an end gets ready to wait while
 * the other does what it would wait for. Either the one sees it, or the other
 * signals; if neither, a wake-up is lost. It takes both memory barriers.
 */
struct race {
	struct ring_pair *pair;
	struct completion done;
	bool (*waiter)(struct ring_pair *pair);	/* true: need not wait */
	bool (*waker)(struct ring_pair *pair);	/* true: signals */
	void (*reset)(struct ring_pair *pair);
	u32 waiter_at;		/* which round each is in, by turns */
	u32 waker_at;
	bool signalled;		/* what the waker did in this round */
	u32 rounds;
	u32 lost;
	u32 both;
};

static void race_meet(u32 *mine, const u32 *other, u32 round)
{
	u32 spins = 0;

	/* What was done before the meeting is seen by the other end after it. */
	smp_store_release(mine, round);
	/* Pairs with the other end's release. */
	while ((s32)(smp_load_acquire(other) - round) < 0) {
		/* The other CPU may have been taken away. */
		if (++spins % 1024)
			cpu_relax();
		else
			cond_resched();
	}
}

/* A few cycles each, so that one end is early by a little, then the other. */
static void race_delay(u32 n)
{
	while (n--)
		barrier();
}

static int waiter_thread(void *data)
{
	struct race *race = data;
	unsigned long end = jiffies + RACE_SECONDS * HZ;
	u32 round = 0, i;
	bool saw;

	for (i = 0; i < RACE_ROUNDS; i++) {
		race->reset(race->pair);
		race_meet(&race->waiter_at, &race->waker_at, ++round);
		race_delay(i * 7 % 512);
		saw = race->waiter(race->pair);
		race_meet(&race->waiter_at, &race->waker_at, ++round);
		race->rounds++;
		race->lost += !saw && !race->signalled;
		race->both += saw && race->signalled;
		if (time_after(jiffies, end))
			break;
	}
	/* Odd: there is a next round for the waker to look at, and it is the end. */
	race->reset = NULL;
	race_meet(&race->waiter_at, &race->waker_at, ++round);
	complete(&race->done);
	return 0;
}

static int waker_thread(void *data)
{
	struct race *race = data;
	u32 round = 0, i;

	for (i = 0; ; i++) {
		race_meet(&race->waker_at, &race->waiter_at, ++round);
		if (!race->reset)
			break;
		race_delay(i * 13 % 256);
		race->signalled = race->waker(race->pair);
		race_meet(&race->waker_at, &race->waiter_at, ++round);
	}
	complete(&race->done);
	return 0;
}

static void race_run(struct kunit *test, struct race *race)
{
	race->pair = ring_pair_new(test, 4096);
	init_completion(&race->done);
	run_two(test, waker_thread, waiter_thread, race, &race->done);
	KUNIT_EXPECT_EQ_MSG(test, race->lost, 0, "wake-ups lost in %u rounds", race->rounds);
	KUNIT_EXPECT_GT(test, race->rounds, 0);
	KUNIT_EXPECT_EQ(test, race->pair->w.stats.faults + race->pair->r.stats.faults, 0);
	kunit_info(test, "%u rounds, %u of them with both\n", race->rounds, race->both);
}

static void empty(struct ring_pair *pair)
{
	struct vmbus_ring_desc d;

	vmbus_ring_mask(&pair->r);
	while (!vmbus_ring_peek(&pair->r, &d))
		vmbus_ring_advance(&pair->r, &d);
	vmbus_ring_commit_read(&pair->r);
}

/* The packet's own stores keep the CPU's store buffer busy in front of in. */
static bool send_one(struct ring_pair *pair)
{
	const struct vmbus_ring_packet p = {
		.type = VMBUS_RING_INBAND, .payload = pair->tx, .payload_len = 200,
	};

	return !vmbus_ring_write(&pair->w, &p) && vmbus_ring_commit_write(&pair->w);
}

static bool unmask(struct ring_pair *pair)
{
	return vmbus_ring_unmask(&pair->r);
}

/* The reader unmasks while the writer sends. */
static void ring_race_for_data(struct kunit *test)
{
	struct race race = { .waiter = unmask, .waker = send_one, .reset = empty };

	race_run(test, &race);
}

static void full_with_one_read(struct ring_pair *pair)
{
	const struct vmbus_ring_packet p = {
		.type = VMBUS_RING_INBAND, .payload = pair->tx, .payload_len = 4000,
	};
	struct vmbus_ring_desc d;

	vmbus_ring_clear_want(&pair->w);
	if (!vmbus_ring_write(&pair->w, &p))
		vmbus_ring_commit_write(&pair->w);
	if (!vmbus_ring_peek(&pair->r, &d))
		vmbus_ring_advance(&pair->r, &d);
}

static bool give_back(struct ring_pair *pair)
{
	return vmbus_ring_commit_read(&pair->r);
}

static bool want_space(struct ring_pair *pair)
{
	return vmbus_ring_want_space(&pair->w, 4024);
}

/* The writer asks for room while the reader gives it back. */
static void ring_race_for_room(struct kunit *test)
{
	struct race race = { .waiter = want_space, .waker = give_back,
			     .reset = full_with_one_read };

	race_run(test, &race);
}

static struct kunit_case ring_race_cases[] = {
	KUNIT_CASE_SLOW(ring_two_threads),
	KUNIT_CASE_SLOW(ring_race_for_data),
	KUNIT_CASE_SLOW(ring_race_for_room),
	{}
};

static struct kunit_suite ring_race_suite = {
	.name = "kmcl_ring_race",
	.test_cases = ring_race_cases,
};

kunit_test_suite(ring_race_suite);
