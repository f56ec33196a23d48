#include "shell/drain.h"

#include "api/json.h"
#include "api/kind.h"
#include "base/str.h"
#include "check.h"
#include "fake_world.h"

struct scene {
    struct fake *fake;
    struct drain *drain;
    int done;
    struct error outcome;
};

static void on_done(void *userdata, const struct error *err)
{
    struct scene *s = userdata;
    s->done++;
    s->outcome = *err;
}

static void begin(struct scene *s, const char *owner)
{
    memset(s, 0, sizeof(*s));
    s->fake = fake_new();
    struct drain_options o = {.catalog_namespace = "sys", .owner = owner, .within = 10 * USEC_SEC};
    strlist_add(&o.namespaces, "sys");
    strlist_add(&o.namespaces, "team-a");
    s->drain = drain_new(fake_world(s->fake), &o, on_done, s);
    strlist_done(&o.namespaces);
    fake_run(s->fake);
}

static void finish(struct scene *s)
{
    fake_free(s->fake);
    drain_free(s->drain);
}

static json_t *drills(bool held)
{
    json_t *list = json_object(), *items = json_array();
    json_t *drill = fake_object("Drill", "team-a", "d1", "5", NULL, "{\"phase\":\"Reverting\",\"message\":\"the agent is away\"}");
    if (held) {
        json_t *finalizers = json_array();
        json_array_append_new(finalizers, json_string(FINALIZER));
        json_put(json_at(drill, "metadata"), "finalizers", finalizers);
    }
    json_array_append_new(items, drill);
    json_put(list, "items", items);
    return list;
}

static void answer_lists(struct scene *s, bool held)
{
    fake_reply(fake_request(s->fake, "GET", "/namespaces/sys/drills"), 200, json_object());
    fake_run(s->fake);
    fake_reply(fake_request(s->fake, "GET", "/namespaces/team-a/drills"), 200, drills(held));
    fake_run(s->fake);
}

/* One look finds nothing; that is believed when it lasts. */
static void answer_clean(struct scene *s)
{
    for (int i = 0; i < 6 && !s->done; i++) {
        answer_lists(s, false);
        fake_advance(s->fake, 500 * USEC_MSEC);
    }
}

TEST(the_stop_is_set_first_owned_by_the_deployment_and_drained_is_when_no_finalizer_is_left)
{
    struct scene s;
    begin(&s, "drillyard-controller");
    json_t *deployment = json_object();
    json_put_str(json_make(deployment, "metadata"), "uid", "u-7");
    CHECK(!fake_request(s.fake, "POST", "configmaps"));
    fake_reply(fake_request(s.fake, "GET", "deployments/drillyard-controller"), 200, deployment);
    fake_run(s.fake);
    struct fake_request *stop = fake_request(s.fake, "POST", "/namespaces/sys/configmaps");
    CHECK(stop != NULL);
    CHECK_STR(json_str(stop->body, "metadata.name", ""), STOP_NAME);
    CHECK_STR(json_str(json_array_get(json_at(stop->body, "metadata.ownerReferences"), 0), "uid", ""), "u-7");
    fake_reply(stop, 201, json_object());
    fake_run(s.fake);
    answer_lists(&s, true);
    CHECK_INT(s.done, 0);
    fake_advance(s.fake, USEC_SEC);
    answer_clean(&s);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_NONE);
    finish(&s);
}

TEST(a_stop_that_is_set_already_is_as_good)
{
    struct scene s;
    begin(&s, NULL);
    fake_refuse(fake_request(s.fake, "POST", "configmaps"), ERROR_EXISTS, 409, 0);
    fake_run(s.fake);
    answer_clean(&s);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_NONE);
    finish(&s);
}

TEST(what_is_left_at_the_limit_is_named)
{
    struct scene s;
    begin(&s, NULL);
    fake_reply(fake_request(s.fake, "POST", "configmaps"), 201, json_object());
    fake_run(s.fake);
    for (int i = 0; i < 30 && !s.done; i++) {
        answer_lists(&s, true);
        fake_advance(s.fake, 500 * USEC_MSEC);
    }
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_TIMEOUT);
    CHECK_CONTAINS(s.outcome.text, "team-a/d1 (Reverting: the agent is away)");
    finish(&s);
}

TEST(an_api_server_that_is_away_is_asked_again_and_a_refusal_is_said)
{
    struct scene s;
    begin(&s, NULL);
    fake_reply(fake_request(s.fake, "POST", "configmaps"), 201, json_object());
    fake_run(s.fake);
    fake_refuse(fake_request(s.fake, "GET", "/namespaces/sys/drills"), ERROR_UNAVAILABLE, 0, 0);
    fake_run(s.fake);
    CHECK_INT(s.done, 0);
    fake_advance(s.fake, USEC_SEC);
    answer_clean(&s);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_NONE);
    finish(&s);

    begin(&s, NULL);
    fake_refuse(fake_request(s.fake, "POST", "configmaps"), ERROR_FORBIDDEN, 403, 0);
    fake_run(s.fake);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_FORBIDDEN);
    CHECK_CONTAINS(s.outcome.text, "create ConfigMap sys/drillyard-stop");
    finish(&s);
}

TEST(a_drill_whose_creation_was_under_way_when_the_stop_was_set_is_waited_for)
{
    struct scene s;
    begin(&s, NULL);
    fake_reply(fake_request(s.fake, "POST", "configmaps"), 201, json_object());
    fake_run(s.fake);
    answer_lists(&s, false);
    fake_advance(s.fake, 500 * USEC_MSEC);
    for (int i = 0; i < 4; i++) {
        answer_lists(&s, true); /* here it is */
        fake_advance(s.fake, 500 * USEC_MSEC);
    }
    CHECK_INT(s.done, 0);
    answer_clean(&s);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_NONE);
    finish(&s);
}

TEST(the_first_requests_too_are_made_again_after_the_trouble_of_a_moment)
{
    struct scene s;
    begin(&s, "drillyard-controller");
    fake_refuse(fake_request(s.fake, "GET", "deployments/"), ERROR_UNAVAILABLE, 503, 0);
    fake_run(s.fake);
    fake_advance(s.fake, 500 * USEC_MSEC);
    fake_reply(fake_request(s.fake, "GET", "deployments/"), 200, json_object());
    fake_run(s.fake);
    fake_refuse(fake_request(s.fake, "POST", "configmaps"), ERROR_TOO_MANY, 429, 0);
    fake_run(s.fake);
    fake_advance(s.fake, 500 * USEC_MSEC);
    fake_reply(fake_request(s.fake, "GET", "deployments/"), 200, json_object());
    fake_run(s.fake);
    fake_reply(fake_request(s.fake, "POST", "configmaps"), 201, json_object());
    fake_run(s.fake);
    answer_clean(&s);
    CHECK_INT(s.done, 1);
    CHECK_INT(s.outcome.class, ERROR_NONE);
    finish(&s);
}

int main(void)
{
    return check_run();
}
