#include "base/str.h"
#include "kube/frames.h"

#include "fuzz.h"

/* The first byte says where the rest is cut; whatever the cut, the same events come out. */
struct seen {
    unsigned long events, digest;
};

static bool event(void *userdata, const char *type, json_t *object)
{
    struct seen *s = userdata;
    FUZZ_CHECK(type && json_is_object(object));
    s->events++;
    for (; *type; type++)
        s->digest = s->digest * 31 + (unsigned char)*type;
    s->digest = s->digest * 31 + json_object_size(object);
    return true;
}

static struct seen run(const char *bytes, size_t n, size_t cut)
{
    struct seen s = {0};
    struct frames f;
    struct error err = {0};
    frames_init(&f, event, &s);
    for (size_t at = 0; at < n; at += cut)
        FUZZ_CHECK(frames_feed(&f, bytes + at, n - at < cut ? n - at : cut, &err) == 0);
    FUZZ_CHECK(frames_end(&f, &err) == 0 || err.class == ERROR_UNAVAILABLE);
    FUZZ_CHECK(f.events == s.events);
    frames_done(&f);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    auto_free char *bytes = fuzz_string(data + 1, size - 1);
    struct seen whole = run(bytes, strlen(bytes), size), cut = run(bytes, strlen(bytes), 1 + data[0] % 64);
    FUZZ_CHECK(whole.events == cut.events && whole.digest == cut.digest);
    return 0;
}
