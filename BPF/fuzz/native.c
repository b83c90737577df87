/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's helpers as far as the programs use them, for the fuzzer. Included by it. */
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE_HEADROOM 256u
#define NATIVE_BUCKETS 32u
/* The blocks of outside ports that there are. */
#define NATIVE_FIRST_BLOCK FA_NAT_FIRST_BLOCK
#define NATIVE_BLOCKS 2u

int fa_native_usual_way = 1;

/* The frame as the kernel keeps it: headroom, a linear part, and what is in fragments. */
static struct {
	unsigned char *start;
	unsigned char *fragments;
	uint32_t fragment_bytes;
} native_frame;

/* What the maps hold. */
static struct {
	struct fa_config config;
	struct fa_port ports[FA_PORT_LIMIT];
	struct fa_chain chains[256];
	struct fa_path paths[64];
	struct fa_host hosts[NATIVE_BUCKETS * FA_BUCKET_SLOTS];
	struct fa_host_extra extra[NATIVE_BUCKETS * FA_BUCKET_SLOTS];
	struct fa_table_state hosts_state;
	struct fa_peer peers[NATIVE_BUCKETS * FA_BUCKET_SLOTS];
	struct fa_table_state peers_state;
	struct fa_host_key spill_key;
	struct fa_host_spilled spilled;
	struct fa_admitted_key admitted_keys[2];
	uint32_t admitted;
	struct fa_router routers[FA_ROUTER_LIMIT];
	struct fa_duplicate_line duplicates[8192];
	uint64_t reasons[FA_REASON_COUNT];
	struct fa_limit limit;
	struct fa_path kernel_path;
	struct fa_translation translations[NATIVE_BUCKETS * FA_BUCKET_SLOTS];
	struct fa_table_state translations_state;
	__u64 translations_elsewhere[1];
	struct fa_subscriber subscribers[NATIVE_BUCKETS * FA_BUCKET_SLOTS];
	struct fa_table_state subscribers_state;
	struct fa_nat_block nat_blocks[NATIVE_FIRST_BLOCK + NATIVE_BLOCKS];
	__u64 nat_ports[FA_NAT_PROTOCOLS][NATIVE_BLOCKS * FA_NAT_BLOCK_PORTS];
	struct fa_nat_fragment nat_fragments[16];
	uint64_t jiffies;
	uint32_t fib_answer;
} native;

/* What programs leave for themselves: of no interest to the next packet. */
static struct fa_nat_work native_work;
static struct fa_action native_deferred;

/* The ports of the blocks that there are; all others have no mapping. */
static void *native_port(const void *key)
{
	static __u64 none;
	__u32 first = NATIVE_FIRST_BLOCK * FA_NAT_BLOCK_PORTS;
	__u32 index;

	memcpy(&index, key, sizeof(index));
	if (index >> 16 >= FA_NAT_PROTOCOLS)
		return NULL;
	if ((index & 0xffff) - first >= NATIVE_BLOCKS * FA_NAT_BLOCK_PORTS)
		return none ? (abort(), NULL) : &none;
	return &native.nat_ports[index >> 16][(index & 0xffff) - first];
}

static void *native_admitted(const void *key)
{
	for (size_t i = 0; i < sizeof(native.admitted_keys) / sizeof(native.admitted_keys[0]); i++)
		if (!memcmp(key, &native.admitted_keys[i], sizeof(native.admitted_keys[i])))
			return &native.admitted;
	return NULL;
}

static void *native_array(void *base, size_t stride, size_t count, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index < count ? (char *)base + index * stride : NULL;
}

#define NATIVE_ARRAY(member)                                                                                           \
	native_array(native.member, sizeof(native.member[0]), sizeof(native.member) / sizeof(native.member[0]), key)

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	if (map == &fa_config)
		return native_array(&native.config, sizeof(native.config), 1, key);
	if (map == &fa_ports)
		return NATIVE_ARRAY(ports);
	if (map == &fa_chains)
		return NATIVE_ARRAY(chains);
	if (map == &fa_paths)
		return NATIVE_ARRAY(paths);
	if (map == &fa_hosts)
		return NATIVE_ARRAY(hosts);
	if (map == &fa_hosts_extra)
		return NATIVE_ARRAY(extra);
	if (map == &fa_hosts_state)
		return native_array(&native.hosts_state, sizeof(native.hosts_state), 1, key);
	if (map == &fa_peers)
		return NATIVE_ARRAY(peers);
	if (map == &fa_peers_state)
		return native_array(&native.peers_state, sizeof(native.peers_state), 1, key);
	if (map == &fa_hosts_spill)
		return memcmp(key, &native.spill_key, sizeof(native.spill_key)) ? NULL : &native.spilled;
	if (map == &fa_admitted)
		return native_admitted(key);
	if (map == &fa_routers)
		return NATIVE_ARRAY(routers);
	if (map == &fa_duplicates)
		return NATIVE_ARRAY(duplicates);
	if (map == &fa_reasons)
		return NATIVE_ARRAY(reasons);
	if (map == &fa_limits)
		return native_array(&native.limit, sizeof(native.limit), 1, key);
	if (map == &fa_kernel_path)
		return native_array(&native.kernel_path, sizeof(native.kernel_path), 1, key);
	if (map == &fa_translations)
		return NATIVE_ARRAY(translations);
	if (map == &fa_translations_state)
		return native_array(&native.translations_state, sizeof(native.translations_state), 1, key);
	if (map == &fa_translations_elsewhere)
		return NATIVE_ARRAY(translations_elsewhere);
	if (map == &fa_subscribers)
		return NATIVE_ARRAY(subscribers);
	if (map == &fa_subscribers_state)
		return native_array(&native.subscribers_state, sizeof(native.subscribers_state), 1, key);
	if (map == &fa_nat_blocks)
		return NATIVE_ARRAY(nat_blocks);
	if (map == &fa_nat_ports)
		return native_port(key);
	if (map == &fa_nat_fragments)
		return &native.nat_fragments[*(const uint32_t *)key % 16];
	if (map == &fa_nat_work)
		return native_array(&native_work, sizeof(native_work), 1, key);
	if (map == &fa_deferred)
		return native_array(&native_deferred, sizeof(native_deferred), 1, key);
	abort();
}

long bpf_redirect_map(const void *map, __u64 key, __u64 flags)
{
	if (map != &fa_devices)
		abort();
	return key < 8 ? XDP_REDIRECT : (long)(flags & 3);
}

long bpf_redirect(__u32 ifindex, __u64 flags)
{
	(void)ifindex;
	(void)flags;
	return XDP_REDIRECT;
}

/* Only the packet may be touched, not the room in front of it. */
static void native_guard(fa_context *context)
{
	ASAN_UNPOISON_MEMORY_REGION(native_frame.start, NATIVE_HEADROOM);
	ASAN_POISON_MEMORY_REGION(native_frame.start, (size_t)(context->data - native_frame.start) & ~(size_t)7);
}

long bpf_xdp_adjust_head(fa_context *context, int delta)
{
	if (delta < native_frame.start - context->data || delta + 14 > context->data_end - context->data)
		return -22;
	context->data += delta;
	native_guard(context);
	return 0;
}

long bpf_xdp_adjust_tail(fa_context *context, int delta)
{
	uint32_t excess = (uint32_t)-delta;

	if (delta > 0)
		return -22;
	if (excess <= native_frame.fragment_bytes) {
		native_frame.fragment_bytes -= excess;
		return 0;
	}
	excess -= native_frame.fragment_bytes;
	if (context->data_end - context->data < (long)excess + 14)
		return -22;
	native_frame.fragment_bytes = 0;
	ASAN_POISON_MEMORY_REGION(context->data_end - excess, excess);
	context->data_end -= excess;
	return 0;
}

__u64 bpf_xdp_get_buff_len(fa_context *context)
{
	return (__u64)(context->data_end - context->data) + native_frame.fragment_bytes;
}

long bpf_xdp_load_bytes(fa_context *context, __u32 offset, void *to, __u32 length)
{
	__u64 linear = (__u64)(context->data_end - context->data);

	if ((__u64)offset + length > bpf_xdp_get_buff_len(context))
		return -22;
	for (__u32 i = 0; i < length; i++) {
		__u64 at = (__u64)offset + i;

		((unsigned char *)to)[i] = at < linear ? context->data[at] : native_frame.fragments[at - linear];
	}
	return 0;
}

long bpf_fib_lookup(fa_context *context, struct bpf_fib_lookup *query, int size, __u32 flags)
{
	(void)context;
	(void)flags;
	if (size != (int)sizeof(*query))
		abort();
	query->ifindex = 3;
	query->mtu_result = 1400;
	memset(query->dmac, 0x22, sizeof(query->dmac));
	memset(query->smac, 0x44, sizeof(query->smac));
	return native.fib_answer % 10;
}

void *bpf_ringbuf_reserve(const void *map, __u64 size, __u64 flags)
{
	(void)flags;
	return map == &fa_events ? malloc(size) : NULL;
}

void bpf_ringbuf_submit(void *event, __u64 flags)
{
	(void)flags;
	free(event);
}

void bpf_ringbuf_discard(void *event, __u64 flags)
{
	bpf_ringbuf_submit(event, flags);
}

__u64 bpf_ringbuf_query(const void *map, __u64 flags)
{
	(void)flags;
	return map == &fa_events ? native.fib_answer & 1 : 0;
}

__u64 bpf_jiffies64(void)
{
	return native.jiffies;
}
