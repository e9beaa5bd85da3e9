/* tests/golden/driver.h: for tests of the programs that run PyTorch's samples: they run the folder s, which is empty at first. */
#ifndef TAP_TESTS_GOLDEN_DRIVER_H
#define TAP_TESTS_GOLDEN_DRIVER_H

#include "tests/tensor/scratch.h"

#include <sys/stat.h>

static inline int driver_enter(void **state)
{
    return scratch_enter(state) == 0 ? mkdir("s", 0777) : -1;
}

/* Runs the folder s, compares the report and the number of failures, and empties the folder. */
static inline void expect_report_of(int (*run)(FILE *out), int failures, const char *report)
{
    char     *text = NULL;
    size_t    size;
    FILE     *out = open_memstream(&text, &size);
    const int got = run(out);
    fclose(out);
    assert_string_equal(text, report);
    assert_int_equal(got, failures);
    free(text);
    assert_int_equal(nftw("s", scratch_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(mkdir("s", 0777), 0);
}

#endif
