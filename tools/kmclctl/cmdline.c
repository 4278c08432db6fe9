// SPDX-License-Identifier: GPL-2.0
/*
 * The command line of the next kernel.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"
#include "kernel.h"
#include "kmclctl.h"

/* Length of the parameter that starts at @p, by the kernel's rule for quotes. */
static size_t parameter_length(const char *p)
{
	bool quoted = false;
	size_t n;

	for (n = 0; p[n] && (quoted || !isspace((unsigned char)p[n])); n++)
		quoted ^= p[n] == '"';
	return n;
}

static bool is_parameter(const char *p, size_t length, const char *key)
{
	size_t n = strlen(key);

	return length >= n && !strncmp(p, key, n) && (length == n || p[n] == '=');
}

/* All but what is no longer true and what is added anew; after "--" is init's. */
static void copy_parameters(FILE *out, const char *line, const char **for_init)
{
	while (*line) {
		size_t length = parameter_length(line);

		if (length == 2 && !strncmp(line, "--", 2)) {
			*for_init = line;
			return;
		}
		if (length && !is_parameter(line, length, "BOOT_IMAGE") &&
		    !is_parameter(line, length, "kmcl.restore"))
			fprintf(out, "%.*s ", (int)length, line);
		line += length;
		while (isspace((unsigned char)*line))
			line++;
	}
}

static char *running_cmdline(void)
{
	char *line = NULL, *path;
	size_t room = 0;
	ssize_t size;
	FILE *file;

	if (asprintf(&path, "%s/proc/cmdline", kernel_root()) < 0)
		abort();
	file = fopen(path, "re");
	free(path);
	size = file ? getline(&line, &room, file) : -1;
	if (file)
		fclose(file);
	if (size < 0) {
		free(line);
		fail(EXIT_FAILED, "Mount /proc, or give the command line with --append",
		     "cannot read /proc/cmdline: %s", strerror(errno));
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

char *cmdline_make(const char *append, bool reuse)
{
	char *running = NULL, *line = NULL;
	const char *for_init = NULL;
	size_t size;
	FILE *out;

	if (reuse || !append) {
		running = running_cmdline();
		if (!running)
			return NULL;
	}
	out = open_memstream(&line, &size);
	if (!out)
		abort();
	if (running)
		copy_parameters(out, running, &for_init);
	if (append)
		copy_parameters(out, append, &for_init);
	fputs("kmcl.restore=pending", out);
	if (for_init)
		fprintf(out, " %s", for_init);
	if (fclose(out))
		abort();
	free(running);
	return line;
}
