/* tests/fuzz/json.c: the JSON of safetensors headers. Accepted text is UTF-8, and numbers are integers. */
#include "tensor/io/json.h"
#include "tests/fuzz/fuzz.h"

static void check_items(const cJSON *json)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        double x = item->valuedouble;
        if (item->string) FUZZ_CHECK(tap__is_utf8(item->string), "name '%s'", item->string);
        if (cJSON_IsString(item)) FUZZ_CHECK(tap__is_utf8(item->valuestring), "string '%s'", item->valuestring);
        if (cJSON_IsNumber(item)) FUZZ_CHECK(x >= 0 && x <= 9007199254740992.0 && (double)(int64_t)x == x, "%.17g", x);
        check_items(item);
    }
}

void fuzz(const unsigned char *bytes, size_t n)
{
    char       *text = malloc(n + 1);
    const char *fault = "left as it was";
    size_t      at = SIZE_MAX;
    FUZZ_CHECK(text, "no memory");
    memcpy(text, bytes, n);
    text[n] = '\0';
    cJSON *json = tap__json_parse(text, n, &fault, &at);
    FUZZ_CHECK(at <= n, "byte %zu of %zu", at, n);
    FUZZ_CHECK((json == NULL) == (fault != NULL), "%s", fault ? fault : "silent");
    if (json) {
        FUZZ_CHECK(tap__is_utf8(text) && strlen(text) == n, "%s", text);
        check_items(json);
    }
    cJSON_Delete(json);
    free(text);
}

void fuzz_seeds(fuzz_put *put)
{
    FUZZ_PUT(put, "header",
             "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}  ");
    FUZZ_PUT(put, "words", " [ true , false , null , 0 , 9007199254740992 ] ");
    FUZZ_PUT(put, "escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"");
    FUZZ_PUT(put, "utf8", "[\"\xc3\xa9\",\"\xe2\x82\xac\",\"\xf0\x9f\x98\x80\"]");
    FUZZ_PUT(put, "overlong", "\"\xc0\xaf\"");
    FUZZ_PUT(put, "surrogate", "\"\xed\xa0\x80\"");
    FUZZ_PUT(put, "half_pair", "\"\\ud83d\"");
    FUZZ_PUT(put, "half_pairs", "\"\\ud83d\\ud83d\\ude00\\ude00\"");
    FUZZ_PUT(put, "nul", "\"\\u0000\"");
    FUZZ_PUT(put, "nul_byte",
             "[1,\0"
             "2]");
    FUZZ_PUT(put, "cut_escape", "\"\\u12\"");
    FUZZ_PUT(put, "cut_string", "{\"a");
    FUZZ_PUT(put, "numbers", "[01]");
    FUZZ_PUT(put, "exponent", "[1e999]");
    FUZZ_PUT(put, "negative", "[-0]");
    FUZZ_PUT(put, "large", "[99999999999999999999999999]");
    FUZZ_PUT(put, "twice", "{\"a\":1,\"a\":2,\"A\":3,\"\":4}");
    FUZZ_PUT(put, "trailing", "{} x");
    FUZZ_PUT(put, "bom", "\xef\xbb\xbf{}");
    char deep[512];
    memset(deep, '[', 256);
    memset(deep + 256, ']', 256);
    put("deep_127", deep + 129, 254);
    put("deep_128", deep + 128, 256);
    put("deep_open", deep, 256);
}
