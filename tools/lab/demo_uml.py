# SPDX-License-Identifier: GPL-2.0
"""The same load on User-Mode Linux: two boots, and a stream handed from one to
the other, where a real machine would kexec."""

import shutil
import tempfile
from pathlib import Path

import cache
import demo_guest
import demo_run
from common import say
from demo_vm import UserModeLinux
from initramfs import Image

LIMIT = 300     # seconds for each boot


def run(args, words, logs):
    """Both boots: their facts together."""
    entry = cache.find(args.uml)
    with demo_run.busy("modules, programs and initramfs"):
        guest = demo_guest.image(args.uml, demo_guest.programs())
        initrd = guest.write(logs / "first.img")
    facts = demo_run.Facts()
    if args.reload:
        boot(entry, initrd, words, logs, facts)
        return facts, [entry.release]
    # What the first boot hands out; the second one gets it in its initramfs.
    folder = Path(tempfile.mkdtemp(prefix="kmcl-uml-"))
    try:
        boot(entry, initrd, [*words, f"demo.out={folder}"], logs, facts)
        stream = folder / "stream"
        if facts.failure or not stream.exists():
            facts.failure = facts.failure or "the first boot handed no stream out"
            return facts, [entry.release] * 2
        extra = Image()
        extra.file("/kmcl/stream", stream)
        second = logs / "second.img"
        second.write_bytes(initrd.read_bytes())
        # An archive after another starts at a multiple of four.
        with second.open("ab") as out:
            out.write(b"\0" * (-out.tell() % 4) + extra.data())
        facts.done = False
        boot(entry, second, [*words, "kmcl.restore=pending"], logs, facts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return facts, [entry.release] * 2


def boot(entry, initrd, words, logs, facts):
    """One boot, until it halts."""
    say(f"booting {entry.name}")
    folder = logs / f"boot-{len(facts.boots) + 1}"
    folder.mkdir()
    machine = UserModeLinux(entry, initrd, words, folder)
    try:
        demo_run.Follower(machine, facts, LIMIT).follow()
    finally:
        machine.close()
