/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kmcl

#if !defined(_KMCL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KMCL_TRACE_H

#include <linux/tracepoint.h>

#include "internal.h"

DECLARE_EVENT_CLASS(kmcl_packet,
	TP_PROTO(struct vmb_channel *ch, u64 id, u32 length, int status),
	TP_ARGS(ch, id, length, status),
	TP_STRUCT__entry(
		__array(char, name, KMCL_NAME_MAX)
		__field(u64, id)
		__field(u32, length)
		__field(int, status)
	),
	TP_fast_assign(
		memcpy(__entry->name, ch->cfg.name, KMCL_NAME_MAX);
		__entry->id = id;
		__entry->length = length;
		__entry->status = status;
	),
	TP_printk("%s id=%llx length=%u status=%d", __entry->name, __entry->id,
		  __entry->length, __entry->status)
);

DEFINE_EVENT(kmcl_packet, kmcl_packet_send,
	TP_PROTO(struct vmb_channel *ch, u64 id, u32 length, int status),
	TP_ARGS(ch, id, length, status));

DEFINE_EVENT(kmcl_packet, kmcl_packet_sent,
	TP_PROTO(struct vmb_channel *ch, u64 id, u32 length, int status),
	TP_ARGS(ch, id, length, status));

DEFINE_EVENT(kmcl_packet, kmcl_packet_deliver,
	TP_PROTO(struct vmb_channel *ch, u64 id, u32 length, int status),
	TP_ARGS(ch, id, length, status));

DEFINE_EVENT(kmcl_packet, kmcl_packet_complete,
	TP_PROTO(struct vmb_channel *ch, u64 id, u32 length, int status),
	TP_ARGS(ch, id, length, status));

TRACE_EVENT(kmcl_life,
	TP_PROTO(struct vmb_channel *ch, int step),
	TP_ARGS(ch, step),
	TP_STRUCT__entry(
		__array(char, name, KMCL_NAME_MAX)
		__field(int, step)
	),
	TP_fast_assign(
		memcpy(__entry->name, ch->cfg.name, KMCL_NAME_MAX);
		__entry->step = step;
	),
	TP_printk("%s step=%d", __entry->name, __entry->step)
);

/* What the events are of, for callers that have the objects */
#define trace_kmcl_send(ch, pkt)	trace_kmcl_packet_send(ch, (pkt)->id, (pkt)->payload_len, 0)
#define trace_kmcl_sent(ch, pkt, st)	trace_kmcl_packet_sent(ch, (pkt)->id, \
							       (pkt)->payload_len, st)
#define trace_kmcl_deliver(ch, pkt)	trace_kmcl_packet_deliver(ch, (pkt)->id, \
								  (pkt)->payload_len, 0)
#define trace_kmcl_complete(ch, pkt, n)	trace_kmcl_packet_complete(ch, (pkt)->id, n, 0)

#endif /* _KMCL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
