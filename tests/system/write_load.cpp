#include "system/write_load.hpp"

#include <boost/json/value.hpp>

namespace system_test {

namespace {

bool certainly_not_applied(const HttpReply& reply) {
  const boost::json::value body = reply.json();
  if (!body.is_object()) return false;
  const auto* applied = body.get_object().if_contains("applied");
  return applied != nullptr && *applied == "no";
}

// A read may hit the moment of an election; then it says so, and is asked again.
HttpReply read_key(HttpClient& client, const std::string& key, const std::string& query = "") {
  HttpReply reply;
  wait_for("key " + key + " can be read", [&] {
    reply = client.get("/v1/kv/" + key + query);
    return reply.status == 200 || reply.status == 404;
  });
  return reply;
}

}  // namespace

WriteLoad::WriteLoad(std::vector<std::string> addresses) : addresses_(std::move(addresses)) {
  for (std::size_t writer = 0; writer < addresses_.size(); ++writer) {
    writers_.emplace_back([this, writer] { write(writer); });
  }
}

WriteLoad::~WriteLoad() { stop(); }

void WriteLoad::write(std::size_t writer) {
  std::size_t target = writer;
  HttpClient client(addresses_[target]);
  for (std::size_t count = 0; !stopping_; ++count) {
    const std::string key = "load-" + std::to_string(writer) + "-" + std::to_string(count);
    const std::string value = "value of " + key;
    const HttpReply reply = client.put("/v1/kv/" + key + "?timeout=2s", value);
    const bool is_done = reply.status == 200 || reply.status == 201;
    {
      const std::lock_guard lock(mutex_);
      if (is_done) written_.acknowledged[key] = value;
      if (!is_done && certainly_not_applied(reply)) written_.refused.insert(key);
    }
    if (is_done) continue;
    target = (target + 1) % addresses_.size();
    client = HttpClient(addresses_[target]);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::size_t WriteLoad::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return written_.acknowledged.size();
}

void WriteLoad::wait_more(std::size_t count) const {
  const std::size_t goal = acknowledged() + count;
  wait_for("writes are acknowledged again", [&] { return acknowledged() >= goal; });
}

Written WriteLoad::stop() {
  stopping_ = true;
  for (std::thread& writer : writers_) writer.join();
  writers_.clear();
  const std::lock_guard lock(mutex_);
  return written_;
}

Churn::Churn(std::vector<std::string> addresses) : addresses_(std::move(addresses)) {
  for (std::size_t writer = 0; writer < addresses_.size() * writers_per_address; ++writer) {
    writers_.emplace_back([this, writer](const std::stop_token& stop) { write(writer, stop); });
  }
}

void Churn::write(std::size_t writer, const std::stop_token& stop) {
  const std::string target = "/v1/kv/churn-" + std::to_string(writer) + "?timeout=1s";
  const std::string value(2000, 'c');
  HttpClient client(addresses_[writer % addresses_.size()]);
  while (!stop.stop_requested()) {
    if (client.put(target, value).status / 100 == 2) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void require_all_there(Cluster& cluster, const Written& written) {
  REQUIRE_FALSE(written.acknowledged.empty());
  for (const int id : cluster.running()) {
    HttpClient client = cluster.client(id);
    // Behind this one the node has all that was acknowledged, and answers by itself.
    read_key(client, written.acknowledged.begin()->first);
    const std::string by_itself = "?consistency=stale";
    for (const auto& [key, value] : written.acknowledged) {
      const HttpReply reply = read_key(client, key, by_itself);
      if (reply.status != 200 || reply.body != value) {
        FAIL("node " << id << " answers " << reply.status << " for acknowledged " << key);
      }
    }
    for (const std::string& key : written.refused) {
      if (read_key(client, key, by_itself).status != 404) {
        FAIL("refused " << key << " is on node " << id);
      }
    }
  }
}

}  // namespace system_test
