/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checksum.c - the internet checksum, written for clarity: our packets are tiny */
#include "frame/checksum.h"

/* Carries go back into the sum (RFC 1071 2.1: end-around carry). */
static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

uint32_t l3vm_checksum_add(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t total = sum;
	size_t i;

	/*
	 * 64 bits hold the sum of 2^48 words, so one fold at the end is enough.
	 * Bytes are put together by hand: the buffer may have any alignment.
	 */
	for (i = 0; i + 1 < size; i += 2)
		total += (uint32_t)at[i] << 8 | at[i + 1];
	/* RFC 1071 1: an odd last byte is padded with a zero on its right. */
	if (i < size)
		total += (uint32_t)at[i] << 8;
	return fold(total);
}

uint16_t l3vm_checksum_finish(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

uint16_t l3vm_checksum_ipv6(const uint8_t *source, const uint8_t *destination,
			    uint8_t next_header, const void *packet, size_t size)
{
	/* RFC 8200 8.1: a 32-bit length, three zeros, then the next header. */
	const uint8_t trailer[8] = {
		(uint8_t)(size >> 24),
		(uint8_t)(size >> 16),
		(uint8_t)(size >> 8),
		(uint8_t)size,
		0,
		0,
		0,
		next_header,
	};
	uint32_t sum = l3vm_checksum_add(0, source, 16);

	sum = l3vm_checksum_add(sum, destination, 16);
	sum = l3vm_checksum_add(sum, trailer, sizeof(trailer));
	return l3vm_checksum_finish(l3vm_checksum_add(sum, packet, size));
}
