/* tl_verdict.h - one word for a whole connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to the engine.
 */
#ifndef TL_VERDICT_H
#define TL_VERDICT_H

#include "conn/tl_conn.h"

/* Writes facts->verdict and facts->open_failure. All other facts must be written before. O(1). */
void tl_verdict(const struct tl_conn *conn, struct tl_facts *facts);

#endif
