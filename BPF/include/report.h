/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors from routers on a tunnel's way. They are addressed to the tunnel's source, and it is the
 * inner packet's sender that has to know: the daemon relays them (RFC 2473, section 8). */
#pragma once

#include "decapsulate.h"
#include "icmp.h"

/* Fills an event with the frame, and hands it over; 0 if it could not be read. */
static __always_inline int fa_submit_frame(fa_context *context, void *event, void *packet, __u64 length, __u64 room)
{
	struct fa_event *head = event;

	head->kind = FA_EVENT_HOST_UNKNOWN;
	head->port = fa_port_index;
	head->length = (__u32)length;
	head->reason = FA_REASON_HELD;
	FA_OPAQUE(length);
	if (length < FA_ETHERNET_BYTES || length > room || bpf_xdp_load_bytes(context, 0, packet, (__u32)length)) {
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	bpf_ringbuf_submit(event, 0);
	return 1;
}

/* Hands the frame to the daemon; 0 if it is too long or there is no room. */
__noinline int fa_hand_over(fa_context *context)
{
	__u64 length = bpf_xdp_get_buff_len(context);

	if (length <= FA_EVENT_PACKET_BYTES) {
		struct fa_event *event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);

		return event && fa_submit_frame(context, event, event->packet, length, FA_EVENT_PACKET_BYTES);
	}
	if (length <= FA_EVENT_FRAME_BYTES) {
		struct fa_frame_event *event = bpf_ringbuf_reserve(&fa_events, sizeof(*event), 0);

		return event && fa_submit_frame(context, event, event->packet, length, FA_EVENT_FRAME_BYTES);
	}
	return 0;
}

/* Hands a frame to the daemon whose source it is to let in; the verdict. What is too long or too often to be handed
 * over is dropped for the other reason. */
static __always_inline int fa_hold(fa_context *context, __u32 otherwise)
{
	if (!fa_may_answer() || !fa_hand_over(context))
		return fa_exit(otherwise);
	fa_count(FA_REASON_HELD);
	return XDP_DROP;
}

/* Whether the daemon has had the frame already. */
static __always_inline int fa_is_handed_back(fa_context *context)
{
	__u32 *mark = FA_DATA_META(context);

	return (void *)(mark + 1) <= FA_DATA(context) && *mark == FA_HANDED_BACK;
}

/* Whether a packet of a known host has to go by way of the daemon, behind what is there of it. */
static __always_inline int fa_is_behind(fa_context *context, const struct fa_config *config, __u16 host_flags)
{
	if (fa_is_handed_back(context))
		return 0;
	if (host_flags & FA_HOST_CLAIMED)
		return 1;
	return (__s32)(config->drains_until - (__u32)(bpf_jiffies64() >> 8)) > 0 &&
	       bpf_ringbuf_query(&fa_events, BPF_RB_AVAIL_DATA) != 0;
}

/* Hands a frame to the daemon that has to go behind others; the verdict. */
static __always_inline int fa_hold_behind(fa_context *context)
{
	if (!fa_may_hold() || !fa_hand_over(context))
		return fa_exit(FA_REASON_HOLD_FULL);
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
