# SPDX-License-Identifier: GPL-2.0
"""A shell in a Hyper-V guest, and a word with its host in between."""

import json
import os
import select
import sys
import termios
import tty

from common import LabError, say
from hyperv_host import MEMORY, Guest, Host
from hyperv_qmp import MIB
from hyperv_watch import Failed

ESCAPE = b"\x1d"        # Ctrl-]

HELP = f"""\
  report            the guest's last status report, as the host has it
  balloon MIB       give the guest so much memory; {MEMORY} is all
  trace [N]         the last lines of what hv-balloon did
  log [N]           the last lines of the guest's console
  qmp JSON          anything else that its QEMU can do
  quit              end guest and host
  (an empty line goes back to the guest)"""


def report(guest, _rest):
    """The last status report."""
    status = guest.monitor.status()
    if not status:
        return "no report yet"
    return "".join(f"{what} {value / MIB:.1f} MiB  " for what, value in status.items())


def balloon(guest, rest):
    """Set the balloon's target."""
    guest.monitor.balloon(int(rest) * MIB)
    return ("the host acts on it once 50 s are over since the guest named its "
            "capabilities; see `trace`")


def last_lines(source):
    """A command that shows the last lines of a source."""
    def show(guest, rest):
        guest.watch.mark(source)
        return "\n".join(line.text for line in guest.watch.of(source)[-int(rest or 20):])
    return show


def qmp(guest, rest):
    """Any command of QMP's."""
    request = json.loads(rest)
    return json.dumps(guest.monitor.ask(request["execute"], **request.get("arguments", {})))


COMMANDS = {"report": report, "balloon": balloon, "trace": last_lines("trace"),
            "log": last_lines("console"), "qmp": qmp}


def word(guest):
    """One command for the host; False ends it all."""
    line = input("\r\nhost> ").strip()
    name, _, rest = line.partition(" ")
    if name in ("quit", "exit"):
        return False
    if name in COMMANDS:
        try:
            print(COMMANDS[name](guest, rest.strip()))
        except (Failed, ValueError, KeyError, TypeError) as error:
            print(f"{name}: {error}")
    elif name:
        print(HELP)
    return True


def attach(guest, line):
    """Keys to the guest's shell and its words back, until the host is told to quit."""
    fd = sys.stdin.fileno()
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        while guest.host.machine.alive():
            ready, _, _ = select.select([fd, line], [], [], 0.5)
            # The other lines are read on the side, lest they run full.
            guest.watch.mark("console")
            if line in ready:
                data = line.recv(65536)
                if not data:
                    break
                os.write(sys.stdout.fileno(), data)
            if fd in ready:
                keys = os.read(fd, 1024)
                before, escape, after = keys.partition(ESCAPE)
                line.sendall(before)
                if escape:
                    termios.tcsetattr(fd, termios.TCSADRAIN, saved)
                    if not word(guest):
                        break
                    tty.setraw(fd)
                    line.sendall(after + b"\r")
            if any(text.text.startswith("@exit") for text in
                   guest.watch.of("trace", guest.trace_mark)):
                break
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)
    print()


def check_terminal():
    """Before anything else: no shell without one."""
    if not sys.stdin.isatty():
        raise LabError("a shell needs a terminal; for a script see `hyperv check --help`")


def run(kernel, logs):
    """Boot host and guest, and be the guest's terminal."""
    host = Host([kernel], logs, shell=True)
    try:
        guest = Guest(host, kernel, ["lab.shell"], shell=True)
        say(f"a shell in the guest; Ctrl-] is a word with its host; logs: {logs}")
        attach(guest, host.machine.sockets["control"])
    finally:
        host.close()
    return 0
