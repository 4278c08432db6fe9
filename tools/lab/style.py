# SPDX-License-Identifier: GPL-2.0
"""Style gates: checkpatch --strict, sparse, kernel-doc -Werror.

Nothing is waived in the code; what may stay is in style-exemptions, each with
its reason.
"""

import fnmatch
import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cache
import modules
from common import CACHE, TOP, LabError, clean_env, jobs, log_path, say

EXEMPTIONS = TOP / "tools/lab/style-exemptions"
FOLDERS = ["include", "drivers", "kunit", "tools"]
# bookworm's sparse is too old for the headers of 7.x.
SPARSE_KERNEL = "6.12"


@dataclass
class Exemption:
    """One line of style-exemptions."""

    tool: str
    kind: str
    files: str
    reason: str
    line: int
    used: bool = False


def arguments(parser):
    """Options of `lab style`."""
    parser.add_argument("gates", nargs="*", metavar="GATE",
                        help="checkpatch, sparse, kernel-doc; default: all")


def exemptions():
    """What style-exemptions says."""
    rows = []
    for number, line in enumerate(EXEMPTIONS.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(None, 3)
        if len(parts) < 4:
            raise LabError(f"{EXEMPTIONS}:{number}: TOOL KIND FILES REASON expected")
        rows.append(Exemption(*parts, line=number))
    return rows


def _exempt(rows, tool, kind, path):
    hit = False
    for row in rows:
        if row.tool == tool and fnmatch.fnmatch(path, row.files) and (
                row.kind == kind or tool != "checkpatch"
                and row.kind.replace("_", " ") in kind.replace("_", " ")):
            row.used = hit = True
    return hit


def sources(patterns):
    """Our files of these kinds, relative to the top."""
    found = []
    for folder in FOLDERS:
        for pattern in patterns:
            found += (TOP / folder).rglob(pattern)
    return sorted({str(p.relative_to(TOP)) for p in found
                   if not p.name.endswith(".mod.c") and "build" not in
                   p.relative_to(TOP).parts[:-1]})


def _tool(argv, name):
    log = log_path(f"style-{name}")
    result = subprocess.run([str(a) for a in argv], cwd=TOP, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env=clean_env(PYTHONDONTWRITEBYTECODE="1"), check=False)
    text = result.stdout.decode(errors="replace")
    log.write_text(text)
    return result.returncode, text


def _checkpatch_lines(files):
    """{file: what checkpatch says of it}; a file that it has seen is not read again."""
    script = cache.source() / "scripts/checkpatch.pl"
    argv = [script, "--no-tree", "--strict", "--terse", "--show-types", "--no-summary", "-f"]
    known = CACHE / "checkpatch"
    known.mkdir(parents=True, exist_ok=True)
    tool = " ".join(argv[1:]).encode() + script.read_bytes()
    kept = {f: known / hashlib.sha256(b"\0".join([tool, f.encode(), (TOP / f).read_bytes()]))
            .hexdigest() for f in files}
    todo = [f for f in files if not kept[f].exists()]
    parts = [part for part in (todo[i::jobs()] for i in range(jobs())) if part]
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda i: _tool([*argv, *parts[i]], f"checkpatch-{i}"),
                             range(len(parts))))
    text = "".join(text for _, text in runs)
    fresh = {f: [] for f in todo}
    for line in text.splitlines():
        if line.partition(":")[0] in fresh:
            fresh[line.partition(":")[0]].append(line)
    # 1 is what it says where it complains.
    if (any(status not in (0, 1) for status, _ in runs) or
            any(status for status, _ in runs) and not any(fresh.values())):
        raise LabError(f"checkpatch itself failed:\n{text[-2000:]}")
    for file, lines in fresh.items():
        new = kept[file].with_suffix(f".{os.getpid()}")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.rename(kept[file])
    return {f: kept[f].read_text().splitlines() for f in files}


def checkpatch(rows):
    """checkpatch.pl --strict on every file that it understands."""
    files = sources(["*.c", "*.h", "Kconfig", "Makefile"]) + ["Kbuild", "Kconfig", "Makefile"]
    said = [line for lines in _checkpatch_lines(files).values() for line in lines]
    log_path("style-checkpatch").write_text("".join(f"{line}\n" for line in said))
    found = []
    for line in said:
        match = re.match(r"(\S+?):(\d+): (?:ERROR|WARNING|CHECK):([A-Z_0-9]+): (.*)", line)
        if match and not _exempt(rows, "checkpatch", match[3], match[1]):
            found.append(line)
    return found, len(files)


def kernel_doc(rows):
    """kernel-doc on all headers and sources of the kernel's side."""
    files = [f for f in sources(["*.c", "*.h"]) if not f.startswith("tools/")]
    script = cache.source() / "tools/docs/kernel-doc"
    if not script.exists():
        script = cache.source() / "scripts/kernel-doc"
    status, text = _tool([script, "-none", "-Werror", *files], "kernel-doc")
    found, lines = [], 0
    for line in text.splitlines():
        match = re.match(r"(?:warning: |error: )?(\S+?):(\d+):? (.*)", line, re.I)
        if match and re.search(r"warning|error", line, re.I):
            lines += 1
            path = match[1].replace(f"{TOP}/", "")
            if not _exempt(rows, "kernel-doc", match[3], path):
                found.append(line)
    if status and not lines:
        raise LabError(f"kernel-doc itself failed:\n{text[-2000:]}")
    return found, len(files)


def sparse(rows):
    """sparse on all that is built for a stock kernel."""
    modules.build(SPARSE_KERNEL)
    entry = cache.find(SPARSE_KERNEL)
    src = modules.BUILD / SPARSE_KERNEL / "src"
    status, text = _tool(["make", "-k", f"-j{jobs()}", "-C", entry.kdir, f"M={src}", "W=1",
                          "CONFIG_DEBUG_INFO_BTF_MODULES=", "KCFLAGS=-Werror", "C=2",
                          "modules"], "sparse")
    checked = len(re.findall(r"^  CHECK ", text, re.M))
    found, lines = [], 0
    for line in text.splitlines():
        match = re.match(r"(\S+?\.[ch]):(\d+):(\d+): (?:warning|error): (.*)", line)
        if match:
            lines += 1
            path = match[1].replace(f"{src}/", "")
            if not _exempt(rows, "sparse", match[4], path):
                found.append(f"{path}:{match[2]}: {match[4]}")
    if status and not lines or not checked:
        raise LabError(f"sparse did not run, see {log_path('style-sparse')}:\n{text[-2000:]}")
    return sorted(set(found)), checked


GATES = {"checkpatch": checkpatch, "sparse": sparse, "kernel-doc": kernel_doc}


def main(args):
    """`lab style`."""
    unknown = set(args.gates) - set(GATES)
    if unknown:
        raise LabError(f"no gate is called {', '.join(unknown)}; there are {', '.join(GATES)}")
    rows = exemptions()
    total = 0
    for gate in args.gates or GATES:
        found, files = GATES[gate](rows)
        for line in found:
            print(f"  {line}")
        say(f"{gate}: {files} files, {len(found)} complaints"
            + (f", log {log_path('style-' + gate)}" if found else ""))
        total += len(found)
    for row in rows:
        if not row.used and (not args.gates or row.tool in args.gates):
            print(f"  {EXEMPTIONS.relative_to(TOP)}:{row.line}: nothing needs this exemption "
                  f"any more ({row.tool} {row.kind} {row.files})")
            total += 1
    return 1 if total else 0
