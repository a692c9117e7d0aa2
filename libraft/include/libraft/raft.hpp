// Everything that a user of libraft needs.
#pragma once

#include <libraft/error.hpp>
#include <libraft/error_code.hpp>
#include <libraft/membership.hpp>
#include <libraft/node.hpp>
#include <libraft/options.hpp>
#include <libraft/request.hpp>
#include <libraft/state_machine.hpp>
#include <libraft/status.hpp>
#include <libraft/types.hpp>
