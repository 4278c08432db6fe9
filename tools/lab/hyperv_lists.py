# SPDX-License-Identifier: GPL-2.0
"""Which cases run, and in which guests."""

import hyperv_cases as cases
import hyperv_updates as updates
from common import LabError
from hyperv_run import Boot


def short(_kernel):
    """What `make check` runs."""
    return [Boot("short", [cases.hyperv, cases.negotiate, cases.five_reports,
                           updates.live_update])]


def full(_kernel):
    """What `make check-all` runs."""
    return [Boot("devices", [cases.hyperv, cases.stock_driver, cases.override, cases.rebind,
                             cases.unload])]


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
