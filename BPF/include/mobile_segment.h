/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP's maximum segment size, lowered in SYNs of either direction, so that a connection that begins
 * before a move fits into the tunnel after it (RFC 9293, section 3.7.1). */
#pragma once

#include "mobile_packet.h"

#define FA_TCP_BYTES 20u
#define FA_TCP_OPTION_BYTES 40u
#define FA_TCP_OPTION_END 0u
#define FA_TCP_OPTION_NOTHING 1u
#define FA_TCP_OPTION_MSS 2u
/* Options that are looked at before the one sought. */
#define FA_TCP_OPTION_LIMIT 8u

/* Where the MSS option's value is among the options, 0 if there is none. */
static __always_inline __u32 fa_mobile_mss_offset(const __u8 *options, __u32 length)
{
	__u32 at = 0;

	for (__u32 i = 0; i < FA_TCP_OPTION_LIMIT; i++) {
		__u8 kind;

		if (at + 4 > length || at > FA_TCP_OPTION_BYTES - 4)
			return 0;
		kind = options[at];
		if (kind == FA_TCP_OPTION_END)
			return 0;
		if (kind == FA_TCP_OPTION_NOTHING) {
			at++;
			continue;
		}
		if (kind == FA_TCP_OPTION_MSS && options[at + 1] == 4)
			return at + 2;
		if (options[at + 1] < 2)
			return 0;
		at += options[at + 1];
	}
	return 0;
}

__noinline int fa_mobile_clamp(struct __sk_buff *skb, __u32 transport, __u32 limit)
{
	__u8 options[FA_TCP_OPTION_BYTES + 4] = {};
	__u32 length;
	__u32 offset;
	__u16 value_be;
	__u16 limit_be = FA_BE16((__u16)limit);
	__u8 header;

	if (bpf_skb_load_bytes(skb, transport + 12, &header, 1))
		return 0;
	length = (header >> 4) * 4u;
	if (length < FA_TCP_BYTES + 4)
		return 0;
	length -= FA_TCP_BYTES;
	FA_OPAQUE(length);
	if (length == 0 || length > FA_TCP_OPTION_BYTES ||
	    bpf_skb_load_bytes(skb, transport + FA_TCP_BYTES, options, length))
		return 0;
	offset = fa_mobile_mss_offset(options, length);
	if (offset == 0 || offset > FA_TCP_OPTION_BYTES - 2)
		return 0;
	value_be = (__u16)(options[offset] | options[offset + 1] << 8);
	if (__builtin_bswap16(value_be) <= limit)
		return 0;
	offset += transport + FA_TCP_BYTES;
	/* At an odd distance the value is in the lower half of one word and the upper half of the next. The
	 * helper leaves the checksum of a packet alone whose checksum the interface has yet to make. */
	if ((offset - transport) & 1)
		bpf_l4_csum_replace(skb, transport + 16, __builtin_bswap16(value_be), __builtin_bswap16(limit_be), 2);
	else
		bpf_l4_csum_replace(skb, transport + 16, value_be, limit_be, 2);
	bpf_skb_store_bytes(skb, offset, &limit_be, 2, 0);
	return 1;
}

/* Ends pointers into the packet where it is a SYN. */
static __always_inline void fa_mobile_limit_segments(struct __sk_buff *skb, const struct fa_config *config,
						     const struct fa_ip *ip)
{
	__u32 transport = fa_transport_cursor(ip);
	__u32 limit = ip->version == 4 ? config->mss_v4 : config->mss_v6;
	void *header;

	if (ip->protocol != FA_PROTOCOL_TCP || ip->fragment == FA_FRAGMENT_LATER || limit == 0 ||
	    transport > FA_CURSOR_LIMIT)
		return;
	header = FA_SKB_DATA(skb) + transport;
	if (header + FA_TCP_BYTES > FA_SKB_END(skb))
		return;
	if (FA_UNLIKELY(*(__u8 *)(header + 13) & 0x02) && fa_mobile_clamp(skb, transport, limit))
		fa_mobile_reach(skb);
}
