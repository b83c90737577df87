/* SPDX-License-Identifier: BSD-2-Clause */
/* The mobile node's forwarding engine [0038b], on tc at each of its uplinks, so that segmentation
 * offloads stay in force. On the way out the source address decides: one of this node's own addresses
 * whose anchor is elsewhere now goes through a tunnel to it [0046], a current one as it is. On the way
 * in a packet is taken out of its tunnel if it came from the anchor of the address that it is for
 * [0048]. Either way its flow is recorded [0041b]. */
#define FA_ON_TC
#include "mobile_egress.h"
#include "mobile_ingress.h"

/* Keeps compilers that move cold code to functions of their own from doing so. */
#define FA_ENTRY __attribute__((noinline))

SEC("tc")
FA_ENTRY int fa_mobile_egress(struct __sk_buff *skb)
{
	return fa_egress(skb);
}

SEC("tc")
FA_ENTRY int fa_mobile_ingress(struct __sk_buff *skb)
{
	return fa_ingress(skb);
}

/* On the ingress of the far end of fa_segmenter's veth pair. */
SEC("tc")
FA_ENTRY int fa_mobile_segmented(struct __sk_buff *skb)
{
	return fa_segmented(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
