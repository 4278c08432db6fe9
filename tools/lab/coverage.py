# SPDX-License-Identifier: GPL-2.0
"""Which lines of the modules a run has been through.

The modules are built with the kernel's gcov support (modules.build() with
OPTIONS), the guest hands out the counters that debugfs holds, and gcc's gcov
joins them with what the compiler noted.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

from common import LabError, clean_env, on_path

OPTIONS = ["GCOV_PROFILE=y"]
# What is looked at, below the sources, and what of it should be run at least
FILES = re.compile(r"drivers/hv/kmcl/transport/hv\w*\.c")
AIM = 85


def _lines(counters, notes):
    """[(file, line, times)] of one object."""
    shutil.copy(counters, notes.with_suffix(".gcda"))
    done = subprocess.run([on_path("gcov"), "--json-format", "--stdout",
                           notes.with_suffix(".gcda")], cwd=notes.parent, env=clean_env(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode or not done.stdout:
        raise LabError(f"gcov: {done.stderr.decode(errors='replace').strip()}")
    return [(source["file"], line["line_number"], line["count"])
            for source in json.loads(done.stdout)["files"] for line in source["lines"]]


def measure(src, *folders):
    """{file: {line: times}}, all in all, of what the guests left in these folders."""
    found = {}
    for counters in [path for folder in folders for path in Path(folder).rglob("*.gcda")]:
        [*notes] = Path(src).rglob(f"{counters.stem}.gcno")
        if not notes:
            continue
        for file, line, times in _lines(counters, notes[0]):
            match = FILES.search(file)
            if match:
                lines = found.setdefault(match[0], {})
                lines[line] = lines.get(line, 0) + times
    return found


def _spans(numbers):
    """12-15, 40"""
    spans = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def report(found, src):
    """Lines for people."""
    out, run, total = [], 0, 0
    # A file of which nothing ran has no counters at all.
    for path in sorted(Path(src).rglob("*.c")):
        match = FILES.search(str(path))
        if match and match[0] not in found and path.with_suffix(".gcno").exists():
            out.append(f"{match[0]}: no line was run")
    for file, lines in sorted(found.items()):
        missed = [line for line, times in lines.items() if not times]
        run += len(lines) - len(missed)
        total += len(lines)
        out.append(f"{file}: {len(lines) - len(missed)} of {len(lines)} lines run"
                   + (f"; not: {_spans(missed)}" if missed else ""))
    if total:
        share = 100 * run / total
        out.append(f"line coverage of the hv transport: {share:.1f} % of {total} lines "
                   f"(aim: {AIM} %{'' if share >= AIM else ', not met'})")
    return out
