/* SPDX-License-Identifier: BSD-2-Clause */
/* The data plane of an access router [0036]-[0048]: one program for each role of an interface. What is
 * not ours to forward goes to the kernel unchanged. */
#include "decapsulate.h"
#include "send.h"

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

/* What all programs begin with: FA_DECIDED, or the reason of an exit. */
static __always_inline __u32 fa_begin(fa_context *context, struct fa_ethernet *ethernet, struct fa_ip *ip)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u32 failed;

	if (fa_parse_ethernet(data, end, ethernet))
		return FA_REASON_MALFORMED;
	if (FA_UNLIKELY(!fa_is_ours(data, ethernet)))
		return FA_REASON_NONE;
	failed = fa_parse_ip(data, end, ethernet->cursor, ethernet->type, ip);
	if (FA_UNLIKELY(failed))
		return failed;
	if (FA_UNLIKELY(!fa_is_whole(context, data, end, ip)))
		return FA_REASON_MALFORMED;
	return FA_DECIDED;
}

static __always_inline struct fa_config *fa_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fa_config, &zero);
}

/* Towards the core. */
SEC("xdp.frags")
int fa_core(fa_context *context)
{
	struct fa_config *config = fa_settings();
	struct fa_action action = {};
	struct fa_ethernet ethernet;
	struct fa_host_view host;
	struct fa_ip ip;
	__u32 decided;

	if (!config)
		return XDP_PASS;
	decided = fa_begin(context, &ethernet, &ip);
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	if (FA_UNLIKELY(fa_is_tunnel(ip.protocol)) && fa_is_endpoint(config, ip.destination)) {
		struct fa_ip inner;

		decided = fa_decapsulate(context, config, &ip, &inner, &host);
		if (decided)
			return fa_exit(decided);
		fa_host_touch(&host);
		ip = inner;
		decided = fa_uplink(config, &host, &ip, &action);
	} else {
		if (!fa_host_find(config, ip.destination, &host))
			return XDP_PASS;
		fa_host_touch(&host);
		decided = fa_downlink(config, &host, &action);
	}
	if (FA_UNLIKELY(decided != FA_DECIDED))
		return fa_exit(decided);
	fa_action_on(&action, &ethernet, &ip);
	return fa_send(context, &action);
}

char _license[] SEC("license") = "Dual BSD/GPL";
