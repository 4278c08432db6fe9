# SPDX-License-Identifier: GPL-2.0
"""The initramfs images of a Hyper-V guest and of its VMBus host."""

import gzip
from pathlib import Path

import cache
import hyperv_qemu
from common import TOP
from initramfs import Image

SCRIPTS = TOP / "tools/lab/guest/hyperv"
# The host is the same whatever the guest is.
HOST_KERNEL = "6.12"
HOST_MODULES = ["irqbypass", "kvm", "kvm-amd", "virtio_pci", "virtio_console"]
GUEST_MODULES = ["hv_vmbus"]
GUEST_FILES = ["hv_balloon"]        # there, and not loaded


def guest(kernel):
    """The initramfs of a guest, without a next kernel."""
    entry = cache.find(kernel)
    image = Image()
    image.busybox()
    image.program("/usr/sbin/kexec", "/bin/kexec")
    loaded = image.stock_modules(entry, GUEST_MODULES, where="/lib/stock.d")
    image.text("/lib/stock", "".join(f"{path}\n" for path in loaded))
    image.stock_modules(entry, GUEST_FILES, where="/lib/stock.d")
    image.file("/init", SCRIPTS / "init", 0o755)
    image.file("/bin/agent", SCRIPTS / "agent", 0o755)
    return image


def host(kernels, logs):
    """Write the host's initramfs, with these guests' kernels in it."""
    image = Image()
    image.busybox()
    hyperv_qemu.find().put(image)
    loaded = image.stock_modules(cache.find(HOST_KERNEL), HOST_MODULES, where="/lib/stock.d")
    image.text("/lib/stock", "".join(f"{path}\n" for path in loaded))
    image.file("/init", SCRIPTS / "host-init", 0o755)
    image.file("/bin/agent", SCRIPTS / "agent", 0o755)
    for kernel in kernels:
        entry = cache.find(kernel)
        image.file(f"/guest/{kernel}/vmlinuz", Path(entry.path) / entry.image, 0o644)
        image.text(f"/guest/{kernel}/initrd", gzip.compress(guest(kernel).data(), 1, mtime=0))
    return image.write(logs / "host.img", compress=False)
