#!/bin/sh
# The boot tests under Debian 13's QEMU, as `make check-qemu10` runs them.
#
#   tests/check_qemu10.sh [PYTEST ARGUMENT...]
#
# Contract: status 0 when all rows pass, or when that QEMU cannot be had here: then it says SKIP and
# why.  The image is built and the kernels are there.
set -eu

directory=$(sh scripts/qemu10.sh) || {
	echo "$directory"
	exit 0
}
exec /usr/bin/python3 -m pytest -q -c tests/pytest.ini -n 2 \
	--qemu="$directory/qemu-system-x86_64" "$@" tests/boot
