// SPDX-License-Identifier: GPL-2.0
/*
 * What kmclctl says: errors with a hint, on stderr; one JSON document on one
 * line, on stdout.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "kmclctl.h"

bool want_json;

static char *first_error;
static const char *first_hint;
static bool json_printed;

/* Say what is wrong and what to do about it, and return @code. */
int fail(int code, const char *hint, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	fprintf(stderr, "kmclctl: %s\n", text);
	if (hint)
		fprintf(stderr, "  %s\n", hint);
	if (first_error) {
		free(text);
	} else {
		first_error = text;
		first_hint = hint;
	}
	return code;
}

/* A remark for a person; stdout belongs to the result. */
void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("kmclctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

/* Print @object on one line; takes the reference. */
int print_json(json_t *object)
{
	if (!object)
		return fail(EXIT_FAILED, NULL, "out of memory");
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	json_printed = true;
	return EXIT_DONE;
}

/* With --json, a failure is a document too, unless one was printed already. */
void print_json_error(int code)
{
	json_t *object;

	if (json_printed)
		return;
	object = json_pack("{s:s, s:i}", "error", first_error ? first_error : "failed",
			   "exit", code);
	if (object && first_hint)
		json_object_set_new(object, "hint", json_string(first_hint));
	print_json(object);
}

/* Everything printed is out, on the wire even. */
int finish_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		return fail(EXIT_FAILED, NULL, "cannot write the output: %s", strerror(errno));
	if (isatty(STDOUT_FILENO))
		tcdrain(STDOUT_FILENO);
	if (isatty(STDERR_FILENO))
		tcdrain(STDERR_FILENO);
	return EXIT_DONE;
}
