/* tl_test_sound.h - what must hold of every answer of the engine, whatever came in. For tests with random segments and fuzzers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each function returns NULL, or the text of the condition that does not hold. None needs a test library. The conditions are
 * what plugin/engine/tl.h promises: values are of their enum, references point back, durations are not negative.
 */
#ifndef TL_TEST_SOUND_H
#define TL_TEST_SOUND_H

#include <string.h>

#include "conn/tl_conn.h"

#define TL_MUST(condition)                                                                                                     \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            return #condition;                                                                                                 \
        }                                                                                                                      \
    } while (0)

/* A view of one end: a state always, and the path ends in it. */
static inline const char *tl_unsound_view(const struct tl_endpoint_view *view)
{
    TL_MUST(view->state > TL_STATE_NONE && view->state < TL_STATE_COUNT);
    TL_MUST(view->confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(view->before < TL_STATE_COUNT);
    TL_MUST(view->withdrawn < TL_STATE_COUNT);
    for (unsigned i = 0; i < TL_STATE_PATH_MAX; i++) {
        bool is_last = view->path[i] != TL_STATE_NONE && (i + 1 == TL_STATE_PATH_MAX || view->path[i + 1] == TL_STATE_NONE);

        TL_MUST(view->path[i] < TL_STATE_COUNT);
        TL_MUST(i == 0 || view->path[i] == TL_STATE_NONE || view->path[i - 1] != TL_STATE_NONE);
        TL_MUST(!is_last || view->path[i] == view->state);
    }
    return NULL;
}

/* The shape of a segment that end `from` sent. */
static inline const char *tl_unsound_shape(const struct tl_shape *shape, unsigned from)
{
    const char *wrong;

    TL_MUST(shape->phase > TL_PHASE_NONE && shape->phase < TL_PHASE_COUNT);
    TL_MUST(shape->sender > TL_SENDER_NONE && shape->sender < TL_SENDER_COUNT);
    TL_MUST(shape->sender_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(shape->client <= 1);
    TL_MUST(shape->from == from);
    TL_MUST(shape->reuse < TL_REUSE_COUNT);
    TL_MUST(shape->handshake_step < TL_HANDSHAKE_STEP_COUNT);
    TL_MUST(shape->synack_why < TL_SYNACK_WHY_COUNT);
    TL_MUST(shape->teardown_step < TL_TEARDOWN_STEP_COUNT);
    TL_MUST(shape->rst_form < TL_RST_FORM_COUNT);
    TL_MUST(shape->rst_cause < TL_RST_CAUSE_COUNT);
    TL_MUST(shape->rst_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(shape->rst_effect < TL_RST_EFFECT_COUNT);
    TL_MUST(shape->rst_stage < TL_RST_STAGE_COUNT);
    TL_MUST(shape->abort_why < TL_ABORT_WHY_COUNT);
    TL_MUST(shape->origin < TL_ORIGIN_COUNT && shape->origin_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST((shape->origin_confidence == TL_CONFIDENCE_NONE) ==
            (shape->origin == TL_ORIGIN_NONE || shape->origin == TL_ORIGIN_UNKNOWN));
    TL_MUST(shape->keepalive < TL_PROBE_KIND_COUNT);
    TL_MUST(shape->window_probe < TL_PROBE_KIND_COUNT);
    TL_MUST(shape->probe_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(shape->ack < TL_ACK_COUNT);
    TL_MUST(shape->segment < TL_SEGMENT_COUNT);
    TL_MUST(shape->retransmission < TL_RETRANSMISSION_COUNT);
    TL_MUST(shape->retransmission_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(shape->spurious < TL_SPURIOUS_COUNT);
    TL_MUST(shape->lost_at < TL_LOST_AT_COUNT);
    TL_MUST(shape->duplicate < TL_DUPLICATE_COUNT);
    wrong = tl_unsound_view(&shape->endpoint[0]);
    return wrong ? wrong : tl_unsound_view(&shape->endpoint[1]);
}

/* References of the segment in `frame` point back, never forward or to the segment itself; a run may start with this probe. */
static inline const char *tl_unsound_refs(const struct tl_refs *refs, uint32_t frame)
{
    TL_MUST(refs->trigger_in < frame);
    TL_MUST(refs->first_in < frame);
    TL_MUST(refs->closed_in < frame);
    TL_MUST(refs->superseded_in < frame);
    TL_MUST(refs->probe_run_in <= frame);
    TL_MUST(refs->probe_number == 0 || refs->probe_unanswered <= refs->probe_number); /* a RST has only the latter */
    TL_MUST(refs->reuse_elapsed_ns >= 0);
    TL_MUST(refs->probe_idle_ns >= 0 && refs->probe_interval_ns >= 0);
    TL_MUST(refs->original_in < frame && refs->previous_in < frame && refs->original_in <= refs->previous_in);
    TL_MUST(refs->since_previous_ns >= 0 && refs->since_original_ns >= 0);
    TL_MUST(refs->dupack_first_in <= frame);
    TL_MUST(refs->disowned_in < frame && refs->revoked_in < frame);
    for (unsigned i = 0; i < TL_PROVED_MAX; i++) {
        TL_MUST(refs->proved[i].frame < frame);
        TL_MUST(refs->proved[i].spurious < TL_SPURIOUS_COUNT);
    }
    return NULL;
}

/* What is known of a connection that has had at least one segment, at the time `end_ns`. */
static inline const char *tl_unsound_facts(const struct tl_conn *conn, int64_t end_ns)
{
    struct tl_facts facts;

    tl_conn_facts(conn, end_ns, &facts);
    TL_MUST(facts.outcome > TL_OUTCOME_NONE && facts.outcome < TL_OUTCOME_COUNT);
    TL_MUST(facts.missing < TL_MISSING_COUNT);
    TL_MUST(facts.tfo < TL_TFO_COUNT);
    TL_MUST(facts.client_rst < TL_CLIENT_RST_COUNT);
    TL_MUST(facts.kind > TL_KIND_NONE && facts.kind < TL_KIND_COUNT);
    TL_MUST(facts.kind_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(facts.initiator < TL_SIDE_COUNT);
    TL_MUST(facts.time_wait < TL_SIDE_COUNT);
    TL_MUST(facts.reuse < TL_REUSE_COUNT);
    TL_MUST(facts.position < TL_POSITION_COUNT);
    TL_MUST(facts.verdict < TL_VERDICT_COUNT);
    TL_MUST(facts.open_failure < TL_OPEN_FAILURE_COUNT);
    TL_MUST(facts.rst_cause < TL_RST_CAUSE_COUNT && facts.rst_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(facts.rst_sender < TL_SIDE_COUNT);
    TL_MUST(facts.rst_origin < TL_ORIGIN_COUNT && facts.rst_origin_confidence < TL_CONFIDENCE_COUNT);
    TL_MUST(facts.signature < TL_SIGNATURE_COUNT);
    for (unsigned i = 0; i < 2; i++) {
        TL_MUST(facts.fin_in[i] <= facts.last_in);
    }
    TL_MUST(facts.server_time_ns >= -1 && facts.client_time_ns >= -1 && facts.irtt_ns >= -1 && facts.setup_ns >= -1);
    TL_MUST(facts.delay_by_loss_ns >= -1 && facts.teardown_ns >= -1);
    TL_MUST(facts.fin_wait_ns >= -1 && facts.close_wait_ns >= -1);
    TL_MUST(facts.last_ns >= facts.start_ns);
    TL_MUST(facts.first_in > 0 && facts.last_in >= facts.first_in);
    TL_MUST(facts.segments[0] + facts.segments[1] > 0);
    TL_MUST(facts.syn_attempts + facts.synack_attempts <= facts.segments[0] + facts.segments[1]);
    return NULL;
}

/* The records of both directions: sorted, within their bounds, counts right. */
static inline const char *tl_unsound_records(const struct tl_conn *conn)
{
    const char *wrong = tl_scoreboard_check(tl_scoreboard_of(&conn->endpoint[0]));

    return wrong ? wrong : tl_scoreboard_check(tl_scoreboard_of(&conn->endpoint[1]));
}

/* Zeek's words of a connection that is followed: its history is made of Zeek's letters. */
static inline const char *tl_unsound_words(const struct tl_zeek_words *words)
{
    TL_MUST(words->conn_state > TL_ZEEK_STATE_NONE && words->conn_state < TL_ZEEK_STATE_COUNT);
    TL_MUST(words->originator <= 1);
    TL_MUST(strlen(words->history) < TL_ZEEK_HISTORY_SIZE);
    TL_MUST(strspn(words->history, "SHADFRIQWTGshadfriqwtg^.") == strlen(words->history));
    return NULL;
}

/* All of it, of a segment that was just taken; `words` are not among it. */
static inline const char *tl_unsound(const struct tl_result *result, const struct tl_segment *segment, int64_t end_ns)
{
    const char *wrong = tl_unsound_shape(&result->shape, segment->from);

    wrong = wrong ? wrong : tl_unsound_refs(&result->refs, segment->frame);
    wrong = wrong ? wrong : tl_unsound_records(result->conn);
    return wrong ? wrong : tl_unsound_facts(result->conn, end_ns);
}

#endif
