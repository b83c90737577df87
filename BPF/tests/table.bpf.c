/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the shared table run in the kernel while the daemon's side writes to it: inserting,
 * removing and reading of hosts at random, as often as a test run repeats. An entry's value follows
 * from its key and one random word, so that a torn one is found. */
#include "host.h"

/* Keys 10.0.0.0 + n. The first ones are the daemon's, always there and changed in place; the others come
 * and go, by both sides. */
const volatile __u32 permanent_keys = 4;
const volatile __u32 all_keys = 12;

enum test_count {
	TEST_INSERTED,
	TEST_REMOVED,
	TEST_READ,
	TEST_TORN, /* a value that nobody wrote */
	TEST_MISSING, /* a permanent key that was not found */
	TEST_TWICE, /* a key that was in two slots at one moment */
	TEST_COUNTS
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TEST_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} test_counts SEC(".maps");

static __always_inline void test_count(__u32 which)
{
	__u64 *count = bpf_map_lookup_elem(&test_counts, &which);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline __u64 test_lower(__u32 number)
{
	return __builtin_bswap64(0xffff0a000000ull + number);
}

/* Both sides write values whose words follow from the first one. */
static __always_inline int test_is_whole(const struct fa_host_view *host)
{
	return host->peer[1] == ~host->peer[0] && host->tunnel_key_be == (__be32)host->peer[0];
}

/* A packet: 16 bytes of address, realm, four unused bytes, 16 bytes of secret; answered with the hash. */
SEC("xdp")
int table_hash(fa_context *context)
{
	__u8 *data = FA_DATA(context);
	__u64 secret[2];

	if (data + 40 > (__u8 *)FA_DATA_END(context))
		return XDP_DROP;
	secret[0] = fa_load64(data + 24);
	secret[1] = fa_load64(data + 32);
	fa_store64(data, fa_hash_address(secret, fa_load64(data), fa_load64(data + 8), fa_load32(data + 16)));
	return XDP_PASS;
}

/* Inserts or removes one of the keys that come and go. */
SEC("xdp")
int table_write(fa_context *context)
{
	__u32 zero = 0;
	struct fa_config *config = bpf_map_lookup_elem(&fa_config, &zero);
	__u32 random = bpf_get_prandom_u32();
	struct fa_hosts_key key = {};
	struct fa_slot_place at;
	struct fa_host *slot;
	__u64 hash;

	if (!config)
		return XDP_DROP;
	key.lower = test_lower(permanent_keys + (random >> 8) % (all_keys - permanent_keys));
	hash = fa_host_hash(config, key.upper, key.lower);
	slot = fa_hosts_find(hash, config->host_mask, &key, &at);
	if (slot) {
		if (random & 1 && fa_slot_state(at.word) == FA_SLOT_LIVE && fa_hosts_remove(slot, &at))
			test_count(TEST_REMOVED);
		return XDP_PASS;
	}
	slot = fa_hosts_claim(hash, config->host_mask, &key, &at);
	if (!slot)
		return XDP_PASS;
	slot->realm = 0;
	slot->address.halves_be[0] = 0;
	slot->address.halves_be[1] = key.lower;
	slot->value.peer.halves_be[0] = (__u64)random << 32 | ~random;
	slot->value.peer.halves_be[1] = ~slot->value.peer.halves_be[0];
	slot->value.tunnel_key_be = (__be32)slot->value.peer.halves_be[0];
	slot->value.path = 0;
	slot->value.flags = FA_HOST_TUNNELLED;
	fa_hosts_publish(slot, &at);
	test_count(TEST_INSERTED);
	return XDP_PASS;
}

/* In how many slots the key is; 0 if one of them changed while they were counted. */
static __always_inline __u32 test_slots(const struct fa_config *config, const struct fa_hosts_key *key)
{
	__u64 hash = fa_host_hash(config, key->upper, key->lower);
	__u64 words[2 * FA_BUCKET_SLOTS] = {};
	__u32 found = 0;

	for (__u32 attempt = 0; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {
		struct fa_slot_place at = {};
		struct fa_host *slot = fa_hosts_probe(hash, config->host_mask, key, attempt, &at);

		words[attempt] = at.word;
		found += slot != 0;
	}
	for (__u32 attempt = 0; attempt < 2 * FA_BUCKET_SLOTS; attempt++) {
		__u32 index = fa_slot_at(hash, config->host_mask, attempt);
		struct fa_host *slot = bpf_map_lookup_elem(&fa_hosts, &index);

		if (!slot || FA_ONCE(slot->header.word) != words[attempt])
			return 0;
	}
	return found;
}

/* Reads one of all keys. */
SEC("xdp")
int table_read(fa_context *context)
{
	__u32 zero = 0;
	struct fa_config *config = bpf_map_lookup_elem(&fa_config, &zero);
	__u32 number = bpf_get_prandom_u32() % all_keys;
	struct fa_host_view host = {};
	__u64 address[2] = {0, test_lower(number)};
	struct fa_hosts_key key = {.lower = address[1]};

	if (!config)
		return XDP_DROP;
	if (test_slots(config, &key) > 1)
		test_count(TEST_TWICE);
	if (!fa_host_find(config, address, &host)) {
		if (number < permanent_keys)
			test_count(TEST_MISSING);
		return XDP_PASS;
	}
	test_count(TEST_READ);
	if (!test_is_whole(&host))
		test_count(TEST_TORN);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
