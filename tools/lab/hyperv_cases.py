# SPDX-License-Identifier: GPL-2.0
"""Cases in a Hyper-V guest: its device, and who drives it."""

import re

from hyperv_dm import (CLASS, DEVICE, DRIVER, INSTANCE, VMBUS, check, driver, load, memory,
                       negotiated, read, reported)
from hyperv_qmp import MIB

STOCK = "/lib/stock.d/hv_balloon.ko pressure_report_delay=0"


def hyperv(guest):
    """the guest knows Hyper-V, and is offered dynamic memory"""
    log = guest.run("dmesg | grep -iE 'hypervisor detected|vmbus version'")
    check("Hypervisor detected: Microsoft Hyper-V" in log, f"the kernel's log says: {log}")
    found = guest.run(f"cat {DEVICE}/class_id")
    check(CLASS in found, f"the class offered is {found}")


def true_reports(guest, count):
    """Await reports at the host, and compare them with the guest's own numbers."""
    reports = guest.monitor.reports(count)
    free = memory(guest, "MemAvailable")
    last = guest.monitor.status()
    check(last is not None, "the host has no report")
    check(abs(last["available"] - free) < 16 * MIB,
          f"{last['available']} bytes available were reported, {free} are")
    for report in reports:
        check(0 < report["available"] < 512 * MIB and report["committed"] > 0,
              f"reported: {report}")


def negotiate(guest):
    """load, and negotiate"""
    load(guest)
    now = read(guest)
    check(now["version"] == "2.0" and now["negotiations"] == 1, f"after loading: {now}")
    check(driver(guest) == DRIVER, f"the driver is {driver(guest)}")


def five_reports(guest):
    """five reports, and true ones"""
    true_reports(guest, 5)
    reported(guest, guest.reports_from)


def thirty_reports(guest):
    """30 s of reports, none lost, and true ones"""
    true_reports(guest, 30)
    check(reported(guest, guest.reports_from) >= 30, "fewer reports counted than arrived")


def stock_driver(guest):
    """the stock driver has the device, and reports to the host"""
    mark = guest.trace.mark()
    guest.run(f"insmod {STOCK}")
    guest.trace.await_line("-> S_POST_INIT_WAIT", mark, "the negotiation, at the host")
    true_reports(guest, 2)
    check(driver(guest) == "hv_balloon", f"the driver is {driver(guest)}")


def take(guest, name):
    """Give the device to a driver, as Documentation/hyperv.rst says."""
    mark = guest.trace.mark()
    guest.run(f"echo {name} >{DEVICE}/driver_override && "
              f"echo {INSTANCE} >{DEVICE}/driver/unbind")
    guest.trace.await_line("vmbus_close_channel", mark, "the channel's end, at the host")
    return mark


def override(guest):
    """driver_override: from the stock driver to ours, and back"""
    log = guest.log_now()
    mark = take(guest, DRIVER)
    guest.run("load")
    negotiated(guest, mark, log)
    true_reports(guest, 2)
    check(driver(guest) == DRIVER, f"the driver is {driver(guest)}")
    mark = take(guest, "hv_balloon")
    guest.run(f"echo {INSTANCE} >{VMBUS}/drivers_probe")
    guest.trace.await_line("-> S_POST_INIT_WAIT", mark, "the negotiation, at the host")
    true_reports(guest, 2)
    check(driver(guest) == "hv_balloon", f"the driver is {driver(guest)}")
    log = guest.log_now()
    mark = take(guest, DRIVER)
    guest.run(f"echo {INSTANCE} >{VMBUS}/drivers_probe")
    negotiated(guest, mark, log)


def rebind(guest):
    """unbind and bind"""
    before, log, mark = read(guest), guest.log_now(), guest.trace.mark()
    guest.run(f"echo {INSTANCE} >{VMBUS}/drivers/{DRIVER}/unbind")
    guest.trace.await_line("vmbus_close_channel", mark, "the channel's end, at the host")
    check(read(guest)["state"] == "closed", f"unbound, and {read(guest)}")
    guest.run(f"echo {INSTANCE} >{VMBUS}/drivers/{DRIVER}/bind")
    negotiated(guest, mark, log)
    true_reports(guest, 2)
    now = read(guest)
    check(now["negotiations"] == before["negotiations"] + 1, f"before {before}, now {now}")


def unload(guest):
    """rmmod under traffic, and load again"""
    guest.monitor.reports(1)
    mark, log = guest.trace.mark(), guest.log_now()
    guest.run("rmmod kmcl_dm && rmmod kmcl_hv && rmmod kmcl")
    guest.trace.await_line("vmbus_close_channel", mark, "the channel's end, at the host")
    check(not driver(guest), f"unloaded, and the driver is {driver(guest)}")
    guest.reports_from = guest.trace.mark()
    guest.run("load")
    negotiated(guest, mark, log)
    true_reports(guest, 2)
    reported(guest, guest.reports_from)


def lockdep(guest):
    """lockdep has watched all that, to the end"""
    stats = guest.run("cat /proc/lockdep_stats")
    check(re.search(r"debug_locks: *1$", stats, re.M), "lockdep is off")
