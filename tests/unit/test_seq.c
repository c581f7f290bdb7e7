/* test_seq.c - tests of tl_seq.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tl_test.h"

#include "base/tl_seq.h"

static const uint32_t edges[] = {0, 1, 2, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 12345};

enum { EDGES = sizeof edges / sizeof edges[0] };

static void diff_is_the_signed_distance(void **state)
{
    (void)state;
    assert_int_equal(tl_seq_diff(5, 3), 2);
    assert_int_equal(tl_seq_diff(3, 5), -2);
    assert_int_equal(tl_seq_diff(7, 7), 0);
    assert_int_equal(tl_seq_diff(0x7fffffff, 0), INT32_MAX);
    assert_int_equal(tl_seq_diff(0x80000001, 0), -INT32_MAX);
}

static void diff_crosses_the_wrap(void **state)
{
    (void)state;
    assert_int_equal(tl_seq_diff(2, 0xfffffffe), 4);
    assert_int_equal(tl_seq_diff(0xfffffffe, 2), -4);
    assert_int_equal(tl_seq_diff(0, 0xffffffff), 1);
}

static void half_way_round_is_before_both_ways(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDGES; i++) {
        assert_int_equal(tl_seq_diff(edges[i] + 0x80000000U, edges[i]), INT32_MIN);
        assert_int_equal(tl_seq_diff(edges[i], edges[i] + 0x80000000U), INT32_MIN);
    }
}

static void adding_the_difference_leads_back(void **state)
{
    uint32_t random = 1;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t a = tl_test_random(&random), b = tl_test_random(&random);

        assert_int_equal(b + (uint32_t)tl_seq_diff(a, b), a);
    }
}

static void before_and_after_exclude_each_other(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDGES; i++) {
        for (unsigned j = 0; j < EDGES; j++) {
            uint32_t a = edges[i], b = edges[j];

            assert_false(tl_seq_before(a, b) && tl_seq_after(a, b));
            assert_int_equal(a == b, !tl_seq_before(a, b) && !tl_seq_after(a, b));
            if (a - b != 0x80000000U) {
                assert_int_equal(tl_seq_before(a, b), tl_seq_after(b, a));
            }
        }
    }
}

static void within_includes_both_ends(void **state)
{
    (void)state;
    assert_true(tl_seq_within(10, 10, 20));
    assert_true(tl_seq_within(20, 10, 20));
    assert_true(tl_seq_within(15, 10, 20));
    assert_false(tl_seq_within(9, 10, 20));
    assert_false(tl_seq_within(21, 10, 20));
    assert_true(tl_seq_within(10, 10, 10));
    assert_false(tl_seq_within(11, 10, 10));
}

static void within_crosses_the_wrap(void **state)
{
    (void)state;
    assert_true(tl_seq_within(0xffffffff, 0xfffffff0, 16));
    assert_true(tl_seq_within(0, 0xfffffff0, 16));
    assert_true(tl_seq_within(16, 0xfffffff0, 16));
    assert_false(tl_seq_within(17, 0xfffffff0, 16));
    assert_false(tl_seq_within(0xffffffef, 0xfffffff0, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diff_is_the_signed_distance),
        cmocka_unit_test(diff_crosses_the_wrap),
        cmocka_unit_test(half_way_round_is_before_both_ways),
        cmocka_unit_test(adding_the_difference_leads_back),
        cmocka_unit_test(before_and_after_exclude_each_other),
        cmocka_unit_test(within_includes_both_ends),
        cmocka_unit_test(within_crosses_the_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
