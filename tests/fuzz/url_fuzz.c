#include "base/str.h"
#include "net/url.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    struct url url;
    struct error err = {0};
    if (url_parse(text, &url, &err) < 0) {
        FUZZ_CHECK(err.class == ERROR_INVALID && err.text[0]);
        return 0;
    }
    char authority[270];
    FUZZ_CHECK(url.port >= 1 && url.port <= 65535 && url.host[0] && !strchr(url.host, '@'));
    FUZZ_CHECK(url_authority(&url, authority, sizeof(authority)) && !strpbrk(authority, "\r\n "));
    FUZZ_CHECK(!*url.rest || *url.rest == '/' || *url.rest == '?');
    return 0;
}
