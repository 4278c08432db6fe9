# SPDX-License-Identifier: GPL-2.0
"""Run cases in guests, and count."""

import shlex
import time
from dataclasses import dataclass, field

from common import LabError, say
from hyperv_host import Guest
from hyperv_watch import Failed


@dataclass
class Boot:
    """A guest, and the cases that it serves one after the other."""

    name: str
    cases: list
    words: list = field(default_factory=list)   # on the kernel's command line
    s4: bool = False                            # whether ACPI S4 is offered
    kernel: str = ""                            # another one than the list's


@dataclass
class Count:
    """How many cases came out how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def title(case):
    """A case's first line."""
    return case.__doc__.splitlines()[0]


def dump(guest):
    """What a failure leaves to look at, in the logs: what the kernel is doing."""
    try:
        guest.run("echo w >/proc/sysrq-trigger", check=False)
        guest.log_now()
    except (Failed, LabError):
        pass


COMPLAINTS = (r"WARNING:|BUG:|Oops|UBSAN:|ODEBUG:|refcount_t:|Call Trace:|possible recursive"
              r"|inconsistent lock|blocked for more")
BOOTS = 3       # attempts at a guest whose own boot goes well


def complaints(guest, since):
    """What the guest's kernel complained of: a failure, whatever else holds."""
    found = guest.logged(COMPLAINTS, since)
    if found:
        raise Failed(f"the kernel complains: {found[0]}")


def sound_guest(host, kernel, boot):
    """A guest whose boot went well, before a module of ours is loaded.

    A processor emulated in an emulated one has its faults: now and then the guest's
    early boot ends in a report of KASAN or a panic, and lockdep is off after a report.
    """
    for _ in range(BOOTS):
        try:
            guest = Guest(host, boot.kernel or kernel, boot.words, boot.s4)
        except Failed as error:
            found = str(error)
        else:
            _, found = guest.run(f"dmesg | grep -E {shlex.quote(COMPLAINTS)}", check=False)
            if not found:
                return guest
            guest.stop()
            found = found.splitlines()[0]
        say(f"  the guest's own boot went wrong: {found}")
    raise Failed(f"{BOOTS} boots of the guest went wrong, at last: {found}")


def run_boot(host, kernel, boot, count, keep_going=False):
    """One guest and its cases."""
    guest, broken = None, None
    for case in boot.cases:
        if broken and not (keep_going and guest and not guest.watch.broken):
            say(f"  {title(case)}: skipped, the guest failed in {broken!r}")
            count.skipped += 1
            continue
        began = time.monotonic()
        say(f"  {title(case)} ...")
        try:
            if not guest:
                guest = sound_guest(host, kernel, boot)
            log = guest.log_now()
            case(guest)
            complaints(guest, log)
        except Failed as error:
            broken = title(case)
            count.failed += 1
            count.failures.append(f"{kernel}, {boot.name}: {broken}: {error}")
            say(f"  {title(case)}: FAILED: {error}")
            if guest and guest.agent.boots and not keep_going:
                dump(guest)
            continue
        count.passed += 1
        say(f"  {title(case)}: passed in {time.monotonic() - began:.1f} s")
    if guest:
        guest.stop()
