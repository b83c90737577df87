/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors from routers on a tunnel's way. They are addressed to the tunnel's source, and it is the
 * inner packet's sender that has to know: the daemon relays them (RFC 2473, section 8). */
#pragma once

#include "decapsulate.h"
#include "icmp.h"

/* Hands a frame to the daemon whose source it is to let in; the verdict. What is too long or too often to be handed
 * over is dropped for the other reason. */
__noinline int fa_hold(fa_context *context, __u32 otherwise)
{
	__u64 length = bpf_xdp_get_buff_len(context);
	struct fa_event *event;

	if (length > FA_EVENT_PACKET_BYTES || !fa_may_answer())
		return fa_exit(otherwise);
	event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);
	if (!event)
		return fa_exit(otherwise);
	event->kind = FA_EVENT_HOST_UNKNOWN;
	event->port = fa_port_index;
	event->length = (__u32)length;
	event->reason = FA_REASON_HELD;
	FA_OPAQUE(length);
	if (length < FA_ETHERNET_BYTES || length > FA_EVENT_PACKET_BYTES ||
	    bpf_xdp_load_bytes(context, 0, event->packet, (__u32)length)) {
		bpf_ringbuf_discard(event, 0);
		return fa_exit(otherwise);
	}
	bpf_ringbuf_submit(event, 0);
	fa_count(FA_REASON_HELD);
	return XDP_DROP;
}

/* Whether hosts with this address need no lease. */
static __always_inline int fa_is_unaware(const struct fa_config *config, const __u64 address[2])
{
	FA_LOOP
	for (__u32 i = 0; i < FA_POOL_LIMIT && i < config->pool_count; i++)
		if (fa_prefix_contains(&config->pools[i], address))
			return config->pools[i].path == FA_POOL_UNAWARE;
	return 0;
}

/* Whether the ICMP message at the cursor is an error about a packet that we encapsulated; if so it was
 * given to the daemon, unless there are too many. */
__noinline int fa_report_icmp(fa_context *context, __u32 cursor, __u32 version)
{
	__u32 zero = 0;
	struct fa_config *config = bpf_map_lookup_elem(&fa_config, &zero);
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_event *event;
	struct fa_ip quoted = {};
	__u32 length;

	if (!config || cursor > 2 * FA_CURSOR_LIMIT || data + cursor + FA_ICMP_BYTES > end)
		return 0;
	if (!fa_is_icmp_error(version == 4 ? FA_PROTOCOL_ICMP : FA_PROTOCOL_ICMPV6, *(__u8 *)(data + cursor)))
		return 0;
	cursor += FA_ICMP_BYTES;
	if (fa_parse_at(context, cursor, version == 4 ? FA_ETHERTYPE_IPV4 : FA_ETHERTYPE_IPV6, &quoted))
		return 0;
	if (!fa_is_tunnel(quoted.protocol) || !fa_is_endpoint(config, quoted.source))
		return 0;
	if (!fa_may_answer())
		return 1;
	length = (__u32)bpf_xdp_get_buff_len(context);
	if (length > FA_EVENT_PACKET_BYTES)
		length = FA_EVENT_PACKET_BYTES;
	event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);
	if (!event)
		return 1;
	event->kind = FA_EVENT_ICMP_ERROR;
	event->port = fa_port_index;
	event->length = length;
	event->reason = FA_REASON_TO_KERNEL_ICMP;
	FA_OPAQUE(length);
	if (length < FA_ETHERNET_BYTES || length > FA_EVENT_PACKET_BYTES ||
	    bpf_xdp_load_bytes(context, 0, event->packet, length)) {
		bpf_ringbuf_discard(event, 0);
		return 1;
	}
	bpf_ringbuf_submit(event, 0);
	return 1;
}
