/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exit of a program other than a plain pass, one name each: the same in C, in Swift, on the
 * command line, in metrics and in the manual. X(identifier, name, kind, text), kind being one of
 * drop, forward, kernel. New ones go at the end of their kind; numbers are not part of any interface. */
#pragma once

/* One reason a line. */
/* clang-format off */
#define FA_REASONS(X) \
	X(FORWARDED, "forwarded", forward, "sent to its next hop") \
	X(TO_SERVER, "to_server", forward, "sent to a server of its chain") \
	X(BYPASSED, "bypassed", forward, "tunnelled packet of another anchor, forwarded around the local servers") \
	X(ENCAPSULATED, "encapsulated", forward, "put into a tunnel and sent to its next hop") \
	X(DELIVERED, "delivered", forward, "sent to a host on an access link") \
	X(ICMP_TOO_BIG, "icmp_too_big", forward, "too big for its tunnel: answered with an ICMP error") \
	X(HELD, "held", forward, "handed to the daemon, which sends it on: first packet of a host, or right behind such") \
	X(TO_ANCHOR, "to_anchor", forward, "of a flow that began at another router: sent there through a tunnel") \
	X(PASSED_ON, "passed_on", forward, "for or from a host that has moved on: sent after it, or on to where its flow began") \
	X(RETURNED, "returned", forward, "of no flow that this router knows: sent back to where its host is, to begin there") \
	X(TO_KERNEL_UNRESOLVED, "to_kernel_unresolved", kernel, "next hop not resolved yet, left to the kernel") \
	X(TO_KERNEL_ROUTE, "to_kernel_route", kernel, "route known to the kernel only") \
	X(TO_KERNEL_ICMP, "to_kernel_icmp", kernel, "ICMP error about a tunnelled packet, relayed by the daemon") \
	X(TO_KERNEL_TTL, "to_kernel_ttl", kernel, "TTL or hop limit used up: left to the kernel, which tells the sender") \
	X(MALFORMED, "malformed", drop, "headers cut short or inconsistent") \
	X(TTL_EXPIRED, "ttl_expired", drop, "TTL or hop limit used up inside a tunnel") \
	X(PEER_UNKNOWN, "peer_unknown", drop, "tunnelled packet from an address that is no tunnel's other end") \
	X(INNER_SOURCE_UNKNOWN, "inner_source_unknown", drop, "tunnelled packet whose inner source is no host of this router") \
	X(INNER_SOURCE_NOT_ALLOWED, "inner_source_not_allowed", drop, "tunnelled packet whose inner source belongs to another peer") \
	X(INNER_DESTINATION_ENDPOINT, "inner_destination_endpoint", drop, "inner destination is a tunnel endpoint of this machine") \
	X(TUNNEL_KIND_MISMATCH, "tunnel_kind_mismatch", drop, "tunnelled in another way than agreed") \
	X(TUNNEL_KEY_MISMATCH, "tunnel_key_mismatch", drop, "GRE key is not the agreed one") \
	X(OUTER_FRAGMENT, "outer_fragment", drop, "fragment of a tunnelled packet") \
	X(SEQUENCE_OLD, "sequence_old", drop, "older than what was delivered already") \
	X(DUPLICATE, "duplicate", drop, "second copy of a packet sent on both attachments") \
	X(ECN_INVALID, "ecn_invalid", drop, "congestion marked on a packet that can't carry the mark (RFC 6040)") \
	X(SOURCE_UNKNOWN, "source_unknown", drop, "source address is not leased to anyone") \
	X(SOURCE_NOT_HERE, "source_not_here", drop, "source address is leased, but not to this link and station") \
	X(HOLD_FULL, "hold_full", drop, "behind others that the daemon has to send on first, and there is no room for more") \
	X(SERVER_DOWN, "server_down", drop, "server is down and its flows are refused") \
	X(TOO_BIG, "too_big", drop, "too big, and no ICMP error may be sent for it") \
	X(NO_ROUTE, "no_route", drop, "no route to the destination") \
	X(REDIRECT_FAILED, "redirect_failed", drop, "the kernel could not send it") \
	X(NAT_UNASSIGNED, "nat_unassigned", drop, "NAT: the host has no outside address") \
	X(NAT_PROTOCOL, "nat_protocol", drop, "NAT: neither TCP, UDP nor an ICMP message that can be translated") \
	X(NAT_FRAGMENT, "nat_fragment", drop, "NAT: later fragment whose first was not seen") \
	X(NAT_NOT_OPEN, "nat_not_open", drop, "NAT: TCP packet of no known connection that does not open one") \
	X(NAT_QUOTA, "nat_quota", drop, "NAT: the host has as many flows as it may have") \
	X(NAT_PORTS_EXHAUSTED, "nat_ports_exhausted", drop, "NAT: no free port in the host's blocks") \
	X(NAT_TABLE_FULL, "nat_table_full", drop, "NAT: no free slot for a new flow") \
	X(NAT_UNMATCHED, "nat_unmatched", drop, "NAT: from the core, and no flow of a host expects it")

enum fa_reason {
	FA_REASON_NONE = 0, /* plain pass, not counted */
#define FA_REASON_ENUM(id, name, kind, text) FA_REASON_##id,
	FA_REASONS(FA_REASON_ENUM)
#undef FA_REASON_ENUM
	FA_REASON_COUNT
};
/* clang-format on */

enum fa_reason_kind { FA_KIND_forward, FA_KIND_kernel, FA_KIND_drop };

#ifndef __bpf__
const char *fa_reason_name(enum fa_reason reason);
const char *fa_reason_text(enum fa_reason reason);
enum fa_reason_kind fa_reason_kind(enum fa_reason reason);
#endif
