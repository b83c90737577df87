/* SPDX-License-Identifier: BSD-2-Clause */
/* Other access routers, as many as this one shares hosts with that know nothing of it [0079]: the array fa_routers. */
#pragma once

#include "fa_types.h"

/* As many as fa_neighbour.anchors has bits. */
#define FA_ROUTER_LIMIT 32u

struct fa_router {
	struct fa_address address; /* its end of the tunnel */
	__u32 path; /* index in fa_paths, with FA_PATH_PEER_FROM_HOST; 0: not in use */
	__u32 pad[3];
};

FA_STATIC_ASSERT(sizeof(struct fa_router) == 32, "half a cache line");
