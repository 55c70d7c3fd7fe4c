/*
 * version.h - what this image says it is, in SMBIOS type 0.  Constants of the source, never of the
 * build: two builds of one commit are byte-identical.
 */
#ifndef VERSION_H
#define VERSION_H

#define QBOOT_VERSION "1.0"

#endif
