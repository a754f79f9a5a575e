# Helpers shared by the CMakeLists of every folder.

# Two checkouts share objects: ccache makes paths of the checkout relative before it compares, and it does not compare
# the directories in which they are built.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  ${CCACHE_PROGRAM})
endif()

option(MILENA_SANITIZE "build with address and undefined-behaviour sanitizers" OFF)
if(MILENA_SANITIZE)
  # GCC takes the checks themselves for uses of what is not set.
  add_compile_options(-Wno-maybe-uninitialized)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# Every warning is an error, in our own code only.
function(milena_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
endfunction()

function(milena_for_size target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Os>)
endfunction()

# milena_library(log SOURCES a.cc b.cc [HOT REGEX] LINKS milena_protocol ...): the one library of a floor. Where HOT is given,
# only the sources whose paths match it are compiled for speed; the others run seldom and are compiled for size.
function(milena_library name)
  cmake_parse_arguments(ARG "" "HOT" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  set(parts milena_${name})
  set(cold)
  if(DEFINED ARG_HOT)
    set(cold ${ARG_SOURCES})
    list(FILTER cold EXCLUDE REGEX ${ARG_HOT})
    list(REMOVE_ITEM ARG_SOURCES ${cold})
    list(APPEND parts milena_${name}_cold)
    add_library(milena_${name}_cold OBJECT ${cold})
    milena_for_size(milena_${name}_cold)
    target_link_libraries(milena_${name}_cold PRIVATE ${ARG_LINKS} ${ARG_PRIVATE_LINKS})
    set(cold $<TARGET_OBJECTS:milena_${name}_cold>)
  endif()
  add_library(milena_${name} STATIC ${ARG_SOURCES} ${cold})
  target_link_libraries(milena_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  foreach(part ${parts})
    target_include_directories(${part} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
    # What the tests are built with has faults to be found by tests/sim/node: none unless it is told which.
    target_compile_definitions(${part} PRIVATE $<$<CONFIG:Debug>:MILENA_PLANTED_STORAGE_BUGS>)
    set_target_properties(${part} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8 LINKER_LANGUAGE CXX)
    milena_warnings(${part})
  endforeach()
endfunction()

# milena_test(log SOURCES ... LINKS ...): one GoogleTest executable per floor, one ctest entry each.
function(milena_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  find_package(GTest REQUIRED)
  add_executable(test_${name} ${ARG_SOURCES})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${ARG_LINKS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(test_${name} PRIVATE MILENA_GOLDEN_DIR="${CMAKE_SOURCE_DIR}/tests/golden")
  set_target_properties(test_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
  milena_warnings(test_${name})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
endfunction()

function(milena_add_floors)
  foreach(floor ${ARGN})
    if(EXISTS ${CMAKE_SOURCE_DIR}/src/${floor}/CMakeLists.txt)
      add_subdirectory(${CMAKE_SOURCE_DIR}/src/${floor})
    endif()
  endforeach()
endfunction()

function(milena_add_tests)
  foreach(floor ${ARGN})
    if(EXISTS ${CMAKE_SOURCE_DIR}/tests/${floor}/CMakeLists.txt)
      add_subdirectory(${CMAKE_SOURCE_DIR}/tests/${floor})
    endif()
  endforeach()
endfunction()
