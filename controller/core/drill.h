/* core/drill.h — the life of one drill: from Pending to a verdict, and nothing left behind.
 *
 *   Pending → Injecting → Detecting → Healing → Verifying → (Reverting) → Succeeded | Failed | Inconclusive | Aborted
 *          ↘ Skipped
 *
 * Guarantees
 * - No inject is sent before the status, as the API server has it, says Intended with this fault id.
 * - No terminal phase while the fault may be in force: the agent said reverted, or the pod is gone.
 * - The gates are judged before our own revert; once judged they are remembered (a note) and do not change.
 * - The finalizer stays until the ledger has the incident.
 * Writes: finalizer (or create with it), intent, in force, verdict, ledger, finalizer off. Phases in between are only written when they
 * last longer than DRILL_PROGRESS_AFTER. */
#pragma once

#include "api/card.h"
#include "api/playbook.h"
#include "api/pod.h"
#include "api/target.h"
#include "api/task.h"
#include "core/agent_state.h"
#include "core/applies.h"
#include "core/decision.h"
#include "core/ledger.h"

#define DRILL_PROGRESS_AFTER   (5 * USEC_SEC)
#define DRILL_SESSION_WAIT     (30 * USEC_SEC) /* for the agent's session, before Skipped */
#define DRILL_STEADY_WAIT      (20 * USEC_SEC) /* for the steady state to be known, before Skipped */
#define DRILL_QUARANTINE_AFTER (30 * USEC_SEC) /* of a revert that does not succeed */

/* A trigger's firing, as the core of triggers decided (in memory and in Trigger.status.firing). */
struct firing {
    char trigger[254], target[254], pod[254], ns[64]; /* ns, target, pod: of what it fired for */
    enum severity severity;
    usec_t since;    /* when the condition began, by the clock of who saw it */
    usec_t fired_at; /* since + for */
    usec_t error;
    usec_t cleared_at; /* 0: still firing; else when the condition ended */
    char message[160];
};

/* What every view of a drill may show about others. */
struct drill_peer { /* another drill that is not terminal, in any namespace that matters (the same one) */
    const char *name, *target, *pod;
    const char *schedule; /* that made it, as its label says; "": none */
    usec_t created_at;
    bool
        active; /* its intent is recorded (phase Injecting or later), or being written: observation "intent" of that drill is there */
};

/* A playbook that the card expects, on this target: it starts no run while one of its runs goes on, nor within its cooldown after that. */
struct drill_healer {
    const char *playbook;
    bool running;
    usec_t ended_at, rested_at; /* UTC, of its latest run; 0: none. rested_at = ended_at + cooldown */
};

struct drill_view {
    const struct drill *drill;
    const struct card *card;     /* NULL: card_error says why */
    const struct target *target; /* NULL: target_error says why */
    struct error card_error, target_error;
    bool namespace_enabled;  /* label drillyard.dev/drills=enabled */
    bool namespace_deleting; /* it has a deletionTimestamp: nothing can be created in it any more */
    bool stopped;            /* the global stop is set */
    bool in_window;          /* target.safety.windows */
    bool quarantined;        /* the target is */
    enum holds steady;       /* the target's steady state now */
    usec_t steady_since;
    char steady_message[160];
    const struct pod *pods; /* all that the target selects */
    size_t pod_count;
    const struct drill_peer *peers; /* while the drill is pending */
    size_t peer_count;
    const char *schedule;             /* that made this drill, as its label says; "": none, or it is not there */
    size_t schedule_allows;           /* so many of its drills at once */
    const struct agent_state *agents; /* one per pod, same order */
    const struct agent_state *agent;  /* of the drilled pod once it is chosen; NULL before, or when the pod is gone */
    const struct pod *pod;            /* likewise; NULL too when it is not to be seen: its label was taken off, say */
    bool pod_ended;                   /* pod is NULL, and before it went its containers were seen to have ended */
    const struct firing *firings;     /* of the expected trigger for this target, current and recently cleared */
    size_t firing_count;
    struct evidence trigger_watch; /* of the expected trigger on the drilled pod: whether it could see at all */
    bool trigger_exists;
    /* While the drill is pending: since when the expected trigger's condition holds on a pod of the target, whether or not it has fired
     * by now; 0: on none. */
    usec_t alarm_since;
    char alarm_message[256];
    const struct run *runs; /* of this target */
    size_t run_count;
    struct drill_healer healers[CARD_PLAYBOOKS_MAX]; /* while the drill is pending: those that exist */
    size_t healer_count;
    const struct task *tasks; /* of this incident, and open gap tasks of this card and target */
    size_t task_count;
    const struct ledger_view *ledger;
    const struct observations *observations;
    const struct evidences *evidences;
    int64_t epoch;
    usec_t target_free_since; /* when the last drill on the target ended, by its status; 0: none, or it is steady */
    usec_t acting_since;      /* when this controller began to act: before that it looked at nothing */
    usec_t lease;             /* the controller's default lease of a fault */
    uint64_t draw;            /* a random number for this drill, the same at every call */
    struct applies *applies;  /* see applies.h; NULL is fine */
};

bool drill_injected_here(const struct drill_view *v); /* this very process wrote the intent: all times are by its clock */
usec_t drill_lease(const struct drill_view *v);       /* its own, else the controller's */

void drill_decide(const struct drill_view *view, usec_t now, struct decision *ret_decision);
