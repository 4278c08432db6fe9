// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl freeze: hold the freeze while a command runs, or until interrupted.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kmclctl.h"
#include "options.h"
#include "session.h"

static struct {
	struct freeze_options freeze;
	char **command;
} opt;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &opt.freeze;
		state->child_inputs[1] = &opt.freeze;
		return 0;
	case ARGP_KEY_ARGS:
		opt.command = &state->argv[state->next];
		state->next = state->argc;
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
	.args_doc = "[COMMAND [ARGUMENT...]]",
	.doc = "Freeze all channels, hold them while COMMAND runs or until interrupted, and thaw "
	       "them."
	       "\v"
	       "With COMMAND the exit status is that of COMMAND; 125 if kmclctl itself failed, "
	       "126 if COMMAND could not be run, 127 if there is no such command.",
};

static int spawn(pid_t *child, const sigset_t *mask)
{
	posix_spawnattr_t attributes;
	int error;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, mask);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(child, opt.command[0], NULL, &attributes, opt.command, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Pass signals on to the child, except those the terminal gave it already. */
static int wait_for_command(pid_t child, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(signals, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			if (info.si_code != SI_KERNEL)
				kill(child, info.si_signo);
			continue;
		}
		if (waitpid(child, &status, WNOHANG) == child)
			break;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

/* Was it held, for as long as it was to be? *@code is the exit status. */
static bool hold(const sigset_t *signals, const sigset_t *before, int *code)
{
	siginfo_t info;
	pid_t child;
	int error;

	*code = EXIT_DONE;
	if (!opt.command) {
		while (sigwaitinfo(signals, &info) < 0 || info.si_signo == SIGCHLD)
			;
		return true;
	}
	error = spawn(&child, before);
	if (error)
		*code = fail(error == ENOENT ? 127 : 126, NULL, "%s: %s", opt.command[0],
			     strerror(error));
	else
		*code = wait_for_command(child, signals);
	return !error;
}

int freeze_main(int argc, char **argv)
{
	struct session session = SESSION_NONE;
	struct kmcl_session_info info;
	uint64_t start, frozen;
	sigset_t signals, before;
	uint32_t channels;
	bool held;
	int code;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	sigaddset(&signals, SIGCHLD);

	code = session_open(&session);
	if (code)
		goto out;
	start = now_ns();
	code = session_freeze(&session, opt.freeze.bus, opt.freeze.deadline_ms, false,
			      &channels);
	if (!code)
		code = session_info(&session, &info);
	if (code)
		goto out;
	frozen = now_ns();
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (!want_json)
		say("%s frozen in %s%s", format_channels(channels), format_time(frozen - start),
		    opt.command ? "" : "; interrupt (^C) to thaw");
	held = hold(&signals, &before, &code);
	session_close(&session);
	if (!want_json)
		say("thawed after %s", format_time(now_ns() - frozen));
	else if (held)
		print_json(json_pack("{s:I, s:I, s:I, s:i}", "channels", (json_int_t)channels,
				     "freeze_ns", (json_int_t)info.freeze_ns,
				     "held_ns", (json_int_t)(now_ns() - frozen), "status", code));
	return code;
out:
	session_close(&session);
	return opt.command ? EXIT_OWN : code;
}
