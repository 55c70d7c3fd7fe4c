/*
 * checksum.c - see checksum.h.
 */
#include "checksum.h"

uint8_t checksum_sum(const void *data, uint32_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum += bytes[i];
	return (uint8_t)sum;
}
