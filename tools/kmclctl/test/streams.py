# SPDX-License-Identifier: GPL-2.0
"""Save streams, built from the description in Documentation/save-stream.rst.

Shares nothing with the C side, so that one checks the other.
"""

import struct

MAGIC = 0x4C434D4B
HEADER, END, CHANNEL, STATE, TAKEN, RECEIVED, COMPLETION, PACKET, BUS, BUS_DATA, LENT = (
    MAGIC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
SET_KIND, BUS_KIND, CHANNEL_KIND = 1, 2, 3
SAVE_ID = 0x1122334455667788
BUS_ID = bytes(range(0x10, 0x20))
TYPE_ID = bytes(range(0x20, 0x30))
OPTIONAL = 1


def _table_entry(crc):
    for _ in range(8):
        crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc


TABLE = [_table_entry(byte) for byte in range(256)]


def crc32c(data):
    table, crc = TABLE, 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def pad(data):
    return data + bytes(-len(data) % 8)


def chunk(kind, payload, seq, flags=0, save_id=SAVE_ID, reserved=0, length=None,
          padding=None):
    length = len(payload) if length is None else length
    head = struct.pack("<IIIIQI", kind, length, flags, seq, save_id, reserved)
    body = pad(payload) if padding is None else payload + padding
    crc = crc32c(head + bytes(4) + body)
    return head + struct.pack("<I", crc) + body


def header(kind, magic=MAGIC, version=1, compat=0, incompat=0):
    return struct.pack("<IHHII", magic, version, kind, compat, incompat)


def end(chunks, streams=0, taken=0, received=0, completions=0, queued=0, sent=0, unread=0,
        reserved=(0, 0)):
    return struct.pack("<10I", chunks, streams, taken, received, completions, queued, sent,
                       unread, *reserved)


def identity(instance, server=1, subchannel=0, bus=b"loopback"):
    return struct.pack("<32s16s16s16sHB5x", bus, BUS_ID, TYPE_ID, bytes([instance]) * 16,
                       subchannel, server)


def channel(instance, name=b"echo", server=1, state=1, flags=0, max_packet=4096,
            max_external=65536, late=0, quota=128, generation=0x99, bus=b"loopback"):
    return identity(instance, server, bus=bus) + struct.pack(
        "<64s8IQ", name, state, flags, max_packet, max_external, 16, 256, quota, late,
        generation)


def parts(*pieces):
    return b"".join(pad(piece) for piece in pieces)


def received(ident, payload=b"", ranges=b"", private=b"", kind=6, flags=1):
    return struct.pack("<QIIIIII", ident, kind, flags, len(payload), len(ranges),
                       len(private), 0) + parts(payload, ranges, private)


def packet(ident, payload=b"", ranges=b"", private=b"", state=1, flags=1, token=0, ext=0):
    return struct.pack("<QIIIIQII", ident, state, flags, len(payload), len(ranges), token,
                       ext, len(private)) + parts(payload, ranges, private)


def bus(data_len, name=b"loopback", version=1):
    return struct.pack("<32s16sIIQ", name, BUS_ID, version, 0, data_len)


def stream(kind, records, unread=0, save_id=SAVE_ID, **counts):
    """Chunks of one stream from (type, payload[, flags]); the counts are right."""
    found = {"taken": 0, "received": 0, "completions": 0, "queued": 0, "sent": 0}
    names = {TAKEN: "taken", RECEIVED: "received", COMPLETION: "completions"}
    chunks = [chunk(HEADER, header(kind), 0, save_id=save_id)]
    for record in records:
        kind_, payload, flags = (*record, 0)[:3]
        if kind_ in names:
            found[names[kind_]] += 1
        if kind_ == PACKET:
            found["sent" if struct.unpack_from("<I", payload, 8)[0] == 1 else "queued"] += 1
        chunks.append(chunk(kind_, payload, len(chunks), flags, save_id=save_id))
    found.update(unread=unread, **counts)
    chunks.append(chunk(END, end(len(chunks) + 1, **found), len(chunks), save_id=save_id))
    return chunks, found


def bus_stream(data=(b"arena" * 40, b"rest"), said=None):
    total = sum(map(len, data)) if said is None else said
    return stream(BUS_KIND, [(BUS, bus(total)), *[(BUS_DATA, d) for d in data]])


def records(instance, **kwargs):
    return [
        (CHANNEL, channel(instance, **kwargs)),
        (STATE, b"consumer's state"),
        (TAKEN, received(0x51, b"taken one")),
        (RECEIVED, received(0x52, b"held request", b"ranges..", b"vsp", kind=9)),
        (RECEIVED, received(0x53, b"", flags=3)),
        (COMPLETION, received(0x50, b"answer", flags=0)),
        (PACKET, packet(0x100000001, b"sent request", private=b"mine")),
        (PACKET, packet(0x100000002, b"sent", b"range!!!", token=7, ext=4096)),
        (PACKET, packet(0x100000003, b"queued", state=0)),
    ]


def channel_stream(instance, **kwargs):
    return stream(CHANNEL_KIND, records(instance, **kwargs), unread=4)


def whole_set(streams=None, set_end=None):
    """A set as bytes: one bus, a server and its client."""
    if streams is None:
        streams = [bus_stream(), channel_stream(0xA0),
                   channel_stream(0xA0, server=0, name=b"load")]
    total = {}
    for _, found in streams:
        for key, value in found.items():
            total[key] = total.get(key, 0) + value
    total.update(set_end or {})
    return b"".join([
        chunk(HEADER, header(SET_KIND), 0),
        *[c for chunks, _ in streams for c in chunks],
        chunk(END, end(2, len(streams), **total), 1)])


def offsets(data):
    """(offset, type, payload length) of every chunk of a well-framed stream."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield at, kind, length
        at += 32 + (length + 7) // 8 * 8


def replaced(data, at, new):
    """Bytes of a chunk's payload changed, and its checksum made right again."""
    for start, _, length in offsets(data):
        size = 32 + (length + 7) // 8 * 8
        if start <= at < start + size:
            out = bytearray(data)
            out[at:at + len(new)] = new
            out[start + 28:start + 32] = bytes(4)
            crc = crc32c(out[start:start + size])
            out[start + 28:start + 32] = struct.pack("<I", crc)
            return bytes(out)
    raise ValueError(at)


def flipped(data, at, mask=1):
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1:]
