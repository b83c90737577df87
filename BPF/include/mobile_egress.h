/* SPDX-License-Identifier: BSD-2-Clause */
/* The way out of a mobile node. */
#pragma once

#include "mobile_flow.h"
#include "mobile_icmp.h"
#include "mobile_segment.h"
#include "mobile_tunnel.h"

/* skb->tc_index of packets that this program has sent itself and meets again: it is done with them, or
 * they go out of the port that is added to it, as they are. */
#define FA_MOBILE_DONE 0xfa00u
#define FA_MOBILE_SEND 0xfb00u
#define FA_MOBILE_MARK_MASK 0xff00u

/* skb->pkt_type, as linux/if_packet.h has it. */
#define FA_PACKET_OTHERHOST 3u

/* What never goes through a tunnel: multicast, broadcast, link-local, and neighbour discovery, which
 * may use any of this node's addresses as its source. */
static __always_inline int fa_mobile_stays(struct __sk_buff *skb, const struct fa_ip *ip)
{
	__u32 cursor = fa_transport_cursor(ip);

	if (ip->version == 4) {
		__u32 destination = FA_BE32(fa_v4_address(ip->destination[1]));

		return destination >= 0xe0000000u || destination >> 16 == 0xa9fe;
	}
	if ((ip->destination[0] & 0xff) == 0xff || (ip->destination[0] & 0xc0ff) == 0x80fe)
		return 1;
	/* What looks like its type in a later fragment is anything. */
	if (FA_UNLIKELY(ip->protocol == FA_PROTOCOL_ICMPV6) && ip->fragment != FA_FRAGMENT_LATER &&
	    cursor <= FA_CURSOR_LIMIT) {
		__u8 *type = FA_SKB_DATA(skb) + cursor;

		return (void *)(type + 1) <= FA_SKB_END(skb) && *type >= 133 && *type <= 137;
	}
	return 0;
}

static __always_inline __u32 fa_mobile_interface(__u32 port)
{
	struct fa_port *entry = bpf_map_lookup_elem(&fa_ports, &port);

	return entry ? entry->ifindex : 0;
}

/* As it is, on the interface of the port; the kernel finds the neighbour if it had another in mind. */
static __always_inline int fa_mobile_plain(struct __sk_buff *skb, __u32 port)
{
	__u32 interface = fa_mobile_interface(port);

	if (FA_LIKELY(interface == 0 || interface == skb->ifindex))
		return FA_MOBILE_PASS;
	fa_count(FA_REASON_FORWARDED);
	skb->tc_index = FA_MOBILE_DONE;
	return (int)bpf_redirect_neigh(interface, 0, 0, 0);
}

/* Sends a copy as it is on the attached way. To find another interface's neighbour takes the kernel,
 * which does that for a packet but not for a copy; so the copy comes around once more, here or, out of the
 * segmenter, whose interface has no program on its way out, at the uplink that it is for. */
static __always_inline void fa_mobile_copy(struct __sk_buff *skb, const struct fa_host_extra *extra, int segmented)
{
	__u32 port = extra->neighbour.port & (FA_PORT_LIMIT - 1);
	__u32 interface = fa_mobile_interface(port);

	if (segmented && interface == 0)
		return;
	skb->tc_index = interface == 0 || interface == skb->ifindex ? FA_MOBILE_DONE : FA_MOBILE_SEND + port;
	bpf_clone_redirect(skb, segmented ? interface : skb->ifindex, 0);
	skb->tc_index = 0;
	fa_mobile_reach(skb);
}

/* A packet that this program has sent itself. */
static __always_inline int fa_mobile_again(struct __sk_buff *skb, __u32 mark)
{
	if ((mark & FA_MOBILE_MARK_MASK) == FA_MOBILE_SEND) {
		skb->tc_index = FA_MOBILE_DONE;
		/* Where the link has just gone, the neighbour is not found, and the kernel would tell the sender that
		 * its packet was lost while the one through the tunnel arrives. It answers what is for this host alone.
		 */
		bpf_skb_change_type(skb, FA_PACKET_OTHERHOST);
		return (int)bpf_redirect_neigh(fa_mobile_interface(mark & (FA_PORT_LIMIT - 1)), 0, 0, 0);
	}
	skb->tc_index = 0;
	return FA_MOBILE_PASS;
}

/* Through the tunnel to the anchor of the source address. segmented: has been through fa_segmenter. */
__noinline int fa_mobile_to_anchor(struct __sk_buff *skb, const struct fa_ip *ip, const struct fa_mobile_own *own,
				   int segmented)
{
	struct fa_outer outer = {};
	struct fa_path *path;
	__u32 interface;
	__u32 reason;
	__u32 index;
	__u64 room;
	int copies;

	if (!ip || !own)
		return TC_ACT_SHOT;
	index = own->path;
	path = bpf_map_lookup_elem(&fa_paths, &index);
	if (!path)
		return fa_mobile_exit(FA_REASON_NO_ROUTE);
	outer.path = &path->copies[FA_ONCE(path->generation) & 1];
	if (FA_UNLIKELY(outer.path->flags & FA_PATH_DROP)) {
		reason = outer.path->reason;
		return fa_mobile_exit(reason >= FA_REASON_FIRST_DROP && reason < FA_REASON_COUNT ? reason
												 : FA_REASON_NO_ROUTE);
	}
	if (!(outer.path->flags & (FA_PATH_TUNNEL_V4 | FA_PATH_TUNNEL_V6)))
		return fa_mobile_exit(FA_REASON_NO_ROUTE);
	/* The segmenter's interface leads nowhere. */
	if (segmented && fa_mobile_interface(outer.path->port) == 0)
		return fa_mobile_exit(FA_REASON_NO_ROUTE);
	outer.push = fa_outer_bytes(outer.path->flags);
	outer.key_be = own->tunnel_key_be;
	outer.destination[0] = own->peer[0];
	outer.destination[1] = own->peer[1];
	if (!(outer.path->flags & FA_PATH_PEER_FROM_HOST)) {
		outer.destination[0] = outer.path->destination.halves_be[0];
		outer.destination[1] = outer.path->destination.halves_be[1];
	}
	if (FA_UNLIKELY(!fa_outer_fits(skb, ip, &outer, &room)))
		return fa_mobile_too_big(skb, ip, outer.path->mtu);
	if (!segmented && fa_segmenter && outer.path->flags & FA_PATH_SEQUENCED) {
		/* There segments keep the size that they have. */
		if (!(room & BPF_F_ADJ_ROOM_FIXED_GSO))
			return fa_mobile_too_big(skb, ip, outer.path->mtu);
		return (int)bpf_redirect(fa_segmenter, 0);
	}
	copies = (own->flags & FA_HOST_BICAST) && (own->flags & FA_HOST_ATTACHED);
	if (FA_UNLIKELY(copies || (outer.path->flags & FA_PATH_SEQUENCED))) {
		struct fa_host_extra *extra = fa_mobile_extra(ip->source);

		if (!extra)
			return fa_mobile_exit(FA_REASON_NO_ROUTE);
		if (copies)
			fa_mobile_copy(skb, extra, segmented);
		if (outer.path->flags & FA_PATH_SEQUENCED)
			outer.sequence = __sync_fetch_and_add(&extra->transmit_sequence, 1);
	}
	interface = fa_mobile_interface(outer.path->port);
	reason = fa_mobile_encapsulate(skb, ip, &outer, room);
	if (reason != FA_REASON_NONE)
		return fa_mobile_exit(reason);
	fa_count(FA_REASON_ENCAPSULATED);
	if (interface == 0)
		interface = skb->ifindex;
	if (outer.path->flags & FA_PATH_RESOLVED && interface == skb->ifindex)
		return FA_MOBILE_PASS;
	skb->tc_index = FA_MOBILE_DONE;
	if (outer.path->flags & FA_PATH_RESOLVED)
		return (int)bpf_redirect(interface, 0);
	return (int)bpf_redirect_neigh(interface, 0, 0, 0);
}

static __always_inline int fa_egress(struct __sk_buff *skb)
{
	struct fa_mobile_own own = {};
	struct fa_host_extra *extra;
	struct fa_config *config;
	struct fa_ip ip = {};
	__u32 zero = 0;
	__u32 mark = skb->tc_index;
	__u32 both;

	if (FA_UNLIKELY((mark & FA_MOBILE_MARK_MASK) == FA_MOBILE_DONE ||
			(mark & FA_MOBILE_MARK_MASK) == FA_MOBILE_SEND))
		return fa_mobile_again(skb, mark);
	fa_mobile_reach(skb);
	if (fa_mobile_parse(skb, &ip) != FA_REASON_NONE || ip.version == 0)
		return FA_MOBILE_PASS;
	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || fa_mobile_stays(skb, &ip) || !fa_mobile_own(ip.source, &own))
		return FA_MOBILE_PASS;
	fa_mobile_limit_segments(skb, config, &ip);
	fa_flow_seen(skb, &ip, &own, 1);

	both = own.flags & (FA_HOST_ATTACHED | FA_HOST_TUNNELLED);
	if (both == FA_HOST_ATTACHED)
		return fa_mobile_plain(skb, (__u32)own.peer[1]);
	if (both == 0)
		return FA_MOBILE_PASS;
	if (both == FA_HOST_TUNNELLED || own.flags & (FA_HOST_BICAST | FA_HOST_PREFER_TUNNEL))
		return fa_mobile_to_anchor(skb, &ip, &own, 0);
	extra = fa_mobile_extra(ip.source);
	return extra ? fa_mobile_plain(skb, extra->neighbour.port) : FA_MOBILE_PASS;
}

/* What comes out of the segmenter: recorded already, and known to go through a tunnel. */
static __always_inline int fa_segmented(struct __sk_buff *skb)
{
	struct fa_mobile_own own = {};
	struct fa_config *config;
	struct fa_ip ip = {};
	__u32 zero = 0;

	fa_mobile_reach(skb);
	if (fa_mobile_parse(skb, &ip) != FA_REASON_NONE || ip.version == 0)
		return FA_MOBILE_PASS;
	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !fa_mobile_own(ip.source, &own))
		return FA_MOBILE_PASS;
	if (!(own.flags & FA_HOST_TUNNELLED))
		return fa_mobile_exit(FA_REASON_NO_ROUTE);
	return fa_mobile_to_anchor(skb, &ip, &own, 1);
}
