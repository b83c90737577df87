/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's core network: a router that forwards by the kernel's routes and neighbours without the kernel's stack,
 * so that what is measured is not the cost of the hops in between. What it can't forward is the kernel's. */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "checksum.h"
#include "parse.h"

#define CORE_AF_INET 2
#define CORE_AF_INET6 10
/* How long what the kernel said is taken for granted, in jiffies: some tens of milliseconds. */
#define CORE_LIFETIME 16u
#define CORE_WAYS 256u

/* What the kernel said of a destination. */
struct core_way {
	__u64 destination[2]; /* v4-mapped for IPv4 */
	__u64 asked; /* in jiffies */
	__u32 interface; /* 0: nothing is known */
	__u8 macs[2 * ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CORE_WAYS);
	__type(key, __u32);
	__type(value, struct core_way);
} core_ways SEC(".maps");

static __noinline int core_ask(struct xdp_md *context, struct core_way *way, __u32 source_v4, __u32 version)
{
	struct bpf_fib_lookup query = {.ifindex = context->ingress_ifindex};

	way->interface = 0;
	if (version == 4) {
		query.family = CORE_AF_INET;
		query.ipv4_src = source_v4;
		query.ipv4_dst = fa_v4_address(way->destination[1]);
	} else {
		query.family = CORE_AF_INET6;
		__builtin_memcpy(query.ipv6_dst, way->destination, sizeof(query.ipv6_dst));
	}
	if (bpf_fib_lookup(context, &query, sizeof(query), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	__builtin_memcpy(way->macs, query.dmac, ETH_ALEN);
	__builtin_memcpy(way->macs + ETH_ALEN, query.smac, ETH_ALEN);
	way->asked = bpf_jiffies64();
	way->interface = query.ifindex;
	return 1;
}

static __always_inline int core_forward(struct xdp_md *context, const __u64 destination[2], __u32 source_v4,
					__u32 version)
{
	__u64 mixed = (destination[0] ^ destination[1] >> 32 ^ destination[1]) * 0x9e3779b97f4a7c15ull;
	__u32 place = (__u32)(mixed >> 56) & (CORE_WAYS - 1);
	struct core_way *way = bpf_map_lookup_elem(&core_ways, &place);
	struct ethhdr *ethernet;

	if (!way)
		return XDP_PASS;
	if (!way->interface || way->destination[0] != destination[0] || way->destination[1] != destination[1] ||
	    bpf_jiffies64() - way->asked > CORE_LIFETIME) {
		way->destination[0] = destination[0];
		way->destination[1] = destination[1];
		if (!core_ask(context, way, source_v4, version))
			return XDP_PASS;
	}
	ethernet = FA_DATA(context);
	if ((void *)(ethernet + 1) > FA_DATA_END(context))
		return XDP_PASS;
	if (version == 4) {
		struct iphdr *ip = (void *)(ethernet + 1);
		__u16 old_word;

		if ((void *)(ip + 1) > FA_DATA_END(context))
			return XDP_PASS;
		old_word = fa_load16(&ip->ttl);
		ip->ttl--;
		ip->check = fa_checksum_replace(ip->check, old_word, fa_load16(&ip->ttl));
	} else {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		if ((void *)(ip + 1) > FA_DATA_END(context))
			return XDP_PASS;
		ip->hop_limit--;
	}
	__builtin_memcpy(ethernet, way->macs, sizeof(way->macs));
	return (int)bpf_redirect(way->interface, 0);
}

SEC("xdp")
int core_network(struct xdp_md *context)
{
	struct ethhdr *ethernet = FA_DATA(context);
	__u64 destination[2] = {};

	if ((void *)(ethernet + 1) > FA_DATA_END(context) || ethernet->h_dest[0] & 1)
		return XDP_PASS;
	if (ethernet->h_proto == FA_BE16(FA_ETHERTYPE_IPV4)) {
		struct iphdr *ip = (void *)(ethernet + 1);

		if ((void *)(ip + 1) > FA_DATA_END(context) || ip->ttl <= 1)
			return XDP_PASS;
		destination[1] = fa_v4_mapped(ip->daddr);
		return core_forward(context, destination, ip->saddr, 4);
	}
	if (ethernet->h_proto == FA_BE16(FA_ETHERTYPE_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);

		if ((void *)(ip + 1) > FA_DATA_END(context) || ip->hop_limit <= 1)
			return XDP_PASS;
		destination[0] = fa_load64(&ip->daddr);
		destination[1] = fa_load64((void *)&ip->daddr + 8);
		return core_forward(context, destination, 0, 6);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
