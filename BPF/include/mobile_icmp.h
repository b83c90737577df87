/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP on a mobile node: the answer to its own stack when a packet is too big for the tunnel, and the
 * errors that others send about packets that it has encapsulated. */
#pragma once

#include "checksum.h"
#include "host.h"
#include "limit.h"
#include "mobile_packet.h"

/* How much of the packet an answer quotes, its IP header included: enough for IPv6 with extension
 * headers, and less than any packet that can be too big. */
#define FA_MOBILE_QUOTE 256u
#define FA_MOBILE_ICMP_BYTES 8u
#define FA_MOBILE_IPV6_MTU 1280u

static __always_inline void fa_mobile_turn(void *data)
{
	__u32 upper = fa_load32(data);
	__u16 lower = fa_load16(data + 4);

	fa_store32(data, fa_load32(data + 6));
	fa_store16(data + 4, fa_load16(data + 10));
	fa_store32(data + 6, upper);
	fa_store16(data + 10, lower);
}

/* Writes what was made room for at data: an error from the packet's destination to its source, which
 * the stack takes however it is set to check sources, since it sends to that destination itself. */
static __always_inline void fa_mobile_icmp_v4(void *header, const struct fa_ip *ip, __u32 mtu)
{
	__u32 sum;

	fa_store32(header, FA_BE32(0x45c00000u | (FA_IPV4_BYTES + FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE)));
	fa_store32(header + 4, FA_BE32(0x00004000u));
	fa_store32(header + 8, FA_BE32(0x40010000u));
	fa_store32(header + 12, fa_v4_address(ip->destination[1]));
	fa_store32(header + 16, fa_v4_address(ip->source[1]));
	sum = (__u32)bpf_csum_diff(0, 0, header, FA_IPV4_BYTES, 0);
	fa_store16(header + 10, (__u16)~fa_checksum_fold((sum & 0xffff) + (sum >> 16)));
	fa_store32(header + FA_IPV4_BYTES, FA_BE32(0x03040000u));
	fa_store32(header + FA_IPV4_BYTES + 4, FA_BE32(mtu));
	sum = (__u32)bpf_csum_diff(0, 0, header + FA_IPV4_BYTES, FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE, 0);
	fa_store16(header + FA_IPV4_BYTES + 2, (__u16)~fa_checksum_fold((sum & 0xffff) + (sum >> 16)));
}

static __always_inline void fa_mobile_icmp_v6(void *header, const struct fa_ip *ip, __u32 mtu)
{
	__u32 sum = FA_BE32(FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE);

	fa_store32(header, FA_BE32(0x60000000u));
	fa_store32(header + 4, FA_BE32((FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE) << 16 | FA_PROTOCOL_ICMPV6 << 8 | 64));
	fa_store64(header + 8, ip->destination[0]);
	fa_store64(header + 16, ip->destination[1]);
	fa_store64(header + 24, ip->source[0]);
	fa_store64(header + 32, ip->source[1]);
	fa_store32(header + FA_IPV6_BYTES, FA_BE32(0x02000000u));
	fa_store32(header + FA_IPV6_BYTES + 4, FA_BE32(mtu < FA_MOBILE_IPV6_MTU ? FA_MOBILE_IPV6_MTU : mtu));
	/* Addresses, message, and of the pseudo-header the length and the next header (RFC 4443, section 2.3). */
	sum =
	    (__u32)bpf_csum_diff(0, 0, header + 8, 32 + FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE,
				 (__u32)FA_BE16(FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE) + FA_BE16(FA_PROTOCOL_ICMPV6));
	fa_store16(header + FA_IPV6_BYTES + 2, (__u16)~fa_checksum_fold((sum & 0xffff) + (sum >> 16)));
}

/* Answers a packet of this node with "fragmentation needed" or "packet too big", handed to the stack
 * as if it had come in on the interface. */
__noinline int fa_mobile_too_big(struct __sk_buff *skb, const struct fa_ip *ip, __u32 mtu)
{
	__u32 added;
	void *data;

	if (!ip)
		return fa_mobile_exit(FA_REASON_TOO_BIG);
	added = (ip->version == 4 ? FA_IPV4_BYTES : FA_IPV6_BYTES) + FA_MOBILE_ICMP_BYTES;
	if (ip->fragment == FA_FRAGMENT_LATER || skb->len < fa_link_header + FA_MOBILE_QUOTE)
		return fa_mobile_exit(FA_REASON_TOO_BIG);
	/* Also takes segmentation offload off the packet. */
	if (bpf_skb_change_tail(skb, fa_link_header + FA_MOBILE_QUOTE, 0) ||
	    bpf_skb_adjust_room(skb, (__s32)added, BPF_ADJ_ROOM_MAC, 0) || bpf_skb_pull_data(skb, skb->len))
		return fa_mobile_exit(FA_REASON_TOO_BIG);
	data = FA_SKB_DATA(skb);
	if (ip->version == 4) {
		if (data + fa_link_header + FA_IPV4_BYTES + FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE > FA_SKB_END(skb))
			return fa_mobile_exit(FA_REASON_TOO_BIG);
		fa_mobile_icmp_v4(data + fa_link_header, ip, mtu);
	} else {
		if (data + fa_link_header + FA_IPV6_BYTES + FA_MOBILE_ICMP_BYTES + FA_MOBILE_QUOTE > FA_SKB_END(skb))
			return fa_mobile_exit(FA_REASON_TOO_BIG);
		fa_mobile_icmp_v6(data + fa_link_header, ip, mtu);
	}
	if (fa_link_header)
		fa_mobile_turn(data);
	fa_count(FA_REASON_ICMP_TOO_BIG);
	return (int)bpf_redirect(skb->ifindex, BPF_F_INGRESS);
}

/* Whether this is an ICMP error about a packet in a tunnel: the daemon is told. */
static __always_inline int fa_mobile_is_tunnel_error(struct __sk_buff *skb, const struct fa_ip *ip)
{
	__u32 cursor = fa_transport_cursor(ip);
	void *message;
	__u8 type;

	if (ip->protocol != (ip->version == 4 ? FA_PROTOCOL_ICMP : FA_PROTOCOL_ICMPV6) ||
	    ip->fragment != FA_FRAGMENT_NONE || cursor > FA_CURSOR_LIMIT)
		return 0;
	message = FA_SKB_DATA(skb) + cursor;
	if (message + FA_MOBILE_ICMP_BYTES + FA_IPV4_BYTES > FA_SKB_END(skb))
		return 0;
	type = *(__u8 *)message;
	message += FA_MOBILE_ICMP_BYTES;
	if (ip->version == 4)
		return (type == 3 || type == 11 || type == 12) && fa_is_tunnel(*(__u8 *)(message + 9));
	return type >= 1 && type <= 4 && fa_is_tunnel(*(__u8 *)(message + 6));
}

/* Hands the packet to the daemon, unless there are too many. */
__noinline int fa_mobile_tell(struct __sk_buff *skb)
{
	struct fa_event *event;
	__u32 length = skb->len - fa_link_header;

	if (!fa_may_answer())
		return 0;
	event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);
	if (!event)
		return 0;
	if (length > FA_EVENT_PACKET_BYTES)
		length = FA_EVENT_PACKET_BYTES;
	FA_OPAQUE(length);
	event->kind = FA_EVENT_ICMP_ERROR;
	event->port = fa_port_index;
	event->reason = FA_REASON_TO_KERNEL_ICMP;
	event->length = length;
	if (length == 0 || length > FA_EVENT_PACKET_BYTES ||
	    bpf_skb_load_bytes(skb, fa_link_header, event->packet, length)) {
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	bpf_ringbuf_submit(event, 0);
	return 1;
}
