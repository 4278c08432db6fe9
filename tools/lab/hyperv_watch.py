# SPDX-License-Identifier: GPL-2.0
"""What a nest of machines says, kept by source, and awaited by condition.

Nothing here sleeps: a wait ends when a line makes its condition true. Limits
are for hangs alone.
"""

import queue
import re
import time
from dataclasses import dataclass

from common import LabError, say

LIMIT = 420         # seconds that one wait may take, on a machine that is busy
BEAT = 1.9          # seconds after which a wait says that it waits


class Failed(Exception):
    """A case does not hold."""


@dataclass
class Line:
    """One line of a source."""

    stamp: float
    text: str


class Watch:
    """Takes lines from a machine's queue, keeps them, and tells who listens."""

    def __init__(self, machine):
        self.machine = machine
        self.lines = {}         # by source
        self.ended = set()      # sources that end
        self.listeners = {}     # by source: functions of a Line
        self.broken = None      # why no wait can end well any more
        self.shown = time.monotonic()

    def of(self, source, since=0):
        """A source's lines, from a mark on."""
        return self.lines.setdefault(source, [])[since:]

    def mark(self, source):
        """A place in a source: after all that it said."""
        while self._take(0):
            pass
        return len(self.of(source))

    def listen(self, source, function):
        """Have a function called with each line of a source."""
        self.listeners.setdefault(source, []).append(function)

    def _take(self, timeout):
        try:
            stamp, source, text = self.machine.queue.get(timeout=timeout, block=timeout > 0)
        except queue.Empty:
            return False
        if text is None:
            self.ended.add(source)
            return True
        line = Line(stamp, text)
        self.lines.setdefault(source, []).append(line)
        for function in self.listeners.get(source, []):
            function(line)
        return True

    def until(self, test, what, limit=LIMIT):
        """Take lines until test() is true; return what it gave."""
        began = time.monotonic()
        while True:
            found = test()
            if found:
                return found
            if self.broken:
                raise Failed(f"{self.broken}, while waiting for {what}")
            if not self._take(0.5) and "qmp" in self.ended:
                raise LabError(f"QEMU went away while waiting for {what}; "
                               f"see {self.machine.logs}/qemu.log")
            now = time.monotonic()
            if now - max(self.shown, began) > BEAT:
                say(f"    ... {what}, {now - began:.0f} s")
                self.shown = now
            if now - began > limit:
                raise Failed(f"no sign of {what} in {limit} s")

    def line(self, source, regex, since=0, what=None, limit=LIMIT):
        """Await a line of a source that matches; return the match."""
        seen = since

        def test():
            nonlocal seen
            lines = self.of(source)
            while seen < len(lines):
                seen += 1
                match = re.search(regex, lines[seen - 1].text)
                if match:
                    return match
            return None

        return self.until(test, what or f"{source} to say {regex!r}", limit)


class Agent:
    """Runs shell commands in a machine, over the line that guest/hyperv/agent reads."""

    def __init__(self, watch, source):
        self.watch, self.source = watch, source
        self.number = 0
        self.boots = []         # (boot id, release) of each kernel that came up
        watch.listen(source, self._note)

    def _note(self, line):
        match = re.match(r"@ready (\S+) (\S+)", line.text)
        if match:
            self.boots.append(match.groups())

    def ready(self, boots, what):
        """Await the agent of the machine's boot of that number, from 1."""
        self.watch.until(lambda: len(self.boots) >= boots, what)

    def start(self, command):
        """Send a command; return what `finish` needs."""
        self.number += 1
        ticket = self.number, self.watch.mark(self.source)
        self.watch.machine.send(self.source, f"{self.number} {command}\n")
        return ticket

    def output(self, ticket):
        """What a command has said so far."""
        return [line.text for line in self.watch.of(self.source, ticket[1])]

    def ended(self, ticket):
        """Whether a command has come to its end."""
        return any(re.match(rf"@{ticket[0]} \d+$", text) for text in self.output(ticket))

    def finish(self, ticket, command, check=True):
        """Await the end of a command; return its output, or with check=False (status, output)."""
        number, since = ticket
        end = self.watch.line(self.source, rf"^@{number} (\d+)$", since,
                              what=f"`{command[:60]}`")
        texts = self.output(ticket)
        output = "\n".join(texts[:texts.index(end[0])])
        if not check:
            return int(end[1]), output
        if int(end[1]):
            raise Failed(f"`{command}` ended with {end[1]}: {output.strip()[-500:]}")
        return output

    def run(self, command, check=True):
        """Run a command to its end; return its output, or with check=False (status, output)."""
        return self.finish(self.start(command), command, check)
