// A node that does nothing but remember what its transport tells it.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <libraft/types.hpp>
#include "protocol/hello.hpp"
#include "protocol/message.hpp"
#include "protocol/service.hpp"
#include "wire/transport.hpp"

namespace raft::test {

/// Checks as it goes along that connected() and lost() make sense together, and that no call comes
/// while the test is inside a call into the transport (see Quiet).
class Recorder final : public wire::TransportHandler {
 public:
  explicit Recorder(NodeId id) {
    own.node = id;
    own.cluster = {1, 1};
    own.instance = {id.value, 7};
    own.boot = {1};
  }

  Hello hello(Purpose purpose, NodeId target) override {
    Hello answer = own;
    answer.purpose = purpose;
    answer.target = target;
    return answer;
  }

  std::optional<Refused> judge(const Hello& hello) override {
    if (refuses_all) {
      return refuses_all;
    }
    if (hello.cluster != own.cluster) {
      return Refused{Refusal::wrong_cluster, {}, {}, "another cluster"};
    }
    return std::nullopt;
  }

  void refused(NodeId peer, const std::string&, const Refused& why) override {
    CHECK_FALSE(is_quiet);
    events.push_back("refused by " + to_string(peer) + ": " + to_string(why.reason));
  }

  void connected(NodeId peer, const Hello& hello) override {
    CHECK_FALSE(is_quiet);
    CHECK(hello.node == peer);
    connected_to.insert(peer);
    events.push_back("connected " + to_string(peer));
  }

  void lost(NodeId peer) override {
    CHECK_FALSE(is_quiet);
    CHECK(connected_to.erase(peer) == 1);
    events.push_back("lost " + to_string(peer));
  }

  void received(GroupId group, Message message) override {
    CHECK_FALSE(is_quiet);
    CHECK(connected_to.contains(message.from));
    messages.emplace_back(group, std::move(message));
  }

  void received(GroupId group, ServiceMessage message, Reply reply) override {
    CHECK_FALSE(is_quiet);
    if (on_service) {
      return on_service(group, message, std::move(reply));
    }
    services.push_back(std::move(message));
  }

  std::size_t count(const std::string& event) const {
    std::size_t found = 0;
    for (const std::string& each : events) {
      found += each == event ? 1 : 0;
    }
    return found;
  }
  bool saw(const std::string& event) const { return count(event) > 0; }

  Hello own;
  std::optional<Refused> refuses_all;
  std::vector<std::string> events;
  std::set<NodeId> connected_to;
  std::vector<std::pair<GroupId, Message>> messages;
  std::vector<ServiceMessage> services;
  std::function<void(GroupId, const ServiceMessage&, Reply)> on_service;
  bool is_quiet = false;
};

/// While one lives, its recorder must not be called.
class Quiet {
 public:
  explicit Quiet(Recorder& recorder) : recorder_(recorder) { recorder_.is_quiet = true; }
  ~Quiet() { recorder_.is_quiet = false; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  Recorder& recorder_;
};

inline Message heartbeat_reply(NodeId from, NodeId to, std::uint64_t number) {
  return {from, to, Term{1}, HeartbeatReply{{PeerSession{number}, ReadRound{}, Index{}}}};
}

/// The number given to heartbeat_reply(); 0: it is another message.
inline std::uint64_t number_of(const Message& message) {
  const auto* reply = std::get_if<HeartbeatReply>(&message.body);
  return reply == nullptr ? 0 : reply->mark.session.value;
}

inline Message append_of(NodeId from, NodeId to, std::size_t bytes) {
  const auto entry =
      std::make_shared<Entry>(Entry{Term{1}, Index{1}, {}, Command{{}, 0, Bytes(bytes, 'x')}});
  return {from, to, Term{1}, AppendRequest{{}, {}, {entry}}};
}

}  // namespace raft::test
