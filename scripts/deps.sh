#!/bin/sh
# Installs the Debian packages that a group of make targets needs.
#
#   scripts/deps.sh GROUP...      GROUP: build run check lint bench
#
# Contract: silent and quick when all are there.  Otherwise says which are missing and installs them
# with apt-get, through sudo when not root, without recommended packages and without questions; the
# package lists are fetched only if apt knows no such package.  A line every few seconds tells how
# far it is; all that apt said is shown when it failed.  Who is neither root nor has sudo gets the one
# command to hand to somebody who is.  Without apt-get it names what is missing and fails: install
# it your system's way.  QBOOT_DEPS=no checks and never installs.
set -eu

# Packages of a group; a test needs what a build and a run need.
packages_of() {
	case $1 in
	build) echo gcc libc6-dev make binutils python3 acpica-tools ;;
	run) echo qemu-system-x86 xz-utils lz4 zstd bzip2 ;;
	lint) echo "$(packages_of build)" clang-format clang-tidy cppcheck flake8 python3-autopep8 \
		shellcheck ;;
	check) echo "$(packages_of run) $(packages_of lint)" gcc-multilib clang libcmocka-dev mandoc \
		python3-pytest python3-pytest-xdist swtpm tpm2-tools ;;
	bench) echo "$(packages_of build) $(packages_of run)" python3-matplotlib ;;
	*)
		echo "deps.sh: no group '$1'; groups are build, run, check, lint, bench" >&2
		exit 2
		;;
	esac
}

# What stands for a package on a system without dpkg.
file_of() {
	case $1 in
	libc6-dev) echo /usr/include/stdio.h ;;
	gcc-multilib) echo /usr/include/gnu/stubs-32.h ;;
	libcmocka-dev) echo /usr/include/cmocka.h ;;
	*) return 1 ;;
	esac
}

program_of() {
	case $1 in
	binutils) echo ld ;;
	qemu-system-x86) echo qemu-system-x86_64 ;;
	xz-utils) echo xz ;;
	python3-autopep8) echo autopep8 ;;
	python3-pytest) echo pytest-3 pytest ;;
	python3-pytest-xdist | python3-matplotlib) ;; # no program; who needs it says so itself
	acpica-tools) echo iasl ;;
	tpm2-tools) echo tpm2_pcrread ;;
	*) echo "$1" ;;
	esac
}

there_without_dpkg() {
	if file=$(file_of "$1"); then
		[ -e "$file" ]
		return
	fi
	programs=$(program_of "$1")
	[ -n "$programs" ] || return 0
	for program in $programs; do
		command -v "$program" >/dev/null 2>&1 && return 0
	done
	return 1
}

missing_of() {
	if command -v dpkg-query >/dev/null 2>&1; then
		# One question for all: what is installed, without the architecture's name.
		installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
			sed -n 's/^installed //p' || true)
		for package; do
			echo "$installed" | grep -qxF "$package" || echo "$package"
		done
	else
		for package; do
			there_without_dpkg "$package" || echo "$package"
		done
	fi
}

[ $# -gt 0 ] || set -- build
wanted=
for group; do
	wanted="$wanted $(packages_of "$group")" || exit
done
# shellcheck disable=SC2086
wanted=$(printf '%s\n' $wanted | sort -u)
# shellcheck disable=SC2086
missing=$(missing_of $wanted | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

command="apt-get install -y --no-install-recommends $missing"
if [ "${QBOOT_DEPS:-}" = no ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: missing: $missing (Debian's package names); install them and try again" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1; then
	sudo=sudo
else
	echo "deps.sh: programs are missing, and you are neither root nor have sudo.  Ask root to run:" >&2
	echo "    $command" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs apt-get with the arguments given; its words go into the log.
apt() {
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 "$@" </dev/null >>"$log" 2>&1
}

# Reports every few seconds what the log has come to, until the process $1 is gone.
report() {
	ticks=0
	while sleep 1 && kill -0 "$1" 2>/dev/null; do
		ticks=$((ticks + 1))
		[ $((ticks % 5)) = 0 ] || continue
		awk '/newly installed/ { total = $3 } /^Get:/ { fetched++ } /^Unpacking / { unpacked++ }
			/^Setting up / { ready++ }
			END { if (total) printf "  of %d packages %d are fetched, %d unpacked, %d ready\n",
				total, fetched, unpacked, ready }' "$log" >&2
	done
}

install() {
	# shellcheck disable=SC2086
	apt install -y --no-install-recommends $missing &
	installing=$!
	report $installing
	wait $installing
}

echo "installing: $missing" >&2
# shellcheck disable=SC2086
if ! apt-cache show --no-all-versions $missing >/dev/null 2>&1; then
	echo "  fetching the lists of packages" >&2
	apt update || true
fi
# A package list that is too old names files that are gone: fetch it once more, then give up.
install || { apt update && : >"$log" && install; } || {
	cat "$log" >&2
	echo "deps.sh: this failed: $command" >&2
	exit 1
}
