/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic table: fixed slots in an mmap-able array, two buckets of FA_BUCKET_SLOTS slots a key.
 *
 * A slot begins with one 64-bit word that is only ever changed as a whole:
 *
 *   bits  0..1   state (FA_SLOT_…)
 *   bits  2..31  generation, one more at every change of state
 *   bits 32..63  tag, the upper half of the key's hash; 0 while the slot is free
 *
 * Readers load the word, compare the tag and the key, copy the value, and load the word again: what
 * they copied counts only if it is the same. Inserting claims a free slot by compare-and-swap
 * (FREE -> CLAIMED with the tag), then looks at both buckets again: another slot with the same tag
 * that is CLAIMED makes it give up and try later, one that is LIVE with the same key wins. Of two
 * inserters of one key at least one sees the other, so a key is never in the table twice.
 *
 * Changing a value in place goes through the slot's shadow, so that no reader waits and a writer
 * that dies half-way loses nothing: write the new value to the shadow, LIVE -> SHADOWED (readers now
 * take the value from the shadow), write the slot's value, SHADOWED -> LIVE.
 *
 * The hash is keyed with a 128-bit secret from boot (fa_config.hash_secret), see fa_hash.h. Both
 * buckets, the slot to begin with and the tag come from different bits of it. A key goes to its second
 * bucket only when there is no room in the first.
 *
 * Order of loads and stores is all that holds this together on the readers' side: they issue no
 * barriers. That is right where loads are not reordered with loads, nor stores with stores (x86-64);
 * elsewhere the daemon refuses to start. */
#pragma once

#include "fa_types.h"

#define FA_SLOT_FREE 0u
#define FA_SLOT_CLAIMED 1u
#define FA_SLOT_LIVE 2u
#define FA_SLOT_SHADOWED 3u
#define FA_SLOT_STATE_MASK 3ull
#define FA_SLOT_GENERATION_ONE 4ull
#define FA_SLOT_GENERATION_MASK 0xfffffffcull

/* Slots in a bucket: four of 64 bytes are 256 bytes, within one page. */
#define FA_BUCKET_SLOTS 4u

struct fa_slot_header {
	__u64 word;
};

/* What is known of a table while it runs; beside the slots, in an array map of its own. */
struct fa_table_state {
	__u64 live; /* slots LIVE or SHADOWED, spilled entries not counted */
	__u64 overflowed; /* inserts that found both buckets full */
	__u32 spilled; /* entries in the spill map; 0 lets a reader skip it */
	__u32 second_bucket; /* not 0 once any key has gone to its second bucket; never reset while live */
	__u8 pad[40];
};

FA_STATIC_ASSERT(sizeof(struct fa_table_state) == 64, "one cache line");
