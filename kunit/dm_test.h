/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of kmcl_dm share: an endpoint on a fake bus, whose host is the
 * test itself.
 */
#ifndef _KMCL_DM_TEST_H
#define _KMCL_DM_TEST_H

#include "dm.h"
#include "save_kit.h"

struct dmt {
	struct kunit *test;
	struct fake_bus *fb;
	struct vdm *dm;
	struct fake_link *link;
	struct fake_packet *last;	/* of dmt_expect(); its message is valid until the next */
	u32 reports;			/* seen meanwhile */
	u64 put;			/* messages, on this endpoint */
};

int dmt_init(struct kunit *test);
void dmt_exit(struct kunit *test);

/* An endpoint, of which there may be one at a time; its channel is not open yet. */
struct dmt *dmt_make(struct kunit *test);
void dmt_end(struct dmt *d);
/* The host opens; and takes the first version, and capabilities; on a new one */
void dmt_open(struct dmt *d);
void dmt_negotiate(struct dmt *d);
struct dmt *dmt_ready(struct kunit *test);
/* Its link has ended: wait for the one that takes the next offer. */
void dmt_next_link(struct dmt *d);

/* From the host: @message has room for a header, which is filled in */
void dmt_put(struct dmt *d, enum vdm_type type, void *message, u32 size);
void dmt_put_raw(struct dmt *d, const void *message, u32 length);
void dmt_answer(struct dmt *d, enum vdm_type type, u64 flags);
void dmt_put_balloon(struct dmt *d, u32 pages);
void dmt_put_unballoon(struct dmt *d, const __le64 *ranges, u32 count, u32 flags);

/* To the host: the next message but reports; ends the test where it is another */
void *dmt_expect(struct dmt *d, enum vdm_type type, u32 size);
/* Nothing but reports came, and what was put is dealt with. */
void dmt_expect_nothing(struct dmt *d);
void dmt_settle(struct dmt *d);

u64 dmt_counter(struct dmt *d, enum vdm_counter counter);
enum vdm_state dmt_state(struct dmt *d);

#endif /* _KMCL_DM_TEST_H */
