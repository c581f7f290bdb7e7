/* tl_rexmit.c - whether the bytes of a segment are new, late or sent again; what the receiver says of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RFC 9293 3.4 (numbers), RFC 5681 2 (duplicate ACKs), RFC 6864 (IP IDs), RFC 7323 (timestamps), RFC 7413 (data on a SYN).
 */
#include "rules/tl_rexmit.h"

#include "conn/tl_window.h"
#include "rules/tl_apply.h"
#include "rules/tl_late.h"
#include "rules/tl_resent.h"
#include "rules/tl_spurious.h"

/* Thresholds; docs/design.md has the measurements behind them. */
static const int64_t LATE_NS = 3 * TL_MS;     /* reordering on a path whose round trip is not known */
static const int64_t CAPTURE_COPY_NS = TL_MS; /* a mirror port doubles at once */
static const int64_t FIN_ACK_NS = 20 * TL_MS; /* a FIN is acknowledged within this and the way to its receiver and back */
enum { TICKS_APART = 3 };

/* ---- late or again ------------------------------------------------------------------------------------------------------ */

/* Whether bytes that fill a hole are the original, overtaken on the way, or a retransmission. */
static enum tl_segment_kind rexmit_fills_hole(const struct tl_resent *r)
{
    const struct tl_step *step = r->step;
    const struct tl_scoreboard_opener *opener = &r->look.opener;
    int64_t rtt = step->rtt_ns,
            late_ns = tl_max_ns(LATE_NS, step->self->half_rtt_ns < 0 ? 0 : step->self->half_rtt_ns / 100 * 85);
    int64_t tick = r->repair->clock.tick_ns;
    int order;

    if (opener->frame == 0) {
        return TL_SEGMENT_UNKNOWN_OLD;
    }
    order = tl_clock_order(&r->repair->clock, step->seg->ip_id, opener->ip_id, step->seg->tsval, opener->tsval,
                           tl_has_timestamps(step));
    if (order != 0) { /* O1, O2 */
        return order < 0 ? TL_SEGMENT_OUT_OF_ORDER : TL_SEGMENT_RETRANSMISSION;
    }
    if (tl_has_timestamps(step) && tick > 0 && rtt >= TICKS_APART * tick) {
        return TL_SEGMENT_OUT_OF_ORDER; /* O3: a retransmission is at least a round trip younger than the opener */
    }
    if (step->self->has_una && !tl_seq_after(step->end, step->self->una) && !tl_late_may_fill(step)) {
        return TL_SEGMENT_RETRANSMISSION; /* O4: acknowledged already, so the capture missed the original */
    }
    if (tl_since(step, opener->time_ns) < late_ns) {
        return TL_SEGMENT_OUT_OF_ORDER; /* O5 */
    }
    return rtt == TL_UNKNOWN_NS ? TL_SEGMENT_UNKNOWN_OLD : TL_SEGMENT_RETRANSMISSION; /* O6 */
}

/* Captured before, and yet sent before every copy that was captured: the original, overtaken by its own retransmission. */
static bool rexmit_is_overtaken_original(const struct tl_resent *r)
{
    const struct tl_step *step = r->step;
    const struct tl_scoreboard_entry *previous = &r->look.previous;

    return tl_clock_order(&r->repair->clock, step->seg->ip_id, previous->first_ip_id, step->seg->tsval, previous->first_tsval,
                          tl_has_timestamps(step)) < 0;
}

/* Bytes that were acknowledged and never captured. The capture missed the first transmission, unless this direction is written late:
 * then it may be this one, overtaken, which an older timestamp shows. */
static enum tl_segment_kind rexmit_acked_unseen(const struct tl_resent *r)
{
    const struct tl_step *step = r->step;

    if (!tl_late_may_fill(step)) {
        return TL_SEGMENT_RETRANSMISSION;
    }
    return tl_has_timestamps(step) && step->self->has_tsval && !tl_seq_after(step->seg->tsval, step->self->tsval)
               ? TL_SEGMENT_OUT_OF_ORDER
               : TL_SEGMENT_UNKNOWN_OLD;
}

static enum tl_segment_kind rexmit_kind_of(const struct tl_resent *r)
{
    const struct tl_scoreboard_result *look = &r->look;
    uint32_t old = look->repeated_bytes + look->acked_bytes + look->forgotten_bytes;

    if (old + look->filled_bytes == 0) {
        return look->skipped_bytes > 0 ? TL_SEGMENT_AHEAD : TL_SEGMENT_NEW;
    }
    if (look->new_bytes > 0) {
        return TL_SEGMENT_PARTIAL;
    }
    if (look->previous.tx_count > 0) {
        return rexmit_is_overtaken_original(r) ? TL_SEGMENT_OUT_OF_ORDER : TL_SEGMENT_RETRANSMISSION;
    }
    if (look->before_start) {
        return TL_SEGMENT_UNKNOWN_OLD;
    }
    if (look->filled_bytes == 0 && look->opener.frame == 0) {
        return rexmit_acked_unseen(r);
    }
    return rexmit_fills_hole(r);
}

/* ---- retransmissions whose original was never captured ------------------------------------------------------------------ */

/* IP IDs that the sender needs for so many bytes; each segment has one, and none is larger than `most`. */
static unsigned rexmit_ids_for(const struct tl_endpoint *peer, uint32_t bytes, uint32_t most)
{
    enum { MSS_DEFAULT = 1460 /* Ethernet */ };
    uint32_t size = peer->mss > 0 ? peer->mss : MSS_DEFAULT;

    size = most > 0 && most < size ? most : size;
    return bytes / size + (bytes % size != 0);
}

/* Whether the IP IDs count this connection's packets only. Most hosts but Linux have one counter for all they send (RFC 6864 4.1 asks
 * for no more), and then an ID that was not captured went to somebody else. So the counter must have stayed on its own for much longer
 * than the silence that a lost original would explain. */
static bool rexmit_counts_own_ids(const struct tl_repair *repair, const struct tl_segment *seg)
{
    /* One other packet in OWN_SHARE such silences is the most that fits what was seen; the answer says that it is a guess. */
    enum { OWN_SHARE = 8 };

    return tl_clock_counts_ids(&repair->clock) && repair->own_ns / OWN_SHARE >= seg->time_ns - repair->fresh_ns;
}

/* The segment looks new, but its sender used IP IDs that were not captured, owed nobody an ACK, knew of no loss that it would
 * repair first, and had heard and sent nothing for as long as a probe or timer takes: the original was lost before the capture point.
 * Nothing but the IP ID shows it; where segments overtake each other, a missing one may still come, a timer aside. What fills
 * the hole below is taken to be cut as the last payload was. */
static bool rexmit_has_hidden_original(const struct tl_resent *r)
{
    /* Hidden originals. */
    enum { IDS_MOST = 64 };
    const struct tl_step *step = r->step;
    const struct tl_repair *repair = r->repair;
    int64_t rtt = tl_rtt_or(step, 0), quiet_ns;
    int unused;

    if (step->seg->ip_id == 0 || step->seg->ipv6 || !repair->has_fresh || tl_one_way(step) ||
        !rexmit_counts_own_ids(repair, step->seg) || step->peer->max != repair->fresh_ack) {
        return false;
    }
    if (r->known.duplicates > 0 || tl_seq_after(r->known.sacked, r->known.una)) {
        return false; /* what it sends again because of them uses IP IDs, too */
    }
    unused = (int16_t)(uint16_t)(step->seg->ip_id - repair->fresh_id - repair->fresh_cost -
                                 rexmit_ids_for(step->peer, r->look.skipped_bytes, repair->fresh_len));
    if (unused < 1 || unused > IDS_MOST) {
        return false;
    }
    quiet_ns = tl_min_ns(r->quiet_ns, step->seg->time_ns - repair->fresh_ns);
    return quiet_ns >= TL_TIMER_NS ||
           (r->look.skipped_bytes > 0 && !repair->reorders && rtt > 0 && quiet_ns >= rtt / 2 * 3 + TL_PROBE_LEAST_NS);
}

static void rexmit_note_fresh(struct tl_repair *repair, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    repair->has_fresh = true;
    repair->fresh_id = seg->ip_id;
    repair->fresh_cost = (uint16_t)(seg->len > 0 ? rexmit_ids_for(peer, seg->len, 0) : 1);
    repair->fresh_len = seg->len > 0 ? seg->len : repair->fresh_len;
    repair->fresh_end = seg->seq + seg->len;
    repair->fresh_ack = peer->max;
    repair->fresh_ns = seg->time_ns;
}

static void rexmit_name_hidden(struct tl_resent *r)
{
    struct tl_shape *shape = r->step->shape;
    bool opens_hole = r->look.skipped_bytes > 0;

    shape->segment = TL_SEGMENT_RETRANSMISSION;
    shape->lost_at = TL_LOST_AT_BEFORE_CAPTURE;
    shape->retransmission = r->sack_permitted ? TL_RETRANSMISSION_TLP : TL_RETRANSMISSION_RTO;
    shape->retransmission_confidence = TL_CONFIDENCE_GUESS;
    shape->flags |= opens_hole ? 0 : TL_SHAPE_TLP_OR_RTO;
    r->step->refs->retransmission_number = 1;
    rexmit_note_fresh(r->repair, r->step->peer, r->step->seg); /* the IDs that are missing were its own */
}

static void rexmit_learn_fresh(struct tl_repair *repair, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    int step;

    if (seg->ipv6 || seg->ip_id == 0) {
        return;
    }
    step = (int16_t)(uint16_t)(seg->ip_id - repair->fresh_id);
    if (repair->has_fresh && step <= 0) {
        return; /* overtaken on the way, or known already */
    }
    if (repair->has_fresh && seg->seq == repair->fresh_end) {
        repair->own_ns = step == repair->fresh_cost ? repair->own_ns + tl_max_ns(seg->time_ns - repair->fresh_ns, 0) : 0;
    }
    rexmit_note_fresh(repair, peer, seg);
}

/* ---- retransmissions ---------------------------------------------------------------------------------------------------- */

static void rexmit_refer_to(struct tl_step *step, const struct tl_scoreboard_entry *previous)
{
    step->refs->original_in = previous->first_frame;
    step->refs->previous_in = previous->frame;
    step->refs->retransmission_number = previous->tx_count;
    step->refs->since_previous_ns = tl_since(step, previous->time_ns);
    step->refs->since_original_ns = tl_since(step, previous->first_time_ns);
}

/* A FIN that comes again because it is the first segment to acknowledge the other one, which has just come: 4.4BSD's tcp_output() sends
 * it with every ACK in CLOSING and LAST-ACK. No timer fired, and nothing was lost. */
static bool rexmit_is_fin_of_an_ack(const struct tl_resent *r)
{
    const struct tl_step *step = r->step;
    const struct tl_endpoint *self = step->self, *peer = step->peer;
    bool at_once = r->gap_ns < TL_TIMER_NS ||
                   (peer->has_fin && tl_since(step, peer->fin_ns) <= FIN_ACK_NS + tl_max_ns(self->half_rtt_ns, 0));

    return step->seg->len == 0 && tl_has(step, TL_FIN) && peer->has_fin && peer->has_una &&
           !tl_seq_after(peer->una, peer->fin) && tl_seq_after(step->seg->ack, peer->fin) && at_once;
}

static void rexmit_describe(struct tl_resent *r)
{
    struct tl_step *step = r->step;
    const struct tl_scoreboard_entry *previous = &r->look.previous;

    step->refs->new_bytes = r->look.new_bytes;
    step->refs->retransmission_number = 1;
    step->shape->lost_at = TL_LOST_AT_BEFORE_CAPTURE;
    if (r->captured_before) {
        rexmit_refer_to(step, previous);
        step->shape->lost_at = TL_LOST_AT_AFTER_CAPTURE;
    } else if (step->self->has_una && !tl_seq_after(step->end, step->self->una)) {
        step->shape->lost_at = TL_LOST_AT_CAPTURE_DROP;
    }
    if (!tl_one_way(step) && (tl_has_timestamps(step) || r->sack_permitted)) {
        step->shape->flags |= TL_SHAPE_SPURIOUS_SHOWS;
    }
}

/* M1b: data of a Fast Open SYN that the SYN-ACK did not take, sent again. */
static bool rexmit_is_syn_data(const struct tl_step *step, const struct tl_scoreboard_result *look)
{
    const struct tl_conn *conn = step->conn;
    uint32_t start = step->self->isn + 1;
    bool refused = conn->opening.tfo == TL_TFO_DATA_NOT_ACKED || conn->opening.tfo == TL_TFO_PARTIAL ||
                   conn->opening.tfo == TL_TFO_DATA_LOST;

    return refused && conn->client == step->from && step->seg->len > 0 && look->previous.tx_count == 0 &&
           step->seg->seq - start < conn->opening.syn_data;
}

static void rexmit_name_syn_data(struct tl_step *step)
{
    step->shape->segment = TL_SEGMENT_RETRANSMISSION;
    if (step->conn->opening.tfo == TL_TFO_DATA_LOST) {
        step->shape->retransmission = TL_RETRANSMISSION_RTO_RECOVERY; /* the SYN's timer had fired: nobody refused anything */
        step->shape->retransmission_confidence = TL_CONFIDENCE_LIKELY;
    } else {
        step->shape->retransmission = TL_RETRANSMISSION_SYN_DATA;
        step->shape->retransmission_confidence = TL_CONFIDENCE_CERTAIN;
        step->shape->spurious = TL_SPURIOUS_NO;
    }
    step->refs->original_in = step->refs->previous_in = tl_syns(step->self)->first_in;
    step->refs->retransmission_number = 1;
    step->refs->since_previous_ns = step->refs->since_original_ns = tl_since(step, tl_syns(step->self)->first_ns);
}

/* M2: the octet of a window probe, sent again. */
static void rexmit_name_window_probe(struct tl_step *step)
{
    struct tl_scoreboard_result look;

    step->shape->retransmission = TL_RETRANSMISSION_WINDOW_PROBE;
    step->shape->retransmission_confidence = TL_CONFIDENCE_LIKELY;
    if (tl_scoreboard_look(tl_scoreboard_of(step->self), step->seg, &look) == TL_SCOREBOARD_OK && look.previous.tx_count > 0) {
        rexmit_refer_to(step, &look.previous);
    }
}

/* What follows an update of the window begins with the octet that asked for it: the sender does not know that the receiver took it, or
 * the receiver did not. Nothing was lost, and but for that octet it is new (RFC 9293 3.8.6.1). */
static bool rexmit_resumes_after_probe(const struct tl_step *step)
{
    const struct tl_probe_run *run = tl_probes(step->self);

    return run->count > 0 && run->is_window && !run->is_empty && step->peer->window > 0 && step->seg->seq == run->seq &&
           step->seg->len > 1 && run->seq + 1 == step->self->max;
}

static void rexmit_classify_bytes(struct tl_step *step)
{
    struct tl_resent r = {.step = step, .repair = step->self->repair};
    struct tl_report known;

    if (tl_scoreboard_look(tl_scoreboard_of(step->self), step->seg, &r.look) != TL_SCOREBOARD_OK) {
        step->shape->segment = TL_SEGMENT_AHEAD;
        return;
    }
    r.captured_before = r.look.previous.tx_count > 0;
    step->refs->skipped_bytes = r.look.skipped_bytes;
    if (rexmit_is_syn_data(step, &r.look)) {
        rexmit_name_syn_data(step);
        return;
    }
    if (rexmit_resumes_after_probe(step)) {
        step->shape->segment = TL_SEGMENT_NEW;
        return;
    }
    if (step->late) {
        step->shape->segment = TL_SEGMENT_NEW;
        return;
    }
    step->shape->segment = (uint8_t)rexmit_kind_of(&r);
    if (step->shape->segment == TL_SEGMENT_OUT_OF_ORDER) {
        r.repair->reorders = true;
        if (r.captured_before) {
            tl_spurious_late_original(step);
        }
    }
    tl_resent_ask(&r);
    if (step->shape->segment == TL_SEGMENT_NEW || step->shape->segment == TL_SEGMENT_AHEAD) {
        if (rexmit_has_hidden_original(&r)) {
            rexmit_name_hidden(&r);
        }
        return;
    }
    if (step->shape->segment != TL_SEGMENT_RETRANSMISSION && step->shape->segment != TL_SEGMENT_PARTIAL) {
        return;
    }
    rexmit_describe(&r);
    if (rexmit_is_fin_of_an_ack(&r)) {
        step->shape->retransmission = TL_RETRANSMISSION_UNKNOWN;
        step->shape->lost_at = TL_LOST_AT_NONE;
        return;
    }
    tl_resent_find_cause(&r);
    known = tl_feedback_known(&r.repair->feedback, step->seg, tl_late_half_rtt(step));
    tl_spurious_begin(step, &known, &r.look, r.captured_before);
}

/* M1: a SYN or SYN-ACK that comes again, as its step in the handshake says. */
static void rexmit_classify_syn(struct tl_step *step)
{
    bool synack = step->event == TL_EVENT_SYNACK;
    const struct tl_syns *syns = synack ? tl_synacks(step->self) : tl_syns(step->self);

    step->shape->segment = step->shape->flags & TL_SHAPE_REORDERED && synack ? TL_SEGMENT_OUT_OF_ORDER : TL_SEGMENT_NEW;
    if (step->shape->handshake_step != TL_HANDSHAKE_STEP_SYN_RETRANSMISSION &&
        step->shape->handshake_step != TL_HANDSHAKE_STEP_SYNACK_RETRANSMISSION) {
        return;
    }
    step->shape->segment = TL_SEGMENT_RETRANSMISSION;
    step->shape->retransmission = synack ? TL_RETRANSMISSION_SYNACK : TL_RETRANSMISSION_SYN;
    /* Without its timestamp an original that was overtaken looks the same. */
    step->shape->retransmission_confidence = step->seg->options & TL_OPT_CUT ? TL_CONFIDENCE_LIKELY : TL_CONFIDENCE_CERTAIN;
    step->refs->original_in = syns->first_in;
    step->refs->previous_in = syns->last_in;
    step->refs->retransmission_number = step->shape->attempt;
    step->refs->since_original_ns = tl_since(step, syns->first_ns);
    step->refs->since_previous_ns = tl_since(step, syns->last_ns);
    if (step->self->has_una && tl_seq_after(step->self->una, step->self->isn)) {
        step->shape->spurious =
            step->shape->synack_why == TL_SYNACK_WHY_ACK_NOT_TAKEN ? TL_SPURIOUS_UNHEARD : TL_SPURIOUS_ACKED_CROSSING;
    }
}

static void rexmit_classify_copy(struct tl_step *step)
{
    bool at_once = tl_since(step, step->copy_of->time_ns) <= CAPTURE_COPY_NS || step->copy_of->ttl != step->seg->ttl;

    step->shape->duplicate = at_once ? TL_DUPLICATE_CAPTURE : TL_DUPLICATE_NETWORK;
    if (step->length > 0) {
        step->shape->segment = TL_SEGMENT_DUPLICATE;
    }
}

static bool rexmit_make_repair(struct tl_step *step)
{
    struct tl_endpoint *self = step->self;
    const struct tl_allocator *allocator = &step->conn->pair->tracker->allocator;

    if (self->repair) {
        return true;
    }
    (void)tl_conn_scoreboard(step->conn, self);
    self->repair = allocator->alloc(allocator->context, sizeof *self->repair);
    if (!self->repair) {
        return false;
    }
    self->repair->allocator = allocator;
    self->repair->heard_ns = step->peer->segments > 0 ? step->peer->last_ns : step->conn->start_ns;
    tl_feedback_init(&self->repair->feedback, allocator, self->has_una ? self->una : step->seg->seq);
    return true;
}

bool tl_rexmit_time_echo(struct tl_endpoint *self, const struct tl_segment *seg)
{
    int64_t passed_ns;

    if (!(seg->options & TL_OPT_TIMESTAMPS) || seg->tsecr == self->tsecr) {
        return false;
    }
    passed_ns = tl_feedback_passed(&self->repair->feedback, seg->tsecr);
    if (passed_ns < 0 || seg->time_ns < passed_ns ||
        (self->half_rtt_ns != TL_UNKNOWN_NS && seg->time_ns - passed_ns >= self->half_rtt_ns)) {
        return false;
    }
    self->half_rtt_ns = seg->time_ns - passed_ns;
    return true;
}

void tl_rexmit_free(struct tl_endpoint *end)
{
    const struct tl_allocator *allocator;

    if (!end->repair) {
        return;
    }
    allocator = end->repair->allocator;
    tl_feedback_free(&end->repair->feedback);
    allocator->free(allocator->context, end->repair->resends, end->repair->resend_capacity * sizeof *end->repair->resends);
    allocator->free(allocator->context, end->repair, sizeof *end->repair);
    end->repair = NULL;
}

void tl_rexmit_classify(struct tl_step *step)
{
    if (step->event == TL_EVENT_RST || step->event == TL_EVENT_NOTHING || !step->legal) {
        return;
    }
    if (step->copy_of) {
        rexmit_classify_copy(step);
    } else if (step->length == 0) {
        return;
    } else if (step->stray) {
        step->shape->segment = TL_SEGMENT_STRAY;
    } else if (step->event == TL_EVENT_SYN || step->event == TL_EVENT_SYNACK) {
        rexmit_classify_syn(step);
    } else if (step->is_probe) {
        step->shape->segment = TL_SEGMENT_PROBE;
        if (step->shape->window_probe == TL_PROBE_KIND_PROBE && tl_seq_before(step->seg->seq, step->self->max)) {
            rexmit_name_window_probe(step);
        }
    } else if (rexmit_make_repair(step)) {
        if (tl_rexmit_time_echo(step->self, step->seg)) {
            step->rtt_ns = tl_window_rtt(step->conn);
        }
        rexmit_classify_bytes(step);
    }
}

void tl_rexmit_learn_sender(struct tl_repair *repair, const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    tl_clock_learn(&repair->clock, seg);
    rexmit_learn_fresh(repair, peer, seg);
}

void tl_rexmit_learn(struct tl_step *step)
{
    if (step->self->repair && !step->copy_of && !step->stray && step->event != TL_EVENT_RST) {
        tl_rexmit_learn_sender(step->self->repair, step->peer, step->seg);
    }
}

/* ---- the receiver's side ------------------------------------------------------------------------------------------------ */

void tl_rexmit_before_ack(struct tl_step *step)
{
    struct tl_repair *repair = step->peer->repair;

    if (repair) {
        tl_feedback_sack(&repair->feedback, tl_scoreboard_of(step->peer), step->seg, step->self->half_rtt_ns);
        repair->seen_sack |= step->seg->sack_count > 0;
    }
}

/* RFC 5681 2: no payload, nothing new acknowledged, bytes outstanding, same window unless SACK reports something new. */
static enum tl_ack rexmit_kind_of_ack(struct tl_step *step, const struct tl_scoreboard_ack_result *acked)
{
    const struct tl_endpoint *peer = step->peer;
    const struct tl_repair *repair = peer->repair;
    bool grew = repair && repair->feedback.grew;
    bool same_window = step->self->has_window && step->seg->window == step->self->last_window;

    if (acked) {
        return acked->unseen_bytes > 0 ? TL_ACK_UNSEEN : TL_ACK_NEW;
    }
    if (step->event != TL_EVENT_ACK || !peer->has_una || step->is_probe || step->shape->keepalive != TL_PROBE_KIND_NONE ||
        step->shape->window_probe != TL_PROBE_KIND_NONE || step->shape->teardown_step != TL_TEARDOWN_STEP_NONE) {
        return TL_ACK_NONE;
    }
    if (tl_seq_before(step->seg->ack, peer->una)) {
        return TL_ACK_OLD;
    }
    if (repair && repair->feedback.has_dsack && !grew) {
        return TL_ACK_NONE; /* it reports bytes that came twice, and none that are missing: RFC 2883 */
    }
    if (peer->una != peer->max && (same_window || grew)) {
        return TL_ACK_DUP;
    }
    return same_window ? TL_ACK_NONE : TL_ACK_WINDOW_UPDATE;
}

void tl_rexmit_after_ack(struct tl_step *step, const struct tl_scoreboard_ack_result *acked)
{
    struct tl_repair *repair = step->peer->repair;
    enum tl_ack kind = rexmit_kind_of_ack(step, acked);

    if (step->shape->ack == TL_ACK_NONE) {
        step->shape->ack = (uint8_t)kind;
    }
    if (!repair) {
        return;
    }
    if (acked) {
        tl_feedback_acked(&repair->feedback, step->peer->una, acked->newest_ns);
    } else if (kind == TL_ACK_DUP && step->shape->ack == TL_ACK_DUP && (repair->feedback.grew || !repair->feedback.has_dsack)) {
        /* An ACK that only reports a duplicate (RFC 2883) is no sign of loss. */
        step->refs->dupack_number = tl_feedback_duplicate(&repair->feedback, step->seg);
        step->refs->dupack_first_in = repair->feedback.dupack_first_in;
    }
    tl_spurious_prove(step, acked);
    tl_feedback_record(&repair->feedback, step->peer->una, step->seg);
}
