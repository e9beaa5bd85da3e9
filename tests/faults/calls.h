/* tests/faults/calls.h: makes system calls fail. The functions in calls.c are interposed: they stand in front of the C
 * library's, for Tapestry's calls and for zlib's. */
#ifndef TAP_TESTS_FAULTS_CALLS_H
#define TAP_TESTS_FAULTS_CALLS_H

#include <stdbool.h>

/* Calls by purpose, and whether their failure must be reported. Optional steps may fail in silence. */
#define CALL_KINDS(CALL) \
    CALL(create, true) \
    CALL(open, true) \
    CALL(open_stale, false) \
    CALL(open_folder, false) \
    CALL(stat, true) \
    CALL(lstat, true) \
    CALL(lstat_temporary, false) \
    CALL(fstat, true) \
    CALL(fstat_written, false) \
    CALL(may_write, true) \
    CALL(exists, false) \
    CALL(fchmod, true) \
    CALL(flock, false) \
    CALL(realpath, true) \
    CALL(read, true) \
    CALL(write, true) \
    CALL(pread, false) \
    CALL(mmap, true) \
    CALL(pwrite, false) \
    CALL(ftruncate, false) \
    CALL(lseek, false) \
    CALL(fsync, true) \
    CALL(fsync_folder, false) \
    CALL(close, false) \
    CALL(rename, true) \
    CALL(unlink, false)
#define CALL_NAME(name, reported) CALL_##name,
typedef enum { CALL_KINDS(CALL_NAME) CALLS } call_kind;

typedef struct {
    const char *name;
    bool        reported;
} call_info;
extern const call_info call_infos[CALLS];

/* What happens to the n-th call from now on (0: to none), and to all later ones of its kind if asked to. */
typedef struct {
    long n;
    bool and_later;
    int  reason;    /* errno, or 0: the call is shortened */
    int  max_bytes; /* to this many bytes */
} call_fault;

/* Calls are counted from calls_watch on. fsync does nothing, to save time. */
void      calls_watch(call_fault fault);
long      calls_stop(void); /* how many there were */
call_kind call_number(long n);
bool      calls_failed(void); /* whether the fault has happened */

#endif
