/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing packets on tc, where only the first bytes of a packet are sure to be in reach. */
#pragma once

#include <linux/pkt_cls.h>

#include "count.h"
#include "host.h"
#include "mobile_maps.h"
#include "parse.h"

/* Enough for a link header, an outer IPv6 header, GRE, an inner one and TCP without options. */
#define FA_MOBILE_REACH 128u

/* Goes on to the next filter, and then to where the packet was going. */
#define FA_MOBILE_PASS TC_ACT_UNSPEC

#define FA_SKB_DATA(skb) ((void *)(long)(skb)->data)
#define FA_SKB_END(skb) ((void *)(long)(skb)->data_end)

static __always_inline __u32 fa_now(void)
{
	return (__u32)(bpf_jiffies64() >> 8);
}

/* Makes the headers of a packet directly readable. Pointers into the packet end with it. */
static __always_inline void fa_mobile_reach(struct __sk_buff *skb)
{
	__u32 wanted = skb->len < FA_MOBILE_REACH ? skb->len : FA_MOBILE_REACH;

	if (FA_UNLIKELY(FA_SKB_DATA(skb) + wanted > FA_SKB_END(skb)))
		bpf_skb_pull_data(skb, wanted);
}

/* The end of a packet for a reason: dropped, or left to where it was going. */
static __always_inline int fa_mobile_exit(__u32 reason)
{
	if (reason == FA_REASON_NONE)
		return FA_MOBILE_PASS;
	fa_count(reason);
	return reason >= FA_REASON_FIRST_DROP ? TC_ACT_SHOT : FA_MOBILE_PASS;
}

/* The IP header that the frame begins with. FA_REASON_NONE with version 0: not IP. A packet that is not all
 * there is malformed, too: the stack will drop it, and it must not count as the first of two copies. */
static __always_inline __u32 fa_mobile_parse(struct __sk_buff *skb, struct fa_ip *ip)
{
	void *data = FA_SKB_DATA(skb);
	void *end = FA_SKB_END(skb);
	__u32 reason;

	ip->version = 0;
	if (skb->protocol == FA_BE16(FA_ETHERTYPE_IPV4))
		reason = fa_parse_ipv4(data, end, fa_link_header, ip);
	else if (skb->protocol == FA_BE16(FA_ETHERTYPE_IPV6))
		reason = fa_parse_ipv6(skb, data, end, fa_link_header, ip);
	else
		return FA_REASON_NONE;
	if (reason == FA_REASON_NONE && ip->length > skb->len - fa_link_header)
		return FA_REASON_MALFORMED;
	return reason;
}

/* Distance of the transport header from the start of the frame; one number, so that a check of it holds
 * for the verifier, too. */
static __always_inline __u32 fa_transport_cursor(const struct fa_ip *ip)
{
	__u32 cursor = ip->cursor + ip->header;

	FA_OPAQUE(cursor);
	return cursor;
}

static __always_inline int fa_is_tunnel(__u8 protocol)
{
	return protocol == FA_PROTOCOL_IPV4 || protocol == FA_PROTOCOL_IPV6 || protocol == FA_PROTOCOL_GRE;
}

/* Packets on the wire that an aggregate stands for. */
static __always_inline __u32 fa_segments(struct __sk_buff *skb)
{
	__u32 segments = skb->gso_segs;
	__u32 size = skb->gso_size;

	/* Not counted by everything that makes or changes one. */
	if (segments == 0 && size)
		segments = (skb->len + size - 1) / size;
	return segments ? segments : 1;
}

/* An address of this node, for functions that can't be given pointers to its entry. */
struct fa_mobile_own {
	__u64 peer[2]; /* or where it is attached, see fa_host_value */
	__u32 path;
	__u32 flags;
	__be32 tunnel_key_be;
	__u32 pad;
};

/* Finds the entry of one of this node's own addresses. Like all functions here that are not static, the
 * verifier goes through it once, and its variables don't add to those of the callers of others. */
__noinline int fa_mobile_find(const struct fa_address *address, struct fa_mobile_own *own)
{
	struct fa_host_view view = {};
	struct fa_config *config;
	__u64 halves[2];
	__u32 zero = 0;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !address || !own)
		return 0;
	halves[0] = address->halves_be[0];
	halves[1] = address->halves_be[1];
	if (!fa_host_find(config, halves, &view) || !(view.flags & FA_HOST_OWN))
		return 0;
	own->peer[0] = view.peer[0];
	own->peer[1] = view.peer[1];
	own->path = view.path;
	own->flags = view.flags;
	own->tunnel_key_be = view.tunnel_key_be;
	own->pad = 0;
	fa_host_touch(&view);
	return 1;
}

static __always_inline int fa_mobile_own(const __u64 address[2], struct fa_mobile_own *own)
{
	struct fa_address key = {.halves_be = {address[0], address[1]}};

	return fa_mobile_find(&key, own);
}

/* The second line of the entry, which few packets need; a function of its own, for the stack that it takes. */
static __noinline struct fa_host_extra *fa_mobile_extra(const __u64 address[2])
{
	struct fa_host_view view = {};
	struct fa_config *config;
	__u32 zero = 0;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !fa_host_find_far(config, address[0], address[1], &view))
		return 0;
	return fa_host_extra(&view);
}
