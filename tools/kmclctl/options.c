// SPDX-License-Identifier: GPL-2.0
/*
 * Options that several commands have in common.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kmclctl.h"
#include "options.h"

static error_t parse_json(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;
	if (key != OPT_JSON)
		return ARGP_ERR_UNKNOWN;
	want_json = true;
	return 0;
}

static const struct argp_option json_options[] = {
	{ "json", OPT_JSON, NULL, 0, "Print one JSON document", 0 },
	{ 0 }
};

const struct argp json_argp = { .options = json_options, .parser = parse_json };

static error_t parse_bus(int key, char *arg, struct argp_state *state)
{
	struct freeze_options *to = state->input;

	if (key != OPT_BUS)
		return ARGP_ERR_UNKNOWN;
	if (!*arg || strlen(arg) > 31)
		argp_error(state, "--bus: a name has 1 to 31 characters");
	to->bus = arg;
	return 0;
}

static const struct argp_option bus_options[] = {
	{ "bus", OPT_BUS, "BUS", 0, "Only the channels of this bus", 0 },
	{ 0 }
};

const struct argp bus_argp = { .options = bus_options, .parser = parse_bus };

static error_t parse_deadline(int key, char *arg, struct argp_state *state)
{
	struct freeze_options *to = state->input;
	unsigned long value;
	char *end;

	if (key != OPT_DEADLINE)
		return ARGP_ERR_UNKNOWN;
	errno = 0;
	value = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || !value || value > 3600000)
		argp_error(state,
			   "--deadline: %s is not a number of milliseconds from 1 to 3600000", arg);
	to->deadline_ms = value;
	return 0;
}

static const struct argp_option deadline_options[] = {
	{ "deadline", OPT_DEADLINE, "MS", 0,
	  "Thaw and fail if the freeze takes longer than MS milliseconds", 0 },
	{ 0 }
};

const struct argp deadline_argp = { .options = deadline_options, .parser = parse_deadline };
