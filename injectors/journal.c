#include "journal.h"

#include "base/str.h"
#include "refusal.h"
#include "store.h"

#define RECORD_MAX ((size_t)1024 * 1024)

struct journal {
    int records, backups;
};

struct journal *journal_open(const char *dir, struct error *err)
{
    struct journal *j = mem_new(struct journal);
    j->records = store_open(dir, "journal", err);
    j->backups = j->records < 0 ? -1 : store_open(dir, "backups", err);
    if (j->backups < 0) {
        journal_close(j);
        return NULL;
    }
    return j;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    fd_close_cleanup(&j->records);
    fd_close_cleanup(&j->backups);
    free(j);
}

int journal_backups(const struct journal *j)
{
    return j->backups;
}

int journal_write(struct journal *j, const char *id, const json_t *record, bool durable, struct error *err)
{
    char name[STORE_NAME_SIZE];
    store_name(id, name);
    return store_write_json(j->records, name, record, durable, err) < 0 ? error_wrap(err, "journal") : 0;
}

/* It must be about the fault that its file is named after, or it is somebody else's. */
static bool is_record(const json_t *record, const char *file)
{
    char name[STORE_NAME_SIZE];
    const char *id = json_string_value(json_object_get(record, "id"));
    if (!id || !json_is_string(json_object_get(record, "state")))
        return false;
    store_name(id, name);
    return str_equal(name, file);
}

int journal_load(struct journal *j, json_t **ret_records, json_t **ret_bad, struct error *err)
{
    auto_strlist struct strlist names = {0};
    if (store_list(j->records, &names, err) < 0)
        return -1;
    *ret_records = json_array();
    *ret_bad = json_array();
    for (size_t i = 0; i < names.count; i++) {
        struct error why = {0};
        json_t *record = store_read_json(j->records, names.items[i], RECORD_MAX, &why);
        if (record && !is_record(record, names.items[i]))
            error_set(&why, ERROR_INVALID, "%s is no record of a fault", names.items[i]);
        if (why.class == ERROR_NONE) {
            json_array_append_new(*ret_records, record);
            continue;
        }
        json_decref(record);
        json_array_append_new(*ret_bad, json_pack("{s:o, s:o}", "file", text_to_json(names.items[i], strlen(names.items[i]), 255),
                                                  "message", text_to_json(why.text, strlen(why.text), ERROR_TEXT_MAX)));
    }
    return 0;
}

bool journal_is_torn(const struct journal *j, const char *id)
{
    char name[STORE_NAME_SIZE];
    struct error why = {0};
    store_name(id, name);
    json_t *record = store_read_json(j->records, name, RECORD_MAX, &why);
    bool torn = record ? !is_record(record, name) : why.class != ERROR_NOT_FOUND;
    json_decref(record);
    return torn;
}

static void add_digest(struct strlist *used, const json_t *content)
{
    const char *hex = json_string_value(json_object_get(content, "sha256"));
    if (hex)
        strlist_add(used, hex);
}

void journal_prune(struct journal *j, bool (*open)(const json_t *record))
{
    json_t *records = NULL, *bad = NULL;
    if (journal_load(j, &records, &bad, NULL) < 0)
        return;
    size_t closed = 0, at;
    json_t *record;
    json_array_foreach(records, at, record) closed += !open(record);
    while (closed > JOURNAL_TOMBSTONES) {
        size_t oldest = SIZE_MAX;
        json_int_t oldest_at = INT64_MAX;
        json_array_foreach(records, at, record)
        {
            json_int_t ended = json_integer_value(json_object_get(record, "wall"));
            if (!open(record) && ended < oldest_at) {
                oldest_at = ended;
                oldest = at;
            }
        }
        if (oldest == SIZE_MAX)
            break;
        char name[STORE_NAME_SIZE];
        store_name(json_string_value(json_object_get(json_array_get(records, oldest), "id")), name);
        store_remove(j->records, name);
        json_array_remove(records, oldest);
        closed--;
    }
    /* Backups of open faults, and of whatever could not be read, stay. */
    auto_strlist struct strlist used = {0}, backups = {0};
    json_array_foreach(records, at, record) if (open(record))
    {
        const json_t *undo = json_object_get(record, "undo");
        add_digest(&used, json_object_get(undo, "old"));
        add_digest(&used, json_object_get(undo, "new"));
    }
    if (json_array_size(bad) == 0 && store_list(j->backups, &backups, NULL) == 0)
        for (size_t i = 0; i < backups.count; i++)
            if (!strlist_has(&used, backups.items[i]))
                store_remove(j->backups, backups.items[i]);
    json_decref(records);
    json_decref(bad);
}
