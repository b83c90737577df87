/* SPDX-License-Identifier: BSD-2-Clause */
/* What was decided for a packet, before anything is done to it. */
#pragma once

#include "host.h"
#include "parse.h"

/* Decided: run the action. Anything else that a decision returns is the reason of an exit. */
#define FA_DECIDED 0xffffffffu

/* In place of a path's index: the kernel's routes know. */
#define FA_PATH_BY_KERNEL 0xffffffffu

struct fa_action {
	struct fa_host_view host; /* whose packet it is, or who gets it */
	__u64 peer[2]; /* FA_PATH_PEER_FROM_HOST, or in the first word the neighbour with FA_PATH_MAC_FROM_HOST */
	__u32 path;
	__u32 reason; /* counted when it is sent */
	__be32 tunnel_key_be; /* with FA_PATH_GRE */
	__u32 sequence; /* with FA_PATH_SEQUENCED */
	__u32 frame_header; /* bytes in front of the packet as it came in: Ethernet and tags */
	__u32 cursor; /* of the IP header that is sent on, further back if there was a tunnel */
	__u32 length; /* of the packet from there on, in bytes */
	__u32 mtu; /* what fa_send found it too big for */
	__u8 version;
	__u8 class;
	__u8 ttl;
	__u8 decrement; /* whether the packet is routed here: TTL minus one */
};

/* The packet that the action is run on. */
static __always_inline void fa_action_on(struct fa_action *action, __u32 frame_header, const struct fa_ip *ip)
{
	action->frame_header = frame_header;
	action->cursor = ip->cursor;
	action->length = ip->length;
	action->version = ip->version;
	action->class = ip->class;
	action->ttl = ip->ttl;
	action->decrement = 0;
	action->tunnel_key_be = 0;
	action->sequence = 0;
	action->peer[0] = 0;
	action->peer[1] = 0;
}
