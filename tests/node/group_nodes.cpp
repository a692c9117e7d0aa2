#include "node/group_nodes.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <utility>

namespace test {

using boost::system::error_code;

raft::Node& GroupNodes::open(std::uint64_t id) {
  auto host = std::make_unique<Host>();
  raft::NodeOptions options;
  options.id = {id};
  options.data_dir = folder_.path() + "/" + std::to_string(id);
  options.listen = listening_.contains(id) ? listening_[id] : "127.0.0.1:0";
  options.on_failure = [failures = &host->failures](raft::GroupId group, const raft::Error& why) {
    failures->emplace(group.value, why.code);
  };
  auto node = raft::Node::open(context_.get_executor(), options);
  if (!node) FAIL("node " << id << ": " << node.error().detail);
  host->node = *std::move(node);
  listening_[id] = host->node->address();
  raft::Node& opened = *host->node;
  hosts_[id] = std::move(host);
  return opened;
}

void GroupNodes::start(std::uint64_t id, std::uint64_t group, raft::Founding how) {
  Host& host = *hosts_.at(id);
  auto part = std::make_unique<Part>();
  raft::GroupOptions options;
  options.group = {group};
  options.founding = std::move(how);
  const auto started = host.node->start_group(options, part->words);
  if (!started) FAIL("group " << group << " on node " << id << ": " << started.error().detail);
  part->group = *started;
  host.parts[group] = std::move(part);
}

void GroupNodes::stop(std::uint64_t id) {
  hosts_.at(id)->node.reset();
  gone_.push_back(std::move(hosts_.at(id)));
  hosts_.erase(id);
}

void GroupNodes::run_until(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) FAIL("gave up waiting");
    context_.restart();
    context_.run_one_for(std::chrono::milliseconds(20));
  }
}

void GroupNodes::propose(std::uint64_t id, std::uint64_t group, const std::string& word) {
  error_code answer = raft::Errc::no_leader;
  while (answer == raft::Errc::no_leader || answer == raft::Errc::not_leader ||
         answer == raft::Errc::busy || answer == raft::Errc::transferring) {
    run_until([&] { return static_cast<bool>(this->group(id, group).status().leader); });
    std::optional<error_code> told;
    this->group(id, group).async_propose(
        word, [&](error_code error, const raft::Applied&) { told = error; });
    run_until([&] { return told.has_value(); });
    answer = *told;
  }
  INFO("group " << group << " through node " << id << ": " << answer.message());
  CHECK_FALSE(answer);
}

std::size_t GroupNodes::read(std::uint64_t id, std::uint64_t group) {
  std::optional<std::size_t> size;
  this->group(id, group).async_read(
      raft::ReadLevel::linearizable, std::chrono::seconds(10),
      [&] { return words(id, group).size(); },
      [&](error_code error, std::size_t found) {
        CHECK_FALSE(error);
        size = found;
      });
  run_until([&] { return size.has_value(); });
  return *size;
}

void GroupNodes::remove(std::uint64_t through, std::uint64_t group, std::uint64_t id) {
  raft::MembershipChange change;
  change.remove = {{id}};
  std::optional<error_code> told;
  this->group(through, group).async_change_membership(change, [&](error_code error) {
    told = error;
  });
  run_until([&] { return told.has_value(); });
  CHECK_FALSE(*told);
}

void GroupNodes::run_until_voters(std::uint64_t seen_by, std::uint64_t group,
                                  const std::set<std::uint64_t>& ids) {
  run_until([&] {
    const raft::Status status = this->group(seen_by, group).status();
    const auto& membership = status.membership.membership;
    std::set<std::uint64_t> voters;
    for (const raft::NodeId voter : membership->voters()) voters.insert(voter.value);
    return voters == ids && !membership->is_joint() && status.commit >= status.membership.index;
  });
}

}  // namespace test
