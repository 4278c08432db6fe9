/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_REPORT_H
#define KMCLCTL_REPORT_H

#include <linux/kmcl.h>
#include <stdbool.h>
#include <stdint.h>

/* What a live update did; times in nanoseconds, by the monotonic clock. */
struct report {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	bool dry_run;
	uint64_t kernel_bytes;
	uint64_t initrd_bytes;
	uint64_t set_bytes;
	uint64_t prepare_ns;
	uint64_t trial_ns;
	uint64_t freeze_ns;
	uint64_t save_ns;
	uint64_t check_ns;
	uint64_t edit_ns;
	uint64_t load_ns;
	uint64_t commit_ns;
	uint64_t frozen_ns;	/* from the start of the freeze until now */
	bool edited;
	int before_kexec;	/* exit status of the command, -1: there was none */
	struct kmcl_session_info info;
};

int report_print(const struct report *report);

#endif
