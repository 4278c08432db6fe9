# SPDX-License-Identifier: GPL-2.0
"""kmcl_dm in a guest, and the host's view of it."""

from hyperv_host import INSTANCE
from hyperv_watch import Failed

CLASS = "525074dc-8985-46e2-8057-a307dc18a502"      # dynamic memory
FOLDER = "/sys/devices/kmcl_dm"
VMBUS = "/sys/bus/vmbus"
DEVICE = f"{VMBUS}/devices/{INSTANCE}"
DRIVER = f"kmcl-{CLASS}"


def check(holds, text):
    """A claim of a case."""
    if not holds:
        raise Failed(text)


def read(guest):
    """All that /sys/devices/kmcl_dm shows: {name: text}, counters as numbers."""
    out = guest.run(f"cd {FOLDER} && grep . state version pages_out counters/*")
    rows = dict(line.split(":", 1) for line in out.splitlines())
    return {name.removeprefix("counters/"): int(value) if value.isdigit() else value
            for name, value in rows.items()}


def load(guest, parameters=""):
    """Load our modules, and await the end of the negotiation at both sides."""
    mark, log = guest.trace.mark(), guest.log_now()
    guest.run(f"load {parameters}")
    negotiated(guest, mark, log)


def negotiated(guest, mark, log):
    """Await the end of a negotiation that began after these marks of trace and log."""
    guest.trace.await_line("-> S_POST_INIT_WAIT", mark, "the negotiation, at the host")
    guest.log(r"dynamic memory: version 2\.0", log, "the negotiation, in the guest")
    now = read(guest)
    check(now["state"] == "ready", f"negotiated, and the state is {now['state']}")


def reported(guest, since, earlier=0):
    """The guest's counter is the number of reports at the host, within one.

    They go on while it is read, which takes longer on a busy machine.
    """
    before = guest.trace.reports(since)
    counted = read(guest)["reports"] - earlier
    after = guest.trace.reports(since)
    check(before - 1 <= counted <= after + 1,
          f"{counted} reports counted, {before} to {after} in the host's trace")
    return counted


def memory(guest, what):
    """A number of /proc/meminfo, in bytes."""
    return int(guest.run(f"sed -n 's/^{what}: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")) << 10


def driver(guest):
    """The driver that has the device, or nothing."""
    _, path = guest.run(f"readlink {DEVICE}/driver", check=False)
    return path.strip().rpartition("/")[2]
