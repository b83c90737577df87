/* SPDX-License-Identifier: BSD-2-Clause */
/* The keyed hash of the tables and what follows from it: tag, buckets, preferred slot. Both sides of
 * the boundary compile this one. The sum of two products with secret odd factors is universal, so
 * nobody who doesn't know the secret can choose addresses that collide; the rest spreads its upper
 * bits over the lower ones. */
#pragma once

#include "fa_table.h"

#define FA_HASH_FACTOR 0x9e3779b97f4a7c15ull

static inline __u64 fa_hash_finish(__u64 sum)
{
	sum ^= sum >> 32;
	sum *= FA_HASH_FACTOR;
	return sum ^ sum >> 32;
}

/* Of an address, its halves as loaded from memory, and a realm. */
static inline __u64 fa_hash_address(const __u64 secret[2], __u64 upper, __u64 lower, __u32 realm)
{
	__u64 sum = __builtin_bswap64(lower) * (secret[0] | 1) + __builtin_bswap64(upper) * (secret[1] | 1);

	return fa_hash_finish(sum + realm * FA_HASH_FACTOR);
}

/* Of a NAT entry's key, its words as loaded from memory, see fa_nat.h: of the third the lower half. */
static inline __u64 fa_hash_translation(const __u64 secret[2], const __u64 words[3])
{
	__u64 sum = __builtin_bswap64(words[0]) * (secret[0] | 1) + __builtin_bswap64(words[1]) * (secret[1] | 1);

	return fa_hash_finish(sum + (__u32)words[2] * FA_HASH_FACTOR);
}

/* Of a subscriber's key, as loaded. */
static inline __u64 fa_hash_subscriber(const __u64 secret[2], __u64 key)
{
	return fa_hash_finish(__builtin_bswap64(key) * (secret[0] | 1) + secret[1]);
}

/* Upper half of the slot's word while it holds the key; never 0. */
static inline __u32 fa_hash_tag(__u64 hash)
{
	__u32 tag = (__u32)(hash >> 32);

	return tag ? tag : 1;
}

/* The two buckets of a key; mask is the number of buckets minus one. */
static inline __u32 fa_bucket_first(__u64 hash, __u32 mask)
{
	return (__u32)hash & mask;
}

static inline __u32 fa_bucket_second(__u64 hash, __u32 mask)
{
	return (__u32)(hash >> 32) & mask;
}

/* The third one of a translation, see fa_nat.h. */
static inline __u32 fa_bucket_third(__u64 hash, __u32 mask)
{
	return (__u32)(hash * FA_HASH_FACTOR >> 32) & mask;
}

/* Index of the slot to try in a bucket at this attempt, 0 to FA_BUCKET_SLOTS - 1. Keys of one bucket
 * begin at different slots, so that most are found at the first attempt, in one cache line. */
static inline __u32 fa_bucket_slot(__u32 bucket, __u64 hash, __u32 attempt)
{
	return bucket * FA_BUCKET_SLOTS + (((__u32)hash >> 30 ^ attempt) & (FA_BUCKET_SLOTS - 1));
}
