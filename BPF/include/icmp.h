/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers to packets that are too big for their tunnel: "fragmentation needed" (RFC 792, RFC 1191) and
 * "packet too big" (RFC 4443, section 3.2), sent back where the packet came from. */
#pragma once

#include "checksum.h"
#include "count.h"
#include "limit.h"
#include "route.h"

#define FA_ICMP_BYTES 8u
/* In place of a verdict: it is to be answered; the MTU is above these bits. */
#define FA_VERDICT_TOO_BIG 0x100
#define FA_VERDICT_BITS 12
/* What is quoted: more than any IPv4 header with eight bytes behind it. */
#define FA_ICMP_QUOTE 68u
#define FA_ICMPV6_QUOTE 128u

#define FA_ICMP_UNREACHABLE 3u
#define FA_ICMP_FRAGMENTATION_NEEDED 4u
#define FA_ICMPV6_PACKET_TOO_BIG 2u
#define FA_ICMP_TTL 64u
#define FA_IPV4_MTU_MINIMUM 68u
#define FA_IPV6_MTU_MINIMUM 1280u

/* Errors are not answered with errors (RFC 1122, section 3.2.2; RFC 4443, section 2.4 e). */
static __always_inline int fa_is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == FA_PROTOCOL_ICMP)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return protocol == FA_PROTOCOL_ICMPV6 && (type < 128 || type == 137);
}

/* The sum of so many bytes, which are known to be there; a multiple of four. */
static __always_inline __u64 fa_sum_words(const void *from, __u32 bytes)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < FA_ICMPV6_QUOTE; i += 4)
		if (i < bytes)
			sum += fa_load32(from + i);
	return sum;
}

static __always_inline __u16 fa_sum_finish(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return (__u16)~fa_checksum_fold((__u32)sum);
}

/* An address of ours for the source: of the interface, or else a tunnel endpoint. */
static __always_inline int fa_own_address(__u8 version, __u64 address[2])
{
	__u32 index = fa_port_index;
	__u32 zero = 0;
	struct fa_port *port = bpf_map_lookup_elem(&fa_ports, &index);
	struct fa_config *config = bpf_map_lookup_elem(&fa_config, &zero);

	if (!port || !config)
		return 0;
	for (__u32 i = 0; i < FA_PORT_ADDRESS_LIMIT; i++) {
		if (i < port->address_count && fa_is_global(port->addresses[i].halves_be, version)) {
			address[0] = port->addresses[i].halves_be[0];
			address[1] = port->addresses[i].halves_be[1];
			return 1;
		}
	}
	for (__u32 i = 0; i < FA_ENDPOINT_LIMIT; i++) {
		if (i < config->endpoint_count && fa_is_global(config->endpoints[i].halves_be, version)) {
			address[0] = config->endpoints[i].halves_be[0];
			address[1] = config->endpoints[i].halves_be[1];
			return 1;
		}
	}
	return 0;
}

/* Behind the Ethernet header: IPv4, ICMP, and the quoted packet, which is there already. */
static __always_inline void fa_write_icmp(void *at, const __u64 source[2], const __u64 destination[2], __u32 mtu)
{
	__u32 words[5] = {
	    0x45u | 0xc0u << 8 | (__u32)FA_BE16(FA_IPV4_BYTES + FA_ICMP_BYTES + FA_ICMP_QUOTE) << 16,
	    0,
	    FA_ICMP_TTL | FA_PROTOCOL_ICMP << 8,
	    fa_v4_address(source[1]),
	    fa_v4_address(destination[1]),
	};
	__u64 sum = (__u64)words[0] + words[2] + words[3] + words[4];
	void *icmp = at + FA_IPV4_BYTES;
	__u32 type = FA_ICMP_UNREACHABLE | FA_ICMP_FRAGMENTATION_NEEDED << 8;
	__u32 mtu_word = (__u32)FA_BE16(mtu) << 16;

	words[2] |= (__u32)fa_sum_finish(sum) << 16;
	for (__u32 i = 0; i < 5; i++)
		fa_store32(at + 4 * i, words[i]);
	sum = (__u64)type + mtu_word + fa_sum_words(icmp + FA_ICMP_BYTES, FA_ICMP_QUOTE);
	fa_store32(icmp, type | (__u32)fa_sum_finish(sum) << 16);
	fa_store32(icmp + 4, mtu_word);
}

static __always_inline void fa_write_icmpv6(void *at, const __u64 source[2], const __u64 destination[2], __u32 mtu)
{
	const __u32 length = FA_ICMP_BYTES + FA_ICMPV6_QUOTE;
	void *icmp = at + FA_IPV6_BYTES;
	__u32 type = FA_ICMPV6_PACKET_TOO_BIG;
	__u64 sum;

	fa_store32(at, 0x60u);
	fa_store32(at + 4, FA_BE16(length) | FA_PROTOCOL_ICMPV6 << 16 | FA_ICMP_TTL << 24);
	fa_store64(at + 8, source[0]);
	fa_store64(at + 16, source[1]);
	fa_store64(at + 24, destination[0]);
	fa_store64(at + 32, destination[1]);
	/* The pseudo header (RFC 8200, section 8.1). */
	sum = fa_sum_words(at + 8, 32) + FA_BE32(length) + FA_BE32(FA_PROTOCOL_ICMPV6);
	sum += (__u64)type + FA_BE32(mtu) + fa_sum_words(icmp + FA_ICMP_BYTES, FA_ICMPV6_QUOTE);
	fa_store32(icmp, type | (__u32)fa_sum_finish(sum) << 16);
	fa_store32(icmp + 4, FA_BE32(mtu));
}

/* Makes the frame the answer to what it holds: an untagged or tagged packet as it came in, with its IP
 * header at the cursor. Returns the verdict. */
__noinline int fa_answer_too_big(fa_context *context, __u32 cursor, __u32 version, __u32 mtu)
{
	__u32 quote = version == 4 ? FA_ICMP_QUOTE : FA_ICMPV6_QUOTE;
	__u32 header = version == 4 ? FA_IPV4_BYTES + FA_ICMP_BYTES : FA_IPV6_BYTES + FA_ICMP_BYTES;
	__u16 tags[5] = {};
	__u64 source[2] = {};
	__u64 destination[2] = {};
	__u64 macs[2];
	struct fa_ip ip;
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u8 type = 0;
	__u32 excess;

	if (cursor != 14 && cursor != 18 && cursor != 22)
		return fa_exit(FA_REASON_TOO_BIG);
	if (data + cursor + FA_ICMPV6_QUOTE > end)
		return fa_exit(FA_REASON_TOO_BIG);
	if (fa_parse_at(context, cursor, version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6, &ip))
		return fa_exit(FA_REASON_MALFORMED);
	if (ip.fragment == FA_FRAGMENT_LATER || !fa_is_global(ip.source, ip.version))
		return fa_exit(FA_REASON_TOO_BIG);
	if (ip.protocol == FA_PROTOCOL_ICMP || ip.protocol == FA_PROTOCOL_ICMPV6) {
		__u32 at = cursor + (ip.header & 0xff);

		if (data + at + 1 > end)
			return fa_exit(FA_REASON_TOO_BIG);
		type = *(__u8 *)(data + at);
		if (fa_is_icmp_error(ip.protocol, type))
			return fa_exit(FA_REASON_TOO_BIG);
	}
	destination[0] = ip.source[0];
	destination[1] = ip.source[1];
	if (!fa_own_address((__u8)version, source)) {
		source[0] = ip.destination[0];
		source[1] = ip.destination[1];
	}
	if (!fa_may_answer())
		return fa_exit(FA_REASON_TOO_BIG);
	if (version == 4 && mtu < FA_IPV4_MTU_MINIMUM)
		mtu = FA_IPV4_MTU_MINIMUM;
	if (version == 6 && mtu < FA_IPV6_MTU_MINIMUM)
		mtu = FA_IPV6_MTU_MINIMUM;

	/* Ethernet header and tags as they came, the MACs exchanged. */
	FA_OPAQUE(data); /* the verifier doesn't conclude it from what is behind */
	if (data + 22 > end)
		return fa_exit(FA_REASON_TOO_BIG);
	for (__u32 i = 0; i < 5; i++)
		tags[i] = fa_load16(data + 12 + 2 * i);
	macs[0] = fa_load64(data);
	macs[1] = fa_load32(data + 8);
	excess = (__u32)bpf_xdp_get_buff_len(context) - cursor - quote;
	if (bpf_xdp_adjust_tail(context, -(int)excess) || bpf_xdp_adjust_head(context, -(int)header))
		return fa_exit(FA_REASON_TOO_BIG);
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	if (data + 22 + FA_IPV6_BYTES + FA_ICMP_BYTES > end)
		return fa_exit(FA_REASON_TOO_BIG);
	fa_store64(data, macs[0] >> 48 | macs[1] << 16 | macs[0] << 48);
	fa_store32(data + 8, (__u32)(macs[0] >> 16));
	for (__u32 i = 0; i < 5; i++)
		if (12 + 2 * i < cursor)
			fa_store16(data + 12 + 2 * i, tags[i]);
	data += cursor;
	if (version == 4) {
		if (data + FA_IPV4_BYTES + FA_ICMP_BYTES + FA_ICMP_QUOTE > end)
			return fa_exit(FA_REASON_TOO_BIG);
		fa_write_icmp(data, source, destination, mtu);
	} else {
		if (data + FA_IPV6_BYTES + FA_ICMP_BYTES + FA_ICMPV6_QUOTE > end)
			return fa_exit(FA_REASON_TOO_BIG);
		fa_write_icmpv6(data, source, destination, mtu);
	}
	fa_count(FA_REASON_ICMP_TOO_BIG);
	if (fa_port_transmits)
		return XDP_TX;
	return (int)bpf_redirect_map(&fa_devices, fa_port_index, XDP_DROP);
}
