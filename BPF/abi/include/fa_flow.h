/* SPDX-License-Identifier: BSD-2-Clause */
/* The mobile node's flow table [0037] [0041b]. An entry is made in the kernel by a flow's first
 * packet in either direction, and it alone knows of the flow: the daemon keeps no copy, it scans the
 * slots as memory for `flow list`, for flows that ended and for those that fell silent. It takes an
 * entry out by changing the slot's word from LIVE to FREE, with the next generation, see fa_table.h.
 *
 * The anchor of a flow is that of its local address: the entry of this address in the table of own
 * addresses. `anchor` is what stood there when the flow was last seen to begin. */
#pragma once

#include "fa_table.h"

/* What has been seen of a flow, one bit each; only ever added to, until a new SYN begins anew. */
#define FA_FLOW_UP 0x0001u /* a packet from this node */
#define FA_FLOW_DOWN 0x0002u /* a packet to this node */
#define FA_FLOW_SYN_UP 0x0004u
#define FA_FLOW_SYN_DOWN 0x0008u
#define FA_FLOW_FIN_UP 0x0010u
#define FA_FLOW_FIN_DOWN 0x0020u
#define FA_FLOW_RST 0x0040u
#define FA_FLOW_FRAGMENTED 0x0080u /* some of it came in fragments: the later ones are not counted */
/* Ended: either a reset, or a FIN in both directions. */
#define FA_FLOW_FINS (FA_FLOW_FIN_UP | FA_FLOW_FIN_DOWN)

/* The five-tuple, seen from this node. Compared as five words. ICMP and ICMPv6 echo: the identifier
 * is the local port, the remote port is 0. Protocols without ports: both are 0. */
struct fa_flow_key {
	struct fa_address local;
	struct fa_address remote;
	__be16 local_port_be;
	__be16 remote_port_be;
	__u8 protocol; /* of the header behind IPv6's extension headers */
	__u8 pad[3];
};

struct fa_flow {
	/* First line: all that a look-up needs. */
	struct fa_slot_header header;
	__u32 last_seen; /* in ticks of 256 jiffies, written when it changes */
	__u32 seen; /* FA_FLOW_… */
	struct fa_flow_key key;
	__u32 first_seen; /* in the same ticks */
	__u32 pad;
	/* Second line: written by every packet. */
	struct fa_address anchor; /* the anchor's endpoint, all zero for an address that was not tunnelled then */
	__u64 packets_up; /* a segmentation-offloaded packet counts as its segments */
	__u64 bytes_up; /* of IP packets, headers as handed to the interface */
	__u64 packets_down;
	__u64 bytes_down;
	__u64 pad2[2];
};

FA_STATIC_ASSERT(sizeof(struct fa_flow_key) == 40, "five words");
FA_STATIC_ASSERT(sizeof(struct fa_flow) == 128, "two cache lines");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_flow, anchor) == 64, "second line");
