/* SPDX-License-Identifier: BSD-2-Clause */
/* What was decided for a packet, before anything is done to it. */
#pragma once

#include "host.h"
#include "parse.h"

/* Decided: run the action. Anything else that a decision returns is the reason of an exit. */
#define FA_DECIDED 0xffffffffu

/* What is inside a tunnelled packet. */
struct fa_tunnelled {
	__u32 cursor; /* of the inner IP header */
	__u16 type; /* its EtherType */
	__u16 gre; /* GRE flags as loaded, 0 for IP-in-IP */
	__be32 key_be;
	__u32 sequence;
	__u8 is_gre;
	__u8 outer_class; /* TOS or traffic class of the outer header */
};

/* In place of a path's index: the kernel's routes know. */
#define FA_PATH_BY_KERNEL 0xffffffffu

struct fa_action {
	struct fa_host_view host; /* whose packet it is, or who gets it */
	struct fa_ip ip; /* the packet that is sent on, inside a tunnel if it came through one */
	struct fa_tunnelled tunnelled; /* if it came through a tunnel */
	__u64 peer[2]; /* FA_PATH_PEER_FROM_HOST, or in the first word the neighbour with FA_PATH_MAC_FROM_HOST */
	__u32 path;
	__u32 reason; /* counted when it is sent */
	__be32 tunnel_key_be; /* with FA_PATH_GRE */
	__u32 sequence; /* with FA_PATH_SEQUENCED */
	__u32 frame_header; /* bytes in front of the packet as it came in: Ethernet and tags */
	__u32 roaming; /* FA_ROAMING_…, if it came through a tunnel */
	__u32 decrement; /* whether the packet is routed here: TTL minus one */
};

static __always_inline void fa_action_begin(struct fa_action *action, __u32 frame_header)
{
	action->frame_header = frame_header;
	action->decrement = 0;
	action->roaming = 0;
	action->tunnel_key_be = 0;
	action->sequence = 0;
	action->peer[0] = 0;
	action->peer[1] = 0;
}
