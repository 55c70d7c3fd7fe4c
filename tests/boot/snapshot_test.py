"""Boots that are interrupted: the whole machine is saved and loaded again, somewhere on its way.

    python3 -m pytest -c tests/pytest.ini --all tests/boot/snapshot_test.py

The test kernel of guest/ runs; whatever moment QEMU stops it at, in the firmware or later, it finds
everything in order at the end.  Where the points lie is drawn from a fixed seed and the host's
speed: each run takes others, and a failure names them.
"""

import random
import re
import time

import pytest

from machines import Case
from own_guest import EXIT, STATUS_PASS, kernel
import yardstick

SECONDS = 120
POINTS = 12
LONGEST = 0.02                  # seconds between two points; a boot's firmware takes a tenth


def job(vm, command, **arguments):
    """A QMP command that is a job: waits for its end."""
    name = f"{command}-{job.count}"
    job.count += 1
    vm.qmp(command, **{"job-id": name, **arguments})
    patience = yardstick.Patience(SECONDS)
    while patience.left() > 0:
        found, = (each for each in vm.qmp("query-jobs") if each["id"] == name)
        if found["status"] == "concluded":
            vm.check("error" not in found, f"{command}: {found.get('error')}")
            vm.qmp("job-dismiss", id=name)
            return
        time.sleep(0.002)
    raise vm.failure(f"{command} does not end")


job.count = 0


def add_store(vm, directory):
    """A qcow2 node, which no device of the guest's has, for the machine's state."""
    path = str(directory / "store.qcow2")
    job(vm, "blockdev-create", options={"driver": "file", "filename": path, "size": 0})
    vm.qmp("blockdev-add", driver="file", filename=path, **{"node-name": "file"})
    job(vm, "blockdev-create", options={"driver": "qcow2", "file": "file", "size": 1 << 20})
    vm.qmp("blockdev-add", driver="qcow2", file="file", **{"node-name": "store"})


CASES = [(Case(f"{machine}-{form}", machine, memory="64M", cpus=cpus), form)
         for machine, form, cpus in [("pc", "bz64.img", 1), ("pc", "pvh.elf", 2),
                                     ("q35", "bz64.img", 2), ("q35", "mb.elf", 1),
                                     ("microvm", "bz64.img", 2)]]


@pytest.mark.parametrize("case, form", CASES, ids=[case.name for case, _ in CASES])
def test_saved_and_loaded(case, form, bench, silent, tmp_path):
    """After each point the machine runs on for a while, and is put back to that point."""
    chance = random.Random(case.name)
    with bench.start(case, kernel(form), append=f"expect.ram={64 << 20}", more=[*EXIT, "-S"],
                     seconds=SECONDS) as vm:
        add_store(vm, tmp_path)
        points, in_firmware = 0, 0
        while points < POINTS and not vm.serial:
            vm.qmp("cont")
            time.sleep(chance.uniform(0, LONGEST) if points else 0)
            vm.qmp("stop")
            in_firmware += not vm.serial
            job(vm, "snapshot-save", tag="point", vmstate="store", devices=["store"])
            vm.qmp("cont")
            time.sleep(chance.uniform(0, LONGEST / 4))
            vm.qmp("stop")
            job(vm, "snapshot-load", tag="point", vmstate="store", devices=["store"])
            job(vm, "snapshot-delete", tag="point", devices=["store"])
            points += 1
        vm.check(in_firmware, "no point lay in the firmware")
        vm.qmp("cont")
        status = vm.wait_exit(SECONDS)
        lines = vm.serial.decode("latin-1").splitlines()
        failed = [line for line in lines if re.match("FAIL ", line)]
        vm.check(not failed, "\n".join(failed))
        vm.check(status == STATUS_PASS and lines[-1].startswith("PASS "),
                 f"no PASS after {points} points; QEMU's status is {status}")
        vm.check(not silent or not vm.debug_output(), "the firmware spoke")
