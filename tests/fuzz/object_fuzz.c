/* Any object of any of our kinds: the first byte chooses the kind, the rest is JSON as a watch brings it. It is reduced, summed up, kept and
 * found again, decoded, and where it is a target, its references resolved. A refusal names a field of the object. */
#include "api/card.h"
#include "api/drill.h"
#include "api/playbook.h"
#include "api/schedule.h"
#include "api/target.h"
#include "api/task.h"
#include "api/trigger.h"
#include "base/str.h"
#include "kube/json_reader.h"
#include "shell/entry.h"
#include "shell/reduce.h"

#include "fuzz.h"

static void check(int result, const struct error *err)
{
    if (result == 0) {
        FUZZ_CHECK(err->class == ERROR_NONE);
        return;
    }
    FUZZ_CHECK(err->class == ERROR_INVALID);
    FUZZ_CHECK(str_starts(err->text, "spec") || str_starts(err->text, "status"));
}

static void resolve_all(const struct target *t)
{
    struct error err = {0};
    json_t *value = target_resolve(t, t->facets, "spec.facets", &err);
    FUZZ_CHECK(value ? err.class == ERROR_NONE : err.text[0] != '\0');
    json_decref(value);
}

static void decode(enum kind kind, json_t *object)
{
    struct error err = {0};
    auto_card struct card card = {0};
    auto_drill struct drill drill = {0};
    auto_playbook struct playbook playbook = {0};
    auto_run struct run run = {0};
    auto_schedule struct schedule schedule = {0};
    auto_target struct target target = {0};
    auto_task struct task task = {0};
    auto_trigger struct trigger trigger = {0};
    if (kind == KIND_CARD)
        check(card_decode(object, &card, &err), &err);
    else if (kind == KIND_DRILL)
        check(drill_decode(object, &drill, &err), &err);
    else if (kind == KIND_PLAYBOOK)
        check(playbook_decode(object, &playbook, &err), &err);
    else if (kind == KIND_RUN)
        check(run_decode(object, &run, &err), &err);
    else if (kind == KIND_SCHEDULE)
        check(schedule_decode(object, &schedule, &err), &err);
    else if (kind == KIND_TASK)
        task_decode(object, &task);
    else if (kind == KIND_TRIGGER)
        check(trigger_decode(object, &trigger, &err), &err);
    else if (kind == KIND_TARGET) {
        int result = target_decode(object, &target, &err);
        check(result, &err);
        if (result == 0)
            resolve_all(&target);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    enum kind kind = (enum kind)(data[0] % KIND_COUNT);
    auto_free char *text = fuzz_string(data + 1, size - 1);
    json_auto_t *object = json_reader_load(text, strlen(text));
    if (!json_is_object(object))
        return 0;
    json_auto_t *reduced = reduce_object(kind, object);
    static char scratch[SUMMARY_SCRATCH_SIZE];
    struct summary summary;
    summary_read(kind, reduced, scratch, &summary);
    struct pack_dictionary *dictionary = NULL;
    struct entry *entry = entry_new(&summary);
    entry_pack(entry, reduced, &dictionary);
    json_auto_t *again = entry_parse(entry);
    FUZZ_CHECK(again && json_equal(again, reduced));
    entry_free(entry);
    pack_dictionary_unref(dictionary);
    decode(kind, again);
    return 0;
}
