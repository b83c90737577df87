/* SPDX-License-Identifier: BSD-2-Clause */
/* Explicit congestion notification through tunnels (RFC 6040). Going in, normal mode: the outer field
 * is the inner one. Coming out, section 4.2:
 *
 *              outer  Not-ECT   ECT(0)    ECT(1)    CE
 *   inner Not-ECT     Not-ECT   Not-ECT   Not-ECT   drop
 *         ECT(0)      ECT(0)    ECT(0)    ECT(1)    CE
 *         ECT(1)      ECT(1)    ECT(1)    ECT(1)    CE
 *         CE          CE        CE        CE        CE
 */
#pragma once

#include "checksum.h"

#define FA_ECN_MASK 0x03u
#define FA_ECN_NOT_ECT 0u
#define FA_ECN_ECT_1 1u
#define FA_ECN_ECT_0 2u
#define FA_ECN_CE 3u

#define FA_ECN_DROP 0xffu

/* The field that the inner packet leaves the tunnel with, or FA_ECN_DROP. */
static __always_inline __u32 fa_ecn_out_of_tunnel(__u32 outer, __u32 inner)
{
	/* As it went in: the field was copied, and nobody marked it. */
	if (FA_LIKELY(outer == inner))
		return inner;
	if (outer == FA_ECN_CE)
		return inner == FA_ECN_NOT_ECT ? FA_ECN_DROP : FA_ECN_CE;
	if (outer == FA_ECN_ECT_1 && inner == FA_ECN_ECT_0)
		return FA_ECN_ECT_1;
	return inner;
}

/* Writes the ECN field of the IPv4 or IPv6 header, whose first 20 bytes are known to be there. */
static __always_inline void fa_ecn_write(void *header, __u8 version, __u8 class, __u32 ecn)
{
	__u8 changed = (__u8)((class & ~FA_ECN_MASK) | ecn);

	if (version == 4) {
		__u8 *tos = header + 1;
		__u16 checksum = fa_load16(header + 10);

		/* Words as loaded: the TOS is the upper byte of the first. */
		fa_store16(header + 10, fa_checksum_replace(checksum, (__u16)(class << 8), (__u16)(changed << 8)));
		*tos = changed;
	} else {
		__u8 *second = header + 1;

		*second = (__u8)((*second & 0x0f) | changed << 4);
	}
}
