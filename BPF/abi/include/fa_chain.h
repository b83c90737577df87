/* SPDX-License-Identifier: BSD-2-Clause */
/* A server chain (row S1): where a host's packets enter it from either side [0041] [0044b]. What
 * comes out of a server is told by the interface it comes in on, see fa_port. */
#pragma once

#include "fa_types.h"

#define FA_CHAIN_REFUSE 0x0001u /* a server is down and its flows are refused: drop */
#define FA_CHAIN_BYPASS 0x0002u /* all servers are down or there are none: straight on */

struct fa_chain {
	__u32 flags;
	__u32 up; /* path to the first server's inside leg */
	__u32 down; /* path to the last server's outside leg */
	__u32 pad;
};

FA_STATIC_ASSERT(sizeof(struct fa_chain) == 16, "size");
