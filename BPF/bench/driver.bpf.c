/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a program under test on one frame after the other: restores the frame, makes it one of a flow
 * chosen at random, and tail-calls. What that costs is measured with a target that does nothing. */
#include "make_frame.h"

/* The program under test. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_target SEC(".maps");

SEC("xdp.frags")
int bench_nothing(struct xdp_md *context)
{
	return XDP_TX;
}

SEC("xdp.frags")
int bench_driver(struct xdp_md *context)
{
	struct fa_bench *bench = bench_make_frame(context);

	if (!bench)
		return XDP_ABORTED;
	if (!(bench->packets % FA_BENCH_GROUP)) {
		__u64 now = bpf_ktime_get_ns();

		if (!bench->packets)
			bench->first = now;
		bench->last = now;
		bench->counted = bench->packets;
	}
	bench->packets++;
	bpf_tail_call(context, &bench_target, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
