/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the fuzzer's first inputs into a folder: for each host of its tables, packets of both families to
 * it, from it, and through its tunnel, and some that are unusual in one way each. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fa_host.h"
#include "world.c"

#define ROUTINE_ACCESS 0
#define ROUTINE_CORE 1
#define ROUTINE_SERVER 2

static struct {
	uint8_t bytes[2048];
	size_t length;
} seed;
static const char *folder;
static unsigned written;

static uint8_t *append(const void *bytes, size_t length)
{
	uint8_t *at = seed.bytes + seed.length;

	if (bytes)
		memcpy(at, bytes, length);
	else
		memset(at, 0, length);
	seed.length += length;
	return at;
}

static void begin(uint8_t program, uint8_t settings, uint8_t port)
{
	seed.length = 0;
	append((uint8_t[]){program, settings, port, 0}, 4);
	append("\2\0\0\0\0\3\2\0\0\0\0\x0a", 12);
}

static void finish(void)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%04u", folder, written++);
	file = fopen(path, "wb");
	if (!file || fwrite(seed.bytes, seed.length, 1, file) != 1) {
		perror(path);
		return;
	}
	fclose(file);
}

static void ethertype(int version)
{
	append(version == 4 ? "\x08\x00" : "\x86\xdd", 2);
}

/* A header in front of so many bytes to come. */
static void ip(int version, struct fa_address source, struct fa_address destination, uint8_t protocol, uint16_t rest,
	       uint8_t class)
{
	uint8_t *header;
	uint32_t sum = 0;

	if (version == 6) {
		header = append(NULL, 40);
		header[0] = 0x60 | class >> 4;
		header[1] = (uint8_t)(class << 4);
		header[4] = rest >> 8;
		header[5] = (uint8_t)rest;
		header[6] = protocol;
		header[7] = 64;
		memcpy(header + 8, &source, 16);
		memcpy(header + 24, &destination, 16);
		return;
	}
	header = append(NULL, 20);
	header[0] = 0x45;
	header[1] = class;
	header[2] = (rest + 20) >> 8;
	header[3] = (uint8_t)(rest + 20);
	header[6] = 0x40;
	header[8] = 64;
	header[9] = protocol;
	memcpy(header + 12, source.bytes + 12, 4);
	memcpy(header + 16, destination.bytes + 12, 4);
	for (int i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	header[10] = (uint8_t)(sum >> 8);
	header[11] = (uint8_t)sum;
}

static struct fa_address host(int version, uint8_t number)
{
	return version == 4 ? world_v4(10, number) : world_v6(0x10, number);
}

static struct fa_address correspondent(int version)
{
	return version == 4 ? world_v4(8, 8) : world_v6(0x40, 8);
}

static void udp(int version, struct fa_address source, struct fa_address destination, uint16_t payload, uint8_t class)
{
	uint8_t *header;

	ip(version, source, destination, 17, 8 + payload, class);
	header = append(NULL, 8 + payload);
	header[0] = 4;
	header[2] = 5;
	header[4] = (8 + payload) >> 8;
	header[5] = (uint8_t)(8 + payload);
	header[6] = 0x12;
}

static void to_and_from(uint8_t number, int version)
{
	begin(ROUTINE_CORE, 7, 0);
	ethertype(version);
	udp(version, correspondent(version), host(version, number), 40, 1);
	finish();
	begin(ROUTINE_ACCESS, 7, 0);
	ethertype(version);
	udp(version, host(version, number), correspondent(version), 40, 0);
	finish();
	begin(ROUTINE_SERVER, 4, 0);
	ethertype(version);
	udp(version, correspondent(version), host(version, number), 40, 0);
	finish();
	begin(ROUTINE_SERVER, 4, 1);
	ethertype(version);
	udp(version, host(version, number), correspondent(version), 1600, 0);
	finish();
	begin(ROUTINE_CORE, 4, 0);
	ethertype(version);
	udp(version, correspondent(version), host(version, number), 1480, 0);
	finish();
}

static void through_tunnel(uint8_t number, int version, uint16_t flags, uint8_t outer_class, int program)
{
	int outer = number & 1 ? 6 : 4;
	struct fa_address source = outer == 4 ? world_v4(11, number) : world_v6(0x11, number);
	struct fa_address destination = outer == 4 ? WORLD_ENDPOINT_V4 : WORLD_ENDPOINT_V6;
	uint16_t inner = (version == 4 ? 20 : 40) + 48;
	uint8_t protocol = version == 4 ? 4 : 41;
	uint16_t gre = flags & FA_HOST_SEQUENCED ? 12 : 8;

	begin((uint8_t)program, 4, 0);
	ethertype(outer);
	if (flags & FA_HOST_GRE) {
		ip(outer, source, destination, 47, inner + gre, outer_class);
		append(gre == 12 ? "\x30\x00" : "\x20\x00", 2);
		ethertype(version);
		append("\0\0\0\x4d", 4);
		if (gre == 12)
			append("\0\0\0\x09", 4);
	} else {
		ip(outer, source, destination, protocol, inner, outer_class);
	}
	udp(version, host(version, number), correspondent(version), 40, 2);
	finish();
}

static void tcp_syn(int version)
{
	static const uint8_t options[] = {1, 2, 4, 5, 0xb4, 1, 1, 0};
	uint8_t *header;

	begin(ROUTINE_ACCESS, 4, 0);
	ethertype(version);
	ip(version, host(version, 2), correspondent(version), 6, 28, 0);
	header = append(NULL, 20);
	header[12] = 7 << 4;
	header[13] = 2;
	append(options, sizeof(options));
	finish();
}

static void tagged(int version)
{
	begin(ROUTINE_ACCESS, 4, 0);
	append("\x81\x00\x00\x07", 4);
	ethertype(version);
	udp(version, host(version, 38), correspondent(version), 40, 0);
	finish();
	begin(ROUTINE_CORE, 4, 0);
	append("\x88\xa8\x00\x07\x81\x00\x00\x09", 8);
	ethertype(version);
	udp(version, correspondent(version), host(version, 4), 40, 0);
	finish();
}

static void extensions(void)
{
	uint8_t *header;

	begin(ROUTINE_CORE, 4, 0);
	ethertype(6);
	ip(6, world_v6(0x11, 5), WORLD_ENDPOINT_V6, 60, 8 + 88, 0);
	header = append(NULL, 8);
	header[0] = 41;
	header[2] = 4;
	header[3] = 1;
	header[4] = 4;
	udp(6, host(6, 5), correspondent(6), 40, 0);
	finish();
	begin(ROUTINE_CORE, 4, 0);
	ethertype(6);
	ip(6, correspondent(6), host(6, 4), 44, 16, 0);
	header = append(NULL, 16);
	header[0] = 17;
	header[3] = 9;
	finish();
}

static void icmp_error(int version)
{
	uint8_t *header;
	struct fa_address endpoint = version == 4 ? WORLD_ENDPOINT_V4 : WORLD_ENDPOINT_V6;
	uint16_t inner = (version == 4 ? 20 : 40) + 48;

	begin(ROUTINE_CORE, 4, 0);
	ethertype(version);
	ip(version, correspondent(version), endpoint, version == 4 ? 1 : 58, 8 + (version == 4 ? 20 : 40) + inner, 0);
	header = append(NULL, 8);
	header[0] = version == 4 ? 3 : 2;
	header[1] = version == 4 ? 4 : 0;
	ip(version, endpoint, version == 4 ? world_v4(11, 4) : world_v6(0x11, 5), version == 4 ? 4 : 41, inner, 0);
	udp(version, correspondent(version), host(version, 4), 40, 0);
	finish();
}

static void of_other_anchor(int version)
{
	uint16_t inner = (version == 4 ? 20 : 40) + 48;
	struct fa_address anchor = version == 4 ? world_v4(12, 1) : world_v6(0x12, 1);
	struct fa_address old = version == 4 ? world_v4(13, 1) : world_v6(0x13, 1);

	begin(ROUTINE_ACCESS, 4, 0);
	ethertype(version);
	ip(version, host(version, 16), anchor, version == 4 ? 4 : 41, inner, 0);
	udp(version, old, correspondent(version), 40, 0);
	finish();
	begin(ROUTINE_CORE, 4, 0);
	ethertype(version);
	ip(version, anchor, host(version, 16), version == 4 ? 4 : 41, inner, 0);
	udp(version, correspondent(version), old, 40, 0);
	finish();
}

/* From a router's tunnel, to and from the host. */
static void from_router(int version, uint8_t number, uint8_t nat, struct fa_address router)
{
	int outer = router.bytes[0] ? 6 : 4;
	uint16_t inner = (version == 4 ? 20 : 40) + 48;
	struct fa_address here = outer == 4 ? WORLD_ENDPOINT_V4 : WORLD_ENDPOINT_V6;

	begin(ROUTINE_CORE, 4 | nat, 0);
	ethertype(outer);
	ip(outer, router, here, version == 4 ? 4 : 41, inner, 0);
	udp(version, correspondent(version), host(version, number), 40, 0);
	finish();
	begin(ROUTINE_CORE, 4 | nat, 0);
	ethertype(outer);
	ip(outer, router, here, version == 4 ? 4 : 41, inner, 0);
	udp(version, host(version, number), correspondent(version), 40, 0);
	finish();
}

static void roaming(int version)
{
	for (uint8_t number = 42; number <= 54; number += 2) {
		for (int nat = 0; nat <= 128; nat += 128) {
			from_router(version, number, (uint8_t)nat, world_v4(14, 1));
			from_router(version, number, (uint8_t)nat, world_v6(0x14, 1));
			from_router(version, number, (uint8_t)nat, world_v4(11, 48));
			from_router(version, number, (uint8_t)nat, world_v4(11, number));
		}
	}
}

static struct fa_address outside(void)
{
	return (struct fa_address){.bytes = {[10] = 0xff, [11] = 0xff, [12] = 203, 0, 113, 1}};
}

/* A TCP header without options, from port 1024 to 1280. */
static void tcp(struct fa_address source, struct fa_address destination, uint8_t flags)
{
	uint8_t *header;

	ip(4, source, destination, 6, 20, 0);
	header = append(NULL, 20);
	header[0] = 4;
	header[2] = 5;
	header[12] = 5 << 4;
	header[13] = flags;
	header[16] = 0x55;
}

/* What the translated host and others send, and what comes back. The outside port is the fuzzer's to find. */
static void translated(uint8_t program, uint8_t settings)
{
	static const uint8_t flags[] = {2, 16, 17, 4, 18};

	for (size_t i = 0; i < sizeof(flags); i++) {
		begin(program, 0x84, settings);
		ethertype(4);
		tcp(host(4, WORLD_TRANSLATED), correspondent(4), flags[i]);
		finish();
		begin(ROUTINE_CORE, 0x84, settings);
		ethertype(4);
		tcp(correspondent(4), outside(), flags[i]);
		finish();
	}
	for (size_t i = 0; i < WORLD_HOSTS; i++) {
		begin(program, 0x84, settings);
		ethertype(4);
		udp(4, host(4, world_hosts[i].number), correspondent(4), 40, 0);
		finish();
		begin(program, 0x84, settings);
		ethertype(4);
		udp(4, host(4, world_hosts[i].number), outside(), 40, 0);
		finish();
	}
}

static void translated_icmp(uint8_t program, uint8_t type, struct fa_address source, struct fa_address destination)
{
	uint8_t *header;

	begin(program, 0x84, 0);
	ethertype(4);
	ip(4, source, destination, 1, 8 + 28 + 28, 0);
	header = append(NULL, 8);
	header[0] = type;
	header[2] = 0x33;
	header[4] = 7;
	udp(4, destination, source, 0, 0);
	append(NULL, 28);
	finish();
}

int main(int count, char **arguments)
{
	if (count != 2) {
		fprintf(stderr, "usage: make_seeds FOLDER\n");
		return 2;
	}
	folder = arguments[1];
	for (int version = 4; version <= 6; version += 2) {
		for (size_t i = 0; i < WORLD_HOSTS; i++) {
			to_and_from(world_hosts[i].number, version);
			if (!(world_hosts[i].flags & FA_HOST_TUNNELLED))
				continue;
			for (uint8_t ecn = 0; ecn < 4; ecn++)
				through_tunnel(world_hosts[i].number, version, world_hosts[i].flags, ecn, ROUTINE_CORE);
		}
		to_and_from(WORLD_SPILLED, version);
		through_tunnel(WORLD_SPILLED, version, 0, 0, ROUTINE_CORE);
		through_tunnel(99, version, 0, 0, ROUTINE_CORE);
		tcp_syn(version);
		tagged(version);
		icmp_error(version);
		of_other_anchor(version);
		roaming(version);
	}
	extensions();
	translated(ROUTINE_ACCESS, 0);
	translated(ROUTINE_SERVER, 1);
	translated_icmp(ROUTINE_ACCESS, 8, host(4, WORLD_TRANSLATED), correspondent(4));
	translated_icmp(ROUTINE_ACCESS, 3, host(4, WORLD_TRANSLATED), correspondent(4));
	translated_icmp(ROUTINE_CORE, 0, correspondent(4), outside());
	translated_icmp(ROUTINE_CORE, 3, correspondent(4), outside());
	return 0;
}
