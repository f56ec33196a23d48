/* A line from an agent, which may be anybody's program: told apart, its evidence, fault, error and result read. */
#include "base/str.h"
#include "shell/agent_wire.h"

#include "fuzz.h"

#define OFFSET ((usec_t)1767225600 * USEC_SEC)

static void read_all(const struct wire_line *line, const json_t *report)
{
    struct evidence evidence;
    wire_evidence(report, OFFSET, line->mono, 1, &evidence);
    FUZZ_CHECK(strlen(evidence.message) < sizeof(evidence.message));
    struct agent_fault fault;
    FUZZ_CHECK(wire_fault(report, OFFSET, &fault) == (fault.id[0] != '\0'));
    struct error err = {0};
    wire_error(report, &err);
    FUZZ_CHECK(err.class != ERROR_NONE && err.text[0]);
    json_decref(wire_result(report, OFFSET));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    json_auto_t *body = json_loadb(text, strlen(text), JSON_ALLOW_NUL, NULL); /* as world/real_session.c does */
    if (!json_is_object(body))
        return 0;
    struct wire_line line;
    wire_decode(body, &line);
    FUZZ_CHECK(line.id && line.body == body && line.type <= WIRE_BYE);
    read_all(&line, body);
    read_all(&line, line.result);
    size_t i;
    json_t *fault;
    json_array_foreach(json_object_get(body, "faults"), i, fault) read_all(&line, fault);
    return 0;
}
