#include "serve/exposition.h"
#include "serve/serve.h"

#include "base/str.h"
#include "check.h"
#include "fake_world.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

static struct shell *shell_in(struct fake *fake)
{
    struct error err = {0};
    struct shell_options o = {
        .catalog_namespace = "sys", .own_namespace = "sys", .identity = "me", .elect = false, .lease = 10 * USEC_SEC};
    struct shell *shell = shell_new(fake_world(fake), &o, &err);
    CHECK_STR(err.text, "");
    return shell;
}

/* Every sample line of Prometheus' text format belongs to the family whose HELP and TYPE stand before it, and no family comes twice. */
TEST(the_exposition_is_well_formed)
{
    struct fake *fake = fake_new();
    struct shell *shell = shell_in(fake);
    auto_buf struct buf text;
    buf_init(&text, EXPOSITION_MAX);
    exposition_write(shell, &text);
    CHECK(!text.overflowed);
    char family[128] = "";
    auto_strlist struct strlist seen = {0};
    int samples = 0;
    for (char *at = text.data; at && *at;) {
        char *end = strchr(at, '\n');
        CHECK(end != NULL);
        if (!end)
            break;
        *end = '\0';
        if (str_starts(at, "# HELP ")) {
            str_format(family, sizeof(family), "%.*s", (int)strcspn(at + 7, " "), at + 7);
            CHECK_ROW(family);
            CHECK(!strlist_has(&seen, family));
            strlist_add(&seen, family);
        } else if (!str_starts(at, "# TYPE ")) {
            double value;
            CHECK(str_starts(at, family));
            CHECK(str_to_double(strrchr(at, ' ') + 1, &value));
            samples++;
        }
        at = end + 1;
    }
    CHECK(samples > 50);
    static const char *const wanted[] = {"drillyard_drills_total",           "drillyard_gates_total",
                                         "drillyard_time_to_detect_seconds", "drillyard_time_to_heal_seconds",
                                         "drillyard_coverage_cards",         "drillyard_api_writes_total",
                                         "drillyard_faults_in_force"};
    for (size_t i = 0; i < array_len(wanted); i++) {
        CHECK_ROW(wanted[i]);
        CHECK(strlist_has(&seen, wanted[i]));
    }
    shell_free(shell);
    fake_free(fake);
}

/* ── over HTTP ── */

struct visit {
    int port;
    const char *path;
    long status;
    char body[4096];
    size_t length;
    struct loop *loop;
    struct timer *tick;
    atomic_bool done;
};

static size_t keep(char *bytes, size_t size, size_t n, void *userdata)
{
    struct visit *v = userdata;
    size_t room = sizeof(v->body) - 1 - v->length, take = size * n < room ? size * n : room;
    memcpy(v->body + v->length, bytes, take);
    v->length += take;
    return size * n;
}

static void *client(void *userdata)
{
    struct visit *v = userdata;
    char url[128];
    str_format(url, sizeof(url), "http://127.0.0.1:%d%s", v->port, v->path);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, v);
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &v->status);
    curl_easy_cleanup(curl);
    v->done = true;
    return NULL;
}

static void look(void *userdata)
{
    struct visit *v = userdata;
    if (v->done)
        loop_stop(v->loop);
    else
        timer_at(v->tick, time_monotonic() + 5 * USEC_MSEC);
}

TEST(the_pages_say_whether_it_lives_and_whether_it_is_ready)
{
    static const struct {
        const char *path;
        long status;
        const char *words;
    } rows[] = {
        {"/healthz", 200, "ok"},
        {"/readyz", 503, "not everything was listed yet"}, /* the fake API server has answered no list */
        {"/metrics", 200, "drillyard_build_info{version="},
        {"/", 404, "/healthz, /readyz and /metrics"},
    };
    struct fake *fake = fake_new();
    struct shell *shell = shell_in(fake);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct visit v = {.path = rows[i].path};
        struct serve *serve = NULL;
        struct error err = {0};
        CHECK_ROW(rows[i].path);
        CHECK_INT(loop_new(&v.loop, &err), 0);
        CHECK_INT(serve_new(v.loop, shell, "127.0.0.1:0", &serve, &err), 0);
        v.port = serve_port(serve);
        v.tick = timer_new(v.loop, look, &v);
        timer_at(v.tick, time_monotonic());
        pthread_t thread;
        pthread_create(&thread, NULL, client, &v);
        loop_run(v.loop);
        pthread_join(thread, NULL);
        CHECK_INT(v.status, rows[i].status);
        CHECK_CONTAINS(v.body, rows[i].words);
        timer_free(v.tick);
        serve_free(serve);
        loop_free(v.loop);
    }
    shell_free(shell);
    fake_free(fake);
}

int main(void)
{
    return check_run();
}
