// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus control plane: random histories, and recordings played again.
 *
 * After each step the machine checks itself (ct_check() in ct_run_once()). The
 * seeds are fixed and printed.
 */
#include <linux/string.h>

#include "control_test.h"

#define CTL_CHANNELS	6
#define CTL_HANDLES	12

static u32 ctl_rnd(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

static struct ct_event ctl_event(struct rnd_state *rnd, u32 first, u32 last)
{
	u32 who = 1 + ctl_rnd(rnd, CTL_CHANNELS);

	return (struct ct_event) {
		.op = first + ctl_rnd(rnd, last - first + 1),
		.who = who > 4 ? 0x400 | (who - 4) : who << 8,
		.arg = ctl_rnd(rnd, CTL_HANDLES),
		.arg2 = ctl_rnd(rnd, 3) ? 0 : 5,
	};
}

static void ctl_forget(struct ct_end *end)
{
	end->nr_out = 0;
	end->seen_out = 0;
	end->nr_acts = 0;
	end->seen_acts = 0;
}

/* A message that could be one: small numbers, mostly the right length. */
static size_t ctl_random_message(struct rnd_state *rnd, const u8 *types, u32 nr, u8 *msg)
{
	u32 type = types[ctl_rnd(rnd, nr)], id, handle, i;
	size_t len = VMBUS_MSG_MAX;

	prandom_bytes_state(rnd, msg, VMBUS_MSG_MAX);
	if (!ctl_rnd(rnd, 50))
		return ctl_rnd(rnd, VMBUS_MSG_MAX + 1);
	put_unaligned_le32(type, msg);
	put_unaligned_le32(0, msg + 4);
	id = ctl_rnd(rnd, CTL_CHANNELS + 2);
	/* Mostly a handle that goes with the channel. */
	handle = ctl_rnd(rnd, 4) ? id : ctl_rnd(rnd, CTL_HANDLES);
	put_unaligned_le32(id, msg + 8);
	put_unaligned_le32(handle, msg + 12);
	put_unaligned_le32(ctl_rnd(rnd, 3) ? 0 : 7, msg + 16);
	switch (type) {
	case 5:
		put_unaligned_le32(handle, msg + 16);
		put_unaligned_le32(ctl_rnd(rnd, 10) ? 1 : 0xffffffff, msg + 20);
		put_unaligned_le32(2, msg + 24);
		break;
	case 8:		/* one range of pages; the first words of it */
		i = 4 + ctl_rnd(rnd, 30);
		put_unaligned_le16((1 + i) * 8, msg + 16);
		put_unaligned_le16(1, msg + 18);
		put_unaligned_le64(i * 4096, msg + 20);
		for (i = 0; i < 26; i++)
			put_unaligned_le64(ctl_rnd(rnd, 2000) ? i : CT_PAGES, msg + 28 + 8 * i);
		len = 236 - (ctl_rnd(rnd, 3) ? 0 : 8 * ctl_rnd(rnd, 28));
		break;
	case 9:
		for (i = 0; i < 28; i++)
			put_unaligned_le64(i, msg + 16 + 8 * i);
		break;
	case 12:
		put_unaligned_le32(ctl_rnd(rnd, CTL_HANDLES), msg + 8);
		break;
	case 14:
		put_unaligned_le32(ctl_rnd(rnd, 4) ? 0x50003 : 0x60000, msg + 8);
		memset(msg + 12, 0, 36);
		break;
	case 15:
		put_unaligned_le32(ctl_rnd(rnd, 5) ? 1 : 0, msg + 8);
		break;
	case 22:
		put_unaligned_le32(ctl_rnd(rnd, 10) ? 3 : 0xffffffff, msg + 12);
		break;
	}
	return len;
}

static void ctl_restart_server(struct ct_end **endp, struct rnd_state *rnd)
{
	struct ct_end *old = *endp, *new = ct_again(old);
	u32 i;

	ct_drop(old);
	for (i = 0; i < CTL_CHANNELS; i++) {
		u32 n = i > 3 ? 0x400 | (i - 3) : (i + 1) << 8;
		const struct vmbus_channel_key key = ct_key(n);
		struct vmbus_server_channel *chan;

		if (ctl_rnd(rnd, 4))
			vmbus_server_claim(new->srv, &key, (void *)(unsigned long)n, &chan);
	}
	if (ctl_rnd(rnd, 2))
		vmbus_server_drop_unclaimed(new->srv);
	vmbus_server_start(new->srv);
	*endp = new;
}

/* Whatever was asked is answered. */
static void ctl_answer_all(struct ct_end *end)
{
	u32 i, h;

	for (i = 0; i < CTL_CHANNELS; i++) {
		struct ct_event event = { .who = i > 3 ? 0x400 | (i - 3) : (i + 1) << 8 };

		ct_run(end);
		event.op = CT_EV_OPEN_RESULT;
		ct_do(end, &event);
		ct_run(end);
		event.op = CT_EV_CLOSE_DONE;
		ct_do(end, &event);
		event.op = CT_EV_MODIFY_DONE;
		ct_do(end, &event);
		for (h = 0; h < CTL_HANDLES; h++) {
			event.arg = h;
			event.op = CT_EV_GPADL_DONE;
			ct_do(end, &event);
			ct_run(end);
			event.op = CT_EV_TEARDOWN_DONE;
			ct_do(end, &event);
		}
	}
}

/* The end of it: everything is answered from now on, and has been. */
static void ctl_settle_server(struct ct_end *end)
{
	end->room = -1;
	end->auto_answer = ~0u;
	vmbus_server_start(end->srv);
	ct_run(end);
	ctl_forget(end);
	vmbus_server_reset(end->srv);
	ctl_answer_all(end);
	vmbus_server_connect_done(end->srv, 0);
	ct_run(end);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
	vmbus_server_drop_unclaimed(end->srv);
	ct_run(end);
	vmbus_server_disconnect_done(end->srv);
	ct_run(end);
}

/* 3.5: random messages, random answers, random saves, at every state. */
static void ctl_35_random_server(struct kunit *test)
{
	static const u8 types[] = {
		3, 5, 5, 5, 7, 7, 8, 8, 8, 8, 9, 9, 11, 11, 13, 13, 14, 16, 21, 22, 22, 18, 19, 2,
	};
	const u64 seed = 0x6b6d636c;
	const u32 steps = IS_ENABLED(CONFIG_KASAN) ? 20000 : 60000;
	u64 seen[VMBUS_SC_REOFFERED + 1] = {}, sums[2] = {};
	struct ct_end *end = ct_server(test, NULL);
	struct rnd_state rnd;
	struct ct_event e;
	u32 i, k;

	kunit_info(test, "seed %#llx, %u steps", seed, steps);
	prandom_seed_state(&rnd, seed);
	end->auto_answer = BIT(CT_CONNECT) | BIT(CT_DISCONNECT);
	for (i = 0; i < steps; i++) {
		u8 msg[VMBUS_MSG_MAX];

		switch (ctl_rnd(&rnd, 16)) {
		case 0 ... 6:
			/* Contact and offers at first, and now and then. */
			k = ctl_random_message(&rnd, types, ARRAY_SIZE(types), msg);
			if (k >= 8 && (msg[0] == 13 || msg[0] == 14 || msg[0] == 16) &&
			    ctl_rnd(&rnd, msg[0] == 13 ? 5 : 40))
				break;
			if (vmbus_server_state(end->srv) == VMBUS_DISCONNECTED) {
				k = VMBUS_MSG_MAX;
				memset(msg, 0, k);
				put_unaligned_le32(14, msg);
				put_unaligned_le32(0x50003, msg + 8);
			} else if (!ctl_rnd(&rnd, 20)) {
				put_unaligned_le32(3, msg);
			}
			vmbus_server_receive(end->srv, msg, k);
			break;
		case 7 ... 11:
			e = ctl_event(&rnd, CT_EV_OPEN_RESULT, CT_EV_TEARDOWN_DONE);
			ct_do(end, &e);
			/* What is known to the client by its number answers by that. */
			e = ctl_event(&rnd, CT_EV_GPADL_DONE, CT_EV_TEARDOWN_DONE);
			e.arg = 1 + ctl_rnd(&rnd, CTL_CHANNELS);
			ct_do(end, &e);
			if (vmbus_server_state(end->srv) == VMBUS_DISCONNECTING &&
			    !ctl_rnd(&rnd, 10))
				ctl_answer_all(end);
			break;
		case 12:
			e = ctl_event(&rnd, CT_EV_OFFER, CT_EV_RESUME);
			if (e.op == CT_EV_REVOKE && ctl_rnd(&rnd, 4))
				break;
			ct_do(end, &e);
			break;
		case 13:
			end->room = ctl_rnd(&rnd, 4) ? -1 : ctl_rnd(&rnd, 3);
			end->auto_answer = BIT(CT_CONNECT) | BIT(CT_DISCONNECT) |
					   (prandom_u32_state(&rnd) & BIT(CT_GPADL));
			break;
		case 14:
			if (ctl_rnd(&rnd, 30))
				break;
			if (!ctl_rnd(&rnd, 6))
				vmbus_server_reset(end->srv);
			else if (sums[1]++ < 100)
				ctl_restart_server(&end, &rnd);
			break;
		default:
			ct_run_once(end);
			break;
		}
		ct_check(end);
		ctl_forget(end);
		for (k = 0; k < CTL_CHANNELS; k++) {
			const struct vmbus_channel_key key =
				ct_key(k > 3 ? 0x400 | (k - 3) : (k + 1) << 8);
			struct vmbus_server_channel *chan = vmbus_server_find(end->srv, &key);

			if (chan)
				seen[vmbus_server_channel_state(chan)]++;
		}
	}
	sums[0] = ct_dropped(end);
	for (k = 0; k <= VMBUS_SC_REOFFERED; k++)
		kunit_info(test, "state %u: %llu times", k, seen[k]);
	/* It was everywhere, or it proves nothing. */
	for (k = 0; k <= VMBUS_SC_REOFFERED; k++)
		KUNIT_EXPECT_GT_MSG(test, seen[k], 0, "state %u", k);
	KUNIT_EXPECT_GT(test, sums[0], 0);
	KUNIT_EXPECT_GT(test, sums[1], 1);
	ctl_settle_server(end);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(end->srv), VMBUS_DISCONNECTED);
}

/* Bytes and nothing else: nobody knows where they came from. */
static void ctl_noise(struct kunit *test)
{
	struct ct_end *s = ct_server(test, NULL), *c = ct_client(test);
	const u64 seed = 0x6e6f6973;
	struct rnd_state rnd;
	u32 i;

	kunit_info(test, "seed %#llx", seed);
	prandom_seed_state(&rnd, seed);
	ct_offer(s, 0x100);
	ct_connect(s);
	vmbus_client_connect(c->cl);
	ct_run(c);
	ct_in(c, 15, 2, 1, 1);
	vmbus_client_request_offers(c->cl);
	ct_run(c);
	for (i = 0; i < 5000; i++) {
		u8 msg[VMBUS_MSG_MAX];
		u32 len = ctl_rnd(&rnd, sizeof(msg) + 1);

		prandom_bytes_state(&rnd, msg, sizeof(msg));
		if (i % 2 && len >= 4)
			put_unaligned_le32(ctl_rnd(&rnd, 26), msg);
		ct_in_bytes(s, msg, len);
		ct_in_bytes(c, msg, len);
		ctl_forget(s);
		ctl_forget(c);
	}
	KUNIT_EXPECT_GT(test, ct_dropped(s), 100);
	KUNIT_EXPECT_GT(test, ct_dropped(c), 100);
}

/* The handles that were given last, by channel; one of them, mostly the right one. */
struct ctl_handles {
	u32 last[CTL_CHANNELS];
};

static u32 ctl_index(u32 who)
{
	return (who >> 8) + (who & 0xff) - 1;
}

static u32 ctl_handle(struct ctl_handles *handles, struct rnd_state *rnd, u32 who)
{
	u32 i = ctl_rnd(rnd, 8) ? ctl_index(who) : ctl_rnd(rnd, CTL_CHANNELS);
	u32 last = handles->last[i];

	return last && !ctl_rnd(rnd, 4) ? last - ctl_rnd(rnd, min(last, 8U)) : last;
}

static void ctl_random_offer(struct rnd_state *rnd, u8 *msg)
{
	u32 id = ctl_rnd(rnd, CTL_CHANNELS + 2);
	struct vmbus_channel_key key = ct_key((1 + ctl_rnd(rnd, CTL_CHANNELS)) << 8 |
					      !ctl_rnd(rnd, 4));

	memcpy(msg + 8, &key.type, 16);
	memcpy(msg + 24, &key.instance, 16);
	put_unaligned_le16(key.subchannel, msg + 180);
	put_unaligned_le32(id, msg + 184);
}

static void ctl_35_random_client(struct kunit *test)
{
	static const u8 types[] = {
		1, 1, 2, 4, 6, 6, 6, 10, 10, 10, 12, 12, 15, 17, 23, 24, 20, 5,
	};
	const u64 seed = 0x636c6e74;
	const u32 steps = 60000;
	u64 seen[VMBUS_CC_OPENING_REOPEN + 1] = {};
	struct ct_end *end = ct_client(test);
	struct ctl_handles handles = {};
	u32 i, k, restarts = 0;
	struct rnd_state rnd;
	struct ct_event e;

	kunit_info(test, "seed %#llx, %u steps", seed, steps);
	prandom_seed_state(&rnd, seed);
	end->auto_answer = BIT(CT_RESCIND);
	for (i = 0; i < steps; i++) {
		const u32 who = (1 + ctl_rnd(&rnd, CTL_CHANNELS)) << 8;
		const struct vmbus_channel_key key = ct_key(who);
		struct vmbus_client_channel *chan = vmbus_client_find(end->cl, &key);
		u8 msg[VMBUS_MSG_MAX];
		int ret;

		switch (ctl_rnd(&rnd, 12)) {
		case 0 ... 4:
			k = ctl_random_message(&rnd, types, ARRAY_SIZE(types), msg);
			if (msg[0] == 1)
				ctl_random_offer(&rnd, msg);
			/* Often the answer to what was asked. */
			if (chan && msg[0] == 6 && vmbus_client_channel_open_request(chan))
				put_unaligned_le32(vmbus_client_channel_open_request(chan)->open_id,
						   msg + 12);
			if (chan && (msg[0] == 6 || msg[0] == 10 || msg[0] == 24))
				put_unaligned_le32(vmbus_client_channel_id(chan), msg + 8);
			if (msg[0] == 10 || msg[0] == 12)
				put_unaligned_le32(ctl_handle(&handles, &rnd, who),
						   msg + (msg[0] == 10 ? 12 : 8));
			vmbus_client_receive(end->cl, msg, k);
			break;
		case 5 ... 8:
			e = ctl_event(&rnd, CT_EV_OPEN, CT_EV_RELEASE);
			e.who = who;
			e.arg2 = 2;
			if (e.op == CT_EV_TEARDOWN && ctl_rnd(&rnd, 3))
				e.op = CT_EV_CLOSE;
			if (e.op == CT_EV_CREATE)
				e.arg = 1 + ctl_rnd(&rnd, 60);
			else if (e.op != CT_EV_MODIFY)
				e.arg = ctl_handle(&handles, &rnd, who);
			ret = ct_do(end, &e);
			if (e.op == CT_EV_CREATE && ret > 0)
				handles.last[ctl_index(who)] = ret;
			break;
		case 9:
			end->room = ctl_rnd(&rnd, 4) ? -1 : ctl_rnd(&rnd, 3);
			if (vmbus_client_state(end->cl) == VMBUS_CLIENT_DISCONNECTED)
				vmbus_client_connect(end->cl);
			else
				vmbus_client_request_offers(end->cl);
			if (!ctl_rnd(&rnd, 200))
				vmbus_client_unload(end->cl);
			break;
		case 10:
			if (!ctl_rnd(&rnd, 30) && restarts < 100) {
				struct ct_end *old = end;

				end = ct_again(old);
				ct_drop(old);
				for (k = 1; k <= CTL_CHANNELS; k++) {
					const struct vmbus_channel_key mine = ct_key(k << 8);

					if (ctl_rnd(&rnd, 4))
						vmbus_client_claim(end->cl, &mine, NULL, &chan);
				}
				vmbus_client_drop_unclaimed(end->cl);
				vmbus_client_start(end->cl);
				restarts++;
			}
			break;
		default:
			ct_run_once(end);
			break;
		}
		ct_check(end);
		ctl_forget(end);
		chan = vmbus_client_find(end->cl, &key);
		if (chan)
			seen[vmbus_client_channel_state(chan)]++;
	}
	for (k = 0; k <= VMBUS_CC_OPENING_REOPEN; k++)
		kunit_info(test, "state %u: %llu times", k, seen[k]);
	for (k = 0; k <= VMBUS_CC_OPENING_REOPEN; k++)
		KUNIT_EXPECT_GT_MSG(test, seen[k], 0, "state %u", k);
	KUNIT_EXPECT_GT(test, restarts, 1);
}

/* ---- the two together ---- */

/* One step of the life of both: a local call at either end. */
static void ctl_pair_step(struct ct_end *s, struct ct_end *c, struct rnd_state *rnd,
			  struct ctl_handles *handles)
{
	struct ct_event e;
	int ret;

	if (ctl_rnd(rnd, 2)) {
		e = ctl_event(rnd, CT_EV_OFFER, CT_EV_TEARDOWN_DONE);
		if (e.op == CT_EV_REVOKE && ctl_rnd(rnd, 8))
			e.op = CT_EV_OPEN_RESULT;
		if (e.op == CT_EV_PAUSE && ctl_rnd(rnd, 4))
			e.op = CT_EV_RESUME;
		e.arg = e.op == CT_EV_OFFER ? 0 : ctl_handle(handles, rnd, e.who);
		ct_do(s, &e);
	} else {
		e = ctl_event(rnd, CT_EV_CONNECT, CT_EV_RELEASE);
		if (e.op == CT_EV_UNLOAD && ctl_rnd(rnd, 30))
			e.op = CT_EV_OPEN;
		e.arg2 = 2;
		if (e.op == CT_EV_CREATE)
			e.arg = 4 + ctl_rnd(rnd, 80);
		else if (e.op != CT_EV_MODIFY)
			e.arg = ctl_handle(handles, rnd, e.who);
		ret = ct_do(c, &e);
		if (e.op == CT_EV_CREATE && ret > 0)
			handles->last[ctl_index(e.who)] = ret;
	}
}

/*
 * Ends that keep to the rules never say what the other must drop, but for what
 * crosses a rescind or the close of a primary; through saves and restores.
 */
struct ctl_crossed {
	u64 received, server_revoked, server_state, server_other, client_late, client_wrong;
};

static void ctl_count(struct ctl_crossed *x, struct ct_end *s, struct ct_end *c)
{
	u64 late = ct_drops(c, VMBUS_DROP_REVOKED) + ct_drops(c, VMBUS_DROP_GPADL) +
		   ct_drops(c, VMBUS_DROP_CHANNEL) + ct_drops(c, VMBUS_DROP_NOT_CONNECTED);

	x->received += vmbus_server_stats(s->srv)->received;
	x->server_revoked += ct_drops(s, VMBUS_DROP_REVOKED);
	x->server_state += ct_drops(s, VMBUS_DROP_STATE);
	x->server_other += ct_dropped(s) - ct_drops(s, VMBUS_DROP_REVOKED) -
			   ct_drops(s, VMBUS_DROP_STATE);
	x->client_late += late;
	x->client_wrong += ct_dropped(c) - late;
}

static void ctl_pair_random(struct kunit *test)
{
	struct ct_end *s = ct_server(test, NULL), *c = ct_client(test);
	const u64 seed = 0x70616972;
	const u32 steps = 30000;
	struct ctl_crossed x = {};
	struct ctl_handles handles = {};
	struct rnd_state rnd;
	u32 i, k, restarts = 0;

	kunit_info(test, "seed %#llx, %u steps", seed, steps);
	prandom_seed_state(&rnd, seed);
	ct_join(s, c);
	c->auto_answer = BIT(CT_RESCIND);
	for (i = 0; i < steps; i++) {
		ctl_pair_step(s, c, &rnd, &handles);
		s->auto_answer = BIT(CT_CONNECT) | BIT(CT_DISCONNECT) | BIT(CT_GPADL) |
				 BIT(CT_TEARDOWN) | BIT(CT_CLOSE);
		if (ctl_rnd(&rnd, 3))
			s->auto_answer &= prandom_u32_state(&rnd) | BIT(CT_CONNECT) |
					  BIT(CT_DISCONNECT);
		if (ctl_rnd(&rnd, 2))
			ct_run_once(ctl_rnd(&rnd, 2) ? s : c);
		else if (ctl_rnd(&rnd, 2))
			ct_run_pair(s, c);
		s->room = ctl_rnd(&rnd, 4) ? -1 : ctl_rnd(&rnd, 4);
		c->room = ctl_rnd(&rnd, 4) ? -1 : ctl_rnd(&rnd, 4);
		ctl_forget(s);
		ctl_forget(c);
		if (i % 500 == 499) {
			struct ct_end *s2 = ct_again(s), *c2 = ct_again(c);

			ctl_count(&x, s, c);
			ct_join(s2, c2);
			ct_drop(s);
			ct_drop(c);
			s = s2;
			c = c2;
			for (k = 1; k <= CTL_CHANNELS; k++) {
				u32 n = k > 4 ? 0x400 | (k - 4) : k << 8;
				const struct vmbus_channel_key key = ct_key(n);
				struct vmbus_server_channel *sc;
				struct vmbus_client_channel *cc;

				vmbus_server_claim(s->srv, &key, (void *)(unsigned long)n, &sc);
				vmbus_client_claim(c->cl, &key, (void *)(unsigned long)n, &cc);
			}
			vmbus_server_drop_unclaimed(s->srv);
			vmbus_client_drop_unclaimed(c->cl);
			vmbus_server_start(s->srv);
			vmbus_client_start(c->cl);
			restarts++;
		}
	}
	ctl_count(&x, s, c);
	kunit_info(test, "server: %llu read, %llu after a rescind, %llu after a primary's close",
		   x.received, x.server_revoked, x.server_state);
	kunit_info(test, "client: %llu after it let go", x.client_late);
	KUNIT_EXPECT_EQ(test, x.server_other, 0);
	KUNIT_EXPECT_EQ(test, x.client_wrong, 0);
	KUNIT_EXPECT_GT(test, x.received, steps / 20);
	KUNIT_EXPECT_GT(test, restarts, 1);
	/* And it all comes to its end. */
	s->room = -1;
	c->room = -1;
	ct_run_pair(s, c);
	vmbus_client_unload(c->cl);
	ct_run_pair(s, c);
	s->peer = NULL;
	for (i = 0; i < CTL_CHANNELS; i++) {
		struct ct_event e = {
			.op = CT_EV_REVOKE, .who = i > 3 ? 0x400 | (i - 3) : (i + 1) << 8,
		};

		ct_do(s, &e);
	}
	ctl_settle_server(s);
	KUNIT_EXPECT_EQ(test, (int)vmbus_server_state(s->srv), VMBUS_DISCONNECTED);
}

/*
 * A recording of all that went into one end, played to a fresh one that has no
 * peer: the same messages come out, and the same is done.
 */
static void ctl_replay(struct kunit *test)
{
	u64 seed;

	for (seed = 0x7461706531; seed < 0x7461706531 + 4; seed++) {
		struct ct_end *live[2] = { ct_server(test, NULL), ct_client(test) };
		struct ct_end *s = live[0], *c = live[1];
		struct rnd_state rnd;
		struct ctl_handles handles = {};
		u32 i, k;

		kunit_info(test, "seed %#llx", seed);
		prandom_seed_state(&rnd, seed);
		ct_join(s, c);
		for (i = 0; i < 2; i++) {
			live[i]->auto_answer = BIT(CT_RESCIND) | BIT(CT_CONNECT) |
					       BIT(CT_DISCONNECT) | BIT(CT_GPADL) |
					       BIT(CT_TEARDOWN) | BIT(CT_CLOSE);
			ct_record(live[i]);
		}
		for (i = 0; i < 1500; i++) {
			ctl_pair_step(s, c, &rnd, &handles);
			ct_run_pair(s, c);
		}
		/* Nothing was refused on the way: order is all there is. */
		KUNIT_EXPECT_EQ(test, vmbus_client_stats(c->cl)->full, 0);
		for (i = 0; i < 2; i++) {
			struct ct_end *again = i ? ct_client(test) : ct_server(test, NULL);

			again->auto_answer = live[i]->auto_answer;
			for (k = 0; k < live[i]->nr_tape; k++)
				ct_do(again, &live[i]->tape[k]);
			KUNIT_EXPECT_GT(test, live[i]->nr_out, 100);
			KUNIT_ASSERT_EQ(test, again->nr_out, live[i]->nr_out);
			for (k = 0; k < again->nr_out; k++) {
				KUNIT_ASSERT_EQ(test, again->out[k].len, live[i]->out[k].len);
				KUNIT_ASSERT_MEMEQ(test, again->out[k].data, live[i]->out[k].data,
						   again->out[k].len);
			}
			KUNIT_ASSERT_EQ(test, again->nr_acts, live[i]->nr_acts);
			KUNIT_EXPECT_MEMEQ(test, again->acts, live[i]->acts,
					   again->nr_acts * sizeof(*again->acts));
		}
	}
}

static struct kunit_case ctl_random_cases[] = {
	KUNIT_CASE_SLOW(ctl_35_random_server),
	KUNIT_CASE_SLOW(ctl_35_random_client),
	KUNIT_CASE(ctl_noise),
	KUNIT_CASE_SLOW(ctl_pair_random),
	KUNIT_CASE(ctl_replay),
	{}
};

static struct kunit_suite ctl_random_suite = {
	.name = "control_random",
	.test_cases = ctl_random_cases,
};

kunit_test_suite(ctl_random_suite);
