/* The groups of a registry, and the words that mean them. */
#include "tests/unit/failing_malloc.h"

#include "daemon/groups/group_list.h"

static struct facility facilities[] = {
    {.id = "a", .groups = {"north", "yarn"}},
    {.id = "b", .groups = {"south", NULL}},
    {.id = "c", .groups = {"north", ""}},
    {.id = "d", .groups = {NULL, "dye"}},
};
static const struct registry registry = {.facilities = facilities,
                                         .facilities_count = ARRAY_LEN(facilities),
                                         .group_levels = {"region", "trade"},
                                         .group_levels_count = 2};

static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const char *level, *name;
        uint32_t members;
    } want[] = {{"all", "all", 4},
                {"region", "north", 2},
                {"region", "south", 1},
                {"trade", "dye", 1},
                {"trade", "yarn", 1}};
    static const uint32_t places[][3] = {
        {0, 1, 4}, {0, 2, REGISTRY_NONE}, {0, 1, REGISTRY_NONE}, {0, REGISTRY_NONE, 3}};
    struct group_list list;
    assert_int_equal(group_list_make(&list, &registry), 0);
    assert_int_equal(list.count, ARRAY_LEN(want));
    for (uint32_t i = 0; i < list.count; i++) {
        assert_string_equal(list.entries[i].level, want[i].level);
        assert_string_equal(list.entries[i].name, want[i].name);
        assert_int_equal(list.entries[i].members, want[i].members);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(places); i++) {
        for (uint32_t n = 0; n < 3; n++)
            assert_int_equal(group_list_place(&list, i, n), places[i][n]);
        for (uint32_t n = 3; n < GROUPS_OF_FACILITY; n++)
            assert_int_equal(group_list_place(&list, i, n), REGISTRY_NONE);
    }
    group_list_fini(&list);
}

static void test_words(void **state)
{
    (void)state;
    static const struct group_entry all = {"all", "all", 0};
    static const struct group_entry north = {"region", "north=1", 0};
    static const struct {
        const char *word;
        bool all, north;
    } cases[] = {
        {"all", true, false},           {"region", false, true},   {"region=north=1", false, true},
        {"region=north", false, false}, {"regio", false, false},   {"regions", false, false},
        {"north=1", false, false},      {"region=", false, false}, {"", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (group_entry_is(&all, cases[i].word) != cases[i].all ||
            group_entry_is(&north, cases[i].word) != cases[i].north)
            fail_msg("%s", cases[i].word);
    }
}

static void test_no_facility(void **state)
{
    (void)state;
    static const struct registry empty;
    struct group_list list;
    assert_int_equal(group_list_make(&list, &empty), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.entries[0].members, 0);
    group_list_fini(&list);
}

static int make_one(void)
{
    struct group_list list;
    int err = group_list_make(&list, &registry);
    if (err == 0)
        group_list_fini(&list);
    return err;
}

static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_facility),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
