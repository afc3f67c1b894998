/*
 * ghgd.pml - checkpoints, rebalances, zombies and acknowledgements of one partition, for spin.
 *
 * README.md beside this file says what is modelled, what is left out, and how to run it. Every step
 * is atomic: it stands for one callback of the daemon's loop, one answer of a server, or one blow
 * of fate. FAULTS bounds fate and CHECKPOINTS the checkpoints, so every run ends; in the state in
 * which it ends (`timeout`) the promise must hold.
 *
 * The whole is too large for more than one fault. So the model has two views:
 * WITHOUT_DATABASE (the topic, the pointer, letters) and WITHOUT_TOPIC (each checkpoint is one
 * record, written and committed at once; writes to the database).
 */
#include "state.pml"
#include "safeguards.pml"
#include "marks.pml"
#include "pieces.pml"
#include "daemon.pml"
#include "fate.pml"
#include "promise.pml"

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
