/* SPDX-License-Identifier: Apache-2.0 */
/* UDP sockets of the anchor protocol, many datagrams a system call. In C because control messages and
 * recvmmsg(2) are macros and GNU extensions, which Swift does not see. Addresses are 16 bytes in network
 * order, IPv4 as ::ffff:a.b.c.d; ports are in the machine's byte order. */
#pragma once

#include "CStation.h"

#include <stdint.h>

#define CD_BATCH 64
/* Largest datagram that is taken, in bytes; longer ones are cut off and marked. */
#define CD_LARGEST 2048

struct cd_datagram {
	uint8_t source[16];
	uint8_t destination[16];
	uint32_t interface; /* the kernel's index */
	uint16_t source_port;
	uint16_t destination_port;
	uint16_t length;
	uint8_t is_truncated;
	uint8_t pad;
	uint8_t bytes[CD_LARGEST];
};

/* A socket that does not block, bound to the port on all addresses, that tells of each datagram where it
 * came in. family is 4 or 6. Returns the descriptor or a negative errno. */
int cd_open(int family, uint16_t port, int receive_buffer);

/* A raw socket to send ICMP (4) or ICMPv6 (6) messages by; it receives nothing. Returns the descriptor or
 * a negative errno. */
int cd_open_icmp(int family);

/* Joins a group on an interface. Returns 0 or a negative errno. */
int cd_join(int descriptor, const uint8_t group[16], uint32_t interface);

/* Receives up to CD_BATCH datagrams into the array. Returns how many, 0 for none, or a negative errno. */
int cd_receive(int descriptor, struct cd_datagram *datagrams);

/* Sends datagrams. The source is chosen by the kernel where it is unspecified, the interface where it is
 * 0. results[i] is 0 or the errno of that datagram. Returns how many were sent. */
int cd_send(int descriptor, int family, const struct cd_datagram *datagrams, unsigned count, int *results);
