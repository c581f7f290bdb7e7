/* tl_zeek.c - conn_state and history of Zeek's conn.log, from the states of its two sides (docs/zeek.md).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_zeek.h"

#include "base/tl_seq.h"
#include "record/tl_zeek_take.h"

#include <string.h>

/* ---- packets ------------------------------------------------------------------------------------------------------------ */

void tl_zeek_init(struct tl_zeek *zeek, const struct tl_endpoints *ends)
{
    memset(zeek, 0, sizeof *zeek);
    zeek->port[0] = ends->port[0];
    zeek->port[1] = ends->port[1];
    zeek->endpoint[0].next = zeek->endpoint[1].next = 1; /* behind the SYN */
}

/* The commonest packet of an open connection: the next octets or an acknowledgment, with nothing missing and nothing again. Does
 * at a third of the cost what the whole recipe would do, and returns false if that is needed. */
static bool zeek_take_ordinary(struct tl_zeek *zeek, const struct tl_segment *seg, unsigned from)
{
    struct tl_zeek_end *self = &zeek->endpoint[from], *peer = &zeek->endpoint[1 - from];

    if ((seg->flags & (TL_SYN | TL_FIN | TL_RST | TL_ACK)) != TL_ACK || seg->window == 0 || seg->ack == 0 ||
        self->state != TL_ZEEK_ESTABLISHED || peer->state != TL_ZEEK_ESTABLISHED) {
        return false;
    }
    if (seg->seq != self->last || seg->seq - self->start != self->next || self->pieces > 0 ||
        tl_seq_after(seg->ack - peer->start, peer->next)) {
        return false;
    }
    tl_zeek_tell_once(zeek, from, seg->len > 0 ? TL_ZEEK_SEEN_D : TL_ZEEK_SEEN_A, seg->len > 0 ? 'D' : 'A');
    self->last += seg->len;
    self->next += seg->len;
    if (tl_seq_after(seg->ack, peer->ack)) {
        peer->ack = seg->ack;
    }
    return true;
}

void tl_zeek_update(struct tl_zeek *zeek, const struct tl_segment *seg)
{
    if (!zeek_take_ordinary(zeek, seg, seg->from & 1)) {
        tl_zeek_take(zeek, seg);
    }
}

/* ---- words -------------------------------------------------------------------------------------------------------------- */

/* Sets of states of an end, one bit for each. */
#define BIT(state) (1 << TL_ZEEK_##state)
enum {
    ANY = 0x7F,
    QUIET = BIT(INACTIVE) | BIT(PARTIAL),
    ASKING = BIT(SYN_SENT) | BIT(SYN_ACK_SENT),
};

enum condition { ALWAYS, NO_BYTES, SYN_THEN_RST };

/* First match, by the states of originator and responder. */
static const struct {
    uint8_t originator, responder;
    uint8_t condition;
    uint8_t word;
} words[] = {
    {ASKING, BIT(RESET), ALWAYS, TL_ZEEK_STATE_REJ},
    {BIT(RESET), BIT(RESET), NO_BYTES, TL_ZEEK_STATE_REJ},
    {QUIET, BIT(RESET), ALWAYS, TL_ZEEK_STATE_RSTRH},
    {ANY, BIT(RESET), ALWAYS, TL_ZEEK_STATE_RSTR},
    {BIT(RESET), QUIET, SYN_THEN_RST, TL_ZEEK_STATE_RSTOS0},
    {BIT(RESET), QUIET, ALWAYS, TL_ZEEK_STATE_OTH},
    {BIT(RESET), ANY, ALWAYS, TL_ZEEK_STATE_RSTO},
    {BIT(CLOSED), BIT(CLOSED), ALWAYS, TL_ZEEK_STATE_SF},
    {BIT(CLOSED), QUIET, ALWAYS, TL_ZEEK_STATE_SH},
    {BIT(CLOSED), ANY, ALWAYS, TL_ZEEK_STATE_S2},
    {QUIET, BIT(CLOSED), ALWAYS, TL_ZEEK_STATE_SHR},
    {ANY, BIT(CLOSED), ALWAYS, TL_ZEEK_STATE_S3},
    {BIT(SYN_SENT), BIT(INACTIVE), ALWAYS, TL_ZEEK_STATE_S0},
    {BIT(ESTABLISHED), BIT(ESTABLISHED), ALWAYS, TL_ZEEK_STATE_S1},
    {ANY, ANY, ALWAYS, TL_ZEEK_STATE_OTH},
};

/* Neither payload captured nor acknowledged: nothing beyond SYN and FIN. */
static bool zeek_has_no_bytes(const struct tl_zeek_end *end)
{
    int32_t highest = tl_seq_diff(end->last, end->start), acked = tl_seq_diff(end->ack, end->start);

    return (highest > acked ? highest : acked) <= 1 + end->has_fin;
}

/* The originator's SYN, then its RST, with none of the letters between that say more of it. */
static bool zeek_is_syn_then_rst(const struct tl_zeek *zeek)
{
    unsigned i = zeek->count > 0 && zeek->letters[0] == '^';

    if (i >= zeek->count || zeek->letters[i] != 'S') {
        return false;
    }
    for (i++; i < zeek->count && !strchr("HAFGIQ", zeek->letters[i]); i++) {
        if (zeek->letters[i] == 'R') {
            return true;
        }
    }
    return false;
}

enum tl_zeek_state tl_zeek_conn_state(const struct tl_zeek *zeek)
{
    const struct tl_zeek_end *o = &zeek->endpoint[zeek->originator & 1], *r = &zeek->endpoint[1 - (zeek->originator & 1)];
    const bool holds[] = {
        [ALWAYS] = true,
        [NO_BYTES] = zeek_has_no_bytes(o) && zeek_has_no_bytes(r),
        [SYN_THEN_RST] = zeek_is_syn_then_rst(zeek),
    };
    size_t i = 0;

    if (!zeek->begun) {
        return TL_ZEEK_STATE_NONE;
    }
    while (!(words[i].originator & (1 << o->state) && words[i].responder & (1 << r->state) && holds[words[i].condition])) {
        i++;
    }
    return (enum tl_zeek_state)words[i].word;
}

void tl_zeek_history(const struct tl_zeek *zeek, char *out, size_t size)
{
    static const char more[] = "...";
    size_t used = 0;

    for (size_t i = 0; i < zeek->count && used + 1 < size; i++) {
        out[used++] = zeek->letters[i];
    }
    for (size_t i = 0; zeek->cut && more[i] && used + 1 < size; i++) {
        out[used++] = more[i];
    }
    if (size > 0) {
        out[used] = '\0';
    }
}
