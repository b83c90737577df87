/* SPDX-License-Identifier: BSD-2-Clause */
/* What the access router's programs are measured against: parse, one look-up in a BPF_MAP_TYPE_HASH, one
 * header pushed or popped, and nothing else. No options, tags, TTL, ECN, MTU, counters or checks. */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "platform.h"
#include "fa_bench.h"

#define IPPROTO_IPIP 4u
#define IPPROTO_IPV6 41u
#define SWAP16(value) ((__be16)__builtin_bswap16(value))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __be32);
	__type(value, struct fa_reference_value);
} reference_hosts_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct fa_address);
	__type(value, struct fa_reference_value);
} reference_hosts_v6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} reference_devices SEC(".maps");

static __always_inline void copy_macs(void *to, const struct fa_reference_value *value)
{
	fa_store32(to, fa_load32(value->mac_destination));
	fa_store16(to + 4, fa_load16(value->mac_destination + 4));
	fa_store32(to + 6, fa_load32(value->mac_source));
	fa_store16(to + 10, fa_load16(value->mac_source + 4));
}

SEC("xdp.frags")
int reference_encapsulate_v4(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct iphdr *inner = data + sizeof(*ethernet);
	struct iphdr *outer;
	struct fa_reference_value *value;
	__u16 length;
	__u32 sum = 0;
	__be32 destination;

	if ((void *)(inner + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IP))
		return XDP_PASS;
	destination = inner->daddr;
	length = SWAP16(inner->tot_len);
	value = bpf_map_lookup_elem(&reference_hosts_v4, &destination);
	if (!value)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(context, -(int)sizeof(*outer)))
		return XDP_DROP;
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	ethernet = data;
	outer = data + sizeof(*ethernet);
	if ((void *)(outer + 1) > end)
		return XDP_DROP;
	copy_macs(data, value);
	ethernet->h_proto = SWAP16(ETH_P_IP);
	fa_store32(outer, 0x45u | (__u32)SWAP16(length + sizeof(*outer)) << 16);
	fa_store32((void *)outer + 4, SWAP16(0x4000) << 16);
	fa_store32((void *)outer + 8, 64u | IPPROTO_IPIP << 8);
	outer->saddr = value->source_v4_be;
	outer->daddr = value->destination_v4_be;
	for (__u32 i = 0; i < sizeof(*outer); i += 2)
		sum += fa_load16((void *)outer + i);
	sum = (sum & 0xffff) + (sum >> 16);
	outer->check = (__u16) ~(sum + (sum >> 16));
	return XDP_TX;
}

SEC("xdp.frags")
int reference_encapsulate_v6(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct ipv6hdr *inner = data + sizeof(*ethernet);
	struct ipv6hdr *outer;
	struct fa_reference_value *value;
	struct fa_address destination;
	__u16 length;

	if ((void *)(inner + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IPV6))
		return XDP_PASS;
	destination.halves_be[0] = fa_load64(&inner->daddr);
	destination.halves_be[1] = fa_load64((void *)&inner->daddr + 8);
	length = SWAP16(inner->payload_len);
	value = bpf_map_lookup_elem(&reference_hosts_v6, &destination);
	if (!value)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(context, -(int)sizeof(*outer)))
		return XDP_DROP;
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	ethernet = data;
	outer = data + sizeof(*ethernet);
	if ((void *)(outer + 1) > end)
		return XDP_DROP;
	copy_macs(data, value);
	ethernet->h_proto = SWAP16(ETH_P_IPV6);
	fa_store32(outer, 0x60u);
	fa_store32((void *)outer + 4, SWAP16(length + sizeof(*outer)) | IPPROTO_IPV6 << 16 | 64u << 24);
	fa_store64((void *)outer + 8, value->source.halves_be[0]);
	fa_store64((void *)outer + 16, value->source.halves_be[1]);
	fa_store64((void *)outer + 24, value->destination.halves_be[0]);
	fa_store64((void *)outer + 32, value->destination.halves_be[1]);
	return XDP_TX;
}

SEC("xdp.frags")
int reference_decapsulate_v4(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct iphdr *outer = data + sizeof(*ethernet);
	struct iphdr *inner = (void *)(outer + 1);
	struct fa_reference_value *value;
	__be32 source;

	if ((void *)(inner + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IP) || outer->protocol != IPPROTO_IPIP)
		return XDP_PASS;
	source = inner->saddr;
	value = bpf_map_lookup_elem(&reference_hosts_v4, &source);
	if (!value)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(context, sizeof(*outer)))
		return XDP_DROP;
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_DROP;
	copy_macs(data, value);
	ethernet->h_proto = SWAP16(ETH_P_IP);
	return XDP_TX;
}

SEC("xdp.frags")
int reference_decapsulate_v6(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct ipv6hdr *outer = data + sizeof(*ethernet);
	struct ipv6hdr *inner = (void *)(outer + 1);
	struct fa_reference_value *value;
	struct fa_address source;

	if ((void *)(inner + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IPV6) || outer->nexthdr != IPPROTO_IPV6)
		return XDP_PASS;
	source.halves_be[0] = fa_load64(&inner->saddr);
	source.halves_be[1] = fa_load64((void *)&inner->saddr + 8);
	value = bpf_map_lookup_elem(&reference_hosts_v6, &source);
	if (!value)
		return XDP_DROP;
	if (bpf_xdp_adjust_head(context, sizeof(*outer)))
		return XDP_DROP;
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_DROP;
	copy_macs(data, value);
	ethernet->h_proto = SWAP16(ETH_P_IPV6);
	return XDP_TX;
}

/* Nothing pushed or popped: the next hop's MACs. */
SEC("xdp.frags")
int reference_forward_v4(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct iphdr *header = data + sizeof(*ethernet);
	struct fa_reference_value *value;
	__be32 source;

	if ((void *)(header + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IP))
		return XDP_PASS;
	source = header->saddr;
	value = bpf_map_lookup_elem(&reference_hosts_v4, &source);
	if (!value)
		return XDP_DROP;
	copy_macs(data, value);
	return XDP_TX;
}

SEC("xdp.frags")
int reference_forward_v6(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct ipv6hdr *header = data + sizeof(*ethernet);
	struct fa_reference_value *value;
	struct fa_address source;

	if ((void *)(header + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IPV6))
		return XDP_PASS;
	source.halves_be[0] = fa_load64(&header->saddr);
	source.halves_be[1] = fa_load64((void *)&header->saddr + 8);
	value = bpf_map_lookup_elem(&reference_hosts_v6, &source);
	if (!value)
		return XDP_DROP;
	copy_macs(data, value);
	return XDP_TX;
}

/* A router for live frames: by destination, out of the interface that the entry names. */
SEC("xdp.frags")
int reference_router(struct xdp_md *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct ethhdr *ethernet = data;
	struct iphdr *header = data + sizeof(*ethernet);
	struct fa_reference_value *value;
	__be32 destination;
	__u32 sum;

	if ((void *)(header + 1) > end || ethernet->h_proto != SWAP16(ETH_P_IP))
		return XDP_PASS;
	destination = header->daddr;
	value = bpf_map_lookup_elem(&reference_hosts_v4, &destination);
	if (!value || header->ttl <= 1)
		return XDP_PASS;
	sum = header->check + 1u;
	header->check = (__u16)(sum + (sum >> 16));
	header->ttl--;
	copy_macs(data, value);
	return bpf_redirect_map(&reference_devices, value->port, XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";
