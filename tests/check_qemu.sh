#!/bin/sh
# The boot tests and the budget under a newer QEMU, as `make check-qemu10` and `make check-qemu11` run them.
#
#   tests/check_qemu.sh 10|11 [PYTEST ARGUMENT...]
#
# Contract: status 0 when all rows pass, or when that QEMU cannot be had here: then it says SKIP and
# why.  The image is built and the kernels are there.
set -eu

version=$1
shift
directory=$(sh scripts/debian_qemu.sh "$version") || {
	echo "$directory"
	exit 0
}
export QEMU="$directory/qemu-system-x86_64"
exec /usr/bin/python3 -m pytest -q -c tests/pytest.ini -n 2 "$@" tests/boot tests/bench
