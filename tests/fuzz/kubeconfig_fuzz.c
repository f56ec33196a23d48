#include "base/str.h"
#include "kube/exec_plugin.h"
#include "kube/kubeconfig.h"

#include "fuzz.h"

/* The bytes are one kubeconfig and, where a line "=====" parts them, a second one to merge with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *first = fuzz_string(data, size);
    char *second = strstr(first, "\n=====\n");
    struct kubeconfig_text texts[2] = {{.path = "/nowhere/a", .text = first}, {.path = "/nowhere/b"}};
    if (second) {
        *second = '\0';
        texts[1].text = second + strlen("\n=====\n");
        texts[1].n = strlen(texts[1].text);
    }
    texts[0].n = strlen(first);
    auto_config struct config c = {0};
    struct error err = {0};
    if (kubeconfig_merge(texts, second ? 2 : 1, NULL, &c, &err) < 0) {
        FUZZ_CHECK(err.class != ERROR_NONE && str_starts(err.text, "/nowhere/"));
        FUZZ_CHECK(!c.server && !c.exec);
        return 0;
    }
    FUZZ_CHECK(err.class == ERROR_NONE && c.server && c.ns);
    FUZZ_CHECK(!c.tls.cert_pem == !c.tls.key_pem);
    FUZZ_CHECK(!c.tls.insecure || !c.tls.ca_pem);
    for (size_t i = 0; i < c.impersonate.count; i++)
        FUZZ_CHECK(!strpbrk(c.impersonate.items[i], "\r\n"));
    return 0;
}
