// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl: finds the command and runs it.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmclctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "list", list_main },
	{ "show", show_main },
	{ "freeze", freeze_main },
	{ "save", save_main },
	{ "restore", restore_main },
	{ "live-update", live_update_main },
};

#define COMMANDS	"list, show, freeze, save, restore and live-update"

static const struct command *command;
static char **command_argv;
static int command_argc;

const char *argp_program_version = "kmclctl " VERSION;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (!strcmp(arg, "help"))
			argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			if (!strcmp(arg, commands[i].name))
				command = &commands[i];
		}
		if (!command)
			argp_error(state, "there is no command %s; the commands are " COMMANDS,
				   arg);
		command_argv = &state->argv[state->next - 1];
		command_argc = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command? There are " COMMANDS);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [OPTION...]",
	.doc = "Channels of the VMBus Kernel Mode Client Library, and their way through a kexec."
	       "\v"
	       "Commands; each has its own --help:\n"
	       "  list          list all channels\n"
	       "  show          show a channel, or print and check a saved stream\n"
	       "  freeze        hold all channels still while a command runs\n"
	       "  save          save all channels into a file, to look at\n"
	       "  restore       give saved state to the kernel, or say there is none\n"
	       "  live-update   replace the kernel; the channels go on in the next one\n"
	       "\n"
	       "Exit status: 0 done; 1 failed; 2 wrong usage; 3 not root or kmcl not loaded; "
	       "4 no such channel or bus; 5 bad stream; 6 busy or deadline passed; 7 kernel to go "
	       "to refused; 8 committed, but the kexec failed; 9 a channel cannot be handed over; "
	       "125, 126, 127 of freeze: it failed itself, COMMAND could not be run, was not found; "
	       "128+N interrupted by signal N.",
};

int main(int argc, char **argv)
{
	char name[64];
	int code;

	argp_err_exit_status = EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have ignored it, and we await commands by it. */
	signal(SIGCHLD, SIG_DFL);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);

	snprintf(name, sizeof(name), "kmclctl %s", command->name);
	command_argv[0] = name;
	code = command->run(command_argc, command_argv);
	if (code && want_json)
		print_json_error(code);
	return finish_output() && !code ? EXIT_FAILED : code;
}
