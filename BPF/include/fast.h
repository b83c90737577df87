/* SPDX-License-Identifier: BSD-2-Clause */
/* The usual packet: untagged, no options, no fragment, not a SYN, no GRE, its host in the table,
 * its path resolved, and it fits. Nothing here decides anything that the general programs decide otherwise; a
 * packet that is not usual is handed to them as it came, before anything was done to it. What this
 * saves is calls between functions, which cost more than all that they do. Distances are constants here. */
#pragma once

#include "fast_roam.h"

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
	usual.translates = FA_USUAL_AS_IT_IS;
	if ((config->router_count && fa_is_plain(config, version, usual.ip.source)) ||
	    FA_UNLIKELY(!fa_usual_host(config, usual.ip.source, &usual, &view)))
		return config->router_count ? fa_usual_from_anchor(context, config, outer, &usual, cursor, version)
					    : FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED | FA_HOST_GRE | FA_HOST_ASKED)) !=
			FA_HOST_TUNNELLED) ||
	    FA_UNLIKELY(view.peer[1] != outer->source[1]) || FA_UNLIKELY(view.peer[0] != outer->source[0]))
		return FA_VERDICT_UNUSUAL;
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

/* From the core, and to or from an inside host; FA_VERDICT_OTHERWISE for others. */
static __always_inline int fa_usual_core_translated(fa_context *context, const struct fa_config *config, __u32 version)
{
	const __u32 cursor = FA_ETHERNET_BYTES + fa_ip_bytes(version);
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u64 destination[2] = {};
	__u8 protocol;

	if (data + cursor > end)
		return FA_VERDICT_OTHERWISE;
	protocol = *(__u8 *)(data + FA_ETHERNET_BYTES + (version == 4 ? 9 : 6));
	if (protocol == FA_PROTOCOL_IPV4) {
		if (!fa_usual_is_inside(data, end, config, cursor))
			return FA_VERDICT_OTHERWISE;
		return version == 4 ? fa_usual_inside_by_v4(context) : fa_usual_inside_by_v6(context);
	}
	if (version != 4 || FA_UNLIKELY(fa_is_tunnel(protocol)))
		return FA_VERDICT_OTHERWISE;
	destination[1] = fa_v4_mapped(fa_load32(data + FA_ETHERNET_BYTES + 16));
	return fa_outside_number(config, destination) ? fa_usual_down(context) : FA_VERDICT_OTHERWISE;
}

/* From the core: see fa_core. */
static __always_inline int fa_usual_core(fa_context *context, __u32 version)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_host_view view;
	struct fa_usual usual;

	if (config && config->outside_count) {
		int verdict = fa_usual_core_translated(context, config, version);

		if (verdict != FA_VERDICT_OTHERWISE)
			return verdict;
		data = FA_DATA(context);
		end = FA_DATA_END(context);
	}
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

	if (config && version == 4 && fa_usual_is_inside(data, end, config, FA_ETHERNET_BYTES)) {
		int verdict = fa_usual_inside_here(context);

		if (verdict != FA_VERDICT_OTHERWISE)
			return verdict;
		data = FA_DATA(context);
		end = FA_DATA_END(context);
	}
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
	if (FA_UNLIKELY(fa_host_roams(&view))) {
		int verdict;

		if (version != 4 || bypass || view.flags & (FA_HOST_CLAIMED | FA_HOST_DRAINS))
			return FA_VERDICT_UNUSUAL;
		fa_host_touch_slot(usual.slot);
		verdict = fa_usual_to_anchor(context, view.previous);
		if (verdict != FA_VERDICT_LOCAL)
			return verdict;
	}
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
