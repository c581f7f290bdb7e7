/* tl_test_rst.h - what the tests of resets share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_TEST_RST_H
#define TL_TEST_RST_H

#include "tl_test.h"

#define form_is(t, FORM_TAG) t_is(t, rst_form, RST_FORM, FORM_TAG)
#define cause_is(t, CAUSE_TAG, CONFIDENCE_TAG)                                                                                 \
    do {                                                                                                                       \
        t_is(t, rst_cause, RST_CAUSE, CAUSE_TAG);                                                                              \
        t_is(t, rst_confidence, CONFIDENCE, CONFIDENCE_TAG);                                                                   \
    } while (0)

/* Open for a while; the server has sent more than its SYN-ACK, and everything is acknowledged. */
static inline void open_connection(struct t_talk *t)
{
    t_established(t);
    t_send(t, SERVER, .len = 10);
    t_send(t, CLIENT, .flags = TL_ACK);
}

#endif
