// SPDX-License-Identifier: GPL-2.0
/*
 * Being interrupted, where that has to undo something first.
 */
#include <signal.h>

#include "kmclctl.h"
#include "signals.h"

static volatile sig_atomic_t noted;

static const int interrupting[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void note(int signal_number)
{
	noted = signal_number;
}

/* Without SA_RESTART: what waits in the kernel shall come back. */
static void set_all(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	for (size_t i = 0; i < ARRAY_SIZE(interrupting); i++)
		sigaction(interrupting[i], &action, NULL);
}

void signals_note(void)
{
	set_all(note);
}

void signals_ignore(void)
{
	set_all(SIG_IGN);
}

int signals_exit_code(void)
{
	return noted ? EXIT_SIGNAL + noted : 0;
}
