# SPDX-License-Identifier: GPL-2.0
"""Unit tests: in User-Mode Linux, and those of the hv transport in QEMU.

A fast kernel only has to pass. A sanitised one must also be silent, and its
silence counts for something only after it has shown that it can speak: before
the tests it is given one bug of each kind, in a boot of their own.
"""

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cache
import coverage
import modules
import pc
import sites
import uml
from common import BUILD, TOP, LabError, clean_env, locked, log_path, say, tail
from initramfs import Image

# The modules of each kernel's tests, in load order
LOAD = {
    "uml-fast": ["kmcl", "kmcl_loopback", "kmcl_windows", "kmcl_dm", "kmcl_kunit"],
    "uml-san": ["kmcl", "kmcl_loopback", "kmcl_windows", "kmcl_dm", "kmcl_kunit"],
    "x86": ["kmcl", "kmcl_hv", "kmcl_dm", "kmcl_kunit_hv"],
    "x86-lockdep": ["kmcl", "kmcl_hv", "kmcl_dm", "kmcl_kunit_hv"],
}
KERNELS = list(LOAD)
# Its tests make endpoints of their own.
MODULE_ARGS = {"kmcl_dm": "bus="}
# What those in QEMU do not load is not built for them.
WITHOUT = ["CONFIG_KMCL_KUNIT=", "CONFIG_KMCL_LOOPBACK=", "CONFIG_KMCL_VSP_ECHO=",
           "CONFIG_KMCL_VSC_LOAD=", "CONFIG_KMCL_WINDOWS="]

# What a kernel says when something is wrong; KUnit's own lines are indented
# or start with "#", and expected messages of the tests carry a marker. That
# insmod waits says only that a case takes long.
REPORT = re.compile(
    r"BUG: |WARNING: |KASAN: |UBSAN: |ODEBUG: |INFO: (?:task|rcu|possible|trying|inconsistent)"
    r"|kmemleak: \d+ new|unreferenced object|Kernel panic|Oops|general protection"
    r"|Unhandled|Segfault|possible recursive locking|suspicious RCU"
    r"|workqueue: .* hogged|BUG workqueue lockup|refcount_t: "
    r"|sleeping function called|scheduling while atomic|list_(?:add|del) corruption")
EXPECTED = re.compile(r"KTAP|^\s*#|kmcl_expected|WARNING: CPU.*kunit_|"
                      r"BUG: KFENCE disabled|INFO: task insmod:")

# In this order: lockdep turns itself off after its first report, and at KASAN's.
PLANTS = {
    "inversion": r"WARNING: possible circular locking dependency",
    "sleep": r"BUG: sleeping function called from invalid context",
    "uaf": r"BUG: KASAN: (?:slab-)?use-after-free in plant_use_after_free",
    "leak": r'unreferenced object \S+ \(size 96\):\n\s+comm "insmod"',
}

# Per-CPU sheaves of the slab allocator keep stale pointers, which kmemleak takes
# for references; caches under slab_debug have none.
ARGS = {kernel: ["slab_debug=F"] for kernel in cache.SANITISED}

# All suites take long there, so they run in boots of about the same length, side
# by side: by their sixth letter, the first after kmcl_. One class and its
# complement, so that each suite is in one of them.
SHARDS = {"uml-san": ["?????[fls]*", "?????[!fls]*"]}

PROLOGUE = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t tmpfs tmpfs /tmp
mkdir -p /host
if [ -n "$kmcl_hung" ]; then
	cd /proc/sys/kernel
	echo $kmcl_hung > hung_task_timeout_secs
	echo 2 > hung_task_check_interval_secs
	echo -1 > hung_task_warnings
	cd /
fi
# What is in /host at the end goes to the host: by hostfs, or as an archive.
if grep -q hostfs /proc/filesystems; then
	mount -t hostfs -o $kmcl_out none /host || { echo "init: no hostfs"; poweroff -f; }
	finish() { poweroff -f; }
else
	finish() { stty raw < /dev/ttyS1; tar -c -f /dev/ttyS1 -C /host .; poweroff -f; }
fi
# If the tests hang, say where, before the harness pulls the plug.
(sleep $kmcl_limit; echo "init: time is up"; echo w > /proc/sysrq-trigger
 echo t > /proc/sysrq-trigger; echo l > /proc/sysrq-trigger; finish) &
"""

SCAN = """
leaks() {
	[ -e /sys/kernel/debug/kmemleak ] || return 0
	# Objects younger than 5 s are not looked at; the second scan settles
	# what the first one suspected.
	sleep 6
	echo scan > /sys/kernel/debug/kmemleak
	echo scan > /sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak > /host/kmemleak.$1
	echo clear > /sys/kernel/debug/kmemleak
}
"""

MARK = "kmcl lab: tests begin"

TESTS = PROLOGUE + SCAN + f"""
echo "{MARK}" > /dev/kmsg
""" + """
[ -e /sys/kernel/debug/kmemleak ] && echo clear > /sys/kernel/debug/kmemleak
for m in $kmcl_modules; do
	if ! insmod /lib/kmcl/$m.ko $(cat /lib/kmcl/$m.args 2>/dev/null); then
		echo "init: insmod $m failed"
		echo $m > /host/insmod-failed
	fi
done
for dir in /sys/kernel/debug/kunit/*/; do
	[ -e $dir/results ] && cat $dir/results > /host/results.$(basename $dir)
done
leaks loaded
for m in $kmcl_unload; do
	rmmod $m || { echo "init: rmmod $m failed"; echo $m > /host/rmmod-failed; }
done
leaks unloaded
# Kept by the kernel for modules that are gone, too.
gcov=/sys/kernel/debug/gcov
[ -e $gcov ] && for file in $(find $gcov -name '*.gcda'); do
	mkdir -p /host/gcov && cat $file > /host/gcov/$(basename $file)
done
echo done > /host/done
finish
"""

# The tests of allocation failures call it: these files are for user space only.
# A slab cache that could not be shown in sysfs makes the kernel WARN when it is
# destroyed, so what allocates below sysfs_slab_add is spared.
FAILSLAB = """#!/bin/sh
set -e
export PATH=/bin
all() { for where in failslab fail_page_alloc; do echo $2 > $debug/$where/$1; done; }
debug=/sys/kernel/debug
case $1 in
begin)
	set -- $(awk '{ if (start) { print start, "0x" $1; exit } }
		$3 == "sysfs_slab_add" { start = "0x" $1 }' /proc/kallsyms)
	test -n "$2"
	all reject-start $1
	all reject-end $2
	all stacktrace-depth 32
	all ignore-gfp-wait N
	all verbose 0
	;;
all)	# of the core's, in a softirq, too
	cd $debug/failslab
	start=$(cat /sys/module/kmcl/sections/.text)
	echo $start > require-start
	echo $((start + $(cat /sys/module/kmcl/coresize))) > require-end
	echo -1 > times
	echo 100 > probability
	;;
none)
	cd $debug/failslab
	echo 0 > probability
	echo 1 > times
	echo 0 > require-start
	echo 0xffffffffffffffff > require-end
	;;
end)
	all probability 0
	all reject-start 0
	all reject-end 0
	all ignore-gfp-wait Y
	all verbose 2
	;;
esac
"""

PLANT = PROLOGUE + SCAN + """
echo clear > /sys/kernel/debug/kmemleak
for bug in $kmcl_bugs; do
	insmod /lib/kmcl/kmcl_plant.ko bug=$bug || echo "init: insmod failed"
	rmmod kmcl_plant
done
leaks planted
echo done > /host/done
finish
"""


@dataclass
class Outcome:
    """What a run came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list = field(default_factory=list)
    suites: dict = field(default_factory=dict)
    seconds: dict = field(default_factory=dict)
    sites: list = field(default_factory=list)
    logs: list = field(default_factory=list)

    def add(self, other):
        """Put what another boot came to with this."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.problems += other.problems
        for title, cases in other.suites.items():
            self.suites[title] = max(cases, self.suites.get(title, cases), key=sum)
        self.seconds |= other.seconds
        self.logs += other.logs


def arguments(parser):
    """Options of `lab kunit`."""
    parser.add_argument("--kernel", default="uml-fast", choices=KERNELS)
    parser.add_argument("--suite", metavar="GLOB", help="only these (kunit.filter_glob)")
    parser.add_argument("--limit", type=int, metavar="SECONDS",
                        help="give up after this long (240; sanitised: 1800)")
    parser.add_argument("--no-plant", action="store_true",
                        help="sanitised: do not prove first that bugs are reported")
    parser.add_argument("--tree", type=Path, metavar="DIR", default=TOP,
                        help="build the modules from the sources there")
    parser.add_argument("--modules", type=Path, metavar="DIR",
                        help="use these modules instead of building them")
    parser.add_argument("--coverage", action="store_true",
                        help="x86: say which lines of the hv transport were run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there")
    parser.add_argument("--verbose", action="store_true", help="show every case")


def report_lines(log):
    """Lines of a console log that say that something is wrong."""
    found = []
    text = Path(log).read_text(errors="replace")
    # What the kernel says about itself while it boots is not ours.
    for line in text.partition(MARK)[2].splitlines():
        if reported(plain(line)):
            found.append(plain(line))
    return found


class Sentry:
    """Looks at a console for the first sign of trouble: a test that fails, a report.

    Or, if it is `patient`, only for what says that nothing moves any more.
    """

    # KUnit's summary of a case, and what it says before it where it can
    FAILURE = re.compile(r"# (\w+): (?:EXPECTATION|ASSERTION) FAILED at (?:.*/)?(\S+)"
                         r"|^    not ok \d+ (\S+)|^init: ins(mod .* failed)")

    STUCK = re.compile(r"blocked for more than|lockup|detected stall")

    def __init__(self, patient=False):
        self.patient = patient
        self.seen = None
        self.begun = False

    def __call__(self, line):
        self.begun = self.begun or MARK in line
        text = plain(line)
        failure = None if self.patient else self.FAILURE.search(text)
        if failure:
            case, place, alone, load = failure.groups()
            self.seen = f"{case} fails at {place}" if case else \
                f"{alone} fails" if alone else f"ins{load}"
        elif self.begun and reported(text) and (not self.patient or self.STUCK.search(text)):
            self.seen = text.strip()
        return bool(self.seen)

    @property
    def stuck(self):
        """Whether what it saw is that nothing moves."""
        return bool(self.seen and self.STUCK.search(self.seen))


def plain(line):
    """A line of a console without its time and its task."""
    return re.sub(r"^\[\s*\d+\.\d+\](\[\s*[TC]\d+\])?\s?", "", line)


def reported(text):
    """Whether a line says that something is wrong."""
    return REPORT.search(text) and not EXPECTED.search(text)


def boot_once(kernel, image, script, name, limit, args, until=None):
    """Boot once; return (halted in time, output folder, log)."""
    args = [*ARGS.get(kernel, []), *args]
    out = BUILD / "kunit" / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    image.text("/init", script, 0o755)
    initrd = image.write(out / "initramfs.img")
    log = log_path(f"kunit-{name}")
    args += [f"kmcl_limit={limit}"]
    if cache.OWN[kernel][0] == "um":
        done = uml.boot(kernel, initrd, log, limit + 20, [f"kmcl_out={out}", *args],
                        until=until)
    else:
        done = pc.boot(kernel, initrd, log, limit + 60, args, out=out)
    initrd.unlink()
    return done and (out / "done").exists(), out, log


def trouble(done, out, log, limit):
    """What went wrong in a boot, whatever ran in it."""
    wrong = []
    if not done:
        wrong.append(f"the kernel did not come to its end within {limit} s; "
                     f"the end of {log}:\n{tail(log, 40)}")
    lines = report_lines(log)
    if lines:
        wrong.append("the kernel reports:\n" + "\n".join("    " + line for line in lines[:10]) +
                     f"\n  see {log}")
    for leaks in sorted(out.glob("kmemleak.*")):
        text = leaks.read_text(errors="replace").strip()
        if text:
            wrong.append(f"leaks ({leaks.name}):\n" + "\n".join(
                "    " + line for line in text.splitlines()[:30]) + f"\n  see {leaks}")
    return wrong


def plant(kernel, folder):
    """Show that the kernel reports one bug of each kind; return what it missed."""
    image = Image()
    image.busybox()
    image.modules([folder / "kmcl_plant.ko"])
    script = PLANT.replace("$kmcl_bugs", " ".join(PLANTS))
    done, out, log = boot_once(kernel, image, script, f"{kernel}-plant", 120, [])
    if not done:
        return [f"the boot with planted bugs did not come to its end, see {log}"]
    text = log.read_text(errors="replace") + (out / "kmemleak.planted").read_text()
    return [f"{bug}: planted, and not reported, see {log}"
            for bug, pattern in PLANTS.items() if not re.search(pattern, text)]


def count(text):
    """(suite, passed, failed, skipped) of one debugfs results file."""
    name = re.search(r"^\s*# Subtest: (\S+)", text, re.M)
    cases = re.findall(r"^    (not ok|ok) \d+ (\S+)(.*)$", text, re.M)
    skipped = [c for c in cases if c[0] == "ok" and "# SKIP" in c[2]]
    failed = [c for c in cases if c[0] == "not ok"]
    return (name[1] if name else "?", len(cases) - len(skipped) - len(failed),
            len(failed), len(skipped))


def durations(log):
    """{suite: seconds it took}, from a console log."""
    took, began = {}, 0.0
    for line in Path(log).read_text(errors="replace").splitlines():
        at = re.match(r"\[\s*(\d+\.\d+)\]", line)
        end = re.match(r"(?:not )?ok \d+ (\w+)", plain(line))
        if MARK in line:
            began = float(at[1])
        elif at and end:
            took[end[1]] = float(at[1]) - began
            began = float(at[1])
    return took


def show(results, verbose):
    """The kernel's own KUnit parser on one results file."""
    parser = cache.source() / "tools/testing/kunit/kunit.py"
    argv = ["/usr/bin/python3", str(parser), "parse", str(results)]
    if not verbose:
        argv.append("--failed")
    out = subprocess.run(argv, cwd=cache.source(), env=clean_env(PYTHONDONTWRITEBYTECODE="1"),
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False).stdout.decode(errors="replace")
    # Expanded macros make lines of a thousand characters; the log has them whole.
    lines = ["    " + re.sub(r"^\[[\d:]+\] ", "", line) for line in out.splitlines()]
    lines = [line[:160] + ("..." if len(line) > 160 else "") for line in lines if line.strip(" =")]
    if len(lines) > 60 and not verbose:
        lines[60:] = [f"    ... {len(lines) - 60} more lines, see {results}"]
    print("\n".join(lines))


def test(kernel, folder, suite=None, limit=None, verbose=False, name=None, quiet=False,
         until=None, args=(), parameters=None):
    """Run the suites on one kernel with the modules in `folder`.

    `until` is given each line of the console, and ends the run where it is true;
    `args` go onto the kernel's command line, `parameters` are {module: its}.
    """
    name = name or kernel
    limit = limit or (1800 if kernel in cache.SANITISED else 240)
    globs = [suite] if suite else SHARDS.get(kernel, [None])
    names = [name] if len(globs) == 1 else [f"{name}-{n}" for n in range(1, len(globs) + 1)]

    def boot(glob, name):
        chosen = [f"kunit.filter_glob={glob}"] if glob else []
        return _boot(kernel, folder, limit, name, until, [*args, *chosen], parameters or {})

    with ThreadPoolExecutor(len(globs)) as pool:
        outcome, *others = pool.map(boot, globs, names)
    for other in others:
        outcome.add(other)
    if not suite:
        outcome.problems += [f"suite {title} ran no case"
                             for title, cases in outcome.suites.items() if not sum(cases)]
    outcome.suites = {title: cases for title, cases in outcome.suites.items() if sum(cases)}
    if not outcome.passed + outcome.failed:
        outcome.problems.append("no case ran")
    outcome.sites = sites.report(outcome.logs, folder)
    for out in [BUILD / "kunit" / name for name in names] if not quiet else []:
        for results in sorted(out.glob("results.*")):
            _, passed, failed, skipped = count(results.read_text(errors="replace"))
            if failed or verbose and passed + skipped:
                show(results, verbose)
    return outcome


def _boot(kernel, folder, limit, name, until, args, parameters):
    """Boot once with all modules, and gather what the suites came to."""
    load = [m for m in LOAD[kernel] if (folder / f"{m}.ko").exists()]
    if LOAD[kernel][-1] not in load:
        raise LabError(f"{folder} has no {LOAD[kernel][-1]}.ko; is anything in kunit/Makefile?")
    image = Image()
    image.busybox()
    image.modules([folder / f"{m}.ko" for m in load])
    image.text("/lib/kmcl/failslab", FAILSLAB, 0o755)
    for module, words in {**MODULE_ARGS, **parameters}.items():
        image.text(f"/lib/kmcl/{module}.args", words)
    script = TESTS.replace("$kmcl_modules", " ".join(load))
    script = script.replace("$kmcl_unload", " ".join(reversed(load)))
    done, out, log = boot_once(kernel, image, script, name, limit, args, until)

    outcome = Outcome(logs=[log], seconds=durations(log))
    for results in sorted(out.glob("results.*")):
        title, passed, failed, skipped = count(results.read_text(errors="replace"))
        outcome.suites[title] = (passed, failed, skipped)
        outcome.passed += passed
        outcome.failed += failed
        outcome.skipped += skipped
    outcome.problems += trouble(done, out, log, limit)
    for failure in ("insmod-failed", "rmmod-failed"):
        if (out / failure).exists():
            outcome.problems.append(f"{failure}: {(out / failure).read_text().strip()}, "
                                    f"see {log}")
    return outcome


def main(args):
    """`lab kunit`."""
    with locked(BUILD / "kunit" / f".lock-{args.kernel}", f"unit tests on {args.kernel}"):
        return _main(args)


def _main(args):
    where = None if args.tree == TOP else args.tree / "build" / args.kernel
    options = []
    if cache.OWN[args.kernel][0] != "um":
        where = args.tree / "build/kunit-modules" / args.kernel
        options = WITHOUT
        if args.coverage:
            where = where.with_name(f"{args.kernel}-coverage")
            options = [*WITHOUT, *coverage.OPTIONS]
    elif args.coverage:
        raise LabError("--coverage is for the x86 kernels")
    folder = args.modules or modules.build(args.kernel, strict=False, tree=args.tree,
                                           where=where, options=options)
    missed = []
    if args.kernel in cache.SANITISED and not args.no_plant:
        missed = plant(args.kernel, folder)
        if missed:
            for line in missed:
                print(f"  {line}")
        else:
            say(f"{args.kernel}: each of {len(PLANTS)} planted bugs is reported")
    outcome = test(args.kernel, folder, args.suite, args.limit, args.verbose)
    for title, (passed, failed, skipped) in sorted(outcome.suites.items()):
        print(f"  {title:32} {passed:5} passed {failed:5} failed {skipped:5} skipped "
              f"{outcome.seconds.get(title, 0):7.1f} s")
    if args.coverage:
        found = coverage.measure(where / "src", BUILD / "kunit" / args.kernel)
        outcome.sites += coverage.report(found, where / "src")
    for line in outcome.sites:
        print(f"  {line}")
    for problem in outcome.problems:
        print(f"  {problem}")
    say(f"{args.kernel}: {outcome.passed} cases passed, {outcome.failed} failed, "
        f"{outcome.skipped} skipped, {len(outcome.problems) + len(missed)} other problems")
    if args.json:
        args.json.write_text(json.dumps({
            "passed": outcome.passed, "failed": outcome.failed,
            "skipped": outcome.skipped, "problems": outcome.problems + missed}))
    return 1 if outcome.failed or outcome.problems or missed else 0
