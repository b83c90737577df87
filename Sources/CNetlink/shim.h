/* The system's libnl and the kernel's netlink headers, as one Swift module. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setns(2) and unshare(2) */
#endif
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <sched.h>

/* glibc hides it from Swift's own view of <string.h>. */
extern const char *strerrorname_np(int code);
