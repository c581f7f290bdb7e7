/* tl_event.c - flags and length of a segment as one event.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_event.h"

/* Row: ACK, RST, SYN, FIN as a number from 0 to 15, in the order of the bits below. */
enum { ROW_FIN = 1, ROW_SYN = 2, ROW_RST = 4, ROW_ACK = 8 };

static const struct row {
    uint8_t event; /* for a segment without payload */
    bool legal;
} rows[16] = {
    [0] = {TL_EVENT_NOTHING, false},                                /* null scan */
    [ROW_FIN] = {TL_EVENT_FIN, false},                              /* every FIN carries ACK; FIN and Xmas scan */
    [ROW_SYN] = {TL_EVENT_SYN, true},                               /* active open */
    [ROW_SYN | ROW_FIN] = {TL_EVENT_SYN, false},                    /* scan, or T/TCP of old */
    [ROW_RST] = {TL_EVENT_RST, true},                               /* answers a segment with ACK */
    [ROW_RST | ROW_FIN] = {TL_EVENT_RST, false},                    /* never sent by a stack */
    [ROW_RST | ROW_SYN] = {TL_EVENT_RST, false},                    /* never sent by a stack */
    [ROW_RST | ROW_SYN | ROW_FIN] = {TL_EVENT_RST, false},          /* never sent by a stack */
    [ROW_ACK] = {TL_EVENT_ACK, true},                               /* or data, by the length */
    [ROW_ACK | ROW_FIN] = {TL_EVENT_FIN, true},                     /* close */
    [ROW_ACK | ROW_SYN] = {TL_EVENT_SYNACK, true},                  /* answers a SYN */
    [ROW_ACK | ROW_SYN | ROW_FIN] = {TL_EVENT_SYNACK, false},       /* never sent by a stack */
    [ROW_ACK | ROW_RST] = {TL_EVENT_RST, true},                     /* abort, or answers a segment without ACK */
    [ROW_ACK | ROW_RST | ROW_FIN] = {TL_EVENT_RST, false},          /* never sent by a stack */
    [ROW_ACK | ROW_RST | ROW_SYN] = {TL_EVENT_RST, false},          /* never sent by a stack */
    [ROW_ACK | ROW_RST | ROW_SYN | ROW_FIN] = {TL_EVENT_RST, false} /* all flags */
};

enum tl_event tl_event_of(unsigned flags, uint32_t len, bool *legal)
{
    const struct row *row = &rows[(flags & TL_FIN ? ROW_FIN : 0) | (flags & TL_SYN ? ROW_SYN : 0) |
                                  (flags & TL_RST ? ROW_RST : 0) | (flags & TL_ACK ? ROW_ACK : 0)];

    *legal = row->legal;
    return row->event == TL_EVENT_ACK && len > 0 ? TL_EVENT_DATA : (enum tl_event)row->event;
}
