// SPDX-License-Identifier: GPL-2.0
/*
 * Channels as sysfs shows them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel.h"
#include "kernel.h"
#include "kmclctl.h"

/* In the order in which they are shown; any others come after them. */
static const char * const first_attributes[] = {
	"name", "role", "bus", "bus_id", "type", "instance", "subchannel", "state", "paused",
	"link", "stop_reason", "quota", "max_packet_size",
};

/* Text even if it looks like a number. */
static const char * const text_attributes[] = {
	"name", "role", "bus", "bus_id", "type", "instance", "state", "link", "stop_reason",
};

static bool is_text(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(text_attributes); i++) {
		if (!strcmp(name, text_attributes[i]))
			return true;
	}
	return false;
}

/* The file's text without the last newline, or NULL. sysfs files fit a page. */
static char *read_attribute(int dir, const char *name)
{
	char buffer[4096];
	ssize_t size;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	size = read(fd, buffer, sizeof(buffer));
	close(fd);
	if (size < 0)
		return NULL;
	if (size && buffer[size - 1] == '\n')
		size--;
	return format_text(buffer, size);
}

static void add_attribute(json_t *object, int dir, const char *name)
{
	char *text = read_attribute(dir, name), *end;
	long long number;

	if (!text)
		return;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (!is_text(name) && *text && !*end && !errno)
		json_object_set_new(object, name, json_integer(number));
	else
		json_object_set_new(object, name, json_string(text));
	free(text);
}

static bool is_attribute(int dir, const char *name)
{
	struct stat st;

	return strcmp(name, "uevent") && strcmp(name, "dev") &&
		!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
}

/* All attributes of a folder that @object does not have yet. */
static void add_folder(json_t *object, int at, const char *path)
{
	struct dirent **names;
	int fd, count;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	count = scandirat(fd, ".", &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (!json_object_get(object, names[i]->d_name) &&
		    is_attribute(fd, names[i]->d_name))
			add_attribute(object, fd, names[i]->d_name);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	close(fd);
}

static json_t *channel_read(int class, const char *id)
{
	json_t *channel = json_object(), *counters = json_object();
	int fd = openat(class, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	json_object_set_new(channel, "channel", json_string(id));
	if (fd >= 0) {
		for (size_t i = 0; i < ARRAY_SIZE(first_attributes); i++)
			add_attribute(channel, fd, first_attributes[i]);
		add_folder(channel, fd, ".");
		add_folder(counters, fd, "counters");
		close(fd);
	}
	json_object_set_new(channel, "counters", counters);
	return channel;
}

static int is_channel(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "channel", 7) && isdigit((unsigned char)entry->d_name[7]);
}

static int open_class(void)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/sys/class/kmcl", kernel_root()) < 0)
		abort();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	return fd;
}

json_t *channels_read(int *code)
{
	struct dirent **names;
	json_t *channels;
	int fd, count;

	fd = open_class();
	if (fd < 0) {
		*code = errno == ENOENT ?
			fail(EXIT_UNREACHABLE, "Load it: modprobe kmcl", "kmcl is not loaded") :
			fail(EXIT_UNREACHABLE, NULL, "/sys/class/kmcl: %s", strerror(errno));
		return NULL;
	}
	channels = json_array();
	count = scandirat(fd, ".", &names, is_channel, versionsort);
	for (int i = 0; i < count; i++) {
		json_t *channel = channel_read(fd, names[i]->d_name);

		/* one that went away meanwhile has no role */
		if (json_object_get(channel, "role"))
			json_array_append(channels, channel);
		json_decref(channel);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	close(fd);
	*code = EXIT_DONE;
	return channels;
}

json_t *pending_read(void)
{
	json_t *lines = json_array();
	char *line = NULL, *path;
	size_t room = 0;
	ssize_t size;
	FILE *file;

	if (asprintf(&path, "%s/sys/class/misc/kmcl/pending", kernel_root()) < 0)
		abort();
	file = fopen(path, "re");
	free(path);
	if (!file)
		return lines;
	while ((size = getline(&line, &room, file)) > 0) {
		char *text;

		if (line[size - 1] == '\n')
			size--;
		if (!size)
			continue;
		text = format_text(line, size);
		json_array_append_new(lines, json_string(text));
		free(text);
	}
	free(line);
	fclose(file);
	return lines;
}

const char *channel_text(json_t *channel, const char *key)
{
	const char *text = json_string_value(json_object_get(channel, key));

	return text && *text ? text : "-";
}

long long channel_number(json_t *channel, const char *key)
{
	return json_integer_value(json_object_get(channel, key));
}

long long channel_counter(json_t *channel, const char *key)
{
	return channel_number(json_object_get(channel, "counters"), key);
}

static bool is_named(json_t *channel, const char *name)
{
	return !strcmp(channel_text(channel, "channel"), name) ||
		!strcmp(channel_text(channel, "name"), name) ||
		!strcasecmp(channel_text(channel, "instance"), name);
}

/* An id is unique; so that a name cannot hide it, it goes first. */
static size_t count_named(json_t *channels, const char *name, json_t **found)
{
	json_t *channel;
	size_t i, count = 0;

	json_array_foreach(channels, i, channel) {
		if (!strcmp(channel_text(channel, "channel"), name)) {
			*found = channel;
			return 1;
		}
	}
	json_array_foreach(channels, i, channel) {
		if (is_named(channel, name)) {
			*found = channel;
			count++;
		}
	}
	return count;
}

json_t *channel_find(const char *name, int *code)
{
	json_t *channels = channels_read(code), *found = NULL, *channel;
	size_t i, count;

	if (!channels)
		return NULL;
	count = count_named(channels, name, &found);
	if (count == 1) {
		json_incref(found);
		json_decref(channels);
		return found;
	}
	if (!count) {
		*code = fail(EXIT_NO_CHANNEL, "\"kmclctl list\" shows all channels",
			     "there is neither a channel nor a file %s", name);
	} else {
		*code = fail(EXIT_NO_CHANNEL, "Say which by the word in front:",
			     "%s is the name of %zu channels", name, count);
		json_array_foreach(channels, i, channel) {
			if (is_named(channel, name))
				fprintf(stderr, "  %-12s %-7s %-10s %s  %s\n",
					channel_text(channel, "channel"),
					channel_text(channel, "role"),
					channel_text(channel, "bus"),
					channel_text(channel, "instance"),
					channel_text(channel, "name"));
		}
	}
	json_decref(channels);
	return NULL;
}

bool channel_exists(const char *name)
{
	int fd = open_class(), code;
	json_t *channels, *found;
	size_t count;

	if (fd < 0)
		return false;
	close(fd);
	channels = channels_read(&code);
	if (!channels)
		return false;
	count = count_named(channels, name, &found);
	json_decref(channels);
	return count;
}
