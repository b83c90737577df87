/* SPDX-License-Identifier: BSD-2-Clause */
/* What the benchmark's programs share with the process that runs them. */
#pragma once

#include "fa_types.h"

#define FA_BENCH_FRAME_LIMIT 144u
/* Packets between two looks at the clock, a power of two. */
#define FA_BENCH_GROUP 1024u

/* What is done before each run of the program under test; one entry in an mmap-able array. */
struct fa_bench {
	__u32 length; /* of the frame, in bytes */
	__u32 flow_mask; /* number of flows minus one, a power of two minus one */
	/* Where in the frame a 32-bit word in network order is the base plus the flow's number; 0 for none. */
	__u32 offset[2];
	__u32 base[2];
	__u32 checksum[2]; /* where the IPv4 header checksum over that word is, 0 for none; right for the base */
	__u64 random; /* state of the generator, or the flow that is next */
	/* Not 0: flows follow each other, and the two words of each are in bench_words as they go into the frame. */
	__u32 in_order;
	__u32 from_words;
	/* Of CLOCK_MONOTONIC, in nanoseconds, when the first packet began and when the last one of a group did, and
	 * how many there were before that. */
	__u64 first;
	__u64 last;
	__u64 counted;
	__u64 packets;
	__u8 frame[FA_BENCH_FRAME_LIMIT];
};

/* The reference of NAT: a flow, and what is written into its packets. */
struct fa_reference_flow {
	__be32 source_be;
	__be32 destination_be;
	__u32 ports; /* as loaded, source first */
	__u32 protocol;
};

struct fa_reference_rewrite {
	__be32 address_be;
	__be16 port_be;
	__u16 pad;
	__be32 outer_source_be; /* of the tunnel */
	__be32 outer_destination_be;
	__u8 mac_destination[6];
	__u8 mac_source[6];
};

/* What the reference finds: the outer header's addresses, or the next hop of the router. */
struct fa_reference_value {
	__be32 source_v4_be;
	__be32 destination_v4_be;
	struct fa_address source;
	struct fa_address destination;
	__u8 mac_destination[6];
	__u8 mac_source[6];
	__u32 port; /* in reference_devices */
};
