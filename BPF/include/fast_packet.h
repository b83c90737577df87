/* SPDX-License-Identifier: BSD-2-Clause */
/* What all usual packets have in common, see fast.h: how they are parsed, where they go, and their end. */
#pragma once

#include "decapsulate.h"
#include "mss.h"
#include "send.h"

/* In place of a verdict: not a usual packet. */
#define FA_VERDICT_UNUSUAL 0x103

/* Paths that need more than an Ethernet header and at most one outer IP header. */
#define FA_PATH_UNUSUAL (FA_PATH_DROP | FA_PATH_KERNEL | FA_PATH_GRE | FA_PATH_SEQUENCED | FA_PATH_MAC_KEEP)

/* What was found out about a usual packet. */
struct fa_usual {
	struct fa_ip ip; /* what is sent on */
	struct fa_host *slot; /* whose packet it is */
	__u64 peer[2];
	__u32 path;
	__u32 reason;
	__u32 decrement;
	__u32 plain; /* where it goes, see fa_is_plain */
	__u32 translates; /* FA_USUAL_…: what is written of rewrite */
	struct fa_rewrite rewrite;
	struct fa_translation *flow; /* whose packet it is, and what is seen of it */
	__u32 seen;
};

#define FA_USUAL_AS_IT_IS 0u
#define FA_USUAL_SOURCE 1u
#define FA_USUAL_DESTINATION 2u

/* The IPv4 header of a usual packet; whether it is one. All that can be wrong with it is in few words. */
static __always_inline int fa_usual_ipv4(void *data, void *end, __u32 cursor, struct fa_ip *ip)
{
	void *header = data + cursor;
	__u32 first;
	__u32 third;

	if (header + FA_IPV4_BYTES > end)
		return 0;
	first = fa_load32(header);
	third = fa_load32(header + 8);
	if ((__u8)first != 0x45 || fa_load16(header + 6) & (__u16)~FA_BE16(0xc000))
		return 0;
	ip->source[0] = 0;
	ip->source[1] = fa_v4_mapped(fa_load32(header + 12));
	ip->destination[0] = 0;
	ip->destination[1] = fa_v4_mapped(fa_load32(header + 16));
	ip->cursor = cursor;
	ip->header = FA_IPV4_BYTES;
	ip->length = __builtin_bswap16((__u16)(first >> 16));
	ip->version = 4;
	ip->protocol = (__u8)(third >> 8);
	ip->class = (__u8)(first >> 8);
	ip->ttl = (__u8)third;
	ip->fragment = FA_FRAGMENT_NONE;
	return ip->length >= FA_IPV4_BYTES;
}

/* Parses a header without options or extensions; whether it is one. */
static __always_inline int fa_usual_ip(void *data, void *end, __u32 cursor, __u32 version, struct fa_ip *ip)
{
	if (version == 4)
		return fa_usual_ipv4(data, end, cursor, ip);
	return !fa_parse_ipv6_header(data, end, cursor, ip) && !fa_is_ipv6_extension(ip->protocol);
}

static __always_inline __u32 fa_ip_bytes(__u32 version)
{
	return version == 4 ? FA_IPV4_BYTES : FA_IPV6_BYTES;
}

/* Whether the frame begins as usual: to one station, and IP of this version directly behind the MACs. */
static __always_inline int fa_usual_frame(void *data, void *end, __u32 version)
{
	return data + FA_ETHERNET_BYTES + FA_IPV4_BYTES <= end && !(*(__u8 *)data & 1) &&
	       fa_load16(data + 12) == FA_BE16(version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6);
}

/* Whether the transport header needs no look: no TCP SYN, whose segment size may have to be clamped. */
static __always_inline int fa_usual_transport(void *data, void *end, __u32 cursor, __u8 protocol)
{
	if (protocol != FA_PROTOCOL_TCP)
		return 1;
	return data + cursor + FA_TCP_BYTES <= end && !(*(__u8 *)(data + cursor + 13) & FA_TCP_SYN);
}

/* Whether an IPv4 packet takes the default path, whatever its source: one look in place of those at each endpoint,
 * address, pool and route. */
static __always_inline int fa_is_plain(const struct fa_config *config, __u32 version, const __u64 destination[2])
{
	__u32 octet = (__u8)(destination[1] >> 32);

	return version == 4 && config->plain_v4[octet >> 6] >> (octet & 63) & 1;
}

/* Whether a packet in a tunnel is seen to be one between a node and an anchor elsewhere: what is inside is IP as usual,
 * and its address at the node's end isn't the outer one; see fa_is_of_other_anchor. */
static __always_inline int fa_usual_of_other_anchor(void *data, void *end, const struct fa_ip *outer,
						    __u32 outer_version, __u32 downlink)
{
	const __u32 cursor = FA_ETHERNET_BYTES + fa_ip_bytes(outer_version);
	const __u64 *address = downlink ? outer->destination : outer->source;
	struct fa_ip inner;

	if (outer->protocol == FA_PROTOCOL_IPV4) {
		if (!fa_usual_ip(data, end, cursor, 4, &inner))
			return 0;
	} else if (outer->protocol != FA_PROTOCOL_IPV6 || !fa_usual_ip(data, end, cursor, 6, &inner)) {
		return 0;
	}
	if (downlink)
		return inner.destination[1] != address[1] || inner.destination[0] != address[0];
	return inner.source[1] != address[1] || inner.source[0] != address[0];
}

/* The host, in either bucket. */
static __always_inline int fa_usual_host(const struct fa_config *config, const __u64 address[2], struct fa_usual *usual,
					 struct fa_host_view *view)
{
	struct fa_hosts_key key = {.upper = address[0], .lower = address[1], .realm = 0};
	__u64 hash = fa_host_hash(config, address[0], address[1]);
	struct fa_slot_place at;

	usual->slot = fa_hosts_probe(hash, config->host_mask, &key, 0, &at);
	if (FA_UNLIKELY(!usual->slot)) {
		FA_LOOP
		for (__u32 attempt = 1; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {
			usual->slot = fa_hosts_probe(hash, config->host_mask, &key, attempt, &at);
			if (usual->slot)
				break;
		}
	}
	if (FA_UNLIKELY(!usual->slot) || FA_UNLIKELY(fa_slot_state(at.word) != FA_SLOT_LIVE))
		return 0;
	fa_host_copy(view, &usual->slot->value);
	return FA_LIKELY(fa_slot_unchanged(&usual->slot->header, at.word));
}

/* See fa_deliver. */
static __always_inline int fa_usual_deliver(const struct fa_config *config, const struct fa_host_view *view,
					    struct fa_usual *usual)
{
	__u32 way = view->flags & (FA_HOST_ATTACHED | FA_HOST_TUNNELLED);

	usual->path = view->path;
	usual->peer[0] = view->peer[0];
	usual->peer[1] = view->peer[1];
	usual->reason = FA_REASON_DELIVERED;
	usual->decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
	return way == FA_HOST_ATTACHED || (way == FA_HOST_TUNNELLED && !(view->flags & FA_HOST_SEQUENCED));
}

/* See fa_route. */
static __always_inline int fa_usual_route(const struct fa_config *config, struct fa_usual *usual)
{
	const __u64 *destination = usual->ip.destination;

	if (FA_LIKELY(usual->plain)) {
		usual->reason = FA_REASON_FORWARDED;
		usual->decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
		usual->path = config->default_path_v4;
		return usual->path != 0;
	}
	FA_LOOP
	for (__u32 i = 0; i < FA_POOL_LIMIT && i < config->pool_count; i++)
		if (fa_prefix_contains(&config->pools[i], destination))
			return 0;
	usual->reason = FA_REASON_FORWARDED;
	usual->decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
	FA_LOOP
	for (__u32 i = 0; i < FA_ROUTE_LIMIT && i < config->route_count; i++) {
		if (fa_prefix_contains(&config->routes[i], destination)) {
			usual->path = config->routes[i].path;
			return usual->path != FA_PATH_BY_KERNEL;
		}
	}
	if (config->flags & FA_CONFIG_ROUTE_BY_KERNEL)
		return 0;
	usual->path = usual->ip.version == 4 ? config->default_path_v4 : config->default_path_v6;
	return usual->path != 0;
}

/* The chain of the host's servers: whether it has one that is in service, or none. */
static __always_inline int fa_usual_chain(const struct fa_host_view *view, __u32 up, struct fa_usual *usual)
{
	__u32 index = view->chain;
	struct fa_chain *chain;

	usual->path = 0;
	usual->peer[0] = 0;
	usual->peer[1] = 0;
	if (view->flags & FA_HOST_REFUSED)
		return 0;
	if (!index)
		return 1;
	chain = bpf_map_lookup_elem(&fa_chains, &index);
	if (!chain || chain->flags & (FA_CHAIN_REFUSE | FA_CHAIN_BYPASS))
		return 0;
	usual->path = up ? chain->up : chain->down;
	usual->reason = FA_REASON_TO_SERVER;
	usual->decrement = 0;
	return usual->path != 0;
}

/* What a usual packet needs of its path, as it was at one moment, in few words: each takes room until it is sent. */
struct fa_usual_way {
	__u64 first; /* fa_path_copy's: flags, MTU, port */
	__u64 second; /* push, reason, TTL, DSCP, tag, checksum */
	__u64 macs[2];
	__u64 source[2];
	__u64 destination[2];
};

static __always_inline __u8 fa_usual_push(const struct fa_usual_way *way)
{
	return (__u8)way->second;
}

/* Reads the path; whether it is a usual one that the packet fits and that didn't change meanwhile. */
static __always_inline int fa_usual_path(struct fa_path *path, const struct fa_usual *usual, struct fa_usual_way *way)
{
	__u32 generation = FA_ONCE(path->generation);
	const volatile __u64 *words = (const volatile __u64 *)&path->copies[generation & 1];
	__u16 flags;

	FA_COMPILER_BARRIER();
	way->first = words[0];
	way->second = words[1];
	flags = (__u16)way->first;
	if (FA_UNLIKELY((flags & (FA_PATH_RESOLVED | FA_PATH_UNUSUAL)) != FA_PATH_RESOLVED) ||
	    FA_UNLIKELY(usual->ip.length > (__u16)(way->first >> 16)) || FA_UNLIKELY((__u16)(way->second >> 32)))
		return 0;
	way->macs[0] = words[2];
	way->macs[1] = words[3];
	if (flags & FA_PATH_MAC_FROM_HOST) {
		if (FA_UNLIKELY(usual->peer[0] >> 48))
			return 0;
		way->macs[0] = (way->macs[0] & 0xffff000000000000ull) | usual->peer[0];
	}
	if (fa_usual_push(way)) {
		way->source[1] = words[5];
		way->destination[1] = flags & FA_PATH_PEER_FROM_HOST ? usual->peer[1] : words[7];
		if (fa_usual_push(way) != FA_IPV4_BYTES) {
			way->source[0] = words[4];
			way->destination[0] = flags & FA_PATH_PEER_FROM_HOST ? usual->peer[0] : words[6];
		}
	}
	FA_COMPILER_BARRIER();
	return FA_ONCE(path->generation) == generation;
}

/* Translates the TCP or UDP packet; see fa_nat_write. Whether it could. */
static __always_inline int fa_usual_write(void *header, void *end, const struct fa_usual *usual)
{
	const struct fa_rewrite *rewrite = &usual->rewrite;
	__u16 sum = fa_rewrite_transport_sum(rewrite);
	void *transport = header + FA_IPV4_BYTES;

	if (usual->ip.protocol == FA_PROTOCOL_TCP) {
		if (transport + FA_TCP_BYTES > end)
			return 0;
		fa_store16(transport + 16, fa_checksum_add(fa_load16(transport + 16), sum));
	} else {
		if (transport + 8 > end)
			return 0;
		fa_store16(transport + 6, fa_nat_udp_checksum(fa_load16(transport + 6), sum));
	}
	fa_store16(header + 10, fa_checksum_add(fa_load16(header + 10), fa_rewrite_header_sum(rewrite)));
	if (usual->translates == FA_USUAL_SOURCE) {
		fa_store32(header + 12, fa_rewrite_address(rewrite));
		fa_store16(transport, fa_rewrite_port(rewrite));
	} else {
		fa_store32(header + 16, fa_rewrite_address(rewrite));
		fa_store16(transport + 2, fa_rewrite_port(rewrite));
	}
	return 1;
}

static __always_inline struct fa_outer_header fa_usual_outer(const struct fa_usual *usual,
							     const struct fa_usual_way *way, __u32 version)
{
	struct fa_outer_header outer = {
	    .source = {way->source[0], way->source[1]},
	    .destination = {way->destination[0], way->destination[1]},
	    .length = usual->ip.length,
	    .checksum = (__u16)(way->second >> 48),
	    .protocol = version == 4 ? FA_PROTOCOL_IPV4 : FA_PROTOCOL_IPV6,
	    .class = fa_outer_class((__u16)way->first, (__u8)(way->second >> 24), usual->ip.class),
	    .ttl = (__u8)(way->second >> 16),
	};

	return outer;
}

/* What is counted of a packet that is put into a tunnel, see fa_run. */
static __always_inline __u32 fa_usual_tunnel_reason(const struct fa_usual *usual)
{
	return usual->reason == FA_REASON_TO_ANCHOR ? FA_REASON_TO_ANCHOR : FA_REASON_ENCAPSULATED;
}

/* See fa_run. The packet begins at the cursor. Each kind of way moves the packet's beginning by a number that is known
 * where the program is made: were it computed from the path, all that follows would wait until the path is there. */
static __always_inline int fa_usual_send(fa_context *context, struct fa_usual *usual, __u32 cursor, __u32 version)
{
	const int away = (int)cursor - (int)FA_ETHERNET_BYTES;
	__u32 index = usual->path;
	struct fa_path *path = bpf_map_lookup_elem(&fa_paths, &index);
	void *header = FA_DATA(context) + cursor;
	struct fa_usual_way way;
	struct fa_outer_header outer;
	void *data;

	if (FA_UNLIKELY(!path) || FA_UNLIKELY(!fa_usual_path(path, usual, &way)) ||
	    header + fa_ip_bytes(version) > FA_DATA_END(context))
		return FA_VERDICT_UNUSUAL;
	if (usual->decrement && FA_UNLIKELY(usual->ip.ttl <= 1))
		return FA_VERDICT_UNUSUAL;
	if (usual->translates) {
		if (FA_UNLIKELY(!fa_usual_write(header, FA_DATA_END(context), usual)))
			return FA_VERDICT_UNUSUAL;
		fa_translation_touch(usual->flow, usual->seen);
	}
	if (usual->decrement)
		fa_decrement_ttl(header, (__u8)version);
	if (usual->slot)
		fa_host_touch_slot(usual->slot);

	if (!fa_usual_push(&way)) {
		if (away && bpf_xdp_adjust_head(context, away))
			return fa_exit(FA_REASON_TOO_BIG);
		data = FA_DATA(context);
		if (data + FA_ETHERNET_BYTES > FA_DATA_END(context))
			return fa_exit(FA_REASON_MALFORMED);
		fa_store16(data + 12, FA_BE16(version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6));
	} else if (fa_usual_push(&way) == FA_IPV4_BYTES) {
		if (away != (int)FA_IPV4_BYTES && bpf_xdp_adjust_head(context, away - (int)FA_IPV4_BYTES))
			return fa_exit(FA_REASON_TOO_BIG);
		data = FA_DATA(context);
		if (data + FA_ETHERNET_BYTES + FA_IPV4_BYTES > FA_DATA_END(context))
			return fa_exit(FA_REASON_MALFORMED);
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_IPV4));
		outer = fa_usual_outer(usual, &way, version);
		fa_write_outer_ipv4(data + FA_ETHERNET_BYTES, &outer);
		usual->reason = fa_usual_tunnel_reason(usual);
	} else {
		if (away != (int)FA_IPV6_BYTES && bpf_xdp_adjust_head(context, away - (int)FA_IPV6_BYTES))
			return fa_exit(FA_REASON_TOO_BIG);
		data = FA_DATA(context);
		if (data + FA_ETHERNET_BYTES + FA_IPV6_BYTES > FA_DATA_END(context))
			return fa_exit(FA_REASON_MALFORMED);
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_IPV6));
		outer = fa_usual_outer(usual, &way, version);
		fa_write_outer_ipv6(data + FA_ETHERNET_BYTES, &outer);
		usual->reason = fa_usual_tunnel_reason(usual);
	}
	fa_store64(data, way.macs[0]);
	fa_store32(data + 8, (__u32)way.macs[1]);
	return fa_leave(usual->reason, (__u32)(way.first >> 32));
}
