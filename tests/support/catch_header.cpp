// The unit for which Catch's header is precompiled; every test reuses the result.
#include <catch2/catch.hpp>
