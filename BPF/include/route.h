/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a packet goes: into the chain of its host's servers, to a host, or towards the core. */
#pragma once

#include "action.h"

static __always_inline int fa_same_address(const __u64 a[2], const struct fa_address *b)
{
	return a[1] == b->halves_be[1] && a[0] == b->halves_be[0];
}

#ifdef __bpf__
/* The map fa_config once more: the daemon has its one entry stand for this variable, whose address is then a constant
 * of the code, so that no packet pays for a look-up. */
struct fa_config fa_config_entry SEC(".data.fa_config") = {};
#endif

static __always_inline struct fa_config *fa_settings(void)
{
#ifdef __bpf__
	return &fa_config_entry;
#else
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fa_config, &zero);
#endif
}

/* Whether the address is this interface's own: the kernel's business. */
static __always_inline int fa_is_own(const __u64 address[2])
{
	__u32 index = fa_port_index;
	struct fa_port *port = bpf_map_lookup_elem(&fa_ports, &index);

	if (!port)
		return 0;
	FA_LOOP
	for (__u32 i = 0; i < FA_PORT_ADDRESS_LIMIT && i < port->address_count; i++)
		if (fa_same_address(address, &port->addresses[i]))
			return 1;
	return 0;
}

static __always_inline int fa_prefix_contains(const struct fa_prefix *prefix, const __u64 address[2])
{
	return (address[1] & prefix->mask.halves_be[1]) == prefix->address.halves_be[1] &&
	       (address[0] & prefix->mask.halves_be[0]) == prefix->address.halves_be[0];
}

/* Whether the address is a tunnel endpoint of this machine. */
static __always_inline int fa_is_endpoint(const struct fa_config *config, const __u64 address[2])
{
	FA_LOOP
	for (__u32 i = 0; i < FA_ENDPOINT_LIMIT && i < config->endpoint_count; i++)
		if (fa_same_address(address, &config->endpoints[i]))
			return 1;
	return 0;
}

/* To the host itself: on its access link, or through its tunnel. */
static __always_inline __u32 fa_deliver(const struct fa_config *config, const struct fa_host_view *host,
					struct fa_action *action)
{
	__u32 way = host->flags & (FA_HOST_ATTACHED | FA_HOST_TUNNELLED);

	action->decrement = !!(config->flags & FA_CONFIG_DECREMENT_TTL);
	action->reason = FA_REASON_DELIVERED;
	action->path = host->path;
	action->peer[0] = host->peer[0];
	action->peer[1] = host->peer[1];
	action->tunnel_key_be = host->tunnel_key_be;
	if (FA_UNLIKELY(way == 0))
		return FA_REASON_NO_ROUTE;
	if (FA_UNLIKELY(way == (FA_HOST_ATTACHED | FA_HOST_TUNNELLED)) && !(host->flags & FA_HOST_PREFER_TUNNEL)) {
		struct fa_host_extra *extra = fa_host_extra(host);

		if (!extra)
			return FA_REASON_NO_ROUTE;
		action->path = extra->neighbour_path;
		action->peer[0] = *(__u64 *)&extra->neighbour;
		return FA_DECIDED;
	}
	if (FA_UNLIKELY(host->flags & FA_HOST_SEQUENCED)) {
		struct fa_host_extra *extra = fa_host_extra(host);

		if (!extra)
			return FA_REASON_NO_ROUTE;
		action->sequence = __sync_fetch_and_add(&extra->transmit_sequence, 1);
	}
	return FA_DECIDED;
}

/* Towards a host: through the servers of its chain, if it has any that are in service. */
static __always_inline __u32 fa_downlink(const struct fa_config *config, const struct fa_host_view *host,
					 struct fa_action *action)
{
	if (FA_UNLIKELY(host->flags & FA_HOST_REFUSED))
		return FA_REASON_SERVER_DOWN;
	if (host->chain) {
		__u32 index = host->chain;
		struct fa_chain *chain = bpf_map_lookup_elem(&fa_chains, &index);

		if (!chain || chain->flags & FA_CHAIN_REFUSE)
			return FA_REASON_SERVER_DOWN;
		if (!(chain->flags & FA_CHAIN_BYPASS)) {
			action->path = chain->down;
			action->reason = FA_REASON_TO_SERVER;
			return FA_DECIDED;
		}
	}
	return fa_deliver(config, host, action);
}

/* What the packet that is routed has behind it. */
#define FA_ROUTE_PLAIN 0u
#define FA_ROUTE_AFTER_SERVER 1u /* it has just come out of a server's outside leg */
#define FA_ROUTE_BYPASS 2u /* it is tunnelled for another anchor: no servers here */

/* A destination among this router's own hosts, reached from another of them. */
static __noinline __u32 fa_route_local(const struct fa_config *config, __u64 upper, __u64 lower, __u32 mode,
				       struct fa_action *action)
{
	struct fa_host_view *host = &action->host;
	__u32 decided;

	if (!fa_host_find_far(config, upper, lower, host))
		return FA_REASON_TO_KERNEL_ROUTE;
	fa_host_touch(host);
	if (mode == FA_ROUTE_BYPASS)
		return fa_deliver(config, host, action);
	decided = fa_downlink(config, host, action);
	if (mode == FA_ROUTE_AFTER_SERVER && decided == FA_DECIDED && action->reason == FA_REASON_TO_SERVER) {
		struct fa_path *path = bpf_map_lookup_elem(&fa_paths, &action->path);

		/* It would go out of the leg that it came in by: it has passed this server already. */
		if (path && path->copies[path->generation & 1].port == fa_port_index)
			return fa_deliver(config, host, action);
	}
	return decided;
}

/* By destination. */
static __always_inline __u32 fa_route(const struct fa_config *config, const struct fa_ip *ip, __u32 mode,
				      struct fa_action *action)
{
	FA_LOOP
	for (__u32 i = 0; i < FA_POOL_LIMIT && i < config->pool_count; i++) {
		if (fa_prefix_contains(&config->pools[i], ip->destination)) {
			return fa_route_local(config, ip->destination[0], ip->destination[1], mode, action);
		}
	}
	action->reason = mode == FA_ROUTE_BYPASS ? FA_REASON_BYPASSED : FA_REASON_FORWARDED;
	action->decrement = !!(config->flags & FA_CONFIG_DECREMENT_TTL);
	FA_LOOP
	for (__u32 i = 0; i < FA_ROUTE_LIMIT && i < config->route_count; i++) {
		if (fa_prefix_contains(&config->routes[i], ip->destination)) {
			action->path = config->routes[i].path;
			return FA_DECIDED;
		}
	}
	if (config->flags & FA_CONFIG_ROUTE_BY_KERNEL) {
		action->path = FA_PATH_BY_KERNEL;
		return FA_DECIDED;
	}
	action->path = ip->version == 4 ? config->default_path_v4 : config->default_path_v6;
	return action->path ? FA_DECIDED : FA_REASON_NO_ROUTE;
}

/* From a host: through the servers of its chain, if it has any that are in service. */
static __always_inline __u32 fa_uplink(const struct fa_config *config, const struct fa_host_view *host,
				       const struct fa_ip *ip, struct fa_action *action)
{
	if (FA_UNLIKELY(host->flags & FA_HOST_REFUSED))
		return FA_REASON_SERVER_DOWN;
	if (host->chain) {
		__u32 index = host->chain;
		struct fa_chain *chain = bpf_map_lookup_elem(&fa_chains, &index);

		if (!chain || chain->flags & FA_CHAIN_REFUSE)
			return FA_REASON_SERVER_DOWN;
		if (!(chain->flags & FA_CHAIN_BYPASS)) {
			action->path = chain->up;
			action->reason = FA_REASON_TO_SERVER;
			return FA_DECIDED;
		}
	}
	return fa_route(config, ip, FA_ROUTE_PLAIN, action);
}
