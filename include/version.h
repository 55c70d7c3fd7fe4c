/*
 * version.h - what this image says it is: in SMBIOS type 0, to `strings`, and as the first step
 * with opt/org.qboot/log=steps.  It is the newest version of CHANGELOG.md, which a test checks.
 *
 * Constants of the source, never of the build: two builds of one commit are byte-identical.
 */
#ifndef VERSION_H
#define VERSION_H

#define QBOOT_VERSION "1.1"

#endif
