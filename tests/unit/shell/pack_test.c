#include "check.h"

#include "base/random.h"
#include "shell/pack.h"

static void round_trip(const struct pack_dictionary *d, const char *text, size_t n)
{
    size_t packed_length, length;
    auto_free void *packed = pack_text(d, text, n, &packed_length);
    auto_free char *back = pack_unpack(d, packed, packed_length, &length);
    CHECK_INT(length, n);
    CHECK(length == n && memcmp(back, text, n) == 0);
}

TEST(what_was_packed_comes_back)
{
    static const char *const texts[] = {
        "",
        "a",
        "abc",
        "abcd",
        "abcdabcdabcdabcd",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "{\"phase\":\"Succeeded\",\"gates\":[{\"name\":\"TriggerFired\",\"result\":\"Passed\"},{\"name\":\"SLOMet\",\"result\":"
        "\"Passed\"}]}",
    };
    const char *example = "{\"phase\":\"Failed\",\"gates\":[{\"name\":\"TriggerFired\",\"result\":\"Failed\"}]}";
    struct pack_dictionary *d = pack_dictionary_new(example, strlen(example));
    for (size_t i = 0; i < array_len(texts); i++) {
        CHECK_ROW(texts[i]);
        round_trip(NULL, texts[i], strlen(texts[i]));
        round_trip(d, texts[i], strlen(texts[i]));
    }
    pack_dictionary_unref(d);
}

/* Runs and copies of all lengths and distances, with a fixed seed. */
TEST(random_texts_come_back)
{
    struct random r;
    random_init(&r, 3);
    static char text[200000];
    for (int round = 0; round < 200; round++) {
        size_t n = random_below(&r, round < 150 ? 3000 : sizeof(text)), at = 0;
        while (at < n) {
            size_t run = random_below(&r, 300) + 1, from = at ? random_below(&r, at) : 0;
            bool copy = at && random_below(&r, 3);
            for (size_t i = 0; i < run && at < n; i++, at++)
                text[at] = copy ? text[from + i] : (char)random_below(&r, 256);
        }
        struct pack_dictionary *d = round % 2 ? pack_dictionary_new(text, random_below(&r, n + 1)) : NULL;
        round_trip(d, text, n);
        pack_dictionary_unref(d);
    }
}

TEST(a_like_text_is_small)
{
    const char *a = "{\"metadata\":{\"name\":\"shop-kh001-x7k2\",\"namespace\":\"team-a\"},\"status\":{\"phase\":\"Succeeded\","
                    "\"gatesPassed\":\"4/4\"}}";
    const char *b = "{\"metadata\":{\"name\":\"shop-kh001-b9q3\",\"namespace\":\"team-a\"},\"status\":{\"phase\":\"Succeeded\","
                    "\"gatesPassed\":\"3/4\"}}";
    struct pack_dictionary *d = pack_dictionary_new(a, strlen(a));
    size_t packed;
    free(pack_text(d, b, strlen(b), &packed));
    CHECK(packed < 40);
    pack_dictionary_unref(d);
}

int main(void)
{
    return check_run();
}
