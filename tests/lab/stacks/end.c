/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See end.h. A message to the link is a packet, a text, and the length of the text in two octets, big-endian. */
#include "end.h"

#include <errno.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT = 1200, PACKET = 2000, DEPTH = 30, CONNECTIONS = 4000, WORDS = 8 };

static struct {
    unsigned own, peer;
    const char *state;
    bool seen;
} told[CONNECTIONS];
static int told_count;
static int link_fd;

void end_start(const char *link)
{
    link_fd = atoi(link);
}

int end_link(void)
{
    return link_fd;
}

void end_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void hand_over(const void *packet, size_t length, const char *text)
{
    static uint8_t message[PACKET + TEXT + 2];
    size_t text_length = strlen(text);
    if (length > PACKET)
        abort();
    memcpy(message, packet, length);
    memcpy(message + length, text, text_length);
    message[length + text_length] = (uint8_t)(text_length >> 8);
    message[length + text_length + 1] = (uint8_t)text_length;
    if (send(link_fd, message, length + text_length + 2, 0) < 0)
        exit(0);
}

void end_send(const void *packet, size_t length, const char *facts)
{
    void *frames[DEPTH];
    char text[TEXT];
    size_t at = 0;
    int depth = backtrace(frames, DEPTH);
    for (int i = 1; i < depth; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%lx ", (unsigned long)frames[i]);
    snprintf(text + at, sizeof text - at, ";%s", facts);
    hand_over(packet, length, text);
}

void end_state(unsigned own_port, unsigned peer_port, const char *state)
{
    int i = told_count - 1;
    while (i >= 0 && (told[i].own != own_port || told[i].peer != peer_port))
        i--;
    if (i < 0) {
        if (told_count == CONNECTIONS)
            abort();
        i = told_count++;
        told[i].own = own_port;
        told[i].peer = peer_port;
        told[i].state = "";
    }
    if (told[i].seen)
        return;
    told[i].seen = true;
    if (strcmp(told[i].state, state) == 0)
        return;
    told[i].state = state;
    char text[80];
    snprintf(text, sizeof text, "S %u %u %s", own_port, peer_port, state);
    hand_over("", 0, text);
}

void end_states_begin(void)
{
    for (int i = 0; i < told_count; i++)
        told[i].seen = false;
}

void end_states_end(void)
{
    for (int i = 0; i < told_count; i++)
        if (!told[i].seen)
            end_state(told[i].own, told[i].peer, "CLOSED");
}

size_t end_receive(void *packet, size_t size)
{
    ssize_t length = recv(link_fd, packet, size, MSG_DONTWAIT);
    if (length == 0 || (length < 0 && errno != EAGAIN))
        exit(0);
    return length < 0 ? 0 : (size_t)length;
}

static void cut(char *line, void (*handle)(char **words))
{
    static char nothing[1];
    char *words[WORDS], *rest = line;
    for (int i = 0; i < WORDS; i++) {
        char *word = strtok_r(rest, " ", &rest);
        words[i] = word ? word : nothing;
    }
    handle(words);
}

void end_commands(void (*handle)(char **words))
{
    static char line[512];
    static size_t length;
    char input[512];
    ssize_t count = read(STDIN_FILENO, input, sizeof input);
    if (count <= 0)
        exit(0);
    for (ssize_t i = 0; i < count; i++) {
        if (input[i] == '\n') {
            line[length] = '\0';
            length = 0;
            cut(line, handle);
        } else if (length < sizeof line - 1) {
            line[length++] = input[i];
        }
    }
}
