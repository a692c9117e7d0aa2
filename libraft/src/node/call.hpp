// A completion handler on its way: keeps its executor busy until it has run, exactly once.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/system/error_code.hpp>
#include <tuple>
#include <utility>

#include <libraft/error.hpp>
#include <libraft/error_code.hpp>

namespace raft::node {

inline boost::system::error_code code_of(const Result<void>& result) {
  return result ? boost::system::error_code{} : make_error_code(result.code());
}

template <class... Args>
class Call {
 public:
  using Handler = boost::asio::any_completion_handler<void(boost::system::error_code, Args...)>;

  /// `strand` is where operations end, and runs handlers that name no executor of their own.
  Call(Handler handler, boost::asio::any_io_executor strand)
      : handler_(std::move(handler)),
        strand_(std::move(strand)),
        executor_(boost::asio::get_associated_executor(handler_, strand_)),
        work_(boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked)) {}

  auto cancellation_slot() { return boost::asio::get_associated_cancellation_slot(handler_); }

  /// From a place that is not the initiating call: runs the handler here if this is its executor.
  void complete(boost::system::error_code error, Args... args) {
    boost::asio::dispatch(executor_, bind(error, std::move(args)...));
  }
  /// From within the initiating call.
  void complete_later(boost::system::error_code error, Args... args) {
    boost::asio::post(strand_,
                      [executor = executor_, call = bind(error, std::move(args)...)]() mutable {
                        boost::asio::dispatch(executor, std::move(call));
                      });
  }
  /// Never here and now, nor by way of the strand, which may never run again.
  void complete_elsewhere(boost::system::error_code error, Args... args) {
    const auto executor = boost::asio::prefer(executor_, boost::asio::execution::blocking.never);
    executor.execute(bind(error, std::move(args)...));
  }

 private:
  auto bind(boost::system::error_code error, Args... args) {
    return [handler = std::move(handler_), work = std::move(work_), error,
            arguments = std::make_tuple(std::move(args)...)]() mutable {
      // The slot may hold a function of ours, which must not outlive the operation.
      if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
        slot.clear();
      }
      auto finished = std::move(handler);
      work = {};
      std::apply([&](auto&&... values) { std::move(finished)(error, std::move(values)...); },
                 std::move(arguments));
    };
  }

  using Associated = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

  Handler handler_;
  boost::asio::any_io_executor strand_;
  Associated executor_;
  Associated work_;
};

}  // namespace raft::node
