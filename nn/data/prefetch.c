/* nn/data/prefetch.c: a thread that makes batches while the program uses others.
 *
 * Batches are in a ring, each posted by the program, then made by the thread, then taken by the program. The three counts
 * only grow: taken <= made <= posted <= taken + RING. The lock guards them; the batches between made and posted are the
 * thread's, all others the program's. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "nn/data/loader.h"
#include "tensor/parallel.h"
#include "tensor/text.h"

enum { RING = TAP__MAX_PREFETCH + 1 };

struct tap__prefetch {
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  change; /* of a count, or of stop */
    tap__maker     *maker;
    tap__batch     *ring[RING];
    uint64_t        posted, made, taken;
    bool            stop, is_working;
};

static void *work(void *context)
{
    tap__prefetch *p = context;
    tap__parallel_off();
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->made == p->posted) {
            pthread_cond_wait(&p->change, &p->lock);
            continue;
        }
        tap__batch *b = p->ring[p->made % RING];
        p->is_working = true;
        pthread_mutex_unlock(&p->lock);
        tap__batch_make(p->maker, b);
        pthread_mutex_lock(&p->lock);
        p->is_working = false;
        p->made++;
        pthread_cond_broadcast(&p->change);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Signals are for the program's threads. */
static int start_thread(tap__prefetch *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int reason = pthread_create(&p->thread, NULL, work, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

tap__prefetch *tap__prefetch_new(tap__maker *m, tap_error *e)
{
    tap__prefetch *p = calloc(1, sizeof *p);
    if (!p) {
        tap_error_set(e, TAP_ENOMEM, "loader: no memory for prefetch");
        return NULL;
    }
    p->maker = m;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->change, NULL);
    const int reason = start_thread(p);
    if (!reason) return p;
    tap_error_set(e, TAP_ENOMEM, "loader: cannot start a thread for prefetch: %s", tap__strerror(reason));
    pthread_cond_destroy(&p->change);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void tap__prefetch_free(tap__prefetch *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->change);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->change);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void tap__prefetch_post(tap__prefetch *p, tap__batch *b)
{
    b->is_posted = true;
    pthread_mutex_lock(&p->lock);
    p->ring[p->posted++ % RING] = b;
    pthread_cond_broadcast(&p->change);
    pthread_mutex_unlock(&p->lock);
}

/* The thread changes neither posted nor taken, so that the program reads them without the lock. */
int tap__prefetch_posted(const tap__prefetch *p)
{
    return (int)(p->posted - p->taken);
}

const tap__batch *tap__prefetch_peek(const tap__prefetch *p, int i)
{
    return p->ring[(p->taken + (uint64_t)i) % RING];
}

tap__batch *tap__prefetch_take(tap__prefetch *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->made == p->taken) pthread_cond_wait(&p->change, &p->lock);
    tap__batch *b = p->ring[p->taken++ % RING];
    pthread_mutex_unlock(&p->lock);
    b->is_posted = false;
    return b;
}

void tap__prefetch_drop(tap__prefetch *p)
{
    const uint64_t posted = p->posted;
    pthread_mutex_lock(&p->lock);
    p->posted = p->made + p->is_working;
    while (p->made < p->posted) pthread_cond_wait(&p->change, &p->lock);
    for (uint64_t i = p->taken; i < posted; i++) p->ring[i % RING]->is_posted = false;
    p->taken = p->made;
    pthread_mutex_unlock(&p->lock);
}
