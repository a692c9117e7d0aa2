# `cmake --install BUILD --component libraft`: headers, archives, CMake package, pkg-config file.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libraft)

install(TARGETS libraft_core libraft_sim libraft_raft EXPORT libraft-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libraft)
install(EXPORT libraft-targets NAMESPACE libraft:: DESTINATION ${package_dir} COMPONENT libraft)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/libraft/include/libraft
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libraft)
# libraft::core has headers of its own. They are kept apart: only who links it finds them.
foreach(layer util protocol core)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/libraft/src/${layer}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/libraft-core COMPONENT libraft
          FILES_MATCHING PATTERN "*.hpp")
endforeach()

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/libraft/cmake/libraft-config.cmake.in
  ${PROJECT_BINARY_DIR}/libraft-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/libraft-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libraft-config.cmake
              ${PROJECT_BINARY_DIR}/libraft-config-version.cmake
        DESTINATION ${package_dir} COMPONENT libraft)

# The pkg-config file finds its prefix from where it lies, so that the tree can be moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/libraft/cmake/libraft-cpp.pc.in
               ${PROJECT_BINARY_DIR}/libraft-cpp.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libraft-cpp.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libraft)
