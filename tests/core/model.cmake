# The model of a cluster, shared by the scenarios, the scripts and the explorer.
include_guard(GLOBAL)
add_library(core_model STATIC EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/tests/core/cluster.cpp
  ${PROJECT_SOURCE_DIR}/tests/core/model_disk.cpp
  ${PROJECT_SOURCE_DIR}/tests/core/safety.cpp)
target_include_directories(core_model PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(core_model PUBLIC raft_core PRIVATE libraft_flags)
