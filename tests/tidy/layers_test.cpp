// Catches a shortcut through the layers on the day it is made. The linker catches some of these
// too, but not a header that is only included.
#include <catch2/catch.hpp>

#include "tidy/layer_rules.hpp"
#include "tidy/source_tree.hpp"

namespace tidy {

TEST_CASE("no file includes what its layer must not know", "[tidy][layers]") {
  for (const fs::path& file : with_extension(files_below(""), {".cpp", ".hpp"})) {
    for (const Line& line : lines_of(file)) {
      const auto header = included(line.text);
      const auto reason = header ? why_not_include(file, *header) : why_not_line(file, line.text);
      if (reason) {
        FAIL_CHECK(file.native() << ":" << line.number << ": " << line.text << ": " << *reason);
      }
    }
  }
}

TEST_CASE("an include is told from other lines", "[tidy][layers]") {
  CHECK(included("#include <thread>") == "thread");
  CHECK(included("  #  include \"core/log.hpp\"  // why") == "core/log.hpp");
  CHECK_FALSE(included("// #include <thread>"));
  CHECK_FALSE(included("#pragma once"));
}

// A rule that lets everything pass would make the first test above worthless.
TEST_CASE("the rules of the layers refuse what they should", "[tidy][layers]") {
  struct Row {
    const char* file;
    const char* header;
    bool allowed;
  };
  const Row row = GENERATE(values<Row>({
      {"libraft/src/core/log.cpp", "vector", true},
      {"libraft/src/core/log.cpp", "protocol/entry.hpp", true},
      {"libraft/src/core/log.cpp", "thread", false},
      {"libraft/src/core/log.cpp", "unordered_map", false},
      {"libraft/src/core/log.cpp", "random", false},
      {"libraft/src/core/log.cpp", "boost/asio.hpp", false},
      {"libraft/src/core/log.cpp", "boost/json.hpp", false},
      {"libraft/src/core/log.cpp", "wire/codec.hpp", false},
      {"libraft/src/core/log.cpp", "util/log.hpp", false},
      {"libraft/src/wire/codec.cpp", "storage/keys.hpp", false},
      {"libraft/src/wire/codec.cpp", "boost/asio/buffer.hpp", false},
      {"libraft/src/storage/log_store.cpp", "rocksdb/db.h", false},
      {"libraft/src/storage/rocks_engine.cpp", "rocksdb/db.h", true},
      {"libraft/src/storage/storage_thread.cpp", "mutex", true},
      {"libraft/src/replica/replica.cpp", "wire/codec.hpp", false},
      {"libraft/src/replica/replica.cpp", "mutex", false},
      {"libraft/src/replica/replica.cpp", "util/mutex.hpp", false},
      {"libraft/src/replica/replica.cpp", "storage/storage_thread.hpp", false},
      {"libraft/src/net/connection.cpp", "boost/asio.hpp", true},
      {"libraft/src/net/connection.cpp", "core/core.hpp", false},
      {"libraft/src/sim/world.cpp", "replica/replica.hpp", true},
      {"libraft/src/sim/world.cpp", "net/connection.hpp", false},
      {"libraft/src/node/node.cpp", "replica/replica.hpp", true},
      {"libraft/src/node/node.cpp", "boost/beast/http.hpp", false},
      {"libraft/include/libraft/types.hpp", "boost/asio.hpp", false},
      {"libraft/include/libraft/node.hpp", "boost/asio/async_result.hpp", true},
      {"libraft/include/libraft/node.hpp", "boost/beast.hpp", false},
      {"libraft/include/libraft/node.hpp", "core/core.hpp", false},
      {"libraft/include/libraft/error_code.hpp", "boost/system/error_code.hpp", true},
      {"kvserver/routes.cpp", "libraft/node.hpp", true},
      {"kvserver/routes.cpp", "core/core.hpp", false},
      {"kvserver/routes.cpp", "rocksdb/db.h", false},
      {"kvserver/rocks_store.cpp", "rocksdb/db.h", true},
      {"kvserver/rocks_database.hpp", "rocksdb/db.h", true},
      {"kvserver/rocks_store.cpp", "kvserver/rocks_database.hpp", true},
      {"kvserver/kv_store.cpp", "kvserver/rocks_database.hpp", false},
      {"kvserver/routes.hpp", "boost/beast/http.hpp", false},
  }));
  CAPTURE(row.file, row.header);
  CHECK(why_not_include(row.file, row.header).has_value() != row.allowed);
}

TEST_CASE("deterministic layers use no clock, thread or chance", "[tidy][layers]") {
  CHECK(why_not_line("libraft/src/core/core.cpp", "auto t = std::chrono::steady_clock::now();"));
  CHECK(why_not_line("libraft/src/replica/reads.cpp", "std::mutex mutex_;"));
  CHECK(why_not_line("libraft/src/sim/world.cpp", "std::unordered_map<int, int> m;"));
  CHECK_FALSE(why_not_line("libraft/src/net/connection.cpp", "std::random_device seed;"));
  CHECK_FALSE(why_not_line("libraft/src/core/core.cpp", "Duration since{0};"));
}

}  // namespace tidy
