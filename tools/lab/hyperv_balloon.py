# SPDX-License-Identifier: GPL-2.0
"""Cases in a Hyper-V guest: memory goes to the host, and comes back."""

from hyperv_cases import true_reports
from hyperv_dm import check, load, memory, read
from hyperv_qmp import MIB

AMOUNT = 64                     # MiB
PAGES = AMOUNT * MIB // 4096


def settled(guest, change):
    """Ask for a guest of that much more than all its memory, in MiB; await that it is so."""
    size, mark = guest.size(change), guest.trace.mark()
    guest.monitor.balloon(size)

    def actual():
        return guest.monitor.execute("query-balloon")["actual"]

    def moved():
        nonlocal mark
        count = guest.trace.count(r"incoming (un)?balloon response", mark)
        if not count:
            return False
        mark = guest.trace.mark()
        return actual() == size

    guest.watch.until(moved, f"the host to have moved memory, the guest to have {size // MIB} MiB")
    guest.trace.await_line("-> S_IDLE", mark - 1, "the host to be idle again")
    check(actual() == size, f"the host says the guest has {actual()} bytes, not {size}")


def near(change, amount, what):
    """Whether a change in bytes is the amount in MiB, give or take what a kernel does."""
    check(abs(change - amount * MIB) < 12 * MIB, f"{what} changed by {change / MIB:.1f} MiB, "
          f"not by {amount}")


def unused(guest):
    """Bytes that are free in the guest, those on the lists of its processors, too."""
    output = guest.run("awk '$1 == \"count:\" { n += $2 } END { print n }' /proc/zoneinfo")
    return memory(guest, "MemFree") + int(output) * 4096


def down(guest):
    """balloon down by 64 MiB: the guest has less, and the host more"""
    # What the guest never touched, the host has still. The file's memory may come back
    # some time after its name is gone.
    free = unused(guest)
    guest.run("mkdir -p /fill && mount -t tmpfs -o size=300m none /fill && "
              "dd if=/dev/zero of=/fill/zero bs=1M count=160 2>/dev/null; umount /fill; "
              "echo 3 > /proc/sys/vm/drop_caches")
    guest.watch.until(lambda: unused(guest) > free - 8 * MIB, "the file's memory to be free")
    before = read(guest)
    total, free, host = memory(guest, "MemTotal"), unused(guest), guest.resident()
    settled(guest, -AMOUNT)
    now = read(guest)
    check(now["pages_out"] == PAGES, f"{now['pages_out']} pages out, not {PAGES}")
    check(now["pages_given"] == before["pages_given"] + PAGES, f"before {before}, now {now}")
    check(now["balloon_requests"] > before["balloon_requests"], f"before {before}, now {now}")
    near(memory(guest, "MemTotal") - total, -AMOUNT, "the guest's MemTotal")
    near(unused(guest) - free, -AMOUNT, "what is free in the guest")
    near(guest.resident() - host, -AMOUNT, "what the guest's QEMU has of the host's memory")
    true_reports(guest, 2)


def refused(guest):
    """live update is refused with 64 MiB out, by name of the amount"""
    status, output = guest.run("update", check=False)
    check(status, f"live-update came back with 0: {output}")
    check(f"{AMOUNT} MiB" in output, f"live-update says: {output}")
    true_reports(guest, 2)
    check(read(guest)["pages_out"] == PAGES, "the refusal changed what is out")


def up(guest):
    """balloon up again: every page is back"""
    total, before = memory(guest, "MemTotal"), read(guest)
    settled(guest, 0)
    now = read(guest)
    check(now["pages_out"] == 0, f"{now['pages_out']} pages are still out")
    check(now["pages_returned"] == before["pages_returned"] + PAGES, f"now {now}")
    near(memory(guest, "MemTotal") - total, AMOUNT, "the guest's MemTotal")
    # The guest can use it.
    guest.run("mount -t tmpfs -o size=300m none /fill && "
              "dd if=/dev/zero of=/fill/zero bs=1M count=160 2>/dev/null; umount /fill")
    true_reports(guest, 2)


def unload_with_pages_out(guest):
    """unloading with 64 MiB out: the guest has them again, and the host knows"""
    settled(guest, -AMOUNT)
    total, log, mark = memory(guest, "MemTotal"), guest.log_now(), guest.trace.mark()
    guest.run("rmmod kmcl_dm")
    guest.trace.await_line("vmbus_close_channel", mark, "the channel's end, at the host")
    guest.log(rf"the link ended with {PAGES} pages out", log)
    near(memory(guest, "MemTotal") - total, AMOUNT, "the guest's MemTotal")
    actual = guest.monitor.execute("query-balloon")["actual"]
    check(actual == guest.size(), f"unloaded, and the host says the guest has {actual} bytes")
    guest.reports_from = guest.trace.mark()
    load(guest)
    true_reports(guest, 2)
