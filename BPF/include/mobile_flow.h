/* SPDX-License-Identifier: BSD-2-Clause */
/* The mobile node's flow table: each packet finds its flow, or makes it [0041b]. */
#pragma once

#include "host.h"
#include "mobile_packet.h"
#include "table.h"

#define FA_PROTOCOL_DCCP 33u
#define FA_PROTOCOL_SCTP 132u
#define FA_PROTOCOL_UDP_LITE 136u

struct fa_flow_id {
	union {
		struct fa_flow_key key;
		__u64 words[5];
	};
};

FA_STATIC_ASSERT(sizeof(struct fa_flow_id) == sizeof(struct fa_flow_key), "as many words");

/* What a packet says of its flow. */
struct fa_flow_packet {
	struct fa_flow_id id;
	struct fa_address anchor;
	__u32 seen; /* FA_FLOW_… */
	__u32 opens; /* a SYN without ACK: begins anew whatever ended before */
	__u32 segments; /* packets on the wire */
	__u32 bytes;
};

static __always_inline int fa_flow_table_equals(const struct fa_flow *slot, const struct fa_flow_id *id)
{
	const __u64 *words = (const __u64 *)&slot->key;

	/* One branch for all: the verifier follows each of them at each slot. */
	return ((words[0] ^ id->words[0]) | (words[1] ^ id->words[1]) | (words[2] ^ id->words[2]) |
		(words[3] ^ id->words[3]) | (words[4] ^ id->words[4])) == 0;
}

FA_TABLE(fa_flow_table, fa_flow, fa_flows, fa_flows_state, fa_flow_id)

/* A secret factor for each word, as in fa_hash_address. Only the kernel looks flows up. */
static __always_inline __u64 fa_flow_hash(const struct fa_config *config, const struct fa_flow_id *id)
{
	__u64 first = config->hash_secret[0];
	__u64 second = config->hash_secret[1];
	__u64 sum = __builtin_bswap64(id->words[3]) * (first | 1);

	sum += id->words[4] * (second | 1);
	sum += __builtin_bswap64(id->words[2]) * ((first << 21 | first >> 43) | 1);
	sum += __builtin_bswap64(id->words[1]) * ((second << 43 | second >> 21) | 1);
	sum += __builtin_bswap64(id->words[0]) * ((first ^ (second << 11 | second >> 53)) | 1);
	return fa_hash_finish(sum);
}

/* An ICMP message that belongs to a flow of its own: an echo, by its identifier. */
static __always_inline int fa_flow_is_echo(__u8 protocol, __u8 type)
{
	return protocol == FA_PROTOCOL_ICMP ? type == 8 || type == 0 : type == 128 || type == 129;
}

/* Ports as in the packet, source first; what TCP's flags say goes into seen and opens. 0 for a packet
 * that belongs to no flow. */
static __always_inline int fa_flow_transport(void *transport, void *end, __u8 protocol, __u32 up, __u32 *ports,
					     struct fa_flow_packet *packet)
{
	__u8 flags;

	*ports = 0;
	switch (protocol) {
	case FA_PROTOCOL_TCP:
		if (transport + 20 > end)
			return 0;
		flags = *(__u8 *)(transport + 13);
		if (flags & FA_TCP_RST)
			packet->seen |= FA_FLOW_RST;
		if (flags & FA_TCP_FIN)
			packet->seen |= up ? FA_FLOW_FIN_UP : FA_FLOW_FIN_DOWN;
		if (flags & FA_TCP_SYN) {
			packet->seen |= up ? FA_FLOW_SYN_UP : FA_FLOW_SYN_DOWN;
			packet->opens = !(flags & FA_TCP_ACK);
		}
		*ports = fa_load32(transport);
		return 1;
	case FA_PROTOCOL_UDP:
	case FA_PROTOCOL_DCCP:
	case FA_PROTOCOL_SCTP:
	case FA_PROTOCOL_UDP_LITE:
		if (transport + 8 > end)
			return 0;
		*ports = fa_load32(transport);
		return 1;
	case FA_PROTOCOL_ICMP:
	case FA_PROTOCOL_ICMPV6:
		if (transport + 8 > end || !fa_flow_is_echo(protocol, *(__u8 *)transport))
			return 0;
		/* The identifier takes the place of the local port, whichever way the echo goes. */
		*ports = up ? fa_load16(transport + 4) : (__u32)fa_load16(transport + 4) << 16;
		return 1;
	default:
		return 1;
	}
}

/* 0 for a packet that belongs to no flow: a later fragment, an ICMP error, neighbour discovery. */
static __always_inline int fa_flow_classify(struct __sk_buff *skb, const struct fa_ip *ip, __u32 up,
					    struct fa_flow_packet *packet)
{
	__u32 cursor = fa_transport_cursor(ip);
	__u32 ports;

	if (ip->fragment == FA_FRAGMENT_LATER || cursor > FA_CURSOR_LIMIT)
		return 0;
	packet->seen = up ? FA_FLOW_UP : FA_FLOW_DOWN;
	packet->opens = 0;
	packet->segments = fa_segments(skb);
	packet->bytes = skb->len - fa_link_header;
	if (ip->fragment == FA_FRAGMENT_FIRST)
		packet->seen |= FA_FLOW_FRAGMENTED;
	if (!fa_flow_transport(FA_SKB_DATA(skb) + cursor, FA_SKB_END(skb), ip->protocol, up, &ports, packet))
		return 0;
	packet->id.words[4] = (up ? ports : (ports >> 16 | ports << 16)) | (__u64)ip->protocol << 32;
	packet->id.words[up ? 0 : 2] = ip->source[0];
	packet->id.words[up ? 1 : 3] = ip->source[1];
	packet->id.words[up ? 2 : 0] = ip->destination[0];
	packet->id.words[up ? 3 : 1] = ip->destination[1];
	return 1;
}

/* Makes the flow of the packet, which is counted in it. */
__noinline int fa_flow_insert(const struct fa_flow_packet *packet, __u64 hash)
{
	struct fa_config *config;
	struct fa_slot_place at;
	struct fa_flow *flow;
	__u32 zero = 0;
	__u32 up;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !packet)
		return 0;
	flow = fa_flow_table_claim(hash, config->flow_mask, &packet->id, &at);
	if (!flow)
		return 0;
	up = packet->seen & FA_FLOW_UP;
	flow->key = packet->id.key;
	flow->anchor = packet->anchor;
	flow->seen = packet->seen;
	flow->first_seen = fa_now();
	flow->last_seen = flow->first_seen;
	flow->packets_up = up ? packet->segments : 0;
	flow->bytes_up = up ? packet->bytes : 0;
	flow->packets_down = up ? 0 : packet->segments;
	flow->bytes_down = up ? 0 : packet->bytes;
	fa_flow_table_publish(flow, &at);
	return 1;
}

/* Whether nothing more is to be expected of the flow. */
static __always_inline int fa_flow_ended(__u32 seen)
{
	return seen & FA_FLOW_RST || (seen & FA_FLOW_FINS) == FA_FLOW_FINS;
}

__noinline int fa_flow_record(const struct fa_flow_packet *packet)
{
	struct fa_config *config;
	struct fa_slot_place at;
	struct fa_flow *flow;
	__u32 now = fa_now();
	__u32 zero = 0;
	__u64 hash;
	__u32 seen;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config || !packet)
		return 0;
	hash = fa_flow_hash(config, &packet->id);
	flow = fa_flow_table_find(hash, config->flow_mask, &packet->id, &at);
	if (!flow)
		return fa_flow_insert(packet, hash);
	seen = FA_ONCE(flow->seen);
	if (FA_UNLIKELY(packet->opens && fa_flow_ended(seen))) {
		/* The ports are in use again. */
		flow->anchor = packet->anchor;
		flow->first_seen = now;
		FA_ONCE(flow->seen) = packet->seen;
	} else if (FA_UNLIKELY(packet->seen & ~seen)) {
		__sync_fetch_and_or(&flow->seen, packet->seen);
	}
	if (flow->last_seen != now)
		flow->last_seen = now;
	if (packet->seen & FA_FLOW_UP) {
		__sync_fetch_and_add(&flow->packets_up, packet->segments);
		__sync_fetch_and_add(&flow->bytes_up, packet->bytes);
	} else {
		__sync_fetch_and_add(&flow->packets_down, packet->segments);
		__sync_fetch_and_add(&flow->bytes_down, packet->bytes);
	}
	return 1;
}

/* Records the packet under its flow, if it has one. own: of the address at this node. A function of its own,
 * whose stack what comes afterwards can have. */
static __noinline void fa_flow_seen(struct __sk_buff *skb, const struct fa_ip *ip, const struct fa_mobile_own *own,
				    __u32 up)
{
	struct fa_flow_packet packet = {};

	if (!fa_flow_classify(skb, ip, up, &packet))
		return;
	if (own->flags & FA_HOST_TUNNELLED) {
		packet.anchor.halves_be[0] = own->peer[0];
		packet.anchor.halves_be[1] = own->peer[1];
	}
	fa_flow_record(&packet);
}
