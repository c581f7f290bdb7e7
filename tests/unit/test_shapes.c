/* test_shapes.c - tests of tl_shapes.c: numbers are those of the shapes, at the limit, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "store/tl_shapes.h"

enum { LIMIT = 1000, SEEN = 3 * LIMIT };

static uint32_t drawn(void)
{
    static uint32_t state;

    return state += 0x9E3779B1u;
}

/* Shapes that differ in two bytes which do not choose among the near places: all but the newest are found by the table. */
static struct tl_shape shape_of(unsigned i)
{
    return (struct tl_shape){.phase = (uint8_t)i, .probe_confidence = (uint8_t)(i >> 8)};
}

/* What was known before the table was full keeps its number; what is new has none. */
static void known_shapes_are_found_at_the_limit(void **state)
{
    struct tl_hash hash;
    struct tl_shapes shapes;

    (void)state;
    tl_hash_draw(&hash, drawn);
    tl_shapes_open(&shapes, NULL, &hash, LIMIT);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SEEN; i++) {
            struct tl_shape shape = shape_of(i);

            assert_int_equal(tl_shapes_number(&shapes, &shape), i < LIMIT ? i + 1 : 0);
        }
    }
    for (unsigned i = 0; i < LIMIT; i++) {
        struct tl_shape shape = shape_of(i);

        assert_memory_equal(tl_shapes_at(&shapes, i + 1), &shape, sizeof shape);
    }
    wmem_free(NULL, shapes.list);
    wmem_free(NULL, shapes.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_shapes_are_found_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
