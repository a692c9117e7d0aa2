#include "sim/trace.hpp"

namespace raft::sim {

void Trace::event(NodeId node, std::string_view name,
                  std::initializer_list<std::uint64_t> numbers) {
  event(node, name, numbers, [&] {
    std::string text;
    for (const std::uint64_t number : numbers) text += std::to_string(number) + " ";
    if (!text.empty()) text.pop_back();
    return text;
  });
}

}  // namespace raft::sim
