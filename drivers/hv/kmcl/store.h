/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Saved channels that wait for their consumer.
 */
#ifndef _KMCL_STORE_H
#define _KMCL_STORE_H

#include <linux/list.h>
#include <uapi/linux/kmcl.h>

struct vmb_bus;
struct vmb_channel;

/**
 * struct kmcl_saved - the stream of one channel
 * @node: in the store, or in a session's list
 * @identity: whose, once its channel record is in
 * @name: the same
 * @pieces: &struct kmcl_piece, in order
 */
struct kmcl_saved {
	struct list_head node;
	struct kmcl_identity identity;
	char name[KMCL_NAME_MAX];
	struct list_head pieces;
};

/**
 * struct kmcl_piece - whole chunks of a stream
 * @node: in kmcl_saved.pieces
 * @size: bytes of @data in use
 * @room: bytes of @data
 * @data: the chunks
 */
struct kmcl_piece {
	struct list_head node;
	u32 size;
	u32 room;
	u8 data[];
};

struct kmcl_saved *kmcl_saved_alloc(void);
int kmcl_saved_append(struct kmcl_saved *saved, const void *data, u32 size);
int kmcl_saved_identify(struct kmcl_saved *saved, const struct kmcl_chunk *chunk);
void kmcl_saved_free(struct kmcl_saved *saved);

struct kmcl_saved *kmcl_store_next(struct kmcl_saved *saved, const struct vmb_bus *bus);
bool kmcl_store_has(struct vmb_channel *ch);
int kmcl_store_check(struct list_head *list);
int kmcl_store_add(struct list_head *list);
int kmcl_store_change_begin(void);
void kmcl_store_change_end(void);
u32 kmcl_store_drop(void);
void kmcl_store_release_waiters(void);
void kmcl_store_kick(void);
void kmcl_store_set_awaiting(void);
ssize_t kmcl_store_show(char *buf);

#endif /* _KMCL_STORE_H */
