# SPDX-License-Identifier: GPL-2.0
"""Follow a machine through a demo: show what it does, note what it said."""

import contextlib
import json
import queue
import threading
import time

from common import LabError, say

PHASES = {
    "load": "the load runs",
    "update": "live update: freeze, save, load the next kernel",
    "kexec": "kexec",
    "save": "freeze, save",
    "reload": "other modules take over",
    "restore": "restore",
    "run": "the load runs on",
    "drain": "no more requests; those in flight end",
    "unload": "unload",
}


@contextlib.contextmanager
def busy(text):
    """Something that takes a while and says nothing itself."""
    say(f"{text} ...")
    began, over = time.monotonic(), threading.Event()

    def beat():
        while not over.wait(1.9):
            say(f"  ... {text}, {time.monotonic() - began:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    say(f"{text}: done in {time.monotonic() - began:.1f} s")


class Facts:
    """What came out of one run."""

    def __init__(self):
        self.boots = []         # (stamp, boot_id, release, uptime)
        self.phases = []        # (stamp, name)
        self.saved = None       # kmclctl's report of the live update
        self.restored = None    # and of the restore
        self.complaints = []
        self.failure = None
        self.events = []        # QMP
        self.ledger = []        # (stamp, line)
        self.done = False
        self.stayed = True      # one process throughout

    def stamp_of(self, phase):
        """When a phase began, by the host's clock."""
        return next((s for s, n in self.phases if n == phase), None)

    def blackout(self):
        """Seconds from the last completion before the update to the first after it."""
        # Where the ends are made anew, they say again what they carry.
        plans, second = set(), []
        for i, (_, text) in enumerate(self.ledger):
            if text.startswith("P ") and text[:5] in plans:
                second = [i]
                break
            if text.startswith("P "):
                plans.add(text[:5])
        if not second:
            return None
        before = [s for s, t in self.ledger[:second[0]] if t.startswith("C ")]
        after = [s for s, t in self.ledger[second[0]:] if t.startswith("C ")]
        return after[0] - before[-1] if before and after else None


class Follower:
    """Turns a machine's lines into facts and progress."""

    def __init__(self, machine, facts, limit):
        self.machine, self.facts = machine, facts
        self.began = time.monotonic()
        self.deadline = self.began + limit
        self.shown = time.monotonic()
        self.phase, self.phase_began = "boot", time.monotonic()
        self.tail = []
        self.in_log = False
        self.reset = False      # the machine starts over: nothing of interest can follow

    def show(self, text):
        """A progress line."""
        say(text)
        self.shown = time.monotonic()

    def heartbeat(self):
        """Nothing is silent for more than two seconds."""
        if time.monotonic() - self.shown > 1.9:
            lines = len(self.facts.ledger)
            self.show(f"  ... {self.phase}, {time.monotonic() - self.phase_began:.0f} s, "
                      f"{lines} ledger lines")

    def follow(self):
        """Until the machine is off."""
        facts = self.facts
        open_sources = {"console", "ledger"}
        while open_sources and not self.reset:
            try:
                stamp, source, text = self.machine.queue.get(timeout=0.5)
            except queue.Empty:
                stamp = source = text = None
            if source and text is None:
                open_sources.discard(source)
            elif source == "ledger":
                facts.ledger.append((stamp, text))
            elif source == "console":
                self.console(stamp, text)
            elif source == "qmp":
                self.qmp(stamp, text)
            self.heartbeat()
            if time.monotonic() > self.deadline:
                facts.failure = facts.failure or f"no end in sight in phase {self.phase!r}"
                break
        facts.stayed = self.machine.alive() or facts.done or facts.failure is not None
        if not facts.done and not facts.failure:
            facts.failure = f"the machine went away in phase {self.phase!r}"
        return facts

    def qmp(self, stamp, text):
        """An event of QEMU's."""
        try:
            event = json.loads(text).get("event")
        except ValueError:
            return
        if event:
            self.facts.events.append((stamp, event))
            if event == "RESET" and self.facts.boots:
                self.facts.failure = self.facts.failure or "QEMU says RESET: this was no kexec"
                self.show(self.facts.failure)
                self.reset = True

    def console(self, stamp, text):
        """A line of the console."""
        self.tail = [*self.tail[-39:], text]
        if self.in_log:
            print(f"    {text}", flush=True)
        if text.startswith("{"):
            self.report(text)
        elif "@demo " in text:
            word, _, rest = text.partition("@demo ")[2].partition(" ")
            handler = getattr(self, f"on_{word}", None)
            if handler:
                handler(stamp, rest)
        elif text.startswith("kmclctl:"):
            self.show(text)
        elif "Kernel panic" in text:
            self.facts.failure = text
            self.show(text)

    def report(self, text):
        """A document of kmclctl's."""
        try:
            document = json.loads(text)
        except ValueError:
            raise LabError(f"kmclctl printed no JSON: {text[:200]}") from None
        if "packets" in document:
            self.facts.saved = document
            total = document["packets"]["total"]
            self.show(f"saved {document['channels']} channels, {document['bytes'] >> 10} KiB, "
                      f"{total} in flight")
        elif "restore_ns" in document:
            self.facts.restored = document
            self.show(f"restored {document['channels']} channels")
        elif "error" in document:
            self.facts.failure = document["error"]
            self.show(f"kmclctl: {document['error']}")

    def enter(self, phase, text):
        """The next phase."""
        self.phase, self.phase_began = phase, time.monotonic()
        self.show(text)

    def on_boot(self, stamp, rest):
        """A kernel is up."""
        boot_id, release, uptime = rest.split()
        self.facts.boots.append((stamp, boot_id, release, float(uptime)))
        self.enter("start", f"kernel {release} is up, boot {boot_id[:8]}")

    def on_phase(self, stamp, rest):
        """The guest says what comes next."""
        self.facts.phases.append((stamp, rest))
        self.enter(rest, PHASES.get(rest, rest))

    def on_status(self, _stamp, rest):
        """How far the load is."""
        self.show(f"  {rest}")

    def on_stuck(self, _stamp, rest):
        """Some requests never end; the judge will say which."""
        self.show(f"  some requests do not end: {rest}")

    def on_complaint(self, _stamp, rest):
        """The kernel complained of something."""
        self.facts.complaints.append(rest)
        self.show(f"the kernel complains: {rest}")

    def on_failed(self, _stamp, rest):
        """The guest gave up."""
        self.facts.failure = self.facts.failure or rest
        self.show(f"the guest gave up: {rest}")

    def on_log(self, _stamp, _rest):
        """The kernel's log follows, up to the end."""
        self.in_log = True

    def on_done(self, _stamp, _rest):
        """The guest has nothing more to do."""
        self.facts.done = True
        self.enter("power-off", "done; power off")
