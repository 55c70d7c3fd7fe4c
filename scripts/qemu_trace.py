"""The time in front of a line of QEMU's trace (`-msg timestamp=on`), in each form it has.

    up to QEMU 10     71@1764115783.025877:fw_cfg_select ...      (process id, seconds since 1970)
    from QEMU 11      2025-11-26T00:09:43.025877Z fw_cfg_select ...

Contract: STAMP is a regular expression that matches both, to stand at the beginning of another one;
seconds(match) is the time that it found, in seconds since 1970.
(QEMU: scripts/tracetool/backend/log.py, util/error-report.c.)
"""

import calendar
import time

STAMP = (r"(?:\d+@(?P<epoch>\d+\.\d+):|"
         r"(?P<date>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<fraction>\.\d+)Z )")


def seconds(match):
    """The time of a line that an expression with STAMP matched."""
    if match["epoch"]:
        return float(match["epoch"])
    date = time.strptime(match["date"], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(date) + float(match["fraction"])
