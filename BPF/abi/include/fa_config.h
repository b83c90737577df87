/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings that every packet may need, one entry in an mmap-able array. */
#pragma once

#include "fa_types.h"

#define FA_ENDPOINT_LIMIT 4u
#define FA_POOL_LIMIT 8u
#define FA_ROUTE_LIMIT 8u
#define FA_INSIDE_LIMIT 4u
#define FA_OUTSIDE_LIMIT 8u

/* fa_prefix.path of a pool: its hosts need no lease, the daemon lets each in when its first packet comes [0077]. */
#define FA_POOL_UNAWARE 1u

#define FA_CONFIG_ROUTE_BY_KERNEL 0x0001u /* more routes than these: ask the kernel's FIB */
#define FA_CONFIG_UNKNOWN_SOURCE_PASSES 0x0002u /* access: unknown sources go to the kernel, not dropped */
#define FA_CONFIG_DECREMENT_TTL 0x0004u

/* address and mask in network order; a v4 prefix has 96 more bits in its mask. */
struct fa_prefix {
	struct fa_address address;
	struct fa_address mask;
	__u32 path; /* of a route; of a pool FA_POOL_… */
	__u32 pad[3];
};

/* A block of IPv4 addresses: inside hosts, whose packets are translated on their way to the core, see fa_nat.h; or
 * destinations that know inside hosts by their own addresses, such as other anchors. */
struct fa_block {
	__be32 address_be;
	__be32 mask_be;
};

/* Outside addresses, one after the other. */
struct fa_outside {
	__u32 first; /* in the machine's byte order */
	__u32 count;
	__u32 index; /* of the first, where outside addresses are counted */
	__u32 pad;
};

struct fa_config {
	__u32 abi; /* FA_ABI_VERSION */
	__u32 flags;
	__u64 hash_secret[2];
	__u32 host_mask; /* buckets in the host table minus one */
	__u32 flow_mask;
	__u16 mss_v4; /* largest TCP MSS let through in a SYN, 0 for no clamping */
	__u16 mss_v6;
	__u16 endpoint_count;
	__u16 pool_count;
	__u16 route_count;
	__u16 inside_count; /* 0: nothing is translated */
	__u16 outside_count;
	__u16 exempt_count;
	__u32 default_path_v4; /* towards the core */
	__u32 default_path_v6;
	__u32 router_count; /* in fa_routers: 0, and no packet is looked at for them */
	__u32 drains_until; /* FA_HOST_DRAINS counts for nothing from then on, in ticks of 256 jiffies */
	__u32 translation_mask; /* buckets in the table of translations minus one */
	__u32 subscriber_mask;
	/* A bit for each first octet of IPv4 destinations, lowest first: all of them are global, none is this
	 * machine's, a host's or of a route of its own. They take the default path. */
	__u64 plain_v4[4];
	struct fa_address endpoints[FA_ENDPOINT_LIMIT]; /* tunnel endpoints of this machine */
	struct fa_prefix pools[FA_POOL_LIMIT]; /* addresses that may be hosts */
	struct fa_prefix routes[FA_ROUTE_LIMIT]; /* more specific than the default, longest first */
	struct fa_block inside[FA_INSIDE_LIMIT];
	struct fa_block exempt[FA_INSIDE_LIMIT]; /* what goes there is not translated */
	struct fa_outside outside[FA_OUTSIDE_LIMIT];
};
