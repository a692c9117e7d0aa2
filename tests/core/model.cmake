# The model of a cluster, shared by the scenarios, the scripts and the explorer.
include_guard(GLOBAL)
add_library(core_model STATIC EXCLUDE_FROM_ALL
  ${CMAKE_CURRENT_LIST_DIR}/cluster.cpp
  ${CMAKE_CURRENT_LIST_DIR}/model_disk.cpp
  ${CMAKE_CURRENT_LIST_DIR}/safety.cpp)
target_include_directories(core_model PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(core_model PUBLIC raft_core PRIVATE libraft_flags)
