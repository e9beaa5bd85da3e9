/* tests/faults/faults.h: what the tests share that let something fail on purpose. A scenario is run again and again, each time with
 * another fault; then it has reported an error and left everything as it was, or it has the result that it always has. */
#ifndef TAP_TESTS_FAULTS_FAULTS_H
#define TAP_TESTS_FAULTS_FAULTS_H

#include "tests/tensor/scratch.h"

#include "nn/internal.h"

typedef struct {
    const char *name;
    void (*before)(void);              /* without faults; may be NULL */
    void (*run)(tap_error *e);         /* with one; reports the first error, or keeps its results */
    void (*after)(const tap_error *e); /* without faults: checks what is left and frees it; may be NULL */
    bool writes;
} scenario;

/* Those that have to do with files end with { 0 }. They work in the current folder. */
extern const scenario file_scenarios[];

/* Which fault there is now, for messages, and what an ended scenario may leave behind because of it. */
typedef struct {
    const scenario *scenario;
    char            what[80];
    bool            leaves_file; /* a file that cannot be removed */
    bool            moves_old;   /* what was to be kept cannot be put back from where it was to be kept */
} fault;
extern fault fault_now;

/* What the checkpoint of the scenario now says about a newest generation that it could not read, and passed over. */
extern char passed_over[TAP_MESSAGE_SIZE];

/* A failure that says where, and meets no fault itself. */
#define must(condition) \
    do { \
        if (!(condition)) { \
            faults_end(); \
            fail_msg("%s, %s: %s (line %d)", fault_now.scenario->name, fault_now.what, #condition, __LINE__); \
        } \
    } while (0)
void faults_end(void); /* of each program: no more faults */

/* Bytes to compare. */
typedef struct {
    size_t        n;
    unsigned char bytes[1 << 15];
} record;
void record_bytes(record *r, const void *bytes, size_t n);
void record_tensor(record *r, tap_tensor x);
void record_values(record *r, const tap_module *root); /* of all parameters */
void record_grads(record *r, const tap_module *root);
bool record_equal(const record *a, const record *b);

extern record result; /* of the scenario now */

/* The first error of those that are given. */
void report(tap_error *e, const tap_module *root, const tap_loader *l, const tap_tape *t);

/* One run: the fault happens between `start` and `stop`, which tells whether it did. The first without a fault is remembered.
 * Returns what the scenario reported. */
tap_error faults_run(const scenario *s, void (*start)(void), bool (*stop)(void), bool first);

/* A test of the scenario, which it finds as its state. */
static inline struct CMUnitTest faults_test(const scenario *s, CMUnitTestFunction f)
{
    return (struct CMUnitTest){ .name = s->name, .test_func = f, .initial_state = (void *)(uintptr_t)s };
}

/* For the line at the end: "memory: 2000 faults injected in 9 scenarios: 1900 reported, 100 harmless". */
void faults_count(const char *of);
void faults_count_scenario(void);

#endif
