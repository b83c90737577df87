/* SPDX-License-Identifier: BSD-2-Clause */
/* Outer headers: IPv4 or IPv6, and GRE with a key (RFC 2890) behind it. Room for them has been made. */
#pragma once

#include "checksum.h"
#include "ecn.h"
#include "path.h"

#define FA_GRE_BYTES 8u /* with a key */
#define FA_GRE_SEQUENCE_BYTES 4u
#define FA_GRE_KEY_BE 0x0020u /* flags as loaded: key present */
#define FA_GRE_SEQUENCE_BE 0x0010u

/* The class of an outer header: the inner one's or the path's own DSCP, and the inner one's ECN (RFC 6040). */
static __always_inline __u8 fa_outer_class(__u16 path_flags, __u8 path_dscp, __u8 inner_class)
{
	__u8 dscp = path_flags & FA_PATH_COPY_DSCP ? inner_class : path_dscp;

	return (__u8)((dscp & ~FA_ECN_MASK) | (inner_class & FA_ECN_MASK));
}

/* What an outer header is made of. */
struct fa_outer_header {
	__u64 source[2];
	__u64 destination[2];
	__u32 length; /* bytes behind it */
	__u16 checksum; /* IPv4: fa_path_copy's */
	__u8 protocol; /* number of what is directly behind it */
	__u8 class;
	__u8 ttl;
};

/* RFC 2003. Don't fragment is set, so the identification may be 0 (RFC 6864, section 4.1). */
static __always_inline void fa_write_outer_ipv4(void *at, const struct fa_outer_header *outer)
{
	__be32 destination = fa_v4_address(outer->destination[1]);
	__u16 length_be = __builtin_bswap16((__u16)(outer->length + FA_IPV4_BYTES));
	__u32 sum = outer->checksum;

	sum += (__u32)outer->class << 8;
	sum += length_be;
	sum += (__u32)outer->protocol << 8;
	sum += destination & 0xffff;
	sum += destination >> 16;
	fa_store32(at, 0x45u | (__u32)outer->class << 8 | (__u32)length_be << 16);
	fa_store32(at + 4, FA_BE16(0x4000) << 16);
	fa_store32(at + 8, outer->ttl | (__u32)outer->protocol << 8 | (__u32)(__u16)~fa_checksum_fold(sum) << 16);
	fa_store32(at + 12, fa_v4_address(outer->source[1]));
	fa_store32(at + 16, destination);
}

/* RFC 2473, without the option that limits encapsulation. */
static __always_inline void fa_write_outer_ipv6(void *at, const struct fa_outer_header *outer)
{
	fa_store32(at, 0x60u | (__u32)(outer->class >> 4) | (__u32)(__u8)(outer->class << 4) << 8);
	fa_store32(at + 4,
		   __builtin_bswap16((__u16)outer->length) | (__u32)outer->protocol << 16 | (__u32)outer->ttl << 24);
	fa_store64(at + 8, outer->source[0]);
	fa_store64(at + 16, outer->source[1]);
	fa_store64(at + 24, outer->destination[0]);
	fa_store64(at + 32, outer->destination[1]);
}

static __always_inline void fa_write_gre(void *at, const struct fa_way *way, __be32 key_be, __u32 sequence,
					 __u8 inner_version)
{
	__u16 flags = FA_GRE_KEY_BE;

	if (way->flags & FA_PATH_SEQUENCED)
		flags |= FA_GRE_SEQUENCE_BE;
	fa_store32(at, flags | (__u32)FA_BE16(inner_version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6) << 16);
	fa_store32(at + 4, key_be);
	if (way->flags & FA_PATH_SEQUENCED)
		fa_store32(at + 8, FA_BE32(sequence));
}
