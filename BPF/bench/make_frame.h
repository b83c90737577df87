/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the frame that a measurement runs on: as it was, whatever the last run did to it, and of a flow
 * chosen at random. */
#pragma once

#include "fa_bench.h"
#include "platform.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_bench);
} bench_settings SEC(".maps");

/* The two words of each flow, the first in the lower half. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bench_words SEC(".maps");

/* Returns what it was made by, or none where it can't be made. */
static __always_inline struct fa_bench *bench_make_frame(struct xdp_md *context)
{
	__u32 zero = 0;
	struct fa_bench *bench = bpf_map_lookup_elem(&bench_settings, &zero);
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u64 length;
	__u32 flow;

	if (!bench)
		return 0;
	length = (long)end - (long)data;
	FA_OPAQUE(length);
	if (bpf_xdp_adjust_head(context, (int)length - (int)bench->length))
		return 0;
	data = FA_DATA(context);
	end = FA_DATA_END(context);
	/* In pieces that hold whole fields: a load from two stores that are still on their way to the cache
	 * waits for them, and a packet from a device has none. */
	if (data + 54 > end)
		return 0;
	fa_store32(data, fa_load32(bench->frame));
	fa_store16(data + 4, fa_load16(bench->frame + 4));
	for (__u32 i = 6; i < 54; i += 8)
		fa_store64(data + i, fa_load64(bench->frame + i));
	for (__u32 i = 54; i + 8 <= FA_BENCH_FRAME_LIMIT; i += 8) {
		if (data + i + 8 > end)
			break;
		fa_store64(data + i, fa_load64(bench->frame + i));
	}
	if (bench->in_order) {
		flow = (__u32)bench->random++ & bench->flow_mask;
	} else {
		bench->random = bench->random * 6364136223846793005ull + 1442695040888963407ull;
		flow = (__u32)(bench->random >> 33) & bench->flow_mask;
	}
	if (bench->from_words) {
		__u64 *words = bpf_map_lookup_elem(&bench_words, &flow);

		for (__u32 i = 0; words && i < 2; i++) {
			__u32 offset = bench->offset[i];

			if (offset < FA_BENCH_FRAME_LIMIT && data + offset + 4 <= end)
				fa_store32(data + offset, (__u32)(*words >> 32 * i));
		}
		return bench;
	}
	for (__u32 i = 0; i < 2; i++) {
		__u32 offset = bench->offset[i];

		if (offset && offset < FA_BENCH_FRAME_LIMIT && data + offset + 4 <= end)
			fa_store32(data + offset, FA_BE32(bench->base[i] + flow));
	}
	return bench;
}
