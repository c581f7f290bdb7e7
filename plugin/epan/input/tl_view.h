/* tl_view.h - everything that is known of one TCP header at the moment it is shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_VIEW_H
#define TL_VIEW_H

#include "../engine/findings/tl_findings.h"
#include "../engine/tl.h"
#include "../engine/views/tl_waits.h"
#include "base/tl_language.h"

struct tl_view {
    const struct tl_segment *segment;
    const struct tl_result *result;
    struct tl_facts facts;     /* of the connection, by now */
    const char *rst_text;      /* what the payload of a RST says; NULL = nothing */
    unsigned wireshark;        /* Wireshark's own flags, see tl_wireshark.h; 0 unless somebody reads the explanation */
    enum tl_language language; /* of the explanation */
    bool visited;              /* whether this is a later pass, so that the facts are those of the whole capture */
    /* Answers that later segments may have changed, as known by now. */
    uint8_t spurious;      /* enum tl_spurious, of a retransmission */
    struct tl_rst_now rst; /* of a RST */
    uint8_t ack;           /* enum tl_ack */
    uint8_t keepalive;     /* enum tl_probe_kind, and the next one too */
    uint8_t window_probe;
    uint8_t probe_confidence;               /* enum tl_confidence */
    struct tl_wait wait;                    /* that the segment ended; ns 0 unless it was long enough to be shown */
    bool has_zeek;                          /* whether this is the last segment and Zeek's words are known */
    struct tl_zeek_words zeek;              /* all zero unless has_zeek */
    const struct tl_finding_mark *findings; /* of the connection, once the capture was judged */
    unsigned finding_count;
};

/* A wait that the explanation tells of: a person notices it. */
#define TL_VIEW_TOLD_NS INT64_C(1000000000)

/* Puts what the segment itself says where later ones may change it. */
static inline void tl_view_begin(struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;

    view->spurious = shape->spurious;
    view->rst = (struct tl_rst_now){.evidence = shape->evidence,
                                    .origin = shape->origin,
                                    .origin_confidence = shape->origin_confidence,
                                    .cause = shape->rst_cause,
                                    .confidence = shape->rst_confidence,
                                    .effect = shape->rst_effect};
    view->ack = shape->ack;
    if (view->visited && shape->ack == TL_ACK_UNSEEN && tl_conn_saw_all(view->result->conn, 1u - (shape->from & 1u)))
        view->ack = TL_ACK_NEW; /* they were captured after that */
    view->keepalive = shape->keepalive;
    view->window_probe = shape->window_probe;
    view->probe_confidence = shape->probe_confidence;
}

/* Why ports are used again: whether a tentative connection was taken or rejected shows later. */
static inline unsigned tl_view_reuse(const struct tl_view *view)
{
    unsigned reuse = view->result->shape.reuse;

    return view->visited && reuse == TL_REUSE_TENTATIVE ? view->facts.reuse : reuse;
}

/* Whether the segment belongs to the handshake, or says something about it. */
static inline bool tl_view_in_handshake(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;

    return shape->phase == TL_PHASE_HANDSHAKE || shape->handshake_step != TL_HANDSHAKE_STEP_NONE || shape->error != 0 ||
           (shape->flags & TL_SHAPE_PROVES_OUTCOME) || view->segment->frame == view->facts.ack_in;
}

/* Whether the handshake's outcome may be shown here: on the segment that proves it, and on the others once the whole capture is
 * known. */
static inline bool tl_view_has_outcome(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;

    return (shape->flags & TL_SHAPE_PROVES_OUTCOME) || (view->visited && shape->phase == TL_PHASE_HANDSHAKE);
}

static inline bool tl_view_has_ended(const struct tl_view *view)
{
    return view->facts.kind != TL_KIND_NONE && view->facts.kind != TL_KIND_OPEN;
}

/* Whether the segment belongs to the end of its connection. That never depends on what comes later. */
static inline bool tl_view_in_teardown(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;

    return shape->teardown_step != TL_TEARDOWN_STEP_NONE || shape->phase == TL_PHASE_TEARDOWN ||
           shape->phase == TL_PHASE_HALF_CLOSED || shape->phase == TL_PHASE_TIME_WAIT ||
           (shape->phase == TL_PHASE_CLOSED && tl_view_has_ended(view) && view->facts.kind != TL_KIND_SUPERSEDED);
}

/* The same as tl_view_has_outcome() for kind, initiator and TIME-WAIT side of the teardown. The last segment shows them too:
 * when another connection ended this one, it is the only one that can. */
static inline bool tl_view_has_close(const struct tl_view *view)
{
    bool is_last = view->segment->frame == view->facts.last_in && tl_view_has_ended(view);

    return (view->result->shape.flags & TL_SHAPE_PROVES_CLOSE) || (view->visited && (is_last || tl_view_in_teardown(view)));
}

static inline bool tl_view_has_fin_step(const struct tl_view *view)
{
    unsigned step = view->result->shape.teardown_step;

    return step == TL_TEARDOWN_STEP_FIN1 || step == TL_TEARDOWN_STEP_FIN2 || step == TL_TEARDOWN_STEP_FIN2_ACK1 ||
           step == TL_TEARDOWN_STEP_FIN2_CROSS || step == TL_TEARDOWN_STEP_FIN_RETRANSMISSION ||
           step == TL_TEARDOWN_STEP_FIN_COPY;
}

/* Whether the cause of a RST says that a device on the path sent it. */
static inline bool tl_view_cause_names_device(unsigned cause)
{
    return cause == TL_RST_CAUSE_DEVICE_IDLE || cause == TL_RST_CAUSE_DEVICE_POLICY || cause == TL_RST_CAUSE_DEVICE_STATE;
}

/* Whether the segment is a probe of either kind, rather than an answer to one. */
static inline bool tl_view_is_probe(const struct tl_view *view)
{
    return view->keepalive == TL_PROBE_KIND_PROBE || view->window_probe == TL_PROBE_KIND_PROBE;
}

/* Where the bytes were lost that had to be sent again: a question that arises only once it is known that they had to. */
static inline bool tl_view_was_needed(const struct tl_view *view)
{
    return view->visited && (view->spurious == TL_SPURIOUS_NO || view->spurious == TL_SPURIOUS_UNKNOWN);
}

static inline bool tl_view_proves(const struct tl_view *view)
{
    const struct tl_refs *refs = &view->result->refs;

    return refs->proved[0].frame != 0 || refs->disowned_in != 0 || refs->revoked_in != 0 || refs->superseded_in != 0 ||
           (view->result->shape.flags & TL_SHAPE_NAMES_RUN);
}

#endif
