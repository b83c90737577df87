/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs tell the daemon, through the ring buffer fa_events, no more often than fa_limit.h says. */
#pragma once

#include "fa_types.h"

#define FA_EVENT_ICMP_ERROR 1u /* an ICMP error about a packet that we encapsulated; packet follows */
/* A subscriber's last block of ports is half used, or it has no free port left; nothing follows, `length` is the
 * subscriber's index in fa_subscribers. */
#define FA_EVENT_NAT_BLOCK_WANTED 2u
/* A packet from an address of a pool that needs no lease, and no host has it, or one elsewhere or at another station:
 * the whole frame follows, and is not on its way. */
#define FA_EVENT_HOST_UNKNOWN 3u
#define FA_EVENT_PACKET_BYTES 512u
/* Frames that are longer go in an event of another size. */
#define FA_EVENT_FRAME_BYTES 2048u

struct fa_event {
	__u32 kind; /* FA_EVENT_… */
	__u32 port;
	__u32 length; /* of packet, in bytes */
	__u32 reason;
	__u8 packet[FA_EVENT_PACKET_BYTES];
};

/* The same, with room for a frame as long as the packets of most links. */
struct fa_frame_event {
	__u32 kind;
	__u32 port;
	__u32 length;
	__u32 reason;
	__u8 packet[FA_EVENT_FRAME_BYTES];
};

/* What stands in front of a frame, as its metadata, that the daemon has sent on: it was in fa_events. */
#define FA_HANDED_BACK 0xfa0a0c0eu
