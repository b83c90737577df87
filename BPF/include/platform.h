/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs stand on: the kernel's helpers, or, when the same code is compiled natively for
 * the fuzzer, functions of the same names that the fuzzer provides. */
#pragma once

#include <linux/bpf.h>
#include "fa_types.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words of packets are taken apart as on a little-endian machine"
#endif

#ifdef __bpf__

#include <bpf/bpf_helpers.h>

/* Programs on tc say FA_ON_TC before they include anything. */
#ifdef FA_ON_TC
typedef struct __sk_buff fa_context;
#else
typedef struct xdp_md fa_context;
#endif

#define FA_DATA(context) ((void *)(long)(context)->data)
#define FA_DATA_END(context) ((void *)(long)(context)->data_end)
#define FA_DATA_META(context) ((void *)(long)(context)->data_meta)

/* Off only where the fuzzer compares both ways. */
#define FA_USUAL_WAY 1

/* The kernel's verifier only asks for alignment where the processor does. */
#define FA_LOADS(bits)                                                                                                 \
	static __always_inline __u##bits fa_load##bits(const void *from)                                               \
	{                                                                                                              \
		return *(const __u##bits *)from;                                                                       \
	}                                                                                                              \
	static __always_inline void fa_store##bits(void *to, __u##bits value)                                          \
	{                                                                                                              \
		*(__u##bits *)to = value;                                                                              \
	}

#else /* native */

#include "native.h"

#define FA_LOADS(bits)                                                                                                 \
	static inline __u##bits fa_load##bits(const void *from)                                                        \
	{                                                                                                              \
		__u##bits value;                                                                                       \
		__builtin_memcpy(&value, from, sizeof(value));                                                         \
		return value;                                                                                          \
	}                                                                                                              \
	static inline void fa_store##bits(void *to, __u##bits value)                                                   \
	{                                                                                                              \
		__builtin_memcpy(to, &value, sizeof(value));                                                           \
	}

#endif

FA_LOADS(16)
FA_LOADS(32)
FA_LOADS(64)

#define FA_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define FA_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* A load or store of memory that others change meanwhile: done once, where it is written. */
#define FA_ONCE(lvalue) (*(volatile __typeof__(lvalue) *)&(lvalue))
/* Keeps the compiler from moving loads and stores across; see fa_table.h for the processor. */
#define FA_COMPILER_BARRIER() __asm__ volatile("" ::: "memory")
/* Hides where a value comes from, so that the compiler can't undo a check that the verifier needs. */
#define FA_OPAQUE(value) __asm__ volatile("" : "+r"(value))

#define FA_BE16(value) ((__be16)__builtin_bswap16(value))
#define FA_BE32(value) ((__be32)__builtin_bswap32(value))

/* Before a loop: kept as one, for less code and fewer registers spilled. */
#define FA_LOOP _Pragma("clang loop unroll(disable)")
