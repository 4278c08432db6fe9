// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring against a model that counts bytes and never wraps.
 */
#include <linux/prandom.h>

#include "ring_test.h"

#define MODEL_STEPS	60000
#define MODEL_QUEUE	4096

struct model_packet {
	u64 id;
	u16 type;
	u32 ranges_len;
	u32 payload_len;
};

/* Positions are counted from the start of the test on, so they only grow. */
struct model {
	u64 in;
	u64 in_published;
	u64 out;
	u64 out_published;
	u32 pending;
	bool masked;
	u64 head;		/* packets read */
	u64 tail;		/* packets written */
	u64 write_signals;
	u64 read_signals;
	struct model_packet queue[MODEL_QUEUE];
};

static u32 model_free(const struct model *m, u32 size)
{
	return size - 8 - (m->in - m->out_published);
}

static u32 model_total(const struct model_packet *p)
{
	u32 total = 16 + (p->payload_len + 7) / 8 * 8 + 8;

	if (p->type == VMBUS_RING_XFER_PAGES || p->type == VMBUS_RING_GPA_DIRECT)
		total += 8 + p->ranges_len;
	return total;
}

static void model_write(struct kunit *test, struct ring_pair *pair, struct model *m,
			struct rnd_state *rnd)
{
	static const u16 types[] = { VMBUS_RING_INBAND, VMBUS_RING_COMPLETION,
				     VMBUS_RING_XFER_PAGES, VMBUS_RING_GPA_DIRECT };
	struct model_packet p = {
		.id = m->tail,
		.type = types[prandom_u32_state(rnd) % 4],
		.ranges_len = prandom_u32_state(rnd) % 8 * 8,
	};
	int expected = 0;

	/* Mostly a small part of the ring, sometimes up to more than fits. */
	p.payload_len = prandom_u32_state(rnd) %
			(prandom_u32_state(rnd) % 8 ? pair->size / 20 : pair->size + 100);
	if (model_total(&p) > pair->size - 8)
		expected = -EMSGSIZE;
	else if (model_total(&p) > model_free(m, pair->size))
		expected = -EAGAIN;
	KUNIT_ASSERT_EQ(test, ring_put(pair, p.type, p.ranges_len, p.payload_len, p.id), expected);
	if (expected)
		return;
	m->queue[m->tail++ % MODEL_QUEUE] = p;
	m->in += model_total(&p);
	m->pending = 0;
}

static void model_commit_write(struct kunit *test, struct ring_pair *pair, struct model *m)
{
	bool signal = m->in != m->in_published && !m->masked && m->out_published == m->in_published;

	KUNIT_ASSERT_EQ(test, vmbus_ring_commit_write(&pair->w), signal);
	m->in_published = m->in;
	m->write_signals += signal;
}

static void model_read(struct kunit *test, struct ring_pair *pair, struct model *m)
{
	const struct model_packet *p = &m->queue[m->head % MODEL_QUEUE];
	struct vmbus_ring_desc d;

	if (m->out == m->in_published) {
		KUNIT_ASSERT_EQ(test, vmbus_ring_peek(&pair->r, &d), -EAGAIN);
		return;
	}
	ring_get(test, pair, p->type, p->ranges_len, p->payload_len, p->id);
	m->out += model_total(p);
	m->head++;
}

static void model_commit_read(struct kunit *test, struct ring_pair *pair, struct model *m)
{
	u64 before = pair->size - 8 - (m->in_published - m->out_published);
	u64 after = pair->size - 8 - (m->in_published - m->out);
	bool signal = before < m->pending && m->pending <= after;

	KUNIT_ASSERT_EQ(test, vmbus_ring_commit_read(&pair->r), signal);
	m->out_published = m->out;
	m->read_signals += signal;
}

static void model_want(struct kunit *test, struct ring_pair *pair, struct model *m,
		       struct rnd_state *rnd)
{
	u32 bytes = 24 + prandom_u32_state(rnd) % (pair->size - 32 - 24) / 8 * 8;
	bool room = model_free(m, pair->size) >= bytes;

	KUNIT_ASSERT_EQ(test, vmbus_ring_want_space(&pair->w, bytes), room);
	m->pending = room ? 0 : max(bytes, ((pair->size - 8) / 4 + 7) / 8 * 8);
}

/* One end or the other does more, by turns, so that the ring gets full and empty. */
static void model_step(struct kunit *test, struct ring_pair *pair, struct model *m,
		       struct rnd_state *rnd, bool filling)
{
	switch (prandom_u32_state(rnd) % 16) {
	case 0 ... 1:
		model_write(test, pair, m, rnd);
		break;
	case 2 ... 3:
		model_read(test, pair, m);
		break;
	case 4 ... 8:
		if (filling)
			model_write(test, pair, m, rnd);
		else
			model_read(test, pair, m);
		break;
	case 9 ... 10:
		model_commit_write(test, pair, m);
		break;
	case 11 ... 12:
		model_commit_read(test, pair, m);
		break;
	case 13:
		vmbus_ring_mask(&pair->r);
		m->masked = true;
		break;
	case 14:
		model_commit_read(test, pair, m);
		KUNIT_ASSERT_EQ(test, vmbus_ring_unmask(&pair->r), m->in_published != m->out);
		m->masked = false;
		break;
	case 15:
		model_commit_write(test, pair, m);
		model_want(test, pair, m, rnd);
		break;
	}
}

static void model_check(struct kunit *test, struct ring_pair *pair, struct model *m)
{
	u32 size = pair->size;

	KUNIT_ASSERT_EQ(test, le32_to_cpu(pair->ctl->in), m->in_published % size);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(pair->ctl->out), m->out_published % size);
	KUNIT_ASSERT_EQ(test, le32_to_cpu(pair->ctl->pending_send_size), m->pending);
	KUNIT_ASSERT_EQ(test, !!pair->ctl->interrupt_mask, m->masked);
	KUNIT_ASSERT_EQ(test, vmbus_ring_own_index(&pair->w), m->in % size);
	KUNIT_ASSERT_EQ(test, vmbus_ring_own_index(&pair->r), m->out % size);
	KUNIT_ASSERT_EQ(test, vmbus_ring_settled(&pair->w), m->in == m->in_published);
	KUNIT_ASSERT_EQ(test, vmbus_ring_settled(&pair->r), m->out == m->out_published);
	KUNIT_ASSERT_EQ(test, vmbus_ring_reader_needs_signal(pair->ctl),
			!m->masked && m->in_published != m->out_published);
	KUNIT_ASSERT_EQ(test, vmbus_ring_writer_needs_signal(pair->ctl, size),
			m->pending &&
			size - 8 - (m->in_published - m->out_published) >= m->pending);
}

static const u32 model_sizes[] = { 4096, 8192, 65536 };

static void model_desc(const u32 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", *size);
}

KUNIT_ARRAY_PARAM(model, model_sizes, model_desc);

static void ring_like_model(struct kunit *test)
{
	u32 step, size = *(const u32 *)test->param_value;
	struct ring_pair *pair = ring_pair_new(test, size);
	const u64 seed = 0x20260801 + size;
	struct rnd_state rnd;
	struct model *m;

	m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	kunit_info(test, "seed %#llx\n", seed);
	prandom_seed_state(&rnd, seed);
	m->masked = true;

	for (step = 0; step < MODEL_STEPS; step++) {
		model_step(test, pair, m, &rnd, step / 100 % 2);
		model_check(test, pair, m);
		if (step % 1000 == 999) {
			/* Either end goes away and comes back. */
			model_commit_write(test, pair, m);
			KUNIT_ASSERT_EQ(test, vmbus_ring_attach_writer(&pair->w), 0);
			m->pending = 0;
			model_commit_read(test, pair, m);
			KUNIT_ASSERT_EQ(test, vmbus_ring_attach_reader(&pair->r), 0);
			m->masked = true;
			model_check(test, pair, m);
		}
	}

	KUNIT_EXPECT_EQ(test, pair->w.stats.packets, m->tail);
	KUNIT_EXPECT_EQ(test, pair->r.stats.packets, m->head);
	KUNIT_EXPECT_EQ(test, pair->w.stats.signals, m->write_signals);
	KUNIT_EXPECT_EQ(test, pair->r.stats.signals, m->read_signals);
	KUNIT_EXPECT_GT(test, m->write_signals, 50);
	KUNIT_EXPECT_GT(test, m->read_signals, 50);
	KUNIT_EXPECT_EQ(test, pair->w.stats.faults + pair->r.stats.faults, 0);
}

static struct kunit_case ring_model_cases[] = {
	KUNIT_CASE_PARAM(ring_like_model, model_gen_params),
	{}
};

static struct kunit_suite ring_model_suite = {
	.name = "kmcl_ring_model",
	.test_cases = ring_model_cases,
};

kunit_test_suite(ring_model_suite);
