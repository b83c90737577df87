/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of translations as a packet sees it, see fa_nat.h. */
#pragma once

#include "checksum.h"
#include "parse.h"
#include "route.h"
#include "translation_table.h"

#define FA_ICMP_ECHO_REPLY 0u
#define FA_ICMP_ECHO_REQUEST 8u
#define FA_ICMP_TIMESTAMP_REQUEST 13u
#define FA_ICMP_TIMESTAMP_REPLY 14u

static __always_inline int fa_subscribers_equals(const struct fa_subscriber *slot, const struct fa_subscriber_key *key)
{
	return slot->key.address_be == key->address_be && slot->key.realm == key->realm;
}

FA_TABLE(fa_subscribers, fa_subscriber, fa_subscribers, fa_subscribers_state, fa_subscriber_key)

/* The second word of a key: ports with the local one first, as loaded. */
static __always_inline __u64 fa_nat_word(__u32 ports, __u8 protocol, __u8 kind)
{
	return ports | (__u64)protocol << 32 | (__u64)kind << 40;
}

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_nat_key, protocol) == 12, "second word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_nat_key, kind) == 13, "second word");

/* What is written into a packet, as two words of the slot: address, port, header_sum; transport_sum in the lowest bits.
 */
struct fa_rewrite {
	__u64 first;
	__u64 second;
};

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, port_be) == 36, "first word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, header_sum) == 38, "first word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, transport_sum) == 40, "second word");

static __always_inline __be32 fa_rewrite_address(const struct fa_rewrite *rewrite)
{
	return (__be32)rewrite->first;
}

static __always_inline __be16 fa_rewrite_port(const struct fa_rewrite *rewrite)
{
	return (__be16)(rewrite->first >> 32);
}

static __always_inline __u16 fa_rewrite_header_sum(const struct fa_rewrite *rewrite)
{
	return (__u16)(rewrite->first >> 48);
}

static __always_inline __u16 fa_rewrite_transport_sum(const struct fa_rewrite *rewrite)
{
	return (__u16)rewrite->second;
}

/* Copies what the slot has written; whether it was all of one entry. */
static __always_inline int fa_rewrite_copy(struct fa_translation *slot, __u64 word, struct fa_rewrite *rewrite)
{
	const volatile __u64 *words = (const volatile __u64 *)&slot->address_be;

	rewrite->first = words[0];
	rewrite->second = words[1];
	return fa_slot_unchanged(&slot->header, word);
}

/* A packet was seen: written when something changes, not for each. */
static __always_inline void fa_translation_touch(struct fa_translation *slot, __u32 seen)
{
	__u32 now = (__u32)(bpf_jiffies64() >> 8);

	if (slot->last_seen != now)
		slot->last_seen = now;
	if (FA_UNLIKELY(seen & ~FA_ONCE(slot->seen)))
		__sync_fetch_and_or(&slot->seen, seen);
}

/* A checksum to which a sum is added (RFC 1624, equation 3). */
static __always_inline __u16 fa_checksum_add(__u16 checksum, __u16 sum)
{
	return (__u16)~fa_checksum_fold((__u32)(__u16)~checksum + sum);
}

/* What is added to a checksum over the header where one address takes the place of another. */
static __always_inline __u16 fa_sum_of_address(__be32 old_be, __be32 new_be)
{
	return fa_checksum_fold((__u16)~old_be + (__u32)(__u16)(~old_be >> 16) + (__u16)new_be + (new_be >> 16));
}

/* The same of a port, beside what the pseudo header adds. */
static __always_inline __u16 fa_sum_of_port(__u16 sum, __be16 old_be, __be16 new_be)
{
	return fa_checksum_fold((__u32)sum + (__u16)~old_be + new_be);
}

static __always_inline int fa_is_in_block(const struct fa_block *block, __be32 address_be)
{
	return (address_be & block->mask_be) == block->address_be;
}

/* Whether packets of the host are translated on their way to the core. */
static __always_inline int fa_is_inside(const struct fa_config *config, const __u64 address[2])
{
	FA_LOOP
	for (__u32 i = 0; i < FA_INSIDE_LIMIT && i < config->inside_count; i++)
		if (fa_is_in_block(&config->inside[i], fa_v4_address(address[1])))
			return 1;
	return 0;
}

/* Whether inside hosts go there with their own addresses. */
static __always_inline int fa_is_exempt(const struct fa_config *config, const __u64 address[2])
{
	FA_LOOP
	for (__u32 i = 0; i < FA_INSIDE_LIMIT && i < config->exempt_count; i++)
		if (fa_is_in_block(&config->exempt[i], fa_v4_address(address[1])))
			return 1;
	return 0;
}

/* Which outside address it is, plus one; 0 for none. */
static __always_inline __u32 fa_outside_number(const struct fa_config *config, const __u64 address[2])
{
	__u32 value = __builtin_bswap32(fa_v4_address(address[1]));

	FA_LOOP
	for (__u32 i = 0; i < FA_OUTSIDE_LIMIT && i < config->outside_count; i++)
		if (value - config->outside[i].first < config->outside[i].count)
			return config->outside[i].index + (value - config->outside[i].first) + 1;
	return 0;
}

/* Row of a protocol in the ports' maps, FA_NAT_PROTOCOLS for another. */
static __always_inline __u32 fa_nat_row(__u8 protocol)
{
	switch (protocol) {
	case FA_PROTOCOL_TCP:
		return FA_NAT_TCP;
	case FA_PROTOCOL_UDP:
		return FA_NAT_UDP;
	case FA_PROTOCOL_ICMP:
		return FA_NAT_ICMP;
	default:
		return FA_NAT_PROTOCOLS;
	}
}
