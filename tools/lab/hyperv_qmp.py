# SPDX-License-Identifier: GPL-2.0
"""The host's side of a Hyper-V guest: its QEMU's monitor and its trace of hv-balloon."""

import json
import re
from dataclasses import dataclass

from hyperv_watch import Failed

MIB = 1 << 20


@dataclass
class Event:
    """One event of QMP's, in the order of arrival."""

    name: str
    data: dict


class Monitor:
    """Commands to the guest's QEMU, and its events."""

    def __init__(self, watch, source):
        self.watch, self.source = watch, source
        self.events, self.replies = [], {}
        self.number = 0
        self.greeted = False
        watch.listen(source, self._note)

    def _note(self, line):
        try:
            message = json.loads(line.text)
        except ValueError:
            return
        if "QMP" in message:
            self.greeted = True
        elif "event" in message:
            self.events.append(Event(message["event"], message.get("data", {})))
        elif "id" in message:
            self.replies[message["id"]] = message

    def connect(self):
        """Await the greeting, and leave negotiation mode."""
        self.watch.until(lambda: self.greeted, "the guest's QEMU")
        self.execute("qmp_capabilities")

    def ask(self, command, **arguments):
        """Execute a command; return its whole reply, which may be an error."""
        self.number += 1
        number = self.number
        self.watch.machine.send(self.source, json.dumps(
            {"execute": command, "arguments": arguments, "id": number}) + "\n")
        self.watch.until(lambda: number in self.replies, f"QMP {command}")
        return self.replies.pop(number)

    def execute(self, command, **arguments):
        """Execute a command; return what it returns."""
        reply = self.ask(command, **arguments)
        if "error" in reply:
            raise Failed(f"QMP {command}: {reply['error']['desc']}")
        return reply["return"]

    def of(self, name, since=0):
        """The events of a name, from a number of events on."""
        return [event for event in self.events[since:] if event.name == name]

    def event(self, name, test, since, what):
        """Await an event whose data passes a test; return its data."""
        def found():
            return next((e.data for e in self.of(name, since) if test(e.data)), None)
        return self.watch.until(found, what)

    def reports(self, count, what=None):
        """Await so many more status reports; return their data."""
        name, before = "HV_BALLOON_STATUS_REPORT", len(self.events)
        self.watch.until(lambda: len(self.of(name, before)) >= count,
                         what or f"{count} status reports at the host")
        return [event.data for event in self.of(name, before)][:count]

    def status(self):
        """The last status report, as the host keeps it; None if there is none."""
        reply = self.ask("query-hv-balloon-status-report")
        return reply.get("return")

    def balloon(self, size):
        """Set the balloon's target: the guest's memory in bytes."""
        self.execute("balloon", value=size)


class Trace:
    """What hv-balloon did, message by message."""

    def __init__(self, watch, source):
        self.watch, self.source = watch, source

    def mark(self):
        """A place in the trace: after all that is there."""
        return self.watch.mark(self.source)

    def count(self, regex, since=0):
        """How many lines match."""
        return sum(bool(re.search(regex, line.text))
                   for line in self.watch.of(self.source, since))

    def reports(self, since):
        """How many status reports the host got.

        The event is rate limited, and its place in the trace is not. There it
        has a number, which is that of the first such event: nothing else that
        is rate limited happens before a guest's first report.
        """
        limited = re.compile(r"monitor_protocol_event_queue event=(\d+) .* rate=[1-9]")
        first = next(filter(None, (limited.search(line.text)
                                   for line in self.watch.of(self.source))), None)
        return self.count(rf"event_queue event={first[1]} ", since) if first else 0

    def await_line(self, regex, since, what):
        """Await a line; return the match."""
        return self.watch.line(self.source, regex, since, what)
