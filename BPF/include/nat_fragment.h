/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that come in fragments: the first has the ports, the later ones find them by what all have in common
 * (RFC 4787, section 11). One entry a bucket: a newer packet takes an older one's place. */
#pragma once

#include "translation.h"

static __always_inline struct fa_nat_fragment *fa_fragment_bucket(const struct fa_config *config,
								  const struct fa_nat_fragment *wanted)
{
	const __u64 words[3] = {
	    wanted->source_be | (__u64)wanted->destination_be << 32,
	    wanted->identification_be | (__u64)wanted->protocol << 16,
	    0,
	};
	__u32 index = (__u32)fa_hash_translation(config->hash_secret, words) & (FA_NAT_FRAGMENT_BUCKETS - 1);

	return bpf_map_lookup_elem(&fa_nat_fragments, &index);
}

static __always_inline int fa_fragment_describe(fa_context *context, const struct fa_ip *ip,
						struct fa_nat_fragment *wanted)
{
	__u32 cursor = ip->cursor;
	void *header;

	if (cursor > FA_CURSOR_LIMIT)
		return 0;
	header = FA_DATA(context) + cursor;
	if (header + FA_IPV4_BYTES > FA_DATA_END(context))
		return 0;
	wanted->source_be = fa_v4_address(ip->source[1]);
	wanted->destination_be = fa_v4_address(ip->destination[1]);
	wanted->identification_be = fa_load16(header + 4);
	wanted->protocol = ip->protocol;
	return 1;
}

/* Remembers the ports of a first fragment, source first. */
__noinline int fa_fragment_learn(fa_context *context, const struct fa_ip *ip, __u32 ports)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_fragment wanted = {};
	struct fa_nat_fragment *entry;
	__u64 generation;

	if (!config || !ip || !fa_fragment_describe(context, ip, &wanted))
		return 0;
	entry = fa_fragment_bucket(config, &wanted);
	if (!entry)
		return 0;
	generation = FA_ONCE(entry->generation);
	if (generation & 1 || __sync_val_compare_and_swap(&entry->generation, generation, generation + 1) != generation)
		return 0;
	entry->source_be = wanted.source_be;
	entry->destination_be = wanted.destination_be;
	entry->identification_be = wanted.identification_be;
	entry->protocol = wanted.protocol;
	entry->ports = ports;
	entry->first_seen = (__u32)(bpf_jiffies64() >> 8);
	FA_COMPILER_BARRIER();
	FA_ONCE(entry->generation) = generation + 2;
	return 1;
}

/* The ports of the packet that a later fragment belongs to; 0 if they are not known. */
__noinline int fa_fragment_ports(fa_context *context, const struct fa_ip *ip, __u32 *ports)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_fragment wanted = {};
	struct fa_nat_fragment *entry;
	__u64 generation;

	if (!config || !ip || !ports || !fa_fragment_describe(context, ip, &wanted))
		return 0;
	entry = fa_fragment_bucket(config, &wanted);
	if (!entry)
		return 0;
	generation = FA_ONCE(entry->generation);
	FA_COMPILER_BARRIER();
	*ports = entry->ports;
	if (generation & 1 || !generation || entry->source_be != wanted.source_be ||
	    entry->destination_be != wanted.destination_be || entry->identification_be != wanted.identification_be ||
	    entry->protocol != wanted.protocol ||
	    (__u32)(bpf_jiffies64() >> 8) - entry->first_seen > FA_NAT_FRAGMENT_LIFETIME)
		return 0;
	FA_COMPILER_BARRIER();
	return FA_ONCE(entry->generation) == generation;
}
