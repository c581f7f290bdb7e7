/* tl_clock.c - in which order, and when, a sender sent its segments.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/tl_clock.h"

#include "base/tl_seq.h"

/* Ticks that the slope is measured over, and how far it may be off: 50 ticks at 15 % tell 1 ms from 2 ms under jitter of
 * several ticks. */
enum { TICKS_LEAST = 50, TICK_PERCENT = 15 };
/* Below this a delay is jitter. */
static const int64_t HELD_BACK_NS = 3000000;
/* Clocks that differ by 100 ppm drift 2 ms apart within two windows: less than HELD_BACK_NS. */
static const int64_t WINDOW_NS = INT64_C(10000000000);
/* Small steps of the IP ID, and how many of them a counter makes. */
enum { ID_BACK = -200, ID_AHEAD = 2000, ID_STEPS_LEAST = 4, ID_PERCENT = 90 };
/* Steps so small that two of them are no accident: (64 / 65,536)^2 is one in a million. */
enum { ID_CLOSE = 64, ID_CLOSE_LEAST = 2 };

/* The ticks that systems use: 1 ms (Linux, Windows 10), 2 and 4 ms (Linux with HZ 500, 250), 10 ms, 100 ms (old BSD). */
static const int64_t ticks_ns[] = {1000000, 2000000, 4000000, 10000000, 100000000};

static void clock_learn_tick(struct tl_clock *clock, const struct tl_segment *segment)
{
    int64_t elapsed_ns = segment->time_ns - clock->first_ns;
    int64_t ticks = tl_seq_diff(segment->tsval, clock->first_tsval);
    unsigned i;

    if (ticks < TICKS_LEAST || elapsed_ns <= 0) {
        return;
    }
    for (i = 0; i < sizeof ticks_ns / sizeof ticks_ns[0]; i++) {
        int64_t off_ns = elapsed_ns / ticks - ticks_ns[i];

        if ((off_ns < 0 ? -off_ns : off_ns) * 100 <= ticks_ns[i] * TICK_PERCENT) {
            clock->tick_ns = ticks_ns[i];
            return;
        }
    }
}

/* What the segment's passing time exceeds its timestamp by, on the sender's clock. */
static int64_t clock_offset_ns(const struct tl_clock *clock, int64_t time_ns, uint32_t tsval)
{
    return time_ns - clock->first_ns - clock->tick_ns * tl_seq_diff(tsval, clock->first_tsval);
}

static void clock_learn_offset(struct tl_clock *clock, const struct tl_segment *segment)
{
    int64_t offset = clock_offset_ns(clock, segment->time_ns, segment->tsval);

    if (segment->time_ns - clock->window_ns > WINDOW_NS) {
        bool silent = segment->time_ns - clock->window_ns > 2 * WINDOW_NS;

        clock->window_ns = segment->time_ns;
        clock->least_ns[1] = silent ? offset : clock->least_ns[0];
        clock->least_ns[0] = offset;
    } else if (offset < clock->least_ns[0]) {
        clock->least_ns[0] = offset;
    }
}

static void clock_learn_timestamp(struct tl_clock *clock, const struct tl_segment *segment)
{
    if (!clock->has_tsval) {
        clock->has_tsval = true;
        clock->first_ns = segment->time_ns;
        clock->first_tsval = segment->tsval;
        clock->window_ns = segment->time_ns;
        return;
    }
    if (clock->tick_ns == 0) {
        clock_learn_tick(clock, segment);
    }
    if (clock->tick_ns != 0) {
        clock_learn_offset(clock, segment);
    }
}

static void clock_learn_id(struct tl_clock *clock, const struct tl_segment *segment)
{
    if (clock->has_id) {
        int step = (int16_t)(uint16_t)(segment->ip_id - clock->id_last);

        clock->id_steps++;
        clock->id_close += step > 0 && step <= ID_CLOSE && clock->id_close < UINT8_MAX;
        clock->id_small += step >= ID_BACK && step <= ID_AHEAD && step != 0;
    }
    clock->has_id = true;
    clock->id_last = segment->ip_id;
}

void tl_clock_learn(struct tl_clock *clock, const struct tl_segment *segment)
{
    if (segment->options & TL_OPT_TIMESTAMPS) {
        clock_learn_timestamp(clock, segment);
    }
    if (!segment->ipv6 && segment->ip_id != 0) {
        clock_learn_id(clock, segment);
    }
}

bool tl_clock_counts_ids(const struct tl_clock *clock)
{
    if (clock->id_steps < ID_STEPS_LEAST) {
        return clock->id_steps >= ID_CLOSE_LEAST && clock->id_close == clock->id_steps;
    }
    return (uint64_t)clock->id_small * 100 >= (uint64_t)clock->id_steps * ID_PERCENT;
}

int64_t tl_clock_sent_at(const struct tl_clock *clock, int64_t time_ns, uint32_t tsval, bool has_tsval)
{
    int64_t least_ns = clock->least_ns[0] < clock->least_ns[1] ? clock->least_ns[0] : clock->least_ns[1];
    int64_t held_ns;

    /* After a silence the offsets are too old: the clocks have drifted apart since. */
    if (!has_tsval || clock->tick_ns == 0 || time_ns - clock->window_ns > 2 * WINDOW_NS) {
        return time_ns;
    }
    held_ns = clock_offset_ns(clock, time_ns, tsval) - least_ns;
    return held_ns >= HELD_BACK_NS ? time_ns - held_ns : time_ns;
}

int tl_clock_order(const struct tl_clock *clock, uint16_t id_a, uint16_t id_b, uint32_t tsval_a, uint32_t tsval_b,
                   bool has_tsval)
{
    int step = (int16_t)(uint16_t)(id_a - id_b);

    /* Further apart the counter may have gone round (16 bits: two seconds of a busy host), and says nothing. */
    if (id_a != 0 && id_b != 0 && step != 0 && step >= -ID_AHEAD && step <= ID_AHEAD && tl_clock_counts_ids(clock)) {
        return step < 0 ? -1 : 1;
    }
    if (has_tsval && tsval_a != tsval_b) {
        return tl_seq_before(tsval_a, tsval_b) ? -1 : 1;
    }
    return 0;
}
