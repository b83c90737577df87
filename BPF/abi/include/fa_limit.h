/* SPDX-License-Identifier: BSD-2-Clause */
/* How many messages of their own the programs send, one entry a processor. */
#pragma once

#include "fa_types.h"

/* Messages a second and processor (RFC 4443, section 2.4 f). */
#define FA_LIMIT_RATE 1000u

/* Packets of known hosts that are handed to the daemon for the sake of their order, a second and processor. */
#define FA_LIMIT_HELD 16384u

/* When the last second of messages of our own began, and how many there were. */
struct fa_limit {
	__u32 tick; /* in ticks of 256 jiffies */
	__u32 used;
	__u32 held_tick; /* the same of packets of known hosts */
	__u32 held;
};

FA_STATIC_ASSERT(sizeof(struct fa_limit) == 16, "size");
