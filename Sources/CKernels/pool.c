// Worker threads that share the chunks of one task at a time.
//
// One 64-bit word, the ticket, says all there is to say about who may do what: its upper half
// counts rounds (tasks), its lower half the chunks of the round that nobody has taken. A thread
// takes a chunk by exchanging the ticket for one that has a chunk less. That a late thread cannot
// take a chunk of a later round by mistake follows:
//   - the exchange succeeds only if the whole word is as the thread read it, so the chunk belongs
//     to the round that it read (a round's number comes back only after 2^32 others);
//   - a round ends only when all its chunks are done, and the thread that has just taken one has
//     not done it: so `task`, `context` and `chunks`, read after the exchange, are this round's.
// A thread without a chunk is not waited for: one that the system holds up, or that never woke,
// delays nobody. Which thread computes a chunk cannot change a result: chunks write to disjoint
// places.
//
// A thread between tasks, and the caller while the last chunks are done elsewhere, spin for a
// bounded time (the next product of a forward pass follows within microseconds), then sleep. To
// sleep, a thread announces it, then looks once more; to wake, the other side makes its change,
// then looks for sleepers. Both orders are sequentially consistent, so one of the two sees the
// other's.
#include "CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

enum {
    CACHE_LINE = 64,
    /// Looks at the word waited for before a thread sleeps: some tens of microseconds.
    SPIN_LOOKS = 1500,
    /// Where threads are more than processors: the one waited for may need this one's.
    SPIN_LOOKS_CROWDED = 50,
};

/// A word to sleep on until it changes.
typedef struct {
    _Alignas(CACHE_LINE) atomic_uint word;
    atomic_int sleepers;
#if !defined(__linux__)
    pthread_mutex_t mutex;
    pthread_cond_t changed;
#endif
} bell;

struct shoal_pool {
    _Alignas(CACHE_LINE) _Atomic uint64_t ticket; ///< round << 32 | chunks not taken
    // Written between rounds by the caller alone.
    _Alignas(CACHE_LINE) void (*task)(void *, int32_t);
    void *context;
    int32_t chunks;
    int spin_looks;
    bell begun; ///< counts wakings
    bell done;  ///< counts the chunks done in this round
    atomic_bool closing;
    int32_t thread_count; ///< beside the caller
    pthread_t *threads;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Bells.

#if defined(__linux__)

static void bell_init(bell *bell) { (void)bell; }
static void bell_destroy(bell *bell) { (void)bell; }

/// Returns at once if the word is no longer `seen`; may also return for no reason.
static void bell_sleep(bell *bell, unsigned seen) {
    syscall(SYS_futex, &bell->word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}
static void bell_ring(bell *bell, int threads) {
    syscall(SYS_futex, &bell->word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

#else

static void bell_init(bell *bell) {
    pthread_mutex_init(&bell->mutex, NULL);
    pthread_cond_init(&bell->changed, NULL);
}
static void bell_destroy(bell *bell) {
    pthread_cond_destroy(&bell->changed);
    pthread_mutex_destroy(&bell->mutex);
}

// The word changes before the mutex is taken to ring, so a sleeper that still sees the old one
// holds the mutex until it waits, and is then woken.
static void bell_sleep(bell *bell, unsigned seen) {
    pthread_mutex_lock(&bell->mutex);
    if (atomic_load(&bell->word) == seen) pthread_cond_wait(&bell->changed, &bell->mutex);
    pthread_mutex_unlock(&bell->mutex);
}
static void bell_ring(bell *bell, int threads) {
    (void)threads;
    pthread_mutex_lock(&bell->mutex);
    pthread_cond_broadcast(&bell->changed);
    pthread_mutex_unlock(&bell->mutex);
}

#endif

// Chunks.

static void take_chunks(shoal_pool *pool) {
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    while ((uint32_t)ticket > 0) {
        if (!atomic_compare_exchange_weak_explicit(
                &pool->ticket, &ticket, ticket - 1, memory_order_acquire, memory_order_acquire))
            continue;
        const int32_t chunks = pool->chunks;
        pool->task(pool->context, chunks - (int32_t)(uint32_t)ticket);
        // After this the caller may begin another round, or be gone but for the pool's memory.
        const unsigned done = atomic_fetch_add(&pool->done.word, 1) + 1;
        if (done == (unsigned)chunks && atomic_load(&pool->done.sleepers) > 0)
            bell_ring(&pool->done, 1);
        ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    }
}

static bool has_work(shoal_pool *pool) {
    return (uint32_t)atomic_load(&pool->ticket) > 0 || atomic_load(&pool->closing);
}

static void *work(void *argument) {
    shoal_pool *pool = argument;
    for (;;) {
        for (int i = 0; i < pool->spin_looks && !has_work(pool); i++) pause_briefly();
        if (!has_work(pool)) {
            const unsigned seen = atomic_load(&pool->begun.word);
            atomic_fetch_add(&pool->begun.sleepers, 1);
            if (!has_work(pool)) bell_sleep(&pool->begun, seen);
            atomic_fetch_sub(&pool->begun.sleepers, 1);
        }
        if (atomic_load(&pool->closing)) return NULL;
        take_chunks(pool);
    }
}

static void wake(shoal_pool *pool, int32_t most) {
    const int sleepers = atomic_load(&pool->begun.sleepers);
    if (sleepers == 0) return;
    atomic_fetch_add(&pool->begun.word, 1);
    bell_ring(&pool->begun, most < sleepers ? most : sleepers);
}

void shoal_pool_run(
    shoal_pool *pool, int32_t chunks, void (*task)(void *context, int32_t chunk), void *context) {
    if (chunks <= 1 || pool->thread_count == 0) {
        for (int32_t chunk = 0; chunk < chunks; chunk++) task(context, chunk);
        return;
    }
    // Nobody reads these before the ticket below: the last round's chunks are all done.
    pool->task = task;
    pool->context = context;
    pool->chunks = chunks;
    atomic_store_explicit(&pool->done.word, 0, memory_order_relaxed);
    const uint64_t round = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, round << 32 | (uint32_t)chunks);
    wake(pool, chunks - 1);
    take_chunks(pool);
    for (;;) {
        unsigned done = 0;
        for (int i = 0; i < pool->spin_looks; i++) {
            done = atomic_load_explicit(&pool->done.word, memory_order_acquire);
            if (done == (unsigned)chunks) return;
            pause_briefly();
        }
        atomic_fetch_add(&pool->done.sleepers, 1);
        done = atomic_load(&pool->done.word);
        if (done != (unsigned)chunks) bell_sleep(&pool->done, done);
        atomic_fetch_sub(&pool->done.sleepers, 1);
    }
}

// Life.

static int spin_looks_for(int32_t threads) {
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 0 && threads > processors ? SPIN_LOOKS_CROWDED : SPIN_LOOKS;
}

shoal_pool *shoal_pool_create(int32_t threads) {
    void *memory = NULL;
    if (posix_memalign(&memory, CACHE_LINE, sizeof(shoal_pool)) != 0) return NULL;
    shoal_pool *pool = memory;
    *pool = (shoal_pool){0};
    const int32_t others = threads > 1 ? threads - 1 : 0;
    pool->threads = calloc((size_t)others + 1, sizeof *pool->threads);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pool->spin_looks = spin_looks_for(threads);
    bell_init(&pool->begun);
    bell_init(&pool->done);
    while (pool->thread_count < others
        && pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    return pool;
}

int32_t shoal_pool_threads(const shoal_pool *pool) { return pool->thread_count + 1; }

void shoal_pool_destroy(shoal_pool *pool) {
    atomic_store(&pool->closing, true);
    wake(pool, pool->thread_count);
    for (int32_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    bell_destroy(&pool->done);
    bell_destroy(&pool->begun);
    free(pool->threads);
    free(pool);
}
