/*
 * daemon.pml - what a daemon does: each step is a callback of its loop.
 */
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
        SAY("daemon %d hears that it has lost the partition\n", me);
        lose(me);
        forget_checkpoint(me)
    }
    :: d_step {
        RUNNING(me) && d[me].fence && !d[me].fenced && d[me].rows == 0 ->
        SAY("daemon %d hears that it is still a member, and goes on\n", me);
        d[me].fence = 0
    }
    :: d_step { /* the fence is up */
        RUNNING(me) && d[me].fence && d[me].rows != 0 ->
        SAY("daemon %d gives its rows up\n", me);
#ifdef DATABASE_LOSES
        d[me].is_reset = d[me].is_reset || HAS_ACKED(me);
#endif
        give_up(me)
    }
    :: d_step {
        RUNNING(me) && d[me].fence && d[me].rows != 0 && !d[me].unsure ->
        SAY("daemon %d takes its rows back, as the database had refused them\n", me);
        give_back(me)
    }

    /* restore */
    :: d_step {
        RUNNING(me) && d[me].role == RESTORING ->
        if
        :: IS_SUPERSEDED(d[me].slot) ->
            SAY("daemon %d finds its chain gone, and asks for the pointer again\n", me);
            follow_pointer(me)
        :: else ->
            if
            :: d[me].slot == NONE -> SAY("daemon %d begins afresh\n", me)
            :: else -> SAY("daemon %d restores from record %d\n", me, d[me].slot)
            fi;
            restore(me)
        fi
    }

    /* events */
    :: d_step {
        ACTIVE(me) && d[me].x < log_end && MAY_TAKE(me) ->
        SAY("daemon %d takes event %d\n", me, d[me].x);
        take_event(me)
    }
    :: d_step {
        RUNNING(me) && d[me].letter ->
        SAY("the letter of daemon %d is in the dead-letter topic\n", me);
        d[me].letter = 0;
        letters = 1
    }

    /* where the group begins: said until it has an offset */
    :: d_step {
        OWNING(me) && !d[me].begun && IS_ACCEPTED(me) ->
        SAY("daemon %d commits where the group begins\n", me);
        accept_commit(START);
        d[me].begun = 1
    }
    :: d_step { /* no answer: the broker may execute it at any time, or never */
        OWNING(me) && !d[me].begun && IS_ACCEPTED(me) &&
        late_commit == NONE && faults < FAULTS ->
        faults++;
        SAY("daemon %d gets no answer to its commit of where the group begins\n", me);
        late_commit = START
    }

    /* checkpoints */
#ifdef WITHOUT_TOPIC
    :: d_step {
        MAY_BEGIN_SAVE(me) ->
        SAY("daemon %d writes a checkpoint at %d and commits it\n", me, d[me].x);
        begin_checkpoint(me, false);
        records[d[me].slot].is = THERE;
        superseded = d[me].slot;
        if
        :: IS_ACCEPTED(me) ->
            superseded = pointer;
            accept_commit(d[me].slot)
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
        MAY_BEGIN_SAVE(me) && MAY_SAVE(me) ->
        begin_checkpoint(me, false);
        SAY("daemon %d writes record %d: full, at %d\n", me, d[me].slot, d[me].x)
    }
    :: d_step {
        MAY_BEGIN_SAVE(me) && MAY_SAVE(me) &&
        d[me].last < SLOTS ->
        begin_checkpoint(me, true);
        SAY("daemon %d writes record %d: upon %d, at %d\n", me, d[me].slot,
            records[d[me].slot].before, d[me].x)
    }
    :: d_step { /* no acknowledgement in time: the next one is full */
        OWNING(me) && d[me].save == SAVE_WRITING && faults < FAULTS ->
        SAY("daemon %d waits no longer for record %d\n", me, d[me].slot);
        faults++;
        forget_checkpoint(me);
        d[me].last = NONE
    }
    :: d_step {
        RUNNING(me) && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && (d[me].old == 0 || late_commit == NONE) &&
        IS_ACCEPTED(me) -> /* one that is refused is sent again */
        SAY("daemon %d commits the pointer to record %d\n", me, d[me].slot);
        accept_commit(d[me].slot);
        committed(me)
    }
    :: d_step { /* no answer to the commit: the broker may execute it at any time, or never; the
                   daemon commits it once more */
        OWNING(me) && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && late_commit == NONE && IS_ACCEPTED(me) &&
        faults < FAULTS ->
        faults++;
        SAY("daemon %d gets no answer to its commit of record %d\n", me, d[me].slot);
        late_commit = d[me].slot
    }
    :: d_step {
        RUNNING(me) && d[me].tombs != 0 ->
        write_tombstones(me)
    }
#endif

    /* rows */
#ifndef WITHOUT_DATABASE
    :: d_step {
        ACTIVE(me) && MAY_SEND(me) && (TO_SEND(me, 0) || TO_SEND(me, 1)) && d[me].rows == 0 &&
        MAY_WRITE(me) ->
        send_rows(me);
        SAY("daemon %d sends rows %d %d\n", me, ROW_0(d[me].rows), ROW_1(d[me].rows))
    }
    :: d_step { /* executed, and acknowledged */
        RUNNING(me) && d[me].rows != 0 ->
        SAY("the rows of daemon %d are written and acknowledged\n", me);
        execute(d[me].rows);
        acknowledge(me)
    }
    :: d_step { /* no answer in time, and none is waited for */
        ACTIVE(me) && d[me].rows != 0 && MAY_FAIL(me) ->
        COUNT_FAILURE(me);
        SAY("daemon %d gets no answer for its rows\n", me);
        fail(me);
        give_up(me)
    }
    :: d_step { /* ... or the same rows are sent again */
        ACTIVE(me) && d[me].rows != 0 && !d[me].unsure && MAY_FAIL(me) ->
        COUNT_FAILURE(me);
        SAY("daemon %d gets no answer for its rows, and sends them again\n", me);
        fail(me);
        leave_write(d[me].rows);
#ifndef NO_DOUBT
        d[me].unsure = 1;
#endif
        skip
    }

    /* takeover */
    :: d_step {
        OWNING(me) && d[me].takeover == LEASE && MAY_BEGIN_ROUND(me) && HAS_ROWS(me) &&
        (d[me].goal == 0 || IS_BLOCKED(me)) ->
        SAY("daemon %d heals: round one\n", me);
        begin_round(me)
    }
#ifdef HEALED_WITHOUT_A_WRITE
    :: d_step {
        OWNING(me) && d[me].takeover == LEASE && LEASES_OVER(me) && d[me].goal == 0 &&
        !HAS_ROWS(me) ->
        printf("daemon %d has nothing at risk, and is healed\n", me);
        d[me].takeover = DONE
    }
#endif
#ifdef HEALED_BY_THE_ANSWER
    :: d_step {
        OWNING(me) && d[me].takeover == PROOF && d[me].goal == 0 ->
        printf("daemon %d heals at the answer\n", me);
        d[me].takeover = DONE;
        heal(me)
    }
#endif
    :: d_step { /* it may have no row whose answer would be the proof */
        OWNING(me) && (d[me].takeover == PROBE || d[me].takeover == PROOF) && d[me].goal != 0 &&
        IS_BLOCKED(me) ->
        SAY("daemon %d is silent, and heals by the clock\n", me);
        d[me].takeover = BY_CLOCK;
        heal(me)
    }
    :: d_step { /* luck is bounded as faults are: nothing waits for it */
        OWNING(me) && d[me].takeover == PROBE && (d[me].owed || faults < FAULTS) ->
        faults = faults + !d[me].owed;
        SAY("daemon %d hears an answer to rows of another partition\n", me);
        d[me].owed = 0;
        d[me].overtaken = 0;
        d[me].takeover = PROOF
    }
    :: d_step {
        OWNING(me) && d[me].takeover == PROOF && faults < FAULTS ->
        faults++;
        SAY("daemon %d gets no answer to rows of another partition\n", me);
        d[me].owed = 1;
        d[me].takeover = PROBE
    }
    :: d_step {
        OWNING(me) && MAY_HEAL(me) ->
        SAY("daemon %d heals: round two, marks %d again\n", me, d[me].at_risk);
        d[me].takeover = DONE;
        heal(me)
    }

    /* durability */
#ifdef DATABASE_LOSES
    :: d_step { /* by a connection of long ago, an answer to a request of a while after */
        ACTIVE(me) && HAS_ACKED(me) && !d[me].is_reset &&
        (d[me].is_kept || !IS_ANY(me, ACKED_OLD)) ->
        SAY("daemon %d hears that the database lived on: what is old is durable\n", me);
        end_generation(me)
    }
    :: d_step { /* one generation after the other */
        ACTIVE(me) && HAS_ACKED(me) && d[me].is_all_kept && !d[me].is_reset ->
        SAY("daemon %d hears that the database lived on: all is durable\n", me);
        end_generation(me);
        end_generation(me)
    }
    :: d_step {
        ACTIVE(me) && HAS_ACKED(me) && d[me].is_reset ->
        SAY("daemon %d hears that the database is another: what is not proven is dirty\n", me);
        learn_loss(me)
    }
#endif
#endif
    od
}
