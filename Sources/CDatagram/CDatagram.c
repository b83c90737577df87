/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CDatagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

union control {
	struct cmsghdr header;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static int set(int descriptor, int level, int option, int value)
{
	return setsockopt(descriptor, level, option, &value, sizeof(value));
}

int cd_open(int family, uint16_t port, int receive_buffer)
{
	int descriptor = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failed;

	if (descriptor < 0)
		return -errno;
	/* Beyond the limit of ordinary users where that is permitted. */
	if (set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer))
		set(descriptor, SOL_SOCKET, SO_RCVBUF, receive_buffer);
	if (family == 4) {
		struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

		failed = set(descriptor, IPPROTO_IP, IP_PKTINFO, 1) || set(descriptor, SOL_SOCKET, SO_BROADCAST, 1) ||
			 bind(descriptor, (struct sockaddr *)&address, sizeof(address));
	} else {
		struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		failed = set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1) ||
			 set(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
			 set(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) ||
			 bind(descriptor, (struct sockaddr *)&address, sizeof(address));
	}
	if (failed) {
		failed = errno;
		close(descriptor);
		return -failed;
	}
	return descriptor;
}

int cd_open_icmp(int family)
{
	int descriptor = socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
				family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	int failed;

	if (descriptor < 0)
		return -errno;
	/* Not a single byte of what comes in is of interest. */
	if (family == 4) {
		uint32_t all = UINT32_MAX; /* ICMP_FILTER of linux/icmp.h */

		failed = setsockopt(descriptor, SOL_RAW, 1, &all, sizeof(all));
	} else {
		struct icmp6_filter filter;

		ICMP6_FILTER_SETBLOCKALL(&filter);
		failed = setsockopt(descriptor, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	}
	if (failed) {
		failed = errno;
		close(descriptor);
		return -failed;
	}
	return descriptor;
}

int cd_join(int descriptor, const uint8_t group[16], uint32_t interface)
{
	struct ipv6_mreq request = {.ipv6mr_interface = interface};

	memcpy(&request.ipv6mr_multiaddr, group, 16);
	if (setsockopt(descriptor, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request)) && errno != EADDRINUSE)
		return -errno;
	return 0;
}

static void read_name(struct cd_datagram *datagram, const struct sockaddr_storage *name)
{
	if (name->ss_family == AF_INET) {
		const struct sockaddr_in *address = (const void *)name;

		memcpy(datagram->source, mapped, 12);
		memcpy(datagram->source + 12, &address->sin_addr, 4);
		datagram->source_port = ntohs(address->sin_port);
	} else {
		const struct sockaddr_in6 *address = (const void *)name;

		memcpy(datagram->source, &address->sin6_addr, 16);
		datagram->source_port = ntohs(address->sin6_port);
	}
}

static void read_control(struct cd_datagram *datagram, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(header), sizeof(info));
			memcpy(datagram->destination, mapped, 12);
			memcpy(datagram->destination + 12, &info.ipi_addr, 4);
			datagram->interface = (uint32_t)info.ipi_ifindex;
		} else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(header), sizeof(info));
			memcpy(datagram->destination, &info.ipi6_addr, 16);
			datagram->interface = info.ipi6_ifindex;
		}
	}
}

int cd_receive(int descriptor, struct cd_datagram *datagrams)
{
	struct mmsghdr messages[CD_BATCH] = {0};
	struct iovec parts[CD_BATCH];
	struct sockaddr_storage names[CD_BATCH];
	union control controls[CD_BATCH];
	int count;

	for (int i = 0; i < CD_BATCH; i++) {
		parts[i] = (struct iovec){datagrams[i].bytes, CD_LARGEST};
		messages[i].msg_hdr = (struct msghdr){
		    .msg_name = &names[i],
		    .msg_namelen = sizeof(names[i]),
		    .msg_iov = &parts[i],
		    .msg_iovlen = 1,
		    .msg_control = &controls[i],
		    .msg_controllen = sizeof(controls[i]),
		};
	}
	do {
		count = recvmmsg(descriptor, messages, CD_BATCH, MSG_DONTWAIT, NULL);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		datagrams[i].interface = 0;
		datagrams[i].length = (uint16_t)messages[i].msg_len;
		datagrams[i].is_truncated = !!(messages[i].msg_hdr.msg_flags & MSG_TRUNC);
		memset(datagrams[i].destination, 0, 16);
		read_name(&datagrams[i], &names[i]);
		read_control(&datagrams[i], &messages[i].msg_hdr);
	}
	return count;
}

static void write_v4(struct msghdr *message, struct sockaddr_in *name, union control *control,
		     const struct cd_datagram *datagram)
{
	struct in_pktinfo info = {.ipi_ifindex = (int)datagram->interface};

	*name = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(datagram->destination_port)};
	memcpy(&name->sin_addr, datagram->destination + 12, 4);
	memcpy(&info.ipi_spec_dst, datagram->source + 12, 4);
	message->msg_namelen = sizeof(*name);
	message->msg_controllen = CMSG_SPACE(sizeof(info));
	control->header = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
	memcpy(CMSG_DATA(&control->header), &info, sizeof(info));
}

static void write_v6(struct msghdr *message, struct sockaddr_in6 *name, union control *control,
		     const struct cd_datagram *datagram)
{
	struct in6_pktinfo info = {.ipi6_ifindex = datagram->interface};
	int is_local = datagram->destination[0] == 0xff ||
		       (datagram->destination[0] == 0xfe && (datagram->destination[1] & 0xc0) == 0x80);

	*name = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(datagram->destination_port)};
	name->sin6_scope_id = is_local ? datagram->interface : 0;
	memcpy(&name->sin6_addr, datagram->destination, 16);
	memcpy(&info.ipi6_addr, datagram->source, 16);
	message->msg_namelen = sizeof(*name);
	message->msg_controllen = CMSG_SPACE(sizeof(info));
	control->header = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
	memcpy(CMSG_DATA(&control->header), &info, sizeof(info));
}

int cd_send(int descriptor, int family, const struct cd_datagram *datagrams, unsigned count, int *results)
{
	struct mmsghdr messages[CD_BATCH] = {0};
	struct iovec parts[CD_BATCH];
	struct sockaddr_storage names[CD_BATCH];
	union control controls[CD_BATCH] = {0};
	unsigned next = 0;
	int sent = 0;

	if (count > CD_BATCH)
		count = CD_BATCH;
	for (unsigned i = 0; i < count; i++) {
		struct msghdr *message = &messages[i].msg_hdr;

		parts[i] = (struct iovec){(void *)datagrams[i].bytes, datagrams[i].length};
		*message = (struct msghdr){
		    .msg_name = &names[i], .msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = &controls[i]};
		if (family == 4)
			write_v4(message, (struct sockaddr_in *)&names[i], &controls[i], &datagrams[i]);
		else
			write_v6(message, (struct sockaddr_in6 *)&names[i], &controls[i], &datagrams[i]);
		results[i] = 0;
	}
	/* One that can't be sent stops the batch in front of itself: it is noted and passed over. */
	while (next < count) {
		int done = sendmmsg(descriptor, messages + next, count - next, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			results[next++] = done < 0 ? errno : EIO;
			continue;
		}
		sent += done;
		next += (unsigned)done;
	}
	return sent;
}
