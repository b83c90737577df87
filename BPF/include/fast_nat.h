/* SPDX-License-Identifier: BSD-2-Clause */
/* Usual packets of flows that are translated and known, see fast.h and nat.h. */
#pragma once

#include "fast_packet.h"

/* The flow of a usual TCP or UDP packet, in its direction, as a slot of this kind: finds it, and what is written.
 * Whether it is known. */
static __always_inline int fa_usual_flow(void *data, void *end, const struct fa_config *config, __u32 cursor, __u8 kind,
					 struct fa_usual *usual)
{
	const __u32 up = kind != FA_NAT_DOWN;

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
	id.words[1] = fa_nat_word(up ? ports : ports >> 16 | ports << 16, usual->ip.protocol, kind);
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
	    !fa_usual_transport(data, end, FA_ETHERNET_BYTES + FA_IPV4_BYTES, usual.ip.protocol) ||
	    FA_UNLIKELY(usual.ip.ttl <= 1) || FA_UNLIKELY(fa_outside_number(config, usual.ip.source)) ||
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
