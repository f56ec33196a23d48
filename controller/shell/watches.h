/* shell/watches.h — the probes that are wanted, by whom, and what they show.
 *
 * An owner (a target, a drill, a run) says with each decision all that it wants; what it no longer wants is ended. Like wants of several
 * owners are one look: at an agent, as a subscription of its session, or by the prober.
 *
 * The caller guarantees that evidence is read with watches_evidences() right before use: that call dates what agents watch, since a
 * session that is alive would have told of a change. */
#pragma once

#include "core/decision.h"
#include "shell/prober.h"
#include "shell/sessions.h"

/* An owner's evidence under `want` changed. */
typedef void watches_changed_fn(void *userdata, const struct key *owner, const char *want);

struct watches;
struct watches *watches_new(struct prober *prober, struct sessions *sessions, watches_changed_fn *changed, void *userdata);
void watches_free(struct watches *w); /* NULL is fine */

/* All that `owner` wants from now on. `target`: the one that the probes are about; NULL: they cannot be placed, and show UNKNOWN. */
void watches_set(struct watches *w, const struct key *owner, const struct target *target, const struct want *wants, size_t count);
void watches_drop(struct watches *w, const struct key *owner); /* wants nothing any more, and its evidence is forgotten */
void watches_clear(struct watches *w);

/* What the owner's wants show; NULL: it never wanted anything. Borrowed until the next change. */
const struct evidences *watches_evidences(struct watches *w, const struct key *owner);

/* All wants with a key "trigger/<ns>/<name>/…" of that trigger: struct list_cursor-like iteration as with the store. */
struct watches_site {
    struct key owner;     /* a target */
    struct key pod;       /* name "": none */
    struct evidence seen; /* data is borrowed */
};
typedef void watches_site_fn(void *userdata, const struct watches_site *site);
void watches_each_site(struct watches *w, const char *trigger_ns, const char *trigger, watches_site_fn *each, void *userdata);

/* Owners that want something at that pod. */
void watches_each_owner(struct watches *w, const struct key *pod, void (*each)(void *userdata, const struct key *owner),
                        void *userdata);

struct watches_stats {
    size_t owners, wants, looks, agent_looks;
};
struct watches_stats watches_stats(const struct watches *w);
