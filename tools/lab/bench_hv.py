# SPDX-License-Identifier: GPL-2.0
"""The hv transport beside hv_vmbus alone: what a send and a receive cost.

Both run in one boot of the x86 kernel in QEMU, over private rings and without
a host. QEMU emulates the processor, so its time says little: with -icount the
time stamp counter counts instructions, which is what is compared. Time is
taken in a second boot, to have it said.
"""

import re
from collections import defaultdict

import kunit
import modules
import pc
from common import BUILD, LabError, log_path, step, tail
from initramfs import Image

KERNEL = "x86"
WHERE = BUILD / "bench-hyperv"
LOAD = ["kmcl", "kmcl_hv", "kmcl_bench_hv"]
AIM, AIM_SIZE = 1.25, 40
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
for m in kmcl kmcl_hv; do insmod /lib/kmcl/$m.ko || echo "bench: insmod $m failed"; done
insmod /lib/kmcl/kmcl_bench_hv.ko runs=$kmcl_runs || echo "bench: insmod failed"
poweroff -f
"""
HOW = {
    "instructions": ["-accel", "tcg,thread=single", "-icount", "shift=0"],
    "ticks of emulated time": ["-accel", "tcg,thread=multi"],
}


def measure(what, folder, args):
    """{(name, batch, size): (median, low, high)} of a packet."""
    image = Image()
    image.busybox()
    image.modules([folder / f"{m}.ko" for m in LOAD])
    image.text("/init", INIT, 0o755)
    initrd = image.write(WHERE / "initramfs.img")
    log = log_path(f"bench-hyperv-{what.split()[0]}")
    with step(f"{args.runs} samples of each number: {what}"):
        done = pc.boot(KERNEL, initrd, log, args.limit, [f"kmcl_runs={args.runs}"], cpus=1,
                       qemu=HOW[what])
    text = log.read_text(errors="replace")
    if not done or "bench: end status=0" not in text or re.search(r"^\s*not ok", text, re.M):
        raise LabError(f"the benchmark did not come to its end\n{tail(log)}\n  log: {log}")
    found = {}
    for line in re.findall(r"bench: (\w+ size=.*)", text):
        name, *pairs = line.split()
        row = {k: int(v) for k, v in (p.split("=") for p in pairs)}
        found[name, row["batch"], row["size"]] = tuple(
            row[k] / row["batch"] for k in ("median", "low", "high"))
    return found


def table(what, found):
    """Print it; returns the ratios at the size that the aim is for, in batches."""
    ratios = defaultdict(dict)
    print(f"\n{what} a packet: median [10th..90th percentile]")
    for way in ("send", "receive"):
        print(f"  {way:8} batch  bytes   {'hv_vmbus alone':26} {'through KMCL':26} ratio")
        for batch, size in sorted({k[1:] for k in found}):
            cells = [found[f"{way}_{how}", batch, size] for how in ("bare", "kmcl")]
            ratio = cells[1][0] / cells[0][0]
            ratios[way][batch, size] = ratio
            print(f"  {'':8} {batch:5} {size:6}   " + " ".join(
                f"{f'{m:8.0f} [{low:.0f}..{high:.0f}]':26}" for m, low, high in cells)
                + f" {ratio:5.2f}")
    return ratios


def main(args):
    """`bench --hyperv`."""
    with step(f"modules for {KERNEL}"):
        folder = modules.build(KERNEL, strict=False, where=WHERE / "modules", name="bench-hyperv",
                               options=[*kunit.WITHOUT, "CONFIG_KMCL_BENCH_HV=m"])
    for what in HOW:
        ratios = table(what, measure(what, folder, args))
        if what != "instructions":
            continue
        batch = max(batch for batch, _ in ratios["send"])
        for way, rows in ratios.items():
            ratio = rows[batch, AIM_SIZE]
            print(f"  {way} of {AIM_SIZE} bytes, {batch} at a time: {ratio:.2f} times the direct "
                  f"call (aim: {AIM}): {'met' if ratio <= AIM else 'not met'}")
    print("\nAll of it under emulation (TCG): instructions are exact, and not time.")
