/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "relay/net_work.h"

/* In which order heavy steps get a processor. */

enum { MOST = 8 };

struct scene {
    uv_loop_t loop;
    struct net_work work;
    uv_sem_t gate;
    char left;            /* besides 'c' */
    char order[MOST + 1]; /* in which they ended */
    size_t ended;
};

struct deed {
    struct scene *scene;
    char letter;
    bool is_run;
};

static void run(void *ctx)
{
    struct deed *deed = ctx;
    deed->is_run = true;
}

static void pass(void *ctx)
{
    (void)ctx;
}

static void wait_at_the_gate(void *ctx)
{
    const struct deed *deed = ctx;
    uv_sem_wait(&deed->scene->gate);
}

static void done(void *ctx)
{
    const struct deed *deed = ctx;
    deed->scene->order[deed->scene->ended++] = deed->letter;
}

static bool is_wanted(void *ctx)
{
    const struct deed *deed = ctx;
    return deed->letter != 'c' && deed->letter != deed->scene->left;
}

/* One processor, and it is busy until finish(). */
static void start(struct scene *s, struct deed *first)
{
    *s = (struct scene) { .ended = 0 };
    *first = (struct deed) { .scene = s, .letter = '-' };
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(uv_sem_init(&s->gate, 0), 0);
    net_work_init(&s->work, &s->loop);
    s->work.most_running = 1;
    const struct net_task task = { first, NULL, wait_at_the_gate, done };
    assert_ok(net_work_add(&s->work, &task));
}

static void finish(struct scene *s, const char *order)
{
    uv_sem_post(&s->gate);
    assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(s->order, order);
    net_work_clear(&s->work);
    uv_sem_destroy(&s->gate);
    assert_int_equal(uv_loop_close(&s->loop), 0);
}

static void add(struct scene *s, struct deed *deeds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        deeds[i] = (struct deed) { .scene = s, .letter = (char)('a' + i) };
        const struct net_task task = { &deeds[i], is_wanted, run, done };
        assert_ok(net_work_add(&s->work, &task));
    }
}

static void the_oldest_and_the_newest_take_turns(void **state)
{
    (void)state;
    struct scene s;
    struct deed first, deeds[6];
    start(&s, &first);
    add(&s, deeds, COUNT_OF(deeds));
    finish(&s, "-faebdc"); /* the one at the gate was the oldest */
    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        assert_int_equal(deeds[i].is_run, is_wanted(&deeds[i]));
}

/* Who has hung up takes no turn from the next oldest. */
static void what_nobody_wants_any_more_is_nobodys_turn(void **state)
{
    (void)state;
    struct scene s;
    struct deed first, deeds[7];
    start(&s, &first);
    s.left = 'b';
    add(&s, deeds, COUNT_OF(deeds));
    finish(&s, "-gafbcde");
}

static void who_has_waited_for_long_is_served_in_the_order_of_arrival(void **state)
{
    (void)state;
    struct scene s;
    struct deed first, deeds[7];
    start(&s, &first);
    add(&s, deeds, COUNT_OF(deeds));
    struct net_job *job = TAILQ_FIRST(&s.work.queue);
    for (size_t i = 0; i < 4; i++, job = TAILQ_NEXT(job, next))
        job->since_ms -= LIMIT_WORK_TURNS_MS;
    finish(&s, "-abcdegf");
}

static void what_is_one_at_a_time_goes_before_all_of_them(void **state)
{
    (void)state;
    struct scene s;
    struct deed first, deeds[2], single = { .scene = &s, .letter = '1' };
    start(&s, &first);
    add(&s, deeds, COUNT_OF(deeds));
    const struct net_task task = { &single, NULL, run, done };
    assert_ok(net_work_add_first(&s.work, &task));
    finish(&s, "-1ba");
}

static void the_queue_is_bounded_but_for_what_goes_first(void **state)
{
    (void)state;
    static struct deed deeds[LIMIT_WORK_QUEUE];
    struct scene s;
    struct deed first, single = { .scene = &s, .letter = '1' };
    start(&s, &first);
    const struct net_task one = { &single, NULL, run, done };
    for (size_t i = 0; i < COUNT_OF(deeds); i++)
        assert_ok(net_work_add(&s.work, &(struct net_task) { &s, NULL, pass, pass }));
    assert_int_equal(net_work_add(&s.work, &one), MLT_ERR_TOO_MANY);
    assert_ok(net_work_add_first(&s.work, &one));
    finish(&s, "-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_and_the_newest_take_turns),
        cmocka_unit_test(what_nobody_wants_any_more_is_nobodys_turn),
        cmocka_unit_test(who_has_waited_for_long_is_served_in_the_order_of_arrival),
        cmocka_unit_test(what_is_one_at_a_time_goes_before_all_of_them),
        cmocka_unit_test(the_queue_is_bounded_but_for_what_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
