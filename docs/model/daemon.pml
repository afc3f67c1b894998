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
        RUNNING(me) && d[me].fence && !d[me].fenced ->
        SAY("daemon %d hears that it is still a member, and goes on\n", me);
        d[me].fence = 0
    }

    /* restore */
    :: d_step {
        RUNNING(me) && d[me].role == READING && !d[me].fence ->
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
        ACTIVE(me) && d[me].x < log_end ->
        SAY("daemon %d takes event %d\n", me, d[me].x);
        take_event(me)
    }
    :: d_step {
        RUNNING(me) && d[me].letter ->
        SAY("the letter of daemon %d is in the dead-letter topic\n", me);
        d[me].letter = 0;
        letters = 1
    }

    /* where the group begins: said until it has an offset, or until there is more to say */
    :: d_step {
        ACTIVE(me) && !d[me].begun && !d[me].says_more && IS_ACCEPTED(me) ->
        SAY("daemon %d commits where the group begins\n", me);
        accept_commit(START);
        d[me].begun = 1
    }
    :: d_step { /* no answer: the broker may execute it at any time, or never */
        ACTIVE(me) && !d[me].begun && !d[me].says_more && IS_ACCEPTED(me) &&
        late_commit == NONE && faults < FAULTS ->
        faults++;
        SAY("daemon %d gets no answer to its commit of where the group begins\n", me);
        late_commit = START
    }

    /* checkpoints */
#ifdef WITHOUT_TOPIC
    :: d_step {
        ACTIVE(me) && checkpoints < CHECKPOINTS && HAS_ROOM ->
        SAY("daemon %d writes a checkpoint at %d and commits it\n", me, d[me].x);
        begin_checkpoint(me, false);
        records[d[me].slot].is = THERE;
        superseded = d[me].slot;
        if
        :: IS_ACCEPTED(me) ->
            superseded = pointer;
            accept_commit(d[me].slot);
            d[me].begun = 1
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
        SAY("daemon %d writes record %d: full, at %d\n", me, d[me].slot, d[me].x)
    }
    :: d_step {
        ACTIVE(me) && checkpoints < CHECKPOINTS && HAS_ROOM && MAY_SAVE(me) &&
        d[me].last < SLOTS ->
        begin_checkpoint(me, true);
        SAY("daemon %d writes record %d: upon %d, at %d\n", me, d[me].slot,
            records[d[me].slot].before, d[me].x)
    }
    :: d_step { /* no acknowledgement in time: the next one is full */
        ACTIVE(me) && d[me].save == WRITING && faults < FAULTS ->
        SAY("daemon %d waits no longer for record %d\n", me, d[me].slot);
        faults++;
        forget_checkpoint(me);
        d[me].last = NONE
    }
    :: d_step {
        RUNNING(me) && !d[me].fence && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && (d[me].old == 0 || late_commit == NONE) ->
        if
        :: IS_ACCEPTED(me) ->
            SAY("daemon %d commits the pointer to record %d\n", me, d[me].slot);
            accept_commit(d[me].slot);
            committed(me)
        :: else ->
            SAY("daemon %d commits record %d, and is refused\n", me, d[me].slot);
            forget_checkpoint(me)
        fi
    }
    :: d_step { /* no answer to the commit: the broker may execute it at any time, or never; the
                   daemon commits it once more */
        ACTIVE(me) && d[me].slot < SLOTS && MAY_COMMIT(me) &&
        LETTERS_DONE(me, records[d[me].slot].x) && late_commit == NONE && IS_ACCEPTED(me) &&
        faults < FAULTS ->
        faults++;
        SAY("daemon %d gets no answer to its commit of record %d\n", me, d[me].slot);
        late_commit = d[me].slot;
        d[me].says_more = 1
    }
    :: d_step {
        RUNNING(me) && d[me].tombs != 0 ->
        write_tombstones(me)
    }
#endif

    /* rows */
#ifndef WITHOUT_DATABASE
    :: d_step {
        ACTIVE(me) && d[me].goal == 0 && IS_ANY(me, DIRTY) && d[me].rows == 0 && MAY_WRITE(me) ->
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
        give_up(me)
    }
    :: d_step { /* ... or the same rows are sent again */
        ACTIVE(me) && d[me].rows != 0 && !d[me].unsure && MAY_FAIL(me) ->
        COUNT_FAILURE(me);
        SAY("daemon %d gets no answer for its rows, and sends them again\n", me);
        leave_write(d[me].rows);
#ifndef NO_DOUBT
        d[me].unsure = 1;
#endif
        skip
    }

    /* takeover */
    :: d_step {
        ACTIVE(me) && d[me].takeover == LEASE && MAY_BEGIN_ROUND(me) && d[me].goal == 0 &&
        (d[me].at_risk != 0 || IS_ANY(me, DIRTY)) ->
        SAY("daemon %d heals: round one\n", me);
        begin_round(me);
        d[me].takeover = PROBE
    }
#ifdef HEALED_WITHOUT_A_WRITE
    :: d_step {
        ACTIVE(me) && d[me].takeover == LEASE && LEASES_OVER(me) && d[me].goal == 0 &&
        d[me].at_risk == 0 && !IS_ANY(me, DIRTY) ->
        printf("daemon %d has nothing at risk, and is healed\n", me);
        d[me].takeover = DONE
    }
#endif
    :: d_step { /* one that is silent has nothing to write, and goes by the clock */
        ACTIVE(me) && d[me].takeover == LEASE && LEASES_OVER(me) && d[me].goal != 0 ->
        SAY("daemon %d is silent, and heals by the clock\n", me);
        d[me].takeover = BY_CLOCK;
        heal(me)
    }
    :: d_step {
        ACTIVE(me) && MAY_HEAL(me) ->
        SAY("daemon %d heals: round two, marks %d again\n", me, d[me].at_risk);
        d[me].takeover = DONE;
        heal(me)
    }

    /* durability */
#ifdef DATABASE_LOSES
    :: d_step { /* by a connection of long ago, an answer to a request of a while after */
        ACTIVE(me) && IS_ANY(me, ACKED_OLD) && d[me].is_kept && !d[me].is_reset ->
        SAY("daemon %d hears that the database lived on: what is old is durable\n", me);
        mark_proven(me, 0);
        mark_proven(me, 1);
        d[me].is_kept = 0
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
