/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ends of the stacks lab that are written in C share: the pipe to the link, the lines of the program that plays. */
#ifndef END_H
#define END_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Call it first: the descriptor of the link, a socket that keeps messages apart. */
void end_start(const char *link);

/* A line for the program that plays, on standard output. */
void end_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Hands an IP packet to the link, and behind it the call stack of this moment and `facts`: why it is sent. */
void end_send(const void *packet, size_t length, const char *facts);

/*
 * Between the first and the last of these the caller names every living connection, of those with equal ports the newest
 * first, which counts. The link is told what has changed; those that were not named have closed.
 */
void end_states_begin(void);
void end_state(unsigned own_port, unsigned peer_port, const char *state);
void end_states_end(void);

/* The next IP packet from the link; 0 when none waits. Ends the program when the link is gone. */
size_t end_receive(void *packet, size_t size);

/* Reads what has come on standard input, and calls handle() for each whole line, cut into at most 8 words (missing: ""). */
void end_commands(void (*handle)(char **words));

/* The descriptor of the link, to be polled. */
int end_link(void);

#endif
