/*
 * fate.pml - what befalls a daemon, and what servers do later, unwaited for.
 */
/* Blows of fate for one daemon. */
proctype Fate(byte me)
{
end:
    do
    /* the group: a session ends, though the process may run; a member leaves when asked to */
    :: d_step {
        owner == me && (!RUNNING(me) || d[me].role == IDLE) ->
        SAY("the session of daemon %d ends\n", me);
        owner = NOBODY;
        d[me].fenced = (d[me].role != IDLE);
        new_generation()
    }
    :: d_step {
        owner == me && RUNNING(me) && d[me].role != IDLE && faults < FAULTS ->
        faults++;
        SAY("the session of daemon %d ends, though it runs\n", me);
        owner = NOBODY;
        d[me].fenced = 1;
        new_generation()
    }
    :: d_step {
        owner == me && ACTIVE(me) && faults < FAULTS ->
        faults++;
        SAY("daemon %d gives the partition up as it is asked\n", me);
        owner = NOBODY;
        lose(me);
#ifndef NO_FORGETTING
        forget_checkpoint(me);
#endif
        new_generation()
    }
    :: d_step {
        owner == NOBODY && RUNNING(me) && d[me].role == IDLE && d[me].save == SAVE_NONE ->
        SAY("daemon %d is assigned\n", me);
        owner = me;
        follow_pointer(me);
        d[me].goal = log_end;
        new_generation();
#ifdef WATCH_SILENCE
        shown[0] = sent[0];
        shown[1] = sent[1];
#endif
        skip
    }

    /* the process */
    :: d_step {
        RUNNING(me) && d[me].role != IDLE && faults < FAULTS ->
        faults++;
        SAY("daemon %d is killed\n", me);
        lose(me);
        forget_checkpoint(me);
        d[me].tombs = 0;
        d[me].letter = 0;
        d[me].fenced = 0;
        d[me].life = DOWN
    }
    :: d_step {
        d[me].life == DOWN && owner != me ->
        SAY("daemon %d is started\n", me);
        d[me].life = RUNS
    }
    :: d_step {
        RUNNING(me) && d[me].role != IDLE && faults < FAULTS ->
        faults++;
        SAY("daemon %d stands still\n", me);
        d[me].life = STANDS
    }
    :: d_step {
        d[me].life == STANDS ->
        SAY("daemon %d goes on\n", me);
        d[me].life = RUNS;
#ifndef NO_WRITE_FENCE
        d[me].fence = 1;
#endif
        skip
    }
#ifdef SEND_NOT_ATOMIC /* it stood between the look at the clock and the system call */
    :: d_step {
        d[me].life == STANDS && d[me].role == OWNS && d[me].goal == 0 && IS_ANY(me, DIRTY) &&
        d[me].rows == 0 && !d[me].fence && MAY_WRITE(me) ->
        send_rows(me);
        SAY("daemon %d goes on, and sends rows %d %d\n", me, ROW_0(d[me].rows),
            ROW_1(d[me].rows));
        d[me].life = RUNS;
        d[me].fence = 1
    }
#endif
#ifndef WITHOUT_DATABASE
    :: d_step { /* a request of one that stands still is executed like any other */
        d[me].life == STANDS && d[me].rows != 0 ->
        SAY("the rows of daemon %d, which stands still, are written\n", me);
        execute(d[me].rows);
        mark_given_back(me, 0); /* it does not hear the answer */
        mark_given_back(me, 1);
        doubt(me, d[me].rows);
        end_request(me)
    }
#endif
    od
}

inline arrive(slot_)
{
    records[slot_].is = THERE;
#ifdef STATE_WITHOUT_OFFSET
    newest = slot_;
#endif
#ifdef SHARED_KEYS /* bases share one key, and so do the pieces behind them */
    for (i : 0 .. SLOTS - 1) {
        if
        :: i != slot_ && records[i].is == THERE &&
           (records[i].before == NONE) == (records[slot_].before == NONE) ->
            SAY("record %d goes, as record %d has its key\n", i, slot_);
            remove_record(i)
        :: else
        fi
    }
    i = 0;
    check_pointer();
#endif
    for (i : 0 .. PROCESSES - 1) {
        if
        :: d[i].save == SAVE_WRITING && d[i].slot == slot_ -> d[i].save = SAVE_WRITTEN
        :: else
        fi
    }
    i = 0
}

#define IS_AWAITED(slot_) \
    (d[0].slot == slot_ || d[1].slot == slot_ || d[PROCESSES - 1].slot == slot_)

/* A record arrives, maybe long after its writer is gone, or does not. */
#define RECORD(slot_) \
    :: d_step { \
        records[slot_].is == ON_ITS_WAY -> \
        SAY("record %d is in the topic\n", slot_); \
        arrive(slot_) \
    } \
    :: d_step { \
        records[slot_].is == ON_ITS_WAY && !IS_AWAITED(slot_) -> \
        SAY("record %d is lost on its way\n", slot_); \
        remove_record(slot_) \
    }

#ifdef DATABASE_LOSES
#define WAITS_FOR_KEEPING(p) (HAS_ACKED(p) && !d[p].is_reset && !d[p].is_all_kept)
#define KEEPS_MORE \
    (database[0] != kept[0] || database[1] != kept[1] || WAITS_FOR_KEEPING(0) || \
     WAITS_FOR_KEEPING(1) || WAITS_FOR_KEEPING(PROCESSES - 1))

inline keep()
{
    kept[0] = database[0];
    kept[1] = database[1];
    for (i : 0 .. PROCESSES - 1) {
        d[i].is_all_kept = HAS_ACKED(i) && !d[i].is_reset;
        d[i].is_kept = d[i].is_all_kept
    }
    i = 0
}

#define KILL(words, loses_0, loses_1) \
    :: d_step { \
        faults < FAULTS && (!loses_0 || database[0] != kept[0]) && \
        (!loses_1 || database[1] != kept[1]) -> \
        faults++; \
        SAY(words); \
        database[0] = (loses_0 -> kept[0] : database[0]); \
        database[1] = (loses_1 -> kept[1] : database[1]); \
        kept[0] = database[0]; \
        kept[1] = database[1]; \
        for (i : 0 .. PROCESSES - 1) { \
            d[i].is_reset = HAS_ACKED(i) || d[i].rows != 0 \
        } \
        i = 0 \
    }
#endif

/* Steps that no daemon waits for. */
active proctype Servers()
{
end:
    do
    :: d_step {
        log_end == 1 ->
        SAY("a message arrives: events 1 and 2\n");
        log_end = EVENTS
    }
#ifdef LOG_BEGINS_EMPTY
    :: d_step {
        log_end == 0 ->
        SAY("a message arrives: event 0\n");
        log_end = 1
    }
#endif
#ifndef WITHOUT_TOPIC
    RECORD(0)
    RECORD(1)
    RECORD(2)
    RECORD(3)
#endif
    :: d_step {
        late_commit != NONE ->
        if
        :: late_commit == REMOVED -> printf("a late commit of a record that is gone is executed\n")
        :: late_commit == START -> SAY("the late commit of where the group begins is executed\n")
        :: else -> SAY("the late commit of record %d is executed\n", late_commit)
        fi;
        i = late_commit;
        late_commit = NONE;
        late_is_old = 0;
        accept_commit(i)
    }
    :: d_step {
        late_commit != NONE ->
        if
        :: late_commit == START -> SAY("the late commit of where the group begins is lost\n")
        :: else -> SAY("the late commit of record %d is lost\n", late_commit)
        fi;
        late_commit = NONE;
        late_is_old = 0
    }
#ifdef DATABASE_LOSES
    :: d_step { /* what is in memory goes to the disk, as it does every few seconds */
        KEEPS_MORE ->
        SAY("the database keeps %d %d\n", database[0], database[1]);
        keep()
    }
    KILL("the database is killed, and loses what it did not keep\n", 1, 1)
    KILL("the database is killed, and loses of window 0 what it did not keep\n", 1, 0)
    KILL("the database is killed, and loses of window 1 what it did not keep\n", 0, 1)
#endif
#ifndef WITHOUT_DATABASE
    :: d_step {
        late_write[0] != 0 ->
        SAY("late rows %d %d are written\n", ROW_0(late_write[0]), ROW_1(late_write[0]));
        execute(late_write[0]);
        late_write[0] = late_write[1];
        late_write[1] = 0
    }
    :: d_step {
        late_write[1] != 0 ->
        SAY("late rows %d %d are written\n", ROW_0(late_write[1]), ROW_1(late_write[1]));
        execute(late_write[1]);
        late_write[1] = 0
    }
    :: d_step {
        late_write[0] != 0 ->
        SAY("late rows %d %d are lost\n", ROW_0(late_write[0]), ROW_1(late_write[0]));
        late_write[0] = late_write[1];
        late_write[1] = 0
    }
    :: d_step {
        late_write[1] != 0 ->
        SAY("late rows %d %d are lost\n", ROW_0(late_write[1]), ROW_1(late_write[1]));
        late_write[1] = 0
    }
#endif
    od
}
