# How everything here is compiled: the standard, the warnings, hardening and sanitizers. What this
# file sets is seen by this project's own folders only, never by a project that contains it.

if(NOT DEFINED CMAKE_CXX_STANDARD)
  set(CMAKE_CXX_STANDARD 20)
endif()
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
  endif()
  # The sloppiness lets ccache serve what was compiled with a precompiled header; without the
  # directory in the hash, build trees of the same flags share their objects.
  find_program(LIBRAFT_CCACHE ccache)
  if(LIBRAFT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_NOHASHDIR=1
        ${LIBRAFT_CCACHE})
  endif()
endif()

option(LIBRAFT_WERROR "Treat warnings as errors" OFF)
set(LIBRAFT_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

# Warnings, hardening and sanitizers for our own targets; never for the user's.
add_library(libraft_flags INTERFACE)
target_compile_options(libraft_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(libraft_flags INTERFACE -Wthread-safety)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -O3 g++ 12 sees copies that overlap in "..." + std::string (GCC bug 105651).
  target_compile_options(libraft_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND LIBRAFT_SANITIZE MATCHES thread)
  # Asio's fences are not understood by g++'s ThreadSanitizer, which says so at each of them.
  target_compile_options(libraft_flags INTERFACE -Wno-tsan)
endif()
if(LIBRAFT_WERROR)
  target_compile_options(libraft_flags INTERFACE -Werror)
endif()
target_compile_definitions(libraft_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(LIBRAFT_SANITIZE)
  target_compile_options(libraft_flags INTERFACE -fsanitize=${LIBRAFT_SANITIZE}
                         -fno-omit-frame-pointer -g1)
  target_link_options(libraft_flags INTERFACE -fsanitize=${LIBRAFT_SANITIZE})
  if(LIBRAFT_SANITIZE MATCHES undefined)
    target_compile_options(libraft_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
else()
  target_compile_definitions(libraft_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  target_link_options(libraft_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

# To read the standard library takes longer than to compile what uses it. Off by default, so that a
# header that a file forgets to include is noticed.
option(LIBRAFT_PRECOMPILE "Precompile the standard library's headers" OFF)

# libraft_precompile(TARGET [FIRST]) gives a library of ours the headers that nearly all of its files
# use. They are compiled once, with the first of them, and again for those that FIRST leads.
function(libraft_precompile target)
  if(NOT LIBRAFT_PRECOMPILE)
    return()
  endif()
  set(first ${ARGN})
  if(NOT first)
    set(first raft_util)
  endif()
  if(NOT TARGET ${first} OR target STREQUAL first)
    target_precompile_headers(${target} PRIVATE
      <algorithm> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional> <set> <string>
      <string_view> <utility> <variant> <vector>)
  else()
    target_precompile_headers(${target} REUSE_FROM ${first})
  endif()
endfunction()

# libraft_compile_quickly(TARGET): a library of many templates that mostly waits. To optimise it with
# a sanitizer's checks takes longer than all that is saved.
function(libraft_compile_quickly target)
  if(LIBRAFT_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
    libraft_precompile(${target} raft_net)
  else()
    libraft_precompile(${target})
  endif()
endfunction()
