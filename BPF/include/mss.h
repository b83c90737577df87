/* SPDX-License-Identifier: BSD-2-Clause */
/* Clamping of the TCP maximum segment size in SYNs, so that a connection that begins before a move
 * still fits when its packets have an outer header (RFC 9293, section 3.7.1). */
#pragma once

#include "checksum.h"
#include "maps.h"
#include "parse.h"

#define FA_TCP_BYTES 20u
/* Options that are looked at; this one is sent among the first. */
#define FA_TCP_OPTIONS_LIMIT 8u

/* Lowers the option in the TCP header at the cursor to the limit, in bytes. */
__noinline int fa_clamp_mss_at(fa_context *context, __u32 cursor, __u32 limit)
{
	void *end = FA_DATA_END(context);
	void *tcp;
	__u32 options;
	__u32 at = FA_TCP_BYTES;

	if (cursor > 2 * FA_CURSOR_LIMIT)
		return 0;
	tcp = FA_DATA(context) + cursor;
	if (tcp + FA_TCP_BYTES > end)
		return 0;
	/* Options that are not all there, or run into what is behind the header, are none. */
	options = (__u32)(*(__u8 *)(tcp + 12) >> 4) * 4;
	if (tcp + options > end)
		return 0;
	FA_LOOP
	for (__u32 i = 0; i < FA_TCP_OPTIONS_LIMIT && at + 4 <= options; i++) {
		void *option;
		__u16 kind_and_length;

		FA_OPAQUE(at);
		at &= 0x7f;
		option = tcp + at;
		if (option + 4 > end)
			return 0;
		kind_and_length = fa_load16(option);
		if ((__u8)kind_and_length == 0)
			return 0;
		if ((__u8)kind_and_length == 1) {
			at += 1;
			continue;
		}
		if (kind_and_length == (2 | 4 << 8)) {
			__u16 old_be = fa_load16(option + 2);
			__u16 new_be = FA_BE16((__u16)limit);
			__u16 checksum;

			if (__builtin_bswap16(old_be) <= limit)
				return 0;
			fa_store16(option + 2, new_be);
			checksum = fa_load16(tcp + 16);
			/* At an odd offset its bytes are in two words, the other way round. */
			if (at & 1)
				checksum =
				    fa_checksum_replace(checksum, __builtin_bswap16(old_be), __builtin_bswap16(new_be));
			else
				checksum = fa_checksum_replace(checksum, old_be, new_be);
			fa_store16(tcp + 16, checksum);
			return 1;
		}
		if (kind_and_length >> 8 < 2)
			return 0;
		at += kind_and_length >> 8;
	}
	return 0;
}

static __always_inline void fa_clamp_mss(fa_context *context, const struct fa_config *config, const struct fa_ip *ip)
{
	void *data = FA_DATA(context);
	void *end = FA_DATA_END(context);
	__u32 cursor = ip->cursor + ip->header;
	__u16 limit;

	if (ip->protocol != FA_PROTOCOL_TCP || FA_UNLIKELY(ip->fragment == FA_FRAGMENT_LATER))
		return;
	FA_OPAQUE(cursor);
	if (cursor > 2 * FA_CURSOR_LIMIT || data + cursor + FA_TCP_BYTES > end)
		return;
	if (FA_LIKELY(!(*(__u8 *)(data + cursor + 13) & FA_TCP_SYN)))
		return;
	limit = ip->version == 4 ? config->mss_v4 : config->mss_v6;
	if (limit)
		fa_clamp_mss_at(context, cursor, limit);
}
