#!/bin/sh
# /init of tpm_test.py, over the one of scripts/initramfs.py: extends PCR 12 (IMA has 10), reads it, sleeps three
# times (S3) and reads it after each.  Prints "QB KEY VALUE" lines, last "QB done":
#
#   tpm VERSION         what the kernel says of the TPM: 1 or 2
#   pcr N VALUE         PCR 12 after N sleeps; "fresh" for N: before it was extended
#   sleep N, awake N    as cpu-init.sh
#   log LINE            what the kernel says of the TPM
. /setup
dmesg -n 1
export TPM2TOOLS_TCTI=device:/dev/tpm0

fact() {
	echo "QB $*"
}

pcr() {
	if [ "$version" = 2 ]; then
		tpm2_pcrread sha256:12 | sed -n 's/.*0x//p'
	else
		cat /sys/class/tpm/tpm0/pcr-sha1/12
	fi
}

extend() {
	if [ "$version" = 2 ]; then
		tpm2_pcrextend 12:sha256="$(printf 'ab%.0s' $(seq 32))"
	else
		# TPM_Extend of a TPM 1.2: tag, size, ordinal, number of the PCR, a hash of 20 bytes.
		exec 3<>/dev/tpm0
		printf '\000\301\000\000\000\042\000\000\000\024\000\000\000\014%s' \
			abcdefghijabcdefghij >&3
		dd bs=64 count=1 <&3 >/dev/null 2>&1
		exec 3>&-
	fi
}

fact begin
version=$(cat /sys/class/tpm/tpm0/tpm_version_major)
fact tpm "$version"
fact pcr fresh "$(pcr)"
extend
fact pcr 0 "$(pcr)"
for i in 1 2 3; do
	fact sleep $i
	echo mem >/sys/power/state || fact error "no sleep"
	fact awake $i
	fact pcr $i "$(pcr)"
done
dmesg | sed 's/^\[[^]]*\] //' | grep -iE '^tpm|: tpm' | sed 's/^/QB log /'
fact "done"
sleep 1000
