/* SPDX-License-Identifier: BSD-2-Clause */
/* While a node is attached in two places, its anchor may send each packet on both ways [0052]; here the
 * second copy to come is dropped, see fa_duplicate_line. Segments that the interface merged may have
 * been merged otherwise on the other way; then both copies go on, and TCP sorts it out. */
#pragma once

#include "hash.h"
#include "host.h"
#include "mobile_packet.h"

/* Bytes behind the IP header that tell packets apart, the transport checksum among them, and in front of it
 * IPv6's fragment header. */
#define FA_DUPLICATE_BYTES 64u
#define FA_DUPLICATE_ATTEMPTS 8u
/* As many as the map has. */
#define FA_DUPLICATE_LINE_COUNT 8192u

/* Of all that stays the same in a packet on its way: not TTL, class, and IPv4's checksum. */
static __always_inline __u64 fa_duplicate_hash(struct __sk_buff *skb, const struct fa_config *config,
					       const struct fa_ip *ip)
{
	__u64 content[FA_DUPLICATE_BYTES / 8] = {};
	__u64 sum = config->hash_secret[0];
	__u32 header = ip->version == 4 ? ip->header : FA_IPV6_BYTES;
	__u32 cursor = ip->cursor + header;
	__u32 length = ip->length - header;
	__u32 identification = 0;

	if (ip->version == 4)
		bpf_skb_load_bytes(skb, ip->cursor + 4, &identification, 4); /* and which fragment it is */
	if (length > FA_DUPLICATE_BYTES)
		length = FA_DUPLICATE_BYTES;
	FA_OPAQUE(length);
	if (length > 0 && length <= FA_DUPLICATE_BYTES)
		bpf_skb_load_bytes(skb, cursor, content, length);
	sum = fa_hash_add(sum, ip->source[0]);
	sum = fa_hash_add(sum, ip->source[1]);
	sum = fa_hash_add(sum, ip->destination[0]);
	sum = fa_hash_add(sum, ip->destination[1] ^ config->hash_secret[1]);
	sum = fa_hash_add(sum, (__u64)ip->length << 40 | (__u64)ip->protocol << 32 | identification);
	for (__u32 i = 0; i < FA_DUPLICATE_BYTES / 8; i++)
		sum = fa_hash_add(sum, content[i]);
	return fa_hash_finish(sum);
}

/* Time in units of 4 jiffies. */
static __always_inline __u16 fa_duplicate_now(void)
{
	return (__u16)(bpf_jiffies64() >> 2);
}

/* Age of an entry in the same units. */
static __always_inline __u64 fa_duplicate_age(__u64 word, __u16 now)
{
	return (__u16)(now - (__u16)(word >> 16));
}

static __always_inline int fa_duplicate_is(__u64 word, __u32 tag, __u16 now)
{
	return word >> 32 == tag && fa_duplicate_age(word, now) < FA_DUPLICATE_LIFETIME;
}

/* The entry with this tag, otherwise the oldest one. Without branches, of which the verifier would
 * follow all combinations. */
static __always_inline __u32 fa_duplicate_choose(const struct fa_duplicate_line *line, __u32 tag, __u16 now)
{
	__u64 best = 0;

	for (__u32 i = 0; i < FA_DUPLICATE_ENTRIES; i++) {
		__u64 word = FA_ONCE(line->entries[i]);
		__u64 age = fa_duplicate_age(word, now);
		__u64 same = ((word >> 32 ^ tag) - 1) >> 63;
		__u64 fresh = (age - FA_DUPLICATE_LIFETIME) >> 63;
		__u64 score = (same & fresh) << 32 | age << 8 | i;
		__u64 higher = (__u64)((__s64)(best - score) >> 63);

		FA_OPAQUE(higher);
		best += (score - best) & higher;
	}
	return best & (FA_DUPLICATE_ENTRIES - 1);
}

/* Whether the copy puts its way ahead. step: 1 on the attached way, -1 through the tunnel. */
static __always_inline int fa_duplicate_first(__u64 hash, int step)
{
	__u32 index = (__u32)hash & (FA_DUPLICATE_LINE_COUNT - 1);
	struct fa_duplicate_line *line = bpf_map_lookup_elem(&fa_duplicates, &index);
	__u16 now = fa_duplicate_now();
	__u32 tag = (__u32)(hash >> 32);

	if (!line)
		return 1;
	for (__u32 attempt = 0; attempt < FA_DUPLICATE_ATTEMPTS; attempt++) {
		__u64 *entry = &line->entries[fa_duplicate_choose(line, tag, now)];
		__u64 word = FA_ONCE(*entry);
		int ahead = fa_duplicate_is(word, tag, now) ? (__s16)word : 0;
		__u64 next;

		if (ahead * step < FA_DUPLICATE_LEAD_LIMIT)
			ahead += step;
		next = (__u64)tag << 32 | (__u64)now << 16 | (__u16)ahead;
		if (__sync_val_compare_and_swap(entry, word, next) == word)
			return step > 0 ? ahead > 0 : ahead < 0;
	}
	return 1;
}

/* Whether the copy is the first of its packet. */
__noinline int fa_mobile_first(struct __sk_buff *skb, const struct fa_ip *ip, int step)
{
	struct fa_config *config;
	__u32 zero = 0;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !ip)
		return 1;
	return fa_duplicate_first(fa_duplicate_hash(skb, config, ip), step);
}
