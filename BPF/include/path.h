/* SPDX-License-Identifier: BSD-2-Clause */
/* A path as it was at one moment, in registers as far as they last. */
#pragma once

#include "action.h"

struct fa_way {
	__u16 flags;
	__u16 mtu;
	__u32 port;
	__u8 push;
	__u8 reason;
	__u8 ttl;
	__u8 dscp;
	__be16 vlan_be;
	__u16 checksum;
	__u64 macs[2]; /* both MACs, destination first, as they go into the frame; upper half of the second unused */
	__u64 source[2];
	__u64 destination[2];
};

FA_STATIC_ASSERT(__builtin_offsetof(struct fa_path_copy, push) == 8, "second word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_path_copy, mac_destination) == 16, "third word");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_path_copy, source) == 32, "fifth word");

/* How often a path that changes under the reader is read again. */
#define FA_PATH_ATTEMPTS 4

static __always_inline int fa_path_read(struct fa_path *path, struct fa_way *way)
{
	__u32 generation = FA_ONCE(path->generation);
	const volatile __u64 *words = (const volatile __u64 *)&path->copies[generation & 1];
	__u64 first;
	__u64 second;

	FA_COMPILER_BARRIER();
	first = words[0];
	second = words[1];
	way->macs[0] = words[2];
	way->macs[1] = words[3];
	way->flags = (__u16)first;
	if (way->flags & (FA_PATH_TUNNEL_V4 | FA_PATH_TUNNEL_V6)) {
		way->source[0] = words[4];
		way->source[1] = words[5];
		if (!(way->flags & FA_PATH_PEER_FROM_HOST)) {
			way->destination[0] = words[6];
			way->destination[1] = words[7];
		}
	}
	FA_COMPILER_BARRIER();
	way->mtu = (__u16)(first >> 16);
	way->port = (__u32)(first >> 32);
	way->push = (__u8)second;
	way->reason = (__u8)(second >> 8);
	way->ttl = (__u8)(second >> 16);
	way->dscp = (__u8)(second >> 24);
	way->vlan_be = (__be16)(second >> 32);
	way->checksum = (__u16)(second >> 48);
	return FA_ONCE(path->generation) == generation;
}

/* Fills in the way that the path stands for. */
static __always_inline int fa_path_load(struct fa_path *path, struct fa_way *way)
{
	for (__u32 attempt = 0; attempt < FA_PATH_ATTEMPTS; attempt++)
		if (FA_LIKELY(fa_path_read(path, way)))
			return 1;
	return 0;
}
