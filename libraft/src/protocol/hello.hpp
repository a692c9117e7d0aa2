// The first thing that two nodes say to each other on a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <libraft/types.hpp>

namespace raft {

/// What a connection is for.
enum class Purpose : std::uint8_t {
  control = 1,    ///< Messages of all groups; one connection per pair of nodes.
  bulk = 2,       ///< Snapshot bytes; dialled by the receiver of the snapshot.
  introduce = 3,  ///< Ask who is there, or ask to be taken in: any cluster, no membership needed.
};

/// What a node can show for itself in one group.
struct Standing {
  GroupId group;
  Index named_at;  ///< Of the newest membership entry naming this very instance; 0: none.
  Term term;       ///< At least that on disk: whoever cut the log for a later one says so at once.
  Index durable;   ///< Last index of the log on disk.

  bool operator==(const Standing&) const = default;
};

/// So many standings and an address of 256 bytes fit a hello of 1 KiB.
inline constexpr std::size_t standings_max = 20;

struct Hello {
  std::uint16_t version_min = 1;  ///< Wire versions that the sender speaks.
  std::uint16_t version_max = 1;
  Purpose purpose = Purpose::control;
  ClusterId cluster;  ///< 0: none yet.
  NodeId node;
  NodeId target;  ///< Who the sender believes is at the other end; 0: it does not know.
  InstanceId instance;
  BootNumber boot;
  std::string address;              ///< What others dial to reach the sender.
  std::vector<Standing> standings;  ///< Of its lowest groups, standings_max at most.

  bool operator==(const Hello&) const = default;
};

enum class Refusal : std::uint8_t {
  version = 1,    ///< No common wire version.
  wrong_cluster,  ///< The two nodes belong to different clusters.
  wrong_node,     ///< `target` is not who answers here.
  id_taken,       ///< The id is known with another instance: a wiped disk or a second machine.
  rolled_back,    ///< This instance was seen with more than it now has: a restored old backup.
  removed,        ///< The committed membership no longer names this node.
  self,           ///< A node dialled itself.
  too_many,       ///< No room for another connection.
};

/// What of a refusal's detail goes on the wire; the rest is cut off.
inline constexpr std::size_t refusal_detail_bytes_max = 512;

/// Why a hello was refused, and what a person should do.
struct Refused {
  Refusal reason = Refusal::version;
  GroupId group;       ///< For `removed` and `id_taken`: whose membership says so; 0 otherwise.
  Index membership;    ///< For the same two: where this is decided; 0 otherwise.
  std::string detail;  ///< One line.

  bool operator==(const Refused&) const = default;
};

/// A membership speaks for its own group only. All else is about the node and its directory.
constexpr bool concerns(const Refused& refused, GroupId group) {
  const bool is_of_a_group =
      refused.reason == Refusal::removed || refused.reason == Refusal::id_taken;
  return !is_of_a_group || refused.group == group;
}

const char* to_string(Purpose);
const char* to_string(Refusal);

}  // namespace raft
