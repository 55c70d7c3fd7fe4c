/*
 * tpm.c - see tpm.h.
 *
 * One driver for the two interfaces that QEMU has (hw/tpm/tpm_tis_common.c, hw/tpm/tpm_crb.c): TIS,
 * a FIFO of one byte, and CRB, a buffer in memory.  Both are at one address, and TCG's "PC Client
 * Platform TPM Profile for TPM 2.0" (PTP), "Interface Identifier", says which is there.
 */
#include "tpm.h"

#include "console.h"
#include "endian.h"
#include "io.h"
#include "layout.h"
#include "string.h"

#define LOG_FILE "etc/tpm/log"

/* clang-format off */
#define TPM_BASE                0xfed40000u     /* locality 0 */

#define INTERFACE_ID            (TPM_BASE + 0x30)       /* u32, read only */
  #define INTERFACE_TYPE          0xfu
  #define INTERFACE_CRB           0x1u
  #define INTERFACE_TIS13         0xfu                  /* QEMU's TPM 1.2 has no other */

/* TIS: TCG "PC Client Specific TPM Interface Specification", and PTP, "FIFO Interface". */
#define TIS_ACCESS              (TPM_BASE + 0x00)       /* u8 */
  #define TIS_REQUEST_USE         (1u << 1)
  #define TIS_ACTIVE_LOCALITY     (1u << 5)             /* written to give the locality up */
#define TIS_STS                 (TPM_BASE + 0x18)       /* u32; the lowest byte is written */
  #define TIS_EXPECT              (1u << 3)
  #define TIS_DATA_AVAILABLE      (1u << 4)
  #define TIS_GO                  (1u << 5)
  #define TIS_COMMAND_READY       (1u << 6)
  #define TIS_VALID               (1u << 7)
#define TIS_FIFO                (TPM_BASE + 0x24)       /* u8 */

/* CRB: PTP, "CRB Interface".  All u32. */
#define CRB_LOC_CTRL            (TPM_BASE + 0x08)
  #define CRB_REQUEST_ACCESS      (1u << 0)
  #define CRB_RELINQUISH          (1u << 1)
#define CRB_LOC_STS             (TPM_BASE + 0x0c)
  #define CRB_GRANTED             (1u << 0)
#define CRB_CTRL_REQ            (TPM_BASE + 0x40)
  #define CRB_COMMAND_READY       (1u << 0)
  #define CRB_GO_IDLE             (1u << 1)
#define CRB_CTRL_STS            (TPM_BASE + 0x44)
  #define CRB_IDLE                (1u << 1)
#define CRB_CTRL_START          (TPM_BASE + 0x4c)
  #define CRB_INVOKE              (1u << 0)
#define CRB_BUFFER              (TPM_BASE + 0x80)       /* where QEMU's CTRL_CMD_ADDR leads */
/* clang-format on */

#define PATIENCE_SECONDS 2 /* TIMEOUT_B, the longest time-out of the interfaces */

/* TCG "TPM 2.0 Part 3", TPM2_Startup; "TPM Main Part 3 Commands" (1.2), TPM_Startup. */
struct command {
	be16 tag;
	be32 size;
	be32 code;
	be16 startup_type;
} __attribute__((packed));
_Static_assert(sizeof(struct command) == 12, "TPM2_Startup");

/* What every answer begins with. */
struct answer {
	be16 tag;
	be32 size;
	be32 code;
} __attribute__((packed));
_Static_assert(sizeof(struct answer) == 10, "TPM response header");

struct family {
	const char *name;
	uint16_t tag;
	uint32_t command_code;
	uint16_t types[2]; /* by enum tpm_startup */
	uint32_t already_started;
};

static const struct family tpm12 = {
	.name = "TPM_Startup",
	.tag = 0x00c1,         /* TPM_TAG_RQU_COMMAND */
	.command_code = 0x99,  /* TPM_ORD_Startup */
	.types = { 1, 2 },     /* TPM_ST_CLEAR, TPM_ST_STATE */
	.already_started = 38, /* TPM_INVALID_POSTINIT */
};

static const struct family tpm20 = {
	.name = "TPM2_Startup",
	.tag = 0x8001,            /* TPM_ST_NO_SESSIONS */
	.command_code = 0x144,    /* TPM_CC_Startup */
	.types = { 0, 1 },        /* TPM_SU_CLEAR, TPM_SU_STATE */
	.already_started = 0x100, /* TPM_RC_INITIALIZE */
};

/* Waits until the bits of mask in a register have a value; false when they have not in time. */
static bool wait_for(uint32_t paddr, uint32_t mask, uint32_t value)
{
	uint32_t start = 0;

	for (bool first = true; (mmio_read32(paddr) & mask) != value; first = false) {
		uint32_t now = inl(PM_TIMER_PORT);

		if (now > PM_TIMER_MASK)
			return false; /* there is no timer */
		if (first)
			start = now;
		if (((now - start) & PM_TIMER_MASK) > PATIENCE_SECONDS * PM_TIMER_HZ)
			return false;
	}
	return true;
}
_Static_assert(PATIENCE_SECONDS *PM_TIMER_HZ < PM_TIMER_MASK, "the timer does not wrap");

/*
 * Each sends a struct command and fetches a struct answer.  It returns NULL, or what the TPM did
 * not do in time.
 */
static const char *execute_tis(const uint8_t *command, uint8_t *answer)
{
	mmio_write8(TIS_ACCESS, TIS_REQUEST_USE);
	if (!wait_for(TIS_ACCESS, TIS_ACTIVE_LOCALITY, TIS_ACTIVE_LOCALITY))
		return "grant locality 0";
	mmio_write8(TIS_STS, TIS_COMMAND_READY);
	if (!wait_for(TIS_STS, TIS_COMMAND_READY, TIS_COMMAND_READY))
		return "become ready for a command";
	for (uint32_t i = 0; i < sizeof(struct command); i++)
		mmio_write8(TIS_FIFO, command[i]);
	if (!wait_for(TIS_STS, TIS_VALID | TIS_EXPECT, TIS_VALID))
		return "take the command";
	mmio_write8(TIS_STS, TIS_GO);
	if (!wait_for(TIS_STS, TIS_VALID | TIS_DATA_AVAILABLE, TIS_VALID | TIS_DATA_AVAILABLE))
		return "answer the command";
	for (uint32_t i = 0; i < sizeof(struct answer); i++)
		answer[i] = mmio_read8(TIS_FIFO);
	mmio_write8(TIS_STS, TIS_COMMAND_READY); /* drops what else the answer has */
	mmio_write8(TIS_ACCESS, TIS_ACTIVE_LOCALITY);
	return NULL;
}

static const char *execute_crb(const uint8_t *command, uint8_t *answer)
{
	mmio_write32(CRB_LOC_CTRL, CRB_REQUEST_ACCESS);
	if (!wait_for(CRB_LOC_STS, CRB_GRANTED, CRB_GRANTED))
		return "grant locality 0";
	mmio_write32(CRB_CTRL_REQ, CRB_COMMAND_READY);
	if (!wait_for(CRB_CTRL_STS, CRB_IDLE, 0))
		return "become ready for a command";
	for (uint32_t i = 0; i < sizeof(struct command); i++)
		mmio_write8(CRB_BUFFER + i, command[i]);
	mmio_write32(CRB_CTRL_START, CRB_INVOKE);
	if (!wait_for(CRB_CTRL_START, CRB_INVOKE, 0))
		return "answer the command";
	for (uint32_t i = 0; i < sizeof(struct answer); i++)
		answer[i] = mmio_read8(CRB_BUFFER + i);
	mmio_write32(CRB_CTRL_REQ, CRB_GO_IDLE);
	mmio_write32(CRB_LOC_CTRL, CRB_RELINQUISH);
	return NULL;
}

void tpm_start(const struct fw_cfg *cfg, enum tpm_startup startup)
{
	struct fw_cfg_item item;
	uint8_t sent[sizeof(struct command)];
	struct answer answer;
	const char *failed;
	uint32_t interface, code;

	if (!fw_cfg_find(cfg, LOG_FILE, &item) || !item.size)
		return;
	interface = mmio_read32(INTERFACE_ID) & INTERFACE_TYPE;
	const struct family *family = interface == INTERFACE_TIS13 ? &tpm12 : &tpm20;
	const struct command command = {
		.tag = be16_make(family->tag),
		.size = be32_make(sizeof(command)),
		.code = be32_make(family->command_code),
		.startup_type = be16_make(family->types[startup]),
	};

	memcpy(sent, &command, sizeof(sent));
	failed = interface == INTERFACE_CRB ? execute_crb(sent, (uint8_t *)&answer) :
					      execute_tis(sent, (uint8_t *)&answer);
	if (failed) {
		console_log(
			"tpm: the TPM does not %s within %u s, so it has not been started; look at the "
			"program behind -tpmdev",
			failed, PATIENCE_SECONDS);
		return;
	}
	code = be32_get(answer.code);
	if (code && code != family->already_started)
		console_log(
			"tpm: the TPM refuses %s(%s) with code 0x%x, so it has not been started%s",
			family->name, startup == TPM_STARTUP_STATE ? "STATE" : "CLEAR", code,
			startup == TPM_STARTUP_STATE ?
				"; the operating system went to sleep without saving its state" :
				"; look at the program behind -tpmdev");
}
