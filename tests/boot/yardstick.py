"""How slow this host is now, so that a bound in seconds means the same on a busy or a small one.

Contract: slowness() does a fixed amount of work and tells how many times as long it took as on an
idle core of a server of 2020: 1 at least, LIMIT at most.  Patience is a bound made of seconds of
such a host: when it is over, the yardstick is laid on, and the bound grows if the host is slower.
"""

import hashlib
import time

LIMIT = 15
ROUNDS = 3
REFERENCE_SECONDS = 0.05        # a round on that host
BLOCK = bytes(1 << 20)


def _round():
    begin = time.monotonic()
    for _ in range(64):
        hashlib.sha1(BLOCK).digest()
    return time.monotonic() - begin


def slowness():
    """See above.  The slowest of some rounds: a guest has more threads than this one."""
    return min(LIMIT, max(1, max(_round() for _ in range(ROUNDS)) / REFERENCE_SECONDS))


class Patience:
    """SECONDS of the yardstick's host, from now on."""

    def __init__(self, seconds, measure=slowness, clock=time.monotonic):
        self.seconds = self.limit = seconds
        self.measure, self.clock = measure, clock
        self.start = clock()

    def left(self):
        """Seconds of this host that are left; 0 or less when it is over for good."""
        left = self.start + self.limit - self.clock()
        if left <= 0:
            self.limit = max(self.limit, self.seconds * self.measure())
            left = self.start + self.limit - self.clock()
        return left

    def __str__(self):
        if self.limit == self.seconds:
            return f"{self.seconds} s"
        return (f"{self.limit:.0f} s ({self.seconds} s, on a host that is now "
                f"{self.limit / self.seconds:.1f} times as slow as an idle one)")
