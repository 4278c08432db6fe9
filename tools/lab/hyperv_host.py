# SPDX-License-Identifier: GPL-2.0
"""Two machines, one in the other: a VMBus host, and guests of it.

    this machine
      host: QEMU, -accel tcg, a CPU with svm; a stock kernel with kvm-amd
        guest: QEMU with a vmbus-bridge and hv-balloon, -accel kvm; what
               Linux calls "Microsoft Hyper-V"

The host has no network, disk or shared folder. What the guest's QEMU has for
lines are virtio-serial ports of the host, whose other ends are sockets here.
"""

import json
import re
import shlex
from pathlib import Path

import cache
import hyperv_images
from common import LabError, say
from demo_run import busy
from demo_vm import Machine
from hyperv_qmp import Monitor, Trace
from hyperv_watch import Agent, Failed, Watch

# The host's agent; the guest's console, agent or shell, QMP, and its QEMU's trace.
PORTS = ("agent", "console", "control", "monitor", "trace")
INSTANCE = "6174a5bb-8027-46eb-87c8-c302dc95367e"
# Without xsave, whose sizes as emulated are wrong for 7.3, and what needs it.
CPU = ("host,-xsave,-avx,kvm=off,hv-relaxed,hv-vapic,hv-vpindex,hv-runtime,hv-time,hv-synic,"
       "hv-stimer,hv-frequencies")
MEMORY = 512        # MiB of a guest


class Host:
    """The outer machine: runs guests, one at a time."""

    def __init__(self, kernels, logs, shell=False):
        entry = cache.find(hyperv_images.HOST_KERNEL)
        self.logs = logs
        with busy("modules, programs and initramfs"):
            initrd = hyperv_images.host(kernels, logs)
        say(f"booting the VMBus host ({entry.release}, {initrd.stat().st_size >> 20} MiB)")
        self.machine = Machine(Path(entry.path) / entry.image, initrd,
                               "console=ttyS0 quiet panic=-1", logs, memory=3072, cpus=1,
                               cpu="max,+svm", lines=("host",), ports=PORTS,
                               raw=("control",) if shell else ())
        try:
            self.watch = Watch(self.machine)
            self.agent = Agent(self.watch, "agent")
            self.agent.ready(1, "the VMBus host")
            for line in self.watch.of("host"):
                if line.text.startswith("@host failed"):
                    raise LabError(f"the VMBus host: {line.text[13:]}; see {logs}/host.raw")
        except BaseException:
            self.close()
            raise
        finally:
            # QEMU reads it at the start.
            initrd.unlink()

    def close(self):
        """Leave nothing behind."""
        self.machine.close()


class Guest:
    """One life of a guest's QEMU, over as many kernels as kexec goes through."""

    def __init__(self, host, kernel, words=(), s4=False, shell=False):
        self.host, self.kernel = host, kernel
        self.watch = host.watch
        self.words = ["console=ttyS0", "quiet", "panic=-1", *words]
        self.monitor = Monitor(self.watch, "monitor")
        self.trace = Trace(self.watch, "trace")
        self.agent = None if shell else Agent(self.watch, "control")
        self.running = False
        self.watch.broken = None
        self.watch.listen("console", self._note)
        self.watch.listen("trace", self._note)
        release = cache.find(kernel).release
        say(f"booting a guest with {release}")
        self.log_mark = self.watch.mark("console")
        self.trace_mark = self.watch.mark("trace")
        self.reports_from = self.trace_mark     # where the guest's counter began
        self.running = True
        host.agent.run(self._command(s4))
        try:
            self._boot(shell)
        except Failed:
            self.stop()
            raise

    def _boot(self, shell):
        self.monitor.connect()
        if not shell:
            self.agent.ready(1, "the guest's kernel")
            for line in self.watch.of("console", self.log_mark):
                if line.text.startswith("@guest failed"):
                    raise Failed(f"the guest: {line.text[14:]}")

    def _command(self, s4):
        def line(name):
            return ["-chardev", f"pipe,id={name},path=/dev/ports/{name}"]

        def trace(events):
            return ["-trace", f"enable={events}"]

        folder = f"/guest/{self.kernel}"
        argv = ["qemu", "-L", "/usr/share/qemu", "-M", "q35", "-accel", "kvm", "-cpu", CPU,
                "-smp", "1", "-m", str(MEMORY), "-nodefaults", "-no-user-config",
                "-display", "none", "-vga", "none", "-nic", "none", "-no-reboot",
                "-global", f"ICH9-LPC.disable_s4={0 if s4 else 1}",
                *line("console"), "-serial", "chardev:console",
                *line("control"), "-serial", "chardev:control",
                *line("monitor"), "-mon", "chardev=monitor,mode=control",
                "-device", "vmbus-bridge,irq=7",
                "-device", f"hv-balloon,id=balloon,instanceid={INSTANCE},status-report=on",
                *trace("hv_balloon*"), *trace("vmbus_*_channel"),
                *trace("monitor_protocol_event_queue"),
                "-kernel", f"{folder}/vmlinuz", "-initrd", f"{folder}/initrd",
                "-append", " ".join(self.words)]
        # The port can be opened once, so both outputs and the last word share it.
        return ("{ LD_LIBRARY_PATH=/usr/lib/qemu " + shlex.join(argv) +
                "; echo \"@exit $?\"; } </dev/null >/dev/ports/trace 2>&1 &")

    def _note(self, line):
        if "Kernel panic" in line.text:
            self.watch.broken = line.text
        elif line.text.startswith("@exit") and self.running:
            self.watch.broken = self.watch.broken or "the guest's QEMU has ended"

    def run(self, command, check=True):
        """Run a shell command in the guest."""
        return self.agent.run(command, check)

    @staticmethod
    def size(change=0):
        """The guest's memory in bytes, or so many MiB more."""
        return (MEMORY + change) << 20

    def resident(self):
        """What the guest's QEMU has of the host's memory, in bytes."""
        out = self.host.agent.run("sed -n 's/^VmRSS:\\s*\\([0-9]*\\) kB/\\1/p' "
                                  "/proc/$(pidof qemu)/status")
        return int(out) << 10

    def kexec(self, command):
        """Have a command replace the kernel; return what it said, and the log's mark."""
        boots, mark = len(self.agent.boots), self.log_now()
        ticket = self.agent.start(command)
        self.watch.until(lambda: len(self.agent.boots) > boots or self.agent.ended(ticket),
                         f"the next kernel, by `{command[:40]}`")
        if self.agent.ended(ticket):
            self.agent.finish(ticket, command)
            raise Failed(f"`{command}` came back: {self.agent.output(ticket)}")
        return "\n".join(self.agent.output(ticket)), mark

    def live_update(self, options=""):
        """Replace the kernel by kmclctl live-update; return its report."""
        output, _ = self.kexec(f"update {options}")
        for text in output.splitlines():
            if text.startswith('{"') and "packets" in text:
                return json.loads(text)
        raise Failed(f"live-update made no report: {output[-300:]}")

    def log(self, regex, since=0, what=None):
        """Await a line of the guest's kernel log."""
        return self.watch.line("console", regex, max(since, self.log_mark), what)

    def logged(self, regex, since):
        """The lines of the guest's kernel log that match, of what is there."""
        self.log_now()
        return [line.text for line in self.watch.of("console", since)
                if re.search(regex, line.text)]

    def log_now(self):
        """A place in the guest's kernel log: after all that is there."""
        return self.watch.mark("console")

    def stop(self):
        """End the guest; the host lives on."""
        if not self.running:
            return
        self.running = False
        if not self.watch.broken:
            self.monitor.ask("quit")
        self.watch.broken = None
        self.watch.line("trace", r"^@exit \d+$", self.trace_mark, "the end of the guest's QEMU")
        for source in ("monitor", "control", "console", "trace"):
            self.watch.listeners.pop(source, None)
