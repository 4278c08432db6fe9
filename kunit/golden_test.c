// SPDX-License-Identifier: GPL-2.0
/*
 * Streams of released versions, as files of the tree (kunit/golden, made by
 * tools/lab/golden): what they hold is restored for ever, and today's version is
 * still written as it was. kmclctl's tests read the same files.
 */
#include <linux/string.h>

#include "save_kit.h"

/* Each is one server's set, of the same consumer and the same packets. */
asm(".pushsection .rodata\n"
	"golden_v1_set:\n"
	".incbin \"" GOLDEN "/v1-set.stream\"\n"
	"golden_v1_set_end:\n"
	".byte 0\n"
	".popsection\n");
extern const u8 golden_v1_set[], golden_v1_set_end[];

static const guid_t golden_bus =
	GUID_INIT(0x6b6d636c, 0x676f, 0x6c64, 0x8a, 0x51, 0, 0, 0, 0, 0, 1);
static const guid_t golden_instance =
	GUID_INIT(0x6b6d636c, 0x676f, 0x6c64, 0x8a, 0x51, 0, 0, 0, 0, 0, 2);

static int golden_init(struct kunit *test)
{
	int ret = core_init_caps(test, "golden", FAKE_CAPS_ALL);
	struct core_env *env = test->priv;
	u32 i;

	if (ret)
		return ret;
	guid_copy(&env->fb->bus->id, &golden_bus);
	for (i = 0; i < sizeof(env->fb->record); i++)
		env->fb->record[i] = i * 3;
	return 0;
}

static struct kit_stream golden_copy(struct kunit *test)
{
	struct kit_stream set = kit_stream_new(test);

	set.len = golden_v1_set_end - golden_v1_set;
	KUNIT_ASSERT_GT_MSG(test, set.len, 0, "kunit/golden/v1-set.stream is empty");
	memcpy(set.data, golden_v1_set, set.len);
	return set;
}

/* The consumer that all of them are of */
static struct kit *golden_make(struct kunit *test)
{
	struct kit *k = kit_make(test, true, &golden_instance);

	KUNIT_ASSERT_EQ(test, vmb_channel_init_set_friendly_name(k->c->ch, "golden"), 0);
	return k;
}

/* All of it is there, and every transaction ends as it should. */
static void golden_expect_restored(struct kit *k)
{
	struct core_chan *c = k->c;
	struct kunit *test = k->test;
	u32 i;

	KUNIT_ASSERT_EQ(test, k->nr_bad, 0);
	KUNIT_ASSERT_STREQ(test, k->order, "srrppppp");
	KUNIT_EXPECT_EQ(test, vmb_channel_get_link_state(c->ch), VMB_LINK_KEPT);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 102);
	for (i = KIT_SENT; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_take(c)->id, k->packets[i]->id);
	for (i = 0; i < KIT_PACKETS - 1; i++)
		core_peer_answer(c, k->packets[i]->id, NULL, 0);
	core_wait(c, CORE_DONE, KIT_PACKETS);
	for (i = 0; i < KIT_PACKETS; i++)
		KUNIT_EXPECT_EQ(test, core_event(c, CORE_DONE, i)->status, 0);
	core_wait(c, CORE_PACKET, KIT_TAKEN);
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 0)->data, "external");
	KUNIT_EXPECT_STREQ(test, (char *)core_event(c, CORE_PACKET, 1)->data, "behind");
	for (i = 0; i < KIT_RECEIVED; i++)
		vmb_channel_packet_complete(k->received[i], "x", 1);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 100);
	KUNIT_EXPECT_EQ(test, core_take(c)->id, 101);
}

static void golden_restore(struct kunit *test, const struct kit_stream *set)
{
	struct core_env *env = test->priv;
	struct kit *k;

	KUNIT_ASSERT_EQ(test, kit_take_in(test, set, 4096), 0);
	KUNIT_EXPECT_MEMEQ(test, env->fb->restored, env->fb->record, sizeof(env->fb->record));
	/* The external memory that the stream names */
	env->fb->next_token = 16;
	k = golden_make(test);
	core_enable(k->c);
	vmb_channel_start(k->c->ch);
	core_wait_life(k->c, "ORP");
	golden_expect_restored(k);
	kit_end(k);
}

static void golden_old_is_read(struct kunit *test)
{
	struct kit_stream set = golden_copy(test);

	golden_restore(test, &set);
}

static void golden_set_features(struct kmcl_chunk *chunk, u32 compat, u32 incompat)
{
	struct kmcl_stream_header *head = (void *)(chunk + 1);

	head->compat = cpu_to_le32(compat);
	head->incompat = cpu_to_le32(incompat);
	kit_seal(chunk);
}

/* What a later version adds and an older one may ignore is ignored. */
static void golden_new_features_ignored(struct kunit *test)
{
	struct kit_stream set = golden_copy(test);
	struct kmcl_chunk *chunk;
	u32 n;

	for (n = 0; (chunk = kit_chunk(&set, n)); n++)
		if (le32_to_cpu(chunk->type) == KMCL_CHUNK_HEADER)
			golden_set_features(chunk, 0x80000001, 0);
	golden_restore(test, &set);
}

/* What it must know and does not is refused, in whichever stream of the set. */
static void golden_new_features_refused(struct kunit *test)
{
	struct kit_stream set = golden_copy(test);
	struct kmcl_chunk *chunk;
	u32 n, headers = 0;

	for (n = 0; (chunk = kit_chunk(&set, n)); n++) {
		if (le32_to_cpu(chunk->type) != KMCL_CHUNK_HEADER)
			continue;
		golden_set_features(chunk, 0, 0x80000000);
		KUNIT_EXPECT_EQ_MSG(test, kit_take_in(test, &set, 4096), -EOPNOTSUPP, "chunk %u",
				    n);
		golden_set_features(chunk, 0, 0);
		headers++;
	}
	KUNIT_EXPECT_EQ(test, headers, 3);
	KUNIT_EXPECT_EQ(test, kmcl_store_drop(), 0);
	golden_restore(test, &set);
}

/* What tools/lab/golden makes a file of */
static void golden_print(const struct kit_stream *set)
{
	u32 at;

	for (at = 0; at < set->len; at += 32)
		pr_info("golden: %04x %*phN\n", at, (int)min(set->len - at, 32U), set->data + at);
}

/* Byte by byte, but for the save's id and the sums, which have it */
static bool golden_same(struct kmcl_chunk *a, struct kmcl_chunk *b)
{
	u32 length = le32_to_cpu(a->length);

	return a->type == b->type && a->length == b->length && a->flags == b->flags &&
	       a->seq == b->seq && !memcmp(a + 1, b + 1, ALIGN(length, KMCL_CHUNK_ALIGN));
}

static void golden_same_is_written(struct kunit *test)
{
	struct kit *k = golden_make(test);
	struct kit_stream old, set;
	struct kmcl_chunk *was, *is;
	u32 n;

	core_run(k->c);
	kit_populate(k);
	kit_freeze(test);
	set = kit_read_set(test);
	kit_session_close(test);
	golden_print(&set);
	old = golden_copy(test);
	for (n = 0; (was = kit_chunk(&old, n)) && (is = kit_chunk(&set, n)); n++)
		KUNIT_EXPECT_TRUE_MSG(test, golden_same(was, is), "chunk %u, type %u", n,
				      le32_to_cpu(was->type));
	KUNIT_EXPECT_EQ(test, kit_chunks(&old), kit_chunks(&set));
	KUNIT_EXPECT_EQ(test, old.len, set.len);
}

static struct kunit_case golden_cases[] = {
	KUNIT_CASE(golden_old_is_read),
	KUNIT_CASE(golden_new_features_ignored),
	KUNIT_CASE(golden_new_features_refused),
	KUNIT_CASE(golden_same_is_written),
	{}
};

static struct kunit_suite golden_suite = {
	.name = "kmcl_golden",
	.init = golden_init,
	.exit = kit_exit,
	.test_cases = golden_cases,
};

kunit_test_suite(golden_suite);
