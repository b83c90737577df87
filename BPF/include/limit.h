/* SPDX-License-Identifier: BSD-2-Clause */
/* How many messages of their own the programs send, see fa_limit.h. */
#pragma once

#include "maps.h"

/* Whether one more message may be sent now. A second is about 256 jiffies. */
static __always_inline int fa_may_answer(void)
{
	__u32 now = (__u32)(bpf_jiffies64() >> 8);
	__u32 zero = 0;
	struct fa_limit *limit = bpf_map_lookup_elem(&fa_limits, &zero);

	if (!limit)
		return 0;
	if (limit->tick != now) {
		limit->tick = now;
		limit->used = 0;
	}
	if (limit->used >= FA_LIMIT_RATE)
		return 0;
	limit->used++;
	return 1;
}
