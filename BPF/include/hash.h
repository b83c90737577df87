/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes of what is in packets. The tables' own hash is shared with the daemon, see fa_hash.h. */
#pragma once

#include "fa_hash.h"
#include "platform.h"

/* One more word into a running sum; each word gets a factor of its own from its place. */
static __always_inline __u64 fa_hash_add(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * FA_HASH_FACTOR;
	return sum ^ sum >> 29;
}
