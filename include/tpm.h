/*
 * tpm.h - starts the TPM, if the machine has one.
 *
 * A reset leaves a TPM waiting for one command: Startup, which the TCG's PC Client Platform
 * Firmware Profile leaves to the firmware.  Until then it refuses all others.  After a sleep (S3)
 * nobody but the firmware can send it, for only the first command may restore the PCRs.
 *
 * Nothing is measured: the PCRs are those of a fresh TPM, the event log is empty, and the platform
 * hierarchy stays open, as under every firmware that takes no part in a measured boot.
 */
#ifndef TPM_H
#define TPM_H

#include "fw_cfg.h"

enum tpm_startup {
	TPM_STARTUP_CLEAR, /* the machine boots: PCRs are reset */
	TPM_STARTUP_STATE, /* it wakes from S3: PCRs are what the operating system saved */
};

/*
 * Sends TPM2_Startup, or TPM_Startup to a TPM 1.2, and waits for the answer; a TPM that the
 * emulator has started already is fine.  QEMU describes a TPM to the operating system by ACPI
 * alone, with a file etc/tpm/log; where that is missing or empty nothing is done.
 *
 * The boot goes on whatever happens.  A TPM that refuses, or that does not take one of the steps of
 * the exchange within two seconds, gives one line on the debug console.
 *
 * The ACPI PM timer must run: after chipset_init().
 * Cost: no VM exit without a TPM; with one 32 for TIS and 9 for CRB, and 2 for each look at a TPM
 * that is not ready yet.
 */
void tpm_start(const struct fw_cfg *cfg, enum tpm_startup startup);

#endif
