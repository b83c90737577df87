/* SPDX-License-Identifier: Apache-2.0 */
/* C11 atomics on memory that is shared with the kernel and so can't be declared atomic in Swift. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CA_INLINE static inline __attribute__((always_inline))

CA_INLINE uint64_t ca_load_acquire_u64(const void *_Nonnull address)
{
	return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}

CA_INLINE uint64_t ca_load_relaxed_u64(const void *_Nonnull address)
{
	return __atomic_load_n((const uint64_t *)address, __ATOMIC_RELAXED);
}

CA_INLINE uint32_t ca_load_acquire_u32(const void *_Nonnull address)
{
	return __atomic_load_n((const uint32_t *)address, __ATOMIC_ACQUIRE);
}

CA_INLINE uint32_t ca_load_relaxed_u32(const void *_Nonnull address)
{
	return __atomic_load_n((const uint32_t *)address, __ATOMIC_RELAXED);
}

CA_INLINE uint16_t ca_load_relaxed_u16(const void *_Nonnull address)
{
	return __atomic_load_n((const uint16_t *)address, __ATOMIC_RELAXED);
}

CA_INLINE void ca_store_release_u64(void *_Nonnull address, uint64_t value)
{
	__atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
}

CA_INLINE void ca_store_relaxed_u64(void *_Nonnull address, uint64_t value)
{
	__atomic_store_n((uint64_t *)address, value, __ATOMIC_RELAXED);
}

CA_INLINE void ca_store_release_u32(void *_Nonnull address, uint32_t value)
{
	__atomic_store_n((uint32_t *)address, value, __ATOMIC_RELEASE);
}

CA_INLINE void ca_store_relaxed_u32(void *_Nonnull address, uint32_t value)
{
	__atomic_store_n((uint32_t *)address, value, __ATOMIC_RELAXED);
}

/* Sequentially consistent; true if *address was expected and is desired now. */
CA_INLINE bool ca_compare_exchange_u64(void *_Nonnull address, uint64_t expected, uint64_t desired)
{
	return __atomic_compare_exchange_n((uint64_t *)address, &expected, desired, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

CA_INLINE bool ca_compare_exchange_u32(void *_Nonnull address, uint32_t expected, uint32_t desired)
{
	return __atomic_compare_exchange_n((uint32_t *)address, &expected, desired, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* Returns what was there before. */
CA_INLINE uint64_t ca_fetch_add_u64(void *_Nonnull address, uint64_t value)
{
	return __atomic_fetch_add((uint64_t *)address, value, __ATOMIC_SEQ_CST);
}

CA_INLINE uint32_t ca_fetch_add_u32(void *_Nonnull address, uint32_t value)
{
	return __atomic_fetch_add((uint32_t *)address, value, __ATOMIC_SEQ_CST);
}

CA_INLINE uint32_t ca_fetch_or_u32(void *_Nonnull address, uint32_t value)
{
	return __atomic_fetch_or((uint32_t *)address, value, __ATOMIC_SEQ_CST);
}

CA_INLINE uint64_t ca_fetch_and_u64(void *_Nonnull address, uint64_t value)
{
	return __atomic_fetch_and((uint64_t *)address, value, __ATOMIC_SEQ_CST);
}

CA_INLINE uint64_t ca_fetch_or_u64(void *_Nonnull address, uint64_t value)
{
	return __atomic_fetch_or((uint64_t *)address, value, __ATOMIC_SEQ_CST);
}

/* Has the processor fetch the cache line of an address that will be written soon. */
CA_INLINE void ca_prefetch(const void *_Nonnull address)
{
	__builtin_prefetch(address, 1);
}

CA_INLINE void ca_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Returns after every BPF program that runs now has ended: membarrier(2), MEMBARRIER_CMD_GLOBAL, which
 * the kernel implements as a wait for all readers under RCU. Takes some milliseconds. False if the
 * kernel doesn't have it. */
CA_INLINE bool ca_wait_for_programs(void)
{
	return syscall(SYS_membarrier, 1, 0, 0) == 0;
}
