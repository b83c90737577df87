/* SPDX-License-Identifier: BSD-2-Clause */
/* Somebody else's program on an interface: it lets everything pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int foreign(struct xdp_md *context)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
