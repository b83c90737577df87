/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual packet: untagged, no options, no fragment, not a SYN, no GRE, its host in its first bucket,
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
};

/* Parses a header without options or extensions; whether it is one. */
static __always_inline int fa_usual_ip(void *data, void *end, __u32 cursor, __u32 version, struct fa_ip *ip)
{
	if (version == 4)
		return !fa_parse_ipv4(data, end, cursor, ip) && ip->header == FA_IPV4_BYTES &&
		       ip->fragment == FA_FRAGMENT_NONE;
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

/* The host, if it is in its first bucket. */
static __always_inline int fa_usual_host(const struct fa_config *config, const __u64 address[2], struct fa_usual *usual,
					 struct fa_host_view *view)
{
	struct fa_hosts_key key = {.upper = address[0], .lower = address[1], .realm = 0};
	__u64 hash = fa_host_hash(config, address[0], address[1]);
	struct fa_slot_place at;

	for (__u32 attempt = 0; attempt < FA_BUCKET_SLOTS; attempt++) {
		usual->slot = fa_hosts_probe(hash, config->host_mask, &key, attempt, &at);
		if (FA_LIKELY(usual->slot))
			break;
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

/* See fa_run. The packet begins at the cursor. */
static __always_inline int fa_usual_send(fa_context *context, struct fa_usual *usual, __u32 cursor, __u32 version)
{
	__u32 index = usual->path;
	struct fa_path *path = bpf_map_lookup_elem(&fa_paths, &index);
	struct fa_inner inner;
	struct fa_way way;
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	void *header = data + cursor;
	int delta;

	if (FA_UNLIKELY(!path) || FA_UNLIKELY(!fa_path_read(path, &way)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((way.flags & (FA_PATH_RESOLVED | FA_PATH_UNUSUAL)) != FA_PATH_RESOLVED) ||
	    FA_UNLIKELY(way.vlan_be) || FA_UNLIKELY(usual->ip.length > way.mtu))
		return FA_VERDICT_UNUSUAL;
	if (way.flags & FA_PATH_MAC_FROM_HOST) {
		if (FA_UNLIKELY(usual->peer[0] >> 48))
			return FA_VERDICT_UNUSUAL;
		way.macs[0] = (way.macs[0] & 0xffff000000000000ull) | usual->peer[0];
	}
	if (way.flags & FA_PATH_PEER_FROM_HOST) {
		way.destination[0] = usual->peer[0];
		way.destination[1] = usual->peer[1];
	}
	if (header + fa_ip_bytes(version) > end)
		return FA_VERDICT_UNUSUAL;
	if (usual->decrement) {
		if (FA_UNLIKELY(usual->ip.ttl <= 1))
			return FA_VERDICT_UNUSUAL;
		fa_decrement_ttl(header, (__u8)version);
	}
	if (usual->slot)
		fa_host_touch_slot(usual->slot);

	delta = (int)cursor - (int)FA_ETHERNET_BYTES - (int)way.push;
	if (delta && bpf_xdp_adjust_head(context, delta))
		return fa_exit(FA_REASON_TOO_BIG);
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	header = data + FA_ETHERNET_BYTES;
	if (header + FA_IPV4_BYTES > end)
		return fa_exit(FA_REASON_MALFORMED);
	fa_store64(data, way.macs[0]);
	fa_store32(data + 8, (__u32)way.macs[1]);
	inner.length = usual->ip.length;
	inner.class = usual->ip.class;
	inner.protocol = version == 4 ? FA_PROTOCOL_IPV4 : FA_PROTOCOL_IPV6;
	if (!way.push) {
		fa_store16(data + 12, FA_BE16(version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6));
	} else if (way.flags & FA_PATH_TUNNEL_V4) {
		usual->reason = FA_REASON_ENCAPSULATED;
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_IPV4));
		fa_write_outer_ipv4(header, &way, fa_v4_address(way.destination[1]), &inner);
	} else {
		usual->reason = FA_REASON_ENCAPSULATED;
		if (header + FA_IPV6_BYTES > end)
			return fa_exit(FA_REASON_MALFORMED);
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_IPV6));
		fa_write_outer_ipv6(header, &way, way.destination, &inner);
	}
	return fa_leave(usual->reason, way.port);
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
	if (FA_UNLIKELY(fa_is_endpoint(config, usual.ip.destination)) ||
	    FA_UNLIKELY(fa_ecn_out_of_tunnel(outer->class & FA_ECN_MASK, usual.ip.class & FA_ECN_MASK) !=
			(usual.ip.class & FA_ECN_MASK)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_chain(&view, 1, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path && FA_UNLIKELY(!fa_usual_route(config, &usual)))
		return FA_VERDICT_UNUSUAL;
	return fa_usual_send(context, &usual, cursor, version);
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
	if (fa_is_tunnel(usual.ip.protocol)) {
		if (!fa_is_endpoint(config, usual.ip.destination))
			return FA_VERDICT_UNUSUAL;
		if (usual.ip.protocol == FA_PROTOCOL_IPV4)
			return fa_usual_leave_tunnel(context, config, &usual.ip, version, 4);
		if (usual.ip.protocol == FA_PROTOCOL_IPV6)
			return fa_usual_leave_tunnel(context, config, &usual.ip, version, 6);
		return FA_VERDICT_UNUSUAL;
	}
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

	if (!config || !fa_usual_ip(data, end, FA_ETHERNET_BYTES, version, &usual.ip))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length))
		return FA_VERDICT_UNUSUAL;
	if (fa_is_tunnel(usual.ip.protocol) ||
	    !fa_usual_transport(data, end, FA_ETHERNET_BYTES + fa_ip_bytes(version), usual.ip.protocol))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_is_global(usual.ip.source, (__u8)version)) ||
	    FA_UNLIKELY(!fa_is_global(usual.ip.destination, (__u8)version)) ||
	    FA_UNLIKELY(fa_is_own(usual.ip.destination)) || FA_UNLIKELY(fa_is_endpoint(config, usual.ip.destination)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.source, &usual, &view)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED)) != FA_HOST_ATTACHED) ||
	    FA_UNLIKELY(view.peer[0] != (fa_load64(data + 6) & 0x0000ffffffffffffull)) ||
	    FA_UNLIKELY((__u32)view.peer[1] != fa_port_index))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_chain(&view, 1, &usual)))
		return FA_VERDICT_UNUSUAL;
	if (!usual.path && FA_UNLIKELY(!fa_usual_route(config, &usual)))
		return FA_VERDICT_UNUSUAL;
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
	if (FA_UNLIKELY(!fa_is_global(usual.ip.source, (__u8)version)) ||
	    FA_UNLIKELY(!fa_is_global(usual.ip.destination, (__u8)version)) ||
	    FA_UNLIKELY(fa_is_own(usual.ip.destination)))
		return FA_VERDICT_UNUSUAL;
	up = port->role == FA_ROLE_SERVER_OUTSIDE;
	if (!up && port->role != FA_ROLE_SERVER_INSIDE)
		return FA_VERDICT_UNUSUAL;
	usual.path = up ? port->next_up : port->next_down;
	usual.reason = FA_REASON_TO_SERVER;
	if (!usual.path && up) {
		if (FA_UNLIKELY(!fa_usual_route(config, &usual)))
			return FA_VERDICT_UNUSUAL;
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
