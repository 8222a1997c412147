# The targets that a test links stand in its first line:
#
#     /* links: cdc_event */
#
# so that a new test needs no change of a CMake file.
function(cdc_links source ret)
    file(STRINGS ${source} first LIMIT_COUNT 1)
    if(NOT first MATCHES "^/\\* links: ([a-z0-9_ ]+) \\*/$")
        message(FATAL_ERROR "${source}: line 1 must be /* links: TARGET... */")
    endif()
    string(REPLACE " " ";" targets "${CMAKE_MATCH_1}")
    set(${ret} ${targets} PARENT_SCOPE)
endfunction()
