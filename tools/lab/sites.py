# SPDX-License-Identifier: GPL-2.0
"""Where allocations failed, of the places where they can.

The tests write a line "kmcl_fail_site: function+0xoffset/0xsize [module]" for
each return address behind which an allocation failed. The places there are come
from the modules: references to the allocators from their code. User-Mode Linux
calls with the address in a register, so the call is a few bytes behind.
"""

import re
from collections import defaultdict

from common import run

MODULES = ["kmcl", "kmcl_loopback"]
LINE = re.compile(r"kmcl_fail_site: (\S+)\+0x([0-9a-f]+)/0x[0-9a-f]+ \[(\w+)\]")

# The slab allocator's functions, and those that are made with it; not pages.
ALLOCATOR = re.compile(
    r"^_*(k[vm]*[mzc]*alloc(?!_caches)|vmalloc(?!_to_page)|vzalloc|kmem_cache_(alloc|create)"
    r"|kmemdup|kvmemdup|kstrdup|kasprintf|mempool_(create|alloc)|vmap$|dev_set_name|device_add)")
# How far behind its reference a call may return
NEAR = 96

# These have no failure: __GFP_NOFAIL, or they run as the module is loaded.
SPARED = {
    "vmbus_cc_new": "may not fail",
    "vmbus_outbox_add": "may not fail",
    "kmcl_lb_end_init": "as the module is loaded",
}

SECTION = re.compile(r"^\s*\[\s*(\d+)\]\s+(\S+)", re.M)
RELOCATIONS = re.compile(r"^Relocation section '\.rela(\S+)'", re.M)
RELOCATION = re.compile(r"^([0-9a-f]{8,})\s+\S+\s+R_\S+\s+[0-9a-f]+\s+(\S+)", re.M)
SYMBOL = re.compile(r"^\s*\d+: ([0-9a-f]+)\s+(\d+|0x[0-9a-f]+) FUNC\s+\S+\s+\S+\s+(\d+) (\S+)",
                    re.M)


def existing(path):
    """{function: [(offset of the reference, allocator)]} of a module."""
    text = run(["readelf", "-W", "-S", "-s", "-r", path])
    names = {int(number): name for number, name in SECTION.findall(text)}
    functions = defaultdict(list)
    for value, size, section, name in SYMBOL.findall(text):
        functions[names.get(int(section))].append((int(value, 16), int(size, 0), name))
    found = defaultdict(list)
    parts = RELOCATIONS.split(text)
    for section, body in zip(parts[1::2], parts[2::2]):
        if not section.startswith(".text"):
            continue
        for offset, symbol in RELOCATION.findall(body):
            if not ALLOCATOR.match(symbol):
                continue
            at = int(offset, 16)
            for start, size, name in functions[section]:
                if start <= at < start + size and name not in SPARED:
                    found[name].append((at - start, symbol))
    return found


def hit(logs):
    """{module: {(function, offset)}} of console logs."""
    found = defaultdict(set)
    for log in logs:
        for name, offset, module in LINE.findall(log.read_text(errors="replace")):
            found[module].add((name, int(offset, 16)))
    return found


def report(logs, folder):
    """Lines for people; none where no allocation failed."""
    hits = hit(logs)
    lines = []
    for module in MODULES:
        path = folder / f"{module}.ko"
        if not hits[module] or not path.exists():
            continue
        left = existing(path)
        total = sum(len(sites) for sites in left.values())
        deeper = 0
        for name, offset in sorted(hits[module]):
            near = [s for s in left[name] if s[0] < offset <= s[0] + NEAR]
            if near:
                left[name].remove(max(near))
            else:
                # What allocates further down: the site is the core's call of it.
                deeper += 1
        missed = [(name, *site) for name, sites in sorted(left.items()) for site in sites]
        lines.append(f"{module}: allocation failed at {total - len(missed)} sites hit "
                     f"of {total} sites existing, and below {deeper} other calls")
        for name, offset, symbol in missed:
            lines.append(f"    not hit: {name}+{offset:#x} ({symbol})")
    return lines
