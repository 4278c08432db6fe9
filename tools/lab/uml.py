# SPDX-License-Identifier: GPL-2.0
"""Boot a User-Mode Linux kernel of the cache with an initramfs, and wait."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import cache
from common import CACHE, clean_env, memory_folder


def boot(kernel, initrd, log, limit, args=(), memory="1G", cpus=2, feed=None, channels=(),
         until=None):
    """Run UML until it halts; True if it did within `limit` seconds.

    Its console goes to the file `log`. `channels` are (name, file descriptor)
    of further serial lines, as in [("ssl0", 5)]. The first line of the console
    that `until` is true of ends the kernel, too.
    """
    entry = cache.find(kernel)
    work = CACHE / "tmp" / "uml"
    work.mkdir(parents=True, exist_ok=True)
    argv = [str(Path(entry.path) / entry.image), f"mem={memory}", f"ncpus={cpus}",
            f"initrd={initrd}", "con0=fd:0,fd:1", "con=null", "root=/dev/ram0",
            f"uml_dir={work}/", f"umid=lab-{os.getpid()}-{time.monotonic_ns()}",
            "seccomp=on", "panic=1", *args]
    argv += [f"{name}=null,fd:{fd}" for name, fd in channels]
    with open(log, "wb") as out:
        child = subprocess.Popen(argv, stdin=feed or subprocess.DEVNULL,
                                 stdout=subprocess.PIPE if until else out,
                                 stderr=subprocess.STDOUT, cwd=work,
                                 env=clean_env(TMPDIR=memory_folder()),
                                 pass_fds=[fd for _, fd in channels],
                                 start_new_session=True)
        reader = threading.Thread(target=_watch, args=(child, out, until))
        if until:
            reader.start()
        try:
            child.wait(limit)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            # UML's threads and stubs are all in the session made for it.
            for sig in (15, 9):
                try:
                    os.killpg(child.pid, sig)
                except ProcessLookupError:
                    break
                time.sleep(0.2)
            child.wait()
            if until:
                reader.join()


def _watch(child, out, until):
    """Copy a console to its log; end the kernel at the line that is waited for."""
    for line in child.stdout:
        out.write(line)
        if until and until(line.decode(errors="replace").rstrip()):
            until = None
            os.killpg(child.pid, signal.SIGKILL)
