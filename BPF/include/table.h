/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic table, see fa_table.h, over slots in an array map. FA_TABLE defines for one kind of slot:
 *
 *   name_find(hash, mask, key, &at)     the slot of the key in either bucket, its index, its word as it was
 *   name_claim(hash, mask, key, &at)    a slot for a new key, CLAIMED; the caller writes key and value
 *   name_publish(slot, &at)             what was claimed is there for all
 *   name_remove(slot, &at)              the slot is free, unless it changed meanwhile
 *
 * name_equals(slot, key) compares keys. What a reader has copied counts only if the slot's word is still
 * the same afterwards: fa_slot_unchanged. */
#pragma once

#include "fa_hash.h"
#include "platform.h"

/* Where a slot is, and the word that it had when it was looked at. */
struct fa_slot_place {
	__u64 word;
	__u32 index;
};

static __always_inline __u32 fa_slot_state(__u64 word)
{
	return word & FA_SLOT_STATE_MASK;
}

/* The word after a change of state. */
static __always_inline __u64 fa_slot_next(__u64 word, __u32 tag, __u32 state)
{
	return (__u64)tag << 32 | ((word + FA_SLOT_GENERATION_ONE) & FA_SLOT_GENERATION_MASK) | state;
}

static __always_inline int fa_slot_unchanged(struct fa_slot_header *header, __u64 word)
{
	FA_COMPILER_BARRIER();
	return FA_ONCE(header->word) == word;
}

/* Index of the slot that is looked at at this attempt, 0 to 2 * FA_BUCKET_SLOTS - 1. */
static __always_inline __u32 fa_slot_at(__u64 hash, __u32 mask, __u32 attempt)
{
	__u32 bucket = attempt < FA_BUCKET_SLOTS ? fa_bucket_first(hash, mask) : fa_bucket_second(hash, mask);

	return fa_bucket_slot(bucket, hash, attempt);
}

#define FA_TABLE(name, slot_type, slots, state, key_type)                                                              \
	static __always_inline struct slot_type *name##_probe(__u64 hash, __u32 mask, const struct key_type *key,      \
							      __u32 attempt, struct fa_slot_place *at)                 \
	{                                                                                                              \
		__u32 index = fa_slot_at(hash, mask, attempt);                                                         \
		struct slot_type *slot = bpf_map_lookup_elem(&slots, &index);                                          \
                                                                                                                       \
		if (!slot)                                                                                             \
			return 0;                                                                                      \
		at->index = index;                                                                                     \
		at->word = FA_ONCE(slot->header.word);                                                                 \
		FA_COMPILER_BARRIER();                                                                                 \
		if ((__u32)(at->word >> 32) != fa_hash_tag(hash) || fa_slot_state(at->word) < FA_SLOT_LIVE)            \
			return 0;                                                                                      \
		return name##_equals(slot, key) ? slot : 0;                                                            \
	}                                                                                                              \
                                                                                                                       \
	static __always_inline struct slot_type *name##_find(__u64 hash, __u32 mask, const struct key_type *key,       \
							     struct fa_slot_place *at)                                 \
	{                                                                                                              \
		struct slot_type *slot = name##_probe(hash, mask, key, 0, at);                                         \
		struct fa_table_state *table;                                                                          \
		__u32 zero = 0;                                                                                        \
                                                                                                                       \
		if (FA_LIKELY(slot))                                                                                   \
			return slot;                                                                                   \
		FA_LOOP                                                                                                \
		for (__u32 attempt = 1; attempt < FA_BUCKET_SLOTS; attempt++) {                                        \
			slot = name##_probe(hash, mask, key, attempt, at);                                             \
			if (slot)                                                                                      \
				return slot;                                                                           \
		}                                                                                                      \
		table = bpf_map_lookup_elem(&state, &zero);                                                            \
		if (!table || !FA_ONCE(table->second_bucket))                                                          \
			return 0;                                                                                      \
		FA_LOOP                                                                                                \
		for (__u32 attempt = FA_BUCKET_SLOTS; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {                      \
			slot = name##_probe(hash, mask, key, attempt, at);                                             \
			if (slot)                                                                                      \
				return slot;                                                                           \
		}                                                                                                      \
		return 0;                                                                                              \
	}                                                                                                              \
                                                                                                                       \
	/* Whether another slot with this tag is in use: LIVE with the key, or CLAIMED by someone else who may be      \
	 * about to insert it. */                                                                                      \
	static __always_inline int name##_contended(__u64 hash, __u32 mask, const struct key_type *key,                \
						    struct slot_type *own)                                             \
	{                                                                                                              \
		FA_LOOP                                                                                                \
		for (__u32 attempt = 0; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {                                    \
			__u32 index = fa_slot_at(hash, mask, attempt);                                                 \
			struct slot_type *slot = bpf_map_lookup_elem(&slots, &index);                                  \
			__u64 word;                                                                                    \
                                                                                                                       \
			if (!slot || slot == own)                                                                      \
				continue;                                                                              \
			word = FA_ONCE(slot->header.word);                                                             \
			FA_COMPILER_BARRIER();                                                                         \
			if ((__u32)(word >> 32) != fa_hash_tag(hash))                                                  \
				continue;                                                                              \
			if (fa_slot_state(word) == FA_SLOT_CLAIMED || name##_equals(slot, key))                        \
				return 1;                                                                              \
		}                                                                                                      \
		return 0;                                                                                              \
	}                                                                                                              \
                                                                                                                       \
	/* None if both buckets are full, or the key is there, or another may be inserting it at this moment. */       \
	static __always_inline struct slot_type *name##_claim(__u64 hash, __u32 mask, const struct key_type *key,      \
							      struct fa_slot_place *at)                                \
	{                                                                                                              \
		struct fa_table_state *table;                                                                          \
		__u32 zero = 0;                                                                                        \
                                                                                                                       \
		table = bpf_map_lookup_elem(&state, &zero);                                                            \
		if (!table)                                                                                            \
			return 0;                                                                                      \
		FA_LOOP                                                                                                \
		for (__u32 attempt = 0; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {                                    \
			__u32 index = fa_slot_at(hash, mask, attempt);                                                 \
			struct slot_type *slot = bpf_map_lookup_elem(&slots, &index);                                  \
			__u64 free;                                                                                    \
                                                                                                                       \
			if (!slot)                                                                                     \
				continue;                                                                              \
			free = FA_ONCE(slot->header.word);                                                             \
			if (fa_slot_state(free) != FA_SLOT_FREE)                                                       \
				continue;                                                                              \
			if (attempt >= FA_BUCKET_SLOTS)                                                                \
				FA_ONCE(table->second_bucket) = 1;                                                     \
			at->index = index;                                                                             \
			at->word = fa_slot_next(free, fa_hash_tag(hash), FA_SLOT_CLAIMED);                             \
			if (__sync_val_compare_and_swap(&slot->header.word, free, at->word) != free)                   \
				continue;                                                                              \
			if (name##_contended(hash, mask, key, slot)) {                                                 \
				FA_ONCE(slot->header.word) = fa_slot_next(at->word, 0, FA_SLOT_FREE);                  \
				return 0;                                                                              \
			}                                                                                              \
			__sync_fetch_and_add(&table->live, 1);                                                         \
			return slot;                                                                                   \
		}                                                                                                      \
		__sync_fetch_and_add(&table->overflowed, 1);                                                           \
		return 0;                                                                                              \
	}                                                                                                              \
                                                                                                                       \
	static __always_inline void name##_publish(struct slot_type *slot, const struct fa_slot_place *at)             \
	{                                                                                                              \
		FA_COMPILER_BARRIER();                                                                                 \
		FA_ONCE(slot->header.word) = fa_slot_next(at->word, (__u32)(at->word >> 32), FA_SLOT_LIVE);            \
	}                                                                                                              \
                                                                                                                       \
	static __always_inline int name##_remove(struct slot_type *slot, const struct fa_slot_place *at)               \
	{                                                                                                              \
		struct fa_table_state *table;                                                                          \
		__u32 zero = 0;                                                                                        \
                                                                                                                       \
		if (__sync_val_compare_and_swap(&slot->header.word, at->word,                                          \
						fa_slot_next(at->word, 0, FA_SLOT_FREE)) != at->word)                  \
			return 0;                                                                                      \
		table = bpf_map_lookup_elem(&state, &zero);                                                            \
		if (table)                                                                                             \
			__sync_fetch_and_add(&table->live, -1);                                                        \
		return 1;                                                                                              \
	}
