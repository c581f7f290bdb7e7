/* tl_tag.c - the few words in front of the Info column: the most telling fact about a segment comes first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_tag.h"

#include <stddef.h>

/* What is out of the ordinary in the bytes or the acknowledgment; NULL for what any transfer consists of. */
static const char *bytes_tag(const struct tl_shape *shape, const char **prefix)
{
    const struct tl_name *ack = tl_name(TL_GROUP_ACK, shape->ack);

    if (shape->retransmission != TL_RETRANSMISSION_NONE) {
        *prefix = "retransmission: ";
        return tl_name(TL_GROUP_RETRANSMISSION, shape->retransmission)->label;
    }
    if (tl_name(TL_GROUP_SEGMENT, shape->segment)->severity != TL_SEVERITY_NONE)
        return tl_name(TL_GROUP_SEGMENT, shape->segment)->label;
    return ack->severity != TL_SEVERITY_NONE || shape->ack == TL_ACK_TIME_WAIT ? ack->label : NULL;
}

const char *tl_tag(const struct tl_shape *shape, const char **prefix)
{
    *prefix = "";
    if (shape->rst_cause != TL_RST_CAUSE_NONE) {
        *prefix = "RST: ";
        return tl_name(TL_GROUP_RST_CAUSE, shape->rst_cause)->label;
    }
    if (shape->handshake_step != TL_HANDSHAKE_STEP_NONE)
        return tl_name(TL_GROUP_HANDSHAKE_STEP, shape->handshake_step)->label;
    if (shape->teardown_step != TL_TEARDOWN_STEP_NONE)
        return tl_name(TL_GROUP_TEARDOWN_STEP, shape->teardown_step)->label;
    if (shape->flags & TL_SHAPE_COPY)
        return tl_name(TL_GROUP_SEGMENT, TL_SEGMENT_DUPLICATE)->label;
    if (shape->flags & TL_SHAPE_STRAY)
        return tl_name(TL_GROUP_SEGMENT, TL_SEGMENT_STRAY)->label;
    if (shape->keepalive != TL_PROBE_KIND_NONE) {
        *prefix = "keep-alive ";
        return tl_name(TL_GROUP_PROBE_KIND, shape->keepalive)->label;
    }
    if (shape->window_probe != TL_PROBE_KIND_NONE) {
        *prefix = shape->window_probe == TL_PROBE_KIND_OPEN ? "" : "window probe: ";
        return tl_name(TL_GROUP_PROBE_KIND, shape->window_probe)->label;
    }
    return bytes_tag(shape, prefix);
}
