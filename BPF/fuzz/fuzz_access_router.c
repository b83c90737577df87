/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the programs of an access router, compiled natively, under libFuzzer and the sanitizers. The first
 * four bytes of an input choose program and settings, the rest is the frame. Beyond what the sanitizers find:
 *
 *   - the way of the usual packet and the general one agree in verdict, bytes, counts and tables;
 *   - every exit but a plain pass counts exactly one reason, and a plain pass changes nothing;
 *   - an outer IPv4 header that was pushed has the right checksum and length. */
#include "../access_router.bpf.c"
#include "native.c"
#include "world.c"

static void world_insert(struct fa_address address, struct fa_host_value value, int shadowed)
{
	__u64 hash = fa_host_hash(&native.config, address.halves_be[0], address.halves_be[1]);

	for (__u32 attempt = 0; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {
		__u32 index = fa_slot_at(hash, native.config.host_mask, attempt);
		struct fa_host *slot = &native.hosts[index];

		if (fa_slot_state(slot->header.word) != FA_SLOT_FREE)
			continue;
		if (attempt >= FA_BUCKET_SLOTS)
			native.hosts_state.second_bucket = 1;
		slot->address = address;
		slot->value = value;
		if (shadowed) {
			native.extra[index].shadow = value;
			memset(&slot->value, 0xa5, sizeof(slot->value));
		}
		if ((value.flags & FA_HOST_ATTACHED) && (value.flags & FA_HOST_TUNNELLED)) {
			native.extra[index].neighbour = (struct fa_neighbour){.mac = {2, 0, 0, 0, 0, 10}};
			native.extra[index].neighbour_path = WORLD_ACCESS;
		}
		slot->header.word = fa_slot_next(0, fa_hash_tag(hash), shadowed ? FA_SLOT_SHADOWED : FA_SLOT_LIVE);
		return;
	}
}

static void world_peer(struct fa_address address)
{
	__u64 hash = fa_host_hash(&native.config, address.halves_be[0], address.halves_be[1]);
	__u32 index = fa_slot_at(hash, native.config.host_mask, 0);

	native.peers[index].address = address;
	native.peers[index].header.word = fa_slot_next(0, fa_hash_tag(hash), FA_SLOT_LIVE);
}

static __u16 world_checksum(const struct fa_path_copy *copy)
{
	__u8 header[20] = {0x45, [6] = 0x40, [8] = copy->ttl};
	__u32 sum = 0;

	memcpy(header + 12, copy->source.bytes + 12, 4);
	for (int i = 0; i < 20; i += 2)
		sum += fa_load16(header + i);
	return fa_checksum_fold(sum);
}

static void world_add_path(__u32 index, __u16 flags, __u8 push, __u16 mtu, __u32 port)
{
	struct fa_path_copy *copy = &native.paths[index].copies[1];

	native.paths[index].generation = 1;
	*copy = (struct fa_path_copy){
	    .flags = flags,
	    .mtu = mtu,
	    .port = port,
	    .push = push,
	    .ttl = 64,
	    .mac_destination = {2, 0, 0, 0, 0, 1},
	    .mac_source = {2, 0, 0, 0, 0, 2},
	};
	if (flags & FA_PATH_TUNNEL_V4) {
		copy->source = WORLD_ENDPOINT_V4;
		copy->checksum = world_checksum(copy);
	}
	if (flags & FA_PATH_TUNNEL_V6)
		copy->source = WORLD_ENDPOINT_V6;
}

static void world_add_paths(void)
{
	const __u16 v4 = FA_PATH_RESOLVED | FA_PATH_TUNNEL_V4 | FA_PATH_PEER_FROM_HOST | FA_PATH_COPY_DSCP;
	const __u16 v6 = FA_PATH_RESOLVED | FA_PATH_TUNNEL_V6 | FA_PATH_PEER_FROM_HOST;
	const __u16 access = FA_PATH_RESOLVED | FA_PATH_MAC_FROM_HOST;

	world_add_path(WORLD_CORE, FA_PATH_RESOLVED, 0, 1500, 1);
	world_add_path(WORLD_TUNNEL_V4, v4, 20, 1480, 1);
	world_add_path(WORLD_TUNNEL_V6, v6, 40, 1460, 1);
	world_add_path(WORLD_GRE_V4, v4 | FA_PATH_GRE, 28, 1472, 1);
	world_add_path(WORLD_GRE_V6, v6 | FA_PATH_GRE, 48, 1452, 1);
	world_add_path(WORLD_SEQUENCED, v4 | FA_PATH_GRE | FA_PATH_SEQUENCED, 32, 1468, 1);
	world_add_path(WORLD_ACCESS, access, 0, 1500, 2);
	world_add_path(WORLD_SERVER, FA_PATH_RESOLVED, 0, 1500, 3);
	world_add_path(WORLD_UNRESOLVED, FA_PATH_MAC_FROM_HOST, 0, 1500, 2);
	world_add_path(WORLD_UNRESOLVED_TUNNEL, v4 & ~FA_PATH_RESOLVED, 20, 1480, 1);
	world_add_path(WORLD_VLAN, access, 0, 1500, 2);
	native.paths[WORLD_VLAN].copies[1].vlan_be = FA_BE16(7);
	world_add_path(WORLD_KERNEL, FA_PATH_KERNEL, 0, 1500, 1);
	world_add_path(WORLD_DROP, FA_PATH_DROP, 0, 1500, 1);
	native.paths[WORLD_DROP].copies[1].reason = FA_REASON_NO_ROUTE;
	world_add_path(WORLD_NARROW, v4, 20, 150, 1);
	world_add_path(WORLD_KEEP, FA_PATH_RESOLVED | FA_PATH_MAC_KEEP, 0, 1500, 9);
	world_add_path(WORLD_SAME_PORT, access, 0, 1500, 0);
}

static void world_make(const uint8_t settings[4])
{
	struct fa_config *config = &native.config;

	memset(&native, 0, sizeof(native));
	native.jiffies = 0x12345600ull + settings[3];
	native.fib_answer = settings[3];
	config->abi = FA_ABI_VERSION;
	config->flags = settings[1] & 7;
	config->hash_secret[0] = 0x0706050403020100ull;
	config->hash_secret[1] = 0x0f0e0d0c0b0a0908ull;
	config->host_mask = NATIVE_BUCKETS - 1;
	config->mss_v4 = settings[1] & 8 ? 0 : 1400;
	config->mss_v6 = 1380;
	config->endpoint_count = 2;
	config->endpoints[0] = WORLD_ENDPOINT_V4;
	config->endpoints[1] = WORLD_ENDPOINT_V6;
	/* As the daemon has it: all but what is named here. */
	if (settings[1] & 64)
		config->plain_v4[3] = 1ull << (198 - 192);
	config->pool_count = 2;
	config->pools[0].address = world_v4(10, 0);
	memset(config->pools[0].mask.bytes, 0xff, 13);
	config->pools[1].address = world_v6(0x10, 0);
	memset(config->pools[1].mask.bytes, 0xff, 6);
	config->route_count = 1;
	config->routes[0] = (struct fa_prefix){.address = world_v4(9, 0), .path = WORLD_UNRESOLVED};
	memset(config->routes[0].mask.bytes, 0xff, 13);
	config->default_path_v4 = settings[1] & 16 ? WORLD_KERNEL : WORLD_CORE;
	config->default_path_v6 = settings[1] & 32 ? WORLD_UNRESOLVED : WORLD_CORE;
	world_add_paths();
	native.chains[1] = (struct fa_chain){.up = WORLD_SERVER, .down = WORLD_SERVER};
	native.chains[2] = (struct fa_chain){.flags = FA_CHAIN_BYPASS};
	native.chains[3] = (struct fa_chain){.flags = FA_CHAIN_REFUSE};
	native.ports[0].role = FA_ROLE_SERVER_INSIDE + settings[2] % 3;
	native.ports[0].next_up = settings[2] & 64 ? WORLD_SERVER : 0;
	native.ports[0].next_down = settings[2] & 128 ? WORLD_SERVER : 0;
	native.ports[0].address_count = 2;
	native.ports[0].addresses[0] = world_v4(10, 1);
	native.ports[0].addresses[1] = world_v6(0x10, 1);
	memcpy(native.ports[0].mac, "\2\0\0\0\0\3", 6);
	for (size_t i = 0; i < WORLD_HOSTS; i++) {
		__u8 number = world_hosts[i].number;
		struct fa_host_value value = {
		    .path = world_hosts[i].path,
		    .chain = world_hosts[i].chain,
		    .flags = world_hosts[i].flags,
		    .tunnel_key_be = FA_BE32(77),
		};

		if (value.flags & FA_HOST_TUNNELLED)
			value.peer = number & 1 ? world_v6(0x11, number) : world_v4(11, number);
		else
			value.neighbour =
			    (struct fa_neighbour){.mac = {2, 0, 0, 0, 0, 10}, .vlan = number == 38 ? 7 : 0};
		world_insert(world_v4(10, number), value, (settings[2] & 32) && number == 4);
		world_insert(world_v6(0x10, number), value, 0);
		if (value.flags & FA_HOST_TUNNELLED)
			world_peer(value.peer);
	}
	native.hosts_state.spilled = 1;
	native.spill_key.address = world_v4(10, WORLD_SPILLED);
	native.spilled.host.address = native.spill_key.address;
	native.spilled.host.header.word = FA_SLOT_LIVE;
	native.spilled.host.value = (struct fa_host_value){
	    .peer = world_v4(11, WORLD_SPILLED), .path = WORLD_TUNNEL_V4, .flags = FA_HOST_TUNNELLED};
	native.admitted_key = (struct fa_admitted_key){world_v4(10, 4), world_v4(11, 99)};
}

/* What a run left. */
struct outcome {
	int verdict;
	uint32_t length;
	uint8_t bytes[4096 + NATIVE_HEADROOM];
};

static void run(const uint8_t *input, size_t size, struct outcome *outcome)
{
	size_t length = size - 4;
	size_t linear = (input[0] & 0x80) && length > 200 ? 200 : length;
	fa_context context = {.ingress_ifindex = 2};

	world_make(input);
	native_frame.start = malloc(NATIVE_HEADROOM + linear);
	native_frame.fragments = malloc(length - linear + 1);
	native_frame.fragment_bytes = (uint32_t)(length - linear);
	memcpy(native_frame.start + NATIVE_HEADROOM, input + 4, linear);
	memcpy(native_frame.fragments, input + 4 + linear, length - linear);
	context.data = native_frame.start + NATIVE_HEADROOM;
	context.data_end = context.data + linear;
	native_guard(&context);
	switch (input[0] % 3) {
	case 0:
		outcome->verdict = fa_access(&context);
		break;
	case 1:
		outcome->verdict = fa_core(&context);
		break;
	default:
		outcome->verdict = fa_server(&context);
		break;
	}
	outcome->length = (uint32_t)bpf_xdp_get_buff_len(&context);
	if (bpf_xdp_load_bytes(&context, 0, outcome->bytes, outcome->length))
		abort();
	ASAN_UNPOISON_MEMORY_REGION(native_frame.start, NATIVE_HEADROOM + linear);
	free(native_frame.start);
	free(native_frame.fragments);
}

static void check(const uint8_t *input, size_t size, const struct outcome *outcome)
{
	__u64 counted = 0;
	const uint8_t *header = outcome->bytes + 14;
	__u32 sum = 0;

	for (int i = 0; i < FA_REASON_COUNT; i++)
		counted += native.reasons[i];
	if (outcome->verdict < XDP_DROP || outcome->verdict > XDP_REDIRECT)
		abort();
	if (counted == 0 && (outcome->verdict != XDP_PASS || outcome->length != size - 4 ||
			     memcmp(outcome->bytes, input + 4, size - 4)))
		abort();
	if (counted - native.reasons[FA_REASON_REDIRECT_FAILED] > 1)
		abort();
	if (!native.reasons[FA_REASON_ENCAPSULATED] || fa_load16(outcome->bytes + 12) != FA_BE16(0x0800))
		return;
	for (int i = 0; i < 20; i += 2)
		sum += fa_load16(header + i);
	if (fa_checksum_fold(sum) != 0xffff || FA_BE16(fa_load16(header + 2)) > outcome->length - 14)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct outcome usual;
	static struct outcome general;
	static __typeof__(native) after;

	if (size < 4 + 14 || size > 4096)
		return 0;
	fa_native_usual_way = 1;
	run(input, size, &usual);
	check(input, size, &usual);
	memcpy(&after, &native, sizeof(native));
	fa_native_usual_way = 0;
	run(input, size, &general);
	if (usual.verdict != general.verdict || usual.length != general.length ||
	    memcmp(usual.bytes, general.bytes, usual.length) || memcmp(&after, &native, sizeof(native)))
		abort();
	return 0;
}
