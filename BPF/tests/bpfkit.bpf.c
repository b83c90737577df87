/* SPDX-License-Identifier: BSD-2-Clause */
/* What BPFKit's own tests run: one program or map for each thing that it wraps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 verdict = XDP_PASS;

/* Packets seen, by the first byte of the destination MAC. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

/* Packets, a counter each processor. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

/* The length of each packet. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} lengths SEC(".maps");

/* Anything, by number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

/* Where `redirect` sends packets. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

/* Counts the packet, writes its first byte, gives the verdict that .rodata holds. */
SEC("xdp.frags")
int count(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u32 key = 0;
	__u64 *counter;

	if (data + 14 > end)
		return XDP_DROP;
	key = data[0];
	counter = bpf_map_lookup_elem(&seen, &key);
	if (counter)
		__sync_fetch_and_add(counter, 1);
	key = 0;
	counter = bpf_map_lookup_elem(&packets, &key);
	if (counter)
		*counter += 1;
	__u32 *event = bpf_ringbuf_reserve(&lengths, 4, 0);
	if (event) {
		*event = end - data;
		bpf_ringbuf_submit(event, 0);
	}
	data[0]++;
	return verdict;
}

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, 1, XDP_DROP);
}

SEC("tc")
int mark(struct __sk_buff *skb)
{
	skb->mark = 7;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
