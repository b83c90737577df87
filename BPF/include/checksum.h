/* SPDX-License-Identifier: BSD-2-Clause */
/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Sums are of 16-bit words as
 * loaded from memory: byte order doesn't matter to them. */
#pragma once

#include "platform.h"

/* Folds a sum of at most 2^16 words to 16 bits. */
static __always_inline __u16 fa_checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/* The checksum field after one 16-bit word that it covers has changed (RFC 1624, equation 3). */
static __always_inline __u16 fa_checksum_replace(__u16 checksum, __u16 old_word, __u16 new_word)
{
	return (__u16)~fa_checksum_fold((__u32)(__u16)~checksum + (__u16)~old_word + new_word);
}
