# SPDX-License-Identifier: GPL-2.0
"""The machine under test: one QEMU, its serial lines, and QMP beside them.

Whatever the machine says comes out of one queue as (stamp, source, text), the
stamp being the host's monotonic clock when the line arrived.
"""

import ctypes
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from common import LabError, memory_folder, on_path


def die_with_parent():
    """In a child, before exec: be killed when the parent goes, however it goes."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Lines:
    """Reads lines from a socket or pipe into the queue, and into a log."""

    def __init__(self, name, read, out, log):
        self.name, self.read, self.out = name, read, out
        # Line-buffered: a log of a run that hangs is of use, too.
        self.log = open(log, "w", buffering=1, encoding="utf-8")
        self.thread = threading.Thread(target=self._run, daemon=True, name=name)
        self.thread.start()

    def _run(self):
        rest = b""
        while True:
            try:
                data = self.read(65536)
            except OSError:
                data = b""
            now = time.monotonic()
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            rows = [(now, self.name, line.decode(errors="replace").rstrip("\r"))
                    for line in lines]
            self.log.write("".join(f"@{stamp:.6f} {text}\n" for stamp, _, text in rows))
            for row in rows:
                self.out.put(row)
        if rest:
            text = rest.decode(errors="replace")
            self.log.write(f"@{now:.6f} {text}\n")
            self.out.put((now, self.name, text))
        self.log.close()
        self.out.put((time.monotonic(), self.name, None))


class Machine:
    """A virtual machine without disk, network or shared folder.

    `lines` are its serial lines, in order; `ports` are virtio-serial ports,
    by the names that the guest finds in /sys/class/virtio-ports. Of what is in
    `raw`, nothing goes through the queue: its socket is the caller's to read.
    """

    def __init__(self, kernel, initrd, cmdline, logs, memory="1536", cpus=2, cpu="max",
                 lines=("console", "ledger"), ports=(), raw=()):
        self.queue = queue.Queue()
        self.logs = Path(logs)
        self.process = None
        self.readers, self.sockets = [], {}
        names = [*lines, *ports, "qmp"]
        # Pairs of sockets: nothing in the file system that could be left behind.
        pairs = {name: socket.socketpair() for name in names}
        self.sockets = {name: ours for name, (ours, _) in pairs.items()}
        argv = [on_path("qemu-system-x86_64"), "-name", "kmcl",
                "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", cpu,
                "-smp", str(cpus), "-m", str(memory),
                "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none",
                "-nic", "none",
                "-kernel", str(kernel), "-initrd", str(initrd), "-append", cmdline,
                # Nothing runs before all lines are read.
                "-S", "-mon", "chardev=qmp,mode=control"]
        for name, (_, theirs) in pairs.items():
            argv += ["-chardev", f"socket,id={name},fd={theirs.fileno()}"]
        for name in lines:
            argv += ["-serial", f"chardev:{name}"]
        if ports:
            argv += ["-device", "virtio-serial"]
        for name in ports:
            argv += ["-device", f"virtserialport,chardev={name},name={name}"]
        try:
            with open(self.logs / "qemu.log", "wb") as log:
                self.process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    start_new_session=True, preexec_fn=die_with_parent,
                    pass_fds=[theirs.fileno() for _, theirs in pairs.values()])
            for _, theirs in pairs.values():
                theirs.close()
            for name in set(names) - set(raw):
                self.readers.append(Lines(name, self.sockets[name].recv, self.queue,
                                          self.logs / f"{name}.raw"))
            for command in ("qmp_capabilities", "cont"):
                self.send("qmp", json.dumps({"execute": command}))
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                text = (self.logs / "qemu.log").read_text(errors="replace").strip()
                raise LabError(f"QEMU does not start: {text or error}") from None
            raise

    def send(self, name, text):
        """Text into a serial line, a port, or QMP."""
        self.sockets[name].sendall(text.encode())

    def alive(self):
        """Whether this very process still runs."""
        return self.process.poll() is None

    def close(self):
        """Leave nothing behind."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for reader in self.readers:
            reader.thread.join(5)
        for line in self.sockets.values():
            line.close()


class UserModeLinux:
    """The same for a User-Mode Linux: console and ledger, no QMP."""

    def __init__(self, entry, initrd, args, logs, memory="1G", cpus=2):
        self.queue = queue.Queue()
        self.logs = Path(logs)
        self.folder = tempfile.mkdtemp(prefix="kmcl-uml-")
        reader, writer = os.pipe()
        argv = [str(Path(entry.path) / entry.image), f"mem={memory}", f"ncpus={cpus}",
                f"initrd={initrd}", "root=/dev/ram0", "con0=null,fd:1", "con=null",
                f"ssl1=null,fd:{writer}", "ssl=null",
                f"uml_dir={self.folder}/", f"umid=demo-{os.getpid()}", "seccomp=on",
                "panic=1", *args]
        env = {"PATH": "/usr/bin:/bin", "TMPDIR": memory_folder()}
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True, pass_fds=[writer], env=env,
                                        preexec_fn=die_with_parent)
        os.close(writer)
        out = self.process.stdout.fileno()
        self.readers = [
            Lines("console", lambda n: os.read(out, n), self.queue, self.logs / "console.raw"),
            Lines("ledger", lambda n: os.read(reader, n), self.queue, self.logs / "ledger.raw"),
        ]
        self._reader = reader

    def alive(self):
        """Whether this very process still runs."""
        return self.process.poll() is None

    def close(self):
        """Leave nothing behind: UML's helpers share its session."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sig)
            except ProcessLookupError:
                break
            time.sleep(0.1)
        self.process.wait()
        for reader in self.readers:
            reader.thread.join(5)
        os.close(self._reader)
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
