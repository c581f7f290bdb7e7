/* case_fields.c - the table from field names to members of the verdict and the facts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "case_fields.h"

#include <stdio.h>
#include <string.h>

/* How a member is written. */
enum form {
    FORM_NAME,     /* uint8_t, a value of `detail` = enum tl_group */
    FORM_FLAG,     /* bit `detail` of shape.flags */
    FORM_WORD,     /* uint32_t, the same */
    FORM_BITS,     /* uint16_t, enum tl_handshake_error */
    FORM_EVIDENCE, /* uint32_t, enum tl_evidence */
    FORM_MASK,     /* bit `detail` of a uint8_t */
    FORM_BOOL,     /* bool */
    FORM_U16,      /* uint16_t; always there */
    FORM_U32,      /* uint32_t; always there */
    FORM_REF,      /* uint32_t; 0 = absent */
    FORM_DELTA,    /* int32_t; 0 = absent */
    FORM_TIME,     /* int64_t ns; negative = absent */
    FORM_LAPSE,    /* int64_t ns; 0 = absent */
    FORM_PATH,     /* struct tl_endpoint_view: the states that the segment takes the end through */
};

/* When a member may be read. */
enum where {
    ON_SEGMENT,
    ON_RST, /* absent unless the segment is one; so are the next ones */
    ON_SPECIAL_ACK,
    ON_RETRANSMISSION,
    ON_REPEAT, /* a retransmission whose original was captured */
    ON_DUPLICATE,
    ON_LATER_DUPACK, /* a reference never leads to its own frame */
    ON_HANDSHAKE,
    ON_TEARDOWN,
    ON_KEEPALIVE,
    ON_KEEPALIVE_FIRST, /* first probe of a run */
    ON_KEEPALIVE_NEXT,  /* the others */
    ON_WINDOW_PROBE,
    ON_WINDOW_PROBE_FIRST,
    ON_WINDOW_PROBE_NEXT,
    ON_NAMED_RUN,
    AT_OUTCOME, /* late: on the segment that proves it, and at the end */
    AT_CLOSE,   /* likewise */
    AT_END,
    AT_END_EVERYWHERE, /* at the end, and then on every segment, too */
};

enum from { SHAPE, CLIENT, SERVER, REFS, FACTS };

struct field {
    const char *name;
    enum where where;
    enum from from;
    size_t offset;
    enum form form;
    unsigned detail;
};

#define SHAPE_NAME(name, member, group)                                                                                        \
    {                                                                                                                          \
        name, ON_SEGMENT, SHAPE, offsetof(struct tl_shape, member), FORM_NAME, TL_GROUP_##group                                \
    }
#define SHAPE_FLAG(name, flag)                                                                                                 \
    {                                                                                                                          \
        name, ON_SEGMENT, SHAPE, offsetof(struct tl_shape, flags), FORM_FLAG, TL_SHAPE_##flag                                  \
    }
#define END_NAME(end, name, member, group)                                                                                     \
    {                                                                                                                          \
        name, ON_SEGMENT, end, offsetof(struct tl_endpoint_view, member), FORM_NAME, TL_GROUP_##group                          \
    }
#define REF(name, where, member, form)                                                                                         \
    {                                                                                                                          \
        name, where, REFS, offsetof(struct tl_refs, member), form, 0                                                           \
    }
#define LATE(name, where, member, group)                                                                                       \
    {                                                                                                                          \
        name, where, FACTS, offsetof(struct tl_facts, member), FORM_NAME, TL_GROUP_##group                                     \
    }
#define FACT(name, member, form)                                                                                               \
    {                                                                                                                          \
        name, AT_END, FACTS, offsetof(struct tl_facts, member), form, 0                                                        \
    }
#define CAPTURE(name, flag)                                                                                                    \
    {                                                                                                                          \
        name, AT_END, FACTS, offsetof(struct tl_facts, capture), FORM_MASK, TL_CAPTURE_##flag                                  \
    }
#define PROBE(name, where)                                                                                                     \
    REF(name ".n", where, probe_number, FORM_REF), REF(name ".unanswered", where, probe_unanswered, FORM_REF),                 \
        REF(name ".run_in", where, probe_run_in, FORM_REF), REF(name ".idle", where##_FIRST, probe_idle_ns, FORM_LAPSE),       \
        REF(name ".interval", where##_NEXT, probe_interval_ns, FORM_LAPSE),                                                    \
        REF(name ".answers_in", where, trigger_in, FORM_REF),                                                                  \
    {                                                                                                                          \
        name ".confidence", where, SHAPE, offsetof(struct tl_shape, probe_confidence), FORM_NAME, TL_GROUP_CONFIDENCE          \
    }

static const struct field fields[] = {
    SHAPE_NAME("phase", phase, PHASE),
    SHAPE_NAME("sender", sender, SENDER),
    SHAPE_NAME("sender.confidence", sender_confidence, CONFIDENCE),
    SHAPE_NAME("reuse", reuse, REUSE),
    {"reuse.elapsed", ON_SEGMENT, REFS, offsetof(struct tl_refs, reuse_elapsed_ns), FORM_LAPSE, 0},
    SHAPE_NAME("ack", ack, ACK),
    {"ack.confidence", ON_SPECIAL_ACK, SHAPE, offsetof(struct tl_shape, probe_confidence), FORM_NAME, TL_GROUP_CONFIDENCE},
    REF("ack.answers_in", ON_SPECIAL_ACK, trigger_in, FORM_REF),
    SHAPE_FLAG("midstream", MIDSTREAM),
    SHAPE_FLAG("segment.window_limited", WINDOW_LIMITED),
    SHAPE_FLAG("capture.copy", COPY),
    SHAPE_FLAG("capture.stray", STRAY),
    SHAPE_FLAG("capture.time_backwards", TIME_BACKWARDS),
    SHAPE_FLAG("capture.reordered", REORDERED),
    END_NAME(CLIENT, "client.state", state, STATE),
    END_NAME(CLIENT, "client.state.confidence", confidence, CONFIDENCE),
    {"client.state.change", ON_SEGMENT, CLIENT, 0, FORM_PATH, 0},
    END_NAME(CLIENT, "client.state.withdrawn", withdrawn, STATE),
    END_NAME(SERVER, "server.state", state, STATE),
    END_NAME(SERVER, "server.state.confidence", confidence, CONFIDENCE),
    {"server.state.change", ON_SEGMENT, SERVER, 0, FORM_PATH, 0},
    END_NAME(SERVER, "server.state.withdrawn", withdrawn, STATE),
    SHAPE_NAME("handshake.step", handshake_step, HANDSHAKE_STEP),
    SHAPE_NAME("handshake.synack_why", synack_why, SYNACK_WHY),
    {"handshake.attempt", ON_HANDSHAKE, SHAPE, offsetof(struct tl_shape, attempt), FORM_U16, 0},
    {"handshake.error", ON_SEGMENT, SHAPE, offsetof(struct tl_shape, error), FORM_BITS, 0},
    REF("handshake.ack_delta", ON_SEGMENT, ack_delta, FORM_DELTA),
    SHAPE_NAME("teardown.step", teardown_step, TEARDOWN_STEP),
    {"teardown.attempt", ON_TEARDOWN, SHAPE, offsetof(struct tl_shape, attempt), FORM_U16, 0},
    SHAPE_NAME("rst.form", rst_form, RST_FORM),
    SHAPE_NAME("rst.cause", rst_cause, RST_CAUSE),
    SHAPE_NAME("rst.cause.confidence", rst_confidence, CONFIDENCE),
    SHAPE_NAME("rst.effect", rst_effect, RST_EFFECT),
    SHAPE_NAME("rst.stage", rst_stage, RST_STAGE),
    SHAPE_NAME("rst.abort_why", abort_why, ABORT_WHY),
    SHAPE_NAME("rst.origin", origin, ORIGIN),
    SHAPE_NAME("rst.origin.confidence", origin_confidence, CONFIDENCE),
    {"rst.evidence", ON_SEGMENT, SHAPE, offsetof(struct tl_shape, evidence), FORM_EVIDENCE, 0},
    LATE("rst.signature", AT_END, signature, SIGNATURE),
    REF("rst.trigger_in", ON_RST, trigger_in, FORM_REF),
    REF("rst.first_in", ON_RST, first_in, FORM_REF),
    SHAPE_NAME("keepalive.kind", keepalive, PROBE_KIND),
    PROBE("keepalive", ON_KEEPALIVE),
    SHAPE_NAME("window_probe.kind", window_probe, PROBE_KIND),
    REF("window_probe.closed_in", ON_WINDOW_PROBE, closed_in, FORM_REF),
    PROBE("window_probe", ON_WINDOW_PROBE),
    SHAPE_NAME("segment", segment, SEGMENT),
    REF("segment.skipped_bytes", ON_SEGMENT, skipped_bytes, FORM_REF),
    SHAPE_NAME("retransmission.cause", retransmission, RETRANSMISSION),
    SHAPE_NAME("retransmission.cause.confidence", retransmission_confidence, CONFIDENCE),
    SHAPE_FLAG("retransmission.tlp_or_rto", TLP_OR_RTO),
    REF("retransmission.n", ON_RETRANSMISSION, retransmission_number, FORM_U32),
    REF("retransmission.original_in", ON_RETRANSMISSION, original_in, FORM_REF),
    REF("retransmission.previous_in", ON_RETRANSMISSION, previous_in, FORM_REF),
    REF("retransmission.rto", ON_REPEAT, since_previous_ns, FORM_TIME),
    REF("retransmission.delay", ON_REPEAT, since_original_ns, FORM_TIME),
    REF("retransmission.new_bytes", ON_RETRANSMISSION, new_bytes, FORM_REF),
    SHAPE_NAME("retransmission.spurious", spurious, SPURIOUS),
    SHAPE_NAME("retransmission.lost_at", lost_at, LOST_AT),
    SHAPE_NAME("duplicate.kind", duplicate, DUPLICATE),
    REF("duplicate.of_in", ON_DUPLICATE, first_in, FORM_REF),
    REF("dupack.n", ON_SEGMENT, dupack_number, FORM_REF),
    REF("dupack.first_in", ON_LATER_DUPACK, dupack_first_in, FORM_REF),
    {"proves.spurious", ON_SEGMENT, REFS, offsetof(struct tl_refs, proved[0].spurious), FORM_WORD, TL_GROUP_SPURIOUS},
    REF("proves.spurious_in", ON_SEGMENT, proved[0].frame, FORM_REF),
    REF("proves.rst_disowned_in", ON_SEGMENT, disowned_in, FORM_REF),
    REF("proves.rst_revoked_in", ON_SEGMENT, revoked_in, FORM_REF),
    REF("proves.superseded_in", ON_SEGMENT, superseded_in, FORM_REF),
    REF("proves.run_in", ON_NAMED_RUN, probe_run_in, FORM_REF),
    LATE("handshake.outcome", AT_OUTCOME, outcome, OUTCOME),
    LATE("handshake.missing", AT_OUTCOME, missing, MISSING),
    LATE("handshake.client_rst", AT_OUTCOME, client_rst, CLIENT_RST),
    LATE("handshake.tfo", AT_END, tfo, TFO),
    FACT("handshake.ambiguous", ambiguous, FORM_BOOL),
    FACT("handshake.icmp_in", icmp_in, FORM_REF),
    FACT("handshake.syn_in", syn_in, FORM_REF),
    FACT("handshake.synack_in", synack_in, FORM_REF),
    FACT("handshake.ack_in", ack_in, FORM_REF),
    FACT("handshake.server_time", server_time_ns, FORM_TIME),
    FACT("handshake.client_time", client_time_ns, FORM_TIME),
    FACT("handshake.irtt", irtt_ns, FORM_TIME),
    FACT("handshake.setup_time", setup_ns, FORM_TIME),
    FACT("handshake.delay_by_loss", delay_by_loss_ns, FORM_TIME),
    LATE("teardown.kind", AT_CLOSE, kind, KIND),
    LATE("teardown.kind.confidence", AT_CLOSE, kind_confidence, CONFIDENCE),
    LATE("teardown.initiator", AT_CLOSE, initiator, SIDE),
    LATE("teardown.time_wait", AT_CLOSE, time_wait, SIDE),
    FACT("teardown.fin1_in", fin1_in, FORM_REF),
    FACT("teardown.fin2_in", fin2_in, FORM_REF),
    FACT("teardown.duration", teardown_ns, FORM_TIME),
    FACT("teardown.fin_wait", fin_wait_ns, FORM_TIME),
    FACT("teardown.close_wait", close_wait_ns, FORM_TIME),
    FACT("incarnation", incarnation, FORM_U32),
    LATE("reuse", AT_END, reuse, REUSE),
    LATE("verdict", AT_END_EVERYWHERE, verdict, VERDICT),
    LATE("open_failure", AT_END_EVERYWHERE, open_failure, OPEN_FAILURE),
    LATE("capture.position", AT_END, position, POSITION),
    CAPTURE("capture.asymmetric", ASYMMETRIC),
    CAPTURE("capture.lossy", LOSSY),
    CAPTURE("capture.doubled", DOUBLED),
    CAPTURE("capture.offload", OFFLOAD),
};

static const char *const error_names[] = {"synack_ack", "ack_ack",      "ack_seq", "synack_isn",    "opt_not_offered",
                                          "opt_lost",   "wscale_range", "flags",   "syn_ack_field", NULL};
static const char *const evidence_names[] = {
#define TL_EVIDENCE_ROW(bit, word, source, meaning) word,
#include "show/tl_evidence.def"
    NULL};

static void write_bits(uint32_t bits, const char *const names[], char value[CASE_VALUE_MAX])
{
    size_t used = 0;

    for (unsigned bit = 0; names[bit]; bit++) {
        if (bits & (1U << bit))
            used += (size_t)snprintf(value + used, CASE_VALUE_MAX - used, "%s%s", used ? "," : "", names[bit]);
    }
}

static void write_time(int64_t ns, char value[CASE_VALUE_MAX])
{
    if (ns >= 0)
        snprintf(value, CASE_VALUE_MAX, "%lld.%09lld", (long long)(ns / 1000000000), (long long)(ns % 1000000000));
}

static const void *base_of(const struct case_view *view, enum from from)
{
    const struct tl_shape *shape = view->result ? &view->result->shape : NULL;

    if (from == FACTS)
        return view->facts;
    if (!shape)
        return NULL;
    if (from == SHAPE)
        return shape;
    if (from == REFS)
        return &view->result->refs;
    return &shape->endpoint[from == CLIENT ? shape->client : !shape->client];
}

/* Whether the segment is of the kind that the field belongs to. */
static bool is_of_kind(const struct field *field, const struct case_view *view)
{
    const struct tl_shape *shape = &view->result->shape;
    bool is_first = view->result->refs.probe_number == 1;
    bool is_next = view->result->refs.probe_number > 1;

    switch (field->where) {
    case ON_RST:
        return shape->rst_form;
    case ON_SPECIAL_ACK:
        return shape->ack == TL_ACK_CHALLENGE || shape->ack == TL_ACK_TIME_WAIT;
    case ON_RETRANSMISSION:
        return shape->retransmission;
    case ON_REPEAT:
        return shape->retransmission && view->result->refs.previous_in;
    case ON_LATER_DUPACK:
        return view->result->refs.dupack_number > 1;
    case ON_DUPLICATE:
        return shape->duplicate;
    case ON_HANDSHAKE:
        return shape->handshake_step;
    case ON_TEARDOWN:
        return shape->teardown_step;
    case ON_KEEPALIVE:
        return shape->keepalive;
    case ON_KEEPALIVE_FIRST:
        return shape->keepalive == TL_PROBE_KIND_PROBE && is_first;
    case ON_KEEPALIVE_NEXT:
        return shape->keepalive == TL_PROBE_KIND_PROBE && is_next;
    case ON_WINDOW_PROBE:
        return shape->window_probe;
    case ON_WINDOW_PROBE_FIRST:
        return shape->window_probe == TL_PROBE_KIND_PROBE && is_first;
    case ON_WINDOW_PROBE_NEXT:
        return shape->window_probe == TL_PROBE_KIND_PROBE && is_next;
    case ON_NAMED_RUN:
        return shape->flags & TL_SHAPE_NAMES_RUN;
    case AT_OUTCOME:
        return shape->flags & TL_SHAPE_PROVES_OUTCOME;
    case AT_CLOSE:
        return shape->flags & TL_SHAPE_PROVES_CLOSE;
    default:
        return true;
    }
}

/* ESTABLISHED->FIN-WAIT-1 */
static void write_path(const struct tl_endpoint_view *end, char value[CASE_VALUE_MAX])
{
    size_t used;

    if (!end->before)
        return;
    used = (size_t)snprintf(value, CASE_VALUE_MAX, "%s", tl_name(TL_GROUP_STATE, end->before)->value);
    for (unsigned i = 0; i < TL_STATE_PATH_MAX && end->path[i]; i++)
        used += (size_t)snprintf(value + used, CASE_VALUE_MAX - used, "->%s", tl_name(TL_GROUP_STATE, end->path[i])->value);
}

static void write_name(unsigned group, unsigned number, char value[CASE_VALUE_MAX])
{
    if (number)
        snprintf(value, CASE_VALUE_MAX, "%s", tl_name((enum tl_group)group, number)->value);
}

static void write_number(enum form form, uint32_t number, char value[CASE_VALUE_MAX])
{
    if (form == FORM_DELTA && number)
        snprintf(value, CASE_VALUE_MAX, "%ld", (long)(int32_t)number);
    else if (form == FORM_U16 || form == FORM_U32 || number)
        snprintf(value, CASE_VALUE_MAX, "%lu", (unsigned long)number);
}

static void write_yes(bool holds, char value[CASE_VALUE_MAX])
{
    if (holds)
        snprintf(value, CASE_VALUE_MAX, "1");
}

static uint16_t read_u16(const void *member)
{
    uint16_t number;

    memcpy(&number, member, sizeof number);
    return number;
}

static uint32_t read_u32(const void *member)
{
    uint32_t number;

    memcpy(&number, member, sizeof number);
    return number;
}

static void write_value(const struct field *field, const void *base, char value[CASE_VALUE_MAX])
{
    const void *member = (const char *)base + field->offset;
    int64_t ns;

    switch (field->form) {
    case FORM_NAME:
        write_name(field->detail, *(const uint8_t *)member, value);
        break;
    case FORM_WORD:
        write_name(field->detail, read_u32(member), value);
        break;
    case FORM_FLAG:
        write_yes(read_u16(member) & field->detail, value);
        break;
    case FORM_MASK:
        write_yes(*(const uint8_t *)member & field->detail, value);
        break;
    case FORM_BOOL:
        write_yes(*(const bool *)member, value);
        break;
    case FORM_BITS:
        write_bits(read_u16(member), error_names, value);
        break;
    case FORM_EVIDENCE:
        write_bits(read_u32(member), evidence_names, value);
        break;
    case FORM_U16:
        write_number(field->form, read_u16(member), value);
        break;
    case FORM_U32:
    case FORM_REF:
    case FORM_DELTA:
        write_number(field->form, read_u32(member), value);
        break;
    case FORM_PATH:
        write_path(base, value);
        break;
    case FORM_TIME:
    case FORM_LAPSE:
        memcpy(&ns, member, sizeof ns);
        if (ns != 0 || field->form == FORM_TIME)
            write_time(ns, value);
        break;
    }
}

/* Whether the field exists on a segment, or at the end, whichever the question is about. */
static bool is_askable(const struct field *field, const struct case_view *view)
{
    switch (field->where) {
    case AT_OUTCOME:
    case AT_CLOSE:
        return true;
    case AT_END:
        return !view->result;
    case AT_END_EVERYWHERE:
        return !view->result || view->is_over;
    default:
        return view->result;
    }
}

bool case_field(const struct case_view *view, const char *name, char value[CASE_VALUE_MAX])
{
    snprintf(value, CASE_VALUE_MAX, "-");
    if (strcmp(name, "conn") == 0 && view->result) {
        snprintf(value, CASE_VALUE_MAX, "%lu", (unsigned long)view->facts->number);
        return true;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *field = &fields[i];

        if (strcmp(field->name, name) != 0 || !is_askable(field, view))
            continue;
        if (!view->result || is_of_kind(field, view))
            write_value(field, base_of(view, field->from), value);
        return true;
    }
    return false;
}
