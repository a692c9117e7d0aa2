# One way of using the library, from its sources or its installed files to a program that counts.
# Catches: a header that is not installed, a usage requirement that only our own build has, a
# setting that leaks into the user's project, a name that collides with Debian's libraft.

include(${FOLDER}/settings.cmake)
set(prefix ${FOLDER}/prefix)
set(work ${FOLDER}/${WAY})

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The second run finds what the first one left on disk.
function(expect_counting program)
  file(REMOVE_RECURSE ${work}/data)
  foreach(expected 1 2 3)
    execute_process(COMMAND ${program} ${work}/data OUTPUT_VARIABLE printed TIMEOUT 20
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    if(NOT printed STREQUAL expected)
      message(FATAL_ERROR "run ${expected} of ${program} printed '${printed}'")
    endif()
  endforeach()
  file(REMOVE_RECURSE ${work}/data)
endfunction()

file(MAKE_DIRECTORY ${work})
if(WAY STREQUAL install)
  file(REMOVE_RECURSE ${prefix})
  run(${CMAKE_COMMAND} --install ${BUILD} --component libraft --prefix ${prefix})
elseif(WAY STREQUAL find_package)
  run(${CMAKE_COMMAND} -G Ninja --fresh -S ${SOURCE}/tests/package/find_package -B ${work}
      -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_PREFIX_PATH=${prefix}
      -DEXAMPLES=${SOURCE}/libraft/examples)
  run(${CMAKE_COMMAND} --build ${work})
  expect_counting(${work}/counter)
  run(${work}/simulate_my_machine)
elseif(WAY STREQUAL pkg_config)
  file(GLOB_RECURSE pc ${prefix}/libraft-cpp.pc)
  cmake_path(GET pc PARENT_PATH pc_folder)
  set(ENV{PKG_CONFIG_PATH} ${pc_folder})
  execute_process(COMMAND pkg-config --cflags --libs libraft-cpp OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND ${flags})
  run(${CXX} -std=c++20 ${SOURCE}/libraft/examples/counter.cpp ${flags} -o ${work}/counter)
  expect_counting(${work}/counter)
elseif(WAY STREQUAL subdirectory)
  # With the other compiler, and with the flags of the tree that it compiles for its warnings, so
  # that ccache need not do it twice.
  run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/package/subdirectory -B ${work}
      -DCMAKE_CXX_COMPILER=${CLANG} -DLIBRAFT_WERROR=ON
      -DFETCHCONTENT_SOURCE_DIR_LIBRAFT=${SOURCE})
  run(${CMAKE_COMMAND} --build ${work} --target counter)
  expect_counting(${work}/counter)
else()
  message(FATAL_ERROR "no such way: '${WAY}'")
endif()
