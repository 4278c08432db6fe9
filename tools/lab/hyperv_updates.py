# SPDX-License-Identifier: GPL-2.0
"""Cases in a Hyper-V guest: the kernel is replaced, and the host stays."""

from hyperv_cases import true_reports
from hyperv_dm import check, load, negotiated, read, reported

# So long a message of the host waits, for the sake of a freeze
DELAY = "/sys/module/kmcl_dm/parameters/test_delay_ms"
FOREVER = 3600000


def updated(guest, options=""):
    """A live update; load, negotiate and report in the next kernel. kmclctl's report."""
    before, mark = read(guest), guest.trace.mark()
    report = guest.live_update(options)
    check(report["channels"] == 1, f"live-update says {report}")
    closed = guest.trace.count("vmbus_close_channel|S_POST_RESET_CLOSED", mark)
    check(closed, "the host has not seen the link end")
    load(guest)
    true_reports(guest, 2)
    now = read(guest)
    check(now["reports"] > before["reports"] and
          now["negotiations"] == before["negotiations"] + 1, f"before {before}, now {now}")
    return report, now


def save(guest):
    """freeze, save and thaw: the link stays, no report is lost"""
    mark = guest.trace.mark()
    guest.run("kmclctl save /tmp/set && kmclctl show --quiet /tmp/set")
    true_reports(guest, 2)
    check(not guest.trace.count("vmbus_close_channel", mark), "the link did not stay")
    reported(guest, guest.reports_from)


def live_update(guest):
    """live update: the same instance, the counters go on, no report is lost"""
    updated(guest)
    reported(guest, guest.reports_from)


def second_live_update(guest):
    """a second live update, straight after the first"""
    updated(guest)
    reported(guest, guest.reports_from)


def unanswered_request(guest):
    """live update between the host's request for memory and our answer"""
    mark = guest.trace.mark()
    guest.run(f"echo {FOREVER} >{DELAY}")
    guest.monitor.balloon(guest.size(-64))
    guest.trace.await_line("posting balloon", mark, "the host's request")
    before = read(guest)
    log = guest.log_now()
    report, now = updated(guest)
    check(report["packets"]["received"] >= 1, f"nothing received was in flight: {report}")
    guest.log(r"the link ended: 1 messages of the host are void", log)
    check(now["stale"] == before["stale"] + 1, f"before {before}, now {now}")
    check(now["pages_out"] == 0, f"{now['pages_out']} pages out")
    reported(guest, guest.reports_from)


def unanswered_negotiation(guest):
    """live update between the host's answer to our version and what follows from it"""
    guest.run("rmmod kmcl_dm")
    mark = guest.trace.mark()
    guest.reports_from = mark
    guest.run(f"load test_delay_ms={FOREVER}")
    guest.trace.await_line("-> S_CAPS", mark, "the host's answer")
    before = read(guest)
    check(before["state"] == "version", f"the host has answered, and {before}")
    log = guest.log_now()
    report = guest.live_update()
    check(report["packets"]["received"] >= 1, f"nothing received was in flight: {report}")
    load(guest)
    guest.log(r"the link ended: 1 messages of the host are void", log)
    true_reports(guest, 2)
    now = read(guest)
    check(now["stale"] == 1 and now["negotiations"] == 1, f"now {now}")
    reported(guest, mark)


def bare_kexec(guest):
    """kexec without a freeze: what was in flight is in the log"""
    guest.run("rmmod kmcl_dm")
    mark = guest.trace.mark()
    guest.run(f"load test_delay_ms={FOREVER}")
    guest.trace.await_line("-> S_CAPS", mark, "the host's answer")
    guest.run("next && kexec -s -l /next/vmlinuz --initrd=/tmp/initrd --reuse-cmdline")
    _, log = guest.kexec("kexec -e")
    guest.reports_from = guest.trace.mark()
    load(guest)
    true_reports(guest, 2)
    reported(guest, guest.reports_from)
    check(guest.logged(r"kexec without a live update: 1 open channels, [1-9]\d* packets", log),
          "the log does not say what was in flight")


def hibernation(guest):
    """hibernation's callbacks, down to noirq and back: the link is reset"""
    before, mark, log = read(guest), guest.trace.mark(), guest.log_now()
    # The whole way but for the image: all devices are suspended, and resumed.
    guest.run("echo platform >/sys/power/pm_test && echo disk >/sys/power/state")
    check(guest.logged(r"hibernation: debug: Waiting", log), "this was no hibernation")
    check(guest.trace.count("vmbus_close_channel|S_POST_RESET_CLOSED", mark),
          "the host has not seen the link end")
    negotiated(guest, mark, log)
    true_reports(guest, 2)
    now = read(guest)
    check(now["negotiations"] == before["negotiations"] + 1, f"before {before}, now {now}")
    reported(guest, guest.reports_from)
