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

static tl_texts phrase(enum phrase which)
{
    return phrases[which];
}

/* The sentence of a value; NULL when the table has none. */
static tl_texts sentence(enum tl_group group, unsigned value)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
        if (sentences[i].group == group && sentences[i].value == value)
            return sentences[i].text;
    }
    return NULL;
}

/* ---- the blanks -------------------------------------------------------------------------------------------------------- */

enum { MAYBE }; /* the row of {maybe}, which say_as() fills in */

struct story {
    struct tl_blanks blanks; /* first, so that add_rest() finds the story */
    wmem_allocator_t *pool;
    const struct tl_view *view;
};

static void add_number(struct story *story, const char *name, uint32_t number)
{
    tl_text_number(&story->blanks, name, number);
}

static void add_text(struct story *story, const char *name, const char *text)
{
    tl_text_words(&story->blanks, name, text);
}

static void add_words(struct story *story, const char *name, tl_texts words)
{
    add_text(story, name, words[story->view->language]);
}

static void add_label(struct story *story, const char *name, enum tl_group group, unsigned value)
{
    if (value != 0) /* NONE has no label */
        add_text(story, name, tl_label(story->view->language, group, value));
}

static void add_test(struct story *story, const char *name, bool holds)
{
    tl_text_test(&story->blanks, name, holds);
}

/* A frame is known if it comes before the segment. */
static void add_frame(struct story *story, const char *name, uint32_t frame)
{
    if (frame > 0 && frame < story->view->segment->frame)
        add_number(story, name, frame);
}

static void add_seconds(struct story *story, const char *name, int64_t ns)
{
    if (ns > 0)
        add_text(story, name, wmem_strdup_printf(story->pool, "%.6f", (double)ns / 1e9));
}

static void add_template(struct story *story, const char *name, tl_texts text)
{
    tl_text_template(&story->blanks, name, text[story->view->language]);
}

/* The word for how sure an answer is; none when it is certain. */
static const char *maybe(const struct story *story, unsigned confidence)
{
    if (confidence == TL_CONFIDENCE_LIKELY || confidence == TL_CONFIDENCE_GUESS)
        return phrase(confidence == TL_CONFIDENCE_LIKELY ? PHRASE_LIKELY : PHRASE_GUESS)[story->view->language];
    return "";
}

/* Adds a sentence to what was said, about a fact that is no surer than that. */
static void say_as(wmem_strbuf_t *out, struct story *story, tl_texts text, unsigned confidence)
{
    unsigned language = story->view->language;

    if (!text)
        return;
    story->blanks.rows[MAYBE].text = maybe(story, confidence);
    if (wmem_strbuf_get_len(out) > 0)
        wmem_strbuf_append(out, between_sentences[language]);
    tl_text_fill(out, &story->blanks, text[language]);
}

/* Adds a sentence about what is certain. */
static void say(wmem_strbuf_t *out, struct story *story, tl_texts text)
{
    say_as(out, story, text, TL_CONFIDENCE_CERTAIN);
}

/* ---- what the blanks stand for ----------------------------------------------------------------------------------------- */

static void add_segment(struct story *story)
{
    const struct tl_segment *segment = story->view->segment;
    uint32_t octets = segment->len + ((segment->flags & TL_SYN) != 0) + ((segment->flags & TL_FIN) != 0);
    uint32_t data = segment->seq + ((segment->flags & TL_SYN) != 0); /* number of the first payload byte */

    add_number(story, "seq", segment->seq);
    add_number(story, "ack", segment->ack);
    add_number(story, "len", segment->len);
    add_number(story, "window", segment->window);
    add_number(story, "next", segment->seq + octets);
    add_number(story, "last", data + segment->len - 1);
    add_number(story, "fin", data + segment->len);
    add_number(story, "fin_next", data + segment->len + 1);
    add_test(story, "?data", segment->len > 0);
    add_test(story, "?ack_flag", segment->flags & TL_ACK);
    add_template(story, "bytes", phrase(segment->len == 1 ? PHRASE_ONE_BYTE : PHRASE_BYTES));
    if (segment->options & TL_OPT_MPTCP_RST)
        add_number(story, "mptcp_reason", segment->mptcp_rst_reason);
    if (story->view->rst_text)
        add_text(story, "rst_text", story->view->rst_text);
    if (tl_reset_code(segment))
        add_words(story, "rst_code", tl_reset_code(segment));
}

/* Initial sequence numbers and FINs of both ends. */
static void add_numbers(struct story *story)
{
    const struct tl_segment *segment = story->view->segment;
    const struct tl_facts *facts = &story->view->facts;
    unsigned own = segment->from & 1, peer = !own;

    if (facts->has_isn[own])
        add_number(story, "own_isn", facts->isn[own]);
    if (facts->has_isn[peer]) {
        add_number(story, "peer_isn", facts->isn[peer]);
        add_number(story, "peer_isn_next", facts->isn[peer] + 1);
        add_test(story, "?ack_of_isn", segment->ack == facts->isn[peer] + 1);
        add_test(story, "?ack_beyond_isn", tl_seq_after(segment->ack, facts->isn[peer] + 1));
    }
    if (facts->has_fin[own]) {
        add_frame(story, "own_fin_in", facts->fin_in[own]);
        add_number(story, "own_fin", facts->fin[own]);
        add_test(story, "?fin_moved", facts->fin[own] != segment->seq + segment->len);
    }
    if (facts->has_fin[peer]) {
        add_number(story, "peer_fin", facts->fin[peer]);
        add_number(story, "peer_fin_next", facts->fin[peer] + 1);
        add_test(story, "?ack_of_fin", segment->ack == facts->fin[peer] + 1);
    }
}

static void add_references(struct story *story)
{
    const struct tl_facts *facts = &story->view->facts;
    const struct tl_refs *refs = &story->view->result->refs;
    const struct tl_shape *shape = &story->view->result->shape;

    add_frame(story, "fin1_in", facts->fin1_in);
    add_frame(story, "fin2_in", facts->fin2_in);
    add_frame(story, "synack_in", facts->synack_in);
    add_frame(story, "trigger", refs->trigger_in);
    add_test(story, "?opened", shape->phase != TL_PHASE_HANDSHAKE);
    add_test(story, "?opening", shape->phase == TL_PHASE_HANDSHAKE);
    add_test(story, "?bad_ack", shape->error & TL_ERROR_SYNACK_ACK);
    add_test(story, "?bad_isn", !(shape->error & TL_ERROR_SYNACK_ACK));
    if (refs->trigger_bytes > 0)
        add_number(story, "trigger_bytes", refs->trigger_bytes);
    add_frame(story, "first", refs->first_in);
    if (story->view->window_probe == TL_PROBE_KIND_PROBE)
        add_frame(story, "closed", refs->closed_in);
    add_frame(story, "run_in", refs->probe_run_in);
    add_number(story, "transmission", shape->attempt + 1u);
    if (refs->ack_delta != 0)
        add_text(story, "delta", wmem_strdup_printf(story->pool, "%+d", refs->ack_delta));
    if (refs->probe_number > 0)
        add_number(story, "n", refs->probe_number);
    if (refs->probe_unanswered > 1)
        add_number(story, "unanswered", refs->probe_unanswered);
    if (refs->probe_number <= 1)
        add_seconds(story, "idle", refs->probe_idle_ns);
    add_seconds(story, "elapsed", refs->reuse_elapsed_ns);
    add_label(story, "synack_why", TL_GROUP_SYNACK_WHY, shape->synack_why);
}

/* Bytes that come again, duplicate ACKs, and what is decided about earlier frames. */
static void add_repair(struct story *story)
{
    const struct tl_refs *refs = &story->view->result->refs;

    add_frame(story, "original", refs->original_in);
    if (refs->previous_in != 0)
        add_seconds(story, "since_previous", refs->since_previous_ns);
    if (refs->new_bytes != 0)
        add_number(story, "new", refs->new_bytes);
    if (refs->skipped_bytes != 0)
        add_number(story, "skipped", refs->skipped_bytes);
    if (refs->dupack_number != 0)
        add_number(story, "dupack", refs->dupack_number);
    add_frame(story, "dupack_first", refs->dupack_first_in);
    add_frame(story, "proved", refs->proved[0].frame);
    add_label(story, "proved_why", TL_GROUP_SPURIOUS, refs->proved[0].spurious);
    add_frame(story, "disowned", refs->disowned_in);
    add_frame(story, "revoked", refs->revoked_in);
    add_frame(story, "refuted", refs->refuted_in);
    if (refs->linked != 0)
        add_number(story, "linked", refs->linked - 1);
    add_frame(story, "superseded", refs->superseded_in);
}

/* The usual idle timeouts of devices, seconds; a silence within 2 % of one is called so. */
static unsigned usual_timeout(int64_t silence_ns)
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
static void add_origin(struct story *story)
{
    const struct tl_refs *refs = &story->view->result->refs;
    const struct tl_facts *facts = &story->view->facts;
    unsigned timeout = usual_timeout(refs->silence_ns);

    add_number(story, "ttl", story->view->segment->ttl);
    if (refs->usual_ttl != 0)
        add_number(story, "usual_ttl", refs->usual_ttl);
    add_seconds(story, "gap", refs->gap_ns);
    add_frame(story, "gap_in", refs->gap_in);
    add_seconds(story, "half_rtt", refs->half_rtt_ns);
    add_number(story, "samples", refs->half_rtt_count);
    add_frame(story, "echo_in", refs->echo_in);
    add_seconds(story, "silence", refs->silence_ns);
    if (timeout != 0)
        add_number(story, "timeout", timeout);
    if (!facts->has_fin[story->view->segment->from & 1])
        add_frame(story, "ended_in", facts->rst_in);
}

/* Words for sender and receiver, the sender being the end that the client's fields show, or the other. */
static void add_ends(struct story *story)
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
    add_words(story, "sender", phrase(words[0]));
    add_words(story, "receiver", phrase(words[1]));
}

/* A state is called what its field says, in every language. */
static void add_state(struct story *story, const char *name, unsigned state)
{
    if (state == TL_STATE_NONE || state == TL_STATE_UNKNOWN)
        add_words(story, name, phrase(PHRASE_STATE_UNKNOWN));
    else
        add_text(story, name, tl_name(TL_GROUP_STATE, state)->value);
}

static void add_states(struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_endpoint_view *own = &shape->endpoint[shape->from & 1], *peer = &shape->endpoint[!(shape->from & 1)];
    bool roles = shape->sender == TL_SENDER_CLIENT || shape->sender == TL_SENDER_SERVER;
    bool equal = own->state == peer->state && own->confidence == peer->confidence;
    enum phrase pattern = equal ? PHRASE_STATES_EQUAL : roles ? PHRASE_STATES_ROLES : PHRASE_STATES_ENDS;
    bool own_is_client = (shape->from & 1) == (shape->client & 1);

    add_state(story, "state", own->state);
    add_state(story, "sender_state", own->state);
    add_state(story, "receiver_state", peer->state);
    add_state(story, "client_state", shape->endpoint[shape->client & 1].state);
    add_state(story, "server_state", shape->endpoint[!(shape->client & 1)].state);
    add_text(story, "sender_maybe", maybe(story, own->confidence));
    add_text(story, "receiver_maybe", maybe(story, peer->confidence));
    add_text(story, "client_maybe", maybe(story, (own_is_client ? own : peer)->confidence));
    add_text(story, "server_maybe", maybe(story, (own_is_client ? peer : own)->confidence));
    if (own->withdrawn)
        add_state(story, "withdrawn_sender", own->withdrawn);
    if (peer->withdrawn)
        add_state(story, "withdrawn_receiver", peer->withdrawn);
    add_template(story, "states", phrase(pattern));
}

/* What an ordinary segment needs none of. */
static void add_rest(struct tl_blanks *blanks)
{
    struct story *story = (struct story *)blanks;

    add_numbers(story);
    add_references(story);
    add_repair(story);
    add_origin(story);
}

/* ---- what to say ------------------------------------------------------------------------------------------------------- */

/* Whether the kind of segment has a sentence of its own. */
static bool is_told(unsigned segment)
{
    return segment == TL_SEGMENT_AHEAD || segment == TL_SEGMENT_OUT_OF_ORDER || segment == TL_SEGMENT_UNKNOWN_OLD;
}

static tl_texts ordinary_sentence(const struct tl_view *view)
{
    uint8_t flags = view->segment->flags;

    if (flags & TL_RST)
        return phrase(PHRASE_RESET);
    if (flags & TL_SYN)
        return phrase(PHRASE_SYN);
    if (flags & TL_FIN)
        return phrase(PHRASE_FIN);
    if (view->result->shape.retransmission != TL_RETRANSMISSION_NONE)
        return sentence(TL_GROUP_RETRANSMISSION, view->result->shape.retransmission);
    if (is_told(view->result->shape.segment))
        return sentence(TL_GROUP_SEGMENT, view->result->shape.segment);
    if (view->segment->len > 0)
        return phrase(view->result->shape.flags & TL_SHAPE_NEW_DATA ? PHRASE_DATA : PHRASE_DATA_OLD);
    if (view->ack != TL_ACK_NONE && view->ack != TL_ACK_NEW)
        return sentence(TL_GROUP_ACK, view->ack);
    return phrase(flags & TL_ACK ? PHRASE_PURE_ACK : PHRASE_NO_ACK);
}

static tl_texts special_sentence(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;
    static const enum phrase keepalive[] = {[TL_PROBE_KIND_PROBE] = PHRASE_KEEPALIVE_PROBE,
                                            [TL_PROBE_KIND_ANSWER] = PHRASE_KEEPALIVE_ANSWER,
                                            [TL_PROBE_KIND_OPEN] = PHRASE_KEEPALIVE_ANSWER};
    static const enum phrase window_probe[] = {[TL_PROBE_KIND_PROBE] = PHRASE_WINDOW_PROBE,
                                               [TL_PROBE_KIND_ANSWER] = PHRASE_WINDOW_ANSWER,
                                               [TL_PROBE_KIND_OPEN] = PHRASE_WINDOW_OPEN};

    if (shape->flags & TL_SHAPE_COPY)
        return phrase(PHRASE_COPY);
    if (shape->flags & TL_SHAPE_STRAY)
        return phrase(PHRASE_STRAY);
    if (view->keepalive != TL_PROBE_KIND_NONE && view->keepalive < G_N_ELEMENTS(keepalive))
        return phrase(keepalive[view->keepalive]);
    if (view->window_probe != TL_PROBE_KIND_NONE && view->window_probe < G_N_ELEMENTS(window_probe))
        return phrase(window_probe[view->window_probe]);
    if (shape->ack == TL_ACK_CHALLENGE)
        return phrase(PHRASE_ACK_CHALLENGE);
    return shape->ack == TL_ACK_TIME_WAIT ? phrase(PHRASE_ACK_TIME_WAIT) : NULL;
}

/* What tells that a device on the path sent a RST, with the numbers. */
static void say_evidence(wmem_strbuf_t *out, struct story *story)
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
            say(out, story, phrase(told[i].phrase));
    }
}

/* Why, in the name of the device that sent it. */
static tl_texts device_sentence(unsigned cause)
{
    if (tl_view_cause_names_device(cause))
        return sentence(TL_GROUP_RST_CAUSE, cause);
    if (cause == TL_RST_CAUSE_REFUSED || cause == TL_RST_CAUSE_REFUSED_BAD)
        return phrase(PHRASE_PATH_SYN);
    return phrase(PHRASE_PATH_ANSWER);
}

static void say_reset(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_rst_now *rst = &story->view->rst;
    bool by_device = rst->origin == TL_ORIGIN_PATH;
    bool guess = rst->origin_confidence == TL_CONFIDENCE_GUESS;

    if (!by_device || guess)
        say_as(out, story, sentence(TL_GROUP_RST_CAUSE, rst->cause), rst->confidence);
    if (by_device)
        say_as(out, story, phrase(PHRASE_PATH_SENT), rst->origin_confidence);
    if (by_device && !guess)
        say_as(out, story, device_sentence(rst->cause), rst->confidence);
    if (by_device)
        say_evidence(out, story);
    if (shape->flags & TL_SHAPE_RST_AFTER_IDLE)
        say(out, story, phrase(PHRASE_IDLE));
    if (rst->cause == TL_RST_CAUSE_ABORT && shape->abort_why != TL_ABORT_WHY_NONE)
        say(out, story, sentence(TL_GROUP_ABORT_WHY, shape->abort_why));
    if (story->view->rst_text)
        say(out, story, phrase(PHRASE_RST_TEXT));
    if (tl_reset_code(story->view->segment))
        say(out, story, phrase(PHRASE_RST_CODE));
    if (rst->effect != TL_RST_EFFECT_NONE && rst->effect != TL_RST_EFFECT_UNKNOWN)
        say(out, story, sentence(TL_GROUP_RST_EFFECT, rst->effect));
}

static void say_segment(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_view *view = story->view;
    const struct tl_shape *shape = &view->result->shape;
    bool is_retransmission = shape->retransmission != TL_RETRANSMISSION_NONE;

    if (shape->rst_cause != TL_RST_CAUSE_NONE) {
        say_reset(out, story);
        return;
    }
    if (shape->handshake_step != TL_HANDSHAKE_STEP_NONE)
        say_as(out, story, sentence(TL_GROUP_HANDSHAKE_STEP, shape->handshake_step), view->probe_confidence);
    if (shape->syn_why != TL_SYN_WHY_NONE)
        say(out, story, sentence(TL_GROUP_SYN_WHY, shape->syn_why));
    if (shape->teardown_step != TL_TEARDOWN_STEP_NONE)
        say(out, story, sentence(TL_GROUP_TEARDOWN_STEP, shape->teardown_step));
    if (wmem_strbuf_get_len(out) == 0)
        say_as(out, story, special_sentence(view), view->probe_confidence);
    if (wmem_strbuf_get_len(out) == 0)
        say_as(out, story, ordinary_sentence(view), is_retransmission ? shape->retransmission_confidence : 0);
}

/* Errors of the handshake, except what the sentence of the step says already. */
static void say_errors(wmem_strbuf_t *out, struct story *story)
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
            say(out, story, phrase(errors[i].phrase));
    }
}

/* How a probe without payload was told from the other kind: by its time, or not yet. */
static void say_timer(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_view *view = story->view;
    bool is_window = view->window_probe == TL_PROBE_KIND_PROBE;

    if (!tl_view_is_probe(view))
        return;
    if (view->result->shape.flags & TL_SHAPE_NAMES_RUN)
        say(out, story, phrase(is_window ? PHRASE_RUN_WINDOW_PROBE : PHRASE_RUN_KEEPALIVE));
    else if (view->probe_confidence == TL_CONFIDENCE_GUESS)
        say(out, story, phrase(PHRASE_PROBE_GUESS));
}

static void say_remarks(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_shape *shape = &story->view->result->shape;
    const struct tl_refs *refs = &story->view->result->refs;

    if (tl_view_reuse(story->view) != TL_REUSE_NONE)
        say(out, story, sentence(TL_GROUP_REUSE, tl_view_reuse(story->view)));
    if (shape->flags & TL_SHAPE_BELOW_PREVIOUS)
        say(out, story, phrase(PHRASE_REUSE_BELOW));
    if (shape->flags & TL_SHAPE_TWO_SOCKETS)
        say(out, story, phrase(PHRASE_TWO_SOCKETS));
    if (refs->linked != 0)
        say(out, story, phrase(PHRASE_LINKED));
    if (shape->flags & TL_SHAPE_REORDERED)
        say(out, story, phrase(PHRASE_REORDERED));
    if (shape->endpoint[shape->from & 1].withdrawn)
        say(out, story, phrase(PHRASE_WITHDRAWN_SENDER));
    if (shape->endpoint[!(shape->from & 1)].withdrawn)
        say(out, story, phrase(PHRASE_WITHDRAWN_RECEIVER));
    say_timer(out, story);
    if (shape->flags & TL_SHAPE_WINDOW_LIMITED)
        say(out, story, phrase(PHRASE_WINDOW_LIMITED));
    if (refs->new_bytes != 0)
        say(out, story, phrase(PHRASE_NEW_BYTES));
    if (shape->flags & TL_SHAPE_TLP_OR_RTO)
        say(out, story, phrase(PHRASE_TLP_OR_RTO));
    if (refs->proved[0].frame != 0)
        say(out, story, phrase(PHRASE_PROVED));
    if (refs->disowned_in != 0)
        say(out, story, phrase(PHRASE_DISOWNED));
    if (refs->refuted_in != 0)
        say(out, story, phrase(PHRASE_FIN_REFUTED));
    if (refs->revoked_in != 0)
        say(out, story, phrase(PHRASE_REVOKED));
    if (refs->superseded_in != 0)
        say(out, story, phrase(PHRASE_SUPERSEDED));
}

/* What kept the connection, where that was long. */
static void say_wait(wmem_strbuf_t *out, struct story *story)
{
    const struct tl_wait *wait = &story->view->wait;

    if (wait->ns < TL_VIEW_TOLD_NS)
        return;
    add_seconds(story, "waited", wait->program_ns > 0 ? wait->program_ns : wait->ns);
    add_words(story, "wait_of", phrase(wait->of == TL_SIDE_CLIENT ? PHRASE_CLIENT : PHRASE_SERVER));
    say_as(out, story, sentence(TL_GROUP_WAIT_FOR, wait->reason), wait->confidence);
}

/* Wireshark's own flag, where it differs. */
static void say_difference(wmem_strbuf_t *out, struct story *story)
{
    struct tl_difference difference;

    if (!tl_wireshark_differs(story->view, &difference))
        return;
    add_words(story, "flag", difference.flag);
    say(out, story, difference.text);
}

const char *tl_explain(wmem_allocator_t *pool, const struct tl_view *view)
{
    enum { USUAL_SIZE = 256 }; /* bytes; most explanations need no more */
    struct story story;
    wmem_strbuf_t *out = tl_strbuf_new(pool, USUAL_SIZE);

    story.pool = pool;
    story.view = view;
    story.blanks.count = 0; /* the rows are written before they are read */
    story.blanks.more = add_rest;
    add_text(&story, "maybe", "");
    add_segment(&story);
    add_ends(&story);
    add_states(&story);
    say_segment(out, &story);
    say_errors(out, &story);
    say_remarks(out, &story);
    say_wait(out, &story);
    say_difference(out, &story);
    return wmem_strbuf_get_str(out);
}
