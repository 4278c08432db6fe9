/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels as sysfs shows them: a JSON object each, attribute by attribute,
 * "counters" an object in it; "channel" is the channel's id, channel<N>.
 */
#ifndef KMCLCTL_CHANNEL_H
#define KMCLCTL_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>

/* An array, by number; NULL after saying why not (*code is the exit code). */
json_t *channels_read(int *code);

/* Lines of state that waits for its channel, or the reverse; maybe empty. */
json_t *pending_read(void);

/* The one that @name means: friendly name, channel<N> or instance. */
json_t *channel_find(const char *name, int *code);

/* Is there such a channel? Says nothing. */
bool channel_exists(const char *name);

const char *channel_text(json_t *channel, const char *key);
long long channel_number(json_t *channel, const char *key);
long long channel_counter(json_t *channel, const char *key);

#endif
