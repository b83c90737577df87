/* SPDX-License-Identifier: BSD-2-Clause */
/* The host table of an access router [0036], and on a mobile node the table of its own addresses.
 * One entry an address. The first cache line is all that a packet needs; the second, in a map of its
 * own under the same index, holds what only some packets need. */
#pragma once

#include "fa_table.h"

/* Where the host is. Both bits: attached here and elsewhere at once [0052]. */
#define FA_HOST_ATTACHED 0x0001u /* on one of this router's access links */
#define FA_HOST_TUNNELLED 0x0002u /* at peer, through a tunnel */
/* How packets go. */
#define FA_HOST_GRE 0x0004u /* the tunnel is GRE with tunnel_key_be, not IP-in-IP */
#define FA_HOST_SEQUENCED 0x0008u /* GRE with sequence numbers, older ones dropped [0054] */
#define FA_HOST_BICAST 0x0010u /* while both bits are set: copies on both ways, the second dropped */
#define FA_HOST_REFUSED 0x0020u /* its server is down and it may not pass without */
/* While both bits are set and no copies are sent: the tunnel's way, otherwise the attached way. */
#define FA_HOST_PREFER_TUNNEL 0x0080u
/* Let in by its first packet: it knows nothing of us, and has no keys [0077]. */
#define FA_HOST_UNAWARE 0x0100u
/* Unaware and gone, and where it is now not all of its flows are known yet: packets of flows that are not known here
 * are sent back to it, to begin there [0083]. */
#define FA_HOST_ASKED 0x0200u
/* Unaware and attached, and where it was before is not known yet: its packets are handed to the daemon, which sends
 * them on once it is. */
#define FA_HOST_CLAIMED 0x0400u
/* Unaware and attached, and known: but what the daemon was handed of it meanwhile goes first. Its packets follow that
 * until there is no more, for as long as fa_config.drains_until says at most. */
#define FA_HOST_DRAINS 0x0800u
/* An address of this node itself (mobile node only): its anchor is at peer. */
#define FA_HOST_OWN 0x0040u

/* Neighbour on an access link. */
struct fa_neighbour {
	__u8 mac[6];
	__u16 vlan; /* 802.1Q VLAN identifier, 0 for none */
	__u32 port; /* index in fa_ports of the access interface */
	/* FA_HOST_UNAWARE: routers that packets in tunnels are taken from for it, a bit for each of fa_routers: those
	 * where flows of it began, and the one that it was at before. */
	__u32 anchors;
};

/* What is done with a host's packets; 32 bytes, copied as four words. */
struct fa_host_value {
	union {
		struct fa_address peer; /* FA_HOST_TUNNELLED: other end of the tunnel, the care-of address */
		struct fa_neighbour neighbour; /* FA_HOST_ATTACHED alone */
	};
	__u32 path; /* index in fa_paths: how to reach it; through the tunnel where it is both */
	__u16 chain; /* index in fa_chains: its servers, 0 for none */
	__u16 flags; /* FA_HOST_… */
	union {
		__be32 tunnel_key_be; /* FA_HOST_GRE */
		/* FA_HOST_UNAWARE: where packets go that this router knows no flow for, index in fa_routers plus one;
		 * 0: nowhere, they begin a flow here. In IPv6, which is not translated, where all of its packets go. */
		__u32 previous;
	};
	__u32 node; /* number of the node that owns the address; FA_HOST_UNAWARE: epoch of its location */
};

struct fa_host {
	struct fa_slot_header header;
	__u32 realm; /* tells equal addresses apart; 0 where there are none */
	__u32 last_seen; /* in ticks of 256 jiffies, written when it changes */
	struct fa_address address;
	struct fa_host_value value;
};

/* Second line, fa_hosts_extra[same index]. */
struct fa_host_extra {
	struct fa_host_value shadow;
	struct fa_neighbour neighbour; /* FA_HOST_ATTACHED together with FA_HOST_TUNNELLED */
	__u32 neighbour_path;
	__u32 transmit_sequence; /* next GRE sequence number to send */
	/* Last GRE sequence number delivered in the low half; bit 32 set once there was one. */
	__u64 receive_sequence;
};

/* The spill map fa_hosts_spill: hosts that found no slot. The value is a slot as it would be in the
 * tables, LIVE, with another generation in its word at each update of it. */
struct fa_host_key {
	struct fa_address address;
	__u32 realm;
	__u32 pad;
};

struct fa_host_spilled {
	struct fa_host host;
	struct fa_host_extra extra;
};

/* The table fa_peers: the far ends of all tunnels, by address. No packet needs it that is let through;
 * it tells a packet from nobody we know from one whose inner source is not the peer's. It has as many
 * slots as the host table. Where both buckets of a peer are full it is left out. */
struct fa_peer {
	struct fa_slot_header header;
	__u32 users; /* hosts at this peer, and one more if it is one of fa_routers */
	__u32 router; /* index in fa_routers plus one, 0 for none */
	struct fa_address address;
};

/* Key of the map fa_admitted: a host, and a far end whose tunnelled packets are taken for it beside those
 * of its entry's peer, without any being sent there. At a router, a care-of address that the host has just
 * left: what is still on its way. On a mobile node, each endpoint of the address's anchor: it learns of a
 * move before the node hears that it did. */
struct fa_admitted_key {
	struct fa_address host;
	struct fa_address peer;
};

/* The map fa_duplicates: packets of hosts that send copies on both ways [0052]. A line is a bucket;
 * an entry is 0 or
 *
 *   bits  0..15  copies seen on the attached way minus copies seen through the tunnel, signed
 *   bits 16..31  time of the last one, in units of 4 jiffies
 *   bits 32..63  tag, from the hash of what stays the same in a packet on its way
 *
 * A copy goes on if it puts its own way ahead, so each packet goes on once, whichever copy is first,
 * and packets that are rightly alike are not taken for copies of one. A way gets ahead by no more than
 * FA_DUPLICATE_LEAD_LIMIT, so that little is lost of equal packets when a node changes ways. */
#define FA_DUPLICATE_ENTRIES 8u
#define FA_DUPLICATE_LEAD_LIMIT 64
#define FA_DUPLICATE_LIFETIME 128u /* in units of 4 jiffies */

struct fa_duplicate_line {
	__u64 entries[FA_DUPLICATE_ENTRIES];
};

FA_STATIC_ASSERT(sizeof(struct fa_neighbour) == 16, "size");
FA_STATIC_ASSERT(sizeof(struct fa_host_value) == 32, "size");
FA_STATIC_ASSERT(sizeof(struct fa_host) == 64, "one cache line");
FA_STATIC_ASSERT(sizeof(struct fa_host_extra) == 64, "one cache line");
FA_STATIC_ASSERT(sizeof(struct fa_host_key) == 24, "size");
FA_STATIC_ASSERT(sizeof(struct fa_admitted_key) == 32, "size");
FA_STATIC_ASSERT(sizeof(struct fa_host_spilled) == 128, "two cache lines");
FA_STATIC_ASSERT(sizeof(struct fa_peer) == 32, "half a cache line");
FA_STATIC_ASSERT(sizeof(struct fa_duplicate_line) == 64, "one cache line");
