#!/bin/sh
# Succeeds when 32-bit unit tests can be built with the compiler $1; else says why not.
if ! [ -x scripts/cmocka32.sh ]; then
	echo "scripts/cmocka32.sh is not there"
	exit 1
fi
if ! echo 'int main(void) { return 0; }' | $1 -m32 -fsanitize=address,undefined -x c -o /dev/null - 2>/dev/null; then
	echo "$1 -m32 with sanitizers does not link; install gcc-multilib"
	exit 1
fi
if ! scripts/cmocka32.sh >/dev/null 2>&1; then
	echo "scripts/cmocka32.sh fails; run it to see why"
	exit 1
fi
