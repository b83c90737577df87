/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that come out of a tunnel from another access router, of hosts that roam between them. */
#pragma once

#include "peer.h"
#include "route.h"

/* The other access router with this address, its halves as loaded from memory: index in fa_routers plus one, or 0. */
static __noinline __u32 fa_peer_router(__u64 upper, __u64 lower)
{
	struct fa_address key = {.halves_be = {upper, lower}};
	struct fa_slot_place at;
	struct fa_config *config = fa_settings();
	struct fa_peer *peer;

	if (!config)
		return 0;
	peer = fa_peers_find(fa_hash_address(config->hash_secret, upper, lower, 0), config->host_mask, &key, &at);
	return peer ? peer->router : 0;
}

/* What a packet is that another access router has put into a tunnel [0079]-[0083]. */
#define FA_ROAMING_NONE 0u /* a host's, which is at the tunnel's other end */
#define FA_ROAMING_DOWN 1u /* for a host here, of a flow that began there */
#define FA_ROAMING_AFTER 2u /* for a host that has moved on meanwhile */
#define FA_ROAMING_BEGINS 3u /* of a host here: no flow of that router, so it begins one here */
#define FA_ROAMING_BACK 4u /* the same, of a host that has moved on meanwhile */

/* Which of these it is, and the host that makes it so. */
static __noinline __u32 fa_roaming_kind(const struct fa_config *config, const struct fa_ip *ip, const __u64 *peer,
					struct fa_host_view *host)
{
	__u32 router;
	__u32 from;

	if (!config || !ip || !peer || !host)
		return FA_ROAMING_NONE;
	router = fa_peer_router(peer[0], peer[1]);
	if (!router || router > FA_ROUTER_LIMIT)
		return FA_ROAMING_NONE;
	from = 1u << (router - 1);
	if (fa_host_find_far(config, ip->destination[0], ip->destination[1], host) && host->flags & FA_HOST_UNAWARE) {
		if (host->flags & FA_HOST_ATTACHED && fa_host_anchors(host) & from)
			return FA_ROAMING_DOWN;
		/* What its own place sends isn't sent back there. */
		if (host->flags & FA_HOST_TUNNELLED && (host->peer[1] != peer[1] || host->peer[0] != peer[0]) &&
		    fa_peer_admitted(ip->destination[0], ip->destination[1], peer[0], peer[1]))
			return FA_ROAMING_AFTER;
	}
	if (fa_host_find_far(config, ip->source[0], ip->source[1], host) && host->flags & FA_HOST_UNAWARE) {
		if (host->flags & FA_HOST_ATTACHED && fa_host_anchors(host) & from)
			return FA_ROAMING_BEGINS;
		if (host->flags & FA_HOST_TUNNELLED && host->previous == router)
			return FA_ROAMING_BACK;
	}
	return FA_ROAMING_NONE;
}
