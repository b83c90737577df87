/* SPDX-License-Identifier: BSD-2-Clause */
/* Live frames through a router between two veth links: where they come from, and where they are counted. */
#include "checksum.h"
#include "make_frame.h"

/* Where the frames leave. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} live_devices SEC(".maps");

/* Frames received. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} live_received SEC(".maps");

/* Bytes of the frames that are counted: what a router was to send, and not what else a kernel says on a link. */
const volatile __u32 live_expected_length = 0;

/* Brings the header's checksum up to date with its address, since a kernel checks it. */
static __always_inline void live_correct(struct xdp_md *context, __u32 address, __u32 checksum, __be32 before_be)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__be32 now_be;
	__u16 sum;

	if (!address || address >= FA_BENCH_FRAME_LIMIT || checksum >= FA_BENCH_FRAME_LIMIT ||
	    data + address + 4 > end || data + checksum + 2 > end)
		return;
	now_be = fa_load32(data + address);
	sum = fa_checksum_replace(fa_load16(data + checksum), (__u16)before_be, (__u16)now_be);
	fa_store16(data + checksum, fa_checksum_replace(sum, (__u16)(before_be >> 16), (__u16)(now_be >> 16)));
}

SEC("xdp.frags")
int live_generator(struct xdp_md *context)
{
	struct fa_bench *bench = bench_make_frame(context);

	if (!bench)
		return XDP_ABORTED;
	for (__u32 i = 0; i < 2; i++)
		if (bench->checksum[i])
			live_correct(context, bench->offset[i], bench->checksum[i], FA_BE32(bench->base[i]));
	return bpf_redirect_map(&live_devices, 0, XDP_DROP);
}

SEC("xdp.frags")
int live_sink(struct xdp_md *context)
{
	__u32 zero = 0;
	__u64 *received = bpf_map_lookup_elem(&live_received, &zero);

	if (received && context->data_end - context->data == live_expected_length)
		*received += 1;
	return XDP_DROP;
}

/* Leaves everything to the kernel. A veth takes frames from its other end only where it has a program. */
SEC("xdp.frags")
int live_pass(struct xdp_md *context)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
