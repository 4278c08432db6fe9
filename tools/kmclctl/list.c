// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl list: a line for each channel, and what waits for its state.
 */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "kmclctl.h"
#include "options.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	argp_error(state, "it lists all; one alone is shown by: kmclctl show %s", arg);
	return 0;
}

static const struct argp_child children[] = {
	{ &json_argp, 0, NULL, 0 },
	{ 0 }
};

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.doc = "List all channels, and saved state that waits for its channel or is awaited."
	       "\v"
	       "SENT to COMPL are the packets in flight now: sent and waiting for completion, "
	       "queued and not in the ring, received and held, taken and not delivered, "
	       "completions not in the ring.",
};

/* A text column, or a number of the channel or of its counters. */
static const struct column {
	const char *title;
	const char *key;
	enum { TEXT, COUNTER } kind;
} columns[] = {
	{ "CHANNEL", "channel", TEXT },
	{ "NAME", "name", TEXT },
	{ "ROLE", "role", TEXT },
	{ "BUS", "bus", TEXT },
	{ "STATE", "state", TEXT },
	{ "LINK", "link", TEXT },
	{ "SENT", "sent", COUNTER },
	{ "QUEUED", "queued", COUNTER },
	{ "RECEIVED", "received", COUNTER },
	{ "TAKEN", "taken", COUNTER },
	{ "COMPL", "completions", COUNTER },
};

static const char *cell(json_t *channel, const struct column *column, char text[96])
{
	if (column->kind == COUNTER) {
		snprintf(text, 96, "%lld", channel_counter(channel, column->key));
	} else {
		bool paused = !strcmp(column->key, "state") && channel_number(channel, "paused");

		snprintf(text, 96, "%s%s", channel_text(channel, column->key),
			 paused ? " (paused)" : "");
	}
	return text;
}

static void print_cell(size_t column, int width, const char *text)
{
	const char *between = column + 1 < ARRAY_SIZE(columns) ? "  " : "\n";

	if (columns[column].kind == COUNTER)
		printf("%*s%s", width, text, between);
	else
		printf("%-*s%s", width, text, between);
}

static void print_table(json_t *channels)
{
	int width[ARRAY_SIZE(columns)];
	json_t *channel;
	char text[96];
	size_t i, c;

	for (c = 0; c < ARRAY_SIZE(columns); c++) {
		width[c] = strlen(columns[c].title);
		json_array_foreach(channels, i, channel) {
			int length = strlen(cell(channel, &columns[c], text));

			if (length > width[c])
				width[c] = length;
		}
	}
	for (c = 0; c < ARRAY_SIZE(columns); c++)
		print_cell(c, width[c], columns[c].title);
	json_array_foreach(channels, i, channel) {
		for (c = 0; c < ARRAY_SIZE(columns); c++)
			print_cell(c, width[c], cell(channel, &columns[c], text));
	}
}

int list_main(int argc, char **argv)
{
	json_t *channels, *pending, *line;
	int code;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	channels = channels_read(&code);
	if (!channels)
		return code;
	pending = pending_read();
	if (want_json)
		return print_json(json_pack("{s:o, s:o}", "channels", channels,
					    "pending", pending));
	if (json_array_size(channels))
		print_table(channels);
	else
		puts("no channels");
	if (json_array_size(pending))
		puts("\nSaved state without a channel, and channels without their state:");
	json_array_foreach(pending, i, line)
		printf("  %s\n", json_string_value(line));
	json_decref(channels);
	json_decref(pending);
	return EXIT_DONE;
}
