/* replay.c - gives files to a fuzzer's function once, without libFuzzer: for compilers that have none, and for coverage.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Usage: replay_NAME FILE...
 * Prints the number of inputs. A defect ends the program by a signal, after the name of the input was printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20 };

static uint8_t input[INPUT_BYTES_MAX];

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        size_t size;

        if (!file) {
            perror(argv[i]);
            return EXIT_FAILURE;
        }
        size = fread(input, 1, sizeof input, file);
        fclose(file);
        printf("%s: %zu bytes\n", argv[i], size);
        fflush(stdout);
        LLVMFuzzerTestOneInput(input, size);
    }
    printf("%d inputs, no defect\n", argc - 1);
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
