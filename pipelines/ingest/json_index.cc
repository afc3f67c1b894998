/* The only C++ of the project, for the one library that has no C interface. */
#include "pipelines/ingest/json_index.h"

#include <cerrno>
#include <memory>
#include <new>
#include <simdjson.h>
#include <type_traits>
#include <utility>

#include "pipelines/ingest/json_scan.h"

/*
 * dom_parser_implementation is an internal name of simdjson, the only one used here, and may change
 * with any major version. Assertions here check all that a compiler can tell of it.
 * tests/unit/ingest/test_json_index.c checks the rest: which bytes are tokens, in which order, and
 * which texts are refused.
 */
#define GATE                                                                                       \
    "json_index.cc stands on an internal interface of simdjson that is known in version 3. With "  \
    "another version: let in its number here, build, and run the unit tests test_json_index and "  \
    "test_decode_json; if one fails, the interface has moved and this file must follow it."
static_assert(simdjson::SIMDJSON_VERSION_MAJOR == 3, GATE);
using parser_type = simdjson::internal::dom_parser_implementation;
static_assert(
    std::is_same<decltype(parser_type::structural_indexes), std::unique_ptr<uint32_t[]>>::value,
    GATE);
static_assert(std::is_same<decltype(parser_type::n_structural_indexes), uint32_t>::value, GATE);
static_assert(std::is_same<decltype(std::declval<parser_type &>().stage1(
                               nullptr, 0, simdjson::stage1_mode::regular)),
                           simdjson::error_code>::value,
              GATE);

/* The parser that the library itself begins with, made for the CPU at hand when it is loaded. Its
 * second stage would turn numbers into doubles, and copy strings; we need them as they were
 * written. On a CPU for which the library has only its fallback, json_scan() fills `tokens`. */
struct json_index {
    std::unique_ptr<parser_type> parser;
    std::unique_ptr<uint32_t[]> tokens;
};

static bool make(json_index *index, size_t size_max)
{
    const simdjson::implementation *best = simdjson::get_active_implementation();
    if (best->name() == "fallback") {
        index->tokens.reset(new (std::nothrow) uint32_t[size_max + 1]);
        return index->tokens != nullptr;
    }
    return best->create_dom_parser_implementation(size_max, simdjson::DEFAULT_MAX_DEPTH,
                                                  index->parser) == simdjson::SUCCESS;
}

int json_index_create(struct json_index **index_out, size_t size_max)
{
    json_index *index = new (std::nothrow) json_index;
    if (index == nullptr)
        return -ENOMEM;
    if (!make(index, size_max)) {
        delete index;
        return -ENOMEM;
    }
    *index_out = index;
    return 0;
}

void json_index_destroy(struct json_index **index)
{
    delete *index;
    *index = nullptr;
}

int64_t json_index_scan(struct json_index *index, const char *text, size_t size,
                        const uint32_t **tokens_out)
{
    if (index->tokens != nullptr) {
        *tokens_out = index->tokens.get();
        return json_scan(text, size, index->tokens.get());
    }
    simdjson::error_code error = index->parser->stage1(reinterpret_cast<const uint8_t *>(text),
                                                       size, simdjson::stage1_mode::regular);
    if (error != simdjson::SUCCESS || index->parser->n_structural_indexes == 0)
        return ERR_SYNTAX;
    *tokens_out = index->parser->structural_indexes.get();
    return index->parser->n_structural_indexes;
}
