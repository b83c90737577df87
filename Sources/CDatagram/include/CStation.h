/* SPDX-License-Identifier: Apache-2.0 */
/* What a router tells single stations on a link of their addresses: solicitations heard, and frames sent to one
 * station. In C because packet sockets and ICMPv6 filters are of headers that Swift does not see. */
#pragma once

#include <stdint.h>

/* A raw socket that does not block and hears router solicitations alone. Returns the descriptor or a negative errno. */
int cd_open_solicitations(void);

/* A packet socket to send by; it receives nothing. Returns the descriptor or a negative errno. */
int cd_open_stations(void);

/* Receives the ICMPv6 message of a solicitation: its length is returned, -EAGAIN for none, or another negative errno.
 * source is in network order, interface the kernel's index. */
int cd_hear_solicitation(int descriptor, uint8_t *message, unsigned room, uint8_t source[16], uint32_t *interface);

/* Sends an IPv6 packet to the station on the interface. Returns 0 or a negative errno. */
int cd_send_to_station(int descriptor, const uint8_t *packet, unsigned length, const uint8_t mac[6],
		       uint32_t interface);
