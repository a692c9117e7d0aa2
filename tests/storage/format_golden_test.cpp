// Samples of everything that is on disks, byte by byte. If one of these fails, directories written
// before can no longer be read: that needs a new format number, not a new sample (DU-18).
#include "log_samples.hpp"
#include "sim/disk.hpp"
#include "snapshot_samples.hpp"
#include "storage/identity.hpp"
#include "storage/keys.hpp"
#include "storage/log_records.hpp"

namespace raft {
namespace {

std::string hexadecimal(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += digits[static_cast<unsigned char>(byte) >> 4];
    out += digits[static_cast<unsigned char>(byte) & 0xf];
  }
  return out;
}

constexpr GroupId group{0x0102};

}  // namespace

TEST_CASE("keys are as documented", "[storage][format][DU-18]") {
  CHECK(hexadecimal(storage::hard_state_key(group)) ==
        "0000000000000102"
        "01"
        "0000000000000000");
  CHECK(hexadecimal(storage::base_key(group)) ==
        "0000000000000102"
        "02"
        "0000000000000000");
  CHECK(hexadecimal(storage::entry_key(group, {0xabcd})) ==
        "0000000000000102"
        "03"
        "000000000000abcd");
  CHECK(hexadecimal(storage::boot_mark_key()) ==
        "ffffffffffffffff"
        "ff"
        "0000000000000000");
}

TEST_CASE("records are as documented", "[storage][format][DU-18]") {
  CHECK(hexadecimal(storage::encode_record(storage::hard_state_key(group),
                                           HardState{{5}, {2}, {4}, Duration(500)})) ==
        "0e769de501050000000000000002000000000000000400000000000000f401000000000000");
  CHECK(hexadecimal(
            storage::encode_record(storage::entry_key(group, {7}),
                                   Entry{{5}, {7}, {Duration(9)}, Command{"me", 3, "set"}})) ==
        "52d0275d0105000000000000000700000000000000090000000000000002020000006d6503000000"
        "0000000003000000736574");
  CHECK(hexadecimal(storage::encode_record(storage::base_key(group), base_at(6, 5))) ==
        "6774dcc80105000000000000000600000000000000808d5b00000000000100000000000000030000"
        "0001000000000000000100000000000000070000000000000006000000686f73743a3101000a0000"
        "00617474726962757465730200000000000000020000000000000007000000000000000600000068"
        "6f73743a3201000a0000006174747269627574657303000000000000000300000000000000070000"
        "000000000006000000686f73743a3301000a0000006174747269627574657300000000");
}

TEST_CASE("the identity file is as documented", "[storage][format][DU-18]") {
  sim::Disk disk;
  check_done(storage::write_identity(
      disk.files(),
      {{3}, {0x11, 0x22}, {0x33, 0x44}, {9}, {{{7}, {"host:7000"}}, {{8}, {"a", "b"}}}}));
  CHECK(hexadecimal(value_of(disk.files().read("identity", 0, 1000))) ==
        "524146544e4f44450103000000000000001100000000000000220000000000000033000000000000"
        "00440000000000000009000000000000000200000007000000000000000100000009000000686f73"
        "743a3730303008000000000000000200000001000000610100000062c821973f");
}

TEST_CASE("a snapshot file is as documented", "[storage][format][DU-18]") {
  sim::Disk disk;
  storage::SnapshotFiles snapshots(disk.files(), group);
  auto writer =
      value_of(snapshots.begin({{{5}, {6}}, time_at(6), {{1}, membership_of({1})}}, "rec"));
  check_done(writer->append("machine"));
  const SnapshotInfo info = value_of(writer->finish());
  CHECK(value_of(disk.files().list()) ==
        std::vector<std::string>{"snapshot-00000000000000000258-00000000000000000006-"
                                 "00000000000000000005.snap"});
  CHECK(hexadecimal(value_of(snapshots.read_at(info, 0, 1000))) ==
        "52414654534e4150015a00000005000000000000000600000000000000808d5b0000000000010000"
        "00000000000100000001000000000000000100000000000000070000000000000006000000686f73"
        "743a3101000a0000006174747269627574657300000000030000007265636d616368696e657efcb8"
        "59");
}

}  // namespace raft
