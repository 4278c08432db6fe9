/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session of /dev/kmcl: freezes, saves and perhaps commits; or restores.
 */
#ifndef KMCLCTL_SESSION_H
#define KMCLCTL_SESSION_H

#include <linux/kmcl.h>
#include <stdint.h>

#include "memfd.h"

struct session {
	int fd;			/* -1: not open */
};

#define SESSION_NONE { .fd = -1 }

/* All return an exit code, having said what is wrong and what to do. */
int session_open(struct session *s);
int session_freeze(struct session *s, const char *bus, uint32_t deadline_ms, bool handover,
		   uint32_t *channels);
int session_save(struct session *s, struct memfd *set);
int session_info(struct session *s, struct kmcl_session_info *info);
int session_commit(struct session *s);
int session_restore(struct session *s, const struct memfd *set, const char *path,
		    struct kmcl_restore *result);
int session_drop(struct session *s, uint32_t *dropped);
void session_close(struct session *s);

#endif
