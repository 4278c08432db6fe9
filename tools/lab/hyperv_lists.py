# SPDX-License-Identifier: GPL-2.0
"""Which cases run, and in which guests."""

import hyperv_balloon as balloon
import hyperv_cases as cases
import hyperv_updates as updates
from common import LabError
from hyperv_run import Boot


def short(_kernel):
    """What `make check` runs."""
    return [Boot("short", [cases.hyperv, cases.negotiate, cases.five_reports,
                           updates.live_update])]


def full(kernel):
    """What `make check-all` runs."""
    rows = [
        Boot("devices", [cases.hyperv, cases.stock_driver, cases.override, cases.rebind,
                         cases.unload, updates.bare_kexec, updates.unanswered_negotiation]),
        # QEMU acts on a target 50 s after a negotiation: the cases are in this order
        # so that little is waited for.
        Boot("memory", [cases.negotiate, cases.thirty_reports, balloon.down, balloon.refused,
                        balloon.up, updates.unanswered_request, updates.second_live_update,
                        balloon.unload_with_pages_out]),
    ]
    if kernel == "6.1":
        # The cloud kernels know no hibernation.
        rows.append(Boot("hibernation", [cases.negotiate, updates.hibernation],
                         s4=True, kernel="6.1-amd64"))
    if kernel == "7.3":
        # No kexec here: this kernel's KASAN takes an interrupt in its early boot ill.
        rows.append(Boot("lockdep", [cases.negotiate, cases.five_reports, cases.rebind,
                                     updates.save, cases.unload, cases.lockdep],
                         kernel="x86-lockdep"))
    return rows


LISTS = {"short": short, "full": full}


def boots(name, kernel, only=None):
    """The boots of a list for a kernel, or those of them that `only` names."""
    rows = LISTS[name](kernel)
    if not only:
        return rows
    names = {boot.name for boot in rows}
    wanted = {word.strip() for word in only.split(",")}
    if wanted - names:
        raise LabError(f"no boot is called {', '.join(sorted(wanted - names))}; "
                       f"there are: {', '.join(sorted(names))}")
    return [boot for boot in rows if boot.name in wanted]
