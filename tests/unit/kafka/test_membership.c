/* Commits for which there is no memory. Nothing is sent, so there is no client. */
#include "pipelines/kafka/membership.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool memory_is_short;

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_is_short ? NULL : malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

struct bench {
    struct partition *partitions[1];
    struct consumer_stats stats;
    struct membership membership;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->partitions[0] = calloc(1, sizeof(struct partition));
    assert_non_null(bench->partitions[0]);
    *bench->partitions[0] =
        (struct partition){.id = 7, .granted_offset = 40, .granted_metadata = (char *)"granted"};
    bench->membership = (struct membership){.state = MEMBER_ASSIGNED,
                                            .partitions = bench->partitions,
                                            .partitions_count = 1,
                                            .stats = &bench->stats};
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    memory_is_short = false;
    free(bench->partitions[0]->commit_metadata);
    free(bench->partitions[0]);
    free(bench);
    return 0;
}

static void test_commit_without_memory(void **state)
{
    struct bench *bench = *state;
    struct partition *partition = bench->partitions[0];
    partition->start_commit = START_DUE;
    memory_is_short = true;
    assert_int_equal(membership_commit(&bench->membership, 7, 50, "v1"), -ENOMEM);
    assert_int_equal(partition->waiting, COMMIT_NONE);
    assert_int_equal(partition->start_commit, START_DUE); /* its beginning is still to be told */
    memory_is_short = false;
    assert_int_equal(membership_commit(&bench->membership, 7, 50, "v1"), 0);
    assert_int_equal(partition->waiting, COMMIT_HANDLERS);
    assert_int_equal(partition->start_commit, START_NEEDLESS);
    assert_int_equal(partition->commit_offset, 50);
    assert_string_equal(partition->commit_metadata, "v1");
}

static void test_an_earlier_commit_stays(void **state)
{
    struct bench *bench = *state;
    struct partition *partition = bench->partitions[0];
    assert_int_equal(membership_commit(&bench->membership, 7, 50, "v1"), 0);
    memory_is_short = true;
    assert_int_equal(membership_commit(&bench->membership, 7, 60, "v2"), -ENOMEM);
    assert_int_equal(partition->commit_offset, 50);
    assert_string_equal(partition->commit_metadata, "v1");
}

static void test_a_partition_that_has_gone(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(membership_commit(&bench->membership, 8, 50, "v1"), 0);
    assert_int_equal(bench->partitions[0]->waiting, COMMIT_NONE);
}

/* The membership stays in doubt, and is asked for again at the next call. */
static void test_confirm_without_memory(void **state)
{
    struct bench *bench = *state;
    struct partition *partition = bench->partitions[0];
    memory_is_short = true;
    membership_confirm(&bench->membership);
    assert_true(bench->membership.confirm_wanted);
    assert_false(bench->membership.confirm_sent);
    assert_int_equal(partition->waiting, COMMIT_NONE);
    memory_is_short = false;
    membership_confirm(&bench->membership);
    assert_true(bench->membership.confirm_sent);
    assert_int_equal(partition->waiting, COMMIT_OURS);
    assert_int_equal(partition->commit_offset, 40);
    assert_string_equal(partition->commit_metadata, "granted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit_without_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_earlier_commit_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_partition_that_has_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_confirm_without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
