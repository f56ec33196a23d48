#include "base/str.h"
#include "check.h"
#include "net/proxy.h"

TEST(no_proxy_lists)
{
    static const struct {
        const char *sentence, *list, *host;
        bool excepted;
    } rows[] = {
        {"an empty list excepts nobody", "", "a.example", false},
        {"a star excepts everybody", "*", "a.example", true},
        {"the name itself", "b.example,a.example", "a.example", true},
        {"in any case", "A.Example", "a.eXAMPLE", true},
        {"a subdomain", "example", "a.example", true},
        {"a subdomain, with a dot before", ".example", "a.example", true},
        {"but not the end of another name", "example", "notexample", false},
        {"blanks around", " a.example , b ", "b", true},
        {"an address", "10.0.0.1", "10.0.0.1", true},
        {"another address", "10.0.0.1", "10.0.0.11", false},
        {"a network", "10.0.0.0/8", "10.255.3.4", true},
        {"outside of the network", "10.0.0.0/9", "10.128.0.0", false},
        {"an IPv6 network", "fd00::/8", "fd12::1", true},
        {"IPv4 and IPv6 are different", "0.0.0.0/0", "::1", false},
        {"a network never covers a name", "0.0.0.0/0", "a.example", false},
        {"a broken prefix covers nothing", "10.0.0.0/99", "10.0.0.1", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(proxy_excepts(rows[i].list, rows[i].host), rows[i].excepted);
    }
    CHECK_ROW(NULL);
}

static void environment(const char *https, const char *http, const char *all, const char *none)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy",
                                        "ALL_PROXY",   "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < array_len(names); i++)
        unsetenv(names[i]);
    if (https)
        setenv("HTTPS_PROXY", https, 1);
    if (http)
        setenv("http_proxy", http, 1);
    if (all)
        setenv("all_proxy", all, 1);
    if (none)
        setenv("NO_PROXY", none, 1);
}

TEST(which_proxy)
{
    static const struct {
        const char *sentence, *configured, *https_env, *http_env, *all_env, *none;
        bool https;
        const char *target, *host;
        int port;
        const char *userinfo;
    } rows[] = {
        {"nothing said: none", NULL, NULL, NULL, NULL, NULL, true, "a", "", 0, ""},
        {"the environment's for https", NULL, "http://p:3128", NULL, NULL, NULL, true, "a", "p", 3128, ""},
        {"http_proxy is for http only", NULL, NULL, "http://p:3128", NULL, NULL, true, "a", "", 0, ""},
        {"http_proxy", NULL, NULL, "p:3128", NULL, NULL, false, "a", "p", 3128, ""},
        {"ALL_PROXY for either", NULL, NULL, NULL, "http://p", NULL, true, "a", "p", 1080, ""},
        {"NO_PROXY", NULL, "http://p:3128", NULL, NULL, "a,b", true, "a", "", 0, ""},
        {"loopback never", NULL, "http://p:3128", NULL, NULL, NULL, true, "127.0.0.1", "", 0, ""},
        {"localhost never", NULL, "http://p:3128", NULL, NULL, NULL, true, "localhost", "", 0, ""},
        {"a configured one goes before", "http://q:1/", "http://p:2", NULL, NULL, "a", true, "a", "q", 1, ""},
        {"configured as none", "", "http://p:2", NULL, NULL, NULL, true, "a", "", 0, ""},
        {"IPv6", "http://[::1]:8080", NULL, NULL, NULL, NULL, true, "a", "::1", 8080, ""},
        {"a user and password, decoded", "http://me:p%40ss%3A@q:1", NULL, NULL, NULL, NULL, true, "a", "q", 1, "me:p@ss:"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct proxy p;
        struct error err = {0};
        environment(rows[i].https_env, rows[i].http_env, rows[i].all_env, rows[i].none);
        CHECK_INT(proxy_decide(rows[i].configured, rows[i].https, rows[i].target, &p, &err), 0);
        CHECK_STR(p.host, rows[i].host);
        CHECK_INT(p.port, rows[i].port);
        CHECK_STR(p.userinfo, rows[i].userinfo);
    }
    CHECK_ROW(NULL);
}

TEST(what_cannot_be_a_proxy_is_refused_without_its_password)
{
    static const char *const urls[] = {
        "socks5://me:secret@p:1",  "https://me:secret@p:1", "http://me:secret@p:0", "http://me:secret@p:x",
        "http://me:secret@",       "http://me:secret@[::1", "http://me:secret@:80", "unknown-and-very-long-scheme://me:secret@p",
        "http://me:se%00cret@p:80"};
    for (size_t i = 0; i < array_len(urls); i++) {
        CHECK_ROW(urls[i]);
        struct proxy p;
        struct error err = {0};
        CHECK_INT(proxy_decide(urls[i], true, "a", &p, &err), -1);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK(!strstr(err.text, "secret"));
    }
    CHECK_ROW(NULL);
}

int main(void)
{
    return check_run();
}
