#!/usr/bin/env python3
"""Compares firmwares: how long each step of a boot takes, and what it makes QEMU do.

    bench.py                                                all that is installed, Debian's kernel
    bench.py --kernel K [--initrd I] [--append S] [--firmware A --firmware B] -- QEMU ARGUMENTS

Without QEMU's arguments: -M pc, q35 and microvm, each with 512 MiB and nothing else.  Without
--kernel: the bzImage and the ELF kernel of Debian's cloud kernel with a small initramfs, fetched
once (scripts/kernels.py).  Another guest must print something when it is up: --up REGEX; and the
kernel says that it starts init unless it is told to be quiet: --init REGEX.

The runs of the firmwares are interleaved, in another order each time, so that what else the host
does hits all alike.  Writes report.json and report.html (pictures need matplotlib) and prints the
same tables: all boots with each firmware's version and SHA-256, what a change to the command line
gives (advice.py), how long QEMU is busy with an exit (exit_times.py), and then each boot by steps:
median, 95th percentile and spread (the middle half), see boots.py, exits by cause and rebuilds,
see events.py.

No root is needed but for /dev/kvm.  --accel auto takes KVM where it runs on hardware.
"""

import argparse
import json
import os
from pathlib import Path
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

import advice
import boots
import exit_times
import firmwares
import qemu
import summary

DEVICES = (0, 4, 8, 12, 16, 20, 24)
PROCESSORS = (1, 2, 4, 8, 16, 32, 64)
INITRD_MIB = (2, 8, 32, 128, 512)
GROWTH_RUNS = 5
ADVICE_RUNS = 3

APPEND_WHOLE = "console=ttyS0 panic=-1"
APPEND = APPEND_WHOLE + " qb.run=once"
# On a busy host TCG's timers are late: the kernel's check of the 8254 fails, and on microvm, which
# has no other timer, the calibration of the TSC.
APPEND_TCG = " no_timer_check"
APPEND_MICROVM = " reboot=t"
APPEND_MICROVM_TCG = " tsc_early_khz=2000000"


class Progress:
    """A line on the terminal that says what is running."""

    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.time()
        self.live = sys.stderr.isatty()

    def step(self, text):
        """One more is about to start."""
        self.done += 1
        spent = time.time() - self.start
        left = spent / max(self.done - 1, 1) * (self.total - self.done + 1) if self.done > 1 else 0
        line = f"{self.done}/{self.total} {text}" + (f", {left:.0f} s left" if left else "")
        if self.live:
            print(f"\r\x1b[K{line[:100]}", end="", file=sys.stderr, flush=True)
        elif self.done % 25 == 1:
            print(line, file=sys.stderr, flush=True)

    def end(self):
        """Clears the line."""
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def spread(samples):
    """Milliseconds: median, 95th percentile, and the spread of the middle half."""
    samples = sorted(sample * 1e3 for sample in samples)
    quartiles = statistics.quantiles(samples, n=4) if len(samples) > 1 else [samples[0]] * 3
    p95 = statistics.quantiles(samples, n=20)[-1] if len(samples) > 1 else samples[0]
    return {"median": round(statistics.median(samples), 3),
            "p95": round(min(p95, samples[-1]), 3),
            "spread": round(quartiles[2] - quartiles[0], 3), "runs": len(samples)}


def default_kernels():
    """(bzImage, ELF kernel, initramfs), fetched if they are not there."""
    scripts = qemu.ROOT / "scripts"
    python = sys.executable
    try:
        said = subprocess.run([python, scripts / "kernels.py", "cloud"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        directory = Path(said.strip())
        said = subprocess.run([python, scripts / "initramfs.py", directory], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise qemu.Error(f"cannot get Debian's kernel ({error}); give --kernel FILE") from error
    return directory / "vmlinuz", directory / "vmlinux", Path(said.strip())


def default_append(scenario):
    """The command line for Debian's kernel with the small initramfs."""
    microvm, tcg = scenario.machine.startswith("microvm"), scenario.accel.startswith("tcg")
    return (APPEND + (APPEND_TCG if tcg else "") + (APPEND_MICROVM if microvm else "") +
            (APPEND_MICROVM_TCG if microvm and tcg else ""))


def scenarios(options):
    """What is to be booted."""
    if options.kernel:
        kernels = [Path(kernel).resolve() for kernel in options.kernel]
        initrd = Path(options.initrd).resolve() if options.initrd else None
    else:
        *kernels, initrd = default_kernels()
    for path in [*kernels, *([initrd] if initrd else [])]:
        if not path.is_file():
            raise qemu.Error(f"no file {path}")
    if options.qemu_arguments:
        machines = [options.qemu_arguments]
    else:
        machines = [["-M", machine, "-m", "512", "-nodefaults", "-no-user-config"]
                    for machine in options.machine.split(";")]
    for arguments in machines:
        for kernel in kernels:
            scenario = boots.Scenario("", kernel, arguments, options.accel, initrd,
                                      options.append or "", options.timeout, options.init,
                                      options.up)
            if options.append is None and not options.kernel:
                scenario.append = default_append(scenario)
            scenario.name = f"{scenario.machine}, {kernel.name}"
            yield scenario


def choose_accelerator(wanted):
    """The accelerator, with "auto" resolved."""
    if wanted == "auto":
        return "kvm" if qemu.kvm_is_hardware() else "tcg"
    if wanted == "kvm" and not qemu.kvm_works():
        raise qemu.Error("KVM runs no guest here; is /dev/kvm readable and writable for you?")
    return wanted


def measure_exits(lab, scenario, candidates, entry, progress):
    """Adds to the entry how long QEMU is busy with each exit; returns why not, or None."""
    try:
        clock = exit_times.Clock(lab)
    except qemu.Error as error:
        return str(error)
    for firmware, result in zip(candidates, entry["results"]):
        progress.step(f"{scenario.name}: exits of {firmware.name}")
        try:
            if "unsupported" not in result:
                result["exit_times"] = clock.measure(scenario, firmware)
        except qemu.Error as error:
            result["no_exit_times"] = str(error).split("\n", maxsplit=1)[0]
    return None


def in_turn(candidates, run):
    """The candidates in the order of this run: another each time, as a place may be faster."""
    return random.Random(run).sample(candidates, len(candidates))


def measure_scenario(lab, scenario, candidates, options, progress):
    """The report's entry for a scenario."""
    entry = {"name": scenario.name, "machine": scenario.machine, "kernel": str(scenario.kernel),
             "command": scenario.command(candidates[0], scenario.kernel), "results": []}
    usable = []
    for firmware in candidates:
        progress.step(f"{scenario.name}: counting {firmware.name}")
        result = {"firmware": firmware.name, "path": str(firmware.path)}
        entry["results"].append(result)
        try:
            result["counts"] = lab.count_boot(scenario, firmware, options.guest)
            lab.time_boot(scenario, firmware, options.guest)    # warms the host's cache
            usable.append((firmware, result, {}))
        except qemu.Error as error:
            result["unsupported"] = str(error).split("\n", maxsplit=1)[0]
    for run in range(options.runs):
        for firmware, result, samples in in_turn(usable, run):
            progress.step(f"{scenario.name}: run {run + 1} of {options.runs}, {firmware.name}")
            try:
                for step, seconds in lab.time_boot(scenario, firmware, options.guest).items():
                    samples.setdefault(step, []).append(seconds)
            except qemu.Error as error:
                result["failures"] = result.get("failures", 0) + 1
                result["failure"] = str(error).split("\n", maxsplit=1)[0]
    for _, result, samples in usable:
        steps = {step: spread(values) for step, values in samples.items()}
        totals = [sum(values) for values in
                  zip(*(samples[step] for step in boots.STEPS if step in samples))]
        if totals:
            result["steps"] = steps | {"all": spread(totals)}
    return entry


def growth_points(machine):
    """(what grows, how far, QEMU's arguments, MiB of initrd)."""
    bus = "device" if machine.startswith("microvm") else "pci"
    for count in DEVICES:
        yield "devices", count, ["-device", f"virtio-rng-{bus}"] * count, 0
    for count in PROCESSORS:
        yield "processors", count, ["-smp", str(count)], 0
    for mib in INITRD_MIB:
        yield "initrd", mib, [], mib


def measure_growth(lab, machine, candidates, options, progress):
    """Firmware time and counts of tiny kernels over devices, processors and size of the initrd."""
    series = []
    for what, count, extra, mib in growth_points(machine):
        initrd = None
        if mib:
            initrd = lab.scratch / "initrd"
            with open(initrd, "wb") as file:
                file.truncate(mib << 20)
        arguments = ["-M", machine, "-m", "2G", "-nodefaults", "-no-user-config", *extra]
        scenario = boots.Scenario("", lab.kernels["pvh"], arguments, options.accel, initrd)
        samples, counts = {}, {}
        for run in range(min(options.runs, GROWTH_RUNS) + 1):
            for firmware in in_turn(candidates, run):
                progress.step(f"{machine}: {count} {what}, {firmware.name}")
                try:
                    if run == 0:
                        counts[firmware.name] = lab.count_firmware(scenario, firmware).table()
                    else:
                        spent = lab.time_firmware(scenario, firmware)[1]
                        samples.setdefault(firmware.name, []).append(spent)
                except qemu.Error as error:
                    counts[firmware.name] = {"unsupported": str(error).split("\n", maxsplit=1)[0]}
        # In the order of all other pictures, not of the runs: a firmware keeps its color.
        series += [{"what": what, "count": count, "firmware": firmware.name,
                    "ms": spread(samples[firmware.name]), "counts": counts[firmware.name]}
                   for firmware in candidates if firmware.name in samples]
    return {"machine": machine, "points": series}


def host():
    """What the numbers hold for."""
    version = qemu.ask(qemu.program(), "--version").splitlines()[0]
    model = "unknown processor"
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
        for line in text.splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"qemu": version, "processor": model, "processors": os.cpu_count(),
            "kernel": platform.release()}


def parse(arguments):
    """The command line."""
    if "--" in arguments:
        at = arguments.index("--")
        arguments, rest = arguments[:at], arguments[at + 1:]
    else:
        rest = []
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="Arguments after -- are QEMU's.")
    parser.add_argument("--firmware", action="append", help="an image for -bios (all installed)")
    parser.add_argument("--kernel", action="append", help="a bzImage or an ELF kernel")
    parser.add_argument("--initrd")
    parser.add_argument("--append", help="the kernel's command line")
    parser.add_argument("--accel", default="auto", choices=("auto", "kvm", "tcg"))
    parser.add_argument("--runs", type=int, default=7, help="timed boots of each (7)")
    parser.add_argument("--machine", default="pc;q35;microvm",
                        help="machines to compare on without QEMU's arguments, separated by ;")
    parser.add_argument("--init", default=boots.Scenario.init, metavar="REGEX",
                        help=f"what the kernel says when it starts init (default: "
                             f"{boots.Scenario.init})")
    parser.add_argument("--up", default=boots.Scenario.up, metavar="REGEX",
                        help=f"what userspace says when it is up (default: {boots.Scenario.up})")
    parser.add_argument("--firmware-only", dest="guest", action="store_false",
                        help="stop at the kernel's first instruction")
    parser.add_argument("--no-growth", dest="growth", action="store_false",
                        help="leave out devices, processors and initrd sizes")
    parser.add_argument("--no-advice", dest="advice", action="store_false",
                        help="do not try changes to the command line")
    parser.add_argument("--timeout", type=int, default=120, help="seconds for one boot (120)")
    parser.add_argument("--output", default=qemu.ROOT / "build" / "bench", type=Path)
    options = parser.parse_args(arguments)
    options.qemu_arguments = rest
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


def measure(options):
    """The whole report, as plain data."""
    options.accel = choose_accelerator(options.accel)
    candidates = firmwares.named(options.firmware) if options.firmware else firmwares.find()
    if not candidates:
        raise qemu.Error("no firmware found; 'make' builds ours, or give --firmware FILE")
    planned = list(scenarios(options))
    machines = list(dict.fromkeys(scenario.machine for scenario in planned))
    growing = [machine for machine in ("q35", machines[0]) if machine in machines][:1]
    report = {"host": host(), "accel": options.accel, "runs": options.runs,
              "firmwares": [firmware.described() for firmware in candidates
                            if any(firmware.fits(machine) for machine in machines)],
              "scenarios": [], "advice": [], "growth": []}
    advised = {scenario.machine: scenario for scenario in reversed(planned)} \
        if options.advice and options.guest else {}
    total = sum(len([f for f in candidates if f.fits(scenario.machine)]) * (options.runs + 2)
                for scenario in planned)
    total += sum((len(list(advice.changes(scenario))) + 1) * (min(options.runs, ADVICE_RUNS) + 1)
                 for scenario in advised.values())
    if options.growth:
        for machine in growing:
            total += len([f for f in candidates if f.fits(machine)]) * \
                len(list(growth_points(machine))) * (min(options.runs, GROWTH_RUNS) + 1)
    progress = Progress(total)
    with tempfile.TemporaryDirectory(prefix="qboot-bench-") as scratch:
        lab = boots.Lab(scratch)
        for scenario in planned:
            fitting = [firmware for firmware in candidates if firmware.fits(scenario.machine)]
            entry = measure_scenario(lab, scenario, fitting, options, progress)
            report["scenarios"].append(entry)
            why = measure_exits(lab, scenario, fitting, entry, progress)
            report |= {"no_exit_times": why} if why else {}
        for scenario in advised.values():
            ours = next(firmware for firmware in candidates if firmware.fits(scenario.machine))
            try:
                report["advice"].append(advice.measure(
                    lab, scenario, ours, min(options.runs, ADVICE_RUNS), progress.step))
            except qemu.Error as error:
                print(f"no advice for {scenario.name}: {error}", file=sys.stderr)
        for machine in growing if options.growth else ():
            fitting = [firmware for firmware in candidates if firmware.fits(machine)]
            report["growth"].append(measure_growth(lab, machine, fitting, options, progress))
    progress.end()
    summary.print_front(report)
    for entry in report["scenarios"]:
        summary.print_scenario(entry)
    return report


def main():
    """Returns the exit status."""
    options = parse(sys.argv[1:])
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        report = measure(options)
    except qemu.Error as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    path = options.output / "report.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\n{path}")
    try:
        import report as pictures       # needs matplotlib, which only this needs
    except ImportError as error:
        print(f"no report.html: {error}; Debian's package is python3-matplotlib", file=sys.stderr)
        return 0
    path = options.output / "report.html"
    path.write_text(pictures.html(report), encoding="utf-8")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
