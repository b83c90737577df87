/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of every packet that is sent: the Ethernet and outer headers of its path in front of it, in
 * one move of the frame's beginning whatever was taken off and put on. */
#pragma once

#include "encapsulate.h"
#include "icmp.h"
#include "nat.h"

/* The kernel's answer to where a packet goes, as a path. Its port is an interface's
 * index. Returns FA_REASON_NONE, or why not. */
static __noinline __u32 fa_route_by_kernel(fa_context *context, __u32 cursor, __u32 version)
{
	struct bpf_fib_lookup query = {};
	struct fa_path_copy *way;
	struct fa_path *path;
	__u32 zero = 0;
	struct fa_ip ip;
	long found;

	if (cursor > FA_CURSOR_LIMIT ||
	    fa_parse_at(context, cursor, version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6, &ip))
		return FA_REASON_MALFORMED;
	path = bpf_map_lookup_elem(&fa_kernel_path, &zero);
	if (!path)
		return FA_REASON_NO_ROUTE;
	way = &path->copies[0];
	query.ifindex = context->ingress_ifindex;
	query.tot_len = (__u16)ip.length;
	if (version == 4) {
		query.family = 2; /* AF_INET */
		query.tos = ip.class;
		query.ipv4_src = fa_v4_address(ip.source[1]);
		query.ipv4_dst = fa_v4_address(ip.destination[1]);
	} else {
		query.family = 10; /* AF_INET6 */
		__builtin_memcpy(query.ipv6_src, ip.source, 16);
		__builtin_memcpy(query.ipv6_dst, ip.destination, 16);
	}
	found = bpf_fib_lookup(context, &query, sizeof(query), 0);
	way->flags = FA_PATH_RESOLVED;
	way->mtu = 0xffff;
	way->port = query.ifindex;
	if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
		way->mtu = query.mtu_result;
		return FA_REASON_NONE;
	}
	if (found == BPF_FIB_LKUP_RET_BLACKHOLE || found == BPF_FIB_LKUP_RET_UNREACHABLE ||
	    found == BPF_FIB_LKUP_RET_PROHIBIT)
		return FA_REASON_NO_ROUTE;
	if (found != BPF_FIB_LKUP_RET_SUCCESS) {
		way->flags = FA_PATH_KERNEL;
		return FA_REASON_NONE;
	}
	__builtin_memcpy(way->mac_destination, query.dmac, 6);
	__builtin_memcpy(way->mac_source, query.smac, 6);
	return FA_REASON_NONE;
}

/* One hop less. The header is known to be there. */
static __always_inline void fa_decrement_ttl(void *header, __u8 version)
{
	if (version == 4) {
		__u8 *ttl = header + 8;
		__u32 sum = fa_load16(header + 10) + 1u; /* the TTL is the lower byte of a word as loaded */

		fa_store16(header + 10, (__u16)(sum + (sum >> 16)));
		*ttl -= 1;
	} else {
		__u8 *hop_limit = header + 7;

		*hop_limit -= 1;
	}
}

/* The finished frame, out of the port. */
static __always_inline int fa_leave(__u32 reason, __u32 port)
{
	fa_count(reason);
	if (fa_port_transmits && port == fa_port_index)
		return XDP_TX;
	if (FA_UNLIKELY(bpf_redirect_map(&fa_devices, port, XDP_DROP) != XDP_REDIRECT)) {
		fa_count(FA_REASON_REDIRECT_FAILED);
		return XDP_DROP;
	}
	return XDP_REDIRECT;
}

/* Runs the action on the packet whose IP header is at action->cursor; what is in front of it goes.
 * Returns the program's verdict. A global function: the verifier goes through it once, not once for
 * each way that leads here. */
__noinline int fa_run(fa_context *context, const struct fa_action *action)
{
	struct fa_path *path;
	struct fa_way way;
	struct fa_outer_header outer;
	__u32 zero = 0;
	__u32 index;
	__u32 decrement;
	__u32 reason;
	__u32 cursor;
	__u32 leave = FA_REASON_NONE;
	__u32 redirect_by_index = 0;
	__u32 layer2 = FA_ETHERNET_BYTES;
	__u16 tag_be = 0;
	void *data;
	void *end;
	void *header;
	int delta;

	if (!action)
		return XDP_ABORTED;
	reason = action->reason;
	decrement = action->decrement;
	cursor = action->ip.cursor;
	index = action->path;
	if (cursor > FA_CURSOR_LIMIT)
		return fa_exit(FA_REASON_MALFORMED);
	if (FA_UNLIKELY(index == FA_PATH_BY_KERNEL)) {
		path = bpf_map_lookup_elem(&fa_kernel_path, &zero);
		redirect_by_index = 1;
	} else {
		path = bpf_map_lookup_elem(&fa_paths, &index);
	}
	if (!path || !fa_path_load(path, &way))
		return fa_exit(FA_REASON_NO_ROUTE);
	if (FA_UNLIKELY(way.flags & FA_PATH_DROP))
		return fa_exit(way.reason >= FA_REASON_FIRST_DROP && way.reason < FA_REASON_COUNT ? way.reason
												  : FA_REASON_NO_ROUTE);
	if (FA_UNLIKELY(way.flags & FA_PATH_KERNEL))
		leave = FA_REASON_TO_KERNEL_ROUTE;
	else if (FA_UNLIKELY(!(way.flags & FA_PATH_RESOLVED)))
		leave = FA_REASON_TO_KERNEL_UNRESOLVED;
	if (FA_UNLIKELY(leave)) {
		/* As it came, if nothing is done to it: the kernel takes one off its TTL. */
		if (!way.push) {
			if (cursor == action->frame_header)
				return fa_exit(leave);
			decrement = 0;
		}
	} else if (FA_UNLIKELY(action->ip.length > way.mtu)) {
		if (cursor != action->frame_header)
			return fa_exit(FA_REASON_TOO_BIG);
		return FA_VERDICT_TOO_BIG | way.mtu << FA_VERDICT_BITS;
	}

	data = FA_DATA(context);
	end = FA_DATA_END(context);
	header = data + cursor;
	if (header + FA_IPV4_BYTES > end)
		return fa_exit(FA_REASON_MALFORMED);
	if (decrement) {
		if (FA_UNLIKELY(action->ip.ttl <= 1))
			return fa_exit(cursor == action->frame_header ? FA_REASON_TO_KERNEL_TTL
								      : FA_REASON_TTL_EXPIRED);
		fa_decrement_ttl(header, action->ip.version);
	}

	if (FA_UNLIKELY(leave)) {
		struct fa_port *port;

		index = fa_port_index;
		port = bpf_map_lookup_elem(&fa_ports, &index);
		if (!port)
			return fa_exit(FA_REASON_NO_ROUTE);
		/* Addressed to the interface it came in by, so that the kernel takes it. */
		__builtin_memcpy(&way.macs[0], port->mac, 6);
		__builtin_memcpy((__u8 *)&way.macs[0] + 6, port->mac, 2);
		__builtin_memcpy(&way.macs[1], port->mac + 2, 4);
	} else {
		tag_be = way.vlan_be;
		if (way.flags & FA_PATH_MAC_FROM_HOST) {
			way.macs[0] = (way.macs[0] & 0xffff000000000000ull) | (action->peer[0] & 0x0000ffffffffffffull);
			tag_be = __builtin_bswap16((__u16)(action->peer[0] >> 48));
		}
		FA_OPAQUE(data); /* the verifier doesn't conclude it from what is behind */
		if (FA_UNLIKELY(way.flags & FA_PATH_MAC_KEEP) && data + FA_ETHERNET_BYTES <= end)
			way.macs[0] = (way.macs[0] & 0xffff000000000000ull) | (fa_load64(data) & 0x0000ffffffffffffull);
		if (FA_UNLIKELY(tag_be))
			layer2 += FA_VLAN_BYTES;
	}
	if (way.flags & FA_PATH_PEER_FROM_HOST) {
		way.destination[0] = action->peer[0];
		way.destination[1] = action->peer[1];
	}

	delta = (int)cursor - (int)layer2 - (int)way.push;
	if (delta && bpf_xdp_adjust_head(context, delta))
		return fa_exit(FA_REASON_TOO_BIG);
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	header = data + layer2;
	if (header + FA_IPV4_BYTES > end)
		return fa_exit(FA_REASON_MALFORMED);
	fa_store64(data, way.macs[0]);
	fa_store32(data + 8, (__u32)way.macs[1]);
	if (FA_UNLIKELY(layer2 != FA_ETHERNET_BYTES)) {
		fa_store16(data + 12, FA_BE16(FA_ETHERTYPE_VLAN));
		fa_store16(data + 14, tag_be);
	}
	if (!way.push) {
		fa_store16(header - 2, FA_BE16(action->ip.version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6));
	} else {
		void *gre;

		/* Of what is put into a tunnel to another router, it is said why. */
		if (FA_LIKELY(reason < FA_REASON_TO_ANCHOR || reason > FA_REASON_RETURNED))
			reason = FA_REASON_ENCAPSULATED;
		outer.source[0] = way.source[0];
		outer.source[1] = way.source[1];
		outer.destination[0] = way.destination[0];
		outer.destination[1] = way.destination[1];
		outer.length = action->ip.length;
		outer.checksum = way.checksum;
		outer.class = fa_outer_class(way.flags, way.dscp, action->ip.class);
		outer.ttl = way.ttl;
		outer.protocol = action->ip.version == 4 ? FA_PROTOCOL_IPV4 : FA_PROTOCOL_IPV6;
		if (way.flags & FA_PATH_GRE) {
			outer.protocol = FA_PROTOCOL_GRE;
			outer.length += FA_GRE_BYTES;
			if (way.flags & FA_PATH_SEQUENCED)
				outer.length += FA_GRE_SEQUENCE_BYTES;
		}
		if (way.flags & FA_PATH_TUNNEL_V4) {
			fa_store16(header - 2, FA_BE16(FA_ETHERTYPE_IPV4));
			fa_write_outer_ipv4(header, &outer);
			gre = header + FA_IPV4_BYTES;
		} else {
			if (header + FA_IPV6_BYTES > end)
				return fa_exit(FA_REASON_MALFORMED);
			fa_store16(header - 2, FA_BE16(FA_ETHERTYPE_IPV6));
			fa_write_outer_ipv6(header, &outer);
			gre = header + FA_IPV6_BYTES;
		}
		if (FA_UNLIKELY(way.flags & FA_PATH_GRE)) {
			if (gre + FA_GRE_BYTES + FA_GRE_SEQUENCE_BYTES > end)
				return fa_exit(FA_REASON_MALFORMED);
			fa_write_gre(gre, &way, action->tunnel_key_be, action->sequence, action->ip.version);
		}
	}

	if (FA_UNLIKELY(leave))
		return fa_exit(leave);
	if (FA_UNLIKELY(redirect_by_index)) {
		fa_count(reason);
		return bpf_redirect(way.port, 0);
	}
	return fa_leave(reason, way.port);
}

/* Whether fa_run is going to send the packet: what it refuses or answers, its sender must know again. */
static __always_inline int fa_will_leave(const struct fa_action *action)
{
	__u32 index = action->path;
	__u32 zero = 0;
	struct fa_path *path = index == FA_PATH_BY_KERNEL ? bpf_map_lookup_elem(&fa_kernel_path, &zero)
							  : bpf_map_lookup_elem(&fa_paths, &index);
	struct fa_path_copy *copy;

	if (!path || (action->decrement && action->ip.ttl <= 1))
		return 0;
	copy = &path->copies[FA_ONCE(path->generation) & 1];
	if (copy->flags & FA_PATH_DROP)
		return 0;
	return copy->flags & FA_PATH_KERNEL || !(copy->flags & FA_PATH_RESOLVED) || action->ip.length <= copy->mtu;
}

/* In place of a verdict: what is to be done with the packet is in fa_deferred, once it is translated. */
#define FA_VERDICT_TRANSLATE 0x104

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_action);
} fa_deferred SEC(".maps");

/* Leaves the action to fa_translate, which is called where less of the stack is in use. */
static __always_inline int fa_defer(const struct fa_action *action)
{
	__u32 zero = 0;
	struct fa_action *deferred = bpf_map_lookup_elem(&fa_deferred, &zero);

	if (!deferred)
		return fa_exit(FA_REASON_NO_ROUTE);
	*deferred = *action;
	return FA_VERDICT_TRANSLATE;
}

/* A packet of an inside host that goes to the core, or to another inside host by its outside address (RFC 4787, REQ-9).
 * FA_DECIDED, or the reason of an exit. */
static __always_inline int fa_translate_deferred(fa_context *context, struct fa_config *config,
						 struct fa_action *action)
{
	__u32 number;
	__u32 cursor;
	int failed;

	failed = fa_nat_up(context, &action->ip);
	if (FA_UNLIKELY(failed))
		return failed;
	number = fa_outside_number(config, action->ip.destination);
	if (FA_LIKELY(!number))
		return (int)FA_DECIDED;
	cursor = action->ip.cursor;
	if (cursor > FA_CURSOR_LIMIT || fa_parse_at(context, cursor, FA_ETHERTYPE_IPV4, &action->ip))
		return FA_REASON_MALFORMED;
	failed = fa_nat_down(context, &action->ip, number);
	if (FA_UNLIKELY(failed))
		return failed;
	if (fa_parse_at(context, cursor, FA_ETHERTYPE_IPV4, &action->ip))
		return FA_REASON_MALFORMED;
	action->decrement = 0; /* by whoever delivers it */
	return (int)fa_route_local(config, action->ip.destination[0], action->ip.destination[1], FA_ROUTE_AFTER_SERVER,
				   action);
}

/* The end of a packet that fa_send has left. */
__noinline int fa_translate(fa_context *context)
{
	__u32 zero = 0;
	struct fa_action *action = bpf_map_lookup_elem(&fa_deferred, &zero);
	struct fa_config *config = fa_settings();
	__u32 decided;

	if (!action || !config)
		return XDP_ABORTED;
	if (FA_LIKELY(fa_will_leave(action))) {
		decided = (__u32)fa_translate_deferred(context, config, action);
		if (FA_UNLIKELY(decided != FA_DECIDED))
			return fa_exit(decided);
	}
	return fa_run(context, action);
}

static __always_inline int fa_send(fa_context *context, struct fa_action *action)
{
	struct fa_config *config = fa_settings();

	if (FA_UNLIKELY(action->path == FA_PATH_BY_KERNEL)) {
		__u32 failed = fa_route_by_kernel(context, action->ip.cursor, action->ip.version);

		if (failed)
			return fa_exit(failed);
	}
	if (action->reason == FA_REASON_FORWARDED && action->ip.version == 4 && config && config->inside_count &&
	    fa_is_inside(config, action->ip.source) && !fa_is_exempt(config, action->ip.destination))
		return fa_defer(action);
	return fa_run(context, action);
}

/* What the kernel is told: a packet that is to be translated is so first, and one that was too big is answered. */
static __always_inline int fa_finish(fa_context *context, const struct fa_ethernet *ethernet, int verdict)
{
	if (verdict == FA_VERDICT_TRANSLATE)
		verdict = fa_translate(context);
	if (FA_UNLIKELY((verdict & ((1 << FA_VERDICT_BITS) - 1)) == FA_VERDICT_TOO_BIG)) {
		struct fa_config *config = fa_settings();

		if (config && config->inside_count && ethernet->type == FA_ETHERTYPE_IPV4)
			fa_nat_reveal(context, ethernet->cursor);
		return fa_answer_too_big(context, ethernet->cursor, ethernet->type == FA_ETHERTYPE_IPV4 ? 4 : 6,
					 (__u32)verdict >> FA_VERDICT_BITS);
	}
	return verdict;
}
