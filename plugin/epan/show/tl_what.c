/* tl_what.c - what a segment is, in a few words: the most telling fact about it comes first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The texts are in tl_what.def. The order of facts is this module's own; what they mean is in RFC 9293 3.5, 3.6 and 3.8.
 */
#include "show/tl_what.h"

#include <stddef.h>

#include "base/tl_text.h"
#include "show/tl_label.h"

static const struct {
    const char *tag;
    const char *text[TL_LANGUAGES];
} rows[TL_WHAT_COUNT] = {
#define TL_WHAT(kind, tag, ...) {tag, {__VA_ARGS__}},
#include "show/tl_what.def"
};

/* ---- the fact ---------------------------------------------------------------------------------------------------------- */

static struct tl_what what_about_probe(const struct tl_shape *shape)
{
    static const enum tl_what_kind keepalive[] = {[TL_PROBE_KIND_PROBE] = TL_WHAT_KEEPALIVE_PROBE,
                                                  [TL_PROBE_KIND_ANSWER] = TL_WHAT_KEEPALIVE_ANSWER,
                                                  [TL_PROBE_KIND_OPEN] = TL_WHAT_KEEPALIVE_ANSWER};
    static const enum tl_what_kind window_probe[] = {[TL_PROBE_KIND_PROBE] = TL_WHAT_WINDOW_PROBE,
                                                     [TL_PROBE_KIND_ANSWER] = TL_WHAT_WINDOW_ANSWER,
                                                     [TL_PROBE_KIND_OPEN] = TL_WHAT_WINDOW_OPEN};

    if (shape->keepalive != TL_PROBE_KIND_NONE)
        return (struct tl_what){keepalive[shape->keepalive], TL_GROUP_PROBE_KIND, shape->keepalive};
    return (struct tl_what){window_probe[shape->window_probe], TL_GROUP_PROBE_KIND, shape->window_probe};
}

static struct tl_what what_about_ack(const struct tl_shape *shape, uint8_t flags)
{
    static const enum tl_what_kind kinds[] = {
        [TL_ACK_NONE] = TL_WHAT_ACK,
        [TL_ACK_NEW] = TL_WHAT_ACK,
        [TL_ACK_DUP] = TL_WHAT_DUPLICATE_ACK,
        [TL_ACK_OLD] = TL_WHAT_OLD_ACK,
        [TL_ACK_WINDOW_UPDATE] = TL_WHAT_WINDOW_UPDATE,
        [TL_ACK_UNSEEN] = TL_WHAT_UNSEEN_ACK,
        [TL_ACK_CHALLENGE] = TL_WHAT_SPECIAL_ACK,
        [TL_ACK_TIME_WAIT] = TL_WHAT_SPECIAL_ACK,
    };

    return (struct tl_what){flags & TL_ACK ? kinds[shape->ack] : TL_WHAT_OTHER, TL_GROUP_ACK, shape->ack};
}

/* What is out of the ordinary in the bytes or the acknowledgment comes before what any transfer consists of. */
static struct tl_what what_about_transfer(const struct tl_shape *shape, uint8_t flags)
{
    struct tl_what ack = what_about_ack(shape, flags);

    if (shape->retransmission != TL_RETRANSMISSION_NONE)
        return (struct tl_what){TL_WHAT_AGAIN, TL_GROUP_RETRANSMISSION, shape->retransmission};
    if (tl_name(TL_GROUP_SEGMENT, shape->segment)->severity != TL_SEVERITY_NONE)
        return (struct tl_what){TL_WHAT_BYTES, TL_GROUP_SEGMENT, shape->segment};
    if (rows[ack.kind].tag || shape->segment == TL_SEGMENT_NONE)
        return ack;
    return (struct tl_what){shape->segment == TL_SEGMENT_AHEAD ? TL_WHAT_HOLE : TL_WHAT_DATA, TL_GROUP_SEGMENT, shape->segment};
}

struct tl_what tl_what(const struct tl_shape *shape, uint8_t flags)
{
    if (shape->rst_cause != TL_RST_CAUSE_NONE)
        return (struct tl_what){TL_WHAT_RST, TL_GROUP_RST_CAUSE, shape->rst_cause};
    if (shape->handshake_step != TL_HANDSHAKE_STEP_NONE)
        return (struct tl_what){TL_WHAT_STEP, TL_GROUP_HANDSHAKE_STEP, shape->handshake_step};
    if (shape->teardown_step != TL_TEARDOWN_STEP_NONE)
        return (struct tl_what){TL_WHAT_STEP, TL_GROUP_TEARDOWN_STEP, shape->teardown_step};
    if (shape->flags & TL_SHAPE_COPY)
        return (struct tl_what){TL_WHAT_BYTES, TL_GROUP_SEGMENT, TL_SEGMENT_DUPLICATE};
    if (shape->flags & TL_SHAPE_STRAY)
        return (struct tl_what){TL_WHAT_BYTES, TL_GROUP_SEGMENT, TL_SEGMENT_STRAY};
    if (shape->keepalive != TL_PROBE_KIND_NONE || shape->window_probe != TL_PROBE_KIND_NONE)
        return what_about_probe(shape);
    return what_about_transfer(shape, flags);
}

const char *tl_what_tag(const struct tl_what *what, const char **prefix)
{
    *prefix = rows[what->kind].tag;
    return *prefix ? tl_name(what->group, what->value)->label : NULL;
}

/* ---- the words --------------------------------------------------------------------------------------------------------- */

/* The shape with what later segments have shown by now. */
static struct tl_shape what_by_now(const struct tl_view *view)
{
    struct tl_shape shape = view->result->shape;

    shape.rst_cause = view->rst.cause;
    shape.keepalive = view->keepalive;
    shape.window_probe = view->window_probe;
    return shape;
}

/* Whether nothing of the receiver was captured from this segment on. */
static bool what_is_silent_since(const struct tl_view *view)
{
    return view->visited && tl_conn_heard_in(view->result->conn, !(view->result->shape.from & 1)) < view->segment->frame;
}

static void what_add_count(struct tl_blanks *blanks, const char *name, uint32_t count, uint32_t least)
{
    if (count >= least)
        tl_text_number(blanks, name, count);
}

/* How the handshake ended, on its SYNs and SYN-ACKs, once that is known and is not what any connection has. */
static unsigned what_failure(const struct tl_view *view, const struct tl_what *what)
{
    bool failed = tl_name(TL_GROUP_OUTCOME, view->facts.outcome)->severity != TL_SEVERITY_NONE;

    return view->visited && failed && what->group == TL_GROUP_HANDSHAKE_STEP ? view->facts.outcome : TL_OUTCOME_NONE;
}

const char *tl_what_text(wmem_allocator_t *pool, const struct tl_view *view)
{
    enum { USUAL_SIZE = 64 }; /* bytes */
    const struct tl_shape shape = what_by_now(view);
    const struct tl_refs *refs = &view->result->refs;
    const struct tl_what what = tl_what(&shape, view->segment->flags);
    const unsigned failed = what_failure(view, &what);
    bool is_probe = what.kind == TL_WHAT_KEEPALIVE_PROBE || what.kind == TL_WHAT_WINDOW_PROBE;
    bool by_device = view->rst.origin == TL_ORIGIN_PATH && view->rst.origin_confidence != TL_CONFIDENCE_GUESS &&
                     !tl_view_cause_names_device(view->rst.cause);
    wmem_strbuf_t *out = tl_strbuf_new(pool, USUAL_SIZE);
    struct tl_blanks blanks;

    blanks.count = 0; /* the rows are written before they are read */
    blanks.more = NULL;
    tl_text_words(&blanks, "label", what.value ? tl_label(view->language, what.group, what.value) : NULL);
    tl_text_words(&blanks, "outcome", failed != TL_OUTCOME_NONE ? tl_label(view->language, TL_GROUP_OUTCOME, failed) : NULL);
    what_add_count(&blanks, "times", what.kind == TL_WHAT_AGAIN ? refs->retransmission_number : shape.attempt, 2);
    what_add_count(&blanks, "n", is_probe ? refs->probe_number : refs->dupack_number, 1);
    what_add_count(&blanks, "skipped", refs->skipped_bytes, 1);
    tl_text_test(&blanks, "?by_device", by_device);
    tl_text_test(&blanks, "?silent", is_probe && what_is_silent_since(view));
    tl_text_test(&blanks, "?spurious",
                 view->spurious != TL_SPURIOUS_NONE && view->spurious != TL_SPURIOUS_NO &&
                     view->spurious != TL_SPURIOUS_UNKNOWN);
    tl_text_fill(out, &blanks, rows[what.kind].text[view->language]);
    return wmem_strbuf_get_str(out);
}
