/* SPDX-License-Identifier: BSD-2-Clause */
#include "fa_reasons.h"

/* clang-format off */
static const struct {
	const char *name;
	const char *text;
	enum fa_reason_kind kind;
} reasons[FA_REASON_COUNT] = {
	[FA_REASON_NONE] = {"none", "passed to the kernel unchanged", FA_KIND_kernel},
#define FA_REASON_ROW(id, name_, kind_, text_) [FA_REASON_##id] = {name_, text_, FA_KIND_##kind_},
	FA_REASONS(FA_REASON_ROW)
#undef FA_REASON_ROW
};
/* clang-format on */

const char *fa_reason_name(enum fa_reason reason)
{
	return (unsigned)reason < FA_REASON_COUNT ? reasons[reason].name : "unknown";
}

const char *fa_reason_text(enum fa_reason reason)
{
	return (unsigned)reason < FA_REASON_COUNT ? reasons[reason].text : "unknown";
}

enum fa_reason_kind fa_reason_kind(enum fa_reason reason)
{
	return (unsigned)reason < FA_REASON_COUNT ? reasons[reason].kind : FA_KIND_drop;
}
