/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options that several commands have in common, as argp children. Where they
 * have an input, the parent gives it at ARGP_KEY_INIT.
 */
#ifndef KMCLCTL_OPTIONS_H
#define KMCLCTL_OPTIONS_H

#include <argp.h>
#include <stdint.h>

/* What to freeze, and how long that may take: --bus and --deadline, or the latter alone */
struct freeze_options {
	const char *bus;	/* NULL: all */
	uint32_t deadline_ms;	/* 0: as the channels say */
};

extern const struct argp json_argp;	/* --json; no input */
extern const struct argp bus_argp;	/* struct freeze_options */
extern const struct argp deadline_argp;	/* the same */

#endif
