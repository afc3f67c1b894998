/*
 * C11's threads, mutexes and conditions by way of POSIX ones, for the thread sanitizer alone. The
 * sanitizer does not know C11's, which librdkafka uses, and dies at the first thread they start.
 * A program's own definitions come before those of the C library.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "one is kept in the other's place");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "one is kept in the other's place");

struct start {
    thrd_start_t run;
    void *argument;
};

static void *run_thread(void *context)
{
    struct start start = *(struct start *)context;
    free(context);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number that thrd_join() gives back */
    return (void *)(intptr_t)start.run(start.argument);
}

static int result(int err)
{
    return err == 0 ? thrd_success : err == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){run, argument};
    int err = pthread_create((pthread_t *)thread, NULL, run_thread, start);
    if (err != 0)
        free(start);
    return result(err);
}

int thrd_join(thrd_t thread, int *value_out)
{
    void *value;
    int err = pthread_join((pthread_t)thread, &value);
    if (err == 0 && value_out != NULL)
        *value_out = (int)(intptr_t)value;
    return result(err);
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    if ((type & mtx_recursive) != 0)
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    int err = pthread_mutex_init((pthread_mutex_t *)mutex, &kind);
    pthread_mutexattr_destroy(&kind);
    return result(err);
}

int mtx_lock(mtx_t *mutex)
{
    return result(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int cnd_init(cnd_t *condition)
{
    return result(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

int cnd_signal(cnd_t *condition)
{
    return result(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
    return result(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return result(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    return result(
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}

/* librdkafka itself is not instrumented; of what it does, only its calls into the C library are
 * seen. It destroys a lock, and frees a message that we have read, under references that it counts
 * where the sanitizer cannot see them. Named narrowly: a race of our callbacks on its threads has
 * to be told. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 * NOLINTBEGIN(readability-identifier-naming): the name is the sanitizer's */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:pthread_rwlock_destroy\nrace_top:^__interceptor_free$\n";
}
/* NOLINTEND(readability-identifier-naming)
 * NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
