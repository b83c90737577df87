/* SPDX-License-Identifier: BSD-2-Clause */
/* The host table as a packet sees it. */
#pragma once

#include "maps.h"
#include "table.h"

struct fa_hosts_key {
	__u64 upper;
	__u64 lower;
	__u32 realm;
};

static __always_inline int fa_hosts_equals(const struct fa_host *slot, const struct fa_hosts_key *key)
{
	return slot->address.halves_be[1] == key->lower && slot->address.halves_be[0] == key->upper &&
	       slot->realm == key->realm;
}

FA_TABLE(fa_hosts, fa_host, fa_hosts, fa_hosts_state, fa_hosts_key)

/* A host as it was at one moment. */
struct fa_host_view {
	__u64 peer[2]; /* peer, or neighbour: fa_host_value's first half */
	__u64 address[2];
	__u32 path;
	__u16 chain;
	__u16 flags;
	union {
		__be32 tunnel_key_be;
		__u32 previous;
	};
	__u32 index; /* of its slot, or FA_HOST_SPILLED */
};

#define FA_HOST_SPILLED 0xffffffffu

/* fa_neighbour.anchors of a host that is attached here and nowhere else. */
static __always_inline __u32 fa_host_anchors(const struct fa_host_view *view)
{
	return (__u32)(view->peer[1] >> 32);
}

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_neighbour, anchors) == 12, "upper half of the second word");

/* Whether it is said where a packet of this host goes, who is attached here, by more than its destination. */
static __always_inline int fa_host_roams(const struct fa_host_view *view)
{
	return view->flags & FA_HOST_UNAWARE &&
	       (view->flags & (FA_HOST_CLAIMED | FA_HOST_DRAINS) || fa_host_anchors(view) || view->previous);
}

/* How often a slot that changes under the reader is read again. */
#define FA_HOST_ATTEMPTS 4u

static __always_inline void fa_host_copy(struct fa_host_view *view, const struct fa_host_value *value)
{
	const volatile __u64 *words = (const volatile __u64 *)value;
	__u64 third = words[2];

	view->peer[0] = words[0];
	view->peer[1] = words[1];
	view->path = (__u32)third;
	view->chain = (__u16)(third >> 32);
	view->flags = (__u16)(third >> 48);
	view->tunnel_key_be = (__be32)words[3];
}

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_host_value, path) == 16, "third word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_host_value, tunnel_key_be) == 24, "fourth word");

static __always_inline __u64 fa_host_hash(const struct fa_config *config, __u64 upper, __u64 lower)
{
	return fa_hash_address(config->hash_secret, upper, lower, 0);
}

/* Copies what the slot holds; whether it was all of one entry. */
static __always_inline int fa_host_read(struct fa_host *slot, const struct fa_slot_place *at, struct fa_host_view *view)
{
	__u32 index = at->index;

	view->index = index;
	if (FA_UNLIKELY(fa_slot_state(at->word) == FA_SLOT_SHADOWED)) {
		struct fa_host_extra *extra = bpf_map_lookup_elem(&fa_hosts_extra, &index);

		if (!extra)
			return 0;
		fa_host_copy(view, &extra->shadow);
	} else {
		fa_host_copy(view, &slot->value);
	}
	return fa_slot_unchanged(&slot->header, at->word);
}

static __always_inline struct fa_host_spilled *fa_host_spilled(__u64 upper, __u64 lower)
{
	struct fa_host_key key = {.address.halves_be = {upper, lower}};

	return bpf_map_lookup_elem(&fa_hosts_spill, &key);
}

static __always_inline int fa_host_find_spilled(const struct fa_hosts_key *key, struct fa_host_view *view)
{
	struct fa_host_spilled *spilled = fa_host_spilled(key->upper, key->lower);
	__u64 word;

	if (!spilled)
		return 0;
	word = FA_ONCE(spilled->host.header.word);
	FA_COMPILER_BARRIER();
	view->index = FA_HOST_SPILLED;
	fa_host_copy(view, &spilled->host.value);
	/* An element that is taken back may be used for another at once. */
	return fa_hosts_equals(&spilled->host, key) && fa_slot_unchanged(&spilled->host.header, word);
}

/* Looks everywhere, and again while the entry changes under it. A global function: verified once. */
__noinline int fa_host_find_far(const struct fa_config *config, __u64 upper, __u64 lower, struct fa_host_view *view)
{
	struct fa_hosts_key key = {.upper = upper, .lower = lower, .realm = 0};
	struct fa_table_state *state;
	__u32 zero = 0;
	__u64 hash;

	if (!config || !view)
		return 0;
	hash = fa_host_hash(config, upper, lower);
	view->address[0] = upper;
	view->address[1] = lower;
	for (__u32 attempt = 0; attempt < FA_HOST_ATTEMPTS; attempt++) {
		struct fa_slot_place at;
		struct fa_host *slot = fa_hosts_find(hash, config->host_mask, &key, &at);

		if (slot && fa_host_read(slot, &at, view))
			return 1;
		state = bpf_map_lookup_elem(&fa_hosts_state, &zero);
		if (!state)
			return 0;
		if (FA_UNLIKELY(FA_ONCE(state->spilled)) && fa_host_find_spilled(&key, view))
			return 1;
		if (!slot)
			return 0;
	}
	return 0;
}

/* The host with this address. */
static __always_inline int fa_host_find(const struct fa_config *config, const __u64 address[2],
					struct fa_host_view *view)
{
	return fa_host_find_far(config, address[0], address[1], view);
}

/* The second line of the host's entry. */
static __always_inline struct fa_host_extra *fa_host_extra(const struct fa_host_view *view)
{
	__u32 index = view->index;

	if (FA_UNLIKELY(index == FA_HOST_SPILLED)) {
		struct fa_host_spilled *spilled = fa_host_spilled(view->address[0], view->address[1]);

		return spilled ? &spilled->extra : 0;
	}
	return bpf_map_lookup_elem(&fa_hosts_extra, &index);
}

static __always_inline void fa_host_touch_slot(struct fa_host *slot)
{
	__u32 now = (__u32)(bpf_jiffies64() >> 8);

	if (slot->last_seen != now)
		slot->last_seen = now;
}

__noinline int fa_host_touch_spilled(__u64 upper, __u64 lower)
{
	struct fa_host_spilled *spilled = fa_host_spilled(upper, lower);

	if (spilled)
		fa_host_touch_slot(&spilled->host);
	return 0;
}

/* A packet of this host was seen; written when the time has changed, not for each packet. */
static __always_inline void fa_host_touch(const struct fa_host_view *view)
{
	__u32 index = view->index;
	struct fa_host *slot = bpf_map_lookup_elem(&fa_hosts, &index);

	if (FA_LIKELY(slot))
		fa_host_touch_slot(slot);
	else
		fa_host_touch_spilled(view->address[0], view->address[1]);
}
