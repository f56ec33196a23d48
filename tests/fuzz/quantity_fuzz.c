#include "api/quantity.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = fuzz_string(data, size);
    int64_t whole = 7, milli = 7;
    double number = 7;
    bool ok = quantity_to_i64(text, &whole);
    FUZZ_CHECK(quantity_to_milli(text, &milli) == ok && quantity_to_double(text, &number) == ok);
    if (!ok) {
        FUZZ_CHECK(whole == 7 && milli == 7);
        return 0;
    }
    FUZZ_CHECK(number >= -9223372036854775807.0 && number <= 9223372036854775807.0);
    /* rounded away from zero, by less than one */
    double size_of_whole = whole < 0 ? -(double)whole : (double)whole, size_of_number = number < 0 ? -number : number;
    FUZZ_CHECK(size_of_whole >= size_of_number * (1 - 1e-15) && size_of_whole - size_of_number <= 1 + size_of_number * 1e-15);
    FUZZ_CHECK((milli >= 0) == (whole >= 0));
    return 0;
}
