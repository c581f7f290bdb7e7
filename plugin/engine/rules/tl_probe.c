/* tl_probe.c - keep-alive and zero-window probes, and their answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.8.4 and RFC 1122 4.2.3.6 (keep-alives), RFC 9293 3.8.6.1 (window probes).
 */
#include "rules/tl_probe.h"

#include "conn/tl_window.h"
#include "rules/tl_late.h"
#include "rules/tl_rexmit.h"

/* Thresholds; docs/design.md has the measurements behind them. */
static const int64_t OLD_ACK_NS = 3 * TL_MS;             /* a reordered ACK comes at most this late, RTT unknown */
static const int64_t PROBE_SILENCE_NS = 100 * TL_MS;     /* data under way when a window closes is younger than this */
static const int64_t ONE_WAY_SILENCE_NS = 200 * TL_MS;   /* peer not captured: a probe comes after at least this */
static const int64_t GARBAGE_SILENCE_NS = TL_SECOND;     /* keep-alive with one octet: idle at least this long */
static const int64_t BACKED_OFF_NS = 48 * TL_SECOND;     /* 0.8 of the least cap of a timer, RFC 6298 2.5: backs off no more */
static const int64_t LONGEST_TIMER_NS = 144 * TL_SECOND; /* 1.2 times 120 s: no retransmission timer is longer */
static const int64_t OVERRIDE_NS = 100 * TL_MS;          /* least wait for more window, RFC 9293 3.8.6.2.1 */
static const int64_t OVERRIDE_UNKNOWN_NS = 300 * TL_MS;  /* the same, RTT unknown */
static const int64_t ANSWER_NS = 20 * TL_MS;             /* an answer comes within a round trip and this */
static const int64_t SAME_ANSWER_NS = 200 * TL_MS;    /* the same, if it says nothing new; the variance that RTOs allow for */
static const int64_t ANSWER_UNKNOWN_NS = 220 * TL_MS; /* an answer comes within this, RTT unknown */

static bool probe_is_closed_window(const struct tl_endpoint *end)
{
    return end->has_window && end->window == 0;
}

static bool probe_all_acked(const struct tl_endpoint *end)
{
    return end->has_una && end->has_max && end->una == end->max;
}

static bool probe_run_is_open(const struct tl_probe_run *run)
{
    return run->count > 0;
}

/* Time since the last segment of either end that was neither probe nor answer. */
static int64_t probe_idle_ns(const struct tl_step *step)
{
    return tl_since(step, tl_max_ns(step->self->silent_ns, step->peer->silent_ns));
}

/* Whether the IP ID stands a little before that of the newest segment of the same end: it was sent before it. */
static bool probe_has_older_id(const struct tl_step *step)
{
    enum { ID_BACK = 200 };
    const struct tl_recent_entry *newest = tl_recent_at(&step->self->recent, 0);
    int back = newest ? (int16_t)(uint16_t)(newest->ip_id - step->seg->ip_id) : 0;

    return newest && newest->ip_id != 0 && step->seg->ip_id != 0 && back > 0 && back <= ID_BACK;
}

/* An ACK sent before the newest segment of the same end and captured after it looks like a keep-alive. */
static bool probe_may_be_old(const struct tl_step *step)
{
    const struct tl_segment *seg = step->seg;
    int64_t limit = step->rtt_ns == TL_UNKNOWN_NS ? OLD_ACK_NS : tl_max_ns(OLD_ACK_NS, step->rtt_ns / 4);

    if (probe_has_older_id(step)) {
        return true;
    }
    if ((seg->options & TL_OPT_TIMESTAMPS) && step->self->has_tsval && seg->tsval != step->self->tsval) {
        return tl_seq_before(seg->tsval, step->self->tsval);
    }
    return tl_since(step, step->self->last_ns) < limit;
}

/* The octet of the window probes before, once more: what opened the window, or took the octet, has not reached the prober. */
static bool probe_goes_on_probing(const struct tl_step *step)
{
    const struct tl_probe_run *run = tl_probes(step->self);

    return step->seg->len == 1 && probe_run_is_open(run) && run->is_window && !run->is_empty && step->seg->seq == run->seq &&
           step->end == step->self->max;
}

/* One octet, not pushed although more must follow, long after the window opened again: the segment that opened it was lost on its way
 * to the prober, whose first probe this is. */
static bool probe_probes_open_window(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self, *peer = step->peer;

    return step->seg->len == 1 && !(step->seg->flags & TL_PSH) && peer->reopened && probe_all_acked(self) &&
           step->seg->seq == self->una && tl_since(step, peer->last_ns) > tl_window_patience(step, PROBE_SILENCE_NS, 2);
}

/* K2, K3: payload into a closed window: RFC 9293 3.8.6.1 asks for new data. Linux sends no payload, see below. */
static bool probe_is_window_probe(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    /* share probe_is_window_probe: 1 old octet; more old octets come from the retransmission timer */
    if (step->seg->len == 0 || (step->seg->len > 1 && tl_seq_before(step->seg->seq, self->max))) {
        return false; /* the latter is old data, sent again by the retransmission timer */
    }
    if ((step->seg->options & TL_OPT_TIMESTAMPS) && step->peer->has_tsval &&
        tl_seq_after(step->seg->tsecr, step->peer->tsval)) {
        return false; /* it has heard something that is not captured, or not yet: what opened the window */
    }
    return probe_is_closed_window(step->peer) && self->has_una && step->seg->seq == self->una &&
           tl_since(step, step->peer->last_ns) > tl_window_patience(step, PROBE_SILENCE_NS, 2);
}

/* K4w: nothing of the peer was captured, so that neither its window nor its acknowledgments are known. */
static bool probe_is_one_way(const struct tl_step *step)
{
    return tl_one_way(step);
}

/* K4: the octet before the next one, nothing outstanding, and no old segment: asks whether the peer is there. */
static bool probe_asks_again(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;
    bool idle = probe_is_one_way(step) ? tl_since(step, self->last_ns) >= ONE_WAY_SILENCE_NS : probe_all_acked(self);

    return step->seg->seq == self->max - 1 && idle && !probe_may_be_old(step) && !tl_late_is_due(step);
}

/* Whether the octet differs from the one that was sent with this number: then nothing is sent again (RFC 1122 4.2.3.6 calls it
 * garbage). The number of a FIN has no octet at all. */
static bool probe_is_garbage(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    if (self->has_fin && !self->fin_inferred && step->seg->seq == self->fin) {
        return true;
    }
    return self->has_octet && self->octet_seq == step->seg->seq && step->seg->has_octet &&
           step->seg->first_octet != self->octet;
}

/* The octet was sent at least twice, and not to probe: a timer that repeats it goes on as it began, whatever this capture point has seen
 * of acknowledgments that do not reach the sender. */
static bool probe_is_repeated_by_timer(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;

    for (unsigned i = 0; i < 2; i++) {
        const struct tl_recent_entry *e = tl_recent_at(&self->recent, i);

        if (!e || e->len != 1 || e->seq != step->seg->seq || (e->bits & TL_MARK_PROBE)) {
            return false;
        }
    }
    return true;
}

/* K5: keep-alive with one octet: garbage, or the last octet again after some silence. */
static bool probe_is_keepalive_octet(const struct tl_step *step, enum tl_confidence *confidence)
{
    bool garbage;

    if (step->seg->len != 1 || probe_is_closed_window(step->peer) || !probe_asks_again(step)) {
        return false;
    }
    garbage = probe_is_garbage(step);
    if (!garbage && probe_is_repeated_by_timer(step)) {
        return false;
    }
    *confidence = garbage && !probe_is_one_way(step) ? TL_CONFIDENCE_CERTAIN : TL_CONFIDENCE_LIKELY;
    return garbage || probe_run_is_open(tl_probes(step->self)) || probe_idle_ns(step) >= GARBAGE_SILENCE_NS;
}

/* ---- probes without payload: one form, two timers ------------------------------------------------------------------------ */

/* K1, K4: Linux, for one, sends the same segment to ask for the window and to ask for the peer. */
static bool probe_is_empty_probe(const struct tl_step *step)
{
    const struct tl_endpoint *self = step->self;
    bool for_window = probe_is_closed_window(step->peer) || (probe_run_is_open(tl_probes(self)) && tl_probes(self)->is_window);

    return step->seg->len == 0 && (for_window ? step->seg->seq == self->max - 1 : probe_asks_again(step));
}

/* Time since the probe before, or since anything else before the first one. */
static int64_t probe_gap_before(const struct tl_step *step)
{
    const struct tl_probe_run *run = tl_probes(step->self);

    return probe_run_is_open(run) ? tl_since(step, run->last_ns) : probe_idle_ns(step);
}

static bool probe_doubles(const struct tl_probe_run *run, int64_t gap)
{
    /* share probe_doubles: 1.6 to 2.4 of the gap before, twice; back-off with jitter. Measured: 1.84 to 2.19 */
    return gap >= run->gap_ns / 10 * 16 && gap <= run->gap_ns / 10 * 24;
}

enum timer { TIMER_UNKNOWN, TIMER_KEEPALIVE, TIMER_WINDOW };

/* K6: which timer fits the time since the probe before, or the silence before the first one. The timer of window probes starts like
 * the one of retransmissions and doubles (RFC 9293 3.8.6.1); lost probes make its gaps grow all the same. That of keep-alives
 * counts whole seconds and stays (RFC 1122 4.2.3.6); but one lost probe doubles a gap once. The silence before the first probe
 * can be longer than its timer, so that only an equal gap after it says that the timer stays. Up to three lost probes make the gap
 * of a doubling timer grow by more than 1/20. */
static enum timer probe_timer_of(const struct tl_step *step, int64_t gap)
{
    const struct tl_probe_run *run = tl_probes(step->self);
    /* share probe_timer_of: 0.9 and 1.05 of the gap before; a timer that stays. Measured: 0.989 to 1.027 */
    int64_t twentieth = run->gap_ns / 20;
    bool stays = probe_run_is_open(run) && gap <= twentieth * 21 && (run->count > 1 || gap >= twentieth * 18);

    if (gap > LONGEST_TIMER_NS || (stays && gap < BACKED_OFF_NS)) {
        return TIMER_KEEPALIVE;
    }
    return gap < TL_KEEPALIVE_LEAST_NS || (run->doubled && probe_doubles(run, gap)) ? TIMER_WINDOW : TIMER_UNKNOWN;
}

enum window_view { VIEW_OPEN, VIEW_CLOSED, VIEW_UNKNOWN };

/* What the prober knows of the peer's window. The segment that opened it again may have been lost behind the capture point. Then
 * no echo is as new as that segment's TSval; without timestamps it may have come or not until the prober sends something else. */
static enum window_view probe_window_seen_by_prober(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    if (probe_is_closed_window(peer)) {
        return VIEW_CLOSED;
    }
    if (!peer->reopened) {
        return VIEW_OPEN;
    }
    if (!(step->seg->options & TL_OPT_TIMESTAMPS) || !peer->has_tsval) {
        return VIEW_UNKNOWN;
    }
    return tl_seq_before(step->seg->tsecr, peer->open_tsval) ? VIEW_CLOSED : VIEW_OPEN;
}

/* Keep-alive or window probe. The window decides if it is known to be open, else the timer, else what the run was so far. */
static void probe_name_empty_probe(const struct tl_step *step, bool *is_window, enum tl_confidence *confidence)
{
    const struct tl_probe_run *run = tl_probes(step->self);
    bool on = probe_run_is_open(run);
    enum window_view view = probe_window_seen_by_prober(step);
    enum timer timer = probe_timer_of(step, probe_gap_before(step));

    *is_window = on ? run->is_window : view == VIEW_CLOSED;
    *confidence = on && run->confidence == TL_CONFIDENCE_LIKELY ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_GUESS;
    if (view == VIEW_OPEN && !*is_window && !probe_is_one_way(step)) {
        *confidence = TL_CONFIDENCE_CERTAIN;
    } else if (timer != TIMER_UNKNOWN) {
        *is_window = timer == TIMER_WINDOW;
        *confidence = TL_CONFIDENCE_LIKELY;
    }
}

/* Whether the probe belongs to the run before it. Those without payload do, whatever they were taken for, unless for certain. */
static bool probe_continues_run(const struct tl_step *step, bool is_window)
{
    const struct tl_probe_run *run = tl_probes(step->self);

    return probe_run_is_open(run) &&
           (run->is_window == is_window || (run->is_empty && step->seg->len == 0 && run->confidence != TL_CONFIDENCE_CERTAIN));
}

/* The window had been open again for longer than its update was under way: that was lost on the way to the prober. */
static bool probe_is_update_lost(const struct tl_step *step)
{
    const struct tl_endpoint *peer = step->peer;

    return peer->reopened && !probe_is_closed_window(peer) &&
           (step->seg->len > 0 || probe_window_seen_by_prober(step) == VIEW_CLOSED) &&
           tl_since(step, peer->last_ns) > tl_window_patience(step, PROBE_SILENCE_NS, 2);
}

static void probe_number_probe(struct tl_step *step, bool is_window, enum tl_confidence confidence)
{
    const struct tl_probe_run *run = tl_probes(step->self);
    bool goes_on = probe_continues_run(step, is_window);

    step->refs->probe_number = goes_on ? run->count + 1 : 1;
    if (step->peer->segments > 0) { /* else its answers may not have been captured */
        step->refs->probe_unanswered = goes_on ? run->unanswered + 1 : 1;
    }
    step->refs->probe_run_in = goes_on ? run->first_in : step->seg->frame;
    step->refs->closed_in = is_window && probe_window_seen_by_prober(step) != VIEW_OPEN ? step->peer->closed_in : 0;
    if (goes_on) {
        step->refs->probe_interval_ns = tl_since(step, run->last_ns);
    } else {
        step->refs->probe_idle_ns = probe_idle_ns(step);
    }
    if (goes_on && confidence == TL_CONFIDENCE_LIKELY &&
        (run->is_window != is_window || run->confidence == TL_CONFIDENCE_GUESS)) {
        step->shape->flags |= TL_SHAPE_NAMES_RUN;
    }
}

/* The receiver of a window probe takes its octet or leaves it; what a keep-alive brings it has already. */
static bool probe_is_expected_ack(const struct tl_step *step, const struct tl_probe_run *run)
{
    const struct tl_endpoint *prober = step->peer;

    return step->seg->ack == prober->max ||
           (run->is_window && prober->has_una && tl_seq_within(step->seg->ack, prober->una, prober->max));
}

/* How long after a probe an ACK is still its answer. One with another window may be what the application's read drew, too. */
static int64_t probe_answer_patience(const struct tl_step *step)
{
    bool same = step->self->has_window && step->self->last_window == step->seg->window;

    return step->rtt_ns == TL_UNKNOWN_NS ? ANSWER_UNKNOWN_NS : step->rtt_ns + (same ? SAME_ANSWER_NS : ANSWER_NS);
}

/* A pure ACK that repeats the expected numbers about a round trip later answers the peer's probe. */
static void probe_classify_answer(struct tl_step *step)
{
    const struct tl_probe_run *run = tl_probes(step->peer);

    if (step->event != TL_EVENT_ACK || !probe_run_is_open(run) || run->answered ||
        tl_since(step, run->last_ns) > probe_answer_patience(step)) {
        return;
    }
    if (!probe_is_expected_ack(step, run) || (step->self->has_max && step->seg->seq != step->self->max)) {
        return;
    }
    step->refs->trigger_in = run->last_in;
    step->refs->probe_run_in = run->first_in;
    step->refs->probe_number = run->count;
    step->shape->probe_confidence = run->confidence;
    if (run->is_window) {
        step->shape->window_probe = step->seg->window == 0 ? TL_PROBE_KIND_ANSWER : TL_PROBE_KIND_OPEN;
    } else {
        step->shape->keepalive = TL_PROBE_KIND_ANSWER;
    }
}

/* K7: new bytes that fill a small window to the last octet after a wait: a sender does not cut a segment to the window before its
 * override timeout (RFC 9293 3.8.6.2.1), the kernel's probe timer. */
static bool probe_is_window_limited(const struct tl_step *step)
{
    enum { TIMESTAMP_OCTETS = 12 /* with two NOPs */ };
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    uint32_t options = step->seg->options & TL_OPT_TIMESTAMPS ? TIMESTAMP_OCTETS : 0;
    int64_t wait = step->rtt_ns == TL_UNKNOWN_NS ? OVERRIDE_UNKNOWN_NS : step->rtt_ns + OVERRIDE_NS;

    return step->event == TL_EVENT_DATA && probe_all_acked(self) && step->seg->seq == self->max && peer->has_window &&
           step->seg->len == peer->window && step->seg->len + options < peer->mss &&
           tl_since(step, tl_max_ns(self->last_ns, peer->last_ns)) >= wait;
}

void tl_probe_classify(struct tl_step *step)
{
    enum tl_confidence confidence = TL_CONFIDENCE_LIKELY;
    bool plain = step->event == TL_EVENT_ACK || step->event == TL_EVENT_DATA;
    bool is_window = false;

    if (!plain || step->stray || step->copy_of || step->late || !step->conn->opened || !step->self->has_max || !step->legal) {
        return;
    }
    if (probe_is_empty_probe(step)) {
        probe_name_empty_probe(step, &is_window, &confidence);
    } else if (probe_is_window_probe(step) || probe_goes_on_probing(step) || probe_probes_open_window(step)) {
        is_window = true;
    } else if (!probe_is_keepalive_octet(step, &confidence)) {
        step->shape->flags |= probe_is_window_limited(step) ? TL_SHAPE_WINDOW_LIMITED : 0;
        probe_classify_answer(step);
        return;
    }
    step->is_probe = true;
    *(is_window ? &step->shape->window_probe : &step->shape->keepalive) = TL_PROBE_KIND_PROBE;
    step->shape->probe_confidence = (uint8_t)confidence;
    probe_number_probe(step, is_window, confidence);
}

/* The run of an end, to write to it; NULL when out of memory. */
static struct tl_probe_run *probe_make_run(const struct tl_conn *conn, struct tl_endpoint *end)
{
    struct tl_probe_run *run = tl_conn_part(conn, end->probes, sizeof *run);

    if (run) {
        end->probes = run;
    }
    return run;
}

/* Adds the probe of this step to its run. */
static void probe_extend_run(struct tl_step *step)
{
    struct tl_probe_run *run = probe_make_run(step->conn, step->self);
    bool is_window = step->shape->window_probe == TL_PROBE_KIND_PROBE;
    int64_t gap = probe_gap_before(step);

    if (!run) {
        return;
    }
    if (!probe_continues_run(step, is_window)) {
        *run = (struct tl_probe_run){.first_in = step->seg->frame};
    } else {
        run->interval_ns = gap;
        run->doubled = probe_doubles(run, gap);
    }
    if (is_window && probe_is_update_lost(step)) {
        tl_count(&step->self->updates_lost);
    }
    run->gap_ns = gap;
    run->seq = step->seg->seq;
    run->is_window = is_window;
    run->is_empty = step->seg->len == 0;
    run->confidence = step->shape->probe_confidence;
    run->count++;
    run->unanswered++;
    run->answered = false;
    run->last_ns = step->seg->time_ns;
    run->last_in = step->seg->frame;
}

void tl_probe_end_runs(struct tl_conn *conn, const struct tl_segment *seg)
{
    struct tl_endpoint *self = &conn->endpoint[seg->from & 1], *peer = &conn->endpoint[1 - (seg->from & 1)];
    struct tl_probe_run *own = self->probes, *theirs = peer->probes;

    if (theirs) {
        theirs->unanswered = 0;
    }
    if (own) {
        own->count = own->unanswered = 0;
    }
    peer->reopened = false;
    self->last_ns = self->silent_ns = seg->time_ns;
}

/* Octets that their receiver had acknowledged come again. The receiver drops them, and looks at nothing else of the segment (RFC 9293
 * 3.10.7.4): they answer no probe of its own. */
static bool probe_is_old_octets(const struct tl_step *step)
{
    return step->length > 0 && tl_has(step, TL_ACK) && !(step->seg->flags & (TL_SYN | TL_RST)) && step->self->has_una &&
           !tl_seq_after(step->end, step->self->una);
}

/* The ACK that such octets draw: it says again what was said, between two keep-alives. */
static bool probe_is_ack_of_old(const struct tl_step *step)
{
    const struct tl_recent_entry *newest = tl_recent_at(&step->peer->recent, 0);

    return newest && step->event == TL_EVENT_ACK && step->peer->has_una && step->self->ack_ns < step->seg->time_ns &&
           step->seg->ack == step->peer->una && tl_event_length(newest->flags, newest->len) > 0 &&
           newest->time_ns > step->self->ack_ns &&
           !tl_seq_after(newest->seq + tl_event_length(newest->flags, newest->len), step->peer->una);
}

/* Keeps the keep-alives of X unanswered when Y only repeats itself, and X says so. False when the segment is another one. */
static bool probe_learn_old(const struct tl_step *step)
{
    struct tl_probe_run *own = step->self->probes, *theirs = step->peer->probes;

    if (theirs && theirs->unanswered > 0 && !theirs->is_window && probe_is_old_octets(step)) {
        theirs->resent = true;
        if (own) {
            own->count = own->unanswered = 0;
        }
    } else if (!own || own->unanswered == 0 || own->is_window || !own->resent || !probe_is_ack_of_old(step)) {
        return false;
    }
    step->self->last_ns = step->self->silent_ns = step->seg->time_ns;
    return true;
}

void tl_probe_learn(struct tl_step *step)
{
    bool answers = step->shape->keepalive > TL_PROBE_KIND_PROBE || step->shape->window_probe > TL_PROBE_KIND_PROBE;
    struct tl_probe_run *theirs = step->peer->probes;

    if (step->copy_of || step->stray) {
        return;
    }
    if (!step->is_probe && !answers) {
        if (!probe_learn_old(step)) {
            tl_probe_end_runs(step->conn, step->seg);
        }
        return;
    }
    if (theirs) {
        theirs->unanswered = 0;
        theirs->answered |= answers;
    }
    if (step->is_probe) {
        probe_extend_run(step);
    }
    step->self->last_ns = step->seg->time_ns;
}
