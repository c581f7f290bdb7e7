/* tl_view.h - everything that is known of one TCP header at the moment it is shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_VIEW_H
#define TL_VIEW_H

#include "../engine/tl.h"
#include "show/tl_text.h"

struct tl_view {
    const struct tl_segment *segment;
    const struct tl_result *result;
    struct tl_facts facts;     /* of the connection, by now */
    unsigned wireshark;        /* Wireshark's own flags, see tl_wireshark.h; 0 unless somebody reads the explanation */
    enum tl_language language; /* of the explanation */
    bool visited;              /* whether this is a later pass, so that the facts are those of the whole capture */
    /* Answers that later segments may have changed, as known by now. */
    uint8_t spurious;      /* enum tl_spurious, of a retransmission */
    struct tl_rst_now rst; /* of a RST */
    uint8_t keepalive;     /* enum tl_probe_kind, and the next one too */
    uint8_t window_probe;
    uint8_t probe_confidence; /* enum tl_confidence */
};

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

#endif
