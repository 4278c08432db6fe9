/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMCLCTL_DECODE_H
#define KMCLCTL_DECODE_H

#include <jansson.h>

#include "stream.h"

/*
 * The fields of a chunk's payload by name, in their order; as much as its
 * length allows. At most @bytes bytes of what is opaque are shown.
 */
json_t *decode_payload(const struct stream_chunk *chunk, size_t bytes);

#endif
