/* SPDX-License-Identifier: BSD-2-Clause */
/* Putting packets into tunnels and taking them out, segmentation offload staying in force: an
 * aggregate goes in as one and is cut behind, or is cut by the interface. */
#pragma once

#include "checksum.h"
#include "ecn.h"
#include "host.h"
#include "mobile_packet.h"

/* BPF_F_ADJ_ROOM_DECAP_L3_IPV4 and …_IPV6, newer than some distributions' headers. */
#define FA_DECAP_L3_IPV4 (1ull << 7)
#define FA_DECAP_L3_IPV6 (1ull << 8)

#define FA_GRE_KEY 0x2000u
#define FA_GRE_SEQUENCE 0x1000u
#define FA_GRE_KEYED_BYTES 8u
#define FA_GRE_SEQUENCED_BYTES 12u

/* All that an outer header is made of. */
struct fa_outer {
	const struct fa_path_copy *path;
	__u64 destination[2];
	__u32 push; /* bytes, IP and GRE */
	__be32 key_be;
	__u32 sequence;
};

static __always_inline __u32 fa_outer_bytes(__u16 path_flags)
{
	__u32 bytes = path_flags & FA_PATH_TUNNEL_V4 ? FA_IPV4_BYTES : FA_IPV6_BYTES;

	if (path_flags & FA_PATH_GRE)
		bytes += path_flags & FA_PATH_SEQUENCED ? FA_GRE_SEQUENCED_BYTES : FA_GRE_KEYED_BYTES;
	return bytes;
}

static __always_inline void fa_outer_write_gre(void *gre, const struct fa_outer *outer, const struct fa_ip *ip)
{
	__u32 first = FA_GRE_KEY << 16 | (ip->version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6);

	if (outer->path->flags & FA_PATH_SEQUENCED) {
		first |= FA_GRE_SEQUENCE << 16;
		fa_store32(gre + 8, FA_BE32(outer->sequence));
	}
	fa_store32(gre, FA_BE32(first));
	fa_store32(gre + 4, outer->key_be);
}

static __always_inline void fa_outer_write_v4(void *header, const struct fa_outer *outer, const struct fa_ip *ip,
					      __u8 class, __u8 protocol)
{
	const struct fa_path_copy *path = outer->path;
	__be32 destination = fa_v4_address(outer->destination[1]);
	__u32 length = ip->length + outer->push;
	__u32 first = FA_BE32(0x45000000u | (__u32) class << 16 | (length & 0xffff));
	__u32 ttl = (__u32)path->ttl | (__u32)protocol << 8;
	__u32 sum = path->checksum;

	/* What the path's sum leaves out. */
	sum += (first >> 16) + (first & 0xff00) + (protocol << 8);
	sum += (destination & 0xffff) + (destination >> 16);
	sum = fa_checksum_fold(sum);
	fa_store32(header, first);
	fa_store32(header + 4, FA_BE32(0x00004000u));
	fa_store32(header + 8, ttl | (__u32)(__u16)~sum << 16);
	fa_store32(header + 12, fa_v4_address(path->source.halves_be[1]));
	fa_store32(header + 16, destination);
}

static __always_inline void fa_outer_write_v6(void *header, const struct fa_outer *outer, const struct fa_ip *ip,
					      __u8 class, __u8 protocol)
{
	const struct fa_path_copy *path = outer->path;
	__u32 length = ip->length + outer->push - FA_IPV6_BYTES;

	fa_store32(header, FA_BE32(0x60000000u | (__u32) class << 20));
	fa_store32(header + 4, FA_BE32(length << 16 | (__u32)protocol << 8 | path->ttl));
	fa_store64(header + 8, path->source.halves_be[0]);
	fa_store64(header + 16, path->source.halves_be[1]);
	fa_store64(header + 24, outer->destination[0]);
	fa_store64(header + 32, outer->destination[1]);
}

/* Writes the header that there is room for behind the link header. 0 if there is no such room. */
static __always_inline int fa_outer_write(struct __sk_buff *skb, const struct fa_outer *outer, const struct fa_ip *ip)
{
	const struct fa_path_copy *path = outer->path;
	__u8 class = (path->flags & FA_PATH_COPY_DSCP ? ip->class : path->dscp) & ~FA_ECN_MASK;
	__u8 protocol = ip->version == 4 ? FA_PROTOCOL_IPV4 : FA_PROTOCOL_IPV6;
	void *header = FA_SKB_DATA(skb) + fa_link_header;
	void *end = FA_SKB_END(skb);

	class |= ip->class & FA_ECN_MASK;
	if (path->flags & FA_PATH_GRE)
		protocol = FA_PROTOCOL_GRE;
	/* With an inner header behind it, there is always as much as the longest GRE header has. */
	if (path->flags & FA_PATH_TUNNEL_V4) {
		if (header + FA_IPV4_BYTES + FA_GRE_SEQUENCED_BYTES > end)
			return 0;
		fa_outer_write_v4(header, outer, ip, class, protocol);
		if (path->flags & FA_PATH_GRE)
			fa_outer_write_gre(header + FA_IPV4_BYTES, outer, ip);
	} else {
		if (header + FA_IPV6_BYTES + FA_GRE_SEQUENCED_BYTES > end)
			return 0;
		fa_outer_write_v6(header, outer, ip, class, protocol);
		if (path->flags & FA_PATH_GRE)
			fa_outer_write_gre(header + FA_IPV6_BYTES, outer, ip);
	}
	return 1;
}

/* Writes what the path knows of the link header. */
static __always_inline int fa_outer_write_link(struct __sk_buff *skb, const struct fa_path_copy *path)
{
	const __u8 *mac = path->mac_destination;
	void *frame = FA_SKB_DATA(skb);

	if (fa_link_header == 0)
		return 1;
	if (frame + FA_ETHERNET_BYTES > FA_SKB_END(skb))
		return 0;
	if (path->flags & FA_PATH_RESOLVED) {
		fa_store32(frame, *(const __u32 *)mac);
		fa_store64(frame + 4, *(const __u64 *)(mac + 4));
	}
	fa_store16(frame + 12,
		   path->flags & FA_PATH_TUNNEL_V4 ? FA_BE16(FA_ETHERTYPE_IPV4) : FA_BE16(FA_ETHERTYPE_IPV6));
	return 1;
}

/* Bytes of a packet on the wire before it is put into the tunnel: of an aggregate, of each segment. */
static __always_inline __u32 fa_wire_length(struct __sk_buff *skb, const struct fa_ip *ip)
{
	__u32 cursor = fa_transport_cursor(ip);
	__u32 segment = skb->gso_size;
	void *transport;

	if (segment == 0)
		return ip->length;
	if (ip->protocol != FA_PROTOCOL_TCP)
		return ip->header + 8 + segment;
	if (cursor > FA_CURSOR_LIMIT)
		return ip->length;
	transport = FA_SKB_DATA(skb) + cursor;
	if (transport + 20 > FA_SKB_END(skb))
		return ip->length;
	return ip->header + (*(__u8 *)(transport + 12) >> 4) * 4u + segment;
}

/* Whether the packet fits through, or can be made to: an aggregate of TCP can be cut finer. */
static __always_inline int fa_outer_fits(struct __sk_buff *skb, const struct fa_ip *ip, const struct fa_outer *outer,
					 __u64 *flags)
{
	__u32 length = fa_wire_length(skb, ip);

	*flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	if (length <= outer->path->mtu)
		return 1;
	if (skb->gso_size <= outer->push || ip->protocol != FA_PROTOCOL_TCP || length - outer->push > outer->path->mtu)
		return 0;
	*flags = 0;
	return 1;
}

/* Puts the outer header in front. room: what fa_outer_fits says of segmentation. */
static __noinline __u32 fa_mobile_encapsulate(struct __sk_buff *skb, const struct fa_ip *ip,
					      const struct fa_outer *outer, __u64 room)
{
	__u16 flags = outer->path->flags;

	room |= flags & FA_PATH_TUNNEL_V4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (flags & FA_PATH_GRE)
		room |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	if (bpf_skb_adjust_room(skb, (__s32)outer->push, BPF_ADJ_ROOM_MAC, room))
		return FA_REASON_REDIRECT_FAILED;
	if (!fa_outer_write(skb, outer, ip) || !fa_outer_write_link(skb, outer->path))
		return FA_REASON_MALFORMED;
	return FA_REASON_NONE;
}

/* A tunnelled packet as it came in. */
struct fa_inbound {
	struct fa_ip outer;
	struct fa_ip inner;
	__u32 gre; /* FA_GRE_… flags, 0: IP-in-IP */
	__be32 key_be;
	__u32 sequence;
	__u32 pop; /* bytes in front of the inner header */
};

/* What is behind the outer header. Pointers into the packet are read anew. */
static __always_inline __u32 fa_mobile_parse_inner(struct __sk_buff *skb, struct fa_inbound *packet)
{
	void *data = FA_SKB_DATA(skb);
	void *end = FA_SKB_END(skb);
	__u32 cursor = fa_transport_cursor(&packet->outer);
	__u32 begin = packet->outer.cursor;
	__u16 type;
	__u32 reason;

	packet->gre = 0;
	if (cursor > FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	type = packet->outer.protocol == FA_PROTOCOL_IPV4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6;
	if (packet->outer.protocol == FA_PROTOCOL_GRE) {
		void *gre = data + cursor;
		__u32 first;

		if (gre + FA_GRE_SEQUENCED_BYTES > end)
			return FA_REASON_MALFORMED;
		first = FA_BE32(fa_load32(gre));
		packet->gre = first >> 16;
		type = (__u16)first;
		packet->key_be = fa_load32(gre + 4);
		packet->sequence = FA_BE32(fa_load32(gre + 8));
		if (packet->gre != FA_GRE_KEY && packet->gre != (FA_GRE_KEY | FA_GRE_SEQUENCE))
			return FA_REASON_TUNNEL_KIND_MISMATCH;
		if (type != FA_ETHERTYPE_IPV4 && type != FA_ETHERTYPE_IPV6)
			return FA_REASON_MALFORMED;
		cursor += packet->gre == FA_GRE_KEY ? FA_GRE_KEYED_BYTES : FA_GRE_SEQUENCED_BYTES;
	}
	packet->pop = cursor - begin;
	reason = fa_parse_ip(skb, data, end, cursor, type, &packet->inner);
	if (reason == FA_REASON_NONE && packet->inner.length + packet->pop > packet->outer.length)
		return FA_REASON_MALFORMED;
	return reason;
}

/* Whether no packet with this sequence number or a later one was delivered before [0054]. */
static __noinline int fa_mobile_in_sequence(struct fa_host_extra *extra, __u32 sequence)
{
	__u64 next = 1ull << 32 | sequence;

	for (__u32 attempt = 0; attempt < 8; attempt++) {
		__u64 last = FA_ONCE(extra->receive_sequence);

		if (last >> 32 && (__s32)(sequence - (__u32)last) <= 0)
			return 0;
		if (__sync_val_compare_and_swap(&extra->receive_sequence, last, next) == last)
			return 1;
	}
	return 0;
}

/* Writes the ECN field of the packet's header. */
static __noinline int fa_mobile_mark(struct __sk_buff *skb, const struct fa_ip *ip, __u32 ecn)
{
	__u8 header[12];

	if (bpf_skb_load_bytes(skb, fa_link_header, header, sizeof(header)))
		return 0;
	fa_ecn_write(header, ip->version, ip->class, ecn);
	bpf_skb_store_bytes(skb, fa_link_header, header, sizeof(header), BPF_F_RECOMPUTE_CSUM);
	return 1;
}

/* The same for kernels before 6.3, which take headers off but do not know that the family changes with it:
 * first another family's header is made of the outer one, whatever is in it, and then that is taken off. */
static __always_inline long fa_mobile_pop_other(struct __sk_buff *skb, const struct fa_inbound *packet, __u16 type)
{
	__s32 pop = (__s32)packet->pop;

	if (bpf_skb_change_proto(skb, type, 0))
		return -1;
	pop += packet->inner.version == 4 ? -20 : 20;
	return bpf_skb_adjust_room(skb, -pop, BPF_ADJ_ROOM_MAC,
				   BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
}

/* Takes everything in front of the inner header away. */
static __noinline __u32 fa_mobile_decapsulate(struct __sk_buff *skb, const struct fa_inbound *packet)
{
	/* The checksum that was verified is the inner transport's: no outer header has one of its own. */
	__u64 room = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	__u16 type = packet->inner.version == 4 ? FA_BE16(FA_ETHERTYPE_IPV4) : FA_BE16(FA_ETHERTYPE_IPV6);
	int changes = packet->inner.version != packet->outer.version;

	if (changes)
		room |= packet->inner.version == 4 ? FA_DECAP_L3_IPV4 : FA_DECAP_L3_IPV6;
	if (bpf_skb_adjust_room(skb, -(__s32)packet->pop, BPF_ADJ_ROOM_MAC, room) &&
	    (!changes || fa_mobile_pop_other(skb, packet, type)))
		return FA_REASON_REDIRECT_FAILED;
	if (fa_link_header)
		bpf_skb_store_bytes(skb, 12, &type, 2, 0);
	fa_mobile_reach(skb);
	return FA_REASON_NONE;
}
