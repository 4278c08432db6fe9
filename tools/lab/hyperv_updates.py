# SPDX-License-Identifier: GPL-2.0
"""Cases in a Hyper-V guest: the kernel is replaced, and the host stays."""

from hyperv_cases import true_reports
from hyperv_dm import check, load, read, reported


def live_update(guest):
    """live update: the same instance, the counters go on"""
    before, mark = read(guest), guest.trace.mark()
    report = guest.live_update()
    check(report["channels"] == 1, f"live-update says {report}")
    guest.trace.await_line("vmbus_close_channel|S_POST_RESET", mark, "the reset, at the host")
    load(guest)
    true_reports(guest, 2)
    now = read(guest)
    check(now["reports"] > before["reports"], f"before {before}, now {now}")
    check(now["negotiations"] == before["negotiations"] + 1, f"before {before}, now {now}")
    reported(guest, guest.trace_mark)
