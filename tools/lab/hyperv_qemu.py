# SPDX-License-Identifier: GPL-2.0
"""The QEMU that is a VMBus host: a cache entry of its own, `hyperv`.

hv-balloon came with QEMU 8.2. Debian 12 has a newer one in its backports; it
runs in a virtual machine alone, so nothing of it is installed here: its files,
its libraries and its firmware are unpacked into hyperv/VERSION/.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import packages
from common import CACHE, LabError, locked, run, say, step

NAME = "hyperv"
PACKAGE, SUITE = "qemu-system-x86", "bookworm-backports"
PROGRAM = "usr/bin/qemu-system-x86_64"
LIBRARIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
# What a q35 without disk, network and display is started with.
FIRMWARE = ["usr/share/seabios/bios-256k.bin", "usr/share/qemu/kvmvapic.bin",
            "usr/share/qemu/linuxboot_dma.bin"]
FOLDER = CACHE / NAME
RECIPE = 1      # raise when the entry's contents change in kind


@dataclass
class Qemu:
    """The unpacked program."""

    path: Path

    @property
    def version(self):
        """Debian's version of it."""
        return (self.path / ".complete").read_text().strip()

    def put(self, image):
        """Into an initramfs: the program with its libraries and its firmware."""
        image.file("/bin/qemu", self.path / PROGRAM, 0o755)
        for library in self.libraries():
            image.file(f"/usr/lib/qemu/{library.name}", library, 0o755)
        for firmware in FIRMWARE:
            image.file(f"/usr/share/qemu/{Path(firmware).name}", self.path / firmware, 0o644)
        # Where the program looks for its interpreter.
        image.file("/lib64/ld-linux-x86-64.so.2", self._loader(), 0o755)

    def _loader(self):
        return self.path / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"

    def libraries(self):
        """The shared libraries that it loads."""
        where = ":".join(str(self.path / folder) for folder in LIBRARIES)
        out = run([self._loader(), "--library-path", where, "--list", self.path / PROGRAM])
        return sorted({Path(p) for p in re.findall(r"=> (/\S+) \(0x", out)})


def find():
    """The prepared one; the newest where there are several."""
    found = sorted((p for p in FOLDER.glob(f"*_{RECIPE}/.complete")),
                   key=lambda p: p.stat().st_mtime)
    if not found:
        raise LabError(f"the QEMU with hv-balloon is not in the cache ({CACHE});\n"
                       f"  run `make cache`, or `tools/lab/lab cache {NAME}` for it alone")
    return Qemu(found[-1].parent)


def prepare(refresh=False):
    """Make sure that it is in the cache."""
    with locked(CACHE / "locks" / NAME, "the QEMU with hv-balloon"):
        try:
            if not refresh:
                return find()
        except LabError:
            pass
        with locked(CACHE / "locks" / "shared", "the cache"):
            packages.update()
        with step(f"{PACKAGE} of {SUITE}, as a VMBus host"):
            work = CACHE / "tmp" / NAME
            shutil.rmtree(work, ignore_errors=True)
            version, debs = packages.fetch_whole(PACKAGE, SUITE, work / "debs")
            for deb in debs:
                packages.unpack(deb, work / "root")
            keep(work / "root", work / "kept")
            (work / "kept/.complete").write_text(version + "\n")
            folder = FOLDER / f"{re.sub(r'[^0-9A-Za-z.+-]', '-', version)}_{RECIPE}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            (work / "kept").rename(folder)
            shutil.rmtree(work)
    say(f"QEMU with hv-balloon: {version} is ready")
    return find()


def keep(root, folder):
    """Move to a folder what of the unpacked packages is of use."""
    for name in [PROGRAM, *FIRMWARE]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).rename(folder / name)
    for name in LIBRARIES:
        (folder / name).mkdir(parents=True)
        for path in (root / name).glob("*.so*"):
            path.rename(folder / name / path.name)
