/* mixes.h - the mixes of make_capture. Each writes until the file is full.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MIXES_H
#define MIXES_H

/* Four long connections with a window of data outstanding. */
void mix_bulk(void);
/* Short connections: handshake, request, response, close. */
void mix_web(void);
/* Half-open connections. */
void mix_scan(void);
/* Connections that lose and reorder segments; mix_lossy.c. */
void mix_lossy(void);
/* TCP of several kinds, over IPv4 and IPv6, among UDP; mix_mixed.c. */
void mix_mixed(void);

#endif
