/*
 * marks.pml - what a daemon knows of one window and one sink, and what events do to it.
 *
 * pipelines/delivery/mark.c has the same states and transitions. Beside the state stands one bit:
 * an older write may still arrive. With DATABASE_LOSES a sink may lose what it has acknowledged;
 * without, what it has acknowledged is durable.
 */
#define IS_SENT(m) (m == SENT || m == SENT_CHANGED)
#define IS_ACKED(m) (m == ACKED_YOUNG || m == ACKED_OLD)
#define IS_ANY(p, m) (d[p].mark[0] == m || d[p].mark[1] == m)
#define HAS_ACKED(p) (IS_ACKED(d[p].mark[0]) || IS_ACKED(d[p].mark[1]))
#define IS_DIRTY(m) (m == DIRTY || m == SENT_CHANGED)
#define DIRTY_WINDOWS(p) (IS_DIRTY(d[p].mark[0]) + 2 * IS_DIRTY(d[p].mark[1]))
#define HAS_ROWS(p) ((DIRTY_WINDOWS(p) | d[p].at_risk) != 0)
#define SENT_WINDOWS(p) (IS_SENT(d[p].mark[0]) + 2 * IS_SENT(d[p].mark[1]))
#define UNSETTLED(p) (((d[p].mark[0] != CLEAN) + 2 * (d[p].mark[1] != CLEAN)) | d[p].at_risk)

/* An accepted event changed the window, or it has to be written again for another reason. */
inline mark_changed(p, window)
{
    if
    :: d[p].mark[window] == CLEAN || IS_ACKED(d[p].mark[window]) -> d[p].mark[window] = DIRTY
#ifndef NO_SENT_CHANGED
    :: d[p].mark[window] == SENT -> d[p].mark[window] = SENT_CHANGED
#endif
    :: else /* DIRTY, SENT_CHANGED */
    fi;
    d[p].at_risk = d[p].at_risk | (IS_TAKING_OVER(p) << window)
}

inline mark_taken(p, window)
{
    if
    :: TO_SEND(p, window) -> d[p].mark[window] = SENT
    :: else
    fi
}

/* The sink has acknowledged the row that was sent. A row at risk is written again anyway, so it does
 * not matter whether it is durable. */
inline mark_acknowledged(p, window)
{
    if
    :: d[p].mark[window] == SENT -> d[p].mark[window] = (d[p].unsure -> CLEAN : ACKNOWLEDGED)
    :: d[p].mark[window] == SENT_CHANGED -> d[p].mark[window] = DIRTY
    :: else
    fi
}

/* The request ended without an answer, or was given up. */
inline mark_given_back(p, window)
{
    if
    :: IS_SENT(d[p].mark[window]) ->
        d[p].mark[window] = DIRTY;
        d[p].at_risk = d[p].at_risk | (IS_TAKING_OVER(p) << window)
    :: else
    fi
}

/* A generation has been shown to be durable. */
inline mark_proven(p, window)
{
    if
    :: d[p].mark[window] == ACKED_OLD -> d[p].mark[window] = CLEAN
    :: d[p].mark[window] == ACKED_YOUNG -> d[p].mark[window] = YOUNG_PROVEN
    :: else
    fi
}

/* The sink may have lost what it acknowledged. */
inline mark_lost(p, window)
{
    if
    :: IS_ACKED(d[p].mark[window]) -> mark_changed(p, window)
    :: else
    fi
}

/* No older write can arrive any more: what was at risk is written once more. */
inline mark_healed(p, window)
{
    if
    :: (d[p].at_risk & (1 << window)) != 0 ->
        d[p].at_risk = d[p].at_risk & ~(1 << window);
        mark_changed(p, window)
    :: else
    fi
}

/* --- both windows --- */

#ifdef DATABASE_LOSES
/* The generation that is proven next begins, if none is under way. */
inline begin_generation(p)
{
    if
    :: IS_ANY(p, ACKED_YOUNG) && !IS_ANY(p, ACKED_OLD) ->
        d[p].is_kept = 0;
        mark_proven(p, 0);
        mark_proven(p, 1)
    :: else
    fi
}

/* A proof reaches the end of the old generation: the young one is the old one then. */
inline end_generation(p)
{
    mark_proven(p, 0);
    mark_proven(p, 1);
    d[p].is_kept = d[p].is_all_kept && IS_ANY(p, ACKED_OLD);
    d[p].is_all_kept = d[p].is_kept
}

inline lose_acked(p)
{
    mark_lost(p, 0);
    mark_lost(p, 1);
    d[p].is_kept = 0;
    d[p].is_all_kept = 0;
    d[p].is_reset = 0
}

/* An answer that came by a new connection: the server may be a new one. */
inline learn_loss(p)
{
    if
    :: d[p].is_reset -> lose_acked(p)
    :: else
    fi
}
#endif

inline heal(p)
{
    mark_healed(p, 0);
    mark_healed(p, 1)
}

inline put_at_risk(p)
{
    d[p].at_risk = d[p].at_risk | DIRTY_WINDOWS(p)
}

/* Round one: what is at risk is written, and stays at risk. */
inline begin_round(p)
{
#ifndef NO_ROUND_ONE
    i = d[p].at_risk;
    heal(p);
    d[p].at_risk = i;
    i = 0;
#endif
    put_at_risk(p);
    d[p].takeover = PROBE
}
