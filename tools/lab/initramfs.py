# SPDX-License-Identifier: GPL-2.0
"""Initramfs images: cpio archives, written without root and without cpio.

    image = Image()
    image.busybox()                         # /bin/busybox and its links
    image.text("/init", SCRIPT, 0o755)
    image.file("/lib/kmcl.ko", path)        # a file of this machine
    image.program("/usr/sbin/kexec")        # with the shared libraries it needs
    image.write("initramfs.img")            # .gz is added by compress=True
"""

import gzip
import lzma
import re
import stat
import subprocess
from pathlib import Path

from common import LabError, on_path, run

APPLETS = """ash awk basename cat chmod chroot cmp cp cpio cut date dd df dirname dmesg
    echo env expr false find free grep halt head hexdump hostname id insmod kill
    killall ln ls lsmod mdev mkdir mkfifo mknod mktemp modprobe mount mv nc nproc
    od pidof poweroff printf ps pwd readlink reboot rm rmdir rmmod sed seq setsid
    sh sha256sum sleep sort stat stty sync sysctl tail tar tee test time timeout
    top touch tr true tty umount uname uniq uptime usleep wc xargs yes zcat""".split()


def newc(entries):
    """A cpio archive of the `newc` format from [(path, mode, rdev, data)]."""
    out = bytearray()

    def member(number, path, mode, rdev, data):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name), 0]
        out.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(data)
        out.extend(b"\0" * (-len(out) % 4))

    for number, entry in enumerate(entries, 1):
        member(number, *entry)
    member(0, "TRAILER!!!", 0, (0, 0), b"")
    return bytes(out)


class Image:
    """The files of an initramfs, by absolute path."""

    def __init__(self, bare=False):
        self.members = {}
        if bare:        # to be laid over another
            return
        for path in ("/proc", "/sys", "/dev", "/tmp", "/run"):
            self.directory(path)
        self.device("/dev/console", 5, 1)
        self.device("/dev/null", 1, 3)

    def _add(self, path, mode, data=b"", rdev=(0, 0)):
        path = "/" + str(path).strip("/")
        parent = str(Path(path).parent)
        if parent != "/" and parent not in self.members:
            self.directory(parent)
        self.members[path] = (mode, rdev, data)

    def directory(self, path, mode=0o755):
        """A folder; parents are made as needed."""
        self._add(path, stat.S_IFDIR | mode)

    def device(self, path, major, minor, mode=0o600):
        """A character device."""
        self._add(path, stat.S_IFCHR | mode, rdev=(major, minor))

    def text(self, path, text, mode=0o644):
        """A file with this text (or these bytes)."""
        data = text.encode() if isinstance(text, str) else bytes(text)
        self._add(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        """A symbolic link."""
        self._add(path, stat.S_IFLNK | 0o777, str(target).encode())

    def file(self, path, source, mode=None):
        """A copy of a file of this machine."""
        source = Path(source)
        if mode is None:
            mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
        self._add(path, stat.S_IFREG | mode, source.read_bytes())

    def busybox(self):
        """A static busybox with its applets."""
        source = Path("/bin/busybox")
        if not source.exists():
            raise LabError("/bin/busybox is missing; run `tools/lab/prereqs.sh`")
        self.file("/bin/busybox", source, 0o755)
        for applet in APPLETS:
            self.link(f"/bin/{applet}", "busybox")

    def folder(self, source, where="/"):
        """All that is in a folder of this machine."""
        for path in sorted(Path(source).rglob("*")):
            target = f"{where.rstrip('/')}/{path.relative_to(source)}"
            if path.is_symlink():
                self.link(target, path.readlink())
            elif path.is_dir():
                self.directory(target)
            else:
                self.file(target, path)

    def program(self, name, path=None):
        """A program of this machine, with its shared libraries."""
        source = on_path(name)
        self.file(path or source, source, 0o755)
        for library in libraries(source):
            if library not in self.members:
                self.file(library, library, 0o755)

    def modules(self, paths, where="/lib/kmcl"):
        """Kernel modules, into one folder."""
        for path in paths:
            self.file(f"{where}/{Path(path).name}", path, 0o644)

    def stock_modules(self, entry, names, where="/lib/modules"):
        """Modules of a stock kernel with what they depend on; in load order."""
        order = module_order(entry, names)
        loaded = []
        for path in order:
            name = re.sub(r"\.(xz|zst|gz)$", "", path.name)
            self.text(f"{where}/{name}", decompressed(path))
            loaded.append(f"{where}/{name}")
        return loaded

    def data(self):
        """The archive, uncompressed."""
        rows = [(path.lstrip("/"), *self.members[path]) for path in sorted(self.members)]
        return newc(rows)

    def write(self, path, compress=True):
        """Write the archive; fast compression, as it is read but once."""
        data = self.data()
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, 1, mtime=0) if compress else data)
        return path


def libraries(program):
    """Absolute paths of the shared libraries that a program loads."""
    out = run(["ldd", program])
    if "not a dynamic executable" in out:
        return []
    return sorted(set(re.findall(r"(/\S+) \(0x", out)))


def module_order(entry, names):
    """Paths of stock modules in load order, dependencies first.

    A name that is built in is left out; one that is neither is an error.
    """
    base = entry.modules
    depends, by_name = {}, {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        depends[path] = needs.split()
        by_name[module_name(path)] = path
    builtin = {module_name(line) for line in
               (base / "modules.builtin").read_text().splitlines()}
    order = []

    def visit(path):
        for need in reversed(depends[path]):
            visit(need)
        if path not in order:
            order.append(path)

    for name in names:
        name = name.replace("-", "_")
        if name in by_name:
            visit(by_name[name])
        elif name not in builtin:
            raise LabError(f"kernel {entry.release} has no module {name}")
    return [base / path for path in order]


def module_name(path):
    """The name a module is known by, from its path."""
    return re.sub(r"\.ko.*$", "", Path(path).name).replace("-", "_")


def decompressed(path):
    """A module's bytes, whatever it is compressed with."""
    data = Path(path).read_bytes()
    if path.name.endswith(".xz"):
        return lzma.decompress(data)
    if path.name.endswith(".gz"):
        return gzip.decompress(data)
    if path.name.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq"], input=data, check=True,
                              stdout=subprocess.PIPE).stdout
    return data
