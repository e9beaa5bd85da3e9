/* tests/faults/faults.h: runs a scenario again and again, each time with another fault injected. Each run must either report an
 * error and leave everything as it was, or have the result of a run without a fault. */
#ifndef TAP_TESTS_FAULTS_FAULTS_H
#define TAP_TESTS_FAULTS_FAULTS_H

#include "tests/tensor/scratch.h"

#include "nn/internal.h"

typedef struct {
    const char *name;
    void (*before)(void);              /* runs without faults; may be NULL */
    void (*run)(tap_error *e);         /* runs with a fault; reports the first error, or records its results */
    void (*after)(const tap_error *e); /* runs without faults: checks the files and frees all; may be NULL */
    bool writes;
} scenario;

/* Scenarios that read and write files, in the current folder. They end with { 0 }. */
extern const scenario file_scenarios[];

/* The current fault, for messages, and what a scenario may leave behind because of it. */
typedef struct {
    const scenario *scenario;
    char            what[80];
    bool            leaves_file;    /* a temporary file cannot be removed */
    bool            moves_previous; /* the newest generation has been renamed, and cannot be renamed back */
} fault;
extern fault current_fault;

/* The message of the current scenario's checkpoint about a newest generation that it could not read, and skipped. */
extern char skipped_message[TAP_MESSAGE_SIZE];

/* As assert_true, but ends the injection of faults first, and names scenario and fault. */
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            faults_end(); \
            fail_msg("%s, %s: %s (line %d)", current_fault.scenario->name, current_fault.what, #condition, __LINE__); \
        } \
    } while (0)
void faults_end(void); /* defined by each program: ends the injection */

/* The bytes of a result, for comparison. */
typedef struct {
    size_t        n;
    unsigned char bytes[1 << 15];
} record;
void record_bytes(record *r, const void *bytes, size_t n);
void record_tensor(record *r, tap_tensor x);
void record_values(record *r, const tap_module *root); /* of all parameters */
void record_grads(record *r, const tap_module *root);
bool record_equal(const record *a, const record *b);

extern record result; /* of the current scenario */

/* Reports the first error of these. Each may be NULL. */
void report(tap_error *e, const tap_module *root, const tap_loader *l, const tap_tape *t);

/* Runs the scenario once. The fault is injected between start and stop, which returns whether it happened. The result of the
 * first run, which has no fault, is kept for comparison. Returns the error that the scenario reported. */
tap_error faults_run(const scenario *s, void (*start)(void), bool (*stop)(void), bool first);

/* A test whose initial state is the scenario. */
static inline struct CMUnitTest faults_test(const scenario *s, CMUnitTestFunction f)
{
    return (struct CMUnitTest){ .name = s->name, .test_func = f, .initial_state = (void *)(uintptr_t)s };
}

/* Counts for the last line: "memory: 2000 faults injected in 9 scenarios: 1900 reported, 100 harmless". */
void faults_count(const char *of);
void faults_count_scenario(void);

#endif
