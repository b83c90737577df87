/* SPDX-License-Identifier: BSD-2-Clause */
/* Every exit but a plain pass counts one reason. */
#pragma once

#include "maps.h"

static __always_inline void fa_count(__u32 reason)
{
	__u64 *counter = bpf_map_lookup_elem(&fa_reasons, &reason);

	if (counter)
		*counter += 1;
}

/* The end of a packet that isn't sent: dropped, or left to the kernel, as its reason says. */
static __always_inline int fa_exit(__u32 reason)
{
	if (reason == FA_REASON_NONE)
		return XDP_PASS;
	fa_count(reason);
	return reason >= FA_REASON_FIRST_DROP ? XDP_DROP : XDP_PASS;
}
