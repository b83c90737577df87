/* SPDX-License-Identifier: BSD-2-Clause */
/* The maps of an access router. Sizes that the daemon sets before it loads them are marked so. */
#pragma once

#include "fa_chain.h"
#include "fa_config.h"
#include "fa_event.h"
#include "fa_host.h"
#include "fa_limit.h"
#include "fa_nat.h"
#include "fa_path.h"
#include "fa_port.h"
#include "fa_reasons.h"
#include "fa_router.h"
#include "platform.h"

#define FA_REASON_FIRST_DROP FA_REASON_MALFORMED

/* Settings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_config);
} fa_config SEC(".maps");

/* Interfaces. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FA_PORT_LIMIT);
	__type(key, __u32);
	__type(value, struct fa_port);
} fa_ports SEC(".maps");

/* Server chains. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct fa_chain);
} fa_chains SEC(".maps");

/* Ways out. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct fa_path);
} fa_paths SEC(".maps");

/* The host table; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct fa_host);
} fa_hosts SEC(".maps");

/* What only some packets need of a host; as many as hosts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct fa_host_extra);
} fa_hosts_extra SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_table_state);
} fa_hosts_state SEC(".maps");

/* Hosts that found no slot; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct fa_host_key);
	__type(value, struct fa_host_spilled);
} fa_hosts_spill SEC(".maps");

/* Far ends of tunnels, to name why a packet is dropped; as many as hosts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct fa_peer);
} fa_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_table_state);
} fa_peers_state SEC(".maps");

/* Other access routers. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FA_ROUTER_LIMIT);
	__type(key, __u32);
	__type(value, struct fa_router);
} fa_routers SEC(".maps");

/* Far ends beside a host's own peer; looked at only before a packet would be dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct fa_admitted_key);
	__type(value, __u32);
} fa_admitted SEC(".maps");

/* Copies of packets that came on two ways. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct fa_duplicate_line);
} fa_duplicates SEC(".maps");

/* NAT: flows, mappings and filters; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct fa_translation);
} fa_translations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_table_state);
} fa_translations_state SEC(".maps");

/* NAT: a bit for each bucket, set once a key whose first bucket it is has gone to another; its size is the daemon's:
 * buckets by 64. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} fa_translations_elsewhere SEC(".maps");

/* NAT: inside hosts and their blocks of ports; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct fa_subscriber);
} fa_subscribers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_table_state);
} fa_subscribers_state SEC(".maps");

/* NAT: which ports are taken; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, struct fa_nat_block);
} fa_nat_blocks SEC(".maps");

/* NAT: the mapping of each outside port; its size is the daemon's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} fa_nat_ports SEC(".maps");

/* NAT: ports of packets that come in fragments. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FA_NAT_FRAGMENT_BUCKETS);
	__type(key, __u32);
	__type(value, struct fa_nat_fragment);
} fa_nat_fragments SEC(".maps");

/* Packets by reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FA_REASON_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} fa_reasons SEC(".maps");

/* Messages of our own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_limit);
} fa_limits SEC(".maps");

/* A path made on the spot, of what the kernel's routes say. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_path);
} fa_kernel_path SEC(".maps");

/* Messages to the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4194304);
} fa_events SEC(".maps");

/* Interfaces to send from, by port. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, FA_PORT_LIMIT);
	__type(key, __u32);
	__type(value, __u32);
} fa_devices SEC(".maps");

/* The port whose interface this instance of the program is on; set before it is loaded. */
const volatile __u32 fa_port_index = 0;
/* Whether the interface sends back what it is told to with XDP_TX, which takes less than redirecting. Not
 * veth: it tells its other end only if that one runs a program too, and the frame would wait for the next. */
const volatile __u32 fa_port_transmits = 0;
