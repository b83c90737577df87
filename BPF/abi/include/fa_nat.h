/* SPDX-License-Identifier: BSD-2-Clause */
/* NAT44 at an access router [0053] [0079]: what is written into the IPv4 packets of inside hosts as they leave for the
 * core, and into those that come back. All kinds of entry are slots of one generic table, fa_translations; programs
 * make them, the daemon keeps no copy: it scans them as memory, and takes out what has ended or fallen silent.
 *
 *   UP       a flow, by what its packets have when they come from the host; writes the outside address and port
 *   DOWN     the same flow, by what its packets have when they come from the core; writes the host's address and port
 *   MAPPING  the outside port of a host's address and port, whatever the destination (RFC 4787, REQ-1; RFC 5382, REQ-1)
 *   FILTER   an address that a UDP mapping has sent to: whatever its port is, it may answer (RFC 4787, REQ-8)
 *   AWAY     a flow that began at another router, by what its packets have when they come from the host: they go there
 *            through a tunnel, as they are [0080] [0087]. The daemon makes it of what that router has said
 *
 * A key has three buckets, see fa_hash.h; it is in another than the first only if the bit of that one is set in
 * fa_translations_elsewhere, where bits are never cleared while programs run.
 *
 * A flow is there once its DOWN and then its UP slot are. Both name their mapping, and the mapping counts them.
 *
 * The UP and AWAY slots of a subscriber are a chain, newest first, so that all flows of a host are found without a look
 * at any other's. A program puts a slot in front by exchanging fa_subscriber.chain and then writes fa_translation.next,
 * which is FA_NAT_CHAINING until then; only the daemon takes slots out of a chain, before they are free.
 *
 * Outside ports come from blocks of FA_NAT_BLOCK_PORTS, which the daemon gives to subscribers (RFC 6888, REQ-2,
 * REQ-14): a subscriber is an inside address. A program takes a port by setting its bit, the daemon gives it back. */
#pragma once

#include "fa_table.h"

/* fa_nat_key.kind */
#define FA_NAT_UP 1u
#define FA_NAT_DOWN 2u
#define FA_NAT_MAPPING 3u
#define FA_NAT_FILTER 4u
#define FA_NAT_AWAY 5u

/* fa_translation.seen of UP and DOWN: what has been seen in that slot's direction; until a new SYN begins anew. */
#define FA_NAT_SEEN 0x0001u /* a packet */
#define FA_NAT_SYN 0x0002u
#define FA_NAT_FIN 0x0004u
#define FA_NAT_RST 0x0008u

/* fa_translation.next while its program is about to write it. */
#define FA_NAT_CHAINING 0xffffffffu

/* fa_translation.users of a MAPPING or FILTER that is being taken out: no program uses it any more. */
#define FA_NAT_GONE 0x80000000u

/* Compared as two words and a half. Local is the side of the host: its own address and port, in DOWN those that the
 * outside knows it by. ICMP echo: the identifier is the local port, the remote port is 0. In MAPPING the remote address
 * and port are 0, in FILTER the remote port is. */
struct fa_nat_key {
	__be32 local_be;
	__be32 remote_be;
	__be16 local_port_be;
	__be16 remote_port_be;
	__u8 protocol; /* 1, 6 or 17 */
	__u8 kind; /* FA_NAT_… */
	__u16 pad;
	__u32 realm; /* tells equal inside addresses apart; 0 where there are none, and in DOWN */
};

struct fa_translation {
	struct fa_slot_header header;
	struct fa_nat_key key;
	/* UP, AWAY: index of the next in the subscriber's chain plus one, 0 at its end, or FA_NAT_CHAINING. */
	__u32 next;
	/* What is written: UP and MAPPING the outside address and port, DOWN the host's. FILTER, AWAY: nothing. */
	__be32 address_be;
	__be16 port_be;
	/* One's complement sums of what is added to a checksum when that is written, as loaded: to that of the IPv4
	 * header, and to that of TCP, UDP or ICMP. */
	__u16 header_sum;
	__u16 transport_sum;
	__u16 pad;
	__u32 last_seen; /* in ticks of 256 jiffies, written when it changes */
	union {
		__u32 seen; /* UP, DOWN, AWAY: FA_NAT_… */
		__u32 users; /* MAPPING: flows; FILTER: flows to that address */
	};
	union {
		__u32 twin; /* of UP its DOWN, of DOWN its UP, as indices in fa_translations; of FILTER unused */
		__u32 router; /* AWAY: where it began, index in fa_routers */
	};
	__u32 mapping; /* of UP, DOWN and FILTER, index in fa_translations */
	union {
		__u32 subscriber; /* UP, MAPPING, FILTER, AWAY: index in fa_subscribers */
		__u32 filter; /* DOWN: index of the FILTER that counts this flow plus one, 0 for none */
	};
};

/* A subscriber: the table fa_subscribers, by inside address. The daemon makes it before the host is in the host table,
 * and takes it out after the last of its slots. */
#define FA_NAT_SUBSCRIBER_BLOCKS 16u

struct fa_subscriber_key {
	__be32 address_be;
	__u32 realm;
};

struct fa_subscriber {
	/* First line: what a new flow needs. */
	struct fa_slot_header header;
	struct fa_subscriber_key key;
	__be32 outside_be; /* all its flows leave from here (RFC 4787, REQ-2) */
	__u32 flow_limit; /* flows that it may have at once */
	__u32 flows; /* programs add one, the daemon takes off those that it takes out */
	__u32 block_count;
	__u32 wants_block; /* a program found the last block half used: set by it, cleared by the daemon */
	__u32 refused; /* flows that found no port or were over the limit; wraps */
	__u32 chain; /* index of its newest UP or AWAY slot plus one, 0 for none */
	__u32 pad[5];
	/* Second line: indices in fa_nat_blocks. */
	__u32 blocks[FA_NAT_SUBSCRIBER_BLOCKS];
};

/* A block of ports, fa_nat_blocks[outside address × FA_NAT_ADDRESS_BLOCKS + first port / FA_NAT_BLOCK_PORTS]: which are
 * taken, a bit each, for each protocol. Blocks below FA_NAT_FIRST_BLOCK are never given out: ports under 1024. */
#define FA_NAT_BLOCK_PORTS 512u
#define FA_NAT_BLOCK_WORDS 8u
#define FA_NAT_ADDRESS_BLOCKS 128u /* 65,536 ports */
#define FA_NAT_FIRST_BLOCK 2u

/* Rows of a block and of fa_nat_ports. */
#define FA_NAT_TCP 0u
#define FA_NAT_UDP 1u
#define FA_NAT_ICMP 2u
#define FA_NAT_PROTOCOLS 3u

struct fa_nat_block {
	__u64 taken[FA_NAT_PROTOCOLS][FA_NAT_BLOCK_WORDS];
};

/* fa_nat_ports[(outside address × FA_NAT_PROTOCOLS + row) × 65536 + port], 64 bits each: index of the MAPPING slot plus
 * one, 0 for none. What is found there counts only if that slot is a MAPPING with this outside address and port. */

/* fa_nat_fragments: the ports of packets that come in fragments, learned from the first; a bucket is one entry. */
#define FA_NAT_FRAGMENT_BUCKETS 4096u
#define FA_NAT_FRAGMENT_LIFETIME 8u /* in ticks of 256 jiffies */

struct fa_nat_fragment {
	__u64 generation; /* odd while it is written */
	__be32 source_be;
	__be32 destination_be;
	__be16 identification_be;
	__u8 protocol;
	__u8 pad;
	__u32 ports; /* source first, as loaded; 0 for ICMP's second */
	__u32 first_seen; /* in ticks */
	__u32 pad2;
};

FA_STATIC_ASSERT(sizeof(struct fa_nat_key) == 20, "two words and a half");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, next) == 28, "behind the key");
FA_STATIC_ASSERT(sizeof(struct fa_translation) == 64, "one cache line");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_translation, address_be) == 32, "half a line");
FA_STATIC_ASSERT(sizeof(struct fa_subscriber) == 128, "two cache lines");
FA_STATIC_ASSERT(__builtin_offsetof(struct fa_subscriber, blocks) == 64, "second line");
FA_STATIC_ASSERT(sizeof(struct fa_nat_block) == 192, "three cache lines");
FA_STATIC_ASSERT(sizeof(struct fa_nat_fragment) == 32, "half a cache line");
