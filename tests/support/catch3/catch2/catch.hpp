// The name that Catch2 2 gave to its only header, for Catch2 3.
#pragma once

#include <catch2/catch_all.hpp>

using Catch::Approx;
