/* tl_judge.h - one word for a whole connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to the engine.
 */
#ifndef TL_JUDGE_H
#define TL_JUDGE_H

#include "tl_conn.h"

/* Writes facts->verdict and facts->open_failure. All other facts must be written before. O(1). */
void tl_judge(const struct tl_conn *conn, struct tl_facts *facts);

#endif
