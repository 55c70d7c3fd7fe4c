"""Asserts the exit budget, a test for each row and way to count; see budget.py.

    /usr/bin/python3 -m pytest tests/bench/budget_test.py [--firmware FILE]     or FIRMWARE=FILE
"""

import os
from pathlib import Path

import pytest

import budget
import qemu


@pytest.fixture(scope="module", name="counter")
def fixture_counter(pytestconfig):
    """Counts with the firmware under test."""
    firmware = Path(pytestconfig.getoption("--firmware", default=None) or
                    os.environ.get("FIRMWARE") or qemu.FIRMWARE)
    if not firmware.is_file():
        pytest.fail(f"no firmware {firmware}; 'make' builds it")
    try:
        qemu.version()
    except qemu.Error as error:
        pytest.skip(str(error))
    with budget.Counter(firmware) as counter:
        yield counter


@pytest.mark.parametrize("way", ("kvm", "tcg"))
@pytest.mark.parametrize("row", budget.ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_within_budget(counter, row, way):
    """No cause, no total is over its ceiling."""
    if way not in counter.ways():
        pytest.skip("KVM does not run guests here")
    over = list(budget.excess(budget.load(), way, row, counter.measure(way, row)))
    assert not over, "\n".join(over)
