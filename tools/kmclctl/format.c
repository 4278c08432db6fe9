// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers, GUIDs and untrusted bytes as text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kmclctl.h"

/* As the kernel's %pUl: the first three groups are little-endian. */
void format_guid(char out[GUID_STRLEN + 1], const uint8_t g[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	char *p = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		p += sprintf(p, "%02x", g[order[i]]);
	}
}

/*
 * Bytes up to the first NUL; what is not printable ASCII comes out as \xNN, so
 * that nothing in a file can play tricks on a terminal or break the JSON.
 */
char *format_text(const void *bytes, size_t size)
{
	const unsigned char *in = bytes;
	char *out = malloc(4 * size + 1);
	char *p = out;

	if (!out)
		abort();
	for (size_t i = 0; i < size && in[i]; i++) {
		if (in[i] < ' ' || in[i] > '~' || in[i] == '\\')
			p += sprintf(p, "\\x%02x", in[i]);
		else
			*p++ = in[i];
	}
	*p = '\0';
	return out;
}

/* Text of the user's own, a path say; escaped only if JSON cannot hold it. */
json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *escaped;

	if (value)
		return value;
	escaped = format_text(text, strlen(text));
	value = json_string(escaped);
	free(escaped);
	return value;
}

/* The first @most bytes as hexadecimal digits, "..." for the others. */
char *format_hex(const void *bytes, size_t size, size_t most)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	size_t shown = size < most ? size : most;
	char *out = malloc(2 * shown + sizeof("..."));
	char *p = out;

	if (!out)
		abort();
	for (size_t i = 0; i < shown; i++) {
		*p++ = digits[in[i] >> 4];
		*p++ = digits[in[i] & 15];
	}
	sprintf(p, "%s", shown < size ? "..." : "");
	return out;
}

/* Short-lived text: good until four calls later. */
static char *scratch(size_t *size)
{
	static char text[4][32];
	static unsigned int next;

	*size = sizeof(text[0]);
	return text[next++ % ARRAY_SIZE(text)];
}

const char *format_time(uint64_t ns)
{
	size_t size;
	char *text = scratch(&size);

	if (ns < 1000000)
		snprintf(text, size, "%.1f us", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text, size, "%.1f ms", ns / 1e6);
	else
		snprintf(text, size, "%.2f s", ns / 1e9);
	return text;
}

const char *format_bytes(uint64_t bytes)
{
	size_t size;
	char *text = scratch(&size);

	if (bytes < 1024)
		snprintf(text, size, "%" PRIu64 " bytes", bytes);
	else if (bytes < 1024 * 1024)
		snprintf(text, size, "%.1f KiB", bytes / 1024.0);
	else
		snprintf(text, size, "%.1f MiB", bytes / (1024.0 * 1024));
	return text;
}

const char *format_channels(unsigned int count)
{
	size_t size;
	char *text = scratch(&size);

	snprintf(text, size, "%u channel%s", count, count == 1 ? "" : "s");
	return text;
}

const char *format_buses(unsigned int count)
{
	size_t size;
	char *text = scratch(&size);

	snprintf(text, size, "%u bus%s", count, count == 1 ? "" : "es");
	return text;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}
