// Worker threads that share the chunks of one task at a time.
//
// A thread between tasks spins for a bounded time (the next product of a forward pass follows
// within microseconds), then sleeps on a condition. Chunks are taken from one counter, so a thread
// that the system holds up delays only the chunk it has. Which thread computes a chunk cannot
// change a result: chunks write to disjoint rows.
#include "CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/// Rounds of waiting before a thread sleeps: some tens of microseconds.
enum { SPIN_ROUNDS = 2000 };

struct shoal_pool {
    int32_t thread_count; ///< beside the caller
    pthread_t *threads;
    pthread_mutex_t mutex;
    pthread_cond_t begun, ended;
    void (*task)(void *, int32_t);
    void *context;
    int32_t chunks;
    atomic_int next;          ///< the first chunk nobody has taken
    atomic_int working;       ///< threads that have not finished this round
    atomic_uint round;        ///< counts tasks; a change wakes the threads
    atomic_bool closing;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_chunks(shoal_pool *pool) {
    for (;;) {
        int32_t chunk = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (chunk >= pool->chunks) return;
        pool->task(pool->context, chunk);
    }
}

static void *work(void *argument) {
    shoal_pool *pool = argument;
    unsigned seen = 0;
    for (;;) {
        for (int i = 0; i < SPIN_ROUNDS && atomic_load(&pool->round) == seen; i++) pause_briefly();
        if (atomic_load(&pool->round) == seen) {
            pthread_mutex_lock(&pool->mutex);
            while (atomic_load(&pool->round) == seen) pthread_cond_wait(&pool->begun, &pool->mutex);
            pthread_mutex_unlock(&pool->mutex);
        }
        seen += 1; // a round begins only after every thread has finished the one before
        if (atomic_load(&pool->closing)) return NULL;
        take_chunks(pool);
        if (atomic_fetch_sub(&pool->working, 1) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->ended);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

shoal_pool *shoal_pool_create(int32_t threads) {
    shoal_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    const int32_t others = threads > 1 ? threads - 1 : 0;
    pool->threads = calloc((size_t)others + 1, sizeof *pool->threads);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begun, NULL);
    pthread_cond_init(&pool->ended, NULL);
    while (pool->thread_count < others
        && pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    return pool;
}

int32_t shoal_pool_threads(const shoal_pool *pool) { return pool->thread_count + 1; }

static void begin_round(shoal_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->round, 1);
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->mutex);
}

void shoal_pool_run(
    shoal_pool *pool, int32_t chunks, void (*task)(void *context, int32_t chunk), void *context) {
    if (chunks <= 1 || pool->thread_count == 0) {
        for (int32_t chunk = 0; chunk < chunks; chunk++) task(context, chunk);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->chunks = chunks;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->working, pool->thread_count);
    begin_round(pool);
    take_chunks(pool);
    for (int i = 0; i < SPIN_ROUNDS && atomic_load(&pool->working) > 0; i++) pause_briefly();
    if (atomic_load(&pool->working) > 0) {
        pthread_mutex_lock(&pool->mutex);
        while (atomic_load(&pool->working) > 0) pthread_cond_wait(&pool->ended, &pool->mutex);
        pthread_mutex_unlock(&pool->mutex);
    }
}

void shoal_pool_destroy(shoal_pool *pool) {
    atomic_store(&pool->closing, true);
    begin_round(pool);
    for (int32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->ended);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}
