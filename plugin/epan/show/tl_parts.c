/* tl_parts.c - see tl_parts.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_parts.h"

#include "show/tl_tag.h"

/* ---- states ------------------------------------------------------------------------------------------------------------ */

/* Adds the four fields of an end, of which `first` is the first. */
static void show_end(const struct tl_branch *branch, enum tl_field first, const struct tl_endpoint_view *end)
{
    enum { CHANGE = 2, WITHDRAWN }; /* distances from the first; the confidence stands between */
    struct tl_branch below;

    if (end->state == TL_STATE_NONE)
        return;
    below = tl_item_answer(branch, first, TL_GROUP_STATE, end->state, end->confidence);
    if (end->before != TL_STATE_NONE && tl_item_wanted(branch, first + CHANGE))
        tl_item_text(&below, first + CHANGE, tl_state_change(branch->pinfo->pool, end));
    tl_item_name(&below, first + WITHDRAWN, TL_GROUP_STATE, end->withdrawn);
}

/* ---- parts of the tree ------------------------------------------------------------------------------------------------- */

static const struct tl_bit error_words[] = {
#define TL_ERROR_ROW(bit, word, label, severity, group, source, meaning) {TL_ERROR_##bit, word},
#include "show/tl_errors.def"
#undef TL_ERROR_ROW
    {0, NULL},
};

static const struct tl_bit evidence_words[] = {
#define TL_EVIDENCE_ROW(bit, word, source, meaning) {TL_EVIDENCE_##bit, word},
#include "show/tl_evidence.def"
#undef TL_EVIDENCE_ROW
    {0, NULL},
};

static void show_outcome(const struct tl_branch *branch)
{
    const struct tl_facts *facts = &branch->view->facts;

    tl_item_name(branch, FIELD_HANDSHAKE_OUTCOME, TL_GROUP_OUTCOME, facts->outcome);
    tl_item_name(branch, FIELD_HANDSHAKE_MISSING, TL_GROUP_MISSING, facts->missing);
    tl_item_name(branch, FIELD_HANDSHAKE_TFO, TL_GROUP_TFO, facts->tfo);
    tl_item_name(branch, FIELD_HANDSHAKE_CLIENT_RST, TL_GROUP_CLIENT_RST, facts->client_rst);
    if (facts->outcome != TL_OUTCOME_UNREACHABLE)
        return;
    tl_item_frame(branch, FIELD_HANDSHAKE_ICMP_IN, facts->icmp_in);
    if (facts->icmp_type != UINT8_MAX) { /* the reader of ICMP could tell */
        tl_item_count(branch, FIELD_HANDSHAKE_ICMP_TYPE, facts->icmp_type);
        tl_item_count(branch, FIELD_HANDSHAKE_ICMP_CODE, facts->icmp_code);
    }
}

/* Each time stands on the segment that completes it. */
static void show_handshake_times(const struct tl_branch *branch)
{
    const struct tl_facts *facts = &branch->view->facts;
    uint32_t frame = branch->view->segment->frame;

    if (frame == facts->synack_in)
        tl_item_time(branch, FIELD_HANDSHAKE_SERVER_TIME, facts->server_time_ns);
    if (frame != facts->ack_in)
        return;
    tl_item_time(branch, FIELD_HANDSHAKE_CLIENT_TIME, facts->client_time_ns);
    tl_item_time(branch, FIELD_HANDSHAKE_IRTT, facts->irtt_ns);
    tl_item_time(branch, FIELD_HANDSHAKE_SETUP_TIME, facts->setup_ns);
    tl_item_time(branch, FIELD_HANDSHAKE_DELAY_BY_LOSS, facts->delay_by_loss_ns);
    tl_item_yes(branch, FIELD_HANDSHAKE_AMBIGUOUS, facts->ambiguous);
}

static bool is_repeatable_handshake(unsigned step)
{
    return step != TL_HANDSHAKE_STEP_NONE && step <= TL_HANDSHAKE_STEP_SYNACK_COPY;
}

void tl_part_handshake(const struct tl_branch *parent)
{
    const struct tl_view *view = parent->view;
    const struct tl_shape *shape = &view->result->shape;
    struct tl_branch branch;

    if (shape->phase != TL_PHASE_HANDSHAKE && shape->handshake_step == TL_HANDSHAKE_STEP_NONE && shape->error == 0 &&
        !(shape->flags & TL_SHAPE_PROVES_OUTCOME) && view->segment->frame != view->facts.ack_in)
        return;
    branch = tl_item_heading(parent, FIELD_HANDSHAKE, tl_name(TL_GROUP_HANDSHAKE_STEP, shape->handshake_step)->label);
    tl_item_name(&branch, FIELD_HANDSHAKE_STEP, TL_GROUP_HANDSHAKE_STEP, shape->handshake_step);
    if (is_repeatable_handshake(shape->handshake_step))
        tl_item_count(&branch, FIELD_HANDSHAKE_ATTEMPT, shape->attempt);
    tl_item_name(&branch, FIELD_HANDSHAKE_SYNACK_WHY, TL_GROUP_SYNACK_WHY, shape->synack_why);
    tl_item_bits(&branch, FIELD_HANDSHAKE_ERROR, error_words, shape->error);
    if (shape->error & TL_ERROR_SYNACK_ACK)
        tl_item_int(&branch, FIELD_HANDSHAKE_ACK_DELTA, view->result->refs.ack_delta);
    if (tl_view_has_outcome(view))
        show_outcome(&branch);
    tl_item_frame(&branch, FIELD_HANDSHAKE_SYN_IN, view->facts.syn_in);
    tl_item_frame(&branch, FIELD_HANDSHAKE_SYNACK_IN, view->facts.synack_in);
    tl_item_frame(&branch, FIELD_HANDSHAKE_ACK_IN, view->facts.ack_in);
    show_handshake_times(&branch);
}

static bool has_fin_step(unsigned step)
{
    return step == TL_TEARDOWN_STEP_FIN1 || step == TL_TEARDOWN_STEP_FIN2 || step == TL_TEARDOWN_STEP_FIN2_ACK1 ||
           step == TL_TEARDOWN_STEP_FIN2_CROSS || step == TL_TEARDOWN_STEP_FIN_RETRANSMISSION ||
           step == TL_TEARDOWN_STEP_FIN_COPY;
}

static void show_close(const struct tl_branch *branch)
{
    const struct tl_facts *facts = &branch->view->facts;

    tl_item_answer(branch, FIELD_TEARDOWN_KIND, TL_GROUP_KIND, facts->kind, facts->kind_confidence);
    tl_item_name(branch, FIELD_TEARDOWN_INITIATOR, TL_GROUP_SIDE, facts->initiator);
    tl_item_name(branch, FIELD_TEARDOWN_TIME_WAIT, TL_GROUP_SIDE, facts->time_wait);
}

void tl_part_teardown(const struct tl_branch *parent)
{
    const struct tl_view *view = parent->view;
    const struct tl_shape *shape = &view->result->shape;
    const struct tl_facts *facts = &view->facts;
    uint32_t frame = view->segment->frame;
    struct tl_branch branch;

    if (!tl_view_in_teardown(view) && !tl_view_has_close(view))
        return;
    branch = tl_item_heading(parent, FIELD_TEARDOWN, tl_name(TL_GROUP_TEARDOWN_STEP, shape->teardown_step)->label);
    tl_item_name(&branch, FIELD_TEARDOWN_STEP, TL_GROUP_TEARDOWN_STEP, shape->teardown_step);
    if (has_fin_step(shape->teardown_step))
        tl_item_count(&branch, FIELD_TEARDOWN_ATTEMPT, shape->attempt);
    if (tl_view_has_close(view))
        show_close(&branch);
    tl_item_frame(&branch, FIELD_TEARDOWN_FIN1_IN, facts->fin1_in);
    tl_item_frame(&branch, FIELD_TEARDOWN_FIN2_IN, facts->fin2_in);
    if (frame == facts->fin1_ack_in)
        tl_item_time(&branch, FIELD_TEARDOWN_FIN_WAIT, facts->fin_wait_ns);
    if (frame == facts->fin2_in)
        tl_item_time(&branch, FIELD_TEARDOWN_CLOSE_WAIT, facts->close_wait_ns);
    if (shape->flags & TL_SHAPE_PROVES_CLOSE)
        tl_item_time(&branch, FIELD_TEARDOWN_DURATION, facts->teardown_ns);
}

void tl_part_reset(const struct tl_branch *parent)
{
    const struct tl_shape *shape = &parent->view->result->shape;
    const struct tl_refs *refs = &parent->view->result->refs;
    const struct tl_segment *segment = parent->view->segment;
    const struct tl_rst_now *rst = &parent->view->rst;
    struct tl_branch branch;

    if (!(segment->flags & TL_RST))
        return;
    branch = tl_item_heading(parent, FIELD_RST, tl_name(TL_GROUP_RST_CAUSE, rst->cause)->label);
    tl_item_answer(&branch, FIELD_RST_CAUSE, TL_GROUP_RST_CAUSE, rst->cause, rst->confidence);
    tl_item_name(&branch, FIELD_RST_FORM, TL_GROUP_RST_FORM, shape->rst_form);
    tl_item_name(&branch, FIELD_RST_EFFECT, TL_GROUP_RST_EFFECT, rst->effect);
    tl_item_name(&branch, FIELD_RST_STAGE, TL_GROUP_RST_STAGE, shape->rst_stage);
    tl_item_name(&branch, FIELD_RST_WHY, TL_GROUP_ABORT_WHY, shape->abort_why);
    tl_item_answer(&branch, FIELD_RST_ORIGIN, TL_GROUP_ORIGIN, rst->origin, rst->origin_confidence);
    tl_item_bits(&branch, FIELD_RST_EVIDENCE, evidence_words, rst->evidence);
    if (parent->view->visited && shape->from == shape->client)
        tl_item_name(&branch, FIELD_RST_SIGNATURE, TL_GROUP_SIGNATURE, parent->view->facts.signature);
    if (segment->options & TL_OPT_MPTCP_RST)
        tl_item_count(&branch, FIELD_RST_MPTCP_REASON, segment->mptcp_rst_reason);
    tl_item_frame(&branch, FIELD_RST_TRIGGER_IN, refs->trigger_in);
    tl_item_frame(&branch, FIELD_RST_FIRST_IN, refs->first_in);
}

/* Adds the subtree of a probe, whose heading is `heading` and whose fields follow it in tl_fields.def. */
static void show_probe(const struct tl_branch *parent, enum tl_field heading, unsigned kind)
{
    enum { KIND = 1, CONFIDENCE, N, IDLE, INTERVAL, UNANSWERED, RUN_IN, ANSWERS_IN }; /* distances from the heading */
    const struct tl_refs *refs = &parent->view->result->refs;
    struct tl_branch branch;

    if (kind == TL_PROBE_KIND_NONE)
        return;
    branch = tl_item_heading(parent, heading, tl_name(TL_GROUP_PROBE_KIND, kind)->label);
    tl_item_name(&branch, heading + KIND, TL_GROUP_PROBE_KIND, kind);
    tl_item_name(&branch, heading + CONFIDENCE, TL_GROUP_CONFIDENCE, parent->view->probe_confidence);
    if (kind != TL_PROBE_KIND_PROBE) {
        tl_item_frame(&branch, heading + ANSWERS_IN, refs->trigger_in);
        return;
    }
    tl_item_count(&branch, heading + N, refs->probe_number);
    tl_item_time(&branch, heading + (refs->probe_number <= 1 ? IDLE : INTERVAL),
                 refs->probe_number <= 1 ? refs->probe_idle_ns : refs->probe_interval_ns);
    tl_item_count(&branch, heading + UNANSWERED, refs->probe_unanswered);
    tl_item_frame(&branch, heading + RUN_IN, refs->probe_run_in);
    if (heading == FIELD_WINDOW_PROBE)
        tl_item_frame(&branch, FIELD_WINDOW_PROBE_CLOSED_IN, refs->closed_in);
}

void tl_part_probes(const struct tl_branch *branch)
{
    show_probe(branch, FIELD_KEEPALIVE, branch->view->keepalive);
    show_probe(branch, FIELD_WINDOW_PROBE, branch->view->window_probe);
}

/* ---- bytes and acknowledgments ----------------------------------------------------------------------------------------- */

/* Where the bytes were lost that had to be sent again: a question that arises only once it is known that they had to. */
static bool was_needed(const struct tl_view *view)
{
    return view->visited && (view->spurious == TL_SPURIOUS_NO || view->spurious == TL_SPURIOUS_UNKNOWN);
}

static void show_retransmission(const struct tl_branch *parent)
{
    const struct tl_shape *shape = &parent->view->result->shape;
    const struct tl_refs *refs = &parent->view->result->refs;
    struct tl_branch branch;

    if (shape->retransmission == TL_RETRANSMISSION_NONE)
        return;
    branch = tl_item_heading(parent, FIELD_RETRANSMISSION, tl_name(TL_GROUP_RETRANSMISSION, shape->retransmission)->label);
    tl_item_answer(&branch, FIELD_RETRANSMISSION_CAUSE, TL_GROUP_RETRANSMISSION, shape->retransmission,
                   shape->retransmission_confidence);
    tl_item_yes(&branch, FIELD_RETRANSMISSION_TLP_OR_RTO, shape->flags & TL_SHAPE_TLP_OR_RTO);
    tl_item_count(&branch, FIELD_RETRANSMISSION_N, refs->retransmission_number);
    tl_item_frame(&branch, FIELD_RETRANSMISSION_ORIGINAL_IN, refs->original_in);
    tl_item_frame(&branch, FIELD_RETRANSMISSION_PREVIOUS_IN, refs->previous_in);
    if (refs->previous_in != 0)
        tl_item_time(&branch, FIELD_RETRANSMISSION_RTO, refs->since_previous_ns);
    if (refs->original_in != 0)
        tl_item_time(&branch, FIELD_RETRANSMISSION_DELAY, refs->since_original_ns);
    if (refs->new_bytes != 0)
        tl_item_count(&branch, FIELD_RETRANSMISSION_NEW_BYTES, refs->new_bytes);
    tl_item_name(&branch, FIELD_RETRANSMISSION_SPURIOUS, TL_GROUP_SPURIOUS, parent->view->spurious);
    if (was_needed(parent->view))
        tl_item_name(&branch, FIELD_RETRANSMISSION_LOST_AT, TL_GROUP_LOST_AT, shape->lost_at);
}

void tl_part_bytes(const struct tl_branch *branch)
{
    const struct tl_shape *shape = &branch->view->result->shape;
    const struct tl_refs *refs = &branch->view->result->refs;

    tl_item_name(branch, FIELD_SEGMENT, TL_GROUP_SEGMENT, shape->segment);
    if (refs->skipped_bytes != 0)
        tl_item_count(branch, FIELD_SEGMENT_SKIPPED, refs->skipped_bytes);
    tl_item_yes(branch, FIELD_SEGMENT_WINDOW_LIMITED, shape->flags & TL_SHAPE_WINDOW_LIMITED);
    show_retransmission(branch);
    if (shape->duplicate != TL_DUPLICATE_NONE) {
        struct tl_branch below = tl_item_heading(branch, FIELD_DUPLICATE, tl_name(TL_GROUP_DUPLICATE, shape->duplicate)->label);

        tl_item_name(&below, FIELD_DUPLICATE_KIND, TL_GROUP_DUPLICATE, shape->duplicate);
        tl_item_frame(&below, FIELD_DUPLICATE_OF_IN, refs->first_in);
    }
}

static void show_proofs(const struct tl_branch *parent)
{
    const struct tl_refs *refs = &parent->view->result->refs;
    bool names_run = parent->view->result->shape.flags & TL_SHAPE_NAMES_RUN;
    struct tl_branch branch;

    if (refs->proved[0].frame == 0 && refs->disowned_in == 0 && refs->revoked_in == 0 && refs->superseded_in == 0 && !names_run)
        return;
    branch = tl_item_heading(parent, FIELD_PROVES, NULL);
    if (refs->proved[0].frame != 0) {
        tl_item_name(&branch, FIELD_PROVES_SPURIOUS, TL_GROUP_SPURIOUS, refs->proved[0].spurious);
        tl_item_frame(&branch, FIELD_PROVES_SPURIOUS_IN, refs->proved[0].frame);
    }
    tl_item_frame(&branch, FIELD_PROVES_DISOWNED_IN, refs->disowned_in);
    tl_item_frame(&branch, FIELD_PROVES_REVOKED_IN, refs->revoked_in);
    tl_item_frame(&branch, FIELD_PROVES_SUPERSEDED_IN, refs->superseded_in);
    if (names_run)
        tl_item_frame(&branch, FIELD_PROVES_RUN_IN, refs->probe_run_in);
}

void tl_part_ack(const struct tl_branch *branch)
{
    const struct tl_shape *shape = &branch->view->result->shape;
    const struct tl_refs *refs = &branch->view->result->refs;

    if (shape->ack == TL_ACK_CHALLENGE || shape->ack == TL_ACK_TIME_WAIT) {
        tl_item_answer(branch, FIELD_ACK, TL_GROUP_ACK, shape->ack, shape->probe_confidence);
        tl_item_frame(branch, FIELD_ACK_ANSWERS_IN, refs->trigger_in);
    } else {
        tl_item_name(branch, FIELD_ACK, TL_GROUP_ACK, shape->ack);
    }
    if (refs->dupack_number != 0) {
        struct tl_branch below = tl_item_heading(branch, FIELD_DUPACK, NULL);

        tl_item_count(&below, FIELD_DUPACK_N, refs->dupack_number);
        tl_item_frame(&below, FIELD_DUPACK_FIRST_IN, refs->dupack_first_in);
    }
    show_proofs(branch);
}

/* ---- where it belongs -------------------------------------------------------------------------------------------------- */

void tl_part_capture(const struct tl_branch *branch)
{
    const struct tl_shape *shape = &branch->view->result->shape;

    if (tl_view_has_outcome(branch->view))
        tl_item_name(branch, FIELD_CAPTURE_POSITION, TL_GROUP_POSITION, branch->view->facts.position);
    tl_item_yes(branch, FIELD_CAPTURE_TIME_BACKWARDS, shape->flags & TL_SHAPE_TIME_BACKWARDS);
    tl_item_yes(branch, FIELD_CAPTURE_COPY, shape->flags & TL_SHAPE_COPY);
    tl_item_yes(branch, FIELD_CAPTURE_STRAY, shape->flags & TL_SHAPE_STRAY);
    tl_item_yes(branch, FIELD_CAPTURE_REORDERED, shape->flags & TL_SHAPE_REORDERED);
    if (!branch->view->visited)
        return;
    tl_item_yes(branch, FIELD_CAPTURE_ASYMMETRIC, branch->view->facts.capture & TL_CAPTURE_ASYMMETRIC);
    tl_item_yes(branch, FIELD_CAPTURE_LOSSY, branch->view->facts.capture & TL_CAPTURE_LOSSY);
    tl_item_yes(branch, FIELD_CAPTURE_DOUBLED, branch->view->facts.capture & TL_CAPTURE_DOUBLED);
    tl_item_yes(branch, FIELD_CAPTURE_OFFLOAD, branch->view->facts.capture & TL_CAPTURE_OFFLOAD);
    tl_item_yes(branch, FIELD_CAPTURE_COARSE, branch->view->facts.capture & TL_CAPTURE_COARSE);
}

void tl_part_zeek(const struct tl_branch *parent)
{
    const struct tl_view *view = parent->view;
    struct tl_zeek_words words;
    struct tl_branch branch;

    if (!view->visited || view->segment->frame != view->facts.last_in || !tl_conn_zeek(view->result->conn, &words))
        return;
    branch = tl_item_heading(parent, FIELD_ZEEK, NULL);
    tl_item_name(&branch, FIELD_ZEEK_CONN_STATE, TL_GROUP_ZEEK_STATE, words.conn_state);
    tl_item_text(&branch, FIELD_ZEEK_HISTORY, words.history);
}

/* What the segment belongs to: connection, phase, sender. */
void tl_part_place(const struct tl_branch *branch)
{
    const struct tl_shape *shape = &branch->view->result->shape;
    const struct tl_refs *refs = &branch->view->result->refs;

    tl_item_name(branch, FIELD_PHASE, TL_GROUP_PHASE, shape->phase);
    tl_item_answer(branch, FIELD_SENDER, TL_GROUP_SENDER, shape->sender, shape->sender_confidence);
    show_end(branch, FIELD_CLIENT_STATE, &shape->endpoint[shape->client & 1]);
    show_end(branch, FIELD_SERVER_STATE, &shape->endpoint[!(shape->client & 1)]);
    tl_item_count(branch, FIELD_CONN, branch->view->facts.number);
    tl_item_count(branch, FIELD_INCARNATION, branch->view->facts.incarnation);
    if (branch->view->visited) {
        tl_item_name(branch, FIELD_VERDICT, TL_GROUP_VERDICT, branch->view->facts.verdict);
        tl_item_name(branch, FIELD_OPEN_FAILURE, TL_GROUP_OPEN_FAILURE, branch->view->facts.open_failure);
    }
    /* Whether a tentative connection was taken or rejected shows later. */
    tl_item_name(branch, FIELD_REUSE, TL_GROUP_REUSE,
                 branch->view->visited && shape->reuse == TL_REUSE_TENTATIVE ? branch->view->facts.reuse : shape->reuse);
    if (shape->reuse != TL_REUSE_NONE && refs->reuse_elapsed_ns > 0)
        tl_item_time(branch, FIELD_REUSE_ELAPSED, refs->reuse_elapsed_ns);
    tl_item_yes(branch, FIELD_MIDSTREAM, shape->flags & TL_SHAPE_MIDSTREAM);
}
