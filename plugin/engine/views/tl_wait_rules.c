/* tl_wait_rules.c - what a wait was for, from the segment that ends it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * docs/whole.md, "Waits", numbers the rules; the first that holds decides.
 */
#include "views/tl_wait_state.h"

/* Who was released by a report sends within this time, and half a leg, at most 20 ms: what an ACK clock, a scheduler and an estimate of
 * the leg need. */
static const int64_t RELEASE_NS = 3 * TL_MS, RELEASE_MOST_NS = 20 * TL_MS;
/* What Nagle's algorithm held goes with the ACK: all that is uncertain is the leg. */
enum { NAGLE_LEG_PARTS = 8 };
/* An ACK later than this is one that its receiver held back, or that stood in a queue. */
static const int64_t LATE_ACK_NS = 20 * TL_MS;
/* The least retransmission timeout of Linux, beside the round trip. */
static const int64_t HIDDEN_TIMER_NS = 200 * TL_MS;
/* Without a leg a turn longer than this is not known to be the network's or a program's. */
static const int64_t UNKNOWN_TURN_NS = 5 * TL_MS;

/* What the rules look at. */
struct look {
    const struct tl_waits *waits;
    const struct tl_wait_state *state;
    const struct tl_wait_end *x, *y;
    unsigned xi;        /* end of X */
    unsigned client;    /* end that is the client */
    int64_t since, now; /* the wait */
    int64_t leg, leg_y; /* as they count */
    int64_t release;
    bool same; /* X itself made the event before */
};

static struct look wait_rules_look_at(const struct tl_waits *waits, unsigned x, unsigned client, int64_t now)
{
    const struct tl_wait_state *state = waits->state;
    struct look look = {
        .waits = waits, .state = state, .x = &state->end[x], .y = &state->end[1 - x], .xi = x, .client = client};
    int64_t half;

    look.since = waits->since_ns;
    look.now = now;
    look.leg = tl_wait_leg(look.x);
    look.leg_y = tl_wait_leg(look.y);
    half = look.leg / 2;
    look.release = RELEASE_NS + (half < RELEASE_MOST_NS ? half : RELEASE_MOST_NS);
    look.same = waits->since_end == x;
    return look;
}

static int64_t wait_rules_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t wait_rules_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool wait_rules_all_acked(const struct tl_wait_end *end)
{
    return end->has_una && end->has_max && !tl_seq_before(end->una, end->max);
}

static unsigned wait_rules_program_of(const struct look *look)
{
    return TL_WAIT_CLASS_PROGRAM + look->xi;
}

/* ---- rule 6: a turn ------------------------------------------------------------------------------------------------------- */

/* Network until what the other end sent can have reached X and X's answer be back here, then X's program. */
static void wait_rules_turn(const struct look *look, struct tl_wait_split *split)
{
    int64_t arrival = look->since + look->leg;
    const struct tl_wait_state *state = look->state;

    if (tl_wait_leg_measured(look->x) == TL_WAIT_NEVER && !look->same && look->now - look->since > UNKNOWN_TURN_NS) {
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_UNKNOWN);
        return;
    }
    if (!look->same && state->acked_part != TL_WAIT_NEVER) {
        arrival = wait_rules_later(arrival, state->acked_part); /* the newest bytes were still under way then */
    }
    if (!look->same && state->acked_all != TL_WAIT_NEVER && state->acked_all > arrival &&
        state->acked_all - arrival < LATE_ACK_NS) {
        arrival = state->acked_all;
    }
    tl_wait_piece(split, arrival, TL_WAIT_CLASS_NETWORK);
    tl_wait_piece(split, look->now, wait_rules_program_of(look));
}

/* ---- rule 2: what was sent again ------------------------------------------------------------------------------------------ */

static void wait_rules_repair(struct tl_wait_event *event, const struct look *look, struct tl_wait_split *split)
{
    bool reacts = event->cause == TL_RETRANSMISSION_SACK || event->cause == TL_RETRANSMISSION_FAST ||
                  event->cause == TL_RETRANSMISSION_UNKNOWN || event->cause == TL_RETRANSMISSION_RTO_RECOVERY;
    int64_t begin = look->same ? look->since : look->since + look->leg;

    if (reacts && look->state->loss_from != TL_WAIT_NEVER) {
        tl_wait_piece(split, wait_rules_later(look->since, look->state->loss_from), TL_WAIT_CLASS_NETWORK);
    } else if (event->hidden && (!look->same || wait_rules_all_acked(look->x)) && look->x->has_max &&
               tl_wait_leg_measured(look->x) != TL_WAIT_NEVER) {
        /* Sent once before, lost before it was captured: of the wait only the timer's share is an estimate. */
        event->guessed = true;
        tl_wait_piece(split, begin, TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, wait_rules_later(begin, look->now - look->leg - look->leg_y - HIDDEN_TIMER_NS),
                      wait_rules_program_of(look));
    }
    tl_wait_piece(split, look->now, TL_WAIT_CLASS_LOSS);
}

/* ---- rules 3 and 4: closing ----------------------------------------------------------------------------------------------- */

static void wait_rules_closing(const struct tl_wait_event *event, const struct look *look, struct tl_wait_split *split)
{
    bool is_rst = event->seg->flags & TL_RST;
    unsigned data = look->state->data;

    if (is_rst && look->same && look->waits->silent_ns > 0) {
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_LOSS); /* it gives up */
    } else if (look->x->fin || look->y->fin) {
        if (look->same) {
            tl_wait_piece(split, look->now, wait_rules_program_of(look));
        } else {
            wait_rules_turn(look, split);
        }
    } else if (data == look->client) {
        /* The server owes an answer, whoever closes. */
        tl_wait_piece(split, look->since + tl_wait_leg(&look->state->end[1 - look->client]), TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_PROGRAM + 1 - look->client);
    } else {
        tl_wait_piece(split, look->same && data != TL_WAIT_NOBODY ? look->since : look->since + look->leg,
                      TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_IDLE);
    }
}

/* ---- rule 5: windows ------------------------------------------------------------------------------------------------------ */

/* What the reports since X's last new bytes say of the window. */
struct window_look {
    int64_t opened, missed; /* it opened so, as X knew; it opened so, and X did not hear it; TL_WAIT_NEVER = it did not */
    bool closed;            /* the receiver did not read, else its buffer is too small */
    bool queued;            /* neither: the ACKs stood in a queue */
};

/* Whether the ACK of a full window came late because of a queue, not of its receiver: later than two trips, and others close before. */
static bool wait_rules_stood_in_queue(const struct look *look, const struct tl_wait_report *report, int64_t before)
{
    int64_t age = report->covered == TL_WAIT_NEVER ? 0 : report->ns - report->covered;

    return tl_wait_leg_measured(look->y) != TL_WAIT_NEVER && age > 2 * tl_wait_leg_measured(look->y) + LATE_ACK_NS &&
           before != TL_WAIT_NEVER && report->ns - before < age / 4;
}

static struct window_look wait_rules_look_at_window(const struct look *look)
{
    const struct tl_wait_end *x = look->x, *y = look->y;
    uint32_t mss = tl_wait_mss(look->waits, look->xi), half = y->window_max / 2 > 0 ? y->window_max / 2 : 1;
    int32_t room_needed = (int32_t)(mss < half ? mss : half);
    struct window_look seen = {TL_WAIT_NEVER, TL_WAIT_NEVER, false, false};
    const struct tl_wait_report *report;
    int64_t before = TL_WAIT_NEVER;

    for (unsigned i = 0; (report = tl_wait_report_at(y, i)) != NULL && tl_wait_knows(look->leg, report, look->now); i++) {
        bool has_room = tl_seq_diff(report->ack + report->window, x->sent_end) >= room_needed;

        if (tl_wait_knows(look->leg, report, x->sent_ns)) {
            seen.closed = report->window < mss;
        } else if (x->probed_ns != TL_WAIT_NEVER && tl_wait_knows(look->leg, report, x->probed_ns)) {
            seen.missed = has_room && seen.missed == TL_WAIT_NEVER ? report->ns : seen.missed;
        } else if (has_room) {
            seen.opened = report->ns;
            seen.queued = wait_rules_stood_in_queue(look, report, before);
            seen.closed = seen.closed || !report->moves || report->window < y->window_max / 2;
            break;
        } else if (!tl_seq_before(report->ack, x->sent_end)) {
            seen.closed = true;
        }
        before = report->ns;
    }
    return seen;
}

static void wait_rules_window(const struct look *look, struct tl_wait_split *split)
{
    struct window_look seen = wait_rules_look_at_window(look);
    unsigned yi = 1 - look->xi;
    int64_t opened = seen.opened == TL_WAIT_NEVER ? look->now : seen.opened + look->leg;
    unsigned what = (seen.closed ? TL_WAIT_CLASS_CLOSED : TL_WAIT_CLASS_SMALL) + yi;

    if (seen.queued && !seen.closed) {
        what = TL_WAIT_CLASS_NETWORK;
    }
    if (seen.missed != TL_WAIT_NEVER) {
        tl_wait_piece(split, seen.missed + look->leg, TL_WAIT_CLASS_CLOSED + yi);
        tl_wait_piece(split, look->x->probed_ns, TL_WAIT_CLASS_LOSS);
    }
    if (look->now - opened > look->release) {
        tl_wait_piece(split, wait_rules_later(opened, look->since), what);
        tl_wait_piece(split, look->now, wait_rules_program_of(look));
    } else {
        tl_wait_piece(split, look->now, what);
    }
}

/* ---- rules 7 to 9: new bytes ---------------------------------------------------------------------------------------------- */

/* The newest report that X can have known. */
struct known {
    const struct tl_wait_report *report, *before;
    int64_t at;     /* when what it released passes here */
    bool all_acked; /* it acknowledges everything that X had sent */
    bool released;  /* and X sent soon after it */
    bool at_once;   /* and X sent right after it: nothing but this ACK was missing */
};

static struct known wait_rules_known_to(const struct look *look)
{
    struct known known = {NULL, NULL, TL_WAIT_NEVER, false, false, false};
    const struct tl_wait_report *report;

    for (unsigned i = 0; (report = tl_wait_report_at(look->y, i)) != NULL && tl_wait_knows(look->leg, report, look->now); i++) {
        known.before = known.report;
        known.report = report;
    }
    if (known.report) {
        known.at = known.report->ns + look->leg;
        known.all_acked = look->x->has_max && !tl_seq_before(known.report->ack, look->x->max);
        known.released = look->x->has_sent && known.at > look->x->sent_ns && look->now - known.at <= look->release;
        known.at_once = known.released && look->now - known.at <= RELEASE_NS + look->leg / NAGLE_LEG_PARTS;
    }
    return known;
}

/* X's last segment was not full: it had run dry. */
static void wait_rules_after_partial(const struct look *look, const struct known *known, bool is_small,
                                     struct tl_wait_split *split)
{
    int64_t wait = look->now - look->since, round = (look->leg + look->leg_y) / 2;
    unsigned program = look->state->keepalive ? TL_WAIT_CLASS_IDLE : wait_rules_program_of(look);

    if (known->at_once && known->all_acked && is_small && known->report->ns >= look->since) {
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_NAGLE);
    } else if ((known->released && !known->all_acked && wait <= wait_rules_later(LATE_ACK_NS, round)) ||
               wait <= look->release) {
        tl_wait_piece(split, look->now, TL_WAIT_CLASS_NETWORK);
    } else {
        tl_wait_piece(split, look->now, program);
    }
}

/* The time by which the ACK that released X came too late, if its receiver held it back. */
static int64_t wait_rules_held_back(const struct look *look, const struct known *known, int64_t *due)
{
    const struct tl_wait_report *report = known->report, *before = known->before;
    int64_t late;

    if (tl_wait_leg_measured(look->y) == TL_WAIT_NEVER || !look->x->has_sent || report->ns <= look->since) {
        return 0;
    }
    *due =
        (report->is_exact && report->covered != TL_WAIT_NEVER ? report->covered : look->since) + tl_wait_leg_measured(look->y);
    late = report->ns - *due;
    if (late < LATE_ACK_NS) {
        return 0;
    }
    if (before && (report->ns - wait_rules_later(before->ns, look->since) < LATE_ACK_NS ||
                   tl_seq_diff(report->ack, before->ack) >= (int32_t)(2 * tl_wait_mss(look->waits, look->xi)))) {
        return 0;
    }
    *due = wait_rules_later(*due, look->since);
    return wait_rules_earlier(late, report->ns - *due);
}

/* X's last segment was full: it may have had more. */
static void wait_rules_after_full(const struct look *look, const struct known *known, struct tl_wait_split *split)
{
    int64_t due = 0, held = known->released ? wait_rules_held_back(look, known, &due) : 0;

    if (known->released && look->state->needless != TL_WAIT_NEVER) {
        tl_wait_piece(split, look->state->needless, TL_WAIT_CLASS_LOSS); /* the ACKs were lost, up to there */
    } else if (held > 0) {
        tl_wait_piece(split, due, TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, due + held, TL_WAIT_CLASS_DELAYED_ACK);
    } else if (!known->released && known->all_acked && known->at < look->now - look->release) {
        tl_wait_piece(split, wait_rules_later(look->since, known->at), TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, look->now, look->state->keepalive ? TL_WAIT_CLASS_IDLE : wait_rules_program_of(look));
        return;
    }
    tl_wait_piece(split, look->now, TL_WAIT_CLASS_NETWORK);
}

static void wait_rules_new_bytes(const struct tl_wait_event *event, const struct look *look, struct tl_wait_split *split)
{
    uint32_t mss = tl_wait_mss(look->waits, look->xi);
    struct known known = wait_rules_known_to(look);
    bool partial = look->x->len > 0 && look->x->len % mss != 0, is_small = event->seg->len < mss;

    if (!look->same) {
        bool nagle = partial && known.at_once && known.all_acked && known.report->ns > look->since && is_small &&
                     known.report->moves && look->now - look->since > look->leg + look->release;

        if (nagle || (look->state->keepalive && look->xi == look->client)) {
            tl_wait_piece(split, look->since + look->leg, TL_WAIT_CLASS_NETWORK);
            tl_wait_piece(split, look->now, nagle ? TL_WAIT_CLASS_NAGLE : TL_WAIT_CLASS_IDLE);
        } else {
            wait_rules_turn(look, split);
        }
    } else if (look->x->len == 0) {
        tl_wait_piece(split, look->now, look->state->keepalive ? TL_WAIT_CLASS_IDLE : wait_rules_program_of(look));
    } else if (partial) {
        wait_rules_after_partial(look, &known, is_small, split);
    } else {
        wait_rules_after_full(look, &known, split);
    }
}

/* ---- all together --------------------------------------------------------------------------------------------------------- */

void tl_wait_decide(struct tl_wait_event *event, struct tl_wait_split *split)
{
    struct look look = wait_rules_look_at(event->waits, event->x, event->client, event->now);
    bool is_rst = event->seg->flags & TL_RST;

    if (event->waits->over) {
        tl_wait_piece(split, event->now, TL_WAIT_CLASS_IDLE);
    } else if (event->acks_fin) {
        tl_wait_piece(split, event->now, TL_WAIT_CLASS_NETWORK);
    } else if (event->opens) {
        tl_wait_piece(split, event->now, event->again ? TL_WAIT_CLASS_LOSS : TL_WAIT_CLASS_HANDSHAKE);
    } else if (event->again) {
        wait_rules_repair(event, &look, split);
    } else if (is_rst && !look.state->opened && look.state->data == TL_WAIT_NOBODY) {
        tl_wait_piece(split, event->now, TL_WAIT_CLASS_HANDSHAKE);
    } else if (is_rst || (event->seg->flags & TL_FIN && event->seg->len == 0)) {
        wait_rules_closing(event, &look, split);
    } else if (look.x->limited && look.x->has_sent) {
        wait_rules_window(&look, split);
    } else {
        wait_rules_new_bytes(event, &look, split);
    }
}

/* Whether the last word of an end is a closed window that holds the other end back. */
static bool wait_rules_holds_back(const struct tl_wait_state *state, unsigned y)
{
    const struct tl_wait_end *end = &state->end[y];

    return state->end[1 - y].limited && end->count > 0 && end->reports[end->newest].window == 0;
}

void tl_wait_decide_end(const struct tl_waits *waits, unsigned client, struct tl_wait_split *split)
{
    const struct tl_wait_state *state = waits->state;
    struct look look = wait_rules_look_at(waits, waits->since_end, client, waits->last_ns);
    int64_t arrival = look.since + look.leg_y;

    if (waits->over) {
        tl_wait_piece(split, look.now, TL_WAIT_CLASS_IDLE);
    } else if (wait_rules_holds_back(state, 0) || wait_rules_holds_back(state, 1)) {
        tl_wait_piece(split, look.now, TL_WAIT_CLASS_CLOSED + (wait_rules_holds_back(state, 0) ? 0 : 1));
    } else if (!wait_rules_all_acked(look.x)) {
        tl_wait_piece(split, look.now, TL_WAIT_CLASS_UNKNOWN);
    } else {
        bool owes = state->data == client && state->data == look.xi;

        if (!owes && state->acked_all != TL_WAIT_NEVER) {
            arrival = wait_rules_earlier(state->acked_all, arrival + LATE_ACK_NS);
        }
        tl_wait_piece(split, arrival, TL_WAIT_CLASS_NETWORK);
        tl_wait_piece(split, look.now, owes ? TL_WAIT_CLASS_PROGRAM + 1 - client : TL_WAIT_CLASS_IDLE);
    }
}
