// SPDX-License-Identifier: GPL-2.0
/*
 * The report of a live update, for a person or as JSON.
 */
#include <inttypes.h>
#include <stdio.h>

#include "kmclctl.h"
#include "report.h"

static uint64_t packets(const struct kmcl_session_info *info)
{
	return info->sent + info->queued + info->received + info->taken + info->completions +
		info->unread_server + info->unread_client;
}

static json_t *report_json(const struct report *r)
{
	const struct kmcl_session_info *info = &r->info;
	json_t *times, *counts;

	times = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			  "prepare", (json_int_t)r->prepare_ns,
			  "trial_load", (json_int_t)r->trial_ns,
			  "freeze", (json_int_t)r->freeze_ns,
			  "save", (json_int_t)r->save_ns,
			  "check", (json_int_t)r->check_ns,
			  "edit", (json_int_t)r->edit_ns,
			  "load", (json_int_t)r->load_ns,
			  "commit", (json_int_t)r->commit_ns,
			  "frozen", (json_int_t)r->frozen_ns,
			  "kernel_freeze", (json_int_t)info->freeze_ns,
			  "kernel_save", (json_int_t)info->save_ns);
	counts = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			   "sent", (json_int_t)info->sent,
			   "queued", (json_int_t)info->queued,
			   "received", (json_int_t)info->received,
			   "taken", (json_int_t)info->taken,
			   "completions", (json_int_t)info->completions,
			   "unread_server", (json_int_t)info->unread_server,
			   "unread_client", (json_int_t)info->unread_client,
			   "total", (json_int_t)packets(info));
	return json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:I, s:I, s:I, s:b, s:o, s:o, s:o}",
			 "result", r->dry_run ? "dry-run" : "kexec",
			 "kernel", json_text(r->kernel), "initrd", json_text(r->initrd),
			 "cmdline", json_text(r->cmdline),
			 "channels", info->channels, "buses", info->buses,
			 "bytes", (json_int_t)r->set_bytes,
			 "kernel_bytes", (json_int_t)r->kernel_bytes,
			 "initrd_bytes", (json_int_t)r->initrd_bytes, "edited", r->edited,
			 "times_ns", times, "packets", counts, "before_kexec",
			 r->before_kexec < 0 ? json_null() : json_integer(r->before_kexec));
}

static void print_time(const char *what, uint64_t ns)
{
	printf("  %-12s%10s\n", what, format_time(ns));
}

static void print_count(const char *what, uint64_t count)
{
	printf("  %-40s%10" PRIu64 "\n", what, count);
}

static void report_text(const struct report *r)
{
	const struct kmcl_session_info *info = &r->info;

	printf("live update%s: %s on %s, %s saved\n",
	       r->dry_run ? " (dry run)" : "", format_channels(info->channels),
	       format_buses(info->buses),
	       format_bytes(r->set_bytes));
	printf("  kernel      %s (%s)\n", r->kernel, format_bytes(r->kernel_bytes));
	printf("  initrd      %s (%s)\n", r->initrd, format_bytes(r->initrd_bytes));
	printf("  cmdline     %s\n", r->cmdline);
	puts("times");
	print_time("prepare", r->prepare_ns);
	print_time("trial load", r->trial_ns);
	print_time("freeze", r->freeze_ns);
	print_time("save", r->save_ns);
	print_time("check", r->check_ns);
	if (r->edited)
		print_time("edit", r->edit_ns);
	print_time("load", r->load_ns);
	if (!r->dry_run)
		print_time("commit", r->commit_ns);
	print_time("frozen", r->frozen_ns);
	puts("packets saved");
	print_count("sent and waiting for completion", info->sent);
	print_count("queued and not in the ring", info->queued);
	print_count("received and held", info->received);
	print_count("taken and not delivered", info->taken);
	print_count("completions not in the ring", info->completions);
	print_count("unread in rings that servers read", info->unread_server);
	print_count("unread in rings that clients read", info->unread_client);
	print_count("all", packets(info));
	if (r->before_kexec >= 0)
		printf("before-kexec command: exit status %d\n", r->before_kexec);
}

/* All of it is out when this returns: the next thing may be the kexec. */
int report_print(const struct report *r)
{
	int code = EXIT_DONE;

	if (want_json)
		code = print_json(report_json(r));
	else
		report_text(r);
	return code ? code : finish_output();
}
