#include "check.h"
#include "kube/status.h"

#include "base/str.h"

#define STATUS(rest) "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\"," rest "}"

TEST(what_a_refusal_means)
{
    static const struct {
        const char *sentence;
        int http;
        const char *header, *body;
        enum error_class class;
        long retry_ms;
        const char *text;
    } rows[] = {
        {"not found", 404, NULL, STATUS("\"message\":\"pods \\\"x\\\" not found\",\"reason\":\"NotFound\",\"code\":404"),
         ERROR_NOT_FOUND, 0, "pods \"x\" not found"},
        {"a 409 of a create: it is there already", 409, NULL, STATUS("\"message\":\"m\",\"reason\":\"AlreadyExists\",\"code\":409"),
         ERROR_EXISTS, 0, "m"},
        {"a 409 of an update: it has changed", 409, NULL, STATUS("\"message\":\"m\",\"reason\":\"Conflict\",\"code\":409"),
         ERROR_CONFLICT, 0, "m"},
        {"a 409 without a reason is the careful one", 409, NULL, "", ERROR_CONFLICT, 0, "HTTP 409"},
        {"too old a resourceVersion, by reason", 410, NULL, STATUS("\"message\":\"m\",\"reason\":\"Expired\",\"code\":410"),
         ERROR_GONE, 0, "m"},
        {"too old a resourceVersion, by the older reason", 410, NULL, STATUS("\"message\":\"m\",\"reason\":\"Gone\",\"code\":410"),
         ERROR_GONE, 0, "m"},
        {"too old a resourceVersion, by code only", 410, NULL, "gone", ERROR_GONE, 0, "HTTP 410: gone"},
        {"Expired in an answer with another code", 504, NULL, STATUS("\"message\":\"m\",\"reason\":\"Expired\""), ERROR_GONE, 0,
         "m"},
        {"not logged in", 401, NULL, STATUS("\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401"),
         ERROR_FORBIDDEN, 0, "Unauthorized"},
        {"not allowed", 403, NULL, STATUS("\"message\":\"m\",\"reason\":\"Forbidden\",\"code\":403"), ERROR_FORBIDDEN, 0, "m"},
        {"invalid, with its causes in the message", 422, NULL,
         STATUS(
             "\"message\":\"D \\\"x\\\" is invalid: spec.every: Required value\",\"reason\":\"Invalid\",\"details\":{\"causes\":[{"
             "\"reason\":\"FieldValueRequired\",\"message\":\"Required value\",\"field\":\"spec.every\"}]},\"code\":422"),
         ERROR_INVALID, 0, "D \"x\" is invalid: spec.every: Required value"},
        {"invalid, with causes that the message does not name", 422, NULL,
         STATUS(
             "\"message\":\"no\",\"reason\":\"Invalid\",\"details\":{\"causes\":[{\"message\":\"Required\",\"field\":\"spec.a\"},{"
             "\"message\":\"Wrong\"},{\"field\":\"spec.b\"},{},7]},\"code\":422"),
         ERROR_INVALID, 0, "no; spec.a: Required; Wrong; spec.b"},
        {"overload, by the header", 429, "7", "Too many requests, please try again later.", ERROR_TOO_MANY, 7000,
         "HTTP 429: Too many requests, please try again later."},
        {"overload, by the details", 429, NULL,
         STATUS("\"message\":\"m\",\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":3},\"code\":429"),
         ERROR_TOO_MANY, 3000, "m"},
        {"the header goes before the details", 429, "9",
         STATUS("\"message\":\"m\",\"reason\":\"TooManyRequests\",\"details\":{\"retryAfterSeconds\":3},\"code\":429"),
         ERROR_TOO_MANY, 9000, "m"},
        {"overload without a word on when", 429, NULL, "", ERROR_TOO_MANY, 0, "HTTP 429 with no explanation"},
        {"an HTTP date is not understood", 429, "Wed, 21 Oct 2026 07:28:00 GMT", "", ERROR_TOO_MANY, 0, ""},
        {"a year is cut to an hour", 503, "31536000", "", ERROR_UNAVAILABLE, 3600000, ""},
        {"nonsense for a time", 503, "-5", "", ERROR_UNAVAILABLE, 0, ""},
        {"unavailable for a while", 503, "2", STATUS("\"message\":\"m\",\"reason\":\"ServiceUnavailable\",\"code\":503"),
         ERROR_UNAVAILABLE, 2000, "m"},
        {"the server's own time limit: outcome unknown", 504, NULL, STATUS("\"message\":\"m\",\"reason\":\"Timeout\",\"code\":504"),
         ERROR_TIMEOUT, 0, "m"},
        {"a server that lags behind what we have seen is no time-out", 504, NULL,
         STATUS("\"message\":\"Too large resource version: 9, current: "
                "5\",\"reason\":\"Timeout\",\"details\":{\"causes\":[{\"reason\":"
                "\"ResourceVersionTooLarge\",\"message\":\"Too large resource version\"}],\"retryAfterSeconds\":1},\"code\":504"),
         ERROR_UNAVAILABLE, 1000, "Too large resource version: 9, current: 5"},
        {"try again later", 500, NULL,
         STATUS("\"message\":\"m\",\"reason\":\"ServerTimeout\",\"details\":{\"retryAfterSeconds\":2},\"code\":500"),
         ERROR_UNAVAILABLE, 2000, "m"},
        {"an internal error", 500, NULL, STATUS("\"message\":\"m\",\"reason\":\"InternalError\",\"code\":500"), ERROR_UNAVAILABLE,
         0, "m"},
        {"a proxy's page: its first line", 502, NULL, "<html>\r\nmore", ERROR_UNAVAILABLE, 0, "HTTP 502: <html>"},
        {"a redirect", 302, NULL, "", ERROR_INVALID, 0, "HTTP 302"},
        {"a wrong media type", 415, NULL, STATUS("\"message\":\"m\",\"reason\":\"UnsupportedMediaType\",\"code\":415"),
         ERROR_INVALID, 0, "m"},
        {"too large", 413, NULL, STATUS("\"message\":\"m\",\"reason\":\"RequestEntityTooLarge\",\"code\":413"), ERROR_INVALID, 0,
         "m"},
        {"an unknown reason falls back on the code", 403, NULL, STATUS("\"message\":\"m\",\"reason\":\"Fancy\",\"code\":403"),
         ERROR_FORBIDDEN, 0, "m"},
        {"no message", 403, NULL, STATUS("\"reason\":\"Forbidden\""), ERROR_FORBIDDEN, 0, "Forbidden (HTTP 403)"},
        {"nothing at all in it", 500, NULL, STATUS("\"code\":\"x\""), ERROR_UNAVAILABLE, 0, "without a message (HTTP 500)"},
        {"control characters become blanks", 400, NULL, STATUS("\"message\":\"a\\nb\\u0007c\",\"reason\":\"BadRequest\""),
         ERROR_INVALID, 0, "a b c"},
        {"a NUL ends the message and breaks nothing", 400, NULL, STATUS("\"message\":\"a\\u0000b\",\"reason\":\"BadRequest\""),
         ERROR_INVALID, 0, "a"},
        {"fields of the wrong type", 404, NULL, STATUS("\"message\":7,\"reason\":[],\"details\":\"x\""), ERROR_NOT_FOUND, 0,
         "HTTP 404"},
        {"JSON that is no Status", 404, NULL, "{\"message\":\"m\"}", ERROR_NOT_FOUND, 0, "HTTP 404: {\\\"message\\\":\\\"m\\\"}"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct error err = {0};
        CHECK_INT(status_error(rows[i].http, rows[i].header, rows[i].body, strlen(rows[i].body), &err), -1);
        CHECK_INT(err.class, rows[i].class);
        CHECK_INT(err.retry_after_ms, rows[i].retry_ms);
        CHECK_INT(err.http_status, rows[i].http);
        CHECK_CONTAINS(err.text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

TEST(an_error_event_carries_its_own_code)
{
    static const struct {
        const char *body;
        enum error_class class;
        int status;
    } rows[] = {
        {STATUS("\"message\":\"too old resource version: 1 (9)\",\"reason\":\"Expired\",\"code\":410"), ERROR_GONE, 410},
        {STATUS("\"code\":410"), ERROR_GONE, 410},
        {STATUS("\"code\":99999999999"), ERROR_UNAVAILABLE, 0},
        {"{}", ERROR_UNAVAILABLE, 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].body);
        json_t *status = json_loads(rows[i].body, 0, NULL);
        struct error err = {0};
        CHECK_INT(status_error_json(status, 0, NULL, &err), -1);
        CHECK_INT(err.class, rows[i].class);
        CHECK_INT(err.http_status, rows[i].status);
        json_decref(status);
    }
    struct error err = {0};
    status_error_json(NULL, 0, NULL, &err);
    CHECK_INT(err.class, ERROR_UNAVAILABLE);
    CHECK_INT(status_error(404, NULL, "", 0, NULL), -1); /* nobody cares why */
    CHECK_ROW(NULL);
}

TEST(a_huge_message_is_cut)
{
    auto_free char *body = mem_printf(STATUS("\"message\":\"%0*d\",\"reason\":\"BadRequest\""), 60000, 7);
    struct error err = {0};
    status_error(400, NULL, body, strlen(body), &err);
    CHECK_INT(err.class, ERROR_INVALID);
    CHECK(str_ends(err.text, "…"));
}

int main(void)
{
    return check_run();
}
