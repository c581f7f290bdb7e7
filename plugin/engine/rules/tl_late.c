/* tl_late.c - one direction of the capture is written later than the other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Observed: captures of several queues, of two taps, of mirror ports. RFC 9293 3.4 (nobody acknowledges what he has not got), RFC 7323 4.3
 * (an echo shows that a segment had arrived).
 */
#include "rules/tl_late.h"

#include "rules/tl_open.h"

/* Two queues of one capture are not further apart: a buffer of a tap is emptied more often. */
static const int64_t LATE_MOST_NS = 50 * TL_MS;
/* The same, where neither timestamps nor IP IDs say that it is the first transmission: no timer falls into this time but by chance. */
static const int64_t LATE_BLIND_NS = 3 * TL_MS;
/* How far an ACK can reach beyond the SYN-ACK that is still to be written. */
enum { FIRST_FLIGHT = 65536 };

const struct tl_recent_entry *tl_late_acked_by(const struct tl_step *step, uint32_t octet)
{
    const struct tl_recent_entry *e, *first = NULL;

    for (unsigned i = 0; (e = tl_recent_at(&step->peer->recent, i)) != NULL; i++) {
        if ((e->flags & TL_ACK) && !(e->flags & TL_RST) && tl_seq_after(e->ack, octet)) {
            first = e;
        } else if (first) {
            break;
        }
    }
    return first;
}

/* Whether the other end has echoed this timestamp or a later one: a repetition that it had not got yet would carry a newer one
 * (RFC 7323 4.3). */
static bool late_is_echoed(const struct tl_step *step)
{
    return (step->seg->options & TL_OPT_TIMESTAMPS) && step->peer->has_echo &&
           !tl_seq_after(step->seg->tsval, step->peer->tsecr);
}

/* Whether its IP ID is the next one: no packet of its sender went by without being captured. */
static bool late_has_next_id(const struct tl_step *step)
{
    const struct tl_recent_entry *newest = tl_recent_at(&step->self->recent, 0);

    return newest && !step->seg->ipv6 && step->seg->ip_id != 0 && step->seg->ip_id == (uint16_t)(newest->ip_id + 1);
}

bool tl_late_is_echoed(const struct tl_step *step)
{
    return !step->copy_of && !step->stray && step->event != TL_EVENT_RST &&
           !tl_late_is_quiet_about(step->self, step->peer, step->seg);
}

bool tl_late_may_fill(const struct tl_step *step)
{
    const struct tl_recent_entry *acked_by = tl_late_acked_by(step, step->end - 1);

    return late_is_echoed(step) || ((step->self->capture & TL_CAPTURE_LATE) &&
                                    (!acked_by || tl_since(step, acked_by->time_ns) <= step->self->late_ns + LATE_BLIND_NS));
}

bool tl_late_is(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;
    const struct tl_recent_entry *acked_by;
    int64_t late_ns;

    if (step->length == 0 || !self->has_una || !self->has_seen || step->seg->seq != self->seen || step->copy_of ||
        step->stray || !tl_seq_after(self->una, step->seg->seq) || (step->seg->flags & (TL_SYN | TL_RST))) {
        return false;
    }
    acked_by = tl_late_acked_by(step, step->seg->seq);
    if (!acked_by) {
        return false;
    }
    late_ns = tl_since(step, acked_by->time_ns);
    return late_ns <= LATE_BLIND_NS || (late_ns <= LATE_MOST_NS && (late_is_echoed(step) || late_has_next_id(step)));
}

bool tl_late_is_synack(const struct tl_conn *conn, const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return conn->opened && self->segments == 0 && self->has_una && tl_syns(step->peer)->count > 0 &&
           self->una - (step->seg->seq + 1) <= FIRST_FLIGHT && tl_open_synack_fits(conn, step->peer, step->seg->ack);
}

bool tl_late_is_syn(const struct tl_conn *conn, const struct tl_segment *seg)
{
    const struct tl_endpoint *x = &conn->endpoint[seg->from & 1], *y = &conn->endpoint[1 - (seg->from & 1)];
    const struct tl_recent_entry *e;

    if (tl_synacks(y)->count == 0 || tl_syns(x)->count > 0 || !x->has_una) {
        return false;
    }
    for (unsigned i = 0; (e = tl_recent_at(&y->recent, i)) != NULL; i++) {
        if ((e->flags & (TL_SYN | TL_ACK)) == (TL_SYN | TL_ACK) &&
            tl_seq_within(e->ack, seg->seq + 1, seg->seq + 1 + seg->len)) {
            return true;
        }
    }
    return false;
}

bool tl_late_is_due(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    return step->length == 0 && self->has_seen && self->has_una && step->seg->seq == self->seen &&
           tl_seq_after(self->una, self->seen) && self->unseen_in != 0 && tl_since(step, self->unseen_ns) <= LATE_MOST_NS;
}

/* The bytes were taken for lost by the capture when they were acknowledged. */
static void late_count_as_captured(struct tl_endpoint *self, uint32_t octets)
{
    uint32_t counted = self->unseen_bytes < octets ? (uint32_t)self->unseen_bytes : octets;

    self->unseen_bytes -= counted;
    self->seen_bytes += counted;
}

void tl_late_learn(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    bool is_data = step->late && !(step->seg->flags & TL_SYN);
    const struct tl_recent_entry *acked_by;

    if (tl_late_is_echoed(step)) {
        self->capture |= TL_CAPTURE_LATE;
    }
    if (!step->late) {
        return;
    }
    acked_by = tl_late_acked_by(step, step->seg->seq);
    self->capture |= TL_CAPTURE_LATE;
    if (acked_by) {
        self->late_ns = tl_max_ns(self->late_ns, tl_since(step, acked_by->time_ns));
    }
    if (is_data) {
        late_count_as_captured(self, tl_seq_before(step->end, self->una) ? step->length : self->una - step->seg->seq);
    }
}
