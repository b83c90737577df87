/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's core network: a router that forwards by the kernel's routes and neighbours without the kernel's stack,
 * so that what is measured is not the cost of the hops in between. What it can't forward is the kernel's. */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "checksum.h"

#define CORE_AF_INET 2
#define CORE_AF_INET6 10

static __always_inline int core_send(struct ethhdr *ethernet, struct bpf_fib_lookup *way)
{
	__builtin_memcpy(ethernet->h_dest, way->dmac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, way->smac, ETH_ALEN);
	return (int)bpf_redirect(way->ifindex, 0);
}

static __always_inline int core_ipv4(struct xdp_md *context, struct ethhdr *ethernet)
{
	struct iphdr *ip = (void *)(ethernet + 1);
	struct bpf_fib_lookup way = {.family = CORE_AF_INET, .ifindex = context->ingress_ifindex};
	__u16 old_word;

	if ((void *)(ip + 1) > FA_DATA_END(context) || ip->ttl <= 1)
		return XDP_PASS;
	way.l4_protocol = ip->protocol;
	way.tot_len = __builtin_bswap16(ip->tot_len);
	way.ipv4_src = ip->saddr;
	way.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(context, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	old_word = fa_load16(&ip->ttl);
	ip->ttl--;
	ip->check = fa_checksum_replace(ip->check, old_word, fa_load16(&ip->ttl));
	return core_send(ethernet, &way);
}

static __always_inline int core_ipv6(struct xdp_md *context, struct ethhdr *ethernet)
{
	struct ipv6hdr *ip = (void *)(ethernet + 1);
	struct bpf_fib_lookup way = {.family = CORE_AF_INET6, .ifindex = context->ingress_ifindex};

	if ((void *)(ip + 1) > FA_DATA_END(context) || ip->hop_limit <= 1)
		return XDP_PASS;
	way.l4_protocol = ip->nexthdr;
	way.tot_len = __builtin_bswap16(ip->payload_len) + sizeof(*ip);
	__builtin_memcpy(way.ipv6_src, &ip->saddr, sizeof(way.ipv6_src));
	__builtin_memcpy(way.ipv6_dst, &ip->daddr, sizeof(way.ipv6_dst));
	if (bpf_fib_lookup(context, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	ip->hop_limit--;
	return core_send(ethernet, &way);
}

SEC("xdp")
int core_network(struct xdp_md *context)
{
	struct ethhdr *ethernet = FA_DATA(context);

	if ((void *)(ethernet + 1) > FA_DATA_END(context))
		return XDP_PASS;
	if (ethernet->h_proto == FA_BE16(ETH_P_IP))
		return core_ipv4(context, ethernet);
	if (ethernet->h_proto == FA_BE16(ETH_P_IPV6))
		return core_ipv6(context, ethernet);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
