/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's view of compiler and host. */
#ifndef CC_H
#define CC_H

#include <stdio.h>
#include <stdlib.h>

#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x)                                                                                                \
    do {                                                                                                                       \
        fprintf(stderr, "lwIP: %s\n", x);                                                                                      \
        abort();                                                                                                               \
    } while (0)
#define LWIP_RAND() ((unsigned)rand() * 2654435761u)

#endif
