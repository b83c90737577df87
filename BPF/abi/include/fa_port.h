/* SPDX-License-Identifier: BSD-2-Clause */
/* A port: one interface that a program is attached to. Its number is a constant of the program
 * instance on it, so that no packet pays to find out where it is. */
#pragma once

#include "fa_types.h"

#define FA_PORT_LIMIT 64u
#define FA_PORT_ADDRESS_LIMIT 4u

/* enum fa_role */
#define FA_ROLE_UNUSED 0u
#define FA_ROLE_ACCESS 1u
#define FA_ROLE_CORE 2u
#define FA_ROLE_SERVER_INSIDE 3u /* what comes in has come out towards the node */
#define FA_ROLE_SERVER_OUTSIDE 4u /* what comes in has come out towards the core */
#define FA_ROLE_SERVER_ONE_LEG 5u /* the addresses tell the direction */
#define FA_ROLE_MOBILE 6u

struct fa_port {
	__u32 role;
	__u32 ifindex;
	__u32 next_up; /* path after a server, towards the core; 0: route it */
	__u32 next_down; /* path after a server, towards the node; 0: look the host up */
	__u16 mtu;
	__u16 flags;
	__u8 mac[6];
	__u16 address_count;
	__u32 pad;
	/* The interface's own addresses: what is for them is the kernel's. */
	struct fa_address addresses[FA_PORT_ADDRESS_LIMIT];
	__u8 pad2[32];
};

FA_STATIC_ASSERT(sizeof(struct fa_port) == 128, "two cache lines");
