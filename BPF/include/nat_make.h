/* SPDX-License-Identifier: BSD-2-Clause */
/* New flows: made by their first packet [0079]. */
#pragma once

#include "nat_work.h"

/* How often the user count of a slot is tried where others change it too. */
#define FA_NAT_ATTEMPTS 8u

/* In place of a slot's index. */
#define FA_NAT_NOWHERE (-1)

/* Bit number of the lowest bit that is set; there is one. Without branches, which the verifier would all follow. */
static __always_inline __u32 fa_lowest_bit(__u64 bits)
{
	__u64 below = (bits & -bits) - 1;

	below -= below >> 1 & 0x5555555555555555ull;
	below = (below & 0x3333333333333333ull) + (below >> 2 & 0x3333333333333333ull);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (__u32)(below * 0x0101010101010101ull >> 56);
}

/* Tells the daemon that the subscriber needs more ports, once until it has answered. */
static __always_inline void fa_nat_want_block(struct fa_subscriber *subscriber, __u32 index)
{
	struct fa_event *event;

	if (FA_ONCE(subscriber->wants_block) || __sync_val_compare_and_swap(&subscriber->wants_block, 0, 1))
		return;
	event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);
	if (!event)
		return;
	event->kind = FA_EVENT_NAT_BLOCK_WANTED;
	event->port = fa_port_index;
	event->length = index;
	event->reason = FA_REASON_NAT_PORTS_EXHAUSTED;
	bpf_ringbuf_submit(event, 0);
}

/* With a place: words of the block were full that were looked at before. */
#define FA_NAT_PASSED_FULL 0x40000000

/* Takes a free port of the row in the block; begins to look at a place that nobody outside can tell. Returns the port's
 * place among those of all outside addresses, or FA_NAT_NOWHERE. */
__noinline int fa_nat_take_in_block(__u32 block, __u32 row, __u32 begin)
{
	__u32 full = 0;
	struct fa_nat_block *bits = bpf_map_lookup_elem(&fa_nat_blocks, &block);

	if (!bits)
		return FA_NAT_NOWHERE;
	FA_LOOP
	for (__u32 i = 0; i < FA_NAT_BLOCK_WORDS + FA_NAT_ATTEMPTS; i++) {
		__u32 word = (begin + i) & (FA_NAT_BLOCK_WORDS - 1);
		__u64 *place = &bits->taken[0][0];
		__u32 turn = begin >> 3 & 63;
		__u64 taken;
		__u64 free;
		__u32 bit;

		word += row * FA_NAT_BLOCK_WORDS;
		FA_OPAQUE(word);
		if (word >= FA_NAT_PROTOCOLS * FA_NAT_BLOCK_WORDS)
			return FA_NAT_NOWHERE;
		place += word;
		taken = FA_ONCE(*place);
		free = ~taken;
		if (!free) {
			if (++full == FA_NAT_BLOCK_WORDS)
				return FA_NAT_NOWHERE;
			continue;
		}
		free = free >> turn | free << (-turn & 63);
		bit = (fa_lowest_bit(free) + turn) & 63;
		if (__sync_val_compare_and_swap(place, taken, taken | 1ull << bit) == taken)
			return (int)((block * FA_NAT_BLOCK_PORTS + (word & (FA_NAT_BLOCK_WORDS - 1)) * 64 + bit) |
				     (full ? FA_NAT_PASSED_FULL : 0));
	}
	return FA_NAT_NOWHERE;
}

__noinline int fa_nat_take_port(__u32 index, __u32 row, __u32 begin)
{
	struct fa_subscriber *subscriber = bpf_map_lookup_elem(&fa_subscribers, &index);
	__u32 count;

	if (!subscriber || row >= FA_NAT_PROTOCOLS)
		return FA_NAT_NOWHERE;
	count = FA_ONCE(subscriber->block_count);
	FA_LOOP
	for (__u32 i = 0; i < FA_NAT_SUBSCRIBER_BLOCKS && i < count; i++) {
		int place = fa_nat_take_in_block(FA_ONCE(subscriber->blocks[i]), row, begin);

		if (place < 0)
			continue;
		if (FA_UNLIKELY(place & FA_NAT_PASSED_FULL) && i + 1 == count)
			fa_nat_want_block(subscriber, index);
		return place & ~FA_NAT_PASSED_FULL;
	}
	fa_nat_want_block(subscriber, index);
	return FA_NAT_NOWHERE;
}

static __always_inline void fa_nat_give_port_back(__u32 place, __u32 row)
{
	__u32 block = place / FA_NAT_BLOCK_PORTS;
	__u32 word = place / 64 % FA_NAT_BLOCK_WORDS + row * FA_NAT_BLOCK_WORDS;
	struct fa_nat_block *bits = bpf_map_lookup_elem(&fa_nat_blocks, &block);

	FA_OPAQUE(word);
	if (bits && word < FA_NAT_PROTOCOLS * FA_NAT_BLOCK_WORDS)
		__sync_fetch_and_and(&bits->taken[0][0] + word, ~(1ull << (place & 63)));
}

/* The number of the outside port at the place in fa_nat_ports. */
static __always_inline __u32 fa_nat_port_index(__u32 place, __u32 row)
{
	return ((place >> 16) * FA_NAT_PROTOCOLS + row) << 16 | (place & 0xffff);
}

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, last_seen) == 44, "upper half of the fifth word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, seen) == 48, "sixth word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, mapping) == 56, "seventh word");

/* Inserts work->other with work->rewrite; its index, or FA_NAT_NOWHERE. value: seen, or users. */
__noinline int fa_nat_insert(__u32 value, __u32 twin)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_translation *slot;
	struct fa_slot_place at;
	__u64 *words;
	__u64 hash;
	__u8 kind;

	if (!config || !work)
		return FA_NAT_NOWHERE;
	hash = fa_hash_translation(config->hash_secret, work->other.words);
	slot = fa_translations_claim(hash, config->translation_mask, &work->other, &at);
	if (!slot)
		return FA_NAT_NOWHERE;
	kind = work->other.key.kind;
	/* In whole words. */
	words = (__u64 *)&slot->key;
	words[0] = work->other.words[0];
	words[1] = work->other.words[1];
	words[2] = (__u32)work->other.words[2] | (__u64)(kind == FA_NAT_UP ? FA_NAT_CHAINING : 0) << 32;
	words[3] = work->rewrite.first;
	words[4] = fa_rewrite_transport_sum(&work->rewrite) | (__u64)(__u32)(bpf_jiffies64() >> 8) << 32;
	words[5] = value | (__u64)twin << 32;
	words[6] = work->mapping | (__u64)(kind == FA_NAT_DOWN ? work->filter : work->subscriber) << 32;
	fa_translations_publish(slot, &at);
	return (int)at.index;
}

/* Takes out again what was just inserted at the index, by its kind and key in work->other. */
static __always_inline void fa_nat_withdraw(__u32 index, const struct fa_nat_work *work)
{
	struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);
	struct fa_slot_place at;

	if (!slot)
		return;
	at.index = index;
	at.word = FA_ONCE(slot->header.word);
	FA_COMPILER_BARRIER();
	if (fa_slot_state(at.word) == FA_SLOT_LIVE && fa_translations_equals(slot, &work->other))
		fa_translations_remove(slot, &at);
}

/* One more user of the mapping or filter; 0 if it is on its way out. */
static __always_inline int fa_nat_use(struct fa_translation *slot, __u64 word)
{
	__u32 users = FA_ONCE(slot->users);

	FA_LOOP
	for (__u32 i = 0; i < FA_NAT_ATTEMPTS; i++) {
		__u32 before;

		if (users & FA_NAT_GONE)
			return 0;
		before = __sync_val_compare_and_swap(&slot->users, users, users + 1);
		if (before == users) {
			if (FA_LIKELY(fa_slot_unchanged(&slot->header, word)))
				return 1;
			/* It has become another's meanwhile. */
			__sync_fetch_and_add(&slot->users, -1);
			return 0;
		}
		users = before;
	}
	return 0;
}

/* One less; the daemon takes out what has none. */
static __always_inline void fa_nat_leave(__u32 index)
{
	struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);

	if (slot)
		__sync_fetch_and_add(&slot->users, -1);
}

/* Index of the slot of work->other, a mapping or filter, with one more user; FA_NAT_NOWHERE if there is none. */
__noinline int fa_nat_find_shared(void)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_translation *slot;
	struct fa_slot_place at;
	__u64 hash;

	if (!config || !work)
		return FA_NAT_NOWHERE;
	hash = fa_hash_translation(config->hash_secret, work->other.words);
	slot = fa_translations_find(hash, config->translation_mask, &work->other, &at);
	if (!slot || !fa_nat_use(slot, at.word))
		return FA_NAT_NOWHERE;
	/* A mapping has what a new flow writes, a filter has nothing. */
	if (work->other.key.kind == FA_NAT_MAPPING) {
		fa_rewrite_copy(slot, at.word, &work->rewrite);
		slot->last_seen = (__u32)(bpf_jiffies64() >> 8);
	}
	return (int)at.index;
}

/* What is about to be looked for. */
static __always_inline void fa_nat_expect(const struct fa_config *config, __u64 first, __u64 second, __u64 third)
{
	__u64 words[3] = {first, second, third};

	fa_translations_fetch(fa_hash_translation(config->hash_secret, words), config->translation_mask);
}

/* A new mapping of the flow's local address and port, with one user. Its index in work->mapping; FA_REASON_NONE, or why
 * there is none. */
__noinline int fa_nat_make_mapping(__u32 row)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_rewrite *rewrite;
	__be32 local_be;
	__be16 local_port_be;
	__u32 index;
	__u64 *port;
	__u32 sum;
	int place;
	int made;

	if (!config || !work || row >= FA_NAT_PROTOCOLS)
		return FA_REASON_NAT_TABLE_FULL;
	rewrite = &work->rewrite;
	local_be = work->id.key.local_be;
	local_port_be = work->id.key.local_port_be;
	place = fa_nat_take_port(work->subscriber, row,
				 (__u32)(fa_hash_translation(config->hash_secret, work->id.words) >> 17));
	if (place < 0)
		return FA_REASON_NAT_PORTS_EXHAUSTED;
	sum = fa_sum_of_address(local_be, work->outside_be);
	rewrite->first = work->outside_be | (__u64)FA_BE16((__u16)place) << 32 | (__u64)sum << 48;
	/* ICMP's checksum covers no pseudo header. */
	rewrite->second = fa_sum_of_port(row == FA_NAT_ICMP ? 0 : (__u16)sum, local_port_be, FA_BE16((__u16)place));
	fa_nat_expect(config, work->outside_be | (__u64)work->id.key.remote_be << 32,
		      fa_nat_word(FA_BE16((__u16)place) | (__u32)work->id.key.remote_port_be << 16,
				  work->id.key.protocol, FA_NAT_DOWN),
		      0);
	index = fa_nat_port_index((__u32)place, row);
	port = bpf_map_lookup_elem(&fa_nat_ports, &index);
	if (port)
		(void)FA_ONCE(*port);
	work->mapping = 0;
	made = fa_nat_insert(1, 0);
	if (made < 0) {
		fa_nat_give_port_back((__u32)place, row);
		return FA_REASON_NAT_TABLE_FULL;
	}
	work->mapping = (__u32)made;
	if (port)
		FA_ONCE(*port) = (__u64)made + 1;
	return FA_REASON_NONE;
}

/* Puts the slot in front of its subscriber's chain. */
static __always_inline void fa_nat_chain(__u32 index, __u32 owner)
{
	struct fa_translation *slot = bpf_map_lookup_elem(&fa_translations, &index);
	struct fa_subscriber *subscriber = bpf_map_lookup_elem(&fa_subscribers, &owner);

	if (slot && subscriber)
		FA_ONCE(slot->next) = __sync_lock_test_and_set(&subscriber->chain, index + 1);
}

/* Slots of the flow in both directions; what is written from the host is in work->rewrite. Index of UP, or
 * FA_NAT_NOWHERE. seen_up, seen_down: of the packet that makes it. */
__noinline int fa_nat_make_pair(__u32 seen_up, __u32 seen_down)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_rewrite up;
	__be16 port_be;
	__be32 outside_be;
	struct fa_translation *slot;
	__u32 index;
	int down_index;
	int up_index;

	if (!work)
		return FA_NAT_NOWHERE;
	up = work->rewrite;
	outside_be = fa_rewrite_address(&up);
	port_be = fa_rewrite_port(&up);
	/* The reverse is written, and what was added is taken off again. */
	work->other.words[0] = outside_be | (__u64)work->id.key.remote_be << 32;
	work->other.words[1] =
	    fa_nat_word(port_be | (__u32)work->id.key.remote_port_be << 16, work->id.key.protocol, FA_NAT_DOWN);
	work->other.words[2] = 0;
	work->rewrite.first = work->id.key.local_be | (__u64)work->id.key.local_port_be << 32 |
			      (__u64)(__u16)~fa_rewrite_header_sum(&up) << 48;
	work->rewrite.second = (__u16)~fa_rewrite_transport_sum(&up);
	down_index = fa_nat_insert(seen_down, 0);
	if (down_index < 0) {
		work->rewrite = up;
		return FA_NAT_NOWHERE;
	}
	work->rewrite = up;
	work->other.words[0] = work->id.words[0];
	work->other.words[1] = work->id.words[1];
	work->other.words[2] = work->id.words[2];
	up_index = fa_nat_insert(seen_up, (__u32)down_index);
	index = (__u32)down_index;
	if (up_index < 0) {
		work->other.words[0] = outside_be | (__u64)work->id.key.remote_be << 32;
		work->other.words[1] =
		    fa_nat_word(port_be | (__u32)work->id.key.remote_port_be << 16, work->id.key.protocol, FA_NAT_DOWN);
		work->other.words[2] = 0;
		fa_nat_withdraw(index, work);
		return FA_NAT_NOWHERE;
	}
	slot = bpf_map_lookup_elem(&fa_translations, &index);
	if (slot)
		FA_ONCE(slot->twin) = (__u32)up_index;
	fa_nat_chain((__u32)up_index, work->subscriber);
	return up_index;
}

/* The subscriber of the flow's host: into work; FA_REASON_NONE, or why it may have no new flow. Counts the flow. */
__noinline int fa_nat_admit(void)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_subscriber *subscriber;
	struct fa_subscriber_key key;
	struct fa_slot_place at;

	if (!config || !work)
		return FA_REASON_NAT_UNASSIGNED;
	key.address_be = work->id.key.local_be;
	key.realm = work->id.key.realm;
	subscriber = fa_subscribers_find(fa_hash_subscriber(config->hash_secret, *(__u64 *)&key),
					 config->subscriber_mask, &key, &at);
	if (!subscriber || !subscriber->block_count)
		return FA_REASON_NAT_UNASSIGNED;
	work->subscriber = at.index;
	work->outside_be = subscriber->outside_be;
	if (__sync_fetch_and_add(&subscriber->flows, 1) >= subscriber->flow_limit) {
		__sync_fetch_and_add(&subscriber->flows, -1);
		__sync_fetch_and_add(&subscriber->refused, 1);
		return FA_REASON_NAT_QUOTA;
	}
	return FA_REASON_NONE;
}

/* The flow is not there after all. */
static __always_inline void fa_nat_dismiss(__u32 index)
{
	struct fa_subscriber *subscriber = bpf_map_lookup_elem(&fa_subscribers, &index);

	if (!subscriber)
		return;
	__sync_fetch_and_add(&subscriber->flows, -1);
	__sync_fetch_and_add(&subscriber->refused, 1);
}

/* The filter that lets the flow's correspondent answer from any port; FA_REASON_NONE, or why there is none. */
static __always_inline int fa_nat_filter(struct fa_nat_work *work, int *filter)
{
	struct fa_rewrite up = work->rewrite;

	work->other.words[0] = work->id.words[0];
	work->other.words[1] = fa_nat_word(work->id.key.local_port_be, work->id.key.protocol, FA_NAT_FILTER);
	work->other.words[2] = work->id.words[2];
	*filter = fa_nat_find_shared();
	if (*filter >= 0)
		return FA_REASON_NONE;
	work->rewrite.first = 0;
	work->rewrite.second = 0;
	*filter = fa_nat_insert(1, 0);
	work->rewrite = up;
	return *filter < 0 ? FA_REASON_NAT_TABLE_FULL : FA_REASON_NONE;
}

/* Makes the flow work->id, seen from the host, and leaves what is written from there in work->rewrite. FA_REASON_NONE,
 * or why it can't be made; then nothing is left of it. */
__noinline int fa_nat_make(__u32 seen_up, __u32 seen_down)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	int filter = FA_NAT_NOWHERE;
	int failed;
	int index;
	__u32 row;

	if (!config || !work)
		return FA_REASON_NAT_TABLE_FULL;
	row = fa_nat_row(work->id.key.protocol);
	if (row >= FA_NAT_PROTOCOLS)
		return FA_REASON_NAT_PROTOCOL;
	fa_nat_expect(config, work->id.key.local_be,
		      fa_nat_word(work->id.key.local_port_be, work->id.key.protocol, FA_NAT_MAPPING),
		      work->id.words[2]);
	if (row == FA_NAT_UDP)
		fa_nat_expect(config, work->id.words[0],
			      fa_nat_word(work->id.key.local_port_be, work->id.key.protocol, FA_NAT_FILTER),
			      work->id.words[2]);
	failed = fa_nat_admit();
	if (failed)
		return failed;
	work->other.words[0] = work->id.key.local_be;
	work->other.words[1] = fa_nat_word(work->id.key.local_port_be, work->id.key.protocol, FA_NAT_MAPPING);
	work->other.words[2] = work->id.words[2];
	index = fa_nat_find_shared();
	if (index >= 0)
		work->mapping = (__u32)index;
	else
		failed = fa_nat_make_mapping(row);
	work->filter = 0;
	if (!failed && row == FA_NAT_UDP) {
		failed = fa_nat_filter(work, &filter);
		if (failed)
			fa_nat_leave(work->mapping);
		else
			work->filter = (__u32)filter + 1;
	}
	if (!failed) {
		index = fa_nat_make_pair(seen_up, seen_down);
		if (index >= 0)
			return FA_REASON_NONE;
		failed = FA_REASON_NAT_TABLE_FULL;
		fa_nat_leave(work->mapping);
		if (filter >= 0)
			fa_nat_leave((__u32)filter);
	}
	fa_nat_dismiss(work->subscriber);
	return failed;
}
