/* SPDX-License-Identifier: BSD-2-Clause */
/* How many messages of their own the programs send, see fa_limit.h. */
#pragma once

#include "maps.h"

/* Whether one more of so many a second is left. A second is about 256 jiffies. */
static __always_inline int fa_take_one(__u32 *tick, __u32 *used, __u32 rate)
{
	__u32 now = (__u32)(bpf_jiffies64() >> 8);

	if (*tick != now) {
		*tick = now;
		*used = 0;
	}
	if (*used >= rate)
		return 0;
	(*used)++;
	return 1;
}

/* Whether one more message may be sent now. */
static __always_inline int fa_may_answer(void)
{
	__u32 zero = 0;
	struct fa_limit *limit = bpf_map_lookup_elem(&fa_limits, &zero);

	return limit && fa_take_one(&limit->tick, &limit->used, FA_LIMIT_RATE);
}

/* Whether one more packet of a known host may be handed to the daemon now. */
static __always_inline int fa_may_hold(void)
{
	__u32 zero = 0;
	struct fa_limit *limit = bpf_map_lookup_elem(&fa_limits, &zero);

	return limit && fa_take_one(&limit->held_tick, &limit->held, FA_LIMIT_HELD);
}
