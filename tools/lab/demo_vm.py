# SPDX-License-Identifier: GPL-2.0
"""The machine under test: one QEMU, two serial lines, and QMP beside them.

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

from common import LabError, on_path


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
    """A virtual machine without disk, network or shared folder."""

    def __init__(self, kernel, initrd, cmdline, logs, memory="1536", cpus=2):
        self.queue = queue.Queue()
        self.logs = Path(logs)
        self.folder = tempfile.mkdtemp(prefix="kmcl-demo-")
        self.process = None
        self.readers, self.sockets = [], []
        paths = {n: f"{self.folder}/{n}" for n in ("console", "ledger", "qmp")}
        argv = [on_path("qemu-system-x86_64"), "-name", "kmcl-demo",
                "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max",
                "-smp", str(cpus), "-m", str(memory),
                "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none",
                "-nic", "none",
                "-kernel", str(kernel), "-initrd", str(initrd), "-append", cmdline,
                # Nothing runs before all lines are connected.
                "-S", "-qmp", f"unix:{paths['qmp']},server=on,wait=off"]
        for name in ("console", "ledger"):
            argv += ["-chardev", f"socket,id={name},path={paths[name]},server=on,wait=off",
                     "-serial", f"chardev:{name}"]
        with open(self.logs / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True,
                                            preexec_fn=die_with_parent)
        try:
            for name, path in paths.items():
                line = self._connect(path)
                self.sockets.append(line)
                self.readers.append(Lines(name, line.recv, self.queue,
                                          self.logs / f"{name}.raw"))
            for command in ("qmp_capabilities", "cont"):
                self.sockets[-1].sendall(json.dumps({"execute": command}).encode())
        except BaseException:
            self.close()
            raise

    def _connect(self, path):
        for _ in range(200):
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(path)
                return line
            except OSError:
                line.close()
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        text = (self.logs / "qemu.log").read_text(errors="replace").strip()
        raise LabError(f"QEMU does not start: {text or 'no answer from it'}")

    def alive(self):
        """Whether this very process still runs."""
        return self.process.poll() is None

    def close(self):
        """Leave nothing behind."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for line in self.sockets:
            line.close()
        for reader in self.readers:
            reader.thread.join(5)
        shutil.rmtree(self.folder, ignore_errors=True)


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


def memory_folder():
    """Where UML's memory goes: RAM, if there is room and it may execute."""
    shm = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None
    if shm and not shm.f_flag & os.ST_NOEXEC and shm.f_bavail * shm.f_frsize > 3 << 30:
        return "/dev/shm"
    return tempfile.gettempdir()
