/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CStation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int cd_open_solicitations(void)
{
	int descriptor = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct icmp6_filter filter;
	int failed;

	if (descriptor < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	if (setsockopt(descriptor, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter))) {
		failed = errno;
		close(descriptor);
		return -failed;
	}
	return descriptor;
}

int cd_open_stations(void)
{
	/* Of protocol 0, which is none, it receives nothing. */
	int descriptor = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return descriptor < 0 ? -errno : descriptor;
}

int cd_hear_solicitation(int descriptor, uint8_t *message, unsigned room, uint8_t source[16], uint32_t *interface)
{
	struct sockaddr_in6 from = {0};
	socklen_t length = sizeof(from);
	ssize_t count = recvfrom(descriptor, message, room, 0, (struct sockaddr *)&from, &length);

	if (count < 0)
		return -errno;
	memcpy(source, &from.sin6_addr, 16);
	*interface = from.sin6_scope_id;
	return (int)count;
}

int cd_send_to_station(int descriptor, const uint8_t *packet, unsigned length, const uint8_t mac[6], uint32_t interface)
{
	struct sockaddr_ll to = {
	    .sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_IPV6),
	    .sll_ifindex = (int)interface,
	    .sll_halen = 6,
	};

	memcpy(to.sll_addr, mac, 6);
	return sendto(descriptor, packet, length, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}
