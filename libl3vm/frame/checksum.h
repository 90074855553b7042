/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checksum.h - the internet checksum (RFC 1071) and the IPv6 pseudo header */
#ifndef L3VM_FRAME_CHECKSUM_H
#define L3VM_FRAME_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Ones' complement sum of 16-bit words on top of @sum; not yet inverted. */
uint32_t l3vm_checksum_add(uint32_t sum, const void *bytes, size_t size);
/* Folded and inverted, host byte order. */
uint16_t l3vm_checksum_finish(uint32_t sum);
/* Of an upper-layer packet over IPv6 (RFC 8200 8.1); addresses of 16 bytes. */
uint16_t l3vm_checksum_ipv6(const uint8_t *source, const uint8_t *destination,
			    uint8_t next_header, const void *packet, size_t size);

#endif
