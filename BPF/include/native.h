/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs' surroundings when they are compiled natively: the context is a packet in memory, and the
 * kernel's helpers are the fuzzer's functions. See platform.h. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))

struct fa_native_context {
	unsigned char *data; /* what the programs see directly; more may follow that they don't */
	unsigned char *data_end;
	unsigned char *data_meta; /* as data where there is none */
	__u32 ingress_ifindex;
};

typedef struct fa_native_context fa_context;

#define FA_DATA(context) ((void *)(context)->data)
#define FA_DATA_END(context) ((void *)(context)->data_end)
#define FA_DATA_META(context) ((void *)(context)->data_meta)

/* Whether the usual packet goes its own way; off to compare with the general one. */
extern int fa_native_usual_way;
#define FA_USUAL_WAY fa_native_usual_way

void *bpf_map_lookup_elem(const void *map, const void *key);
long bpf_redirect_map(const void *map, __u64 key, __u64 flags);
long bpf_redirect(__u32 ifindex, __u64 flags);
long bpf_xdp_adjust_head(fa_context *context, int delta);
long bpf_xdp_adjust_tail(fa_context *context, int delta);
__u64 bpf_xdp_get_buff_len(fa_context *context);
long bpf_xdp_load_bytes(fa_context *context, __u32 offset, void *to, __u32 length);
long bpf_fib_lookup(fa_context *context, struct bpf_fib_lookup *query, int size, __u32 flags);
void *bpf_ringbuf_reserve(const void *map, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *event, __u64 flags);
void bpf_ringbuf_discard(void *event, __u64 flags);
__u64 bpf_ringbuf_query(const void *map, __u64 flags);
__u64 bpf_jiffies64(void);
