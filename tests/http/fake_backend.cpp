#include "http/fake_backend.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

namespace http_test {
namespace {

boost::system::error_code error_of(const std::optional<raft::Errc>& failure) {
  return failure ? raft::make_error_code(*failure) : boost::system::error_code();
}

}  // namespace

void FakeBackend::set_members(const std::vector<raft::NodeId>& voters) {
  auto membership = std::make_shared<raft::Membership>();
  for (const raft::NodeId id : voters) membership->members.emplace_back().id = id;
  state.membership = {{5}, std::move(membership)};
}

void FakeBackend::release_one() {
  auto completion = std::move(held_.front());
  held_.pop_front();
  boost::asio::post(context_, std::move(completion));
}

std::string FakeBackend::http_address(raft::NodeId id) const {
  const auto found = addresses.find(id);
  return found == addresses.end() ? "" : found->second;
}

raft::Result<std::optional<kv::Item>> FakeBackend::get(kv::BytesView key) const {
  const auto found = items.find(std::string(key));
  if (found == items.end()) return std::optional<kv::Item>();
  return std::optional<kv::Item>(found->second);
}

raft::Result<void> FakeBackend::scan(const kv::Range& range, const kv::Visitor& visit) const {
  const auto show = [&](const auto& entry) {
    const auto& [key, item] = entry;
    if (!key.starts_with(range.prefix)) return true;
    if (range.after && (range.descending ? key >= *range.after : key <= *range.after)) return true;
    return visit(key, {item.value, item.create_index, item.change_index, item.version});
  };
  const bool went_on = range.descending ? std::all_of(items.rbegin(), items.rend(), show)
                                        : std::all_of(items.begin(), items.end(), show);
  static_cast<void>(went_on);
  return {};
}

void FakeBackend::propose(kv::Bytes command, raft::ProposeOptions with, Proposed done) {
  commands.push_back(command);
  options.push_back(std::move(with));
  auto shared = std::make_shared<Proposed>(std::move(done));
  finish([this, command, shared] {
    raft::Applied applied;
    if (!failure) {
      applied.id = {where.term, where.applied.next()};
      where.applied = where.applied.next();
      const auto decoded = kv::decode_command(command);
      applied.reply = kv::encode(decoded ? apply(*decoded) : kv::Reply{});
    }
    std::move (*shared)(error_of(failure), std::move(applied));
  });
}

void FakeBackend::read_barrier(raft::ReadLevel level, raft::Duration, Handler done) {
  barriers.push_back(level);
  if (at_barrier) at_barrier();
  complete(std::move(done));
}

void FakeBackend::add_member(raft::Member member, Changed done) {
  added.push_back(std::move(member));
  complete(std::move(done));
}

void FakeBackend::remove_member(raft::NodeId id, Changed done) {
  removed.push_back(id);
  complete(std::move(done));
}

void FakeBackend::transfer_leadership(raft::NodeId to, Changed done) {
  transfers.push_back(to);
  complete(std::move(done));
}

void FakeBackend::complete(Handler done) {
  auto shared = std::make_shared<Handler>(std::move(done));
  finish([this, shared] { std::move (*shared)(error_of(failure)); });
}

void FakeBackend::complete(Changed done) {
  auto shared = std::make_shared<Changed>(std::move(done));
  finish([this, shared] { std::move (*shared)(error_of(refusal), refusal ? why : std::string()); });
}

void FakeBackend::finish(std::function<void()> completion) {
  held_.push_back(std::move(completion));
  if (!holding) release_one();
}

bool FakeBackend::holds(const kv::Condition& condition, const kv::Item* item) const {
  if (std::holds_alternative<kv::Exists>(condition)) return item != nullptr;
  if (const auto* unchanged = std::get_if<kv::Unchanged>(&condition)) {
    return unchanged->since == (item != nullptr ? item->change_index : kv::Index{0});
  }
  return true;
}

kv::Reply FakeBackend::apply(const kv::Command& command) {
  const auto key = std::visit([](const auto& each) { return std::string(each.key); }, command);
  const auto condition = std::visit([](const auto& each) { return each.condition; }, command);
  const auto found = items.find(key);
  const kv::Item* item = found == items.end() ? nullptr : &found->second;
  if (!holds(condition, item)) {
    return {kv::Outcome::precondition_failed, item != nullptr ? item->change_index : kv::Index{0}};
  }
  const auto* put = std::get_if<kv::Put>(&command);
  if (put == nullptr) {
    if (item == nullptr) return {kv::Outcome::not_found, {}};
    items.erase(found);
    history.add({where.applied, key, std::nullopt});
    history.publish();
    return {kv::Outcome::deleted, where.applied};
  }
  const bool is_new = item == nullptr;
  kv::Item& place = items[key];
  place.value = put->value;
  place.change_index = where.applied;
  if (is_new) place.create_index = where.applied;
  ++place.version;
  history.add({where.applied, key, place});
  history.publish();
  return {is_new ? kv::Outcome::created : kv::Outcome::replaced, where.applied};
}

}  // namespace http_test
