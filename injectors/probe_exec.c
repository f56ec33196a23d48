/* The probe "exec" {command, exitCode, stdoutMatches, timeoutMs}: holds when the command exits as expected. In the target only. */
#include "child.h"
#include "probe.h"

struct exec_state {
    struct child_order order;
    struct child *child;
    int64_t exit_code;
    regex_t matches;
    bool has_matches;
};

static void free_state(struct probe *p)
{
    struct exec_state *s = p->state;
    child_cancel(s->child);
    if (s->has_matches)
        regfree(&s->matches);
    free(s);
}

static bool is_command(const json_t *command)
{
    size_t at;
    json_t *one;
    bool good = json_array_size(command) > 0 && json_array_size(command) <= 256;
    json_array_foreach(command, at, one) good &= json_is_string(one) && (at > 0 || json_string_length(one) > 0);
    return good;
}

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    struct exec_state *s = mem_new(struct exec_state);
    const char *matches = NULL;
    int64_t timeout = 5000;
    p->state = s;
    s->order.command = json_object_get(spec, "command");
    s->order.max_output = (size_t)64 * 1024;
    int rc = 0;
    if (!p->site.in_target)
        rc = refusal_field(r, "probe.exec", spec, "exec probes run in the target container only: open a session there");
    else if (!is_command(s->order.command))
        rc = refusal_field(r, "probe.exec.command", s->order.command,
                           "probe.exec.command wants a list of strings, like [\"pg_isready\"]");
    else if (param_integer(spec, "probe.exec.exitCode", PARAM_OPTIONAL, 0, 255, &s->exit_code, r) < 0 ||
             param_integer(spec, "probe.exec.timeoutMs", PARAM_OPTIONAL, 1, USEC_HOUR / USEC_MSEC, &timeout, r) < 0 ||
             param_text(spec, "probe.exec.stdoutMatches", PARAM_OPTIONAL, &matches, r) < 0)
        rc = -1;
    s->has_matches = rc == 0 && matches && regcomp(&s->matches, matches, REG_EXTENDED | REG_NOSUB) == 0;
    if (rc == 0 && matches && !s->has_matches)
        rc = refusal_text(r, "probe.exec.stdoutMatches", matches, "it is no extended regular expression");
    s->order.timeout = timeout * USEC_MSEC;
    if (rc < 0)
        free_state(p);
    return rc;
}

static void ended(void *userdata, const struct child_reply *reply)
{
    struct probe *p = userdata;
    struct exec_state *s = p->state;
    s->child = NULL;
    p->result.has_value = reply->exit_code >= 0;
    p->result.value = reply->exit_code;
    bool matches = !s->has_matches || regexec(&s->matches, reply->out, 0, NULL, 0) == 0;
    bool good = reply->exit_code == s->exit_code && matches;
    json_t *evidence = child_reply_to_json(reply);
    json_object_set_new(evidence, "stdout", text_to_json(reply->out, reply->out_length, 2048));
    json_object_set_new(evidence, "stderr", text_to_json(reply->err_out, reply->err_length, 2048));
    if (reply->timed_out)
        probe_finish(p, HOLDS_NOT, evidence, "it did not end within %lld ms and was killed", (long long)(reply->took / USEC_MSEC));
    else if (reply->exit_code < 0)
        probe_finish(p, HOLDS_NOT, evidence, "it was ended by SIG%s", signal_to_name(reply->signal));
    else
        probe_finish(p, good ? HOLDS : HOLDS_NOT, evidence, "exit status %d%s", reply->exit_code,
                     matches ? "" : "; the output does not match");
}

static void look(struct probe *p)
{
    struct exec_state *s = p->state;
    struct error err = {0};
    s->child = child_begin(p->site.loop, &s->order, ended, p, &err);
    if (!s->child)
        probe_finish(p, HOLDS_NOT, NULL, "%s", err.text);
}

const struct probe_kind probe_exec = {"exec", init, look, free_state};
