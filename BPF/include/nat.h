/* SPDX-License-Identifier: BSD-2-Clause */
/* NAT44 on the way to the core and back [0053] [0079]: what is written into a packet, and which flow it belongs to. */
#pragma once

#include "icmp.h"
#include "nat_fragment.h"
#include "nat_make.h"

/* In place of a reason: an ICMP error, which belongs to the flow of the packet that it quotes. */
#define FA_NAT_ICMP_ERROR 0x100u

static __always_inline int fa_nat_is_icmp_query(__u8 type)
{
	return type == FA_ICMP_ECHO_REQUEST || type == FA_ICMP_ECHO_REPLY || type == FA_ICMP_TIMESTAMP_REQUEST ||
	       type == FA_ICMP_TIMESTAMP_REPLY;
}

/* The ports of a packet that has its transport header, source first; what it says of its flow goes into work. */
static __always_inline __u32 fa_nat_transport(void *transport, void *end, __u8 protocol, __u32 up,
					      struct fa_nat_work *work, __u32 *ports)
{
	__u8 flags;

	if (transport + 8 > end)
		return FA_REASON_MALFORMED;
	*ports = fa_load32(transport);
	if (protocol == FA_PROTOCOL_TCP) {
		if (transport + FA_TCP_BYTES > end)
			return FA_REASON_MALFORMED;
		flags = *(__u8 *)(transport + 13);
		if (flags & FA_TCP_SYN)
			work->seen |= FA_NAT_SYN;
		if (flags & FA_TCP_FIN)
			work->seen |= FA_NAT_FIN;
		if (flags & FA_TCP_RST)
			work->seen |= FA_NAT_RST;
		work->opens = (flags & (FA_TCP_SYN | FA_TCP_ACK | FA_TCP_RST | FA_TCP_FIN)) == FA_TCP_SYN;
	} else if (protocol == FA_PROTOCOL_ICMP) {
		__u8 type = *(__u8 *)transport;

		if (fa_is_icmp_error(protocol, type))
			return FA_NAT_ICMP_ERROR;
		if (!fa_nat_is_icmp_query(type))
			return FA_REASON_NAT_PROTOCOL;
		work->opens = type == FA_ICMP_ECHO_REQUEST || type == FA_ICMP_TIMESTAMP_REQUEST;
		*ports = fa_load16(transport + 4);
		if (!up)
			*ports <<= 16;
	}
	return FA_REASON_NONE;
}

/* Which flow the packet belongs to, as seen from this side of the router: into work. FA_REASON_NONE, FA_NAT_ICMP_ERROR,
 * or why it belongs to none. */
__noinline int fa_nat_classify(fa_context *context, const struct fa_ip *ip, __u32 up)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	__u32 ports = 0;
	__u32 cursor;
	__u32 failed;

	if (!work || !ip)
		return FA_REASON_MALFORMED;
	cursor = ip->cursor + ip->header;
	if (cursor > 2 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	if (fa_nat_row(ip->protocol) >= FA_NAT_PROTOCOLS)
		return FA_REASON_NAT_PROTOCOL;
	work->seen = FA_NAT_SEEN;
	work->opens = 1;
	if (FA_UNLIKELY(ip->fragment == FA_FRAGMENT_LATER)) {
		work->opens = 0;
		if (!fa_fragment_ports(context, ip, &ports))
			return FA_REASON_NAT_FRAGMENT;
	} else {
		/* What is behind the packet in the frame is none of it. */
		if (ip->length < ip->header + (ip->protocol == FA_PROTOCOL_TCP ? FA_TCP_BYTES : 8u))
			return FA_REASON_MALFORMED;
		failed =
		    fa_nat_transport(FA_DATA(context) + cursor, FA_DATA_END(context), ip->protocol, up, work, &ports);
		if (failed)
			return (int)failed;
		if (FA_UNLIKELY(ip->fragment == FA_FRAGMENT_FIRST))
			fa_fragment_learn(context, ip, ports);
	}
	if (up) {
		work->id.words[0] = fa_v4_address(ip->source[1]) | (__u64)fa_v4_address(ip->destination[1]) << 32;
	} else {
		work->id.words[0] = fa_v4_address(ip->destination[1]) | (__u64)fa_v4_address(ip->source[1]) << 32;
		ports = ports >> 16 | ports << 16;
	}
	work->id.words[1] = fa_nat_word(ports, ip->protocol, up ? FA_NAT_UP : FA_NAT_DOWN);
	work->id.words[2] = 0;
	return FA_REASON_NONE;
}

/* A connection that ended begins anew: nothing counts that was seen of the old one. */
static __always_inline void fa_nat_reopen(struct fa_translation *slot, __u32 seen)
{
	__u32 index = slot->twin;
	struct fa_translation *twin = bpf_map_lookup_elem(&fa_translations, &index);
	__u32 own = FA_ONCE(slot->seen);
	__u32 others;

	if (!twin)
		return;
	others = FA_ONCE(twin->seen);
	if (!((own | others) & FA_NAT_RST) && !(own & others & FA_NAT_FIN))
		return;
	FA_ONCE(twin->seen) = 0;
	FA_ONCE(slot->seen) = seen;
}

/* Finds the flow work->id: whether there is one; then what is written is in work->rewrite. touch: the packet is the
 * flow's own, and shows that it lives. */
__noinline int fa_nat_known(__u32 touch)
{
	struct fa_config *config = fa_settings();
	struct fa_nat_work *work = fa_nat_work_of_packet();
	__u64 hash;

	if (!config || !work)
		return 0;
	hash = fa_hash_translation(config->hash_secret, work->id.words);
	for (__u32 attempt = 0; attempt < FA_HOST_ATTEMPTS; attempt++) {
		struct fa_slot_place at;
		struct fa_translation *slot = fa_translations_find(hash, config->translation_mask, &work->id, &at);

		if (!slot)
			return 0;
		if (!fa_rewrite_copy(slot, at.word, &work->rewrite))
			continue;
		if (!touch)
			return 1;
		if (FA_UNLIKELY(work->opens) && work->id.key.protocol == FA_PROTOCOL_TCP)
			fa_nat_reopen(slot, work->seen);
		fa_translation_touch(slot, work->seen);
		return 1;
	}
	return 0;
}

/* Writes an address in the place of source or destination of the IPv4 header, which is known to be there. */
static __always_inline void fa_nat_write_header(void *header, __u32 source, const struct fa_rewrite *rewrite)
{
	fa_store16(header + 10, fa_checksum_add(fa_load16(header + 10), fa_rewrite_header_sum(rewrite)));
	/* Two stores, each at a place that is known: the verifier wants it so. */
	if (source)
		fa_store32(header + 12, fa_rewrite_address(rewrite));
	else
		fa_store32(header + 16, fa_rewrite_address(rewrite));
	FA_COMPILER_BARRIER();
}

/* The same of the port in a transport header. */
static __always_inline void *fa_nat_port_at(void *transport, void *end, __u32 source)
{
	void *port = source ? transport : transport + 2;

	FA_OPAQUE(port);
	return port + 2 <= end ? port : 0;
}

/* The checksum of UDP: 0 is none, and stays so; a sum of 0 is sent as its other form (RFC 768). */
static __always_inline __u16 fa_nat_udp_checksum(__u16 checksum, __u16 sum)
{
	if (!checksum)
		return 0;
	checksum = fa_checksum_add(checksum, sum);
	return checksum ? checksum : 0xffff;
}

/* Writes work->rewrite in the place of the packet's source (up) or destination. */
__noinline int fa_nat_write(fa_context *context, const struct fa_ip *ip, __u32 up)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	void *end = FA_DATA_END(context);
	struct fa_rewrite rewrite;
	void *transport;
	__u32 cursor;
	void *header;
	void *port;
	__u16 sum;

	if (!work || !ip || ip->cursor > FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	rewrite = work->rewrite;
	cursor = ip->cursor;
	header = FA_DATA(context) + cursor;
	if (header + FA_IPV4_BYTES > end)
		return FA_REASON_MALFORMED;
	cursor += ip->header;
	if (cursor > 2 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	transport = FA_DATA(context) + cursor;
	sum = fa_rewrite_transport_sum(&rewrite);
	if (ip->fragment != FA_FRAGMENT_LATER) {
		if (transport + 8 > end)
			return FA_REASON_MALFORMED;
		switch (ip->protocol) {
		case FA_PROTOCOL_TCP:
			port = fa_nat_port_at(transport, end, up);
			if (!port || transport + FA_TCP_BYTES > end)
				return FA_REASON_MALFORMED;
			fa_store16(port, fa_rewrite_port(&rewrite));
			fa_store16(transport + 16, fa_checksum_add(fa_load16(transport + 16), sum));
			break;
		case FA_PROTOCOL_UDP:
			port = fa_nat_port_at(transport, end, up);
			if (!port)
				return FA_REASON_MALFORMED;
			fa_store16(port, fa_rewrite_port(&rewrite));
			fa_store16(transport + 6, fa_nat_udp_checksum(fa_load16(transport + 6), sum));
			break;
		default:
			fa_store16(transport + 4, fa_rewrite_port(&rewrite));
			fa_store16(transport + 2, fa_checksum_add(fa_load16(transport + 2), sum));
			break;
		}
	}
	fa_nat_write_header(header, up, &rewrite);
	return FA_REASON_NONE;
}

/* Stores a word of what an ICMP error quotes, and adds to the sum what this changes. */
static __always_inline void fa_nat_quote16(void *at, __u16 value, __u32 *sum)
{
	*sum += (__u32)(__u16)~fa_load16(at) + value;
	fa_store16(at, value);
}

/* Writes work->rewrite into the packet that an ICMP error quotes: what goes up has come down. facts: bits 0..7 the
 * quoted protocol, 8 up, 9 a whole TCP header is quoted, with the checksum in it. */
__noinline int fa_nat_write_quoted(fa_context *context, __u32 icmp, __u32 quoted, __u32 transport, __u32 facts)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u8 protocol = (__u8)facts;
	__u32 up = facts >> 8 & 1;
	struct fa_rewrite rewrite;
	__u32 sum = 0;
	__u16 own;
	void *at;

	FA_OPAQUE(transport);
	if (!work || transport > 4 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	rewrite = work->rewrite;
	own = fa_rewrite_transport_sum(&rewrite);
	at = data + transport;
	if (at + 8 > end)
		return FA_REASON_MALFORMED;
	if (protocol == FA_PROTOCOL_ICMP) {
		fa_nat_quote16(at + 4, fa_rewrite_port(&rewrite), &sum);
		fa_nat_quote16(at + 2, fa_checksum_add(fa_load16(at + 2), own), &sum);
	} else {
		void *port = fa_nat_port_at(at, end, !up);

		if (!port)
			return FA_REASON_MALFORMED;
		fa_nat_quote16(port, fa_rewrite_port(&rewrite), &sum);
		if (protocol == FA_PROTOCOL_UDP)
			fa_nat_quote16(at + 6, fa_nat_udp_checksum(fa_load16(at + 6), own), &sum);
		else if (facts >> 9 & 1 && at + FA_TCP_BYTES <= end)
			fa_nat_quote16(at + 16, fa_checksum_add(fa_load16(at + 16), own), &sum);
	}
	FA_OPAQUE(quoted);
	if (quoted > 3 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	at = data + quoted;
	if (at + FA_IPV4_BYTES > end)
		return FA_REASON_MALFORMED;
	/* Its checksum takes back what the address adds to that of the message. */
	fa_nat_write_header(at, !up, &rewrite);
	FA_OPAQUE(icmp);
	if (icmp > 2 * FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	at = data + icmp;
	if (at + FA_ICMP_BYTES > end)
		return FA_REASON_MALFORMED;
	fa_store16(at + 2, fa_checksum_add(fa_load16(at + 2), fa_checksum_fold(sum)));
	return FA_REASON_NONE;
}

/* Which flow the packet belongs to that an ICMP error quotes (RFC 5508, section 4): into work. FA_REASON_NONE, or why
 * it belongs to none. */
__noinline int fa_nat_quoted(fa_context *context, const struct fa_ip *ip, __u32 up)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_ip quoted = {};
	__u32 transport;
	__u32 cursor;
	__u32 ports;
	void *header;

	if (!work || !ip || ip->fragment != FA_FRAGMENT_NONE)
		return FA_REASON_NAT_UNMATCHED;
	cursor = ip->cursor + ip->header;
	if (cursor > FA_CURSOR_LIMIT - FA_ICMP_BYTES)
		return FA_REASON_MALFORMED;
	if (fa_parse_at(context, cursor + FA_ICMP_BYTES, FA_ETHERTYPE_IPV4, &quoted))
		return FA_REASON_NAT_UNMATCHED;
	transport = cursor + FA_ICMP_BYTES + quoted.header;
	if (quoted.fragment == FA_FRAGMENT_LATER || fa_nat_row(quoted.protocol) >= FA_NAT_PROTOCOLS ||
	    transport > 2 * FA_CURSOR_LIMIT || ip->length < transport - ip->cursor + 8)
		return FA_REASON_NAT_UNMATCHED;
	header = FA_DATA(context) + transport;
	if (header + 8 > FA_DATA_END(context))
		return FA_REASON_NAT_UNMATCHED;
	ports = quoted.protocol == FA_PROTOCOL_ICMP ? (__u32)fa_load16(header + 4) << (up ? 16 : 0) : fa_load32(header);
	if (up) {
		/* Nobody speaks of flows that aren't his own. */
		if (quoted.destination[1] != ip->source[1])
			return FA_REASON_NAT_UNMATCHED;
		ports = ports >> 16 | ports << 16;
		work->id.words[0] = fa_v4_address(quoted.destination[1]) | (__u64)fa_v4_address(quoted.source[1]) << 32;
	} else {
		if (quoted.source[1] != ip->destination[1])
			return FA_REASON_NAT_UNMATCHED;
		work->id.words[0] = fa_v4_address(quoted.source[1]) | (__u64)fa_v4_address(quoted.destination[1]) << 32;
	}
	work->id.words[1] = fa_nat_word(ports, quoted.protocol, up ? FA_NAT_UP : FA_NAT_DOWN);
	work->id.words[2] = 0;
	work->quoted_transport = transport;
	work->quoted_facts =
	    quoted.protocol | up << 8 | (__u32)(ip->length >= transport - ip->cursor + FA_TCP_BYTES) << 9;
	return FA_REASON_NONE;
}

/* An ICMP error, by the packet that it quotes (RFC 5508, section 4): it neither makes a flow nor keeps it alive. */
__noinline int fa_nat_error(fa_context *context, const struct fa_ip *ip, __u32 up)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	__u32 cursor;
	void *header;
	int failed;

	if (!work || !ip)
		return FA_REASON_NAT_UNMATCHED;
	failed = fa_nat_quoted(context, ip, up);
	if (failed)
		return failed;
	if (!fa_nat_known(0))
		return FA_REASON_NAT_UNMATCHED;
	cursor = ip->cursor + ip->header;
	failed =
	    fa_nat_write_quoted(context, cursor, cursor + FA_ICMP_BYTES, work->quoted_transport, work->quoted_facts);
	if (failed)
		return failed;
	cursor = ip->cursor;
	if (cursor > FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	header = FA_DATA(context) + cursor;
	if (header + FA_IPV4_BYTES > FA_DATA_END(context))
		return FA_REASON_MALFORMED;
	fa_nat_write_header(header, up, &work->rewrite);
	return FA_REASON_NONE;
}

/* From a host to the core: FA_REASON_NONE once it is translated, or why it can't be. */
__noinline int fa_nat_up(fa_context *context, const struct fa_ip *ip)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	int failed;

	if (!work || !ip)
		return FA_REASON_MALFORMED;
	failed = fa_nat_classify(context, ip, 1);
	if (FA_UNLIKELY(failed == FA_NAT_ICMP_ERROR))
		return fa_nat_error(context, ip, 1);
	if (FA_UNLIKELY(failed))
		return failed;
	if (!fa_nat_known(1)) {
		if (!work->opens)
			return ip->fragment == FA_FRAGMENT_LATER ? FA_REASON_NAT_FRAGMENT : FA_REASON_NAT_NOT_OPEN;
		failed = fa_nat_make(work->seen, 0);
		/* Another processor may have made it meanwhile. */
		if (failed && !fa_nat_known(1))
			return failed;
	}
	return fa_nat_write(context, ip, 1);
}

/* A flow from an address that the mapping behind this port has sent to, if from another port: makes it. The flow is
 * work->id, seen from the core. Whether it is there now. */
__noinline int fa_nat_answer(__u32 number)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_translation *slot;
	struct fa_nat_id down;
	struct fa_nat_key mapping;
	__u64 *port;
	__u64 word;
	__u32 index;
	int found;
	int made;

	if (!work || !number || work->id.key.protocol != FA_PROTOCOL_UDP)
		return 0;
	down = work->id;
	index = fa_nat_port_index((number - 1) << 16 | __builtin_bswap16(down.key.local_port_be), FA_NAT_UDP);
	port = bpf_map_lookup_elem(&fa_nat_ports, &index);
	if (!port || !FA_ONCE(*port))
		return 0;
	index = (__u32)FA_ONCE(*port) - 1;
	slot = bpf_map_lookup_elem(&fa_translations, &index);
	if (!slot)
		return 0;
	word = FA_ONCE(slot->header.word);
	FA_COMPILER_BARRIER();
	mapping = slot->key;
	if (fa_slot_state(word) != FA_SLOT_LIVE || mapping.kind != FA_NAT_MAPPING ||
	    mapping.protocol != FA_PROTOCOL_UDP || slot->address_be != down.key.local_be ||
	    slot->port_be != down.key.local_port_be || !fa_slot_unchanged(&slot->header, word))
		return 0;
	work->other.words[0] = mapping.local_be | (__u64)down.key.remote_be << 32;
	work->other.words[1] = fa_nat_word(mapping.local_port_be, FA_PROTOCOL_UDP, FA_NAT_FILTER);
	work->other.words[2] = mapping.realm;
	found = fa_nat_find_shared();
	if (found < 0)
		return 0;
	/* It was only looked for. */
	fa_nat_leave((__u32)found);
	work->id.words[0] = work->other.words[0];
	work->id.words[1] =
	    fa_nat_word(mapping.local_port_be | (__u32)down.key.remote_port_be << 16, FA_PROTOCOL_UDP, FA_NAT_UP);
	work->id.words[2] = mapping.realm;
	made = !fa_nat_make(0, FA_NAT_SEEN);
	work->id = down;
	return made;
}

/* From the core to an outside address: FA_REASON_NONE once it is translated, or why it isn't; FA_REASON_NAT_UNMATCHED
 * if nobody here expects it. */
__noinline int fa_nat_down(fa_context *context, const struct fa_ip *ip, __u32 number)
{
	struct fa_config *config = fa_settings();
	int failed;

	if (!ip || !config)
		return FA_REASON_MALFORMED;
	failed = fa_nat_classify(context, ip, 0);
	if (FA_UNLIKELY(failed == FA_NAT_ICMP_ERROR))
		return fa_nat_error(context, ip, 0);
	if (FA_UNLIKELY(failed))
		return failed == FA_REASON_NAT_PROTOCOL ? FA_REASON_NAT_UNMATCHED : failed;
	if (!fa_nat_known(1) && (!fa_nat_answer(number) || !fa_nat_known(1)))
		return FA_REASON_NAT_UNMATCHED;
	/* It would be one hop too many behind the translation, and whom the kernel told would not know the packet. */
	if (FA_UNLIKELY(ip->ttl <= 1) && config->flags & FA_CONFIG_DECREMENT_TTL)
		return FA_REASON_TTL_EXPIRED;
	return fa_nat_write(context, ip, 0);
}

/* Before a packet on its way to a host is quoted to its sender: as the sender knows it. */
__noinline int fa_nat_reveal(fa_context *context, __u32 cursor)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_config *config = fa_settings();
	struct fa_ip ip = {};
	__u32 ports;

	if (!work || !config || cursor > FA_CURSOR_LIMIT || fa_parse_at(context, cursor, FA_ETHERTYPE_IPV4, &ip) ||
	    !fa_is_inside(config, ip.destination) || fa_nat_classify(context, &ip, 0))
		return 0;
	ports = (__u32)work->id.words[1];
	work->id.words[1] = fa_nat_word(ports, ip.protocol, FA_NAT_UP);
	if (!fa_nat_known(0) || fa_nat_write(context, &ip, 0))
		return 0;
	if (!fa_outside_number(config, ip.source))
		return 1;
	/* Another inside host has sent it, which doesn't know what it was translated to. */
	if (fa_parse_at(context, cursor, FA_ETHERTYPE_IPV4, &ip) || fa_nat_classify(context, &ip, 1))
		return 0;
	ports = (__u32)work->id.words[1];
	work->id.words[1] = fa_nat_word(ports, ip.protocol, FA_NAT_DOWN);
	return fa_nat_known(0) && !fa_nat_write(context, &ip, 1);
}

/* Whether a packet of an inside host to an outside address is for another inside host, and none of the kernel's. */
__noinline int fa_nat_hairpins(fa_context *context, const struct fa_ip *ip)
{
	struct fa_nat_work *work = fa_nat_work_of_packet();
	struct fa_config *config = fa_settings();
	__u32 number;
	__u32 index;
	__u64 *port;

	if (!work || !config || !ip || ip->version != 4 || !fa_is_inside(config, ip->source))
		return 0;
	number = fa_outside_number(config, ip->destination);
	/* No query to an address is for one of the hosts behind it: this machine answers it. */
	if (!number || ip->protocol == FA_PROTOCOL_ICMP || fa_nat_classify(context, ip, 0))
		return 0;
	index = fa_nat_port_index((number - 1) << 16 | __builtin_bswap16(work->id.key.local_port_be),
				  fa_nat_row(ip->protocol));
	port = bpf_map_lookup_elem(&fa_nat_ports, &index);
	return port && FA_ONCE(*port);
}
