/*
 * pieces.pml - pieces of steps: what becomes of requests, commits, records and a daemon's state.
 */
/* No daemon waits for the request any longer: it is executed at any time, or never. */
inline leave_write(rows_)
{
    if
    :: rows_ == 0
    :: rows_ != 0 && late_write[0] == 0 -> late_write[0] = rows_
    :: rows_ != 0 && late_write[0] != 0 && late_write[1] == 0 ->
        if
        :: rows_ <= late_write[0] -> late_write[1] = rows_
        :: else -> late_write[1] = late_write[0]; late_write[0] = rows_
        fi
    :: else /* the model holds two of them */
    fi
}

inline execute(rows_)
{
    if
    :: ROW_0(rows_) != 0 -> database[0] = ROW_0(rows_)
    :: else
    fi;
    if
    :: ROW_1(rows_) != 0 -> database[1] = ROW_1(rows_)
    :: else
    fi
}

/* An older try of these rows may still arrive. */
inline doubt(p, rows_)
{
#if !defined(NO_DOUBT) && !defined(NO_HEALING)
    if
    :: rows_ != 0 ->
        if
        :: d[p].takeover == BY_CLOCK -> put_at_risk(p)
        :: else
        fi;
        d[p].at_risk = d[p].at_risk | MARKS(rows_);
        d[p].takeover = LEASE
    :: else
    fi;
#endif
    skip
}

inline end_request(p)
{
    d[p].rows = 0;
    d[p].unsure = 0;
    d[p].is_probe = 0
}

/* No daemon waits for the request any longer, and its fate is not known. */
inline give_up(p)
{
    mark_given_back(p, 0);
    mark_given_back(p, 1);
    doubt(p, d[p].rows);
    leave_write(d[p].rows);
    end_request(p)
}

/* A missing answer says nothing of what the database has kept. */
inline fail(p)
{
#ifdef DATABASE_LOSES
    lose_acked(p);
#endif
    skip
}

/* Nothing of the request was executed, and nothing can arrive. */
inline give_back(p)
{
    mark_given_back(p, 0);
    mark_given_back(p, 1);
    end_request(p)
}

inline acknowledge(p)
{
#ifdef DATABASE_LOSES
    learn_loss(p);
    d[p].is_all_kept = 0;
#endif
    mark_acknowledged(p, 0);
    mark_acknowledged(p, 1);
#ifdef DATABASE_LOSES
    begin_generation(p);
#endif
    if
    :: d[p].unsure -> doubt(p, d[p].rows)
    :: else ->
        if
        :: d[p].takeover == PROBE && d[p].is_probe -> d[p].takeover = PROOF
        :: else
        fi;
#ifdef RISK_ENDS_WITH_ANSWER
        d[p].at_risk = d[p].at_risk & ~MARKS(d[p].rows);
#endif
        skip
    fi;
    end_request(p)
}

inline forget_checkpoint(p)
{
    d[p].save = SAVE_NONE;
    d[p].slot = NONE
}

inline lose(p)
{
    leave_write(d[p].rows);
    end_request(p);
    d[p].overtaken = 0;
    d[p].owed = 0;
#ifdef DATABASE_LOSES
    d[p].is_reset = 0;
    d[p].is_kept = 0;
    d[p].is_all_kept = 0;
#endif
    d[p].x = 0;
    d[p].goal = 0;
    d[p].sum[0] = 0;
    d[p].sum[1] = 0;
    d[p].mark[0] = CLEAN;
    d[p].mark[1] = CLEAN;
    d[p].at_risk = 0;
    d[p].takeover = DONE;
    d[p].last = NONE;
    d[p].next = 0;
    d[p].old = 0;
    d[p].role = IDLE;
    d[p].fenced = 0;
    d[p].fence = 0;
    d[p].begun = 0
}

/* A commit that was sent in an older generation is no longer accepted. An accepted commit may become
 * visible later, as long as no newer commit stands behind it in the group's log. */
inline new_generation()
{
#ifndef NO_FENCING
    late_is_old = (late_commit != NONE);
#endif
    skip
}

/* "A commit never points at a record that is not there." */
inline check_record(slot_)
{
    if
    :: slot_ == REMOVED || records[slot_].is != THERE ->
        printf("a record that is needed is not there\n");
        assert(false)
    :: else
    fi
}

inline check_pointer()
{
    i = pointer;
    do
    :: i == NONE -> break
    :: else ->
        check_record(i);
        i = records[i].before
    od;
    i = 0
}

/* "No event lost, no event twice." */
inline check_state(p)
{
    assert(d[p].sum[0] == CALM_0(d[p].x) && d[p].sum[1] == CALM_1(d[p].x))
}

/* By compaction, behind a tombstone or a newer record of the same key; or it never got there. */
inline remove_record(slot_)
{
    records[slot_].is = FREE;
    records[slot_].before = NONE;
    records[slot_].x = 0;
    records[slot_].sum[0] = 0;
    records[slot_].sum[1] = 0;
    records[slot_].dirty = 0;
    if
    :: pointer == slot_ -> pointer = REMOVED
    :: else
    fi;
    if
    :: late_commit == slot_ -> late_commit = REMOVED
    :: else
    fi;
    for (j : 0 .. SLOTS - 1) {
        if
        :: records[j].before == slot_ -> records[j].before = REMOVED
        :: else
        fi
    }
    for (j : 0 .. PROCESSES - 1) {
        d[j].next = d[j].next & ~BIT(slot_);
        d[j].old = d[j].old & ~BIT(slot_);
        d[j].tombs = d[j].tombs & ~BIT(slot_);
        if
        :: d[j].slot == slot_ -> d[j].slot = REMOVED
        :: else
        fi;
        if
        :: d[j].last == slot_ -> d[j].last = REMOVED
        :: else
        fi
    }
    j = 0
}

inline accept_commit(slot_)
{
    begun = 1;
    pointer = (slot_ == START -> NONE : slot_);
    if
    :: late_is_old -> late_commit = NONE; late_is_old = 0
    :: else
    fi;
    if
    :: slot_ < SLOTS -> pointer_x = records[slot_].x
    :: slot_ == START -> pointer_x = 0
    :: else
    fi;
    check_pointer()
}

inline touch(p, window)
{
    d[p].sum[window]++;
#ifndef WITHOUT_DATABASE
    mark_changed(p, window);
#endif
    skip
}

/* It writes from now on, and heals once more what the clock alone has healed. */
inline go_live(p)
{
    d[p].goal = 0;
    if
    :: d[p].takeover == BY_CLOCK ->
#ifdef HEALED_IN_SILENCE
        d[p].takeover = DONE
#else
        d[p].takeover = LEASE;
        put_at_risk(p)
#endif
    :: else
    fi
}

inline take_event(p)
{
    if
#ifdef CLOSING_DAY
    :: d[p].x == 0 -> touch(p, 0)
    :: else -> touch(p, 1)
#else
#ifdef WITHOUT_TOPIC
    :: d[p].x == BAD -> letters = 1
#else
    :: d[p].x == BAD -> d[p].letter = 1
#endif
    :: d[p].x == 0 -> touch(p, 0)
    :: d[p].x == 2 -> touch(p, 0); touch(p, 1)
#endif
    fi;
    d[p].x++;
    if
    :: d[p].goal != 0 && d[p].x >= d[p].goal -> go_live(p)
    :: else
    fi;
    check_state(p)
}

inline send_rows(p)
{
    d[p].rows = ROWS((TO_SEND(p, 0) -> d[p].sum[0] : 0), (TO_SEND(p, 1) -> d[p].sum[1] : 0));
    mark_taken(p, 0);
    mark_taken(p, 1);
    d[p].is_probe = IS_PROBE(p);
    d[p].overtaken = d[p].overtaken && d[p].takeover == PROOF;
    if
    :: owner != p && owner != NOBODY ->
        d[owner].overtaken = d[owner].is_probe || d[owner].takeover == PROOF
    :: else
    fi;
#ifdef WATCH_SILENCE
    if
    :: owner == p ->
        assert(ROW_0(d[p].rows) == 0 || ROW_0(d[p].rows) >= shown[0]);
        assert(ROW_1(d[p].rows) == 0 || ROW_1(d[p].rows) >= shown[1])
    :: else
    fi;
    if
    :: ROW_0(d[p].rows) > sent[0] -> sent[0] = ROW_0(d[p].rows)
    :: else
    fi;
    if
    :: ROW_1(d[p].rows) > sent[1] -> sent[1] = ROW_1(d[p].rows)
    :: else
    fi;
#endif
    skip
}

/* Reads the pointer; the records are read in a later step. */
inline follow_pointer(p)
{
    d[p].slot = pointer;
    d[p].x = pointer_x;
    d[p].begun = begun;
    d[p].role = RESTORING
}

inline restore(p)
{
    i = d[p].slot;
#ifdef STATE_WITHOUT_OFFSET
    i = newest;
#endif
    if
    :: i < SLOTS ->
        d[p].sum[0] = records[i].sum[0];
        d[p].sum[1] = records[i].sum[1];
        d[p].mark[0] = ((records[i].dirty & 1) != 0 -> DIRTY : CLEAN);
        d[p].mark[1] = ((records[i].dirty & 2) != 0 -> DIRTY : CLEAN)
    :: else
    fi;
#ifndef STATE_WITHOUT_OFFSET
    do
    :: i == NONE -> break
    :: else ->
        check_record(i);
        i = records[i].before
    od;
#endif
    i = 0;
#if !defined(NO_HEALING) && !defined(WITHOUT_DATABASE)
#ifdef NO_HEALING_AFRESH
    d[p].takeover = (d[p].slot == NONE -> DONE : LEASE);
#else
    d[p].takeover = (d[p].begun -> LEASE : DONE);
#endif
    d[p].at_risk = DIRTY_WINDOWS(p);
#endif
    if
    :: d[p].x >= d[p].goal -> d[p].goal = 0
    :: else
    fi;
#ifdef NO_SILENCE
    d[p].goal = 0;
#endif
#ifndef WITHOUT_TOPIC
    for (i : 0 .. SLOTS - 1) {
        d[p].old = d[p].old | ((records[i].is == THERE) << i)
    }
    i = 0;
#endif
    d[p].slot = NONE;
    d[p].role = OWNS;
    check_state(p)
}

#define HAS_ROOM \
    (records[0].is == FREE || records[1].is == FREE || records[2].is == FREE || \
     records[3].is == FREE)

inline begin_checkpoint(p, chained)
{
    i = 0;
    do
    :: records[i].is != FREE -> i++
    :: else -> break
    od;
    records[i].is = ON_ITS_WAY;
    records[i].before = (chained -> d[p].last : NONE);
    records[i].x = d[p].x;
    records[i].sum[0] = d[p].sum[0];
    records[i].sum[1] = d[p].sum[1];
    records[i].dirty = DIRTY_TO_SAVE(p);
    if
    :: chained
    :: else -> /* the chain before is superseded when this one is in force */
        j = d[p].last;
        do
        :: j >= SLOTS -> break
        :: else -> d[p].next = d[p].next | BIT(j); j = records[j].before
        od;
        j = 0
    fi;
    d[p].last = i;
    d[p].slot = i;
    d[p].save = SAVE_WRITING;
    checkpoints++;
    i = 0
}

/* The group has the pointer. Records that an older generation wrote may go at once. Records that a
 * commit of this one points at may go when the next commit has put the pointer right again. */
inline committed(p)
{
    d[p].tombs = d[p].tombs | d[p].old;
    if
    :: KEEPS_OWN_CHAIN -> d[p].old = d[p].next
    :: else -> d[p].tombs = d[p].tombs | d[p].next; d[p].old = 0
    fi;
    d[p].next = 0;
    forget_checkpoint(p)
}

inline write_tombstones(p)
{
    for (i : 0 .. SLOTS - 1) {
        if
        :: (d[p].tombs & BIT(i)) != 0 ->
            SAY("record %d goes by a tombstone of daemon %d\n", i, p);
            remove_record(i)
        :: else
        fi
    }
    i = 0;
    d[p].tombs = 0;
    check_pointer()
}
