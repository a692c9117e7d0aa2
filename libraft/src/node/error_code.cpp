#include <libraft/error_code.hpp>

#include <string>

namespace raft {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "raft"; }
  std::string message(int code) const override { return raft::message(static_cast<Errc>(code)); }
};

}  // namespace

const boost::system::error_category& raft_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace raft
