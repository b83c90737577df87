/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a packet that is translated, shared by the functions that do it: in a map, since all of them
 * together have 512 bytes of stack, and a program is not interrupted by another on its processor. */
#pragma once

#include "translation.h"

struct fa_nat_work {
	struct fa_nat_id id; /* of the packet's flow, in its direction */
	struct fa_nat_id other; /* of the entry that is made or looked for */
	struct fa_rewrite rewrite;
	__u32 seen; /* FA_NAT_… */
	__u32 opens; /* may begin a flow when it comes from the host */
	__u32 subscriber;
	__u32 mapping;
	__u32 filter; /* index plus one, 0 for none */
	__be32 outside_be;
	/* Of a packet that an ICMP error quotes: where its transport header is, and see fa_nat_write_quoted. */
	__u32 quoted_transport;
	__u32 quoted_facts;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fa_nat_work);
} fa_nat_work SEC(".maps");

static __always_inline struct fa_nat_work *fa_nat_work_of_packet(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fa_nat_work, &zero);
}
