# SPDX-License-Identifier: GPL-2.0
"""The initramfs images of a Hyper-V guest and of its VMBus host."""

import gzip
from pathlib import Path

import cache
import demo_guest
import hyperv_qemu
from common import TOP
from initramfs import Image

SCRIPTS = TOP / "tools/lab/guest/hyperv"
# The host is the same whatever the guest is.
HOST_KERNEL = "6.12"
HOST_MODULES = ["irqbypass", "kvm", "kvm-amd", "virtio_pci", "virtio_console"]
GUEST_MODULES = ["hv_vmbus"]
GUEST_FILES = ["hv_balloon"]        # there, and not loaded
OURS = ["kmcl", "kmcl_hv", "kmcl_dm"]


def scripts(image, init, names):
    """Scripts of ours into /bin, and one of them as init."""
    image.file("/init", SCRIPTS / init, 0o755)
    for name in names:
        image.file(f"/bin/{name}", SCRIPTS / name, 0o755)


def guest(kernel, kmclctl):
    """The initramfs of a guest, without a next kernel."""
    entry = cache.find(kernel)
    image = Image()
    image.busybox()
    image.program("/usr/sbin/kexec", "/bin/kexec")
    image.file("/bin/kmclctl", kmclctl, 0o755)
    ours = demo_guest.built_modules(kernel, OURS)
    image.modules(ours)
    loaded = []
    if kernel in cache.STOCK:       # what our own kernels need is built in
        stock = [*GUEST_MODULES, *demo_guest.needed_modules(ours)]
        loaded = image.stock_modules(entry, stock, where="/lib/stock.d")
        image.stock_modules(entry, GUEST_FILES, where="/lib/stock.d")
    image.text("/lib/stock", "".join(f"{path}\n" for path in loaded))
    scripts(image, "init", ["agent", "load", "next", "update"])
    return image


def with_next(kernel, initrd):
    """A guest's initramfs with the same kernel as the next one; see guest/hyperv/next."""
    entry = cache.find(kernel)
    image = Image(bare=True)
    image.file("/next/vmlinuz", Path(entry.path) / entry.image, 0o644)
    image.text("/next/initrd", initrd)
    return initrd + image.data()


def host(kernels, logs):
    """Write the host's initramfs, with these guests' kernels in it."""
    image = Image()
    image.busybox()
    hyperv_qemu.find().put(image)
    loaded = image.stock_modules(cache.find(HOST_KERNEL), HOST_MODULES, where="/lib/stock.d")
    image.text("/lib/stock", "".join(f"{path}\n" for path in loaded))
    scripts(image, "host-init", ["agent"])
    kmclctl = demo_guest.compile_kmclctl()
    for kernel in kernels:
        entry = cache.find(kernel)
        # A cpio archive begins at a multiple of four bytes.
        initrd = gzip.compress(guest(kernel, kmclctl).data(), 1, mtime=0)
        initrd += b"\0" * (-len(initrd) % 4)
        image.file(f"/guest/{kernel}/vmlinuz", Path(entry.path) / entry.image, 0o644)
        image.text(f"/guest/{kernel}/initrd", with_next(kernel, initrd))
    return image.write(logs / "host.img", compress=False)
