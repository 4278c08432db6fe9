/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all of kmclctl shares: exit codes, errors, output helpers, commands.
 */
#ifndef KMCLCTL_H
#define KMCLCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Documented in kmclctl.8; scripts depend on them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,	/* not root, or the module is not loaded */
	EXIT_NO_CHANNEL = 4,
	EXIT_BAD_STREAM = 5,
	EXIT_BUSY = 6,		/* another session, or the deadline passed */
	EXIT_KEXEC = 7,		/* the kernel to go to was refused */
	EXIT_STRANDED = 8,	/* committed, and the kexec failed */
	EXIT_REFUSED = 9,	/* a channel cannot be handed over now */
	EXIT_OWN = 125,		/* freeze COMMAND: kmclctl itself failed */
	EXIT_SIGNAL = 128,	/* and the number of the signal */
};

/* error.c */
int fail(int code, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int print_json(json_t *object);
void print_json_error(int code);
int finish_output(void);

/* format.c */
#define GUID_STRLEN 36
void format_guid(char out[GUID_STRLEN + 1], const uint8_t guid[16]);
json_t *json_text(const char *text);
char *format_text(const void *bytes, size_t size);
char *format_hex(const void *bytes, size_t size, size_t most);
const char *format_time(uint64_t ns);
const char *format_bytes(uint64_t bytes);
const char *format_channels(unsigned int count);
const char *format_buses(unsigned int count);
uint64_t now_ns(void);

/* Keys of options; what several commands have in common is in options.h */
enum option_key {
	OPT_JSON = 0x100,
	OPT_BUS,
	OPT_DEADLINE,
	OPT_HEX,
	OPT_NONE,
	OPT_REMOVE,
	OPT_KERNEL,
	OPT_INITRD,
	OPT_APPEND,
	OPT_REUSE_CMDLINE,
	OPT_DRY_RUN,
	OPT_REPLACE,
	OPT_BEFORE_KEXEC,
	OPT_EDIT_STREAM,
};

extern bool want_json;

/* Commands, a file each. They return an exit code. */
int list_main(int argc, char **argv);
int show_main(int argc, char **argv);
int freeze_main(int argc, char **argv);
int save_main(int argc, char **argv);
int restore_main(int argc, char **argv);
int live_update_main(int argc, char **argv);

#endif
