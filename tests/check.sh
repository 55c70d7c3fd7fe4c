#!/bin/sh
# All tests that need no more than minutes, as `make check` runs them; the image is built.
#
# Contract: runs every group even if one fails; the last lines say "N passed, N failed" for each
# group; status 0 only if nothing failed.  Kernels are downloaded while the unit tests run.
set -u

python3 scripts/kernels.py cloud generic i386 >/dev/null &
kernels=$!

status=0
python3 scripts/lint.py || status=1
make --no-print-directory unit || status=1

wait "$kernels" || {
	echo "check.sh: the kernels for the boot tests could not be downloaded"
	status=1
}
/usr/bin/python3 -m pytest -q -c tests/pytest.ini -n 2 tests || status=1
exit $status
