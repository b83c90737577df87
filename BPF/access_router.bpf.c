/* SPDX-License-Identifier: BSD-2-Clause */
/* The data plane of an access router [0036]-[0048]: one program for each role of an interface. What is
 * not ours to forward goes to the kernel unchanged. */
#include "decapsulate.h"
#include "duplicate.h"
#include "fast.h"
#include "mss.h"
#include "report.h"
#include "roam.h"
#include "send.h"

/* What a program ends with. */
static __always_inline int fa_end(fa_context *context, const struct fa_ethernet *ethernet, int verdict)
{
	return fa_finish(context, ethernet, verdict == FA_VERDICT_ROAMS ? fa_roam(context) : verdict);
}

/* IP from one station to one station; the rest (ARP, neighbour discovery, DHCP, what is multicast)
 * is the kernel's. */
static __always_inline int fa_is_ours(void *data, const struct fa_ethernet *ethernet)
{
	return (ethernet->type == FA_ETHERTYPE_IPV4 || ethernet->type == FA_ETHERTYPE_IPV6) && !(*(__u8 *)data & 1);
}

/* The frame doesn't end before the packet does. */
static __always_inline int fa_is_whole(fa_context *context, void *data, void *end, const struct fa_ip *ip)
{
	if (FA_LIKELY((__u64)(end - data) >= (__u64)ip->cursor + ip->length))
		return 1;
	return bpf_xdp_get_buff_len(context) >= (__u64)ip->cursor + ip->length;
}

/* The packet behind the Ethernet header: FA_DECIDED, or the reason of an exit. */
static __always_inline __u32 fa_parse_packet(fa_context *context, __u32 cursor, __u32 type, struct fa_ip *ip)
{
	__u32 failed = fa_parse_at(context, cursor, type, ip);

	if (FA_UNLIKELY(failed))
		return failed;
	return fa_is_whole(context, FA_DATA(context), FA_DATA_END(context), ip) ? FA_DECIDED : FA_REASON_MALFORMED;
}

/* What all programs begin with: FA_DECIDED, or the reason of an exit. */
static __always_inline __u32 fa_begin(fa_context *context, struct fa_ethernet *ethernet)
{
	void *data = FA_DATA(context);

	if (fa_parse_ethernet(data, FA_DATA_END(context), ethernet))
		return FA_REASON_MALFORMED;
	return FA_LIKELY(fa_is_ours(data, ethernet)) ? FA_DECIDED : FA_REASON_NONE;
}

/* Whether copies of the host's packets come on both ways [0052]. */
static __always_inline int fa_sends_copies(const struct fa_host_view *host)
{
	const __u16 both = FA_HOST_ATTACHED | FA_HOST_TUNNELLED | FA_HOST_BICAST;

	return (host->flags & both) == both;
}

/* In place of a verdict: the packet is not tunnelled to us. */
#define FA_VERDICT_NOT_OURS 0x101
/* It is, and comes from where it should. */
#define FA_VERDICT_TUNNELLED 0x102

/* A packet that is tunnelled to us: checked, and on its way as what is inside. A global function: what
 * is known of the packet is forgotten and found again, so that the verifier goes through it once. */
__noinline int fa_leave_tunnel(fa_context *context, __u32 cursor, __u32 type)
{
	struct fa_config *config = fa_settings();
	struct fa_action action;
	__u32 decided;

	if (!config || cursor > FA_CURSOR_LIMIT)
		return XDP_PASS;
	fa_action_begin(&action, cursor);
	decided = fa_parse_packet(context, cursor, type, &action.ip);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (FA_UNLIKELY(!fa_is_tunnel(action.ip.protocol)) ||
	    FA_UNLIKELY(!fa_is_endpoint(config, action.ip.destination)))
		return FA_VERDICT_NOT_OURS;
	decided = fa_decapsulate(context, config, &action);
	if (FA_UNLIKELY(decided))
		return fa_exit(decided);
	fa_host_touch(&action.host);
	if (FA_UNLIKELY(fa_sends_copies(&action.host)) &&
	    fa_is_duplicate(context, action.ip.cursor, FA_WAY_TUNNEL, config->hash_secret[0]))
		return fa_exit(FA_REASON_DUPLICATE);
	if (FA_UNLIKELY(fa_has_to_be_found(&action)))
		return fa_defer_roaming(&action);
	fa_clamp_mss(context, config, &action.ip);
	decided = fa_from_router(config, &action);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_send(context, &action);
}

/* Whether a packet is in a tunnel between a node and an anchor elsewhere, and so none of our servers'
 * business [0046] [0048]: its inner address isn't the outer one. */
__noinline int fa_is_of_other_anchor(fa_context *context, __u32 cursor, __u32 type, __u32 downlink)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	struct fa_tunnelled tunnelled;
	struct fa_ip inner;
	struct fa_ip ip;

	if (cursor > FA_CURSOR_LIMIT || fa_parse_at(context, cursor, type, &ip))
		return 0;
	/* What is inside isn't there to see; the first fragment goes the same way. */
	if (ip.fragment == FA_FRAGMENT_LATER)
		return 1;
	if (fa_parse_tunnel(data, end, &ip, &tunnelled) ||
	    fa_parse_at(context, tunnelled.cursor, tunnelled.type, &inner))
		return 0;
	if (downlink)
		return inner.destination[0] != ip.destination[0] || inner.destination[1] != ip.destination[1];
	return inner.source[0] != ip.source[0] || inner.source[1] != ip.source[1];
}

/* Whether the IP header at the cursor may be a tunnel's: so, or with extension headers between. */
static __always_inline int fa_may_be_tunnel(void *data, void *end, const struct fa_ethernet *ethernet)
{
	void *header = data + ethernet->cursor;
	__u8 protocol;

	if (header + FA_IPV4_BYTES > end)
		return 0;
	if (ethernet->type == FA_ETHERTYPE_IPV4)
		return fa_is_tunnel(*(__u8 *)(header + 9));
	protocol = *(__u8 *)(header + 6);
	return fa_is_tunnel(protocol) || fa_is_ipv6_extension(protocol);
}

/* What comes from the core to an outside address, for the host that it is for. FA_DECIDED if it is so now, or never was
 * for such an address; otherwise the reason of an exit. */
__noinline int fa_come_in(fa_context *context, __u32 cursor)
{
	struct fa_config *config = fa_settings();
	struct fa_ip ip;
	__u32 number;
	__u32 failed;

	if (!config || cursor > FA_CURSOR_LIMIT)
		return FA_REASON_MALFORMED;
	failed = fa_parse_packet(context, cursor, FA_ETHERTYPE_IPV4, &ip);
	if (failed != FA_DECIDED)
		return (int)failed;
	number = fa_outside_number(config, ip.destination);
	if (!number)
		return (int)FA_DECIDED;
	/* What one inside host sends to another never leaves this machine: somebody pretends to be one (T1). */
	if (FA_UNLIKELY(fa_outside_number(config, ip.source)))
		return FA_REASON_NAT_UNMATCHED;
	failed = (__u32)fa_nat_down(context, &ip, number);
	/* The kernel may know it, where the address is this machine's own as well, and waits for first fragments. */
	if ((failed == FA_REASON_NAT_UNMATCHED || failed == FA_REASON_NAT_FRAGMENT) &&
	    (fa_is_endpoint(config, ip.destination) || fa_is_own(ip.destination)))
		return (int)FA_DECIDED;
	return failed ? (int)failed : (int)FA_DECIDED;
}

/* A packet that comes from the core, by its destination. */
__noinline int fa_to_host(fa_context *context, __u32 cursor, __u32 type)
{
	struct fa_config *config = fa_settings();
	struct fa_action action;
	__u32 decided;

	if (!config || cursor > FA_CURSOR_LIMIT)
		return XDP_PASS;
	fa_action_begin(&action, cursor);
	decided = fa_parse_packet(context, cursor, type, &action.ip);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (FA_UNLIKELY(!fa_host_find(config, action.ip.destination, &action.host))) {
		if ((action.ip.protocol == FA_PROTOCOL_ICMP || action.ip.protocol == FA_PROTOCOL_ICMPV6) &&
		    action.ip.fragment == FA_FRAGMENT_NONE && fa_is_endpoint(config, action.ip.destination) &&
		    fa_report_icmp(context, action.ip.cursor + action.ip.header, action.ip.version))
			return fa_exit(FA_REASON_TO_KERNEL_ICMP);
		return XDP_PASS;
	}
	fa_host_touch(&action.host);
	if (FA_UNLIKELY(fa_is_tunnel(action.ip.protocol)) && fa_is_of_other_anchor(context, cursor, type, 1)) {
		decided = fa_deliver(config, &action.host, &action);
		action.reason = FA_REASON_BYPASSED;
	} else {
		fa_clamp_mss(context, config, &action.ip);
		decided = fa_downlink(config, &action.host, &action);
	}
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_send(context, &action);
}

/* On interfaces towards the core. */
SEC("xdp.frags")
int fa_core(fa_context *context)
{
	struct fa_config *config = fa_settings();
	struct fa_ethernet ethernet;
	__u32 decided;

	FA_TRY_USUAL(fa_usual_core, context);
	decided = fa_begin(context, &ethernet);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (fa_may_be_tunnel(FA_DATA(context), FA_DATA_END(context), &ethernet)) {
		int verdict = fa_leave_tunnel(context, ethernet.cursor, ethernet.type);

		if (FA_LIKELY(verdict != FA_VERDICT_NOT_OURS))
			return fa_end(context, &ethernet, verdict);
	}
	if (config && config->outside_count && ethernet.type == FA_ETHERTYPE_IPV4) {
		decided = (__u32)fa_come_in(context, ethernet.cursor);
		if (FA_UNLIKELY(decided != FA_DECIDED))
			return fa_exit(decided);
	}
	return fa_finish(context, &ethernet, fa_to_host(context, ethernet.cursor, ethernet.type));
}

/* Whether the host is on this link, and the frame from its station. */
static __always_inline int fa_is_here(fa_context *context, const struct fa_ethernet *ethernet,
				      const struct fa_host_view *host)
{
	void *data = FA_DATA(context);
	struct fa_host_extra *extra;
	__u64 station;
	__u64 mac;
	__u32 port;

	if (data + FA_ETHERNET_BYTES > FA_DATA_END(context) || !(host->flags & FA_HOST_ATTACHED))
		return 0;
	mac = fa_load64(data + 6) & 0x0000ffffffffffffull;
	if (FA_UNLIKELY(host->flags & FA_HOST_TUNNELLED)) {
		extra = fa_host_extra(host);
		if (!extra)
			return 0;
		station = *(__u64 *)&extra->neighbour;
		port = extra->neighbour.port;
	} else {
		station = host->peer[0];
		port = (__u32)host->peer[1];
	}
	return station == (mac | (__u64)ethernet->vlan << 48) && port == fa_port_index;
}

/* A packet that comes from a node, by its source; tunnelled to us it is only looked at. */
__noinline int fa_from_host(fa_context *context, __u32 cursor, __u32 type, __u32 vlan)
{
	struct fa_config *config = fa_settings();
	struct fa_ethernet ethernet = {.cursor = cursor, .type = (__u16)type, .vlan = (__u16)vlan};
	struct fa_action action;
	__u32 decided;
	__u32 to_us;

	if (!config || cursor > FA_CURSOR_LIMIT)
		return XDP_PASS;
	fa_action_begin(&action, cursor);
	decided = fa_parse_packet(context, cursor, type, &action.ip);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (FA_UNLIKELY(!fa_is_global(action.ip.source, action.ip.version) ||
			!fa_is_global(action.ip.destination, action.ip.version)))
		return XDP_PASS;
	to_us = fa_is_endpoint(config, action.ip.destination);
	if (FA_UNLIKELY(fa_is_own(action.ip.destination)) ||
	    (FA_UNLIKELY(to_us) && !fa_is_tunnel(action.ip.protocol))) {
		if (!config->inside_count || !fa_nat_hairpins(context, &action.ip))
			return XDP_PASS;
		to_us = 0;
	}
	if (FA_UNLIKELY(!fa_host_find(config, action.ip.source, &action.host))) {
		if (fa_is_unaware(config, action.ip.source))
			return fa_hold(context, FA_REASON_SOURCE_UNKNOWN);
		return fa_exit(config->flags & FA_CONFIG_UNKNOWN_SOURCE_PASSES ? FA_REASON_NONE
									       : FA_REASON_SOURCE_UNKNOWN);
	}
	if (FA_UNLIKELY(!fa_is_here(context, &ethernet, &action.host))) {
		if (action.host.flags & FA_HOST_UNAWARE)
			return fa_hold(context, FA_REASON_SOURCE_NOT_HERE);
		return fa_exit(FA_REASON_SOURCE_NOT_HERE);
	}
	if (FA_UNLIKELY(action.host.flags & (FA_HOST_CLAIMED | FA_HOST_DRAINS)) &&
	    fa_is_behind(context, config, action.host.flags))
		return fa_hold_behind(context);
	fa_host_touch(&action.host);
	if (FA_UNLIKELY(to_us))
		return FA_VERDICT_TUNNELLED;
	if (FA_UNLIKELY(fa_host_roams(&action.host)))
		return fa_defer_roaming(&action);
	if (FA_UNLIKELY(fa_is_tunnel(action.ip.protocol)) && fa_is_of_other_anchor(context, cursor, type, 0)) {
		decided = fa_route(config, &action.ip, FA_ROUTE_BYPASS, &action);
	} else {
		if (FA_UNLIKELY(fa_sends_copies(&action.host)) &&
		    fa_is_duplicate(context, action.ip.cursor, FA_WAY_ATTACHED, config->hash_secret[0]))
			return fa_exit(FA_REASON_DUPLICATE);
		fa_clamp_mss(context, config, &action.ip);
		decided = fa_uplink(config, &action.host, &action.ip, &action);
	}
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_send(context, &action);
}

/* On access links. */
SEC("xdp.frags")
int fa_access(fa_context *context)
{
	struct fa_ethernet ethernet;
	__u32 decided;
	int verdict;

	FA_TRY_USUAL(fa_usual_access, context);
	decided = fa_begin(context, &ethernet);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	verdict = fa_from_host(context, ethernet.cursor, ethernet.type, ethernet.vlan);
	/* The node has come back to a link of this router, and still uses another address of it. */
	if (FA_UNLIKELY(verdict == FA_VERDICT_TUNNELLED))
		verdict = fa_leave_tunnel(context, ethernet.cursor, ethernet.type);
	return fa_end(context, &ethernet, verdict);
}

/* A packet that has come out of a server: the leg that it came out of tells where it goes, or with one
 * leg its source does. */
__noinline int fa_from_server(fa_context *context, __u32 cursor, __u32 type)
{
	struct fa_config *config = fa_settings();
	struct fa_action action;
	__u32 index = fa_port_index;
	struct fa_port *port = bpf_map_lookup_elem(&fa_ports, &index);
	__u32 decided;
	__u32 up;

	if (!config || !port || cursor > FA_CURSOR_LIMIT)
		return XDP_PASS;
	fa_action_begin(&action, cursor);
	decided = fa_parse_packet(context, cursor, type, &action.ip);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (FA_UNLIKELY(!fa_is_global(action.ip.source, action.ip.version) ||
			!fa_is_global(action.ip.destination, action.ip.version)) ||
	    fa_is_own(action.ip.destination))
		return XDP_PASS;
	if (port->role == FA_ROLE_SERVER_ONE_LEG)
		up = fa_host_find_far(config, action.ip.source[0], action.ip.source[1], &action.host);
	else
		up = port->role == FA_ROLE_SERVER_OUTSIDE;
	action.reason = FA_REASON_TO_SERVER;
	action.path = up ? port->next_up : port->next_down;
	decided = FA_DECIDED;
	if (!action.path) {
		if (up)
			decided = fa_route(config, &action.ip, FA_ROUTE_AFTER_SERVER, &action);
		else if (fa_host_find(config, action.ip.destination, &action.host))
			decided = fa_deliver(config, &action.host, &action);
		else
			decided = FA_REASON_TO_KERNEL_ROUTE;
	}
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_send(context, &action);
}

/* On links to servers [0041] [0044b]. */
SEC("xdp.frags")
int fa_server(fa_context *context)
{
	struct fa_ethernet ethernet;
	__u32 decided;

	FA_TRY_USUAL(fa_usual_server, context);
	decided = fa_begin(context, &ethernet);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	return fa_finish(context, &ethernet, fa_from_server(context, ethernet.cursor, ethernet.type));
}

char _license[] SEC("license") = "Dual BSD/GPL";
