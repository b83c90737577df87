/* SPDX-License-Identifier: BSD-2-Clause */
/* What both sides of the boundary share: one set of structs, compiled into the BPF programs and
 * imported by Swift. Padding is explicit. A `be` in a type or a name means network byte order,
 * everything else is in the byte order of the machine. */
#pragma once

#include <linux/types.h>

/* Raised whenever a struct, a map or a meaning in these headers changes; kept in fa_config.abi. */
#define FA_ABI_VERSION 7

#define FA_STATIC_ASSERT(condition, text) _Static_assert(condition, text)

/* An address in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
struct fa_address {
	union {
		__u8 bytes[16];
		__be32 words_be[4];
		__u64 halves_be[2];
	};
};

/* The upper half of every v4-mapped address, and the first word of the lower one, as loaded. */
#define FA_V4_MAPPED_WORD_BE 0xffff0000u /* bytes 00 00 ff ff on a little-endian machine */

FA_STATIC_ASSERT(sizeof(struct fa_address) == 16, "an address is 16 bytes");
