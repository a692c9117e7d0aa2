// How many bytes of log lie between two indexes, coarsely: a mark now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include <libraft/types.hpp>

namespace raft::replica {

class LogSizes {
 public:
  /// Entries are told in ascending order of index; an index told again is not counted again.
  void applied(Index index, std::size_t bytes);
  /// Nothing below is asked for any more.
  void forget(Index upto);

  /// From behind `from` to the newest told, within a mark's coarseness.
  std::uint64_t bytes_since(Index from) const;
  /// The lowest index from which to the newest told there are at most `bytes`.
  Index reaching_back(std::uint64_t bytes) const;

 private:
  struct Mark {
    Index index;
    std::uint64_t total;  ///< Bytes told up to and with this index.
  };

  std::deque<Mark> marks_;
  Index newest_;
  std::uint64_t total_ = 0;
};

}  // namespace raft::replica
