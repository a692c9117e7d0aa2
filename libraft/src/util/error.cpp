#include <libraft/error.hpp>

namespace raft {

const char* to_string(Errc code) {
  switch (code) {
    case Errc::not_leader:
      return "not_leader";
    case Errc::no_leader:
      return "no_leader";
    case Errc::busy:
      return "busy";
    case Errc::dropped:
      return "dropped";
    case Errc::unknown_outcome:
      return "unknown_outcome";
    case Errc::session_expired:
      return "session_expired";
    case Errc::conflict:
      return "conflict";
    case Errc::id_taken:
      return "id_taken";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::too_large:
      return "too_large";
    case Errc::timed_out:
      return "timed_out";
    case Errc::removed:
      return "removed";
    case Errc::storage_full:
      return "storage_full";
    case Errc::corrupt:
      return "corrupt";
    case Errc::storage_failed:
      return "storage_failed";
    case Errc::stopped:
      return "stopped";
    case Errc::data_missing:
      return "data_missing";
    case Errc::newer_format:
      return "newer_format";
    case Errc::transferring:
      return "transferring";
    case Errc::machine_failed:
      return "machine_failed";
  }
  return "unknown";  // A number from elsewhere, cast to Errc.
}

const char* message(Errc code) {
  switch (code) {
    case Errc::not_leader:
      return "this node is not the leader; nothing was applied";
    case Errc::no_leader:
      return "no leader is known; nothing was applied, try again after the election";
    case Errc::busy:
      return "too much is in flight; nothing was applied, try again later";
    case Errc::dropped:
      return "another entry was committed in its place; it was certainly not applied";
    case Errc::unknown_outcome:
      return "it may or may not have been applied; retry only within a session";
    case Errc::session_expired:
      return "the session is no longer known; the request was not executed now";
    case Errc::conflict:
      return "another change is under way, or the membership is not the expected one";
    case Errc::id_taken:
      return "the node id belongs to another instance; remove that member first";
    case Errc::invalid_argument:
      return "the request can never succeed as it is";
    case Errc::too_large:
      return "the command exceeds the size limit";
    case Errc::timed_out:
      return "it did not end in time; nothing was changed";
    case Errc::removed:
      return "this node is no longer a member of the cluster";
    case Errc::storage_full:
      return "the disk is full; nothing was applied, service resumes once there is space";
    case Errc::corrupt:
      return "stored or received bytes are not what was written";
    case Errc::storage_failed:
      return "the disk failed; this process can no longer take part";
    case Errc::stopped:
      return "the group is shutting down; nothing was applied";
    case Errc::data_missing:
      return "a file of the data directory is missing";
    case Errc::newer_format:
      return "the stored data was written by a newer version";
    case Errc::transferring:
      return "leadership is being transferred; nothing was applied, try again in a moment";
    case Errc::machine_failed:
      return "the state machine failed; this process can no longer take part";
  }
  return "unknown error";
}

}  // namespace raft
