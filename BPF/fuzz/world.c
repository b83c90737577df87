/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that the fuzzed programs find: hosts of each kind, known paths, chains and ports. Included by
 * the fuzzer and by the program that writes its seeds, so that these hit. */

enum world_path {
	WORLD_CORE = 1,
	WORLD_TUNNEL_V4,
	WORLD_TUNNEL_V6,
	WORLD_GRE_V4,
	WORLD_GRE_V6,
	WORLD_SEQUENCED,
	WORLD_ACCESS,
	WORLD_SERVER,
	WORLD_UNRESOLVED,
	WORLD_UNRESOLVED_TUNNEL,
	WORLD_VLAN,
	WORLD_KERNEL,
	WORLD_DROP,
	WORLD_NARROW,
	WORLD_KEEP,
	WORLD_SAME_PORT,
};

/* Hosts are 10.0.0.n and 2001:db8:10::n; peers are 11.0.0.n and 2001:db8:11::n. */
static struct fa_address world_v4(uint8_t net, uint8_t host)
{
	return (struct fa_address){.bytes = {[10] = 0xff, [11] = 0xff, [12] = net, [15] = host}};
}

static struct fa_address world_v6(uint8_t net, uint8_t host)
{
	return (struct fa_address){.bytes = {0x20, 0x01, 0x0d, 0xb8, [5] = net, [15] = host}};
}

#define WORLD_ENDPOINT_V4 world_v4(192, 1)
#define WORLD_ENDPOINT_V6 world_v6(0xee, 1)

static const struct {
	uint8_t number; /* the host's, even for one with a v4 care-of address, odd for v6 */
	uint8_t path;
	uint8_t chain;
	uint16_t flags;
	uint32_t anchors;
	uint32_t previous;
} world_hosts[] = {
    {2, WORLD_ACCESS, 0, FA_HOST_ATTACHED},
    {4, WORLD_TUNNEL_V4, 0, FA_HOST_TUNNELLED},
    {5, WORLD_TUNNEL_V6, 0, FA_HOST_TUNNELLED},
    {6, WORLD_GRE_V4, 0, FA_HOST_TUNNELLED | FA_HOST_GRE},
    {7, WORLD_GRE_V6, 0, FA_HOST_TUNNELLED | FA_HOST_GRE},
    {8, WORLD_SEQUENCED, 0, FA_HOST_TUNNELLED | FA_HOST_GRE | FA_HOST_SEQUENCED},
    {10, WORLD_TUNNEL_V4, 0, FA_HOST_TUNNELLED | FA_HOST_ATTACHED | FA_HOST_BICAST},
    {12, WORLD_TUNNEL_V4, 0, FA_HOST_TUNNELLED | FA_HOST_ATTACHED | FA_HOST_PREFER_TUNNEL},
    {14, WORLD_TUNNEL_V4, 1, FA_HOST_TUNNELLED},
    {16, WORLD_ACCESS, 1, FA_HOST_ATTACHED},
    {18, WORLD_ACCESS, 2, FA_HOST_ATTACHED},
    {20, WORLD_ACCESS, 3, FA_HOST_ATTACHED},
    {22, WORLD_ACCESS, 0, FA_HOST_ATTACHED | FA_HOST_REFUSED},
    {24, WORLD_UNRESOLVED, 0, FA_HOST_ATTACHED},
    {26, WORLD_UNRESOLVED_TUNNEL, 0, FA_HOST_TUNNELLED},
    {28, WORLD_NARROW, 0, FA_HOST_TUNNELLED},
    {30, WORLD_DROP, 0, FA_HOST_ATTACHED},
    {32, WORLD_KEEP, 0, FA_HOST_ATTACHED},
    {34, WORLD_SAME_PORT, 0, FA_HOST_ATTACHED},
    {36, WORLD_ACCESS, 0, 0},
    {38, WORLD_VLAN, 0, FA_HOST_ATTACHED},
    /* Hosts that roam; the number of a router is one more than its index. */
    {42, WORLD_ACCESS, 0, FA_HOST_UNAWARE | FA_HOST_ATTACHED, 1, 0},
    {44, WORLD_ACCESS, 0, FA_HOST_UNAWARE | FA_HOST_ATTACHED, 3, 2},
    {46, WORLD_ACCESS, 0, FA_HOST_UNAWARE | FA_HOST_ATTACHED | FA_HOST_CLAIMED, 0xffffffff, 0},
    {48, WORLD_TUNNEL_V4, 0, FA_HOST_UNAWARE | FA_HOST_TUNNELLED, 0, 0},
    {50, WORLD_TUNNEL_V4, 0, FA_HOST_UNAWARE | FA_HOST_TUNNELLED | FA_HOST_ASKED, 0, 0},
    {52, WORLD_TUNNEL_V4, 1, FA_HOST_UNAWARE | FA_HOST_TUNNELLED | FA_HOST_ASKED, 0, 1},
    {54, WORLD_ACCESS, 1, FA_HOST_UNAWARE | FA_HOST_ATTACHED, 1, 1},
    {56, WORLD_ACCESS, 0, FA_HOST_UNAWARE | FA_HOST_ATTACHED | FA_HOST_DRAINS, 1, 0},
};

/* Other routers: 14.0.0.1, 2001:db8:14::1, and where host 48 is. */
#define WORLD_ROUTERS 3

/* With NAT: outside addresses are 203.0.113.1 to 203.0.113.2, and the v4 endpoint where settings say so. */
#define WORLD_OUTSIDE 0xcb007101u
/* The host that has flows already, from its port 1024 to port 1280 of 8.0.0.8, one of TCP and one of UDP. */
#define WORLD_TRANSLATED 2

#define WORLD_HOSTS (sizeof(world_hosts) / sizeof(world_hosts[0]))
/* One more, which is in the spill map. */
#define WORLD_SPILLED 40
