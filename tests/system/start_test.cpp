// Everything that can be wrong at the start, with the exit code that tells scripts what it was and
// the line that tells people what to do. Catches a server that starts all the same, hangs, or dies
// without a word.
#include <boost/crc.hpp>
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "system/cluster.hpp"
#include "system/ports.hpp"

namespace system_test {

namespace {

namespace exit_code {
constexpr int failure = 1;
constexpr int usage = 2;
constexpr int data_missing = 66;
constexpr int unreachable = 69;
constexpr int cannot_create = 73;
constexpr int newer_format = 76;
constexpr int permission = 77;
constexpr int identity = 78;
}  // namespace exit_code

// Flags that are right, to which a test adds what is wrong.
Words good_flags(const Words& more) {
  Words words = {"--http=" + free_address(), "--raft=" + free_address(), "--node=1"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The checksum that libraft's files end with.
std::uint32_t crc32c(const std::string& bytes) {
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string read_all(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool mentions(const Run& run, const std::string& text) {
  return run.log.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("wrong flags end with exit code 2 and name the flag", "[system][start]") {
  const TemporaryFolder folder;
  struct Row {
    const char* flag;
    const char* named;
  };
  const Row row = GENERATE(values<Row>({{"--no-such-flag=1", "no-such-flag"},
                                        {"--bootstra", "bootstra"},
                                        {"stray", "stray"},
                                        {"--http=nonsense", "nonsense"},
                                        {"--http=127.0.0.1:99999", "99999"},
                                        {"--raft=nonsense", "nonsense"},
                                        {"--node=zero", "zero"},
                                        {"--node=0", "node"},
                                        {"--store=tape", "tape"},
                                        {"--join-timeout=5x", "5x"},
                                        {"--max-value=1furlong", "1furlong"}}));
  Words words = {"--http=" + free_address(), "--raft=" + free_address(), "--node=1", "--bootstrap"};
  const std::string flag = row.flag;
  const std::string name = flag.substr(0, flag.find('=') + 1);
  // The wrong one takes the place of the right one.
  std::erase_if(words,
                [&](const std::string& word) { return !name.empty() && word.starts_with(name); });
  words.push_back(flag);
  const Run run = run_server(folder, words);
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::usage, 0});
  CHECK(mentions(run, row.named));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "data"));
}

// A cluster of one by accident would take writes that the real cluster never sees.
TEST_CASE("without data a start needs --bootstrap or --join", "[system][start]") {
  const TemporaryFolder folder;
  const Run run = run_server(folder, good_flags({}));
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::usage, 0});
  CHECK(mentions(run, "--bootstrap"));
  CHECK(mentions(run, "--join"));
}

TEST_CASE("a port in use is named", "[system][start]") {
  const TemporaryFolder folder;
  const OccupiedPort occupied;
  const std::string flag = GENERATE("--http=", "--raft=");
  const std::string other = flag == "--http=" ? "--raft=" : "--http=";
  const Run run = run_server(
      folder, {flag + occupied.address(), other + free_address(), "--node=1", "--bootstrap"});
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::failure, 0});
  CHECK(mentions(run, occupied.address()));
  CHECK(mentions(run, "in use"));
}

TEST_CASE("a data directory that cannot be made is named", "[system][start]") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "file";
  std::ofstream(file).flush();
  const Run run =
      run_server(folder, good_flags({"--bootstrap", "--data=" + (file / "data").native()}));
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::cannot_create, 0});
  CHECK(mentions(run, file.native()));
}

TEST_CASE("a data directory without the permission to write is named", "[system][start]") {
  const TemporaryFolder folder;
  const auto locked = folder.path() / "locked";
  std::filesystem::create_directory(locked);
  std::filesystem::permissions(
      locked, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const bool heeds_permissions = true;
  const Run run =
      run_server(folder, good_flags({"--bootstrap", "--data=" + (locked / "data").native()}),
                 heeds_permissions);
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::permission, 0});
  CHECK(mentions(run, locked.native()));
}

TEST_CASE("the data of another node is refused", "[DU-09][system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  const TemporaryFolder folder;
  const Run run = run_server(folder, {"--http=" + cluster.http(1), "--raft=" + cluster.raft(1),
                                      "--node=2", "--data=" + cluster.data(1).native()});
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::identity, 0});
}

// To go on without what is missing would be to forget votes and acknowledged writes.
TEST_CASE("a data directory that lacks a file is refused", "[system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.client(1).put("/v1/kv/kept", "x").status == 201);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  std::string missing = "identity";
  SECTION("the identity") {}
  SECTION("the whole log") { missing = "log"; }
  std::filesystem::rename(cluster.data(1) / missing, cluster.data(1) / "aside");
  // A founder that is told to found by its unit file must not begin a second life.
  const std::string flag = GENERATE("--bootstrap", "--join=wait");
  cluster.start_again(1, flag);
  CHECK(cluster.wait_end(1) == Ended{exit_code::data_missing, 0});
  CHECK(cluster.log(1).find("data/node-1/" + missing + " is missing") != std::string::npos);

  std::filesystem::remove_all(cluster.data(1) / missing);
  std::filesystem::rename(cluster.data(1) / "aside", cluster.data(1) / missing);
  cluster.restart(1);
  cluster.wait_ready(1);
  CHECK(cluster.client(1).get("/v1/kv/kept").body == "x");
}

TEST_CASE("data of a newer version is refused as such", "[DU-18][system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  const auto file = cluster.data(1) / "identity";
  const std::string whole = read_all(file);
  std::string newer = whole.substr(0, whole.size() - 4);
  newer[8] = static_cast<char>(newer[8] + 1);  // The format, behind the magic number.
  const std::uint32_t crc = crc32c(newer);
  for (int shift = 0; shift < 32; shift += 8) newer += static_cast<char>(crc >> shift);
  std::ofstream(file, std::ios::binary) << newer << std::flush;
  cluster.restart(1);
  CHECK(cluster.wait_end(1) == Ended{exit_code::newer_format, 0});
  CHECK(cluster.log(1).find("newer version") != std::string::npos);

  std::ofstream(file, std::ios::binary) << whole << std::flush;
  cluster.restart(1);
  cluster.wait_ready(1);
}

TEST_CASE("a second process on the same data is refused", "[DU-10][system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  const TemporaryFolder folder;
  const Run run = run_server(folder, good_flags({"--data=" + cluster.data(1).native()}));
  INFO(run.log);
  CHECK(run.ended.signal == 0);
  CHECK(run.ended.code > 0);
  CHECK(mentions(run, cluster.data(1).native()));
  CHECK(cluster.client(1).put("/v1/kv/still", "well").status == 201);
}

TEST_CASE("joining nobody gives up with exit code 69", "[system][start]") {
  const TemporaryFolder folder;
  const std::string nobody = free_address();
  const Run run = run_server(folder, good_flags({"--join=" + nobody, "--join-timeout=1s"}));
  INFO(run.log);
  CHECK(run.ended == Ended{exit_code::unreachable, 0});
  CHECK(mentions(run, nobody));
}

TEST_CASE("founding or joining again is ignored with a word", "[system][start]") {
  Cluster cluster(any_store());
  cluster.found(1);
  REQUIRE(cluster.client(1).put("/v1/kv/kept", "x").status == 201);
  REQUIRE(cluster.stop(1) == Ended{0, 0});
  const std::string again = GENERATE("--bootstrap", "--join=127.0.0.1:1");
  cluster.start_again(1, again);
  cluster.wait_ready(1);
  CHECK(cluster.client(1).get("/v1/kv/kept").body == "x");
  CHECK(cluster.log(1).find("ignored") != std::string::npos);
}

TEST_CASE("help and version are printed and end with exit code 0", "[system][start]") {
  const TemporaryFolder folder;
  const Run help = run_server(folder, {"--help"});
  CHECK(help.ended == Ended{0, 0});
  for (const char* flag : {"--http", "--raft", "--node", "--bootstrap", "--join", "--store"}) {
    CHECK(mentions(help, flag));
  }
  CHECK(run_server(folder, {"--version"}).ended == Ended{0, 0});
}

}  // namespace system_test
