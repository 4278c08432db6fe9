# SPDX-License-Identifier: GPL-2.0
"""The next kernel's initramfs as a Debian machine makes it: by initramfs-tools, with
the hook and the script of `make install-initramfs`.

What the demo needs beside them is laid over it, below /usr: there /bin and /lib are
links.
"""

import shutil
from pathlib import Path

import cache
from common import BUILD, TOP, as_root, log_path, on_path, run
from initramfs import Image

OURS = TOP / "tools/initramfs-tools"
GUEST = TOP / "tools/lab/guest"
CONF = "MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\nKEYMAP=n\nDEVICE=\nNFSROOT=auto\n"

# Debian's mkinitramfs looks for a kernel in /lib/modules and /boot only; this one is
# there for nobody else to see. $1: its modules, $2: its configuration, $3: its release, $4:
# what stands for /etc/initramfs-tools, $5: the initramfs
MAKE = """set -e
mkdir -p /lib/modules
mount -t tmpfs none /lib/modules
mkdir "/lib/modules/$3"
mount --bind "$1" "/lib/modules/$3"
mount -t tmpfs none /boot
cp "$2" "/boot/config-$3"
exec mkinitramfs -d "$4" -o "$5" "$3"
"""


def _configuration(etc, kmclctl):
    """A private /etc/initramfs-tools with what is installed into the machine's."""
    run(["make", "-s", "-C", OURS, "install", f"sysconfdir={etc}",
         f"sbindir={kmclctl.parent}"])
    folder = etc / "initramfs-tools"
    for path in ("conf.d", "scripts/init-premount"):
        (folder / path).mkdir()
    (folder / "initramfs.conf").write_text(CONF)
    (folder / "modules").touch()
    shutil.copy(GUEST / "debian-demo", folder / "scripts/init-premount/demo")
    return folder


def _over(ours, tools):
    """What is laid over it: its /sbin/kmclctl and its modules are the hook's."""
    image = Image(bare=True)
    image.modules(ours, "/usr/lib/kmcl")
    image.text("/usr/lib/stock", "")
    for name, path in tools.items():
        if name != "kmclctl":
            image.file(f"/usr/bin/{name}", path, 0o755)
    for name in ("before-kexec", "complaints"):
        image.file(f"/usr/bin/{name}", GUEST / name, 0o755)
    image.file("/usr/bin/demo-init", GUEST / "init", 0o755)
    return image


def write(kernel, ours, tools, out):
    """Write one for a kernel, with modules and programs of ours."""
    entry = cache.find(kernel)
    work = BUILD / "initramfs-tools" / kernel
    tree = work / "lib/modules" / entry.release
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(entry.modules, tree, symlinks=True,
                    ignore=shutil.ignore_patterns("build", "source", "drivers", "net", "fs",
                                                  "sound"))
    (tree / "updates").mkdir()
    for module in ours:
        shutil.copy(module, tree / "updates")
    run([on_path("depmod"), "-b", work, entry.release])
    conf = _configuration(work / "etc", tools["kmclctl"])
    config = Path(entry.root + entry.kdir) / ".config"
    run(as_root(["unshare", "--mount", "sh", "-c", MAKE, "sh", tree, config, entry.release,
                 conf, work / "initrd"]),
        log=log_path("initramfs-tools"), what="mkinitramfs")
    data = (work / "initrd").read_bytes()
    # The kernel takes an archive that is not compressed at multiples of 4 only.
    out.write_bytes(data + bytes(-len(data) % 4) + _over(ours, tools).data())
    return out
