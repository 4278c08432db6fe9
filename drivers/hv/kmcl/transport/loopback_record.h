/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loopback bus's record in a save stream, layout version 1.
 *
 * Little-endian. In this order, each table directly behind the one before:
 *
 *   struct kmcl_lb_rec_header
 *   struct kmcl_lb_rec_link, nr_links times
 *   struct kmcl_lb_rec_gpadl, nr_gpadls times
 *   struct kmcl_lb_rec_run, nr_runs times, in the order of their gfns
 *   the server's control plane, server_len bytes, then zeroes up to 8
 *   the client's control plane, client_len bytes, then zeroes up to 8
 *   zeroes up to a multiple of 4096
 *   the pages of all runs, in the order of the runs, 4096 bytes each
 *
 * What the control planes say of themselves is in vmbus/control_save.h. A link
 * is saved where both its ends are open; all else starts over.
 */
#ifndef _KMCL_LOOPBACK_RECORD_H
#define _KMCL_LOOPBACK_RECORD_H

#include <linux/types.h>

#define KMCL_LB_REC_VERSION	1U
#define KMCL_LB_REC_MAGIC	0x424c4d4bU	/* "KMLB" */

/**
 * struct kmcl_lb_rec_header - how much of what there is
 * @magic: %KMCL_LB_REC_MAGIC
 * @arena_pages: how many page numbers the arena had
 * @nr_links: links
 * @nr_gpadls: GPADLs but those of rings
 * @nr_runs: runs
 * @nr_pages: pages in all runs
 * @server_len: bytes of the server's control plane
 * @client_len: bytes of the client's control plane
 */
struct kmcl_lb_rec_header {
	__le32 magic;
	__le32 arena_pages;
	__le32 nr_links;
	__le32 nr_gpadls;
	__le32 nr_runs;
	__le32 nr_pages;
	__le32 server_len;
	__le32 client_len;
};

/**
 * struct kmcl_lb_rec_link - an open link
 * @type: interface type
 * @instance: interface instance
 * @client_instance: that the client asked for; 0 for any
 * @subchannel: sub-channel index
 * @reserved: 0
 * @ring_handle: GPADL of the rings
 * @ring_first: gfn where their run begins
 * @reserved2: 0
 */
struct kmcl_lb_rec_link {
	__u8 type[16];
	__u8 instance[16];
	__u8 client_instance[16];
	__le16 subchannel;
	__le16 reserved;
	__le32 ring_handle;
	__le32 ring_first;
	__le32 reserved2;
};

/**
 * struct kmcl_lb_rec_gpadl - memory that a client shares
 * @link: index of its link
 * @handle: its handle
 * @first: gfn where its run begins
 * @length: bytes
 */
struct kmcl_lb_rec_gpadl {
	__le32 link;
	__le32 handle;
	__le32 first;
	__le32 length;
};

#define KMCL_LB_REC_READ_ONLY	0x1U

/**
 * struct kmcl_lb_rec_run - a run of the arena
 * @token: names external data; 0 for others
 * @first: first gfn
 * @count: pages
 * @kind: KMCL_ARENA_*
 * @flags: %KMCL_LB_REC_READ_ONLY
 */
struct kmcl_lb_rec_run {
	__le64 token;
	__le32 first;
	__le32 count;
	__le32 kind;
	__le32 flags;
};

#endif /* _KMCL_LOOPBACK_RECORD_H */
