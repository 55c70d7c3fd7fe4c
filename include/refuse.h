/*
 * refuse.h - says what a file is that is no kernel, to whoever gave it to QEMU.
 *
 * Pure.  It is called when every protocol has declined the file.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include <stdint.h>

#define REFUSE_HEAD_SIZE 0x210 /* bytes that are looked at */

/*
 * A phrase that completes "the file given with -kernel ..." and ends with what to do; NULL when
 * nothing is recognized.  The file is known by its first bytes, REFUSE_HEAD_SIZE of which head has:
 * the signatures are those of RFC 1952 (gzip), the .xz file format, RFC 8878 (zstd), bzip2, the LZ4
 * frame format, Linux's Documentation/arch/arm64/booting.rst and arch/riscv/boot-image-header.rst,
 * QEMU's docs/interop/qcow2.txt, the UEFI specification's "GPT Header", and a PC's boot sector.
 */
const char *refuse_phrase(const uint8_t *head);

#endif
