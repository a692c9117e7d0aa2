# Finds what libraft is built on. Whatever is missing is named by the package that has it.

# libraft_require(PACKAGE DEBIAN_PACKAGES [arguments of find_package ...])
# The targets are global, so that a project that contains this one can link them too.
macro(libraft_require package debian_packages)
  find_package(${package} ${ARGN} QUIET GLOBAL)
  if(NOT ${package}_FOUND)
    set(libraft_wanted ${package} ${ARGN})
    list(JOIN libraft_wanted " " libraft_wanted)
    message(FATAL_ERROR
      "libraft needs ${libraft_wanted}, which was not found.\n"
      "Debian and Ubuntu: apt-get install ${debian_packages}\n"
      "${${package}_NOT_FOUND_MESSAGE}")
  endif()
endmacro()

# With Boost 1.74, the default of Debian 12, coroutines compile neither on g++ 12 nor on clang 14.
libraft_require(Boost "libboost1.81-dev (or libboost-dev where that is 1.81 or newer)" 1.81)
libraft_require(RocksDB "librocksdb-dev")
libraft_require(OpenSSL "libssl-dev")
libraft_require(Threads "libc6-dev")

if(LIBRAFT_BUILD_KVSERVER OR LIBRAFT_BUILD_RAFT_SIM)
  libraft_require(Boost
    "libboost-program-options1.81-dev (or libboost-program-options-dev where that is 1.81 or newer)"
    1.81 COMPONENTS program_options)
endif()
if(LIBRAFT_BUILD_TESTS)
  libraft_require(Catch2 "catch2")
endif()
