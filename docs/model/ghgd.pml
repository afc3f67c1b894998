/*
 * ghgd.pml - checkpoints, rebalances, zombies and acknowledgements of one partition, for spin.
 *
 * README.md beside this file says what is modelled, what is left out, and how to run it. Every step
 * is atomic: it stands for one callback of the daemon's loop, one answer of a server, or one blow
 * of fate. FAULTS bounds fate and CHECKPOINTS the checkpoints, so every run ends; in the state in
 * which it ends (`timeout`) the promise must hold.
 *
 * Of the model there are two views, as the whole is too large for more than one fault:
 * WITHOUT_DATABASE (the topic, the pointer, letters) and WITHOUT_TOPIC (each checkpoint is one
 * record, written and committed at once; writes to the database).
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef CHECKPOINTS
#define CHECKPOINTS 1
#endif

/* The log. Event 0 adds to window 0 (a bucket), event 2 to both (the same bucket and its day);
 * event 1 is bad. Events 1 and 2 are one message, so that a position is the offset of a message and
 * a number of its events to skip. */
#define EVENTS 3
#define BAD 1
#define OFFSET(x) (((x) > 0) + ((x) > 2))
#define SKIP(x) ((x) == 2)
#define CALM_0(x) (((x) > 0) + ((x) > 2)) /* what a calm run holds after x events */
#define CALM_1(x) ((x) > 2)

/* What a request says of both windows; 0: nothing. */
#define ROWS(a, b) ((a) + 4 * (b))
#define ROW_0(rows) ((rows) & 3)
#define ROW_1(rows) ((rows) >> 2)
#define MARKS(rows) ((ROW_0(rows) != 0) + 2 * (ROW_1(rows) != 0))

#define NOBODY PROCESSES
#define SLOTS 4             /* records of the checkpoint topic at one time */
#define NONE SLOTS          /* no record */
#define REMOVED (SLOTS + 1) /* a record that was there, and is no more */
#define BIT(slot) (1 << (slot))

/* --- what servers and networks hold --- */

#ifdef WITHOUT_DATABASE
byte log_end = EVENTS; /* events in the log */
#else
byte log_end = 1; /* message 1 arrives later: what is silent is so until the end it found */
#endif
byte owner = NOBODY;
byte pointer = NONE; /* the group's committed offset and its metadata */
byte pointer_x;
byte late_commit = NONE; /* its sender does not wait for it any more */
bit late_is_old;         /* it was accepted in an older generation, and becomes visible late */
bit letters;             /* the bad event is in the dead-letter topic */
byte database[2];
byte late_write[2]; /* their senders do not wait for them any more */

mtype:record = {FREE, ON_ITS_WAY, THERE};
typedef record {
    mtype:record is = FREE;
    byte before = NONE; /* the one it builds upon; NONE: it is the base of a chain */
    byte x;
    byte sum[2];
    byte dirty;
};
record records[SLOTS];
#ifdef STATE_WITHOUT_OFFSET
byte newest = NONE;
#endif

/* --- the daemons --- */

mtype:life = {DOWN, RUNS, STANDS}; /* STANDS: SIGSTOP, a suspended machine */
mtype:role = {IDLE, READING, OWNS};
mtype:save = {SAVED, WRITING, WRITTEN};
mtype:healing = {HEALED, LEASE, PROBE, PROOF};
typedef daemon {
    mtype:life life = RUNS;
    mtype:role role = IDLE; /* what it believes */
    bit fenced;             /* what the broker knows: its generation is an old one */
    bit brake;              /* it stood still: waits for the broker's word before anything else */
    byte x;                 /* events it has taken */
    byte goal;              /* silent until it has taken so many; 0: live */
    byte sum[2];
    byte dirty, suspect; /* a bit per window */
    byte rows;           /* the request under way */
    mtype:healing healing = HEALED;
    bit letter; /* a dead letter is on its way */
    mtype:save save = SAVED;
    byte slot = NONE; /* of the checkpoint under way; of the pointer that is followed */
    byte last = NONE; /* the newest record of its own chain */
    byte next;        /* its own records that the chain under way supersedes */
    byte old;         /* records to be removed when a commit succeeds */
    byte tombs;       /* records to be removed */
};
daemon d[PROCESSES];

byte faults, checkpoints;
byte i, j; /* scratch within a step; 0 outside */

#ifdef WATCH_SILENCE
byte sent[2];  /* the newest value ever sent */
byte shown[2]; /* ... before the owner was assigned */
#endif

/* --- safeguards, and what is left if one is taken away --- */

#ifdef NO_FENCING
#define IS_ACCEPTED(p) true
#else
#define IS_ACCEPTED(p) (!d[p].fenced)
#endif

#ifdef COMMIT_BEFORE_ACK
#define MAY_COMMIT(p) (d[p].save != SAVED)
#else
#define MAY_COMMIT(p) (d[p].save == WRITTEN)
#endif

#ifdef DELTA_ON_UNACKED
#define MAY_SAVE(p) (d[p].save == SAVED || d[p].save == WRITING)
#else
#define MAY_SAVE(p) (d[p].save == SAVED)
#endif

#ifdef NO_LETTER_GATE
#define LETTERS_DONE(p, to) true
#elif defined(LETTER_GATE_BY_OFFSET)
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to))
#else
#define LETTERS_DONE(p, to) (!d[p].letter || OFFSET(BAD) >= OFFSET(to) + SKIP(to))
#endif

#ifdef NO_DIRTY_IN_STATE
#define DIRTY_TO_SAVE(p) 0
#elif defined(NO_IN_FLIGHT_IN_STATE)
#define DIRTY_TO_SAVE(p) (d[p].dirty | d[p].suspect)
#elif defined(NO_SUSPECTS_IN_STATE)
#define DIRTY_TO_SAVE(p) (d[p].dirty | MARKS(d[p].rows))
#else
#define DIRTY_TO_SAVE(p) (d[p].dirty | MARKS(d[p].rows) | d[p].suspect)
#endif

#ifdef TOMBSTONES_AT_ONCE /* of its own chain too: a late commit may still lead back to it */
#define KEEPS_OWN_CHAIN false
#else
#define KEEPS_OWN_CHAIN true
#endif

#ifdef ERROR_IF_SUPERSEDED
#define IS_SUPERSEDED(slot_) false
#else
#define IS_SUPERSEDED(slot_) \
    (slot_ != pointer && \
     (slot_ == REMOVED || (slot_ < SLOTS && records[slot_].before == REMOVED)))
#endif

#define RUNNING(p) (d[p].life == RUNS)
#define ACTIVE(p) (RUNNING(p) && d[p].role == OWNS && !d[p].brake)

/* What the clock tells: every other one that believed to own the partition has heard of it, is
 * stopped or gone. Of those only a stopped one comes back, and it comes back with the brake on. */
#define COULD_SEND(z) (RUNNING(z) && d[z].role != IDLE && !d[z].brake)
#if PROCESSES == 2
#define LEASES_OVER(p) (!COULD_SEND(1 - p))
#define OTHERS_QUIET(p) (d[1 - p].rows == 0)
#else
#define LEASES_OVER(p) (!COULD_SEND((p + 1) % 3) && !COULD_SEND((p + 2) % 3))
#define OTHERS_QUIET(p) (d[(p + 1) % 3].rows == 0 && d[(p + 2) % 3].rows == 0)
#endif

/* The assumption about databases: one that has answered a request has executed, a sink's timeout
 * later, whatever had reached it before. */
#ifdef HEALING_BY_CLOCK
#define MAY_HEAL(p) (d[p].healing != HEALED && LEASES_OVER(p))
#else
#define MAY_HEAL(p) \
    (d[p].healing == PROOF && late_write[0] == 0 && OTHERS_QUIET(p) && d[p].goal == 0)
#endif

/* --- pieces of steps --- */

/* Nobody waits for the request any more: it is executed at any time, or never. */
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

/* No answer: the rows are dirty again, and this attempt may overtake the next. */
inline doubt(p)
{
    d[p].dirty = d[p].dirty | MARKS(d[p].rows);
#if !defined(NO_DOUBT) && !defined(NO_HEALING)
    if
    :: d[p].rows != 0 ->
        d[p].suspect = d[p].suspect | MARKS(d[p].rows);
        d[p].healing = LEASE
    :: else
    fi;
#endif
    leave_write(d[p].rows);
    d[p].rows = 0
}

inline forget_checkpoint(p)
{
    d[p].save = SAVED;
    d[p].slot = NONE
}

inline lose(p)
{
    leave_write(d[p].rows);
    d[p].rows = 0;
    d[p].x = 0;
    d[p].goal = 0;
    d[p].sum[0] = 0;
    d[p].sum[1] = 0;
    d[p].dirty = 0;
    d[p].suspect = 0;
    d[p].healing = HEALED;
    d[p].last = NONE;
    d[p].next = 0;
    d[p].old = 0;
    d[p].role = IDLE;
    d[p].fenced = 0;
    d[p].brake = 0
}

/* What was sent in an older generation is not accepted any more. What was accepted may become
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
    pointer = slot_;
    if
    :: late_is_old -> late_commit = NONE; late_is_old = 0
    :: else
    fi;
    if
    :: slot_ < SLOTS -> pointer_x = records[slot_].x
    :: else
    fi;
    check_pointer()
}

inline touch(p, window)
{
    d[p].sum[window]++;
#ifndef WITHOUT_DATABASE
    d[p].dirty = d[p].dirty | (1 << window);
    d[p].suspect = d[p].suspect | ((d[p].healing != HEALED) << window);
#endif
    skip
}

inline take_event(p)
{
    if
#ifdef WITHOUT_TOPIC
    :: d[p].x == BAD -> letters = 1
#else
    :: d[p].x == BAD -> d[p].letter = 1
#endif
    :: d[p].x == 0 -> touch(p, 0)
    :: d[p].x == 2 -> touch(p, 0); touch(p, 1)
    fi;
    d[p].x++;
    if
    :: d[p].x >= d[p].goal -> d[p].goal = 0
    :: else
    fi;
    check_state(p)
}

inline send_rows(p)
{
    d[p].rows = ROWS(((d[p].dirty & 1) != 0 -> d[p].sum[0] : 0),
                     ((d[p].dirty & 2) != 0 -> d[p].sum[1] : 0));
    d[p].dirty = 0;
    if
    :: d[p].healing == LEASE && LEASES_OVER(p) -> d[p].healing = PROBE
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
    d[p].role = READING
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
        d[p].dirty = records[i].dirty
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
    d[p].healing = (d[p].slot == NONE -> HEALED : LEASE);
#else
    d[p].healing = LEASE;
#endif
    d[p].suspect = d[p].dirty;
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
    d[p].save = WRITING;
    checkpoints++;
    i = 0
}

/* The group has the pointer. What an older generation wrote may go at once; what a commit of this
 * one points at, when the next commit has put the pointer right again. */
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
            printf("record %d goes by a tombstone of daemon %d\n", i, p);
            remove_record(i)
        :: else
        fi
    }
    i = 0;
    d[p].tombs = 0;
    check_pointer()
}

/* --- a daemon --- */

proctype Daemon(byte me)
{
#ifdef WITHOUT_TOPIC
    byte superseded;
#endif
end:
    do
    /* what the group says */
    :: d_step {
        RUNNING(me) && d[me].role != IDLE && d[me].fenced ->
        printf("daemon %d hears that it has lost the partition\n", me);
        lose(me);
        forget_checkpoint(me)
    }
    :: d_step {
        RUNNING(me) && d[me].brake && !d[me].fenced ->
        printf("daemon %d hears that it is still a member, and goes on\n", me);
        d[me].brake = 0
    }

    /* restore */
    :: d_step {
        RUNNING(me) && d[me].role == READING && !d[me].brake ->
        if
        :: IS_SUPERSEDED(d[me].slot) ->
            printf("daemon %d finds its chain gone, and asks for the pointer again\n", me);
            follow_pointer(me)
        :: else ->
            if
            :: d[me].slot == NONE -> printf("daemon %d begins afresh\n", me)
            :: else -> printf("daemon %d restores from record %d\n", me, d[me].slot)
            fi;
            restore(me)
        fi
    }

    /* events */
    :: d_step {
        ACTIVE(me) && d[me].x < log_end ->
        printf("daemon %d takes event %d\n", me, d[me].x);
        take_event(me)
    }
    :: d_step {
        RUNNING(me) && d[me].letter ->
        printf("the letter of daemon %d is in the dead-letter topic\n", me);
        d[me].letter = 0;
        letters = 1
    }

    /* checkpoints */
#ifdef WITHOUT_TOPIC
    :: d_step {
        ACTIVE(me) && checkpoints < CHECKPOINTS && HAS_ROOM ->
        printf("daemon %d writes a checkpoint at %d and commits it\n", me, d[me].x);
        begin_checkpoint(me, false);
        records[d[me].slot].is = THERE;
        superseded = d[me].slot;
        if
        :: IS_ACCEPTED(me) -> superseded = pointer; accept_commit(d[me].slot)
        :: else
        fi;
        forget_checkpoint(me);
        d[me].last = NONE;
        if
        :: superseded < SLOTS -> remove_record(superseded)
        :: else
        fi;
        superseded = 0
    }
#else
    :: d_step {
        ACTIVE(me) && checkpoints < CHECKPOINTS && HAS_ROOM && MAY_SAVE(me) ->
        begin_checkpoint(me, false);
        printf("daemon %d writes record %d: full, at %d\n", me, d[me].slot, d[me].x)
    }
    :: d_step {
        ACTIVE(me) && checkpoints < CHECKPOINTS && HAS_ROOM && MAY_SAVE(me) &&
        d[me].last < SLOTS ->
        begin_checkpoint(me, true);
        printf("daemon %d writes record %d: upon %d, at %d\n", me, d[me].slot,
               records[d[me].slot].before, d[me].x)
    }
    :: d_step { /* no acknowledgement in time: the next one is full */
        ACTIVE(me) && d[me].save == WRITING && faults < FAULTS ->
        printf("daemon %d waits no longer for record %d\n", me, d[me].slot);
        faults++;
        forget_checkpoint(me);
        d[me].last = NONE
    }
    :: d_step {
        RUNNING(me) && !d[me].brake && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && (d[me].old == 0 || late_commit == NONE) ->
        if
        :: IS_ACCEPTED(me) ->
            printf("daemon %d commits the pointer to record %d\n", me, d[me].slot);
            accept_commit(d[me].slot);
            committed(me)
        :: else ->
            printf("daemon %d commits record %d, and is refused\n", me, d[me].slot);
            forget_checkpoint(me)
        fi
    }
    :: d_step { /* no answer to the commit: the broker may execute it at any time, or never */
        ACTIVE(me) && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && late_commit == NONE && IS_ACCEPTED(me) &&
        faults < FAULTS ->
        faults++;
        printf("daemon %d gets no answer to its commit of record %d\n", me, d[me].slot);
        late_commit = d[me].slot;
        forget_checkpoint(me)
    }
    :: d_step {
        RUNNING(me) && d[me].tombs != 0 ->
        write_tombstones(me)
    }
#endif

    /* rows */
#ifndef WITHOUT_DATABASE
    :: d_step {
        ACTIVE(me) && d[me].goal == 0 && d[me].dirty != 0 && d[me].rows == 0 ->
        send_rows(me);
        printf("daemon %d sends rows %d %d\n", me, ROW_0(d[me].rows), ROW_1(d[me].rows))
    }
    :: d_step { /* executed, and acknowledged */
        RUNNING(me) && d[me].rows != 0 ->
        printf("the rows of daemon %d are written and acknowledged\n", me);
        execute(d[me].rows);
        d[me].rows = 0;
        if
        :: d[me].healing == PROBE -> d[me].healing = PROOF
        :: else
        fi
    }
    :: d_step { /* no answer in time */
        ACTIVE(me) && d[me].rows != 0 && faults < FAULTS ->
        faults++;
        printf("daemon %d gets no answer for its rows\n", me);
        doubt(me)
    }
    :: d_step { /* the first round of healing, if nothing else is written: asks for the proof */
        ACTIVE(me) && d[me].healing == LEASE && LEASES_OVER(me) && d[me].goal == 0 &&
        d[me].suspect != 0 && d[me].dirty == 0 && d[me].rows == 0 ->
        printf("daemon %d heals: round one\n", me);
        d[me].dirty = d[me].suspect
    }
    :: d_step { /* the second */
        ACTIVE(me) && MAY_HEAL(me) ->
        printf("daemon %d heals: marks %d again\n", me, d[me].suspect);
        d[me].dirty = d[me].dirty | d[me].suspect;
        d[me].suspect = 0;
        d[me].healing = HEALED
    }
#endif
    od
}

/* --- the servers, and fate --- */

/* What befalls one daemon. */
proctype Fate(byte me)
{
end:
    do
    /* the group: a session ends, though the process may run; a member leaves when asked to */
    :: d_step {
        owner == me && (!RUNNING(me) || d[me].role == IDLE) ->
        printf("the session of daemon %d ends\n", me);
        owner = NOBODY;
        d[me].fenced = (d[me].role != IDLE);
        new_generation()
    }
    :: d_step {
        owner == me && RUNNING(me) && d[me].role != IDLE && faults < FAULTS ->
        faults++;
        printf("the session of daemon %d ends, though it runs\n", me);
        owner = NOBODY;
        d[me].fenced = 1;
        new_generation()
    }
    :: d_step {
        owner == me && ACTIVE(me) && faults < FAULTS ->
        faults++;
        printf("daemon %d gives the partition up as it is asked\n", me);
        owner = NOBODY;
        lose(me);
#ifndef NO_FORGETTING
        forget_checkpoint(me);
#endif
        new_generation()
    }
    :: d_step {
        owner == NOBODY && RUNNING(me) && d[me].role == IDLE && d[me].save == SAVED ->
        printf("daemon %d is assigned\n", me);
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
        printf("daemon %d is killed\n", me);
        lose(me);
        forget_checkpoint(me);
        d[me].tombs = 0;
        d[me].letter = 0;
        d[me].fenced = 0;
        d[me].life = DOWN
    }
    :: d_step {
        d[me].life == DOWN && owner != me ->
        printf("daemon %d is started\n", me);
        d[me].life = RUNS
    }
    :: d_step {
        RUNNING(me) && d[me].role != IDLE && faults < FAULTS ->
        faults++;
        printf("daemon %d stands still\n", me);
        d[me].life = STANDS
    }
    :: d_step {
        d[me].life == STANDS ->
        printf("daemon %d goes on\n", me);
        d[me].life = RUNS;
#ifndef NO_BRAKE
        d[me].brake = 1;
        doubt(me);
#endif
        skip
    }
#ifdef SEND_NOT_ATOMIC /* it stood between the look at the clock and the system call */
    :: d_step {
        d[me].life == STANDS && d[me].role == OWNS && d[me].goal == 0 && d[me].dirty != 0 &&
        d[me].rows == 0 && !d[me].brake ->
        send_rows(me);
        printf("daemon %d goes on, and sends rows %d %d\n", me, ROW_0(d[me].rows),
               ROW_1(d[me].rows));
        d[me].life = RUNS;
        d[me].brake = 1
    }
#endif
#ifndef WITHOUT_DATABASE
    :: d_step { /* a request of one that stands still is executed like any other */
        d[me].life == STANDS && d[me].rows != 0 ->
        printf("the rows of daemon %d, which stands still, are written\n", me);
        execute(d[me].rows);
        d[me].dirty = d[me].dirty | MARKS(d[me].rows); /* it does not hear the answer */
        d[me].rows = 0
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
            printf("record %d goes, as record %d has its key\n", i, slot_);
            remove_record(i)
        :: else
        fi
    }
    i = 0;
    check_pointer();
#endif
    for (i : 0 .. PROCESSES - 1) {
        if
        :: d[i].save == WRITING && d[i].slot == slot_ -> d[i].save = WRITTEN
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
        printf("record %d is in the topic\n", slot_); \
        arrive(slot_) \
    } \
    :: d_step { \
        records[slot_].is == ON_ITS_WAY && !IS_AWAITED(slot_) -> \
        printf("record %d is lost on its way\n", slot_); \
        remove_record(slot_) \
    }

/* What nobody waits for. */
active proctype Servers()
{
end:
    do
    :: d_step {
        log_end < EVENTS ->
        printf("a message arrives: events 1 and 2\n");
        log_end = EVENTS
    }
#ifndef WITHOUT_TOPIC
    RECORD(0)
    RECORD(1)
    RECORD(2)
    RECORD(3)
    :: d_step {
        late_commit != NONE ->
        if
        :: late_commit == REMOVED -> printf("a late commit of a record that is gone is executed\n")
        :: else -> printf("the late commit of record %d is executed\n", late_commit)
        fi;
        i = late_commit;
        late_commit = NONE;
        late_is_old = 0;
        accept_commit(i)
    }
    :: d_step {
        late_commit != NONE ->
        printf("the late commit of record %d is lost\n", late_commit);
        late_commit = NONE;
        late_is_old = 0
    }
#endif
#ifndef WITHOUT_DATABASE
    :: d_step {
        late_write[0] != 0 ->
        printf("late rows %d %d are written\n", ROW_0(late_write[0]), ROW_1(late_write[0]));
        execute(late_write[0]);
        late_write[0] = late_write[1];
        late_write[1] = 0
    }
    :: d_step {
        late_write[1] != 0 ->
        printf("late rows %d %d are written\n", ROW_0(late_write[1]), ROW_1(late_write[1]));
        execute(late_write[1]);
        late_write[1] = 0
    }
    :: d_step {
        late_write[0] != 0 ->
        printf("late rows %d %d are lost\n", ROW_0(late_write[0]), ROW_1(late_write[0]));
        late_write[0] = late_write[1];
        late_write[1] = 0
    }
    :: d_step {
        late_write[1] != 0 ->
        printf("late rows %d %d are lost\n", ROW_0(late_write[1]), ROW_1(late_write[1]));
        late_write[1] = 0
    }
#endif
    od
}

/* --- the promise --- */

/* What the owner holds clean is in the database, and nothing older can come any more: only such a
 * window may leave the state with its day. */
#define PENDING(p) (d[p].dirty | d[p].suspect | MARKS(d[p].rows))
#define NOT_OLDER_0(rows, p) (ROW_0(rows) == 0 || ROW_0(rows) >= d[p].sum[0])
#define NOT_OLDER_1(rows, p) (ROW_1(rows) == 0 || ROW_1(rows) >= d[p].sum[1])
#define IS_SAFE_0(p) \
    (database[0] >= d[p].sum[0] && NOT_OLDER_0(late_write[0], p) && NOT_OLDER_0(late_write[1], p))
#define IS_SAFE_1(p) \
    (database[1] >= d[p].sum[1] && NOT_OLDER_1(late_write[0], p) && NOT_OLDER_1(late_write[1], p))
#define CLEAN_IS_SAFE(p) \
    (owner != p || d[p].role != OWNS || \
     (((PENDING(p) & 1) != 0 || IS_SAFE_0(p)) && ((PENDING(p) & 2) != 0 || IS_SAFE_1(p))))

#define IS_DONE(p) \
    (owner == p && RUNNING(p) && d[p].role == OWNS && !d[p].fenced && d[p].x == EVENTS && \
     PENDING(p) == 0)

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
        printf("nothing more can happen: the database holds %d %d\n", database[0], database[1]);
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

init
{
    atomic {
        run Daemon(0);
        run Fate(0);
        run Daemon(1);
        run Fate(1);
#if PROCESSES == 3
        run Daemon(2);
        run Fate(2);
#endif
        owner = 0; /* the first assignment: which of them gets it makes no difference */
        follow_pointer(0);
        d[0].goal = log_end
    }
}
