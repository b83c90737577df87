/* SPDX-License-Identifier: BSD-2-Clause */
/* Usual packets of hosts that roam between access routers, see fast.h and roam.h. */
#pragma once

#include "fast_nat.h"
#include "roam.h"

/* In place of a verdict: the packet goes on as one of a host that has always been here. */
#define FA_VERDICT_LOCAL 0x106

/* From a host here, of a flow that began at another router: there through a tunnel; see fa_roam. A function of its own,
 * for its stack. */
__noinline int fa_usual_to_anchor(fa_context *context, __u32 previous)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_config *config = fa_settings();
	struct fa_router *router;
	struct fa_usual usual;
	__u32 index;

	if (!config || !fa_usual_ipv4(data, end, FA_ETHERNET_BYTES, &usual.ip) || !config->inside_count ||
	    !fa_is_inside(config, usual.ip.source) ||
	    (!fa_is_plain(config, 4, usual.ip.destination) && fa_is_exempt(config, usual.ip.destination)))
		return FA_VERDICT_UNUSUAL;
	if (!fa_usual_flow(data, end, config, FA_ETHERNET_BYTES, FA_NAT_AWAY, &usual))
		return previous || usual.ip.protocol == FA_PROTOCOL_ICMP ? FA_VERDICT_UNUSUAL : FA_VERDICT_LOCAL;
	index = FA_ONCE(usual.flow->router);
	router = bpf_map_lookup_elem(&fa_routers, &index);
	if (!router || !router->path)
		return FA_VERDICT_UNUSUAL;
	fa_translation_touch(usual.flow, usual.seen);
	usual.translates = FA_USUAL_AS_IT_IS;
	usual.slot = 0;
	usual.path = router->path;
	usual.peer[0] = router->address.halves_be[0];
	usual.peer[1] = router->address.halves_be[1];
	usual.reason = FA_REASON_TO_ANCHOR;
	usual.decrement = config->flags & FA_CONFIG_DECREMENT_TTL;
	return fa_usual_send(context, &usual, FA_ETHERNET_BYTES, 4);
}

/* From another router's tunnel, for a host here: past the servers, see fa_roaming_kind. */
static __always_inline int fa_usual_from_anchor(fa_context *context, const struct fa_config *config,
						const struct fa_ip *outer, struct fa_usual *usual, __u32 cursor,
						__u32 version)
{
	struct fa_host_view view;
	__u32 router;

	if (FA_UNLIKELY(!fa_usual_host(config, usual->ip.destination, usual, &view)) ||
	    (view.flags & (FA_HOST_UNAWARE | FA_HOST_ATTACHED | FA_HOST_TUNNELLED)) !=
		(FA_HOST_UNAWARE | FA_HOST_ATTACHED))
		return FA_VERDICT_UNUSUAL;
	router = fa_peer_router(outer->source[0], outer->source[1]);
	if (!router || router > FA_ROUTER_LIMIT || !(fa_host_anchors(&view) >> (router - 1) & 1) ||
	    FA_UNLIKELY(fa_is_endpoint(config, usual->ip.destination)) ||
	    FA_UNLIKELY(fa_ecn_out_of_tunnel(outer->class & FA_ECN_MASK, usual->ip.class & FA_ECN_MASK) !=
			(usual->ip.class & FA_ECN_MASK)))
		return FA_VERDICT_UNUSUAL;
	if (FA_UNLIKELY(!fa_usual_deliver(config, &view, usual)))
		return FA_VERDICT_UNUSUAL;
	return fa_usual_send(context, usual, cursor, version);
}
