// SPDX-License-Identifier: GPL-2.0
/*
 * External memory: what packets describe and do not carry, both ways.
 */
#include <linux/slab.h>

#include "core_test.h"

#define WAIT	VMB_PACKET_FLAG_WAIT_FOR_COMPLETION
#define FORCE	VMB_PACKET_FLAG_FORCE_MDL_LENGTH

/* 3000 bytes in two: 1000 from offset 100 of two pieces, and 2000 of one */
struct mem_chain {
	struct bio_vec bvec[3];
	struct vmb_mdl mdl[2];
};

static struct vmb_mdl *mem_chain(struct kunit *test, struct mem_chain *m)
{
	struct core_env *env = test->priv;
	struct page *page = env->fb->page;

	*m = (struct mem_chain) {
		.bvec = {
			{ .bv_page = page, .bv_offset = 8, .bv_len = 600 },
			{ .bv_page = page, .bv_offset = 1024, .bv_len = 700 },
			{ .bv_page = page, .bv_offset = 2000, .bv_len = 2000 },
		},
		.mdl = {
			{ .next = &m->mdl[1], .bvec = m->bvec, .nr_bvecs = 2, .offset = 100,
			  .length = 1000 },
			{ .bvec = m->bvec + 2, .nr_bvecs = 1, .length = 2000 },
		},
	};
	return m->mdl;
}

/* A client for @size bytes in @chain pieces */
static struct core_chan *mem_client(struct kunit *test, u32 size, u32 chain)
{
	struct core_chan *c = core_client(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, size, chain), 0);
	core_run(c);
	return c;
}

static void mem_expect_mapped(struct core_chan *c, u32 offset, u32 length)
{
	struct fake_packet *p = core_take(c);

	KUNIT_EXPECT_EQ(c->test, p->type, KMCL_PACKET_GPA_DIRECT);
	KUNIT_EXPECT_EQ(c->test, p->flags, KMCL_PACKET_WANTS_COMPLETION);
	KUNIT_EXPECT_EQ(c->test, p->header_len, 24);
	KUNIT_EXPECT_EQ(c->test, c->env->fb->ext_offset, offset);
	KUNIT_EXPECT_EQ(c->test, c->env->fb->ext_length, length);
	core_peer_answer(c, p->id, NULL, 0);
	core_wait(c, CORE_DONE, c->env->fb->nr_ext_map);
	KUNIT_EXPECT_EQ(c->test, c->env->fb->nr_ext_unmap, c->env->fb->nr_ext_map);
	KUNIT_EXPECT_NOT_NULL(c->test, c->env->fb->unmap_mdl);
}

static void ext_whole_chain(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "payload", 7, mem_chain(test, &m), WAIT), 0);
	mem_expect_mapped(c, 0, 3000);
	KUNIT_EXPECT_PTR_EQ(test, c->env->fb->ext_mdl.next, &m.mdl[1]);
}

static void ext_sub_range(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;
	struct vmb_mdl *mdl = mem_chain(test, &m);

	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 900, 200, WAIT),
			0);
	mem_expect_mapped(c, 900, 200);
	/* 0 bytes: the rest */
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 2999, 0, WAIT),
			0);
	mem_expect_mapped(c, 2999, 1);
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 0, 3000, WAIT),
			0);
	mem_expect_mapped(c, 0, 3000);
}

static void ext_returns(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 2500, 2), *none = core_client_running(test);
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;
	struct vmb_mdl *mdl = mem_chain(test, &m), third = m.mdl[1];

#define mem_send(offset, length) \
	vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, offset, length, WAIT)
	KUNIT_EXPECT_EQ(test, mem_send(0, 3001), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem_send(3000, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem_send(2999, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem_send(U32_MAX, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem_send(2, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, mem_send(0, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, mem_send(0, 2501), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, mdl, WAIT), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, NULL, 0, 0, WAIT),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, WAIT | 8),
			-EINVAL);
	/* A chain longer than the limit */
	m.mdl[1].next = &third;
	KUNIT_EXPECT_EQ(test, mem_send(0, 8), -EMSGSIZE);
	m.mdl[1].next = NULL;
	/* Chains that make no sense */
	m.mdl[1].length = 0;
	KUNIT_EXPECT_EQ(test, mem_send(0, 8), -EINVAL);
	m.mdl[1].length = 2001;
	KUNIT_EXPECT_EQ(test, mem_send(0, 8), -EINVAL);
	m.mdl[1].length = 2000;
	m.mdl[0].offset = U32_MAX;
	KUNIT_EXPECT_EQ(test, mem_send(0, 8), -EINVAL);
#undef mem_send
	/* The transport has its say */
	mem_chain(test, &m);
	c->link->limit = 4096;
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_ext_map, 0);
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, WAIT), 0);
	mem_expect_mapped(c, 0, 8);
	/* What is known to be refused is not mapped. */
	KUNIT_ASSERT_EQ(test, vmb_channel_pause(c->ch), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, WAIT),
			-ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_ext_map, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_start(c->ch), 0);
	core_wait(c, CORE_POST_STARTED_END, 2);
	/* What then cannot be sent is unmapped again, and nothing copied back. */
	c->ch->tx_limit = 24;
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, WAIT),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_ext_map, 2);
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_ext_unmap, 2);
	KUNIT_EXPECT_NULL(test, c->env->fb->unmap_mdl);

	pkt = core_packet(none);
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, mdl, WAIT), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, mdl), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, core_count(none, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
}

/* Every form of external memory wants a completion. */
static void d14_completion_required(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct vmb_packet *pkt = core_packet(c);
	unsigned long pfn = page_to_pfn(c->env->fb->page);
	struct mem_chain m;
	struct vmb_mdl *mdl = mem_chain(test, &m);

	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, mdl, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, "x", 1, mdl, 0, 8, FORCE),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, &pfn, 0, 1, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_channel_send_synchronous_request(c->ch, "x", 1, mdl, 0, NULL,
								   NULL, NULL), -EINVAL);
	core_settle(c);
	KUNIT_EXPECT_NULL(test, fake_take(c->link));
	KUNIT_EXPECT_EQ(test, c->env->fb->nr_ext_map, 0);
}

/* Beyond the length of the first of the chain, within its pieces; only that one */
static void ext_force_length(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 1);
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;
	struct vmb_mdl *mdl = mem_chain(test, &m);
	void *warn;

	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 0, 1200,
								WAIT | FORCE), 0);
	/* What the transport is told has that much, and no next. */
	KUNIT_EXPECT_EQ(test, c->env->fb->ext_mdl.length, 1200);
	KUNIT_EXPECT_EQ(test, c->env->fb->ext_mdl.offset, 100);
	KUNIT_EXPECT_NULL(test, c->env->fb->ext_mdl.next);
	KUNIT_EXPECT_EQ(test, m.mdl[0].length, 1000);
	/* Sent again at this moment it is left alone. */
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 0, 8,
								WAIT | FORCE), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	mem_expect_mapped(c, 0, 1200);
	KUNIT_EXPECT_EQ(test, c->env->fb->unmap_mdl->length, 1200);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 0, 1201,
								WAIT | FORCE), -EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 1200, 0,
								WAIT | FORCE), -EINVAL);
	m.mdl[0].offset = 1300;
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_mdl(pkt, NULL, 0, mdl, 0, 0,
								WAIT | FORCE), -EINVAL);
}

static void ext_pfns(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 2 * PAGE_SIZE, 1);
	struct vmb_packet *pkt = core_packet(c);
	unsigned long pfns[4];
	void *warn;
	u32 i;

	for (i = 0; i < 4; i++)
		pfns[i] = page_to_pfn(c->env->fb->page);
	KUNIT_ASSERT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 3, 1, WAIT), 0);
	KUNIT_EXPECT_EQ(test, c->env->fb->ext_mdl.nr_bvecs, 1);
	KUNIT_EXPECT_PTR_EQ(test, c->env->fb->ext_mdl.bvec->bv_page, c->env->fb->page);
	KUNIT_EXPECT_EQ(test, c->env->fb->ext_mdl.bvec->bv_len, PAGE_SIZE);
	warn = core_warn_begin(test);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 0, 1, WAIT),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, core_warn_end(test, warn), 1);
	mem_expect_mapped(c, 0, PAGE_SIZE);
	/* The pages were described until the end. */
	KUNIT_EXPECT_PTR_EQ(test, c->env->fb->unmap_mdl->bvec->bv_page, c->env->fb->page);

	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 0, 3, WAIT),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 0, 0, WAIT),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, NULL, 0, 1, WAIT),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 0, U32_MAX,
								 WAIT), -EMSGSIZE);
	pfns[1] = ~0UL >> PAGE_SHIFT;
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 0, 2, WAIT),
			-EINVAL);
	/* The fake bus maps a page at most: its error is ours. */
	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(pkt, "x", 1, pfns, 2, 2, WAIT),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 1);
}

static void ext_pfns_none(struct kunit *test)
{
	struct core_chan *c = core_client_running(test);
	unsigned long pfn = page_to_pfn(c->env->fb->page);

	KUNIT_EXPECT_EQ(test, vmb_packet_send_with_external_pfns(core_packet(c), "x", 1, &pfn, 0, 1,
								 WAIT), -EOPNOTSUPP);
}

static void ext_no_reservation(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);

	c->env->fb->ext_error = -ENOMEM;
	KUNIT_EXPECT_NULL(test, vmb_packet_allocate(c->ch));
	c->env->fb->ext_error = 0;
	KUNIT_EXPECT_EQ(test, atomic_read(&c->ch->nr_packets), 0);
}

/*
 * Bounced memory: the packet comes back at once, what it was bounced to stays
 * until the peer is through.
 */
static void d06_cancelled_bounce(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct fake_bus *fb = c->env->fb;
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;
	u64 first;

	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, mem_chain(test, &m), WAIT), 0);
	first = core_take(c)->id;
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), 0);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fb->nr_ext_unmap, 0);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, 1);
	/* Sent again it needs another. */
	fb->ext_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, vmb_packet_send(pkt, "x", 1, m.mdl, WAIT), -ENOMEM);
	fb->ext_error = 0;
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, m.mdl, WAIT), 0);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, 2);
	core_peer_answer(c, first, NULL, 0);
	core_peer_answer(c, core_take(c)->id, NULL, 0);
	core_wait(c, CORE_DONE, 2);
	KUNIT_EXPECT_EQ(test, c->ch->stats.late, 1);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, 1);
	KUNIT_EXPECT_EQ(test, fb->nr_ext_unmap, 1);
	KUNIT_EXPECT_PTR_EQ(test, fb->unmap_mdl, &m.mdl[0]);
	core_packet_free(c, pkt);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, 0);
}

static void mem_note_closed(struct core_chan *c)
{
	c->priv = (void *)(unsigned long)c->env->fb->nr_reserved;
}

static void d06_bounce_at_close(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct fake_bus *fb = c->env->fb;
	struct mem_chain m;
	u32 i;

	c->on_closed = mem_note_closed;
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, vmb_packet_send(core_packet(c), "x", 1, mem_chain(test, &m),
						      WAIT), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(c->packets[0]), 0);
	fake_close(c->link, VMB_STOP_PEER_CLOSED);
	core_wait(c, CORE_DONE, 3);
	for (i = 0; i < 3; i++)
		core_packet_free(c, c->packets[i]);
	core_wait(c, CORE_CLOSED, 1);
	core_settle(c);
	/* Freed or not, it stays until the link is gone, and is never copied back. */
	KUNIT_EXPECT_EQ(test, (unsigned long)c->priv, 3);
	KUNIT_EXPECT_EQ(test, fb->nr_reserved, 0);
	KUNIT_EXPECT_EQ(test, fb->nr_ext_unmap, 0);
}

static void mem_note_done(struct core_chan *c, struct vmb_packet *pkt, int status, void *buffer,
			  u32 length)
{
	c->priv = (void *)(unsigned long)(c->link->nr_close + 1);
}

/* Lent memory: the packet comes back only once the link is closed. */
static void d06_lent(struct kunit *test)
{
	struct core_chan *c = mem_client(test, 4096, 2);
	struct fake_bus *fb = c->env->fb;
	struct vmb_packet *pkt = core_packet(c);
	struct mem_chain m;

	c->on_done = mem_note_done;
	KUNIT_ASSERT_EQ(test, vmb_packet_send(pkt, "x", 1, mem_chain(test, &m), WAIT), 0);
	KUNIT_EXPECT_EQ(test, vmb_packet_cancel(pkt), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_count(c, CORE_DONE), 0);
	KUNIT_EXPECT_EQ(test, vmb_channel_disable(c->ch), 0);
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, (unsigned long)c->priv, 2);
	KUNIT_EXPECT_EQ(test, fb->nr_ext_unmap, 1);
	KUNIT_EXPECT_NULL(test, fb->unmap_mdl);
	/* Before Closed */
	KUNIT_EXPECT_LT(test, core_index(c, CORE_DONE, 0), core_index(c, CORE_CLOSED, 0));
}

static void lent_send(struct core_chan *c)
{
	struct mem_chain *m = c->priv;

	KUNIT_EXPECT_EQ(c->test, vmb_packet_send(c->packets[0], "x", 1, m->mdl, WAIT), 0);
	wait_event(c->wait, core_count(c, CORE_DONE));
}

/* A client whose PostStarted waits for a peer that has its memory, @m, and is silent */
static struct core_chan *lent_waiting(struct kunit *test, struct mem_chain *m)
{
	struct core_chan *c = core_client(test);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 4096, 2), 0);
	mem_chain(test, m);
	c->priv = m;
	c->on_post_started = lent_send;
	core_enable(c);
	core_packet(c);
	core_open(c);
	core_take(c);
	return c;
}

/* PostStarted waits for a silent peer that was lent memory: only the link's end ends it. */
static void d06_against_d07(struct kunit *test)
{
	struct mem_chain m;
	struct core_chan *c = lent_waiting(test, &m);
	struct core_kthread *t;

	t = core_thread_start(test, core_do_disable, c);
	KUNIT_ASSERT_EQ(test, core_thread_join(test, t), 0);
	KUNIT_ASSERT_EQ(test, core_count(c, CORE_DONE), 1);
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	/* The link was closed before the memory came back, once, and in the usual order. */
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	KUNIT_EXPECT_EQ(test, c->link->nr_closed, 1);
	core_expect_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_DISABLED);
}

static void d06_against_d07_peer_closes(struct kunit *test)
{
	struct mem_chain m;
	struct core_chan *c = lent_waiting(test, &m);

	fake_close(c->link, VMB_STOP_RESCINDED);
	core_wait_life(c, "ORPSC");
	KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, 0)->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, c->link->nr_close, 1);
	KUNIT_EXPECT_EQ(test, vmb_channel_get_stop_reason(c->ch), VMB_STOP_RESCINDED);
}

static void ext_restored_mdl(struct kunit *test)
{
	struct core_chan *c = core_client(test);
	struct vmb_packet *pkt;
	struct mem_chain m;

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_maximum_external_data(c->ch, 3000, 2), 0);
	pkt = core_packet(c);
	KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, mem_chain(test, &m)), 0);
	KUNIT_EXPECT_EQ(test, pkt->restored_len, 3000);
	KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, NULL), 0);
	m.mdl[0].length = 1001;
	KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, m.mdl), -EMSGSIZE);
	m.mdl[0].length = 0;
	KUNIT_EXPECT_EQ(test, vmb_packet_set_external_mdl(pkt, m.mdl), -EINVAL);
}

static int mem_init_lent(struct kunit *test)
{
	return core_init_caps(test, "fake", FAKE_CAPS_ALL & ~KMCL_CAP_BOUNCE);
}

static struct kunit_case mem_cases[] = {
	KUNIT_CASE(ext_whole_chain),
	KUNIT_CASE(ext_sub_range),
	KUNIT_CASE(ext_returns),
	KUNIT_CASE(d14_completion_required),
	KUNIT_CASE(ext_force_length),
	KUNIT_CASE(ext_pfns),
	KUNIT_CASE(ext_pfns_none),
	KUNIT_CASE(ext_no_reservation),
	KUNIT_CASE(d06_cancelled_bounce),
	KUNIT_CASE(d06_bounce_at_close),
	KUNIT_CASE(ext_restored_mdl),
	{}
};

static struct kunit_case mem_lent_cases[] = {
	KUNIT_CASE(ext_whole_chain),
	KUNIT_CASE(ext_returns),
	KUNIT_CASE(d06_lent),
	KUNIT_CASE(d06_against_d07),
	KUNIT_CASE(d06_against_d07_peer_closes),
	{}
};

static struct kunit_suite mem_suite = {
	.name = "kmcl_external",
	.init = core_init,
	.exit = core_exit,
	.test_cases = mem_cases,
};

static struct kunit_suite mem_lent_suite = {
	.name = "kmcl_external_lent",
	.init = mem_init_lent,
	.exit = core_exit,
	.test_cases = mem_lent_cases,
};

kunit_test_suites(&mem_suite, &mem_lent_suite);
