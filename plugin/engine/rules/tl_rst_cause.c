/* tl_rst_cause.c - what follows from the cause of a RST: step, effect, states, word for the connection, as one table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sources: RFC 9293 3.5.2 and 3.10.7 (what an answer says of its sender), 3.10.5 (abort), RFC 5961 3 (what a receiver ignores).
 */
#include "rules/tl_rst_cause.h"

enum ends { ENDS_NOTHING, ENDS_BY_FORM };
enum gone { STAYS, GONE };
enum receiver { HEARS, DEAF };
enum device { KEEPS, REPLACES, YIELDS };

/* One name for each row, so that none is there twice; as many as there are causes, so that none is missing. */
enum row {
#define TL_RST_CAUSE_ROW(cause, ...) ROW_##cause,
#include "rules/tl_rst_cause.def"
    ROW_COUNT
};
_Static_assert(ROW_COUNT == TL_RST_CAUSE_COUNT - 1, "a cause of tl_names.def has no row in tl_rst_cause.def");

static const struct tl_rst_traits traits[TL_RST_CAUSE_COUNT] = {
    [TL_RST_CAUSE_NONE] = {.word = TL_VERDICT_RESET, .sender = TL_RST_SENDER_BY_FORM, .may_end = true, .gone = true},
#define TL_RST_CAUSE_ROW(cause, step_, ends, gone_, sender_, receiver, link_, device, word_)                                   \
    [TL_RST_CAUSE_##cause] = {                                                                                                 \
        .step = TL_HANDSHAKE_STEP_##step_,                                                                                     \
        .sender = TL_RST_SENDER_##sender_,                                                                                     \
        .link = TL_RST_LINK_##link_,                                                                                           \
        .word = TL_VERDICT_##word_,                                                                                            \
        .may_end = ENDS_##ends == ENDS_BY_FORM,                                                                                \
        .gone = (gone_) == GONE,                                                                                               \
        .deaf = (receiver) == DEAF,                                                                                            \
        .of_end = (device) == REPLACES,                                                                                        \
        .yields = (device) == YIELDS,                                                                                          \
    },
#include "rules/tl_rst_cause.def"
};

const struct tl_rst_traits *tl_rst_traits(enum tl_rst_cause cause)
{
    return &traits[cause];
}
