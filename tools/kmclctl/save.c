// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl save: freeze, save, thaw, and only then write the file, which may
 * lie on what a frozen channel serves.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmclctl.h"
#include "options.h"
#include "session.h"
#include "signals.h"

static struct {
	const char *file;
	struct freeze_options freeze;
} opt;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt.freeze;
		state->child_inputs[1] = &opt.freeze;
		return 0;
	case ARGP_KEY_ARG:
		if (opt.file)
			argp_error(state, "one FILE at a time");
		opt.file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opt.file)
			argp_error(state, "save to which FILE? ('-' is the standard output)");
		if (!strcmp(opt.file, "-") && isatty(STDOUT_FILENO))
			argp_error(state,
				   "a stream is no text for a terminal: name a FILE or pipe it");
		if (!strcmp(opt.file, "-") && want_json)
			argp_error(state,
				   "--json and the stream cannot both go to the standard output");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &bus_argp, 0, NULL, 0 },
	{ &deadline_argp, 0, NULL, 0 },
	{ &json_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.args_doc = "FILE",
	.doc = "Freeze all channels, save them into FILE, and thaw them."
	       "\v"
	       "The channels go on after the save: FILE is a picture to look at (kmclctl show) or "
	       "to test with, not to be restored beside them. FILE is replaced as a whole or not "
	       "at all, and readable by its owner only.",
};

/* Beside its final place, then renamed: there is never half a file. */
static int write_file(const struct memfd *set, const char *path)
{
	char *copy = strdup(path), *temporary;
	int fd, code, dir;

	if (!copy || asprintf(&temporary, "%s.XXXXXX", path) < 0)
		abort();
	fd = mkostemp(temporary, O_CLOEXEC);	/* mode 0600 */
	if (fd < 0) {
		code = fail(EXIT_FAILED, NULL, "cannot write %s: %s", path, strerror(errno));
		goto out;
	}
	code = memfd_write_out(set, fd, path);
	if (!code && (fsync(fd) || rename(temporary, path)))
		code = fail(EXIT_FAILED, NULL, "cannot write %s: %s", path, strerror(errno));
	close(fd);
	if (code) {
		unlink(temporary);
		goto out;
	}
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
out:
	free(temporary);
	free(copy);
	return code;
}

/* Before the freeze: a wrong path need not disturb a channel. */
static int check_folder(const char *path)
{
	char *copy = strdup(path);
	int code = EXIT_DONE;

	if (!copy)
		abort();
	if (access(dirname(copy), W_OK | X_OK))
		code = fail(EXIT_FAILED, NULL, "cannot write %s: %s", path, strerror(errno));
	free(copy);
	return code;
}

static int freeze_and_save(struct memfd *set, struct kmcl_session_info *info)
{
	struct session session = SESSION_NONE;
	uint32_t channels;
	int code;

	code = session_open(&session);
	signals_note();
	if (!code)
		code = session_freeze(&session, opt.freeze.bus, opt.freeze.deadline_ms, false,
				      &channels);
	if (!code)
		code = session_save(&session, set);
	if (!code)
		code = session_info(&session, info);
	session_close(&session);
	if (!code && signals_exit_code())
		code = fail(signals_exit_code(), NULL, "interrupted");
	return code;
}

int save_main(int argc, char **argv)
{
	struct memfd set = MEMFD_NONE;
	struct kmcl_session_info info;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	code = strcmp(opt.file, "-") ? check_folder(opt.file) : EXIT_DONE;
	if (!code)
		code = memfd_create_empty(&set, "kmcl-set", 0);
	if (!code)
		code = freeze_and_save(&set, &info);
	if (!code && !strcmp(opt.file, "-"))
		code = memfd_write_out(&set, STDOUT_FILENO, "the standard output");
	else if (!code)
		code = write_file(&set, opt.file);
	if (!code && want_json)
		code = print_json(json_pack("{s:o, s:I, s:i, s:i, s:I, s:I}", "file",
					    json_text(opt.file),
					    "bytes", (json_int_t)set.size,
					    "channels", info.channels, "buses", info.buses,
					    "freeze_ns", (json_int_t)info.freeze_ns,
					    "save_ns", (json_int_t)info.save_ns));
	else if (!code)
		say("%s, %s saved; frozen in %s, saved in %s", format_channels(info.channels),
		    format_bytes(set.size), format_time(info.freeze_ns),
		    format_time(info.save_ns));
	memfd_free(&set);
	return code;
}
