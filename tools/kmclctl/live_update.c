// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl live-update: the order matters. Everything that can fail is tried
 * while all still runs; from the freeze on only memory is touched; up to the
 * commit every failure undoes it all.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmdline.h"
#include "cpio.h"
#include "kernel.h"
#include "kexec.h"
#include "kmclctl.h"
#include "options.h"
#include "report.h"
#include "session.h"
#include "signals.h"
#include "stream.h"

/* Memory that is there before the freeze; a larger set takes more then. */
#define SET_RESERVE (32 * 1024 * 1024)

static struct {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *before_kexec;
	const char *edit_stream;
	struct freeze_options freeze;
	bool reuse_cmdline;
	bool dry_run;
	bool replace;
} opt;

static const struct argp_option options[] = {
	{ "kernel", OPT_KERNEL, "FILE", 0, "The kernel to go to", 0 },
	{ "initrd", OPT_INITRD, "FILE", 0,
	  "Its initramfs, which has to run \"kmclctl restore /kmcl/stream\"", 0 },
	{ "append", OPT_APPEND, "TEXT", 0,
	  "Its command line, instead of the running kernel's", 0 },
	{ "reuse-cmdline", OPT_REUSE_CMDLINE, NULL, 0,
	  "The running kernel's command line, and after it that of --append (the default "
	  "without --append)", 0 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0,
	  "Do all up to the commit, then undo it and report", 0 },
	{ "replace", OPT_REPLACE, NULL, 0, "Replace a kernel that is loaded for kexec already", 0 },
	{ "before-kexec", OPT_BEFORE_KEXEC, "COMMAND", 0,
	  "Run a shell command between the commit and the kexec", 0 },
	{ "edit-stream", OPT_EDIT_STREAM, "COMMAND", 0,
	  "For tests: run a shell command on the saved set, whose path is its last argument; what "
	  "it leaves there is not checked", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt.freeze;
		return 0;
	case OPT_KERNEL:
		opt.kernel = arg;
		return 0;
	case OPT_INITRD:
		opt.initrd = arg;
		return 0;
	case OPT_APPEND:
		opt.append = arg;
		return 0;
	case OPT_REUSE_CMDLINE:
		opt.reuse_cmdline = true;
		return 0;
	case OPT_DRY_RUN:
		opt.dry_run = true;
		return 0;
	case OPT_REPLACE:
		opt.replace = true;
		return 0;
	case OPT_BEFORE_KEXEC:
		opt.before_kexec = arg;
		return 0;
	case OPT_EDIT_STREAM:
		opt.edit_stream = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is %s for? A kernel goes with --kernel", arg);
		return 0;
	case ARGP_KEY_END:
		if (!opt.kernel)
			argp_error(state, "--kernel is missing: which kernel to go to?");
		if (!opt.initrd)
			argp_error(state, "--initrd is missing: the saved channels travel in it");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &deadline_argp, 0, NULL, 0 },
	{ &json_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "--kernel=FILE --initrd=FILE",
	.doc = "Replace the kernel by kexec; channels and their transactions go on in the next one."
	       "\v"
	       "Trial load, freeze, save, load, commit, kexec. Up to the commit a failure or an "
	       "interrupt undoes it all, and nothing is lost. kmcl.restore=pending is added to "
	       "the command line.",
};

struct live_update {
	struct session session;
	struct memfd kernel;
	struct memfd initrd;
	struct memfd set;
	size_t initrd_size;	/* without the archive of ours */
	char *cmdline;
	uint64_t frozen_at;
	bool loaded;
	bool frozen;
	struct report report;
};

/* Add the time since *@start to *@sum, and start anew. */
static void lap(uint64_t *start, uint64_t *sum)
{
	uint64_t now = now_ns();

	*sum += now - *start;
	*start = now;
}

static int check_interrupt(void)
{
	int code = signals_exit_code();

	return code ? fail(code, NULL, "interrupted") : EXIT_DONE;
}

static int copy_file(struct memfd *m, const char *name, const char *path, const char *what)
{
	int code = memfd_copy_file(m, name, path);

	if (!code && !m->size)
		code = fail(EXIT_FAILED, NULL, "%s: the %s is empty", path, what);
	return code ? code : memfd_set_file_size(m);
}

/* All that needs a file system, and all that can be known beforehand. */
static int prepare(struct live_update *lu)
{
	int code = kexec_check(opt.replace);

	if (!code)
		code = session_open(&lu->session);
	if (code)
		return code;
	lu->cmdline = cmdline_make(opt.append, opt.reuse_cmdline);
	if (!lu->cmdline)
		return EXIT_FAILED;
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		say("cannot lock memory (%s); going on without", strerror(errno));
	code = copy_file(&lu->kernel, "kmcl-kernel", opt.kernel, "kernel");
	if (!code)
		code = copy_file(&lu->initrd, "kmcl-initrd", opt.initrd, "initrd");
	if (!code)
		code = memfd_create_empty(&lu->set, "kmcl-set", SET_RESERVE);
	if (code)
		return code;
	lu->initrd_size = lu->initrd.size;
	lu->report.kernel_bytes = lu->kernel.size;
	lu->report.initrd_bytes = lu->initrd.size;
	lu->report.cmdline = lu->cmdline;
	/* later it might wait for a channel that is frozen */
	sync();
	return check_interrupt();
}

static int load(struct live_update *lu, const void *bytes, size_t size)
{
	int code;

	lu->initrd.size = lu->initrd_size;
	code = cpio_append_stream(&lu->initrd, bytes, size);
	if (!code)
		code = memfd_set_file_size(&lu->initrd);
	if (!code)
		code = kexec_load(&lu->kernel, opt.kernel, &lu->initrd, lu->cmdline);
	if (!code)
		lu->loaded = true;
	return code ? code : check_interrupt();
}

static void unload(struct live_update *lu)
{
	if (lu->loaded)
		kexec_unload();
	lu->loaded = false;
}

static int trial_load(struct live_update *lu)
{
	static const char stand_in[4096];
	int code = load(lu, stand_in, sizeof(stand_in));

	/* gives its memory back to the real one */
	unload(lu);
	return code;
}

static int check_set(struct live_update *lu)
{
	struct stream_summary summary;

	if (stream_check(lu->set.map, lu->set.size, NULL, &summary))
		return fail(EXIT_BAD_STREAM, "\"kmclctl save\" and \"kmclctl show\" show all of it. "
			    "State that nobody claimed is dropped by \"kmclctl restore --none\"; "
			    "any other is a bug of kmcl",
			    "the next kernel would refuse what was saved: at offset 0x%zx: %s",
			    summary.first_offset, summary.first_text);
	return EXIT_DONE;
}

/* Run "COMMAND ARGUMENT" in a shell; return its exit status, like a shell's. */
static int run_shell(const char *command, const char *argument)
{
	char *line;
	pid_t child;
	int status;

	if (asprintf(&line, "%s%s", command, argument ? " \"$@\"" : "") < 0)
		abort();
	fflush(stdout);
	child = fork();
	if (!child) {
		execl("/bin/sh", "sh", "-c", line, "kmclctl", argument, (char *)NULL);
		_exit(127);
	}
	free(line);
	if (child < 0)
		return 127;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

static int edit_set(struct live_update *lu)
{
	char path[64];
	int code;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), lu->set.fd);
	code = memfd_set_file_size(&lu->set);
	if (code)
		return code;
	code = run_shell(opt.edit_stream, path);
	if (code)
		return fail(EXIT_FAILED, NULL, "the --edit-stream command ended with status %d",
			    code);
	lu->report.edited = true;
	return memfd_take_file_size(&lu->set);
}

/* Freeze, save, load: all that is undone if it fails. */
static int freeze_save_load(struct live_update *lu)
{
	struct report *r = &lu->report;
	uint64_t start = now_ns();
	uint32_t channels;
	int code;

	lu->frozen_at = start;
	code = session_freeze(&lu->session, NULL, opt.freeze.deadline_ms, true, &channels);
	lap(&start, &r->freeze_ns);
	if (code)
		return code;
	lu->frozen = true;
	code = check_interrupt();
	if (!code)
		code = session_save(&lu->session, &lu->set);
	if (!code)
		code = session_info(&lu->session, &r->info);
	lap(&start, &r->save_ns);
	r->set_bytes = lu->set.size;
	if (!code)
		code = check_interrupt();
	if (!code)
		code = check_set(lu);
	lap(&start, &r->check_ns);
	if (!code && opt.edit_stream) {
		code = edit_set(lu);
		lap(&start, &r->edit_ns);
	}
	if (!code)
		code = load(lu, lu->set.map, lu->set.size);
	lap(&start, &r->load_ns);
	return code;
}

static int commit(struct live_update *lu)
{
	uint64_t start = now_ns();
	int code;

	/* There is no way back after the commit: nothing may interrupt it. */
	signals_ignore();
	code = check_interrupt();
	if (!code)
		code = session_commit(&lu->session);
	lap(&start, &lu->report.commit_ns);
	return code;
}

static int undo(struct live_update *lu, int code)
{
	unload(lu);
	session_close(&lu->session);
	if (code && lu->frozen)
		say("nothing was lost: all channels run on");
	else if (code)
		say("nothing was changed");
	return code;
}

/* The kexec failed, and the kernel cannot take the channels back by itself. */
static int stranded(struct live_update *lu, int error)
{
	char path[64];
	int fd, code = EXIT_FAILED;

	/* /run is in memory: no frozen channel serves it */
	snprintf(path, sizeof(path), "%s/run/kmclctl-%d.set", kernel_root(), getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		code = memfd_write_out(&lu->set, fd, path);
		close(fd);
	}
	if (!code)
		say("a copy of the set is in %s", path);
	return fail(EXIT_STRANDED, "Either try \"kexec -e\", as the next kernel is loaded; or stay: "
		    "\"kexec -u\", then load the channels' modules anew, and they take up the state, "
		    "which this kernel has, too",
		    "the kexec failed after the commit: %s", strerror(error));
}

static int go(struct live_update *lu)
{
	if (opt.before_kexec)
		lu->report.before_kexec = run_shell(opt.before_kexec, NULL);
	lu->report.frozen_ns = now_ns() - lu->frozen_at;
	/* a report that nobody can read is no reason to stop here */
	report_print(&lu->report);
	kernel_reboot_kexec();
	return stranded(lu, errno);
}

int live_update_main(int argc, char **argv)
{
	struct live_update lu = {
		.session = SESSION_NONE,
		.kernel = MEMFD_NONE,
		.initrd = MEMFD_NONE,
		.set = MEMFD_NONE,
		.report.before_kexec = -1,
	};
	uint64_t start = now_ns();
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	lu.report.kernel = opt.kernel;
	lu.report.initrd = opt.initrd;
	lu.report.dry_run = opt.dry_run;
	signals_note();

	code = prepare(&lu);
	lap(&start, &lu.report.prepare_ns);
	if (!code)
		code = trial_load(&lu);
	lap(&start, &lu.report.trial_ns);
	if (!code)
		code = freeze_save_load(&lu);
	if (!code && !opt.dry_run)
		code = commit(&lu);
	if (code || opt.dry_run) {
		uint64_t end = now_ns();

		code = undo(&lu, code);
		lu.report.frozen_ns = end - lu.frozen_at;
		if (!code)
			code = report_print(&lu.report);
	} else {
		code = go(&lu);
	}
	memfd_free(&lu.kernel);
	memfd_free(&lu.initrd);
	memfd_free(&lu.set);
	free(lu.cmdline);
	return code;
}
