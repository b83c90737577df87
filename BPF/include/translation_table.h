/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of translations: slots as in fa_table.h, but three buckets a key, since nothing is behind it that takes
 * what finds no slot, and a look-up that fails is what every new flow begins with. A key goes to its first bucket, or,
 * where that is nearly full, to the least full of the three; then the bit of its first bucket is set in
 * fa_translations_elsewhere, small enough for the cache: without it, a look-up ends after one bucket. */
#pragma once

#include "maps.h"
#include "table.h"

/* A key, and its words; the upper half of the third is 0. */
struct fa_nat_id {
	union {
		struct fa_nat_key key;
		__u64 words[3];
	};
};

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, key) == 8, "words are aligned");

#define FA_TRANSLATION_ATTEMPTS (3 * FA_BUCKET_SLOTS)

static __always_inline int fa_translations_equals(const struct fa_translation *slot, const struct fa_nat_id *id)
{
	const __u64 *words = (const __u64 *)&slot->key;

	/* One branch for all: the verifier follows each of them at each slot. Behind the key is something else. */
	return ((words[0] ^ id->words[0]) | (words[1] ^ id->words[1]) | (__u32)(words[2] ^ id->words[2])) == 0;
}

/* Index of the slot that is looked at at this attempt. */
static __always_inline __u32 fa_translation_at(__u64 hash, __u32 mask, __u32 attempt)
{
	__u32 bucket;

	if (attempt < 2 * FA_BUCKET_SLOTS)
		return fa_slot_at(hash, mask, attempt);
	bucket = fa_bucket_third(hash, mask);
	return fa_bucket_slot(bucket, hash, attempt);
}

static __always_inline struct fa_translation *fa_translations_probe(__u64 hash, __u32 mask, const struct fa_nat_id *key,
								    __u32 attempt, struct fa_slot_place *at)
{
	__u32 index = fa_translation_at(hash, mask, attempt);
	struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

	if (!slot)
		return 0;
	at->index = index;
	at->word = FA_ONCE(slot->header.word);
	FA_COMPILER_BARRIER();
	if ((__u32)(at->word >> 32) != fa_hash_tag(hash) || fa_slot_state(at->word) < FA_SLOT_LIVE)
		return 0;
	return fa_translations_equals(slot, key) ? slot : 0;
}

/* The word with the bit of the key's first bucket. */
static __always_inline __u64 *fa_translations_elsewhere_word(__u64 hash, __u32 mask)
{
	__u32 index = fa_bucket_first(hash, mask) >> 6;

	return bpf_map_lookup_elem(&fa_translations_elsewhere, &index);
}

static __always_inline __u64 fa_translations_elsewhere_bit(__u64 hash, __u32 mask)
{
	return 1ull << (fa_bucket_first(hash, mask) & 63);
}

/* The slot where the key is looked for first, its word as it is: it may be on its way from memory while other things
 * are done. */
static __always_inline struct fa_translation *fa_translations_first(__u64 hash, __u32 mask, struct fa_slot_place *at)
{
	__u32 index = fa_translation_at(hash, mask, 0);
	struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

	at->index = index;
	at->word = slot ? FA_ONCE(slot->header.word) : 0;
	FA_COMPILER_BARRIER();
	return slot;
}

/* The slot of the key, its index, its word as it was; first and at as fa_translations_first left them. */
static __always_inline struct fa_translation *fa_translations_find_behind(struct fa_translation *first, __u64 hash,
									  __u32 mask, const struct fa_nat_id *key,
									  struct fa_slot_place *at)
{
	struct fa_translation *slot;
	__u64 *elsewhere;

	if (FA_LIKELY(first && (__u32)(at->word >> 32) == fa_hash_tag(hash) &&
		      fa_slot_state(at->word) >= FA_SLOT_LIVE && fa_translations_equals(first, key)))
		return first;
	FA_LOOP
	for (__u32 attempt = 1; attempt < FA_BUCKET_SLOTS; attempt++) {
		slot = fa_translations_probe(hash, mask, key, attempt, at);
		if (slot)
			return slot;
	}
	elsewhere = fa_translations_elsewhere_word(hash, mask);
	if (!elsewhere || FA_LIKELY(!(FA_ONCE(*elsewhere) & fa_translations_elsewhere_bit(hash, mask))))
		return 0;
	FA_LOOP
	for (__u32 attempt = FA_BUCKET_SLOTS; attempt < FA_TRANSLATION_ATTEMPTS; attempt++) {
		slot = fa_translations_probe(hash, mask, key, attempt, at);
		if (slot)
			return slot;
	}
	return 0;
}

static __always_inline struct fa_translation *fa_translations_find(__u64 hash, __u32 mask, const struct fa_nat_id *key,
								   struct fa_slot_place *at)
{
	struct fa_translation *first = fa_translations_first(hash, mask, at);

	return fa_translations_find_behind(first, hash, mask, key, at);
}

/* Has the key's first bucket come into the cache while other things are done: each access to it would wait for memory
 * by itself otherwise, as compare-and-swap lets nothing behind it begin. */
static __always_inline void fa_translations_fetch(__u64 hash, __u32 mask)
{
	FA_LOOP
	for (__u32 attempt = 0; attempt < FA_BUCKET_SLOTS; attempt++) {
		__u32 index = fa_translation_at(hash, mask, attempt);
		struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

		if (slot)
			(void)FA_ONCE(slot->header.word);
	}
}

/* Which slots of the bucket that begins with this attempt are free: a bit each. Without branches: none of them would be
 * foreseen. */
static __always_inline __u32 fa_translations_free(__u64 hash, __u32 mask, __u32 first)
{
	__u32 free = 0;

	FA_LOOP
	for (__u32 i = 0; i < FA_BUCKET_SLOTS; i++) {
		__u32 index = fa_translation_at(hash, mask, first + i);
		struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

		if (slot)
			free |= (fa_slot_state(FA_ONCE(slot->header.word)) - 1u) >> 31 << i;
	}
	return free;
}

FA_STATIC_ASSERT(FA_BUCKET_SLOTS == 4, "bits are counted");

static __always_inline __u32 fa_translations_count(__u32 free)
{
	return (free & 1) + (free >> 1 & 1) + (free >> 2 & 1) + (free >> 3);
}

/* The number of the lowest bit. */
static __always_inline __u32 fa_translations_lowest(__u32 free)
{
	__u32 bit = free & -free;

	return (bit >> 1) - (bit >> 3);
}

/* The attempt to begin with for a new key. */
static __always_inline __u32 fa_translations_begin(__u64 hash, __u32 mask)
{
	__u32 best = fa_translations_free(hash, mask, 0);
	__u32 begin = 0;

	if (FA_UNLIKELY(fa_translations_count(best) < 2)) {
		FA_LOOP
		for (__u32 first = FA_BUCKET_SLOTS; first < FA_TRANSLATION_ATTEMPTS; first += FA_BUCKET_SLOTS) {
			__u32 free = fa_translations_free(hash, mask, first);

			if (fa_translations_count(free) > fa_translations_count(best)) {
				best = free;
				begin = first;
			}
		}
	}
	return begin + fa_translations_lowest(best);
}

/* Whether only one slot of the first bucket has the key's tag. */
static __always_inline int fa_translations_single(__u64 hash, __u32 mask)
{
	__u32 same = 0;

	FA_LOOP
	for (__u32 attempt = 0; attempt < FA_BUCKET_SLOTS; attempt++) {
		__u32 index = fa_translation_at(hash, mask, attempt);
		struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

		if (slot)
			same += (__u32)(((FA_ONCE(slot->header.word) >> 32 ^ fa_hash_tag(hash)) - 1) >> 63);
	}
	return same == 1;
}

/* Whether another slot with this tag is in use: LIVE with the key, or CLAIMED by someone else who may be about to
 * insert it. */
static __always_inline int fa_translations_contended(__u64 hash, __u32 mask, const struct fa_nat_id *key, __u32 own)
{
	__u64 *elsewhere = fa_translations_elsewhere_word(hash, mask);
	__u32 attempts = FA_BUCKET_SLOTS;

	/* Who goes elsewhere says so before it claims a slot there, and then looks here. */
	if (elsewhere && FA_ONCE(*elsewhere) & fa_translations_elsewhere_bit(hash, mask))
		attempts = FA_TRANSLATION_ATTEMPTS;
	else if (FA_LIKELY(fa_translations_single(hash, mask)))
		return 0; /* its own */
	FA_LOOP
	for (__u32 attempt = 0; attempt < FA_TRANSLATION_ATTEMPTS && attempt < attempts; attempt++) {
		__u32 index = fa_translation_at(hash, mask, attempt);
		struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);
		__u64 word;

		if (!slot || index == own)
			continue;
		word = FA_ONCE(slot->header.word);
		FA_COMPILER_BARRIER();
		if ((__u32)(word >> 32) != fa_hash_tag(hash))
			continue;
		if (fa_slot_state(word) == FA_SLOT_CLAIMED || fa_translations_equals(slot, key))
			return 1;
	}
	return 0;
}

/* A slot for a new key, CLAIMED; the caller writes key and value. None if all three buckets are full, or the key is
 * there, or another may be inserting it at this moment. */
static __always_inline struct fa_translation *fa_translations_claim(__u64 hash, __u32 mask, const struct fa_nat_id *key,
								    struct fa_slot_place *at)
{
	__u32 begin = fa_translations_begin(hash, mask);
	struct fa_table_state *table;
	__u32 zero = 0;

	table = bpf_map_lookup_elem(&fa_translations_state, &zero);
	if (!table)
		return 0;
	FA_LOOP
	for (__u32 i = 0; i < FA_TRANSLATION_ATTEMPTS; i++) {
		__u32 attempt = begin + i < FA_TRANSLATION_ATTEMPTS ? begin + i : begin + i - FA_TRANSLATION_ATTEMPTS;
		__u32 index = fa_translation_at(hash, mask, attempt);
		struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);
		__u64 free;

		if (!slot)
			continue;
		free = FA_ONCE(slot->header.word);
		if (fa_slot_state(free) != FA_SLOT_FREE)
			continue;
		if (attempt >= FA_BUCKET_SLOTS) {
			__u64 *elsewhere = fa_translations_elsewhere_word(hash, mask);
			__u64 bit = fa_translations_elsewhere_bit(hash, mask);

			if (!elsewhere)
				return 0;
			if (!(FA_ONCE(*elsewhere) & bit))
				__sync_fetch_and_or(elsewhere, bit);
		}
		at->index = index;
		at->word = fa_slot_next(free, fa_hash_tag(hash), FA_SLOT_CLAIMED);
		if (__sync_val_compare_and_swap(&slot->header.word, free, at->word) != free)
			continue;
		if (fa_translations_contended(hash, mask, key, index)) {
			FA_ONCE(slot->header.word) = fa_slot_next(at->word, 0, FA_SLOT_FREE);
			return 0;
		}
		__sync_fetch_and_add(&table->live, 1);
		return slot;
	}
	__sync_fetch_and_add(&table->overflowed, 1);
	return 0;
}

/* What was claimed is there for all. */
static __always_inline void fa_translations_publish(struct fa_translation *slot, const struct fa_slot_place *at)
{
	FA_COMPILER_BARRIER();
	FA_ONCE(slot->header.word) = fa_slot_next(at->word, (__u32)(at->word >> 32), FA_SLOT_LIVE);
}

/* The slot is free, unless it changed meanwhile. */
static __always_inline int fa_translations_remove(struct fa_translation *slot, const struct fa_slot_place *at)
{
	struct fa_table_state *table;
	__u32 zero = 0;

	if (__sync_val_compare_and_swap(&slot->header.word, at->word, fa_slot_next(at->word, 0, FA_SLOT_FREE)) !=
	    at->word)
		return 0;
	table = bpf_map_lookup_elem(&fa_translations_state, &zero);
	if (table)
		__sync_fetch_and_add(&table->live, -1);
	return 1;
}
