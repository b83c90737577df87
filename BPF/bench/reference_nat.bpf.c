/* SPDX-License-Identifier: BSD-2-Clause */
/* What NAT at the access router is measured against: parse, one look-up of the five-tuple in a BPF_MAP_TYPE_HASH, one
 * address and port rewritten with their checksums, with a tunnel one header pushed or popped, and nothing else. No
 * hosts, options, tags, TTL, ECN, MTU, counters, states or times. */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "checksum.h"
#include "fa_bench.h"

#define IPPROTO_IPIP 4u
#define SWAP16(value) ((__be16)__builtin_bswap16(value))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct fa_reference_flow);
	__type(value, struct fa_reference_rewrite);
} reference_flows SEC(".maps");

struct reference_packet {
	struct ethhdr *ethernet;
	struct iphdr *ip;
	struct udphdr *udp;
};

/* The packet whose IP header is so many bytes behind the Ethernet header. */
static __always_inline int reference_parse(struct xdp_md *context, __u32 distance, struct reference_packet *packet)
{
	void *data = FA_DATA(context);

	packet->ethernet = data;
	packet->ip = data + sizeof(*packet->ethernet) + distance;
	packet->udp = (void *)(packet->ip + 1);
	return (void *)(packet->udp + 1) <= FA_DATA_END(context) && packet->ethernet->h_proto == SWAP16(ETH_P_IP) &&
	       *(__u8 *)packet->ip == 0x45;
}

static __always_inline struct fa_reference_rewrite *reference_find(const struct reference_packet *packet)
{
	struct fa_reference_flow key = {
	    .source_be = packet->ip->saddr,
	    .destination_be = packet->ip->daddr,
	    .ports = fa_load32(packet->udp),
	    .protocol = packet->ip->protocol,
	};

	return bpf_map_lookup_elem(&reference_flows, &key);
}

static __always_inline void reference_rewrite(struct reference_packet *packet,
					      const struct fa_reference_rewrite *rewrite, __u32 up)
{
	__be32 old_be = up ? packet->ip->saddr : packet->ip->daddr;
	__be16 old_port_be = up ? packet->udp->source : packet->udp->dest;
	__u32 sum =
	    (__u16)~old_be + (__u32)(__u16)(~old_be >> 16) + (__u16)rewrite->address_be + (rewrite->address_be >> 16);

	packet->ip->check = (__u16)~fa_checksum_fold((__u32)(__u16)~packet->ip->check + fa_checksum_fold(sum));
	if (packet->udp->check) {
		sum = fa_checksum_fold(sum) + (__u32)(__u16)~old_port_be + rewrite->port_be;
		packet->udp->check =
		    (__u16)~fa_checksum_fold((__u32)(__u16)~packet->udp->check + fa_checksum_fold(sum));
		if (!packet->udp->check)
			packet->udp->check = 0xffff;
	}
	if (up) {
		packet->ip->saddr = rewrite->address_be;
		packet->udp->source = rewrite->port_be;
	} else {
		packet->ip->daddr = rewrite->address_be;
		packet->udp->dest = rewrite->port_be;
	}
}

static __always_inline void reference_macs(void *to, const struct fa_reference_rewrite *rewrite)
{
	fa_store32(to, fa_load32(rewrite->mac_destination));
	fa_store16(to + 4, fa_load16(rewrite->mac_destination + 4));
	fa_store32(to + 6, fa_load32(rewrite->mac_source));
	fa_store16(to + 10, fa_load16(rewrite->mac_source + 4));
}

static __always_inline int reference_plain(struct xdp_md *context, __u32 up)
{
	struct reference_packet packet;
	struct fa_reference_rewrite *rewrite;

	if (!reference_parse(context, 0, &packet))
		return XDP_PASS;
	rewrite = reference_find(&packet);
	if (!rewrite)
		return XDP_DROP;
	reference_rewrite(&packet, rewrite, up);
	reference_macs(packet.ethernet, rewrite);
	return XDP_TX;
}

SEC("xdp.frags")
int reference_nat_up(struct xdp_md *context)
{
	return reference_plain(context, 1);
}

SEC("xdp.frags")
int reference_nat_down(struct xdp_md *context)
{
	return reference_plain(context, 0);
}

/* Out of a tunnel, and to the core. */
SEC("xdp.frags")
int reference_nat_up_tunnelled(struct xdp_md *context)
{
	struct reference_packet packet;
	struct fa_reference_rewrite *rewrite;
	void *data;

	if (!reference_parse(context, sizeof(struct iphdr), &packet) ||
	    ((struct iphdr *)packet.ip - 1)->protocol != IPPROTO_IPIP)
		return XDP_PASS;
	rewrite = reference_find(&packet);
	if (!rewrite)
		return XDP_DROP;
	reference_rewrite(&packet, rewrite, 1);
	if (bpf_xdp_adjust_head(context, sizeof(struct iphdr)))
		return XDP_DROP;
	data = FA_DATA(context);
	if (data + sizeof(struct ethhdr) > FA_DATA_END(context))
		return XDP_DROP;
	reference_macs(data, rewrite);
	fa_store16(data + 12, SWAP16(ETH_P_IP));
	return XDP_TX;
}

/* From the core, and into a tunnel. */
SEC("xdp.frags")
int reference_nat_down_tunnelled(struct xdp_md *context)
{
	struct reference_packet packet;
	struct fa_reference_rewrite *rewrite;
	struct iphdr *outer;
	__u16 length;
	__u32 sum = 0;
	void *data;

	if (!reference_parse(context, 0, &packet))
		return XDP_PASS;
	length = SWAP16(packet.ip->tot_len);
	rewrite = reference_find(&packet);
	if (!rewrite)
		return XDP_DROP;
	reference_rewrite(&packet, rewrite, 0);
	if (bpf_xdp_adjust_head(context, -(int)sizeof(*outer)))
		return XDP_DROP;
	data = FA_DATA(context);
	outer = data + sizeof(struct ethhdr);
	if ((void *)(outer + 1) > FA_DATA_END(context))
		return XDP_DROP;
	reference_macs(data, rewrite);
	fa_store16(data + 12, SWAP16(ETH_P_IP));
	fa_store32(outer, 0x45u | (__u32)SWAP16(length + sizeof(*outer)) << 16);
	fa_store32((void *)outer + 4, SWAP16(0x4000) << 16);
	fa_store32((void *)outer + 8, 64u | IPPROTO_IPIP << 8);
	outer->saddr = rewrite->outer_source_be;
	outer->daddr = rewrite->outer_destination_be;
	for (__u32 i = 0; i < sizeof(*outer); i += 2)
		sum += fa_load16((void *)outer + i);
	sum = (sum & 0xffff) + (sum >> 16);
	outer->check = (__u16) ~(sum + (sum >> 16));
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
