/* tests/faults/faults.c: runs scenarios, and compares their results. */
#define _XOPEN_SOURCE 700
#include "tests/faults/faults.h"

fault  current_fault;
record result;
char   skipped_message[TAP_MESSAGE_SIZE];

static int  scenarios;
static long reported, harmless;

void record_bytes(record *r, const void *bytes, size_t n)
{
    CHECK(n <= sizeof r->bytes - r->n);
    if (n > 0) memcpy(r->bytes + r->n, bytes, n);
    r->n += n;
}

static size_t size_of(tap_tensor x)
{
    return (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype);
}

void record_tensor(record *r, tap_tensor x)
{
    CHECK(x.data && tap_tensor_is_contiguous(x));
    record_bytes(r, x.data, size_of(x));
}

void record_values(record *r, const tap_module *root)
{
    for (const tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) record_tensor(r, p->value);
}

/* A fresh gradient counts as zero, whatever its memory holds. */
void record_grads(record *r, const tap_module *root)
{
    static const unsigned char zeros[1 << 12];
    for (const tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        CHECK(size_of(p->grad) <= sizeof zeros);
        record_bytes(r, p->fresh ? zeros : p->grad.data, size_of(p->grad));
    }
}

bool record_equal(const record *a, const record *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

void report(tap_error *e, const tap_module *root, const tap_loader *l, const tap_tape *t)
{
    const char *message = NULL;
    tap_status  status = TAP_OK;
    if (root) status = tap_module_status(root, &message);
    if (status == TAP_OK && l) status = tap_loader_status(l, &message);
    if (status == TAP_OK && t) status = tap_tape_status(t, &message);
    tap_error_set(e, status, "%s", message);
}

tap_error faults_run(const scenario *s, void (*start)(void), bool (*stop)(void), bool first)
{
    static record expected;
    const int     fd = scratch_next_fd();
    tap_error     e = { 0 };
    current_fault.scenario = s;
    result.n = 0;
    *skipped_message = '\0';
    if (s->before) s->before();
    start();
    s->run(&e);
    bool happened = stop();
    if (s->after) s->after(&e);
    CHECK(scratch_next_fd() == fd);
    if (!happened && e.status != TAP_OK) fail_msg("%s, %s, which did not happen: %s", s->name, current_fault.what, e.message);
    if (first) expected = result;
    CHECK(e.status != TAP_OK || record_equal(&result, &expected));
    reported += e.status != TAP_OK;
    harmless += happened && e.status == TAP_OK;
    return e;
}

void faults_count_scenario(void)
{
    scenarios++;
}

void faults_count(const char *of)
{
    if (scenarios > 0)
        print_message("%s: %ld faults injected in %d scenarios: %ld reported, %ld harmless\n", of, reported + harmless,
                      scenarios, reported, harmless);
}
