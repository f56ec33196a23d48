#include "serve/serve.h"

#include "base/str.h"
#include "serve/exposition.h"

#include <jansson.h>

struct serve {
    struct shell *shell;
    struct http_server *server;
};

static void send_text(struct http_answer *answer, int status, const char *text)
{
    http_answer_send(answer, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void page_health(struct serve *s, struct http_answer *answer)
{
    (void)s;
    send_text(answer, 200, "ok\n"); /* whoever reads this was answered by the one loop that does everything */
}

/* Ready is a replica whose caches are warm, whether it leads or not; what is missing is named. */
static void page_ready(struct serve *s, struct http_answer *answer)
{
    if (shell_synced(s->shell)) {
        send_text(answer, 200, shell_leads(s->shell) ? "ok, leading\n" : "ok, standing by\n");
        return;
    }
    auto_buf struct buf text;
    buf_init(&text, 64 * 1024);
    buf_append_str(&text, "not everything was listed yet\n");
    json_auto_t *problems = shell_problems(s->shell);
    const char *what;
    json_t *why;
    json_object_foreach(problems, what, why) buf_printf(&text, "%s: %s\n", what, json_string_value(why));
    send_text(answer, 503, buf_str(&text));
}

static void page_metrics(struct serve *s, struct http_answer *answer)
{
    auto_buf struct buf text;
    buf_init(&text, EXPOSITION_MAX);
    exposition_write(s->shell, &text);
    http_answer_send(answer, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text), text.len);
}

static const struct {
    const char *path;
    void (*page)(struct serve *, struct http_answer *);
} pages[] = {
    {"/healthz", page_health},
    {"/readyz", page_ready},
    {"/metrics", page_metrics},
};

static void handle(void *userdata, const struct http_query *query, struct http_answer *answer)
{
    for (size_t i = 0; i < array_len(pages); i++)
        if (str_equal(query->path, pages[i].path)) {
            pages[i].page(userdata, answer);
            return;
        }
    send_text(answer, 404, "there are /healthz, /readyz and /metrics\n");
}

int serve_new(struct loop *loop, struct shell *shell, const char *listen, struct serve **ret_serve, struct error *err)
{
    struct serve *s = mem_new(struct serve);
    s->shell = shell;
    if (http_server_new(loop, listen, handle, s, &s->server, err)) {
        free(s);
        return -1;
    }
    *ret_serve = s;
    return 0;
}

int serve_port(const struct serve *s)
{
    return http_server_port(s->server);
}

void serve_free(struct serve *s)
{
    if (!s)
        return;
    http_server_free(s->server);
    free(s);
}
