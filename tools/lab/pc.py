# SPDX-License-Identifier: GPL-2.0
"""Boot a PC's kernel of the cache in QEMU with an initramfs, and wait.

What uml.py does for User-Mode Linux; such a guest sees no folder of the host,
so what it writes to its second serial line, a tar archive, is unpacked instead.
"""

import subprocess
import tarfile
from pathlib import Path

import cache
from common import on_path
from demo_vm import die_with_parent


def boot(kernel, initrd, log, limit, args=(), out=None, memory="1G", cpus=2, qemu=()):
    """Run until the machine powers off; True if it did within `limit` seconds.

    Its console goes to the file `log`, what it hands out to the folder `out`;
    `qemu` are further arguments for QEMU, in the place of its accelerator's.
    """
    entry = cache.find(kernel)
    archive = Path(f"{initrd}.out")
    argv = [on_path("qemu-system-x86_64"), "-name", f"kmcl-{kernel}", "-M", "q35",
            *(qemu or ["-accel", "tcg,thread=multi"]), "-cpu", "max", "-smp", str(cpus),
            "-m", memory, "-nodefaults", "-no-user-config", "-display", "none",
            "-vga", "none", "-nic", "none", "-no-reboot",
            "-kernel", str(Path(entry.path) / entry.image), "-initrd", str(initrd),
            "-append", " ".join(["console=ttyS0", "panic=-1", *args]),
            "-serial", f"file:{log}", "-serial", f"file:{archive}"]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True,
                             preexec_fn=die_with_parent)
    try:
        child.wait(limit)
        done = child.returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    finally:
        child.kill()
        child.wait()
    if out and archive.exists():
        done = _unpack(archive, out) and done
    archive.unlink(missing_ok=True)
    return done


def _unpack(archive, folder):
    """True if all of the archive came through."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile():
                    target = Path(folder) / Path(member.name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(tar.extractfile(member).read())
    except tarfile.TarError:
        return False
    return True
