#include "replica/sessions.hpp"

#include <algorithm>

#include "util/bytes.hpp"

namespace raft::replica {
namespace {

constexpr BytesView prefix = "session/";
constexpr std::size_t client_bytes = 36;  // Of a record, beside name and replies.
constexpr std::size_t reply_bytes = 12;   // Beside the reply.

/// A client chooses its sequences, up to the largest number there is.
bool is_below_window(std::uint64_t sequence, std::uint64_t highest) {
  return highest >= session_window && sequence <= highest - session_window;
}

}  // namespace

Sessions::Verdict Sessions::judge(const Command& command, LogTime time) {
  expire(time);
  const auto found = clients_.find(command.client);
  if (found == clients_.end()) return command.sequence == 1 ? Verdict::fresh : Verdict::expired;
  const Client& client = found->second;
  if (client.replies.contains(command.sequence)) return Verdict::repeated;
  // Requests may overtake each other within the window; below it nobody knows any more.
  const bool is_known_no_more =
      command.sequence == 0 || is_below_window(command.sequence, client.highest);
  return is_known_no_more ? Verdict::expired : Verdict::fresh;
}

const Bytes& Sessions::reply(const Command& command) const {
  return clients_.at(command.client).replies.at(command.sequence);
}

void Sessions::remember(const Command& command, LogTime time, const Bytes& reply) {
  const auto [found, is_new] = clients_.try_emplace(command.client);
  if (is_new) bytes_ += client_bytes + command.client.size();
  Client& client = found->second;
  by_silence_.erase({client.last_heard, command.client});
  client.last_heard = time;
  by_silence_.insert({time, command.client});
  client.highest = std::max(client.highest, command.sequence);
  client.replies[command.sequence] = reply;
  bytes_ += reply_bytes + reply.size();
  while (is_below_window(client.replies.begin()->first, client.highest)) forget_first(client);
  if (tracks_changes_) changed_.insert(command.client);
  while (clients_.size() > sessions_max || bytes_ > sessions_bytes_max) {
    end(by_silence_.begin()->second);
  }
}

void Sessions::forget_first(Client& client) {
  const auto first = client.replies.begin();
  bytes_ -= reply_bytes + first->second.size();
  client.replies.erase(first);
}

void Sessions::expire(LogTime time) {
  while (!by_silence_.empty() &&
         by_silence_.begin()->first.since_founding + session_lifetime < time.since_founding) {
    end(by_silence_.begin()->second);
  }
}

void Sessions::end(const Bytes& client) {
  const Bytes name = client;  // The argument may live in what is erased.
  const auto found = clients_.find(name);
  by_silence_.erase({found->second.last_heard, name});
  while (!found->second.replies.empty()) forget_first(found->second);
  bytes_ -= client_bytes + name.size();
  clients_.erase(found);
  if (tracks_changes_) changed_.insert(name);
}

MetaRecord Sessions::record_of(const Bytes& name, const Client& client) const {
  Bytes value;
  util::Writer out(value);
  out.u64(static_cast<std::uint64_t>(client.last_heard.since_founding.count()));
  out.u64(client.highest);
  out.u32(static_cast<std::uint32_t>(client.replies.size()));
  for (const auto& [sequence, reply] : client.replies) {
    out.u64(sequence);
    out.bytes(reply);
  }
  return {Bytes(prefix) + name, std::move(value)};
}

void Sessions::take_changes(std::vector<MetaRecord>& records) {
  for (const Bytes& name : changed_) {
    const auto found = clients_.find(name);
    if (found == clients_.end()) {
      records.push_back({Bytes(prefix) + name, std::nullopt});
    } else {
      records.push_back(record_of(name, found->second));
    }
  }
  changed_.clear();
}

void Sessions::save(std::vector<MetaRecord>& records) const {
  for (const auto& [name, client] : clients_) records.push_back(record_of(name, client));
}

bool Sessions::load(const MetaRecord& record) {
  if (!record.key.starts_with(prefix) || !record.value) return false;
  const Bytes name = record.key.substr(prefix.size());
  Client client;
  std::size_t bytes = client_bytes + name.size();
  util::Reader in(*record.value);
  client.last_heard.since_founding = Duration(static_cast<std::int64_t>(in.u64()));
  client.highest = in.u64();
  for (std::size_t left = in.count(12); left > 0; --left) {
    const std::uint64_t sequence = in.u64();
    Bytes& reply = client.replies[sequence];
    reply = in.bytes();
    bytes += reply_bytes + reply.size();
  }
  if (!in.done()) return false;
  bytes_ += bytes;
  by_silence_.insert({client.last_heard, name});
  clients_[name] = std::move(client);
  return true;
}

}  // namespace raft::replica
