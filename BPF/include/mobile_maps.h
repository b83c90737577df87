/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps that only a mobile node has, beside those of maps.h. */
#pragma once

#include "fa_flow.h"
#include "maps.h"
#include "parse.h"

/* The flow table [0037]; its size is the daemon's, a power of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct fa_flow);
} fa_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_table_state);
} fa_flows_state SEC(".maps");

/* Bytes of link header in front of a packet on this interface: 14, or 0 on one without link layer
 * addresses, such as a cellular modem. Set before the program is loaded. */
const volatile __u32 fa_link_header = FA_ETHERNET_BYTES;

/* The interface, by its index, through which packets for a sequenced tunnel go first, 0 for none: one end
 * of a veth pair without segmentation offload, so that each segment gets a number of its own. Set
 * before the program is loaded. */
const volatile __u32 fa_segmenter = 0;
