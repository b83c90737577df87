/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the programs of an access router, compiled natively, under libFuzzer and the sanitizers. The first
 * four bytes of an input choose program and settings, the rest is the frame. Beyond what the sanitizers find:
 *
 *   - the way of the usual packet and the general one agree in verdict, bytes, counts and tables;
 *   - every exit but a plain pass counts exactly one reason, and a plain pass changes nothing;
 *   - an outer IPv4 header that was pushed has the right checksum and length;
 *   - a translation leaves every checksum as right or wrong as it was. */
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

static struct fa_peer *world_peer(struct fa_address address)
{
	__u64 hash = fa_host_hash(&native.config, address.halves_be[0], address.halves_be[1]);

	for (__u32 attempt = 0; attempt < FA_BUCKET_SLOTS; attempt++) {
		struct fa_peer *peer = &native.peers[fa_slot_at(hash, native.config.host_mask, attempt)];

		if (peer->header.word && memcmp(&peer->address, &address, sizeof(address)))
			continue;
		peer->address = address;
		peer->header.word = fa_slot_next(0, fa_hash_tag(hash), FA_SLOT_LIVE);
		return peer;
	}
	abort();
}

static void world_add_router(__u32 index, struct fa_address address, __u32 path)
{
	native.routers[index] = (struct fa_router){.address = address, .path = path};
	world_peer(address)->router = index + 1;
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

static void world_add_subscriber(__u8 number)
{
	struct fa_subscriber_key key = {.address_be = fa_v4_address(world_v4(10, number).halves_be[1])};
	__u64 hash = fa_hash_subscriber(native.config.hash_secret, *(__u64 *)&key);
	struct fa_slot_place at;
	struct fa_subscriber *subscriber = fa_subscribers_claim(hash, native.config.subscriber_mask, &key, &at);

	if (!subscriber)
		abort();
	subscriber->key = key;
	subscriber->outside_be = FA_BE32(WORLD_OUTSIDE);
	subscriber->flow_limit = number == 34 ? 0 : 8;
	subscriber->block_count = number == 36 ? 0 : 1;
	subscriber->blocks[0] = NATIVE_FIRST_BLOCK + (number & 1);
	fa_subscribers_publish(subscriber, &at);
}

static const __u8 world_protocols[] = {FA_PROTOCOL_TCP, FA_PROTOCOL_UDP};

static void world_name_flow(__u8 host, __u8 protocol, __u32 ports, struct fa_nat_id *id)
{
	memset(&native_work, 0, sizeof(native_work));
	id->words[0] =
	    fa_v4_address(world_v4(10, host).halves_be[1]) | (__u64)fa_v4_address(world_v4(8, 8).halves_be[1]) << 32;
	id->words[1] = fa_nat_word(ports, protocol, FA_NAT_UP);
	id->words[2] = 0;
}

/* One flow of each protocol, as a packet makes it. */
static void world_add_flows(__u8 host, __u32 ports)
{
	for (size_t i = 0; i < sizeof(world_protocols); i++) {
		world_name_flow(host, world_protocols[i], ports, &native_work.id);
		if (fa_nat_make(FA_NAT_SEEN | FA_NAT_SYN, FA_NAT_SEEN))
			abort();
	}
}

/* The same, of flows that began at another router. */
static void world_add_away(__u8 host, __u32 ports, __u32 router)
{
	for (size_t i = 0; i < sizeof(world_protocols); i++) {
		struct fa_translation *slot;
		struct fa_slot_place at;
		struct fa_nat_id id;

		world_name_flow(host, world_protocols[i], ports, &id);
		id.key.kind = FA_NAT_AWAY;
		slot = fa_translations_claim(fa_hash_translation(native.config.hash_secret, id.words),
					     native.config.translation_mask, &id, &at);
		if (!slot)
			abort();
		slot->key = id.key;
		slot->router = router;
		fa_translations_publish(slot, &at);
	}
}

static void world_add_nat(const uint8_t settings[4])
{
	struct fa_config *config = &native.config;

	config->inside_count = 1;
	config->inside[0].address_be = FA_BE32(0x0a000000u);
	config->inside[0].mask_be = FA_BE32(0xff000000u);
	config->outside_count = settings[2] & 16 ? 2 : 1;
	config->outside[0] = (struct fa_outside){.first = WORLD_OUTSIDE, .count = 2};
	config->outside[1] = (struct fa_outside){.first = 0xc0000001u, .count = 1, .index = 2};
	config->exempt_count = 1;
	config->exempt[0].address_be = FA_BE32(0x0c000000u);
	config->exempt[0].mask_be = FA_BE32(0xff000000u);
	config->translation_mask = NATIVE_BUCKETS - 1;
	config->subscriber_mask = NATIVE_BUCKETS - 1;
	for (size_t i = 0; i < WORLD_HOSTS; i++)
		if (world_hosts[i].number != 38)
			world_add_subscriber(world_hosts[i].number);
	if (settings[2] & 8)
		memset(native.nat_blocks[NATIVE_FIRST_BLOCK].taken[FA_NAT_ICMP], 0xff, 64);
	world_add_flows(WORLD_TRANSLATED, 4 | 5 << 16);
	world_add_flows(48, 4 | 5 << 16);
	world_add_flows(50, 6 | 5 << 16);
	for (__u8 host = 42; host <= 54; host += 2)
		if (host != 46 && host != 48)
			world_add_away(host, 4 | 5 << 16, host & 4 ? 0 : 1);
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

		if (value.flags & FA_HOST_UNAWARE)
			value.previous = world_hosts[i].previous;

		if (value.flags & FA_HOST_TUNNELLED)
			value.peer = number & 1 ? world_v6(0x11, number) : world_v4(11, number);
		else
			value.neighbour = (struct fa_neighbour){.mac = {2, 0, 0, 0, 0, 10},
								.vlan = number == 38 ? 7 : 0,
								.anchors = world_hosts[i].anchors};
		world_insert(world_v4(10, number), value, (settings[2] & 32) && number == 4);
		world_insert(world_v6(0x10, number), value, 0);
		if (value.flags & FA_HOST_TUNNELLED)
			world_peer(value.peer);
	}
	if (!(settings[3] & 1)) {
		config->router_count = WORLD_ROUTERS;
		world_add_router(0, world_v4(14, 1), WORLD_TUNNEL_V4);
		world_add_router(1, world_v6(0x14, 1), WORLD_TUNNEL_V6);
		world_add_router(2, world_v4(11, 48), WORLD_TUNNEL_V4);
	}
	if (settings[1] & 128)
		world_add_nat(settings);
	native.hosts_state.spilled = 1;
	native.spill_key.address = world_v4(10, WORLD_SPILLED);
	native.spilled.host.address = native.spill_key.address;
	native.spilled.host.header.word = FA_SLOT_LIVE;
	native.spilled.host.value = (struct fa_host_value){
	    .peer = world_v4(11, WORLD_SPILLED), .path = WORLD_TUNNEL_V4, .flags = FA_HOST_TUNNELLED};
	native.admitted_keys[0] = (struct fa_admitted_key){world_v4(10, 4), world_v4(11, 99)};
	native.admitted_keys[1] = (struct fa_admitted_key){world_v4(10, 48), world_v4(14, 1)};
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
	context.data_meta = context.data;
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

/* Where the transport header of an IPv4 packet without tags or tunnel begins; 0 if it has none, or is cut short. */
static size_t transport_of(const uint8_t *frame, size_t size)
{
	size_t at;

	if (size < 34 || fa_load16(frame + 12) != FA_BE16(0x0800) || frame[14] >> 4 != 4)
		return 0;
	at = 14 + (size_t)(frame[14] & 15) * 4;
	if (at + 8 > size || fa_load16(frame + 20) & FA_BE16(0x3fff) ||
	    at > 14 + (size_t)FA_BE16(fa_load16(frame + 16)))
		return 0;
	return at;
}

/* The sum over what a transport checksum covers, but for what translation leaves alone, modulo 65535. */
static __u32 transport_sum(const uint8_t *frame, size_t size, size_t at)
{
	size_t end = 14 + (size_t)FA_BE16(fa_load16(frame + 16));
	__u64 sum = 0;

	if (frame[23] != FA_PROTOCOL_ICMP)
		for (size_t i = 26; i < 34; i += 2)
			sum += fa_load16(frame + i);
	for (; at < end && at < size; at += 2)
		sum += at + 1 < end && at + 1 < size ? fa_load16(frame + at) : frame[at];
	return sum % 65535;
}

static __u32 header_sum(const uint8_t *frame)
{
	__u32 sum = 0;

	for (int i = 14; i < 34; i += 2)
		sum += i == 22 ? 0 : fa_load16(frame + i);
	return sum % 65535;
}

/* Whether the packet was put into a tunnel. */
static int is_tunnelled(void)
{
	return native.reasons[FA_REASON_ENCAPSULATED] || native.reasons[FA_REASON_TO_ANCHOR] ||
	       native.reasons[FA_REASON_PASSED_ON] || native.reasons[FA_REASON_RETURNED];
}

static void check_translation(const uint8_t *input, size_t size, const struct outcome *outcome)
{
	size_t at = transport_of(input, size);

	if (!at || is_tunnelled() || outcome->length != size || transport_of(outcome->bytes, size) != at ||
	    input[23] != outcome->bytes[23])
		return;
	if (input[23] != FA_PROTOCOL_TCP && input[23] != FA_PROTOCOL_UDP && input[23] != FA_PROTOCOL_ICMP)
		return;
	/* UDP without a checksum has none afterwards. */
	if (input[23] == FA_PROTOCOL_UDP && !fa_load16(input + at + 6)) {
		if (fa_load16(outcome->bytes + at + 6))
			abort();
	} else if (transport_sum(input, size, at) != transport_sum(outcome->bytes, size, at)) {
		abort();
	}
	/* The TTL's word is not looked at, and the checksum changes by as much as it does. */
	if (input[22] == outcome->bytes[22] && header_sum(input) != header_sum(outcome->bytes))
		abort();
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
	if (native.config.inside_count && outcome->verdict != XDP_DROP)
		check_translation(input + 4, size - 4, outcome);
	if (!is_tunnelled() || fa_load16(outcome->bytes + 12) != FA_BE16(0x0800))
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
