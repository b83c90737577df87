/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual packet: untagged, no options, no fragment, not a SYN, no GRE, its host in the table,
 * its path resolved, and it fits. Nothing here decides anything that the general programs decide otherwise; a
 * packet that is not usual is handed to them as it came, before anything was done to it. What this
 * saves is calls between functions, which cost more than all that they do. Distances are constants here. */
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
		usual->reason = FA_REASON_ENCAPSULATED;
	} else {
		if (away != (int)FA_IPV6_BYTES && bpf_xdp_adjust_head(context, away - (int)FA_IPV6_BYTES))
			return fa_exit(FA_REASON_TOO_BIG);
		data = FA_DATA(context);
		if (data + FA_ETHERNET_BYTES + FA_IPV6_BYTES > FA_DATA_END(context))
			return fa_exit(FA_REASON_MALFORMED);
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_IPV6));
		outer = fa_usual_outer(usual, &way, version);
		fa_write_outer_ipv6(data + FA_ETHERNET_BYTES, &outer);
		usual->reason = FA_REASON_ENCAPSULATED;
	}
	fa_store64(data, way.macs[0]);
	fa_store32(data + 8, (__u32)way.macs[1]);
	return fa_leave(usual->reason, (__u32)(way.first >> 32));
}

/* The flow of a usual TCP or UDP packet, in its direction: finds it, and what is written. Whether it is known. */
static __always_inline int fa_usual_flow(void *data, void *end, const struct fa_config *config, __u32 cursor, __u32 up,
					 struct fa_usual *usual)
{
	void *transport = data + cursor + FA_IPV4_BYTES;
	__u32 source_be = fa_v4_address(usual->ip.source[1]);
	__u32 destination_be = fa_v4_address(usual->ip.destination[1]);
	__u32 seen = FA_NAT_SEEN;
	struct fa_translation *slot;
	struct fa_slot_place at;
	struct fa_nat_id id;
	__u32 ports;

	if (transport + 8 > end || usual->ip.length < FA_IPV4_BYTES + 8)
		return 0;
	if (FA_LIKELY(usual->ip.protocol == FA_PROTOCOL_TCP)) {
		__u8 flags;

		if (transport + FA_TCP_BYTES > end || usual->ip.length < FA_IPV4_BYTES + FA_TCP_BYTES)
			return 0;
		flags = *(__u8 *)(transport + 13);
		if (FA_UNLIKELY(flags & (FA_TCP_SYN | FA_TCP_FIN | FA_TCP_RST))) {
			if (flags & FA_TCP_SYN)
				return 0;
			seen |= flags & FA_TCP_FIN ? FA_NAT_FIN : 0;
			seen |= flags & FA_TCP_RST ? FA_NAT_RST : 0;
		}
	} else if (usual->ip.protocol != FA_PROTOCOL_UDP) {
		return 0;
	}
	ports = fa_load32(transport);
	id.words[0] = up ? source_be | (__u64)destination_be << 32 : destination_be | (__u64)source_be << 32;
	id.words[1] =
	    fa_nat_word(up ? ports : ports >> 16 | ports << 16, usual->ip.protocol, up ? FA_NAT_UP : FA_NAT_DOWN);
	id.words[2] = 0;
	slot = fa_translations_find(fa_hash_translation(config->hash_secret, id.words), config->translation_mask, &id,
				    &at);
	if (FA_UNLIKELY(!slot) || FA_UNLIKELY(!fa_rewrite_copy(slot, at.word, &usual->rewrite)))
		return 0;
	usual->flow = slot;
	usual->seen = seen;
	return 1;
}

/* Whether the packet, which goes to the core, is to be translated. */
static __always_inline int fa_usual_translates(const struct fa_config *config, const struct fa_usual *usual,
					       __u32 version)
{
	return version == 4 && config->inside_count && fa_is_inside(config, usual->ip.source) &&
	       (FA_LIKELY(usual->plain) || !fa_is_exempt(config, usual->ip.destination));
}

/* From an inside host to the core by this path, see fa_translate. A function of its own, for its stack. */
__noinline int fa_usual_up_by(fa_context *context, __u32 cursor, __u32 path)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_usual usual;

	if (!config || cursor > FA_ETHERNET_BYTES + FA_IPV6_BYTES || !fa_usual_ipv4(data, end, cursor, &usual.ip) ||
	    (!fa_is_plain(config, 4, usual.ip.destination) && fa_outside_number(config, usual.ip.destination)) ||
	    FA_UNLIKELY(!fa_usual_flow(data, end, config, cursor, 1, &usual)))
		return FA_VERDICT_UNUSUAL;
	usual.translates = FA_USUAL_SOURCE;
	usual.slot = 0;
	usual.path = path;
	usual.reason = FA_REASON_FORWARDED;
	usual.decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
	return fa_usual_send(context, &usual, cursor, 4);
}

static __always_inline int fa_usual_up(fa_context *context, struct fa_usual *usual, __u32 cursor)
{
	if (usual->slot)
		fa_host_touch_slot(usual->slot);
	return fa_usual_up_by(context, cursor, usual->path);
}

/* From the core to an outside address, see fa_come_in and fa_to_host. */
__noinline int fa_usual_down(fa_context *context)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_host_view view;
	struct fa_usual usual;

	if (!config || !fa_usual_ipv4(data, end, FA_ETHERNET_BYTES, &usual.ip) ||
	    !fa_usual_transport(data, end, FA_ETHERNET_BYTES + FA_IPV4_BYTES, usual.ip.protocol) ||
	    FA_UNLIKELY(usual.ip.ttl <= 1) || FA_UNLIKELY(fa_outside_number(config, usual.ip.source)) ||
	    FA_UNLIKELY(!fa_usual_flow(data, end, config, FA_ETHERNET_BYTES, 0, &usual)))
		return FA_VERDICT_UNUSUAL;
	usual.translates = FA_USUAL_DESTINATION;
	usual.ip.destination[1] = fa_v4_mapped(fa_rewrite_address(&usual.rewrite));
	if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.destination, &usual, &view)) ||
	    FA_UNLIKELY(!fa_usual_chain(&view, 0, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path && FA_UNLIKELY(!fa_usual_deliver(config, &view, &usual)))
		return FA_VERDICT_UNUSUAL;
	return fa_usual_send(context, &usual, FA_ETHERNET_BYTES, 4);
}

/* Tunnelled to one of our endpoints: see fa_leave_tunnel. */
static __always_inline int fa_usual_leave_tunnel(fa_context *context, const struct fa_config *config,
						 const struct fa_ip *outer, __u32 outer_version, __u32 version)
{
	const __u32 cursor = FA_ETHERNET_BYTES + fa_ip_bytes(outer_version);
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_host_view view;
	struct fa_usual usual;

	if (!fa_usual_ip(data, end, cursor, version, &usual.ip) ||
	    !fa_usual_transport(data, end, cursor + fa_ip_bytes(version), usual.ip.protocol))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(fa_ip_bytes(outer_version) + usual.ip.length > outer->length))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.source, &usual, &view)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED | FA_HOST_GRE)) != FA_HOST_TUNNELLED) ||
	    FA_UNLIKELY(view.peer[1] != outer->source[1]) || FA_UNLIKELY(view.peer[0] != outer->source[0]))
		return FA_VERDICT_UNUSUAL;
	usual.translates = FA_USUAL_AS_IT_IS;
	usual.plain = fa_is_plain(config, version, usual.ip.destination);
	if ((!usual.plain && FA_UNLIKELY(fa_is_endpoint(config, usual.ip.destination))) ||
	    FA_UNLIKELY(fa_ecn_out_of_tunnel(outer->class & FA_ECN_MASK, usual.ip.class & FA_ECN_MASK) !=
			(usual.ip.class & FA_ECN_MASK)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_chain(&view, 1, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path) {
		if (FA_UNLIKELY(!fa_usual_route(config, &usual)))
			return FA_VERDICT_UNUSUAL;
		if (fa_usual_translates(config, &usual, version))
			return fa_usual_up(context, &usual, cursor);
	}
	return fa_usual_send(context, &usual, cursor, version);
}

/* From an anchor elsewhere to a node here, past the servers [0048]: see fa_to_host. */
static __always_inline int fa_usual_pass_down(fa_context *context, const struct fa_config *config,
					      struct fa_usual *usual, __u32 version)
{
	struct fa_host_view view;

	if (!fa_usual_of_other_anchor(FA_DATA(context), FA_DATA_END(context), &usual->ip, version, 1) ||
	    FA_UNLIKELY(!fa_usual_host(config, usual->ip.destination, usual, &view)) ||
	    FA_UNLIKELY(!fa_usual_deliver(config, &view, usual)))
		return FA_VERDICT_UNUSUAL;
	usual->reason = FA_REASON_BYPASSED;
	return fa_usual_send(context, usual, FA_ETHERNET_BYTES, version);
}

/* From the core: see fa_core. */
static __always_inline int fa_usual_core(fa_context *context, __u32 version)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_host_view view;
	struct fa_usual usual;

	if (!config || !fa_usual_ip(data, end, FA_ETHERNET_BYTES, version, &usual.ip))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length))
		return FA_VERDICT_UNUSUAL;
	usual.translates = FA_USUAL_AS_IT_IS;
	if (fa_is_tunnel(usual.ip.protocol)) {
		if (!fa_is_endpoint(config, usual.ip.destination))
			return fa_usual_pass_down(context, config, &usual, version);
		if (usual.ip.protocol == FA_PROTOCOL_IPV4)
			return fa_usual_leave_tunnel(context, config, &usual.ip, version, 4);
		if (usual.ip.protocol == FA_PROTOCOL_IPV6)
			return fa_usual_leave_tunnel(context, config, &usual.ip, version, 6);
		return FA_VERDICT_UNUSUAL;
	}
	if (version == 4 && config->outside_count && fa_outside_number(config, usual.ip.destination))
		return fa_usual_down(context);
	if (!fa_usual_transport(data, end, FA_ETHERNET_BYTES + fa_ip_bytes(version), usual.ip.protocol) ||
	    FA_UNLIKELY(!fa_usual_host(config, usual.ip.destination, &usual, &view)) ||
	    FA_UNLIKELY(!fa_usual_chain(&view, 0, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path && FA_UNLIKELY(!fa_usual_deliver(config, &view, &usual)))
		return FA_VERDICT_UNUSUAL;
	return fa_usual_send(context, &usual, FA_ETHERNET_BYTES, version);
}

/* From a node: see fa_access. */
static __always_inline int fa_usual_access(fa_context *context, __u32 version)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_host_view view;
	struct fa_usual usual;
	__u32 bypass;

	if (!config || !fa_usual_ip(data, end, FA_ETHERNET_BYTES, version, &usual.ip))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length))
		return FA_VERDICT_UNUSUAL;
	bypass = fa_is_tunnel(usual.ip.protocol);
	if (bypass && !fa_usual_of_other_anchor(data, end, &usual.ip, version, 0))
		return FA_VERDICT_UNUSUAL;
	if (!bypass && !fa_usual_transport(data, end, FA_ETHERNET_BYTES + fa_ip_bytes(version), usual.ip.protocol))
		return FA_VERDICT_UNUSUAL;
	usual.plain = fa_is_plain(config, version, usual.ip.destination);
	if (FA_UNLIKELY(!fa_is_global(usual.ip.source, (__u8)version)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.plain &&
	    (FA_UNLIKELY(!fa_is_global(usual.ip.destination, (__u8)version)) ||
	     FA_UNLIKELY(fa_is_own(usual.ip.destination)) || FA_UNLIKELY(fa_is_endpoint(config, usual.ip.destination))))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.source, &usual, &view)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED)) != FA_HOST_ATTACHED) ||
	    FA_UNLIKELY(view.peer[0] != (fa_load64(data + 6) & 0x0000ffffffffffffull)) ||
	    FA_UNLIKELY((__u32)view.peer[1] != fa_port_index))
		return FA_VERDICT_UNUSUAL;
	usual.path = 0;
	usual.translates = FA_USUAL_AS_IT_IS;
	if (!bypass && FA_UNLIKELY(!fa_usual_chain(&view, 1, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path) {
		if (FA_UNLIKELY(!fa_usual_route(config, &usual)))
			return FA_VERDICT_UNUSUAL;
		if (bypass)
			usual.reason = FA_REASON_BYPASSED;
		else if (fa_usual_translates(config, &usual, version))
			return fa_usual_up(context, &usual, FA_ETHERNET_BYTES);
	}
	return fa_usual_send(context, &usual, FA_ETHERNET_BYTES, version);
}

/* From a server with two legs: see fa_server. */
static __always_inline int fa_usual_server(fa_context *context, __u32 version)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	__u32 index = fa_port_index;
	struct fa_port *port = bpf_map_lookup_elem(&fa_ports, &index);
	struct fa_host_view view;
	struct fa_usual usual = {};
	__u32 up;

	if (!config || !port || !fa_usual_ip(data, end, FA_ETHERNET_BYTES, version, &usual.ip))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length))
		return FA_VERDICT_UNUSUAL;
	usual.plain = fa_is_plain(config, version, usual.ip.destination);
	if (FA_UNLIKELY(!fa_is_global(usual.ip.source, (__u8)version)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.plain && (FA_UNLIKELY(!fa_is_global(usual.ip.destination, (__u8)version)) ||
			     FA_UNLIKELY(fa_is_own(usual.ip.destination))))
		return FA_VERDICT_UNUSUAL;
	up = port->role == FA_ROLE_SERVER_OUTSIDE;
	if (!up && port->role != FA_ROLE_SERVER_INSIDE)
		return FA_VERDICT_UNUSUAL;
	usual.path = up ? port->next_up : port->next_down;
	usual.reason = FA_REASON_TO_SERVER;
	if (!usual.path && up) {
		if (FA_UNLIKELY(!fa_usual_route(config, &usual)))
			return FA_VERDICT_UNUSUAL;
		if (fa_usual_translates(config, &usual, version))
			return fa_usual_up(context, &usual, FA_ETHERNET_BYTES);
	} else if (!usual.path) {
		if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.destination, &usual, &view)) ||
		    FA_UNLIKELY(!fa_usual_deliver(config, &view, &usual)))
			return FA_VERDICT_UNUSUAL;
		usual.slot = 0; /* it was seen on its way to the server */
	}
	return fa_usual_send(context, &usual, FA_ETHERNET_BYTES, version);
}

/* Returns from the program with the verdict, if the packet is a usual one. */
#define FA_TRY_USUAL(program, context)                                                                                 \
	do {                                                                                                           \
		int usual_verdict = FA_VERDICT_UNUSUAL;                                                                \
		if (!FA_USUAL_WAY)                                                                                     \
			;                                                                                              \
		else if (fa_usual_frame(FA_DATA(context), FA_DATA_END(context), 4))                                    \
			usual_verdict = program(context, 4);                                                           \
		else if (fa_usual_frame(FA_DATA(context), FA_DATA_END(context), 6))                                    \
			usual_verdict = program(context, 6);                                                           \
		if (FA_LIKELY(usual_verdict != FA_VERDICT_UNUSUAL))                                                    \
			return usual_verdict;                                                                          \
	} while (0)
