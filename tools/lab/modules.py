# SPDX-License-Identifier: GPL-2.0
"""The project's modules, built against a kernel of the cache.

Each kernel has its own copy of the sources in build/KERNEL/src, kept current
by rsync: nothing is ever built in the tree itself, and a rebuild takes seconds.
"""

import re
import shutil
from pathlib import Path

import cache
from common import BUILD, TOP, LabError, complaints, jobs, locked, log_path, run

SOURCES = ["Kbuild", "Kconfig", "include", "drivers", "kunit"]
PRODUCTS = ["*.o", "*.ko", "*.a", "*.gcno", "*.mod", "*.mod.c", ".*.cmd", ".*.d",
            "Module.symvers", "modules.order"]


def sync(target, tree=TOP):
    """Bring a copy of the sources up to date, leaving build products alone."""
    target.mkdir(parents=True, exist_ok=True)
    excludes = [f"--exclude={p}" for p in PRODUCTS]
    run(["rsync", "-rlpt", "--delete", *excludes,
         *[Path(tree) / s for s in SOURCES if (Path(tree) / s).exists()], f"{target}/"])


def _make(entry, src, options, target, log):
    argv = ["make", f"-j{jobs()}", *options, target]
    if entry.arch:
        argv.append(f"ARCH={entry.arch}")
    how = {"log": log, "what": f"modules for {entry.name}", "shown_of": complaints}
    if entry.root:
        script = " ".join(f"'{a}'" for a in
                          [*argv, "-C", entry.kdir, "M=/srv/kmcl"])
        cache.in_root(entry.root, script, bind=src, **how)
    else:
        run([*argv, "-C", entry.kdir, f"M={src}"], **how)


def _warnings(log):
    """Lines of a build's log that warn."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return [line for line in text.splitlines()
            if re.search(r"\bwarning\b", line, re.I) and "the compiler differs" not in line]


def build(kernel, strict=True, out=None, tree=TOP, where=None, options=(), name=None,
          quiet=False):
    """Build all modules for a kernel; return the folder that holds them.

    With `strict` any warning of the compiler (W=1) or of modpost is an error.
    `tree` is where the sources are, `where` the folder to build in; `name` is
    part of the log's name, where one kernel is built for twice at a time.
    """
    entry = cache.find(kernel)
    where = Path(where or BUILD / kernel)
    src, target = where / "src", where / "modules"
    # BTF is of one vmlinux alone, and 7.3 refuses a module with another's.
    options = ["W=1", "CONFIG_DEBUG_INFO_BTF_MODULES=", *options]
    if kernel in cache.SANITISED:
        # KASAN's red zones on the stack are not the code's fault.
        options.append("KCFLAGS=-Wframe-larger-than=8192")
    with locked(where / ".lock", f"the modules of {kernel}"):
        stamp = where / ".built-against"
        against = f"{entry.path} {' '.join(options)}\n"
        if not stamp.exists() or stamp.read_text() != against:
            shutil.rmtree(src, ignore_errors=True)
        sync(src, tree)
        stamp.write_text(against)
        log = log_path(f"modules-{name or kernel}")
        log.unlink(missing_ok=True)
        try:
            _make(entry, src, options, "modules", log)
        finally:
            warnings = _warnings(log)
            # Built objects do not warn again: start over the next time.
            if warnings and not quiet:
                stamp.unlink()
        text = "\n".join("    " + w for w in warnings)
        if warnings and strict:
            raise LabError(f"modules for {kernel}: warnings\n{text}\n  whole log: {log}")
        if warnings and not quiet:
            print(text)
        built = sorted(src.rglob("*.ko"))
        for folder in filter(None, (target, out)):
            _install(built, Path(folder))
    return out or target


def _install(built, folder):
    """Make a folder hold these modules; others may be reading it meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    for module in built:
        shutil.copy(module, folder / f".{module.name}")
        (folder / f".{module.name}").rename(folder / module.name)
    for stale in {m.name for m in folder.glob("*.ko")} - {m.name for m in built}:
        (folder / stale).unlink()
