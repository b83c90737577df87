/* SPDX-License-Identifier: BSD-2-Clause */
/* The far ends of tunnels, see fa_peer: looked up only when a packet is to be refused. */
#pragma once

#include "maps.h"
#include "table.h"

static __always_inline int fa_peers_equals(const struct fa_peer *slot, const struct fa_address *key)
{
	return slot->address.halves_be[1] == key->halves_be[1] && slot->address.halves_be[0] == key->halves_be[0];
}

FA_TABLE(fa_peers, fa_peer, fa_peers, fa_peers_state, fa_address)

/* Whether tunnelled packets of the host are taken from this address, too, see fa_admitted_key. */
static __noinline int fa_peer_admitted(__u64 host_upper, __u64 host_lower, __u64 peer_upper, __u64 peer_lower)
{
	struct fa_admitted_key key = {.host.halves_be = {host_upper, host_lower},
				      .peer.halves_be = {peer_upper, peer_lower}};

	return bpf_map_lookup_elem(&fa_admitted, &key) != 0;
}

/* Whether the tunnel of any host ends at this address, its halves as loaded from memory. */
static __noinline int fa_peer_known(__u64 upper, __u64 lower)
{
	struct fa_address key = {.halves_be = {upper, lower}};
	struct fa_slot_place at;
	struct fa_config *config;
	__u32 zero = 0;

	config = bpf_map_lookup_elem(&fa_config, &zero);
	if (!config)
		return 0;
	return fa_peers_find(fa_hash_address(config->hash_secret, upper, lower, 0), config->host_mask, &key, &at) != 0;
}
