/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that a node sends on both its attachments [0052]: the first one goes on, whichever it is. See
 * fa_duplicate_line. */
#pragma once

#include "hash.h"
#include "maps.h"
#include "parse.h"

#define FA_WAY_ATTACHED 0u
#define FA_WAY_TUNNEL 1u

#define FA_DUPLICATE_ATTEMPTS 4u
#define FA_DUPLICATE_LINE_MASK 8191u

/* The hash of what doesn't change in a packet on its way: not TOS, TTL and checksum. The transport's
 * checksum is among the first bytes, and stands for what is behind them. */
static __always_inline __u64 fa_content_hash(void *data, void *end, __u32 cursor, __u64 secret)
{
	void *header = data + cursor;
	__u64 sum = secret;
	void *payload;

	if (header + FA_IPV4_BYTES > end)
		return 0;
	if ((*(__u8 *)header & 0xf0) == 0x40) {
		sum = fa_hash_add(sum, fa_load64(header) & ~0xff00ull);
		sum = fa_hash_add(sum, fa_load32(header + 12) | (__u64)fa_load32(header + 16) << 32);
		sum = fa_hash_add(sum, *(__u8 *)(header + 9));
		payload = header + FA_IPV4_BYTES;
	} else {
		if (header + FA_IPV6_BYTES > end)
			return 0;
		sum = fa_hash_add(sum, fa_load64(header) & ~0xff0000000000f00full);
		for (__u32 i = 8; i < FA_IPV6_BYTES; i += 8)
			sum = fa_hash_add(sum, fa_load64(header + i));
		payload = header + FA_IPV6_BYTES;
	}
	for (__u32 i = 0; i < 40; i += 4) {
		if (payload + i + 4 > end)
			break;
		sum = fa_hash_add(sum, fa_load32(payload + i));
	}
	return sum ^ sum >> 32;
}

/* Whether the entry is of this packet, and not of one long ago. */
static __always_inline int fa_duplicate_is(__u64 entry, __u32 tag, __u16 now)
{
	return (__u32)(entry >> 32) == tag && (__u16)(now - (__u16)(entry >> 16)) <= FA_DUPLICATE_LIFETIME;
}

/* Counts the copy and tells whether it is to be dropped. */
__noinline int fa_is_duplicate(fa_context *context, __u32 cursor, __u32 way, __u64 secret)
{
	__u16 now = (__u16)(bpf_jiffies64() >> 2);
	struct fa_duplicate_line *line;
	__u64 hash;
	__u32 index;
	__u32 tag;

	if (cursor > FA_CURSOR_LIMIT)
		return 0;
	hash = fa_content_hash(FA_DATA(context), FA_DATA_END(context), cursor, secret);
	index = (__u32)hash & FA_DUPLICATE_LINE_MASK;
	tag = fa_hash_tag(hash);
	line = bpf_map_lookup_elem(&fa_duplicates, &index);
	if (!line)
		return 0;
	for (__u32 attempt = 0; attempt < FA_DUPLICATE_ATTEMPTS; attempt++) {
		__u32 oldest_age = 0;
		__u32 at = 0;
		__u64 found = 0;
		__u64 next;
		int lead = 0;

		for (__u32 i = 0; i < FA_DUPLICATE_ENTRIES; i++) {
			__u64 entry = FA_ONCE(line->entries[i]);
			__u32 age = entry ? (__u16)(now - (__u16)(entry >> 16)) : 0x10000;

			if (fa_duplicate_is(entry, tag, now)) {
				found = entry;
				lead = (short)(__u16)entry;
				at = i;
				break;
			}
			if (i == 0 || age > oldest_age) {
				oldest_age = age;
				found = entry;
				at = i;
			}
		}
		if (way == FA_WAY_ATTACHED) {
			if (lead < FA_DUPLICATE_LEAD_LIMIT)
				lead += 1;
		} else if (lead > -FA_DUPLICATE_LEAD_LIMIT) {
			lead -= 1;
		}
		next = (__u64)tag << 32 | (__u64)now << 16 | (__u16)lead;
		at &= FA_DUPLICATE_ENTRIES - 1;
		if (__sync_val_compare_and_swap(&line->entries[at], found, next) == found)
			return way == FA_WAY_ATTACHED ? lead <= 0 : lead >= 0;
	}
	return 0;
}
