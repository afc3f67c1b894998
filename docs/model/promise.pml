/*
 * promise.pml - what must hold at all times, and where nothing more can happen.
 */
/* A window that the owner holds clean is in the database for good, and no older write can come. Only
 * such a window may leave the state with its day. */
#define NOT_OLDER_0(rows, p) (ROW_0(rows) == 0 || ROW_0(rows) >= d[p].sum[0])
#define NOT_OLDER_1(rows, p) (ROW_1(rows) == 0 || ROW_1(rows) >= d[p].sum[1])
#ifdef DATABASE_LOSES
#define DURABLE(w) kept[w]
#else
#define DURABLE(w) database[w]
#endif
#define IS_SAFE_0(p) \
    (database[0] >= d[p].sum[0] && DURABLE(0) >= d[p].sum[0] && NOT_OLDER_0(late_write[0], p) && NOT_OLDER_0(late_write[1], p))
#define IS_SAFE_1(p) \
    (database[1] >= d[p].sum[1] && DURABLE(1) >= d[p].sum[1] && NOT_OLDER_1(late_write[0], p) && NOT_OLDER_1(late_write[1], p))
#define CLEAN_IS_SAFE(p) \
    (owner != p || d[p].role != OWNS || \
     (((UNSETTLED(p) & 1) != 0 || IS_SAFE_0(p)) && ((UNSETTLED(p) & 2) != 0 || IS_SAFE_1(p))))

#define IS_DONE(p) \
    (owner == p && RUNNING(p) && d[p].role == OWNS && !d[p].fenced && d[p].x == EVENTS && \
     UNSETTLED(p) == 0)

active proctype Judge()
{
end:
    do
#ifndef WITHOUT_DATABASE
    :: d_step {
        !CLEAN_IS_SAFE(0) || !CLEAN_IS_SAFE(1) || !CLEAN_IS_SAFE(PROCESSES - 1) ->
        printf("what the owner holds clean is not safe: the database holds %d %d\n", database[0],
               database[1]);
        assert(false)
    }
#endif
    :: timeout ->
        SAY("nothing more can happen: the database holds %d %d\n", database[0], database[1]);
        assert(log_end == EVENTS);
        assert(IS_DONE(0) || IS_DONE(1) || IS_DONE(PROCESSES - 1));
        /* "Every bad event is in the dead-letter topic." */
        assert(letters);
#ifndef WITHOUT_DATABASE
        /* "The database ends at the calm run's values." */
        assert(database[0] == CALM_0(EVENTS) && database[1] == CALM_1(EVENTS));
#endif
        break
    od
}
