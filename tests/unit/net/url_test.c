#include "check.h"
#include "net/url.h"

#include "base/str.h"

TEST(a_url_is_taken_apart)
{
    static const struct {
        const char *url, *host;
        int port;
        const char *rest, *authority;
        bool https;
    } rows[] = {
        {"https://10.96.0.1:443/api?x=1", "10.96.0.1", 443, "/api?x=1", "10.96.0.1", true},
        {"https://[2001:db8::1]:6443", "2001:db8::1", 6443, "", "[2001:db8::1]:6443", true},
        {"https://[::1]/", "::1", 443, "/", "[::1]", true},
        {"http://shop.team-a.svc/healthz", "shop.team-a.svc", 80, "/healthz", "shop.team-a.svc", false},
        {"https://rancher.example/k8s/clusters/c-1", "rancher.example", 443, "/k8s/clusters/c-1", "rancher.example", true},
        {"http://h:8080?q", "h", 8080, "?q", "h:8080", false},
        {"http://h#fragment", "h", 80, "", "h", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].url);
        struct url u = {0};
        struct error err = {0};
        char authority[270];
        CHECK_INT(url_parse(rows[i].url, &u, &err), 0);
        CHECK_STR(u.host, rows[i].host);
        CHECK_INT(u.port, rows[i].port);
        CHECK_STR(u.rest, rows[i].rest);
        CHECK_INT(u.https, rows[i].https);
        CHECK_STR(url_authority(&u, authority, sizeof authority), rows[i].authority);
    }
    CHECK_ROW(NULL);
}

TEST(what_is_no_url_is_refused)
{
    static const char *const rows[] = {"",           "x",           "ftp://h",     "https://",       "https:///x",     "http://:80",
                                       "http://h:",  "http://h:0",  "http://h:x",  "http://h:65536", "http://[::1",    "http://[]/",
                                       "http://h /", "http://h/\n", "http://u@h/", "http://[::1]x/", "http://h:123456"};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i]);
        struct url u;
        struct error err = {0};
        CHECK_INT(url_parse(rows[i], &u, &err), -1);
        CHECK_INT(err.class, ERROR_INVALID);
    }
    auto_free char *long_host = mem_printf("http://%0*d/", 256, 0);
    struct url u;
    CHECK_INT(url_parse(long_host, &u, NULL), -1);
    CHECK_ROW(NULL);
}

TEST(a_query_is_put_together)
{
    auto_buf struct buf b;
    buf_init(&b, 200);
    buf_append_str(&b, "/api/v1");
    url_add_segment(&b, "a/b");
    url_add_query(&b, "labelSelector", "app=shop,tier in (a,b)");
    url_add_query(&b, "continue", NULL);
    url_add_query(&b, "command", "a&b+c%\n\xc3\xa9~");
    CHECK_STR(buf_str(&b), "/api/v1/a%2Fb?labelSelector=app%3Dshop%2Ctier%20in%20%28a%2Cb%29&command=a%26b%2Bc%25%0A%C3%A9~");
    CHECK(url_encode_bytes(&b, "\0-", 2));
    CHECK(str_ends(buf_str(&b), "%00-"));
    for (int i = 0; i < 100; i++)
        url_encode(&b, " ");
    CHECK(b.overflowed);
}

int main(void)
{
    return check_run();
}
