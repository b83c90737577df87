/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of hosts that know nothing of us and roam between access routers: each flow leaves through the router where
 * it began, which alone translates it [0079]-[0083] [0087]. */
#pragma once

#include "send.h"

/* In place of a verdict: the host of the action in fa_deferred roams, and fa_roam goes on with it, where less of the
 * stack is in use. */
#define FA_VERDICT_ROAMS 0x105

/* In place of a router: no flow that this router knows. */
#define FA_ROAM_UNKNOWN 0xffu

/* The router where the flow work->id began, seen from the host: its index in fa_routers plus one, 0 if that is this
 * one, or FA_ROAM_UNKNOWN. touch: the packet is the flow's own, and shows that it lives. */
__noinline int fa_roam_flow(__u32 touch)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_translation *slot;
	struct fa_slot_place at;
	__u32 router;
	__u64 hash;

	if (!config || !work)
		return FA_ROAM_UNKNOWN;
	work->other = work->id;
	work->other.key.kind = FA_NAT_AWAY;
	hash = fa_hash_translation(config->hash_secret, work->other.words);
	for (__u32 attempt = 0; attempt < FA_HOST_ATTEMPTS; attempt++) {
		slot = fa_translations_find(hash, config->translation_mask, &work->other, &at);
		if (!slot)
			break;
		router = FA_ONCE(slot->router);
		if (FA_UNLIKELY(!fa_slot_unchanged(&slot->header, at.word)))
			continue;
		if (touch)
			fa_translation_touch(slot, work->seen);
		return (int)(router + 1 <= FA_ROUTER_LIMIT ? router + 1 : FA_ROAM_UNKNOWN);
	}
	hash = fa_hash_translation(config->hash_secret, work->id.words);
	return fa_translations_find(hash, config->translation_mask, &work->id, &at) ? 0 : FA_ROAM_UNKNOWN;
}

/* Where a packet of a roaming host has to go: as fa_roam_flow. previous: of its entry. opens: whether it may begin a
 * flow although not all flows of the host are known yet. */
__noinline int fa_roam_way(fa_context *context, const struct fa_ip *ip, __u32 previous, __u32 *opens)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	__u32 touch = 1;
	int failed;

	if (!config || !work || !ip || !opens || previous > FA_ROUTER_LIMIT)
		return 0;
	*opens = 0;
	/* What isn't translated has no entry a flow: all packets of the address go where it began. */
	if (ip->version != 4 || !config->inside_count || !fa_is_inside(config, ip->source))
		return (int)previous;
	if (fa_is_exempt(config, ip->destination))
		return 0;
	failed = fa_nat_classify(context, ip, 1);
	*opens = !failed && ip->protocol == FA_PROTOCOL_TCP && work->opens;
	if (FA_UNLIKELY(failed == FA_NAT_ICMP_ERROR)) {
		touch = 0;
		failed = fa_nat_quoted(context, ip, 1);
	}
	return FA_UNLIKELY(failed) ? FA_ROAM_UNKNOWN : fa_roam_flow(touch);
}

/* Through the tunnel to another router, past the servers here. */
static __always_inline __u32 fa_to_router(const struct fa_config *config, __u32 number, __u32 reason,
					  struct fa_action *action)
{
	__u32 index = number - 1;
	struct fa_router *router = bpf_map_lookup_elem(&fa_routers, &index);

	if (!router || !router->path)
		return FA_REASON_NO_ROUTE;
	action->path = router->path;
	action->peer[0] = router->address.halves_be[0];
	action->peer[1] = router->address.halves_be[1];
	action->reason = reason;
	action->decrement = !!(config->flags & FA_CONFIG_DECREMENT_TTL);
	return FA_DECIDED;
}

/* To where the host is, past the servers here. */
static __always_inline __u32 fa_after_host(const struct fa_config *config, __u32 reason, struct fa_action *action)
{
	__u32 decided = fa_deliver(config, &action->host, action);

	action->reason = reason;
	return decided;
}

/* Whether it is to be found out where the flow of a packet from a tunnel began: of a host that asks for its flows, or
 * that is here again. */
static __always_inline int fa_has_to_be_found(const struct fa_action *action)
{
	return (action->roaming == FA_ROAMING_NONE && action->host.flags & FA_HOST_ASKED) ||
	       action->roaming == FA_ROAMING_BEGINS;
}

/* Where a packet goes that another router knew no flow for: to where it is known by now that it began, if that is not
 * the router which it comes from; otherwise it begins one here. */
static __always_inline __u32 fa_roam_returned(fa_context *context, struct fa_action *action)
{
	__u32 from = fa_peer_router(action->peer[0], action->peer[1]);
	__u32 opens;
	__u32 way = (__u32)fa_roam_way(context, &action->ip, 0, &opens);

	return way == FA_ROAM_UNKNOWN || way == from ? 0 : way;
}

/* Goes on with the action in fa_deferred. */
__noinline int fa_roam(fa_context *context)
{
	__u32 zero = 0;
	struct fa_action *action = bpf_map_lookup_elem(&fa_deferred, &zero);
	struct fa_config *config = fa_settings();
	__u32 decided;
	__u32 opens = 0;
	__u32 is_here;
	__u32 way;

	if (!action || !config)
		return XDP_ABORTED;
	is_here = action->host.flags & FA_HOST_ATTACHED;
	way = action->roaming == FA_ROAMING_BEGINS
		  ? fa_roam_returned(context, action)
		  : (__u32)fa_roam_way(context, &action->ip, action->host.previous, &opens);
	/* Only a SYN begins a connection while its host's flows are on their way from the router that it was at before.
	 */
	if (way == FA_ROAM_UNKNOWN && is_here)
		way = opens ? 0 : action->host.previous;
	else if (way == FA_ROAM_UNKNOWN && action->host.previous)
		way = action->host.previous;
	if (way == FA_ROAM_UNKNOWN) {
		decided = fa_after_host(config, FA_REASON_RETURNED, action);
	} else if (way) {
		decided = fa_to_router(config, way, is_here ? FA_REASON_TO_ANCHOR : FA_REASON_PASSED_ON, action);
	} else {
		fa_clamp_mss(context, config, &action->ip);
		decided = fa_uplink(config, &action->host, &action->ip, action);
	}
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_send(context, action);
}

/* Leaves the action to fa_roam. */
static __always_inline int fa_defer_roaming(const struct fa_action *action)
{
	int verdict = fa_defer(action);

	return verdict == FA_VERDICT_TRANSLATE ? FA_VERDICT_ROAMS : verdict;
}

/* What becomes of a packet that has come out of a tunnel from another router. */
static __always_inline __u32 fa_from_router(const struct fa_config *config, struct fa_action *action)
{
	switch (action->roaming) {
	case FA_ROAMING_DOWN:
		return fa_deliver(config, &action->host, action);
	case FA_ROAMING_AFTER:
		return fa_after_host(config, FA_REASON_PASSED_ON, action);
	case FA_ROAMING_BACK:
		return fa_after_host(config, FA_REASON_RETURNED, action);
	default:
		return fa_uplink(config, &action->host, &action->ip, action);
	}
}
