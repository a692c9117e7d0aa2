// A cluster of one that keeps its keys in a map: what the server talks to in tests.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kvserver/backend.hpp"
#include "kvserver/kv_command.hpp"

namespace http_test {

/// Fails with `failure` if one is set, keeps handlers back while `holding`, else does as it is
/// told.
class FakeBackend final : public kv::Backend {
 public:
  explicit FakeBackend(boost::asio::io_context& context) : context_(context) {
    history.begin(where.applied);
  }

  std::optional<raft::Errc> failure;
  std::optional<raft::Errc> refusal;  ///< Of changes of the cluster only.
  std::string why;                    ///< What is said beside it.
  std::function<void()> at_barrier;   ///< What is learned by then.
  bool holding = false;
  kv::Position where{{1}, {1}, {7}, {40}};
  std::map<raft::NodeId, std::string> addresses{{{1}, "127.0.0.1:6000"}, {{2}, "127.0.0.1:6001"}};
  std::map<std::string, kv::Item> items;
  raft::Status state;
  kv::ChangeHistory history{std::size_t{1} << 20};

  // What was asked for.
  std::vector<raft::Bytes> commands;
  std::vector<raft::ProposeOptions> options;
  std::vector<raft::ReadLevel> barriers;
  std::vector<raft::Member> added;
  std::vector<raft::NodeId> removed;
  std::vector<raft::NodeId> transfers;

  void set_members(const std::vector<raft::NodeId>& voters);
  /// Lets the oldest handler that is held back go.
  void release_one();
  std::size_t held() const { return held_.size(); }

  boost::asio::any_io_executor executor() const override { return context_.get_executor(); }
  kv::Position position() const override { return where; }
  std::string http_address(raft::NodeId id) const override;
  raft::Result<std::optional<kv::Item>> get(kv::BytesView key) const override;
  raft::Result<void> scan(const kv::Range& range, const kv::Visitor& visit) const override;
  void propose(kv::Bytes command, raft::ProposeOptions with, Proposed done) override;
  void read_barrier(raft::ReadLevel level, raft::Duration deadline, Handler done) override;
  void add_member(raft::Member member, Changed done) override;
  void remove_member(raft::NodeId id, Changed done) override;
  void transfer_leadership(raft::NodeId to, Changed done) override;
  raft::Status status() const override { return state; }
  raft::TransportStatus transport_status() const override { return {}; }
  raft::NodeIdentity identity() const override { return {{1}, {1, 2}, {3, 4}, {1}}; }
  kv::Totals totals() const override { return {items.size(), 0}; }
  kv::ChangeHistory& changes() override { return history; }
  std::optional<std::uint64_t> free_bytes() const override { return 1234; }

 private:
  void finish(std::function<void()> completion);
  void complete(Handler done);
  void complete(Changed done);
  kv::Reply apply(const kv::Command& command);
  bool holds(const kv::Condition& condition, const kv::Item* item) const;

  boost::asio::io_context& context_;
  std::deque<std::function<void()>> held_;
};

}  // namespace http_test
