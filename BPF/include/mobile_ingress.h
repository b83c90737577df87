/* SPDX-License-Identifier: BSD-2-Clause */
/* The way into a mobile node. */
#pragma once

#include "mobile_duplicate.h"
#include "mobile_flow.h"
#include "mobile_icmp.h"
#include "mobile_segment.h"
#include "mobile_tunnel.h"
#include "peer.h"

/* Counts the copy, where copies come on both ways. */
static __always_inline int fa_mobile_is_first(struct __sk_buff *skb, const struct fa_ip *ip,
					      const struct fa_mobile_own *own, int step)
{
	const __u32 all = FA_HOST_ATTACHED | FA_HOST_TUNNELLED | FA_HOST_BICAST;

	if (FA_LIKELY((own->flags & all) != all))
		return 1;
	return fa_mobile_first(skb, ip, step);
}

/* Whether the packet came through the tunnel that the inner destination's anchor has to this node. */
static __always_inline __u32 fa_mobile_check(const struct fa_inbound *packet, const struct fa_mobile_own *own)
{
	const struct fa_ip *outer = &packet->outer;
	__u32 agreed = 0;

	if (FA_UNLIKELY(!(own->flags & FA_HOST_TUNNELLED) || outer->source[1] != own->peer[1] ||
			outer->source[0] != own->peer[0]) &&
	    !fa_peer_admitted(packet->inner.destination[0], packet->inner.destination[1], outer->source[0],
			      outer->source[1]))
		return FA_REASON_PEER_UNKNOWN;
	/* No tunnel is in force, so there is no kind and no key that could be compared, and no order to begin: the
	 * tunnel's own begins with it. */
	if (FA_UNLIKELY(!(own->flags & FA_HOST_TUNNELLED)))
		return packet->gre & FA_GRE_SEQUENCE ? FA_REASON_TUNNEL_KIND_MISMATCH : FA_REASON_NONE;
	if (own->flags & FA_HOST_GRE)
		agreed = own->flags & FA_HOST_SEQUENCED ? FA_GRE_KEY | FA_GRE_SEQUENCE : FA_GRE_KEY;
	if (packet->gre != agreed)
		return FA_REASON_TUNNEL_KIND_MISMATCH;
	if (agreed && packet->key_be != own->tunnel_key_be)
		return FA_REASON_TUNNEL_KEY_MISMATCH;
	return FA_REASON_NONE;
}

/* A packet in a tunnel to one of this node's addresses. Tunnels to addresses that are none of the
 * node's own are not this program's. */
static __always_inline int fa_mobile_from_anchor(struct __sk_buff *skb, const struct fa_config *config,
						 struct fa_inbound *packet)
{
	struct fa_mobile_own own = {};
	__u32 reason;
	__u32 ecn;

	reason = fa_mobile_parse_inner(skb, packet);
	if (reason != FA_REASON_NONE || packet->outer.fragment != FA_FRAGMENT_NONE) {
		if (!fa_peer_known(packet->outer.source[0], packet->outer.source[1]))
			return FA_MOBILE_PASS;
		return fa_mobile_exit(packet->outer.fragment != FA_FRAGMENT_NONE ? FA_REASON_OUTER_FRAGMENT : reason);
	}
	if (!fa_mobile_own(packet->inner.destination, &own))
		return FA_MOBILE_PASS;
	reason = fa_mobile_check(packet, &own);
	if (reason != FA_REASON_NONE)
		return fa_mobile_exit(reason);
	ecn = fa_ecn_out_of_tunnel(packet->outer.class & FA_ECN_MASK, packet->inner.class & FA_ECN_MASK);
	if (FA_UNLIKELY(ecn == FA_ECN_DROP))
		return fa_mobile_exit(FA_REASON_ECN_INVALID);
	if (packet->gre & FA_GRE_SEQUENCE) {
		struct fa_host_extra *extra = fa_mobile_extra(packet->inner.destination);

		if (!extra || !fa_mobile_in_sequence(extra, packet->sequence))
			return fa_mobile_exit(FA_REASON_SEQUENCE_OLD);
	}
	if (!fa_mobile_is_first(skb, &packet->inner, &own, -1))
		return fa_mobile_exit(FA_REASON_DUPLICATE);

	reason = fa_mobile_decapsulate(skb, packet);
	if (reason != FA_REASON_NONE)
		return fa_mobile_exit(reason);
	packet->inner.cursor = fa_link_header;
	if (FA_UNLIKELY(ecn != (packet->inner.class & FA_ECN_MASK)))
		fa_mobile_mark(skb, &packet->inner, ecn);
	/* Care-of addresses are addresses of this node that move, too: what an anchor sent to one just before it moved
	 * is in the tunnel to the care-of address and, inside, in its own. It comes in once more, one header shorter,
	 * and is counted then. */
	if (FA_UNLIKELY(fa_is_tunnel(packet->inner.protocol)) &&
	    fa_peer_known(packet->inner.source[0], packet->inner.source[1]))
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	fa_mobile_limit_segments(skb, config, &packet->inner);
	fa_flow_seen(skb, &packet->inner, &own, 0);
	fa_count(FA_REASON_DELIVERED);
	return FA_MOBILE_PASS;
}

static __always_inline int fa_ingress(struct __sk_buff *skb)
{
	struct fa_mobile_own own = {};
	struct fa_inbound packet = {};
	struct fa_config *config;
	__u32 zero = 0;

	if (skb->pkt_type != 0 /* PACKET_HOST */)
		return FA_MOBILE_PASS;
	fa_mobile_reach(skb);
	if (fa_mobile_parse(skb, &packet.outer) != FA_REASON_NONE || packet.outer.version == 0)
		return FA_MOBILE_PASS;
	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !fa_mobile_own(packet.outer.destination, &own))
		return FA_MOBILE_PASS;
	if (fa_is_tunnel(packet.outer.protocol))
		return fa_mobile_from_anchor(skb, config, &packet);
	if (FA_UNLIKELY(fa_mobile_is_tunnel_error(skb, &packet.outer))) {
		fa_mobile_tell(skb);
		return fa_mobile_exit(FA_REASON_TO_KERNEL_ICMP);
	}
	if (!fa_mobile_is_first(skb, &packet.outer, &own, 1))
		return fa_mobile_exit(FA_REASON_DUPLICATE);
	fa_mobile_limit_segments(skb, config, &packet.outer);
	fa_flow_seen(skb, &packet.outer, &own, 0);
	return FA_MOBILE_PASS;
}
