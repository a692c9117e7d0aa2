#include "kvserver/metrics.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <span>
#include <string_view>

namespace kv {
namespace {

// Writes families of samples: HELP and TYPE once, then the samples.
class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }

  void sample(std::uint64_t value, std::string_view labels = {}, std::string_view suffix = {}) {
    line(std::to_string(value), labels, suffix);
  }
  void sample(double value, std::string_view labels = {}, std::string_view suffix = {}) {
    std::array<char, 40> digits;
    const int length = std::snprintf(digits.data(), digits.size(), "%.9g", value);
    line({digits.data(), static_cast<std::size_t>(length)}, labels, suffix);
  }

  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, "gauge", help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, "counter", help);
    sample(value);
  }

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view value, std::string_view labels, std::string_view suffix) {
    text_.append(name_).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }

  std::string text_;
  std::string_view name_;
};

// "2.5e-05", without the trailing zeros of a fixed number of digits.
std::string bound_label(double bound) {
  std::array<char, 40> digits;
  const int length = std::snprintf(digits.data(), digits.size(), "le=\"%g\"", bound);
  return {digits.data(), static_cast<std::size_t>(length)};
}

struct Bucket {
  std::uint64_t at_most;  // The last value that counts: one below a power of two, so that no bucket
                          // of raft::Histogram is cut in two.
  double bound;           // What `le` says.
};

void histogram(Page& page, const raft::Histogram& values, std::span<const Bucket> buckets,
               double unit) {
  for (const Bucket& bucket : buckets) {
    page.sample(values.at_most(bucket.at_most), bound_label(bucket.bound), "_bucket");
  }
  page.sample(values.count(), "le=\"+Inf\"", "_bucket");
  page.sample(static_cast<double>(values.sum()) * unit, {}, "_sum");
  page.sample(values.count(), {}, "_count");
}

void time_histogram(Page& page, std::string_view name, std::string_view help,
                    const raft::Histogram& microseconds) {
  // 16 us to 16 s. A recorded microsecond is a begun one, so "at most 1023" is "below 1.024 ms".
  std::array<Bucket, 11> buckets;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const std::uint64_t bound = std::uint64_t{16} << (2 * i);
    buckets[i] = {bound - 1, static_cast<double>(bound) * 1e-6};
  }
  page.family(name, "histogram", help);
  histogram(page, microseconds, buckets, 1e-6);
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

std::string peer_label(raft::NodeId id) { return label("peer", std::to_string(id.value)); }

void raft_state(Page& page, const raft::Status& status) {
  page.gauge("raft_term", "The present term.", status.term.value);
  page.family("raft_role", "gauge", "1 for the role that this node has now.");
  for (const raft::RoleNow role : {raft::RoleNow::follower, raft::RoleNow::pre_candidate,
                                   raft::RoleNow::candidate, raft::RoleNow::leader}) {
    page.sample(std::uint64_t{status.role == role}, label("role", raft::to_string(role)));
  }
  page.gauge("raft_leader_id", "The leader's node id, 0 while unknown.", status.leader.value);
  page.gauge("raft_is_member", "Whether the membership names this node.", status.is_member);
  page.gauge("raft_commit_index", "The last entry known to be committed.", status.commit.value);
  page.gauge("raft_applied_index", "The last entry applied here.", status.applied.value);
  page.gauge("raft_first_index", "The oldest entry still in the log.", status.first_index.value);
  page.gauge("raft_last_index", "The newest entry in the log.", status.last_index.value);
  page.gauge("raft_pending_proposals", "Writes that wait for their entry.",
             status.pending_proposals);
  page.gauge("raft_pending_reads", "Reads that wait for their barrier.", status.pending_reads);
  page.family("raft_leader_contact_seconds", "gauge", "Since a follower heard from the leader.");
  page.sample(std::chrono::duration<double>(status.since_leader_contact).count());
  page.gauge("raft_failed", "1 once this node cannot go on.", status.failure.has_value());
  page.gauge("raft_storage_full", "1 while writes wait for space on the disk.",
             status.storage_full);
}

void raft_counters(Page& page, const raft::Counters& counters) {
  page.family("raft_proposals_total", "counter", "Proposals made here, by what came of them.");
  page.sample(counters.proposals[0], label("result", "applied"));
  for (std::size_t code = 1; code < raft::errc_count; ++code) {
    page.sample(counters.proposals[code],
                label("result", raft::to_string(static_cast<raft::Errc>(code))));
  }
  page.counter("raft_elections_started_total", "Elections begun here.", counters.elections_started);
  page.counter("raft_elections_won_total", "Elections won here.", counters.elections_won);
  page.counter("raft_snapshots_taken_total", "Snapshots of the own state.",
               counters.snapshots_taken);
  page.counter("raft_snapshots_sent_total", "Snapshots delivered to others.",
               counters.snapshots_sent);
  page.counter("raft_snapshots_installed_total", "Snapshots received and installed.",
               counters.snapshots_installed);
  page.counter("raft_absurd_terms_total", "Messages ignored for a term far beyond this node's.",
               counters.absurd_terms);
  time_histogram(page, "raft_propose_seconds", "From a proposal to its reply.",
                 counters.propose_to_applied_us);
  time_histogram(page, "raft_apply_seconds", "One run of entries through the state machine.",
                 counters.apply_us);
  time_histogram(page, "raft_sync_seconds", "One synced write of the log.", counters.sync_us);
  static constexpr std::array<Bucket, 7> batch_buckets{
      {{1, 1}, {3, 3}, {7, 7}, {15, 15}, {63, 63}, {255, 255}, {1023, 1023}}};
  page.family("raft_batch_entries", "histogram", "Entries in one synced write of the log.");
  histogram(page, counters.batch_entries, batch_buckets, 1);
}

void raft_peers(Page& page, const raft::Status& status) {
  page.family("raft_peer_lag_entries", "gauge", "On the leader: entries not yet on a peer's disk.");
  for (const auto& peer : status.peers) {
    page.sample(raft::distance(peer.match, status.last_index), peer_label(peer.id));
  }
  page.family("raft_peer_round_trip_seconds", "gauge", "On the leader: smoothed round trip.");
  for (const auto& peer : status.peers) {
    page.sample(std::chrono::duration<double>(peer.round_trip).count(), peer_label(peer.id));
  }
  page.family("raft_peer_contact_seconds", "gauge", "On the leader: since a peer was heard from.");
  for (const auto& peer : status.peers) {
    page.sample(std::chrono::duration<double>(peer.since_contact).count(), peer_label(peer.id));
  }
}

void transport(Page& page, const raft::TransportStatus& transport) {
  page.family("raft_peer_connected", "gauge", "Whether the connection to a peer stands.");
  for (const auto& peer : transport.peers) {
    page.sample(std::uint64_t{peer.connected}, peer_label(peer.id));
  }
  page.counter("raft_connections_refused_total", "Refused by the handshake.",
               transport.connections_refused);
  page.counter("raft_frames_rejected_total", "Malformed frames from other nodes.",
               transport.frames_rejected);
  page.counter("raft_bytes_sent_total", "Bytes sent to other nodes.", transport.bytes_sent);
  page.counter("raft_bytes_received_total", "Bytes received from other nodes.",
               transport.bytes_received);
}

void replies(Page& page, const HttpCounters& http) {
  page.family("kv_http_requests_total", "counter", "Requests answered, by route and status.");
  for (std::size_t route = 0; route < route_class_count; ++route) {
    const std::string route_label = label("route", to_string(static_cast<RouteClass>(route)));
    for (std::size_t at = 0; at < http.replies[route].size(); ++at) {
      const std::uint64_t count = http.replies[route][at];
      // A sample appears with its first reply: most of the combinations never happen.
      if (count == 0) continue;
      const bool listed = at < HttpCounters::statuses.size();
      const std::string status = listed ? std::to_string(HttpCounters::statuses[at]) : "other";
      page.sample(count, route_label + "," + label("status", status));
    }
  }
}

void http_state(Page& page, const HttpCounters& http) {
  replies(page, http);
  page.gauge("kv_http_connections", "Open client connections.", http.connections_open);
  page.counter("kv_http_connections_accepted_total", "Client connections accepted.",
               http.connections_accepted);
  page.family("kv_http_connections_closed_total", "counter", "Client connections cut, by reason.");
  page.sample(http.connections_refused, label("reason", "limit"));
  page.sample(http.connections_idle, label("reason", "idle"));
  page.sample(http.connections_slow, label("reason", "slow"));
  page.gauge("kv_http_body_bytes_inflight", "Request bodies held in memory.",
             http.body_bytes_inflight);
  page.counter("kv_http_bytes_received_total", "Bytes received from clients.", http.bytes_received);
  page.counter("kv_http_bytes_sent_total", "Bytes sent to clients.", http.bytes_sent);
}

}  // namespace

std::string metrics_text(const Facts& facts, const HttpCounters& http) {
  Page page;
  page.family("kv_build_info", "gauge", "Always 1; the version is in the label.");
  page.sample(std::uint64_t{1}, label("version", KVSERVER_VERSION));
  page.family("kv_uptime_seconds", "gauge", "Since this process began to serve.");
  page.sample(std::chrono::duration<double>(facts.uptime).count());
  page.gauge("kv_keys", "Keys stored.", facts.totals.keys);
  page.gauge("kv_stored_bytes", "Bytes of keys and values.", facts.totals.bytes);
  page.gauge("kv_watchers", "Open watches and long polls.", facts.watchers);
  page.counter("kv_watch_overflows_total", "Watches dropped because they fell behind.",
               facts.watch_overflows);
  raft_state(page, facts.status);
  raft_counters(page, facts.status.counters);
  raft_peers(page, facts.status);
  transport(page, facts.transport);
  http_state(page, http);
  return page.take();
}

}  // namespace kv
