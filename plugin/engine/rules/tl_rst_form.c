/* tl_rst_form.c - how a RST was made, and which segment it answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.5.2 (the three groups of resets), 3.10.5 (abort), 3.10.7 (answers to segments that fit nothing).
 */
#include "rules/tl_rst_form.h"

#include "conn/tl_window.h"

/* A trigger is looked for among this many segments of the peer; older ones were answered long ago. */
enum { TRIGGERS = 32 };
/* A segment draws its RST within two round trips; 250 ms cover a path whose round trip is not known (docs/design.md). */
static const int64_t TRIGGER_NS = 250 * TL_MS;
/* A RST without ACK flag at the sender's current number answers a segment at most this old, else it stands alone: two round
 * trips, at least 20 ms, or 1 s while the round trip is not known. */
static const int64_t ANSWER_NS = 5 * TL_MS; /* an end answers within this, besides the way */
static const int64_t BARE_NS = 20 * TL_MS, BARE_UNKNOWN_NS = TL_SECOND;

/* F1: the answer to a segment without ACK flag acknowledges all of it. */
static struct tl_recent_entry *rst_form_find_unacknowledging(const struct tl_step *step)
{
    unsigned i;

    for (i = 0; i < TRIGGERS; i++) {
        struct tl_recent_entry *e = tl_recent_at(&step->peer->recent, i);

        if (!e) {
            break;
        }
        if (!(e->flags & (TL_ACK | TL_RST)) && e->seq + tl_event_length(e->flags, e->len) == step->seg->ack) {
            return e;
        }
    }
    return NULL;
}

/* F1b: the answer to a RST. No TCP may send one (RFC 9293 3.10.7.1); 4.4BSD as libslirp has it does (observed), where nothing is left that
 * could be aborted: number 0 for a RST without ACK flag, else the number that the RST acknowledges. */
static struct tl_recent_entry *rst_form_find_reset(const struct tl_step *step)
{
    bool with_ack = tl_has(step, TL_ACK);
    struct tl_recent_entry *e;

    if (tl_sent_only_rsts(step->self) || !(step->self->gone || step->conn->reset.ended)) {
        return NULL;
    }
    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL && i < TRIGGERS; i++) {
        bool fits = with_ack ? !(e->flags & TL_ACK) && step->seg->seq == 0 && step->seg->ack == e->seq
                             : (e->flags & TL_ACK) && step->seg->seq == e->ack;

        if ((e->flags & TL_RST) && fits && !(e->bits & TL_MARK_ANSWERED) && tl_since(step, e->time_ns) <= TRIGGER_NS) {
            return e;
        }
    }
    return NULL;
}

/* Whether a live connection took the segment, so that no RST answers it: X's own ACK says so, or it was the ACK that let X
 * leave LAST-ACK. */
static bool rst_form_was_taken(const struct tl_step *step, const struct tl_recent_entry *e)
{
    if (step->conn->finished && e->frame == step->self->finack_in) {
        return true;
    }
    if (!step->peer->has_una || e->time_ns > step->self->ack_ns) {
        return false; /* what came later than X's last ACK came again, or drew the RST */
    }
    return tl_event_length(e->flags, e->len) > 0 ? !tl_seq_after(e->seq + tl_event_length(e->flags, e->len), step->peer->una)
                                                 : tl_seq_after(step->peer->una, e->seq); /* X took what followed it */
}

/* F2b: the same with ACK flag, as lwIP, uIP and Windows do: both numbers are those of the segment, turned round (RFC 9293 3.5.2 wants no
 * ACK). */
static bool rst_form_is_swapped(const struct tl_step *step, const struct tl_recent_entry *e)
{
    return step->seg->ack == e->seq + tl_event_length(e->flags, e->len) || step->seg->ack == e->seq + 1;
}

/* Whether a RST had ended X's connection when X sent this one. Not if it carries the timestamps agreed on, for only who has the connection
 * knows them (RFC 7323 3.2; observed of all stacks tried): then the earlier RST in X's name was not its own, or Y's had not reached it.
 * Nor if it comes sooner after Y's RST than X answers anything: the two have crossed. */
static bool rst_form_was_reset(const struct tl_step *step)
{
    const struct tl_endpoint *x = step->self;
    bool of_peer = step->conn->reset.ended && step->conn->reset.by != step->from;
    bool crossed = x->half_rtt_of_syn && tl_since(step, step->conn->reset.ns) < x->half_rtt_ns;
    bool knows = (step->seg->options & x->options & TL_OPT_TIMESTAMPS) && x->has_tsval;

    return (x->gone || step->conn->reset.ended) && !knows && (x->gone || !of_peer || !crossed);
}

/* Whether X has no connection that could abort: a RST in live form is an answer then. */
static bool rst_form_has_nothing_to_abort(const struct tl_step *step, const struct tl_recent_entry *e)
{
    const struct tl_endpoint *x = step->self;
    bool asks = tl_syns(x)->count > 0 && !x->sent_plain && tl_synacks(x)->count == 0;

    if (step->peer->has_una && tl_seq_before(step->seg->ack, step->peer->una)) {
        return true; /* a live end would acknowledge all that it has */
    }
    return rst_form_was_reset(step) || step->conn->finished || tl_sent_only_rsts(x) ||
           (asks && !tl_seq_within(e->ack, x->isn + 1, x->isn + 1 + x->syn_extra));
}

/* The first capture of octets that the RST takes and X had not acknowledged, if they are young. */
static const struct tl_recent_entry *rst_form_find_taken(const struct tl_step *step)
{
    int64_t patience = tl_window_patience(step, TRIGGER_NS, 2);
    const struct tl_recent_entry *e, *found = NULL;

    if (step->peer->has_una && !tl_seq_after(step->seg->ack, step->peer->una)) {
        return NULL;
    }
    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL && i < TRIGGERS; i++) {
        if (!(e->flags & TL_RST) && tl_event_length(e->flags, e->len) > 0 && tl_since(step, e->time_ns) <= patience &&
            tl_seq_within(step->seg->ack, e->seq + 1, e->seq + tl_event_length(e->flags, e->len))) {
            found = e;
        }
    }
    return found;
}

/* The first capture of payload that X had not acknowledged, if X can have had it for no longer than an answer takes. */
static const struct tl_recent_entry *rst_form_find_met(const struct tl_step *step)
{
    int64_t half_rtt_ns = step->self->half_rtt_ns == TL_UNKNOWN_NS ? 0 : step->self->half_rtt_ns;
    const struct tl_recent_entry *e, *found = NULL;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL && i < TRIGGERS; i++) {
        if (!(e->flags & TL_RST) && e->len > 0 && (!step->peer->has_una || tl_seq_after(e->seq + e->len, step->peer->una))) {
            found = e;
        }
    }
    return found && tl_since(step, found->time_ns) <= half_rtt_ns / 2 * 3 + ANSWER_NS ? found : NULL;
}

/* F2: the answer to a segment with ACK flag carries its ACK number. Of the candidates that are young and not answered yet the
 * oldest that carries something wins, else the oldest, else the youngest of all: each stray segment draws its own RST. */
static struct tl_recent_entry *rst_form_find_acknowledging(const struct tl_step *step, bool *carries)
{
    bool swapped = tl_has(step, TL_ACK);
    int64_t patience = tl_window_patience(step, TRIGGER_NS, 2);
    bool closed = step->conn->finished || step->conn->reset.ended || step->self->has_fin;
    struct tl_recent_entry *oldest = NULL, *carrying = NULL, *youngest = NULL, *copied = NULL;
    unsigned i;

    for (i = 0; i < TRIGGERS; i++) {
        struct tl_recent_entry *e = tl_recent_at(&step->peer->recent, i);

        if (!e) {
            break;
        }
        if ((e->flags & (TL_ACK | TL_RST)) != TL_ACK || e->ack != step->seg->seq) {
            continue;
        }
        if (swapped && !rst_form_is_swapped(step, e)) {
            continue;
        }
        if (rst_form_was_taken(step, e)) {
            copied = copied ? copied : e;
            continue;
        }
        youngest = youngest ? youngest : e;
        if ((e->bits & TL_MARK_ANSWERED) || tl_since(step, e->time_ns) > patience) {
            continue;
        }
        oldest = e;
        if (tl_event_length(e->flags, e->len) > 0 || (e->bits & (TL_MARK_PROBE | TL_MARK_CHALLENGE))) {
            carrying = e;
        }
    }
    *carries = carrying != NULL;
    if (!youngest && closed) {
        return copied; /* a late copy of it met the closed end */
    }
    return carrying ? carrying : oldest ? oldest : youngest;
}

/* F4: at the current number and no answer. A trigger that carries something which X has not taken explains the RST, however late;
 * after both FINs were acknowledged every trigger does, for there is no connection left to abort. */
static bool rst_form_is_bare(const struct tl_step *step, const struct tl_recent_entry *trigger, bool carries)
{
    int64_t limit = step->rtt_ns == TL_UNKNOWN_NS ? BARE_UNKNOWN_NS : tl_max_ns(BARE_NS, 2 * step->rtt_ns);
    bool lives = !step->conn->finished || step->self->fin_repeated;

    if (!step->self->has_max || step->seg->seq != step->self->max) {
        return false;
    }
    return !trigger || (lives && !carries && tl_since(step, trigger->time_ns) > limit);
}

/* The lowest number of an end that its peer may acknowledge next. The end has sent something. */
static uint32_t rst_form_lowest_unacked(const struct tl_endpoint *e)
{
    if (e->has_una) {
        return e->una;
    }
    if (e->has_isn) {
        return e->isn + 1;
    }
    return tl_scoreboard_started(tl_scoreboard_of(e)) ? tl_scoreboard_una(tl_scoreboard_of(e))
                                                      : e->max; /* not started: memory had run out */
}

/* F3: both numbers are those of a live connection. Bytes of either side may have been lost before the capture point. */
static bool rst_form_is_active(const struct tl_step *step)
{
    const struct tl_endpoint *x = step->self, *y = step->peer;
    uint32_t low = x->has_una ? x->una : x->max, high;

    if (!x->has_max || !y->has_max) {
        return false;
    }
    high = tl_seq_after(low + y->window, x->max) ? low + y->window : x->max;
    return tl_seq_within(step->seg->seq, low, high) &&
           tl_seq_within(step->seg->ack, rst_form_lowest_unacked(y), y->max + x->window);
}

void tl_rst_find_form(struct tl_rst *rst)
{
    struct tl_step *step = rst->step;
    const struct tl_conn *conn = step->conn;
    bool carries = false;

    rst->form = TL_RST_FORM_OTHER;
    if (tl_has(step, TL_ACK) &&
        ((rst->trigger = rst_form_find_reset(step)) != NULL || ((rst->trigger = rst_form_find_unacknowledging(step)) != NULL &&
                                                                (step->seg->seq == 0 || tl_sent_only_rsts(step->self))))) {
        rst->form = TL_RST_FORM_REPLY_NOACK;
    } else if (conn->opening.has_challenge && step->seg->seq == conn->opening.challenge_ack && tl_syns(step->self)->count > 0) {
        rst->form = TL_RST_FORM_REPLY_ACK;
        rst->challenged = true;
        rst->trigger = NULL;
        rst->trigger_in = conn->opening.challenge_in;
        return;
    } else if (tl_has(step, TL_ACK)) {
        rst->trigger = rst_form_find_acknowledging(step, &carries);
        if (rst->trigger && rst_form_has_nothing_to_abort(step, rst->trigger)) {
            rst->form = TL_RST_FORM_REPLY_ACK;
        } else {
            rst->trigger = NULL;
            rst->takes = rst_form_find_taken(step);
            rst->met = rst_form_find_met(step);
            rst->form = rst_form_is_active(step) ? TL_RST_FORM_ACTIVE : TL_RST_FORM_OTHER;
        }
    } else {
        rst->trigger = rst_form_find_acknowledging(step, &carries);
        rst->trigger = rst->trigger ? rst->trigger : rst_form_find_reset(step);
        if (rst_form_is_bare(step, rst->trigger, carries)) {
            rst->trigger = NULL;
            rst->form = TL_RST_FORM_BARE;
        } else if (rst->trigger) {
            rst->form = TL_RST_FORM_REPLY_ACK;
        }
    }
    if (rst->trigger) {
        rst->trigger_in = rst->trigger->frame;
    }
}
