/* The system's libbpf, as one Swift module. */
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/vfs.h>

/* GNU functions, declared by name: the rest of the C library is seen as everyone else sees it. */
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags);
