/* tl_explain.c - picks the sentences for a segment (tl_sentences.def) and what fills their slots.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_explain.h"

#include "../engine/base/tl_seq.h"
#include "input/tl_wireshark.h"
#include "show/tl_label.h"
#include "show/tl_reset_text.h"

/* ---- the sentences ----------------------------------------------------------------------------------------------------- */

/* The texts of a row, by enum tl_language. */
typedef const char *const *tl_texts;

struct sentence {
    enum tl_group group;
    unsigned value;
    const char *text[TL_LANGUAGES];
};

static const struct sentence sentences[] = {
#define TL_SENTENCE(group, tag, ...) {TL_GROUP_##group, TL_##group##_##tag, {__VA_ARGS__}},
#include "show/tl_sentences.def"
};

enum phrase {
#define TL_PHRASE(name, ...) PHRASE_##name,
#include "show/tl_sentences.def"
    PHRASE_COUNT
};

static const char *const phrases[PHRASE_COUNT][TL_LANGUAGES] = {
#define TL_PHRASE(name, ...) {__VA_ARGS__},
#include "show/tl_sentences.def"
};

static const char *const between_sentences[TL_LANGUAGES] = {[TL_ENGLISH] = " ", [TL_CHINESE] = ""};

static tl_texts explain_phrase(enum phrase which)
{
    return phrases[which];
}

/* The sentence of a value; NULL when the table has none. */
static tl_texts explain_sentence(enum tl_group group, unsigned value)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
        if (sentences[i].group == group && sentences[i].value == value)
            return sentences[i].text;
    }
    return NULL;
}

/* ---- the blanks -------------------------------------------------------------------------------------------------------- */

enum { MAYBE }; /* the row of {maybe}, which explain_say_as() fills in */

struct story {
    struct tl_blanks blanks; /* first, so that explain_add_rest() finds the story */
    wmem_allocator_t *pool;
    const struct tl_view *view;
};

static void explain_add_number(struct story *story, const char *name, uint32_t number)
{
    tl_text_number(&story->blanks, name, number);
}

static void explain_add_text(struct story *story, const char *name, const char *text)
{
    tl_text_words(&story->blanks, name, text);
}

static void explain_add_words(struct story *story, const char *name, tl_texts words)
{
    explain_add_text(story, name, words[story->view->language]);
}

static void explain_add_label(struct story *story, const char *name, enum tl_group group, unsigned value)
{
    if (value != 0) /* NONE has no label */
        explain_add_text(story, name, tl_label(story->view->language, group, value));
}

static void explain_add_test(struct story *story, const char *name, bool holds)
{
    tl_text_test(&story->blanks, name, holds);
}

/* A frame is known if it comes before the segment. */
static void explain_add_frame(struct story *story, const char *name, uint32_t frame)
{
    if (frame > 0 && frame < story->view->segment->frame)
        explain_add_number(story, name, frame);
}

static void explain_add_seconds(struct story *story, const char *name, int64_t ns)
{
    if (ns > 0)
        explain_add_text(story, name, wmem_strdup_printf(story->pool, "%.6f", (double)ns / 1e9));
}

static void explain_add_template(struct story *story, const char *name, tl_texts text)
{
    tl_text_template(&story->blanks, name, text[story->view->language]);
}

/* The word for how sure an answer is; none when it is certain. */
static const char *explain_maybe(const struct story *story, unsigned confidence)
{
    if (confidence == TL_CONFIDENCE_LIKELY || confidence == TL_CONFIDENCE_GUESS)
        return explain_phrase(confidence == TL_CONFIDENCE_LIKELY ? PHRASE_LIKELY : PHRASE_GUESS)[story->view->language];
    return "";
}

/* Adds a sentence to what was said, about a fact that is no surer than that. */
static void explain_say_as(wmem_strbuf_t *out, struct story *story, tl_texts text, unsigned confidence)
{
    unsigned language = story->view->language;

    if (!text)
        return;
    story->blanks.rows[MAYBE].text = explain_maybe(story, confidence);
    if (wmem_strbuf_get_len(out) > 0)
        wmem_strbuf_append(out, between_sentences[language]);
    tl_text_fill(out, &story->blanks, text[language]);
}

/* Adds a sentence about what is certain. */
static void explain_say(wmem_strbuf_t *out, struct story *story, tl_texts text)
{
    explain_say_as(out, story, text, TL_CONFIDENCE_CERTAIN);
}

/* ---- what the blanks stand for ----------------------------------------------------------------------------------------- */

static void explain_add_segment(struct story *story)
{
    const struct tl_segment *segment = story->view->segment;
    uint32_t octets = segment->len + ((segment->flags & TL_SYN) != 0) + ((segment->flags & TL_FIN) != 0);
    uint32_t data = segment->seq + ((segment->flags & TL_SYN) != 0); /* number of the first payload byte */

    explain_add_number(story, "seq", segment->seq);
    explain_add_number(story, "ack", segment->ack);
    explain_add_number(story, "len", segment->len);
    explain_add_number(story, "window", segment->window);
    explain_add_number(story, "next", segment->seq + octets);
    explain_add_number(story, "last", data + segment->len - 1);
    explain_add_number(story, "fin", data + segment->len);
    explain_add_number(story, "fin_next", data + segment->len + 1);
    explain_add_test(story, "?data", segment->len > 0);
    explain_add_test(story, "?ack_flag", segment->flags & TL_ACK);
    explain_add_template(story, "bytes", explain_phrase(segment->len == 1 ? PHRASE_ONE_BYTE : PHRASE_BYTES));
    if (segment->options & TL_OPT_MPTCP_RST)
        explain_add_number(story, "mptcp_reason", segment->mptcp_rst_reason);
    if (story->view->rst_text)
        explain_add_text(story, "rst_text", story->view->rst_text);
    if (tl_reset_code(segment))
        explain_add_words(story, "rst_code", tl_reset_code(segment));
}

/* Initial sequence numbers and FINs of both ends. */
static void explain_add_numbers(struct story *story)
{
    const struct tl_segment *segment = story->view->segment;
    const struct tl_facts *facts = &story->view->facts;
    unsigned own = segment->from & 1, peer = !own;

    if (facts->has_isn[own])
        explain_add_number(story, "own_isn", facts->isn[own]);
    if (facts->has_isn[peer]) {
        explain_add_number(story, "peer_isn", facts->isn[peer]);
        explain_add_number(story, "peer_isn_next", facts->isn[peer] + 1);
        explain_add_test(story, "?ack_of_isn", segment->ack == facts->isn[peer] + 1);
        explain_add_test(story, "?ack_beyond_isn", tl_seq_after(segment->ack, facts->isn[peer] + 1));
    }
    if (facts->has_fin[own]) {
        explain_add_frame(story, "own_fin_in", facts->fin_in[own]);
        explain_add_number(story, "own_fin", facts->fin[own]);
        explain_add_test(story, "?fin_moved", facts->fin[own] != segment->seq + segment->len);
    }
    if (facts->has_fin[peer]) {
        explain_add_number(story, "peer_fin", facts->fin[peer]);
        explain_add_number(story, "peer_fin_next", facts->fin[peer] + 1);
        explain_add_test(story, "?ack_of_fin", segment->ack == facts->fin[peer] + 1);
    }
}

static void explain_add_references(struct story *story)
{
    const struct tl_facts *facts = &story->view->facts;
    const struct tl_refs *refs = &story->view->result->refs;
    const struct tl_shape *shape = &story->view->result->shape;

    explain_add_frame(story, "fin1_in", facts->fin1_in);
    explain_add_frame(story, "fin2_in", facts->fin2_in);
    explain_add_frame(story, "synack_in", facts->synack_in);
    explain_add_frame(story, "trigger", refs->trigger_in);
    explain_add_test(story, "?opened", shape->phase != TL_PHASE_HANDSHAKE);
    explain_add_test(story, "?opening", shape->phase == TL_PHASE_HANDSHAKE);
    explain_add_test(story, "?bad_ack", shape->error & TL_ERROR_SYNACK_ACK);
    explain_add_test(story, "?bad_isn", !(shape->error & TL_ERROR_SYNACK_ACK));
    if (refs->trigger_bytes > 0)
        explain_add_number(story, "trigger_bytes", refs->trigger_bytes);
    explain_add_frame(story, "first", refs->first_in);
    if (story->view->window_probe == TL_PROBE_KIND_PROBE)
        explain_add_frame(story, "closed", refs->closed_in);
    explain_add_frame(story, "run_in", refs->probe_run_in);
    explain_add_number(story, "transmission", shape->attempt + 1u);
    if (refs->ack_delta != 0)
        explain_add_text(story, "delta", wmem_strdup_printf(story->pool, "%+d", refs->ack_delta));
    if (refs->probe_number > 0)
        explain_add_number(story, "n", refs->probe_number);
    if (refs->probe_unanswered > 1)
        explain_add_number(story, "unanswered", refs->probe_unanswered);
    if (refs->probe_number <= 1)
        explain_add_seconds(story, "idle", refs->probe_idle_ns);
    explain_add_seconds(story, "elapsed", refs->reuse_elapsed_ns);
    explain_add_label(story, "synack_why", TL_GROUP_SYNACK_WHY, shape->synack_why);
}

/* Bytes that come again, duplicate ACKs, and what is decided about earlier frames. */
static void explain_add_repair(struct story *story)
{
    const struct tl_refs *refs = &story->view->result->refs;

    explain_add_frame(story, "original", refs->original_in);
    if (refs->previous_in != 0)
        explain_add_seconds(story, "since_previous", refs->since_previous_ns);
    if (refs->new_bytes != 0)
        explain_add_number(story, "new", refs->new_bytes);
    if (refs->skipped_bytes != 0)
        explain_add_number(story, "skipped", refs->skipped_bytes);
    if (refs->dupack_number != 0)
        explain_add_number(story, "dupack", refs->dupack_number);
    explain_add_frame(story, "dupack_first", refs->dupack_first_in);
    explain_add_frame(story, "proved", refs->proved[0].frame);
    explain_add_label(story, "proved_why", TL_GROUP_SPURIOUS, refs->proved[0].spurious);
    explain_add_frame(story, "disowned", refs->disowned_in);
    explain_add_frame(story, "revoked", refs->revoked_in);
    explain_add_frame(story, "refuted", refs->refuted_in);
    if (refs->linked != 0)
        explain_add_number(story, "linked", refs->linked - 1);
    explain_add_frame(story, "superseded", refs->superseded_in);
}

/* The usual idle timeouts of devices, seconds; a silence within 2 % of one is called so. */
static unsigned explain_usual_timeout(int64_t silence_ns)
{
    static const unsigned usual[] = {60, 240, 300, 350, 600, 900, 1800, 3600, 7200};

    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        int64_t timeout_ns = (int64_t)usual[i] * 1000000000;

        if (silence_ns >= timeout_ns / 100 * 98 && silence_ns <= timeout_ns / 100 * 102)
            return usual[i];
    }
    return 0;
}

/* What was measured of a RST. */
static void explain_add_origin(struct story *story)
{
    const struct tl_refs *refs = &story->view->result->refs;
    const struct tl_facts *facts = &story->view->facts;
    unsigned timeout = explain_usual_timeout(refs->silence_ns);

    explain_add_number(story, "ttl", story->view->segment->ttl);
    if (refs->usual_ttl != 0)
        explain_add_number(story, "usual_ttl", refs->usual_ttl);
    explain_add_seconds(story, "gap", refs->gap_ns);
    explain_add_frame(story, "gap_in", refs->gap_in);
    explain_add_seconds(story, "half_rtt", refs->half_rtt_ns);
    explain_add_number(story, "samples", refs->half_rtt_count);
    explain_add_frame(story, "echo_in", refs->echo_in);
    explain_add_seconds(story, "silence", refs->silence_ns);
    if (timeout != 0)
        explain_add_number(story, "timeout", timeout);
    if (!facts->has_fin[story->view->segment->from & 1])
        explain_add_frame(story, "ended_in", facts->rst_in);
}

/* Words for sender and receiver, the sender being the end that the client's fields show, or the other. */
static void explain_add_ends(struct story *story)
{
    static const enum phrase ends[2][2] = {{PHRASE_THIS_END_B, PHRASE_OTHER_END_A}, {PHRASE_THIS_END_A, PHRASE_OTHER_END_B}};
    static const enum phrase peers[2][2] = {{PHRASE_THIS_PEER_B, PHRASE_OTHER_PEER_A},
                                            {PHRASE_THIS_PEER_A, PHRASE_OTHER_PEER_B}};
    static const enum phrase roles[2][2] = {{PHRASE_SERVER, PHRASE_CLIENT}, {PHRASE_CLIENT, PHRASE_SERVER}};
    const struct tl_shape *shape = &story->view->result->shape;
    bool is_first = (shape->from & 1) == (shape->client & 1);
    const enum phrase *words = ends[is_first];

    if (shape->sender == TL_SENDER_PEER)
        words = peers[is_first];
    else if (shape->sender == TL_SENDER_CLIENT || shape->sender == TL_SENDER_SERVER)
        words = roles[shape->sender == TL_SENDER_CLIENT];
    explain_add_words(story, "sender", explain_phrase(words[0]));
    explain_add_words(story, "receiver", explain_phrase(words[1]));
}

/* A state is called what its field says, in every language. */
static void explain_add_state(struct story *story, const char *name, unsigned state)
{
    if (state == TL_STATE_NONE || state == TL_STATE_UNKNOWN)
        explain_add_words(story, name, explain_phrase(PHRASE_STATE_UNKNOWN));
    else
        explain_add_text(story, name, tl_name(TL_GROUP_STATE, state)->value);
}

static void explain_add_states(struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_endpoint_view *own = &shape->endpoint[shape->from & 1], *peer = &shape->endpoint[!(shape->from & 1)];
    bool roles = shape->sender == TL_SENDER_CLIENT || shape->sender == TL_SENDER_SERVER;
    bool equal = own->state == peer->state && own->confidence == peer->confidence;
    enum phrase pattern = equal ? PHRASE_STATES_EQUAL : roles ? PHRASE_STATES_ROLES : PHRASE_STATES_ENDS;
    bool own_is_client = (shape->from & 1) == (shape->client & 1);

    explain_add_state(story, "state", own->state);
    explain_add_state(story, "sender_state", own->state);
    explain_add_state(story, "receiver_state", peer->state);
    explain_add_state(story, "client_state", shape->endpoint[shape->client & 1].state);
    explain_add_state(story, "server_state", shape->endpoint[!(shape->client & 1)].state);
    explain_add_text(story, "sender_maybe", explain_maybe(story, own->confidence));
    explain_add_text(story, "receiver_maybe", explain_maybe(story, peer->confidence));
    explain_add_text(story, "client_maybe", explain_maybe(story, (own_is_client ? own : peer)->confidence));
    explain_add_text(story, "server_maybe", explain_maybe(story, (own_is_client ? peer : own)->confidence));
    if (own->withdrawn)
        explain_add_state(story, "withdrawn_sender", own->withdrawn);
    if (peer->withdrawn)
        explain_add_state(story, "withdrawn_receiver", peer->withdrawn);
    explain_add_template(story, "states", explain_phrase(pattern));
}

/* What an ordinary segment needs none of. */
static void explain_add_rest(struct tl_blanks *blanks)
{
    struct story *story = (struct story *)blanks;

    explain_add_numbers(story);
    explain_add_references(story);
    explain_add_repair(story);
    explain_add_origin(story);
}

/* ---- what to say ------------------------------------------------------------------------------------------------------- */

/* Whether the kind of segment has a sentence of its own. */
static bool explain_is_told(unsigned segment)
{
    return segment == TL_SEGMENT_AHEAD || segment == TL_SEGMENT_OUT_OF_ORDER || segment == TL_SEGMENT_UNKNOWN_OLD;
}

static tl_texts explain_ordinary_sentence(const struct tl_view *view)
{
    uint8_t flags = view->segment->flags;

    if (flags & TL_RST)
        return explain_phrase(PHRASE_RESET);
    if (flags & TL_SYN)
        return explain_phrase(PHRASE_SYN);
    if (flags & TL_FIN)
        return explain_phrase(PHRASE_FIN);
    if (view->result->shape.retransmission != TL_RETRANSMISSION_NONE)
        return explain_sentence(TL_GROUP_RETRANSMISSION, view->result->shape.retransmission);
    if (explain_is_told(view->result->shape.segment))
        return explain_sentence(TL_GROUP_SEGMENT, view->result->shape.segment);
    if (view->segment->len > 0)
        return explain_phrase(view->result->shape.flags & TL_SHAPE_NEW_DATA ? PHRASE_DATA : PHRASE_DATA_OLD);
    if (view->ack != TL_ACK_NONE && view->ack != TL_ACK_NEW)
        return explain_sentence(TL_GROUP_ACK, view->ack);
    return explain_phrase(flags & TL_ACK ? PHRASE_PURE_ACK : PHRASE_NO_ACK);
}

static tl_texts explain_special_sentence(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;
    static const enum phrase keepalive[] = {[TL_PROBE_KIND_PROBE] = PHRASE_KEEPALIVE_PROBE,
                                            [TL_PROBE_KIND_ANSWER] = PHRASE_KEEPALIVE_ANSWER,
                                            [TL_PROBE_KIND_OPEN] = PHRASE_KEEPALIVE_ANSWER};
    static const enum phrase window_probe[] = {[TL_PROBE_KIND_PROBE] = PHRASE_WINDOW_PROBE,
                                               [TL_PROBE_KIND_ANSWER] = PHRASE_WINDOW_ANSWER,
                                               [TL_PROBE_KIND_OPEN] = PHRASE_WINDOW_OPEN};

    if (shape->flags & TL_SHAPE_COPY)
        return explain_phrase(PHRASE_COPY);
    if (shape->flags & TL_SHAPE_STRAY)
        return explain_phrase(PHRASE_STRAY);
    if (view->keepalive != TL_PROBE_KIND_NONE && view->keepalive < G_N_ELEMENTS(keepalive))
        return explain_phrase(keepalive[view->keepalive]);
    if (view->window_probe != TL_PROBE_KIND_NONE && view->window_probe < G_N_ELEMENTS(window_probe))
        return explain_phrase(window_probe[view->window_probe]);
    if (shape->ack == TL_ACK_CHALLENGE)
        return explain_phrase(PHRASE_ACK_CHALLENGE);
    return shape->ack == TL_ACK_TIME_WAIT ? explain_phrase(PHRASE_ACK_TIME_WAIT) : NULL;
}

/* What tells that a device on the path sent a RST, with the numbers. */
static void explain_say_evidence(wmem_strbuf_t *out, struct story *story)
{
    static const struct {
        uint32_t bits;
        enum phrase phrase;
    } told[] = {
        {TL_EVIDENCE_AS_SYNACK, PHRASE_PATH_AS_SYNACK},
        {TL_EVIDENCE_TTL | TL_EVIDENCE_TTL_NEAR | TL_EVIDENCE_TTL_WEAK | TL_EVIDENCE_SIBLING, PHRASE_PATH_TTL},
        {TL_EVIDENCE_TOO_FAST | TL_EVIDENCE_TOO_FAST_IDLE | TL_EVIDENCE_TOO_FAST_QUIET, PHRASE_PATH_TOO_FAST},
        {TL_EVIDENCE_ECHO_ID, PHRASE_PATH_ECHO_ID},
        {TL_EVIDENCE_ID_SHARED, PHRASE_PATH_ID_SHARED},
        {TL_EVIDENCE_SYNACK_AFTER | TL_EVIDENCE_SYNACK_LATER, PHRASE_PATH_SYNACK_AFTER},
        {TL_EVIDENCE_GOES_ON | TL_EVIDENCE_GOES_ON_DATA | TL_EVIDENCE_GOES_ON_OLD, PHRASE_PATH_GOES_ON},
    };
    const struct tl_rst_now *rst = &story->view->rst;

    for (size_t i = 0; i < G_N_ELEMENTS(told); i++) {
        bool needs_ttl = told[i].phrase == PHRASE_PATH_TTL;

        if ((rst->evidence & told[i].bits) && !(needs_ttl && story->view->result->refs.usual_ttl == 0))
            explain_say(out, story, explain_phrase(told[i].phrase));
    }
}

/* Why, in the name of the device that sent it. */
static tl_texts explain_device_sentence(unsigned cause)
{
    if (tl_view_cause_names_device(cause))
        return explain_sentence(TL_GROUP_RST_CAUSE, cause);
    if (cause == TL_RST_CAUSE_REFUSED || cause == TL_RST_CAUSE_REFUSED_BAD)
        return explain_phrase(PHRASE_PATH_SYN);
    return explain_phrase(PHRASE_PATH_ANSWER);
}

static void explain_say_reset(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_rst_now *rst = &story->view->rst;
    bool by_device = rst->origin == TL_ORIGIN_PATH;
    bool guess = rst->origin_confidence == TL_CONFIDENCE_GUESS;

    if (!by_device || guess)
        explain_say_as(out, story, explain_sentence(TL_GROUP_RST_CAUSE, rst->cause), rst->confidence);
    if (by_device)
        explain_say_as(out, story, explain_phrase(PHRASE_PATH_SENT), rst->origin_confidence);
    if (by_device && !guess)
        explain_say_as(out, story, explain_device_sentence(rst->cause), rst->confidence);
    if (by_device)
        explain_say_evidence(out, story);
    if (shape->flags & TL_SHAPE_RST_AFTER_IDLE)
        explain_say(out, story, explain_phrase(PHRASE_IDLE));
    if (rst->cause == TL_RST_CAUSE_ABORT && shape->abort_why != TL_ABORT_WHY_NONE)
        explain_say(out, story, explain_sentence(TL_GROUP_ABORT_WHY, shape->abort_why));
    if (story->view->rst_text)
        explain_say(out, story, explain_phrase(PHRASE_RST_TEXT));
    if (tl_reset_code(story->view->segment))
        explain_say(out, story, explain_phrase(PHRASE_RST_CODE));
    if (rst->effect != TL_RST_EFFECT_NONE && rst->effect != TL_RST_EFFECT_UNKNOWN)
        explain_say(out, story, explain_sentence(TL_GROUP_RST_EFFECT, rst->effect));
}

static void explain_say_segment(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_view *view = story->view;
    const struct tl_shape *shape = &view->result->shape;
    bool is_retransmission = shape->retransmission != TL_RETRANSMISSION_NONE;

    if (shape->rst_cause != TL_RST_CAUSE_NONE) {
        explain_say_reset(out, story);
        return;
    }
    if (shape->handshake_step != TL_HANDSHAKE_STEP_NONE)
        explain_say_as(out, story, explain_sentence(TL_GROUP_HANDSHAKE_STEP, shape->handshake_step), view->probe_confidence);
    if (shape->syn_why != TL_SYN_WHY_NONE)
        explain_say(out, story, explain_sentence(TL_GROUP_SYN_WHY, shape->syn_why));
    if (shape->teardown_step != TL_TEARDOWN_STEP_NONE)
        explain_say(out, story, explain_sentence(TL_GROUP_TEARDOWN_STEP, shape->teardown_step));
    if (wmem_strbuf_get_len(out) == 0)
        explain_say_as(out, story, explain_special_sentence(view), view->probe_confidence);
    if (wmem_strbuf_get_len(out) == 0)
        explain_say_as(out, story, explain_ordinary_sentence(view), is_retransmission ? shape->retransmission_confidence : 0);
}

/* Errors of the handshake, except what the sentence of the step says already. */
static void explain_say_errors(wmem_strbuf_t *out, struct story *story)
{
    static const struct {
        uint16_t error;
        enum phrase phrase;
    } errors[] = {
#define TL_ERROR_ROW(bit, word, label, severity, group, source, meaning) {TL_ERROR_##bit, PHRASE_ERROR_##bit},
#include "show/tl_errors.def"
    };
    const struct tl_shape *shape = &story->view->result->shape;

    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        if (errors[i].error == TL_ERROR_SYNACK_ACK && shape->handshake_step == TL_HANDSHAKE_STEP_SYNACK_BAD)
            continue;
        if (shape->error & errors[i].error)
            explain_say(out, story, explain_phrase(errors[i].phrase));
    }
}

/* How a probe without payload was told from the other kind: by its time, or not yet. */
static void explain_say_timer(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_view *view = story->view;
    bool is_window = view->window_probe == TL_PROBE_KIND_PROBE;

    if (!tl_view_is_probe(view))
        return;
    if (view->result->shape.flags & TL_SHAPE_NAMES_RUN)
        explain_say(out, story, explain_phrase(is_window ? PHRASE_RUN_WINDOW_PROBE : PHRASE_RUN_KEEPALIVE));
    else if (view->probe_confidence == TL_CONFIDENCE_GUESS)
        explain_say(out, story, explain_phrase(PHRASE_PROBE_GUESS));
}

static void explain_say_remarks(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_refs *refs = &story->view->result->refs;

    if (tl_view_reuse(story->view) != TL_REUSE_NONE)
        explain_say(out, story, explain_sentence(TL_GROUP_REUSE, tl_view_reuse(story->view)));
    if (shape->flags & TL_SHAPE_BELOW_PREVIOUS)
        explain_say(out, story, explain_phrase(PHRASE_REUSE_BELOW));
    if (shape->flags & TL_SHAPE_TWO_SOCKETS)
        explain_say(out, story, explain_phrase(PHRASE_TWO_SOCKETS));
    if (refs->linked != 0)
        explain_say(out, story, explain_phrase(PHRASE_LINKED));
    if (shape->flags & TL_SHAPE_REORDERED)
        explain_say(out, story, explain_phrase(PHRASE_REORDERED));
    if (shape->endpoint[shape->from & 1].withdrawn)
        explain_say(out, story, explain_phrase(PHRASE_WITHDRAWN_SENDER));
    if (shape->endpoint[!(shape->from & 1)].withdrawn)
        explain_say(out, story, explain_phrase(PHRASE_WITHDRAWN_RECEIVER));
    explain_say_timer(out, story);
    if (shape->flags & TL_SHAPE_WINDOW_LIMITED)
        explain_say(out, story, explain_phrase(PHRASE_WINDOW_LIMITED));
    if (refs->new_bytes != 0)
        explain_say(out, story, explain_phrase(PHRASE_NEW_BYTES));
    if (shape->flags & TL_SHAPE_TLP_OR_RTO)
        explain_say(out, story, explain_phrase(PHRASE_TLP_OR_RTO));
    if (refs->proved[0].frame != 0)
        explain_say(out, story, explain_phrase(PHRASE_PROVED));
    if (refs->disowned_in != 0)
        explain_say(out, story, explain_phrase(PHRASE_DISOWNED));
    if (refs->refuted_in != 0)
        explain_say(out, story, explain_phrase(PHRASE_FIN_REFUTED));
    if (refs->revoked_in != 0)
        explain_say(out, story, explain_phrase(PHRASE_REVOKED));
    if (refs->superseded_in != 0)
        explain_say(out, story, explain_phrase(PHRASE_SUPERSEDED));
}

/* What kept the connection, where that was long. */
static void explain_say_wait(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_wait *wait = &story->view->wait;

    if (wait->ns < TL_VIEW_TOLD_NS)
        return;
    explain_add_seconds(story, "waited", wait->program_ns > 0 ? wait->program_ns : wait->ns);
    explain_add_words(story, "wait_of", explain_phrase(wait->of == TL_SIDE_CLIENT ? PHRASE_CLIENT : PHRASE_SERVER));
    explain_say_as(out, story, explain_sentence(TL_GROUP_WAIT_FOR, wait->reason), wait->confidence);
}

/* Wireshark's own flag, where it differs. */
static void explain_say_difference(wmem_strbuf_t *out, struct story *story)
{
    struct tl_difference difference;

    if (!tl_wireshark_differs(story->view, &difference))
        return;
    explain_add_words(story, "flag", difference.flag);
    explain_say(out, story, difference.text);
}

const char *tl_explain(wmem_allocator_t *pool, const struct tl_view *view)
{
    enum { USUAL_SIZE = 256 }; /* bytes; most explanations need no more */
    struct story story;
    wmem_strbuf_t *out = tl_strbuf_new(pool, USUAL_SIZE);

    story.pool = pool;
    story.view = view;
    story.blanks.count = 0; /* the rows are written before they are read */
    story.blanks.more = explain_add_rest;
    explain_add_text(&story, "maybe", "");
    explain_add_segment(&story);
    explain_add_ends(&story);
    explain_add_states(&story);
    explain_say_segment(out, &story);
    explain_say_errors(out, &story);
    explain_say_remarks(out, &story);
    explain_say_wait(out, &story);
    explain_say_difference(out, &story);
    return wmem_strbuf_get_str(out);
}
