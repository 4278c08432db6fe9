# SPDX-License-Identifier: GPL-2.0
"""What every tool of the lab needs: paths, progress lines, commands, locks."""

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
LOGS = BUILD / "logs"
CACHE = Path(os.environ.get("KMCL_CACHE") or Path.home() / ".cache" / "kmcl")
START = time.monotonic()


class LabError(Exception):
    """An error that says what to do next; shown without a traceback."""


def say(text):
    """Print one progress line, with the time since the start."""
    print(f"[{time.monotonic() - START:7.1f}s] {text}", flush=True)


@contextlib.contextmanager
def step(text):
    """A step that takes a while: its name first, its duration at the end."""
    say(f"{text} ...")
    began = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - began:.1f} s")


def jobs():
    """How many compilers to run at once."""
    return int(os.environ.get("KMCL_JOBS") or os.cpu_count() or 1)


def log_path(name):
    """The file under build/logs that takes the output called `name`."""
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{name}.log"


def log_folder(*words):
    """A folder for a run's logs, named by the words, and `FIRST-last` pointing to it."""
    folder = LOGS / "-".join([*words, time.strftime("%H%M%S"), str(os.getpid())])
    folder.mkdir(parents=True, exist_ok=True)
    last = LOGS / f"{words[0]}-last"
    last.unlink(missing_ok=True)
    last.symlink_to(folder.name)
    return folder


def memory_folder():
    """Where User-Mode Linux's memory goes: RAM, if there is room and it may execute."""
    shm = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None
    if shm and not shm.f_flag & os.ST_NOEXEC and shm.f_bavail * shm.f_frsize > 3 << 30:
        return "/dev/shm"
    (CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    return str(CACHE / "tmp")


def tail(path, lines=25):
    """The last lines of a log, indented, for an error message."""
    try:
        text = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join("    " + line for line in text[-lines:])


def complaints(path, lines=25):
    """What of a build's log matters: the compiler's complaints, else its end."""
    text = Path(path).read_text(errors="replace").splitlines()
    found = []
    for number, line in enumerate(text):
        if re.search(r"\b(error|warning|undefined)\b", line, re.I) and "make[" not in line:
            found += [line, *[more for more in text[number + 1:number + 3]
                              if re.match(r"\s+\d* \|", more)]]
    if not found:
        return tail(path, lines)
    return "\n".join("    " + line for line in found[:lines])


def clean_env(**extra):
    """The environment without what an outer make or locale would leak in."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES",
                        "KDIR", "ARCH", "M", "W", "C", "O", "V", "KBUILD_OUTPUT",
                        "CROSS_COMPILE", "KERNELRELEASE", "LIBRARY_PATH")}
    env["LC_ALL"] = "C"
    env.update(extra)
    return env


def run(argv, log=None, what=None, hint=None, shown_of=tail, **kwargs):
    """Run a command; on failure raise LabError with the end of its log."""
    argv = [str(a) for a in argv]
    kwargs.setdefault("env", clean_env())
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    if log is None:
        result = subprocess.run(argv, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, check=False, **kwargs)
        shown = "\n".join("    " + line for line in
                          result.stdout.decode(errors="replace").splitlines()[-25:])
    else:
        with open(log, "ab") as out:
            out.write(("+ " + shlex.join(argv) + "\n").encode())
            out.flush()
            result = subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT,
                                    check=False, **kwargs)
        shown = shown_of(log)
    if result.returncode:
        message = f"{what or shlex.join(argv)} failed (exit {result.returncode})"
        if shown:
            message += "\n" + shown
        if log:
            message += f"\n  whole log: {log}"
        if hint:
            message += f"\n  {hint}"
        raise LabError(message)
    return result.stdout.decode(errors="replace") if log is None else ""


def as_root(argv):
    """The same command, as root."""
    if os.geteuid() == 0:
        return list(argv)
    if shutil.which("sudo"):
        return ["sudo", *argv]
    raise LabError("this step needs root, and there is no sudo: run it as root")


def on_path(name):
    """Path of a system tool, also when /usr/sbin is not on PATH."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    found = shutil.which(name, path=path)
    if not found:
        raise LabError(f"{name} is not installed; run `tools/lab/prereqs.sh`")
    return found


@contextlib.contextmanager
def locked(path, what):
    """Hold an exclusive lock on a file; say so when it has to be waited for."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for {what} (another process has it)")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main_wrapper(function):
    """Run a tool's main function, turning errors into one clear message."""
    try:
        sys.exit(function())
    except LabError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
