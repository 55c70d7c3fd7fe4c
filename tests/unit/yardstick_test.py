"""Bounds of the boot tests grow with what the yardstick says, and only then."""

import yardstick


def patience(seconds, factors):
    """A Patience on a clock of its own, and the clock: [now]."""
    now, left = [0.0], list(factors)
    return yardstick.Patience(seconds, lambda: left.pop(0), lambda: now[0]), now


def test_an_idle_host():
    """The bound is what was said."""
    bound, now = patience(60, [1])
    now[0] = 59
    assert bound.left() == 1
    now[0] = 60
    assert bound.left() <= 0
    assert str(bound) == "60 s"


def test_a_busy_host():
    """It grows as often as it is slower than before, and says so."""
    bound, now = patience(60, [3, 3])
    now[0] = 61
    assert bound.left() == 180 - 61
    now[0] = 181
    assert bound.left() <= 0
    assert str(bound) == "180 s (60 s, on a host that is now 3.0 times as slow as an idle one)"


def test_a_host_that_is_busy_no_more():
    """What was granted stays."""
    bound, now = patience(10, [2, 1])
    now[0] = 10
    assert bound.left() == 10
    now[0] = 20
    assert bound.left() <= 0
    assert bound.limit == 20


def test_the_yardstick():
    """Between its limits on any host."""
    assert 1 <= yardstick.slowness() <= yardstick.LIMIT
