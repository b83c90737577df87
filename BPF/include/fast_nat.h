/* SPDX-License-Identifier: BSD-2-Clause */
/* Usual packets of flows that are translated and known, see fast.h and nat.h. */
#pragma once

#include "fast_packet.h"

/* Where the flow of a usual packet is looked for, and what of the packet is seen there. */
struct fa_usual_look {
	struct fa_nat_id id;
	__u64 hash;
	struct fa_translation *first;
	struct fa_slot_place at;
	__u32 seen;
};

/* Begins to look for the flow of a usual TCP or UDP packet, in its direction, as a slot of this kind; whether the
 * packet may belong to one. */
static __always_inline int fa_usual_look(void *data, void *end, const struct fa_config *config, __u32 cursor, __u8 kind,
					 const struct fa_ip *ip, struct fa_usual_look *look)
{
	const __u32 up = kind != FA_NAT_DOWN;

	void *transport = data + cursor + FA_IPV4_BYTES;
	__u32 source_be = fa_v4_address(ip->source[1]);
	__u32 destination_be = fa_v4_address(ip->destination[1]);
	__u32 ports;

	if (transport + 8 > end || ip->length < FA_IPV4_BYTES + 8)
		return 0;
	look->seen = FA_NAT_SEEN;
	if (FA_LIKELY(ip->protocol == FA_PROTOCOL_TCP)) {
		__u8 flags;

		if (transport + FA_TCP_BYTES > end || ip->length < FA_IPV4_BYTES + FA_TCP_BYTES)
			return 0;
		flags = *(__u8 *)(transport + 13);
		if (FA_UNLIKELY(flags & (FA_TCP_SYN | FA_TCP_FIN | FA_TCP_RST))) {
			if (flags & FA_TCP_SYN)
				return 0;
			look->seen |= flags & FA_TCP_FIN ? FA_NAT_FIN : 0;
			look->seen |= flags & FA_TCP_RST ? FA_NAT_RST : 0;
		}
	} else if (ip->protocol != FA_PROTOCOL_UDP) {
		return 0;
	}
	ports = fa_load32(transport);
	look->id.words[0] = up ? source_be | (__u64)destination_be << 32 : destination_be | (__u64)source_be << 32;
	look->id.words[1] = fa_nat_word(up ? ports : ports >> 16 | ports << 16, ip->protocol, kind);
	look->id.words[2] = 0;
	look->hash = fa_hash_translation(config->hash_secret, look->id.words);
	look->first = fa_translations_first(look->hash, config->translation_mask, &look->at);
	return 1;
}

/* Finds the flow, and what is written. Whether it is known. */
static __always_inline int fa_usual_found(const struct fa_config *config, struct fa_usual_look *look,
					  struct fa_usual *usual)
{
	struct fa_translation *slot =
	    fa_translations_find_behind(look->first, look->hash, config->translation_mask, &look->id, &look->at);

	if (FA_UNLIKELY(!slot) || FA_UNLIKELY(!fa_rewrite_copy(slot, look->at.word, &usual->rewrite)))
		return 0;
	usual->flow = slot;
	usual->seen = look->seen;
	return 1;
}

static __always_inline int fa_usual_flow(void *data, void *end, const struct fa_config *config, __u32 cursor, __u8 kind,
					 struct fa_usual *usual)
{
	struct fa_usual_look look;

	return fa_usual_look(data, end, config, cursor, kind, &usual->ip, &look) &&
	       fa_usual_found(config, &look, usual);
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
	    FA_UNLIKELY(!fa_usual_flow(data, end, config, cursor, FA_NAT_UP, &usual)))
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
	    FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length) ||
	    FA_UNLIKELY(usual.ip.ttl <= 1) ||
	    (!fa_is_plain(config, 4, usual.ip.source) && FA_UNLIKELY(fa_outside_number(config, usual.ip.source))) ||
	    FA_UNLIKELY(!fa_usual_flow(data, end, config, FA_ETHERNET_BYTES, FA_NAT_DOWN, &usual)))
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

/* In place of a verdict: a packet of another kind, which may be a usual one all the same. */
#define FA_VERDICT_OTHERWISE 0x107

/* From an inside host to a plain destination: all that fa_usual_access or, from this kind of tunnel, fa_usual_core
 * does, in one function. */
static __always_inline int fa_usual_inside(fa_context *context, __u32 outer_version)
{
	const __u32 cursor = FA_ETHERNET_BYTES + (outer_version ? fa_ip_bytes(outer_version) : 0);
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_usual_look look;
	struct fa_host_view view;
	struct fa_usual usual;
	struct fa_ip outer;

	if (!config || !fa_usual_ipv4(data, end, cursor, &usual.ip) ||
	    !fa_usual_look(data, end, config, cursor, FA_NAT_UP, &usual.ip, &look))
		return FA_VERDICT_OTHERWISE;
	if (!outer_version && FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)usual.ip.length))
		return FA_VERDICT_UNUSUAL;
	if (outer_version) {
		if (!fa_usual_ip(data, end, FA_ETHERNET_BYTES, outer_version, &outer) ||
		    FA_UNLIKELY((__u64)(end - data) < FA_ETHERNET_BYTES + (__u64)outer.length) ||
		    FA_UNLIKELY(fa_ip_bytes(outer_version) + usual.ip.length > outer.length))
			return FA_VERDICT_UNUSUAL;
		if (outer.protocol != FA_PROTOCOL_IPV4 || FA_UNLIKELY(!fa_is_endpoint(config, outer.destination)))
			return FA_VERDICT_OTHERWISE;
	}
	if (FA_UNLIKELY(!fa_usual_host(config, usual.ip.source, &usual, &view)) ||
	    FA_UNLIKELY(view.chain | (view.flags & FA_HOST_REFUSED)))
		return FA_VERDICT_OTHERWISE;
	if (outer_version) {
		if (FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED | FA_HOST_GRE | FA_HOST_ASKED)) !=
				FA_HOST_TUNNELLED) ||
		    FA_UNLIKELY(view.peer[1] != outer.source[1]) || FA_UNLIKELY(view.peer[0] != outer.source[0]) ||
		    FA_UNLIKELY(fa_ecn_out_of_tunnel(outer.class & FA_ECN_MASK, usual.ip.class & FA_ECN_MASK) !=
				(usual.ip.class & FA_ECN_MASK)))
			return FA_VERDICT_UNUSUAL;
	} else {
		if (FA_UNLIKELY(!fa_is_global(usual.ip.source, 4)) ||
		    FA_UNLIKELY((view.flags & (FA_HOST_TUNNELLED | FA_HOST_ATTACHED)) != FA_HOST_ATTACHED) ||
		    FA_UNLIKELY(view.peer[0] != (fa_load64(data + 6) & 0x0000ffffffffffffull)) ||
		    FA_UNLIKELY((__u32)view.peer[1] != fa_port_index))
			return FA_VERDICT_UNUSUAL;
		if (FA_UNLIKELY(fa_host_roams(&view)))
			return FA_VERDICT_OTHERWISE;
	}
	if (FA_UNLIKELY(!fa_usual_found(config, &look, &usual)))
		return FA_VERDICT_UNUSUAL;
	usual.translates = FA_USUAL_SOURCE;
	usual.peer[0] = 0;
	usual.peer[1] = 0;
	usual.path = config->default_path_v4;
	usual.reason = FA_REASON_FORWARDED;
	usual.decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
	return fa_usual_send(context, &usual, cursor, 4);
}

/* Functions of their own, for their stack. */
__noinline int fa_usual_inside_here(fa_context *context)
{
	return fa_usual_inside(context, 0);
}

__noinline int fa_usual_inside_by_v4(fa_context *context)
{
	return fa_usual_inside(context, 4);
}

__noinline int fa_usual_inside_by_v6(fa_context *context)
{
	return fa_usual_inside(context, 6);
}

/* Whether the packet at the cursor, if it is IPv4, is one for fa_usual_inside. */
static __always_inline int fa_usual_is_inside(void *data, void *end, const struct fa_config *config, __u32 cursor)
{
	void *header = data + cursor;
	__u64 source[2] = {};
	__u64 destination[2] = {};

	if (!config->inside_count || header + FA_IPV4_BYTES > end)
		return 0;
	source[1] = fa_v4_mapped(fa_load32(header + 12));
	destination[1] = fa_v4_mapped(fa_load32(header + 16));
	return fa_is_plain(config, 4, destination) && fa_is_inside(config, source);
}
