/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of the hv bus share: channels of the core's kit (core_test.h)
 * on the hv bus, whose host is a stand-in (hv_stand_in.h).
 */
#ifndef _KMCL_HV_TEST_H
#define _KMCL_HV_TEST_H

#include "core_test.h"
#include "hv_stand_in.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION

/* A channel and the offer that it is bound to */
struct hv_pair {
	struct core_chan *c;
	struct stand_in_offer *o;
};

int hv_init(struct kunit *test);
void hv_exit(struct kunit *test);

static inline struct stand_in *hv_host(struct kunit *test)
{
	return ((struct core_env *)test->priv)->host;
}

/* Disabled, of core_type; NULL: of an instance of its own */
struct core_chan *hv_chan(struct kunit *test, bool server, const guid_t *instance);
/* An offer that suits it */
struct stand_in_offer *hv_offer(struct core_chan *c);
/* Enabled, offered, open and started; PostStarted has returned. */
struct hv_pair hv_run(struct core_chan *c);
struct hv_pair hv_running(struct kunit *test, bool server);
/* One with up to @max bytes of payload and rings of @pages, which a client sets */
struct hv_pair hv_running_sized(struct kunit *test, u32 max, u32 pages);

/* The device is with its driver, or is not. */
bool hv_bound(struct stand_in_offer *o);
bool hv_released(struct stand_in_offer *o);

/* A client is through with its link: it can be enabled again. */
void hv_wait_disabled(struct core_chan *c);

/* The packet that the guest wrote next; it is there, or the test ends. */
void hv_take(struct hv_pair *p, struct vmbus_ring_desc *d, void *payload, u32 size);
/* A request, and what the consumer is to answer it with, seen at the host */
void hv_answer(struct hv_pair *p, u64 id, const void *payload, u32 length);
/* Bytes go both ways. */
void hv_expect_works(struct hv_pair *p);

/* Bytes that differ by @seed and by where they are; hv_data(): room for more, too */
void hv_fill(u8 *data, u32 length, u32 seed);
u8 *hv_data(struct kunit *test, u32 length, u32 seed);
/* Four whole pages, zeroed, freed with the test */
u8 *hv_pages(struct kunit *test);

/* Has the log a line that has both, since hv_log_begin()? */
void hv_log_begin(void);
bool hv_log_has(const char *what, const char *also);

#endif /* _KMCL_HV_TEST_H */
