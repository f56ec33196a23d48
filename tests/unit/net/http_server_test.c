#include "net/http_server.h"

#include "base/str.h"
#include "check.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

/* The server runs on the loop in the main thread; a real client (libcurl, blocking) asks from another. */
struct asked {
    char url[128];
    const char *method, *token;
    long status;
    char body[64 * 1024];
    size_t length;
    char type[64];
};
struct scene {
    struct loop *loop;
    struct http_server *server;
    struct timer *tick;
    struct asked *asked;
    size_t count;
    atomic_bool done;
    struct http_answer *late;
};

static size_t keep(char *bytes, size_t size, size_t n, void *userdata)
{
    struct asked *a = userdata;
    size_t room = sizeof(a->body) - 1 - a->length, take = size * n < room ? size * n : room;
    memcpy(a->body + a->length, bytes, take);
    a->length += take;
    return size * n;
}

static void *client(void *userdata)
{
    struct scene *s = userdata;
    CURL *curl = curl_easy_init(); /* one connection for all requests: keep-alive is used */
    for (size_t i = 0; i < s->count; i++) {
        struct asked *a = &s->asked[i];
        struct curl_slist *headers = NULL;
        char line[128];
        if (a->token) {
            snprintf(line, sizeof(line), "Authorization: Bearer %s", a->token);
            headers = curl_slist_append(headers, line);
        }
        curl_easy_reset(curl);
        curl_easy_setopt(curl, CURLOPT_URL, a->url);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
        if (a->method && strcmp(a->method, "HEAD") == 0)
            curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        else if (a->method)
            curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, a->method);
        curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
        char *type = NULL;
        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
        str_copy(a->type, sizeof(a->type), type ? type : "");
        curl_slist_free_all(headers);
    }
    curl_easy_cleanup(curl);
    s->done = true;
    return NULL;
}

static void look(void *userdata)
{
    struct scene *s = userdata;
    if (s->late) {
        http_answer_send(s->late, 200, "text/plain", "late", 4);
        s->late = NULL;
    }
    if (s->done)
        loop_stop(s->loop);
    else
        timer_at(s->tick, time_monotonic() + 10 * USEC_MSEC);
}

static void answer(void *userdata, const struct http_query *query, struct http_answer *a)
{
    struct scene *s = userdata;
    static char big[50000];
    if (str_equal(query->path, "/late"))
        s->late = a;
    else if (str_equal(query->path, "/token"))
        http_answer_send(a, 200, "text/plain", query->authorization, strlen(query->authorization));
    else if (str_equal(query->path, "/big")) {
        memset(big, 'x', sizeof(big));
        http_answer_send(a, 200, "text/plain", big, sizeof(big));
    } else if (str_equal(query->path, "/empty"))
        http_answer_send(a, 204, "text/plain", "", 0);
    else
        http_answer_send(a, 404, "text/plain", "no such page\n", 13);
}

static void run(struct asked *asked, size_t count)
{
    struct scene s = {.asked = asked, .count = count};
    struct error err = {0};
    CHECK_INT(loop_new(&s.loop, &err), 0);
    CHECK_INT(http_server_new(s.loop, "127.0.0.1:0", answer, &s, &s.server, &err), 0);
    CHECK_STR(err.text, "");
    for (size_t i = 0; i < count; i++) {
        char path[64];
        str_copy(path, sizeof(path), asked[i].url);
        snprintf(asked[i].url, sizeof(asked[i].url), "http://127.0.0.1:%d%s", http_server_port(s.server), path);
    }
    s.tick = timer_new(s.loop, look, &s);
    timer_at(s.tick, time_monotonic());
    pthread_t thread;
    pthread_create(&thread, NULL, client, &s);
    loop_run(s.loop);
    pthread_join(thread, NULL);
    timer_free(s.tick);
    http_server_free(s.server);
    loop_free(s.loop);
}

TEST(pages_are_answered_now_or_later_whole_and_over_one_connection)
{
    static struct asked asked[] = {
        {.url = "/big"},     {.url = "/late"},  {.url = "/token", .token = "abc.def"},
        {.url = "/nothing"}, {.url = "/empty"}, {.url = "/late"},
    };
    run(asked, array_len(asked));
    CHECK_INT(asked[0].status, 200);
    CHECK_INT(asked[0].length, 50000);
    CHECK_INT(asked[0].body[49999], 'x');
    CHECK_INT(asked[1].status, 200);
    CHECK_STR(asked[1].body, "late");
    CHECK_STR(asked[2].body, "Bearer abc.def");
    CHECK_INT(asked[3].status, 404);
    CHECK_STR(asked[3].type, "text/plain");
    CHECK_INT(asked[4].status, 204);
    CHECK_STR(asked[5].body, "late");
}

TEST(only_get_and_head_are_served)
{
    static struct asked asked[] = {{.url = "/big", .method = "HEAD"}, {.url = "/big", .method = "DELETE"}, {.url = "/empty"}};
    run(asked, array_len(asked));
    CHECK_INT(asked[0].status, 200);
    CHECK_INT(asked[0].length, 0);
    CHECK_INT(asked[1].status, 405);
    CHECK_INT(asked[2].status, 204);
}

TEST(a_bad_listen_address_is_refused_with_what_would_be_right)
{
    static const char *const bad[] = {"", "8080", ":8080", "localhost:8080", "1.2.3.4:99999", "1.2.3.4:x", "[::1]", "a b:1"};
    for (size_t i = 0; i < array_len(bad); i++) {
        struct loop *loop;
        struct http_server *server;
        struct error err = {0};
        CHECK_ROW(bad[i]);
        CHECK_INT(loop_new(&loop, NULL), 0);
        CHECK(http_server_new(loop, bad[i], answer, NULL, &server, &err) < 0);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, "listen address");
        loop_free(loop);
    }
}

int main(void)
{
    return check_run();
}
