/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsers. Each takes a cursor, the distance in bytes from the start of the frame, and fills in what it
 * found; what it can't read is FA_REASON_MALFORMED. Nothing behind the transport header is looked at. */
#pragma once

#include "fa_reasons.h"
#include "platform.h"

#define FA_ETHERNET_BYTES 14u
#define FA_VLAN_BYTES 4u
#define FA_ETHERTYPE_IPV4 0x0800u
#define FA_ETHERTYPE_IPV6 0x86ddu
#define FA_ETHERTYPE_VLAN 0x8100u
#define FA_ETHERTYPE_SERVICE_VLAN 0x88a8u

#define FA_IPV4_BYTES 20u
#define FA_IPV6_BYTES 40u

#define FA_PROTOCOL_HOP_BY_HOP 0u
#define FA_PROTOCOL_ICMP 1u
#define FA_PROTOCOL_IPV4 4u
#define FA_PROTOCOL_TCP 6u
#define FA_PROTOCOL_UDP 17u
#define FA_PROTOCOL_IPV6 41u
#define FA_PROTOCOL_ROUTING 43u
#define FA_PROTOCOL_FRAGMENT 44u
#define FA_PROTOCOL_GRE 47u
#define FA_PROTOCOL_ICMPV6 58u
#define FA_PROTOCOL_DESTINATION_OPTIONS 60u

#define FA_TCP_FIN 0x01u
#define FA_TCP_SYN 0x02u
#define FA_TCP_RST 0x04u
#define FA_TCP_ACK 0x10u

/* Extension headers that are looked behind; whatever follows more of them is not known. */
#define FA_IPV6_EXTENSION_LIMIT 4u
/* The furthest that a header may begin from the start of the frame. */
#define FA_CURSOR_LIMIT 1024u

struct fa_ethernet {
	__u32 cursor; /* of what follows */
	__u16 type; /* of what follows, in the machine's byte order */
	__u16 vlan; /* identifier in the outermost 802.1Q tag, 0 for none */
};

enum fa_fragment {
	FA_FRAGMENT_NONE,
	FA_FRAGMENT_FIRST,
	FA_FRAGMENT_LATER, /* has no transport header */
};

struct fa_ip {
	__u64 source[2]; /* v4-mapped for IPv4, halves as loaded */
	__u64 destination[2];
	__u32 cursor; /* of this header, from the start of the frame */
	__u32 header; /* bytes up to the transport header, options and extension headers included */
	__u32 length; /* of the whole packet, in bytes */
	__u8 version;
	__u8 protocol; /* of what follows the header, as far as that is known */
	__u8 class; /* TOS or traffic class */
	__u8 ttl; /* or hop limit */
	__u8 fragment; /* enum fa_fragment */
};

/* Lower half of a v4-mapped address. */
static __always_inline __u64 fa_v4_mapped(__be32 address_be)
{
	return (__u64)address_be << 32 | FA_V4_MAPPED_WORD_BE;
}

static __always_inline __be32 fa_v4_address(__u64 lower)
{
	return (__be32)(lower >> 32);
}

static __always_inline __u32 fa_parse_ethernet(void *data, void *end, struct fa_ethernet *ethernet)
{
	__u16 type;

	if (data + FA_ETHERNET_BYTES > end)
		return FA_REASON_MALFORMED;
	type = __builtin_bswap16(fa_load16(data + 12));
	ethernet->cursor = FA_ETHERNET_BYTES;
	ethernet->vlan = 0;
	if (FA_UNLIKELY(type == FA_ETHERTYPE_VLAN || type == FA_ETHERTYPE_SERVICE_VLAN)) {
		if (data + FA_ETHERNET_BYTES + FA_VLAN_BYTES > end)
			return FA_REASON_MALFORMED;
		ethernet->vlan = __builtin_bswap16(fa_load16(data + 14)) & 0x0fff;
		ethernet->cursor = FA_ETHERNET_BYTES + FA_VLAN_BYTES;
		type = __builtin_bswap16(fa_load16(data + 16));
		if (type == FA_ETHERTYPE_VLAN || type == FA_ETHERTYPE_SERVICE_VLAN) {
			if (data + FA_ETHERNET_BYTES + 2 * FA_VLAN_BYTES > end)
				return FA_REASON_MALFORMED;
			ethernet->cursor = FA_ETHERNET_BYTES + 2 * FA_VLAN_BYTES;
			type = __builtin_bswap16(fa_load16(data + 20));
		}
	}
	ethernet->type = type;
	return FA_REASON_NONE;
}

static __always_inline __u32 fa_parse_ipv4(void *data, void *end, __u32 cursor, struct fa_ip *ip)
{
	void *header = data + cursor;
	__u32 first;
	__u32 ttl_and_protocol;
	__u16 offset;

	if (header + FA_IPV4_BYTES > end)
		return FA_REASON_MALFORMED;
	first = fa_load32(header);
	if (FA_UNLIKELY((first & 0xf0) != 0x40))
		return FA_REASON_MALFORMED;
	ip->version = 4;
	ip->cursor = cursor;
	ip->class = (__u8)(first >> 8);
	ip->header = (first & 0x0f) * 4;
	ip->length = __builtin_bswap16((__u16)(first >> 16));
	if (FA_UNLIKELY(ip->header < FA_IPV4_BYTES || ip->length < ip->header))
		return FA_REASON_MALFORMED;
	offset = fa_load16(header + 6);
	ip->fragment = FA_FRAGMENT_NONE;
	if (FA_UNLIKELY(offset & FA_BE16(0x3fff)))
		ip->fragment = offset & FA_BE16(0x1fff) ? FA_FRAGMENT_LATER : FA_FRAGMENT_FIRST;
	ttl_and_protocol = fa_load32(header + 8);
	ip->ttl = (__u8)ttl_and_protocol;
	ip->protocol = (__u8)(ttl_and_protocol >> 8);
	ip->source[0] = 0;
	ip->source[1] = fa_v4_mapped(fa_load32(header + 12));
	ip->destination[0] = 0;
	ip->destination[1] = fa_v4_mapped(fa_load32(header + 16));
	return FA_REASON_NONE;
}

static __always_inline int fa_is_ipv6_extension(__u8 protocol)
{
	return protocol == FA_PROTOCOL_HOP_BY_HOP || protocol == FA_PROTOCOL_ROUTING ||
	       protocol == FA_PROTOCOL_FRAGMENT || protocol == FA_PROTOCOL_DESTINATION_OPTIONS;
}

/* What is behind a header's extension headers: bits 0..7 protocol, 8..15 enum fa_fragment, 16..31 bytes
 * up to it from where the extensions began. A global function, which the verifier goes through only once. */
#define FA_EXTENSIONS_MALFORMED (-1)

__noinline int fa_parse_ipv6_extensions(fa_context *context, __u32 cursor, __u32 next)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u8 protocol = (__u8)next;
	__u32 fragment = FA_FRAGMENT_NONE;
	__u32 bytes = 0;

	for (__u32 i = 0; i < FA_IPV6_EXTENSION_LIMIT && fa_is_ipv6_extension(protocol); i++) {
		void *extension;
		__u16 first;

		if (cursor > FA_CURSOR_LIMIT || bytes > FA_CURSOR_LIMIT)
			return FA_EXTENSIONS_MALFORMED;
		extension = data + cursor + bytes;
		if (extension + 8 > end)
			return FA_EXTENSIONS_MALFORMED;
		first = fa_load16(extension);
		if (protocol == FA_PROTOCOL_FRAGMENT) {
			__u16 offset = fa_load16(extension + 2);

			bytes += 8;
			if (offset & FA_BE16(0xfff8))
				fragment = FA_FRAGMENT_LATER;
			else if (offset & FA_BE16(0x0001))
				fragment = FA_FRAGMENT_FIRST;
		} else {
			bytes += ((__u32)(first >> 8) + 1) * 8;
		}
		protocol = (__u8)first;
		if (fragment == FA_FRAGMENT_LATER)
			break;
	}
	if (bytes > FA_CURSOR_LIMIT)
		return FA_EXTENSIONS_MALFORMED;
	return (int)(protocol | fragment << 8 | bytes << 16);
}

/* The header alone, whatever follows. */
static __always_inline __u32 fa_parse_ipv6_header(void *data, void *end, __u32 cursor, struct fa_ip *ip)
{
	void *header = data + cursor;
	__u16 first;
	__u32 length_and_next;

	if (header + FA_IPV6_BYTES > end)
		return FA_REASON_MALFORMED;
	first = fa_load16(header);
	if (FA_UNLIKELY((first & 0xf0) != 0x60))
		return FA_REASON_MALFORMED;
	ip->version = 6;
	ip->cursor = cursor;
	ip->header = FA_IPV6_BYTES;
	ip->class = (__u8)(first << 4 | first >> 12);
	length_and_next = fa_load32(header + 4);
	ip->length = FA_IPV6_BYTES + __builtin_bswap16((__u16)length_and_next);
	ip->protocol = (__u8)(length_and_next >> 16);
	ip->ttl = (__u8)(length_and_next >> 24);
	ip->fragment = FA_FRAGMENT_NONE;
	ip->source[0] = fa_load64(header + 8);
	ip->source[1] = fa_load64(header + 16);
	ip->destination[0] = fa_load64(header + 24);
	ip->destination[1] = fa_load64(header + 32);
	return FA_REASON_NONE;
}

static __always_inline __u32 fa_parse_ipv6(fa_context *context, void *data, void *end, __u32 cursor, struct fa_ip *ip)
{
	if (fa_parse_ipv6_header(data, end, cursor, ip))
		return FA_REASON_MALFORMED;
	if (FA_UNLIKELY(fa_is_ipv6_extension(ip->protocol))) {
		int found = fa_parse_ipv6_extensions(context, cursor + FA_IPV6_BYTES, ip->protocol);

		FA_OPAQUE(found); /* the verifier doesn't know the function's range */
		if (found == FA_EXTENSIONS_MALFORMED)
			return FA_REASON_MALFORMED;
		ip->protocol = (__u8)found;
		ip->fragment = (__u8)(found >> 8);
		ip->header += (__u32)found >> 16 & 0x7ff;
		if (ip->header > ip->length)
			return FA_REASON_MALFORMED;
	}
	return FA_REASON_NONE;
}

static __always_inline __u32 fa_parse_ip(fa_context *context, void *data, void *end, __u32 cursor, __u16 type,
					 struct fa_ip *ip)
{
	if (type == FA_ETHERTYPE_IPV4)
		return fa_parse_ipv4(data, end, cursor, ip);
	return fa_parse_ipv6(context, data, end, cursor, ip);
}

/* The same for programs that aren't in a hurry: a global function, which the verifier goes through once.
 * 0, or a reason. */
__noinline int fa_parse_at(fa_context *context, __u32 cursor, __u32 type, struct fa_ip *ip)
{
	if (!ip || cursor > FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	return (int)fa_parse_ip(context, FA_DATA(context), FA_DATA_END(context), cursor, (__u16)type, ip);
}

static __always_inline int fa_is_v4_mapped(const __u64 address[2])
{
	return address[0] == 0 && (__u32)address[1] == FA_V4_MAPPED_WORD_BE;
}

/* Neither unspecified, loopback, link-local nor multicast; bytes are taken from halves as loaded. */
static __always_inline int fa_is_global(const __u64 address[2], __u8 version)
{
	__u8 first;

	if (version == 4) {
		if (!fa_is_v4_mapped(address))
			return 0;
		first = (__u8)(address[1] >> 32);
		return first != 0 && first != 127 && first < 224 && (__u16)(address[1] >> 32) != FA_BE16(0xa9fe);
	}
	first = (__u8)address[0];
	if (address[0] == 0)
		return 0;
	return first != 0xff && (address[0] & FA_BE16(0xffc0)) != FA_BE16(0xfe80);
}
