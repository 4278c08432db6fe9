// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl restore: give the saved state to the kernel, or say there is none.
 */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kmclctl.h"
#include "options.h"
#include "session.h"

static struct {
	const char *file;
	bool none;
	bool remove;
} opt;

static const struct argp_option options[] = {
	{ "none", OPT_NONE, NULL, 0,
	  "There is no saved state (or no more): drop what nobody claimed, and let channels that "
	  "wait for theirs come up fresh", 0 },
	{ "remove", OPT_REMOVE, NULL, 0, "Remove FILE once it is restored", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_NONE:
		opt.none = true;
		return 0;
	case OPT_REMOVE:
		opt.remove = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opt.file)
			argp_error(state, "one FILE at a time");
		opt.file = arg;
		return 0;
	case ARGP_KEY_END:
		if (opt.file && opt.none)
			argp_error(state, "FILE or --none, not both");
		if (!opt.file && !opt.none)
			argp_error(state, "restore which FILE? (--none: there is none)");
		if (opt.remove && (opt.none || !strcmp(opt.file, "-")))
			argp_error(state, "--remove needs a FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &json_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "FILE\n--none",
	.doc = "Give the state of a set to the kernel, or say that there is none."
	       "\v"
	       "FILE is what live-update left in the initramfs (/kmcl/stream); '-' is the standard "
	       "input. A set is restored as a whole or not at all.",
};

static int restore_file(struct session *session)
{
	struct memfd set = MEMFD_NONE;
	struct kmcl_session_info info;
	struct kmcl_restore result;
	int code;

	code = memfd_copy_file(&set, "kmcl-set", opt.file);
	if (!code)
		code = session_restore(session, &set, opt.file, &result);
	if (!code)
		code = session_info(session, &info);
	if (code)
		goto out;
	if (opt.remove && unlink(opt.file))
		code = fail(EXIT_FAILED, "Remove it by hand: it must not be restored twice",
			    "restored, but cannot remove %s: %s", opt.file, strerror(errno));
	if (want_json && !code)
		print_json(json_pack("{s:o, s:I, s:i, s:i, s:I}", "file", json_text(opt.file),
				     "bytes", (json_int_t)set.size, "channels", result.channels,
				     "buses", result.buses,
				     "restore_ns", (json_int_t)info.restore_ns));
	else if (!want_json)
		say("%s, %s restored from %s in %s", format_channels(result.channels),
		    format_buses(result.buses), format_bytes(set.size),
		    format_time(info.restore_ns));
out:
	memfd_free(&set);
	return code;
}

static int restore_none(struct session *session)
{
	uint32_t dropped;
	int code = session_drop(session, &dropped);

	if (code)
		return code;
	if (want_json)
		return print_json(json_pack("{s:I}", "dropped", (json_int_t)dropped));
	say("no state to come; %u dropped", dropped);
	return EXIT_DONE;
}

int restore_main(int argc, char **argv)
{
	struct session session = SESSION_NONE;
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	code = session_open(&session);
	if (!code)
		code = opt.none ? restore_none(&session) : restore_file(&session);
	session_close(&session);
	return code;
}
