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
/* An address of this node itself (mobile node only): its anchor is at peer. */
#define FA_HOST_OWN 0x0040u

/* Neighbour on an access link. */
struct fa_neighbour {
	__u8 mac[6];
	__u16 vlan; /* 802.1Q VLAN identifier, 0 for none */
	__u32 port; /* index in fa_ports of the access interface */
	__u32 pad;
};

/* What is done with a host's packets; 32 bytes, copied as four words. */
struct fa_host_value {
	union {
		struct fa_address peer;       /* FA_HOST_TUNNELLED: other end of the tunnel, the care-of address */
		struct fa_neighbour neighbour; /* FA_HOST_ATTACHED alone */
	};
	__u32 path;  /* index in fa_paths: how to reach it */
	__u16 chain; /* index in fa_chains: its servers, 0 for none */
	__u16 flags; /* FA_HOST_… */
	__be32 tunnel_key_be;
	__u32 node; /* number of the node that owns the address */
};

struct fa_host {
	struct fa_slot_header header;
	__u32 realm;     /* tells equal addresses apart; 0 where there are none */
	__u32 last_seen; /* in ticks of 256 jiffies, written when it changes */
	struct fa_address address;
	struct fa_host_value value;
};

/* Second line, fa_hosts_extra[same index]. */
struct fa_host_extra {
	struct fa_host_value shadow;
	struct fa_neighbour neighbour; /* FA_HOST_ATTACHED together with FA_HOST_TUNNELLED */
	__u32 neighbour_path;
	__u32 transmit_sequence; /* last GRE sequence number sent */
	/* Last GRE sequence number delivered in the low half; bit 32 set once there was one. */
	__u64 receive_sequence;
};

FA_STATIC_ASSERT(sizeof(struct fa_neighbour) == 16, "size");
FA_STATIC_ASSERT(sizeof(struct fa_host_value) == 32, "size");
FA_STATIC_ASSERT(sizeof(struct fa_host) == 64, "one cache line");
FA_STATIC_ASSERT(sizeof(struct fa_host_extra) == 64, "one cache line");
