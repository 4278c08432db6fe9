/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of the core share: channels on a fake bus whose callbacks
 * write a log, and ways to wait for what the log should say.
 *
 * A suite has .init = core_init, .exit = core_exit; test->priv is then a
 * struct core_env. Whatever a test leaves behind, core_exit() ends: threads are
 * joined, packets completed and freed, channels disabled and cleaned up, and
 * nothing of the bus may be left reserved or pinned.
 */
#ifndef _KMCL_CORE_TEST_H
#define _KMCL_CORE_TEST_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "fake_bus.h"
#include "patience.h"

#define CORE_LOG_MAX	1024
#define CORE_LIFE_MAX	4096
#define CORE_DATA_MAX	32
#define CORE_PACKETS	64
#define CORE_TIMEOUT	KMCL_TEST_PATIENCE

enum core_event {
	CORE_OPENED,
	CORE_CLOSED,
	CORE_SUSPEND,
	CORE_STARTED,
	CORE_POST_STARTED,
	CORE_POST_STARTED_END,		/* its hook returned */
	CORE_PNP_FAILURE,
	CORE_PACKET,			/* process-packet */
	CORE_BATCH,			/* processing-complete */
	CORE_DONE,			/* a packet's completion routine */
	CORE_SAVE,
	CORE_RESTORE,
	CORE_NR_EVENTS,
};

struct core_record {
	enum core_event event;
	void *object;			/* vmb_packet or vmb_packet_completion */
	void *buffer;			/* as given to the callback */
	int status;
	u32 length;			/* of a batch: packets */
	u32 flags;
	bool in_task;
	u8 data[CORE_DATA_MAX];		/* the first bytes of the payload */
};

/* Hooks run after the event was logged. */
struct core_chan {
	struct list_head node;
	struct core_env *env;
	struct kunit *test;
	struct vmb_channel *ch;
	struct fake_link *link;		/* the last one: core_enable() */
	struct vmb_packet *packets[CORE_PACKETS];

	/* What the test sets */
	int opened_ret;
	bool complete_inline;		/* received packets, with nothing */
	void (*on_opened)(struct core_chan *c);
	void (*on_closed)(struct core_chan *c);
	void (*on_suspend)(struct core_chan *c);
	void (*on_started)(struct core_chan *c);
	void (*on_post_started)(struct core_chan *c);
	void (*on_pnp_failure)(struct core_chan *c, int status);
	void (*on_packet)(struct core_chan *c, struct vmb_packet_completion *pkt, void *buffer,
			  u32 length, u32 flags);
	void (*on_batch)(struct core_chan *c, u32 packets);
	void (*on_done)(struct core_chan *c, struct vmb_packet *pkt, int status, void *buffer,
			u32 length);
	void *priv;
	struct completion gate;		/* for hooks to wait on */

	/* The log; read it with the helpers */
	spinlock_t lock;
	wait_queue_head_t wait;
	u32 counts[CORE_NR_EVENTS];
	u32 nr;
	struct core_record *log;
	u32 nr_life;
	char *life;
};

struct core_kthread {
	struct list_head node;
	struct task_struct *task;
	struct completion done;
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

struct stand_in;

struct core_env {
	struct kunit *test;
	struct vmb_bus *bus;
	struct fake_bus *fb;		/* which is @bus, or NULL */
	struct stand_in *host;		/* or this one is: hv_test.h */
	struct list_head chans;
	struct list_head taken;		/* fake_packets of core_take() */
	struct list_head threads;
};

extern const guid_t core_type;

/* For suites on other buses; test->priv is the environment. */
struct core_env *core_env_make(struct kunit *test);
void core_env_end(struct core_env *env);

int core_init(struct kunit *test);
int core_init_caps(struct kunit *test, const char *name, u32 caps);
void core_exit(struct kunit *test);

/* Channels, configured with the recording callbacks, Disabled */
struct core_chan *core_server(struct kunit *test);
struct core_chan *core_client(struct kunit *test);
/* The same, enabled, opened, started; PostStarted has returned. */
struct core_chan *core_server_running(struct kunit *test);
struct core_chan *core_client_running(struct kunit *test);
/* One with callbacks, of this instance (NULL: one of its own). */
struct core_chan *core_chan_make(struct kunit *test, bool server, struct fake_bus *fb,
				 const guid_t *instance);
struct core_chan *core_chan_make_on(struct kunit *test, bool server, struct vmb_bus *bus,
				    const guid_t *instance);
/* Disable and clean up before the end of the test. */
void core_chan_end(struct core_chan *c);
void core_enable(struct core_chan *c);
void core_open(struct core_chan *c);	/* the peer opens, or grants it */
void core_run(struct core_chan *c);	/* enable, start, open; PostStarted returned */

/*
 * Life so far, a letter each: Opened O, staRted R, PostStarted P, Suspend S,
 * Closed C, PnP failure F.
 */
bool core_life_is(struct core_chan *c, const char *life);
bool core_life_reached(struct core_chan *c, const char *life);
u32 core_count(struct core_chan *c, enum core_event event);
bool core_reached(struct core_chan *c, enum core_event event, u32 n);
/* The @n-th record of its kind, from 0; NULL where there is none. */
struct core_record *core_event(struct core_chan *c, enum core_event event, u32 n);
/* Its place among all records; U32_MAX: none. */
u32 core_index(struct core_chan *c, enum core_event event, u32 n);

/* Wait for it; end the test where it does not come. */
#define core_wait(c, event, n) \
	KUNIT_ASSERT_TRUE_MSG((c)->test, core_reached(c, event, n), \
			      "event %d came %u times, not %u; life %s", event, \
			      core_count(c, event), (u32)(n), (c)->life)
#define core_wait_life(c, what) \
	KUNIT_ASSERT_TRUE_MSG((c)->test, core_life_reached(c, what), \
			      "life is %s, not %s", (c)->life, what)
#define core_expect_life(c, what) \
	KUNIT_EXPECT_TRUE_MSG((c)->test, core_life_is(c, what), \
			      "life is %s, not %s", (c)->life, what)

/* Wait for what writes no log, such as that another thread has come so far. */
#define core_until(c, condition) \
do { \
	unsigned long core_until_end = jiffies + CORE_TIMEOUT; \
	while (!(condition) && time_before(jiffies, core_until_end)) \
		schedule_timeout_uninterruptible(1); \
	KUNIT_ASSERT_TRUE_MSG((c)->test, condition, "%s never came", #condition); \
} while (0)

/* The work that was due when it was called is done: for "nothing happens". */
void core_settle(struct core_chan *c);

/* A packet with the recording routine, freed at the end; or now. */
struct vmb_packet *core_packet(struct core_chan *c);
void core_packet_free(struct core_chan *c, struct vmb_packet *pkt);
void core_done(struct vmb_packet *pkt, int status, void *buffer, u32 length);

/* The peer: a request (wants a completion), a message (does not), an answer */
void core_peer_request(struct core_chan *c, u64 id, const void *payload, u32 length);
void core_peer_message(struct core_chan *c, u64 id, const void *payload, u32 length);
void core_peer_answer(struct core_chan *c, u64 id, const void *payload, u32 length);
/* What the channel published next; waits for it. Freed at the end of the test. */
struct fake_packet *core_take(struct core_chan *c);

/* The @n-th packet that was delivered; ends the test where there is none. */
struct vmb_packet_completion *core_received(struct core_chan *c, u32 n);

/* Threads */
struct core_kthread *core_thread_start(struct kunit *test, int (*fn)(void *arg), void *arg);
bool core_thread_ended(struct core_kthread *t);
int core_thread_join(struct kunit *test, struct core_kthread *t);
/* fn for core_thread_start(), with the struct core_chan as argument */
int core_do_enable(void *c);
int core_do_disable(void *c);
int core_do_pause(void *c);

/*
 * A WARN that this very task is about to make: no report, and counted. Returns
 * a handle for core_warn_end(), which returns how many there were. In a
 * callback: only where that runs in process context.
 */
void *core_warn_begin(struct kunit *test);
int core_warn_end(struct kunit *test, void *handle);

#endif /* _KMCL_CORE_TEST_H */
