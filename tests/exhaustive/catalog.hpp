// Every node state, message and reaction that ever came up, once each and by number.
//
// What a node does depends on nothing but itself and its input. So each reaction is computed and
// checked once, however many states of the cluster it occurs in, and a state of the cluster is a
// few numbers. This is what makes tens of millions of states affordable.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "exhaustive/fingerprint.hpp"
#include "exhaustive/model_cache.hpp"
#include "exhaustive/node_model.hpp"

namespace raft::exhaustive {

using NodeNumber = std::uint32_t;
using MessageNumber = std::uint32_t;
using EntryNumber = std::uint32_t;

/// What a node does with an input.
struct Outcome {
  NodeNumber next = 0;
  std::vector<MessageNumber> sent;
  bool accepted = false;
  bool changes_nothing = false;  ///< Nothing is sent either.
  bool is_dead = false;          ///< A message that can never change anything any more.
  bool has_news = false;  ///< It commits, or acknowledges: to be checked against other nodes.
};

struct LogFacts {
  struct Place {
    Term term;
    EntryNumber entry;  ///< Equal numbers, equal contents.
  };
  std::vector<Place> places;   ///< From index 1 on.
  std::uint32_t incoming = 0;  ///< Voters of the membership in force, a bit for each id.
  std::uint32_t outgoing = 0;

  EntryId last() const {
    return {places.empty() ? Term{} : places.back().term, Index{places.size()}};
  }
};

/// What the checks across nodes need to know of one.
struct Facts {
  struct Elected {
    Term term;
    std::vector<LogFacts::Place> log;
  };
  struct Committed {
    LogFacts::Place place;
    Term seen_in;
  };
  NodeId id;
  Term term;
  bool leads = false;
  bool campaigns = false;        ///< Its own vote counts once it is on disk.
  bool may_speak_first = false;  ///< Leads, or may by an answer: its messages may go to anyone.
  bool hears_leader = false;
  NodeId leader;
  std::size_t waiting_batches = 0;
  Term durable_term;
  std::array<PeerSession, nodes_max> sessions{};  ///< Of a leader with its peers; 0: it has none.
  std::vector<Elected> led;
  std::vector<Committed> committed;
  LogFacts log;   ///< As it is now.
  LogFacts disk;  ///< As a power cut would leave it.
};

/// What the moves need to know of a message. Nodes are ids less one.
struct Envelope {
  std::uint8_t from = 0;
  std::uint8_t to = 0;
  bool asks_for_vote = false;
  bool tells_to_campaign = false;
  bool is_loss = false;     ///< No message: the end of a connection that broke.
  bool is_connect = false;  ///< No message: the beginning of the next one.
};

/// No delivery of this message to this node will ever change anything, whatever happens meanwhile.
bool is_dead(const Facts& node, const Message& message);

class Catalog {
 public:
  explicit Catalog(const Bounds& bounds);

  /// All nodes as they start, by id.
  std::vector<NodeNumber> first_nodes();

  /// Throws Violation if the node breaks a rule, or if two nodes that count as one differ.
  const Outcome& react(NodeNumber node, Input input);
  /// No delivery of this message to this node will ever change anything.
  bool is_dead(NodeNumber node, MessageNumber message);
  const Facts& facts(NodeNumber node) const { return facts_[node]; }
  /// Made again if it has not been asked for lately.
  std::shared_ptr<const NodeModel> node(NodeNumber node) const { return model_of({node, false}); }
  const Message& message(MessageNumber number) const { return *messages_[number]; }
  /// What a node reads from a connection to a peer that has crashed and is back.
  MessageNumber loss(std::size_t from, std::size_t to) const;
  MessageNumber connect(std::size_t from, std::size_t to) const;
  const Envelope& envelope(MessageNumber number) const { return envelopes_[number]; }

  std::size_t nodes() const { return nodes_.size(); }
  /// Equal for equal sets of node states, whatever their numbers.
  std::uint64_t nodes_sum() const { return nodes_sum_; }
  std::size_t messages() const { return messages_.size(); }
  std::size_t reactions() const { return outcomes_.size(); }
  std::size_t compared() const { return compared_; }

 private:
  /// How a node was made, so that it need not be kept: from which one, by which input.
  struct Recipe {
    NodeNumber from;
    Input input;
  };

  struct Known {
    Recipe made;
    std::optional<Recipe> twin;  ///< Another one with the same digest.
    std::vector<Input> inputs;   ///< Those whose outcomes are known.
  };

  struct Which {
    NodeNumber node;
    bool is_twin;
  };

  struct HashOf {
    std::size_t operator()(const Fingerprint& value) const { return value.low; }
  };

  const Message* message_of(Input input) const;
  Outcome compute(NodeNumber number, Input input);
  void compare(NodeNumber number, Input input, const Outcome& outcome);
  std::shared_ptr<const NodeModel> model_of(Which which) const;
  NodeNumber number_of(std::shared_ptr<const NodeModel> node, Recipe made);
  MessageNumber number_of(const Message& message);
  EntryNumber number_of(const Entry& entry);
  Facts facts_of(const NodeModel& node);
  LogFacts::Place place_of(const Entry& entry);

  Bounds bounds_;
  std::deque<Known> nodes_;
  std::vector<std::shared_ptr<const NodeModel>> first_;  ///< Those that nothing was done to.
  mutable ModelCache models_;
  std::deque<Facts> facts_;
  std::deque<Fingerprint> digests_;
  std::uint64_t nodes_sum_ = 0;
  std::unordered_map<Fingerprint, NodeNumber, HashOf> node_numbers_;
  std::deque<std::unique_ptr<const Message>> messages_;
  std::vector<Envelope> envelopes_;
  std::unordered_map<Bytes, MessageNumber> message_numbers_;
  std::unordered_map<Bytes, EntryNumber> entry_numbers_;
  std::deque<Outcome> outcomes_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> outcome_numbers_;
  std::size_t compared_ = 0;
};

}  // namespace raft::exhaustive
