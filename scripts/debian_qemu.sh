#!/bin/sh
# A newer QEMU beside the host's, without installing it.
#
#   dir=$(scripts/debian_qemu.sh 10)          Debian 13's, 10.0
#   dir=$(scripts/debian_qemu.sh 11)          Debian unstable's, 11.1 or what is there when it is fetched
#   $dir/qemu-system-x86_64 ...       $dir/qemu-system-i386 ...
#
# Contract: prints a directory with wrappers of these names.  They run that release's programs with
# their own loader and libraries but in no chroot, so every file of the host is at its usual place.
# Fetched once into the cache, from the archive that the host's apt uses, without root; later runs need
# no network, and removing the directory fetches a newer one.  Prints "SKIP why" and ends with 77 where
# that cannot work.
set -eu

case ${1:-} in
10) suite=trixie ;;
11) suite=unstable ;;
*)
	echo "usage: debian_qemu.sh 10|11" >&2
	exit 2
	;;
esac
python=${PYTHON:-python3}
here=$(dirname "$0")

skip() {
	echo "SKIP $*"
	exit 77
}

# A wrapper in $1 for the program $2 of the tree that will be in $3.
write_wrapper() {
	libraries=$3/usr/lib/x86_64-linux-gnu
	cat >"$1/$2" <<-END
		#!/bin/sh
		QEMU_MODULE_DIR="$libraries/qemu" exec "$3/usr/lib64/ld-linux-x86-64.so.2" --argv0 "\$0" \\
			--library-path "$libraries:$libraries/pulseaudio" "$3/usr/bin/$2" \\
			-L "$3/usr/share/qemu" -L "$3/usr/share/seabios" -L "$3/usr/lib/ipxe/qemu" "\$@"
	END
	chmod 755 "$1/$2"
}

[ "$(uname -m)" = x86_64 ] || skip "the wrappers are for x86_64 hosts"
command -v apt-get >/dev/null 2>&1 || skip "no apt-get"
cache=$("$python" "$here/debian.py" cache)
directory=$cache/qemu$1

if [ ! -d "$directory" ]; then
	fresh=$(mktemp -d "$cache/.qemu$1.XXXXXX")
	trap 'rm -rf "$fresh"' EXIT
	chmod 755 "$fresh"
	"$python" "$here/debian.py" unpack-all $suite "$fresh/tree" qemu-system-x86 ||
		skip "Debian $suite cannot be fetched"
	rm -rf "$fresh"/tree/usr/share/doc "$fresh"/tree/usr/share/locale "$fresh"/tree/usr/share/man
	# Before they are moved into place the wrappers have the names of their final place.
	write_wrapper "$fresh" qemu-system-x86_64 "$directory/tree"
	write_wrapper "$fresh" qemu-system-i386 "$directory/tree"
	# Another run may have been faster; then its directory serves.
	mv -T "$fresh" "$directory" 2>/dev/null || [ -d "$directory" ]
fi
"$directory/qemu-system-x86_64" --version >/dev/null 2>&1 ||
	skip "$directory/qemu-system-x86_64 does not run here; remove $directory to try again"
echo "$directory"
