/* The catalog of a scene: the product's cards, triggers and playbooks with times that are drawn. */
#include "sim_scene.h"

#include <stdarg.h>

const char *const sim_cards[] = {"kh001", "kh002", "cf001", "mc001", "pf001"};

static const struct {
    const char *id, *category, *injection, *trigger, *playbook, *verify;
    int tasks;
} cards[] = {
    {"KH001", "KernelHealth",
     "'method':'HeartbeatBlock','heartbeatBlock':{'heartbeat':'$(target.heartbeat)','process':'$(target.process.match)'}",
     "health-signal-gap", "kernel-heartbeat-gap", "{'heartbeat':{'ref':'$(target.heartbeat)'}}", 0},
    {"KH002", "KernelHealth", "'method':'KillProcess','killProcess':{'match':'$(target.process.match)','signal':'KILL'}",
     "kernel-crash", "kernel-crash", "{'process':{'ref':'$(target.process)','min':1}}", 0},
    {"CF001", "ConfigDrift",
     "'method':'ConfigModify','configModify':{'path':'$(target.config.path)','format':'$(target.config.format)',"
     "'key':'$(target.config.key)','operation':'Set','value':'0'}",
     "config-drift", "config-restore", "{'file':{'ref':'$(target.config)','equalsSnapshot':true}}", 0},
    {"MC001", "ModelCorruption", "'method':'FileCorrupt','fileCorrupt':{'path':'$(target.model.path)','offset':0,'count':64}",
     "model-corruption", "model-restore", "{'file':{'ref':'$(target.model)','equalsSnapshot':true}}", 0},
    {"PF001", "KernelHealth", "'method':'ProcessFreeze','processFreeze':{'match':'$(target.process.match)'}", "health-signal-gap",
     "kernel-heartbeat-gap", "{'heartbeat':{'ref':'$(target.heartbeat)'}}", 1},
};

static const struct {
    const char *name, *probe, *times, *severity, *playbook;
} triggers[] = {
    {"health-signal-gap", "{'heartbeat':{'ref':'$(target.heartbeat)'}}", "'every':'250ms'",
     "[{'above':30,'is':'Major'},{'is':'Moderate'}]", "kernel-heartbeat-gap"},
    {"kernel-crash", "{'process':{'ref':'$(target.process)','min':1,'stableFor':'5s'}}", "'for':'500ms','every':'250ms'",
     "[{'below':1,'is':'Major'},{'is':'Moderate'}]", "kernel-crash"},
    {"config-drift", "{'file':{'ref':'$(target.config)','equalsSnapshot':true}}", "'for':'250ms','every':'250ms'",
     "[{'is':'Moderate'}]", "config-restore"},
    {"model-corruption", "{'file':{'ref':'$(target.model)','equalsSnapshot':true}}", "'for':'500ms','every':'500ms'",
     "[{'is':'Major'}]", "model-restore"},
};

#define RESTART "{'name':'restart','action':'RestartKernel','restartKernel':{'grace':'500ms'},'timeout':'20s','retries':1}"
#define RESUME  "{'name':'resume','action':'ResumeKernel','timeout':'5s','onFailure':'Continue'}"
#define SMOKE   "{'name':'health','action':'RunSmokeTests','timeout':'15s','retries':1}"
#define SLO     "{'name':'slo','action':'VerifySLO','timeout':'10s'}"
#define ROLL    "{'name':'roll','action':'RestartService','timeout':'20s'}"

static const struct {
    const char *name, *trigger, *branches[3], *verify;
} playbooks[] = {
    {"kernel-heartbeat-gap",
     "health-signal-gap",
     {"[{'steps':[" RESTART "]}]",
      "[{'severity':['Minor','Moderate'],'steps':[" RESUME "," SLO "]},{'severity':['Major','Critical'],'steps':[" RESTART
      "," RESUME "]}]",
      "[{'steps':[" ROLL "]}]"},
     "{'heartbeat':{'ref':'$(target.heartbeat)'}}"},
    {"kernel-crash",
     "kernel-crash",
     {"[{'severity':['Minor','Moderate'],'steps':[" RESUME "," SMOKE "]},{'severity':['Major','Critical'],'steps':[" RESTART
      "," SMOKE "]}]",
      "[{'steps':[" RESTART "," SMOKE "]}]", "[{'steps':[" SMOKE "," SLO "]}]"},
     "{'process':{'ref':'$(target.process)','min':1}}"},
    {"config-restore",
     "config-drift",
     {"[{'steps':[{'name':'restore','action':'RestoreConfig','restoreConfig':{'facet':'config'},'timeout':'10s','retries':1}," SMOKE
      "]}]",
      "[{'steps':[{'name':'restore','action':'RestoreConfig','restoreConfig':{'facet':'config'},'timeout':'10s'}]}]",
      "[{'steps':[" SMOKE "]}]"},
     "{'file':{'ref':'$(target.config)','equalsSnapshot':true}}"},
    {"model-restore",
     "model-corruption",
     {"[{'steps':[{'name':'restore','action':'RestoreModelWeights','timeout':'15s','retries':1},"
      "{'name':'validate','action':'ValidateModel','timeout':'10s'}]}]",
      "[{'steps':[{'name':'restore','action':'RestoreModelWeights','timeout':'15s'}]}]",
      "[{'steps':[{'name':'validate','action':'ValidateModel','timeout':'10s'}," RESUME "]}]"},
     "{'file':{'ref':'$(target.model)','equalsSnapshot':true}}"},
};

/* Text with ' for ", as JSON. */
static json_t *parse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static json_t *parse(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    str_vformat(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_error_t where;
    json_t *object = json_loads(text, 0, &where);
    if (!object)
        abort();
    return object;
}

static json_t *card(struct sim *s, size_t i)
{
    int detect = (int)sim_between(s, 6, 15), heal = detect + (int)sim_between(s, 5, 25),
        duration = heal + (int)sim_between(s, 0, 10);
    return parse("{'metadata':{'name':'%s','namespace':'" SIM_OWN "'},'spec':{'id':'%s','title':'%s','category':'%s','risk':%d,"
                 "'injection':{%s,'duration':'%ds'},'expect':{'trigger':{'name':'%s','within':'%ds'},'playbooks':[{'name':'%s',"
                 "'within':'%ds'}],'codingTasks':{'minimum':%d}},'verify':[{'name':'mended','probe':%s,'within':'%ds'},"
                 "{'name':'level','probe':{'slo':{'ref':'$(target.slo)'}},'within':'%ds'}],'slo':{'detectWithin':'%ds',"
                 "'healWithin':'%ds'},'rollback':{'when':[{'name':'others','probe':{'pods':{'notReady':{'above':'80%%'}}}}]}}}",
                 sim_cards[i], cards[i].id, cards[i].id, cards[i].category, 1 + (int)sim_below(s, 3), cards[i].injection, duration,
                 cards[i].trigger, detect, cards[i].playbook, heal, cards[i].tasks, cards[i].verify, heal, heal, detect, heal);
}

json_t *sim_catalog_object(struct sim *s, size_t index, const char **ret_plural)
{
    if (index < array_len(cards)) {
        *ret_plural = "chaoscards";
        return card(s, index);
    }
    index -= array_len(cards);
    if (index < array_len(triggers)) {
        *ret_plural = "triggers";
        return parse("{'metadata':{'name':'%s','namespace':'" SIM_OWN "'},'spec':{'probe':%s,'fires':'WhenFalse',%s,'severity':%s,"
                     "'playbooks':['%s']}}",
                     triggers[index].name, triggers[index].probe, triggers[index].times, triggers[index].severity,
                     triggers[index].playbook);
    }
    index -= array_len(triggers);
    if (index >= array_len(playbooks))
        return NULL;
    *ret_plural = "playbooks";
    /* Mostly the one that heals. */
    uint64_t draw = sim_below(s, 6);
    return parse("{'metadata':{'name':'%s','namespace':'" SIM_OWN "'},'spec':{'triggers':['%s'],'branches':%s,"
                 "'verify':[{'probe':%s,'within':'10s'}],'cooldown':'%ds'}}",
                 playbooks[index].name, playbooks[index].trigger, playbooks[index].branches[draw < 3 ? draw : 0],
                 playbooks[index].verify, (int)sim_between(s, 1, 10));
}
