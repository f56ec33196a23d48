#include "base/sha256.h"

#include "check.h"

/* FIPS 180-2 appendix B and the NIST example values; the lengths around one and two blocks were computed with sha256sum. */
static const struct {
    const char *sentence, *text;
    size_t repeat;
    const char *want;
} vectors[] = {
    {"nothing", "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"448 bits", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"896 bits", "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {"a million times a", "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void repeat(struct sha256 *s, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        sha256_update(s, text, strlen(text));
}

TEST(the_standard_vectors)
{
    for (size_t i = 0; i < array_len(vectors); i++) {
        CHECK_ROW(vectors[i].sentence);
        struct sha256 s;
        char hex[SHA256_HEX_SIZE];
        sha256_init(&s);
        repeat(&s, vectors[i].text, vectors[i].repeat);
        sha256_finish(&s, hex);
        CHECK_STR(hex, vectors[i].want);
        if (vectors[i].repeat == 1) {
            sha256_hex(vectors[i].text, strlen(vectors[i].text), hex);
            CHECK_STR(hex, vectors[i].want);
        }
    }
}

static const struct {
    size_t count;
    const char *want;
} lengths[] = {
    {1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
    {54, "45f316e10b2c99abf374b22bda893cf3300d77263f1e272349ed414680522952"},
    {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
    {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
    {57, "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
    {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
    {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
    {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
    {118, "d4fc3f146a19ae0453b2195bba6b11cffd0afc8c6f94f902e55a94ed975c6abd"},
    {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
    {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
    {121, "79072a47bfaa54e6057a9ee21e0dea64b9edbfd160c4ccadbb657e64b6d22ee4"},
    {127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f"},
    {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
};

TEST(lengths_around_the_padding)
{
    char text[128];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < array_len(lengths); i++) {
        char hex[SHA256_HEX_SIZE];
        sha256_hex(text, lengths[i].count, hex);
        CHECK_STR(hex, lengths[i].want);
    }
}

TEST(how_the_bytes_are_portioned_does_not_matter)
{
    char text[300], whole[SHA256_HEX_SIZE], hex[SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    sha256_hex(text, sizeof(text), whole);
    for (size_t part = 1; part < 140; part++) {
        struct sha256 s;
        sha256_init(&s);
        for (size_t at = 0; at < sizeof(text); at += part)
            sha256_update(&s, text + at, at + part < sizeof(text) ? part : sizeof(text) - at);
        sha256_finish(&s, hex);
        CHECK_STR(hex, whole);
    }
}

int main(void)
{
    return check_run();
}
