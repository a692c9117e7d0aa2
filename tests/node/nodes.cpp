#include "node/nodes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>

namespace test {

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "raft-node-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

raft::Founding bootstrap() {
  raft::Founding how;
  how.bootstrap = true;
  return how;
}

raft::Founding join(const std::string& address) {
  raft::Founding how;
  how.join = {address};
  return how;
}

Member& Nodes::start(std::uint64_t id, raft::Founding how, bool blocks) {
  auto member = std::make_unique<Member>(blocks);
  raft::NodeOptions options;
  options.id = {id};
  options.data_dir = folder_.path() + "/" + std::to_string(id);
  options.listen = "127.0.0.1:0";
  options.on_failure = [failures = &member->failures](raft::GroupId, const raft::Error& why) {
    failures->push_back(why);
  };
  options.on_leader_change = [leaders = &member->leaders](raft::GroupId, raft::NodeId leader,
                                                          raft::Term term) {
    leaders->emplace_back(leader, term);
  };
  auto node = raft::Node::open(context_.get_executor(), options);
  if (!node) FAIL("node " << id << ": " << node.error().detail);
  member->node = *std::move(node);
  raft::GroupOptions group;
  group.founding = std::move(how);
  group.retention.snapshot_log_entries = 50;
  group.retention.trailing_entries = 10;
  const auto started = member->node->start_group(group, member->words);
  if (!started) FAIL("group on node " << id << ": " << started.error().detail);
  member->group = *started;
  return *(members_[id] = std::move(member));
}

void Nodes::stop(std::uint64_t id) {
  members_.at(id)->node.reset();
  gone_.push_back(std::move(members_.at(id)));  // Its machine outlives what is still on its way.
  members_.erase(id);
}

void Nodes::run_until(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) FAIL("gave up waiting");
    context_.restart();
    context_.run_one_for(std::chrono::milliseconds(20));
  }
}

std::pair<boost::system::error_code, raft::Applied> Nodes::propose(std::uint64_t through,
                                                                   std::string word,
                                                                   raft::ProposeOptions options) {
  std::optional<std::pair<boost::system::error_code, raft::Applied>> answer;
  (*this)[through].group->async_propose(
      std::move(word), std::move(options),
      [&](boost::system::error_code error, raft::Applied applied) {
        answer.emplace(error, std::move(applied));
      });
  CHECK_FALSE(answer.has_value());  // Never from within the initiating call.
  run_until([&] { return answer.has_value(); });
  return *std::move(answer);
}

std::uint64_t Nodes::leader() {
  for (const auto& [id, member] : members_) {
    if (member->group->status().role == raft::RoleNow::leader) return id;
  }
  return 0;
}

void Nodes::form_cluster(std::uint64_t size, bool blocks) {
  start(1, bootstrap(), blocks);
  run_until([&] { return leader() == 1; });
  for (std::uint64_t id = 2; id <= size; ++id) {
    start(id, join((*this)[1].node->address()), blocks);
  }
  run_until([&] {
    return std::all_of(members_.begin(), members_.end(), [&](const auto& item) {
      const raft::Status status = item.second->group->status();
      return status.membership.membership->voters().size() == size &&
             !status.membership.membership->is_joint() && status.commit >= status.membership.index;
    });
  });
}

}  // namespace test
