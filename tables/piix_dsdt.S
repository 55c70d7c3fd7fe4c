/* piix_dsdt.S - piix.dsl, compiled, as bytes in the ROM. */
	.section .rodata, "a"
	.globl piix_dsdt, piix_dsdt_end
piix_dsdt:
	.incbin "piix.aml"
piix_dsdt_end:

	.section .note.GNU-stack, "", @progbits
