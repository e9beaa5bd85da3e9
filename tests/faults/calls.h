/* tests/faults/calls.h: system calls that fail. The functions in calls.c stand before the C library's, for the library's own calls
 * and for zlib's. */
#ifndef TAP_TESTS_FAULTS_CALLS_H
#define TAP_TESTS_FAULTS_CALLS_H

#include <stdbool.h>

/* Calls by what they are for, and whether their failure must be reported: what only makes things better may fail in silence. */
#define CALL_KINDS(CALL) \
    CALL(create, true) \
    CALL(open, true) \
    CALL(open_stale, false) \
    CALL(open_folder, false) \
    CALL(stat, true) \
    CALL(lstat, true) \
    CALL(lstat_own, false) \
    CALL(fstat, true) \
    CALL(fstat_own, false) \
    CALL(may_write, true) \
    CALL(exists, false) \
    CALL(fchmod, true) \
    CALL(flock, false) \
    CALL(realpath, true) \
    CALL(read, true) \
    CALL(write, true) \
    CALL(pread, false) \
    CALL(pwrite, false) \
    CALL(ftruncate, false) \
    CALL(lseek, false) \
    CALL(fsync, true) \
    CALL(fsync_folder, false) \
    CALL(close, false) \
    CALL(close_written, true) \
    CALL(rename, true) \
    CALL(unlink, false)
#define CALL_NAME(name, reported) CALL_##name,
typedef enum { CALL_KINDS(CALL_NAME) CALLS } call_kind;

typedef struct {
    const char *name;
    bool        reported;
} call_about;
extern const call_about call_abouts[CALLS];

/* What happens to the n-th call from here on (0: to none), and to all of its kind behind it, if so asked. */
typedef struct {
    long n;
    bool all_behind;
    int  reason;  /* errno; 0: the call is cut short, */
    int  at_most; /* to so many bytes */
} call_fault;

/* Calls are counted from `calls_watch` on. fsync never reaches the disk: that would take time. */
void      calls_watch(call_fault fault);
long      calls_stop(void); /* how many there were */
call_kind call_number(long n);
bool      calls_failed(void); /* whether the fault has happened */

#endif
