#!/bin/sh
# Prints a directory with CMocka for 32-bit programs: include/cmocka.h and lib/libcmocka.so*.
#
#   dir=$(scripts/cmocka32.sh)
#   gcc -m32 -I$dir/include test.c -L$dir/lib -Wl,-rpath,$dir/lib -lcmocka
#
# Contract: Debian's i386 package, fetched once into the cache without adding i386 to dpkg's
# architectures and without root; later runs need no network.  gcc -m32 itself is gcc-multilib's.
set -eu

here=$(dirname "$0")
cache=$("${PYTHON:-python3}" "$here/debian.py" cache)
directory=$cache/cmocka32

if [ ! -d "$directory" ]; then
	fresh=$(mktemp -d "$cache/.cmocka32.XXXXXX")
	trap 'rm -rf "$fresh"' EXIT
	"${PYTHON:-python3}" "$here/debian.py" unpack i386 "$fresh/raw" libcmocka-dev libcmocka0
	mkdir "$fresh/lib"
	mv "$fresh/raw/usr/include" "$fresh/include"
	mv "$fresh"/raw/usr/lib/i386-linux-gnu/libcmocka.so* "$fresh/lib/"
	rm -rf "$fresh/raw"
	chmod 755 "$fresh"
	# Another run may have been faster; then its directory serves.
	mv -T "$fresh" "$directory" 2>/dev/null || [ -d "$directory" ]
fi
echo "$directory"
