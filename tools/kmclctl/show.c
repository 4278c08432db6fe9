// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl show: one channel, or a saved stream field by field.
 */
#include <argp.h>
#include <inttypes.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "decode.h"
#include "kmclctl.h"
#include "options.h"
#include "memfd.h"
#include "stream.h"

#define FEW_BYTES 16
#define MOST_PROBLEMS 20

static struct {
	const char *what;
	bool all_bytes;
	bool quiet;
} opt;

static const struct argp_option options[] = {
	{ "hex", OPT_HEX, NULL, 0, "Print all bytes of payloads, not the first 16", 0 },
	{ "quiet", 'q', NULL, 0, "Of a stream, print only the verdict", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_HEX:
		opt.all_bytes = true;
		return 0;
	case 'q':
		opt.quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opt.what)
			argp_error(state, "one CHANNEL or FILE at a time");
		opt.what = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which CHANNEL or FILE?");
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
	.args_doc = "CHANNEL|FILE",
	.doc = "Show the details of a channel, or print and check a saved stream."
	       "\v"
	       "CHANNEL is a friendly name, channelN, or an instance. What has a '/' in it is a "
	       "FILE, and so is what is no channel; '-' is the standard input. A stream with "
	       "problems gives exit status 5, and each problem with its offset.",
};

/* Keys and values, one a line; lists of words on one line. */
static void print_fields(json_t *object, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		if (json_is_object(value)) {
			printf("%*s%s\n", indent, "", key);
			print_fields(value, indent + 2);
			continue;
		}
		printf("%*s%-*s ", indent, "", 22 - indent, key);
		if (json_is_integer(value)) {
			printf("%lld", (long long)json_integer_value(value));
		} else if (json_is_array(value)) {
			json_t *word;
			size_t i;

			json_array_foreach(value, i, word)
				printf("%s%s", i ? " " : "", json_string_value(word));
			if (!json_array_size(value))
				putchar('-');
		} else {
			printf("%s", *json_string_value(value) ? json_string_value(value) : "-");
		}
		putchar('\n');
	}
}

static int show_channel(const char *name)
{
	int code;
	json_t *channel = channel_find(name, &code);

	if (!channel)
		return code;
	if (want_json)
		return print_json(channel);
	print_fields(channel, 0);
	json_decref(channel);
	return EXIT_DONE;
}

struct printer {
	json_t *chunks;		/* of the JSON document */
	json_t *problems;
	json_t *notes;
	unsigned int problems_printed;
};

static size_t bytes_to_show(void)
{
	return opt.all_bytes ? SIZE_MAX : FEW_BYTES;
}

static void print_chunk(void *context, const struct stream_chunk *chunk)
{
	const char *name = stream_type_name(chunk->type);
	char number[32];
	json_t *fields;

	(void)context;
	if (opt.quiet)
		return;
	snprintf(number, sizeof(number), "type %" PRIu32, chunk->type);
	printf("%s0x%08zx %s  #%" PRIu32 ", %" PRIu32 " bytes, CRC32C %08" PRIx32 "%s\n",
	       chunk->offset && chunk->type == KMCL_CHUNK_HEADER ? "\n" : "", chunk->offset,
	       name ? name : number, chunk->seq, chunk->length, chunk->crc,
	       chunk->flags & KMCL_CHUNK_OPTIONAL ? ", optional" : "");
	fields = decode_payload(chunk, bytes_to_show());
	print_fields(fields, 4);
	json_decref(fields);
}

static void print_problem(void *context, size_t offset, const char *text)
{
	struct printer *printer = context;

	if (printer->problems_printed++ < MOST_PROBLEMS)
		printf("!   at 0x%zx: %s\n", offset, text);
}

static void print_note(void *context, size_t offset, const char *text)
{
	(void)context;
	if (!opt.quiet)
		printf("    at 0x%zx: %s\n", offset, text);
}

static void keep_chunk(void *context, const struct stream_chunk *chunk)
{
	const char *name = stream_type_name(chunk->type);
	struct printer *printer = context;
	json_t *type = name ? json_string(name) : json_integer(chunk->type);
	json_t *object;

	object = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o}",
			   "offset", (json_int_t)chunk->offset,
			   "stream", (json_int_t)chunk->stream, "type", type,
			   "seq", (json_int_t)chunk->seq,
			   "length", (json_int_t)chunk->length,
			   "flags", (json_int_t)chunk->flags,
			   "crc", json_sprintf("0x%08" PRIx32, chunk->crc),
			   "fields", decode_payload(chunk, bytes_to_show()));
	json_array_append_new(printer->chunks, object);
}

static json_t *remark(size_t offset, const char *text)
{
	return json_pack("{s:I, s:s}", "offset", (json_int_t)offset, "text", text);
}

static void keep_problem(void *context, size_t offset, const char *text)
{
	struct printer *printer = context;

	json_array_append_new(printer->problems, remark(offset, text));
}

static void keep_note(void *context, size_t offset, const char *text)
{
	struct printer *printer = context;

	json_array_append_new(printer->notes, remark(offset, text));
}

static json_t *packets_json(const struct stream_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "sent", (json_int_t)counts->sent,
			 "queued", (json_int_t)counts->queued,
			 "received", (json_int_t)counts->received,
			 "taken", (json_int_t)counts->taken,
			 "completions", (json_int_t)counts->completions,
			 "unread", (json_int_t)counts->unread);
}

static int show_stream_json(const struct memfd *m)
{
	struct printer printer = {
		.chunks = json_array(),
		.problems = json_array(),
		.notes = json_array(),
	};
	struct stream_visitor visitor = { keep_chunk, keep_problem, keep_note, &printer };
	struct stream_summary s;
	const char *kind;
	int bad;

	if (opt.quiet)
		visitor.chunk = NULL;
	bad = stream_check(m->map, m->size, &visitor, &s);
	kind = stream_kind_name(s.kind);
	print_json(json_pack("{s:o, s:I, s:b, s:s?, s:o, s:i, s:i, s:o, s:o, s:o, s:o}",
			     "file", json_text(opt.what), "bytes", (json_int_t)m->size, "valid",
			     !bad,
			     "kind", kind, "save_id", json_sprintf("0x%016" PRIx64, s.save_id),
			     "channels", s.channels, "buses", s.buses,
			     "packets", packets_json(&s.counts), "problems", printer.problems,
			     "notes", printer.notes, "chunks", printer.chunks));
	return bad ? EXIT_BAD_STREAM : EXIT_DONE;
}

static int show_stream_text(const struct memfd *m)
{
	struct printer printer = { 0 };
	struct stream_visitor visitor = { print_chunk, print_problem, print_note, &printer };
	struct stream_summary s;

	if (stream_check(m->map, m->size, &visitor, &s)) {
		if (printer.problems_printed > MOST_PROBLEMS)
			printf("!   and %u more\n", printer.problems_printed - MOST_PROBLEMS);
		fflush(stdout);
		if (s.problems == 1)
			return fail(EXIT_BAD_STREAM, NULL, "%s: bad stream: at offset 0x%zx: %s",
				    opt.what, s.first_offset, s.first_text);
		return fail(EXIT_BAD_STREAM, NULL,
			    "%s: bad stream: %u problems, the first at offset 0x%zx: %s",
			    opt.what, s.problems, s.first_offset, s.first_text);
	}
	printf("%s: good %s, save %016" PRIx64 ", %zu bytes\n", opt.what,
	       stream_kind_name(s.kind), s.save_id, m->size);
	printf("  %s, %s\n", format_channels(s.channels), format_buses(s.buses));
	printf("  packets: %" PRIu32 " sent, %" PRIu32 " queued, %" PRIu32 " received, %" PRIu32
	       " taken, %" PRIu32 " completions, %" PRIu32 " unread in rings\n",
	       s.counts.sent, s.counts.queued, s.counts.received, s.counts.taken,
	       s.counts.completions, s.counts.unread);
	return EXIT_DONE;
}

static int show_stream(const char *path)
{
	struct memfd m = MEMFD_NONE;
	int code = memfd_copy_file(&m, "kmcl-stream", path);

	if (!code)
		code = want_json ? show_stream_json(&m) : show_stream_text(&m);
	memfd_free(&m);
	return code;
}

int show_main(int argc, char **argv)
{
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (strchr(opt.what, '/') || !strcmp(opt.what, "-"))
		return show_stream(opt.what);
	if (!channel_exists(opt.what) && !access(opt.what, F_OK))
		return show_stream(opt.what);
	return show_channel(opt.what);
}
