/*
 * state.pml - the log, what servers and networks hold, and what a daemon holds.
 */
/* The words of a step when a counter-example is told; with COUNT_STEPS, that it happened at all. */
#ifdef COUNT_STEPS
c_decl { static void happened(const char *words) { printf("happened: %s", words); } }
#define SAY(words, ...) \
    printf(words, ##__VA_ARGS__); \
    c_code { static int seen; if (!seen++) happened(words); }
#else
#define SAY(...) printf(__VA_ARGS__)
#endif

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
#define BAD 1 /* with CLOSING_DAY there is no bad one */
#define OFFSET(x) (((x) > 0) + ((x) > 2))
#define SKIP(x) ((x) == 2)
#ifdef CLOSING_DAY
/* Events 1 and 2 add to window 1, and window 0 leaves with its day before event 2 is taken. */
#define CALM_0(x) ((x) > 0)
#define CALM_1(x) (((x) > 1) + ((x) > 2))
#else
#define CALM_0(x) (((x) > 0) + ((x) > 2)) /* what a calm run holds after x events */
#define CALM_1(x) ((x) > 2)
#endif

/* A request's values of both windows; 0: no value. */
#define ROWS(a, b) ((a) + 4 * (b))
#define ROW_0(rows) ((rows) & 3)
#define ROW_1(rows) ((rows) >> 2)
#define MARKS(rows) ((ROW_0(rows) != 0) + 2 * (ROW_1(rows) != 0))

#define NOBODY PROCESSES
#define SLOTS 4             /* records of the checkpoint topic at one time */
#define NONE SLOTS          /* no record */
#define REMOVED (SLOTS + 1) /* a record that was there, and is gone */
#define START (SLOTS + 2)   /* of a commit: where the group begins */
#define BIT(slot) (1 << (slot))

/* --- what servers and networks hold --- */

#ifdef WITHOUT_DATABASE
byte log_end = EVENTS; /* events in the log */
#else
#ifdef LOG_BEGINS_EMPTY
byte log_end = 0; /* the first owner has nothing to catch up with */
#else
byte log_end = 1; /* message 1 arrives later: what is silent is so until the end it found */
#endif
#endif
byte owner = NOBODY;
bit begun;           /* the group has an offset */
byte pointer = NONE; /* ... and its metadata: NONE says where the group began, and no more */
byte pointer_x;
byte late_commit = NONE; /* a record, or START; its sender does not wait for it any more */
bit late_is_old;         /* it was accepted in an older generation, and becomes visible late */
#ifdef CLOSING_DAY
bit letters = 1;
#else
bit letters; /* the bad event is in the dead-letter topic */
#endif
byte database[2];
#ifdef DATABASE_LOSES
byte kept[2]; /* what stays of it when it is killed */
#endif
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
/* enum assigned_state: RESTORING; OWNS is APPLYING and WAITING_... */
mtype:role = {IDLE, RESTORING, OWNS};
/* enum save_state. SAVE_COMMITTING is a step here, or SAVE_WRITTEN and a late commit. */
mtype:save = {SAVE_NONE, SAVE_WRITING, SAVE_WRITTEN};
/* The knowledge of a daemon about a window and a sink: marks.pml. */
mtype:mark = {CLEAN, DIRTY, SENT, SENT_CHANGED, ACKED_YOUNG, ACKED_OLD};
/* Older writes, of a former owner or of a request without an answer:
 *     LEASE    may still be sent, or have just been;
 *     PROBE    are sent no more; what is at risk is being written: round one;
 *     PROOF    the database has answered a request of round one;
 *     DONE     cannot arrive any more: what was at risk has been marked once more, round two;
 *     BY_CLOCK as DONE, but only the clock says so: the partition was silent, and a day had to
 *              leave so that it could go on. */
mtype:takeover = {DONE, BY_CLOCK, LEASE, PROBE, PROOF};
typedef daemon {
    mtype:life life = RUNS;
    mtype:role role = IDLE; /* what it believes */
    bit fenced;             /* what the broker knows: its generation is an old one */
    bit fence;              /* it stood still: waits for the broker's word before anything else */
    bit begun;              /* what it knows: the group has an offset */
    byte x;                 /* events it has taken */
    byte goal;              /* silent until it has taken so many; 0: live */
    byte sum[2];
    mtype:mark mark[2] = CLEAN;
    byte at_risk; /* a bit per window: an older write may still arrive */
    byte rows;    /* the request under way */
    bit unsure;   /* ... an earlier try of it may still be executed */
    bit is_probe; /* ... it was sent since round one began */
    bit overtaken; /* a former owner has sent rows since then: the answer says nothing of them */
    bit owed;     /* rows of another partition got no answer, and are sent until they get one */
#ifdef DATABASE_LOSES
    bit is_reset; /* the next answer comes by another connection: the database was killed, or
                     a request was given up */
    bit is_kept;  /* what was acknowledged before the old generation began is kept */
    bit is_all_kept; /* ... and what was acknowledged since */
#endif
    mtype:takeover takeover = DONE;
    bit letter; /* a dead letter is on its way */
    mtype:save save = SAVE_NONE;
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
