/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the loopback bus share: a link whose two ends the test
 * drives itself, in the core's place. The channels are real ones of the core,
 * but never enabled: all they do is to note what the bus tells them.
 */
#ifndef _KMCL_LOOPBACK_TEST_H
#define _KMCL_LOOPBACK_TEST_H

#include <kunit/test.h>
#include <linux/kmcl.h>

#include "internal.h"
#include "patience.h"
#include "transport/loopback.h"

#define LT_TIMEOUT	KMCL_TEST_PATIENCE
#define LT_LINKS	4

struct lt_link {
	struct vmb_channel *server_channel;
	struct vmb_channel *client_channel;
	struct kmcl_link_params server_params;
	struct kmcl_link_params client_params;
	void *server;
	void *client;
};

struct lt {
	struct kunit *test;
	struct vmb_bus *bus;
	struct kmcl_lb_bus *lb;
	const struct kmcl_transport_ops *ops;
	struct lt_link link[LT_LINKS];
	u32 used;			/* pages of the arena before the test */
};

int lt_init(struct kunit *test);
void lt_exit(struct kunit *test);

/* Attach, and the steps up to a link that is open at both ends */
enum vmb_link_state lt_attach(struct lt *lt, struct vmb_channel *channel,
			      const struct kmcl_link_params *params, void **end);
void lt_attach_server(struct lt *lt, struct lt_link *link);
void lt_attach_client(struct lt *lt, struct lt_link *link);
void lt_open(struct lt *lt, struct lt_link *link);
/* What a core does when a link ends */
void lt_end_server(struct lt *lt, struct lt_link *link);
void lt_end_client(struct lt *lt, struct lt_link *link);

/* Wait for what the bus tells a channel, and forget it */
int lt_wait_open(struct lt *lt, struct vmb_channel *channel);
void lt_wait_close(struct lt *lt, struct vmb_channel *channel, enum vmb_stop_reason reason);
/* Whatever the bus wants to tell has been told. */
void lt_settle(struct lt *lt);
void lt_expect_told_nothing(struct lt *lt, struct vmb_channel *channel);

void lt_send(struct lt *lt, void *end, u64 id, const void *payload, u32 len);
/* Take a packet; expects that it is this one. */
void lt_expect(struct lt *lt, void *end, u64 id, const void *payload, u32 len);
/* An MDL of one piece over @len bytes of kernel memory, freed with the test */
struct vmb_mdl *lt_mdl(struct kunit *test, void *data, u32 len);

/* The bus's record: take it while all is frozen; give it, or a part of it, back. */
struct lt_record {
	u8 *data;
	u32 len;
};

struct lt_record lt_record_take(struct lt *lt);
int lt_record_put(struct lt *lt, const u8 *data, u32 announced, u32 len);
int lt_record_restore(struct lt *lt, const struct lt_record *rec);

static inline struct kmcl_lb_end *lt_end(void *link)
{
	return link;
}

#endif /* _KMCL_LOOPBACK_TEST_H */
