/* tl_zeek_take.c - one packet as Zeek's TCP analyzer takes it: flags, numbers, gaps, retransmissions, windows (docs/zeek.md).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "record/tl_zeek_take.h"

#include "base/tl_seq.h"

#include <string.h>

/* A SYN or RST whose end lies further from the highest end moves nothing; nor does an acknowledgment number of 0 so far ahead. */
static const int32_t FAR_BYTES = 1 << 20;

/* TCP ports that the scripts which Zeek loads by default register for an analyzer, ascending (Zeek 9.1, scripts/base/protocols). */
static const uint16_t server_ports[] = {
    21,   22,   25,   53,   79,   80,   81,   88,   110,  135,  139,  143,  389,  443,  445,   465,  502,
    563,  585,  587,  614,  631,  636,  989,  990,  992,  993,  995,  1080, 1434, 1883, 2811,  3128, 3268,
    3306, 3389, 5222, 5223, 5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
};

/* The packet at hand. */
struct packet {
    const struct tl_segment *seg;
    struct tl_zeek_end *self, *peer;
    unsigned from;  /* end that sent it */
    uint32_t asked; /* raw number that an acknowledgment before the first packet of self says it begins at */
};

static bool zeek_take_has(const struct packet *p, unsigned flag)
{
    return (p->seg->flags & flag) != 0;
}

/* ---- letters ------------------------------------------------------------------------------------------------------------ */

static void zeek_take_append(struct tl_zeek *zeek, char letter)
{
    if (zeek->count < TL_ZEEK_LETTERS_MAX) {
        zeek->letters[zeek->count++] = letter;
    } else {
        zeek->cut = true;
    }
}

/* Upper case from the originator, lower case from the responder. */
static void zeek_take_append_of(struct tl_zeek *zeek, unsigned end, char letter)
{
    zeek_take_append(zeek, tl_zeek_role_of(zeek, end) == TL_ZEEK_ORIGINATOR ? letter : (char)(letter - 'A' + 'a'));
}

bool tl_zeek_tell_once(struct tl_zeek *zeek, unsigned end, enum tl_zeek_seen seen, char letter)
{
    if (tl_zeek_has_told(zeek, end, seen)) {
        return true;
    }
    zeek->seen[tl_zeek_role_of(zeek, end)] |= (uint8_t)seen;
    zeek_take_append_of(zeek, end, letter);
    return false;
}

/* Gives the letter once, and again whenever the number is another one than the last time. */
static void zeek_take_append_numbered(struct tl_zeek *zeek, unsigned end, enum tl_zeek_seen seen, char letter, uint32_t *last,
                                      uint32_t number)
{
    if (tl_zeek_tell_once(zeek, end, seen, letter) && *last != number) {
        zeek_take_append_of(zeek, end, letter);
    }
    *last = number;
}

/* Gives the letter at the 1st, 10th, 100th ... time. */
static void zeek_take_append_scaled(struct tl_zeek *zeek, unsigned end, char letter, uint32_t *times)
{
    uint64_t power = 1;

    if (*times == UINT32_MAX) {
        return;
    }
    ++*times;
    /* share append_scaled: 1, 10, 100 ... times; Zeek's own */
    while (power < *times) {
        power *= 10;
    }
    if (power == *times) {
        zeek_take_append_of(zeek, end, letter);
    }
}

/* ---- originator --------------------------------------------------------------------------------------------------------- */

static bool zeek_take_is_server_port(uint16_t port)
{
    for (size_t i = 0; i < sizeof server_ports / sizeof server_ports[0] && server_ports[i] <= port; i++) {
        if (server_ports[i] == port) {
            return true;
        }
    }
    return false;
}

static void zeek_take_flip(struct tl_zeek *zeek)
{
    bool met = zeek->met[TL_ZEEK_ORIGINATOR];

    zeek->originator = 1 - zeek->originator;
    zeek->met[TL_ZEEK_ORIGINATOR] = zeek->met[TL_ZEEK_RESPONDER];
    zeek->met[TL_ZEEK_RESPONDER] = met;
    zeek->partial = false;
}

/* The sender of the first packet, unless that is no SYN and comes from a port of a known server. */
static void zeek_take_begin(struct tl_zeek *zeek, const struct tl_segment *seg)
{
    unsigned from = seg->from & 1;
    uint16_t source = zeek->port[from], destination = zeek->port[1 - from];

    zeek->begun = true;
    zeek->originator = (uint8_t)from;
    if ((seg->flags & (TL_SYN | TL_ACK)) == TL_SYN || !zeek_take_is_server_port(source)) {
        return;
    }
    if (zeek_take_is_server_port(destination) && ((seg->flags & TL_SYN) || source >= destination)) {
        return;
    }
    zeek->originator = (uint8_t)(1 - from);
    zeek_take_append(zeek, '^');
}

/* After a lone SYN-ACK data and ACKs show that its sender was asked for it: a scan by SYN-ACKs would draw a RST. Zeek rewrites
 * the letter but not what it has noted for the two roles. */
static void zeek_take_flip_after_lone_synack(struct tl_zeek *zeek)
{
    if (zeek->count != 1 || zeek->letters[0] != 'H') {
        return;
    }
    zeek_take_flip(zeek);
    zeek->count = 0;
    zeek_take_append(zeek, '^');
    zeek_take_append(zeek, 'h');
    zeek->met[TL_ZEEK_ORIGINATOR] = true;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------ */

static void zeek_take_start_at(struct tl_zeek_end *end, uint32_t start, uint32_t last)
{
    end->start = end->ack = start;
    end->last = last;
}

/* Begins the numbers of the sender, or begins them anew with a SYN. */
static void zeek_take_begin_numbers(const struct packet *p, uint32_t past)
{
    struct tl_zeek_end *self = p->self;
    uint32_t seq = p->seg->seq;
    bool anew = self->state != TL_ZEEK_CLOSED && (self->state != TL_ZEEK_RESET || self->before == TL_ZEEK_INACTIVE);

    if (self->state == TL_ZEEK_INACTIVE && !zeek_take_has(p, TL_SYN)) {
        zeek_take_start_at(self, seq - 1, seq);
    } else if (zeek_take_has(p, TL_SYN) && (self->state == TL_ZEEK_SYN_SENT || self->state == TL_ZEEK_SYN_ACK_SENT)) {
        if (seq != self->start) {
            zeek_take_start_at(self, seq, past);
        }
    } else if (zeek_take_has(p, TL_SYN) && anew) {
        zeek_take_start_at(self, seq, past);
    }
}

/* Learns from the acknowledgment. Returns how far it goes, relative. */
static uint32_t zeek_take_take_ack(const struct packet *p)
{
    struct tl_zeek_end *peer = p->peer;
    uint32_t ack = p->seg->ack;
    int32_t advance;

    if (peer->state == TL_ZEEK_INACTIVE) {
        zeek_take_start_at(peer, ack - 1, ack - 1);
        return 1;
    }
    advance = tl_seq_diff(ack, peer->ack);
    if (!zeek_take_has(p, TL_RST) && advance > 0 && (ack != 0 || advance <= FAR_BYTES)) {
        peer->ack = ack;
    }
    return ack - peer->start;
}

/* Moves the highest end, or finds that the payload came again. */
static void zeek_take_take_end(struct tl_zeek *zeek, const struct packet *p, uint32_t past)
{
    struct tl_zeek_end *self = p->self;
    int32_t advance = tl_seq_diff(past, self->last);

    if ((zeek_take_has(p, TL_SYN) || zeek_take_has(p, TL_RST)) && (advance > FAR_BYTES || advance < -FAR_BYTES)) {
        return;
    }
    if (zeek_take_has(p, TL_FIN) && self->last == self->start + 1) {
        self->last = past;
    } else if (self->state != TL_ZEEK_RESET && advance > 0) {
        self->last = past;
    } else if (self->state != TL_ZEEK_RESET && p->seg->len > 0) {
        zeek_take_append_scaled(zeek, p->from, 'T', &self->resent);
    }
}

/* ---- holes -------------------------------------------------------------------------------------------------------------- */

static void zeek_take_drop_first_piece(struct tl_zeek_end *end)
{
    end->pieces--;
    memmove(&end->piece[0], &end->piece[1], end->pieces * sizeof end->piece[0]);
}

/* Goes on to `to`, and through the pieces that begin there. */
static void zeek_take_advance_to(struct tl_zeek_end *end, uint32_t to)
{
    end->next = to;
    while (end->pieces > 0 && !tl_seq_after(end->piece[0].from, end->next)) {
        if (tl_seq_after(end->piece[0].to, end->next)) {
            end->next = end->piece[0].to;
        }
        zeek_take_drop_first_piece(end);
    }
}

/* Puts a piece among the others, and joins those that touch. */
static void zeek_take_keep_piece(struct tl_zeek_end *end, struct tl_zeek_piece piece)
{
    struct tl_zeek_piece all[TL_ZEEK_PIECES_MAX + 1];
    unsigned count = 0, i = 0;

    while (i < end->pieces && tl_seq_before(end->piece[i].to, piece.from)) {
        all[count++] = end->piece[i++];
    }
    for (; i < end->pieces && !tl_seq_after(end->piece[i].from, piece.to); i++) {
        piece.from = tl_seq_before(end->piece[i].from, piece.from) ? end->piece[i].from : piece.from;
        piece.to = tl_seq_after(end->piece[i].to, piece.to) ? end->piece[i].to : piece.to;
    }
    all[count++] = piece;
    while (i < end->pieces) {
        all[count++] = end->piece[i++];
    }
    if (count > TL_ZEEK_PIECES_MAX) {
        count--;
        all[count - 1].to = all[count].to;
    }
    memcpy(end->piece, all, count * sizeof all[0]);
    end->pieces = (uint8_t)count;
}

static void zeek_take_take_payload(const struct packet *p)
{
    struct tl_zeek_end *self = p->self;
    struct tl_zeek_piece piece = {.from = p->seg->seq - self->start + zeek_take_has(p, TL_SYN)};
    uint32_t acked = self->ack - self->start;

    piece.to = piece.from + p->seg->len;
    if (!tl_seq_after(piece.to, self->next) || !tl_seq_after(piece.to, acked)) {
        return;
    }
    if (tl_seq_before(piece.from, acked)) {
        piece.from = acked;
    }
    if (tl_seq_after(piece.from, self->next)) {
        zeek_take_keep_piece(self, piece);
    } else {
        zeek_take_advance_to(self, piece.to);
    }
}

static bool zeek_take_is_clean(const struct tl_zeek_end *end)
{
    return end->state == TL_ZEEK_ESTABLISHED || (end->state == TL_ZEEK_CLOSED && end->before == TL_ZEEK_ESTABLISHED);
}

static void zeek_take_give_up_hole(struct tl_zeek *zeek, const struct packet *p, uint32_t to)
{
    if (zeek_take_is_clean(p->self) && zeek_take_is_clean(p->peer)) {
        zeek_take_append_scaled(zeek, 1 - p->from, 'G', &p->peer->gaps);
    }
    zeek_take_advance_to(p->peer, to);
}

/* What the acknowledgment passes and was not captured will never be: one gap for each hole. */
static void zeek_take_find_gaps(struct tl_zeek *zeek, const struct packet *p, uint32_t acked)
{
    struct tl_zeek_end *peer = p->peer;

    if (peer->has_fin && !tl_seq_before(acked, peer->fin)) {
        acked = peer->fin - 1;
    }
    if (acked <= 2 && zeek->partial) {
        return;
    }
    while (peer->pieces > 0 && tl_seq_before(peer->piece[0].from, acked)) {
        zeek_take_give_up_hole(zeek, p, peer->piece[0].from);
    }
    if (tl_seq_after(acked, peer->next)) {
        zeek_take_give_up_hole(zeek, p, acked);
    }
}

/* ---- states ------------------------------------------------------------------------------------------------------------- */

static void zeek_take_set_state(struct tl_zeek_end *end, enum tl_zeek_end_state state)
{
    if (end->state != state) {
        end->before = end->state;
        end->state = (uint8_t)state;
    }
}

/* The responder's SYN opens the connection, with or without the ACK flag. */
static void zeek_take_open_by_responder(struct tl_zeek *zeek, const struct packet *p)
{
    if (!zeek_take_has(p, TL_ACK) && p->peer->state == TL_ZEEK_SYN_ACK_SENT && p->seg->seq == p->asked) {
        /* The SYN was captured after the SYN-ACK that answers it. */
        zeek_take_flip(zeek);
        zeek_take_append(zeek, '^');
        zeek_take_set_state(p->peer, TL_ZEEK_ESTABLISHED);
        zeek->met[TL_ZEEK_ORIGINATOR] = true;
    }
    if (p->peer->state == TL_ZEEK_SYN_SENT) {
        zeek_take_set_state(p->peer, TL_ZEEK_ESTABLISHED);
    }
    zeek_take_set_state(p->self, TL_ZEEK_ESTABLISHED);
}

/* The first packet of an end that says neither SYN nor FIN nor RST. */
static void zeek_take_join(struct tl_zeek *zeek, const struct packet *p)
{
    enum tl_zeek_role role = tl_zeek_role_of(zeek, p->from);

    if (role == TL_ZEEK_RESPONDER && p->seg->len == 0 && p->peer->state == TL_ZEEK_SYN_SENT) {
        return; /* an ACK before the SYN-ACK: some TCPs send it */
    }
    if (zeek_take_has(p, TL_ACK) && p->peer->state == TL_ZEEK_ESTABLISHED) {
        zeek_take_set_state(p->self, TL_ZEEK_ESTABLISHED);
        zeek->partial = false;
        zeek->met[role] = true;
    } else {
        zeek_take_set_state(p->self, TL_ZEEK_PARTIAL);
    }
}

static void zeek_take_leave_inactive(struct tl_zeek *zeek, const struct packet *p)
{
    if (zeek_take_has(p, TL_SYN) && tl_zeek_role_of(zeek, p->from) == TL_ZEEK_RESPONDER) {
        zeek_take_open_by_responder(zeek, p);
    } else if (zeek_take_has(p, TL_SYN)) {
        zeek_take_set_state(p->self, zeek_take_has(p, TL_ACK) ? TL_ZEEK_SYN_ACK_SENT : TL_ZEEK_SYN_SENT);
    }
    if (zeek_take_has(p, TL_FIN)) {
        zeek_take_set_state(p->self, TL_ZEEK_CLOSED);
    }
    if (zeek_take_has(p, TL_RST)) {
        zeek_take_set_state(p->self, TL_ZEEK_RESET);
    }
    if (p->self->state == TL_ZEEK_INACTIVE) {
        zeek_take_join(zeek, p);
    }
}

static void zeek_take_leave_open(const struct packet *p)
{
    struct tl_zeek_end *self = p->self, *peer = p->peer;

    if (zeek_take_has(p, TL_SYN) && !zeek_take_has(p, TL_ACK) && self->state == TL_ZEEK_PARTIAL &&
        peer->state == TL_ZEEK_INACTIVE) {
        zeek_take_set_state(self, TL_ZEEK_SYN_SENT);
    }
    if (zeek_take_has(p, TL_FIN) && !zeek_take_has(p, TL_RST)) {
        zeek_take_set_state(self, TL_ZEEK_CLOSED);
        if (peer->state == TL_ZEEK_RESET && peer->before == TL_ZEEK_CLOSED) {
            zeek_take_set_state(peer, TL_ZEEK_CLOSED); /* FIN, RST, and now a FIN: an ordinary close after all */
        }
    }
    if (zeek_take_has(p, TL_RST)) {
        zeek_take_set_state(self, TL_ZEEK_RESET);
    }
}

static void zeek_take_move(struct tl_zeek *zeek, const struct packet *p)
{
    switch ((enum tl_zeek_end_state)p->self->state) {
    case TL_ZEEK_INACTIVE:
        zeek_take_leave_inactive(zeek, p);
        break;
    case TL_ZEEK_SYN_SENT:
    case TL_ZEEK_SYN_ACK_SENT:
        if (zeek_take_has(p, TL_FIN)) {
            zeek_take_set_state(p->self, TL_ZEEK_CLOSED);
        }
        if (zeek_take_has(p, TL_RST)) {
            zeek_take_set_state(p->self, TL_ZEEK_RESET);
        }
        break;
    case TL_ZEEK_PARTIAL:
    case TL_ZEEK_ESTABLISHED:
        zeek_take_leave_open(p);
        break;
    case TL_ZEEK_CLOSED:
        if (zeek_take_has(p, TL_RST) && p->peer->state != TL_ZEEK_CLOSED) {
            zeek_take_set_state(p->self, TL_ZEEK_RESET);
        }
        break;
    case TL_ZEEK_RESET:
        break;
    }
}

/* ---- one packet --------------------------------------------------------------------------------------------------------- */

/* The letter of the flags. */
static void zeek_take_tell_flags(struct tl_zeek *zeek, const struct packet *p)
{
    struct tl_zeek_end *self = p->self;
    uint32_t number = p->seg->seq - self->start;

    if (zeek_take_has(p, TL_SYN) + zeek_take_has(p, TL_FIN) + zeek_take_has(p, TL_RST) > 1) {
        tl_zeek_tell_once(zeek, p->from, zeek_take_has(p, TL_FIN) && zeek_take_has(p, TL_RST) ? TL_ZEEK_SEEN_I : TL_ZEEK_SEEN_Q,
                          zeek_take_has(p, TL_FIN) && zeek_take_has(p, TL_RST) ? 'I' : 'Q');
    } else if (zeek_take_has(p, TL_SYN)) {
        zeek_take_append_numbered(zeek, p->from, TL_ZEEK_SEEN_SYN, zeek_take_has(p, TL_ACK) ? 'H' : 'S', &self->syn, number);
    } else if (zeek_take_has(p, TL_FIN)) {
        zeek_take_append_numbered(zeek, p->from, TL_ZEEK_SEEN_FIN, 'F', &self->fin, number + p->seg->len + 1);
    } else if (zeek_take_has(p, TL_RST)) {
        zeek_take_append_numbered(zeek, p->from, TL_ZEEK_SEEN_RST, 'R', &self->rst, number);
    } else if (p->seg->len > 0 || zeek_take_has(p, TL_ACK)) {
        zeek_take_flip_after_lone_synack(zeek);
        tl_zeek_tell_once(zeek, p->from, p->seg->len > 0 ? TL_ZEEK_SEEN_D : TL_ZEEK_SEEN_A, p->seg->len > 0 ? 'D' : 'A');
    }
}

static void zeek_take_tell_closed_window(struct tl_zeek *zeek, const struct packet *p)
{
    if (p->seg->window == 0 && !zeek_take_has(p, TL_RST) && p->peer->state != TL_ZEEK_CLOSED &&
        p->self->state != TL_ZEEK_RESET) {
        zeek_take_append_scaled(zeek, p->from, 'W', &p->self->closed_windows);
    }
}

/* Whether the connection is one whose first packets were not seen; a role's first packet decides. */
static void zeek_take_judge_partial(struct tl_zeek *zeek, const struct packet *p)
{
    enum tl_zeek_role role = tl_zeek_role_of(zeek, p->from);

    if (zeek->met[role]) {
        return;
    }
    zeek->partial = role == TL_ZEEK_ORIGINATOR ? !zeek_take_has(p, TL_SYN) || zeek_take_has(p, TL_ACK)
                                               : zeek->partial || !zeek_take_has(p, TL_SYN);
}

void tl_zeek_take(struct tl_zeek *zeek, const struct tl_segment *seg)
{
    unsigned from = seg->from & 1;
    const struct packet p = {
        .seg = seg,
        .self = &zeek->endpoint[from],
        .peer = &zeek->endpoint[1 - from],
        .from = from,
        .asked = zeek->endpoint[from].start,
    };
    uint32_t past =
        seg->seq + (zeek_take_has(&p, TL_RST) ? 0 : seg->len) + zeek_take_has(&p, TL_SYN) + zeek_take_has(&p, TL_FIN);
    uint32_t acked = 0;

    if (!zeek->begun) {
        zeek_take_begin(zeek, seg);
    }
    zeek_take_judge_partial(zeek, &p);
    zeek_take_begin_numbers(&p, past);
    zeek_take_tell_flags(zeek, &p);
    zeek_take_tell_closed_window(zeek, &p);
    if (zeek_take_has(&p, TL_FIN)) {
        p.self->has_fin = true;
        p.self->fin = past - p.self->start;
    }
    if (zeek_take_has(&p, TL_ACK)) {
        acked = zeek_take_take_ack(&p);
    }
    zeek_take_take_end(zeek, &p, past);
    zeek_take_move(zeek, &p);
    if (zeek_take_has(&p, TL_ACK)) {
        zeek_take_find_gaps(zeek, &p, acked);
    }
    zeek->met[tl_zeek_role_of(zeek, from)] = true;
    if (seg->len > 0 && !zeek_take_has(&p, TL_RST)) {
        zeek_take_take_payload(&p);
    }
}
