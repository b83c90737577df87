/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that are tunnelled to this machine. One look-up, of the inner source, says all that lets one
 * through: the peer, the kind of tunnel and its key. The rest is needed only to name a refusal. */
#pragma once

#include "ecn.h"
#include "encapsulate.h"
#include "roaming_peer.h"

static __always_inline int fa_is_tunnel(__u8 protocol)
{
	return protocol == FA_PROTOCOL_IPV4 || protocol == FA_PROTOCOL_IPV6 || protocol == FA_PROTOCOL_GRE;
}

/* GRE (RFC 2784) with optional key and sequence number (RFC 2890). A checksum isn't understood. */
static __always_inline __u32 fa_parse_tunnel(void *data, void *end, const struct fa_ip *outer,
					     struct fa_tunnelled *tunnelled)
{
	__u32 cursor = outer->cursor + outer->header;
	void *gre;

	FA_OPAQUE(cursor);
	if (cursor > 2 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	gre = data + cursor;
	tunnelled->gre = 0;
	tunnelled->is_gre = 0;
	tunnelled->key_be = 0;
	tunnelled->sequence = 0;
	tunnelled->cursor = cursor;
	tunnelled->type = outer->protocol == FA_PROTOCOL_IPV4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6;
	if (FA_LIKELY(outer->protocol != FA_PROTOCOL_GRE))
		return FA_REASON_NONE;
	if (gre + 4 > end)
		return FA_REASON_MALFORMED;
	tunnelled->is_gre = 1;
	tunnelled->gre = fa_load16(gre);
	tunnelled->type = __builtin_bswap16(fa_load16(gre + 2));
	tunnelled->cursor += 4;
	if (tunnelled->type != FA_ETHERTYPE_IPV4 && tunnelled->type != FA_ETHERTYPE_IPV6)
		return FA_REASON_MALFORMED;
	if (tunnelled->gre & ~(FA_GRE_KEY_BE | FA_GRE_SEQUENCE_BE))
		return FA_REASON_TUNNEL_KIND_MISMATCH;
	gre += 4;
	if (tunnelled->gre & FA_GRE_KEY_BE) {
		if (gre + 4 > end)
			return FA_REASON_MALFORMED;
		tunnelled->key_be = fa_load32(gre);
		tunnelled->cursor += 4;
		gre += 4;
	}
	if (tunnelled->gre & FA_GRE_SEQUENCE_BE) {
		if (gre + 4 > end)
			return FA_REASON_MALFORMED;
		tunnelled->sequence = FA_BE32(fa_load32(gre));
		tunnelled->cursor += 4;
	}
	return FA_REASON_NONE;
}

/* Why a tunnelled packet is refused whose inner source is not a host at this peer. */
static __noinline __u32 fa_refusal(__u64 peer_upper, __u64 peer_lower, __u32 source_is_host)
{
	if (!fa_peer_known(peer_upper, peer_lower))
		return FA_REASON_PEER_UNKNOWN;
	return source_is_host ? FA_REASON_INNER_SOURCE_NOT_ALLOWED : FA_REASON_INNER_SOURCE_UNKNOWN;
}

/* Takes the number as the last one delivered, if it is newer (RFC 2890, section 2.2). Of two that race
 * the older one is refused, never delivered second. */
static __noinline __u32 fa_accept_sequence(__u32 sequence, struct fa_host_extra *extra)
{
	for (__u32 attempt = 0; attempt < 16; attempt++) {
		__u64 last = FA_ONCE(extra->receive_sequence);
		__u64 next = 1ull << 32 | sequence;

		if (last >> 32 && (int)(sequence - (__u32)last) <= 0)
			return FA_REASON_SEQUENCE_OLD;
		if (__sync_val_compare_and_swap(&extra->receive_sequence, last, next) == last)
			return FA_REASON_NONE;
	}
	return FA_REASON_SEQUENCE_OLD;
}

/* Checks a packet that is tunnelled to one of our endpoints, and finds what is inside and whose it is.
 * action->ip is the outer header, and then the inner one. The frame is not moved yet, but the inner header
 * has its ECN. */
static __always_inline __u32 fa_decapsulate(fa_context *context, const struct fa_config *config,
					    struct fa_action *action)
{
	struct fa_tunnelled *tunnelled = &action->tunnelled;
	struct fa_host_view *host = &action->host;
	struct fa_ip *ip = &action->ip;
	__u32 is_former = 0;
	__u32 is_known;
	__u32 failed;
	__u32 room;
	__u32 ecn;

	if (FA_UNLIKELY(ip->fragment))
		return FA_REASON_OUTER_FRAGMENT;
	failed = fa_parse_tunnel(FA_DATA(context), FA_DATA_END(context), ip, tunnelled);
	if (FA_UNLIKELY(failed))
		return failed;
	if (tunnelled->cursor - ip->cursor > ip->length)
		return FA_REASON_MALFORMED;
	room = ip->length - (tunnelled->cursor - ip->cursor);
	action->peer[0] = ip->source[0];
	action->peer[1] = ip->source[1];
	tunnelled->outer_class = ip->class;
	failed = fa_parse_at(context, tunnelled->cursor, tunnelled->type, ip);
	if (FA_UNLIKELY(failed))
		return failed;
	if (FA_UNLIKELY(ip->length > room))
		return FA_REASON_MALFORMED;

	action->roaming = FA_ROAMING_NONE;
	is_known = fa_host_find(config, ip->source, host);
	if (FA_UNLIKELY(!is_known) ||
	    FA_UNLIKELY(!(host->flags & FA_HOST_TUNNELLED) || host->peer[1] != action->peer[1] ||
			host->peer[0] != action->peer[0])) {
		if (config->router_count)
			action->roaming = fa_roaming_kind(config, ip, action->peer, host);
		if (action->roaming == FA_ROAMING_NONE) {
			is_former = is_known &&
				    fa_peer_admitted(ip->source[0], ip->source[1], action->peer[0], action->peer[1]);
			if (!is_former)
				return fa_refusal(action->peer[0], action->peer[1], is_known);
			if (config->router_count && !fa_host_find(config, ip->source, host))
				return FA_REASON_INNER_SOURCE_UNKNOWN;
		} else if (tunnelled->is_gre) {
			return FA_REASON_TUNNEL_KIND_MISMATCH;
		}
	}
	/* A host that has come back has no tunnel whose kind and key could be compared. */
	if (FA_UNLIKELY(!(host->flags & FA_HOST_GRE) != !tunnelled->is_gre) && !is_former)
		return FA_REASON_TUNNEL_KIND_MISMATCH;
	if (FA_UNLIKELY(tunnelled->is_gre) && !is_former) {
		if (!(host->flags & FA_HOST_SEQUENCED) != !(tunnelled->gre & FA_GRE_SEQUENCE_BE))
			return FA_REASON_TUNNEL_KIND_MISMATCH;
		if (!(tunnelled->gre & FA_GRE_KEY_BE) || tunnelled->key_be != host->tunnel_key_be)
			return FA_REASON_TUNNEL_KEY_MISMATCH;
	}
	if (FA_UNLIKELY(fa_is_endpoint(config, ip->destination)))
		return FA_REASON_INNER_DESTINATION_ENDPOINT;

	ecn = fa_ecn_out_of_tunnel(tunnelled->outer_class & FA_ECN_MASK, ip->class & FA_ECN_MASK);
	if (FA_UNLIKELY(ecn == FA_ECN_DROP))
		return FA_REASON_ECN_INVALID;
	if (FA_UNLIKELY(host->flags & FA_HOST_SEQUENCED) && (tunnelled->gre & FA_GRE_SEQUENCE_BE)) {
		struct fa_host_extra *extra = fa_host_extra(host);

		if (!extra)
			return FA_REASON_SEQUENCE_OLD;
		failed = fa_accept_sequence(tunnelled->sequence, extra);
		if (failed)
			return failed;
	}
	if (FA_UNLIKELY(ecn != (ip->class & FA_ECN_MASK))) {
		__u32 cursor = ip->cursor;
		void *header;

		if (cursor > FA_CURSOR_LIMIT)
			return FA_REASON_MALFORMED;
		header = FA_DATA(context) + cursor;
		if (header + FA_IPV4_BYTES > FA_DATA_END(context))
			return FA_REASON_MALFORMED;
		fa_ecn_write(header, ip->version, ip->class, ecn);
		ip->class = (__u8)((ip->class & ~FA_ECN_MASK) | ecn);
	}
	return FA_REASON_NONE;
}
