# What a failure prints: the invariant, and as the very last line the command that shows it again.
# Catches a report that nobody can do anything with. A cluster of no nodes fails for sure.
function(expect_failure last_line)
  execute_process(COMMAND ${BINARY} ${ARGN} OUTPUT_VARIABLE printed RESULT_VARIABLE code
                  ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT code EQUAL 1 OR NOT printed MATCHES "\nthe last events of seed 7:\n"
     OR NOT printed MATCHES "\nseed 7 violates V1: [^\n]+\n${last_line}$")
    message(FATAL_ERROR "ends with ${code} and this report:\n${printed}")
  endif()
endfunction()

set(script ${CMAKE_CURRENT_BINARY_DIR}/failure_report.txt)
file(WRITE ${script} "seed 7\nnodes 0\noperations 30\n")
expect_failure("raft-sim --seed 7 --nodes 0 --steps 30 --trace" --seed 7 --nodes 0 --steps 30)
expect_failure("raft-sim --seed 7 --nodes 0 --steps 30 --only drop,crash --trace"
               --seed 7 --nodes 0 --steps 30 --only crash,drop)
expect_failure("raft-sim --replay ${script} --trace" --replay ${script})
