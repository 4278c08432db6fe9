# SPDX-License-Identifier: GPL-2.0
"""What runs in the machine under test: modules, programs and their initramfs."""

from pathlib import Path

import cache
import demo_debian
import modules
from common import BUILD, TOP, LabError, log_path, on_path, run
from initramfs import Image

GUEST = TOP / "tools/lab/guest"
MODULES = ["kmcl", "kmcl_loopback", "kmcl_load", "vsp_echo", "vsc_load"]


def compile_program(name, sources, include=()):
    """A small static program for the guest."""
    out = BUILD / "guest" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    newest = max(Path(s).stat().st_mtime for s in sources)
    if not out.exists() or out.stat().st_mtime < newest:
        run(["gcc", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-static",
             "-I", TOP / "include/uapi", *[f"-I{i}" for i in include],
             "-o", out, *sources], what=f"compiling {name}")
    return out


def compile_kmclctl():
    """A static kmclctl."""
    out = BUILD / "guest/kmclctl"
    run(["make", "-s", "-C", TOP / "tools/kmclctl", "STATIC=1", f"O={out}", "all"],
        log=log_path("kmclctl"), what="compiling kmclctl")
    return out / "kmclctl"


def programs():
    """Paths of all programs, compiled."""
    ctl = TOP / "tools/kmclctl"
    breaker = TOP / "tools/break"
    return {
        "kmclctl": compile_kmclctl(),
        "relay": compile_program("relay", [GUEST / "relay.c"]),
        "handover": compile_program("handover", [GUEST / "handover.c"]),
        "break-stream": compile_program(
            "break-stream", [*sorted(breaker.glob("*.c")), ctl / "crc32c.c"], [ctl]),
    }


def built_modules(kernel, names=MODULES):
    """Modules of ours for a kernel, in load order."""
    folder = Path(modules.build(kernel, strict=False))
    missing = [m for m in names if not (folder / f"{m}.ko").exists()]
    if missing:
        raise LabError(f"there is no module {', '.join(missing)} for kernel {kernel}: "
                       f"nothing to show (looked in {folder})")
    return [folder / f"{m}.ko" for m in names]


def needed_modules(paths):
    """Names of stock modules that ours depend on."""
    needs = run([on_path("modinfo"), "-F", "depends", *paths]).replace(",", " ").split()
    names = sorted(set(needs) - {p.stem for p in paths})
    # It looks its algorithm up by name when it is loaded.
    return ["crc32c_generic", *names] if "libcrc32c" in names else names


def image(kernel, tools):
    """An initramfs for one kernel."""
    guest = Image()
    guest.busybox()
    ours = built_modules(kernel)
    guest.modules(ours)
    needs = needed_modules(ours)
    stock = guest.stock_modules(cache.find(kernel), needs) if needs else []
    guest.text("/lib/stock", "".join(f"{path}\n" for path in stock))
    for name, path in tools.items():
        guest.file(f"/bin/{name}", path, 0o755)
    guest.file("/init", GUEST / "init", 0o755)
    for script in ("before-kexec", "complaints"):
        guest.file(f"/bin/{script}", GUEST / script, 0o755)
    return guest


def images(first, following, logs, debian=False):
    """Write the initramfs of the first kernel, with the next one's inside.

    `debian`: that is made by initramfs-tools.
    """
    tools = programs()
    entry = cache.find(following)
    if debian:
        inner = demo_debian.write(following, built_modules(following), tools,
                                  logs / "next.img")
    else:
        inner = image(following, tools).write(logs / "next.img")
    outer = image(first, tools)
    outer.file("/next/vmlinuz", Path(entry.path) / entry.image, 0o644)
    outer.file("/next/initrd", inner, 0o644)
    # What is in it is compressed already.
    return outer.write(logs / "first.img", compress=False)
