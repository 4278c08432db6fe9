# SPDX-License-Identifier: GPL-2.0
"""What has to hold in a Hyper-V guest, seen from the guest and from its host."""

from hyperv_host import INSTANCE
from hyperv_qmp import MIB
from hyperv_watch import Failed

CLASS = "525074dc-8985-46e2-8057-a307dc18a502"      # dynamic memory


def check(holds, text):
    """A claim of a case."""
    if not holds:
        raise Failed(text)


def hyperv(guest):
    """the guest knows Hyper-V, and is offered dynamic memory"""
    log = guest.run("dmesg | grep -iE 'hypervisor detected|vmbus version'")
    check("Hypervisor detected: Microsoft Hyper-V" in log, f"the kernel's log says: {log}")
    found = guest.run("cat /sys/bus/vmbus/devices/*/class_id")
    check(CLASS in found, f"the classes offered are {found}")


def stock_reports(guest):
    """the stock driver reports to the host"""
    mark = guest.trace.mark()
    guest.run("insmod /lib/stock.d/hv_balloon.ko pressure_report_delay=0")
    guest.trace.await_line("-> S_POST_INIT_WAIT", mark, "version and capabilities agreed")
    reports = guest.monitor.reports(5)
    free = int(guest.run("awk '/MemAvailable/ {print $2}' /proc/meminfo")) << 10
    for report in reports:
        check(abs(report["available"] - free) < 32 * MIB,
              f"{report['available']} bytes reported, {free} available")
    check(guest.monitor.status() is not None, "the host has no report")
    guest.run(f"echo {INSTANCE} >/sys/bus/vmbus/drivers/hv_balloon/unbind")
