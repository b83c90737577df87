/* SPDX-License-Identifier: BSD-2-Clause */
/* A path: what happens to a packet on its way out, resolved in advance. Paths are shared: one for
 * each next hop and kind of tunnel, not for each host, since the tunnel's far end is in the host's
 * entry (FA_PATH_PEER_FROM_HOST). Two copies a path: the controller writes the idle one and then
 * raises `generation`, whose lowest bit names the copy in force. */
#pragma once

#include "fa_types.h"

#define FA_PATH_RESOLVED 0x0001u /* the Ethernet header is known; otherwise the kernel gets the packet */
#define FA_PATH_TUNNEL_V4 0x0002u /* push an IPv4 header */
#define FA_PATH_TUNNEL_V6 0x0004u /* push an IPv6 header */
#define FA_PATH_GRE 0x0008u /* and GRE with a key behind it */
#define FA_PATH_SEQUENCED 0x0010u /* and a sequence number */
#define FA_PATH_PEER_FROM_HOST 0x0020u /* outer destination is the host entry's peer */
#define FA_PATH_MAC_FROM_HOST 0x0040u /* Ethernet destination is the host entry's neighbour */
#define FA_PATH_COPY_DSCP 0x0080u /* inner DSCP to the outer header, otherwise path.dscp */
#define FA_PATH_DROP 0x0100u /* no such path: drop under path.reason */
#define FA_PATH_KERNEL 0x0200u /* leave it to the kernel, after the action */
#define FA_PATH_MAC_KEEP 0x0400u /* Ethernet destination stays as the frame came in with */

struct fa_path_copy {
	__u16 flags; /* FA_PATH_… */
	__u16 mtu; /* largest IP packet that fits before anything is pushed, in bytes */
	__u32 port; /* index in fa_ports of the outgoing interface */
	__u8 push; /* bytes of IP and GRE header to put in front: 0, 20, 28, 32, 40, 48, 52 */
	__u8 reason; /* enum fa_reason, with FA_PATH_DROP */
	__u8 ttl; /* of the outer header */
	__u8 dscp; /* of the outer header in the upper six bits, where it is not copied */
	__be16 vlan_be; /* TCI of an 802.1Q tag to send with, 0 for none */
	/* One's complement sum, folded to 16 bits but not complemented, of the outer IPv4 header's words as
	 * loaded from memory, with TOS, total length, protocol, checksum and destination zero:
	 * 45 00 | 00 00 | 00 00 | 40 00 | ttl 00 | 00 00 | source | 00 00 00 00. 0 without such a header. */
	__u16 checksum;
	__u8 mac_destination[6];
	__u8 mac_source[6];
	__u32 pad;
	struct fa_address source; /* outer source, one of this machine's tunnel endpoints */
	struct fa_address destination; /* outer destination without FA_PATH_PEER_FROM_HOST */
};

/* What a path is for, so that a controller that was restarted finds its paths again. Programs don't
 * read it. */
#define FA_PATH_TO_HOST 1u
#define FA_PATH_TO_NEIGHBOUR 2u
#define FA_PATH_TO_STATION 3u
#define FA_PATH_TO_KERNEL 4u
#define FA_PATH_TO_NOBODY 5u

struct fa_path_purpose {
	struct fa_address next_hop; /* FA_PATH_TO_NEIGHBOUR: the neighbour's address */
	__u16 path_mtu; /* as it was found on the way, 0 for the link's */
	__u8 kind; /* FA_PATH_TO_…, 0: the path is not in use */
	__u8 pad[5];
};

struct fa_path {
	__u32 generation;
	__u32 users; /* entries that name this path; the controller's own book-keeping */
	struct fa_path_purpose purpose;
	__u8 pad[32];
	struct fa_path_copy copies[2];
};

FA_STATIC_ASSERT(sizeof(struct fa_path_copy) == 64, "one cache line");
FA_STATIC_ASSERT(sizeof(struct fa_path) == 192, "three cache lines");
